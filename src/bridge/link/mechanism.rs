//! The security mechanism of a connection: NULL, or CURVE with the keys of its end.

use std::io;

use crate::net::random;
use crate::proto::zmtp::mechanism::curve;
use crate::proto::zmtp::{Mechanism, Null, Role};
use crate::security::{CurveClient, CurveServer};

/// The mechanism of an accepted connection: CURVE if the server has keys. Without a `role` this end
/// takes the one that its peer needs.
///
/// # Errors
///
/// The system has no random numbers.
pub fn for_server(
    curve: Option<&CurveServer>,
    role: Option<Role>,
) -> io::Result<Box<dyn Mechanism>> {
    #[cfg(test)]
    if let Some(mechanism) = tests::mechanism(role) {
        return Ok(mechanism);
    }
    let Some(curve) = curve else { return Ok(Box::new(Null::new(role))) };
    let mut random = random::random().map_err(io::Error::other)?;
    Ok(Box::new(curve::CurveServer::new(role, curve.keys(), &mut random)))
}

/// The mechanism of a connection to a server: CURVE if the client has keys.
///
/// # Errors
///
/// The system has no random numbers.
pub fn for_client(curve: Option<&CurveClient>, role: Role) -> io::Result<Box<dyn Mechanism>> {
    #[cfg(test)]
    if let Some(mechanism) = tests::mechanism(Some(role)) {
        return Ok(mechanism);
    }
    let Some(CurveClient { server, keys }) = curve else { return Ok(Box::new(Null::new(role))) };
    let mut random = random::random().map_err(io::Error::other)?;
    Ok(Box::new(curve::CurveClient::new(role, keys.clone(), *server, &mut random)))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::proto::toy::Toy;

    /// The variable that has all connections of a test process sealed.
    pub const SEALED: &str = "ROGUE_MEM_TEST_SEALED";

    pub(super) fn mechanism(role: Option<Role>) -> Option<Box<dyn Mechanism>> {
        std::env::var_os(SEALED)?;
        let salt = u64::from_le_bytes(random::random().ok()?);
        Some(Box::new(Toy::new(role, 7, salt)))
    }
}
