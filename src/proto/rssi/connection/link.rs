//! The open link: acknowledgement, retransmission, flow control.

use super::{Closure, Connection, RemoteBusy, Role};
use crate::proto::rssi::header::{Header, ACK, BUSY, NUL, RST, SYN};
use crate::proto::rssi::receive_window::Arrival;
use crate::proto::rssi::send_window::{Acknowledged, Overdue};

/// Acknowledges in a row that say nothing new, after which the oldest segment counts as lost. TCP's
/// number (RFC 5681).
const REPEATED_ACKS_OF_LOSS: u32 = 3;
/// Added to the time after which a round trip is overdue in the repair of a loss: the resolution of the
/// timers that drive a connection, one millisecond.
const REPAIR_MARGIN_NS: u64 = 1_000_000;
/// The retransmission timeout grows with the round trip up to this multiple of the agreed one.
const RETRANSMISSION_TIMEOUT_FACTOR_MAX: u64 = 10;
/// SLAC's software sends each SYN with a new number. This is the number of them, after the one that
/// opened a link, that are taken for later attempts of the same opening.
const LATE_SYNS_COUNT_MAX: u8 = 8;
/// Time without any transmission after which a null segment follows, as a part of the null timeout.
const NULLS_PER_TIMEOUT: u64 = 3;
/// Number of payloads that wait for the application of an end that is busy.
const BUSY_PAYLOADS_COUNT: usize = 2;

impl<P: Clone> Connection<P> {
    /// Takes a segment on the open link.
    pub(super) fn receive_open(
        &mut self,
        now: u64,
        header: &Header,
        has_payload: bool,
        payload: P,
    ) {
        if header.has(RST) || header.has(SYN) {
            self.released.push(payload);
            return match header.has(RST) {
                true => self.receive_reset(now, header),
                false => self.receive_syn(header),
            };
        }
        if self.acknowledges_numbers
            && header.has(ACK)
            && !self.send.is_plausible(header.acknowledge)
        {
            // It belongs to an earlier link, or to no peer at all.
            self.statistics.drops.out_of_window += 1;
            self.released.push(payload);
            return;
        }
        let is_data = has_payload && !header.has(NUL);
        self.receive_acknowledge(now, header, !has_payload && !header.has(NUL));
        let segment = if is_data {
            Some(payload)
        } else {
            self.released.push(payload);
            if !header.has(NUL) {
                return;
            }
            None
        };
        match self.receive.insert(header.sequence, segment) {
            Arrival::InOrder => {
                self.is_challenged = false;
                // Now, instead of with a timer: a null segment comes when all is idle.
                self.ack_due |= !is_data;
                if self.receive.payloads() > 0 {
                    self.stalled_since.get_or_insert(now);
                }
            }
            // The peer learns that one is missing.
            Arrival::Ahead => self.ack_due = true,
            Arrival::Duplicate(segment) => {
                self.statistics.drops.duplicate += 1;
                self.ack_due = true;
                self.released.extend(segment);
            }
            Arrival::Beyond(segment) => {
                self.statistics.drops.out_of_window += 1;
                self.released.extend(segment);
            }
        }
    }

    fn receive_acknowledge(&mut self, now: u64, header: &Header, is_bare: bool) {
        if !header.has(ACK) {
            return self.receive_busy(now, header.has(BUSY));
        }
        match self.send.acknowledge(header.acknowledge, now, &mut self.released) {
            Acknowledged::Stale => {
                self.statistics.stale_acks += 1;
                // As old as its number: what it says of the peer has been superseded.
                return;
            }
            Acknowledged::Same if is_bare && !header.has(BUSY) && !self.send.is_empty() => {
                self.repeated_acks = self.repeated_acks.saturating_add(1);
                // Later ones too: the first three may come before a round trip has passed.
                let is_lost = self.repeated_acks >= REPEATED_ACKS_OF_LOSS
                    && self.send.first_transmissions() == 1;
                if is_lost && self.repeat_first(now) {
                    self.recovers_until = Some(self.send.next().previous());
                }
            }
            Acknowledged::Same => {}
            Acknowledged::New { round_trip, .. } => {
                self.acknowledges_numbers = true;
                self.is_challenged = false;
                self.repeated_acks = 0;
                round_trip.into_iter().for_each(|round_trip| self.round_trips.add(round_trip));
                self.recover(now);
            }
        }
        self.receive_busy(now, header.has(BUSY));
    }

    /// Repeats the next segment that was outstanding when a loss was found, if it is still missing.
    fn recover(&mut self, now: u64) {
        let Some(end) = self.recovers_until else { return };
        let left = usize::from(end.since(self.send.first()));
        if self.send.is_empty() || left >= self.send.len() {
            self.recovers_until = None;
        } else {
            self.repeat_first(now);
        }
    }

    /// Makes the oldest segment due, and looks after a round trip whether that has helped. Returns
    /// whether it has become due.
    fn repeat_first(&mut self, now: u64) -> bool {
        let is_due = self.send.repeat_first(now, self.round_trips.smoothed());
        if let Some(patience) = self.repair_patience().filter(|_| is_due) {
            let again = now.saturating_add(patience);
            self.retransmit_at = Some(self.retransmit_at.map_or(again, |at| at.min(again)));
        }
        is_due
    }

    /// After which time the repetition of a lost segment is lost too, once a round trip is known: the
    /// peer acknowledges at once what it has of those behind it.
    fn repair_patience(&self) -> Option<u64> {
        let is_known = self.round_trips.smoothed() > 0;
        is_known.then(|| self.round_trips.timeout().saturating_add(REPAIR_MARGIN_NS))
    }

    /// Repeats the segment that holds up the repair of a loss once more, if its repetition has been
    /// lost. Returns when it will count as lost. Later it waits as any segment does.
    fn repair(&mut self, now: u64) -> Option<u64> {
        if self.recovers_until.is_none() || self.send.first_transmissions() != 2 {
            return None;
        }
        let patience = self.repair_patience()?;
        let lost_at = self.send.first_sent()?.saturating_add(patience);
        if now < lost_at {
            return Some(lost_at);
        }
        self.send.repeat_first(now, patience);
        None
    }

    fn receive_busy(&mut self, now: u64, is_busy: bool) {
        if is_busy {
            self.send.excuse();
        }
        match (&mut self.remote_busy, is_busy) {
            (Some(busy), true) => busy.last = now,
            (None, true) => {
                self.statistics.remote_busy_count += 1;
                self.remote_busy = Some(RemoteBusy { since: now, last: now });
            }
            (Some(busy), false) => {
                self.statistics.remote_busy_ns += now.saturating_sub(busy.since);
                self.remote_busy = None;
                // What was held back is overdue.
                self.retransmit(now);
            }
            (None, false) => {}
        }
    }

    fn receive_reset(&mut self, now: u64, header: &Header) {
        if self.receive.is_near(header.sequence) {
            self.close(now, Closure::PeerReset, true);
        } else {
            self.statistics.drops.forged_reset += 1;
        }
    }

    /// Takes a SYN on the open link: a late one, a replay, or that of a peer that was restarted. In
    /// the last case nothing that is outstanding will be acknowledged; so something has to be.
    fn receive_syn(&mut self, header: &Header) {
        let is_answer = header.has(ACK);
        let since_start = self.peer_start.map_or(0, |start| header.sequence.since(start));
        if self.role == Role::Client || is_answer {
            // The acknowledge of the peer's answer may have been lost.
            self.ack_due |= is_answer && since_start == 0;
            self.statistics.drops.unexpected_syn += 1;
            return;
        }
        let start = self.peer_start.unwrap_or_default();
        let has_none = self.receive.next() == start.next();
        if has_none && (1..=LATE_SYNS_COUNT_MAX).contains(&since_start) {
            self.peer_start = Some(header.sequence);
            for count in 1..=since_start {
                // Never returned: it has no payload.
                let _ = self.receive.insert(start.plus(count), None);
            }
            self.ack_due = true;
            return;
        }
        self.statistics.drops.unexpected_syn += 1;
        // The SYN that has opened this link may be a replay.
        self.is_challenged |= since_start != 0;
        self.ask_for_life();
    }

    /// Sends what a peer that lives acknowledges, if nothing is outstanding.
    pub(super) fn ask_for_life(&mut self) {
        if self.send.is_empty() {
            self.send.push(None);
        }
    }

    /// Makes the segments due whose acknowledge is overdue. Closes the link if the peer is silent.
    pub(super) fn retransmit(&mut self, now: u64) {
        let lapse = self.current.null_ns();
        if let Some(busy) = self.remote_busy.filter(|busy| now < busy.last + lapse) {
            // A peer that is busy says so again and again, until it is not.
            self.retransmit_at = Some(busy.last + lapse);
            return;
        }
        let repair = self.repair(now);
        let timeout = self.retransmission_timeout();
        // While the application blocks the thread that delivers, acknowledges may wait unread.
        let is_deaf = self.is_delivering && self.is_local_busy();
        let limit = if is_deaf { u32::MAX } else { u32::from(self.current.max_retran) };
        match self.send.expire(now, timeout, limit) {
            Overdue::Next(next) => self.retransmit_at = next.into_iter().chain(repair).min(),
            Overdue::Exhausted { sequence, transmissions, since } => {
                if self.is_challenged {
                    return self.close(now, Closure::PeerRestarted, false);
                }
                self.lost = Some((sequence, self.last_ack_sent));
                let within_ms = now.saturating_sub(since) / 1_000_000;
                self.close(now, Closure::PeerSilent { transmissions, within_ms }, true);
            }
        }
    }

    /// After which time an acknowledge is overdue: as agreed, or longer on a road whose round trips
    /// take longer. Without that, every segment would be sent several times there.
    pub(super) fn retransmission_timeout(&self) -> u64 {
        let agreed = self.current.retran_ns();
        self.round_trips.timeout().clamp(agreed, agreed * RETRANSMISSION_TIMEOUT_FACTOR_MAX)
    }

    /// Segments handed on since the last acknowledge.
    pub(super) fn pending_acks(&self) -> u8 {
        self.receive.last_taken().since(self.last_ack_sent)
    }

    pub(super) fn wants_to_acknowledge(&self, now: u64) -> bool {
        let pending = self.pending_acks();
        let is_enough = !self.is_local_busy() && pending >= self.current.max_cum_ack;
        let waits = pending > 0 || self.is_local_busy();
        self.ack_due || is_enough || waits && now >= self.last_sent_at + self.current.cum_ack_ns()
    }

    pub(super) fn acknowledge_at(&self) -> Option<u64> {
        let waits = !self.ack_due && (self.pending_acks() > 0 || self.is_local_busy());
        let acknowledge = waits.then(|| self.last_sent_at + self.current.cum_ack_ns());
        let busy = if self.is_local_busy() { None } else { self.busy_at() };
        acknowledge.into_iter().chain(busy).min()
    }

    /// `None` while a segment is about to be sent, which takes the place of a null segment.
    pub(super) fn null_at(&self) -> Option<u64> {
        let is_idle = !self.ack_due && !self.send.has_due() && self.control.is_empty();
        is_idle.then(|| self.last_sent_at + self.current.null_ns() / NULLS_PER_TIMEOUT)
    }

    /// From when on this end counts as busy: two payloads have waited as long as an acknowledge may,
    /// or the application has taken as long for one as the peer waits before it repeats. (Shorter
    /// than that, the peer would learn of it too late to do anything about it.)
    fn busy_at(&self) -> Option<u64> {
        let since = self.stalled_since?;
        let patience = match self.receive.payloads() {
            BUSY_PAYLOADS_COUNT.. => self.current.cum_ack_ns(),
            _ => self.current.retran_ns(),
        };
        Some(since + patience)
    }

    /// Brings what follows from other state up to date.
    pub(super) fn settle(&mut self, now: u64) {
        if !self.is_open() {
            return;
        }
        self.use_room();
        if self.send.is_empty() {
            self.retransmit_at = None;
        }
        if !self.is_delivering {
            match self.receive.payloads() {
                0 => self.stalled_since = None,
                _ => {
                    self.stalled_since.get_or_insert(now);
                }
            }
        }
        let stays_busy = self.is_local_busy() && self.receive.payloads() >= BUSY_PAYLOADS_COUNT;
        let is_busy = stays_busy || self.busy_at().is_some_and(|at| now >= at);
        match self.local_busy_since {
            None if is_busy => {
                self.local_busy_since = Some(now);
                self.statistics.local_busy_count += 1;
            }
            Some(since) if !is_busy => {
                self.statistics.local_busy_ns += now.saturating_sub(since);
                self.local_busy_since = None;
                self.ack_due = true;
            }
            _ => {}
        }
    }
}
