/* A program that links two static libraries written in Rust. */
#include <stdio.h>
#include <string.h>

#include "rogue_mem.h"

size_t other_panics(void);

int main(void) {
    rogue_mem_slave_t *slave = NULL;
    if (rogue_mem_emulate_new(4, 4096, &slave) != ROGUE_MEM_OK) {
        fprintf(stderr, "%s\n", rogue_mem_last_error());
        return 1;
    }
    rogue_mem_slave_release(slave);
    if (other_panics() != strlen("word 0, word 1, word 2")) {
        fprintf(stderr, "the other library has gone wrong\n");
        return 1;
    }
    return 0;
}
