/** What clients and servers of a reliable stream have in common. */
#ifndef ROGUE_PROTOCOLS_RSSI_ENDPOINT_H
#define ROGUE_PROTOCOLS_RSSI_ENDPOINT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/protocols/LinkCallback.h"
#include "rogue/protocols/rssi/Application.h"
#include "rogue/protocols/rssi/Transport.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace rogue {
namespace protocols {
namespace rssi {

/** The base of Client and Server. */
class Endpoint {
public:
    /** Options at their defaults, see rogue_mem_rssi_options_t in rogue_mem.h. */
    typedef rogue::detail::RssiOptions Options;
    /** State and counters, see rogue_mem_rssi_stats_t in rogue_mem.h. */
    typedef rogue::detail::RssiStats Stats;

    virtual ~Endpoint() = default;

    Endpoint(const Endpoint &) = delete;
    Endpoint &operator=(const Endpoint &) = delete;

    /** The end to connect with what carries datagrams. */
    std::shared_ptr<rogue::protocols::rssi::Transport> transport() { return transport_; }

    /** The end to connect with what sends and receives frames. */
    std::shared_ptr<rogue::protocols::rssi::Application> application() { return application_; }

    /** Begins to open the link, or to wait for a client; also again after stop(). */
    void start() { rogue::detail::check(rogue_mem_rssi_start(rssi_.get())); }

    /** Closes the link and tells the peer. Connections remain. */
    void stop() {
        rogue_mem_rssi_stop(rssi_.get());
        rogue::detail::announceAcquire();
    }

    /** Waits up to `timeout` microseconds for the link. Throws GeneralError with the reason if there
     * is none. */
    void waitOpen(uint64_t timeout) {
        rogue::detail::check(rogue_mem_rssi_wait_open(rssi_.get(), timeout));
    }

    /**
     * Calls `callback` at every opening and closing of the link. Replaces an earlier callback; an
     * empty one removes it. If the link is open, the first call reports it. It stays over
     * stop() and start(), whose changes are told too.
     *
     * The calls take place in a thread of their own, one at a time and in order. A callback may do
     * anything, also stop the link and block: only further calls for this link wait for it, of which
     * the latest 64 are kept. An exception in it is logged. The function is destroyed after its last
     * call. Let it own what it uses, or refer to it by a std::weak_ptr: a std::shared_ptr to this
     * object keeps it until it is replaced.
     */
    void setLinkCallback(rogue::protocols::LinkCallback callback) {
        rogue::protocols::detail::setLinkCallback(rssi_.get(), &rogue_mem_rssi_observe,
                                                  std::move(callback));
    }

    /** Whether the link is open. */
    bool getOpen() { return rogue_mem_rssi_is_open(rssi_.get()); }

    /** How often the link was lost or stopped. */
    uint32_t getDownCount() { return static_cast<uint32_t>(getStats().down_count); }

    /** Number of received segments that were dropped. */
    uint32_t getDropCount() { return static_cast<uint32_t>(getStats().drop_count); }

    /** Number of segments sent again. */
    uint32_t getRetranCount() { return static_cast<uint32_t>(getStats().retran_count); }

    /** Whether this end is busy: what has arrived is not taken. */
    bool getLocBusy() { return getStats().local_busy != 0; }

    /** How often it was. */
    uint32_t getLocBusyCnt() { return static_cast<uint32_t>(getStats().local_busy_count); }

    /** Whether the peer is busy. */
    bool getRemBusy() { return getStats().remote_busy != 0; }

    /** How often it was. */
    uint32_t getRemBusyCnt() { return static_cast<uint32_t>(getStats().remote_busy_count); }

    /** All of these and more. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_rssi_stats(rssi_.get(), &stats));
        return stats;
    }

    /** Sets the counters to 0. */
    void resetCounters() { rogue_mem_rssi_reset_counters(rssi_.get()); }

    /** Sets how often a sender that waits for the peer says so in the log, in microseconds. */
    void setTimeout(uint32_t timeout) { rogue_mem_rssi_set_timeout(rssi_.get(), timeout); }

    /** Sets the period of a client's attempts to open the link, in ms; in use from the next link on. Throws GeneralError for 0. */
    void setLocTryPeriod(uint32_t value) { set(ROGUE_MEM_RSSI_TRY_PERIOD, value); }

    /** What setLocTryPeriod() has set. */
    uint32_t getLocTryPeriod() { return local<uint32_t>(ROGUE_MEM_RSSI_TRY_PERIOD); }

    /** Sets the number of segments without an acknowledge; in use from the next link on. Throws GeneralError for 0. */
    void setLocMaxBuffers(uint8_t value) { set(ROGUE_MEM_RSSI_MAX_BUFFERS, value); }

    /** What setLocMaxBuffers() has set. */
    uint8_t getLocMaxBuffers() { return local<uint8_t>(ROGUE_MEM_RSSI_MAX_BUFFERS); }

    /** The same, as both ends have agreed. */
    uint8_t curMaxBuffers() { return current<uint8_t>(ROGUE_MEM_RSSI_MAX_BUFFERS); }

    /** Sets the largest segment in octets, its header of 8 included; in use from the next link on. Throws GeneralError for 0. */
    void setLocMaxSegment(uint16_t value) { set(ROGUE_MEM_RSSI_MAX_SEGMENT, value); }

    /** What setLocMaxSegment() has set. */
    uint16_t getLocMaxSegment() { return local<uint16_t>(ROGUE_MEM_RSSI_MAX_SEGMENT); }

    /** The same, as both ends have agreed. */
    uint16_t curMaxSegment() { return current<uint16_t>(ROGUE_MEM_RSSI_MAX_SEGMENT); }

    /** Sets how long an acknowledge waits, in ms; in use from the next link on. Throws GeneralError for 0. */
    void setLocCumAckTout(uint16_t value) { set(ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT, value); }

    /** What setLocCumAckTout() has set. */
    uint16_t getLocCumAckTout() { return local<uint16_t>(ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT); }

    /** The same, as both ends have agreed. */
    uint16_t curCumAckTout() { return current<uint16_t>(ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT); }

    /** Sets the time after which a segment is sent again, in ms; in use from the next link on. Throws GeneralError for 0. */
    void setLocRetranTout(uint16_t value) { set(ROGUE_MEM_RSSI_RETRAN_TIMEOUT, value); }

    /** What setLocRetranTout() has set. */
    uint16_t getLocRetranTout() { return local<uint16_t>(ROGUE_MEM_RSSI_RETRAN_TIMEOUT); }

    /** The same, as both ends have agreed. */
    uint16_t curRetranTout() { return current<uint16_t>(ROGUE_MEM_RSSI_RETRAN_TIMEOUT); }

    /** Sets the silence after which firmware closes a link, in ms; in use from the next link on. Throws GeneralError for 0. */
    void setLocNullTout(uint16_t value) { set(ROGUE_MEM_RSSI_NULL_TIMEOUT, value); }

    /** What setLocNullTout() has set. */
    uint16_t getLocNullTout() { return local<uint16_t>(ROGUE_MEM_RSSI_NULL_TIMEOUT); }

    /** The same, as both ends have agreed. */
    uint16_t curNullTout() { return current<uint16_t>(ROGUE_MEM_RSSI_NULL_TIMEOUT); }

    /** Sets how often a segment is sent before the link counts as lost; in use from the next link on. Throws GeneralError for 0. */
    void setLocMaxRetran(uint8_t value) { set(ROGUE_MEM_RSSI_MAX_RETRAN, value); }

    /** What setLocMaxRetran() has set. */
    uint8_t getLocMaxRetran() { return local<uint8_t>(ROGUE_MEM_RSSI_MAX_RETRAN); }

    /** The same, as both ends have agreed. */
    uint8_t curMaxRetran() { return current<uint8_t>(ROGUE_MEM_RSSI_MAX_RETRAN); }

    /** Sets the number of segments after which an acknowledge does not wait; in use from the next link on. Throws GeneralError for 0. */
    void setLocMaxCumAck(uint8_t value) { set(ROGUE_MEM_RSSI_MAX_CUM_ACK, value); }

    /** What setLocMaxCumAck() has set. */
    uint8_t getLocMaxCumAck() { return local<uint8_t>(ROGUE_MEM_RSSI_MAX_CUM_ACK); }

    /** The same, as both ends have agreed. */
    uint8_t curMaxCumAck() { return current<uint8_t>(ROGUE_MEM_RSSI_MAX_CUM_ACK); }

protected:
    /** For Client and Server. */
    explicit Endpoint(rogue::detail::Handle<rogue_mem_rssi_t> rssi)
        : rssi_(std::move(rssi)),
          transport_(std::make_shared<Transport>(rogue::detail::Handle<rogue_mem_stream_port_t>(
              rogue_mem_rssi_transport_port(rssi_.get())))),
          application_(std::make_shared<Application>(rogue::detail::Handle<rogue_mem_stream_port_t>(
              rogue_mem_rssi_application_port(rssi_.get())))) {}

private:
    void set(uint32_t parameter, uint32_t value) {
        rogue::detail::check(rogue_mem_rssi_set_local(rssi_.get(), parameter, value));
    }

    template <typename T>
    T local(uint32_t parameter) {
        uint32_t value = 0;
        rogue::detail::check(rogue_mem_rssi_local(rssi_.get(), parameter, &value));
        return static_cast<T>(value);
    }

    template <typename T>
    T current(uint32_t parameter) {
        uint32_t value = 0;
        rogue::detail::check(rogue_mem_rssi_current(rssi_.get(), parameter, &value));
        return static_cast<T>(value);
    }

    rogue::detail::Handle<rogue_mem_rssi_t> rssi_;
    std::shared_ptr<Transport> transport_;
    std::shared_ptr<Application> application_;
};

} // namespace rssi
} // namespace protocols
} // namespace rogue

#endif
