/** The client of a stream over UDP. */
#ifndef ROGUE_PROTOCOLS_UDP_CLIENT_H
#define ROGUE_PROTOCOLS_UDP_CLIENT_H

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
 * Exchanges frames with one peer, each buffer of a frame as a datagram: `*srp == client`.
 *
 * Frames are sent in the caller's thread and received in a thread of this object. Datagrams from
 * other addresses are dropped and counted. Connected masters keep the native client running when
 * this object is destroyed; stop() ends it.
 */
class Client : public Core,
               public rogue::interfaces::stream::Master,
               public rogue::interfaces::stream::Slave {
public:
    /**
     * A client of `port` at `host`, an address or a name, with datagrams of up to 8972 octets if
     * `jumbo`, else 1472. Throws GeneralError if the name is unknown.
     */
    static std::shared_ptr<Client> create(std::string host, uint16_t port, bool jumbo) {
        return std::make_shared<Client>(host, port, jumbo);
    }

    /** The same, with options. */
    static std::shared_ptr<Client> create(std::string host, uint16_t port, const Options &options) {
        return std::make_shared<Client>(host, port, options);
    }

    /** As create(). */
    Client(std::string host, uint16_t port, bool jumbo) : Client(host, port, withJumbo(jumbo)) {}

    /** As create(). */
    Client(std::string host, uint16_t port, const Options &options)
        : Core(rogue::detail::make<rogue_mem_udp_t>([&](rogue_mem_udp_t **out) {
              return rogue_mem_udp_new_client(host.c_str(), port, &options, out);
          })),
          rogue::interfaces::stream::Master(Core::port()), rogue::interfaces::stream::Slave(
                                                               Core::port(), typeid(Client)) {}

    /** Releases the client, which ends when no master is connected to it. */
    ~Client() override = default;

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

/** Shared pointer to a client. */
typedef std::shared_ptr<rogue::protocols::udp::Client> ClientPtr;

} // namespace udp
} // namespace protocols
} // namespace rogue

#endif
