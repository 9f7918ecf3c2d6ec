#include "stream_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char usage[] =
    "usage: zmq_stream|our_stream server|client [--host HOST] [--port P (0: any)] [--send N]\n"
    "  [--expect N] [--seed S] [--peer-seed S] [--size-max OCTETS] [--mixed]";

void stream_options_parse(stream_options_t *options, int argc, char **argv) {
    memset(options, 0, sizeof *options);
    options->host = "127.0.0.1";
    options->sent.octets_max = options->received.octets_max = 10000;
    options->sent.seed = 1;
    options->received.seed = 2;
    arguments_t arguments = {argc, argv, 1};
    const char *mode = arguments_next(&arguments);
    if (mode == NULL || (strcmp(mode, "server") != 0 && strcmp(mode, "client") != 0)) {
        fatal(EXIT_USAGE, "%s", usage);
    }
    options->is_server = strcmp(mode, "server") == 0;
    const char *name;
    while ((name = arguments_next(&arguments)) != NULL) {
        if (strcmp(name, "--mixed") == 0) {
            options->is_mixed = 1;
            continue;
        }
        const char *value = arguments_value(&arguments, name);
        if (strcmp(name, "--host") == 0) {
            options->host = value;
        } else if (strcmp(name, "--port") == 0) {
            options->port = (uint16_t)parse_number(value, name);
        } else if (strcmp(name, "--send") == 0) {
            options->send = parse_number(value, name);
        } else if (strcmp(name, "--expect") == 0) {
            options->expect = parse_number(value, name);
        } else if (strcmp(name, "--seed") == 0) {
            options->sent.seed = parse_number(value, name);
        } else if (strcmp(name, "--peer-seed") == 0) {
            options->received.seed = parse_number(value, name);
        } else if (strcmp(name, "--size-max") == 0) {
            size_t octets = (size_t)parse_number(value, name);
            options->sent.octets_max = options->received.octets_max = octets > 0 ? octets : 1;
        } else {
            fatal(EXIT_USAGE, "%s", usage);
        }
    }
}

void stream_options_free(stream_options_t *options) {
    free(options->sent.own.payload);
    free(options->received.own.payload);
}

const stream_frame_t *stream_load_next(stream_load_t *load) {
    random_source_t source = {load->seed * 1000003 + load->next};
    stream_frame_t *frame = &load->own;
    if (frame->payload == NULL) {
        frame->payload = must_alloc(load->octets_max);
    }
    frame->flags = (uint16_t)random_next(&source);
    frame->channel = (uint8_t)random_next(&source);
    frame->error = (uint8_t)random_next(&source);
    /* Small, of any size, and of the largest. */
    switch (random_below(&source, 4)) {
    case 0:
        frame->octets = 1 + random_below(&source, load->octets_max < 16 ? 1 : 16);
        break;
    case 1:
        frame->octets = load->octets_max;
        break;
    default:
        frame->octets = 1 + random_below(&source, (uint32_t)load->octets_max);
        break;
    }
    for (size_t at = 0; at < frame->octets; at += 8) {
        uint64_t word = random_next(&source);
        size_t left = frame->octets - at;
        memcpy(frame->payload + at, &word, left < 8 ? left : 8);
    }
    load->next += 1;
    load->octets += frame->octets;
    return frame;
}

void stream_load_check(stream_load_t *load, const stream_frame_t *got) {
    uint64_t number = load->next;
    const stream_frame_t *wanted = stream_load_next(load);
    if (got->octets != wanted->octets || got->flags != wanted->flags ||
        got->channel != wanted->channel || got->error != wanted->error) {
        fatal(EXIT_DIFFERENCE,
              "frame %" PRIu64 ": %zu octets, flags %#x, channel %u, error %u and not %zu, %#x, "
              "%u, %u",
              number, got->octets, (unsigned)got->flags, (unsigned)got->channel,
              (unsigned)got->error, wanted->octets, (unsigned)wanted->flags,
              (unsigned)wanted->channel, (unsigned)wanted->error);
    }
    if (memcmp(got->payload, wanted->payload, got->octets) != 0) {
        fatal(EXIT_DIFFERENCE, "frame %" PRIu64 " has another content", number);
    }
}

void stream_load_report(const stream_options_t *options) {
    say("done sent=%" PRIu64 " received=%" PRIu64 " bytes_sent=%" PRIu64 " bytes_received=%" PRIu64,
        options->sent.next, options->received.next, options->sent.octets, options->received.octets);
}
