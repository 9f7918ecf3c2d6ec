/* A master with operations of its own: it changes a field of a register, and reads many registers
 * with all requests in flight at once. */
#include <stdio.h>
#include <stdlib.h>

#include "rogue_mem.h"

enum { REGISTERS_COUNT = 1000, REGISTER_BYTES = 4 };

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

static rogue_mem_status_t transfer(rogue_mem_master_t *master, uint64_t address, void *data,
                                   uint32_t size, uint32_t type) {
    uint32_t id = 0;
    rogue_mem_status_t status = rogue_mem_master_request(master, address, size, data, type, &id);
    return status == ROGUE_MEM_OK ? rogue_mem_master_wait(master, id) : status;
}

/* Replaces bits of a register from lsb on; the others stay. */
static rogue_mem_status_t write_field(rogue_mem_master_t *master, uint64_t address, uint64_t lsb,
                                      uint64_t bits, uint8_t value) {
    uint8_t word[REGISTER_BYTES];
    rogue_mem_status_t status = transfer(master, address, word, sizeof word, ROGUE_MEM_READ);
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_copy_bits(word, sizeof word, lsb, &value, sizeof value, 0, bits);
    }
    if (status == ROGUE_MEM_OK) {
        status = transfer(master, address, word, sizeof word, ROGUE_MEM_WRITE);
    }
    return status;
}

/* Starts all requests before the first wait, so that they share the round trip. */
static rogue_mem_status_t read_all(rogue_mem_master_t *master, uint64_t address, uint8_t *words) {
    for (uint32_t index = 0; index < REGISTERS_COUNT; index++) {
        uint32_t id = 0;
        uint64_t offset = (uint64_t)index * REGISTER_BYTES;
        rogue_mem_status_t status = rogue_mem_master_request(
            master, address + offset, REGISTER_BYTES, words + offset, ROGUE_MEM_READ, &id);
        if (status != ROGUE_MEM_OK) {
            return status;
        }
    }
    /* 0 = all outstanding ones. */
    return rogue_mem_master_wait(master, 0);
}

int main(void) {
    rogue_mem_slave_t *memory = NULL;
    rogue_mem_master_t *master = NULL;
    if (rogue_mem_emulate_new(REGISTER_BYTES, 4096, &memory) != ROGUE_MEM_OK ||
        rogue_mem_master_new(&master) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(master, memory) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    rogue_mem_slave_release(memory);

    if (write_field(master, 0x100, 4, 8, 0xAB) != ROGUE_MEM_OK ||
        write_field(master, 0x100, 20, 4, 0xC) != ROGUE_MEM_OK) {
        return failed("writing fields");
    }
    uint8_t *words = calloc(REGISTERS_COUNT, REGISTER_BYTES);
    if (words == NULL) {
        return EXIT_FAILURE;
    }
    if (read_all(master, 0, words) != ROGUE_MEM_OK) {
        return failed("reading all registers");
    }
    const uint8_t *found = words + 0x100;
    printf("the register at 0x100 is 0x%02x%02x%02x%02x\n", found[3], found[2], found[1], found[0]);
    int right = found[0] == 0xB0 && found[1] == 0x0A && found[2] == 0xC0 && found[3] == 0x00;
    free(words);

    /* Without a slave a request fails with an error. */
    rogue_mem_slave_t *nothing = NULL;
    if (rogue_mem_slave_new(4, 4, NULL, &nothing) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(master, nothing) != ROGUE_MEM_OK) {
        return failed("connecting nothing");
    }
    rogue_mem_slave_release(nothing);
    uint32_t word = 0;
    if (transfer(master, 0, &word, sizeof word, ROGUE_MEM_READ) != ROGUE_MEM_ERROR_TRANSACTION) {
        right = 0;
    }
    printf("reading from nowhere fails: %s\n", rogue_mem_last_error());
    rogue_mem_master_release(master);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
