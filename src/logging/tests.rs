use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::emit::thread_id;
use super::settings::filter_name;
use super::*;

fn settings(filters: &[(&str, u32)]) -> Settings {
    let mut settings = Settings::new();
    for &(name, level) in filters {
        settings.filters.insert(filter_name(name), Level(level));
    }
    settings
}

/// Counts how often it is formatted.
struct Counted<'a>(&'a AtomicUsize);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        f.write_str("counted")
    }
}

#[test]
fn contract34_names_are_normalized_once() {
    for (name, full) in [
        ("memory.Emulate", "pyrogue.memory.Emulate"),
        ("pyrogue.memory.Emulate", "pyrogue.memory.Emulate"),
        ("pyrogue", "pyrogue"),
        ("pyroguex", "pyrogue.pyroguex"),
        ("", "pyrogue."),
    ] {
        assert_eq!(normalize_name(name), full);
        assert_eq!(normalize_name(full), full);
    }
}

#[test]
fn d87_longest_dotted_prefix_wins_whichever_came_first() {
    let filters = [("memory", 20), ("memory.TcpServer", 10), ("memory.TcpServer.*.8000", 50)];
    let mut reversed = filters;
    reversed.reverse();
    for filters in [filters, reversed] {
        let settings = settings(&filters);
        for (name, level) in [
            ("pyrogue.memory", 20),
            ("pyrogue.memory.Hub", 20),
            ("pyrogue.memory.TcpServer", 10),
            ("pyrogue.memory.TcpServer.*.9000", 10),
            ("pyrogue.memory.TcpServer.*.8000", 50),
            ("pyrogue.memory.TcpServer.127.0.0.1.8000", 10),
            ("pyrogue.memory.TcpServerX", 20),
            ("pyrogue.memoryX", 40),
            ("pyrogue.SrpV3", 40),
        ] {
            assert_eq!(settings.level_of(name), Level(level), "{name}");
        }
    }
}

#[test]
fn root_filter_matches_every_logger_and_trailing_dots_do_not_matter() {
    for root in ["pyrogue", "pyrogue.", ""] {
        let settings = settings(&[(root, 10), ("udp.", 30)]);
        assert_eq!(settings.level_of("pyrogue.SrpV3"), Level::DEBUG, "{root:?}");
        assert_eq!(settings.level_of("pyrogue"), Level::DEBUG);
        assert_eq!(settings.level_of("pyrogue.udp.Client"), Level::WARNING);
    }
}

#[test]
fn filter_acts_on_loggers_made_before_and_after_it() {
    let before = Logger::new("filter_order.Class.before");
    assert!(before.enabled(Level::ERROR));
    assert!(!before.enabled(Level::THREAD));
    set_filter("filter_order.Class", Level::DEBUG);
    let after = Logger::new("filter_order.Class.after");
    for logger in [&before, &after, &before.clone()] {
        assert!(logger.enabled(Level::DEBUG), "{}", logger.name());
        assert!(!logger.enabled(Level(9)), "{}", logger.name());
    }
}

#[test]
fn d87_later_call_replaces_the_filter_also_by_a_quieter_one() {
    let logger = Logger::new("replaced");
    set_filter("replaced", Level::DEBUG);
    assert!(logger.enabled(Level::DEBUG));
    set_filter("pyrogue.replaced", Level::CRITICAL);
    assert!(logger.enabled(Level::CRITICAL));
    assert!(!logger.enabled(Level::ERROR), "a filter may be quieter than the global level");
    assert!(remove_filter("replaced"));
    assert!(!remove_filter("replaced"));
    assert!(logger.enabled(Level::ERROR));
}

#[test]
fn disabled_message_is_neither_formatted_nor_evaluated() {
    let logger = Logger::new("silent");
    let (formatted, evaluated) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let argument = || {
        evaluated.fetch_add(1, Ordering::Relaxed);
        Counted(&formatted)
    };
    set_filter("silent", Level::WARNING);
    log_info!(logger, "{}", argument());
    log_debug!(logger, "{}", argument());
    logger.log(Level::INFO, format_args!("{}", Counted(&formatted)));
    assert_eq!((evaluated.load(Ordering::Relaxed), formatted.load(Ordering::Relaxed)), (0, 0));
    log_warning!(logger, "{}", argument());
    assert_eq!((evaluated.load(Ordering::Relaxed), formatted.load(Ordering::Relaxed)), (1, 1));
}

#[test]
fn d88_static_logger_is_registered_by_its_first_use_and_once() {
    static_logger!(LOG, "static_logger.Class");
    let registered = || {
        let settings = super::settings();
        settings.live.values().filter(|live| &*live.name == "pyrogue.static_logger.Class").count()
    };
    assert_eq!(registered(), 0);
    for _ in 0..3 {
        assert!(!LOG.enabled(Level::DEBUG));
        log_debug!(LOG, "not shown {}", 1);
        assert_eq!(registered(), 1);
    }
    set_filter("static_logger", Level::DEBUG);
    assert!(LOG.enabled(Level::DEBUG));
    set_filter("static_logger", Level::ERROR);
    assert!(!LOG.enabled(Level::WARNING));
    assert_eq!(
        LOG.threshold.quick.load(Ordering::Relaxed),
        Level::ERROR.0,
        "one comparison decides"
    );
}

#[test]
fn dropped_loggers_leave_nothing_behind() {
    let count = || {
        let settings = super::settings();
        settings.live.values().filter(|live| live.name.starts_with("pyrogue.leak.")).count()
    };
    let loggers: Vec<Logger> = (0..1000).map(|n| Logger::new(&format!("leak.{n}"))).collect();
    let clone = loggers[7].clone();
    assert_eq!(count(), 1000);
    drop(loggers);
    assert_eq!(count(), 1, "the clone keeps its logger alive");
    assert_eq!(clone.name(), "pyrogue.leak.7");
    drop(clone);
    assert_eq!(count(), 0);
}

#[test]
fn levels_map_to_the_log_crate_and_back() {
    for (level, expected) in [
        (Level::CRITICAL, log::Level::Error),
        (Level::ERROR, log::Level::Error),
        (Level::THREAD, log::Level::Warn),
        (Level::WARNING, log::Level::Warn),
        (Level::INFO, log::Level::Info),
        (Level::DEBUG, log::Level::Debug),
        (Level(9), log::Level::Trace),
        (Level(0), log::Level::Trace),
        (Level(u32::MAX), log::Level::Error),
    ] {
        assert_eq!(level.to_log(), expected, "{level:?}");
    }
    for level in log::Level::iter() {
        assert_eq!(Level::of_log(level).to_log(), level);
    }
}

#[test]
fn most_verbose_threshold_bounds_what_the_log_crate_passes_on() {
    for (global, filter, expected) in [
        (40, 50, log::LevelFilter::Error),
        (40, 10, log::LevelFilter::Debug),
        (31, 50, log::LevelFilter::Error),
        (30, 50, log::LevelFilter::Warn),
        (0, 50, log::LevelFilter::Trace),
        (50, 50, log::LevelFilter::Off),
    ] {
        let mut settings = settings(&[("x", filter)]);
        settings.global = Level(global);
        assert_eq!(settings.most_verbose(), expected, "{global} {filter}");
    }
}

/// Keeps each write apart, and takes no more bytes at a time than it is told; every other call is
/// interrupted.
struct Writes {
    at_most: usize,
    interrupted: bool,
    seen: Vec<Vec<u8>>,
}

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = bytes.len().min(self.at_most);
        self.seen.push(bytes[..count].to_vec());
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn d90_line_is_whole_in_one_write_or_continued_where_that_was_cut_short() {
    let text = "x".repeat(5_000);
    let record = Record {
        name: "pyrogue.memory.Emulate",
        level: Level::DEBUG,
        time: Duration::new(1_700_000_000, 42_999),
        text: &text,
        thread_id: 1,
        process_id: 2,
    };
    let line = output::line(&record);
    assert_eq!(line, format!("1700000000.000042:pyrogue.memory.Emulate: {text}\n"));
    for (at_most, count) in [(usize::MAX, 1), (4096, 2)] {
        let mut writes = Writes { at_most, interrupted: false, seen: Vec::new() };
        output::write_line(&mut writes, &line).unwrap();
        assert_eq!(writes.seen.len(), count);
        assert_eq!(writes.seen.concat(), line.as_bytes());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn thread_ids_are_the_kernels() {
    let here = thread_id();
    assert_eq!(here, thread_id());
    let there = std::thread::spawn(|| {
        let id = thread_id();
        assert!(std::path::Path::new(&format!("/proc/self/task/{id}")).exists());
        id
    });
    assert_ne!(there.join().unwrap(), here);
    assert!(std::path::Path::new(&format!("/proc/self/task/{here}")).exists());
}
