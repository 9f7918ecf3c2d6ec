//! Spinning: polling for a short while before a blocking wait.
//!
//! A wake-up costs tens of microseconds on an idle processor: for the thread that wakes, for the
//! thread that is woken, and in between. An answer over loopback or a short cable arrives sooner.
//! A spin as long as a wake-up costs at most twice as much as the better choice. Between two polls
//! the processor is yielded, so a spin stalls no other thread, least of all a peer on the same
//! processor.

use std::time::Duration;

/// Length of an adaptive spin: about the cost of a sleep and a wake-up on an idle machine.
const ADAPTIVE_LIMIT: Duration = Duration::from_micros(50);
/// Upper bound on the waits without a spin after repeated misses.
const SKIPS_COUNT_MAX: u32 = 1024;

/// Whether to poll for a while before a blocking wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spin {
    /// Up to 50 µs while spins pay off. After a miss the next wait sleeps at once; each further
    /// miss in a row doubles the number of such waits, up to 1024.
    #[default]
    Adaptive,
    /// Never: every wait sleeps at once.
    Never,
    /// Always up to this long, which keeps a processor busy.
    Always(Duration),
}

/// Decides about each spin from the outcome of the spins before.
#[derive(Debug)]
pub(crate) struct Spinner {
    spin: Spin,
    /// Waits without a spin that are left before the next spin.
    skips_left: u32,
    /// Waits without a spin after the last miss.
    skips: u32,
}

impl Spinner {
    pub(crate) fn new(spin: Spin) -> Spinner {
        Spinner { spin, skips_left: 0, skips: 0 }
    }

    /// How long to spin before this wait, if at all. The caller reports the outcome of a spin with
    /// [`hit`](Self::hit) or [`miss`](Self::miss).
    pub(crate) fn next_spin(&mut self) -> Option<Duration> {
        match self.spin {
            Spin::Never => None,
            Spin::Always(limit) => Some(limit).filter(|limit| !limit.is_zero()),
            Spin::Adaptive if self.skips_left > 0 => {
                self.skips_left -= 1;
                None
            }
            Spin::Adaptive => Some(ADAPTIVE_LIMIT),
        }
    }

    /// The awaited event came during the spin.
    pub(crate) fn hit(&mut self) {
        self.skips = 0;
    }

    /// The spin ended without the awaited event.
    pub(crate) fn miss(&mut self) {
        self.skips = (2 * self.skips).clamp(1, SKIPS_COUNT_MAX);
        self.skips_left = self.skips;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adaptive_misses_double_the_skips_and_a_hit_resets_them() {
        let mut spinner = Spinner::new(Spin::Adaptive);
        let skips_until_spin = |spinner: &mut Spinner| {
            (0..).find(|_| spinner.next_spin().is_some()).expect("the skips end")
        };
        for expected in [0, 1, 2, 4, 8] {
            assert_eq!(skips_until_spin(&mut spinner), expected);
            spinner.miss();
        }
        for _ in 0..20 {
            skips_until_spin(&mut spinner);
            spinner.miss();
        }
        assert_eq!(skips_until_spin(&mut spinner), SKIPS_COUNT_MAX);
        spinner.hit();
        assert_eq!(skips_until_spin(&mut spinner), 0);
        spinner.miss();
        assert_eq!(skips_until_spin(&mut spinner), 1);
    }

    #[test]
    fn never_and_always_are_fixed() {
        let mut never = Spinner::new(Spin::Never);
        assert_eq!(never.next_spin(), None);
        assert_eq!(Spinner::new(Spin::Always(Duration::ZERO)).next_spin(), None);
        let limit = Duration::from_micros(7);
        let mut always = Spinner::new(Spin::Always(limit));
        for _ in 0..3 {
            assert_eq!(always.next_spin(), Some(limit));
            always.miss();
        }
    }
}
