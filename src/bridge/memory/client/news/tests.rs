use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Duration;

use super::*;
use crate::net::news::CHANGES_WAITING_MAX;
use crate::process;
use crate::sync::Mutex;

/// Against hangs only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Passes on what it is told, and returns when it is allowed to.
struct Slow {
    told: Sender<ConnectionChange>,
    may_return: Mutex<Receiver<()>>,
}

impl ConnectionObserver for Slow {
    fn changed(&self, change: &ConnectionChange) {
        let _ = self.told.send(change.clone());
        let _ = self.may_return.lock().recv_timeout(PATIENCE);
    }
}

/// An observer, what it is told, and what lets one of its calls return.
fn slow() -> (Arc<Slow>, Receiver<ConnectionChange>, Sender<()>) {
    let ((told, changes), (permit, may_return)) = (channel(), channel());
    (Arc::new(Slow { told, may_return: Mutex::new(may_return) }), changes, permit)
}

fn server(port: u16) -> ServerEnd {
    std::net::SocketAddr::from(([192, 0, 2, 1], port)).into()
}

fn change(port: u16, reason: Option<&str>) -> ConnectionChange {
    ConnectionChange {
        reason: reason.map(str::to_owned),
        server: server(port),
        bridge_level: Some(1),
    }
}

#[test]
fn coming_and_going_are_told_in_order_also_while_the_observer_blocks() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    let (observer, changes, permit) = slow();
    news.observe(Some(observer));
    for port in 1..=20 {
        news.came(server(port), Some(1));
        news.went("lost");
    }
    for port in 1..=20 {
        for reason in [None, Some("lost")] {
            assert_eq!(changes.recv_timeout(PATIENCE).unwrap(), change(port, reason));
            permit.send(()).unwrap();
        }
    }
}

#[test]
fn an_observer_that_blocks_misses_the_oldest_and_never_the_latest() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    let (observer, changes, permit) = slow();
    news.observe(Some(observer));
    news.came(server(1), Some(1));
    let first = changes.recv_timeout(PATIENCE).unwrap();
    news.went("lost");
    for port in 2..=200 {
        news.came(server(port), Some(1));
        news.went("lost");
    }
    news.came(server(201), Some(1));
    drop(permit);
    let mut told = vec![first];
    while told.last() != Some(&change(201, None)) {
        told.push(changes.recv_timeout(PATIENCE).unwrap());
    }
    assert!(told.len() <= CHANGES_WAITING_MAX + 1, "{}", told.len());
    let is_up: Vec<bool> = told.iter().map(|change| change.reason.is_none()).collect();
    assert!(is_up.windows(2).all(|pair| pair[0] != pair[1]), "{is_up:?}");
}

#[test]
fn a_late_observer_is_told_of_the_current_connection() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    news.came(server(1), Some(1));
    let (first, first_changes, permit) = slow();
    permit.send(()).unwrap();
    news.observe(Some(first.clone()));
    assert_eq!(first_changes.recv_timeout(PATIENCE).unwrap(), change(1, None));
    let (second, second_changes, permit) = slow();
    permit.send(()).unwrap();
    news.observe(Some(second));
    assert_eq!(second_changes.recv_timeout(PATIENCE).unwrap(), change(1, None));
    news.went("lost");
    assert_eq!(second_changes.recv_timeout(PATIENCE).unwrap(), change(1, Some("lost")));
    drop(first);
    assert!(first_changes.recv_timeout(PATIENCE).is_err(), "the former one is told nothing more");
    let (third, third_changes, _permit) = slow();
    news.observe(Some(third));
    news.observe(None);
    assert!(third_changes.recv_timeout(PATIENCE).is_err(), "nothing to tell, and dropped");
}

#[test]
fn nothing_is_told_once_the_client_has_stopped_and_the_call_that_runs_goes_on() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    let (observer, changes, permit) = slow();
    news.observe(Some(observer));
    news.came(server(1), Some(1));
    changes.recv_timeout(PATIENCE).unwrap();
    news.went("lost");
    news.stop();
    news.came(server(2), Some(1));
    permit.send(()).unwrap();
    // Until the observer is dropped, which the end of its call has been waited for.
    assert!(changes.recv_timeout(PATIENCE).is_err());
    let (late, late_changes, _permit) = slow();
    news.observe(Some(late));
    assert!(late_changes.recv_timeout(PATIENCE).is_err(), "dropped at once");
}

/// What an observer does when it is dropped.
struct Dropping(Arc<News>);

impl ConnectionObserver for Dropping {
    fn changed(&self, _: &ConnectionChange) {
        panic!("a panic that this test wants");
    }
}

impl Drop for Dropping {
    fn drop(&mut self) {
        // Would wait for ever under a lock of the news.
        self.0.observe(None);
    }
}

#[test]
fn an_observer_may_panic_and_is_dropped_under_no_lock() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    news.observe(Some(Arc::new(Dropping(news.clone()))));
    news.came(server(1), Some(1));
    let (observer, changes, permit) = slow();
    permit.send(()).unwrap();
    news.observe(Some(observer));
    // Taken away by the drop of the former one, or set after it.
    news.observe(Some(Arc::new(Dropping(news.clone()))));
    drop(changes);
    news.stop();
    news.observe(Some(Arc::new(Dropping(news.clone()))));
}

/// A value that panics once more when it is dropped.
struct Relapse;

impl Drop for Relapse {
    fn drop(&mut self) {
        panic!("once more");
    }
}

struct Panics(Sender<bool>);

impl ConnectionObserver for Panics {
    fn changed(&self, change: &ConnectionChange) {
        let _ = self.0.send(change.reason.is_none());
        std::panic::panic_any(Relapse);
    }
}

#[test]
fn f22_an_observer_that_panics_with_whatever_value_is_told_what_comes_next() {
    let news = News::new(Some(process::STACK_OF_PROCESS));
    let (told, changes) = channel();
    news.observe(Some(Arc::new(Panics(told))));
    news.came(server(1), Some(1));
    assert_eq!(changes.recv_timeout(PATIENCE), Ok(true));
    news.went("lost");
    assert_eq!(changes.recv_timeout(PATIENCE), Ok(false));
}
