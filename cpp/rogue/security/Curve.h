/** Keys for CURVE, by which both ends of a bridge prove their identity: docs/security.md. */
#ifndef ROGUE_SECURITY_CURVE_H
#define ROGUE_SECURITY_CURVE_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <cstddef>
#include <memory>
#include <string>

namespace rogue {
namespace security {

/** A key pair. The text form of a key has 40 characters, Z85 (RFC 32), as in libzmq. */
class CurveKeys {
public:
    /** Makes a new pair. */
    static std::shared_ptr<CurveKeys> create() {
        return std::make_shared<CurveKeys>(rogue::detail::make<rogue_mem_curve_keys_t>(
            [](rogue_mem_curve_keys_t **out) { return rogue_mem_curve_keys_generate(out); }));
    }

    /** Reads the pair in a file that save() has written. Throws a GeneralError if others than its
     *  owner may read or write it. */
    static std::shared_ptr<CurveKeys> load(const std::string &path) {
        return std::make_shared<CurveKeys>(
            rogue::detail::make<rogue_mem_curve_keys_t>([&](rogue_mem_curve_keys_t **out) {
                return rogue_mem_curve_keys_load(path.c_str(), out);
            }));
    }

    /** Takes over a reference of the C library's. */
    explicit CurveKeys(rogue::detail::Handle<rogue_mem_curve_keys_t> native)
        : native_(std::move(native)) {}

    /** Writes the pair to a new file that only its owner may read, and the public key alone to
     *  another one, whose name ends in ".pub". Throws a GeneralError if one of them exists. */
    void save(const std::string &path) const {
        rogue::detail::check(rogue_mem_curve_keys_save(native_.get(), path.c_str()));
    }

    /** The text form of the public key. */
    std::string publicKey() const {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_curve_keys_public_key(native_.get(), buffer, capacity, length);
            });
    }

    /** The object of the C library; this one owns it. */
    rogue_mem_curve_keys_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_curve_keys_t> native_;
};

/**
 * What servers with CURVE need: their pair, and the clients that they accept, none at first. Both may
 * change while servers have it; clients that are not accepted any more are disconnected.
 *
 *     auto keys = rogue::security::CurveServer::create(*rogue::security::CurveKeys::load("server"));
 *     keys->loadClients("clients");
 *     rogue::interfaces::memory::TcpServer::Options options;
 *     options.curve = keys->nativeHandle();
 */
class CurveServer {
public:
    /** For servers with this pair. */
    static std::shared_ptr<CurveServer> create(const CurveKeys &keys) {
        return std::make_shared<CurveServer>(keys);
    }

    /** As create(). */
    explicit CurveServer(const CurveKeys &keys)
        : native_(
              rogue::detail::make<rogue_mem_curve_server_t>([&](rogue_mem_curve_server_t **out) {
                  return rogue_mem_curve_server_new(keys.nativeHandle(), out);
              })) {}

    /** Sets the pair for new connections. */
    void setKeys(const CurveKeys &keys) {
        rogue::detail::check(rogue_mem_curve_server_set_keys(native_.get(), keys.nativeHandle()));
    }

    /** Accepts clients with any key. */
    void acceptAny() { rogue::detail::check(rogue_mem_curve_server_accept_any(native_.get())); }

    /** Accepts the clients with these public keys, separated by white space, and no others. */
    void setClients(const std::string &keys) {
        rogue::detail::check(rogue_mem_curve_server_set_clients(native_.get(), keys.c_str()));
    }

    /** Accepts the clients whose public keys are in a file, a line for each, and no others. */
    void loadClients(const std::string &path) {
        rogue::detail::check(rogue_mem_curve_server_load_clients(native_.get(), path.c_str()));
    }

    /** The object of the C library, for the member curve of options; this one owns it. */
    rogue_mem_curve_server_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_curve_server_t> native_;
};

/** What clients need for a server with CURVE. */
class CurveClient {
public:
    /** For the server with this public key, and clients with this pair. */
    static std::shared_ptr<CurveClient> create(const std::string &server, const CurveKeys &keys) {
        return std::make_shared<CurveClient>(server, keys);
    }

    /** As create(). */
    CurveClient(const std::string &server, const CurveKeys &keys)
        : native_(
              rogue::detail::make<rogue_mem_curve_client_t>([&](rogue_mem_curve_client_t **out) {
                  return rogue_mem_curve_client_new(server.c_str(), keys.nativeHandle(), out);
              })) {}

    /** The object of the C library, for the member curve of options; this one owns it. */
    rogue_mem_curve_client_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_curve_client_t> native_;
};

} // namespace security
} // namespace rogue

#endif
