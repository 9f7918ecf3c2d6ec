//! What the threads of a client share: requests on their way, and the state of the connection.
//!
//! Locks: the state's lock may be taken while the data lock or the state lock of a transaction is
//! held, never the other way round: nothing here completes, locks, waits for or drops a
//! transaction while it holds its own, and nothing is logged meanwhile: a sink is user code.

use std::collections::{hash_map, HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mio::net::TcpStream;
use mio::Registry;

use super::direct::{Direct, Reader};
use super::half::Failure;
use super::large::{Progress, LARGE_OCTETS_MIN};
use super::pipe::{header_of, Batch, Item, Pipe};
use super::receiver::{Receiver, Response, RESPONSES_TOGETHER_MAX};
use super::{ClientOptions, ClientState, ClientStats};
use crate::bridge::wire::Outgoing;
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_info, log_warning, Level, Logger};
use crate::memory::{is_write, Activity, Holder, IdMap, Transaction, POST};
use crate::net::event_loop::LoopHandle;
use crate::net::socket::cause_text;
use crate::proto::bridge::{evaluate_result, Header, PeerInfo, SessionId};
use crate::proto::zmtp::Session;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Requests on their way at once: towards peers whose queues are libzmq's, and towards others.
const LEGACY_WINDOW: usize = 400;
const WINDOW: usize = 8192;
/// Batches that a thread sends before it leaves the rest to the event loop: a caller is not kept
/// busy with the requests of others, nor the event loop from reading.
const BATCHES_PER_TURN_MAX: usize = 16;
/// PONGs that wait to be sent; a server that sends PINGs and does not read loses those beyond.
const CONTROLS_WAITING_MAX: usize = 64;
/// Probes of one `wait_ready` call whose answers are recognised, the latest ones.
const PROBES_AWAITED_MAX: usize = 256;
/// Shortest time between two probes.
const PROBE_PERIOD_MIN: Duration = Duration::from_millis(1);
const NO_ATTEMPT: &str = "no attempt has been completed yet";
/// Requests on their way up to which a further one is sent at once, by the requester's thread.
const SENT_AT_ONCE_MAX: usize = 4;
/// Requests that are put off to be sent together.
const PUT_OFF_MAX: usize = 256;
const WAIT_READY: &str = "memory::TcpClient::waitReady";

/// The payload of a response.
pub(super) enum Payload<'a> {
    /// These octets.
    Here(&'a [u8]),
    /// It is where it belongs, in the whole buffer of this transaction.
    Placed(&'a Arc<Transaction>),
    /// So many octets that nobody [wanted](Shared::payload_wanted), or wanted any more.
    Dropped(u64),
}

impl Payload<'_> {
    fn octets(&self) -> u64 {
        match self {
            Payload::Here(octets) => octets.len() as u64,
            Payload::Placed(tran) => tran.size().into(),
            Payload::Dropped(octets) => *octets,
        }
    }
}

/// A request that has been made and not answered. A posted write ends when it has been sent.
struct Entry {
    tran: Arc<Transaction>,
    /// It has been given to a connection.
    sent: bool,
}

pub(super) struct State {
    pub(super) phase: ClientState,
    /// Why there is no connection.
    obstacle: String,
    /// How the last attempt failed, or the last connection was lost.
    failure: Option<String>,
    /// What the server announced.
    peer: PeerInfo,
    /// What goes ahead of all requests: PONGs and probes.
    urgent: VecDeque<Item>,
    /// Requests not sent yet, by their ids on the wire, in order. Those that are no longer in the
    /// table, or have been sent, have been given up.
    pub(super) queue: VecDeque<u32>,
    /// By the id on the wire: what has been sent and what is in the queue.
    table: IdMap<Entry>,
    /// Entries of the table that have been sent.
    pub(super) in_flight: usize,
    window: usize,
    /// `None` without a connection, and while a thread encodes and sends.
    pipe: Option<Pipe>,
    /// The latest large write that was given to a connection, by its id on the wire.
    large: Option<(u32, Arc<Progress>)>,
    /// The event loop has been asked to send what is queued.
    is_loop_told: bool,
    /// Who reads the responses.
    pub(super) direct: Direct,
    /// Transactions whose end somebody is told of; less than none for a moment where the end is
    /// quicker than the news of them.
    pub(super) told_count: isize,
    /// Counts connections: a thread that returns a pipe of an earlier one drops it instead.
    pub(super) generation: u64,
    /// Counts the times the socket was said to be writable.
    writable_count: u64,
    /// The connection broke while a thread was sending or reading.
    pub(super) broken: Option<Failure>,
    activity: Activity,
    timeout_max: Duration,
    /// Probes that somebody in `wait_ready` has sent, and whether they have been answered.
    probes: HashMap<u32, bool>,
    next_probe: u32,
    stats: ClientStats,
}

/// The part of a client that its event loop, its users and its transactions share.
pub(super) struct Shared {
    /// `address:port` of the server.
    pub(super) name: String,
    pub(super) log: Logger,
    pub(super) options: ClientOptions,
    /// Added to transaction ids on the wire, so that answers to a predecessor find nothing.
    id_base: u32,
    pub(super) state: Mutex<State>,
    changed: Condvar,
    octets_in: AtomicU64,
    handle: OnceLock<LoopHandle>,
    /// The sockets that the event loop watches.
    pub(super) registry: OnceLock<Registry>,
    /// Whoever reads for itself, and how to wake it.
    pub(super) reader: Reader,
}

impl Shared {
    pub(super) fn new(
        address: &str,
        port: u16,
        options: ClientOptions,
        session: &SessionId,
    ) -> Shared {
        let [a, b, c, d, ..] = session.0;
        let state = State {
            phase: ClientState::Connecting,
            obstacle: NO_ATTEMPT.to_owned(),
            failure: None,
            peer: PeerInfo::default(),
            urgent: VecDeque::new(),
            queue: VecDeque::new(),
            table: IdMap::default(),
            in_flight: 0,
            window: LEGACY_WINDOW,
            pipe: None,
            large: None,
            is_loop_told: false,
            direct: Direct::default(),
            told_count: 0,
            generation: 0,
            writable_count: 0,
            broken: None,
            activity: Activity::default(),
            timeout_max: Duration::ZERO,
            probes: HashMap::new(),
            next_probe: 0,
            stats: ClientStats::default(),
        };
        Shared {
            name: format!("{address}:{port}"),
            log: Logger::new(&format!("memory.TcpClient.{address}.{port}")),
            options,
            id_base: u32::from_le_bytes([a, b, c, d]),
            state: Mutex::new(state),
            changed: Condvar::new(),
            octets_in: AtomicU64::new(0),
            handle: OnceLock::new(),
            registry: OnceLock::new(),
            reader: Reader::default(),
        }
    }

    pub(super) fn set_registry(&self, registry: Registry) {
        let _ = self.registry.set(registry);
    }

    pub(super) fn set_handle(&self, handle: LoopHandle) {
        let _ = self.handle.set(handle);
    }

    #[inline]
    fn wire_id(&self, tran: &Transaction) -> u32 {
        self.id_base.wrapping_add(tran.id())
    }

    // ------------------------------------------------------------------ requests

    /// Takes a transaction to be carried out by the server.
    pub(super) fn submit(self: &Arc<Self>, tran: &Arc<Transaction>) {
        if tran.size() > self.options.transaction_bytes_max {
            return tran.error(format!(
                "Transaction of {} bytes exceeds the {} bytes allowed towards {}",
                tran.size(),
                self.options.transaction_bytes_max,
                self.name
            ));
        }
        let wire_id = self.wire_id(tran);
        if !tran.set_holder(self.clone()) {
            return;
        }
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            drop(state);
            return tran.error(self.stopped_text());
        }
        if state.table.contains_key(&wire_id) {
            drop(state);
            return tran.error(format!("Transaction {} is already on its way", tran.id()));
        }
        // Given up meanwhile: whoever did so has found nothing here to remove.
        if tran.expired() {
            return;
        }
        state.timeout_max = state.timeout_max.max(tran.timeout());
        state.table.insert(wire_id, Entry { tran: tran.clone(), sent: false });
        state.queue.push_back(wire_id);
        if state.queue.len() >= PUT_OFF_MAX {
            return self.pump(state);
        }
        // Nobody need ever wait for a posted write.
        let will_be_waited_for = tran.ty() != POST && state.direct.note_request(tran.start());
        if state.in_flight < SENT_AT_ONCE_MAX && !will_be_waited_for {
            return self.pump(state);
        }
        if state.in_flight >= state.window || will_be_waited_for {
            return;
        }
        // Others are on their way, so this one can wait for company: until the requester waits
        // for an answer (`urge`), or the event loop comes to it.
        let is_news = state.tell_loop();
        drop(state);
        if is_news {
            self.wake();
        }
    }

    /// Sends what the request connection's session has to say ahead of what waits.
    pub(super) fn send_output(&self, session: &mut Session) {
        if session.output_len() == 0 {
            return;
        }
        let mut octets = Vec::new();
        session.take_output(&mut octets);
        let mut state = self.state.lock();
        if state.urgent.len() < CONTROLS_WAITING_MAX {
            state.urgent.push_back(Item::Control(octets));
        }
        self.pump(state);
    }

    /// The request connection takes octets again.
    pub(super) fn writable(&self) {
        let mut state = self.state.lock();
        state.writable_count += 1;
        if let Some(pipe) = &mut state.pipe {
            pipe.blocked = false;
        }
        self.pump(state);
    }

    /// Encodes and sends what waits, unless another thread does so already or nothing can be
    /// sent. Runs on whatever thread has brought something.
    pub(super) fn pump<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        let Some(mut pipe) = state.take_free_pipe() else { return };
        let generation = state.generation;
        let mut batch = Batch::default();
        let is_logging = self.log.enabled(Level::DEBUG);
        for _ in 0..BATCHES_PER_TURN_MAX {
            if pipe.has_room() {
                state.fill_batch(&mut batch, &mut pipe, is_logging);
            }
            if batch.items.is_empty() && pipe.is_flushed() {
                return put_back(state, pipe, batch);
            }
            let writable_count = state.writable_count;
            drop(state);
            self.log_batch(&batch);
            batch.encode(&mut pipe);
            let outcome = pipe.flush();
            self.complete_posts(&mut pipe, generation);
            state = self.state.lock();
            if state.generation != generation {
                return self.discard(state, pipe, None);
            }
            match outcome {
                Ok(false) if state.writable_count == writable_count => {
                    pipe.blocked = true;
                    self.watch_for_room(&mut state);
                    return put_back(state, pipe, batch);
                }
                // Sent, or writable again meanwhile, which will not be said twice.
                Ok(_) => {}
                Err(error) => return self.discard(state, pipe, Some(error)),
            }
        }
        put_back(state, pipe, batch);
        self.wake();
    }

    /// Drops the pipe of a connection that is lost, or has broken with `error` under this thread:
    /// then the event loop takes it down.
    fn discard(&self, mut state: MutexGuard<'_, State>, pipe: Pipe, error: Option<io::Error>) {
        state.stats.bytes_out += pipe.sent_total();
        let is_news = error.is_some();
        if let Some(error) = error {
            state.broken = Some(cause_text(&error).into());
        }
        drop(state);
        drop(pipe);
        if is_news {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    fn log_batch(&self, batch: &Batch) {
        for item in &batch.items {
            let (Item::Request(wire_id, tran) | Item::Large(wire_id, tran, _)) = item else {
                continue;
            };
            log_debug!(
                self.log,
                "Forwarding transaction id={wire_id}, addr=0x{:x}, size={}, type={}",
                tran.address(),
                tran.size(),
                tran.ty()
            );
        }
    }

    /// What broke the connection, if a thread other than the event loop has met it.
    pub(super) fn take_broken(&self) -> Option<Failure> {
        self.state.lock().broken.take()
    }

    /// Completes the posted writes that the system has taken.
    fn complete_posts(&self, pipe: &mut Pipe, generation: u64) {
        while let Some((wire_id, tran)) = pipe.next_sent_post() {
            let mut state = self.state.lock();
            if state.generation != generation {
                return;
            }
            let entry = state.remove_if(wire_id, &tran);
            drop(state);
            drop(entry);
            tran.done();
        }
    }

    // ------------------------------------------------------------------ responses

    /// Who waits for a payload of so many octets with this header: nothing is kept of what nobody
    /// has asked for.
    pub(super) fn payload_wanted(&self, header: &Header, octets: u64) -> Option<Arc<Transaction>> {
        let state = self.state.lock();
        let Some(Entry { tran, sent: true }) = state.table.get(&header.id) else { return None };
        let is_wanted = *header == header_of(header.id, tran)
            && !is_write(tran.ty())
            && octets == u64::from(tran.size());
        is_wanted.then(|| tran.clone())
    }

    /// Takes responses off the wire that came whole, at `now`.
    pub(super) fn deliver_all(&self, responses: &[Response<'_>], now: Time) {
        if responses.is_empty() {
            return;
        }
        let mut answered: [Option<Arc<Transaction>>; RESPONSES_TOGETHER_MAX] = Default::default();
        let mut earliest: Option<Time> = None;
        let mut state = self.state.lock();
        state.stats.responses += responses.len() as u64;
        for (Response { header, result, .. }, place) in responses.iter().zip(&mut answered) {
            if header.is_probe() {
                self.note_probe(&mut state, header, result);
                continue;
            }
            *place = state.take_answered(header.id);
            match place {
                Some(tran) => {
                    earliest = Some(earliest.map_or(tran.start(), |time| time.min(tran.start())));
                }
                None => state.stats.dropped_responses += u64::from(header.ty != POST),
            }
        }
        state.note_answer(earliest, now);
        drop(state);
        for (Response { header, payload, result }, tran) in responses.iter().zip(answered) {
            match tran {
                Some(tran) => self.complete(&tran, header, Payload::Here(payload), result),
                None if header.is_probe() => {}
                None => self.log_unknown(header, result),
            }
        }
    }

    fn note_probe(&self, state: &mut State, header: &Header, result: &[u8]) {
        if let Some(is_answered) = state.probes.get_mut(&header.id) {
            if evaluate_result(result).is_ok() {
                *is_answered = true;
                self.changed.notify_all();
            }
        }
    }

    /// Takes a response off the wire that came at `now`.
    pub(super) fn deliver(&self, header: &Header, payload: Payload<'_>, result: &[u8], now: Time) {
        let mut state = self.state.lock();
        state.stats.responses += 1;
        if header.is_probe() {
            return self.note_probe(&mut state, header, result);
        }
        let tran = state.take_answered(header.id);
        state.note_answer(tran.iter().map(|tran| tran.start()).min(), now);
        if tran.is_none() && header.ty != POST {
            state.stats.dropped_responses += 1;
        }
        drop(state);
        match tran {
            Some(tran) => self.complete(&tran, header, payload, result),
            None => self.log_unknown(header, result),
        }
    }

    /// Posted writes have ended when they were sent; all that is left to do is to tell of failure.
    fn log_unknown(&self, header: &Header, result: &[u8]) {
        if header.ty != POST {
            log_warning!(self.log, "Failed to find transaction id={}", header.id);
        } else if let Err(text) = evaluate_result(result) {
            log_warning!(self.log, "Posted write at 0x{:x} failed: {text}", header.address);
        }
    }

    fn complete(
        &self,
        tran: &Arc<Transaction>,
        header: &Header,
        payload: Payload<'_>,
        result: &[u8],
    ) {
        if is_write(tran.ty()) && tran.size() as usize >= LARGE_OCTETS_MIN {
            self.finish_sending(header.id, tran);
        }
        let is_elsewhere = matches!(payload, Payload::Placed(place) if !Arc::ptr_eq(place, tran));
        if *header != header_of(header.id, tran) || is_elsewhere {
            return tran.error("Transaction data mismatch in TcpClient");
        }
        if let Err(text) = evaluate_result(result) {
            log_debug!(self.log, "Transaction id={} failed: {text}", header.id);
            return tran.error(text);
        }
        if is_write(tran.ty()) {
            return tran.done();
        }
        if payload.octets() != u64::from(tran.size()) {
            return tran.error("Received transaction response did not match header size");
        }
        let is_there = match payload {
            Payload::Placed(_) => true,
            Payload::Dropped(_) => false,
            Payload::Here(payload) => match tran.data() {
                Some(mut data) if data.len() == payload.len() => {
                    data.copy_from_slice(payload);
                    true
                }
                _ => false,
            },
        };
        if !is_there {
            self.state.lock().stats.dropped_responses += 1;
            return log_warning!(
                self.log,
                "Dropping late response for expired transaction. Id={}",
                header.id
            );
        }
        tran.done();
    }

    /// A large write has been answered, maybe before the last of it was sent, which has to follow
    /// all the same.
    fn finish_sending(&self, wire_id: u32, tran: &Transaction) {
        let progress = self.state.lock().large_with(wire_id);
        if let (Some(progress), Some(data)) = (progress, tran.data()) {
            progress.keep_rest_of(&data);
        }
    }

    /// Sends what has found no room so far; after responses have made some.
    pub(super) fn pump_queue(&self) {
        self.pump(self.state.lock());
    }

    // ------------------------------------------------------------------ the connection

    /// The TCP connections stand; the server has not accepted the client yet.
    pub(super) fn handshaking(&self) {
        let mut state = self.state.lock();
        if state.phase != ClientState::Stopped {
            state.phase = ClientState::Handshake;
            let mut text = "connected, but the server has not completed the handshake".to_owned();
            if let Some(failure) = &state.failure {
                text = format!("{text} (the attempt before failed: {failure})");
            }
            state.obstacle = text;
        }
    }

    /// The server has accepted the client: requests go out on `stream` from here on, behind what
    /// is `left` of the handshake, and their responses come by `receiver`.
    pub(super) fn connected(
        &self,
        stream: Arc<TcpStream>,
        left: Outgoing,
        receiver: Receiver,
        peer: PeerInfo,
    ) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        state.direct = Direct::new(receiver);
        self.reader.reset();
        state.generation += 1;
        state.phase = ClientState::Connected;
        state.obstacle.clear();
        state.failure = None;
        let window = if peer.bridge_level.is_some() { WINDOW } else { LEGACY_WINDOW };
        state.window = self.options.window.unwrap_or(window).max(1);
        state.peer = peer;
        state.broken = None;
        state.stats.connects += 1;
        state.pipe = Some(Pipe::new(stream, left));
        self.changed.notify_all();
        self.pump(state);
        log_info!(self.log, "Connected to {}", self.name);
    }

    /// The host name is being looked up; said where nothing better is known yet.
    pub(super) fn resolving(&self) {
        let mut state = self.state.lock();
        if state.stats.connects == 0 && state.obstacle == NO_ATTEMPT {
            state.obstacle = "the host name is being looked up".to_owned();
        }
    }

    /// There is no connection (any more), because of `obstacle`. Fails what was on its way.
    pub(super) fn disconnected(&self, obstacle: String) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        let was_connected = state.phase == ClientState::Connected;
        state.phase = ClientState::Connecting;
        let (lost, ends) = state.drop_connection();
        let text = format!(
            "The connection to {} was lost ({obstacle}) while the request was on its way: whether \
             it was carried out is not known",
            self.name
        );
        if was_connected {
            state.stats.disconnects += 1;
        }
        let log_line = was_connected.then(|| format!("Lost {}: {obstacle}", self.name));
        state.failure = Some(obstacle.clone());
        state.obstacle = obstacle;
        self.changed.notify_all();
        drop(state);
        drop(ends);
        if let Some(line) = log_line {
            log_warning!(self.log, "{line}");
        }
        for tran in lost {
            tran.error(text.as_str());
        }
    }

    /// Stops for good: fails everything.
    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        state.phase = ClientState::Stopped;
        let (mut failed, ends) = state.drop_connection();
        failed.extend(state.table.drain().map(|(_, entry)| entry.tran));
        state.queue.clear();
        self.changed.notify_all();
        drop(state);
        drop(ends);
        log_debug!(self.log, "Stopped client of {}", self.name);
        for tran in failed {
            tran.error(self.stopped_text());
        }
    }

    fn stopped_text(&self) -> String {
        format!("The TcpClient of {} has been stopped", self.name)
    }

    // ------------------------------------------------------------------ readiness

    pub(super) fn wait_ready(&self, timeout: Duration, period: Duration) -> Result<()> {
        let limit = clock::now() + timeout;
        let mut own_probes = VecDeque::new();
        let outcome = self.ask_until(limit, period, &mut own_probes);
        let mut state = self.state.lock();
        for id in &own_probes {
            state.probes.remove(id);
        }
        drop(state);
        if let Err(error) = &outcome {
            log_warning!(self.log, "{}", error.text());
        }
        outcome
    }

    fn ask_until(&self, limit: Time, period: Duration, own: &mut VecDeque<u32>) -> Result<()> {
        let mut state = self.state.lock();
        let mut next_ask = Time::default();
        let mut asked_in = 0;
        loop {
            if state.phase == ClientState::Stopped {
                return Err(Error::new(Status::Stopped, WAIT_READY, self.stopped_text()));
            }
            let now = clock::now();
            if now >= limit {
                let text = format!(
                    "Timed out waiting for bridge readiness on port tcp://{}: {}",
                    self.name,
                    state.obstacle_text()
                );
                return Err(Error::new(Status::Timeout, WAIT_READY, text));
            }
            let mut until = limit;
            if state.phase == ClientState::Connected {
                if !state.peer.answers_probes() && !self.options.probe_legacy {
                    return Ok(());
                }
                if own.iter().any(|id| state.probes.get(id) == Some(&true)) {
                    return Ok(());
                }
                if asked_in != state.generation || now >= next_ask {
                    asked_in = state.generation;
                    next_ask = now + period.max(PROBE_PERIOD_MIN);
                    state.queue_probe(own);
                    self.pump(state);
                    state = self.state.lock();
                    continue;
                }
                until = limit.min(next_ask);
            }
            match clock::instant(until) {
                Some(instant) => drop(self.changed.wait_until(&mut state, instant)),
                None => self.changed.wait(&mut state),
            }
        }
    }

    pub(super) fn state_now(&self) -> ClientState {
        self.state.lock().phase
    }

    pub(super) fn state_text(&self) -> String {
        let state = self.state.lock();
        match state.phase {
            ClientState::Connected => format!("connected to {}", self.name),
            ClientState::Stopped => self.stopped_text(),
            _ => format!("not connected to {}: {}", self.name, state.obstacle),
        }
    }

    pub(super) fn count_received(&self, octets: usize) {
        self.octets_in.fetch_add(octets as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ClientStats {
        let state = self.state.lock();
        let mut stats = state.stats;
        stats.bytes_in = self.octets_in.load(Ordering::Relaxed);
        stats.outstanding = state.table.len() as u64;
        stats.queued = state.queued_count() as u64;
        stats.bytes_out += state.pipe.as_ref().map_or(0, Pipe::sent_total);
        stats
    }
}

/// Gives the pipe back for the next thread that has something to send.
fn put_back(mut state: MutexGuard<'_, State>, pipe: Pipe, batch: Batch) {
    // Who asks from here on asks anew: this thread is done.
    state.is_loop_told = false;
    state.pipe = Some(pipe);
    drop(state);
    // Not before: what it holds may run foreign code when it is dropped.
    drop(batch);
}

impl State {
    fn take_free_pipe(&mut self) -> Option<Pipe> {
        self.pipe.take_if(|pipe| !pipe.blocked)
    }

    /// Notes that the event loop is to send what is queued; returns whether it has to be told.
    pub(super) fn tell_loop(&mut self) -> bool {
        !std::mem::replace(&mut self.is_loop_told, true)
    }

    /// The request connection takes nothing for now.
    pub(super) fn is_blocked(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| pipe.blocked)
    }

    /// Whether something waits that could be sent now, because it was put off.
    pub(super) fn has_put_off(&self) -> bool {
        !self.queue.is_empty() && self.in_flight < self.window && !self.is_blocked()
    }

    /// Requests in the queue that somebody waits for.
    fn queued_count(&self) -> usize {
        self.table.len() - self.in_flight
    }

    /// Moves what may be sent now from the queues into `batch`, or encodes it at once.
    fn fill_batch(&mut self, batch: &mut Batch, pipe: &mut Pipe, is_logging: bool) {
        while !batch.is_full() {
            if let Some(item) = self.urgent.pop_front() {
                self.stats.requests += u64::from(matches!(item, Item::Probe(_)));
                batch.push(item);
                continue;
            }
            let Some(&wire_id) = self.queue.front() else { return };
            match self.table.get_mut(&wire_id).filter(|entry| !entry.sent) {
                Some(entry) if entry.tran.expired() => {
                    batch.given_up.extend(self.table.remove(&wire_id).map(|entry| entry.tran));
                }
                Some(_) if self.in_flight >= self.window => return,
                Some(entry) => {
                    entry.sent = true;
                    self.in_flight += 1;
                    self.stats.requests += 1;
                    // A read needs nothing of its transaction that another thread may take away,
                    // so it is encoded here, unless it has to wait for a write before it.
                    let tran = &entry.tran;
                    if is_write(tran.ty()) && tran.size() as usize >= LARGE_OCTETS_MIN {
                        let progress = Arc::<Progress>::default();
                        self.large = Some((wire_id, progress.clone()));
                        batch.push(Item::Large(wire_id, tran.clone(), progress));
                    } else if is_write(tran.ty()) || !batch.items.is_empty() || is_logging {
                        batch.push(Item::Request(wire_id, tran.clone()));
                    } else {
                        batch.octets += pipe.encode_read(wire_id, tran);
                    }
                }
                None => {}
            }
            self.queue.pop_front();
        }
    }

    /// How far the write with this id on the wire is, if it is large and perhaps still being sent.
    fn large_with(&self, wire_id: u32) -> Option<Arc<Progress>> {
        let (_, progress) = self.large.as_ref().filter(|(id, _)| *id == wire_id)?;
        Some(progress.clone())
    }

    /// Removes the entry of this very transaction.
    fn remove_if(&mut self, wire_id: u32, tran: &Transaction) -> Option<Entry> {
        let known = self.table.get(&wire_id)?;
        if !std::ptr::eq(&*known.tran, tran) {
            return None;
        }
        let entry = self.table.remove(&wire_id)?;
        self.in_flight -= usize::from(entry.sent);
        Some(entry)
    }

    /// Removes the entry that a response is for.
    fn take_answered(&mut self, wire_id: u32) -> Option<Arc<Transaction>> {
        let hash_map::Entry::Occupied(place) = self.table.entry(wire_id) else { return None };
        // An answer to something that has not been sent is somebody else's.
        if !place.get().sent {
            return None;
        }
        self.in_flight -= 1;
        Some(place.remove().tran)
    }

    /// Notes that answers have come at `now`; the earliest request of them started at `earliest`.
    fn note_answer(&mut self, earliest: Option<Time>, now: Time) {
        let Some(earliest) = earliest else { return };
        if self.table.is_empty() {
            self.activity.clear();
        } else {
            self.activity.prune(now - self.timeout_max);
            self.activity.answered(earliest, now);
        }
    }

    /// Takes the requests out of the queue that have been given up, once there are more of them
    /// than others.
    fn purge_queue(&mut self) {
        if self.queue.len() > 2 * self.queued_count() {
            let table = &self.table;
            self.queue.retain(|wire_id| table.get(wire_id).is_some_and(|entry| !entry.sent));
        }
    }

    /// Forgets the connection and returns the transactions that were on their way on it, and
    /// what is to be dropped without a lock.
    fn drop_connection(&mut self) -> (Vec<Arc<Transaction>>, (Option<Pipe>, Direct)) {
        self.generation += 1;
        let pipe = self.pipe.take();
        let direct = std::mem::take(&mut self.direct);
        self.stats.bytes_out += pipe.as_ref().map_or(0, Pipe::sent_total);
        self.peer = PeerInfo::default();
        self.in_flight = 0;
        self.urgent.clear();
        self.large = None;
        self.probes.values_mut().for_each(|is_answered| *is_answered = false);
        let sent = self.table.iter().filter(|(_, entry)| entry.sent);
        let ids: Vec<u32> = sent.map(|(id, _)| *id).collect();
        let lost = ids.iter().filter_map(|id| Some(self.table.remove(id)?.tran)).collect();
        (lost, (pipe, direct))
    }

    /// Queues a probe, unless the last one of this caller has not even been sent.
    fn queue_probe(&mut self, own: &mut VecDeque<u32>) {
        let last = own.back();
        let is_last = |item: &Item| matches!(item, Item::Probe(id) if Some(id) == last);
        if self.urgent.iter().any(is_last) {
            return;
        }
        self.next_probe = self.next_probe.wrapping_add(1);
        self.probes.insert(self.next_probe, false);
        self.urgent.push_back(Item::Probe(self.next_probe));
        own.push_back(self.next_probe);
        if own.len() > PROBES_AWAITED_MAX {
            own.pop_front().and_then(|oldest| self.probes.remove(&oldest));
        }
    }

    fn obstacle_text(&self) -> &str {
        match self.phase {
            ClientState::Connected => "connected, but the server does not answer",
            _ => &self.obstacle,
        }
    }
}

impl Holder for Shared {
    fn urge(&self) {
        let state = self.state.lock();
        if !state.queue.is_empty() {
            self.pump(state);
        }
    }

    fn attend(&self, tran: &Transaction, until: Time) -> bool {
        self.fetch_answer(tran, until)
    }

    fn interrupt(&self) {
        self.reader.interrupt();
    }

    fn unattended(&self) {
        self.leave_to_loop();
    }

    fn relieved(&self) {
        self.state.lock().told_count -= 1;
    }

    fn forget(&self, tran: &Transaction) {
        let mut state = self.state.lock();
        let Some(entry) = state.remove_if(self.wire_id(tran), tran) else { return };
        state.purge_queue();
        if let Some(progress) = state.large_with(self.wire_id(tran)) {
            drop(state);
            progress.keep_rest(tran);
            state = self.state.lock();
        }
        if entry.sent && !state.queue.is_empty() {
            // There is room for another request.
            self.pump(state);
        } else {
            drop(state);
        }
        drop(entry);
    }

    fn last_activity(&self, start: Time) -> Option<Time> {
        self.state.lock().activity.latest(start)
    }

    fn explain(&self, tran: &Transaction) -> Option<String> {
        let state = self.state.lock();
        let entry = state.table.get(&self.wire_id(tran))?;
        if entry.sent {
            return None;
        }
        Some(match state.phase {
            ClientState::Connected => format!(
                "The request was never sent: {} others were on their way to {} and had to be \
                 answered first.",
                state.in_flight, self.name
            ),
            _ => format!(
                "The request was never sent, because there was no connection to {}: {}.",
                self.name, state.obstacle
            ),
        })
    }
}
