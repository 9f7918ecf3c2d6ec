//! ZMTP 3.0 and 3.1 (RFC 23, RFC 37) for PUSH and PULL with the NULL mechanism, without any I/O.
//!
//! One [`Session`] is one TCP connection. How to drive it:
//!
//! 1. Make a [`Session`]. Its greeting is already queued; take it with [`Session::take_output`]
//!    and write it. Do not wait for the peer first.
//! 2. Call [`Session::send_ready`] as soon as this end may commit itself: a connecting client at
//!    once, a server when it knows whom it serves. Until then the peer cannot send anything.
//! 3. Feed every octet read from the socket to [`Session::receive`], again and again with what it
//!    left, until it returns no event. Everything has then been consumed.
//! 4. After each call of `receive` (it may have queued a PONG) and of `send_ready` or
//!    [`Session::ping`], take the queued output and write it, but only between two messages of
//!    one's own: a command in the middle of a multipart message is legal and unkind.
//! 5. Once [`Session::traffic_allowed`], messages may be written: with [`Session::send_message`],
//!    or encoded by [`frame`] or [`crate::proto::bridge`] directly, after the queued output.
//! 6. Any error is final. Close the TCP connection and say nothing more: a libzmq connector that
//!    sees a protocol error never connects again, one that sees its connection closed does.
//!
//! Nothing is allocated for what a frame header announces: message bodies are handed out in
//! slices of the caller's own input, command bodies are bounded by [`COMMAND_OCTETS_MAX`].

pub mod command;
pub mod error;
pub mod frame;
pub mod greeting;
pub mod metadata;
mod null;
pub mod session;

pub use error::{SendError, ZmtpError};
pub use metadata::Metadata;
pub use session::{Event, Limits, Session};
pub use session::{COMMAND_OCTETS_MAX, CONTROL_OUTPUT_OCTETS_MAX, READY_OCTETS_MAX};

/// Socket type of one end (RFC 30): a PUSH sends messages, a PULL receives them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Sends messages; its peer must be a PULL.
    Push,
    /// Receives messages; its peer must be a PUSH.
    Pull,
}

impl Role {
    /// The name in the `Socket-Type` property, upper case as libzmq requires it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Push => "PUSH",
            Role::Pull => "PULL",
        }
    }

    /// The only socket type this one may be connected to.
    pub const fn peer(self) -> Role {
        match self {
            Role::Push => Role::Pull,
            Role::Pull => Role::Push,
        }
    }
}
