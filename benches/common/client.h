/*
 * The client programs: each brings the few functions that make it a peer, and this runs the same
 * loops over all of them.
 *
 *   CLIENT --port P [--host H] [--clients N] [--spin US] [--without LIST] [--curve on]
 *       [COMMAND [KEY=VALUE]...]
 *
 * Connects N clients, prints {"ready": ...}, and then carries out the command, or without one every
 * line of standard input until its end. Each command prints one JSON object. --curve is for a server
 * that has it too: see curve.h.
 *
 *   prepare [size=B]       fills the far memory with the pattern that `run` expects to read
 *   run [type=read|write] [size=B] [outstanding=N] [seconds=S | count=N] [begin_ns=T]
 *       [warm_count=N] [sample=N] [burst=N]
 *                          every client, in a thread of its own, keeps N requests in flight by
 *                          waiting for the oldest; what it does before T by the monotonic clock,
 *                          or its first warm_count requests, is not counted; latencies are taken
 *                          of every sample-th request. With burst it waits for so many, and then
 *                          requests as many with one call; it divides outstanding
 *   seen [count=N] [gap_us=T] [sleeps=0|1]
 *                          N times: a read that is waited for, a pause of T, and a write of the
 *                          time, for a server that stamps. In every second round the write is
 *                          waited for at once, in the others after T, in which the program
 *                          sleeps or has something else to do
 *   hold count=N capacity=N
 *                          starts N reads more, which are never waited for; for a silent server.
 *                          Room for their data is made for `capacity` of them at the first call
 *   segments               a number that grows by one with each segment without data that a link
 *                          sends or receives
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "measure.h"

/* Transaction types, as the bridge numbers them. */
#define BENCH_READ 1U
#define BENCH_WRITE 2U

/* Where a client connects to, and how. */
typedef struct bench_target {
    const char *host;
    uint16_t port;
    uint32_t spin_us; /* how long waits spin before they sleep; 0: as the peer does by itself */
    bench_without_t without;
    bool curve; /* with CURVE */
} bench_target_t;

/* One way to reach a memory. A link is used by one thread at a time. Whatever fails ends the
 * process through bench_fail. */
typedef struct bench_peer {
    const char *name;
    bool stores; /* what is written can be read back */
    bool spins;  /* spin_us is obeyed */
    /* A connection over which requests go from now on. */
    void *(*open)(const bench_target_t *target);
    /* Starts a transaction of `size` bytes at `data`, which stays untouched until it is waited
     * for; returns its id. */
    uint32_t (*request)(void *link, uint32_t type, uint64_t address, uint32_t size, void *data);
    /* Returns when the transaction has succeeded. */
    void (*wait)(void *link, uint32_t id);
    void (*close)(void *link);
    bool lacks; /* --without is obeyed */
    /* What is requested goes out with the next wait only. */
    bool gathers;
    /* As `request`, `count` times with one call; the data of all lie one after the other. NULL
     * where there is none. */
    void (*request_many)(void *link, uint32_t type, uint32_t count, const uint64_t *addresses,
                         uint32_t size, void *data, uint32_t *ids);
    /* Grows by one with each segment without data that the link sends or receives. NULL where there
     * are no segments. */
    uint64_t (*bare_segments)(void *link);
    bool curves; /* --curve is obeyed */
} bench_peer_t;

#ifdef __cplusplus
extern "C" {
#endif

/* The whole program: to be returned from main. */
int bench_client_main(const bench_peer_t *peer, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
