//! Starts and checks that wait for nothing and run none of the program's code, for threads that hold
//! the lock of an interpreter: to release that lock, and to get it back, takes longer than the
//! transaction where another thread of the program wants it.

use std::sync::Arc;

use super::registers::Block;
use super::start::check_type;
use super::transfer::{launch, Attempt, Fault, Flight, Request, Started, CHECK_SOURCE};
use super::variable::Variable;
use crate::error::Result;
use crate::process::Restraint;

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
        ty: u32,
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
            Attempt::Skipped(skip) => Some(skip),
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

    /// Takes the answer to `flight` over, if it is there or comes in a moment.
    pub(super) fn ends_briefly(&self, flight: &Arc<Flight>) -> std::result::Result<bool, Fault> {
        Ok((flight.tran.is_done() || flight.tran.poll()) && self.take_over(flight)?)
    }
}
