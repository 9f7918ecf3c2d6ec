//! Decodes octets into requests.

use std::collections::TryReserveError;
use std::io;

use super::client::{Active, MemoryClient, ReceivedRequest, RequestBody};
use super::execute::Executor;
use super::rights::RightsPolicy;
use crate::bridge::link::buffers::make_room;
use crate::bridge::link::service::{Peer, Service, Turn};
use crate::bridge::link::wire::{Received, READ_OCTETS};
use crate::clock::Time;
use crate::proto::bridge::{Header, RequestEvent, Timing, WholeRequest};

/// Unread responses of a client above which no more of its requests are read.
const BACKLOG_BYTES_MAX: usize = 1 << 20;
/// Upper bound on the bytes of one client's outstanding transactions; one transaction is always
/// allowed.
const OUTSTANDING_BYTES_MAX: u64 = 64 << 20;

/// Decodes the requests of all clients and executes them.
pub(super) struct Requests {
    pub(super) executor: Executor,
    policy: RightsPolicy,
    window: usize,
    /// Received bytes of incomplete writes.
    body_bytes: u64,
}

impl Requests {
    /// At most `window` requests of a client are outstanding; `policy` computes its rights.
    pub(super) fn new(executor: Executor, window: usize, policy: RightsPolicy) -> Requests {
        Requests { executor, policy, window: window.max(1), body_bytes: 0 }
    }

    /// Executes a request with a copy of its data.
    #[inline]
    fn execute_copy(
        &mut self,
        client: &mut Active<'_>,
        request: &WholeRequest<'_>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let WholeRequest { header, timing, data } = *request;
        let copy = match data.is_empty() {
            true => Ok(Vec::new()),
            false => self.executor.responder.buffers.copied(data),
        };
        let data = copy.map_err(|_| "out of memory".to_owned())?;
        self.executor.execute(client, ReceivedRequest { header, timing, data }, turn);
        Ok(())
    }

    /// Handles octets that are not a whole request in its usual form.
    fn receive_event(
        &mut self,
        client: &mut Active<'_>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, String> {
        let received = client.state.decoder.receive(&mut client.request.session, input);
        let (used, event) = received.map_err(|error| error.to_string())?;
        match event {
            None | Some(RequestEvent::Session(_)) => {}
            Some(RequestEvent::Complete(request)) => self.execute_copy(client, &request, turn)?,
            Some(RequestEvent::Start { header, timing }) => {
                client.state.body = Some(self.start_body(header, timing));
            }
            Some(RequestEvent::Data { bytes, last }) => {
                self.receive_data(client, bytes, last, turn).map_err(|error| error.to_string())?
            }
            Some(RequestEvent::Malformed(malformed)) => {
                self.executor.responder.refuse_malformed(client, &malformed, turn.now);
            }
        }
        Ok(used)
    }

    fn start_body(&mut self, header: Header, timing: Option<Timing>) -> RequestBody {
        let is_refused = self.executor.is_too_large(&header);
        let data = match is_refused {
            true => Vec::new(),
            false => self.executor.responder.buffers.arriving(header.size as usize),
        };
        RequestBody { request: ReceivedRequest { header, timing, data }, is_refused }
    }

    /// Takes data of an incomplete write.
    fn receive_data(
        &mut self,
        client: &mut Active<'_>,
        bytes: &[u8],
        last: bool,
        turn: &mut Turn,
    ) -> Result<(), TryReserveError> {
        let Some(body) = &mut client.state.body else { return Ok(()) };
        // The data of a refused write is not kept.
        let kept = if body.is_refused { &[] } else { bytes };
        let ReceivedRequest { header, data, .. } = &mut body.request;
        make_room(data, header.size as usize, kept.len())?;
        data.extend_from_slice(kept);
        self.count_body(body, kept.len());
        let Some(RequestBody { request, is_refused }) = client.state.body.take_if(|_| last) else {
            return Ok(());
        };
        self.body_bytes -= request.data.len() as u64;
        match is_refused && !self.executor.is_too_large(&request.header) {
            true => self.executor.refuse_for_room(client, &request.header, turn.now),
            false => self.executor.execute(client, request, turn),
        }
        Ok(())
    }

    /// Counts `added` bytes of an incomplete write. There is a limit for all clients together; the
    /// write that exceeds it loses its own data.
    fn count_body(&mut self, body: &mut RequestBody, added: usize) {
        self.body_bytes += added as u64;
        if self.body_bytes > self.executor.held_bytes_max() {
            self.forget_data(body);
            body.is_refused = true;
        }
    }

    /// Drops the data of an incomplete write.
    fn forget_data(&mut self, body: &mut RequestBody) {
        self.body_bytes -= body.request.data.len() as u64;
        body.request.data = Vec::new();
    }
}

impl Service for Requests {
    type Client = MemoryClient;

    fn joined(&mut self, peer: &Peer) -> MemoryClient {
        MemoryClient::new(peer, (self.policy)(peer))
    }

    fn left(&mut self, client: MemoryClient) {
        if let Some(mut body) = client.body {
            self.forget_data(&mut body);
        }
    }

    #[inline]
    fn has_room(&self, client: &Active<'_>) -> bool {
        let MemoryClient { outstanding, outstanding_bytes, .. } = *client.state;
        if outstanding >= self.window
            || outstanding > 0 && outstanding_bytes >= OUTSTANDING_BYTES_MAX
        {
            return false;
        }
        client.backlog() < BACKLOG_BYTES_MAX
    }

    #[inline]
    fn receive(
        &mut self,
        client: &mut Active<'_>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, String> {
        match client.state.decoder.receive_whole(&client.request.session, input) {
            Some((used, request)) => self.execute_copy(client, &request, turn).map(|()| used),
            None => self.receive_event(client, input, turn),
        }
    }

    fn receive_payload(&mut self, client: &mut Active<'_>) -> Option<Received> {
        let remaining = client.state.decoder.data_remaining(&client.request.session);
        if remaining <= READ_OCTETS as u64 {
            return None;
        }
        let body = client.state.body.as_mut().filter(|body| !body.is_refused)?;
        let received = client.request.read_payload(&mut body.request.data, remaining);
        if let Received::Octets(count) = received {
            client.state.decoder.data_received(&mut client.request.session, count as u64);
            self.count_body(body, count);
        }
        Some(received)
    }

    fn flush(&mut self, client: &mut Active<'_>, now: Time) -> io::Result<()> {
        self.executor.let_go_of_slave();
        self.executor.responder.flush(client, now)
    }
}
