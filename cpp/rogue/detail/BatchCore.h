/** The reader of super-frames, of either version. */
#ifndef ROGUE_DETAIL_BATCH_CORE_H
#define ROGUE_DETAIL_BATCH_CORE_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/protocols/batcher/Data.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rogue {
namespace detail {

/**
 * Finds the records of a super-frame, which stay where they are: hold the frame's lock while they
 * are used, if others have the frame too. For one thread at a time.
 */
class BatchCore {
public:
    BatchCore(const BatchCore &) = delete;
    BatchCore &operator=(const BatchCore &) = delete;

    /**
     * Reads a super-frame, and keeps it until the next one or reset(). False, with a line in the log,
     * if it has an error or is no whole super-frame; there are no records then.
     */
    bool processFrame(rogue::interfaces::stream::FramePtr frame) {
        reset();
        if (!frame)
            throw rogue::GeneralError(name("processFrame"), "The frame is null");
        if (frame->getError() != 0) {
            log_.warning("Dropping frame due to error: 0x%x", frame->getError());
            return false;
        }
        rogue_mem_batch_t *batch = nullptr;
        const rogue_mem_status_t status =
            rogue_mem_batch_new(frame->nativeHandle(), version_, &batch);
        if (status == ROGUE_MEM_ERROR_FRAME) {
            log_.error("%s", failureText(status).c_str());
            return false;
        }
        check(status);
        take(frame, Handle<rogue_mem_batch_t>(batch));
        return true;
    }

    /** Makes room for this many records, so that none has to be made later. */
    void initSize(uint32_t size) {
        records_.reserve(size);
        tails_.reserve(size);
    }

    /** Number of records. */
    uint32_t count() { return static_cast<uint32_t>(records_.size()); }

    /** Octets of the header. */
    uint32_t headerSize() { return headerSize_; }

    /** Octets of each tail. */
    uint32_t tailSize() { return tailSize_; }

    /** The number of the super-frame. */
    uint32_t sequence() { return sequence_; }

    /** The first octet of the header. */
    rogue::interfaces::stream::FrameIterator beginHeader() { return at("beginHeader", 0); }

    /** The position after the header. */
    rogue::interfaces::stream::FrameIterator endHeader() { return at("endHeader", headerSize_); }

    /** The first octet of the tail of record `index`. */
    rogue::interfaces::stream::FrameIterator beginTail(uint32_t index) {
        return at("beginTail", tail("beginTail", index));
    }

    /** The position after the tail of record `index`. */
    rogue::interfaces::stream::FrameIterator endTail(uint32_t index) {
        return at("endTail", tail("endTail", index) + tailSize_);
    }

    /** Record `index`, in the order in which they were packed. */
    rogue::protocols::batcher::DataPtr &record(uint32_t index) {
        if (index >= records_.size()) {
            throw rogue::GeneralError::create(
                name("record"), "Attempt to access record %u in frame with %u records", index,
                count());
        }
        return records_[index];
    }

    /** Lets the super-frame go. */
    void reset() {
        frame_.reset();
        records_.clear();
        tails_.clear();
        headerSize_ = firstHeaderSize_;
        tailSize_ = firstTailSize_;
        sequence_ = 0;
    }

protected:
    /** `headerSize` and `tailSize` are those before a super-frame has been read. */
    BatchCore(uint32_t version, uint32_t headerSize, uint32_t tailSize)
        : version_(version), name_("CoreV" + std::to_string(version)), log_("batcher." + name_),
          firstHeaderSize_(headerSize), firstTailSize_(tailSize) {
        reset();
    }

    ~BatchCore() = default;

private:
    std::string name(const char *member) const { return "batcher::" + name_ + "::" + member; }

    void take(const rogue::interfaces::stream::FramePtr &frame,
              const Handle<rogue_mem_batch_t> &batch) {
        headerSize_ = rogue_mem_batch_header_bytes(batch.get());
        tailSize_ = rogue_mem_batch_tail_bytes(batch.get());
        sequence_ = rogue_mem_batch_sequence(batch.get());
        const rogue::interfaces::stream::FrameIterator begin = frame->begin();
        const uint32_t count = rogue_mem_batch_count(batch.get());
        initSize(count);
        for (uint32_t index = 0; index < count; ++index) {
            rogue_mem_batch_record_t record = rogue_mem_batch_record_t();
            record.size = sizeof(record);
            check(rogue_mem_batch_record(batch.get(), index, &record));
            records_.push_back(std::make_shared<rogue::protocols::batcher::Data>(
                begin + static_cast<std::ptrdiff_t>(record.start), record.bytes,
                static_cast<uint8_t>(record.dest), static_cast<uint8_t>(record.first_user),
                static_cast<uint8_t>(record.last_user), frame));
            tails_.push_back(record.tail);
        }
        frame_ = frame;
    }

    rogue::interfaces::stream::FrameIterator at(const char *member, uint32_t offset) {
        if (!frame_)
            throw rogue::GeneralError(name(member), "There is no super-frame; process one first");
        return frame_->begin() + static_cast<std::ptrdiff_t>(offset);
    }

    uint32_t tail(const char *member, uint32_t index) {
        if (index >= tails_.size()) {
            throw rogue::GeneralError::create(
                name(member), "Attempt to get tail index %u in message with %u tails", index,
                count());
        }
        return tails_[index];
    }

    const uint32_t version_;
    const std::string name_;
    rogue::Logging log_;
    const uint32_t firstHeaderSize_;
    const uint32_t firstTailSize_;
    rogue::interfaces::stream::FramePtr frame_;
    std::vector<rogue::protocols::batcher::DataPtr> records_;
    std::vector<uint32_t> tails_; // offsets
    uint32_t headerSize_ = 0;
    uint32_t tailSize_ = 0;
    uint32_t sequence_ = 0;
};

} // namespace detail
} // namespace rogue

#endif
