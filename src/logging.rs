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
//! program's own [`Sink`] ([`set_sink`]); either works without the other. A line is written at once
//! and whole, past the buffers that the standard library and C keep for standard output: what a
//! program has left in one of those comes later.
//!
//! # In a Rust program with a logger of its own
//!
//! This module does not take the place of the program's logger: nothing but [`install`] calls
//! `log::set_logger`. When the program has set one, every message goes there, with the logger's
//! full name as target. It is for `log::max_level` and that logger to choose; the filters of this
//! module do not hold anything back from it. Nothing is written to standard output then. A
//! [`Sink`] still gets what the filters let through.
//!
//! Set the logger before the first object of this crate is created. One that comes later is noticed
//! when the next logger is created, filter is set or message is written, or with [`install`].
//!
//! | here | in the `log` crate |
//! |---|---|
//! | `CRITICAL` 50, `ERROR` 40 | `Error` |
//! | `THREAD` 35, `WARNING` 30 | `Warn` |
//! | `INFO` 20 | `Info` |
//! | `DEBUG` 10 | `Debug` |
//! | anything less | `Trace` |
//!
//! Levels between two of these count as the lower one.

mod output;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::process::{self, ForkHandlers};

/// The name above all others, and the prefix of every full name.
const ROOT: &str = "pyrogue";

/// How severe a message is: the higher, the more. Any number may be used; Rogue names six.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Level(pub u32);

impl Level {
    /// The program cannot go on.
    pub const CRITICAL: Level = Level(50);
    /// Something has failed.
    pub const ERROR: Level = Level(40);
    /// Which thread does what.
    pub const THREAD: Level = Level(35);
    /// Something unexpected, which has been coped with.
    pub const WARNING: Level = Level(30);
    /// Normal events.
    pub const INFO: Level = Level(20);
    /// Details for the search for a fault.
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

/// One message on its way to a [`Sink`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// The logger's full name.
    pub name: &'a str,
    /// The message's level, exactly as it was logged.
    pub level: Level,
    /// Wall clock: whole seconds since 1970.
    pub seconds: u64,
    /// Wall clock: microseconds after `seconds`.
    pub microseconds: u32,
    /// The finished text, whole.
    pub text: &'a str,
    /// The kernel's id of the thread that logged; 0 where the system does not tell it.
    pub thread_id: u64,
    /// The id of the process.
    pub process_id: u32,
}

/// What a program does itself with messages. `Fn(&Record)` closures are sinks.
pub trait Sink: Send + Sync {
    /// Takes one message. Runs on the thread that logs, on several at a time, with no lock of this
    /// module held. It may log: what it logs goes to standard output only, not to the sink again.
    /// A panic is contained and the message is lost.
    fn accept(&self, record: &Record<'_>);
}

impl<F: Fn(&Record<'_>) + Send + Sync> Sink for F {
    fn accept(&self, record: &Record<'_>) {
        self(record);
    }
}

/// What decides whether a logger's messages pass.
#[derive(Debug)]
struct Gate {
    /// What a message is compared with first: `threshold`, or 0 where that is not the last word.
    first: AtomicU32,
    /// By the filters and the global level.
    threshold: AtomicU32,
}

impl Gate {
    const fn new() -> Gate {
        Gate { first: AtomicU32::new(0), threshold: AtomicU32::new(u32::MAX) }
    }

    fn set(&self, threshold: Level) {
        self.threshold.store(threshold.0, Ordering::Relaxed);
        let first = if FOREIGN.load(Ordering::Relaxed) { 0 } else { threshold.0 };
        self.first.store(first, Ordering::Relaxed);
    }

    /// For this crate's own outputs.
    fn admits_own(&self, level: Level) -> bool {
        level.0 >= self.threshold.load(Ordering::Relaxed)
    }

    fn admits(&self, level: Level) -> bool {
        self.admits_own(level) || admits_foreign(level)
    }
}

/// Whether the program has a logger of its own in the `log` crate. Written with `SETTINGS` locked.
static FOREIGN: AtomicBool = AtomicBool::new(false);
/// Whether the `log` crate's logger is [`LogAdapter`]. Written with `SETTINGS` locked.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static EMIT_STDOUT: AtomicBool = AtomicBool::new(true);
static SINK: Mutex<Option<Arc<dyn Sink>>> = Mutex::new(None);
static SETTINGS: Mutex<Settings> = Mutex::new(Settings::new());

/// Locks what the loggers of this process share. Nothing is done under these locks but to read and
/// write what they guard, and nobody takes one while holding another, but for a fork.
fn settings() -> MutexGuard<'static, Settings> {
    FORK_HANDLERS.register();
    process::lock(&SETTINGS)
}

fn sink() -> MutexGuard<'static, Option<Arc<dyn Sink>>> {
    FORK_HANDLERS.register();
    process::lock(&SINK)
}

static FORK_HANDLERS: ForkHandlers =
    ForkHandlers::new(before_fork, after_fork_in_parent, after_fork_in_child);

/// All the locks of this module, in the order in which a fork takes them.
struct Held {
    _settings: MutexGuard<'static, Settings>,
    _sink: MutexGuard<'static, Option<Arc<dyn Sink>>>,
    turns: MutexGuard<'static, output::Turns>,
}

thread_local! {
    /// What this thread holds while it forks. Without a destructor, so that it is there as long as
    /// the thread.
    static HELD: Cell<Option<ManuallyDrop<Held>>> = const { Cell::new(None) };
}

extern "C" fn before_fork() {
    let held = HELD.take().unwrap_or_else(|| {
        let (settings, sink) = (process::lock(&SETTINGS), process::lock(&SINK));
        ManuallyDrop::new(Held { _settings: settings, _sink: sink, turns: output::lock_turns() })
    });
    HELD.set(Some(held));
}

extern "C" fn after_fork_in_parent() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

extern "C" fn after_fork_in_child() {
    if let Some(mut held) = HELD.take().map(ManuallyDrop::into_inner) {
        held.turns.forget();
    }
}

fn admits_foreign(level: Level) -> bool {
    FOREIGN.load(Ordering::Relaxed) && level.to_log() <= log::max_level()
}

/// The gate of a live logger, as the settings reach it.
enum LiveGate {
    Shared(Arc<Gate>),
    Static(&'static Gate),
}

struct Live {
    name: Arc<str>,
    gate: LiveGate,
}

struct Settings {
    global: Level,
    filters: BTreeMap<String, Level>,
    live: BTreeMap<u64, Live>,
    next_key: u64,
}

impl Settings {
    const fn new() -> Settings {
        Settings {
            global: Level::ERROR,
            filters: BTreeMap::new(),
            live: BTreeMap::new(),
            next_key: 0,
        }
    }

    /// The level of the longest filter that is `name` or one of the names above it.
    fn threshold(&self, name: &str) -> Level {
        let mut prefix = name;
        loop {
            if let Some(&level) = self.filters.get(prefix) {
                return level;
            }
            match prefix.rfind('.') {
                Some(end) => prefix = &prefix[..end],
                None => return self.global,
            }
        }
    }

    fn register(&mut self, name: Arc<str>, gate: LiveGate) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let live = Live { name, gate };
        self.apply_to(&live);
        self.live.insert(key, live);
        key
    }

    fn apply_to(&self, live: &Live) {
        let threshold = self.threshold(&live.name);
        match &live.gate {
            LiveGate::Shared(gate) => gate.set(threshold),
            LiveGate::Static(gate) => gate.set(threshold),
        }
    }

    /// Brings every live logger in line with the settings.
    fn apply(&self) {
        self.live.values().for_each(|live| self.apply_to(live));
        if INSTALLED.load(Ordering::Relaxed) {
            log::set_max_level(self.most_verbose());
        }
    }

    /// What the `log` crate may hold back without asking.
    fn most_verbose(&self) -> log::LevelFilter {
        let least = self.filters.values().copied().fold(self.global, Level::min);
        let passing = log::Level::iter().filter(|&level| Level::of_log(level) >= least).max();
        passing.map_or(log::LevelFilter::Off, |level| level.to_level_filter())
    }
}

/// Sets the threshold of every logger that no filter matches. Acts at once. Callable from any
/// thread.
pub fn set_level(level: Level) {
    notice_foreign_logger();
    let mut settings = settings();
    settings.global = level;
    settings.apply();
}

/// Sets the threshold of the logger called `prefix` and of all whose name continues it after a dot,
/// unless a longer filter matches them. Replaces the filter of the same name. `prefix` may lack
/// the leading `pyrogue.`; the filter `pyrogue` matches all loggers. Acts at once. Callable from
/// any thread.
pub fn set_filter(prefix: &str, level: Level) {
    notice_foreign_logger();
    let mut settings = settings();
    settings.filters.insert(filter_name(prefix), level);
    settings.apply();
}

/// Takes a filter back; whether there was one of exactly that name.
pub fn remove_filter(prefix: &str) -> bool {
    let mut settings = settings();
    let removed = settings.filters.remove(&filter_name(prefix)).is_some();
    settings.apply();
    removed
}

fn filter_name(prefix: &str) -> String {
    normalize_name(prefix.trim_end_matches('.')).trim_end_matches('.').to_owned()
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
/// is just handing to the former sink still arrives there; the sink is dropped after that, on
/// whichever thread is last.
pub fn set_sink(sink: Option<Arc<dyn Sink>>) {
    let former = std::mem::replace(&mut *self::sink(), sink);
    // Out of the lock: dropping it may run the program's code.
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

/// The `log` crate cannot be asked whether it has a logger, but one that is to see anything has
/// also set the maximum level, which is `Off` at first.
fn notice_foreign_logger() {
    let unsettled = || !FOREIGN.load(Ordering::Relaxed) && !INSTALLED.load(Ordering::Relaxed);
    if unsettled() && log::max_level() != log::LevelFilter::Off {
        let settings = settings();
        // Asked again: the level may be the one that `install` has just set.
        if unsettled() {
            FOREIGN.store(true, Ordering::Relaxed);
            settings.apply();
        }
    }
}

/// A named source of messages. Cheap to clone; clones are the same logger. Usable from any thread.
#[derive(Clone, Debug)]
pub struct Logger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    gate: Arc<Gate>,
    key: u64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let removed = settings().live.remove(&self.key);
        debug_assert!(removed.is_some());
    }
}

impl Logger {
    /// A logger called `name`, normalized by [`normalize_name`].
    pub fn new(name: &str) -> Logger {
        notice_foreign_logger();
        let name: Arc<str> = normalize_name(name).into();
        let gate = Arc::new(Gate::new());
        let live_gate = LiveGate::Shared(gate.clone());
        let key = settings().register(name.clone(), live_gate);
        Logger { inner: Arc::new(Inner { name, gate, key }) }
    }

    /// The full name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether a message of that level goes anywhere.
    #[inline]
    pub fn enabled(&self, level: Level) -> bool {
        let gate = &self.inner.gate;
        level.0 >= gate.first.load(Ordering::Relaxed) && gate.admits(level)
    }

    /// Logs `text`, if that level is enabled: `logger.log(Level::INFO, format_args!("{n} words"))`.
    pub fn log(&self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            emit(self.name(), &self.inner.gate, level, text);
        }
    }

    /// Logs, at level [`Level::THREAD`], which thread of which process calls: `PID=1, TID=2`.
    pub fn log_thread_id(&self) {
        if self.enabled(Level::THREAD) {
            let (process, thread) = (std::process::id(), thread_id());
            self.log(Level::THREAD, format_args!("PID={process}, TID={thread}"));
        }
    }
}

/// The one logger of a class whose objects have no name of their own. Made by `static_logger!`.
pub(crate) struct StaticLogger {
    /// Full, that is to say normalized.
    name: &'static str,
    gate: Gate,
    /// Written with `SETTINGS` locked.
    registered: AtomicBool,
}

impl StaticLogger {
    /// `name` has to be normalized already.
    pub(crate) const fn new(name: &'static str) -> StaticLogger {
        StaticLogger { name, gate: Gate::new(), registered: AtomicBool::new(false) }
    }

    /// As [`Logger::enabled`]. The first call registers the logger, whose gate lets it through.
    #[inline]
    pub(crate) fn enabled(&'static self, level: Level) -> bool {
        level.0 >= self.gate.first.load(Ordering::Relaxed) && self.admits(level)
    }

    #[cold]
    fn admits(&'static self, level: Level) -> bool {
        if !self.registered.load(Ordering::Acquire) {
            self.register();
        }
        self.gate.admits(level)
    }

    fn register(&'static self) {
        notice_foreign_logger();
        let mut settings = settings();
        if !self.registered.load(Ordering::Relaxed) {
            settings.register(self.name.into(), LiveGate::Static(&self.gate));
            self.registered.store(true, Ordering::Release);
        }
    }

    /// As [`Logger::log`].
    pub(crate) fn log(&'static self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            emit(self.name, &self.gate, level, text);
        }
    }
}

/// Declares a static logger: `static_logger!(LOG, "memory.Emulate")`, with the name that follows
/// `pyrogue.`. It is registered when first used.
macro_rules! static_logger {
    ($name:ident, $text:literal) => {
        static $name: $crate::logging::StaticLogger =
            $crate::logging::StaticLogger::new(concat!("pyrogue.", $text));
    };
}

/// Logs at a level, with the arguments of `format!`, which are evaluated only where the level is
/// enabled: `log_at!(logger, level, "{count} words")`.
macro_rules! log_at {
    ($logger:expr, $level:expr, $($arg:tt)+) => {{
        let (logger, level) = (&$logger, $level);
        if logger.enabled(level) {
            logger.log(level, format_args!($($arg)+));
        }
    }};
}

/// [`log_at!`] at [`Level::ERROR`].
macro_rules! log_error {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::ERROR, $($arg)+)
    };
}

/// [`log_at!`] at [`Level::WARNING`].
macro_rules! log_warning {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::WARNING, $($arg)+)
    };
}

/// [`log_at!`] at [`Level::INFO`].
#[allow(unused_macros)]
macro_rules! log_info {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::INFO, $($arg)+)
    };
}

/// [`log_at!`] at [`Level::DEBUG`].
macro_rules! log_debug {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::DEBUG, $($arg)+)
    };
}

#[allow(unused_imports)]
pub(crate) use {log_at, log_debug, log_error, log_info, log_warning, static_logger};

fn emit(name: &str, gate: &Gate, level: Level, text: fmt::Arguments<'_>) {
    notice_foreign_logger();
    if admits_foreign(level) {
        let metadata = log::Metadata::builder().level(level.to_log()).target(name).build();
        let logger = log::logger();
        if logger.enabled(&metadata) {
            logger.log(&log::Record::builder().metadata(metadata).args(text).build());
        }
    }
    if gate.admits_own(level) {
        emit_own(name, level, text);
    }
}

thread_local! {
    /// Whether this thread is inside the sink.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
    /// The process and thread ids last found; the first tells a forked child to look again.
    static THREAD_ID: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

/// Hands a message to standard output and the sink.
fn emit_own(name: &str, level: Level, text: fmt::Arguments<'_>) {
    let to_stdout = emit_stdout() && !FOREIGN.load(Ordering::Relaxed);
    let in_sink = IN_SINK.try_with(Cell::get).unwrap_or(true);
    let sink = if in_sink { None } else { self::sink().clone() };
    if !to_stdout && sink.is_none() {
        return;
    }
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = text.as_str().map_or_else(|| Cow::Owned(text.to_string()), Cow::Borrowed);
    let record = Record {
        name,
        level,
        seconds: since_1970.as_secs(),
        microseconds: since_1970.subsec_micros(),
        text: &text,
        thread_id: if sink.is_some() { thread_id() } else { 0 },
        process_id: std::process::id(),
    };
    if to_stdout {
        output::print(&record);
    }
    if let Some(sink) = sink {
        IN_SINK.with(|in_sink| in_sink.set(true));
        let call = AssertUnwindSafe(|| sink.accept(&record));
        if let Err(payload) = panic::catch_unwind(call) {
            std::mem::forget(payload);
        }
        IN_SINK.with(|in_sink| in_sink.set(false));
    }
}

/// The kernel's id of the calling thread; 0 where it cannot be told.
fn thread_id() -> u64 {
    let process = std::process::id();
    let (known_process, known_thread) = THREAD_ID.try_with(Cell::get).unwrap_or((0, 0));
    if known_process == process {
        return known_thread;
    }
    // Linux: a link that reads `<process>/task/<thread>`.
    let link = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let last = link.file_name().and_then(|last| last.to_str());
    let thread = last.and_then(|last| last.parse().ok()).unwrap_or(0);
    let _ = THREAD_ID.try_with(|id| id.set((process, thread)));
    thread
}

/// What [`install`] gives the `log` crate: other crates' messages by the rules of this module.
struct LogAdapter;

impl log::Log for LogAdapter {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let name = normalize_name(metadata.target());
        Level::of_log(metadata.level()) >= settings().threshold(&name)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let name = normalize_name(record.target());
            emit_own(&name, Level::of_log(record.level()), *record.args());
        }
    }

    /// Nothing is kept back.
    fn flush(&self) {}
}

#[cfg(test)]
mod tests;
