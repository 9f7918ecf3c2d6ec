/** The recorder of frames in data files. */
#ifndef ROGUE_UTILITIES_FILEIO_STREAM_WRITER_H
#define ROGUE_UTILITIES_FILEIO_STREAM_WRITER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/utilities/fileio/StreamWriterChannel.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace rogue {
namespace utilities {
namespace fileio {

/**
 * Records the frames that its channels receive in a data file, or in a series of them.
 *
 * A frame is written in the thread that sends it: the disk holds up the sender. Frames without
 * payload are not written, nor are any while no file is open. A write that fails closes the file; the
 * log says why and what is lost. The file is closed, with what is in the buffer, when the writer and
 * its channels are gone, at the latest. All member functions may be called from any thread.
 */
class StreamWriter {
public:
    /** Its counters. */
    typedef rogue::detail::FileWriterStats Stats;

    /** A writer without a file, a limit or a buffer. */
    static std::shared_ptr<StreamWriter> create() { return std::make_shared<StreamWriter>(); }

    /** As create(). */
    StreamWriter()
        : writer_(rogue::detail::make<rogue_mem_file_writer_t>(&rogue_mem_file_writer_new)) {}

    StreamWriter(const StreamWriter &) = delete;
    StreamWriter &operator=(const StreamWriter &) = delete;

    /** Its channels keep the file open. */
    virtual ~StreamWriter() = default;

    /**
     * Creates a data file, or empties one that exists, and sets all counts to 0. With a size limit,
     * ".1" is appended to its name. A file that is open is closed first. Throws GeneralError if that
     * fails.
     */
    void open(const std::string &file) {
        rogue::detail::check(rogue_mem_file_writer_open(writer_.get(), file.c_str()));
    }

    /**
     * Writes out what is in the buffer and closes the file, if one is open. Throws GeneralError for
     * the first failure since the file was opened, once; it is closed all the same.
     */
    void close() { rogue::detail::check(rogue_mem_file_writer_close(writer_.get())); }

    /** Whether a file is open. */
    bool isOpen() { return rogue_mem_file_writer_is_open(writer_.get()); }

    /** The first failure since the file was opened; empty if there is none. */
    std::string getError() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_file_writer_error(writer_.get(), buffer, capacity, length);
            });
    }

    /** Writes the payload of later frames alone: nothing can tell then where one ends. */
    void setRaw(bool raw) { rogue_mem_file_writer_set_raw(writer_.get(), raw); }

    /** Whether payload is written alone. */
    bool getRaw() { return rogue_mem_file_writer_raw(writer_.get()); }

    /**
     * Sets the size of the buffer, in which whole records are collected as long as they fit; 0 = each
     * is written at once. What is in it is written out first. Throws GeneralError if there is no
     * memory for it, or if the write fails.
     */
    void setBufferSize(uint32_t size) {
        rogue::detail::check(rogue_mem_file_writer_set_buffer_size(writer_.get(), size));
    }

    /**
     * Sets the size limit of each file; 0 = none. A record that would exceed it begins the next file.
     * Set it before open().
     */
    void setMaxSize(uint64_t size) { rogue_mem_file_writer_set_max_size(writer_.get(), size); }

    /** Leaves out frames with an error. */
    void setDropErrors(bool drop) { rogue_mem_file_writer_set_drop_errors(writer_.get(), drop); }

    /** The channel with this number, made once; 0 = its frames keep their own. */
    StreamWriterChannelPtr getChannel(uint8_t channel) {
        const std::lock_guard<rogue::detail::ObjectMutex> lock(mutex_);
        StreamWriterChannelPtr &made = channels_[channel];
        if (!made) {
            made = std::make_shared<StreamWriterChannel>(
                rogue::detail::Handle<rogue_mem_file_channel_t>(
                    rogue_mem_file_writer_channel(writer_.get(), channel)));
        }
        return made;
    }

    /** Octets in all files since the file was opened, those in the buffer included. */
    uint64_t getTotalSize() { return rogue_mem_file_writer_total_size(writer_.get()); }

    /** Octets in the present file, those in the buffer included. */
    uint64_t getCurrentSize() { return rogue_mem_file_writer_current_size(writer_.get()); }

    /** Octets written a second, over the last second; 0 while no file is open. */
    double getBandwidth() { return rogue_mem_file_writer_bandwidth(writer_.get()); }

    /** Frames written since the file was opened, those in the buffer included. */
    uint32_t getFrameCount() {
        return static_cast<uint32_t>(rogue_mem_file_writer_frame_count(writer_.get()));
    }

    /**
     * Waits until `count` frames have been written, for `timeout` microseconds at most; 0 = as long
     * as it takes. Returns whether there are as many.
     */
    bool waitFrameCount(uint32_t count, uint64_t timeout) {
        const bool reached = rogue_mem_file_writer_wait_frame_count(writer_.get(), count, timeout);
        rogue::detail::announceAcquire();
        return reached;
    }

    /** The counters. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_file_writer_stats(writer_.get(), &stats));
        return stats;
    }

private:
    rogue::detail::Handle<rogue_mem_file_writer_t> writer_;
    rogue::detail::ObjectMutex mutex_{"The StreamWriter"};
    std::map<uint8_t, StreamWriterChannelPtr> channels_;
};

/** Shared pointer to a StreamWriter. */
typedef std::shared_ptr<rogue::utilities::fileio::StreamWriter> StreamWriterPtr;

} // namespace fileio
} // namespace utilities
} // namespace rogue

#endif
