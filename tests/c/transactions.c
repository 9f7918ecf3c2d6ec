/* Transactions from the view of slaves in C. */
#include "support.h"

static void a_synchronous_slave_reads_and_writes_the_requesters_buffer(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t written[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t read[8] = {0};
    assert_ok(transfer(master, 0x10, written, 8, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, 0x10, read, 8, ROGUE_MEM_READ));
    assert_memory_equal(read, written, 8);
    memset(read, 0, sizeof read);
    assert_ok(transfer(master, 0x14, read, 4, ROGUE_MEM_VERIFY));
    assert_memory_equal(read, written + 4, 4);
    uint8_t posted[2] = {9, 10};
    assert_ok(transfer(master, 0x10, posted, 2, ROGUE_MEM_POST));
    assert_memory_equal(recorder.memory + 0x10, posted, 2);

    const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_READ, ROGUE_MEM_VERIFY, ROGUE_MEM_POST};
    assert_int_equal(recorder.count, COUNT_OF(types));
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        assert_int_equal(recorder.records[index].type, types[index]);
        assert_int_equal(recorder.records[index].status, ROGUE_MEM_OK);
        assert_int_not_equal(recorder.records[index].id, 0);
    }
    assert_int_equal(recorder.records[2].address, 0x14);
    assert_int_equal(recorder.records[2].size, 4);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

/* Completes a recorder's kept transactions from another thread. */
static void *answer_later(void *argument) {
    recorder_t *recorder = argument;
    events_wait(&recorder->transactions, 1);
    rogue_mem_transaction_t *transaction = recorder_take(recorder);
    const uint8_t answer[4] = {0xDE, 0xAD, 0xBE, 0xEF};
    rogue_mem_transaction_lock(transaction);
    if (!rogue_mem_transaction_expired(transaction)) {
        memcpy(rogue_mem_transaction_data(transaction), answer, sizeof answer);
        rogue_mem_transaction_done(transaction);
    }
    rogue_mem_transaction_unlock(transaction);
    rogue_mem_transaction_release(transaction);
    return NULL;
}

static void a_kept_transaction_is_completed_from_another_thread(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_later, &recorder), 0);
    uint8_t read[4] = {0};
    assert_ok(transfer(master, 0, read, 4, ROGUE_MEM_READ));
    const uint8_t answer[4] = {0xDE, 0xAD, 0xBE, 0xEF};
    assert_memory_equal(read, answer, 4);
    pthread_join(thread, NULL);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_failure_reaches_the_requester_whatever_its_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"no such register", "no such register"},
        {"", "without a text"},
        {NULL, "without a text"},
        {"bad \xFF octet", "bad \xEF\xBF\xBD octet"},
    };
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, FAIL);
    rogue_mem_master_t *master = master_of(recorder.slave);
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        recorder.error_text = cases[index].text;
        uint32_t word = 0x11111111;
        assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), cases[index].expected);
        char text[64];
        assert_ok(rogue_mem_master_error(master, text, sizeof text, NULL));
        assert_string_equal(text, rogue_mem_last_error());
        assert_int_equal(word, 0x11111111);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void d26_the_first_completion_counts(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    for (int failing_first = 0; failing_first < 2; failing_first++) {
        uint32_t word = 0;
        uint32_t id = 0;
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        assert_false(rogue_mem_transaction_is_done(transaction));
        if (failing_first) {
            rogue_mem_transaction_error(transaction, "first");
            rogue_mem_transaction_done(transaction);
        } else {
            rogue_mem_transaction_done(transaction);
            rogue_mem_transaction_error(transaction, "second");
        }
        assert_true(rogue_mem_transaction_is_done(transaction));
        assert_int_equal(rogue_mem_master_wait(master, id),
                         failing_first ? ROGUE_MEM_ERROR_TRANSACTION : ROGUE_MEM_OK);
        rogue_mem_transaction_release(transaction);
    }
    assert_string_equal(rogue_mem_last_error(), "first");
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_transaction_that_nobody_completes_times_out_and_its_data_is_gone(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    uint8_t read[4] = {1, 2, 3, 4};
    assert_int_equal(transfer(master, 0, read, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    assert_contains(rogue_mem_last_error(), "Timeout waiting for register transaction");

    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    const uint8_t late[4] = {9, 9, 9, 9};
    uint8_t copy[4] = {7, 7, 7, 7};
    rogue_mem_transaction_lock(transaction);
    assert_true(rogue_mem_transaction_expired(transaction));
    assert_null(rogue_mem_transaction_data(transaction));
    assert_int_equal(rogue_mem_transaction_copy_to_requester_locked(transaction, 0, late, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    assert_int_equal(rogue_mem_transaction_copy_from_requester_locked(transaction, 0, copy, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    rogue_mem_transaction_unlock(transaction);
    assert_int_equal(rogue_mem_transaction_copy_to_requester(transaction, 0, late, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    assert_int_equal(rogue_mem_transaction_copy_from_requester(transaction, 0, copy, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    const uint8_t untouched[4] = {7, 7, 7, 7};
    assert_memory_equal(copy, untouched, 4);
    rogue_mem_transaction_done(transaction);
    const uint8_t before[4] = {1, 2, 3, 4};
    assert_memory_equal(read, before, 4);
    rogue_mem_transaction_release(transaction);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void d06_the_last_release_of_a_master_takes_its_buffers_back(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t *buffer = malloc(4);
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, buffer, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    assert_false(rogue_mem_transaction_expired(transaction));
    rogue_mem_master_release(master);
    free(buffer);
    assert_true(rogue_mem_transaction_expired(transaction));
    assert_null(rogue_mem_transaction_data(transaction));
    const uint8_t late[4] = {0};
    assert_int_equal(rogue_mem_transaction_copy_to_requester(transaction, 0, late, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    rogue_mem_transaction_release(transaction);
    recorder_destroy(&recorder);
}

static void data_is_copied_within_its_bounds_only(void **state) {
    (void)state;
    static const struct {
        uint32_t offset;
        uint32_t count;
        bool inside;
    } cases[] = {{0, 4, true},  {2, 2, true},           {4, 0, true},  {0, 5, false},
                 {4, 1, false}, {0xFFFFFFFF, 2, false}, {5, 0, false}, {2, 0xFFFFFFFF, false}};
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t buffer[4] = {1, 2, 3, 4};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, buffer, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        uint8_t copy[8] = {9, 9, 9, 9, 9, 9, 9, 9};
        rogue_mem_status_t expected =
            cases[index].inside ? ROGUE_MEM_OK : ROGUE_MEM_ERROR_INVALID_ARGUMENT;
        assert_int_equal(rogue_mem_transaction_copy_from_requester(transaction, cases[index].offset,
                                                                   copy, cases[index].count),
                         expected);
        if (cases[index].inside) {
            assert_memory_equal(copy, buffer + cases[index].offset, cases[index].count);
        } else {
            assert_int_equal(copy[0], 9);
        }
        assert_int_equal(rogue_mem_transaction_copy_to_requester(transaction, cases[index].offset,
                                                                 copy, cases[index].count),
                         expected);
        uint8_t again[8] = {9, 9, 9, 9, 9, 9, 9, 9};
        rogue_mem_transaction_lock(transaction);
        assert_int_equal(rogue_mem_transaction_copy_from_requester_locked(
                             transaction, cases[index].offset, again, cases[index].count),
                         expected);
        assert_memory_equal(again, copy, sizeof copy);
        assert_int_equal(rogue_mem_transaction_copy_to_requester_locked(
                             transaction, cases[index].offset, again, cases[index].count),
                         expected);
        rogue_mem_transaction_unlock(transaction);
    }
    const uint8_t same[4] = {1, 2, 3, 4};
    assert_memory_equal(buffer, same, 4);
    rogue_mem_transaction_done(transaction);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_release(transaction);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void the_one_who_holds_the_lock_copies_the_data_of_a_part(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t buffer[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 8, buffer, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *whole = recorder_take(&recorder);
    rogue_mem_transaction_t *part = NULL;
    assert_ok(rogue_mem_transaction_create_sub(whole, 4, 3, 0, ROGUE_MEM_READ, &part));
    uint8_t copy[2] = {0};
    rogue_mem_transaction_lock(part);
    assert_ok(rogue_mem_transaction_copy_from_requester_locked(part, 1, copy, 2));
    assert_ok(rogue_mem_transaction_copy_to_requester_locked(part, 0, (const uint8_t *)"xyz", 3));
    rogue_mem_transaction_done(part);
    const uint8_t late = 0;
    assert_int_equal(rogue_mem_transaction_copy_to_requester_locked(part, 0, &late, 1),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    rogue_mem_transaction_unlock(part);
    rogue_mem_transaction_done_subs(whole);
    assert_ok(rogue_mem_master_wait(master, id));
    assert_memory_equal(copy, "\6\7", 2);
    assert_memory_equal(buffer, "\1\2\3\4xyz\10", 8);
    rogue_mem_transaction_release(part);
    rogue_mem_transaction_release(whole);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void the_data_of_a_write_is_not_written(void **state) {
    (void)state;
    const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_POST};
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        uint8_t byte = 1;
        uint32_t id = 0;
        assert_ok(rogue_mem_master_request(master, 0, 1, &byte, types[index], &id));
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        const uint8_t other = 2;
        assert_int_equal(rogue_mem_transaction_copy_to_requester(transaction, 0, &other, 1),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        rogue_mem_transaction_lock(transaction);
        assert_int_equal(rogue_mem_transaction_copy_to_requester_locked(transaction, 0, &other, 1),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        rogue_mem_transaction_unlock(transaction);
        rogue_mem_transaction_t *part = NULL;
        assert_int_equal(
            rogue_mem_transaction_create_sub(transaction, 0, 1, 0, ROGUE_MEM_READ, &part),
            ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_null(part);
        rogue_mem_transaction_done(transaction);
        assert_ok(rogue_mem_master_wait(master, id));
        assert_int_equal(byte, 1);
        rogue_mem_transaction_release(transaction);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

/* Splits a kept read of 8 bytes into two parts. */
static rogue_mem_transaction_t *split(recorder_t *recorder, rogue_mem_transaction_t *parts[2]) {
    rogue_mem_transaction_t *whole = recorder_take(recorder);
    for (uint32_t index = 0; index < 2; index++) {
        assert_ok(rogue_mem_transaction_create_sub(whole, 4 * index, 4, 0x100 + index,
                                                   ROGUE_MEM_READ, &parts[index]));
        assert_int_equal(rogue_mem_transaction_size(parts[index]), 4);
        assert_int_equal(rogue_mem_transaction_address(parts[index]), 0x100 + index);
        assert_int_equal(rogue_mem_transaction_type(parts[index]), ROGUE_MEM_READ);
    }
    return whole;
}

static void parts_fill_their_ranges_and_complete_the_whole(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t buffer[8] = {0};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 8, buffer, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *parts[2];
    rogue_mem_transaction_t *whole = split(&recorder, parts);
    for (int index = 0; index < 2; index++) {
        const uint8_t bytes[4] = {(uint8_t)index, 0x10, 0x20, 0x30};
        assert_ok(rogue_mem_transaction_copy_to_requester(parts[index], 0, bytes, 4));
        /* D-24: all parts have ended before the end of their creation. */
        rogue_mem_transaction_done(parts[index]);
        assert_false(rogue_mem_transaction_is_done(whole));
    }
    rogue_mem_transaction_done_subs(whole);
    assert_true(rogue_mem_transaction_is_done(whole));
    assert_ok(rogue_mem_master_wait(master, id));
    const uint8_t expected[8] = {0, 0x10, 0x20, 0x30, 1, 0x10, 0x20, 0x30};
    assert_memory_equal(buffer, expected, 8);
    rogue_mem_transaction_release(parts[0]);
    rogue_mem_transaction_release(parts[1]);
    rogue_mem_transaction_release(whole);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void d01_a_failing_part_fails_the_whole_whichever_ends_last(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    for (int failing = 0; failing < 2; failing++) {
        uint8_t buffer[8] = {0};
        uint32_t id = 0;
        assert_ok(rogue_mem_master_request(master, 0, 8, buffer, ROGUE_MEM_READ, &id));
        rogue_mem_transaction_t *parts[2];
        rogue_mem_transaction_t *whole = split(&recorder, parts);
        rogue_mem_transaction_done_subs(whole);
        for (int index = 0; index < 2; index++) {
            if (index == failing) {
                rogue_mem_transaction_error(parts[index], "broken");
            } else {
                rogue_mem_transaction_done(parts[index]);
            }
        }
        assert_int_equal(rogue_mem_master_wait(master, id), ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), "failed with error: broken");
        rogue_mem_transaction_t *late = NULL;
        assert_int_equal(rogue_mem_transaction_create_sub(whole, 0, 1, 0, ROGUE_MEM_READ, &late),
                         ROGUE_MEM_ERROR_INVALID_DATA);
        assert_null(late);
        rogue_mem_transaction_release(parts[0]);
        rogue_mem_transaction_release(parts[1]);
        rogue_mem_transaction_release(whole);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_part_lies_within_the_whole(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t buffer[8] = {0};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 8, buffer, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *whole = recorder_take(&recorder);
    rogue_mem_transaction_t *part = NULL;
    const uint32_t bad[][3] = {{0, 9, ROGUE_MEM_READ},
                               {8, 1, ROGUE_MEM_READ},
                               {0xFFFFFFFF, 2, ROGUE_MEM_READ},
                               {0, 4, 0},
                               {0, 4, 5},
                               {0, 4, 0xFFFFFFFE}};
    for (size_t index = 0; index < COUNT_OF(bad); index++) {
        assert_int_equal(rogue_mem_transaction_create_sub(whole, bad[index][0], bad[index][1], 0,
                                                          bad[index][2], &part),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_null(part);
    }
    assert_int_equal(
        rogue_mem_transaction_create_sub(whole, 0, 4, UINT64_MAX - 2, ROGUE_MEM_READ, &part),
        ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "beyond the end of the address space");
    assert_null(part);
    rogue_mem_transaction_done(whole);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_release(whole);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_synchronous_slave_reads_and_writes_the_requesters_buffer),
        cmocka_unit_test(a_kept_transaction_is_completed_from_another_thread),
        cmocka_unit_test(a_failure_reaches_the_requester_whatever_its_text),
        cmocka_unit_test(d26_the_first_completion_counts),
        cmocka_unit_test(a_transaction_that_nobody_completes_times_out_and_its_data_is_gone),
        cmocka_unit_test(d06_the_last_release_of_a_master_takes_its_buffers_back),
        cmocka_unit_test(data_is_copied_within_its_bounds_only),
        cmocka_unit_test(the_one_who_holds_the_lock_copies_the_data_of_a_part),
        cmocka_unit_test(the_data_of_a_write_is_not_written),
        cmocka_unit_test(parts_fill_their_ranges_and_complete_the_whole),
        cmocka_unit_test(d01_a_failing_part_fails_the_whole_whichever_ends_last),
        cmocka_unit_test(a_part_lies_within_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
