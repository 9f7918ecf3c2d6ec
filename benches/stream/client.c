/*
 * The sending end of the stream bridge.
 *
 *   stream_client
 *
 * The line "open port=P" on standard input makes a client of the server there and is answered by an
 * empty JSON object. "send frames=N bytes=B" sends N frames of B bytes, which are written anew each
 * time, and is answered with the time before the first of them. Ends with its standard input.
 */
#include <rogue_mem.h>

#include <string.h>

#include "../common/measure.h"

#define LINE_BYTES_MAX 256U

static rogue_mem_stream_master_t *source;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

/* Makes a client, which stays until the process ends. */
static void open_client(uint16_t number) {
    rogue_mem_stream_client_t *client;
    check(rogue_mem_stream_client_new("127.0.0.1", number, NULL, &client), "a client");
    check(rogue_mem_stream_master_new(&source), "a source");
    rogue_mem_stream_port_t *port = rogue_mem_stream_client_stream_port(client);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    check(rogue_mem_stream_master_add_slave(source, slave), "connecting the source");
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(port);
}

static void send_frames(uint64_t frames, uint32_t bytes) {
    uint64_t first_ns = bench_now_ns();
    for (uint64_t n = 0; n < frames; n++) {
        rogue_mem_frame_t *frame;
        check(rogue_mem_stream_master_req_frame(source, bytes, 1, &frame), "a frame");
        check(rogue_mem_frame_set_payload(frame, bytes), "its payload");
        memset(rogue_mem_frame_data(frame), (int)(n & 0xFF), bytes);
        check(rogue_mem_stream_master_send_frame(source, frame), "sending it");
        rogue_mem_frame_release(frame);
    }
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "first_ns", first_ns);
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
            uint64_t port = bench_command_number(&command, "port", 0);
            bench_command_check(&command);
            open_client((uint16_t)port);
            bench_json_t json = bench_json_begin();
            bench_json_end(&json);
        } else if (strcmp(command.word, "send") == 0) {
            uint64_t frames = bench_command_number(&command, "frames", 1);
            uint64_t bytes = bench_command_number(&command, "bytes", 10000);
            bench_command_check(&command);
            send_frames(frames, (uint32_t)bytes);
        } else {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
    }
    return BENCH_OK;
}
