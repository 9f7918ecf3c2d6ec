use std::collections::VecDeque;
use std::io::{Read, Write};
use std::ops::Deref;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};

use super::handle::{split, End, KEYS_COUNT};
use super::runner::{wait_time, WAIT_MAX};
use super::*;
use crate::clock::{self, Time};
use crate::error::caught;
use crate::process::STACK_BYTES_MIN;
use crate::sync::Mutex;

/// Against hangs only; no test waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

type Hook = Box<dyn FnMut(&Registry) + Send>;

/// A driver whose answers are closures, and which reports its end.
struct Script {
    woken: Hook,
    timeout: Box<dyn FnMut(Time) + Send>,
    deadlines: VecDeque<Time>,
    stopped: Hook,
    ended: Sender<&'static str>,
}

impl Script {
    fn new(ended: Sender<&'static str>) -> Script {
        Script {
            woken: Box::new(|_| {}),
            timeout: Box::new(|_| {}),
            deadlines: VecDeque::new(),
            stopped: Box::new(|_| {}),
            ended,
        }
    }

    fn woken(mut self, hook: impl FnMut(&Registry) + Send + 'static) -> Script {
        self.woken = Box::new(hook);
        self
    }
}

impl Driver for Script {
    type Timer = ();
    const TIMERS: &'static [()] = &[()];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, registry: &Registry) {
        (self.woken)(registry);
    }
    fn deadline(&self, (): ()) -> Option<Time> {
        self.deadlines.front().copied()
    }
    fn timeout(&mut self, _: &Registry, (): (), now: Time) {
        assert!(now >= self.deadlines[0], "called before its deadline");
        self.deadlines.pop_front();
        (self.timeout)(now);
    }
    fn stopped(&mut self, registry: &Registry) {
        let _ = self.ended.send("stopped");
        (self.stopped)(registry);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.ended.send("dropped");
    }
}

/// What only tests need of a handle.
pub(in crate::net) trait TestHandle {
    /// Stops the driver, and waits for its end longer than `stop` does.
    fn stop_within(&self, wait_max: Duration) -> bool;
    /// Number of returns from waits. Constant while the loop is idle.
    fn turns(&self) -> usize;
}

impl TestHandle for DriverHandle {
    fn stop_within(&self, wait_max: Duration) -> bool {
        self.stop_until(clock::now() + wait_max)
    }

    fn turns(&self) -> usize {
        self.driver.event_loop.turns.load(Ordering::Relaxed)
    }
}

/// A driver that ends with the test.
#[derive(Debug)]
struct Running(DriverHandle);

impl Deref for Running {
    type Target = DriverHandle;

    fn deref(&self) -> &DriverHandle {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Gives a driver a loop of its own.
fn spawn<D: Driver>(name: &str, make_driver: impl FnOnce(DriverHandle) -> D) -> Result<Running> {
    EventLoop::spawn(name, STACK_BYTES_MIN, Spin::Never, make_driver).map(Running)
}

/// Whether the thread has ended and been joined.
fn is_thread_gone(handle: &DriverHandle) -> bool {
    handle.driver.event_loop.thread.lock().is_none()
}

fn assert_ended_in_order(ended: &Receiver<&'static str>) {
    assert_eq!(ended.recv_timeout(PATIENCE), Ok("stopped"));
    assert_eq!(ended.recv_timeout(PATIENCE), Ok("dropped"));
    assert!(ended.recv_timeout(PATIENCE).is_err(), "the driver ended twice");
}

#[test]
fn wake_reaches_the_driver_on_its_own_named_thread() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let event_loop = spawn("bell", |handle| {
        Script::new(ended).woken(move |_| {
            let name = thread::current().name().map(str::to_owned);
            report.send((name, handle.is_loop_thread())).unwrap();
        })
    })
    .unwrap();
    event_loop.wake();
    let (name, on_loop) = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!(name.as_deref(), Some("bell"));
    assert!(on_loop);
    assert!(!event_loop.is_loop_thread());
    assert!(event_loop.stop_within(PATIENCE));
}

#[test]
fn another_loops_thread_is_not_this_loops_thread() {
    let (ended, _) = channel();
    let quiet = spawn("quiet", |_| Script::new(ended.clone())).unwrap();
    let other = quiet.clone();
    let (report, reports) = channel();
    let asking = spawn("asking", |_| {
        Script::new(ended).woken(move |_| report.send(other.is_loop_thread()).unwrap())
    })
    .unwrap();
    asking.wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
}

#[test]
fn wake_before_the_thread_runs_is_not_lost() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let _event_loop = spawn("early", |handle| {
        handle.wake();
        Script::new(ended).woken(move |_| report.send(()).unwrap())
    })
    .unwrap();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(()));
}

#[test]
fn many_wakes_while_the_loop_is_busy_cost_no_system_call_and_one_call_of_the_driver() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let (release, gate) = channel::<()>();
    let event_loop = spawn("busy", |_| {
        Script::new(ended).woken(move |_| {
            report.send(()).unwrap();
            gate.recv_timeout(PATIENCE).unwrap();
        })
    })
    .unwrap();
    let handle = &event_loop;
    handle.wake();
    reports.recv_timeout(PATIENCE).unwrap();
    let writes = handle.driver.event_loop.waker_writes.load(Ordering::Relaxed);
    for _ in 0..10_000 {
        handle.wake();
    }
    assert_eq!(handle.driver.event_loop.waker_writes.load(Ordering::Relaxed), writes);
    release.send(()).unwrap();
    reports.recv_timeout(PATIENCE).unwrap();
    release.send(()).unwrap();
    assert!(handle.stop_within(PATIENCE));
    assert!(reports.try_recv().is_err(), "one call stands for all wakes before it");
}

#[test]
fn no_wake_is_lost_between_racing_threads() {
    const THREADS: usize = 4;
    const ITEMS_PER_THREAD: usize = 5_000;
    let queue = Arc::new(Mutex::new(0usize));
    let (ended, _) = channel();
    let (report, reports) = channel();
    let event_loop = spawn("races", |_| {
        let queue = queue.clone();
        let mut taken = 0;
        Script::new(ended).woken(move |_| {
            taken += std::mem::take(&mut *queue.lock());
            if taken == THREADS * ITEMS_PER_THREAD {
                report.send(taken).unwrap();
            }
        })
    })
    .unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ITEMS_PER_THREAD {
                    *queue.lock() += 1;
                    event_loop.wake();
                }
            });
        }
    });
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(THREADS * ITEMS_PER_THREAD));
}

#[test]
fn a_driver_that_wakes_itself_is_called_again() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let event_loop = spawn("echo", |handle| {
        let mut calls = 0;
        Script::new(ended).woken(move |_| {
            calls += 1;
            report.send(calls).unwrap();
            if calls < 3 {
                handle.wake();
            }
        })
    })
    .unwrap();
    event_loop.wake();
    for call in 1..=3 {
        assert_eq!(reports.recv_timeout(PATIENCE), Ok(call));
    }
}

#[test]
fn deadlines_are_kept_in_order_never_early_and_without_spinning() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let start = clock::now();
    let offsets_us = [0, 300, 700, 1_300, 2_900, 2_950, 7_777, 60_000];
    let event_loop = spawn("timer", |_| {
        let mut script = Script::new(ended);
        script.deadlines = offsets_us.iter().map(|&us| start + Duration::from_micros(us)).collect();
        // `Script` itself asserts that no call comes before its deadline.
        script.timeout = Box::new(move |now| report.send(now).unwrap());
        script
    })
    .unwrap();
    for _ in offsets_us {
        reports.recv_timeout(PATIENCE).unwrap();
    }
    assert!(event_loop.stop_within(PATIENCE));
    let turns = event_loop.turns();
    assert!(turns <= 2 * offsets_us.len() + 2, "{turns} turns are a polling loop");
}

#[test]
fn a_deadline_that_never_comes_is_no_deadline() {
    assert_eq!(wait_time(None), None);
    assert_eq!(wait_time(Some(Time(u64::MAX))), None);
    assert_eq!(wait_time(Some(Time(u64::MAX - 1))), Some(WAIT_MAX));
    assert_eq!(wait_time(Some(Time(0))), Some(Duration::ZERO));
}

#[test]
fn stop_ends_the_thread_and_may_be_repeated_from_several_threads() {
    let (ended, ends) = channel();
    let event_loop = spawn("end", |_| Script::new(ended)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(event_loop.stop_within(PATIENCE)));
        }
    });
    assert!(event_loop.stop_within(PATIENCE));
    assert!(event_loop.is_stopping());
    assert_ended_in_order(&ends);
}

#[test]
fn stop_from_a_callback_returns_at_once_and_the_loop_ends_after_it() {
    let (ended, ends) = channel();
    let (report, reports) = channel();
    let event_loop = spawn("own-end", |handle| {
        Script::new(ended).woken(move |_| {
            report.send(handle.stop()).unwrap();
            handle.wake();
        })
    })
    .unwrap();
    event_loop.wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
    assert!(event_loop.stop_within(PATIENCE));
    assert!(reports.try_recv().is_err(), "no callback begins after stop");
    assert_ended_in_order(&ends);
}

#[test]
fn a_loop_dropped_inside_its_own_callback_ends() {
    let place = Arc::new(Mutex::new(None::<EventLoop>));
    let (ended, ends) = channel();
    let event_loop = EventLoop::start("drops-itself", STACK_BYTES_MIN, Spin::Never).unwrap();
    let handle = event_loop
        .add(|handle| {
            let place = place.clone();
            Script::new(ended).woken(move |_| {
                handle.stop();
                drop(place.lock().take());
            })
        })
        .unwrap();
    *place.lock() = Some(event_loop);
    handle.wake();
    assert_ended_in_order(&ends);
    assert!(handle.stop_within(PATIENCE));
    assert!(is_thread_gone(&handle));
}

#[test]
fn stop_does_not_wait_for_a_callback_that_blocks() {
    let (ended, ends) = channel();
    let (report, reports) = channel();
    let (release, gate) = channel::<()>();
    let event_loop = spawn("stuck", |_| {
        Script::new(ended).woken(move |_| {
            report.send(()).unwrap();
            let _ = gate.recv();
        })
    })
    .unwrap();
    event_loop.wake();
    reports.recv_timeout(PATIENCE).unwrap();
    assert!(!event_loop.stop(), "the callback is still blocked");
    assert!(ends.try_recv().is_err());
    drop(release);
    assert_ended_in_order(&ends);
    assert!(event_loop.stop_within(PATIENCE));
}

#[test]
fn a_panic_in_the_driver_ends_the_loop_in_order() {
    let (ended, ends) = channel();
    let event_loop =
        spawn("panics", |_| Script::new(ended).woken(|_| panic!("a panic that this test wants")))
            .unwrap();
    event_loop.wake();
    assert_ended_in_order(&ends);
    assert!(event_loop.is_stopping());
    assert!(event_loop.stop_within(PATIENCE));
}

#[test]
fn a_panic_at_the_end_still_lets_stop_return() {
    let (ended, ends) = channel();
    let event_loop = spawn("panics-late", |_| {
        let mut script = Script::new(ended);
        script.stopped = Box::new(|_| panic!("another panic that this test wants"));
        script
    })
    .unwrap();
    assert!(event_loop.stop_within(PATIENCE));
    assert_ended_in_order(&ends);
}

#[test]
fn panic_texts_of_both_kinds_are_read() {
    let text = |body: fn()| caught(body).unwrap_err();
    assert_eq!(text(|| panic!("plain")), "plain");
    assert_eq!(text(|| panic!("{} {}", "two", 2)), "two 2");
    assert_eq!(text(|| panic::panic_any(7)), "(no text)");
}

/// Accepts one connection and sends back what it reads.
struct Echo {
    listener: TcpListener,
    stream: Option<TcpStream>,
    flushes: Sender<usize>,
    echoed: usize,
}

const LISTENER: Token = Token(0);
const STREAM: Token = Token(1);

impl Driver for Echo {
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.listener, LISTENER, Interest::READABLE)
    }
    fn ready(&mut self, registry: &Registry, token: Token, readiness: Readiness) {
        assert!(readiness.readable);
        if token == LISTENER {
            let (mut stream, _) = self.listener.accept().unwrap();
            registry.register(&mut stream, STREAM, Interest::READABLE).unwrap();
            self.stream = Some(stream);
            return;
        }
        assert_eq!(token, STREAM);
        let stream = self.stream.as_mut().unwrap();
        let mut bytes = [0; 64];
        loop {
            match stream.read(&mut bytes) {
                Ok(0) => return,
                Ok(length) => self.echoed += stream.write(&bytes[..length]).unwrap(),
                Err(cause) => return assert_eq!(cause.kind(), io::ErrorKind::WouldBlock),
            }
        }
    }
    fn woken(&mut self, _: &Registry) {}
    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }
    fn timeout(&mut self, _: &Registry, (): (), _: Time) {}
    fn flush(&mut self, _: &Registry) {
        let _ = self.flushes.send(self.echoed);
    }
    fn stopped(&mut self, _: &Registry) {}
}

#[test]
fn sockets_are_served_and_flush_follows_each_batch() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (flushes, flushed) = channel();
    let event_loop =
        spawn("echo", |_| Echo { listener, stream: None, flushes, echoed: 0 }).unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    for word in [&b"one"[..], b"two", b"three"] {
        stream.write_all(word).unwrap();
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, word);
    }
    while flushed.recv_timeout(PATIENCE).unwrap() < 11 {}
    assert!(event_loop.stop_within(PATIENCE));
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "stop closes the driver's sockets");
}

/// A driver whose socket cannot be registered.
struct Refused;

impl Driver for Refused {
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(libc::ENOSPC))
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, _: &Registry) {}
    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }
    fn timeout(&mut self, _: &Registry, (): (), _: Time) {}
    fn stopped(&mut self, _: &Registry) {}
}

#[test]
fn a_driver_that_cannot_start_is_an_error_of_spawn() {
    let error = spawn("refused", |_| Refused).unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources);
    assert!(error.text().contains("refused"), "{error}");
    assert!(error.text().contains("registered"), "{error}");
}

#[test]
fn f17_all_calls_of_stop_together_wait_for_80_ms() {
    let promise = Duration::from_millis(100);
    assert!(STOP_WAIT_MAX + Duration::from_millis(20) <= promise, "no time left for the rest");
    let at = |ms| Time::default() + Duration::from_millis(ms);
    let mut end = End::default();
    // Stopping, and then letting go of what has been stopped, is one wait.
    assert_eq!(end.stop_limit(at(1000)), at(1080));
    assert_eq!(end.stop_limit(at(1080)), at(1080));
    assert_eq!(end.stop_limit(at(9000)), at(1080));
}

/// A loop to which drivers are added.
fn empty_loop(name: &str) -> EventLoop {
    EventLoop::start(name, STACK_BYTES_MIN, Spin::Never).unwrap()
}

#[test]
fn drivers_come_and_go_while_the_loop_runs_and_the_thread_ends_with_the_last() {
    let event_loop = empty_loop("several");
    let (report, reports) = channel();
    let add = |name: &'static str| {
        let (ended, ends) = channel();
        let report = report.clone();
        let handle = event_loop
            .add(|_| {
                Script::new(ended)
                    .woken(move |_| report.send((name, thread::current().id())).unwrap())
            })
            .unwrap();
        (handle, ends)
    };
    let (first, first_ends) = add("first");
    first.wake();
    let (_, thread_id) = reports.recv_timeout(PATIENCE).unwrap();
    let (second, second_ends) = add("second");
    second.wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(("second", thread_id)), "one thread for both");
    assert!(first.stop_within(PATIENCE));
    assert_ended_in_order(&first_ends);
    first.wake();
    assert!(!second.is_stopping() && second_ends.try_recv().is_err());
    second.wake();
    assert_eq!(
        reports.recv_timeout(PATIENCE),
        Ok(("second", thread_id)),
        "the first is not called"
    );
    let shared = second.driver.event_loop.clone();
    drop(event_loop);
    assert!(!is_thread_gone(&second), "a driver keeps its loop going");
    assert!(second.stop_within(PATIENCE));
    assert_ended_in_order(&second_ends);
    assert!(is_thread_gone(&second));
    assert!(Place::on(&shared).is_none(), "a loop that is over takes no driver");
}

#[test]
fn a_panic_of_one_driver_ends_that_one_alone() {
    let event_loop = empty_loop("bulkhead");
    let (ended, ends) = channel();
    let victim = event_loop
        .add(|_| Script::new(ended).woken(|_| panic!("a panic that this test wants")))
        .unwrap();
    let (report, reports) = channel();
    let (quiet, other_ends) = channel();
    let other =
        event_loop.add(|_| Script::new(quiet).woken(move |_| report.send(()).unwrap())).unwrap();
    victim.wake();
    assert_ended_in_order(&ends);
    assert!(victim.is_stopping() && !other.is_stopping());
    other.wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(()));
    assert!(other_ends.try_recv().is_err());
    assert!(other.stop_within(PATIENCE));
}

#[test]
fn stop_of_one_driver_does_not_wait_for_another_to_end() {
    let event_loop = empty_loop("neighbours");
    let (ended, ends) = channel();
    let stopping = event_loop.add(|_| Script::new(ended)).unwrap();
    let (quiet, _) = channel();
    let staying = event_loop.add(|_| Script::new(quiet)).unwrap();
    assert!(stopping.stop_within(PATIENCE));
    assert_ended_in_order(&ends);
    assert!(!is_thread_gone(&staying) && !staying.is_stopping());
    assert!(staying.stop_within(PATIENCE));
}

#[test]
fn drivers_of_one_loop_may_use_the_same_tokens() {
    let event_loop = empty_loop("tokens");
    let mut streams = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (flushes, _) = channel();
        let echo = Echo { listener, stream: None, flushes, echoed: 0 };
        handles.push(event_loop.add(|_| echo).unwrap());
        streams.push(std::net::TcpStream::connect(address).unwrap());
    }
    let talk = |stream: &mut std::net::TcpStream, index: u8| {
        stream.write_all(&[index; 3]).unwrap();
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [index; 3]);
    };
    for (index, stream) in (0..).zip(&mut streams) {
        talk(stream, index);
    }
    assert!(handles[1].stop_within(PATIENCE));
    assert_eq!(streams[1].read(&mut [0; 1]).unwrap(), 0, "stop closes the driver's sockets");
    talk(&mut streams[0], 10);
    talk(&mut streams[2], 12);
    assert!(handles[0].stop_within(PATIENCE) && handles[2].stop_within(PATIENCE));
}

/// Counts how often it is asked for anything.
struct Quiet {
    asked: Arc<AtomicUsize>,
}

impl Driver for Quiet {
    type Timer = ();
    const TIMERS: &'static [()] = &[()];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
    fn woken(&mut self, _: &Registry) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
    fn deadline(&self, (): ()) -> Option<Time> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Some(Time(u64::MAX - 1))
    }
    fn timeout(&mut self, _: &Registry, (): (), _: Time) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
    fn flush(&mut self, _: &Registry) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
    fn stopped(&mut self, _: &Registry) {}
}

#[test]
fn a_turn_asks_nothing_of_the_drivers_that_do_not_run_in_it() {
    const DRIVERS: usize = 1000;
    const CALLS: usize = 100;
    let event_loop = empty_loop("crate");
    let asked = Arc::new(AtomicUsize::new(0));
    let quiet: Vec<_> =
        (0..DRIVERS).map(|_| event_loop.add(|_| Quiet { asked: asked.clone() }).unwrap()).collect();
    let (ended, _) = channel();
    let (report, reports) = channel();
    let busy = event_loop.add(|_| Script::new(ended).woken(move |_| report.send(()).unwrap()));
    let busy = busy.unwrap();
    for _ in 0..CALLS {
        busy.wake();
        reports.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), DRIVERS, "each for its deadline when it came");
    let turns = busy.turns();
    assert!(turns <= 2 * (DRIVERS + CALLS) + 2, "{turns} turns are a polling loop");
    for handle in quiet.iter().chain([&busy]) {
        assert!(handle.stop_within(PATIENCE));
    }
    assert!(event_loop.place.event_loop.thread.lock().is_some(), "it may still be given drivers");
}

/// Has timers with names, which it reports.
struct Clockwork {
    deadlines: [Option<Time>; 3],
    fired: Sender<(Bell, Time)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bell {
    Early,
    Never,
    Late,
}

impl Driver for Clockwork {
    type Timer = Bell;
    const TIMERS: &'static [Bell] = &[Bell::Late, Bell::Never, Bell::Early];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, _: &Registry) {}
    fn deadline(&self, bell: Bell) -> Option<Time> {
        self.deadlines[bell as usize]
    }
    fn timeout(&mut self, _: &Registry, bell: Bell, now: Time) {
        let deadline = self.deadlines[bell as usize].take().expect("it was set");
        assert!(now >= deadline, "{bell:?} came before its deadline");
        self.fired.send((bell, deadline)).unwrap();
    }
    fn stopped(&mut self, _: &Registry) {}
}

#[test]
fn each_timer_has_a_deadline_of_its_own_and_those_due_at_once_run_in_their_order() {
    let soon = Some(clock::now() + Duration::from_millis(1));
    for (deadlines, expected) in [
        ([soon, None, None], &[Bell::Early][..]),
        ([None, None, soon], &[Bell::Late]),
        ([soon, None, soon], &[Bell::Late, Bell::Early]),
    ] {
        let (fired, bells) = channel();
        let event_loop = spawn("clockwork", |_| Clockwork { deadlines, fired }).unwrap();
        for &bell in expected {
            let (rung, deadline) = bells.recv_timeout(PATIENCE).unwrap();
            assert_eq!((rung, Some(deadline)), (bell, deadlines[bell as usize]));
        }
        assert!(!event_loop.is_stopping() && event_loop.stop_within(PATIENCE));
        assert!(bells.try_recv().is_err(), "no timer comes twice, nor one without a deadline");
    }
}

#[test]
fn deadlines_of_many_drivers_come_in_their_order() {
    const DRIVERS: u64 = 200;
    let event_loop = empty_loop("order");
    // Busy until all are there.
    let (ended, _) = channel();
    let (release, gate) = channel::<()>();
    let busy = event_loop.add(|_| Script::new(ended).woken(move |_| gate.recv().unwrap_or(())));
    let busy = busy.unwrap();
    busy.wake();
    let (fired, bells) = channel();
    let start = clock::now() + Duration::from_millis(50);
    let handles: Vec<_> = (0..DRIVERS)
        .map(|index| {
            // 7 and 200 have no common divisor: every delay, in another order.
            let deadline = start + Duration::from_micros(300 * (7 * index % DRIVERS));
            let deadlines = [Some(deadline), None, None];
            event_loop.add(|_| Clockwork { deadlines, fired: fired.clone() }).unwrap()
        })
        .collect();
    drop(release);
    let order: Vec<Time> =
        handles.iter().map(|_| bells.recv_timeout(PATIENCE).unwrap().1).collect();
    assert!(order.is_sorted(), "{order:?}");
    for handle in handles.iter().chain([&busy]) {
        assert!(!handle.is_stopping() && handle.stop_within(PATIENCE));
    }
}

#[test]
fn keys_of_drivers_come_round_past_those_in_use_and_never_are_the_wakers() {
    let event_loop = empty_loop("keys");
    let shared = &event_loop.place.event_loop;
    let place = || Place::on(shared).unwrap();
    let first = place();
    shared.inbox.lock().next_key = KEYS_COUNT - 1;
    let (last, second) = (place(), place());
    let keys = [&event_loop.place, &first, &last, &second].map(|place| place.key);
    assert_eq!(keys, [0, 1, KEYS_COUNT - 1, 2]);
    let highest = Registry { driver: Arc::new(DriverShared::new(&last)) };
    let token = highest.system_token(Token(TOKENS_COUNT - 1));
    assert_ne!(token, WAKER_TOKEN);
    assert_eq!(split(token), (KEYS_COUNT - 1, Token(TOKENS_COUNT - 1)));
    drop(last);
    shared.inbox.lock().next_key = KEYS_COUNT - 1;
    assert_eq!(place().key, KEYS_COUNT - 1, "free again");
}
