/* The buffers of frames, memory of the program's in frames, and the nodes of streams that need no
 * protocol: fifo, filter and rate drop. */
#include "support.h"

#include "rogue_mem_binding.h"

#define RECEIVED_COUNT_MAX 32

/* A slave that records frames, and waits in each while it is closed. */
typedef struct {
    rogue_mem_stream_slave_t *slave;
    pthread_mutex_t closed;
    events_t arrived;
    events_t received;
    events_t dropped;
    rogue_mem_frame_t *frames[RECEIVED_COUNT_MAX];
    uint32_t payloads[RECEIVED_COUNT_MAX];
    uint8_t first_bytes[RECEIVED_COUNT_MAX];
    unsigned requests;
} receiver_t;

static void receiver_accept(void *ctx, rogue_mem_frame_t *frame) {
    receiver_t *receiver = ctx;
    events_raise(&receiver->arrived);
    pthread_mutex_lock(&receiver->closed);
    const unsigned index = events_count(&receiver->received);
    if (index < RECEIVED_COUNT_MAX) {
        receiver->frames[index] = rogue_mem_frame_retain(frame);
        receiver->payloads[index] = rogue_mem_frame_payload(frame);
        rogue_mem_frame_read_data(frame, 0, &receiver->first_bytes[index], 1);
    }
    pthread_mutex_unlock(&receiver->closed);
    events_raise(&receiver->received);
}

static rogue_mem_frame_t *receiver_request(void *ctx, uint32_t size, uint32_t zero_copy) {
    rogue_mem_frame_t *frame = NULL;
    (void)zero_copy;
    ((receiver_t *)ctx)->requests++;
    return rogue_mem_frame_new(size, &frame) == ROGUE_MEM_OK ? frame : NULL;
}

static void receiver_drop(void *ctx) { events_raise(&((receiver_t *)ctx)->dropped); }

static void receiver_init(receiver_t *receiver) {
    memset(receiver, 0, sizeof *receiver);
    pthread_mutex_init(&receiver->closed, NULL);
    events_init(&receiver->arrived);
    events_init(&receiver->received);
    events_init(&receiver->dropped);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = receiver;
    callbacks.drop = receiver_drop;
    callbacks.accept_frame = receiver_accept;
    callbacks.accept_req = receiver_request;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &receiver->slave));
}

/* Waits for the end of everything that uses the slave. */
static void receiver_destroy(receiver_t *receiver) {
    rogue_mem_stream_slave_release(receiver->slave);
    events_wait(&receiver->dropped, 1);
    for (size_t index = 0; index < RECEIVED_COUNT_MAX; index++) {
        rogue_mem_frame_release(receiver->frames[index]);
    }
    pthread_mutex_destroy(&receiver->closed);
    events_destroy(&receiver->arrived);
    events_destroy(&receiver->received);
    events_destroy(&receiver->dropped);
}

static rogue_mem_frame_t *frame_of(uint8_t first, uint32_t size) {
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(size, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, size));
    assert_ok(rogue_mem_frame_write_data(frame, 0, &first, 1));
    return frame;
}

/* Connects a source to a port, and the port to a receiver. Takes the reference to the port. */
static rogue_mem_stream_master_t *through(rogue_mem_stream_port_t *port, receiver_t *receiver) {
    rogue_mem_stream_master_t *source = NULL;
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    assert_non_null(master);
    assert_non_null(slave);
    assert_ok(rogue_mem_stream_master_new(&source));
    assert_ok(rogue_mem_stream_master_add_slave(source, slave));
    assert_ok(rogue_mem_stream_master_add_slave(master, receiver->slave));
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_port_release(port);
    return source;
}

static void send(rogue_mem_stream_master_t *source, rogue_mem_frame_t *frame) {
    assert_ok(rogue_mem_stream_master_send_frame(source, frame));
    rogue_mem_frame_release(frame);
}

static rogue_mem_frame_buffer_t buffer_of(rogue_mem_frame_t *frame, uint32_t index) {
    rogue_mem_frame_buffer_t buffer = {0};
    buffer.size = sizeof buffer;
    assert_ok(rogue_mem_frame_buffer(frame, index, &buffer));
    return buffer;
}

static void the_buffers_of_a_frame_can_be_used_in_place(void **state) {
    (void)state;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    rogue_mem_stream_slave_set_fixed_size(slave, 64);
    assert_ok(rogue_mem_stream_slave_req_frame(slave, 100, 1, &frame));
    assert_int_equal(rogue_mem_frame_buffer_count(frame), 2);
    assert_ok(rogue_mem_frame_set_payload(frame, 70));
    rogue_mem_frame_buffer_t first = buffer_of(frame, 0), second = buffer_of(frame, 1);
    assert_int_equal(first.memory_bytes, 64);
    assert_int_equal(first.payload, 64);
    assert_int_equal(second.payload, 6);
    assert_null(first.ctx);
    assert_true(first.drop == NULL);
    memset(first.memory, 1, 64);
    memset(second.memory, 2, 64);
    uint8_t bytes[4];
    assert_ok(rogue_mem_frame_read_data(frame, 62, bytes, 4));
    assert_memory_equal(bytes, "\1\1\2\2", 4);

    assert_ok(rogue_mem_frame_set_buffer(frame, 0, 8, 4, 50));
    first = buffer_of(frame, 0);
    assert_int_equal(first.header, 8);
    assert_int_equal(first.tail, 4);
    assert_int_equal(first.payload, 50);
    assert_int_equal(rogue_mem_frame_payload(frame), 56);
    assert_int_equal(rogue_mem_frame_size(frame), 52 + 64);
    assert_int_equal(rogue_mem_frame_set_buffer(frame, 0, 8, 4, 53), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_set_buffer(frame, 2, 0, 0, 0), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(rogue_mem_frame_buffer(frame, 2, &first), ROGUE_MEM_ERROR_FRAME);
    assert_contains(rogue_mem_last_error(), "2 buffers");
    assert_int_equal(buffer_of(frame, 0).payload, 50);
    rogue_mem_frame_release(frame);
    assert_int_equal(rogue_mem_stream_slave_alloc_count(slave), 0);
    rogue_mem_stream_slave_release(slave);
}

static void buffers_are_moved_between_frames_without_a_copy(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of(1, 3), *other = frame_of(2, 4), *empty = NULL;
    assert_ok(rogue_mem_frame_new(0, &empty));
    rogue_mem_frame_set_channel(other, 9);
    uint8_t *memory = buffer_of(other, 0).memory;
    assert_ok(rogue_mem_frame_append(frame, other));
    assert_int_equal(rogue_mem_frame_buffer_count(frame), 2);
    assert_int_equal(rogue_mem_frame_payload(frame), 7);
    assert_ptr_equal(buffer_of(frame, 1).memory, memory);
    assert_int_equal(rogue_mem_frame_buffer_count(other), 0);
    assert_int_equal(rogue_mem_frame_channel(other), 9);
    assert_ok(rogue_mem_frame_append(frame, empty));
    assert_int_equal(rogue_mem_frame_append(frame, frame), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_frame_buffer_count(frame), 2);
    assert_ok(rogue_mem_frame_append(empty, frame));
    assert_int_equal(rogue_mem_frame_payload(empty), 7);
    rogue_mem_frame_clear(empty);
    assert_int_equal(rogue_mem_frame_size(empty), 0);
    rogue_mem_frame_release(frame);
    rogue_mem_frame_release(other);
    rogue_mem_frame_release(empty);
}

static void a_frame_has_no_more_buffers_than_the_limit(void **state) {
    (void)state;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_frame_t *most = NULL, *more = frame_of(5, 2);
    assert_ok(rogue_mem_stream_slave_new(NULL, &slave));
    rogue_mem_stream_slave_set_fixed_size(slave, 1);
    assert_ok(rogue_mem_stream_slave_req_frame(slave, 65536, 0, &most));
    assert_int_equal(rogue_mem_frame_append(most, more), ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_int_equal(rogue_mem_frame_append(more, most), ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_int_equal(rogue_mem_frame_buffer_count(most), 65536);
    assert_int_equal(rogue_mem_frame_payload(more), 2);
    rogue_mem_frame_release(more);
    rogue_mem_frame_release(most);
    rogue_mem_stream_slave_release(slave);
}

typedef struct {
    uint8_t memory[16];
    events_t returned;
    rogue_mem_frame_t *also;
} lent_t;

static void give_back(void *ctx) {
    lent_t *lent = ctx;
    if (lent->also != NULL) {
        /* It would wait for ever if the library held the frame's lock. */
        lent->memory[15] = (uint8_t)rogue_mem_frame_buffer_count(lent->also);
    }
    events_raise(&lent->returned);
}

static rogue_mem_frame_t *lend(lent_t *lent) {
    rogue_mem_frame_t *frame = NULL;
    memset(lent, 0, sizeof *lent);
    events_init(&lent->returned);
    rogue_mem_frame_memory_t memory = {0};
    memory.size = sizeof memory;
    memory.ctx = lent;
    memory.drop = give_back;
    memory.memory = lent->memory;
    memory.memory_bytes = sizeof lent->memory;
    assert_ok(rogue_mem_frame_wrap(&memory, &frame));
    return frame;
}

static void memory_of_the_program_crosses_nodes_in_place_and_comes_back(void **state) {
    (void)state;
    receiver_t receiver;
    lent_t lent;
    rogue_mem_fifo_t *fifo = NULL;
    receiver_init(&receiver);
    assert_ok(rogue_mem_fifo_new(0, 0, 1, &fifo));
    rogue_mem_stream_master_t *source = through(rogue_mem_fifo_stream_port(fifo), &receiver);
    rogue_mem_frame_t *frame = lend(&lent);
    assert_int_equal(rogue_mem_frame_payload(frame), 0);
    assert_int_equal(rogue_mem_frame_size(frame), 16);
    assert_ok(rogue_mem_frame_set_payload(frame, 3));
    assert_ok(rogue_mem_frame_write_data(frame, 0, (const uint8_t *)"abc", 3));
    assert_memory_equal(lent.memory, "abc\0", 4);
    send(source, frame);
    events_wait(&receiver.received, 1);
    rogue_mem_frame_buffer_t buffer = buffer_of(receiver.frames[0], 0);
    assert_ptr_equal(buffer.memory, lent.memory);
    assert_ptr_equal(buffer.ctx, &lent);
    assert_true(buffer.drop == give_back);
    assert_int_equal(events_count(&lent.returned), 0);
    rogue_mem_fifo_stop(fifo);
    rogue_mem_frame_release(receiver.frames[0]);
    receiver.frames[0] = NULL;
    events_wait(&lent.returned, 1);
    events_destroy(&lent.returned);
    rogue_mem_fifo_release(fifo);
    rogue_mem_stream_master_release(source);
    receiver_destroy(&receiver);
}

static void memory_comes_back_with_the_frame_unlocked(void **state) {
    (void)state;
    lent_t lent, joined;
    rogue_mem_frame_t *frame = lend(&lent), *more = lend(&joined);
    lent.also = joined.also = frame;
    assert_ok(rogue_mem_frame_set_payload(more, 16));
    assert_ok(rogue_mem_frame_append(frame, more));
    assert_non_null(rogue_mem_frame_data(frame));
    assert_int_equal(events_count(&lent.returned), 1);
    assert_int_equal(events_count(&joined.returned), 1);
    assert_int_equal(lent.memory[15], 1);
    assert_null(buffer_of(frame, 0).ctx);
    events_destroy(&lent.returned);
    events_destroy(&joined.returned);
    rogue_mem_frame_t *again = lend(&lent);
    lent.also = again;
    rogue_mem_frame_clear(again);
    assert_int_equal(events_count(&lent.returned), 1);
    events_destroy(&lent.returned);
    rogue_mem_frame_release(again);
    rogue_mem_frame_release(more);
    rogue_mem_frame_release(frame);
    rogue_mem_frame_memory_t nothing = {0};
    nothing.size = sizeof nothing;
    assert_ok(rogue_mem_frame_wrap(&nothing, &frame));
    assert_null(buffer_of(frame, 0).memory);
    rogue_mem_frame_release(frame);
}

static void a_fifo_queues_as_many_frames_as_it_may_and_counts_the_rest(void **state) {
    (void)state;
    receiver_t receiver;
    rogue_mem_fifo_t *fifo = NULL;
    receiver_init(&receiver);
    assert_ok(rogue_mem_fifo_new(3, 4, 0, &fifo));
    rogue_mem_stream_master_t *source = through(rogue_mem_fifo_stream_port(fifo), &receiver);
    pthread_mutex_lock(&receiver.closed);
    send(source, frame_of(0, 8));
    events_wait(&receiver.arrived, 1);
    for (uint8_t number = 1; number < 10; number++) {
        send(source, frame_of(number, 8));
    }
    const uint64_t size = rogue_mem_fifo_size(fifo), dropped = rogue_mem_fifo_dropped(fifo);
    pthread_mutex_unlock(&receiver.closed);
    assert_int_equal(size, 3);
    assert_int_equal(dropped, 6);
    events_wait(&receiver.received, 4);
    for (uint8_t number = 0; number < 4; number++) {
        assert_int_equal(receiver.first_bytes[number], number);
        assert_int_equal(receiver.payloads[number], 4);
    }
    assert_int_equal(receiver.requests, 4);
    rogue_mem_fifo_clear_dropped(fifo);
    assert_int_equal(rogue_mem_fifo_dropped(fifo), 0);
    rogue_mem_fifo_stop(fifo);
    rogue_mem_fifo_stop(fifo);
    send(source, frame_of(11, 8));
    assert_int_equal(events_count(&receiver.received), 4);
    rogue_mem_fifo_release(fifo);
    rogue_mem_stream_master_release(source);
    receiver_destroy(&receiver);
}

static void a_filter_passes_the_frames_of_its_channel(void **state) {
    (void)state;
    for (uint32_t drop_errors = 0; drop_errors < 2; drop_errors++) {
        receiver_t receiver;
        rogue_mem_filter_t *filter = NULL;
        receiver_init(&receiver);
        assert_ok(rogue_mem_filter_new(drop_errors, 3, &filter));
        rogue_mem_stream_master_t *source =
            through(rogue_mem_filter_stream_port(filter), &receiver);
        const uint8_t channels[] = {0, 3, 3, 4}, errors[] = {0, 0, 0x80, 0};
        for (uint8_t number = 0; number < 4; number++) {
            rogue_mem_frame_t *frame = frame_of(number, 1);
            rogue_mem_frame_set_channel(frame, channels[number]);
            rogue_mem_frame_set_error(frame, errors[number]);
            send(source, frame);
        }
        assert_int_equal(events_count(&receiver.received), 2 - drop_errors);
        assert_int_equal(receiver.first_bytes[0], 1);
        rogue_mem_filter_release(filter);
        rogue_mem_stream_master_release(source);
        receiver_destroy(&receiver);
    }
}

static void a_rate_drop_passes_some_frames(void **state) {
    (void)state;
    receiver_t receiver;
    rogue_mem_rate_drop_t *rate_drop = NULL;
    receiver_init(&receiver);
    assert_int_equal(rogue_mem_rate_drop_new(0, -1, &rate_drop), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_null(rate_drop);
    assert_ok(rogue_mem_rate_drop_new(0, 2.9, &rate_drop));
    rogue_mem_stream_master_t *source =
        through(rogue_mem_rate_drop_stream_port(rate_drop), &receiver);
    /* Requested from the receiver behind it. */
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_master_req_frame(source, 8, 1, &frame));
    assert_int_equal(receiver.requests, 1);
    send(source, frame);
    assert_ptr_equal(receiver.frames[0], frame);
    for (uint8_t number = 1; number < 7; number++) {
        send(source, frame_of(number, 1));
    }
    assert_int_equal(events_count(&receiver.received), 3);
    assert_int_equal(receiver.first_bytes[1], 3);
    assert_int_equal(receiver.first_bytes[2], 6);
    rogue_mem_rate_drop_release(rate_drop);
    /* In the first hour nothing passes. */
    assert_ok(rogue_mem_rate_drop_new(1, 3600, &rate_drop));
    rogue_mem_stream_master_t *other =
        through(rogue_mem_rate_drop_stream_port(rate_drop), &receiver);
    send(other, frame_of(8, 1));
    assert_int_equal(events_count(&receiver.received), 3);
    rogue_mem_rate_drop_release(rate_drop);
    rogue_mem_stream_master_release(source);
    rogue_mem_stream_master_release(other);
    receiver_destroy(&receiver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_buffers_of_a_frame_can_be_used_in_place),
        cmocka_unit_test(buffers_are_moved_between_frames_without_a_copy),
        cmocka_unit_test(a_frame_has_no_more_buffers_than_the_limit),
        cmocka_unit_test(memory_of_the_program_crosses_nodes_in_place_and_comes_back),
        cmocka_unit_test(memory_comes_back_with_the_frame_unlocked),
        cmocka_unit_test(a_fifo_queues_as_many_frames_as_it_may_and_counts_the_rest),
        cmocka_unit_test(a_filter_passes_the_frames_of_its_channel),
        cmocka_unit_test(a_rate_drop_passes_some_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
