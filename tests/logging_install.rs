//! This crate as the `log` crate's logger: other crates' messages follow its filters.
//!
//! A test program of its own, because the `log` crate has one logger per process. One test, because
//! its steps build on each other.

use std::sync::{Arc, Mutex};

use rogue_mem::logging::{self, Level, Logger, Record};

static SEEN: Mutex<Vec<(String, u32, String)>> = Mutex::new(Vec::new());

fn taken() -> Vec<(String, u32, String)> {
    std::mem::take(&mut SEEN.lock().unwrap())
}

fn entry(name: &str, level: u32, text: &str) -> (String, u32, String) {
    (name.to_owned(), level, text.to_owned())
}

#[test]
fn installed_logger_applies_the_filters_to_messages_of_other_crates() {
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(|record: &Record<'_>| {
        let entry = (record.name.to_owned(), record.level.0, record.text.to_owned());
        SEEN.lock().unwrap().push(entry);
        log::error!(target: "sink", "a sink that logs is not called again");
    })));
    log::error!(target: "mio::poll", "before");
    assert_eq!(taken(), []);

    assert!(logging::install());
    assert!(logging::install(), "again is the same");
    assert_eq!(log::max_level(), log::LevelFilter::Error);
    log::error!(target: "mio::poll", "one {}", 1);
    log::debug!(target: "mio::poll", "hidden");
    assert_eq!(taken(), [entry("pyrogue.mio::poll", 40, "one 1")]);

    logging::set_filter("mio::poll", Level::DEBUG);
    assert_eq!(log::max_level(), log::LevelFilter::Debug);
    log::debug!(target: "mio::poll", "shown");
    log::debug!(target: "other", "hidden");
    assert_eq!(taken(), [entry("pyrogue.mio::poll", 10, "shown")]);
    assert!(logging::remove_filter("mio::poll"));
    assert_eq!(log::max_level(), log::LevelFilter::Error);

    // This crate's own messages come once, with their exact level.
    let logger = Logger::new("own");
    logger.log(Level(44), format_args!("own"));
    logger.log(Level::WARNING, format_args!("hidden"));
    assert!(!logger.enabled(Level::WARNING), "what sets the log crate's level is no embedder");
    assert_eq!(taken(), [entry("pyrogue.own", 44, "own")]);
}
