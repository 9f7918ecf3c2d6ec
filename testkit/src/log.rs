//! What the library logs. The log belongs to the whole process, so the tests of a program share it.

use std::sync::{Arc, Mutex, Once};

use rogue_mem::logging::{self, Level, Record};

/// What has been logged since [`capture`]: logger and text.
static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Keeps everything that the bus logs for [`texts_of`], and nothing on standard output.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        logging::set_emit_stdout(false);
        logging::set_filter("memory", Level::DEBUG);
        logging::set_sink(Some(Arc::new(|record: &Record<'_>| {
            let entry = (record.name.to_owned(), record.text.to_owned());
            LOGGED.lock().expect("nothing panics with it").push(entry);
        })));
    });
}

/// The texts that `logger` has logged.
pub fn texts_of(logger: &str) -> Vec<String> {
    let all = LOGGED.lock().expect("nothing panics with it");
    all.iter().filter(|(name, _)| name == logger).map(|(_, text)| text.clone()).collect()
}
