//! What the bridge costs the process: memory, descriptors, threads, wake-ups; and whether the
//! emulation of SRP leaves it alone when it has nothing to do. These tests count things of the
//! whole process, so they are alone in theirs and one runs at a time.
#![cfg(target_os = "linux")]

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{mpsc, Mutex, MutexGuard};
use std::time::Duration;

use rogue_mem::bridge::{set_memory_budget, ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Master, Slave};
use rogue_mem::net::Spin;
use rogue_mem::protocols::{SrpV3, SrpV3Emulation};
use rogue_mem::stream;
use rogue_mem::Status;

use testkit::bridge::{assert_serves, server, server_of, Client};
use testkit::process::{
    context_switches, descriptor_count, forget_peak, peak_resident_bytes, resident_bytes,
    threads_named,
};
use testkit::raw::{self, Raw, RawClient, RawServer, READ, WRITE};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::{let_pass, wait_until, LONG};

static ALONE: Mutex<()> = Mutex::new(());

/// Waits for the other tests, and for their threads to end.
fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    wait_for_threads();
    guard
}

/// Objects are gone when their threads are; a stop need not wait for that.
fn wait_for_threads() {
    wait_until("all event loops have ended", || bridge_threads().is_empty());
}

/// Waits until there are no more descriptors than that. What was counted before may include some
/// of objects that were on their way out, so fewer are no fault.
fn wait_for_descriptors(count: usize) {
    wait_until("all descriptors are given back", || descriptor_count() <= count);
}

#[test]
fn an_idle_bridge_makes_no_wake_ups() {
    let _alone = alone();
    let server = server();
    let client = Client::ready(server.port());
    let mut legacy = RawClient::legacy(server.port());
    assert_eq!(legacy.read(1, 0).text(), "OK");
    client.master.write(0, &[1; 4]).unwrap();
    let threads = bridge_threads();
    assert_eq!(threads.len(), 2);
    let switches = || -> Vec<u64> { threads.iter().map(|&id| context_switches(id)).collect() };
    // Threads look after the last answer for a while.
    let before = wait_quiet(&threads);
    let_pass(Duration::from_millis(1200));
    assert_eq!(switches(), before, "an idle thread was woken");
    client.master.read(0, 4).unwrap();
    assert_ne!(switches(), before, "the count moves at all");
}

#[test]
fn an_idle_emulation_of_srp_makes_no_wake_ups() {
    let _alone = alone();
    let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
    stream::connect(&*srp, &*emulation).unwrap();
    let master = Master::new();
    master.set_timeout(LONG);
    master.set_slave(srp);
    for _ in 0..100 {
        master.read(0, 4).unwrap();
    }
    let threads = threads_named("SrpV3Emulation");
    assert_eq!(threads.len(), 1);
    let before = wait_quiet(&threads);
    let_pass(Duration::from_millis(1200));
    assert_eq!(wait_quiet(&threads), before, "an idle thread was woken");
    master.read(0, 4).unwrap();
    assert_ne!(wait_quiet(&threads), before, "the count moves at all");
}

/// Waits until none of `threads` has been woken for a while.
fn wait_quiet(threads: &[u32]) -> Vec<u64> {
    let switches = || -> Vec<u64> { threads.iter().map(|&id| context_switches(id)).collect() };
    let mut before = switches();
    wait_until("all is quiet", || {
        let_pass(Duration::from_millis(400));
        let now = switches();
        std::mem::replace(&mut before, now.clone()) == now
    });
    before
}

/// The threads of all bridges there are.
fn bridge_threads() -> Vec<u32> {
    [threads_named("TcpServer"), threads_named("TcpClient")].concat()
}

#[test]
fn no_choice_of_speed_makes_an_idle_bridge_wake_up() {
    let _alone = alone();
    let spins = [Spin::Adaptive, Spin::Never, Spin::Always(Duration::from_millis(2))];
    let mut choices = Vec::new();
    let mut bridges = Vec::new();
    for (n, spin) in (0u64..).zip([spins, spins].concat()) {
        let (direct, duplex) = (n % 2 == 0, n % 4 < 2);
        let server = server_of(
            Emulate::new(4, 0xFFFF_FFFF),
            ServerOptions { spin, duplex, ..ServerOptions::default() },
        );
        let options = ClientOptions { spin, direct, ..ClientOptions::default() };
        let client = Client::with(server.port(), options);
        client.wait_ready();
        for round in 0..100 {
            client.master.write(round * 4, &[1; 4]).unwrap();
            client.start_read(round * 4, 4);
        }
        client.master.wait(0).unwrap();
        choices.push(format!("{spin:?}, direct {direct}, duplex {duplex}"));
        bridges.push((client, server));
    }
    let threads = bridge_threads();
    assert_eq!(threads.len(), 2 * choices.len());
    let before = wait_quiet(&threads);
    let_pass(Duration::from_millis(500));
    let after = wait_quiet(&threads);
    assert_eq!(after, before, "threads {threads:?} of {choices:?}, each half in this order");
}

#[test]
fn who_waits_long_for_an_idle_server_wakes_nobody() {
    let _alone = alone();
    let bridge = |direct| {
        let keeper = Keeper::new();
        let inner = keeper.clone();
        let slave = calling(move |tran| match tran.address() {
            0 => answer(tran),
            _ => inner.do_transaction(tran),
        });
        let server = server_of(slave, ServerOptions::default());
        let options = ClientOptions { direct, ..ClientOptions::default() };
        let client = Client::with(server.port(), options);
        client.wait_ready();
        (0..100).for_each(|_| drop(client.master.read(0, 4).unwrap()));
        (keeper, server, client)
    };
    let bridges = [true, false].map(bridge);
    std::thread::scope(|scope| {
        let mut threads = bridge_threads();
        let waiters = bridges.each_ref().map(|(_, _, client)| {
            let (sender, receiver) = mpsc::channel();
            let waiter = scope.spawn(move || {
                // SAFETY: it has no preconditions.
                sender.send(unsafe { libc::gettid() }).unwrap();
                client.master.read(8, 4).unwrap()
            });
            threads.push(receiver.recv_timeout(LONG).unwrap() as u32);
            waiter
        });
        let trans = bridges.each_ref().map(|(keeper, ..)| keeper.next());
        let before = wait_quiet(&threads);
        let_pass(Duration::from_millis(1200));
        assert_eq!(wait_quiet(&threads), before, "a thread was woken for nothing");
        trans.iter().for_each(answer);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), answer_at(8, 4));
        }
    });
}

#[test]
fn contract_20_two_hundred_bridges_come_and_go_and_leave_nothing() {
    let _alone = alone();
    let cycle = |n: usize| {
        let server = server();
        let client = match n % 3 {
            0 => Client::new(server.port()),
            _ => Client::ready(server.port()),
        };
        if n % 2 == 0 {
            let _ = client.master.write(0, &[1; 100]);
        }
        match n % 4 {
            0 => drop((client, server)),
            1 => {
                client.tcp.stop();
                client.tcp.stop();
                server.stop();
                client.tcp.stop();
                server.stop();
            }
            2 => {
                server.stop();
                drop(client);
            }
            _ => drop((server, client)),
        }
    };
    (0..20).for_each(cycle);
    wait_for_threads();
    let (descriptors, memory) = (descriptor_count(), resident_bytes());
    (0..200).for_each(cycle);
    wait_for_threads();
    wait_for_descriptors(descriptors);
    let growth = resident_bytes().saturating_sub(memory);
    assert!(growth < 16 << 20, "{growth} bytes more");
}

#[test]
fn contract_21_an_occupied_port_is_refused_each_time_and_costs_nothing() {
    let _alone = alone();
    let server = server();
    let descriptors = descriptor_count();
    // Its request port, its response port, and both of them off by one.
    let ports = [server.port(), server.port() + 1, server.port() - 1];
    for n in 0..32 {
        let port = ports[n % 3];
        let error = TcpServer::new("127.0.0.1", port, ServerOptions::default()).unwrap_err();
        assert_eq!(error.status(), Status::Bind);
        assert!(error.text().contains("Failed to bind server to port "), "{error}");
        assert!(error.text().contains("another process may be using this port"), "{error}");
    }
    wait_for_descriptors(descriptors);
    assert!(threads_named("TcpServer").len() <= 1);
    for _ in 0..32 {
        let _ = TcpClient::new("*", 9000, ClientOptions::default()).unwrap_err();
    }
    wait_for_descriptors(descriptors);
    assert_serves(&server);
}

#[test]
fn what_an_outstanding_read_costs_is_bounded() {
    const COUNT: u64 = 100_000;
    let _alone = alone();
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    client.master.set_timeout(10 * LONG);
    let before = resident_bytes();
    let ids: Vec<u32> = (0..COUNT).map(|n| client.start_read(n * 4, 4)).collect();
    keeper.wait_seen(1024);
    let each = resident_bytes().saturating_sub(before) / COUNT;
    println!("{each} bytes of memory for each of {COUNT} outstanding reads of 4 bytes");
    assert!(each < 1024, "{each} bytes each");
    let mut answered = 0;
    while answered < COUNT {
        answer(&keeper.next());
        answered += 1;
    }
    for id in ids {
        client.master.wait(id).unwrap();
    }
}

/// Sets the budget of the process while it lives.
struct ProcessBudget;

impl ProcessBudget {
    fn of(bytes_max: u64) -> ProcessBudget {
        set_memory_budget(bytes_max);
        ProcessBudget
    }
}

impl Drop for ProcessBudget {
    fn drop(&mut self) {
        set_memory_budget(0);
    }
}

#[test]
fn f99_a_write_that_was_too_large_when_it_began_is_refused_though_the_budget_has_grown() {
    const SIZE: u32 = 2 << 20;
    const BEGUN: usize = 100_000;
    let _alone = alone();
    let small = ProcessBudget::of(1 << 20);
    let server = server();
    let mut client = RawClient::with_session(server.port(), 1);
    let data = vec![0x5A; SIZE as usize];
    let write = raw::request(1, 0, SIZE, WRITE, Some(&data));
    client.request.send(&write[..BEGUN]);
    wait_until("its beginning has come", || server.stats().bytes_in > BEGUN as u64);
    drop(small);
    client.request.send(&write[BEGUN..]);
    let refused = client.response.take_response();
    assert!(refused.text().contains("ask again"), "{}", refused.text());
    client.request.send(&write);
    assert_eq!(client.response.take_response().text(), "OK");
    assert_eq!(server.stats().refused_size, 1);
}

#[test]
fn f100_a_write_that_waits_for_room_takes_none_when_the_budget_has_shrunk_below_it() {
    const MIB: u32 = 1 << 20;
    const CLIENTS: u128 = 12;
    let _alone = alone();
    let options = ServerOptions { budget_bytes_max: 16 << 20, ..ServerOptions::default() };
    let server = server_of(Emulate::new(4, 0xFFFF_FFFF), options);
    let data = vec![0x5A; MIB as usize];
    let write = raw::request(1, 0, MIB, WRITE, Some(&data));
    let mut clients: Vec<RawClient> =
        (0..CLIENTS).map(|n| RawClient::with_session(server.port(), n + 1)).collect();
    clients.iter_mut().for_each(|client| client.request.send(&write[..70_000]));
    wait_until("some of them wait", || server.stats().budget_waits > 0);
    let held = server.stats().budget_used;
    let _small = ProcessBudget::of(u64::from(MIB));
    // What is sent now is read by the server only if the write no longer waits.
    wait_until("those that have waited are read", || {
        server.stats().bytes_in >= CLIENTS as u64 * 70_000
    });
    let now = server.stats().budget_used;
    assert!(now < held + u64::from(MIB) / 2, "{held} bytes were held, and now {now}");
}

/// Asserts that the process never had much more memory during `action` than before.
#[track_caller]
fn assert_costs_at_most(bytes: u64, action: impl FnOnce()) {
    let before = resident_bytes();
    forget_peak();
    action();
    let growth = peak_resident_bytes().saturating_sub(before);
    assert!(growth < bytes, "{} KiB more at some time", growth >> 10);
}

#[test]
fn d15_nothing_is_allocated_for_what_is_only_announced() {
    let _alone = alone();
    let server = server();
    assert_serves(&server);
    let mut client = RawClient::with_session(server.port(), 1);
    assert_costs_at_most(16 << 20, || {
        for id in 0..200 {
            client.request.send(&raw::request(id, 0, u32::MAX - id, READ, None));
            assert!(client.response.take_response().text().contains("exceeds"));
        }
        // Writes of 64 MiB of which only the beginning comes, on a connection each.
        let begun: Vec<RawClient> = (100..200)
            .map(|session| {
                let mut client = RawClient::with_session(server.port(), session);
                let mut octets = raw::request(1, 0, 64 << 20, WRITE, Some(b""));
                octets.truncate(28);
                octets.extend_from_slice(&raw::frame_head(0, 64 << 20));
                octets.extend_from_slice(&[1; 1000]);
                client.request.send(&octets);
                client
            })
            .collect();
        assert_serves(&server);
        drop(begun);
    });
}

#[test]
fn a_client_that_reads_no_answers_fills_no_memory() {
    let _alone = alone();
    let server = server_of(calling(answer), ServerOptions::default());
    let mut stuck = RawClient::legacy(server.port());
    let other = Client::ready(server.port());
    assert_costs_at_most(48 << 20, || {
        let many = (0..20_000).flat_map(|id| raw::request(id, 0, 65536, READ, None));
        stuck.request.send(&many.collect::<Vec<u8>>());
        for n in 0..300 {
            other.master.read(n, 4).unwrap();
        }
    });
    let sent = server.stats().bytes_out;
    assert!(sent < 40 << 20, "{sent}");
}

/// Bytes of transactions of which the system's buffers take a part only, so that something is left
/// whenever another one is added.
const LARGE: u32 = 4 << 20;

#[test]
fn a_client_that_is_always_behind_with_its_answers_costs_no_more_for_that() {
    const AHEAD: u32 = 10;
    let _alone = alone();
    let server = server();
    let mut client = RawClient::legacy(server.port());
    let ask = |raw: &mut Raw, id: u32| raw.send(&raw::request(id, 0, LARGE, READ, None));
    (0..AHEAD).for_each(|id| ask(&mut client.request, id));
    let mut exchange = |ids: std::ops::Range<u32>| {
        for id in ids {
            assert_eq!(client.response.take_response().header.id, id);
            ask(&mut client.request, id + AHEAD);
        }
    };
    // What it takes at all has been taken then, wherever this test stands among the others.
    exchange(0..20);
    // Two in the server, and one in the test; the buffers grow by doubling.
    assert_costs_at_most(12 * u64::from(LARGE), || exchange(20..100));
}

#[test]
fn a_server_that_is_always_behind_with_its_requests_costs_the_client_no_more_for_that() {
    const AHEAD: usize = 20;
    let _alone = alone();
    let slow = RawServer::new();
    let client = Client::new(slow.port);
    let mut peer = slow.serve(&[]);
    client.wait_connected();
    let ask = |n: usize| client.start_write(n as u64, &[1; LARGE as usize]);
    // The data of what is outstanding, and little besides.
    assert_costs_at_most((AHEAD as u64 + 12) * u64::from(LARGE), || {
        let mut ids: VecDeque<u32> = (0..AHEAD).map(ask).collect();
        for n in 0..80 {
            let request = peer.request.take_request();
            assert_eq!(request.header.address, n as u64);
            peer.response.send(&request.header.response(b"", b"OK"));
            client.master.wait(ids.pop_front().unwrap()).unwrap();
            ids.push_back(ask(n + AHEAD));
        }
    });
}

#[test]
fn pings_that_nobody_reads_the_answers_of_fill_no_memory() {
    let _alone = alone();
    let server = server();
    assert_serves(&server);
    let mut client = RawClient::legacy(server.port());
    let hostile = RawServer::new();
    let victim = Client::new(hostile.port);
    let mut peer = hostile.serve(&[]);
    victim.wait_connected();
    let pings = raw::ping(b"0123456789abcdef").repeat(40_000);
    assert_costs_at_most(32 << 20, || {
        for _ in 0..10 {
            for raw in
                [&mut client.request, &mut client.response, &mut peer.request, &mut peer.response]
            {
                raw.send(&pings);
            }
        }
        assert_serves(&server);
    });
}

#[test]
fn responses_that_nobody_asked_for_fill_no_memory() {
    let _alone = alone();
    let hostile = RawServer::new();
    let victim = Client::new(hostile.port);
    let mut peer = hostile.serve(&[]);
    victim.wait_connected();
    let id = victim.start_read(0, 4);
    let header = peer.request.take_request().header;
    let mut stranger = header;
    stranger.id ^= 0x8000_0000;
    let block = vec![0x11; 1 << 20];
    assert_costs_at_most(32 << 20, || {
        // Two of a gigabyte: a stranger's, and one for the read that asked for 4 bytes.
        for (header, result) in [(stranger, &b"OK"[..]), (header, b"OK")] {
            let mut octets = header.response(b"", result);
            let tail = octets.split_off(28);
            peer.response.send(&octets);
            peer.response.send(&raw::frame_head(1, 1 << 30));
            (0..1024).for_each(|_| peer.response.send(&block));
            peer.response.send(&tail[2..]);
        }
        let text = victim.error_of(id);
        assert_eq!(text, "Received transaction response did not match header size");
    });
    assert_eq!(victim.tcp.stats().dropped_responses, 1);
}

#[test]
fn a_process_without_descriptors_left_serves_again_when_there_are_some() {
    let _alone = alone();
    let server = server();
    let served = Client::ready(server.port());
    let silent: Vec<Raw> = (0..20).map(|_| Raw::connect(server.port())).collect();
    wait_until("they are accepted", || server.stats().held == 20);
    let limit = DescriptorLimit::lower_to(descriptor_count() as u64 + 20);
    let mut rest = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        rest.push(file);
    }
    // With two for the newcomer's own ends: the server has none for its two.
    rest.truncate(rest.len() - 2);
    let mut newcomer = RawClient::announce(server.port(), &raw::properties_of(&"7".repeat(32)));
    newcomer.wait_served();
    assert_eq!(newcomer.read(1, 0).text(), "OK", "it was given the place of a silent one");
    assert!(server.stats().held < 20);
    served.master.read(0, 4).unwrap();
    drop((rest, limit, silent));
    assert_serves(&server);
}

/// The soft limit of descriptors, lowered as long as this lives.
struct DescriptorLimit(libc::rlimit);

impl DescriptorLimit {
    fn lower_to(count: u64) -> DescriptorLimit {
        let mut former = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a structure that outlives the call.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut former) }, 0);
        let limit = libc::rlimit { rlim_cur: count as libc::rlim_t, ..former };
        // SAFETY: as above; the call only reads it.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
        DescriptorLimit(former)
    }
}

impl Drop for DescriptorLimit {
    fn drop(&mut self) {
        // SAFETY: the pointer is to a structure that outlives the call, which only reads it.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &self.0) };
    }
}
