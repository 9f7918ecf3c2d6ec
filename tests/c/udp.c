/* Streams over UDP: a server and a client of this process, and a register road over them. */
#include "support.h"

static rogue_mem_udp_t *new_server(uint32_t jumbo) {
    rogue_mem_udp_options_t options = {0};
    rogue_mem_udp_t *server = NULL;
    options.size = sizeof options;
    options.jumbo = jumbo;
    assert_ok(rogue_mem_udp_new_server("127.0.0.1", 0, &options, &server));
    return server;
}

static rogue_mem_udp_t *new_client(rogue_mem_udp_t *server, uint32_t jumbo) {
    rogue_mem_udp_options_t options = {0};
    rogue_mem_udp_t *client = NULL;
    options.size = sizeof options;
    options.jumbo = jumbo;
    assert_ok(rogue_mem_udp_new_client("127.0.0.1", rogue_mem_udp_port(server), &options, &client));
    return client;
}

static rogue_mem_udp_stats_t stats_of(rogue_mem_udp_t *udp) {
    rogue_mem_udp_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_udp_stats(udp, &stats));
    return stats;
}

/* Keeps the latest frame's bytes. */
typedef struct {
    events_t frames;
    uint8_t bytes[9000];
    uint32_t count;
} keeper_t;

static void keep(void *ctx, rogue_mem_frame_t *frame) {
    keeper_t *keeper = ctx;
    keeper->count = rogue_mem_frame_payload(frame);
    rogue_mem_frame_read_data(frame, 0, keeper->bytes, keeper->count);
    events_raise(&keeper->frames);
}

static void keep_frames_of(rogue_mem_udp_t *udp, keeper_t *keeper) {
    memset(keeper, 0, sizeof *keeper);
    events_init(&keeper->frames);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = keeper;
    callbacks.accept_frame = keep;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    rogue_mem_stream_port_t *port = rogue_mem_udp_stream_port(udp);
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    assert_ok(rogue_mem_stream_master_add_slave(master, slave));
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_slave_release(slave);
}

static void send_bytes(rogue_mem_udp_t *udp, const uint8_t *bytes, uint32_t count) {
    rogue_mem_stream_port_t *port = rogue_mem_udp_stream_port(udp);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_slave_req_frame(slave, count, 1, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, count));
    assert_ok(rogue_mem_frame_write_data(frame, 0, bytes, count));
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(port);
}

static void frames_go_both_ways_and_are_counted(void **state) {
    (void)state;
    for (uint32_t jumbo = 0; jumbo < 2; jumbo++) {
        const uint32_t limit = jumbo ? 8972 : 1472;
        rogue_mem_udp_t *server = new_server(jumbo);
        rogue_mem_udp_t *client = new_client(server, jumbo);
        assert_ptr_equal(rogue_mem_udp_retain(client), client);
        rogue_mem_udp_release(client);
        assert_int_equal(rogue_mem_udp_max_payload(client), limit);
        assert_int_not_equal(rogue_mem_udp_port(client), 0);
        keeper_t at_server, at_client;
        keep_frames_of(server, &at_server);
        keep_frames_of(client, &at_client);
        static uint8_t bytes[9000];
        memset(bytes, 0x5A, sizeof bytes);
        /* Without a peer. */
        send_bytes(server, bytes, 1);
        send_bytes(client, bytes, limit);
        events_wait(&at_server.frames, 1);
        assert_int_equal(at_server.count, limit);
        assert_memory_equal(at_server.bytes, bytes, limit);
        send_bytes(server, bytes, 3);
        events_wait(&at_client.frames, 1);
        assert_int_equal(at_client.count, 3);
        const rogue_mem_udp_stats_t stats = stats_of(server);
        assert_int_equal(stats.datagrams_in, 1);
        assert_int_equal(stats.bytes_in, limit);
        assert_int_equal(stats.datagrams_out, 1);
        assert_int_equal(stats.bytes_out, 3);
        assert_int_equal(stats.send_calls, 1);
        assert_int_equal(stats.unsent, 1);
        assert_int_equal(stats.oversized, 0);
        rogue_mem_udp_stop(server);
        rogue_mem_udp_stop(client);
        rogue_mem_udp_release(server);
        rogue_mem_udp_release(client);
        events_destroy(&at_server.frames);
        events_destroy(&at_client.frames);
    }
}

static void registers_are_reached_over_udp(void **state) {
    (void)state;
    rogue_mem_udp_t *server = new_server(1);
    rogue_mem_udp_t *client = new_client(server, 1);
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), rogue_mem_udp_stream_port(client));
    connect_ports(rogue_mem_srp_v3_emulation_stream_port(device),
                  rogue_mem_udp_stream_port(server));
    /* The road keeps the client. */
    rogue_mem_udp_release(client);
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    static uint8_t written[4096];
    static uint8_t read[4096];
    for (size_t index = 0; index < sizeof written; index++) {
        written[index] = (uint8_t)(index * 7);
    }
    assert_ok(transfer(master, 0x100, written, sizeof written, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));
    assert_memory_equal(read, written, sizeof read);
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_srp_v3_emulation_release(device);
    rogue_mem_udp_stop(server);
    rogue_mem_udp_release(server);
}

typedef struct {
    rogue_mem_master_t *master;
    uint32_t id;
    rogue_mem_status_t status;
} wait_t;

static void *wait_for_read(void *argument) {
    wait_t *wait = argument;
    wait->status = rogue_mem_master_wait(wait->master, wait->id);
    return NULL;
}

static void stop_ends_a_wait_for_a_device_that_is_silent(void **state) {
    (void)state;
    keeper_t device;
    rogue_mem_udp_t *server = new_server(0);
    rogue_mem_udp_t *client = new_client(server, 0);
    rogue_mem_srp_v3_t *srp = NULL;
    keep_frames_of(server, &device);
    assert_ok(rogue_mem_srp_v3_new(&srp));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), rogue_mem_udp_stream_port(client));
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    wait_t wait = {master, 0, ROGUE_MEM_OK};
    uint8_t data[4];
    pthread_t thread;
    assert_ok(rogue_mem_master_request(master, 0, sizeof data, data, ROGUE_MEM_READ, &wait.id));
    events_wait(&device.frames, 1);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_read, &wait), 0);
    rogue_mem_srp_v3_stop(srp);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_not_equal(wait.status, ROGUE_MEM_OK);
    rogue_mem_udp_stop(client);
    rogue_mem_udp_release(client);
    rogue_mem_udp_stop(server);
    rogue_mem_udp_release(server);
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_release(srp);
    events_destroy(&device.frames);
}

static void a_receive_buffer_is_granted_or_refused(void **state) {
    (void)state;
    rogue_mem_udp_t *server = new_server(0);
    assert_ok(rogue_mem_udp_set_receive_buffers(server, 32));
    assert_true(stats_of(server).receive_buffer_bytes >= 32 * 1500);
    assert_int_equal(rogue_mem_udp_set_receive_buffers(server, UINT32_MAX),
                     ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_contains(rogue_mem_last_error(), "rmem_max");
    assert_int_equal(rogue_mem_udp_set_receive_buffers(server, 0),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    rogue_mem_udp_stop(server);
    rogue_mem_udp_stop(server);
    assert_int_equal(rogue_mem_udp_set_receive_buffers(server, 1), ROGUE_MEM_ERROR_STOPPED);
    rogue_mem_udp_release(server);
}

static void what_cannot_be_opened_says_why(void **state) {
    (void)state;
    rogue_mem_udp_t *server = new_server(0);
    rogue_mem_udp_t *other = NULL;
    const uint16_t port = rogue_mem_udp_port(server);
    assert_int_equal(rogue_mem_udp_new_server("127.0.0.1", port, NULL, &other),
                     ROGUE_MEM_ERROR_BIND);
    assert_int_equal(rogue_mem_udp_new_client("127.0.0.1", 0, NULL, &other),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_udp_new_client("no-such-host.invalid", 1, NULL, &other),
                     ROGUE_MEM_ERROR_RESOLVE);
    assert_contains(rogue_mem_last_error(), "no-such-host.invalid");
    assert_null(other);
    rogue_mem_udp_release(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_both_ways_and_are_counted),
        cmocka_unit_test(registers_are_reached_over_udp),
        cmocka_unit_test(stop_ends_a_wait_for_a_device_that_is_silent),
        cmocka_unit_test(a_receive_buffer_is_granted_or_refused),
        cmocka_unit_test(what_cannot_be_opened_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
