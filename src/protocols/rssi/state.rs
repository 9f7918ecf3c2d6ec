//! The state of a link behind its lock.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use super::parcel::Parcel;
use crate::net::DriverHandle;
use crate::proto::rssi::Connection;
use crate::stream::Intake;

/// Number of frames queued beyond the window at which a bridge, or another link, whose event loop
/// passes them on receives no further ones, until half of them have left. Less than where delivery
/// pauses, so that frames in the other direction go on.
const QUEUE_FRAMES_COUNT_INTAKE: usize = 512;

/// Number of frames queued beyond the window, by threads that deliver, at which delivery pauses:
/// each one delivered may bring another one. Frames of other threads do not count, however many:
/// with them both ends would wait for each other to take frames first.
const REACTIONS_COUNT_PAUSE: usize = 1024;

/// The state behind the lock.
pub(super) struct LinkState {
    pub(super) connection: Connection<Parcel>,
    /// Number of frames that have been queued since the start.
    queued_count: u64,
    /// Numbers of the queued frames that came from threads that deliver, and maybe of earlier ones.
    reactions: VecDeque<u64>,
    /// The timers; `None` while stopped.
    pub(super) handle: Option<DriverHandle>,
    /// The deadline that the event loop knows, or has been woken for.
    pub(super) armed: Option<u64>,
    /// The threads that work in each direction.
    pub(super) up: Option<ThreadId>,
    pub(super) down: Option<ThreadId>,
    /// Threads that wait for room, and for another change.
    pub(super) room_waiters: usize,
    pub(super) change_waiters: usize,
    /// Those that wait for room have been woken since the latest of them began to wait.
    pub(super) has_woken_senders: bool,
    /// What receives nothing until there is room.
    pub(super) paused: Vec<Arc<Intake>>,
    /// Why the transport has ended, in its own words.
    pub(super) transport_loss: Option<String>,
}

impl LinkState {
    pub(super) fn new(connection: Connection<Parcel>) -> LinkState {
        LinkState {
            connection,
            queued_count: 0,
            reactions: VecDeque::new(),
            handle: None,
            armed: None,
            up: None,
            down: None,
            room_waiters: 0,
            change_waiters: 0,
            has_woken_senders: false,
            paused: Vec::new(),
            transport_loss: None,
        }
    }

    /// Queues a frame of the calling thread; `is_reaction` if the thread delivers. It comes back if
    /// the link is not open.
    pub(super) fn queue(&mut self, parcel: Parcel, is_reaction: bool) -> Result<(), Parcel> {
        self.connection.queue(parcel)?;
        if is_reaction {
            self.reactions.push_back(self.queued_count);
        }
        self.queued_count += 1;
        Ok(())
    }

    /// Whether received frames may be delivered: the queue has few frames that deliveries have
    /// brought.
    pub(super) fn may_deliver(&mut self) -> bool {
        let first_queued = self.queued_count - self.connection.queued() as u64;
        while self.reactions.front().is_some_and(|&number| number < first_queued) {
            self.reactions.pop_front();
        }
        self.reactions.len() < REACTIONS_COUNT_PAUSE
    }

    /// Gives the timers to a new driver, which knows no deadline yet: the guard wakes it for one.
    /// Returns the former driver's handle.
    pub(super) fn attach(&mut self, handle: DriverHandle) -> Option<DriverHandle> {
        // What a former driver knew may be over, and nothing that is due later would wake this one.
        self.armed = None;
        self.handle.replace(handle)
    }

    /// Takes the timers from their driver.
    pub(super) fn detach(&mut self) -> Option<DriverHandle> {
        self.handle.take()
    }

    /// Whether the calling thread works for this link, or is its event loop: without it there is no
    /// progress.
    pub(super) fn is_inside(&self) -> bool {
        let own = Some(thread::current().id());
        self.up == own
            || self.down == own
            || self.handle.as_ref().is_some_and(DriverHandle::is_loop_thread)
    }

    /// Pauses what the calling thread passes on, if there is such a thing and many frames wait.
    pub(super) fn pause_intake(&mut self) {
        if self.connection.queued() < QUEUE_FRAMES_COUNT_INTAKE {
            return;
        }
        let Some(intake) = Intake::of_this_thread() else { return };
        if !self.paused.iter().any(|paused| Arc::ptr_eq(paused, &intake)) {
            intake.pause();
            self.paused.push(intake);
        }
    }

    /// What may receive again, to be [resumed](Intake::resume) without the lock.
    pub(super) fn take_resumed(&mut self) -> Vec<Arc<Intake>> {
        let has_room = self.connection.queued() < QUEUE_FRAMES_COUNT_INTAKE / 2;
        match has_room || !self.connection.is_open() {
            true => mem::take(&mut self.paused),
            false => Vec::new(),
        }
    }

    /// Whether a thread of the program need not wait: fewer frames are queued than a window has.
    pub(super) fn has_room_for_senders(&self) -> bool {
        self.connection.queued() < self.connection.current().window()
    }

    /// Whether senders that wait for room go on: a quarter of what may be queued is free, or the link
    /// has ended. With every acknowledge they would fall asleep again after two frames. What is queued
    /// keeps the peer busy until they run.
    pub(super) fn wakes_senders(&self) -> bool {
        let connection = &self.connection;
        let window = connection.current().window();
        connection.queued() + window / 4 <= window || !connection.is_open()
    }

    /// Whether another thread works for this link, and not this one.
    pub(super) fn is_busy_elsewhere(&self) -> bool {
        let own = Some(thread::current().id());
        let is_own = self.up == own || self.down == own;
        !is_own && (self.up.is_some() || self.down.is_some())
    }
}
