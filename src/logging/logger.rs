//! Named loggers, and the static loggers of classes.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::emit::{emit, emit_limited, thread_id};
use super::settings::{notice_foreign_logger, settings, LiveThreshold, Threshold};
use super::{normalize_name, Level};
use crate::debug::impl_debug;
use crate::peer::Origin;

/// A named source of messages. Cheap to clone; clones are the same logger. Usable from any thread.
#[derive(Clone, Debug)]
pub struct Logger {
    entry: Arc<LoggerEntry>,
}

#[derive(Debug)]
struct LoggerEntry {
    name: Arc<str>,
    threshold: Arc<Threshold>,
    key: u64,
}

impl Drop for LoggerEntry {
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
        let threshold = Arc::new(Threshold::new());
        let live_threshold = LiveThreshold::Shared(threshold.clone());
        let key = settings().register(name.clone(), live_threshold);
        Logger { entry: Arc::new(LoggerEntry { name, threshold, key }) }
    }

    /// The full name.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether a message of that level reaches any output.
    #[inline]
    pub fn enabled(&self, level: Level) -> bool {
        let threshold = &self.entry.threshold;
        level.0 >= threshold.quick.load(Ordering::Relaxed) && threshold.admits(level)
    }

    /// Logs `text`, if that level is enabled: `logger.log(Level::INFO, format_args!("{n} words"))`.
    #[cold]
    #[inline(never)]
    pub fn log(&self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            emit(self.name(), &self.entry.threshold, level, text);
        }
    }

    /// As [`log`](Self::log), rate limited: for messages that `peer` can cause any number of times.
    #[track_caller]
    #[cold]
    #[inline(never)]
    pub(crate) fn log_limited(&self, peer: Option<Origin>, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            emit_limited(
                (self.name(), &self.entry.threshold),
                Location::caller(),
                peer,
                level,
                text,
            );
        }
    }

    /// Logs the ids of the calling process and thread at [`Level::THREAD`]: `PID=1, TID=2`.
    pub fn log_thread_id(&self) {
        if self.enabled(Level::THREAD) {
            let (process, thread) = (std::process::id(), thread_id());
            self.log(Level::THREAD, format_args!("PID={process}, TID={thread}"));
        }
    }
}

/// The logger of a class whose objects share one name. Made by `static_logger!`.
pub struct StaticLogger {
    /// The full, normalized name.
    name: &'static str,
    pub(super) threshold: Threshold,
    /// Written with `SETTINGS` locked.
    registered: AtomicBool,
}

impl_debug!(StaticLogger, logger => { name: logger.name });

impl StaticLogger {
    /// `name` must be normalized.
    pub(crate) const fn new(name: &'static str) -> StaticLogger {
        StaticLogger { name, threshold: Threshold::new(), registered: AtomicBool::new(false) }
    }

    /// As [`Logger::enabled`]. The first call registers the logger; its threshold admits it.
    #[inline]
    pub(crate) fn enabled(&'static self, level: Level) -> bool {
        level.0 >= self.threshold.quick.load(Ordering::Relaxed) && self.admits(level)
    }

    #[cold]
    fn admits(&'static self, level: Level) -> bool {
        if !self.registered.load(Ordering::Acquire) {
            self.register();
        }
        self.threshold.admits(level)
    }

    fn register(&'static self) {
        notice_foreign_logger();
        let mut settings = settings();
        if !self.registered.load(Ordering::Relaxed) {
            settings.register(self.name.into(), LiveThreshold::Static(&self.threshold));
            self.registered.store(true, Ordering::Release);
        }
    }

    /// As [`Logger::log`].
    #[cold]
    #[inline(never)]
    pub(crate) fn log(&'static self, level: Level, text: fmt::Arguments<'_>) {
        if self.enabled(level) {
            emit(self.name, &self.threshold, level, text);
        }
    }

    /// As [`Logger::log_limited`].
    #[track_caller]
    #[cold]
    #[inline(never)]
    pub(crate) fn log_limited(
        &'static self,
        peer: Option<Origin>,
        level: Level,
        text: fmt::Arguments<'_>,
    ) {
        if self.enabled(level) {
            emit_limited((self.name, &self.threshold), Location::caller(), peer, level, text);
        }
    }
}
