//! The objects of the C interface, their options and their statistics.
//!
//! This is data and not part of the library. From it, `tests/header/` generates
//! `src/capi/generated.rs`, and through that the C headers, `cpp/rogue/detail/Objects.h` and
//! `python/rogue/_impl/table.py`. See `docs/abi.md`.

#[path = "table/board.rs"]
mod board;
#[path = "table/bridges.rs"]
mod bridges;
#[path = "table/files.rs"]
mod files;
#[path = "table/members.rs"]
mod members;
#[path = "table/registers.rs"]
mod registers;
#[path = "table/security.rs"]
mod security;
#[path = "table/statistics.rs"]
mod statistics;

use bridges::{
    STREAM_CLIENT_OPTIONS, STREAM_SERVER_OPTIONS, TCP_CLIENT_OPTIONS, TCP_SERVER_OPTIONS,
};
use members::{
    EVENT_LOOP_OPTIONS, PACKETIZER_OPTIONS, RSSI_OPTIONS, SRP_V3_EMULATION_OPTIONS, UDP_OPTIONS,
};

pub use statistics::STATISTICS;

/// An opaque type of the C interface whose handles are counted references.
pub struct Object {
    /// `hub` is `rogue_mem_hub_t`, with `rogue_mem_hub_retain` and `rogue_mem_hub_release`. They
    /// stand in the header where the functions of `hub.rs` do.
    pub name: &'static str,
    /// The Rust type behind a handle.
    pub rust: &'static str,
    /// Description in the header.
    pub is: &'static str,
    /// Name of the argument, and of the object in a sentence.
    pub argument: (&'static str, &'static str),
    /// Additions to the common description of retain and release.
    pub retain: &'static str,
    pub release: &'static str,
    /// Path of the Rust function that releases a reference, if that is not a drop.
    pub released: Option<&'static str>,
    /// Whether only bindings to other languages need its functions.
    pub for_bindings: bool,
}

/// `rogue_mem_<object>_options_t`: the options of an object.
pub struct Options {
    pub object: &'static str,
    /// The Rust structure that it becomes, which has a default.
    pub rust: &'static str,
    pub is: &'static str,
    pub members: &'static [Member],
    /// The first member that a later release has added. The size before it is the minimum size of
    /// the structure. None: there is no such release yet.
    pub grown_from: Option<&'static str>,
}

/// A member of a structure of options, in which 0 and NULL stand for the default.
pub struct Member {
    pub name: &'static str,
    pub bits: Bits,
    /// Description in the header.
    pub is: &'static str,
    /// The field of the Rust structure that it sets.
    pub sets: &'static str,
    /// The source of that field's value.
    pub by: By,
}

/// What a member is: an unsigned integer of some width, a text, or a handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    B32,
    B64,
    /// That of a pointer: a text of UTF-8 that ends in NUL.
    Text,
    /// That of a pointer: a handle of this object.
    Handle(&'static str),
}

/// Source of an option's value.
#[derive(Clone, Copy)]
pub enum By {
    /// A function of `convert.rs`.
    Conversion(&'static str),
    /// One of [`CHOICES`].
    Choice(&'static str),
    /// A reference to the object of a handle.
    Handle,
    /// None yet: a reserved member, which must be 0.
    Reserved,
}

/// An option that is one of several, each with a constant: `ROGUE_MEM_<NAME>_<VALUE>`.
pub struct Choice {
    pub name: &'static str,
    /// The object in whose section of the header the constants stand.
    pub object: &'static str,
    /// The Rust enumeration.
    pub rust: &'static str,
    pub values: &'static [Value],
}

/// One value of a choice.
pub struct Value {
    pub name: &'static str,
    /// Never changes.
    pub number: u32,
    /// The variant of the Rust enumeration.
    pub rust: &'static str,
    pub is: &'static str,
}

/// `rogue_mem_<object>_stats_t` and `rogue_mem_<object>_stats`: the counters of an object. Every
/// member is a `uint64_t`, and has the name of a field of the result of `stats()` in Rust.
pub struct Statistics {
    pub object: &'static str,
    pub is: &'static str,
    /// Name and description.
    pub members: &'static [(&'static str, &'static str)],
    /// As in [`Options`].
    pub grown_from: Option<&'static str>,
}

/// The defaults of an object.
const PLAIN: Object = Object {
    name: "",
    rust: "",
    is: "",
    argument: ("", ""),
    retain: "",
    release: "",
    released: None,
    for_bindings: false,
};

pub const OBJECTS: &[Object] = &[
    Object {
        name: "transaction",
        rust: "crate::memory::Transaction",
        is: "One register access: the request, the place of its data, and its result. \
             Made by rogue_mem_master_request, passed to slaves.",
        argument: ("transaction", "the transaction"),
        retain: "A slave that completes the transaction later keeps one.",
        release: "A transaction that is released without completion ends with its timeout.",
        ..PLAIN
    },
    Object {
        name: "slave",
        rust: "super::handle::SlaveObject",
        is: "Carries out transactions: an object of the library, or a set of callbacks. Two \
             handles of one slave may have different addresses; compare rogue_mem_slave_id.",
        argument: ("slave", "the slave"),
        release: "Masters that the slave is connected to keep it alive.",
        ..PLAIN
    },
    Object {
        name: "master",
        rust: "crate::memory::Master",
        is: "The upstream end of the bus: makes transactions and waits for them.",
        argument: ("master", "the master"),
        release: "Release of the last reference gives up all pending transactions: after it has \
                  returned, no slave touches their buffers.",
        ..PLAIN
    },
    Object {
        name: "hub",
        rust: "crate::memory::Hub",
        is: "A master and a slave in one: forwards transactions with its offset added to their \
             address.",
        argument: ("hub", "the hub"),
        release: "Its halves, and masters that it is connected to, keep it alive as needed.",
        ..PLAIN
    },
    registers::VARIABLE,
    registers::BLOCK,
    Object {
        name: "tcp_server",
        rust: "crate::bridge::TcpServer",
        is: "The serving end of the memory TCP bridge: serves a slave to any number of clients.",
        argument: ("server", "the server"),
        release: "Release of the last reference stops the server.",
        ..PLAIN
    },
    Object {
        name: "tcp_client",
        rust: "crate::bridge::TcpClient",
        is: "The requesting end of the memory TCP bridge: a slave whose other end is a server.",
        argument: ("client", "the client"),
        release:
            "Release of the last reference stops the client. Its slave, and masters that the slave \
             is connected to, hold one each.",
        ..PLAIN
    },
    Object {
        name: "frame",
        rust: "crate::stream::Frame",
        is: "A message of a stream: bytes with flags, a channel and an error.",
        argument: ("frame", "the frame"),
        released: Some("crate::stream::Frame::release"),
        ..PLAIN
    },
    Object {
        name: "stream_slave",
        rust: "super::handle::StreamSlaveObject",
        is: "Receives frames. Two handles of one stream slave may have different addresses.",
        argument: ("slave", "the stream slave"),
        release: "Stream masters that the slave is connected to keep it alive.",
        ..PLAIN
    },
    Object {
        name: "stream_master",
        rust: "crate::stream::Master",
        is: "Sends frames to stream slaves.",
        argument: ("master", "the stream master"),
        ..PLAIN
    },
    Object {
        name: "stream_port",
        rust: "crate::stream::Port",
        is: "Sends and receives frames.",
        argument: ("port", "the port"),
        release: "Its connections remain.",
        ..PLAIN
    },
    Object {
        name: "fifo",
        rust: "crate::stream::Fifo",
        is: "A queue of frames with a thread that delivers them.",
        argument: ("fifo", "the fifo"),
        release: "The fifo and its thread exist as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "filter",
        rust: "crate::stream::Filter",
        is: "Passes on the frames of one channel.",
        argument: ("filter", "the filter"),
        release: "The filter exists as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "rate_drop",
        rust: "crate::stream::RateDrop",
        is: "Drops frames to limit their rate.",
        argument: ("rate_drop", "the rate drop"),
        release: "The rate drop exists as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "stream_server",
        rust: "crate::bridge::StreamServer",
        is: "The listening end of the stream TCP bridge: exchanges frames with any number of \
             clients.",
        argument: ("server", "the server"),
        release: "The server runs as long as it or the slave of its stream port has a reference, \
                  also that of a connected stream master.",
        ..PLAIN
    },
    Object {
        name: "stream_client",
        rust: "crate::bridge::StreamClient",
        is: "The connecting end of the stream TCP bridge: exchanges frames with a server.",
        argument: ("client", "the client"),
        release: "The client runs as long as it or the slave of its stream port has a reference, \
                  also that of a connected stream master.",
        ..PLAIN
    },
    Object {
        name: "srp_v3",
        rust: "crate::protocols::SrpV3",
        is: "Register transactions carried over a stream by SRP version 3.",
        argument: ("srp", "the object"),
        release: "Release of the last reference stops the object.",
        ..PLAIN
    },
    Object {
        name: "srp_v3_emulation",
        rust: "crate::protocols::SrpV3Emulation",
        is: "A device in software that answers SRP version 3.",
        argument: ("device", "the device"),
        release: "The device and its thread exist as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "srp_v0",
        rust: "crate::protocols::SrpV0",
        is: "Register transactions carried over a stream by SRP version 0.",
        argument: ("srp", "the object"),
        release: "Release of the last reference stops the object.",
        ..PLAIN
    },
    Object {
        name: "packetizer",
        rust: "crate::protocols::Packetizer",
        is: "The frames of many destinations, carried over one packet transport.",
        argument: ("packetizer", "the packetizer"),
        release: "Its ports work as long as they are connected.",
        ..PLAIN
    },
    Object {
        name: "prbs",
        rust: "crate::protocols::Prbs",
        is: "Generates and checks frames of pseudo-random bits.",
        argument: ("prbs", "the object"),
        release: "Release of the last reference ends its thread.",
        ..PLAIN
    },
    security::CURVE_KEYS,
    security::CURVE_SERVER,
    security::CURVE_CLIENT,
    security::ACCESS_LIST,
    security::AUDIT,
    Object {
        name: "event_loop",
        rust: "crate::net::EventLoop",
        is: "A thread that several objects share.",
        argument: ("event_loop", "the event loop"),
        release: "The thread ends with the last reference and the last object that uses it.",
        ..PLAIN
    },
    Object {
        name: "udp",
        rust: "crate::protocols::UdpEndpoint",
        is: "A client or a server of a stream over UDP.",
        argument: ("udp", "the client or server"),
        release: "It exists as long as a stream master sends to its port.",
        ..PLAIN
    },
    Object {
        name: "board",
        rust: "crate::protocols::UdpRssiPack",
        is: "The usual road to a board: UDP, RSSI and a packetizer on one thread.",
        argument: ("board", "the road to the board"),
        release: "The road works as long as a stream master sends to one of its ports.",
        ..PLAIN
    },
    Object {
        name: "rssi",
        rust: "crate::protocols::RssiEndpoint",
        is: "A client or a server of a reliable stream over datagrams.",
        argument: ("rssi", "the client or server"),
        release: "It runs as long as a stream master sends to its application port.",
        ..PLAIN
    },
    Object {
        name: "batch",
        rust: "crate::protocols::Batch",
        is: "Where the records of a super-frame lie.",
        argument: ("batch", "the batch"),
        ..PLAIN
    },
    Object {
        name: "batch_combiner",
        rust: "crate::protocols::BatchCombiner",
        is: "Packs frames into super-frames.",
        argument: ("combiner", "the combiner"),
        release: "The combiner exists as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "batch_splitter",
        rust: "crate::protocols::BatchSplitter",
        is: "Splits super-frames into frames.",
        argument: ("splitter", "the splitter"),
        release: "The splitter exists as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "batch_inverter",
        rust: "crate::protocols::BatchInverter",
        is: "Turns the tails of super-frames into headers.",
        argument: ("inverter", "the inverter"),
        release: "The inverter exists as long as its stream port does.",
        ..PLAIN
    },
    Object {
        name: "file_writer",
        rust: "crate::files::FileWriter",
        is: "Records frames in data files.",
        argument: ("writer", "the writer"),
        release:
            "The file is closed, with what is in the buffer, when the writer and its channels \
                  have no reference any more.",
        ..PLAIN
    },
    Object {
        name: "file_channel",
        rust: "crate::files::FileChannel",
        is: "Receives frames for a file writer.",
        argument: ("channel", "the channel"),
        release: "Stream masters that its slave is connected to, and its writer, keep it alive.",
        ..PLAIN
    },
    Object {
        name: "file_reader",
        rust: "crate::files::FileReader",
        is: "Sends the frames of data files.",
        argument: ("reader", "the reader"),
        release: "Release of the last reference ends its thread.",
        ..PLAIN
    },
    Object {
        name: "logger",
        rust: "crate::logging::Logger",
        is: "A named source of log messages.",
        argument: ("logger", "the logger"),
        ..PLAIN
    },
    Object {
        name: "gate",
        rust: "super::callback::CallbackGate",
        is: "Lets callbacks call the program until it is closed.",
        argument: ("gate", "the gate"),
        release: "Sets of callbacks keep their gate alive.",
        for_bindings: true,
        ..PLAIN
    },
];

const LEGACY: Choice = Choice {
    name: "legacy",
    object: "tcp_server",
    rust: "crate::bridge::LegacyPolicy",
    values: &[
        Value {
            name: "auto",
            number: 0,
            rust: "Auto",
            is: "Legacy clients, which announce no session, are identified on the same host by \
                 their process and its ZeroMQ context, or by their user if the server may not \
                 inspect the process; on other hosts by their address. One client is served for \
                 each. A second one is held until the first has left, with an error in the log.",
        },
        Value {
            name: "one_per_address",
            number: 1,
            rust: "OnePerAddress",
            is: "One legacy client is served for each source address.",
        },
        Value {
            name: "local_pid",
            number: 2,
            rust: "LocalPid",
            is: "Legacy clients are identified by their process; those with an invisible process \
                 are not served.",
        },
        Value { name: "refuse", number: 3, rust: "Refuse", is: "Legacy clients are not served." },
    ],
};

const PACK_VERSION: Choice = Choice {
    name: "pack_version",
    object: "board",
    rust: "crate::protocols::PacketizerVersion",
    values: &[
        Value { name: "default", number: 0, rust: "V1", is: "Version 1, as in Rogue." },
        Value {
            name: "1",
            number: 1,
            rust: "V1",
            is: "The packetizer's version 1: one frame at a time, without a checksum.",
        },
        Value {
            name: "2",
            number: 2,
            rust: "V2",
            is: "The packetizer's version 2: destinations interleave, and packets have a CRC.",
        },
    ],
};

pub const CHOICES: &[Choice] = &[LEGACY, PACK_VERSION];

pub const OPTIONS: &[Options] = &[
    Options {
        object: "tcp_server",
        rust: "crate::bridge::ServerOptions",
        is: "Options of a server. Zero-initialise it, set size, and then other members as needed.",
        members: TCP_SERVER_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "audit",
        rust: "crate::security::AuditOptions",
        is: "Options of an audit. Zero-initialise it, set size, and then other members as needed.",
        members: security::AUDIT_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "tcp_client",
        rust: "crate::bridge::ClientOptions",
        is: "Options of a client. Zero-initialise it, set size, and then other members as needed.",
        members: TCP_CLIENT_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "stream_server",
        rust: "crate::bridge::StreamServerOptions",
        is: "Options of a stream server. Zero-initialise it, set size, and then other members as \
             needed.",
        members: STREAM_SERVER_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "stream_client",
        rust: "crate::bridge::StreamClientOptions",
        is: "Options of a stream client. Zero-initialise it, set size, and then other members as \
             needed.",
        members: STREAM_CLIENT_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "srp_v3_emulation",
        rust: "crate::protocols::SrpV3EmulationOptions",
        is: "Options of an emulated device. Zero-initialise it, set size, and then other members \
             as needed.",
        members: SRP_V3_EMULATION_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "packetizer",
        rust: "crate::protocols::PacketizerOptions",
        is: "Options of a packetizer. Zero-initialise it, set size, and then other members as \
             needed.",
        members: PACKETIZER_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "event_loop",
        rust: "crate::net::EventLoopOptions",
        is: "Options of an event loop. Zero-initialise it, set size, and then other members as \
             needed.",
        members: EVENT_LOOP_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "udp",
        rust: "crate::protocols::UdpOptions",
        is: "Options of a client or server. Zero-initialise it, set size, and then other members as \
             needed.",
        members: UDP_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "board",
        rust: "crate::protocols::UdpRssiPackOptions",
        is: "Options of a road. Zero-initialise it, set size, and then other members as needed.",
        members: board::OPTIONS,
        grown_from: None,
    },
    Options {
        object: "file_reader",
        rust: "crate::files::FileReaderOptions",
        is: "Options of a reader. Zero-initialise it, set size, and then other members as needed.",
        members: files::READER_OPTIONS,
        grown_from: None,
    },
    Options {
        object: "rssi",
        rust: "crate::protocols::RssiOptions",
        is: "Options of a client or server. Zero-initialise it, set size, and then other members as \
             needed.",
        members: RSSI_OPTIONS,
        grown_from: None,
    },
];
