//! Transactions of many blocks at once. All are started before the first is waited for, and those
//! of one slave are handed over together.

use std::collections::VecDeque;
use std::sync::Arc;

use super::registers::Block;
use super::start::{check_type, Sent};
use super::transfer::{launch, recall, Attempt, Fault, Flight, Request};
use crate::error::{Error, Result, Status};
use crate::memory::{Slave, TransactionType};

/// Transactions that are created before the first is handed over: as many as a burst of one master
/// has.
const HANDED_OVER_COUNT_MAX: usize = 2048;

/// A slave, and the transactions for it.
type Handed = (Arc<dyn Slave>, VecDeque<Arc<Flight>>);

/// Transactions that no slave has yet.
#[derive(Default)]
struct Batch {
    /// For each slave its transactions, in order.
    slaves: VecDeque<Handed>,
    count: usize,
}

impl Batch {
    fn add(&mut self, slave: Arc<dyn Slave>, flight: Arc<Flight>) {
        self.count += 1;
        // Blocks of one device mostly follow each other.
        let known = self.slaves.iter_mut().rev().find(|(known, _)| Arc::ptr_eq(known, &slave));
        match known {
            Some((_, flights)) => flights.push_back(flight),
            None => self.slaves.push_back((slave, VecDeque::from([flight]))),
        }
    }

    fn launch(&mut self) {
        self.count = 0;
        let mut is_first = true;
        // Step by step: if a slave panics, the rest stays.
        while let Some((slave, mut flights)) = self.next() {
            if !is_first {
                // The time that slaves before have taken does not count.
                flights.iter().for_each(|flight| flight.tran.refresh_timer(None));
            }
            is_first = false;
            launch(flights.make_contiguous(), &*slave);
        }
    }

    /// Takes what is handed over next: all that a slave has, if it takes that together, otherwise one.
    fn next(&mut self) -> Option<Handed> {
        loop {
            let (slave, flights) = self.slaves.front_mut()?;
            let slave = slave.clone();
            let count = if slave.takes_together() { flights.len() } else { 1 };
            // A slave may have used some of the blocks meanwhile.
            let next: VecDeque<_> = flights.drain(..count).filter(|flight| flight.take()).collect();
            if flights.is_empty() {
                self.slaves.pop_front();
            }
            if !next.is_empty() {
                return Some((slave, next));
            }
        }
    }

    /// Creates the transaction of `request` for `block`.
    fn begin(&mut self, block: &Block, request: &Request<'_>) -> std::result::Result<Sent, Fault> {
        let attempt = match block.attempt(request, false)? {
            // The transaction that it waits for may be one of these.
            Attempt::Busy => {
                self.launch();
                block.attempt(request, true)?
            }
            attempt => attempt,
        };
        match attempt {
            Attempt::Ready(flight, slave) => {
                self.add(slave, flight.clone());
                if self.count >= HANDED_OVER_COUNT_MAX {
                    self.launch();
                }
                Ok((Some(flight), None))
            }
            Attempt::Over(skip) => Ok((None, skip)),
            Attempt::Busy => Ok((None, None)),
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Only a panic leaves any.
        self.slaves.iter_mut().for_each(|(_, flights)| recall(flights.make_contiguous()));
    }
}

/// Lets no block wait any more after one whose wait the program has given up.
#[derive(Default)]
struct Patience {
    ended: Option<Error>,
}

impl Patience {
    fn with<T>(&mut self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let result = run();
        let ended = result.as_ref().err().filter(|error| error.status() == Status::Interrupted);
        self.ended = ended.cloned();
        result
    }
}

/// Starts `request` in each of `blocks`.
fn launch_all(blocks: &[Arc<Block>], request: &Request<'_>) -> Vec<Result<Sent>> {
    let (mut batch, mut patience) = (Batch::default(), Patience::default());
    // Nothing has failed yet: a fault is a refusal.
    let mut begin = |block: &Block| batch.begin(block, request).map_err(Fault::into_error);
    let sent = blocks.iter().map(|block| patience.with(|| begin(block))).collect();
    batch.launch();
    sent
}

/// What has become of the transactions of many blocks. Indices are those of the list of blocks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BulkOutcome {
    /// The failures, in the order of the blocks.
    pub failures: Vec<(usize, Error)>,
    /// Blocks of which variables that are notified may have changed. Their observers have been
    /// called.
    pub updated: Vec<usize>,
}

impl BulkOutcome {
    /// The outcome of results that say whether a block is updated.
    fn new(results: impl Iterator<Item = Result<bool>>) -> BulkOutcome {
        let mut outcome = BulkOutcome::default();
        for (index, result) in results.enumerate() {
            match result {
                Ok(true) => outcome.updated.push(index),
                Ok(false) => {}
                Err(error) => outcome.failures.push((index, error)),
            }
        }
        outcome
    }
}

/// Starts a transaction of `ty` in each of `blocks`, which covers the block as
/// [`Block::start_transaction`] without a variable does, and waits for none of them. The next check
/// of each block waits, and makes no further attempt. A failure here is that of a request that was
/// not sent; it concerns no other block.
///
/// # Errors
///
/// [`InvalidArgument`](crate::Status::InvalidArgument) for an unknown type.
///
/// # Panics
///
/// If a slave does.
pub fn start_all(
    blocks: &[Arc<Block>],
    ty: TransactionType,
    is_forced: bool,
) -> Result<BulkOutcome> {
    check_type(ty)?;
    let sent = launch_all(blocks, &Request::new(ty, is_forced, None));
    Ok(BulkOutcome::new(sent.into_iter().map(|sent| sent.map(|_| false))))
}

/// Checks each of `blocks` as [`Block::check_transaction`] does, also after a failure.
pub fn check_all(blocks: &[Arc<Block>]) -> BulkOutcome {
    let mut patience = Patience::default();
    BulkOutcome::new(blocks.iter().map(|block| patience.with(|| block.check_transaction())))
}

/// Starts `request` in each of `blocks`, then waits for each and makes further attempts where the
/// block has retries.
fn transfer_all(blocks: &[Arc<Block>], request: &Request<'_>) -> BulkOutcome {
    let request = Request { is_owned: true, ..request.clone() };
    let sent = launch_all(blocks, &request);
    let finish = |block: &Block, sent: Result<Sent>| {
        let started = block.finish(request.clone(), Ok(sent?))?;
        if started.is_updated {
            block.notify();
        }
        Ok(started.is_updated)
    };
    let mut patience = Patience::default();
    BulkOutcome::new(blocks.iter().zip(sent).map(|(block, sent)| {
        if let (Some(_), Ok((Some(flight), _))) = (&patience.ended, &sent) {
            block.disown(flight);
        }
        patience.with(|| finish(block, sent))
    }))
}

/// Reads each of `blocks`, and waits. All reads are requested before the first is waited for. A
/// failure concerns no other block.
///
/// # Panics
///
/// If a slave does.
pub fn read_all(blocks: &[Arc<Block>]) -> BulkOutcome {
    transfer_all(blocks, &Request::new(TransactionType::Read, false, None))
}

/// Writes each of `blocks`, verifies what is to be verified, and waits. A block without stale
/// values is written if `is_forced`. All writes are requested before the first is waited for, and
/// then all verifies. A failure concerns no other block. If another thread verifies one of the
/// blocks meanwhile, that thread is told of a difference.
///
/// # Panics
///
/// If a slave does.
pub fn write_all(blocks: &[Arc<Block>], is_forced: bool) -> BulkOutcome {
    let BulkOutcome { mut failures, mut updated } =
        transfer_all(blocks, &Request::new(TransactionType::Write, is_forced, None));
    let mut failed = failures.iter().map(|(index, _)| *index).peekable();
    let is_written = |index: &usize| failed.next_if_eq(index).is_none();
    let written: Vec<usize> = (0..blocks.len()).filter(is_written).collect();
    let blocks: Vec<Arc<Block>> = written.iter().map(|index| blocks[*index].clone()).collect();
    let verified = transfer_all(&blocks, &Request::new(TransactionType::Verify, false, None));
    failures.extend(verified.failures.into_iter().map(|(index, error)| (written[index], error)));
    failures.sort_by_key(|(index, _)| *index);
    updated.extend(verified.updated.into_iter().map(|index| written[index]));
    updated.sort_unstable();
    updated.dedup();
    BulkOutcome { failures, updated }
}
