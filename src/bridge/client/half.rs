//! One of a client's two connections, and why it may have to be given up.

use std::io;

use crate::bridge::wire::{Wire, REQUESTS_UNREAD_TIME_MAX};
use crate::net::socket::cause_text;
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::PeerInfo;
use crate::proto::zmtp::ZmtpError;

/// One of the two connections.
pub(super) struct Half {
    pub(super) wire: Wire,
    pub(super) token: usize,
    pub(super) port: u16,
    pub(super) connected: bool,
    /// The server's READY has come, with this.
    pub(super) ready: Option<PeerInfo>,
}

/// Why a connection is to be given up.
pub(super) struct Failure {
    pub(super) text: String,
    /// The server has refused the client in words.
    pub(super) refused: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure { text, refused: false }
    }
}

impl Failure {
    /// Something that happened to the connection with `remote`.
    pub(super) fn at(remote: &str, error: &io::Error) -> Failure {
        format!("{remote}: {}", cause_text(error)).into()
    }
}

impl Half {
    pub(super) fn remote(&self) -> String {
        match self.wire.stream.peer_addr() {
            Ok(address) => address.to_string(),
            Err(_) => format!("port {}", self.port),
        }
    }

    /// The TCP connection stands: says hello.
    pub(super) fn greet(&mut self, announcement: &Announcement) -> Result<(), Failure> {
        let remote = self.remote();
        self.wire
            .configure(REQUESTS_UNREAD_TIME_MAX)
            .map_err(|error| Failure::at(&remote, &error))?;
        self.connected = true;
        self.wire
            .session
            .send_ready(&announcement.properties())
            .map_err(|error| Failure::from(format!("{remote}: {error}")))?;
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let sent = self.wire.flush().map(drop);
        sent.map_err(|error| Failure::at(&self.remote(), &error))
    }

    /// Notes what the server has said about itself in its READY.
    pub(super) fn note_ready(&mut self) {
        let metadata = self.wire.session.peer_metadata();
        self.ready = Some(metadata.map(PeerInfo::from_metadata).unwrap_or_default());
    }

    pub(super) fn closed(&self) -> Failure {
        format!("port {}: closed by the server", self.port).into()
    }

    pub(super) fn failed(&self, error: &io::Error) -> Failure {
        Failure::at(&self.remote(), error)
    }

    pub(super) fn protocol_failure(&self, error: &ZmtpError) -> Failure {
        let refused = matches!(error, ZmtpError::Refused { .. });
        Failure { text: format!("{}: handshake failed: {error}", self.remote()), refused }
    }
}
