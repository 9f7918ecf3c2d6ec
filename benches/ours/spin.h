/*
 * Where the benchmark programs switch on that waits spin for a bounded time before they sleep.
 *
 * The library has no such option yet. When it gets one, define BENCH_SPIN_HOOK as true and let
 * bench_set_spin set it; the harness asks each program whether it can spin and then measures the
 * bar "4-byte read, p50, free, with the spin option on both sides", which until then it reports as
 * not measured.
 */
#ifndef BENCH_SPIN_H
#define BENCH_SPIN_H

#include <stdint.h>

#define BENCH_SPIN_HOOK false
/* Transactions shall fail because something is wrong, and never because the machine is slow. */
#define BENCH_TIMEOUT_US 60000000U

/* To be called before any object is made; `spin_us` is 0 unless BENCH_SPIN_HOOK is true. */
static inline void bench_set_spin(uint32_t spin_us) { (void)spin_us; }

#endif
