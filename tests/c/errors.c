/* Statuses, and the last error of a thread. */
#include "support.h"

static void every_status_has_its_name_and_a_text(void **state) {
    (void)state;
    assert_string_equal(rogue_mem_status_name(ROGUE_MEM_OK), "ROGUE_MEM_OK");
    assert_string_equal(rogue_mem_status_name(ROGUE_MEM_ERROR_TIMEOUT), "ROGUE_MEM_ERROR_TIMEOUT");
    assert_string_equal(rogue_mem_status_text(ROGUE_MEM_OK), "success");
    assert_string_equal(rogue_mem_status_text(ROGUE_MEM_ERROR_TIMEOUT), "timed out");
}

static void a_number_that_is_no_status_has_a_text_all_the_same(void **state) {
    (void)state;
    const rogue_mem_status_t none[] = {-1, 11, 99, 1000, INT32_MIN, INT32_MAX};
    for (size_t index = 0; index < COUNT_OF(none); index++) {
        assert_string_equal(rogue_mem_status_text(none[index]), "unknown status");
        assert_string_equal(rogue_mem_status_name(none[index]), "unknown status");
    }
}

static void a_failure_tells_status_text_and_where(void **state) {
    (void)state;
    assert_int_equal(rogue_mem_master_new(NULL), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_string_equal(rogue_mem_last_error_source(), "rogue_mem_master_new");
    assert_contains(rogue_mem_last_error(), "out");
}

static void success_leaves_the_last_error_as_it_is(void **state) {
    (void)state;
    rogue_mem_master_new(NULL);
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    rogue_mem_master_release(master);
    assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_string_equal(rogue_mem_last_error_source(), "rogue_mem_master_new");
}

/* A thread's last error before and after a failure of its own. */
typedef struct {
    rogue_mem_status_t fresh_status;
    char fresh_text[64];
    char fresh_source[64];
    char own_source[64];
} seen_t;

static void *fail_elsewhere(void *argument) {
    seen_t *seen = argument;
    seen->fresh_status = rogue_mem_last_error_status();
    snprintf(seen->fresh_text, sizeof seen->fresh_text, "%s", rogue_mem_last_error());
    snprintf(seen->fresh_source, sizeof seen->fresh_source, "%s", rogue_mem_last_error_source());
    rogue_mem_transaction_id(NULL);
    snprintf(seen->own_source, sizeof seen->own_source, "%s", rogue_mem_last_error_source());
    return NULL;
}

static void each_thread_has_a_last_error_of_its_own(void **state) {
    (void)state;
    rogue_mem_master_new(NULL);
    const char *mine = rogue_mem_last_error();
    seen_t seen;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &seen), 0);
    pthread_join(thread, NULL);
    assert_int_equal(seen.fresh_status, ROGUE_MEM_OK);
    assert_string_equal(seen.fresh_text, "");
    assert_string_equal(seen.fresh_source, "");
    assert_string_equal(seen.own_source, "rogue_mem_transaction_id");
    assert_string_equal(rogue_mem_last_error_source(), "rogue_mem_master_new");
    assert_ptr_equal(rogue_mem_last_error(), mine);
}

static pthread_key_t at_exit;
static bool text_at_exit_is_there;

static void fail_at_the_end(void *value) {
    (void)value;
    rogue_mem_master_new(NULL);
    text_at_exit_is_there = rogue_mem_last_error() != NULL && rogue_mem_last_error_source() != NULL;
}

static void *set_at_exit(void *argument) {
    pthread_setspecific(at_exit, argument);
    rogue_mem_master_new(NULL);
    return NULL;
}

static void a_destructor_at_the_end_of_a_thread_may_call_the_library(void **state) {
    (void)state;
    assert_int_equal(pthread_key_create(&at_exit, fail_at_the_end), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_at_exit, &text_at_exit_is_there), 0);
    pthread_join(thread, NULL);
    assert_true(text_at_exit_is_there);
    pthread_key_delete(at_exit);
}

static void a_failed_transaction_tells_the_words_of_its_slave(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 0, FAIL);
    recorder.error_text = "the fuse is blown: 100% %s %n";
    rogue_mem_master_t *master = master_of(recorder.slave);
    uint32_t word = 0;
    assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(), recorder.error_text);
    assert_string_equal(rogue_mem_last_error_source(), "memory::Master::waitTransaction");
    rogue_mem_master_release(master);
    recorder_destroy(&recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name_and_a_text),
        cmocka_unit_test(a_number_that_is_no_status_has_a_text_all_the_same),
        cmocka_unit_test(a_failure_tells_status_text_and_where),
        cmocka_unit_test(success_leaves_the_last_error_as_it_is),
        cmocka_unit_test(each_thread_has_a_last_error_of_its_own),
        cmocka_unit_test(a_destructor_at_the_end_of_a_thread_may_call_the_library),
        cmocka_unit_test(a_failed_transaction_tells_the_words_of_its_slave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
