/*
 * Either end of this library's stream bridge, in the same shape as zmq_stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rogue_mem.h>

#include "stream_load.h"
#include "support.h"

static void must(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "%s: %s", what, rogue_mem_last_error());
    }
}

typedef struct receiver {
    stream_options_t *options;
    int wake_fd; /* gets one octet when the last expected frame has come */
} receiver_t;

/* Runs on the thread of the server or client, which alone touches options->received. */
static void accept_frame(void *ctx, rogue_mem_frame_t *native) {
    receiver_t *receiver = ctx;
    stream_load_t *load = &receiver->options->received;
    static uint8_t *buffer;
    static size_t room;
    uint8_t *data = NULL;
    size_t octets = rogue_mem_frame_payload(native);
    if (octets > room) {
        room = octets;
        buffer = must_grow(buffer, room);
    }
    data = buffer;
    must(rogue_mem_frame_read_data(native, 0, data, octets), "read");
    stream_frame_t frame = {
        .flags = rogue_mem_frame_flags(native),
        .channel = rogue_mem_frame_channel(native),
        .error = rogue_mem_frame_error(native),
        .octets = octets,
        .payload = data,
    };
    if (receiver->options->is_mixed) {
        load->next += 1;
        load->octets += octets;
    } else {
        stream_load_check(load, &frame);
    }
    if (load->next == receiver->options->expect && write(receiver->wake_fd, "x", 1) != 1) {
        fatal(EXIT_SYSTEM, "the pipe is broken");
    }
}

static void send_all(rogue_mem_stream_master_t *source, stream_options_t *options) {
    while (options->sent.next < options->send) {
        const stream_frame_t *frame = stream_load_next(&options->sent);
        rogue_mem_frame_t *native = NULL;
        must(rogue_mem_stream_master_req_frame(source, (uint32_t)frame->octets, 1, &native),
             "request a frame");
        must(rogue_mem_frame_set_payload(native, frame->octets), "set the payload");
        must(rogue_mem_frame_write_data(native, 0, frame->payload, frame->octets), "write");
        rogue_mem_frame_set_flags(native, frame->flags);
        rogue_mem_frame_set_channel(native, frame->channel);
        rogue_mem_frame_set_error(native, frame->error);
        must(rogue_mem_stream_master_send_frame(source, native), "send");
        rogue_mem_frame_release(native);
    }
}

int main(int argc, char **argv) {
    support_init(argv[0]);
    stream_options_t options;
    stream_options_parse(&options, argc, argv);
    rogue_mem_stream_server_t *server = NULL;
    rogue_mem_stream_client_t *client = NULL;
    rogue_mem_stream_port_t *port, *own;
    uint16_t number = options.port;
    if (options.is_server) {
        must(rogue_mem_stream_server_new(options.host, number, NULL, &server), "server");
        number = rogue_mem_stream_server_port(server);
        port = rogue_mem_stream_server_stream_port(server);
    } else {
        must(rogue_mem_stream_client_new(options.host, number, NULL, &client), "client");
        port = rogue_mem_stream_client_stream_port(client);
    }
    int pipe_fds[2];
    if (pipe(pipe_fds) != 0) {
        fatal(EXIT_SYSTEM, "no pipe");
    }
    receiver_t receiver = {&options, pipe_fds[1]};
    rogue_mem_stream_slave_callbacks_t callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &receiver;
    callbacks.accept_frame = accept_frame;
    rogue_mem_stream_master_t *source;
    rogue_mem_stream_slave_t *sink;
    must(rogue_mem_stream_master_new(&source), "master");
    must(rogue_mem_stream_slave_new(&callbacks, &sink), "slave");
    must(rogue_mem_stream_port_new(source, sink, &own), "port");
    must(rogue_mem_stream_port_connect(own, port), "connect");
    say("listening %u", (unsigned)number);
    send_all(source, &options);
    char octet;
    if (options.expect > 0 && read(pipe_fds[0], &octet, 1) != 1) {
        fatal(EXIT_SYSTEM, "the pipe is broken");
    }
    stream_load_report(&options);
    while (read(STDIN_FILENO, &octet, 1) > 0) {
    }
    rogue_mem_stream_server_stats_t stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    if (server != NULL) {
        must(rogue_mem_stream_server_stats(server, &stats), "counters");
        say("counters frames_in=%" PRIu64 " frames_out=%" PRIu64 " dropped_in=%" PRIu64
            " dropped_out=%" PRIu64 " malformed=%" PRIu64,
            stats.frames_in, stats.frames_out, stats.dropped_in, stats.dropped_out,
            stats.malformed);
        rogue_mem_stream_server_stop(server);
    } else {
        rogue_mem_stream_client_stop(client);
    }
    rogue_mem_stream_master_stop(source);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_port_release(own);
    rogue_mem_stream_master_release(source);
    rogue_mem_stream_slave_release(sink);
    rogue_mem_stream_server_release(server);
    rogue_mem_stream_client_release(client);
    stream_options_free(&options);
    return EXIT_FINE;
}
