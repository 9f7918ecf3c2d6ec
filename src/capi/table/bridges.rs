//! The members of the options of both bridges.

use super::members::RESERVED;
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

const CLIENTS_PER_ADDRESS_MAX: Member = Member {
    name: "clients_per_address_max",
    bits: Bits::B32,
    is: "Clients of one address, or of one user by Unix-domain connections, served at once, at \
         most: the longest idle one of them makes room for another. 0 = as many as clients_max.",
    sets: "clients_per_address_max",
    by: By::Conversion("count"),
};

const MALFORMED_PER_SECOND_MAX: Member = Member {
    name: "malformed_per_second_max",
    bits: Bits::B32,
    is:
        "A client is disconnected that sends this many malformed messages in a second. 0 = 16, the \
         largest number = never.",
    sets: "malformed_per_second_max",
    by: By::Conversion("number"),
};

const CURVE_SERVER: Member = Member {
    name: "curve",
    bits: Bits::Handle("curve_server"),
    is: "The server's keys, and the clients that it accepts: all connections are encrypted, and \
         both ends have proved their keys. The server takes a reference. NULL: all connections are \
         in the clear.",
    sets: "curve",
    by: By::Handle,
};

const ACCESS_LIST: Member = Member {
    name: "access_list",
    bits: Bits::Handle("access_list"),
    is: "The peers that may connect, and, of a tcp_server, what each of them may do. The server takes \
         a reference. NULL: every peer that reaches the server may do everything that its other \
         options permit.",
    sets: "access_list",
    by: By::Handle,
};

const CURVE_CLIENT: Member = Member {
    name: "curve",
    bits: Bits::Handle("curve_client"),
    is: "The client's keys, and the server's public key: the connection is encrypted, and both ends \
         have proved their keys. The client takes a reference. NULL: it is in the clear.",
    sets: "curve",
    by: By::Handle,
};

const AUDIT: Member = Member {
    name: "audit",
    bits: Bits::Handle("audit"),
    is: "Gets a record of each write when it has ended, also of refused ones, and of reads if it was \
         made so. The server takes a reference. NULL: nothing is recorded.",
    sets: "audit",
    by: By::Handle,
};

const LEGACY: Member = Member {
    name: "legacy",
    bits: Bits::B32,
    is: "ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.",
    sets: "legacy",
    by: By::Choice("legacy"),
};

const SETTLE_MS: Member = Member {
    name: "settle_ms",
    bits: Bits::B32,
    is: "Milliseconds for which the connections of one address must have been unambiguous \
         before they are paired, if ports and processes do not decide; 0 = 400.",
    sets: "settle",
    by: By::Conversion("milliseconds"),
};

pub const TCP_SERVER_OPTIONS: &[Member] = &[
    CURVE_SERVER,
    ACCESS_LIST,
    AUDIT,
    Member {
        name: "window",
        bits: Bits::B32,
        is: "Maximum number of requests of one client outstanding at the slave; 1 = strictly one \
             at a time, 0 = 1024.",
        sets: "window",
        by: By::Conversion("count"),
    },
    LEGACY,
    SETTLE_MS,
    Member {
        name: "clients_max",
        bits: Bits::B32,
        is:
            "Clients served at once, at most. When there are that many, the longest idle client of \
             the address that has most of them makes room for another; none does that has \
             requests outstanding, or was used within the last second. 0 = 1024.",
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
    ADDRESSES,
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
    PROGRESS_PER_SECOND_MIN,
    Member {
        name: "read_only",
        bits: Bits::B32,
        is: "A flag: whether every client may read only, whatever access_list says. A write is \
             answered with an error, and does not reach the slave.",
        sets: "read_only",
        by: By::Conversion("is_set"),
    },
    CLIENTS_PER_ADDRESS_MAX,
    MALFORMED_PER_SECOND_MAX,
    BUDGET_BYTES_MAX,
];

/// Where a server listens besides.
const ADDRESSES: Member = Member {
    name: "addresses",
    bits: Bits::Text,
    is: "Further addresses at which the server listens, at most 31, between commas: \
         \"192.168.1.5:9000, [fe80::1%eth0]:9000, unix:/run/board.sock\". It listens at all of them, \
         or at none.",
    sets: "addresses",
    by: By::Conversion("list"),
};

const PROGRESS_PER_SECOND_MIN: Member = Member {
    name: "progress_per_second_min",
    bits: Bits::B32,
    is: "Bytes per second with which a client has to go on with a message that it has begun, and, of \
         a tcp_server, to read its answers. A client that falls behind by 10 s is disconnected. 0 = \
         4096. ROGUE_MEM_PROGRESS_ANY = no limit.",
    sets: "progress_per_second_min",
    by: By::Conversion("progress"),
};

const BUDGET_BYTES_MAX: Member = Member {
    name: "budget_bytes_max",
    bits: Bits::B64,
    is: "Bytes that the server holds for all of its clients together: requests and frames, complete or \
         in part, and what clients have not read. A part of the budget of the process, \
         rogue_mem_budget_set_max. Clients for which there is no room are not read until there is. \
         One transaction or frame takes at most half of it. 0 = a quarter of what the process may have \
         (control group, address space, memory of the host), at most 1 GiB.",
    sets: "budget_bytes_max",
    by: By::Conversion("number64"),
};

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
    CURVE_CLIENT,
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
    CURVE_SERVER,
    ACCESS_LIST,
    QUEUE_BYTES_MAX,
    FRAME_BYTES_MAX,
    ADDRESSES,
    STREAM_STACK_BYTES,
    SEND_WAIT_MS_MAX,
    STREAM_SPIN_US,
    LEGACY,
    SETTLE_MS,
    Member {
        name: "clients_max",
        bits: Bits::B32,
        is:
            "Clients served at once, at most. When there are that many, the longest idle client of \
             the address that has most of them makes room for another; none does to which frames \
             are being sent, or that was used within the last second. 0 = 1024.",
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
    PROGRESS_PER_SECOND_MIN,
    CLIENTS_PER_ADDRESS_MAX,
    MALFORMED_PER_SECOND_MAX,
    RESERVED,
    BUDGET_BYTES_MAX,
];

pub const STREAM_CLIENT_OPTIONS: &[Member] = &[
    CURVE_CLIENT,
    QUEUE_BYTES_MAX,
    FRAME_BYTES_MAX,
    STREAM_STACK_BYTES,
    SEND_WAIT_MS_MAX,
    STREAM_SPIN_US,
    HOST_SILENCE_MS_MAX,
    RESERVED,
];
