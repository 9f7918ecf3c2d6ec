/** Register accesses over a stream. */
#ifndef ROGUE_PROTOCOLS_SRP_SRP_V3_H
#define ROGUE_PROTOCOLS_SRP_SRP_V3_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace protocols {
namespace srp {

/**
 * A memory slave that sends its transactions as SRPv3 requests to its stream slave, and receives
 * the responses from its stream masters.
 *
 * Accesses must be aligned to 4 octets and have 4 to 4096. Any number of requests may be
 * outstanding; responses may arrive in any order.
 */
class SrpV3 : public rogue::interfaces::stream::Master,
              public rogue::interfaces::stream::Slave,
              public rogue::interfaces::memory::Slave {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV3> create() { return std::make_shared<SrpV3>(); }

    /** As create(). */
    SrpV3() : SrpV3(rogue::detail::make<rogue_mem_srp_v3_t>(&rogue_mem_srp_v3_new)) {}

    /** Unanswered transactions time out. */
    ~SrpV3() override = default;

    /** Disconnects from the stream slaves. */
    void stop() override {
        rogue_mem_srp_v3_stop(srp_.get());
        rogue::detail::announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

    /** Sends a request. */
    void doTransaction(rogue::interfaces::memory::TransactionPtr transaction) override {
        rogue::detail::announceRelease();
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }

    /** Receives a response. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

    /** Sets the timeout field of later requests, for the hardware; the default is 0x0A. */
    void setHardwareTimeout(uint8_t val) { rogue_mem_srp_v3_set_hardware_timeout(srp_.get(), val); }

private:
    explicit SrpV3(rogue::detail::Handle<rogue_mem_srp_v3_t> srp)
        : SrpV3(rogue::detail::Handle<rogue_mem_stream_port_t>(
                    rogue_mem_srp_v3_stream_port(srp.get())),
                srp) {}

    SrpV3(const rogue::detail::Handle<rogue_mem_stream_port_t> &port,
          rogue::detail::Handle<rogue_mem_srp_v3_t> &srp)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port,
                                                                                    typeid(SrpV3)),
          rogue::interfaces::memory::Slave(
              rogue::detail::Handle<rogue_mem_slave_t>(rogue_mem_srp_v3_slave(srp.get())),
              typeid(SrpV3)),
          srp_(std::move(srp)) {}

    rogue::detail::Handle<rogue_mem_srp_v3_t> srp_;
};

/** Shared pointer to an SrpV3. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV3> SrpV3Ptr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
