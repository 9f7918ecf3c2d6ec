//! Functions of streams, and of the protocols over them.

use super::{functions, Function, Group};

functions! {
    frame {
        /// Makes a frame of one piece, without payload.
        /// @param capacity bytes that the payload can have.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn new(capacity: u32) -> new frame { stream::Frame::new(capacity)? }

        /// The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
        /// @return the flags, 0 in a new frame.
        fn flags(self) -> u16 { frame.flags() }

        /// Replaces the flags.
        /// @param flags the new flags.
        fn set_flags(self, flags: u16) { frame.set_flags(flags) }

        /// The user bits of the first byte (AXI-Stream TUSER).
        /// @return the bits, 0 in a new frame.
        fn first_user(self) -> u8 { frame.first_user() }

        /// Replaces the first user byte.
        /// @param user the new bits.
        fn set_first_user(self, user: u8) { frame.set_first_user(user) }

        /// The user bits of the last byte (AXI-Stream TUSER).
        /// @return the bits, 0 in a new frame.
        fn last_user(self) -> u8 { frame.last_user() }

        /// Replaces the last user byte.
        /// @param user the new bits.
        fn set_last_user(self, user: u8) { frame.set_last_user(user) }

        /// The channel.
        /// @return the channel, 0 in a new frame.
        fn channel(self) -> u8 { frame.channel() }

        /// Replaces the channel.
        /// @param channel the new channel.
        fn set_channel(self, channel: u8) { frame.set_channel(channel) }

        /// The error.
        /// @return the error, 0 if the frame is good.
        fn error(self) -> u8 { frame.error() }

        /// Replaces the error.
        /// @param error the new error; 0 means that the frame is good.
        fn set_error(self, error: u8) { frame.set_error(error) }
    }

    stream_slave {
        /// Requests a frame from the slave, to be filled and sent to it.
        /// @param size bytes that it must have room for.
        /// @param zero_copy a flag: whether it may be in memory that the slave can send without a
        /// copy.
        /// @param out receives the frame, without payload, a new reference. Untouched on failure.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn req_frame(self, size: u32, zero_copy: u32) -> new frame {
            slave.accept_req(size, convert::is_set(zero_copy))?
        }

        /// Makes a frame from the slave's own pool, even if the slave has an accept_req, which may
        /// call this.
        /// @param size bytes that it must have room for.
        /// @param out receives the frame, without payload, a new reference. Untouched on failure.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn req_local_frame(self, size: u32) -> new frame { slave.base().pool().request(size)? }

        /// The number of frames received.
        /// @return frames.
        fn frame_count(self) -> u64 { slave.base().frame_count() }

        /// The payload of the frames received.
        /// @return bytes.
        fn byte_count(self) -> u64 { slave.base().byte_count() }

        /// Logs the start of each later frame that arrives, at ROGUE_MEM_LOG_CRITICAL: its size,
        /// its error and its first bytes in hexadecimal digits. Slaves that are a part of a
        /// transport log nothing.
        /// @param bytes number of bytes at most; 0 = nothing is logged, as at first.
        /// @param name name of the logger, copied; see rogue_mem_logger_new.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
        fn set_debug(self, bytes: u32, name: text) -> status { slave.base().set_debug(bytes, name) }

        /// Counts the slave's buffers that are in use by frames now. A frame has one, or with a
        /// fixed size as many as its room takes.
        /// @return number of buffers.
        fn alloc_count(self) -> u64 { slave.base().pool().alloc_count() }

        /// Counts the bytes of the slave's buffers that are in use by frames now.
        /// @return bytes.
        fn alloc_bytes(self) -> u64 { slave.base().pool().alloc_bytes() }

        /// The size of the slave's buffers.
        /// @return bytes, 0 = as large as asked for.
        fn fixed_size(self) -> u32 { slave.base().pool().fixed_size() }

        /// Sets the size of the slave's buffers: later frames have as many as their room takes.
        /// @param bytes size of each; 0 = as large as asked for, as it is at first.
        fn set_fixed_size(self, bytes: u32) { slave.base().pool().set_fixed_size(bytes) }

        /// How many buffers of the fixed size are kept to be used again.
        /// @return number of buffers at most.
        fn pool_size(self) -> u32 { slave.base().pool().pool_size() }

        /// Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that
        /// were never written may then be those of an earlier one.
        /// @param count number of buffers at most; it is 0 at first.
        fn set_pool_size(self, count: u32) { slave.base().pool().set_pool_size(count) }
    }

    stream_master {
        /// Makes a stream master without slaves.
        /// @param out receives the master, a new reference. Untouched on failure.
        fn new() -> new stream_master { stream::Master::new() }

        /// Connects a further slave. The first one connected supplies requested frames, and
        /// receives each frame last.
        /// @param slave the stream slave; the master takes a reference of its own.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES
        /// beyond 1024 slaves.
        fn add_slave(self, slave: stream_slave) -> result { master.add_slave(slave.0.clone()) }

        /// The number of connected slaves.
        /// @return slaves.
        fn slave_count(self) -> u32 { master.slave_count() as u32 }

        /// Requests a frame, to be filled and sent, from the slave that was connected first.
        /// Without a slave the master makes the frame itself.
        /// @param size bytes that it must have room for.
        /// @param zero_copy a flag: whether it may be in memory that the slave can send without a
        /// copy.
        /// @param out receives the frame, without payload, a new reference. Untouched on failure.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn req_frame(self, size: u32, zero_copy: u32) -> new frame {
            master.req_frame(size, convert::is_set(zero_copy))?
        }

        /// Disconnects all slaves. Frames sent from then on are discarded.
        fn stop(self) { master.stop() }
    }

    /// A stream port sends and receives frames. Every transport has one, see
    /// rogue_mem_srp_v3_stream_port and rogue_mem_srp_v3_emulation_stream_port. A program makes its
    /// own from a stream master and a stream slave. One function connects any two ports.
    stream_port {
        /// Makes a port from its two ends.
        /// @param master the sending end; the port takes a reference of its own.
        /// @param slave the receiving end; the port takes a reference of its own.
        fn new(master: stream_master, slave: stream_slave) -> new stream_port {
            Arc::new(stream::Port::new((*master).clone(), slave.0.clone()))
        }

        /// The sending end of a port.
        /// @return the stream master, a new reference.
        fn master(self) -> stream_master { port.stream_master() }

        /// The receiving end of a port.
        /// @return the stream slave, a new reference.
        fn slave(self) -> stream_slave { port.stream_slave() }

        /// Connects two ports in both directions: each receives the frames that the other one
        /// sends. A port connected with itself receives its own frames.
        /// @param port one port. Both may be released afterwards: the connection lasts until the
        /// masters are stopped, or gone.
        /// @param other the other port.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if
        /// a master has 1024 slaves already; one direction may then be connected.
        fn connect(self, other: stream_port) -> result { stream::connect(&**port, &**other) }
    }

    /// A fifo parts the receivers of frames from their sender: a queue, and a thread that delivers
    /// from it. A sender never waits for it. A frame that arrives while the queue is full is
    /// dropped and counted; the frame being delivered is no longer in the queue.
    fifo {
        /// Makes a fifo, and starts its thread.
        /// @param depth_max maximum number of queued frames; 0 = not limited.
        /// @param trim_bytes bytes to which copies are cut; 0 = not cut.
        /// @param no_copy a flag: whether the frames themselves are queued, whole. Their sender and
        /// their other receivers must leave them alone then. Otherwise each is copied on arrival,
        /// with flags, channel and error, into a frame from the first receiver.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if
        /// the system refuses a thread.
        fn new(depth_max: u32, trim_bytes: u32, no_copy: u32) -> new fifo {
            stream::Fifo::new(depth_max, trim_bytes, convert::is_set(no_copy))?
        }

        /// The stream port of the fifo: receives frames, and sends them on.
        /// @return the port, a new reference, which keeps the fifo alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**fifo)) }

        /// The number of queued frames.
        /// @return frames.
        fn size(self) -> u64 { fifo.size() as u64 }

        /// The number of dropped frames: because the queue was full, because a copy could not be made,
        /// which the log says, or because a request was given up while it waited here.
        /// @return frames.
        fn dropped(self) -> u64 { fifo.dropped() }

        /// Sets the number of dropped frames to 0.
        fn clear_dropped(self) { fifo.clear_dropped() }

        /// Stops the fifo: ends its thread, drops queued and later frames, and disconnects its
        /// receivers. Further calls do nothing.
        fn stop(self) { fifo.stop() }
    }

    /// A filter passes on the frames of one channel, in the sender's thread and without a copy.
    /// Frames that are requested from it come from the node behind it.
    filter {
        /// Makes a filter.
        /// @param drop_errors a flag: whether frames with an error are dropped too.
        /// @param channel the channel whose frames pass.
        fn new(drop_errors: u32, channel: u8) -> new filter {
            stream::Filter::new(convert::is_set(drop_errors), channel)
        }

        /// The stream port of the filter: receives frames, and sends on those that pass.
        /// @return the port, a new reference, which keeps the filter alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**filter)) }
    }

    /// A rate drop passes on some of the frames that it receives, in the sender's thread and
    /// without a copy. Frames that are requested from it come from the node behind it.
    rate_drop {
        /// Makes a rate drop.
        /// @param is_period a flag: the meaning of value.
        /// @param value with is_period, seconds: at most one frame passes in that time, and none in
        /// the first one after this call. Without, a number, whose fraction is ignored: as many
        /// frames are dropped after each one that passes; the first one passes. 0 passes all
        /// frames, either way.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
        /// value is negative or not a number.
        fn new(is_period: u32, value: f64) -> new rate_drop {
            stream::RateDrop::new(convert::is_set(is_period), value)?
        }

        /// The stream port of the rate drop: receives frames, and sends on those that pass.
        /// @return the port, a new reference, which keeps the rate drop alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**rate_drop)) }
    }

    /// SRP version 3 carries register transactions over a stream, in the form of SLAC's firmware.
    /// The object is a memory slave, with accesses of multiples of 4 bytes up to 4096, and a stream
    /// port, which sends requests and receives answers. Any number may be outstanding.
    ///
    /// Handles of the object and of its memory slave keep the object alive. Its stream port does
    /// not, so that two connected objects form no reference cycle.
    srp_v3 {
        /// Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
        fn new() -> new srp_v3 { crate::protocols::SrpV3::new() }

        /// The object as a memory slave, for masters to connect to.
        /// @return the slave, a new reference, which keeps the object alive.
        fn slave(self) -> slave { srp.clone() }

        /// The stream port of the object: sends requests, and receives answers.
        /// @return the port, a new reference, which does not keep the object alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**srp)) }

        /// Sets the time that later requests allow the device to wait for its own bus.
        /// @param timeout in units of 100 ms; 0 = no limit. The default is 10.
        fn set_hardware_timeout(self, timeout: u8) { srp.set_hardware_timeout(timeout) }

        /// Disconnects the stream and fails all outstanding transactions. Later ones fail at once,
        /// until a stream is connected again. Further calls do nothing.
        fn stop(self) { srp.stop() }
    }

    /// A device in software that answers SRP version 3 from sparse memory, for tests, examples and
    /// simulations. Memory that was never written reads as zero. The object's own thread carries
    /// out requests in sequence, and calls the receivers of its answers.
    srp_v3_emulation {
        /// Makes an SRPv3 device with empty memory, and starts its thread.
        /// @param options_or_null the options, copied. NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT
        /// for options with a wrong size or a value out of range; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn new(options_or_null: options) -> new srp_v3_emulation {
            crate::protocols::SrpV3Emulation::with_options(options_or_null)?
        }

        /// The stream port of the device: receives requests, and sends answers.
        /// @return the port, a new reference, which keeps the device alive.
        fn stream_port(self) -> stream_port { Arc::new(stream::Port::of(&**device)) }

        /// Stops the device: ends its thread, and drops waiting and later requests. Further calls
        /// do nothing.
        fn stop(self) { device.stop() }
    }
}
