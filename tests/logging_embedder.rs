//! A Rust program that has a logger of its own keeps it, and finds this crate's messages there.
//!
//! A test program of its own, because the `log` crate has one logger per process. One test, because
//! its steps build on each other.

use std::sync::{Arc, Mutex};

use rogue_mem::logging::{self, Level, Logger, Record};

struct Embedder(Mutex<Vec<(String, log::Level, String)>>);

impl log::Log for Embedder {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() != "pyrogue.unwanted"
    }
    fn log(&self, record: &log::Record<'_>) {
        let entry = (record.target().to_owned(), record.level(), record.args().to_string());
        self.0.lock().unwrap().push(entry);
    }
    fn flush(&self) {}
}

static EMBEDDER: Embedder = Embedder(Mutex::new(Vec::new()));
static SINK_TEXTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn taken() -> Vec<(String, log::Level, String)> {
    std::mem::take(&mut EMBEDDER.0.lock().unwrap())
}

fn entry(target: &str, level: log::Level, text: &str) -> (String, log::Level, String) {
    (target.to_owned(), level, text.to_owned())
}

#[test]
fn embedders_logger_gets_the_messages_whenever_it_was_set() {
    // Before there is one, a logger works by this crate's own rules.
    logging::set_emit_stdout(false);
    let early = Logger::new("early");
    assert!(!early.enabled(Level::INFO));

    log::set_logger(&EMBEDDER).expect("nothing of this crate has taken the place");
    log::set_max_level(log::LevelFilter::Info);
    let late = Logger::new("memory.TcpServer.*.8000");
    assert!(early.enabled(Level::INFO), "noticed when the next logger was made");

    // The filters hold nothing back from the embedder, whose own level counts.
    logging::set_filter("early", Level::CRITICAL);
    early.log(Level::INFO, format_args!("from the {} logger", "early"));
    late.log(Level::CRITICAL, format_args!("critical"));
    late.log(Level::THREAD, format_args!("thread"));
    late.log(Level::DEBUG, format_args!("too detailed"));
    assert!(!late.enabled(Level::DEBUG));
    Logger::new("unwanted").log(Level::ERROR, format_args!("refused by the embedder"));
    let server = "pyrogue.memory.TcpServer.*.8000";
    let expected = [
        entry("pyrogue.early", log::Level::Info, "from the early logger"),
        entry(server, log::Level::Error, "critical"),
        entry(server, log::Level::Warn, "thread"),
    ];
    assert_eq!(taken(), expected);

    // The level is followed without further ado.
    log::set_max_level(log::LevelFilter::Trace);
    late.log(Level(3), format_args!("detailed"));
    assert_eq!(taken(), [entry(server, log::Level::Trace, "detailed")]);
    log::set_max_level(log::LevelFilter::Off);
    late.log(Level::CRITICAL, format_args!("nobody listens"));
    assert_eq!(taken(), []);
    log::set_max_level(log::LevelFilter::Info);

    // A sink works beside it, by the filters.
    logging::set_sink(Some(Arc::new(|record: &Record<'_>| {
        SINK_TEXTS.lock().unwrap().push(record.text.to_owned());
    })));
    late.log(Level::ERROR, format_args!("both"));
    late.log(Level::INFO, format_args!("the embedder only"));
    early.log(Level::ERROR, format_args!("filtered for the sink"));
    assert_eq!(*SINK_TEXTS.lock().unwrap(), ["both"]);
    assert_eq!(taken().len(), 3);

    assert!(!logging::install(), "the place is taken");
    late.log(Level::ERROR, format_args!("still there"));
    assert_eq!(taken(), [entry(server, log::Level::Error, "still there")]);
}
