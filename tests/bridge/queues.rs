//! How many requests are where: windows, order, large numbers, and slaves that take their time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::memory::{Emulate, Master, Slave, SlaveBase, Transaction, TransactionType};

use testkit::bridge::{server, server_of, Client};
use testkit::raw::{self, RawClient};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::{wait_until, Gate, LONG};

fn with_window(window: usize) -> ServerOptions {
    ServerOptions { window, ..ServerOptions::default() }
}

#[test]
fn with_a_window_of_one_the_slave_has_one_request_of_each_client() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), with_window(1));
    let clients = [Client::ready(server.port()), Client::ready(server.port())];
    let ids = clients
        .each_ref()
        .map(|client| (0..100u64).map(|n| client.start_read(n * 8, 8)).collect::<Vec<u32>>());
    for count in 1..=100 {
        keeper.wait_seen(2 * count);
        assert_eq!(keeper.kept(), 2, "one of each");
        keeper.answer_all();
    }
    for (client, ids) in clients.iter().zip(ids) {
        for (n, id) in (0..).zip(ids) {
            assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(n * 8, 8));
        }
    }
}

#[test]
fn a_window_bounds_what_is_outstanding_at_the_slave() {
    const WINDOW: usize = 7;
    const COUNT: usize = 5000;
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), with_window(WINDOW));
    let client = Client::ready(server.port());
    let ids: Vec<u32> = (0..COUNT).map(|n| client.start_read(n as u64, 4)).collect();
    keeper.wait_seen(WINDOW);
    let mut order = Vec::new();
    for count in 0..COUNT {
        let tran = keeper.next();
        assert!(keeper.seen() <= count + WINDOW, "{} seen after {count}", keeper.seen());
        order.push(tran.address());
        answer(&tran);
    }
    assert!(order.is_sorted(), "in the order in which they were made");
    for id in ids {
        client.master.wait(id).unwrap();
    }
}

#[test]
fn answers_in_any_order_find_their_requests() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    let ids: Vec<u32> = (0..200u64).map(|n| client.start_read(n * 16, 16)).collect();
    let mut trans: Vec<_> = (0..200).map(|_| keeper.next()).collect();
    trans.reverse();
    trans.rotate_left(77);
    trans.iter().for_each(answer);
    for (n, id) in (0..).zip(ids) {
        assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(n * 16, 16));
    }
}

#[test]
fn a_hundred_thousand_requests_outstanding_at_a_slow_slave_are_all_answered() {
    const COUNT: u64 = 100_000;
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    client.master.set_timeout(10 * LONG);
    let ids: Vec<u32> = (0..COUNT).map(|n| client.start_read(n * 4, 4)).collect();
    assert_eq!(client.tcp.stats().outstanding, COUNT);
    // The slave answers from a thread of its own, a few at a time.
    std::thread::scope(|scope| {
        scope.spawn(|| (0..COUNT).for_each(|_| answer(&keeper.next())));
        for (n, id) in (0..).zip(ids) {
            assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(n * 4, 4));
        }
    });
    assert_eq!(client.tcp.stats().outstanding, 0);
}

/// Keeps the calling thread busy.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn requests_are_answered_before_a_slave_blocks_in_a_later_one() {
    let gate = Gate::new();
    let inner = gate.clone();
    let slave = calling(move |tran| {
        match tran.address() {
            0x1000 => spin(Duration::from_millis(30)),
            0x2000 => inner.pass(),
            _ => {}
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    // The slave has shown that it may take long.
    assert_eq!(client.read(0, 0x1000).header.id, 0);
    let many = (1..50).flat_map(|id| raw::read(id, 0));
    client.request.send(&many.chain(raw::read(50, 0x2000)).collect::<Vec<u8>>());
    for id in 1..50 {
        assert_eq!(client.response.take_response().header.id, id, "while the slave blocks");
    }
    gate.open();
    assert_eq!(client.response.take_response().header.id, 50);
}

#[test]
fn an_answer_waits_for_short_calls_only() {
    let gate = Gate::new();
    let inner = gate.clone();
    let slave = calling(move |tran| {
        match tran.address() {
            0x1000 => spin(Duration::from_micros(1500)),
            0x2000 => inner.pass(),
            _ => {}
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    let burst = [raw::read(1, 0x1000), raw::read(2, 0x1000), raw::read(3, 0x2000)];
    client.request.send(&burst.concat());
    for id in [1, 2] {
        assert_eq!(client.response.take_response().header.id, id, "while the slave blocks");
    }
    gate.open();
    assert_eq!(client.response.take_response().header.id, 3);
}

#[test]
fn d14_a_busy_client_does_not_keep_the_server_from_another() {
    const COUNT: usize = 8000;
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let slave = calling(move |tran| {
        if tran.address() == 0x1000 {
            count.fetch_add(1, Ordering::SeqCst);
            spin(Duration::from_micros(200));
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let (busy, other) = (Client::ready(server.port()), Client::ready(server.port()));
    let ids: Vec<u32> = (0..COUNT).map(|_| busy.start_read(0x1000, 4)).collect();
    wait_until("the first are served", || served.load(Ordering::SeqCst) > 0);
    for n in 0..5 {
        assert_eq!(other.master.read(n * 8, 8).unwrap(), answer_at(n * 8, 8));
    }
    let done = served.load(Ordering::SeqCst);
    assert!(done < COUNT, "the other one had to wait for everything");
    for id in ids {
        busy.master.wait(id).unwrap();
    }
}

/// A slave with limits that fails what does not keep to them.
struct Limited {
    base: SlaveBase,
    inner: Arc<Emulate>,
    sizes: Mutex<Vec<u32>>,
}

impl Slave for Limited {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.sizes.lock().unwrap().push(tran.size());
        if tran.size() > self.base.max() {
            return tran.error("too large for this bus");
        }
        self.inner.do_transaction(tran);
    }
}

#[test]
fn d16_what_is_larger_than_the_remote_slave_takes_is_split_at_the_server() {
    let limited = Arc::new(Limited {
        base: SlaveBase::new(4, 4096),
        inner: Emulate::new(4, 0xFFFF_FFFF),
        sizes: Mutex::default(),
    });
    let server = server_of(limited.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    let data: Vec<u8> = (0..100_000u32).map(|n| (n * 7) as u8).collect();
    client.master.write(0x123, &data).unwrap();
    assert!(client.master.read(0x123, 100_000).unwrap() == data);
    let sizes = limited.sizes.lock().unwrap();
    assert_eq!(sizes.len(), 50);
    assert!(sizes.iter().all(|&size| size <= 4096));
}

#[test]
fn a_slave_that_never_answers_costs_its_timeout_at_the_server() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    server.master().set_timeout(Duration::from_millis(50));
    let client = Client::ready(server.port());
    let ids: Vec<u32> = (0..100).map(|n| client.start_read(n, 4)).collect();
    for id in ids {
        let text = client.error_of(id);
        assert!(text.starts_with("Timeout waiting for register transaction"), "{text}");
        assert!(text.ends_with("message response."), "{text}");
    }
    keeper.wait_seen(100);
    // What it says too late reaches nobody.
    keeper.answer_all();
    server.master().set_timeout(LONG);
    let id = client.start_read(0x77, 4);
    answer(&keeper.next());
    assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(0x77, 4));
}

#[test]
fn requests_of_a_client_that_leaves_are_finished_and_answered_to_nobody() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let leaving = Client::ready(server.port());
    leaving.start_read(0x10, 4);
    leaving.master.post(0x20, &[1; 4]).unwrap();
    let (read, post) = (keeper.next(), keeper.next());
    assert_eq!((read.ty(), post.ty()), (TransactionType::Read, TransactionType::Post));
    leaving.tcp.stop();
    wait_until("it has left", || server.stats().clients == 0);
    assert!(!post.expired(), "a posted write is carried out all the same");
    let stays = Client::ready(server.port());
    let id = stays.start_read(0x10, 4);
    answer(&read);
    answer(&post);
    wait_until("both are thrown away", || server.stats().dropped_responses == 2);
    let stats = stays.tcp.stats();
    assert!(stats.responses < stats.requests, "more than its probes is answered: {stats:?}");
    answer(&keeper.next());
    stays.master.wait(id).unwrap();
}

#[test]
fn two_bridges_in_a_row_carry_everything() {
    let far = server();
    let middle_client = Client::ready(far.port());
    let near = server_of(middle_client.tcp.clone(), ServerOptions::default());
    let client = Client::ready(near.port());
    let data: Vec<u8> = (0..1_000_000u32).map(|n| (n >> 5) as u8).collect();
    client.master.write(0x1_0000_0000, &data).unwrap();
    assert!(client.master.read(0x1_0000_0000, 1_000_000).unwrap() == data);
    let ids: Vec<u32> =
        (0..10_000u64).map(|n| client.start_read(0x1_0000_0000 + n * 4, 4)).collect();
    for (id, expected) in ids.into_iter().zip(data.chunks(4)) {
        assert_eq!(client.master.wait_buffer(id).unwrap(), expected);
    }
    far.stop();
    let id = client.start_read(0, 4);
    middle_client.tcp.stop();
    let text = client.error_of(id);
    assert!(text.contains("has been stopped") || text.contains("was lost"), "{text}");
}

#[test]
fn a_slave_may_ask_through_another_client_inside_its_call() {
    let far = server();
    let inner = Client::ready(far.port());
    inner.master.write(0, &(0..=255).collect::<Vec<u8>>()).unwrap();
    let slave = calling(move |tran| {
        inner.wait_ready();
        let bytes = inner.master.read(tran.address(), tran.size()).unwrap();
        tran.data().unwrap().copy_from_slice(&bytes);
        tran.done();
    });
    let near = server_of(slave, ServerOptions::default());
    let clients = [Client::ready(near.port()), Client::ready(near.port())];
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| {
                for n in 0..50u8 {
                    assert_eq!(client.master.read(n.into(), 2).unwrap(), [n, n + 1]);
                }
            });
        }
    });
}

#[test]
fn a_bridge_that_ends_in_itself_may_ask_itself_asynchronously() {
    // The slave of the server is the client of the same server, one address lower: a request
    // passes the bridge once for every step down to 0.
    struct Down {
        base: SlaveBase,
        master: Mutex<Option<Arc<Master>>>,
    }
    impl Slave for Down {
        fn base(&self) -> &SlaveBase {
            &self.base
        }
        fn do_transaction(&self, tran: &Arc<Transaction>) {
            if tran.address() == 0 {
                return answer(tran);
            }
            let master = self.master.lock().unwrap().clone().unwrap();
            let tran = tran.clone();
            std::thread::spawn(move || {
                master.read(tran.address() - 1, tran.size()).unwrap();
                answer(&tran);
            });
        }
    }
    let down = Arc::new(Down { base: SlaveBase::new(4, 4096), master: Mutex::default() });
    let server = server_of(down.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    let master = Arc::new(client.master);
    *down.master.lock().unwrap() = Some(master.clone());
    assert_eq!(master.read(20, 8).unwrap(), answer_at(20, 8));
    *down.master.lock().unwrap() = None;
}

#[test]
fn the_clients_window_is_what_the_option_says() {
    for window in [1, 3] {
        let keeper = Keeper::new();
        let server = server_of(keeper.clone(), ServerOptions::default());
        let options = ClientOptions { window: Some(window), ..ClientOptions::default() };
        let client = Client::with(server.port(), options);
        client.wait_ready();
        let ids: Vec<u32> = (0..200).map(|n| client.start_read(n, 4)).collect();
        for count in 0..200 {
            let tran = keeper.next();
            assert!(keeper.seen() <= count + window);
            answer(&tran);
        }
        ids.into_iter().for_each(|id| client.master.wait(id).unwrap());
    }
}

#[test]
fn f07_what_a_hub_completes_itself_makes_room_in_the_clients_window() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let options = ClientOptions { window: Some(1), ..ClientOptions::default() };
    let client = Client::with(server.port(), options);
    client.wait_ready();
    let tcp = client.tcp.clone();
    let hasty = Master::new();
    hasty.set_slave(calling(move |tran| {
        // The whole, parts of it, or a part of a part: whatever the client keeps.
        match tran.address() {
            0 => tcp.do_transaction(tran),
            _ => tcp.do_transaction(&tran.create_sub(0, 4, tran.address(), tran.ty()).unwrap()),
        }
        match tran.address() % 8 {
            0 => tran.done(),
            _ => tran.error("the hub has its own answer"),
        }
    }));
    for round in 0..4 {
        let outcome = hasty.read(4 * (round as u64), 4);
        assert_eq!(outcome.is_ok(), round % 2 == 0, "{outcome:?}");
        let next = client.start_read(0x1000, 4);
        // What the hub has given up is not answered: it takes no place all the same.
        keeper.wait_seen(2 * (round + 1));
        drop(keeper.next());
        answer(&keeper.next());
        assert_eq!(client.master.wait_buffer(next).unwrap(), answer_at(0x1000, 4));
        assert_eq!(client.tcp.stats().outstanding, 0);
    }
}
