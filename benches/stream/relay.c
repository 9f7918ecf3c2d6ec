/*
 * A relay of datagrams that loses some of them, in both directions.
 *
 *   stream_relay --port P [--loss N] [--seed S]
 *
 * Prints "listening on port <P>" and passes datagrams between the latest client there and the server
 * at port P of this host, until its standard input ends. Of 1000 datagrams it loses N; which ones is
 * decided by the seed, for each direction by itself.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/measure.h"

#define DATAGRAM_BYTES_MAX 65536U
/* For several windows of jumbo datagrams: what is lost here is meant to be. */
#define BUFFER_BYTES (4 << 20)

/* One direction: from a socket to a peer of the other one. */
typedef struct way {
    int from;
    int to;
    struct sockaddr_in peer; /* port 0 as long as there is none */
    uint64_t state;          /* of its random numbers, not 0 */
} way_t;

static uint64_t loss_per_mille;

/* Marsaglia's xorshift with 64 bits and Vigna's multiplier. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ULL;
}

static int open_socket(struct sockaddr_in *address) {
    int size = BUFFER_BYTES;
    socklen_t bytes = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof *address) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &bytes) != 0) {
        bench_fail_errno("binding");
    }
    /* The system may allow less. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

/* Passes on all datagrams that wait; where they came from is the peer of the other way. */
static void pass(way_t *way, way_t *back) {
    static uint8_t datagram[DATAGRAM_BYTES_MAX];
    while (true) {
        struct sockaddr_in source;
        socklen_t source_bytes = sizeof source;
        ssize_t bytes = recvfrom(way->from, datagram, sizeof datagram, MSG_DONTWAIT,
                                 (struct sockaddr *)&source, &source_bytes);
        if (bytes < 0) {
            /* Nothing is left, or a program has ended. */
            return;
        }
        back->peer = source;
        bool is_lost = next_random(&way->state) % 1000 < loss_per_mille;
        if (!is_lost && way->peer.sin_port != 0) {
            sendto(way->to, datagram, (size_t)bytes, 0, (struct sockaddr *)&way->peer,
                   sizeof way->peer);
        }
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in front, back;
    uint64_t port = 0, seed = 1;
    bench_init(argv[0]);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            port = bench_number(argv[i + 1], argv[i]);
        } else if (strcmp(argv[i], "--loss") == 0) {
            loss_per_mille = bench_number(argv[i + 1], argv[i]);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = bench_number(argv[i + 1], argv[i]);
        } else {
            bench_fail(BENCH_USAGE, "%s is not known here", argv[i]);
        }
    }
    if (argc % 2 != 1 || port == 0 || port > UINT16_MAX || loss_per_mille > 1000) {
        bench_fail(BENCH_USAGE, "usage: --port P [--loss N] [--seed S]");
    }
    way_t there = {.state = 2 * seed + 1}, here = {.state = 2 * seed + 2};
    there.from = here.to = open_socket(&front);
    here.from = there.to = open_socket(&back);
    there.peer = front;
    there.peer.sin_port = htons((uint16_t)port);
    printf("listening on port %u\n", (unsigned)ntohs(front.sin_port));
    fflush(stdout);
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = there.from, .events = POLLIN},
                               {.fd = here.from, .events = POLLIN}};
    while (poll(watched, 3, -1) >= 0 && watched[0].revents == 0) {
        pass(&there, &here);
        pass(&here, &there);
    }
    return BENCH_OK;
}
