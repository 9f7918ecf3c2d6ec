//! Process-wide state: fork handlers, the start of threads, standard output, memory. The `unsafe` code
//! of this file serves the first three.
//!
//! # Forks
//!
//! A child by `fork` has one thread, the one that forked, and a copy of the parent's memory of that
//! moment. A lock that another thread held then stays locked in the child for ever. So every
//! process-wide lock and every lazily initialised value has handlers ([`at_fork`]), which the
//! forking thread runs before and after the fork. Before, they take the lock or finish the
//! initialisation. Afterwards they release the lock; in the child they first reset the state of
//! threads that do not exist there.
//!
//! The locks of single objects, of which there are thousands, need no such care: objects created in
//! the child have locks of their own. Inherited objects are lost to the child.

mod memory;
mod sys;

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

pub(crate) use memory::{give_back_memory, memory_share};

/// A function that runs around a fork.
pub(crate) type ForkHandler = extern "C" fn();

/// Lets forks run `prepare` before and `parent` or `child` after them, all in the thread that forks.
/// They may run twice, nested, and must not take a lock twice then. Does nothing if the system has no
/// memory for it.
pub(crate) fn run_at_fork(prepare: ForkHandler, parent: ForkHandler, child: ForkHandler) {
    // SAFETY: three functions of this library without arguments or results. The system removes them
    // when the library is unloaded.
    let _ = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
}

/// [`run_at_fork`] for one piece of process-wide state, when the library is loaded: before any thread
/// can use the state. The first use may be under way in one thread while another one forks, too late
/// for that fork to run handlers that are registered only then.
///
/// It stands in the module of the state, so that the linker takes either both or none.
macro_rules! at_fork {
    ($prepare:expr, $parent:expr, $child:expr) => {
        const _: () = {
            extern "C" fn register() {
                $crate::process::run_at_fork($prepare, $parent, $child);
            }

            #[used]
            #[cfg_attr(target_vendor = "apple", link_section = "__DATA,__mod_init_func")]
            #[cfg_attr(not(target_vendor = "apple"), link_section = ".init_array")]
            static AT_LOAD: extern "C" fn() = register;
        };
    };
}
pub(crate) use at_fork;

/// Defines `fn $lock`, which locks a value of the process, also after a panic under the lock. A
/// thread that forks holds the lock during the fork. In the child it first resets the value with
/// the closure.
macro_rules! process_state {
    (fn $lock:ident() -> $Value:ty = $first:expr, in child |$value:ident| $reset:expr) => {
        fn $lock() -> std::sync::MutexGuard<'static, $Value> {
            use std::cell::Cell;
            use std::mem::ManuallyDrop;
            use std::sync::{Mutex, MutexGuard};

            static VALUE: Mutex<$Value> = Mutex::new($first);
            $crate::process::at_fork!(before, after_in_parent, after_in_child);

            thread_local! {
                /// The lock that this thread holds during a fork. Without a destructor, so that it
                /// lives as long as the thread.
                static HELD: Cell<Option<ManuallyDrop<MutexGuard<'static, $Value>>>> =
                    const { Cell::new(None) };
            }

            extern "C" fn before() {
                let lock = || ManuallyDrop::new($crate::process::lock(&VALUE));
                HELD.set(Some(HELD.take().unwrap_or_else(lock)));
            }

            extern "C" fn after_in_parent() {
                drop(HELD.take().map(ManuallyDrop::into_inner));
            }

            extern "C" fn after_in_child() {
                if let Some(mut held) = HELD.take().map(ManuallyDrop::into_inner) {
                    let $value = &mut *held;
                    $reset;
                }
            }

            $crate::process::lock(&VALUE)
        }
    };
}
pub(crate) use process_state;

/// For state that needs nothing at this point.
pub(crate) extern "C" fn nothing() {}

/// Number of forks between the first process and this one that the library has seen.
static GENERATION: AtomicU32 = AtomicU32::new(0);
at_fork!(nothing, nothing, count_fork);

extern "C" fn count_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// The process that an object belongs to. In a child by `fork` the object's threads do not exist,
/// they may have held its locks, and its descriptors are shared with the parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Generation(u32);

impl Generation {
    /// This process.
    #[inline]
    pub(crate) fn current() -> Generation {
        Generation(GENERATION.load(Ordering::Relaxed))
    }

    /// That of a process which this one was forked from.
    #[cfg(test)]
    pub(crate) fn of_parent() -> Generation {
        Generation(u32::MAX)
    }

    /// Whether this process is a child of that process.
    #[inline]
    pub(crate) fn is_inherited(self) -> bool {
        GENERATION.load(Ordering::Relaxed) != self.0
    }
}

impl Default for Generation {
    fn default() -> Generation {
        Generation::current()
    }
}

/// The error text for an inherited object.
pub(crate) fn inherited_text(object: &str) -> String {
    format!(
        "{object} was made before this process was forked and belongs to the parent process: make \
         one of your own after the fork"
    )
}

/// Locks `mutex`, also after a panic under it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Minimum stack of this library's threads: the standard library's default.
pub(crate) const STACK_BYTES_MIN: usize = 2 << 20;

/// A stack size that stands for the default of the process's threads, for threads that run the
/// program's code.
pub(crate) const STACK_OF_PROCESS: usize = 0;

/// Starts a thread of this library. All of them start here, so that one rule applies to all.
///
/// `stack_bytes` is at least [`STACK_BYTES_MIN`], or [`STACK_OF_PROCESS`]. The thread blocks all
/// signals except those that report its own faults, so that a program's signal handlers run on the
/// program's threads. Characters that a thread name cannot contain are left out.
///
/// # Errors
///
/// The system's, with what to do about it: for the end of a text.
pub(crate) fn spawn<F>(name: &str, stack_bytes: usize, body: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    let used_stack_bytes = match stack_bytes {
        STACK_OF_PROCESS => stack_bytes_of_process(),
        chosen => chosen,
    };
    let used_stack_bytes = used_stack_bytes.max(STACK_BYTES_MIN);
    let refused = |cause: io::Error| {
        let is_chosen = stack_bytes > stack_bytes_of_process().max(STACK_BYTES_MIN);
        let remedy = match is_chosen {
            true => "choose a smaller stack_bytes, or 0 for that of the process's other threads",
            false => {
                "the process, or its user, may have too many threads (ulimit -u), or too \
                      little address space (ulimit -v)"
            }
        };
        let text = format!(
            "the system refuses a thread with a stack of {used_stack_bytes} bytes: {cause}; {remedy}"
        );
        io::Error::new(cause.kind(), text)
    };
    let builder = thread::Builder::new().name(name.replace('\0', "")).stack_size(used_stack_bytes);
    let body = move || {
        let _duty = Duty::begin();
        body();
    };
    with_signals_blocked(|| builder.spawn(body))?.map_err(refused)
}

thread_local! {
    /// Number of duties of the thread: other threads depend on its progress.
    static DUTIES: Cell<u32> = const { Cell::new(0) };
}

/// While it exists, other threads depend on the calling thread: it must not wait for anything that
/// the program decides. Threads of this library always have one, that of a source does not count.
pub(crate) struct Duty(PhantomData<*const ()>);

impl Duty {
    pub(crate) fn begin() -> Duty {
        let _ = DUTIES.try_with(|duties| duties.set(duties.get() + 1));
        Duty(PhantomData)
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        let _ = DUTIES.try_with(|duties| duties.set(duties.get().saturating_sub(1)));
    }
}

/// Whether the calling thread has a [`Duty`].
pub(crate) fn is_on_duty() -> bool {
    DUTIES.try_with(Cell::get).unwrap_or(0) > 0
}

thread_local! {
    /// The thread brings frames that nobody waits for: no thread depends on it.
    static IS_SOURCE: Cell<bool> = const { Cell::new(false) };
}

/// From here on the calling thread, which is one of this library, may wait for the receivers of the
/// frames that it brings, except while it has a further [`Duty`].
pub(crate) fn wait_for_receivers() {
    IS_SOURCE.set(true);
}

/// Runs `body`, which brings what other threads wait for, without waiting in a source either.
pub(crate) fn serve_others<T>(body: impl FnOnce() -> T) -> T {
    let is_source = IS_SOURCE.replace(false);
    let served = body();
    IS_SOURCE.set(is_source);
    served
}

/// Whether the calling thread may wait for what the program decides, as threads of the program may.
pub(crate) fn may_wait() -> bool {
    let is_source = IS_SOURCE.try_with(Cell::get).unwrap_or(false);
    DUTIES.try_with(Cell::get).unwrap_or(0) <= u32::from(is_source)
}

thread_local! {
    /// Whether the thread runs no code of the program: other threads depend on it.
    static RUNS_NO_USER_CODE: Cell<bool> = const { Cell::new(false) };
}

/// From here on the calling thread runs no code of the program.
pub(crate) fn run_no_user_code() {
    RUNS_NO_USER_CODE.set(true);
}

/// Whether the calling thread may run code of the program.
pub(crate) fn runs_user_code() -> bool {
    !RUNS_NO_USER_CODE.try_with(Cell::get).unwrap_or(false)
}

/// While it exists, threads of the program wait for the calling thread, which holds the lock of an
/// interpreter: it has a [`Duty`], and runs no code of the program.
pub(crate) struct Restraint {
    ran_user_code: bool,
    _duty: Duty,
}

impl Restraint {
    pub(crate) fn begin() -> Restraint {
        let former = RUNS_NO_USER_CODE.try_with(|runs_none| runs_none.replace(true));
        Restraint { ran_user_code: !former.unwrap_or(true), _duty: Duty::begin() }
    }
}

impl Drop for Restraint {
    fn drop(&mut self) {
        let _ = RUNS_NO_USER_CODE.try_with(|runs_none| runs_none.set(!self.ran_user_code));
    }
}

/// Runs `body` once when the process ends by `exit` or by a return from `main`; the first call
/// registers it.
pub(crate) fn at_exit(body: extern "C" fn()) {
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);
    if !IS_REGISTERED.swap(true, Ordering::Relaxed) {
        // SAFETY: a function of this library without arguments or results. The system runs it
        // before the library is unloaded.
        unsafe { libc::atexit(body) };
    }
}

/// The default stack size of the process's threads: mostly the value of `ulimit -s`.
fn stack_bytes_of_process() -> usize {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut bytes = 0;
    // SAFETY: the first call initialises what the others read and end; `bytes` outlives the calls.
    unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return STACK_BYTES_MIN;
        }
        let answer = libc::pthread_attr_getstacksize(attributes.as_ptr(), &mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if answer == 0 {
            bytes
        } else {
            STACK_BYTES_MIN
        }
    }
}

/// Signals that report a fault of the running instruction. Blocked, they would end the process
/// without the handler of a crash reporter.
const FAULT_SIGNALS: [libc::c_int; 5] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];

/// Runs `start`, which starts a thread, with the calling thread's signals blocked. The new thread
/// inherits the mask: at no moment can a signal reach it.
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> io::Result<T> {
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    let mut former = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set before it is changed and used, and
    // `pthread_sigmask` initialises `former` when it succeeds.
    let former = unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in FAULT_SIGNALS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        match libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), former.as_mut_ptr()) {
            0 => former.assume_init(),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    };
    let started = start();
    // SAFETY: `former` is the mask this thread had; the second pointer may be null.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &former, std::ptr::null_mut()) };
    Ok(started)
}

/// How much a ready pipe takes at once: `PIPE_BUF`.
pub(crate) const PIPE_BYTES_AT_ONCE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// The process's standard output, without a buffer or a lock of this process.
pub(crate) struct StandardOutput;

impl StandardOutput {
    /// Whether it takes [`PIPE_BYTES_AT_ONCE`] without blocking, if no other writer is faster. The
    /// mode of the descriptor is not changed: other processes share it.
    pub(crate) fn is_ready() -> bool {
        StandardOutput::poll(0)
    }

    /// Waits until it is ready, for at most this many milliseconds; -1 = without limit.
    fn poll(milliseconds: libc::c_int) -> bool {
        let mut wanted =
            libc::pollfd { fd: libc::STDOUT_FILENO, events: libc::POLLOUT, revents: 0 };
        // SAFETY: one structure, which outlives the call.
        let count = unsafe { libc::poll(&mut wanted, 1, milliseconds) };
        // After an error a write reports it and does not block.
        count != 0
    }
}

impl io::Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            // SAFETY: the system reads at most that many bytes, borrowed until it returns.
            let written =
                unsafe { libc::write(libc::STDOUT_FILENO, bytes.as_ptr().cast(), bytes.len()) };
            // Negative for an error, hence no length.
            let outcome = usize::try_from(written).map_err(|_| io::Error::last_os_error());
            match outcome {
                // Another process made it non-blocking; half a line is of no use.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    StandardOutput::poll(-1);
                }
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the calling thread has blocked `signal`.
    fn is_blocked(signal: libc::c_int) -> bool {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with a null new set the call only stores the present mask.
        unsafe {
            let former = mask.as_mut_ptr();
            assert_eq!(libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), former), 0);
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn spawned_thread_takes_no_signal_but_faults_and_the_spawner_keeps_its_mask() {
        let before = is_blocked(libc::SIGTERM);
        let thread = spawn("a\0b", STACK_BYTES_MIN, || {
            assert_eq!(thread::current().name(), Some("ab"));
            assert!(is_blocked(libc::SIGTERM));
            assert!(is_blocked(libc::SIGINT));
            assert!(!is_blocked(libc::SIGSEGV));
        });
        thread.unwrap().join().unwrap();
        assert_eq!(is_blocked(libc::SIGTERM), before);
    }

    #[test]
    fn a_stack_that_is_too_large_is_refused_with_its_size_and_a_remedy() {
        for bytes in [usize::MAX / 2, usize::MAX / 4] {
            let error = spawn("stack", bytes, || unreachable!("it has no stack")).unwrap_err();
            let text = error.to_string();
            let size = format!("a stack of {bytes} bytes");
            assert!(text.contains(&size) && text.contains("smaller stack_bytes"), "{text}");
        }
    }

    /// Size of the calling thread's stack.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn own_stack_bytes() -> usize {
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let mut bytes = 0;
        // SAFETY: the first call initialises what the others read and end.
        unsafe {
            let own = libc::pthread_self();
            assert_eq!(libc::pthread_getattr_np(own, attributes.as_mut_ptr()), 0);
            assert_eq!(libc::pthread_attr_getstacksize(attributes.as_ptr(), &mut bytes), 0);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
        bytes
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn f12_a_thread_has_the_requested_stack_and_never_less_than_2_mib() {
        let wanted = [
            (1, STACK_BYTES_MIN),
            (3 << 20, 3 << 20),
            (STACK_OF_PROCESS, stack_bytes_of_process().max(STACK_BYTES_MIN)),
        ];
        for (asked, least) in wanted {
            let thread = spawn("stack", asked, move || {
                let bytes = own_stack_bytes();
                assert!(bytes >= least, "{bytes} bytes where {asked} were asked for");
            });
            thread.unwrap().join().unwrap();
        }
    }
}
