//! Looking again for a short while before going to sleep.
//!
//! Waking a thread costs the waker, the woken and the time in between, on an idle processor tens of
//! microseconds; an answer over loopback or a short cable is there sooner than that. Who spins
//! for as long as a wake-up costs spends at most twice what the better choice would have.
//! In between looks the processor is offered to others, so that spinning keeps nobody from
//! running, the peer on the same processor least of all.

use std::time::Duration;

/// How long an adaptive spin lasts: about what sleeping and being woken costs on an idle machine.
const ADAPTIVE_LIMIT: Duration = Duration::from_micros(50);
/// The most chances that an adaptive spin lets pass after it was in vain again and again.
const PASSED_COUNT_MAX: u32 = 1024;

/// Whether to look again for a while before going to sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spin {
    /// Up to 50 µs where that has been worth it lately; one that is in vain is paid for by
    /// sleeping at once the next time, then the next two times, up to 1024.
    #[default]
    Adaptive,
    /// Always sleeps at once.
    Never,
    /// Always up to this long, which keeps a processor busy meanwhile.
    Always(Duration),
}

/// Decides about each spin by what came of those before.
#[derive(Debug)]
pub(crate) struct Spinner {
    spin: Spin,
    /// Chances to let pass before the next spin.
    to_pass: u32,
    /// Chances let pass after the last spin in vain.
    passed: u32,
}

impl Spinner {
    pub(crate) fn new(spin: Spin) -> Spinner {
        Spinner { spin, to_pass: 0, passed: 0 }
    }

    /// How long to spin now, if at all. Whoever does says afterwards how it went.
    pub(crate) fn chance(&mut self) -> Option<Duration> {
        match self.spin {
            Spin::Never => None,
            Spin::Always(limit) => Some(limit).filter(|limit| !limit.is_zero()),
            Spin::Adaptive if self.to_pass > 0 => {
                self.to_pass -= 1;
                None
            }
            Spin::Adaptive => Some(ADAPTIVE_LIMIT),
        }
    }

    /// What was waited for came during the spin.
    pub(crate) fn won(&mut self) {
        self.passed = 0;
    }

    /// The spin was in vain.
    pub(crate) fn lost(&mut self) {
        self.passed = (2 * self.passed).clamp(1, PASSED_COUNT_MAX);
        self.to_pass = self.passed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adaptive_spin_in_vain_is_paid_for_and_a_successful_one_forgives() {
        let mut spinner = Spinner::new(Spin::Adaptive);
        let passes_until_chance = |spinner: &mut Spinner| {
            (0..).find(|_| spinner.chance().is_some()).expect("a chance comes in the end")
        };
        for expected in [0, 1, 2, 4, 8] {
            assert_eq!(passes_until_chance(&mut spinner), expected);
            spinner.lost();
        }
        for _ in 0..20 {
            passes_until_chance(&mut spinner);
            spinner.lost();
        }
        assert_eq!(passes_until_chance(&mut spinner), PASSED_COUNT_MAX);
        spinner.won();
        assert_eq!(passes_until_chance(&mut spinner), 0);
        spinner.lost();
        assert_eq!(passes_until_chance(&mut spinner), 1);
    }

    #[test]
    fn what_is_asked_for_is_kept_to() {
        let mut never = Spinner::new(Spin::Never);
        assert_eq!(never.chance(), None);
        assert_eq!(Spinner::new(Spin::Always(Duration::ZERO)).chance(), None);
        let limit = Duration::from_micros(7);
        let mut always = Spinner::new(Spin::Always(limit));
        for _ in 0..3 {
            assert_eq!(always.chance(), Some(limit));
            always.lost();
        }
    }
}
