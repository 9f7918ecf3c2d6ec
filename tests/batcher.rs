//! The batcher's nodes: every recorded super-frame, hostile ones, and each other.

use std::sync::{Arc, Mutex};

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::protocols::{BatchCombiner, BatchInverter, BatchSplitter, BatcherVersion};
use rogue_mem::stream::{Buffer, Buffers, Frame, Node, Sink, Slave as _};
use rogue_mem::Status;
use serde_json::Value;

use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};

const VERSIONS: [BatcherVersion; 2] = [BatcherVersion::V1, BatcherVersion::V2];

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap())
}

fn recorded(rows: &Value) -> Vec<Seen> {
    let seen = |row: &Value| Seen {
        bytes: hex(&row["payload"]),
        flags: number(row, "flags") as u16,
        channel: number(row, "channel") as u8,
        error: number(row, "error") as u8,
    };
    rows.as_array().unwrap().iter().map(seen).collect()
}

fn combiner_of(row: &Value) -> Arc<BatchCombiner> {
    match row["width"].as_u64() {
        Some(code) => BatchCombiner::v1(code as u8).unwrap(),
        None => BatchCombiner::v2(),
    }
}

fn version_of(row: &Value) -> BatcherVersion {
    VERSIONS[number(row, "version") as usize - 1]
}

/// Everything that `node` makes of what is sent through `send`.
fn through(node: &dyn Node, send: impl FnOnce(&dyn rogue_mem::stream::Slave)) -> Vec<Seen> {
    let peer = Peer::silent();
    node.stream_master().add_slave(peer.stream_slave()).unwrap();
    send(&*node.stream_slave());
    peer.seen()
}

fn frame_of(bytes: &[u8], error: u8) -> Arc<Frame> {
    let frame = Arc::new(Frame::from(bytes.to_vec()));
    frame.set_error(error);
    frame
}

/// A frame in buffers of `size` bytes.
fn frame_in_pieces(bytes: &[u8], size: usize) -> Arc<Frame> {
    let mut buffers = Buffers::default();
    bytes.chunks(size).for_each(|part| buffers.push(Buffer::from(part.to_vec())));
    Frame::with_buffers(buffers)
}

fn splitter(version: BatcherVersion) -> Arc<BatchSplitter> {
    match version {
        BatcherVersion::V1 => BatchSplitter::v1(),
        BatcherVersion::V2 => BatchSplitter::v2(),
    }
}

fn inverter(version: BatcherVersion) -> Arc<BatchInverter> {
    match version {
        BatcherVersion::V1 => BatchInverter::v1(),
        BatcherVersion::V2 => BatchInverter::v2(),
    }
}

fn split(version: BatcherVersion, frame: Arc<Frame>) -> Vec<Seen> {
    through(&*splitter(version), |slave| slave.accept_frame(frame))
}

fn inverted(version: BatcherVersion, frame: Arc<Frame>) -> Vec<Seen> {
    through(&*inverter(version), |slave| slave.accept_frame(frame))
}

fn queue(combiner: &BatchCombiner, records: &Value) {
    for row in records.as_array().unwrap() {
        let frame = frame_of(&hex(&row["payload"]), number(row, "error") as u8);
        frame.set_channel(number(row, "channel") as u8);
        frame.set_first_user(number(row, "first_user") as u8);
        frame.set_last_user(number(row, "last_user") as u8);
        combiner.stream_slave().accept_frame(frame);
    }
}

#[test]
fn every_recorded_super_frame_is_made_split_and_inverted() {
    let mut kept = 0;
    for line in lines("batcher") {
        let row: Value = serde_json::from_str(&line).unwrap();
        let version = version_of(&row);
        if row["kind"] == "split" {
            let frame = frame_of(&hex(&row["input"]), number(&row, "error") as u8);
            assert_eq!(split(version, frame), recorded(&row["splitter_output"]), "{row}");
            continue;
        }
        let combiner = combiner_of(&row);
        let super_frame = hex(&row["super_frame"]["payload"]);
        let sent = through(&*combiner, |_| {
            // The earlier batches of its sequence.
            for _ in 0..super_frame[1] {
                queue(&combiner, &serde_json::json!([row["records"][0]]));
                combiner.send_batch().unwrap();
            }
            queue(&combiner, &row["records"]);
            assert_eq!(combiner.count() as u64, number(&row, "queued"));
            combiner.send_batch().unwrap();
        });
        assert_eq!(sent.last(), recorded(&serde_json::json!([row["super_frame"]])).first());
        let least = if version == BatcherVersion::V1 { 16 } else { 10 };
        if super_frame.len() < least {
            // What the reference drops, although it makes it, is kept here.
            assert_eq!(recorded(&row["splitter_output"]), []);
            assert_eq!(split(version, frame_of(&super_frame, 0)).len(), 1, "{row}");
            kept += 1;
            continue;
        }
        for frame in [frame_of(&super_frame, 0), frame_in_pieces(&super_frame, 24)] {
            assert_eq!(split(version, frame), recorded(&row["splitter_output"]), "{row}");
        }
        for frame in [frame_of(&super_frame, 0), frame_in_pieces(&super_frame, 24)] {
            assert_eq!(inverted(version, frame), recorded(&row["inverter_output"]), "{row}");
        }
    }
    assert_eq!(kept, 3);
}

#[test]
fn an_empty_batch_sends_nothing() {
    for combiner in [BatchCombiner::v1(3).unwrap(), BatchCombiner::v2()] {
        let sent = through(&*combiner, |_| combiner.send_batch().unwrap());
        assert_eq!((sent, combiner.stats().super_frames), (Vec::new(), 0));
    }
}

#[test]
fn impossible_widths_are_refused_in_words() {
    for code in [6, 7, 255] {
        let error = BatchCombiner::v1(code).map(drop).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert_eq!(error.origin(), "batcher::CombinerV1::CombinerV1");
        assert!(error.text().starts_with("Invalid width"), "{error}");
    }
}

#[test]
fn frames_without_a_buffer_or_a_payload_are_records_too() {
    for (version, combiner) in
        VERSIONS.into_iter().zip([BatchCombiner::v1(1).unwrap(), BatchCombiner::v2()])
    {
        let sent = through(&*combiner, |slave| {
            slave.accept_frame(Frame::new(0).unwrap());
            slave.accept_frame(Frame::new(8).unwrap());
            slave.accept_frame(frame_of(b"abc", 0));
            combiner.send_batch().unwrap();
        });
        let frames = split(version, frame_of(&sent[0].bytes, 0));
        let payloads: Vec<_> = frames.iter().map(|seen| seen.bytes.as_slice()).collect();
        assert_eq!(payloads, [&b""[..], b"", b"abc"]);
    }
}

#[test]
fn a_queued_frame_keeps_the_bytes_that_it_had() {
    let combiner = BatchCombiner::v2();
    let sent = through(&*combiner, |slave| {
        let frame = frame_of(b"before", 0);
        slave.accept_frame(frame.clone());
        frame.lock().write_at(0, b"after!").unwrap();
        frame.lock().take();
        combiner.send_batch().unwrap();
    });
    assert_eq!(split(VERSIONS[1], frame_of(&sent[0].bytes, 0))[0].bytes, b"before");
}

#[test]
fn an_inverted_frame_that_others_have_too_is_a_copy() {
    let combiner = BatchCombiner::v1(2).unwrap();
    let sent = through(&*combiner, |slave| {
        slave.accept_frame(frame_of(b"12345678", 0));
        combiner.send_batch().unwrap();
    });
    let frame = frame_of(&sent[0].bytes, 0);
    frame.set_flags(0x0302);
    frame.set_channel(9);
    let seen = inverted(VERSIONS[0], frame.clone());
    assert_eq!(frame.lock().to_vec(), sent[0].bytes, "that of the others is as it was");
    assert_eq!((seen[0].flags, seen[0].channel), (0x0302, 9));
    assert_eq!(seen[0].bytes, [&[8, 0, 0, 0, 0, 0, 0, 2][..], b"12345678"].concat());
    assert_eq!(inverted(VERSIONS[0], frame), seen);
}

#[test]
fn the_number_of_a_super_frame_wraps() {
    let combiner = BatchCombiner::v2();
    let sent = through(&*combiner, |slave| {
        for _ in 0..258 {
            slave.accept_frame(frame_of(b"x", 0));
            combiner.send_batch().unwrap();
        }
    });
    let numbers: Vec<_> = sent.iter().map(|seen| seen.bytes[1]).collect();
    assert_eq!((numbers[255], numbers[256], numbers[257]), (255, 0, 1));
}

#[test]
fn batches_of_several_threads_leave_in_the_order_of_their_numbers() {
    let combiner = BatchCombiner::v2();
    let sent = through(&*combiner, |slave| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let combiner = &combiner;
                scope.spawn(move || {
                    for _ in 0..100 {
                        slave.accept_frame(frame_of(&[thread; 4], 0));
                        combiner.send_batch().unwrap();
                    }
                });
            }
        });
    });
    assert!(sent.iter().enumerate().all(|(index, seen)| seen.bytes[1] == index as u8));
    let frames: usize =
        sent.iter().map(|seen| split(VERSIONS[1], frame_of(&seen.bytes, 0)).len()).sum();
    assert_eq!((frames, combiner.stats().frames, combiner.count()), (400, 400, 0));
}

#[test]
fn a_receiver_that_sends_a_batch_in_a_delivery_gets_it_afterwards() {
    let combiner = BatchCombiner::v2();
    let again = Mutex::new(Some(combiner.clone()));
    let peer = Peer::new(move |_, bytes| {
        let combiner = again.lock().unwrap().take();
        if let Some(combiner) = combiner {
            combiner.stream_slave().accept_frame(Arc::new(Frame::from(bytes.to_vec())));
            combiner.send_batch().unwrap();
        }
    });
    combiner.stream_master().add_slave(peer.stream_slave()).unwrap();
    combiner.stream_slave().accept_frame(frame_of(b"abc", 0));
    combiner.send_batch().unwrap();
    let numbers: Vec<_> = peer.seen().iter().map(|seen| seen.bytes[1]).collect();
    assert_eq!(numbers, [0, 1]);
}

#[test]
fn hostile_super_frames_cost_one_count_each_and_nothing_else() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for version in VERSIONS {
        let (splitter, inverter) = (splitter(version), inverter(version));
        let sink = Sink::new();
        splitter.stream_master().add_slave(sink.clone()).unwrap();
        for round in 0..4000_u64 {
            let mut bytes = vec![0; rng.random_range(0..200)];
            rng.fill_bytes(&mut bytes);
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x30 | version.number();
            }
            let pieces = rng.random_range(1..60);
            splitter.stream_slave().accept_frame(frame_in_pieces(&bytes, pieces));
            inverter.stream_slave().accept_frame(frame_in_pieces(&bytes, pieces));
            let (split, inverted) = (splitter.stats(), inverter.stats());
            assert_eq!(split.dropped + split.super_frames, round + 1);
            assert_eq!(inverted.dropped + inverted.super_frames, round + 1);
            assert_eq!((split.frames, split.lost), (sink.base().frame_count(), 0));
        }
        assert!(splitter.stats().dropped > 3000);
    }
}

#[test]
fn a_receiver_that_gives_no_room_loses_records_and_says_so() {
    struct Miser(rogue_mem::stream::SlaveBase);
    impl rogue_mem::stream::Slave for Miser {
        fn base(&self) -> &rogue_mem::stream::SlaveBase {
            &self.0
        }
        fn accept_frame(&self, _frame: Arc<Frame>) {
            panic!("there is none");
        }
        fn accept_req(&self, _size: u32, _zero_copy: bool) -> rogue_mem::error::Result<Arc<Frame>> {
            Frame::new(1)
        }
    }
    let combiner = BatchCombiner::v2();
    combiner.stream_master().add_slave(Arc::new(Miser(Default::default()))).unwrap();
    combiner.stream_slave().accept_frame(frame_of(b"abc", 0));
    let error = combiner.send_batch().unwrap_err();
    assert_eq!(error.status(), Status::Frame);
    assert_eq!((combiner.count(), combiner.stats().lost), (0, 1));
    let splitter = BatchSplitter::v2();
    splitter.stream_master().add_slave(Arc::new(Miser(Default::default()))).unwrap();
    let super_frame = [&[2, 0][..], b"abc", &[3, 0, 0, 0, 0, 0, 0]].concat();
    splitter.stream_slave().accept_frame(frame_of(&super_frame, 0));
    assert_eq!((splitter.stats().super_frames, splitter.stats().lost), (1, 1));
}
