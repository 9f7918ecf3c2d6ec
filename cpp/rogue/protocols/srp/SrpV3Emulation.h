/** Hardware that answers SRPv3, in software. */
#ifndef ROGUE_PROTOCOLS_SRP_SRP_V3_EMULATION_H
#define ROGUE_PROTOCOLS_SRP_SRP_V3_EMULATION_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>
#include <utility>

ROGUE_DETAIL_COUNTED(srp_v3_emulation)

namespace rogue {
namespace protocols {
namespace srp {

/**
 * Answers SRPv3 requests from a memory of its own: `*srp == emulation`.
 *
 * Memory reads as zero until it is written. Requests are carried out in a thread of this object's
 * own, so it may be connected to SrpV3 directly. What has been connected to it goes on working
 * when the object itself is destroyed; stop() ends it.
 */
class SrpV3Emulation : public rogue::interfaces::stream::Master,
                       public rogue::interfaces::stream::Slave {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV3Emulation> create() { return std::make_shared<SrpV3Emulation>(); }

    /** As create(). */
    SrpV3Emulation()
        : SrpV3Emulation(
              rogue::detail::make<rogue_mem_srp_v3_emulation_t>(&rogue_mem_srp_v3_emulation_new)) {}

    /** Lets go of the emulation, which ends when nobody is connected to it any more. */
    ~SrpV3Emulation() override = default;

    /** Stops answering, and disconnects from the stream slaves. */
    void stop() override {
        rogue_mem_srp_v3_emulation_stop(emulation_.get());
        rogue::interfaces::stream::Master::stop();
    }

    /** Takes a request. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

private:
    explicit SrpV3Emulation(rogue::detail::Handle<rogue_mem_srp_v3_emulation_t> emulation)
        : rogue::interfaces::stream::Master(rogue::detail::Handle<rogue_mem_stream_master_t>(
              rogue_mem_srp_v3_emulation_stream_master(emulation.get()))),
          rogue::interfaces::stream::Slave(
              rogue::detail::Handle<rogue_mem_stream_slave_t>(
                  rogue_mem_srp_v3_emulation_stream_slave(emulation.get())),
              typeid(SrpV3Emulation)),
          emulation_(std::move(emulation)) {}

    rogue::detail::Handle<rogue_mem_srp_v3_emulation_t> emulation_;
};

/** Shared pointer to an SrpV3Emulation. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV3Emulation> SrpV3EmulationPtr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
