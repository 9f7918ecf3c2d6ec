/** What the combiners of both versions of super-frames do. */
#ifndef ROGUE_DETAIL_BATCH_COMBINER_H
#define ROGUE_DETAIL_BATCH_COMBINER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamNode.h"

#include <rogue_mem.h>

#include <cstdint>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace detail {

/** Queues frames, and sends them as one. */
class BatchCombiner : public StreamNode<rogue_mem_batch_combiner_t> {
public:
    /** Its counters. */
    typedef BatchCombinerStats Stats;

    /**
     * Sends all queued frames as one super-frame, in this thread; nothing if there are none. Throws
     * GeneralError if the first slave gives no frame for it; the queued frames are lost then.
     */
    void sendBatch() {
        announceRelease();
        const rogue_mem_status_t status = rogue_mem_batch_combiner_send(native());
        announceAcquire();
        check(status);
    }

    /** Number of queued frames. */
    uint32_t getCount() { return static_cast<uint32_t>(rogue_mem_batch_combiner_count(native())); }

    /** The counters. */
    Stats getStats() {
        Stats stats;
        check(rogue_mem_batch_combiner_stats(native(), &stats));
        return stats;
    }

protected:
    /** `type` is the class of the combiner. */
    BatchCombiner(Handle<rogue_mem_batch_combiner_t> native, const std::type_info &type)
        : StreamNode(std::move(native), &rogue_mem_batch_combiner_stream_port, type) {}
};

} // namespace detail
} // namespace rogue

#endif
