//! How a link is opened and closed.
//!
//! A client sends SYN several times in a row and then pauses for longer than the null timeout.
//! Firmware that still holds an earlier link answers no SYN, and takes each for a sign of life of
//! that link: without the pause it would never let go of it.

use super::{
    Answering, Closure, Connection, Event, Opening, Role, State, CONTROL_COUNT_MAX,
    EVENTS_COUNT_MAX,
};
use crate::proto::rssi::header::{Header, Syn, ACK, CONNECTION_ID, RST, SYN};
use crate::proto::rssi::parameters::Parameters;
use crate::proto::rssi::sequence::Sequence;

/// SYNs in a row before a pause.
const SYNS_IN_A_ROW: u32 = 5;
/// The pause of a client that has agreed on no null timeout yet, in nanoseconds.
const PAUSE_UNKNOWN_NS: u64 = 2_000_000_000;
/// How often SYN-ACK is sent on a timer, before the server waits for another SYN. The answer may
/// still arrive: on a slow road later than after all of these.
const SYN_ACKS_COUNT_MAX: u32 = 10;

impl<P: Clone> Connection<P> {
    /// Begins to open the link, or to wait for a client.
    pub fn start(&mut self, now: u64) {
        if !self.is_started() {
            self.begin(now);
        }
    }

    /// Closes the link, or gives its opening up, and tells the peer.
    pub fn stop(&mut self, now: u64) {
        if self.is_started() {
            let has_peer = match &self.state {
                State::Opening(opening) => opening.syn.is_some(),
                State::Answering(_) | State::Open => true,
                State::Stopped | State::Listening(_) => false,
            };
            self.close(now, Closure::Stopped, has_peer);
            self.state = State::Stopped;
        }
    }

    /// Closes the link because the transport has changed a frame that was to be sent again.
    pub fn fail_frame(&mut self, now: u64) {
        if self.is_open() {
            self.close(now, Closure::FrameLost, true);
        }
    }

    /// Closes the link because the transport has ended, which would bring no acknowledge.
    pub fn lose_transport(&mut self, now: u64) {
        if self.is_open() {
            self.close(now, Closure::TransportLost, false);
        }
    }

    fn begin(&mut self, at: u64) {
        self.state = match self.role {
            Role::Client => {
                let (syn, count, sent_at, next_at) = (None, 0, at, at);
                State::Opening(Opening { syn, count, sent_at, next_at, has_reset: false })
            }
            Role::Server => State::Listening(None),
        };
    }

    /// Takes a segment while the link is not open. Whether it is part of a link that is open now.
    pub(super) fn handshake(&mut self, now: u64, header: &Header) -> bool {
        match self.state {
            State::Opening(opening) => self.receive_opening(now, opening, header),
            State::Listening(former) => return self.receive_listening(now, former, header),
            State::Answering(answering) => return self.receive_answering(now, answering, header),
            State::Stopped | State::Open => {}
        }
        false
    }

    fn receive_opening(&mut self, now: u64, mut opening: Opening, header: &Header) {
        let Some(own) = opening.syn else { return };
        if header.has(RST) {
            // A link that the peer still held is gone, or it is about to be ready.
            if header.syn.is_none() {
                opening.count -= opening.count % SYNS_IN_A_ROW;
                opening.next_at = opening.next_at.min(now + self.local.try_period_ns());
                self.state = State::Opening(opening);
            }
        } else if let Some(syn) = &header.syn {
            // SLAC's software acknowledges another number than that of the SYN. But an answer that
            // belongs to the last link has the number of that one's.
            let is_answer = header.has(ACK)
                && (header.acknowledge == own.sequence || self.peer_start != Some(header.sequence));
            if !is_answer {
                self.statistics.drops.unexpected_syn += 1;
                return;
            }
            let agreed = self.local.agreed(syn);
            self.measure_handshake(now, opening.count, opening.sent_at);
            self.open(now, agreed, own.sequence, header.sequence);
            self.acknowledges_numbers = header.acknowledge == own.sequence;
            self.ack_due = true;
        } else if header.has(ACK) && opening.count >= 2 && !opening.has_reset {
            // It holds an earlier link. An RST counts with the number that it expects there.
            opening.has_reset = true;
            self.state = State::Opening(opening);
            self.push_control(Header::plain(RST, header.acknowledge.next(), header.sequence));
        }
    }

    fn receive_listening(&mut self, now: u64, former: Option<Answering>, header: &Header) -> bool {
        let Some(syn) = &header.syn else {
            return former.is_some_and(|former| self.receive_late(now, &former, header));
        };
        if !header.is_opening() {
            self.statistics.drops.unexpected_syn += 1;
            return false;
        }
        let agreed = self.local.agreed(syn);
        let syn = agreed.to_syn(syn.connection_id);
        // A client that has received the former answer late must not take it for another one.
        let former = self
            .last_answer
            .filter(|former| former.acknowledge == header.sequence && former.syn == Some(syn));
        let syn_ack =
            former.unwrap_or_else(|| self.opening_header(SYN | ACK, header.sequence, syn));
        self.answer(now, syn_ack, agreed);
        false
    }

    /// Takes a segment, not a SYN, after the answer has been given up. A client that has received it
    /// holds an open link, in which it sends until it takes this end for silent.
    fn receive_late(&mut self, now: u64, former: &Answering, header: &Header) -> bool {
        if header.has(RST) {
            if is_reset_of(former, header) {
                self.state = State::Listening(None);
            }
            return false;
        }
        header.has(ACK) && self.open_if_answered(now, former, header)
    }

    /// Takes note of the SYN of a client at another address than the peer's, or than that of the client
    /// that is answered.
    pub(super) fn receive_foreign_syn(&mut self) {
        match self.state {
            State::Open => self.ask_for_life(),
            // Its numbers have nothing to do with those of the former client.
            State::Answering(_) => self.state = State::Listening(None),
            State::Stopped | State::Listening(_) | State::Opening(_) => {}
        }
    }

    fn answer(&mut self, now: u64, syn_ack: Header, agreed: Parameters) {
        let (sent_at, next_at) = (now, now + self.local.try_period_ns());
        self.last_answer = Some(syn_ack);
        self.state = State::Answering(Answering { syn_ack, agreed, count: 1, sent_at, next_at });
        self.push_control(syn_ack);
    }

    /// The first round trip of a link: of a segment that was sent once.
    fn measure_handshake(&mut self, now: u64, count: u32, sent_at: u64) {
        if count == 1 {
            self.round_trips.add(now.saturating_sub(sent_at));
        }
    }

    fn receive_answering(&mut self, now: u64, answering: Answering, header: &Header) -> bool {
        let syn_ack = answering.syn_ack;
        if header.has(RST) {
            match is_reset_of(&answering, header) {
                true => self.state = State::Listening(None),
                false => self.statistics.drops.forged_reset += 1,
            }
            return false;
        }
        if let Some(syn) = &header.syn {
            let ahead = header.sequence.since(syn_ack.acknowledge);
            if header.has(ACK) || ahead > u8::MAX / 2 {
                // One of another role, or an older one than that which is answered.
                self.statistics.drops.unexpected_syn += 1;
            } else if header.sequence == syn_ack.acknowledge {
                self.state =
                    State::Answering(Answering { count: answering.count + 1, ..answering });
                self.push_control(syn_ack);
            } else {
                // Some peers repeat it with another number. The answer keeps its own.
                let agreed = self.local.agreed(syn);
                let syn = Some(agreed.to_syn(syn.connection_id));
                let acknowledge = header.sequence;
                self.answer(now, Header { acknowledge, syn, ..syn_ack }, agreed);
            }
            return false;
        }
        self.open_if_answered(now, &answering, header)
    }

    /// Opens the link if a segment, neither SYN nor RST, shows that the client has received the
    /// answer; whether it does.
    fn open_if_answered(&mut self, now: u64, answering: &Answering, header: &Header) -> bool {
        let syn_ack = answering.syn_ack;
        // The number after that of the SYN, and no other: the answer may be to a SYN that the client
        // has given up. Some peers send data before they have acknowledged the answer.
        let opens = header.sequence == syn_ack.acknowledge.next()
            && (!header.has(ACK) || header.acknowledge == syn_ack.sequence);
        if opens {
            self.measure_handshake(now, answering.count, answering.sent_at);
            self.open(now, answering.agreed, syn_ack.sequence, syn_ack.acknowledge);
        }
        opens
    }

    /// The timer of the opening.
    pub(super) fn try_again(&mut self, now: u64) {
        let period = self.local.try_period_ns();
        match self.state {
            State::Opening(mut opening) => {
                if opening.count % SYNS_IN_A_ROW == 0 {
                    opening.has_reset = false;
                    let lost = self.lost.take();
                    lost.into_iter().for_each(|(sequence, acknowledge)| {
                        self.push_control(Header::plain(RST, sequence, acknowledge));
                    });
                }
                let acknowledge = self.last_ack_sent;
                let syn = opening.syn.unwrap_or_else(|| {
                    let syn = self.local.to_syn(CONNECTION_ID);
                    self.opening_header(SYN, acknowledge, syn)
                });
                self.push_control(syn);
                if opening.count == 0 {
                    opening.sent_at = now;
                }
                opening.syn = Some(syn);
                opening.count = opening.count.wrapping_add(1);
                let wait =
                    if opening.count % SYNS_IN_A_ROW == 0 { self.pause_ns() } else { period };
                opening.next_at = now + wait.max(period);
                self.state = State::Opening(opening);
            }
            State::Answering(mut answering) if answering.count < SYN_ACKS_COUNT_MAX => {
                self.push_control(answering.syn_ack);
                answering.count += 1;
                answering.next_at = now + period;
                self.state = State::Answering(answering);
            }
            State::Answering(answering) => self.state = State::Listening(Some(answering)),
            State::Stopped | State::Listening(_) | State::Open => {}
        }
    }

    /// A quarter longer than the null timeout of the link that the peer may hold.
    fn pause_ns(&self) -> u64 {
        self.last_null_ns.map_or(PAUSE_UNKNOWN_NS, |null| null + null / 4)
    }

    /// A header with SYN and the next number whose checksum all peers compute alike.
    fn opening_header(&mut self, flags: u8, acknowledge: Sequence, syn: Syn) -> Header {
        let header = |sequence| Header { flags, sequence, acknowledge, syn: Some(syn) };
        let mut chosen = header(self.send.skip());
        // 256 numbers cannot all be ambiguous: that takes a sum within 0xFFFF of a carry.
        for _ in 0..=u8::MAX {
            if chosen.is_unambiguous() {
                break;
            }
            chosen = header(self.send.skip());
        }
        chosen
    }

    fn open(&mut self, now: u64, agreed: Parameters, own: Sequence, peer: Sequence) {
        self.state = State::Open;
        self.current = agreed;
        self.last_null_ns = Some(agreed.null_ns());
        self.send.restart(own.next(), &mut self.released);
        // Null segments are sent beyond the window.
        let limit = agreed.window() + 2;
        self.receive.restart(peer.next(), limit, &mut self.released);
        self.peer_start = Some(peer);
        self.lost = None;
        self.acknowledges_numbers = true;
        self.last_ack_sent = peer;
        self.ack_due = false;
        self.last_sent_at = now;
        self.retransmit_at = None;
        self.repeated_acks = 0;
        self.recovers_until = None;
        self.is_challenged = false;
        self.last_answer = None;
        self.stalled_since = self.is_delivering.then_some(now);
        self.statistics.open_count += 1;
        self.push_event(Event::Opened);
    }

    /// Ends the link or its opening, and prepares the next one. With `tells_peer` an RST is sent.
    pub(super) fn close(&mut self, now: u64, closure: Closure, tells_peer: bool) {
        if self.is_open() {
            self.loss_count += 1;
            self.last_closure = Some(closure);
            self.push_event(Event::Closed(closure));
        }
        self.control.clear();
        let (first, next) = (self.send.first(), self.send.next());
        self.released.extend(self.backlog.drain(..));
        if tells_peer {
            self.push_control(Header::plain(RST, next, self.last_ack_sent));
            if first != next {
                // Firmware takes it only with the number that it expects: this one, if nothing of
                // what is outstanding has arrived.
                self.push_control(Header::plain(RST, first, self.last_ack_sent));
            }
        }
        self.send.restart(next.next(), &mut self.released);
        self.receive.restart(Sequence(0), 0, &mut self.released);
        self.statistics.down_count += 1;
        self.end_busy(now);
        self.begin(now + self.local.try_period_ns());
    }

    fn end_busy(&mut self, now: u64) {
        if let Some(busy) = self.remote_busy.take() {
            self.statistics.remote_busy_ns += now.saturating_sub(busy.since);
        }
        if let Some(since) = self.local_busy_since.take() {
            self.statistics.local_busy_ns += now.saturating_sub(since);
        }
        self.stalled_since = None;
    }

    fn push_event(&mut self, event: Event) {
        if self.events.len() >= EVENTS_COUNT_MAX {
            self.events.drain(..2);
        }
        self.events.push_back(event);
    }

    fn push_control(&mut self, header: Header) {
        if self.control.len() >= CONTROL_COUNT_MAX {
            self.control.pop_front();
        }
        self.control.push_back(header);
    }
}

/// Whether an RST is of the client that is answered: it closes a link that this end has not seen
/// open yet.
fn is_reset_of(answering: &Answering, header: &Header) -> bool {
    matches!(header.sequence.since(answering.syn_ack.acknowledge), 0..=2)
}
