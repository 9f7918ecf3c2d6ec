/** Frames into super-frames, version 2. */
#ifndef ROGUE_PROTOCOLS_BATCHER_COMBINER_V2_H
#define ROGUE_PROTOCOLS_BATCHER_COMBINER_V2_H

#include "rogue/Directives.h"
#include "rogue/detail/BatchCombiner.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace batcher {

/**
 * Packs frames into super-frames of version 2: queues those that it receives, and sends all of
 * them as one by sendBatch(). The channel of a frame becomes the destination of its record;
 * its error is not transported. The bytes are those that the frame has when it arrives.
 */
class CombinerV2 : public rogue::detail::BatchCombiner {
public:
    /** Makes one that is not connected. */
    static std::shared_ptr<CombinerV2> create() { return std::make_shared<CombinerV2>(); }

    /** As create(). */
    CombinerV2()
        : BatchCombiner(
              rogue::detail::make<rogue_mem_batch_combiner_t>(&rogue_mem_batch_combiner_new_v2),
              typeid(CombinerV2)) {}
};

/** Shared pointer to a CombinerV2. */
typedef std::shared_ptr<rogue::protocols::batcher::CombinerV2> CombinerV2Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
