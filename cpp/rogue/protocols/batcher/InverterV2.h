/** The tails of super-frames as headers, version 2. */
#ifndef ROGUE_PROTOCOLS_BATCHER_INVERTER_V2_H
#define ROGUE_PROTOCOLS_BATCHER_INVERTER_V2_H

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
 * As InverterV1 for super-frames of version 2, of which it moves two of the seven bytes of
 * each tail, as Rogue does: the result is of use for one record at most.
 */
class InverterV2 : public rogue::detail::BatchInverter {
public:
    /** Makes one that is not connected. */
    static std::shared_ptr<InverterV2> create() { return std::make_shared<InverterV2>(); }

    /** As create(). */
    InverterV2()
        : BatchInverter(
              rogue::detail::make<rogue_mem_batch_inverter_t>(&rogue_mem_batch_inverter_new_v2),
              typeid(InverterV2)) {}
};

/** Shared pointer to a InverterV2. */
typedef std::shared_ptr<rogue::protocols::batcher::InverterV2> InverterV2Ptr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
