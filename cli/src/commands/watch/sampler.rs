//! Reads the registers at regular times.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rogue_mem::memory::{Master, TransactionType};

use crate::arguments::Watch;
use crate::interrupt::Interrupt;
use crate::number::Register;

/// A register's value, or why it could not be read.
pub type Reading = Result<u64, String>;

/// The registers at one time, in the order of the command line.
pub struct Sample {
    /// When the answers were there.
    pub time: SystemTime,
    /// What they said.
    pub readings: Vec<Reading>,
}

/// Takes samples.
pub struct Sampler {
    master: Arc<Master>,
    addresses: Vec<u64>,
    register: Register,
    interval: Duration,
    left: Option<u64>,
    due: Instant,
}

impl Sampler {
    /// The first sample is due now.
    pub fn new(watch: &Watch, master: Arc<Master>) -> Sampler {
        Sampler {
            master,
            addresses: watch.addresses.clone(),
            register: watch.word.register(),
            interval: watch.interval,
            left: watch.count,
            due: Instant::now(),
        }
    }

    /// Takes the next sample when it is due. `None` after the last one, or at a signal.
    pub fn next(&mut self, interrupt: &Interrupt) -> Option<Sample> {
        self.left = match self.left {
            Some(left) => Some(left.checked_sub(1)?),
            None => None,
        };
        interrupt.pause_until(self.due);
        if interrupt.has_come() {
            return None;
        }
        self.due = following(self.due, self.interval, Instant::now());
        let readings = self.read();
        // A signal makes the accesses fail.
        let sample = Sample { time: SystemTime::now(), readings };
        (!interrupt.has_come()).then_some(sample)
    }

    /// Reads all registers: requests them together, and waits for each.
    fn read(&self) -> Vec<Reading> {
        let width = self.register.width as usize;
        let buffer = |address: &u64| (*address, vec![0; width].into());
        let requests = self.addresses.iter().map(buffer).collect();
        match self.master.request_many(requests, TransactionType::Read) {
            Ok(ids) => {
                let value = |bytes: Vec<u8>| self.register.value(&bytes);
                let wait = |id| self.master.wait_buffer(id).map(value).map_err(one_line);
                ids.into_iter().map(wait).collect()
            }
            Err(error) => vec![Err(one_line(error)); self.addresses.len()],
        }
    }
}

/// The text of an error, which may be a server's, as part of a line.
fn one_line(error: rogue_mem::Error) -> String {
    error.text().replace(char::is_control, " ")
}

/// The first time after `now` that is whole intervals after `due`: samples that a slow server has
/// made impossible are left out.
fn following(due: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(due).as_nanos();
    let left_out = u32::try_from(late / interval.as_nanos().max(1)).unwrap_or(u32::MAX - 1);
    due + interval * (left_out + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_keep_their_rhythm_and_leave_out_what_is_over() {
        let ms = Duration::from_millis;
        let due = Instant::now();
        for (now, next) in [(0, 10), (9, 10), (10, 20), (35, 40)] {
            assert_eq!(following(due, ms(10), due + ms(now)), due + ms(next), "{now}");
        }
        // Before it is due.
        assert_eq!(following(due + ms(10), ms(10), due), due + ms(20));
    }
}
