/*
 * The bridge's server on an emulated memory, through the C API.
 */
#include <rogue_mem.h>

#include "../common/curve.h"
#include "../common/server.h"
#include "timeout.h"

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

/* Takes transactions and never completes them: they are left to the timeout. */
static void say_nothing(void *context, rogue_mem_transaction_t *transaction) {
    (void)context;
    (void)transaction;
}

/* Takes the time of what `seen` writes. */
static void stamp(void *context, rogue_mem_transaction_t *transaction) {
    (void)context;
    uint64_t made_ns;
    if (rogue_mem_transaction_size(transaction) == sizeof made_ns &&
        rogue_mem_transaction_copy_from_requester(transaction, 0, (uint8_t *)&made_ns,
                                                  sizeof made_ns) == ROGUE_MEM_OK) {
        bench_server_seen(rogue_mem_transaction_address(transaction), &made_ns, sizeof made_ns);
    }
    rogue_mem_transaction_done(transaction);
}

static rogue_mem_curve_server_t *new_curve(void) {
    rogue_mem_curve_keys_t *keys;
    rogue_mem_curve_server_t *curve;
    check(rogue_mem_curve_keys_from_secret(BENCH_CURVE_SERVER_SECRET, &keys), "the server's keys");
    check(rogue_mem_curve_server_new(keys, &curve), "CURVE");
    check(rogue_mem_curve_server_accept_any(curve), "accepting clients");
    rogue_mem_curve_keys_release(keys);
    return curve;
}

static rogue_mem_slave_t *new_slave(const bench_server_options_t *options) {
    rogue_mem_slave_t *slave;
    if (options->silent || options->stamps) {
        rogue_mem_slave_callbacks_t callbacks = {0};
        callbacks.size = sizeof callbacks;
        callbacks.do_transaction = options->silent ? say_nothing : stamp;
        check(rogue_mem_slave_new(4, 0, &callbacks, &slave), "a slave");
    } else {
        check(rogue_mem_emulate_new(4, 0, &slave), "an emulated memory");
    }
    return slave;
}

int main(int argc, char **argv) {
    bench_server_options_t options =
        bench_server_options(BENCH_TAKES_SPIN | BENCH_TAKES_CURVE, argc, argv);
    rogue_mem_tcp_server_options_t chosen = {0};
    chosen.size = sizeof chosen;
    chosen.spin_us = options.without.spin ? ROGUE_MEM_SPIN_NEVER : options.spin_us;
    chosen.no_duplex = options.without.duplex;
    chosen.curve = options.curve ? new_curve() : NULL;
    rogue_mem_tcp_server_t *server;
    check(rogue_mem_tcp_server_new(options.host, options.port, &chosen, &server), "a server");
    rogue_mem_curve_server_release(chosen.curve);
    rogue_mem_slave_t *slave = new_slave(&options);
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    check(rogue_mem_master_set_slave(master, slave), "connecting the slave");
    rogue_mem_master_set_timeout(master, BENCH_TIMEOUT_US);
    bench_server_attend(rogue_mem_tcp_server_port(server));
    rogue_mem_tcp_server_stop(server);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    rogue_mem_tcp_server_release(server);
    return BENCH_OK;
}
