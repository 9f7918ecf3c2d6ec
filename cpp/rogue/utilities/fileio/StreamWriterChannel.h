/** A channel of a StreamWriter. */
#ifndef ROGUE_UTILITIES_FILEIO_STREAM_WRITER_CHANNEL_H
#define ROGUE_UTILITIES_FILEIO_STREAM_WRITER_CHANNEL_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace utilities {
namespace fileio {

/**
 * Receives frames for a StreamWriter, and keeps its file open. A frame is written in the thread that
 * sends it.
 */
class StreamWriterChannel : public rogue::interfaces::stream::Slave {
public:
    /** Represents a channel of the C library. For the library's own use. */
    explicit StreamWriterChannel(rogue::detail::Handle<rogue_mem_file_channel_t> channel)
        : Slave(rogue::detail::Handle<rogue_mem_stream_slave_t>(
                    rogue_mem_file_channel_slave(channel.get())),
                typeid(StreamWriterChannel)),
          channel_(std::move(channel)) {}

    /** Writes a frame. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

    /**
     * Frames received since the file was opened: also those that were not written, and those that
     * came while no file was open.
     */
    uint32_t getFrameCount() {
        return static_cast<uint32_t>(rogue_mem_file_channel_frame_count(channel_.get()));
    }

    /** Sets the number of frames received. */
    void setFrameCount(uint32_t count) {
        rogue_mem_file_channel_set_frame_count(channel_.get(), count);
    }

    /**
     * Waits until `count` frames have been received, for `timeout` microseconds at most; 0 = as long
     * as it takes. Returns whether there are as many.
     */
    bool waitFrameCount(uint32_t count, uint64_t timeout) {
        const bool reached =
            rogue_mem_file_channel_wait_frame_count(channel_.get(), count, timeout);
        rogue::detail::announceAcquire();
        return reached;
    }

private:
    rogue::detail::Handle<rogue_mem_file_channel_t> channel_;
};

/** Shared pointer to a StreamWriterChannel. */
typedef std::shared_ptr<rogue::utilities::fileio::StreamWriterChannel> StreamWriterChannelPtr;

} // namespace fileio
} // namespace utilities
} // namespace rogue

#endif
