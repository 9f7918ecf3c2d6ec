/** What the splitters and the inverters of both versions of super-frames do. */
#ifndef ROGUE_DETAIL_BATCH_NODES_H
#define ROGUE_DETAIL_BATCH_NODES_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamNode.h"

#include <rogue_mem.h>

#include <typeinfo>
#include <utility>

namespace rogue {
namespace detail {

/** Cuts super-frames into frames. */
class BatchSplitter : public StreamNode<rogue_mem_batch_splitter_t> {
public:
    /** Its counters. */
    typedef BatchSplitterStats Stats;

    /** The counters. */
    Stats getStats() {
        Stats stats;
        check(rogue_mem_batch_splitter_stats(native(), &stats));
        return stats;
    }

protected:
    /** `type` is the class of the splitter. */
    BatchSplitter(Handle<rogue_mem_batch_splitter_t> native, const std::type_info &type)
        : StreamNode(std::move(native), &rogue_mem_batch_splitter_stream_port, type) {}
};

/** Turns the tails of super-frames into headers. */
class BatchInverter : public StreamNode<rogue_mem_batch_inverter_t> {
public:
    /** Its counters. */
    typedef BatchInverterStats Stats;

    /** The counters. */
    Stats getStats() {
        Stats stats;
        check(rogue_mem_batch_inverter_stats(native(), &stats));
        return stats;
    }

protected:
    /** `type` is the class of the inverter. */
    BatchInverter(Handle<rogue_mem_batch_inverter_t> native, const std::type_info &type)
        : StreamNode(std::move(native), &rogue_mem_batch_inverter_stream_port, type) {}
};

} // namespace detail
} // namespace rogue

#endif
