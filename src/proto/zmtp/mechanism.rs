//! Interface between a [`Session`](super::Session) and its security mechanism (RFC 23): the
//! mechanism's part of the handshake, and the sealing of later frames.

pub mod curve;

use std::fmt;
use std::ops::Range;

use super::error::{self, SendError, ZmtpError};
use super::frame::{FrameHeader, FLAG_LONG, HEADER_OCTETS_MAX, HEADER_OCTETS_MIN};
use super::metadata::Metadata;
use curve::keys::PublicKey;

/// Maximum overhead of a sealed frame over the body of the frame in it, in octets.
pub const SEAL_OCTETS_MAX: u64 = 64;

/// A larger buffer for incomplete sealed frames is freed once it is empty.
const KEPT_OCTETS_MAX: usize = 2 << 20;
/// A frame of at least as many octets is handed on in its own memory.
const SWAPPED_OCTETS_MIN: usize = 16 * 1024;

/// The mechanism of one end of one connection.
///
/// The handshake is complete when READY has been [sent](Self::ready_sent) and the peer's has
/// [come](Self::peer). From then on a mechanism that [seals](Self::seals) replaces every frame,
/// commands included, by a sealed one.
pub trait Mechanism: fmt::Debug + Send {
    /// The name in the greeting, at most 20 octets.
    fn name(&self) -> &'static str;

    /// Whether this end is the mechanism's server. It then says its name only to a peer that has said
    /// its own: see [`Session`](super::Session).
    fn is_server(&self) -> bool {
        false
    }

    /// Appends the commands that follow the greeting at once to `out`.
    fn start(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Appends READY with `Socket-Type` and these properties to `out`, or does so in
    /// [`receive`](Self::receive) as soon as the peer's commands allow it.
    ///
    /// # Errors
    ///
    /// [`SendError::ReadySent`] the second time; [`SendError::Property`]; [`SendError::NotReady`]
    /// while the peer has to decide the role. The mechanism is then unchanged.
    fn send_ready(
        &mut self,
        properties: &[(&str, &[u8])],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError>;

    /// Whether READY has been appended.
    fn ready_sent(&self) -> bool;

    /// Takes the body of a command up to and including the peer's READY. Appends the answering
    /// commands to `out`.
    ///
    /// # Errors
    ///
    /// Every error is final for the session.
    fn receive(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError>;

    /// The peer's properties, once its READY has arrived.
    fn peer(&self) -> Option<&Metadata>;

    /// The long-term public key that the peer has proved to own, once its READY has arrived, if the
    /// mechanism has such keys.
    fn peer_key(&self) -> Option<&PublicKey> {
        None
    }

    /// What it means if the peer closes the connection now, and the remedy, if the mechanism can
    /// tell: it is the end of the sentence "the server closed the connection:".
    fn if_closed(&self) -> Option<String> {
        None
    }

    /// Whether frames are sealed after the handshake; never changes.
    fn seals(&self) -> bool {
        false
    }

    /// The sealer of this end's frames. Returned once, after the handshake, if the mechanism seals.
    fn take_sealer(&mut self) -> Option<Box<dyn Sealer>> {
        None
    }

    /// The opener of the peer's frames. Returned once, after the peer's READY, if the mechanism
    /// seals.
    fn take_opener(&mut self) -> Option<Box<dyn Opener>> {
        None
    }
}

/// Seals the frames of one direction of a connection, in their order.
pub trait Sealer: fmt::Debug + Send {
    /// Appends a sealed frame, with its header, to `out`. It contains the frame of this `header`
    /// and `body`.
    fn seal(&mut self, header: FrameHeader, body: &[u8], out: &mut Vec<u8>);

    /// At least the octets of whole `frames` when they are sealed.
    fn sealed_len_max(&self, frames: &[u8]) -> usize {
        let mut rest = frames;
        let mut len = frames.len();
        while let Some((header, octets)) = FrameHeader::decode(rest) {
            len += SEAL_OCTETS_MAX as usize + HEADER_OCTETS_MAX;
            rest = rest.get(end_of(header, octets)..).unwrap_or_default();
        }
        len
    }

    /// Appends `frames` to `out`, sealed. They are complete, except that the last one ends with its
    /// header if its body is `block`, which is empty otherwise.
    fn seal_all(&mut self, frames: &[u8], block: &[u8], out: &mut Vec<u8>) {
        let mut rest = frames;
        while let Some((header, octets)) = FrameHeader::decode(rest) {
            rest = &rest[octets..];
            if rest.is_empty() && !block.is_empty() {
                debug_assert_eq!(header.len, block.len() as u64);
                self.seal(header, block, out);
                break;
            }
            let (body, after) = rest.split_at(header.len as usize);
            self.seal(header, body, out);
            rest = after;
        }
        debug_assert!(rest.is_empty(), "whole frames");
    }
}

/// Opens the frames of one direction of a connection, in their order.
pub trait Opener: fmt::Debug + Send {
    /// Opens a sealed frame with this `body` where it is. Returns where in it the frame is, with its
    /// header. `None` if the body was altered in transit, or not sealed by the peer; nothing of what
    /// it contained is left then.
    #[must_use]
    fn open(&mut self, body: &mut [u8]) -> Option<Range<usize>>;
}

/// The length of a frame with this header, which has `octets` octets.
fn end_of(header: FrameHeader, octets: usize) -> usize {
    usize::try_from(header.len).unwrap_or(usize::MAX).saturating_add(octets)
}

/// Received octets of the peer's sealed frames.
#[derive(Debug, Default)]
pub(super) struct SealedInput {
    opener: Option<Box<dyn Opener>>,
    /// The beginning of an incomplete frame.
    octets: Vec<u8>,
}

impl SealedInput {
    /// Whether a frame has come in part.
    pub fn is_unfinished(&self) -> bool {
        !self.octets.is_empty()
    }

    /// Octets of memory that it takes.
    pub fn held_octets(&self) -> usize {
        self.octets.capacity()
    }

    /// Frees memory that holds nothing.
    pub fn give_back(&mut self) {
        if self.octets.is_empty() {
            self.octets = Vec::new();
        }
    }

    /// See [`Session::read_limit`](super::Session::read_limit).
    pub fn read_limit(&self, room: usize) -> usize {
        let come = self.octets.len();
        if come < room {
            return room - come;
        }
        // The rest of a larger frame.
        let end =
            FrameHeader::decode(&self.octets).map_or(0, |(header, octets)| end_of(header, octets));
        end.saturating_sub(come).max(1)
    }

    /// Takes received octets, and appends the frames that they complete to `frames`. The body of a
    /// sealed frame has at most `limit` octets. Returns how many octets at the beginning of `frames`
    /// belong to no frame: it may give its memory for a large frame that lies somewhere in its own.
    pub fn open(
        &mut self,
        input: &[u8],
        limit: u64,
        mechanism: &mut dyn Mechanism,
        frames: &mut Vec<u8>,
    ) -> Result<usize, ZmtpError> {
        if self.opener.is_none() {
            self.opener = mechanism.take_opener();
        }
        let (mut input, mut unused) = (input, 0);
        if !self.octets.is_empty() {
            // An incomplete frame is completed first. What follows is opened where it is.
            let missing = self.missing();
            let (more, after) = input.split_at(missing.min(input.len()));
            self.keep(more)?;
            input = after;
            let mut whole = std::mem::take(&mut self.octets);
            let Some(frame) = self.open_first(&mut whole, limit)? else {
                self.octets = whole;
                // The header may have become complete, and says how much is missing.
                return match input.is_empty() {
                    true => Ok(0),
                    false => self.open(input, limit, mechanism, frames),
                };
            };
            let is_worth_it = frame.len() >= SWAPPED_OCTETS_MIN || frame.len() > frames.capacity();
            if frames.is_empty() && is_worth_it {
                whole.truncate(frame.end);
                unused = frame.start;
                std::mem::swap(frames, &mut whole);
            } else {
                error::reserve(frames, frame.len())?;
                frames.extend_from_slice(&whole[frame]);
            }
            whole.clear();
            if whole.capacity() <= KEPT_OCTETS_MAX {
                self.octets = whole;
            }
        }
        let rest = self.open_whole(input, limit, frames)?;
        self.keep(rest)?;
        Ok(unused)
    }

    /// Octets after which the incomplete frame, or its header, is complete.
    fn missing(&self) -> usize {
        let come = self.octets.len();
        match FrameHeader::decode(&self.octets) {
            Some((header, octets)) => end_of(header, octets).saturating_sub(come),
            None if self.octets[0] & FLAG_LONG != 0 => HEADER_OCTETS_MAX - come,
            None => HEADER_OCTETS_MIN - come,
        }
    }

    /// Keeps the beginning of a frame. What a peer announces is not allocated before it comes.
    fn keep(&mut self, octets: &[u8]) -> Result<(), ZmtpError> {
        error::reserve(&mut self.octets, octets.len())?;
        self.octets.extend_from_slice(octets);
        Ok(())
    }

    /// Opens the complete frames at the beginning of `octets`, and returns what follows them.
    fn open_whole<'a>(
        &mut self,
        octets: &'a [u8],
        limit: u64,
        frames: &mut Vec<u8>,
    ) -> Result<&'a [u8], ZmtpError> {
        let mut rest = octets;
        while let Some((_, end)) = whole_frame(rest, limit)? {
            let (whole, after) = rest.split_at(end);
            let start = frames.len();
            error::reserve(frames, end)?;
            frames.extend_from_slice(whole);
            let opened = self.open_first(&mut frames[start..], limit);
            let Ok(Some(frame)) = opened else {
                frames.truncate(start);
                return Err(opened.err().unwrap_or(ZmtpError::NotGenuine));
            };
            frames.copy_within(start + frame.start..start + frame.end, start);
            frames.truncate(start + frame.len());
            rest = after;
        }
        Ok(rest)
    }

    /// Opens the frame at the beginning of `octets` where it is. Returns where in them the frame in it
    /// is; `None` if it is incomplete.
    fn open_first(
        &mut self,
        octets: &mut [u8],
        limit: u64,
    ) -> Result<Option<Range<usize>>, ZmtpError> {
        let Some((start, end)) = whole_frame(octets, limit)? else { return Ok(None) };
        // The flags are those inside. Any here were put there on the way.
        let is_plain = octets[0] & !FLAG_LONG == 0;
        let opened = self.opener.as_mut().and_then(|opener| opener.open(&mut octets[start..end]));
        match opened {
            Some(frame) if is_plain => Ok(Some(start + frame.start..start + frame.end)),
            _ => Err(ZmtpError::NotGenuine),
        }
    }
}

/// Where the body of the frame at the beginning of `octets` begins and ends; `None` if the frame is
/// incomplete.
fn whole_frame(octets: &[u8], limit: u64) -> Result<Option<(usize, usize)>, ZmtpError> {
    let Some((header, start)) = FrameHeader::decode(octets) else { return Ok(None) };
    let len = header.len;
    if len > limit {
        return Err(ZmtpError::FrameTooLarge { len, limit });
    }
    let end = end_of(header, start);
    Ok((end <= octets.len()).then_some((start, end)))
}
