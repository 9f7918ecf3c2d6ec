//! What the threads of a client share: requests on their way, and the state of the connection.
//!
//! Locks: the state's lock may be taken while the data lock or the state lock of a transaction is
//! held, never the other way round: nothing here completes, locks or waits for a transaction
//! while it holds its own.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mio::net::TcpStream;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::pipe::{header_of, Item, Pipe, BATCH_OCTETS};
use super::{ClientOptions, ClientState, ClientStats};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_info, log_warning, Logger};
use crate::memory::{is_write, Activity, Holder, Transaction};
use crate::net::event_loop::LoopHandle;
use crate::proto::bridge::{evaluate_result, Header, PeerInfo, SessionId};

/// Requests on their way at once: towards peers whose queues are libzmq's, and towards others.
const LEGACY_WINDOW: usize = 400;
const WINDOW: usize = 8192;
/// Answers to posted writes that are awaited only to be recognised.
const POSTED_COUNT_MAX: usize = 4096;
const WAIT_READY: &str = "memory::TcpClient::waitReady";

/// A request that has been made and not answered.
struct Entry {
    /// `None` for a posted write that has completed: its answer is expected, and ignored.
    tran: Option<Arc<Transaction>>,
    /// It has been given to a connection.
    sent: bool,
}

/// Probes of one `wait_ready` call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    Asked,
    Answered,
}

struct State {
    phase: ClientState,
    /// Why there is no connection.
    obstacle: String,
    /// What the server announced.
    peer: PeerInfo,
    queue: VecDeque<Item>,
    /// Requests in the queue that have been given up.
    queued_expired: usize,
    table: HashMap<u32, Entry>,
    /// Posted writes whose answers are awaited, in order.
    posted: VecDeque<u32>,
    /// Requests sent and not answered.
    in_flight: usize,
    window: usize,
    /// `None` without a connection, and while a thread encodes and sends.
    pipe: Option<Pipe>,
    /// Counts connections: a thread that returns a pipe of an earlier one drops it instead.
    generation: u64,
    /// Counts the times the socket was said to be writable.
    writable_count: u64,
    /// The connection broke while a thread was sending.
    broken: Option<io::Error>,
    activity: Activity,
    timeout_max: Duration,
    probes: HashMap<u32, Probe>,
    next_probe: u32,
    stats: ClientStats,
}

/// The part of a client that its event loop, its users and its transactions share.
pub(super) struct Shared {
    /// `address:port` of the server.
    pub(super) name: String,
    pub(super) log: Logger,
    options: ClientOptions,
    /// Added to transaction ids on the wire, so that answers to a predecessor find nothing.
    id_base: u32,
    state: Mutex<State>,
    changed: Condvar,
    handle: OnceLock<LoopHandle>,
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
            obstacle: "no attempt has been completed yet".to_owned(),
            peer: PeerInfo::default(),
            queue: VecDeque::new(),
            queued_expired: 0,
            table: HashMap::new(),
            posted: VecDeque::new(),
            in_flight: 0,
            window: LEGACY_WINDOW,
            pipe: None,
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
            handle: OnceLock::new(),
        }
    }

    pub(super) fn set_handle(&self, handle: LoopHandle) {
        let _ = self.handle.set(handle);
    }

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
        let holder: Arc<dyn Holder> = self.clone();
        if !tran.set_holder(&holder) {
            return;
        }
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            drop(state);
            return tran.error(self.stopped_text());
        }
        let known = state.table.get(&wire_id).is_some_and(|entry| entry.tran.is_some());
        if known {
            drop(state);
            return tran.error(format!("Transaction {} is already on its way", tran.id()));
        }
        // Given up meanwhile: whoever did so has found nothing here to remove.
        if tran.expired() {
            return;
        }
        state.timeout_max = state.timeout_max.max(tran.timeout());
        state.table.insert(wire_id, Entry { tran: Some(tran.clone()), sent: false });
        state.queue.push_back(Item::Request(wire_id, tran.clone()));
        self.pump(state);
    }

    /// Sends octets of the request connection's session ahead of what waits.
    pub(super) fn send_control(&self, octets: Vec<u8>) {
        let mut state = self.state.lock();
        state.queue.push_front(Item::Control(octets));
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
    fn pump<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        if state.pipe.as_ref().is_none_or(|pipe| pipe.blocked) {
            return;
        }
        let Some(mut pipe) = state.pipe.take() else { return };
        let generation = state.generation;
        let mut batch = Vec::new();
        loop {
            state.fill_batch(&mut batch);
            if batch.is_empty() && pipe.backlog() == 0 {
                state.pipe = Some(pipe);
                return;
            }
            let writable_count = state.writable_count;
            drop(state);
            for item in batch.drain(..) {
                if let Item::Request(wire_id, tran) = &item {
                    self.log_sent(*wire_id, tran);
                }
                pipe.encode(item);
            }
            let outcome = pipe.flush();
            self.complete_posts(&mut pipe, generation);
            state = self.state.lock();
            if state.generation != generation {
                return;
            }
            match outcome {
                Ok(true) => {}
                Ok(false) if state.writable_count != writable_count => match pipe.flush() {
                    Ok(true) => {}
                    Ok(false) => return state.block(pipe),
                    Err(error) => return self.break_off(state, error),
                },
                Ok(false) => return state.block(pipe),
                Err(error) => return self.break_off(state, error),
            }
        }
    }

    fn log_sent(&self, wire_id: u32, tran: &Transaction) {
        log_debug!(
            self.log,
            "Forwarding transaction id={wire_id}, addr=0x{:x}, size={}, type={}",
            tran.address(),
            tran.size(),
            tran.ty()
        );
    }

    /// The connection broke under a sending thread: the event loop takes it down.
    fn break_off(&self, mut state: MutexGuard<'_, State>, error: io::Error) {
        state.broken = Some(error);
        drop(state);
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    /// What broke the connection, if a sending thread has met it.
    pub(super) fn take_broken(&self) -> Option<io::Error> {
        self.state.lock().broken.take()
    }

    /// Completes the posted writes that the system has taken.
    fn complete_posts(&self, pipe: &mut Pipe, generation: u64) {
        while let Some((wire_id, tran)) = pipe.next_sent_post() {
            let mut state = self.state.lock();
            if state.generation != generation {
                return;
            }
            state.note_posted(wire_id);
            drop(state);
            tran.done();
        }
    }

    // ------------------------------------------------------------------ responses

    /// Takes a response off the wire.
    pub(super) fn deliver(&self, header: &Header, payload: &[u8], result: &[u8]) {
        let mut state = self.state.lock();
        state.stats.responses += 1;
        if header.is_probe() {
            if let Some(probe) = state.probes.get_mut(&header.id) {
                if evaluate_result(result).is_ok() {
                    *probe = Probe::Answered;
                    self.changed.notify_all();
                }
            }
            return;
        }
        let Some(entry) = state.take_answered(header.id) else {
            state.stats.dropped_responses += 1;
            drop(state);
            return log_warning!(self.log, "Failed to find transaction id={}", header.id);
        };
        drop(state);
        if let Some(tran) = entry.tran {
            self.complete(&tran, header, payload, result);
        }
    }

    fn complete(&self, tran: &Arc<Transaction>, header: &Header, payload: &[u8], result: &[u8]) {
        if *header != header_of(header.id, tran) {
            return tran.error("Transaction data mismatch in TcpClient");
        }
        if let Err(text) = evaluate_result(result) {
            log_debug!(self.log, "Transaction id={} failed: {text}", header.id);
            return tran.error(text);
        }
        if is_write(tran.ty()) {
            return tran.done();
        }
        if payload.len() != tran.size() as usize {
            return tran.error("Received transaction response did not match header size");
        }
        match tran.data() {
            Some(mut data) => data.copy_from_slice(payload),
            None => {
                self.state.lock().stats.dropped_responses += 1;
                return log_warning!(
                    self.log,
                    "Dropping late response for expired transaction. Id={}",
                    header.id
                );
            }
        }
        tran.done();
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
            state.obstacle = "connected, but the server has not completed the handshake".to_owned();
        }
    }

    /// The server has accepted the client: requests go out on `stream` from here on.
    pub(super) fn connected(&self, stream: Arc<TcpStream>, peer: PeerInfo) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        log_info!(self.log, "Connected to {}", self.name);
        state.generation += 1;
        state.phase = ClientState::Connected;
        state.obstacle.clear();
        let window = if peer.bridge_level.is_some() { WINDOW } else { LEGACY_WINDOW };
        state.window = self.options.window.unwrap_or(window).max(1);
        state.peer = peer;
        state.broken = None;
        state.stats.connects += 1;
        state.pipe = Some(Pipe::new(stream));
        self.changed.notify_all();
        self.pump(state);
    }

    /// There is no connection (any more), because of `obstacle`. Fails what was on its way.
    pub(super) fn disconnected(&self, obstacle: String) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        let was_connected = state.phase == ClientState::Connected;
        state.phase = ClientState::Connecting;
        let lost = state.drop_connection();
        let text = format!(
            "The connection to {} was lost ({obstacle}) while the request was on its way: whether \
             it was carried out is not known",
            self.name
        );
        state.obstacle = obstacle;
        if was_connected {
            state.stats.disconnects += 1;
            log_warning!(self.log, "Lost {}: {}", self.name, state.obstacle);
        }
        self.changed.notify_all();
        drop(state);
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
        log_debug!(self.log, "Stopping client of {}", self.name);
        state.phase = ClientState::Stopped;
        let mut failed = state.drop_connection();
        failed.extend(state.table.drain().filter_map(|(_, entry)| entry.tran));
        state.queue.clear();
        state.queued_expired = 0;
        self.changed.notify_all();
        drop(state);
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
        let mut own_probes = Vec::new();
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

    fn ask_until(&self, limit: Time, period: Duration, own: &mut Vec<u32>) -> Result<()> {
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
                if own.iter().any(|id| state.probes.get(id) == Some(&Probe::Answered)) {
                    return Ok(());
                }
                if asked_in != state.generation || now >= next_ask {
                    asked_in = state.generation;
                    next_ask = now + period.max(Duration::from_millis(1));
                    own.push(state.queue_probe());
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
        self.state.lock().stats.bytes_in += octets as u64;
    }

    pub(super) fn stats(&self) -> ClientStats {
        let state = self.state.lock();
        let awaited = state.table.values().filter(|entry| entry.tran.is_some());
        let mut stats = state.stats;
        stats.outstanding = awaited.count() as u64;
        stats.queued = (state.queue.len() - state.queued_expired) as u64;
        stats.bytes_out += state.pipe.as_ref().map_or(0, Pipe::sent_total);
        stats
    }
}

impl State {
    /// Moves what may be sent now from the queue into `batch`.
    fn fill_batch(&mut self, batch: &mut Vec<Item>) {
        let mut octets = 0;
        while octets < BATCH_OCTETS {
            match self.queue.front() {
                None => return,
                Some(Item::Request(_, tran)) if tran.expired() => {
                    self.queue.pop_front();
                    self.queued_expired = self.queued_expired.saturating_sub(1);
                    continue;
                }
                Some(Item::Request(..)) if self.in_flight >= self.window => return,
                Some(_) => {}
            }
            let Some(item) = self.queue.pop_front() else { return };
            if let Item::Request(wire_id, _) = &item {
                if let Some(entry) = self.table.get_mut(wire_id) {
                    entry.sent = true;
                    self.in_flight += 1;
                }
            }
            if !matches!(item, Item::Control(_)) {
                self.stats.requests += 1;
            }
            octets += item.octets();
            batch.push(item);
        }
    }

    fn block(&mut self, mut pipe: Pipe) {
        pipe.blocked = true;
        self.pipe = Some(pipe);
    }

    /// A posted write has been sent: its answer, if one comes, is only to be recognised.
    fn note_posted(&mut self, wire_id: u32) {
        let Some(entry) = self.table.get_mut(&wire_id) else { return };
        entry.tran = None;
        self.in_flight -= 1;
        self.posted.push_back(wire_id);
        if self.posted.len() > POSTED_COUNT_MAX {
            self.forget_oldest_post();
        }
    }

    fn forget_oldest_post(&mut self) {
        let Some(wire_id) = self.posted.pop_front() else { return };
        if self.table.get(&wire_id).is_some_and(|entry| entry.tran.is_none()) {
            self.table.remove(&wire_id);
        }
    }

    /// Removes the entry that a response is for.
    fn take_answered(&mut self, wire_id: u32) -> Option<Entry> {
        // An answer to something that has not been sent is somebody else's.
        if !self.table.get(&wire_id)?.sent {
            return None;
        }
        let entry = self.table.remove(&wire_id)?;
        let Some(tran) = &entry.tran else { return Some(entry) };
        self.in_flight -= 1;
        let now = clock::now();
        if self.table.is_empty() {
            self.activity.clear();
        } else {
            self.activity.prune(now - self.timeout_max);
            self.activity.answered(tran.start(), now);
        }
        Some(entry)
    }

    /// Forgets the connection and returns the transactions that were on their way on it.
    fn drop_connection(&mut self) -> Vec<Arc<Transaction>> {
        self.generation += 1;
        if let Some(pipe) = self.pipe.take() {
            self.stats.bytes_out += pipe.sent_total();
        }
        self.peer = PeerInfo::default();
        self.in_flight = 0;
        self.posted.clear();
        self.probes.values_mut().for_each(|probe| *probe = Probe::Asked);
        self.queue.retain(|item| matches!(item, Item::Request(..)));
        let sent = |entry: &Entry| entry.sent;
        let ids: Vec<u32> =
            self.table.iter().filter(|(_, entry)| sent(entry)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.table.remove(id)?.tran).collect()
    }

    fn queue_probe(&mut self) -> u32 {
        self.next_probe = self.next_probe.wrapping_add(1);
        self.probes.insert(self.next_probe, Probe::Asked);
        self.queue.push_back(Item::Probe(self.next_probe));
        self.next_probe
    }

    fn obstacle_text(&self) -> &str {
        match self.phase {
            ClientState::Connected => "connected, but the server does not answer",
            _ => &self.obstacle,
        }
    }
}

impl Holder for Shared {
    fn forget(&self, tran: &Transaction) {
        let wire_id = self.wire_id(tran);
        let mut state = self.state.lock();
        let is_it = |entry: &Entry| entry.tran.as_deref().is_some_and(|t| std::ptr::eq(t, tran));
        if !state.table.get(&wire_id).is_some_and(is_it) {
            return;
        }
        let entry = state.table.remove(&wire_id);
        let mut expired = Vec::new();
        if entry.as_ref().is_some_and(|entry| entry.sent) {
            state.in_flight -= 1;
        } else {
            state.queued_expired += 1;
            // The queue keeps given-up requests until there are more of them than others.
            if state.queued_expired * 2 > state.queue.len() {
                let (dead, live) = state
                    .queue
                    .drain(..)
                    .partition(|item| matches!(item, Item::Request(_, tran) if tran.expired()));
                expired = Vec::from(dead);
                state.queue = live;
                state.queued_expired = 0;
            }
        }
        // Room for another request, which the event loop may have to be told of.
        let waits = !state.queue.is_empty() && state.in_flight < state.window;
        if waits {
            self.pump(state);
        } else {
            drop(state);
        }
        drop((entry, expired));
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
