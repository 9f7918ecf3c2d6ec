/** An emulated device that answers SRPv3. */
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

namespace rogue {
namespace protocols {
namespace srp {

/**
 * Answers SRPv3 requests from a memory of its own: `*srp == emulation`.
 *
 * Memory reads as zero until it is written. A thread of this object carries out the requests, so
 * the object may be connected to SrpV3 directly. Connected objects keep the emulation running when
 * this object is destroyed; stop() ends it.
 */
class SrpV3Emulation : public rogue::interfaces::stream::Master,
                       public rogue::interfaces::stream::Slave {
public:
    /** Options at their defaults, see rogue_mem_srp_v3_emulation_options_t in rogue_mem.h. */
    typedef rogue::detail::SrpV3EmulationOptions Options;

    /** An unconnected object. */
    static std::shared_ptr<SrpV3Emulation> create() { return std::make_shared<SrpV3Emulation>(); }

    /** The same, with options. */
    static std::shared_ptr<SrpV3Emulation> create(const Options &options) {
        return std::make_shared<SrpV3Emulation>(options);
    }

    /** As create(). */
    SrpV3Emulation() : SrpV3Emulation(Options()) {}

    /** As create(). */
    explicit SrpV3Emulation(const Options &options)
        : SrpV3Emulation(rogue::detail::make<rogue_mem_srp_v3_emulation_t>(
              [&options](rogue_mem_srp_v3_emulation_t **out) {
                  return rogue_mem_srp_v3_emulation_new(&options, out);
              })) {}

    /** Releases the emulation, which ends when no other object is connected to it. */
    ~SrpV3Emulation() override = default;

    /** Stops answering, and disconnects from the stream slaves. */
    void stop() override {
        rogue_mem_srp_v3_emulation_stop(emulation_.get());
        rogue::detail::announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

    /** Receives a request. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

private:
    explicit SrpV3Emulation(rogue::detail::Handle<rogue_mem_srp_v3_emulation_t> emulation)
        : SrpV3Emulation(rogue::detail::Handle<rogue_mem_stream_port_t>(
                             rogue_mem_srp_v3_emulation_stream_port(emulation.get())),
                         emulation) {}

    SrpV3Emulation(const rogue::detail::Handle<rogue_mem_stream_port_t> &port,
                   rogue::detail::Handle<rogue_mem_srp_v3_emulation_t> &emulation)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(
                                                       port, typeid(SrpV3Emulation)),
          emulation_(std::move(emulation)) {}

    rogue::detail::Handle<rogue_mem_srp_v3_emulation_t> emulation_;
};

/** Shared pointer to an SrpV3Emulation. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV3Emulation> SrpV3EmulationPtr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
