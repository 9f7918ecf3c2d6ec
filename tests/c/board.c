/* The usual road to a board: both ends in this process, registers over it, a cut. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static rogue_mem_board_t *new_server(uint16_t port, uint32_t version) {
    rogue_mem_board_options_t options = {0};
    rogue_mem_board_t *server = NULL;
    options.size = sizeof options;
    options.pack_version = version;
    assert_ok(rogue_mem_board_new_server("127.0.0.1", port, &options, &server));
    return server;
}

/* A client of the server at that port, and a master that requests over its destination 0. */
static rogue_mem_board_t *new_client(uint16_t port, uint32_t version, rogue_mem_master_t **master) {
    rogue_mem_board_options_t options = {0};
    rogue_mem_board_t *client = NULL;
    rogue_mem_srp_v3_t *srp = NULL;
    options.size = sizeof options;
    options.pack_version = version;
    assert_ok(rogue_mem_board_new_client("127.0.0.1", port, &options, &client));
    assert_ok(rogue_mem_srp_v3_new(&srp));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), rogue_mem_board_application_port(client, 0));
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    *master = master_of(slave);
    rogue_mem_slave_release(slave);
    rogue_mem_srp_v3_release(srp);
    return client;
}

static void put_device(rogue_mem_board_t *server) {
    rogue_mem_srp_v3_emulation_t *device = NULL;
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_ports(rogue_mem_srp_v3_emulation_stream_port(device),
                  rogue_mem_board_application_port(server, 0));
    rogue_mem_srp_v3_emulation_release(device);
}

static rogue_mem_board_stats_t stats_of(rogue_mem_board_t *board) {
    rogue_mem_board_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_board_stats(board, &stats));
    return stats;
}

static void registers_are_reached_over_the_whole_road(void **state) {
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        rogue_mem_board_t *server = new_server(0, version);
        put_device(server);
        rogue_mem_master_t *master = NULL;
        rogue_mem_board_t *client = new_client(rogue_mem_board_port(server), version, &master);
        assert_ok(rogue_mem_board_wait_open(client, LONG_TIMEOUT_US));
        assert_true(rogue_mem_board_is_open(client));
        static uint8_t written[4096];
        static uint8_t read[4096];
        for (size_t index = 0; index < sizeof written; index++) {
            written[index] = (uint8_t)(index * 5 + version);
        }
        assert_ok(transfer(master, 0x100, written, sizeof written, ROGUE_MEM_WRITE));
        assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));
        assert_memory_equal(read, written, sizeof read);
        assert_int_equal(stats_of(client).open, 1);
        assert_int_equal(stats_of(client).frames_in, 2);
        assert_int_equal(stats_of(client).dropped_packets, 0);
        rogue_mem_board_stop(client);
        rogue_mem_board_stop(server);
        assert_false(rogue_mem_board_is_open(client));
        assert_int_equal(rogue_mem_board_wait_open(client, 0), ROGUE_MEM_ERROR_STOPPED);
        rogue_mem_master_release(master);
        rogue_mem_board_release(client);
        rogue_mem_board_release(server);
    }
}

static void a_request_fails_with_the_layer_when_the_link_is_cut(void **state) {
    (void)state;
    rogue_mem_board_t *server = new_server(0, 2);
    uint16_t port = rogue_mem_board_port(server);
    rogue_mem_master_t *master = NULL;
    rogue_mem_board_t *client = new_client(port, 2, &master);
    assert_ok(rogue_mem_board_wait_open(client, LONG_TIMEOUT_US));
    uint8_t data[4] = {1, 2, 3, 4};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0x40, sizeof data, data, ROGUE_MEM_READ, &id));
    rogue_mem_board_stop(server);
    rogue_mem_board_release(server);
    assert_int_not_equal(rogue_mem_master_wait(master, id), ROGUE_MEM_OK);
    assert_contains(rogue_mem_last_error(), "rssi::Client");
    server = new_server(port, 2);
    put_device(server);
    assert_ok(rogue_mem_board_wait_open(client, LONG_TIMEOUT_US));
    assert_ok(transfer(master, 0x40, data, sizeof data, ROGUE_MEM_WRITE));
    assert_int_equal(stats_of(client).down_count, 1);
    rogue_mem_board_stop(client);
    rogue_mem_board_stop(server);
    rogue_mem_master_release(master);
    rogue_mem_board_release(client);
    rogue_mem_board_release(server);
}

/* Sends an RST of RSSI with the given number to a port of this host. */
static void send_reset(int stranger, uint16_t port, uint8_t number) {
    const uint16_t start = 0x1008; /* RST, and the length of the header */
    uint32_t sum = start + ((uint32_t)number << 8);
    const uint16_t checksum = (uint16_t) ~((sum & 0xFFFF) + (sum >> 16));
    const uint8_t segment[8] = {
        0x10, 8, number, 0, 0, 0, (uint8_t)(checksum >> 8), (uint8_t)checksum};
    struct sockaddr_in to = {0};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(
        sendto(stranger, segment, sizeof segment, 0, (struct sockaddr *)&to, sizeof to),
        sizeof segment);
}

static void resets_of_a_stranger_are_counted_and_harmless(void **state) {
    (void)state;
    rogue_mem_board_t *server = new_server(0, 2);
    put_device(server);
    const uint16_t port = rogue_mem_board_port(server);
    rogue_mem_master_t *master = NULL;
    rogue_mem_board_t *client = new_client(port, 2, &master);
    assert_ok(rogue_mem_board_wait_open(client, LONG_TIMEOUT_US));
    int stranger = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(stranger >= 0);
    uint8_t data[4] = {1, 2, 3, 4};
    for (unsigned number = 0; number < 256; number++) {
        send_reset(stranger, port, (uint8_t)number);
        if (number % 16 == 0) {
            assert_ok(transfer(master, 0x40, data, sizeof data, ROGUE_MEM_WRITE));
        }
    }
    while (stats_of(server).dropped_datagrams < 256) {
        assert_ok(transfer(master, 0x40, data, sizeof data, ROGUE_MEM_READ));
    }
    assert_int_equal(stats_of(server).dropped_datagrams, 256);
    assert_int_equal(stats_of(server).down_count + stats_of(client).down_count, 0);
    assert_int_equal(recv(stranger, data, sizeof data, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    close(stranger);
    rogue_mem_board_stop(client);
    rogue_mem_board_stop(server);
    rogue_mem_master_release(master);
    rogue_mem_board_release(client);
    rogue_mem_board_release(server);
}

static void a_link_that_does_not_open_says_which_layer_fails(void **state) {
    (void)state;
    rogue_mem_board_t *server = new_server(0, 1);
    assert_int_equal(rogue_mem_board_wait_open(server, 1), ROGUE_MEM_ERROR_TIMEOUT);
    assert_contains(rogue_mem_last_error(), "UDP: no datagram has come");
    rogue_mem_board_release(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_reached_over_the_whole_road),
        cmocka_unit_test(a_request_fails_with_the_layer_when_the_link_is_cut),
        cmocka_unit_test(resets_of_a_stranger_are_counted_and_harmless),
        cmocka_unit_test(a_link_that_does_not_open_says_which_layer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
