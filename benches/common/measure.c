/* For RTLD_DEFAULT. */
#define _GNU_SOURCE
#include "measure.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "bench";

/* Of the library that counts allocations, where that has been loaded before all others. */
static uint64_t (*allocation_count)(void);

uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void bench_fail(int status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    fflush(NULL);
    /* No exit handlers: another thread may be inside the library under test. */
    _exit(status);
}

void bench_fail_errno(const char *what) {
    bench_fail(BENCH_SYSTEM, "%s: %s", what, strerror(errno));
}

void *bench_alloc(size_t bytes) {
    void *block = malloc(bytes == 0 ? 1 : bytes);
    if (block == NULL) {
        bench_fail(BENCH_SYSTEM, "no memory for %zu bytes", bytes);
    }
    BENCH_OPAQUE(block);
    memset(block, 0, bytes);
    BENCH_OPAQUE(block);
    return block;
}

uint64_t bench_number(const char *text, const char *what) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-') {
        bench_fail(BENCH_USAGE, "%s: \"%s\" is no number", what, text);
    }
    return value;
}

double bench_seconds(const char *text, const char *what) {
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= 0)) {
        bench_fail(BENCH_USAGE, "%s: \"%s\" is no number of seconds", what, text);
    }
    return value;
}

void bench_init(const char *argv0) {
    const char *slash = strrchr(argv0, '/');
    struct rlimit limit;
    program_name = slash != NULL ? slash + 1 : argv0;
    void *counter = dlsym(RTLD_DEFAULT, "bench_allocation_count");
    memcpy(&allocation_count, &counter, sizeof allocation_count);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- latency ---- */

void bench_histogram_clear(bench_histogram_t *histogram) {
    memset(histogram, 0, sizeof *histogram);
    histogram->min_ns = UINT64_MAX;
}

void bench_histogram_merge(bench_histogram_t *into, const bench_histogram_t *from) {
    for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->samples += from->samples;
    into->sum_ns += from->sum_ns;
    into->min_ns = from->min_ns < into->min_ns ? from->min_ns : into->min_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
}

uint64_t bench_bucket_ns(unsigned bucket) {
    if (bucket < BENCH_SUBBUCKETS) {
        return bucket;
    }
    unsigned shift = bucket / BENCH_SUBBUCKETS - 1U;
    uint64_t low = (uint64_t)(bucket % BENCH_SUBBUCKETS + BENCH_SUBBUCKETS) << shift;
    return low + (1ULL << shift) / 2;
}

uint64_t bench_histogram_quantile(const bench_histogram_t *histogram, double fraction) {
    double wanted = fraction * (double)histogram->samples;
    uint64_t seen = 0;
    for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            return bench_bucket_ns(i);
        }
    }
    return 0;
}

/* ---- what the process has used ---- */

static uint64_t timeval_ns(const struct timeval *time) {
    return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_usec * NS_PER_US;
}

bench_usage_t bench_usage_now(void) {
    struct rusage usage;
    bench_usage_t now;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        bench_fail_errno("getrusage");
    }
    now.cpu_ns = timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
    now.voluntary = (uint64_t)usage.ru_nvcsw;
    now.involuntary = (uint64_t)usage.ru_nivcsw;
    now.allocations = allocation_count != NULL ? allocation_count() : UINT64_MAX;
    return now;
}

bench_usage_t bench_usage_since(const bench_usage_t *earlier, const bench_usage_t *later) {
    bench_usage_t used;
    used.cpu_ns = later->cpu_ns - earlier->cpu_ns;
    used.voluntary = later->voluntary - earlier->voluntary;
    used.involuntary = later->involuntary - earlier->involuntary;
    used.allocations =
        later->allocations == UINT64_MAX ? UINT64_MAX : later->allocations - earlier->allocations;
    return used;
}

/* The number behind `label` in a file of /proc in kB, in bytes; 0 if it is not there. */
static uint64_t proc_bytes(const char *path, const char *label) {
    char line[256];
    uint64_t bytes = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, label, strlen(label)) == 0) {
            bytes = strtoull(line + strlen(label), NULL, 10) * 1024U;
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

uint64_t bench_memory_bytes(void) {
    uint64_t bytes = proc_bytes("/proc/self/smaps_rollup", "Pss:");
    if (bytes == 0) {
        bytes = proc_bytes("/proc/self/status", "VmRSS:");
    }
    if (bytes == 0) {
        bench_fail(BENCH_SYSTEM, "the kernel does not tell the size of this process");
    }
    return bytes;
}

/* ---- results ---- */

bench_json_t bench_json_begin(void) {
    bench_json_t json = {stdout, true};
    fputc('{', json.out);
    return json;
}

static void member(bench_json_t *json, const char *key) {
    fprintf(json->out, "%s\"%s\": ", json->first ? "" : ", ", key);
    json->first = false;
}

void bench_json_text(bench_json_t *json, const char *key, const char *value) {
    member(json, key);
    fputc('"', json->out);
    for (; *value != '\0'; value++) {
        unsigned char octet = (unsigned char)*value;
        if (octet < 0x20 || octet == '"' || octet == '\\') {
            fprintf(json->out, "\\u%04x", octet);
        } else {
            fputc(octet, json->out);
        }
    }
    fputc('"', json->out);
}

void bench_json_number(bench_json_t *json, const char *key, uint64_t value) {
    member(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void bench_json_bool(bench_json_t *json, const char *key, bool value) {
    member(json, key);
    fputs(value ? "true" : "false", json->out);
}

void bench_json_numbers(bench_json_t *json, const char *key, const uint64_t *values, size_t count) {
    member(json, key);
    fputc('[', json->out);
    for (size_t i = 0; i < count; i++) {
        fprintf(json->out, "%s%" PRIu64, i == 0 ? "" : ", ", values[i]);
    }
    fputc(']', json->out);
}

void bench_json_histogram(bench_json_t *json, const bench_histogram_t *histogram) {
    bool first = true;
    member(json, "latency_ns");
    fprintf(json->out,
            "{\"samples\": %" PRIu64 ", \"sum\": %" PRIu64 ", \"min\": %" PRIu64
            ", \"max\": %" PRIu64 ", \"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"p999\": %" PRIu64
            ", \"buckets\": [",
            histogram->samples, histogram->sum_ns, histogram->samples > 0 ? histogram->min_ns : 0,
            histogram->max_ns, bench_histogram_quantile(histogram, 0.5),
            bench_histogram_quantile(histogram, 0.99), bench_histogram_quantile(histogram, 0.999));
    for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
        if (histogram->counts[i] > 0) {
            fprintf(json->out, "%s[%" PRIu64 ", %" PRIu32 "]", first ? "" : ", ",
                    bench_bucket_ns(i), histogram->counts[i]);
            first = false;
        }
    }
    fputs("]}", json->out);
}

void bench_json_usage(bench_json_t *json, const bench_usage_t *usage) {
    bench_json_number(json, "cpu_ns", usage->cpu_ns);
    bench_json_number(json, "voluntary", usage->voluntary);
    bench_json_number(json, "involuntary", usage->involuntary);
    if (usage->allocations != UINT64_MAX) {
        bench_json_number(json, "allocations", usage->allocations);
    }
}

void bench_json_end(bench_json_t *json) {
    fputs("}\n", json->out);
    if (fflush(json->out) != 0) {
        bench_fail_errno("writing a result");
    }
}

/* ---- commands ---- */

bench_command_t bench_command_parse(char *line) {
    bench_command_t command;
    char *rest = NULL;
    char *word = strtok_r(line, " \t\r\n", &rest);
    memset(&command, 0, sizeof command);
    command.word = word != NULL ? word : "";
    while (word != NULL && (word = strtok_r(NULL, " \t\r\n", &rest)) != NULL) {
        char *equals = strchr(word, '=');
        if (equals == NULL || command.count == BENCH_KEYS_MAX) {
            bench_fail(BENCH_USAGE, "%s: \"%s\" is not key=value, or one too many", command.word,
                       word);
        }
        *equals = '\0';
        command.keys[command.count] = word;
        command.values[command.count] = equals + 1;
        command.count += 1;
    }
    return command;
}

const char *bench_command_value(bench_command_t *command, const char *key, const char *otherwise) {
    for (unsigned i = 0; i < command->count; i++) {
        if (strcmp(command->keys[i], key) == 0) {
            command->used[i] = true;
            return command->values[i];
        }
    }
    return otherwise;
}

uint64_t bench_command_number(bench_command_t *command, const char *key, uint64_t otherwise) {
    const char *value = bench_command_value(command, key, NULL);
    return value != NULL ? bench_number(value, key) : otherwise;
}

double bench_command_seconds(bench_command_t *command, const char *key, double otherwise) {
    const char *value = bench_command_value(command, key, NULL);
    return value != NULL ? bench_seconds(value, key) : otherwise;
}

void bench_command_check(const bench_command_t *command) {
    for (unsigned i = 0; i < command->count; i++) {
        if (!command->used[i]) {
            bench_fail(BENCH_USAGE, "%s: unknown key \"%s\"", command->word, command->keys[i]);
        }
    }
}

bench_without_t bench_without_parse(const char *list) {
    bench_without_t without = {false, false, false};
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (length == 6 && strncmp(list, "direct", length) == 0) {
            without.direct = true;
        } else if (length == 6 && strncmp(list, "duplex", length) == 0) {
            without.duplex = true;
        } else if (length == 4 && strncmp(list, "spin", length) == 0) {
            without.spin = true;
        } else {
            bench_fail(BENCH_USAGE, "--without: there are direct, duplex and spin");
        }
        list += length + (list[length] == ',' ? 1 : 0);
    }
    return without;
}
