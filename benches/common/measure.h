/*
 * What every benchmark program measures with: the monotonic clock, a latency histogram, what the
 * process has used up, its memory, and one JSON object per line on standard output. C and C++.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
#define BENCH_NORETURN [[noreturn]]
extern "C" {
#else
#define BENCH_NORETURN _Noreturn
#endif

#define NS_PER_S 1000000000ULL
#define NS_PER_US 1000ULL

/* Where `seen` writes the time at which it makes a request, 8 bytes: those that it does not wait
 * for, and those that it does. */
#define BENCH_SEEN_UNWAITED 0x9000000ULL
#define BENCH_SEEN_WAITED 0x9000008ULL

/* Keeps the compiler from working out at compile time where `pointer` leads. */
#define BENCH_OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

/* How a program ends; the harness takes anything but 0 for a failure of the benchmark. */
enum bench_exit { BENCH_OK = 0, BENCH_WRONG = 1, BENCH_USAGE = 2, BENCH_SYSTEM = 3 };

/* The monotonic clock in nanoseconds. Any thread. */
uint64_t bench_now_ns(void);

/* Writes the program's name and one line to standard error and ends the process with `status`. */
BENCH_NORETURN void bench_fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, ending in what errno says. */
BENCH_NORETURN void bench_fail_errno(const char *what);

/* malloc that ends the process where there is no memory, and whose pages are all there. */
void *bench_alloc(size_t bytes);

/* Decimal number of an option or a key; ends the process with BENCH_USAGE, naming `what`. */
uint64_t bench_number(const char *text, const char *what);
double bench_seconds(const char *text, const char *what);

/* To be called first: the name for messages, and as many descriptors as the system allows. */
void bench_init(const char *argv0);

/* ---- latency ---- */

/* Buckets per power of two: a bucket is at most 1/128 = 0.8 % wide. */
#define BENCH_SUBBUCKET_BITS 7U
#define BENCH_SUBBUCKETS (1U << BENCH_SUBBUCKET_BITS)
/* 2^40 ns are 18 minutes; what is longer is counted there. */
#define BENCH_LATENCY_BITS_MAX 40U
#define BENCH_BUCKETS ((BENCH_LATENCY_BITS_MAX - BENCH_SUBBUCKET_BITS + 1U) * BENCH_SUBBUCKETS)

typedef struct bench_histogram {
    uint64_t samples;
    uint64_t sum_ns;
    uint64_t min_ns; /* UINT64_MAX without samples */
    uint64_t max_ns;
    uint32_t counts[BENCH_BUCKETS];
} bench_histogram_t;

void bench_histogram_clear(bench_histogram_t *histogram);
void bench_histogram_merge(bench_histogram_t *into, const bench_histogram_t *from);
/* The latency that `fraction` (0 to 1) of the samples do not exceed; 0 without samples. */
uint64_t bench_histogram_quantile(const bench_histogram_t *histogram, double fraction);
/* The middle of a bucket in nanoseconds. */
uint64_t bench_bucket_ns(unsigned bucket);

static inline unsigned bench_bucket_of(uint64_t ns) {
    if (ns < BENCH_SUBBUCKETS) {
        return (unsigned)ns;
    }
    unsigned bits = 63U - (unsigned)__builtin_clzll(ns);
    if (bits >= BENCH_LATENCY_BITS_MAX) {
        return BENCH_BUCKETS - 1U;
    }
    unsigned shift = bits - BENCH_SUBBUCKET_BITS;
    return (shift + 1U) * BENCH_SUBBUCKETS + (unsigned)((ns >> shift) - BENCH_SUBBUCKETS);
}

static inline void bench_histogram_add(bench_histogram_t *histogram, uint64_t ns) {
    histogram->counts[bench_bucket_of(ns)] += 1;
    histogram->samples += 1;
    histogram->sum_ns += ns;
    histogram->min_ns = ns < histogram->min_ns ? ns : histogram->min_ns;
    histogram->max_ns = ns > histogram->max_ns ? ns : histogram->max_ns;
}

/* ---- what the process has used ---- */

typedef struct bench_usage {
    uint64_t cpu_ns;      /* user and system time of all threads */
    uint64_t voluntary;   /* context switches because a thread had to wait */
    uint64_t involuntary; /* context switches because another thread was to run */
    uint64_t allocations; /* calls that ask for memory; UINT64_MAX where nobody counts */
} bench_usage_t;

/* What the whole process has used since it began. Any thread. */
bench_usage_t bench_usage_now(void);
/* What has been used between two looks. */
bench_usage_t bench_usage_since(const bench_usage_t *earlier, const bench_usage_t *later);

/* The process's proportional set size in bytes; its resident set size where the kernel does not
 * tell the former. */
uint64_t bench_memory_bytes(void);

/* ---- results ---- */

/*
 * One JSON object on one line of standard output. Not thread safe. Begin, add members, end.
 */
typedef struct bench_json {
    FILE *out;
    bool first;
} bench_json_t;

bench_json_t bench_json_begin(void);
void bench_json_text(bench_json_t *json, const char *key, const char *value);
void bench_json_number(bench_json_t *json, const char *key, uint64_t value);
void bench_json_bool(bench_json_t *json, const char *key, bool value);
void bench_json_numbers(bench_json_t *json, const char *key, const uint64_t *values, size_t count);
/* "latency_ns": {...} with quantiles and the buckets that hold samples, for merging. */
void bench_json_histogram(bench_json_t *json, const bench_histogram_t *histogram);
/* cpu_ns, voluntary, involuntary and, where counted, allocations. */
void bench_json_usage(bench_json_t *json, const bench_usage_t *usage);
void bench_json_end(bench_json_t *json);

/* ---- commands ---- */

/* Keys and values of a command line `word key=value key=value`. */
#define BENCH_KEYS_MAX 16U

typedef struct bench_command {
    const char *word;
    unsigned count;
    const char *keys[BENCH_KEYS_MAX];
    const char *values[BENCH_KEYS_MAX];
    bool used[BENCH_KEYS_MAX];
} bench_command_t;

/* Splits `line` in place. A line of blanks has the word "". */
bench_command_t bench_command_parse(char *line);
/* The value of a key, or `otherwise`. */
const char *bench_command_value(bench_command_t *command, const char *key, const char *otherwise);
uint64_t bench_command_number(bench_command_t *command, const char *key, uint64_t otherwise);
double bench_command_seconds(bench_command_t *command, const char *key, double otherwise);
/* Ends the process with BENCH_USAGE if a key was given that nobody has asked for. */
void bench_command_check(const bench_command_t *command);

/* What of the library is switched off, by --without: a list of direct, duplex and spin. */
typedef struct bench_without {
    bool direct;
    bool duplex;
    bool spin;
} bench_without_t;

/* The value of --without, with commas. */
bench_without_t bench_without_parse(const char *list);

#ifdef __cplusplus
}
#endif

#endif
