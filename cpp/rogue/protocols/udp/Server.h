/** The server of a stream over UDP. */
#ifndef ROGUE_PROTOCOLS_UDP_SERVER_H
#define ROGUE_PROTOCOLS_UDP_SERVER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/udp/Core.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace udp {

/**
 * Exchanges frames with the source of the latest datagram, each buffer of a frame as a datagram:
 * `*server == emulation`. While an RSSI link over it is open, datagrams of others than its peer
 * are dropped and counted.
 *
 * Frames are sent in the caller's thread and received in a thread of this object. Connected masters
 * keep the native server running when this object is destroyed; stop() ends it.
 */
class Server : public Core,
               public rogue::interfaces::stream::Master,
               public rogue::interfaces::stream::Slave {
public:
    /**
     * A server at `port` of every IPv4 interface, with datagrams of up to 8972 octets if `jumbo`,
     * else 1472; 0 lets the system choose the port, see getPort(). Throws GeneralError if the port
     * is taken.
     */
    static std::shared_ptr<Server> create(uint16_t port, bool jumbo) {
        return std::make_shared<Server>(port, jumbo);
    }

    /** The same at one local address, as `127.0.0.1` or `::`, with options. */
    static std::shared_ptr<Server> create(std::string addr, uint16_t port, const Options &options) {
        return std::make_shared<Server>(addr, port, options);
    }

    /** As create(). */
    Server(uint16_t port, bool jumbo) : Server("*", port, withJumbo(jumbo)) {}

    /** As create(). */
    Server(std::string addr, uint16_t port, const Options &options)
        : Core(rogue::detail::make<rogue_mem_udp_t>([&](rogue_mem_udp_t **out) {
              return rogue_mem_udp_new_server(addr.c_str(), port, &options, out);
          })),
          rogue::interfaces::stream::Master(Core::port()), rogue::interfaces::stream::Slave(
                                                               Core::port(), typeid(Server)) {}

    /** Releases the server, which ends when no master is connected to it. */
    ~Server() override = default;

    /** The local port. */
    uint32_t getPort() { return rogue_mem_udp_port(native()); }

    /** Closes the port, and disconnects from the stream slaves. Frames are dropped from then on. */
    void stop() override {
        stopNative();
        rogue::interfaces::stream::Master::stop();
    }

    /** Sends a frame. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }
};

/** Shared pointer to a server. */
typedef std::shared_ptr<rogue::protocols::udp::Server> ServerPtr;

} // namespace udp
} // namespace protocols
} // namespace rogue

#endif
