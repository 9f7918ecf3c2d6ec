/*
 * As many bytes as SRPv3 puts into a datagram, see udp_client.c: a header of type, id, address and
 * size, the data of a write, and an answer of the header, the data and a status. If FLOOR_HAS_LINK
 * is 1, behind them as many as packetizer version 2 and RSSI add.
 */
#ifndef BENCH_FLOOR_UDP_WIRE_H
#define BENCH_FLOOR_UDP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/client.h"

#define UDP_HEADER_BYTES 20U
#define UDP_STATUS_BYTES 4U
/* The largest access of SRPv3. */
#define UDP_DATA_BYTES_MAX 4096U

/* Header of RSSI, header and tail of the packetizer, and what fills a packet up to its words. */
#define UDP_LINK_BYTES 24U
#define UDP_WORD_BYTES 8U
#define UDP_DATAGRAM_BYTES_MAX                                                                     \
    (UDP_HEADER_BYTES + UDP_DATA_BYTES_MAX + UDP_STATUS_BYTES + UDP_LINK_BYTES + UDP_WORD_BYTES)

/* Size of the datagram that carries so many bytes. */
static inline size_t udp_datagram_bytes(size_t bytes) {
    return FLOOR_HAS_LINK
               ? (bytes + UDP_WORD_BYTES - 1) / UDP_WORD_BYTES * UDP_WORD_BYTES + UDP_LINK_BYTES
               : bytes;
}

typedef struct udp_header {
    uint32_t type;
    uint32_t id;
    uint64_t address;
    uint32_t size;
} udp_header_t;

static inline udp_header_t udp_header_read(const uint8_t *bytes) {
    udp_header_t header;
    memcpy(&header.type, bytes, 4);
    memcpy(&header.id, bytes + 4, 4);
    memcpy(&header.address, bytes + 8, 8);
    memcpy(&header.size, bytes + 16, 4);
    return header;
}

static inline void udp_header_write(uint8_t *bytes, const udp_header_t *header) {
    memcpy(bytes, &header->type, 4);
    memcpy(bytes + 4, &header->id, 4);
    memcpy(bytes + 8, &header->address, 8);
    memcpy(bytes + 16, &header->size, 4);
}

#endif
