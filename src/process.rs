//! What belongs to the whole process and to no object: what becomes of it in a child by `fork`, and
//! its standard output. The only file of this room, and with `unsafe` code for these two.
//!
//! # Forks
//!
//! A child by `fork` has one thread, the one that forked, and all of the parent's memory as it was
//! at that moment. A lock that another thread held then stays locked in the child for ever. So
//! every lock and every lazily made value that objects of a process share belongs to
//! [`ForkHandlers`], which the thread that forks runs before and after: before, they take the lock,
//! or finish the making; afterwards, they give the lock back, and in the child they first put right
//! what other threads were about to do.
//!
//! The locks of an object, of which there are thousands, need no such care: the objects that a
//! child makes have locks of their own. Those that it inherits are lost to it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// A function that runs around a fork.
pub(crate) type ForkHandler = extern "C" fn();

/// Nobody has registered the handlers.
const UNREGISTERED: u32 = 0;
/// The system knows the handlers. What is neither is the id of the process in which a thread is
/// registering them. No process has either number.
const REGISTERED: u32 = u32::MAX;

/// What one owner of process-wide state does around a fork.
pub(crate) struct ForkHandlers {
    prepare: ForkHandler,
    parent: ForkHandler,
    child: ForkHandler,
    state: AtomicU32,
}

impl ForkHandlers {
    /// `prepare` runs before a fork, and then `parent` or `child`, all in the thread that forks.
    /// They may run twice, one in the other, and must not take the lock twice then.
    pub(crate) const fn new(
        prepare: ForkHandler,
        parent: ForkHandler,
        child: ForkHandler,
    ) -> ForkHandlers {
        ForkHandlers { prepare, parent, child, state: AtomicU32::new(UNREGISTERED) }
    }

    /// To be called before the state is used at all. When this returns, forks run the handlers,
    /// unless the system has no memory for them.
    #[inline]
    pub(crate) fn register(&self) {
        if self.state.load(Ordering::Acquire) != REGISTERED {
            self.register_first();
        }
    }

    #[cold]
    fn register_first(&self) {
        let process = std::process::id();
        let mut seen = self.state.load(Ordering::Acquire);
        while seen != REGISTERED {
            if seen == process {
                thread::yield_now();
                seen = self.state.load(Ordering::Acquire);
                continue;
            }
            // Of no process, or of the parent's, whose thread is not in this one.
            let claim =
                self.state.compare_exchange(seen, process, Ordering::AcqRel, Ordering::Acquire);
            match claim {
                Ok(_) => {
                    let done = at_fork(self.prepare, self.parent, self.child);
                    let state = if done { REGISTERED } else { UNREGISTERED };
                    self.state.store(state, Ordering::Release);
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }
}

/// For state that nothing has to be done about at this moment.
pub(crate) extern "C" fn nothing() {}

/// Locks `mutex`, also after a panic under it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn at_fork(prepare: ForkHandler, parent: ForkHandler, child: ForkHandler) -> bool {
    // SAFETY: three functions of this library, which take nothing and return. The system forgets
    // them when the library is unloaded.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) == 0 }
}

/// Other systems have no forks.
#[cfg(not(unix))]
fn at_fork(_prepare: ForkHandler, _parent: ForkHandler, _child: ForkHandler) -> bool {
    true
}

/// The process's standard output, without a buffer or a lock of this process.
pub(crate) struct StandardOutput;

#[cfg(unix)]
impl io::Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the system reads at most so many bytes, which are borrowed until it returns.
        let written =
            unsafe { libc::write(libc::STDOUT_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        // Negative for an error, and then no length.
        usize::try_from(written).map_err(|_| io::Error::last_os_error())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
impl io::Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}
