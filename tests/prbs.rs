//! `Prbs`: every recorded frame, and a generator and checkers among other nodes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc, Mutex, Weak};
use std::time::Duration;

use rogue_mem::proto::prbs::{Payload, ShiftRegister};
use rogue_mem::protocols::{Prbs, PrbsCounters};
use rogue_mem::stream::{self, Buffers, Frame, Node, Slave as _};
use rogue_mem::Status;
use serde_json::Value;

use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};
use testkit::wait::wait_until;

fn rows(kind: &str) -> Vec<Value> {
    let rows = lines("prbs").into_iter().map(|line| serde_json::from_str(&line).unwrap());
    rows.filter(|row: &Value| row["kind"] == kind).collect()
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn hex(row: &Value) -> Vec<u8> {
    from_hex(row["frame"].as_str().unwrap())
}

fn taps(row: &Value) -> Vec<u8> {
    row["taps"].as_array().unwrap().iter().map(|tap| tap.as_u64().unwrap() as u8).collect()
}

fn prbs_of(row: &Value) -> Arc<Prbs> {
    let prbs = Prbs::new();
    prbs.set_width(number(row, "width") as u32).unwrap();
    prbs.set_taps(&taps(row));
    prbs
}

/// Sends by `prbs` into a peer whose frames come from recycled memory.
fn peer_of(prbs: &Prbs) -> Arc<Peer> {
    let peer = Peer::silent();
    peer.pool().set_fixed_size(2048);
    peer.pool().set_pool_size(4);
    let old: Vec<_> = (0..4).map(|_| peer.accept_req(2048, true).unwrap()).collect();
    old.iter().for_each(|frame| frame.lock().make_contiguous().unwrap().fill(0xA5));
    prbs.stream_master().add_slave(peer.stream_slave()).unwrap();
    peer
}

/// Errors, good frames and their bytes.
fn of(counters: PrbsCounters) -> (u32, u32, u64) {
    (counters.errors, counters.count, counters.bytes)
}

#[test]
fn frames_leave_as_recorded() {
    let rows = rows("tx");
    for row in &rows {
        let register = ShiftRegister::new(number(row, "width") as u32, &taps(row)).unwrap();
        let payload = match row["send_count"] == true {
            true => Payload::Count,
            false => Payload::Random,
        };
        let mut frame = vec![0xEE; number(row, "size") as usize];
        register.fill(&mut frame, number(row, "seq") as u32, payload);
        assert_eq!(frame, hex(row), "{row}");
        // The nodes count from 0: only as far as is quick.
        let sequence = number(row, "seq");
        if sequence > 40 {
            continue;
        }
        let prbs = prbs_of(row);
        prbs.send_count(payload == Payload::Count);
        let peer = peer_of(&prbs);
        for _ in 0..=sequence {
            prbs.gen_frame(number(row, "size") as u32).unwrap();
        }
        let expected = Seen { bytes: hex(row), ..Seen::default() };
        assert_eq!(peer.seen().pop(), Some(expected), "{row}");
    }
    assert_eq!(rows.len(), 48);
}

#[test]
fn received_frames_are_judged_as_recorded() {
    let rows = rows("rx");
    for row in &rows {
        let (prbs, peer) = (prbs_of(row), Peer::silent());
        prbs.check_payload(row["check_payload"] == true);
        stream::connect(&*prbs, &*peer).unwrap();
        for step in row["steps"].as_array().unwrap() {
            peer.send_marked(&hex(step), number(step, "error") as u8);
            let expected = (
                number(step, "rx_errors") as u32,
                number(step, "rx_count") as u32,
                number(step, "rx_bytes"),
            );
            assert_eq!(of(prbs.rx()), expected, "{row}");
        }
    }
    assert_eq!(rows.len(), 19);
}

#[test]
fn a_generator_and_a_checker_of_every_width_agree() {
    for width in (32..=512).step_by(32) {
        let (prbs, other) = (Prbs::new(), Prbs::new());
        stream::connect(&*prbs, &*other).unwrap();
        for one in [&prbs, &other] {
            one.set_width(width).unwrap();
        }
        let word_bytes = width / 8;
        for words in 3..20 {
            prbs.gen_frame(words * word_bytes).unwrap();
        }
        let bytes: u32 = (3..20).map(|words| words * word_bytes).sum();
        assert_eq!(of(prbs.tx()), (0, 17, bytes.into()), "{width}");
        assert_eq!(of(other.rx()), (0, 17, bytes.into()), "{width}");
        assert_eq!((of(prbs.rx()), of(other.tx())), ((0, 0, 0), (0, 0, 0)));
        other.set_taps(&[3]);
        prbs.gen_frame(10 * word_bytes).unwrap();
        assert_eq!(of(other.rx()).0, 1, "other taps");
    }
}

#[test]
fn impossible_widths_and_sizes_are_refused_and_change_nothing() {
    let prbs = Prbs::new();
    let peer = peer_of(&prbs);
    for width in [0, 8, 33, 544] {
        let error = prbs.set_width(width).unwrap_err();
        assert_eq!(error.origin(), "Prbs::setWidth");
        assert!(error.text().starts_with("Invalid width."), "{error}");
    }
    prbs.set_width(64).unwrap();
    for size in [0, 4, 8, 16, 25, 28] {
        for (error, source) in [
            (prbs.gen_frame(size).unwrap_err(), "Prbs::genFrame"),
            (prbs.enable(size).unwrap_err(), "Prbs::enable"),
        ] {
            assert_eq!((error.status(), error.origin()), (Status::InvalidArgument, source));
            assert!(error.text().starts_with("Invalid frame size"), "{error}");
        }
    }
    assert!(peer.seen().is_empty());
    assert_eq!(of(prbs.tx()), (0, 0, 0));
    prbs.gen_frame(24).unwrap();
    assert_eq!(peer.seen().len(), 1);
}

#[test]
fn frames_of_several_buffers_are_filled_and_checked() {
    let (prbs, checker) = (Prbs::new(), Prbs::new());
    let peer = Peer::new(move |peer, _| {
        let frame = peer.seen().pop().unwrap().bytes;
        let mut parts = Buffers::default();
        frame.chunks(7).for_each(|part| parts.push(part.to_vec().into()));
        peer.stream_master().send_frame(Frame::with_buffers(parts));
    });
    peer.pool().set_fixed_size(10);
    prbs.stream_master().add_slave(peer.stream_slave()).unwrap();
    peer.stream_master().add_slave(checker.stream_slave()).unwrap();
    for _ in 0..10 {
        prbs.gen_frame(100).unwrap();
    }
    assert_eq!(of(checker.rx()), (0, 10, 1000));
    checker.stream_slave().accept_frame(Frame::new(0).unwrap());
    assert_eq!(of(checker.rx()), (1, 10, 1000), "a frame without a buffer is one of a wrong size");
}

#[test]
fn a_frame_without_a_payload_is_zeros_and_passes_where_the_payload_is_not_checked() {
    let (prbs, checker) = (Prbs::new(), Prbs::new());
    let peer = peer_of(&prbs);
    prbs.stream_master().add_slave(checker.stream_slave()).unwrap();
    checker.check_payload(false);
    prbs.gen_payload(false);
    prbs.send_count(true);
    for _ in 0..2 {
        prbs.gen_frame(20).unwrap();
    }
    let expected = [&[1, 0, 0, 0, 4, 0, 0, 0][..], &[0; 12]].concat();
    assert_eq!(peer.seen()[1].bytes, expected);
    assert_eq!(of(checker.rx()), (0, 2, 40));
    checker.check_payload(true);
    prbs.gen_frame(20).unwrap();
    assert_eq!(of(checker.rx()), (1, 2, 40));
}

#[test]
fn threads_that_generate_at_once_keep_the_sequence() {
    let (prbs, checker) = (Prbs::new(), Prbs::new());
    stream::connect(&*prbs, &*checker).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| prbs.gen_frame(64).unwrap()));
        }
    });
    assert_eq!(of(checker.rx()), (0, 2000, 128_000));
}

#[test]
fn an_object_connected_with_itself_checks_what_it_sends() {
    let prbs = Prbs::new();
    stream::connect(&*prbs, &*prbs).unwrap();
    for _ in 0..5 {
        prbs.gen_frame(32).unwrap();
    }
    assert_eq!((of(prbs.tx()), of(prbs.rx())), ((0, 5, 160), (0, 5, 160)));
    prbs.stop();
}

#[test]
fn a_receiver_may_change_settings_and_send_from_within_a_frame() {
    let prbs = Prbs::new();
    let (weak, entered): (Weak<Prbs>, _) = (Arc::downgrade(&prbs), AtomicBool::new(false));
    let peer = Peer::new(move |_, _| {
        let prbs = weak.upgrade().unwrap();
        if !entered.swap(true, Ordering::SeqCst) {
            prbs.reset_count();
            prbs.set_width(64).unwrap();
            prbs.gen_frame(24).unwrap();
        }
    });
    prbs.stream_master().add_slave(peer.stream_slave()).unwrap();
    prbs.gen_frame(12).unwrap();
    let sizes: Vec<_> = peer.seen().iter().map(|seen| seen.bytes.len()).collect();
    assert_eq!((sizes, prbs.tx().count), (vec![12, 24], 2));
}

#[test]
fn the_thread_sends_until_it_is_disabled() {
    let (prbs, checker) = (Prbs::new(), Prbs::new());
    stream::connect(&*prbs, &*checker).unwrap();
    for period in [Duration::ZERO, Duration::from_micros(100)] {
        prbs.set_tx_period(period);
        assert_eq!(prbs.tx_period(), period);
        let before = checker.rx().count;
        prbs.enable(256).unwrap();
        // It runs: this one changes nothing.
        prbs.enable(512).unwrap();
        wait_until("frames arrive", || checker.rx().count >= before + 50);
        prbs.disable();
        prbs.disable();
        let after = prbs.tx();
        assert_eq!(after.count, checker.rx().count);
        assert_eq!(after.bytes, 256 * u64::from(after.count));
    }
    assert_eq!(checker.rx().errors, 0);
    // A pause of an hour does not hold up its end.
    prbs.set_tx_period(Duration::MAX);
    prbs.enable(256).unwrap();
    prbs.disable();
}

#[test]
fn disable_and_drop_do_not_wait_for_a_receiver_that_does_not_return() {
    for how in 0..2 {
        let prbs = Prbs::new();
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let peer = Peer::new(move |_, _| {
            let _ = gate.lock().unwrap().recv();
        });
        prbs.stream_master().add_slave(peer.stream_slave()).unwrap();
        prbs.enable(64).unwrap();
        peer.wait(1);
        match how {
            0 => prbs.disable(),
            _ => drop(prbs),
        }
        assert_eq!(peer.seen().len(), 1);
        drop(release);
    }
}

#[test]
fn a_width_that_no_longer_fits_ends_the_thread_and_counts_an_error() {
    let prbs = Prbs::new();
    let peer = peer_of(&prbs);
    prbs.enable(1024).unwrap();
    peer.wait(1);
    prbs.set_width(96).unwrap();
    wait_until("it is an error", || prbs.tx().errors == 1);
    prbs.set_width(32).unwrap();
    let before = peer.seen().len();
    wait_until("another thread may be started", || {
        prbs.enable(1024).unwrap();
        peer.seen().len() > before
    });
    prbs.disable();
}

#[test]
fn a_thread_that_stops_itself_ends() {
    let prbs = Prbs::new();
    let weak = Arc::downgrade(&prbs);
    let peer = Peer::new(move |peer, _| {
        if peer.seen().len() == 3 {
            weak.upgrade().unwrap().disable();
        }
    });
    prbs.stream_master().add_slave(peer.stream_slave()).unwrap();
    prbs.enable(64).unwrap();
    peer.wait(3);
    wait_until("the thread has ended", || prbs.enable(128).is_ok() && peer.seen().len() > 3);
    prbs.disable();
    assert_eq!(peer.seen()[3].bytes.len(), 128);
}

#[test]
fn a_disabled_receiver_holds_its_sender_up_and_loses_nothing() {
    let (prbs, checker) = (Prbs::new(), Prbs::new());
    stream::connect(&*prbs, &*checker).unwrap();
    assert!(checker.rx_enable());
    checker.set_rx_enable(false);
    assert!(!checker.rx_enable());
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| (0..3).for_each(|_| prbs.gen_frame(64).unwrap()));
        assert_eq!((prbs.tx().count, checker.rx().count), (0, 0));
        checker.set_rx_enable(true);
        sender.join().unwrap();
    });
    assert_eq!(of(checker.rx()), (0, 3, 192));
    checker.set_rx_enable(false);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| prbs.gen_frame(64).unwrap());
        checker.stop();
        sender.join().unwrap();
    });
    assert_eq!(of(checker.rx()), (0, 3, 192), "the frame was dropped");
}

#[test]
fn a_reset_zeroes_both_halves_and_the_sequence_goes_on() {
    let prbs = Prbs::new();
    stream::connect(&*prbs, &*prbs).unwrap();
    prbs.gen_frame(64).unwrap();
    prbs.stream_slave().accept_frame(Frame::new(0).unwrap());
    prbs.reset_count();
    assert_eq!((prbs.tx(), prbs.rx()), (PrbsCounters::default(), PrbsCounters::default()));
    let peer = peer_of(&prbs);
    prbs.gen_frame(64).unwrap();
    assert_eq!(peer.seen()[0].bytes[..4], [1, 0, 0, 0]);
    assert_eq!((of(prbs.tx()), of(prbs.rx())), ((0, 1, 64), (0, 1, 64)));
    let stats = prbs.stats();
    assert_eq!((stats.tx_count, stats.rx_count, stats.rx_errors), (1, 1, 0));
    prbs.stop();
}
