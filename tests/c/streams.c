/* Frames, and the masters and slaves between which they travel. */
#include "support.h"

#include "rogue_mem_binding.h"

typedef struct {
    events_t drops;
    unsigned number;
    unsigned *log;
    size_t *logged;
    uint8_t first_byte;
    uint32_t payload;
    rogue_mem_frame_t *kept;
} receiver_t;

static void accept_frame(void *ctx, rogue_mem_frame_t *frame) {
    receiver_t *receiver = ctx;
    if (receiver->log != NULL) {
        receiver->log[(*receiver->logged)++] = receiver->number;
    }
    rogue_mem_frame_lock(frame);
    receiver->payload = rogue_mem_frame_payload(frame);
    receiver->first_byte = receiver->payload > 0 ? rogue_mem_frame_data(frame)[0] : 0;
    rogue_mem_frame_unlock(frame);
    if (receiver->kept == NULL) {
        receiver->kept = rogue_mem_frame_retain(frame);
    }
}

static void drop(void *ctx) { events_raise(&((receiver_t *)ctx)->drops); }

static rogue_mem_stream_slave_t *slave_of(receiver_t *receiver) {
    memset(receiver, 0, sizeof *receiver);
    events_init(&receiver->drops);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = receiver;
    callbacks.drop = drop;
    callbacks.accept_frame = accept_frame;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    return slave;
}

static rogue_mem_frame_t *frame_of(const char *text) {
    rogue_mem_frame_t *frame = NULL;
    uint32_t length = (uint32_t)strlen(text);
    assert_ok(rogue_mem_frame_new(length, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, length));
    assert_ok(rogue_mem_frame_write_data(frame, 0, (const uint8_t *)text, length));
    return frame;
}

static void a_frame_has_room_and_payload(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(16, &frame));
    assert_int_equal(rogue_mem_frame_size(frame), 16);
    assert_int_equal(rogue_mem_frame_available(frame), 16);
    assert_int_equal(rogue_mem_frame_payload(frame), 0);
    assert_ok(rogue_mem_frame_set_payload(frame, 10));
    assert_int_equal(rogue_mem_frame_payload(frame), 10);
    assert_int_equal(rogue_mem_frame_available(frame), 6);
    assert_int_equal(rogue_mem_frame_set_payload(frame, 17), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_payload(frame), 10);
    uint8_t *data = rogue_mem_frame_data(frame);
    assert_non_null(data);
    memcpy(data, "0123456789abcdef", 16);
    uint8_t copy[4];
    assert_ok(rogue_mem_frame_read_data(frame, 6, copy, 4));
    assert_memory_equal(copy, "6789", 4);
    assert_int_equal(rogue_mem_frame_read_data(frame, 7, copy, 4), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_read_data(frame, UINT32_MAX, copy, 2), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_write_data(frame, 9, copy, 2), ROGUE_MEM_ERROR_FRAME);
    assert_memory_equal(copy, "6789", 4);
    assert_ok(rogue_mem_frame_write_data(frame, 8, (const uint8_t *)"XY", 2));
    assert_memory_equal(data, "01234567XYabcdef", 16);
    assert_ptr_equal(rogue_mem_frame_data(frame), data);
    assert_ptr_equal(rogue_mem_frame_retain(frame), frame);
    rogue_mem_frame_release(frame);
    rogue_mem_frame_release(frame);
}

static void a_frame_without_room_has_no_data(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(0, &frame));
    assert_int_equal(rogue_mem_frame_size(frame), 0);
    assert_null(rogue_mem_frame_data(frame));
    assert_ok(rogue_mem_frame_read_data(frame, 0, NULL, 0));
    rogue_mem_frame_release(frame);
}

static void flags_users_channel_and_error_are_replaced(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(1, &frame));
    assert_int_equal(rogue_mem_frame_flags(frame), 0);
    rogue_mem_frame_set_flags(frame, 0xA55A);
    assert_int_equal(rogue_mem_frame_first_user(frame), 0x5A);
    assert_int_equal(rogue_mem_frame_last_user(frame), 0xA5);
    rogue_mem_frame_set_first_user(frame, 0x01);
    rogue_mem_frame_set_last_user(frame, 0x02);
    assert_int_equal(rogue_mem_frame_flags(frame), 0x0201);
    rogue_mem_frame_set_channel(frame, 7);
    rogue_mem_frame_set_error(frame, 0x80);
    assert_int_equal(rogue_mem_frame_channel(frame), 7);
    assert_int_equal(rogue_mem_frame_error(frame), 0x80);
    rogue_mem_frame_set_error(frame, 0);
    assert_int_equal(rogue_mem_frame_error(frame), 0);
    assert_int_equal(rogue_mem_frame_flags(frame), 0x0201);
    rogue_mem_frame_release(frame);
}

static void a_requested_frame_shows_nothing_of_one_that_was_released(void **state) {
    (void)state;
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_frame_t *kept = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    for (uint32_t round = 0; round < 8; round++) {
        rogue_mem_frame_t *frame = NULL;
        const uint32_t size = 16 + round % 3;
        assert_ok(rogue_mem_stream_master_req_frame(master, size, 0, &frame));
        assert_ptr_not_equal(frame, kept);
        assert_int_equal(rogue_mem_frame_size(frame), size);
        assert_int_equal(rogue_mem_frame_payload(frame), 0);
        assert_int_equal(rogue_mem_frame_flags(frame), 0);
        assert_int_equal(rogue_mem_frame_channel(frame), 0);
        assert_int_equal(rogue_mem_frame_error(frame), 0);
        uint8_t *data = rogue_mem_frame_data(frame);
        for (uint32_t i = 0; i < size; i++) {
            assert_int_equal(data[i], 0);
        }
        memset(data, 0xEE, size);
        assert_ok(rogue_mem_frame_set_payload(frame, size));
        rogue_mem_frame_set_flags(frame, 0xFFFF);
        rogue_mem_frame_set_channel(frame, 0xFF);
        rogue_mem_frame_set_error(frame, 0xFF);
        if (round == 3) {
            kept = rogue_mem_frame_retain(frame);
        }
        rogue_mem_frame_release(frame);
    }
    assert_int_equal(rogue_mem_frame_flags(kept), 0xFFFF);
    assert_int_equal(rogue_mem_frame_payload(kept), 16);
    rogue_mem_frame_release(kept);
    rogue_mem_stream_master_release(master);
}

static void a_locked_frame_can_be_looked_at_by_its_thread(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of("abc");
    rogue_mem_frame_lock(frame);
    rogue_mem_frame_lock(frame);
    assert_int_equal(rogue_mem_frame_payload(frame), 3);
    assert_int_equal(rogue_mem_frame_size(frame), 3);
    assert_int_equal(rogue_mem_frame_available(frame), 0);
    assert_memory_equal(rogue_mem_frame_data(frame), "abc", 3);
    assert_ok(rogue_mem_frame_set_payload(frame, 2));
    rogue_mem_frame_unlock(frame);
    assert_int_equal(rogue_mem_frame_payload(frame), 2);
    rogue_mem_frame_unlock(frame);
    assert_int_equal(rogue_mem_frame_payload(frame), 2);
    rogue_mem_frame_release(frame);
}

typedef struct {
    rogue_mem_frame_t *frame;
    events_t started;
    uint32_t payload;
} waiter_t;

static void *ask_for_payload(void *argument) {
    waiter_t *waiter = argument;
    events_raise(&waiter->started);
    waiter->payload = rogue_mem_frame_payload(waiter->frame);
    return NULL;
}

static void a_locked_frame_keeps_other_threads_waiting(void **state) {
    (void)state;
    waiter_t waiter = {0};
    waiter.frame = frame_of("abcdef");
    events_init(&waiter.started);
    rogue_mem_frame_lock(waiter.frame);
    assert_ok(rogue_mem_frame_set_payload(waiter.frame, 1));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_for_payload, &waiter), 0);
    events_wait(&waiter.started, 1);
    /* However late the thread comes, it never sees the 1. */
    assert_ok(rogue_mem_frame_set_payload(waiter.frame, 5));
    rogue_mem_frame_unlock(waiter.frame);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.payload, 5);
    rogue_mem_frame_release(waiter.frame);
}

static void *try_to_lock(void *argument) {
    rogue_mem_frame_t *frame = argument;
    return rogue_mem_frame_lock_for(frame, 0, NULL) || rogue_mem_frame_lock_for(frame, 1000, NULL)
               ? frame
               : NULL;
}

static void *result_of_another_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
    pthread_join(thread, &result);
    return result;
}

static void a_frame_that_is_locked_is_not_locked_in_time(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of("abc");
    assert_true(rogue_mem_frame_lock_for(frame, LONG_TIMEOUT_US, NULL));
    assert_true(rogue_mem_frame_lock_for(frame, 0, NULL));
    assert_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_unlock(frame);
    assert_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_unlock(frame);
    /* The other thread releases it at its end. */
    assert_ptr_equal(result_of_another_thread(try_to_lock, frame), frame);
    uint32_t held = 0;
    uint32_t other = 0;
    assert_true(rogue_mem_frame_lock_for(frame, 0, &held));
    assert_true(held && rogue_mem_frame_lock_for(frame, 0, &held));
    rogue_mem_frame_unlock_held(frame, &other);
    assert_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_unlock_held(frame, &held);
    assert_false(held);
    assert_ptr_equal(result_of_another_thread(try_to_lock, frame), frame);
    held = 1;
    rogue_mem_frame_unlock_held(frame, &held);
    assert_string_equal(rogue_mem_last_error_source(), "rogue_mem_frame_unlock_held");
    assert_true(held);
    rogue_mem_frame_release(frame);
}

/* What the variants with a time limit return while another thread has the lock. */
static void *use_in_time(void *argument) {
    rogue_mem_frame_t *frame = argument;
    uint32_t size = 7, payload = 7;
    uint8_t byte = 7;
    const bool timed_out =
        rogue_mem_frame_measure_for(frame, 0, &size, &payload) == ROGUE_MEM_ERROR_TIMEOUT &&
        rogue_mem_frame_read_data_for(frame, 0, &byte, 1, 1000) == ROGUE_MEM_ERROR_TIMEOUT &&
        rogue_mem_frame_put_data_for(frame, 0, &byte, 1, 1000) == ROGUE_MEM_ERROR_TIMEOUT;
    return timed_out && size == 7 && payload == 7 && byte == 7 ? frame : NULL;
}

static void a_frame_is_measured_read_and_written_within_a_time(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = NULL;
    uint32_t size = 0, payload = 0;
    uint8_t bytes[4] = {0};
    assert_ok(rogue_mem_frame_new(6, &frame));
    rogue_mem_frame_lock(frame);
    assert_ok(rogue_mem_frame_put_data_for(frame, 1, (const uint8_t *)"abcd", 4, 0));
    assert_ptr_equal(result_of_another_thread(use_in_time, frame), frame);
    assert_ok(rogue_mem_frame_measure_for(frame, 0, &size, &payload));
    rogue_mem_frame_unlock(frame);
    assert_int_equal(size, 6);
    assert_int_equal(payload, 5);
    assert_ok(rogue_mem_frame_put_data_for(frame, 2, (const uint8_t *)"XY", 2, 0));
    assert_int_equal(rogue_mem_frame_payload(frame), 5);
    assert_ok(rogue_mem_frame_read_data_for(frame, 1, bytes, 4, 0));
    assert_memory_equal(bytes, "aXYd", 4);
    assert_int_equal(rogue_mem_frame_read_data_for(frame, 2, bytes, 4, 0), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_put_data_for(frame, 3, bytes, 4, 0), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_put_data_for(frame, UINT32_MAX, bytes, 4, 0),
                     ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_payload(frame), 5);
    assert_ok(rogue_mem_frame_put_data_for(frame, 5, NULL, 0, 0));
    assert_memory_equal(bytes, "aXYd", 4);
    rogue_mem_frame_release(frame);
}

static void a_slave_counts_the_buffers_it_has_given(void **state) {
    (void)state;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    assert_int_equal(rogue_mem_stream_slave_fixed_size(slave), 0);
    assert_int_equal(rogue_mem_stream_slave_pool_size(slave), 0);
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_slave_req_frame(slave, 100, 0, &frame));
    assert_int_equal(rogue_mem_stream_slave_alloc_count(slave), 1);
    assert_int_equal(rogue_mem_stream_slave_alloc_bytes(slave), 100);
    rogue_mem_frame_release(frame);
    assert_int_equal(rogue_mem_stream_slave_alloc_count(slave), 0);

    rogue_mem_stream_slave_set_fixed_size(slave, 64);
    rogue_mem_stream_slave_set_pool_size(slave, 3);
    assert_int_equal(rogue_mem_stream_slave_fixed_size(slave), 64);
    assert_int_equal(rogue_mem_stream_slave_pool_size(slave), 3);
    for (int round = 0; round < 2; round++) {
        assert_ok(rogue_mem_stream_slave_req_frame(slave, 100, 0, &frame));
        assert_int_equal(rogue_mem_frame_size(frame), 128);
        assert_int_equal(rogue_mem_stream_slave_alloc_count(slave), 2);
        assert_int_equal(rogue_mem_stream_slave_alloc_bytes(slave), 128);
        rogue_mem_frame_release(frame);
        assert_int_equal(rogue_mem_stream_slave_alloc_bytes(slave), 0);
    }
    rogue_mem_stream_slave_release(slave);
}

static void unlocking_what_is_not_locked_is_an_error_and_nothing_else(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of("abc");
    rogue_mem_log_remove_filter("no such filter");
    rogue_mem_frame_unlock(frame);
    assert_string_equal(rogue_mem_last_error_source(), "rogue_mem_frame_unlock");
    rogue_mem_frame_lock(frame);
    rogue_mem_frame_unlock(frame);
    assert_int_equal(rogue_mem_frame_payload(frame), 3);
    rogue_mem_frame_release(frame);
}

static void *lock_and_leave(void *argument) {
    rogue_mem_frame_lock(argument);
    return NULL;
}

static void a_thread_that_ends_lets_go_of_its_frames(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of("abc");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lock_and_leave, frame), 0);
    pthread_join(thread, NULL);
    assert_int_equal(rogue_mem_frame_payload(frame), 3);
    rogue_mem_frame_release(frame);
}

static void a_locked_frame_outlives_its_last_reference(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of("abc");
    rogue_mem_frame_lock(frame);
    uint8_t *data = rogue_mem_frame_data(frame);
    rogue_mem_frame_release(frame);
    assert_memory_equal(data, "abc", 3);
    rogue_mem_frame_unlock(frame);
}

static void the_slave_connected_first_receives_last(void **state) {
    (void)state;
    unsigned log[8];
    size_t logged = 0;
    receiver_t receivers[3];
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    for (unsigned index = 0; index < 3; index++) {
        rogue_mem_stream_slave_t *slave = slave_of(&receivers[index]);
        receivers[index].number = index;
        receivers[index].log = log;
        receivers[index].logged = &logged;
        assert_ok(rogue_mem_stream_master_add_slave(master, slave));
        rogue_mem_stream_slave_release(slave);
    }
    assert_int_equal(rogue_mem_stream_master_slave_count(master), 3);
    rogue_mem_frame_t *frame = frame_of("Zabc");
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    const unsigned expected[] = {2, 1, 0};
    assert_int_equal(logged, 3);
    assert_memory_equal(log, expected, sizeof expected);
    for (unsigned index = 0; index < 3; index++) {
        assert_int_equal(receivers[index].payload, 4);
        assert_int_equal(receivers[index].first_byte, 'Z');
        assert_ptr_equal(receivers[index].kept, frame);
        rogue_mem_frame_release(receivers[index].kept);
        assert_int_equal(events_count(&receivers[index].drops), 0);
    }
    rogue_mem_stream_master_stop(master);
    assert_int_equal(rogue_mem_stream_master_slave_count(master), 0);
    for (unsigned index = 0; index < 3; index++) {
        assert_int_equal(events_count(&receivers[index].drops), 1);
    }
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    assert_int_equal(logged, 3);
    rogue_mem_frame_release(frame);
    assert_ptr_equal(rogue_mem_stream_master_retain(master), master);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_master_release(master);
}

typedef struct {
    unsigned calls;
    bool locked_here;
    bool locked_there;
} locker_t;

static void lock_what_comes(void *ctx, rogue_mem_frame_t *frame) {
    locker_t *locker = ctx;
    pthread_t thread;
    void *locked_there = NULL;
    locker->locked_here = rogue_mem_frame_lock_for(frame, 0, NULL);
    rogue_mem_frame_unlock(frame);
    if (pthread_create(&thread, NULL, try_to_lock, frame) == 0) {
        pthread_join(thread, &locked_there);
    }
    locker->locked_there = locked_there != NULL;
    locker->calls++;
}

static void f29_a_frame_that_its_sender_has_locked_is_delivered(void **state) {
    (void)state;
    locker_t locker = {0};
    const rogue_mem_stream_slave_callbacks_t callbacks = {
        .size = sizeof callbacks, .ctx = &locker, .accept_frame = lock_what_comes};
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    rogue_mem_stream_slave_t *counter = NULL;
    assert_ok(rogue_mem_stream_slave_new(NULL, &counter));
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_stream_master_add_slave(master, slave));
    assert_ok(rogue_mem_stream_master_add_slave(master, counter));
    rogue_mem_frame_t *frame = frame_of("abc");
    rogue_mem_frame_lock(frame);
    uint32_t held = 0;
    assert_true(rogue_mem_frame_lock_for(frame, 0, &held));
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    assert_true(locker.calls == 1 && locker.locked_here && locker.locked_there);
    assert_int_equal(rogue_mem_stream_slave_frame_count(counter), 1);
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    assert_true(locker.calls == 2 && locker.locked_here && locker.locked_there);
    /* It is locked as often as before. */
    assert_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_unlock_held(frame, &held);
    assert_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_unlock(frame);
    assert_non_null(result_of_another_thread(try_to_lock, frame));
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    assert_non_null(result_of_another_thread(try_to_lock, frame));
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(counter);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_master_release(master);
}

typedef struct {
    rogue_mem_stream_slave_t *slave;
    uint32_t size;
    uint32_t zero_copy;
    unsigned drops;
} maker_t;

static rogue_mem_frame_t *make_frame(void *ctx, uint32_t size, uint32_t zero_copy) {
    maker_t *maker = ctx;
    maker->size = size;
    maker->zero_copy = zero_copy;
    rogue_mem_frame_t *frame = NULL;
    if (size <= 100 &&
        rogue_mem_stream_slave_req_local_frame(maker->slave, size, &frame) == ROGUE_MEM_OK) {
        rogue_mem_frame_set_channel(frame, 5);
    }
    return frame;
}

static void count_drop(void *ctx) { ((maker_t *)ctx)->drops++; }

static void f30_a_slave_may_make_the_frames_for_its_masters_itself(void **state) {
    (void)state;
    maker_t maker = {0};
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    const rogue_mem_stream_slave_callbacks_t callbacks = {.size = sizeof callbacks,
                                                          .ctx = &maker,
                                                          .drop = count_drop,
                                                          .gate = gate,
                                                          .accept_req = make_frame};
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &maker.slave));
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_stream_master_add_slave(master, maker.slave));
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_master_req_frame(master, 10, 0x100, &frame));
    assert_true(maker.size == 10 && maker.zero_copy == 1);
    assert_int_equal(rogue_mem_frame_channel(frame), 5);
    assert_int_equal(rogue_mem_stream_slave_alloc_bytes(maker.slave), 10);
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    rogue_mem_frame_release(frame);
    assert_int_equal(rogue_mem_stream_slave_frame_count(maker.slave), 1);
    assert_ok(rogue_mem_stream_slave_req_frame(maker.slave, 20, 0, &frame));
    assert_true(maker.size == 20 && maker.zero_copy == 0);
    rogue_mem_frame_release(frame);
    assert_int_equal(rogue_mem_stream_slave_alloc_count(maker.slave), 0);
    rogue_mem_frame_t *untouched = frame;
    assert_int_equal(rogue_mem_stream_master_req_frame(master, 101, 0, &frame),
                     ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_contains(rogue_mem_last_error(), "no frame for 101 bytes");
    assert_ptr_equal(frame, untouched);
    /* No callback runs behind a closed gate. */
    assert_true(rogue_mem_gate_close(gate, 0));
    assert_ok(rogue_mem_stream_master_req_frame(master, 7, 0, &frame));
    assert_int_equal(maker.size, 101);
    rogue_mem_frame_release(frame);
    rogue_mem_gate_release(gate);
    rogue_mem_stream_slave_release(maker.slave);
    assert_int_equal(maker.drops, 0);
    rogue_mem_stream_master_release(master);
    assert_int_equal(maker.drops, 1);
}

static void slaves_count_what_they_receive(void **state) {
    (void)state;
    receiver_t receiver;
    rogue_mem_stream_slave_t *slaves[2] = {slave_of(&receiver), NULL};
    assert_ok(rogue_mem_stream_slave_new(NULL, &slaves[1]));
    rogue_mem_stream_master_t *master = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    for (int index = 0; index < 2; index++) {
        assert_ok(rogue_mem_stream_master_add_slave(master, slaves[index]));
    }
    const char *const texts[] = {"", "a", "abcde"};
    for (size_t index = 0; index < COUNT_OF(texts); index++) {
        rogue_mem_frame_t *frame = frame_of(texts[index]);
        assert_ok(rogue_mem_stream_master_send_frame(master, frame));
        rogue_mem_frame_release(frame);
    }
    for (int index = 0; index < 2; index++) {
        assert_int_equal(rogue_mem_stream_slave_frame_count(slaves[index]), 3);
        assert_int_equal(rogue_mem_stream_slave_byte_count(slaves[index]), 6);
        assert_ptr_equal(rogue_mem_stream_slave_retain(slaves[index]), slaves[index]);
        rogue_mem_stream_slave_release(slaves[index]);
        rogue_mem_stream_slave_release(slaves[index]);
    }
    rogue_mem_frame_release(receiver.kept);
    rogue_mem_stream_master_release(master);
    assert_int_equal(events_count(&receiver.drops), 1);
}

static void frames_are_asked_for_at_the_slave_or_the_master(void **state) {
    (void)state;
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    rogue_mem_frame_t *frames[3] = {NULL, NULL, NULL};
    assert_ok(rogue_mem_stream_master_req_frame(master, 10, 1, &frames[0]));
    assert_ok(rogue_mem_stream_master_add_slave(master, slave));
    assert_ok(rogue_mem_stream_master_req_frame(master, 10, 0, &frames[1]));
    assert_ok(rogue_mem_stream_slave_req_frame(slave, 10, 1, &frames[2]));
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
    /* Frames outlive their pool. */
    for (size_t index = 0; index < COUNT_OF(frames); index++) {
        assert_true(rogue_mem_frame_size(frames[index]) >= 10);
        assert_int_equal(rogue_mem_frame_payload(frames[index]), 0);
        memset(rogue_mem_frame_data(frames[index]), 0x5A, 10);
        rogue_mem_frame_release(frames[index]);
    }
}

static void a_port_sends_and_receives(void **state) {
    (void)state;
    rogue_mem_stream_master_t *masters[2] = {NULL, NULL};
    rogue_mem_stream_slave_t *slaves[2] = {NULL, NULL};
    rogue_mem_stream_port_t *ports[2] = {NULL, NULL};
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(4, &frame));
    for (size_t index = 0; index < 2; index++) {
        assert_ok(rogue_mem_stream_master_new(&masters[index]));
        assert_ok(rogue_mem_stream_slave_new(NULL, &slaves[index]));
        assert_ok(rogue_mem_stream_port_new(masters[index], slaves[index], &ports[index]));
    }
    assert_ok(rogue_mem_stream_port_connect(ports[0], ports[1]));
    for (size_t index = 0; index < 2; index++) {
        assert_int_equal(rogue_mem_stream_master_slave_count(masters[index]), 1);
        assert_ok(rogue_mem_stream_master_send_frame(masters[index], frame));
        assert_int_equal(rogue_mem_stream_slave_frame_count(slaves[1 - index]), 1);
    }
    /* What it is connected to stays so, and its ends are those that it was made of. */
    assert_ptr_equal(rogue_mem_stream_port_retain(ports[1]), ports[1]);
    rogue_mem_stream_port_release(ports[1]);
    rogue_mem_stream_port_release(ports[1]);
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(ports[0]);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(ports[0]);
    assert_ptr_equal(master, masters[0]);
    assert_ok(rogue_mem_stream_master_send_frame(masters[1], frame));
    assert_int_equal(rogue_mem_stream_slave_frame_count(slave), 2);

    /* With itself: it receives what it sends, once. */
    rogue_mem_stream_master_stop(master);
    assert_ok(rogue_mem_stream_port_connect(ports[0], ports[0]));
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    assert_int_equal(rogue_mem_stream_slave_frame_count(slave), 3);
    rogue_mem_stream_master_stop(master);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(ports[0]);
    for (size_t index = 0; index < 2; index++) {
        rogue_mem_stream_master_release(masters[index]);
        rogue_mem_stream_slave_release(slaves[index]);
    }
    rogue_mem_frame_release(frame);
}

static void a_port_with_too_many_slaves_says_so(void **state) {
    (void)state;
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_stream_port_t *port = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    assert_ok(rogue_mem_stream_port_new(master, slave, &port));
    for (unsigned count = 0; count < 1024; count++) {
        assert_ok(rogue_mem_stream_port_connect(port, port));
    }
    assert_int_equal(rogue_mem_stream_port_connect(port, port), ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    rogue_mem_stream_master_stop(master);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
}

static void drop_is_not_called_when_no_stream_slave_is_made(void **state) {
    (void)state;
    receiver_t receiver;
    memset(&receiver, 0, sizeof receiver);
    events_init(&receiver.drops);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.ctx = &receiver;
    callbacks.drop = drop;
    rogue_mem_stream_slave_t *slave = NULL;
    assert_int_equal(rogue_mem_stream_slave_new(&callbacks, &slave),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    callbacks.size = sizeof callbacks;
    assert_int_equal(rogue_mem_stream_slave_new(&callbacks, NULL), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_null(slave);
    assert_int_equal(events_count(&receiver.drops), 0);
    /* Without accept_frame it only counts. */
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    rogue_mem_frame_t *frame = frame_of("abc");
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    assert_int_equal(rogue_mem_stream_slave_byte_count(slave), 3);
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(slave);
    assert_int_equal(events_count(&receiver.drops), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_has_room_and_payload),
        cmocka_unit_test(a_frame_without_room_has_no_data),
        cmocka_unit_test(flags_users_channel_and_error_are_replaced),
        cmocka_unit_test(a_requested_frame_shows_nothing_of_one_that_was_released),
        cmocka_unit_test(a_locked_frame_can_be_looked_at_by_its_thread),
        cmocka_unit_test(a_locked_frame_keeps_other_threads_waiting),
        cmocka_unit_test(a_frame_that_is_locked_is_not_locked_in_time),
        cmocka_unit_test(a_frame_is_measured_read_and_written_within_a_time),
        cmocka_unit_test(a_slave_counts_the_buffers_it_has_given),
        cmocka_unit_test(unlocking_what_is_not_locked_is_an_error_and_nothing_else),
        cmocka_unit_test(a_thread_that_ends_lets_go_of_its_frames),
        cmocka_unit_test(a_locked_frame_outlives_its_last_reference),
        cmocka_unit_test(the_slave_connected_first_receives_last),
        cmocka_unit_test(f29_a_frame_that_its_sender_has_locked_is_delivered),
        cmocka_unit_test(f30_a_slave_may_make_the_frames_for_its_masters_itself),
        cmocka_unit_test(slaves_count_what_they_receive),
        cmocka_unit_test(frames_are_asked_for_at_the_slave_or_the_master),
        cmocka_unit_test(a_port_sends_and_receives),
        cmocka_unit_test(a_port_with_too_many_slaves_says_so),
        cmocka_unit_test(drop_is_not_called_when_no_stream_slave_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
