/*
 * The floor of a register road over UDP: a blocking socket that exchanges as many bytes as SRPv3
 * does, 20 for the request of a read, 24 and the data for its answer, or as many as SRPv3 over
 * packetizer and RSSI does. Nothing is checked as these would have to, and a lost datagram is a
 * hang.
 */
#include "udp_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define PENDING_MAX 4096U

typedef struct pending {
    uint32_t size;
    void *data;
    bool is_done;
} pending_t;

typedef struct link {
    int fd;
    uint32_t issued; /* the id of the next request */
    pending_t pending[PENDING_MAX];
} link_t;

static void send_request(link_t *link, uint32_t type, uint64_t address, uint32_t size,
                         const void *data) {
    uint8_t request[UDP_DATAGRAM_BYTES_MAX];
    udp_header_t header = {type, link->issued, address, size};
    size_t bytes = UDP_HEADER_BYTES;
    udp_header_write(request, &header);
    if (type == BENCH_WRITE) {
        memcpy(request + UDP_HEADER_BYTES, data, size);
        bytes += size;
    }
    memset(request + bytes, 0, udp_datagram_bytes(bytes) - bytes);
    bytes = udp_datagram_bytes(bytes);
    if (send(link->fd, request, bytes, 0) != (ssize_t)bytes) {
        bench_fail_errno("sending");
    }
}

static void receive_answer(link_t *link) {
    uint8_t answer[UDP_DATAGRAM_BYTES_MAX];
    ssize_t bytes = recv(link->fd, answer, sizeof answer, 0);
    if (bytes < (ssize_t)(UDP_HEADER_BYTES + UDP_STATUS_BYTES)) {
        bench_fail_errno("receiving");
    }
    udp_header_t header = udp_header_read(answer);
    pending_t *pending = &link->pending[header.id % PENDING_MAX];
    if (header.type == BENCH_READ) {
        memcpy(pending->data, answer + UDP_HEADER_BYTES, pending->size);
    }
    pending->is_done = true;
}

static void wait_for(void *handle, uint32_t id) {
    link_t *link = handle;
    while (!link->pending[id % PENDING_MAX].is_done) {
        receive_answer(link);
    }
}

static uint32_t request(void *handle, uint32_t type, uint64_t address, uint32_t size, void *data) {
    link_t *link = handle;
    /* Only what prepares the far memory is larger. */
    while (size > UDP_DATA_BYTES_MAX) {
        wait_for(link, request(link, type, address, UDP_DATA_BYTES_MAX, data));
        address += UDP_DATA_BYTES_MAX;
        data = (uint8_t *)data + UDP_DATA_BYTES_MAX;
        size -= UDP_DATA_BYTES_MAX;
    }
    link->pending[link->issued % PENDING_MAX] = (pending_t){size, data, false};
    send_request(link, type, address, size, data);
    return link->issued++;
}

static void *open_link(const bench_target_t *target) {
    link_t *link = bench_alloc(sizeof *link);
    struct sockaddr_in address = {0};
    link->issued = 0;
    link->fd = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons(target->port);
    if (inet_pton(AF_INET, target->host, &address.sin_addr) != 1) {
        bench_fail(BENCH_USAGE, "%s is no IPv4 address", target->host);
    }
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        bench_fail_errno("connecting");
    }
    return link;
}

static void close_link(void *handle) {
    link_t *link = handle;
    close(link->fd);
    free(link);
}

int main(int argc, char **argv) {
    static const bench_peer_t peer = {.name = FLOOR_HAS_LINK ? "floor_rssi" : "floor_udp",
                                      .stores = true,
                                      .open = open_link,
                                      .request = request,
                                      .wait = wait_for,
                                      .close = close_link};
    return bench_client_main(&peer, argc, argv);
}
