/** Stand-in for Rogue's release of the Python interpreter lock. */
#ifndef ROGUE_GIL_RELEASE_H
#define ROGUE_GIL_RELEASE_H

#include "rogue/Directives.h"

namespace rogue {

/**
 * Does nothing: this library has no Python interpreter lock to release.
 *
 * It exists so that C++ code written for both kinds of Rogue build compiles unchanged.
 */
class GilRelease {
public:
    /** Does nothing. */
    GilRelease() {}
    GilRelease(const GilRelease &) = delete;
    GilRelease &operator=(const GilRelease &) = delete;
    /** Does nothing. User-provided, so that an unused object on the stack raises no warning. */
    ~GilRelease() {}

    /** Does nothing. */
    void acquire() {}

    /** Does nothing. */
    void release() {}
};

} // namespace rogue

#endif
