//! The remaining time of a request, and the server's test whether a request is late.
//!
//! A request may lie in the buffers of both systems for any time, for example while the server's
//! process is stopped. By then the client has reported a failure to its user, so the access must
//! not be carried out any more.

/// Octets of a [`Timing`] on the wire.
pub(super) const OCTETS: usize = 24;
/// The same with the frame header.
pub(super) const FRAME_OCTETS: usize = 2 + OCTETS;

/// Part of the text with which a server refuses a late request.
pub const LATE_TEXT: &str = "it was not carried out, because its time";

/// Upper bound on the drift of two clocks: parts per million of the time since their comparison.
const DRIFT_PPM: u64 = 200;

/// The part of a request after its header, if both ends have announced
/// [`X_ROGUE_DEADLINE`](super::property::X_ROGUE_DEADLINE): three times in nanoseconds, 8 octets
/// each, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timing {
    /// When the request was sent, on the client's monotonic clock.
    pub sent: u64,
    /// The time that was left then.
    pub remaining: u64,
    /// The client's timeout: the time that an answer to this client adds to the request.
    pub timeout: u64,
}

impl Timing {
    /// The frame of the timing; `more` where data follows.
    #[inline]
    pub(super) fn frame(&self, more: bool) -> [u8; FRAME_OCTETS] {
        let mut octets = [0; FRAME_OCTETS];
        octets[..2].copy_from_slice(&[u8::from(more), OCTETS as u8]);
        octets[2..10].copy_from_slice(&self.sent.to_le_bytes());
        octets[10..18].copy_from_slice(&self.remaining.to_le_bytes());
        octets[18..].copy_from_slice(&self.timeout.to_le_bytes());
        octets
    }

    /// The timing at the start of `input`, and whether a part follows, if its frame is present in
    /// its usual form.
    #[inline]
    pub(super) fn decode_frame(input: &[u8]) -> Option<(Timing, bool)> {
        let octets: &[u8; FRAME_OCTETS] = input.first_chunk()?;
        let [flags @ (0 | 1), length, rest @ ..] = octets else { return None };
        (usize::from(*length) == OCTETS).then(|| (Timing::from_octets(rest), *flags == 1))
    }

    #[inline]
    pub(super) fn from_octets(octets: &[u8; OCTETS]) -> Timing {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| octets[at + index]));
        Timing { sent: word(0), remaining: word(8), timeout: word(16) }
    }
}

/// A peer's clock as seen from here. All times are in nanoseconds, of clocks that only go forward.
///
/// A message sent at the peer's time `s` is received here at `s + offset + delay`. The offset is
/// unknown, but the smallest `received - sent` so far is at most one delay above it. Clocks drift,
/// so its weight falls with its age. Used as the offset, it makes messages look younger than they
/// are by that delay, and never older.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerClock {
    /// The smallest `received - sent` so far, modulo 2^64.
    offset: u64,
    /// When it was measured.
    seen: u64,
}

impl PeerClock {
    /// From a message sent at `sent` on the peer's clock and received at `now`.
    pub fn new(sent: u64, now: u64) -> PeerClock {
        PeerClock { offset: now.wrapping_sub(sent), seen: now }
    }

    /// Updates the offset by a message sent at `sent` and received at `now`, which does not
    /// decrease from call to call. Returns the minimum time that the message was on its way, in
    /// nanoseconds.
    #[inline]
    pub fn age(&mut self, sent: u64, now: u64) -> u64 {
        let offset = now.wrapping_sub(sent);
        let drift = now.saturating_sub(self.seen) / 1_000_000 * DRIFT_PPM;
        let bound = self.offset.wrapping_add(drift);
        // Their difference is small, whatever they are.
        let age = offset.wrapping_sub(bound) as i64;
        if age <= 0 {
            *self = PeerClock { offset, seen: now };
        }
        age.max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const HOUR: u64 = 3_600_000 * MS;

    #[test]
    fn a_timing_comes_back_from_its_frame_and_from_no_shorter_one() {
        let timing = Timing { sent: 1 << 60, remaining: 0x0102_0304, timeout: u64::MAX };
        for more in [false, true] {
            let frame = timing.frame(more);
            assert_eq!(frame[..3], [u8::from(more), 24, 0]);
            assert_eq!(Timing::decode_frame(&frame), Some((timing, more)));
            for cut in 0..frame.len() {
                assert_eq!(Timing::decode_frame(&frame[..cut]), None);
            }
        }
        let mut frame = timing.frame(false);
        frame[0] = 4;
        assert_eq!(Timing::decode_frame(&frame), None, "a command");
        frame[..2].copy_from_slice(&[0, 25]);
        assert_eq!(Timing::decode_frame(&frame), None, "another size");
    }

    #[test]
    fn what_was_held_up_is_as_old_as_the_hold_up() {
        // The peer's clock is a second behind this one, or far ahead of it.
        for ahead in [1_000_u64.wrapping_neg(), 0, 7_000_000 * 1_000] {
            let sent = |ms: u64| ms.wrapping_add(ahead).wrapping_mul(MS);
            let mut clock = PeerClock::new(sent(100), 103 * MS);
            assert_eq!(clock.age(sent(200), 203 * MS), 0);
            assert_eq!(clock.age(sent(300), 301 * MS), 0, "a faster one");
            let age = clock.age(sent(400), 2_401 * MS);
            assert!(age > 1999 * MS && age <= 2000 * MS, "{age}");
        }
    }

    #[test]
    fn no_drift_below_two_hundred_millionths_makes_anything_old() {
        for ppm in [-190_i64, -20, 0, 20, 190] {
            let peer = |now: u64| now.wrapping_add_signed(now as i64 / 1_000_000 * ppm);
            let mut clock = PeerClock::new(peer(HOUR), HOUR);
            for hours in [2, 3, 20, 21, 500] {
                let now = hours * HOUR;
                assert_eq!(clock.age(peer(now), now), 0, "{ppm} at {hours} h");
            }
        }
    }

    #[test]
    fn a_comparison_counts_for_less_the_older_it_is() {
        let mut clock = PeerClock::new(0, 0);
        let age = clock.age(HOUR, HOUR + 2_000 * MS);
        assert_eq!(age, 2_000 * MS - 720_400_000, "200 ppm of an hour and 2 s");
        assert_eq!(clock.age(HOUR, HOUR + 100 * MS), 0);
        let age = clock.age(HOUR + 1_000 * MS, HOUR + 1_200 * MS);
        assert!(age > 99 * MS, "the comparison before was a fresh one: {age}");
    }
}
