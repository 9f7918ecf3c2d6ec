/** Frames into super-frames, version 1. */
#ifndef ROGUE_PROTOCOLS_BATCHER_COMBINER_V1_H
#define ROGUE_PROTOCOLS_BATCHER_COMBINER_V1_H

#include "rogue/Directives.h"
#include "rogue/detail/BatchCombiner.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace batcher {

/**
 * Packs frames into super-frames of version 1: queues those that it receives, and sends all of
 * them as one by sendBatch(). The channel of a frame becomes the destination of its record;
 * its error is not transported. The bytes are those that the frame has when it arrives.
 */
class CombinerV1 : public rogue::detail::BatchCombiner {
public:
    /**
     * Makes one with words of 2, 4, 8, 16, 32 or 64 bytes, for a `width` of 0 to 5. Throws
     * GeneralError for any other one.
     */
    static std::shared_ptr<CombinerV1> create(uint8_t width) {
        return std::make_shared<CombinerV1>(width);
    }

    /** As create(). */
    explicit CombinerV1(uint8_t width)
        : BatchCombiner(rogue::detail::make<rogue_mem_batch_combiner_t>(
                            [width](rogue_mem_batch_combiner_t **out) {
                                return rogue_mem_batch_combiner_new_v1(width, out);
                            }),
                        typeid(CombinerV1)) {}
};

/** Shared pointer to a CombinerV1. */
typedef std::shared_ptr<rogue::protocols::batcher::CombinerV1> CombinerV1Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
