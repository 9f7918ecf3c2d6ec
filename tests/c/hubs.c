/* Hubs: offsets, splitting, roots, and hubs of the program's own. */
#include "support.h"

static rogue_mem_hub_t *hub_over(rogue_mem_slave_t *slave, uint64_t offset, uint32_t min,
                                 uint32_t max) {
    rogue_mem_hub_t *hub = NULL;
    assert_ok(rogue_mem_hub_new(offset, min, max, &hub));
    rogue_mem_master_t *downstream = rogue_mem_hub_master(hub);
    assert_ok(rogue_mem_master_set_slave(downstream, slave));
    rogue_mem_master_release(downstream);
    return hub;
}

static rogue_mem_master_t *master_over(rogue_mem_hub_t *hub) {
    rogue_mem_slave_t *upstream = rogue_mem_hub_slave(hub);
    rogue_mem_master_t *master = master_of(upstream);
    rogue_mem_slave_release(upstream);
    return master;
}

static void offsets_add_up_on_the_way_to_the_slave(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    rogue_mem_hub_t *near_hub = hub_over(recorder.slave, 0x10000000000ull, 0, 0);
    rogue_mem_slave_t *near_slave = rogue_mem_hub_slave(near_hub);
    rogue_mem_hub_t *far_hub = hub_over(near_slave, 0x40, 0, 0);
    rogue_mem_master_t *master = master_over(far_hub);
    uint32_t word = 0;
    assert_ok(transfer(master, 0x8, &word, 4, ROGUE_MEM_READ));
    assert_true(recorder.records[0].address == 0x10000000048ull);
    assert_int_equal(rogue_mem_hub_offset(far_hub), 0x40);
    assert_true(rogue_mem_hub_address(far_hub) == 0x10000000040ull);
    assert_true(rogue_mem_master_req_address(master) == 0x10000000040ull);
    assert_int_equal(rogue_mem_master_req_slave_id(master), rogue_mem_slave_id(recorder.slave));
    rogue_mem_master_release(master);
    rogue_mem_hub_release(far_hub);
    rogue_mem_slave_release(near_slave);
    rogue_mem_hub_release(near_hub);
    recorder_destroy(&recorder);
}

static void d02_a_request_larger_than_the_slave_takes_is_split(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 8, MEMORY);
    rogue_mem_hub_t *hub = hub_over(recorder.slave, 0x100, 0, 0);
    rogue_mem_master_t *master = master_over(hub);
    assert_int_equal(rogue_mem_master_req_max_access(master), 0xFFFFFFFF);
    uint8_t written[20];
    uint8_t read[20] = {0};
    for (size_t index = 0; index < sizeof written; index++) {
        written[index] = (uint8_t)(index + 1);
    }
    assert_ok(transfer(master, 0x10, written, sizeof written, ROGUE_MEM_WRITE));
    assert_int_equal(recorder.count, 3);
    const uint32_t sizes[] = {8, 8, 4};
    for (size_t index = 0; index < COUNT_OF(sizes); index++) {
        assert_int_equal(recorder.records[index].address, 0x110 + 8 * index);
        assert_int_equal(recorder.records[index].size, sizes[index]);
    }
    assert_ok(transfer(master, 0x10, read, sizeof read, ROGUE_MEM_READ));
    assert_memory_equal(read, written, sizeof read);
    rogue_mem_master_release(master);
    rogue_mem_hub_release(hub);
    recorder_destroy(&recorder);
}

static void d01_a_part_that_fails_is_reported(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 8, KEEP);
    rogue_mem_hub_t *hub = hub_over(recorder.slave, 0x1000, 0, 0);
    rogue_mem_master_t *master = master_over(hub);
    uint8_t bytes[16] = {0};
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(master, 0, 16, bytes, ROGUE_MEM_READ, &id));
    assert_int_equal(recorder.count, 2);
    rogue_mem_transaction_t *first = recorder_take(&recorder);
    rogue_mem_transaction_error(first, "broken");
    rogue_mem_transaction_release(first);
    rogue_mem_transaction_t *second = recorder_take(&recorder);
    rogue_mem_transaction_done(second);
    rogue_mem_transaction_release(second);
    assert_int_equal(rogue_mem_master_wait(master, id), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "failed with error: broken");
    rogue_mem_master_release(master);
    rogue_mem_hub_release(hub);
    recorder_destroy(&recorder);
}

static void a_root_hides_what_lies_below_it(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 8, MEMORY);
    rogue_mem_hub_t *root = hub_over(recorder.slave, 0x80, 2, 64);
    rogue_mem_slave_t *half = rogue_mem_hub_slave(root);
    assert_ok(rogue_mem_slave_set_name(half, "root"));
    rogue_mem_master_t *master = master_of(half);
    assert_int_equal(rogue_mem_master_req_address(master), 0);
    assert_int_equal(rogue_mem_master_req_min_access(master), 2);
    assert_int_equal(rogue_mem_master_req_max_access(master), 64);
    assert_int_equal(rogue_mem_master_req_slave_id(master), rogue_mem_slave_id(half));
    char name[8];
    assert_ok(rogue_mem_master_req_slave_name(master, name, sizeof name, NULL));
    assert_string_equal(name, "root");
    assert_int_equal(rogue_mem_hub_address(root), 0x80);
    uint32_t word = 0;
    assert_ok(transfer(master, 4, &word, 4, ROGUE_MEM_READ));
    assert_int_equal(recorder.records[0].address, 0x84);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(half);
    rogue_mem_hub_release(root);
    recorder_destroy(&recorder);
}

static void d04_an_unconnected_hub_says_so(void **state) {
    (void)state;
    rogue_mem_hub_t *hub = NULL;
    assert_ok(rogue_mem_hub_new(0, 0, 0, &hub));
    rogue_mem_master_t *master = master_over(hub);
    uint8_t bytes[64];
    assert_int_equal(transfer(master, 0, bytes, sizeof bytes, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(),
                        "Unsupported transaction using unconnected memory bus");
    rogue_mem_master_release(master);
    rogue_mem_hub_release(hub);
}

/* A hub of the program: addresses from 0x1000 on are indirect, through a select and a data
 * register; others are passed on unchanged. */
enum { SELECT = 0x00, WINDOW = 0x04, INDIRECT = 0x1000 };

static void translate(void *ctx, rogue_mem_transaction_t *transaction) {
    rogue_mem_hub_t *hub = ctx;
    uint64_t address = rogue_mem_transaction_address(transaction);
    if (address < INDIRECT) {
        rogue_mem_hub_forward(hub, transaction);
        return;
    }
    rogue_mem_master_t *downstream = rogue_mem_hub_master(hub);
    uint32_t selected = (uint32_t)(address - INDIRECT);
    uint32_t value = 0;
    rogue_mem_status_t status = transfer(downstream, SELECT, &selected, 4, ROGUE_MEM_WRITE);
    if (status == ROGUE_MEM_OK) {
        status = transfer(downstream, WINDOW, &value, 4, ROGUE_MEM_READ);
    }
    if (status == ROGUE_MEM_OK) {
        status =
            rogue_mem_transaction_copy_to_requester(transaction, 0, (const uint8_t *)&value, 4);
    }
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    } else {
        rogue_mem_transaction_error(transaction, rogue_mem_last_error());
    }
    rogue_mem_master_release(downstream);
}

static void drop_hub(void *ctx) { rogue_mem_hub_release(ctx); }

static void a_hub_of_callbacks_translates_addresses(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    rogue_mem_hub_t *hub = hub_over(recorder.slave, 0x20, 0, 0);
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = hub;
    callbacks.drop = drop_hub;
    callbacks.do_transaction = translate;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 4, &callbacks, &slave));
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);

    uint32_t word = 0x12345678;
    assert_ok(transfer(master, WINDOW, &word, 4, ROGUE_MEM_WRITE));
    assert_int_equal(recorder.records[0].address, 0x20 + WINDOW);
    /* The hub's offset is not added to its own requests. */
    memcpy(recorder.memory + WINDOW, "\x01\x02\x03\x04", 4);
    assert_ok(transfer(master, INDIRECT + 0x55, &word, 4, ROGUE_MEM_READ));
    assert_memory_equal(&word, "\x01\x02\x03\x04", 4);
    const uint32_t selected = 0x55;
    assert_memory_equal(recorder.memory + SELECT, &selected, 4);
    recorder.behaviour = FAIL;
    recorder.error_text = "no window";
    assert_int_equal(transfer(master, INDIRECT, &word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(), "no window");
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

static void the_halves_of_a_hub_outlive_its_handle(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, MEMORY);
    rogue_mem_hub_t *hub = hub_over(recorder.slave, 0x40, 0, 0);
    assert_ptr_equal(rogue_mem_hub_retain(hub), hub);
    rogue_mem_hub_release(hub);
    rogue_mem_slave_t *upstream = rogue_mem_hub_slave(hub);
    rogue_mem_hub_release(hub);
    rogue_mem_master_t *master = master_of(upstream);
    rogue_mem_slave_release(upstream);
    uint32_t word = 0;
    assert_ok(transfer(master, 0, &word, 4, ROGUE_MEM_READ));
    assert_int_equal(recorder.records[0].address, 0x40);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

/* Connects hubs in a circle. */
static void close_circle(rogue_mem_hub_t *const *hubs, size_t count) {
    for (size_t index = 0; index < count; index++) {
        rogue_mem_master_t *downstream = rogue_mem_hub_master(hubs[index]);
        rogue_mem_slave_t *next = rogue_mem_hub_slave(hubs[(index + 1) % count]);
        assert_ok(rogue_mem_master_set_slave(downstream, next));
        rogue_mem_slave_release(next);
        rogue_mem_master_release(downstream);
    }
}

/* Hubs in a circle keep each other alive: breaks it, and releases them. */
static void release_circle(rogue_mem_hub_t *const *hubs, size_t count) {
    rogue_mem_slave_t *end = NULL;
    assert_ok(rogue_mem_slave_new(4, 4, NULL, &end));
    for (size_t index = 0; index < count; index++) {
        rogue_mem_master_t *downstream = rogue_mem_hub_master(hubs[index]);
        assert_ok(rogue_mem_master_set_slave(downstream, end));
        rogue_mem_master_release(downstream);
        rogue_mem_hub_release(hubs[index]);
    }
    rogue_mem_slave_release(end);
}

/* Asserts that master leads into a circle. */
static void assert_endless(rogue_mem_master_t *master) {
    uint32_t words[4] = {0};
    const uint32_t types[] = {ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_VERIFY, ROGUE_MEM_POST};
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        assert_int_equal(transfer(master, 0, words, sizeof words, types[index]),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), "the hubs are connected in a circle");
        assert_contains(rogue_mem_last_error(), "at hub Unnamed_");
    }
    assert_true(rogue_mem_master_req_address(master) == 0);
    assert_int_equal(rogue_mem_master_req_min_access(master), 4);
    assert_int_equal(rogue_mem_master_req_slave_id(master), 0);
    char name[16];
    assert_ok(rogue_mem_master_req_slave_name(master, name, sizeof name, NULL));
    assert_string_equal(name, "Unnamed_0");
}

static void hubs_in_a_circle_fail_requests_and_answer_as_if_unconnected(void **state) {
    (void)state;
    for (size_t count = 1; count <= 3; count++) {
        rogue_mem_hub_t *hubs[3] = {NULL};
        for (size_t index = 0; index < count; index++) {
            assert_ok(rogue_mem_hub_new(0x100, 0, 0, &hubs[index]));
        }
        close_circle(hubs, count);
        rogue_mem_master_t *master = master_over(hubs[0]);
        assert_endless(master);
        assert_true(rogue_mem_hub_address(hubs[0]) == 0);
        assert_int_equal(rogue_mem_master_req_max_access(master), 0xFFFFFFFF);
        rogue_mem_master_release(master);
        release_circle(hubs, count);
    }
}

/* A slave of callbacks that answers with new requests and queries of its own. */
typedef struct {
    rogue_mem_master_t *master;
    unsigned drops;
} asker_t;

static void ask_transaction(void *ctx, rogue_mem_transaction_t *transaction) {
    asker_t *asker = ctx;
    uint32_t words[4] = {0};
    rogue_mem_status_t status = transfer(asker->master, 0, words, sizeof words, ROGUE_MEM_READ);
    if (status == ROGUE_MEM_OK) {
        rogue_mem_transaction_done(transaction);
    } else {
        rogue_mem_transaction_error(transaction, rogue_mem_last_error());
    }
}

static uint32_t ask_min_access(void *ctx) {
    return rogue_mem_master_req_min_access(((asker_t *)ctx)->master);
}

static uint32_t ask_max_access(void *ctx) {
    return rogue_mem_master_req_max_access(((asker_t *)ctx)->master);
}

static uint64_t ask_address(void *ctx) {
    return rogue_mem_master_req_address(((asker_t *)ctx)->master) + 0x100;
}

static uint32_t ask_slave_id(void *ctx) {
    return rogue_mem_master_req_slave_id(((asker_t *)ctx)->master);
}

static size_t ask_slave_name(void *ctx, char *buffer, size_t capacity) {
    size_t length = 0;
    (void)rogue_mem_master_req_slave_name(((asker_t *)ctx)->master, buffer, capacity, &length);
    return length;
}

static void drop_asker(void *ctx) { ((asker_t *)ctx)->drops++; }

static void callbacks_in_a_circle_fail_requests_and_answer_as_if_unconnected(void **state) {
    (void)state;
    for (size_t count = 1; count <= 3; count += 2) {
        asker_t askers[3] = {{NULL, 0}};
        rogue_mem_slave_t *slaves[3] = {NULL};
        for (size_t index = 0; index < count; index++) {
            rogue_mem_slave_callbacks_t callbacks = {0};
            callbacks.size = sizeof callbacks;
            callbacks.ctx = &askers[index];
            callbacks.drop = drop_asker;
            callbacks.do_transaction = ask_transaction;
            callbacks.min_access = ask_min_access;
            callbacks.max_access = ask_max_access;
            callbacks.address = ask_address;
            callbacks.slave_id = ask_slave_id;
            callbacks.slave_name = ask_slave_name;
            assert_ok(rogue_mem_slave_new(4, 4, &callbacks, &slaves[index]));
        }
        for (size_t index = 0; index < count; index++) {
            askers[index].master = master_of(slaves[(index + 1) % count]);
        }
        rogue_mem_master_t *master = master_of(slaves[0]);
        assert_endless(master);
        assert_int_equal(rogue_mem_master_req_max_access(master), 0);
        rogue_mem_master_release(master);
        for (size_t index = 0; index < count; index++) {
            rogue_mem_slave_release(slaves[index]);
        }
        for (size_t index = 0; index < count; index++) {
            rogue_mem_master_release(askers[index].master);
        }
        for (size_t index = 0; index < count; index++) {
            assert_int_equal(askers[index].drops, 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_add_up_on_the_way_to_the_slave),
        cmocka_unit_test(d02_a_request_larger_than_the_slave_takes_is_split),
        cmocka_unit_test(d01_a_part_that_fails_is_reported),
        cmocka_unit_test(a_root_hides_what_lies_below_it),
        cmocka_unit_test(d04_an_unconnected_hub_says_so),
        cmocka_unit_test(a_hub_of_callbacks_translates_addresses),
        cmocka_unit_test(the_halves_of_a_hub_outlive_its_handle),
        cmocka_unit_test(hubs_in_a_circle_fail_requests_and_answer_as_if_unconnected),
        cmocka_unit_test(callbacks_in_a_circle_fail_requests_and_answer_as_if_unconnected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
