/* Typed registers: a register map of a device behind the bridge, read with one call, and fields that
 * are set and got by name. The device is emulated in this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rogue_mem.h"

/* The registers of the device. */
enum { CONTROL = 0x000, WAVEFORM = 0x100, CHANNELS = 0x1000, CHANNELS_COUNT = 256 };
enum { SAMPLES_COUNT = 8, READY_TIMEOUT_US = 10000000, READY_PERIOD_US = 100000 };

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

/* What belongs to the whole map. */
typedef struct {
    rogue_mem_tcp_server_t *server;
    rogue_mem_slave_t *device;
    unsigned updates;
} map_t;

/* Serves an emulated device, and connects to it: for a real one, only the address differs. */
static rogue_mem_status_t connect_device(map_t *map) {
    rogue_mem_slave_t *memory = NULL;
    rogue_mem_tcp_client_t *client = NULL;
    rogue_mem_status_t status = rogue_mem_emulate_new(4, 0, &memory);
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &map->server);
    }
    if (status == ROGUE_MEM_OK) {
        rogue_mem_master_t *serving = rogue_mem_tcp_server_master(map->server);
        status = rogue_mem_master_set_slave(serving, memory);
        rogue_mem_master_release(serving);
    }
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(map->server), NULL,
                                          &client);
    }
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_tcp_client_wait_ready(client, READY_TIMEOUT_US, READY_PERIOD_US);
        map->device = rogue_mem_tcp_client_slave(client);
    }
    rogue_mem_tcp_client_release(client);
    rogue_mem_slave_release(memory);
    return status;
}

/* A block of the device with these variables, whose references the caller keeps. */
static rogue_mem_block_t *new_block(const map_t *map, uint64_t offset, uint32_t size,
                                    rogue_mem_variable_t *const *variables, size_t count) {
    rogue_mem_block_t *block = NULL;
    if (rogue_mem_block_new(offset, size, &block) != ROGUE_MEM_OK) {
        return NULL;
    }
    rogue_mem_master_t *master = rogue_mem_block_master(block);
    rogue_mem_status_t status = rogue_mem_master_set_slave(master, map->device);
    rogue_mem_master_release(master);
    if (status != ROGUE_MEM_OK ||
        rogue_mem_block_add_variables(block, variables, count) != ROGUE_MEM_OK ||
        rogue_mem_block_set_enable(block, 1) != ROGUE_MEM_OK) {
        rogue_mem_block_release(block);
        return NULL;
    }
    return block;
}

static rogue_mem_variable_t *new_variable(const char *name, uint32_t model, uint64_t bit_offset,
                                          uint64_t bit_size) {
    rogue_mem_variable_spec_t spec = {0};
    spec.size = sizeof spec;
    spec.name = name;
    spec.model = model;
    spec.bit_offset = bit_offset;
    spec.bit_size = bit_size;
    rogue_mem_variable_t *variable = NULL;
    return rogue_mem_variable_new(&spec, &variable) == ROGUE_MEM_OK ? variable : NULL;
}

static void updated(void *ctx, rogue_mem_variable_t *variable) {
    char text[64];
    ((map_t *)ctx)->updates++;
    if (rogue_mem_variable_dump(variable, 0, text, sizeof text, NULL) == ROGUE_MEM_OK) {
        printf("  %s", text);
    }
}

/* --- fields of one register -------------------------------------------------------------------- */

static int fields(map_t *map) {
    rogue_mem_variable_t *control[] = {
        new_variable("Enable", ROGUE_MEM_MODEL_BOOL, 0, 1),
        new_variable("Gain", ROGUE_MEM_MODEL_UINT, 4, 12),
        new_variable("Threshold", ROGUE_MEM_MODEL_FLOAT, 32, 32),
    };
    rogue_mem_block_t *block = new_block(map, CONTROL, 8, control, 3);
    if (block == NULL) {
        return failed("the control register");
    }
    rogue_mem_block_observer_t observer = {0};
    observer.size = sizeof observer;
    observer.ctx = map;
    observer.updated = updated;
    uint64_t gain = 0;
    /* Staged values go to the device together, and are verified. */
    if (rogue_mem_block_observe(block, &observer) != ROGUE_MEM_OK ||
        rogue_mem_variable_stage_bool(control[0], 1, -1) != ROGUE_MEM_OK ||
        rogue_mem_variable_stage_float(control[2], 0.75f, -1) != ROGUE_MEM_OK ||
        rogue_mem_variable_set_uint(control[1], 0xABC, -1) != ROGUE_MEM_OK ||
        rogue_mem_variable_get_uint(control[1], -1, &gain) != ROGUE_MEM_OK) {
        return failed("the control register");
    }
    printf("Gain is 0x%llx\n", (unsigned long long)gain);
    /* What does not fit is refused, and neither staged nor sent. */
    if (rogue_mem_variable_set_uint(control[1], 0x1000, -1) != ROGUE_MEM_ERROR_INVALID_ARGUMENT) {
        return EXIT_FAILURE;
    }
    printf("%s\n", rogue_mem_last_error());
    for (size_t index = 0; index < 3; index++) {
        rogue_mem_variable_release(control[index]);
    }
    rogue_mem_block_release(block);
    return gain == 0xABC && map->updates == 6 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- a list ------------------------------------------------------------------------------------ */

static int list(const map_t *map) {
    rogue_mem_variable_spec_t spec = {0};
    spec.size = sizeof spec;
    spec.name = "Waveform";
    spec.model = ROGUE_MEM_MODEL_INT;
    spec.num_values = SAMPLES_COUNT;
    spec.value_bits = 12;
    spec.value_stride = 16;
    rogue_mem_variable_t *waveform = NULL;
    if (rogue_mem_variable_new(&spec, &waveform) != ROGUE_MEM_OK) {
        return failed("the waveform");
    }
    rogue_mem_block_t *block = new_block(map, WAVEFORM, 2 * SAMPLES_COUNT, &waveform, 1);
    const int16_t samples[SAMPLES_COUNT] = {0, 500, 1000, 500, 0, -500, -1000, -500};
    int16_t read[SAMPLES_COUNT] = {0};
    if (block == NULL ||
        rogue_mem_variable_set_values(waveform, ROGUE_MEM_ELEMENT_INT16, samples, SAMPLES_COUNT,
                                      0) != ROGUE_MEM_OK ||
        rogue_mem_variable_get_values(waveform, ROGUE_MEM_ELEMENT_INT16, 0, read, SAMPLES_COUNT) !=
            ROGUE_MEM_OK) {
        return failed("the waveform");
    }
    printf("the lowest sample is %d\n", read[6]);
    rogue_mem_variable_release(waveform);
    rogue_mem_block_release(block);
    return memcmp(read, samples, sizeof read) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- many registers ---------------------------------------------------------------------------- */

static void report_failure(void *ctx, size_t index, rogue_mem_status_t status, const char *source,
                           const char *text) {
    (void)ctx;
    fprintf(stderr, "channel %zu: %s: %s: %s\n", index, rogue_mem_status_name(status), source,
            text);
}

static int many(const map_t *map) {
    static rogue_mem_block_t *blocks[CHANNELS_COUNT];
    static rogue_mem_variable_t *offsets[CHANNELS_COUNT];
    rogue_mem_bulk_report_t report = {0};
    report.size = sizeof report;
    report.failed = report_failure;
    for (uint32_t index = 0; index < CHANNELS_COUNT; index++) {
        offsets[index] = new_variable("Offset", ROGUE_MEM_MODEL_UINT, 0, 32);
        blocks[index] = new_block(map, CHANNELS + 4 * index, 4, &offsets[index], 1);
        if (blocks[index] == NULL ||
            rogue_mem_variable_stage_uint(offsets[index], 7 * index, -1) != ROGUE_MEM_OK) {
            return failed("a channel");
        }
    }
    /* Each call costs a few round trips, however many blocks there are. */
    if (rogue_mem_block_write_all(blocks, CHANNELS_COUNT, 0, &report) != ROGUE_MEM_OK ||
        rogue_mem_block_read_all(blocks, CHANNELS_COUNT, &report) != ROGUE_MEM_OK) {
        return failed("the channels");
    }
    uint64_t sum = 0;
    for (uint32_t index = 0; index < CHANNELS_COUNT; index++) {
        uint64_t value = 0;
        if (rogue_mem_variable_staged_uint(offsets[index], -1, &value) != ROGUE_MEM_OK) {
            return failed("a channel");
        }
        sum += value;
        rogue_mem_variable_release(offsets[index]);
        rogue_mem_block_release(blocks[index]);
    }
    printf("the sum of %d channels is %llu\n", (int)CHANNELS_COUNT, (unsigned long long)sum);
    return sum == 7ull * CHANNELS_COUNT * (CHANNELS_COUNT - 1) / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
    map_t map = {NULL, NULL, 0};
    if (connect_device(&map) != ROGUE_MEM_OK) {
        return failed("connecting the device");
    }
    int result = fields(&map);
    if (result == EXIT_SUCCESS) {
        result = list(&map);
    }
    if (result == EXIT_SUCCESS) {
        result = many(&map);
    }
    rogue_mem_slave_release(map.device);
    rogue_mem_tcp_server_release(map.server);
    return result;
}
