//! The logging macros.

/// Declares a static logger: `static_logger!(LOG, "memory.Emulate")`. `pyrogue.` is put before the
/// name. The first use registers it.
macro_rules! static_logger {
    ($name:ident, $text:literal) => {
        static $name: $crate::logging::StaticLogger =
            $crate::logging::StaticLogger::new(concat!("pyrogue.", $text));
    };
}

/// Logs at a level, with the arguments of `format!`. They are evaluated only if the level is
/// enabled: `log_at!(logger, level, "{count} words")`.
macro_rules! log_at {
    ($logger:expr, $level:expr, $($arg:tt)+) => {{
        let (logger, level) = (&$logger, $level);
        if logger.enabled(level) {
            logger.log(level, format_args!($($arg)+));
        }
    }};
}

/// Logs at [`Level::ERROR`](super::Level::ERROR), rate limited. With `from peer;` before the text
/// the limit applies to each peer separately: an address, or a user of this host.
macro_rules! log_error {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_limited!($logger, $crate::logging::Level::ERROR, $($arg)+)
    };
}

/// As [`log_error!`], at [`Level::WARNING`](super::Level::WARNING).
macro_rules! log_warning {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_limited!($logger, $crate::logging::Level::WARNING, $($arg)+)
    };
}

macro_rules! log_limited {
    ($logger:expr, $level:expr, from $peer:expr; $($arg:tt)+) => {{
        let (logger, level) = (&$logger, $level);
        if logger.enabled(level) {
            logger.log_limited(Some($peer.into()), level, format_args!($($arg)+));
        }
    }};
    ($logger:expr, $level:expr, $($arg:tt)+) => {{
        let (logger, level) = (&$logger, $level);
        if logger.enabled(level) {
            logger.log_limited(None, level, format_args!($($arg)+));
        }
    }};
}

/// [`log_at!`] at [`Level::INFO`](super::Level::INFO).
#[allow(unused_macros)]
macro_rules! log_info {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::INFO, $($arg)+)
    };
}

/// [`log_at!`] at [`Level::DEBUG`](super::Level::DEBUG).
macro_rules! log_debug {
    ($logger:expr, $($arg:tt)+) => {
        $crate::logging::log_at!($logger, $crate::logging::Level::DEBUG, $($arg)+)
    };
}

#[allow(unused_imports)]
pub(crate) use {log_at, log_debug, log_error, log_info, log_limited, log_warning, static_logger};
