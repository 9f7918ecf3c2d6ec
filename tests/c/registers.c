/* Typed registers: variables, blocks, their transactions one by one and many together. Conversions,
 * geometry and staging are tested with the library; here it is what C adds to that. */
#include "registers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <math.h>

#define COUNT 100

/* --- variables --------------------------------------------------------------------------------- */

static void assert_text(rogue_mem_status_t (*query)(const rogue_mem_variable_t *, char *, size_t,
                                                    size_t *),
                        const rogue_mem_variable_t *variable, const char *expected) {
    char text[64] = "#";
    size_t length = 0;
    assert_ok(query(variable, text, sizeof text, &length));
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void unequal_numbers_of_offsets_and_sizes_are_told(void **state) {
    (void)state;
    const uint64_t parts[] = {4, 16, 40};
    const struct {
        uint32_t part_count, size_count;
        const char *text;
    } cases[] = {
        {0, 0, "0 bit offsets and 0 bit sizes"},
        {2, 0, "2 bit offsets and 0 bit sizes"},
        {1, 3, "1 bit offsets and 3 bit sizes"},
    };
    rogue_mem_variable_spec_t spec = spec_of("gain", ROGUE_MEM_MODEL_UINT, 0, 8);
    spec.bit_offsets = spec.bit_sizes = parts;
    spec.has_parts = 1;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; ++index) {
        rogue_mem_variable_t *variable = NULL;
        spec.part_count = cases[index].part_count;
        spec.size_count = cases[index].size_count;
        assert_int_equal(rogue_mem_variable_new(&spec, &variable),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_contains(rogue_mem_last_error(), cases[index].text);
        assert_null(variable);
    }
}

static void a_variable_tells_what_it_was_made_from(void **state) {
    (void)state;
    const uint64_t offsets[] = {4, 16, 40}, sizes[] = {4, 8, 1};
    rogue_mem_variable_spec_t spec = spec_of("gain", ROGUE_MEM_MODEL_FIXED, 0, 0);
    spec.bit_offsets = offsets;
    spec.bit_sizes = sizes;
    spec.part_count = 3;
    spec.mode = "WO";
    spec.minimum = -2.5;
    spec.maximum = 7;
    spec.offset = 0x100;
    spec.bin_point = 3;
    spec.retry_count = 2;
    spec.big_endian = spec.reverse_bits = spec.may_overlap = 1;
    spec.no_verify = spec.no_bulk = spec.no_notify = 7;
    rogue_mem_variable_t *variable = variable_of(&spec);
    assert_text(rogue_mem_variable_name, variable, "gain");
    assert_text(rogue_mem_variable_path, variable, "gain");
    assert_text(rogue_mem_variable_mode, variable, "WO");
    assert_int_equal(rogue_mem_variable_model(variable), ROGUE_MEM_MODEL_FIXED);
    assert_true(rogue_mem_variable_minimum(variable) == -2.5);
    assert_true(rogue_mem_variable_maximum(variable) == 7);
    assert_int_equal(rogue_mem_variable_bin_point(variable), 3);
    assert_int_equal(rogue_mem_variable_bit_total(variable), 13);
    assert_int_equal(rogue_mem_variable_byte_size(variable), 2);
    assert_int_equal(rogue_mem_variable_value_bits(variable), 13);
    assert_int_equal(rogue_mem_variable_value_bytes(variable), 2);
    assert_int_equal(rogue_mem_variable_value_stride(variable), 13);
    assert_int_equal(rogue_mem_variable_num_values(variable), 0);
    assert_int_equal(rogue_mem_variable_var_bytes(variable), 6);
    assert_int_equal(rogue_mem_variable_offset(variable), 0x100);
    assert_int_equal(rogue_mem_variable_retry_count(variable), 2);
    assert_true(rogue_mem_variable_may_overlap(variable));
    assert_true(rogue_mem_variable_is_big_endian(variable));
    assert_true(rogue_mem_variable_reverses_bits(variable));
    assert_false(rogue_mem_variable_is_verified(variable));
    assert_false(rogue_mem_variable_is_bulk(variable));
    assert_false(rogue_mem_variable_is_notified(variable));

    assert_ok(rogue_mem_variable_update_path(variable, "top.gain"));
    assert_text(rogue_mem_variable_path, variable, "top.gain");
    assert_ok(rogue_mem_variable_shift_offset_down(variable, 1, 4));
    assert_int_equal(rogue_mem_variable_offset(variable), 0xFF);
    assert_int_equal(rogue_mem_variable_var_bytes(variable), 8);
    uint64_t found[3] = {0}, widths[2] = {0};
    size_t count = 0;
    assert_ok(rogue_mem_variable_parts(variable, found, NULL, 3, &count));
    assert_int_equal(count, 3);
    assert_true(found[0] == 12 && found[1] == 24 && found[2] == 48);
    assert_ok(rogue_mem_variable_parts(variable, NULL, widths, 2, &count));
    assert_true(count == 3 && widths[0] == 4 && widths[1] == 8);
    assert_null(rogue_mem_variable_block(variable));
    assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_NOT_FOUND);
    rogue_mem_variable_release(variable);

    const rogue_mem_variable_spec_t list = list_of("wave", ROGUE_MEM_MODEL_UINT, 8, 4, 12);
    variable = variable_of(&list);
    assert_text(rogue_mem_variable_mode, variable, "RW");
    assert_int_equal(rogue_mem_variable_bit_total(variable), 48);
    assert_int_equal(rogue_mem_variable_value_stride(variable), 12);
    assert_int_equal(rogue_mem_variable_num_values(variable), 4);
    assert_true(rogue_mem_variable_is_verified(variable) && rogue_mem_variable_is_bulk(variable) &&
                rogue_mem_variable_is_notified(variable));
    rogue_mem_variable_release(variable);
}

static void what_no_variable_can_be_is_refused(void **state) {
    (void)state;
    rogue_mem_variable_t *variable = NULL;
    const struct {
        uint32_t model;
        uint64_t bits;
        uint32_t num_values, value_bits;
        const char *text;
    } cases[] = {
        {ROGUE_MEM_MODEL_UINT, 0, 0, 0, "has no bits"},
        {ROGUE_MEM_MODEL_FLOAT, 31, 0, 0, "31 bits are no Float value, which has 32 to 32"},
        {ROGUE_MEM_MODEL_BOOL, 65, 0, 0, "65 bits are no Bool value, which has 1 to 64"},
        {ROGUE_MEM_MODEL_UINT, 32, 4, 0, "has no bits"},
        {ROGUE_MEM_MODEL_UINT, UINT64_MAX, 0, 0, "are no UInt value"},
    };
    for (size_t index = 0; index < COUNT_OF(cases); index++) {
        rogue_mem_variable_spec_t spec = spec_of("odd", cases[index].model, 0, cases[index].bits);
        spec.num_values = cases[index].num_values;
        spec.value_bits = cases[index].value_bits;
        assert_int_equal(rogue_mem_variable_new(&spec, &variable),
                         ROGUE_MEM_ERROR_INVALID_ARGUMENT);
        assert_string_equal(rogue_mem_last_error_source(), "Variable::Variable");
        assert_contains(rogue_mem_last_error(), cases[index].text);
        assert_null(variable);
    }
}

/* --- values ------------------------------------------------------------------------------------ */

/* A slave with memory, and a block of 64 bytes. */
static rogue_mem_block_t *block_with_memory(recorder_t *recorder) {
    recorder_init(recorder, 1, 0, MEMORY);
    return block_on(recorder->slave, 0, 64);
}

static void end(rogue_mem_block_t *block, recorder_t *recorder) {
    rogue_mem_block_release(block);
    recorder_destroy(recorder);
}

static void numbers_of_every_type_reach_the_device(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t specs[] = {
        spec_of("u", ROGUE_MEM_MODEL_UINT, 4, 12),
        spec_of("i", ROGUE_MEM_MODEL_INT, 16, 10),
        spec_of("b", ROGUE_MEM_MODEL_BOOL, 26, 1),
        spec_of("f", ROGUE_MEM_MODEL_FLOAT, 32, 32),
        spec_of("h", ROGUE_MEM_MODEL_FLOAT16, 64, 16),
        spec_of("d", ROGUE_MEM_MODEL_DOUBLE, 128, 64),
        spec_of("x", ROGUE_MEM_MODEL_UFIXED, 192, 16),
    };
    specs[6].bin_point = 4;
    enum { U, I, B, F, H, D, X, VARIABLES };
    rogue_mem_variable_t *all[VARIABLES];
    for (size_t index = 0; index < VARIABLES; index++) {
        all[index] = variable_of(&specs[index]);
    }
    assert_ok(rogue_mem_block_add_variables(block, all, VARIABLES));
    assert_ok(rogue_mem_variable_set_uint(all[U], 0xABC, -1));
    assert_ok(rogue_mem_variable_set_int(all[I], -512, -1));
    assert_ok(rogue_mem_variable_set_bool(all[B], 42, -1));
    assert_ok(rogue_mem_variable_set_float(all[F], -0.75f, -1));
    assert_ok(rogue_mem_variable_set_float(all[H], 65504.0f, -1));
    assert_ok(rogue_mem_variable_set_double(all[D], 1e300, -1));
    assert_ok(rogue_mem_variable_set_double(all[X], 2.53, -1));
    static const uint8_t expected[] = {0xC0, 0xAB, 0x00, 0x06, 0, 0, 0x40, 0xBF, 0xFF, 0x7B};
    assert_memory_equal(recorder.memory, expected, sizeof expected);
    assert_int_equal(recorder.memory[24], 40); /* 2.53 is 40.48 sixteenths */

    recorder.memory[0] = 0x10;
    recorder.memory[3] = 0x01;
    uint64_t u = 0;
    int64_t i = 0;
    uint32_t b = 7;
    float f = 0;
    double d = 0;
    assert_ok(rogue_mem_variable_staged_uint(all[U], -1, &u));
    assert_int_equal(u, 0xABC);
    assert_ok(rogue_mem_variable_get_uint(all[U], -1, &u));
    assert_int_equal(u, 0xAB1);
    assert_ok(rogue_mem_variable_get_int(all[I], -1, &i));
    assert_int_equal(i, 0x100);
    assert_ok(rogue_mem_variable_get_bool(all[B], -1, &b));
    assert_int_equal(b, 0);
    assert_ok(rogue_mem_variable_get_float(all[F], -1, &f));
    assert_true(f == -0.75f);
    assert_ok(rogue_mem_variable_get_float(all[H], -1, &f));
    assert_true(f == 65504.0f);
    assert_ok(rogue_mem_variable_get_double(all[D], -1, &d));
    assert_true(d == 1e300);
    assert_ok(rogue_mem_variable_get_double(all[X], -1, &d));
    assert_true(d == 2.5);

    /* What is only staged stays here, until all of it goes with one write. */
    assert_ok(rogue_mem_variable_stage_uint(all[U], 1, -1));
    assert_ok(rogue_mem_variable_stage_int(all[I], -1, -1));
    assert_ok(rogue_mem_variable_stage_bool(all[B], 1, -1));
    assert_ok(rogue_mem_variable_stage_float(all[F], 1, -1));
    assert_ok(rogue_mem_variable_stage_double(all[D], 2, -1));
    assert_int_equal(recorder.memory[0], 0x10);
    assert_ok(rogue_mem_variable_staged_int(all[I], -1, &i));
    assert_ok(rogue_mem_variable_staged_bool(all[B], -1, &b));
    assert_ok(rogue_mem_variable_staged_float(all[F], -1, &f));
    assert_ok(rogue_mem_variable_staged_double(all[D], -1, &d));
    assert_true(i == -1 && b == 1 && f == 1 && d == 2);
    const unsigned before = events_count(&recorder.transactions);
    assert_ok(rogue_mem_variable_write(all[U]));
    assert_int_equal(events_count(&recorder.transactions), before + 2); /* a write and a verify */
    static const uint8_t sent[] = {0x10, 0x00, 0xFF, 0x07, 0, 0, 0x80, 0x3F};
    assert_memory_equal(recorder.memory, sent, sizeof sent);
    assert_ok(rogue_mem_variable_read(all[U]));
    for (size_t index = 0; index < VARIABLES; index++) {
        rogue_mem_variable_release(all[index]);
    }
    end(block, &recorder);
}

/* Sets a list of one type, reads it back into the same type, and into 64 bits. */
#define PASSES(list, element, type, ...)                                                           \
    do {                                                                                           \
        const type values[] = {__VA_ARGS__};                                                       \
        type found[COUNT_OF(values)];                                                              \
        assert_ok(rogue_mem_variable_set_values(list, ROGUE_MEM_ELEMENT_##element, values,         \
                                                COUNT_OF(values), 1));                             \
        memset(found, 0xA5, sizeof found);                                                         \
        assert_ok(rogue_mem_variable_staged_values(list, ROGUE_MEM_ELEMENT_##element, 1, found,    \
                                                   COUNT_OF(found)));                              \
        assert_memory_equal(found, values, sizeof values);                                         \
        memset(found, 0xA5, sizeof found);                                                         \
        assert_ok(rogue_mem_variable_get_values(list, ROGUE_MEM_ELEMENT_##element, 1, found,       \
                                                COUNT_OF(found)));                                 \
        assert_memory_equal(found, values, sizeof values);                                         \
    } while (0)

static void lists_move_with_one_call_in_every_type(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t spec = list_of("list", ROGUE_MEM_MODEL_UINT, 8, 5, 8);
    rogue_mem_variable_t *list = only_variable(block, &spec);
    PASSES(list, UINT8, uint8_t, 1, 0xFF, 3, 4);
    PASSES(list, UINT16, uint16_t, 5, 0xFE, 7, 8);
    PASSES(list, UINT32, uint32_t, 9, 0xFD, 11, 12);
    PASSES(list, UINT64, uint64_t, 13, 0xFC, 15, 16);
    assert_memory_equal(recorder.memory, "\0\0\15\374\17\20\0", 7);
    /* A list needs not be aligned. */
    uint8_t bytes[1 + 2 * sizeof(uint32_t)] = {0};
    bytes[1] = 0x21;
    assert_ok(rogue_mem_variable_set_values(list, ROGUE_MEM_ELEMENT_UINT32, bytes + 1, 2, -1));
    assert_memory_equal(recorder.memory, "\0\41\0\374", 4);
    assert_ok(rogue_mem_variable_get_values(list, ROGUE_MEM_ELEMENT_UINT32, 0, bytes + 1, 2));
    assert_int_equal(bytes[1], 0x21);
    assert_ok(rogue_mem_variable_set_values(list, ROGUE_MEM_ELEMENT_UINT8, NULL, 0, 0));

    spec.model = ROGUE_MEM_MODEL_INT;
    list = only_variable(block, &spec);
    PASSES(list, INT8, int8_t, -1, -128, 127, 4);
    PASSES(list, INT16, int16_t, -2, -127, 126, 4);
    PASSES(list, INT32, int32_t, -3, -126, 125, 4);
    PASSES(list, INT64, int64_t, -4, -125, 124, 4);

    spec.model = ROGUE_MEM_MODEL_BOOL;
    spec.value_bits = 1;
    list = only_variable(block, &spec);
    PASSES(list, BOOL, uint8_t, 1, 0, 1, 1);
    const uint8_t true_values[] = {0, 7, 255};
    assert_ok(rogue_mem_variable_set_values(list, ROGUE_MEM_ELEMENT_BOOL, true_values, 3, 0));
    uint8_t flags[3];
    assert_ok(rogue_mem_variable_get_values(list, ROGUE_MEM_ELEMENT_BOOL, 0, flags, 3));
    assert_memory_equal(flags, "\0\1\1", 3);

    spec.model = ROGUE_MEM_MODEL_BFLOAT16;
    spec.value_bits = 16;
    PASSES(only_variable(block, &spec), FLOAT, float, 1.5f, -2, INFINITY, 0);
    spec.model = ROGUE_MEM_MODEL_DOUBLE;
    spec.value_bits = 64;
    PASSES(only_variable(block, &spec), DOUBLE, double, 1e-300, -2, INFINITY, 0);
    spec.model = ROGUE_MEM_MODEL_FIXED;
    spec.bin_point = 60;
    PASSES(only_variable(block, &spec), DOUBLE, double, 1.5, -7.25, 0, 3);
    end(block, &recorder);
}

static void bytes_and_text_reach_the_device(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t spec = spec_of("bytes", ROGUE_MEM_MODEL_BYTES, 0, 72);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    uint8_t found[16];
    assert_ok(rogue_mem_variable_set_bytes(variable, (const uint8_t *)"123456789more", 13, -1));
    assert_memory_equal(recorder.memory, "123456789\0", 10);
    assert_ok(rogue_mem_variable_stage_bytes(variable, (const uint8_t *)"abcdefghi", 9, -1));
    assert_ok(rogue_mem_variable_staged_bytes(variable, -1, found, sizeof found));
    assert_memory_equal(found, "abcdefghi", 9);
    assert_ok(rogue_mem_variable_write(variable));
    recorder.memory[0] = 'A';
    assert_ok(rogue_mem_variable_get_bytes(variable, -1, found, 9));
    assert_memory_equal(found, "Abcdefghi", 9);
    assert_ok(rogue_mem_variable_stage_raw(variable, (const uint8_t *)"ihgfedcba", 9, -1));
    assert_ok(rogue_mem_variable_staged_raw(variable, -1, found, 9));
    assert_memory_equal(found, "ihgfedcba", 9);

    /* An integer of more than 64 bits, which has to fit. */
    spec = spec_of("wide", ROGUE_MEM_MODEL_UINT, 4, 68);
    variable = only_variable(block, &spec);
    static const uint8_t one[] = {1, 0, 0, 0, 0, 0, 0, 0, 0x0F},
                         large[] = {0, 0, 0, 0, 0, 0, 0, 0, 0x10};
    memset(recorder.memory, 0, sizeof recorder.memory);
    assert_ok(rogue_mem_variable_set_bytes(variable, one, sizeof one, -1));
    assert_ok(rogue_mem_variable_get_bytes(variable, -1, found, sizeof found));
    assert_memory_equal(found, one, sizeof one);
    assert_true((recorder.memory[0] & 0xF0) == 0x10 && recorder.memory[8] == 0xF0);
    assert_int_equal(rogue_mem_variable_set_bytes(variable, large, sizeof large, -1),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_string_equal(rogue_mem_last_error_source(), "Block::setUInt");
    assert_contains(rogue_mem_last_error(), "which has more than 68 bits");
    assert_int_equal(rogue_mem_variable_stage_raw(variable, large, sizeof large, -1),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "which has more than 68 bits");
    assert_ok(rogue_mem_variable_stage_raw(variable, one, sizeof one, -1));
    spec.minimum = 2;
    spec.maximum = 100;
    spec.has_range = 1;
    variable = only_variable(block, &spec);
    assert_int_equal(rogue_mem_variable_stage_bytes(variable, one, sizeof one, -1),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "Min=2.000000, Max=100.000000");

    spec = spec_of("text", ROGUE_MEM_MODEL_STRING, 64, 64);
    variable = only_variable(block, &spec);
    char text[16];
    size_t length = 0;
    assert_ok(rogue_mem_variable_set_string(variable, "12345678", -1));
    assert_memory_equal(recorder.memory + 8, "12345678", 8);
    assert_ok(rogue_mem_variable_get_string(variable, -1, text, sizeof text, &length));
    assert_string_equal(text, "12345678");
    assert_int_equal(length, 8);
    assert_ok(rogue_mem_variable_stage_string(variable, "a\xFF", -1));
    assert_ok(rogue_mem_variable_staged_string(variable, -1, text, sizeof text, &length));
    assert_string_equal(text, "a\xFF");
    assert_ok(rogue_mem_variable_staged_string(variable, -1, text, 2, &length));
    assert_true(strcmp(text, "a") == 0 && length == 2);
    end(block, &recorder);
}

static void a_dump_shows_the_values(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = list_of("list", ROGUE_MEM_MODEL_INT, 0, 3, 8);
    rogue_mem_variable_t *list = only_variable(block, &spec);
    assert_ok(rogue_mem_variable_update_path(list, "top.list"));
    memcpy(recorder.memory, "\1\377\3", 3);
    char text[32];
    size_t length = 0;
    assert_ok(rogue_mem_variable_dump(list, 0, text, sizeof text, &length));
    assert_string_equal(text, "top.list = 0 0 0\n");
    assert_ok(rogue_mem_variable_dump(list, 1, text, sizeof text, &length));
    assert_string_equal(text, "top.list = 1 -1 3\n");
    assert_int_equal(length, strlen(text));
    end(block, &recorder);
}

/* --- bad input --------------------------------------------------------------------------------- */

/* Asserts the error of the last call. */
#define assert_refused(call, source, text)                                                         \
    do {                                                                                           \
        assert_int_equal(call, ROGUE_MEM_ERROR_INVALID_ARGUMENT);                                  \
        assert_string_equal(rogue_mem_last_error_source(), source);                                \
        assert_contains(rogue_mem_last_error(), text);                                             \
    } while (0)

static void a_bad_value_is_refused_and_neither_staged_nor_sent(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t specs[] = {
        spec_of("level", ROGUE_MEM_MODEL_UINT, 0, 8),
        list_of("list", ROGUE_MEM_MODEL_INT, 8, 3, 8),
        spec_of("ratio", ROGUE_MEM_MODEL_FIXED, 32, 8),
        spec_of("text", ROGUE_MEM_MODEL_STRING, 40, 16),
        spec_of("limited", ROGUE_MEM_MODEL_UINT, 56, 8),
        spec_of("zero", ROGUE_MEM_MODEL_UINT, 64, 8),
    };
    specs[4].minimum = 10;
    specs[4].maximum = 20;
    specs[5].has_range = 1;
    enum { LEVEL, LIST, RATIO, TEXT, LIMITED, ZERO, VARIABLES };
    rogue_mem_variable_t *all[VARIABLES];
    for (size_t index = 0; index < VARIABLES; index++) {
        all[index] = variable_of(&specs[index]);
    }
    assert_ok(rogue_mem_block_add_variables(block, all, VARIABLES));
    const int8_t four[] = {1, 2, 3, 4};
    const int16_t partly[] = {1, 200};
    uint64_t number = 7;
    float single = 7;
    uint16_t narrow[3] = {7, 7, 7};
    assert_refused(rogue_mem_variable_set_uint(all[LEVEL], 256, -1), "Block::setUInt",
                   "Value range error for level. Value=256, Min=0.000000, Max=255.000000");
    assert_refused(rogue_mem_variable_set_int(all[LEVEL], 1, -1), "Variable::setInt",
                   "Wrong set type for variable level");
    assert_refused(rogue_mem_variable_stage_float(all[LEVEL], 1, -1), "Variable::setFloat",
                   "Wrong set type for variable level");
    assert_refused(rogue_mem_variable_get_float(all[LEVEL], -1, &single), "Variable::getFloat",
                   "Wrong get type for variable level");
    assert_refused(rogue_mem_variable_set_int(all[LIST], 1, 3), "Block::setBytes",
                   "Index 3 is out of range for list");
    assert_refused(rogue_mem_variable_set_int(all[LIST], 1, -1), "Block::setBytes",
                   "Index 4294967295 is out of range for list");
    assert_refused(rogue_mem_variable_get_uint(all[LIST], 0, &number), "Variable::getUInt",
                   "Wrong get type for variable list");
    assert_refused(rogue_mem_variable_set_values(all[LIST], ROGUE_MEM_ELEMENT_INT8, four, 4, 0),
                   "Block::setIntPy", "length 4 at index 0. Variable length = 3 for list");
    assert_refused(rogue_mem_variable_set_values(all[LIST], ROGUE_MEM_ELEMENT_INT16, partly, 2, 0),
                   "Block::setInt", "Value range error for list. Value=200");
    assert_refused(rogue_mem_variable_get_values(all[LIST], ROGUE_MEM_ELEMENT_INT16, 1, narrow, 3),
                   "Block::getBytes", "Index 3 is out of range for list");
    assert_refused(rogue_mem_variable_set_double(all[RATIO], NAN, -1), "Block::setFixed",
                   "Fixed point overflow for ratio. Value=nan");
    assert_refused(rogue_mem_variable_set_string(all[TEXT], "abc", -1), "Block::setString",
                   "Text of 3 bytes is too long for text, which holds 2");
    assert_refused(rogue_mem_variable_set_uint(all[LIMITED], 21, -1), "Block::setUInt",
                   "Value range error for limited. Value=21, Min=10.000000, Max=20.000000");
    assert_refused(rogue_mem_variable_set_uint(all[ZERO], 1, -1), "Block::setUInt",
                   "Value range error for zero. Value=1, Min=0.000000, Max=0.000000");
    assert_true(number == 7 && single == 7 && narrow[0] == 7);
    static const uint8_t zeros[64];
    uint8_t staged[64] = {7};
    assert_ok(rogue_mem_block_staged_data(block, 0, staged, sizeof staged));
    assert_memory_equal(staged, zeros, sizeof staged);
    assert_int_equal(events_count(&recorder.transactions), 0);
    uint32_t skipped = 7;
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_WRITE, 0, 1, NULL, -1, &skipped, NULL));
    assert_int_equal(skipped, ROGUE_MEM_SKIP_NOTHING_STAGED);
    for (size_t index = 0; index < VARIABLES; index++) {
        rogue_mem_variable_release(all[index]);
    }
    end(block, &recorder);
}

static void a_narrow_element_holds_no_wide_one(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = list_of("list", ROGUE_MEM_MODEL_UINT, 0, 2, 9);
    rogue_mem_variable_t *list = only_variable(block, &spec);
    uint8_t bytes[2] = {7, 7};
    uint16_t words[2] = {7, 7};
    assert_int_equal(rogue_mem_variable_get_values(list, ROGUE_MEM_ELEMENT_UINT8, 0, bytes, 2),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_string_equal(rogue_mem_last_error(),
                        "Elements of 8 bits do not hold the 9 bits of list");
    assert_int_equal(bytes[0], 7);
    assert_int_equal(rogue_mem_variable_staged_values(list, ROGUE_MEM_ELEMENT_INT16, 0, words, 2),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "Wrong get type");
    assert_int_equal(events_count(&recorder.transactions), 0);
    assert_ok(rogue_mem_variable_get_values(list, ROGUE_MEM_ELEMENT_UINT16, 0, words, 2));
    assert_int_equal(words[0], 0);
    end(block, &recorder);
}

static void an_expected_model_is_named_as_in_rogue(void **state) {
    (void)state;
    const rogue_mem_variable_spec_t spec = spec_of("x", ROGUE_MEM_MODEL_UFIXED, 0, 8);
    rogue_mem_variable_t *variable = variable_of(&spec);
    assert_ok(rogue_mem_variable_expect_model(variable, ROGUE_MEM_MODEL_UFIXED, 1));
    assert_ok(rogue_mem_variable_expect_model(variable, ROGUE_MEM_MODEL_FIXED, 0));
    assert_refused(rogue_mem_variable_expect_model(variable, ROGUE_MEM_MODEL_TENSOR_FLOAT32, 1),
                   "Variable::setTensorFloat32", "Wrong set type for variable x");
    assert_refused(rogue_mem_variable_expect_model(variable, ROGUE_MEM_MODEL_BYTES, 0),
                   "Variable::getByteArray", "Wrong get type for variable x");
    rogue_mem_variable_release(variable);
}

static void a_variable_without_a_block_has_no_value(void **state) {
    (void)state;
    const rogue_mem_variable_spec_t spec = spec_of("lone", ROGUE_MEM_MODEL_UINT, 0, 8);
    rogue_mem_variable_t *variable = variable_of(&spec);
    uint64_t value = 7;
    char text[8];
    size_t length = 7;
    const char *words = "Variable lone is in no block, or that no longer exists";
    for (int round = 0; round < 2; round++) {
        const rogue_mem_status_t results[] = {
            rogue_mem_variable_set_uint(variable, 1, -1),
            rogue_mem_variable_get_uint(variable, -1, &value),
            rogue_mem_variable_stage_uint(variable, 1, -1),
            rogue_mem_variable_staged_uint(variable, -1, &value),
            rogue_mem_variable_read(variable),
            rogue_mem_variable_write(variable),
            rogue_mem_variable_dump(variable, 0, text, sizeof text, &length),
            rogue_mem_variable_set_log_level(variable, ROGUE_MEM_LOG_ERROR),
        };
        for (size_t index = 0; index < COUNT_OF(results); index++) {
            assert_int_equal(results[index], ROGUE_MEM_ERROR_NOT_FOUND);
        }
        assert_contains(rogue_mem_last_error(), words);
        assert_true(value == 7 && length == 7);
        /* Nor has one whose block is gone. */
        rogue_mem_block_t *block = NULL;
        assert_ok(rogue_mem_block_new(0, 4, &block));
        assert_ok(rogue_mem_block_add_variables(block, &variable, 1));
        assert_ok(rogue_mem_variable_set_log_level(variable, ROGUE_MEM_LOG_ERROR));
        rogue_mem_block_t *found = rogue_mem_variable_block(variable);
        assert_ptr_equal(found, block);
        rogue_mem_block_release(found);
        rogue_mem_block_release(block);
    }
    rogue_mem_variable_release(variable);
}

static void a_block_takes_no_variables_that_do_not_fit(void **state) {
    (void)state;
    rogue_mem_block_t *block = NULL, *other = NULL;
    assert_ok(rogue_mem_block_new(0x1000, 4, &block));
    assert_ok(rogue_mem_block_new(0, 8, &other));
    const rogue_mem_variable_spec_t specs[] = {
        spec_of("first", ROGUE_MEM_MODEL_UINT, 0, 8),
        spec_of("second", ROGUE_MEM_MODEL_UINT, 7, 8),
        spec_of("outside", ROGUE_MEM_MODEL_UINT, 30, 3),
    };
    rogue_mem_variable_t *all[3];
    for (size_t index = 0; index < 3; index++) {
        all[index] = variable_of(&specs[index]);
    }
    const char *source = "Block::addVariables";
    assert_refused(rogue_mem_block_add_variables(block, NULL, 0), source, "give at least one");
    assert_refused(rogue_mem_block_add_variables(block, all, 2), source,
                   "Variable bit overlap detected for block first with address 0x00001000 and "
                   "variable second");
    assert_refused(
        rogue_mem_block_add_variables(block, all + 2, 1), source,
        "Variable outside ends at bit 33 of block outside with address 0x00001000, which "
        "has 4 bytes");
    assert_ok(rogue_mem_block_add_variables(other, all + 2, 1));
    assert_refused(rogue_mem_block_add_variables(block, all + 2, 1), source,
                   "Variable outside is in another block already");
    assert_refused(rogue_mem_variable_shift_offset_down(all[2], 1, 1), "Variable::shiftOffsetDown",
                   "it is in a block");
    size_t count = 7;
    assert_ok(rogue_mem_block_variables(block, NULL, 0, &count));
    assert_int_equal(count, 0);
    assert_ok(rogue_mem_block_add_variables(block, all, 1));
    assert_refused(rogue_mem_block_read(block, all[2], -1), "Block::startTransaction",
                   "Variable outside is in block outside, not in first");
    for (size_t index = 0; index < 3; index++) {
        rogue_mem_variable_release(all[index]);
    }
    rogue_mem_block_release(other);
    rogue_mem_block_release(block);
}

static void a_transaction_larger_than_the_path_allows_is_not_sent(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 4, 8, MEMORY);
    rogue_mem_block_t *block = block_on(recorder.slave, 0, 12);
    const rogue_mem_variable_spec_t spec = spec_of("large", ROGUE_MEM_MODEL_BYTES, 0, 96);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    assert_refused(rogue_mem_variable_read(variable), "Block::startTransaction",
                   "Transaction of 12 bytes for block large with address 0x00000000 is larger than "
                   "the largest access of 8 bytes");
    assert_int_equal(events_count(&recorder.transactions), 0);
    end(block, &recorder);
}

/* --- transactions ------------------------------------------------------------------------------ */

static void assert_skipped(rogue_mem_block_t *block, uint32_t type, uint32_t expected) {
    uint32_t skipped = 99, updated = 99;
    assert_ok(rogue_mem_block_start(block, type, 0, 1, NULL, -1, &skipped, &updated));
    assert_int_equal(skipped, expected);
    assert_int_equal(updated, 0);
    const uint32_t packed = rogue_mem_block_start_packed(block, type, 0, 1, NULL, -1);
    assert_int_equal(packed, expected << ROGUE_MEM_PACKED_SKIP_SHIFT);
}

static void a_transaction_that_is_not_needed_tells_why(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 512);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    uint8_t value[64] = {1};
    assert_skipped(block, ROGUE_MEM_WRITE, ROGUE_MEM_SKIP_NOTHING_STAGED);
    assert_skipped(block, ROGUE_MEM_VERIFY, ROGUE_MEM_SKIP_NOTHING_TO_VERIFY);
    assert_ok(rogue_mem_variable_stage_bytes(variable, value, sizeof value, -1));
    assert_skipped(block, ROGUE_MEM_READ, ROGUE_MEM_SKIP_ALL_STAGED);
    spec.mode = "RO";
    only_variable(block, &spec);
    assert_skipped(block, ROGUE_MEM_WRITE, ROGUE_MEM_SKIP_READ_ONLY);
    spec.mode = "WO";
    only_variable(block, &spec);
    assert_skipped(block, ROGUE_MEM_READ, ROGUE_MEM_SKIP_WRITE_ONLY);
    spec.mode = "RW";
    only_variable(block, &spec);
    assert_ok(rogue_mem_block_set_enable(block, 0));
    assert_false(rogue_mem_block_is_enabled(block));
    assert_skipped(block, ROGUE_MEM_READ, ROGUE_MEM_SKIP_DISABLED);
    assert_int_equal(events_count(&recorder.transactions), 0);

    assert_ok(rogue_mem_block_set_enable(block, 7));
    assert_true(rogue_mem_block_is_enabled(block));
    uint32_t skipped = 99, updated = 99;
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 0, NULL, -1, &skipped, &updated));
    assert_true(skipped == ROGUE_MEM_SKIP_NONE && updated == 0);
    assert_ok(rogue_mem_block_check(block, &updated));
    assert_int_equal(updated, 1);
    assert_ok(rogue_mem_block_check(block, &updated));
    assert_int_equal(updated, 0);
    assert_ok(rogue_mem_block_check(block, NULL));
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 1, NULL, -1, NULL, NULL));
    assert_int_equal(events_count(&recorder.transactions), 2);
    assert_refused(rogue_mem_block_start(block, 5, 0, 1, NULL, -1, &skipped, &updated),
                   "Block::startTransaction", "5");
    end(block, &recorder);
}

static void a_result_is_packed_into_one_number(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 8, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    const uint8_t *staged = rogue_mem_block_staged_start(block);
    recorder.memory[1] = 0x42;
    assert_int_equal(rogue_mem_block_start_packed(block, ROGUE_MEM_READ, 0, 1, variable, -1),
                     ROGUE_MEM_PACKED_UPDATED);
    assert_int_equal(staged[1], 0x42);
    assert_int_equal(rogue_mem_block_start_packed(block, ROGUE_MEM_READ, 0, 0, variable, -1), 0);
    assert_int_equal(rogue_mem_block_check_packed(block), ROGUE_MEM_PACKED_UPDATED);
    assert_int_equal(rogue_mem_block_check_packed(block), 0);
    assert_ok(rogue_mem_variable_stage_uint(variable, 0x43, -1));
    assert_int_equal(staged[1], 0x43);
    assert_ptr_equal(rogue_mem_block_staged_start(block), staged);
    recorder.behaviour = FAIL;
    recorder.error_text = "no";
    assert_int_equal(rogue_mem_block_start_packed(block, ROGUE_MEM_WRITE, 0, 1, variable, -1),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "Error no");
    end(block, &recorder);
}

static void a_start_and_a_check_that_would_wait_do_nothing(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = list_of("list", ROGUE_MEM_MODEL_UINT, 0, 4, 32);
    rogue_mem_variable_t *list = only_variable(block, &spec);
    /* Code of the program carries it out. */
    assert_int_equal(rogue_mem_block_try_start_packed(block, list, ROGUE_MEM_READ),
                     ROGUE_MEM_PACKED_WOULD_WAIT);
    assert_int_equal(events_count(&recorder.transactions), 0);
    assert_int_equal(rogue_mem_block_try_check_packed(block), 0);

    rogue_mem_slave_t *memory = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &memory));
    rogue_mem_master_t *master = rogue_mem_block_master(block);
    assert_ok(rogue_mem_master_set_slave(master, memory));
    rogue_mem_master_release(master);
    const uint32_t nothing = ROGUE_MEM_SKIP_NOTHING_STAGED << ROGUE_MEM_PACKED_SKIP_SHIFT;
    assert_int_equal(rogue_mem_block_try_start_packed(block, NULL, ROGUE_MEM_WRITE), nothing);
    assert_ok(rogue_mem_variable_stage_uint(list, 42, 2));
    /* Everything that is staged, and the variable: more than the element. */
    assert_int_equal(
        rogue_mem_block_try_start_packed(block, list, ROGUE_MEM_WRITE + ROGUE_MEM_PACKED_FORCED),
        0);
    assert_int_equal(rogue_mem_block_try_check_packed(block), ROGUE_MEM_PACKED_UPDATED);
    assert_int_equal(rogue_mem_block_try_check_packed(block), 0);
    /* A staged element hides itself, and no other one. */
    assert_ok(rogue_mem_variable_stage_uint(list, 43, 2));
    const uint32_t hidden = ROGUE_MEM_SKIP_ALL_STAGED << ROGUE_MEM_PACKED_SKIP_SHIFT;
    for (uint32_t index = 0; index < 4; index++) {
        const uint32_t element = (index + 1) << ROGUE_MEM_PACKED_ELEMENT_SHIFT;
        assert_int_equal(rogue_mem_block_try_start_packed(block, list, ROGUE_MEM_READ + element),
                         index == 2 ? hidden : 0);
    }
    assert_int_equal(rogue_mem_block_try_start_packed(block, list, 7),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    rogue_mem_slave_release(memory);
    end(block, &recorder);
}

/* Memory of one word, whose lowest bit is stuck at 0. */
typedef struct {
    uint8_t word[4];
    unsigned writes;
} stuck_t;

static void access_stuck(void *ctx, rogue_mem_transaction_t *transaction) {
    stuck_t *stuck = ctx;
    const uint32_t type = rogue_mem_transaction_type(transaction);
    if (type == ROGUE_MEM_WRITE) {
        (void)rogue_mem_transaction_copy_from_requester(transaction, 0, stuck->word, 4);
        stuck->word[0] &= 0xFE;
        stuck->writes++;
    } else {
        (void)rogue_mem_transaction_copy_to_requester(transaction, 0, stuck->word, 4);
    }
    rogue_mem_transaction_done(transaction);
}

static void a_verify_that_finds_a_difference_has_a_status_of_its_own(void **state) {
    (void)state;
    stuck_t stuck = {{0}, 0};
    rogue_mem_slave_callbacks_t callbacks = {0};
    rogue_mem_slave_t *slave = NULL;
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &stuck;
    callbacks.do_transaction = access_stuck;
    assert_ok(rogue_mem_slave_new(4, 4, &callbacks, &slave));
    rogue_mem_block_t *block = block_on(slave, 0x40, 4);
    rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    assert_ok(rogue_mem_variable_set_uint(variable, 6, -1));
    assert_int_equal(rogue_mem_variable_set_uint(variable, 7, -1), ROGUE_MEM_ERROR_VERIFY);
    assert_string_equal(rogue_mem_last_error_source(), "Block::checkTransaction");
    assert_string_equal(rogue_mem_last_error(),
                        "Verify error for block word with address 0x00000040. Byte: 0. Got: 0x06, "
                        "Exp: 0x07, Mask: 0xff");
    assert_int_equal(stuck.writes, 2);
    /* Each further attempt writes once more. */
    spec.retry_count = 2;
    variable = only_variable(block, &spec);
    assert_int_equal(rogue_mem_variable_set_uint(variable, 7, -1), ROGUE_MEM_ERROR_VERIFY);
    assert_int_equal(stuck.writes, 5);
    /* What is not verified may differ. */
    spec.no_verify = 1;
    variable = only_variable(block, &spec);
    assert_ok(rogue_mem_variable_set_uint(variable, 7, -1));
    rogue_mem_block_release(block);
    rogue_mem_slave_release(slave);
}

static void a_failure_is_reported_once_with_the_text_of_the_slave(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    recorder.behaviour = FAIL;
    recorder.error_text = "AXI bus error";
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 0, NULL, -1, NULL, NULL));
    uint32_t updated = 7;
    assert_int_equal(rogue_mem_block_check(block, &updated), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(),
                        "Transaction error for block word with address 0x00000000. Error AXI bus "
                        "error");
    assert_int_equal(updated, 7);
    assert_ok(rogue_mem_block_check(block, &updated));
    assert_int_equal(updated, 0);
    spec.retry_count = 3;
    variable = only_variable(block, &spec);
    const unsigned before = events_count(&recorder.transactions);
    assert_int_equal(rogue_mem_variable_read(variable), ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(events_count(&recorder.transactions), before + 4);
    end(block, &recorder);
}

static void a_transaction_that_nobody_answers_times_out(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    rogue_mem_master_t *master = rogue_mem_block_master(block);
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    rogue_mem_master_release(master);
    recorder.behaviour = FORGET;
    assert_int_equal(rogue_mem_variable_read(variable), ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    assert_contains(rogue_mem_last_error(), "Error Timeout waiting for register transaction");
    end(block, &recorder);
}

/* --- observers --------------------------------------------------------------------------------- */

typedef struct {
    pthread_t thread;
    unsigned count, drops;
    char names[64];
    uint64_t value;
} seen_t;

/* Records the variables, and their values. */
static void see(void *ctx, rogue_mem_variable_t *variable) {
    seen_t *seen = ctx;
    char name[16] = "#";
    (void)rogue_mem_variable_name(variable, name, sizeof name, NULL);
    strncat(seen->names, name, sizeof seen->names - strlen(seen->names) - 1);
    (void)rogue_mem_variable_staged_uint(variable, -1, &seen->value);
    seen->thread = pthread_self();
    seen->count++;
}

static void count_drop(void *ctx) { ((seen_t *)ctx)->drops++; }

static void observe(rogue_mem_block_t *block, seen_t *seen) {
    rogue_mem_block_observer_t observer = {0};
    observer.size = sizeof observer;
    observer.ctx = seen;
    observer.drop = count_drop;
    observer.updated = see;
    assert_ok(rogue_mem_block_observe(block, &observer));
}

static void variables_that_may_have_changed_are_told_in_their_order(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    rogue_mem_variable_t *all[3];
    for (size_t index = 0; index < 3; index++) {
        const char *const names[] = {"a", "quiet", "b"};
        rogue_mem_variable_spec_t spec =
            spec_of(names[index], ROGUE_MEM_MODEL_UINT, 32 * index, 32);
        spec.no_notify = index == 1;
        all[index] = variable_of(&spec);
    }
    assert_ok(rogue_mem_block_add_variables(block, all, 3));
    seen_t first = {0}, second = {0};
    observe(block, &first);
    recorder.memory[8] = 0x42;
    assert_ok(rogue_mem_variable_read(all[1]));
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 0, NULL, -1, NULL, NULL));
    assert_int_equal(first.count, 2);
    assert_ok(rogue_mem_block_check(block, NULL));
    assert_string_equal(first.names, "abab");
    assert_int_equal(first.value, 0x42);
    assert_true(pthread_equal(first.thread, pthread_self()));
    observe(block, &second);
    assert_int_equal(first.drops, 1);
    recorder.behaviour = FAIL;
    recorder.error_text = "no";
    assert_int_equal(rogue_mem_variable_read(all[0]), ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(second.count, 0);
    recorder.behaviour = MEMORY;
    assert_ok(rogue_mem_variable_set_uint(all[0], 1, -1));
    assert_string_equal(second.names, "ab"); /* once for the write and the verify together */
    assert_ok(rogue_mem_block_observe(block, NULL));
    assert_int_equal(second.drops, 1);
    assert_ok(rogue_mem_variable_read(all[0]));
    assert_int_equal(second.count, 2);
    for (size_t index = 0; index < 3; index++) {
        rogue_mem_variable_release(all[index]);
    }
    seen_t last = {0};
    observe(block, &last);
    end(block, &recorder);
    assert_int_equal(last.drops, 1);
    assert_int_equal(first.drops, 1);
}

static void a_closed_gate_tells_no_observer(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    rogue_mem_gate_t *gate = NULL;
    seen_t seen = {0};
    rogue_mem_block_observer_t observer = {0};
    assert_ok(rogue_mem_gate_new(&gate));
    observer.size = sizeof observer;
    observer.ctx = &seen;
    observer.drop = count_drop;
    observer.updated = see;
    observer.gate = gate;
    assert_ok(rogue_mem_block_observe(block, &observer));
    assert_ok(rogue_mem_variable_read(variable));
    assert_int_equal(seen.count, 1);
    assert_true(rogue_mem_gate_close(gate, 0));
    assert_ok(rogue_mem_variable_read(variable));
    assert_int_equal(seen.count, 1);
    end(block, &recorder);
    assert_int_equal(seen.drops, 1);
    rogue_mem_gate_release(gate);
}

static void a_block_lists_its_variables(void **state) {
    (void)state;
    rogue_mem_block_t *block = NULL;
    rogue_mem_slave_t *slave = NULL, *behind = NULL;
    rogue_mem_hub_t *hub = NULL;
    assert_ok(rogue_mem_emulate_new(4, 0, &slave));
    assert_ok(rogue_mem_hub_new(0x1000, 0, 0, &hub));
    rogue_mem_master_t *downstream = rogue_mem_hub_master(hub);
    assert_ok(rogue_mem_master_set_slave(downstream, slave));
    behind = rogue_mem_hub_slave(hub);
    block = block_on(behind, 0x20, 8);
    char text[32] = "#";
    assert_ok(rogue_mem_block_path(block, text, sizeof text, NULL));
    assert_string_equal(text, "Undefined");
    assert_int_equal(rogue_mem_block_set_log_level(block, ROGUE_MEM_LOG_ERROR),
                     ROGUE_MEM_ERROR_NOT_FOUND);
    rogue_mem_variable_t *all[2], *found[2] = {NULL, NULL};
    for (size_t index = 0; index < 2; index++) {
        rogue_mem_variable_spec_t spec =
            spec_of(index == 0 ? "one" : "two", ROGUE_MEM_MODEL_UINT, 32 * index, 32);
        spec.mode = "WO";
        spec.no_bulk = 1;
        all[index] = variable_of(&spec);
    }
    assert_ok(rogue_mem_variable_update_path(all[0], "top.one"));
    assert_ok(rogue_mem_block_add_variables(block, all, 2));
    assert_ok(rogue_mem_block_set_log_level(block, ROGUE_MEM_LOG_ERROR));
    assert_ok(rogue_mem_block_path(block, text, sizeof text, NULL));
    assert_string_equal(text, "top.one");
    assert_ok(rogue_mem_block_mode(block, text, sizeof text, NULL));
    assert_string_equal(text, "WO");
    assert_false(rogue_mem_block_is_bulk(block));
    assert_int_equal(rogue_mem_block_offset(block), 0x20);
    assert_int_equal(rogue_mem_block_size(block), 8);
    assert_int_equal(rogue_mem_block_address(block), 0x1020);
    size_t count = 0;
    assert_ok(rogue_mem_block_variables(block, found, 1, &count));
    assert_true(count == 2 && found[0] == all[0] && found[1] == NULL);
    rogue_mem_variable_release(found[0]);
    assert_ok(rogue_mem_block_variables(block, found, 2, &count));
    rogue_mem_variable_release(all[0]);
    rogue_mem_variable_release(all[1]);
    rogue_mem_block_release(block);
    /* Those of the list outlive the block. */
    assert_ok(rogue_mem_variable_name(found[1], text, sizeof text, NULL));
    assert_string_equal(text, "two");
    rogue_mem_variable_release(found[0]);
    rogue_mem_variable_release(found[1]);
    rogue_mem_slave_release(behind);
    rogue_mem_master_release(downstream);
    rogue_mem_hub_release(hub);
    rogue_mem_slave_release(slave);
}

/* --- many blocks ------------------------------------------------------------------------------- */

typedef struct {
    rogue_mem_block_t *blocks[COUNT];
    rogue_mem_variable_t *words[COUNT];
} many_t;

/* A block with one word for each index, all of one slave. */
static void make_many(many_t *many, rogue_mem_slave_t *slave) {
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    for (uint32_t index = 0; index < COUNT; index++) {
        many->blocks[index] = block_on(slave, 4 * index, 4);
        many->words[index] = only_variable(many->blocks[index], &spec);
    }
}

static void end_many(many_t *many) {
    for (size_t index = 0; index < COUNT; index++) {
        rogue_mem_block_release(many->blocks[index]);
    }
}

/* What failed has been told of. */
typedef struct {
    unsigned count;
    size_t first, last;
    rogue_mem_status_t status;
    char source[64], text[128];
} failures_t;

static void note_failure(void *ctx, size_t index, rogue_mem_status_t status, const char *source,
                         const char *text) {
    failures_t *failures = ctx;
    if (failures->count++ == 0) {
        failures->first = index;
        failures->status = status;
        snprintf(failures->source, sizeof failures->source, "%s", source);
        snprintf(failures->text, sizeof failures->text, "%s", text);
    }
    failures->last = index;
    /* A callback may fail in calls of its own. */
    rogue_mem_log_remove_filter("no such filter");
}

static void many_blocks_are_written_and_read_with_one_call_each(void **state) {
    (void)state;
    rogue_mem_slave_t *slave = NULL;
    many_t many;
    uint32_t updated[COUNT];
    rogue_mem_bulk_report_t report = {0};
    report.size = sizeof report;
    report.updated = updated;
    assert_ok(rogue_mem_emulate_new(4, 0, &slave));
    make_many(&many, slave);
    for (uint32_t index = 0; index < COUNT; index += 2) {
        assert_ok(rogue_mem_variable_stage_uint(many.words[index], 1000 + index, -1));
    }
    memset(updated, 0xA5, sizeof updated);
    assert_ok(rogue_mem_block_write_all(many.blocks, COUNT, 0, &report));
    for (size_t index = 0; index < COUNT; index++) {
        assert_int_equal(updated[index], index % 2 == 0);
    }
    assert_ok(rogue_mem_block_write_all(many.blocks, COUNT, 0, &report));
    assert_int_equal(updated[0], 0);
    assert_ok(rogue_mem_block_write_all(many.blocks, COUNT, 1, &report));
    assert_int_equal(updated[1], 1);
    assert_ok(rogue_mem_block_read_all(many.blocks, COUNT, &report));
    for (uint32_t index = 0; index < COUNT; index++) {
        uint64_t value = 7;
        assert_ok(rogue_mem_variable_staged_uint(many.words[index], -1, &value));
        assert_int_equal(value, index % 2 == 0 ? 1000 + index : 0);
        assert_int_equal(updated[index], 1);
    }
    assert_ok(rogue_mem_block_start_all(many.blocks, COUNT, ROGUE_MEM_READ, 0, &report));
    assert_int_equal(updated[0], 0);
    assert_ok(rogue_mem_block_check_all(many.blocks, COUNT, &report));
    assert_int_equal(updated[COUNT - 1], 1);
    end_many(&many);
    rogue_mem_slave_release(slave);
}

static void of_many_blocks_each_failure_is_told_with_its_index(void **state) {
    (void)state;
    rogue_mem_slave_t *slave = NULL;
    recorder_t recorder;
    many_t many;
    failures_t failures = {0};
    uint32_t updated[COUNT];
    rogue_mem_bulk_report_t report = {0};
    report.size = sizeof report;
    report.ctx = &failures;
    report.failed = note_failure;
    report.updated = updated;
    recorder_init(&recorder, 4, 0, FAIL);
    recorder.error_text = "bus error";
    assert_ok(rogue_mem_emulate_new(4, 0, &slave));
    make_many(&many, slave);
    for (size_t index = 3; index < COUNT; index += 10) {
        rogue_mem_master_t *master = rogue_mem_block_master(many.blocks[index]);
        assert_ok(rogue_mem_master_set_slave(master, recorder.slave));
        rogue_mem_master_release(master);
    }
    assert_int_equal(rogue_mem_block_read_all(many.blocks, COUNT, &report),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(rogue_mem_last_error_status(), ROGUE_MEM_ERROR_TRANSACTION);
    assert_string_equal(rogue_mem_last_error(), failures.text);
    assert_string_equal(rogue_mem_last_error_source(), failures.source);
    assert_string_equal(failures.source, "Block::checkTransaction");
    assert_string_equal(
        failures.text, "Transaction error for block word with address 0x0000000c. Error bus error");
    assert_int_equal(failures.status, ROGUE_MEM_ERROR_TRANSACTION);
    assert_true(failures.count == COUNT / 10 && failures.first == 3 && failures.last == 93);
    for (size_t index = 0; index < COUNT; index++) {
        assert_int_equal(updated[index], index % 10 != 3);
    }
    assert_int_equal(rogue_mem_block_read_all(many.blocks, COUNT, NULL),
                     ROGUE_MEM_ERROR_TRANSACTION);
    end_many(&many);
    rogue_mem_slave_release(slave);
    recorder_destroy(&recorder);
}

/* --- waits that are given up ------------------------------------------------------------------- */

typedef struct {
    unsigned asked, drops;
} patience_t;

static uint32_t lose_patience(void *ctx) { return ++((patience_t *)ctx)->asked == 2; }

static void drop_patience(void *ctx) { ((patience_t *)ctx)->drops++; }

static void a_watch_gives_up_a_wait_and_leaves_the_transaction_to_the_next(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    patience_t patience = {0};
    rogue_mem_watch_t watch = {0};
    watch.size = sizeof watch;
    watch.ctx = &patience;
    watch.drop = drop_patience;
    watch.is_interrupted = lose_patience;
    assert_ok(rogue_mem_thread_watch(&watch));
    recorder.behaviour = KEEP;
    assert_int_equal(rogue_mem_block_start_packed(block, ROGUE_MEM_READ, 0, 1, variable, -1),
                     ROGUE_MEM_ERROR_INTERRUPTED);
    assert_true(patience.asked == 2 && patience.drops == 0);
    rogue_mem_transaction_t *kept = recorder_take(&recorder);
    const uint8_t word[] = {1, 2, 3, 4};
    assert_ok(rogue_mem_transaction_copy_to_requester(kept, 0, word, sizeof word));
    rogue_mem_transaction_done(kept);
    rogue_mem_transaction_release(kept);
    assert_ok(rogue_mem_block_check(block, NULL));
    uint64_t value = 0;
    assert_ok(rogue_mem_variable_staged_uint(variable, -1, &value));
    assert_int_equal(value, 0x04030201);
    assert_ok(rogue_mem_thread_watch(NULL));
    assert_int_equal(patience.drops, 1);
    end(block, &recorder);
}

/* --- forks ------------------------------------------------------------------------------------- */

/* Whether a call in the child has failed with that status, because the object is its parent's. */
static int is_lost(rogue_mem_status_t found, rogue_mem_status_t expected) {
    return found == expected &&
           strstr(rogue_mem_last_error(), "made before this process was forked") != NULL;
}

/* The child's use of its parent's master; returns its exit status. */
static int use_inherited_master(rogue_mem_master_t *master) {
    uint32_t id = 0;
    uint8_t bytes[4] = {0};
    char text[256] = "";
    size_t count = 1;
    if (rogue_mem_master_request(master, 0, sizeof bytes, bytes, ROGUE_MEM_READ, &id) !=
            ROGUE_MEM_OK ||
        !is_lost(rogue_mem_master_wait(master, id), ROGUE_MEM_ERROR_TRANSACTION)) {
        return 10;
    }
    if (rogue_mem_master_error(master, text, sizeof text, NULL) != ROGUE_MEM_OK ||
        strstr(text, "belongs to the parent process") == NULL) {
        return 11;
    }
    if (rogue_mem_master_outstanding(master, NULL, 0, &count) != ROGUE_MEM_OK || count != 0 ||
        !rogue_mem_master_cancel(master, 0, NULL, 0)) {
        return 12;
    }
    rogue_mem_slave_t *slave = rogue_mem_master_slave(master);
    uint32_t slave_id = rogue_mem_slave_id(slave);
    rogue_mem_slave_release(slave);
    rogue_mem_master_release(master);
    return slave_id == 0 ? 0 : 13;
}

/* The child's use of its parent's block; returns its exit status. */
static int use_inherited(rogue_mem_block_t *block, rogue_mem_variable_t *variable) {
    const rogue_mem_status_t stopped = ROGUE_MEM_ERROR_STOPPED;
    uint64_t value = 0;
    uint8_t bytes[4] = {0};
    if (!is_lost(rogue_mem_block_check(block, NULL), stopped) ||
        !is_lost(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 0, NULL, -1, NULL, NULL),
                 stopped) ||
        !is_lost(rogue_mem_block_read_all(&block, 1, NULL), stopped) ||
        !is_lost(rogue_mem_block_staged_data(block, 0, bytes, sizeof bytes), stopped)) {
        return 2;
    }
    if (!is_lost(rogue_mem_variable_staged_uint(variable, -1, &value), stopped) ||
        !is_lost(rogue_mem_variable_set_uint(variable, 1, -1), stopped) ||
        !is_lost(rogue_mem_variable_read(variable), stopped)) {
        return 3;
    }
    if (rogue_mem_block_set_enable(block, 1) != ROGUE_MEM_OK || rogue_mem_block_is_enabled(block)) {
        return 4;
    }
    int failure = use_inherited_master(rogue_mem_block_master(block));
    rogue_mem_block_release(block);
    return failure;
}

static void f14_a_child_by_fork_does_its_parents_block_no_harm(void **state) {
    (void)state;
    recorder_t recorder;
    rogue_mem_block_t *block = block_with_memory(&recorder);
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    rogue_mem_variable_t *variable = only_variable(block, &spec);
    assert_ok(rogue_mem_variable_set_uint(variable, 0x42, -1));
    recorder.behaviour = KEEP;
    assert_ok(rogue_mem_block_start(block, ROGUE_MEM_READ, 0, 0, NULL, -1, NULL, NULL));
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        alarm(TEST_TIMEOUT_S);
        int failure = use_inherited(block, variable);
        if (failure != 0) {
            _exit(failure);
        }
        /* Not by _exit: a memory checker would report the remains, which are the parent's. */
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    rogue_mem_transaction_t *kept = recorder_take(&recorder);
    rogue_mem_transaction_done(kept);
    rogue_mem_transaction_release(kept);
    assert_ok(rogue_mem_block_check(block, NULL));
    end(block, &recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unequal_numbers_of_offsets_and_sizes_are_told),
        cmocka_unit_test(a_variable_tells_what_it_was_made_from),
        cmocka_unit_test(what_no_variable_can_be_is_refused),
        cmocka_unit_test(numbers_of_every_type_reach_the_device),
        cmocka_unit_test(lists_move_with_one_call_in_every_type),
        cmocka_unit_test(bytes_and_text_reach_the_device),
        cmocka_unit_test(a_dump_shows_the_values),
        cmocka_unit_test(a_bad_value_is_refused_and_neither_staged_nor_sent),
        cmocka_unit_test(a_narrow_element_holds_no_wide_one),
        cmocka_unit_test(an_expected_model_is_named_as_in_rogue),
        cmocka_unit_test(a_variable_without_a_block_has_no_value),
        cmocka_unit_test(a_block_takes_no_variables_that_do_not_fit),
        cmocka_unit_test(a_transaction_larger_than_the_path_allows_is_not_sent),
        cmocka_unit_test(a_transaction_that_is_not_needed_tells_why),
        cmocka_unit_test(a_result_is_packed_into_one_number),
        cmocka_unit_test(a_start_and_a_check_that_would_wait_do_nothing),
        cmocka_unit_test(a_verify_that_finds_a_difference_has_a_status_of_its_own),
        cmocka_unit_test(a_failure_is_reported_once_with_the_text_of_the_slave),
        cmocka_unit_test(a_transaction_that_nobody_answers_times_out),
        cmocka_unit_test(variables_that_may_have_changed_are_told_in_their_order),
        cmocka_unit_test(a_closed_gate_tells_no_observer),
        cmocka_unit_test(a_block_lists_its_variables),
        cmocka_unit_test(many_blocks_are_written_and_read_with_one_call_each),
        cmocka_unit_test(of_many_blocks_each_failure_is_told_with_its_index),
        cmocka_unit_test(a_watch_gives_up_a_wait_and_leaves_the_transaction_to_the_next),
        cmocka_unit_test(f14_a_child_by_fork_does_its_parents_block_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
