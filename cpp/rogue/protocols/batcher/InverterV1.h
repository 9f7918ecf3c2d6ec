/** The tails of super-frames as headers, version 1. */
#ifndef ROGUE_PROTOCOLS_BATCHER_INVERTER_V1_H
#define ROGUE_PROTOCOLS_BATCHER_INVERTER_V1_H

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
 * Turns the tails behind the records of a super-frame of version 1, with a width code of 2 to
 * 5, into headers before them, in the sender's thread. The frame itself is changed and sent
 * on; if others have it too, a copy of it. What came with an error, or cannot be inverted, is
 * dropped, counted and logged.
 */
class InverterV1 : public rogue::detail::BatchInverter {
public:
    /** Makes one that is not connected. */
    static std::shared_ptr<InverterV1> create() { return std::make_shared<InverterV1>(); }

    /** As create(). */
    InverterV1()
        : BatchInverter(
              rogue::detail::make<rogue_mem_batch_inverter_t>(&rogue_mem_batch_inverter_new_v1),
              typeid(InverterV1)) {}
};

/** Shared pointer to a InverterV1. */
typedef std::shared_ptr<rogue::protocols::batcher::InverterV1> InverterV1Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
