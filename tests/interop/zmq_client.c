/*
 * Plays the reference's memory bridge client on libzmq sockets: ids from 1 in every process, parts
 * sent without waiting, a timeout per transaction with the refresh rule, the reference's checks of
 * answers in the reference's order. Beside them it keeps strict books: an answer that belongs to no
 * request of this process, outstanding or recently expired, is FOREIGN.
 *
 *   zmq_client probe  [connection options]
 *   zmq_client rw     [connection options]                      commands: script.h
 *   zmq_client random [connection options] [workload options]   workload.h
 *
 * With --clients several of them run in this process, each in a thread and a context of its own,
 * with the same ids, a window of addresses behind that of the one before, and the next identity.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "bridge_message.h"
#include "bus.h"
#include "curve.h"
#include "engine.h"
#include "script.h"
#include "support.h"
#include "workload.h"

#define RECEIVE_TIMEOUT_MS 100
#define PROBE_PERIOD_NS (100 * NS_PER_MS)
#define RESULT_OCTETS_MAX 999U
/* Requests remembered, outstanding or not; a power of two. */
#define SLOT_COUNT 65536U
#define OUTSTANDING_COUNT_MAX 32768U
#define FOREIGN_SHOWN_MAX 10U
#define QUEUE_LOOK_EVERY_REQUESTS 32U
#define CLIENTS_MAX 4U

static const char usage[] =
    "usage: zmq_client probe|rw|random --port P [--host HOST] [--timeout SECONDS]\n"
    "  [--wait-ready SECONDS (0: no probe)]\n"
    "  [--clients N [--one-context] [--unique-ids]] [--io-threads N]\n"
    "  [--curve on|other]\n"
    "random: [--seed S] [--ops N] [--window W] [--base ADDRESS] [--size OCTETS] [--identity 1..7]\n"
    "  [--granularity OCTETS] [--progress N] [--until-eof] [--tolerate-restarts]";

typedef enum slot_state {
    SLOT_EMPTY,
    SLOT_OUTSTANDING,
    SLOT_ANSWERED,
    SLOT_EXPIRED,
    SLOT_RAW /* the id of a raw message, which may be answered or not */
} slot_state_t;

typedef struct slot {
    slot_state_t state;
    bridge_header_t header;
    operation_t *operation; /* while outstanding */
    uint64_t deadline_ns;
} slot_t;

typedef struct counters {
    uint64_t ok, failed, expired, late, foreign, malformed, hazards, leaks, unsent, responses,
        probes, probe_answers, raw_answers, others;
} counters_t;

typedef struct zmq_engine {
    engine_t base; /* first: the engine's functions get this pointer */
    void *context;
    void *requests;  /* PUSH, connected to P */
    void *responses; /* PULL, connected to P + 1 */
    char endpoint[300];
    const char *curve; /* the public key of the server; NULL without CURVE */
    uint64_t timeout_ns;
    slot_t *slots;
    /* The ids are every so many from the first: 1 and 1, unless they are unique in the process. */
    uint32_t first_id;
    uint32_t id_step;
    uint32_t next_id;
    uint32_t oldest_id; /* nothing before this one is outstanding */
    uint32_t outstanding;
    uint32_t probe_id; /* the latest; 0 before the first */
    bool probe_answered;
    bool probe_refused;
    counters_t counters;
} zmq_engine_t;

static slot_t *slot_of(zmq_engine_t *engine, uint32_t id) {
    return &engine->slots[id % SLOT_COUNT];
}

static void complete(zmq_engine_t *engine, slot_t *slot, slot_state_t state, outcome_t outcome,
                     const char *error) {
    operation_t *operation = slot->operation;
    slot->state = state;
    slot->operation = NULL;
    engine->outstanding -= 1;
    operation_finish(operation, outcome, error);
}

static void foreign(zmq_engine_t *engine, const bridge_header_t *header, const char *why) {
    engine->counters.foreign += 1;
    if (engine->counters.foreign <= FOREIGN_SHOWN_MAX) {
        fprintf(stderr,
                "FOREIGN answer: id %" PRIu32 " address 0x%" PRIx64 " size %" PRIu32
                " type %" PRIu32 ": %s\n",
                header->id, header->address, header->size, header->type, why);
    }
}

/* ---- receiving ---- */

static void take_probe_answer(zmq_engine_t *engine, parts_t *parts, const bridge_header_t *header) {
    engine->counters.probe_answers += 1;
    if (header->id == 0 || header->id > engine->probe_id ||
        engine->counters.probe_answers > engine->counters.probes) {
        foreign(engine, header, "an answer to a probe that was never sent");
        return;
    }
    if (header->id == engine->probe_id) {
        bool ok = part_size(parts, 5) == 2 && memcmp(part_octets(parts, 5), "OK", 2) == 0;
        engine->probe_answered = engine->probe_answered || ok;
        engine->probe_refused = !ok;
    }
}

/* An answer proves that the link lives: everything issued at or after it gets its time again. */
static void refresh(zmq_engine_t *engine, uint32_t from_id) {
    uint64_t deadline_ns = now_ns() + engine->timeout_ns;
    for (uint32_t id = from_id; id != engine->next_id; id++) {
        slot_t *slot = slot_of(engine, id);
        if (slot->state == SLOT_OUTSTANDING && slot->header.id == id) {
            slot->deadline_ns = deadline_ns;
        }
    }
}

static bool all_zero(const uint8_t *octets, size_t count) {
    size_t i = 0;
    while (i < count && octets[i] == 0) {
        i += 1;
    }
    return i == count;
}

/* Whether this is what a write is answered with. The reference does not look; an honest server
 * sends back what was written, or as many zeros with an error. */
static bool is_echo(const operation_t *operation, const uint8_t *payload, size_t size, bool ok) {
    return size == operation->size &&
           (memcmp(payload, operation->data, size) == 0 || (!ok && all_zero(payload, size)));
}

/* What a raw message is answered with is shown, for the driver to judge. */
static void show_raw_answer(zmq_engine_t *engine, parts_t *parts, const bridge_header_t *header) {
    char *result = escape_text(part_octets(parts, 5), part_size(parts, 5));
    engine->counters.raw_answers += 1;
    say("raw answer id=%" PRIu32 " payload=%zu result=%s", header->id, part_size(parts, 4), result);
    free(result);
}

/* The answer to an outstanding request, its header already compared. */
static void take_result(zmq_engine_t *engine, parts_t *parts, slot_t *slot) {
    operation_t *operation = slot->operation;
    const uint8_t *payload = part_octets(parts, 4);
    size_t payload_size = part_size(parts, 4);
    bool writes = type_carries_data(operation->type);
    char *result = must_copy((const char *)part_octets(parts, 5), part_size(parts, 5));
    bool ok = result[0] == '\0' || strcmp(result, "OK") == 0;
    if (strchr(result, '%') != NULL) {
        /* The reference would hand this to printf as a format. */
        engine->counters.hazards += 1;
    }
    if (writes && !is_echo(operation, payload, payload_size, ok)) {
        foreign(engine, &slot->header, "the echo is not what was written");
        complete(engine, slot, SLOT_ANSWERED, OUTCOME_FOREIGN, "another request's echo");
    } else if (!writes && payload_size != operation->size) {
        engine->counters.malformed += 1;
        complete(engine, slot, SLOT_ANSWERED, OUTCOME_FAILED,
                 "Received transaction response did not match header size");
    } else if (ok) {
        engine->counters.ok += 1;
        if (!writes && payload_size > 0) {
            memcpy(operation->data, payload, payload_size);
        }
        complete(engine, slot, SLOT_ANSWERED, OUTCOME_OK, NULL);
    } else {
        engine->counters.failed += 1;
        engine->counters.leaks += !writes && !all_zero(payload, payload_size);
        complete(engine, slot, SLOT_ANSWERED, OUTCOME_FAILED, result);
    }
    free(result);
}

static bool same_header(const bridge_header_t *a, const bridge_header_t *b) {
    return a->id == b->id && a->address == b->address && a->size == b->size && a->type == b->type;
}

static void take_response(zmq_engine_t *engine, parts_t *parts) {
    bridge_header_t header;
    engine->counters.responses += 1;
    if (parts->count != RESPONSE_PARTS || !header_decode(parts, &header) ||
        part_size(parts, 5) > RESULT_OCTETS_MAX) {
        engine->counters.malformed += 1;
        return;
    }
    if (header.id % engine->id_step != engine->first_id % engine->id_step) {
        /* The reference does not know the id. Its server tells everybody everything, and so does
         * one that shares the answers of a process. */
        engine->counters.others += 1;
        return;
    }
    if (header.type == TYPE_PROBE) {
        take_probe_answer(engine, parts, &header);
        return;
    }
    slot_t *slot = slot_of(engine, header.id);
    if (slot->state == SLOT_RAW && slot->header.id == header.id) {
        show_raw_answer(engine, parts, &header);
        return;
    }
    if (slot->state == SLOT_EXPIRED && same_header(&slot->header, &header)) {
        engine->counters.late += 1;
        return;
    }
    if (slot->state != SLOT_OUTSTANDING || slot->header.id != header.id) {
        foreign(engine, &header, "no such request is outstanding");
        return;
    }
    refresh(engine, header.id);
    if (!same_header(&slot->header, &header)) {
        foreign(engine, &header, "another request has this id");
        complete(engine, slot, SLOT_ANSWERED, OUTCOME_FOREIGN,
                 "Transaction data mismatch in TcpClient");
        return;
    }
    take_result(engine, parts, slot);
}

/* ---- waiting ---- */

static void expire(zmq_engine_t *engine) {
    uint64_t now = now_ns();
    for (uint32_t id = engine->oldest_id; id != engine->next_id; id++) {
        slot_t *slot = slot_of(engine, id);
        if (slot->state != SLOT_OUTSTANDING || slot->header.id != id || slot->deadline_ns > now) {
            continue;
        }
        char text[96];
        snprintf(text, sizeof text,
                 "Timeout waiting for register transaction %" PRIu32 " message response.", id);
        engine->counters.expired += 1;
        complete(engine, slot, SLOT_EXPIRED, OUTCOME_UNKNOWN, text);
    }
}

/* The earliest deadline of what is outstanding, or `limit_ns` if that is earlier. */
static uint64_t next_deadline(zmq_engine_t *engine, uint64_t limit_ns) {
    bool leading = true;
    for (uint32_t id = engine->oldest_id; id != engine->next_id; id++) {
        const slot_t *slot = slot_of(engine, id);
        if (slot->state == SLOT_OUTSTANDING && slot->header.id == id) {
            leading = false;
            limit_ns = slot->deadline_ns < limit_ns ? slot->deadline_ns : limit_ns;
        } else if (leading) {
            engine->oldest_id = id + 1;
        }
    }
    return limit_ns;
}

/* Waits for one event: an answer, a deadline, `limit_ns`, or `fd` (-1: none) becoming readable.
 * True for the last. */
static bool step(zmq_engine_t *engine, uint64_t limit_ns, int fd) {
    zmq_pollitem_t items[2] = {{engine->responses, 0, ZMQ_POLLIN, 0}, {NULL, fd, ZMQ_POLLIN, 0}};
    uint64_t deadline_ns = next_deadline(engine, limit_ns);
    int timeout = deadline_ns == UINT64_MAX ? -1 : ms_until(deadline_ns);
    if (zmq_poll(items, fd < 0 ? 1 : 2, timeout) < 0 && errno != EINTR) {
        fatal(EXIT_SYSTEM, "waiting failed: %s", zmq_strerror(errno));
    }
    parts_t parts;
    while (parts_receive(engine->responses, &parts)) {
        take_response(engine, &parts);
        parts_release(&parts);
    }
    expire(engine);
    return fd >= 0 && items[1].revents != 0;
}

/* ---- sending ---- */

/* Sends all parts without waiting. As in the reference a part that cannot be sent does not keep
 * the others from being tried. */
static bool send_parts(zmq_engine_t *engine, const bridge_header_t *header, const uint8_t *data) {
    header_octets_t octets;
    piece_t pieces[HEADER_PARTS + 1];
    int count = type_carries_data(header->type) ? HEADER_PARTS + 1 : HEADER_PARTS;
    bool sent = true;
    header_encode(header, &octets, pieces);
    pieces[HEADER_PARTS] = (piece_t){data, header->size};
    for (int i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        sent = piece_send(engine->requests, &pieces[i], flags) == 0 && sent;
    }
    return sent;
}

/* The one thing that the reference does not do. libzmq looks for news of what its queue of 1000 has
 * sent, which comes in steps of 500, at most once in a millisecond when sending: towards a fast
 * server the queue seems full, and requests are lost, with far less than 500 outstanding. Asking
 * for the socket's events makes it look at once, so that 400 outstanding are safe. */
static void look_at_queue(zmq_engine_t *engine) {
    int events;
    size_t size = sizeof events;
    if (zmq_getsockopt(engine->requests, ZMQ_EVENTS, &events, &size) != 0) {
        fatal(EXIT_SYSTEM, "no socket events: %s", zmq_strerror(errno));
    }
}

static void engine_issue(engine_t *base, operation_t *operation) {
    zmq_engine_t *engine = (zmq_engine_t *)base;
    if (engine->outstanding == OUTSTANDING_COUNT_MAX) {
        fatal(EXIT_USAGE, "more than %u requests outstanding", OUTSTANDING_COUNT_MAX);
    }
    uint32_t id = engine->next_id;
    slot_t *slot = slot_of(engine, id);
    if (slot->state == SLOT_OUTSTANDING) {
        fatal(EXIT_USAGE, "request %" PRIu32 " is outstanding and %u more were issued since",
              slot->header.id, SLOT_COUNT);
    }
    engine->next_id += engine->id_step;
    engine->outstanding += 1;
    operation->handle = id;
    slot->state = SLOT_OUTSTANDING;
    slot->operation = operation;
    slot->header = (bridge_header_t){id, operation->address, operation->size, operation->type};
    if (id % QUEUE_LOOK_EVERY_REQUESTS == 0) {
        look_at_queue(engine);
    }
    if (!send_parts(engine, &slot->header, operation->data)) {
        /* The reference tells nobody; the transaction runs into its timeout. */
        engine->counters.unsent += 1;
    }
    slot->deadline_ns = now_ns() + engine->timeout_ns;
}

static bool engine_send_raw(engine_t *base, uint8_t *const *parts, const size_t *sizes, int count) {
    zmq_engine_t *engine = (zmq_engine_t *)base;
    bool sent = true;
    if (sizes[0] == 4) {
        uint32_t id = (uint32_t)parts[0][0] | (uint32_t)parts[0][1] << 8 |
                      (uint32_t)parts[0][2] << 16 | (uint32_t)parts[0][3] << 24;
        slot_t *slot = slot_of(engine, id);
        if (slot->state != SLOT_OUTSTANDING) {
            slot->state = SLOT_RAW;
            slot->header.id = id;
        }
    }
    for (int i = 0; i < count && sent; i++) {
        piece_t piece = {parts[i], sizes[i]};
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        sent = piece_send(engine->requests, &piece, flags) == 0;
    }
    return sent;
}

static void engine_wait(engine_t *base, operation_t *operation) {
    zmq_engine_t *engine = (zmq_engine_t *)base;
    while (operation->outcome == OUTCOME_PENDING) {
        step(engine, UINT64_MAX, -1);
    }
}

static bool engine_wait_ready(engine_t *base, double timeout_s) {
    zmq_engine_t *engine = (zmq_engine_t *)base;
    uint64_t end_ns = now_ns() + (uint64_t)(timeout_s * (double)NS_PER_S);
    engine->probe_answered = false;
    while (now_ns() < end_ns) {
        uint64_t period_end_ns = now_ns() + PROBE_PERIOD_NS;
        engine->probe_id += engine->probe_id == 0 ? engine->first_id : engine->id_step;
        engine->probe_refused = false;
        bridge_header_t header = {engine->probe_id, 0, 0, TYPE_PROBE};
        if (send_parts(engine, &header, NULL)) {
            engine->counters.probes += 1;
        }
        uint64_t limit_ns = period_end_ns < end_ns ? period_end_ns : end_ns;
        /* A refused probe is repeated at once, as the reference does. */
        while (!engine->probe_answered && !engine->probe_refused && now_ns() < limit_ns) {
            step(engine, limit_ns, -1);
        }
        if (engine->probe_answered) {
            return true;
        }
    }
    return false;
}

static void engine_set_timeout(engine_t *base, double timeout_s) {
    ((zmq_engine_t *)base)->timeout_ns = (uint64_t)(timeout_s * (double)NS_PER_S);
}

static void engine_serve_until_readable(engine_t *base, int fd) {
    while (!step((zmq_engine_t *)base, UINT64_MAX, fd)) {
    }
}

static void engine_settle(engine_t *base, unsigned ms) {
    uint64_t end_ns = now_ns() + ms * NS_PER_MS;
    while (now_ns() < end_ns) {
        step((zmq_engine_t *)base, end_ns, -1);
    }
}

static void engine_print_counters(engine_t *base) {
    const counters_t *c = &((zmq_engine_t *)base)->counters;
    say("counters ok=%" PRIu64 " failed=%" PRIu64 " expired=%" PRIu64 " late=%" PRIu64
        " foreign=%" PRIu64 " malformed=%" PRIu64 " hazards=%" PRIu64 " leaks=%" PRIu64
        " unsent=%" PRIu64 " responses=%" PRIu64 " probes=%" PRIu64 " probe_answers=%" PRIu64
        " raw_answers=%" PRIu64 " others=%" PRIu64,
        c->ok, c->failed, c->expired, c->late, c->foreign, c->malformed, c->hazards, c->leaks,
        c->unsent, c->responses, c->probes, c->probe_answers, c->raw_answers, c->others);
}

static uint64_t engine_foreign(engine_t *base) { return ((zmq_engine_t *)base)->counters.foreign; }

/* ---- set-up ---- */

static void *connect_socket(zmq_engine_t *engine, int type, const char *host, unsigned port,
                            unsigned offset) {
    int off = 0, on = 1, timeout_ms = RECEIVE_TIMEOUT_MS;
    void *socket = zmq_socket(engine->context, type);
    if (socket == NULL) {
        fatal(EXIT_SYSTEM, "no socket: %s", zmq_strerror(errno));
    }
    zmq_setsockopt(socket, ZMQ_LINGER, &off, sizeof off);
    if (type == ZMQ_PUSH) {
        zmq_setsockopt(socket, ZMQ_IMMEDIATE, &on, sizeof on);
    } else {
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    }
    if (engine->curve != NULL &&
        (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, engine->curve, strlen(engine->curve)) != 0 ||
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, CURVE_CLIENT_PUBLIC, 40) != 0 ||
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, CURVE_CLIENT_SECRET, 40) != 0)) {
        fatal(EXIT_SYSTEM, "no CURVE: %s", zmq_strerror(errno));
    }
    format_endpoint(engine->endpoint, sizeof engine->endpoint, host, port, offset);
    if (zmq_connect(socket, engine->endpoint) != 0) {
        fatal(EXIT_SYSTEM, "cannot connect to %s: %s", engine->endpoint, zmq_strerror(errno));
    }
    return socket;
}

static void *context_open(int io_threads) {
    void *context = zmq_ctx_new();
    if (zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads) != 0) {
        fatal(EXIT_USAGE, "a context cannot have %d I/O threads", io_threads);
    }
    return context;
}

/* Its timeout, context and ids have been set. */
static void engine_open(zmq_engine_t *engine, const char *host, unsigned port) {
    engine->base = (engine_t){.issue = engine_issue,
                              .wait = engine_wait,
                              .send_raw = engine_send_raw,
                              .wait_ready = engine_wait_ready,
                              .set_timeout = engine_set_timeout,
                              .serve_until_readable = engine_serve_until_readable,
                              .settle = engine_settle,
                              .print_counters = engine_print_counters,
                              .foreign = engine_foreign,
                              .posts_are_answered = true};
    engine->next_id = engine->oldest_id = engine->first_id;
    engine->slots = must_alloc(SLOT_COUNT * sizeof engine->slots[0]);
    engine->responses = connect_socket(engine, ZMQ_PULL, host, port, 1);
    engine->requests = connect_socket(engine, ZMQ_PUSH, host, port, 0);
}

static void engine_close(zmq_engine_t *engine) {
    zmq_close(engine->requests);
    zmq_close(engine->responses);
    free(engine->slots);
}

typedef struct settings {
    const char *mode;
    const char *host;
    unsigned port;
    uint64_t timeout_ns;
    double ready_s;
    workload_options_t workload;
    uint32_t clients;
    int io_threads;
    bool one_context;
    bool unique_ids;
    const char *curve;
} settings_t;

typedef struct client {
    zmq_engine_t engine;
    const settings_t *settings;
    workload_options_t workload;
    pthread_t thread;
    int status;
} client_t;

static int run_engine(client_t *client) {
    zmq_engine_t *engine = &client->engine;
    const settings_t *settings = client->settings;
    const char *mode = settings->mode;
    if (strcmp(mode, "probe") == 0) {
        bool ready = engine_wait_ready(&engine->base, settings->ready_s);
        say(ready ? "ready" : "not ready");
        engine_print_counters(&engine->base);
        return ready && engine->counters.foreign == 0 ? EXIT_FINE : EXIT_DIFFERENCE;
    }
    if (settings->ready_s > 0) {
        bool ready = engine_wait_ready(&engine->base, settings->ready_s);
        say(ready ? "ready" : "not ready");
        if (!ready && strcmp(mode, "random") == 0) {
            return EXIT_DIFFERENCE;
        }
    }
    return strcmp(mode, "rw") == 0 ? script_run(&engine->base)
                                   : workload_run(&engine->base, &client->workload);
}

static void *run_client(void *context) {
    client_t *client = context;
    engine_open(&client->engine, client->settings->host, client->settings->port);
    client->status = run_engine(client);
    engine_close(&client->engine);
    return NULL;
}

/* Runs all clients of this process; the worst of their ends. */
static int run(const settings_t *settings) {
    client_t *clients = must_alloc(settings->clients * sizeof clients[0]);
    void *shared = settings->one_context ? context_open(settings->io_threads) : NULL;
    for (uint32_t i = 0; i < settings->clients; i++) {
        client_t *client = &clients[i];
        memset(client, 0, sizeof *client);
        client->settings = settings;
        client->workload = settings->workload;
        client->workload.identity += i;
        client->workload.base += i * (uint64_t)settings->workload.size;
        client->engine.timeout_ns = settings->timeout_ns;
        client->engine.curve = settings->curve;
        client->engine.context =
            settings->one_context ? shared : context_open(settings->io_threads);
        client->engine.first_id = settings->unique_ids ? 1 + i : 1;
        client->engine.id_step = settings->unique_ids ? settings->clients : 1;
        if (pthread_create(&client->thread, NULL, run_client, client) != 0) {
            fatal(EXIT_SYSTEM, "no thread for a client");
        }
    }
    int status = EXIT_FINE;
    for (uint32_t i = 0; i < settings->clients; i++) {
        pthread_join(clients[i].thread, NULL);
        status = clients[i].status > status ? clients[i].status : status;
    }
    for (uint32_t i = 0; i < (settings->one_context ? 1 : settings->clients); i++) {
        zmq_ctx_term(clients[i].engine.context);
    }
    free(clients);
    return status;
}

static bool client_option(settings_t *settings, const char *name, arguments_t *arguments) {
    if (strcmp(name, "--host") == 0) {
        settings->host = arguments_value(arguments, name);
    } else if (strcmp(name, "--port") == 0) {
        settings->port = (unsigned)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--timeout") == 0) {
        double seconds = parse_seconds(arguments_value(arguments, name), name);
        settings->timeout_ns = (uint64_t)(seconds * (double)NS_PER_S);
    } else if (strcmp(name, "--wait-ready") == 0) {
        settings->ready_s = parse_seconds(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--clients") == 0) {
        settings->clients = (uint32_t)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--io-threads") == 0) {
        settings->io_threads = (int)parse_number(arguments_value(arguments, name), name);
    } else if (strcmp(name, "--curve") == 0) {
        settings->curve = curve_server_of(arguments_value(arguments, name));
    } else if (strcmp(name, "--one-context") == 0) {
        settings->one_context = true;
    } else if (strcmp(name, "--unique-ids") == 0) {
        settings->unique_ids = true;
    } else {
        return workload_option(&settings->workload, name, arguments);
    }
    return true;
}

int main(int argc, char **argv) {
    support_init(argv[0]);
    arguments_t arguments = {argc, argv, 1};
    settings_t settings = {.mode = arguments_value(&arguments, usage),
                           .host = "127.0.0.1",
                           .timeout_ns = NS_PER_S,
                           .ready_s = 10.0,
                           .workload = workload_defaults(),
                           .clients = 1,
                           .io_threads = 1};
    const char *name;
    while ((name = arguments_next(&arguments)) != NULL) {
        if (!client_option(&settings, name, &arguments)) {
            fatal(EXIT_USAGE, "unknown option %s\n%s", name, usage);
        }
    }
    bool is_script = strcmp(settings.mode, "rw") == 0;
    bool is_known =
        is_script || strcmp(settings.mode, "probe") == 0 || strcmp(settings.mode, "random") == 0;
    bool is_port = settings.port > 0 || is_path(settings.host);
    if (!is_port || settings.port > 65534 || !is_known || settings.clients == 0 ||
        settings.clients > (is_script ? 1 : CLIENTS_MAX)) {
        fatal(EXIT_USAGE, "%s", usage);
    }
    return run(&settings);
}
