/* Output texts of the library: through a buffer of the caller's. */
#include "support.h"

typedef struct {
    rogue_mem_slave_t *slave;
} fixture_t;

static fixture_t fixture;

static int set_up(void **state) {
    *state = &fixture;
    assert_ok(rogue_mem_slave_new(4, 8, NULL, &fixture.slave));
    return 0;
}

static int tear_down(void **state) {
    rogue_mem_slave_release(((fixture_t *)*state)->slave);
    return 0;
}

static void a_text_that_fits_is_written_whole(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, "abcdef"));
    char buffer[8];
    memset(buffer, '#', sizeof buffer);
    size_t length = 99;
    assert_ok(rogue_mem_slave_name(slave, buffer, 7, &length));
    assert_string_equal(buffer, "abcdef");
    assert_int_equal(length, 6);
    assert_int_equal(buffer[7], '#');
}

static void a_text_that_does_not_fit_is_cut_and_tells_its_length(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, "abcdef"));
    char buffer[8];
    for (size_t capacity = 1; capacity <= 6; capacity++) {
        memset(buffer, '#', sizeof buffer);
        size_t length = 99;
        assert_ok(rogue_mem_slave_name(slave, buffer, capacity, &length));
        assert_int_equal(strlen(buffer), capacity - 1);
        assert_memory_equal(buffer, "abcdef", capacity - 1);
        assert_int_equal(buffer[capacity], '#');
        assert_int_equal(length, 6);
    }
}

static void a_text_is_not_cut_within_a_character(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, "5 \xC2\xB5s"));
    char buffer[8];
    size_t length = 0;
    assert_ok(rogue_mem_slave_name(slave, buffer, 4, &length));
    assert_string_equal(buffer, "5 ");
    assert_int_equal(length, 5);
    assert_ok(rogue_mem_slave_name(slave, buffer, 5, &length));
    assert_string_equal(buffer, "5 \xC2\xB5");
}

static void the_length_alone_can_be_asked_for(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, "abcdef"));
    size_t length = 0;
    assert_ok(rogue_mem_slave_name(slave, NULL, 0, &length));
    assert_int_equal(length, 6);
    assert_ok(rogue_mem_slave_name(slave, NULL, 0, NULL));
    char buffer[8] = "";
    assert_ok(rogue_mem_slave_name(slave, buffer, sizeof buffer, NULL));
    assert_string_equal(buffer, "abcdef");
}

static void an_empty_text_is_a_nul(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, ""));
    char buffer[2] = "##";
    size_t length = 99;
    assert_ok(rogue_mem_slave_name(slave, buffer, 2, &length));
    assert_int_equal(length, 0);
    assert_int_equal(buffer[0], 0);
    assert_int_equal(buffer[1], '#');
}

static void a_missing_buffer_leaves_the_length_untouched(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    size_t length = 99;
    assert_int_equal(rogue_mem_slave_name(slave, NULL, 8, &length), ROGUE_MEM_ERROR_NULL_ARGUMENT);
    assert_int_equal(length, 99);
    char buffer[2] = "##";
    assert_int_equal(rogue_mem_slave_name(slave, buffer, (size_t)-1, &length),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(length, 99);
    assert_memory_equal(buffer, "##", 2);
}

static void text_that_is_not_utf8_is_refused(void **state) {
    rogue_mem_slave_t *slave = ((fixture_t *)*state)->slave;
    assert_ok(rogue_mem_slave_set_name(slave, "kept"));
    const char *const bad[] = {"\xFF", "a\xC2", "\xED\xA0\x80", "\xF5\x80\x80\x80"};
    for (size_t index = 0; index < COUNT_OF(bad); index++) {
        assert_int_equal(rogue_mem_slave_set_name(slave, bad[index]), ROGUE_MEM_ERROR_INVALID_TEXT);
    }
    char buffer[8];
    assert_ok(rogue_mem_slave_name(slave, buffer, sizeof buffer, NULL));
    assert_string_equal(buffer, "kept");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_fits_is_written_whole),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_and_tells_its_length),
        cmocka_unit_test(a_text_is_not_cut_within_a_character),
        cmocka_unit_test(the_length_alone_can_be_asked_for),
        cmocka_unit_test(an_empty_text_is_a_nul),
        cmocka_unit_test(a_missing_buffer_leaves_the_length_untouched),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
