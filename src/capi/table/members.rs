//! The members of each object's options.

use super::{Bits, By, Member};

/// The same for every end of a bridge over TCP.
const HOST_SILENCE_MS_MAX: Member = Member {
    name: "host_silence_ms_max",
    bits: Bits::B32,
    is: "Milliseconds for which the other host may be silent, because it has lost its power or the \
         network is cut, before the connection is given up; its system answers probes otherwise, \
         also while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.",
    sets: "host_silence_max",
    by: By::Conversion("milliseconds"),
};

const RESERVED: Member =
    Member { name: "reserved", bits: Bits::B32, is: "Must be 0.", sets: "", by: By::Reserved };

pub const TCP_SERVER_OPTIONS: &[Member] = &[
    Member {
        name: "window",
        bits: Bits::B32,
        is: "Maximum number of requests of one client outstanding at the slave; 1 = strictly one \
             at a time, 0 = 1024.",
        sets: "window",
        by: By::Conversion("count"),
    },
    Member {
        name: "legacy",
        bits: Bits::B32,
        is: "ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.",
        sets: "legacy",
        by: By::Choice("legacy"),
    },
    Member {
        name: "settle_ms",
        bits: Bits::B32,
        is: "Milliseconds for which the connections of one address must have been unambiguous \
             before they are paired, if ports and processes do not decide; 0 = 400.",
        sets: "settle",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "clients_max",
        bits: Bits::B32,
        is: "Maximum number of clients; 0 = 1024.",
        sets: "clients_max",
        by: By::Conversion("count"),
    },
    Member {
        name: "transaction_bytes_max",
        bits: Bits::B64,
        is: "Size limit of a transaction, in bytes; larger requests are refused. 0 = 64 MiB.",
        sets: "transaction_bytes_max",
        by: By::Conversion("transaction_bytes"),
    },
    Member {
        name: "spin_us",
        bits: Bits::B32,
        is: "Microseconds for which the server polls for the next request before it sleeps, which \
             keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful. \
             ROGUE_MEM_SPIN_NEVER = none.",
        sets: "spin",
        by: By::Conversion("spin"),
    },
    Member {
        name: "no_duplex",
        bits: Bits::B32,
        is: "A flag: whether every client gets its answers on a separate connection, as in Rogue. \
             Otherwise answers use the connection of the requests if the client agrees, which \
             saves both systems acknowledgements.",
        sets: "duplex",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the server's thread, in bytes; the slave runs on it. At least 2 MiB. \
             0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
    Member {
        name: "descriptors_reserved",
        bits: Bits::B32,
        is: "Descriptors that the server leaves to the program. If fewer are free below the \
             process's soft limit (\"ulimit -n\"), it closes connections that belong to no client, \
             or accepts none. 0 = a tenth of the limit, at least 32. At most half of the limit.",
        sets: "descriptors_reserved",
        by: By::Conversion("number"),
    },
    Member {
        name: "legacy_shared_process",
        bits: Bits::B32,
        is: "A flag: whether the legacy clients of one process of this host, or of one ZeroMQ \
             context of it, are served together, where legacy is ROGUE_MEM_LEGACY_AUTO or \
             ROGUE_MEM_LEGACY_LOCAL_PID. Each answer then goes to all of their response \
             connections, the one exception to \"to the client that asked, or to nobody\". This is \
             correct if request ids are unique in a process, as those of Rogue's clients are, \
             which drop an answer with an unknown id. Without the flag the second of them is held \
             until the first has left.",
        sets: "legacy_shared_process",
        by: By::Conversion("is_set"),
    },
    UNIX_MODE,
    HOST_SILENCE_MS_MAX,
];

/// Permissions of the files of a server at a path.
const UNIX_MODE: Member = Member {
    name: "unix_mode",
    bits: Bits::B32,
    is: "Permissions of the files at a path (\"unix:/run/board.sock\"), at most 0777: users \
         that may write to them may connect. 0 = 0600, which lets in this user only.",
    sets: "unix_mode",
    by: By::Conversion("number"),
};

pub const TCP_CLIENT_OPTIONS: &[Member] = &[
    Member {
        name: "wait_ready",
        bits: Bits::B32,
        is: "A flag: whether rogue_mem_tcp_client_start waits for the server.",
        sets: "wait_ready",
        by: By::Conversion("is_set"),
    },
    Member {
        name: "probe_legacy",
        bits: Bits::B32,
        is: "A flag: whether readiness probes are also sent to servers that have not announced \
             them. Probes crash a running SURF simulation.",
        sets: "probe_legacy",
        by: By::Conversion("is_set"),
    },
    Member {
        name: "window",
        bits: Bits::B32,
        is: "Maximum number of requests in flight; further ones wait. 0 = 400 for servers \
             that announce no session, 8192 for others.",
        sets: "window",
        by: By::Conversion("count"),
    },
    Member {
        name: "spin_us",
        bits: Bits::B32,
        is: "Microseconds for which a thread that waits for an answer polls before it sleeps, \
             which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been \
             successful. ROGUE_MEM_SPIN_NEVER = none.",
        sets: "spin",
        by: By::Conversion("spin"),
    },
    Member {
        name: "transaction_bytes_max",
        bits: Bits::B64,
        is: "Size limit of a transaction, in bytes; 0 = not limited.",
        sets: "transaction_bytes_max",
        by: By::Conversion("transaction_bytes"),
    },
    Member {
        name: "no_direct",
        bits: Bits::B32,
        is: "A flag: whether the client's own thread reads all answers. Otherwise a thread that \
             waits for an answer reads them itself, which saves a thread switch.",
        sets: "direct",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "no_duplex",
        bits: Bits::B32,
        is: "A flag: whether every server sends answers on a separate connection, as in Rogue. \
             Otherwise answers use the connection of the requests if the server agrees, which \
             saves both systems acknowledgements.",
        sets: "duplex",
        by: By::Conversion("is_clear"),
    },
    Member {
        name: "stack_bytes",
        bits: Bits::B64,
        is: "Stack size of the client's thread, in bytes; observers run on it. At least 2 MiB. \
             0 = the size of other threads of the process (\"ulimit -s\").",
        sets: "stack_bytes",
        by: By::Conversion("stack_bytes"),
    },
    Member {
        name: "shared_loop",
        bits: Bits::B32,
        is: "A flag: whether the client shares one thread with all other clients of the process \
             that have this flag: 1000 of them then cost two threads. Observers of all these \
             clients, and of their transactions, run on the second thread, one at a time: an \
             observer that blocks delays the other observers, but no client. stack_bytes then has \
             no effect.",
        sets: "shared_loop",
        by: By::Conversion("is_set"),
    },
    HOST_SILENCE_MS_MAX,
];

const QUEUE_BYTES_MAX: Member = Member {
    name: "queue_bytes_max",
    bits: Bits::B64,
    is: "Limit of the bytes of frames that wait to be sent. Once it is reached, further senders \
         wait until half of it is free. One frame is always allowed. 0 = 4 MiB.",
    sets: "limits.queue_bytes_max",
    by: By::Conversion("bytes"),
};

const SEND_WAIT_MS_MAX: Member = Member {
    name: "send_wait_ms_max",
    bits: Bits::B32,
    is:
        "Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is \
         dropped, counted, and logged. 0 = as long as it takes, as in Rogue. \
         ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.",
    sets: "limits.send_wait_max",
    by: By::Conversion("wait"),
};

const FRAME_BYTES_MAX: Member = Member {
    name: "frame_bytes_max",
    bits: Bits::B64,
    is: "Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged. \
         0 = 256 MiB.",
    sets: "limits.frame_bytes_max",
    by: By::Conversion("transaction_bytes"),
};

const STREAM_SPIN_US: Member = Member {
    name: "spin_us",
    bits: Bits::B32,
    is:
        "Microseconds for which its thread polls before it sleeps, which keeps a processor busy. \
         0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.",
    sets: "spin",
    by: By::Conversion("spin"),
};

const STREAM_STACK_BYTES: Member = Member {
    name: "stack_bytes",
    bits: Bits::B64,
    is: "Stack size of its thread, in bytes; the receivers of its frames run on it. At least \
         2 MiB. 0 = the size of other threads of the process (\"ulimit -s\").",
    sets: "stack_bytes",
    by: By::Conversion("stack_bytes"),
};

pub const STREAM_SERVER_OPTIONS: &[Member] = &[
    QUEUE_BYTES_MAX,
    FRAME_BYTES_MAX,
    STREAM_STACK_BYTES,
    SEND_WAIT_MS_MAX,
    STREAM_SPIN_US,
    Member {
        name: "legacy",
        bits: Bits::B32,
        is: "ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.",
        sets: "legacy",
        by: By::Choice("legacy"),
    },
    Member {
        name: "settle_ms",
        bits: Bits::B32,
        is: "Milliseconds for which the connections of one address must have been unambiguous \
             before they are paired, if ports and processes do not decide; 0 = 400.",
        sets: "settle",
        by: By::Conversion("milliseconds"),
    },
    Member {
        name: "clients_max",
        bits: Bits::B32,
        is: "Maximum number of clients; 0 = 1024.",
        sets: "clients_max",
        by: By::Conversion("count"),
    },
    Member {
        name: "descriptors_reserved",
        bits: Bits::B32,
        is: "Descriptors that the server leaves to the program, see \
             rogue_mem_tcp_server_options_t.",
        sets: "descriptors_reserved",
        by: By::Conversion("number"),
    },
    UNIX_MODE,
    HOST_SILENCE_MS_MAX,
];

pub const STREAM_CLIENT_OPTIONS: &[Member] = &[
    QUEUE_BYTES_MAX,
    FRAME_BYTES_MAX,
    STREAM_STACK_BYTES,
    SEND_WAIT_MS_MAX,
    STREAM_SPIN_US,
    HOST_SILENCE_MS_MAX,
    RESERVED,
];

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
