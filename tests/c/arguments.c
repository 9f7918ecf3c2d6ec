/* Null and invalid arguments, for every function of the header: each is refused, with an error that
 * names the function, and leaves its out-parameters untouched. A list of all exported functions
 * shows which ones this file lacks. */
#include "support.h"

#include "rogue_mem_binding.h"

#include <float.h>
#include <math.h>

#ifndef TESTS_DIRECTORY
#define TESTS_DIRECTORY "tests"
#endif
#define FUNCTIONS_COUNT_MAX 1024
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

/* Records that a function has been tried, and sets a last error that is not its own. */
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

/* ALLOWS_NULL(object) for its retain and release, which ignore NULL without an error. */
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

/* Places for results, and their content before the call. */
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
    HAS_NO_POINTERS(rogue_mem_budget_set_max);
    HAS_NO_POINTERS(rogue_mem_budget_max);
    HAS_NO_POINTERS(rogue_mem_budget_used);
    HAS_NO_POINTERS(rogue_mem_interface_version);
}

static void gates(void **state) {
    (void)state;
    ALLOWS_NULL(rogue_mem_gate);
    REFUSES(NULL_ARGUMENT, rogue_mem_gate_new, (NULL));
    GIVES(false, rogue_mem_gate_close, (NULL, 0));
}

static void copies_of_data(rogue_mem_transaction_t *transaction, uint8_t *copy) {
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_from_requester, (transaction, 1, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester, (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_to_requester, (transaction, 4, copy, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester_for,
            (transaction, 0, NULL, 4, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_from_requester_for,
            (transaction, 1, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester_for,
            (transaction, 0, NULL, 4, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_to_requester_for,
            (transaction, 4, copy, 1, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester_locked, (NULL, 0, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester_locked, (NULL, 0, copy, 4));
    rogue_mem_transaction_lock(transaction);
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_from_requester_locked,
            (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_from_requester_locked,
            (transaction, 1, copy, 4));
    REFUSES(NULL_ARGUMENT, rogue_mem_transaction_copy_to_requester_locked,
            (transaction, 0, NULL, 4));
    REFUSES(INVALID_ARGUMENT, rogue_mem_transaction_copy_to_requester_locked,
            (transaction, 4, copy, 1));
    rogue_mem_transaction_unlock(transaction);
    assert_ok(rogue_mem_transaction_copy_from_requester(transaction, 4, NULL, 0));
    assert_ok(rogue_mem_transaction_copy_to_requester(transaction, 0, NULL, 0));
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
    uint32_t held = 1;

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
    REFUSES(NULL_ARGUMENT, rogue_mem_emulate_new_limited, (4, 8, 0, NULL));
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
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (NULL, 1, 1, &address, sizes, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_start_many, (NULL, 1, 1, &address, sizes, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_start_many, (master, 2, 1, &address, sizes, NULL, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many, (master, 1, 1, NULL, sizes, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, NULL, &word, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, sizes, NULL, &id));
    REFUSES(NULL_ARGUMENT, rogue_mem_master_request_many,
            (master, 1, 1, &address, sizes, &word, NULL));
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
    GIVES(false, rogue_mem_master_cancel, (NULL, 0, NULL, 0));
    GIVES(0, rogue_mem_master_forgotten_count, (NULL));
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

/* A variable of 8 bits, of the first byte of its block. */
static rogue_mem_variable_t *variable_of(uint32_t model) {
    rogue_mem_variable_spec_t spec = {0};
    rogue_mem_variable_t *variable = NULL;
    spec.size = sizeof spec;
    spec.name = "level";
    spec.model = model;
    spec.bit_size = 8;
    assert_ok(rogue_mem_variable_new(&spec, &variable));
    return variable;
}

static void variables(void **state) {
    (void)state;
    rogue_mem_variable_t *variable = variable_of(ROGUE_MEM_MODEL_UINT);
    rogue_mem_variable_t *out = SENTINEL(rogue_mem_variable_t);
    rogue_mem_variable_spec_t spec = {0};
    uint64_t parts[1] = {7};
    size_t count = 7, length = 7;
    char text[4] = "abc";
    spec.size = sizeof spec;
    spec.model = ROGUE_MEM_MODEL_UINT;
    spec.bit_size = 8;

    ALLOWS_NULL(rogue_mem_variable);
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_new, (NULL, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_new, (&spec, &out)); /* no name */
    spec.name = "level";
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_new, (&spec, NULL));
    spec.part_count = 1;
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_new, (&spec, &out)); /* no bit_offsets */
    spec.part_count = 0;
    spec.name = "\xFF";
    REFUSES(INVALID_TEXT, rogue_mem_variable_new, (&spec, &out));
    spec.name = "level";
    spec.mode = "\xFF";
    REFUSES(INVALID_TEXT, rogue_mem_variable_new, (&spec, &out));
    spec.size = 0;
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_new, (&spec, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_variable_t));

    GIVES(NULL, rogue_mem_variable_block, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_parts, (NULL, parts, parts, 1, &count));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_parts, (variable, parts, parts, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_parts, (variable, parts, NULL, SIZE_MAX, &count));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_parts, (variable, NULL, parts, SIZE_MAX, &count));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_name, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_name, (variable, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_path, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_path, (variable, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_mode, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_mode, (variable, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_dump, (NULL, 0, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_dump, (variable, 0, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_update_path, (NULL, "path"));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_update_path, (variable, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_variable_update_path, (variable, "\xFF"));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_shift_offset_down, (NULL, 0, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_log_level, (NULL, ROGUE_MEM_LOG_DEBUG));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_expect_model, (NULL, ROGUE_MEM_MODEL_UINT, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_read, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_write, (NULL));
    GIVES(0, rogue_mem_variable_model, (NULL));
    GIVES(0, rogue_mem_variable_minimum, (NULL));
    GIVES(0, rogue_mem_variable_maximum, (NULL));
    GIVES(0, rogue_mem_variable_bin_point, (NULL));
    GIVES(0, rogue_mem_variable_bit_total, (NULL));
    GIVES(0, rogue_mem_variable_byte_size, (NULL));
    GIVES(0, rogue_mem_variable_value_bits, (NULL));
    GIVES(0, rogue_mem_variable_value_bytes, (NULL));
    GIVES(0, rogue_mem_variable_value_stride, (NULL));
    GIVES(0, rogue_mem_variable_num_values, (NULL));
    GIVES(0, rogue_mem_variable_var_bytes, (NULL));
    GIVES(0, rogue_mem_variable_offset, (NULL));
    GIVES(0, rogue_mem_variable_retry_count, (NULL));
    GIVES(false, rogue_mem_variable_may_overlap, (NULL));
    GIVES(false, rogue_mem_variable_is_verified, (NULL));
    GIVES(false, rogue_mem_variable_is_bulk, (NULL));
    GIVES(false, rogue_mem_variable_is_notified, (NULL));
    GIVES(false, rogue_mem_variable_is_big_endian, (NULL));
    GIVES(false, rogue_mem_variable_reverses_bits, (NULL));
    assert_true(parts[0] == 7 && count == 7 && length == 7);
    assert_string_equal(text, "abc");
    rogue_mem_variable_release(variable);
}

static void values_of_variables(void **state) {
    (void)state;
    rogue_mem_variable_t *variable = variable_of(ROGUE_MEM_MODEL_UINT);
    uint64_t number = 7;
    int64_t signed_number = 7;
    uint32_t flag = 7;
    float single = 7;
    double wide = 7;

    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_uint, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_uint, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_uint, (NULL, -1, &number));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_uint, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_uint, (NULL, -1, &number));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_uint, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_int, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_int, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_int, (NULL, -1, &signed_number));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_int, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_int, (NULL, -1, &signed_number));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_int, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_bool, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_bool, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_bool, (NULL, -1, &flag));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_bool, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_bool, (NULL, -1, &flag));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_bool, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_float, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_float, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_float, (NULL, -1, &single));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_float, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_float, (NULL, -1, &single));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_float, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_double, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_double, (NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_double, (NULL, -1, &wide));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_double, (variable, -1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_double, (NULL, -1, &wide));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_double, (variable, -1, NULL));
    assert_true(number == 7 && signed_number == 7 && flag == 7 && single == 7 && wide == 7);
    rogue_mem_variable_release(variable);
}

static void lists_bytes_and_text(void **state) {
    (void)state;
    rogue_mem_variable_t *variable = variable_of(ROGUE_MEM_MODEL_UINT);
    rogue_mem_variable_t *bytes_variable = variable_of(ROGUE_MEM_MODEL_BYTES);
    uint8_t bytes[2] = {7, 7};
    char text[4] = "abc";
    size_t length = 7;
    const uint32_t uint8 = ROGUE_MEM_ELEMENT_UINT8;

    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_values, (NULL, uint8, bytes, 1, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_values, (variable, uint8, NULL, 1, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_set_values, (variable, 0, bytes, 1, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_set_values, (variable, uint8, bytes, SIZE_MAX, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_values, (NULL, uint8, bytes, 1, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_values, (variable, uint8, NULL, 1, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_stage_values, (variable, 12, bytes, 1, 0));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_stage_values,
            (variable, ROGUE_MEM_ELEMENT_UINT64, bytes, SIZE_MAX / 2, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_values, (NULL, uint8, 0, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_values, (variable, uint8, 0, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_get_values, (variable, 0, 0, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_values, (NULL, uint8, 0, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_values, (variable, uint8, 0, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_staged_values, (variable, 12, 0, bytes, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_staged_values,
            (variable, uint8, 0, bytes, SIZE_MAX));

    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_bytes, (NULL, bytes, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_bytes, (bytes_variable, NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_bytes, (NULL, bytes, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_bytes, (bytes_variable, NULL, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_raw, (NULL, bytes, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_raw, (bytes_variable, NULL, 1, -1));
    const size_t sizes[] = {1, SIZE_MAX};
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_raw_values, (NULL, bytes, sizes, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_raw_values,
            (bytes_variable, NULL, sizes, 1, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_raw_values,
            (bytes_variable, bytes, NULL, 1, -1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_stage_raw_values,
            (bytes_variable, bytes, sizes, 2, -1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_stage_raw_values,
            (bytes_variable, bytes, sizes, SIZE_MAX, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_bytes, (NULL, -1, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_bytes, (bytes_variable, -1, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_get_bytes, (bytes_variable, -1, bytes, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_bytes, (NULL, -1, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_bytes, (bytes_variable, -1, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_staged_bytes, (bytes_variable, -1, bytes, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_raw, (NULL, -1, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_raw, (bytes_variable, -1, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_variable_staged_raw, (bytes_variable, -1, bytes, 0));

    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_string, (NULL, "a", -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_set_string, (variable, NULL, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_string, (NULL, "a", -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_stage_string, (variable, NULL, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_string, (NULL, -1, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_get_string, (variable, -1, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_string, (NULL, -1, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_staged_string, (variable, -1, NULL, 4, &length));

    GIVES(UINT64_C(1) << 63, rogue_mem_variable_peek_uint, (NULL, -1));
    GIVES(INT64_MIN, rogue_mem_variable_peek_int, (NULL, -1));
    GIVES(2, rogue_mem_variable_peek_bool, (NULL, -1));
    GIVES(-DBL_MAX, rogue_mem_variable_peek_float, (NULL, -1));
    GIVES(-DBL_MAX, rogue_mem_variable_peek_double, (NULL, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_variable_check_count, (NULL, 1, 0, 1));
    assert_true(bytes[0] == 7 && length == 7);
    assert_string_equal(text, "abc");
    rogue_mem_variable_release(bytes_variable);
    rogue_mem_variable_release(variable);
}

static void ignore_update(void *ctx, rogue_mem_variable_t *variable) {
    (void)ctx;
    (void)variable;
}

static void blocks(void **state) {
    (void)state;
    rogue_mem_block_t *block = NULL, *out = SENTINEL(rogue_mem_block_t);
    rogue_mem_variable_t *variable = variable_of(ROGUE_MEM_MODEL_UINT);
    rogue_mem_variable_t *list[1] = {SENTINEL(rogue_mem_variable_t)}, *none[1] = {NULL};
    rogue_mem_block_observer_t observer = {0};
    uint32_t skipped = 7, updated = 7;
    uint8_t bytes[1] = {7};
    size_t count = 7, length = 7;
    char text[4] = "abc";
    assert_ok(rogue_mem_block_new(0, 4, &block));

    ALLOWS_NULL(rogue_mem_block);
    REFUSES(NULL_ARGUMENT, rogue_mem_block_new, (0, 4, NULL));
    assert_int_equal(rogue_mem_block_new(0, 0, &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    GIVES(NULL, rogue_mem_block_master, (NULL));
    GIVES(0, rogue_mem_block_offset, (NULL));
    GIVES(0, rogue_mem_block_size, (NULL));
    GIVES(0, rogue_mem_block_address, (NULL));
    GIVES(false, rogue_mem_block_is_bulk, (NULL));
    GIVES(false, rogue_mem_block_is_enabled, (NULL));
    GIVES(NULL, rogue_mem_block_staged_start, (NULL));
    GIVES(ROGUE_MEM_ERROR_NULL_ARGUMENT, rogue_mem_block_check_packed, (NULL));
    GIVES(ROGUE_MEM_ERROR_NULL_ARGUMENT, rogue_mem_block_start_packed,
          (NULL, ROGUE_MEM_READ, 0, 0, NULL, -1));
    GIVES(ROGUE_MEM_ERROR_NULL_ARGUMENT, rogue_mem_block_try_check_packed, (NULL));
    GIVES(ROGUE_MEM_ERROR_NULL_ARGUMENT, rogue_mem_block_try_start_packed,
          (NULL, NULL, ROGUE_MEM_READ));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_path, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_path, (block, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_mode, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_mode, (block, NULL, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_set_enable, (NULL, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_set_log_level, (NULL, ROGUE_MEM_LOG_DEBUG));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_read, (NULL, variable, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_read, (block, NULL, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_write, (NULL, variable, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_write, (block, NULL, -1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_add_variables, (NULL, list, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_add_variables, (block, NULL, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_add_variables, (block, none, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_add_variables, (block, list, SIZE_MAX));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_variables, (NULL, list, 1, &count));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_variables, (block, NULL, 1, &count));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_variables, (block, list, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_variables, (block, list, SIZE_MAX, &count));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_start,
            (NULL, ROGUE_MEM_READ, 0, 0, NULL, -1, &skipped, &updated));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_check, (NULL, &updated));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_staged_data, (NULL, 0, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_staged_data, (block, 0, NULL, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_staged_data, (block, 4, bytes, 1));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_staged_data, (block, UINT32_MAX, bytes, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_observe, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_observe, (block, &observer));
    observer.size = sizeof observer;
    REFUSES(NULL_ARGUMENT, rogue_mem_block_observe, (block, &observer));
    observer.updated = ignore_update;
    assert_ok(rogue_mem_block_observe(block, &observer));
    assert_ptr_equal(out, SENTINEL(rogue_mem_block_t));
    assert_ptr_equal(list[0], SENTINEL(rogue_mem_variable_t));
    assert_true(skipped == 7 && updated == 7 && bytes[0] == 7 && count == 7 && length == 7);
    assert_string_equal(text, "abc");
    rogue_mem_variable_release(variable);
    rogue_mem_block_release(block);
}

static uint32_t never_interrupt(void *ctx) {
    (void)ctx;
    return 0;
}

static void watches(void **state) {
    (void)state;
    rogue_mem_watch_t watch = {0};
    REFUSES(INVALID_ARGUMENT, rogue_mem_thread_watch, (&watch));
    watch.size = sizeof watch;
    REFUSES(NULL_ARGUMENT, rogue_mem_thread_watch, (&watch));
    watch.is_interrupted = never_interrupt;
    assert_ok(rogue_mem_thread_watch(&watch));
    assert_ok(rogue_mem_thread_watch(NULL));
}

static void many_blocks(void **state) {
    (void)state;
    rogue_mem_block_t *block = NULL, *none[1] = {NULL};
    uint32_t updated = 7;
    rogue_mem_bulk_report_t report = {0};
    assert_ok(rogue_mem_block_new(0, 4, &block));
    report.updated = &updated;

    REFUSES(NULL_ARGUMENT, rogue_mem_block_read_all, (NULL, 1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_read_all, (none, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_read_all, (none, SIZE_MAX, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_read_all, (&block, 1, &report));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_write_all, (NULL, 1, 0, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_write_all, (none, 1, 0, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_write_all, (&block, 1, 0, &report));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_start_all, (NULL, 1, ROGUE_MEM_READ, 0, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_start_all, (none, 1, ROGUE_MEM_READ, 0, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_start_all, (&block, 1, ROGUE_MEM_READ, 0, &report));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_check_all, (NULL, 1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_block_check_all, (none, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_block_check_all, (&block, 1, &report));
    report.size = sizeof report;
    assert_int_equal(rogue_mem_block_start_all(&block, 1, 5, 0, &report),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(updated, 7);
    assert_ok(rogue_mem_block_read_all(NULL, 0, NULL));
    rogue_mem_block_release(block);
}

static void ranges_of_bits(void **state) {
    (void)state;
    uint8_t byte = 0x5A;
    uint32_t any = 1;
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

static void connections(void **state) {
    (void)state;
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", 9, NULL, &client));
    rogue_mem_connection_observer_t observer = {0};
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_observe, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_client_observe, (client, &observer));
    observer.size = sizeof observer;
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_client_observe, (client, &observer));
    rogue_mem_tcp_client_release(client);
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
    uint64_t remaining = 77;
    reset_outputs();

    ALLOWS_NULL(rogue_mem_tcp_server);
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_new, (NULL, 0, NULL, &server_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_new, ("127.0.0.1", 0, NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_tcp_server_new, ("\xFF", 0, NULL, &server_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_server_new, ("127.0.0.1", 0, &serving, &server_out));
    GIVES(NULL, rogue_mem_tcp_server_master, (NULL));
    GIVES(0, rogue_mem_tcp_server_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_addresses, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_addresses, (server, NULL, 4, &length));
    serving.size = sizeof serving;
    serving.addresses = "\xFF";
    REFUSES(INVALID_TEXT, rogue_mem_tcp_server_new, ("127.0.0.1", 0, &serving, &server_out));
    const int32_t descriptors[] = {-1, 0x7FFFFFFF};
    serving.addresses = NULL;
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_adopt, (NULL, 2, NULL, &server_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_adopt, (descriptors, 2, NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_server_adopt, (descriptors, 2, NULL, &server_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_tcp_server_adopt,
            (descriptors, SIZE_MAX, NULL, &server_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_start, (NULL));
    NOTES(rogue_mem_tcp_server_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_drain, (NULL, 1, &remaining));
    REFUSES(NULL_ARGUMENT, rogue_mem_tcp_server_drain, (server, 1, NULL));
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
    assert_int_equal(remaining, 77);
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
    uint32_t held = 1;

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
    uint32_t size = 9;
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_measure_for, (NULL, 0, &size, &size));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_measure_for, (frame, 0, NULL, &size));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_measure_for, (frame, 0, &size, NULL));
    assert_int_equal(size, 9);
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_read_data_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_read_data_for, (frame, 0, NULL, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_put_data_for, (NULL, 0, copy, 4, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_put_data_for, (frame, 0, NULL, 4, 0));
    rogue_mem_frame_buffer_t buffer = {0};
    rogue_mem_frame_t *out = SENTINEL(rogue_mem_frame_t);
    GIVES(0, rogue_mem_frame_buffer_count, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_buffer, (NULL, 0, &buffer));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_buffer, (frame, 0, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_frame_buffer, (frame, 0, &buffer));
    buffer.size = sizeof buffer;
    REFUSES(FRAME, rogue_mem_frame_buffer, (frame, UINT32_MAX, &buffer));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_set_buffer, (NULL, 0, 0, 0, 0));
    REFUSES(FRAME, rogue_mem_frame_set_buffer, (frame, UINT32_MAX, 0, 0, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_append, (NULL, frame));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_append, (frame, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_frame_append, (frame, frame));
    NOTES(rogue_mem_frame_clear, (NULL));
    rogue_mem_frame_memory_t memory = {0};
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_wrap, (NULL, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_wrap, (&memory, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_frame_wrap, (&memory, &out));
    memory.size = sizeof memory;
    memory.memory_bytes = 4;
    REFUSES(NULL_ARGUMENT, rogue_mem_frame_wrap, (&memory, &out));
    memory.memory = copy;
    memory.reserved = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_frame_wrap, (&memory, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_frame_t));
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
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_frame, (NULL, 4, 1, &frame_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_frame, (slave, 4, 1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_local_frame, (NULL, 4, &frame_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_req_local_frame, (slave, 4, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_count_frame, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_count_frame, (slave, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_set_debug, (NULL, 1, "name"));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_slave_set_debug, (slave, 1, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_stream_slave_set_debug, (slave, 1, "\xFF"));
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
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_req_frame, (NULL, 4, 1, &frame_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_req_frame, (master, 4, 1, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_send_frame, (NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_master_send_frame, (master, NULL));
    NOTES(rogue_mem_stream_master_stop, (NULL));
    rogue_mem_stream_port_t *port = NULL;
    rogue_mem_stream_port_t *port_out = SENTINEL(rogue_mem_stream_port_t);
    assert_ok(rogue_mem_stream_port_new(master, slave, &port));
    ALLOWS_NULL(rogue_mem_stream_port);
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_port_new, (NULL, slave, &port_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_port_new, (master, NULL, &port_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_port_new, (master, slave, NULL));
    GIVES(NULL, rogue_mem_stream_port_master, (NULL));
    GIVES(NULL, rogue_mem_stream_port_slave, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_port_connect, (NULL, port));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_port_connect, (port, NULL));
    assert_ptr_equal(port_out, SENTINEL(rogue_mem_stream_port_t));
    rogue_mem_stream_port_release(port);
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
    GIVES(NULL, rogue_mem_srp_v3_stream_port, (NULL));
    NOTES(rogue_mem_srp_v3_set_hardware_timeout, (NULL, 1));
    NOTES(rogue_mem_srp_v3_stop, (NULL));
    ALLOWS_NULL(rogue_mem_srp_v3_emulation);
    rogue_mem_srp_v3_emulation_options_t options = {0};
    rogue_mem_srp_v3_emulation_t *device = SENTINEL(rogue_mem_srp_v3_emulation_t);
    REFUSES(NULL_ARGUMENT, rogue_mem_srp_v3_emulation_new, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_srp_v3_emulation_new, (&options, &device));
    assert_ptr_equal(device, SENTINEL(rogue_mem_srp_v3_emulation_t));
    GIVES(NULL, rogue_mem_srp_v3_emulation_stream_port, (NULL));
    NOTES(rogue_mem_srp_v3_emulation_stop, (NULL));
}

static void packets(void **state) {
    (void)state;
    ALLOWS_NULL(rogue_mem_srp_v0);
    REFUSES(NULL_ARGUMENT, rogue_mem_srp_v0_new, (NULL));
    GIVES(NULL, rogue_mem_srp_v0_slave, (NULL));
    GIVES(NULL, rogue_mem_srp_v0_stream_port, (NULL));
    NOTES(rogue_mem_srp_v0_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_cmd_send, (NULL, 1, 2));
    ALLOWS_NULL(rogue_mem_packetizer);
    rogue_mem_packetizer_options_t options = {0};
    rogue_mem_packetizer_stats_t stats = {0};
    rogue_mem_packetizer_t *out = SENTINEL(rogue_mem_packetizer_t);
    rogue_mem_packetizer_t *packetizer = NULL;
    REFUSES(NULL_ARGUMENT, rogue_mem_packetizer_new, (1, NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_packetizer_new, (0, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_packetizer_new, (1, &options, &out));
    options.size = sizeof options;
    options.reserved = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_packetizer_new, (1, &options, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_packetizer_t));
    assert_ok(rogue_mem_packetizer_new(1, NULL, &packetizer));
    GIVES(NULL, rogue_mem_packetizer_transport_port, (NULL));
    GIVES(NULL, rogue_mem_packetizer_application_port, (NULL, 0));
    GIVES(0, rogue_mem_packetizer_drop_count, (NULL));
    NOTES(rogue_mem_packetizer_set_timeout, (NULL, 1000));
    NOTES(rogue_mem_packetizer_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_packetizer_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_packetizer_stats, (packetizer, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_packetizer_stats, (packetizer, &stats));
    rogue_mem_packetizer_release(packetizer);
}

static void pseudo_random_bits(void **state) {
    (void)state;
    ALLOWS_NULL(rogue_mem_prbs);
    rogue_mem_prbs_t *prbs = NULL;
    rogue_mem_prbs_stats_t stats = {0};
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_new, (NULL));
    assert_ok(rogue_mem_prbs_new(&prbs));
    GIVES(NULL, rogue_mem_prbs_stream_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_set_width, (NULL, 32));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_set_taps, (NULL, NULL, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_set_taps, (prbs, NULL, 1));
    NOTES(rogue_mem_prbs_send_count, (NULL, 1));
    NOTES(rogue_mem_prbs_gen_payload, (NULL, 1));
    NOTES(rogue_mem_prbs_check_payload, (NULL, 1));
    NOTES(rogue_mem_prbs_set_rx_enable, (NULL, 1));
    GIVES(false, rogue_mem_prbs_rx_enable, (NULL));
    NOTES(rogue_mem_prbs_set_tx_period, (NULL, 1));
    GIVES(0, rogue_mem_prbs_tx_period, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_gen_frame, (NULL, 12));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_enable, (NULL, 12));
    NOTES(rogue_mem_prbs_disable, (NULL));
    NOTES(rogue_mem_prbs_reset_count, (NULL));
    NOTES(rogue_mem_prbs_stop, (NULL));
    GIVES(0, rogue_mem_prbs_tx_rate, (NULL));
    GIVES(0, rogue_mem_prbs_tx_bandwidth, (NULL));
    GIVES(0, rogue_mem_prbs_rx_rate, (NULL));
    GIVES(0, rogue_mem_prbs_rx_bandwidth, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_prbs_stats, (prbs, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_prbs_stats, (prbs, &stats));
    rogue_mem_prbs_release(prbs);
}

static void board(void **state) {
    (void)state;
    rogue_mem_board_options_t options = {0};
    rogue_mem_board_stats_t stats = {0};
    rogue_mem_board_t *out = SENTINEL(rogue_mem_board_t);
    rogue_mem_board_t *server = NULL;
    assert_ok(rogue_mem_board_new_server("127.0.0.1", 0, NULL, &server));
    ALLOWS_NULL(rogue_mem_board);
    REFUSES(NULL_ARGUMENT, rogue_mem_board_new_client, (NULL, 1, NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_board_new_client, ("\xFF", 1, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_new_client, ("127.0.0.1", 1, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_new_client, ("127.0.0.1", 1, NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_new_server, (NULL, 0, NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_board_new_server, ("\xFF", 0, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_new_server, ("127.0.0.1", 0, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_new_server, ("127.0.0.1", 0, NULL, NULL));
    options.size = sizeof options;
    options.pack_version = 3;
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_new_server, ("127.0.0.1", 0, &options, &out));
    options.pack_version = ROGUE_MEM_PACK_VERSION_2;
    options.max_retran = 256;
    assert_int_equal(rogue_mem_board_new_server("127.0.0.1", 0, &options, &out),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    options.max_retran = 0;
    options.reserved = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_new_server, ("127.0.0.1", 0, &options, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_board_t));
    GIVES(NULL, rogue_mem_board_application_port, (NULL, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_wait_open, (NULL, 0));
    rogue_mem_link_observer_t observer = {0};
    REFUSES(NULL_ARGUMENT, rogue_mem_board_observe, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_observe, (server, &observer));
    observer.size = sizeof observer;
    REFUSES(NULL_ARGUMENT, rogue_mem_board_observe, (server, &observer));
    GIVES(false, rogue_mem_board_is_open, (NULL));
    GIVES(0, rogue_mem_board_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_board_stats, (server, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_board_stats, (server, &stats));
    NOTES(rogue_mem_board_stop, (NULL));
    rogue_mem_board_release(server);
}

static void curve(void **state) {
    (void)state;
    rogue_mem_curve_keys_t *keys = NULL, *out_keys = SENTINEL(rogue_mem_curve_keys_t);
    rogue_mem_curve_server_t *server = NULL, *out_server = SENTINEL(rogue_mem_curve_server_t);
    rogue_mem_curve_client_t *out_client = SENTINEL(rogue_mem_curve_client_t);
    char text[64] = "";
    size_t length;
    ALLOWS_NULL(rogue_mem_curve_keys);
    ALLOWS_NULL(rogue_mem_curve_server);
    ALLOWS_NULL(rogue_mem_curve_client);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_generate, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_load, (NULL, &out_keys));
    REFUSES(INVALID_TEXT, rogue_mem_curve_keys_load, ("\xFF", &out_keys));
    assert_int_equal(rogue_mem_curve_keys_load("/nowhere/at/all", &out_keys), ROGUE_MEM_ERROR_FILE);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_from_secret, (NULL, &out_keys));
    assert_int_equal(rogue_mem_curve_keys_from_secret("no key", &out_keys),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_curve_keys_generate(&keys), ROGUE_MEM_OK);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_save, (NULL, "path"));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_save, (keys, NULL));
    assert_int_equal(rogue_mem_curve_keys_save(keys, "/nowhere/at/all"), ROGUE_MEM_ERROR_FILE);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_public_key, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_keys_secret_key, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_new, (NULL, &out_server));
    assert_int_equal(rogue_mem_curve_server_new(keys, &server), ROGUE_MEM_OK);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_set_keys, (NULL, keys));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_set_keys, (server, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_accept_any, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_set_clients, (NULL, text));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_set_clients, (server, NULL));
    assert_int_equal(rogue_mem_curve_server_set_clients(server, "no key"),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_load_clients, (server, NULL));
    assert_int_equal(rogue_mem_curve_server_load_clients(server, "/nowhere/at/all"),
                     ROGUE_MEM_ERROR_FILE);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_server_public_key, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_client_new, (NULL, keys, &out_client));
    assert_int_equal(rogue_mem_curve_client_new("no key", keys, &out_client),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(NULL_ARGUMENT, rogue_mem_curve_client_new, ("no key", NULL, &out_client));
    assert_ptr_equal(out_keys, SENTINEL(rogue_mem_curve_keys_t));
    assert_ptr_equal(out_server, SENTINEL(rogue_mem_curve_server_t));
    assert_ptr_equal(out_client, SENTINEL(rogue_mem_curve_client_t));
    assert_int_equal(rogue_mem_curve_keys_public_key(keys, text, sizeof text, &length),
                     ROGUE_MEM_OK);
    assert_int_equal(length, 40);
    rogue_mem_curve_server_release(server);
    rogue_mem_curve_keys_release(keys);
}

static void access_lists(void **state) {
    (void)state;
    rogue_mem_access_list_t *list = NULL, *out = SENTINEL(rogue_mem_access_list_t);
    ALLOWS_NULL(rogue_mem_access_list);
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_new, (NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_access_list_new, ("\xFF", &out));
    assert_int_equal(rogue_mem_access_list_new("", &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_access_list_new("* all", &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_load, (NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_access_list_load, ("\xFF", &out));
    assert_int_equal(rogue_mem_access_list_load("/nowhere/at/all", &out), ROGUE_MEM_ERROR_FILE);
    assert_ptr_equal(out, SENTINEL(rogue_mem_access_list_t));
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_new, ("* read", NULL));
    assert_int_equal(rogue_mem_access_list_new("* read", &list), ROGUE_MEM_OK);
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_set_rules, (NULL, "* read"));
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_set_rules, (list, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_access_list_set_rules, (list, "\xFF"));
    assert_int_equal(rogue_mem_access_list_set_rules(list, "* 5"),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_load_rules, (NULL, "/nowhere/at/all"));
    REFUSES(NULL_ARGUMENT, rogue_mem_access_list_load_rules, (list, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_access_list_load_rules, (list, "\xFF"));
    assert_int_equal(rogue_mem_access_list_load_rules(list, "/nowhere/at/all"),
                     ROGUE_MEM_ERROR_FILE);
    assert_int_equal(rogue_mem_access_list_set_rules(list, "* read-write"), ROGUE_MEM_OK);
    rogue_mem_access_list_release(list);
}

static void never_recorded(void *ctx, const rogue_mem_audit_record_t *record) {
    (void)ctx;
    (void)record;
    abort();
}

static void audits(void **state) {
    (void)state;
    rogue_mem_audit_options_t options = {0};
    rogue_mem_audit_sink_t sink = {0};
    rogue_mem_audit_stats_t stats = {0};
    rogue_mem_audit_t *audit = NULL, *out = SENTINEL(rogue_mem_audit_t);
    ALLOWS_NULL(rogue_mem_audit);
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_new, (NULL, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_audit_new, (&sink, NULL, &out));
    sink.size = sizeof sink;
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_new, (&sink, NULL, &out));
    sink.record = never_recorded;
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_new, (&sink, NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_audit_new, (&sink, &options, &out));
    options.size = sizeof options;
    options.reserved = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_audit_new, (&sink, &options, &out));
    options.reserved = 0;
    options.queue_bytes_max = 1;
    assert_int_equal(rogue_mem_audit_new(&sink, &options, &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_to_file, (NULL, NULL, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_to_file, ("/nowhere/at/all", NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_audit_to_file, ("\xFF", NULL, &out));
    assert_int_equal(rogue_mem_audit_to_file("/nowhere/at/all", NULL, &out), ROGUE_MEM_ERROR_FILE);
    assert_ptr_equal(out, SENTINEL(rogue_mem_audit_t));
    assert_ok(rogue_mem_audit_new(&sink, NULL, &audit));
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_flush, (NULL, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_audit_stats, (audit, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_audit_stats, (audit, &stats));
    rogue_mem_audit_release(audit);
}

static void event_loops(void **state) {
    (void)state;
    rogue_mem_event_loop_options_t options = {0};
    rogue_mem_event_loop_t *out = SENTINEL(rogue_mem_event_loop_t);
    ALLOWS_NULL(rogue_mem_event_loop);
    REFUSES(NULL_ARGUMENT, rogue_mem_event_loop_new, (NULL, NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_event_loop_new, ("\xFF", NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_event_loop_new, ("name", &options, &out));
    options.size = sizeof options;
    options.reserved = 1;
    REFUSES(INVALID_ARGUMENT, rogue_mem_event_loop_new, ("name", &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_event_loop_new, ("name", NULL, NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_event_loop_t));
}

static void udp(void **state) {
    (void)state;
    rogue_mem_udp_options_t options = {0};
    rogue_mem_udp_stats_t stats = {0};
    rogue_mem_udp_t *out = SENTINEL(rogue_mem_udp_t);
    rogue_mem_udp_t *server = NULL;
    assert_ok(rogue_mem_udp_new_server("127.0.0.1", 0, NULL, &server));
    ALLOWS_NULL(rogue_mem_udp);
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_new_client, (NULL, 1, NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_udp_new_client, ("\xFF", 1, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_udp_new_client, ("127.0.0.1", 1, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_new_client, ("127.0.0.1", 1, NULL, NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_new_server, (NULL, 0, NULL, &out));
    REFUSES(INVALID_TEXT, rogue_mem_udp_new_server, ("\xFF", 0, NULL, &out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_udp_new_server, ("127.0.0.1", 0, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_new_server, ("127.0.0.1", 0, NULL, NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_udp_t));
    GIVES(NULL, rogue_mem_udp_stream_port, (NULL));
    GIVES(0, rogue_mem_udp_port, (NULL));
    GIVES(0, rogue_mem_udp_max_payload, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_set_receive_buffers, (NULL, 1));
    NOTES(rogue_mem_udp_set_timeout, (NULL, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_udp_stats, (server, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_udp_stats, (server, &stats));
    NOTES(rogue_mem_udp_stop, (NULL));
    rogue_mem_udp_release(server);
}

static void rssi(void **state) {
    (void)state;
    rogue_mem_rssi_options_t options = {0};
    rogue_mem_rssi_stats_t stats = {0};
    rogue_mem_rssi_t *out = SENTINEL(rogue_mem_rssi_t);
    rogue_mem_rssi_t *server = NULL;
    uint32_t value = 7;
    assert_ok(rogue_mem_rssi_new_server(1464, NULL, &server));
    ALLOWS_NULL(rogue_mem_rssi);
    assert_int_equal(rogue_mem_rssi_new_client(8, NULL, &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_new_client, (1464, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_new_client, (1464, NULL, NULL));
    assert_int_equal(rogue_mem_rssi_new_server(0, NULL, &out), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_new_server, (1464, &options, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_new_server, (1464, NULL, NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_rssi_t));
    GIVES(NULL, rogue_mem_rssi_transport_port, (NULL));
    GIVES(NULL, rogue_mem_rssi_application_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_start, (NULL));
    NOTES(rogue_mem_rssi_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_wait_open, (NULL, 1));
    assert_int_equal(rogue_mem_rssi_wait_open(server, 1), ROGUE_MEM_ERROR_STOPPED);
    rogue_mem_link_observer_t observer = {0};
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_observe, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_observe, (server, &observer));
    observer.size = sizeof observer;
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_observe, (server, &observer));
    GIVES(false, rogue_mem_rssi_is_open, (NULL));
    GIVES(0, rogue_mem_rssi_max_payload, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_set_local, (NULL, ROGUE_MEM_RSSI_MAX_RETRAN, 1));
    assert_int_equal(rogue_mem_rssi_set_local(server, ROGUE_MEM_RSSI_MAX_RETRAN, 0),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_rssi_set_local(server, ROGUE_MEM_RSSI_MAX_RETRAN, 256),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_set_local, (server, 8, 1));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_local, (NULL, 0, &value));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_local, (server, 0, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_local, (server, 8, &value));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_current, (NULL, 0, &value));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_current, (server, 0, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_current, (server, UINT32_MAX, &value));
    assert_int_equal(value, 7);
    NOTES(rogue_mem_rssi_set_timeout, (NULL, 1));
    NOTES(rogue_mem_rssi_reset_counters, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_rssi_stats, (server, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_rssi_stats, (server, &stats));
    rogue_mem_rssi_release(server);
}

static void batches(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    rogue_mem_batch_t *out = SENTINEL(rogue_mem_batch_t), *batch = NULL;
    rogue_mem_batch_combiner_t *combiner_out = SENTINEL(rogue_mem_batch_combiner_t);
    rogue_mem_batch_record_t record = {0};
    const uint8_t bytes[] = {2, 0, 7, 1, 0, 0, 0, 0, 0, 0};
    assert_ok(rogue_mem_frame_new(sizeof bytes, &frame));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_new, (NULL, 1, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_new, (frame, 1, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_batch_new, (frame, 3, &out));
    assert_int_equal(rogue_mem_batch_new(frame, 2, &out), ROGUE_MEM_ERROR_FRAME);
    assert_ptr_equal(out, SENTINEL(rogue_mem_batch_t));
    assert_ok(rogue_mem_frame_set_payload(frame, sizeof bytes));
    assert_ok(rogue_mem_frame_write_data(frame, 0, bytes, sizeof bytes));
    assert_ok(rogue_mem_batch_new(frame, 2, &batch));
    ALLOWS_NULL(rogue_mem_batch);
    REFUSES(INVALID_ARGUMENT, rogue_mem_batch_record, (batch, 0, &record));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_record, (batch, 0, NULL));
    record.size = sizeof record;
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_record, (NULL, 0, &record));
    REFUSES(FRAME, rogue_mem_batch_record, (batch, 1, &record));
    GIVES(0, rogue_mem_batch_count, (NULL));
    GIVES(0, rogue_mem_batch_header_bytes, (NULL));
    GIVES(0, rogue_mem_batch_tail_bytes, (NULL));
    GIVES(0, rogue_mem_batch_sequence, (NULL));
    rogue_mem_batch_release(batch);
    rogue_mem_frame_release(frame);

    rogue_mem_batch_combiner_stats_t combined = {0};
    rogue_mem_batch_splitter_stats_t split = {0};
    rogue_mem_batch_inverter_stats_t inverted = {0};
    ALLOWS_NULL(rogue_mem_batch_combiner);
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_combiner_new_v1, (1, NULL));
    assert_int_equal(rogue_mem_batch_combiner_new_v1(6, &combiner_out),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_ptr_equal(combiner_out, SENTINEL(rogue_mem_batch_combiner_t));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_combiner_new_v2, (NULL));
    GIVES(NULL, rogue_mem_batch_combiner_stream_port, (NULL));
    GIVES(0, rogue_mem_batch_combiner_count, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_combiner_send, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_combiner_stats, (NULL, &combined));
    ALLOWS_NULL(rogue_mem_batch_splitter);
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_splitter_new_v1, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_splitter_new_v2, (NULL));
    GIVES(NULL, rogue_mem_batch_splitter_stream_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_splitter_stats, (NULL, &split));
    ALLOWS_NULL(rogue_mem_batch_inverter);
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_inverter_new_v1, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_inverter_new_v2, (NULL));
    GIVES(NULL, rogue_mem_batch_inverter_stream_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_batch_inverter_stats, (NULL, &inverted));
}

static void file_writers(void **state) {
    (void)state;
    rogue_mem_file_writer_t *writer = NULL;
    rogue_mem_file_writer_stats_t stats = {0};
    assert_ok(rogue_mem_file_writer_new(&writer));
    reset_outputs();
    ALLOWS_NULL(rogue_mem_file_writer);
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_new, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_open, (NULL, "path"));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_open, (writer, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_file_writer_open, (writer, "\xFF"));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_close, (NULL));
    GIVES(false, rogue_mem_file_writer_is_open, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_error, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_error, (writer, NULL, 4, &length));
    assert_outputs_untouched();
    NOTES(rogue_mem_file_writer_set_raw, (NULL, 1));
    GIVES(false, rogue_mem_file_writer_raw, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_set_buffer_size, (NULL, 1));
    NOTES(rogue_mem_file_writer_set_max_size, (NULL, 1));
    NOTES(rogue_mem_file_writer_set_drop_errors, (NULL, 1));
    GIVES(NULL, rogue_mem_file_writer_channel, (NULL, 1));
    GIVES(0, rogue_mem_file_writer_total_size, (NULL));
    GIVES(0, rogue_mem_file_writer_current_size, (NULL));
    GIVES(0, rogue_mem_file_writer_bandwidth, (NULL));
    GIVES(0, rogue_mem_file_writer_frame_count, (NULL));
    GIVES(false, rogue_mem_file_writer_wait_frame_count, (NULL, 0, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_writer_stats, (writer, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_file_writer_stats, (writer, &stats));
    ALLOWS_NULL(rogue_mem_file_channel);
    GIVES(NULL, rogue_mem_file_channel_slave, (NULL));
    GIVES(0, rogue_mem_file_channel_frame_count, (NULL));
    NOTES(rogue_mem_file_channel_set_frame_count, (NULL, 1));
    GIVES(false, rogue_mem_file_channel_wait_frame_count, (NULL, 0, 0));
    rogue_mem_file_writer_release(writer);
}

static void file_readers(void **state) {
    (void)state;
    rogue_mem_file_reader_t *reader = NULL, *out = SENTINEL(rogue_mem_file_reader_t);
    rogue_mem_file_reader_options_t options = {0};
    rogue_mem_file_reader_stats_t stats = {0};
    assert_ok(rogue_mem_file_reader_new(NULL, &reader));
    reset_outputs();
    ALLOWS_NULL(rogue_mem_file_reader);
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_new, (NULL, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_file_reader_new, (&options, &out));
    assert_ptr_equal(out, SENTINEL(rogue_mem_file_reader_t));
    GIVES(NULL, rogue_mem_file_reader_stream_master, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_open, (NULL, "path"));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_open, (reader, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_file_reader_open, (reader, "\xFF"));
    NOTES(rogue_mem_file_reader_close, (NULL));
    GIVES(false, rogue_mem_file_reader_is_open, (NULL));
    GIVES(false, rogue_mem_file_reader_wait, (NULL, 0));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_error, (NULL, buffer, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_error, (reader, NULL, 4, &length));
    assert_outputs_untouched();
    NOTES(rogue_mem_file_reader_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_stats, (NULL, &stats));
    REFUSES(NULL_ARGUMENT, rogue_mem_file_reader_stats, (reader, NULL));
    REFUSES(INVALID_ARGUMENT, rogue_mem_file_reader_stats, (reader, &stats));
    rogue_mem_file_reader_release(reader);
}

static void mem_map(void **state) {
    (void)state;
    rogue_mem_slave_t *out = SENTINEL(rogue_mem_slave_t);
    REFUSES(INVALID_TEXT, rogue_mem_mem_map_new, ("\xFF", 0, 4, 4, &out));
    REFUSES(NULL_ARGUMENT, rogue_mem_mem_map_new, (NULL, 0, 4, 4, NULL));
    assert_ptr_equal(out, SENTINEL(rogue_mem_slave_t));
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

static void stream_nodes(void **state) {
    (void)state;
    rogue_mem_rate_drop_t *rate_drop_out = SENTINEL(rogue_mem_rate_drop_t);
    ALLOWS_NULL(rogue_mem_fifo);
    REFUSES(NULL_ARGUMENT, rogue_mem_fifo_new, (0, 0, 0, NULL));
    GIVES(NULL, rogue_mem_fifo_stream_port, (NULL));
    GIVES(0, rogue_mem_fifo_size, (NULL));
    GIVES(0, rogue_mem_fifo_dropped, (NULL));
    NOTES(rogue_mem_fifo_clear_dropped, (NULL));
    NOTES(rogue_mem_fifo_stop, (NULL));
    ALLOWS_NULL(rogue_mem_filter);
    REFUSES(NULL_ARGUMENT, rogue_mem_filter_new, (0, 0, NULL));
    GIVES(NULL, rogue_mem_filter_stream_port, (NULL));
    ALLOWS_NULL(rogue_mem_rate_drop);
    REFUSES(NULL_ARGUMENT, rogue_mem_rate_drop_new, (0, 1, NULL));
    const double values[] = {-1, NAN, -INFINITY};
    for (size_t index = 0; index < COUNT_OF(values); index++) {
        for (uint32_t is_period = 0; is_period < 2; is_period++) {
            begin("rogue_mem_rate_drop_new");
            assert_int_equal(rogue_mem_rate_drop_new(is_period, values[index], &rate_drop_out),
                             ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        }
    }
    assert_ptr_equal(rate_drop_out, SENTINEL(rogue_mem_rate_drop_t));
    GIVES(NULL, rogue_mem_rate_drop_stream_port, (NULL));
}

static void stream_bridges(void **state) {
    (void)state;
    rogue_mem_stream_server_t *server = NULL;
    rogue_mem_stream_client_t *client = NULL;
    rogue_mem_stream_server_t *server_out = SENTINEL(rogue_mem_stream_server_t);
    rogue_mem_stream_client_t *client_out = SENTINEL(rogue_mem_stream_client_t);
    assert_ok(rogue_mem_stream_server_new("127.0.0.1", 0, NULL, &server));
    uint16_t port = rogue_mem_stream_server_port(server);
    assert_ok(rogue_mem_stream_client_new("127.0.0.1", port, NULL, &client));
    rogue_mem_stream_server_options_t serving = {0};
    rogue_mem_stream_client_options_t asking = {0};
    rogue_mem_stream_server_stats_t served = {0};
    rogue_mem_stream_client_stats_t asked = {0};
    served.size = sizeof served;
    asked.size = sizeof asked;
    char text[4];
    size_t length = 0;

    ALLOWS_NULL(rogue_mem_stream_server);
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_new, (NULL, 0, NULL, &server_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_new, ("127.0.0.1", 0, NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_stream_server_new, ("\xFF", 0, NULL, &server_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_stream_server_new, ("127.0.0.1", 0, &serving, &server_out));
    GIVES(NULL, rogue_mem_stream_server_stream_port, (NULL));
    GIVES(0, rogue_mem_stream_server_port, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_addresses, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_addresses, (server, NULL, 4, &length));
    NOTES(rogue_mem_stream_server_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_stats, (NULL, &served));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_server_stats, (server, NULL));
    served.size = 0;
    REFUSES(INVALID_ARGUMENT, rogue_mem_stream_server_stats, (server, &served));

    ALLOWS_NULL(rogue_mem_stream_client);
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_new, (NULL, port, NULL, &client_out));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_new, ("127.0.0.1", port, NULL, NULL));
    REFUSES(INVALID_TEXT, rogue_mem_stream_client_new, ("\xFF", port, NULL, &client_out));
    REFUSES(INVALID_ARGUMENT, rogue_mem_stream_client_new, ("::1", port, &asking, &client_out));
    GIVES(NULL, rogue_mem_stream_client_stream_port, (NULL));
    GIVES(ROGUE_MEM_CLIENT_CONNECTING, rogue_mem_stream_client_state, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_state_text, (NULL, text, 4, &length));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_state_text, (client, NULL, 4, &length));
    NOTES(rogue_mem_stream_client_stop, (NULL));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_stats, (NULL, &asked));
    REFUSES(NULL_ARGUMENT, rogue_mem_stream_client_stats, (client, NULL));
    asked.size = 0;
    REFUSES(INVALID_ARGUMENT, rogue_mem_stream_client_stats, (client, &asked));
    assert_ptr_equal(server_out, SENTINEL(rogue_mem_stream_server_t));
    assert_ptr_equal(client_out, SENTINEL(rogue_mem_stream_client_t));
    rogue_mem_stream_client_release(client);
    rogue_mem_stream_server_release(server);
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
        cmocka_unit_test(variables),
        cmocka_unit_test(values_of_variables),
        cmocka_unit_test(lists_bytes_and_text),
        cmocka_unit_test(blocks),
        cmocka_unit_test(watches),
        cmocka_unit_test(many_blocks),
        cmocka_unit_test(ranges_of_bits),
        cmocka_unit_test(bridges),
        cmocka_unit_test(connections),
        cmocka_unit_test(frames),
        cmocka_unit_test(streams),
        cmocka_unit_test(stream_nodes),
        cmocka_unit_test(stream_bridges),
        cmocka_unit_test(srp),
        cmocka_unit_test(packets),
        cmocka_unit_test(pseudo_random_bits),
        cmocka_unit_test(curve),
        cmocka_unit_test(access_lists),
        cmocka_unit_test(audits),
        cmocka_unit_test(event_loops),
        cmocka_unit_test(udp),
        cmocka_unit_test(board),
        cmocka_unit_test(rssi),
        cmocka_unit_test(mem_map),
        cmocka_unit_test(batches),
        cmocka_unit_test(file_writers),
        cmocka_unit_test(file_readers),
        cmocka_unit_test(logs),
        cmocka_unit_test(no_function_has_been_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
