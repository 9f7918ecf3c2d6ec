/* Masters: requests, waits, and the emulated memory they reach. */
#include "support.h"

#include "rogue_mem_binding.h"

static void an_unconnected_master_says_so(void **state) {
    (void)state;
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    assert_int_equal(rogue_mem_master_req_min_access(master), 4);
    assert_int_equal(rogue_mem_master_req_max_access(master), 0);
    assert_int_equal(rogue_mem_master_req_address(master), 0);
    uint32_t word = 0;
    assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(),
                        "Unsupported transaction using unconnected memory bus");
    rogue_mem_master_release(master);
}

static void emulated_memory_keeps_what_is_written_and_reads_as_zero_before(void **state) {
    (void)state;
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 4096, &memory));
    assert_int_equal(rogue_mem_slave_min(memory), 4);
    assert_int_equal(rogue_mem_slave_max(memory), 4096);
    rogue_mem_master_t *master = master_of(memory);
    rogue_mem_slave_release(memory);
    uint8_t bytes[16];
    memset(bytes, 0xAA, sizeof bytes);
    /* Across a page, at the top of the address space. */
    const uint64_t address = 0xFFFFFFFFFFFFEFF8ull;
    assert_ok(transfer(master, address, bytes, sizeof bytes, ROGUE_MEM_READ));
    for (size_t index = 0; index < sizeof bytes; index++) {
        assert_int_equal(bytes[index], 0);
        bytes[index] = (uint8_t)(index + 1);
    }
    assert_ok(transfer(master, address, bytes, sizeof bytes, ROGUE_MEM_WRITE));
    uint8_t back[16] = {0};
    assert_ok(transfer(master, address, back, sizeof back, ROGUE_MEM_VERIFY));
    assert_memory_equal(back, bytes, sizeof back);
    rogue_mem_master_release(master);
}

static void emulated_memory_takes_no_more_than_it_may(void **state) {
    (void)state;
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new_limited(4, 4096, 64 * 1024, &memory));
    rogue_mem_master_t *master = master_of(memory);
    rogue_mem_slave_release(memory);
    uint8_t bytes[4] = {1, 2, 3, 4};
    uint64_t address = 0;
    rogue_mem_status_t status = ROGUE_MEM_OK;
    for (; address < 64ull << 20 && status == ROGUE_MEM_OK; address += 64 * 1024) {
        status = transfer(master, address, bytes, sizeof bytes, ROGUE_MEM_WRITE);
    }
    assert_int_equal(status, ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "raise memory_bytes_max");
    assert_ok(transfer(master, 0, bytes, sizeof bytes, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, address, bytes, sizeof bytes, ROGUE_MEM_READ));
    assert_int_equal(bytes[0], 0);
    rogue_mem_master_release(master);
}

static void a_request_of_no_bytes_needs_no_data(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    assert_ok(transfer(master, 0x20, NULL, 0, ROGUE_MEM_READ));
    assert_int_equal(recorder.records[0].size, 0);
    assert_int_equal(recorder.records[0].status, ROGUE_MEM_OK);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_refused_request_reaches_nobody(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    uint32_t id = 77;
    assert_int_equal(rogue_mem_master_request(master, 0, 4, NULL, ROGUE_MEM_READ, &id),
                     ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, NULL),
                     ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(id, 77);
    assert_int_equal(events_count(&recorder.transactions), 0);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

/* Asserts that the transaction with this id, unless it is 0, fails with a text like this. */
static void assert_fails(rogue_mem_master_t *master, uint32_t id, const char *text) {
    assert_int_not_equal(id, 0);
    assert_int_equal(rogue_mem_master_wait(master, id), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), text);
}

/* A request by every requesting function fails, and the slave gets none. */
static void assert_all_fail(uint64_t address, uint32_t type, const char *text) {
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t words[4] = {0};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, address, 16, words, type, &id));
    assert_fails(master, id, text);
    const uint64_t started = rogue_mem_master_start(master, address, 16, words, type);
    assert_true(started <= UINT32_MAX);
    assert_fails(master, (uint32_t)started, text);
    const uint32_t size = 16;
    assert_ok(rogue_mem_master_request_many(master, type, 1, &address, &size, words, &id));
    assert_fails(master, id, text);
    assert_int_equal(events_count(&recorder.transactions), 0);
    assert_ok(transfer(master, 0, words, 16, ROGUE_MEM_READ));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void f03_a_request_beyond_the_address_space_is_an_error_of_the_transaction(void **state) {
    (void)state;
    const char *text = "16 bytes at 0xfffffffffffffff8 reaches beyond the end of the address space";
    for (uint32_t type = ROGUE_MEM_READ; type <= ROGUE_MEM_VERIFY; type++) {
        assert_all_fail(UINT64_MAX - 7, type, text);
    }
}

static void f04_an_unknown_type_is_an_error_of_the_transaction(void **state) {
    (void)state;
    const uint32_t types[] = {0, 5, 7, 0xFFFFFFFE, 0xFFFFFFFF};
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        char text[64];
        snprintf(text, sizeof text,
                 "Unknown transaction type 0x%x at 0x20: ", (unsigned)types[index]);
        assert_all_fail(0x20, types[index], text);
    }
}

static void waiting_for_all_reports_the_failed_one(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t words[3] = {0};
    uint32_t ids[3] = {0};
    for (int index = 0; index < 3; index++) {
        assert_ok(
            rogue_mem_master_request(master, 0, 4, &words[index], ROGUE_MEM_READ, &ids[index]));
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        if (index == 1) {
            rogue_mem_transaction_error(transaction, "the second");
        } else {
            rogue_mem_transaction_done(transaction);
        }
        rogue_mem_transaction_release(transaction);
    }
    assert_int_equal(rogue_mem_master_wait(master, 0), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(), "the second");
    assert_ok(rogue_mem_master_wait(master, 0));
    assert_ok(rogue_mem_master_wait(master, ids[1]));
    assert_ok(rogue_mem_master_wait(master, 0xDEADBEEF));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void the_error_of_a_master_stays_until_it_is_cleared(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, FAIL);
    recorder.error_text = "broken";
    rogue_mem_master_t *master = master_of(recorder.slave);
    char text[32] = "#";
    assert_ok(rogue_mem_master_error(master, text, sizeof text, NULL));
    assert_string_equal(text, "");
    uint32_t word = 0;
    assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    recorder.behaviour = MEMORY;
    assert_ok(transfer(master, 0, &word, 4, ROGUE_MEM_READ));
    assert_ok(rogue_mem_master_error(master, text, sizeof text, NULL));
    assert_string_equal(text, "broken");
    rogue_mem_master_clear_error(master);
    assert_ok(rogue_mem_master_error(master, text, sizeof text, NULL));
    assert_string_equal(text, "");
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void d17_a_timeout_is_kept_in_full(void **state) {
    (void)state;
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    assert_int_equal(rogue_mem_master_timeout(master), 1000000);
    const uint64_t timeouts[] = {1, 3000000000ull, 1ull << 40};
    for (size_t index = 0; index < COUNT_OF(timeouts); index++) {
        rogue_mem_master_set_timeout(master, timeouts[index]);
        assert_true(rogue_mem_master_timeout(master) == timeouts[index]);
        rogue_mem_master_set_timeout(master, 0);
        assert_true(rogue_mem_master_timeout(master) == timeouts[index]);
    }
    rogue_mem_master_set_timeout(master, UINT64_MAX);
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    assert_ok(rogue_mem_master_set_slave(master, memory));
    uint32_t word = 0;
    assert_ok(transfer(master, 0, &word, 4, ROGUE_MEM_READ));
    rogue_mem_slave_release(memory);
    rogue_mem_master_release(master);
}

static void a_refused_slave_leaves_the_connection_as_it_is(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    assert_int_equal(rogue_mem_master_set_slave(master, NULL), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(rogue_mem_master_req_slave_id(master), rogue_mem_slave_id(recorder.slave));
    char name[32];
    assert_ok(rogue_mem_slave_set_name(recorder.slave, "still here"));
    assert_ok(rogue_mem_master_req_slave_name(master, name, sizeof name, NULL));
    assert_string_equal(name, "still here");
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unconnected_master_says_so),
        cmocka_unit_test(emulated_memory_keeps_what_is_written_and_reads_as_zero_before),
        cmocka_unit_test(emulated_memory_takes_no_more_than_it_may),
        cmocka_unit_test(a_request_of_no_bytes_needs_no_data),
        cmocka_unit_test(a_refused_request_reaches_nobody),
        cmocka_unit_test(f03_a_request_beyond_the_address_space_is_an_error_of_the_transaction),
        cmocka_unit_test(f04_an_unknown_type_is_an_error_of_the_transaction),
        cmocka_unit_test(waiting_for_all_reports_the_failed_one),
        cmocka_unit_test(the_error_of_a_master_stays_until_it_is_cleared),
        cmocka_unit_test(d17_a_timeout_is_kept_in_full),
        cmocka_unit_test(a_refused_slave_leaves_the_connection_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
