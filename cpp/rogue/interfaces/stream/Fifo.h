/** A queue of frames. */
#ifndef ROGUE_INTERFACES_STREAM_FIFO_H
#define ROGUE_INTERFACES_STREAM_FIFO_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Parts the receivers of frames from their sender: `*(*source >> fifo) >> sink`.
 *
 * A thread of this object delivers the frames, so a sender never waits. A frame that arrives while
 * the queue is full is dropped and counted. Connected masters keep the queue running when this
 * object is destroyed; stop() ends it.
 */
class Fifo : public rogue::interfaces::stream::Master, public rogue::interfaces::stream::Slave {
public:
    /**
     * A queue for at most `maxDepth` frames, 0 = not limited. Frames are copied on arrival, and cut to
     * `trimSize` octets unless that is 0; with `noCopy` the frames themselves are queued, whole, and
     * their sender must leave them alone.
     */
    static std::shared_ptr<Fifo> create(uint32_t maxDepth, uint32_t trimSize, bool noCopy) {
        return std::make_shared<Fifo>(maxDepth, trimSize, noCopy);
    }

    /** As create(). */
    Fifo(uint32_t maxDepth, uint32_t trimSize, bool noCopy)
        : Fifo(rogue::detail::make<rogue_mem_fifo_t>([&](rogue_mem_fifo_t **out) {
              return rogue_mem_fifo_new(maxDepth, trimSize, noCopy, out);
          })) {}

    /** Releases the queue, which ends when no master is connected to it. */
    ~Fifo() override = default;

    /** Receives a frame. */
    void acceptFrame(FramePtr frame) override { nativeAcceptFrame(frame); }

    /** Number of queued frames. */
    std::size_t size() { return static_cast<std::size_t>(rogue_mem_fifo_size(fifo_.get())); }

    /** Number of dropped frames since the start or clearCnt(). */
    std::size_t dropCnt() const {
        return static_cast<std::size_t>(rogue_mem_fifo_dropped(fifo_.get()));
    }

    /** Sets the number of dropped frames to 0. */
    void clearCnt() { rogue_mem_fifo_clear_dropped(fifo_.get()); }

    /** Ends the delivery, drops queued and later frames, and disconnects from the slaves. */
    void stop() override {
        rogue_mem_fifo_stop(fifo_.get());
        rogue::detail::announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

private:
    explicit Fifo(rogue::detail::Handle<rogue_mem_fifo_t> native)
        : Fifo(rogue::detail::Handle<rogue_mem_stream_port_t>(
                   rogue_mem_fifo_stream_port(native.get())),
               native) {}

    Fifo(const rogue::detail::Handle<rogue_mem_stream_port_t> &port,
         rogue::detail::Handle<rogue_mem_fifo_t> &native)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port,
                                                                                    typeid(Fifo)),
          fifo_(std::move(native)) {}

    rogue::detail::Handle<rogue_mem_fifo_t> fifo_;
};

/** Shared pointer to a Fifo. */
typedef std::shared_ptr<rogue::interfaces::stream::Fifo> FifoPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
