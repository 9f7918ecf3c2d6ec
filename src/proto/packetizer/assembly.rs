//! The payload of a frame while its packets arrive.

use super::PacketFault;

/// Which destinations are open.
#[derive(Default)]
pub(super) struct DestSet([u64; 4]);

impl DestSet {
    pub(super) fn insert(&mut self, dest: u8) {
        self.0[usize::from(dest / 64)] |= 1 << (dest % 64);
    }

    pub(super) fn contains(&self, dest: u8) -> bool {
        self.0[usize::from(dest / 64)] >> (dest % 64) & 1 == 1
    }
}

/// The payload of an unfinished frame.
#[derive(Default)]
pub(super) struct Assembly {
    bytes: Vec<u8>,
    /// Its destination was open when it began.
    is_kept: bool,
}

impl Assembly {
    pub(super) fn new(is_kept: bool) -> Assembly {
        Assembly { bytes: Vec::new(), is_kept }
    }

    /// Octets held.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a packet's payload, up to `bytes_max` octets in all.
    pub(super) fn append(
        &mut self,
        dest: u8,
        payload: &[u8],
        bytes_max: usize,
    ) -> Result<(), PacketFault> {
        if !self.is_kept {
            return Ok(());
        }
        let frame_bytes = self.bytes.len() + payload.len();
        if frame_bytes > bytes_max || self.bytes.try_reserve(payload.len()).is_err() {
            return Err(PacketFault::TooLarge { dest, frame_bytes });
        }
        self.bytes.extend_from_slice(payload);
        Ok(())
    }

    /// The payload; `None` if the destination was not open.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        self.is_kept.then_some(self.bytes)
    }
}
