/*
 * The clients of a crate of boards, all in one process.
 *
 *   crate_client
 *
 * Lines on standard input, each answered by one JSON object:
 *   open shared=0|1 ports=P,P,P    one client more for each port, with the option shared_loop;
 *                                  returns when all are connected
 *   read registers=R rounds=N      N times: requests R registers of every board, with one burst for
 *                                  each, and waits for all; answers with how long each time took
 *       [step=B] [burst=0|1]       they lie B bytes apart; without burst each is waited for before
 *                                  the next is requested
 *   write registers=R [step=B]     writes to each such register what it is expected to hold from now
 *                                  on
 * Ends with its standard input.
 */
#include <stdlib.h>
#include <string.h>

#include "../ours/road.h"

#define READY_TIMEOUT_US 60000000
#define READY_PERIOD_US 100000
#define TIMEOUT_US 60000000U
#define BOARDS_MAX 4096U
#define REGISTERS_MAX 16384U
#define REGISTER_BYTES 4U

typedef struct board {
    rogue_mem_tcp_client_t *client;
    rogue_mem_master_t *master;
} board_t;

static board_t boards[BOARDS_MAX];
static size_t board_count;
/* Registers hold what `write` has written. */
static bool is_written;

/* Registers of every board. */
typedef struct plan {
    uint32_t registers;
    uint32_t step; /* bytes from one to the next */
    bool bursts;
    uint8_t *data; /* of all boards, one after the other */
    uint32_t *ids;
} plan_t;

static void open_board(board_t *board, uint16_t port, bool is_shared) {
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.shared_loop = is_shared;
    road_check(rogue_mem_tcp_client_new("127.0.0.1", port, &options, &board->client), "a client");
    road_check(rogue_mem_master_new(&board->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(board->client);
    road_check(rogue_mem_master_set_slave(board->master, slave), "connecting a master");
    rogue_mem_slave_release(slave);
    rogue_mem_master_set_timeout(board->master, TIMEOUT_US);
}

static void open_boards(bench_command_t *command) {
    bool is_shared = bench_command_number(command, "shared", 1) != 0;
    const char *ports = bench_command_value(command, "ports", "");
    bench_command_check(command);
    size_t first = board_count;
    while (*ports != '\0') {
        char *end;
        unsigned long port = strtoul(ports, &end, 10);
        if (end == ports || board_count == BOARDS_MAX) {
            bench_fail(BENCH_USAGE, "ports: \"%s\", or there are too many", ports);
        }
        open_board(&boards[board_count], (uint16_t)port, is_shared);
        board_count += 1;
        ports = *end == ',' ? end + 1 : end;
    }
    for (size_t i = first; i < board_count; i++) {
        road_check(
            rogue_mem_tcp_client_wait_ready(boards[i].client, READY_TIMEOUT_US, READY_PERIOD_US),
            "connecting");
    }
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "boards", board_count);
    bench_json_end(&json);
}

/* The word that the `n`th register of a plan holds. */
static uint32_t word_of(const plan_t *plan, uint32_t n) { return ~(n * plan->step); }

static plan_t plan_of(bench_command_t *command) {
    plan_t plan = {0};
    plan.registers = (uint32_t)bench_command_number(command, "registers", 10);
    plan.step = (uint32_t)bench_command_number(command, "step", REGISTER_BYTES);
    if (plan.registers == 0 || plan.registers > REGISTERS_MAX) {
        bench_fail(BENCH_USAGE, "registers is out of range");
    }
    size_t accesses = board_count * plan.registers;
    plan.data = bench_alloc(accesses * REGISTER_BYTES);
    plan.ids = bench_alloc(accesses * sizeof *plan.ids);
    return plan;
}

static void end_plan(plan_t *plan) {
    free(plan->data);
    free(plan->ids);
}

/* Accesses the registers of all boards once, with a burst for each board. */
static void access_in_bursts(const plan_t *plan, uint32_t type) {
    static uint64_t addresses[REGISTERS_MAX];
    static uint32_t sizes[REGISTERS_MAX];
    uint32_t registers = plan->registers;
    for (uint32_t i = 0; i < registers; i++) {
        addresses[i] = (uint64_t)i * plan->step;
        sizes[i] = REGISTER_BYTES;
    }
    for (size_t i = 0; i < board_count; i++) {
        road_check(rogue_mem_master_request_many(boards[i].master, type, registers, addresses,
                                                 sizes, plan->data + i * registers * REGISTER_BYTES,
                                                 plan->ids + i * registers),
                   "a burst");
    }
    for (size_t i = 0; i < board_count * registers; i++) {
        road_check(rogue_mem_master_wait(boards[i / registers].master, plan->ids[i]), "an access");
    }
}

/* The same reads, each after the one before it. */
static void read_one_by_one(const plan_t *plan) {
    for (size_t i = 0; i < board_count * plan->registers; i++) {
        rogue_mem_master_t *master = boards[i / plan->registers].master;
        uint64_t address = (uint64_t)(i % plan->registers) * plan->step;
        uint32_t id;
        road_check(rogue_mem_master_request(master, address, REGISTER_BYTES,
                                            plan->data + i * REGISTER_BYTES, ROGUE_MEM_READ, &id),
                   "a request");
        road_check(rogue_mem_master_wait(master, id), "an access");
    }
}

static void check_words(const plan_t *plan) {
    for (size_t i = 0; i < board_count * plan->registers; i++) {
        uint32_t word, expected = word_of(plan, (uint32_t)(i % plan->registers));
        memcpy(&word, plan->data + i * REGISTER_BYTES, sizeof word);
        if (word != expected) {
            bench_fail(BENCH_WRONG, "access %zu reads 0x%x, not 0x%x", i, word, expected);
        }
    }
}

/* Reads the registers of all boards once; how long that took. */
static uint64_t read_all(const plan_t *plan) {
    memset(plan->data, 0, board_count * plan->registers * REGISTER_BYTES);
    uint64_t begin_ns = bench_now_ns();
    if (plan->bursts) {
        access_in_bursts(plan, ROGUE_MEM_READ);
    } else {
        read_one_by_one(plan);
    }
    uint64_t elapsed_ns = bench_now_ns() - begin_ns;
    if (is_written) {
        check_words(plan);
    }
    return elapsed_ns;
}

static void read_boards(bench_command_t *command) {
    plan_t plan = plan_of(command);
    uint64_t rounds = bench_command_number(command, "rounds", 1);
    plan.bursts = bench_command_number(command, "burst", 1) != 0;
    bench_command_check(command);
    uint64_t *times_ns = bench_alloc((size_t)rounds * sizeof *times_ns);
    for (uint64_t i = 0; i < rounds; i++) {
        times_ns[i] = read_all(&plan);
    }
    bench_json_t json = bench_json_begin();
    bench_json_numbers(&json, "times_ns", times_ns, (size_t)rounds);
    bench_json_end(&json);
    free(times_ns);
    end_plan(&plan);
}

static void write_boards(bench_command_t *command) {
    plan_t plan = plan_of(command);
    bench_command_check(command);
    for (size_t i = 0; i < board_count * plan.registers; i++) {
        uint32_t word = word_of(&plan, (uint32_t)(i % plan.registers));
        memcpy(plan.data + i * REGISTER_BYTES, &word, sizeof word);
    }
    access_in_bursts(&plan, ROGUE_MEM_WRITE);
    is_written = true;
    bench_json_t json = bench_json_begin();
    bench_json_end(&json);
    end_plan(&plan);
}

int main(int argc, char **argv) {
    char *line = NULL;
    size_t room = 0;
    bench_init(argv[0]);
    if (argc != 1) {
        bench_fail(BENCH_USAGE, "%s is not known here", argv[1]);
    }
    while (getline(&line, &room, stdin) >= 0) {
        bench_command_t command = bench_command_parse(line);
        if (strcmp(command.word, "open") == 0) {
            open_boards(&command);
        } else if (strcmp(command.word, "read") == 0) {
            read_boards(&command);
        } else if (strcmp(command.word, "write") == 0) {
            write_boards(&command);
        } else {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
    }
    free(line);
    return BENCH_OK;
}
