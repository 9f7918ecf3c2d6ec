//! The shared state of a client's threads: requests, connection, and the choice of the reader.
//!
//! Locks: the state's lock may be taken while the data lock or the state lock of a transaction is
//! held, never the other way round. So code that holds the state's lock never completes, locks,
//! waits for or drops a transaction, and never logs, because a sink is user code. The halves of a
//! [`Connection`] are tried under it, and never waited for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::arbiter::{Needs, ReadAction, ReadArbiter};
use super::connection::Connection;
use super::requests::Requests;
use super::{ClientOptions, ClientStats};
use crate::bridge::link::channel::Failure;
use crate::bridge::link::connector::Obstacle;
use crate::bridge::link::dialer::ClientState;
use crate::logging::{log_debug, log_info, log_warning, Logger};
use crate::memory::Transaction;
use crate::net::server_address::ServerAddress;
use crate::net::sleeper::Interrupter;
use crate::net::{DriverHandle, Registry};
use crate::process::{self, Generation};
use crate::proto::bridge::PeerInfo;
use crate::sync::{Condvar, Mutex};

#[derive(Default)]
pub(super) struct CoreState {
    pub(super) phase: ClientState,
    /// Why there is no connection.
    pub(super) obstacle: Obstacle,
    /// The server has sent the client away, which has needed no connection since.
    pub(super) is_away: bool,
    /// What the server announced.
    pub(super) peer: PeerInfo,
    pub(super) requests: Requests,
    pub(super) connection: Option<Arc<Connection>>,
    pub(super) arbiter: ReadArbiter,
    /// The socket for requests is full.
    pub(super) is_blocked: bool,
    /// The socket has become writable since a thread last began to send.
    pub(super) is_writable: bool,
    /// The event loop has been asked to send the queue, and has not begun.
    pub(super) is_loop_told: bool,
    /// The event loop sends, or completes sent requests.
    pub(super) is_loop_sending: bool,
    /// The failure of the connection, if a thread found it while sending or reading.
    pub(super) broken: Option<Failure>,
    /// The latest probe made, and the latest answered on this connection. An answer means that the
    /// server is ready.
    pub(super) last_probe: u32,
    pub(super) answered_probe: Option<u32>,
}

impl CoreState {
    /// Whether this is the current connection.
    pub(super) fn uses(&self, connection: &Arc<Connection>) -> bool {
        self.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection))
    }

    /// Reasons for the event loop to watch without a listener.
    pub(super) fn needs(&self) -> Needs {
        let is_duplex = || self.connection.as_ref().is_some_and(|one| one.is_duplex());
        Needs {
            answers: self.is_blocked || self.requests.is_held_up(),
            socket: self.is_blocked && is_duplex(),
        }
    }

    /// Removes the connection. Returns the transactions in flight on it, and the connection, which
    /// the caller has to drop without a lock.
    fn drop_connection(&mut self) -> (Vec<Arc<Transaction>>, Option<Arc<Connection>>) {
        self.arbiter.disconnected();
        self.peer = PeerInfo::default();
        self.answered_probe = None;
        (self.requests.disconnected(), self.connection.take())
    }
}

/// The part of a client that its event loop, its users and its transactions share.
pub(super) struct ClientCore {
    generation: Generation,
    /// The address of the server.
    pub(super) name: String,
    /// The endpoint for requests, as libzmq names it.
    pub(super) endpoint: String,
    pub(super) log: Logger,
    pub(super) options: ClientOptions,
    /// Offset of transaction ids on the wire. Answers to a predecessor of this client match
    /// nothing.
    id_base: u32,
    pub(super) state: Mutex<CoreState>,
    pub(super) changed: Condvar,
    pub(super) octets_in: AtomicU64,
    pub(super) handle: OnceLock<DriverHandle>,
    /// The registry of the event loop's sockets.
    pub(super) registry: OnceLock<Registry>,
    /// Wakes a waiting thread that reads.
    pub(super) interrupter: Interrupter,
    /// The event loop reclaims the connection: the thread that reads returns, and no other begins.
    pub(super) is_reclaimed: AtomicBool,
}

impl ClientCore {
    /// The last argument is random.
    pub(super) fn new(
        server: &ServerAddress,
        log: Logger,
        options: ClientOptions,
        [a, b, c, d, ..]: [u8; 16],
    ) -> ClientCore {
        let arbiter = ReadArbiter::new(options.direct);
        ClientCore {
            generation: Generation::current(),
            name: server.to_string(),
            endpoint: server.endpoints()[0].clone(),
            log,
            id_base: u32::from_le_bytes([a, b, c, d]),
            state: Mutex::new(CoreState { arbiter, ..CoreState::default() }),
            options,
            changed: Condvar::new(),
            octets_in: AtomicU64::new(0),
            handle: OnceLock::new(),
            registry: OnceLock::new(),
            interrupter: Interrupter::default(),
            is_reclaimed: AtomicBool::new(false),
        }
    }

    /// Whether this process is a child by `fork` of the client's process. If so, nothing here may
    /// be used: threads that do not exist may hold the locks, and the parent uses the descriptors.
    #[inline]
    pub(super) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    pub(super) fn inherited_text(&self) -> String {
        process::inherited_text(&format!("The TcpClient of {}", self.name))
    }

    pub(super) fn stopped_text(&self) -> String {
        format!("The TcpClient of {} has been stopped", self.name)
    }

    #[inline]
    pub(super) fn wire_id(&self, tran: &Transaction) -> u32 {
        self.id_base.wrapping_add(tran.id())
    }

    pub(super) fn wake(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    /// Carries out an action of the arbiter.
    pub(super) fn carry_out(&self, state: &mut CoreState, action: ReadAction) {
        match action {
            ReadAction::Nothing => {}
            // A listener may have forked, so that this may be the child.
            _ if self.is_inherited() => {}
            ReadAction::WakeLoop => self.wake(),
            ReadAction::Interrupt => self.interrupter.interrupt(),
            ReadAction::Watch | ReadAction::WatchAgain | ReadAction::Unwatch => {
                let (Some(connection), Some(registry)) = (&state.connection, self.registry.get())
                else {
                    return;
                };
                if let Err(error) = connection.register(registry, action) {
                    state.broken = Some(Failure::at(&self.name, &error));
                    self.wake();
                }
            }
        }
    }

    /// There is no connection yet, because of `obstacle`.
    pub(super) fn connecting(&self, obstacle: Obstacle, phase: ClientState) {
        let mut state = self.state.lock();
        if state.phase != ClientState::Stopped {
            state.phase = phase;
            state.obstacle = obstacle;
        }
    }

    /// The server has accepted the client, so queued requests may be sent.
    pub(super) fn connected(&self, connection: Arc<Connection>, peer: PeerInfo) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        self.is_reclaimed.store(false, Ordering::SeqCst);
        state.arbiter.connected();
        state.phase = ClientState::Connected;
        state.requests.connected(self.options.window, peer.bridge_level.is_none());
        state.requests.stats.connects += 1;
        state.peer = peer;
        state.broken = None;
        state.is_blocked = false;
        state.connection = Some(connection);
        self.changed.notify_all();
        drop(state);
        log_info!(self.log, "Connected to {}", self.name);
    }

    /// Whether the server has sent the client away, which has needed no connection since.
    pub(super) fn is_away(&self) -> bool {
        self.state.lock().is_away
    }

    /// A connection is needed.
    pub(super) fn call_back(&self, state: &mut CoreState) {
        if std::mem::take(&mut state.is_away) {
            self.wake();
        }
    }

    /// The connection is lost, because of `failure`. Fails all requests in flight. False if the
    /// client has been stopped, which has closed the connection.
    pub(super) fn disconnected(&self, failure: &Failure) -> bool {
        let obstacle = failure.text.as_str();
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return false;
        }
        state.phase = ClientState::Connecting;
        state.is_away = failure.refused && state.requests.queued_count() == 0;
        let (lost, connection) = state.drop_connection();
        state.requests.stats.disconnects += 1;
        state.obstacle = obstacle.into();
        self.changed.notify_all();
        drop(state);
        connection.into_iter().for_each(|connection| connection.close());
        log_warning!(self.log, "Lost {}: {obstacle}", self.name);
        let text = format!(
            "The connection to {} was lost ({obstacle}) while the request was on its way: whether \
             it was carried out is not known",
            self.name
        );
        for tran in lost {
            tran.error(text.as_str());
        }
        true
    }

    /// Stops for good, and fails all requests.
    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        if state.phase == ClientState::Stopped {
            return;
        }
        state.phase = ClientState::Stopped;
        let (mut failed, connection) = state.drop_connection();
        failed.extend(state.requests.drain());
        self.changed.notify_all();
        drop(state);
        connection.into_iter().for_each(|connection| connection.close());
        log_debug!(self.log, "Stopped client of {}", self.name);
        for tran in failed {
            tran.error(self.stopped_text());
        }
    }

    pub(super) fn state_now(&self) -> ClientState {
        if self.is_inherited() {
            return ClientState::Stopped;
        }
        self.state.lock().phase
    }

    pub(super) fn state_text(&self) -> String {
        if self.is_inherited() {
            return self.inherited_text();
        }
        let state = self.state.lock();
        match state.phase {
            ClientState::Connected => format!("connected to {}", self.name),
            ClientState::Stopped => self.stopped_text(),
            _ => format!("not connected to {}: {}", self.name, state.obstacle),
        }
    }

    pub(super) fn stats(&self) -> ClientStats {
        if self.is_inherited() {
            return ClientStats::default();
        }
        let requests = &self.state.lock().requests;
        ClientStats {
            bytes_in: self.octets_in.load(Ordering::Relaxed),
            outstanding: requests.outstanding_count() as u64,
            queued: requests.queued_count() as u64,
            ..requests.stats
        }
    }
}
