//! Connects a client to its server: resolves the host's name, tries its addresses, and completes
//! the handshake of both TCP connections.
//!
//! The owner forwards the calls of its event loop, and gets the two channels when the server has
//! accepted the client. It reports the [loss](Dialer::lost) of this connection, and the dialer
//! begins again.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::channel::{Channel, Failure};
use super::connector::{Address, Attempts, Destination, Obstacle, Step};
use super::mechanism;
use super::wire::Wire;
use crate::clock::{self, Time};
use crate::logging::{log_debug, Logger};
use crate::net::address::RemoteHost;
use crate::net::event_loop::{self, DriverHandle, Readiness};
use crate::net::random::random_128;
use crate::net::resolve::{Lookup, Resolver};
use crate::net::server_address::ServerEnd;
use crate::net::socket::{self, Silence};
use crate::net::{unix, ByteStream, Registry};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::{PeerInfo, SessionId};
use crate::proto::zmtp::{Limits, Role};
use crate::security::CurveClient;

/// Body of the largest accepted frame in octets; a larger one is a failure of the connection.
const FRAME_OCTETS_MAX: u64 = u32::MAX as u64;

/// State of a client's connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum ClientState {
    /// Not connected; connection attempts continue.
    #[default]
    Connecting,
    /// Connected over TCP, but the server has not accepted the client yet.
    Handshake,
    /// The server has accepted the client.
    Connected,
    /// Stopped for good.
    Stopped,
}

/// An attempt to connect to one address.
struct Opening {
    address: Address,
    /// From the server and to the server. All steps take them in this order, as Rogue does.
    channels: [Channel; 2],
    /// A server answers at this address, and has received the client's identity.
    is_announced: bool,
}

impl Opening {
    fn has(&self, token: usize) -> bool {
        self.channels.iter().any(|channel| channel.token == token)
    }

    /// Whether a server has answered at this address.
    fn is_answered(&self) -> bool {
        self.channels.iter().all(|channel| channel.is_up)
            && self.channels.iter().any(Channel::is_answered)
    }

    /// The error text of a timeout.
    fn late_text(&self) -> String {
        match self.channels.iter().find(|channel| !channel.is_up) {
            Some(channel) => format!("{}: no answer to the connection attempt", channel.remote),
            None => format!(
                "{}: the server did not complete the handshake within 30 seconds",
                self.channels[1].remote
            ),
        }
    }
}

/// A connection whose server has accepted the client. Its channels may have been readable before:
/// the owner reads them, also without a further event, after what came
/// [together with the READY](Channel::take_early).
pub struct Opened {
    /// From the server (the port after the configured one) and to the server.
    pub channels: [Channel; 2],
    /// What the server has announced.
    pub info: PeerInfo,
    /// The remote end of the channel to the server.
    pub remote: ServerEnd,
}

/// What a client tells a dialer.
pub struct Target {
    /// With the port of the channel to the server; the other one's is the next.
    pub destination: Destination,
    /// What the client says of itself, but for its session: each pair of connections has its own.
    pub announcement: Announcement,
    /// When the system gives a connection up that carries requests.
    pub silence: Silence,
    pub resolver: Resolver,
    /// The keys, if the connections are to be secured by CURVE.
    pub curve: Option<Arc<CurveClient>>,
}

/// Makes the connection of a client, again after each loss. Runs on the client's event loop.
pub struct Dialer {
    handle: DriverHandle,
    log: Logger,
    target: Target,
    attempts: Attempts,
    /// The running lookup of the host's name.
    lookup: Option<Lookup>,
    /// The running attempts, each with another address.
    openings: Vec<Opening>,
    /// The owner has the connection.
    is_open: bool,
    next_token: usize,
    /// The turn of a channel ended before its socket was drained.
    unread: bool,
    /// Octets received during handshakes, to be counted by the owner.
    pub octets_in: usize,
}

impl Dialer {
    /// The first attempt is due at once.
    pub fn new(handle: DriverHandle, log: Logger, target: Target) -> Dialer {
        Dialer {
            handle,
            log,
            attempts: Attempts::new(&target.destination),
            target,
            lookup: None,
            openings: Vec::new(),
            is_open: false,
            next_token: 0,
            unread: false,
            octets_in: 0,
        }
    }

    /// The state while there is no connection.
    pub fn state(&self) -> ClientState {
        match self.attempts.is_connected() {
            true => ClientState::Handshake,
            false => ClientState::Connecting,
        }
    }

    /// Why there is no connection.
    pub fn obstacle(&self) -> Obstacle {
        self.attempts.obstacle()
    }

    /// When to [advance](Self::advance); `None` while the owner has a connection.
    pub fn deadline(&self) -> Option<Time> {
        if self.is_open {
            return None;
        }
        self.attempts.deadline()
    }

    /// Carries out the due steps of the attempts.
    pub fn advance(&mut self, registry: &Registry) {
        while !self.is_open {
            let Some(step) = self.attempts.next(clock::now()) else { return };
            match step {
                Step::LookUp => self.look_up(),
                Step::Begin(address) => {
                    if let Err(failure) = self.open(registry, &address) {
                        self.attempt_failed(&address, failure);
                    }
                }
                Step::GiveUp(address) => {
                    let late = self.openings.iter().find(|opening| opening.address == address);
                    let text = late.map_or_else(String::new, Opening::late_text);
                    self.attempt_failed(&address, text.into());
                }
            }
        }
    }

    /// Ends all attempts.
    pub fn stop(&mut self) {
        self.lookup = None;
        self.openings = Vec::new();
    }

    /// The connection, the owner's since `since`, is lost. Another attempt follows after a delay,
    /// which is longer if the server has sent the client away: until [`hurry`](Self::hurry).
    pub fn lost(&mut self, Failure { text, refused }: Failure, since: Time) {
        self.is_open = false;
        self.attempts.lost(text, refused, since, clock::now(), random());
    }

    /// The owner needs the connection.
    pub fn hurry(&mut self) {
        self.attempts.hurry();
    }

    // ------------------------------------------------------------------ names

    fn look_up(&mut self) {
        if let Destination::Host(RemoteHost::Name(name), _) = &self.target.destination {
            self.lookup = Some(Lookup::start(name, &self.handle, self.target.resolver));
        }
    }

    /// Takes the answer to a lookup, if there is one. A failure is that of the owner's connection:
    /// the host is not at its address any more.
    pub fn resolved(&mut self) -> Result<(), Failure> {
        let Some(answer) = self.lookup.as_mut().and_then(Lookup::take) else { return Ok(()) };
        self.lookup = None;
        let answer = answer.map_err(|error| error.text().to_owned());
        let gone = self.attempts.resolved(answer, clock::now(), random());
        self.drop_given_up();
        match (gone, &self.target.destination) {
            (Some(address), Destination::Host(RemoteHost::Name(name), port)) if self.is_open => {
                let remote = address.with_port(*port);
                Err(format!("{remote}: the host {name} is not there any more").into())
            }
            _ => Ok(()),
        }
    }

    // ------------------------------------------------------------------ attempts

    /// Closes the connections of attempts that have ended.
    fn drop_given_up(&mut self) {
        self.openings.retain(|opening| self.attempts.is_running(&opening.address));
    }

    fn open(&mut self, registry: &Registry, address: &Address) -> Result<(), Failure> {
        let incoming = self.open_channel(registry, address, Role::Pull)?;
        let outgoing = self.open_channel(registry, address, Role::Push)?;
        let (address, channels) = (address.clone(), [incoming, outgoing]);
        self.openings.push(Opening { address, channels, is_announced: false });
        Ok(())
    }

    fn open_channel(
        &mut self,
        registry: &Registry,
        address: &Address,
        role: Role,
    ) -> Result<Channel, Failure> {
        let first = match self.target.destination {
            Destination::Host(_, port) => port,
            Destination::Unix(_) => 0,
        };
        let is_incoming = role == Role::Pull;
        let remote = address.with_port(first + u16::from(is_incoming));
        let token = self.next_token;
        // Tokens are not reused, so that late events of an earlier connection match nothing.
        self.next_token = (self.next_token + 1) % event_loop::TOKENS_COUNT;
        let limits = Limits { frame_octets_max: FRAME_OCTETS_MAX };
        log_debug!(self.log, "Connecting to {remote}");
        let stream = match &remote {
            ServerEnd::Tcp(address) => socket::connect(*address).map(ByteStream::Tcp),
            ServerEnd::Unix(path) if is_incoming => {
                unix::connect_second(path).map(ByteStream::Unix)
            }
            ServerEnd::Unix(path) => unix::connect(path).map(ByteStream::Unix),
        };
        let wire = stream.and_then(|stream| {
            let mechanism = mechanism::for_client(self.target.curve.as_deref(), role)?;
            Wire::new(registry, token, stream, (Some(role), mechanism), limits)
        });
        let wire = wire.map_err(|error| format!("{remote}: {}", remote.connect_cause(&error)))?;
        Ok(Channel::new(wire, token, remote))
    }

    fn attempt_failed(&mut self, address: &Address, Failure { text, refused }: Failure) {
        log_debug!(self.log, "An attempt to connect has failed: {text}");
        self.attempts.failed(address, text, refused, clock::now(), random());
        self.drop_given_up();
    }

    fn opening_with(&mut self, token: usize) -> Option<&mut Opening> {
        self.openings.iter_mut().find(|opening| opening.has(token))
    }

    fn channel_with(&mut self, token: usize) -> Option<&mut Channel> {
        let mut channels = self.openings.iter_mut().flat_map(|opening| &mut opening.channels);
        channels.find(|channel| channel.token == token)
    }

    // ------------------------------------------------------------------ handshake

    /// A socket of an attempt is ready. Returns the connection if the server has accepted the
    /// client.
    pub fn ready(&mut self, token: usize, readiness: Readiness) -> Option<Opened> {
        let is_ended = readiness.read_closed || readiness.error;
        let channel = self.channel_with(token)?;
        channel.wire.is_read_closed |= is_ended;
        let mut outcome = Ok(None);
        if readiness.writable || readiness.error {
            outcome = self.writable(token);
        }
        if matches!(outcome, Ok(None)) && (readiness.readable || is_ended) {
            outcome = self.readable(token);
        }
        self.opened(token, outcome)
    }

    /// Continues to read channels whose turn ended early.
    pub fn read_on(&mut self) -> Option<Opened> {
        if !mem::take(&mut self.unread) {
            return None;
        }
        let channels = self.openings.iter().flat_map(|opening| &opening.channels);
        let tokens: Vec<usize> = channels.map(|channel| channel.token).collect();
        tokens.into_iter().find_map(|token| {
            let outcome = self.readable(token);
            self.opened(token, outcome)
        })
    }

    /// The connection in `outcome`. A failure is that of the attempt with this token.
    fn opened(&mut self, token: usize, outcome: Result<Option<Opened>, Failure>) -> Option<Opened> {
        let failure = match outcome {
            Ok(opened) => return opened,
            Err(failure) => failure,
        };
        if let Some(address) = self.opening_with(token).map(|opening| opening.address.clone()) {
            self.attempt_failed(&address, failure);
        }
        None
    }

    /// A channel is writable: its connection attempt has ended, or its socket has room again.
    fn writable(&mut self, token: usize) -> Result<Option<Opened>, Failure> {
        let Some(channel) = self.channel_with(token) else { return Ok(None) };
        if channel.is_greeted {
            return channel.flush().map(|()| None);
        }
        match channel.wire.stream.connect_outcome() {
            Ok(is_up) => channel.is_up = is_up,
            Err(error) => return Err(channel.failed(&error)),
        }
        let Some(opening) = self.opening_with(token) else { return Ok(None) };
        let address = opening.address.clone();
        let awaited = opening.channels.iter().find(|channel| !channel.is_up);
        let Some(port) = awaited.map(|channel| channel.remote.port()) else {
            return self.greet(token);
        };
        self.attempts.half_connected(&address, port);
        Ok(None)
    }

    /// Both TCP connections are established: sends the greetings, and reads the server's.
    fn greet(&mut self, token: usize) -> Result<Option<Opened>, Failure> {
        let silence = self.target.silence;
        let Some(opening) = self.opening_with(token) else { return Ok(None) };
        let address = opening.address.clone();
        let tokens = opening.channels.each_ref().map(|channel| channel.token);
        let [responses, requests] = &mut opening.channels;
        requests.greet(silence)?;
        // Nothing is sent here, so that this one finds a dead host in time, and not the other one,
        // whose server may leave requests unread for longer.
        responses.greet(Silence { unread_max: Duration::ZERO, ..silence })?;
        self.attempts.connected(&address, clock::now());
        for token in tokens {
            if let Some(opened) = self.readable(token)? {
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }

    /// Reads a channel until it is drained or its turn is over. What comes after the READY is the
    /// owner's to read.
    fn readable(&mut self, token: usize) -> Result<Option<Opened>, Failure> {
        let is_awaited = |channel: &&mut Channel| channel.is_greeted && channel.ready.is_none();
        let Some(channel) = self.channel_with(token).filter(is_awaited) else { return Ok(None) };
        let mut octets = 0;
        let is_drained = channel.read_turn(|channel, count| {
            octets += count;
            channel.flush()
        });
        self.octets_in += octets;
        if !is_drained? {
            self.unread = true;
            self.handle.wake();
        }
        self.answered(token)?;
        self.both_ready(token)
    }

    /// If a server has answered at this address, identifies the client to it, and ends the attempts
    /// with the other addresses.
    fn answered(&mut self, token: usize) -> Result<(), Failure> {
        let Some(opening) = self.openings.iter_mut().find(|opening| opening.has(token)) else {
            return Ok(());
        };
        if opening.is_announced || !opening.is_answered() {
            return Ok(());
        }
        opening.is_announced = true;
        let address = opening.address.clone();
        let session = random_128().map_err(|error| Failure::from(error.text().to_owned()))?;
        let announcement = self.target.announcement.with_session(SessionId(session));
        for channel in &mut opening.channels {
            channel.announce(&announcement)?;
        }
        self.attempts.won(&address, clock::now());
        self.drop_given_up();
        Ok(())
    }

    /// If the server has accepted both connections, they are the owner's.
    fn both_ready(&mut self, token: usize) -> Result<Option<Opened>, Failure> {
        let mut openings = self.openings.iter();
        let is_announced = |opening: &&Opening| opening.has(token) && opening.is_announced;
        let Some(opening) = openings.find(is_announced) else { return Ok(None) };
        let [Some(info), Some(other)] = opening.channels.each_ref().map(|one| one.ready) else {
            return Ok(None);
        };
        if self.target.announcement.is_foreign(&info) {
            let text = "a server of the memory bridge answers there: check the port";
            return Err(text.to_owned().into());
        }
        if info.server != other.server {
            return Err("the two ports belong to different servers".to_owned().into());
        }
        // There is only this one, because it has won.
        let Some(Opening { channels, .. }) = self.openings.pop() else { return Ok(None) };
        self.attempts.completed();
        self.is_open = true;
        let remote = channels[1].remote.clone();
        Ok(Some(Opened { channels, info, remote }))
    }
}

/// A random number that spreads the attempts of many clients of one server over time.
fn random() -> u8 {
    random_128().map_or(0, |octets| octets[0])
}
