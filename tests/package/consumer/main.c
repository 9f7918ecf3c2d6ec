/* A user's C program: writes a register of an emulated memory and reads it back. */
#include <stdio.h>
#include <string.h>

#include "rogue_mem.h"
#include "rogue_mem_binding.h" /* installed beside it */

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, rogue_mem_last_error());
    return 1;
}

static int transfer(rogue_mem_master_t *master, uint32_t *value, uint32_t type) {
    uint32_t id = 0;
    if (rogue_mem_master_request(master, 0x1000, sizeof *value, value, type, &id) != ROGUE_MEM_OK) {
        return failed("request");
    }
    return rogue_mem_master_wait(master, id) == ROGUE_MEM_OK ? 0 : failed("wait");
}

int main(void) {
    char header_version[32];
    snprintf(header_version, sizeof header_version, "%d.%d.%d", ROGUE_MEM_VERSION_MAJOR,
             ROGUE_MEM_VERSION_MINOR, ROGUE_MEM_VERSION_PATCH);
    if (strcmp(rogue_mem_version(), header_version) != 0) {
        fprintf(stderr, "header %s, library %s\n", header_version, rogue_mem_version());
        return 1;
    }

    rogue_mem_slave_t *slave = NULL;
    rogue_mem_master_t *master = NULL;
    if (rogue_mem_emulate_new(4, 4096, &slave) != ROGUE_MEM_OK ||
        rogue_mem_master_new(&master) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(master, slave) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    uint32_t written = 0x12345678;
    uint32_t read = 0;
    if (transfer(master, &written, ROGUE_MEM_WRITE) != 0 ||
        transfer(master, &read, ROGUE_MEM_READ) != 0) {
        return 1;
    }
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    if (read != written) {
        fprintf(stderr, "wrote 0x%08x, read 0x%08x\n", (unsigned)written, (unsigned)read);
        return 1;
    }
    printf("consumer in C, version %s: right\n", rogue_mem_version());
    return 0;
}
