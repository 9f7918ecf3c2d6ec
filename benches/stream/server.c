/*
 * The receiving end of the stream bridge.
 *
 *   stream_server
 *
 * The line "open" on standard input opens a server and is answered by one JSON object with its
 * port. "receive frames=N" is answered when N frames have come since the last answer, with the time
 * of the last of them. Ends with its standard input.
 */
#include <rogue_mem.h>

#include <pthread.h>
#include <string.h>

#include "../common/measure.h"

#define LINE_BYTES_MAX 256U

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t awaited; /* frames of which the last one is signalled */
static uint64_t received;
static uint64_t last_ns;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

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

/* Opens a server, which stays until the process ends; returns its port. */
static uint16_t open_server(void) {
    rogue_mem_stream_server_t *server;
    rogue_mem_stream_slave_t *sink;
    rogue_mem_stream_slave_callbacks_t callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.size = sizeof callbacks;
    callbacks.accept_frame = accept_frame;
    check(rogue_mem_stream_server_new("127.0.0.1", 0, NULL, &server), "a server");
    check(rogue_mem_stream_slave_new(&callbacks, &sink), "a sink");
    rogue_mem_stream_port_t *port = rogue_mem_stream_server_stream_port(server);
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    check(rogue_mem_stream_master_add_slave(master, sink), "connecting the sink");
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_slave_release(sink);
    return rogue_mem_stream_server_port(server);
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
            bench_command_check(&command);
            bench_json_t json = bench_json_begin();
            bench_json_number(&json, "port", open_server());
            bench_json_end(&json);
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
