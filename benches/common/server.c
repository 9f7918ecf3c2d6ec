#include "server.h"

#include <string.h>

#define LINE_BYTES_MAX 256U

/* An option that only some servers can obey; false: there is none of this name here. */
static bool parse_special(bench_server_options_t *options, unsigned takes, const char *name,
                          const char *value) {
    bool has_road = (takes & BENCH_TAKES_ROAD) != 0, spins = (takes & BENCH_TAKES_SPIN) != 0;
    if (strcmp(name, "--spin") == 0 && spins) {
        options->spin_us = (uint32_t)bench_number(value, name);
    } else if (strcmp(name, "--without") == 0 && spins) {
        options->without = bench_without_parse(value);
    } else if (strcmp(name, "--curve") == 0 && (takes & BENCH_TAKES_CURVE) != 0) {
        options->curve = strcmp(value, "on") == 0;
    } else if (strcmp(name, "--window") == 0 && has_road) {
        options->window = (uint32_t)bench_number(value, name);
    } else if (strcmp(name, "--latency") == 0 && has_road) {
        options->latency_us = (uint32_t)bench_number(value, name);
    } else if (strcmp(name, "--to") == 0 && has_road) {
        options->to = (uint16_t)bench_number(value, name);
    } else {
        return false;
    }
    return true;
}

bench_server_options_t bench_server_options(unsigned takes, int argc, char **argv) {
    bench_server_options_t options = {0};
    options.host = "127.0.0.1";
    bench_init(argv[0]);
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--host") == 0) {
            options.host = value;
        } else if (strcmp(name, "--port") == 0) {
            options.port = (uint16_t)bench_number(value, name);
        } else if (strcmp(name, "--slave") == 0 &&
                   (strcmp(value, "memory") == 0 || strcmp(value, "silent") == 0 ||
                    strcmp(value, "stamp") == 0)) {
            options.silent = strcmp(value, "silent") == 0;
            options.stamps = strcmp(value, "stamp") == 0;
        } else if (!parse_special(&options, takes, name, value)) {
            bench_fail(BENCH_USAGE, "%s %s is not known here", name, value);
        }
    }
    if (argc % 2 != 1) {
        bench_fail(BENCH_USAGE, "%s needs a value", argv[argc - 1]);
    }
    return options;
}

/* Of writes that nobody waits for, and of others. */
static bench_histogram_t seen[2];

void bench_server_seen(uint64_t address, const void *data, uint32_t size) {
    uint64_t made_ns;
    if (size != sizeof made_ns ||
        (address != BENCH_SEEN_UNWAITED && address != BENCH_SEEN_WAITED)) {
        return;
    }
    memcpy(&made_ns, data, sizeof made_ns);
    bench_histogram_add(&seen[address == BENCH_SEEN_WAITED], bench_now_ns() - made_ns);
}

static void report_seen(bench_command_t *command) {
    bool waited = bench_command_number(command, "waited", 0) != 0;
    bench_command_check(command);
    bench_json_t json = bench_json_begin();
    bench_json_histogram(&json, &seen[waited]);
    bench_json_end(&json);
}

void bench_server_attend(uint16_t port) {
    char line[LINE_BYTES_MAX];
    bench_histogram_clear(&seen[0]);
    bench_histogram_clear(&seen[1]);
    printf("listening on port %u\n", port);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        bench_command_t command = bench_command_parse(line);
        if (strcmp(command.word, "seen") == 0) {
            report_seen(&command);
            continue;
        }
        if (strcmp(command.word, "usage") != 0) {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
        bench_usage_t usage = bench_usage_now();
        bench_json_t json = bench_json_begin();
        bench_json_usage(&json, &usage);
        bench_json_end(&json);
    }
}
