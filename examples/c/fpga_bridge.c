/* Exports the registers of an FPGA to remote programs:
 *
 *   TCP server >> SRPv3 == packetizer == RSSI == UDP
 *
 *   fpga_bridge HOST PORT [TCP_PORT]     default: a TCP port the system chooses
 *
 * Prints its port, and serves until its standard input ends. Tells when the link to the FPGA opens
 * and closes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rogue_mem.h"

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

/* Runs on a thread of its own. */
static void tell(void *ctx, const rogue_mem_link_t *link) {
    (void)ctx;
    printf("%s\n", link->text);
    fflush(stdout);
}

/* The road to the board; firmware with the interleaving packetizer has version 2. */
static rogue_mem_board_t *open_road(const char *host, uint16_t port) {
    rogue_mem_board_options_t options = {0};
    options.size = sizeof options;
    options.pack_version = ROGUE_MEM_PACK_VERSION_2;
    rogue_mem_board_t *board = NULL;
    if (rogue_mem_board_new_client(host, port, &options, &board) != ROGUE_MEM_OK) {
        return NULL;
    }
    rogue_mem_link_observer_t observer = {0};
    observer.size = sizeof observer;
    observer.changed = tell;
    /* Fails with a text that names the layer: no datagram, a closed port, no RSSI. */
    if (rogue_mem_board_observe(board, &observer) != ROGUE_MEM_OK ||
        rogue_mem_board_wait_open(board, 10 * 1000 * 1000) != ROGUE_MEM_OK) {
        rogue_mem_board_release(board);
        return NULL;
    }
    return board;
}

/* The registers at the end of the road, as a slave; destination 0 is theirs by convention. */
static rogue_mem_slave_t *registers_of(rogue_mem_board_t *board) {
    rogue_mem_srp_v3_t *srp = NULL;
    if (rogue_mem_srp_v3_new(&srp) != ROGUE_MEM_OK) {
        return NULL;
    }
    rogue_mem_stream_port_t *requester = rogue_mem_srp_v3_stream_port(srp);
    rogue_mem_stream_port_t *road = rogue_mem_board_application_port(board, 0);
    rogue_mem_slave_t *slave = NULL;
    if (rogue_mem_stream_port_connect(requester, road) == ROGUE_MEM_OK) {
        slave = rogue_mem_srp_v3_slave(srp);
    }
    rogue_mem_stream_port_release(road);
    rogue_mem_stream_port_release(requester);
    /* The slave keeps it. */
    rogue_mem_srp_v3_release(srp);
    return slave;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: fpga_bridge HOST PORT [TCP_PORT]\n");
        return 2;
    }
    rogue_mem_board_t *board = open_road(argv[1], (uint16_t)atoi(argv[2]));
    if (board == NULL) {
        return failed("opening the link");
    }
    rogue_mem_slave_t *registers = registers_of(board);
    if (registers == NULL) {
        return failed("connecting the registers");
    }

    /* Listens on all interfaces, on this port and the next one. */
    uint16_t port = argc > 3 ? (uint16_t)atoi(argv[3]) : 0;
    rogue_mem_tcp_server_t *server = NULL;
    if (rogue_mem_tcp_server_new("*", port, NULL, &server) != ROGUE_MEM_OK) {
        return failed("opening the server");
    }
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    if (rogue_mem_master_set_slave(master, registers) != ROGUE_MEM_OK) {
        return failed("connecting the server");
    }
    rogue_mem_master_release(master);
    rogue_mem_slave_release(registers);
    printf("listening on port %u\n", (unsigned)rogue_mem_tcp_server_port(server));
    fflush(stdout);
    while (getchar() != EOF) {
    }
    rogue_mem_tcp_server_stop(server);
    rogue_mem_tcp_server_release(server);

    rogue_mem_board_stats_t stats = {0};
    stats.size = sizeof stats;
    if (rogue_mem_board_stats(board, &stats) == ROGUE_MEM_OK) {
        printf("link: opened %llu times, round trip %.1f us (99 %% below %.1f us), "
               "%llu segments sent again\n",
               (unsigned long long)stats.open_count, (double)stats.round_trip_p50_ns / 1e3,
               (double)stats.round_trip_p99_ns / 1e3, (unsigned long long)stats.retransmits);
    }
    rogue_mem_board_stop(board);
    rogue_mem_board_release(board);
    return EXIT_SUCCESS;
}
