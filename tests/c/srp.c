/* SRPv3 between this library's object and its emulated device, and with a device of the test. */
#include "support.h"

enum { REQUEST_BYTES = 20, STATUS_BYTES = 4 };

static void connect_both(rogue_mem_srp_v3_t *srp, rogue_mem_srp_v3_emulation_t *device) {
    connect_ports(rogue_mem_srp_v3_stream_port(srp),
                  rogue_mem_srp_v3_emulation_stream_port(device));
}

static rogue_mem_master_t *master_over(rogue_mem_srp_v3_t *srp) {
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    return master;
}

static void the_emulated_device_keeps_what_is_written(void **state) {
    (void)state;
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    assert_ptr_equal(rogue_mem_srp_v3_retain(srp), srp);
    assert_ptr_equal(rogue_mem_srp_v3_emulation_retain(device), device);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
    connect_both(srp, device);
    rogue_mem_srp_v3_set_hardware_timeout(srp, 0xFF);
    rogue_mem_master_t *master = master_over(srp);
    assert_int_equal(rogue_mem_master_req_min_access(master), 4);
    assert_int_equal(rogue_mem_master_req_max_access(master), 4096);

    uint32_t words[2] = {1, 1};
    assert_ok(transfer(master, 0x123456789ABCDEF0ull, words, 8, ROGUE_MEM_READ));
    assert_true(words[0] == 0 && words[1] == 0);
    const uint32_t written[2] = {0x11223344, 0x55667788};
    memcpy(words, written, sizeof words);
    assert_ok(transfer(master, 0x123456789ABCDEF0ull, words, 8, ROGUE_MEM_WRITE));
    uint32_t posted = 0xCAFE;
    assert_ok(transfer(master, 0x123456789ABCDEF4ull, &posted, 4, ROGUE_MEM_POST));
    assert_ok(transfer(master, 0x123456789ABCDEF0ull, words, 8, ROGUE_MEM_VERIFY));
    assert_true(words[0] == written[0] && words[1] == posted);
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_srp_v3_emulation_release(device);
}

static void what_srp_cannot_carry_is_refused_with_its_texts(void **state) {
    (void)state;
    static const struct {
        uint64_t address;
        uint32_t size;
        const char *text;
    } cases[] = {
        {0x2, 4, "Transaction address 0x2 is not aligned to min size 4"},
        {0x0, 6, "Transaction size 0x6 is not aligned to min size 4"},
        {0x0, 4100, "Transaction size 4100 exceeds max size 4096"},
    };
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_both(srp, device);
    rogue_mem_master_t *master = master_over(srp);
    static uint8_t bytes[4100];
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        assert_int_equal(
            transfer(master, cases[index].address, bytes, cases[index].size, ROGUE_MEM_READ),
            ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), cases[index].text);
    }
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
}

/* A device that records the last request, and answers with prepared bytes. */
typedef struct {
    events_t requests;
    uint8_t request[64];
    uint32_t request_bytes;
    uint32_t tail;
    bool answers;
    rogue_mem_stream_slave_t *requester;
} device_t;

static void answer(void *ctx, rogue_mem_frame_t *frame) {
    device_t *device = ctx;
    device->request_bytes = rogue_mem_frame_payload(frame);
    if (device->request_bytes <= sizeof device->request) {
        rogue_mem_frame_read_data(frame, 0, device->request, device->request_bytes);
    }
    rogue_mem_frame_t *reply = NULL;
    if (device->answers &&
        rogue_mem_stream_slave_req_frame(device->requester, REQUEST_BYTES + 4 + STATUS_BYTES, 1,
                                         &reply) == ROGUE_MEM_OK) {
        const uint8_t data[4] = {0xA1, 0xB2, 0xC3, 0xD4};
        const uint8_t tail[4] = {(uint8_t)device->tail, (uint8_t)(device->tail >> 8), 0, 0};
        rogue_mem_frame_set_payload(reply, REQUEST_BYTES + 4 + STATUS_BYTES);
        rogue_mem_frame_write_data(reply, 0, device->request, REQUEST_BYTES);
        rogue_mem_frame_write_data(reply, REQUEST_BYTES, data, 4);
        rogue_mem_frame_write_data(reply, REQUEST_BYTES + 4, tail, STATUS_BYTES);
        rogue_mem_stream_slave_accept_frame(device->requester, reply);
        rogue_mem_frame_release(reply);
    }
    events_raise(&device->requests);
}

static rogue_mem_srp_v3_t *srp_over(device_t *device) {
    memset(device, 0, sizeof *device);
    events_init(&device->requests);
    device->answers = true;
    rogue_mem_srp_v3_t *srp = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = device;
    callbacks.accept_frame = answer;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    rogue_mem_stream_port_t *port = rogue_mem_srp_v3_stream_port(srp);
    rogue_mem_stream_master_t *requests = rogue_mem_stream_port_master(port);
    assert_ok(rogue_mem_stream_master_add_slave(requests, slave));
    device->requester = rogue_mem_stream_port_slave(port);
    rogue_mem_stream_master_release(requests);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_slave_release(slave);
    return srp;
}

static void d46_an_answer_from_within_the_request_is_taken(void **state) {
    (void)state;
    device_t device;
    rogue_mem_srp_v3_t *srp = srp_over(&device);
    rogue_mem_master_t *master = master_over(srp);
    uint8_t word[4] = {0};
    assert_ok(transfer(master, 0x10, word, 4, ROGUE_MEM_READ));
    const uint8_t expected[4] = {0xA1, 0xB2, 0xC3, 0xD4};
    assert_memory_equal(word, expected, 4);
    assert_int_equal(device.request_bytes, REQUEST_BYTES);
    /* Version 3, read, the default timeout of 10; address; size - 1. */
    const uint8_t head[4] = {0x03, 0x00, 0x00, 0x0A};
    const uint8_t rest[12] = {0x10, 0, 0, 0, 0, 0, 0, 0, 0x03, 0, 0, 0};
    assert_memory_equal(device.request, head, 4);
    assert_memory_equal(device.request + 8, rest, 12);
    rogue_mem_master_release(master);
    rogue_mem_stream_slave_release(device.requester);
    rogue_mem_srp_v3_release(srp);
}

static void a_failure_in_the_device_fails_the_transaction(void **state) {
    (void)state;
    device_t device;
    rogue_mem_srp_v3_t *srp = srp_over(&device);
    rogue_mem_master_t *master = master_over(srp);
    uint8_t word[4] = {0};
    device.tail = 0x0100;
    assert_int_equal(transfer(master, 0, word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "FPGA register bus timeout detected in hardware");
    device.tail = 0x2100;
    assert_int_equal(transfer(master, 0, word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "FPGA register bus lockup detected in hardware");
    device.tail = 0;
    assert_ok(transfer(master, 0, word, 4, ROGUE_MEM_READ));
    rogue_mem_master_release(master);
    rogue_mem_stream_slave_release(device.requester);
    rogue_mem_srp_v3_release(srp);
}

static void stopping_fails_what_is_outstanding_and_what_comes(void **state) {
    (void)state;
    device_t device;
    rogue_mem_srp_v3_t *srp = srp_over(&device);
    device.answers = false;
    rogue_mem_master_t *master = master_over(srp);
    uint8_t word[4] = {0};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, word, ROGUE_MEM_READ, &id));
    events_wait(&device.requests, 1);
    rogue_mem_srp_v3_stop(srp);
    assert_int_equal(rogue_mem_master_wait(master, id), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "stopped");
    assert_int_equal(transfer(master, 0, word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(events_count(&device.requests), 1);
    rogue_mem_master_release(master);
    rogue_mem_stream_slave_release(device.requester);
    rogue_mem_srp_v3_release(srp);
}

/* Hands each frame that it receives on to the other side. */
static void pass_on(void *ctx, rogue_mem_frame_t *frame) {
    rogue_mem_stream_master_send_frame(ctx, frame);
}

/* A port that sends by master, and whose frames go out of that of the other side. */
static rogue_mem_stream_port_t *half_of_a_relay(rogue_mem_stream_master_t *master,
                                                rogue_mem_stream_master_t *other_side) {
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = other_side;
    callbacks.accept_frame = pass_on;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_stream_port_t *port = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    assert_ok(rogue_mem_stream_port_new(master, slave, &port));
    rogue_mem_stream_slave_release(slave);
    return port;
}

static void a_port_of_the_programs_own_stands_between_two_of_the_librarys(void **state) {
    (void)state;
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    rogue_mem_stream_master_t *near = NULL;
    rogue_mem_stream_master_t *far = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    assert_ok(rogue_mem_stream_master_new(&near));
    assert_ok(rogue_mem_stream_master_new(&far));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), half_of_a_relay(near, far));
    connect_ports(half_of_a_relay(far, near), rogue_mem_srp_v3_emulation_stream_port(device));
    rogue_mem_master_t *master = master_over(srp);
    uint32_t word = 0x11223344;
    assert_ok(transfer(master, 0x40, &word, 4, ROGUE_MEM_WRITE));
    word = 0;
    assert_ok(transfer(master, 0x40, &word, 4, ROGUE_MEM_READ));
    assert_int_equal(word, 0x11223344);
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_stream_master_stop(near);
    rogue_mem_stream_master_stop(far);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
    rogue_mem_stream_master_release(near);
    rogue_mem_stream_master_release(far);
}

static void a_server_gives_a_device_behind_srp_to_its_clients(void **state) {
    (void)state;
    rogue_mem_srp_v3_t *srp = NULL;
    rogue_mem_srp_v3_emulation_t *device = NULL;
    rogue_mem_tcp_server_t *server = NULL;
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_both(srp, device);
    rogue_mem_srp_v3_emulation_release(device);
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server));
    rogue_mem_master_t *serving = rogue_mem_tcp_server_master(server);
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    assert_ok(rogue_mem_master_set_slave(serving, slave));
    rogue_mem_slave_release(slave);
    rogue_mem_master_release(serving);
    rogue_mem_srp_v3_release(srp);

    assert_ok(
        rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(server), NULL, &client));
    slave = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    /* D-16: larger than one SRP access. */
    static uint8_t written[10000];
    static uint8_t read[10000];
    for (size_t index = 0; index < sizeof written; index++) {
        written[index] = (uint8_t)(index * 7);
    }
    assert_ok(transfer(master, 0x100, written, sizeof written, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, 0x100, read, sizeof read, ROGUE_MEM_READ));
    assert_memory_equal(read, written, sizeof read);
    rogue_mem_master_release(master);
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_release(server);
}

static void a_stack_beyond_the_systems_means_is_refused(void **state) {
    (void)state;
    rogue_mem_srp_v3_emulation_options_t options = {0};
    rogue_mem_srp_v3_emulation_t *device = NULL;
    options.size = sizeof options;
    options.stack_bytes = UINT64_MAX;
    assert_int_equal(rogue_mem_srp_v3_emulation_new(&options, &device),
                     ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_non_null(strstr(rogue_mem_last_error(), "stack"));
    assert_null(device);
    options.stack_bytes = 4 << 20;
    assert_ok(rogue_mem_srp_v3_emulation_new(&options, &device));
    rogue_mem_srp_v3_emulation_release(device);
}

static void requests_overlap_in_a_device_with_a_latency(void **state) {
    (void)state;
    enum { COUNT = 500 };
    static uint64_t addresses[COUNT];
    static uint32_t sizes[COUNT], ids[COUNT], data[COUNT];
    rogue_mem_srp_v3_emulation_options_t options = {0};
    rogue_mem_srp_v3_emulation_t *device;
    rogue_mem_srp_v3_t *srp;
    options.size = sizeof options;
    /* One after the other they would take twice as long as they may. */
    options.latency_us = (uint32_t)(LONG_TIMEOUT_US / (COUNT / 2));
    assert_ok(rogue_mem_srp_v3_emulation_new(&options, &device));
    assert_ok(rogue_mem_srp_v3_new(&srp));
    connect_ports(rogue_mem_srp_v3_stream_port(srp),
                  rogue_mem_srp_v3_emulation_stream_port(device));
    rogue_mem_master_t *master = master_over(srp);
    for (uint32_t i = 0; i < COUNT; i++) {
        addresses[i] = 4U * i;
        sizes[i] = 4;
        data[i] = i;
    }
    assert_ok(
        rogue_mem_master_request_many(master, ROGUE_MEM_WRITE, COUNT, addresses, sizes, data, ids));
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_ok(rogue_mem_master_wait(master, ids[i]));
    }
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_srp_v3_emulation_release(device);
}

static void a_device_takes_no_more_memory_than_it_may(void **state) {
    (void)state;
    rogue_mem_srp_v3_emulation_options_t options = {0};
    rogue_mem_srp_v3_emulation_t *device;
    rogue_mem_srp_v3_t *srp;
    options.size = sizeof options;
    options.memory_bytes_max = 64 * 1024;
    assert_ok(rogue_mem_srp_v3_emulation_new(&options, &device));
    assert_ok(rogue_mem_srp_v3_new(&srp));
    connect_ports(rogue_mem_srp_v3_stream_port(srp),
                  rogue_mem_srp_v3_emulation_stream_port(device));
    rogue_mem_master_t *master = master_over(srp);
    uint8_t bytes[4] = {1, 2, 3, 4};
    uint32_t written = 0;
    while (written < 100 && transfer(master, 0x10000ull * written, bytes, sizeof bytes,
                                     ROGUE_MEM_WRITE) == ROGUE_MEM_OK) {
        written++;
    }
    assert_in_range(written, 8, 16);
    assert_ok(transfer(master, 0, bytes, sizeof bytes, ROGUE_MEM_READ));
    rogue_mem_master_release(master);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emulated_device_keeps_what_is_written),
        cmocka_unit_test(what_srp_cannot_carry_is_refused_with_its_texts),
        cmocka_unit_test(d46_an_answer_from_within_the_request_is_taken),
        cmocka_unit_test(a_failure_in_the_device_fails_the_transaction),
        cmocka_unit_test(stopping_fails_what_is_outstanding_and_what_comes),
        cmocka_unit_test(a_port_of_the_programs_own_stands_between_two_of_the_librarys),
        cmocka_unit_test(a_server_gives_a_device_behind_srp_to_its_clients),
        cmocka_unit_test(a_stack_beyond_the_systems_means_is_refused),
        cmocka_unit_test(requests_overlap_in_a_device_with_a_latency),
        cmocka_unit_test(a_device_takes_no_more_memory_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
