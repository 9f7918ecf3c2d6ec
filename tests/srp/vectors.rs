//! Every recorded SRPv3 frame, through the codec and through the nodes.
//!
//! `tests/vectors/srpv3_*.jsonl` were recorded from Rogue. Ids of transactions are not ours to
//! choose, so those in the frames are replaced by the ones this process gives out.

use rogue_mem::memory::{self, TransactionType};
use rogue_mem::proto::srp::v3::{self, Header, Opcode, StatusFault, StatusWord};
use rogue_mem::protocols::SrpV3Emulation;
use rogue_mem::stream::{self, Frame, Node, Slave as _};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::bus::{collect, launch};
use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};

use crate::peer::{client, response, word};

fn rows(capture: &str) -> Vec<Value> {
    lines(capture).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(row: &Value, key: &str) -> Vec<u8> {
    from_hex(row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}")))
}

fn number(row: &Value, key: &str) -> u32 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}")) as u32
}

fn address(row: &Value) -> u64 {
    u64::from_str_radix(row["address"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn kind(row: &Value) -> (TransactionType, Opcode) {
    match row["type"].as_str().unwrap() {
        "read" => (TransactionType::Read, Opcode::Read),
        "verify" => (TransactionType::Verify, Opcode::Read),
        "write" => (TransactionType::Write, Opcode::Write),
        "post" => (TransactionType::Post, Opcode::Post),
        other => panic!("type {other}"),
    }
}

/// `frame` with the id of `from` replaced by that of `to`; an id that differed from `from`'s by
/// some bits differs from `to`'s by the same.
fn with_id(frame: &[u8], from: u32, to: u32) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let id = word(&frame, 1) ^ from ^ to;
    frame[4..8].copy_from_slice(&id.to_le_bytes());
    frame
}

/// What a failed transaction's text says, in the words of the recordings.
fn class_of(text: &str) -> &'static str {
    let classes = [
        ("Timeout waiting for register transaction", "software_timeout"),
        ("did not match expected protocol", "header_mismatch"),
        ("header size mismatch", "size_mismatch"),
        ("bus lockup detected", "hw_lockup"),
        ("bus timeout detected", "hw_timeout"),
        ("Non zero status message", "hw_status_nonzero"),
        ("Transaction address", "misaligned_address"),
        ("exceeds max size", "too_large"),
        ("Transaction size", "bad_size"),
        ("was undersized", "(undersized)"),
        ("marked as faulty", "(errored)"),
    ];
    let found = classes.iter().find(|(part, _)| text.contains(part));
    found.unwrap_or_else(|| panic!("no class for {text:?}")).1
}

#[test]
fn recorded_requests_are_encoded_and_decoded_bit_for_bit() {
    let mut count = 0;
    for row in rows("srpv3_requests").iter().filter(|row| row["kind"] == "request") {
        let frame = bytes(row, "frame_hex");
        let (_, opcode) = kind(row);
        let timeout = number(row, "hw_timeout") as u8;
        let (id, size) = (number(row, "id"), number(row, "size"));
        let header = Header::request(opcode, id, address(row), size, timeout);
        assert_eq!(frame[..20], header.encode(), "{row}");
        assert_eq!(Header::decode(&frame), Some(header), "{row}");
        assert_eq!(v3::check_request(&header, frame.len()), Ok(()), "{row}");
        for short in 0..20 {
            assert_eq!(Header::decode(&frame[..short]), None);
        }
        count += 1;
    }
    assert_eq!(count, 26);
}

#[test]
fn requests_leave_the_client_as_recorded() {
    for row in rows("srpv3_requests").iter().filter(|row| row["kind"] == "request") {
        let peer = Peer::silent();
        // Frames come from recycled memory, so that every byte has to be written.
        peer.pool().set_fixed_size(16 * 1024);
        peer.pool().set_pool_size(4);
        dirty(&peer);
        let (srp, master) = client(&peer);
        srp.set_hardware_timeout(number(row, "hw_timeout") as u8);
        let recorded = bytes(row, "frame_hex");
        let (ty, opcode) = kind(row);
        let data = match opcode.carries_data() {
            true => recorded[20..].to_vec(),
            false => vec![0xEE; number(row, "size") as usize],
        };
        let tran = launch(&master, ty, address(row), data);
        let seen = peer.seen();
        let bytes = with_id(&recorded, number(row, "id"), tran.id());
        let (flags, channel, error) =
            (number(row, "flags"), number(row, "channel"), number(row, "error"));
        let expected =
            Seen { bytes, flags: flags as u16, channel: channel as u8, error: error as u8 };
        assert_eq!(seen, [expected], "{row}");
        assert_eq!(tran.is_done(), opcode == Opcode::Post, "{row}");
    }
}

/// Leaves buffers full of old bytes in the peer's pool.
fn dirty(peer: &Peer) {
    let frames: Vec<_> = (0..4).map(|_| peer.accept_req(16 * 1024, true).unwrap()).collect();
    for frame in &frames {
        let mut buffers = frame.lock();
        buffers.set_payload(16 * 1024).unwrap();
        buffers.slices_mut().for_each(|part| part.fill(0xA5));
    }
}

#[test]
fn requests_that_cannot_be_made_are_refused_as_recorded() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let rows = rows("srpv3_requests");
    for row in rows.iter().filter(|row| row["kind"] == "rejected") {
        let data = vec![0; number(row, "size") as usize];
        // Straight to the slave: splitting is done above it.
        let tran = master.prepare(address(row), data.into(), kind(row).0).unwrap();
        master.slave().do_transaction(&tran);
        let (outcome, _) = collect(&tran);
        assert_eq!(class_of(outcome.unwrap_err().text()), row["error_class"], "{row}");
        assert_eq!(peer.seen().len(), number(row, "frames_sent") as usize, "{row}");
    }
}

#[test]
fn a_request_without_any_response_times_out() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    master.set_timeout(Duration::from_millis(10));
    let error = master.read(0, 4).unwrap_err();
    assert_eq!(class_of(error.text()), "software_timeout");
    assert!(error.text().starts_with(memory::TIMEOUT_TEXT));
}

/// What becomes of a recorded response where the recording shows a defect of the reference: the
/// transaction it names fails at once, instead of waiting for its timeout (D-47).
fn corrected(row: &Value) -> Option<&'static str> {
    if number(row, "frame_error") != 0 {
        return Some("(errored)");
    }
    (bytes(row, "response_hex").len() < 24).then_some("(undersized)")
}

#[test]
fn d47_responses_end_their_transactions_as_recorded_or_at_once() {
    let mut corrections = 0;
    let rows = rows("srpv3_responses");
    for row in rows.iter().filter(|row| row["outcome"].is_string()) {
        let peer = Peer::silent();
        let (_srp, master) = client(&peer);
        let (ty, _) = kind(row);
        let request = bytes(row, "request_hex");
        let mut data = vec![0xEE; number(row, "size") as usize];
        if ty == TransactionType::Write {
            data.copy_from_slice(&request[20..]);
        }
        let tran = launch(&master, ty, address(row), data);
        assert_eq!(peer.seen()[0].bytes, with_id(&request, number(row, "id"), tran.id()));
        let response = bytes(row, "response_hex");
        let response = with_id(&response, number(row, "id"), tran.id());
        peer.send_marked(&response, number(row, "frame_error") as u8);
        let correction = corrected(row);
        corrections += usize::from(correction.is_some());
        let at_once = row["completed_immediately"] == true || correction.is_some();
        assert_eq!(tran.is_done(), at_once, "{row}");
        if !at_once {
            tran.time_out();
        }
        let (outcome, data) = collect(&tran);
        assert_eq!(outcome.is_ok(), row["outcome"] == "ok", "{row}");
        let class = outcome.err().map(|error| class_of(error.text())).unwrap_or_default();
        assert_eq!(class, correction.unwrap_or(row["error_class"].as_str().unwrap()), "{row}");
        assert_eq!(data, bytes(row, "buffer_after_hex"), "{row}");
    }
    assert_eq!(corrections, 3, "one undersized and two errored frames were recorded");
}

#[test]
fn recorded_status_words_have_their_classes() {
    for row in rows("srpv3_responses") {
        let Some(class) = row["error_class"].as_str().filter(|class| class.starts_with("hw_"))
        else {
            continue;
        };
        let frame = bytes(&row, "response_hex");
        let status = StatusWord::decode(*frame.last_chunk().unwrap());
        let expected = match class {
            "hw_lockup" => StatusFault::Lockup,
            "hw_timeout" => StatusFault::Timeout,
            _ => StatusFault::Other(status.0),
        };
        assert_eq!(status.check(), Err(expected), "{row}");
    }
}

#[test]
fn a_late_response_is_ignored_as_recorded() {
    let rows = rows("srpv3_responses");
    let row = rows.iter().find(|row| row["error_class_after_late_response"].is_string()).unwrap();
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    master.set_timeout(Duration::from_millis(1));
    let tran = launch(&master, TransactionType::Read, 0x100, vec![0xEE; 4]);
    tran.time_out();
    let (id, late) = (number(row, "id"), bytes(row, "response_hex"));
    master.clear_error();
    peer.send(&with_id(&late, id, tran.id()));
    let (outcome, data) = collect(&tran);
    assert_eq!(class_of(outcome.unwrap_err().text()), row["error_class"]);
    assert_eq!(data, bytes(row, "buffer_after_hex"));
    assert_eq!(master.last_error(), row["error_class_after_late_response"]);
}

#[test]
fn responses_in_another_order_find_their_requests_as_recorded() {
    let rows = rows("srpv3_responses");
    let row = rows.iter().find(|row| row["id_a"].is_u64()).unwrap();
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let send = |side: &str| {
        let request = bytes(row, &format!("request_{side}_hex"));
        let header = Header::decode(&request).unwrap();
        launch(&master, TransactionType::Read, header.address, vec![0xEE; header.size() as usize])
    };
    let (a, b) = (send("a"), send("b"));
    for (side, tran) in [("b", &b), ("a", &a)] {
        assert!(!tran.is_done());
        let id = number(row, &format!("id_{side}"));
        peer.send(&with_id(&bytes(row, &format!("response_{side}_hex")), id, tran.id()));
        let (outcome, data) = collect(tran);
        assert_eq!(outcome, Ok(()));
        assert_eq!(data, bytes(row, &format!("buffer_{side}_hex")));
    }
}

#[test]
fn the_emulation_answers_as_recorded_or_with_zeros_where_it_was_random() {
    let rows = rows("srpv3_emulation");
    let emulation = SrpV3Emulation::new().unwrap();
    let peer = Peer::silent();
    stream::connect(&*emulation, &*peer).unwrap();
    let (mut answers, mut dropped, mut random, mut beyond) = (0, 0, 0, 0);
    for (step, row) in rows.iter().enumerate() {
        assert_eq!(number(row, "step") as usize, step);
        let request = bytes(row, "request_hex");
        let frame = Arc::new(Frame::from(request.clone()));
        frame.set_flags(number(row, "request_flags") as u16);
        frame.set_channel(number(row, "request_channel") as u8);
        frame.set_error(number(row, "request_error") as u8);
        peer.stream_master().send_frame(frame);
        if number(row, "responses") == 0 {
            dropped += 1;
            continue;
        }
        answers += 1;
        let mut expected = bytes(row, "response_hex");
        // A write that goes on at address 0 there is an error here, and does nothing.
        if row["description"].as_str().unwrap().contains("wraps to address 0") {
            beyond += 1;
            expected = response(&request, &[], 0x1000);
        } else if row["description"] == "read address 0 after wrap" {
            beyond += 1;
            expected = response(&request, &[0x11, 0x12, 0x13, 0x14], 0);
        } else if row["data_is_random"] == true {
            random += 1;
            let data = vec![0; expected.len() - 24];
            expected = response(&request, &data, 0);
        }
        let seen = peer.wait(answers);
        let expected = Seen {
            bytes: expected,
            flags: number(row, "response_flags") as u16,
            channel: number(row, "response_channel") as u8,
            error: number(row, "response_error") as u8,
        };
        // Requests are answered in order: an answer to a dropped one would stand here.
        assert_eq!(seen.len(), answers, "{row}");
        assert_eq!(seen[answers - 1], expected, "{row}");
    }
    assert!(dropped > 10 && answers > 20 && random == 2, "{dropped} {answers} {random}");
    assert_eq!(beyond, 2);
}

#[test]
fn recorded_frames_are_allocated_and_delivered_alike() {
    use rogue_mem::stream::{Master, Pool};
    let rows = rows("stream_helpers");
    let row = |text: &str| {
        let found = rows.iter().find(|row| row["description"].as_str().unwrap().contains(text));
        found.unwrap_or_else(|| panic!("no line about {text}"))
    };
    let pool = Pool::new();
    let expected = row("fresh 10 byte frame");
    let fresh = pool.request(10).unwrap();
    {
        let mut buffers = fresh.lock();
        assert_eq!(buffers.size(), number(expected, "size") as usize);
        assert_eq!(buffers.payload(), number(expected, "payload") as usize);
        assert_eq!(buffers.available(), number(expected, "available") as usize);
        assert_eq!(buffers.count(), number(expected, "buffers") as usize);
        let refused = row("payload beyond the frame size")["exception"] == "raised";
        assert_eq!(buffers.set_payload(11).is_err(), refused);
    }
    drop(fresh);
    let expected = row("zero byte frame");
    assert_eq!(pool.request(0).unwrap().lock().count(), number(expected, "buffers") as usize);
    let expected = row("fixed buffer size 64");
    pool.set_fixed_size(64);
    let frame = pool.request(100).unwrap();
    assert_eq!(frame.lock().count(), number(expected, "buffers") as usize);
    assert_eq!(frame.lock().size(), number(expected, "size") as usize);
    assert_eq!(pool.alloc_bytes(), u64::from(number(expected, "alloc_bytes")));
    assert_eq!(pool.alloc_count(), u64::from(number(expected, "alloc_count")));

    let order = Arc::new(Mutex::new(String::new()));
    let master = Master::new();
    for name in ['1', '2', '3'] {
        let order = order.clone();
        let peer = Peer::new(move |_, _| order.lock().unwrap().push(name));
        master.add_slave(peer.stream_slave()).unwrap();
    }
    master.send_frame(Frame::new(4).unwrap());
    assert_eq!(*order.lock().unwrap(), row("three slaves added")["order"]);
}

#[test]
fn user_bytes_are_replaced_where_the_recorded_setters_only_add_bits() {
    let rows = rows("stream_helpers");
    let recorded = &rows[0];
    assert!(recorded["description"].as_str().unwrap().contains("OR into the flags word"));
    let frame = Frame::new(0).unwrap();
    for (first, last) in [(0x55, 0x01), (0x0A, 0x80)] {
        frame.set_first_user(first);
        frame.set_last_user(last);
    }
    assert_eq!(number(recorded, "first_user"), 0x55 | 0x0A);
    assert_eq!(number(recorded, "last_user"), 0x01 | 0x80);
    assert_eq!((frame.first_user(), frame.last_user(), frame.flags()), (0x0A, 0x80, 0x800A));
}
