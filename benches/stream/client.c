/*
 * The sending end of the stream bridge, or of packetizer, RSSI and UDP.
 *
 *   stream_client
 *
 * The line "open port=P [road=bridge|rssi]" on standard input makes a client of the server there and
 * is answered by an empty JSON object. "send frames=N bytes=B" sends N frames of B bytes, which are
 * written anew each time, and is answered with the time before the first of them; "usage" with what
 * the process has used, and how many segments it has sent again. Ends with its standard input.
 */
#include <string.h>

#include "../ours/road.h"

#define LINE_BYTES_MAX 256U

static rogue_mem_stream_master_t *source;
static road_t road; /* without RSSI empty */

/* The port of a client of the bridge; the client stays as long as it. */
static rogue_mem_stream_port_t *open_bridge(uint16_t number) {
    rogue_mem_stream_client_t *client;
    road_check(rogue_mem_stream_client_new("127.0.0.1", number, NULL, &client), "a client");
    return rogue_mem_stream_client_stream_port(client);
}

static rogue_mem_stream_port_t *open_road(uint16_t number) {
    road_options_t options = {.has_link = true};
    road = road_connect("127.0.0.1", number, &options);
    return road_port(&road);
}

/* Makes a client, which stays until the process ends. */
static void open_client(bench_command_t *command) {
    uint16_t number = (uint16_t)bench_command_number(command, "port", 0);
    bool is_bridge = strcmp(bench_command_value(command, "road", "bridge"), "bridge") == 0;
    bench_command_check(command);
    road_check(rogue_mem_stream_master_new(&source), "a source");
    rogue_mem_stream_port_t *port = is_bridge ? open_bridge(number) : open_road(number);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    road_check(rogue_mem_stream_master_add_slave(source, slave), "connecting the source");
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(port);
    bench_json_t json = bench_json_begin();
    bench_json_end(&json);
}

static void tell_usage(void) {
    bench_usage_t usage = bench_usage_now();
    rogue_mem_board_stats_t stats = {0};
    stats.size = sizeof stats;
    if (road.board != NULL) {
        road_check(rogue_mem_board_stats(road.board, &stats), "statistics");
    }
    bench_json_t json = bench_json_begin();
    bench_json_usage(&json, &usage);
    bench_json_number(&json, "retransmits", stats.retransmits);
    bench_json_end(&json);
}

static void send_frames(uint64_t frames, uint32_t bytes) {
    uint64_t first_ns = bench_now_ns();
    for (uint64_t n = 0; n < frames; n++) {
        rogue_mem_frame_t *frame;
        road_check(rogue_mem_stream_master_req_frame(source, bytes, 1, &frame), "a frame");
        road_check(rogue_mem_frame_set_payload(frame, bytes), "its payload");
        memset(rogue_mem_frame_data(frame), (int)(n & 0xFF), bytes);
        road_check(rogue_mem_stream_master_send_frame(source, frame), "sending it");
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
            open_client(&command);
        } else if (strcmp(command.word, "usage") == 0) {
            bench_command_check(&command);
            tell_usage();
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
