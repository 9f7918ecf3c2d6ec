//! How fast peers go on with what they have begun: a message that has come in part, or output that
//! they have not read.

use std::collections::BTreeSet;
use std::time::Duration;

use super::pairing::ConnectionId;
use crate::clock::Time;

/// How long a peer may do nothing at all. Longer than any repetition of TCP over a bad network takes
/// at first, and about as long as the system lets sent octets stay unacknowledged.
pub const GRACE: Duration = Duration::from_secs(10);
/// Over less time than this no speed is measured.
const MEASURED_TIME_MIN: Duration = Duration::from_millis(500);
/// A peer that needs longer than this for the rest of what it has begun is slow where others wait.
const REST_TIME_MAX: Duration = Duration::from_secs(10);

/// What a peer has begun on a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// A message that it sends.
    In,
    /// Output that it reads.
    Out,
}

/// The progress of one of these.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    begun: Time,
    /// Until when further octets have to come.
    deadline: Time,
    /// Octets so far, counted from the start of the connection.
    octets: u64,
    /// Octets at an earlier time, from which the speed is measured.
    sample: (Time, u64),
}

impl Progress {
    /// It has begun at `now`, with that many octets on the connection so far.
    pub fn begin(octets: u64, now: Time) -> Progress {
        Progress { begun: now, deadline: now + GRACE, octets, sample: (now, octets) }
    }

    /// There are `octets` by now. Each new one is worth the time that it may take at `rate` octets in
    /// a second, but no more than the grace is ever left.
    pub fn advance(&mut self, octets: u64, now: Time, rate: u32) {
        let new = octets.saturating_sub(self.octets);
        self.octets += new;
        if new > 0 {
            let worth_ns = new.saturating_mul(1_000_000_000) / u64::from(rate.max(1));
            let worth = Duration::from_nanos(worth_ns).min(GRACE);
            self.deadline = (self.deadline + worth).min(now + GRACE);
        }
    }

    /// When its time is over.
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// When it has begun.
    pub fn begun(&self) -> Time {
        self.begun
    }

    /// The speed is measured from `now` on.
    pub fn measure(&mut self, now: Time) {
        self.sample = (now, self.octets);
    }

    /// How long the `rest` octets will take, if that is too long. None also if it is not known yet.
    fn slowness(&self, rest: u64, now: Time) -> Option<Duration> {
        let (since, before) = self.sample;
        let elapsed = now.since(since);
        if elapsed < MEASURED_TIME_MIN {
            return None;
        }
        let moved = self.octets - before;
        let nanoseconds = match moved {
            0 => u64::MAX,
            moved => {
                let exact = u128::from(rest) * elapsed.as_nanos() / u128::from(moved);
                u64::try_from(exact).unwrap_or(u64::MAX)
            }
        };
        let time = Duration::from_nanos(nanoseconds);
        (time > REST_TIME_MAX).then_some(time)
    }
}

/// One that makes room if it is slow.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The connection.
    pub id: ConnectionId,
    /// Its progress.
    pub progress: Progress,
    /// Octets that are missing.
    pub rest: u64,
    /// Bytes that are held for it.
    pub held: u64,
}

/// The one of `candidates` that would hold what it holds for longest; of those the one with most. None
/// if all will be done soon.
pub fn slowest(candidates: impl Iterator<Item = Candidate>, now: Time) -> Option<Candidate> {
    let slow = candidates.filter_map(|one| Some((one.progress.slowness(one.rest, now)?, one)));
    slow.max_by_key(|(time, one)| (*time, one.held)).map(|(_, one)| one)
}

/// What is unfinished on all connections of a server.
#[derive(Default)]
pub struct Unfinished {
    begun: BTreeSet<(Time, ConnectionId, Way)>,
    check_at: Option<Time>,
}

impl Unfinished {
    /// Notes whether something is unfinished at `now`, where `progress` is what is known of it, and the
    /// connection has seen `octets` so far.
    pub fn note(
        &mut self,
        (id, way): (ConnectionId, Way),
        progress: &mut Option<Progress>,
        is_unfinished: bool,
        octets: u64,
        now: Time,
    ) {
        match progress {
            None if is_unfinished => {
                *progress = Some(Progress::begin(octets, now));
                self.begun.insert((now, id, way));
                self.check_at.get_or_insert(now + GRACE);
            }
            Some(known) if !is_unfinished => {
                self.begun.remove(&(known.begun, id, way));
                *progress = None;
            }
            _ => {}
        }
    }

    /// A connection has gone.
    pub fn forget(&mut self, id: ConnectionId, progress: [Option<Progress>; 2]) {
        for (way, known) in [Way::In, Way::Out].into_iter().zip(progress) {
            if let Some(known) = known {
                self.begun.remove(&(known.begun, id, way));
            }
        }
    }

    /// When the oldest of all that is unfinished has begun.
    pub fn oldest(&self) -> Option<Time> {
        self.begun.first().map(|&(begun, ..)| begun)
    }

    /// All that is unfinished.
    pub fn all(&self) -> Vec<(ConnectionId, Way)> {
        self.begun.iter().map(|&(_, id, way)| (id, way)).collect()
    }

    /// When to look at all that is unfinished.
    pub fn deadline(&self) -> Option<Time> {
        self.check_at
    }

    /// All that is unfinished has been looked at, and of what is left the first is due at `next`.
    pub fn checked(&mut self, next: Option<Time>) {
        self.check_at = next;
    }
}

#[cfg(test)]
mod tests;
