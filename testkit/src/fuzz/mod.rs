//! The bodies of the fuzz targets: each takes arbitrary bytes, feeds them to a parser or a state
//! machine of the library, and panics if a promise does not hold.
//!
//! [`TARGETS`] lists them. `fuzz/` has a program for each, for libFuzzer; `tests/fuzz_corpus.rs`
//! replays the committed corpus and mutations of it on any compiler. What they check:
//!
//! * Nothing panics, whatever the bytes are.
//! * However a stream of bytes is cut, the events are the same ([`input::same_for_every_split`]).
//! * What is encoded decodes to the same, and the other way round where the form is the only one.
//! * What a peer causes to be held is bounded by what it has sent ([`heap`]).
//! * State machines keep their invariants, and agree with a naive model where there is one.

pub mod batcher;
pub mod bridge;
pub mod c_abi;
pub mod data_file;
pub mod heap;
pub mod input;
pub mod logging;
mod mechanism;
pub mod packetizer;
pub mod registers;
pub mod rssi;
pub mod sealed;
pub mod srp;
pub mod srp_client;
pub mod zmtp;

/// What a target is about; how often it has to run at least is different for the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// One parser, from bytes to values.
    Parser,
    /// A state machine, driven by the operations that the bytes are taken for.
    Stateful,
}

/// One fuzz target.
pub struct Target {
    /// Of the program in `fuzz/`, and of its folder in the corpus.
    pub name: &'static str,
    /// Parser or state machine.
    pub kind: Kind,
    /// Longest useful input in bytes.
    pub bytes_max: usize,
    /// The function in this module, which its program in `fuzz/` names.
    pub body: &'static str,
    /// Runs it once; panics with a finding.
    pub run: fn(&[u8]),
}

/// One line a target: kind, name, longest useful input in bytes, body.
macro_rules! targets {
    ($($kind:ident $name:literal $bytes_max:literal $body:path;)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: $name,
            kind: Kind::$kind,
            bytes_max: $bytes_max,
            body: stringify!($body),
            run: $body,
        }),*];
    };
}

// `scripts/fuzz` reads these lines too.
targets! {
    Parser "zmtp_elements" 128 zmtp::elements;
    Parser "zmtp_session" 300 zmtp::session;
    Parser "ready_properties" 256 bridge::properties;
    Parser "memory_request" 240 bridge::request;
    Parser "memory_response" 240 bridge::response;
    Parser "stream_frame" 160 bridge::frame;
    Parser "srp_v3" 64 srp::v3;
    Parser "srp_v0" 48 srp::v0;
    Parser "rssi_header" 40 rssi::header;
    Parser "batcher" 200 batcher::batcher;
    Parser "data_file" 120 data_file::records;
    Parser "log_filters" 120 logging::filters;
    Stateful "packetizer" 600 packetizer::packetizer;
    Stateful "rssi_link" 400 rssi::link;
    Stateful "zmtp_sealed" 400 sealed::toy;
    Stateful "zmtp_curve" 600 sealed::curve;
    Stateful "srp_v3_client" 400 srp_client::version_3;
    Stateful "srp_v0_client" 400 srp_client::version_0;
    Stateful "registers" 300 registers::registers;
    Stateful "c_abi" 500 c_abi::operations;
}

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
