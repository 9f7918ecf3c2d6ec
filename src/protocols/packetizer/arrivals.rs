//! What has come over the present link, for the words of what has not.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::proto::packetizer::{OtherVersion, Version};

/// No packet of another version has come: no version has this value.
const NONE: u8 = u8::MAX;

/// What the receiving side knows about the peer. The sending side must not own that side.
pub(super) struct Arrivals {
    own: Version,
    /// A packet of this end's version has come.
    is_heard: AtomicBool,
    /// The version of the last packet of another one, or [`NONE`].
    other: AtomicU8,
}

impl Arrivals {
    pub(super) fn new(own: Version) -> Arrivals {
        Arrivals { own, is_heard: AtomicBool::new(false), other: AtomicU8::new(NONE) }
    }

    /// A packet of this end's version has come.
    pub(super) fn note_heard(&self) {
        // Its line of memory stays with all threads that read it.
        if !self.is_heard.load(Ordering::Relaxed) {
            self.is_heard.store(true, Ordering::Relaxed);
        }
    }

    /// A packet of another version has come.
    pub(super) fn note_other(&self, version: OtherVersion) {
        self.other.store(version.found, Ordering::Relaxed);
    }

    /// The link is lost; the next one may be to another peer.
    pub(super) fn forget(&self) {
        self.is_heard.store(false, Ordering::Relaxed);
        self.other.store(NONE, Ordering::Relaxed);
    }

    /// Why frames for `dest` may get no answer, in a sentence.
    pub(super) fn explain_silence(&self, dest: u8) -> Option<String> {
        let own = self.own;
        match self.other.load(Ordering::Relaxed) {
            NONE if self.is_heard.load(Ordering::Relaxed) => None,
            NONE => Some(format!(
                "The packetizer, which speaks {own}, has received no packet yet: the peer's may \
                 speak another version, or have nothing at destination {dest}."
            )),
            found => Some(format!(
                "The packetizer has dropped what the peer sends: {}.",
                OtherVersion { own, found }
            )),
        }
    }
}
