/*
 * A register map behind a bridge: one block with one variable for each register.
 *
 *   registers_client --port P
 *
 * Prints {"ready":true} when it is connected. Lines on standard input, each answered by one JSON
 * object:
 *   open registers=N     makes the blocks, and has each hold a value of its own, written and
 *                        verified with one call
 *   read rounds=R        R times: reads all blocks with one call, and looks at every value
 *                        afterwards; answers with how long each call took, and each look
 * Ends with its standard input.
 */
#include <stdlib.h>
#include <string.h>

#include "../ours/road.h"

#define READY_TIMEOUT_US 60000000
#define READY_PERIOD_US 100000
#define TIMEOUT_US 60000000U
#define REGISTERS_MAX 65536U
#define REGISTER_BYTES 4U

typedef struct map {
    rogue_mem_slave_t *slave;
    size_t count;
    rogue_mem_block_t *blocks[REGISTERS_MAX];
    rogue_mem_variable_t *variables[REGISTERS_MAX];
} map_t;

static uint64_t value_of(size_t index, uint64_t round) {
    return (uint32_t) ~(index * REGISTER_BYTES + round);
}

static void connect_map(map_t *map, uint16_t port) {
    rogue_mem_tcp_client_t *client;
    road_check(rogue_mem_tcp_client_new("127.0.0.1", port, NULL, &client), "a client");
    road_check(rogue_mem_tcp_client_wait_ready(client, READY_TIMEOUT_US, READY_PERIOD_US),
               "connecting");
    map->slave = rogue_mem_tcp_client_slave(client);
    rogue_mem_tcp_client_release(client);
}

/* The next register of the map, which is 0. */
static void add_register(map_t *map) {
    rogue_mem_variable_spec_t spec = {0};
    spec.size = sizeof spec;
    spec.name = "register";
    spec.model = ROGUE_MEM_MODEL_UINT;
    spec.bit_size = 8 * REGISTER_BYTES;
    rogue_mem_variable_t *variable;
    rogue_mem_block_t *block;
    uint64_t address = map->count * REGISTER_BYTES;
    road_check(rogue_mem_variable_new(&spec, &variable), "a variable");
    road_check(rogue_mem_block_new(address, REGISTER_BYTES, &block), "a block");
    rogue_mem_master_t *master = rogue_mem_block_master(block);
    road_check(rogue_mem_master_set_slave(master, map->slave), "connecting a block");
    rogue_mem_master_set_timeout(master, TIMEOUT_US);
    rogue_mem_master_release(master);
    road_check(rogue_mem_block_add_variables(block, &variable, 1), "adding a variable");
    road_check(rogue_mem_block_set_enable(block, 1), "enabling a block");
    map->blocks[map->count] = block;
    map->variables[map->count] = variable;
    map->count += 1;
}

static void open_map(map_t *map, bench_command_t *command) {
    uint64_t registers = bench_command_number(command, "registers", 1);
    bench_command_check(command);
    if (map->count != 0 || registers == 0 || registers > REGISTERS_MAX) {
        bench_fail(BENCH_USAGE, "registers is out of range, or the map is open");
    }
    while (map->count < registers) {
        size_t index = map->count;
        add_register(map);
        road_check(rogue_mem_variable_stage_uint(map->variables[index], value_of(index, 0), -1),
                   "staging");
    }
    road_check(rogue_mem_block_write_all(map->blocks, map->count, 0, NULL), "writing");
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "registers", map->count);
    bench_json_end(&json);
}

/* Looks at every value; ends the process if one is not the expected one. */
static void check_values(const map_t *map) {
    for (size_t index = 0; index < map->count; index++) {
        uint64_t value = 0;
        road_check(rogue_mem_variable_staged_uint(map->variables[index], -1, &value), "a value");
        if (value != value_of(index, 0)) {
            bench_fail(BENCH_WRONG, "register %zu holds 0x%llx", index, (unsigned long long)value);
        }
    }
}

static void read_map(const map_t *map, bench_command_t *command) {
    uint64_t rounds = bench_command_number(command, "rounds", 1);
    bench_command_check(command);
    uint64_t *read_ns = bench_alloc((size_t)rounds * sizeof *read_ns);
    uint64_t *look_ns = bench_alloc((size_t)rounds * sizeof *look_ns);
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t begin_ns = bench_now_ns();
        road_check(rogue_mem_block_read_all(map->blocks, map->count, NULL), "reading");
        uint64_t read = bench_now_ns();
        check_values(map);
        look_ns[round] = bench_now_ns() - read;
        read_ns[round] = read - begin_ns;
    }
    bench_json_t json = bench_json_begin();
    bench_json_numbers(&json, "read_ns", read_ns, (size_t)rounds);
    bench_json_numbers(&json, "look_ns", look_ns, (size_t)rounds);
    bench_json_end(&json);
    free(read_ns);
    free(look_ns);
}

int main(int argc, char **argv) {
    static map_t map;
    char *line = NULL;
    size_t room = 0;
    bench_init(argv[0]);
    if (argc != 3 || strcmp(argv[1], "--port") != 0) {
        bench_fail(BENCH_USAGE, "usage: --port P");
    }
    connect_map(&map, (uint16_t)strtoul(argv[2], NULL, 10));
    bench_json_t json = bench_json_begin();
    bench_json_bool(&json, "ready", true);
    bench_json_end(&json);
    while (getline(&line, &room, stdin) >= 0) {
        bench_command_t command = bench_command_parse(line);
        if (strcmp(command.word, "open") == 0) {
            open_map(&map, &command);
        } else if (strcmp(command.word, "read") == 0) {
            read_map(&map, &command);
        } else {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
    }
    free(line);
    return BENCH_OK;
}
