/*
 * SRPv3 over UDP or, if ROAD_HAS_LINK is defined as 1, over the packetizer, RSSI and UDP, through
 * the C API: request and wait.
 */
#include <stdlib.h>

#include "../common/client.h"
#include "road.h"
#include "timeout.h"

/* The largest access of SRPv3. */
#define ACCESS_BYTES_MAX 4096U
#define BURST_COUNT_MAX 8192U
/* An RSSI segment without data. */
#define BARE_SEGMENT_BYTES 8U

typedef struct link {
    road_t road;
    rogue_mem_srp_v3_t *srp;
    rogue_mem_master_t *master;
} link_t;

static void *open_link(const bench_target_t *target) {
    link_t *link = bench_alloc(sizeof *link);
    road_options_t options = {
        .has_link = ROAD_HAS_LINK, .spin_us = target->spin_us, .without = target->without};
    link->road = road_connect(target->host, target->port, &options);
    road_check(rogue_mem_srp_v3_new(&link->srp), "SRPv3");
    road_join(&link->road, rogue_mem_srp_v3_stream_port(link->srp));
    road_check(rogue_mem_master_new(&link->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(link->srp);
    road_check(rogue_mem_master_set_slave(link->master, slave), "connecting the master");
    rogue_mem_slave_release(slave);
    rogue_mem_master_set_timeout(link->master, BENCH_TIMEOUT_US);
    return link;
}

static void request_many(void *handle, uint32_t type, uint32_t count, const uint64_t *addresses,
                         uint32_t size, void *data, uint32_t *ids) {
    static uint32_t sizes[BURST_COUNT_MAX];
    link_t *link = handle;
    if (count > BURST_COUNT_MAX) {
        bench_fail(BENCH_USAGE, "a burst of more than %u requests", BURST_COUNT_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        sizes[i] = size;
    }
    road_check(
        rogue_mem_master_request_many(link->master, type, count, addresses, sizes, data, ids),
        "a burst");
}

static void wait_for(void *handle, uint32_t id) {
    link_t *link = handle;
    road_check(rogue_mem_master_wait(link->master, id), "a transaction");
}

static uint32_t request(void *handle, uint32_t type, uint64_t address, uint32_t size, void *data) {
    link_t *link = handle;
    uint32_t id;
    /* Only what prepares the far memory is larger. */
    while (size > ACCESS_BYTES_MAX) {
        wait_for(link, request(link, type, address, ACCESS_BYTES_MAX, data));
        address += ACCESS_BYTES_MAX;
        data = (uint8_t *)data + ACCESS_BYTES_MAX;
        size -= ACCESS_BYTES_MAX;
    }
    road_check(rogue_mem_master_request(link->master, address, size, data, type, &id), "a request");
    return id;
}

/* Both ways, of a link that is idle: its segments are bare then. */
static uint64_t bare_segments(void *handle) {
    link_t *link = handle;
    rogue_mem_board_stats_t stats = {0};
    stats.size = sizeof stats;
    road_check(rogue_mem_board_stats(link->road.board, &stats), "its statistics");
    return (stats.bytes_in + stats.bytes_out) / BARE_SEGMENT_BYTES;
}

static void close_link(void *handle) {
    link_t *link = handle;
    rogue_mem_master_release(link->master);
    rogue_mem_srp_v3_stop(link->srp);
    rogue_mem_srp_v3_release(link->srp);
    road_close(&link->road);
    free(link);
}

int main(int argc, char **argv) {
    static const bench_peer_t peer = {.name = ROAD_HAS_LINK ? "c_rssi" : "c_udp",
                                      .stores = true,
                                      .spins = true,
                                      .open = open_link,
                                      .request = request,
                                      .wait = wait_for,
                                      .close = close_link,
                                      .lacks = true,
                                      .request_many = request_many,
                                      .bare_segments = ROAD_HAS_LINK ? bare_segments : NULL};
    return bench_client_main(&peer, argc, argv);
}
