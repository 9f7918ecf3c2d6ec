/** The receiving end of a stream. */
#ifndef ROGUE_INTERFACES_STREAM_SLAVE_H
#define ROGUE_INTERFACES_STREAM_SLAVE_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/Stoppable.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/Pool.h"

#include <rogue_mem.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Receives frames.
 *
 * Derive from it and override acceptFrame(), which is called in the sending thread with no lock
 * held. An exception in it is logged and does not propagate. A class that creates the frames for
 * its masters itself overrides acceptReq() too.
 *
 * A slave must be owned by a std::shared_ptr when it is connected. Its masters keep it alive, and
 * it may be destroyed in any thread. All member functions may be called from any thread.
 */
class Slave : public rogue::interfaces::stream::Pool,
              public rogue::EnableSharedFromThis<rogue::interfaces::stream::Slave>,
              public virtual rogue::detail::Stoppable {
public:
    using rogue::EnableSharedFromThis<rogue::interfaces::stream::Slave>::shared_from_this;

    /** A slave that counts frames. */
    static std::shared_ptr<Slave> create() { return std::make_shared<Slave>(); }

    /** As create(). */
    Slave() : nativeType_(&typeid(Slave)) {}

    /** Later frames for it are dropped. */
    ~Slave() override = default;

    /** Receives a frame; this base version does nothing. */
    virtual void acceptFrame(FramePtr frame) { (void)frame; }

    /**
     * A frame with room for `size` octets, for a connected master; called in the thread of
     * Master::reqFrame(), with no lock held. `zeroCopyEn` allows memory that the slave can pass on
     * without a copy, if it has any. This base version takes the frame from the slave's own pool.
     * If an override throws, which is logged, or returns null, reqFrame() throws GeneralError.
     */
    FramePtr acceptReq(uint32_t size, bool zeroCopyEn) override {
        return Pool::acceptReq(size, zeroCopyEn);
    }

    /** A frame with room for `size` octets from the slave's own pool, whatever acceptReq() does. */
    FramePtr reqLocalFrame(uint32_t size, bool zeroCopyEn) {
        (void)zeroCopyEn;
        return reqPoolFrame(size);
    }

    /** As Master::ensureSingleBuffer(), with a frame from reqLocalFrame(). */
    bool ensureSingleBuffer(FramePtr &frame, bool reqEn) {
        return detail::ensureSingleBuffer(
            frame, reqEn, [this](uint32_t size) { return reqLocalFrame(size, true); });
    }

    /**
     * Logs each later frame that arrives, at critical level by the logger `name`: its size, its
     * error and its first `debug` octets; 0 = nothing. Transports of the library log nothing.
     */
    void setDebug(uint32_t debug, const std::string &name) {
        rogue::detail::check(rogue_mem_stream_slave_set_debug(nativePool(), debug, name.c_str()));
    }

    /** Number of frames received from masters. */
    uint64_t getFrameCount() { return rogue_mem_stream_slave_frame_count(nativePool()); }

    /** Octets of payload received from masters. */
    uint64_t getByteCount() { return rogue_mem_stream_slave_byte_count(nativePool()); }

protected:
    /**
     * The slave of an object of the C library, made by class `type`. For the library's own
     * classes.
     */
    Slave(const rogue::detail::Handle<rogue_mem_stream_port_t> &port, const std::type_info &type)
        : Pool(rogue::detail::Handle<rogue_mem_stream_slave_t>(
              rogue_mem_stream_port_slave(port.get()))),
          nativeType_(&type) {}

    /** The same, of an object that only receives. */
    Slave(rogue::detail::Handle<rogue_mem_stream_slave_t> native, const std::type_info &type)
        : Pool(std::move(native)), nativeType_(&type) {}

    /** Hands a frame to the C library's object. */
    void nativeAcceptFrame(const FramePtr &frame) {
        rogue::detail::announceRelease();
        rogue_mem_stream_slave_accept_frame(nativePool(), frame->nativeHandle());
        rogue::detail::announceAcquire();
    }

private:
    friend class Master;

    /**
     * A native slave that represents this object, which `self` owns, in a stream: the native
     * implementation itself for an object of one of the library's own classes, else a new one that
     * calls acceptFrame() and acceptReq() and owns the object.
     */
    rogue::detail::Handle<rogue_mem_stream_slave_t> streamEnd(const std::shared_ptr<Slave> &self);

    /** Takes a frame from a master. Does not throw. */
    void arrive(rogue_mem_frame_t *native) noexcept;

    /** Creates a frame for a master; the caller's reference, null on failure. Does not throw. */
    rogue_mem_frame_t *give(uint32_t size, bool zeroCopyEn) noexcept;

    const std::type_info *nativeType_; // the class that the native slave behaves like
};

/** Shared pointer to a slave. */
typedef std::shared_ptr<rogue::interfaces::stream::Slave> SlavePtr;

/** How the C library calls C++ stream slaves. Not for use by programs. */
namespace detail {

/** Logs an exception and its consequence. Never throws. */
inline void reportCallback(const char *what, const char *text) noexcept {
    try {
        // Never destroyed: threads of the library may still run when the program's statics are
        // destroyed.
        static rogue::Logging *const log = new rogue::Logging("stream.Slave", true);
        log->error("Exception in %s: %s", what, text);
    } catch (...) {
        // Without a logger the report is lost.
    }
}

} // namespace detail

inline void Slave::arrive(rogue_mem_frame_t *native) noexcept {
    try {
        rogue_mem_stream_slave_count_frame(nativePool(), native);
        acceptFrame(
            std::make_shared<Frame>(rogue::detail::Handle<rogue_mem_frame_t>::share(native)));
    } catch (const std::exception &e) {
        detail::reportCallback("acceptFrame, frame lost", e.what());
    } catch (...) {
        detail::reportCallback("acceptFrame, frame lost", "unknown exception");
    }
}

inline rogue_mem_frame_t *Slave::give(uint32_t size, bool zeroCopyEn) noexcept {
    try {
        const FramePtr frame = acceptReq(size, zeroCopyEn);
        return frame ? rogue_mem_frame_retain(frame->nativeHandle()) : nullptr;
    } catch (const std::exception &e) {
        detail::reportCallback("acceptReq", e.what());
    } catch (...) {
        detail::reportCallback("acceptReq", "unknown exception");
    }
    return nullptr;
}

inline rogue::detail::Handle<rogue_mem_stream_slave_t>
Slave::streamEnd(const std::shared_ptr<Slave> &self) {
    if (typeid(*this) == *nativeType_) {
        return rogue::detail::Handle<rogue_mem_stream_slave_t>::share(nativePool());
    }
    std::unique_ptr<std::shared_ptr<Slave>> owner(new std::shared_ptr<Slave>(self));
    rogue_mem_stream_slave_callbacks_t callbacks = rogue_mem_stream_slave_callbacks_t();
    callbacks.size = sizeof(callbacks);
    callbacks.ctx = owner.get();
    callbacks.drop = [](void *ctx) {
        const rogue::detail::AnnouncedCallback announced;
        delete static_cast<std::shared_ptr<Slave> *>(ctx);
    };
    callbacks.accept_frame = [](void *ctx, rogue_mem_frame_t *frame) {
        const rogue::detail::AnnouncedCallback announced;
        (*static_cast<std::shared_ptr<Slave> *>(ctx))->arrive(frame);
    };
    callbacks.accept_req = [](void *ctx, uint32_t size, uint32_t zeroCopyEn) {
        const rogue::detail::AnnouncedCallback announced;
        return (*static_cast<std::shared_ptr<Slave> *>(ctx))->give(size, zeroCopyEn != 0);
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

// The connection of a slave to a master is defined there.
#include "rogue/interfaces/stream/Master.h"

#endif
