/** The reader of super-frames, version 2. */
#ifndef ROGUE_PROTOCOLS_BATCHER_CORE_V2_H
#define ROGUE_PROTOCOLS_BATCHER_CORE_V2_H

#include "rogue/Directives.h"
#include "rogue/detail/BatchCore.h"

#include <memory>

namespace rogue {
namespace protocols {
namespace batcher {

/** Finds the records of a super-frame of version 2 in place. The sizes of header and tails are 2 and 7. */
class CoreV2 : public rogue::detail::BatchCore {
public:
    /** A reader without a super-frame. */
    static std::shared_ptr<CoreV2> create() { return std::make_shared<CoreV2>(); }

    /** As create(). */
    CoreV2() : BatchCore(2, 2, 7) {}
};

/** Shared pointer to a CoreV2. */
typedef std::shared_ptr<rogue::protocols::batcher::CoreV2> CoreV2Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
