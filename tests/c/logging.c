/* Log messages, as a program's own sink gets them. */
#include "support.h"

typedef struct {
    events_t drops;
    unsigned count;
    uint32_t level;
    char name[128];
    char text[256];
    uint64_t seconds;
    uint32_t microseconds;
    uint64_t thread_id;
    uint32_t process_id;
    rogue_mem_logger_t *logs_itself;
} sink_t;

static void take(void *ctx, uint32_t level, const char *name, const char *text, uint64_t seconds,
                 uint32_t microseconds, uint64_t thread_id, uint32_t process_id) {
    sink_t *sink = ctx;
    sink->count++;
    sink->level = level;
    snprintf(sink->name, sizeof sink->name, "%s", name);
    snprintf(sink->text, sizeof sink->text, "%s", text);
    sink->seconds = seconds;
    sink->microseconds = microseconds;
    sink->thread_id = thread_id;
    sink->process_id = process_id;
    if (sink->logs_itself != NULL) {
        rogue_mem_logger_log(sink->logs_itself, ROGUE_MEM_LOG_CRITICAL, "from within");
    }
}

static void drop(void *ctx) { events_raise(&((sink_t *)ctx)->drops); }

static void sink_install(sink_t *sink) {
    memset(sink, 0, sizeof *sink);
    events_init(&sink->drops);
    rogue_mem_log_sink_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = sink;
    callbacks.drop = drop;
    callbacks.log = take;
    assert_ok(rogue_mem_log_set_sink(&callbacks));
}

static rogue_mem_logger_t *logger_of(const char *name) {
    rogue_mem_logger_t *logger = NULL;
    assert_ok(rogue_mem_logger_new(name, &logger));
    return logger;
}

static int set_up(void **state) {
    (void)state;
    rogue_mem_log_set_emit_stdout(0);
    return 0;
}

static void a_message_reaches_the_sink_with_all_that_is_known(void **state) {
    (void)state;
    sink_t sink;
    sink_install(&sink);
    rogue_mem_logger_t *logger = logger_of("unit.first");
    rogue_mem_logger_log(logger, ROGUE_MEM_LOG_ERROR, "100% of it, \xFF too");
    assert_int_equal(sink.count, 1);
    assert_int_equal(sink.level, ROGUE_MEM_LOG_ERROR);
    assert_string_equal(sink.name, "pyrogue.unit.first");
    assert_string_equal(sink.text, "100% of it, \xEF\xBF\xBD too");
    assert_true(sink.seconds > 1600000000);
    assert_true(sink.microseconds < 1000000);
    assert_int_not_equal(sink.process_id, 0);
    char name[64];
    assert_ok(rogue_mem_logger_name(logger, name, sizeof name, NULL));
    assert_string_equal(name, sink.name);
    rogue_mem_logger_release(logger);
    assert_ok(rogue_mem_log_set_sink(NULL));
    assert_int_equal(events_count(&sink.drops), 1);
}

static void what_is_below_the_level_goes_nowhere(void **state) {
    (void)state;
    sink_t sink;
    sink_install(&sink);
    rogue_mem_logger_t *logger = logger_of("unit.levels");
    assert_true(rogue_mem_logger_enabled(logger, ROGUE_MEM_LOG_ERROR));
    assert_false(rogue_mem_logger_enabled(logger, ROGUE_MEM_LOG_WARNING));
    rogue_mem_logger_log(logger, ROGUE_MEM_LOG_WARNING, "quiet");
    rogue_mem_logger_log_thread_id(logger);
    assert_int_equal(sink.count, 0);
    rogue_mem_log_set_level(ROGUE_MEM_LOG_WARNING);
    rogue_mem_logger_log(logger, ROGUE_MEM_LOG_WARNING, "heard");
    assert_int_equal(sink.count, 1);
    rogue_mem_logger_log_thread_id(logger);
    assert_int_equal(sink.level, ROGUE_MEM_LOG_THREAD);
    assert_contains(sink.text, "PID=");
    rogue_mem_log_set_level(ROGUE_MEM_LOG_ERROR);
    assert_false(rogue_mem_logger_enabled(logger, ROGUE_MEM_LOG_WARNING));
    rogue_mem_logger_release(logger);
    assert_ok(rogue_mem_log_set_sink(NULL));
}

static void d87_a_filter_acts_at_once_and_can_be_taken_back(void **state) {
    (void)state;
    sink_t sink;
    sink_install(&sink);
    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    rogue_mem_master_t *master = master_of(memory);
    uint32_t word = 1;
    assert_ok(transfer(master, 0x1000, &word, 4, ROGUE_MEM_WRITE));
    assert_int_equal(sink.count, 0);
    assert_ok(rogue_mem_log_set_filter("memory.Emulate", ROGUE_MEM_LOG_DEBUG));
    assert_ok(transfer(master, 0x2000, &word, 4, ROGUE_MEM_WRITE));
    assert_int_equal(sink.count, 1);
    assert_int_equal(sink.level, ROGUE_MEM_LOG_DEBUG);
    assert_string_equal(sink.name, "pyrogue.memory.Emulate");
    assert_contains(sink.text, "Allocating block at 0x2000");
    assert_ok(rogue_mem_log_remove_filter("pyrogue.memory.Emulate"));
    assert_ok(transfer(master, 0x3000, &word, 4, ROGUE_MEM_WRITE));
    assert_int_equal(sink.count, 1);
    assert_int_equal(rogue_mem_log_remove_filter("memory.Emulate"), ROGUE_MEM_ERROR_NOT_FOUND);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(memory);
    assert_ok(rogue_mem_log_set_sink(NULL));
}

static void a_sink_that_logs_does_not_hear_itself(void **state) {
    (void)state;
    sink_t sink;
    sink_install(&sink);
    sink.logs_itself = logger_of("unit.within");
    rogue_mem_logger_log(sink.logs_itself, ROGUE_MEM_LOG_ERROR, "from outside");
    assert_int_equal(sink.count, 1);
    assert_string_equal(sink.text, "from outside");
    rogue_mem_logger_release(sink.logs_itself);
    assert_ok(rogue_mem_log_set_sink(NULL));
}

static void a_refused_sink_leaves_the_former_one(void **state) {
    (void)state;
    sink_t sink;
    sink_install(&sink);
    sink_t refused;
    memset(&refused, 0, sizeof refused);
    events_init(&refused.drops);
    rogue_mem_log_sink_t callbacks = {0};
    callbacks.ctx = &refused;
    callbacks.drop = drop;
    callbacks.log = take;
    assert_int_equal(rogue_mem_log_set_sink(&callbacks), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    callbacks.size = sizeof callbacks;
    callbacks.log = NULL;
    assert_int_equal(rogue_mem_log_set_sink(&callbacks), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(events_count(&refused.drops), 0);
    rogue_mem_logger_t *logger = logger_of("unit.former");
    rogue_mem_logger_log(logger, ROGUE_MEM_LOG_ERROR, "still heard");
    assert_int_equal(sink.count, 1);
    sink_t successor;
    sink_install(&successor);
    assert_int_equal(events_count(&sink.drops), 1);
    assert_int_equal(events_count(&successor.drops), 0);
    rogue_mem_logger_release(logger);
    assert_ok(rogue_mem_log_set_sink(NULL));
    assert_int_equal(events_count(&successor.drops), 1);
}

static void names_are_normalized(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"memory.Emulate", "pyrogue.memory.Emulate"},
        {"pyrogue.memory.Emulate", "pyrogue.memory.Emulate"},
        {"pyrogue", "pyrogue"},
        {"pyroguex", "pyrogue.pyroguex"},
        {"", "pyrogue."},
    };
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        char name[64];
        assert_ok(rogue_mem_log_normalize_name(cases[index][0], name, sizeof name, NULL));
        assert_string_equal(name, cases[index][1]);
    }
}

static void writing_to_standard_output_is_switched(void **state) {
    (void)state;
    assert_false(rogue_mem_log_emit_stdout());
    rogue_mem_log_set_emit_stdout(1);
    assert_true(rogue_mem_log_emit_stdout());
    rogue_mem_log_set_emit_stdout(0);
    assert_false(rogue_mem_log_emit_stdout());
}

static void count_call(void *ctx, rogue_mem_frame_t *frame) {
    (void)frame;
    ++*(unsigned *)ctx;
}

static void a_stream_slave_logs_what_arrives_while_it_is_told_to(void **state) {
    (void)state;
    sink_t sink;
    unsigned calls = 0;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_frame_t *frame = NULL;
    sink_install(&sink);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &calls;
    callbacks.accept_frame = count_call;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &slave));
    assert_ok(rogue_mem_frame_new(9, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, 9));
    memset(rogue_mem_frame_data(frame), 0xAB, 9);
    rogue_mem_frame_set_error(frame, 3);
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    assert_int_equal(sink.count, 0);
    assert_ok(rogue_mem_stream_slave_set_debug(slave, 8, "unit.stream"));
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    assert_int_equal(sink.count, 1);
    assert_int_equal(sink.level, ROGUE_MEM_LOG_CRITICAL);
    assert_string_equal(sink.name, "pyrogue.unit.stream");
    assert_string_equal(sink.text, "Got Size=9, Error=3, Data:\n"
                                   "      0xab 0xab 0xab 0xab 0xab 0xab 0xab\n"
                                   "      0xab");
    assert_int_equal(calls, 2);
    /* The program receives in place of the slave, and may have the frame locked. */
    rogue_mem_frame_lock(frame);
    assert_ok(rogue_mem_stream_slave_count_frame(slave, frame));
    rogue_mem_frame_unlock(frame);
    assert_int_equal(sink.count, 2);
    assert_int_equal(calls, 2);
    assert_int_equal(rogue_mem_stream_slave_frame_count(slave), 3);
    assert_int_equal(rogue_mem_stream_slave_byte_count(slave), 27);
    assert_ok(rogue_mem_stream_slave_set_debug(slave, 0, ""));
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    assert_int_equal(sink.count, 2);
    rogue_mem_frame_release(frame);
    rogue_mem_stream_slave_release(slave);
    assert_ok(rogue_mem_log_set_sink(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_the_sink_with_all_that_is_known),
        cmocka_unit_test(what_is_below_the_level_goes_nowhere),
        cmocka_unit_test(d87_a_filter_acts_at_once_and_can_be_taken_back),
        cmocka_unit_test(a_sink_that_logs_does_not_hear_itself),
        cmocka_unit_test(a_refused_sink_leaves_the_former_one),
        cmocka_unit_test(names_are_normalized),
        cmocka_unit_test(writing_to_standard_output_is_switched),
        cmocka_unit_test(a_stream_slave_logs_what_arrives_while_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
