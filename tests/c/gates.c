/* A gate before callbacks: open it changes nothing, closed it lets none pass. */
#include "support.h"

#include "rogue_mem_binding.h"

typedef struct {
    unsigned calls;
    unsigned drops;
    /* Where a callback waits, if it has to. */
    events_t *entered;
    events_t *leave;
} program_t;

static void on_call(program_t *program) {
    program->calls++;
    if (program->entered != NULL) {
        events_raise(program->entered);
        events_wait(program->leave, 1);
    }
}

static void on_drop(void *ctx) { ((program_t *)ctx)->drops++; }

static void on_transaction(void *ctx, rogue_mem_transaction_t *transaction) {
    on_call(ctx);
    rogue_mem_transaction_done(transaction);
}

static uint32_t on_question(void *ctx) {
    on_call(ctx);
    return 77;
}

static uint64_t on_address(void *ctx) { return on_question(ctx); }

static size_t on_name(void *ctx, char *buffer, size_t capacity) {
    on_call(ctx);
    return (size_t)snprintf(buffer, capacity, "mine");
}

static void on_frame(void *ctx, rogue_mem_frame_t *frame) {
    (void)frame;
    on_call(ctx);
}

static void on_message(void *ctx, uint32_t level, const char *name, const char *text,
                       uint64_t seconds, uint32_t microseconds, uint64_t thread_id,
                       uint32_t process_id) {
    (void)level, (void)name, (void)text, (void)seconds, (void)microseconds;
    (void)thread_id, (void)process_id;
    on_call(ctx);
}

static void on_end(void *ctx, uint32_t id, rogue_mem_status_t status, const char *text) {
    (void)status;
    (void)text;
    (void)id;
    on_call(ctx);
}

static rogue_mem_slave_t *slave_behind(rogue_mem_gate_t *gate, program_t *program) {
    const rogue_mem_slave_callbacks_t callbacks = {
        .size = sizeof callbacks,
        .ctx = program,
        .drop = on_drop,
        .do_transaction = on_transaction,
        .min_access = on_question,
        .max_access = on_question,
        .address = on_address,
        .slave_id = on_question,
        .slave_name = on_name,
        .gate = gate,
    };
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 8, &callbacks, &slave));
    return slave;
}

static void a_slave_behind_a_closed_gate_is_as_one_without_callbacks(void **state) {
    (void)state;
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    program_t program = {0};
    rogue_mem_slave_t *slave = slave_behind(gate, &program);
    rogue_mem_master_t *master = master_of(slave);
    uint32_t word = 0;
    char name[32];
    assert_ok(transfer(master, 0, &word, 4, ROGUE_MEM_READ));
    assert_int_equal(rogue_mem_slave_do_min_access(slave), 77);
    assert_int_equal(rogue_mem_slave_do_max_access(slave), 77);
    assert_int_equal(rogue_mem_slave_do_address(slave), 77);
    assert_int_equal(rogue_mem_slave_do_slave_id(slave), 77);
    assert_ok(rogue_mem_slave_do_slave_name(slave, name, sizeof name, NULL));
    assert_string_equal(name, "mine");
    const unsigned calls = program.calls;

    assert_true(rogue_mem_gate_close(gate, 0));
    assert_true(rogue_mem_gate_close(gate, LONG_TIMEOUT_US));
    /* The slave has a reference of its own. */
    rogue_mem_gate_release(gate);
    assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(),
                        "Unsupported transaction using unconnected memory bus");
    assert_int_equal(rogue_mem_slave_do_min_access(slave), 4);
    assert_int_equal(rogue_mem_slave_do_max_access(slave), 8);
    assert_int_equal(rogue_mem_slave_do_address(slave), 0);
    assert_int_equal(rogue_mem_slave_do_slave_id(slave), rogue_mem_slave_id(slave));
    assert_ok(rogue_mem_slave_do_slave_name(slave, name, sizeof name, NULL));
    assert_string_not_equal(name, "mine");
    assert_int_equal(program.calls, calls);
    assert_int_equal(program.drops, 0);
    rogue_mem_slave_release(slave);
    rogue_mem_master_release(master);
    assert_int_equal(program.drops, 1);
}

static void frames_messages_and_ends_do_not_pass_a_closed_gate(void **state) {
    (void)state;
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    program_t program = {0};
    const rogue_mem_stream_slave_callbacks_t callbacks = {
        .size = sizeof callbacks, .ctx = &program, .accept_frame = on_frame, .gate = gate};
    rogue_mem_stream_slave_t *receiver = NULL;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &receiver));
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(4, &frame));
    const rogue_mem_log_sink_t sink = {
        .size = sizeof sink, .ctx = &program, .log = on_message, .gate = gate};
    assert_ok(rogue_mem_log_set_sink(&sink));
    rogue_mem_log_set_emit_stdout(0);
    rogue_mem_logger_t *logger = NULL;
    assert_ok(rogue_mem_logger_new("gates", &logger));
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, KEEP);
    rogue_mem_master_t *master = master_of(recorder.slave);
    const rogue_mem_observer_t observer = {
        .size = sizeof observer, .ctx = &program, .ended = on_end, .gate = gate};

    for (unsigned expected = 3; expected != 0; expected -= 3) {
        uint32_t word = 0;
        uint32_t id = 0;
        program.calls = 0;
        assert_ok(rogue_mem_stream_slave_accept_frame(receiver, frame));
        rogue_mem_logger_log(logger, ROGUE_MEM_LOG_CRITICAL, "text");
        assert_ok(rogue_mem_master_request(master, 0, 4, &word, ROGUE_MEM_READ, &id));
        assert_ok(rogue_mem_master_observe(master, id, &observer));
        rogue_mem_transaction_t *transaction = recorder_take(&recorder);
        rogue_mem_transaction_done(transaction);
        rogue_mem_transaction_release(transaction);
        assert_ok(rogue_mem_master_wait(master, id));
        assert_int_equal(program.calls, expected);
        assert_true(rogue_mem_gate_close(gate, 0));
    }
    rogue_mem_stream_slave_accept_frame(receiver, frame);
    rogue_mem_logger_log(logger, ROGUE_MEM_LOG_CRITICAL, "text");
    assert_int_equal(program.calls, 3);
    assert_int_equal(rogue_mem_stream_slave_frame_count(receiver), 2);
    assert_ok(rogue_mem_log_set_sink(NULL));
    rogue_mem_log_set_emit_stdout(1);
    rogue_mem_logger_release(logger);
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(receiver);
    rogue_mem_gate_release(gate);
}

static void *read_in_a_thread(void *argument) {
    uint32_t word = 0;
    return transfer(argument, 0, &word, 4, ROGUE_MEM_READ) == ROGUE_MEM_OK ? argument : NULL;
}

static void closing_a_gate_waits_for_running_callbacks(void **state) {
    (void)state;
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    events_t entered;
    events_t leave;
    events_init(&entered);
    events_init(&leave);
    program_t program = {.entered = &entered, .leave = &leave};
    rogue_mem_slave_t *slave = slave_behind(gate, &program);
    rogue_mem_master_t *master = master_of(slave);
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, read_in_a_thread, master), 0);
    events_wait(&entered, 1);
    assert_false(rogue_mem_gate_close(gate, 0));
    assert_false(rogue_mem_gate_close(gate, 1000));
    assert_int_equal(rogue_mem_slave_do_min_access(slave), 4);
    events_raise(&leave);
    assert_true(rogue_mem_gate_close(gate, LONG_TIMEOUT_US));
    pthread_join(thread, &result);
    assert_ptr_equal(result, master);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    rogue_mem_gate_release(gate);
    events_destroy(&entered);
    events_destroy(&leave);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slave_behind_a_closed_gate_is_as_one_without_callbacks),
        cmocka_unit_test(frames_messages_and_ends_do_not_pass_a_closed_gate),
        cmocka_unit_test(closing_a_gate_waits_for_running_callbacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
