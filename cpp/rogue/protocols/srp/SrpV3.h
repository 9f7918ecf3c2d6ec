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

ROGUE_DETAIL_COUNTED(srp_v3)

namespace rogue {
namespace protocols {
namespace srp {

/**
 * A memory slave that sends its transactions as SRPv3 requests to its stream slave, and takes the
 * responses from whatever stream master it is connected to.
 *
 * Accesses must be aligned to 4 octets and be of 4 to 4096. Any number of requests may be under
 * way; responses may arrive in any order.
 */
class SrpV3 : public rogue::interfaces::stream::Master,
              public rogue::interfaces::stream::Slave,
              public rogue::interfaces::memory::Slave {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV3> create() { return std::make_shared<SrpV3>(); }

    /** As create(). */
    SrpV3() : SrpV3(rogue::detail::make<rogue_mem_srp_v3_t>(&rogue_mem_srp_v3_new)) {}

    /** Transactions that have not been answered time out. */
    ~SrpV3() override = default;

    /** Disconnects from the stream slaves. */
    void stop() override {
        rogue_mem_srp_v3_stop(srp_.get());
        rogue::interfaces::stream::Master::stop();
    }

    /** Sends a request. */
    void doTransaction(rogue::interfaces::memory::TransactionPtr transaction) override {
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }

    /** Takes a response. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

    /** Sets the timeout field of later requests, which the hardware interprets; 0x0A at first. */
    void setHardwareTimeout(uint8_t val) { rogue_mem_srp_v3_set_hardware_timeout(srp_.get(), val); }

private:
    explicit SrpV3(rogue::detail::Handle<rogue_mem_srp_v3_t> srp)
        : rogue::interfaces::stream::Master(rogue::detail::Handle<rogue_mem_stream_master_t>(
              rogue_mem_srp_v3_stream_master(srp.get()))),
          rogue::interfaces::stream::Slave(rogue::detail::Handle<rogue_mem_stream_slave_t>(
                                               rogue_mem_srp_v3_stream_slave(srp.get())),
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
