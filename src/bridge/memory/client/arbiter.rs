//! Selects the reader of a client's answers: the event loop, or a thread that waits for an answer.
//! No socket, no lock, no clock: each input returns the action for the caller.
//!
//! An answer that another thread reads costs two thread switches, an answer that its requester
//! reads costs one. So a waiting thread reads if nobody else does, and the event loop does not
//! watch the connection meanwhile. The event loop resumes watching only [`PAUSE`] after the last
//! wait, because another wait usually follows.
//!
//! * The event loop watches while a *listener* needs an answer: an observer, or a thread that waits
//!   while another one reads.
//! * It watches while unread answers block progress, see [`Needs`].
//! * An answer without a listener is read within two pauses. The event loop then watches, and
//!   sleeps until octets arrive.

use std::time::Duration;

use crate::clock::Time;

/// Time without watching after the last wait. The event loop checks once per pause.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// What the caller has to do. `Watch`: register the connection, with its current readiness
/// reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum ReadAction {
    Nothing,
    Watch,
    /// Watched already: report the current readiness again.
    WatchAgain,
    Unwatch,
    /// Wake the event loop, which has work.
    WakeLoop,
    /// Make the waiting thread that reads return.
    Interrupt,
}

/// Reasons for the event loop to watch without a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Needs {
    /// Unread answers block further requests, or the server.
    pub(super) answers: bool,
    /// The socket that carries answers is full, so that requests wait for it.
    pub(super) socket: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Reader {
    #[default]
    Nobody,
    EventLoop,
    /// A thread that waits for an answer.
    Waiter,
}

/// The tick that begins a pause.
const AT_ONCE: Time = Time(0);

/// Selects the reader of a client's answers. There is at most one; a wait that is not granted
/// continues as a listener.
#[derive(Default, Debug)]
pub(super) struct ReadArbiter {
    /// Waiting threads may read.
    is_direct: bool,
    is_connected: bool,
    /// The connection has broken: no other thread begins to read.
    is_reclaimed: bool,
    reader: Reader,
    is_watched: bool,
    /// Negative for a moment if a listener is removed before it is added.
    listeners: isize,
    /// The time of the event loop's next check whether to watch again.
    tick: Option<Time>,
    /// A thread has waited since the last tick.
    has_waited: bool,
    #[cfg(test)]
    pub(super) granted_count: u64,
}

impl ReadArbiter {
    pub(super) fn new(is_direct: bool) -> ReadArbiter {
        ReadArbiter { is_direct, ..ReadArbiter::default() }
    }

    /// There is a new connection. The event loop watches it.
    pub(super) fn connected(&mut self) {
        let (is_direct, listeners) = (self.is_direct, self.listeners);
        let fresh = ReadArbiter { is_direct, listeners, ..ReadArbiter::default() };
        *self = ReadArbiter { is_connected: true, is_watched: true, ..fresh };
    }

    /// The connection has gone. A thread that still reads it does not report its end.
    pub(super) fn disconnected(&mut self) {
        self.is_connected = false;
        self.is_watched = false;
        self.reader = Reader::Nobody;
        self.tick = None;
    }

    /// A thread waits. `Some`: it becomes the reader, after the action.
    pub(super) fn wait_begins(&mut self, needs: Needs) -> Option<ReadAction> {
        let may_read = self.is_direct && self.is_connected && !self.is_reclaimed;
        let is_free = self.reader == Reader::Nobody && self.listeners <= 0 && !needs.socket;
        if !may_read || !is_free {
            return None;
        }
        self.reader = Reader::Waiter;
        self.has_waited = true;
        #[cfg(test)]
        {
            self.granted_count += 1;
        }
        match std::mem::take(&mut self.is_watched) {
            true => Some(ReadAction::Unwatch),
            false => Some(ReadAction::Nothing),
        }
    }

    /// The waiting thread that reads returns. It may have left octets unread.
    pub(super) fn wait_ends(&mut self, needs: Needs) -> ReadAction {
        self.reader = Reader::Nobody;
        if self.is_reclaimed {
            return ReadAction::WakeLoop;
        }
        if self.is_watched {
            // The event loop has left its events of this time to this thread.
            return ReadAction::WatchAgain;
        }
        if self.listeners > 0 || needs.answers || needs.socket {
            return self.watch();
        }
        if self.tick.is_some() {
            return ReadAction::Nothing;
        }
        self.tick = Some(AT_ONCE);
        ReadAction::WakeLoop
    }

    /// The event loop is about to read. Returns whether it may.
    pub(super) fn loop_begins(&mut self) -> bool {
        let is_free = self.is_connected && self.reader == Reader::Nobody;
        if is_free {
            self.reader = Reader::EventLoop;
        }
        is_free
    }

    /// The event loop has drained the socket, or continues later by itself.
    pub(super) fn loop_ends(&mut self, needs: Needs) -> ReadAction {
        self.reader = Reader::Nobody;
        self.sent(needs)
    }

    /// A listener needs an answer.
    pub(super) fn listener_added(&mut self) -> ReadAction {
        self.listeners += 1;
        match self.reader {
            // It checks for listeners when it has its own answer.
            Reader::Waiter => ReadAction::Nothing,
            Reader::Nobody | Reader::EventLoop => self.watch(),
        }
    }

    /// A listener has been notified, and has returned.
    pub(super) fn listener_removed(&mut self) {
        self.listeners -= 1;
    }

    /// A thread has finished sending, successfully or not.
    pub(super) fn sent(&mut self, needs: Needs) -> ReadAction {
        let is_unread = self.reader == Reader::Nobody && needs.answers;
        match is_unread || needs.socket {
            true => self.watch(),
            false => ReadAction::Nothing,
        }
    }

    /// The connection has broken, and the event loop reads the remaining answers: at once, or after
    /// a wake-up if this is `Interrupt`.
    pub(super) fn reclaim(&mut self) -> ReadAction {
        self.is_reclaimed = true;
        match self.reader {
            Reader::Waiter => ReadAction::Interrupt,
            Reader::Nobody | Reader::EventLoop => ReadAction::Nothing,
        }
    }

    /// The check of the event loop, at [`next_tick`](Self::next_tick) or later.
    pub(super) fn tick(&mut self, now: Time) -> ReadAction {
        if self.tick.is_none_or(|due| now < due) {
            return ReadAction::Nothing;
        }
        let begins = self.tick.replace(now + PAUSE) == Some(AT_ONCE);
        if std::mem::take(&mut self.has_waited) || begins {
            return ReadAction::Nothing;
        }
        if self.reader != Reader::Waiter {
            return self.watch();
        }
        // The end of this long wait begins a new pause.
        self.tick = None;
        ReadAction::Nothing
    }

    /// When the event loop is to call [`tick`](Self::tick).
    pub(super) fn next_tick(&self) -> Option<Time> {
        self.tick
    }

    /// Whether the event loop may be running a listener's code.
    pub(super) fn may_run_listener(&self) -> bool {
        self.reader == Reader::EventLoop && self.listeners > 0
    }

    fn watch(&mut self) -> ReadAction {
        self.tick = None;
        match self.is_connected && !std::mem::replace(&mut self.is_watched, self.is_connected) {
            true => ReadAction::Watch,
            false => ReadAction::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
