/* Writes and reads registers of a server: bridge_server or Rogue's.
 *
 *   bridge_client HOST PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rogue_mem.h"

enum { LARGE_BYTES = 2 << 20, READY_TIMEOUT_US = 10000000, READY_PERIOD_US = 100000 };

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

/* Makes a request and waits for it. */
static rogue_mem_status_t transfer(rogue_mem_master_t *master, uint64_t address, void *data,
                                   uint32_t size, uint32_t type) {
    uint32_t id = 0;
    rogue_mem_status_t status = rogue_mem_master_request(master, address, size, data, type, &id);
    return status == ROGUE_MEM_OK ? rogue_mem_master_wait(master, id) : status;
}

static int use_registers(rogue_mem_master_t *master) {
    uint32_t written = 0x12345678;
    uint32_t read = 0;
    if (transfer(master, 0x1000, &written, sizeof written, ROGUE_MEM_WRITE) != ROGUE_MEM_OK) {
        return failed("writing 0x1000");
    }
    if (transfer(master, 0x1000, &read, sizeof read, ROGUE_MEM_VERIFY) != ROGUE_MEM_OK) {
        return failed("verifying 0x1000");
    }
    printf("wrote 0x%08x to 0x1000, which now reads as 0x%08x\n", (unsigned)written,
           (unsigned)read);

    /* A posted write completes when the transport has it, which is before the device has it. */
    uint32_t posted = 0x00C0FFEE;
    if (transfer(master, 0x1004, &posted, sizeof posted, ROGUE_MEM_POST) != ROGUE_MEM_OK) {
        return failed("posting to 0x1004");
    }
    uint32_t both[2] = {0, 0};
    if (transfer(master, 0x1000, both, sizeof both, ROGUE_MEM_READ) != ROGUE_MEM_OK) {
        return failed("reading 0x1000");
    }
    printf("0x1000 and 0x1004 read as 0x%08x and 0x%08x\n", (unsigned)both[0], (unsigned)both[1]);
    return read == written && both[0] == written && both[1] == posted ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The server refuses transactions above 1 MiB with an error. */
static int fail_once(rogue_mem_master_t *master) {
    void *large = malloc(LARGE_BYTES);
    if (large == NULL) {
        return EXIT_FAILURE;
    }
    rogue_mem_status_t status = transfer(master, 0, large, LARGE_BYTES, ROGUE_MEM_READ);
    free(large);
    if (status != ROGUE_MEM_ERROR_TRANSACTION) {
        fprintf(stderr, "reading 2 MiB at once: %s\n", rogue_mem_status_text(status));
        return EXIT_FAILURE;
    }
    printf("reading 2 MiB at once fails: %s\n", rogue_mem_last_error());
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return 2;
    }
    rogue_mem_tcp_client_t *client = NULL;
    if (rogue_mem_tcp_client_new(argv[1], (uint16_t)atoi(argv[2]), NULL, &client) != ROGUE_MEM_OK) {
        return failed("making the client");
    }
    if (rogue_mem_tcp_client_wait_ready(client, READY_TIMEOUT_US, READY_PERIOD_US) !=
        ROGUE_MEM_OK) {
        return failed("waiting for the server");
    }

    rogue_mem_master_t *master = NULL;
    if (rogue_mem_master_new(&master) != ROGUE_MEM_OK) {
        return failed("making a master");
    }
    rogue_mem_slave_t *remote = rogue_mem_tcp_client_slave(client);
    if (rogue_mem_master_set_slave(master, remote) != ROGUE_MEM_OK) {
        return failed("connecting the master");
    }
    rogue_mem_slave_release(remote);
    rogue_mem_master_set_timeout(master, 10 * 1000 * 1000);

    int result = use_registers(master);
    if (result == EXIT_SUCCESS) {
        result = fail_once(master);
    }
    rogue_mem_master_release(master);
    rogue_mem_tcp_client_stop(client);
    rogue_mem_tcp_client_release(client);
    return result;
}
