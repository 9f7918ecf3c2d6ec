/* A memory map of an ordinary file. */
#include <unistd.h>

#include "support.h"

enum { SIZE = 4096 };

/* Makes a file of SIZE zeros, and its name. */
static void make_file(char *path, size_t capacity) {
    snprintf(path, capacity, "/tmp/rogue-mem-map-%ld", (long)getpid());
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    static const uint8_t zeros[SIZE];
    assert_int_equal(fwrite(zeros, 1, SIZE, file), SIZE);
    assert_int_equal(fclose(file), 0);
}

static void words_of_a_file_are_registers(void **state) {
    (void)state;
    char path[64];
    make_file(path, sizeof path);
    for (uint32_t width = 4; width <= 8; width += 4) {
        rogue_mem_slave_t *slave = NULL;
        assert_ok(rogue_mem_mem_map_new(path, 0, SIZE, width, &slave));
        assert_int_equal(rogue_mem_slave_min(slave), width);
        rogue_mem_master_t *master = master_of(slave);
        uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
        assert_ok(transfer(master, 0x40, bytes, sizeof bytes, ROGUE_MEM_WRITE));
        uint8_t again[16] = {0};
        assert_ok(transfer(master, 0x40, again, sizeof again, ROGUE_MEM_READ));
        assert_memory_equal(again, bytes, sizeof bytes);
        FILE *file = fopen(path, "rb");
        assert_int_equal(fseek(file, 0x40, SEEK_SET), 0);
        assert_int_equal(fread(again, 1, sizeof again, file), sizeof again);
        fclose(file);
        assert_memory_equal(again, bytes, sizeof bytes);
        assert_int_equal(transfer(master, SIZE, bytes, width, ROGUE_MEM_READ),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), "is out of bounds");
        rogue_mem_slave_stop(slave);
        assert_int_equal(transfer(master, 0, bytes, width, ROGUE_MEM_READ),
                         ROGUE_MEM_ERROR_TRANSACTION);
        assert_contains(rogue_mem_last_error(), "was stopped");
        rogue_mem_master_release(master);
        rogue_mem_slave_release(slave);
    }
    unlink(path);
}

static void what_cannot_be_mapped_says_why(void **state) {
    (void)state;
    char path[64];
    make_file(path, sizeof path);
    rogue_mem_slave_t *slave = NULL;
    assert_int_equal(rogue_mem_mem_map_new(path, 0, SIZE + 4, 0, &slave),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), path);
    assert_int_equal(rogue_mem_mem_map_new(path, 0, SIZE, 2, &slave),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_int_equal(rogue_mem_mem_map_new("/no/such/device", 0, SIZE, 0, &slave),
                     ROGUE_MEM_ERROR_OUT_OF_RESOURCES);
    assert_contains(rogue_mem_last_error(), "Failed to open device file: /no/such/device");
    assert_null(slave);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_file_are_registers),
        cmocka_unit_test(what_cannot_be_mapped_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
