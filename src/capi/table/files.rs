//! The members of the batcher's nodes and of data files.

use super::{Bits, By, Member, Statistics};

pub const READER_OPTIONS: &[Member] = &[
    Member {
        name: "frame_bytes_max",
        bits: Bits::B64,
        is: "Size limit of a frame, in bytes; larger records are left out, counted and logged. \
             0 = 256 MiB.",
        sets: "frame_bytes_max",
        by: By::Conversion("transaction_bytes"),
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the reader's thread, in bytes; the receivers of its frames run on it. At \
             least 2 MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
];

pub const COMBINER_STATISTICS: Statistics = Statistics {
    object: "batch_combiner",
    is: "Counters of a combiner. Set size before the call.",
    members: &[
        ("queued", "Frames queued now."),
        ("super_frames", "Super-frames sent."),
        ("frames", "Frames in them."),
        (
            "lost",
            "Frames lost: the super-frame would have had more than 2^32 bytes, or its receiver \
                 gave no frame for it.",
        ),
    ],
    grown_from: None,
};

pub const SPLITTER_STATISTICS: Statistics = Statistics {
    object: "batch_splitter",
    is: "Counters of a splitter. Set size before the call.",
    members: &[
        ("super_frames", "Super-frames split."),
        ("frames", "Frames sent."),
        ("dropped", "Received frames dropped: with an error, or no super-frames."),
        ("lost", "Records dropped because the receiver gave no frame for them."),
    ],
    grown_from: None,
};

pub const INVERTER_STATISTICS: Statistics = Statistics {
    object: "batch_inverter",
    is: "Counters of an inverter. Set size before the call.",
    members: &[
        ("super_frames", "Super-frames inverted and sent."),
        ("dropped", "Received frames dropped: with an error, no super-frames, or not invertible."),
    ],
    grown_from: None,
};

pub const WRITER_STATISTICS: Statistics = Statistics {
    object: "file_writer",
    is: "Counters of a writer since its file was opened. Set size before the call.",
    members: &[
        ("frames", "Frames written, those in the buffer included."),
        ("bytes", "Bytes of these in all files."),
        ("files", "Number of files."),
        ("skipped", "Frames left out, as they were to be: without payload, or with an error."),
        ("unopened", "Frames that came while no file was open."),
        (
            "lost",
            "Frames that could not be written, also those that were in the buffer when that \
                 failed.",
        ),
    ],
    grown_from: None,
};

pub const READER_STATISTICS: Statistics = Statistics {
    object: "file_reader",
    is: "Counters of a reader since its file was opened. Set size before the call.",
    members: &[
        ("frames", "Frames sent."),
        ("bytes", "Bytes of their payload."),
        ("files", "Number of files."),
        ("empty", "Records without a payload, which are no frames."),
        ("left_out", "Records left out: too large, or without a frame from the receiver."),
        ("faults", "1 if reading has ended before the end of the files."),
    ],
    grown_from: None,
};
