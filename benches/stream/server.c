/*
 * The receiving end of the stream bridge, or of packetizer, RSSI and UDP.
 *
 *   stream_server
 *
 * The line "open [road=bridge|rssi]" on standard input opens a server and is answered by one JSON
 * object with its port. "receive frames=N" is answered when N frames have come since the last
 * answer, with the time of the last of them; "usage" with what the process has used. Ends with its
 * standard input.
 */
#include <pthread.h>
#include <string.h>

#include "../ours/road.h"

#define LINE_BYTES_MAX 256U

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t awaited; /* frames of which the last one is signalled */
static uint64_t received;
static uint64_t last_ns;

static void accept_frame(void *ctx, rogue_mem_frame_t *frame) {
    (void)ctx;
    (void)frame;
    pthread_mutex_lock(&mutex);
    received += 1;
    if (received == awaited) {
        last_ns = bench_now_ns();
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&mutex);
}

/* The port of a server of the bridge, and its number; the server stays as long as the process. */
static rogue_mem_stream_port_t *open_bridge(uint16_t *number) {
    rogue_mem_stream_server_t *server;
    road_check(rogue_mem_stream_server_new("127.0.0.1", 0, NULL, &server), "a server");
    *number = rogue_mem_stream_server_port(server);
    return rogue_mem_stream_server_stream_port(server);
}

static rogue_mem_stream_port_t *open_road(uint16_t *number) {
    static road_t road;
    road_options_t options = {.has_link = true};
    road = road_serve("127.0.0.1", 0, &options);
    *number = road_number(&road);
    return road_port(&road);
}

/* Opens a server, which stays until the process ends. */
static void open_server(bench_command_t *command) {
    uint16_t number;
    rogue_mem_stream_slave_t *sink;
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    bool is_bridge = strcmp(bench_command_value(command, "road", "bridge"), "bridge") == 0;
    bench_command_check(command);
    callbacks.size = sizeof callbacks;
    callbacks.accept_frame = accept_frame;
    rogue_mem_stream_port_t *port = is_bridge ? open_bridge(&number) : open_road(&number);
    road_check(rogue_mem_stream_slave_new(&callbacks, &sink), "a sink");
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    road_check(rogue_mem_stream_master_add_slave(master, sink), "connecting the sink");
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_slave_release(sink);
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "port", number);
    bench_json_end(&json);
}

static void tell_usage(void) {
    bench_usage_t usage = bench_usage_now();
    bench_json_t json = bench_json_begin();
    bench_json_usage(&json, &usage);
    bench_json_end(&json);
}

static void receive(uint64_t frames) {
    pthread_mutex_lock(&mutex);
    awaited = frames;
    if (received == awaited) {
        last_ns = bench_now_ns();
    }
    while (received < frames) {
        pthread_cond_wait(&changed, &mutex);
    }
    received -= frames;
    pthread_mutex_unlock(&mutex);
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "frames", frames);
    bench_json_number(&json, "last_ns", last_ns);
    bench_json_end(&json);
}

int main(int argc, char **argv) {
    char line[LINE_BYTES_MAX];
    bench_init(argv[0]);
    if (argc != 1) {
        bench_fail(BENCH_USAGE, "%s is not known here", argv[1]);
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        bench_command_t command = bench_command_parse(line);
        if (strcmp(command.word, "open") == 0) {
            open_server(&command);
        } else if (strcmp(command.word, "usage") == 0) {
            bench_command_check(&command);
            tell_usage();
        } else if (strcmp(command.word, "receive") == 0) {
            uint64_t frames = bench_command_number(&command, "frames", 1);
            bench_command_check(&command);
            receive(frames);
        } else {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
    }
    return BENCH_OK;
}
