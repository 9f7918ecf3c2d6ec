/* Loses memory. Under the memory checker this program must fail: a checker that finds nothing here
 * would find nothing anywhere. */
#include <stdlib.h>

static void *volatile kept;

int main(void) {
    kept = malloc(4096);
    kept = NULL;
    return 0;
}
