/** Iteration over the octets of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_ITERATOR_H
#define ROGUE_INTERFACES_STREAM_FRAME_ITERATOR_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"

#include <rogue_mem.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * A random access iterator over the octets of a frame, made by Frame::begin() and its like.
 *
 * A frame consists of buffers, and only the octets within one buffer are contiguous: ptr() and
 * remBuffer() give the contiguous run that starts here, toFrame() and fromFrame() copy across runs.
 * A step within a run is a step of a pointer; a step into another one asks the frame.
 *
 * An iterator that is moved past the end, or before the start, is at the end. The end is that of
 * the time when the iterator was made. Valid as long as the frame, and while it keeps its buffers.
 * For one thread at a time, under the frame's lock if other threads have the frame as well.
 */
class FrameIterator {
public:
    /** As for every random access iterator. */
    typedef std::random_access_iterator_tag iterator_category;
    /** An octet. */
    typedef uint8_t value_type;
    /** The distance between two octets. */
    typedef std::ptrdiff_t difference_type;
    /** Points to an octet. */
    typedef uint8_t *pointer;
    /** Refers to an octet. */
    typedef uint8_t &reference;

    /** An iterator without a frame, to be assigned to. */
    FrameIterator() = default;

    /**
     * Octet `position` of `end` ones of a frame: of its payload, or with `write` of its room. For
     * the library's own use.
     */
    FrameIterator(rogue_mem_frame_t *frame, bool write, uint32_t position, uint32_t end)
        : frame_(frame), write_(write), position_(position), end_(end) {
        seek();
    }

    /** The address of this octet; null at the end. */
    uint8_t *ptr() const { return position_ < end_ ? address() : nullptr; }

    /** Number of contiguous octets from here on, this one included; 0 at the end. */
    uint32_t remBuffer() const {
        return position_ < end_ ? static_cast<uint32_t>(runStop_ - position_) : 0;
    }

    /** The start of the next run, or the end: remBuffer() octets ahead. */
    FrameIterator endBuffer() const { return *this + static_cast<difference_type>(remBuffer()); }

    /** This octet. */
    reference operator*() const { return *address(); }

    /** The address of this octet. */
    pointer operator->() const { return address(); }

    /** The octet `add` ahead. */
    reference operator[](difference_type add) const { return *(*this + add); }

    /** One octet ahead. */
    FrameIterator &operator++() {
        if (++position_ >= runStop_)
            seek();
        return *this;
    }

    /** One octet ahead; returns the former position. */
    FrameIterator operator++(int) {
        FrameIterator old(*this);
        ++*this;
        return old;
    }

    /** One octet back. */
    FrameIterator &operator--() { return *this -= 1; }

    /** One octet back; returns the former position. */
    FrameIterator operator--(int) {
        FrameIterator old(*this);
        --*this;
        return old;
    }

    /** `add` octets ahead. */
    FrameIterator &operator+=(difference_type add) {
        position_ += add;
        if (position_ < runStart_ || position_ >= runStop_)
            seek();
        return *this;
    }

    /** `sub` octets back. */
    FrameIterator &operator-=(difference_type sub) { return *this += -sub; }

    /** `add` octets ahead. */
    friend FrameIterator operator+(FrameIterator it, difference_type add) { return it += add; }

    /** `add` octets ahead. */
    friend FrameIterator operator+(difference_type add, FrameIterator it) { return it += add; }

    /** `sub` octets back. */
    friend FrameIterator operator-(FrameIterator it, difference_type sub) { return it -= sub; }

    /** The distance between two iterators of one frame. */
    friend difference_type operator-(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ - b.position_;
    }

    /** Whether two iterators of one frame are at the same octet. */
    friend bool operator==(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ == b.position_;
    }

    /** The opposite of ==. */
    friend bool operator!=(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ != b.position_;
    }

    /** Order within one frame. */
    friend bool operator<(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ < b.position_;
    }

    /** Order within one frame. */
    friend bool operator>(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ > b.position_;
    }

    /** Order within one frame. */
    friend bool operator<=(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ <= b.position_;
    }

    /** Order within one frame. */
    friend bool operator>=(const FrameIterator &a, const FrameIterator &b) {
        return a.position_ >= b.position_;
    }

private:
    uint8_t *address() const { return run_ + (position_ - runStart_); }

    /** Finds the run of this position, from the present one on; the end needs none. */
    void seek() {
        if (position_ < 0 || position_ > end_)
            position_ = end_;
        if (position_ == end_)
            return;
        while (position_ < runStart_ && load(next_ - 2)) {
            runStop_ = runStart_;
            runStart_ -= length_;
        }
        while (position_ >= runStop_ && position_ < end_ && load(next_)) {
            runStart_ = runStop_;
            runStop_ = std::min(runStart_ + length_, end_);
        }
    }

    /**
     * Makes buffer `index` the present one, but for its position. False, at the end, if there is
     * none: the frame has lost buffers.
     */
    bool load(uint32_t index) {
        rogue_mem_frame_buffer_t buffer = rogue_mem_frame_buffer_t();
        buffer.size = sizeof(buffer);
        if (rogue_mem_frame_buffer(frame_, index, &buffer) != ROGUE_MEM_OK) {
            position_ = end_ = runStart_ = runStop_ = 0;
            return false;
        }
        next_ = index + 1;
        run_ = buffer.memory + buffer.header;
        length_ = write_ ? buffer.memory_bytes - buffer.header - buffer.tail : buffer.payload;
        return true;
    }

    rogue_mem_frame_t *frame_ = nullptr;
    bool write_ = false;
    // The run: the payload, or the room, of the buffer before number next_; up to the end.
    uint8_t *run_ = nullptr;
    difference_type runStart_ = 0;
    difference_type runStop_ = 0;
    difference_type length_ = 0;
    uint32_t next_ = 0;
    difference_type position_ = 0;
    difference_type end_ = 0;
};

/**
 * Copies `size` octets from `src` to the frame at `iter`, and moves `iter` past them. Throws
 * GeneralError, with nothing copied beyond the frame, if they do not fit.
 */
inline void toFrame(FrameIterator &iter, uint32_t size, const void *src) {
    const uint8_t *from = static_cast<const uint8_t *>(src);
    while (size > 0) {
        const uint32_t count = std::min(size, iter.remBuffer());
        if (count == 0) {
            throw rogue::GeneralError::create("stream::toFrame",
                                              "The frame ends %u bytes too early", size);
        }
        std::memcpy(iter.ptr(), from, count);
        iter += static_cast<std::ptrdiff_t>(count);
        from += count;
        size -= count;
    }
}

/**
 * Copies `size` octets from the frame at `iter` to `dst`, and moves `iter` past them. Throws
 * GeneralError, with nothing read beyond the frame, if there are fewer.
 */
inline void fromFrame(FrameIterator &iter, uint32_t size, void *dst) {
    uint8_t *to = static_cast<uint8_t *>(dst);
    while (size > 0) {
        const uint32_t count = std::min(size, iter.remBuffer());
        if (count == 0) {
            throw rogue::GeneralError::create("stream::fromFrame",
                                              "The frame ends %u bytes too early", size);
        }
        std::memcpy(to, iter.ptr(), count);
        iter += static_cast<std::ptrdiff_t>(count);
        to += count;
        size -= count;
    }
}

/**
 * Copies `size` octets from `src` in one frame to `dst` in another, and moves both past them.
 * Throws GeneralError, with nothing copied beyond either frame, if one of them is too short.
 */
inline void copyFrame(FrameIterator &src, uint32_t size, FrameIterator &dst) {
    while (size > 0) {
        const uint32_t count = std::min(size, std::min(src.remBuffer(), dst.remBuffer()));
        if (count == 0) {
            throw rogue::GeneralError::create("stream::copyFrame",
                                              "A frame ends %u bytes too early", size);
        }
        std::memcpy(dst.ptr(), src.ptr(), count);
        src += static_cast<std::ptrdiff_t>(count);
        dst += static_cast<std::ptrdiff_t>(count);
        size -= count;
    }
}

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
