/*
 * The bus within one process through the C API: Emulate directly and behind hubs. Memory that is
 * asked for here is asked for by the library.
 */
#include "inprocess.h"

#include <rogue_mem.h>

#include <stdlib.h>

#define HUBS_MAX 3U

typedef struct bus {
    rogue_mem_master_t *master;
    rogue_mem_hub_t *hubs[HUBS_MAX];
    rogue_mem_slave_t *slave;
} bus_t;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static void connect_master(rogue_mem_master_t *master, rogue_mem_slave_t *slave) {
    check(rogue_mem_master_set_slave(master, slave), "connecting a slave");
    rogue_mem_slave_release(slave);
}

static bus_t *build_bus(unsigned hubs) {
    static uint32_t words[REGISTERS];
    bus_t *bus = bench_alloc(sizeof *bus);
    uint32_t id;
    check(rogue_mem_master_new(&bus->master), "a master");
    check(rogue_mem_emulate_new(4, 0, &bus->slave), "an emulated memory");
    rogue_mem_master_t *end = rogue_mem_master_retain(bus->master);
    for (unsigned i = 0; i < hubs; i++) {
        check(rogue_mem_hub_new(0, 0, 0, &bus->hubs[i]), "a hub");
        connect_master(end, rogue_mem_hub_slave(bus->hubs[i]));
        rogue_mem_master_release(end);
        end = rogue_mem_hub_master(bus->hubs[i]);
    }
    connect_master(end, rogue_mem_slave_retain(bus->slave));
    rogue_mem_master_release(end);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        words[i] = i * 4U;
    }
    check(rogue_mem_master_request(bus->master, 0, sizeof words, words, ROGUE_MEM_WRITE, &id),
          "a request");
    check(rogue_mem_master_wait(bus->master, id), "writing");
    return bus;
}

static void *build_direct(void) { return build_bus(0); }
static void *build_one_hub(void) { return build_bus(1); }
static void *build_three_hubs(void) { return build_bus(3); }

static void read_bus(void *built, uint64_t count) {
    rogue_mem_master_t *master = ((bus_t *)built)->master;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = inprocess_address(i);
        uint32_t word = 0xFFFFFFFF, id;
        check(rogue_mem_master_request(master, address, 4, &word, ROGUE_MEM_READ, &id),
              "a request");
        check(rogue_mem_master_wait(master, id), "a transaction");
        inprocess_check(address, word);
    }
}

static void destroy_bus(void *built) {
    bus_t *bus = built;
    rogue_mem_master_release(bus->master);
    for (unsigned i = 0; i < HUBS_MAX; i++) {
        rogue_mem_hub_release(bus->hubs[i]);
    }
    rogue_mem_slave_release(bus->slave);
    free(bus);
}

static const inprocess_figure_t figures[] = {
    {"emulate", build_direct, read_bus, destroy_bus},
    {"emulate_1_hub", build_one_hub, read_bus, destroy_bus},
    {"emulate_3_hubs", build_three_hubs, read_bus, destroy_bus},
};

int main(int argc, char **argv) {
    return inprocess_main("c", figures, sizeof figures / sizeof figures[0], argc, argv);
}
