//! The options and the statistics of the usual road to a board.

use super::{Bits, By, Member, Statistics};

pub const OPTIONS: &[Member] = &[
    Member {
        name: "jumbo",
        bits: Bits::B32,
        is: "A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000, \
             instead of 1472.",
        sets: "jumbo",
        by: By::Conversion("is_set"),
    },
    Member {
        name: "pack_version",
        bits: Bits::B32,
        is: "ROGUE_MEM_PACK_VERSION_...: the packetizer's version, which both ends must have.",
        sets: "version",
        by: By::Choice("pack_version"),
    },
    Member {
        name: "no_ssi",
        bits: Bits::B32,
        is: "As in rogue_mem_packetizer_options_t.",
        sets: "packetizer.ssi",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "no_crc_check",
        bits: Bits::B32,
        is: "As in rogue_mem_packetizer_options_t.",
        sets: "packetizer.check_crc",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "no_crc",
        bits: Bits::B32,
        is: "As in rogue_mem_packetizer_options_t.",
        sets: "packetizer.send_crc",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "max_buffers",
        bits: Bits::B32,
        is: "Segments that the peer may have under way, at most 255; 0 = RSSI's default, 32.",
        sets: "max_buffers",
        by: By::Conversion("number"),
    },
    Member {
        name: "cum_ack_timeout_ms",
        bits: Bits::B32,
        is: "Milliseconds after which a segment is acknowledged at the latest; 0 = 5.",
        sets: "cum_ack_timeout",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "retran_timeout_ms",
        bits: Bits::B32,
        is: "Milliseconds after which a segment is sent again; 0 = 20.",
        sets: "retran_timeout",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "null_timeout_ms",
        bits: Bits::B32,
        is: "Milliseconds without a segment after which the peer takes the link for lost; 0 = 1000.",
        sets: "null_timeout",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "max_retran",
        bits: Bits::B32,
        is: "How often a segment is sent again before the link is taken for lost, at most 255; 0 = 15.",
        sets: "max_retran",
        by: By::Conversion("number"),
    },
    Member {
        name: "max_cum_ack",
        bits: Bits::B32,
        is: "Segments acknowledged together at most; 0 = 2.",
        sets: "max_cum_ack",
        by: By::Conversion("number"),
    },
    Member {
        name: "try_period_ms",
        bits: Bits::B32,
        is: "Milliseconds between two attempts to open the link; 0 = 100.",
        sets: "try_period",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "spin_us",
        bits: Bits::B32,
        is: "Microseconds for which the road's thread polls for the next datagram before it sleeps, \
             which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been \
             successful. ROGUE_MEM_SPIN_NEVER = none.",
        sets: "spin",
        by: By::Conversion("spin"),
    },
    Member { name: "reserved", bits: Bits::B32, is: "Must be 0.", sets: "", by: By::Reserved },
    Member {
        name: "event_loop",
        bits: Bits::Handle("event_loop"),
        is: "The event loop in place of a thread of the road's own, which several roads may share; \
             the library takes a reference. A receiver of frames that blocks then stalls them all. \
             spin_us then has no effect. NULL: a thread of its own.",
        sets: "event_loop",
        by: By::Handle,
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the road's thread, in bytes; the receivers of frames run on it, and an \
             observer on one of the same size. At least 2 MiB. 0 = the size of other threads of the \
             process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
];

pub const STATISTICS: Statistics = Statistics {
    object: "board",
    is: "State and counters of a road at a glance. Set size before the call.",
    members: &[
        ("open", "Whether the link is open: 1 or 0."),
        ("open_count", "How often it has opened."),
        ("down_count", "How often it was lost."),
        (
            "round_trip_p50_ns",
            "Median of the latest round trips, in nanoseconds: from a segment to its \
             acknowledgement, which the peer may delay.",
        ),
        ("round_trip_p99_ns", "99th percentile of these."),
        ("retransmits", "Segments sent again."),
        ("local_busy_us", "Microseconds for which this end could not take more."),
        ("remote_busy_us", "Microseconds for which the peer could not."),
        ("frames_in", "Frames delivered to the destinations."),
        ("frames_out", "Frames of the destinations sent."),
        ("bytes_in", "Bytes of datagrams received."),
        ("bytes_out", "Bytes of datagrams sent."),
        (
            "dropped_overflow",
            "Datagrams that the system has dropped because the receive buffer was full.",
        ),
        (
            "dropped_datagrams",
            "Datagrams dropped because they are too long, others than the peer sent them, or \
             there was no memory for them.",
        ),
        ("dropped_corrupt", "Segments dropped because their form or their checksum is wrong."),
        ("dropped_duplicates", "Segments dropped because they had arrived before."),
        (
            "dropped_stray",
            "Segments dropped because they do not belong to the link, forged ones among \
             them.",
        ),
        ("dropped_packets", "Packets dropped, and unfinished frames that were."),
        ("unsent", "Frames not sent: the link was closed, or they were refused."),
        ("network_errors", "Errors that the network has reported about sent datagrams (ICMP)."),
        (
            "dropped_version",
            "Packets dropped because the peer's packetizer is of another version; \
             dropped_packets contains them.",
        ),
    ],
    grown_from: None,
};
