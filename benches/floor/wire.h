/*
 * As many bytes as the memory bridge puts on the wire, in the same places: 28 for the request of a
 * 4-byte read, 38 for its answer. Nothing here is checked as a bridge would have to.
 *
 *   request    id, address, size, type as frames of 4, 8, 4, 4 bytes; a write: and the payload
 *   response   the same four frames, the payload (that of a write is empty), and the result "OK"
 *
 * A frame of up to 255 bytes has a header of 2, a longer one of 9.
 */
#ifndef BENCH_FLOOR_WIRE_H
#define BENCH_FLOOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../common/client.h"

#define HEADER_BYTES 28U
#define RESULT_BYTES 4U
#define FRAME_SHORT_BYTES_MAX 255U
/* What is smaller is copied together with its neighbours into one system call. */
#define COPIED_BYTES_MAX 4096U
#define BUFFER_BYTES (256U << 10)
/* How a connection introduces itself: which client's it is, and how many connections that has. */
typedef struct hello {
    uint64_t client;
    uint64_t connections; /* 1: both ways over the first port; 2: like the bridge, one for each */
} hello_t;

typedef struct header {
    uint32_t id;
    uint64_t address;
    uint32_t size;
    uint32_t type;
} header_t;

static inline size_t frame_header_bytes(uint32_t size) {
    return size <= FRAME_SHORT_BYTES_MAX ? 2U : 9U;
}

static inline size_t request_bytes(uint32_t type, uint32_t size) {
    return HEADER_BYTES + (type == BENCH_WRITE ? frame_header_bytes(size) + size : 0U);
}

/* Bytes of payload that an answer carries. */
static inline uint32_t answer_size(uint32_t type, uint32_t size) {
    return type == BENCH_WRITE ? 0U : size;
}

static inline size_t response_bytes(uint32_t size) {
    return HEADER_BYTES + frame_header_bytes(size) + size + RESULT_BYTES;
}

static inline header_t header_read(const uint8_t *bytes) {
    header_t header;
    memcpy(&header.id, bytes + 2, 4);
    memcpy(&header.address, bytes + 8, 8);
    memcpy(&header.size, bytes + 18, 4);
    memcpy(&header.type, bytes + 24, 4);
    return header;
}

static inline void header_write(uint8_t *bytes, const header_t *header) {
    memcpy(bytes, "\001\004    \001\010        \001\004    \001\004    ", HEADER_BYTES);
    memcpy(bytes + 2, &header->id, 4);
    memcpy(bytes + 8, &header->address, 8);
    memcpy(bytes + 18, &header->size, 4);
    memcpy(bytes + 24, &header->type, 4);
}

/* Writes the frame header of a payload; returns its length. */
static inline size_t frame_header_write(uint8_t *bytes, uint32_t size) {
    if (size <= FRAME_SHORT_BYTES_MAX) {
        bytes[0] = 0x01;
        bytes[1] = (uint8_t)size;
    } else {
        bytes[0] = 0x03;
        for (unsigned i = 0; i < 8; i++) {
            bytes[1 + i] = (uint8_t)((uint64_t)size >> (8 * (7 - i)));
        }
    }
    return frame_header_bytes(size);
}

static inline void result_write(uint8_t *bytes) { memcpy(bytes, "\000\002OK", RESULT_BYTES); }

/* Sockets of either end: blocking, or never waiting and asking again at once. */
typedef struct channel {
    int fd;
    bool spin;
} channel_t;

/* Sends all of it; false when the peer has gone. */
bool channel_send(channel_t channel, struct iovec *pieces, size_t count);
/* Receives some bytes, at least one; 0 when the peer has gone. */
size_t channel_receive(channel_t channel, struct iovec *pieces, size_t count);
/* Receives exactly all of it; false when the peer has gone. */
bool channel_receive_all(channel_t channel, struct iovec *pieces, size_t count);
/* No delay for small segments. */
void channel_prepare(int fd);

#endif
