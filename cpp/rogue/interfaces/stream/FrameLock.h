/** The lock of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_LOCK_H
#define ROGUE_INTERFACES_STREAM_FRAME_LOCK_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>

ROGUE_DETAIL_COUNTED(frame)

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Holds a frame's lock while it exists, unless unlocked in between; made by Frame::lock(). It
 * keeps the frame alive and belongs to one thread: lock and unlock in the same one.
 */
class FrameLock {
public:
    /** Waits for the lock of `frame` and takes it. For the library's own use. */
    explicit FrameLock(rogue_mem_frame_t *frame)
        : native_(rogue::detail::Handle<rogue_mem_frame_t>::share(frame)) {
        lock();
    }

    FrameLock(const FrameLock &) = delete;
    FrameLock &operator=(const FrameLock &) = delete;

    /** Unlocks, if locked. */
    ~FrameLock() { unlock(); }

    /** Waits for the lock and takes it again. Does nothing if this object holds it. */
    void lock() {
        if (!locked_)
            rogue_mem_frame_lock(native_.get());
        locked_ = true;
    }

    /** Gives the lock back. Does nothing if this object does not hold it. */
    void unlock() {
        if (locked_)
            rogue_mem_frame_unlock(native_.get());
        locked_ = false;
    }

private:
    rogue::detail::Handle<rogue_mem_frame_t> native_;
    bool locked_ = false;
};

/** Shared pointer to a frame's lock. */
typedef std::shared_ptr<rogue::interfaces::stream::FrameLock> FrameLockPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
