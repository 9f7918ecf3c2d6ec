/* One battery of behaviours, run over every road to emulated memory. A new behaviour is a function,
 * and a line in behaviours. */
#include "registers.h"
#include "roads.h"

/* Of destinations before a read, and of data that must stay as it is. */
#define MARK 0xA5
#define REFUSED_BYTES_MAX ((1 << 16) + UNIT_MAX)

/* Under the memory checker there is less of the same. */
static bool is_memchecked(void) { return getenv("ROGUE_MEM_MEMCHECK") != NULL; }

static unsigned fewer_under_memcheck(unsigned count) {
    return is_memchecked() ? count / 10 : count;
}

/* Content that differs from place to place and from one mark to another. */
static void fill(uint8_t *bytes, size_t count, uint64_t mark) {
    for (size_t index = 0; index < count; index++) {
        bytes[index] = (uint8_t)(((index + mark) * 0x9E3779B97F4A7C15ull) >> 40);
    }
}

static void *allocate(size_t count) {
    void *bytes = calloc(count, 1);
    assert_non_null(bytes);
    return bytes;
}

/* Asserts that the memory there has these bytes. The destination is marked before. */
static void assert_reads(rogue_mem_master_t *master, uint64_t address, const uint8_t *expected,
                         uint32_t count) {
    uint8_t *read = allocate(count);
    memset(read, MARK, count);
    assert_ok(transfer(master, address, read, count, ROGUE_MEM_READ));
    assert_memory_equal(read, expected, count);
    free(read);
}

static void assert_none_outstanding(rogue_mem_master_t *master) {
    size_t count = 1;
    assert_ok(rogue_mem_master_outstanding(master, NULL, 0, &count));
    assert_int_equal(count, 0);
}

static void what_is_written_is_read_and_verified(const path_t *path, rogue_mem_master_t *master) {
    static const uint32_t places[] = {0, 1, 5, 0};
    uint8_t bytes[12], read[12];
    const uint32_t count = 3 * path->unit;
    for (uint32_t index = 0; index < COUNT_OF(places); index++) {
        const uint64_t address = 0x1000 + places[index] * path->unit;
        fill(bytes, count, index);
        assert_ok(transfer(master, address, bytes, count, ROGUE_MEM_WRITE));
        assert_reads(master, address, bytes, count);
        memset(read, MARK, sizeof read);
        assert_ok(transfer(master, address, read, count, ROGUE_MEM_VERIFY));
        assert_memory_equal(read, bytes, count);
        fill(bytes, count, ~(uint64_t)index);
        assert_ok(transfer(master, address, bytes, count, ROGUE_MEM_POST));
        assert_reads(master, address, bytes, count);
    }
    assert_none_outstanding(master);
}

static void what_was_never_written_reads_as_zero(const path_t *path, rogue_mem_master_t *master) {
    (void)path;
    static const uint64_t addresses[] = {0, 0x10000, 0x7FFFFFFFFFFFF000, 0xFFFFFFFFFFFFF000};
    static const uint8_t zeros[64];
    for (size_t index = 0; index < COUNT_OF(addresses); index++) {
        assert_reads(master, addresses[index], zeros, sizeof zeros);
    }
}

static void accesses_of_many_sizes_touch_their_bytes_only(const path_t *path,
                                                          rogue_mem_master_t *master) {
    static uint8_t model[ACCESS_BYTES_MAX + 128];
    const uint32_t last = ACCESS_BYTES_MAX / path->unit;
    fill(model, sizeof model, UINT32_MAX);
    assert_ok(transfer(master, 0x4000, model, sizeof model, ROGUE_MEM_WRITE));
    /* A step is a part of the size, up to the last size. */
    const uint32_t part = is_memchecked() ? 1 : 8;
    for (uint32_t units = 1, step = 1; units <= last; units += step) {
        const uint32_t count = units * path->unit;
        const uint32_t start = (1 + units % 16) * path->unit;
        fill(model + start, count, units);
        assert_ok(transfer(master, 0x4000 + start, model + start, count, ROGUE_MEM_WRITE));
        /* With a neighbour on both sides. */
        assert_reads(master, 0x4000 + start - path->unit, model + start - path->unit,
                     count + 2 * path->unit);
        step = 1 + units / part;
        step = units < last && units + step > last ? last - units : step;
    }
    assert_reads(master, 0x4000, model, sizeof model);
}

static void offsets_of_hubs_add_up(const path_t *path, rogue_mem_master_t *master) {
    const uint64_t lower = 0x220000000, upper = 0x100;
    uint8_t bytes[16];
    const uint32_t count = 4 * path->unit;
    rogue_mem_slave_t *far_hub = hub_over(path->near, lower);
    rogue_mem_slave_t *near_hub = hub_over(far_hub, upper);
    rogue_mem_master_t *over_hubs = master_of(near_hub);
    fill(bytes, count, 7);
    assert_ok(transfer(over_hubs, 0x20, bytes, count, ROGUE_MEM_WRITE));
    assert_reads(over_hubs, 0x20, bytes, count);
    assert_reads(master, lower + 0x120, bytes, count);
    rogue_mem_master_release(over_hubs);
    rogue_mem_slave_release(near_hub);
    rogue_mem_slave_release(far_hub);
}

static void addresses_beyond_four_gigabytes_are_places_of_their_own(const path_t *path,
                                                                    rogue_mem_master_t *master) {
    static const uint64_t places[] = {0x10, 0x100000010, 0xFFFFFFFF00000010, 0x8000000000000010};
    uint8_t bytes[8];
    for (uint32_t mark = 0; mark < COUNT_OF(places); mark++) {
        fill(bytes, 2 * path->unit, mark);
        assert_ok(transfer(master, places[mark], bytes, 2 * path->unit, ROGUE_MEM_WRITE));
    }
    for (uint32_t mark = 0; mark < COUNT_OF(places); mark++) {
        fill(bytes, 2 * path->unit, mark);
        assert_reads(master, places[mark], bytes, 2 * path->unit);
    }
}

static const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_POST, ROGUE_MEM_READ, ROGUE_MEM_VERIFY};

/* Asserts that requests of all types fail with this text, and that their data stays as it was.
 * Where posts need not be told of it, they may end well. */
static void assert_refused(rogue_mem_master_t *master, uint64_t address, uint32_t count,
                           const char *text, bool tells_posts) {
    static uint8_t bytes[REFUSED_BYTES_MAX], untouched[REFUSED_BYTES_MAX];
    memset(bytes, MARK, sizeof bytes);
    memset(untouched, MARK, sizeof untouched);
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        const rogue_mem_status_t status = transfer(master, address, bytes, count, types[index]);
        const bool may_end_well = types[index] == ROGUE_MEM_POST && !tells_posts;
        if (!may_end_well || status != ROGUE_MEM_OK) {
            assert_int_equal(status, ROGUE_MEM_ERROR_TRANSACTION);
            assert_contains(rogue_mem_last_error(), text);
        }
        assert_memory_equal(bytes, untouched, count);
    }
}

static void f03_no_access_reaches_beyond_the_address_space(const path_t *path,
                                                           rogue_mem_master_t *master) {
    const uint32_t unit = path->unit;
    const uint64_t last = UINT64_MAX - unit + 1;
    static const uint8_t zeros[UNIT_MAX];
    uint8_t bytes[8];
    fill(bytes, 2 * unit, 1);
    assert_ok(transfer(master, last - unit, bytes, 2 * unit, ROGUE_MEM_WRITE));
    const uint32_t sizes[] = {2 * unit, ACCESS_BYTES_MAX, (1 << 16) + unit};
    for (size_t index = 0; index < COUNT_OF(sizes); index++) {
        const uint64_t address = last - (sizes[index] - 2 * unit);
        char text[128];
        snprintf(text, sizeof text, "Transaction of %u bytes at 0x%llx reaches beyond",
                 (unsigned)sizes[index], (unsigned long long)address);
        assert_refused(master, address, sizes[index], text, true);
        assert_reads(master, last - unit, bytes, 2 * unit);
        assert_reads(master, 0, zeros, unit);
    }
}

static void what_is_not_aligned_is_refused(const path_t *path, rogue_mem_master_t *master) {
    static const uint64_t addresses[] = {0x42, 0x41, 0x40, 0x40};
    static const uint32_t sizes[] = {4, 8, 6, 1};
    uint8_t bytes[16];
    /* A bridge's client is done with a posted write when it is sent, or when the answer to it comes
     * before the sending thread goes on. */
    const bool tells_posts = path->client == NULL;
    fill(bytes, sizeof bytes, 2);
    assert_ok(transfer(master, 0x40, bytes, sizeof bytes, ROGUE_MEM_WRITE));
    for (size_t index = 0; index < COUNT_OF(sizes); index++) {
        assert_refused(master, addresses[index], sizes[index], "is not aligned to min size 4",
                       tells_posts);
        assert_reads(master, 0x40, bytes, sizeof bytes);
    }
}

static void a_large_block_arrives_whole(const path_t *path, rogue_mem_master_t *master) {
    static const uint8_t zeros[UNIT_MAX];
    /* Neither a multiple of a page nor of an access, and from the middle of one. */
    const uint32_t count = (uint32_t)path->large_bytes - 7 * path->unit;
    const uint64_t address = 0x8000 + 3 * path->unit;
    uint8_t *bytes = allocate(count);
    fill(bytes, count, 3);
    assert_ok(transfer(master, address, bytes, count, ROGUE_MEM_WRITE));
    assert_reads(master, address, bytes, count);
    assert_reads(master, address + count, zeros, path->unit);
    assert_reads(master, address - path->unit, zeros, path->unit);
    free(bytes);
}

static void a_later_write_wins(const path_t *path, rogue_mem_master_t *master) {
    enum { COUNT = 20 };
    uint8_t bytes[COUNT][8];
    uint32_t id = 0;
    for (uint32_t round = 0; round < fewer_under_memcheck(20); round++) {
        for (uint32_t index = 0; index < COUNT; index++) {
            const uint32_t type = (round + index) % 3 == 0 ? ROGUE_MEM_POST : ROGUE_MEM_WRITE;
            fill(bytes[index], sizeof bytes[index], 100 * round + index);
            assert_ok(rogue_mem_master_request(master, 0, 2 * path->unit, bytes[index], type, &id));
        }
        assert_reads(master, 0, bytes[COUNT - 1], 2 * path->unit);
        assert_ok(rogue_mem_master_wait(master, 0));
    }
}

static void many_requests_may_be_outstanding(const path_t *path, rogue_mem_master_t *master) {
    const size_t count = path->at_once;
    const uint32_t unit = path->unit;
    static uint8_t written[AT_ONCE_MAX * UNIT_MAX], read[AT_ONCE_MAX * UNIT_MAX];
    static uint32_t ids[AT_ONCE_MAX], sizes[AT_ONCE_MAX];
    static uint64_t addresses[AT_ONCE_MAX];
    memset(read, MARK, sizeof read);
    fill(written, count * unit, 5);
    for (size_t index = 0; index < count; index++) {
        sizes[index] = unit;
        addresses[index] = index * unit;
        assert_ok(rogue_mem_master_request(master, addresses[index], unit, written + index * unit,
                                           ROGUE_MEM_WRITE, &ids[index]));
    }
    assert_ok(rogue_mem_master_wait(master, 0));
    assert_none_outstanding(master);
    assert_ok(
        rogue_mem_master_request_many(master, ROGUE_MEM_READ, count, addresses, sizes, read, ids));
    /* Waited for in another order than they were asked in. */
    for (size_t index = count; index-- > 0;) {
        assert_ok(rogue_mem_master_wait(master, ids[index]));
        assert_memory_equal(read + index * unit, written + index * unit, unit);
    }
    assert_none_outstanding(master);
}

static void errors_belong_to_the_request_that_failed(const path_t *path,
                                                     rogue_mem_master_t *master) {
    enum { COUNT = 60 };
    const uint32_t unit = path->unit;
    uint8_t written[COUNT * 8], read[COUNT * 8], untouched[8];
    uint32_t ids[COUNT];
    fill(written, COUNT * 2 * unit, 11);
    assert_ok(transfer(master, 0, written, COUNT * 2 * unit, ROGUE_MEM_WRITE));
    memset(read, MARK, sizeof read);
    memset(untouched, MARK, sizeof untouched);
    for (uint32_t index = 0; index < COUNT; index++) {
        const uint64_t address = index % 3 == 0 ? UINT64_MAX - unit + 1 : index * 2 * unit;
        assert_ok(rogue_mem_master_request(master, address, 2 * unit, read + index * 2 * unit,
                                           ROGUE_MEM_READ, &ids[index]));
    }
    for (uint32_t index = COUNT; index-- > 0;) {
        const rogue_mem_status_t status = rogue_mem_master_wait(master, ids[index]);
        const uint8_t *found = read + index * 2 * unit;
        if (index % 3 == 0) {
            assert_int_equal(status, ROGUE_MEM_ERROR_TRANSACTION);
            assert_contains(rogue_mem_last_error(), "reaches beyond");
            assert_memory_equal(found, untouched, 2 * unit);
        } else {
            assert_ok(status);
            assert_memory_equal(found, written + index * 2 * unit, 2 * unit);
        }
    }
    assert_none_outstanding(master);
}

static void posted_writes_need_no_waiting(const path_t *path, rogue_mem_master_t *master) {
    enum { PLACES = 50 };
    const size_t count = path->at_once / PLACES * PLACES;
    const uint32_t unit = path->unit;
    static uint8_t bytes[AT_ONCE_MAX * UNIT_MAX];
    uint32_t id = 0;
    fill(bytes, count * unit, 9);
    for (size_t index = 0; index < count; index++) {
        assert_ok(rogue_mem_master_request(master, index % PLACES * unit, unit,
                                           bytes + index * unit, ROGUE_MEM_POST, &id));
    }
    assert_reads(master, 0, bytes + (count - PLACES) * unit, PLACES * unit);
    assert_ok(rogue_mem_master_wait(master, 0));
}

/* xorshift64*. */
static uint32_t random_below(uint64_t *seed, uint32_t limit) {
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)((*seed * 0x2545F4914F6CDD1Dull) >> 32) % limit;
}

enum { WINDOW_BYTES = 3 * ACCESS_BYTES_MAX };

/* Random accesses to a window of memory, which is empty at first, each compared with a model of
 * it. */
typedef struct {
    rogue_mem_master_t *master;
    uint32_t unit;
    uint64_t base;
    uint64_t seed;
    unsigned count;
    unsigned agreed; /* accesses that did as the model, up to the first that did not */
    uint8_t model[WINDOW_BYTES];
    uint8_t read[WINDOW_BYTES];
} play_t;

static play_t *new_play(const path_t *path, rogue_mem_master_t *master, uint64_t base,
                        uint64_t seed) {
    play_t *play = allocate(sizeof *play);
    play->master = master;
    play->unit = path->unit;
    play->base = base;
    play->seed = seed;
    play->count = fewer_under_memcheck(120);
    return play;
}

static bool access_agrees(play_t *play) {
    const uint32_t units = WINDOW_BYTES / play->unit;
    const uint32_t start = random_below(&play->seed, units) * play->unit;
    const uint32_t rest = WINDOW_BYTES - start;
    const uint32_t limit = rest < ACCESS_BYTES_MAX ? rest : ACCESS_BYTES_MAX;
    const uint32_t count = (1 + random_below(&play->seed, limit / play->unit)) * play->unit;
    const uint32_t type = types[random_below(&play->seed, COUNT_OF(types))];
    const bool writes = type == ROGUE_MEM_WRITE || type == ROGUE_MEM_POST;
    uint8_t *model = play->model + start;
    uint8_t *data = writes ? model : play->read;
    if (writes) {
        fill(model, count, play->seed);
    } else {
        memset(data, MARK, count);
    }
    const rogue_mem_status_t status = transfer(play->master, play->base + start, data, count, type);
    if (status != ROGUE_MEM_OK || memcmp(data, model, count) != 0) {
        fprintf(stderr, "access %u of type %u: %u bytes at 0x%x of the window: %s\n", play->agreed,
                (unsigned)type, (unsigned)count, (unsigned)start,
                status == ROGUE_MEM_OK ? "other data" : rogue_mem_last_error());
        return false;
    }
    return true;
}

/* Asserts nothing, so that threads may play. */
static void *play_on(void *argument) {
    play_t *play = argument;
    while (play->agreed < play->count && access_agrees(play)) {
        play->agreed++;
    }
    return NULL;
}

/* Also ends it. */
static void assert_agrees_at_the_end(play_t *play) {
    assert_int_equal(play->agreed, play->count);
    assert_reads(play->master, play->base, play->model, WINDOW_BYTES);
    free(play);
}

static void random_accesses_agree_with_a_model(const path_t *path, rogue_mem_master_t *master) {
    play_t *play = new_play(path, master, 0xFFFFF000 /* across the end of 32 bits */, 1);
    play_on(play);
    assert_agrees_at_the_end(play);
}

static void threads_share_a_master_without_cross_talk(const path_t *path,
                                                      rogue_mem_master_t *master) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    play_t *plays[THREADS];
    for (uint32_t index = 0; index < THREADS; index++) {
        plays[index] = new_play(path, master, index * (uint64_t)WINDOW_BYTES, 20 + index);
        assert_int_equal(pthread_create(&threads[index], NULL, play_on, plays[index]), 0);
    }
    for (uint32_t index = 0; index < THREADS; index++) {
        assert_int_equal(pthread_join(threads[index], NULL), 0);
    }
    for (uint32_t index = 0; index < THREADS; index++) {
        assert_agrees_at_the_end(plays[index]);
    }
    assert_none_outstanding(master);
}

static void dropping_a_master_with_requests_on_their_way_harms_nobody(const path_t *path,
                                                                      rogue_mem_master_t *master) {
    enum { COUNT = 20 };
    uint8_t bytes[20];
    uint32_t id = 0;
    for (uint32_t round = 0; round < fewer_under_memcheck(40); round++) {
        rogue_mem_master_t *hasty = master_of(path->near);
        uint8_t *read = allocate(COUNT * path->unit);
        for (uint32_t index = 0; index < COUNT; index++) {
            const uint32_t place = index * path->unit;
            assert_ok(rogue_mem_master_request(hasty, 0x100000 + place, path->unit, read + place,
                                               ROGUE_MEM_READ, &id));
        }
        rogue_mem_master_release(hasty);
        /* No answer touches it from now on. */
        free(read);
        fill(bytes, 5 * path->unit, round);
        assert_ok(transfer(master, 0, bytes, 5 * path->unit, ROGUE_MEM_WRITE));
        assert_reads(master, 0, bytes, 5 * path->unit);
    }
}

static void registers_of_every_type_travel(const path_t *path, rogue_mem_master_t *master) {
    enum { SIZE = 64, ADDRESS = 0x4000 };
    rogue_mem_block_t *block = block_on(path->near, ADDRESS, SIZE);
    rogue_mem_block_t *other = block_on(path->near, ADDRESS, SIZE);
    rogue_mem_variable_spec_t specs[] = {
        list_of("list", ROGUE_MEM_MODEL_UINT, 4, 9, 12),
        spec_of("big", ROGUE_MEM_MODEL_INT, 128, 48),
        spec_of("level", ROGUE_MEM_MODEL_FLOAT, 192, 32),
        spec_of("text", ROGUE_MEM_MODEL_STRING, 256, 136),
    };
    specs[1].big_endian = 1;
    rogue_mem_variable_t *all[COUNT_OF(specs)], *seen[COUNT_OF(specs)];
    for (size_t index = 0; index < COUNT_OF(specs); index++) {
        all[index] = variable_of(&specs[index]);
        seen[index] = variable_of(&specs[index]);
    }
    assert_ok(rogue_mem_block_add_variables(block, all, COUNT_OF(specs)));
    assert_ok(rogue_mem_block_add_variables(other, seen, COUNT_OF(specs)));
    const uint16_t list[9] = {0xABC, 0, 0xFFF, 1, 2, 3, 4, 5, 0x800};
    uint16_t found[9] = {0};
    int64_t big = 0;
    float level = 0;
    char text[32] = "";
    assert_ok(rogue_mem_variable_set_values(all[0], ROGUE_MEM_ELEMENT_UINT16, list, 9, 0));
    assert_ok(rogue_mem_variable_set_int(all[1], -0x123456789ABCll, -1));
    assert_ok(rogue_mem_variable_set_float(all[2], 0.1f, -1));
    assert_ok(rogue_mem_variable_set_string(all[3], "seventeen letters", -1));
    assert_ok(rogue_mem_variable_get_values(seen[0], ROGUE_MEM_ELEMENT_UINT16, 0, found, 9));
    assert_memory_equal(found, list, sizeof list);
    assert_ok(rogue_mem_variable_get_int(seen[1], -1, &big));
    assert_true(big == -0x123456789ABCll);
    assert_ok(rogue_mem_variable_get_float(seen[2], -1, &level));
    assert_true(level == 0.1f);
    assert_ok(rogue_mem_variable_get_string(seen[3], -1, text, sizeof text, NULL));
    assert_string_equal(text, "seventeen letters");
    uint8_t staged[SIZE];
    assert_ok(rogue_mem_block_staged_data(block, 0, staged, sizeof staged));
    assert_reads(master, ADDRESS, staged, sizeof staged);
    for (size_t index = 0; index < COUNT_OF(specs); index++) {
        rogue_mem_variable_release(all[index]);
        rogue_mem_variable_release(seen[index]);
    }
    rogue_mem_block_release(other);
    rogue_mem_block_release(block);
}

/* count blocks of a word each, from an address on. */
static void make_words(rogue_mem_slave_t *slave, uint64_t address, size_t count,
                       rogue_mem_block_t **blocks, rogue_mem_variable_t **words) {
    const rogue_mem_variable_spec_t spec = spec_of("word", ROGUE_MEM_MODEL_UINT, 0, 32);
    for (size_t index = 0; index < count; index++) {
        blocks[index] = block_on(slave, address + 4 * index, 4);
        words[index] = only_variable(blocks[index], &spec);
    }
}

static void many_registers_move_with_one_call(const path_t *path, rogue_mem_master_t *master) {
    (void)master;
    static rogue_mem_block_t *written[AT_ONCE_MAX], *read[AT_ONCE_MAX];
    static rogue_mem_variable_t *set[AT_ONCE_MAX], *seen[AT_ONCE_MAX];
    const size_t count = is_memchecked() ? path->at_once / 10 : path->at_once;
    make_words(path->near, 0x10000, count, written, set);
    make_words(path->near, 0x10000, count, read, seen);
    for (size_t index = 0; index < count; index++) {
        assert_ok(
            rogue_mem_variable_stage_uint(set[index], (uint32_t)(0x9E3779B9u * (index + 1)), -1));
    }
    assert_ok(rogue_mem_block_write_all(written, count, 0, NULL));
    assert_ok(rogue_mem_block_read_all(read, count, NULL));
    for (size_t index = 0; index < count; index++) {
        uint64_t value = 0, expected = 1;
        assert_ok(rogue_mem_variable_staged_uint(seen[index], -1, &value));
        assert_ok(rogue_mem_variable_staged_uint(set[index], -1, &expected));
        assert_true(value == expected);
        rogue_mem_block_release(written[index]);
        rogue_mem_block_release(read[index]);
    }
}

static void of_many_registers_one_may_fail(const path_t *path, rogue_mem_master_t *master) {
    enum { WORDS = 20, BAD = 7 };
    rogue_mem_block_t *blocks[WORDS];
    rogue_mem_variable_t *words[WORDS];
    uint32_t updated[WORDS] = {0};
    uint8_t bytes[4 * WORDS];
    rogue_mem_bulk_report_t report = {0};
    report.size = sizeof report;
    report.updated = updated;
    fill(bytes, sizeof bytes, 13);
    assert_ok(transfer(master, 0x1000, bytes, sizeof bytes, ROGUE_MEM_WRITE));
    make_words(path->near, 0x1000, WORDS, blocks, words);
    /* Its address is beyond the address space when the hub has added its offset. */
    rogue_mem_slave_t *hub = hub_over(path->near, UINT64_MAX - 0x1000 + 1);
    rogue_mem_master_t *lost = rogue_mem_block_master(blocks[BAD]);
    assert_ok(rogue_mem_master_set_slave(lost, hub));
    rogue_mem_master_release(lost);
    rogue_mem_slave_release(hub);
    assert_int_equal(rogue_mem_block_read_all(blocks, WORDS, &report), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "reaches beyond");
    for (size_t index = 0; index < WORDS; index++) {
        uint8_t staged[4] = {0};
        assert_int_equal(updated[index], index != BAD);
        assert_ok(rogue_mem_block_staged_data(blocks[index], 0, staged, 4));
        assert_true((memcmp(staged, bytes + 4 * index, 4) == 0) == (index != BAD));
        rogue_mem_block_release(blocks[index]);
    }
}

static const struct {
    const char *name;
    void (*run)(const path_t *path, rogue_mem_master_t *master);
    uint32_t unit_min; /* of the roads that it is for */
} behaviours[] = {
#define BEHAVIOUR(name, unit_min)                                                                  \
    { #name, name, unit_min }
    BEHAVIOUR(what_is_written_is_read_and_verified, 1),
    BEHAVIOUR(what_was_never_written_reads_as_zero, 1),
    BEHAVIOUR(accesses_of_many_sizes_touch_their_bytes_only, 1),
    BEHAVIOUR(offsets_of_hubs_add_up, 1),
    BEHAVIOUR(addresses_beyond_four_gigabytes_are_places_of_their_own, 1),
    BEHAVIOUR(f03_no_access_reaches_beyond_the_address_space, 1),
    BEHAVIOUR(what_is_not_aligned_is_refused, 4),
    BEHAVIOUR(a_large_block_arrives_whole, 1),
    BEHAVIOUR(a_later_write_wins, 1),
    BEHAVIOUR(many_requests_may_be_outstanding, 1),
    BEHAVIOUR(errors_belong_to_the_request_that_failed, 1),
    BEHAVIOUR(registers_of_every_type_travel, 1),
    BEHAVIOUR(many_registers_move_with_one_call, 1),
    BEHAVIOUR(of_many_registers_one_may_fail, 1),
    BEHAVIOUR(posted_writes_need_no_waiting, 1),
    BEHAVIOUR(random_accesses_agree_with_a_model, 1),
    BEHAVIOUR(threads_share_a_master_without_cross_talk, 1),
    BEHAVIOUR(dropping_a_master_with_requests_on_their_way_harms_nobody, 1),
};

enum { CASES_COUNT = COUNT_OF(roads) * COUNT_OF(behaviours) };

static size_t at_most(size_t count, size_t limit) { return count < limit ? count : limit; }

static void run_case(void **state) {
    const size_t index = *(const size_t *)*state;
    const size_t road = index / COUNT_OF(behaviours);
    path_t path = {0};
    path.unit = roads[road].unit;
    path.at_once = roads[road].at_once;
    path.large_bytes = roads[road].large_bytes;
    if (is_memchecked()) {
        path.at_once = at_most(path.at_once, 50);
        path.large_bytes = at_most(path.large_bytes, 3 * ACCESS_BYTES_MAX);
    }
    roads[road].lay(&path);
    rogue_mem_master_t *master = master_of(path.near);
    behaviours[index % COUNT_OF(behaviours)].run(&path, master);
    rogue_mem_master_release(master);
    take_up(&path);
}

int main(void) {
    static char names[CASES_COUNT][128];
    static size_t indices[CASES_COUNT];
    /* Those without a name are left out. */
    struct CMUnitTest tests[CASES_COUNT] = {0};
    for (size_t index = 0; index < CASES_COUNT; index++) {
        const size_t road = index / COUNT_OF(behaviours);
        const size_t behaviour = index % COUNT_OF(behaviours);
        if (roads[road].unit >= behaviours[behaviour].unit_min) {
            snprintf(names[index], sizeof names[index], "%s: %s", roads[road].name,
                     behaviours[behaviour].name);
            indices[index] = index;
            tests[index].name = names[index];
            tests[index].test_func = run_case;
            tests[index].initial_state = &indices[index];
        }
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
