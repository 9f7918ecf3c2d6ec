#include "inprocess.h"

#include <string.h>

#define LINE_BYTES_MAX 256U
/* So that queues, pools and caches are as they will stay. */
#define WARM_COUNT 20000U

static void measure(const char *peer, const inprocess_figure_t *figure, bench_command_t *command) {
    uint64_t count = bench_command_number(command, "count", 0);
    double seconds = bench_command_seconds(command, "seconds", 1.0);
    bench_command_check(command);
    void *built = figure->build();
    figure->read(built, WARM_COUNT);
    bench_usage_t before = bench_usage_now();
    uint64_t begin_ns = bench_now_ns();
    uint64_t end_ns = begin_ns + (uint64_t)(seconds * (double)NS_PER_S);
    uint64_t now_ns = begin_ns, done = 0;
    while (count != 0 ? done < count : now_ns < end_ns) {
        uint64_t left = count - done;
        uint64_t batch = count != 0 && left < BATCH_COUNT ? left : BATCH_COUNT;
        figure->read(built, batch);
        done += batch;
        now_ns = bench_now_ns();
    }
    bench_usage_t after = bench_usage_now();
    bench_usage_t used = bench_usage_since(&before, &after);
    figure->destroy(built);
    bench_json_t json = bench_json_begin();
    bench_json_text(&json, "figure", figure->name);
    bench_json_text(&json, "peer", peer);
    bench_json_number(&json, "transactions", done);
    bench_json_number(&json, "elapsed_ns", now_ns - begin_ns);
    bench_json_usage(&json, &used);
    bench_json_end(&json);
}

static void list(const inprocess_figure_t *figures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", figures[i].name);
    }
}

int inprocess_main(const char *peer, const inprocess_figure_t *figures, size_t count, int argc,
                   char **argv) {
    char line[LINE_BYTES_MAX] = "";
    bench_init(argv[0]);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list(figures, count);
        return BENCH_OK;
    }
    for (int i = 1; i < argc; i++) {
        if (strlen(line) + strlen(argv[i]) + 2 > sizeof line) {
            bench_fail(BENCH_USAGE, "the command is longer than %u bytes", LINE_BYTES_MAX);
        }
        strcat(strcat(line, argv[i]), " ");
    }
    bench_command_t command = bench_command_parse(line);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(figures[i].name, command.word) == 0) {
            measure(peer, &figures[i], &command);
            return BENCH_OK;
        }
    }
    bench_fail(BENCH_USAGE, "there is no figure \"%s\"; see --list", command.word);
}
