//! The NULL mechanism (RFC 23): each end sends one READY, or refuses with ERROR. It seals nothing.

use super::command;
use super::error::{SendError, ZmtpError};
use super::mechanism::Mechanism;
use super::metadata::{encode_ready, Metadata};
use super::session::READY_OCTETS_MAX;
use super::Role;

/// The NULL mechanism of one end.
#[derive(Debug)]
pub struct Null {
    /// `None`: that which the peer's READY will need.
    role: Option<Role>,
    ready_sent: bool,
    peer: Option<Metadata>,
}

impl Null {
    /// The name in the greeting.
    pub const NAME: &'static str = "NULL";

    /// For an end with this role, or with the one that its peer needs.
    pub fn new(role: impl Into<Option<Role>>) -> Self {
        Null { role: role.into(), ready_sent: false, peer: None }
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
                self.role = Some(Role::matching(self.role, &metadata)?);
                self.peer = Some(metadata);
                Ok(())
            }
            _ => Err(command::unexpected(body)),
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
        let role = self.role.ok_or(SendError::NotReady)?;
        let octets_max = READY_OCTETS_MAX - 1 - command::READY.len();
        let metadata = encode_ready(role, properties, octets_max)?;
        command::encode(command::READY, &[&metadata], out);
        self.ready_sent = true;
        Ok(())
    }
}
