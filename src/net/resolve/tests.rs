use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;
use std::time::Duration;

use mio::Token;

use super::*;
use crate::clock::Time;
use crate::net::event_loop::tests::TestHandle;
use crate::net::event_loop::{Driver, EventLoop, Readiness};
use crate::net::{Registry, Spin};

/// Only against hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Held by one test at a time: one of them fills the table, and lookups are refused then.
static FILLING: Mutex<()> = Mutex::of_process(());

/// Reports every wake-up.
struct Bell(Sender<()>);

impl Driver for Bell {
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, _: &Registry) {
        let _ = self.0.send(());
    }
    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }
    fn timeout(&mut self, _: &Registry, (): (), _: Time) {}
    fn stopped(&mut self, _: &Registry) {}
}

/// A loop that ends with the test.
struct BellLoop(DriverHandle);

impl BellLoop {
    fn handle(&self) -> &DriverHandle {
        &self.0
    }
}

impl Drop for BellLoop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn bell() -> (BellLoop, Receiver<()>) {
    let (sender, receiver) = channel();
    let stack_bytes = process::STACK_BYTES_MIN;
    let handle = EventLoop::spawn("bell", stack_bytes, Spin::Never, |_| Bell(sender)).unwrap();
    (BellLoop(handle), receiver)
}

fn await_answer(lookup: &mut Lookup, woken: &Receiver<()>) -> Result<Vec<HostAddress>> {
    loop {
        woken.recv_timeout(PATIENCE).expect("the lookup wakes its loop");
        if let Some(answer) = lookup.take() {
            return answer;
        }
    }
}

#[test]
fn a_name_is_resolved_and_the_loop_is_woken() {
    let _turn = FILLING.lock();
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start("localhost", event_loop.handle(), addresses_of);
    let addresses = await_answer(&mut lookup, &woken).unwrap();
    assert_eq!(addresses[0].ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), "IPv4 comes first");
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
}

#[test]
fn an_unknown_name_is_an_error_that_names_it() {
    let _turn = FILLING.lock();
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start("no-such-host.invalid", event_loop.handle(), addresses_of);
    let error = await_answer(&mut lookup, &woken).unwrap_err();
    assert_eq!(error.status(), Status::Resolve);
    assert!(error.text().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn a_resolver_that_panics_is_an_error() {
    fn panics(_: &str) -> io::Result<Vec<HostAddress>> {
        panic!("a panic that this test wants")
    }
    let _turn = FILLING.lock();
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start("panics.test", event_loop.handle(), panics);
    assert_eq!(await_answer(&mut lookup, &woken).unwrap_err().status(), Status::Resolve);
}

fn loopback() -> HostAddress {
    IpAddr::V4(Ipv4Addr::LOCALHOST).into()
}

/// Counts the lookups of the test below, and lets them end once its lock is free.
struct Stuck {
    gate: Mutex<()>,
    begun: AtomicUsize,
}

impl Stuck {
    const fn new() -> Stuck {
        Stuck { gate: Mutex::of_process(()), begun: AtomicUsize::new(0) }
    }

    fn look_up(&self) -> io::Result<Vec<HostAddress>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock());
        Ok(vec![loopback()])
    }
}

fn start_all(names: &[String], handle: &DriverHandle, resolver: Resolver) -> Vec<Lookup> {
    names.iter().map(|name| Lookup::start(name, handle, resolver)).collect()
}

#[test]
fn f19_names_that_hang_hold_up_no_other_name() {
    static STUCK: Stuck = Stuck::new();
    let _turn = FILLING.lock();
    let gate = STUCK.gate.lock();
    let (event_loop, _woken) = bell();
    let names: Vec<String> = (0..40).map(|number| format!("hangs-{number}.test")).collect();
    let lookups = start_all(&names, event_loop.handle(), |_| STUCK.look_up());
    let (other_loop, woken) = bell();
    let mut lookup = Lookup::start("localhost", other_loop.handle(), addresses_of);
    assert!(await_answer(&mut lookup, &woken).unwrap()[0].ip().is_loopback());
    drop((lookups, gate));
}

#[test]
fn f19_the_lookup_of_a_name_is_shared_and_one_that_is_dropped_is_told_nothing() {
    static STUCK: Stuck = Stuck::new();
    let _turn = FILLING.lock();
    let gate = STUCK.gate.lock();
    let (event_loop, woken) = bell();
    let start = || Lookup::start("shared.test", event_loop.handle(), |_| STUCK.look_up());
    let (gone, mut first, mut second) = (start(), start(), start());
    let nobody = Arc::downgrade(&gone.0);
    drop(gone);
    assert!(nobody.upgrade().is_none(), "the table keeps nothing of a lookup that is dropped");
    assert_eq!((first.take(), second.take()), (None, None));
    drop(gate);
    let (mut a, mut b) = (None, None);
    while a.is_none() || b.is_none() {
        woken.recv_timeout(PATIENCE).expect("both are told");
        a = a.or_else(|| first.take());
        b = b.or_else(|| second.take());
    }
    assert_eq!((a, b), (Some(Ok(vec![loopback()])), Some(Ok(vec![loopback()]))));
    assert_eq!(STUCK.begun.load(Ordering::SeqCst), 1, "one lookup for three callers");
}

#[test]
fn f19_stuck_lookups_are_bounded_and_a_refused_one_says_why() {
    static STUCK: Stuck = Stuck::new();
    let _turn = FILLING.lock();
    let gate = STUCK.gate.lock();
    let (event_loop, woken) = bell();
    let handle = event_loop.handle();
    let names: Vec<String> = (0..LOOKUPS_MAX).map(|number| format!("full-{number}.test")).collect();
    // Other tests' lookups may be in the table too, so some of these may be refused.
    let mut lookups = start_all(&names, handle, |_| STUCK.look_up());
    let mut refused = Lookup::start("one-too-many.test", handle, |_| STUCK.look_up());
    let error = refused.take().expect("refused at once").unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources);
    for words in ["one-too-many.test", "256 other names", "IP address"] {
        assert!(error.text().contains(words), "{error}");
    }
    assert!(lock().len() <= LOOKUPS_MAX);
    // A further request for a running name needs no entry of its own.
    let is_running = lookups.iter_mut().position(|lookup| lookup.take().is_none()).unwrap();
    let mut joined = Lookup::start(&names[is_running], handle, |_| STUCK.look_up());
    assert_eq!(joined.take(), None);
    // Stuck threads do not delay the end of a loop.
    drop(woken);
    assert!(handle.stop_within(PATIENCE));
    drop((lookups, joined, gate));
    // The entries become free, and lookups work as before.
    let (event_loop, woken) = bell();
    loop {
        let mut lookup = Lookup::start("localhost", event_loop.handle(), addresses_of);
        match await_answer(&mut lookup, &woken) {
            Ok(_) => break,
            Err(error) => assert_eq!(error.status(), Status::OutOfResources, "{error}"),
        }
        thread::yield_now();
    }
}
