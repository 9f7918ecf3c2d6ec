//! Interface between a [`Session`](super::Session) and its security mechanism (RFC 23): the
//! mechanism's part of the handshake, and the sealing of later frames.

use std::fmt;

use super::error::{SendError, ZmtpError};
use super::frame::FrameHeader;
use super::metadata::Metadata;

/// Maximum overhead of a sealed frame over the body of the frame in it, in octets.
pub const SEAL_OCTETS_MAX: u64 = 64;

/// The mechanism of one end of one connection.
///
/// The handshake is complete when READY has been [sent](Self::ready_sent) and the peer's has
/// [come](Self::peer). From then on a mechanism that [seals](Self::seals) replaces every frame,
/// commands included, by a sealed one.
pub trait Mechanism: fmt::Debug + Send {
    /// The name in the greeting, at most 20 octets.
    fn name(&self) -> &'static str;

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

    /// Appends `frames`, which are complete, to `out`, sealed.
    fn seal_all(&mut self, frames: &[u8], out: &mut Vec<u8>) {
        let mut rest = frames;
        while let Some((header, octets)) = FrameHeader::decode(rest) {
            let (body, after) = rest[octets..].split_at(header.len as usize);
            self.seal(header, body, out);
            rest = after;
        }
        debug_assert!(rest.is_empty(), "whole frames");
    }
}

/// Opens the frames of one direction of a connection, in their order.
pub trait Opener: fmt::Debug + Send {
    /// Opens a sealed frame with this `body`, and appends the frame in it, with its header, to
    /// `frames`. False if the body was altered in transit, or not sealed by the peer; nothing is
    /// then appended.
    #[must_use]
    fn open(&mut self, body: &[u8], frames: &mut Vec<u8>) -> bool;
}

/// Received octets of the peer's sealed frames.
#[derive(Debug, Default)]
pub(super) struct SealedInput {
    opener: Option<Box<dyn Opener>>,
    /// The beginning of an incomplete frame.
    octets: Vec<u8>,
}

impl SealedInput {
    /// See [`Session::read_limit`](super::Session::read_limit).
    pub fn read_limit(&self, room: usize) -> usize {
        let come = self.octets.len();
        if come < room {
            return room - come;
        }
        // The rest of a larger frame.
        let end = FrameHeader::decode(&self.octets).map_or(0, |(header, octets)| {
            usize::try_from(header.len).unwrap_or(usize::MAX).saturating_add(octets)
        });
        end.saturating_sub(come).max(1)
    }

    /// Takes received octets, and appends the frames that they complete to `frames`. The body of a
    /// sealed frame has at most `limit` octets.
    pub fn open(
        &mut self,
        input: &[u8],
        limit: u64,
        mechanism: &mut dyn Mechanism,
        frames: &mut Vec<u8>,
    ) -> Result<(), ZmtpError> {
        if self.opener.is_none() {
            self.opener = mechanism.take_opener();
        }
        self.octets.extend_from_slice(input);
        let mut rest = &self.octets[..];
        while let Some((FrameHeader { len, .. }, octets)) = FrameHeader::decode(rest) {
            if len > limit {
                return Err(ZmtpError::FrameTooLarge { len, limit });
            }
            let end = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(octets);
            let Some(body) = rest.get(octets..end) else { break };
            if !self.opener.as_mut().is_some_and(|opener| opener.open(body, frames)) {
                return Err(ZmtpError::NotGenuine);
            }
            rest = &rest[end..];
        }
        let used = self.octets.len() - rest.len();
        self.octets.drain(..used);
        Ok(())
    }
}
