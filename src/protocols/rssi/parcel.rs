//! Frames with a header in front of their payload.

use std::sync::Arc;

use crate::clock::Time;
use crate::error::Result;
use crate::proto::rssi::{Header, Transmit, HEADER_BYTES, NUL, SYN_BYTES};
use crate::stream::{Buffers, Frame, Master};

/// A frame whose payload begins with the bytes of a header. Only this node and its transport have
/// it, while it is to be sent again.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) frame: Arc<Frame>,
    /// Bytes of its payload, those of the header included.
    pub(super) bytes: usize,
}

impl Parcel {
    /// Whether something leaves in its place, where it is cancelled.
    pub(super) fn has_placeholder(&self) -> bool {
        self.placeholder().is_some()
    }

    fn placeholder(&self) -> Option<&[u8]> {
        self.frame.cancel_token().and_then(|token| token.placeholder())
    }
}

/// A frame for an application to fill: one buffer with room for `size` bytes, and for the header in
/// front of them.
pub(super) fn request(transport: &Master, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
    let room = size.saturating_add(HEADER_BYTES as u32);
    let mut frame = transport.req_frame(room, zero_copy)?;
    let reserve = |buffers: &mut Buffers| {
        let count = buffers.count();
        let buffer = buffers.iter_mut().next().filter(|buffer| buffer.size() >= room as usize);
        buffer
            .filter(|_| count == 1)
            .is_some_and(|buffer| buffer.reserve_header(HEADER_BYTES).is_ok())
    };
    if !Frame::fill(&mut frame, reserve) {
        // The transport has given smaller pieces. A segment is one piece.
        frame = Frame::new(room)?;
        Frame::fill(&mut frame, reserve);
    }
    Ok(frame)
}

/// Makes room for a header in front of the payload of `frame`, whose `payload` bytes are not 0: in
/// its buffer, if no one else can see the frame and its buffer has room, or in a copy.
pub(super) fn with_header(
    transport: &Master,
    mut frame: Arc<Frame>,
    payload: usize,
) -> Result<Parcel> {
    let bytes = payload + HEADER_BYTES;
    let extend = |buffers: &mut Buffers| {
        let count = buffers.count();
        let buffer = buffers.iter_mut().next().filter(|_| count == 1);
        buffer.is_some_and(|buffer| buffer.release_header(HEADER_BYTES).is_ok())
    };
    if Arc::strong_count(&frame) == 1 && Frame::fill(&mut frame, extend) {
        return Ok(Parcel { frame, bytes });
    }
    let payload = frame.lock().try_to_vec()?;
    let mut copy = request(transport, payload.len() as u32, true)?;
    copy.share_cancel_token(&frame);
    Frame::release(frame);
    Frame::fill(&mut copy, |buffers| {
        buffers.set_payload(payload.len())?;
        buffers.write_at(0, &payload)
    })?;
    Frame::fill(&mut copy, extend);
    Ok(Parcel { frame: copy, bytes })
}

/// The frame of a received parcel without the header; `None` if it has been changed.
pub(super) fn without_header(parcel: Parcel) -> Option<Arc<Frame>> {
    let Parcel { mut frame, bytes } = parcel;
    let strip = |buffers: &mut Buffers| {
        let first = buffers.iter_mut().next().filter(|first| first.payload() >= HEADER_BYTES);
        first.is_some_and(|first| first.reserve_header(HEADER_BYTES).is_ok())
    };
    if Arc::strong_count(&frame) == 1 && Frame::fill(&mut frame, strip) {
        return Some(frame);
    }
    let mut datagram = Frame::consume(frame, |buffers| buffers.try_to_vec()).ok()?;
    if datagram.len() != bytes || bytes < HEADER_BYTES {
        return None;
    }
    datagram.drain(..HEADER_BYTES);
    Some(Arc::new(Frame::from(datagram)))
}

/// What leaves for a segment.
pub(super) enum Departure {
    /// The segment.
    Frame(Arc<Frame>),
    /// One without its data, which nobody wants any more. Its number is used all the same: the peer
    /// counts along. Where the data has left before, and arrived, it is a duplicate.
    Withheld(Arc<Frame>),
    /// Nothing: the content of the frame is no longer what it was.
    Changed,
}

/// What leaves for a segment at the time `now`.
///
/// # Errors
///
/// As [`Master::req_frame`], for a frame that is only a header.
pub(super) fn departure(
    transport: &Master,
    transmit: Transmit<Parcel>,
    now: Time,
) -> Result<Departure> {
    let Transmit { header, payload, is_repeated } = transmit;
    let Some(parcel) = payload else { return bare(transport, &header, &[]).map(Departure::Frame) };
    let is_cancelled = match is_repeated {
        true => parcel.frame.is_cancelled(now),
        false => parcel.frame.cancel_if_late(now),
    };
    if !is_cancelled {
        return Ok(match stamp(&parcel, &header) {
            true => Departure::Frame(parcel.frame),
            false => Departure::Changed,
        });
    }
    let instead = match parcel.placeholder() {
        Some(placeholder) => bare(transport, &header, placeholder),
        None => bare(transport, &Header { flags: header.flags | NUL, ..header }, &[]),
    };
    instead.map(Departure::Withheld)
}

/// Writes `header` into the parcel that it stands in front of. False if the content of the frame is
/// no longer what it was.
fn stamp(parcel: &Parcel, header: &Header) -> bool {
    let mut bytes = [0; SYN_BYTES];
    let count = header.encode(&mut bytes);
    let mut buffers = parcel.frame.lock();
    buffers.payload() == parcel.bytes && buffers.write_at(0, &bytes[..count]).is_ok()
}

/// A frame of a header, and a few bytes behind it.
fn bare(transport: &Master, header: &Header, payload: &[u8]) -> Result<Arc<Frame>> {
    let mut bytes = [0; SYN_BYTES];
    let count = header.encode(&mut bytes);
    let total = count + payload.len();
    let mut frame = transport.req_frame(total as u32, true)?;
    Frame::fill(&mut frame, |buffers| {
        buffers.set_payload(total)?;
        buffers.write_at(0, &bytes[..count])?;
        buffers.write_at(count, payload)
    })?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::rssi::Sequence;
    use crate::stream::{Pool, Sink};

    fn header() -> Header {
        Header::plain(0x40, Sequence(1), Sequence(2))
    }

    /// Number of buffers, and room for payload.
    fn shape(frame: &Frame) -> (usize, usize) {
        let buffers = frame.lock();
        (buffers.count(), buffers.size())
    }

    fn stamped(parcel: &Parcel) -> Vec<u8> {
        assert!(stamp(parcel, &header()));
        parcel.frame.lock().to_vec()
    }

    #[test]
    fn a_frame_that_was_requested_here_gets_its_header_without_a_copy() {
        let transport = Master::new();
        let mut frame = request(&transport, 4, true).unwrap();
        assert_eq!(shape(&frame), (1, 4));
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(4).unwrap();
            buffers.write_at(0, &[1, 2, 3, 4]).unwrap();
        });
        let place = Arc::as_ptr(&frame);
        let parcel = with_header(&transport, frame, 4).unwrap();
        assert_eq!((Arc::as_ptr(&parcel.frame), parcel.bytes), (place, 12));
        let bytes = stamped(&parcel);
        assert_eq!((bytes[0], &bytes[8..]), (0x40, &[1, 2, 3, 4][..]));
        let frame = without_header(parcel).unwrap();
        assert_eq!((Arc::as_ptr(&frame), frame.lock().to_vec()), (place, vec![1, 2, 3, 4]));
    }

    #[test]
    fn a_frame_that_others_have_or_that_has_no_room_is_copied() {
        let transport = Master::new();
        let plain = Arc::new(Frame::from(vec![7; 3]));
        let shared = plain.clone();
        let mut pieces = Buffers::default();
        pieces.push(vec![7].into());
        pieces.push(vec![7, 7].into());
        for frame in [shared, Arc::new(Frame::from(vec![7; 3])), Frame::with_buffers(pieces)] {
            let parcel = with_header(&transport, frame, 3).unwrap();
            assert_eq!(stamped(&parcel)[8..], [7, 7, 7]);
            assert_eq!(parcel.frame.lock().count(), 1);
        }
        assert_eq!(plain.lock().to_vec(), [7, 7, 7]);
        let parcel = Parcel { frame: Arc::new(Frame::from(vec![5; 10])), bytes: 10 };
        let kept = parcel.frame.clone();
        assert_eq!(without_header(parcel).unwrap().lock().to_vec(), [5, 5]);
        assert_eq!(kept.lock().payload(), 10, "the other owner sees all of it");
    }

    #[test]
    fn a_transport_with_small_buffers_still_gets_segments_in_one_piece() {
        let transport = Master::new();
        let sink = Sink::new();
        transport.add_slave(sink.clone()).unwrap();
        stream_base(&sink).set_fixed_size(4);
        let frame = request(&transport, 10, true).unwrap();
        assert_eq!(shape(&frame), (1, 10));
    }

    fn stream_base(sink: &Sink) -> &Pool {
        use crate::stream::Slave;
        sink.base().pool()
    }

    #[test]
    fn a_frame_that_was_emptied_is_noticed() {
        let parcel = Parcel { frame: Arc::new(Frame::from(vec![5; 10])), bytes: 10 };
        drop(parcel.frame.lock().take());
        assert!(!stamp(&parcel, &header()));
        assert!(without_header(parcel).is_none());
    }
}
