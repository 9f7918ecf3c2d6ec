/** A register bus in another process. */
#ifndef ROGUE_INTERFACES_MEMORY_TCP_CLIENT_H
#define ROGUE_INTERFACES_MEMORY_TCP_CLIENT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

ROGUE_DETAIL_COUNTED(tcp_client)

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * The client side of the memory TCP bridge: a slave that has its transactions carried out by a
 * TcpServer.
 *
 * It connects on its own, again and again until stop(). A transaction requested while there is no
 * connection waits for one until its timeout, and its error then says why there was none. If the
 * connection is lost, transactions that had been sent fail at once; none is ever sent twice.
 */
class TcpClient : public Slave {
public:
    /** Options, see rogue_mem.h; start from `TcpClient::Options options = {}`. */
    typedef rogue_mem_tcp_client_options_t Options;
    /** Counters, see rogue_mem.h. */
    typedef rogue_mem_tcp_client_stats_t Stats;

    /**
     * A client of the server at host `addr`, ports `port` and `port + 1`. No server need be there
     * yet. With `waitReadyEn`, start() waits for it.
     */
    static std::shared_ptr<TcpClient> create(std::string addr, uint16_t port,
                                             bool waitReadyEn = false) {
        return std::make_shared<TcpClient>(addr, port, waitReadyEn);
    }

    /** The same, with options. */
    static std::shared_ptr<TcpClient> create(std::string addr, uint16_t port,
                                             const Options &options) {
        return std::make_shared<TcpClient>(addr, port, options);
    }

    /** As create(). Throws GeneralError if an argument is unusable. */
    TcpClient(std::string addr, uint16_t port, bool waitReadyEn = false)
        : TcpClient(addr, port, newOptions(waitReadyEn)) {}

    /** As create(). Throws GeneralError if an argument is unusable. */
    TcpClient(std::string addr, uint16_t port, const Options &options)
        : TcpClient(newClient(addr, port, options)) {}

    /** Stops the client. */
    ~TcpClient() override { rogue_mem_tcp_client_stop(client_.get()); }

    /** The former name of stop(). */
    [[deprecated("Use stop() instead")]] void close() { stop(); }

    /**
     * Closes the connection, within 100 ms whatever the server does. Transactions under way, and
     * later ones, fail at once.
     */
    void stop() override { rogue_mem_tcp_client_stop(client_.get()); }

    /**
     * Waits until the server answers, for at most `timeout` seconds; true if it does. Where a
     * question has to be repeated, that is done every `period` seconds.
     */
    bool waitReady(double timeout, double period) {
        return rogue_mem_tcp_client_wait_ready(client_.get(), timeout, period) == ROGUE_MEM_OK;
    }

    /**
     * Does nothing, unless the client was made to wait: then it waits for the server for up to
     * 10 s and throws GeneralError if it does not answer.
     */
    void start() { rogue::detail::check(rogue_mem_tcp_client_start(client_.get())); }

    /** ROGUE_MEM_CLIENT_CONNECTING, _HANDSHAKE, _CONNECTED or _STOPPED. */
    uint32_t getState() { return rogue_mem_tcp_client_state(client_.get()); }

    /** The state in words, with the reason if there is no connection. */
    std::string getStateText() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_tcp_client_state_text(client_.get(), buffer, capacity, length);
            });
    }

    /** What the client has done so far. */
    Stats getStats() {
        Stats stats = Stats();
        stats.size = sizeof(stats);
        rogue::detail::check(rogue_mem_tcp_client_stats(client_.get(), &stats));
        return stats;
    }

    /** Sends the transaction to the server. */
    void doTransaction(TransactionPtr transaction) override {
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }

private:
    static Options newOptions(bool waitReadyEn) {
        Options options = Options();
        options.wait_ready = waitReadyEn;
        return options;
    }

    static rogue::detail::Handle<rogue_mem_tcp_client_t> newClient(const std::string &addr,
                                                                   uint16_t port, Options options) {
        options.size = sizeof(options);
        return rogue::detail::make<rogue_mem_tcp_client_t>([&](rogue_mem_tcp_client_t **out) {
            return rogue_mem_tcp_client_new(addr.c_str(), port, &options, out);
        });
    }

    explicit TcpClient(rogue::detail::Handle<rogue_mem_tcp_client_t> client)
        : Slave(rogue::detail::Handle<rogue_mem_slave_t>(rogue_mem_tcp_client_slave(client.get())),
                typeid(TcpClient)),
          client_(std::move(client)) {}

    rogue::detail::Handle<rogue_mem_tcp_client_t> client_;
};

/** Shared pointer to a client. */
typedef std::shared_ptr<rogue::interfaces::memory::TcpClient> TcpClientPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
