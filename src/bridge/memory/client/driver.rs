//! The client's driver in its event loop: has the dialer connect, receives, and reconnects.

use std::io;
use std::mem;
use std::sync::Arc;

use mio::Token;

use super::connection::Connection;
use super::core::ClientCore;
use super::news::News;
use super::receive::{ReadOutcome, ReceiveHalf, ResponseSink};
use crate::bridge::link::channel::{Channel, Failure};
use crate::bridge::link::dialer::{Dialer, Opened};
use crate::clock::{self, Time};
use crate::net::event_loop::{self, DriverHandle, Readiness};
use crate::net::Registry;

/// Number of buffers read from one connection in one turn.
const READS_PER_TURN_MAX: usize = 4;
/// Number of buffers that are still read from a broken connection.
const LAST_READS_MAX: usize = 64;

/// The connection in use.
struct Open {
    connection: Arc<Connection>,
    /// The channel without responses, on which the server sends little.
    other: Channel,
    /// The time of the connect.
    since: Time,
}

pub(super) struct ClientDriver {
    handle: DriverHandle,
    core: Arc<ClientCore>,
    news: Arc<News>,
    dialer: Dialer,
    open: Option<Box<Open>>,
    /// The last turn of a connection ended before its socket was drained.
    unread: bool,
    /// The failure of the connection. It is closed as soon as the thread that reads it has drained
    /// the socket.
    failing: Option<Failure>,
}

impl ClientDriver {
    pub(super) fn new(
        handle: DriverHandle,
        core: Arc<ClientCore>,
        dialer: Dialer,
        news: Arc<News>,
    ) -> ClientDriver {
        ClientDriver { handle, core, news, dialer, open: None, unread: false, failing: None }
    }

    /// Continues the attempts to connect, and publishes the state.
    fn dial(&mut self, registry: &Registry) {
        if self.open.is_some() {
            return;
        }
        if !self.core.is_away() {
            self.dialer.hurry();
        }
        self.dialer.advance(registry);
        self.core.connecting(self.dialer.obstacle(), self.dialer.state());
    }

    /// The dialer has done a step. If the server has accepted the client, begins to send requests.
    fn dialed(&mut self, opened: Option<Opened>) {
        self.core.count_received(mem::take(&mut self.dialer.octets_in));
        let Some(Opened { mut channels, info, remote }) = opened else { return };
        for channel in &mut channels {
            // No response can be among them, because nothing has been requested.
            let early = channel.take_early();
            let outcome = channel.receive(&early).and_then(|()| channel.flush());
            if let Err(failure) = outcome {
                return self.dialer.lost(failure, clock::now());
            }
        }
        let (connection, other) = Connection::new(channels, &info, &self.core.options);
        let (since, bridge_level) = (clock::now(), info.bridge_level);
        self.core.connected(connection.clone(), info);
        self.core.pump_on_loop(self.core.state.lock());
        self.news.came(remote, bridge_level);
        self.open = Some(Box::new(Open { connection, other, since }));
        self.unread = true;
        self.handle.wake();
    }

    /// Closes the connection. Another attempt follows after a delay.
    fn lose(&mut self, failure: Failure) {
        let Some(open) = &self.open else { return };
        let since = open.since;
        // Responses that arrived before the failure still count: the other channel may have ended
        // first. If another thread reads them, the close waits for it.
        let Some(mut half) = self.core.reclaim(&open.connection) else {
            self.failing.get_or_insert(failure);
            return;
        };
        // It may be broken as well. The server's own words say more than the system's.
        let last = read_turn(&mut half, &self.core, LAST_READS_MAX).err();
        drop(half);
        self.failing = None;
        let failure = last.filter(|last| last.refused && !failure.refused).unwrap_or(failure);
        if !self.core.disconnected(&failure) {
            // The driver is about to be stopped as well.
            return;
        }
        self.news.went(&failure.text);
        self.dialer.lost(failure, since);
        self.open = None;
    }

    /// Whether this is a channel of the connection in use.
    fn is_open(&self, token: usize) -> bool {
        let has =
            |open: &Open| open.connection.response_token == token || open.other.token == token;
        self.open.as_deref().is_some_and(has)
    }

    /// A channel of the connection is ready.
    fn channel_ready(&mut self, token: usize, readiness: Readiness) -> Result<(), Failure> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let is_ended = readiness.read_closed || readiness.error;
        if is_ended && open.other.token == token {
            open.other.wire.is_read_closed = true;
        } else if is_ended {
            self.core.note_read_closed(&open.connection);
        }
        if readiness.writable || readiness.error {
            self.writable(token)?;
        }
        match readiness.readable || is_ended {
            true => self.readable(token),
            false => Ok(()),
        }
    }

    /// A channel's socket has room again.
    fn writable(&mut self, token: usize) -> Result<(), Failure> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.connection.request_token == token {
            self.core.writable();
        } else if open.connection.response_token == token {
            return self.core.read_on_loop(&open.connection, |half| half.channel.flush());
        } else if open.other.token == token {
            return open.other.flush();
        }
        Ok(())
    }

    /// Reads a channel until it is drained or its turn is over.
    fn readable(&mut self, token: usize) -> Result<(), Failure> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let core = &self.core;
        let is_drained = match open.connection.response_token == token {
            true => core.read_on_loop(&open.connection, |half| {
                read_turn(half, core, READS_PER_TURN_MAX).map(Some)
            })?,
            false => Some(read_other(open, core)?),
        };
        if is_drained == Some(false) {
            self.unread = true;
            self.handle.wake();
        }
        Ok(())
    }

    /// Continues to read channels whose turn ended early.
    fn read_on(&mut self) {
        let Some(open) = self.open.as_deref().filter(|_| mem::take(&mut self.unread)) else {
            return;
        };
        for token in [open.connection.response_token, open.other.token] {
            if let Err(failure) = self.readable(token) {
                self.lose(failure);
            }
        }
    }
}

/// Reads the channel without responses. Returns whether it is drained.
fn read_other(open: &mut Open, core: &ClientCore) -> Result<bool, Failure> {
    let carries_requests = !open.connection.is_duplex();
    open.other.read_turn(|channel, count| {
        core.count_received(count);
        // Other threads send requests on this channel; they also send its session's output.
        if !carries_requests {
            return channel.flush();
        }
        if let Some(state) = core.queue_output(&mut channel.wire.session) {
            core.pump_on_loop(state);
        }
        Ok(())
    })
}

/// Reads until the socket is drained (true), or at most `reads_max` buffers.
fn read_turn(half: &mut ReceiveHalf, core: &ClientCore, reads_max: usize) -> Result<bool, Failure> {
    for _ in 0..reads_max {
        if core.read(half)? != ReadOutcome::Some {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The timers of a client.
#[derive(Clone, Copy)]
pub(super) enum ClientTimer {
    /// Continues the attempts to connect.
    Attempts,
    /// Watches the response connection again.
    Pause,
    /// Tries again to notify the observer.
    News,
}

impl event_loop::Driver for ClientDriver {
    type Timer = ClientTimer;
    const TIMERS: &'static [ClientTimer] =
        &[ClientTimer::Attempts, ClientTimer::Pause, ClientTimer::News];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        let _ = self.core.registry.set(registry.clone());
        // The first attempt is due at once.
        Ok(())
    }

    fn ready(&mut self, registry: &Registry, Token(token): Token, readiness: Readiness) {
        if !self.is_open(token) {
            let opened = self.dialer.ready(token, readiness);
            self.dialed(opened);
        } else if let Err(failure) = self.channel_ready(token, readiness) {
            self.lose(failure);
        }
        self.dial(registry);
    }

    fn woken(&mut self, registry: &Registry) {
        let gone = self.dialer.resolved().err();
        let failure = gone.or_else(|| self.failing.take());
        let failure = failure.or_else(|| self.core.state.lock().broken.take());
        match failure {
            Some(failure) => self.lose(failure),
            None => self.read_on(),
        }
        let opened = self.dialer.read_on();
        self.dialed(opened);
        self.dial(registry);
    }

    fn deadline(&self, timer: ClientTimer) -> Option<Time> {
        match timer {
            ClientTimer::Attempts => self.dialer.deadline(),
            ClientTimer::Pause if self.open.is_some() => self.core.state.lock().arbiter.next_tick(),
            ClientTimer::Pause => None,
            ClientTimer::News => self.news.deadline(),
        }
    }

    fn timeout(&mut self, registry: &Registry, timer: ClientTimer, now: Time) {
        match timer {
            ClientTimer::Attempts => self.dial(registry),
            ClientTimer::Pause => self.core.tick(now),
            ClientTimer::News => self.news.timeout(now),
        }
    }

    fn flush(&mut self, _registry: &Registry) {
        self.core.pump_on_loop(self.core.state.lock());
    }

    fn stopped(&mut self, _registry: &Registry) {
        self.core.stop();
        self.news.went("the client's thread has ended");
        self.dialer.stop();
        self.open = None;
    }
}
