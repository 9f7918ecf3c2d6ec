//! Peers that speak ZMTP octet by octet, so that they can misbehave. Written against the protocol
//! (RFC 23, RFC 37) and not with the library's own codec: a shared mistake would go unseen.
//!
//! The functions encode what a peer says; [`Raw`] is one connection, [`RawClient`] and
//! [`RawServer`] are the two ends of a memory bridge.

mod connection;
mod ends;
mod message;

pub use connection::Raw;
pub use ends::{RawClient, RawServer};
pub use message::{Header, Item, Request, Response};

/// The type of a request that reads.
pub const READ: u32 = 1;
/// The type of a request that writes.
pub const WRITE: u32 = 2;
/// The type of a request that writes and is not waited for.
pub const POST: u32 = 3;
/// The type of a request that reads to verify.
pub const VERIFY: u32 = 4;
/// The type of a probe of the connection.
pub const PROBE: u32 = 0xFFFF_FFFE;

const MORE: u8 = 1;
const LARGE: u8 = 2;
const COMMAND: u8 = 4;

/// The greeting of ZMTP 3.1 with this mechanism, padded to its 20 octets.
pub fn greeting_with(mechanism: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1];
    octets.extend_from_slice(mechanism);
    octets.resize(64, 0);
    octets
}

/// The greeting of ZMTP 3.1 with the mechanism NULL.
pub fn greeting() -> Vec<u8> {
    greeting_with(b"NULL")
}

/// One frame of a message.
pub fn frame(body: &[u8], more: bool) -> Vec<u8> {
    with_header(if more { MORE } else { 0 }, body)
}

fn with_header(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = match u8::try_from(body.len()) {
        Ok(len) => vec![flags, len],
        Err(_) => frame_head(flags, body.len() as u64),
    };
    octets.extend_from_slice(body);
    octets
}

/// The head of a frame that announces `len` octets in the long form.
pub fn frame_head(flags: u8, len: u64) -> Vec<u8> {
    let mut octets = vec![flags | LARGE];
    octets.extend_from_slice(&len.to_be_bytes());
    octets
}

/// A command of this name.
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    with_header(COMMAND, &body)
}

/// A PING with a time to live of 0 and this context.
pub fn ping(context: &[u8]) -> Vec<u8> {
    command("PING", &[&[0, 0], context].concat())
}

/// The READY of a socket of this type, with its properties.
pub fn ready(socket_type: &str, properties: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, value) in [("Socket-Type", socket_type)].iter().chain(properties) {
        data.push(name.len() as u8);
        data.extend_from_slice(name.as_bytes());
        data.extend_from_slice(&(value.len() as u32).to_be_bytes());
        data.extend_from_slice(value.as_bytes());
    }
    command("READY", &data)
}

/// A message of these parts.
pub fn message(parts: &[&[u8]]) -> Vec<u8> {
    let last = parts.len() - 1;
    parts.iter().enumerate().flat_map(|(index, part)| frame(part, index < last)).collect()
}

/// A request of a memory bridge; with a data part where `data` is `Some`.
pub fn request(id: u32, address: u64, size: u32, ty: u32, data: Option<&[u8]>) -> Vec<u8> {
    let (id, address) = (id.to_le_bytes(), address.to_le_bytes());
    let (size, ty) = (size.to_le_bytes(), ty.to_le_bytes());
    let mut parts: Vec<&[u8]> = vec![&id, &address, &size, &ty];
    parts.extend(data);
    message(&parts)
}

/// A request with its times in nanoseconds: when it was sent, how much was left of its time then,
/// and the client's timeout.
pub fn timed(id: u32, address: u64, ty: u32, times: [u64; 3], data: Option<&[u8]>) -> Vec<u8> {
    let (id, address) = (id.to_le_bytes(), address.to_le_bytes());
    let (size, ty) = (4_u32.to_le_bytes(), ty.to_le_bytes());
    let times: Vec<u8> = times.iter().flat_map(|time| time.to_le_bytes()).collect();
    let mut parts: Vec<&[u8]> = vec![&id, &address, &size, &ty, &times];
    parts.extend(data);
    message(&parts)
}

/// A read request of 4 octets.
pub fn read(id: u32, address: u64) -> Vec<u8> {
    request(id, address, 4, READ, None)
}

/// The properties that this library's client announces: a session of 32 hexadecimal digits.
pub fn properties_of(session: &str) -> [(&str, &str); 2] {
    [("X-Rogue-Session", session), ("X-Rogue-Bridge", "1")]
}
