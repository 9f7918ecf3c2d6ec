/** Super-frames into frames, version 1. */
#ifndef ROGUE_PROTOCOLS_BATCHER_SPLITTER_V1_H
#define ROGUE_PROTOCOLS_BATCHER_SPLITTER_V1_H

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
 * Sends each record of a super-frame of version 1 as a frame of its own, in the sender's
 * thread: with the destination as its channel, its first and last user, and no error. What
 * came with an error, or is no super-frame, is dropped as a whole, counted and logged.
 */
class SplitterV1 : public rogue::detail::BatchSplitter {
public:
    /** Makes one that is not connected. */
    static std::shared_ptr<SplitterV1> create() { return std::make_shared<SplitterV1>(); }

    /** As create(). */
    SplitterV1()
        : BatchSplitter(
              rogue::detail::make<rogue_mem_batch_splitter_t>(&rogue_mem_batch_splitter_new_v1),
              typeid(SplitterV1)) {}
};

/** Shared pointer to a SplitterV1. */
typedef std::shared_ptr<rogue::protocols::batcher::SplitterV1> SplitterV1Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
