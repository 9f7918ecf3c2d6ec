//! The relay: takes connections of clients, makes one to the server for each, and passes on what
//! comes. One thread, which waits for nothing but its sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};
use rogue_mem::net::listener::ListenerPair;
use rogue_mem::net::{socket, ByteStream};
use rogue_mem::peer::PeerAddress;

use super::link::{self, Link, News, State, PIECE_OCTETS};
use super::recorder::{End, Ends, Recorder};
use super::server::{port_of, Server};
use crate::failure::{Failure, Kind, Outcome};

/// Wake-ups that are taken from the system at once.
const EVENT_COUNT: usize = 256;
/// Where the system has no descriptor for a connection, nothing tells when it has one again.
const ACCEPT_RETRY: Duration = Duration::from_millis(500);
/// The tokens of the listeners and of the waker; those of links follow, two for each.
const LISTENERS: [Token; 2] = [Token(0), Token(1)];
const WAKER: Token = Token(2);
const FIRST_LINK: usize = 4;

/// A client whose connection to the server is on its way.
#[derive(Debug)]
struct Opening {
    client: ByteStream,
    server: ByteStream,
    ends: Ends,
    /// The number of the server's address that is tried next.
    attempt: usize,
}

/// A client's connection, which has a number, and so have its two tokens.
#[derive(Debug)]
enum Place {
    Opening(Opening),
    Open(Link),
}

/// The relay.
#[derive(Debug)]
pub struct Relay {
    poll: Poll,
    waker: Arc<Waker>,
    listeners: ListenerPair,
    server: Server,
    places: BTreeMap<u64, Place>,
    /// Connections so far.
    count: u64,
    /// Links that may have more to pass on at once.
    busy: BTreeSet<u64>,
    /// Connections wait for a descriptor.
    is_short: bool,
    /// Why each port of the server could not be reached at last; told once.
    unreachable: [Option<String>; 2],
    piece: Vec<u8>,
}

impl Relay {
    /// One between these listeners and a server.
    pub fn new(mut listeners: ListenerPair, server: Server) -> Outcome<Relay> {
        let mut ready = || {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
            let second = listeners.second.as_mut().map(|listener| (listener, LISTENERS[1]));
            for (listener, token) in
                [(&mut listeners.first, LISTENERS[0])].into_iter().chain(second)
            {
                listener.register(poll.registry(), token, Interest::READABLE)?;
            }
            Ok((poll, waker))
        };
        let (poll, waker) = ready().map_err(no_events)?;
        Ok(Relay {
            poll,
            waker,
            listeners,
            server,
            places: BTreeMap::new(),
            count: 0,
            busy: BTreeSet::new(),
            is_short: false,
            unreachable: [None, None],
            piece: vec![0; PIECE_OCTETS],
        })
    }

    /// Wakes it, so that it looks whether it shall end.
    pub fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// Where it listens, with the port that the system has chosen.
    pub fn address(&self) -> String {
        self.listeners.address.to_string()
    }

    /// Passes on what comes, until it is woken and `is_over`.
    pub fn run(&mut self, recorder: &mut Recorder, is_over: &dyn Fn(&Recorder) -> bool) -> Outcome {
        let mut events = Events::with_capacity(EVENT_COUNT);
        while !is_over(recorder) {
            let timeout = match (self.busy.is_empty(), self.is_short) {
                (false, _) => Some(Duration::ZERO),
                (true, true) => Some(ACCEPT_RETRY),
                (true, false) => None,
            };
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(no_events(error)),
            }
            let mut due = std::mem::take(&mut self.busy);
            let mut has_clients = std::mem::take(&mut self.is_short);
            for event in &events {
                match event.token() {
                    WAKER => {}
                    token if LISTENERS.contains(&token) => has_clients = true,
                    Token(token) => {
                        due.insert(((token - FIRST_LINK) / 2) as u64);
                    }
                }
            }
            for number in due {
                self.serve(number, recorder);
            }
            if has_clients {
                self.accept_all(recorder);
            }
        }
        Ok(())
    }

    fn accept_all(&mut self, recorder: &mut Recorder) {
        for is_second in [false, true] {
            loop {
                let listener = match is_second {
                    false => Some(&self.listeners.first),
                    true => self.listeners.second.as_ref(),
                };
                let Some(listener) = listener else { break };
                match listener.accept() {
                    Ok(Some((client, peer))) => self.admit(client, &peer, is_second, recorder),
                    Ok(None) => break,
                    Err(error) => {
                        if !self.is_short {
                            let cause = socket::cause_text(&error);
                            recorder.notice(format!(
                                "a connection waits, and the system has nothing for it: {cause}; \
                                 raise the limit of open files (ulimit -n)"
                            ));
                        }
                        self.is_short = true;
                        break;
                    }
                }
            }
        }
    }

    /// A client has connected.
    fn admit(
        &mut self,
        client: ByteStream,
        peer: &PeerAddress,
        is_second: bool,
        recorder: &mut Recorder,
    ) {
        self.count += 1;
        let addresses = match &client {
            ByteStream::Tcp(stream) => {
                // One without delays is asked for; a connection that is gone already shows later.
                let _ = stream.set_nodelay(true);
                stream.peer_addr().ok().zip(stream.local_addr().ok())
            }
            ByteStream::Unix(_) => None,
        };
        let ends = Ends {
            from: peer.to_string(),
            at: port_of(&self.listeners.address, is_second).to_string(),
            to: self.server.name(is_second),
            host: peer.origin(),
            is_second,
            addresses: addresses.map(|(client, spy)| [client, spy]),
        };
        self.dial(self.count, client, ends, 0, None, recorder);
    }

    /// Starts to connect to the server, at the address of that number or one behind it.
    fn dial(
        &mut self,
        number: u64,
        client: ByteStream,
        ends: Ends,
        first: usize,
        mut failure: Option<io::Error>,
        recorder: &mut Recorder,
    ) {
        let mut attempt = first;
        while let Some(begun) = self.server.connect(ends.is_second, attempt) {
            attempt += 1;
            match begun {
                Ok(server) => {
                    let mut opening = Opening { client, server, ends, attempt };
                    // What cannot be registered is never heard of again: a matter of memory.
                    let streams = [&mut opening.client, &mut opening.server];
                    match self.register(number, streams, first == 0) {
                        Ok(()) => drop(self.places.insert(number, Place::Opening(opening))),
                        Err(error) => {
                            self.give_up(&opening.client, &opening.ends, &error, recorder)
                        }
                    }
                    return;
                }
                Err(error) => failure = Some(error),
            }
        }
        let failure = failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
        self.give_up(&client, &ends, &failure, recorder);
    }

    fn register(&self, number: u64, streams: [&mut ByteStream; 2], is_new: bool) -> io::Result<()> {
        let (registry, both) = (self.poll.registry(), Interest::READABLE | Interest::WRITABLE);
        let [client, server] = streams;
        let first = FIRST_LINK + number as usize * 2;
        if is_new {
            client.register(registry, Token(first), both)?;
        }
        server.register(registry, Token(first + 1), both)
    }

    /// The server is not there: the client sees its connection reset, and may come again.
    fn give_up(
        &mut self,
        client: &ByteStream,
        ends: &Ends,
        error: &io::Error,
        recorder: &mut Recorder,
    ) {
        recorder.unreachable();
        link::reset(client);
        let text = format!("{}: {}", ends.to, self.server.cause(error));
        let told = &mut self.unreachable[usize::from(ends.is_second)];
        if told.as_ref() != Some(&text) {
            recorder.notice(format!("{text}; clients are turned away until it accepts them"));
            *told = Some(text);
        }
    }

    /// Does what there is to do for a connection.
    fn serve(&mut self, number: u64, recorder: &mut Recorder) {
        match self.places.remove(&number) {
            Some(Place::Open(link)) => self.pump(number, link, recorder),
            Some(Place::Opening(opening)) => self.opening(number, opening, recorder),
            // It has ended in the meantime.
            None => {}
        }
    }

    fn opening(&mut self, number: u64, mut opening: Opening, recorder: &mut Recorder) {
        match opening.server.connect_outcome() {
            Ok(true) => {
                self.unreachable[usize::from(opening.ends.is_second)] = None;
                recorder.opened(number, &opening.ends);
                self.pump(number, Link::new(opening.client, opening.server), recorder);
            }
            Ok(false) => drop(self.places.insert(number, Place::Opening(opening))),
            Err(error) => {
                self.deregister(&mut opening.server);
                let Opening { client, ends, attempt, .. } = opening;
                self.dial(number, client, ends, attempt, Some(error), recorder);
            }
        }
    }

    fn pump(&mut self, number: u64, mut link: Link, recorder: &mut Recorder) {
        let mut tell = |news: News<'_>| match news {
            News::Passed(direction, octets) => recorder.passed(number, direction, octets),
            News::Ended(direction) => recorder.ended(number, direction),
        };
        match link.pump(&mut self.piece, &mut tell) {
            Ok(State::Waiting) => drop(self.places.insert(number, Place::Open(link))),
            Ok(State::Busy) => {
                self.busy.insert(number);
                self.places.insert(number, Place::Open(link));
            }
            Ok(State::Over(first)) => {
                self.leave(&mut link);
                recorder.closed(number, End::Closed(first));
            }
            Err(broken) => {
                self.leave(&mut link);
                link.reset();
                let cause = socket::cause_text(&broken.error);
                recorder.closed(number, End::Broken(broken.of, cause));
            }
        }
    }

    fn leave(&self, link: &mut Link) {
        for stream in link.streams() {
            self.deregister(stream);
        }
    }

    fn deregister(&self, stream: &mut ByteStream) {
        // The system forgets it with the descriptor, which is closed next.
        let _ = stream.deregister(self.poll.registry());
    }
}

fn no_events(error: io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("The system refuses to watch connections: {error}"))
}
