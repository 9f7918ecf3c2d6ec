//! The client's event loop: resolves, connects, shakes hands, receives, and starts over.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::{Registry, Token};

use super::shared::Shared;
use crate::bridge::wire::{
    Received, Wire, HANDSHAKE_TIME_MAX, READ_OCTETS, REQUESTS_UNREAD_TIME_MAX,
};
use crate::clock::{self, Time};
use crate::logging::{log_debug, log_warning};
use crate::net::address::{HostAddress, RemoteHost};
use crate::net::event_loop::{self, LoopHandle, Readiness};
use crate::net::resolve::Lookup;
use crate::net::socket::{self, cause_text};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::{Header, PeerInfo, ResponseDecoder, ResponseEvent, SessionId};
use crate::proto::zmtp::{Event, Limits, Role, ZmtpError};

/// Buffers read from one connection before the other, and what is to be sent, have their turn.
const READS_PER_TURN_MAX: usize = 4;
/// Turns in which what has come before a connection broke is still taken up.
const LAST_TURNS_MAX: usize = 16;
/// How long a TCP connection may take to come about; covers two lost SYNs.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Wait before the second attempt; doubled for each further one up to the maximum.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection that has lasted this long was a success: the next attempt comes soon.
const SUCCESS_TIME_MIN: Duration = Duration::from_secs(1);
/// Wait after the server has refused the client in words.
const RETRY_REFUSED: Duration = Duration::from_secs(5);

/// The response connection comes first in everything, as it does in Rogue.
const RESPONSE: usize = 0;
const REQUEST: usize = 1;

/// One of the two connections.
struct Half {
    wire: Wire,
    token: usize,
    port: u16,
    connected: bool,
    /// The server's READY has come, with this.
    ready: Option<PeerInfo>,
}

enum Link {
    /// Until the next attempt.
    Waiting(Time),
    Resolving(Lookup),
    /// Both connections, and when the attempt has taken too long.
    Opening([Half; 2], Time),
    /// Both connections, and since when requests are sent.
    Open([Half; 2], Time),
}

/// A response whose payload has not all come yet.
struct Body {
    header: Header,
    octets: u64,
    /// `None` if nobody wants it.
    payload: Option<Vec<u8>>,
}

/// Why a connection is to be given up.
struct Failure {
    text: String,
    refused: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure { text, refused: false }
    }
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
    decoder: ResponseDecoder,
    body: Option<Body>,
    /// The response connection was not read to its end in its turn.
    unread: bool,
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
        Driver {
            handle,
            shared,
            host,
            port,
            announcement: Announcement::client(session),
            link: Link::Waiting(clock::now()),
            attempts: 0,
            next_token: 0,
            decoder: ResponseDecoder::new(),
            body: None,
            unread: false,
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
        self.link = Link::Opening([response, request], clock::now() + CONNECT_TIME_MAX);
        self.decoder = ResponseDecoder::new();
        self.body = None;
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
            .map_err(|error| connect_failure(remote, &error))?;
        Ok(Half { wire, token, port, connected: false, ready: None })
    }

    /// Gives the connection up; another attempt follows after a while.
    fn fail(&mut self, failure: Failure) {
        if let Link::Open(_, since) = self.link {
            self.take_last_responses();
            if clock::now().since(since) >= SUCCESS_TIME_MIN {
                self.attempts = 0;
            }
        }
        self.shared.disconnected(failure.text);
        let doublings = self.attempts.saturating_sub(1).min(16);
        let wait = match failure.refused {
            true => RETRY_REFUSED,
            false => (RETRY_MIN * (1 << doublings)).min(RETRY_MAX),
        };
        self.link = Link::Waiting(clock::now() + jittered(wait));
    }

    /// Takes up the responses that came before the connection broke: they may lie behind the end
    /// of the other one.
    fn take_last_responses(&mut self) {
        for _ in 0..LAST_TURNS_MAX {
            let Link::Open(halves, _) = &self.link else { return };
            let token = halves[RESPONSE].token;
            self.unread = false;
            if self.readable(token).is_err() || !self.unread {
                return;
            }
        }
    }

    fn half_with(&mut self, token: usize) -> Option<(usize, &mut Half)> {
        let (Link::Opening(halves, _) | Link::Open(halves, _)) = &mut self.link else {
            return None;
        };
        halves.iter_mut().enumerate().find(|(_, half)| half.token == token)
    }

    /// The connection attempt of a half has ended, or it takes octets again.
    fn writable(&mut self, token: usize) -> Result<(), Failure> {
        let announcement = self.announcement.clone();
        let Some((which, half)) = self.half_with(token) else { return Ok(()) };
        if !half.connected {
            let remote = half.remote();
            match socket::connect_outcome(&half.wire.stream) {
                Ok(false) => return Ok(()),
                Ok(true) => half.greet(&announcement)?,
                Err(error) => return Err(failure_at(&remote, &error)),
            }
            self.both_connected();
            return Ok(());
        }
        let is_open = matches!(self.link, Link::Open(..));
        if which == REQUEST && is_open {
            self.shared.writable();
            return Ok(());
        }
        match self.half_with(token) {
            Some((_, half)) => half.flush(),
            None => Ok(()),
        }
    }

    fn both_connected(&mut self) {
        if let Link::Opening(halves, limit) = &mut self.link {
            if halves.iter().all(|half| half.connected) {
                *limit = clock::now() + HANDSHAKE_TIME_MAX;
                self.shared.handshaking();
            }
        }
    }

    /// Reads a connection until nothing is left or its turn is over.
    fn readable(&mut self, token: usize) -> Result<(), Failure> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        let outcome = self.read_into(token, &mut scratch);
        self.scratch = scratch;
        outcome
    }

    fn read_into(&mut self, token: usize, scratch: &mut [u8]) -> Result<(), Failure> {
        for _ in 0..READS_PER_TURN_MAX {
            let Some((which, half)) = self.half_with(token) else { return Ok(()) };
            if !half.connected {
                return Ok(());
            }
            if which == RESPONSE {
                match self.read_payload(scratch.len()) {
                    Some(Received::Octets(_)) => continue,
                    Some(Received::Nothing) => return Ok(()),
                    // The end of the connection shows again.
                    Some(Received::Closed | Received::Failed(_)) | None => {}
                }
            }
            let Some((_, half)) = self.half_with(token) else { return Ok(()) };
            let received = half.wire.read(scratch);
            match received {
                Received::Nothing => return Ok(()),
                Received::Closed => {
                    return Err(format!("port {}: closed by the server", half.port).into());
                }
                Received::Failed(error) => return Err(failure_at(&half.remote(), &error)),
                Received::Octets(count) => {
                    let may_have_more = half.wire.may_have_more(count, scratch.len());
                    self.shared.count_received(count);
                    match which {
                        REQUEST => self.feed_request_side(&scratch[..count])?,
                        _ => self.feed_responses(&scratch[..count])?,
                    }
                    if !may_have_more {
                        return Ok(());
                    }
                }
            }
        }
        self.unread = true;
        self.handle.wake();
        Ok(())
    }

    /// Reads what is left of a large payload to where it is collected, but for its last octet,
    /// with which the decoder completes it. `None` where there is none.
    fn read_payload(&mut self, small: usize) -> Option<Received> {
        let (Link::Opening(halves, _) | Link::Open(halves, _)) = &mut self.link else {
            return None;
        };
        let wire = &mut halves[RESPONSE].wire;
        let remaining = self.decoder.payload_remaining(&wire.session);
        let payload = self.body.as_mut().and_then(|body| body.payload.as_mut())?;
        if remaining <= small as u64 {
            return None;
        }
        let received = wire.read_to(payload, remaining - 1);
        if let Received::Octets(count) = received {
            self.decoder.payload_received(&mut wire.session, count as u64);
            self.shared.count_received(count);
        }
        Some(received)
    }

    fn feed_request_side(&mut self, mut input: &[u8]) -> Result<(), Failure> {
        loop {
            let is_open = matches!(self.link, Link::Open(..));
            let (Link::Opening(halves, _) | Link::Open(halves, _)) = &mut self.link else {
                return Ok(());
            };
            let half = &mut halves[REQUEST];
            let received = half.wire.session.receive(input);
            let (used, event) = received.map_err(|error| half.protocol_failure(&error))?;
            input = &input[used..];
            // Requests go out on other threads; what the session has to say goes with them.
            if is_open && half.wire.session.output_len() > 0 {
                let mut octets = Vec::new();
                half.wire.session.take_output(&mut octets);
                self.shared.send_control(octets);
            } else {
                half.flush()?;
            }
            match event {
                None => return Ok(()),
                Some(Event::PeerReady) => self.half_ready(REQUEST)?,
                Some(_) => {}
            }
        }
    }

    fn feed_responses(&mut self, mut input: &[u8]) -> Result<(), Failure> {
        // Once for all responses that came together.
        let now = clock::now();
        loop {
            let (Link::Opening(halves, _) | Link::Open(halves, _)) = &mut self.link else {
                return Ok(());
            };
            let half = &mut halves[RESPONSE];
            let received = self.decoder.receive(&mut half.wire.session, input);
            let (used, event) = received.map_err(|error| half.protocol_failure(&error))?;
            input = &input[used..];
            match event {
                None => return half.flush(),
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    self.shared.deliver(&header, payload, payload.len() as u64, result, now);
                }
                Some(ResponseEvent::Start { header, payload_octets }) => {
                    let is_wanted = self.shared.wants_payload(&header, payload_octets);
                    let payload = is_wanted.then(Vec::new);
                    self.body = Some(Body { header, octets: payload_octets, payload });
                }
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    let payload = self.body.as_mut().and_then(|body| body.payload.as_mut());
                    let Some(payload) = payload else { continue };
                    if payload.try_reserve(bytes.len()).is_err() {
                        return Err("out of memory for a response".to_owned().into());
                    }
                    payload.extend_from_slice(bytes);
                }
                Some(ResponseEvent::End { result }) => {
                    if let Some(Body { header, octets, payload }) = self.body.take() {
                        let payload = payload.unwrap_or_default();
                        self.shared.deliver(&header, &payload, octets, result, now);
                    }
                }
                Some(ResponseEvent::Malformed(malformed)) => {
                    self.body = None;
                    log_warning!(self.shared.log, "{malformed}");
                }
                Some(ResponseEvent::Session(Event::PeerReady)) => self.half_ready(RESPONSE)?,
                Some(ResponseEvent::Session(_)) => {}
            }
        }
    }

    /// The server has accepted one of the connections; with both, requests may be sent.
    fn half_ready(&mut self, which: usize) -> Result<(), Failure> {
        let Link::Opening(halves, _) = &mut self.link else { return Ok(()) };
        let metadata = halves[which].wire.session.peer_metadata();
        halves[which].ready = Some(metadata.map(PeerInfo::from_metadata).unwrap_or_default());
        let (Some(a), Some(b)) = (&halves[RESPONSE].ready, &halves[REQUEST].ready) else {
            return Ok(());
        };
        if a.server != b.server {
            return Err("the two ports belong to different servers".to_owned().into());
        }
        let info = *a;
        let stream = halves[REQUEST].wire.stream.clone();
        let left = halves[REQUEST].wire.take_outgoing();
        let waiting = Link::Waiting(Time::default());
        if let Link::Opening(halves, _) = std::mem::replace(&mut self.link, waiting) {
            self.link = Link::Open(halves, clock::now());
        }
        self.shared.connected(stream, left, info);
        Ok(())
    }
}

impl Half {
    fn remote(&self) -> String {
        match self.wire.stream.peer_addr() {
            Ok(address) => address.to_string(),
            Err(_) => format!("port {}", self.port),
        }
    }

    /// The TCP connection stands: says hello.
    fn greet(&mut self, announcement: &Announcement) -> Result<(), Failure> {
        let remote = self.remote();
        self.wire
            .configure(REQUESTS_UNREAD_TIME_MAX)
            .map_err(|error| failure_at(&remote, &error))?;
        self.connected = true;
        self.wire
            .session
            .send_ready(&announcement.properties())
            .map_err(|error| Failure::from(format!("{remote}: {error}")))?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let sent = self.wire.flush().map(drop);
        sent.map_err(|error| failure_at(&self.remote(), &error))
    }

    fn protocol_failure(&self, error: &ZmtpError) -> Failure {
        let refused = matches!(error, ZmtpError::Refused { .. });
        Failure { text: format!("{}: handshake failed: {error}", self.remote()), refused }
    }
}

fn connect_failure(remote: SocketAddr, error: &io::Error) -> Failure {
    failure_at(&remote.to_string(), error)
}

fn failure_at(remote: &str, error: &io::Error) -> Failure {
    format!("{remote}: {}", cause_text(error)).into()
}

/// `wait` and up to half as much again, so that many clients of one server do not come at once.
fn jittered(wait: Duration) -> Duration {
    let random = crate::net::random::random_128().map_or(0, |octets| octets[0]);
    wait + wait * u32::from(random) / 512
}

impl event_loop::Driver for Driver {
    fn start(&mut self, _registry: &Registry) -> io::Result<()> {
        // The first attempt begins when the deadline of `Link::Waiting` is seen to have passed.
        Ok(())
    }

    fn ready(&mut self, _registry: &Registry, Token(token): Token, readiness: Readiness) {
        let mut outcome = Ok(());
        if readiness.read_closed || readiness.error {
            if let Some((_, half)) = self.half_with(token) {
                half.wire.is_read_closed = true;
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
        if let Some(error) = self.shared.take_broken() {
            if matches!(self.link, Link::Open(..)) {
                self.fail(cause_text(&error).into());
            }
        }
        if std::mem::take(&mut self.unread) {
            let (Link::Opening(halves, _) | Link::Open(halves, _)) = &self.link else { return };
            for token in [halves[RESPONSE].token, halves[REQUEST].token] {
                if let Err(failure) = self.readable(token) {
                    return self.fail(failure);
                }
            }
        }
    }

    fn timeout(&mut self, registry: &Registry, now: Time) {
        match &self.link {
            Link::Waiting(until) if now >= *until => self.begin(registry),
            Link::Opening(halves, limit) if now >= *limit => {
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
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        match &self.link {
            Link::Waiting(until) => Some(*until),
            Link::Opening(_, limit) => Some(*limit),
            Link::Resolving(_) | Link::Open(..) => None,
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
