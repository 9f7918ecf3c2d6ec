//! The observer thread: runs observers for threads that run no code of the program, and claimants for
//! threads that wait. The process has one, from the first of these on. It sleeps while its queue is
//! empty.
//!
//! Observers run in the order of the events. While one does not return, the others wait; the
//! threads that queued them do not.
//!
//! In any thread, the request of an observer may complete at once, and call the next observer inside
//! the first. Only [`NESTED_COUNT_MAX`] of them nest, so that a chain of any length needs little
//! stack.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;

use crate::error::{caught, Error, Result, Status};
use crate::logging::{log_error, static_logger};
use crate::process::{self, process_state, Generation};
use crate::sync::Condvar;

/// Observers that a thread runs inside each other. Further ones wait until the innermost has
/// returned. More than one, because an observer may complete the request of a server's client, or
/// of its caller, and block afterwards.
const NESTED_COUNT_MAX: u32 = 4;

static_logger!(LOG, "memory.observers");

/// A call of an observer.
type Task = Box<dyn FnOnce() + Send>;

struct Queue {
    tasks: VecDeque<Task>,
    has_thread: bool,
}

impl Queue {
    const EMPTY: Queue = Queue { tasks: VecDeque::new(), has_thread: false };
}

static WANTED: Condvar = Condvar::new();

process_state! {
    // The thread and the observers are the parent's. The locks of these may stay held for ever, so
    // they are not dropped.
    fn lock() -> Queue = Queue::EMPTY,
    in child |queue| mem::forget(mem::replace(queue, Queue::EMPTY))
}

/// Starts the observer thread, unless it exists.
///
/// # Errors
///
/// [`Status::OutOfResources`] where the system refuses one.
pub(crate) fn prepare() -> Result<()> {
    let mut queue = lock();
    if queue.has_thread {
        return Ok(());
    }
    let refused = |cause| {
        let text = format!("The thread for observers could not be started: {cause}");
        Error::new(Status::OutOfResources, "memory::observers", text)
    };
    process::spawn("rogue_observers", process::STACK_OF_PROCESS, run_queue).map_err(refused)?;
    queue.has_thread = true;
    Ok(())
}

thread_local! {
    /// Observers that the thread runs, inside each other.
    static NESTED_COUNT: Cell<u32> = const { Cell::new(0) };
    /// Those that wait for the innermost one to return.
    static DEFERRED: RefCell<VecDeque<Task>> = const { RefCell::new(VecDeque::new()) };
    /// The thread waits for a transaction, or is the observer thread, see [`leaves_wait`].
    static PLACE: Cell<Place> = const { Cell::new(Place::Elsewhere) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    InWait,
    ObserverThread,
}

/// Sets [`PLACE`] to this value when it is dropped.
struct RestorePlace(Place);

impl Drop for RestorePlace {
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

/// Sets [`NESTED_COUNT`] to this value when it is dropped.
struct RestoreCount(u32);

impl Drop for RestoreCount {
    fn drop(&mut self) {
        NESTED_COUNT.set(self.0);
    }
}

/// Runs `task`, which is code of the program, in the calling thread: at once, or after the innermost
/// of [`NESTED_COUNT_MAX`] tasks, in which this call is. A panic is logged and goes no further:
/// other threads may depend on the work that this thread has interrupted.
pub(crate) fn call(task: impl FnOnce() + Send + 'static) {
    let before = NESTED_COUNT.get();
    if before >= NESTED_COUNT_MAX {
        return defer(task);
    }
    let _restore = RestoreCount(before);
    NESTED_COUNT.set(before + 1);
    contain(task);
    if before + 1 == NESTED_COUNT_MAX {
        run_deferred();
    }
}

/// Runs `wait`, a wait for the end of a transaction. The observers that wait for this thread run
/// before it, and others in it, because what they do may end the transaction.
pub(crate) fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    let _restore = RestoreCount(NESTED_COUNT.replace(0));
    run_deferred();
    let place = PLACE.get();
    let _place = RestorePlace(place);
    if place == Place::Elsewhere {
        PLACE.set(Place::InWait);
    }
    wait()
}

/// Whether code of the program is to be [queued](queue), because the calling thread waits for a
/// transaction: the program may hold a lock meanwhile that this code takes. In the observer thread it
/// is called all the same, since nothing else runs the queue, and so it is where the system refuses
/// that thread.
pub(crate) fn leaves_wait() -> bool {
    PLACE.get() == Place::InWait && prepare().is_ok()
}

#[cold]
fn defer(task: impl FnOnce() + Send + 'static) {
    let here = Generation::current();
    let task = move || match here.is_inherited() {
        // The innermost one has forked, and this is the child: the observer is the parent's.
        true => mem::forget(task),
        false => task(),
    };
    let mut task: Option<Task> = Some(Box::new(task));
    let deferred = DEFERRED.try_with(|deferred| deferred.borrow_mut().extend(task.take()));
    // At the end of the thread, in the destructor of another thread-local value, there is no queue
    // any more. An observer is called all the same.
    if let (Err(_), Some(task)) = (deferred, task) {
        contain(task);
    }
}

fn run_deferred() {
    let next = || DEFERRED.try_with(|deferred| deferred.borrow_mut().pop_front()).ok().flatten();
    while let Some(task) = next() {
        contain(task);
    }
}

fn contain(task: impl FnOnce()) {
    if let Err(text) = caught(task) {
        log_error!(LOG, "An observer panicked: {text}");
    }
}

/// [Calls](call) `task`: at once, or in the observer thread if the calling thread runs no code of
/// the program. At once also where the system refuses that thread.
pub(crate) fn run(task: impl FnOnce() + Send + 'static) {
    match process::runs_user_code() || prepare().is_err() {
        true => call(task),
        false => queue(task),
    }
}

/// Runs `task` in the observer thread, which [exists](prepare).
pub(crate) fn queue(task: impl FnOnce() + Send + 'static) {
    let task = Box::new(task);
    lock().tasks.push_back(task);
    WANTED.notify_one();
}

fn run_queue() {
    PLACE.set(Place::ObserverThread);
    let here = Generation::current();
    // A child that one of them has forked has no queue, and ends with this thread.
    while !here.is_inherited() {
        call(next_task());
    }
}

fn next_task() -> Task {
    let mut queue = lock();
    loop {
        if let Some(task) = queue.tasks.pop_front() {
            return task;
        }
        queue = WANTED.wait(queue);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sync::Mutex;

    type Log = Arc<Mutex<Vec<i32>>>;

    /// Runs observers from `number` to `last`, each called by the one before; the last one runs
    /// `innermost`. Each logs its number when it begins, and the negative one when it returns.
    fn nest(log: &Log, number: i32, last: i32, innermost: Task) {
        let log = log.clone();
        call(move || {
            log.lock().push(number);
            match number == last {
                true => innermost(),
                false => nest(&log, number + 1, last, innermost),
            }
            log.lock().push(-number);
        });
    }

    fn nest_one(log: &Log, number: i32) {
        nest(log, number, number, Box::new(|| ()));
    }

    fn last_of(log: &Log) -> Option<i32> {
        log.lock().last().copied()
    }

    #[test]
    fn f32_the_fifth_observer_inside_each_other_runs_after_the_fourth() {
        let log = Log::default();
        nest(&log, 1, 3, Box::new(|| ()));
        assert_eq!(log.lock().drain(..).as_slice(), [1, 2, 3, -3, -2, -1]);
        nest(&log, 1, 6, Box::new(|| ()));
        assert_eq!(*log.lock(), [1, 2, 3, 4, -4, 5, -5, 6, -6, -3, -2, -1]);
        assert_eq!(NESTED_COUNT.get(), 0);
    }

    #[test]
    fn f32_a_wait_runs_what_was_deferred_and_defers_nothing_itself() {
        let log = Log::default();
        let inner = log.clone();
        let innermost = move || {
            nest_one(&inner, 11);
            assert_eq!(last_of(&inner), Some(4), "it is deferred");
            while_waiting(|| {
                assert_eq!(last_of(&inner), Some(-11));
                nest_one(&inner, 21);
                assert_eq!(last_of(&inner), Some(-21));
            });
            nest_one(&inner, 31);
        };
        nest(&log, 1, 4, Box::new(innermost));
        assert_eq!(*log.lock(), [1, 2, 3, 4, 11, -11, 21, -21, -4, 31, -31, -3, -2, -1]);
    }

    /// Runs observers inside each other when its thread ends.
    struct AtTheEnd(Log);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert!(DEFERRED.try_with(|_| ()).is_err(), "the queue has gone before");
            nest(&self.0, 1, 6, Box::new(|| ()));
        }
    }

    thread_local! {
        static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    }

    #[test]
    fn f43_observers_that_nest_in_a_destructor_at_the_end_of_a_thread_are_all_called() {
        let log = Log::default();
        let own = log.clone();
        let thread = std::thread::spawn(move || {
            // Values are destroyed in the reverse order of their first uses.
            AT_THE_END.set(Some(AtTheEnd(own)));
            run_deferred();
        });
        thread.join().unwrap();
        assert_eq!(*log.lock(), [1, 2, 3, 4, 5, 6, -6, -5, -4, -3, -2, -1]);
    }

    #[test]
    fn a_thread_with_a_restraint_runs_none_and_goes_on_after_it() {
        let here = std::thread::current().id();
        let thread_of_next = || {
            let (told, tells) = std::sync::mpsc::channel();
            run(move || told.send(std::thread::current().id()).unwrap());
            tells.recv_timeout(std::time::Duration::from_secs(120)).unwrap()
        };
        assert_eq!(thread_of_next(), here);
        {
            let _outer = process::Restraint::begin();
            drop(process::Restraint::begin());
            assert!(process::is_on_duty());
            assert_ne!(thread_of_next(), here);
        }
        assert!(!process::is_on_duty());
        assert_eq!(thread_of_next(), here);
    }

    #[test]
    fn f32_a_panic_in_one_leaves_the_others_to_run() {
        let log = Log::default();
        let inner = log.clone();
        let innermost = move || {
            call(|| panic!("a panic that this test wants"));
            nest_one(&inner, 11);
            panic!("another one");
        };
        nest(&log, 1, 4, Box::new(innermost));
        assert_eq!(*log.lock(), [1, 2, 3, 4, 11, -11, -3, -2, -1]);
        assert_eq!(NESTED_COUNT.get(), 0);
    }
}
