/*
 * A seeded mix of Read, Write, Verify and Post on a window of addresses of its own, every value
 * read compared with a model of what the memory must hold.
 *
 * Every octet written carries the client's identity in its upper three bits, so that data that
 * crossed over from another client shows even where the model knows nothing.
 */
#ifndef INTEROP_WORKLOAD_H
#define INTEROP_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "support.h"

#define WORKLOAD_WINDOW_MAX 400U
#define WORKLOAD_OPERATION_OCTETS_MAX 256U
#define WORKLOAD_SPAN_OCTETS_MAX (16U << 20)
#define WORKLOAD_IDENTITY_MAX 7U

typedef struct workload_options {
    uint64_t seed;
    uint64_t operations;
    uint32_t window;         /* operations outstanding at once */
    uint64_t base;           /* first address of the client's own window */
    uint32_t size;           /* octets of that window */
    uint32_t identity;       /* 1 .. WORKLOAD_IDENTITY_MAX */
    uint32_t granularity;    /* addresses and sizes are multiples of this */
    uint64_t progress_every; /* prints "progress issued=N ok=M" so often; 0: never */
    bool until_end_of_input; /* goes on until standard input ends, `operations` at least */
    bool tolerate_restarts;  /* operations of unknown outcome are no failure */
} workload_options_t;

/* Takes the option `name` if it is one of the workload's; false otherwise. */
bool workload_option(workload_options_t *options, const char *name, arguments_t *arguments);
workload_options_t workload_defaults(void);

/* Runs it and prints one line of results; EXIT_FINE or EXIT_DIFFERENCE. */
int workload_run(engine_t *engine, const workload_options_t *options);

#endif
