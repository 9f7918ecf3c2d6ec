//! Starts and checks that wait for nothing and run none of the program's code, for threads that hold
//! the lock of an interpreter: to release that lock, and to get it back, takes longer than the
//! transaction where another thread of the program wants it.

use std::sync::Arc;

use super::registers::{Block, State};
use super::start::check_type;
use super::transfer::{launch, Attempt, Fault, Flight, Path, Request, Started, CHECK_SOURCE};
use super::variable::Variable;
use crate::error::Result;
use crate::memory::{Slave, TransactionType, HUBS_COUNT_MAX};
use crate::process::Restraint;

/// The largest read without a transaction: larger ones are copied under a lock for too long.
const AT_ONCE_BYTES_MAX: usize = 64;

/// A slave that a block leads to.
pub(super) struct End {
    slave: Arc<dyn Slave>,
    /// What is added to addresses within the block.
    offset: u64,
}

impl Block {
    /// Starts a transaction as [`start_transaction`](Self::start_transaction) without a wait does, if
    /// that takes a moment: the block has no retries, the transaction is small, all slaves on its
    /// way are [brief], and one that is under way has ended, or ends while this thread [polls] for
    /// its answer. `None` otherwise; nothing has been sent then. Code of the program that is to be
    /// called meanwhile, such as observers of other transactions, runs in other threads.
    ///
    /// [brief]: crate::memory::Slave::is_brief
    /// [polls]: crate::memory::Tracker::poll
    ///
    /// # Errors
    ///
    /// As `start_transaction`.
    pub fn try_start(
        &self,
        ty: TransactionType,
        is_forced: bool,
        variable: Option<&Variable>,
        index: i32,
    ) -> Result<Option<Started>> {
        check_type(ty)?;
        let target = match variable {
            Some(variable) => Some(self.target(variable, index)?),
            None => None,
        };
        let request = Request { is_brief: true, ..Request::new(ty, is_forced, target) };
        let _restraint = Restraint::begin();
        let skipped = match self.attempt(&request, false).map_err(Fault::into_error)? {
            Attempt::Busy => return Ok(None),
            Attempt::Over(skip) => skip,
            Attempt::Ready(flight, slave) => {
                if flight.take() {
                    launch(std::slice::from_ref(&flight), &*slave);
                }
                if flight.tran.is_done() {
                    // If a slave still looks at the data, the check does.
                    self.take_over(&flight).map_err(Fault::into_error)?;
                }
                None
            }
        };
        Ok(Some(Started { skipped, is_updated: false }))
    }

    /// Checks as [`check_transaction`](Self::check_transaction) does, if that takes a moment: the
    /// transaction that is under way has ended, or it ends while this thread
    /// [polls](crate::memory::Tracker::poll) for its answer. `None` otherwise, also for a block with
    /// an [observer](Self::observe); the other check is needed then.
    ///
    /// # Errors
    ///
    /// As `check_transaction`.
    pub fn try_check(&self) -> Result<Option<bool>> {
        if self.is_observed() {
            return Ok(None);
        }
        let _restraint = Restraint::begin();
        let flight = self.state_or(CHECK_SOURCE)?.flight.clone();
        if let Some(flight) = flight {
            if !self.ends_briefly(&flight).map_err(Fault::into_error)? {
                return Ok(None);
            }
        }
        self.verdict(None).map(Some).map_err(Fault::into_error)
    }

    /// The slave at the end of the way through `slave` and hubs, and what these add to addresses.
    /// `None` if that is beyond all addresses.
    pub(super) fn end_of(&self, slave: &Arc<dyn Slave>) -> Option<End> {
        let mut end = End { slave: slave.clone(), offset: self.offset };
        // Of a circle of hubs, any: it reads nothing at once.
        for _ in 0..HUBS_COUNT_MAX {
            let Some((slave, offset)) = end.slave.passes_to() else { break };
            end = End { slave, offset: end.offset.checked_add(offset)? };
        }
        Some(end)
    }

    /// Reads what `request` covers without a transaction, and takes it over; false if that needs
    /// one. Nothing is under way. To make a transaction, and to end it, takes several times as long.
    pub(super) fn read_at_once(
        &self,
        state: &mut State,
        request: &Request<'_>,
        path: &Path,
        end: &End,
    ) -> bool {
        let span = path.admit(state.span(request, self.size), self.size, &state.path);
        let Some(span) = span.ok().filter(|_| state.is_enabled) else { return false };
        let Some(address) = end.offset.checked_add(span.low) else { return false };
        let mut room = [0; AT_ONCE_BYTES_MAX];
        let Some(bytes) = room.get_mut(..span.size() as usize) else { return false };
        let is_read = end.slave.read_at_once(address, bytes);
        if is_read {
            state.image.absorb(span, bytes);
        }
        is_read
    }

    /// Takes the answer to `flight` over, if it is there or comes in a moment.
    pub(super) fn ends_briefly(&self, flight: &Arc<Flight>) -> std::result::Result<bool, Fault> {
        Ok((flight.tran.is_done() || flight.tran.poll()) && self.take_over(flight)?)
    }
}
