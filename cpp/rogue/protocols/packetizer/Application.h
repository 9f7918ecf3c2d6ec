/** The end of a packetizer where the frames of one destination go in and out. */
#ifndef ROGUE_PROTOCOLS_PACKETIZER_APPLICATION_H
#define ROGUE_PROTOCOLS_PACKETIZER_APPLICATION_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamEnd.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace packetizer {

/** Sends and receives the frames of one destination. A packetizer makes it. */
class Application : public rogue::detail::StreamEnd {
public:
    /** Represents a port of the C library. For the library's own use. */
    explicit Application(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::detail::StreamEnd(port, typeid(Application)) {}
};

/** Shared pointer to an Application. */
typedef std::shared_ptr<rogue::protocols::packetizer::Application> ApplicationPtr;

} // namespace packetizer
} // namespace protocols
} // namespace rogue

#endif
