/* The words of the memory bus that every program here uses. */
#ifndef INTEROP_BUS_H
#define INTEROP_BUS_H

#include <stdint.h>

/* Transaction types as they stand on the wire. */
#define TYPE_READ 0x00000001U
#define TYPE_WRITE 0x00000002U
#define TYPE_POST 0x00000003U
#define TYPE_VERIFY 0x00000004U
#define TYPE_PROBE 0xFFFFFFFEU

/* Whether a transaction of this type carries data from the client to the slave. */
static inline int type_carries_data(uint32_t type) {
    return type == TYPE_WRITE || type == TYPE_POST;
}

static inline const char *type_name(uint32_t type) {
    switch (type) {
    case TYPE_READ:
        return "read";
    case TYPE_WRITE:
        return "write";
    case TYPE_POST:
        return "post";
    case TYPE_VERIFY:
        return "verify";
    case TYPE_PROBE:
        return "probe";
    default:
        return "unknown";
    }
}

#endif
