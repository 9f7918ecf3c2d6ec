/* Functions for programs that must not block, or have many requests: waits with a limit, starts by
 * value, bursts, observers, and cancellation. */
#include "support.h"

#include "rogue_mem_binding.h"

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
        assert_ok(rogue_mem_transaction_copy_from_requester(transaction, 0, seen, 4));
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

static void f01_a_burst_arrives_in_order_and_a_started_one_carries_what_was_there(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    const uint64_t addresses[3] = {0x30, 0x20, 0x10};
    const uint32_t sizes[3] = {1, 0, 2};
    const uint8_t expected[3] = {1, 2, 3};
    const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_POST};
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        uint8_t bytes[3] = {1, 2, 3};
        uint32_t ids[3] = {0};
        assert_ok(
            rogue_mem_master_start_many(master, types[index], 3, addresses, sizes, bytes, ids));
        memset(bytes, 0xFF, sizeof bytes);
        size_t at = 0;
        for (size_t n = 0; n < 3; n++) {
            uint8_t seen[2] = {0};
            rogue_mem_transaction_t *transaction = recorder_take(&recorder);
            assert_int_equal(rogue_mem_transaction_id(transaction), ids[n]);
            assert_int_equal(rogue_mem_transaction_address(transaction), addresses[n]);
            assert_ok(rogue_mem_transaction_copy_from_requester(transaction, 0, seen, sizes[n]));
            assert_memory_equal(seen, expected + at, sizes[n]);
            at += sizes[n];
            rogue_mem_transaction_done(transaction);
            rogue_mem_transaction_release(transaction);
        }
        size_t waited = 0;
        assert_ok(rogue_mem_master_wait_many(master, 3, ids, LONG_TIMEOUT_US, &waited));
        assert_int_equal(waited, 3);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
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
    rogue_mem_status_t status;
    char text[200];
} watcher_t;

static void on_ended(void *ctx, uint32_t id, rogue_mem_status_t status, const char *text) {
    watcher_t *watcher = ctx;
    watcher->id = id;
    watcher->status = status;
    snprintf(watcher->text, sizeof watcher->text, "%s", text);
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
            assert_true(rogue_mem_master_cancel(master, 0, NULL, 0));
        }
        assert_int_equal(events_count(&watcher.ended), 1);
        assert_int_equal(watcher.id, id);
        const char *const texts[ENDS] = {"", "broken", "", "cancelled"};
        assert_contains(watcher.text, texts[end]);
        const bool failed = end == ERROR || end == GIVEN_UP;
        assert_int_equal(watcher.status, failed ? ROGUE_MEM_ERROR_TRANSACTION : ROGUE_MEM_OK);
        assert_int_equal(events_count(&watcher.dropped), 1);
        size_t count = 99;
        assert_ok(rogue_mem_master_outstanding(master, NULL, 0, &count));
        assert_int_equal(count, 0);
        assert_int_equal(rogue_mem_master_observe(master, id, &observer),
                         ROGUE_MEM_ERROR_NOT_FOUND);
        assert_int_equal(events_count(&watcher.ended), 1);
        rogue_mem_master_release(master);
        recorder_destroy(&recorder);
        events_destroy(&watcher.ended);
        events_destroy(&watcher.dropped);
    }
}

typedef struct {
    rogue_mem_transaction_t *transaction;
    events_t dropped;
} parting_t;

/* A replaced observer is not called: a call would raise the count of drops. */
static void on_end_of_replaced(void *ctx, uint32_t id, rogue_mem_status_t status,
                               const char *text) {
    (void)id;
    (void)status;
    (void)text;
    parting_t *parting = ctx;
    events_raise(&parting->dropped);
}

/* Takes the transaction's own lock in its drop. */
static void on_replaced(void *ctx) {
    parting_t *parting = ctx;
    rogue_mem_transaction_done(parting->transaction);
    events_raise(&parting->dropped);
}

static void f06_the_drop_of_a_replaced_observer_may_use_the_transaction(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    parting_t parting = {.transaction = recorder_take(&recorder)};
    events_init(&parting.dropped);
    watcher_t watcher = {0};
    events_init(&watcher.ended);
    const rogue_mem_observer_t first = {
        .size = sizeof first, .ctx = &parting, .drop = on_replaced, .ended = on_end_of_replaced};
    const rogue_mem_observer_t second = {.size = sizeof second, .ctx = &watcher, .ended = on_ended};
    assert_ok(rogue_mem_master_observe(master, id, &first));
    assert_int_equal(events_count(&parting.dropped), 0);
    assert_ok(rogue_mem_master_observe(master, id, &second));
    assert_int_equal(events_count(&parting.dropped), 1);
    assert_int_equal(events_count(&watcher.ended), 1);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_release(parting.transaction);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
    events_destroy(&parting.dropped);
    events_destroy(&watcher.ended);
}

typedef struct {
    rogue_mem_master_t *master;
    uint32_t word;
    uint32_t left;
} chain_t;

static void on_link_ended(void *ctx, uint32_t id, rogue_mem_status_t status, const char *text);

static void post_link(chain_t *chain) {
    const rogue_mem_observer_t observer = {
        .size = sizeof observer, .ctx = chain, .ended = on_link_ended};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(chain->master, 0, 4, &chain->word, ROGUE_MEM_POST, &id));
    assert_ok(rogue_mem_master_observe(chain->master, id, &observer));
}

static void on_link_ended(void *ctx, uint32_t id, rogue_mem_status_t status, const char *text) {
    (void)id;
    (void)text;
    chain_t *chain = ctx;
    assert_ok(status);
    chain->left--;
    if (chain->left > 0) {
        post_link(chain);
    }
}

static void f32_an_observer_may_post_the_next_write_in_a_chain_of_any_length(void **state) {
    (void)state;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &slave));
    /* The memory checker needs a millisecond for each link, and sees in few what it would in all. */
    const uint32_t links = getenv("ROGUE_MEM_MEMCHECK") != NULL ? 2000 : 100000;
    chain_t chain = {.master = master_of(slave), .left = links};
    post_link(&chain);
    assert_int_equal(chain.left, 0);
    rogue_mem_master_release(chain.master);
    rogue_mem_slave_release(slave);
}

static void f05_an_observed_transaction_is_told_at_its_deadline_and_not_waited_for(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    watcher_t watcher = {0};
    events_init(&watcher.ended);
    events_init(&watcher.dropped);
    const rogue_mem_observer_t observer = {
        .size = sizeof observer, .ctx = &watcher, .drop = on_dropped, .ended = on_ended};
    uint32_t word = 0;
    uint32_t id = 0;
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    assert_ok(rogue_mem_master_observe(master, id, &observer));
    events_wait(&watcher.dropped, 1);
    assert_int_equal(events_count(&watcher.ended), 1);
    assert_int_equal(watcher.id, id);
    assert_int_equal(watcher.status, ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    assert_contains(watcher.text, "Timeout waiting for register transaction");
    rogue_mem_transaction_t *late = recorder_take(&recorder);
    assert_true(rogue_mem_transaction_expired(late));
    assert_null(rogue_mem_transaction_data(late));
    rogue_mem_transaction_release(late);

    /* Ended by a slave that has the data locked: notified when the slave releases it. */
    rogue_mem_master_set_timeout(master, LONG_TIMEOUT_US);
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    assert_ok(rogue_mem_master_observe(master, id, &observer));
    rogue_mem_transaction_t *locked = recorder_take(&recorder);
    rogue_mem_transaction_lock(locked);
    *rogue_mem_transaction_data(locked) = 7;
    rogue_mem_transaction_done(locked);
    assert_int_equal(events_count(&watcher.ended), 1);
    rogue_mem_transaction_unlock(locked);
    assert_int_equal(events_count(&watcher.ended), 2);
    assert_int_equal(watcher.status, ROGUE_MEM_OK);
    assert_int_equal(*(const uint8_t *)&word, 7);
    assert_null(rogue_mem_transaction_data(locked));
    rogue_mem_transaction_release(locked);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
    events_destroy(&watcher.ended);
    events_destroy(&watcher.dropped);
}

static void f05_what_nobody_waits_for_is_forgotten_in_the_end_and_counted(void **state) {
    (void)state;
    /* The memory checker needs half a millisecond for each: it sees some, and none forgotten. */
    const bool forgets = getenv("ROGUE_MEM_MEMCHECK") == NULL;
    const int requests = forgets ? 140000 : 2000;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, FAIL);
    recorder.error_text = "broken";
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    uint32_t first = 0;
    uint32_t last = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_WRITE, &first));
    for (int n = 1; n < requests; n++) {
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_WRITE, &last));
    }
    const uint64_t forgotten = rogue_mem_master_forgotten_count(master);
    if (forgets) {
        assert_true(forgotten > 7000 && forgotten < 9000);
        assert_int_equal(rogue_mem_master_wait(master, first), ROGUE_MEM_ERROR_NOT_FOUND);
        assert_contains(rogue_mem_last_error(), "was forgotten");
    } else {
        assert_int_equal(forgotten, 0);
        assert_int_equal(rogue_mem_master_wait(master, first), ROGUE_MEM_ERROR_TRANSACTION);
    }
    assert_int_equal(rogue_mem_master_wait(master, last), ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(rogue_mem_master_forgotten_count(NULL), 0);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
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
    assert_true(rogue_mem_master_cancel(master, 0, NULL, 0));
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_transaction_t *late = recorder_take(&recorder);
    const uint8_t bytes[4] = {1, 2, 3, 4};
    assert_true(rogue_mem_transaction_expired(late));
    assert_int_equal(rogue_mem_transaction_copy_to_requester(late, 0, bytes, 4),
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
    assert_true(rogue_mem_master_cancel(master, 1, &ids[1], 0));
    assert_ok(rogue_mem_master_outstanding(master, outstanding, 3, &count));
    assert_int_equal(count, 2);
    assert_true(outstanding[0] == ids[0] && outstanding[1] == ids[2]);
    assert_ok(rogue_mem_master_outstanding(master, NULL, 0, &count));
    assert_false(rogue_mem_master_cancel(master, 1, &ids[0], 0));
    assert_false(rogue_mem_master_cancel(master, 0, NULL, 1000));
    assert_false(rogue_mem_transaction_expired(transactions[0]));
    assert_true(rogue_mem_transaction_expired(transactions[1]));
    assert_true(rogue_mem_transaction_expired(transactions[2]));
    const uint32_t unknown[2] = {ids[1], 0xFFFFFFF0};
    assert_true(rogue_mem_master_cancel(master, 2, unknown, 0));
    *rogue_mem_transaction_data(transactions[0]) = 9;
    rogue_mem_transaction_done(transactions[0]);
    assert_false(rogue_mem_master_cancel(master, 1, &ids[0], 0));
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
            rogue_mem_transaction_copy_from_requester_for(transaction, 0, copy, 4, limits[index]),
            ROGUE_MEM_ERROR_TIMEOUT);
        assert_int_equal(
            rogue_mem_transaction_copy_to_requester_for(transaction, 0, copy, 4, limits[index]),
            ROGUE_MEM_ERROR_TIMEOUT);
    }
    rogue_mem_transaction_unlock(transaction);
    assert_int_equal(copy[0], 9);
    assert_ok(rogue_mem_transaction_copy_from_requester_for(transaction, 1, copy, 3, 0));
    assert_ok(
        rogue_mem_transaction_copy_to_requester_for(transaction, 0, copy, 2, LONG_TIMEOUT_US));
    const uint8_t expected[4] = {2, 3, 3, 4};
    assert_memory_equal(bytes, expected, 4);
    rogue_mem_transaction_done(transaction);
    assert_int_equal(rogue_mem_transaction_copy_to_requester_for(transaction, 0, copy, 2, 0),
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

    uint32_t held = 0;
    uint32_t other = 0;
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
    assert_ok(rogue_mem_tcp_client_wait_ready(client, LONG_TIMEOUT_US, PERIOD_US));
    rogue_mem_slave_t *remote = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(remote);
    for (int round = 0; round < 50; round++) {
        uint32_t word = 0;
        uint32_t id = 0;
        rogue_mem_status_t status = ROGUE_MEM_ERROR_TIMEOUT;
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        /* Only the requester's timeout would end this if the answer were not read. */
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
        cmocka_unit_test(f01_a_burst_arrives_in_order_and_a_started_one_carries_what_was_there),
        cmocka_unit_test(a_wait_for_many_stops_at_each_failure_and_at_its_limit),
        cmocka_unit_test(an_observer_is_told_of_every_end_once),
        cmocka_unit_test(f32_an_observer_may_post_the_next_write_in_a_chain_of_any_length),
        cmocka_unit_test(f05_an_observed_transaction_is_told_at_its_deadline_and_not_waited_for),
        cmocka_unit_test(f05_what_nobody_waits_for_is_forgotten_in_the_end_and_counted),
        cmocka_unit_test(f06_the_drop_of_a_replaced_observer_may_use_the_transaction),
        cmocka_unit_test(what_has_been_given_up_is_out_of_the_slaves_reach),
        cmocka_unit_test(what_a_slave_has_locked_is_not_given_up_in_time),
        cmocka_unit_test(data_that_is_locked_is_not_copied_in_time),
        cmocka_unit_test(a_lock_that_is_held_is_not_taken_in_time),
        cmocka_unit_test(a_limited_wait_is_not_held_up_by_a_slave_that_has_the_lock),
        cmocka_unit_test(looking_now_and_then_is_enough_over_a_bridge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
