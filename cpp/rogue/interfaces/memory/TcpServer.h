/** Offers a register bus over TCP. */
#ifndef ROGUE_INTERFACES_MEMORY_TCP_SERVER_H
#define ROGUE_INTERFACES_MEMORY_TCP_SERVER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Master.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

ROGUE_DETAIL_COUNTED(tcp_server)

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * The server side of the memory TCP bridge: carries out the transactions of any number of
 * TcpClients, in this or other processes, on the slave it is connected to.
 *
 * It listens on two consecutive ports. Each client's requests go to the slave in the order
 * in which they arrived, without waiting for earlier ones to complete, and in a thread of the
 * server's own; each answer goes to the client that asked. setTimeout() bounds how long the slave
 * may take.
 */
class TcpServer : public Master {
public:
    /** Options, see rogue_mem.h; start from `TcpServer::Options options = {}`. */
    typedef rogue_mem_tcp_server_options_t Options;
    /** Counters, see rogue_mem.h. */
    typedef rogue_mem_tcp_server_stats_t Stats;

    /**
     * A server at `addr` (`*` for all, or an IPv4 or IPv6 address, host or interface name), on
     * ports `port` and `port + 1`; 0 lets the system choose, see getPort(). It serves from now on.
     * Throws GeneralError if a port cannot be bound.
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
        : TcpServer(newServer(addr, port, options)) {}

    /** Stops the server. */
    ~TcpServer() override { rogue_mem_tcp_server_stop(server_.get()); }

    /** The former name of stop(). */
    [[deprecated("Use stop() instead")]] void close() { stop(); }

    /**
     * Closes all connections and ports, within 100 ms whatever the clients do. A transaction that
     * the slave is working on in this moment is finished by the slave, but not answered.
     */
    void stop() override { rogue_mem_tcp_server_stop(server_.get()); }

    /** Does nothing on a server that runs. Throws GeneralError on a stopped one. */
    void start() { rogue::detail::check(rogue_mem_tcp_server_start(server_.get())); }

    /** The port requests arrive at; answers leave from the next one. */
    uint16_t getPort() { return rogue_mem_tcp_server_port(server_.get()); }

    /** What the server has done so far. */
    Stats getStats() {
        Stats stats = Stats();
        stats.size = sizeof(stats);
        rogue::detail::check(rogue_mem_tcp_server_stats(server_.get(), &stats));
        return stats;
    }

private:
    static rogue::detail::Handle<rogue_mem_tcp_server_t> newServer(const std::string &addr,
                                                                   uint16_t port, Options options) {
        options.size = sizeof(options);
        return rogue::detail::make<rogue_mem_tcp_server_t>([&](rogue_mem_tcp_server_t **out) {
            return rogue_mem_tcp_server_new(addr.c_str(), port, &options, out);
        });
    }

    explicit TcpServer(rogue::detail::Handle<rogue_mem_tcp_server_t> server)
        : Master(
              rogue::detail::Handle<rogue_mem_master_t>(rogue_mem_tcp_server_master(server.get()))),
          server_(std::move(server)) {}

    rogue::detail::Handle<rogue_mem_tcp_server_t> server_;
};

/** Shared pointer to a server. */
typedef std::shared_ptr<rogue::interfaces::memory::TcpServer> TcpServerPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
