//! The rights of a client.

use crate::bridge::link::service::Peer;
use crate::proto::bridge::Header;

/// The rights of one client: computed once, when it is paired, and checked for each request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rights {
    may_write: bool,
}

/// The function that computes them: [`rights_of`], or a test's.
pub(super) type RightsPolicy = fn(&Peer) -> Rights;

/// The rights of a client: everything.
pub(super) fn rights_of(_peer: &Peer) -> Rights {
    Rights { may_write: true }
}

/// The rights of a client of a read-only server.
pub(super) fn rights_to_read(_peer: &Peer) -> Rights {
    Rights::READ_ONLY
}

impl Rights {
    pub(super) const READ_ONLY: Rights = Rights { may_write: false };

    /// Whether a request is permitted.
    ///
    /// # Errors
    ///
    /// It is not: the error text for the client.
    #[inline]
    pub(super) fn check(self, header: &Header) -> Result<(), String> {
        match header.carries_data() && !self.may_write {
            false => Ok(()),
            true => Err(format!(
                "Write of {} bytes at 0x{:x} refused: the server lets this client read only; ask \
                 its operator for the right to write",
                header.size, header.address
            )),
        }
    }
}
