/*
 * The road of frames between two processes without the bridge: UDP, or packetizer version 2, RSSI
 * and UDP, each with jumbo datagrams. Whatever fails ends the process through bench_fail.
 */
#ifndef BENCH_OURS_ROAD_H
#define BENCH_OURS_ROAD_H

#include <rogue_mem.h>

#include "../common/measure.h"

/* One end; the other member is NULL. */
typedef struct road {
    rogue_mem_udp_t *udp;
    rogue_mem_board_t *board;
} road_t;

/* What may be chosen of an end. */
typedef struct road_options {
    bool has_link;   /* packetizer and RSSI over UDP */
    uint32_t window; /* segments under way; 0: as the library does by itself */
    uint32_t spin_us;
    bench_without_t without;
} road_options_t;

/* Ends with BENCH_WRONG, naming `what`, unless the library has succeeded. */
void road_check(rogue_mem_status_t status, const char *what);

/* The end that answers; port 0 is any free one. */
road_t road_serve(const char *host, uint16_t port, const road_options_t *options);
/* The end that asks; its link is open at the return. */
road_t road_connect(const char *host, uint16_t port, const road_options_t *options);
/* The port at which an end that answers is found. */
uint16_t road_number(const road_t *road);
/* The frames of this end, with the packetizer those of destination 0; a new reference. */
rogue_mem_stream_port_t *road_port(const road_t *road);
/* Connects the frames of this end with `port`, which is released, in both ways. */
void road_join(const road_t *road, rogue_mem_stream_port_t *port);
void road_close(road_t *road);

#endif
