//! The client's event loop: resolves, connects, shakes hands, receives, and starts over.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use mio::{Registry, Token};

use super::half::{Failure, Half};
use super::receiver::{Receiver, Taken};
use super::shared::Shared;
use crate::bridge::wire::{Received, Wire, HANDSHAKE_TIME_MAX, READ_OCTETS};
use crate::clock::{self, Time};
use crate::logging::log_debug;
use crate::net::address::{HostAddress, RemoteHost};
use crate::net::event_loop::{self, LoopHandle, Readiness};
use crate::net::resolve::Lookup;
use crate::net::socket;
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::SessionId;
use crate::proto::zmtp::{Event, Limits, Role};

/// Buffers read from one connection before the other, and what is to be sent, have their turn.
const READS_PER_TURN_MAX: usize = 4;
/// Buffers of what has come before a connection broke that are still taken up.
const LAST_READS_MAX: usize = 64;
/// How long a TCP connection may take to come about; covers two lost SYNs.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Wait before the second attempt; doubled for each further one up to the maximum.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection that has lasted this long was a success: the next attempt comes soon.
const SUCCESS_TIME_MIN: Duration = Duration::from_secs(1);
/// Wait after the server has refused the client in words.
const RETRY_REFUSED: Duration = Duration::from_secs(5);

/// Both connections while they come about. The response connection comes first in everything, as
/// it does in Rogue.
struct Opening {
    receiver: Receiver,
    request: Half,
    /// When the attempt has taken too long.
    limit: Time,
}

/// The connections in use. The one on which responses come is with [`Shared`].
struct Open {
    receiver_token: usize,
    request_token: usize,
    /// The other one, on which the server says little.
    other: Half,
    /// Since when requests are sent.
    since: Time,
}

enum Link {
    /// Until the next attempt.
    Waiting(Time),
    Resolving(Lookup),
    Opening(Box<Opening>),
    Open(Box<Open>),
}

pub(super) struct Driver {
    handle: LoopHandle,
    shared: Arc<Shared>,
    host: RemoteHost,
    port: u16,
    announcement: Announcement,
    link: Link,
    /// Attempts since the last success.
    attempts: u32,
    next_token: usize,
    /// A connection was not read to its end in its turn.
    unread: bool,
    /// Why the connection is to be given up, as soon as the thread that reads it has seen to what
    /// came before.
    failing: Option<Failure>,
    scratch: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        handle: LoopHandle,
        shared: Arc<Shared>,
        host: RemoteHost,
        port: u16,
        session: SessionId,
    ) -> Driver {
        let announcement = Announcement::client(session, shared.options.duplex);
        Driver {
            handle,
            shared,
            host,
            port,
            announcement,
            link: Link::Waiting(clock::now()),
            attempts: 0,
            next_token: 0,
            unread: false,
            failing: None,
            scratch: Vec::new(),
        }
    }

    fn begin(&mut self, registry: &Registry) {
        self.link = Link::Resolving(Lookup::start(&self.host, &self.handle));
        self.attempts = self.attempts.saturating_add(1);
        self.resolved(registry);
        if matches!(self.link, Link::Resolving(_)) {
            self.shared.resolving();
        }
    }

    fn resolved(&mut self, registry: &Registry) {
        let Link::Resolving(lookup) = &mut self.link else { return };
        match lookup.take() {
            None => {}
            Some(Err(error)) => self.fail(error.text().to_owned().into()),
            Some(Ok(addresses)) => {
                let turn = (self.attempts as usize - 1) % addresses.len();
                if let Err(failure) = self.open(registry, addresses[turn]) {
                    self.fail(failure);
                }
            }
        }
    }

    fn open(&mut self, registry: &Registry, address: HostAddress) -> Result<(), Failure> {
        let response = self.open_half(registry, address, self.port + 1, Role::Pull)?;
        let request = self.open_half(registry, address, self.port, Role::Push)?;
        let limit = clock::now() + CONNECT_TIME_MAX;
        let receiver = Receiver::new(response, self.shared.options.spin);
        self.link = Link::Opening(Box::new(Opening { receiver, request, limit }));
        self.unread = false;
        Ok(())
    }

    fn open_half(
        &mut self,
        registry: &Registry,
        address: HostAddress,
        port: u16,
        role: Role,
    ) -> Result<Half, Failure> {
        let remote = address.with_port(port);
        let token = self.next_token;
        // Tokens are not used again: late events of an earlier connection find nothing.
        self.next_token = (self.next_token + 1) % event_loop::RESERVED_TOKEN.0;
        let limits = Limits { frame_octets_max: u64::from(u32::MAX) };
        log_debug!(self.shared.log, "Connecting to {remote}");
        let wire = socket::connect(remote)
            .and_then(|stream| Wire::new(registry, token, stream, role, limits))
            .map_err(|error| Failure::at(&remote.to_string(), &error))?;
        Ok(Half { wire, token, port, connected: false, ready: None })
    }

    /// Gives the connection up; another attempt follows after a while.
    fn fail(&mut self, failure: Failure) {
        if let Link::Open(open) = &self.link {
            // Responses that came before the connection broke are taken up: they may lie behind
            // the end of the other one. Where another thread reads them, it is waited for.
            let Ok(receiver) = self.shared.recall_receiver() else {
                self.failing.get_or_insert(failure);
                return;
            };
            receiver.into_iter().for_each(|receiver| read_last(receiver, &self.shared));
            if clock::now().since(open.since) >= SUCCESS_TIME_MIN {
                self.attempts = 0;
            }
        }
        self.failing = None;
        self.shared.disconnected(failure.text);
        let doublings = self.attempts.saturating_sub(1).min(16);
        let wait = match failure.refused {
            true => RETRY_REFUSED,
            false => (RETRY_MIN * (1 << doublings)).min(RETRY_MAX),
        };
        self.link = Link::Waiting(clock::now() + jittered(wait));
    }

    /// The half that this thread holds with this token, if it is one.
    fn half_with(&mut self, token: usize) -> Option<&mut Half> {
        let halves = match &mut self.link {
            Link::Opening(opening) => {
                [Some(&mut opening.receiver.half), Some(&mut opening.request)]
            }
            Link::Open(open) => [None, Some(&mut open.other)],
            _ => return None,
        };
        halves.into_iter().flatten().find(|half| half.token == token)
    }

    /// The connection attempt of a half has ended, or it takes octets again.
    fn writable(&mut self, token: usize) -> Result<(), Failure> {
        if let Link::Open(open) = &mut self.link {
            if open.request_token == token {
                self.shared.writable();
            } else if open.receiver_token == token {
                return self.with_receiver(|receiver, _| receiver.half.flush());
            } else if open.other.token == token {
                return open.other.flush();
            }
            return Ok(());
        }
        let announcement = self.announcement.clone();
        let Some(half) = self.half_with(token) else { return Ok(()) };
        if half.connected {
            return half.flush();
        }
        match socket::connect_outcome(&half.wire.stream) {
            Ok(false) => return Ok(()),
            Ok(true) => half.greet(&announcement)?,
            Err(error) => return Err(half.failed(&error)),
        }
        if let Link::Opening(opening) = &mut self.link {
            if opening.receiver.half.connected && opening.request.connected {
                opening.limit = clock::now() + HANDSHAKE_TIME_MAX;
                self.shared.handshaking();
            }
        }
        Ok(())
    }

    /// Does something with the receiver of the connection in use, unless another thread has it,
    /// which then does the same.
    fn with_receiver<T: Default>(
        &mut self,
        action: impl FnOnce(&mut Receiver, &Shared) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(mut taking) = self.shared.take_receiver() else { return Ok(T::default()) };
        let outcome = action(&mut taking.receiver, &self.shared);
        self.shared.return_receiver(taking);
        outcome
    }

    /// Reads a connection until nothing is left or its turn is over.
    fn readable(&mut self, token: usize) -> Result<(), Failure> {
        let is_read_out = match &mut self.link {
            Link::Open(open) if open.receiver_token == token => {
                self.with_receiver(|receiver, shared| read_turn(receiver, shared).map(Some))?
            }
            Link::Opening(opening) if opening.receiver.half.token == token => {
                match opening.receiver.half.connected {
                    true => Some(read_turn(&mut opening.receiver, &self.shared)?),
                    false => None,
                }
            }
            _ => self.read_other(token)?,
        };
        if is_read_out == Some(false) {
            self.unread = true;
            self.handle.wake();
        }
        self.both_ready()
    }

    /// Reads what the server says on a connection without responses, which is not much. Returns
    /// whether that was all.
    fn read_other(&mut self, token: usize) -> Result<Option<bool>, Failure> {
        let mut scratch = mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        let outcome = self.read_into(token, &mut scratch);
        self.scratch = scratch;
        outcome.map(Some)
    }

    fn read_into(&mut self, token: usize, scratch: &mut [u8]) -> Result<bool, Failure> {
        for _ in 0..READS_PER_TURN_MAX {
            let Some(half) = self.half_with(token).filter(|half| half.connected) else {
                return Ok(true);
            };
            match half.wire.read(scratch) {
                Received::Nothing => return Ok(true),
                Received::Closed => return Err(half.closed()),
                Received::Failed(error) => return Err(half.failed(&error)),
                Received::Octets(count) => {
                    let may_have_more = half.wire.may_have_more(count, scratch.len());
                    self.shared.count_received(count);
                    self.feed_other(&scratch[..count])?;
                    if !may_have_more {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn feed_other(&mut self, mut input: &[u8]) -> Result<(), Failure> {
        loop {
            let (half, carries_requests) = match &mut self.link {
                Link::Opening(opening) => (&mut opening.request, false),
                Link::Open(open) => (&mut open.other, open.receiver_token != open.request_token),
                _ => return Ok(()),
            };
            let received = half.wire.session.receive(input);
            let (used, event) = received.map_err(|error| half.protocol_failure(&error))?;
            input = &input[used..];
            // Requests go out on other threads; what the session has to say goes with them.
            if carries_requests {
                self.shared.send_output(&mut half.wire.session);
            } else {
                half.flush()?;
            }
            match event {
                None => return Ok(()),
                Some(Event::PeerReady) => half.note_ready(),
                Some(_) => {}
            }
        }
    }

    /// Once the server has accepted both connections, requests may be sent.
    fn both_ready(&mut self) -> Result<(), Failure> {
        let Link::Opening(opening) = &self.link else { return Ok(()) };
        let (Some(a), Some(b)) = (&opening.receiver.half.ready, &opening.request.ready) else {
            return Ok(());
        };
        if a.server != b.server {
            return Err("the two ports belong to different servers".to_owned().into());
        }
        let info = *a;
        let waiting = Link::Waiting(Time::default());
        if let Link::Opening(opening) = mem::replace(&mut self.link, waiting) {
            let Opening { mut receiver, mut request, .. } = *opening;
            receiver.is_announced = info.bridge_level.is_some();
            let stream = request.wire.stream.clone();
            let left = request.wire.take_outgoing();
            let request_token = request.token;
            let other = match info.duplex && self.shared.options.duplex {
                true => receiver.move_to(request),
                false => request,
            };
            let receiver_token = receiver.half.token;
            let since = clock::now();
            self.link = Link::Open(Box::new(Open { receiver_token, request_token, other, since }));
            self.shared.connected(stream, left, receiver, info);
        }
        Ok(())
    }
}

/// Reads until nothing is left, which is true, or the turn is over.
fn read_turn(receiver: &mut Receiver, shared: &Shared) -> Result<bool, Failure> {
    for _ in 0..READS_PER_TURN_MAX {
        if receiver.read(shared)? != Taken::Some {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes up what has come before the connection broke.
fn read_last(mut receiver: Receiver, shared: &Shared) {
    for _ in 0..LAST_READS_MAX {
        if !matches!(receiver.read(shared), Ok(Taken::All | Taken::Some)) {
            break;
        }
    }
}

/// `wait` and up to half as much again, so that many clients of one server do not come at once.
fn jittered(wait: Duration) -> Duration {
    let random = crate::net::random::random_128().map_or(0, |octets| octets[0]);
    wait + wait * u32::from(random) / 512
}

impl event_loop::Driver for Driver {
    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.shared.set_registry(registry.try_clone()?);
        // The first attempt begins when the deadline of `Link::Waiting` is seen to have passed.
        Ok(())
    }

    fn ready(&mut self, _registry: &Registry, Token(token): Token, readiness: Readiness) {
        let mut outcome = Ok(());
        if readiness.read_closed || readiness.error {
            match self.half_with(token) {
                Some(half) => half.wire.is_read_closed = true,
                None => self.shared.note_read_closed(token),
            }
        }
        if readiness.writable || readiness.error {
            outcome = self.writable(token);
        }
        if outcome.is_ok() && (readiness.readable || readiness.read_closed || readiness.error) {
            outcome = self.readable(token);
        }
        if let Err(failure) = outcome {
            self.fail(failure);
        }
    }

    fn woken(&mut self, registry: &Registry) {
        self.resolved(registry);
        let failure = self.failing.take().or_else(|| self.shared.take_broken());
        if let (Some(failure), Link::Open(_)) = (failure, &self.link) {
            return self.fail(failure);
        }
        if mem::take(&mut self.unread) {
            let tokens = match &self.link {
                Link::Opening(opening) => [opening.receiver.half.token, opening.request.token],
                Link::Open(open) => [open.receiver_token, open.other.token],
                _ => return,
            };
            for token in tokens {
                if let Err(failure) = self.readable(token) {
                    return self.fail(failure);
                }
            }
        }
    }

    fn timeout(&mut self, registry: &Registry, now: Time) {
        match &self.link {
            Link::Waiting(until) if now >= *until => self.begin(registry),
            Link::Opening(opening) if now >= opening.limit => {
                let halves = [&opening.receiver.half, &opening.request];
                let text = match halves.iter().find(|half| !half.connected) {
                    Some(half) => {
                        format!("port {}: no answer to the connection attempt", half.port)
                    }
                    None => {
                        "the server did not complete the handshake within 30 seconds".to_owned()
                    }
                };
                self.fail(text.into());
            }
            Link::Open(_) => self.shared.end_pause(now),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        match &self.link {
            Link::Waiting(until) => Some(*until),
            Link::Opening(opening) => Some(opening.limit),
            Link::Open(_) => self.shared.pause_end(),
            Link::Resolving(_) => None,
        }
    }

    fn flush(&mut self, _registry: &Registry) {
        self.shared.pump_queue();
    }

    fn stopped(&mut self, _registry: &Registry) {
        self.shared.stop();
        self.link = Link::Waiting(Time(u64::MAX));
    }
}
