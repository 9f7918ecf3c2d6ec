/* Ranges of bits. */
#include "support.h"

static bool bit(const uint8_t *bytes, uint64_t n) { return (bytes[n / 8] >> (n % 8)) & 1; }

static void bits_are_copied_at_any_alignment_and_others_stay(void **state) {
    (void)state;
    const uint8_t src[4] = {0xA5, 0x3C, 0xF0, 0x81};
    for (uint64_t from = 0; from < 12; from++) {
        for (uint64_t to = 0; to < 12; to++) {
            uint8_t dst[4] = {0xFF, 0x00, 0x5A, 0xC3};
            const uint8_t before[4] = {0xFF, 0x00, 0x5A, 0xC3};
            assert_ok(rogue_mem_copy_bits(dst, 4, to, src, 4, from, 17));
            for (uint64_t n = 0; n < 32; n++) {
                bool inside = n >= to && n < to + 17;
                assert_int_equal(bit(dst, n), inside ? bit(src, n - to + from) : bit(before, n));
            }
        }
    }
}

static void source_and_destination_may_be_one_array(void **state) {
    (void)state;
    uint8_t bytes[3] = {0x0F, 0x00, 0x81};
    assert_ok(rogue_mem_copy_bits(bytes, 3, 12, bytes, 3, 0, 4));
    const uint8_t apart[3] = {0x0F, 0xF0, 0x81};
    assert_memory_equal(bytes, apart, 3);
    /* Moving a range by three bits within itself, both ways. */
    uint8_t ramp[4] = {0x21, 0x43, 0x65, 0x87};
    const uint8_t copy[4] = {0x21, 0x43, 0x65, 0x87};
    assert_ok(rogue_mem_copy_bits(ramp, 4, 3, ramp, 4, 0, 29));
    for (uint64_t n = 3; n < 32; n++) {
        assert_int_equal(bit(ramp, n), bit(copy, n - 3));
    }
    assert_ok(rogue_mem_copy_bits(ramp, 4, 0, ramp, 4, 3, 29));
    for (uint64_t n = 0; n < 29; n++) {
        assert_int_equal(bit(ramp, n), bit(copy, n));
    }
}

static void a_range_is_set_and_found(void **state) {
    (void)state;
    uint8_t bytes[3] = {0};
    assert_ok(rogue_mem_set_bits(bytes, 3, 6, 5));
    const uint8_t expected[3] = {0xC0, 0x07, 0x00};
    assert_memory_equal(bytes, expected, 3);
    uint32_t any = 1;
    assert_ok(rogue_mem_any_bits(bytes, 3, 0, 6, &any));
    assert_false(any);
    assert_ok(rogue_mem_any_bits(bytes, 3, 10, 14, &any));
    assert_true(any);
}

static void no_bits_are_no_change_and_no_finding(void **state) {
    (void)state;
    uint8_t byte = 0x5A;
    assert_ok(rogue_mem_copy_bits(&byte, 1, 8, NULL, 0, 0, 0));
    assert_ok(rogue_mem_set_bits(&byte, 1, 3, 0));
    assert_int_equal(byte, 0x5A);
    uint32_t any = 1;
    assert_ok(rogue_mem_any_bits(NULL, 0, 0, 0, &any));
    assert_false(any);
}

static void a_range_beyond_the_bytes_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const struct {
        uint64_t lsb;
        uint64_t bits;
    } cases[] = {{33, 0}, {0, 33}, {32, 1}, {UINT64_MAX, 2}, {1, UINT64_MAX}, {1ull << 32, 1}};
    uint8_t dst[4] = {1, 2, 3, 4};
    const uint8_t before[4] = {1, 2, 3, 4};
    const uint8_t src[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        uint64_t lsb = cases[index].lsb;
        uint64_t bits = cases[index].bits;
        uint32_t any = 1;
        assert_int_equal(rogue_mem_copy_bits(dst, 4, lsb, src, 4, 0, bits),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_int_equal(rogue_mem_copy_bits(dst, 4, 0, src, 4, lsb, bits),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_int_equal(rogue_mem_copy_bits(dst, 4, 0, dst, 4, lsb, bits),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_int_equal(rogue_mem_set_bits(dst, 4, lsb, bits), ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_int_equal(rogue_mem_any_bits(src, 4, lsb, bits, &any),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_true(any);
        assert_memory_equal(dst, before, 4);
    }
    assert_contains(rogue_mem_last_error(), "bitSize 32");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_copied_at_any_alignment_and_others_stay),
        cmocka_unit_test(source_and_destination_may_be_one_array),
        cmocka_unit_test(a_range_is_set_and_found),
        cmocka_unit_test(no_bits_are_no_change_and_no_finding),
        cmocka_unit_test(a_range_beyond_the_bytes_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
