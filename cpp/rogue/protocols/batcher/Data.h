/** A record of a super-frame. */
#ifndef ROGUE_PROTOCOLS_BATCHER_DATA_H
#define ROGUE_PROTOCOLS_BATCHER_DATA_H

#include "rogue/Directives.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameIterator.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace rogue {
namespace protocols {
namespace batcher {

/** The data of a record, in place, with what its tail says. CoreV1 and CoreV2 make it. */
class Data {
public:
    /** As the constructor. */
    static std::shared_ptr<Data> create(rogue::interfaces::stream::FrameIterator it, uint32_t size,
                                        uint8_t dest, uint8_t fUser, uint8_t lUser) {
        return std::make_shared<Data>(it, size, dest, fUser, lUser);
    }

    /** `size` octets from `it` on. `frame` is kept for as long as this object, if it is given. */
    Data(rogue::interfaces::stream::FrameIterator it, uint32_t size, uint8_t dest, uint8_t fUser,
         uint8_t lUser, rogue::interfaces::stream::FramePtr frame = nullptr)
        : frame_(std::move(frame)), begin_(it), size_(size), dest_(dest), fUser_(fUser),
          lUser_(lUser) {}

    /** The first octet. */
    rogue::interfaces::stream::FrameIterator begin() const { return begin_; }

    /** The position after the last octet. */
    rogue::interfaces::stream::FrameIterator end() const {
        return begin_ + static_cast<std::ptrdiff_t>(size_);
    }

    /** Octets of data, without padding. */
    uint32_t size() const { return size_; }

    /** The destination. */
    uint8_t dest() const { return dest_; }

    /** The first user byte. */
    uint8_t fUser() const { return fUser_; }

    /** The last user byte. */
    uint8_t lUser() const { return lUser_; }

private:
    rogue::interfaces::stream::FramePtr frame_;
    rogue::interfaces::stream::FrameIterator begin_;
    uint32_t size_;
    uint8_t dest_;
    uint8_t fUser_;
    uint8_t lUser_;
};

/** Shared pointer to a Data. */
typedef std::shared_ptr<rogue::protocols::batcher::Data> DataPtr;

} // namespace batcher
} // namespace protocols
} // namespace rogue

#endif
