//! What becomes of a frame within the call that sends it.
//!
//! [`Slave::accept_frame`](super::Slave::accept_frame) has no result, because a stream owes its sender
//! none. A requester wants one: without it the request waits for its timeout. So a node that drops a
//! frame reports why, and the requester asks for the report of its own thread.

use std::cell::{Cell, RefCell};

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `send`, and returns why a node dropped a frame in this thread meanwhile: the first reason. A
/// node that gives frames to another thread reports nothing of what becomes of them there.
pub fn watch_drops<T>(send: impl FnOnce() -> T) -> (T, Option<String>) {
    let outer_reason = replace(None);
    let watch = Watch::begin(true);
    let result = send();
    drop(watch);
    (result, replace(outer_reason))
}

/// Calls `send` for a frame that nobody waits for, or that is sent again: its drop is not reported.
pub fn ignore_drops<T>(send: impl FnOnce() -> T) -> T {
    let _watch = Watch::begin(false);
    send()
}

/// A node drops a frame in the thread that has sent it.
pub fn report_drop(reason: impl FnOnce() -> String) {
    if IS_WATCHED.get() {
        let reason = replace(None).unwrap_or_else(reason);
        replace(Some(reason));
    }
}

/// At the end of a thread there is no reason any more.
#[inline]
fn replace(reason: Option<String>) -> Option<String> {
    REASON.try_with(|kept| kept.replace(reason)).unwrap_or_default()
}

/// Logs a warning of a dropped frame, and [reports](report_drop) it to the sender.
macro_rules! warn_of_drop {
    ($logger:expr, $($arg:tt)+) => {{
        $crate::stream::report_drop(|| format!($($arg)+));
        $crate::logging::log_warning!($logger, $($arg)+)
    }};
}
pub(crate) use warn_of_drop;

/// Restores the state before, also after a panic.
struct Watch {
    before: bool,
}

impl Watch {
    fn begin(is_watched: bool) -> Watch {
        Watch { before: IS_WATCHED.replace(is_watched) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        IS_WATCHED.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_watched_drop_is_kept_and_only_the_first_reason() {
        report_drop(|| unreachable!("nobody watches"));
        let ((), reason) = watch_drops(|| {
            ignore_drops(|| report_drop(|| unreachable!("nobody waits for it")));
            report_drop(|| "first".into());
            report_drop(|| unreachable!("there is one"));
        });
        assert_eq!(reason.as_deref(), Some("first"));
        assert_eq!(watch_drops(|| 3), (3, None));
    }

    #[test]
    fn a_watch_within_another_one_has_its_own_reason() {
        let (inner, outer) = watch_drops(|| {
            report_drop(|| "outer".into());
            watch_drops(|| report_drop(|| "inner".into())).1
        });
        assert_eq!((inner.as_deref(), outer.as_deref()), (Some("inner"), Some("outer")));
    }
}
