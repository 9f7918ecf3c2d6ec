/** The tails of super-frames as headers, version 2. */
#ifndef ROGUE_PROTOCOLS_BATCHER_INVERTER_V2_H
#define ROGUE_PROTOCOLS_BATCHER_INVERTER_V2_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamNode.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace batcher {

/**
 * As InverterV1 for super-frames of version 2, of which it moves two of the seven bytes of
 * each tail, as Rogue does: the result is of use for one record at most.
 */
class InverterV2 : public rogue::detail::StreamNode<rogue_mem_batch_inverter_t> {
public:
    /** Its counters. */
    typedef rogue::detail::BatchInverterStats Stats;

    /** Makes one that is not connected. */
    static std::shared_ptr<InverterV2> create() { return std::make_shared<InverterV2>(); }

    /** As create(). */
    InverterV2()
        : StreamNode(
              rogue::detail::make<rogue_mem_batch_inverter_t>(&rogue_mem_batch_inverter_new_v2),
              &rogue_mem_batch_inverter_stream_port, typeid(InverterV2)) {}

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_batch_inverter_stats(native(), &stats));
        return stats;
    }
};

/** Shared pointer to a InverterV2. */
typedef std::shared_ptr<rogue::protocols::batcher::InverterV2> InverterV2Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
