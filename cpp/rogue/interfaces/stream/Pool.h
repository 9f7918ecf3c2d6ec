/** The memory of frames. */
#ifndef ROGUE_INTERFACES_STREAM_POOL_H
#define ROGUE_INTERFACES_STREAM_POOL_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Frame.h"

#include <rogue_mem.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Creates frames, and recycles their memory. Every Slave is one.
 *
 * All member functions may be called from any thread. Frames may outlive their pool, except that
 * memory lent by createBuffer() keeps it alive.
 */
class Pool : public rogue::EnableSharedFromThis<rogue::interfaces::stream::Pool> {
public:
    /** A pool whose buffers are as large as requested, and which keeps none. */
    Pool()
        : Pool(rogue::detail::make<rogue_mem_stream_slave_t>([](rogue_mem_stream_slave_t **out) {
              return rogue_mem_stream_slave_new(nullptr, out);
          })) {}

    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    /** Frees the memory that is kept for reuse. */
    ~Pool() override = default;

    /** Octets of this pool's buffers that frames use now. */
    uint32_t getAllocBytes() {
        return clipped(rogue_mem_stream_slave_alloc_bytes(pool_.get()) + lentBytes_);
    }

    /** Number of this pool's buffers that frames use now. */
    uint32_t getAllocCount() {
        return clipped(rogue_mem_stream_slave_alloc_count(pool_.get()) + lentCount_);
    }

    /**
     * A frame with room for `size` octets and no payload. `zeroCopyEn` allows memory that the pool
     * can pass on without a copy, if it has any.
     */
    virtual std::shared_ptr<Frame> acceptReq(uint32_t size, bool zeroCopyEn) {
        return std::make_shared<Frame>(
            rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
                return rogue_mem_stream_slave_req_frame(pool_.get(), size, zeroCopyEn, out);
            }));
    }

    /**
     * Gets memory back that createBuffer() or Buffer::create() has lent, when its buffer is gone;
     * called on any thread, and must not throw. This base version only counts: the memory is still
     * the program's. Memory of the library itself comes back without this call.
     */
    virtual void retBuffer(uint8_t *data, uint32_t meta, uint32_t size) {
        (void)data;
        (void)meta;
        decCounter(size);
    }

    /** Sets the size of buffers: a frame has as many as its room takes. 0: as requested. */
    void setFixedSize(uint32_t size) { rogue_mem_stream_slave_set_fixed_size(pool_.get(), size); }

    /** The size of buffers; 0 = as requested. */
    uint32_t getFixedSize() { return rogue_mem_stream_slave_fixed_size(pool_.get()); }

    /**
     * Sets how many buffers of the fixed size are kept for reuse; none by default. Octets of a
     * frame that were never written may then be those of an earlier frame.
     */
    void setPoolSize(uint32_t size) { rogue_mem_stream_slave_set_pool_size(pool_.get(), size); }

    /** How many buffers of the fixed size are kept for reuse. */
    uint32_t getPoolSize() { return rogue_mem_stream_slave_pool_size(pool_.get()); }

protected:
    /** Uses the pool of a slave of the C library. For the library's own classes. */
    explicit Pool(rogue::detail::Handle<rogue_mem_stream_slave_t> native)
        : pool_(std::move(native)) {}

    /** A frame from the pool itself, whatever acceptReq() does. */
    std::shared_ptr<Frame> reqPoolFrame(uint32_t size) {
        return std::make_shared<Frame>(
            rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
                return rogue_mem_stream_slave_req_local_frame(pool_.get(), size, out);
            }));
    }

    /** A buffer of at most `size` octets; adds its size to `*total` unless that is null. */
    BufferPtr allocBuffer(uint32_t size, uint32_t *total) {
        const uint32_t fixed = getFixedSize();
        const std::shared_ptr<Frame> frame =
            reqPoolFrame(fixed == 0 ? size : std::min(size, fixed));
        if (frame->bufferCount() == 0) {
            throw rogue::GeneralError::create("Pool::allocBuffer",
                                              "Failed to allocate buffer with size = %u", size);
        }
        const BufferPtr buffer = *frame->beginBuffer();
        if (total != nullptr)
            *total += buffer->getSize();
        return buffer;
    }

    /**
     * A buffer over `size` octets at `data`, memory of the program's; counted with `alloc` octets
     * until decCounter(). retBuffer(data, meta, alloc) gets it back. This pool must have an owner.
     */
    BufferPtr createBuffer(void *data, uint32_t meta, uint32_t size, uint32_t alloc) {
        const BufferPtr buffer = Buffer::create(
            this->rogue::EnableSharedFromThis<Pool>::shared_from_this(), data, meta, size, alloc);
        lentBytes_ += alloc;
        ++lentCount_;
        return buffer;
    }

    /** Counts a buffer of createBuffer() as returned. For classes that override retBuffer(). */
    void decCounter(uint32_t alloc) {
        lentBytes_ -= alloc;
        --lentCount_;
    }

    /** The C library's slave whose pool this is. Borrowed. For the library's own classes. */
    rogue_mem_stream_slave_t *nativePool() const { return pool_.get(); }

private:
    static uint32_t clipped(uint64_t count) {
        return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
    }

    rogue::detail::Handle<rogue_mem_stream_slave_t> pool_;
    // Memory of the program's; the C library counts its own.
    std::atomic<uint64_t> lentBytes_{0};
    std::atomic<uint64_t> lentCount_{0};
};

/** Shared pointer to a pool. */
typedef std::shared_ptr<rogue::interfaces::stream::Pool> PoolPtr;

namespace detail {

inline void giveBack(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    const std::unique_ptr<std::shared_ptr<LentMemory>> owner(
        static_cast<std::shared_ptr<LentMemory> *>(ctx));
    LentMemory &lent = **owner;
    // Views of the buffer may live on, and must not keep the pool.
    const std::shared_ptr<Pool> pool = std::move(lent.pool);
    if (pool)
        pool->retBuffer(lent.data, lent.meta, lent.alloc);
}

} // namespace detail

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
