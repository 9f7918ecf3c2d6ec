#include "byte_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#define PAGE_OCTETS 4096U
/* Twice the page limit, so that a probe sequence always ends. */
#define SLOT_COUNT (2U * MEMORY_PAGE_COUNT_MAX)

typedef struct page {
    uint64_t number;
    uint8_t octets[PAGE_OCTETS];
} page_t;

struct byte_memory {
    page_t **slots;
    uint32_t page_count;
    uint8_t *window;
    uint64_t window_base;
    uint64_t window_size;
};

byte_memory_t *byte_memory_open(const char *path, uint64_t base, uint64_t size) {
    byte_memory_t *memory = must_alloc(sizeof *memory);
    memory->slots = must_alloc(SLOT_COUNT * sizeof(page_t *));
    if (path == NULL) {
        return memory;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        fatal(EXIT_SYSTEM, "cannot open the memory file %s: %s", path, strerror(errno));
    }
    void *window = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (window == MAP_FAILED) {
        fatal(EXIT_SYSTEM, "cannot map the memory file %s: %s", path, strerror(errno));
    }
    close(fd);
    memory->window = window;
    memory->window_base = base;
    memory->window_size = size;
    return memory;
}

/* The slot that holds page `number`, or the free one where it belongs. */
static page_t **slot_of(const byte_memory_t *memory, uint64_t number) {
    random_source_t hash = {number};
    size_t index = random_next(&hash) % SLOT_COUNT;
    while (memory->slots[index] != NULL && memory->slots[index]->number != number) {
        index = (index + 1) % SLOT_COUNT;
    }
    return &memory->slots[index];
}

/* Where the octets at `address` are and how many of `size` lie there in one piece; NULL for a page
 * that has never been written, unless `create`. */
static uint8_t *piece_at(byte_memory_t *memory, uint64_t address, uint32_t *size, bool create) {
    uint64_t offset = address - memory->window_base;
    if (memory->window != NULL && offset < memory->window_size) {
        if (*size > memory->window_size - offset) {
            *size = (uint32_t)(memory->window_size - offset);
        }
        return memory->window + offset;
    }
    uint32_t in_page = (uint32_t)(address % PAGE_OCTETS);
    if (*size > PAGE_OCTETS - in_page) {
        *size = PAGE_OCTETS - in_page;
    }
    if (memory->window != NULL &&
        address<memory->window_base && * size> memory->window_base - address) {
        *size = (uint32_t)(memory->window_base - address);
    }
    page_t **slot = slot_of(memory, address / PAGE_OCTETS);
    if (*slot == NULL && create) {
        if (memory->page_count == MEMORY_PAGE_COUNT_MAX) {
            fatal(EXIT_SYSTEM, "more than %u pages written", MEMORY_PAGE_COUNT_MAX);
        }
        *slot = must_alloc(sizeof **slot);
        (*slot)->number = address / PAGE_OCTETS;
        memory->page_count += 1;
    }
    return *slot == NULL ? NULL : (*slot)->octets + in_page;
}

void byte_memory_read(const byte_memory_t *memory, uint64_t address, uint8_t *data, uint32_t size) {
    while (size > 0) {
        uint32_t piece = size;
        /* Nothing is created, hence nothing changed. */
        const uint8_t *from = piece_at((byte_memory_t *)memory, address, &piece, false);
        if (from != NULL) {
            memcpy(data, from, piece);
        } else {
            memset(data, 0, piece);
        }
        address += piece;
        data += piece;
        size -= piece;
    }
}

void byte_memory_write(byte_memory_t *memory, uint64_t address, const uint8_t *data,
                       uint32_t size) {
    while (size > 0) {
        uint32_t piece = size;
        uint8_t *to = piece_at(memory, address, &piece, true);
        memcpy(to, data, piece);
        address += piece;
        data += piece;
        size -= piece;
    }
}

void byte_memory_close(byte_memory_t *memory) {
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        free(memory->slots[i]);
    }
    if (memory->window != NULL) {
        munmap(memory->window, memory->window_size);
    }
    free(memory->slots);
    free(memory);
}
