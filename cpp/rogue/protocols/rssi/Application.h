/** The end of a reliable stream where frames go in and out, in order. */
#ifndef ROGUE_PROTOCOLS_RSSI_APPLICATION_H
#define ROGUE_PROTOCOLS_RSSI_APPLICATION_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamEnd.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace rssi {

/** Sends and receives frames. It keeps its endpoint running. An endpoint makes it. */
class Application : public rogue::detail::StreamEnd {
public:
    /** Represents a port of the C library. For the library's own use. */
    explicit Application(const rogue::detail::Handle<rogue_mem_stream_port_t> &port)
        : rogue::detail::StreamEnd(port, typeid(Application)) {}
};

/** Shared pointer to an Application. */
typedef std::shared_ptr<rogue::protocols::rssi::Application> ApplicationPtr;

} // namespace rssi
} // namespace protocols
} // namespace rogue

#endif
