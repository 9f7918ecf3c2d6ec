#include "client.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENTS_MAX 1024U
#define OUTSTANDING_MAX (1U << 20)
#define SIZE_BYTES_MAX (64U << 20)
#define LINE_BYTES_MAX 1024U
/* Words that 4-byte reads go round in. A prime, so that a slot of the window never reads the same
 * address twice in a row and a stale word is noticed. */
#define REGISTERS 4093U
/* Far from what is read. */
#define WRITE_BASE 0x8000000ULL
#define PREPARE_CHUNK_BYTES (1U << 20)
/* How often the clock is looked at where transactions are small and many. */
#define CLOCK_EVERY 64U
#define CLOCK_EVERY_SIZE_MAX 1024U

/* One place of the window. */
typedef struct slot {
    uint32_t id;
    uint64_t address;
    uint64_t issued_ns; /* 0: its latency is not taken */
    uint8_t *data;
} slot_t;

/* What every client of a run does. */
typedef struct plan {
    uint32_t type;
    uint32_t size;
    uint32_t outstanding;
    uint64_t count; /* 0: from `begin_ns` for `ns` */
    uint64_t ns;
    uint64_t warm_count;
    uint64_t begin_ns; /* by the monotonic clock */
    uint64_t sample;   /* 0: no latencies */
    uint32_t burst;    /* requests made with one call; 0: each with one of its own */
} plan_t;

typedef struct worker {
    const bench_peer_t *peer;
    void *link;
    const plan_t *plan;
    bench_usage_t *before; /* what the process had used when the measured part began; NULL but for
                              one worker */
    slot_t *slots;
    uint8_t *data;
    uint64_t *addresses; /* of a burst */
    uint32_t *ids;
    uint64_t sequence; /* requests so far */
    uint64_t completed;
    uint64_t elapsed_ns;
    bench_histogram_t histogram;
    pthread_t thread;
} worker_t;

typedef struct program {
    const bench_peer_t *peer;
    bench_target_t target;
    unsigned clients;
    void **links;
    uint8_t *held_data;
    uint64_t held;
    uint64_t held_capacity;
} program_t;

/* ---- the pattern ---- */

/* The word that stands at a byte address of the far memory. */
static uint32_t word_at(uint64_t address) {
    return address < WRITE_BASE ? (uint32_t)address : ~(uint32_t)address;
}

static void fill(uint8_t *data, uint64_t address, uint32_t size) {
    for (uint32_t at = 0; at < size; at += 4) {
        uint32_t word = word_at(address + at);
        memcpy(data + at, &word, sizeof word);
    }
}

static void check_word(const bench_peer_t *peer, const uint8_t *data, uint64_t address) {
    uint32_t word;
    memcpy(&word, data, sizeof word);
    if (word != word_at(address)) {
        bench_fail(BENCH_WRONG, "%s: 0x%llx reads as 0x%x, not 0x%x", peer->name,
                   (unsigned long long)address, word, word_at(address));
    }
}

/* ---- the loop ---- */

static inline void issue(worker_t *worker, slot_t *slot, uint64_t now_ns) {
    const plan_t *plan = worker->plan;
    if (plan->type == BENCH_READ && plan->size == 4) {
        slot->address = worker->sequence % REGISTERS * 4U;
    } else if (plan->type == BENCH_READ) {
        /* So that what the last read brought is not taken for the result of this one. */
        memset(slot->data, 0xFF, 4);
        memset(slot->data + plan->size - 4, 0xFF, 4);
    }
    slot->issued_ns = 0;
    if (plan->sample != 0 && worker->sequence % plan->sample == 0) {
        slot->issued_ns = now_ns != 0 ? now_ns : bench_now_ns();
    }
    worker->sequence += 1;
    slot->id =
        worker->peer->request(worker->link, plan->type, slot->address, plan->size, slot->data);
}

/* Waits for the slot's transaction and checks it; the time of its end if that was taken, else 0. */
static inline uint64_t complete(worker_t *worker, slot_t *slot) {
    const plan_t *plan = worker->plan;
    uint64_t now_ns = 0;
    worker->peer->wait(worker->link, slot->id);
    if (slot->issued_ns != 0) {
        now_ns = bench_now_ns();
        bench_histogram_add(&worker->histogram, now_ns - slot->issued_ns);
    }
    if (plan->type == BENCH_READ) {
        check_word(worker->peer, slot->data, slot->address);
        check_word(worker->peer, slot->data + plan->size - 4, slot->address + plan->size - 4);
    }
    return now_ns;
}

/* Completes transactions from a full window and keeps it full, for `count` of them or, if that is
 * 0, until `end_ns`; returns how many, and where the oldest one now is. */
static uint64_t keep_going(worker_t *worker, uint32_t *oldest, uint64_t count, uint64_t end_ns) {
    const plan_t *plan = worker->plan;
    uint64_t clock_every =
        plan->size <= CLOCK_EVERY_SIZE_MAX && plan->outstanding > 1 ? CLOCK_EVERY : 1;
    uint64_t done = 0;
    bool goes_on = true;
    while (goes_on) {
        slot_t *slot = &worker->slots[*oldest];
        uint64_t now_ns = complete(worker, slot);
        done += 1;
        if (count != 0) {
            goes_on = done < count;
        } else if (done % clock_every == 0) {
            now_ns = now_ns != 0 ? now_ns : bench_now_ns();
            goes_on = now_ns < end_ns;
        }
        issue(worker, slot, now_ns);
        *oldest = *oldest + 1 == plan->outstanding ? 0 : *oldest + 1;
    }
    return done;
}

static void issue_burst(worker_t *worker, uint32_t first) {
    const plan_t *plan = worker->plan;
    slot_t *slots = &worker->slots[first];
    for (uint32_t i = 0; i < plan->burst; i++) {
        if (plan->type == BENCH_READ) {
            slots[i].address = worker->sequence % REGISTERS * 4U;
        }
        slots[i].issued_ns = 0;
        worker->addresses[i] = slots[i].address;
        worker->sequence += 1;
    }
    worker->peer->request_many(worker->link, plan->type, plan->burst, worker->addresses, plan->size,
                               slots[0].data, worker->ids);
    for (uint32_t i = 0; i < plan->burst; i++) {
        slots[i].id = worker->ids[i];
    }
}

/* As `keep_going`, burst by burst. */
static uint64_t keep_going_in_bursts(worker_t *worker, uint32_t *oldest, uint64_t count,
                                     uint64_t end_ns) {
    const plan_t *plan = worker->plan;
    uint64_t done = 0;
    do {
        for (uint32_t i = 0; i < plan->burst; i++) {
            complete(worker, &worker->slots[*oldest + i]);
        }
        issue_burst(worker, *oldest);
        done += plan->burst;
        *oldest = (*oldest + plan->burst) % plan->outstanding;
    } while (count != 0 ? done < count : bench_now_ns() < end_ns);
    return done;
}

static uint64_t keep_full(worker_t *worker, uint32_t *oldest, uint64_t count, uint64_t end_ns) {
    return worker->plan->burst != 0 ? keep_going_in_bursts(worker, oldest, count, end_ns)
                                    : keep_going(worker, oldest, count, end_ns);
}

static void prepare_slots(worker_t *worker) {
    const plan_t *plan = worker->plan;
    worker->slots = bench_alloc(plan->outstanding * sizeof worker->slots[0]);
    worker->data = bench_alloc((size_t)plan->outstanding * plan->size);
    worker->addresses = bench_alloc((plan->burst + 1U) * sizeof worker->addresses[0]);
    worker->ids = bench_alloc((plan->burst + 1U) * sizeof worker->ids[0]);
    for (uint32_t i = 0; i < plan->outstanding; i++) {
        slot_t *slot = &worker->slots[i];
        slot->data = worker->data + (size_t)i * plan->size;
        if (plan->type == BENCH_WRITE) {
            slot->address = WRITE_BASE;
            fill(slot->data, slot->address, plan->size);
        }
    }
}

/* The measured part lies between two moments with a full window, so that neither the filling nor
 * the emptying of it counts. */
static void *work(void *argument) {
    worker_t *worker = argument;
    const plan_t *plan = worker->plan;
    uint32_t oldest = 0;
    bench_histogram_clear(&worker->histogram);
    for (uint32_t i = 0; i < plan->outstanding; i++) {
        issue(worker, &worker->slots[i], 0);
    }
    if (plan->warm_count != 0 || bench_now_ns() < plan->begin_ns) {
        keep_full(worker, &oldest, plan->warm_count, plan->begin_ns);
    }
    bench_histogram_clear(&worker->histogram);
    if (worker->before != NULL) {
        *worker->before = bench_usage_now();
    }
    uint64_t begin_ns = bench_now_ns();
    worker->completed = keep_full(worker, &oldest, plan->count, begin_ns + plan->ns);
    worker->elapsed_ns = bench_now_ns() - begin_ns;
    for (uint32_t i = 0; i < plan->outstanding; i++) {
        slot_t *slot = &worker->slots[oldest];
        slot->issued_ns = 0;
        complete(worker, slot);
        oldest = oldest + 1 == plan->outstanding ? 0 : oldest + 1;
    }
    return NULL;
}

/* What has been written is there. */
static void check_written(const bench_peer_t *peer, void *link, uint32_t size) {
    uint8_t *data = bench_alloc(size);
    peer->wait(link, peer->request(link, BENCH_READ, WRITE_BASE, size, data));
    for (uint32_t at = 0; at < size; at += 4) {
        check_word(peer, data + at, WRITE_BASE + at);
    }
    free(data);
}

/* ---- run ---- */

static void report(const program_t *program, const plan_t *plan, worker_t *workers,
                   const bench_usage_t *used) {
    bench_histogram_t *total = bench_alloc(sizeof *total);
    uint64_t *rates = bench_alloc(program->clients * sizeof rates[0]);
    uint64_t completed = 0, requests = 0, elapsed_ns = 0;
    bench_histogram_clear(total);
    for (unsigned i = 0; i < program->clients; i++) {
        const worker_t *worker = &workers[i];
        bench_histogram_merge(total, &worker->histogram);
        completed += worker->completed;
        requests += worker->sequence;
        elapsed_ns = worker->elapsed_ns > elapsed_ns ? worker->elapsed_ns : elapsed_ns;
        rates[i] =
            (uint64_t)((double)worker->completed * (double)NS_PER_S / (double)worker->elapsed_ns);
    }
    bench_json_t json = bench_json_begin();
    bench_json_text(&json, "command", "run");
    bench_json_text(&json, "peer", program->peer->name);
    bench_json_text(&json, "type", plan->type == BENCH_READ ? "read" : "write");
    bench_json_number(&json, "size", plan->size);
    bench_json_number(&json, "outstanding", plan->outstanding);
    bench_json_number(&json, "clients", program->clients);
    bench_json_number(&json, "transactions", completed);
    /* With those before and after the measured part: what the server has seen. */
    bench_json_number(&json, "requests", requests);
    bench_json_number(&json, "elapsed_ns", elapsed_ns);
    bench_json_numbers(&json, "per_client", rates, program->clients);
    if (total->samples > 0) {
        bench_json_histogram(&json, total);
    }
    bench_json_usage(&json, used);
    bench_json_end(&json);
    free(rates);
    free(total);
}

static void run_workers(program_t *program, worker_t *workers, const plan_t *plan) {
    bench_usage_t before, after, used;
    bool alone = program->clients == 1;
    for (unsigned i = 0; i < program->clients; i++) {
        worker_t *worker = &workers[i];
        worker->peer = program->peer;
        worker->link = program->links[i];
        worker->plan = plan;
        worker->before = i == 0 ? &before : NULL;
        prepare_slots(worker);
    }
    if (alone) {
        work(&workers[0]);
    }
    for (unsigned i = 0; !alone && i < program->clients; i++) {
        errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        if (errno != 0) {
            bench_fail_errno("starting a thread");
        }
    }
    for (unsigned i = 0; !alone && i < program->clients; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    after = bench_usage_now();
    used = bench_usage_since(&before, &after);
    if (plan->type == BENCH_WRITE && program->peer->stores) {
        check_written(program->peer, program->links[0], plan->size);
    }
    report(program, plan, workers, &used);
    for (unsigned i = 0; i < program->clients; i++) {
        free(workers[i].slots);
        free(workers[i].data);
        free(workers[i].addresses);
        free(workers[i].ids);
    }
}

static uint64_t in_ns(double seconds) { return (uint64_t)(seconds * (double)NS_PER_S); }

static void run(program_t *program, bench_command_t *command) {
    plan_t plan;
    const char *type = bench_command_value(command, "type", "read");
    plan.type = strcmp(type, "write") == 0 ? BENCH_WRITE : BENCH_READ;
    plan.size = (uint32_t)bench_command_number(command, "size", 4);
    plan.outstanding = (uint32_t)bench_command_number(command, "outstanding", 1);
    plan.count = bench_command_number(command, "count", 0);
    plan.ns = in_ns(bench_command_seconds(command, "seconds", 1.0));
    plan.warm_count = bench_command_number(command, "warm_count", 0);
    plan.begin_ns = bench_command_number(command, "begin_ns", 0);
    plan.sample = bench_command_number(command, "sample", plan.outstanding == 1 ? 1 : 0);
    plan.burst = (uint32_t)bench_command_number(command, "burst", 0);
    bench_command_check(command);
    if (plan.burst != 0 && (program->peer->request_many == NULL || plan.sample != 0 ||
                            plan.outstanding % plan.burst != 0 || plan.size != 4)) {
        bench_fail(BENCH_USAGE, "run: no such burst");
    }
    if (plan.size < 4 || plan.size % 4 != 0 || plan.size > SIZE_BYTES_MAX || plan.outstanding < 1 ||
        plan.outstanding > OUTSTANDING_MAX ||
        (strcmp(type, "read") != 0 && strcmp(type, "write") != 0)) {
        bench_fail(BENCH_USAGE, "run: no such type, size (a multiple of 4) or outstanding");
    }
    worker_t *workers = bench_alloc(program->clients * sizeof workers[0]);
    run_workers(program, workers, &plan);
    free(workers);
}

/* ---- prepare, hold ---- */

static void prepare(program_t *program, bench_command_t *command) {
    const bench_peer_t *peer = program->peer;
    uint32_t registers_bytes = REGISTERS * 4U;
    uint32_t size = (uint32_t)bench_command_number(command, "size", 0);
    bench_command_check(command);
    size = size < registers_bytes ? registers_bytes : size;
    uint8_t *data = bench_alloc(PREPARE_CHUNK_BYTES);
    for (uint32_t at = 0; at < size;) {
        uint32_t chunk = size - at < PREPARE_CHUNK_BYTES ? size - at : PREPARE_CHUNK_BYTES;
        fill(data, at, chunk);
        peer->wait(program->links[0],
                   peer->request(program->links[0], BENCH_WRITE, at, chunk, data));
        at += chunk;
    }
    free(data);
    bench_json_t json = bench_json_begin();
    bench_json_text(&json, "command", "prepare");
    bench_json_number(&json, "size", size);
    bench_json_end(&json);
}

static void hold(program_t *program, bench_command_t *command) {
    uint64_t count = bench_command_number(command, "count", 1);
    uint64_t capacity = bench_command_number(command, "capacity", count);
    bench_command_check(command);
    if (program->held_data == NULL) {
        program->held_data = bench_alloc(capacity * 4U);
        program->held_capacity = capacity;
    }
    if (program->held + count > program->held_capacity) {
        bench_fail(BENCH_USAGE, "hold: more than capacity=%llu",
                   (unsigned long long)program->held_capacity);
    }
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *data = program->held_data + 4U * program->held;
        program->peer->request(program->links[0], BENCH_READ, program->held % REGISTERS * 4U, 4,
                               data);
        program->held += 1;
    }
    bench_json_t json = bench_json_begin();
    bench_json_text(&json, "command", "hold");
    bench_json_number(&json, "held", program->held);
    bench_json_number(&json, "memory_bytes", bench_memory_bytes());
    bench_json_end(&json);
}

/* ---- seen ---- */

static void pause_for(uint64_t ns) {
    struct timespec time = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    nanosleep(&time, NULL);
}

/* Has something else to do, and offers the processor in between, as a thread that waits does. */
static void work_for(uint64_t ns) {
    uint64_t end_ns = bench_now_ns() + ns;
    while (bench_now_ns() < end_ns) {
        sched_yield();
    }
}

static void see(program_t *program, bench_command_t *command) {
    const bench_peer_t *peer = program->peer;
    void *link = program->links[0];
    uint64_t count = bench_command_number(command, "count", 1000);
    uint64_t gap_ns = bench_command_number(command, "gap_us", 100) * NS_PER_US;
    bool sleeps = bench_command_number(command, "sleeps", 0) != 0;
    bench_command_check(command);
    uint32_t word;
    for (uint64_t i = 0; i < count; i++) {
        bool waits = i % 2 == 1 || peer->gathers;
        uint64_t address = i % 2 == 1 ? BENCH_SEEN_WAITED : BENCH_SEEN_UNWAITED;
        peer->wait(link, peer->request(link, BENCH_READ, 0, sizeof word, &word));
        pause_for(gap_ns);
        uint64_t now_ns = bench_now_ns();
        uint32_t id = peer->request(link, BENCH_WRITE, address, sizeof now_ns, &now_ns);
        if (!waits && sleeps) {
            pause_for(gap_ns);
        } else if (!waits) {
            work_for(gap_ns);
        }
        peer->wait(link, id);
    }
    bench_json_t json = bench_json_begin();
    bench_json_text(&json, "command", "seen");
    bench_json_number(&json, "count", count);
    bench_json_end(&json);
}

static void count_segments(program_t *program, bench_command_t *command) {
    const bench_peer_t *peer = program->peer;
    bench_command_check(command);
    if (peer->bare_segments == NULL) {
        bench_fail(BENCH_USAGE, "%s has no segments", peer->name);
    }
    uint64_t segments = 0;
    for (unsigned i = 0; i < program->clients; i++) {
        segments += peer->bare_segments(program->links[i]);
    }
    bench_json_t json = bench_json_begin();
    bench_json_number(&json, "segments", segments);
    bench_json_end(&json);
}

/* ---- the program ---- */

static void obey(program_t *program, bench_command_t *command) {
    if (strcmp(command->word, "run") == 0) {
        run(program, command);
    } else if (strcmp(command->word, "prepare") == 0) {
        prepare(program, command);
    } else if (strcmp(command->word, "hold") == 0) {
        hold(program, command);
    } else if (strcmp(command->word, "seen") == 0) {
        see(program, command);
    } else if (strcmp(command->word, "segments") == 0) {
        count_segments(program, command);
    } else if (command->word[0] != '\0') {
        bench_fail(BENCH_USAGE, "unknown command \"%s\"", command->word);
    }
}

static void open_links(program_t *program) {
    const bench_peer_t *peer = program->peer;
    program->links = bench_alloc(program->clients * sizeof program->links[0]);
    for (unsigned i = 0; i < program->clients; i++) {
        program->links[i] = peer->open(&program->target);
    }
    bench_json_t json = bench_json_begin();
    bench_json_bool(&json, "ready", true);
    bench_json_text(&json, "peer", peer->name);
    bench_json_number(&json, "clients", program->clients);
    bench_json_bool(&json, "spins", peer->spins);
    bench_json_end(&json);
}

/* The rest of the arguments as one command line. */
static void obey_arguments(program_t *program, int argc, char **argv) {
    char line[LINE_BYTES_MAX] = "";
    for (int i = 0; i < argc; i++) {
        if (strlen(line) + strlen(argv[i]) + 2 > sizeof line) {
            bench_fail(BENCH_USAGE, "the command is longer than %u bytes", LINE_BYTES_MAX);
        }
        strcat(strcat(line, argv[i]), " ");
    }
    bench_command_t command = bench_command_parse(line);
    obey(program, &command);
}

static int parse_options(program_t *program, int argc, char **argv) {
    int next = 1;
    program->clients = 1;
    program->target.host = "127.0.0.1";
    while (next + 1 < argc && strncmp(argv[next], "--", 2) == 0) {
        const char *name = argv[next], *value = argv[next + 1];
        if (strcmp(name, "--host") == 0) {
            program->target.host = value;
        } else if (strcmp(name, "--port") == 0) {
            program->target.port = (uint16_t)bench_number(value, name);
        } else if (strcmp(name, "--clients") == 0) {
            program->clients = (unsigned)bench_number(value, name);
        } else if (strcmp(name, "--spin") == 0) {
            program->target.spin_us = (uint32_t)bench_number(value, name);
        } else if (strcmp(name, "--without") == 0 && program->peer->lacks) {
            program->target.without = bench_without_parse(value);
        } else if (strcmp(name, "--curve") == 0 && program->peer->curves) {
            program->target.curve = strcmp(value, "on") == 0;
        } else {
            bench_fail(BENCH_USAGE, "unknown option %s", name);
        }
        next += 2;
    }
    bool is_path = strncmp(program->target.host, "unix:", strlen("unix:")) == 0;
    if ((program->target.port == 0 && !is_path) || program->clients == 0 ||
        program->clients > CLIENTS_MAX) {
        bench_fail(BENCH_USAGE, "usage: --port P [--host H] [--clients N] [--spin US] [COMMAND]");
    }
    if (program->target.spin_us != 0 && !program->peer->spins) {
        bench_fail(BENCH_USAGE, "%s cannot spin", program->peer->name);
    }
    return next;
}

int bench_client_main(const bench_peer_t *peer, int argc, char **argv) {
    program_t program;
    char line[LINE_BYTES_MAX];
    memset(&program, 0, sizeof program);
    program.peer = peer;
    bench_init(argv[0]);
    int next = parse_options(&program, argc, argv);
    open_links(&program);
    if (next < argc) {
        obey_arguments(&program, argc - next, argv + next);
    }
    while (next >= argc && fgets(line, sizeof line, stdin) != NULL) {
        bench_command_t command = bench_command_parse(line);
        obey(&program, &command);
    }
    for (unsigned i = 0; i < program.clients; i++) {
        peer->close(program.links[i]);
    }
    free(program.links);
    free(program.held_data);
    return BENCH_OK;
}
