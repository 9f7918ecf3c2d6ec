/* Slaves made of callbacks: their queries and their life time. */
#include "support.h"

#define NAME_BYTES_LONG 70000

static void drop_is_called_once_when_nobody_holds_the_slave(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    assert_ptr_equal(rogue_mem_slave_retain(recorder.slave), recorder.slave);
    rogue_mem_slave_release(recorder.slave);
    assert_int_equal(events_count(&recorder.drops), 0);
    rogue_mem_master_t *master = master_of(recorder.slave);
    rogue_mem_slave_t *same = rogue_mem_master_slave(master);
    assert_int_equal(rogue_mem_slave_id(same), rogue_mem_slave_id(recorder.slave));
    rogue_mem_slave_release(recorder.slave);
    recorder.slave = NULL;
    rogue_mem_slave_release(same);
    assert_int_equal(events_count(&recorder.drops), 0);
    uint8_t byte = 0;
    assert_ok(transfer(master, 0, &byte, 1, ROGUE_MEM_READ));
    rogue_mem_master_release(master);
    assert_int_equal(events_count(&recorder.drops), 1);
    recorder_destroy(&recorder);
}

static void count_drop(void *ctx) { ++*(int *)ctx; }

static void drop_is_not_called_when_no_slave_is_made(void **state) {
    (void)state;
    int drops = 0;
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &drops;
    callbacks.drop = count_drop;
    assert_int_equal(rogue_mem_slave_new(4, 8, &callbacks, NULL), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(drops, 0);
    const size_t sizes[] = {0, 1, sizeof callbacks - 1, 5000, (size_t)-1};
    rogue_mem_slave_t *slave = NULL;
    for (size_t index = 0; index < COUNT_OF(sizes); index++) {
        callbacks.size = sizes[index];
        assert_int_equal(rogue_mem_slave_new(4, 8, &callbacks, &slave),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_contains(rogue_mem_last_error(), "sizeof(rogue_mem_slave_callbacks_t)");
        assert_null(slave);
        assert_int_equal(drops, 0);
    }
    callbacks.size = sizeof callbacks;
    assert_ok(rogue_mem_slave_new(4, 8, &callbacks, &slave));
    rogue_mem_slave_release(slave);
    assert_int_equal(drops, 1);
}

static void callbacks_of_a_later_release_are_taken_if_nothing_new_is_set(void **state) {
    (void)state;
    int drops = 0;
    struct {
        rogue_mem_slave_callbacks_t known;
        void (*later)(void *ctx);
    } callbacks = {0};
    callbacks.known.size = sizeof callbacks;
    callbacks.known.ctx = &drops;
    callbacks.known.drop = count_drop;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 8, &callbacks.known, &slave));
    rogue_mem_slave_release(slave);
    assert_int_equal(drops, 1);
    slave = NULL;
    callbacks.later = count_drop;
    assert_int_equal(rogue_mem_slave_new(4, 8, &callbacks.known, &slave),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_null(slave);
    assert_int_equal(drops, 1);
}

static void a_slave_without_callbacks_has_the_values_it_was_made_with(void **state) {
    (void)state;
    rogue_mem_slave_callbacks_t empty = {0};
    empty.size = sizeof empty;
    const rogue_mem_slave_callbacks_t *const callbacks[] = {NULL, &empty};
    for (size_t index = 0; index < COUNT_OF(callbacks); index++) {
        rogue_mem_slave_t *slave = NULL;
        assert_ok(rogue_mem_slave_new(2, 64, callbacks[index], &slave));
        assert_int_equal(rogue_mem_slave_min(slave), 2);
        assert_int_equal(rogue_mem_slave_max(slave), 64);
        assert_int_equal(rogue_mem_slave_do_min_access(slave), 2);
        assert_int_equal(rogue_mem_slave_do_max_access(slave), 64);
        assert_int_equal(rogue_mem_slave_do_address(slave), 0);
        assert_int_not_equal(rogue_mem_slave_id(slave), 0);
        assert_int_equal(rogue_mem_slave_do_slave_id(slave), rogue_mem_slave_id(slave));
        char name[32];
        char expected[32];
        snprintf(expected, sizeof expected, "Unnamed_%u", (unsigned)rogue_mem_slave_id(slave));
        assert_ok(rogue_mem_slave_do_slave_name(slave, name, sizeof name, NULL));
        assert_string_equal(name, expected);
        assert_ok(rogue_mem_slave_set_name(slave, "motor"));
        assert_ok(rogue_mem_slave_do_slave_name(slave, name, sizeof name, NULL));
        assert_string_equal(name, "motor");
        rogue_mem_master_t *master = master_of(slave);
        uint8_t byte = 0;
        assert_int_equal(transfer(master, 0, &byte, 1, ROGUE_MEM_READ),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_string_equal(rogue_mem_last_error(),
                            "Unsupported transaction using unconnected memory bus");
        rogue_mem_master_release(master);
        rogue_mem_slave_release(slave);
    }
}

static uint32_t own_min(void *ctx) { return 1 + *(uint32_t *)ctx; }
static uint32_t own_max(void *ctx) { return 2 + *(uint32_t *)ctx; }
static uint64_t own_address(void *ctx) { return 0x100000000ull + *(uint32_t *)ctx; }
static uint32_t own_id(void *ctx) { return 3 + *(uint32_t *)ctx; }

/* A name of as many letters as ctx says. */
static size_t own_name(void *ctx, char *buffer, size_t capacity) {
    size_t length = *(uint32_t *)ctx;
    for (size_t index = 0; index + 1 < capacity && index < length; index++) {
        buffer[index] = (char)('a' + index % 26);
    }
    if (capacity > 0) {
        buffer[length < capacity ? length : capacity - 1] = 0;
    }
    return length;
}

static rogue_mem_slave_t *asked_slave(uint32_t *ctx) {
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = ctx;
    callbacks.min_access = own_min;
    callbacks.max_access = own_max;
    callbacks.address = own_address;
    callbacks.slave_id = own_id;
    callbacks.slave_name = own_name;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 8, &callbacks, &slave));
    return slave;
}

static void queries_go_through_the_callbacks(void **state) {
    (void)state;
    uint32_t base = 1000;
    rogue_mem_slave_t *slave = asked_slave(&base);
    rogue_mem_master_t *master = master_of(slave);
    assert_int_equal(rogue_mem_slave_min(slave), 4);
    assert_int_equal(rogue_mem_slave_max(slave), 8);
    assert_int_equal(rogue_mem_slave_do_min_access(slave), 1001);
    assert_int_equal(rogue_mem_master_req_min_access(master), 1001);
    assert_int_equal(rogue_mem_master_req_max_access(master), 1002);
    assert_int_equal(rogue_mem_master_req_slave_id(master), 1003);
    assert_int_equal(rogue_mem_master_req_address(master), 0x100000000ull + 1000);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
}

static void a_name_of_any_length_comes_through_and_an_absurd_one_is_cut(void **state) {
    (void)state;
    static char buffer[NAME_BYTES_LONG + 1];
    const uint32_t lengths[] = {0, 1, 255, 256, 257, 65535, 65536, NAME_BYTES_LONG};
    for (size_t index = 0; index < COUNT_OF(lengths); index++) {
        uint32_t length = lengths[index];
        rogue_mem_slave_t *slave = asked_slave(&length);
        size_t full = 99999;
        assert_ok(rogue_mem_slave_do_slave_name(slave, buffer, sizeof buffer, &full));
        assert_int_equal(full, length <= 65536 ? length : 65536);
        assert_int_equal(strlen(buffer), full);
        assert_true(full == 0 || buffer[full - 1] == (char)('a' + (full - 1) % 26));
        rogue_mem_slave_release(slave);
    }
}

typedef struct {
    rogue_mem_master_t *master;
    rogue_mem_slave_t *successor;
    bool dropped;
    bool dropped_within;
} replacing_t;

static void replace_myself(void *ctx, rogue_mem_transaction_t *transaction) {
    replacing_t *replacing = ctx;
    rogue_mem_master_set_slave(replacing->master, replacing->successor);
    replacing->dropped_within = replacing->dropped;
    rogue_mem_transaction_done(transaction);
}

static void note_drop(void *ctx) { ((replacing_t *)ctx)->dropped = true; }

static void a_slave_replaced_by_its_own_callback_lives_until_that_returns(void **state) {
    (void)state;
    replacing_t replacing = {0};
    assert_ok(rogue_mem_emulate_new(4, 0, &replacing.successor));
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &replacing;
    callbacks.drop = note_drop;
    callbacks.do_transaction = replace_myself;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 0, &callbacks, &slave));
    replacing.master = master_of(slave);
    rogue_mem_slave_release(slave);
    uint32_t word = 0;
    assert_ok(transfer(replacing.master, 0, &word, 4, ROGUE_MEM_READ));
    assert_false(replacing.dropped_within);
    assert_true(replacing.dropped);
    assert_ok(transfer(replacing.master, 0, &word, 4, ROGUE_MEM_WRITE));
    rogue_mem_master_release(replacing.master);
    rogue_mem_slave_release(replacing.successor);
}

static void keep_what_is_given(void *ctx, rogue_mem_transaction_t *transaction) {
    *(rogue_mem_transaction_t **)ctx = transaction;
}

static void a_slave_may_be_given_its_transactions(void **state) {
    (void)state;
    rogue_mem_transaction_t *given = NULL;
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &given;
    callbacks.do_transaction = keep_what_is_given;
    callbacks.gives_reference = 1;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 0, &callbacks, &slave));
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0x10, 4, &word, ROGUE_MEM_READ, &id));
    rogue_mem_master_release(master);
    /* The last reference. */
    assert_int_equal(rogue_mem_transaction_id(given), id);
    assert_int_equal(rogue_mem_transaction_address(given), 0x10);
    assert_true(rogue_mem_transaction_expired(given));
    rogue_mem_transaction_release(given);
}

static void a_kept_transaction_is_found_by_its_id_once(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
    rogue_mem_transaction_t *transaction = recorder_take(&recorder);
    assert_int_equal(rogue_mem_transaction_id(transaction), id);
    assert_ok(rogue_mem_slave_add_transaction(recorder.slave, transaction));
    rogue_mem_transaction_release(transaction);
    assert_null(rogue_mem_slave_take_transaction(recorder.slave, id + 1));
    transaction = rogue_mem_slave_take_transaction(recorder.slave, id);
    assert_non_null(transaction);
    assert_int_equal(rogue_mem_transaction_id(transaction), id);
    assert_null(rogue_mem_slave_take_transaction(recorder.slave, id));
    rogue_mem_transaction_done(transaction);
    rogue_mem_transaction_release(transaction);
    assert_ok(rogue_mem_master_wait(master, id));
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void d25_an_expired_transaction_is_not_kept(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    uint32_t word = 0;
    uint32_t ids[2] = {0};
    rogue_mem_transaction_t *transactions[2];
    for (int index = 0; index < 2; index++) {
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &ids[index]));
        transactions[index] = recorder_take(&recorder);
    }
    assert_ok(rogue_mem_slave_add_transaction(recorder.slave, transactions[0]));
    assert_int_equal(rogue_mem_master_wait(master, 0), ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    assert_ok(rogue_mem_slave_add_transaction(recorder.slave, transactions[1]));
    for (int index = 0; index < 2; index++) {
        assert_null(rogue_mem_slave_take_transaction(recorder.slave, ids[index]));
        rogue_mem_transaction_release(transactions[index]);
    }
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void *make_requests(void *argument) {
    rogue_mem_master_t *master = argument;
    bool good = true;
    for (int round = 0; round < 8; round++) {
        uint8_t byte = (uint8_t)round;
        good = good && transfer(master, 0, &byte, 1, ROGUE_MEM_WRITE) == ROGUE_MEM_OK;
    }
    return good ? master : NULL;
}

static void requests_from_several_threads_reach_the_callback(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    rogue_mem_master_t *master = master_of(recorder.slave);
    pthread_t threads[4];
    for (size_t index = 0; index < COUNT_OF(threads); index++) {
        assert_int_equal(pthread_create(&threads[index], NULL, make_requests, master), 0);
    }
    for (size_t index = 0; index < COUNT_OF(threads); index++) {
        void *good = NULL;
        pthread_join(threads[index], &good);
        assert_ptr_equal(good, master);
    }
    assert_int_equal(events_count(&recorder.transactions), 4 * 8);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void stopping_a_slave_without_activity_does_nothing(void **state) {
    (void)state;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_emulate_new(1, 0, &slave));
    rogue_mem_slave_stop(slave);
    rogue_mem_slave_stop(slave);
    rogue_mem_master_t *master = master_of(slave);
    uint8_t byte = 7;
    assert_ok(transfer(master, 0, &byte, 1, ROGUE_MEM_READ));
    assert_int_equal(byte, 0);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drop_is_called_once_when_nobody_holds_the_slave),
        cmocka_unit_test(drop_is_not_called_when_no_slave_is_made),
        cmocka_unit_test(callbacks_of_a_later_release_are_taken_if_nothing_new_is_set),
        cmocka_unit_test(a_slave_without_callbacks_has_the_values_it_was_made_with),
        cmocka_unit_test(queries_go_through_the_callbacks),
        cmocka_unit_test(a_name_of_any_length_comes_through_and_an_absurd_one_is_cut),
        cmocka_unit_test(a_slave_replaced_by_its_own_callback_lives_until_that_returns),
        cmocka_unit_test(a_slave_may_be_given_its_transactions),
        cmocka_unit_test(a_kept_transaction_is_found_by_its_id_once),
        cmocka_unit_test(d25_an_expired_transaction_is_not_kept),
        cmocka_unit_test(requests_from_several_threads_reach_the_callback),
        cmocka_unit_test(stopping_a_slave_without_activity_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
