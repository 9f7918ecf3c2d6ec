//! Hubs: offsets, chains, splitting, virtual roots.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::clock;
use rogue_mem::memory::{
    Emulate, Hub, Master, Slave, SlaveBase, Transaction, TransactionType, Unconnected,
    HUBS_COUNT_MAX, SUB_TRANSACTIONS_COUNT_MAX, TIMEOUT_TEXT, UNCONNECTED_TEXT,
};
use rogue_mem::Status;

use testkit::bus::{master_of, text_of, zeros};
use testkit::log;
use testkit::slaves::{Acting, Keeper};

type Seen = Arc<Mutex<Vec<(u64, u32, TransactionType)>>>;

/// A slave that completes everything and lists address, size and type of what it has seen.
fn listing(min: u32, max: u32) -> (Arc<dyn Slave>, Seen) {
    let seen = Seen::default();
    let list = seen.clone();
    let slave = Acting::new(min, max, move |_, tran| {
        list.lock().unwrap().push((tran.address(), tran.size(), tran.ty()));
        tran.done();
    });
    (slave, seen)
}

fn shapes(seen: &Seen) -> Vec<(u64, u32)> {
    let list = std::mem::take(&mut *seen.lock().unwrap());
    list.into_iter().map(|(address, size, _)| (address, size)).collect()
}

/// A hub at `offset` over `slave`.
fn hub_over(slave: Arc<dyn Slave>, offset: u64, min: u32, max: u32) -> Arc<Hub> {
    let hub = Hub::new(offset, min, max);
    hub.master().set_slave(slave);
    hub
}

#[test]
fn offsets_of_a_chain_add_up_at_the_leaf_and_in_queries() {
    let (leaf, seen) = listing(4, 0x1000);
    let lower = hub_over(leaf.clone(), 0x1_0000_0000, 0, 0);
    let middle = hub_over(lower.clone(), 0x2000, 0, 0);
    let upper = hub_over(middle.clone(), 0x30, 0, 0);
    let master = master_of(upper.clone());
    master.read(4, 8).unwrap();
    assert_eq!(shapes(&seen), [(0x1_0000_2034, 8)]);
    assert_eq!((upper.offset(), middle.offset(), lower.offset()), (0x30, 0x2000, 0x1_0000_0000));
    assert_eq!(lower.full_address(), 0x1_0000_0000);
    assert_eq!(middle.full_address(), 0x1_0000_2000);
    assert_eq!(upper.full_address(), 0x1_0000_2030);
    assert_eq!(master.req_address(), 0x1_0000_2030);
    assert_eq!(middle.master().req_address(), 0x1_0000_0000);
    assert_eq!(lower.master().req_address(), 0);
    leaf.base().set_name("leaf");
    assert_eq!(master.req_slave_id(), leaf.base().id());
    assert_eq!(master.req_slave_name(), "leaf");
    assert_eq!((master.req_min_access(), master.req_max_access()), (4, 0xFFFF_FFFF));
    assert_eq!(lower.master().req_max_access(), 0x1000);
}

#[test]
fn f03_no_offset_leads_beyond_the_address_space() {
    let (leaf, seen) = listing(4, 0);
    let lower = hub_over(leaf, u64::MAX - 0xF, 0, 0);
    lower.base().set_name("lower");
    let master = master_of(hub_over(lower.clone(), 8, 0, 0));
    master.write(0, &[1; 8]).unwrap();
    master.write(7, &[1]).unwrap();
    assert_eq!(shapes(&seen), [(u64::MAX - 7, 8), (u64::MAX, 1)]);
    for (address, size) in [(0, 9), (7, 2), (8, 0), (8, 1), (u64::MAX, 1), (u64::MAX - 7, 1)] {
        for ty in [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ] {
            let id = master.request(address, zeros(size), ty).unwrap();
            let error = master.wait(id).unwrap_err();
            assert_eq!(error.status(), Status::Transaction);
            let is_said = error.text().contains("beyond the end of the address space");
            assert!(is_said && error.text().contains("adds its offset of 0x"), "{error}");
        }
    }
    let text = text_of(master.read(8, 4));
    assert!(text.contains("4 bytes at 0x10") && text.contains("hub lower"), "{text}");
    assert_eq!(shapes(&seen), []);
    let above = master_of(hub_over(lower, 0x100, 0, 0));
    assert_eq!(above.req_address(), u64::MAX, "not an address that others have");
}

#[test]
fn f03_parts_stay_within_the_address_space() {
    let (leaf, seen) = listing(4, 8);
    let master = master_of(hub_over(leaf.clone(), 0x10, 0, 0));
    master.read(u64::MAX - 0x1F, 16).unwrap();
    assert_eq!(shapes(&seen), [(u64::MAX - 0xF, 8), (u64::MAX - 7, 8)]);
    assert!(text_of(master.read(u64::MAX - 0x1F, 17)).contains("beyond the end"));
    let own = master_of(Acting::new(4, 0, move |_, tran| {
        for (address, ty) in [
            (u64::MAX - 2, TransactionType::Read),
            (u64::MAX, TransactionType::Write),
            (0, 0.into()),
            (0, 7.into()),
        ] {
            let error = tran.create_sub(4, 4, address, ty).unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument);
        }
        leaf.do_transaction(&tran.create_sub(0, 4, u64::MAX - 3, TransactionType::Read).unwrap());
        let error = tran.create_sub(4, 4, u64::MAX - 2, TransactionType::Read).unwrap_err();
        tran.error(error.text());
    }));
    let text = text_of(own.read(0, 8));
    let room = "there are 3 bytes from there on";
    assert!(text.contains("4 bytes at 0xfffffffffffffffd") && text.ends_with(room), "{text}");
    assert_eq!(shapes(&seen), [(u64::MAX - 3, 4)]);
}

#[test]
fn a_request_is_cut_at_multiples_of_the_limit_from_its_start() {
    // Whatever the address: the limit is of a slave that advertises no smallest access.
    let (leaf, seen) = listing(1, 10);
    let master = master_of(hub_over(leaf, 0x100, 0, 0));
    for ty in [
        TransactionType::Read,
        TransactionType::Write,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        let id = master.request(2, zeros(25), ty).unwrap();
        master.wait(id).unwrap();
        assert!(seen.lock().unwrap().iter().all(|access| access.2 == ty));
        assert_eq!(shapes(&seen), [(0x102, 10), (0x10C, 10), (0x116, 5)]);
    }
    master.read(0, 10).unwrap();
    assert_eq!(shapes(&seen), [(0x100, 10)], "what fits is passed on as it is");
    master.read(0, 0).unwrap();
    assert_eq!(shapes(&seen), [(0x100, 0)], "even nothing");
}

#[test]
fn d18_parts_are_multiples_of_the_smallest_access() {
    let (leaf, seen) = listing(4, 10);
    master_of(hub_over(leaf, 0, 0, 0)).read(0, 18).unwrap();
    assert_eq!(shapes(&seen), [(0, 8), (8, 8), (16, 2)]);
    let (leaf, seen) = listing(16, 10);
    master_of(hub_over(leaf, 0, 0, 0)).read(0, 12).unwrap();
    assert_eq!(shapes(&seen), [(0, 10), (10, 2)], "a limit below the smallest is kept");
}

#[cfg(target_pointer_width = "64")]
#[test]
fn d18_a_request_of_almost_four_gigabytes_is_cut_without_overflow() {
    let (leaf, seen) = listing(4, 0x8000_0000);
    let master = master_of(hub_over(leaf, 0xFFFF_FFFF_0000_0000, 0, 0));
    // Never touched, so never more than an entry in the page table.
    let id = master.request(1, zeros(0xFFFF_FFFF), TransactionType::Read).unwrap();
    master.wait(id).unwrap();
    let expected = [(0xFFFF_FFFF_0000_0001, 0x8000_0000), (0xFFFF_FFFF_8000_0001, 0x7FFF_FFFF)];
    assert_eq!(shapes(&seen), expected);
}

#[test]
fn only_the_hub_next_to_the_limit_cuts() {
    let (leaf, seen) = listing(4, 8);
    let lower = hub_over(leaf, 0x10, 0, 0);
    let (arrivals, between) = (Seen::default(), lower.clone());
    let list = arrivals.clone();
    let spy = Acting::new(4, 0, move |_, tran| {
        list.lock().unwrap().push((tran.address(), tran.size(), tran.ty()));
        between.do_transaction(tran);
    });
    let master = master_of(hub_over(spy, 0x100, 0, 0));
    master.read(0, 20).unwrap();
    assert_eq!(shapes(&arrivals), [(0x100, 20)]);
    assert_eq!(shapes(&seen), [(0x110, 8), (0x118, 8), (0x120, 4)]);
    assert_eq!(lower.max_access(), 0xFFFF_FFFF);
}

#[test]
fn parts_that_a_nested_root_cuts_again_all_arrive() {
    let (leaf, seen) = listing(4, 4);
    let root = hub_over(leaf, 0, 4, 8);
    let master = master_of(hub_over(root, 0, 0, 0));
    master.read(0, 20).unwrap();
    assert_eq!(shapes(&seen), [(0, 4), (4, 4), (8, 4), (12, 4), (16, 4)]);
}

#[test]
fn d04_a_limit_of_nothing_is_no_limit() {
    let (leaf, seen) = listing(4, 0);
    master_of(hub_over(leaf, 0, 0, 0)).read(0, 5000).unwrap();
    assert_eq!(shapes(&seen), [(0, 5000)]);
}

#[test]
fn d04_an_unconnected_hub_says_what_an_unconnected_master_says() {
    let (alone, below) = (Master::new(), master_of(Hub::new(0x100, 0, 0)));
    let root = master_of(Hub::new(0x100, 4, 1024));
    let chain = master_of(hub_over(Hub::new(0x10, 0, 0), 0x20, 0, 0));
    let base = master_of(Unconnected::new(4, 64));
    for master in [&alone, &below, &root, &chain, &base] {
        for size in [0, 4, 4096] {
            assert_eq!(text_of(master.read(0, size)), UNCONNECTED_TEXT);
            assert_eq!(text_of(master.write(0, &vec![0; size as usize])), UNCONNECTED_TEXT);
            assert_eq!(master.last_error(), UNCONNECTED_TEXT);
        }
        assert_eq!(master.outstanding_count(), 0);
    }
    assert_eq!((alone.req_min_access(), alone.req_max_access(), alone.req_address()), (4, 0, 0));
    assert!(alone.req_slave_name().starts_with("Unnamed_"));
    assert_eq!((below.req_min_access(), below.req_address()), (4, 0x100));
    assert_eq!(chain.req_address(), 0x30);
}

#[test]
fn a_virtual_root_answers_for_itself_and_starts_addresses_anew() {
    let (leaf, seen) = listing(4, 64);
    let lower = hub_over(leaf.clone(), 0x1000, 0, 0);
    let root = hub_over(lower, 0x200, 8, 1024);
    let upper = hub_over(root.clone(), 0x30, 0, 0);
    let master = master_of(upper.clone());
    root.base().set_name("root");
    assert_eq!(master.req_slave_id(), root.base().id());
    assert_ne!(root.base().id(), leaf.base().id());
    assert_eq!(master.req_slave_name(), "root");
    assert_eq!(master.req_min_access(), 8);
    assert_eq!((upper.max_access(), root.max_access()), (0xFFFF_FFFF, 1024));
    assert_eq!(root.address(), 0);
    assert_eq!(root.full_address(), 0x1200, "its own place is known all the same");
    assert_eq!(upper.full_address(), 0x30);
    // Its offset still counts on the way down, and its limit does not reject.
    master.read(4, 2000).unwrap();
    let parts = shapes(&seen);
    assert_eq!(parts[0], (0x1234, 64));
    assert_eq!(parts.iter().map(|part| part.1).sum::<u32>(), 2000);
    let direct = master_of(root);
    direct.read(0, 64).unwrap();
    assert_eq!(shapes(&seen), [(0x1200, 64)]);
}

#[test]
fn one_limit_alone_makes_no_root() {
    for (min, max) in [(0, 0), (4, 0), (0, 1024)] {
        let hub = hub_over(Emulate::new(2, 16), 0x40, min, max);
        assert_eq!((hub.min_access(), hub.max_access()), (2, 0xFFFF_FFFF));
        assert_eq!(hub.address(), 0x40);
        assert_ne!(hub.slave_id(), hub.base().id());
    }
}

#[test]
fn requests_of_a_hub_itself_are_relative_to_the_next_layer() {
    let (leaf, seen) = listing(4, 0);
    let hub = hub_over(hub_over(leaf, 0x1000, 0, 0), 0x200, 0, 0);
    hub.master().read(4, 4).unwrap();
    assert_eq!(shapes(&seen), [(0x1004, 4)]);
}

#[test]
fn more_parts_than_the_limit_are_refused_in_words() {
    let (leaf, seen) = listing(1, 1);
    let master = master_of(hub_over(leaf, 0, 0, 0));
    let most = SUB_TRANSACTIONS_COUNT_MAX as u32;
    let text = text_of(master.read(0xABCD, most + 1));
    assert!(text.contains("0xabcd") && text.contains(&most.to_string()), "{text}");
    assert!(shapes(&seen).is_empty());
    master.read(0, most).unwrap();
    assert_eq!(shapes(&seen).len(), most as usize);
}

/// A hub that maps each address to a pair of registers, index and data, as user code does.
struct Indirect {
    base: SlaveBase,
    hub: Arc<Hub>,
}

impl Slave for Indirect {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let master = self.hub.master();
        let Some(mut data) = tran.data() else { return };
        // Under the lock of the outer transaction, as the documented pattern does it.
        let outcome = master.write(0, &(tran.address() as u32).to_le_bytes()).and_then(|()| {
            match tran.ty() {
                TransactionType::Write | TransactionType::Post => master.write(4, &data),
                _ => master.read(4, tran.size()).map(|bytes| data.copy_from_slice(&bytes)),
            }
        });
        match outcome {
            Ok(()) => tran.done(),
            Err(error) => tran.error(error.text()),
        }
    }
}

#[test]
fn a_translating_hub_makes_requests_of_its_own_while_it_holds_the_data() {
    let memory = Emulate::new(4, 4);
    let hub = hub_over(memory.clone(), 0x100, 0, 0);
    let indirect = Arc::new(Indirect { base: SlaveBase::new(4, 4), hub });
    let master = master_of(indirect.clone());
    master.write(0x55, &[1, 2, 3, 4]).unwrap();
    let direct = master_of(memory);
    assert_eq!(direct.read(0, 8).unwrap(), [0x55, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(master.read(0x56, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(direct.read(0, 4).unwrap(), [0x56, 0, 0, 0]);
    indirect.hub.master().set_slave(Unconnected::placeholder());
    assert_eq!(text_of(master.read(0, 4)), UNCONNECTED_TEXT);
}

#[test]
fn a_request_given_up_while_it_is_cut_sends_no_further_parts() {
    let whole: Arc<Mutex<Option<Arc<Transaction>>>> = Arc::default();
    let (sender, seen) = std::sync::mpsc::channel();
    let shared = whole.clone();
    let slave = Acting::new(4, 4, move |base, tran| {
        base.add_transaction(tran);
        sender.send(tran.address()).unwrap();
        if tran.address() == 8 {
            // As a requester whose time has passed does, in another thread.
            shared.lock().unwrap().take().unwrap().give_up("given up");
        }
    });
    let master = master_of(slave.clone());
    let tran = master.prepare(0, zeros(40), TransactionType::Read).unwrap();
    *whole.lock().unwrap() = Some(tran.clone());
    master.launch(&tran);
    assert_eq!(text_of(tran.outcome().unwrap()), "given up");
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [0, 4, 8]);
    assert_eq!(slave.base().pending_count(), 0);
}

/// Connects `hubs` in a circle, as long as this lives.
struct Circle<'a>(&'a [Arc<Hub>]);

impl<'a> Circle<'a> {
    fn of(hubs: &'a [Arc<Hub>]) -> Circle<'a> {
        for (index, hub) in hubs.iter().enumerate() {
            hub.master().set_slave(hubs[(index + 1) % hubs.len()].clone());
        }
        Circle(hubs)
    }
}

impl Drop for Circle<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|hub| hub.master().set_slave(Unconnected::placeholder()));
    }
}

/// Runs `body` in a thread with so little stack that it would not do for a call without end, and
/// does for [`HUBS_COUNT_MAX`] hubs.
fn with_little_stack(body: impl FnOnce() + Send + 'static) {
    const STACK_BYTES: usize = 256 * 1024;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(body).unwrap();
    thread.join().unwrap();
}

#[test]
fn hubs_in_a_circle_fail_requests_and_answer_queries_as_if_unconnected() {
    log::capture();
    for count in [1, 2, 3] {
        with_little_stack(move || {
            let hubs: Vec<_> = (0..count).map(|_| Hub::new(0x100, 0, 0)).collect();
            let _circle = Circle::of(&hubs);
            for (index, hub) in hubs.iter().enumerate() {
                hub.base().set_name(format!("circle of {count}: {index}"));
            }
            let nobody = Master::new();
            let master = master_of(hubs[0].clone());
            for size in [0, 4, 4096] {
                let text = text_of(master.read(0x5, size));
                let last = format!("at hub circle of {count}: {}", HUBS_COUNT_MAX % count);
                let address = format!("0x{:x}", 0x5 + 0x100 * u64::from(HUBS_COUNT_MAX));
                assert!(text.contains("circle, or") && text.contains(&last), "{text}");
                assert!(text.contains(&address), "{text}");
                assert_eq!(text_of(master.write(0x5, &vec![0; size as usize])), text);
                assert!(text_of(hubs[0].master().read(0, size)).contains("in a circle"));
            }
            for _ in 0..2 {
                assert_eq!(master.req_address(), 0);
                assert_eq!(hubs[0].full_address(), 0);
                assert_eq!(master.req_min_access(), nobody.req_min_access());
                assert_eq!(master.req_max_access(), 0xFFFF_FFFF, "it cuts, whatever is below");
                assert_eq!(master.req_slave_id(), nobody.req_slave_id());
                assert_eq!(master.req_slave_name(), nobody.req_slave_name());
            }
            assert_eq!(master.outstanding_count(), 0);
        });
        let name = format!("circle of {count}: ");
        let told = log::texts_of("pyrogue.memory.Hub");
        assert_eq!(told.iter().filter(|text| text.contains(&name)).count(), 1, "{told:?}");
    }
}

#[test]
fn a_circle_of_roots_fails_requests_and_answers_for_itself() {
    with_little_stack(|| {
        let hubs = [Hub::new(0x10, 4, 8), Hub::new(0x20, 4, 16), Hub::new(0x30, 4, 32)];
        let _circle = Circle::of(&hubs);
        let master = master_of(hubs[0].clone());
        assert!(text_of(master.read(0, 100)).contains("in a circle"));
        assert_eq!((master.req_address(), master.req_slave_id()), (0, hubs[0].base().id()));
        assert_eq!(hubs[0].full_address(), 0x10);
    });
}

#[test]
fn as_many_hubs_as_the_limit_says_work_and_one_more_does_not() {
    log::capture();
    with_little_stack(|| {
        let (leaf, seen) = listing(4, 8);
        leaf.base().set_name("leaf");
        let mut top = hub_over(leaf.clone(), 1, 0, 0);
        for _ in 1..HUBS_COUNT_MAX {
            top = hub_over(top, 1, 0, 0);
        }
        let most = u64::from(HUBS_COUNT_MAX);
        let master = master_of(top.clone());
        master.read(0, 12).unwrap();
        assert_eq!(shapes(&seen), [(most, 8), (most + 8, 4)]);
        assert_eq!((master.req_address(), master.req_slave_name()), (most, "leaf".to_owned()));
        master.set_slave(hub_over(top.clone(), 1, 0, 0));
        assert!(text_of(master.read(0, 12)).contains(&format!("through {HUBS_COUNT_MAX} hubs")));
        assert_eq!((master.req_address(), shapes(&seen)), (0, Vec::new()));
        master.set_slave(top);
        assert_eq!(master.req_address(), most, "nothing is left of it");
        master.read(0, 8).unwrap();
    });
}

/// What no slave is to see ends by itself, and the others of the burst arrive in order, those that
/// are too large in parts.
#[test]
fn f01_a_burst_through_hubs_is_what_its_requests_are_one_by_one() {
    let (slave, seen) = listing(4, 8);
    let master = Master::new();
    let hub = Hub::new(0x100, 0, 0);
    master.set_slave(hub.clone());
    hub.master().set_slave(slave);
    let shapes_asked =
        [(0, 4), (u64::MAX - 0x80, 4), (8, 8), (16, 12), (u64::MAX - 1, 4), (0x40, 4)];
    let requests = shapes_asked.map(|(address, size)| (address, zeros(size)));
    let ids = master.request_many(requests.into(), TransactionType::Write).unwrap();
    let failed: Vec<bool> = ids.iter().map(|id| master.wait(*id).is_err()).collect();
    assert_eq!(failed, [false, true, false, false, true, false]);
    assert_eq!(shapes(&seen), [(0x100, 4), (0x108, 8), (0x110, 8), (0x118, 4), (0x140, 4)]);
    assert_eq!(master.request_many(Vec::new(), TransactionType::Write).unwrap(), []);
}

#[test]
fn f01_a_burst_at_a_slave_that_panics_is_given_up() {
    let slave = Acting::new(4, 0, |_, tran| match tran.address() {
        4 => panic!("no"),
        _ => tran.done(),
    });
    let master = master_of(slave);
    let requests = [0, 4, 8].map(|address| (address, zeros(4)));
    let burst = || master.request_many(requests.into(), TransactionType::Write);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(burst)).unwrap_err();
    assert_eq!(master.outstanding_count(), 0);
}

/// Waits until the time of a transaction has passed that nobody gives up.
fn let_pass_the_time_of(tran: &Transaction) {
    while clock::now() < tran.deadline() {
        std::thread::yield_now();
    }
}

#[test]
fn f02_a_hub_that_has_kept_a_transaction_beyond_its_time_hands_nothing_on() {
    let (leaf, seen) = listing(4, 0x1000);
    let hub = hub_over(leaf, 0x100, 0, 0);
    let keeper = Keeper::with_table(4, 0x1000);
    let master = master_of(keeper.clone());
    master.set_timeout(Duration::from_millis(1));
    let id = master.request(8, zeros(4), TransactionType::Write).unwrap();
    let tran = keeper.next();
    let_pass_the_time_of(&tran);
    hub.forward(&tran);
    let text = text_of(master.wait(id));
    assert!(text.starts_with(TIMEOUT_TEXT) && text.contains("never sent"), "{text}");
    assert_eq!(shapes(&seen), []);
    assert_eq!(tran.address(), 8, "it has gone through no hub");
}

#[test]
fn f02_parts_whose_turn_comes_too_late_do_not_go_out() {
    let seen = Seen::default();
    let list = seen.clone();
    // Keeps the first part until the time of all has passed.
    let slow = Acting::new(4, 4, move |base, tran| {
        list.lock().unwrap().push((tran.address(), tran.size(), tran.ty()));
        base.add_transaction(tran);
        let_pass_the_time_of(tran);
    });
    let master = master_of(hub_over(slow, 0, 0, 0));
    master.set_timeout(Duration::from_millis(1));
    let text = text_of(master.write(0x10, &[1; 16]));
    assert!(text.starts_with(TIMEOUT_TEXT) && text.contains("never sent"), "{text}");
    assert_eq!(shapes(&seen), [(0x10, 4)]);
}

#[test]
fn f02_a_prepared_transaction_is_not_launched_after_its_time() {
    let (leaf, seen) = listing(4, 0x1000);
    let master = master_of(leaf);
    master.set_timeout(Duration::from_millis(1));
    let tran = master.prepare(8, zeros(4), TransactionType::Write).unwrap();
    let_pass_the_time_of(&tran);
    master.launch(&tran);
    assert!(text_of(tran.outcome().unwrap()).contains("never sent"));
    assert_eq!(shapes(&seen), []);
}
