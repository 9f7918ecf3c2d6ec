//! The server's state for each client.

use std::sync::Arc;

use super::outstanding::REQUEST_BYTES;
use super::rights::Rights;
use super::timing::ClientTimes;
use crate::bridge::link::budget::Holder;
use crate::bridge::link::connection::ActiveClient;
use crate::bridge::link::malformed::Misconduct;
use crate::bridge::link::service::Peer;
use crate::proto::bridge::{Dialect, Header, RequestDecoder, Timing};
use crate::security::AuditClient;

/// A client of the memory bridge.
pub(super) struct MemoryClient {
    pub(super) dialect: Dialect,
    pub(super) rights: Rights,
    pub(super) decoder: RequestDecoder,
    /// A write with incomplete data.
    pub(super) body: Option<RequestBody>,
    /// A request without data that waits for room in the budget.
    pub(super) waiting: Option<ReceivedRequest>,
    pub(super) misconduct: Misconduct,
    /// The request times, if the client sends them.
    pub(super) times: Option<ClientTimes>,
    /// Requests that the slave keeps, and the bytes held for them.
    pub(super) outstanding: usize,
    pub(super) outstanding_bytes: u64,
    /// What records say of it, if the server has an audit.
    pub(super) audited: Option<Arc<AuditClient>>,
}

/// A client during its turn.
pub(super) type Active<'a> = ActiveClient<'a, MemoryClient>;

/// A request with its data, if it carries any.
pub(super) struct ReceivedRequest {
    pub(super) header: Header,
    pub(super) timing: Option<Timing>,
    pub(super) data: Vec<u8>,
}

/// A write with incomplete data.
pub(super) struct RequestBody {
    pub(super) request: ReceivedRequest,
    pub(super) state: BodyState,
}

/// What becomes of the data of an incomplete write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BodyState {
    /// It waits for room in the budget.
    Waiting,
    /// It is kept.
    Kept,
    /// It is skipped, and the write refused at its end: it is larger than allowed.
    TooLarge,
    /// As before: the system has no memory for it.
    NoMemory,
}

impl Holder for MemoryClient {
    const IS_ANSWERED: bool = true;

    #[inline]
    fn held_bytes(&self) -> u64 {
        let unsent = self.times.as_ref().map_or(0, ClientTimes::held_bytes);
        self.outstanding_bytes + unsent + self.body.as_ref().map_or(0, RequestBody::held_bytes)
    }
}

impl RequestBody {
    /// The whole size is set aside when the data begins, so that writes of several clients never wait
    /// for each other's rest.
    fn held_bytes(&self) -> u64 {
        match self.state {
            BodyState::Kept => REQUEST_BYTES + u64::from(self.request.header.size),
            BodyState::Waiting | BodyState::TooLarge | BodyState::NoMemory => 0,
        }
    }
}

impl MemoryClient {
    pub(super) fn new(
        peer: &Peer,
        rights: Rights,
        audited: Option<Arc<AuditClient>>,
    ) -> MemoryClient {
        // Both ends have announced requests with timing, so all requests carry it.
        let clock = peer.info.clock.filter(|_| peer.info.session.is_some());
        MemoryClient {
            dialect: peer.info.dialect(),
            rights,
            decoder: match clock {
                Some(_) => RequestDecoder::timed(),
                None => RequestDecoder::new(),
            },
            body: None,
            waiting: None,
            misconduct: Misconduct::default(),
            times: clock.map(|clock| ClientTimes::new(clock, peer.announced)),
            outstanding: 0,
            outstanding_bytes: 0,
            audited,
        }
    }
}
