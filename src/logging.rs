//! Loggers with Rogue's names, on top of the `log` crate.

/// Declares a static logger for a class.
macro_rules! static_logger {
    ($name:ident, $text:literal) => {
        static $name: &str = concat!("pyrogue.", $text);
    };
}
/// Logs at Rogue's level Debug.
macro_rules! log_debug {
    ($logger:expr, $($arg:tt)*) => { log::debug!(target: $logger, $($arg)*) };
}
/// Logs at Rogue's level Warning.
macro_rules! log_warning {
    ($logger:expr, $($arg:tt)*) => { log::warn!(target: $logger, $($arg)*) };
}
pub(crate) use {log_debug, log_warning, static_logger};
