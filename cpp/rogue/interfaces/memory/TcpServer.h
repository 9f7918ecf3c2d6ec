/** Serves a register bus over TCP. */
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
#include <vector>

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * The server side of the memory TCP bridge: carries out the transactions of any number of
 * TcpClients, of this or other processes, on the connected slave.
 *
 * It listens on two consecutive ports. Each client's requests go to the slave in their order of
 * arrival, without waiting for earlier ones to complete, in a thread of the server's own. Each
 * answer goes to the client that asked. setTimeout() limits the slave's time.
 */
class TcpServer : public Master {
public:
    /** Options at their defaults, see rogue_mem_tcp_server_options_t in rogue_mem.h. */
    typedef rogue::detail::TcpServerOptions Options;
    /** Counters, see rogue_mem_tcp_server_stats_t in rogue_mem.h. */
    typedef rogue::detail::TcpServerStats Stats;

    /**
     * A server at `addr` (`*` for all interfaces, or an IPv4 or IPv6 address, host or interface
     * name), on ports `port` and `port + 1`; 0 lets the system choose, see getPort(). Or at a path
     * of this host, `unix:/run/board.sock`, with port 0. It serves at
     * once. Throws GeneralError if a port cannot be bound.
     */
    static std::shared_ptr<TcpServer> create(std::string addr, uint16_t port) {
        return std::make_shared<TcpServer>(addr, port);
    }

    /** The same, with options. */
    static std::shared_ptr<TcpServer> create(std::string addr, uint16_t port,
                                             const Options &options) {
        return std::make_shared<TcpServer>(addr, port, options);
    }

    /**
     * A server at sockets that listen already, given by their descriptors: those that a service
     * manager has opened for the program (socket activation), in its order. At TCP ports each socket
     * for requests is followed by that for responses, at the next port; one at a path may be
     * followed by that at the path with ".1" appended. The server uses duplicates: the descriptors
     * stay the caller's, and stop() does not close them. Throws GeneralError for descriptors that do
     * not listen or do not belong together.
     */
    static std::shared_ptr<TcpServer> adopt(const std::vector<int> &descriptors) {
        return adopt(descriptors, Options());
    }

    /** The same, with options. */
    static std::shared_ptr<TcpServer> adopt(const std::vector<int> &descriptors,
                                            const Options &options) {
        // The constructor is private: std::make_shared cannot reach it.
        return std::shared_ptr<TcpServer>(new TcpServer(adopted(descriptors, options)));
    }

    /** As create(). */
    TcpServer(std::string addr, uint16_t port) : TcpServer(addr, port, Options()) {}

    /** As create(). */
    TcpServer(std::string addr, uint16_t port, const Options &options)
        : TcpServer(newServer(addr, port, options)) {}

    /** Stops the server. */
    ~TcpServer() override { stopServer(); }

    /** The former name of stop(). */
    [[deprecated("Use stop() instead")]] void close() { stop(); }

    /**
     * Closes all connections and ports, within 100 ms whatever the clients do. The slave finishes
     * a transaction that it is working on, but the answer is dropped.
     */
    void stop() override { stopServer(); }

    /**
     * Takes no request any more, and waits, at most `seconds`, until those that the slave has are
     * answered and the answers have arrived at the hosts of the clients; then stop() loses no answer.
     * Requests that come meanwhile are answered with an error that says so. Returns what is left, 0
     * for nothing: requests that the slave keeps, and clients that have not got all answers. Once
     * begun it goes on until stop(), also after the return. Throws GeneralError if the server is
     * stopped, before or meanwhile, and in a callback of the server.
     */
    uint64_t drain(double seconds) {
        uint64_t remaining = 0;
        rogue::detail::check(rogue_mem_tcp_server_drain(
            server_.get(), rogue::detail::microseconds(seconds), &remaining));
        rogue::detail::announceAcquire();
        return remaining;
    }

    /** Does nothing on a running server. Throws GeneralError on a stopped one. */
    void start() { rogue::detail::check(rogue_mem_tcp_server_start(server_.get())); }

    /** The request port; the response port is the next one. */
    uint16_t getPort() { return rogue_mem_tcp_server_port(server_.get()); }

    /**
     * The addresses at which it listens, each with its port, or a path: first that of create(), then
     * those of the option `addresses`.
     */
    std::vector<std::string> getAddresses() {
        return rogue::detail::splitLines(rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_tcp_server_addresses(server_.get(), buffer, capacity, length);
            }));
    }

    /** The server's counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_tcp_server_stats(server_.get(), &stats));
        return stats;
    }

private:
    void stopServer() {
        rogue_mem_tcp_server_stop(server_.get());
        rogue::detail::announceAcquire();
    }

    static rogue::detail::Handle<rogue_mem_tcp_server_t>
    newServer(const std::string &addr, uint16_t port, const Options &options) {
        return rogue::detail::make<rogue_mem_tcp_server_t>([&](rogue_mem_tcp_server_t **out) {
            return rogue_mem_tcp_server_new(addr.c_str(), port, &options, out);
        });
    }

    static rogue::detail::Handle<rogue_mem_tcp_server_t>
    adopted(const std::vector<int> &descriptors, const Options &options) {
        const std::vector<int32_t> numbers(descriptors.begin(), descriptors.end());
        return rogue::detail::make<rogue_mem_tcp_server_t>([&](rogue_mem_tcp_server_t **out) {
            return rogue_mem_tcp_server_adopt(numbers.data(), numbers.size(), &options, out);
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
