/*
 * SRPv3 and its emulation within one process, through the C API.
 */
#include "inprocess.h"

#include <rogue_mem.h>

#include <stdlib.h>

#define OUTSTANDING 64U

typedef struct bus {
    rogue_mem_srp_v3_t *srp;
    rogue_mem_srp_v3_emulation_t *emulation;
    rogue_mem_master_t *master;
} bus_t;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static uint32_t start_read(bus_t *bus, uint64_t address, uint32_t *word) {
    uint32_t id;
    *word = 0xFFFFFFFF;
    check(rogue_mem_master_request(bus->master, address, 4, word, ROGUE_MEM_READ, &id),
          "a request");
    return id;
}

static void *build(void) {
    static uint32_t words[REGISTERS];
    bus_t *bus = bench_alloc(sizeof *bus);
    uint32_t id;
    check(rogue_mem_srp_v3_new(&bus->srp), "SRPv3");
    check(rogue_mem_srp_v3_emulation_new(NULL, &bus->emulation), "an emulation of SRPv3");
    rogue_mem_stream_port_t *port = rogue_mem_srp_v3_stream_port(bus->srp);
    rogue_mem_stream_port_t *other = rogue_mem_srp_v3_emulation_stream_port(bus->emulation);
    check(rogue_mem_stream_port_connect(port, other), "connecting the stream");
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_port_release(other);
    check(rogue_mem_master_new(&bus->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(bus->srp);
    check(rogue_mem_master_set_slave(bus->master, slave), "connecting the master");
    rogue_mem_slave_release(slave);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        words[i] = i * 4U;
    }
    check(rogue_mem_master_request(bus->master, 0, sizeof words, words, ROGUE_MEM_WRITE, &id),
          "a request");
    check(rogue_mem_master_wait(bus->master, id), "writing");
    return bus;
}

static void read_one(void *built, uint64_t count) {
    bus_t *bus = built;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = inprocess_address(i);
        uint32_t word;
        check(rogue_mem_master_wait(bus->master, start_read(bus, address, &word)), "a transaction");
        inprocess_check(address, word);
    }
}

/* Keeps OUTSTANDING of them under way, but for the beginning and the end. */
static void read_pipelined(void *built, uint64_t count) {
    bus_t *bus = built;
    uint32_t words[OUTSTANDING], ids[OUTSTANDING];
    for (uint64_t i = 0; i < count + OUTSTANDING; i++) {
        uint32_t slot = i % OUTSTANDING;
        if (i >= OUTSTANDING && i - OUTSTANDING < count) {
            check(rogue_mem_master_wait(bus->master, ids[slot]), "a transaction");
            inprocess_check(inprocess_address(i - OUTSTANDING), words[slot]);
        }
        if (i < count) {
            ids[slot] = start_read(bus, inprocess_address(i), &words[slot]);
        }
    }
}

static void destroy(void *built) {
    bus_t *bus = built;
    rogue_mem_srp_v3_stop(bus->srp);
    rogue_mem_srp_v3_emulation_stop(bus->emulation);
    rogue_mem_master_release(bus->master);
    rogue_mem_srp_v3_release(bus->srp);
    rogue_mem_srp_v3_emulation_release(bus->emulation);
    free(bus);
}

static const inprocess_figure_t figures[] = {
    {"srp_v3", build, read_one, destroy},
    {"srp_v3_pipelined", build, read_pipelined, destroy},
};

int main(int argc, char **argv) {
    return inprocess_main("c", figures, sizeof figures / sizeof figures[0], argc, argv);
}
