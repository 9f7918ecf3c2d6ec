//! The service of a stream server: frames from its clients, and to them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::bridge::link::budget::Holder;
use crate::bridge::link::connection::{ActiveClient, ClientId};
use crate::bridge::link::malformed::Misconduct;
use crate::bridge::link::server::Link;
use crate::bridge::link::service::{Fault, Peer, Service, Turn};
use crate::bridge::link::wire::Received;
use crate::bridge::stream::delivery::Delivery;
use crate::bridge::stream::lane::{Lane, QueuedFrame};
use crate::bridge::stream::outbox::Outbox;
use crate::bridge::stream::receiver::Receiver;
use crate::clock::{self, Time};
use crate::peer::PeerAddress;

/// Bytes of frames that the event loop takes out of the outbox together. They are next whichever
/// client has room, so that no connection takes them with it.
const BATCH_BYTES_MIN: usize = 256 * 1024;

/// The server's state for each client.
pub(super) struct ServedClient {
    id: ClientId,
    address: PeerAddress,
    receiver: Receiver,
    misconduct: Misconduct,
    lane: Lane,
    /// It is among [`Frames::ready`].
    is_ready: bool,
    /// It has closed the connection for its frames.
    is_ending: bool,
}

impl Holder for ServedClient {
    const IS_ANSWERED: bool = false;

    #[inline]
    fn held_bytes(&self) -> u64 {
        self.receiver.held_bytes()
    }
}

type Active<'a> = ActiveClient<'a, ServedClient>;

/// The frames of all clients.
pub(super) struct Frames {
    pub(super) delivery: Delivery,
    pub(super) outbox: Arc<Outbox>,
    /// The clients that have room for a frame, in the order of their turns.
    ready: VecDeque<ClientId>,
    /// All clients.
    clients: Vec<ClientId>,
    /// The next frames to be sent.
    batch: VecDeque<QueuedFrame>,
    /// A client has not been read because of a pause.
    is_stalled: Cell<bool>,
    malformed_max: u32,
}

impl Frames {
    /// Less than `malformed_max` messages of a client may be malformed in a second.
    pub(super) fn new(delivery: Delivery, outbox: Arc<Outbox>, malformed_max: u32) -> Frames {
        Frames {
            delivery,
            outbox,
            ready: VecDeque::new(),
            clients: Vec::new(),
            batch: VecDeque::new(),
            is_stalled: Cell::new(false),
            malformed_max,
        }
    }

    /// A frame of the client has begun.
    fn begin(&self, client: &mut Active<'_>, bytes: u64) {
        let allowed = client.budget().largest();
        if bytes > allowed {
            self.delivery.note_beyond_budget(bytes, allowed);
            client.state.receiver.skip();
        } else if client.may_take(bytes) {
            client.state.receiver.begin();
        }
    }

    /// A frame that has waited is read on: there is room for it now, or there never will be, because the
    /// budget has shrunk.
    #[inline]
    fn go_on(&self, client: &mut Active<'_>) {
        let Some(bytes) = client.state.receiver.wanted() else { return };
        let allowed = client.budget().largest();
        if bytes > allowed {
            self.delivery.note_beyond_budget(bytes, allowed);
            client.state.receiver.skip();
        }
    }

    /// The client takes no further frames.
    fn end(&mut self, client: &mut Active<'_>) {
        let id = client.id;
        self.ready.retain(|&ready| ready != id);
        client.state.is_ending = true;
    }

    /// Has the link read the clients again that it has not read because of a pause.
    pub(super) fn resume(&self, link: &mut Link<Frames>) {
        if !self.delivery.intake.is_paused() && self.is_stalled.take() {
            // The link resumes the clients that it has looked up.
            self.clients.iter().for_each(|&id| _ = link.with_client(id, |_| ()));
        }
    }

    /// Gives waiting frames to clients with room, in turn, to be flushed. Returns whether any was.
    pub(super) fn distribute(&mut self, link: &mut Link<Frames>) -> bool {
        let mut is_any = false;
        while let Some(id) = self.ready.pop_front() {
            let Some(frame) = self.outbox.next(&mut self.batch, BATCH_BYTES_MIN) else {
                self.ready.push_front(id);
                return is_any;
            };
            let mut frame = Some(frame);
            let outbox = &self.outbox;
            let given = link.with_client(id, |client| {
                let (out, state) = client.answers_and_state();
                let is_queued = frame.take().is_none_or(|frame| state.lane.queue(out, frame));
                if !is_queued {
                    outbox.refused_empty(&state.address);
                }
                state.is_ready = Lane::has_room(out.backlog()) && !state.is_ending;
                state.is_ready
            });
            match given {
                Some(true) => self.ready.push_back(id),
                Some(false) => {}
                // It has gone without the frame, which is the next one's.
                None => frame.into_iter().for_each(|frame| self.batch.push_front(frame)),
            }
            is_any = true;
        }
        is_any
    }
}

impl Service for Frames {
    type Client = ServedClient;

    fn joined(&mut self, peer: &Peer) -> ServedClient {
        self.ready.push_back(peer.id);
        self.clients.push(peer.id);
        self.outbox.joined();
        ServedClient {
            id: peer.id,
            address: peer.address,
            receiver: Receiver::default(),
            misconduct: Misconduct::default(),
            lane: Lane::new(peer.info.bridge_level.is_some()),
            is_ready: true,
            is_ending: false,
        }
    }

    fn left(&mut self, client: ServedClient) {
        self.ready.retain(|&id| id != client.id);
        self.clients.retain(|&id| id != client.id);
        self.outbox.left(&client.address, client.lane.unsent());
    }

    fn is_busy(&self, client: &ServedClient) -> bool {
        client.lane.unsent() > 0
    }

    #[inline]
    fn has_room(&self, _: &Active<'_>) -> bool {
        let is_paused = self.delivery.intake.is_paused();
        self.is_stalled.set(self.is_stalled.get() | is_paused);
        !is_paused
    }

    #[inline]
    fn receive(
        &mut self,
        client: &mut Active<'_>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, Fault> {
        self.go_on(client);
        let ServedClient { receiver, misconduct, .. } = client.state;
        let before = receiver.malformed_count;
        let session = &mut client.request.session;
        let used = receiver.receive(session, input, &mut self.delivery)?;
        let is_malformed = receiver.malformed_count != before;
        if is_malformed && misconduct.note(false, self.malformed_max, turn.now) {
            return Err(Fault::Malformed(self.malformed_max));
        }
        if let Some(bytes) = client.state.receiver.wanted() {
            self.begin(client, bytes);
        }
        turn.now = clock::now();
        Ok(used)
    }

    fn receive_payload(&mut self, client: &mut Active<'_>, octets_max: u64) -> Option<Received> {
        self.go_on(client);
        let receiver = &mut client.state.receiver;
        receiver.receive_payload(client.request, octets_max, &mut self.delivery)
    }

    fn flush(&mut self, client: &mut Active<'_>, _: Time) -> io::Result<()> {
        if client.state.is_ending {
            return Ok(());
        }
        let flushed = client.flush();
        let id = client.id;
        let (out, state) = client.answers_and_state();
        out.spent().for_each(drop);
        self.outbox.sent(state.lane.take_sent(out.sent_octets()));
        if let Err(error) = flushed {
            self.end(client);
            if error.kind() == io::ErrorKind::OutOfMemory {
                // The connection is well: reading shows no end.
                return Err(error);
            }
            // The link finds the end when it reads; what the client has sent before counts.
        } else if Lane::has_room(out.backlog()) && !state.is_ready {
            state.is_ready = true;
            self.ready.push_back(id);
        }
        Ok(())
    }

    fn answers_ended(&mut self, client: &mut Active<'_>) -> bool {
        self.end(client);
        true
    }
}
