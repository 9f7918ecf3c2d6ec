/** The sending end of a stream. */
#ifndef ROGUE_INTERFACES_STREAM_MASTER_H
#define ROGUE_INTERFACES_STREAM_MASTER_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/Stoppable.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Sends frames to its Slaves.
 *
 * addSlave() and `*master >> slave`, which returns `slave`, connect a slave. `*a == b` connects two
 * objects that are master and slave in one, in both directions.
 *
 * A master keeps its slaves alive until stop(), or until it is destroyed. Objects of the program's
 * own classes that are connected in a circle therefore keep each other alive: call stop() of one of
 * them when they are no longer needed. An SrpV3 connected in both directions forms no such circle.
 *
 * All member functions may be called from any thread.
 */
class Master : public rogue::EnableSharedFromThis<rogue::interfaces::stream::Master>,
               public virtual rogue::detail::Stoppable {
public:
    /** A master without slaves. */
    static std::shared_ptr<Master> create() { return std::make_shared<Master>(); }

    /** As create(). */
    Master()
        : Master(rogue::detail::make<rogue_mem_stream_master_t>(&rogue_mem_stream_master_new)) {}

    /** Disconnects the slaves. */
    ~Master() override = default;

    /** Sends later frames to `slave` as well. Throws GeneralError if it is null. */
    void addSlave(std::shared_ptr<Slave> slave) {
        if (!slave) {
            throw rogue::GeneralError("stream::Master::addSlave", "The stream slave is null");
        }
        const auto end = slave->streamEnd(slave);
        rogue::detail::announceRelease();
        rogue::detail::check(rogue_mem_stream_master_add_slave(native_.get(), end.get()));
    }

    /** The number of slaves. */
    uint32_t slaveCount() { return rogue_mem_stream_master_slave_count(native_.get()); }

    /**
     * A frame with room for `size` octets, from the first slave, or from a pool of this master's
     * own if there is none. `zeroCopyEn` as for Slave::acceptReq().
     */
    FramePtr reqFrame(uint32_t size, bool zeroCopyEn) {
        return std::make_shared<Frame>(
            rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
                return rogue_mem_stream_master_req_frame(native_.get(), size, zeroCopyEn, out);
            }));
    }

    /**
     * Hands `frame` to every slave, in this thread, to the last one first. The slaves get the frame
     * itself, not copies. If this thread holds its lock, the slaves share that until they return.
     */
    void sendFrame(FramePtr frame) {
        if (!frame) {
            throw rogue::GeneralError("stream::Master::sendFrame", "The frame is null");
        }
        // Also for the lock, which the library releases and takes again.
        rogue::detail::announceRelease();
        const rogue_mem_status_t status =
            rogue_mem_stream_master_send_frame(native_.get(), frame->nativeHandle());
        rogue::detail::announceAcquire();
        rogue::detail::check(status);
    }

    /**
     * Whether `frame` lies in one buffer, afterwards. If it does not, and `reqEn` is set, it is
     * replaced by a copy in a frame from reqFrame(), unless that has several buffers too.
     */
    bool ensureSingleBuffer(FramePtr &frame, bool reqEn) {
        return detail::ensureSingleBuffer(frame, reqEn,
                                          [this](uint32_t size) { return reqFrame(size, true); });
    }

    /** Disconnects this master from all its slaves. */
    void stop() override {
        rogue_mem_stream_master_stop(native_.get());
        rogue::detail::announceAcquire();
    }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_stream_master_t *nativeHandle() const { return native_.get(); }

    /**
     * A port of the C library, for rogue_mem_stream_port_connect(), that sends by this master and
     * receives by `slave`. Throws GeneralError if that is null.
     */
    std::shared_ptr<rogue_mem_stream_port_t> nativePort(const std::shared_ptr<Slave> &slave) {
        if (!slave) {
            throw rogue::GeneralError("stream::Master::nativePort", "The stream slave is null");
        }
        const auto end = slave->streamEnd(slave);
        rogue_mem_stream_port_t *port = nullptr;
        rogue::detail::check(rogue_mem_stream_port_new(native_.get(), end.get(), &port));
        return std::shared_ptr<rogue_mem_stream_port_t>(port, &rogue_mem_stream_port_release);
    }

protected:
    /** The master of an object of the C library. For the library's own classes. */
    explicit Master(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : Master(rogue::detail::Handle<rogue_mem_stream_master_t>(
              rogue_mem_stream_port_master(port.get()))) {}

    /** The same, of an object that only sends. */
    explicit Master(rogue::detail::Handle<rogue_mem_stream_master_t> native)
        : native_(std::move(native)) {}

private:
    rogue::detail::Handle<rogue_mem_stream_master_t> native_;
};

/** Shared pointer to a master. */
typedef std::shared_ptr<rogue::interfaces::stream::Master> MasterPtr;

/**
 * Connects a stream master to a stream slave: `*master >> slave`. Takes shared pointers to any
 * class derived from Slave, named or temporary, and returns it with its type.
 */
template <typename M, typename S>
typename std::enable_if<std::is_convertible<M *, Master *>::value &&
                            std::is_convertible<S *, Slave *>::value,
                        std::shared_ptr<S>>::type
operator>>(M &master, const std::shared_ptr<S> &slave) {
    static_cast<Master &>(master).addSlave(slave);
    return slave;
}

/**
 * Connects a stream slave to a stream master: `*slave << master`. Takes shared pointers to any
 * class derived from Master, named or temporary, and returns it with its type. Throws
 * std::bad_weak_ptr if the slave has no owner.
 */
template <typename S, typename M>
typename std::enable_if<std::is_convertible<S *, Slave *>::value &&
                            std::is_convertible<M *, Master *>::value,
                        std::shared_ptr<M>>::type
operator<<(S &slave, const std::shared_ptr<M> &master) {
    static_cast<Master &>(*master).addSlave(static_cast<Slave &>(slave).shared_from_this());
    return master;
}

/**
 * Connects two objects that are stream master and slave in one, in both directions: `*a == b`. An
 * object that is connected with itself receives what it sends. Throws std::bad_weak_ptr, with
 * nothing connected, if `a` has no owner.
 */
template <typename A, typename B>
typename std::enable_if<
    std::is_convertible<A *, Master *>::value && std::is_convertible<A *, Slave *>::value &&
    std::is_convertible<B *, Master *>::value && std::is_convertible<B *, Slave *>::value>::type
operator==(A &a, const std::shared_ptr<B> &b) {
    const std::shared_ptr<Slave> owned = static_cast<Slave &>(a).shared_from_this();
    if (!b) {
        throw rogue::GeneralError("stream::Master::operator==", "The stream slave is null");
    }
    const auto port = static_cast<Master &>(a).nativePort(owned);
    const auto other = static_cast<Master &>(*b).nativePort(b);
    rogue::detail::announceRelease();
    rogue::detail::check(rogue_mem_stream_port_connect(port.get(), other.get()));
}

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
