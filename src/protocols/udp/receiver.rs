//! Datagrams into frames.

use std::cell::Cell;
use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::headroom;
use crate::net::udp::{self, Arrival, BATCH_COUNT_MAX, SPILL_BYTES};
use crate::stream::{Frame, FrameGuard, Pool};

/// Upper bound on the freed buffers that are kept for further datagrams.
const SPARE_BUFFERS_COUNT_MAX: u32 = 1024;

/// Rooms of the first batch, and of one after a lone datagram: with a room more than datagrams the
/// call also shows that the socket has been drained.
const ROOMS_COUNT_MIN: usize = 2;

/// Of a datagram that is copied: a smaller one gets a buffer of its size, so that a thousand small
/// ones, which may come as one, do not take a thousand large buffers.
const FULL_BUFFER_BYTES_MIN: usize = 4096;

/// Datagrams between two looks at the memory. Each takes some small things that cannot be tried: its
/// frame, and what the layers above keep of it.
const DATAGRAMS_PER_LOOK: usize = 32;

thread_local! {
    /// What the rooms of a batch have behind their frames. One per thread, because a thread receives
    /// one batch at a time; the system gives memory to the parts that are used.
    static SPILL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Calls `action` with room for what may come behind `rooms_count` frames.
fn with_spill<T>(rooms_count: usize, action: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut spill = SPILL.try_with(Cell::take).unwrap_or_default();
    let bytes = rooms_count * SPILL_BYTES;
    if spill.len() < bytes {
        // Without memory joined datagrams are lost, as on a network. Not resized: that would touch all
        // of it.
        spill = udp::zeroed(bytes).filter(|_| headroom::is_there()).unwrap_or(spill);
    }
    let bytes = bytes.min(spill.len());
    let outcome = action(&mut spill[..bytes]);
    // Fails only at the end of the thread; the memory is freed then.
    let _ = SPILL.try_with(|place| place.set(spill));
    outcome
}

/// Where a datagram is.
enum Place {
    /// At the start of this room's frame.
    Room(usize),
    /// In a frame of its own; `None` where it has been taken, or there was no memory.
    Copy(Option<Arc<Frame>>),
}

/// A datagram that has arrived.
pub(super) struct Datagram {
    /// As far as it is kept.
    pub(super) bytes: usize,
    /// It is longer than the largest payload, which is kept of it.
    pub(super) is_oversized: bool,
    /// Where it came from; `None` if the system does not say.
    pub(super) source: Option<SocketAddr>,
    place: Place,
}

/// Receives datagrams into frames. Knows no event loop, so that any thread may run it, one at a
/// time.
pub(super) struct Receiver {
    pool: Pool,
    payload_bytes_max: u32,
    /// A frame for each room of a batch, with no other reference and no payload. Never empty.
    frames: Vec<Arc<Frame>>,
    arrivals: Vec<Arrival>,
    received: Vec<Datagram>,
    /// Rooms of the next batch: to prepare one has a cost, which a lone datagram need not pay for
    /// many.
    rooms_count: usize,
    memory: Lookout,
}

/// Whether there is memory for further datagrams of a batch.
#[derive(Default)]
struct Lookout {
    /// Datagrams until the next look.
    left: usize,
    has_memory: bool,
}

impl Lookout {
    /// Whether there is memory for one more.
    fn has_memory(&mut self) -> bool {
        if self.left == 0 {
            *self = Lookout { left: DATAGRAMS_PER_LOOK, has_memory: headroom::is_there() };
        }
        self.left -= 1;
        self.has_memory
    }
}

impl Receiver {
    pub(super) fn new(payload_bytes_max: u32) -> Result<Receiver> {
        headroom::prepare();
        let pool = Pool::new();
        pool.set_fixed_size(payload_bytes_max);
        pool.set_pool_size(SPARE_BUFFERS_COUNT_MAX);
        let frames = vec![pool.request(payload_bytes_max)?];
        Ok(Receiver {
            pool,
            payload_bytes_max,
            frames,
            arrivals: Vec::with_capacity(BATCH_COUNT_MAX),
            received: Vec::with_capacity(BATCH_COUNT_MAX),
            rooms_count: ROOMS_COUNT_MIN,
            memory: Lookout::default(),
        })
    }

    /// Receives a batch; returns whether it has drained the socket.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        self.received.clear();
        self.memory = Lookout::default();
        with_spill(self.rooms_count, |spill| match self.rooms_count {
            ROOMS_COUNT_MIN => self.receive_batch::<ROOMS_COUNT_MIN>(socket, spill),
            _ => self.receive_batch::<BATCH_COUNT_MAX>(socket, spill),
        })
    }

    fn receive_batch<const COUNT_MAX: usize>(
        &mut self,
        socket: &UdpSocket,
        spill: &mut [u8],
    ) -> io::Result<bool> {
        while self.frames.len() < self.rooms_count && self.memory.has_memory() {
            let Ok(frame) = self.pool.request(self.payload_bytes_max) else { break };
            self.frames.push(frame);
        }
        let mut guards: [Option<FrameGuard<'_>>; COUNT_MAX] = [const { None }; COUNT_MAX];
        let used = self.frames.iter().take(self.rooms_count);
        for (place, frame) in guards.iter_mut().zip(used) {
            *place = Some(frame.lock());
        }
        let rooms = guards.iter_mut().flatten();
        let rooms = rooms.map_while(|buffers| buffers.make_contiguous().ok());
        let rooms_count = self.frames.len().min(self.rooms_count);
        udp::receive::<COUNT_MAX>(socket, rooms, spill, &mut self.arrivals)?;
        let spills =
            spill.chunks_exact(SPILL_BYTES.max(1)).map(Some).chain(std::iter::repeat(None));
        let places = guards.iter_mut().flatten().zip(spills);
        for (index, (arrival, (room, spill))) in self.arrivals.iter().zip(places).enumerate() {
            let parts = [&*room.space_mut(), spill.unwrap_or_default()];
            let limit = self.payload_bytes_max as usize;
            for whole in arrival.datagrams() {
                let bytes = whole.len().min(limit);
                let kept = whole.start..whole.start + bytes;
                let place = match kept.start {
                    0 => Place::Room(index),
                    _ if !self.memory.has_memory() => Place::Copy(None),
                    _ => Place::Copy(copied(&self.pool, self.payload_bytes_max, parts, kept)),
                };
                let (is_oversized, source) = (whole.len() > limit, arrival.source);
                if self.received.try_reserve(1).is_err() {
                    // Lost, as on a network.
                    break;
                }
                self.received.push(Datagram { bytes, is_oversized, source, place });
            }
        }
        let count = self.arrivals.len();
        self.rooms_count = (2 * count).clamp(ROOMS_COUNT_MIN, BATCH_COUNT_MAX);
        Ok(count < rooms_count)
    }

    /// The datagrams of the latest batch.
    pub(super) fn received(&self) -> &[Datagram] {
        &self.received
    }

    /// Takes the frame of the `index`th datagram of the batch, with its payload. `None` if there is
    /// no memory for another one in its place or for what is made of it, or was none for a copy.
    pub(super) fn take(&mut self, index: usize) -> Option<Arc<Frame>> {
        if !self.memory.has_memory() {
            return None;
        }
        let Datagram { bytes, place, .. } = &mut self.received[index];
        let room = match place {
            Place::Room(room) => *room,
            Place::Copy(frame) => return frame.take(),
        };
        let fresh = self.pool.request(self.payload_bytes_max).ok()?;
        let mut frame = mem::replace(&mut self.frames[room], fresh);
        Frame::fill(&mut frame, |buffers| buffers.set_payload(*bytes)).ok()?;
        Some(frame)
    }
}

/// A frame with the bytes at `range` of two parts that follow each other.
fn copied(
    pool: &Pool,
    full_bytes: u32,
    parts: [&[u8]; 2],
    range: Range<usize>,
) -> Option<Arc<Frame>> {
    let size = match range.len() {
        FULL_BUFFER_BYTES_MIN.. => full_bytes,
        bytes => bytes as u32,
    };
    let bound = parts[0].len();
    let first = &parts[0][range.start.min(bound)..range.end.min(bound)];
    let rest = parts[1].get(range.start.max(bound) - bound..range.end.max(bound) - bound)?;
    let mut frame = pool.request(size).ok()?;
    Frame::fill(&mut frame, |buffers| {
        buffers.set_payload(range.len())?;
        buffers.write_at(0, first)?;
        buffers.write_at(first.len(), rest)
    })
    .ok()?;
    Some(frame)
}
