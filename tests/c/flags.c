/* Flags of C callers: every value of an octet is valid. A program that fills a structure through a
 * pointer of another type, or leaves a variable uninitialised, passes such values. */
#include "support.h"

#include "rogue_mem_binding.h"

/* Values whose lowest octet is not a bool, or is false although the whole is not 0. */
static const uint32_t ODD[] = {2, 0x80, 0xFF, 0x100, 0x5A5A5A5A, UINT32_MAX};

static void keep_what_is_given(void *ctx, rogue_mem_transaction_t *transaction) {
    *(rogue_mem_transaction_t **)ctx = transaction;
}

static void f27_a_flag_of_a_set_of_callbacks_may_have_any_octets(void **state) {
    (void)state;
    for (size_t index = 0; index < COUNT_OF(ODD); index++) {
        rogue_mem_transaction_t *given = NULL;
        const rogue_mem_slave_callbacks_t callbacks = {.size = sizeof callbacks,
                                                       .ctx = &given,
                                                       .do_transaction = keep_what_is_given,
                                                       .gives_reference = ODD[index]};
        rogue_mem_slave_t *slave = NULL;
        assert_ok(rogue_mem_slave_new(4, 0, &callbacks, &slave));
        rogue_mem_master_t *master = master_of(slave);
        rogue_mem_slave_release(slave);
        uint32_t word = 0;
        uint32_t id = 0;
        assert_ok(rogue_mem_master_request(master, 0x10, 4, &word, ROGUE_MEM_READ, &id));
        rogue_mem_master_release(master);
        /* Ours, and the last reference: valgrind reports a leak otherwise. */
        assert_int_equal(rogue_mem_transaction_id(given), id);
        rogue_mem_transaction_release(given);
    }
}

static void f27_a_flag_of_options_may_have_any_octets(void **state) {
    (void)state;
    for (size_t index = 0; index < COUNT_OF(ODD); index++) {
        const rogue_mem_tcp_server_options_t server_options = {.size = sizeof server_options,
                                                               .no_duplex = ODD[index],
                                                               .legacy_shared_process = ODD[index]};
        rogue_mem_tcp_server_t *server = NULL;
        assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, &server_options, &server));
        const rogue_mem_tcp_client_options_t options = {.size = sizeof options,
                                                        .wait_ready = ODD[index],
                                                        .probe_legacy = ODD[index],
                                                        .no_direct = ODD[index],
                                                        .no_duplex = ODD[index],
                                                        .shared_loop = ODD[index]};
        rogue_mem_tcp_client_t *client = NULL;
        assert_ok(rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(server), &options,
                                           &client));
        assert_ok(rogue_mem_tcp_client_start(client));
        assert_int_equal(rogue_mem_tcp_client_state(client), ROGUE_MEM_CLIENT_CONNECTED);
        rogue_mem_tcp_client_stop(client);
        /* A stopped wait has no error. */
        assert_int_equal(rogue_mem_tcp_client_start(client), ROGUE_MEM_ERROR_STOPPED);
        rogue_mem_tcp_client_release(client);
        rogue_mem_tcp_server_release(server);
    }
}

static void f27_a_flag_behind_a_pointer_may_have_any_octets(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(4, &frame));
    for (size_t index = 0; index < COUNT_OF(ODD); index++) {
        uint32_t held = ODD[index];
        assert_true(rogue_mem_frame_lock_for(frame, 0, &held));
        assert_int_equal(held, 1);
        rogue_mem_frame_lock(frame);
        held = ODD[index];
        rogue_mem_frame_unlock_held(frame, &held);
        assert_int_equal(held, 0);
        uint32_t any = ODD[index];
        assert_ok(rogue_mem_any_bits(NULL, 0, 0, 0, &any));
        assert_int_equal(any, 0);
    }
    rogue_mem_frame_release(frame);
}

static void f27_a_flag_that_is_passed_may_have_any_octets(void **state) {
    (void)state;
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    for (size_t index = 0; index < COUNT_OF(ODD); index++) {
        rogue_mem_log_set_emit_stdout(ODD[index]);
        assert_true(rogue_mem_log_emit_stdout());
        rogue_mem_log_set_emit_stdout(0);
        assert_false(rogue_mem_log_emit_stdout());
        rogue_mem_frame_t *frame = NULL;
        assert_ok(rogue_mem_stream_master_req_frame(master, 4, ODD[index], &frame));
        rogue_mem_frame_release(frame);
    }
    rogue_mem_stream_master_release(master);
}

static void f27_what_is_reserved_must_be_zero(void **state) {
    (void)state;
    const rogue_mem_slave_callbacks_t callbacks = {.size = sizeof callbacks, .reserved = 0x100};
    rogue_mem_slave_t *slave = NULL;
    assert_int_equal(rogue_mem_slave_new(4, 0, &callbacks, &slave),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "`callbacks` uses members");
    assert_null(slave);
    const rogue_mem_stream_client_options_t options = {.size = sizeof options, .reserved = 1};
    rogue_mem_stream_client_t *client = NULL;
    assert_int_equal(rogue_mem_stream_client_new("127.0.0.1", 9000, &options, &client),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "uses members");
    assert_null(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f27_a_flag_of_a_set_of_callbacks_may_have_any_octets),
        cmocka_unit_test(f27_a_flag_of_options_may_have_any_octets),
        cmocka_unit_test(f27_a_flag_behind_a_pointer_may_have_any_octets),
        cmocka_unit_test(f27_a_flag_that_is_passed_may_have_any_octets),
        cmocka_unit_test(f27_what_is_reserved_must_be_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
