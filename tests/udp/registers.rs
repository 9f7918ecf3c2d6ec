//! Registers over UDP: a thread that waits for an answer receives it itself.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;

use rogue_mem::memory::{Master, TransactionType};
use rogue_mem::net::Spin;
use rogue_mem::protocols::{
    SrpV3, SrpV3Emulation, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::stream::{self, Node};
use testkit::bus::{failure, launch, zeros, Caller};
use testkit::wait::{wait_until, LONG, SHORT};

use crate::peer::{receive, socket};

/// A client of `port`, below registers.
fn client(port: u16, spin: Spin) -> (Arc<UdpEndpoint>, Arc<SrpV3>) {
    let options = UdpOptions { spin, ..UdpOptions::default() };
    let endpoint = UdpEndpoint::client("127.0.0.1", port, options).unwrap();
    let srp = SrpV3::new();
    stream::connect(&*srp, &*endpoint).unwrap();
    (endpoint, srp)
}

fn master_of(srp: &Arc<SrpV3>) -> Master {
    let master = Master::new();
    master.set_timeout(LONG);
    master.set_slave(srp.clone());
    master
}

/// A device in the place of `socket`: answers the request in `datagram` with zeros.
fn answer(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    let size = u32::from_le_bytes(datagram[16..20].try_into().unwrap()) as usize + 1;
    let mut answer = datagram[..20].to_vec();
    answer.resize(20 + size + 4, 0);
    socket.send_to(&answer, to).unwrap();
}

#[test]
fn many_threads_that_wait_get_their_own_answers() {
    const THREADS_COUNT: u64 = 4;
    const ROUNDS_COUNT: u32 = 300;
    for spin in [Spin::Adaptive, Spin::Never] {
        let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
        let device = SrpV3Emulation::new().unwrap();
        stream::connect(&*server, &*device).unwrap();
        let (client, srp) = client(server.port(), spin);
        thread::scope(|scope| {
            for thread in 0..THREADS_COUNT {
                let srp = &srp;
                scope.spawn(move || {
                    let master = master_of(srp);
                    for round in 0..ROUNDS_COUNT {
                        let address = 0x1000 * thread + 4 * u64::from(round % 64);
                        master.write(address, &round.to_le_bytes()).unwrap();
                        // Another one is under way meanwhile, which nobody waits for at first.
                        let other =
                            master.request(address, zeros(4), TransactionType::Read).unwrap();
                        assert_eq!(master.read(address, 4).unwrap(), round.to_le_bytes());
                        master.wait(other).unwrap();
                    }
                });
            }
        });
        client.stop();
        server.stop();
        assert_eq!(
            device.stream_slave().base().frame_count(),
            3 * THREADS_COUNT * u64::from(ROUNDS_COUNT)
        );
    }
}

#[test]
fn f49_what_is_outstanding_when_an_endpoint_is_stopped_fails_at_once() {
    let silent = socket();
    let (client, srp) = client(silent.local_addr().unwrap().port(), Spin::Never);
    let master = master_of(&srp);
    let waiting = launch(&master, TransactionType::Read, 0, zeros(4));
    client.stop();
    let text = failure(&waiting);
    assert!(text.contains("udp::Client to") && text.contains("stopped"), "{text}");
}

#[test]
fn f51_an_observer_is_not_called_in_a_thread_that_waits_for_another_answer() {
    let device = socket();
    let (_client, srp) = client(device.local_addr().unwrap().port(), Spin::Never);
    let (master, other) = (master_of(&srp), master_of(&srp));
    wait_until("the thread that waits receives", || {
        let awaited = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let (first, to) = receive(&device);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| master.wait(awaited).unwrap());
            let (caller, callers) = Caller::new();
            // Until that thread has begun to receive, the loop does; it may be at it just then, and
            // is left to it for this wait.
            let has_received = (0..20).any(|_| {
                let id = other.request(4, zeros(4), TransactionType::Read).unwrap();
                other.observe(id, caller.clone()).unwrap();
                answer(&device, &receive(&device).0, to);
                let thread = callers.recv_timeout(LONG).unwrap();
                assert_ne!(thread.id(), waiter.thread().id());
                thread.name() == Some("rogue_observers")
            });
            answer(&device, &first, to);
            waiter.join().unwrap();
            has_received
        })
    });
}

#[test]
fn a_wait_for_a_silent_device_ends_in_time_and_the_next_answer_is_received() {
    let device = socket();
    let (_client, srp) = client(device.local_addr().unwrap().port(), Spin::Adaptive);
    let master = master_of(&srp);
    for _ in 0..3 {
        master.set_timeout(SHORT);
        let error = master.read(0, 4).unwrap_err();
        assert!(error.text().contains("Timeout"), "{error}");
        let (late, to) = receive(&device);
        answer(&device, &late, to);
        master.set_timeout(LONG);
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let (datagram, to) = receive(&device);
        answer(&device, &datagram, to);
        master.wait(id).unwrap();
    }
}

#[test]
fn a_wait_ends_when_its_transaction_is_ended_elsewhere() {
    let device = socket();
    for spin in [Spin::Adaptive, Spin::Never] {
        let (client, srp) = client(device.local_addr().unwrap().port(), spin);
        let master = master_of(&srp);
        let waited_for = |end: &dyn Fn(u32)| {
            let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
            receive(&device);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| master.wait(id));
                // Both orders are right: the wait may not have begun.
                end(id);
                waiter.join().unwrap()
            })
        };
        for _ in 0..50 {
            // A wait that begins after it finds nothing to wait for.
            let _ = waited_for(&|id| assert!(master.cancel(Some(&[id]), LONG)));
        }
        let error = waited_for(&|_| srp.stop()).unwrap_err();
        assert!(error.text().contains("stopped"), "{error}");
        client.stop();
    }
}

/// Writes and reads registers with bursts, and compares what comes back.
fn exercise(master: &Master, count: u32) {
    let address = |n: u32| 0x1000 + 4 * u64::from(n);
    let writes = (0..count).map(|n| (address(n), n.to_le_bytes().to_vec().into())).collect();
    for id in master.request_many(writes, TransactionType::Write).unwrap() {
        master.wait(id).unwrap();
    }
    let reads = (0..count).map(|n| (address(n), zeros(4))).collect();
    for (n, id) in (0..).zip(master.request_many(reads, TransactionType::Read).unwrap()) {
        assert_eq!(master.wait_buffer(id).unwrap(), u32::to_le_bytes(n));
    }
}

#[test]
fn requests_made_together_share_datagram_calls_over_udp() {
    const COUNT: u32 = 128;
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let device = SrpV3Emulation::new().unwrap();
    stream::connect(&*server, &*device).unwrap();
    let (client, srp) = client(server.port(), Spin::Adaptive);
    exercise(&master_of(&srp), COUNT);
    let stats = client.stats();
    assert_eq!((stats.datagrams_out, stats.unsent), (2 * u64::from(COUNT), 0));
    // 32 datagrams each, unless the socket was full in between.
    assert!(stats.send_calls <= u64::from(COUNT) / 4, "{stats:?}");
    assert_eq!(server.stats().datagrams_out, 2 * u64::from(COUNT));
    client.stop();
    server.stop();
}

#[test]
fn requests_made_together_share_datagram_calls_over_the_road_of_a_board() {
    const COUNT: u32 = 500;
    let server = UdpRssiPack::server("127.0.0.1", 0, UdpRssiPackOptions::default()).unwrap();
    let device = SrpV3Emulation::new().unwrap();
    stream::connect(&server.application(0), &*device).unwrap();
    let port = server.udp().port();
    let client = UdpRssiPack::client("127.0.0.1", port, UdpRssiPackOptions::default()).unwrap();
    client.wait_open(LONG).unwrap();
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.application(0)).unwrap();
    exercise(&master_of(&srp), COUNT);
    let stats = client.udp().stats();
    assert!(stats.datagrams_out >= 2 * u64::from(COUNT), "{stats:?}");
    assert!(stats.send_calls < stats.datagrams_out, "{stats:?}");
    assert_eq!((client.stats().unsent, client.stats().open_count), (0, 1));
    client.stop();
    server.stop();
}

#[test]
fn a_request_without_an_answer_says_whether_any_datagram_has_come() {
    let silent = socket();
    let port = silent.local_addr().unwrap().port();
    let (endpoint, srp) = client(port, Spin::Never);
    let master = master_of(&srp);
    master.set_timeout(SHORT);
    let read = || master.read(0x10, 4).unwrap_err().text().to_owned();
    let text = read();
    let expected = format!("udp::Client to 127.0.0.1:{port} has received no datagram yet: check");
    assert!(text.contains(&expected), "{text}");
    silent.send_to(&[1; 4], ("127.0.0.1", endpoint.port())).unwrap();
    wait_until("it has come", || endpoint.stats().datagrams_in == 1);
    assert!(!read().contains("no datagram"));
    drop(silent);
    let (endpoint, srp) = client(port, Spin::Never);
    let master = master_of(&srp);
    master.set_timeout(SHORT);
    let read = || master.read(0x10, 4).unwrap_err().text().to_owned();
    read();
    wait_until("the network says so", || endpoint.stats().network_errors > 0);
    let text = read();
    assert!(text.contains("the network reports") && text.contains("none is taken"), "{text}");
}
