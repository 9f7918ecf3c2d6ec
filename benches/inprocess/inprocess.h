/*
 * What is measured within one process:
 *
 *   PROGRAM [--list] | FIGURE [seconds=S | count=N]
 *
 * prints one JSON object: how long one transaction takes, request and wait together, and how often
 * it has asked for memory where somebody counts that. C and C++.
 */
#ifndef BENCH_INPROCESS_H
#define BENCH_INPROCESS_H

#include "../common/measure.h"

/* Registers that are read in turn. */
#define REGISTERS 1024U
/* Transactions between two looks at the clock. */
#define BATCH_COUNT 4096U

/* One way to read a register. */
typedef struct inprocess_figure {
    const char *name;
    /* Builds what is read through. */
    void *(*build)(void);
    /* Reads `count` registers, the value of each being its address, and ends the process if one
     * is wrong. */
    void (*read)(void *built, uint64_t count);
    void (*destroy)(void *built);
} inprocess_figure_t;

#ifdef __cplusplus
extern "C" {
#endif

/* The whole program: to be returned from main. */
int inprocess_main(const char *peer, const inprocess_figure_t *figures, size_t count, int argc,
                   char **argv);

#ifdef __cplusplus
}
#endif

/* The address of the n-th read. */
static inline uint64_t inprocess_address(uint64_t n) { return n % REGISTERS * 4U; }

static inline void inprocess_check(uint64_t address, uint32_t word) {
    if (word != (uint32_t)address) {
        bench_fail(BENCH_WRONG, "0x%llx reads as 0x%x", (unsigned long long)address, word);
    }
}

#endif
