#include "bridge_message.h"

#include <errno.h>
#include <string.h>

#include "support.h"

static void little_endian_put(uint8_t *octets, size_t count, uint64_t value) {
    for (size_t i = 0; i < count; i++) {
        octets[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t little_endian_take(const uint8_t *octets, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value |= (uint64_t)octets[i] << (8 * i);
    }
    return value;
}

bool parts_receive(void *socket, parts_t *parts) {
    bool more = true;
    parts->count = 0;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        int got = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            zmq_msg_close(&part);
            continue;
        }
        if (got < 0 && errno == EAGAIN && parts->count == 0) {
            zmq_msg_close(&part);
            return false;
        }
        if (got < 0) {
            /* libzmq hands over whole messages only, so a missing part cannot happen. */
            fatal(EXIT_SYSTEM, "receiving failed: %s", zmq_strerror(errno));
        }
        more = zmq_msg_more(&part) != 0;
        if (parts->count < PARTS_KEPT_MAX) {
            zmq_msg_init(&parts->part[parts->count]);
            zmq_msg_move(&parts->part[parts->count], &part);
        }
        zmq_msg_close(&part);
        parts->count += 1;
    }
    return true;
}

void parts_release(parts_t *parts) {
    for (int i = 0; i < parts->count && i < PARTS_KEPT_MAX; i++) {
        zmq_msg_close(&parts->part[i]);
    }
    parts->count = 0;
}

size_t part_size(parts_t *parts, int index) { return zmq_msg_size(&parts->part[index]); }

const uint8_t *part_octets(parts_t *parts, int index) { return zmq_msg_data(&parts->part[index]); }

bool header_decode(parts_t *parts, bridge_header_t *header) {
    if (parts->count < HEADER_PARTS || part_size(parts, 0) != 4 || part_size(parts, 1) != 8 ||
        part_size(parts, 2) != 4 || part_size(parts, 3) != 4) {
        return false;
    }
    header->id = (uint32_t)little_endian_take(part_octets(parts, 0), 4);
    header->address = little_endian_take(part_octets(parts, 1), 8);
    header->size = (uint32_t)little_endian_take(part_octets(parts, 2), 4);
    header->type = (uint32_t)little_endian_take(part_octets(parts, 3), 4);
    return true;
}

void header_encode(const bridge_header_t *header, header_octets_t *octets, piece_t *pieces) {
    little_endian_put(octets->id, 4, header->id);
    little_endian_put(octets->address, 8, header->address);
    little_endian_put(octets->size, 4, header->size);
    little_endian_put(octets->type, 4, header->type);
    pieces[0] = (piece_t){octets->id, 4};
    pieces[1] = (piece_t){octets->address, 8};
    pieces[2] = (piece_t){octets->size, 4};
    pieces[3] = (piece_t){octets->type, 4};
}

int piece_send(void *socket, const piece_t *piece, int flags) {
    while (zmq_send(socket, piece->octets, piece->size, flags) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}
