/* Streams: frames around memory of the program's own, such as the buffers of a DMA engine, go
 * through a queue to a receiver on another thread. Nothing is copied: the receiver reads the memory
 * that the engine has written, and the engine gets each buffer back when no frame uses it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rogue_mem.h"

enum { BUFFERS = 4, BUFFER_BYTES = 4096, FRAMES = 100 };

static int failed(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", what, rogue_mem_last_error_source(), rogue_mem_last_error());
    return EXIT_FAILURE;
}

/* --- the engine ------------------------------------------------------------------------------- */

struct engine;

struct buffer {
    struct engine *engine;
    int is_free;
    uint8_t memory[BUFFER_BYTES];
};

struct engine {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct buffer buffers[BUFFERS];
};

/* The frame is gone: the engine may fill the buffer again. Called on any thread. */
static void buffer_back(void *ctx) {
    struct buffer *buffer = ctx;
    pthread_mutex_lock(&buffer->engine->mutex);
    buffer->is_free = 1;
    pthread_cond_broadcast(&buffer->engine->freed);
    pthread_mutex_unlock(&buffer->engine->mutex);
}

/* Waits for a free buffer. */
static struct buffer *buffer_take(struct engine *engine) {
    struct buffer *found = NULL;
    pthread_mutex_lock(&engine->mutex);
    while (found == NULL) {
        for (size_t index = 0; index < BUFFERS && found == NULL; index++) {
            if (engine->buffers[index].is_free) {
                found = &engine->buffers[index];
            }
        }
        if (found == NULL) {
            pthread_cond_wait(&engine->freed, &engine->mutex);
        }
    }
    found->is_free = 0;
    pthread_mutex_unlock(&engine->mutex);
    return found;
}

/* "Receives" data and sends it as a frame. */
static rogue_mem_status_t engine_run(struct engine *engine, uint8_t value,
                                     rogue_mem_stream_master_t *master) {
    struct buffer *buffer = buffer_take(engine);
    memset(buffer->memory, value, BUFFER_BYTES);
    rogue_mem_frame_memory_t memory = {0};
    memory.size = sizeof memory;
    memory.ctx = buffer;
    memory.drop = buffer_back;
    memory.memory = buffer->memory;
    memory.memory_bytes = BUFFER_BYTES;
    rogue_mem_frame_t *frame = NULL;
    rogue_mem_status_t status = rogue_mem_frame_wrap(&memory, &frame);
    if (status != ROGUE_MEM_OK) {
        return status;
    }
    status = rogue_mem_frame_set_payload(frame, BUFFER_BYTES);
    if (status == ROGUE_MEM_OK) {
        status = rogue_mem_stream_master_send_frame(master, frame);
    }
    rogue_mem_frame_release(frame);
    return status;
}

/* --- the receiver ----------------------------------------------------------------------------- */

struct receiver {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned frames;
    uint64_t sum;
};

static void accept_frame(void *ctx, rogue_mem_frame_t *frame) {
    struct receiver *receiver = ctx;
    uint64_t sum = 0;
    rogue_mem_frame_lock(frame);
    for (uint32_t index = 0; index < rogue_mem_frame_buffer_count(frame); index++) {
        rogue_mem_frame_buffer_t buffer = {0};
        buffer.size = sizeof buffer;
        if (rogue_mem_frame_buffer(frame, index, &buffer) == ROGUE_MEM_OK) {
            const uint8_t *bytes = buffer.memory + buffer.header;
            for (uint32_t at = 0; at < buffer.payload; at++) {
                sum += bytes[at];
            }
        }
    }
    rogue_mem_frame_unlock(frame);
    pthread_mutex_lock(&receiver->mutex);
    receiver->sum += sum;
    receiver->frames++;
    pthread_cond_broadcast(&receiver->changed);
    pthread_mutex_unlock(&receiver->mutex);
}

/* --- the program ------------------------------------------------------------------------------ */

/* Connects a new master to the fifo, and the fifo to the slave. */
static rogue_mem_stream_master_t *connected(rogue_mem_fifo_t *fifo,
                                            rogue_mem_stream_slave_t *slave) {
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_stream_port_t *port = rogue_mem_fifo_stream_port(fifo);
    rogue_mem_stream_master_t *out = rogue_mem_stream_port_master(port);
    rogue_mem_stream_slave_t *in = rogue_mem_stream_port_slave(port);
    if (rogue_mem_stream_master_new(&master) == ROGUE_MEM_OK &&
        (rogue_mem_stream_master_add_slave(master, in) != ROGUE_MEM_OK ||
         rogue_mem_stream_master_add_slave(out, slave) != ROGUE_MEM_OK)) {
        rogue_mem_stream_master_release(master);
        master = NULL;
    }
    rogue_mem_stream_master_release(out);
    rogue_mem_stream_slave_release(in);
    rogue_mem_stream_port_release(port);
    return master;
}

int main(void) {
    static struct engine engine;
    static struct receiver receiver;
    pthread_mutex_init(&engine.mutex, NULL);
    pthread_cond_init(&engine.freed, NULL);
    pthread_mutex_init(&receiver.mutex, NULL);
    pthread_cond_init(&receiver.changed, NULL);
    for (size_t index = 0; index < BUFFERS; index++) {
        engine.buffers[index].engine = &engine;
        engine.buffers[index].is_free = 1;
    }

    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &receiver;
    callbacks.accept_frame = accept_frame;
    rogue_mem_stream_slave_t *slave = NULL;
    rogue_mem_fifo_t *fifo = NULL;
    if (rogue_mem_stream_slave_new(&callbacks, &slave) != ROGUE_MEM_OK ||
        rogue_mem_fifo_new(0, 0, 1, &fifo) != ROGUE_MEM_OK) {
        return failed("set-up");
    }
    rogue_mem_stream_master_t *master = connected(fifo, slave);
    if (master == NULL) {
        return failed("connect");
    }

    uint64_t expected = 0;
    for (unsigned number = 0; number < FRAMES; number++) {
        if (engine_run(&engine, (uint8_t)number, master) != ROGUE_MEM_OK) {
            return failed("send");
        }
        expected += (uint64_t)number * BUFFER_BYTES;
    }
    pthread_mutex_lock(&receiver.mutex);
    while (receiver.frames < FRAMES) {
        pthread_cond_wait(&receiver.changed, &receiver.mutex);
    }
    const uint64_t sum = receiver.sum;
    pthread_mutex_unlock(&receiver.mutex);

    /* The last buffers come back when the receiver has returned. */
    for (size_t index = 0; index < BUFFERS; index++) {
        buffer_take(&engine);
    }
    printf("%d frames through %d buffers, sum %llu\n", FRAMES, BUFFERS, (unsigned long long)sum);
    rogue_mem_fifo_stop(fifo);
    rogue_mem_fifo_release(fifo);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_slave_release(slave);
    return sum == expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
