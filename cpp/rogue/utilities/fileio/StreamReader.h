/** The sender of the frames of data files. */
#ifndef ROGUE_UTILITIES_FILEIO_STREAM_READER_H
#define ROGUE_UTILITIES_FILEIO_STREAM_READER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"

#include <rogue_mem.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace utilities {
namespace fileio {

/**
 * Sends the records of a data file as frames, from a thread of its own and as fast as the slaves take
 * them.
 *
 * It holds one record at a time, and asks for no more memory than the file has octets, whatever a
 * record claims. A file that is cut or damaged is read up to there; the log and getError() say where.
 * If the payload of a record is cut, a frame with error 1 tells the slaves.
 */
class StreamReader : public rogue::interfaces::stream::Master {
public:
    /** What may be chosen about it. */
    typedef rogue::detail::FileReaderOptions Options;

    /** Its counters. */
    typedef rogue::detail::FileReaderStats Stats;

    /** A reader without a file. */
    static std::shared_ptr<StreamReader> create() { return std::make_shared<StreamReader>(); }

    /** The same, with options. */
    static std::shared_ptr<StreamReader> create(const Options &options) {
        return std::make_shared<StreamReader>(options);
    }

    /** As create(). */
    StreamReader() : StreamReader(Options()) {}

    /** As create(). */
    explicit StreamReader(const Options &options)
        : StreamReader(rogue::detail::make<rogue_mem_file_reader_t>(
              [&options](rogue_mem_file_reader_t **out) {
                  return rogue_mem_file_reader_new(&options, out);
              })) {}

    /** As close(). */
    ~StreamReader() override { close(); }

    /**
     * Opens a data file and starts to send its frames. If its name ends in ".1", the files ".2", ".3"
     * and so on follow, until one is missing. A file that is being read is closed first. Throws
     * GeneralError if it cannot be opened, or is no regular file.
     */
    void open(const std::string &file) {
        rogue::detail::announceRelease();
        const rogue_mem_status_t status = rogue_mem_file_reader_open(reader_.get(), file.c_str());
        rogue::detail::announceAcquire();
        rogue::detail::check(status);
    }

    /**
     * Stops after the frame that is being sent, and closes the file. Returns within 100 ms, also if
     * the receiver of that frame does not; may be called in a delivery.
     */
    void close() {
        rogue_mem_file_reader_close(reader_.get());
        rogue::detail::announceAcquire();
    }

    /** Whether a file is being read: not any more when the last of its frames has been sent. */
    bool isOpen() { return rogue_mem_file_reader_is_open(reader_.get()); }

    /** As isOpen(). */
    bool isActive() { return isOpen(); }

    /** Waits until all frames have been sent, and closes the file. In a delivery as close(). */
    void closeWait() {
        rogue_mem_file_reader_wait(reader_.get(), 0);
        close();
    }

    /** What was wrong with the file, in words; empty if nothing was. */
    std::string getError() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_file_reader_error(reader_.get(), buffer, capacity, length);
            });
    }

    /** The counters since the file was opened. */
    Stats getStats() {
        Stats stats;
        rogue::detail::check(rogue_mem_file_reader_stats(reader_.get(), &stats));
        return stats;
    }

    /** Closes the file, and disconnects the slaves. */
    void stop() override {
        close();
        rogue::interfaces::stream::Master::stop();
    }

private:
    explicit StreamReader(rogue::detail::Handle<rogue_mem_file_reader_t> reader)
        : Master(rogue::detail::Handle<rogue_mem_stream_master_t>(
              rogue_mem_file_reader_stream_master(reader.get()))),
          reader_(std::move(reader)) {}

    rogue::detail::Handle<rogue_mem_file_reader_t> reader_;
};

/** Shared pointer to a StreamReader. */
typedef std::shared_ptr<rogue::utilities::fileio::StreamReader> StreamReaderPtr;

} // namespace fileio
} // namespace utilities
} // namespace rogue

#endif
