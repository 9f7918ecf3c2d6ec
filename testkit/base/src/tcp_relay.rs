//! A relay of the two TCP connections of each client of a bridge, which disturbs them.
//!
//! It passes octets on, and on request cuts, resets, stalls, drips, goes deaf or half-closes, on
//! either connection or both. What it has accepted stays with it until its end is asked for or the
//! ends of the connection go.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use crate::ports::listener_pair;
use crate::wait::let_pass;

/// How long a thread of the relay sleeps at most before it looks what is asked of it.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Octets that are passed on at once.
const PIECE_OCTETS: usize = 64 * 1024;

/// What happens to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// Both ends see an orderly end.
    Cut,
    /// Both ends see a reset.
    Reset,
    /// After that many more octets in the direction, both ends see a reset: most likely inside a
    /// message.
    CutInside(Direction, usize),
    /// One direction ends in good order, the other one goes on.
    HalfClose(Direction),
    /// Nothing passes in either direction until [`TcpRelay::restore`].
    Stall,
    /// Nothing passes in one direction until [`TcpRelay::restore`].
    Deaf(Direction),
    /// Octets pass one by one until [`TcpRelay::restore`].
    Drip,
}

/// A direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Connections of clients: those to the first port, to the second one, or all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Those to the first port.
    First,
    /// Those to the second port.
    Second,
    /// All of them.
    Both,
}

/// The state of one direction.
#[derive(Default)]
struct Pump {
    is_stopped: AtomicBool,
    drips: AtomicBool,
    is_shut: AtomicBool,
    /// Octets that still pass before a reset; `usize::MAX` stands for any number.
    octets_left: AtomicUsize,
}

struct Link {
    which: Which,
    client: TcpStream,
    server: TcpStream,
    pumps: [Pump; 2],
    is_over: AtomicBool,
}

impl Link {
    fn pump_of(&self, direction: Direction) -> &Pump {
        &self.pumps[usize::from(direction == Direction::ToClient)]
    }

    fn disturb(&self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Cut => self.end(),
            Disturbance::Reset => self.reset(),
            Disturbance::CutInside(direction, octets) => {
                self.pump_of(direction).octets_left.store(octets, Ordering::SeqCst);
            }
            Disturbance::HalfClose(direction) => {
                self.pump_of(direction).is_shut.store(true, Ordering::SeqCst);
            }
            Disturbance::Stall => {
                self.pumps.iter().for_each(|pump| pump.is_stopped.store(true, Ordering::SeqCst));
            }
            Disturbance::Deaf(direction) => {
                self.pump_of(direction).is_stopped.store(true, Ordering::SeqCst);
            }
            Disturbance::Drip => {
                self.pumps.iter().for_each(|pump| pump.drips.store(true, Ordering::SeqCst));
            }
        }
    }

    fn restore(&self) {
        for pump in &self.pumps {
            pump.is_stopped.store(false, Ordering::SeqCst);
            pump.drips.store(false, Ordering::SeqCst);
        }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        // An end that is gone already needs no end.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// The last owner closes the sockets, which resets the connections.
    fn reset(&self) {
        for socket in [&self.client, &self.server] {
            SockRef::from(socket).set_linger(Some(Duration::ZERO)).expect("an open socket");
        }
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Passes the octets of one direction on until the connection ends.
    fn run(&self, direction: Direction) {
        let (mut from, mut to) = match direction {
            Direction::ToServer => (&self.client, &self.server),
            Direction::ToClient => (&self.server, &self.client),
        };
        let pump = self.pump_of(direction);
        let mut room = vec![0; PIECE_OCTETS];
        while !self.is_over.load(Ordering::SeqCst) {
            if pump.is_shut.load(Ordering::SeqCst) {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            let limit = if pump.drips.load(Ordering::SeqCst) { 1 } else { PIECE_OCTETS };
            let count = match from.read(&mut room[..limit]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if is_pause(&error) => continue,
                Err(_) => return self.reset(),
            };
            while pump.is_stopped.load(Ordering::SeqCst) && !self.is_over.load(Ordering::SeqCst) {
                let_pass(LOOK_INTERVAL);
            }
            let left = pump.octets_left.load(Ordering::SeqCst);
            if !self.pass(&mut to, &room[..count.min(left)]) {
                return;
            }
            if left != usize::MAX {
                pump.octets_left.store(left.saturating_sub(count), Ordering::SeqCst);
            }
            if left <= count {
                return self.reset();
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Sends all of `octets`. Returns whether the connection goes on.
    fn pass(&self, to: &mut &TcpStream, mut octets: &[u8]) -> bool {
        while !octets.is_empty() && !self.is_over.load(Ordering::SeqCst) {
            match to.write(octets) {
                Ok(count) => octets = &octets[count..],
                Err(error) if is_pause(&error) => {}
                Err(_) => {
                    self.reset();
                    return false;
                }
            }
        }
        octets.is_empty()
    }
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

struct Shared {
    server_port: u16,
    is_over: AtomicBool,
    links: Mutex<Vec<Weak<Link>>>,
}

/// A relay between clients and the two ports of a server on this host. Ends when it is dropped.
pub struct TcpRelay {
    port: u16,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl TcpRelay {
    /// A relay to `server_port` and the port after it.
    #[track_caller]
    pub fn start(server_port: u16) -> TcpRelay {
        let (first, second, port) = listeners();
        let links = Mutex::default();
        let shared = Arc::new(Shared { server_port, is_over: AtomicBool::new(false), links });
        let threads = [(first, Which::First), (second, Which::Second)].map(|(listener, which)| {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(&listener, which))
        });
        TcpRelay { port, shared, threads: threads.into() }
    }

    /// The first of the two ports to which clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Disturbs the connections that are open now. Returns how many there were.
    pub fn disturb(&self, which: Which, disturbance: Disturbance) -> usize {
        let links = self.shared.open();
        let chosen = links.iter().filter(|link| which == Which::Both || which == link.which);
        chosen.map(|link| link.disturb(disturbance)).count()
    }

    /// Ends stalls, deafness and dripping.
    pub fn restore(&self) {
        self.shared.open().iter().for_each(|link| link.restore());
    }
}

impl Drop for TcpRelay {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.open().iter().for_each(|link| link.end());
        for thread in self.threads.drain(..) {
            thread.join().expect("the relay's thread ends well");
        }
    }
}

impl Shared {
    fn open(&self) -> Vec<Arc<Link>> {
        let mut links = self.links.lock().unwrap();
        links.retain(|link| link.strong_count() > 0);
        links.iter().filter_map(Weak::upgrade).collect()
    }

    fn accept(&self, listener: &TcpListener, which: Which) {
        let port = self.server_port + u16::from(which == Which::Second);
        while !self.is_over.load(Ordering::SeqCst) {
            let Ok((client, _)) = listener.accept() else {
                let_pass(LOOK_INTERVAL);
                continue;
            };
            // As in a network whose far end refuses: the client sees an end.
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
            for socket in [&client, &server] {
                socket.set_nonblocking(false).expect("an open socket");
                socket.set_nodelay(true).expect("an open socket");
                socket.set_read_timeout(Some(LOOK_INTERVAL)).expect("an open socket");
                socket.set_write_timeout(Some(LOOK_INTERVAL)).expect("an open socket");
            }
            let any = || Pump { octets_left: AtomicUsize::new(usize::MAX), ..Pump::default() };
            let is_over = AtomicBool::new(false);
            let link = Arc::new(Link { which, client, server, pumps: [any(), any()], is_over });
            self.links.lock().unwrap().push(Arc::downgrade(&link));
            for direction in [Direction::ToServer, Direction::ToClient] {
                let link = link.clone();
                thread::spawn(move || link.run(direction));
            }
        }
    }
}

/// Two listeners at adjacent free ports, which do not block, and the first port.
#[track_caller]
fn listeners() -> (TcpListener, TcpListener, u16) {
    let (first, second, port) = listener_pair();
    for listener in [&first, &second] {
        listener.set_nonblocking(true).expect("an open socket");
    }
    (first, second, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::wait_until;

    /// A client's end, the server's end and the relay between them.
    fn connected() -> (TcpStream, TcpStream, TcpRelay) {
        let (first, second, port) = listeners();
        first.set_nonblocking(false).unwrap();
        let relay = TcpRelay::start(port);
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
        let (server, _) = first.accept().unwrap();
        drop(second);
        // The server's end is there before the relay has noted the connection.
        wait_until("the relay knows the connection", || relay.shared.open().len() == 1);
        (client, server, relay)
    }

    fn taken(mut from: &TcpStream, count: usize) -> Vec<u8> {
        let mut room = vec![0; count];
        from.read_exact(&mut room).unwrap();
        room
    }

    #[test]
    fn octets_pass_in_both_directions() {
        let (mut client, mut server, relay) = connected();
        client.write_all(&[7; 200_000]).unwrap();
        assert_eq!(taken(&server, 200_000), [7; 200_000]);
        server.write_all(&[8; 3]).unwrap();
        assert_eq!(taken(&client, 3), [8; 3]);
        relay.disturb(Which::First, Disturbance::Drip);
        client.write_all(&[9; 10]).unwrap();
        assert_eq!(taken(&server, 10), [9; 10]);
    }

    #[test]
    fn a_stalled_connection_passes_nothing_until_it_is_restored() {
        let (mut client, server, relay) = connected();
        assert_eq!(relay.disturb(Which::Second, Disturbance::Stall), 0, "it has no such one");
        assert_eq!(relay.disturb(Which::Both, Disturbance::Stall), 1);
        server.set_read_timeout(Some(10 * LOOK_INTERVAL)).unwrap();
        client.write_all(&[2]).unwrap();
        assert!(is_pause(&(&server).read(&mut [0]).unwrap_err()));
        relay.restore();
        server.set_read_timeout(None).unwrap();
        assert_eq!(taken(&server, 1), [2]);
    }

    #[test]
    fn ends_are_told_as_they_were_asked_for() {
        let (mut client, server, relay) = connected();
        relay.disturb(Which::First, Disturbance::HalfClose(Direction::ToClient));
        assert_eq!((&client).read(&mut [0]).unwrap(), 0);
        client.write_all(&[5]).unwrap();
        assert_eq!(taken(&server, 1), [5]);
        relay.disturb(Which::First, Disturbance::CutInside(Direction::ToServer, 3));
        client.write_all(&[6; 10]).unwrap();
        assert_eq!(taken(&server, 3), [6; 3]);
        let end = (&server).read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
    }
}
