/** Register accesses over a stream. */
#ifndef ROGUE_PROTOCOLS_SRP_SRP_V0_H
#define ROGUE_PROTOCOLS_SRP_SRP_V0_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace protocols {
namespace srp {

/**
 * A memory slave that sends its transactions as SRPv0 requests to its stream slave, and receives
 * the responses from its stream masters.
 *
 * Accesses must be aligned to 4 octets, have 4 to 2048, and lie within 32 bits of address. Any number of requests may be
 * outstanding; responses may arrive in any order.
 */
class SrpV0 : public rogue::interfaces::stream::Master,
              public rogue::interfaces::stream::Slave,
              public rogue::interfaces::memory::Slave {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV0> create() { return std::make_shared<SrpV0>(); }

    /** As create(). */
    SrpV0() : SrpV0(rogue::detail::make<rogue_mem_srp_v0_t>(&rogue_mem_srp_v0_new)) {}

    /** Unanswered transactions time out. */
    ~SrpV0() override = default;

    /** Disconnects from the stream slaves. */
    void stop() override {
        rogue_mem_srp_v0_stop(srp_.get());
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

private:
    explicit SrpV0(rogue::detail::Handle<rogue_mem_srp_v0_t> srp)
        : SrpV0(rogue::detail::Handle<rogue_mem_stream_port_t>(
                    rogue_mem_srp_v0_stream_port(srp.get())),
                srp) {}

    SrpV0(const rogue::detail::Handle<rogue_mem_stream_port_t> &port,
          rogue::detail::Handle<rogue_mem_srp_v0_t> &srp)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port,
                                                                                    typeid(SrpV0)),
          rogue::interfaces::memory::Slave(
              rogue::detail::Handle<rogue_mem_slave_t>(rogue_mem_srp_v0_slave(srp.get())),
              typeid(SrpV0)),
          srp_(std::move(srp)) {}

    rogue::detail::Handle<rogue_mem_srp_v0_t> srp_;
};

/** Shared pointer to an SrpV0. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV0> SrpV0Ptr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
