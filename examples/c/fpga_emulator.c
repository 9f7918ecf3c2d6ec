/* Plays an FPGA: registers behind SRPv3, the packetizer, RSSI and UDP, as firmware has them.
 *
 *   fpga_emulator [PORT]     default: a port the system chooses; firmware has 8192 by convention
 *
 * Prints its port, and serves until its standard input ends.
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

    rogue_mem_board_options_t options = {0};
    options.size = sizeof options;
    options.pack_version = ROGUE_MEM_PACK_VERSION_2;
    rogue_mem_board_t *board = NULL;
    if (rogue_mem_board_new_server("*", port, &options, &board) != ROGUE_MEM_OK) {
        return failed("opening the port");
    }

    /* Destination 0 is that of registers by convention. */
    rogue_mem_srp_v3_emulation_t *registers = NULL;
    if (rogue_mem_srp_v3_emulation_new(NULL, &registers) != ROGUE_MEM_OK) {
        return failed("making the registers");
    }
    rogue_mem_stream_port_t *device = rogue_mem_srp_v3_emulation_stream_port(registers);
    rogue_mem_stream_port_t *road = rogue_mem_board_application_port(board, 0);
    if (rogue_mem_stream_port_connect(device, road) != ROGUE_MEM_OK) {
        return failed("connecting the registers");
    }
    /* They are connected from here on. */
    rogue_mem_stream_port_release(road);
    rogue_mem_stream_port_release(device);

    printf("listening on port %u\n", (unsigned)rogue_mem_board_port(board));
    fflush(stdout);
    while (getchar() != EOF) {
    }

    rogue_mem_board_stop(board);
    rogue_mem_board_release(board);
    rogue_mem_srp_v3_emulation_stop(registers);
    rogue_mem_srp_v3_emulation_release(registers);
    return EXIT_SUCCESS;
}
