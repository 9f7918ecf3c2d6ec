/** Super-frames into frames, version 2. */
#ifndef ROGUE_PROTOCOLS_BATCHER_SPLITTER_V2_H
#define ROGUE_PROTOCOLS_BATCHER_SPLITTER_V2_H

#include "rogue/Directives.h"
#include "rogue/detail/BatchNodes.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace batcher {

/**
 * Sends each record of a super-frame of version 2 as a frame of its own, in the sender's
 * thread: with the destination as its channel, its first and last user, and no error. What
 * came with an error, or is no super-frame, is dropped as a whole, counted and logged.
 */
class SplitterV2 : public rogue::detail::BatchSplitter {
public:
    /** Makes one that is not connected. */
    static std::shared_ptr<SplitterV2> create() { return std::make_shared<SplitterV2>(); }

    /** As create(). */
    SplitterV2()
        : BatchSplitter(
              rogue::detail::make<rogue_mem_batch_splitter_t>(&rogue_mem_batch_splitter_new_v2),
              typeid(SplitterV2)) {}
};

/** Shared pointer to a SplitterV2. */
typedef std::shared_ptr<rogue::protocols::batcher::SplitterV2> SplitterV2Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
