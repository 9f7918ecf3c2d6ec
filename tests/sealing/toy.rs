//! A security mechanism for tests: two exchanges before traffic, as CURVE has them, and frames that
//! are sealed in their order. It protects nothing.
//!
//! Used by the crate's own tests and by `zmtp_network`: the module around it knows `zmtp`.

use std::ops::Range;

use super::zmtp::frame::FrameHeader;
use super::zmtp::{command, Mechanism, Metadata, Null, Opener, Role, Sealer};
use super::zmtp::{SendError, ZmtpError};

const HELLO: &[u8] = b"HELLO";
const TAG_OCTETS: usize = 8;

/// Each end says a salt in its HELLO, at once. READY follows when the peer's HELLO has come.
#[derive(Debug)]
pub struct Toy {
    null: Null,
    secret: u64,
    salt: u64,
    peer_salt: Option<u64>,
    /// READY, as long as the peer's HELLO has not come.
    waiting: Vec<u8>,
}

impl Toy {
    pub fn new(role: impl Into<Option<Role>>, secret: u64, salt: u64) -> Toy {
        Toy { null: Null::new(role), secret, salt, peer_salt: None, waiting: Vec::new() }
    }
}

impl Mechanism for Toy {
    fn name(&self) -> &'static str {
        "TOY"
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        command::encode(HELLO, &[&self.salt.to_le_bytes()], out);
    }

    fn send_ready(
        &mut self,
        properties: &[(&str, &[u8])],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let out = if self.peer_salt.is_some() { out } else { &mut self.waiting };
        self.null.send_ready(properties, out)
    }

    fn ready_sent(&self) -> bool {
        self.null.ready_sent() && self.waiting.is_empty()
    }

    fn receive(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        match command::split(body) {
            Some((HELLO, salt)) if self.peer_salt.is_none() => {
                let salt = salt.try_into().map_err(|_| ZmtpError::NotGenuine)?;
                self.peer_salt = Some(u64::from_le_bytes(salt));
                out.append(&mut self.waiting);
                Ok(())
            }
            _ => self.null.receive(body, out),
        }
    }

    fn peer(&self) -> Option<&Metadata> {
        self.null.peer()
    }

    fn seals(&self) -> bool {
        true
    }

    fn take_sealer(&mut self) -> Option<Box<dyn Sealer>> {
        Some(Box::new(Direction { key: self.secret ^ self.salt, count: 0 }))
    }

    fn take_opener(&mut self) -> Option<Box<dyn Opener>> {
        Some(Box::new(Direction { key: self.secret ^ self.peer_salt?, count: 0 }))
    }
}

/// What one end seals and the other opens.
#[derive(Debug)]
struct Direction {
    key: u64,
    /// Frames so far.
    count: u64,
}

impl Direction {
    /// Encrypts or decrypts the next frame.
    fn cipher(&self, octets: &mut [u8]) {
        let mut state = mixed(self.key ^ mixed(self.count));
        for octet in octets {
            state = mixed(state);
            *octet ^= state as u8;
        }
    }

    /// Depends on every octet of the next frame, and on its place.
    fn tag(&self, octets: &[u8]) -> [u8; TAG_OCTETS] {
        let start = mixed(self.key.rotate_left(32) ^ mixed(self.count));
        octets.iter().fold(start, |tag, octet| mixed(tag ^ u64::from(*octet))).to_le_bytes()
    }
}

/// A permutation of all numbers without any pattern that matters here.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = number.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number ^ (number >> 27)
}

impl Sealer for Direction {
    fn seal(&mut self, header: FrameHeader, body: &[u8], out: &mut Vec<u8>) {
        let mut sealed = vec![u8::from(header.more) | u8::from(header.command) << 1];
        sealed.extend_from_slice(body);
        let tag = self.tag(&sealed);
        self.cipher(&mut sealed);
        sealed.extend_from_slice(&tag);
        self.count += 1;
        FrameHeader { len: sealed.len() as u64, more: false, command: false }.encode(out);
        out.extend_from_slice(&sealed);
    }
}

impl Opener for Direction {
    fn open(&mut self, body: &mut [u8]) -> Option<Range<usize>> {
        let (sealed, tag) = body.split_last_chunk_mut::<TAG_OCTETS>()?;
        self.cipher(sealed);
        if self.tag(sealed) != *tag {
            sealed.fill(0);
            return None;
        }
        self.count += 1;
        let (flags, inner) = sealed.split_first()?;
        let header =
            FrameHeader { len: inner.len() as u64, more: flags & 1 != 0, command: flags & 2 != 0 };
        let mut frame = Vec::new();
        header.encode(&mut frame);
        frame.extend_from_slice(inner);
        // Flags and tag take as many octets as the longest header.
        body[..frame.len()].copy_from_slice(&frame);
        Some(0..frame.len())
    }
}
