/*
 * Frames that the two ends of a stream send each other: sizes, contents and metadata follow from a
 * seed and a number, so that the receiver checks every octet. Not synchronised.
 */
#ifndef INTEROP_STREAM_LOAD_H
#define INTEROP_STREAM_LOAD_H

#include <stddef.h>
#include <stdint.h>

/* The frame that is sent or checked next. */
typedef struct stream_frame {
    uint16_t flags;
    uint8_t channel;
    uint8_t error;
    size_t octets;
    uint8_t *payload;
} stream_frame_t;

/* A sequence of frames. */
typedef struct stream_load {
    uint64_t seed;
    uint64_t next;      /* number of frames so far */
    size_t octets_max;  /* of a payload, at least 1 */
    uint64_t octets;    /* of payload so far */
    stream_frame_t own; /* the latest frame; its memory is reused */
} stream_load_t;

/* What the command line says about both ends. */
typedef struct stream_options {
    int is_server;
    const char *host;
    uint16_t port;
    uint64_t send;   /* frames to send */
    uint64_t expect; /* frames that come; with several peers the order is not checked */
    int is_mixed;    /* several peers send, so that order and contents are not checked */
    stream_load_t sent, received;
} stream_options_t;

/* Parses `server|client [--host H] [--port P] [--send N] [--expect N] [--seed S] [--peer-seed S]
 * [--size-max OCTETS] [--mixed]`; ends the process with EXIT_USAGE otherwise. */
void stream_options_parse(stream_options_t *options, int argc, char **argv);

/* Frees the memory of both loads. */
void stream_options_free(stream_options_t *options);

/* Makes the next frame; valid until the next call. */
const stream_frame_t *stream_load_next(stream_load_t *load);

/* Compares a frame with the next one; ends the process with EXIT_DIFFERENCE if they differ. */
void stream_load_check(stream_load_t *load, const stream_frame_t *got);

/* Prints "done sent=N received=N bytes_sent=N bytes_received=N". */
void stream_load_report(const stream_options_t *options);

#endif
