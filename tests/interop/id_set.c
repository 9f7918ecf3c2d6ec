#include "id_set.h"

#include <stddef.h>
#include <stdlib.h>

#include "support.h"

#define CAPACITY_FIRST 1024U
/* Marks a used slot, so that id 0 needs no special case. */
#define USED (1ULL << 32)

struct id_set {
    uint64_t *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

id_set_t *id_set_new(void) {
    id_set_t *set = must_alloc(sizeof *set);
    set->capacity = CAPACITY_FIRST;
    set->slots = must_alloc(set->capacity * sizeof set->slots[0]);
    return set;
}

/* Puts an entry into its place; false when it is there already. */
static bool place(id_set_t *set, uint64_t entry) {
    random_source_t hash = {entry};
    size_t index = random_next(&hash) & (set->capacity - 1);
    while (set->slots[index] != 0) {
        if (set->slots[index] == entry) {
            return false;
        }
        index = (index + 1) & (set->capacity - 1);
    }
    set->slots[index] = entry;
    return true;
}

static void grow(id_set_t *set) {
    uint64_t *old = set->slots;
    size_t old_capacity = set->capacity;
    set->capacity *= 2;
    set->slots = must_alloc(set->capacity * sizeof set->slots[0]);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i] != 0) {
            place(set, old[i]);
        }
    }
    free(old);
}

bool id_set_insert(id_set_t *set, uint32_t id) {
    if (2 * set->count >= set->capacity) {
        grow(set);
    }
    if (!place(set, USED | id)) {
        return false;
    }
    set->count += 1;
    return true;
}

void id_set_free(id_set_t *set) {
    if (set != NULL) {
        free(set->slots);
        free(set);
    }
}
