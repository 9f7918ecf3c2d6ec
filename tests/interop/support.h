/*
 * What every program of this directory needs: a monotonic clock, seeded random numbers, whole
 * lines on standard output, option parsing, lines from standard input, and a stop request that a
 * poll can wait for. Single-threaded unless a function says otherwise.
 */
#ifndef INTEROP_SUPPORT_H
#define INTEROP_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/* How a program ends; the driver tells the cases apart by these. */
enum exit_status {
    EXIT_FINE = 0,
    EXIT_DIFFERENCE = 1, /* a wrong value, a foreign answer, an unexpected error */
    EXIT_USAGE = 2,
    EXIT_VIOLATION = 3, /* the peer sent what the protocol forbids */
    EXIT_SYSTEM = 4     /* a system call failed */
};

/* Longest line taken from standard input: a written block of 1 MiB as hexadecimal text. */
#define LINE_OCTETS_MAX (4U << 20)

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

/* The monotonic clock in nanoseconds. Any thread. */
uint64_t now_ns(void);

/* Milliseconds until `deadline_ns`, rounded up, for a poll; 0 when it has passed. Any thread. */
int ms_until(uint64_t deadline_ns);

/* The largest resident size so far, in KiB (octets / 1024). Any thread. */
long peak_memory_kib(void);

/* Whether a host is a path of this one, "unix:/run/board.sock": it has no port. */
bool is_path(const char *host);

/* ZeroMQ's endpoint at `port` + `offset` of `host`; at a path, that or the file beside it. */
void format_endpoint(char *text, size_t octets, const char *host, unsigned port, unsigned offset);

/* The process's name for messages: the last part of argv[0]. */
void support_init(const char *argv0);

/* Writes one line to standard error and ends the process with `status`. Any thread. */
noreturn void fatal(int status, const char *format, ...) PRINTF_LIKE(2, 3);

/* Writes one line to standard output and flushes it. Any thread. */
void say(const char *format, ...) PRINTF_LIKE(1, 2);

/* malloc and friends that end the process when there is no memory. Any thread. */
void *must_alloc(size_t octets);
void *must_grow(void *block, size_t octets);
char *must_copy(const char *text, size_t octets);

/* A small seeded generator (splitmix64); the same seed gives the same sequence everywhere. */
typedef struct random_source {
    uint64_t state;
} random_source_t;
uint64_t random_next(random_source_t *source);
uint32_t random_below(random_source_t *source, uint32_t limit);

/* The octet that the pattern `seed` puts at `address`; any sub-range can be checked on its own. */
uint8_t pattern_octet(uint64_t address, uint64_t seed);

/* Decimal or 0x-hexadecimal; ends the process with EXIT_USAGE, naming `what`, when malformed. */
uint64_t parse_number(const char *text, const char *what);
double parse_seconds(const char *text, const char *what);

/* Hexadecimal text to octets; returns the count, or -1 when it is not hexadecimal. */
long hex_decode(const char *text, uint8_t *octets, size_t capacity);
/* Octets to hexadecimal text; the caller frees it. */
char *hex_encode(const uint8_t *octets, size_t count);
/* `octets` as printable text: everything outside 0x20..0x7e and the backslash becomes \xNN. The
 * caller frees it. */
char *escape_text(const uint8_t *octets, size_t count);

/* Address ranges given on the command line as FIRST-LAST or FIRST, optionally with =TEXT. */
typedef struct address_range {
    uint64_t first;
    uint64_t last; /* inclusive */
    char *text;    /* never NULL; "" when there was no =TEXT */
} address_range_t;

typedef struct range_list {
    address_range_t *items;
    size_t count;
} range_list_t;

void range_list_add(range_list_t *list, const char *argument, const char *what);
/* The first range that the block touches, or NULL. */
const address_range_t *range_list_find(const range_list_t *list, uint64_t address, uint32_t size);
void range_list_free(range_list_t *list);

/* Lines from a descriptor, without ever waiting for more than one read. */
typedef struct line_reader {
    int fd;
    char *buffer;
    size_t used;
    size_t taken;
    bool ended;
} line_reader_t;

void line_reader_init(line_reader_t *reader, int fd);
/* Reads once (waits when nothing is there); sets `ended` at end of file. */
void line_reader_fill(line_reader_t *reader);
/* The next complete line without its end, valid until the next fill; NULL when there is none. */
char *line_reader_next(line_reader_t *reader);
void line_reader_free(line_reader_t *reader);

/* A descriptor that becomes readable, and stays so, once SIGTERM or SIGINT has arrived. */
int stop_signal_fd(void);

/* Values of options: `--name value` and flags; consumed in order by the caller. */
typedef struct arguments {
    int count;
    char **items;
    int next;
} arguments_t;

/* The next argument, or NULL at the end. */
const char *arguments_next(arguments_t *arguments);
/* The value that must follow option `name`; ends the process with EXIT_USAGE without one. */
const char *arguments_value(arguments_t *arguments, const char *name);

#endif
