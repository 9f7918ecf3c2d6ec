//! The NULL mechanism (RFC 23): each end sends one READY, or refuses with ERROR. It seals nothing.

use super::command;
use super::error::{SendError, ZmtpError};
use super::mechanism::Mechanism;
use super::metadata::{encode_property, Metadata, SOCKET_TYPE};
use super::session::READY_OCTETS_MAX;
use super::Role;
use crate::proto::text::escape;

/// Octets of an unexpected command's name in an error text.
const NAME_SHOWN_OCTETS_MAX: usize = 32;

/// The NULL mechanism of one end.
#[derive(Debug)]
pub struct Null {
    role: Role,
    ready_sent: bool,
    peer: Option<Metadata>,
}

impl Null {
    /// The name in the greeting.
    pub const NAME: &'static str = "NULL";

    /// For an end with this role.
    pub fn new(role: Role) -> Self {
        Null { role, ready_sent: false, peer: None }
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
}

impl Mechanism for Null {
    fn name(&self) -> &'static str {
        Null::NAME
    }

    fn ready_sent(&self) -> bool {
        self.ready_sent
    }

    fn peer(&self) -> Option<&Metadata> {
        self.peer.as_ref()
    }

    fn receive(&mut self, body: &[u8], _out: &mut Vec<u8>) -> Result<(), ZmtpError> {
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

    fn send_ready(
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
            // A peer with the same limit must be able to read it.
            if 1 + command::READY.len() + metadata.len() > READY_OCTETS_MAX {
                return Err(SendError::Property { name: escape(name.as_bytes()) });
            }
        }
        command::encode(command::READY, &[&metadata], out);
        self.ready_sent = true;
        Ok(())
    }
}
