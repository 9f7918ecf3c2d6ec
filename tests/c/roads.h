/* Roads to emulated memory, which is empty at first. A new road is a function that lays it, and a
 * line in roads. */
#ifndef ROGUE_MEM_TESTS_ROADS_H
#define ROGUE_MEM_TESTS_ROADS_H

#include "support.h"

/* Of SRPv3. */
#define ACCESS_BYTES_MAX 4096
#define AT_ONCE_MAX 2000
#define UNIT_MAX 4

enum { NEAR_END, FAR_END, ENDS_COUNT };

/* A road that has been laid: the end that masters connect to, and what carries it. */
typedef struct {
    uint32_t unit;
    size_t at_once, large_bytes;
    rogue_mem_slave_t *near;
    rogue_mem_tcp_client_t *client;
    rogue_mem_tcp_server_t *server;
    rogue_mem_srp_v3_t *srp;
    rogue_mem_board_t *boards[ENDS_COUNT];
    rogue_mem_udp_t *sockets[ENDS_COUNT];
    rogue_mem_srp_v3_emulation_t *device;
} path_t;

static void lay_in_process(path_t *path) { assert_ok(rogue_mem_emulate_new(1, 0, &path->near)); }

/* The upstream end of a hub over the slave, which stays the caller's. */
static rogue_mem_slave_t *hub_over(rogue_mem_slave_t *slave, uint64_t offset) {
    rogue_mem_hub_t *hub = NULL;
    assert_ok(rogue_mem_hub_new(offset, 0, 0, &hub));
    rogue_mem_master_t *downstream = rogue_mem_hub_master(hub);
    assert_ok(rogue_mem_master_set_slave(downstream, slave));
    rogue_mem_master_release(downstream);
    rogue_mem_slave_t *upstream = rogue_mem_hub_slave(hub);
    rogue_mem_hub_release(hub);
    return upstream;
}

/* Puts a hub in front of the road. It cuts what is larger than one access. */
static void add_hub(path_t *path) {
    rogue_mem_slave_t *slave = path->near;
    path->near = hub_over(slave, 0);
    rogue_mem_slave_release(slave);
}

static void lay_hubs(path_t *path) {
    lay_in_process(path);
    add_hub(path);
    add_hub(path);
}

/* Puts a bridge in front of the road. Its server cuts what is larger than one access. */
static void add_bridge(path_t *path) {
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &path->server));
    rogue_mem_master_t *serving = rogue_mem_tcp_server_master(path->server);
    assert_ok(rogue_mem_master_set_slave(serving, path->near));
    rogue_mem_master_set_timeout(serving, LONG_TIMEOUT_US);
    rogue_mem_master_release(serving);
    rogue_mem_slave_release(path->near);
    assert_ok(rogue_mem_tcp_server_start(path->server));
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(path->server), NULL,
                                       &path->client));
    path->near = rogue_mem_tcp_client_slave(path->client);
}

static void lay_bridge(path_t *path) {
    lay_in_process(path);
    add_bridge(path);
}

/* SRPv3 at the near end, and its device; the road between their ports is the caller's to lay. */
static void make_srp(path_t *path) {
    assert_ok(rogue_mem_srp_v3_new(&path->srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &path->device));
    path->near = rogue_mem_srp_v3_slave(path->srp);
}

static void lay_srp(path_t *path) {
    make_srp(path);
    connect_ports(rogue_mem_srp_v3_stream_port(path->srp),
                  rogue_mem_srp_v3_emulation_stream_port(path->device));
    add_hub(path);
}

static void lay_srp_over_udp(path_t *path) {
    rogue_mem_udp_options_t options = {0};
    options.size = sizeof options;
    options.jumbo = 1; /* an access of SRPv3 is one datagram */
    make_srp(path);
    assert_ok(rogue_mem_udp_new_server("127.0.0.1", 0, &options, &path->sockets[FAR_END]));
    assert_ok(rogue_mem_udp_new_client("127.0.0.1", rogue_mem_udp_port(path->sockets[FAR_END]),
                                       &options, &path->sockets[NEAR_END]));
    connect_ports(rogue_mem_srp_v3_stream_port(path->srp),
                  rogue_mem_udp_stream_port(path->sockets[NEAR_END]));
    connect_ports(rogue_mem_srp_v3_emulation_stream_port(path->device),
                  rogue_mem_udp_stream_port(path->sockets[FAR_END]));
    add_hub(path);
}

/* The road to a board up to SRPv3, which has no hub yet. */
static void make_board(path_t *path) {
    rogue_mem_board_options_t options = {0};
    options.size = sizeof options;
    options.pack_version = ROGUE_MEM_PACK_VERSION_2;
    make_srp(path);
    assert_ok(rogue_mem_board_new_server("127.0.0.1", 0, &options, &path->boards[FAR_END]));
    assert_ok(rogue_mem_board_new_client("127.0.0.1", rogue_mem_board_port(path->boards[FAR_END]),
                                         &options, &path->boards[NEAR_END]));
    connect_ports(rogue_mem_srp_v3_stream_port(path->srp),
                  rogue_mem_board_application_port(path->boards[NEAR_END], 0));
    connect_ports(rogue_mem_srp_v3_emulation_stream_port(path->device),
                  rogue_mem_board_application_port(path->boards[FAR_END], 0));
    assert_ok(rogue_mem_board_wait_open(path->boards[NEAR_END], LONG_TIMEOUT_US));
}

static void lay_board(path_t *path) {
    make_board(path);
    add_hub(path);
}

static void lay_bridge_to_board(path_t *path) {
    make_board(path);
    add_bridge(path);
}

static void take_up(path_t *path) {
    rogue_mem_slave_release(path->near);
    if (path->client != NULL) {
        rogue_mem_tcp_client_stop(path->client);
        rogue_mem_tcp_server_stop(path->server);
    }
    if (path->srp != NULL) {
        rogue_mem_srp_v3_stop(path->srp);
        rogue_mem_srp_v3_emulation_stop(path->device);
    }
    for (size_t end = 0; end < ENDS_COUNT; end++) {
        if (path->boards[end] != NULL) {
            rogue_mem_board_stop(path->boards[end]);
        }
        if (path->sockets[end] != NULL) {
            rogue_mem_udp_stop(path->sockets[end]);
        }
        rogue_mem_board_release(path->boards[end]);
        rogue_mem_udp_release(path->sockets[end]);
    }
    rogue_mem_tcp_client_release(path->client);
    rogue_mem_tcp_server_release(path->server);
    rogue_mem_srp_v3_release(path->srp);
    rogue_mem_srp_v3_emulation_release(path->device);
}

/* Over UDP alone nothing repeats what a full socket drops: what is under way at once must fit the
 * smallest receive buffer that systems have. */
static const struct {
    const char *name;
    void (*lay)(path_t *path);
    uint32_t unit;      /* addresses and sizes are multiples of so many bytes */
    size_t at_once;     /* requests of one unit */
    size_t large_bytes; /* of one request */
} roads[] = {
    {"in_process", lay_in_process, 1, AT_ONCE_MAX, 1 << 20},
    {"hubs", lay_hubs, 1, AT_ONCE_MAX, 1 << 20},
    {"bridge", lay_bridge, 1, AT_ONCE_MAX, 1 << 20},
    {"srp_v3", lay_srp, 4, AT_ONCE_MAX, 1 << 20},
    {"srp_v3_over_udp", lay_srp_over_udp, 4, 64, 4 * ACCESS_BYTES_MAX},
    {"board_road", lay_board, 4, AT_ONCE_MAX, 1 << 20},
    {"bridge_to_board_road", lay_bridge_to_board, 4, AT_ONCE_MAX, 1 << 20},
};

#endif
