#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "interop";
static int stop_pipe[2] = {-1, -1};

uint64_t now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        fatal(EXIT_SYSTEM, "no monotonic clock: %s", strerror(errno));
    }
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int ms_until(uint64_t deadline_ns) {
    uint64_t now = now_ns();
    if (deadline_ns <= now) {
        return 0;
    }
    uint64_t ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
    return ms > 1000000 ? 1000000 : (int)ms;
}

long peak_memory_kib(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        fatal(EXIT_SYSTEM, "no resource usage: %s", strerror(errno));
    }
#ifdef __APPLE__
    return usage.ru_maxrss / 1024;
#else
    return usage.ru_maxrss;
#endif
}

#define PATH_PREFIX "unix:"

bool is_path(const char *host) { return strncmp(host, PATH_PREFIX, strlen(PATH_PREFIX)) == 0; }

void format_endpoint(char *text, size_t octets, const char *host, unsigned port, unsigned offset) {
    if (is_path(host)) {
        snprintf(text, octets, "ipc://%s%s", host + strlen(PATH_PREFIX), offset == 0 ? "" : ".1");
    } else {
        snprintf(text, octets, "tcp://%s:%u", host, port + offset);
    }
}

void support_init(const char *argv0) {
    const char *slash = strrchr(argv0, '/');
    program_name = slash != NULL ? slash + 1 : argv0;
}

noreturn void fatal(int status, const char *format, ...) {
    va_list list;
    flockfile(stderr);
    fprintf(stderr, "%s: ", program_name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    fflush(stderr);
    funlockfile(stderr);
    fflush(stdout);
    /* No exit handlers: another thread may be inside the library under test. */
    _exit(status);
}

void say(const char *format, ...) {
    va_list list;
    flockfile(stdout);
    va_start(list, format);
    vfprintf(stdout, format, list);
    va_end(list);
    fputc('\n', stdout);
    fflush(stdout);
    funlockfile(stdout);
}

void *must_alloc(size_t octets) {
    void *block = calloc(1, octets == 0 ? 1 : octets);
    if (block == NULL) {
        fatal(EXIT_SYSTEM, "no memory for %zu octets", octets);
    }
    return block;
}

void *must_grow(void *block, size_t octets) {
    void *grown = realloc(block, octets == 0 ? 1 : octets);
    if (grown == NULL) {
        fatal(EXIT_SYSTEM, "no memory for %zu octets", octets);
    }
    return grown;
}

char *must_copy(const char *text, size_t octets) {
    char *copy = must_alloc(octets + 1);
    memcpy(copy, text, octets);
    return copy;
}

uint64_t random_next(random_source_t *source) {
    source->state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = source->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint32_t random_below(random_source_t *source, uint32_t limit) {
    return (uint32_t)(((random_next(source) >> 32) * limit) >> 32);
}

uint8_t pattern_octet(uint64_t address, uint64_t seed) {
    random_source_t source = {address ^ (seed * 0xd6e8feb86659fd93ULL)};
    return (uint8_t)random_next(&source);
}

uint64_t parse_number(const char *text, const char *what) {
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || *text == '-') {
        fatal(EXIT_USAGE, "%s: \"%s\" is not a number", what, text);
    }
    return value;
}

double parse_seconds(const char *text, const char *what) {
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.0 && value <= 1e6)) {
        fatal(EXIT_USAGE, "%s: \"%s\" is not a time in seconds", what, text);
    }
    return value;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return -1;
}

long hex_decode(const char *text, uint8_t *octets, size_t capacity) {
    size_t count = 0;
    while (text[0] != '\0') {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || count == capacity) {
            return -1;
        }
        octets[count] = (uint8_t)(high << 4 | low);
        count += 1;
        text += 2;
    }
    return (long)count;
}

char *hex_encode(const uint8_t *octets, size_t count) {
    static const char digits[] = "0123456789abcdef";
    char *text = must_alloc(2 * count + 1);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[octets[i] >> 4];
        text[2 * i + 1] = digits[octets[i] & 15];
    }
    return text;
}

char *escape_text(const uint8_t *octets, size_t count) {
    char *text = must_alloc(4 * count + 1);
    char *out = text;
    for (size_t i = 0; i < count; i++) {
        if (octets[i] >= 0x20 && octets[i] <= 0x7e && octets[i] != '\\') {
            *out++ = (char)octets[i];
        } else {
            out += snprintf(out, 5, "\\x%02x", octets[i]);
        }
    }
    return text;
}

void range_list_add(range_list_t *list, const char *argument, const char *what) {
    address_range_t range;
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    char *numbers = must_copy(argument, length);
    char *dash = strchr(numbers, '-');
    if (dash != NULL) {
        *dash = '\0';
    }
    range.first = parse_number(numbers, what);
    range.last = dash != NULL ? parse_number(dash + 1, what) : range.first;
    if (range.last < range.first) {
        fatal(EXIT_USAGE, "%s: the range \"%s\" is empty", what, argument);
    }
    range.text = must_copy(equals != NULL ? equals + 1 : "", equals ? strlen(equals + 1) : 0);
    free(numbers);
    list->items = must_grow(list->items, (list->count + 1) * sizeof list->items[0]);
    list->items[list->count] = range;
    list->count += 1;
}

const address_range_t *range_list_find(const range_list_t *list, uint64_t address, uint32_t size) {
    uint64_t last = size == 0 ? address : address + (size - 1);
    if (last < address) {
        last = UINT64_MAX;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (address <= list->items[i].last && last >= list->items[i].first) {
            return &list->items[i];
        }
    }
    return NULL;
}

void range_list_free(range_list_t *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].text);
    }
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

void line_reader_init(line_reader_t *reader, int fd) {
    memset(reader, 0, sizeof *reader);
    reader->fd = fd;
    reader->buffer = must_alloc(LINE_OCTETS_MAX);
}

void line_reader_fill(line_reader_t *reader) {
    memmove(reader->buffer, reader->buffer + reader->taken, reader->used - reader->taken);
    reader->used -= reader->taken;
    reader->taken = 0;
    if (reader->used == LINE_OCTETS_MAX) {
        fatal(EXIT_USAGE, "an input line is longer than %u octets", LINE_OCTETS_MAX);
    }
    ssize_t got;
    do {
        got = read(reader->fd, reader->buffer + reader->used, LINE_OCTETS_MAX - reader->used);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        fatal(EXIT_SYSTEM, "cannot read the input: %s", strerror(errno));
    }
    reader->ended = got == 0;
    reader->used += (size_t)got;
}

char *line_reader_next(line_reader_t *reader) {
    char *start = reader->buffer + reader->taken;
    char *end = memchr(start, '\n', reader->used - reader->taken);
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    reader->taken = (size_t)(end - reader->buffer) + 1;
    return start;
}

void line_reader_free(line_reader_t *reader) {
    free(reader->buffer);
    reader->buffer = NULL;
}

static void on_stop_signal(int number) {
    int saved = errno;
    char octet = (char)number;
    /* A full pipe means that the request is already there. */
    ssize_t written = write(stop_pipe[1], &octet, 1);
    (void)written;
    errno = saved;
}

int stop_signal_fd(void) {
    if (stop_pipe[0] >= 0) {
        return stop_pipe[0];
    }
    if (pipe(stop_pipe) != 0) {
        fatal(EXIT_SYSTEM, "no pipe for signals: %s", strerror(errno));
    }
    for (int i = 0; i < 2; i++) {
        fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
        fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK);
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop_signal;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) {
        fatal(EXIT_SYSTEM, "no signal handler: %s", strerror(errno));
    }
    return stop_pipe[0];
}

const char *arguments_next(arguments_t *arguments) {
    if (arguments->next >= arguments->count) {
        return NULL;
    }
    return arguments->items[arguments->next++];
}

const char *arguments_value(arguments_t *arguments, const char *name) {
    const char *value = arguments_next(arguments);
    if (value == NULL) {
        fatal(EXIT_USAGE, "%s needs a value", name);
    }
    return value;
}
