/** The end of a reliable stream where datagrams go in and out. */
#ifndef ROGUE_PROTOCOLS_RSSI_TRANSPORT_H
#define ROGUE_PROTOCOLS_RSSI_TRANSPORT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamEnd.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace rssi {

/** Sends and receives datagrams: connect it to udp::Client or udp::Server. An endpoint makes it. */
class Transport : public rogue::detail::StreamEnd {
public:
    /** Represents a port of the C library. For the library's own use. */
    explicit Transport(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::detail::StreamEnd(port, typeid(Transport)) {}
};

/** Shared pointer to a Transport. */
typedef std::shared_ptr<rogue::protocols::rssi::Transport> TransportPtr;

} // namespace rssi
} // namespace protocols
} // namespace rogue

#endif
