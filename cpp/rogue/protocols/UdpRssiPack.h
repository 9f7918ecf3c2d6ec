/** The usual road to a board in one object: UDP, RSSI and a packetizer. */
#ifndef ROGUE_PROTOCOLS_UDP_RSSI_PACK_H
#define ROGUE_PROTOCOLS_UDP_RSSI_PACK_H

#include "rogue/Directives.h"
#include "rogue/detail/Destinations.h"
#include "rogue/detail/Handle.h"
#include "rogue/protocols/LinkCallback.h"
#include "rogue/protocols/packetizer/Application.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace protocols {

/**
 * The frames of up to 256 destinations over a packetizer, RSSI and UDP, as pyrogue's class of this
 * name builds it from Rogue's.
 *
 * `*pack->application(0) == srp` connects registers. A client opens the link to a board, and opens
 * it again whenever it was lost; transactions under way then fail at once, with a text that names
 * the layer. A server waits for a client, in the place of a board. All layers run on one thread, in
 * which received frames are delivered. The road works as long as its destinations are connected,
 * also when this object is destroyed.
 *
 * All member functions may be called from any thread.
 */
class UdpRssiPack {
public:
    /** Options at their defaults, see rogue_mem_board_options_t in rogue_mem.h. */
    typedef rogue::detail::BoardOptions Options;
    /** State and counters, see rogue_mem_board_stats_t in rogue_mem.h. */
    typedef rogue::detail::BoardStats Stats;

    /**
     * A road to `port` of `host`, an address or a name. Does not wait for the link, see waitOpen().
     * Throws a GeneralError for an invalid argument, or if the system gives no socket.
     */
    static std::shared_ptr<UdpRssiPack> client(const std::string &host, uint16_t port,
                                               const Options &options = Options()) {
        rogue_mem_board_t *native = nullptr;
        rogue::detail::check(rogue_mem_board_new_client(host.c_str(), port, &options, &native));
        return std::shared_ptr<UdpRssiPack>(new UdpRssiPack(native));
    }

    /**
     * A road that a client may open, at `port` of a local address: "*" for all of IPv4. Port 0 lets
     * the system choose, see getPort(). Throws a GeneralError as client() does, and if the port is
     * taken.
     */
    static std::shared_ptr<UdpRssiPack> server(const std::string &addr, uint16_t port,
                                               const Options &options = Options()) {
        rogue_mem_board_t *native = nullptr;
        rogue::detail::check(rogue_mem_board_new_server(addr.c_str(), port, &options, &native));
        return std::shared_ptr<UdpRssiPack>(new UdpRssiPack(native));
    }

    UdpRssiPack(const UdpRssiPack &) = delete;
    UdpRssiPack &operator=(const UdpRssiPack &) = delete;

    /** The connections of its destinations remain. */
    ~UdpRssiPack() = default;

    /**
     * The end where the frames of destination `dest` go in and out; 0 is that of registers by
     * convention. Frames for a destination whose end was never asked for are discarded.
     */
    packetizer::ApplicationPtr application(uint8_t dest) {
        const rogue_mem_board_t *native = native_.get();
        return applications_.at(dest, &rogue_mem_board_application_port, native);
    }

    /**
     * Waits until the link is open, for at most `seconds`. Throws a GeneralError whose text names
     * the layer that fails.
     */
    void waitOpen(double seconds) {
        rogue::detail::check(
            rogue_mem_board_wait_open(native_.get(), rogue::detail::microseconds(seconds)));
    }

    /**
     * Calls `callback` at every opening and closing of the link. Replaces an earlier callback; an
     * empty one removes it. If the link is open, the first call reports it. The closing by
     * stop() is the last one that is told.
     *
     * The calls take place in a thread of their own, one at a time and in order. A callback may do
     * anything, also stop the link and block: only further calls for this link wait for it, of which
     * the latest 64 are kept. An exception in it is logged. The function is destroyed after its last
     * call. Let it own what it uses, or refer to it by a std::weak_ptr: a std::shared_ptr to this
     * object keeps it until stop().
     */
    void setLinkCallback(LinkCallback callback) {
        detail::setLinkCallback(native_.get(), &rogue_mem_board_observe, std::move(callback));
    }

    /** Whether the link is open. */
    bool getOpen() { return rogue_mem_board_is_open(native_.get()); }

    /** The local UDP port. */
    uint16_t getPort() { return rogue_mem_board_port(native_.get()); }

    /** State and counters at a glance. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_board_stats(native_.get(), &stats));
        return stats;
    }

    /** Closes the link and the port, and disconnects all destinations. */
    void stop() {
        rogue_mem_board_stop(native_.get());
        rogue::detail::announceAcquire();
    }

private:
    explicit UdpRssiPack(rogue_mem_board_t *native) : native_(native) {}

    rogue::detail::Handle<rogue_mem_board_t> native_;
    rogue::detail::Destinations applications_{"The UdpRssiPack"};
};

/** Shared pointer to a UdpRssiPack. */
typedef std::shared_ptr<rogue::protocols::UdpRssiPack> UdpRssiPackPtr;

} // namespace protocols
} // namespace rogue

#endif
