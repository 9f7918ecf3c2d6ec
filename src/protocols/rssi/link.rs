//! The state of a link that threads share, and the work that follows from a change of it.
//!
//! Any thread may change the state: one that brings a datagram, sends a frame, or runs a timer. What
//! follows is done by that thread in [`Link::pump`], with no lock held: up (frames and changes to the
//! application) and down (segments to the transport). One thread at a time works in each direction,
//! so that the order is kept; others leave their work to it. No thread waits for another one.

use std::iter;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::parcel::{self, Departure, Parcel};
use super::state::LinkState;
use crate::clock::{self, Time};
use crate::error::panic_text;
use crate::headroom;
use crate::logging::{log_debug, log_error, log_info, log_warning, Logger};
use crate::net::news::{News, Teller};
use crate::process::{self, Generation};
use crate::proto::rssi::{Closure, Connection, Event, Parameters, Role, Sequence, Timer, Transmit};
use crate::stream::{ignore_drops, Dispatch, Fanout, Frame, Intake, Master};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Number of frames or segments that go up or down together.
const TOGETHER_COUNT_MAX: usize = 32;

/// How long a blocked sender waits at first before it is logged; as in Rogue.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

/// A change of a link.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LinkChange {
    /// Whether frames can be sent from now on, or no longer.
    pub is_open: bool,
    /// Names the layer and the cause. When a link is closed, requests under way fail with it.
    pub text: String,
}

/// Is told of each change of a link, see [`RssiEndpoint::observe`](super::RssiEndpoint::observe).
pub trait LinkObserver: Send + Sync + 'static {
    /// The link has opened or closed. The two alternate.
    fn link_changed(&self, change: &LinkChange);
}

impl<F: Fn(&LinkChange) + Send + Sync + 'static> LinkObserver for F {
    fn link_changed(&self, change: &LinkChange) {
        self(change);
    }
}

/// What another layer does when the link has opened (true) or closed.
type OnChange = Box<dyn Fn(bool) + Send + Sync>;

/// What is done without the lock.
enum Work {
    /// Those of the load go up.
    Deliver,
    Notify(Event),
    /// Those of the load go down.
    Transmit,
}

/// What goes up or down together.
#[derive(Default)]
struct Load {
    parcels: Vec<Parcel>,
    transmits: Vec<Transmit<Parcel>>,
    /// Either of them as frames.
    frames: Vec<Dispatch>,
    /// No longer needed.
    released: Vec<Parcel>,
}

/// What a thread works at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    None,
    /// Up, with a frame.
    Delivery,
    /// Up, with a change.
    Notice,
    Down,
}

/// What the event loop wakes for.
#[derive(Default)]
pub(super) struct Alarms {
    /// In the order of [`Timer::ALL`].
    pub(super) deadlines: [Option<Time>; Timer::ALL.len()],
    /// When the loop looks at the link before all of these.
    pub(super) look: Option<Time>,
}

/// When the event loop, which was told of a deadline at `armed`, looks at a link before all
/// `deadlines`. While requests and answers follow each other, an acknowledge falls due soon, and has
/// gone with the next request: the loop keeps to the time that it was told, so that it is not told of
/// such a deadline for each answer. An idle link is left alone until its null segment.
fn look_before(
    deadlines: &[Option<u64>; Timer::ALL.len()],
    armed: Option<u64>,
    now: u64,
) -> Option<u64> {
    let next = deadlines.iter().flatten().min().copied();
    let is_idle = next == deadlines[Timer::Null as usize];
    armed.filter(|&armed| !is_idle && now < armed && next.is_some_and(|next| armed < next))
}

/// The locked state. It wakes the event loop when a deadline has become earlier, and the threads for
/// whose condition it is time.
pub(super) struct LinkGuard<'a> {
    link: &'a Link,
    /// `None` only while it waits.
    state: Option<MutexGuard<'a, LinkState>>,
}

impl Deref for LinkGuard<'_> {
    type Target = LinkState;
    fn deref(&self) -> &LinkState {
        self.state.as_ref().expect("it does not wait")
    }
}

impl DerefMut for LinkGuard<'_> {
    fn deref_mut(&mut self) -> &mut LinkState {
        self.state.as_mut().expect("it does not wait")
    }
}

/// State of a link.
pub(super) struct Link {
    generation: Generation,
    /// `rssi::Client` or `rssi::Server`.
    pub(super) name: &'static str,
    pub(super) log: Logger,
    state: Mutex<LinkState>,
    /// Signals room in the window, or the end of the link.
    room: Condvar,
    /// Signals an opened link, an ended passage, a stop.
    changed: Condvar,
    /// Sends segments.
    pub(super) transport: Arc<Master>,
    /// Sends received frames.
    pub(super) application: Arc<Master>,
    news: Arc<News<LinkChange>>,
    /// Pauses the delivery while the receiver has no room and cannot wait.
    intake: Arc<Intake>,
    on_change: OnceLock<OnChange>,
    timeout_ns: AtomicU64,
    /// Frames of the application that were not sent.
    unsent: AtomicU64,
    /// Datagrams with an error.
    errored: AtomicU64,
    /// Empty memory for a load, so that not each needs some of its own.
    spare_load: Mutex<Load>,
}

impl Link {
    /// `stack_bytes`: stack size of the threads that call the observer.
    pub(super) fn new(role: Role, local: Parameters, first: Sequence, stack_bytes: usize) -> Link {
        let name = match role {
            Role::Client => "rssi::Client",
            Role::Server => "rssi::Server",
        };
        let state = LinkState::new(Connection::new(role, local, first));
        Link {
            generation: Generation::current(),
            name,
            log: Logger::new("rssi.controller"),
            state: Mutex::new(state),
            room: Condvar::new(),
            changed: Condvar::new(),
            transport: Master::new(),
            application: Master::new(),
            intake: Arc::default(),
            news: News::new(Teller::Thread("rssi.news", stack_bytes)),
            on_change: OnceLock::new(),
            timeout_ns: AtomicU64::new(TIMEOUT_DEFAULT.as_nanos() as u64),
            unsent: AtomicU64::new(0),
            errored: AtomicU64::new(0),
            spare_load: Mutex::default(),
        }
    }

    pub(super) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    pub(super) fn report_inherited(&self) {
        log_error!(self.log, "{}", process::inherited_text(self.name));
    }

    pub(super) fn lock(&self) -> LinkGuard<'_> {
        LinkGuard { link: self, state: Some(self.state.lock()) }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns.load(Ordering::Relaxed))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) {
        self.timeout_ns.store(clock::nanoseconds(timeout), Ordering::Relaxed);
    }

    /// Read-only access, which no other thread needs to know of.
    fn peek<T>(&self, read: impl FnOnce(&LinkState) -> T) -> T {
        read(&self.state.lock())
    }

    pub(super) fn payload_max(&self) -> usize {
        self.peek(|state| state.connection.payload_max())
    }

    /// Why nothing can be sent now; `None` while the link with the number `number` is open. A number
    /// that is not known yet becomes that of the present link: how many there were before.
    pub(super) fn obstacle(&self, number: &mut Option<u64>) -> Option<String> {
        let (is_open, is_started, closure) = self.peek(|state| {
            let connection = &state.connection;
            let present = connection.loss_count();
            let is_open = connection.is_open() && *number.get_or_insert(present) == present;
            (is_open, connection.is_started(), connection.last_closure())
        });
        match closure {
            _ if is_open => None,
            Some(closure) => Some(self.closed_text(closure)),
            None if is_started => Some(format!("{}: no peer has opened the link yet", self.name)),
            None => Some(format!("{}: the link is not started", self.name)),
        }
    }

    /// A closed link, in words that name the layer.
    pub(super) fn closed_text(&self, closure: Closure) -> String {
        let name = self.name;
        match self.peek(|state| state.transport_loss.clone()) {
            Some(reason) if closure == Closure::TransportLost => {
                format!("{name}: the link is closed: {reason}")
            }
            _ => format!("{name}: the link is closed: {closure}"),
        }
    }

    /// The transport has ended for `reason`, which names its layer.
    pub(super) fn lose_transport(&self, reason: &str) {
        let mut state = self.lock();
        state.transport_loss = Some(reason.to_owned());
        state.connection.lose_transport(clock::now().0);
        drop(state);
        self.pump();
    }

    pub(super) fn count_unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// A frame had its number when it was given up, and has not left.
    fn count_withheld(&self) {
        self.count_unsent();
        self.lock().connection.note_withheld();
        log_debug!(self.log, "{}: a frame is not sent: its request was given up", self.name);
    }

    /// Frames not sent, and datagrams with an error.
    pub(super) fn dropped_frames(&self) -> (u64, u64) {
        (self.unsent.load(Ordering::Relaxed), self.errored.load(Ordering::Relaxed))
    }

    pub(super) fn reset_dropped_frames(&self) {
        self.unsent.store(0, Ordering::Relaxed);
        self.errored.store(0, Ordering::Relaxed);
    }

    pub(super) fn report_errored(&self, error: u8) {
        self.errored.fetch_add(1, Ordering::Relaxed);
        log_warning!(self.log, "{}: a datagram with error 0x{error:x} is dropped", self.name);
    }

    /// The calls of the program's observer.
    pub(super) fn news(&self) -> &Arc<News<LinkChange>> {
        &self.news
    }

    /// Lets the event loop deliver again when a receiver that had no room has some.
    pub(super) fn deliver_after_pauses(self: &Arc<Self>) {
        let link = Arc::downgrade(self);
        self.intake.set_wake(move || {
            let Some(link) = link.upgrade() else { return };
            let handle = link.peek(|state| state.handle.clone());
            handle.into_iter().for_each(|handle| handle.wake());
        });
    }

    /// Sets what another layer does each time the link has opened, before frames are delivered, or
    /// closed; once.
    pub(super) fn set_on_change(&self, work: impl Fn(bool) + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(work));
    }

    /// Takes a datagram whose first bytes are `start`. [`pump`](Self::pump) follows: before the next
    /// datagram if this returns true.
    pub(super) fn receive(&self, start: &[u8], datagram: Parcel) -> bool {
        let bytes = datagram.bytes;
        let now = clock::now().0;
        let mut state = self.lock();
        let outcome = state.connection.receive(now, start, bytes, datagram);
        let is_urgent = state.connection.asks_for_segment();
        drop(state);
        if let Err(malformed) = outcome {
            log_warning!(
                self.log,
                "{}: a datagram of {bytes} bytes is dropped: {malformed}",
                self.name
            );
        }
        is_urgent
    }

    /// Whether the sender of a datagram whose first bytes are `start` may take the peer's place.
    pub(super) fn admits(&self, start: &[u8], bytes: usize) -> bool {
        let admits = self.lock().connection.admits(clock::now().0, start, bytes);
        self.pump();
        admits
    }

    /// Runs a timer that is due. [`pump`](Self::pump) follows.
    pub(super) fn expire(&self, timer: Timer, now: Time) {
        self.lock().connection.timeout(timer, now.0);
    }

    /// The deadlines of all timers, which the event loop knows from now on, and when it looks again
    /// before them.
    pub(super) fn arm(&self) -> Alarms {
        // Not a `LinkGuard`, which would compare with the former deadline.
        let mut state = self.state.lock();
        let deadlines = Timer::ALL.map(|timer| state.connection.deadline(timer));
        let look = look_before(&deadlines, state.armed, clock::now().0);
        state.armed = look.or(deadlines.iter().flatten().min().copied());
        Alarms { deadlines: deadlines.map(|deadline| deadline.map(Time)), look: look.map(Time) }
    }

    /// Does all work that there is, unless other threads are at it.
    pub(super) fn pump(&self) {
        let mut passage = Passage::None;
        let (mut up, mut down) = (Fanout::default(), Fanout::default());
        let delivered_max = match self.application.takes_together(&mut up) {
            true => TOGETHER_COUNT_MAX,
            false => 1,
        };
        let mut load = mem::take(&mut *self.spare_load.lock());
        loop {
            let work = self.next_work(&mut passage, delivered_max, &mut load);
            let released = load.released.drain(..);
            released.for_each(|parcel| Frame::release(parcel.frame));
            match work {
                Some(Work::Deliver) => self.deliver(&mut load, &mut up),
                Some(Work::Notify(event)) => self.notify(event),
                Some(Work::Transmit) => self.transmit(&mut load, &mut down),
                None => break,
            }
        }
        *self.spare_load.lock() = load;
    }

    /// Ends the calling thread's passage and begins the next one, if there is work, which is put
    /// into `load`, with parcels that are no longer needed. At most `delivered_max` frames are
    /// delivered together.
    fn next_work(
        &self,
        passage: &mut Passage,
        delivered_max: usize,
        load: &mut Load,
    ) -> Option<Work> {
        let now = clock::now().0;
        let mut guard = self.lock();
        let state = &mut *guard;
        let own = Some(thread::current().id());
        match mem::replace(passage, Passage::None) {
            Passage::None => {}
            Passage::Down => state.down = None,
            Passage::Notice => state.up = None,
            Passage::Delivery => {
                state.up = None;
                state.connection.delivered(now);
            }
        }
        let may_deliver = state.may_deliver() && !self.intake.is_paused();
        let connection = &mut state.connection;
        let mut work = None;
        if state.up.is_none() {
            if let Some(event) = connection.poll_event() {
                work = Some((Work::Notify(event), Passage::Notice));
            } else if may_deliver {
                let parcels = iter::from_fn(|| connection.poll_deliver(now)).take(delivered_max);
                load.parcels.extend(parcels);
                let is_any = !load.parcels.is_empty();
                work = is_any.then_some((Work::Deliver, Passage::Delivery));
            }
        }
        if work.is_some() {
            state.up = own;
        } else if state.down.is_none() {
            let due = iter::from_fn(|| connection.poll_transmit(now)).take(TOGETHER_COUNT_MAX);
            load.transmits.extend(due);
            let is_any = !load.transmits.is_empty();
            work = is_any.then_some((Work::Transmit, Passage::Down));
            state.down = own.filter(|_| is_any);
        }
        load.released.extend(iter::from_fn(|| connection.poll_released()));
        drop(guard);
        work.map(|(work, next)| {
            *passage = next;
            work
        })
    }

    fn deliver(&self, load: &mut Load, fanout: &mut Fanout) {
        for parcel in load.parcels.drain(..) {
            match parcel::without_header(parcel) {
                Some(frame) => load.frames.push(frame.into()),
                None => {
                    log_error!(self.log, "{}: a received frame was changed by others", self.name);
                }
            }
        }
        let frames = &mut load.frames;
        let send = || {
            if self.application.send_frames_by(fanout, frames) == 0 {
                log_debug!(self.log, "{}: no receiver is connected for a frame", self.name);
            }
        };
        self.intake.passing(|| self.contain("receiver of a frame", send));
        load.frames.clear();
    }

    fn transmit(&self, load: &mut Load, fanout: &mut Fanout) {
        if !headroom::is_there() {
            // As if the network had lost them. If that lasts the link is lost, and with it what it holds: senders
            // that wait would keep the memory otherwise.
            let count = load.transmits.len();
            load.transmits.clear();
            let why = "the system gives this process no memory";
            return log_warning!(self.log, "{}: {count} segments are not sent: {why}", self.name);
        }
        let now = clock::now();
        for transmit in load.transmits.drain(..) {
            let is_repeated = transmit.is_repeated;
            let frame = match parcel::departure(&self.transport, transmit, now) {
                Ok(Departure::Frame(frame)) => frame,
                Ok(Departure::Withheld(frame)) => {
                    if !is_repeated {
                        self.count_withheld();
                    }
                    frame
                }
                Ok(Departure::Changed) => {
                    let text = "the node below has changed a frame that it was given";
                    log_error!(self.log, "{}: {text}", self.name);
                    self.lock().connection.fail_frame(now.0);
                    break;
                }
                Err(error) => {
                    log_error!(self.log, "{}: a segment is not sent: {}", self.name, error.text());
                    continue;
                }
            };
            load.frames.push(frame.into());
        }
        let frames = &mut load.frames;
        // What the transport drops is sent again.
        self.contain("transport", || {
            ignore_drops(|| self.transport.send_frames_by(fanout, frames));
        });
        load.frames.clear();
    }

    fn notify(&self, event: Event) {
        let change = self.change(event);
        match (&change.is_open, event) {
            (true, _) => log_info!(self.log, "{}", change.text),
            (false, Event::Closed(Closure::Stopped)) => log_info!(self.log, "{}", change.text),
            (false, _) => log_warning!(self.log, "{}", change.text),
        }
        if let Some(work) = self.on_change.get() {
            self.contain("layer below", || work(change.is_open));
        }
        if !change.is_open {
            self.contain("node above", || self.application.link_lost(&change.text));
            return self.news.went(|_| change);
        }
        self.news.came(change);
    }

    /// A change in words.
    fn change(&self, event: Event) -> LinkChange {
        let name = self.name;
        match event {
            Event::Opened => {
                LinkChange { is_open: true, text: format!("{name}: the link is open") }
            }
            Event::Closed(closure) => {
                LinkChange { is_open: false, text: self.closed_text(closure) }
            }
        }
    }

    /// Runs code of other nodes, in which anything may happen.
    fn contain(&self, what: &str, body: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
            let text = panic_text(&*payload);
            log_error!(self.log, "{}: the {what} panicked: {text}", self.name);
            // The destructor of a value of an unknown type could panic again.
            mem::forget(payload);
        }
    }

    /// Waits for room in the window, the end of the link, or `limit`.
    pub(super) fn wait_for_room<'a>(&'a self, guard: LinkGuard<'a>, limit: Time) -> LinkGuard<'a> {
        self.wait(guard, limit, |link| &link.room, |state| &mut state.room_waiters)
    }

    /// Waits until the link is open or stopped, a passage ends, or `limit`.
    pub(super) fn wait_for_change<'a>(
        &'a self,
        guard: LinkGuard<'a>,
        limit: Time,
    ) -> LinkGuard<'a> {
        self.wait(guard, limit, |link| &link.changed, |state| &mut state.change_waiters)
    }

    fn wait<'a>(
        &'a self,
        mut guard: LinkGuard<'a>,
        limit: Time,
        condition: fn(&Link) -> &Condvar,
        waiters: fn(&mut LinkState) -> &mut usize,
    ) -> LinkGuard<'a> {
        guard.settle();
        guard.has_woken_senders = false;
        *waiters(&mut guard) += 1;
        let state = guard.state.take().expect("it does not wait");
        guard.state = Some(condition(self).wait_until(state, limit));
        *waiters(&mut guard) -= 1;
        guard
    }
}

impl LinkGuard<'_> {
    /// Wakes the threads that the present state concerns.
    fn settle(&mut self) {
        let link = self.link;
        let Some(state) = &mut self.state else { return };
        if state.room_waiters > 0 && !state.has_woken_senders && state.wakes_senders() {
            state.has_woken_senders = true;
            link.room.notify_all();
        }
        if state.change_waiters > 0 {
            link.changed.notify_all();
        }
        let Some(handle) = &state.handle else { return };
        let deadline = state.connection.next_deadline();
        let is_earlier = match (deadline, state.armed) {
            (Some(deadline), Some(armed)) => deadline < armed,
            (deadline, None) => deadline.is_some(),
            (None, Some(_)) => false,
        };
        // Later ones are left until the event loop wakes; unless the link is idle and this is that
        // loop, which then sleeps until the next null segment.
        let is_idle = deadline != state.armed && deadline == state.connection.deadline(Timer::Null);
        if is_earlier || is_idle && handle.is_loop_thread() {
            // Until it has looked, other threads need not wake it for this deadline.
            handle.wake();
            state.armed = deadline;
        }
    }
}

impl Drop for LinkGuard<'_> {
    fn drop(&mut self) {
        self.settle();
        let Some(mut state) = self.state.take() else { return };
        let resumed = state.take_resumed();
        drop(state);
        resumed.into_iter().for_each(|intake| intake.resume());
    }
}

#[cfg(test)]
mod tests;
