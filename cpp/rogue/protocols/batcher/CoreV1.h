/** The reader of super-frames, version 1. */
#ifndef ROGUE_PROTOCOLS_BATCHER_CORE_V1_H
#define ROGUE_PROTOCOLS_BATCHER_CORE_V1_H

#include "rogue/Directives.h"
#include "rogue/detail/BatchCore.h"

#include <memory>

namespace rogue {
namespace protocols {
namespace batcher {

/** Finds the records of a super-frame of version 1 in place. The sizes of header and tails depend on the super-frame, and are 0 before one has been read. */
class CoreV1 : public rogue::detail::BatchCore {
public:
    /** A reader without a super-frame. */
    static std::shared_ptr<CoreV1> create() { return std::make_shared<CoreV1>(); }

    /** As create(). */
    CoreV1() : BatchCore(1, 0, 0) {}
};

/** Shared pointer to a CoreV1. */
typedef std::shared_ptr<rogue::protocols::batcher::CoreV1> CoreV1Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
