/* Null and senseless arguments, for every function of the header: each is refused, says which
 * function refused it, and leaves its out-parameters untouched. A list of all exported functions
 * tells which ones this file forgets. */
#include "support.h"

#include <math.h>

#ifndef TESTS_DIRECTORY
#define TESTS_DIRECTORY "tests"
#endif
#define FUNCTIONS_COUNT_MAX 512
#define NAME_BYTES_MAX 128

static char seen[FUNCTIONS_COUNT_MAX][NAME_BYTES_MAX];
static size_t seen_count;

static bool is_seen(const char *function) {
    for (size_t index = 0; index < seen_count; index++) {
        if (strcmp(seen[index], function) == 0) {
            return true;
        }
    }
    return false;
}

/* Notes that a function has been tried, and makes the last error one that is not its. */
static void begin(const char *function) {
    if (!is_seen(function)) {
        assert_true(seen_count < FUNCTIONS_COUNT_MAX);
        snprintf(seen[seen_count++], NAME_BYTES_MAX, "%s", function);
    }
    rogue_mem_log_remove_filter("no such filter");
    assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_NOT_FOUND);
}

/* Asserts that the last error is this function's own. */
static void check_last_error(const char *function, rogue_mem_status_t expected, int line) {
    if (rogue_mem_last_error_status() != expected ||
        strcmp(rogue_mem_last_error_source(), function) != 0 || rogue_mem_last_error()[0] == 0) {
        print_error("%s: the last error is %s of %s: %s\n", function,
                    rogue_mem_status_name(rogue_mem_last_error_status()),
                    rogue_mem_last_error_source(), rogue_mem_last_error());
        _fail(__FILE__, line);
    }
}

/* REFUSES(NULL_ARGUMENT, function, (arguments)) for functions that return a status. */
#define REFUSES(status, function, arguments)                                                       \
    do {                                                                                           \
        begin(#function);                                                                          \
        assert_int_equal(function arguments, ROGUE_MEM_ERROR_##status);                            \
        check_last_error(#function, ROGUE_MEM_ERROR_##status, __LINE__);                           \
    } while (0)

/* GIVES(value, function, (arguments)) for functions that return 0, false or NULL on failure. */
#define GIVES(value, function, arguments)                                                          \
    do {                                                                                           \
        begin(#function);                                                                          \
        assert_true(function arguments == (value));                                                \
        check_last_error(#function, ROGUE_MEM_ERROR_NULL_ARGUMENT, __LINE__);                      \
    } while (0)

/* NOTES(function, (arguments)) for functions that return nothing. */
#define NOTES(function, arguments)                                                                 \
    do {                                                                                           \
        begin(#function);                                                                          \
        function arguments;                                                                        \
        check_last_error(#function, ROGUE_MEM_ERROR_NULL_ARGUMENT, __LINE__);                      \
    } while (0)

/* ALLOWS_NULL(object) for its retain and release, which do nothing and complain of nothing. */
#define ALLOWS_NULL(object)                                                                        \
    do {                                                                                           \
        begin(#object "_retain");                                                                  \
        assert_null(object##_retain(NULL));                                                        \
        begin(#object "_release");                                                                 \
        object##_release(NULL);                                                                    \
        assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_NOT_FOUND);                \
    } while (0)

/* HAS_NO_POINTERS(function) for functions that cannot fail; their behaviour is tested elsewhere. */
#define HAS_NO_POINTERS(function)                                                                  \
    do {                                                                                           \
        (void)&function;                                                                           \
        begin(#function);                                                                          \
    } while (0)

/* Places for results, and what they hold before. */
#define SENTINEL(type) ((type *)&sentinel)
static char sentinel;
static char buffer[4];
static size_t length;

static void reset_outputs(void) {
    memset(buffer, '#', sizeof buffer);
    length = 77;
}

static void assert_outputs_untouched(void) {
    assert_memory_equal(buffer, "####", sizeof buffer);
    assert_int_equal(length, 77);
}

static void status_and_version(void **state) {
    (void)state;
    HAS_NO_POINTERS(rogue_mem_status_text);
    HAS_NO_POINTERS(rogue_mem_status_name);
    HAS_NO_POINTERS(rogue_mem_last_error);
    HAS_NO_POINTERS(rogue_mem_last_error_source);
    HAS_NO_POINTERS(rogue_mem_last_error_status);
    HAS_NO_POINTERS(rogue_mem_version);
    HAS_NO_POINTERS(rogue_mem_version_number);
}

static void gates(void **state) {
    (void)state;
    ALLOWS_NULL(rogue_mem_gate);
    REFUSES(NULL_ARGUMENT, rogue_mem_gate_new, (NULL));
    GIVES(false, rogue_mem_gate_close, (NULL, 0));
}

static void copies_of_data(rogue_mem_transaction_t *transaction, uint8_t *copy) {
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_data, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_data, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_read_data, (transaction, 1, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_data, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_data, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_write_data, (transaction, 4, copy, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_data_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_data_for, (transaction, 0, NULL, 4, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_read_data_for, (transaction, 1, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_data_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_data_for, (transaction, 0, NULL, 4, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_write_data_for, (transaction, 4, copy, 1, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_locked, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_locked, (NULL, 0, copy, 4));
    rogue_mem_transaction_lock(transaction);
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_read_locked, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_read_locked, (transaction, 1, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_write_locked, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_write_locked, (transaction, 4, copy, 1));
    rogue_mem_transaction_unlock(transaction);
    assert_ok(rogue_mem_transaction_read_data(transaction, 4, NULL, 0));
    assert_ok(rogue_mem_transaction_write_data(transaction, 0, NULL, 0));
}

static void transactions(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t bytes[4] = {1, 2, 3, 4};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, bytes, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    rogue_mem_transaction_t *out = SENTINEL(rogue_mem_transaction_t);
    uint8_t copy[4] = {9, 9, 9, 9};
    bool held = true;

    ALLOWS_NULL(rogue_mem_transaction);
    GIVES(0, rogue_mem_transaction_id, (NULL));
    GIVES(0, rogue_mem_transaction_address, (NULL));
    GIVES(0, rogue_mem_transaction_size, (NULL));
    GIVES(0, rogue_mem_transaction_type, (NULL));
    GIVES(false, rogue_mem_transaction_expired, (NULL));
    GIVES(false, rogue_mem_transaction_is_done, (NULL));
    GIVES(NULL, rogue_mem_transaction_data, (NULL));
    NOTES(rogue_mem_transaction_lock, (NULL));
    NOTES(rogue_mem_transaction_unlock, (NULL));
    GIVES(false, rogue_mem_transaction_lock_for, (NULL, 0, NULL));
    NOTES(rogue_mem_transaction_unlock_held, (NULL, &held));
    NOTES(rogue_mem_transaction_unlock_held, (transaction, NULL));
    assert_true(held);
    NOTES(rogue_mem_transaction_done, (NULL));
    NOTES(rogue_mem_transaction_error, (NULL, "text"));
    NOTES(rogue_mem_transaction_error, (NULL, NULL));
    NOTES(rogue_mem_transaction_done_subs, (NULL));
    NOTES(rogue_mem_transaction_refresh_timer, (NULL, NULL));
    NOTES(rogue_mem_transaction_refresh_timer, (NULL, transaction));
    copies_of_data(transaction, copy);
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_create_sub, (NULL, 0, 4, 0, 1, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_create_sub, (transaction, 0, 4, 0, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_create_sub, (transaction, 0, 4, 0, 0, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_transaction_t));
    assert_int_equal(copy[0], 9);
    assert_int_equal(bytes[0], 1);

    assert_false(rogue_mem_transaction_is_done(transaction));
    rogue_mem_transaction_refresh_timer(transaction, NULL);
    rogue_mem_transaction_refresh_timer(transaction, transaction);
    rogue_mem_transaction_done(transaction);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_release(transaction);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void slaves(void **state) {
    (void)state;
    rogue_mem_slave_t *slave = NULL;
    rogue_mem_slave_t *out = SENTINEL(rogue_mem_slave_t);
    assert_ok(rogue_mem_slave_new(4, 8, NULL, &slave));
    reset_outputs();

    ALLOWS_NULL(rogue_mem_slave);
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_new, (4, 8, NULL, NULL));
    rogue_mem_slave_callbacks_t callbacks = {0};
    REFUSES(INVALID_ARGUMENT, rogue_mem_slave_new, (4, 8, &callbacks, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_emulate_new, (4, 8, NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_slave_t));
    GIVES(0, rogue_mem_slave_id, (NULL));
    GIVES(0, rogue_mem_slave_min, (NULL));
    GIVES(0, rogue_mem_slave_max, (NULL));
    GIVES(0, rogue_mem_slave_do_slave_id, (NULL));
    GIVES(0, rogue_mem_slave_do_min_access, (NULL));
    GIVES(0, rogue_mem_slave_do_max_access, (NULL));
    GIVES(0, rogue_mem_slave_do_address, (NULL));
    GIVES(NULL, rogue_mem_slave_take_transaction, (NULL, 1));
    NOTES(rogue_mem_slave_do_transaction, (NULL, NULL));
    NOTES(rogue_mem_slave_do_transaction, (slave, NULL));
    NOTES(rogue_mem_slave_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_add_transaction, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_add_transaction, (slave, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_set_name, (NULL, "name"));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_set_name, (slave, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_slave_set_name, (slave, "\x80"));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_name, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_name, (slave, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_do_slave_name, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_slave_do_slave_name, (slave, NULL, 4, &length));
    assert_outputs_untouched();
    rogue_mem_slave_release(slave);
}

static void masters(void **state) {
    (void)state;
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    uint32_t word = 5;
    uint32_t id = 77;
    reset_outputs();

    ALLOWS_NULL(rogue_mem_master);
    REFUSES(NULL_ARGUMENT, rogue_mem_master_new, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_set_slave, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_set_slave, (master, NULL));
    GIVES(NULL, rogue_mem_master_slave, (NULL));
    GIVES(0, rogue_mem_master_req_slave_id, (NULL));
    GIVES(0, rogue_mem_master_req_min_access, (NULL));
    GIVES(0, rogue_mem_master_req_max_access, (NULL));
    GIVES(0, rogue_mem_master_req_address, (NULL));
    GIVES(0, rogue_mem_master_timeout, (NULL));
    NOTES(rogue_mem_master_clear_error, (NULL));
    NOTES(rogue_mem_master_set_timeout, (NULL, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_req_slave_name, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_req_slave_name, (master, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_error, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_error, (master, NULL, 4, &length));
    assert_outputs_untouched();
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request, (NULL, 0, 4, &word, 1, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request, (master, 0, 4, NULL, 1, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request, (master, 0, 4, &word, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_master_request, (master, 0, 4, &word, 0, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait, (NULL, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait, (NULL, 1));
    assert_int_equal(word, 5);
    assert_int_equal(id, 77);
    rogue_mem_master_release(master);
}

static void masters_of_many(void **state) {
    (void)state;
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    const uint64_t address = 0;
    const uint32_t sizes[2] = {4, 4};
    uint32_t word = 5;
    uint32_t id = 77;
    size_t waited = 78;
    rogue_mem_observer_t observer = {0};

    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait_for, (NULL, 0, 0));
    GIVES(0, rogue_mem_master_start, (NULL, 0, 4, &word, 2));
    GIVES(0, rogue_mem_master_start, (master, 0, 4, NULL, 1));
    GIVES(0, rogue_mem_master_start, (master, 0, 4, NULL, 2));
    begin("rogue_mem_master_start");
    assert_true(rogue_mem_master_start(master, 0, 4, &word, 5) == 0);
    check_last_error("rogue_mem_master_start", ROGUE_MEM_ERROR_INVALID_ARGUMENT, __LINE__);
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (NULL, 1, 1, &address, sizes, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many, (master, 1, 1, NULL, sizes, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, NULL, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, sizes, NULL, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, sizes, &word, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_master_request_many,
            (master, 0, 1, &address, sizes, &word, &id));
    REFUSES(INVALID_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, SIZE_MAX, &address, sizes, &word, &id));
    assert_ok(rogue_mem_master_request_many(master, 1, 0, NULL, NULL, NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait_many, (NULL, 0, &id, 0, &waited));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait_many, (master, 1, NULL, 0, &waited));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_wait_many, (master, 1, &id, 0, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_observe, (NULL, 1, &observer));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_observe, (master, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_master_observe, (master, 1, &observer));
    observer.size = sizeof observer;
    REFUSES(NULL_ARGUMENT, rogue_mem_master_observe, (master, 1, &observer));
    GIVES(false, rogue_mem_master_give_up_for, (NULL, 0, NULL, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_outstanding, (NULL, &id, 1, &waited));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_outstanding, (master, NULL, 1, &waited));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_outstanding, (master, &id, 1, NULL));
    assert_int_equal(word, 5);
    assert_int_equal(id, 77);
    assert_int_equal(waited, 78);
    rogue_mem_master_release(master);
}

static void hubs(void **state) {
    (void)state;
    rogue_mem_hub_t *hub = NULL;
    assert_ok(rogue_mem_hub_new(0, 0, 0, &hub));
    ALLOWS_NULL(rogue_mem_hub);
    REFUSES(NULL_ARGUMENT, rogue_mem_hub_new, (0, 0, 0, NULL));
    GIVES(NULL, rogue_mem_hub_master, (NULL));
    GIVES(NULL, rogue_mem_hub_slave, (NULL));
    GIVES(0, rogue_mem_hub_offset, (NULL));
    GIVES(0, rogue_mem_hub_address, (NULL));
    NOTES(rogue_mem_hub_forward, (NULL, NULL));
    NOTES(rogue_mem_hub_forward, (hub, NULL));
    rogue_mem_hub_release(hub);
}

static void ranges_of_bits(void **state) {
    (void)state;
    uint8_t byte = 0x5A;
    bool any = true;
    REFUSES(NULL_ARGUMENT, rogue_mem_copy_bits, (NULL, 1, 0, &byte, 1, 0, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_copy_bits, (&byte, 1, 0, NULL, 1, 0, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_copy_bits, (&byte, (size_t)-1, 0, NULL, 0, 0, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_set_bits, (NULL, 1, 0, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_set_bits, (&byte, (size_t)-1, 0, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_any_bits, (NULL, 1, 0, 1, &any));
    REFUSES(NULL_ARGUMENT, rogue_mem_any_bits, (&byte, 1, 0, 1, NULL));
    assert_int_equal(byte, 0x5A);
    assert_true(any);
}

static void bridges(void **state) {
    (void)state;
    rogue_mem_tcp_server_t *server = NULL;
    rogue_mem_tcp_client_t *client = NULL;
    rogue_mem_tcp_server_t *server_out = SENTINEL(rogue_mem_tcp_server_t);
    rogue_mem_tcp_client_t *client_out = SENTINEL(rogue_mem_tcp_client_t);
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server));
    uint16_t port = rogue_mem_tcp_server_port(server);
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", port, NULL, &client));
    rogue_mem_tcp_server_options_t serving = {0};
    rogue_mem_tcp_client_options_t asking = {0};
    rogue_mem_tcp_server_stats_t served = {0};
    rogue_mem_tcp_client_stats_t asked = {0};
    served.clients = asked.queued = 77;
    const double nan = (double)NAN;
    reset_outputs();

    ALLOWS_NULL(rogue_mem_tcp_server);
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_new, (NULL, 0, NULL, &server_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_new, ("127.0.0.1", 0, NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_tcp_server_new, ("\xFF", 0, NULL, &server_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_server_new, ("127.0.0.1", 0, &serving, &server_out));
    GIVES(NULL, rogue_mem_tcp_server_master, (NULL));
    GIVES(0, rogue_mem_tcp_server_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_start, (NULL));
    NOTES(rogue_mem_tcp_server_stop, (NULL));
    served.size = sizeof served;
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_stats, (NULL, &served));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_stats, (server, NULL));
    served.size = 0;
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_server_stats, (server, &served));

    ALLOWS_NULL(rogue_mem_tcp_client);
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_new, (NULL, port, NULL, &client_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_new, ("127.0.0.1", port, NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_tcp_client_new, ("\xFF", port, NULL, &client_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_client_new, ("::1", port, &asking, &client_out));
    const uint16_t ports[] = {0, 65535};
    for (size_t index = 0; index < COUNT_OF(ports); index++) {
        assert_int_equal(rogue_mem_tcp_client_new("127.0.0.1", ports[index], NULL, &client_out),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    }
    GIVES(NULL, rogue_mem_tcp_client_slave, (NULL));
    GIVES(ROGUE_MEM_CLIENT_CONNECTING, rogue_mem_tcp_client_state, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_wait_ready, (NULL, 1, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_client_wait_ready, (client, nan, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_client_wait_ready, (client, 1, nan));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_start, (NULL));
    NOTES(rogue_mem_tcp_client_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_state_text, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_state_text, (client, NULL, 4, &length));
    asked.size = sizeof asked;
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_stats, (NULL, &asked));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_stats, (client, NULL));
    asked.size = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_client_stats, (client, &asked));

    assert_ptr_equal(server_out, SENTINEL(rogue_mem_tcp_server_t));
    assert_ptr_equal(client_out, SENTINEL(rogue_mem_tcp_client_t));
    assert_int_equal(served.clients, 77);
    assert_int_equal(asked.queued, 77);
    assert_outputs_untouched();
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_release(server);
}

static void frames(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(4, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, 4));
    uint8_t copy[4] = {9, 9, 9, 9};
    bool held = true;

    ALLOWS_NULL(rogue_mem_frame);
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_new, (4, NULL));
    NOTES(rogue_mem_frame_lock, (NULL));
    GIVES(false, rogue_mem_frame_lock_for, (NULL, 0, NULL));
    NOTES(rogue_mem_frame_unlock_held, (NULL, &held));
    NOTES(rogue_mem_frame_unlock_held, (frame, NULL));
    assert_true(held);
    NOTES(rogue_mem_frame_unlock, (NULL));
    GIVES(0, rogue_mem_frame_size, (NULL));
    GIVES(0, rogue_mem_frame_available, (NULL));
    GIVES(0, rogue_mem_frame_payload, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_set_payload, (NULL, 1));
    GIVES(NULL, rogue_mem_frame_data, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_read_data, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_read_data, (frame, 0, NULL, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_write_data, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_write_data, (frame, 0, NULL, 4));
    GIVES(0, rogue_mem_frame_flags, (NULL));
    GIVES(0, rogue_mem_frame_first_user, (NULL));
    GIVES(0, rogue_mem_frame_last_user, (NULL));
    GIVES(0, rogue_mem_frame_channel, (NULL));
    GIVES(0, rogue_mem_frame_error, (NULL));
    NOTES(rogue_mem_frame_set_flags, (NULL, 1));
    NOTES(rogue_mem_frame_set_first_user, (NULL, 1));
    NOTES(rogue_mem_frame_set_last_user, (NULL, 1));
    NOTES(rogue_mem_frame_set_channel, (NULL, 1));
    NOTES(rogue_mem_frame_set_error, (NULL, 1));
    assert_int_equal(copy[0], 9);
    rogue_mem_frame_release(frame);
}

static void streams(void **state) {
    (void)state;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_stream_slave_t *slave_out = SENTINEL(rogue_mem_stream_slave_t);
    rogue_mem_frame_t *frame_out = SENTINEL(rogue_mem_frame_t);
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    assert_ok(rogue_mem_stream_master_new(&master));
    rogue_mem_stream_slave_callbacks_t callbacks = {0};

    ALLOWS_NULL(rogue_mem_stream_slave);
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_new, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_stream_slave_new, (&callbacks, &slave_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_accept_frame, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_accept_frame, (slave, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_frame, (NULL, 4, true, &frame_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_frame, (slave, 4, true, NULL));
    GIVES(0, rogue_mem_stream_slave_frame_count, (NULL));
    GIVES(0, rogue_mem_stream_slave_byte_count, (NULL));
    GIVES(0, rogue_mem_stream_slave_alloc_count, (NULL));
    GIVES(0, rogue_mem_stream_slave_alloc_bytes, (NULL));
    GIVES(0, rogue_mem_stream_slave_fixed_size, (NULL));
    GIVES(0, rogue_mem_stream_slave_pool_size, (NULL));
    NOTES(rogue_mem_stream_slave_set_fixed_size, (NULL, 1));
    NOTES(rogue_mem_stream_slave_set_pool_size, (NULL, 1));
    ALLOWS_NULL(rogue_mem_stream_master);
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_new, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_add_slave, (NULL, slave));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_add_slave, (master, NULL));
    GIVES(0, rogue_mem_stream_master_slave_count, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_req_frame, (NULL, 4, true, &frame_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_req_frame, (master, 4, true, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_send_frame, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_send_frame, (master, NULL));
    NOTES(rogue_mem_stream_master_stop, (NULL));
    assert_ptr_equal(slave_out, SENTINEL(rogue_mem_stream_slave_t));
    assert_ptr_equal(frame_out, SENTINEL(rogue_mem_frame_t));
    assert_int_equal(rogue_mem_stream_slave_frame_count(slave), 0);
    assert_int_equal(rogue_mem_stream_master_slave_count(master), 0);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
}

static void srp(void **state) {
    (void)state;
    ALLOWS_NULL(rogue_mem_srp_v3);
    REFUSES(NULL_ARGUMENT, rogue_mem_srp_v3_new, (NULL));
    GIVES(NULL, rogue_mem_srp_v3_slave, (NULL));
    GIVES(NULL, rogue_mem_srp_v3_stream_master, (NULL));
    GIVES(NULL, rogue_mem_srp_v3_stream_slave, (NULL));
    NOTES(rogue_mem_srp_v3_set_hardware_timeout, (NULL, 1));
    NOTES(rogue_mem_srp_v3_stop, (NULL));
    ALLOWS_NULL(rogue_mem_srp_v3_emulation);
    REFUSES(NULL_ARGUMENT, rogue_mem_srp_v3_emulation_new, (NULL));
    GIVES(NULL, rogue_mem_srp_v3_emulation_stream_master, (NULL));
    GIVES(NULL, rogue_mem_srp_v3_emulation_stream_slave, (NULL));
    NOTES(rogue_mem_srp_v3_emulation_stop, (NULL));
}

static void logs(void **state) {
    (void)state;
    rogue_mem_logger_t *logger = NULL;
    rogue_mem_logger_t *out = SENTINEL(rogue_mem_logger_t);
    assert_ok(rogue_mem_logger_new("arguments", &logger));
    reset_outputs();

    HAS_NO_POINTERS(rogue_mem_log_set_level);
    HAS_NO_POINTERS(rogue_mem_log_set_emit_stdout);
    HAS_NO_POINTERS(rogue_mem_log_emit_stdout);
    REFUSES(NULL_ARGUMENT, rogue_mem_log_set_filter, (NULL, 10));
    REFUSES(INVALID_TEXT, rogue_mem_log_set_filter, ("\xFF", 10));
    REFUSES(NULL_ARGUMENT, rogue_mem_log_remove_filter, (NULL));
    REFUSES(INVALID_TEXT, rogue_mem_log_remove_filter, ("\xFF"));
    rogue_mem_log_sink_t sink = {0};
    REFUSES(INVALID_ARGUMENT, rogue_mem_log_set_sink, (&sink));
    sink.size = sizeof sink;
    REFUSES(NULL_ARGUMENT, rogue_mem_log_set_sink, (&sink));
    REFUSES(NULL_ARGUMENT, rogue_mem_log_normalize_name, (NULL, buffer, 4, &length));
    REFUSES(INVALID_TEXT, rogue_mem_log_normalize_name, ("\xFF", buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_log_normalize_name, ("name", NULL, 4, &length));
    ALLOWS_NULL(rogue_mem_logger);
    REFUSES(NULL_ARGUMENT, rogue_mem_logger_new, (NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_logger_new, ("\xFF", &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_logger_new, ("name", NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_logger_t));
    REFUSES(NULL_ARGUMENT, rogue_mem_logger_name, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_logger_name, (logger, NULL, 4, &length));
    assert_outputs_untouched();
    GIVES(false, rogue_mem_logger_enabled, (NULL, 50));
    NOTES(rogue_mem_logger_log, (NULL, 50, "text"));
    NOTES(rogue_mem_logger_log, (logger, 50, NULL));
    NOTES(rogue_mem_logger_log_thread_id, (NULL));
    rogue_mem_logger_release(logger);
}

/* Runs last. */
static void no_function_has_been_forgotten(void **state) {
    (void)state;
    FILE *list = fopen(TESTS_DIRECTORY "/exported_symbols.txt", "r");
    assert_non_null(list);
    char name[NAME_BYTES_MAX];
    size_t count = 0;
    size_t forgotten = 0;
    while (fscanf(list, "%127s", name) == 1) {
        count++;
        if (!is_seen(name)) {
            print_error("%s is not tried with null arguments\n", name);
            forgotten++;
        }
    }
    fclose(list);
    assert_int_equal(forgotten, 0);
    assert_int_equal(count, seen_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_version),
        cmocka_unit_test(gates),
        cmocka_unit_test(transactions),
        cmocka_unit_test(slaves),
        cmocka_unit_test(masters),
        cmocka_unit_test(masters_of_many),
        cmocka_unit_test(hubs),
        cmocka_unit_test(ranges_of_bits),
        cmocka_unit_test(bridges),
        cmocka_unit_test(frames),
        cmocka_unit_test(streams),
        cmocka_unit_test(srp),
        cmocka_unit_test(logs),
        cmocka_unit_test(no_function_has_been_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
