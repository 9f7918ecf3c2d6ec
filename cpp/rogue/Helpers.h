/**
 * Macros that connect objects, and the default timeout of the bus.
 *
 * The macros take any expressions that support `->`, so shared pointers to derived classes work.
 * Each is one complete statement, as in Rogue: with or without a semicolon, also as the body of an
 * `if`. (With a semicolon before an `else` it needs braces, for the same reason.)
 */
#ifndef ROGUE_HELPERS_H
#define ROGUE_HELPERS_H

#include "rogue/Directives.h"

#include <sys/time.h>

/** Sends the frames of stream master `src` to stream slave `dst` as well. */
#define rogueStreamConnect(src, dst)                                                               \
    do {                                                                                           \
        (src)->addSlave(dst);                                                                      \
    } while (0);

/** Alias of rogueStreamConnect, kept for existing programs. */
#define rogueStreamTap(src, dst) rogueStreamConnect(src, dst)

/** Connects two objects that are stream master and slave, in both directions. */
#define rogueStreamConnectBiDir(devA, devB)                                                        \
    do {                                                                                           \
        const auto &rogueStreamDevA = (devA);                                                      \
        const auto &rogueStreamDevB = (devB);                                                      \
        rogueStreamDevA->addSlave(rogueStreamDevB);                                                \
        rogueStreamDevB->addSlave(rogueStreamDevA);                                                \
    } while (0);

/** Makes memory slave `dst` the target of memory master `src`. */
#define rogueBusConnect(src, dst)                                                                  \
    do {                                                                                           \
        (src)->setSlave(dst);                                                                      \
    } while (0);

/** The timeout of a new memory master, in microseconds. */
#define ROGUE_DEFAULT_TIMEOUT 1000000

namespace rogue {

/** Stores the default timeout, ROGUE_DEFAULT_TIMEOUT, in `tout`. */
inline void defaultTimeout(struct timeval &tout) {
    tout.tv_sec = ROGUE_DEFAULT_TIMEOUT / 1000000;
    tout.tv_usec = ROGUE_DEFAULT_TIMEOUT % 1000000;
}

} // namespace rogue

#endif
