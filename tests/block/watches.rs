//! Waits that the program gives up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use rogue_mem::memory::block::{
    check_all, read_all, start_all, watch_waits, Block, Variable, WaitWatch, UINT,
};
use rogue_mem::memory::TransactionType;
use rogue_mem::Status;
use testkit::slaves::Keeper;

use crate::defects::{block_of, uint};

/// Gives a wait up when it is asked for the `last` time.
struct Impatient {
    asked: AtomicUsize,
    last: usize,
}

impl Impatient {
    /// The watch of this thread from now on.
    fn watch(last: usize) -> Arc<Impatient> {
        let watch = Arc::new(Impatient { asked: AtomicUsize::new(0), last });
        watch_waits(Some(watch.clone()));
        watch
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl WaitWatch for Impatient {
    fn is_interrupted(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) + 1 >= self.last
    }
}

fn word(keeper: &Arc<Keeper>, at: u64) -> (Arc<Block>, Arc<Variable>) {
    let (block, variables) = block_of(keeper.clone(), (at, 4), vec![uint("word", 0, 32)]);
    (block, variables[0].clone())
}

#[test]
fn a_wait_that_is_given_up_leaves_the_transaction_to_the_next_one() {
    let keeper = Keeper::new();
    let (block, variable) = word(&keeper, 0x20);
    let watch = Impatient::watch(2);
    let error = variable.get(UINT, -1).unwrap_err();
    assert_eq!((error.status(), watch.asked()), (Status::Interrupted, 2));
    assert_eq!(block.check_transaction().unwrap_err().status(), Status::Interrupted);
    watch_waits(None);
    keeper.answer_all();
    assert_eq!(variable.staged(UINT, -1).unwrap(), 0);
    block.check_transaction().unwrap();
    assert_eq!(variable.staged(UINT, -1).unwrap(), 0x20);
}

#[test]
fn f66_what_becomes_of_a_transaction_without_its_thread_is_told_by_the_next_check() {
    let keeper = Keeper::new();
    let words: Vec<_> = (0..4).map(|at| word(&keeper, 4 * at)).collect();
    let blocks: Vec<_> = words.iter().map(|(block, _)| block.clone()).collect();
    let give_up: [&dyn Fn(); 3] = [
        &|| words.iter().for_each(|(_, word)| drop(word.get(UINT, -1).unwrap_err())),
        &|| words.iter().for_each(|(_, word)| drop(word.set(UINT, 1, -1).unwrap_err())),
        &|| assert_eq!(read_all(&blocks).failures.len(), 4),
    ];
    for give_up in give_up {
        let _watch = Impatient::watch(1);
        give_up();
        watch_waits(None);
        (0..4).for_each(|_| match keeper.next() {
            tran if tran.address() % 8 == 0 => tran.error("broken"),
            tran => tran.done(),
        });
        let told =
            blocks.iter().map(|block| block.check_transaction().map_err(|error| error.status()));
        let failed = Err(Status::Transaction);
        assert_eq!(told.collect::<Vec<_>>(), [failed, Ok(true), failed, Ok(true)]);
        assert!(blocks.iter().all(|block| block.check_transaction() == Ok(false)));
    }
}

#[test]
fn a_wait_for_the_turn_of_another_thread_can_be_given_up() {
    let keeper = Keeper::new();
    let (block, variable) = word(&keeper, 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| variable.set(UINT, 7, -1));
        keeper.wait_seen(1);
        let watch = Impatient::watch(1);
        let read = block.start_transaction(TransactionType::Read, false, true, None, -1);
        assert_eq!(read.unwrap_err().status(), Status::Interrupted);
        assert_eq!(variable.set(UINT, 9, -1).unwrap_err().status(), Status::Interrupted);
        assert_eq!(watch.asked(), 2);
        watch_waits(None);
        assert_eq!(variable.staged(UINT, -1).unwrap(), 7, "what is given up stages nothing");
        keeper.answer_all();
        keeper.wait_seen(2);
        keeper.next().done();
        // Not what was written.
        assert_eq!(writer.join().unwrap().unwrap_err().status(), Status::Verify);
    });
}

#[test]
fn of_many_blocks_none_is_waited_for_after_the_one_whose_wait_is_given_up() {
    let keeper = Keeper::new();
    let words: Vec<_> = (0..100).map(|at| word(&keeper, 4 * at)).collect();
    let blocks: Vec<_> = words.iter().map(|(block, _)| block.clone()).collect();
    let interrupted = |failures: &[(usize, rogue_mem::Error)]| {
        failures.iter().filter(|(_, error)| error.status() == Status::Interrupted).count()
    };
    let watch = Impatient::watch(1);
    assert_eq!(interrupted(&read_all(&blocks).failures), 100);
    assert_eq!(watch.asked(), 1);
    // Each block still waits for its first answer.
    let watch = Impatient::watch(1);
    assert_eq!(
        interrupted(&start_all(&blocks, TransactionType::Read, false).unwrap().failures),
        100
    );
    assert_eq!(interrupted(&check_all(&blocks).failures), 100);
    assert_eq!(watch.asked(), 2);
    watch_waits(None);
    keeper.answer_all();
    assert_eq!(check_all(&blocks).failures, []);
    for (at, (_, variable)) in (0u64..).zip(&words) {
        assert_eq!(variable.staged(UINT, -1).unwrap(), 4 * at);
    }
}
