/*
 * A crate of boards: many servers of the bridge in one process, each on an emulated memory.
 *
 *   crate_server
 *
 * The line "open boards=N" on standard input adds N of them and is answered by one JSON object
 * with their ports. Ends with its standard input.
 */
#include <rogue_mem.h>

#include <stdlib.h>
#include <string.h>

#include "../common/measure.h"

#define LINE_BYTES_MAX 256U

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

/* A server, which stays until the process ends; returns its port. */
static uint16_t open_board(void) {
    rogue_mem_tcp_server_t *server;
    rogue_mem_slave_t *slave;
    check(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server), "a server");
    check(rogue_mem_emulate_new(4, 0, &slave), "an emulated memory");
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    check(rogue_mem_master_set_slave(master, slave), "connecting the slave");
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    return rogue_mem_tcp_server_port(server);
}

static void open_boards(bench_command_t *command) {
    uint64_t boards = bench_command_number(command, "boards", 1);
    bench_command_check(command);
    uint64_t *ports = bench_alloc((size_t)boards * sizeof *ports);
    for (uint64_t i = 0; i < boards; i++) {
        ports[i] = open_board();
    }
    bench_json_t json = bench_json_begin();
    bench_json_numbers(&json, "ports", ports, (size_t)boards);
    bench_json_end(&json);
    free(ports);
}

int main(int argc, char **argv) {
    char line[LINE_BYTES_MAX];
    bench_init(argv[0]);
    if (argc != 1) {
        bench_fail(BENCH_USAGE, "%s is not known here", argv[1]);
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        bench_command_t command = bench_command_parse(line);
        if (strcmp(command.word, "open") != 0) {
            bench_fail(BENCH_USAGE, "unknown command \"%s\"", command.word);
        }
        open_boards(&command);
    }
    return BENCH_OK;
}
