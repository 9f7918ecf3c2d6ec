/* Serves emulated memory over TCP until its standard input ends.
 *
 *   bridge_server [PORT]        default: a free pair of ports, which is printed
 */
#include <stdio.h>
#include <stdlib.h>

#include "rogue_mem.h"

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 0;

    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.transaction_bytes_max = 1 << 20;
    rogue_mem_tcp_server_t *server = NULL;
    if (rogue_mem_tcp_server_new("*", port, &options, &server) != ROGUE_MEM_OK) {
        return failed("opening the server");
    }

    /* The server is a master: it passes requests from TCP on to its slave. */
    rogue_mem_slave_t *memory = NULL;
    if (rogue_mem_emulate_new(4, 4096, &memory) != ROGUE_MEM_OK) {
        return failed("making the memory");
    }
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    if (rogue_mem_master_set_slave(master, memory) != ROGUE_MEM_OK) {
        return failed("connecting the memory");
    }
    /* The server keeps both from here on. */
    rogue_mem_master_release(master);
    rogue_mem_slave_release(memory);

    printf("listening on port %u\n", (unsigned)rogue_mem_tcp_server_port(server));
    fflush(stdout);
    while (getchar() != EOF) {
    }

    rogue_mem_tcp_server_stats_t stats = {0};
    stats.size = sizeof stats;
    if (rogue_mem_tcp_server_stats(server, &stats) == ROGUE_MEM_OK) {
        printf("%llu requests, %llu refused\n", (unsigned long long)stats.requests,
               (unsigned long long)stats.refused);
    }
    rogue_mem_tcp_server_stop(server);
    rogue_mem_tcp_server_release(server);
    return EXIT_SUCCESS;
}
