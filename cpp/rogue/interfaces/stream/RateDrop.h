/** Drops frames to limit their rate. */
#ifndef ROGUE_INTERFACES_STREAM_RATE_DROP_H
#define ROGUE_INTERFACES_STREAM_RATE_DROP_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Passes on some of the frames that it receives, in the sender's thread and without a copy.
 *
 * Frames that are requested from it come from the slave behind it.
 */
class RateDrop : public rogue::interfaces::stream::Master, public rogue::interfaces::stream::Slave {
public:
    /**
     * With `period`, at most one frame passes in `value` seconds, and none in the first ones after
     * construction. Else as many frames as `value`, without its fraction, are dropped after each one
     * that passes. 0 passes all frames, either way. Throws GeneralError if `value` is negative.
     */
    static std::shared_ptr<RateDrop> create(bool period, double value) {
        return std::make_shared<RateDrop>(period, value);
    }

    /** As create(). */
    RateDrop(bool period, double value)
        : RateDrop(rogue::detail::make<rogue_mem_rate_drop_t>([&](rogue_mem_rate_drop_t **out) {
              return rogue_mem_rate_drop_new(period, value, out);
          })) {}

    /** Releases the object, which works on while a master is connected to it. */
    ~RateDrop() override = default;

    /** Receives a frame. */
    void acceptFrame(FramePtr frame) override { nativeAcceptFrame(frame); }

private:
    explicit RateDrop(rogue::detail::Handle<rogue_mem_rate_drop_t> native)
        : RateDrop(rogue::detail::Handle<rogue_mem_stream_port_t>(
              rogue_mem_rate_drop_stream_port(native.get()))) {}

    explicit RateDrop(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(
                                                       port, typeid(RateDrop)) {}
};

/** Shared pointer to a RateDrop. */
typedef std::shared_ptr<rogue::interfaces::stream::RateDrop> RateDropPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
