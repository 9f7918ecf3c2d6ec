#include "workload.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"

/* How long answers that nobody asked for are looked out for at the end. */
#define SETTLE_MS 300U
/* Rounds of rewriting what a restart left unknown before giving up. */
#define FILL_ROUNDS_MAX 100U
#define DIFFERENCES_SHOWN_MAX 10U
/* How often the end of the input is looked for. */
#define INPUT_LOOK_EVERY_OPERATIONS 64U

/* What the model knows of one octet. */
typedef struct cell {
    uint64_t writer; /* sequence number of the latest operation that wrote here */
    /* Reads issued before this sequence number may see an older value here. */
    uint64_t doubt_before;
    uint8_t value; /* after everything issued so far, had all of it been executed */
    bool known;
} cell_t;

/* One operation in flight. */
typedef struct flight {
    operation_t operation;
    uint64_t sequence;
    uint8_t data[WORKLOAD_OPERATION_OCTETS_MAX];
    uint8_t expected[WORKLOAD_OPERATION_OCTETS_MAX];
    bool compared[WORKLOAD_OPERATION_OCTETS_MAX];
} flight_t;

typedef struct workload {
    const workload_options_t *options;
    engine_t *engine;
    random_source_t random;
    cell_t *cells;
    flight_t *flights; /* a ring of `window` */
    uint32_t flight_first;
    uint32_t flight_count;
    uint64_t sequence;
    bool filled; /* every octet of the window has been written once */
    uint64_t ok, unknown, mismatch, octets_compared, octets_skipped;
} workload_t;

workload_options_t workload_defaults(void) {
    workload_options_t options;
    memset(&options, 0, sizeof options);
    options.seed = 1;
    options.operations = 1000;
    options.window = 16;
    options.base = 0x10000;
    options.size = 0x4000;
    options.identity = 1;
    options.granularity = 1;
    return options;
}

static uint64_t ranged(arguments_t *arguments, const char *name, uint64_t low, uint64_t high) {
    uint64_t value = parse_number(arguments_value(arguments, name), name);
    if (value < low || value > high) {
        fatal(EXIT_USAGE, "%s must lie between %" PRIu64 " and %" PRIu64, name, low, high);
    }
    return value;
}

bool workload_option(workload_options_t *options, const char *name, arguments_t *arguments) {
    if (strcmp(name, "--seed") == 0) {
        options->seed = ranged(arguments, name, 0, UINT64_MAX);
    } else if (strcmp(name, "--ops") == 0) {
        options->operations = ranged(arguments, name, 1, UINT64_MAX);
    } else if (strcmp(name, "--window") == 0) {
        options->window = (uint32_t)ranged(arguments, name, 1, WORKLOAD_WINDOW_MAX);
    } else if (strcmp(name, "--base") == 0) {
        options->base = ranged(arguments, name, 0, UINT64_MAX);
    } else if (strcmp(name, "--size") == 0) {
        options->size = (uint32_t)ranged(arguments, name, WORKLOAD_OPERATION_OCTETS_MAX,
                                         WORKLOAD_SPAN_OCTETS_MAX);
    } else if (strcmp(name, "--identity") == 0) {
        options->identity = (uint32_t)ranged(arguments, name, 1, WORKLOAD_IDENTITY_MAX);
    } else if (strcmp(name, "--granularity") == 0) {
        options->granularity = (uint32_t)ranged(arguments, name, 1, WORKLOAD_OPERATION_OCTETS_MAX);
    } else if (strcmp(name, "--progress") == 0) {
        options->progress_every = ranged(arguments, name, 1, UINT64_MAX);
    } else if (strcmp(name, "--until-eof") == 0) {
        options->until_end_of_input = true;
    } else if (strcmp(name, "--tolerate-restarts") == 0) {
        options->tolerate_restarts = true;
    } else {
        return false;
    }
    return true;
}

static void report(workload_t *load, const flight_t *flight, const char *what, uint32_t offset) {
    load->mismatch += 1;
    if (load->mismatch <= DIFFERENCES_SHOWN_MAX) {
        const operation_t *operation = &flight->operation;
        say("MISMATCH %s: operation %" PRIu64 " %s 0x%" PRIx64 " size %" PRIu32 " offset %" PRIu32
            " got %02x expected %02x: %s",
            what, flight->sequence, type_name(operation->type), operation->address, operation->size,
            offset, operation->size > 0 ? flight->data[offset] : 0,
            operation->size > 0 ? flight->expected[offset] : 0,
            operation->error != NULL ? operation->error : "");
    }
}

static cell_t *cells_of(workload_t *load, const operation_t *operation) {
    return load->cells + (operation->address - load->options->base);
}

/* Nobody knows whether a write has been executed: its octets may hold the old or the new value,
 * and reads already issued may see either. */
static void doubt(workload_t *load, const flight_t *flight) {
    cell_t *cells = cells_of(load, &flight->operation);
    for (uint32_t i = 0; i < flight->operation.size; i++) {
        cells[i].known = cells[i].known && cells[i].writer != flight->sequence;
        cells[i].doubt_before = load->sequence;
    }
}

/* A write has been executed, after everything issued before it: where nothing later wrote, the
 * value is known. */
static void confirm(workload_t *load, const flight_t *flight) {
    cell_t *cells = cells_of(load, &flight->operation);
    for (uint32_t i = 0; i < flight->operation.size; i++) {
        if (cells[i].writer == flight->sequence) {
            cells[i].known = true;
        }
    }
}

static void compare(workload_t *load, const flight_t *flight) {
    const operation_t *operation = &flight->operation;
    const cell_t *cells = cells_of(load, operation);
    for (uint32_t i = 0; i < operation->size; i++) {
        if (flight->compared[i] && flight->sequence >= cells[i].doubt_before) {
            load->octets_compared += 1;
            if (flight->data[i] != flight->expected[i]) {
                report(load, flight, "value", i);
                return;
            }
            continue;
        }
        load->octets_skipped += 1;
        if (load->filled && flight->data[i] >> 5 != load->options->identity) {
            report(load, flight, "another client's value", i);
            return;
        }
    }
}

static void finish_oldest(workload_t *load) {
    flight_t *flight = &load->flights[load->flight_first];
    operation_t *operation = &flight->operation;
    bool writes = type_carries_data(operation->type);
    load->engine->wait(load->engine, operation);
    load->flight_first = (load->flight_first + 1) % load->options->window;
    load->flight_count -= 1;
    switch (operation->outcome) {
    case OUTCOME_OK:
        load->ok += 1;
        if (!writes) {
            compare(load, flight);
        } else if (operation->type == TYPE_WRITE || load->engine->posts_are_answered) {
            confirm(load, flight);
        }
        break;
    case OUTCOME_UNKNOWN:
        load->unknown += 1;
        if (!load->options->tolerate_restarts) {
            report(load, flight, "no outcome", 0);
        }
        if (writes) {
            doubt(load, flight);
        }
        break;
    default:
        report(load, flight, "unexpected error", 0);
        if (writes) {
            doubt(load, flight);
        }
    }
    operation_clear(operation);
}

/* Enters a write into the model before it is issued. */
static void enter_write(workload_t *load, flight_t *flight) {
    const workload_options_t *options = load->options;
    cell_t *cells = cells_of(load, &flight->operation);
    /* A Post that is never answered may be lost with a connection without anybody knowing. */
    bool may_vanish = flight->operation.type == TYPE_POST && options->tolerate_restarts &&
                      !load->engine->posts_are_answered;
    for (uint32_t i = 0; i < flight->operation.size; i++) {
        uint32_t noise = random_below(&load->random, 32);
        flight->data[i] = (uint8_t)(options->identity << 5 | noise);
        cells[i].value = flight->data[i];
        cells[i].writer = flight->sequence;
        if (may_vanish) {
            cells[i].known = false;
        } else if (!options->tolerate_restarts) {
            cells[i].known = true;
        }
    }
}

static void enter_read(workload_t *load, flight_t *flight) {
    const cell_t *cells = cells_of(load, &flight->operation);
    /* What a transaction that copies nothing would leave behind is no valid value. */
    memset(flight->data, 0xFF ^ (int)(load->options->identity << 5), sizeof flight->data);
    for (uint32_t i = 0; i < flight->operation.size; i++) {
        flight->expected[i] = cells[i].value;
        flight->compared[i] = cells[i].known;
    }
}

static void issue(workload_t *load, uint32_t type, uint64_t address, uint32_t size) {
    if (load->flight_count == load->options->window) {
        finish_oldest(load);
    }
    uint32_t slot = (load->flight_first + load->flight_count) % load->options->window;
    flight_t *flight = &load->flights[slot];
    flight->operation = operation_new(type, address, size, flight->data);
    flight->sequence = load->sequence;
    load->sequence += 1;
    if (type_carries_data(type)) {
        enter_write(load, flight);
    } else {
        enter_read(load, flight);
    }
    load->flight_count += 1;
    load->engine->issue(load->engine, &flight->operation);
}

static void finish_all(workload_t *load) {
    while (load->flight_count > 0) {
        finish_oldest(load);
    }
}

/* Goes over the whole window in blocks; writes only those with an octet the model does not know. */
static void sweep(workload_t *load, uint32_t type, bool unknown_only) {
    const workload_options_t *options = load->options;
    for (uint32_t at = 0; at < options->size;) {
        uint32_t size = options->size - at;
        if (size > WORKLOAD_OPERATION_OCTETS_MAX) {
            size = WORKLOAD_OPERATION_OCTETS_MAX;
        }
        bool wanted = !unknown_only;
        for (uint32_t i = 0; i < size && !wanted; i++) {
            wanted = !load->cells[at + i].known;
        }
        if (wanted) {
            issue(load, type, options->base + at, size);
        }
        at += size;
    }
    finish_all(load);
}

static bool all_known(const workload_t *load) {
    for (uint32_t i = 0; i < load->options->size; i++) {
        if (!load->cells[i].known) {
            return false;
        }
    }
    return true;
}

/* Writes whatever is unknown until it has been confirmed. */
static void settle_unknown(workload_t *load) {
    unsigned rounds = 0;
    while (load->options->tolerate_restarts && !all_known(load)) {
        if (rounds == FILL_ROUNDS_MAX) {
            fatal(EXIT_DIFFERENCE, "no confirmed write after %u rounds", rounds);
        }
        sweep(load, TYPE_WRITE, true);
        rounds += 1;
    }
}

static void one_operation(workload_t *load) {
    static const uint32_t types[] = {TYPE_READ, TYPE_WRITE, TYPE_VERIFY, TYPE_POST};
    const workload_options_t *options = load->options;
    uint32_t grain = options->granularity;
    uint32_t type = types[random_below(&load->random, 4)];
    uint32_t size =
        (1 + random_below(&load->random, WORKLOAD_OPERATION_OCTETS_MAX / grain)) * grain;
    uint32_t places = (options->size - size) / grain + 1;
    uint64_t address = options->base + (uint64_t)random_below(&load->random, places) * grain;
    issue(load, type, address, size);
}

static bool input_ended(void) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 0) <= 0 || input.revents == 0) {
        return false;
    }
    char octets[64];
    ssize_t got = read(STDIN_FILENO, octets, sizeof octets);
    return got == 0 || (got < 0 && errno != EINTR);
}

/* The mix itself. */
static void run_operations(workload_t *load) {
    const workload_options_t *options = load->options;
    bool enough = false;
    for (uint64_t i = 1; !enough; i++) {
        one_operation(load);
        if (options->progress_every != 0 && i % options->progress_every == 0) {
            say("progress issued=%" PRIu64 " ok=%" PRIu64 " unknown=%" PRIu64 " identity=%" PRIu32,
                i, load->ok, load->unknown, options->identity);
        }
        enough =
            i >= options->operations && (!options->until_end_of_input ||
                                         (i % INPUT_LOOK_EVERY_OPERATIONS == 0 && input_ended()));
    }
    finish_all(load);
}

int workload_run(engine_t *engine, const workload_options_t *options) {
    workload_t load;
    memset(&load, 0, sizeof load);
    load.options = options;
    load.engine = engine;
    load.random.state = options->seed;
    load.cells = must_alloc(options->size * sizeof load.cells[0]);
    load.flights = must_alloc(options->window * sizeof load.flights[0]);
    sweep(&load, TYPE_WRITE, false);
    settle_unknown(&load);
    load.filled = true;
    say("filled");
    run_operations(&load);
    sweep(&load, TYPE_READ, false);
    settle_unknown(&load);
    sweep(&load, TYPE_VERIFY, false);
    engine->settle(engine, SETTLE_MS);
    uint64_t foreign = engine->foreign(engine);
    say("random ok=%" PRIu64 " unknown=%" PRIu64 " mismatch=%" PRIu64 " foreign=%" PRIu64
        " compared=%" PRIu64 " skipped=%" PRIu64,
        load.ok, load.unknown, load.mismatch, foreign, load.octets_compared, load.octets_skipped);
    engine->print_counters(engine);
    free(load.cells);
    free(load.flights);
    return load.mismatch == 0 && foreign == 0 ? EXIT_FINE : EXIT_DIFFERENCE;
}
