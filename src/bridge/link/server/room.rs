//! Room in the budget: the clients that wait for it, and what is given back.

use std::sync::atomic::Ordering;

use super::Link;
use crate::bridge::link::budget::Demand;
use crate::bridge::link::buffers::free_spares;
use crate::bridge::link::options::add;
use crate::bridge::link::pairing::ConnectionId;
use crate::bridge::link::service::Service;
use crate::clock::{self, Time};
use crate::logging::log_warning;
use crate::process;

impl<S: Service> Link<S> {
    /// Closes a connection for which the system has no memory.
    #[cold]
    pub(super) fn close_for_memory(&mut self, service: &mut S, id: ConnectionId) {
        let Some(peer) = self.peers.connections.get(&id).map(|one| one.peer) else { return };
        let why = self.peers.note_no_memory(peer);
        self.close(service, id, why);
    }

    /// A client waits for room in the budget.
    #[cold]
    pub(super) fn starve(&mut self, service: &mut S, id: ConnectionId, now: Time) {
        add(&self.counters.budget_waits, 1);
        if !self.starved.is_any() {
            service.give_back();
            self.peers.budget.set_starved(true);
            self.measure(now);
        }
        self.starved.push(id, now);
    }

    /// Charges what the service holds, and reads the clients again that wait for room, if something has
    /// been let go of. Called at the end of a turn of the loop.
    pub(super) fn feed(&mut self, service: &mut S) {
        let budget = &self.peers.budget;
        budget.charge_common(&mut self.common_charged, service.held_bytes());
        self.release.note(budget.used(), clock::now);
        let oldest = self.peers.unfinished.oldest().map_or(0, |begun| begun.0);
        self.counters.unfinished_since.store(oldest, Ordering::Relaxed);
        if !self.starved.is_any() || !budget.take_freed() {
            return;
        }
        for id in self.starved.take() {
            if !self.starved.may_try() {
                self.starved.put_back(id);
                continue;
            }
            let connection = self.peers.connections.get_mut(&id);
            let Some(client) = connection.and_then(|one| one.client.as_mut()) else { continue };
            client.is_starved = false;
            self.resume(service, id);
        }
        self.starved.tried();
        self.peers.budget.set_starved(self.starved.is_any());
    }

    /// Lets slow peers make room for those that have waited for too long, and gives memory back that
    /// has not been needed for a while.
    pub(super) fn make_room(&mut self, service: &mut S, now: Time) {
        if self.release.timeout(self.peers.budget.used(), now) {
            service.give_back();
            let connections = self.peers.connections.values_mut();
            connections.for_each(|connection| connection.wire.give_back());
            free_spares();
            process::give_back_memory();
        }
        if self.starved.timeout(now) && !self.close_slowest(service, now) {
            self.peers.budget.press_others();
        }
    }

    /// Charges a connection without a client for its handshake. Closes it if there is no room for that.
    pub(super) fn charge_handshake(&mut self, service: &mut S, id: ConnectionId) {
        let Some(connection) = self.peers.connections.get_mut(&id) else { return };
        let former = connection.charged.bytes;
        connection.charge(&self.peers.budget);
        let charged = connection.charged;
        let demand = Demand { own: charged.bytes, more: 0, charged };
        if charged.bytes > former && !self.peers.budget.grants(&demand) {
            let peer = connection.peer;
            let why = "there is no room for its handshake";
            log_warning!(self.log, from peer.origin(); "Closing a connection from {peer}: {why}");
            self.close(service, id, why);
        }
    }
}
