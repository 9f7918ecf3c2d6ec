/** The connecting end of a stream over TCP. */
#ifndef ROGUE_INTERFACES_STREAM_TCP_CLIENT_H
#define ROGUE_INTERFACES_STREAM_TCP_CLIENT_H

#include "rogue/Directives.h"
#include "rogue/interfaces/stream/TcpCore.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * The connecting end of a stream over TCP: `*client == node`, or `*source >> client`.
 *
 * It connects by itself, and reconnects until it is stopped.
 */
class TcpClient : public TcpCore {
public:
    /** Options at their defaults, see rogue_mem_stream_client_options_t in rogue_mem.h. */
    typedef rogue::detail::StreamClientOptions Options;
    /** Counters, see rogue_mem_stream_client_stats_t in rogue_mem.h. */
    typedef rogue::detail::StreamClientStats Stats;

    /**
     * A client of the server at `addr`, an IPv4 or IPv6 address or host name, and its ports `port`
     * and `port + 1`; or at a path of this host, `unix:/run/board.sock`, with port 0. Returns at
     * once. Throws GeneralError if the address is none.
     */
    static std::shared_ptr<TcpClient> create(std::string addr, uint16_t port) {
        return std::make_shared<TcpClient>(addr, port);
    }

    /** The same, with options. */
    static std::shared_ptr<TcpClient> create(std::string addr, uint16_t port,
                                             const Options &options) {
        return std::make_shared<TcpClient>(addr, port, options);
    }

    /** As create(). */
    TcpClient(std::string addr, uint16_t port) : TcpClient(addr, port, Options()) {}

    /** As create(). */
    TcpClient(std::string addr, uint16_t port, const Options &options)
        : TcpCore(newClient(addr, port, options), typeid(TcpClient)) {}

    /** Whether there is a connection. */
    bool isConnected() {
        return rogue_mem_stream_client_state(ends_.client.get()) == ROGUE_MEM_CLIENT_CONNECTED;
    }

    /** The state of the connection in words, with the obstacle if there is one. */
    std::string getStateText() {
        return rogue::detail::readText([this](char *buffer, std::size_t capacity,
                                              std::size_t *length) {
            return rogue_mem_stream_client_state_text(ends_.client.get(), buffer, capacity, length);
        });
    }

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_stream_client_stats(ends_.client.get(), &stats));
        return stats;
    }
};

/** Shared pointer to a TcpClient. */
typedef std::shared_ptr<rogue::interfaces::stream::TcpClient> TcpClientPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
