/** The listening end of a stream over TCP. */
#ifndef ROGUE_INTERFACES_STREAM_TCP_SERVER_H
#define ROGUE_INTERFACES_STREAM_TCP_SERVER_H

#include "rogue/Directives.h"
#include "rogue/interfaces/stream/TcpCore.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * The listening end of a stream over TCP: `*server == node`, or `*server >> sink`.
 *
 * It may have several clients, of this or other processes. Each frame for them goes to one of them,
 * in turn; a client that does not read is passed over. The frames of all of them go to the slaves.
 */
class TcpServer : public TcpCore {
public:
    /** Options at their defaults, see rogue_mem_stream_server_options_t in rogue_mem.h. */
    typedef rogue::detail::StreamServerOptions Options;
    /** Counters, see rogue_mem_stream_server_stats_t in rogue_mem.h. */
    typedef rogue::detail::StreamServerStats Stats;

    /**
     * A server at `addr` (`*` for all interfaces, or an IPv4 or IPv6 address, host or interface
     * name), on ports `port` and `port + 1`; 0 lets the system choose, see getPort(). Or at a path
     * of this host, `unix:/run/board.sock`, with port 0. Throws
     * GeneralError if a port cannot be bound.
     */
    static std::shared_ptr<TcpServer> create(std::string addr, uint16_t port) {
        return std::make_shared<TcpServer>(addr, port);
    }

    /** The same, with options. */
    static std::shared_ptr<TcpServer> create(std::string addr, uint16_t port,
                                             const Options &options) {
        return std::make_shared<TcpServer>(addr, port, options);
    }

    /** As create(). */
    TcpServer(std::string addr, uint16_t port) : TcpServer(addr, port, Options()) {}

    /** As create(). */
    TcpServer(std::string addr, uint16_t port, const Options &options)
        : TcpCore(newServer(addr, port, options), typeid(TcpServer)) {}

    /** The port for frames from clients; that for frames to clients is the next one. */
    uint16_t getPort() { return rogue_mem_stream_server_port(ends_.server.get()); }

    /**
     * The addresses at which it listens, each with its port, or a path: first that of create(), then
     * those of the option `addresses`.
     */
    std::vector<std::string> getAddresses() {
        return rogue::detail::splitLines(rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_stream_server_addresses(ends_.server.get(), buffer, capacity,
                                                         length);
            }));
    }

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_stream_server_stats(ends_.server.get(), &stats));
        return stats;
    }
};

/** Shared pointer to a TcpServer. */
typedef std::shared_ptr<rogue::interfaces::stream::TcpServer> TcpServerPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
