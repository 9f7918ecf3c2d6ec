//! The deadlines of a client's requests, if it sends them.
//!
//! A timeout is a time of inactivity, for the client as here: each timely answer renews the
//! requests made after the answered one. A late request is not executed; [`PeerClock`] computes a
//! request's age.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Time;
use crate::memory::{Activity, Signs, Tracker, Transaction};
use crate::proto::bridge::{PeerClock, Timing};
use crate::sync::Mutex;

/// Number of unsent answers for which memory is kept.
const UNSENT_KEPT_MAX: usize = 256;

/// The times of one client.
pub(super) struct ClientTimes {
    clock: PeerClock,
    /// Timely answers to requests that the client waits for.
    signs: Signs,
    /// All timely answers. The client no longer tracks a posted write when it is answered. Such an
    /// answer renews only the posted writes behind it, which have succeeded for the client.
    signs_with_posted: Signs,
    /// Start of the request that started last, on the client's clock and as estimated here: no
    /// later request may appear to start before it.
    last_begun: (u64, Time),
    /// Longest timeout of the requests since none was outstanding.
    timeout_max: Duration,
    /// Unsent answers, each with the end of its octets in the stream to the client.
    unsent: VecDeque<(u64, Patience)>,
    /// Whether `answers` has an entry.
    has_answers: bool,
    answers: Arc<Answers>,
}

/// How long a client waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Start of the wait, unless a sign of life came after it.
    pub(super) start: Time,
    pub(super) timeout: Duration,
    /// A posted write: it does not wait.
    pub(super) is_posted: bool,
}

/// The timely answers to one client. As a tracker it reports to each outstanding transaction the
/// answers that renew it.
#[derive(Default)]
struct Answers {
    activity: Mutex<Activity>,
}

impl Tracker for Answers {
    fn forget(&self, _tran: &Transaction) {}

    fn last_activity(&self, tran: &Transaction) -> Option<Time> {
        self.activity.lock().latest(tran.start())
    }
}

impl ClientTimes {
    /// Times of a client whose clock was `clock`, in nanoseconds, at the creation of the READY that
    /// arrived at `now`.
    pub(super) fn new(clock: u64, now: Time) -> ClientTimes {
        ClientTimes {
            clock: PeerClock::new(clock, now.0),
            signs: Signs::default(),
            signs_with_posted: Signs::default(),
            last_begun: (0, Time::default()),
            timeout_max: Duration::ZERO,
            unsent: VecDeque::new(),
            has_answers: false,
            answers: Arc::default(),
        }
    }

    /// Since when a request to be executed at `now` has been without a sign of life.
    ///
    /// # Errors
    ///
    /// Its time has passed; the minimum time that it was on its way.
    pub(super) fn begin(
        &mut self,
        timing: &Timing,
        is_posted: bool,
        now: Time,
    ) -> Result<Time, Duration> {
        let age = Duration::from_nanos(self.clock.age(timing.sent, now.0));
        let timeout = Duration::from_nanos(timing.timeout);
        let waited = timing.timeout.saturating_sub(timing.remaining);
        let mut start = now - age - Duration::from_nanos(waited);
        let begun = timing.sent.saturating_sub(waited);
        if begun >= self.last_begun.0 {
            start = start.max(self.last_begun.1);
            self.last_begun = (begun, start);
        }
        let signs = if is_posted { &self.signs_with_posted } else { &self.signs };
        let renewed = start.max(signs.latest);
        if signs.silence_since(start) >= timeout || now >= renewed + timeout {
            return Err(age);
        }
        self.timeout_max = self.timeout_max.max(timeout);
        Ok(renewed)
    }

    /// Lets answers to others renew `tran`, which its slave keeps.
    pub(super) fn keep(&self, tran: &Transaction) {
        // One that has ended in the meantime needs no renewal.
        let _ = tran.set_tracker(self.answers.clone());
    }

    /// A request with this `patience` has been answered; the answer ends before octet `end` of the
    /// stream to the client.
    #[inline]
    pub(super) fn queued(&mut self, end: u64, patience: Patience) {
        // Without memory the answer is no sign of life: that keeps no request alive that is late.
        if self.unsent.try_reserve(1).is_ok() {
            self.unsent.push_back((end, patience));
        }
    }

    /// Bytes that are held for the unsent answers, besides their octets.
    #[inline]
    pub(super) fn held_bytes(&self) -> u64 {
        (self.unsent.len() * size_of::<(u64, Patience)>()) as u64
    }

    /// The stream to the client has been sent up to octet `end`, at `now`, with that many requests
    /// outstanding. The answers in it are signs of life from now on; an unsent answer is none for
    /// the client.
    pub(super) fn sent(&mut self, end: u64, now: Time, outstanding: usize) {
        while let Some(&(_, patience)) = self.unsent.front().filter(|(last, _)| *last <= end) {
            self.unsent.pop_front();
            self.answered(patience, now, outstanding);
        }
        if self.unsent.is_empty() && self.unsent.capacity() > UNSENT_KEPT_MAX {
            self.unsent = VecDeque::new();
        }
    }

    /// An answer has been sent.
    fn answered(&mut self, patience: Patience, now: Time, others_count: usize) {
        let Patience { start, timeout, is_posted } = patience;
        // A late answer is no sign of life: it follows a silence that others may not survive.
        let is_in_time = now < start + timeout || {
            let latest = self.answers.activity.lock().latest(start);
            latest.is_some_and(|latest| now < latest + timeout)
        };
        if is_in_time {
            self.signs_with_posted.note(now);
        }
        let is_sign = is_in_time && !is_posted;
        if is_sign {
            self.signs.note(now);
        }
        if others_count == 0 {
            self.timeout_max = Duration::ZERO;
            if std::mem::take(&mut self.has_answers) {
                self.answers.activity.lock().clear();
            }
        } else if is_sign {
            self.has_answers = true;
            let mut activity = self.answers.activity.lock();
            activity.prune(now - self.timeout_max);
            activity.answered(start, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Master, TransactionPool, TransactionType};

    const SECOND: u64 = 1_000_000_000;

    fn ms(n: u64) -> Time {
        Time(SECOND + n * 1_000_000)
    }

    /// A request sent at that time on the client's clock, which is 77 ms behind, with that many
    /// milliseconds left of its timeout.
    fn timing(sent_ms: u64, remaining_ms: u64, timeout_ms: u64) -> Timing {
        let ns = |n: u64| n * 1_000_000;
        let sent = ms(sent_ms).0 - ns(77);
        Timing { sent, remaining: ns(remaining_ms), timeout: ns(timeout_ms) }
    }

    fn times() -> ClientTimes {
        ClientTimes::new(ms(0).0 - 77_000_000, ms(0))
    }

    /// A request's transaction.
    fn transaction(timing: &Timing, start: Time) -> Arc<Transaction> {
        let (master, mut pool) = (Master::new(), TransactionPool::default());
        let times = (start, Some(timing.timeout));
        master.prepare_from(&mut pool, 0, vec![0; 4].into(), TransactionType::Read, times).unwrap()
    }

    fn patience(timing: &Timing, start: Time) -> Patience {
        let timeout = Duration::from_nanos(timing.timeout);
        Patience { start, timeout, is_posted: false }
    }

    #[test]
    fn f02_what_sat_in_buffers_beyond_its_time_is_late_also_as_the_first_request() {
        let mut times = times();
        let age = times.begin(&timing(100, 300, 300), false, ms(2100)).unwrap_err();
        assert!(age > Duration::from_millis(1999), "{age:?}");
        // Half of its time was over when it was sent.
        assert!(times.begin(&timing(2000, 150, 300), false, ms(2151)).is_err());
        let start = times.begin(&timing(2000, 150, 300), false, ms(2149)).unwrap();
        // 200 ppm of two seconds are uncertain.
        assert!(start >= ms(1850) && start < ms(1851), "{start:?}");
    }

    #[test]
    fn f02_an_answer_in_time_renews_what_is_behind_it() {
        let mut times = times();
        let timing = timing(0, 300, 300);
        let first = patience(&timing, times.begin(&timing, false, ms(0)).unwrap());
        let kept = transaction(&timing, times.begin(&timing, false, ms(0)).unwrap());
        times.keep(&kept);
        assert_eq!(kept.deadline(), ms(300));
        times.answered(first, ms(250), 1);
        assert!(kept.deadline() >= ms(550));
        assert_eq!(times.begin(&timing, false, ms(540)), Ok(ms(250)));
        // The next answer is too late to be a sign of life.
        times.answered(patience(&timing, kept.start()), ms(900), 1);
        assert!(times.begin(&timing, false, ms(900)).is_err());
    }

    #[test]
    fn f02_a_long_timeout_keeps_no_short_one_alive_that_has_passed() {
        let mut times = times();
        let long = timing(0, 9000, 9000);
        let start = times.begin(&long, false, ms(0)).unwrap();
        times.answered(patience(&long, start), ms(5000), 1);
        assert!(times.begin(&timing(0, 1000, 1000), false, ms(5000)).is_err());
    }

    #[test]
    fn f02_an_answer_in_the_clients_time_is_a_sign_also_where_less_was_set_here() {
        let mut times = times();
        let timing = timing(0, 1000, 1000);
        let first = times.begin(&timing, false, ms(0)).unwrap();
        // The slave's time, as with `set_timeout` at the server, was over long ago.
        let kept = transaction(&self::timing(0, 100, 100), first);
        assert!(kept.own_deadline() < ms(900));
        times.answered(patience(&timing, first), ms(900), 1);
        assert_eq!(times.begin(&timing, false, ms(1800)), Ok(ms(900)));
    }

    #[test]
    fn f02_several_that_are_in_time_keep_none_behind_them_alive_that_is_not() {
        let mut times = times();
        let long = timing(0, 9000, 9000);
        for _ in 0..3 {
            let start = times.begin(&long, false, ms(5000)).unwrap();
            times.answered(patience(&long, start), ms(5000), 0);
        }
        assert!(times.begin(&timing(0, 1000, 1000), false, ms(5000)).is_err());
        // Nor one that had used most of its time when it was sent with others.
        assert!(times.begin(&timing(6000, 1000, 1000), false, ms(6000)).is_ok());
        assert!(times.begin(&timing(6000, 10, 1000), false, ms(6500)).is_err());
    }

    #[test]
    fn f02_what_began_later_is_renewed_also_where_the_clocks_are_known_better_by_then() {
        // The READY was 50 ms on its way.
        let mut times = ClientTimes::new(ms(0).0 - 77_000_000, ms(50));
        let first = timing(1000, 1000, 1000);
        let start = times.begin(&first, false, ms(1050)).unwrap();
        let later = timing(1010, 1000, 1000);
        let kept = transaction(&later, times.begin(&later, false, ms(1012)).unwrap());
        times.keep(&kept);
        times.answered(patience(&first, start), ms(1900), 1);
        assert_eq!(kept.deadline(), ms(2900));
    }

    #[test]
    fn f02_answers_to_posted_writes_renew_those_alone() {
        let mut times = times();
        let timing = timing(0, 300, 300);
        for n in 0..10 {
            let start = times.begin(&timing, true, ms(n * 100)).unwrap();
            let posted = Patience { is_posted: true, ..patience(&timing, start) };
            times.answered(posted, ms(n * 100 + 50), 0);
            assert_eq!(times.begin(&timing, false, ms(n * 100 + 50)).is_ok(), n < 3, "{n}");
        }
    }

    #[test]
    fn f02_an_answer_is_a_sign_of_life_from_when_it_is_sent_and_not_from_when_it_is_made() {
        let mut times = times();
        let timing = timing(0, 300, 300);
        let [first, second] =
            [0; 2].map(|_| patience(&timing, times.begin(&timing, false, ms(0)).unwrap()));
        // Answered at once, and delayed by a call that takes longer than the client waits.
        times.queued(40, first);
        times.sent(0, ms(1), 0);
        times.queued(80, second);
        times.sent(80, ms(350), 0);
        assert!(times.begin(&timing, false, ms(351)).is_err(), "neither was in time");
    }

    #[test]
    fn f02_of_answers_that_are_sent_in_pieces_those_count_that_are_complete() {
        let mut times = times();
        let timing = timing(0, 300, 300);
        let [first, second] =
            [0; 2].map(|_| patience(&timing, times.begin(&timing, false, ms(0)).unwrap()));
        times.queued(40, first);
        times.queued(80, second);
        times.sent(79, ms(100), 1);
        assert_eq!(times.begin(&timing, false, ms(390)), Ok(ms(100)));
        times.sent(80, ms(390), 1);
        assert_eq!(times.begin(&timing, false, ms(391)), Ok(ms(390)), "the first has renewed it");
        times.sent(80, ms(400), 1);
        assert_eq!(times.begin(&timing, false, ms(401)), Ok(ms(390)));
    }

    #[test]
    fn the_clock_of_a_hostile_client_harms_nobody() {
        for sent in [0, 1, u64::MAX, u64::MAX / 2, ms(0).0] {
            for remaining in [0, 1, u64::MAX] {
                for timeout in [0, 1, u64::MAX] {
                    let mut times = times();
                    let timing = Timing { sent, remaining, timeout };
                    if let Ok(start) = times.begin(&timing, false, ms(1)) {
                        assert!(start <= ms(1));
                        let tran = transaction(&timing, start);
                        times.keep(&tran);
                        times.answered(patience(&timing, start), ms(2), 0);
                    }
                }
            }
        }
    }
}
