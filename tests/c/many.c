/* What a program needs that must not block in a wait, or has many requests: waits with a limit,
 * starts by value, requests by the dozen, observers, and giving up. */
#include "support.h"

#define COUNT 20

static void done_with(recorder_t *recorder) {
    rogue_mem_transaction_t *transaction = recorder_take(recorder);
    rogue_mem_transaction_done(transaction);
    rogue_mem_transaction_release(transaction);
}

static void a_limited_wait_leaves_what_has_not_ended_as_it_is(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t words[2] = {0};
    uint32_t ids[2] = {0};
    for (int index = 0; index < 2; index++) {
        assert_ok(
            rogue_mem_master_request(master, 0, 4, &words[index], ROGUE_MEM_READ, &ids[index]));
    }
    const uint64_t limits[] = {0, 1, 2000};
    for (size_t index = 0; index < COUNT_OF(limits); index++) {
        assert_int_equal(rogue_mem_master_wait_for(master, ids[0], limits[index]),
                         ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(rogue_mem_master_wait_for(master, 0, limits[index]),
                         ROGUE_MEM_ERROR_TIMEOUT);
    }
    char text[8] = "#";
    assert_ok(rogue_mem_master_error(master, text, sizeof text, NULL));
    assert_string_equal(text, "");
    done_with(&recorder);
    assert_int_equal(rogue_mem_master_wait_for(master, 0, 0), ROGUE_MEM_ERROR_TIMEOUT);
    assert_ok(rogue_mem_master_wait_for(master, ids[0], 0));
    assert_ok(rogue_mem_master_wait_for(master, ids[0], 0));
    rogue_mem_transaction_t *second = recorder_take(&recorder);
    rogue_mem_transaction_error(second, "the second");
    rogue_mem_transaction_release(second);
    assert_int_equal(rogue_mem_master_wait_for(master, 0, LONG_TIMEOUT_US),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(), "the second");
    assert_ok(rogue_mem_master_wait_for(master, 0, LONG_TIMEOUT_US));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_limited_wait_times_out_what_has_had_its_time(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, FORGET);
    rogue_mem_master_t *master = master_of(recorder.slave);
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    assert_int_equal(rogue_mem_master_wait_for(master, id, LONG_TIMEOUT_US),
                     ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_started_write_carries_what_was_there_at_the_start(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_POST};
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        uint8_t bytes[4] = {1, 2, 3, 4};
        uint8_t seen[4] = {0};
        const uint64_t started = rogue_mem_master_start(master, 0, 4, bytes, types[index]);
        assert_in_range(started, 1, UINT32_MAX);
        memset(bytes, 0xFF, sizeof bytes);
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        assert_int_equal(rogue_mem_transaction_id(transaction), started);
        assert_int_equal(rogue_mem_transaction_type(transaction), types[index]);
        assert_ok(rogue_mem_transaction_read_data(transaction, 0, seen, 4));
        rogue_mem_transaction_done(transaction);
        rogue_mem_transaction_release(transaction);
        assert_ok(rogue_mem_master_wait(master, (uint32_t)started));
        const uint8_t expected[4] = {1, 2, 3, 4};
        assert_memory_equal(seen, expected, 4);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void what_has_failed_when_it_is_started_says_so_when_it_is_waited_for(void **state) {
    (void)state;
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    uint32_t word = 7;
    const uint64_t started = rogue_mem_master_start(master, 0, 4, &word, ROGUE_MEM_READ);
    assert_in_range(started, 1, UINT32_MAX);
    assert_int_equal(rogue_mem_master_wait(master, (uint32_t)started), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(),
                        "Unsupported transaction using unconnected memory bus");
    assert_int_equal(word, 7);
    rogue_mem_master_release(master);
}

static void many_requests_take_one_call_each_way(void **state) {
    (void)state;
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    rogue_mem_master_t *master = master_of(memory);
    rogue_mem_slave_release(memory);
    uint64_t addresses[COUNT];
    uint32_t sizes[COUNT];
    uint32_t ids[COUNT];
    uint8_t bytes[COUNT * COUNT];
    uint8_t back[COUNT * COUNT] = {0};
    size_t total = 0;
    for (uint32_t index = 0; index < COUNT; index++) {
        addresses[index] = 0x1000ull * (COUNT - index);
        sizes[index] = index;
        for (uint32_t n = 0; n < index; n++) {
            bytes[total++] = (uint8_t)(7 * index + n);
        }
    }
    size_t waited = 0;
    assert_ok(rogue_mem_master_request_many(master, ROGUE_MEM_WRITE, COUNT, addresses, sizes, bytes,
                                            ids));
    assert_ok(rogue_mem_master_wait_many(master, COUNT, ids, LONG_TIMEOUT_US, &waited));
    assert_int_equal(waited, COUNT);
    assert_ok(
        rogue_mem_master_request_many(master, ROGUE_MEM_READ, COUNT, addresses, sizes, back, ids));
    assert_ok(rogue_mem_master_wait_many(master, COUNT, ids, 0, &waited));
    assert_int_equal(waited, COUNT);
    assert_memory_equal(back, bytes, total);
    rogue_mem_master_release(master);
}

static void a_wait_for_many_stops_at_each_failure_and_at_its_limit(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    const uint64_t addresses[4] = {0, 4, 8, 12};
    const uint32_t sizes[4] = {4, 4, 4, 4};
    uint32_t words[4] = {0};
    uint32_t ids[4] = {0};
    assert_ok(
        rogue_mem_master_request_many(master, ROGUE_MEM_READ, 4, addresses, sizes, words, ids));
    done_with(&recorder);
    rogue_mem_transaction_t *second = recorder_take(&recorder);
    rogue_mem_transaction_error(second, "no second");
    rogue_mem_transaction_release(second);
    done_with(&recorder);

    size_t waited = 99;
    assert_int_equal(rogue_mem_master_wait_many(master, 4, ids, 0, &waited),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(waited, 2);
    assert_string_equal(rogue_mem_last_error(), "no second");
    assert_int_equal(rogue_mem_master_wait_many(master, 2, ids + 2, 1000, &waited),
                     ROGUE_MEM_ERROR_TIMEOUT);
    assert_int_equal(waited, 1);
    done_with(&recorder);
    assert_ok(rogue_mem_master_wait_many(master, 1, ids + 3, LONG_TIMEOUT_US, &waited));
    assert_int_equal(waited, 1);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

typedef struct {
    events_t ended;
    events_t dropped;
    uint32_t id;
} watcher_t;

static void on_ended(void *ctx, uint32_t id) {
    watcher_t *watcher = ctx;
    watcher->id = id;
    events_raise(&watcher->ended);
}

static void on_dropped(void *ctx) {
    watcher_t *watcher = ctx;
    events_raise(&watcher->dropped);
}

static void an_observer_is_told_of_every_end_once(void **state) {
    (void)state;
    enum { DONE, ERROR, BEFORE, GIVEN_UP, ENDS };
    for (int end = 0; end < ENDS; end++) {
        recorder_t recorder;
        recorder_init(&recorder, 4, 0, KEEP);
        rogue_mem_master_t *master = master_of(recorder.slave);
        watcher_t watcher = {0};
        events_init(&watcher.ended);
        events_init(&watcher.dropped);
        rogue_mem_observer_t observer = {
            .size = sizeof observer, .ctx = &watcher, .drop = on_dropped, .ended = on_ended};
        uint32_t word = 0;
        uint32_t id = 0;
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        if (end == BEFORE) {
            done_with(&recorder);
        }
        assert_ok(rogue_mem_master_observe(master, id, &observer));
        if (end == DONE) {
            assert_int_equal(events_count(&watcher.ended), 0);
            done_with(&recorder);
        } else if (end == ERROR) {
            rogue_mem_transaction_t *transaction = recorder_take(&recorder);
            rogue_mem_transaction_error(transaction, "broken");
            rogue_mem_transaction_release(transaction);
        } else if (end == GIVEN_UP) {
            assert_true(rogue_mem_master_give_up_for(master, 0, NULL, 0));
        }
        assert_int_equal(events_count(&watcher.ended), 1);
        assert_int_equal(watcher.id, id);
        assert_int_equal(events_count(&watcher.dropped), 1);
        rogue_mem_master_wait(master, id);
        assert_int_equal(rogue_mem_master_observe(master, id, &observer),
                         ROGUE_MEM_ERROR_NOT_FOUND);
        assert_int_equal(events_count(&watcher.ended), 1);
        rogue_mem_master_release(master);
        recorder_destroy(&recorder);
        events_destroy(&watcher.ended);
        events_destroy(&watcher.dropped);
    }
}

static void what_has_succeeded_when_it_is_started_need_not_be_waited_for(void **state) {
    (void)state;
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    rogue_mem_master_t *master = master_of(memory);
    rogue_mem_slave_release(memory);
    uint32_t word = 0x12345678;
    uint32_t back = 0;
    uint64_t last = 0;
    const rogue_mem_observer_t observer = {.size = sizeof observer, .ended = on_ended};
    for (int round = 0; round < 3; round++) {
        const uint64_t write = rogue_mem_master_start(master, 0, 4, &word, ROGUE_MEM_WRITE);
        const uint64_t read = rogue_mem_master_start(master, 0, 4, &back, ROGUE_MEM_READ);
        assert_true(write > ROGUE_MEM_STARTED_DONE && read > write && write > last);
        last = read;
        assert_int_equal(back, word);
        assert_int_equal(rogue_mem_master_observe(master, (uint32_t)read, &observer),
                         ROGUE_MEM_ERROR_NOT_FOUND);
        assert_ok(rogue_mem_master_wait(master, (uint32_t)read));
        back = 0;
    }
    assert_ok(rogue_mem_master_wait(master, 0));
    rogue_mem_master_release(master);
}

static void what_has_been_given_up_is_out_of_the_slaves_reach(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0x55555555;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    assert_true(rogue_mem_master_give_up_for(master, 0, NULL, 0));
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_t *late = recorder_take(&recorder);
    const uint8_t bytes[4] = {1, 2, 3, 4};
    assert_true(rogue_mem_transaction_expired(late));
    assert_int_equal(rogue_mem_transaction_write_data(late, 0, bytes, 4),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    rogue_mem_transaction_done(late);
    rogue_mem_transaction_release(late);
    assert_int_equal(word, 0x55555555);
    recorder.behaviour = MEMORY;
    assert_ok(transfer(master, 0, &word, 4, ROGUE_MEM_READ));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void what_a_slave_has_locked_is_not_given_up_in_time(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t words[3] = {0};
    uint32_t ids[3] = {0};
    rogue_mem_transaction_t *transactions[3] = {NULL};
    for (int index = 0; index < 3; index++) {
        assert_ok(
            rogue_mem_master_request(master, 0, 4, &words[index], ROGUE_MEM_READ, &ids[index]));
        transactions[index] = recorder_take(&recorder);
    }
    uint32_t outstanding[3] = {0};
    size_t count = 0;
    assert_ok(rogue_mem_master_outstanding(master, outstanding, 2, &count));
    assert_int_equal(count, 3);
    const uint32_t lowest[3] = {ids[0], ids[1], 0};
    assert_memory_equal(outstanding, lowest, sizeof lowest);
    rogue_mem_transaction_lock(transactions[0]);
    assert_true(rogue_mem_master_give_up_for(master, 1, &ids[1], 0));
    assert_ok(rogue_mem_master_outstanding(master, outstanding, 3, &count));
    assert_int_equal(count, 2);
    assert_true(outstanding[0] == ids[0] && outstanding[1] == ids[2]);
    assert_ok(rogue_mem_master_outstanding(master, NULL, 0, &count));
    assert_false(rogue_mem_master_give_up_for(master, 1, &ids[0], 0));
    assert_false(rogue_mem_master_give_up_for(master, 0, NULL, 1000));
    assert_false(rogue_mem_transaction_expired(transactions[0]));
    assert_true(rogue_mem_transaction_expired(transactions[1]));
    assert_true(rogue_mem_transaction_expired(transactions[2]));
    const uint32_t unknown[2] = {ids[1], 0xFFFFFFF0};
    assert_true(rogue_mem_master_give_up_for(master, 2, unknown, 0));
    *rogue_mem_transaction_data(transactions[0]) = 9;
    rogue_mem_transaction_done(transactions[0]);
    assert_false(rogue_mem_master_give_up_for(master, 1, &ids[0], 0));
    rogue_mem_transaction_unlock(transactions[0]);
    assert_ok(rogue_mem_master_wait(master, ids[0]));
    assert_int_equal(*(uint8_t *)&words[0], 9);
    for (int index = 0; index < 3; index++) {
        rogue_mem_transaction_release(transactions[index]);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void data_that_is_locked_is_not_copied_in_time(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint8_t bytes[4] = {1, 2, 3, 4};
    uint8_t copy[4] = {9, 9, 9, 9};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, bytes, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    rogue_mem_transaction_lock(transaction);
    const uint64_t limits[] = {0, 1000};
    for (size_t index = 0; index < COUNT_OF(limits); index++) {
        assert_int_equal(
            rogue_mem_transaction_read_data_for(transaction, 0, copy, 4, limits[index]),
            ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(
            rogue_mem_transaction_write_data_for(transaction, 0, copy, 4, limits[index]),
            ROGUE_MEM_ERROR_TIMEOUT);
    }
    rogue_mem_transaction_unlock(transaction);
    assert_int_equal(copy[0], 9);
    assert_ok(rogue_mem_transaction_read_data_for(transaction, 1, copy, 3, 0));
    assert_ok(rogue_mem_transaction_write_data_for(transaction, 0, copy, 2, LONG_TIMEOUT_US));
    const uint8_t expected[4] = {2, 3, 3, 4};
    assert_memory_equal(bytes, expected, 4);
    rogue_mem_transaction_done(transaction);
    assert_int_equal(rogue_mem_transaction_write_data_for(transaction, 0, copy, 2, 0),
                     ROGUE_MEM_ERROR_INVALID_DATA);
    rogue_mem_transaction_release(transaction);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_lock_that_is_held_is_not_taken_in_time(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    assert_true(rogue_mem_transaction_lock_for(transaction, 0, NULL));
    assert_false(rogue_mem_transaction_lock_for(transaction, 0, NULL));
    assert_false(rogue_mem_transaction_lock_for(transaction, 1000, NULL));
    rogue_mem_transaction_unlock(transaction);
    assert_true(rogue_mem_transaction_lock_for(transaction, LONG_TIMEOUT_US, NULL));
    rogue_mem_transaction_unlock(transaction);

    bool held = false;
    bool other = false;
    assert_true(rogue_mem_transaction_lock_for(transaction, 0, &held));
    assert_true(held && rogue_mem_transaction_lock_for(transaction, 0, &held));
    assert_false(rogue_mem_transaction_lock_for(transaction, 0, &other));
    rogue_mem_transaction_unlock_held(transaction, &other);
    assert_true(held && !other && !rogue_mem_transaction_lock_for(transaction, 0, NULL));
    rogue_mem_transaction_unlock_held(transaction, &held);
    rogue_mem_transaction_unlock_held(transaction, &held);
    assert_true(!held && rogue_mem_transaction_lock_for(transaction, 0, NULL));
    rogue_mem_transaction_unlock(transaction);
    rogue_mem_transaction_done(transaction);
    rogue_mem_transaction_release(transaction);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void a_limited_wait_is_not_held_up_by_a_slave_that_has_the_lock(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    for (int round = 0; round < 2; round++) {
        const bool is_done = round == 0;
        rogue_mem_master_set_timeout(master, is_done ? LONG_TIMEOUT_US : SHORT_TIMEOUT_US);
        uint32_t word = 0;
        uint32_t id = 0;
        size_t waited = 7;
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        rogue_mem_transaction_lock(transaction);
        if (is_done) {
            rogue_mem_transaction_done(transaction);
        }
        /* Long enough for the second one's own timeout, which the lock holds up, too. */
        assert_int_equal(rogue_mem_master_wait_for(master, id, 3 * SHORT_TIMEOUT_US),
                         ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(rogue_mem_master_wait_for(master, 0, 1000), ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(rogue_mem_master_wait_many(master, 1, &id, 1000, &waited),
                         ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(waited, 0);
        *rogue_mem_transaction_data(transaction) = 9;
        rogue_mem_transaction_unlock(transaction);
        assert_int_equal(rogue_mem_master_wait_for(master, id, LONG_TIMEOUT_US),
                         is_done ? ROGUE_MEM_OK : ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
        assert_int_equal(*(uint8_t *)&word, 9);
        rogue_mem_transaction_release(transaction);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void looking_now_and_then_is_enough_over_a_bridge(void **state) {
    (void)state;
    rogue_mem_slave_t *memory = NULL;
    rogue_mem_tcp_server_t *server = NULL;
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server));
    rogue_mem_master_t *serving = rogue_mem_tcp_server_master(server);
    assert_ok(rogue_mem_master_set_slave(serving, memory));
    assert_ok(
        rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(server), NULL, &client));
    assert_ok(rogue_mem_tcp_client_wait_ready(client, TEST_TIMEOUT_S, 0.01));
    rogue_mem_slave_t *remote = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(remote);
    for (int round = 0; round < 50; round++) {
        uint32_t word = 0;
        uint32_t id = 0;
        rogue_mem_status_t status = ROGUE_MEM_ERROR_TIMEOUT;
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        /* Nothing but the requester's timeout would end this if nobody took up the answer. */
        while (status == ROGUE_MEM_ERROR_TIMEOUT) {
            status = rogue_mem_master_wait_for(master, id, round % 2 == 0 ? 0 : 50);
        }
        assert_ok(status);
    }
    rogue_mem_master_release(master);
    rogue_mem_slave_release(remote);
    rogue_mem_tcp_client_release(client);
    rogue_mem_master_release(serving);
    rogue_mem_tcp_server_release(server);
    rogue_mem_slave_release(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limited_wait_leaves_what_has_not_ended_as_it_is),
        cmocka_unit_test(a_limited_wait_times_out_what_has_had_its_time),
        cmocka_unit_test(a_started_write_carries_what_was_there_at_the_start),
        cmocka_unit_test(what_has_succeeded_when_it_is_started_need_not_be_waited_for),
        cmocka_unit_test(what_has_failed_when_it_is_started_says_so_when_it_is_waited_for),
        cmocka_unit_test(many_requests_take_one_call_each_way),
        cmocka_unit_test(a_wait_for_many_stops_at_each_failure_and_at_its_limit),
        cmocka_unit_test(an_observer_is_told_of_every_end_once),
        cmocka_unit_test(what_has_been_given_up_is_out_of_the_slaves_reach),
        cmocka_unit_test(what_a_slave_has_locked_is_not_given_up_in_time),
        cmocka_unit_test(data_that_is_locked_is_not_copied_in_time),
        cmocka_unit_test(a_lock_that_is_held_is_not_taken_in_time),
        cmocka_unit_test(a_limited_wait_is_not_held_up_by_a_slave_that_has_the_lock),
        cmocka_unit_test(looking_now_and_then_is_enough_over_a_bridge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
