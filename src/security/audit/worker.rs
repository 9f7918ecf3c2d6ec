//! The thread that passes records on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::file::FileSink;
use super::queue::{add, Batch, Queue, Work};
use super::record::AuditSink;
use crate::clock::{self, Time};
use crate::error::caught;
use crate::logging::{log_error, log_warning, static_logger};

static_logger!(LOG, "Audit");

/// How often the log says that records are lost.
const LOSS_PERIOD: Duration = Duration::from_secs(10);

/// The receiver of the records.
pub(super) enum Sink {
    Program(Box<dyn AuditSink>),
    File(FileSink),
}

/// Says now and then how many records were lost.
#[derive(Default)]
struct LossReport {
    unsaid: u64,
    next: Option<Time>,
}

impl LossReport {
    fn note(&mut self, lost: u64, now: Time, is_last: bool) {
        self.unsaid += lost;
        let is_due = is_last || self.next.is_none_or(|next| next <= now);
        if self.unsaid > 0 && is_due {
            log_warning!(
                LOG,
                "{} records of the audit were lost: its sink takes them more slowly than they come \
                 (the options records_max and queue_bytes_max say how many may wait)",
                self.unsaid
            );
            (self.unsaid, self.next) = (0, Some(now + LOSS_PERIOD));
        }
    }
}

/// Passes records on until the audit has gone.
pub(super) fn run(queue: &Queue, mut sink: Sink) {
    let mut losses = LossReport::default();
    loop {
        let work = queue.next();
        let Work { batch, flush, is_last } = &work;
        let is_last = *is_last;
        let count = batch.len() as u64;
        let outcome = match &mut sink {
            Sink::Program(program) => {
                tell(&mut **program, batch);
                add(&queue.counters.delivered, count);
                Ok(())
            }
            Sink::File(file) => {
                file.write(batch);
                match flush.is_some() || is_last {
                    true => file.sync(),
                    false => Ok(()),
                }
            }
        };
        queue.counters.queued.fetch_sub(count, Ordering::Relaxed);
        losses.note(batch.lost, clock::now(), is_last);
        queue.finish(work, outcome);
        if is_last {
            break;
        }
    }
    if let Err(text) = caught(|| drop(sink)) {
        log_error!(LOG, "The sink of the audit panicked at its end: {text}");
    }
    queue.has_ended();
}

/// Passes a batch to the program.
fn tell(program: &mut dyn AuditSink, batch: &Batch) {
    let call = |call: &mut dyn FnMut()| {
        if let Err(text) = caught(call) {
            log_error!(LOG, "The sink of the audit panicked: {text}");
        }
    };
    for record in batch.records() {
        call(&mut || program.record(&record));
    }
    if batch.lost > 0 {
        call(&mut || program.lost(batch.lost));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    #[test]
    fn losses_are_said_at_once_and_then_at_a_limited_rate() {
        let mut report = LossReport::default();
        report.note(0, s(1), false);
        assert_eq!(report.next, None);
        report.note(3, s(2), false);
        assert_eq!((report.unsaid, report.next), (0, Some(s(12))));
        report.note(4, s(3), false);
        report.note(5, s(11), false);
        assert_eq!(report.unsaid, 9);
        report.note(0, s(12), false);
        assert_eq!((report.unsaid, report.next), (0, Some(s(22))));
        report.note(1, s(13), true);
        assert_eq!(report.unsaid, 0, "at the end in any case");
    }
}
