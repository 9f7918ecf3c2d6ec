use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::Interest;

use super::*;

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
    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, registry: &Registry) {
        (self.woken)(registry);
    }
    fn timeout(&mut self, _: &Registry, now: Time) {
        assert!(now >= self.deadlines[0], "called before its deadline");
        self.deadlines.pop_front();
        (self.timeout)(now);
    }
    fn deadline(&self) -> Option<Time> {
        self.deadlines.front().copied()
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

fn assert_ended_in_order(ended: &Receiver<&'static str>) {
    assert_eq!(ended.recv_timeout(PATIENCE), Ok("stopped"));
    assert_eq!(ended.recv_timeout(PATIENCE), Ok("dropped"));
    assert!(ended.recv_timeout(PATIENCE).is_err(), "the driver ended twice");
}

#[test]
fn wake_reaches_the_driver_on_its_own_named_thread() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let event_loop = EventLoop::spawn("bell", |handle| {
        Script::new(ended).woken(move |_| {
            let name = thread::current().name().map(str::to_owned);
            report.send((name, handle.is_loop_thread())).unwrap();
        })
    })
    .unwrap();
    event_loop.handle().wake();
    let (name, on_loop) = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!(name.as_deref(), Some("bell"));
    assert!(on_loop);
    assert!(!event_loop.handle().is_loop_thread());
    assert!(event_loop.handle().stop_within(PATIENCE));
}

#[test]
fn another_loops_thread_is_not_this_loops_thread() {
    let (ended, _) = channel();
    let quiet = EventLoop::spawn("quiet", |_| Script::new(ended.clone())).unwrap();
    let other = quiet.handle().clone();
    let (report, reports) = channel();
    let asking = EventLoop::spawn("asking", |_| {
        Script::new(ended).woken(move |_| report.send(other.is_loop_thread()).unwrap())
    })
    .unwrap();
    asking.handle().wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
}

#[test]
fn wake_before_the_thread_runs_is_not_lost() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let _event_loop = EventLoop::spawn("early", |handle| {
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
    let event_loop = EventLoop::spawn("busy", |_| {
        Script::new(ended).woken(move |_| {
            report.send(()).unwrap();
            gate.recv_timeout(PATIENCE).unwrap();
        })
    })
    .unwrap();
    let handle = event_loop.handle();
    handle.wake();
    reports.recv_timeout(PATIENCE).unwrap();
    let writes = handle.shared.waker_writes.load(Ordering::Relaxed);
    for _ in 0..10_000 {
        handle.wake();
    }
    assert_eq!(handle.shared.waker_writes.load(Ordering::Relaxed), writes);
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
    let event_loop = EventLoop::spawn("races", |_| {
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
                    event_loop.handle().wake();
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
    let event_loop = EventLoop::spawn("echo", |handle| {
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
    event_loop.handle().wake();
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
    let event_loop = EventLoop::spawn("timer", |_| {
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
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert!(!event_loop.handle().has_panicked());
    let turns = event_loop.handle().turns();
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
    let event_loop = EventLoop::spawn("end", |_| Script::new(ended)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(event_loop.handle().stop_within(PATIENCE)));
        }
    });
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert!(event_loop.handle().is_stopping());
    assert_ended_in_order(&ends);
}

#[test]
fn stop_from_a_callback_returns_at_once_and_the_loop_ends_after_it() {
    let (ended, ends) = channel();
    let (report, reports) = channel();
    let event_loop = EventLoop::spawn("own-end", |handle| {
        Script::new(ended).woken(move |_| {
            report.send(handle.stop()).unwrap();
            handle.wake();
        })
    })
    .unwrap();
    event_loop.handle().wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert!(reports.try_recv().is_err(), "no callback begins after stop");
    assert_ended_in_order(&ends);
}

#[test]
fn a_loop_dropped_inside_its_own_callback_ends() {
    let place = Arc::new(Mutex::new(None::<EventLoop>));
    let (ended, ends) = channel();
    let event_loop = EventLoop::spawn("drops-itself", |_| {
        let place = place.clone();
        Script::new(ended).woken(move |_| drop(place.lock().take()))
    })
    .unwrap();
    let handle = event_loop.handle().clone();
    *place.lock() = Some(event_loop);
    handle.wake();
    assert_ended_in_order(&ends);
    assert!(handle.stop_within(PATIENCE));
}

#[test]
fn stop_does_not_wait_for_a_callback_that_blocks() {
    let (ended, ends) = channel();
    let (report, reports) = channel();
    let (release, gate) = channel::<()>();
    let event_loop = EventLoop::spawn("stuck", |_| {
        Script::new(ended).woken(move |_| {
            report.send(()).unwrap();
            let _ = gate.recv();
        })
    })
    .unwrap();
    event_loop.handle().wake();
    reports.recv_timeout(PATIENCE).unwrap();
    assert!(!event_loop.stop(), "the callback is still blocked");
    assert!(ends.try_recv().is_err());
    drop(release);
    assert_ended_in_order(&ends);
    assert!(event_loop.handle().stop_within(PATIENCE));
}

#[test]
fn a_panic_in_the_driver_ends_the_loop_in_order() {
    let (ended, ends) = channel();
    let event_loop = EventLoop::spawn("panics", |_| {
        Script::new(ended).woken(|_| panic!("a panic that this test wants"))
    })
    .unwrap();
    event_loop.handle().wake();
    assert_ended_in_order(&ends);
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert!(event_loop.handle().has_panicked());
}

#[test]
fn a_panic_at_the_end_still_lets_stop_return() {
    let (ended, ends) = channel();
    let event_loop = EventLoop::spawn("panics-late", |_| {
        let mut script = Script::new(ended);
        script.stopped = Box::new(|_| panic!("another panic that this test wants"));
        script
    })
    .unwrap();
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert_ended_in_order(&ends);
}

#[test]
fn panic_texts_of_both_kinds_are_read() {
    let text = |body: fn()| {
        let payload = panic::catch_unwind(body).unwrap_err();
        panic_text(payload.as_ref()).to_owned()
    };
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
    fn timeout(&mut self, _: &Registry, _: Time) {}
    fn deadline(&self) -> Option<Time> {
        None
    }
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
        EventLoop::spawn("echo", |_| Echo { listener, stream: None, flushes, echoed: 0 }).unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    for word in [&b"one"[..], b"two", b"three"] {
        stream.write_all(word).unwrap();
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, word);
    }
    while flushed.recv_timeout(PATIENCE).unwrap() < 11 {}
    assert!(event_loop.handle().stop_within(PATIENCE));
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "stop closes the driver's sockets");
}

/// A driver whose socket cannot be registered.
struct Refused;

impl Driver for Refused {
    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(libc::ENOSPC))
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, _: &Registry) {}
    fn timeout(&mut self, _: &Registry, _: Time) {}
    fn deadline(&self) -> Option<Time> {
        None
    }
    fn stopped(&mut self, _: &Registry) {}
}

#[test]
fn a_driver_that_cannot_start_is_an_error_of_spawn() {
    let error = EventLoop::spawn("refused", |_| Refused).unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources);
    assert!(error.text().contains("refused"), "{error}");
    assert!(error.text().contains("registered"), "{error}");
}

#[test]
fn driver_runs_without_signals() {
    let (ended, _) = channel();
    let (report, reports) = channel();
    let event_loop = EventLoop::spawn("signals", |_| {
        Script::new(ended)
            .woken(move |_| report.send(sys::signal_is_blocked(libc::SIGTERM)).unwrap())
    })
    .unwrap();
    event_loop.handle().wake();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(true));
}
