/* Says which file of the library it runs with. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

#include "rogue_mem.h"

int main(void) {
    Dl_info library;
    /* A pointer to a function is none to data in C, but is on every system that has dladdr. */
    if (dladdr((const void *)(uintptr_t)rogue_mem_version, &library) == 0) {
        return 1;
    }
    puts(library.dli_fname);
    return 0;
}
