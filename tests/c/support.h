/* Shared parts of the C tests: cmocka, events to wait for, and a slave that records its calls.
 *
 * cmocka leaves a failing test by longjmp, which must not cross the library: callbacks and threads
 * record, and the test itself asserts. */
#ifndef ROGUE_MEM_TESTS_SUPPORT_H
#define ROGUE_MEM_TESTS_SUPPORT_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rogue_mem.h"

/* No test asserts how long something takes; this only ends one that hangs. */
#ifndef TEST_TIMEOUT_S
#define TEST_TIMEOUT_S 120
#endif
/* Time for a transaction that is to time out. */
#define SHORT_TIMEOUT_US 5000
/* Time for one that is not. */
#define LONG_TIMEOUT_US (TEST_TIMEOUT_S * 1000000ull)

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Asserts success, and prints the library's error otherwise. */
#define assert_ok(call) check_ok(call, #call, __FILE__, __LINE__)
void check_ok(rogue_mem_status_t status, const char *call, const char *file, int line);

/* Asserts that text contains part. */
#define assert_contains(text, part) check_contains(text, part, __FILE__, __LINE__)
void check_contains(const char *text, const char *part, const char *file, int line);

/* Counts that threads raise and tests wait for. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned count;
} events_t;

void events_init(events_t *events);
void events_destroy(events_t *events);
void events_raise(events_t *events);
unsigned events_count(events_t *events);
/* Waits until the count is at least this. */
void events_wait(events_t *events, unsigned count);

/* What a recording slave does with a transaction. */
enum behaviour {
    MEMORY,          /* reads from and writes to memory, and completes */
    KEEP,            /* retains it in kept */
    KEEP_BY_ADDRESS, /* as MEMORY below address 0x1000, else as KEEP */
    FAIL,            /* completes with error_text */
    FORGET           /* does nothing at all */
};

#define RECORDS_COUNT_MAX 64

/* A slave that records its calls. */
typedef struct {
    rogue_mem_slave_t *slave;
    enum behaviour behaviour;
    const char *error_text;
    uint8_t memory[256];

    events_t transactions; /* how many have come */
    events_t drops;        /* how often drop was called */

    pthread_mutex_t mutex; /* guards what follows */
    size_t count;
    struct {
        uint64_t address;
        uint32_t size;
        uint32_t type;
        uint32_t id;
        rogue_mem_status_t status; /* of copying the data */
    } records[RECORDS_COUNT_MAX];
    rogue_mem_transaction_t *kept[RECORDS_COUNT_MAX];
    size_t kept_count;
} recorder_t;

void recorder_init(recorder_t *recorder, uint32_t min, uint32_t max, enum behaviour behaviour);
/* Releases the slave and the kept transactions, waits for drop, and asserts that it was called
 * once. Masters that hold the slave must have been released. */
void recorder_destroy(recorder_t *recorder);
/* The transaction that was kept first; the caller owns it from now on. */
rogue_mem_transaction_t *recorder_take(recorder_t *recorder);

/* A master connected to a slave, with LONG_TIMEOUT_US. */
rogue_mem_master_t *master_of(rogue_mem_slave_t *slave);

/* How often a wait for a server looks. */
#define PERIOD_US 10000

/* A server over a recording slave, and a client and master that reach it. */
typedef struct {
    recorder_t recorder;
    rogue_mem_tcp_server_t *server;
    rogue_mem_tcp_client_t *client;
    rogue_mem_master_t *master;
} bridge_t;

/* A server of a slave at a free port of this host, with LONG_TIMEOUT_US. */
rogue_mem_tcp_server_t *serve(rogue_mem_slave_t *slave,
                              const rogue_mem_tcp_server_options_t *options);
/* Makes a bridge, and waits until it is ready. */
void bridge_open(bridge_t *bridge, enum behaviour behaviour,
                 const rogue_mem_tcp_server_options_t *server_options,
                 const rogue_mem_tcp_client_options_t *client_options);
void bridge_close(bridge_t *bridge);

/* Connects two ports in both directions. Takes both references over. */
void connect_ports(rogue_mem_stream_port_t *port, rogue_mem_stream_port_t *other);

/* Requests and waits. */
rogue_mem_status_t transfer(rogue_mem_master_t *master, uint64_t address, void *data, uint32_t size,
                            uint32_t type);

#endif
