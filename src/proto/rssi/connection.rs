//! Both ends of a link, as a state machine.
//!
//! # How to drive it
//!
//! 1. [`Connection::start`], and [`Connection::stop`] in the end.
//! 2. Hand every datagram to [`Connection::receive`], and data to [`Connection::send`].
//! 3. When the time of a [`Timer`] has come ([`Connection::deadline`]), call
//!    [`Connection::timeout`].
//! 4. After each of these, until they return nothing: [`Connection::poll_event`],
//!    [`Connection::poll_deliver`] with [`Connection::delivered`] after the application has taken
//!    the payload, [`Connection::poll_transmit`], [`Connection::poll_released`].
//!
//! Payloads are handles. A payload given to `send` is handed out, cloned, for each transmission,
//! and comes back by `poll_released` when it has arrived or the link is lost. One given to
//! `receive` comes out of `poll_deliver`, in order and once, or of `poll_released`. So no payload is
//! dropped in here. The number of those held is bounded by the windows of both directions, and by
//! what the caller queues beyond.
//!
//! # What it does that SLAC's software does not
//!
//! A duplicate is acknowledged again. A segment that acknowledges what this link has not sent is
//! ignored, and so is an old acknowledge.
//! A SYN-ACK changes nothing on an open link. SYN-ACK is repeated, and acknowledges the SYN. A SYN
//! on an open link closes it only if the peer does not prove to be alive. An RST counts only with a
//! number that the peer can have sent. A segment that three acknowledges in a row ask for is sent
//! again at once. The retransmission timeout grows with the round trip that is measured.

mod handshake;
mod link;

use std::collections::VecDeque;
use std::fmt;

use super::header::{Header, Malformed, ACK, BUSY, HEADER_BYTES, NUL};
use super::parameters::Parameters;
use super::receive_window::ReceiveWindow;
use super::send_window::SendWindow;
use super::sequence::Sequence;
use super::statistics::{RoundTrips, Statistics};

/// Upper bound on the events that wait; of more, the oldest pair is dropped.
const EVENTS_COUNT_MAX: usize = 64;
/// Upper bound on the segments of opening and closing that wait; of more, the oldest is dropped.
const CONTROL_COUNT_MAX: usize = 8;

/// Which end of the link it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Opens the link.
    Client,
    /// Waits until a client opens it.
    Server,
}

/// The timers of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// The next attempt to open the link, or to answer one.
    Open,
    /// An acknowledge has waited long enough, or the application for too long.
    Acknowledge,
    /// A segment has not been acknowledged.
    Retransmit,
    /// Nothing has been sent for long.
    Null,
}

impl Timer {
    /// All of them.
    pub const ALL: [Timer; 4] = [Timer::Open, Timer::Acknowledge, Timer::Retransmit, Timer::Null];
}

/// Why a link was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closure {
    /// [`Connection::stop`].
    Stopped,
    /// The peer has sent RST: it was stopped, or has lost the link.
    PeerReset,
    /// The peer has opened another link: it was restarted.
    PeerRestarted,
    /// The peer has not acknowledged a segment.
    PeerSilent {
        /// How often it was sent.
        transmissions: u32,
        /// In how many milliseconds.
        within_ms: u64,
    },
    /// The transport has changed the content of a frame that had to be sent again.
    FrameLost,
    /// The transport has ended.
    TransportLost,
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closure::Stopped => write!(f, "this end was stopped"),
            Closure::PeerReset => write!(f, "the peer has reset the link"),
            Closure::PeerRestarted => write!(f, "the peer was restarted"),
            Closure::PeerSilent { transmissions, within_ms } => write!(
                f,
                "the peer did not acknowledge a segment that was sent {transmissions} times \
                 within {within_ms} ms"
            ),
            Closure::FrameLost => {
                write!(f, "the transport has changed a frame that was to be sent again")
            }
            Closure::TransportLost => write!(f, "the transport has ended"),
        }
    }
}

/// A change of the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Data can be sent.
    Opened,
    /// No data can be sent; what was not acknowledged is lost.
    Closed(Closure),
}

/// Why data was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The link is not open.
    Closed,
    /// As many segments as agreed are outstanding.
    Full,
}

/// A segment to send: the header, and the payload behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit<P> {
    /// To be encoded in front of the payload.
    pub header: Header,
    /// The payload; `None` for a segment that is only a header.
    pub payload: Option<P>,
    /// The same payload has been handed out before.
    pub is_repeated: bool,
}

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Stopped,
    /// A client sends SYN.
    Opening(Opening),
    /// A server waits for SYN, or for a sign that its latest answer has arrived after all.
    Listening(Option<Answering>),
    /// A server has sent SYN-ACK.
    Answering(Answering),
    Open,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Opening {
    /// The SYN of this opening; all its repetitions are the same.
    syn: Option<Header>,
    /// How often it has been sent, and when first.
    count: u32,
    sent_at: u64,
    next_at: u64,
    /// An RST has been sent since the last pause, because the peer holds an old link.
    has_reset: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Answering {
    syn_ack: Header,
    agreed: Parameters,
    /// How often it has been sent, and when first.
    count: u32,
    sent_at: u64,
    next_at: u64,
}

/// When the peer said that it is busy.
#[derive(Clone, Copy)]
struct RemoteBusy {
    since: u64,
    /// The last time that it said so.
    last: u64,
}

/// One end of a link. `P` is a handle of a payload.
pub struct Connection<P> {
    role: Role,
    local: Parameters,
    current: Parameters,
    state: State,
    send: SendWindow<P>,
    /// Payloads to send after those in the window.
    backlog: VecDeque<P>,
    receive: ReceiveWindow<P>,
    control: VecDeque<Header>,
    events: VecDeque<Event>,
    released: Vec<P>,
    /// The number of the peer's SYN of this link, or of the last one.
    peer_start: Option<Sequence>,
    /// The latest SYN-ACK of a server; repeated for the same SYN as long as it has opened no link.
    last_answer: Option<Header>,
    /// Numbers of an RST for a link that was lost, and that the peer may still hold.
    lost: Option<(Sequence, Sequence)>,
    /// Links that were open and are no more, and why the last one of them is not.
    loss_count: u64,
    last_closure: Option<Closure>,
    /// The null timeout of the last link.
    last_null_ns: Option<u64>,
    /// The peer acknowledges numbers of this link and no others. SLAC's server does not until it has
    /// received data.
    acknowledges_numbers: bool,
    last_ack_sent: Sequence,
    /// An acknowledge does not wait.
    ack_due: bool,
    last_sent_at: u64,
    /// Not later than the next retransmission.
    retransmit_at: Option<u64>,
    /// Acknowledges in a row that say nothing new.
    repeated_acks: u32,
    /// The last segment that was outstanding when a loss was found.
    recovers_until: Option<Sequence>,
    /// A SYN has come on the open link, and no sign of life since.
    is_challenged: bool,
    remote_busy: Option<RemoteBusy>,
    local_busy_since: Option<u64>,
    is_delivering: bool,
    /// Since when the application has taken nothing, though there is something.
    stalled_since: Option<u64>,
    statistics: Statistics,
    round_trips: RoundTrips,
}

impl<P: Clone> Connection<P> {
    /// An end that is stopped. Its first segment has the number `first`, or one of the next.
    pub fn new(role: Role, local: Parameters, first: Sequence) -> Connection<P> {
        Connection {
            role,
            local,
            current: local,
            state: State::Stopped,
            send: SendWindow::new(first),
            backlog: VecDeque::new(),
            receive: ReceiveWindow::new(Sequence(0), 0),
            control: VecDeque::new(),
            events: VecDeque::new(),
            released: Vec::new(),
            peer_start: None,
            last_answer: None,
            lost: None,
            loss_count: 0,
            last_closure: None,
            last_null_ns: None,
            acknowledges_numbers: true,
            last_ack_sent: Sequence(0),
            ack_due: false,
            last_sent_at: 0,
            retransmit_at: None,
            repeated_acks: 0,
            recovers_until: None,
            is_challenged: false,
            remote_busy: None,
            local_busy_since: None,
            is_delivering: false,
            stalled_since: None,
            statistics: Statistics::default(),
            round_trips: RoundTrips::new(),
        }
    }

    /// Which end it is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The parameters that this end proposes, or limits its peer's by.
    pub fn local(&self) -> &Parameters {
        &self.local
    }

    /// Changes them; in use from the next opening on.
    pub fn set_local(&mut self, local: Parameters) {
        self.local = local;
        if self.last_null_ns.is_none() {
            self.current = local;
        }
    }

    /// The parameters of the present link, or of the last one; before the first the local ones.
    pub fn current(&self) -> &Parameters {
        &self.current
    }

    /// Largest payload of a segment in bytes.
    pub fn payload_max(&self) -> usize {
        self.current.payload_max().min(self.local.payload_max())
    }

    /// Whether the link is open.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether it is started.
    pub fn is_started(&self) -> bool {
        self.state != State::Stopped
    }

    /// How many links were open and are no more. Unlike [`Statistics::down_count`] it counts no
    /// opening that was given up, and is never reset: it tells a link from those before it.
    pub fn loss_count(&self) -> u64 {
        self.loss_count
    }

    /// Why the last open link was closed; `None` if there was none.
    pub fn last_closure(&self) -> Option<Closure> {
        self.last_closure
    }

    /// Whether this end is busy: the application does not take what has arrived.
    pub fn is_local_busy(&self) -> bool {
        self.local_busy_since.is_some()
    }

    /// Whether the peer is.
    pub fn is_remote_busy(&self) -> bool {
        self.remote_busy.is_some()
    }

    /// Segments that are sent, or about to be, and not acknowledged.
    pub fn outstanding(&self) -> usize {
        self.send.len()
    }

    /// Payloads queued beyond the window.
    pub fn queued(&self) -> usize {
        self.backlog.len()
    }

    /// Payloads that can be delivered.
    pub fn deliverable(&self) -> usize {
        self.receive.payloads()
    }

    /// The counters; those of a state that lasts include it up to `now`.
    pub fn statistics(&self, now: u64) -> Statistics {
        let lasted = |since: Option<u64>| since.map_or(0, |since| now.saturating_sub(since));
        let mut statistics = self.statistics;
        statistics.local_busy_ns += lasted(self.local_busy_since);
        statistics.remote_busy_ns += lasted(self.remote_busy.map(|busy| busy.since));
        statistics.round_trip_ns = self.round_trips.smoothed();
        (statistics.round_trip_p50_ns, statistics.round_trip_p99_ns) =
            self.round_trips.percentiles();
        statistics
    }

    /// Sets the counters to 0, and forgets the round trips that percentiles are made of.
    pub fn reset_statistics(&mut self, now: u64) {
        self.statistics = Statistics::default();
        self.round_trips.forget_latest();
        self.local_busy_since = self.local_busy_since.map(|_| now);
        if let Some(busy) = &mut self.remote_busy {
            busy.since = now;
        }
    }

    /// Takes a datagram of `bytes` bytes. `start` is its first 24 bytes, or all of a shorter one,
    /// and `payload` stands for all of it: what comes out of [`poll_deliver`](Self::poll_deliver)
    /// still has the 8 bytes of the header at its start.
    ///
    /// # Errors
    ///
    /// It is no segment; it is counted and dropped.
    pub fn receive(
        &mut self,
        now: u64,
        start: &[u8],
        bytes: usize,
        payload: P,
    ) -> Result<(), Malformed> {
        let header = match Header::decode(start, bytes) {
            Ok(header) => header,
            Err(malformed) => {
                self.statistics.drops.count(&malformed);
                self.released.push(payload);
                return Err(malformed);
            }
        };
        if self.is_open() || self.handshake(now, &header) {
            self.receive_open(now, &header, bytes > HEADER_BYTES, payload);
        } else {
            self.released.push(payload);
        }
        self.settle(now);
        Ok(())
    }

    /// Whether the peer is to be told at once that a segment is missing: it counts the acknowledges
    /// that say so, one for each segment behind that one.
    pub fn asks_for_segment(&self) -> bool {
        self.ack_due && self.receive.has_gap()
    }

    /// Whether the sender of a datagram, described as for [`receive`](Self::receive), may take the
    /// place of the present peer, whose address it does not have; then `receive` follows. A server
    /// admits a SYN while no link is open. On an open link a SYN makes it ask the peer for a sign of
    /// life, without which the link is soon closed; nothing else of a stranger has any effect.
    pub fn admits(&mut self, now: u64, start: &[u8], bytes: usize) -> bool {
        if self.role == Role::Client || !self.is_started() {
            return !self.is_open();
        }
        let header = Header::decode(start, bytes);
        let is_opening = header.is_ok_and(|header| header.is_opening());
        if is_opening {
            self.receive_foreign_syn();
            self.settle(now);
        }
        is_opening && !self.is_open()
    }

    /// Takes data to send, if there is room in the window.
    ///
    /// # Errors
    ///
    /// The reason, and the payload.
    pub fn send(&mut self, payload: P) -> Result<(), (Refusal, P)> {
        if !self.is_open() {
            return Err((Refusal::Closed, payload));
        }
        if !self.has_room() {
            return Err((Refusal::Full, payload));
        }
        self.send.push(Some(payload));
        Ok(())
    }

    /// Takes data to send when there is room in the window. The caller bounds how much.
    ///
    /// # Errors
    ///
    /// The link is not open; the payload.
    pub fn queue(&mut self, payload: P) -> Result<(), P> {
        if !self.is_open() {
            return Err(payload);
        }
        self.backlog.push_back(payload);
        self.use_room();
        Ok(())
    }

    /// Whether [`send`](Self::send) takes data.
    pub fn has_room(&self) -> bool {
        self.backlog.is_empty() && self.send.has_room(self.current.window())
    }

    fn use_room(&mut self) {
        while !self.backlog.is_empty() && self.send.has_room(self.current.window()) {
            let payload = self.backlog.pop_front();
            self.send.push(payload);
        }
    }

    /// The next change of the link.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next payload for the application, whose taking it counts as received. It is busy until
    /// [`delivered`](Self::delivered).
    pub fn poll_deliver(&mut self, now: u64) -> Option<P> {
        let payload = self.receive.take()?;
        self.statistics.received_count += 1;
        self.is_delivering = true;
        self.stalled_since = Some(now);
        self.settle(now);
        Some(payload)
    }

    /// The application has taken the last payload that was delivered.
    pub fn delivered(&mut self, now: u64) {
        self.is_delivering = false;
        self.stalled_since = None;
        self.settle(now);
    }

    /// A payload that is no longer needed.
    pub fn poll_released(&mut self) -> Option<P> {
        self.released.pop()
    }

    /// The next segment to send, which counts as sent at `now`.
    pub fn poll_transmit(&mut self, now: u64) -> Option<Transmit<P>> {
        if let Some(header) = self.control.pop_front() {
            self.last_sent_at = now;
            return Some(Transmit { header, payload: None, is_repeated: false });
        }
        if !self.is_open() {
            return None;
        }
        if let Some(due) = self.send.send(now) {
            if due.is_repeated {
                self.statistics.retran_count += 1;
            } else {
                self.statistics.sent_count += u64::from(due.payload.is_some());
            }
            self.retransmit_at.get_or_insert(now + self.retransmission_timeout());
            let flags = if due.payload.is_some() { ACK } else { ACK | NUL };
            let header = self.stamped(now, flags, due.sequence);
            return Some(Transmit { header, payload: due.payload, is_repeated: due.is_repeated });
        }
        self.wants_to_acknowledge(now).then(|| {
            let header = self.stamped(now, ACK, self.send.next());
            Transmit { header, payload: None, is_repeated: false }
        })
    }

    /// The payload of a segment that [`poll_transmit`](Self::poll_transmit) has handed out for the
    /// first time does not leave: another segment with its header, or a null segment, does.
    pub fn note_withheld(&mut self) {
        // The counters may have been reset in between.
        self.statistics.sent_count = self.statistics.sent_count.saturating_sub(1);
    }

    /// A header with the present acknowledge number. A busy end repeats the last one.
    fn stamped(&mut self, now: u64, flags: u8, sequence: Sequence) -> Header {
        let flags = match self.is_local_busy() {
            true => flags | BUSY,
            false => {
                self.last_ack_sent = self.receive.last_taken();
                flags
            }
        };
        self.ack_due = false;
        self.last_sent_at = now;
        Header::plain(flags, sequence, self.last_ack_sent)
    }

    /// When `timer` is due at the latest; it may find nothing to do.
    pub fn deadline(&self, timer: Timer) -> Option<u64> {
        match (timer, &self.state) {
            (Timer::Open, State::Opening(opening)) => Some(opening.next_at),
            (Timer::Open, State::Answering(answering)) => Some(answering.next_at),
            (Timer::Acknowledge, State::Open) => self.acknowledge_at(),
            (Timer::Retransmit, State::Open) => self.retransmit_at,
            (Timer::Null, State::Open) => self.null_at(),
            _ => None,
        }
    }

    /// The earliest deadline of all timers.
    pub fn next_deadline(&self) -> Option<u64> {
        Timer::ALL.into_iter().filter_map(|timer| self.deadline(timer)).min()
    }

    /// Does what is to be done when the deadline of `timer` has passed.
    pub fn timeout(&mut self, timer: Timer, now: u64) {
        if self.deadline(timer).is_none_or(|deadline| deadline > now) {
            return;
        }
        match timer {
            Timer::Open => self.try_again(now),
            Timer::Acknowledge => {}
            Timer::Retransmit => self.retransmit(now),
            Timer::Null if self.send.is_empty() => self.send.push(None),
            // What is outstanding is a sign of life that waits for an answer; this one is heard.
            Timer::Null => self.ack_due = true,
        }
        self.settle(now);
        if timer == Timer::Acknowledge && self.is_open() {
            let waits = self.pending_acks() > 0 || self.is_local_busy();
            self.ack_due |= waits && now >= self.last_sent_at + self.current.cum_ack_ns();
        }
    }
}

#[cfg(test)]
mod tests;
