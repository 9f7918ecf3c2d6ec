//! SRP version 0 and command frames: every recorded frame, and peers that do not keep to the
//! protocol.

use std::sync::Arc;

use rogue_mem::memory::{self, Slave as _, TransactionType};
use rogue_mem::proto::srp::{cmd, v0};
use rogue_mem::protocols::{send_cmd, SrpV0};
use rogue_mem::stream::{self, Node, Slave as _};
use serde_json::Value;

use testkit::bus::{collect, failure, launch};
use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};

fn rows(capture: &str, kind: &str) -> Vec<Value> {
    let rows = lines(capture).into_iter().map(|line| serde_json::from_str(&line).unwrap());
    rows.filter(|row: &Value| kind.is_empty() || row["kind"] == kind).collect()
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

fn ty(row: &Value) -> TransactionType {
    match row["type"].as_str().unwrap() {
        "read" => TransactionType::Read,
        "verify" => TransactionType::Verify,
        "write" => TransactionType::Write,
        "post" => TransactionType::Post,
        other => panic!("type {other}"),
    }
}

/// `frame` with the id of a transaction in place of its own.
fn with_id(frame: &[u8], id: u32) -> Vec<u8> {
    [&id.to_le_bytes(), &frame[4..]].concat()
}

fn seen_of(bytes: Vec<u8>, row: &Value) -> Seen {
    let (flags, channel, error) = ("flags", "channel", "error");
    Seen {
        bytes,
        flags: number(row, flags) as u16,
        channel: number(row, channel) as u8,
        error: number(row, error) as u8,
    }
}

/// An `SrpV0` connected with `peer`, and a master connected to it.
fn client(peer: &Peer) -> (Arc<SrpV0>, memory::Master) {
    let srp = SrpV0::new();
    stream::connect(&*srp, peer).unwrap();
    let master = memory::Master::new();
    master.set_slave(srp.clone());
    (srp, master)
}

/// The part of a failure's text that a recorded class stands for.
fn text_of(class: &str) -> &'static str {
    match class {
        "misaligned_address" => "Transaction address",
        "bad_size" => "is not aligned",
        "too_large" => "exceeds max size",
        "hw_fail" => "Axi bus returned fail status in hardware",
        "hw_timeout" => "Axi bus timeout detected in hardware",
        "hw_status_nonzero" => "Non zero status message returned on axi bus in hardware",
        other => panic!("class {other}"),
    }
}

#[test]
fn d49_requests_leave_as_recorded_and_none_for_an_address_that_would_be_cut() {
    let mut refused = 0;
    let rows = rows("srpv0", "request");
    for row in &rows {
        let peer = Peer::silent();
        // Frames come from recycled memory, so that every byte has to be written.
        peer.pool().set_fixed_size(4096);
        peer.pool().set_pool_size(1);
        let old = peer.accept_req(4096, true).unwrap();
        old.lock().make_contiguous().unwrap().fill(0xA5);
        drop(old);
        let (_srp, master) = client(&peer);
        let recorded = bytes(row, "frame_hex");
        let data = match ty(row).is_write() {
            true => recorded[8..recorded.len() - 4].to_vec(),
            false => vec![0xEE; number(row, "size") as usize],
        };
        let tran = launch(&master, ty(row), address(row), data);
        if address(row) >= 1 << 32 {
            assert!(failure(&tran).contains("0x100000004") && peer.seen().is_empty());
            refused += 1;
            continue;
        }
        assert_eq!(peer.seen(), [seen_of(with_id(&recorded, tran.id()), row)], "{row}");
        assert_eq!(tran.is_done(), ty(row) == TransactionType::Post, "{row}");
        let header = v0::Header::decode(&recorded).unwrap();
        assert_eq!((header.address(), header.id), (address(row), number(row, "id")));
    }
    assert_eq!((rows.len(), refused), (11, 1));
}

#[test]
fn requests_that_cannot_be_made_are_refused_as_recorded() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    assert_eq!((srp.min_access(), srp.max_access()), (4, 2048));
    let rows = rows("srpv0", "rejected");
    for row in &rows {
        let data = vec![0; number(row, "size") as usize];
        let tran = master.prepare(address(row), data.into(), ty(row)).unwrap();
        srp.do_transaction(&tran);
        let text = failure(&tran);
        assert!(text.contains(text_of(row["error_class"].as_str().unwrap())), "{row}: {text}");
    }
    assert!(rows.len() == 4 && peer.seen().is_empty());
}

/// The text of a transaction that ends at once here, where the reference leaves it to its timeout
/// (D-49).
fn corrected(row: &Value) -> Option<&'static str> {
    match row["description"].as_str().unwrap() {
        text if text.starts_with("wrong address word") => Some("did not match expected protocol"),
        text if text.starts_with("wrong length") => Some("wrong length"),
        text if text.starts_with("frame error flag") => Some("marked as faulty"),
        text if text.starts_with("15-byte response") => Some("wrong length"),
        _ => None,
    }
}

#[test]
fn d49_responses_end_their_transactions_as_recorded_or_at_once() {
    let mut corrections = 0;
    let rows = rows("srpv0", "response");
    for row in &rows {
        let peer = Peer::silent();
        let (srp, master) = client(&peer);
        let request = bytes(row, "request_hex");
        let data = match ty(row) {
            TransactionType::Write => request[8..request.len() - 4].to_vec(),
            _ => vec![0xEE; number(row, "size") as usize],
        };
        let tran = launch(&master, ty(row), address(row), data);
        assert_eq!(peer.seen()[0].bytes, with_id(&request, tran.id()));
        let response = with_id(&bytes(row, "response_hex"), tran.id());
        peer.send_marked(&response, number(row, "frame_error") as u8);
        let (outcome, data) = collect(&tran);
        assert_eq!(outcome.is_ok(), row["outcome"] == "ok", "{row}");
        assert_eq!(data, bytes(row, "buffer_after_hex"), "{row}");
        if let Err(error) = outcome {
            corrections += usize::from(corrected(row).is_some());
            let expected = corrected(row);
            let expected =
                expected.unwrap_or_else(|| text_of(row["error_class"].as_str().unwrap()));
            assert!(error.text().contains(expected), "{row}: {}", error.text());
        }
        assert_eq!(srp.base().pending_count(), 0);
    }
    assert_eq!((rows.len(), corrections), (11, 4));
}

#[test]
fn d49_a_bus_error_without_data_is_told_with_its_address() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    for (status, text) in [(0x10000_u32, "fail status"), (0x20000, "timeout")] {
        let tran = launch(&master, TransactionType::Read, 0x1234, vec![0; 8]);
        let request = peer.seen().pop().unwrap().bytes;
        peer.send(&[&request[..8], &status.to_le_bytes()].concat());
        let failure = failure(&tran);
        assert!(failure.contains(text) && failure.contains("0x1234"), "{failure}");
    }
}

#[test]
fn d49_a_frame_of_any_length_that_names_a_request_ends_it() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    for frame_bytes in 0..40 {
        for error in [0, 0x80] {
            let tran = launch(&master, TransactionType::Read, 0x40, vec![0xEE; 8]);
            let mut answer = peer.seen().pop().unwrap().bytes;
            answer.truncate(8);
            answer.resize(frame_bytes, 0);
            peer.send_marked(&answer, error);
            assert_eq!(tran.is_done(), frame_bytes >= 4, "{frame_bytes} bytes, error {error}");
            if !tran.is_done() {
                tran.time_out();
            }
            let good = frame_bytes == 20 && error == 0;
            assert_eq!(collect(&tran).0.is_ok(), good, "{frame_bytes} bytes, error {error}");
        }
    }
}

#[test]
fn an_answer_within_the_request_and_one_to_a_posted_write_are_taken() {
    // Answers every request in the thread that sends it.
    let peer = Peer::new(|peer, request| {
        let is_write = request[7] & 0x40 != 0;
        let count = u32::from_le_bytes(request[8..12].try_into().unwrap()) as usize + 1;
        let data = match is_write {
            true => request[8..request.len() - 4].to_vec(),
            false => vec![7; count * 4],
        };
        peer.send(&[&request[..8], &data, &[0; 4]].concat());
    });
    let (srp, master) = client(&peer);
    assert_eq!(master.read(0x10, 2048).unwrap(), vec![7; 2048]);
    master.write(0x10, &[1; 8]).unwrap();
    master.post(0x10, &[1; 8]).unwrap();
    assert_eq!(srp.base().pending_count(), 0);
}

#[test]
fn stop_fails_what_is_outstanding_and_what_comes() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    let waiting = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    srp.stop();
    assert!(failure(&waiting).contains("SrpV0 was stopped"));
    assert!(failure(&launch(&master, TransactionType::Read, 0, vec![0; 4]))
        .contains("SrpV0 has no stream"));
}

#[test]
fn commands_leave_as_recorded() {
    let (master, peer) = (stream::Master::new(), Peer::silent());
    // Without a stream nothing is sent, and nothing fails.
    send_cmd(&master, 1, 2).unwrap();
    master.add_slave(peer.stream_slave()).unwrap();
    let rows = rows("srp_cmd", "");
    for row in &rows {
        let (opcode, context) = (number(row, "opcode") as u8, number(row, "context"));
        send_cmd(&master, opcode, context).unwrap();
        let expected = seen_of(bytes(row, "frame_hex"), row);
        assert_eq!(peer.seen().pop(), Some(expected), "{row}");
    }
    for opcode in 0..=255_u8 {
        send_cmd(&master, opcode, !u32::from(opcode)).unwrap();
    }
    let seen = peer.seen();
    assert_eq!(seen.len(), rows.len() + 256);
    for (opcode, frame) in (0..=255_u8).zip(&seen[rows.len()..]) {
        assert_eq!(frame.bytes, cmd::encode(opcode, !u32::from(opcode)));
    }
}
