/** A piece of streaming data. */
#ifndef ROGUE_INTERFACES_STREAM_FRAME_H
#define ROGUE_INTERFACES_STREAM_FRAME_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace rogue {
namespace interfaces {
namespace stream {

/**
 * Payload octets with flags, a channel number and an error code, on its way from a stream Master
 * to its slaves.
 *
 * A frame has room for getSize() octets, of which the first getPayload() are in use. All slaves of
 * a master get the same frame: hold lock() while looking at it or changing it. Several
 * objects of this class may stand for one frame; they are interchangeable.
 */
class Frame : public rogue::EnableSharedFromThis<rogue::interfaces::stream::Frame> {
public:
    /** Walks over the octets. */
    typedef FrameIterator iterator;

    /** An empty frame with room for `size` octets. */
    static std::shared_ptr<Frame> create(uint32_t size) {
        return std::make_shared<Frame>(rogue::detail::make<rogue_mem_frame_t>(
            [size](rogue_mem_frame_t **out) { return rogue_mem_frame_new(size, out); }));
    }

    /** Stands for a frame of the C library. For the library's own use. */
    explicit Frame(rogue::detail::Handle<rogue_mem_frame_t> native) : native_(std::move(native)) {}

    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;

    /** The data goes when the last object that stands for this frame goes. */
    ~Frame() override = default;

    /** Waits for the frame's lock and takes it; not twice in one thread. */
    std::shared_ptr<FrameLock> lock() { return std::make_shared<FrameLock>(native_.get()); }

    /** Octets the frame has room for. */
    uint32_t getSize() { return rogue_mem_frame_size(native_.get()); }

    /** Octets that could be added to the payload. */
    uint32_t getAvailable() { return rogue_mem_frame_available(native_.get()); }

    /** Octets in use. */
    uint32_t getPayload() { return rogue_mem_frame_payload(native_.get()); }

    /** Whether no octet is in use. */
    bool isEmpty() { return getPayload() == 0; }

    /** Sets the number of octets in use; GeneralError if there is no room for as many. */
    void setPayload(uint32_t payload) {
        rogue::detail::check(rogue_mem_frame_set_payload(native_.get(), payload));
    }

    /** Makes the number of octets in use at least `payload`; GeneralError as setPayload(). */
    void minPayload(uint32_t payload) {
        if (payload > getPayload())
            setPayload(payload);
    }

    /** Adds `change`, which may be negative, to the number of octets in use. */
    void adjustPayload(int32_t change) {
        const int64_t payload = static_cast<int64_t>(getPayload()) + change;
        if (payload < 0 || payload > UINT32_MAX) {
            throw rogue::GeneralError::create("Frame::adjustPayload",
                                              "Cannot change a payload of %u bytes by %i",
                                              getPayload(), change);
        }
        setPayload(static_cast<uint32_t>(payload));
    }

    /** Takes all octets into use. */
    void setPayloadFull() { setPayload(getSize()); }

    /** Takes all octets out of use. */
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

    /** The error code; 0 means a good frame. */
    uint8_t getError() { return rogue_mem_frame_error(native_.get()); }

    /** Sets the error code. */
    void setError(uint8_t error) { rogue_mem_frame_set_error(native_.get(), error); }

    /** The first octet. */
    FrameIterator begin() { return at(0); }

    /** Behind the last octet in use. */
    FrameIterator end() { return at(getPayload()); }

    /** The object of the C library behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_frame_t *nativeHandle() const { return native_.get(); }

private:
    FrameIterator at(uint32_t position) {
        return FrameIterator(rogue_mem_frame_data(native_.get()), getSize(), position);
    }

    rogue::detail::Handle<rogue_mem_frame_t> native_;
};

/** Shared pointer to a frame. */
typedef std::shared_ptr<rogue::interfaces::stream::Frame> FramePtr;

} // namespace stream
} // namespace interfaces
} // namespace rogue

#endif
