//! The members of each object's options.

use super::{Bits, By, Member};

/// Fills a structure up to its alignment.
pub const RESERVED: Member =
    Member { name: "reserved", bits: Bits::B32, is: "Must be 0.", sets: "", by: By::Reserved };

pub const SRP_V3_EMULATION_OPTIONS: &[Member] = &[
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the device's thread, in bytes; the receivers of its answers run on it. At \
             least 2 MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
    Member {
        name: "latency_us",
        bits: Bits::B32,
        is: "Microseconds for which a request waits before it is carried out, at least; the \
             system's timers may add some 100. Waiting requests overlap, as in firmware that has \
             several accesses under way: each is carried out, in order of arrival, so long after \
             its own arrival. 0 = none.",
        sets: "latency",
        by: By::Conversion("microseconds"),
    },
    RESERVED,
    Member {
        name: "memory_bytes_max",
        bits: Bits::B64,
        is: "Bytes that the emulated memory may take, with the tables that lead to it; each written \
             page takes 4 KiB. A write that needs more gets the error that memory has. 0 = a quarter \
             of what the process may have, at most 1 GiB.",
        sets: "memory_bytes_max",
        by: By::Conversion("number64"),
    },
];

pub const PACKETIZER_OPTIONS: &[Member] = &[
    Member {
        name: "no_ssi",
        bits: Bits::B32,
        is: "A flag: whether frames do not follow the SSI convention. Otherwise the start of a \
             sent frame is marked in its first user byte (0x02), and a received frame whose last \
             user byte has 0x01 set, because it ended in an error, gets the error 0x80.",
        sets: "ssi",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "no_crc_check",
        bits: Bits::B32,
        is: "A flag: whether packets of version 2 are received without a look at their CRC. \
             Otherwise those without a right one are dropped.",
        sets: "check_crc",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "no_crc",
        bits: Bits::B32,
        is: "A flag: whether packets of version 2 are sent without a CRC.",
        sets: "send_crc",
        by: By::Conversion("is_clear"),
    },
    RESERVED,
];

pub const EVENT_LOOP_OPTIONS: &[Member] = &[
    Member {
        name: "spin_us",
        bits: Bits::B32,
        is: "Microseconds for which the thread polls for the next event before it sleeps, which \
             keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful. \
             ROGUE_MEM_SPIN_NEVER = none.",
        sets: "spin",
        by: By::Conversion("spin"),
    },
    RESERVED,
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the thread, in bytes; the receivers of frames run on it. At least 2 \
             MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
];

pub const UDP_OPTIONS: &[Member] = &[
    Member {
        name: "jumbo",
        bits: Bits::B32,
        is: "A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000, \
             instead of 1472.",
        sets: "jumbo",
        by: By::Conversion("is_set"),
    },
    Member {
        name: "spin_us",
        bits: Bits::B32,
        is: "Microseconds for which the object's thread polls for the next datagram before it \
             sleeps, which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been \
             successful. ROGUE_MEM_SPIN_NEVER = none.",
        sets: "spin",
        by: By::Conversion("spin"),
    },
    Member {
        name: "event_loop",
        bits: Bits::Handle("event_loop"),
        is: "The event loop in place of a thread of the object's own; the library takes a \
             reference. spin_us and stack_bytes then have no effect. NULL: a thread of its own.",
        sets: "event_loop",
        by: By::Handle,
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the object's thread, in bytes; the receivers of frames run on it. At \
             least 2 MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
];

pub const RSSI_OPTIONS: &[Member] = &[
    Member {
        name: "event_loop",
        bits: Bits::Handle("event_loop"),
        is:
            "The event loop that runs the link's timers, in place of a thread of the object's own; \
             the library takes a reference. If it also brings the datagrams, a receiver of frames \
             that blocks it for longer than max_retran times retran_timeout_ms, 300 ms by default, \
             costs the link. NULL: a thread of its own, which tells the peer meanwhile that this \
             end is busy.",
        sets: "event_loop",
        by: By::Handle,
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is:
            "Stack size of the object's thread, and of that which calls its observer, in bytes. At \
             least 2 MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
];
