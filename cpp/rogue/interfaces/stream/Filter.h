/** Passes on the frames of one channel. */
#ifndef ROGUE_INTERFACES_STREAM_FILTER_H
#define ROGUE_INTERFACES_STREAM_FILTER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Passes on the frames of one channel, in the sender's thread and without a copy.
 *
 * Frames that are requested from it come from the slave behind it.
 */
class Filter : public rogue::interfaces::stream::Master, public rogue::interfaces::stream::Slave {
public:
    /** Passes frames of `channel`; with `dropErrors` only those whose error is 0. */
    static std::shared_ptr<Filter> create(bool dropErrors, uint8_t channel) {
        return std::make_shared<Filter>(dropErrors, channel);
    }

    /** As create(). */
    Filter(bool dropErrors, uint8_t channel)
        : Filter(rogue::detail::make<rogue_mem_filter_t>([&](rogue_mem_filter_t **out) {
              return rogue_mem_filter_new(dropErrors, channel, out);
          })) {}

    /** Releases the object, which works on while a master is connected to it. */
    ~Filter() override = default;

    /** Receives a frame. */
    void acceptFrame(FramePtr frame) override { nativeAcceptFrame(frame); }

private:
    explicit Filter(rogue::detail::Handle<rogue_mem_filter_t> native)
        : Filter(rogue::detail::Handle<rogue_mem_stream_port_t>(
              rogue_mem_filter_stream_port(native.get()))) {}

    explicit Filter(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(
                                                       port, typeid(Filter)) {}
};

/** Shared pointer to a Filter. */
typedef std::shared_ptr<rogue::interfaces::stream::Filter> FilterPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
