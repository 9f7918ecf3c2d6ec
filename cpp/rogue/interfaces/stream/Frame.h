/** The data unit of a stream. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_H
#define ROGUE_INTERFACES_STREAM_FRAME_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Buffer.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"

#include <rogue_mem.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Payload octets with flags, a channel number and an error code, on its way from a stream Master
 * to its slaves.
 *
 * A frame has room for getSize() octets, of which the first getPayload() are in use. All slaves of
 * a master get the same frame: hold lock() to read or change it. Several objects of this class may
 * represent one frame; they are interchangeable.
 */
class Frame : public rogue::EnableSharedFromThis<rogue::interfaces::stream::Frame> {
public:
    /** Walks over the octets. */
    typedef FrameIterator iterator;

    /** Walks over the buffers. Invalid once buffers are added or removed. */
    typedef std::vector<BufferPtr>::iterator BufferIterator;

    /** A frame without buffers. */
    static std::shared_ptr<Frame> create() { return std::make_shared<Frame>(); }

    /** An empty frame with room for `size` octets. */
    static std::shared_ptr<Frame> create(uint32_t size) {
        return std::make_shared<Frame>(rogue::detail::make<rogue_mem_frame_t>(
            [size](rogue_mem_frame_t **out) { return rogue_mem_frame_new(size, out); }));
    }

    /** As create(). */
    Frame()
        : Frame(rogue::detail::make<rogue_mem_frame_t>(
              [](rogue_mem_frame_t **out) { return rogue_mem_frame_new(0, out); })) {}

    /** Represents a frame of the C library. For the library's own use. */
    explicit Frame(rogue::detail::Handle<rogue_mem_frame_t> native) : native_(std::move(native)) {}

    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;

    /** The last object that represents the frame frees its data. */
    ~Frame() override = default;

    /** Waits for the frame's lock and takes it. Recursive: its holder may take it again. */
    std::shared_ptr<FrameLock> lock() { return std::make_shared<FrameLock>(native_.get()); }

    /**
     * Moves the buffers of `frame` to the end of this one, without a copy; `frame` is empty then,
     * and keeps its flags, channel and error. Returns the first of them.
     */
    BufferIterator appendFrame(const std::shared_ptr<Frame> &frame) {
        refresh();
        frame->refresh();
        rogue::detail::check(rogue_mem_frame_append(native_.get(), frame->native_.get()));
        const std::size_t first = buffers_.size();
        for (const BufferPtr &buffer : frame->buffers_)
            adopt(buffer);
        frame->buffers_.clear();
        return buffers_.begin() + static_cast<std::ptrdiff_t>(first);
    }

    /**
     * Moves a buffer to the end of this frame, without a copy, and returns its position. Throws
     * GeneralError if it is one of several buffers of another frame.
     */
    BufferIterator appendBuffer(const BufferPtr &buffer) {
        if (rogue_mem_frame_buffer_count(buffer->frame_.get()) != 1) {
            throw rogue::GeneralError::create("Frame::appendBuffer",
                                              "The buffer belongs to a frame of %u buffers",
                                              rogue_mem_frame_buffer_count(buffer->frame_.get()));
        }
        refresh();
        rogue::detail::check(rogue_mem_frame_append(native_.get(), buffer->frame_.get()));
        adopt(buffer);
        return buffers_.end() - 1;
    }

    /** The first buffer. */
    BufferIterator beginBuffer() {
        refresh();
        return buffers_.begin();
    }

    /** The position after the last buffer. */
    BufferIterator endBuffer() {
        refresh();
        return buffers_.end();
    }

    /** Number of buffers. */
    uint32_t bufferCount() { return rogue_mem_frame_buffer_count(native_.get()); }

    /** Whether there are no buffers, and with that no room. */
    bool isEmpty() { return bufferCount() == 0; }

    /** Drops the buffers. Flags, channel and error stay. */
    void clear() {
        rogue_mem_frame_clear(native_.get());
        buffers_.clear();
    }

    /** Maximum octets of payload. */
    uint32_t getSize() { return rogue_mem_frame_size(native_.get()); }

    /** Octets by which the payload can grow. */
    uint32_t getAvailable() { return rogue_mem_frame_available(native_.get()); }

    /** Octets of payload. */
    uint32_t getPayload() { return rogue_mem_frame_payload(native_.get()); }

    /** Sets the payload to this many octets; GeneralError if there is no room for as many. */
    void setPayload(uint32_t payload) {
        rogue::detail::check(rogue_mem_frame_set_payload(native_.get(), payload));
    }

    /** Grows the payload to at least `payload` octets; GeneralError as setPayload(). */
    void minPayload(uint32_t payload) {
        if (payload > getPayload())
            setPayload(payload);
    }

    /** Adds `change` octets, which may be negative, to the payload. */
    void adjustPayload(int32_t change) {
        const uint32_t payload = getPayload();
        const int64_t changed = static_cast<int64_t>(payload) + change;
        if (changed < 0) {
            throw rogue::GeneralError::create("Frame::adjustPayload",
                                              "Attempt to reduce payload by %i in frame with size "
                                              "%u",
                                              change, payload);
        }
        setPayload(static_cast<uint32_t>(std::min<int64_t>(changed, UINT32_MAX)));
    }

    /** Sets the payload to its maximum. */
    void setPayloadFull() { setPayload(getSize()); }

    /** Empties the payload. */
    void setPayloadEmpty() { setPayload(0); }

    /** The flags: "first user" in bits 7:0, "last user" in bits 15:8. */
    uint16_t getFlags() { return rogue_mem_frame_flags(native_.get()); }

    /** Replaces the flags. */
    void setFlags(uint16_t flags) { rogue_mem_frame_set_flags(native_.get(), flags); }

    /** The user bits of the frame's first word; 0x02 marks the start of a frame. */
    uint8_t getFirstUser() { return rogue_mem_frame_first_user(native_.get()); }

    /** Replaces the first user bits; the last user bits stay. */
    void setFirstUser(uint8_t fuser) { rogue_mem_frame_set_first_user(native_.get(), fuser); }

    /** The user bits of the frame's last word; 0x01 marks a frame that ended in an error. */
    uint8_t getLastUser() { return rogue_mem_frame_last_user(native_.get()); }

    /** Replaces the last user bits; the first user bits stay. */
    void setLastUser(uint8_t luser) { rogue_mem_frame_set_last_user(native_.get(), luser); }

    /** The channel number. */
    uint8_t getChannel() { return rogue_mem_frame_channel(native_.get()); }

    /** Sets the channel number. */
    void setChannel(uint8_t channel) { rogue_mem_frame_set_channel(native_.get(), channel); }

    /** The error code; 0 = a good frame. */
    uint8_t getError() { return rogue_mem_frame_error(native_.get()); }

    /** Sets the error code. */
    void setError(uint8_t error) { rogue_mem_frame_set_error(native_.get(), error); }

    /** The first octet of the payload. */
    FrameIterator begin() { return beginRead(); }

    /** The position after the last octet of payload. */
    FrameIterator end() { return endRead(); }

    /** As begin(). */
    FrameIterator beginRead() { return FrameIterator(native_.get(), false, 0, getPayload()); }

    /** As end(). */
    FrameIterator endRead() {
        const uint32_t payload = getPayload();
        return FrameIterator(native_.get(), false, payload, payload);
    }

    /** The first octet of the room for a payload, whatever the payload is. */
    FrameIterator beginWrite() { return FrameIterator(native_.get(), true, 0, getSize()); }

    /** The position after the last octet of that room. */
    FrameIterator endWrite() {
        const uint32_t size = getSize();
        return FrameIterator(native_.get(), true, size, size);
    }

    /** Prints the frame's layout to standard output. */
    void debug() {
        std::printf("Frame Info. BufferCount: %u, Size: %u, Available: %u, Payload: %u, "
                    "Channel: %u, Error: 0x%x, Flags: 0x%x\n",
                    bufferCount(), getSize(), getAvailable(), getPayload(), getChannel(),
                    getError(), getFlags());
        refresh();
        for (const BufferPtr &buffer : buffers_)
            buffer->debug(buffer->index_);
    }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_frame_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_frame_t> share() const {
        return rogue::detail::Handle<rogue_mem_frame_t>::share(native_.get());
    }

    /** Makes buffers_ represent the present buffers. */
    void refresh() {
        const std::size_t count = bufferCount();
        if (buffers_.size() > count)
            buffers_.resize(count);
        while (buffers_.size() < count) {
            const uint32_t index = static_cast<uint32_t>(buffers_.size());
            buffers_.push_back(std::make_shared<Buffer>(share(), index));
        }
    }

    /** Makes an object for a buffer represent the one that has just been appended here. */
    void adopt(const BufferPtr &buffer) {
        buffer->frame_ = share();
        buffer->index_ = static_cast<uint32_t>(buffers_.size());
        buffers_.push_back(buffer);
    }

    rogue::detail::Handle<rogue_mem_frame_t> native_;
    std::vector<BufferPtr> buffers_; // as far as the program has asked for them
};

/** Shared pointer to a frame. */
typedef std::shared_ptr<rogue::interfaces::stream::Frame> FramePtr;

inline FrameLock::FrameLock(const std::shared_ptr<Frame> &frame)
    : FrameLock(frame->nativeHandle()) {}

namespace detail {

/** Replaces `frame` by one of a single buffer from `request` unless it has one; see Master. */
template <typename Request>
bool ensureSingleBuffer(FramePtr &frame, bool reqEn, Request request) {
    if (frame->bufferCount() == 1)
        return true;
    if (!reqEn)
        return false;
    const uint32_t payload = frame->getPayload();
    const FramePtr single = request(payload);
    if (single->bufferCount() != 1)
        return false;
    single->setPayload(payload);
    FrameIterator from = frame->begin(), to = single->begin();
    copyFrame(from, payload, to);
    single->setFlags(frame->getFlags());
    single->setChannel(frame->getChannel());
    single->setError(frame->getError());
    frame = single;
    return true;
}

} // namespace detail

} // namespace stream
} // namespace interfaces
} // namespace rogue

// The memory of frames is defined there.
#include "rogue/interfaces/stream/Pool.h"

#endif
