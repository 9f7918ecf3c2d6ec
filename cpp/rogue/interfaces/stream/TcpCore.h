/** What both ends of the stream TCP bridge have in common. */
#ifndef ROGUE_INTERFACES_STREAM_TCP_CORE_H
#define ROGUE_INTERFACES_STREAM_TCP_CORE_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * One end of a stream over TCP: sends its frames to the other end, and frames from there to its
 * slaves. Use TcpServer and TcpClient.
 *
 * A sender waits while the other end is slow, and while there is none. Frames from there are passed
 * on in a thread of this object, in their order. Connected masters keep it running when this object
 * is destroyed; stop() ends it.
 */
class TcpCore : public rogue::interfaces::stream::Master, public rogue::interfaces::stream::Slave {
public:
    /** A server at `addr`, or a client of the one there; see TcpServer and TcpClient. */
    static std::shared_ptr<TcpCore> create(const std::string &addr, uint16_t port, bool server) {
        return std::make_shared<TcpCore>(addr, port, server);
    }

    /** As create(). */
    TcpCore(const std::string &addr, uint16_t port, bool server)
        : TcpCore(server ? newServer(addr, port, rogue::detail::StreamServerOptions())
                         : newClient(addr, port, rogue::detail::StreamClientOptions()),
                  typeid(TcpCore)) {}

    /** Releases this end, which stops when no master is connected to it. */
    ~TcpCore() override = default;

    /** Receives a frame for the other end. */
    void acceptFrame(FramePtr frame) override { nativeAcceptFrame(frame); }

    /** The former name of stop(). */
    [[deprecated("Use stop() instead")]] void close() { stop(); }

    /**
     * Closes all connections and ports, and disconnects from the slaves, within 100 ms whatever the
     * other end does. Senders that wait return; frames that the other end does not take at once are
     * dropped and counted.
     */
    void stop() override {
        if (ends_.server.get() != nullptr) {
            rogue_mem_stream_server_stop(ends_.server.get());
        } else {
            rogue_mem_stream_client_stop(ends_.client.get());
        }
        rogue::detail::announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

protected:
    /** The native object: one of the two. */
    struct Ends {
        /** Empty in a client. */
        rogue::detail::Handle<rogue_mem_stream_server_t> server;
        /** Empty in a server. */
        rogue::detail::Handle<rogue_mem_stream_client_t> client;
    };

    /** An end that behaves like an object of class `type`. */
    TcpCore(Ends ends, const std::type_info &type) : TcpCore(portOf(ends), ends, type) {}

    /** A native server. */
    static Ends newServer(const std::string &addr, uint16_t port,
                          const rogue::detail::StreamServerOptions &options) {
        Ends ends;
        ends.server =
            rogue::detail::make<rogue_mem_stream_server_t>([&](rogue_mem_stream_server_t **out) {
                return rogue_mem_stream_server_new(addr.c_str(), port, &options, out);
            });
        return ends;
    }

    /** A native client. */
    static Ends newClient(const std::string &addr, uint16_t port,
                          const rogue::detail::StreamClientOptions &options) {
        Ends ends;
        ends.client =
            rogue::detail::make<rogue_mem_stream_client_t>([&](rogue_mem_stream_client_t **out) {
                return rogue_mem_stream_client_new(addr.c_str(), port, &options, out);
            });
        return ends;
    }

    /** The native object. */
    Ends ends_;

private:
    static rogue::detail::Handle<rogue_mem_stream_port_t> portOf(const Ends &ends) {
        return rogue::detail::Handle<rogue_mem_stream_port_t>(
            ends.server.get() != nullptr ? rogue_mem_stream_server_stream_port(ends.server.get())
                                         : rogue_mem_stream_client_stream_port(ends.client.get()));
    }

    TcpCore(const rogue::detail::Handle<rogue_mem_stream_port_t> &port, Ends &ends,
            const std::type_info &type)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port, type),
          ends_(std::move(ends)) {}
};

/** Shared pointer to a TcpCore. */
typedef std::shared_ptr<rogue::interfaces::stream::TcpCore> TcpCorePtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
