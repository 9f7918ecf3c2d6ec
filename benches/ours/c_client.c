/*
 * The bridge's client through the C API: request and wait.
 */
#include <rogue_mem.h>

#include <stdlib.h>

#include "../common/client.h"
#include "../common/curve.h"
#include "timeout.h"

#define READY_TIMEOUT_US 60000000
#define READY_PERIOD_US 100000

typedef struct link {
    rogue_mem_tcp_client_t *client;
    rogue_mem_master_t *master;
} link_t;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static rogue_mem_curve_client_t *new_curve(void) {
    rogue_mem_curve_keys_t *keys;
    rogue_mem_curve_client_t *curve;
    check(rogue_mem_curve_keys_from_secret(BENCH_CURVE_CLIENT_SECRET, &keys), "the client's keys");
    check(rogue_mem_curve_client_new(BENCH_CURVE_SERVER_PUBLIC, keys, &curve), "CURVE");
    rogue_mem_curve_keys_release(keys);
    return curve;
}

static void *open_link(const bench_target_t *target) {
    link_t *link = bench_alloc(sizeof *link);
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.spin_us = target->without.spin ? ROGUE_MEM_SPIN_NEVER : target->spin_us;
    options.no_direct = target->without.direct;
    options.no_duplex = target->without.duplex;
    options.curve = target->curve ? new_curve() : NULL;
    check(rogue_mem_tcp_client_new(target->host, target->port, &options, &link->client),
          "a client");
    rogue_mem_curve_client_release(options.curve);
    check(rogue_mem_tcp_client_wait_ready(link->client, READY_TIMEOUT_US, READY_PERIOD_US),
          "connecting");
    check(rogue_mem_master_new(&link->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(link->client);
    check(rogue_mem_master_set_slave(link->master, slave), "connecting the master");
    rogue_mem_slave_release(slave);
    rogue_mem_master_set_timeout(link->master, BENCH_TIMEOUT_US);
    return link;
}

static uint32_t request(void *handle, uint32_t type, uint64_t address, uint32_t size, void *data) {
    link_t *link = handle;
    uint32_t id;
    check(rogue_mem_master_request(link->master, address, size, data, type, &id), "a request");
    return id;
}

static void request_many(void *handle, uint32_t type, uint32_t count, const uint64_t *addresses,
                         uint32_t size, void *data, uint32_t *ids) {
    static uint32_t sizes[1U << 20];
    link_t *link = handle;
    /* The size is the same in all of a run. */
    for (uint32_t i = count; i > 0 && sizes[i - 1] != size; i--) {
        sizes[i - 1] = size;
    }
    check(rogue_mem_master_request_many(link->master, type, count, addresses, sizes, data, ids),
          "a burst");
}

static void wait_for(void *handle, uint32_t id) {
    link_t *link = handle;
    check(rogue_mem_master_wait(link->master, id), "a transaction");
}

static void close_link(void *handle) {
    link_t *link = handle;
    rogue_mem_tcp_client_stop(link->client);
    rogue_mem_master_release(link->master);
    rogue_mem_tcp_client_release(link->client);
    free(link);
}

int main(int argc, char **argv) {
    static const bench_peer_t peer = {.name = "c",
                                      .stores = true,
                                      .spins = true,
                                      .open = open_link,
                                      .request = request,
                                      .wait = wait_for,
                                      .close = close_link,
                                      .lacks = true,
                                      .request_many = request_many,
                                      .curves = true};
    return bench_client_main(&peer, argc, argv);
}
