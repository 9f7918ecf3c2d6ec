//! A lane: jobs, such as frames to be sent, are done one at a time, in order, although no lock is
//! held while one is done.

use std::collections::VecDeque;
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::clock;
use crate::process::{self, Duty};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Upper bound on the jobs queued by threads that cannot wait; beyond it jobs are refused. Some servers
/// of a bridge may hand over their whole windows while another thread waits for its own frame.
pub const QUEUE_JOBS_COUNT_MAX: usize = 8192;

/// Does one job at a time.
///
/// A thread whose job has to wait waits itself. Two kinds of thread cannot: one that is inside of an
/// earlier job, and one that others depend on, such as an event loop, without which the earlier job
/// may never end. Their jobs are queued and done by the thread that is at it.
pub(super) struct Lane<T> {
    state: Mutex<LaneState<T>>,
    /// Signals that the lane is free.
    freed: Condvar,
}

struct LaneState<T> {
    /// The thread that does jobs.
    owner: Option<ThreadId>,
    queue: VecDeque<T>,
    /// Threads that wait for the lane.
    waiting: usize,
}

impl<T> Default for Lane<T> {
    fn default() -> Lane<T> {
        let state = LaneState { owner: None, queue: VecDeque::new(), waiting: 0 };
        Lane { state: Mutex::new(state), freed: Condvar::new() }
    }
}

/// The ownership of a lane; a panic ends it too.
struct Ownership<'a, T>(&'a Lane<T>);

impl<T> Drop for Ownership<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.owner = None;
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_waited_for {
            self.0.freed.notify_one();
        }
    }
}

impl<T> Lane<T> {
    /// Does a job by `work`, after all earlier ones, and returns when it is done; for a thread that
    /// cannot wait, maybe before. Calls `report_wait` each `period` of waiting.
    ///
    /// # Errors
    ///
    /// The job, if the queue is full, or the system has no memory for its place.
    pub(super) fn run(
        &self,
        job: T,
        period: Duration,
        report_wait: impl Fn(),
        work: impl Fn(T),
    ) -> Result<(), T> {
        let own = thread::current().id();
        let mut state = self.state.lock();
        if let Some(owner) = state.owner {
            if owner == own || !process::may_wait() {
                let is_full = state.queue.len() >= QUEUE_JOBS_COUNT_MAX;
                if is_full || state.queue.try_reserve(1).is_err() {
                    return Err(job);
                }
                state.queue.push_back(job);
                return Ok(());
            }
            state = self.wait(state, period, report_wait);
        }
        state.owner = Some(own);
        state.queue.push_back(job);
        let place = state.queue.len();
        self.serve(Ownership(self), state, place, work);
        Ok(())
    }

    /// Does several jobs at once by `together`, if the lane is free and nothing waits in it; returns
    /// whether it was. `work` does those that other threads queue meanwhile.
    pub(super) fn run_if_free(&self, together: impl FnOnce(), work: impl Fn(T)) -> bool {
        let mut state = self.state.lock();
        if state.owner.is_some() || !state.queue.is_empty() {
            return false;
        }
        state.owner = Some(thread::current().id());
        drop(state);
        let ownership = Ownership(self);
        together();
        self.serve(ownership, self.state.lock(), 0, work);
        true
    }

    /// Does the queued jobs, which its former owner may have left too, in the thread that owns the
    /// lane, and ends the ownership. The thread waits only in its own, which is the one at `place`.
    fn serve<'a>(
        &'a self,
        ownership: Ownership<'a, T>,
        mut state: MutexGuard<'a, LaneState<T>>,
        place: usize,
        work: impl Fn(T),
    ) {
        let mut duties = state.queue.len();
        let mut own = place;
        while let Some(next) = state.queue.pop_front() {
            drop(state);
            // Threads that may not wait have queued the others: they keep this one no longer.
            let _duty = (own != 1).then(Duty::begin);
            work(next);
            own = own.saturating_sub(1);
            duties = duties.saturating_sub(1);
            state = self.state.lock();
            if duties == 0 && state.waiting > 0 {
                // The next owner goes on: no thread serves others for ever.
                break;
            }
        }
        drop(state);
        drop(ownership);
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, LaneState<T>>,
        period: Duration,
        report_wait: impl Fn(),
    ) -> MutexGuard<'a, LaneState<T>> {
        state.waiting += 1;
        let mut next_report = clock::now() + period;
        while state.owner.is_some() {
            state = self.freed.wait_until(state, next_report);
            if state.owner.is_some() && clock::now() >= next_report {
                drop(state);
                report_wait();
                next_report = clock::now() + period;
                state = self.state.lock();
            }
        }
        state.waiting -= 1;
        state
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, AssertUnwindSafe};
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn run(lane: &Lane<u8>, number: u8, work: impl Fn(u8)) -> bool {
        lane.run(number, LONG, || {}, work).is_ok()
    }

    #[test]
    fn jobs_of_many_threads_are_done_one_at_a_time_and_none_is_forgotten() {
        const THREADS_COUNT: u32 = 8;
        const FRAMES_COUNT: u32 = 500;
        let (lane, passed) = (Lane::default(), AtomicU32::new(0));
        let is_passing = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..THREADS_COUNT {
                let (lane, passed, is_passing) = (&lane, &passed, &is_passing);
                scope.spawn(move || {
                    // Half of them cannot wait.
                    let _duty = (thread % 2 == 0).then(Duty::begin);
                    for _ in 0..FRAMES_COUNT {
                        while !run(lane, 0, |_| {
                            assert!(!is_passing.swap(true, Ordering::SeqCst));
                            passed.fetch_add(1, Ordering::SeqCst);
                            is_passing.store(false, Ordering::SeqCst);
                        }) {
                            std::thread::yield_now();
                        }
                    }
                });
            }
        });
        assert_eq!(passed.load(Ordering::SeqCst), THREADS_COUNT * FRAMES_COUNT);
    }

    #[test]
    fn a_job_from_within_another_follows_it() {
        let (lane, log) = (Lane::default(), Mutex::new(Vec::new()));
        assert!(run(&lane, 1, |outer| {
            log.lock().push(outer);
            if outer == 1 {
                assert!(run(&lane, 2, |_| panic!("the outer call does it")));
            }
            log.lock().push(outer + 10);
        }));
        assert_eq!(*log.lock(), [1, 11, 2, 12]);
    }

    #[test]
    fn f59_a_thread_waits_in_its_own_job_and_not_in_those_of_others() {
        let (lane, log) = (Lane::default(), Mutex::new(Vec::new()));
        assert!(run(&lane, 1, |number| {
            log.lock().push((number, process::may_wait()));
            if number == 1 {
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let _duty = Duty::begin();
                        assert!(run(&lane, 2, |_| panic!("another thread is at it")));
                    });
                });
            }
        }));
        assert_eq!(*log.lock(), [(1, true), (2, false)]);
    }

    #[test]
    fn a_thread_that_cannot_wait_leaves_its_jobs_up_to_a_number() {
        let (lane, passed) = (Lane::default(), AtomicU32::new(0));
        let (entered, has_entered) = mpsc::channel();
        let (release, gate) = mpsc::channel::<()>();
        let (lane_ref, passed_ref) = (&lane, &passed);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let count = |_| {
                    if passed_ref.fetch_add(1, Ordering::SeqCst) == 0 {
                        entered.send(()).unwrap();
                        gate.recv().unwrap();
                    }
                };
                assert!(run(lane_ref, 0, count));
            });
            has_entered.recv().unwrap();
            let _duty = Duty::begin();
            for _ in 0..QUEUE_JOBS_COUNT_MAX {
                assert!(run(&lane, 0, |_| panic!("another thread is at it")));
            }
            assert!(!run(&lane, 0, |_| panic!("another thread is at it")));
            release.send(()).unwrap();
        });
        assert_eq!(passed.load(Ordering::SeqCst) as usize, QUEUE_JOBS_COUNT_MAX + 1);
    }

    #[test]
    fn a_panic_in_a_job_frees_the_lane() {
        let lane = Lane::default();
        let panicked = catch_unwind(AssertUnwindSafe(|| run(&lane, 1, |_| panic!("wanted"))));
        assert!(panicked.is_err());
        let passed = AtomicBool::new(false);
        assert!(run(&lane, 2, |_| passed.store(true, Ordering::SeqCst)));
        assert!(passed.load(Ordering::SeqCst));
    }

    #[test]
    fn a_thread_that_waits_says_so_and_passes_in_the_end() {
        let lane = Lane::default();
        let (entered, has_entered) = mpsc::channel();
        let (release, gate) = mpsc::channel::<()>();
        let lane_ref = &lane;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let hold = |_| {
                    entered.send(()).unwrap();
                    gate.recv().unwrap();
                };
                assert!(run(lane_ref, 0, hold));
            });
            has_entered.recv().unwrap();
            let (reports, passed) = (AtomicU32::new(0), AtomicBool::new(false));
            let report = || {
                if reports.fetch_add(1, Ordering::SeqCst) == 1 {
                    release.send(()).unwrap();
                }
            };
            let done = |_| passed.store(true, Ordering::SeqCst);
            assert!(lane.run(1, Duration::from_millis(1), report, done).is_ok());
            assert!(reports.load(Ordering::SeqCst) >= 2 && passed.load(Ordering::SeqCst));
        });
    }
}
