//! Datagrams into frames.

use std::io;
use std::mem;
use std::net::UdpSocket;
use std::sync::Arc;

use crate::error::Result;
use crate::net::udp::{self, Datagram, BATCH_COUNT_MAX};
use crate::stream::{Frame, FrameGuard, Pool};

/// Upper bound on the freed buffers that are kept for further datagrams.
const SPARE_BUFFERS_COUNT_MAX: u32 = 1024;

/// Rooms of the first batch, and of one after a lone datagram: with a room more than datagrams the
/// call also shows that the socket has been drained.
const ROOMS_COUNT_MIN: usize = 2;

/// Receives datagrams into frames. Knows no event loop, so that any thread may run it, one at a
/// time.
pub(super) struct Receiver {
    pool: Pool,
    payload_bytes_max: u32,
    /// A frame for each room of a batch, with no other reference and no payload. Never empty.
    frames: Vec<Arc<Frame>>,
    received: Vec<Datagram>,
    /// Rooms of the next batch: to prepare one has a cost, which a lone datagram need not pay for
    /// many.
    rooms_count: usize,
}

impl Receiver {
    pub(super) fn new(payload_bytes_max: u32) -> Result<Receiver> {
        let pool = Pool::new();
        pool.set_fixed_size(payload_bytes_max);
        pool.set_pool_size(SPARE_BUFFERS_COUNT_MAX);
        let frames = vec![pool.request(payload_bytes_max)?];
        Ok(Receiver {
            pool,
            payload_bytes_max,
            frames,
            received: Vec::with_capacity(BATCH_COUNT_MAX),
            rooms_count: ROOMS_COUNT_MIN,
        })
    }

    /// Receives a batch; returns whether it has drained the socket.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        match self.rooms_count {
            ROOMS_COUNT_MIN => self.receive_batch::<ROOMS_COUNT_MIN>(socket),
            _ => self.receive_batch::<BATCH_COUNT_MAX>(socket),
        }
    }

    fn receive_batch<const COUNT_MAX: usize>(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        while self.frames.len() < self.rooms_count {
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
        udp::receive::<COUNT_MAX>(socket, rooms, &mut self.received)?;
        drop(guards);
        let count = self.received.len();
        self.rooms_count = (2 * count).clamp(ROOMS_COUNT_MIN, BATCH_COUNT_MAX);
        Ok(count < rooms_count)
    }

    /// The datagrams of the latest batch.
    pub(super) fn received(&self) -> &[Datagram] {
        &self.received
    }

    /// Takes the `index`th frame of the batch, and gives it its payload. `None` if there is no
    /// memory for another one in its place.
    pub(super) fn take(&mut self, index: usize) -> Option<Arc<Frame>> {
        let fresh = self.pool.request(self.payload_bytes_max).ok()?;
        let mut frame = mem::replace(&mut self.frames[index], fresh);
        let bytes = self.received[index].bytes;
        Frame::fill(&mut frame, |buffers| buffers.set_payload(bytes)).ok()?;
        Some(frame)
    }
}
