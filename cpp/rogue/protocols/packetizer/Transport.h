/** The end of a packetizer where packets go in and out. */
#ifndef ROGUE_PROTOCOLS_PACKETIZER_TRANSPORT_H
#define ROGUE_PROTOCOLS_PACKETIZER_TRANSPORT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamEnd.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace packetizer {

/** Sends and receives packets: connect it to a transport, such as RSSI. A packetizer makes it. */
class Transport : public rogue::detail::StreamEnd {
public:
    /** Represents a port of the C library. For the library's own use. */
    explicit Transport(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::detail::StreamEnd(port, typeid(Transport)) {}
};

/** Shared pointer to a Transport. */
typedef std::shared_ptr<rogue::protocols::packetizer::Transport> TransportPtr;

} // namespace packetizer
} // namespace protocols
} // namespace rogue

#endif
