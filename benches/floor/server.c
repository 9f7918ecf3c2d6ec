/*
 * The floor's server: answers requests of the bridge's size with answers of the bridge's size, with
 * one thread per client and no more work in between than that takes. What is written below
 * MEMORY_BYTES is kept, so that the pattern can be read back; other writes are only answered.
 * With --spin (any time) it never sleeps in a receive.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/server.h"

#define MEMORY_BYTES (64U << 20)
#define REQUEST_BYTES_MAX (80U << 20)
#define BACKLOG_COUNT 512
#define PORT_TRIES_MAX 200U
/* Clients of two connections of which only one has come. */
#define HALF_CLIENTS_MAX 64U

static uint8_t *memory;
static bench_server_options_t options;

typedef struct half_client {
    bool taken;
    uint64_t client;
    int fd;
    bool is_request; /* whether `fd` is the connection of the requests */
} half_client_t;

static half_client_t half_clients[HALF_CLIENTS_MAX];
static pthread_mutex_t half_clients_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct connection {
    channel_t requests;
    channel_t responses;
    uint8_t *in;
    size_t in_capacity, in_used;
    uint8_t *out;
    size_t out_used;
} connection_t;

static bool flush_out(connection_t *connection) {
    struct iovec piece = {connection->out, connection->out_used};
    connection->out_used = 0;
    return piece.iov_len == 0 || channel_send(connection->responses, &piece, 1);
}

/* Answers one request that has come in completely; false when the client has gone. */
static bool answer(connection_t *connection, const header_t *header, uint8_t *request) {
    uint8_t *payload = request + HEADER_BYTES + frame_header_bytes(header->size);
    bool in_memory = header->address <= MEMORY_BYTES - header->size;
    if (options.stamps && header->type == BENCH_WRITE) {
        bench_server_seen(header->address, payload, header->size);
    }
    if (header->type == BENCH_WRITE && in_memory) {
        memcpy(memory + header->address, payload, header->size);
    } else if (header->type != BENCH_WRITE) {
        payload = memory + (in_memory ? header->address : 0);
    }
    if (options.silent) {
        return true;
    }
    uint32_t size = answer_size(header->type, header->size);
    size_t total = response_bytes(size);
    bool copied = size <= COPIED_BYTES_MAX;
    if (connection->out_used + (copied ? total : HEADER_BYTES + 9U + RESULT_BYTES) > BUFFER_BYTES &&
        !flush_out(connection)) {
        return false;
    }
    uint8_t *out = connection->out + connection->out_used;
    memcpy(out, request, HEADER_BYTES);
    size_t front = HEADER_BYTES + frame_header_write(out + HEADER_BYTES, size);
    if (copied) {
        memcpy(out + front, payload, size);
        result_write(out + front + size);
        connection->out_used += total;
        return true;
    }
    result_write(out + front);
    struct iovec pieces[3] = {{connection->out, connection->out_used + front},
                              {payload, size},
                              {out + front, RESULT_BYTES}};
    connection->out_used = 0;
    return channel_send(connection->responses, pieces, 3);
}

/* Answers what has come in completely and keeps the rest; false when the client has gone. */
static bool answer_all(connection_t *connection) {
    size_t at = 0;
    while (connection->in_used - at >= HEADER_BYTES) {
        header_t header = header_read(connection->in + at);
        size_t total = request_bytes(header.type, header.size);
        if (header.size > MEMORY_BYTES || total > REQUEST_BYTES_MAX) {
            bench_fail(BENCH_WRONG, "a request of %u bytes", header.size);
        }
        if (connection->in_used - at < total) {
            if (total > connection->in_capacity) {
                connection->in_capacity = total + BUFFER_BYTES;
                connection->in = realloc(connection->in, connection->in_capacity);
                if (connection->in == NULL) {
                    bench_fail(BENCH_SYSTEM, "no memory for %zu bytes", total);
                }
            }
            break;
        }
        if (!answer(connection, &header, connection->in + at)) {
            return false;
        }
        at += total;
    }
    connection->in_used -= at;
    memmove(connection->in, connection->in + at, connection->in_used);
    return flush_out(connection);
}

static void *serve(void *argument) {
    connection_t *connection = argument;
    bool goes_on = true;
    while (goes_on) {
        struct iovec room = {connection->in + connection->in_used,
                             connection->in_capacity - connection->in_used};
        size_t got = channel_receive(connection->requests, &room, 1);
        connection->in_used += got;
        goes_on = got != 0 && answer_all(connection);
    }
    close(connection->requests.fd);
    if (connection->responses.fd != connection->requests.fd) {
        close(connection->responses.fd);
    }
    free(connection->in);
    free(connection->out);
    free(connection);
    return NULL;
}

static void start(void *(*routine)(void *), void *argument) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, routine, argument);
    if (errno != 0) {
        bench_fail_errno("starting a thread");
    }
    pthread_detach(thread);
}

static void start_serving(int request_fd, int response_fd) {
    connection_t *connection = bench_alloc(sizeof *connection);
    connection->requests = (channel_t){request_fd, options.spin_us != 0};
    connection->responses = (channel_t){response_fd, options.spin_us != 0};
    connection->in_capacity = BUFFER_BYTES;
    /* Not touched before it is needed: an idle client shall cost what it must. */
    connection->in = malloc(connection->in_capacity);
    connection->out = malloc(BUFFER_BYTES);
    if (connection->in == NULL || connection->out == NULL) {
        bench_fail(BENCH_SYSTEM, "no memory for a connection");
    }
    start(serve, connection);
}

/* One connection of a client that has two: serves it if the other has already come. */
static void pair_up(int fd, uint64_t client, bool is_request) {
    half_client_t *place = NULL;
    pthread_mutex_lock(&half_clients_lock);
    for (unsigned i = 0; i < HALF_CLIENTS_MAX; i++) {
        half_client_t *half = &half_clients[i];
        if (half->taken && half->client == client && half->is_request != is_request) {
            int other = half->fd;
            half->taken = false;
            pthread_mutex_unlock(&half_clients_lock);
            start_serving(is_request ? fd : other, is_request ? other : fd);
            return;
        }
        place = half->taken ? place : half;
    }
    if (place == NULL) {
        bench_fail(BENCH_SYSTEM, "more than %u clients are half connected", HALF_CLIENTS_MAX);
    }
    *place = (half_client_t){true, client, fd, is_request};
    pthread_mutex_unlock(&half_clients_lock);
}

typedef struct listener {
    int fd;
    bool is_request;
} listener_t;

static void *accept_all(void *argument) {
    const listener_t *listener = argument;
    while (true) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd < 0) {
            bench_fail_errno("accepting");
        }
        hello_t hello;
        struct iovec piece = {&hello, sizeof hello};
        channel_prepare(fd);
        if (!channel_receive_all((channel_t){fd, false}, &piece, 1)) {
            close(fd);
        } else if (hello.connections == 2) {
            pair_up(fd, hello.client, listener->is_request);
        } else {
            start_serving(fd, fd);
        }
    }
    return NULL;
}

/* A listening socket; -1 if the port is taken. Port 0 is any. */
static int listen_on(uint16_t port) {
    struct sockaddr_in address = {0};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        bench_fail_errno("socket");
    }
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) {
        bench_fail(BENCH_USAGE, "%s is no IPv4 address", options.host);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG_COUNT) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        bench_fail_errno("getsockname");
    }
    return ntohs(address.sin_port);
}

/* Two ports in a row. */
static uint16_t listen_on_pair(listener_t *requests, listener_t *responses) {
    for (unsigned tries = 0; tries < PORT_TRIES_MAX; tries++) {
        requests->fd = listen_on(options.port);
        if (requests->fd < 0) {
            bench_fail_errno("listening");
        }
        uint16_t port = port_of(requests->fd);
        responses->fd = port < UINT16_MAX ? listen_on((uint16_t)(port + 1)) : -1;
        if (responses->fd >= 0) {
            return port;
        }
        close(requests->fd);
    }
    bench_fail(BENCH_SYSTEM, "no two free ports in a row");
}

int main(int argc, char **argv) {
    static listener_t requests = {-1, true}, responses = {-1, false};
    options = bench_server_options(BENCH_TAKES_SPIN, argc, argv);
    memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        bench_fail_errno("mmap");
    }
    uint16_t port = listen_on_pair(&requests, &responses);
    start(accept_all, &requests);
    start(accept_all, &responses);
    bench_server_attend(port);
    return BENCH_OK;
}
