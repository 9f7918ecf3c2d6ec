//! A relay of datagrams between a client and a server, which loses, delays, duplicates and reorders
//! them.
//!
//! A seed decides what happens to the first, second, … datagram of each direction, so that a failing
//! run can be repeated as far as the programs send the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How much later a reordered datagram leaves: later ones overtake it meanwhile.
const REORDER_DELAY: Duration = Duration::from_millis(3);
/// The largest datagram of UDP over IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// What happens to datagrams, in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// Lost datagrams, in percent; 100 cuts the link.
    pub drop_percent: u32,
    /// Datagrams that arrive twice, in percent.
    pub duplicate_percent: u32,
    /// Datagrams that later ones overtake, in percent.
    pub reorder_percent: u32,
    /// Delay of every datagram.
    pub delay: Duration,
}

/// Numbers of datagrams, of both directions together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Received.
    pub received: u64,
    /// Of these, lost on purpose.
    pub dropped: u64,
    /// Of these, sent twice.
    pub duplicated: u64,
    /// Of these, held back.
    pub reordered: u64,
}

/// A datagram under way: when it leaves, its number, and whether it goes to the server.
type UnderWay = Reverse<(Instant, u64, bool, Vec<u8>)>;

#[derive(Default)]
struct State {
    faults: Faults,
    counts: Counts,
    /// The source of the latest datagram to the server.
    client: Option<SocketAddr>,
    under_way: BinaryHeap<UnderWay>,
    number: u64,
    is_over: bool,
}

struct Shared {
    /// Faces the client.
    front: UdpSocket,
    /// Faces the server.
    back: UdpSocket,
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

/// A relay in front of a server. Ends when it is dropped.
pub struct Relay {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// A relay on this host to the server at `server`.
    #[track_caller]
    pub fn start(server: SocketAddr, faults: Faults, seed: u64) -> Relay {
        let open = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let shared = Arc::new(Shared {
            front: open(),
            back: open(),
            server,
            state: Mutex::new(State { faults, ..State::default() }),
            changed: Condvar::new(),
        });
        let mut threads = Vec::new();
        for to_server in [true, false] {
            let rng = ChaCha8Rng::seed_from_u64(2 * seed + u64::from(to_server));
            let shared = shared.clone();
            threads.push(thread::spawn(move || shared.receive(to_server, rng)));
        }
        let sender = shared.clone();
        threads.push(thread::spawn(move || sender.send()));
        Relay { shared, threads }
    }

    /// Where clients send to.
    pub fn address(&self) -> SocketAddr {
        self.shared.front.local_addr().expect("it is bound")
    }

    /// Changes what happens to later datagrams.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.state.lock().unwrap().faults = faults;
    }

    /// The numbers so far.
    pub fn counts(&self) -> Counts {
        self.shared.state.lock().unwrap().counts
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().is_over = true;
        self.shared.changed.notify_all();
        // Each receiver waits for a datagram.
        for socket in [&self.shared.front, &self.shared.back] {
            let own = socket.local_addr().expect("it is bound");
            socket.send_to(&[], own).expect("a datagram within this host");
        }
        for thread in self.threads.drain(..) {
            thread.join().expect("the relay's thread ends well");
        }
    }
}

impl Shared {
    /// Receives the datagrams of one direction, and decides about each.
    fn receive(&self, to_server: bool, mut rng: ChaCha8Rng) {
        let socket = if to_server { &self.front } else { &self.back };
        let mut room = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            // An error of the network about a datagram that was sent: it is lost.
            let Ok((bytes, source)) = socket.recv_from(&mut room) else { continue };
            let mut state = self.state.lock().unwrap();
            if state.is_over {
                return;
            }
            if to_server {
                state.client = Some(source);
            }
            let mut hits = |percent| rng.random_range(0..100) < percent;
            let faults = state.faults;
            // All are drawn for each, so that one does not shift what happens to the others.
            let (drops, duplicates, reorders) = (
                hits(faults.drop_percent),
                hits(faults.duplicate_percent),
                hits(faults.reorder_percent),
            );
            state.counts.received += 1;
            state.counts.dropped += u64::from(drops);
            if drops {
                continue;
            }
            state.counts.duplicated += u64::from(duplicates);
            state.counts.reordered += u64::from(reorders);
            let held = if reorders { REORDER_DELAY } else { Duration::ZERO };
            let due = Instant::now() + faults.delay + held;
            for _ in 0..1 + u32::from(duplicates) {
                let number = state.number;
                state.number += 1;
                state.under_way.push(Reverse((due, number, to_server, room[..bytes].to_vec())));
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Sends each datagram when it is due.
    fn send(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.is_over {
            let now = Instant::now();
            let due = state.under_way.peek().map(|Reverse((due, ..))| *due);
            state = match due {
                Some(due) if due <= now => {
                    let Reverse((_, _, to_server, bytes)) = state.under_way.pop().unwrap();
                    let client = state.client;
                    drop(state);
                    // A refusal is for the other end to notice, as in a network.
                    let _ = match (to_server, client) {
                        (true, _) => self.back.send_to(&bytes, self.server),
                        (false, Some(client)) => self.front.send_to(&bytes, client),
                        (false, None) => Ok(0),
                    };
                    self.state.lock().unwrap()
                }
                Some(due) => self.changed.wait_timeout(state, due - now).unwrap().0,
                None => self.changed.wait(state).unwrap(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
    }

    fn received(socket: &UdpSocket) -> (u8, SocketAddr) {
        let mut room = [0; 8];
        let (bytes, source) = socket.recv_from(&mut room).unwrap();
        assert_eq!(bytes, 1);
        (room[0], source)
    }

    #[test]
    fn a_faultless_relay_passes_datagrams_on_in_both_directions() {
        let (server, client) = (server(), server());
        let relay = Relay::start(server.local_addr().unwrap(), Faults::default(), 1);
        for n in 0..50 {
            client.send_to(&[n], relay.address()).unwrap();
            let (there, source) = received(&server);
            assert_eq!(there, n);
            server.send_to(&[n + 100], source).unwrap();
            assert_eq!(received(&client), (n + 100, relay.address()));
        }
        assert_eq!(relay.counts(), Counts { received: 100, ..Counts::default() });
    }

    #[test]
    fn a_relay_duplicates_and_holds_back_and_the_seed_decides_which() {
        let faults = Faults {
            drop_percent: 20,
            duplicate_percent: 20,
            reorder_percent: 20,
            ..Faults::default()
        };
        let run = |seed| {
            let (server, client) = (server(), server());
            let relay = Relay::start(server.local_addr().unwrap(), faults, seed);
            for n in 0..100 {
                client.send_to(&[n], relay.address()).unwrap();
            }
            while relay.counts().received < 100 {
                thread::yield_now();
            }
            // The last one leaves after all that are held back.
            relay.set_faults(Faults { delay: 10 * REORDER_DELAY, ..Faults::default() });
            client.send_to(&[255], relay.address()).unwrap();
            let seen = std::iter::from_fn(|| Some(received(&server).0)).take_while(|&n| n < 255);
            (seen.collect::<Vec<u8>>(), relay.counts())
        };
        let (seen, counts) = run(7);
        assert_eq!(run(7).1, counts, "the same seed");
        let arrived = counts.received - 1 - counts.dropped + counts.duplicated;
        assert_eq!(seen.len() as u64, arrived);
        assert!(seen.windows(2).any(|pair| pair[0] > pair[1]), "{seen:?}");
        assert!(counts.dropped > 0 && counts.duplicated > 0, "{counts:?}");
    }

    #[test]
    fn a_cut_link_passes_nothing_until_it_is_restored() {
        let (server, client) = (server(), server());
        let cut = Faults { drop_percent: 100, ..Faults::default() };
        let relay = Relay::start(server.local_addr().unwrap(), cut, 1);
        client.send_to(&[1], relay.address()).unwrap();
        while relay.counts().dropped < 1 {
            thread::yield_now();
        }
        relay.set_faults(Faults::default());
        client.send_to(&[2], relay.address()).unwrap();
        assert_eq!(received(&server).0, 2);
    }
}
