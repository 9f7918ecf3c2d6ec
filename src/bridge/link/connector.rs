//! Which addresses of a server to connect to, and when. Without a socket, and in virtual time.
//!
//! A host has several addresses, and some of them may swallow packets. So the next attempt starts a
//! quarter of a second after the one before, in parallel (RFC 8305, section 5), or at once after a
//! failure. The first address that answers with a greeting wins. Each failed address rests for a
//! time of its own, so that one without an answer does not delay the retries of others.
//!
//! The host's name is looked up again in parallel with the next attempt, which uses the addresses
//! of the last answer.

use std::fmt;
use std::time::Duration;

use crate::bridge::link::wire::HANDSHAKE_TIME_MAX;
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::net::address::{self, HostAddress, RemoteHost};
use crate::net::resolve::ADDRESSES_PER_NAME_MAX;
use crate::net::server_address::{ServerAddress, ServerEnd};
use crate::net::unix::UnixPath;

/// Head start of an attempt: the "Connection Attempt Delay" of RFC 8305.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Time limit of a TCP connection attempt; covers two lost SYNs.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Delay before the second attempt; doubled for each further one up to the maximum.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection of this duration counts as a success: the next attempt comes soon.
const SUCCESS_TIME_MIN: Duration = Duration::from_secs(1);
/// Delay after an explicit refusal by the server; and after the end of a connection that the server
/// needed for others, unless the client needs it earlier.
const RETRY_REFUSED: Duration = Duration::from_secs(5);
/// Number of addresses that an error text names.
const ADDRESSES_NAMED_MAX: usize = 4;
const NO_ATTEMPT: &str = "no attempt has been completed yet";

/// The server to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// This port of a host, and the one after it.
    Host(RemoteHost, u16),
    /// A path of this host.
    Unix(UnixPath),
}

impl Destination {
    /// The destination for a client of the server at `address`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for an address that names no
    /// host, and for a port that has no successor.
    pub fn new(address: &ServerAddress) -> Result<Destination> {
        match address {
            ServerAddress::Tcp { port: 0 | u16::MAX, .. } => {
                let text = "the bridge needs this port and the one after it: choose 1 to 65534";
                Err(Error::new(Status::InvalidArgument, "bridge::link::connector", text))
            }
            ServerAddress::Tcp { text, port } => {
                Ok(Destination::Host(address::remote_host(text)?, *port))
            }
            ServerAddress::Unix(path) => Ok(Destination::Unix(path.clone())),
        }
    }
}

/// An address of a server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// One of its host.
    Ip(HostAddress),
    /// A path of this host.
    Unix(UnixPath),
}

impl Address {
    /// The end of the server with this port (host byte order), which a path does not have.
    pub fn with_port(&self, port: u16) -> ServerEnd {
        match self {
            Address::Ip(address) => ServerEnd::Tcp(address.with_port(port)),
            Address::Unix(path) => ServerEnd::Unix(path.clone()),
        }
    }
}

/// The next step for the owner of the sockets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Look the host's name up, and report the answer to [`Attempts::resolved`].
    LookUp,
    /// Start to connect to this address.
    Begin(Address),
    /// Give up the attempt with this address, which has taken too long, and report it to
    /// [`Attempts::failed`].
    GiveUp(Address),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Not before this time.
    Resting(Time),
    /// No answer since the first of these times; given up at the second.
    Connecting(Time, Time),
    /// Connected over TCP; given up at this time.
    Connected(Time),
}

struct Candidate {
    address: Address,
    /// The port whose connection is awaited: the first, then the other one.
    port: u16,
    stage: Stage,
    /// When it may be tried again at the earliest, where its rest is a matter of courtesy.
    hurried: Option<Time>,
    /// Consecutive failures.
    failures: u32,
    /// The last one.
    failure: Option<String>,
}

impl Candidate {
    fn new(address: Address, port: u16) -> Candidate {
        let stage = Stage::Resting(Time::default());
        Candidate { address, port, stage, hurried: None, failures: 0, failure: None }
    }

    fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Resting(_))
    }

    fn limit(&self) -> Option<Time> {
        match self.stage {
            Stage::Resting(_) => None,
            Stage::Connecting(_, limit) | Stage::Connected(limit) => Some(limit),
        }
    }
}

/// The lookup of the host's name.
struct Name {
    /// Start of the running lookup.
    running: Option<Time>,
    /// When the next one is due; `None` while the addresses are assumed to be valid.
    due: Option<Time>,
    /// Consecutive failures.
    failures: u32,
    /// The last one.
    failure: Option<String>,
}

/// The attempts to connect to one server, and the resulting connection.
pub struct Attempts {
    port: u16,
    /// `None` if the text is an address.
    name: Option<Name>,
    /// In the order of attempts.
    candidates: Vec<Candidate>,
    /// The address that has won. No other is tried until it fails.
    winner: Option<Address>,
    /// The last winner, which is tried first.
    preferred: Option<Address>,
    /// When the next attempt may start beside running ones.
    turn: Time,
}

impl Attempts {
    pub fn new(destination: &Destination) -> Attempts {
        let only = |address, port| (None, vec![Candidate::new(address, port)], port);
        let (name, candidates, port) = match destination {
            Destination::Unix(path) => only(Address::Unix(path.clone()), 0),
            Destination::Host(RemoteHost::Address(ip), port) => only(Address::Ip(*ip), *port),
            Destination::Host(RemoteHost::Name(_), port) => {
                let due = Some(Time::default());
                let name = Name { running: None, due, failures: 0, failure: None };
                (Some(name), Vec::new(), *port)
            }
        };
        let turn = Time::default();
        Attempts { port, name, candidates, winner: None, preferred: None, turn }
    }

    /// The next step at `now`; call again until there is none.
    pub fn next(&mut self, now: Time) -> Option<Step> {
        let is_late = |c: &&Candidate| c.limit().is_some_and(|limit| now >= limit);
        if let Some(late) = self.candidates.iter().find(is_late) {
            return Some(Step::GiveUp(late.address.clone()));
        }
        if self.winner.is_some() {
            return None;
        }
        if let Some(name) = self.name.as_mut().filter(|name| name.due.is_some_and(|at| now >= at)) {
            name.running = Some(now);
            name.due = None;
            return Some(Step::LookUp);
        }
        if now < self.turn && !self.candidates.iter().all(Candidate::is_resting) {
            return None;
        }
        let is_due = |c: &&mut Candidate| matches!(c.stage, Stage::Resting(until) if now >= until);
        let candidate = self.candidates.iter_mut().find(is_due)?;
        candidate.stage = Stage::Connecting(now, now + CONNECT_TIME_MAX);
        candidate.port = self.port;
        self.turn = now + ATTEMPT_DELAY;
        Some(Step::Begin(candidate.address.clone()))
    }

    /// When to call [`next`](Self::next) again without another event.
    pub fn deadline(&self) -> Option<Time> {
        let limit = self.candidates.iter().filter_map(Candidate::limit).min();
        if self.winner.is_some() {
            return limit;
        }
        let due = self.candidates.iter().filter_map(|candidate| match candidate.stage {
            Stage::Resting(until) => Some(until),
            Stage::Connecting(..) | Stage::Connected(_) => None,
        });
        let turn = limit.map_or(Time::default(), |_| self.turn);
        let due = due.min().map(|due| due.max(turn));
        let look_up = self.name.as_ref().and_then(|name| name.due);
        clock::earliest([limit, due, look_up])
    }

    fn candidate(&mut self, address: &Address) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| candidate.address == *address)
    }

    /// Whether an attempt with `address`, or the resulting connection, is still wanted.
    pub fn is_running(&self, address: &Address) -> bool {
        self.candidates.iter().any(|c| c.address == *address && !c.is_resting())
    }

    /// Whether a server has been reached over TCP and has not yet accepted the client.
    pub fn is_connected(&self) -> bool {
        self.candidates.iter().any(|c| matches!(c.stage, Stage::Connected(_)))
    }

    /// One of the TCP connections with `address` is up; the one with `port` is not yet.
    pub fn half_connected(&mut self, address: &Address, port: u16) {
        if let Some(candidate) = self.candidate(address) {
            candidate.port = port;
        }
    }

    /// Both TCP connections with `address` are up.
    pub fn connected(&mut self, address: &Address, now: Time) {
        if let Some(candidate) = self.candidate(address) {
            candidate.stage = Stage::Connected(now + HANDSHAKE_TIME_MAX);
        }
    }

    /// A server answers at `address`: all other attempts end, and this address is tried first from
    /// now on.
    pub fn won(&mut self, address: &Address, now: Time) {
        self.winner = Some(address.clone());
        self.preferred = Some(address.clone());
        for candidate in self.candidates.iter_mut().filter(|c| c.address != *address) {
            if !candidate.is_resting() {
                candidate.stage = Stage::Resting(now);
            }
        }
        self.sort();
    }

    fn sort(&mut self) {
        let preferred = self.preferred.as_ref();
        self.candidates.sort_by_key(|candidate| Some(&candidate.address) != preferred);
    }

    /// The server has accepted the client: earlier failures no longer matter.
    pub fn completed(&mut self) {
        self.candidates.iter_mut().for_each(|candidate| candidate.failure = None);
        if let Some(name) = &mut self.name {
            name.failure = None;
        }
    }

    /// The attempt with `address` has failed; `is_refusal`: by an explicit refusal of the server.
    /// `random` spreads the retries of many clients of one server.
    pub fn failed(
        &mut self,
        address: &Address,
        failure: String,
        is_refusal: bool,
        now: Time,
        random: u8,
    ) {
        let Some(candidate) = self.candidate(address) else { return };
        candidate.failures = candidate.failures.saturating_add(1);
        candidate.failure = Some(failure);
        let wait = if is_refusal { RETRY_REFUSED } else { wait_after(candidate.failures) };
        let until = now + jittered(wait, random);
        candidate.hurried = None;
        candidate.stage = Stage::Resting(until);
        self.turn = now;
        self.winner.take_if(|winner| winner == address);
        if let Some(name) = self.name.as_mut().filter(|name| name.running.is_none()) {
            name.due = Some(name.due.map_or(until, |due| due.min(until)));
        }
    }

    /// The connection, complete since `since`, is lost. All addresses are tried again, that of this
    /// connection first. If the server has ended it because it needs it for others
    /// (`is_dismissal`), that has time until a [hurry](Self::hurry).
    pub fn lost(
        &mut self,
        failure: String,
        is_dismissal: bool,
        since: Time,
        now: Time,
        random: u8,
    ) {
        let Some(address) = self.winner.clone() else { return };
        let Some(winner) = self.candidate(&address) else { return };
        if now.since(since) >= SUCCESS_TIME_MIN {
            winner.failures = 0;
        }
        self.failed(&address, failure, is_dismissal, now, random);
        let Some(lost) = self.candidate(&address) else { return };
        let Stage::Resting(first) = lost.stage else { return };
        let hurried = now + jittered(wait_after(lost.failures), random);
        lost.hurried = is_dismissal.then_some(hurried);
        for candidate in &mut self.candidates {
            if let Stage::Resting(until) = &mut candidate.stage {
                *until = first.max(*until);
            }
        }
    }

    /// The client needs its connection: ends the rests that are a matter of courtesy.
    pub fn hurry(&mut self) {
        let hurried = self.candidates.iter_mut().find_map(|candidate| candidate.hurried.take());
        let Some(hurried) = hurried else { return };
        for candidate in &mut self.candidates {
            if let Stage::Resting(until) = &mut candidate.stage {
                *until = hurried.min(*until);
            }
        }
        if let Some(due) = self.name.as_mut().and_then(|name| name.due.as_mut()) {
            *due = hurried.min(*due);
        }
    }

    /// The result of the lookup. Attempts with addresses that the host no longer has are dropped.
    /// Returns the winner's address if it is one of these: it may be another host's by now.
    pub fn resolved(
        &mut self,
        answer: std::result::Result<Vec<HostAddress>, String>,
        now: Time,
        random: u8,
    ) -> Option<Address> {
        let name = self.name.as_mut()?;
        name.running = None;
        let addresses: Vec<_> = match answer {
            Ok(addresses) => addresses.into_iter().map(Address::Ip).collect(),
            Err(failure) => {
                name.failures = name.failures.saturating_add(1);
                name.failure = Some(failure);
                name.due = Some(now + jittered(wait_after(name.failures), random));
                return None;
            }
        };
        name.failures = 0;
        name.failure = None;
        // Of very many addresses only some are reported, and not always the same ones.
        let are_all = addresses.len() < ADDRESSES_PER_NAME_MAX;
        let unnamed = self.winner.clone().filter(|winner| !addresses.contains(winner));
        let (gone, kept) = if are_all { (unnamed, None) } else { (None, unnamed) };
        if gone.is_some() {
            self.winner = None;
        }
        let mut former = std::mem::take(&mut self.candidates);
        for address in kept.into_iter().chain(addresses) {
            let known = former.iter().position(|candidate| candidate.address == address);
            let new = || Candidate::new(address, self.port);
            self.candidates.push(known.map_or_else(new, |place| former.swap_remove(place)));
        }
        self.sort();
        gone
    }

    /// Why there is no connection.
    pub fn obstacle(&self) -> Obstacle {
        let mut parts = Vec::new();
        let is_told =
            |c: &&Candidate| self.winner.as_ref().is_none_or(|winner| *winner == c.address);
        for candidate in self.candidates.iter().filter(is_told) {
            let remote = |port| candidate.address.with_port(port);
            let before = before(candidate.failure.as_deref());
            match (candidate.stage, &candidate.failure) {
                (Stage::Connecting(since, _), _) => {
                    let words = format!("connecting to {}, no answer yet", remote(candidate.port));
                    parts.push(Part { words, since: Some(since), before });
                }
                (Stage::Connected(_), _) => {
                    let words = format!(
                        "connected to {}, but the server has not completed the handshake",
                        remote(self.port)
                    );
                    parts.push(Part { words, since: None, before });
                }
                (Stage::Resting(_), Some(failure)) => parts.push(failure.as_str().into()),
                (Stage::Resting(_), None) => {}
            }
        }
        if parts.len() > ADDRESSES_NAMED_MAX {
            let more = parts.len() - ADDRESSES_NAMED_MAX;
            parts.truncate(ADDRESSES_NAMED_MAX);
            parts.push(format!("and {more} more addresses").as_str().into());
        }
        parts.extend(self.name.as_ref().and_then(|name| self.name_obstacle(name)));
        Obstacle { parts }
    }

    fn name_obstacle(&self, name: &Name) -> Option<Part> {
        match name.running {
            Some(since) if self.candidates.is_empty() => {
                let words = "the host name is being looked up, no answer yet".to_owned();
                let before = before(name.failure.as_deref());
                Some(Part { words, since: Some(since), before })
            }
            _ => name.failure.as_deref().map(Part::from),
        }
    }
}

fn before(failure: Option<&str>) -> String {
    failure.map_or_else(String::new, |text| format!(" (the attempt before failed: {text})"))
}

fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (RETRY_MIN * (1 << doublings)).min(RETRY_MAX)
}

/// `wait`, randomly extended by up to half.
fn jittered(wait: Duration, random: u8) -> Duration {
    wait + wait * u32::from(random) / 512
}

/// Why there is no connection, as a text with durations up to the time of the query.
#[derive(Debug, Default)]
pub struct Obstacle {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    words: String,
    since: Option<Time>,
    before: String,
}

impl From<&str> for Part {
    fn from(words: &str) -> Part {
        Part { words: words.to_owned(), since: None, before: String::new() }
    }
}

impl From<&str> for Obstacle {
    fn from(words: &str) -> Obstacle {
        Obstacle { parts: vec![words.into()] }
    }
}

impl Obstacle {
    /// The text at `now`.
    pub fn text_at(&self, now: Time) -> String {
        if self.parts.is_empty() {
            return NO_ATTEMPT.to_owned();
        }
        let text = |Part { words, since, before }: &Part| match since {
            None => format!("{words}{before}"),
            Some(since) => {
                format!("{words} for {:.1} s{before}", now.since(*since).as_secs_f64())
            }
        };
        self.parts.iter().map(text).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_at(clock::now()))
    }
}

#[cfg(test)]
mod tests;
