//! The client's driver on its event loop.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;

use mio::Token;

use super::status::LinkStatus;
use crate::bridge::link::channel::{Channel, Failure};
use crate::bridge::link::dialer::{ClientState, Dialer, Opened};
use crate::bridge::link::scratch::{grow_if_filled, with_scratch};
use crate::bridge::link::wire::{Received, LAST_OCTETS_WAIT_MAX};
use crate::bridge::stream::delivery::Delivery;
use crate::bridge::stream::lane::{Lane, QueuedFrame};
use crate::bridge::stream::outbox::Outbox;
use crate::bridge::stream::receiver::Receiver;
use crate::clock::{self, Time};
use crate::logging::{log_info, log_warning, Logger};
use crate::net::{Driver, DriverHandle, Readiness, Registry};
use crate::sync::Mutex;

/// Number of buffers read in one turn.
const READS_PER_TURN_MAX: usize = 4;
/// Flushes of one turn, before the sockets are read again.
const FLUSHES_PER_TURN_MAX: usize = 16;
/// Bytes of frames that are taken out of the outbox together, for one flush.
const BATCH_BYTES_MIN: usize = 128 * 1024;

/// The connection in use.
struct Open {
    /// Carries the server's frames.
    incoming: Channel,
    /// Carries our frames.
    outgoing: Channel,
    receiver: Receiver,
    lane: Lane,
    /// The time of the connect.
    since: Time,
    /// The failure of the outgoing channel. The other one is read to its end nevertheless, or until
    /// this time; later if octets come.
    ending: Option<(Failure, Time)>,
    /// Octets have come.
    is_heard: bool,
}

/// Drives the connection of a client.
pub(super) struct ClientDriver {
    handle: DriverHandle,
    dialer: Dialer,
    open: Option<Box<Open>>,
    delivery: Delivery,
    outbox: Arc<Outbox>,
    /// The next frames to be sent.
    batch: VecDeque<QueuedFrame>,
    status: Arc<Mutex<LinkStatus>>,
    log: Logger,
    /// A channel is to be read without a further event.
    unread: bool,
    /// The socket for our frames is full.
    is_blocked: bool,
}

impl ClientDriver {
    pub(super) fn new(
        handle: DriverHandle,
        dialer: Dialer,
        delivery: Delivery,
        (outbox, status, log): (Arc<Outbox>, Arc<Mutex<LinkStatus>>, Logger),
    ) -> ClientDriver {
        ClientDriver {
            handle,
            dialer,
            open: None,
            delivery,
            outbox,
            batch: VecDeque::new(),
            status,
            log,
            unread: false,
            is_blocked: false,
        }
    }

    // ------------------------------------------------------------------ connecting

    /// Continues the attempts to connect, and publishes the state.
    fn dial(&mut self, registry: &Registry) {
        if self.open.is_some() {
            return;
        }
        if self.outbox.is_wanted() {
            self.dialer.hurry();
        }
        self.dialer.advance(registry);
        let (state, obstacle) = (self.dialer.state(), self.dialer.obstacle());
        *self.status.lock() = LinkStatus { state, obstacle };
    }

    /// Takes a connection whose server has accepted the client into use.
    fn opened(&mut self, opened: Option<Opened>) {
        let Some(Opened { channels: [mut incoming, mut outgoing], info, remote }) = opened else {
            return;
        };
        let early = incoming.take_early();
        let early_out = outgoing.take_early();
        let (receiver, lane) = (Receiver::default(), Lane::new(info.bridge_level.is_some()));
        let since = clock::now();
        let (ending, is_heard) = (None, false);
        let open = Open { incoming, outgoing, receiver, lane, since, ending, is_heard };
        self.is_blocked = false;
        let open = self.open.insert(Box::new(open));
        self.status.lock().state = ClientState::Connected;
        log_info!(self.log, "Connected to {remote}");
        self.outbox.joined();
        let received = open.outgoing.receive(&early_out).and_then(|()| open.outgoing.flush());
        let received =
            received.and_then(|()| open.receive(&early, &mut self.delivery, &self.handle));
        match received {
            Ok(()) => self.read_later(),
            Err(failure) => self.lose(failure),
        }
    }

    /// The channel for our frames has failed. Frames that the server has sent before count.
    fn end(&mut self, failure: Failure) {
        let Some(open) = &mut self.open else { return };
        open.ending.get_or_insert((failure, clock::now() + LAST_OCTETS_WAIT_MAX));
        self.read_later();
    }

    /// Closes the connection. Another attempt follows after a delay.
    fn lose(&mut self, failure: Failure) {
        let Some(open) = self.open.take() else { return };
        let failure = match open.ending {
            // The server's own words say more than the system's.
            Some((first, _)) if !failure.refused => first,
            _ => failure,
        };
        log_warning!(self.log, "Lost {}: {}", open.outgoing.remote, failure.text);
        self.outbox.left(&open.outgoing.remote, open.lane.unsent());
        self.dialer.lost(failure, open.since);
    }

    // ------------------------------------------------------------------ receiving

    fn read_later(&mut self) {
        self.unread = true;
        self.handle.wake();
    }

    /// Reads both channels, as far as their turn goes.
    fn read(&mut self) {
        let Some(open) = self.open.as_mut().filter(|open| open.ending.is_none()) else {
            return self.read_frames();
        };
        match open.outgoing.read_turn(|channel, _| channel.flush()) {
            Ok(true) => {}
            Ok(false) => self.read_later(),
            Err(failure) => self.end(failure),
        }
        self.read_frames();
    }

    /// Reads the server's frames.
    fn read_frames(&mut self) {
        let Some(open) = &mut self.open else { return };
        if self.delivery.intake.is_paused() {
            // The end of the pause wakes this driver.
            self.unread = true;
            return;
        }
        let read = open.read(&mut self.delivery, &self.handle, READS_PER_TURN_MAX);
        let is_heard = mem::take(&mut open.is_heard);
        if let Some((_, until)) = open.ending.as_mut().filter(|_| is_heard) {
            *until = clock::now() + LAST_OCTETS_WAIT_MAX;
        }
        match read {
            Ok(true) => {}
            Ok(false) => self.read_later(),
            Err(failure) => self.lose(failure),
        }
    }

    // ------------------------------------------------------------------ sending

    /// Sends waiting frames, as far as the socket takes them.
    fn pump(&mut self) {
        if self.is_blocked || self.open.as_ref().is_some_and(|open| open.ending.is_some()) {
            return;
        }
        for _ in 0..FLUSHES_PER_TURN_MAX {
            let Some(open) = &mut self.open else { return };
            let mut is_all = false;
            while Lane::has_room(open.outgoing.wire.out.backlog()) {
                let Some(frame) = self.outbox.next(&mut self.batch, BATCH_BYTES_MIN) else {
                    is_all = true;
                    break;
                };
                if !open.lane.queue(&mut open.outgoing.wire.out, frame) {
                    self.outbox.refused_empty(&open.outgoing.remote);
                }
            }
            match self.flush() {
                Ok(true) if !is_all => {}
                Ok(is_out) => return self.is_blocked = !is_out,
                Err(failure) => return self.end(failure),
            }
        }
        // There is more: let the sockets have their turn.
        self.handle.wake();
    }

    /// Sends queued frames. Returns whether the socket has taken them all.
    fn flush(&mut self) -> Result<bool, Failure> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let wire = &mut open.outgoing.wire;
        let flushed = wire.flush();
        wire.out.spent().for_each(drop);
        self.outbox.sent(open.lane.take_sent(wire.out.sent_octets()));
        let is_out = wire.out.backlog() == 0;
        flushed.map(|()| is_out).map_err(|error| open.outgoing.failed(&error))
    }
}

impl Open {
    fn has(&self, token: usize) -> bool {
        [&self.incoming, &self.outgoing].iter().any(|channel| channel.token == token)
    }

    /// Reads the server's frames until the socket is drained (true), or at most `reads_max`
    /// buffers.
    fn read(
        &mut self,
        delivery: &mut Delivery,
        handle: &DriverHandle,
        reads_max: usize,
    ) -> Result<bool, Failure> {
        with_scratch(|scratch| {
            for _ in 0..reads_max {
                if handle.is_stopping() {
                    return Ok(true);
                }
                let wire = &mut self.incoming.wire;
                let payload = self.receiver.receive_payload(wire, u64::MAX, delivery);
                let is_payload = payload.is_some();
                let count = match payload.unwrap_or_else(|| wire.read(scratch)) {
                    Received::Nothing => return Ok(true),
                    Received::Closed => return Err(self.incoming.closed()),
                    Received::Failed(error) => return Err(self.incoming.failed(&error)),
                    Received::Octets(count) => count,
                };
                self.is_heard = true;
                if is_payload {
                    continue;
                }
                let may_have_more = wire.may_have_more(count, scratch.len());
                self.receive(&scratch[..count], delivery, handle)?;
                grow_if_filled(scratch, count);
                if !may_have_more {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Decodes received octets.
    fn receive(
        &mut self,
        mut input: &[u8],
        delivery: &mut Delivery,
        handle: &DriverHandle,
    ) -> Result<(), Failure> {
        // A slave may have stopped the client, or have forked, so that this may be the child.
        while !input.is_empty() && !handle.is_stopping() {
            let session = &mut self.incoming.wire.session;
            let received = self.receiver.receive(session, input, delivery);
            let used = received.map_err(|error| self.incoming.protocol_failure(&error))?;
            input = &input[used..];
        }
        if !handle.is_stopping() {
            // Its failure shows when the channel has been read to its end.
            let _ = self.incoming.flush();
        }
        Ok(())
    }
}

/// The timers of a client.
#[derive(Clone, Copy)]
pub(super) enum ClientTimer {
    /// Continues the attempts to connect.
    Attempts,
    /// Ends a connection of which one channel has failed.
    Ending,
}

impl Driver for ClientDriver {
    type Timer = ClientTimer;
    const TIMERS: &'static [ClientTimer] = &[ClientTimer::Attempts, ClientTimer::Ending];

    fn start(&mut self, _: &Registry) -> io::Result<()> {
        // The first attempt is due at once.
        Ok(())
    }

    fn ready(&mut self, registry: &Registry, Token(token): Token, readiness: Readiness) {
        let is_ended = readiness.read_closed || readiness.error;
        match self.open.as_deref_mut().filter(|open| open.has(token)) {
            None => {
                let opened = self.dialer.ready(token, readiness);
                self.opened(opened);
            }
            Some(open) => {
                if open.incoming.token == token {
                    open.incoming.wire.is_read_closed |= is_ended;
                    // Its failure shows when the channel has been read to its end.
                    let _ = open.incoming.flush();
                } else {
                    open.outgoing.wire.is_read_closed |= is_ended;
                    self.is_blocked &= !readiness.writable;
                }
                if readiness.readable || is_ended {
                    self.read();
                }
            }
        }
        self.dial(registry);
    }

    fn woken(&mut self, registry: &Registry) {
        if let Err(failure) = self.dialer.resolved() {
            self.lose(failure);
        }
        let opened = self.dialer.read_on();
        self.opened(opened);
        if mem::take(&mut self.unread) {
            self.read();
        }
        self.dial(registry);
    }

    fn deadline(&self, timer: ClientTimer) -> Option<Time> {
        match timer {
            ClientTimer::Attempts => self.dialer.deadline(),
            ClientTimer::Ending => self.open.as_ref()?.ending.as_ref().map(|(_, until)| *until),
        }
    }

    fn timeout(&mut self, registry: &Registry, timer: ClientTimer, _: Time) {
        if let ClientTimer::Ending = timer {
            self.lose("the server sends nothing more".to_owned().into());
        }
        self.dial(registry);
    }

    fn flush(&mut self, registry: &Registry) {
        self.pump();
        self.delivery.end_turn();
        self.dial(registry);
    }

    fn stopped(&mut self, _: &Registry) {
        // Frames are still sent, as far as the socket takes them.
        self.outbox.close();
        self.pump();
        self.status.lock().state = ClientState::Stopped;
        self.dialer.stop();
        self.open = None;
        self.batch.clear();
        self.outbox.abandon();
        self.delivery.stop();
    }
}
