/** Walks over the octets of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_ITERATOR_H
#define ROGUE_INTERFACES_STREAM_FRAME_ITERATOR_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * A random access iterator over the octets of a frame, made by Frame::begin() and Frame::end().
 *
 * A frame is made of buffers, and only the octets within one of them lie side by side: ptr() and
 * remBuffer() give the run that starts here, toFrame() and fromFrame() copy across runs. Valid as
 * long as the frame; to be used by one thread at a time, under the frame's lock if others
 * have the frame as well.
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

    /** An iterator that belongs to no frame, to be assigned to. */
    FrameIterator() = default;

    /** Octet `position` of a frame with one buffer of `size` octets. For the library's use. */
    FrameIterator(uint8_t *buffer, std::size_t size, std::size_t position)
        : buffer_(buffer), size_(static_cast<difference_type>(size)),
          position_(static_cast<difference_type>(position)) {}

    /** The address of this octet. */
    uint8_t *ptr() const { return buffer_ + position_; }

    /** How many octets, this one included, lie side by side from here on. */
    uint32_t remBuffer() const {
        return position_ < size_ ? static_cast<uint32_t>(size_ - position_) : 0;
    }

    /** The end of this run: remBuffer() octets further. */
    FrameIterator endBuffer() const { return *this + static_cast<difference_type>(remBuffer()); }

    /** This octet. */
    reference operator*() const { return buffer_[position_]; }

    /** The address of this octet. */
    pointer operator->() const { return ptr(); }

    /** The octet `add` further. */
    reference operator[](difference_type add) const { return buffer_[position_ + add]; }

    /** One octet further. */
    FrameIterator &operator++() {
        ++position_;
        return *this;
    }

    /** One octet further; the value is where it was. */
    FrameIterator operator++(int) {
        FrameIterator old(*this);
        ++position_;
        return old;
    }

    /** One octet back. */
    FrameIterator &operator--() {
        --position_;
        return *this;
    }

    /** One octet back; the value is where it was. */
    FrameIterator operator--(int) {
        FrameIterator old(*this);
        --position_;
        return old;
    }

    /** `add` octets further. */
    FrameIterator &operator+=(difference_type add) {
        position_ += add;
        return *this;
    }

    /** `sub` octets back. */
    FrameIterator &operator-=(difference_type sub) {
        position_ -= sub;
        return *this;
    }

    /** `add` octets further. */
    friend FrameIterator operator+(FrameIterator it, difference_type add) { return it += add; }

    /** `add` octets further. */
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
    uint8_t *buffer_ = nullptr;
    difference_type size_ = 0;
    difference_type position_ = 0;
};

/**
 * Copies `size` octets from `src` to the frame at `iter`, and moves `iter` behind them. Throws
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
 * Copies `size` octets from the frame at `iter` to `dst`, and moves `iter` behind them. Throws
 * GeneralError, with nothing read beyond the frame, if there are not as many.
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
 * Copies `size` octets from `src` in one frame to `dst` in another, and moves both behind them.
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
