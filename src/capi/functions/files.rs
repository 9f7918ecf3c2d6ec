//! Functions of super-frames and of data files.

use super::{functions, Function, Group};

functions! {
    batch {
        /// The number of records; at least 1.
        /// @return records.
        fn count(self) -> u32 { batch.records().len() as u32 }

        /// The size of what stands before the first record.
        /// @return bytes.
        fn header_bytes(self) -> u32 { batch.header_bytes() }

        /// The size of the tail behind the data and the padding of each record.
        /// @return bytes.
        fn tail_bytes(self) -> u32 { batch.tail_bytes() }

        /// The number of the super-frame.
        /// @return the number, modulo 256.
        fn sequence(self) -> u32 { batch.sequence().into() }
    }

    /// A combiner packs frames into super-frames: it queues those that it receives, and sends all of
    /// them as one. The channel of a frame becomes the destination of its record; its error is not
    /// transported. The bytes are those that the frame has when it arrives.
    batch_combiner {
        /// Makes a combiner of version 1, which pads the data of each record to whole words.
        /// @param width the width code, 0 to 5: words of 2, 4, 8, 16, 32 or 64 bytes.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
        /// another width code.
        fn new_v1(width: u8) -> new batch_combiner { crate::protocols::BatchCombiner::v1(width)? }

        /// Makes a combiner of version 2, without padding.
        fn new_v2() -> new batch_combiner { crate::protocols::BatchCombiner::v2() }

        /// The stream port of the combiner: queues frames, and sends super-frames.
        /// @return the port, a new reference, which keeps the combiner alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**combiner)) }

        /// The number of queued frames.
        /// @return frames.
        fn count(self) -> u64 { combiner.count() as u64 }

        /// Sends all queued frames as one super-frame, in this thread; nothing if there are none.
        /// Super-frames leave in the order of their numbers: a thread waits for the one before it,
        /// unless it is in a delivery; then that one sends the batch too.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the error of the first receiver, which
        /// gave no frame: the queued frames are lost then, and counted.
        fn send(self) -> result { combiner.send_batch() }
    }

    /// A splitter sends each record of a super-frame as a frame of its own, in the sender's thread:
    /// with the destination as its channel, its first and last user, and no error. What came with an
    /// error, or is no super-frame, is dropped as a whole, counted and logged.
    batch_splitter {
        /// Makes a splitter for super-frames of version 1.
        fn new_v1() -> new batch_splitter {
            crate::protocols::BatchSplitter::v1()
        }

        /// Makes a splitter for super-frames of version 2.
        fn new_v2() -> new batch_splitter {
            crate::protocols::BatchSplitter::v2()
        }

        /// The stream port of the splitter: receives super-frames, and sends frames.
        /// @return the port, a new reference, which keeps the splitter alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**splitter)) }
    }

    /// An inverter turns the tails behind the records of a super-frame into headers before them, in
    /// the sender's thread. The frame itself is changed and sent on; if others have it too, a copy.
    /// What came with an error, or is no super-frame, is dropped, counted and logged.
    batch_inverter {
        /// Makes an inverter for super-frames of version 1 with width codes 2 to 5.
        fn new_v1() -> new batch_inverter {
            crate::protocols::BatchInverter::v1()
        }

        /// Makes an inverter for super-frames of version 2, of which it moves two bytes of each tail,
        /// as Rogue does: the result is of use for one record at most.
        fn new_v2() -> new batch_inverter {
            crate::protocols::BatchInverter::v2()
        }

        /// The stream port of the inverter: receives super-frames, and sends them inverted.
        /// @return the port, a new reference, which keeps the inverter alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**inverter)) }
    }

    /// A file writer records the frames that its channels receive in a data file, or in a series of
    /// them. A frame is written in the thread that sends it: the disk holds up the sender. Frames
    /// without payload are not written, nor are any while no file is open. A write that fails closes
    /// the file; the log says why and what is lost.
    file_writer {
        /// Makes a writer without a file, a limit or a buffer.
        fn new() -> new file_writer { crate::files::FileWriter::new() }

        /// Creates a data file, or empties one that exists, and sets the counts of the writer and its
        /// channels to 0. A file that is open is closed first.
        /// @param path the file; with a size limit, ".1" is appended for the first one, then ".2".
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for the buffer.
        fn open(self, path: text) -> result { writer.open(path) }

        /// Writes out what is in the buffer and closes the file, if one is open. The counts stay.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the first failure since the file was
        /// opened, once: ROGUE_MEM_ERROR_FILE, or ROGUE_MEM_ERROR_FRAME for a frame that was larger
        /// than a file may be. The file is closed all the same.
        fn close(self) -> result { writer.close() }

        /// Whether a file is open.
        /// @return whether one is.
        fn is_open(self) -> bool { writer.is_open() }

        /// The first failure since the file was opened, in words; empty if there is none.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
        fn error(self) -> text { writer.error() }

        /// Chooses whether the payload of later frames is written alone. Nothing can tell then where
        /// one ends.
        /// @param raw a flag.
        fn set_raw(self, raw: u32) { writer.set_raw(convert::is_set(raw)) }

        /// Whether payload is written alone.
        /// @return whether it is.
        fn raw(self) -> bool { writer.is_raw() }

        /// Sets the size of the buffer, in which whole records are collected as long as they fit.
        /// What is in it is written out first.
        /// @param bytes the size; 0 = each frame is written at once, as at first.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
        /// ROGUE_MEM_ERROR_FILE.
        fn set_buffer_size(self, bytes: u32) -> result { writer.set_buffer_bytes(bytes) }

        /// Sets the size limit of each file. A record that would exceed it begins the next file. Set
        /// it before the file is opened.
        /// @param bytes the limit; 0 = none, as at first.
        fn set_max_size(self, bytes: u64) { writer.set_file_bytes_max(bytes) }

        /// Chooses whether frames with an error are left out. They are not at first.
        /// @param drop a flag.
        fn set_drop_errors(self, drop: u32) { writer.set_drop_errors(convert::is_set(drop)) }

        /// The channel with a number, which is made once.
        /// @param number written as the channel of its frames; 0 = they keep their own.
        /// @return the channel, a new reference, which keeps the file open.
        fn channel(self, number: u8) -> file_channel { writer.channel(number) }

        /// Bytes in all files since the file was opened, those in the buffer included.
        /// @return bytes.
        fn total_size(self) -> u64 { writer.total_bytes() }

        /// Bytes in the present file, those in the buffer included.
        /// @return bytes.
        fn current_size(self) -> u64 { writer.file_bytes() }

        /// Bytes written a second, over the last second.
        /// @return bytes a second; 0 while no file is open.
        fn bandwidth(self) -> f64 { writer.bandwidth() }

        /// Frames written since the file was opened, those in the buffer included.
        /// @return frames.
        fn frame_count(self) -> u64 { writer.frame_count() }

        /// Waits until a number of frames has been written.
        /// @param count the number.
        /// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
        /// @return whether there are as many.
        fn wait_frame_count(self, count: u64, timeout_us: u64) -> bool {
            writer.wait_frame_count(count, convert::limit(timeout_us))
        }
    }

    /// A file channel receives frames for a file writer, and keeps its file open.
    file_channel {
        /// The channel as a stream slave.
        /// @return the slave, a new reference.
        fn slave(self) -> stream_slave { channel.clone() }

        /// Frames received since the file was opened: also those that were not written, and those
        /// that came while no file was open.
        /// @return frames.
        fn frame_count(self) -> u64 { channel.frame_count() }

        /// Sets the number of frames received.
        /// @param count the number.
        fn set_frame_count(self, count: u64) { channel.set_frame_count(count) }

        /// Waits until a number of frames has been received.
        /// @param count the number.
        /// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
        /// @return whether there are as many.
        fn wait_frame_count(self, count: u64, timeout_us: u64) -> bool {
            channel.wait_frame_count(count, convert::limit(timeout_us))
        }
    }

    /// A file reader sends the records of a data file as frames, from a thread of its own and as fast
    /// as the receivers take them. It holds one record at a time, and asks for no more memory than the
    /// file has bytes, whatever a record claims. A file that is cut or damaged is read up to there. If
    /// the payload of a record is cut, a frame with error 1 tells the receivers.
    file_reader {
        /// Makes a reader without a file.
        /// @param options_or_null the options, copied. NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT
        /// for options with a wrong size.
        fn new(options_or_null: options) -> new file_reader {
            crate::files::FileReader::new(options_or_null)
        }

        /// The stream master that sends the frames.
        /// @return the master, a new reference.
        fn stream_master(self) -> stream_master { reader.stream_master() }

        /// Opens a data file and starts to send its frames. A file that is being read is closed first.
        /// @param path a regular file. If it ends in ".1", those that end in ".2", ".3" and so on
        /// follow, until one is missing.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
        /// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a thread.
        fn open(self, path: text) -> result { reader.open(path) }

        /// Stops after the frame that is being sent, and closes the file. Returns within 100 ms, also
        /// if the receiver of that frame does not. Further calls do nothing.
        fn close(self) { reader.close() }

        /// Whether a file is being read: not any more when the last of its frames has been sent.
        /// @return whether one is.
        fn is_open(self) -> bool { reader.is_open() }

        /// Waits until all frames have been sent, or the reader was closed.
        /// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
        /// @return whether that is so; true at once in a delivery by this reader, which would wait for
        /// itself.
        fn wait(self, timeout_us: u64) -> bool { reader.wait(convert::limit(timeout_us)) }

        /// What was wrong with the file, in words: the first message since it was opened; empty if
        /// there is none.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
        fn error(self) -> text { reader.error() }

        /// Closes the file, and disconnects the receivers. Further calls do nothing.
        fn stop(self) { reader.stop() }
    }
}
