/*
 * The time that transactions of the benchmark get.
 */
#ifndef BENCH_TIMEOUT_H
#define BENCH_TIMEOUT_H

/* Transactions shall fail because something is wrong, and never because the machine is slow. */
#define BENCH_TIMEOUT_US 60000000U

#endif
