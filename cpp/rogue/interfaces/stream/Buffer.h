/** A contiguous piece of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_BUFFER_H
#define ROGUE_INTERFACES_STREAM_BUFFER_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

class Frame;
class Pool;

/** The program's memory in frames. Not for use by programs. */
namespace detail {

/** Memory that a frame uses and a pool gets back. */
struct LentMemory {
    LentMemory(std::shared_ptr<Pool> source, void *memory, uint32_t word, uint32_t size)
        : pool(std::move(source)), data(static_cast<uint8_t *>(memory)), meta(word), alloc(size) {}

    std::shared_ptr<Pool> pool;
    uint8_t *data;
    std::atomic<uint32_t> meta;
    uint32_t alloc;
};

/** Called by the C library when the frame has no use for the memory any more. */
inline void giveBack(void *ctx);

} // namespace detail

/**
 * One of the buffers of a frame: header reservation, payload, room, tail reservation.
 *
 * The reservations give lower protocol layers room to put their octets around the payload without
 * a copy. An object of this class represents buffer number n of a frame: once the frame has been
 * cleared its member functions throw GeneralError. Hold the frame's lock where other threads have
 * the frame too.
 */
class Buffer {
public:
    /** Walks over the octets. */
    typedef uint8_t *iterator;

    /** As the constructor. */
    static std::shared_ptr<Buffer> create(std::shared_ptr<Pool> source, void *data, uint32_t meta,
                                          uint32_t size, uint32_t alloc) {
        return std::make_shared<Buffer>(std::move(source), data, meta, size, alloc);
    }

    /**
     * A buffer over `size` octets at `data`. When it is gone, `source`, which it keeps alive, gets
     * the memory back: Pool::retBuffer(data, meta, alloc), on any thread. Until it is appended to
     * a frame it is a frame of its own.
     */
    Buffer(std::shared_ptr<Pool> source, void *data, uint32_t meta, uint32_t size, uint32_t alloc) {
        std::unique_ptr<std::shared_ptr<detail::LentMemory>> owner(
            new std::shared_ptr<detail::LentMemory>(
                std::make_shared<detail::LentMemory>(std::move(source), data, meta, alloc)));
        lent_ = *owner;
        frame_ = rogue::detail::make<rogue_mem_frame_t>([&](rogue_mem_frame_t **out) {
            rogue_mem_frame_memory_t memory = rogue_mem_frame_memory_t();
            memory.size = sizeof(memory);
            memory.ctx = owner.get();
            memory.drop = &detail::giveBack;
            memory.memory = static_cast<uint8_t *>(data);
            memory.memory_bytes = size;
            return rogue_mem_frame_wrap(&memory, out);
        });
        owner.release(); // from here on the frame's
    }

    /** Buffer `index` of a frame of the C library. For the library's own use. */
    Buffer(rogue::detail::Handle<rogue_mem_frame_t> frame, uint32_t index)
        : frame_(std::move(frame)), index_(index) {
        const rogue_mem_frame_buffer_t layout = this->layout();
        if (layout.drop == &detail::giveBack) {
            lent_ = *static_cast<std::shared_ptr<detail::LentMemory> *>(layout.ctx);
        }
    }

    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;

    ~Buffer() = default;

    /** Nothing: a frame always knows its size. Kept for existing programs. */
    void setFrame(std::shared_ptr<Frame> frame) { (void)frame; }

    /** The word that the memory was lent with, or setMeta() has set; 0 for the library's memory. */
    uint32_t getMeta() { return lent_ ? lent_->meta.load() : meta_; }

    /** Sets that word. For memory of the library it is kept by this object only. */
    void setMeta(uint32_t meta) {
        meta_ = meta;
        if (lent_)
            lent_->meta = meta;
    }

    /**
     * Reserves `value` more octets at the start, or releases some if it is negative. The octets
     * stay: those that are reserved leave the payload, those that are released join it. Throws
     * GeneralError if there is no room, or fewer are reserved.
     */
    void adjustHeader(int32_t value) {
        rogue_mem_frame_buffer_t now = layout();
        if (value < 0 && -static_cast<int64_t>(value) > now.header) {
            throw rogue::GeneralError::create("Buffer::adjustHeader",
                                              "Attempt to reduce header with size %u by %i",
                                              now.header, value);
        }
        if (value > 0 && static_cast<uint32_t>(value) > usable(now)) {
            throw rogue::GeneralError::create("Buffer::adjustHeader",
                                              "Attempt to increase header by %i in buffer with "
                                              "size %u",
                                              value, usable(now));
        }
        const uint32_t end = now.header + now.payload;
        now.header = static_cast<uint32_t>(static_cast<int64_t>(now.header) + value);
        now.payload = std::max(end, now.header) - now.header;
        set(now);
    }

    /** Releases all that is reserved at the start; it joins the payload. */
    void zeroHeader() { adjustHeader(-static_cast<int32_t>(layout().header)); }

    /**
     * Reserves `value` more octets at the end, or releases some if it is negative. Reserved octets
     * leave the payload. Throws GeneralError if there is no room, or fewer are reserved.
     */
    void adjustTail(int32_t value) {
        rogue_mem_frame_buffer_t now = layout();
        if (value < 0 && -static_cast<int64_t>(value) > now.tail) {
            throw rogue::GeneralError::create(
                "Buffer::adjustTail", "Attempt to reduce tail with size %u by %i", now.tail, value);
        }
        if (value > 0 && static_cast<uint32_t>(value) > usable(now)) {
            throw rogue::GeneralError::create("Buffer::adjustTail",
                                              "Attempt to increase tail by %i in buffer with "
                                              "size %u",
                                              value, usable(now));
        }
        now.tail = static_cast<uint32_t>(static_cast<int64_t>(now.tail) + value);
        now.payload = std::min(now.payload, usable(now));
        set(now);
    }

    /** Releases all that is reserved at the end. */
    void zeroTail() { adjustTail(-static_cast<int32_t>(layout().tail)); }

    /** The first octet after the header. */
    uint8_t *begin() {
        const rogue_mem_frame_buffer_t now = layout();
        return now.memory + now.header;
    }

    /** The position after the last octet that the payload can have. */
    uint8_t *end() {
        const rogue_mem_frame_buffer_t now = layout();
        return now.memory + (now.memory_bytes - now.tail);
    }

    /** The position after the last octet of payload. */
    uint8_t *endPayload() {
        const rogue_mem_frame_buffer_t now = layout();
        return now.memory + (now.header + now.payload);
    }

    /** Maximum octets of payload. */
    uint32_t getSize() { return usable(layout()); }

    /** Octets by which the payload can grow. */
    uint32_t getAvailable() {
        const rogue_mem_frame_buffer_t now = layout();
        return usable(now) - now.payload;
    }

    /** Octets of payload. */
    uint32_t getPayload() { return layout().payload; }

    /** Sets the payload to this many octets; GeneralError if there is no room for as many. */
    void setPayload(uint32_t size) {
        rogue_mem_frame_buffer_t now = layout();
        if (size > usable(now)) {
            throw rogue::GeneralError::create("Buffer::setPayload",
                                              "Attempt to set payload to size %u in buffer with "
                                              "size %u",
                                              size, usable(now));
        }
        now.payload = size;
        set(now);
    }

    /** Grows the payload to at least `size` octets; GeneralError as setPayload(). */
    void minPayload(uint32_t size) {
        if (size > getPayload())
            setPayload(size);
    }

    /** Adds `value` octets, which may be negative, to the payload. */
    void adjustPayload(int32_t value) {
        const uint32_t payload = getPayload();
        const int64_t changed = static_cast<int64_t>(payload) + value;
        if (changed < 0) {
            throw rogue::GeneralError::create("Buffer::adjustPayload",
                                              "Attempt to decrease payload by %i in buffer with "
                                              "size %u",
                                              value, payload);
        }
        setPayload(static_cast<uint32_t>(std::min<int64_t>(changed, UINT32_MAX)));
    }

    /** Sets the payload to its maximum. */
    void setPayloadFull() { setPayload(getSize()); }

    /** Empties the payload. */
    void setPayloadEmpty() { setPayload(0); }

    /** Prints the layout to standard output, as number `idx` of its frame. */
    void debug(uint32_t idx) {
        const rogue_mem_frame_buffer_t now = layout();
        std::printf("    Buffer: %u, AllocSize: %u, RawSize: %u, HeadRoom: %u, TailRoom: %u, "
                    "Payload: %u\n",
                    idx, lent_ ? lent_->alloc : now.memory_bytes, now.memory_bytes, now.header,
                    now.tail, now.header + now.payload);
    }

private:
    friend class Frame;

    rogue_mem_frame_buffer_t layout() {
        rogue_mem_frame_buffer_t found = rogue_mem_frame_buffer_t();
        found.size = sizeof(found);
        rogue::detail::check(rogue_mem_frame_buffer(frame_.get(), index_, &found));
        return found;
    }

    void set(const rogue_mem_frame_buffer_t &to) {
        rogue::detail::check(
            rogue_mem_frame_set_buffer(frame_.get(), index_, to.header, to.tail, to.payload));
    }

    static uint32_t usable(const rogue_mem_frame_buffer_t &of) {
        return of.memory_bytes - of.header - of.tail;
    }

    rogue::detail::Handle<rogue_mem_frame_t> frame_;
    uint32_t index_ = 0;
    uint32_t meta_ = 0;
    std::shared_ptr<detail::LentMemory> lent_;
};

/** Shared pointer to a buffer. */
typedef std::shared_ptr<rogue::interfaces::stream::Buffer> BufferPtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

// The pool that gets memory back is defined at the end of that.
#include "rogue/interfaces/stream/Frame.h"

#endif
