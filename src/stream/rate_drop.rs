//! `RateDrop`: drops frames to limit their rate.

use std::sync::Arc;
use std::time::Duration;

use super::frame::Frame;
use super::node::Node;
use super::ports::{Master, Slave};
use super::relay::{Relay, Rule};
use crate::clock::{self, Time};
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_error, static_logger};
use crate::process::{inherited_text, Generation};
use crate::sync::Mutex;

static_logger!(LOG, "stream.RateDrop");

/// Passes on some of the frames that it receives, in the sender's thread and without a copy.
///
/// It works while there is a handle, or a master connected to its slave. Frames that are requested
/// from it come from the node behind it. In a child by `fork` one of the parent drops what it receives.
pub struct RateDrop {
    relay: Arc<Relay<RateRule>>,
}

impl_debug!(RateDrop);

/// The rate of all senders together.
struct RateRule {
    generation: Generation,
    rate: Mutex<Rate>,
}

/// When the next frame passes.
enum Rate {
    Count {
        /// Frames to drop after each one that passes.
        gap: u64,
        /// How many of them are still to come.
        rest: u64,
    },
    Period {
        period: Duration,
        /// A frame that arrives later than this passes.
        next: Time,
    },
}

impl Rate {
    fn new(is_period: bool, value: f64, now: Time) -> Option<Rate> {
        if value.is_nan() || value < 0.0 {
            return None;
        }
        if !is_period || value == 0.0 {
            // A number beyond 2^64 becomes the largest: the rest of it passes in no program's life.
            return Some(Rate::Count { gap: value as u64, rest: 0 });
        }
        // A time that cannot be expressed never passes.
        let period = Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX);
        Some(Rate::Period { period, next: now + period })
    }

    /// Whether a frame passes that arrives at the time that `now` tells, which only a rate in time
    /// asks for.
    fn passes(&mut self, now: impl FnOnce() -> Time) -> bool {
        match self {
            Rate::Count { gap, rest } => {
                let is_passed = *rest == 0;
                *rest = if is_passed { *gap } else { *rest - 1 };
                is_passed
            }
            Rate::Period { period, next } => {
                let now = now();
                let is_passed = now > *next;
                if is_passed {
                    *next = now + *period;
                }
                is_passed
            }
        }
    }
}

impl Rule for RateRule {
    fn passes(&self, _frame: &Frame) -> bool {
        match self.rate.lock_own(self.generation) {
            Some(mut rate) => rate.passes(clock::now),
            None => {
                log_error!(LOG, "{}", inherited_text("The RateDrop"));
                false
            }
        }
    }
}

impl RateDrop {
    /// With `is_period`, at most one frame passes in `value` seconds, and none in the first `value`
    /// seconds after construction. Else `value`, without its fraction, is the number of frames that
    /// are dropped after each one that passes, the first one being the first that arrives. 0 passes
    /// all frames, either way.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if `value` is negative or not a number.
    pub fn new(is_period: bool, value: f64) -> Result<Arc<RateDrop>> {
        let rate = Rate::new(is_period, value, clock::now()).ok_or_else(|| {
            let text = format!(
                "The value is {value}: pass the seconds between two frames, or the number of \
                 frames to drop after each one, 0 or more"
            );
            Error::new(Status::InvalidArgument, "stream::RateDrop::RateDrop", text)
        })?;
        let rule = RateRule { generation: Generation::current(), rate: Mutex::new(rate) };
        Ok(Arc::new(RateDrop { relay: Relay::new(rule) }))
    }
}

impl Node for RateDrop {
    fn stream_master(&self) -> Arc<Master> {
        self.relay.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.relay.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use testkit_base::vectors;

    use super::*;

    const START: Time = Time(1 << 60);

    /// The numbers of those frames that pass which arrive at `times` after construction.
    fn passed(is_period: bool, value: f64, times: impl Iterator<Item = Duration>) -> Vec<u64> {
        let mut rate = Rate::new(is_period, value, START).unwrap();
        let passes = (0..).zip(times).filter(|(_, time)| rate.passes(|| START + *time));
        passes.map(|(number, _)| number).collect()
    }

    fn every(milliseconds: u64, count: u64) -> impl Iterator<Item = Duration> {
        (0..count).map(move |number| Duration::from_millis(number * milliseconds))
    }

    #[test]
    fn recorded_frames_pass_and_are_dropped_alike() {
        let mut compared = 0;
        for line in vectors::lines("stream_helpers") {
            let row: Value = serde_json::from_str(&line).unwrap();
            let description = row["description"].as_str().unwrap();
            let numbers = || -> Vec<u64> {
                row["passed"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
            };
            let found = if description.starts_with("RateDrop(period=false)") {
                passed(false, row["value"].as_str().unwrap().parse().unwrap(), every(0, 12))
            } else if description.starts_with("RateDrop(period=true, 0.1 s): frames every 30 ms") {
                passed(true, 0.1, every(30, 13))
            } else if description.starts_with("RateDrop(period=true, 0): frames 0..3") {
                passed(true, 0.0, every(0, 4))
            } else {
                assert!(!description.starts_with("RateDrop"), "{description}");
                continue;
            };
            assert_eq!(found, numbers(), "{description}");
            compared += 1;
        }
        assert_eq!(compared, 6);
    }

    #[test]
    fn long_periods_and_large_counts_hold() {
        let day = every(86_400_000, 6);
        assert_eq!(passed(true, 2.0 * 86_400.0, day), [3], "two days, where 36 minutes overflowed");
        assert!(passed(true, f64::INFINITY, every(u64::MAX / 8_000_000, 4)).is_empty());
        assert_eq!(passed(false, 1e30, every(0, 100)), [0]);
        assert_eq!(passed(false, 0.9, every(0, 3)), [0, 1, 2]);
    }

    #[test]
    fn a_frame_at_the_very_end_of_the_period_is_too_early() {
        let times = [100, 101].map(Duration::from_millis);
        assert_eq!(passed(true, 0.1, times.into_iter()), [1]);
    }

    #[test]
    fn a_value_that_is_no_rate_is_refused() {
        for value in [-1.0, -0.001, f64::NAN, f64::NEG_INFINITY] {
            for is_period in [false, true] {
                let error = RateDrop::new(is_period, value).expect_err("no rate");
                assert_eq!(error.status(), Status::InvalidArgument);
                assert!(error.text().contains(&value.to_string()), "{}", error.text());
            }
        }
        assert!(RateDrop::new(true, -0.0).is_ok());
    }
}
