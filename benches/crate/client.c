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
 * Ends with its standard input.
 */
#include <rogue_mem.h>

#include <stdlib.h>
#include <string.h>

#include "../common/measure.h"

#define READY_TIMEOUT_S 60.0
#define READY_PERIOD_S 0.1
#define TIMEOUT_US 60000000U
#define BOARDS_MAX 4096U
#define REGISTERS_MAX 64U
#define REGISTER_BYTES 4U

typedef struct board {
    rogue_mem_tcp_client_t *client;
    rogue_mem_master_t *master;
} board_t;

static board_t boards[BOARDS_MAX];
static size_t board_count;

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static void open_board(board_t *board, uint16_t port, bool is_shared) {
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.shared_loop = is_shared;
    check(rogue_mem_tcp_client_new("127.0.0.1", port, &options, &board->client), "a client");
    check(rogue_mem_master_new(&board->master), "a master");
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(board->client);
    check(rogue_mem_master_set_slave(board->master, slave), "connecting a master");
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
        check(rogue_mem_tcp_client_wait_ready(boards[i].client, READY_TIMEOUT_S, READY_PERIOD_S),
              "connecting");
    }
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "boards", board_count);
    bench_json_end(&json);
}

/* Reads the registers of all boards once; how long that took. */
static uint64_t read_all(uint32_t registers, uint8_t *data, uint32_t *ids) {
    static uint64_t addresses[REGISTERS_MAX];
    static uint32_t sizes[REGISTERS_MAX];
    for (uint32_t i = 0; i < registers; i++) {
        addresses[i] = (uint64_t)i * REGISTER_BYTES;
        sizes[i] = REGISTER_BYTES;
    }
    uint64_t begin_ns = bench_now_ns();
    for (size_t i = 0; i < board_count; i++) {
        check(rogue_mem_master_request_many(boards[i].master, ROGUE_MEM_READ, registers, addresses,
                                            sizes, data + i * registers * REGISTER_BYTES,
                                            ids + i * registers),
              "a burst");
    }
    for (size_t i = 0; i < board_count * registers; i++) {
        check(rogue_mem_master_wait(boards[i / registers].master, ids[i]), "a read");
    }
    return bench_now_ns() - begin_ns;
}

static void read_boards(bench_command_t *command) {
    uint64_t registers = bench_command_number(command, "registers", 10);
    uint64_t rounds = bench_command_number(command, "rounds", 1);
    bench_command_check(command);
    if (registers == 0 || registers > REGISTERS_MAX || rounds == 0) {
        bench_fail(BENCH_USAGE, "read: registers or rounds is out of range");
    }
    size_t reads = board_count * (size_t)registers;
    uint8_t *data = bench_alloc(reads * REGISTER_BYTES);
    uint32_t *ids = bench_alloc(reads * sizeof *ids);
    uint64_t *times_ns = bench_alloc((size_t)rounds * sizeof *times_ns);
    for (uint64_t i = 0; i < rounds; i++) {
        times_ns[i] = read_all((uint32_t)registers, data, ids);
    }
    bench_json_t json = bench_json_begin();
    bench_json_numbers(&json, "times_ns", times_ns, (size_t)rounds);
    bench_json_end(&json);
    free(times_ns);
    free(ids);
    free(data);
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
        } else {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
    }
    free(line);
    return BENCH_OK;
}
