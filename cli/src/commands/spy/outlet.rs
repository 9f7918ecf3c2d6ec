//! A thread that writes what it is handed, behind a queue with an end.
//!
//! The relay never waits for a terminal, a pipe or a disk. What does not fit into the queue is lost
//! and counted, and the count is told to whoever reads what is written.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Kind, Outcome};

/// Items that wait at most; each of them is small beside its octets.
const ITEM_COUNT_MAX: usize = 8192;

/// Where the items go.
pub trait Sink<T> {
    /// Writes an item, before which `lost` others were lost.
    fn take(&mut self, item: T, lost: u64) -> Outcome;

    /// Nothing else waits: what has been written becomes visible.
    fn flush(&mut self) -> Outcome;
}

#[derive(Debug, Default)]
struct Gauge {
    octets: AtomicUsize,
    written: AtomicU64,
    lost: AtomicU64,
    has_failed: AtomicBool,
}

/// The queue, and the thread behind it.
#[derive(Debug)]
pub struct Outlet<T> {
    sender: SyncSender<(usize, T)>,
    gauge: Arc<Gauge>,
    octets_max: usize,
    outcome: Receiver<Outcome>,
}

impl<T: Send + 'static> Outlet<T> {
    /// Starts the thread. At most `octets_max` octets wait for it. It calls `at_failure` where it
    /// can write no more.
    pub fn start(
        name: &str,
        octets_max: usize,
        mut sink: impl Sink<T> + Send + 'static,
        at_failure: impl FnOnce(&Failure) + Send + 'static,
    ) -> Outcome<Outlet<T>> {
        let (sender, items) = mpsc::sync_channel(ITEM_COUNT_MAX);
        let (end, outcome) = mpsc::sync_channel(1);
        let gauge = Arc::new(Gauge::default());
        let of_thread = gauge.clone();
        let work = move || {
            let written = write_all(&items, &of_thread, &mut sink);
            if let Err(failure) = &written {
                of_thread.has_failed.store(true, Ordering::Relaxed);
                at_failure(failure);
            }
            // Nobody waits for it where the program ends without.
            let _ = end.send(written);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(no_thread)?;
        Ok(Outlet { sender, gauge, octets_max, outcome })
    }

    /// Hands an item over that holds so many octets, or counts it as lost. Does not wait.
    pub fn offer(&self, octets: usize, item: T) {
        let waiting = self.gauge.octets.fetch_add(octets, Ordering::Relaxed);
        let sent = match waiting.saturating_add(octets) <= self.octets_max {
            true => self.sender.try_send((octets, item)),
            false => Err(TrySendError::Full((octets, item))),
        };
        if let Err(refused) = sent {
            self.gauge.octets.fetch_sub(octets, Ordering::Relaxed);
            if matches!(refused, TrySendError::Full(_)) {
                self.gauge.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Items that were lost so far.
    pub fn lost(&self) -> u64 {
        self.gauge.lost.load(Ordering::Relaxed)
    }

    /// Whether the thread has ended because it could write no more.
    pub fn has_failed(&self) -> bool {
        self.gauge.has_failed.load(Ordering::Relaxed)
    }

    /// Waits until everything is written; `None` if nothing was for so long.
    pub fn finish(self, patience: Duration) -> Option<Outcome> {
        drop(self.sender);
        let mut before = None;
        loop {
            let written = self.gauge.written.load(Ordering::Relaxed);
            if before.replace(written) == Some(written) {
                return None;
            }
            if let Ok(outcome) = self.outcome.recv_timeout(patience) {
                return Some(outcome);
            }
        }
    }
}

fn write_all<T>(items: &Receiver<(usize, T)>, gauge: &Gauge, sink: &mut dyn Sink<T>) -> Outcome {
    let mut told = 0;
    loop {
        let (octets, item) = match items.try_recv() {
            Ok(item) => item,
            Err(TryRecvError::Disconnected) => return sink.flush(),
            Err(TryRecvError::Empty) => {
                sink.flush()?;
                match items.recv() {
                    Ok(item) => item,
                    Err(_) => return Ok(()),
                }
            }
        };
        let lost = gauge.lost.load(Ordering::Relaxed);
        sink.take(item, lost - told)?;
        told = lost;
        gauge.written.fetch_add(1, Ordering::Relaxed);
        gauge.octets.fetch_sub(octets, Ordering::Relaxed);
    }
}

fn no_thread(error: io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("The system refuses to start a thread: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Waits for permission before each item.
    struct Slow {
        turns: Receiver<()>,
        written: Arc<Mutex<Vec<(u32, u64)>>>,
    }

    impl Sink<u32> for Slow {
        fn take(&mut self, item: u32, lost: u64) -> Outcome {
            self.turns.recv().map_err(|_| Failure::new(Kind::File, "no more"))?;
            self.written.lock().unwrap().push((item, lost));
            Ok(())
        }

        fn flush(&mut self) -> Outcome {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_fit_is_lost_counted_and_told() {
        let (turn, turns) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Slow { turns, written: written.clone() };
        let outlet = Outlet::start("test", 100, sink, |_| ()).unwrap();
        // The first may be in the thread's hands, whose octets count until it is written.
        for item in 0..5 {
            outlet.offer(40, item);
        }
        assert_eq!(outlet.lost(), 3);
        turn.send(()).unwrap();
        turn.send(()).unwrap();
        while outlet.gauge.octets.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        outlet.offer(40, 5);
        turn.send(()).unwrap();
        assert!(outlet.finish(LONG).expect("it ends").is_ok());
        let written = written.lock().unwrap();
        let items: Vec<u32> = written.iter().map(|(item, _)| *item).collect();
        assert_eq!(items, [0, 1, 5]);
        assert_eq!(written.iter().map(|(_, lost)| lost).sum::<u64>(), 3);
    }

    #[test]
    fn a_failure_is_told_once_and_nothing_waits_for_it() {
        let (turn, turns) = mpsc::channel::<()>();
        drop(turn);
        let sink = Slow { turns, written: Arc::default() };
        let (told, failures) = mpsc::channel();
        let outlet = Outlet::start("test", 100, sink, move |_| told.send(()).unwrap()).unwrap();
        outlet.offer(1, 0);
        failures.recv().unwrap();
        for item in 1..10 {
            outlet.offer(1, item);
        }
        assert!(outlet.has_failed());
        assert!(outlet.finish(LONG).expect("it has ended").is_err());
    }
}
