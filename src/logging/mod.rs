//! Rogue's logger names, filters and sinks, beside or on top of the `log` crate.
//!
//! A [`Logger`] has a dotted name below `pyrogue` and passes on messages of at least its
//! threshold. The threshold is that of the filter with the longest matching name
//! ([`set_filter`]), else the global one ([`set_level`], at first [`Level::ERROR`]). A filter
//! matches its own name and everything below it: `memory.TcpServer` matches
//! `pyrogue.memory.TcpServer.*.8000` and not `pyrogue.memory.TcpServerX`. Changes act at once, also
//! on loggers that exist. A message below the threshold costs one relaxed atomic load: it is
//! neither formatted nor allocated.
//!
//! Messages that pass go to standard output, one line each ([`set_emit_stdout`]), and to the
//! program's own [`LogSink`] ([`set_sink`]); either works without the other. A line is written in one
//! piece. It bypasses the buffers that the standard library and C keep for standard output, so
//! text that the program has left in such a buffer appears later.
//!
//! A message of one of the program's threads is written, and given to the sink, at once. Both may
//! block, and other threads depend on the threads of this library. The log has a thread of its own
//! that delivers their messages, and lines that standard output cannot take at once. Its queue is
//! bounded: excess messages are counted ([`flush`]), but a thread of the program waits for room
//! while messages are taken from the queue. Repeated warnings and errors from one place in the
//! code, about one peer, are passed on ten times in ten seconds; the rest is counted.
//!
//! # In a Rust program with a logger of its own
//!
//! This module does not replace the program's logger: only [`install`] calls `log::set_logger`.
//! Once the program has set a logger, every message goes there, with the full name as target.
//! `log::max_level` and that logger select; the filters of this module do not apply to it.
//! Nothing is written to standard output then. A [`LogSink`] still gets what the filters admit.
//!
//! Set the logger before the first object of this crate is created. A later one is detected at the
//! next new logger, filter or message, or by [`install`].
//!
//! | here | in the `log` crate |
//! |---|---|
//! | `CRITICAL` 50, `ERROR` 40 | `Error` |
//! | `THREAD` 35, `WARNING` 30 | `Warn` |
//! | `INFO` 20 | `Info` |
//! | `DEBUG` 10 | `Debug` |
//! | anything less | `Trace` |
//!
//! Levels in between count as the next lower one.

mod emit;
mod limit;
mod logger;
mod macros;
mod output;
mod queue;
mod settings;

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::process::at_fork;
use crate::sync::{Mutex, MutexGuard};
use emit::emit_own;
use settings::{settings, Settings, FOREIGN, INSTALLED, SETTINGS};

pub use logger::Logger;
pub(crate) use logger::StaticLogger;
#[allow(unused_imports)]
pub(crate) use macros::{
    log_at, log_debug, log_error, log_info, log_limited, log_warning, static_logger,
};
pub(crate) use queue::flush_until;
pub use settings::{remove_filter, set_filter, set_level};

/// The root of all names, and the prefix of every full name.
const ROOT: &str = "pyrogue";

/// Severity of a message: the higher, the more severe. Any number is valid; Rogue names six.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Level(pub u32);

impl Level {
    /// The program cannot continue.
    pub const CRITICAL: Level = Level(50);
    /// A failure.
    pub const ERROR: Level = Level(40);
    /// Thread and process ids.
    pub const THREAD: Level = Level(35);
    /// Something unexpected that was handled.
    pub const WARNING: Level = Level(30);
    /// Normal events.
    pub const INFO: Level = Level(20);
    /// Details for debugging.
    pub const DEBUG: Level = Level(10);

    fn to_log(self) -> log::Level {
        match self.0 {
            40.. => log::Level::Error,
            30.. => log::Level::Warn,
            20.. => log::Level::Info,
            10.. => log::Level::Debug,
            _ => log::Level::Trace,
        }
    }

    fn of_log(level: log::Level) -> Level {
        match level {
            log::Level::Error => Level::ERROR,
            log::Level::Warn => Level::WARNING,
            log::Level::Info => Level::INFO,
            log::Level::Debug => Level::DEBUG,
            log::Level::Trace => Level(5),
        }
    }
}

/// The full name for `name`: unchanged if it is `pyrogue` or begins with `pyrogue.`, otherwise with
/// `pyrogue.` before it.
pub fn normalize_name(name: &str) -> String {
    match name.strip_prefix(ROOT) {
        Some(rest) if rest.is_empty() || rest.starts_with('.') => name.to_owned(),
        _ => format!("{ROOT}.{name}"),
    }
}

/// One message on its way to a [`LogSink`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// The logger's full name.
    pub name: &'a str,
    /// The message's level, exactly as it was logged.
    pub level: Level,
    /// When it was logged, since 1970 (UTC) by the wall clock.
    pub time: Duration,
    /// The complete text.
    pub text: &'a str,
    /// The kernel's id of the thread that logged; 0 where the system has none.
    pub thread_id: u64,
    /// The id of the process.
    pub process_id: u32,
}

/// The program's own output for messages. `Fn(&Record)` closures are sinks.
pub trait LogSink: Send + Sync {
    /// Takes one message. Runs on the thread that logs, or on the log's thread for a message of
    /// this library's threads; on several threads at a time, with no lock of this module held. It
    /// may log: its messages go to standard output only, not to the sink again. A panic is
    /// contained; the message is lost.
    fn accept(&self, record: &Record<'_>);
}

impl<F: Fn(&Record<'_>) + Send + Sync> LogSink for F {
    fn accept(&self, record: &Record<'_>) {
        self(record);
    }
}

static EMIT_STDOUT: AtomicBool = AtomicBool::new(true);
static SINK: Mutex<Option<Arc<dyn LogSink>>> = Mutex::of_process(None);

fn sink() -> MutexGuard<'static, Option<Arc<dyn LogSink>>> {
    SINK.lock()
}

at_fork!(before_fork, after_fork_in_parent, after_fork_in_child);

/// All the locks of this module, in the order in which a fork takes them.
struct ForkLocks {
    _settings: MutexGuard<'static, Settings>,
    _sink: MutexGuard<'static, Option<Arc<dyn LogSink>>>,
    limits: MutexGuard<'static, limit::RateLimits>,
    queue: MutexGuard<'static, queue::LogQueue>,
}

thread_local! {
    /// The locks that this thread holds while it forks. Without a destructor, so that it lives as
    /// long as the thread.
    static HELD: Cell<Option<ManuallyDrop<ForkLocks>>> = const { Cell::new(None) };
}

extern "C" fn before_fork() {
    let held = HELD.take().unwrap_or_else(|| {
        let (settings, sink) = (SETTINGS.lock(), SINK.lock());
        let (limits, queue) = (limit::lock(), queue::lock());
        ManuallyDrop::new(ForkLocks { _settings: settings, _sink: sink, limits, queue })
    });
    HELD.set(Some(held));
}

extern "C" fn after_fork_in_parent() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

extern "C" fn after_fork_in_child() {
    if let Some(mut held) = HELD.take().map(ManuallyDrop::into_inner) {
        held.limits.forget();
        held.queue.forget();
    }
}

/// Whether messages are written to standard output (the default).
pub fn emit_stdout() -> bool {
    EMIT_STDOUT.load(Ordering::Relaxed)
}

/// Switches writing to standard output on or off.
pub fn set_emit_stdout(emit: bool) {
    EMIT_STDOUT.store(emit, Ordering::Relaxed);
}

/// Sets, replaces or (with `None`) removes the program's own sink. A message that another thread
/// is delivering at that moment still reaches the former sink. The former sink is dropped after
/// that, on the last thread that uses it.
pub fn set_sink(sink: Option<Arc<dyn LogSink>>) {
    let former = std::mem::replace(&mut *self::sink(), sink);
    // Outside the lock: dropping it may run the program's code.
    drop(former);
}

/// Makes this module the `log` crate's logger, so that messages of other crates, too, go to
/// standard output and the sink, under the name `pyrogue.<target>`. Returns `false` where the
/// program has a logger of its own, which stays and gets this crate's messages. Idempotent.
pub fn install() -> bool {
    let settings = settings();
    if !INSTALLED.load(Ordering::Relaxed) {
        let installed = log::set_logger(&LogAdapter).is_ok();
        INSTALLED.store(installed, Ordering::Relaxed);
        FOREIGN.store(!installed, Ordering::Relaxed);
        settings.apply();
    }
    INSTALLED.load(Ordering::Relaxed)
}

/// Waits until every message logged so far has been written and delivered to the sink, for at most
/// `time`. The log's thread delivers the messages of this library's threads, so one may appear
/// later than its event. Callable from any thread except this library's, where it returns at once.
pub fn flush(time: Duration) {
    flush_until(clock::now() + time);
}

/// The logger that [`install`] gives to the `log` crate: messages of other crates, by the rules of
/// this module.
struct LogAdapter;

impl log::Log for LogAdapter {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let name = normalize_name(metadata.target());
        Level::of_log(metadata.level()) >= settings().level_of(&name)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let name = normalize_name(record.target());
            emit_own(&name, Level::of_log(record.level()), *record.args(), false);
        }
    }

    /// Nothing is buffered.
    fn flush(&self) {}
}

#[cfg(test)]
mod tests;
