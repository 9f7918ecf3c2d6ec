//! The thread of a node that has one.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use crate::clock;
use crate::process::{self, Generation};
use crate::sync::{Condvar, Mutex};

/// How long [`Worker::join`] waits for the thread, which may be in the program's code: `stop` of a
/// node returns within 100 ms.
const JOIN_WAIT_MAX: Duration = Duration::from_millis(80);

/// The thread of a node. It ends when its body does; a drop lets it run on.
pub(crate) struct Worker {
    generation: Generation,
    id: ThreadId,
    /// `None` once joined or given up.
    thread: Mutex<Option<JoinHandle<()>>>,
    exit: Arc<Exit>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.is_inherited() {
            // The handle is invalid in this process.
            std::mem::forget(self.thread.get_mut().take());
        }
    }
}

/// Whether the thread has left its body.
struct Exit {
    generation: Generation,
    is_over: Mutex<bool>,
    over: Condvar,
}

/// Signals the end of the body, also after a panic.
struct ExitGuard(Arc<Exit>);

impl Drop for ExitGuard {
    fn drop(&mut self) {
        // In a child by a fork in the body no thread waits, and the lock may be locked for ever.
        if !self.0.generation.is_inherited() {
            *self.0.is_over.lock() = true;
            self.0.over.notify_all();
        }
    }
}

impl Worker {
    /// Starts a thread with this name; `stack_bytes` as for `process::spawn`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn start(
        name: &str,
        stack_bytes: usize,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<Worker> {
        let generation = Generation::current();
        let exit = Arc::new(Exit { generation, is_over: Mutex::new(false), over: Condvar::new() });
        let guard = ExitGuard(exit.clone());
        let thread = process::spawn(name, stack_bytes, move || {
            let _guard = guard;
            body();
        })?;
        let id = thread.thread().id();
        Ok(Worker { generation, id, thread: Mutex::new(Some(thread)), exit })
    }

    /// Whether the thread belongs to a process that this one was forked from.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    /// Whether the caller is the thread.
    pub(crate) fn is_current(&self) -> bool {
        self.is(thread::current().id())
    }

    /// Whether `id` is the thread's.
    pub(crate) fn is(&self, id: ThreadId) -> bool {
        id == self.id
    }

    /// Waits for the thread, 80 ms at most; the body knows that it must end. Returns whether there
    /// is nothing left to wait for. The thread itself does not wait, and after the first call no
    /// other one does.
    pub(crate) fn join(&self) -> bool {
        if self.is_current() {
            return true;
        }
        let handle = self.thread.lock_own(self.generation);
        let Some(thread) = handle.and_then(|mut handle| handle.take()) else { return true };
        let limit = clock::now() + JOIN_WAIT_MAX;
        let mut is_over = self.exit.is_over.lock();
        while !*is_over {
            if clock::now() >= limit {
                return false;
            }
            is_over = self.exit.over.wait_until(is_over, limit);
        }
        drop(is_over);
        // Only the end of the thread itself is outstanding; its panic has been reported.
        let _ = thread.join();
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use testkit_base::wait::wait_until;

    use super::*;

    fn worker(body: impl FnOnce() + Send + 'static) -> Worker {
        Worker::start("test", process::STACK_BYTES_MIN, body).unwrap()
    }

    /// Waits longer than a join does: the system may be busy.
    fn wait_over(worker: &Worker) {
        wait_until("the body is over", || *worker.exit.is_over.lock());
    }

    #[test]
    fn a_join_waits_for_the_body_and_only_the_first_one_does() {
        let (sender, receiver) = mpsc::channel::<()>();
        let waiting = worker(move || {
            let _ = receiver.recv();
        });
        assert!(!waiting.join(), "the body waits for the sender");
        assert!(waiting.join(), "it has been given up");
        drop(sender);
        wait_over(&waiting);
        let ended = worker(|| ());
        wait_over(&ended);
        assert!(ended.join());
    }

    #[test]
    fn a_panic_of_the_body_is_its_end() {
        let panicked = worker(|| panic!("a panic that this test wants"));
        wait_over(&panicked);
        assert!(panicked.join());
    }

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let (sender, receiver) = mpsc::channel::<Arc<Worker>>();
        let (answer, answered) = mpsc::channel();
        let own = Arc::new(worker(move || answer.send(receiver.recv().unwrap().join()).unwrap()));
        sender.send(own.clone()).unwrap();
        assert!(answered.recv().unwrap());
        wait_over(&own);
        assert!(own.join(), "the thread has left its handle to others");
    }
}
