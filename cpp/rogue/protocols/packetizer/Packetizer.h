/** What the packetizers of both versions have in common. */
#ifndef ROGUE_PROTOCOLS_PACKETIZER_PACKETIZER_H
#define ROGUE_PROTOCOLS_PACKETIZER_PACKETIZER_H

#include "rogue/Directives.h"
#include "rogue/detail/Destinations.h"
#include "rogue/detail/Handle.h"
#include "rogue/protocols/packetizer/Application.h"
#include "rogue/protocols/packetizer/Transport.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>

namespace rogue {
namespace protocols {
namespace packetizer {

/**
 * Carries the frames of up to 256 destinations over one packet transport.
 *
 * `*rssi->application() == packetizer->transport()` connects the transport, and
 * `*packetizer->application(0) == srp` a destination. Frames are cut in the thread that sends them,
 * and delivered in the thread that brings their last packet. The ends work as long as they are
 * connected, also when this object is destroyed.
 *
 * All member functions may be called from any thread.
 */
class Packetizer {
public:
    Packetizer(const Packetizer &) = delete;
    Packetizer &operator=(const Packetizer &) = delete;

    /** The connections of its ends remain. */
    ~Packetizer() = default;

    /** The end where packets go in and out. */
    TransportPtr transport() { return transport_; }

    /**
     * The end where the frames of destination `dest` go in and out. Frames for a destination whose
     * end was never asked for are discarded.
     */
    ApplicationPtr application(uint8_t dest) {
        const rogue_mem_packetizer_t *native = native_.get();
        return applications_.at(dest, &rogue_mem_packetizer_application_port, native);
    }

    /** Number of received packets that were dropped. */
    uint32_t getDropCount() { return rogue_mem_packetizer_drop_count(native_.get()); }

    /** How often a thread that waits for another one's frame logs that, in microseconds. */
    void setTimeout(uint32_t timeout) { rogue_mem_packetizer_set_timeout(native_.get(), timeout); }

    /** Disconnects all ends from what they send to. */
    void stop() {
        rogue_mem_packetizer_stop(native_.get());
        rogue::detail::announceAcquire();
    }

    /** All counters, see rogue_mem_packetizer_stats_t in rogue_mem.h. */
    rogue::detail::PacketizerStats stats() {
        rogue::detail::PacketizerStats stats;
        rogue::detail::check(rogue_mem_packetizer_stats(native_.get(), &stats));
        return stats;
    }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_packetizer_t *nativeHandle() const { return native_.get(); }

protected:
    /** A packetizer of that version. */
    Packetizer(uint32_t version, const rogue::detail::PacketizerOptions &options)
        : native_(rogue::detail::make<rogue_mem_packetizer_t>([&](rogue_mem_packetizer_t **out) {
              return rogue_mem_packetizer_new(version, &options, out);
          })),
          transport_(std::make_shared<Transport>(rogue::detail::Handle<rogue_mem_stream_port_t>(
              rogue_mem_packetizer_transport_port(native_.get())))) {}

private:
    rogue::detail::Handle<rogue_mem_packetizer_t> native_;
    TransportPtr transport_;
    rogue::detail::Destinations applications_{"The packetizer"};
};

} // namespace packetizer
} // namespace protocols
} // namespace rogue

#endif
