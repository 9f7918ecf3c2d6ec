/* Shared parts of the tests of typed registers. */
#ifndef ROGUE_MEM_TESTS_REGISTERS_H
#define ROGUE_MEM_TESTS_REGISTERS_H

#include "support.h"

#include "rogue_mem_binding.h"

/* What a variable is made from: a scalar of these bits; other members as needed. */
static inline rogue_mem_variable_spec_t spec_of(const char *name, uint32_t model,
                                                uint64_t bit_offset, uint64_t bit_size) {
    rogue_mem_variable_spec_t spec = {0};
    spec.size = sizeof spec;
    spec.name = name;
    spec.model = model;
    spec.bit_offset = bit_offset;
    spec.bit_size = bit_size;
    return spec;
}

static inline rogue_mem_variable_spec_t list_of(const char *name, uint32_t model,
                                                uint64_t bit_offset, uint32_t num_values,
                                                uint32_t value_bits) {
    rogue_mem_variable_spec_t spec = spec_of(name, model, bit_offset, 0);
    spec.num_values = num_values;
    spec.value_bits = value_bits;
    return spec;
}

static inline rogue_mem_variable_t *variable_of(const rogue_mem_variable_spec_t *spec) {
    rogue_mem_variable_t *variable = NULL;
    assert_ok(rogue_mem_variable_new(spec, &variable));
    return variable;
}

/* An enabled block of a slave, with LONG_TIMEOUT_US, without variables. */
static inline rogue_mem_block_t *block_on(rogue_mem_slave_t *slave, uint64_t offset,
                                          uint32_t size) {
    rogue_mem_block_t *block = NULL;
    assert_ok(rogue_mem_block_new(offset, size, &block));
    rogue_mem_master_t *master = rogue_mem_block_master(block);
    assert_ok(rogue_mem_master_set_slave(master, slave));
    rogue_mem_master_set_timeout(master, LONG_TIMEOUT_US);
    rogue_mem_master_release(master);
    assert_ok(rogue_mem_block_set_enable(block, 1));
    return block;
}

/* The only variable of a block, which keeps it: the caller's reference is released. */
static inline rogue_mem_variable_t *only_variable(rogue_mem_block_t *block,
                                                  const rogue_mem_variable_spec_t *spec) {
    rogue_mem_variable_t *variable = variable_of(spec);
    assert_ok(rogue_mem_block_add_variables(block, &variable, 1));
    rogue_mem_variable_release(variable);
    return variable;
}

#endif
