/*
 * The floor's client: the bridge's bytes over TCP and as few system calls as they allow. Requests
 * are gathered until an answer is waited for that has not come yet, and then go out in one call.
 * Each client has one connection for both ways, or built with FLOOR_CONNECTIONS=2 one for each,
 * as the bridge has. With --spin (any time) it never sleeps in a receive.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef FLOOR_CONNECTIONS
#define FLOOR_CONNECTIONS 1
#endif

/* A power of two. */
#define PENDING_MAX 16384U

typedef struct pending {
    uint32_t type;
    uint32_t size;
    uint8_t *data;
} pending_t;

typedef struct link {
    channel_t requests;
    channel_t responses;
    uint32_t issued;
    uint32_t completed;
    pending_t pending[PENDING_MAX];
    uint8_t *out;
    size_t out_used, out_capacity;
    uint8_t *in;
    size_t in_begin, in_end, in_capacity;
} link_t;

static void gone(void) { bench_fail(BENCH_WRONG, "the server has closed the connection"); }

static uint8_t *grow(uint8_t *buffer, size_t *capacity, size_t wanted) {
    if (wanted > *capacity) {
        *capacity = 2 * wanted;
        buffer = realloc(buffer, *capacity);
        if (buffer == NULL) {
            bench_fail(BENCH_SYSTEM, "no memory for %zu bytes", *capacity);
        }
    }
    return buffer;
}

/* Receives once into the buffer. */
static void receive_some(link_t *link) {
    if (link->in_begin == link->in_end) {
        link->in_begin = link->in_end = 0;
    } else if (link->in_capacity - link->in_end < BUFFER_BYTES / 2) {
        memmove(link->in, link->in + link->in_begin, link->in_end - link->in_begin);
        link->in_end -= link->in_begin;
        link->in_begin = 0;
        link->in = grow(link->in, &link->in_capacity, link->in_end + BUFFER_BYTES / 2);
    }
    struct iovec room = {link->in + link->in_end, link->in_capacity - link->in_end};
    size_t got = channel_receive(link->responses, &room, 1);
    if (got == 0) {
        gone();
    }
    link->in_end += got;
}

/* Sends what has been gathered. Takes answers in meanwhile: otherwise both ends could wait for
 * each other with full socket buffers. */
static void flush_out(link_t *link) {
    size_t at = 0;
    while (at < link->out_used) {
        ssize_t sent = send(link->requests.fd, link->out + at, link->out_used - at,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            at += (size_t)sent;
        } else if (errno == EAGAIN) {
            struct pollfd sockets[2] = {{link->requests.fd, POLLOUT, 0},
                                        {link->responses.fd, POLLIN, 0}};
            if (poll(sockets, 2, -1) > 0 && (sockets[1].revents & POLLIN) != 0) {
                receive_some(link);
            }
        } else if (errno != EINTR) {
            bench_fail_errno("sending");
        }
    }
    link->out_used = 0;
}

static uint32_t floor_request(void *handle, uint32_t type, uint64_t address, uint32_t size,
                              void *data) {
    link_t *link = handle;
    uint32_t id = link->issued;
    header_t header = {id, address, size, type};
    bool large = type == BENCH_WRITE && size > COPIED_BYTES_MAX;
    if (id - link->completed >= PENDING_MAX || (large && id != link->completed)) {
        bench_fail(BENCH_USAGE, "the floor has no room for so many requests, or large writes");
    }
    link->pending[id % PENDING_MAX] = (pending_t){type, size, data};
    link->issued += 1;
    link->out = grow(link->out, &link->out_capacity,
                     link->out_used + HEADER_BYTES + 9U + (large ? 0 : size));
    uint8_t *out = link->out + link->out_used;
    header_write(out, &header);
    link->out_used += HEADER_BYTES;
    if (type == BENCH_WRITE) {
        link->out_used += frame_header_write(out + HEADER_BYTES, size);
    }
    if (large) {
        struct iovec pieces[2] = {{link->out, link->out_used}, {data, size}};
        link->out_used = 0;
        if (!channel_send(link->requests, pieces, 2)) {
            gone();
        }
    } else if (type == BENCH_WRITE) {
        memcpy(link->out + link->out_used, data, size);
        link->out_used += size;
    }
    return id;
}

/* Takes a large answer in: the payload goes straight to where it belongs. */
static void receive_large(link_t *link, const pending_t *pending) {
    uint8_t front[HEADER_BYTES + 9], result[RESULT_BYTES];
    struct iovec pieces[3] = {{front, HEADER_BYTES + frame_header_bytes(pending->size)},
                              {pending->data, pending->size},
                              {result, sizeof result}};
    size_t first = 0;
    while (first < 3 && link->in_begin < link->in_end) {
        size_t there = link->in_end - link->in_begin;
        size_t take = there < pieces[first].iov_len ? there : pieces[first].iov_len;
        memcpy(pieces[first].iov_base, link->in + link->in_begin, take);
        link->in_begin += take;
        pieces[first].iov_base = (uint8_t *)pieces[first].iov_base + take;
        pieces[first].iov_len -= take;
        first += pieces[first].iov_len == 0;
    }
    if (first < 3 && !channel_receive_all(link->responses, pieces + first, 3 - first)) {
        gone();
    }
    if (header_read(front).id != link->completed) {
        bench_fail(BENCH_WRONG, "an answer to another request");
    }
}

/* Takes the answer to the oldest request in. */
static void receive_answer(link_t *link) {
    const pending_t *pending = &link->pending[link->completed % PENDING_MAX];
    uint32_t size = answer_size(pending->type, pending->size);
    size_t total = response_bytes(size);
    bool there = link->in_end - link->in_begin >= total;
    if (!there) {
        flush_out(link);
    }
    if (size > COPIED_BYTES_MAX) {
        receive_large(link, pending);
        link->completed += 1;
        return;
    }
    while (link->in_end - link->in_begin < total) {
        receive_some(link);
    }
    const uint8_t *answer = link->in + link->in_begin;
    if (header_read(answer).id != link->completed) {
        bench_fail(BENCH_WRONG, "an answer to another request");
    }
    if (pending->type == BENCH_READ) {
        memcpy(pending->data, answer + HEADER_BYTES + frame_header_bytes(size), size);
    }
    link->in_begin += total;
    link->completed += 1;
}

static void floor_wait(void *handle, uint32_t id) {
    link_t *link = handle;
    while ((int32_t)(id - link->completed) >= 0) {
        receive_answer(link);
    }
}

static int connect_to(const bench_target_t *target, uint16_t port, const hello_t *hello) {
    struct sockaddr_in address = {0};
    hello_t bytes = *hello;
    struct iovec piece = {&bytes, sizeof bytes};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (inet_pton(AF_INET, target->host, &address.sin_addr) != 1) {
        bench_fail(BENCH_USAGE, "%s is no IPv4 address", target->host);
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        bench_fail_errno("connecting");
    }
    channel_prepare(fd);
    if (!channel_send((channel_t){fd, false}, &piece, 1)) {
        gone();
    }
    return fd;
}

static void *floor_open(const bench_target_t *target) {
    static uint32_t opened;
    link_t *link = bench_alloc(sizeof *link);
    hello_t hello = {(uint64_t)getpid() << 32 | opened, FLOOR_CONNECTIONS};
    opened += 1;
    link->responses.spin = link->requests.spin = target->spin_us != 0;
    if (FLOOR_CONNECTIONS == 2) {
        link->responses.fd = connect_to(target, (uint16_t)(target->port + 1), &hello);
        link->requests.fd = connect_to(target, target->port, &hello);
    } else {
        link->requests.fd = link->responses.fd = connect_to(target, target->port, &hello);
    }
    link->out = grow(NULL, &link->out_capacity, BUFFER_BYTES);
    link->in = grow(NULL, &link->in_capacity, BUFFER_BYTES);
    return link;
}

static void floor_close(void *handle) {
    link_t *link = handle;
    close(link->requests.fd);
    if (FLOOR_CONNECTIONS == 2) {
        close(link->responses.fd);
    }
    free(link->out);
    free(link->in);
    free(link);
}

int main(int argc, char **argv) {
    static const bench_peer_t peer = {FLOOR_CONNECTIONS == 2 ? "floor2" : "floor",
                                      false,
                                      true,
                                      floor_open,
                                      floor_request,
                                      floor_wait,
                                      floor_close,
                                      false,
                                      true,
                                      NULL,
                                      NULL,
                                      false};
    return bench_client_main(&peer, argc, argv);
}
