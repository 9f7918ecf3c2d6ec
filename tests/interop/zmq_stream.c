/*
 * Plays either end of the reference's stream bridge on libzmq sockets, with its socket options:
 * sends frames, and checks those that come. Prints "listening PORT", then "done ..." once all has
 * been sent and received; ends with status 0 at the end of its standard input.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "stream_load.h"
#include "support.h"

#define PORT_FIRST 20000U
#define PORT_LAST 29998U
#define PORT_TRIES_MAX 200U
#define FRAME_PARTS 4

typedef struct ends {
    void *context;
    void *pull;
    void *push;
} ends_t;

static void must(int result, const char *what) {
    if (result < 0) {
        fatal(EXIT_SYSTEM, "%s: %s", what, zmq_strerror(errno));
    }
}

/* Opens a pair of sockets; false if a port is taken. */
static int open_at(ends_t *ends, const stream_options_t *options, unsigned port) {
    int zero = 0, one = 1;
    char pull_at[128], push_at[128];
    /* The server pulls at the port and pushes at the next one, the client the other way round. */
    unsigned pull_port = options->is_server ? port : port + 1;
    unsigned push_port = options->is_server ? port + 1 : port;
    snprintf(pull_at, sizeof pull_at, "tcp://%s:%u", options->host, pull_port);
    snprintf(push_at, sizeof push_at, "tcp://%s:%u", options->host, push_port);
    ends->pull = zmq_socket(ends->context, ZMQ_PULL);
    ends->push = zmq_socket(ends->context, ZMQ_PUSH);
    must(zmq_setsockopt(ends->push, ZMQ_IMMEDIATE, &one, sizeof one), "IMMEDIATE");
    must(zmq_setsockopt(ends->push, ZMQ_LINGER, &zero, sizeof zero), "LINGER");
    must(zmq_setsockopt(ends->pull, ZMQ_LINGER, &zero, sizeof zero), "LINGER");
    if (!options->is_server) {
        must(zmq_connect(ends->pull, pull_at), pull_at);
        must(zmq_connect(ends->push, push_at), push_at);
        return 1;
    }
    if (zmq_bind(ends->pull, pull_at) == 0 && zmq_bind(ends->push, push_at) == 0) {
        return 1;
    }
    zmq_close(ends->pull);
    zmq_close(ends->push);
    return 0;
}

static void open_ends(ends_t *ends, const stream_options_t *options) {
    ends->context = zmq_ctx_new();
    random_source_t source = {now_ns()};
    for (unsigned tries = 0; tries < PORT_TRIES_MAX; tries++) {
        unsigned port = options->port;
        if (port == 0) {
            port = PORT_FIRST + random_below(&source, PORT_LAST - PORT_FIRST);
        }
        if (open_at(ends, options, port)) {
            say("listening %u", port);
            return;
        }
    }
    fatal(EXIT_SYSTEM, "no free ports");
}

/* Receives one message, which must be a frame. */
static void receive(ends_t *ends, stream_options_t *options) {
    zmq_msg_t parts[FRAME_PARTS];
    int count = 0, more = 1;
    while (more) {
        if (count == FRAME_PARTS) {
            fatal(EXIT_VIOLATION, "VIOLATION a message of more than four parts");
        }
        zmq_msg_init(&parts[count]);
        must(zmq_msg_recv(&parts[count], ends->pull, 0), "receive");
        more = zmq_msg_more(&parts[count]);
        count++;
    }
    if (count != FRAME_PARTS || zmq_msg_size(&parts[0]) != 2 || zmq_msg_size(&parts[1]) != 1 ||
        zmq_msg_size(&parts[2]) != 1 || zmq_msg_size(&parts[3]) == 0) {
        fatal(EXIT_VIOLATION, "VIOLATION %d parts, or of wrong sizes", count);
    }
    const uint8_t *flags = zmq_msg_data(&parts[0]);
    stream_frame_t frame = {
        .flags = (uint16_t)(flags[0] | flags[1] << 8),
        .channel = *(uint8_t *)zmq_msg_data(&parts[1]),
        .error = *(uint8_t *)zmq_msg_data(&parts[2]),
        .octets = zmq_msg_size(&parts[3]),
        .payload = zmq_msg_data(&parts[3]),
    };
    if (options->is_mixed) {
        options->received.next += 1;
        options->received.octets += frame.octets;
    } else {
        stream_load_check(&options->received, &frame);
    }
    for (int n = 0; n < FRAME_PARTS; n++) {
        zmq_msg_close(&parts[n]);
    }
}

static void send_next(ends_t *ends, stream_options_t *options) {
    const stream_frame_t *frame = stream_load_next(&options->sent);
    uint8_t flags[2] = {(uint8_t)frame->flags, (uint8_t)(frame->flags >> 8)};
    must(zmq_send(ends->push, flags, 2, ZMQ_SNDMORE), "send");
    must(zmq_send(ends->push, &frame->channel, 1, ZMQ_SNDMORE), "send");
    must(zmq_send(ends->push, &frame->error, 1, ZMQ_SNDMORE), "send");
    must(zmq_send(ends->push, frame->payload, frame->octets, 0), "send");
}

int main(int argc, char **argv) {
    support_init(argv[0]);
    stream_options_t options;
    stream_options_parse(&options, argc, argv);
    ends_t ends;
    open_ends(&ends, &options);
    int is_reported = 0;
    for (;;) {
        int sends = options.sent.next < options.send;
        if (!is_reported && !sends && options.received.next >= options.expect) {
            stream_load_report(&options);
            is_reported = 1;
        }
        zmq_pollitem_t items[] = {
            {.socket = ends.pull, .events = ZMQ_POLLIN},
            {.socket = NULL, .fd = STDIN_FILENO, .events = ZMQ_POLLIN},
            {.socket = ends.push, .events = ZMQ_POLLOUT},
        };
        must(zmq_poll(items, sends ? 3 : 2, -1), "poll");
        if (items[0].revents) {
            receive(&ends, &options);
        }
        if (sends && items[2].revents) {
            send_next(&ends, &options);
        }
        char octet;
        if (items[1].revents && read(STDIN_FILENO, &octet, 1) <= 0) {
            break;
        }
    }
    zmq_close(ends.push);
    zmq_close(ends.pull);
    zmq_ctx_term(ends.context);
    return EXIT_FINE;
}
