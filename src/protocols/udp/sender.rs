//! The stream slave of an endpoint: sends in the caller's thread.

use std::sync::{Arc, Weak};

use super::intake::Intake;
use super::link::{Link, Route};
use super::outbox::Queued;
use crate::clock;
use crate::logging::{log_warning, static_logger};
use crate::net::DriverHandle;
use crate::process::{inherited_text, is_on_duty};
use crate::stream::{warn_of_drop, Buffers, Frame, Slave, SlaveBase, Waiter};

static_logger!(LOG, "udp");

/// Most frames have few buffers; the slices of these need no allocation.
const SLICES_COUNT: usize = 8;

/// Sends frames. The endpoint lasts as long as this exists: its owner, and masters that send to it,
/// keep it.
pub(super) struct Sender {
    link: Arc<Link>,
    handle: DriverHandle,
    /// Not owned: receivers that send back own this sender.
    intake: Weak<Intake>,
}

impl Sender {
    pub(super) fn new(link: Arc<Link>, handle: DriverHandle, intake: Weak<Intake>) -> Sender {
        Sender { link, handle, intake }
    }

    pub(super) fn handle(&self) -> &DriverHandle {
        &self.handle
    }

    #[cfg(test)]
    pub(super) fn intake(&self) -> Option<Arc<Intake>> {
        self.intake.upgrade()
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Ends the endpoint; see [`UdpEndpoint::stop`](super::UdpEndpoint::stop).
    pub(super) fn stop(&self) {
        if self.handle.is_inherited() {
            return;
        }
        self.link.close();
        if self.handle.stop() {
            // A thread that waits for an answer may be delivering one.
            self.intake.upgrade().into_iter().for_each(|intake| intake.wait_returned());
        }
    }

    /// Sends the buffers of a frame, each as a datagram; copies of those for which the socket has no
    /// room.
    fn send(&self, route: &Route, buffers: &Buffers) -> Vec<Queued> {
        let filled = || buffers.slices().filter(|slice| !slice.is_empty());
        let mut few = [&[][..]; SLICES_COUNT];
        let many: Vec<&[u8]>;
        let datagrams = match buffers.count() {
            count if count <= SLICES_COUNT => {
                let mut used = 0;
                for (place, slice) in few.iter_mut().zip(filled()) {
                    *place = slice;
                    used += 1;
                }
                &few[..used]
            }
            _ => {
                many = filled().collect();
                &many[..]
            }
        };
        // What waits already goes first.
        let done = match self.link.outbox.is_used() {
            true => 0,
            false => self.link.transmit(route, datagrams),
        };
        let rest = datagrams[done..].iter();
        rest.map(|bytes| Queued { bytes: bytes.to_vec(), to: route.peer }).collect()
    }

    /// Leaves datagrams to the event loop. A thread of the program waits for room; one of the
    /// library does not, because others depend on it.
    fn queue(&self, datagrams: Vec<Queued>) {
        let limit = (!is_on_duty()).then(|| clock::now() + self.link.timeout());
        let mut lost = 0;
        for datagram in datagrams {
            if !self.link.outbox.push(datagram, limit) {
                lost += 1;
            }
            // At once: room comes only when the loop sends.
            self.handle.wake();
        }
        if lost > 0 {
            self.link.lose(lost);
            warn_of_drop!(
                LOG,
                "{}: {lost} datagrams were dropped, because the network takes them more slowly \
                 than they are sent",
                self.link.name
            );
        }
    }
}

impl Slave for Sender {
    fn base(&self) -> &SlaveBase {
        &self.link.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let error = frame.error();
        if self.handle.is_inherited() || error != 0 {
            let bytes = Frame::consume(frame, |buffers| buffers.payload());
            self.link.lose(1);
            let name = &self.link.name;
            return match error {
                0 => {
                    log_warning!(LOG, "{name}: it belongs to the parent process and sends nothing")
                }
                _ => warn_of_drop!(
                    LOG,
                    "{name}: a frame of {bytes} bytes with error 0x{error:x} is not sent"
                ),
            };
        }
        let route = match self.link.route() {
            Ok(route) => route,
            Err(why) => {
                let bytes = Frame::consume(frame, |buffers| buffers.payload());
                self.link.lose(1);
                let name = &self.link.name;
                return warn_of_drop!(LOG, "{name}: a frame of {bytes} bytes is not sent: {why}");
            }
        };
        let (bytes, rest) =
            Frame::consume(frame, |buffers| (buffers.payload(), self.send(&route, buffers)));
        self.link.base.count(bytes);
        if !rest.is_empty() {
            self.queue(rest);
        }
    }

    fn obstacle(&self, _link: &mut Option<u64>) -> Option<String> {
        if self.handle.is_inherited() {
            return Some(inherited_text(&self.link.name));
        }
        self.link.missing_end().map(|why| format!("{}: {why}", self.link.name))
    }

    fn drive(&self, waiter: &mut dyn Waiter) {
        if !self.handle.is_inherited() {
            self.intake.upgrade().into_iter().for_each(|intake| intake.drive(waiter));
        }
    }

    fn interrupt(&self) {
        if !self.handle.is_inherited() {
            self.intake.upgrade().into_iter().for_each(|intake| intake.interrupt());
        }
    }

    fn stop(&self) {
        Sender::stop(self);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        Sender::stop(self);
    }
}
