//! What is known of a connection's client, and how that is put into words.

use crate::peer::Origin;
use crate::proto::bridge::SessionId;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

/// Identifies a connection; chosen by the owner of the sockets.
pub type ConnectionId = usize;

/// The direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Requests, from the client.
    Request,
    /// Responses, to the client.
    Response,
}

/// The identity of a connection's client, as far as known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Identity {
    /// A client that announced its session: exact.
    Session(SessionId),
    /// A client that announced its session, and proved the possession of this key: exact, and nobody
    /// else's, whatever he has seen on the wire.
    KeyedSession(SessionId, PublicKey),
    /// A client without a session that proved the possession of this key: exact, unless several
    /// clients have it.
    Key(PublicKey),
    /// A legacy client in this process of this host (process id, start time): exact, unless the
    /// process has several clients to this server.
    Process(u32, u64),
    /// A legacy client in this ZeroMQ context of a process (process id, start time, epoll
    /// descriptor): exact, unless the context has several clients to this server.
    Context(u32, u64, u32),
    /// A legacy client in any process of this user, at this address of this host; the user may have
    /// others.
    User(u32, Origin),
    /// A legacy client of this origin, which may have others.
    Origin(Origin),
    /// A legacy client that is not served.
    Refused,
}

impl Identity {
    /// That of a client with this session, if it has announced one, and this key, if it has proved to
    /// have one. `None` if both are missing: then its process or its origin decides.
    pub fn of(
        session: Option<SessionId>,
        key: Option<PublicKey>,
        serves_legacy: bool,
    ) -> Option<Identity> {
        match (session, key) {
            (Some(session), Some(key)) => Some(Identity::KeyedSession(session, key)),
            (Some(session), None) => Some(Identity::Session(session)),
            (None, Some(_)) if !serves_legacy => Some(Identity::Refused),
            (None, Some(key)) => Some(Identity::Key(key)),
            (None, None) => None,
        }
    }

    /// Whether nothing about the connection's owner on its host has led to it.
    pub fn is_announced(self) -> bool {
        use Identity::{Key, KeyedSession, Session};
        matches!(self, Session(_) | KeyedSession(..) | Key(_))
    }

    /// The process and its start time, if they are known.
    pub fn process(self) -> Option<(u32, u64)> {
        match self {
            Identity::Process(pid, start) | Identity::Context(pid, start, _) => Some((pid, start)),
            _ => None,
        }
    }

    /// Whether a connection that has not announced itself may turn out to have this identity. Its
    /// context is known only after the announcement.
    pub fn may_be_of(self, owner: Option<Identity>) -> bool {
        let Some(owner) = owner else { return true };
        if let Identity::Key(_) = self {
            // Any process may have it.
            return true;
        }
        match (self.process(), owner.process()) {
            (None, None) => self == owner,
            (mine, other) => mine == other,
        }
    }
}

/// Why clients are held, and the remedy.
pub fn explain(identity: Identity, has_pair: bool) -> (String, &'static str) {
    let (place, help) = match identity {
        Identity::Process(pid, _) => (
            format!("process {pid}"),
            "Give each client a process or a ZeroMQ context of its own, with one I/O thread, or \
             set the server's option legacy_shared_process, or use this library's TcpClient",
        ),
        Identity::Context(pid, ..) => (
            format!("one ZeroMQ context of process {pid}"),
            "Give each client a context of its own, or set the server's option \
             legacy_shared_process, or use this library's TcpClient",
        ),
        Identity::User(user, origin) => (
            format!("user {user} at {origin}, whose processes the server may not inspect"),
            "Run the server as that user or with CAP_SYS_PTRACE, or use this library's TcpClient",
        ),
        Identity::Origin(origin) => (
            origin.to_string(),
            "Give each client a server on a port of its own, or use this library's TcpClient",
        ),
        Identity::Key(key) => (
            format!("the key {key}"),
            "Give each client a key pair of its own, or use this library's TcpClient",
        ),
        Identity::Session(_) | Identity::KeyedSession(..) | Identity::Refused => {
            let cause = "they announce no session, and such clients are refused here, or those \
                         whose process cannot be inspected";
            let help = "Set the server's option legacy, or use this library's TcpClient";
            return (cause.to_owned(), help);
        }
    };
    let cause = match has_pair {
        true => format!(
            "a legacy client of {place} is served, and nothing would tell its answers from \
             those of a second one, which waits until it has left"
        ),
        false => format!(
            "of the legacy clients of {place} nothing tells which connections belong together"
        ),
    };
    (cause, help)
}
