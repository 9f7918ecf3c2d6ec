//! ZMTP 3.0 and 3.1 (RFC 23, RFC 37) for PUSH and PULL, without any I/O. The mechanism is NULL, or
//! another one behind the same interface, [`Mechanism`].
//!
//! One [`Session`] is one TCP connection. How to drive it:
//!
//! 1. Create a [`Session`]. Its greeting is queued; take it with [`Session::take_output`] and write
//!    it. Do not wait for the peer first.
//! 2. Call [`Session::send_ready`] as soon as this end may commit itself: a connecting client at
//!    once, a server when it knows its client. Until then the peer cannot send anything.
//! 3. Pass every octet from the socket to [`Session::receive`], repeatedly with the rest of the
//!    input, until it returns no event. All input has been consumed then.
//! 4. After each call of `receive` (it may have queued a PONG) and of `send_ready` or
//!    [`Session::ping`], take the queued output and write it, but only between two messages: a
//!    command in the middle of a multipart message is legal, but some peers handle it badly.
//! 5. Once [`Session::traffic_allowed`], a [`Role::Push`] may write messages, encoded by [`frame`] or
//!    [`crate::proto::bridge`], after the queued output.
//! 6. Any error is final. Close the TCP connection without sending more: a libzmq connector that
//!    sees a protocol error never connects again, one that sees its connection closed does.
//!
//! Where the mechanism [seals](Session::seals), octets on the wire and octets of the session are
//! not the same. What is read goes through [`Session::open`] before it is fed to `receive`, and
//! what is sent through the [`Sealer`] of [`Session::take_sealer`].
//!
//! Nothing is allocated for announced frame sizes: message bodies are returned in slices of the
//! caller's input, command bodies are bounded by [`COMMAND_OCTETS_MAX`].

pub mod command;
pub mod error;
pub mod frame;
pub mod greeting;
pub mod mechanism;
pub mod metadata;
mod null;
pub mod session;

use crate::proto::text::escape;
use metadata::SOCKET_TYPE;

pub use error::{SendError, ZmtpError};
pub use mechanism::{Mechanism, Opener, Sealer};
pub use metadata::Metadata;
pub use null::Null;
pub use session::{Event, Limits, Session};
pub use session::{COMMAND_OCTETS_MAX, CONTROL_OUTPUT_OCTETS_MAX, READY_OCTETS_MAX};

/// Octets of a peer's name for something that an error text shows.
const NAME_SHOWN_OCTETS_MAX: usize = 32;

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

    /// The role for a peer with these properties: the one that matches its `Socket-Type`. An end
    /// that may have one only has that one for its `own`; any other takes what the peer needs.
    ///
    /// # Errors
    ///
    /// [`ZmtpError::SocketType`], [`ZmtpError::NoSocketType`].
    pub fn matching(own: Option<Role>, peer: &Metadata) -> Result<Role, ZmtpError> {
        let name = peer.property(SOCKET_TYPE).ok_or(ZmtpError::NoSocketType)?;
        let roles = [Role::Push, Role::Pull].into_iter();
        let mut allowed = roles.filter(|&role| own.is_none_or(|own| own == role));
        allowed.find(|role| role.peer().name().as_bytes() == name).ok_or_else(|| {
            let shown = escape(&name[..name.len().min(NAME_SHOWN_OCTETS_MAX)]);
            let expected = own.map_or("PUSH or PULL", |own| own.peer().name());
            ZmtpError::SocketType { peer: shown, expected }
        })
    }

    /// The matching socket type.
    pub const fn peer(self) -> Role {
        match self {
            Role::Push => Role::Pull,
            Role::Pull => Role::Push,
        }
    }
}
