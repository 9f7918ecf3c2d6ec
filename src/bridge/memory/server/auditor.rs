//! What a server with an audit records of each request.

use std::sync::Arc;

use super::refusal::{Cause, Refusal};
use crate::bridge::link::service::Peer;
use crate::clock::Time;
use crate::error::{Error, Status};
use crate::peer::PeerAddress;
use crate::proto::bridge::Header;
use crate::security::{Audit, AuditClient, AuditEntry, AuditResult};

/// What a record needs of a request before it is carried out.
pub(super) struct Begun {
    client: Arc<AuditClient>,
    began: Time,
    /// The first octets of the data as the client has sent it: the slave may keep its buffer.
    data: Vec<u8>,
}

/// How a request has ended.
pub(super) enum End<'a> {
    /// With the data of a read; empty for a write.
    Success(&'a [u8]),
    /// The slave, or the time, has failed it.
    Failure(&'a Error),
    /// It has not reached the slave.
    Refusal(&'a Refusal),
    /// The server was stopped.
    Abandoned(&'a str),
}

/// Records the requests of all clients, if the server has an audit.
pub(super) struct Auditor {
    audit: Option<Arc<Audit>>,
    /// The first address of the server.
    server: String,
    /// The request that is being carried out.
    current: Option<Begun>,
    /// Empty memory for the data of the next request.
    spare: Vec<u8>,
}

impl Auditor {
    pub(super) fn new(audit: Option<Arc<Audit>>, server: String) -> Auditor {
        Auditor { audit, server, current: None, spare: Vec::new() }
    }

    /// What records say of a client; `None` without an audit.
    pub(super) fn client(&self, peer: &Peer) -> Option<Arc<AuditClient>> {
        self.audit.as_ref()?;
        let unix = match peer.address {
            PeerAddress::Unix(unix) => Some(unix),
            PeerAddress::Tcp(_) => None,
        };
        Some(Arc::new(AuditClient {
            server: self.server.clone(),
            address: peer.address.to_string(),
            number: peer.id.serial,
            key: peer.key.map(|key| key.to_string()),
            uid: unix.map(|unix| unix.uid),
            pid: unix.map(|unix| unix.pid).filter(|&pid| pid > 0),
        }))
    }

    /// A request of `client` is carried out from `now` on.
    #[inline]
    pub(super) fn begin(
        &mut self,
        client: &Option<Arc<AuditClient>>,
        (header, data): (&Header, &[u8]),
        now: Time,
    ) {
        if let (Some(audit), Some(client)) = (&self.audit, client) {
            if !header.carries_data() && !audit.records_reads() {
                return;
            }
            let mut sample = std::mem::take(&mut self.spare);
            sample.clear();
            let octets = audit.sample(data);
            // Without memory the record has no data.
            if sample.try_reserve(octets.len()).is_ok() {
                sample.extend_from_slice(octets);
            }
            self.current = Some(Begun { client: client.clone(), began: now, data: sample });
        }
    }

    /// Takes out the request that is being carried out, because the slave keeps it.
    #[inline]
    pub(super) fn keep(&mut self) -> Option<Box<Begun>> {
        self.current.take().map(Box::new)
    }

    /// Goes on with a kept request.
    #[inline]
    pub(super) fn resume(&mut self, begun: Option<Box<Begun>>) {
        if let Some(begun) = begun {
            self.current = Some(*begun);
        }
    }

    /// Whether there is a request to be recorded.
    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.current.is_some()
    }

    /// The request has ended at `now`.
    #[inline]
    pub(super) fn end(&mut self, header: &Header, end: End<'_>, is_answered: bool, now: Time) {
        if let Some(begun) = self.current.take() {
            self.record(begun, header, &end, is_answered, now);
        }
    }

    /// Records a refused request of which nothing has begun.
    #[cold]
    pub(super) fn refused(
        &mut self,
        client: &Option<Arc<AuditClient>>,
        header: &Header,
        refusal: &Refusal,
        now: Time,
    ) {
        self.begin(client, (header, &[]), now);
        self.end(header, End::Refusal(refusal), true, now);
    }

    fn record(
        &mut self,
        begun: Begun,
        header: &Header,
        end: &End<'_>,
        is_answered: bool,
        now: Time,
    ) {
        let Some(audit) = &self.audit else { return };
        let Begun { client, began, data } = begun;
        let (result, status, text) = match end {
            End::Success(_) => (AuditResult::Ok, Status::Ok, ""),
            End::Failure(error) => (AuditResult::Error, error.status(), error.text()),
            End::Refusal(Refusal { cause: Cause::Late, text }) => {
                (AuditResult::Late, Status::TransactionTimeout, &text[..])
            }
            End::Refusal(Refusal { cause: Cause::Memory, text }) => {
                (AuditResult::Refused, Status::OutOfResources, &text[..])
            }
            End::Refusal(Refusal { text, .. }) => {
                (AuditResult::Refused, Status::Transaction, &text[..])
            }
            End::Abandoned(text) => (AuditResult::Abandoned, Status::Stopped, *text),
        };
        let read = match end {
            End::Success(read) if !header.carries_data() => read,
            _ => &data[..],
        };
        let entry = AuditEntry {
            client,
            latency: now.since(began),
            ty: header.ty,
            address: header.address,
            size: header.size,
            result,
            status,
            is_answered,
        };
        audit.push(entry, read, text);
        self.spare = data;
    }
}
