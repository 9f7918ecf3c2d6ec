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

ROGUE_DETAIL_COUNTED(stream_master)

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Sends frames to the Slaves it is connected to.
 *
 * Connections are made with addSlave(), with `*master >> slave`, which returns `slave`, or, between
 * two objects that are master and slave at once, in both directions with `*a == b`.
 *
 * A master keeps its slaves until stop(), or until it is destroyed. Objects of classes of the
 * program's own that are connected in a circle therefore keep each other alive: call stop() of one
 * of them when they are no longer needed. SrpV3 itself, connected in both directions, does not
 * close a circle.
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

    /** Lets go of the slaves. */
    ~Master() override = default;

    /** Sends later frames to `slave` as well. Throws GeneralError if it is null. */
    void addSlave(std::shared_ptr<Slave> slave) {
        if (!slave) {
            throw rogue::GeneralError("stream::Master::addSlave", "The stream slave is null");
        }
        const auto end = slave->streamEnd(slave);
        rogue::detail::check(rogue_mem_stream_master_add_slave(native_.get(), end.get()));
    }

    /** The number of slaves. */
    uint32_t slaveCount() { return rogue_mem_stream_master_slave_count(native_.get()); }

    /**
     * A frame with room for `size` octets, from the first slave added, or from a pool of this
     * master's own if there is none. `zeroCopyEn` as for Slave::acceptReq().
     */
    FramePtr reqFrame(uint32_t size, bool zeroCopyEn) {
        return std::make_shared<Frame>(
            rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
                return rogue_mem_stream_master_req_frame(native_.get(), size, zeroCopyEn, out);
            }));
    }

    /**
     * Hands `frame` to every slave, in this thread, to the one added last first. The slaves get
     * the frame itself, not copies. Do not hold its lock.
     */
    void sendFrame(FramePtr frame) {
        if (!frame) {
            throw rogue::GeneralError("stream::Master::sendFrame", "The frame is null");
        }
        rogue::detail::check(
            rogue_mem_stream_master_send_frame(native_.get(), frame->nativeHandle()));
    }

    /** Disconnects this master from all its slaves. */
    void stop() override { rogue_mem_stream_master_stop(native_.get()); }

    /** The object of the C library behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_stream_master_t *nativeHandle() const { return native_.get(); }

protected:
    /** A master that is part of an object of the C library. For the library's own classes. */
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
 * std::bad_weak_ptr if nobody owns the slave.
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
 * Connects two objects that are stream master and slave at once, in both directions: `*a == b`.
 * Throws std::bad_weak_ptr, with nothing connected, if nobody owns `a`.
 */
template <typename A, typename B>
typename std::enable_if<
    std::is_convertible<A *, Master *>::value && std::is_convertible<A *, Slave *>::value &&
    std::is_convertible<B *, Master *>::value && std::is_convertible<B *, Slave *>::value>::type
operator==(A &a, const std::shared_ptr<B> &b) {
    std::shared_ptr<Slave> owned = static_cast<Slave &>(a).shared_from_this();
    static_cast<Master &>(a).addSlave(b);
    static_cast<Master &>(*b).addSlave(owned);
}

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
