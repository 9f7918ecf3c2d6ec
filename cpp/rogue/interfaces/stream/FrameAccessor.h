/** Typed access to a part of a frame. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_ACCESSOR_H
#define ROGUE_INTERFACES_STREAM_FRAME_ACCESSOR_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/interfaces/stream/FrameIterator.h"

#include <cstdint>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * An array of `T` in the memory of a frame, in the byte order of this machine and without a copy.
 *
 * It lies within one buffer. The frame must outlive it, and its octets must be aligned for `T` on
 * machines that demand that.
 */
template <typename T>
class FrameAccessor {
public:
    /**
     * The `size` elements from `iter` on, which is not moved. Throws GeneralError if they do not
     * lie within the iterator's buffer.
     */
    FrameAccessor(FrameIterator &iter, uint32_t size)
        : data_(reinterpret_cast<T *>(iter.ptr())), size_(size) {
        if (static_cast<uint64_t>(size) * sizeof(T) > iter.remBuffer()) {
            throw rogue::GeneralError::create(
                "FrameAccessor",
                "Attempt to create a FrameAccessor over a multi-buffer range! (%u elements of %u "
                "bytes, %u bytes left in the buffer)",
                size, static_cast<unsigned>(sizeof(T)), iter.remBuffer());
        }
    }

    /** Element `offset`, which is not checked. */
    T &operator[](uint32_t offset) { return data_[offset]; }

    /** Element `offset`; GeneralError if there is none. */
    T &at(uint32_t offset) {
        if (offset >= size_) {
            throw rogue::GeneralError::create(
                "FrameAccessor", "Attempt to access element %u with size %u", offset, size_);
        }
        return data_[offset];
    }

    /** The first element. */
    T *begin() { return data_; }

    /** The position after the last element. */
    T *end() { return data_ + size_; }

private:
    T *data_;
    uint32_t size_;
};

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
