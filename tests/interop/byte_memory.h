/*
 * The memory behind a test server: 64-bit addresses, sparse pages that read as zeros until written,
 * and one optional window backed by a file. The file window survives the death of the process
 * (SIGKILL included), so that a test can tell a lost write from a lost memory.
 * Not thread-safe: one user at a time.
 */
#ifndef INTEROP_BYTE_MEMORY_H
#define INTEROP_BYTE_MEMORY_H

#include <stdint.h>

/* Pages of the sparse part; more than this many written pages ends the process. */
#define MEMORY_PAGE_COUNT_MAX 65536U

typedef struct byte_memory byte_memory_t;

/* `path` may be NULL; otherwise octets base .. base+size-1 live in that file, created if missing.
 */
byte_memory_t *byte_memory_open(const char *path, uint64_t base, uint64_t size);
void byte_memory_read(const byte_memory_t *memory, uint64_t address, uint8_t *data, uint32_t size);
void byte_memory_write(byte_memory_t *memory, uint64_t address, const uint8_t *data, uint32_t size);
void byte_memory_close(byte_memory_t *memory);

#endif
