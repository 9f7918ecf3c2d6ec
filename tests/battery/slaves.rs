//! What a slave at the end of any way may do, and what its requester then sees.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::clock;
use rogue_mem::memory::{Hub, Slave, Transaction, TransactionType, TIMEOUT_TEXT, UNCONNECTED_TEXT};
use rogue_mem::proto::bridge::TYPE_PROBE;
use rogue_mem::Status;

use testkit::bus::{master_of, text_of, zeros};
use testkit::slaves::{Acting, Keeper};
use testkit::wait::LONG;

use crate::ways::ToSlave;

/// A timeout for requests that are never answered.
const UNANSWERED: Duration = Duration::from_millis(50);
/// A timeout that a busy machine keeps, short enough for a few of them to pass.
const PERIOD: Duration = Duration::from_millis(500);
const PACE: Duration = Duration::from_millis(10);

/// The next `count` transactions that reach a slave.
fn next(slave: &Keeper, count: usize) -> Vec<Arc<Transaction>> {
    (0..count).map(|_| slave.next()).collect()
}

pub fn each_kind_of_request_arrives_as_such<W: ToSlave>() {
    let (sender, seen) = channel();
    let path = W::to_slave(Acting::new(4, 0xFFFF_FFFF, move |_, tran| {
        let what = (tran.address(), tran.size(), tran.ty());
        sender.send((what, tran.data().unwrap().to_vec())).unwrap();
        if [TransactionType::Read, TransactionType::Verify].contains(&tran.ty()) {
            tran.data().unwrap().fill(7);
        }
        tran.done();
    }));
    let master = path.master();
    assert_eq!(master.read(0x10, 3).unwrap(), [7; 3]);
    assert_eq!(master.verify(0x1_0000_0000, 2).unwrap(), [7; 2]);
    master.write(0xFFFF_FFFF_FFFF_FFFE, &[1, 2]).unwrap();
    master.post(0, &[3]).unwrap();
    let expected = [
        ((0x10, 3, TransactionType::Read), vec![0; 3]),
        ((0x1_0000_0000, 2, TransactionType::Verify), vec![0; 2]),
        ((0xFFFF_FFFF_FFFF_FFFE, 2, TransactionType::Write), vec![1, 2]),
        ((0, 1, TransactionType::Post), vec![3]),
    ];
    for expected in expected {
        assert_eq!(seen.recv_timeout(LONG).unwrap(), expected);
    }
}

pub fn f04_what_is_no_type_of_transaction_is_an_error_of_it<W: ToSlave>() {
    let (sender, seen) = channel();
    let path = W::to_slave(Acting::new(4, 0xFFFF_FFFF, move |_, tran| {
        sender.send(tran.ty()).unwrap();
        tran.done();
    }));
    let master = path.master();
    for ty in [0, 5, 7, 0x77, TYPE_PROBE, u32::MAX] {
        let id = master.request(0x10, zeros(4), ty.into()).unwrap();
        let error = master.wait(id).unwrap_err();
        let beginning = format!("Unknown transaction type 0x{ty:x} at 0x10: ");
        assert_eq!(error.status(), Status::Transaction);
        assert!(error.text().starts_with(&beginning), "{error}");
        assert_eq!(master.last_error(), error.text());
    }
    master.write(0, &[1]).unwrap();
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [TransactionType::Write]);
}

pub fn data_of_every_small_size_goes_both_ways<W: ToSlave>() {
    let path = W::to_slave(Acting::new(1, 0xFFFF_FFFF, |_, tran| {
        let expected = |n: u64| (tran.address().wrapping_add(n) * 3) as u8;
        let mut data = tran.data().unwrap();
        let wrong = match tran.ty() {
            TransactionType::Write => {
                (0u64..).zip(data.iter()).find(|(n, byte)| **byte != expected(*n))
            }
            _ => None,
        };
        if let Some((n, _)) = wrong {
            tran.error(format!("byte {n} of {} is wrong", tran.size()));
        } else {
            (0u64..).zip(data.iter_mut()).for_each(|(n, byte)| *byte = expected(n));
            tran.done();
        }
    }));
    let master = path.master();
    for size in (0..70).chain([255, 256, 257, 4095, 4096, 4097, 65_535, 65_536]) {
        let bytes: Vec<u8> = (0..size).map(|n| ((100 + n) * 3) as u8).collect();
        master.write(100, &bytes).unwrap();
        assert_eq!(master.read(100, size as u32).unwrap(), bytes, "{size} bytes");
    }
}

pub fn an_error_arrives_with_its_text<W: ToSlave>() {
    let long = "a very long complaint ".repeat(40);
    let texts = ["no such register", "100 % wrong: %s %n", "Größe über 4 µm", "a", long.trim_end()];
    let all: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let path = W::to_slave(Acting::new(4, 0xFFFF_FFFF, move |_, tran| {
        tran.error(all[tran.address() as usize].as_str());
    }));
    let master = path.master();
    for (address, text) in texts.into_iter().enumerate() {
        for outcome in [
            master.read(address as u64, 4).map(drop),
            master.verify(address as u64, 4).map(drop),
            master.write(address as u64, &[1; 4]),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!((error.status(), error.text()), (Status::Transaction, text));
            assert_eq!(master.last_error(), text);
        }
    }
}

pub fn no_error_is_taken_for_a_success<W: ToSlave>() {
    let texts = ["", "OK", "\0", "\0\0\0\0", "OK\0", "\u{1}\0\0\0", "\n", " "];
    let path = W::to_slave(Acting::new(4, 0xFFFF_FFFF, move |_, tran| {
        tran.error(texts[tran.address() as usize]);
    }));
    let master = path.master();
    for (address, text) in texts.into_iter().enumerate() {
        master.clear_error();
        let error = master.read(address as u64, 4).unwrap_err();
        assert_eq!(error.status(), Status::Transaction, "{text:?}");
        assert!(!error.text().is_empty() && !master.last_error().is_empty(), "{text:?}");
        assert!(master.write(address as u64, &[0; 4]).is_err(), "{text:?}");
    }
}

pub fn errors_belong_to_the_request_that_failed<W: ToSlave>() {
    let path = W::to_slave(Acting::new(1, 0xFFFF_FFFF, |_, tran| match tran.address() % 3 {
        0 => tran.error(format!("error at {}", tran.address())),
        _ => {
            tran.data().unwrap().fill(tran.address() as u8);
            tran.done();
        }
    }));
    let master = path.master();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let master = &master;
            scope.spawn(move || {
                let ids: Vec<(u64, u32)> = (0..200)
                    .map(|n| 4 * n + thread)
                    .map(|address| {
                        (address, master.request(address, zeros(1), TransactionType::Read).unwrap())
                    })
                    .collect();
                for (address, id) in ids {
                    match master.wait_buffer(id) {
                        Ok(bytes) => assert_eq!(bytes, [address as u8]),
                        Err(error) => assert_eq!(error.text(), format!("error at {address}")),
                    }
                }
            });
        }
    });
}

pub fn answers_may_come_in_any_order_and_from_any_thread<W: ToSlave>() {
    const COUNT: usize = 600;
    let slave = Keeper::with_table(1, 0xFFFF_FFFF);
    let path = W::to_slave(slave.clone());
    let master = path.master();
    let ids: Vec<u32> = (0..COUNT)
        .map(|n| master.request(n as u64, zeros(2), TransactionType::Read).unwrap())
        .collect();
    // Not one is answered before all of them are here.
    let trans = next(&slave, COUNT);
    let answer = |trans: &[Arc<Transaction>]| {
        for tran in trans.iter().rev() {
            let tran = slave.take(tran).expect("it is kept");
            tran.data().unwrap().copy_from_slice(&(tran.address() as u16).to_le_bytes());
            tran.done();
        }
    };
    std::thread::scope(|scope| {
        trans.chunks(COUNT / 3).for_each(|part| drop(scope.spawn(move || answer(part))));
    });
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(master.wait_buffer(id).unwrap(), (n as u16).to_le_bytes());
    }
    assert_eq!(slave.base().pending_count(), 0);
}

pub fn a_write_is_read_when_the_slave_gets_round_to_it<W: ToSlave>() {
    let slave = Keeper::with_table(1, 0xFFFF_FFFF);
    let path = W::to_slave(slave.clone());
    let master = path.master();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let values = (0..20).map(|_| {
                let tran = slave.next();
                // Long after the call that brought it has returned.
                std::thread::park_timeout(Duration::from_millis(1));
                let value = tran.data().unwrap()[0];
                tran.done();
                value
            });
            values.collect::<Vec<u8>>()
        });
        (0..20).for_each(|n| master.write(0, &[n % 2]).unwrap());
        assert_eq!(worker.join().unwrap(), [0, 1].repeat(10));
    });
}

pub fn what_is_not_answered_times_out<W: ToSlave>() {
    let slave = Keeper::with_table(4, 0xFFFF_FFFF);
    let path = W::to_slave(slave.clone());
    let master = path.master();
    master.set_timeout(UNANSWERED);
    for ty in [TransactionType::Read, TransactionType::Write, TransactionType::Verify] {
        let start = clock::now();
        let id = master.request(0, zeros(4), ty).unwrap();
        let error = master.wait(id).unwrap_err();
        assert!(clock::now().since(start) >= UNANSWERED);
        assert_eq!(error.status(), Status::TransactionTimeout);
        assert!(error.text().starts_with(TIMEOUT_TEXT), "{error}");
        assert!(error.text().contains(&id.to_string()), "{error}");
        assert_eq!(master.last_error(), error.text());
        assert_eq!(master.outstanding_count(), 0);
        assert_eq!(next(&slave, 1)[0].ty(), ty);
    }
}

pub fn after_a_timeout_all_is_as_before<W: ToSlave>() {
    let path = W::to_slave(Acting::new(4, 0xFFFF_FFFF, |base, tran| match tran.address() {
        0 => base.add_transaction(tran),
        _ => {
            tran.data().unwrap().fill(1);
            tran.done();
        }
    }));
    let master = path.master();
    for _ in 0..3 {
        master.set_timeout(UNANSWERED);
        assert!(text_of(master.read(0, 4)).contains("Timeout"));
        master.set_timeout(LONG);
        assert_eq!(master.read(4, 4).unwrap(), [1; 4]);
        assert_eq!(path.master().read(8, 2).unwrap(), [1; 2]);
    }
}

pub fn a_slow_link_that_moves_does_not_time_out<W: ToSlave>() {
    const COUNT: usize = 500;
    let slave = Keeper::with_table(4, 0xFFFF_FFFF);
    let path = W::to_slave(slave.clone());
    let master = path.master();
    let start = clock::now();
    master.set_timeout(PERIOD);
    let ids: Vec<u32> =
        (0..COUNT).map(|_| master.request(0, zeros(4), TransactionType::Read).unwrap()).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for tran in next(&slave, COUNT) {
                if clock::now() < start + 3 * PERIOD {
                    std::thread::park_timeout(PACE);
                }
                slave.take(&tran).expect("it is kept").done();
            }
        });
        for id in ids.into_iter().rev() {
            master.wait(id).unwrap();
        }
    });
    assert!(clock::now() >= start + 3 * PERIOD);
}

pub fn lost_requests_succeed_when_they_are_repeated<W: ToSlave>() {
    let count = Mutex::new(0);
    let path = W::to_slave(Acting::new(1, 0xFFFF_FFFF, move |_, tran| {
        let mut count = count.lock().unwrap();
        *count += 1;
        // Two of three are never answered.
        if *count % 3 == 0 {
            tran.data().unwrap().fill(tran.address() as u8);
            tran.done();
        }
    }));
    let master = path.master();
    master.set_timeout(UNANSWERED);
    for address in 0..6 {
        // Three attempts do it, unless the machine is so slow that an answer comes too late.
        let found = (0..20).find_map(|_| master.read(address, 2).ok());
        assert_eq!(found, Some(vec![address as u8; 2]));
    }
}

pub fn a_late_answer_goes_to_nobody<W: ToSlave>() {
    let slave = Keeper::with_table(1, 0xFFFF_FFFF);
    let path = W::to_slave(slave.clone());
    let master = path.master();
    master.set_timeout(UNANSWERED);
    assert!(text_of(master.read(0, 2)).contains("Timeout"));
    master.set_timeout(LONG);
    let late = next(&slave, 1).remove(0);
    let id = master.request(1, zeros(2), TransactionType::Read).unwrap();
    let punctual = next(&slave, 1).remove(0);
    if let Some(mut data) = late.data() {
        data.fill(0xBB);
    }
    late.done();
    punctual.data().unwrap().fill(1);
    punctual.done();
    assert_eq!(master.wait_buffer(id).unwrap(), [1, 1]);
}

pub fn a_split_transaction_fails_with_its_part<W: ToSlave>() {
    // A virtual root with a limit at the near end: its parts go the way one by one.
    let path = W::to_slave(Acting::new(1, 0xFFFF_FFFF, |_, tran| match tran.address() {
        0x108 => tran.error("hole in the map"),
        _ => {
            tran.data().unwrap().fill(tran.address() as u8);
            tran.done();
        }
    }));
    let root = Hub::new(0x100, 4, 8);
    root.master().set_slave(path.near());
    let outer = Hub::new(0, 0, 0);
    outer.master().set_slave(root);
    let master = master_of(outer);
    let expected = [[0x10; 8], [0x18; 8]].concat();
    assert_eq!(master.read(0x10, 16).unwrap(), expected);
    let text = text_of(master.read(0, 24));
    assert!(text.starts_with("Transaction error. Subtransaction "), "{text}");
    assert!(text.ends_with(" failed with error: hole in the map.\n"), "{text}");
}

pub fn an_unconnected_end_says_so<W: ToSlave>() {
    let path = W::to_slave(Hub::new(0, 0, 0));
    let master = path.master();
    for outcome in
        [master.read(0, 4).map(drop), master.write(0, &[0; 4]), master.read(0, 0).map(drop)]
    {
        assert_eq!(text_of(outcome), UNCONNECTED_TEXT);
    }
}
