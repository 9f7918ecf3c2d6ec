/** The single `stop()` of an object with several Rogue bases. Not for use by programs. */
#ifndef ROGUE_DETAIL_STOPPABLE_H
#define ROGUE_DETAIL_STOPPABLE_H

#include "rogue/Directives.h"

namespace rogue {
namespace detail {

/**
 * Declares `stop()` once for all bases of an object.
 *
 * It is a virtual base, so that `stop()` is unambiguous in a class that is, for example, a stream
 * Master, a stream Slave and a memory Slave at once: there is one function, and the most derived
 * override wins.
 */
class Stoppable {
public:
    Stoppable() = default;
    Stoppable(const Stoppable &) = delete;
    Stoppable &operator=(const Stoppable &) = delete;
    virtual ~Stoppable() = default;

    /**
     * Ends the object's activity and its connections, if it has any; the plain bus classes have
     * none and do nothing. Idempotent; any thread may call it.
     */
    virtual void stop() {}
};

} // namespace detail
} // namespace rogue

#endif
