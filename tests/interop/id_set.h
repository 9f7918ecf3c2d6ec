/* A growing set of 32-bit numbers: which request ids a server has seen. Not thread-safe. */
#ifndef INTEROP_ID_SET_H
#define INTEROP_ID_SET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct id_set id_set_t;

id_set_t *id_set_new(void);
/* False when the number was already there. */
bool id_set_insert(id_set_t *set, uint32_t id);
void id_set_free(id_set_t *set); /* NULL is fine */

#endif
