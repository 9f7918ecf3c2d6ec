/*
 * A memory bridge client of this library, in the same three shapes as zmq_client:
 *
 *   our_client probe  [connection options]                      waits until the server is ready
 *   our_client rw     [connection options]                      commands: script.h
 *   our_client random [connection options] [workload options]   workload.h
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rogue_mem.h>

#include "bus.h"
#include "curve.h"
#include "engine.h"
#include "script.h"
#include "support.h"
#include "workload.h"

#define PROBE_PERIOD_US 100000

static const char usage[] =
    "usage: our_client probe|rw|random --port P [--host HOST] [--timeout SECONDS]\n"
    "  [--wait-ready SECONDS (0: do not wait)] [--probe-legacy] [--client-window N] [--debug]\n"
    "  [--no-direct] [--no-duplex] [--spin-us N (0xFFFFFFFF: never)] [--curve on|other]\n"
    "random: [--seed S] [--ops N] [--window W] [--base ADDRESS] [--size OCTETS] [--identity 1..7]\n"
    "  [--granularity OCTETS] [--progress N] [--until-eof] [--tolerate-restarts]";

typedef struct counters {
    uint64_t ok, failed, unknown, foreign;
    uint64_t timeouts; /* those of the unknown ones that nothing but the clock ended */
} counters_t;

typedef struct our_engine {
    engine_t base; /* first: the engine's functions get this pointer */
    rogue_mem_tcp_client_t *client;
    rogue_mem_master_t *master;
    counters_t counters;
} our_engine_t;

/* Enters an outcome into the books. */
static void finish(our_engine_t *engine, operation_t *operation, outcome_t outcome,
                   const char *error) {
    engine->counters.ok += outcome == OUTCOME_OK;
    engine->counters.failed += outcome == OUTCOME_FAILED;
    engine->counters.unknown += outcome == OUTCOME_UNKNOWN;
    engine->counters.foreign += outcome == OUTCOME_FOREIGN;
    operation_finish(operation, outcome, error);
}

/* What a failed transaction's status and text say about its outcome. */
static outcome_t outcome_of(rogue_mem_status_t status, const char *text) {
    if (status == ROGUE_MEM_OK) {
        return OUTCOME_OK;
    }
    if (status == ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT) {
        return OUTCOME_UNKNOWN;
    }
    if (strstr(text, "Transaction data mismatch") != NULL) {
        return OUTCOME_FOREIGN;
    }
    return strstr(text, "onnection") != NULL ? OUTCOME_UNKNOWN : OUTCOME_FAILED;
}

static void engine_issue(engine_t *base, operation_t *operation) {
    our_engine_t *engine = (our_engine_t *)base;
    rogue_mem_status_t status =
        rogue_mem_master_request(engine->master, operation->address, operation->size,
                                 operation->data, operation->type, &operation->handle);
    if (status != ROGUE_MEM_OK) {
        finish(engine, operation, OUTCOME_FAILED, rogue_mem_last_error());
    }
}

static void engine_wait(engine_t *base, operation_t *operation) {
    our_engine_t *engine = (our_engine_t *)base;
    if (operation->outcome != OUTCOME_PENDING) {
        return;
    }
    rogue_mem_status_t status = rogue_mem_master_wait(engine->master, operation->handle);
    const char *error = status == ROGUE_MEM_OK ? NULL : rogue_mem_last_error();
    engine->counters.timeouts += status == ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT;
    finish(engine, operation, outcome_of(status, error), error);
}

static bool engine_wait_ready(engine_t *base, double timeout_s) {
    our_engine_t *engine = (our_engine_t *)base;
    return rogue_mem_tcp_client_wait_ready(engine->client, (uint64_t)(timeout_s * 1e6),
                                           PROBE_PERIOD_US) == ROGUE_MEM_OK;
}

static void engine_set_timeout(engine_t *base, double timeout_s) {
    rogue_mem_master_set_timeout(((our_engine_t *)base)->master, (uint64_t)(timeout_s * 1e6));
}

/* The library serves its connections by itself. */
static void engine_serve_until_readable(engine_t *base, int fd) {
    (void)base;
    (void)fd;
}

static void engine_settle(engine_t *base, unsigned ms) {
    (void)base;
    (void)ms;
}

static bool engine_state(engine_t *base, char *text, size_t capacity) {
    our_engine_t *engine = (our_engine_t *)base;
    return rogue_mem_tcp_client_state_text(engine->client, text, capacity, NULL) == ROGUE_MEM_OK;
}

static void engine_print_counters(engine_t *base) {
    our_engine_t *engine = (our_engine_t *)base;
    const counters_t *c = &engine->counters;
    rogue_mem_tcp_client_stats_t stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    if (rogue_mem_tcp_client_stats(engine->client, &stats) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no counters: %s", rogue_mem_last_error());
    }
    say("counters ok=%" PRIu64 " failed=%" PRIu64 " unknown=%" PRIu64 " foreign=%" PRIu64
        " timeouts=%" PRIu64 " outstanding=%" PRIu64 " queued=%" PRIu64 " requests=%" PRIu64
        " responses=%" PRIu64 " connects=%" PRIu64 " disconnects=%" PRIu64 " dropped=%" PRIu64
        " peak_kib=%ld",
        c->ok, c->failed, c->unknown, c->foreign, c->timeouts, stats.outstanding, stats.queued,
        stats.requests, stats.responses, stats.connects, stats.disconnects, stats.dropped_responses,
        peak_memory_kib());
}

static uint64_t engine_foreign(engine_t *base) { return ((our_engine_t *)base)->counters.foreign; }

/* A client of that server, with the client's keys. */
static rogue_mem_curve_client_t *curve_open(const char *which) {
    rogue_mem_curve_keys_t *keys;
    rogue_mem_curve_client_t *curve;
    if (rogue_mem_curve_keys_from_secret(CURVE_CLIENT_SECRET, &keys) != ROGUE_MEM_OK ||
        rogue_mem_curve_client_new(curve_server_of(which), keys, &curve) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no CURVE: %s", rogue_mem_last_error());
    }
    rogue_mem_curve_keys_release(keys);
    return curve;
}

static void engine_open(our_engine_t *engine, const char *host, uint16_t port,
                        const rogue_mem_tcp_client_options_t *options) {
    engine->base = (engine_t){.issue = engine_issue,
                              .wait = engine_wait,
                              .wait_ready = engine_wait_ready,
                              .set_timeout = engine_set_timeout,
                              .serve_until_readable = engine_serve_until_readable,
                              .settle = engine_settle,
                              .state = engine_state,
                              .print_counters = engine_print_counters,
                              .foreign = engine_foreign,
                              .posts_are_answered = false};
    if (rogue_mem_master_new(&engine->master) != ROGUE_MEM_OK ||
        rogue_mem_tcp_client_new(host, port, options, &engine->client) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no client: %s", rogue_mem_last_error());
    }
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(engine->client);
    if (rogue_mem_master_set_slave(engine->master, slave) != ROGUE_MEM_OK ||
        rogue_mem_tcp_client_start(engine->client) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "the client does not start: %s", rogue_mem_last_error());
    }
    rogue_mem_slave_release(slave);
}

static void engine_close(our_engine_t *engine) {
    rogue_mem_tcp_client_stop(engine->client);
    rogue_mem_tcp_client_release(engine->client);
    rogue_mem_master_release(engine->master);
}

static int run(our_engine_t *engine, const char *mode, const workload_options_t *workload,
               double ready_s) {
    bool probe = strcmp(mode, "probe") == 0;
    if (probe || ready_s > 0) {
        bool ready = engine_wait_ready(&engine->base, ready_s);
        say(ready ? "ready" : "not ready");
        if (!ready && strcmp(mode, "rw") != 0) {
            say("reason %s", rogue_mem_last_error());
            return EXIT_DIFFERENCE;
        }
    }
    if (probe) {
        engine_print_counters(&engine->base);
        return EXIT_FINE;
    }
    return strcmp(mode, "rw") == 0 ? script_run(&engine->base)
                                   : workload_run(&engine->base, workload);
}

int main(int argc, char **argv) {
    static our_engine_t engine;
    static rogue_mem_tcp_client_options_t options;
    support_init(argv[0]);
    rogue_mem_log_set_emit_stdout(0);
    options.size = sizeof options;
    workload_options_t workload = workload_defaults();
    const char *host = "127.0.0.1";
    uint64_t port = 0;
    double ready_s = 10.0, timeout_s = 1.0;
    arguments_t arguments = {argc, argv, 1};
    const char *mode = arguments_value(&arguments, usage);
    const char *name;
    while ((name = arguments_next(&arguments)) != NULL) {
        if (strcmp(name, "--host") == 0) {
            host = arguments_value(&arguments, name);
        } else if (strcmp(name, "--port") == 0) {
            port = parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--timeout") == 0) {
            timeout_s = parse_seconds(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--wait-ready") == 0) {
            ready_s = parse_seconds(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--probe-legacy") == 0) {
            options.probe_legacy = 1;
        } else if (strcmp(name, "--client-window") == 0) {
            options.window = (uint32_t)parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--no-direct") == 0) {
            options.no_direct = 1;
        } else if (strcmp(name, "--no-duplex") == 0) {
            options.no_duplex = 1;
        } else if (strcmp(name, "--spin-us") == 0) {
            options.spin_us = (uint32_t)parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--curve") == 0) {
            options.curve = curve_open(arguments_value(&arguments, name));
        } else if (strcmp(name, "--debug") == 0) {
            rogue_mem_log_set_level(ROGUE_MEM_LOG_DEBUG);
        } else if (!workload_option(&workload, name, &arguments)) {
            fatal(EXIT_USAGE, "unknown option %s\n%s", name, usage);
        }
    }
    if ((port == 0 && !is_path(host)) || port > 65534 ||
        (strcmp(mode, "probe") != 0 && strcmp(mode, "rw") != 0 && strcmp(mode, "random") != 0)) {
        fatal(EXIT_USAGE, "%s", usage);
    }
    engine_open(&engine, host, (uint16_t)port, &options);
    rogue_mem_curve_client_release(options.curve);
    engine_set_timeout(&engine.base, timeout_s);
    int status = run(&engine, mode, &workload, ready_s);
    engine_close(&engine);
    return status;
}
