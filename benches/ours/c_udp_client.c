/*
 * SRPv3 over UDP through the C API: request and wait.
 */
#include <rogue_mem.h>

#include <stdlib.h>

#include "../common/client.h"
#include "timeout.h"

/* The largest access of SRPv3. */
#define ACCESS_BYTES_MAX 4096U

typedef struct link {
    rogue_mem_udp_t *udp;
    rogue_mem_srp_v3_t *srp;
    rogue_mem_master_t *master;
} link_t;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static void *open_link(const bench_target_t *target) {
    link_t *link = bench_alloc(sizeof *link);
    rogue_mem_udp_options_t options = {0};
    options.size = sizeof options;
    options.jumbo = 1;
    options.spin_us = target->without.spin ? ROGUE_MEM_SPIN_NEVER : target->spin_us;
    check(rogue_mem_udp_new_client(target->host, target->port, &options, &link->udp), "a client");
    check(rogue_mem_srp_v3_new(&link->srp), "SRPv3");
    rogue_mem_stream_port_t *near = rogue_mem_srp_v3_stream_port(link->srp);
    rogue_mem_stream_port_t *far = rogue_mem_udp_stream_port(link->udp);
    check(rogue_mem_stream_port_connect(near, far), "connecting the ports");
    rogue_mem_stream_port_release(near);
    rogue_mem_stream_port_release(far);
    check(rogue_mem_master_new(&link->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(link->srp);
    check(rogue_mem_master_set_slave(link->master, slave), "connecting the master");
    rogue_mem_slave_release(slave);
    rogue_mem_master_set_timeout(link->master, BENCH_TIMEOUT_US);
    return link;
}

static void wait_for(void *handle, uint32_t id) {
    link_t *link = handle;
    check(rogue_mem_master_wait(link->master, id), "a transaction");
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
    check(rogue_mem_master_request(link->master, address, size, data, type, &id), "a request");
    return id;
}

static void close_link(void *handle) {
    link_t *link = handle;
    rogue_mem_master_release(link->master);
    rogue_mem_srp_v3_stop(link->srp);
    rogue_mem_srp_v3_release(link->srp);
    rogue_mem_udp_stop(link->udp);
    rogue_mem_udp_release(link->udp);
    free(link);
}

int main(int argc, char **argv) {
    static const bench_peer_t peer = {.name = "c_udp",
                                      .stores = true,
                                      .spins = true,
                                      .open = open_link,
                                      .request = request,
                                      .wait = wait_for,
                                      .close = close_link,
                                      .lacks = true};
    return bench_client_main(&peer, argc, argv);
}
