//! The NULL mechanism (RFC 23): each end sends one READY, or refuses with ERROR.
//!
//! Another mechanism would take this one's place in the session: it names itself in the greeting,
//! is handed the command bodies of the handshake, appends its own commands to the output, and
//! says when both ends have committed themselves.

use super::command;
use super::error::{SendError, ZmtpError};
use super::metadata::{encode_property, Metadata, SOCKET_TYPE};
use super::session::READY_OCTETS_MAX;
use super::Role;
use crate::proto::text::escape;

/// Octets of an unexpected command's name that an error text shows.
const NAME_SHOWN_OCTETS_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct Null {
    role: Role,
    ready_sent: bool,
    peer: Option<Metadata>,
}

impl Null {
    pub const NAME: &'static str = "NULL";

    pub fn new(role: Role) -> Self {
        Null { role, ready_sent: false, peer: None }
    }

    pub fn ready_sent(&self) -> bool {
        self.ready_sent
    }

    /// The peer's properties, once its READY has come.
    pub fn peer(&self) -> Option<&Metadata> {
        self.peer.as_ref()
    }

    #[inline]
    pub fn is_complete(&self) -> bool {
        self.ready_sent && self.peer.is_some()
    }

    /// Takes the body of a command that came in place of the peer's READY.
    pub fn receive(&mut self, body: &[u8]) -> Result<(), ZmtpError> {
        match command::split(body) {
            Some((command::READY, data)) => {
                let metadata = Metadata::decode(data)?;
                self.check_socket_type(&metadata)?;
                self.peer = Some(metadata);
                Ok(())
            }
            Some((command::ERROR, data)) => {
                let reason = command::error_reason(data).unwrap_or_default();
                Err(ZmtpError::Refused { reason: escape(reason) })
            }
            Some((name, _)) => {
                let shown = escape(&name[..name.len().min(NAME_SHOWN_OCTETS_MAX)]);
                Err(ZmtpError::Handshake { found: format!("the command \"{shown}\"") })
            }
            None => Err(ZmtpError::Handshake { found: "a malformed command".to_owned() }),
        }
    }

    fn check_socket_type(&self, metadata: &Metadata) -> Result<(), ZmtpError> {
        let expected = self.role.peer().name();
        match metadata.property(SOCKET_TYPE) {
            Some(name) if name == expected.as_bytes() => Ok(()),
            Some(name) => {
                let shown = escape(&name[..name.len().min(NAME_SHOWN_OCTETS_MAX)]);
                Err(ZmtpError::SocketType { peer: shown, expected })
            }
            None => Err(ZmtpError::NoSocketType),
        }
    }

    /// Appends our READY with `Socket-Type` and these properties to `out`.
    pub fn send_ready(
        &mut self,
        properties: &[(&str, &[u8])],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.ready_sent {
            return Err(SendError::ReadySent);
        }
        let mut metadata = Vec::new();
        encode_property(SOCKET_TYPE, self.role.name().as_bytes(), &mut metadata)?;
        for (name, value) in properties {
            encode_property(name, value, &mut metadata)?;
            // A peer with our own limit must be able to read it.
            if 1 + command::READY.len() + metadata.len() > READY_OCTETS_MAX {
                return Err(SendError::Property { name: escape(name.as_bytes()) });
            }
        }
        command::encode(command::READY, &[&metadata], out);
        self.ready_sent = true;
        Ok(())
    }
}
