/* The packetizer, SRP version 0, command frames and Prbs. */
#include "support.h"

/* The last frame that a slave of the test has received. */
typedef struct {
    uint8_t bytes[64];
    uint32_t size;
    uint32_t count;
} last_t;

static void keep(void *ctx, rogue_mem_frame_t *frame) {
    last_t *last = ctx;
    last->size = rogue_mem_frame_payload(frame);
    last->count++;
    if (last->size <= sizeof last->bytes) {
        rogue_mem_frame_read_data(frame, 0, last->bytes, last->size);
    }
}

/* Connects a slave that keeps its last frame to a stream master, which is taken over. */
static void keep_frames_of(rogue_mem_stream_master_t *master, last_t *last) {
    memset(last, 0, sizeof *last);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = last;
    callbacks.accept_frame = keep;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    assert_ok(rogue_mem_stream_master_add_slave(master, slave));
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_master_release(master);
}

/* The sending end of a port, which is taken over. */
static rogue_mem_stream_master_t *master_at(rogue_mem_stream_port_t *port) {
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    rogue_mem_stream_port_release(port);
    return master;
}

/* Hands bytes to the receiving end of a port, which is taken over. */
static void receive(rogue_mem_stream_port_t *port, const void *bytes, uint32_t size) {
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_slave_req_frame(slave, size, 1, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, size));
    assert_ok(rogue_mem_frame_write_data(frame, 0, bytes, size));
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(port);
}

static rogue_mem_packetizer_t *packetizer_of(uint32_t version) {
    rogue_mem_packetizer_t *packetizer = NULL;
    assert_ok(rogue_mem_packetizer_new(version, NULL, &packetizer));
    return packetizer;
}

static void registers_are_reached_through_two_packetizers(void **state) {
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        rogue_mem_packetizer_t *near = packetizer_of(version);
        rogue_mem_packetizer_t *far = packetizer_of(version);
        connect_ports(rogue_mem_packetizer_transport_port(near),
                      rogue_mem_packetizer_transport_port(far));
        rogue_mem_srp_v3_t *srp = NULL;
        rogue_mem_srp_v3_emulation_t *device = NULL;
        assert_ok(rogue_mem_srp_v3_new(&srp));
        assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
        connect_ports(rogue_mem_srp_v3_stream_port(srp),
                      rogue_mem_packetizer_application_port(near, 9));
        connect_ports(rogue_mem_packetizer_application_port(far, 9),
                      rogue_mem_srp_v3_emulation_stream_port(device));
        rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
        rogue_mem_master_t *master = master_of(slave);
        rogue_mem_slave_release(slave);
        static uint8_t written[4096];
        static uint8_t read[4096];
        for (size_t index = 0; index < sizeof written; index++) {
            written[index] = (uint8_t)(index * 5 + version);
        }
        assert_ok(transfer(master, 0x100, written, sizeof written, ROGUE_MEM_WRITE));
        assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));
        assert_memory_equal(read, written, sizeof read);
        rogue_mem_packetizer_stats_t stats = {0};
        stats.size = sizeof stats;
        assert_ok(rogue_mem_packetizer_stats(near, &stats));
        assert_int_equal(stats.frames_sent, 2);
        assert_int_equal(stats.frames_received, 2);
        assert_int_equal(stats.dropped, 0);
        rogue_mem_packetizer_set_timeout(near, 1000);
        rogue_mem_packetizer_stop(near);
        assert_int_equal(transfer(master, 0x100, read, 4, ROGUE_MEM_READ),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), "the packetizer has no transport");
        rogue_mem_master_release(master);
        rogue_mem_srp_v3_release(srp);
        rogue_mem_srp_v3_emulation_release(device);
        rogue_mem_packetizer_release(near);
        rogue_mem_packetizer_release(far);
    }
}

static void packets_have_the_form_that_the_options_choose(void **state) {
    (void)state;
    static const uint8_t frame[4] = {1, 2, 3, 4};
    static const struct {
        uint32_t version, no_ssi, no_crc, size;
        uint8_t packet[24];
    } cases[] = {
        {1, 0, 0, 13, {0, 0, 0, 0, 0, 5, 0, 2, 1, 2, 3, 4, 0x80}},
        {1, 1, 0, 13, {0, 0, 0, 0, 0, 5, 0, 0, 1, 2, 3, 4, 0x80}},
        {2, 1, 1, 24, {2, 0, 5, 0, 0, 0, 0, 0x80, 1, 2, 3, 4, 0, 0, 0, 0, 0, 1, 4, 0}},
    };
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        rogue_mem_packetizer_options_t options = {0};
        options.size = sizeof options;
        options.no_ssi = cases[index].no_ssi;
        options.no_crc = cases[index].no_crc;
        rogue_mem_packetizer_t *packetizer = NULL;
        assert_ok(rogue_mem_packetizer_new(cases[index].version, &options, &packetizer));
        last_t packet;
        keep_frames_of(master_at(rogue_mem_packetizer_transport_port(packetizer)), &packet);
        receive(rogue_mem_packetizer_application_port(packetizer, 5), frame, sizeof frame);
        assert_int_equal(packet.size, cases[index].size);
        assert_memory_equal(packet.bytes, cases[index].packet, packet.size);
        rogue_mem_packetizer_release(packetizer);
    }
}

static void a_packet_with_a_wrong_crc_is_dropped_unless_none_is_checked(void **state) {
    (void)state;
    uint8_t packet[24] = {0x22, 2, 0, 0, 0, 0, 0, 0x80, 1,    2,    3,    4,
                          0,    0, 0, 0, 0, 1, 4, 0,    0x1b, 0x85, 0x2e, 0x7e};
    for (uint32_t unchecked = 0; unchecked <= 1; unchecked++) {
        rogue_mem_packetizer_options_t options = {0};
        options.size = sizeof options;
        options.no_crc_check = unchecked;
        rogue_mem_packetizer_t *packetizer = NULL;
        assert_ok(rogue_mem_packetizer_new(2, &options, &packetizer));
        last_t frame;
        keep_frames_of(master_at(rogue_mem_packetizer_application_port(packetizer, 0)), &frame);
        packet[8] ^= 1;
        receive(rogue_mem_packetizer_transport_port(packetizer), packet, sizeof packet);
        packet[8] ^= 1;
        assert_int_equal(frame.count, unchecked);
        receive(rogue_mem_packetizer_transport_port(packetizer), packet, sizeof packet);
        assert_int_equal(frame.count, 1 + unchecked);
        assert_memory_equal(frame.bytes, packet + 8, 4);
        assert_int_equal(rogue_mem_packetizer_drop_count(packetizer), 1 - unchecked);
        rogue_mem_packetizer_release(packetizer);
    }
}

static void a_packetizer_has_two_versions(void **state) {
    (void)state;
    rogue_mem_packetizer_t *packetizer = NULL;
    assert_int_equal(rogue_mem_packetizer_new(3, NULL, &packetizer),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "versions 1 and 2");
    assert_null(packetizer);
}

/* A device that answers SRP version 0 with zeros and a status. */
typedef struct {
    rogue_mem_stream_port_t *requester;
    uint8_t status[4];
    last_t request;
} device_t;

static void answer(void *ctx, rogue_mem_frame_t *frame) {
    device_t *device = ctx;
    keep(&device->request, frame);
    uint8_t reply[16] = {0};
    memcpy(reply, device->request.bytes, 8);
    memcpy(reply + 12, device->status, 4);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(device->requester);
    rogue_mem_frame_t *made = NULL;
    if (rogue_mem_stream_slave_req_frame(slave, sizeof reply, 1, &made) == ROGUE_MEM_OK) {
        rogue_mem_frame_set_payload(made, sizeof reply);
        rogue_mem_frame_write_data(made, 0, reply, sizeof reply);
        rogue_mem_stream_slave_accept_frame(slave, made);
        rogue_mem_frame_release(made);
    }
    rogue_mem_stream_slave_release(slave);
}

static void srp_version_0_has_its_words_and_its_texts(void **state) {
    (void)state;
    rogue_mem_srp_v0_t *srp = NULL;
    assert_ok(rogue_mem_srp_v0_new(&srp));
    device_t device = {0};
    device.requester = rogue_mem_srp_v0_stream_port(srp);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &device;
    callbacks.accept_frame = answer;
    rogue_mem_stream_slave_t *receiver = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &receiver));
    rogue_mem_stream_master_t *requests = rogue_mem_stream_port_master(device.requester);
    assert_ok(rogue_mem_stream_master_add_slave(requests, receiver));
    rogue_mem_stream_slave_release(receiver);
    rogue_mem_stream_master_release(requests);
    rogue_mem_slave_t *slave = rogue_mem_srp_v0_slave(srp);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    assert_int_equal(rogue_mem_master_req_max_access(master), 2048);

    uint8_t word[4] = {1, 2, 3, 4};
    assert_ok(transfer(master, 0x1234, word, 4, ROGUE_MEM_WRITE));
    static const uint8_t expected[12] = {0x8d, 0x04, 0, 0x40, 1, 2, 3, 4, 0, 0, 0, 0};
    assert_int_equal(device.request.size, 16);
    assert_memory_equal(device.request.bytes + 4, expected, 12);
    device.status[2] = 2;
    assert_int_equal(transfer(master, 0x1234, word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "Axi bus timeout detected in hardware");
    assert_contains(rogue_mem_last_error(), "0x1234");
    assert_int_equal(transfer(master, UINT64_C(1) << 32, word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "0x100000000");
    assert_int_equal(device.request.count, 2);
    rogue_mem_srp_v0_stop(srp);
    rogue_mem_master_release(master);
    rogue_mem_stream_port_release(device.requester);
    rogue_mem_srp_v0_release(srp);
}

static void a_command_is_a_frame_of_sixteen_bytes(void **state) {
    (void)state;
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_cmd_send(master, 1, 2));
    last_t frame;
    keep_frames_of(rogue_mem_stream_master_retain(master), &frame);
    assert_ok(rogue_mem_cmd_send(master, 0xAB, 0x12345678));
    static const uint8_t expected[16] = {0x78, 0x56, 0x34, 0x12, 0xAB};
    assert_int_equal(frame.size, 16);
    assert_memory_equal(frame.bytes, expected, 16);
    rogue_mem_stream_master_release(master);
}

static rogue_mem_prbs_stats_t stats_of(rogue_mem_prbs_t *prbs) {
    rogue_mem_prbs_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_prbs_stats(prbs, &stats));
    return stats;
}

static void prbs_generates_what_prbs_checks(void **state) {
    (void)state;
    rogue_mem_prbs_t *tx = NULL;
    rogue_mem_prbs_t *rx = NULL;
    assert_ok(rogue_mem_prbs_new(&tx));
    assert_ok(rogue_mem_prbs_new(&rx));
    connect_ports(rogue_mem_prbs_stream_port(tx), rogue_mem_prbs_stream_port(rx));
    const uint8_t taps[3] = {0, 5, 63};
    assert_ok(rogue_mem_prbs_set_width(tx, 64));
    assert_ok(rogue_mem_prbs_set_width(rx, 64));
    assert_ok(rogue_mem_prbs_set_taps(tx, taps, 3));
    assert_ok(rogue_mem_prbs_set_taps(rx, taps, 3));
    for (int count = 0; count < 10; count++) {
        assert_ok(rogue_mem_prbs_gen_frame(tx, 240));
    }
    assert_int_equal(stats_of(tx).tx_count, 10);
    assert_int_equal(stats_of(tx).tx_bytes, 2400);
    assert_int_equal(stats_of(rx).rx_count, 10);
    assert_int_equal(stats_of(rx).rx_bytes, 2400);
    /* Other taps, a counter, and a payload that is not checked. */
    assert_ok(rogue_mem_prbs_set_taps(rx, NULL, 0));
    assert_ok(rogue_mem_prbs_gen_frame(tx, 240));
    rogue_mem_prbs_send_count(tx, 1);
    assert_ok(rogue_mem_prbs_gen_frame(tx, 240));
    assert_int_equal(stats_of(rx).rx_errors, 2);
    rogue_mem_prbs_check_payload(rx, 0);
    rogue_mem_prbs_gen_payload(tx, 0);
    assert_ok(rogue_mem_prbs_gen_frame(tx, 240));
    assert_int_equal(stats_of(rx).rx_errors, 2);
    assert_int_equal(stats_of(rx).rx_count, 11);
    assert_true(rogue_mem_prbs_tx_rate(tx) >= 0 && rogue_mem_prbs_rx_rate(rx) >= 0);
    assert_true(rogue_mem_prbs_tx_bandwidth(tx) >= 0 && rogue_mem_prbs_rx_bandwidth(rx) >= 0);
    rogue_mem_prbs_reset_count(rx);
    assert_int_equal(stats_of(rx).rx_count + stats_of(rx).rx_errors + stats_of(rx).rx_bytes, 0);
    assert_int_equal(rogue_mem_prbs_set_width(tx, 0), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_prbs_gen_frame(tx, 8), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_prbs_enable(tx, 8), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    rogue_mem_prbs_stop(tx);
    rogue_mem_prbs_release(tx);
    rogue_mem_prbs_release(rx);
}

static void count_frame(void *ctx, rogue_mem_frame_t *frame) {
    (void)frame;
    events_raise(ctx);
}

static void prbs_sends_in_the_background_until_it_is_disabled(void **state) {
    (void)state;
    rogue_mem_prbs_t *prbs = NULL;
    assert_ok(rogue_mem_prbs_new(&prbs));
    events_t frames;
    events_init(&frames);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &frames;
    callbacks.accept_frame = count_frame;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    rogue_mem_stream_master_t *master = master_at(rogue_mem_prbs_stream_port(prbs));
    assert_ok(rogue_mem_stream_master_add_slave(master, slave));
    rogue_mem_prbs_set_tx_period(prbs, 50);
    assert_int_equal(rogue_mem_prbs_tx_period(prbs), 50);
    assert_ok(rogue_mem_prbs_enable(prbs, 64));
    events_wait(&frames, 5);
    rogue_mem_prbs_disable(prbs);
    assert_int_equal(stats_of(prbs).tx_count, events_count(&frames));
    rogue_mem_prbs_set_rx_enable(prbs, 0);
    assert_false(rogue_mem_prbs_rx_enable(prbs));
    rogue_mem_prbs_set_rx_enable(prbs, 1);
    assert_true(rogue_mem_prbs_rx_enable(prbs));
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_master_release(master);
    rogue_mem_prbs_release(prbs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_reached_through_two_packetizers),
        cmocka_unit_test(packets_have_the_form_that_the_options_choose),
        cmocka_unit_test(a_packet_with_a_wrong_crc_is_dropped_unless_none_is_checked),
        cmocka_unit_test(a_packetizer_has_two_versions),
        cmocka_unit_test(srp_version_0_has_its_words_and_its_texts),
        cmocka_unit_test(a_command_is_a_frame_of_sixteen_bytes),
        cmocka_unit_test(prbs_generates_what_prbs_checks),
        cmocka_unit_test(prbs_sends_in_the_background_until_it_is_disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
