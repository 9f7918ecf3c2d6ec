/** A register bus in another process. */
#ifndef ROGUE_INTERFACES_MEMORY_TCP_CLIENT_H
#define ROGUE_INTERFACES_MEMORY_TCP_CLIENT_H

#include "rogue/Directives.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * The client side of the memory TCP bridge: a slave that forwards its transactions to a TcpServer.
 *
 * It connects on its own, and reconnects until stop(). A transaction requested without a connection
 * waits for one until its timeout; its error then gives the reason. When the connection is lost,
 * transactions that were sent fail at once; none is ever sent twice.
 */
class TcpClient : public Slave {
public:
    /** Options at their defaults, see rogue_mem_tcp_client_options_t in rogue_mem.h. */
    typedef rogue::detail::TcpClientOptions Options;
    /** Counters, see rogue_mem_tcp_client_stats_t in rogue_mem.h. */
    typedef rogue::detail::TcpClientStats Stats;

    /**
     * A client of the server at host `addr`, ports `port` and `port + 1`, or at a path of this host,
     * `unix:/run/board.sock`, with port 0. The server need not exist yet. With `waitReadyEn`,
     * start() waits for it.
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
    ~TcpClient() override { stopClient(); }

    /** The former name of stop(). */
    [[deprecated("Use stop() instead")]] void close() { stop(); }

    /**
     * Closes the connection, within 100 ms whatever the server does. Outstanding and later
     * transactions fail at once.
     */
    void stop() override { stopClient(); }

    /**
     * Waits until the server answers, for at most `timeout` seconds; true if it does. A probe
     * without an answer is repeated every `period` seconds.
     */
    bool waitReady(double timeout, double period) {
        const rogue_mem_status_t status =
            rogue_mem_tcp_client_wait_ready(client_.get(), rogue::detail::microseconds(timeout),
                                            rogue::detail::microseconds(period));
        rogue::detail::announceAcquire();
        return status == ROGUE_MEM_OK;
    }

    /**
     * With waitReadyEn: waits for the server for up to 10 s, and throws GeneralError if it does not
     * answer. Otherwise does nothing.
     */
    void start() { rogue::detail::check(rogue_mem_tcp_client_start(client_.get())); }

    /** ROGUE_MEM_CLIENT_CONNECTING, _HANDSHAKE, _CONNECTED or _STOPPED. */
    uint32_t getState() { return rogue_mem_tcp_client_state(client_.get()); }

    /** A description of the state, with the reason if there is no connection. */
    std::string getStateText() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_tcp_client_state_text(client_.get(), buffer, capacity, length);
            });
    }

    /** A change of the connection. */
    struct ConnectionChange {
        /** Whether it was made; otherwise it was lost. */
        bool connected;
        /** The server's address and request port, as "192.0.2.1:9000", or its path. */
        std::string server;
        /** Why the connection was lost; empty if it was made. */
        std::string reason;
        /** The server's protocol level of the bridge; 0: none announced, as by Rogue's. */
        uint32_t bridgeLevel;
    };

    /** Gets the changes of the connection. */
    typedef std::function<void(const ConnectionChange &)> ConnectionCallback;

    /**
     * Calls `callback` at every connect and disconnect. Replaces an earlier callback; an empty one
     * removes it. If there is a connection, the first call reports it.
     *
     * The calls take place in a thread of their own, one at a time and in order. A callback may do
     * anything, also block: only further calls for this client wait for it, of which the latest 64
     * are kept. An exception in it is logged. No call begins after the return of stop() or of the
     * destructor; a call that runs at that moment goes on, and the function is destroyed after it.
     * So let the function own what it uses, or refer to it by a std::weak_ptr. A std::shared_ptr to
     * the client itself keeps the client alive until stop().
     */
    void setConnectionCallback(ConnectionCallback callback) {
        if (!callback) {
            rogue::detail::check(rogue_mem_tcp_client_observe(client_.get(), nullptr));
            return;
        }
        std::unique_ptr<ConnectionCallback> owned(new ConnectionCallback(std::move(callback)));
        rogue_mem_connection_observer_t observer = rogue_mem_connection_observer_t();
        observer.size = sizeof(observer);
        observer.ctx = owned.get();
        observer.drop = &TcpClient::dropCallback;
        observer.changed = &TcpClient::tellCallback;
        rogue::detail::announceRelease();
        rogue::detail::check(rogue_mem_tcp_client_observe(client_.get(), &observer));
        owned.release();
    }

    /** The client's counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_tcp_client_stats(client_.get(), &stats));
        return stats;
    }

    /** Sends the transaction to the server. */
    void doTransaction(TransactionPtr transaction) override {
        rogue::detail::announceRelease();
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }

private:
    void stopClient() {
        rogue_mem_tcp_client_stop(client_.get());
        rogue::detail::announceAcquire();
    }

    static void dropCallback(void *ctx) {
        const rogue::detail::AnnouncedCallback announced;
        delete static_cast<ConnectionCallback *>(ctx);
    }

    static void tellCallback(void *ctx, const rogue_mem_connection_t *connection) {
        const rogue::detail::AnnouncedCallback announced;
        const char *const where = "the connection callback of a TcpClient";
        try {
            const ConnectionChange change = {connection->connected != 0, connection->server,
                                             connection->reason, connection->bridge_level};
            (*static_cast<ConnectionCallback *>(ctx))(change);
        } catch (const std::exception &e) {
            detail::reportCallback(rogue::Logging::Error, where, e.what());
        } catch (...) {
            detail::reportCallback(rogue::Logging::Error, where, "unknown exception");
        }
    }

    static Options newOptions(bool waitReadyEn) {
        Options options;
        options.wait_ready = waitReadyEn;
        return options;
    }

    static rogue::detail::Handle<rogue_mem_tcp_client_t>
    newClient(const std::string &addr, uint16_t port, const Options &options) {
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
