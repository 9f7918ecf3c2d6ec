//! The packetizer's nodes among others.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use rogue_mem::clock::Time;
use rogue_mem::memory::{self, TransactionType};
use rogue_mem::proto::packetizer::v1;
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerStats, PacketizerVersion, SrpV3, SrpV3Emulation,
    UdpEndpoint, UdpOptions,
};
use rogue_mem::stream::{
    self, Buffers, CancelToken, Dispatch, Fifo, Frame, Master, Node, Slave, SlaveBase,
};

use testkit::bus::{failure, launch, master_of};
use testkit::frames::Peer;
use testkit::wait::{let_pass, wait_until, wait_until_freed, Gate, LONG};

const VERSIONS: [PacketizerVersion; 2] = [PacketizerVersion::V1, PacketizerVersion::V2];
const HEADER_BYTES: usize = 8;

fn packetizer(version: PacketizerVersion) -> Arc<Packetizer> {
    Packetizer::new(version, PacketizerOptions::default())
}

/// Two packetizers of `version`, connected with each other.
fn pair(version: PacketizerVersion) -> (Arc<Packetizer>, Arc<Packetizer>) {
    let (near, far) = (packetizer(version), packetizer(version));
    stream::connect(&near.transport(), &far.transport()).unwrap();
    (near, far)
}

fn peer_at(packetizer: &Packetizer, dest: u8) -> Arc<Peer> {
    let peer = Peer::silent();
    stream::connect(&packetizer.application(dest), &*peer).unwrap();
    peer
}

fn send(packetizer: &Packetizer, dest: u8, payload: &[u8]) {
    let frame = Arc::new(Frame::from(payload.to_vec()));
    packetizer.application(dest).stream_slave().accept_frame(frame);
}

/// Where the payload of a frame begins in memory.
fn place(frame: &Frame) -> *const u8 {
    frame.lock().contiguous().expect("one buffer").as_ptr()
}

/// A slave that keeps the frames themselves; with a transport's packets of `size` bytes.
struct Keeper {
    base: SlaveBase,
    /// Gives one buffer, of no more than this, as RSSI does; 0 = as its pool does.
    cut_bytes: AtomicUsize,
    requests: AtomicUsize,
    frames: Mutex<Vec<Arc<Frame>>>,
}

impl Keeper {
    fn new(size: u32) -> Arc<Keeper> {
        let keeper = Keeper {
            base: SlaveBase::new(),
            cut_bytes: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            frames: Mutex::default(),
        };
        keeper.base.pool().set_fixed_size(size);
        Arc::new(keeper)
    }

    fn take(&self) -> Vec<Arc<Frame>> {
        std::mem::take(&mut *self.frames.lock().unwrap())
    }
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.frames.lock().unwrap().push(frame);
    }

    fn accept_req(&self, size: u32, _: bool) -> rogue_mem::error::Result<Arc<Frame>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.cut_bytes.load(Ordering::Relaxed) {
            0 => self.base.pool().request(size),
            most => self.base.pool().request(size.min(most as u32)),
        }
    }
}

#[test]
fn registers_are_reached_through_two_packetizers() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        stream::connect(&*srp, &near.application(0)).unwrap();
        stream::connect(&far.application(0), &*emulation).unwrap();
        let master = memory::Master::new();
        master.set_slave(srp);
        for (address, size) in [(0x10, 4), (0x1000, 4096), (0x40, 100)] {
            let data: Vec<u8> = (0..size).map(|index| (index * 7 + address) as u8).collect();
            master.write(address as u64, &data).unwrap();
            assert_eq!(master.read(address as u64, size as u32).unwrap(), data);
        }
        assert_eq!((near.drop_count(), far.drop_count()), (0, 0));
        assert_eq!(near.stats().frames_sent, far.stats().frames_received);
        assert_eq!(near.stats().packets_sent, far.stats().packets_received);
    }
}

#[test]
fn an_answer_within_the_request_comes_through() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let srp = SrpV3::new();
        stream::connect(&*srp, &near.application(3)).unwrap();
        // Answers in the thread that asks, through the same packetizers.
        let device = Peer::new(|peer, request| {
            let size = u32::from_le_bytes(request[16..20].try_into().unwrap()) as usize + 1;
            peer.send(&[&request[..20], &vec![7; size], &[0; 4]].concat());
        });
        stream::connect(&far.application(3), &*device).unwrap();
        let master = memory::Master::new();
        master.set_slave(srp);
        for size in [4, 2000] {
            assert_eq!(master.read(0, size).unwrap(), vec![7; size as usize]);
        }
    }
}

#[test]
fn f71_a_frame_that_waits_for_another_one_keeps_its_destination() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let others = peer_at(&far, 2);
        // Sends within the sending of the frame that it receives.
        let sender = near.clone();
        let receiver = Peer::new(move |_, bytes| {
            if bytes == b"one" {
                send(&sender, 2, b"another");
            }
        });
        stream::connect(&far.application(1), &*receiver).unwrap();
        send(&near, 1, b"one");
        let payloads = |peer: &Peer| peer.seen().into_iter().map(|frame| frame.bytes).collect();
        let (received, other): (Vec<_>, Vec<_>) = (payloads(&receiver), payloads(&others));
        assert_eq!((received, other), (vec![b"one".to_vec()], vec![b"another".to_vec()]));
    }
}

#[test]
fn frames_of_many_threads_arrive_whole_and_in_the_order_of_their_thread() {
    const THREADS_COUNT: u8 = 4;
    const FRAMES_COUNT: u32 = 300;
    for version in VERSIONS {
        let (near, far) = pair(version);
        // Small packets, so that every frame has several.
        let relay = Keeper::new(64);
        let applications: Vec<_> = (0..2).map(|dest| peer_at(&far, dest)).collect();
        near.transport().stream_master().stop();
        near.transport().stream_master().add_slave(relay.clone()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..THREADS_COUNT {
                let near = &near;
                scope.spawn(move || {
                    for index in 0..FRAMES_COUNT {
                        let mut payload = vec![thread; 100 + index as usize % 7];
                        payload[..4].copy_from_slice(&index.to_le_bytes());
                        send(near, thread % 2, &payload);
                    }
                });
            }
        });
        for packet in relay.take() {
            far.transport().stream_slave().accept_frame(packet);
        }
        assert_eq!((far.drop_count(), far.stats().abandoned), (0, 0));
        for (dest, application) in (0..).zip(&applications) {
            let mut next = [0; THREADS_COUNT as usize];
            for frame in application.seen() {
                let (index, body) = frame.bytes.split_at(4);
                let thread = body[0];
                assert!(thread % 2 == dest && body.iter().all(|byte| *byte == thread));
                let index = u32::from_le_bytes(index.try_into().unwrap());
                assert_eq!(index, next[usize::from(thread)], "thread {thread}");
                next[usize::from(thread)] += 1;
            }
            assert_eq!(next.iter().sum::<u32>(), 2 * FRAMES_COUNT);
        }
    }
}

#[test]
fn in_version_2_a_frame_of_another_destination_overtakes_one_that_the_transport_holds_up() {
    let near = packetizer(PacketizerVersion::V2);
    let (overtake, overtaken) = mpsc::channel::<()>();
    let (entered, has_entered) = mpsc::channel();
    let gate = Mutex::new(Some(overtaken));
    let transport = Peer::new(move |_, packet| {
        if packet[2] == 0 {
            if let Some(gate) = gate.lock().unwrap().take() {
                entered.send(()).unwrap();
                gate.recv().unwrap();
            }
        }
    });
    transport.pool().set_fixed_size(64);
    stream::connect(&near.transport(), &*transport).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| send(&near, 0, &[1; 100]));
        has_entered.recv().unwrap();
        send(&near, 1, &[2; 100]);
        overtake.send(()).unwrap();
    });
    let dests: Vec<_> = transport.seen().iter().map(|packet| packet.bytes[2]).collect();
    assert_eq!(dests, [0, 1, 1, 1, 0, 0]);
}

/// Queues and the like bring frames from threads of their own, on which nobody depends.
#[test]
fn f60_a_queue_before_a_packetizer_that_is_at_a_frame_waits_and_loses_nothing() {
    // More than wait for another frame.
    const COUNT: usize = 3000;
    let near = packetizer(PacketizerVersion::V1);
    let gate = Gate::new();
    let closed = gate.clone();
    let transport = Peer::new(move |_, _| closed.pass());
    stream::connect(&near.transport(), &*transport).unwrap();
    let fifo = Fifo::new(0, 0, true).unwrap();
    fifo.stream_master().add_slave(near.application(1).stream_slave()).unwrap();
    let sender = near.clone();
    let other = std::thread::spawn(move || send(&sender, 2, b"first"));
    gate.wait_arrived(1);
    for number in 0..COUNT {
        fifo.stream_slave().accept_frame(Arc::new(Frame::from(number.to_le_bytes().to_vec())));
    }
    // A thread that does not wait drops most of them now.
    let_pass(Duration::from_millis(200));
    gate.open();
    other.join().unwrap();
    let is_over = || near.stats().frames_sent + near.stats().frames_refused > COUNT as u64;
    wait_until("every frame is dealt with", is_over);
    assert_eq!(near.stats().frames_refused, 0);
    transport.wait(COUNT + 1);
}

#[test]
fn a_frame_that_fits_one_packet_is_not_copied_on_either_side() {
    for version in VERSIONS {
        let (near, far) = (packetizer(version), packetizer(version));
        let transport = Keeper::new(1456);
        near.transport().stream_master().add_slave(transport.clone()).unwrap();
        let application = Keeper::new(0);
        far.application(1).stream_master().add_slave(application.clone()).unwrap();
        let slave = near.application(1).stream_slave();
        for size in [1, 20, 28, 1439, 1440] {
            let frame = slave.accept_req(size, true).unwrap();
            assert_eq!(frame.lock().size(), size as usize, "room for what was asked for");
            frame.lock().set_payload(size as usize).unwrap();
            frame.lock().slices_mut().for_each(|part| part.fill(size as u8));
            let before = place(&frame);
            slave.accept_frame(frame);
            let packet = transport.take().pop().unwrap();
            assert_eq!(place(&packet).wrapping_add(HEADER_BYTES), before, "{version:?} {size}");
            far.transport().stream_slave().accept_frame(packet);
            let received = application.take().pop().unwrap();
            assert_eq!(place(&received), before, "{version:?} {size}");
            assert_eq!(received.lock().to_vec(), vec![size as u8; size as usize]);
            assert_eq!((received.flags(), received.error()), (0x0002, 0));
        }
        assert_eq!(near.stats().packets_sent, 5);
    }
}

#[test]
fn a_frame_that_something_else_refers_to_is_left_as_it_is() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let application = peer_at(&far, 1);
        let frame = near.application(1).stream_slave().accept_req(8, true).unwrap();
        frame.lock().set_payload(8).unwrap();
        frame.set_flags(0x0100);
        frame.set_channel(9);
        near.application(1).stream_slave().accept_frame(frame.clone());
        assert_eq!((frame.flags(), frame.channel()), (0x0100, 9));
        assert_eq!(frame.lock().to_vec(), [0; 8]);
        assert_eq!(application.seen()[0].bytes, [0; 8]);
        // A packet that somebody else has too.
        let keeper = Keeper::new(0);
        near.transport().stream_master().add_slave(keeper.clone()).unwrap();
        send(&near, 1, &[5; 8]);
        let packet = keeper.take().pop().unwrap();
        let before = packet.lock().to_vec();
        far.transport().stream_slave().accept_frame(packet.clone());
        assert_eq!(packet.lock().to_vec(), before);
        assert_eq!(application.seen().len(), 3);
    }
}

#[test]
fn frames_that_cannot_be_sent_are_counted_and_send_nothing() {
    for version in VERSIONS {
        let near = packetizer(version);
        send(&near, 0, &[1; 8]);
        assert_eq!(near.stats().frames_refused, 1, "there is no transport");
        let transport = Peer::silent();
        stream::connect(&near.transport(), &*transport).unwrap();
        send(&near, 0, &[]);
        let marked = Arc::new(Frame::from(vec![1; 8]));
        marked.set_error(1);
        near.application(0).stream_slave().accept_frame(marked);
        near.application(0).stream_slave().accept_frame(Frame::new(0).unwrap());
        // Packets without room for a word.
        transport.pool().set_fixed_size(16);
        send(&near, 0, &[1; 100]);
        assert!(transport.seen().is_empty());
        let mut stats = near.stats();
        assert_eq!(std::mem::take(&mut stats.frames_refused), 5);
        assert_eq!(stats, PacketizerStats::default());
        transport.pool().set_fixed_size(64);
        send(&near, 0, &[1; 100]);
        assert_eq!((near.stats().frames_sent, near.stats().packets_sent), (1, 3));
    }
}

#[test]
fn frames_follow_the_size_of_the_transports_packets() {
    for version in VERSIONS {
        let (near, far) = (packetizer(version), packetizer(version));
        let relay = Keeper::new(0);
        near.transport().stream_master().add_slave(relay.clone()).unwrap();
        let application = peer_at(&far, 0);
        let slave = near.application(0).stream_slave();
        for (round, size) in [1456, 64, 8956, 0, 1016, 200].into_iter().enumerate() {
            relay.base.pool().set_fixed_size(size);
            for frame_bytes in [5, 1200, 5000, 40, 70_000] {
                let payload = vec![round as u8; frame_bytes];
                let mut frame = slave.accept_req(frame_bytes as u32, true).unwrap();
                Frame::fill(&mut frame, |buffers| {
                    buffers.set_payload(frame_bytes).unwrap();
                    buffers.write_at(0, &payload).unwrap();
                });
                slave.accept_frame(frame);
                for packet in relay.take() {
                    let packet_bytes = packet.lock().payload();
                    assert!(size == 0 || packet_bytes <= size as usize, "{packet_bytes} {size}");
                    far.transport().stream_slave().accept_frame(packet);
                }
                assert!(application.seen().last().unwrap().bytes == payload, "{frame_bytes}");
            }
        }
        assert_eq!((application.seen().len(), far.drop_count()), (30, 0));
    }
}

#[test]
fn a_transport_that_gives_one_buffer_of_its_size_at_most_is_asked_once_for_each_packet() {
    for version in VERSIONS {
        let (near, far) = (packetizer(version), packetizer(version));
        let relay = Keeper::new(0);
        relay.cut_bytes.store(1456, Ordering::Relaxed);
        near.transport().stream_master().add_slave(relay.clone()).unwrap();
        let application = peer_at(&far, 0);
        let slave = near.application(0).stream_slave();
        for (round, count) in [(0, 4), (1, 4), (2, 4)] {
            // The first round learns the size of the packets.
            let before = relay.requests.load(Ordering::Relaxed);
            let frame = slave.accept_req(5000, true).unwrap();
            frame.lock().set_payload(5000).unwrap();
            slave.accept_frame(frame);
            let packets = relay.take();
            assert_eq!(packets.len(), count);
            let asked = relay.requests.load(Ordering::Relaxed) - before;
            assert_eq!(asked, if round == 0 { count + 1 } else { count });
            packets.into_iter().for_each(|one| far.transport().stream_slave().accept_frame(one));
        }
        assert_eq!((application.seen().len(), far.drop_count()), (3, 0));
    }
}

#[test]
fn a_lost_link_is_told_to_every_application_and_ends_its_unfinished_frame() {
    for version in VERSIONS {
        let (near, far) = (packetizer(version), packetizer(version));
        let relay = Keeper::new(64);
        near.transport().stream_master().add_slave(relay.clone()).unwrap();
        let srp = SrpV3::new();
        stream::connect(&*srp, &far.application(0)).unwrap();
        far.transport().stream_master().add_slave(Keeper::new(64)).unwrap();
        let master = memory::Master::new();
        master.set_slave(srp);
        let id = master.request(0x10, vec![0; 4].into(), TransactionType::Read).unwrap();
        send(&near, 0, &[1; 100]);
        let packets = relay.take();
        far.transport().stream_slave().accept_frame(packets[0].clone());
        far.transport().stream_slave().link_lost("RSSI has lost its peer");
        let error = master.wait(id).unwrap_err();
        assert!(error.text().contains("RSSI has lost its peer"), "{error}");
        assert_eq!(far.stats().abandoned, 1);
    }
}

#[test]
fn a_frame_in_several_buffers_and_a_packet_in_several_come_through() {
    for version in VERSIONS {
        let (near, far) = (packetizer(version), packetizer(version));
        let relay = Keeper::new(0);
        near.transport().stream_master().add_slave(relay.clone()).unwrap();
        let application = peer_at(&far, 0);
        let mut parts = Buffers::default();
        for part in [&[1, 2, 3][..], &[], &[4; 20]] {
            parts.push(part.to_vec().into());
        }
        near.application(0).stream_slave().accept_frame(Frame::with_buffers(parts));
        let packet = relay.take().pop().unwrap().lock().to_vec();
        let mut parts = Buffers::default();
        packet.chunks(5).for_each(|part| parts.push(part.to_vec().into()));
        far.transport().stream_slave().accept_frame(Frame::with_buffers(parts));
        assert_eq!(application.seen()[0].bytes, [&[1, 2, 3][..], &[4; 20]].concat());
    }
}

#[test]
fn posted_writes_and_reads_of_many_threads_share_a_destination() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        stream::connect(&*srp, &near.application(0)).unwrap();
        stream::connect(&far.application(0), &*emulation).unwrap();
        let failures = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let (srp, failures) = (srp.clone(), &failures);
                scope.spawn(move || {
                    let master = memory::Master::new();
                    master.set_timeout(Duration::from_secs(60));
                    master.set_slave(srp);
                    for round in 0..100_u32 {
                        let address = thread * 0x1000;
                        let value = (round << 8 | thread as u32).to_le_bytes();
                        let ty = if round % 2 == 0 {
                            TransactionType::Write
                        } else {
                            TransactionType::Post
                        };
                        let id = master.request(address, value.to_vec().into(), ty).unwrap();
                        master.wait(id).unwrap();
                        let read = master
                            .request(address, vec![0; 4].into(), TransactionType::Read)
                            .unwrap();
                        let is_right = master.wait_buffer(read).unwrap() == value;
                        failures.fetch_add(usize::from(!is_right), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(failures.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn stop_disconnects_every_end_and_others_may_be_connected() {
    let (near, far) = pair(PacketizerVersion::V2);
    let first = peer_at(&far, 0);
    send(&near, 0, &[1; 8]);
    for packetizer in [&near, &far] {
        packetizer.stop();
        packetizer.stop();
    }
    send(&near, 0, &[2; 8]);
    assert_eq!((first.seen().len(), near.stats().frames_refused), (1, 1));
    stream::connect(&near.transport(), &far.transport()).unwrap();
    let second = peer_at(&far, 0);
    send(&near, 0, &[3; 8]);
    assert_eq!((first.seen().len(), second.seen()[0].bytes.clone()), (1, vec![3; 8]));
}

#[test]
fn f49_what_is_outstanding_when_a_packetizer_is_stopped_fails_at_once() {
    let (near, far) = pair(PacketizerVersion::V2);
    let _silent = peer_at(&far, 0);
    let srp = SrpV3::new();
    stream::connect(&*srp, &near.application(0)).unwrap();
    let waiting = launch(&master_of(srp.clone()), TransactionType::Read, 0, vec![0; 4]);
    near.stop();
    let text = failure(&waiting);
    assert!(text.contains("the packetizer was stopped"), "{text}");
}

#[test]
fn ends_live_as_long_as_they_are_connected_and_no_longer() {
    let (near, far) = pair(PacketizerVersion::V2);
    let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
    stream::connect(&*srp, &near.application(0)).unwrap();
    stream::connect(&far.application(0), &*emulation).unwrap();
    let masters: [Arc<Master>; 3] = [
        near.transport().stream_master(),
        far.transport().stream_master(),
        emulation.stream_master(),
    ];
    let watches = masters.each_ref().map(Arc::downgrade);
    drop((near, far, emulation, masters));
    let master = memory::Master::new();
    master.set_slave(srp);
    master.write(0x10, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x10, 4).unwrap(), [1, 2, 3, 4]);
    drop(master);
    watches.iter().for_each(wait_until_freed);
}

#[test]
fn frames_that_are_sent_together_arrive_in_order_whole_ones_and_those_of_many_packets() {
    for version in VERSIONS {
        let (near, far) = pair(version);
        let peers = [peer_at(&far, 0), peer_at(&far, 1)];
        // The second one has an error, and the third has nothing.
        let sizes = [4, 8, 0, 100_000, 12, 16, 200_000, 20];
        for dest in [0, 1] {
            let slave = near.application(dest).stream_slave();
            let mut frames: Vec<Dispatch> = Vec::new();
            for (index, size) in sizes.into_iter().enumerate() {
                let mut frame = slave.accept_req(size.max(1), true).unwrap();
                Frame::fill(&mut frame, |buffers| {
                    buffers.set_payload(size as usize).unwrap();
                    buffers.write_at(0, &vec![index as u8; size as usize]).unwrap();
                });
                frame.set_error(u8::from(index == 1));
                frames.push(frame.into());
            }
            for (rest, unsound) in [(0..3, true), (3..8, false)] {
                slave.accept_frames(&mut frames[rest.clone()]);
                for (index, dispatch) in rest.clone().zip(&frames[rest]) {
                    let is_dropped = unsound && index > 0;
                    assert_eq!(dispatch.dropped.is_some(), is_dropped, "{index}");
                }
            }
            assert!(frames.iter().all(|dispatch| dispatch.frame.is_none()));
        }
        for peer in &peers {
            let seen = peer.wait(6);
            let content = |index: usize| vec![index as u8; sizes[index] as usize];
            let expected = [0, 3, 4, 5, 6, 7].map(content);
            assert!(seen.iter().zip(&expected).all(|(seen, bytes)| seen.bytes == *bytes));
        }
        let stats = near.stats();
        assert_eq!((stats.frames_sent, stats.frames_refused), (12, 4), "{version:?}");
        assert_eq!(far.stats().packets_received, stats.packets_sent);
        assert_eq!((far.stats().frames_received, far.stats().dropped), (12, 0));
    }
}

#[test]
fn packets_that_arrive_together_reach_their_destinations_in_order() {
    let (near, far) = (packetizer(PacketizerVersion::V2), packetizer(PacketizerVersion::V2));
    let wire = Keeper::new(0);
    near.transport().stream_master().add_slave(wire.clone()).unwrap();
    let peers = [peer_at(&far, 0), peer_at(&far, 1)];
    let order = [0, 0, 1, 1, 0, 1, 0, 0, 7, 0];
    for (number, dest) in (0..).zip(order) {
        send(&near, dest, &[number; 5]);
    }
    let mut packets: Vec<Dispatch> = wire.take().into_iter().map(Dispatch::from).collect();
    packets[1].frame.as_ref().unwrap().set_error(1);
    far.transport().stream_slave().accept_frames(&mut packets);
    for (dest, numbers) in [(0, vec![0, 4, 6, 7, 9]), (1, vec![2, 3, 5])] {
        let seen = peers[dest].seen();
        assert_eq!(seen.iter().map(|seen| seen.bytes[0]).collect::<Vec<u8>>(), numbers);
    }
}

/// The token of a request that is given up when its owner says so. A node that cannot end the
/// request does not hear of it here.
#[derive(Default)]
struct Request {
    is_given_up: AtomicBool,
    is_known_to_all: AtomicBool,
}

impl CancelToken for Request {
    fn cancel_if_late(self: Arc<Self>, _now: Time) -> bool {
        self.is_known_to_all.load(Ordering::Relaxed) && self.is_given_up.load(Ordering::Relaxed)
    }

    fn is_cancelled(&self, _now: Time) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    fn deadline(&self) -> Time {
        Time(u64::MAX)
    }
}

fn send_with(packetizer: &Packetizer, token: &Arc<Request>, payload: &[u8]) {
    let frame = Arc::new(Frame::from(payload.to_vec()));
    frame.set_cancel_token(token.clone());
    packetizer.application(0).stream_slave().accept_frame(frame);
}

/// The frame numbers of packets; of one that takes the place of a frame, that frame's.
fn numbers(packets: &[Vec<u8>]) -> Vec<u16> {
    let number = |packet: &Vec<u8>| u16::from_le_bytes([packet[0], packet[1]]) >> 4;
    let placed = |packet: &Vec<u8>| (0..9).find(|frame| v1::placeholder(*frame)[..] == packet[..]);
    packets.iter().map(|packet| placed(packet).unwrap_or_else(|| number(packet))).collect()
}

/// Firmware counts the frames along, and discards one after a gap.
#[test]
fn f89_the_number_of_a_frame_that_is_cancelled_in_a_fifo_below_leaves() {
    for no_copy in [false, true] {
        let (near, request) = (packetizer(PacketizerVersion::V1), Arc::new(Request::default()));
        let (gate, fifo) = (Gate::new(), Fifo::new(0, 0, no_copy).unwrap());
        let closed = gate.clone();
        let transport = Peer::new(move |_, _| closed.pass());
        near.transport().stream_master().add_slave(fifo.stream_slave()).unwrap();
        fifo.stream_master().add_slave(transport.stream_slave()).unwrap();
        send(&near, 0, b"first");
        gate.wait_arrived(1);
        send_with(&near, &request, b"late");
        send(&near, 0, b"last");
        request.is_given_up.store(true, Ordering::Relaxed);
        request.is_known_to_all.store(true, Ordering::Relaxed);
        gate.open();
        let packets: Vec<_> = transport.wait(3).into_iter().map(|seen| seen.bytes).collect();
        assert_eq!((numbers(&packets), fifo.dropped()), (vec![0, 1, 2], 1), "{no_copy}");
        assert!(!packets.iter().any(|packet| packet.windows(4).any(|part| part == b"late")));
    }
}

#[test]
fn f89_the_number_of_a_frame_that_is_cancelled_in_udp_leaves() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let udp = UdpEndpoint::client("127.0.0.1", port, UdpOptions::default()).unwrap();
    let (near, request) = (packetizer(PacketizerVersion::V1), Arc::new(Request::default()));
    near.transport().stream_master().add_slave(udp.stream_slave()).unwrap();
    send(&near, 0, b"first");
    request.is_given_up.store(true, Ordering::Relaxed);
    send_with(&near, &request, b"late");
    send(&near, 0, b"last");
    let receive = || {
        let mut packet = [0; 100];
        let count = socket.recv(&mut packet).unwrap();
        packet[..count].to_vec()
    };
    let packets: Vec<_> = (0..3).map(|_| receive()).collect();
    assert_eq!((numbers(&packets), udp.stats().unsent), (vec![0, 1, 2], 1));
}
