/* Reliable streams: a server and a client of this process, connected with each other. */
#include "support.h"

/* A client and a server whose transports are connected. */
static void new_pair(rogue_mem_rssi_t **client, rogue_mem_rssi_t **server) {
    rogue_mem_rssi_options_t options = {0};
    options.size = sizeof options;
    assert_ok(rogue_mem_rssi_new_client(1464, &options, client));
    assert_ok(rogue_mem_rssi_new_server(1464, NULL, server));
    connect_ports(rogue_mem_rssi_transport_port(*client), rogue_mem_rssi_transport_port(*server));
}

static void start_pair(rogue_mem_rssi_t *client, rogue_mem_rssi_t *server) {
    assert_ok(rogue_mem_rssi_start(server));
    assert_ok(rogue_mem_rssi_start(client));
    assert_ok(rogue_mem_rssi_wait_open(client, LONG_TIMEOUT_US));
    assert_ok(rogue_mem_rssi_wait_open(server, LONG_TIMEOUT_US));
}

static uint32_t local(rogue_mem_rssi_t *rssi, uint32_t parameter) {
    uint32_t value = 0;
    assert_ok(rogue_mem_rssi_local(rssi, parameter, &value));
    return value;
}

static uint32_t current(rogue_mem_rssi_t *rssi, uint32_t parameter) {
    uint32_t value = 0;
    assert_ok(rogue_mem_rssi_current(rssi, parameter, &value));
    return value;
}

static rogue_mem_rssi_stats_t stats_of(rogue_mem_rssi_t *rssi) {
    rogue_mem_rssi_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_rssi_stats(rssi, &stats));
    return stats;
}

static void registers_are_read_and_written_over_a_reliable_stream(void **state) {
    (void)state;
    rogue_mem_rssi_t *client = NULL;
    rogue_mem_rssi_t *server = NULL;
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    new_pair(&client, &server);
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), rogue_mem_rssi_application_port(client));
    connect_ports(rogue_mem_rssi_application_port(server),
                  rogue_mem_srp_v3_emulation_stream_port(device));
    assert_false(rogue_mem_rssi_is_open(client));
    start_pair(client, server);
    assert_true(rogue_mem_rssi_is_open(client));
    assert_int_equal(rogue_mem_rssi_max_payload(client), 1456);

    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = master_of(slave);
    uint8_t bytes[64];
    uint8_t read[64] = {0};
    for (size_t index = 0; index < sizeof bytes; index++) {
        bytes[index] = (uint8_t)(3 * index + 1);
    }
    assert_ok(transfer(master, 0x100, bytes, sizeof bytes, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));
    assert_memory_equal(read, bytes, sizeof bytes);

    rogue_mem_rssi_stats_t stats = stats_of(client);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.frames_out, 2);
    assert_int_equal(stats.frames_in, 2);
    assert_true(stats.round_trip_p50_ns > 0);
    rogue_mem_rssi_reset_counters(client);
    assert_int_equal(stats_of(client).frames_out, 0);

    rogue_mem_rssi_stop(client);
    rogue_mem_rssi_stop(client);
    assert_false(rogue_mem_rssi_is_open(client));
    assert_int_equal(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(),
                    "rssi::Client: the link is closed: this end was stopped");
    start_pair(client, server);
    assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));

    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_rssi_stop(client);
    rogue_mem_rssi_stop(server);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
    rogue_mem_rssi_release(client);
    rogue_mem_rssi_release(server);
}

static void parameters_are_agreed_on(void **state) {
    (void)state;
    rogue_mem_rssi_t *client = NULL;
    rogue_mem_rssi_t *server = NULL;
    new_pair(&client, &server);
    rogue_mem_rssi_set_timeout(client, 1000000);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_TRY_PERIOD), 100);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_MAX_BUFFERS), 32);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_MAX_SEGMENT), 1464);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT), 5);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_RETRAN_TIMEOUT), 20);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_NULL_TIMEOUT), 1000);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_MAX_RETRAN), 15);
    assert_int_equal(local(client, ROGUE_MEM_RSSI_MAX_CUM_ACK), 2);
    assert_ok(rogue_mem_rssi_set_local(client, ROGUE_MEM_RSSI_NULL_TIMEOUT, 3000));
    assert_ok(rogue_mem_rssi_set_local(server, ROGUE_MEM_RSSI_MAX_SEGMENT, 500));
    start_pair(client, server);
    assert_int_equal(current(server, ROGUE_MEM_RSSI_NULL_TIMEOUT), 3000);
    assert_int_equal(current(client, ROGUE_MEM_RSSI_MAX_SEGMENT), 500);
    assert_int_equal(rogue_mem_rssi_max_payload(client), 492);
    rogue_mem_rssi_release(client);
    rogue_mem_rssi_release(server);
}

static void a_client_without_a_server_tells_what_to_check(void **state) {
    (void)state;
    rogue_mem_rssi_t *client = NULL;
    assert_ok(rogue_mem_rssi_new_client(1464, NULL, &client));
    assert_ok(rogue_mem_rssi_start(client));
    assert_int_equal(rogue_mem_rssi_wait_open(client, 1000), ROGUE_MEM_ERROR_TIMEOUT);
    assert_contains(rogue_mem_last_error(), "no peer has opened the link yet");
    rogue_mem_rssi_release(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_read_and_written_over_a_reliable_stream),
        cmocka_unit_test(parameters_are_agreed_on),
        cmocka_unit_test(a_client_without_a_server_tells_what_to_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
