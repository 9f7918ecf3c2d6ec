//! Peers that go on too slowly with what they have begun.

use std::time::Duration;

use super::Link;
use crate::bridge::link::connection::{Connection, ReadState};
use crate::bridge::link::options::add;
use crate::bridge::link::pairing::ConnectionId;
use crate::bridge::link::progress::{slowest, Candidate, Progress, Unfinished, Way, GRACE};
use crate::bridge::link::service::Service;
use crate::clock::Time;
use crate::logging::log_warning;
use crate::net::socket;

/// A measurement of speed is good for this long, if other servers of the process want room.
const MEASURED_TIME_MAX: Duration = Duration::from_secs(5);

impl<C> Connection<C> {
    /// Whether a message has come in part, and the peer alone delays its rest.
    fn is_input_unfinished(&self) -> bool {
        self.client.is_some()
            && self.input.state == ReadState::Reading
            && !self.wire.session.is_between_messages()
    }

    /// Octets that the peer has sent, or that it has acknowledged.
    fn octets(&self, way: Way) -> u64 {
        match way {
            Way::In => self.input.received,
            Way::Out => {
                let waiting = socket::unacknowledged(&*self.wire.stream).unwrap_or(0);
                self.wire.out.sent_octets().saturating_sub(waiting)
            }
        }
    }

    fn progress_mut(&mut self, way: Way) -> &mut Option<Progress> {
        &mut self.progress[way as usize]
    }

    fn rest(&self, way: Way) -> u64 {
        match way {
            Way::In => self.wire.session.part_remaining(),
            Way::Out => self.wire.out.backlog() as u64,
        }
    }
}

impl<S: Service> Link<S> {
    /// Notes what is unfinished on a client's connections after its turn.
    #[inline]
    pub(super) fn note_progress(&mut self, id: ConnectionId, now: Time) {
        let Some(connection) = self.peers.connections.get_mut(&id) else { return };
        let response = connection.client.as_ref().and_then(|client| client.response);
        note(&mut self.peers.unfinished, id, connection, now);
        let Some(id) = response else { return };
        if let Some(connection) = self.peers.connections.get_mut(&id) {
            note(&mut self.peers.unfinished, id, connection, now);
        }
    }

    /// Closes the connections whose peers have been too slow with what they have begun.
    pub(super) fn check_progress(&mut self, service: &mut S, now: Time) {
        let mut next: Option<Time> = None;
        for (id, way) in self.peers.unfinished.all() {
            let deadline = self.refresh(id, way, now).filter(|&deadline| deadline > now);
            let is_kept =
                deadline.is_some() || self.may_be_slow(way) || self.is_read(service, id, way, now);
            match is_kept {
                true => {
                    let deadline = deadline.unwrap_or(now + GRACE);
                    next = Some(next.map_or(deadline, |next| next.min(deadline)));
                }
                false => self.close_slow(service, id, way, now),
            }
        }
        self.peers.unfinished.checked(next);
    }

    /// Notes the octets that have come or gone so far. Returns the deadline of the next ones.
    fn refresh(&mut self, id: ConnectionId, way: Way, now: Time) -> Option<Time> {
        let connection = self.peers.connections.get_mut(&id)?;
        let octets = connection.octets(way);
        let rate = self.progress_rate;
        let progress = connection.progress_mut(way).as_mut()?;
        progress.advance(octets, now, rate);
        Some(progress.deadline())
    }

    /// Whether peers may take as long as they like.
    fn may_be_slow(&self, way: Way) -> bool {
        self.progress_rate == 0 || way == Way::Out && !self.limits_output
    }

    /// Reads a connection whose time is over once more: octets may have come while the thread did
    /// something else. Returns whether the peer has gone on.
    fn is_read(&mut self, service: &mut S, id: ConnectionId, way: Way, now: Time) -> bool {
        if way == Way::In {
            self.read(service, id);
        }
        let deadline = self.refresh(id, way, now);
        deadline.is_none_or(|deadline| deadline > now)
    }

    #[cold]
    fn close_slow(&mut self, service: &mut S, id: ConnectionId, way: Way, now: Time) {
        let Some(connection) = self.peers.connections.get_mut(&id) else { return };
        let Some(progress) = *connection.progress_mut(way) else { return };
        let (peer, rate) = (connection.peer, self.progress_rate);
        let (age, rest) = (now.since(progress.begun()).as_secs(), connection.rest(way));
        let what = match way {
            Way::In => "a message has begun",
            Way::Out => "answers have not been read for",
        };
        let why = format!(
            "{what} {age} s ago, {rest} octets are missing, and less than {rate} octets come in a \
             second"
        );
        add(&self.counters.closed_slow, 1);
        log_warning!(self.log, from peer.origin(); "Closing a connection from {peer}: {why}");
        self.dismiss(service, id, &why);
    }

    // ------------------------------------------------------------------ for others

    /// Measures from now on how fast all go on with what is unfinished.
    pub(super) fn measure(&mut self, now: Time) {
        for (id, way) in self.peers.unfinished.all() {
            self.refresh(id, way, now);
            let connection = self.peers.connections.get_mut(&id);
            if let Some(progress) = connection.and_then(|one| one.progress_mut(way).as_mut()) {
                progress.measure(now);
            }
        }
        self.measured_at = Some(now);
    }

    /// Closes the connection that would hold the server's memory for longest, if it is slow. Returns
    /// whether there was one.
    pub(super) fn close_slowest(&mut self, service: &mut S, now: Time) -> bool {
        let all = self.peers.unfinished.all();
        let candidates: Vec<Candidate> = all
            .into_iter()
            .filter_map(|(id, way)| {
                self.refresh(id, way, now)?;
                let connection = self.peers.connections.get_mut(&id)?;
                let (rest, held) = (connection.rest(way), connection.charged.bytes);
                let progress = (*connection.progress_mut(way))?;
                Some(Candidate { id, progress, rest, held })
            })
            .collect();
        let held_min = self.peers.budget.share();
        let large = candidates.into_iter().filter(|one| one.held > held_min);
        let Some(Candidate { id, held, .. }) = slowest(large, now) else { return false };
        let Some(connection) = self.peers.connections.get(&id) else { return false };
        let peer = connection.peer;
        let why = format!("others wait for the {held} bytes that it holds, and it is the slowest");
        add(&self.counters.closed_for_room, 1);
        log_warning!(self.log, from peer.origin(); "Closing a connection from {peer}: {why}");
        self.dismiss(service, id, &why);
        true
    }

    /// Other servers of the process want room.
    pub(super) fn make_room_for_others(&mut self, service: &mut S, now: Time) {
        let since = self.measured_at.map(|at| now.since(at));
        match since {
            Some(since) if since < MEASURED_TIME_MAX => _ = self.close_slowest(service, now),
            _ => self.measure(now),
        }
    }
}

/// Notes what is unfinished on a connection.
#[inline]
fn note<C>(
    unfinished: &mut Unfinished,
    id: ConnectionId,
    connection: &mut Connection<C>,
    now: Time,
) {
    let is_in = connection.is_input_unfinished();
    let is_out = connection.wire.out.backlog() > 0;
    let [input, output] = &connection.progress;
    if is_in == input.is_some() && is_out == output.is_some() {
        return;
    }
    for (way, is_unfinished) in [(Way::In, is_in), (Way::Out, is_out)] {
        let octets = connection.octets(way);
        unfinished.note((id, way), connection.progress_mut(way), is_unfinished, octets, now);
    }
}
