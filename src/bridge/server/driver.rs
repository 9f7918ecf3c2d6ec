//! The server's event loop: what comes in is decoded and executed, what is answered goes out.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, TryReserveError};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Interest, Registry, Token};

use super::buffers::{make_room, BufferPool};
use super::connections::{Body, Client, Connection, Connections, Outstanding, Served, Turn};
use super::execute::Pace;
use super::{add, Counters, ServerOptions};
use crate::bridge::pairing::{Action, Pairing, Side};
use crate::bridge::wire::{Received, Wire, READ_OCTETS};
use crate::clock::{self, Time};
use crate::logging::{log_warning, Logger};
use crate::memory::{IdMap, Master, Observer, Transaction, TransactionPool};
use crate::net::event_loop::{self, LoopHandle, Readiness};
use crate::net::socket::{cause_text, ListenerPair};
use crate::net::Spin;
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::{RequestEvent, ServerId};
use crate::proto::zmtp::Event;
use crate::sync::Mutex;

pub(super) const REQUEST_LISTENER: usize = 0;
pub(super) const RESPONSE_LISTENER: usize = 1;
const FIRST_CONNECTION: usize = 2;

/// Buffers read from one connection, and time spent on its requests, before others have their
/// turn.
const READS_PER_TURN_MAX: usize = 4;
const TURN_TIME_MAX: Duration = Duration::from_millis(5);
/// Pieces of a large write's data that count as one of these.
const BODY_READS_MAX: usize = 64;
/// Rounds of answering and going on before others have their turn.
const SETTLES_PER_TURN_MAX: usize = 16;

/// Where ends of transactions are left for the event loop.
pub(super) struct Completions {
    handle: LoopHandle,
    ended: Mutex<Vec<Arc<Transaction>>>,
}

impl Observer for Completions {
    fn completed(&self, tran: &Arc<Transaction>) {
        self.ended.lock().push(tran.clone());
        self.handle.wake();
    }
}

/// What came of decoding some octets of a connection.
enum Decoded {
    /// All of them.
    All,
    /// The peer's READY has come; this many octets were used.
    Ready(usize),
    /// It is not the connection's turn any more; this many octets were used.
    Paused(Turn, usize),
    /// The connection is beyond repair.
    Broken(String),
}

pub(super) struct Driver {
    pub(super) master: Arc<Master>,
    pub(super) counters: Arc<Counters>,
    pub(super) log: Arc<Logger>,
    pub(super) options: ServerOptions,
    pub(super) clients: IdMap<Client, usize>,
    pub(super) connections: Connections,
    /// Transactions that the slave has kept, by their id.
    pub(super) outstanding: IdMap<Outstanding>,
    /// Transactions and buffers to be used again.
    pub(super) transactions: TransactionPool,
    pub(super) buffers: BufferPool,
    pub(super) completions: Arc<Completions>,
    /// When to look whether a transaction is late that the slave has kept; the earliest first.
    /// There may be times of transactions that have ended.
    pub(super) checks: BinaryHeap<Reverse<(Time, u32)>>,
    /// Response connections with something to send.
    pub(super) dirty: Vec<usize>,
    /// Room for those, and for ended transactions, while the next ones gather: empty.
    sending: Vec<usize>,
    ended: Vec<Arc<Transaction>>,
    /// Bytes that have come of writes whose data has not all come yet.
    pub(super) body_bytes: u64,
    /// How long the slave's calls take, and what that means for the answers that wait.
    pub(super) pace: Pace,
    /// When the turn of the connection that is being read ends.
    pub(super) turn_end: Time,
    pub(super) handle: LoopHandle,
    pub(super) listeners: [TcpListener; 2],
    pub(super) announcement: Announcement,
    pub(super) pairing: Pairing,
    pub(super) actions: Vec<Action>,
    /// Connections that belong to no client, by the time when they are closed.
    pub(super) waiting: BTreeSet<(Time, usize)>,
    /// Legacy connections whose process is still to be found out.
    pub(super) unidentified: Vec<usize>,
    /// Connections that were not read to their end in their turn.
    unread: Vec<usize>,
    /// When to accept again.
    pub(super) accept_again: Option<Time>,
    /// The last attempt to accept has failed.
    pub(super) accept_failed: bool,
    pub(super) next_token: usize,
    scratch: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        handle: LoopHandle,
        listeners: ListenerPair,
        (master, counters, log): (Arc<Master>, Arc<Counters>, Arc<Logger>),
        options: ServerOptions,
        server_id: [u8; 16],
    ) -> Driver {
        let completions = Completions { handle: handle.clone(), ended: Mutex::default() };
        let duplex = options.duplex;
        Driver {
            master,
            counters,
            log,
            pairing: Pairing::new(options.settle, clock::now()),
            options,
            clients: IdMap::default(),
            connections: Connections::default(),
            outstanding: IdMap::default(),
            transactions: TransactionPool::default(),
            buffers: BufferPool::default(),
            completions: Arc::new(completions),
            checks: BinaryHeap::new(),
            dirty: Vec::new(),
            sending: Vec::new(),
            ended: Vec::new(),
            body_bytes: 0,
            pace: Pace::default(),
            turn_end: Time::default(),
            handle,
            listeners: [listeners.first, listeners.second],
            announcement: Announcement::server(ServerId(server_id), duplex),
            actions: Vec::new(),
            waiting: BTreeSet::new(),
            unidentified: Vec::new(),
            unread: Vec::new(),
            accept_again: None,
            accept_failed: false,
            next_token: FIRST_CONNECTION,
            scratch: Vec::new(),
        }
    }

    /// Reads a connection until nothing is left, or its turn is over, or it must wait. Answers its
    /// client at the end, so that nobody waits for what others ask next.
    fn read(&mut self, registry: &Registry, token: usize) {
        self.turn_end = clock::now() + TURN_TIME_MAX;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        self.read_into(registry, token, &mut scratch);
        self.scratch = scratch;
        self.answer(registry, token);
    }

    /// Sends what a client has to be told.
    fn answer(&mut self, registry: &Registry, token: usize) {
        let Some(client) = self.clients.get(&token) else { return };
        let response = client.response;
        self.send(registry, response);
        self.pace.answered();
    }

    fn read_into(&mut self, registry: &Registry, token: usize, scratch: &mut [u8]) {
        for _ in 0..READS_PER_TURN_MAX {
            let Some(connection) = self.connections.get_mut(token) else { return };
            if connection.turn != Turn::Reading {
                return;
            }
            // Large data goes straight to where it is wanted.
            let remaining = connection.decoder.data_remaining(&connection.wire.session);
            if remaining > scratch.len() as u64 {
                match self.read_body(token, remaining) {
                    Some(Received::Octets(_)) => continue,
                    Some(Received::Nothing) => return,
                    Some(Received::Closed) => {
                        return self.close(registry, token, "closed by the client");
                    }
                    Some(Received::Failed(error)) => {
                        return self.close(registry, token, &cause_text(&error));
                    }
                    None => {}
                }
            }
            let Some(connection) = self.connections.get_mut(token) else { return };
            match connection.wire.read(scratch) {
                Received::Octets(count) => {
                    let may_have_more = connection.wire.may_have_more(count, scratch.len());
                    add(&self.counters.bytes_in, count as u64);
                    let left = self.feed(registry, token, &scratch[..count]);
                    if let (1.., Some(connection)) = (left, self.connections.get_mut(token)) {
                        connection.leftover = scratch[count - left..count].to_vec();
                        connection.leftover_start = 0;
                    }
                    if !may_have_more {
                        return;
                    }
                }
                Received::Nothing => return,
                Received::Closed => return self.close(registry, token, "closed by the client"),
                Received::Failed(error) => {
                    return self.close(registry, token, &cause_text(&error));
                }
            }
        }
        if self.connections.get(token).is_some_and(|one| one.turn == Turn::Reading) {
            self.read_later(token);
        }
    }

    /// Reads data of a write to where it is collected, but for its last octet, with which the
    /// decoder completes the request. `None` where it is not wanted.
    fn read_body(&mut self, token: usize, remaining: u64) -> Option<Received> {
        let mut connection = self.connections.take_out(token)?;
        let Connection { wire, body, decoder, .. } = &mut *connection;
        let read = body.as_mut().filter(|body| !body.is_refused).map(|body| {
            let (before, limit) = (body.data.len(), remaining - 1);
            let received = read_arriving(wire, body, limit);
            let count = body.data.len() - before;
            if count == 0 {
                return received;
            }
            // What was read before an error, or the end, counts; that shows again.
            decoder.data_received(&mut wire.session, count as u64);
            add(&self.counters.bytes_in, count as u64);
            self.count_body(body, count);
            Received::Octets(count)
        });
        self.connections.put_back(token, connection);
        read
    }

    /// Counts `added` bytes of a write under way. All clients together may have so many on their
    /// way here; the one that goes beyond it loses its own.
    fn count_body(&mut self, body: &mut Body, added: usize) {
        self.body_bytes += added as u64;
        if self.body_bytes > self.held_bytes_max() {
            self.forget_body(body);
            body.is_refused = true;
        }
    }

    /// Drops the data of a write under way.
    pub(super) fn forget_body(&mut self, body: &mut Body) {
        self.body_bytes -= body.data.len() as u64;
        body.data = Vec::new();
    }

    fn body_complete(&mut self, served: &mut Served, mut body: Body) {
        let data = std::mem::take(&mut body.data);
        self.body_bytes -= data.len() as u64;
        match body.is_refused && body.header.size <= self.options.transaction_bytes_max {
            true => self.refuse_for_room(served, &body.header),
            false => self.execute(served, body.header, data),
        }
    }

    /// Has the connection read in the next turn.
    fn read_later(&mut self, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if !std::mem::replace(&mut connection.is_unread, true) {
            self.unread.push(token);
        }
        self.handle.wake();
    }

    /// Decodes octets and acts on them. Returns how many of the last ones were left, because the
    /// connection's turn is over or it must wait.
    fn feed(&mut self, registry: &Registry, token: usize, mut input: &[u8]) -> usize {
        loop {
            // Out of the table meanwhile, so that the rest of the server stays usable.
            let Some(mut connection) = self.connections.take_out(token) else { return 0 };
            let decoded = match connection.side {
                Side::Request => self.decode_request_side(token, &mut connection, input),
                Side::Response => decode_response_side(&mut connection, input),
            };
            connection.wire.queue_control();
            let has_output = connection.wire.has_output();
            if let Decoded::Paused(turn, _) = decoded {
                connection.turn = turn;
            }
            self.connections.put_back(token, connection);
            if has_output {
                self.send(registry, token);
            }
            match decoded {
                Decoded::All => return 0,
                Decoded::Paused(turn, used) => {
                    if turn == Turn::Over {
                        self.read_later(token);
                    }
                    return input.len() - used;
                }
                Decoded::Broken(why) => {
                    log_warning!(self.log, "Closing a connection: {why}");
                    self.close(registry, token, &why);
                    return 0;
                }
                Decoded::Ready(used) => {
                    input = &input[used..];
                    self.announced(registry, token);
                }
            }
        }
    }

    fn decode_request_side(
        &mut self,
        token: usize,
        connection: &mut Connection,
        input: &[u8],
    ) -> Decoded {
        let Some(mut served) = self.serve(token) else {
            return decode_handshake(connection, input);
        };
        let decoded = self.decode_requests(&mut served, connection, input);
        if connection.is_duplex {
            let session = &mut connection.wire.session;
            served.has_answered |= served.response.wire.pass_control(session);
        }
        self.put_back(served);
        decoded
    }

    fn decode_requests(
        &mut self,
        served: &mut Served,
        connection: &mut Connection,
        mut input: &[u8],
    ) -> Decoded {
        let all = input.len();
        // What has been done since the last reading, which may be long ago, is nobody's call.
        self.pace.begin(clock::now());
        loop {
            if !self.may_execute(served) {
                return Decoded::Paused(Turn::Stalled, all - input.len());
            }
            if self.pace.now() >= self.turn_end || self.handle.is_stopping() {
                return Decoded::Paused(Turn::Over, all - input.len());
            }
            let Connection { decoder, wire, .. } = &mut *connection;
            if let Some((used, header, data)) = decoder.receive_whole(&wire.session, input) {
                input = &input[used..];
                if !self.execute_with(served, header, data) {
                    return Decoded::Broken(format!("{}: out of memory", connection.peer));
                }
                continue;
            }
            let received = decoder.receive(&mut wire.session, input);
            let (used, event) = match received {
                Ok(received) => received,
                Err(error) => return Decoded::Broken(format!("{}: {error}", connection.peer)),
            };
            input = &input[used..];
            match event {
                None => return Decoded::All,
                Some(RequestEvent::Complete { header, data }) => {
                    if !self.execute_with(served, header, data) {
                        return Decoded::Broken(format!("{}: out of memory", connection.peer));
                    }
                }
                Some(RequestEvent::Start(header)) => {
                    let is_refused = header.size > self.options.transaction_bytes_max;
                    let data = match is_refused {
                        true => Vec::new(),
                        false => self.buffers.arriving(header.size as usize),
                    };
                    connection.body = Some(Body { header, data, is_refused });
                }
                Some(RequestEvent::Data { bytes, last }) => {
                    if let Err(error) = self.body_data(served, &mut connection.body, bytes, last) {
                        return Decoded::Broken(format!("{}: {error}", connection.peer));
                    }
                }
                Some(RequestEvent::Malformed(malformed)) => {
                    add(&self.counters.malformed, 1);
                    log_warning!(self.log, "{malformed} (from {})", connection.peer);
                    self.refuse_malformed(served, &malformed);
                }
                Some(RequestEvent::Session(Event::PeerReady)) => {
                    return Decoded::Ready(all - input.len());
                }
                Some(RequestEvent::Session(_)) if connection.is_duplex => {
                    let session = &mut connection.wire.session;
                    served.has_answered |= served.response.wire.pass_control(session);
                }
                Some(RequestEvent::Session(_)) => connection.wire.queue_control(),
            }
        }
    }

    /// Takes data of a write under way.
    fn body_data(
        &mut self,
        served: &mut Served,
        coming: &mut Option<Body>,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), TryReserveError> {
        let Some(body) = coming else { return Ok(()) };
        // Data that is going to be refused costs nothing.
        let kept = if body.is_refused { &[] } else { bytes };
        make_room(&mut body.data, body.header.size as usize, kept.len())?;
        body.data.extend_from_slice(kept);
        self.count_body(body, kept.len());
        if last {
            let body = coming.take().expect("looked at just now");
            self.body_complete(served, body);
        }
        Ok(())
    }

    /// Sends what a connection has to send, as far as the socket takes it.
    pub(super) fn send(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let flushed = connection.wire.flush();
        for spent in connection.wire.spent() {
            self.buffers.keep(spent, self.pace.now());
        }
        if let Err(error) = flushed {
            self.close(registry, token, &cause_text(&error));
        } else if connection.wire.owes_control() {
            if let Some(request) = self.pairing.twin(token) {
                self.pass_control(registry, request, token);
            }
        }
    }

    /// A connection takes octets again. Said with every event, so mostly there is nothing to send;
    /// who waits for room may find that others have sent meanwhile.
    fn writable(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get(token) else { return };
        let (is_duplex, is_full) = (connection.is_duplex, connection.wire.is_full());
        if is_full {
            self.send(registry, token);
        }
        let Some(twin) = self.pairing.twin(token) else { return };
        if !is_duplex {
            return self.resume(registry, twin);
        }
        if self.connections.get(twin).is_some_and(|twin| twin.wire.is_full()) {
            self.send(registry, twin);
        }
        self.resume(registry, token);
    }

    /// Sends what there was no room for, of what the session of a request connection has to say,
    /// behind the responses that go out on it.
    fn pass_control(&mut self, registry: &Registry, request: usize, response: usize) {
        let Some(mut connection) = self.connections.take_out(request) else { return };
        let session = &mut connection.wire.session;
        let place = self.connections.get_mut(response);
        let was_passed = place.is_some_and(|response| response.wire.pass_control(session));
        self.connections.put_back(request, connection);
        if was_passed {
            self.send(registry, response);
        }
    }

    /// Takes up a connection again that had to wait for its client's transactions.
    fn resume(&mut self, registry: &Registry, token: usize) {
        match self.connections.get(token).map(|connection| connection.turn) {
            Some(Turn::Stalled) if self.may_go_on(token) => self.go_on(registry, token),
            _ => {}
        }
    }

    /// Decodes what is left of a connection, and then reads it.
    fn go_on(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.turn = Turn::Reading;
        let leftover = std::mem::take(&mut connection.leftover);
        let start = std::mem::take(&mut connection.leftover_start);
        self.turn_end = clock::now() + TURN_TIME_MAX;
        let left = self.feed(registry, token, &leftover[start..]);
        if left == 0 {
            return self.read(registry, token);
        }
        if let Some(connection) = self.connections.get_mut(token) {
            connection.leftover_start = leftover.len() - left;
            connection.leftover = leftover;
        }
        self.answer(registry, token);
    }

    /// Answers what the slave had kept and has completed; returns whether there was anything.
    fn take_ended(&mut self) -> bool {
        let mut coming = self.completions.ended.lock();
        if coming.is_empty() {
            return false;
        }
        let mut ended = std::mem::take(&mut self.ended);
        std::mem::swap(&mut *coming, &mut ended);
        drop(coming);
        self.answer_ended(&mut ended);
        self.ended = ended;
        true
    }

    /// Answers what has ended, sends, and takes up the clients that thereby may go on.
    fn settle(&mut self, registry: &Registry) {
        for _ in 0..SETTLES_PER_TURN_MAX {
            let had_ended = self.take_ended();
            self.pace.answered();
            if self.dirty.is_empty() && !had_ended {
                return;
            }
            let mut dirty = std::mem::take(&mut self.sending);
            std::mem::swap(&mut self.dirty, &mut dirty);
            for &response in &dirty {
                self.send(registry, response);
            }
            for response in dirty.drain(..) {
                if let Some(request) = self.pairing.twin(response) {
                    self.resume(registry, request);
                }
            }
            self.sending = dirty;
        }
        // More keeps coming: let listeners and other clients have their turn.
        self.handle.wake();
    }
}

/// Reads data of a write, at most `limit` octets, until there is nothing for now. A writer is often
/// still at it: to ask again at once is cheaper than to sleep after each piece.
fn read_arriving(wire: &Wire, body: &mut Body, limit: u64) -> Received {
    let end = body.data.len() + usize::try_from(limit).unwrap_or(usize::MAX);
    let mut received = Received::Nothing;
    for _ in 0..BODY_READS_MAX {
        if body.data.len() == end {
            break;
        }
        if let Err(error) = make_room(&mut body.data, body.header.size as usize, 0) {
            return Received::Failed(io::Error::new(io::ErrorKind::OutOfMemory, error));
        }
        let room = (body.data.capacity() - body.data.len()).min(end - body.data.len());
        received = wire.read_behind(&mut body.data, room);
        if !matches!(received, Received::Octets(_)) {
            break;
        }
    }
    received
}

/// A connection that is no client's yet sends nothing but greeting, READY, PING and PONG: its
/// session takes everything else for a violation, because our READY has not gone out.
fn decode_handshake(connection: &mut Connection, mut input: &[u8]) -> Decoded {
    let all = input.len();
    loop {
        match connection.decoder.receive(&mut connection.wire.session, input) {
            Ok((_, None)) => return Decoded::All,
            Ok((used, Some(event))) => {
                input = &input[used..];
                if event == RequestEvent::Session(Event::PeerReady) {
                    return Decoded::Ready(all - input.len());
                }
                connection.wire.queue_control();
            }
            Err(error) => return Decoded::Broken(format!("{}: {error}", connection.peer)),
        }
    }
}

/// The client sends nothing on the response connection but greeting, READY, PING and PONG.
fn decode_response_side(connection: &mut Connection, mut input: &[u8]) -> Decoded {
    let all = input.len();
    loop {
        match connection.wire.session.receive(input) {
            Ok((_, None)) => return Decoded::All,
            Ok((used, Some(event))) => {
                input = &input[used..];
                if event == Event::PeerReady {
                    return Decoded::Ready(all - input.len());
                }
                connection.wire.queue_control();
            }
            Err(error) => return Decoded::Broken(format!("{}: {error}", connection.peer)),
        }
    }
}

impl event_loop::Driver for Driver {
    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        for (token, listener) in self.listeners.iter_mut().enumerate() {
            registry.register(listener, Token(token), Interest::READABLE)?;
        }
        Ok(())
    }

    fn ready(&mut self, registry: &Registry, Token(token): Token, readiness: Readiness) {
        if token == REQUEST_LISTENER || token == RESPONSE_LISTENER {
            return self.accept(registry, token);
        }
        if readiness.read_closed || readiness.error {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.wire.is_read_closed = true;
            }
        }
        if readiness.writable {
            self.writable(registry, token);
        }
        if readiness.readable || readiness.read_closed || readiness.error {
            self.read(registry, token);
        }
    }

    fn woken(&mut self, registry: &Registry) {
        for token in std::mem::take(&mut self.unread) {
            let Some(connection) = self.connections.get_mut(token) else { continue };
            connection.is_unread = false;
            match connection.turn {
                Turn::Reading => self.read(registry, token),
                Turn::Over => self.go_on(registry, token),
                Turn::Stalled => {}
            }
        }
    }

    fn timeout(&mut self, registry: &Registry, now: Time) {
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.timeout(now, &mut actions);
        self.act(registry, actions);
        if self.accept_again.is_some_and(|again| now >= again) {
            self.accept_again = None;
            self.accept(registry, REQUEST_LISTENER);
            self.accept(registry, RESPONSE_LISTENER);
        }
        self.close_late(registry, now);
        self.check_deadlines(now);
        self.buffers.give_back(now);
    }

    fn deadline(&self) -> Option<Time> {
        let late = self.waiting.first().map(|&(until, _)| until);
        let check = self.checks.peek().map(|&Reverse((time, _))| time);
        let unused = self.buffers.deadline();
        let times = [check, self.pairing.deadline(), late, self.accept_again, unused];
        times.into_iter().flatten().min()
    }

    fn spin(&self) -> Spin {
        self.options.spin
    }

    fn flush(&mut self, registry: &Registry) {
        self.identify(registry);
        self.settle(registry);
    }

    fn stopped(&mut self, _registry: &Registry) {
        // What has been done already is still answered, as far as the sockets take it.
        self.take_ended();
        for response in std::mem::take(&mut self.dirty) {
            if let Some(connection) = self.connections.get_mut(response) {
                let _ = connection.wire.flush();
            }
        }
        self.connections.clear();
        self.clients.clear();
        self.counters.clients.store(0, Ordering::Relaxed);
        self.counters.held.store(0, Ordering::Relaxed);
        for (_, outstanding) in self.outstanding.drain() {
            outstanding.tran.give_up("The server that requested the transaction was stopped");
            outstanding.tran.collect();
        }
    }
}
