/* Reads what it has freed. Under the memory checker this program must fail. */
#include <stdlib.h>

int main(void) {
    volatile int *freed = calloc(1, sizeof *freed);
    free((void *)freed);
    return *freed == 12345;
}
