/** The base of the ends that transports give: a stream master and a stream slave in one. */
#ifndef ROGUE_DETAIL_STREAM_END_H
#define ROGUE_DETAIL_STREAM_END_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <typeinfo>

namespace rogue {
namespace detail {

/** Sends and receives frames at a port of the C library. */
class StreamEnd : public rogue::interfaces::stream::Master,
                  public rogue::interfaces::stream::Slave {
public:
    /** The connections remain. */
    ~StreamEnd() override = default;

    /** Disconnects from the stream slaves. */
    void stop() override { rogue::interfaces::stream::Master::stop(); }

    /** Receives a frame to be sent. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

protected:
    /** `type` is the class of the end. */
    StreamEnd(const Handle<rogue_mem_stream_port_t> &port, const std::type_info &type)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port, type) {}
};

} // namespace detail
} // namespace rogue

#endif
