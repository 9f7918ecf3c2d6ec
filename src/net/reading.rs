//! A thread that waits for an answer reads from the socket itself, in place of the event loop: an
//! answer that another thread reads costs two thread switches, one that its requester reads costs one.

use std::thread;
use std::time::Duration;

use super::spin::Spinner;
use crate::clock;

/// Number of reads between two looks at the time.
const READS_PER_LOOK_MAX: usize = 16;

/// A waiting thread and the socket that it reads.
pub(crate) trait Reading {
    /// What ends it early.
    type Failure;

    /// Reads once without blocking, and delivers what has arrived. Returns whether there was
    /// something.
    fn read(&mut self) -> Result<bool, Self::Failure>;

    /// Whether the thread has nothing to wait for any more. Cheap.
    fn is_over(&self) -> bool;

    /// For how long it waits still, at most; `None` if not at all.
    fn time_left(&mut self) -> Option<Duration>;

    /// Decides about its spins.
    fn spinner(&mut self) -> &mut Spinner;

    /// Sleeps until something arrives or another thread interrupts, for at most `time`. False if the
    /// system provides no means to sleep.
    fn sleep(&mut self, time: Duration) -> bool;
}

/// Reads until the wait is over, its time has passed, or the thread cannot sleep.
///
/// # Errors
///
/// That of [`Reading::read`].
pub(crate) fn read_until_over<R: Reading>(reading: &mut R) -> Result<(), R::Failure> {
    loop {
        let mut reads = 0;
        while reading.read()? {
            if reading.is_over() {
                return Ok(());
            }
            reads += 1;
            // What arrives for others may never end.
            if reads % READS_PER_LOOK_MAX == 0 && reading.time_left().is_none() {
                return Ok(());
            }
        }
        if reading.is_over() {
            return Ok(());
        }
        let Some(mut time) = reading.time_left() else { return Ok(()) };
        if let Some(limit) = reading.spinner().next_spin() {
            if spin(reading, limit.min(time))? {
                if reading.is_over() {
                    return Ok(());
                }
                continue;
            }
            let Some(rest) = reading.time_left() else { return Ok(()) };
            time = rest;
        }
        if !reading.sleep(time) || reading.is_over() {
            return Ok(());
        }
    }
}

/// Polls for at most `limit`. Returns whether there is something new.
fn spin<R: Reading>(reading: &mut R, limit: Duration) -> Result<bool, R::Failure> {
    let end = clock::now() + limit;
    loop {
        thread::yield_now();
        if reading.read()? {
            reading.spinner().hit();
            return Ok(true);
        }
        if reading.is_over() {
            return Ok(true);
        }
        if clock::now() >= end {
            reading.spinner().miss();
            return Ok(false);
        }
    }
}
