/*
 * The bridge's multipart messages on a libzmq socket. Four header parts (id, address, size, type;
 * little-endian), then the payload, then, in a response, the result text.
 */
#ifndef INTEROP_BRIDGE_MESSAGE_H
#define INTEROP_BRIDGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#define HEADER_PARTS 4
#define RESPONSE_PARTS 6
/* Parts kept of a received message; the rest is counted and thrown away. */
#define PARTS_KEPT_MAX 8

typedef struct bridge_header {
    uint32_t id;
    uint64_t address;
    uint32_t size;
    uint32_t type;
} bridge_header_t;

typedef struct parts {
    int count; /* as received; only the first PARTS_KEPT_MAX are kept */
    zmq_msg_t part[PARTS_KEPT_MAX];
} parts_t;

/* One part to send; the octets are copied. */
typedef struct piece {
    const void *octets;
    size_t size;
} piece_t;

/* The header's four parts as they go on the wire. */
typedef struct header_octets {
    uint8_t id[4];
    uint8_t address[8];
    uint8_t size[4];
    uint8_t type[4];
} header_octets_t;

/* Takes one complete message that is already there; false when there is none. */
bool parts_receive(void *socket, parts_t *parts);
void parts_release(parts_t *parts);
size_t part_size(parts_t *parts, int index);
const uint8_t *part_octets(parts_t *parts, int index);

/* Decodes parts 0..3; false when there are fewer or their sizes are not 4, 8, 4, 4. */
bool header_decode(parts_t *parts, bridge_header_t *header);
/* Encodes into `octets` and points pieces[0..3] there. */
void header_encode(const bridge_header_t *header, header_octets_t *octets, piece_t *pieces);

/* Sends one part; `flags` are libzmq's. 0, or the errno value of the failure. */
int piece_send(void *socket, const piece_t *piece, int flags);

#endif
