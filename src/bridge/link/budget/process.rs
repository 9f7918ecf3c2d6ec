//! The budget of all servers of the process together.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use crate::logging::{log_warning, static_logger};
use crate::net::DriverHandle;
use crate::process::{at_fork, memory_share, nothing, process_state};

static_logger!(LOG, "memory.TcpServer");

/// Servers take and give back this much at a time, so that they rarely touch what all of them share.
pub(super) const LEASE_BYTES: u64 = 64 * 1024;

/// The least limit of the process and of a server: below it no request of some kilobytes would ever
/// have room, and none be refused as too large.
pub(super) const BYTES_MIN: u64 = LEASE_BYTES;

/// No limit by a failed allocation.
const UNSQUEEZED: u64 = u64::MAX;

/// The memory that the bridge servers of this process hold for their peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MemoryBudget {
    /// The most that they may hold together, in bytes.
    pub bytes_max: u64,
    /// What they hold now, rounded up to some 64 KiB for each server.
    pub used: u64,
}

/// The numbers of the budget.
pub struct Process {
    /// 0 for the default.
    bytes_max: AtomicU64,
    used: AtomicU64,
    /// Number of connections that hold more than their server guarantees.
    above: AtomicU64,
    /// A limit below `bytes_max`, after a failed allocation.
    squeezed: AtomicU64,
}

/// The budget of this process.
pub(super) static PROCESS: Process = Process::new(0);
at_fork!(nothing, nothing, forget);

/// All servers of the parent are lost to the child.
extern "C" fn forget() {
    PROCESS.used.store(0, Ordering::Relaxed);
    PROCESS.above.store(0, Ordering::Relaxed);
    PROCESS.squeezed.store(UNSQUEEZED, Ordering::Relaxed);
    STARVED.store(0, Ordering::Relaxed);
}

/// Limits the memory that all bridge servers of this process hold for their peers together, in bytes:
/// requests, messages that have begun, unread answers. 0 for the default: a quarter of what the process
/// may have (control group, address space, memory of the host), at most 1 GiB; less than 64 KiB counts
/// as 64 KiB. May be called at any
/// time, from any thread; what is held already stays. Clients for which there is no room are not read
/// until there is.
pub fn set_memory_budget(bytes_max: u64) {
    PROCESS.bytes_max.store(bytes_max, Ordering::Relaxed);
    wake_starved();
}

/// The limit that [`set_memory_budget`] sets, and what is held now.
pub fn memory_budget() -> MemoryBudget {
    MemoryBudget { bytes_max: PROCESS.chosen_max(), used: PROCESS.used() }
}

/// An allocation for a peer has failed: less is held for peers until much of it has been let go of.
#[cold]
pub fn note_failure() {
    PROCESS.squeeze();
}

impl Process {
    /// One with a limit; 0 for the default.
    pub const fn new(bytes_max: u64) -> Process {
        Process {
            bytes_max: AtomicU64::new(bytes_max),
            used: AtomicU64::new(0),
            above: AtomicU64::new(0),
            squeezed: AtomicU64::new(UNSQUEEZED),
        }
    }

    fn chosen_max(&self) -> u64 {
        match self.bytes_max.load(Ordering::Relaxed) {
            0 => memory_share(),
            chosen => chosen.max(BYTES_MIN),
        }
    }

    /// The limit that holds now.
    pub fn bytes_max(&self) -> u64 {
        self.chosen_max().min(self.squeezed.load(Ordering::Relaxed))
    }

    /// Bytes that servers have taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Number of connections above the guaranteed shares.
    pub fn above(&self) -> u64 {
        self.above.load(Ordering::Relaxed)
    }

    /// There is one more of them, or one less.
    pub fn add_above(&self, is_more: bool) {
        match is_more {
            true => self.above.fetch_add(1, Ordering::Relaxed),
            false => self.above.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// Takes `more` bytes or somewhat more. Returns how many; 0 if there are not enough, unless
    /// `is_forced`.
    pub fn take(&self, more: u64, is_forced: bool) -> u64 {
        let usual = more.next_multiple_of(LEASE_BYTES);
        let max = self.bytes_max();
        let fits = |bytes: u64, max: u64| {
            let add = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= max);
            self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
        };
        match () {
            () if fits(usual, max) => usual,
            () if fits(more, if is_forced { u64::MAX } else { max }) => more,
            () => 0,
        }
    }

    /// Takes back what a server does not use, `unused` bytes; less than two leases only if it uses
    /// nothing. Returns how many.
    pub fn give(&self, unused: u64, is_all: bool) -> Option<u64> {
        let given = match is_all {
            true => unused,
            false if unused >= 2 * LEASE_BYTES => unused - LEASE_BYTES,
            false => 0,
        };
        if given == 0 {
            return None;
        }
        let left = self.used.fetch_sub(given, Ordering::Relaxed) - given;
        let squeezed = self.squeezed.load(Ordering::Relaxed);
        if squeezed != UNSQUEEZED && left < squeezed / 2 {
            self.squeezed.store(UNSQUEEZED, Ordering::Relaxed);
        }
        wake_starved();
        Some(given)
    }

    /// An allocation has failed: the system gives less than the budget. Seven eighths of what is held
    /// now is the limit until half of that has been let go of, so that there is room for what cannot be
    /// refused.
    pub fn squeeze(&self) {
        let limit = (self.used() / 8 * 7).max(LEASE_BYTES);
        if self.squeezed.fetch_min(limit, Ordering::Relaxed) > limit {
            log_warning!(
                LOG,
                "The system has no more memory: bridge servers hold {limit} bytes at most until half \
                 of them is free; allow fewer with the memory budget, or give the process more"
            );
        }
    }
}

/// Number of servers with clients that wait for room.
static STARVED: AtomicU64 = AtomicU64::new(0);

process_state! {
    fn servers() -> Vec<Arc<Sign>> = Vec::new(),
    in child |servers| {
        // Their event loops are the parent's.
        mem::forget(mem::take(servers));
    }
}

/// What servers tell each other.
pub struct Sign {
    handle: DriverHandle,
    is_starved: AtomicBool,
    /// Others have let go of something.
    has_news: AtomicBool,
    is_pressed: AtomicBool,
}

impl Sign {
    /// The sign of the server with this driver, known to the others until its [`end`](Self::end).
    pub fn new(handle: DriverHandle) -> Arc<Sign> {
        let sign = Arc::new(Sign {
            handle,
            is_starved: AtomicBool::new(false),
            has_news: AtomicBool::new(false),
            is_pressed: AtomicBool::new(false),
        });
        servers().push(sign.clone());
        sign
    }

    /// The server has ended.
    pub fn end(&self) {
        self.set_starved(false);
        servers().retain(|sign| !std::ptr::eq(&**sign, self));
    }

    /// Whether clients of the server wait for room.
    pub fn set_starved(&self, is_starved: bool) {
        if self.is_starved.swap(is_starved, Ordering::SeqCst) == is_starved {
            return;
        }
        if !is_starved {
            STARVED.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        STARVED.fetch_add(1, Ordering::SeqCst);
        self.has_news.store(true, Ordering::Relaxed);
        self.handle.wake();
    }

    /// Whether others have let go of something since the last call.
    pub fn take_news(&self) -> bool {
        self.has_news.load(Ordering::Relaxed) && self.has_news.swap(false, Ordering::Relaxed)
    }

    /// Whether another server has asked for room since the last call.
    pub fn take_pressed(&self) -> bool {
        self.is_pressed.load(Ordering::Relaxed) && self.is_pressed.swap(false, Ordering::Relaxed)
    }
}

/// Tells the servers whose clients wait for room that there may be some.
fn wake_starved() {
    if STARVED.load(Ordering::SeqCst) == 0 {
        return;
    }
    for sign in servers().iter().filter(|sign| sign.is_starved.load(Ordering::SeqCst)) {
        sign.has_news.store(true, Ordering::Relaxed);
        sign.handle.wake();
    }
}

/// Tells the servers other than `own` that it has no room.
pub(super) fn press(own: &Sign) {
    for sign in servers().iter().filter(|sign| !std::ptr::eq(&***sign, own)) {
        sign.is_pressed.store(true, Ordering::Relaxed);
        sign.handle.wake();
    }
}
