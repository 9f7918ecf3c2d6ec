/** What clients and servers of a stream over UDP have in common. */
#ifndef ROGUE_PROTOCOLS_UDP_CORE_H
#define ROGUE_PROTOCOLS_UDP_CORE_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace rogue {
namespace protocols {
namespace udp {

/** Octets of an Ethernet frame, jumbo and standard, and of the headers of IPv4 and UDP. */
static const uint32_t JumboMTU = 9000;
static const uint32_t StdMTU = 1500;
static const uint32_t HdrSize = 28;
/** Octets of a datagram's payload, at most. */
static const uint32_t MaxJumboPayload = JumboMTU - HdrSize;
static const uint32_t MaxStdPayload = StdMTU - HdrSize;

/** The base of Client and Server. */
class Core {
public:
    /** Options at their defaults, see rogue_mem_udp_options_t in rogue_mem.h. */
    typedef rogue::detail::UdpOptions Options;
    /** Counters, see rogue_mem_udp_stats_t in rogue_mem.h. */
    typedef rogue::detail::UdpStats Stats;

    virtual ~Core() = default;

    Core(const Core &) = delete;
    Core &operator=(const Core &) = delete;

    /** The largest payload of a datagram in octets: 8972 for jumbo, else 1472. */
    uint32_t maxPayload() { return rogue_mem_udp_max_payload(udp_.get()); }

    /**
     * Asks the system for a receive buffer for `count` datagrams of 9000 octets (jumbo) or 1500.
     * Returns whether it has granted all of it; otherwise the log says what to do.
     */
    bool setRxBufferCount(uint32_t count) {
        return rogue_mem_udp_set_receive_buffers(udp_.get(), count) == ROGUE_MEM_OK;
    }

    /**
     * Sets how many microseconds a thread waits at most, if the network takes datagrams more slowly
     * than they are sent, before one is dropped.
     */
    void setTimeout(uint32_t timeout) { rogue_mem_udp_set_timeout(udp_.get(), timeout); }

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_udp_stats(udp_.get(), &stats));
        return stats;
    }

protected:
    /** For Client and Server. */
    explicit Core(rogue::detail::Handle<rogue_mem_udp_t> udp) : udp_(std::move(udp)) {}

    /** Options with that choice, the others at their defaults. */
    static Options withJumbo(bool jumbo) {
        Options options;
        options.jumbo = jumbo ? 1 : 0;
        return options;
    }

    /** The stream port of the object. */
    rogue::detail::Handle<rogue_mem_stream_port_t> port() const {
        return rogue::detail::Handle<rogue_mem_stream_port_t>(
            rogue_mem_udp_stream_port(udp_.get()));
    }

    /** Closes the port. */
    void stopNative() {
        rogue_mem_udp_stop(udp_.get());
        rogue::detail::announceAcquire();
    }

    /** The object of the C library, which this one owns. */
    rogue_mem_udp_t *native() const { return udp_.get(); }

private:
    rogue::detail::Handle<rogue_mem_udp_t> udp_;
};

/** Shared pointer to either. */
typedef std::shared_ptr<rogue::protocols::udp::Core> CorePtr;

} // namespace udp
} // namespace protocols
} // namespace rogue

#endif
