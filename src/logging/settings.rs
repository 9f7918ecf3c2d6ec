//! Levels and filters, and the loggers that they apply to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;

use super::{normalize_name, Level};
use crate::sync::{Mutex, MutexGuard};

/// The threshold of a logger.
#[derive(Debug)]
pub(super) struct Threshold {
    /// The first comparison: the level, or 0 where the program's own logger decides too.
    pub(super) quick: AtomicU32,
    /// From the filters and the global level.
    level: AtomicU32,
}

impl Threshold {
    pub(super) const fn new() -> Threshold {
        Threshold { quick: AtomicU32::new(0), level: AtomicU32::new(u32::MAX) }
    }

    pub(super) fn set(&self, level: Level) {
        self.level.store(level.0, Ordering::Relaxed);
        let quick = if FOREIGN.load(Ordering::Relaxed) { 0 } else { level.0 };
        self.quick.store(quick, Ordering::Relaxed);
    }

    /// Whether the level passes for this crate's own outputs.
    pub(super) fn admits_own(&self, level: Level) -> bool {
        level.0 >= self.level.load(Ordering::Relaxed)
    }

    /// Whether the level passes for any output.
    pub(super) fn admits(&self, level: Level) -> bool {
        self.admits_own(level) || admits_foreign(level)
    }
}

/// Whether the program has a logger of its own in the `log` crate. Written with `SETTINGS` locked.
pub(super) static FOREIGN: AtomicBool = AtomicBool::new(false);
/// Whether [`LogAdapter`](super::LogAdapter) is the `log` crate's logger. Written with `SETTINGS`
/// locked.
pub(super) static INSTALLED: AtomicBool = AtomicBool::new(false);

pub(super) static SETTINGS: Mutex<Settings> = Mutex::of_process(Settings::new());

/// Locks the settings of all loggers. The locks of this room guard reads and writes of their data
/// and nothing else. A thread takes one at a time, except in a fork.
pub(super) fn settings() -> MutexGuard<'static, Settings> {
    SETTINGS.lock()
}

pub(super) fn admits_foreign(level: Level) -> bool {
    FOREIGN.load(Ordering::Relaxed) && level.to_log() <= log::max_level()
}

/// The threshold of a live logger, for updates by the settings.
pub(super) enum LiveThreshold {
    Shared(Arc<Threshold>),
    Static(&'static Threshold),
}

pub(super) struct Live {
    pub(super) name: Arc<str>,
    threshold: LiveThreshold,
}

pub(super) struct Settings {
    pub(super) global: Level,
    pub(super) filters: BTreeMap<String, Level>,
    pub(super) live: BTreeMap<u64, Live>,
    next_key: u64,
}

impl Settings {
    pub(super) const fn new() -> Settings {
        Settings {
            global: Level::ERROR,
            filters: BTreeMap::new(),
            live: BTreeMap::new(),
            next_key: 0,
        }
    }

    /// The level of the longest filter that is `name` or a dotted prefix of it.
    pub(super) fn level_of(&self, name: &str) -> Level {
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

    pub(super) fn register(&mut self, name: Arc<str>, threshold: LiveThreshold) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let live = Live { name, threshold };
        self.apply_to(&live);
        self.live.insert(key, live);
        key
    }

    fn apply_to(&self, live: &Live) {
        let level = self.level_of(&live.name);
        match &live.threshold {
            LiveThreshold::Shared(threshold) => threshold.set(level),
            LiveThreshold::Static(threshold) => threshold.set(level),
        }
    }

    /// Applies the settings to every live logger.
    pub(super) fn apply(&self) {
        self.live.values().for_each(|live| self.apply_to(live));
        if INSTALLED.load(Ordering::Relaxed) {
            log::set_max_level(self.most_verbose());
        }
    }

    /// The maximum level for the `log` crate.
    pub(super) fn most_verbose(&self) -> log::LevelFilter {
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

/// Removes a filter; whether there was one of exactly that name.
pub fn remove_filter(prefix: &str) -> bool {
    let mut settings = settings();
    let removed = settings.filters.remove(&filter_name(prefix)).is_some();
    settings.apply();
    removed
}

pub(super) fn filter_name(prefix: &str) -> String {
    normalize_name(prefix.trim_end_matches('.')).trim_end_matches('.').to_owned()
}

/// Detects a logger of the program. The `log` crate does not tell whether it has a logger, but a
/// logger that is meant to see messages also raises the maximum level, which starts as `Off`.
pub(super) fn notice_foreign_logger() {
    let unsettled = || !FOREIGN.load(Ordering::Relaxed) && !INSTALLED.load(Ordering::Relaxed);
    if unsettled() && log::max_level() != log::LevelFilter::Off {
        let settings = settings();
        // Checked again under the lock: `install` may have just set the level.
        if unsettled() {
            FOREIGN.store(true, Ordering::Relaxed);
            settings.apply();
        }
    }
}
