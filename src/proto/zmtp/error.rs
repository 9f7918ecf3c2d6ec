//! Why a ZMTP connection fails, and why something cannot be sent.

use crate::proto::text::escape;
use std::fmt;

/// A fault of the peer. It is final: the owner closes the TCP connection without sending more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ZmtpError {
    /// The first octets are not a ZMTP signature.
    NotZmtp {
        /// The received octets instead, at most 10.
        first_octets: Vec<u8>,
    },
    /// The peer's major version is older than 3.
    Version {
        /// The major version it announced.
        major: u8,
    },
    /// The peer uses another security mechanism.
    Mechanism {
        /// The peer's mechanism, escaped.
        peer: String,
        /// Our mechanism.
        own: &'static str,
    },
    /// The peer sent something other than the READY or ERROR command that was expected.
    Handshake {
        /// A description of what it sent.
        found: String,
    },
    /// The peer sent a frame although our READY had not been sent.
    EarlyTraffic,
    /// A property of the peer's READY is cut short.
    Metadata {
        /// Offset of that property in the metadata, in octets.
        offset: usize,
    },
    /// The peer's READY has no `Socket-Type`.
    NoSocketType,
    /// The peer's socket type does not match ours.
    SocketType {
        /// The peer's socket type, escaped.
        peer: String,
        /// The matching socket type.
        expected: &'static str,
    },
    /// A PULL socket sent a message.
    UnexpectedMessage,
    /// A message frame is larger than this end allows.
    FrameTooLarge {
        /// Announced size in octets.
        len: u64,
        /// The limit in octets.
        limit: u64,
    },
    /// A command frame is larger than this end allows.
    CommandTooLarge {
        /// Announced size in octets.
        len: u64,
        /// The limit in octets.
        limit: u64,
    },
    /// A sealed frame was altered on its way, or the peer did not seal it.
    NotGenuine,
    /// A command of a CURVE handshake did not open: the peer has another key than it should, or the
    /// command was altered on its way.
    NotAuthentic {
        /// The name of the command.
        command: &'static str,
    },
    /// No memory is left for what the peer has sent.
    OutOfMemory {
        /// Octets of it.
        len: u64,
    },
    /// The peer sent an ERROR command. An immediate reconnection is unlikely to succeed.
    Refused {
        /// The peer's reason, escaped; empty if it gave none.
        reason: String,
    },
    /// The peer sent an ERROR command after the handshake: it ends the connection.
    Dismissed {
        /// The peer's reason, escaped; empty if it gave none.
        reason: String,
    },
}

/// Makes room for `more` octets that the peer has sent.
pub(super) fn reserve(buffer: &mut Vec<u8>, more: usize) -> Result<(), ZmtpError> {
    let len = (buffer.len() + more) as u64;
    buffer.try_reserve(more).map_err(|_| ZmtpError::OutOfMemory { len })
}

impl ZmtpError {
    /// Whether the peer has another security mechanism, or does not have the key that it should.
    pub fn is_of_mechanism(&self) -> bool {
        matches!(self, ZmtpError::Mechanism { .. } | ZmtpError::NotAuthentic { .. })
    }
}

impl fmt::Display for ZmtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ZmtpError::NotZmtp { first_octets } => write!(
                f,
                "the peer does not speak ZMTP (it starts with \"{}\"): \
                 check that the port belongs to a memory bridge",
                escape(first_octets)
            ),
            ZmtpError::Version { major } => write!(
                f,
                "the peer speaks ZMTP {major}, at least ZMTP 3 is needed: \
                 update its ZeroMQ library to 4.0 or newer"
            ),
            ZmtpError::Mechanism { peer, own } => {
                write!(f, "the peer {}", mechanism_text(peer, own))
            }
            ZmtpError::Handshake { found } => {
                write!(f, "the peer sent {found} instead of the READY command")
            }
            ZmtpError::EarlyTraffic => {
                write!(f, "the peer sent a frame before it could have received our READY command")
            }
            ZmtpError::Metadata { offset } => {
                write!(f, "the peer's READY command is malformed: property at octet {offset}")
            }
            ZmtpError::NoSocketType => {
                write!(f, "the peer's READY command has no Socket-Type property")
            }
            ZmtpError::SocketType { peer, expected } => write!(
                f,
                "the peer is a {peer} socket where a {expected} socket is needed: check the port \
                 number, requests use the base port and responses the next one"
            ),
            ZmtpError::UnexpectedMessage => f.write_str(
                "the peer sent a message although it is a PULL socket, which only receives",
            ),
            ZmtpError::FrameTooLarge { len, limit } => {
                write!(f, "the peer announced a frame of {len} octets, the limit is {limit}")
            }
            ZmtpError::CommandTooLarge { len, limit } => {
                write!(f, "the peer announced a command of {len} octets, the limit is {limit}")
            }
            ZmtpError::NotGenuine => write!(
                f,
                "a frame could not be opened: it was altered on its way, or sealed by another peer"
            ),
            ZmtpError::NotAuthentic { command } => {
                write!(f, "the peer's {command} {}", not_authentic_text(command))
            }
            ZmtpError::OutOfMemory { len } => {
                write!(f, "there is no memory for {len} octets that the peer has sent")
            }
            ZmtpError::Refused { reason } => {
                write!(f, "the peer refused the connection{}", reason_text(reason))
            }
            ZmtpError::Dismissed { reason } => {
                write!(f, "the peer ended the connection{}", reason_text(reason))
            }
        }
    }
}

/// What it may mean that a peer closes the connection while the ends greet each other, and the remedy.
/// It `has_begun` to greet, or not; this end seals with its mechanism `own`, or not.
pub(super) fn closed_early_text(own: &str, has_begun: bool, seals: bool) -> String {
    const UNANSWERED: &str =
        "no greeting has come: its access list may not let this host in, it may \
                              be full, or a tunnel may lead to no server";
    let other_mechanism = format!(
        "it may require another security mechanism than {own}: give both ends their CURVE keys, or none"
    );
    match (has_begun, seals) {
        (true, _) => other_mechanism,
        (false, true) => format!("{other_mechanism}; or {UNANSWERED}"),
        (false, false) => UNANSWERED.to_owned(),
    }
}

fn reason_text(reason: &str) -> String {
    match reason {
        "" => " without a reason".to_owned(),
        _ => format!(": {reason}"),
    }
}

/// How the mechanism of a peer and ours do not fit, and the remedy.
fn mechanism_text(peer: &str, own: &str) -> String {
    match (peer, own) {
        (_, "CURVE") => format!(
            "uses the security mechanism \"{peer}\", and this end accepts CURVE only: give both ends \
             their CURVE keys"
        ),
        ("CURVE", _) => format!(
            "requires CURVE, and this end uses \"{own}\": give this end its CURVE keys, and the \
             public key of the server"
        ),
        _ => format!(
            "uses the security mechanism \"{peer}\" and this end \"{own}\": configure both alike"
        ),
    }
}

/// What it means that a command of a CURVE handshake does not open.
fn not_authentic_text(command: &str) -> &'static str {
    match command {
        "HELLO" => "does not fit this server's key: give the client the public key of this server",
        "WELCOME" | "READY" => {
            "does not fit the public key that this client was given: it is another server, or was \
             altered on its way"
        }
        _ => "is not that of the owner of its key, or was altered on its way",
    }
}

impl std::error::Error for ZmtpError {}

/// Why something was not sent. Nothing has been queued; the connection is not affected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The handshake is not complete: our READY or the peer's is missing, or the session failed.
    NotReady,
    /// Our READY has been sent before, or the session has failed.
    ReadySent,
    /// A property's name or value cannot be expressed, or the READY would be too long.
    Property {
        /// The property's name, escaped.
        name: String,
    },
    /// This peer might take a PING for application data.
    PingNotSupported,
    /// The time to live of the PING is above
    /// [`PING_TTL_MAX_DS`](super::command::PING_TTL_MAX_DS).
    PingTtl,
    /// Too much control output waits to be taken.
    OutputFull,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::NotReady => write!(f, "the ZMTP handshake is not complete"),
            SendError::ReadySent => write!(f, "the READY command has already been sent"),
            SendError::Property { name } => {
                write!(f, "the READY property \"{name}\" cannot be sent")
            }
            SendError::PingNotSupported => write!(f, "the peer is not known to understand PING"),
            SendError::PingTtl => write!(f, "the PING's time to live is above 65.5 s"),
            SendError::OutputFull => write!(f, "earlier control output has not been taken"),
        }
    }
}

impl std::error::Error for SendError {}
