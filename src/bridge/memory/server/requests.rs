//! Decodes octets into requests.

use std::io;

use super::client::{Active, BodyState, MemoryClient, ReceivedRequest, RequestBody};
use super::execute::Executor;
use super::rights::RightsPolicy;
use crate::bridge::link::buffers::make_room;
use crate::bridge::link::service::{Fault, Peer, Service, Turn};
use crate::bridge::link::wire::{Received, READ_OCTETS};
use crate::clock::Time;
use crate::proto::bridge::{Dialect, Header, RequestEvent, Timing, WholeRequest};

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
    malformed_max: u32,
}

impl Requests {
    /// At most `window` requests of a client are outstanding, and less than `malformed_max` messages
    /// of it may be malformed in a second; `policy` computes its rights.
    pub(super) fn new(
        executor: Executor,
        window: usize,
        malformed_max: u32,
        policy: RightsPolicy,
    ) -> Requests {
        Requests { executor, policy, window: window.max(1), malformed_max }
    }

    /// Executes a request with a copy of its data.
    #[inline]
    fn execute_copy(
        &mut self,
        client: &mut Active<'_>,
        request: &WholeRequest<'_>,
        turn: &mut Turn,
    ) {
        let WholeRequest { header, timing, data } = *request;
        let copy = match data.is_empty() {
            true => Ok(Vec::new()),
            false => self.executor.responder.buffers.copied(data),
        };
        match copy {
            Ok(data) => {
                self.executor.execute(client, ReceivedRequest { header, timing, data }, turn)
            }
            Err(_) => self.executor.refuse_for_memory(client, &header, turn.now),
        }
    }

    /// Handles octets that are not a whole request in its usual form.
    fn receive_event(
        &mut self,
        client: &mut Active<'_>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, Fault> {
        self.go_on(client);
        let (used, event) = client.state.decoder.receive(&mut client.request.session, input)?;
        match event {
            None | Some(RequestEvent::Session(_)) => {}
            Some(RequestEvent::Complete(WholeRequest { header, timing, data: &[] })) => {
                let request = ReceivedRequest { header, timing, data: Vec::new() };
                match client.may_take(self.executor.cost(client, &header)) {
                    true => self.executor.execute(client, request, turn),
                    false => client.state.waiting = Some(request),
                }
            }
            // The whole request is tried first, so it has been refused room.
            Some(RequestEvent::Complete(request)) => self.execute_copy(client, &request, turn),
            Some(RequestEvent::Start { header, timing }) => {
                let body = self.start_body(client, header, timing);
                client.state.body = Some(body);
            }
            Some(RequestEvent::Data { bytes, last }) => {
                self.receive_data(client, bytes, last, turn)
            }
            Some(RequestEvent::Malformed(malformed)) => {
                self.executor.refuse_malformed(client, &malformed, turn.now);
                // Only a client of Rogue sends what is left of a request.
                let is_piece = client.state.dialect == Dialect::Legacy && malformed.may_be_piece();
                if client.state.misconduct.note(is_piece, self.malformed_max, turn.now) {
                    return Err(Fault::Malformed(self.malformed_max));
                }
            }
        }
        Ok(used)
    }

    /// Octets of a body that has waited are taken: there is room for it now, or there never will be,
    /// because the budget has shrunk.
    #[inline]
    fn go_on(&self, client: &mut Active<'_>) {
        let Some(RequestBody { request, state: BodyState::Waiting }) = &client.state.body else {
            return;
        };
        let is_too_large = self.executor.is_too_large(client, &request.header);
        let state = if is_too_large { BodyState::TooLarge } else { BodyState::Kept };
        client.state.body.iter_mut().for_each(|body| body.state = state);
    }

    fn start_body(
        &mut self,
        client: &mut Active<'_>,
        header: Header,
        timing: Option<Timing>,
    ) -> RequestBody {
        let (mut state, mut data) = (BodyState::Kept, Vec::new());
        if self.executor.is_too_large(client, &header) {
            state = BodyState::TooLarge;
        } else if client.may_take(self.executor.cost(client, &header)) {
            data = self.executor.responder.buffers.arriving(header.size as usize);
        } else {
            state = BodyState::Waiting;
        }
        RequestBody { request: ReceivedRequest { header, timing, data }, state }
    }

    /// Takes data of an incomplete write.
    fn receive_data(&mut self, client: &mut Active<'_>, bytes: &[u8], last: bool, turn: &mut Turn) {
        let Some(body) = &mut client.state.body else { return };
        let ReceivedRequest { header, data, .. } = &mut body.request;
        if body.state == BodyState::Kept {
            match make_room(data, header.size as usize, bytes.len()) {
                Ok(()) => data.extend_from_slice(bytes),
                Err(_) => body.drop_data(),
            }
        }
        let Some(RequestBody { request, state }) = client.state.body.take_if(|_| last) else {
            return;
        };
        match state {
            BodyState::NoMemory => {
                self.executor.refuse_for_memory(client, &request.header, turn.now);
            }
            _ => self.executor.execute(client, request, turn),
        }
    }
}

impl RequestBody {
    /// There is no memory for the data.
    fn drop_data(&mut self) {
        self.request.data = Vec::new();
        self.state = BodyState::NoMemory;
    }
}

impl Service for Requests {
    type Client = MemoryClient;

    fn joined(&mut self, peer: &Peer) -> MemoryClient {
        let audited = self.executor.auditor.client(peer);
        MemoryClient::new(peer, self.policy.rights_of(peer), audited)
    }

    fn rights_changed(&mut self, client: &mut MemoryClient, peer: &Peer) {
        client.rights = self.policy.rights_of(peer);
    }

    fn left(&mut self, client: MemoryClient) {
        self.executor.left(&client);
    }

    fn held_bytes(&self) -> u64 {
        self.executor.held_bytes()
    }

    fn give_back(&mut self) {
        self.executor.give_back();
    }

    fn resume(&mut self, client: &mut Active<'_>, turn: &mut Turn) {
        if let Some(request) = client.state.waiting.take() {
            self.executor.execute(client, request, turn);
        }
    }

    fn is_busy(&self, client: &MemoryClient) -> bool {
        client.outstanding > 0 || client.waiting.is_some()
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
    ) -> Result<usize, Fault> {
        match client.state.decoder.receive_whole(&client.request.session, input) {
            Some((used, request)) => {
                if !client.may_take(self.executor.cost(client, &request.header)) {
                    return Ok(0);
                }
                self.execute_copy(client, &request, turn);
                Ok(used)
            }
            None => self.receive_event(client, input, turn),
        }
    }

    fn receive_payload(&mut self, client: &mut Active<'_>, octets_max: u64) -> Option<Received> {
        let remaining = client.state.decoder.data_remaining(&client.request.session);
        if remaining <= READ_OCTETS as u64 {
            return None;
        }
        self.go_on(client);
        let body = client.state.body.as_mut()?;
        if body.state != BodyState::Kept {
            return None;
        }
        let data = &mut body.request.data;
        let received = client.request.read_payload(data, remaining, octets_max);
        match &received {
            Received::Octets(count) => {
                client.state.decoder.data_received(&mut client.request.session, *count as u64);
            }
            Received::Failed(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                body.drop_data();
                return None;
            }
            _ => {}
        }
        Some(received)
    }

    fn flush(&mut self, client: &mut Active<'_>, now: Time) -> io::Result<()> {
        self.executor.let_go_of_slave();
        self.executor.responder.flush(client, now)
    }
}
