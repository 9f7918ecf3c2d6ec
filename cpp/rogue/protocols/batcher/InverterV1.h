/** The tails of super-frames as headers, version 1. */
#ifndef ROGUE_PROTOCOLS_BATCHER_INVERTER_V1_H
#define ROGUE_PROTOCOLS_BATCHER_INVERTER_V1_H

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
 * Turns the tails behind the records of a super-frame of version 1, with a width code of 2 to
 * 5, into headers before them, in the sender's thread. The frame itself is changed and sent
 * on; if others have it too, a copy of it. What came with an error, or cannot be inverted, is
 * dropped, counted and logged.
 */
class InverterV1 : public rogue::detail::StreamNode<rogue_mem_batch_inverter_t> {
public:
    /** Its counters. */
    typedef rogue::detail::BatchInverterStats Stats;

    /** Makes one that is not connected. */
    static std::shared_ptr<InverterV1> create() { return std::make_shared<InverterV1>(); }

    /** As create(). */
    InverterV1()
        : StreamNode(
              rogue::detail::make<rogue_mem_batch_inverter_t>(&rogue_mem_batch_inverter_new_v1),
              &rogue_mem_batch_inverter_stream_port, typeid(InverterV1)) {}

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_batch_inverter_stats(native(), &stats));
        return stats;
    }
};

/** Shared pointer to a InverterV1. */
typedef std::shared_ptr<rogue::protocols::batcher::InverterV1> InverterV1Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
