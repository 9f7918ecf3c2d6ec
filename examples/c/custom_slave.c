/* A slave that carries out transactions in a thread of its own, as for a device that answers later:
 * the callback only keeps the transaction. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rogue_mem.h"

enum { DEVICE_BYTES = 64, QUEUE_COUNT_MAX = 16 };

typedef struct {
    pthread_t worker;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Guarded by the mutex. */
    rogue_mem_transaction_t *queue[QUEUE_COUNT_MAX];
    size_t queued;
    bool closed;
    /* Used by the worker only. */
    uint8_t registers[DEVICE_BYTES];
} device_t;

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

/* Runs in the thread that makes the request. */
static void device_do_transaction(void *ctx, rogue_mem_transaction_t *transaction) {
    device_t *device = ctx;
    pthread_mutex_lock(&device->mutex);
    bool room = device->queued < QUEUE_COUNT_MAX;
    if (room) {
        /* Borrowed for this call: keeping it takes a reference. */
        device->queue[device->queued++] = rogue_mem_transaction_retain(transaction);
        pthread_cond_signal(&device->changed);
    }
    pthread_mutex_unlock(&device->mutex);
    if (!room) {
        rogue_mem_transaction_error(transaction, "The device is busy");
    }
}

/* Waits for the next transaction; NULL at the end. */
static rogue_mem_transaction_t *device_next(device_t *device) {
    rogue_mem_transaction_t *next = NULL;
    pthread_mutex_lock(&device->mutex);
    while (device->queued == 0 && !device->closed) {
        pthread_cond_wait(&device->changed, &device->mutex);
    }
    if (device->queued > 0) {
        next = device->queue[0];
        device->queued--;
        memmove(device->queue, device->queue + 1, device->queued * sizeof next);
    }
    pthread_mutex_unlock(&device->mutex);
    return next;
}

static void device_carry_out(device_t *device, rogue_mem_transaction_t *transaction) {
    uint64_t address = rogue_mem_transaction_address(transaction);
    uint32_t size = rogue_mem_transaction_size(transaction);
    if (address > DEVICE_BYTES || size > DEVICE_BYTES - address) {
        char text[80];
        snprintf(text, sizeof text, "There is no register at 0x%llx", (unsigned long long)address);
        rogue_mem_transaction_error(transaction, text);
        return;
    }
    uint8_t *at = device->registers + address;
    rogue_mem_status_t status;
    switch (rogue_mem_transaction_type(transaction)) {
    case ROGUE_MEM_WRITE:
    case ROGUE_MEM_POST:
        status = rogue_mem_transaction_copy_from_requester(transaction, 0, at, size);
        break;
    default:
        status = rogue_mem_transaction_copy_to_requester(transaction, 0, at, size);
    }
    /* Fails if the requester has given up: the answer is not wanted then. */
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    }
}

static void *device_work(void *argument) {
    device_t *device = argument;
    rogue_mem_transaction_t *transaction;
    while ((transaction = device_next(device)) != NULL) {
        device_carry_out(device, transaction);
        rogue_mem_transaction_release(transaction);
    }
    return NULL;
}

/* The library no longer needs the device: here, when the master has released the slave. */
static void device_drop(void *ctx) {
    device_t *device = ctx;
    pthread_mutex_lock(&device->mutex);
    device->closed = true;
    pthread_cond_signal(&device->changed);
    pthread_mutex_unlock(&device->mutex);
    pthread_join(device->worker, NULL);
    pthread_cond_destroy(&device->changed);
    pthread_mutex_destroy(&device->mutex);
    free(device);
    printf("the device is closed\n");
}

static rogue_mem_slave_t *device_slave(void) {
    device_t *device = calloc(1, sizeof *device);
    if (device == NULL) {
        return NULL;
    }
    pthread_mutex_init(&device->mutex, NULL);
    pthread_cond_init(&device->changed, NULL);
    if (pthread_create(&device->worker, NULL, device_work, device) != 0) {
        free(device);
        return NULL;
    }
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = device;
    callbacks.drop = device_drop;
    callbacks.do_transaction = device_do_transaction;
    rogue_mem_slave_t *slave = NULL;
    if (rogue_mem_slave_new(4, DEVICE_BYTES, &callbacks, &slave) != ROGUE_MEM_OK) {
        /* Without a slave drop is not called. */
        device_drop(device);
    }
    return slave;
}

static rogue_mem_status_t transfer(rogue_mem_master_t *master, uint64_t address, void *data,
                                   uint32_t size, uint32_t type) {
    uint32_t id = 0;
    rogue_mem_status_t status = rogue_mem_master_request(master, address, size, data, type, &id);
    return status == ROGUE_MEM_OK ? rogue_mem_master_wait(master, id) : status;
}

int main(void) {
    rogue_mem_slave_t *slave = device_slave();
    rogue_mem_master_t *master = NULL;
    if (slave == NULL || rogue_mem_master_new(&master) != ROGUE_MEM_OK ||
        rogue_mem_master_set_slave(master, slave) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    rogue_mem_slave_release(slave);
    /* The device may be slow: ten seconds here; the default is one. */
    rogue_mem_master_set_timeout(master, 10 * 1000 * 1000);

    const char greeting[16] = "hello, register";
    char copy[16];
    memcpy(copy, greeting, sizeof copy);
    if (transfer(master, 0x20, copy, sizeof copy, ROGUE_MEM_WRITE) != ROGUE_MEM_OK) {
        return failed("writing");
    }
    memset(copy, 0, sizeof copy);
    if (transfer(master, 0x20, copy, sizeof copy, ROGUE_MEM_READ) != ROGUE_MEM_OK) {
        return failed("reading");
    }
    printf("the device holds \"%s\"\n", copy);
    bool right = memcmp(copy, greeting, sizeof copy) == 0;

    if (transfer(master, 0x40, copy, 4, ROGUE_MEM_READ) != ROGUE_MEM_ERROR_TRANSACTION) {
        right = false;
    }
    printf("reading beyond it fails: %s\n", rogue_mem_last_error());
    rogue_mem_master_release(master);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
