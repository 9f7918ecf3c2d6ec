//! The rights of a client.

use std::sync::Arc;

use super::refusal::{Cause, Refusal};
use crate::bridge::link::service::Peer;
use crate::proto::bridge::Header;
use crate::security::{self, AccessList};

/// What a server lets its clients do.
#[derive(Debug)]
pub(super) struct RightsPolicy {
    /// The server's address, for its clients.
    pub(super) server: String,
    /// Every client may read only.
    pub(super) read_only: bool,
    /// `None`: every client may do everything.
    pub(super) access_list: Option<Arc<AccessList>>,
}

impl RightsPolicy {
    /// The rights of a client.
    pub(super) fn rights_of(&self, peer: &Peer) -> Rights {
        let RightsPolicy { server, read_only, access_list } = self;
        let origin = peer.address.origin();
        let (granted, grantor) = match access_list {
            None if !read_only => return Rights { limits: None },
            None => (security::Rights::all(), "the server lets this client".to_owned()),
            Some(list) => {
                let granted = list.rights_of(origin, peer.key.as_ref());
                let granted =
                    granted.map_or_else(security::Rights::none, |rights| (*rights).clone());
                let also = if *read_only { ", which is read-only besides," } else { "" };
                let grantor = match peer.key {
                    Some(key) => format!("the access list of {server}{also} lets the key {key}"),
                    None => format!("the access list of {server}{also} lets {origin}"),
                };
                (granted, grantor)
            }
        };
        let granted = if *read_only { granted.to_read() } else { granted };
        Rights { limits: Some(Box::new(Limits { granted, grantor })) }
    }
}

/// The rights of one client: computed when it is paired, and when the rules change, and checked for
/// each request.
#[derive(Debug)]
pub(super) struct Rights {
    /// `None`: it may do everything.
    limits: Option<Box<Limits>>,
}

#[derive(Debug)]
struct Limits {
    granted: security::Rights,
    /// What has granted them, and the grantee: the beginning of a sentence.
    grantor: String,
}

impl Rights {
    /// Whether a request is permitted.
    ///
    /// # Errors
    ///
    /// It is not: the refusal for the client.
    #[inline]
    pub(super) fn check(&self, header: &Header) -> Result<(), Refusal> {
        match &self.limits {
            None => Ok(()),
            Some(limits) => limits.check(header),
        }
    }
}

impl Limits {
    fn check(&self, header: &Header) -> Result<(), Refusal> {
        let Limits { granted, grantor } = self;
        let is_write = header.carries_data();
        if granted.allow(is_write, header.address, header.size) {
            return Ok(());
        }
        let may_not_write = is_write && !granted.may_write();
        let cause = if may_not_write { Cause::Writes } else { Cause::Windows };
        let access = if is_write { "Write" } else { "Read" };
        Err(cause.with(format!(
            "{access} of {} bytes at 0x{:x} refused: {grantor} {granted}; ask its operator for the \
             right",
            header.size, header.address
        )))
    }
}
