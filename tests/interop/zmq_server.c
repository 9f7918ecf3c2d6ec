/*
 * Plays the reference's memory bridge server, and on request the simulation-side server, on libzmq
 * sockets: one request at a time against a byte memory, every answer sent to whichever response
 * connection is next. Watches what clients send: anything such a server would mind is reported as
 * VIOLATION on standard error and ends the process with status 3.
 *
 * Prints "listening PORT" when both ports are bound; standard input takes the line "counters"
 * (answered by one line of counters) and its end, like SIGTERM, ends the program with status 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge_message.h"
#include "bus.h"
#include "byte_memory.h"
#include "curve.h"
#include "id_set.h"
#include "support.h"

#define RECEIVE_TIMEOUT_MS 100
/* The server-side transaction timeout that a slave without an answer runs into. */
#define SLAVE_TIMEOUT_MS 1000
#define REQUEST_OCTETS_MAX (16U << 20)
#define SURF_OCTETS_MAX 4096U
#define RESULT_OCTETS_MAX 1200U
#define PORT_FIRST 20000U
#define PORT_LAST 29998U
#define PORT_TRIES_MAX 200U
/* What the payload of a failed read is filled with: the reference sends stale memory there. */
#define STALE_OCTET 0xA5

static const char usage[] =
    "usage: zmq_server [--host ADDRESS] [--port P (0: any)] [--surf] [--lenient] [--no-probes]\n"
    "  [--unique-ids] [--memory FILE BASE SIZE] [--journal FILE (-: stdout)] [--delay-ms N]\n"
    "  [--slow FIRST-LAST=MS]... [--fail FIRST-LAST=TEXT]... [--silent FIRST-LAST]...\n"
    "  [--stuck FIRST-LAST]... [--mangle ADDRESS=KIND]... [--probe-result TEXT]\n"
    "  [--curve any]\n"
    "KIND: id address size type short long parts5 parts7 header payload twice\n"
    "      result999 result1200 result-empty result-nul result-ok-nul result-percent";

typedef struct options {
    const char *host;
    uint16_t port;
    bool surf;
    bool lenient;
    bool no_probes;
    bool unique_ids;
    const char *memory_path;
    uint64_t memory_base;
    uint64_t memory_size;
    const char *journal_path;
    int delay_ms;
    const char *probe_result;
    bool curve;
    range_list_t slow, fail, silent, stuck, mangle;
} options_t;

typedef struct counters {
    uint64_t requests, reads, writes, posts, verifies, probes, dropped, answers, failed, silent;
} counters_t;

typedef struct server {
    options_t options;
    counters_t counters;
    void *context;
    void *requests;  /* PULL, bound to P */
    void *responses; /* PUSH, bound to P + 1 */
    uint16_t port;
    byte_memory_t *memory;
    id_set_t *seen_ids;
    FILE *journal;
    line_reader_t input;
    int stop_fd;
    bool stopping;
} server_t;

/* One request while it is being served. */
typedef struct request {
    bridge_header_t header;
    parts_t *parts;
    uint8_t *payload;   /* header.size octets */
    const char *result; /* text, or an AXI response in SURF mode */
    uint8_t numeric[4]; /* the SURF result */
} request_t;

/* The protocol was broken: ends the process, unless told to be as patient as the reference. */
static void violation(server_t *server, const char *what, const parts_t *parts) {
    if (server->options.lenient) {
        server->counters.dropped += 1;
        return;
    }
    fatal(EXIT_VIOLATION, "VIOLATION %s (request %" PRIu64 ", %d parts)", what,
          server->counters.requests, parts->count);
}

static void print_counters(const server_t *server) {
    const counters_t *c = &server->counters;
    say("counters requests=%" PRIu64 " reads=%" PRIu64 " writes=%" PRIu64 " posts=%" PRIu64
        " verifies=%" PRIu64 " probes=%" PRIu64 " dropped=%" PRIu64 " answers=%" PRIu64
        " failed=%" PRIu64 " silent=%" PRIu64,
        c->requests, c->reads, c->writes, c->posts, c->verifies, c->probes, c->dropped, c->answers,
        c->failed, c->silent);
}

static void parse_options(server_t *server, int argc, char **argv) {
    options_t *o = &server->options;
    arguments_t arguments = {argc, argv, 1};
    const char *name;
    while ((name = arguments_next(&arguments)) != NULL) {
        if (strcmp(name, "--surf") == 0) {
            o->surf = o->no_probes = true;
        } else if (strcmp(name, "--lenient") == 0) {
            o->lenient = true;
        } else if (strcmp(name, "--no-probes") == 0) {
            o->no_probes = true;
        } else if (strcmp(name, "--unique-ids") == 0) {
            o->unique_ids = true;
        } else if (strcmp(name, "--host") == 0) {
            o->host = arguments_value(&arguments, name);
        } else if (strcmp(name, "--port") == 0) {
            o->port = (uint16_t)parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--memory") == 0) {
            o->memory_path = arguments_value(&arguments, name);
            o->memory_base = parse_number(arguments_value(&arguments, name), name);
            o->memory_size = parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--journal") == 0) {
            o->journal_path = arguments_value(&arguments, name);
        } else if (strcmp(name, "--delay-ms") == 0) {
            o->delay_ms = (int)parse_number(arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--probe-result") == 0) {
            o->probe_result = arguments_value(&arguments, name);
        } else if (strcmp(name, "--curve") == 0) {
            o->curve = strcmp(arguments_value(&arguments, name), "any") == 0;
        } else if (strcmp(name, "--slow") == 0) {
            range_list_add(&o->slow, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--fail") == 0) {
            range_list_add(&o->fail, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--silent") == 0) {
            range_list_add(&o->silent, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--stuck") == 0) {
            range_list_add(&o->stuck, arguments_value(&arguments, name), name);
        } else if (strcmp(name, "--mangle") == 0) {
            range_list_add(&o->mangle, arguments_value(&arguments, name), name);
        } else {
            fatal(EXIT_USAGE, "unknown option %s\n%s", name, usage);
        }
    }
}

/* ---- sockets ---- */

static void *socket_new(server_t *server, int type) {
    int linger_ms = 0;
    int timeout_ms = RECEIVE_TIMEOUT_MS;
    void *socket = zmq_socket(server->context, type);
    if (socket == NULL) {
        fatal(EXIT_SYSTEM, "no socket: %s", zmq_strerror(errno));
    }
    int on = 1;
    if (server->options.curve &&
        (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) != 0 ||
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, CURVE_SERVER_SECRET, 40) != 0)) {
        fatal(EXIT_SYSTEM, "no CURVE: %s", zmq_strerror(errno));
    }
    /* The simulation leaves libzmq's defaults alone. */
    if (!server->options.surf) {
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        if (type == ZMQ_PULL) {
            zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
        }
    }
    return socket;
}

static bool bind_to(server_t *server, void *socket, unsigned port, unsigned offset) {
    char endpoint[300];
    const char *host = server->options.surf ? "127.0.0.1" : server->options.host;
    format_endpoint(endpoint, sizeof endpoint, host, port, offset);
    return zmq_bind(socket, endpoint) == 0;
}

/* Opens both sockets on `port` and `port` + 1, the reference's order; false when one is taken. */
static bool open_pair(server_t *server, unsigned port) {
    server->responses = socket_new(server, ZMQ_PUSH);
    server->requests = socket_new(server, ZMQ_PULL);
    bool bound;
    if (server->options.surf) {
        bound = bind_to(server, server->requests, port, 0) &&
                bind_to(server, server->responses, port, 1);
    } else {
        bound = bind_to(server, server->responses, port, 1) &&
                bind_to(server, server->requests, port, 0);
    }
    if (!bound) {
        int reason = errno;
        zmq_close(server->requests);
        zmq_close(server->responses);
        errno = reason;
        return false;
    }
    server->port = (uint16_t)port;
    return true;
}

static void open_sockets(server_t *server) {
    server->context = zmq_ctx_new();
    if (server->options.port != 0 || is_path(server->options.host)) {
        if (!open_pair(server, server->options.port)) {
            fatal(EXIT_SYSTEM, "cannot bind ports %u and %u: %s", server->options.port,
                  server->options.port + 1U, zmq_strerror(errno));
        }
        return;
    }
    random_source_t random = {now_ns() ^ (uint64_t)getpid()};
    for (unsigned i = 0; i < PORT_TRIES_MAX; i++) {
        unsigned port = PORT_FIRST + 2 * random_below(&random, (PORT_LAST - PORT_FIRST) / 2);
        if (open_pair(server, port)) {
            return;
        }
    }
    fatal(EXIT_SYSTEM, "no free pair of ports after %u tries", PORT_TRIES_MAX);
}

/* ---- waiting ---- */

static void take_input(server_t *server) {
    line_reader_fill(&server->input);
    const char *line;
    while ((line = line_reader_next(&server->input)) != NULL) {
        if (strcmp(line, "counters") == 0) {
            print_counters(server);
        }
    }
    server->stopping = server->stopping || server->input.ended;
}

/* Waits until `socket` (may be NULL) reports `events`, `deadline_ns` passes or a stop is asked
 * for. True when the socket is ready. */
static bool wait_for(server_t *server, void *socket, short events, uint64_t deadline_ns) {
    while (!server->stopping) {
        zmq_pollitem_t items[3] = {{NULL, STDIN_FILENO, ZMQ_POLLIN, 0},
                                   {NULL, server->stop_fd, ZMQ_POLLIN, 0},
                                   {socket, 0, events, 0}};
        int timeout = deadline_ns == UINT64_MAX ? -1 : ms_until(deadline_ns);
        int ready = zmq_poll(items, socket == NULL ? 2 : 3, timeout);
        if (ready < 0 && errno != EINTR) {
            fatal(EXIT_SYSTEM, "waiting failed: %s", zmq_strerror(errno));
        }
        if (ready < 0) {
            continue;
        }
        if (items[0].revents != 0) {
            take_input(server);
        }
        if (items[1].revents != 0) {
            server->stopping = true;
        }
        if (socket != NULL && items[2].revents != 0) {
            return !server->stopping;
        }
        if (deadline_ns != UINT64_MAX && now_ns() >= deadline_ns) {
            return false;
        }
    }
    return false;
}

static void pause_for(server_t *server, uint64_t ms) {
    if (ms > 0) {
        wait_for(server, NULL, 0, now_ns() + ms * NS_PER_MS);
    }
}

/* ---- answers ---- */

/* Sends one message; waits for a usable response connection as the reference's worker does. */
static void send_pieces(server_t *server, const piece_t *pieces, int count) {
    int failure = EAGAIN;
    while (failure == EAGAIN) {
        if (!wait_for(server, server->responses, ZMQ_POLLOUT, UINT64_MAX)) {
            return;
        }
        failure =
            piece_send(server->responses, &pieces[0], ZMQ_DONTWAIT | (count > 1 ? ZMQ_SNDMORE : 0));
    }
    for (int i = 1; i < count && failure == 0; i++) {
        failure = piece_send(server->responses, &pieces[i], i + 1 < count ? ZMQ_SNDMORE : 0);
    }
    if (failure != 0) {
        fatal(EXIT_SYSTEM, "sending failed: %s", zmq_strerror(failure));
    }
    server->counters.answers += 1;
}

/* Distorts an answer in the way `kind` says; returns the new number of parts. */
static int mangle(const char *kind, request_t *request, header_octets_t *header, piece_t *pieces) {
    static const uint8_t extra[64] = {0x5A};
    static uint8_t long_payload[65536];
    static const char ok_nul[] = "OK\0ignored";
    static char long_result[RESULT_OCTETS_MAX];
    memset(long_result, 'x', sizeof long_result);
    if (strcmp(kind, "id") == 0) {
        header->id[3] ^= 0x40;
    } else if (strcmp(kind, "address") == 0) {
        header->address[1] ^= 0x10;
    } else if (strcmp(kind, "size") == 0) {
        header->size[0] ^= 0x01;
    } else if (strcmp(kind, "type") == 0) {
        header->type[0] ^= 0x05;
    } else if (strcmp(kind, "payload") == 0 && request->header.size > 0) {
        request->payload[request->header.size - 1] ^= 0x01;
    } else if (strcmp(kind, "short") == 0) {
        pieces[4].size -= pieces[4].size > 0 ? 1 : 0;
    } else if (strcmp(kind, "long") == 0) {
        size_t size = pieces[4].size < sizeof long_payload - 1 ? pieces[4].size : 0;
        memcpy(long_payload, request->payload, size);
        pieces[4] = (piece_t){long_payload, size + 1};
    } else if (strcmp(kind, "parts5") == 0) {
        return RESPONSE_PARTS - 1;
    } else if (strcmp(kind, "parts7") == 0) {
        pieces[RESPONSE_PARTS] = (piece_t){extra, sizeof extra};
        return RESPONSE_PARTS + 1;
    } else if (strcmp(kind, "header") == 0) {
        pieces[0] = (piece_t){extra, 8};
    } else if (strcmp(kind, "result999") == 0) {
        pieces[5] = (piece_t){long_result, 999};
    } else if (strcmp(kind, "result1200") == 0) {
        pieces[5] = (piece_t){long_result, 1200};
    } else if (strcmp(kind, "result-empty") == 0) {
        pieces[5] = (piece_t){"", 0};
    } else if (strcmp(kind, "result-nul") == 0) {
        pieces[5] = (piece_t){"\0bad", 4};
    } else if (strcmp(kind, "result-ok-nul") == 0) {
        pieces[5] = (piece_t){ok_nul, sizeof ok_nul - 1};
    } else if (strcmp(kind, "result-percent") == 0) {
        pieces[5] = (piece_t){"50%% of %s %n", 13};
    } else if (strcmp(kind, "twice") != 0) {
        fatal(EXIT_USAGE, "unknown kind of mangling \"%s\"\n%s", kind, usage);
    }
    return RESPONSE_PARTS;
}

static void answer(server_t *server, request_t *request) {
    header_octets_t header;
    piece_t pieces[RESPONSE_PARTS + 1];
    int count = RESPONSE_PARTS;
    header_encode(&request->header, &header, pieces);
    pieces[4] = (piece_t){request->payload, request->header.size};
    if (server->options.surf) {
        pieces[5] = (piece_t){request->numeric, sizeof request->numeric};
    } else {
        pieces[5] = (piece_t){request->result, strlen(request->result)};
    }
    const address_range_t *bad = NULL;
    if (request->header.type != TYPE_PROBE) {
        bad =
            range_list_find(&server->options.mangle, request->header.address, request->header.size);
    }
    if (bad != NULL) {
        count = mangle(bad->text, request, &header, pieces);
    }
    send_pieces(server, pieces, count);
    if (bad != NULL && strcmp(bad->text, "twice") == 0) {
        send_pieces(server, pieces, count);
    }
}

/* ---- requests ---- */

static void check_surf(server_t *server, const bridge_header_t *header, const parts_t *parts) {
    if (header->size == 0 || header->size % 4 != 0) {
        violation(server, "size is not a non-zero multiple of 4: the simulation would die", parts);
    } else if (header->size > SURF_OCTETS_MAX) {
        violation(server, "more than 4096 octets in one simulated transaction", parts);
    }
}

/* Whether the request is one that a server executes; reports what is wrong with it otherwise. */
static bool acceptable(server_t *server, parts_t *parts, bridge_header_t *header) {
    if (parts->count < HEADER_PARTS || parts->count > HEADER_PARTS + 1) {
        violation(server, "a request has neither 4 nor 5 parts", parts);
        return false;
    }
    if (!header_decode(parts, header)) {
        violation(server, "part sizes are not 4, 8, 4, 4", parts);
        return false;
    }
    bool payload = parts->count > HEADER_PARTS;
    if (header->type == TYPE_PROBE) {
        if (server->options.no_probes) {
            violation(server, "a probe for a server that does not know probes", parts);
            return false;
        }
        if (payload || header->size != 0) {
            violation(server, "a probe with data or a size", parts);
            return false;
        }
        return true;
    }
    if (header->type < TYPE_READ || header->type > TYPE_VERIFY) {
        violation(server, "an unknown transaction type", parts);
    }
    if (server->options.surf) {
        check_surf(server, header, parts);
    }
    if (header->size > REQUEST_OCTETS_MAX) {
        violation(server, "more octets than any client here asks for", parts);
        return false;
    }
    if (type_carries_data(header->type)) {
        if (!payload || part_size(parts, HEADER_PARTS) != header->size) {
            violation(server, "a write without data of the size it announces", parts);
            return false;
        }
    } else if (payload) {
        violation(server, "a read that carries data", parts);
    }
    return true;
}

static void count_request(server_t *server, const bridge_header_t *header) {
    switch (header->type) {
    case TYPE_WRITE:
        server->counters.writes += 1;
        break;
    case TYPE_POST:
        server->counters.posts += 1;
        break;
    case TYPE_VERIFY:
        server->counters.verifies += 1;
        break;
    case TYPE_PROBE:
        server->counters.probes += 1;
        break;
    default:
        server->counters.reads += 1;
    }
}

/* Executes the transaction on the memory, or fails it as the options say. */
static void execute(server_t *server, request_t *request) {
    static char timeout_text[96];
    const bridge_header_t *header = &request->header;
    bool writes = type_carries_data(header->type);
    request->result = "OK";
    if (writes) {
        memcpy(request->payload, part_octets(request->parts, HEADER_PARTS), header->size);
    }
    const address_range_t *failing =
        range_list_find(&server->options.fail, header->address, header->size);
    bool stuck = range_list_find(&server->options.stuck, header->address, header->size) != NULL;
    if (stuck) {
        pause_for(server, SLAVE_TIMEOUT_MS);
        snprintf(timeout_text, sizeof timeout_text,
                 "Timeout waiting for register transaction %" PRIu64 " message response.",
                 server->counters.requests);
        request->result = timeout_text;
    } else if (failing != NULL && server->options.surf) {
        request->numeric[0] = (uint8_t)parse_number(failing->text, "--fail");
    } else if (failing != NULL) {
        request->result = failing->text;
    }
    if (failing != NULL || stuck) {
        server->counters.failed += 1;
        if (!writes) {
            memset(request->payload, STALE_OCTET, header->size);
        }
    } else if (writes) {
        byte_memory_write(server->memory, header->address, request->payload, header->size);
    } else {
        byte_memory_read(server->memory, header->address, request->payload, header->size);
    }
}

static void serve(server_t *server, parts_t *parts) {
    request_t request;
    memset(&request, 0, sizeof request);
    request.parts = parts;
    server->counters.requests += 1;
    if (!acceptable(server, parts, &request.header)) {
        return;
    }
    const bridge_header_t *header = &request.header;
    count_request(server, header);
    if (header->type == TYPE_PROBE) {
        request.result = server->options.probe_result;
        answer(server, &request);
        return;
    }
    if (server->seen_ids != NULL && !id_set_insert(server->seen_ids, header->id)) {
        violation(server, "the same request id twice", parts);
    }
    if (server->journal != NULL) {
        fprintf(server->journal, "request %" PRIu32 " %s 0x%" PRIx64 " %" PRIu32 "\n", header->id,
                type_name(header->type), header->address, header->size);
        fflush(server->journal);
    }
    pause_for(server, (uint64_t)server->options.delay_ms);
    const address_range_t *slow =
        range_list_find(&server->options.slow, header->address, header->size);
    if (slow != NULL) {
        pause_for(server, parse_number(slow->text, "--slow"));
    }
    if (server->stopping) {
        return;
    }
    if (range_list_find(&server->options.silent, header->address, header->size) != NULL) {
        server->counters.silent += 1;
        return;
    }
    request.payload = must_alloc(header->size);
    execute(server, &request);
    answer(server, &request);
    free(request.payload);
}

int main(int argc, char **argv) {
    static server_t server;
    support_init(argv[0]);
    server.options.host = "127.0.0.1";
    server.options.probe_result = "OK";
    parse_options(&server, argc, argv);
    server.stop_fd = stop_signal_fd();
    line_reader_init(&server.input, STDIN_FILENO);
    server.memory = byte_memory_open(server.options.memory_path, server.options.memory_base,
                                     server.options.memory_size);
    if (server.options.unique_ids) {
        server.seen_ids = id_set_new();
    }
    if (server.options.journal_path != NULL) {
        bool to_stdout = strcmp(server.options.journal_path, "-") == 0;
        server.journal = to_stdout ? stdout : fopen(server.options.journal_path, "a");
        if (server.journal == NULL) {
            fatal(EXIT_SYSTEM, "cannot open the journal: %s", strerror(errno));
        }
    }
    open_sockets(&server);
    say("listening %u", server.port);
    while (wait_for(&server, server.requests, ZMQ_POLLIN, UINT64_MAX)) {
        parts_t parts;
        while (!server.stopping && parts_receive(server.requests, &parts)) {
            serve(&server, &parts);
            parts_release(&parts);
        }
    }
    print_counters(&server);
    zmq_close(server.requests);
    zmq_close(server.responses);
    zmq_ctx_term(server.context);
    if (server.journal != NULL && server.journal != stdout) {
        fclose(server.journal);
    }
    id_set_free(server.seen_ids);
    byte_memory_close(server.memory);
    line_reader_free(&server.input);
    range_list_free(&server.options.slow);
    range_list_free(&server.options.fail);
    range_list_free(&server.options.silent);
    range_list_free(&server.options.stuck);
    range_list_free(&server.options.mangle);
    return EXIT_FINE;
}
