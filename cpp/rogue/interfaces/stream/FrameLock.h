/** The lock of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_LOCK_H
#define ROGUE_INTERFACES_STREAM_FRAME_LOCK_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>

namespace rogue {
namespace interfaces {
namespace stream {

class Frame;

/**
 * Holds a frame's lock while it exists, unless unlocked in between; made by Frame::lock(). It
 * keeps the frame alive and belongs to one thread: lock and unlock in the same one.
 */
class FrameLock {
public:
    /** Waits for the lock of `frame` and takes it. */
    static std::shared_ptr<FrameLock> create(const std::shared_ptr<Frame> &frame) {
        return std::make_shared<FrameLock>(frame);
    }

    /** As create(). */
    explicit FrameLock(const std::shared_ptr<Frame> &frame);

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
        if (locked_)
            return;
        rogue_mem_frame_lock(native_.get());
        rogue::detail::announceAcquire();
        locked_ = true;
    }

    /** Releases the lock. Does nothing if this object does not hold it. */
    void unlock() {
        if (!locked_)
            return;
        rogue::detail::announceRelease();
        rogue_mem_frame_unlock(native_.get());
        locked_ = false;
    }

    /** Does nothing; exists for symmetry with the Python class. */
    void enter() {}

    /** Does nothing; exists for symmetry with the Python class. */
    void exit(void *, void *, void *) {}

private:
    rogue::detail::Handle<rogue_mem_frame_t> native_;
    bool locked_ = false;
};

/** Shared pointer to a frame's lock. */
typedef std::shared_ptr<rogue::interfaces::stream::FrameLock> FrameLockPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

// The frame, whose lock it takes, is defined there.
#include "rogue/interfaces/stream/Frame.h"

#endif
