/** Stand-in for Rogue's acquisition of the Python interpreter lock. */
#ifndef ROGUE_SCOPED_GIL_H
#define ROGUE_SCOPED_GIL_H

#include "rogue/Directives.h"

namespace rogue {

/**
 * Does nothing: this library has no Python interpreter lock to acquire.
 *
 * It exists so that C++ code written for both kinds of Rogue build compiles unchanged.
 */
class ScopedGil {
public:
    /** Does nothing. */
    ScopedGil() {}
    ScopedGil(const ScopedGil &) = delete;
    ScopedGil &operator=(const ScopedGil &) = delete;
    /** Does nothing. User-provided, so that an unused object on the stack raises no warning. */
    ~ScopedGil() {}
};

} // namespace rogue

#endif
