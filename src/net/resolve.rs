//! Host names to addresses, off the event loop.
//!
//! The system's resolver may block for as long as it likes, so a [`Lookup`] runs it on a thread of
//! its own. The object that started the lookup is woken when there is an answer; if it goes away
//! first, it drops the lookup, and the answer is thrown away whenever it comes. Nobody ever waits
//! for such a thread.
//!
//! Threads are few and short-lived: they are started when there is something to look up, shared by
//! all objects of the process, and end when there is nothing left.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem::{self, ManuallyDrop};
use std::net::ToSocketAddrs;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, MutexGuard};

use super::address::{HostAddress, RemoteHost};
use super::event_loop::LoopHandle;
use super::sys;
use crate::error::{Error, Result, Status};
use crate::process::{self, ForkHandlers};
use crate::sync::Mutex;

/// How many lookups of this process run at the same time; more wait for their turn.
pub const LOOKUP_THREADS_MAX: usize = 8;

/// How many lookups of this process may wait for their turn; more are refused.
pub const LOOKUPS_WAITING_MAX: usize = 1024;

/// How many addresses of one name are used.
pub const ADDRESSES_PER_NAME_MAX: usize = 16;

/// The addresses of `name`, IPv4 first as libzmq prefers it, otherwise in the resolver's order;
/// at least one. Blocks for as long as the system's resolver does.
pub(super) fn addresses_of(name: &str) -> io::Result<Vec<HostAddress>> {
    let answer = (name, 0).to_socket_addrs()?;
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

type Resolver = fn(&str) -> io::Result<Vec<HostAddress>>;

struct Request {
    name: String,
    resolver: Resolver,
    /// `None` once the lookup has been dropped.
    waiting: Mutex<Option<LoopHandle>>,
    answer: Mutex<Option<Result<Vec<HostAddress>>>>,
}

impl Request {
    fn is_cancelled(&self) -> bool {
        self.waiting.lock().is_none()
    }

    fn run(&self) {
        if self.is_cancelled() {
            return;
        }
        let resolver = AssertUnwindSafe(|| (self.resolver)(&self.name));
        let answer = panic::catch_unwind(resolver)
            .unwrap_or_else(|_| Err(io::Error::other("the resolver panicked")));
        self.finish(answer.map_err(|cause| failure(&self.name, &cause)));
    }

    fn finish(&self, answer: Result<Vec<HostAddress>>) {
        *self.answer.lock() = Some(answer);
        let waiting = self.waiting.lock().clone();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

fn failure(name: &str, cause: &io::Error) -> Error {
    let text = format!(
        "The host name {name} could not be resolved: {cause}; check its spelling and the name \
         service, or give an IP address"
    );
    Error::new(Status::Resolve, "net::resolve", text)
}

/// Threads at work, and requests that no thread has taken yet.
struct Pool {
    threads: usize,
    waiting: VecDeque<Arc<Request>>,
}

static POOL: std::sync::Mutex<Pool> = std::sync::Mutex::new(Pool::EMPTY);
static FORK_HANDLERS: ForkHandlers =
    ForkHandlers::new(before_fork, after_fork_in_parent, after_fork_in_child);

thread_local! {
    /// The lock that this thread holds while it forks. Without a destructor, so that it is there as
    /// long as the thread.
    static HELD: Cell<Option<ManuallyDrop<MutexGuard<'static, Pool>>>> =
        const { Cell::new(None) };
}

extern "C" fn before_fork() {
    let held = HELD.take().unwrap_or_else(|| ManuallyDrop::new(process::lock(&POOL)));
    HELD.set(Some(held));
}

extern "C" fn after_fork_in_parent() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

extern "C" fn after_fork_in_child() {
    if let Some(mut pool) = HELD.take().map(ManuallyDrop::into_inner) {
        // The threads, and the objects that ask, are the parent's. What the requests refer to may
        // be locked for ever, so they are not dropped either.
        mem::forget(mem::replace(&mut *pool, Pool::EMPTY));
    }
}

impl Pool {
    const EMPTY: Pool = Pool { threads: 0, waiting: VecDeque::new() };

    fn lock() -> MutexGuard<'static, Pool> {
        FORK_HANDLERS.register();
        process::lock(&POOL)
    }

    /// Puts `request` in the queue, and starts a thread for it if there may be one more.
    fn submit(request: &Arc<Request>) -> Result<()> {
        let refused = |why: String| {
            let text = format!("The host name {} could not be looked up: {why}", request.name);
            Error::new(Status::OutOfResources, "net::resolve", text)
        };
        let mut pool = Pool::lock();
        pool.waiting.retain(|waiting| !waiting.is_cancelled());
        if pool.waiting.len() >= LOOKUPS_WAITING_MAX {
            return Err(refused(format!("{LOOKUPS_WAITING_MAX} lookups are waiting already")));
        }
        pool.waiting.push_back(request.clone());
        if pool.threads >= LOOKUP_THREADS_MAX {
            return Ok(());
        }
        match sys::spawn_without_signals("resolver", Pool::work) {
            Ok(_detached) => pool.threads += 1,
            // The threads that exist will come to it.
            Err(_) if pool.threads > 0 => {}
            Err(cause) => {
                pool.waiting.pop_back();
                return Err(refused(format!("the system refused a thread: {cause}")));
            }
        }
        Ok(())
    }

    fn work() {
        loop {
            let mut pool = Pool::lock();
            let Some(request) = pool.waiting.pop_front() else {
                pool.threads -= 1;
                return;
            };
            drop(pool);
            request.run();
        }
    }
}

/// One lookup under way. Dropping it cancels it.
pub struct Lookup {
    request: Arc<Request>,
}

impl Lookup {
    /// Starts looking up `host`; the loop of `handle` is woken when [`Lookup::take`] has the
    /// answer. An address needs no lookup, so its answer is there at once and wakes nobody.
    /// Never blocks.
    pub fn start(host: &RemoteHost, handle: &LoopHandle) -> Lookup {
        Lookup::start_with(host, handle, addresses_of)
    }

    fn start_with(host: &RemoteHost, handle: &LoopHandle, resolver: Resolver) -> Lookup {
        let (name, answer) = match host {
            RemoteHost::Address(address) => (String::new(), Some(Ok(vec![*address]))),
            RemoteHost::Name(name) => (name.clone(), None),
        };
        let known = answer.is_some();
        let request = Arc::new(Request {
            name,
            resolver,
            waiting: Mutex::new(Some(handle.clone())),
            answer: Mutex::new(answer),
        });
        if !known {
            if let Err(refused) = Pool::submit(&request) {
                *request.answer.lock() = Some(Err(refused));
                handle.wake();
            }
        }
        Lookup { request }
    }

    /// The addresses of the host, in the order in which to try them and never empty, or why there
    /// are none; `None` while the lookup runs, and after the answer has been taken.
    ///
    /// # Errors
    ///
    /// [`Status::Resolve`] where the host has no address, [`Status::OutOfResources`] where the
    /// lookup could not be started.
    pub fn take(&mut self) -> Option<Result<Vec<HostAddress>>> {
        self.request.answer.lock().take()
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("name", &self.request.name).finish_non_exhaustive()
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        *self.request.waiting.lock() = None;
    }
}

#[cfg(test)]
mod tests;
