//! The turns of clients: their connections are taken out of the table meanwhile, and charged to the
//! budget afterwards.

use super::Peers;
use crate::bridge::link::connection::{ActiveClient, ClientId, Connection};
use crate::bridge::link::pairing::{ConnectionId, Side};
use crate::bridge::link::service::Service;

impl<S: Service> Peers<S> {
    /// Runs `work` on the client with this request connection. `None` if it has no client.
    #[inline]
    pub fn with_client<R>(
        &mut self,
        id: ConnectionId,
        work: impl FnOnce(&mut ActiveClient<'_, S::Client>) -> R,
    ) -> Option<R> {
        let mut request = self.connections.remove(&id)?;
        let worked = self.with_request(id, &mut request, work);
        self.connections.insert(id, request);
        worked
    }

    #[inline]
    fn with_request<R>(
        &mut self,
        id: ConnectionId,
        request: &mut Connection<S::Client>,
        work: impl FnOnce(&mut ActiveClient<'_, S::Client>) -> R,
    ) -> Option<R> {
        let Connection { wire, peer, input, client, charged, .. } = request;
        let client = client.as_mut()?;
        let mut charged = *charged;
        let mut response = None;
        if let Some(id) = client.response {
            let other = self.connections.remove(&id)?;
            charged = charged.with(other.charged);
            response = Some((id, other));
        }
        let mut sharers = if client.is_shared { self.take_sharers(id) } else { Vec::new() };
        let worked = work(&mut ActiveClient {
            id: ClientId { connection: id, serial: client.serial },
            peer: *peer,
            state: &mut client.state,
            request: wire,
            input,
            response: response.as_mut().map(|(_, response)| &mut response.wire),
            is_shared: client.is_shared,
            sharers: &mut sharers,
            budget: &self.budget,
            charged,
            wanted: &mut client.wanted,
        });
        request.charge(&self.budget);
        for (id, mut other) in response.into_iter().chain(sharers) {
            other.charge(&self.budget);
            if other.wire.out.has_failed() {
                self.failed.push(id);
            }
            self.connections.insert(id, other);
        }
        Some(worked)
    }

    /// Takes out the other response connections of a process whose clients share their answers.
    #[cold]
    fn take_sharers(
        &mut self,
        id: ConnectionId,
    ) -> Vec<(ConnectionId, Box<Connection<S::Client>>)> {
        // The representative one has been taken out already.
        let ids = self.pairing.sharers(id, Side::Response).into_iter();
        ids.filter_map(|id| Some((id, self.connections.remove(&id)?))).collect()
    }
}
