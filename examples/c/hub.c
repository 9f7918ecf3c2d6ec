/* Hubs: one that places two blocks of memory at offsets of their own, and one that translates
 * addresses into accesses of a pair of registers. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rogue_mem.h"

/* Downstream of the translating hub: an address register, and a window to the selected word. */
enum { SELECT = 0x0, WINDOW = 0x4, DEVICE_WORDS = 8 };

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

/* --- a hub of the library: it adds its offset ------------------------------------------------- */

/* Connects upstream to downstream, through a new hub at offset. */
static rogue_mem_status_t connect_at(rogue_mem_master_t *upstream, uint64_t offset,
                                     rogue_mem_slave_t *downstream) {
    rogue_mem_hub_t *hub = NULL;
    rogue_mem_status_t status = rogue_mem_hub_new(offset, 0, 0, &hub);
    if (status != ROGUE_MEM_OK) {
        return status;
    }
    rogue_mem_master_t *out = rogue_mem_hub_master(hub);
    rogue_mem_slave_t *in = rogue_mem_hub_slave(hub);
    status = rogue_mem_master_set_slave(out, downstream);
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_master_set_slave(upstream, in);
    }
    rogue_mem_slave_release(in);
    rogue_mem_master_release(out);
    rogue_mem_hub_release(hub);
    return status;
}

static int offsets(void) {
    rogue_mem_slave_t *memory = NULL;
    rogue_mem_master_t *whole = NULL;
    rogue_mem_master_t *part = NULL;
    if (rogue_mem_emulate_new(4, 16, &memory) != ROGUE_MEM_OK ||
        rogue_mem_master_new(&whole) != ROGUE_MEM_OK ||
        rogue_mem_master_new(&part) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(whole, memory) != ROGUE_MEM_OK ||
        connect_at(part, 0x10000, memory) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    rogue_mem_slave_release(memory);
    /* The memory's largest access is 16 bytes: the hub splits larger ones. */
    uint8_t written[40];
    for (size_t index = 0; index < sizeof written; index++) {
        written[index] = (uint8_t)index;
    }
    uint8_t read[4] = {0};
    if (transfer(part, 0x20, written, sizeof written, ROGUE_MEM_WRITE) != ROGUE_MEM_OK ||
        transfer(whole, 0x10020 + 36, read, sizeof read, ROGUE_MEM_READ) != ROGUE_MEM_OK) {
        return failed("reaching the memory");
    }
    printf("0x20 behind a hub at 0x%llx is 0x10020: its last bytes there are %u to %u\n",
           (unsigned long long)rogue_mem_master_req_address(part), read[0], read[3]);
    rogue_mem_master_release(part);
    rogue_mem_master_release(whole);
    return read[0] == 36 && read[3] == 39 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- a hub of the program: it translates each access into others ------------------------------ */

/* The device behind it. */
typedef struct {
    uint32_t selected;
    uint32_t words[DEVICE_WORDS];
} device_t;

static void device_do_transaction(void *ctx, rogue_mem_transaction_t *transaction) {
    device_t *device = ctx;
    bool select = rogue_mem_transaction_address(transaction) == SELECT;
    uint32_t *word = select ? &device->selected : &device->words[device->selected % DEVICE_WORDS];
    uint32_t type = rogue_mem_transaction_type(transaction);
    rogue_mem_status_t status;
    if (type == ROGUE_MEM_WRITE || type == ROGUE_MEM_POST) {
        status = rogue_mem_transaction_copy_from_requester(transaction, 0, (uint8_t *)word, 4);
    } else {
        status = rogue_mem_transaction_copy_to_requester(transaction, 0, (const uint8_t *)word, 4);
    }
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    } else {
        rogue_mem_transaction_error(transaction, rogue_mem_last_error());
    }
}

/* Word n is at address 4 n: selects it, then moves its value through the window. */
static void translate(void *ctx, rogue_mem_transaction_t *transaction) {
    rogue_mem_master_t *out = ctx;
    uint32_t selected = (uint32_t)(rogue_mem_transaction_address(transaction) / 4);
    uint32_t type = rogue_mem_transaction_type(transaction);
    bool write = type == ROGUE_MEM_WRITE || type == ROGUE_MEM_POST;
    uint32_t value = 0;
    rogue_mem_status_t status = ROGUE_MEM_OK;
    if (write) {
        status = rogue_mem_transaction_copy_from_requester(transaction, 0, (uint8_t *)&value, 4);
    }
    if (status == ROGUE_MEM_OK) {
        status = transfer(out, SELECT, &selected, 4, ROGUE_MEM_WRITE);
    }
    if (status == ROGUE_MEM_OK) {
        status = transfer(out, WINDOW, &value, 4, type);
    }
    if (status == ROGUE_MEM_OK && !write) {
        status =
            rogue_mem_transaction_copy_to_requester(transaction, 0, (const uint8_t *)&value, 4);
    }
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    } else {
        rogue_mem_transaction_error(transaction, rogue_mem_last_error());
    }
}

static void drop_master(void *ctx) { rogue_mem_master_release(ctx); }

static rogue_mem_slave_t *translating_hub(rogue_mem_slave_t *downstream) {
    rogue_mem_master_t *out = NULL;
    if (rogue_mem_master_new(&out) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(out, downstream) != ROGUE_MEM_OK) {
        return NULL;
    }
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = out;
    callbacks.drop = drop_master;
    callbacks.do_transaction = translate;
    rogue_mem_slave_t *hub = NULL;
    if (rogue_mem_slave_new(4, 4, &callbacks, &hub) != ROGUE_MEM_OK) {
        rogue_mem_master_release(out);
    }
    return hub;
}

static int translation(void) {
    device_t device = {0, {0}};
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &device;
    callbacks.do_transaction = device_do_transaction;
    rogue_mem_slave_t *slave = NULL;
    if (rogue_mem_slave_new(4, 4, &callbacks, &slave) != ROGUE_MEM_OK) {
        return failed("making the device");
    }
    rogue_mem_slave_t *hub = translating_hub(slave);
    rogue_mem_slave_release(slave);
    rogue_mem_master_t *master = NULL;
    if (hub == NULL || rogue_mem_master_new(&master) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(master, hub) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    rogue_mem_slave_release(hub);
    uint32_t written = 0xFEEDF00D;
    uint32_t read = 0;
    if (transfer(master, 4 * 5, &written, 4, ROGUE_MEM_WRITE) != ROGUE_MEM_OK ||
        transfer(master, 4 * 5, &read, 4, ROGUE_MEM_READ) != ROGUE_MEM_OK) {
        return failed("reaching the device");
    }
    printf("word 5 of the device, behind its window, is 0x%08x\n", (unsigned)read);
    rogue_mem_master_release(master);
    return read == written && device.words[5] == written ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
    int result = offsets();
    return result == EXIT_SUCCESS ? translation() : result;
}
