/** The receiving end of a stream. */
#ifndef ROGUE_INTERFACES_STREAM_SLAVE_H
#define ROGUE_INTERFACES_STREAM_SLAVE_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/Stoppable.h"
#include "rogue/interfaces/stream/Frame.h"

#include <rogue_mem.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <typeinfo>
#include <utility>

ROGUE_DETAIL_COUNTED(stream_slave)

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Receives frames.
 *
 * Derive from it and override acceptFrame(), which is called in the thread that sends the frame,
 * with no lock held. An exception that leaves it is logged and reaches nobody else.
 *
 * A slave must be owned by a std::shared_ptr when it is connected. Masters connected to it keep it
 * alive, and it may be destroyed in any thread. All member functions may be called from any
 * thread.
 */
class Slave : public rogue::EnableSharedFromThis<rogue::interfaces::stream::Slave>,
              public virtual rogue::detail::Stoppable {
public:
    /** A slave that counts frames. */
    static std::shared_ptr<Slave> create() { return std::make_shared<Slave>(); }

    /** As create(). */
    Slave()
        : Slave(rogue::detail::make<rogue_mem_stream_slave_t>([](rogue_mem_stream_slave_t **out) {
                    return rogue_mem_stream_slave_new(nullptr, out);
                }),
                typeid(Slave)) {}

    /** Frames sent from now on are dropped. */
    ~Slave() override = default;

    /** Receives a frame; this base version does nothing. */
    virtual void acceptFrame(FramePtr frame) { (void)frame; }

    /**
     * A frame with room for `size` octets, as a master gets it that is connected to this slave.
     * `zeroCopyEn` allows memory that the slave can pass on without a copy, where it has any.
     */
    FramePtr acceptReq(uint32_t size, bool zeroCopyEn) {
        return std::make_shared<Frame>(
            rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
                return rogue_mem_stream_slave_req_frame(native_.get(), size, zeroCopyEn, out);
            }));
    }

    /** How many frames have arrived from masters. */
    uint64_t getFrameCount() {
        return rogue_mem_stream_slave_frame_count(native_.get()) + frameCount_;
    }

    /** How many octets of payload have arrived from masters. */
    uint64_t getByteCount() {
        return rogue_mem_stream_slave_byte_count(native_.get()) + byteCount_;
    }

protected:
    /**
     * A slave that is part of an object of the C library, made by class `type`. For the library's
     * own classes.
     */
    Slave(rogue::detail::Handle<rogue_mem_stream_slave_t> native, const std::type_info &type)
        : nativeType_(&type), native_(std::move(native)) {}

    /** Hands a frame to the object of the C library. */
    void nativeAcceptFrame(const FramePtr &frame) {
        rogue_mem_stream_slave_accept_frame(native_.get(), frame->nativeHandle());
    }

private:
    friend class Master;

    /**
     * A native slave that stands for this object, which `self` owns, in a stream: the native
     * implementation itself if the object's class is one of the library's own, else a new one that
     * calls acceptFrame() and owns the object.
     */
    rogue::detail::Handle<rogue_mem_stream_slave_t> streamEnd(const std::shared_ptr<Slave> &self);

    /** Takes a frame from a master. Does not throw. */
    void arrive(rogue_mem_frame_t *native) noexcept;

    const std::type_info *nativeType_; // the class that native_ behaves like
    rogue::detail::Handle<rogue_mem_stream_slave_t> native_;
    // Of the frames that came here by way of C++; native_ counts the others.
    std::atomic<uint64_t> frameCount_{0};
    std::atomic<uint64_t> byteCount_{0};
};

/** Shared pointer to a slave. */
typedef std::shared_ptr<rogue::interfaces::stream::Slave> SlavePtr;

/** How the C library calls C++ stream slaves. Not for use by programs. */
namespace detail {

/** Says in the log that acceptFrame() has thrown. Never throws. */
inline void reportCallback(const char *text) noexcept {
    try {
        // Never destroyed: threads of the library may still run when the program's statics go.
        static rogue::Logging *const log = new rogue::Logging("stream.Slave", true);
        log->error("Exception in acceptFrame, frame lost: %s", text);
    } catch (...) {
        // Without a logger there is nowhere to say it.
    }
}

} // namespace detail

inline void Slave::arrive(rogue_mem_frame_t *native) noexcept {
    try {
        ++frameCount_;
        byteCount_ += rogue_mem_frame_payload(native);
        acceptFrame(
            std::make_shared<Frame>(rogue::detail::Handle<rogue_mem_frame_t>::share(native)));
    } catch (const std::exception &e) {
        detail::reportCallback(e.what());
    } catch (...) {
        detail::reportCallback("unknown exception");
    }
}

inline rogue::detail::Handle<rogue_mem_stream_slave_t>
Slave::streamEnd(const std::shared_ptr<Slave> &self) {
    if (typeid(*this) == *nativeType_) {
        return rogue::detail::Handle<rogue_mem_stream_slave_t>::share(native_.get());
    }
    std::unique_ptr<std::shared_ptr<Slave>> owner(new std::shared_ptr<Slave>(self));
    rogue_mem_stream_slave_callbacks_t callbacks = rogue_mem_stream_slave_callbacks_t();
    callbacks.size = sizeof(callbacks);
    callbacks.ctx = owner.get();
    callbacks.drop = [](void *ctx) { delete static_cast<std::shared_ptr<Slave> *>(ctx); };
    callbacks.accept_frame = [](void *ctx, rogue_mem_frame_t *frame) {
        (*static_cast<std::shared_ptr<Slave> *>(ctx))->arrive(frame);
    };
    auto end = rogue::detail::make<rogue_mem_stream_slave_t>([&](rogue_mem_stream_slave_t **out) {
        return rogue_mem_stream_slave_new(&callbacks, out);
    });
    owner.release(); // from here on the native slave's
    return end;
}

} // namespace stream
} // namespace interfaces
} // namespace rogue

// What connects a slave to a master is defined there.
#include "rogue/interfaces/stream/Master.h"

#endif
