/*
 * The server of the floor over UDP: one thread with a blocking socket, which answers each datagram
 * before it receives the next one.
 */
#include "udp_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>

#include "../common/server.h"

#define MEMORY_BYTES (256U << 20)

static uint8_t *memory;
static int fd;

static void *serve(void *unused) {
    (void)unused;
    static uint8_t datagram[UDP_DATAGRAM_BYTES_MAX];
    while (true) {
        struct sockaddr_in peer;
        socklen_t peer_bytes = sizeof peer;
        ssize_t got =
            recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&peer, &peer_bytes);
        if (got < (ssize_t)UDP_HEADER_BYTES) {
            bench_fail_errno("receiving");
        }
        udp_header_t header = udp_header_read(datagram);
        if (header.size > UDP_DATA_BYTES_MAX || header.address > MEMORY_BYTES - header.size) {
            bench_fail(BENCH_WRONG, "a request of %u bytes", header.size);
        }
        /* As with SRPv3 the answer to a write carries its data too. */
        if (header.type == BENCH_WRITE) {
            memcpy(memory + header.address, datagram + UDP_HEADER_BYTES, header.size);
        } else {
            memcpy(datagram + UDP_HEADER_BYTES, memory + header.address, header.size);
        }
        memset(datagram + UDP_HEADER_BYTES + header.size, 0, UDP_STATUS_BYTES);
        size_t bytes = udp_datagram_bytes(UDP_HEADER_BYTES + header.size + UDP_STATUS_BYTES);
        if (sendto(fd, datagram, bytes, 0, (struct sockaddr *)&peer, peer_bytes) !=
            (ssize_t)bytes) {
            bench_fail_errno("sending");
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    bench_server_options_t options = bench_server_options(0, argc, argv);
    struct sockaddr_in address = {0};
    socklen_t address_bytes = sizeof address;
    pthread_t thread;
    memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        bench_fail_errno("mmap");
    }
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) {
        bench_fail(BENCH_USAGE, "%s is no IPv4 address", options.host);
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &address_bytes) != 0) {
        bench_fail_errno("binding");
    }
    errno = pthread_create(&thread, NULL, serve, NULL);
    if (errno != 0) {
        bench_fail_errno("starting a thread");
    }
    pthread_detach(thread);
    bench_server_attend(ntohs(address.sin_port));
    return BENCH_OK;
}
