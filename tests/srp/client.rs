//! The client against peers of every kind.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Barrier, Mutex};
use std::time::Duration;

use rogue_mem::memory::{self, Hub, TransactionType};
use rogue_mem::protocols::{Packetizer, PacketizerOptions, PacketizerVersion, SrpV3};
use rogue_mem::stream::{
    self, report_drop, Buffer, Buffers, Dispatch, Fifo, Frame, Master, Node, Port, Slave, SlaveBase,
};
use rogue_mem::Status;

use testkit::bus::{collect, failure, launch, master_of, post_in_a_chain, Ends};
use testkit::frames::Peer;
use testkit::wait::Gate;

use crate::peer::{client, request, response, word};

/// A peer that answers every request in the thread that sends it, with zeros.
fn prompt() -> Arc<Peer> {
    Peer::new(|peer, request| {
        if word(request, 0) & 0x300 == 0x200 {
            return;
        }
        let size = word(request, 4) as usize + 1;
        peer.send(&response(request, &vec![0; size], 0));
    })
}

#[test]
fn the_limits_are_one_word_and_4096_bytes() {
    use memory::Slave as _;
    let srp = SrpV3::new();
    assert_eq!((srp.min_access(), srp.max_access()), (4, 4096));
    assert_eq!(srp.hardware_timeout(), 0x0A);
}

#[test]
fn d46_a_peer_that_answers_in_the_same_thread_completes_the_request() {
    let peer = prompt();
    let (_srp, master) = client(&peer);
    for ty in [TransactionType::Read, TransactionType::Write, TransactionType::Verify] {
        let tran = launch(&master, ty, 0x10, vec![7; 16]);
        let (outcome, data) = collect(&tran);
        assert_eq!(outcome, Ok(()));
        assert_eq!(data, if ty == TransactionType::Write { [7; 16] } else { [0; 16] });
    }
}

#[test]
fn f32_a_chain_of_posted_writes_of_any_length_needs_little_stack() {
    let peer = Peer::silent();
    let (srp, _master) = client(&peer);
    let slave: Arc<dyn memory::Slave> = srp;
    post_in_a_chain(&slave, 20_000);
}

#[test]
fn d46_the_transaction_is_unlocked_while_its_frame_is_sent() {
    let (locked, result) = mpsc::channel();
    let slot: Arc<Mutex<Option<Arc<memory::Transaction>>>> = Arc::default();
    let inner = slot.clone();
    let peer = Peer::new(move |_, _| {
        let tran = inner.lock().unwrap().take().expect("set before the launch");
        // In another thread, which would wait for the lock if the sending thread held it.
        let data = std::thread::spawn(move || tran.data().map(|data| data.to_vec()));
        locked.send(data.join().unwrap()).unwrap();
    });
    let (_srp, master) = client(&peer);
    for ty in [TransactionType::Write, TransactionType::Post] {
        let tran = master.prepare(0, vec![5; 4].into(), ty).unwrap();
        *slot.lock().unwrap() = Some(tran.clone());
        master.launch(&tran);
        // The post is not complete yet either: its data is still there.
        assert_eq!(result.recv().unwrap(), Some(vec![5; 4]), "type {ty}");
        assert_eq!(tran.is_done(), ty == TransactionType::Post);
    }
}

#[test]
fn d46_a_request_times_out_while_the_transport_blocks() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let peer = Peer::new(move |_, _| {
        // Ends when the test lets go of the other end.
        let _ = gate.lock().unwrap().recv();
    });
    let (_srp, master) = client(&peer);
    let tran = master.prepare(0, vec![0; 4].into(), TransactionType::Read).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| master.launch(&tran));
        peer.wait(1);
        tran.time_out();
        assert!(failure(&tran).starts_with(memory::TIMEOUT_TEXT));
        drop(release);
    });
}

#[test]
fn a_posted_write_is_complete_once_sent_and_an_answer_to_it_is_nobodys() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    let tran = launch(&master, TransactionType::Post, 0x20, vec![1, 2, 3, 4]);
    let sent = peer.seen()[0].bytes.clone();
    assert_eq!(sent, request(0x0A00_0203, tran.id(), 0x20, 4, &[1, 2, 3, 4]));
    assert_eq!(memory::Slave::base(&*srp).pending_count(), 0);
    peer.send(&response(&sent, &[1, 2, 3, 4], 0x2));
    assert_eq!(collect(&tran).0, Ok(()));
}

#[test]
fn f04_nothing_is_sent_of_what_the_bus_does_not_carry() {
    let peer = prompt();
    let (_srp, master) = client(&peer);
    for (ty, address) in [
        (0.into(), 0x10),
        (7.into(), 0x10),
        (TransactionType::Read, u64::MAX - 3),
        (TransactionType::Post, u64::MAX - 3),
    ] {
        let (outcome, _) = collect(&launch(&master, ty, address, vec![7; 8]));
        let text = outcome.unwrap_err().text().to_owned();
        assert!(text.contains("Unknown") || text.contains("beyond"), "{text}");
    }
    assert!(peer.seen().is_empty());
}

#[test]
fn d28_a_refused_request_ends_whether_or_not_its_lock_is_held_elsewhere() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    let tran = master.prepare(2, vec![0; 4].into(), TransactionType::Write).unwrap();
    let ends = Arc::new(Ends::default());
    tran.observe(ends.clone());
    std::thread::scope(|scope| {
        let data = tran.data().unwrap();
        scope.spawn(|| memory::Slave::do_transaction(&*srp, &tran));
        ends.wait(1);
        drop(data);
    });
    assert_eq!(failure(&tran), "Transaction address 0x2 is not aligned to min size 4");
    assert!(peer.seen().is_empty());
}

#[test]
fn d45_answers_stay_good_when_the_hardware_timeout_is_changed_meanwhile() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    let old = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    srp.set_hardware_timeout(0xFF);
    assert_eq!(srp.hardware_timeout(), 0xFF);
    let new = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    let sent: Vec<_> = peer.seen().into_iter().map(|seen| seen.bytes).collect();
    assert_eq!((sent[0][3], sent[1][3]), (0x0A, 0xFF));
    peer.send(&response(&sent[1], &[2; 4], 0));
    peer.send(&response(&sent[0], &[1; 4], 0));
    assert_eq!(collect(&old), (Ok(()), vec![1; 4]));
    assert_eq!(collect(&new), (Ok(()), vec![2; 4]));
    // Remembered, not ignored: an answer with another timeout than the request's is none.
    let strange = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    let mut answer = response(&peer.seen()[2].bytes, &[3; 4], 0);
    answer[3] = 0x0A;
    peer.send(&answer);
    assert!(failure(&strange).contains("did not match expected protocol"));
}

#[test]
fn d47_a_frame_of_any_length_that_names_a_request_ends_it_and_no_other_does() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    for frame_bytes in 0..64 {
        for error in [0, 0x80] {
            let tran = launch(&master, TransactionType::Read, 0x40, vec![0xEE; 8]);
            let sent = peer.seen().pop().unwrap().bytes;
            let mut answer = response(&sent, &[0; 8], 0);
            answer.resize(frame_bytes, 0);
            peer.send_marked(&answer, error);
            assert_eq!(tran.is_done(), frame_bytes >= 8, "{frame_bytes} bytes, error {error}");
            if !tran.is_done() {
                tran.time_out();
            }
            let (outcome, data) = collect(&tran);
            let good = frame_bytes == 32 && error == 0;
            assert_eq!(outcome.is_ok(), good, "{frame_bytes} bytes, error {error}");
            assert_eq!(data, if good { [0; 8] } else { [0xEE; 8] });
            if let (Err(error), true) = (outcome, frame_bytes >= 8) {
                let text = error.text();
                assert!(text.contains(&format!("id={}", tran.id())), "{text}");
                assert!(text.contains(&format!("frameSize={frame_bytes}")), "{text}");
            }
        }
    }
}

#[test]
fn d47_a_bus_error_is_not_made_up_from_the_end_of_a_frame_that_is_too_long() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let tran = launch(&master, TransactionType::Read, 0, vec![0xEE; 4]);
    let sent = peer.seen()[0].bytes.clone();
    let junk = [0x00, 0x20, 0x00, 0x00];
    peer.send(&response(&sent, &[[1; 4], junk].concat(), 0x2100));
    assert!(failure(&tran).contains("header size mismatch"));
}

#[test]
fn f08_an_answer_whose_data_somebody_holds_keeps_no_other_waiting() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let trans =
        [0x10, 0x20].map(|address| launch(&master, TransactionType::Read, address, vec![0xEE; 8]));
    let data = trans[0].data().unwrap();
    for (seen, value) in peer.wait(2).iter().zip([1, 2]) {
        peer.send(&response(&seen.bytes, &[value; 8], 0));
    }
    assert_eq!(collect(&trans[1]), (Ok(()), vec![2; 8]));
    assert!(!trans[0].is_done() && *data == [0xEE; 8]);
    drop(data);
    assert_eq!(collect(&trans[0]), (Ok(()), vec![1; 8]));
}

#[test]
fn a_second_answer_finds_nobody() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let tran = launch(&master, TransactionType::Read, 0, vec![0xEE; 4]);
    let sent = peer.seen()[0].bytes.clone();
    peer.send(&response(&sent, &[1; 4], 0));
    peer.send(&response(&sent, &[2; 4], 0));
    assert_eq!(collect(&tran), (Ok(()), vec![1; 4]));
}

#[test]
fn a_changed_size_word_is_reported_with_id_and_address() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let tran = launch(&master, TransactionType::Read, 0x1_0000_0100, vec![0; 4]);
    let mut answer = response(&peer.seen()[0].bytes, &[0; 4], 0);
    answer[16] = 0x07;
    peer.send(&answer);
    let text = failure(&tran);
    assert_eq!(
        text,
        format!(
            "Received SRPV3 message did not match expected protocol. id={}, \
             addr=0x0000000100000100",
            tran.id()
        )
    );
}

#[test]
fn eight_extra_bytes_are_reported_with_all_sizes_in_decimal() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let tran = launch(&master, TransactionType::Read, 0x100, vec![0; 4]);
    let sent = peer.seen()[0].bytes.clone();
    peer.send(&response(&sent, &[0; 12], 0));
    let text = failure(&tran);
    for part in [
        "frameSize=36",
        "expectedSize=28",
        "tranSize=4",
        "headerSize=4",
        &format!("id={}", tran.id()),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn without_a_stream_requests_fail_at_once_and_say_why() {
    let srp = SrpV3::new();
    let master = memory::Master::new();
    master.set_slave(srp.clone());
    for ty in [
        TransactionType::Read,
        TransactionType::Write,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        let text = failure(&launch(&master, ty, 0xABC0, vec![0; 4]));
        assert!(text.contains("0xabc0") && text.contains("connect it"), "{text}");
    }
    assert_eq!(memory::Slave::base(&*srp).pending_count(), 0);
}

#[test]
fn a_stream_that_vanishes_while_a_request_is_made_fails_it_at_once() {
    /// A slave that takes the connection away while it is asked for a frame.
    struct Vanishing {
        base: stream::SlaveBase,
        srp: std::sync::Weak<SrpV3>,
    }
    impl stream::Slave for Vanishing {
        fn base(&self) -> &stream::SlaveBase {
            &self.base
        }
        fn accept_frame(&self, _: Arc<Frame>) {
            panic!("the connection is gone");
        }
        fn accept_req(&self, size: u32, _: bool) -> rogue_mem::error::Result<Arc<Frame>> {
            self.srp.upgrade().unwrap().stream_master().stop();
            self.base.pool().request(size)
        }
    }
    let srp = SrpV3::new();
    let slave = Vanishing { base: stream::SlaveBase::new(), srp: Arc::downgrade(&srp) };
    let slave: Arc<dyn stream::Slave> = Arc::new(slave);
    let master = memory::Master::new();
    master.set_slave(srp.clone());
    for ty in [TransactionType::Read, TransactionType::Post] {
        srp.stream_master().add_slave(slave.clone()).unwrap();
        assert!(failure(&launch(&master, ty, 0, vec![0; 4])).contains("no stream"));
    }
    assert_eq!(memory::Slave::base(&*srp).pending_count(), 0);
}

#[test]
fn stop_fails_what_is_outstanding_and_lets_a_new_stream_be_connected() {
    let peer = Peer::silent();
    let (srp, master) = client(&peer);
    let waiting = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    srp.stop();
    srp.stop();
    assert!(failure(&waiting).contains("stopped"));
    assert!(failure(&launch(&master, TransactionType::Read, 0, vec![0; 4])).contains("no stream"));
    assert_eq!(peer.seen().len(), 1);
    let next = prompt();
    stream::connect(&*srp, &*next).unwrap();
    assert_eq!(master.read(0, 4).unwrap(), [0; 4]);
}

/// A transport whose link a test cuts: it keeps no frame, and answers none.
#[derive(Default)]
struct Wire {
    base: stream::SlaveBase,
    is_cut: AtomicBool,
    /// Cuts the link while it takes the next frame.
    cuts_next: AtomicBool,
    /// The number of the link, and whether another one takes its place before the next frame.
    number: AtomicU64,
    replaces_next: AtomicBool,
}

impl stream::Slave for Wire {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.count(frame.lock().payload());
        if self.cuts_next.load(Ordering::SeqCst) {
            self.is_cut.store(true, Ordering::SeqCst);
        }
        if self.replaces_next.swap(false, Ordering::SeqCst) {
            self.number.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        let present = self.number.load(Ordering::SeqCst);
        let is_another = *link.get_or_insert(present) != present;
        let is_cut = self.is_cut.load(Ordering::SeqCst) || is_another;
        is_cut.then(|| "the wire is cut".to_owned())
    }
}

/// A client over a wire, and the master that brings what comes from there.
fn over_wire(through_packetizer: bool) -> (Arc<Wire>, Arc<stream::Master>, memory::Master) {
    let (wire, from_wire) = (Arc::<Wire>::default(), stream::Master::new());
    let end = stream::Port::new(from_wire.clone(), wire.clone());
    let srp = SrpV3::new();
    if through_packetizer {
        let packetizer = Packetizer::new(PacketizerVersion::V2, PacketizerOptions::default());
        stream::connect(&packetizer.transport(), &end).unwrap();
        stream::connect(&*srp, &packetizer.application(0)).unwrap();
    } else {
        stream::connect(&*srp, &end).unwrap();
    }
    (wire, from_wire, master_of(srp))
}

#[test]
fn a_lost_link_fails_requests_with_the_text_of_its_layer_and_a_restored_one_takes_them_again() {
    for through_packetizer in [false, true] {
        let (wire, from_wire, master) = over_wire(through_packetizer);
        let waiting: Vec<_> =
            [TransactionType::Read, TransactionType::Write, TransactionType::Verify]
                .map(|ty| launch(&master, ty, 0, vec![0; 4]))
                .into();
        wire.is_cut.store(true, Ordering::SeqCst);
        from_wire.link_lost("the wire is cut");
        for ends in &waiting {
            let text = failure(ends);
            assert!(text.contains("the wire is cut. Whether the request was carried"), "{text}");
        }
        for ty in [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ] {
            let text = failure(&launch(&master, ty, 0xABC0, vec![0; 4]));
            assert!(text.contains("request for address 0xabc0: the wire is cut"), "{text}");
        }
        assert_eq!(wire.base.frame_count(), 3, "nothing is sent over a lost link");
        wire.is_cut.store(false, Ordering::SeqCst);
        launch(&master, TransactionType::Read, 0, vec![0; 4]);
        assert_eq!(wire.base.frame_count(), 4);
    }
}

#[test]
fn a_link_that_is_lost_while_a_request_is_sent_fails_it_at_once() {
    for ty in [
        TransactionType::Read,
        TransactionType::Write,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        let (wire, _, master) = over_wire(false);
        wire.cuts_next.store(true, Ordering::SeqCst);
        let text = failure(&launch(&master, ty, 0, vec![0; 4]));
        assert!(text.contains("the wire is cut. Whether the request was carried"), "{text}");
    }
}

#[test]
fn f38_a_request_that_a_link_has_dropped_fails_although_another_link_is_open_by_then() {
    for through_packetizer in [false, true] {
        for ty in [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ] {
            let (wire, _, master) = over_wire(through_packetizer);
            wire.replaces_next.store(true, Ordering::SeqCst);
            let text = failure(&launch(&master, ty, 0, vec![0; 4]));
            assert!(text.contains("the wire is cut. Whether the request was carried"), "{text}");
            launch(&master, TransactionType::Post, 0, vec![0; 4]);
            assert_eq!(wire.base.frame_count(), 2, "the new link is used");
        }
    }
}

/// A slave that drops every frame, and says so.
#[derive(Default)]
struct Dropping(stream::SlaveBase);

impl stream::Slave for Dropping {
    fn base(&self) -> &stream::SlaveBase {
        &self.0
    }
    fn accept_frame(&self, frame: Arc<Frame>) {
        self.0.count(frame.lock().payload());
        stream::report_drop(|| "the wire is full".into());
    }
}

#[test]
fn f50_a_request_whose_frame_is_dropped_fails_at_once_with_the_reason() {
    for through_packetizer in [false, true] {
        let (dropping, from_there) = (Arc::new(Dropping::default()), stream::Master::new());
        let end = stream::Port::new(from_there, dropping.clone());
        let srp = SrpV3::new();
        let packetizer = Packetizer::new(PacketizerVersion::V2, PacketizerOptions::default());
        if through_packetizer {
            stream::connect(&packetizer.transport(), &end).unwrap();
            stream::connect(&*srp, &packetizer.application(0)).unwrap();
        } else {
            stream::connect(&*srp, &end).unwrap();
        }
        let master = master_of(srp);
        for ty in [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ] {
            let text = failure(&launch(&master, ty, 0x40, vec![0; 4]));
            assert!(text.ends_with("address 0x40 is lost: the wire is full"), "{text}");
        }
        assert_eq!(dropping.0.frame_count(), 4);
    }
}

#[test]
fn f50_what_a_full_queue_drops_fails_its_request() {
    let (srp, fifo) = (SrpV3::new(), stream::Fifo::new(1, 0, false).unwrap());
    let (held, release) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (holds, released) = (held.clone(), release.clone());
    let first = AtomicBool::new(true);
    let receiver = Peer::new(move |_, _| {
        if first.swap(false, Ordering::SeqCst) {
            holds.wait();
            released.wait();
        }
    });
    srp.stream_master().add_slave(fifo.stream_slave()).unwrap();
    fifo.stream_master().add_slave(receiver.stream_slave()).unwrap();
    let master = master_of(srp);
    let under_way = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    held.wait();
    let waiting = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    let text = failure(&launch(&master, TransactionType::Read, 0x44, vec![0; 4]));
    assert!(text.contains("0x44 is lost: the Fifo drops a frame"), "{text}");
    assert!(!under_way.is_done() && !waiting.is_done());
    release.wait();
}

#[test]
fn what_another_receiver_of_a_request_drops_is_nothing_to_the_request() {
    let peer = prompt();
    let (srp, master) = client(&peer);
    let tap = Arc::new(Dropping::default());
    srp.stream_master().add_slave(tap.clone()).unwrap();
    assert_eq!(master.read(0, 4).unwrap(), [0; 4]);
    assert_eq!(tap.0.frame_count(), 1);
}

#[test]
fn a_failing_allocation_of_the_peer_fails_the_request_with_its_text() {
    let peer = prompt();
    let (_srp, master) = client(&peer);
    peer.pool().set_fixed_size(1);
    // 20 bytes in buffers of one byte work.
    assert_eq!(master.read(0, 4).unwrap(), [0; 4]);

    /// A slave whose frames are too small.
    struct Stingy(stream::SlaveBase);
    impl stream::Slave for Stingy {
        fn base(&self) -> &stream::SlaveBase {
            &self.0
        }
        fn accept_frame(&self, _: Arc<Frame>) {
            panic!("nothing can be sent");
        }
        fn accept_req(&self, _: u32, _: bool) -> rogue_mem::error::Result<Arc<Frame>> {
            self.0.pool().request(8)
        }
    }
    let srp = SrpV3::new();
    srp.stream_master().add_slave(Arc::new(Stingy(stream::SlaveBase::new()))).unwrap();
    master.set_slave(srp.clone());
    let text = failure(&launch(&master, TransactionType::Read, 0x80, vec![0; 4]));
    assert!(text.contains("0x80") && text.contains("a frame of the stream has 8; put"), "{text}");
}

#[test]
fn frames_in_many_buffers_are_written_and_read_like_those_in_one() {
    let peer = Peer::silent();
    peer.pool().set_fixed_size(7);
    let (srp, master) = client(&peer);
    let data: Vec<u8> = (0..64).collect();
    let written = launch(&master, TransactionType::Write, 0x30, data.clone());
    let sent = peer.seen().pop().unwrap().bytes;
    assert_eq!(sent, request(0x0A00_0103, written.id(), 0x30, 64, &data));
    let read = launch(&master, TransactionType::Read, 0x30, vec![0; 64]);
    let request = peer.seen().pop().unwrap().bytes;
    let mut buffers = Buffers::default();
    for part in response(&request, &data, 0).chunks(5) {
        buffers.push(Buffer::from(part.to_vec()));
    }
    srp.stream_slave().accept_frame(Frame::with_buffers(buffers));
    assert_eq!(collect(&read), (Ok(()), data));
}

#[test]
fn large_requests_are_split_above_srp_and_a_bus_error_in_one_part_fails_the_whole() {
    let peer = Peer::new(|peer, request| {
        let size = word(request, 4) as usize + 1;
        let data: Vec<u8> = (0..size).map(|at| (word(request, 2) as usize + at) as u8).collect();
        let status = if word(request, 2) == 0x3000 { 0x2 } else { 0 };
        peer.send(&response(request, &data, status));
    });
    let (_srp, master) = client(&peer);
    let hub = Hub::new(0x1000, 0, 0);
    hub.master().set_slave(master.slave());
    let upstream = memory::Master::new();
    upstream.set_slave(hub);
    let data = upstream.read(0, 0x2000).unwrap();
    assert!(data.iter().enumerate().all(|(at, &byte)| byte == at as u8));
    assert_eq!(peer.seen().len(), 2);
    let error = upstream.read(0, 0x3000).unwrap_err();
    assert_eq!(error.status(), Status::Transaction);
    assert!(error.text().contains("in hardware: 0x2"), "{}", error.text());
}

#[test]
fn an_answer_keeps_later_requests_alive_and_not_earlier_ones() {
    let peer = Peer::silent();
    let (_srp, master) = client(&peer);
    let lost = launch(&master, TransactionType::Read, 0, vec![0; 4]);
    let answered = launch(&master, TransactionType::Read, 4, vec![0; 4]);
    let later = launch(&master, TransactionType::Read, 8, vec![0; 4]);
    let (lost_before, later_before) = (lost.deadline(), later.deadline());
    peer.send(&response(&peer.seen()[1].bytes, &[0; 4], 0));
    assert!(answered.is_done());
    assert_eq!(lost.deadline(), lost_before);
    assert!(later.deadline() > later_before);
    for tran in [&lost, &answered, &later] {
        tran.time_out();
        tran.collect();
    }
}

#[test]
fn counters_count_what_arrives() {
    let peer = prompt();
    let (srp, master) = client(&peer);
    for _ in 0..3 {
        master.read(0, 8).unwrap();
    }
    let slave = srp.stream_slave();
    assert_eq!((slave.base().frame_count(), slave.base().byte_count()), (3, 3 * 32));
}

#[test]
fn f02_a_request_whose_time_has_passed_is_not_sent() {
    use memory::Slave as _;
    let peer = prompt();
    let (srp, master) = client(&peer);
    master.set_timeout(Duration::from_millis(1));
    for ty in [
        TransactionType::Read,
        TransactionType::Write,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        let tran = master.prepare(0x10, vec![7; 4].into(), ty).unwrap();
        while rogue_mem::clock::now() < tran.deadline() {
            std::thread::yield_now();
        }
        srp.do_transaction(&tran);
        let text = failure(&tran);
        assert!(text.starts_with(memory::TIMEOUT_TEXT) && text.contains("never sent"), "{text}");
    }
    assert_eq!(peer.seen().len(), 0);
}

/// Answers what is not posted at once, and drops requests for 0x20.
struct Choosy {
    base: SlaveBase,
    answers: Arc<Master>,
    /// Addresses of the requests of each call.
    calls: Mutex<Vec<Vec<u32>>>,
}

impl Choosy {
    fn receive(&self, frame: Arc<Frame>) {
        let request = frame.lock().to_vec();
        self.calls.lock().unwrap().last_mut().unwrap().push(word(&request, 2));
        match word(&request, 2) {
            0x20 => report_drop(|| "the choosy one does not like it".into()),
            _ if word(&request, 0) & 0x300 == 0x200 => {}
            _ => {
                let size = word(&request, 4) as usize + 1;
                let answer = response(&request, &vec![7; size], 0);
                self.answers.send_frame(Arc::new(Frame::from(answer)));
            }
        }
    }
}

impl Slave for Choosy {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.accept_frames(&mut [frame.into()]);
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        self.calls.lock().unwrap().push(Vec::new());
        frames.iter_mut().for_each(|dispatch| dispatch.pass(|frame| self.receive(frame)));
    }
}

fn choosy() -> (Arc<Choosy>, Arc<SrpV3>, memory::Master) {
    let answers = Master::new();
    let choosy = Arc::new(Choosy {
        base: SlaveBase::new(),
        answers: answers.clone(),
        calls: Mutex::default(),
    });
    let srp = SrpV3::new();
    stream::connect(&*srp, &Port::new(answers, choosy.clone())).unwrap();
    let master = master_of(srp.clone());
    (choosy, srp, master)
}

#[test]
fn requests_of_a_burst_are_sent_together_and_fail_each_for_its_own_reason() {
    let (choosy, srp, master) = choosy();
    for ty in [TransactionType::Read, TransactionType::Write, TransactionType::Post] {
        let addresses = [0x10, 0x20, 0x31, 0x40, 0x50];
        let requests = addresses.map(|address| (address, vec![0; 4].into()));
        let ids = master.request_many(requests.into(), ty).unwrap();
        let outcomes: Vec<String> = ids
            .into_iter()
            .map(|id| master.wait(id).map_or_else(|e| e.to_string(), |()| "".into()))
            .collect();
        assert!(outcomes[1].contains("the choosy one does not like it"), "{outcomes:?}");
        assert!(outcomes[1].contains("0x20"), "{outcomes:?}");
        assert!(outcomes[2].contains("0x31"), "{outcomes:?}");
        assert!([0, 3, 4].iter().all(|index| outcomes[*index].is_empty()), "{outcomes:?}");
        assert_eq!(
            choosy.calls.lock().unwrap().drain(..).collect::<Vec<_>>(),
            [[0x10, 0x20, 0x40, 0x50]]
        );
    }
    srp.stop();
}

#[test]
fn a_locked_write_of_a_burst_delays_none_before_it() {
    let (choosy, srp, master) = choosy();
    let all: Vec<_> = [0x10, 0x40, 0x50]
        .map(|address| master.prepare(address, vec![1; 4].into(), TransactionType::Write).unwrap())
        .into();
    let guard = all[1].data();
    std::thread::scope(|scope| {
        let burst = scope.spawn(|| memory::Slave::do_transactions(&*srp, &all));
        testkit::wait::wait_until("the first is sent", || all[0].is_done());
        assert_eq!(*choosy.calls.lock().unwrap(), [[0x10]]);
        drop(guard);
        burst.join().unwrap();
    });
    assert!(all.iter().all(|tran| collect(tran).0.is_ok()));
    assert_eq!(*choosy.calls.lock().unwrap(), [vec![0x10], vec![0x40, 0x50]]);
}

#[test]
fn a_burst_without_a_stream_fails_at_once() {
    let srp = SrpV3::new();
    let master = master_of(srp.clone());
    let requests = [0x10, 0x20].map(|address| (address, vec![0; 4].into()));
    for (id, address) in master
        .request_many(requests.into(), TransactionType::Read)
        .unwrap()
        .into_iter()
        .zip([0x10, 0x20])
    {
        let text = master.wait(id).unwrap_err().to_string();
        assert!(
            text.contains(&format!("no stream to send the request for address 0x{address:x}")),
            "{text}"
        );
    }
}

#[test]
fn f78_a_request_whose_time_passes_in_a_fifo_is_not_carried_out() {
    for no_copy in [false, true] {
        let (gate, fifo) = (Gate::new(), Fifo::new(0, 0, no_copy).unwrap());
        let blocked = gate.clone();
        let device = Peer::new(move |_, _| blocked.pass());
        let srp = SrpV3::new();
        srp.stream_master().add_slave(fifo.stream_slave()).unwrap();
        fifo.stream_master().add_slave(device.stream_slave()).unwrap();
        let patient = master_of(srp.clone());
        let impatient = master_of(srp);
        impatient.set_timeout(Duration::from_millis(1));
        patient.request(0x10, vec![1; 4].into(), TransactionType::Post).unwrap();
        gate.wait_arrived(1);
        impatient.write(0x20, &[2; 4]).unwrap_err();
        patient.request(0x30, vec![3; 4].into(), TransactionType::Post).unwrap();
        gate.open();
        let addresses: Vec<_> = device.wait(2).iter().map(|frame| word(&frame.bytes, 2)).collect();
        assert_eq!((addresses, fifo.dropped()), (vec![0x10, 0x30], 1), "{no_copy}");
    }
}
