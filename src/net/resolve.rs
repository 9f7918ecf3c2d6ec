//! Host names to addresses, off the event loop.
//!
//! The system's resolver may block for any time and cannot be interrupted, so each name is looked
//! up on a thread of its own. A lookup that hangs delays only requests for that name, which share
//! it. The event loop of the requester is woken when there is an answer. A requester that goes away
//! earlier drops the lookup; the answer is discarded then. No thread waits for a lookup thread.
//!
//! A thread ends with its lookup. There are at most [`LOOKUPS_MAX`]. If that many names hang, the
//! next one is refused at once with an error, and may be requested again later. An IP address needs
//! neither lookup nor thread.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Weak};

use super::address::HostAddress;
use super::cause::cause_text;
use super::descriptors::shortage;
use super::event_loop::DriverHandle;
use crate::error::{caught, Error, Result, Status};
use crate::process::{self, process_state};
use crate::sync::Mutex;

/// Upper bound on concurrent lookups of this process; further names are refused.
pub const LOOKUPS_MAX: usize = 256;

/// Upper bound on the addresses of one name.
pub const ADDRESSES_PER_NAME_MAX: usize = 16;

/// The addresses of `name`, at least one: IPv4 first as libzmq prefers it, otherwise in the
/// resolver's order. Blocks for as long as the system's resolver does.
pub(crate) fn addresses_of(name: &str) -> io::Result<Vec<HostAddress>> {
    // The system says that it does not know the name where it cannot open its files.
    let answer = (name, 0).to_socket_addrs().map_err(|error| shortage().unwrap_or(error))?;
    let mut addresses = Vec::new();
    for address in answer.map(HostAddress::from) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(|address| !address.ip().is_ipv4());
    addresses.truncate(ADDRESSES_PER_NAME_MAX);
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// The function that looks a name up: [`addresses_of`], or a test's.
pub(crate) type Resolver = fn(&str) -> io::Result<Vec<HostAddress>>;

/// The requester's place for the answer. Freed with the requester's [`Lookup`].
#[derive(Debug)]
struct Waiter {
    handle: DriverHandle,
    answer: Mutex<Option<Result<Vec<HostAddress>>>>,
}

fn failure(name: &str, cause: &io::Error) -> Error {
    let text = format!(
        "The host name {name} could not be resolved: {}; check its spelling and the name service, or \
         give an IP address",
        cause_text(cause)
    );
    Error::new(Status::Resolve, "net::resolve", text)
}

/// The running lookups, one thread each, with their requesters, by name.
type LookupTable = BTreeMap<String, Vec<Weak<Waiter>>>;

process_state! {
    // The threads and the requesters are the parent's. Locks of what these refer to may stay locked
    // for ever, so they are not dropped.
    fn lock() -> LookupTable = LookupTable::new(), in child |table| mem::forget(mem::take(table))
}

/// Adds `waiter` to the running lookup of `name`, or starts one.
fn submit(name: &str, resolver: Resolver, waiter: &Arc<Waiter>) -> Result<()> {
    let refused = |why: String| {
        let text = format!("The host name {name} could not be looked up: {why}");
        Error::new(Status::OutOfResources, "net::resolve", text)
    };
    let mut table = lock();
    if let Some(waiters) = table.get_mut(name) {
        waiters.retain(|waiter| waiter.strong_count() > 0);
        waiters.push(Arc::downgrade(waiter));
        return Ok(());
    }
    if table.len() >= LOOKUPS_MAX {
        return Err(refused(format!(
            "the name service has not answered for {LOOKUPS_MAX} other names yet; check it, or \
             give an IP address"
        )));
    }
    // The thread needs its name in the table, whose lock this one holds.
    let own_name = name.to_owned();
    process::spawn("resolver", process::STACK_BYTES_MIN, move || look_up(&own_name, resolver))
        .map_err(|cause| refused(cause.to_string()))?;
    table.insert(name.to_owned(), vec![Arc::downgrade(waiter)]);
    Ok(())
}

/// The body of a lookup thread.
fn look_up(name: &str, resolver: Resolver) {
    let answer = caught(|| resolver(name))
        .unwrap_or_else(|_| Err(io::Error::other("the resolver panicked")))
        .map_err(|cause| failure(name, &cause));
    let waiters = lock().remove(name).unwrap_or_default();
    for waiter in waiters.iter().filter_map(Weak::upgrade) {
        *waiter.answer.lock() = Some(answer.clone());
        waiter.handle.wake();
    }
}

/// A running lookup. Dropping it abandons it.
#[derive(Debug)]
pub struct Lookup(Arc<Waiter>);

impl Lookup {
    /// Starts to look up `name` with `resolver`, or joins the running lookup of that name. The loop
    /// of `handle` is woken when [`Lookup::take`] has the answer. Never blocks.
    pub(crate) fn start(name: &str, handle: &DriverHandle, resolver: Resolver) -> Lookup {
        let waiter = Arc::new(Waiter { handle: handle.clone(), answer: Mutex::new(None) });
        if let Err(refused) = submit(name, resolver, &waiter) {
            *waiter.answer.lock() = Some(Err(refused));
            handle.wake();
        }
        Lookup(waiter)
    }

    /// The addresses of the host, never empty, in the order in which to try them, or the error;
    /// `None` while the lookup runs, and after the answer has been taken.
    ///
    /// # Errors
    ///
    /// [`Status::Resolve`] if the host has no address, [`Status::OutOfResources`] if the lookup
    /// could not be started.
    pub fn take(&mut self) -> Option<Result<Vec<HostAddress>>> {
        self.0.answer.lock().take()
    }
}

#[cfg(test)]
mod tests;
