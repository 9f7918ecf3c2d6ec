//! The wire of an accepted connection.

use std::io;

use super::connection::Ends;
use super::mechanism;
use super::options::LinkOptions;
use super::pairing::{ConnectionId, Side};
use super::wire::Wire;
use crate::net::address::canonical;
use crate::net::socket::LISTENERS_PASS_ON;
use crate::net::{ByteStream, Registry};
use crate::peer::PeerAddress;
use crate::proto::zmtp::{Limits, Role};

/// Body of the largest accepted frame in octets. A request above the server's limit is skipped and
/// refused with an answer; a frame beyond this closes the connection.
const FRAME_OCTETS_MAX: u64 = u32::MAX as u64;

/// A connection's wire, with the common options, and the ends by which its owner is looked up.
pub fn prepare(
    registry: &Registry,
    id: ConnectionId,
    (stream, peer): (ByteStream, PeerAddress),
    side: Option<Side>,
    options: &LinkOptions,
) -> io::Result<(Wire, Option<Ends>)> {
    let role = side.map(|side| match side {
        Side::Request => Role::Pull,
        Side::Response => Role::Push,
    });
    let curve = options.curve.as_deref();
    // A sealed frame is kept until it is complete, because its seal comes with its last octet.
    let frame_octets_max = curve.map_or(FRAME_OCTETS_MAX, |_| options.sealed_octets_max);
    let mechanism = mechanism::for_server(curve, role)?;
    let wire = Wire::new(registry, id, stream, (role, mechanism), Limits { frame_octets_max })?;
    if !LISTENERS_PASS_ON {
        wire.configure(options.silence)?;
    }
    let ends = match (&*wire.stream, peer) {
        (ByteStream::Tcp(stream), PeerAddress::Tcp(remote)) => {
            Some((canonical(stream.local_addr()?), remote))
        }
        _ => None,
    };
    Ok((wire, ends))
}
