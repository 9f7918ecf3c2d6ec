use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Duration;

use mio::{Registry, Token};

use super::*;
use crate::clock::Time;
use crate::net::event_loop::{Driver, EventLoop, Readiness};

/// Against hangs only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reports every wake-up.
struct Bell(Sender<()>);

impl Driver for Bell {
    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}
    fn woken(&mut self, _: &Registry) {
        let _ = self.0.send(());
    }
    fn timeout(&mut self, _: &Registry, _: Time) {}
    fn deadline(&self) -> Option<Time> {
        None
    }
    fn stopped(&mut self, _: &Registry) {}
}

fn bell() -> (EventLoop, Receiver<()>) {
    let (sender, receiver) = channel();
    (EventLoop::spawn("bell", |_| Bell(sender)).unwrap(), receiver)
}

fn await_answer(lookup: &mut Lookup, woken: &Receiver<()>) -> Result<Vec<HostAddress>> {
    loop {
        woken.recv_timeout(PATIENCE).expect("the lookup wakes its loop");
        if let Some(answer) = lookup.take() {
            return answer;
        }
    }
}

fn name(text: &str) -> RemoteHost {
    RemoteHost::Name(text.to_owned())
}

#[test]
fn an_address_is_its_own_answer_at_once() {
    let (event_loop, _woken) = bell();
    let address = HostAddress::from(IpAddr::from([192, 0, 2, 7]));
    let mut lookup = Lookup::start(&RemoteHost::Address(address), event_loop.handle());
    assert_eq!(lookup.take(), Some(Ok(vec![address])));
    assert_eq!(lookup.take(), None);
}

#[test]
fn a_name_is_resolved_and_the_loop_is_woken() {
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start(&name("localhost"), event_loop.handle());
    let addresses = await_answer(&mut lookup, &woken).unwrap();
    assert_eq!(addresses[0].ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), "IPv4 comes first");
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
}

#[test]
fn an_unknown_name_is_an_error_that_names_it() {
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start(&name("no-such-host.invalid"), event_loop.handle());
    let error = await_answer(&mut lookup, &woken).unwrap_err();
    assert_eq!(error.status(), Status::Resolve);
    assert!(error.text().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn a_resolver_that_panics_is_an_error() {
    fn panics(_: &str) -> io::Result<Vec<HostAddress>> {
        panic!("a panic that this test wants")
    }
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start_with(&name("x"), event_loop.handle(), panics);
    assert_eq!(await_answer(&mut lookup, &woken).unwrap_err().status(), Status::Resolve);
}

/// Held by the test below to keep every resolver thread busy.
static STUCK: Mutex<()> = Mutex::new(());

fn stuck(_: &str) -> io::Result<Vec<HostAddress>> {
    drop(STUCK.lock());
    Ok(vec![HostAddress::ANY_V4])
}

#[test]
fn stuck_lookups_delay_neither_stop_nor_cancellation_and_are_bounded() {
    let gate = STUCK.lock();
    let (event_loop, woken) = bell();
    let handle = event_loop.handle().clone();
    let start = |text: &str| Lookup::start_with(&name(text), &handle, stuck);
    let mut lookups: Vec<Lookup> = (0..LOOKUPS_WAITING_MAX).map(|_| start("stuck")).collect();
    let mut refused = loop {
        // Other tests' lookups may hold places too, hence no exact count.
        assert!(lookups.len() < 2 * LOOKUPS_WAITING_MAX);
        let mut lookup = start("one too many");
        match lookup.take() {
            Some(answer) => break answer.unwrap_err(),
            None => lookups.push(lookup),
        }
    };
    assert_eq!(refused.status(), Status::OutOfResources);
    assert!(refused.text().contains("one too many"), "{refused}");
    assert!(Pool::lock().threads <= LOOKUP_THREADS_MAX);
    // Dropped lookups make room, although the threads are still stuck.
    lookups.truncate(1);
    let mut second = start("room again");
    assert_eq!(second.take(), None);
    drop(woken);
    assert!(event_loop.handle().stop_within(PATIENCE));
    drop((lookups, second));
    drop(gate);
    // And the pool still works.
    let (event_loop, woken) = bell();
    let mut lookup = Lookup::start(&name("localhost"), event_loop.handle());
    refused = match await_answer(&mut lookup, &woken) {
        Ok(_) => return,
        Err(error) => error,
    };
    panic!("{refused}");
}
