//! One of the two TCP connections of a client, and the reason for closing it.

use std::fmt;
use std::io;
use std::mem;

use super::scratch::{grow_if_filled, with_scratch};
use super::wire::{Received, Wire};
use crate::clock;
use crate::net::server_address::ServerEnd;
use crate::net::socket::{cause_text, Silence};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::PeerInfo;
use crate::proto::zmtp::{Event, ZmtpError};

/// Number of buffers read from one channel in one turn.
const READS_PER_TURN_MAX: usize = 4;

/// One of the two TCP connections.
pub struct Channel {
    pub wire: Wire,
    pub token: usize,
    pub remote: ServerEnd,
    /// The TCP connection is established.
    pub is_up: bool,
    /// The greeting has been sent, so the server's output may be read.
    pub is_greeted: bool,
    /// The contents of the server's READY, once it has arrived.
    pub ready: Option<PeerInfo>,
    /// Received octets behind the READY.
    early: Vec<u8>,
}

/// The reason for closing a connection.
pub struct Failure {
    pub text: String,
    /// The server has refused the client, or sent it away, with an error text.
    pub refused: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure { text, refused: false }
    }
}

impl Failure {
    /// An error of the connection with `remote`.
    pub fn at(remote: impl fmt::Display, error: &io::Error) -> Failure {
        format!("{remote}: {}", cause_text(error)).into()
    }
}

impl Channel {
    /// A channel to `remote`, registered as `token`, whose TCP connection is being established.
    pub fn new(wire: Wire, token: usize, remote: ServerEnd) -> Channel {
        Channel {
            wire,
            token,
            remote,
            is_up: false,
            is_greeted: false,
            ready: None,
            early: Vec::new(),
        }
    }

    /// Sends the greeting, but not the client's identity, which only the chosen server receives.
    pub fn greet(&mut self, silence: Silence) -> Result<(), Failure> {
        self.wire.configure(silence).map_err(|error| self.failed(&error))?;
        self.is_greeted = true;
        self.flush()
    }

    /// Whether the server's greeting has arrived.
    pub fn is_answered(&self) -> bool {
        self.wire.session.peer_version().is_some()
    }

    /// Sends READY with the client's identity.
    pub fn announce(&mut self, announcement: &Announcement) -> Result<(), Failure> {
        self.wire
            .session
            .send_ready(&announcement.properties(&clock::now().0.to_string()))
            .map_err(|error| Failure::from(format!("{}: {error}", self.remote)))?;
        self.flush()
    }

    /// Sends what is queued, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.wire.flush().map_err(|error| self.failed(&error))
    }

    /// Reads a channel without messages from the server, until it is drained (true), its turn is
    /// over, or the READY has come: what follows may be messages. `took` gets the channel after
    /// each read, and its number of octets: the session may have output.
    pub fn read_turn(
        &mut self,
        mut took: impl FnMut(&mut Channel, usize) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let was_ready = self.ready.is_some();
        with_scratch(|scratch| {
            for _ in 0..READS_PER_TURN_MAX {
                let count = match self.wire.read(scratch) {
                    Received::Nothing => return Ok(true),
                    Received::Closed => return Err(self.closed()),
                    Received::Failed(error) => return Err(self.failed(&error)),
                    Received::Octets(count) => count,
                };
                let may_have_more = self.wire.may_have_more(count, scratch.len());
                self.receive(&scratch[..count])?;
                grow_if_filled(scratch, count);
                took(self, count)?;
                if !may_have_more || self.ready.is_some() != was_ready {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Takes the octets that came together with the READY, and stand behind it.
    pub fn take_early(&mut self) -> Vec<u8> {
        mem::take(&mut self.early)
    }

    /// Decodes received octets. Those behind the READY are kept, because they may be messages.
    pub fn receive(&mut self, mut input: &[u8]) -> Result<(), Failure> {
        loop {
            let received = self.wire.session.receive(input);
            let (used, event) = received.map_err(|error| self.protocol_failure(&error))?;
            input = &input[used..];
            match event {
                None => return Ok(()),
                Some(Event::PeerReady) => {
                    let metadata = self.wire.session.peer_metadata();
                    if let Some(reason) = metadata.and_then(Announcement::refusal_in) {
                        // That may change at any time, so the next attempt comes soon.
                        return Err(format!("{}: the server refuses: {reason}", self.remote).into());
                    }
                    self.ready = Some(metadata.map(PeerInfo::from_metadata).unwrap_or_default());
                    self.early = input.to_vec();
                    return Ok(());
                }
                Some(_) => {}
            }
        }
    }

    /// The failure where the server has closed the connection.
    pub fn closed(&self) -> Failure {
        match self.wire.session.if_closed() {
            Some(why) => format!("{}: closed by the server: {why}", self.remote).into(),
            None => format!("{}: closed by the server", self.remote).into(),
        }
    }

    /// The failure for an error of the system.
    pub fn failed(&self, error: &io::Error) -> Failure {
        let failure = Failure::at(&self.remote, error);
        let is_closed = error.kind() == io::ErrorKind::ConnectionReset;
        match self.wire.session.if_closed().filter(|_| is_closed) {
            Some(why) => format!("{}: {why}", failure.text).into(),
            None => failure,
        }
    }

    /// The failure for a violation of the protocol.
    pub fn protocol_failure(&self, error: &ZmtpError) -> Failure {
        let remote = &self.remote;
        let (text, refused) = match error {
            ZmtpError::Refused { .. } => (format!("{remote}: handshake failed: {error}"), true),
            ZmtpError::Dismissed { .. } => (format!("{remote}: {error}"), true),
            _ if self.ready.is_some() => (format!("{remote}: {error}"), false),
            _ => (format!("{remote}: handshake failed: {error}"), false),
        };
        Failure { text, refused }
    }
}
