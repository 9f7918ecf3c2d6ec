/*
 * The server programs.
 *
 *   SERVER [--host H] [--port P] [--slave memory|silent|stamp] [--spin US] [--without LIST]
 *       [--curve on] [--window N] [--latency US] [--to P]
 *
 * Prints "listening on port <P>" and serves until its standard input ends. The line "usage" there
 * is answered by one JSON object of what the process has used since it began. A silent slave
 * takes requests and answers none. One that stamps takes the time at which a write of `seen` comes
 * (see client.h); the line "seen waited=0|1" is answered by what it has found. Without --port any
 * free one is taken. For --curve see curve.h. Those with a road to a board or from one take --window, the segments that may
 * be under way; a board takes --latency, which each access needs, and a bridge --to, the port of its
 * board.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "measure.h"

typedef struct bench_server_options {
    const char *host;
    uint16_t port; /* 0: any */
    bool silent;
    bool stamps;
    uint32_t spin_us;
    bench_without_t without;
    bool curve;      /* CURVE, and nothing in the clear */
    uint32_t window; /* 0: as the library does by itself */
    uint32_t latency_us;
    uint16_t to;
} bench_server_options_t;

/* Which options a server can obey beside those that all have. */
#define BENCH_TAKES_SPIN 1U
#define BENCH_TAKES_ROAD 2U
#define BENCH_TAKES_CURVE 4U

#ifdef __cplusplus
extern "C" {
#endif

/* `takes`: BENCH_TAKES_... */
bench_server_options_t bench_server_options(unsigned takes, int argc, char **argv);
/* A write has come to a slave that stamps: notes how old it is. One thread. */
void bench_server_seen(uint64_t address, const void *data, uint32_t size);
/* Says which port it is, answers commands, and returns at the end of standard input. */
void bench_server_attend(uint16_t port);

#ifdef __cplusplus
}
#endif

#endif
