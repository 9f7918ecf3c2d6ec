use std::io;
use std::sync::atomic::AtomicUsize;

use mio::Token;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::clock::Time;
use crate::net::{Driver, EventLoop, Readiness, Registry, Spin};
use crate::process::STACK_OF_PROCESS;

use testkit_base::wait::wait_until;

const MIB: u64 = 1 << 20;

/// Counts the wake-ups of its loop.
struct Counting(Arc<AtomicUsize>);

impl Driver for Counting {
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _: &Registry, _: Token, _: Readiness) {}

    fn woken(&mut self, _: &Registry) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }

    fn timeout(&mut self, _: &Registry, (): (), _: Time) {}

    fn stopped(&mut self, _: &Registry) {}
}

fn event_loop() -> (DriverHandle, Arc<AtomicUsize>) {
    let woken = Arc::<AtomicUsize>::default();
    let driver = Counting(woken.clone());
    let handle = EventLoop::spawn("budget", STACK_OF_PROCESS, Spin::Never, |_| driver).unwrap();
    (handle, woken)
}

/// The budget of a process of its own.
fn process(bytes_max: u64) -> &'static Process {
    Box::leak(Box::new(Process::new(bytes_max)))
}

/// A server with clients, of which each has one connection.
struct Server {
    budget: Budget,
    charged: Vec<Charge>,
    held: Vec<u64>,
}

impl Server {
    fn new(process: &'static Process, bytes_max: u64, clients: usize) -> Server {
        let (handle, _) = event_loop();
        let budget = Budget::of(process, bytes_max, clients, handle, Arc::default());
        Server { budget, charged: vec![Charge::default(); clients], held: vec![0; clients] }
    }

    /// Asks for a client, without holding what is granted.
    fn asks(&self, client: usize, more: u64) -> bool {
        self.budget.grants(&Demand { own: self.held[client], more, charged: self.charged[client] })
    }

    fn takes(&mut self, client: usize, more: u64) -> bool {
        let is_granted = self.asks(client, more);
        if is_granted {
            self.hold(client, self.held[client] + more);
        }
        is_granted
    }

    fn hold(&mut self, client: usize, held: u64) {
        self.held[client] = held;
        self.budget.charge(&mut self.charged[client], held, held);
    }

    /// Takes pieces of this size until it gets no more. Returns what it holds.
    fn takes_all(&mut self, client: usize, piece: u64) -> u64 {
        while self.takes(client, piece) {}
        self.held[client]
    }
}

#[test]
fn one_client_gets_much_and_never_everything() {
    let mut server = Server::new(process(1024 * MIB), 1024 * MIB, 1024);
    assert_eq!(server.budget.largest(), 512 * MIB);
    assert_eq!(server.budget.share(), MIB / 2);
    assert_eq!(server.takes_all(0, 64 * 1024), 256 * MIB);
    assert!(server.takes(1, 64 * MIB), "a large one of another client has room beside that");
}

#[test]
fn one_large_thing_has_room_in_a_small_budget_if_nobody_else_holds_much() {
    let mut server = Server::new(process(128 * MIB), 128 * MIB, 1024);
    server.hold(1, 1000);
    assert!(server.takes(0, 64 * MIB));
    assert!(!server.takes(2, 64 * MIB));
    assert!(server.takes(2, 60_000), "a small one always has");
    assert!(!server.takes(0, 64 * MIB), "it has had one");
    server.hold(0, 0);
    assert!(server.takes(2, 64 * MIB));
}

#[test]
fn however_many_hold_all_they_get_a_newcomer_has_its_share() {
    const CLIENTS: usize = 1024;
    for bytes_max in [1024 * MIB, 64 * MIB] {
        let mut server = Server::new(process(bytes_max), bytes_max, CLIENTS);
        for client in 0..CLIENTS - 1 {
            server.takes_all(client, 64 * 1024);
            server.takes_all(client, 1000);
        }
        let used = server.budget.used();
        assert!(used > bytes_max / 2 && used <= bytes_max, "{used}");
        let share = server.budget.share();
        assert!(server.takes(CLIENTS - 1, share));
        assert!(!server.asks(CLIENTS - 1, SMALL_BYTES + 1));
        assert!(server.budget.used() <= bytes_max);
    }
}

#[test]
fn a_small_request_has_room_when_others_of_the_process_hold_everything() {
    let all = process(8 * MIB);
    let mut first = Server::new(all, 8 * MIB, 1);
    let mut second = Server::new(all, 8 * MIB, 4);
    let mut third = Server::new(all, 8 * MIB, 4);
    assert!(first.takes(0, 4 * MIB));
    for client in 0..4 {
        assert!(second.takes(client, MIB), "their guaranteed shares");
    }
    assert_eq!(all.used(), 8 * MIB);
    assert!(!third.takes(0, SMALL_BYTES + 1));
    assert!(third.takes(0, SMALL_BYTES));
    assert!(!third.takes(0, 1), "one");
    assert!(third.takes(1, SMALL_BYTES));
    first.hold(0, 0);
    assert!(third.takes(0, MIB / 2));
}

#[test]
fn nothing_is_lost_of_the_process_whatever_servers_do() {
    const CLIENTS: usize = 8;
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let all = process(rng.random_range(1..64) * MIB);
        let max = all.bytes_max();
        let mut servers: Vec<Server> =
            (0..3).map(|_| Server::new(all, rng.random_range(1..=2 * max), CLIENTS)).collect();
        for _ in 0..3000 {
            let (server, client) = (rng.random_range(0..3), rng.random_range(0..CLIENTS));
            let server = &mut servers[server];
            let before = server.held[client];
            match rng.random_range(0..4) {
                0 => server.hold(client, 0),
                1 => server.hold(client, rng.random_range(0..=before)),
                2 => _ = server.takes(client, rng.random_range(1..10_000)),
                _ => _ = server.takes(client, rng.random_range(1..=max)),
            }
            let slack = (CLIENTS * 3) as u64 * SMALL_BYTES;
            let used: u64 = servers.iter().map(|server| server.budget.used()).sum();
            let held: u64 = servers.iter().flat_map(|server| &server.held).sum();
            assert_eq!(used, held, "seed {seed}");
            assert!(used <= all.used(), "seed {seed}");
            // What servers keep to themselves is little.
            assert!(all.used() <= max + slack, "seed {seed}: {} of {max}", all.used());
            for server in &servers {
                let most = server.budget.bytes_max + CLIENTS as u64 * SMALL_BYTES;
                assert!(server.budget.used() <= most, "seed {seed}");
                assert_eq!(
                    server.budget.above.get(),
                    server.held.iter().filter(|&&held| held > server.budget.share).count() as u64
                );
            }
        }
        servers
            .iter_mut()
            .for_each(|server| (0..CLIENTS).for_each(|client| server.hold(client, 0)));
        assert_eq!((all.used(), all.above()), (0, 0), "seed {seed}");
        servers[0].hold(0, MIB);
        drop(servers);
        assert_eq!((all.used(), all.above()), (0, 0), "seed {seed}: with a server that ends");
    }
}

#[test]
fn a_failed_allocation_lowers_the_limit_until_half_is_free() {
    let all = process(1024 * MIB);
    let mut server = Server::new(all, 1024 * MIB, 4);
    assert!(server.takes(0, 100 * MIB));
    all.squeeze();
    let limit = all.bytes_max();
    assert!((87 * MIB..88 * MIB).contains(&limit), "{limit}");
    assert!(!server.takes(1, 50 * MIB));
    assert!(server.takes(1, SMALL_BYTES));
    all.squeeze();
    assert!(all.bytes_max() <= limit);
    server.hold(0, 50 * MIB);
    assert!(all.bytes_max() <= limit);
    server.hold(0, 0);
    assert_eq!(all.bytes_max(), 1024 * MIB);
}

#[test]
fn a_server_that_waits_for_room_is_woken_when_others_let_go_of_some() {
    let all = process(8 * MIB);
    let mut holder = Server::new(all, 8 * MIB, 1);
    assert!(holder.takes(0, 4 * MIB));
    let (handle, woken) = event_loop();
    let waiting = Budget::of(all, 8 * MIB, 1, handle, Arc::default());
    waiting.set_starved(true);
    wait_until("it tries again at first", || woken.load(Ordering::SeqCst) > 0);
    assert!(waiting.take_freed());
    assert!(!waiting.take_freed());
    let before = woken.load(Ordering::SeqCst);
    holder.hold(0, 0);
    wait_until("it is woken", || woken.load(Ordering::SeqCst) > before);
    assert!(waiting.take_freed());
    waiting.set_starved(false);
    assert!(!waiting.is_pressed());
    holder.budget.press_others();
    assert!(waiting.is_pressed() && !holder.budget.is_pressed());
}
