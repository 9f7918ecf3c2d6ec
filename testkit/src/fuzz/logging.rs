//! Names and filters of the log, against a naive model of Rogue's rule.

use std::collections::BTreeMap;

use rogue_mem::logging::{normalize_name, remove_filter, set_filter, set_level, Level, Logger};

use super::input::Input;

/// The most operations of one run, and the most loggers.
const OPERATIONS_MAX: usize = 16;

/// A name of the few characters that matter, so that names meet.
fn name(input: &mut Input<'_>) -> String {
    let octets = input.chunk();
    let octets = &octets[..octets.len().min(24)];
    String::from_utf8_lossy(octets).into_owned()
}

/// The level of `name`: the filter with the longest name that is the same or ends before a dot.
fn expected(filters: &BTreeMap<String, u32>, global: u32, name: &str) -> u32 {
    let matching = filters.iter().filter(|(prefix, _)| {
        name.strip_prefix(prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    matching.max_by_key(|(prefix, _)| prefix.len()).map_or(global, |(_, level)| *level)
}

/// Full names of loggers begin with the root.
fn check_name(name: &str) -> String {
    let full = normalize_name(name);
    assert!(full == "pyrogue" || full.starts_with("pyrogue."));
    assert!(full.ends_with(name));
    assert_eq!(normalize_name(&full), full);
    full
}

/// Sets and removes filters and the level while loggers exist, and compares what each logger admits
/// after every step. Leaves no filter behind. Settings belong to the process: not for two threads.
pub fn filters(data: &[u8]) {
    let mut input = Input(data);
    let (mut filters, mut loggers) = (BTreeMap::new(), Vec::new());
    let mut global = Level::ERROR.0;
    set_level(Level(global));
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        let operation = input.u8();
        let level = u32::from(operation >> 2);
        match operation % 4 {
            0 => {
                let name = name(&mut input);
                check_name(&name);
                set_filter(&name, Level(level));
                filters.insert(filter_name(&name), level);
            }
            1 => {
                let name = name(&mut input);
                let was_there = filters.remove(&filter_name(&name)).is_some();
                assert_eq!(remove_filter(&name), was_there, "{name:?}");
            }
            2 => {
                global = level;
                set_level(Level(level));
            }
            _ => {
                let name = name(&mut input);
                let logger = Logger::new(&name);
                assert_eq!(logger.name(), check_name(&name));
                loggers.push(logger);
            }
        }
        for logger in &loggers {
            let threshold = expected(&filters, global, logger.name());
            for level in [threshold.saturating_sub(1), threshold, threshold + 1] {
                let is_enabled = logger.enabled(Level(level));
                assert_eq!(is_enabled, level >= threshold, "{} {level}", logger.name());
            }
        }
    }
    filters.keys().for_each(|name| assert!(remove_filter(name), "{name:?}"));
    set_level(Level::ERROR);
}

/// Dots at the end of a filter mean nothing; the root is implied.
fn filter_name(name: &str) -> String {
    let mut name = name;
    while let Some(shorter) = name.strip_suffix('.') {
        name = shorter;
    }
    let mut full = normalize_name(name);
    while full.ends_with('.') {
        full.pop();
    }
    full
}
