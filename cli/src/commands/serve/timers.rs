//! What a server that runs does from time to time.

use std::time::{Duration, Instant};

/// Something that is due again and again, or never.
#[derive(Debug)]
pub struct Timer {
    period: Option<Duration>,
    due: Instant,
}

impl Timer {
    /// Due at once, and after each period; never without one.
    pub fn new(period: Option<Duration>, now: Instant) -> Timer {
        Timer { period, due: now }
    }

    /// When it is due; `None`: never.
    pub fn due(&self) -> Option<Instant> {
        self.period.map(|_| self.due)
    }

    /// Whether it is due. Then the next period begins: times that have been missed are left out.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let Some(period) = self.period.filter(|_| self.due <= now) else { return false };
        self.due = now + period;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_due_at_once_and_then_once_in_each_period() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut timer = Timer::new(Some(Duration::from_secs(10)), start);
        assert!(timer.take_due(start));
        assert!(!timer.take_due(after(9)));
        assert!(timer.take_due(after(35)));
        assert_eq!(timer.due(), Some(after(45)));
        let mut never = Timer::new(None, start);
        assert!(!never.take_due(after(100)));
        assert_eq!(never.due(), None);
    }
}
