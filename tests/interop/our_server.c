/*
 * A memory bridge server of this library, in front of its emulated memory or of a byte memory that
 * can be slow, fail or stay silent by address. Takes the same knobs as zmq_server where they make
 * sense; slow accesses are completed by a worker thread, the others in the server's own thread.
 *
 * Prints "listening PORT" when clients may come; standard input takes the line "counters" (answered
 * by one line of counters) and its end, like SIGTERM, ends the program with status 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rogue_mem.h>

#include "bus.h"
#include "byte_memory.h"
#include "curve.h"
#include "support.h"

#define ACCESS_OCTETS_MIN 1U
#define ACCESS_OCTETS_MAX 0xFFFFFFFFU

static const char usage[] =
    "usage: our_server [--host ADDRESS] [--port P (0: any)] [--emulate]\n"
    "  [--memory FILE BASE SIZE] [--journal FILE (-: stdout)] [--delay-ms N]\n"
    "  [--slow FIRST-LAST=MS]... [--fail FIRST-LAST=TEXT]... [--silent FIRST-LAST]...\n"
    "  [--slave-timeout SECONDS] [--window N] [--settle-ms N] [--clients-max N]\n"
    "  [--bytes-max N] [--legacy auto|one-per-address|local-pid|refuse] [--debug] [--log]\n"
    "  [--legacy-shared-process] [--no-duplex] [--spin-us N (0xFFFFFFFF: never)]\n"
    "  [--curve any|client|nobody: which clients are accepted]";

typedef struct options {
    const char *host;
    uint16_t port;
    bool emulate;
    const char *memory_path;
    uint64_t memory_base;
    uint64_t memory_size;
    const char *journal_path;
    uint64_t delay_ms;
    uint64_t slave_timeout_us; /* 0: the library's default */
    rogue_mem_tcp_server_options_t server;
    range_list_t slow, fail, silent;
} options_t;

typedef struct counters {
    uint64_t reads, writes, posts, verifies, others, failed, silent;
} counters_t;

/* A transaction that waits for its time. */
typedef struct job {
    rogue_mem_transaction_t *transaction;
    uint64_t due_ns;
    struct job *next;
} job_t;

/* A thread that completes transactions in the order of their arrival, each when it is due. */
typedef struct worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    job_t *first;
    job_t **last;
    bool stopping;
} worker_t;

typedef struct slave {
    const options_t *options;
    pthread_mutex_t mutex; /* guards everything below */
    byte_memory_t *memory;
    counters_t counters;
    job_t *silent; /* never answered */
    FILE *journal;
    worker_t delayed; /* of --delay-ms */
    worker_t slow;    /* of --slow, so that slow accesses do not hold up the others */
} slave_t;

static slave_t slave;

/* ---- the slave ---- */

static void count(counters_t *counters, uint32_t type) {
    switch (type) {
    case TYPE_READ:
        counters->reads += 1;
        break;
    case TYPE_WRITE:
        counters->writes += 1;
        break;
    case TYPE_POST:
        counters->posts += 1;
        break;
    case TYPE_VERIFY:
        counters->verifies += 1;
        break;
    default:
        counters->others += 1;
    }
}

/* Executes a transaction on the memory and completes it. Any thread. */
static void execute(rogue_mem_transaction_t *transaction) {
    uint64_t address = rogue_mem_transaction_address(transaction);
    uint32_t size = rogue_mem_transaction_size(transaction);
    bool writes = type_carries_data(rogue_mem_transaction_type(transaction)) != 0;
    const address_range_t *failing = range_list_find(&slave.options->fail, address, size);
    if (failing != NULL) {
        pthread_mutex_lock(&slave.mutex);
        slave.counters.failed += 1;
        pthread_mutex_unlock(&slave.mutex);
        rogue_mem_transaction_error(transaction, failing->text);
        return;
    }
    uint8_t *data = must_alloc(size);
    rogue_mem_status_t status = ROGUE_MEM_OK;
    if (writes) {
        status = rogue_mem_transaction_copy_from_requester(transaction, 0, data, size);
    }
    if (status == ROGUE_MEM_OK) {
        pthread_mutex_lock(&slave.mutex);
        if (writes) {
            byte_memory_write(slave.memory, address, data, size);
        } else {
            byte_memory_read(slave.memory, address, data, size);
        }
        pthread_mutex_unlock(&slave.mutex);
    }
    if (status == ROGUE_MEM_OK && !writes) {
        status = rogue_mem_transaction_copy_to_requester(transaction, 0, data, size);
    }
    free(data);
    /* A transaction that has been given up meanwhile needs no answer. */
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    }
}

static void *worker_main(void *argument) {
    worker_t *worker = argument;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stopping) {
        job_t *job = worker->first;
        if (job == NULL) {
            pthread_cond_wait(&worker->news, &worker->mutex);
            continue;
        }
        if (now_ns() < job->due_ns) {
            struct timespec due = {(time_t)(job->due_ns / NS_PER_S),
                                   (long)(job->due_ns % NS_PER_S)};
            pthread_cond_timedwait(&worker->news, &worker->mutex, &due);
            continue;
        }
        worker->first = job->next;
        if (worker->first == NULL) {
            worker->last = &worker->first;
        }
        pthread_mutex_unlock(&worker->mutex);
        execute(job->transaction);
        rogue_mem_transaction_release(job->transaction);
        free(job);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

static void worker_start(worker_t *worker) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&worker->mutex, NULL);
    worker->last = &worker->first;
    int failure = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (failure != 0) {
        fatal(EXIT_SYSTEM, "no thread: %s", strerror(failure));
    }
}

static void release_jobs(job_t *job) {
    while (job != NULL) {
        job_t *next = job->next;
        rogue_mem_transaction_release(job->transaction);
        free(job);
        job = next;
    }
}

static void worker_stop(worker_t *worker) {
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    release_jobs(worker->first);
    pthread_cond_destroy(&worker->news);
    pthread_mutex_destroy(&worker->mutex);
}

static void worker_give(worker_t *worker, job_t *job, uint64_t delay_ms) {
    job->due_ns = now_ns() + delay_ms * NS_PER_MS;
    pthread_mutex_lock(&worker->mutex);
    *worker->last = job;
    worker->last = &job->next;
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->mutex);
}

static job_t *job_new(rogue_mem_transaction_t *transaction) {
    job_t *job = must_alloc(sizeof *job);
    job->transaction = rogue_mem_transaction_retain(transaction);
    return job;
}

/* Runs in the server's thread. */
static void do_transaction(void *context, rogue_mem_transaction_t *transaction) {
    (void)context;
    const options_t *options = slave.options;
    uint64_t address = rogue_mem_transaction_address(transaction);
    uint32_t size = rogue_mem_transaction_size(transaction);
    uint32_t type = rogue_mem_transaction_type(transaction);
    const address_range_t *slow = range_list_find(&options->slow, address, size);
    bool silent = range_list_find(&options->silent, address, size) != NULL;
    pthread_mutex_lock(&slave.mutex);
    count(&slave.counters, type);
    if (slave.journal != NULL) {
        fprintf(slave.journal, "request %s 0x%" PRIx64 " %" PRIu32 "\n", type_name(type), address,
                size);
        fflush(slave.journal);
    }
    if (silent) {
        job_t *job = job_new(transaction);
        job->next = slave.silent;
        slave.silent = job;
        slave.counters.silent += 1;
    }
    pthread_mutex_unlock(&slave.mutex);
    if (silent) {
        return;
    }
    if (slow != NULL) {
        worker_give(&slave.slow, job_new(transaction), parse_number(slow->text, "--slow"));
    } else if (options->delay_ms > 0) {
        worker_give(&slave.delayed, job_new(transaction), options->delay_ms);
    } else {
        execute(transaction);
    }
}

static rogue_mem_slave_t *slave_open(const options_t *options) {
    rogue_mem_slave_t *handle = NULL;
    rogue_mem_status_t status;
    if (options->emulate) {
        status = rogue_mem_emulate_new(ACCESS_OCTETS_MIN, ACCESS_OCTETS_MAX, &handle);
    } else {
        rogue_mem_slave_callbacks_t callbacks;
        memset(&callbacks, 0, sizeof callbacks);
        callbacks.size = sizeof callbacks;
        callbacks.do_transaction = do_transaction;
        status = rogue_mem_slave_new(ACCESS_OCTETS_MIN, ACCESS_OCTETS_MAX, &callbacks, &handle);
    }
    if (status != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no slave: %s", rogue_mem_last_error());
    }
    slave.options = options;
    slave.memory =
        byte_memory_open(options->memory_path, options->memory_base, options->memory_size);
    if (options->journal_path != NULL) {
        bool to_stdout = strcmp(options->journal_path, "-") == 0;
        slave.journal = to_stdout ? stdout : fopen(options->journal_path, "a");
        if (slave.journal == NULL) {
            fatal(EXIT_SYSTEM, "cannot open the journal: %s", strerror(errno));
        }
    }
    pthread_mutex_init(&slave.mutex, NULL);
    worker_start(&slave.delayed);
    worker_start(&slave.slow);
    return handle;
}

static void slave_close(void) {
    worker_stop(&slave.delayed);
    worker_stop(&slave.slow);
    release_jobs(slave.silent);
    if (slave.journal != NULL && slave.journal != stdout) {
        fclose(slave.journal);
    }
    byte_memory_close(slave.memory);
    pthread_mutex_destroy(&slave.mutex);
}

/* ---- the server ---- */

static uint32_t legacy_mode(const char *text) {
    static const char *const names[] = {"auto", "one-per-address", "local-pid", "refuse"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    fatal(EXIT_USAGE, "unknown legacy mode \"%s\"\n%s", text, usage);
}

/* The server's keys, and the clients that it accepts: any, the one of curve.h, or none. */
static rogue_mem_curve_server_t *curve_open(const char *clients) {
    rogue_mem_curve_keys_t *keys;
    rogue_mem_curve_server_t *curve;
    if (rogue_mem_curve_keys_from_secret(CURVE_SERVER_SECRET, &keys) != ROGUE_MEM_OK ||
        rogue_mem_curve_server_new(keys, &curve) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no CURVE: %s", rogue_mem_last_error());
    }
    rogue_mem_status_t accepted = ROGUE_MEM_OK;
    if (strcmp(clients, "any") == 0) {
        accepted = rogue_mem_curve_server_accept_any(curve);
    } else if (strcmp(clients, "client") == 0) {
        accepted = rogue_mem_curve_server_set_clients(curve, CURVE_CLIENT_PUBLIC);
    }
    if (accepted != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no clients: %s", rogue_mem_last_error());
    }
    rogue_mem_curve_keys_release(keys);
    return curve;
}

/* The options that are not the slave's; false when `name` is none of them. */
static bool server_option(options_t *o, const char *name, arguments_t *arguments) {
    if (strcmp(name, "--window") == 0) {
        o->server.window = (uint32_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--settle-ms") == 0) {
        o->server.settle_ms = (uint32_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--clients-max") == 0) {
        o->server.clients_max = (uint32_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--bytes-max") == 0) {
        o->server.transaction_bytes_max = parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--legacy") == 0) {
        o->server.legacy = legacy_mode(arguments_value(arguments, name));
    } else if (strcmp(name, "--legacy-shared-process") == 0) {
        o->server.legacy_shared_process = 1;
    } else if (strcmp(name, "--no-duplex") == 0) {
        o->server.no_duplex = 1;
    } else if (strcmp(name, "--spin-us") == 0) {
        o->server.spin_us = (uint32_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--curve") == 0) {
        o->server.curve = curve_open(arguments_value(arguments, name));
    } else if (strcmp(name, "--host") == 0) {
        o->host = arguments_value(arguments, name);
    } else if (strcmp(name, "--port") == 0) {
        o->port = (uint16_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--slave-timeout") == 0) {
        double seconds = parse_seconds(arguments_value(arguments, name), name);
        o->slave_timeout_us = (uint64_t)(seconds * 1e6);
    } else if (strcmp(name, "--log") == 0) {
        rogue_mem_log_set_emit_stdout(1);
    } else if (strcmp(name, "--debug") == 0) {
        rogue_mem_log_set_level(ROGUE_MEM_LOG_DEBUG);
    } else {
        return false;
    }
    return true;
}

static void parse_options(options_t *o, int argc, char **argv) {
    arguments_t arguments = {argc, argv, 1};
    const char *name;
    while ((name = arguments_next(&arguments)) != NULL) {
        if (server_option(o, name, &arguments)) {
            continue;
        }
        if (strcmp(name, "--emulate") == 0) {
            o->emulate = true;
        } else if (strcmp(name, "--memory") == 0) {
            o->memory_path = arguments_value(&arguments, name);
            o->memory_base = parse_number(arguments_value(&arguments, name), name);
            o->memory_size = parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--journal") == 0) {
            o->journal_path = arguments_value(&arguments, name);
        } else if (strcmp(name, "--delay-ms") == 0) {
            o->delay_ms = parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--slow") == 0) {
            range_list_add(&o->slow, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--fail") == 0) {
            range_list_add(&o->fail, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--silent") == 0) {
            range_list_add(&o->silent, arguments_value(&arguments, name), name);
        } else {
            fatal(EXIT_USAGE, "unknown option %s\n%s", name, usage);
        }
    }
}

static void print_counters(rogue_mem_tcp_server_t *server) {
    rogue_mem_tcp_server_stats_t stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    if (rogue_mem_tcp_server_stats(server, &stats) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no counters: %s", rogue_mem_last_error());
    }
    pthread_mutex_lock(&slave.mutex);
    counters_t c = slave.counters;
    pthread_mutex_unlock(&slave.mutex);
    say("counters reads=%" PRIu64 " writes=%" PRIu64 " posts=%" PRIu64 " verifies=%" PRIu64
        " others=%" PRIu64 " failed=%" PRIu64 " silent=%" PRIu64 " clients=%" PRIu64
        " held=%" PRIu64 " accepted=%" PRIu64 " requests=%" PRIu64 " responses=%" PRIu64
        " malformed=%" PRIu64 " refused=%" PRIu64 " dropped=%" PRIu64 " peak_kib=%ld",
        c.reads, c.writes, c.posts, c.verifies, c.others, c.failed, c.silent, stats.clients,
        stats.held, stats.accepted, stats.requests, stats.responses, stats.malformed, stats.refused,
        stats.dropped_responses, peak_memory_kib());
}

/* Serves until standard input ends or a signal asks for the end. */
static void serve(rogue_mem_tcp_server_t *server) {
    line_reader_t input;
    line_reader_init(&input, STDIN_FILENO);
    struct pollfd items[2] = {{STDIN_FILENO, POLLIN, 0}, {stop_signal_fd(), POLLIN, 0}};
    while (!input.ended) {
        int ready = poll(items, 2, -1);
        if (ready < 0 && errno != EINTR) {
            fatal(EXIT_SYSTEM, "waiting failed: %s", strerror(errno));
        }
        if (ready < 0) {
            continue;
        }
        if (items[1].revents != 0) {
            break;
        }
        if (items[0].revents == 0) {
            continue;
        }
        line_reader_fill(&input);
        const char *line;
        while ((line = line_reader_next(&input)) != NULL) {
            if (strcmp(line, "counters") == 0) {
                print_counters(server);
            }
        }
    }
    line_reader_free(&input);
}

int main(int argc, char **argv) {
    static options_t options;
    support_init(argv[0]);
    rogue_mem_log_set_emit_stdout(0);
    options.host = "127.0.0.1";
    options.server.size = sizeof options.server;
    parse_options(&options, argc, argv);
    stop_signal_fd();
    rogue_mem_slave_t *handle = slave_open(&options);
    rogue_mem_tcp_server_t *server = NULL;
    if (rogue_mem_tcp_server_new(options.host, options.port, &options.server, &server) !=
        ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "no server: %s", rogue_mem_last_error());
    }
    rogue_mem_curve_server_release(options.server.curve);
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    rogue_mem_master_set_timeout(master, options.slave_timeout_us);
    if (rogue_mem_master_set_slave(master, handle) != ROGUE_MEM_OK ||
        rogue_mem_tcp_server_start(server) != ROGUE_MEM_OK) {
        fatal(EXIT_SYSTEM, "the server does not start: %s", rogue_mem_last_error());
    }
    rogue_mem_master_release(master);
    rogue_mem_slave_release(handle);
    say("listening %u", rogue_mem_tcp_server_port(server));
    serve(server);
    print_counters(server);
    rogue_mem_tcp_server_stop(server);
    rogue_mem_tcp_server_release(server);
    slave_close();
    range_list_free(&options.slow);
    range_list_free(&options.fail);
    range_list_free(&options.silent);
    return EXIT_FINE;
}
