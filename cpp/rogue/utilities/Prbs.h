/** Frames of pseudo-random bits. */
#ifndef ROGUE_UTILITIES_PRBS_H
#define ROGUE_UTILITIES_PRBS_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace utilities {

/**
 * Sends frames of pseudo-random bits to its stream slaves, and checks those that it receives. Its
 * twin in firmware is SsiPrbsTx and SsiPrbsRx; width and taps must be equal at both ends.
 */
class Prbs : public rogue::interfaces::stream::Slave, public rogue::interfaces::stream::Master {
public:
    /** An object with words of 32 bits and taps 1, 2, 6 and 31. */
    static std::shared_ptr<Prbs> create() { return std::make_shared<Prbs>(); }

    /** As create(). */
    Prbs() : Prbs(rogue::detail::make<rogue_mem_prbs_t>(&rogue_mem_prbs_new)) {}

    /** Ends the thread of enable(). */
    ~Prbs() override { rogue_mem_prbs_disable(prbs_.get()); }

    /** Sets the width of a word: a multiple of 32 bits, at most 512. GeneralError otherwise. */
    void setWidth(uint32_t width) {
        rogue::detail::check(rogue_mem_prbs_set_width(prbs_.get(), width));
    }

    /** Sets the taps of the shift register: `tapCnt` numbers of bits. */
    void setTaps(uint32_t tapCnt, uint8_t *taps) {
        rogue::detail::check(rogue_mem_prbs_set_taps(prbs_.get(), taps, tapCnt));
    }

    /** Makes the payload of later frames count its words instead of being random. */
    void sendCount(bool state) { rogue_mem_prbs_send_count(prbs_.get(), state); }

    /** Gives later frames a payload; without, it is zeros. */
    void genPayload(bool state) { rogue_mem_prbs_gen_payload(prbs_.get(), state); }

    /** Checks the payload of received frames, besides their size and sequence number. */
    void checkPayload(bool state) { rogue_mem_prbs_check_payload(prbs_.get(), state); }

    /** Receives frames; while off, a thread that brings one waits. */
    void setRxEnable(bool state) { rogue_mem_prbs_set_rx_enable(prbs_.get(), state); }

    /** Whether frames are received. */
    bool getRxEnable() { return rogue_mem_prbs_rx_enable(prbs_.get()); }

    /** Sets the pause after each frame of the thread, in microseconds. */
    void setTxPeriod(uint32_t period) { rogue_mem_prbs_set_tx_period(prbs_.get(), period); }

    /** The pause after each frame of the thread, in microseconds. */
    uint32_t getTxPeriod() { return rogue_mem_prbs_tx_period(prbs_.get()); }

    /**
     * Sends one frame of `size` octets, in this thread. GeneralError unless that is a multiple of
     * the width and at least three words.
     */
    void genFrame(uint32_t size) {
        rogue::detail::announceRelease();
        const rogue_mem_status_t status = rogue_mem_prbs_gen_frame(prbs_.get(), size);
        rogue::detail::announceAcquire();
        rogue::detail::check(status);
    }

    /** Starts a thread that sends frames of `size` octets; nothing if it runs already. */
    void enable(uint32_t size) {
        rogue::detail::announceRelease();
        rogue::detail::check(rogue_mem_prbs_enable(prbs_.get(), size));
    }

    /** Ends the thread. */
    void disable() {
        rogue_mem_prbs_disable(prbs_.get());
        rogue::detail::announceAcquire();
    }

    /** Zeroes all counters and rates. */
    void resetCount() { rogue_mem_prbs_reset_count(prbs_.get()); }

    /** Number of frames sent. */
    uint32_t getTxCount() { return static_cast<uint32_t>(stats().tx_count); }

    /** Number of frames that could not be sent. */
    uint32_t getTxErrors() { return static_cast<uint32_t>(stats().tx_errors); }

    /** Octets sent. */
    uint64_t getTxBytes() { return stats().tx_bytes; }

    /** Frames sent a second. */
    double getTxRate() { return rogue_mem_prbs_tx_rate(prbs_.get()); }

    /** Octets sent a second. */
    double getTxBw() { return rogue_mem_prbs_tx_bandwidth(prbs_.get()); }

    /** Number of good frames received. */
    uint32_t getRxCount() { return static_cast<uint32_t>(stats().rx_count); }

    /** Number of bad frames received. */
    uint32_t getRxErrors() { return static_cast<uint32_t>(stats().rx_errors); }

    /** Octets of good frames received. */
    uint64_t getRxBytes() { return stats().rx_bytes; }

    /** Good frames received a second. */
    double getRxRate() { return rogue_mem_prbs_rx_rate(prbs_.get()); }

    /** Octets of good frames received a second. */
    double getRxBw() { return rogue_mem_prbs_rx_bandwidth(prbs_.get()); }

    /** Ends the thread, disconnects the stream slaves, and releases threads that wait. */
    void stop() override {
        rogue_mem_prbs_stop(prbs_.get());
        rogue::detail::announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

    /** Checks a frame. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

private:
    explicit Prbs(rogue::detail::Handle<rogue_mem_prbs_t> prbs)
        : Prbs(rogue::detail::Handle<rogue_mem_stream_port_t>(
                   rogue_mem_prbs_stream_port(prbs.get())),
               prbs) {}

    Prbs(const rogue::detail::Handle<rogue_mem_stream_port_t> &port,
         rogue::detail::Handle<rogue_mem_prbs_t> &prbs)
        : rogue::interfaces::stream::Slave(port, typeid(Prbs)), rogue::interfaces::stream::Master(
                                                                    port),
          prbs_(std::move(prbs)) {}

    rogue::detail::PrbsStats stats() {
        rogue::detail::PrbsStats stats;
        rogue::detail::check(rogue_mem_prbs_stats(prbs_.get(), &stats));
        return stats;
    }

    rogue::detail::Handle<rogue_mem_prbs_t> prbs_;
};

/** Shared pointer to a Prbs. */
typedef std::shared_ptr<rogue::utilities::Prbs> PrbsPtr;

} // namespace utilities
} // namespace rogue

#endif
