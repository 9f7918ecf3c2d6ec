//! What a session holds because of the peer.

use super::error::reserve;
use super::{Metadata, SealedInput, Session, COMMAND_KEPT_OCTETS_MAX, CONTROL_OUTPUT_OCTETS_MAX};

impl Session {
    /// Octets of memory that it holds because of the peer: an unfinished command, the peer's
    /// properties, queued output, and an unfinished sealed frame.
    #[inline]
    pub fn held_octets(&self) -> usize {
        let sealed = self.sealed_input.as_ref().map_or(0, SealedInput::held_octets);
        let properties = self.mechanism.peer().map_or(0, Metadata::held_octets);
        self.command.capacity() + self.output.capacity() + properties + sealed
    }

    /// Whether another PONG may be queued: there are not too many, and the system has memory for it.
    pub(super) fn has_room_for_pong(&mut self) -> bool {
        self.output.len() < CONTROL_OUTPUT_OCTETS_MAX
            && reserve(&mut self.output, COMMAND_KEPT_OCTETS_MAX).is_ok()
    }

    /// Frees memory that holds nothing.
    pub fn give_back(&mut self) {
        if let Some(sealed) = &mut self.sealed_input {
            sealed.give_back();
        }
    }

    /// Whether no message and no frame of the peer's is incomplete.
    #[inline]
    pub fn is_between_messages(&self) -> bool {
        let is_sealed = self.sealed_input.as_ref().is_some_and(|input| input.is_unfinished());
        self.at_message_boundary() && !is_sealed
    }
}
