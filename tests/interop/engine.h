/*
 * What a client program offers to the script and to the random workload: operations that are issued
 * without waiting and waited for one by one. Single-threaded: one thread calls all of it.
 */
#ifndef INTEROP_ENGINE_H
#define INTEROP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum outcome {
    OUTCOME_PENDING,
    OUTCOME_OK,
    OUTCOME_FAILED,  /* the server said so; the text is the server's */
    OUTCOME_UNKNOWN, /* timed out or the connection went: it may or may not have been executed */
    OUTCOME_FOREIGN  /* answered by something that does not belong to this request */
} outcome_t;

typedef struct operation {
    uint32_t type;
    uint64_t address;
    uint32_t size;
    uint8_t *data; /* written from or read into; the caller's, untouched until the outcome is in */
    outcome_t outcome;
    char *error;     /* printable; NULL without one; freed by operation_clear */
    uint32_t handle; /* the engine's */
} operation_t;

typedef struct engine engine_t;
struct engine {
    /* Hands the operation over; it stays in place until its outcome is in. A Post of a client that
     * does not wait for its answer may have its outcome at once. */
    void (*issue)(engine_t *engine, operation_t *operation);
    /* Returns when the outcome is in; bounded by the client's timeout. */
    void (*wait)(engine_t *engine, operation_t *operation);
    /* Waits until the server is ready; false after `timeout_s`. */
    bool (*wait_ready)(engine_t *engine, double timeout_s);
    void (*set_timeout)(engine_t *engine, double timeout_s);
    /* Keeps the connection served until `fd` is readable. */
    void (*serve_until_readable)(engine_t *engine, int fd);
    /* Sends a message of these parts as it stands, whatever it means; false when it could not be
     * sent. NULL for a client that cannot. */
    bool (*send_raw)(engine_t *engine, uint8_t *const *parts, const size_t *sizes, int count);
    /* Says in words how the connection is. NULL for a client that does not know. */
    bool (*state)(engine_t *engine, char *text, size_t capacity);
    /* Takes in everything that arrives within `ms` milliseconds. */
    void (*settle)(engine_t *engine, unsigned ms);
    /* Prints one line of counters. */
    void (*print_counters)(engine_t *engine);
    /* Answers that were not ours, so far. */
    uint64_t (*foreign)(engine_t *engine);
    /* Whether the outcome of a Post says that it has been executed. */
    bool posts_are_answered;
};

/* Prepares an operation; `data` has `size` octets. */
operation_t operation_new(uint32_t type, uint64_t address, uint32_t size, uint8_t *data);
void operation_finish(operation_t *operation, outcome_t outcome, const char *error);
void operation_clear(operation_t *operation);

#endif
