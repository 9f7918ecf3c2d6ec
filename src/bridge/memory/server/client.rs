//! The server's state for each client.

use super::rights::Rights;
use super::timing::ClientTimes;
use crate::bridge::link::connection::ActiveClient;
use crate::bridge::link::service::Peer;
use crate::proto::bridge::{Dialect, Header, RequestDecoder, Timing};

/// A client of the memory bridge.
pub(super) struct MemoryClient {
    pub(super) dialect: Dialect,
    pub(super) rights: Rights,
    pub(super) decoder: RequestDecoder,
    /// A write with incomplete data.
    pub(super) body: Option<RequestBody>,
    /// The request times, if the client sends them.
    pub(super) times: Option<ClientTimes>,
    /// Requests that the slave keeps, and their bytes.
    pub(super) outstanding: usize,
    pub(super) outstanding_bytes: u64,
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
    /// There was no room for the data: it is skipped, and the write refused at its end.
    pub(super) is_refused: bool,
}

impl MemoryClient {
    pub(super) fn new(peer: &Peer, rights: Rights) -> MemoryClient {
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
            times: clock.map(|clock| ClientTimes::new(clock, peer.announced)),
            outstanding: 0,
            outstanding_bytes: 0,
        }
    }
}
