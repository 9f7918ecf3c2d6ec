/**
 * The mutex of an object, with a rule for processes that fork.
 * Used by the public headers; not for use by programs.
 */
#ifndef ROGUE_DETAIL_OBJECT_MUTEX_H
#define ROGUE_DETAIL_OBJECT_MUTEX_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"

#include <sys/types.h>
#include <unistd.h>

#include <mutex>
#include <string>

namespace rogue {
namespace detail {

/**
 * A mutex of an object. In a child by fork a thread of the parent, which does not exist there, may
 * hold it for ever: instead of waiting, lock() throws GeneralError there.
 */
class ObjectMutex {
public:
    /** The mutex of an object that errors call `name`, for example "The memory master". */
    explicit ObjectMutex(const char *name) : name_(name), process_(getpid()) {}

    ObjectMutex(const ObjectMutex &) = delete;
    ObjectMutex &operator=(const ObjectMutex &) = delete;

    /** Whether another process has made the object, and this one was forked from it since. */
    bool isInherited() const { return getpid() != process_; }

    /** Waits for the mutex. Throws GeneralError if the object is inherited. */
    void lock() {
        if (isInherited()) {
            throw GeneralError(name_,
                               std::string(name_) +
                                   " was made before this process was forked and belongs to the "
                                   "parent process: make one of your own after the fork");
        }
        mutex_.lock();
    }

    /** Releases the mutex. */
    void unlock() { mutex_.unlock(); }

private:
    std::mutex mutex_;
    const char *const name_;
    const pid_t process_;
};

} // namespace detail
} // namespace rogue

#endif
