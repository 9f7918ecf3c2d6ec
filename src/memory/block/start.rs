//! Transactions as a program asks for them: attempts, checks, and combinations of them.

use std::sync::Arc;

use super::layout::{Layout, Span};
use super::registers::Block;
use super::transfer::{launch, Attempt, Fault, Flight, Request, Skip, Started, Target};
use super::turn::Turn;
use super::variable::Variable;
use crate::error::{Error, Result, Status};
use crate::logging::{log_error, log_warning};
use crate::memory::TransactionType;

const SOURCE: &str = "Block::startTransaction";

/// What an attempt has sent, or why it sent nothing. Neither for a read that has ended well
/// [at once](Block::read_at_once).
pub(super) type Sent = (Option<Arc<Flight>>, Option<Skip>);

impl Block {
    /// Starts a transaction of `ty`: one that slaves get.
    ///
    /// * A read covers the block, or with a `variable` its bytes: those of element `index`, or of
    ///   all if there is no such element. What is staged and not written stays.
    /// * A write and a posted write cover the block, or with a `variable` everything that is stale
    ///   and that variable. They take the staged values along, which are no longer stale then. A
    ///   write without stale values is skipped unless `is_forced`; a posted write never is.
    /// * A verify reads back all that has been written since the last one, and compares the bits
    ///   that are verified.
    ///
    /// The bytes are widened to multiples of the smallest access of the path, within the block. A
    /// transaction that is under way is waited for first. With `check` this waits for the end, as
    /// [`check_transaction`](Self::check_transaction) does. A block with retries always waits, and
    /// makes further attempts; a mismatch repeats the write as well. Otherwise the next check, or
    /// the next transaction, waits.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for an unknown type, a variable of another block, or a
    /// transaction larger than the path allows, [`Status::OutOfResources`] without memory for it:
    /// nothing is sent then. With a wait those of `check_transaction`.
    ///
    /// # Panics
    ///
    /// If the slave does.
    pub fn start_transaction(
        &self,
        ty: TransactionType,
        is_forced: bool,
        check: bool,
        variable: Option<&Variable>,
        index: i32,
    ) -> Result<Started> {
        let target = match variable {
            Some(variable) => Some(self.target(variable, index)?),
            None => None,
        };
        let started = self.run(Request::new(ty, is_forced, target), check)?;
        if started.is_updated {
            self.notify();
        }
        Ok(started)
    }

    /// Waits for the transaction that is under way. True if variables that are notified may have
    /// changed; the [observer](Self::observe) has been called then. Without a transaction since the
    /// last check it returns false.
    ///
    /// # Errors
    ///
    /// The failure of a transaction that this thread has started since its last check
    /// ([`Status::Transaction`], [`Status::TransactionTimeout`]), or the first byte that its verify
    /// found different ([`Status::Verify`]). If it has started none, the failure of another
    /// thread's, which that thread is told of all the same.
    pub fn check_transaction(&self) -> Result<bool> {
        let is_updated = self.collect(None).map_err(Fault::into_error)?;
        if is_updated {
            self.notify();
        }
        Ok(is_updated)
    }

    /// Writes `variable` with everything that is staged, verifies what is to be verified, and
    /// waits. No transaction of another thread comes between, so this thread is told of a
    /// difference.
    ///
    /// # Errors
    ///
    /// As [`start_transaction`](Self::start_transaction).
    pub fn write(&self, variable: &Variable, index: i32) -> Result<()> {
        let target = self.target(variable, index)?;
        let turn = self.turn()?;
        self.write_in(turn, Request::new(TransactionType::Write, true, Some(target)))
    }

    /// Reads `variable`, or its element `index`, and waits.
    ///
    /// # Errors
    ///
    /// As [`start_transaction`](Self::start_transaction).
    pub fn read(&self, variable: &Variable, index: i32) -> Result<()> {
        self.read_elements(self.target(variable, index)?)
    }

    /// Stores a value of elements `first..=last` with `store`, and [writes](Self::write) it. Nothing
    /// is stored if the path does not allow the transaction.
    pub(super) fn set_elements(
        &self,
        (variable, slot): (&Variable, usize),
        (first, last): (u32, u32),
        store: impl FnOnce(&mut [u8], &Layout),
    ) -> Result<()> {
        // With the storing: no other thread's write takes the value along.
        let turn = self.turn()?;
        let path = self.path_to(&*self.master.slave());
        self.store((variable, slot), (first, last), Some(&path), store)?;
        let request = Request::new(
            TransactionType::Write,
            true,
            Some(Target { variable, slot, first, last }),
        );
        self.write_in(turn, Request { path: Some(path), ..request })
    }

    /// Carries `write` out in this thread's turn, and the verify behind it.
    fn write_in(&self, turn: Turn<'_>, write: Request<'_>) -> Result<()> {
        let verify = Request { ty: TransactionType::Verify, is_forced: false, ..write.clone() };
        let written = self.run(write, true)?;
        let verified = self.run(verify, true)?;
        // The observer is the program's.
        drop(turn);
        if written.is_updated || verified.is_updated {
            self.notify();
        }
        Ok(())
    }

    /// Reads elements of a variable: its slot, the first one and the last one.
    pub(super) fn read_elements(&self, target: Target<'_>) -> Result<()> {
        if self.run(Request::new(TransactionType::Read, false, Some(target)), true)?.is_updated {
            self.notify();
        }
        Ok(())
    }

    /// What a transfer of `variable` with `index` covers.
    pub(super) fn target<'a>(&self, variable: &'a Variable, index: i32) -> Result<Target<'a>> {
        let (block, slot) = variable.home()?;
        let (first, last) = variable.elements(index);
        if std::ptr::eq(&*block, self) {
            return Ok(Target { variable, slot, first, last });
        }
        let text = format!(
            "Variable {} is in block {}, not in {}",
            variable.name(),
            block.path(),
            self.path()
        );
        Err(Error::new(Status::InvalidArgument, SOURCE, text))
    }

    /// Carries `request` out, in several attempts if the block has retries.
    fn run(&self, mut request: Request<'_>, check: bool) -> Result<Started> {
        check_type(request.ty)?;
        request.is_owned = check || self.retry_count() > 0;
        let sent = self.attempt_once(&request);
        self.finish(request, sent)
    }

    /// Finishes `request`, of which the first attempt has gone as `sent` says.
    pub(super) fn finish(
        &self,
        mut request: Request<'_>,
        mut sent: std::result::Result<Sent, Fault>,
    ) -> Result<Started> {
        let (mut differing, mut failure) = (None, None);
        let mut number = 0;
        loop {
            number += 1;
            let span = sent.as_ref().ok().and_then(|(flight, _)| Some(flight.as_ref()?.span));
            let error = match self.outcome(&request, sent) {
                // A block that has been disabled since makes no failure good.
                Ok(started) if started.skipped == Some(Skip::Disabled) => {
                    return failure.map_or(Ok(started), Err);
                }
                Ok(started) => return Ok(started),
                Err(Fault::Refused(error)) => return Err(error),
                Err(Fault::Failed(error)) => error,
                Err(Fault::Differs(error, span)) => {
                    differing = Some(span);
                    error
                }
            };
            let count = self.retry_count().saturating_add(1);
            if number >= count {
                log_error!(self.logger(), "Error on try {number} out of {count}: {error}");
                return Err(error);
            }
            log_warning!(self.logger(), "Error on try {number} out of {count}: {error}");
            request.note_failed(span);
            sent = match differing.map(|span| self.resend(&request, span)) {
                Some(Ok(false)) => return Err(error),
                Some(Err(fault)) => Err(fault),
                Some(Ok(true)) | None => self.attempt_once(&request),
            };
            failure = Some(error);
        }
    }

    /// Makes one attempt, and hands the transaction to the slave.
    fn attempt_once(&self, request: &Request<'_>) -> std::result::Result<Sent, Fault> {
        Ok(match self.attempt(request, true)? {
            Attempt::Ready(flight, slave) => {
                if flight.take() {
                    launch(std::slice::from_ref(&flight), &*slave);
                }
                if flight.tran.is_done() {
                    self.settle_own(&flight)?;
                }
                (Some(flight), None)
            }
            Attempt::Over(skip) => (None, skip),
            Attempt::Busy => (None, None),
        })
    }

    /// The outcome of what has been sent, if it is waited for.
    fn outcome(
        &self,
        request: &Request<'_>,
        sent: std::result::Result<Sent, Fault>,
    ) -> std::result::Result<Started, Fault> {
        let (flight, skipped) = sent?;
        let is_updated = match (&flight, skipped) {
            _ if !request.is_owned => false,
            // A read that has ended well at once; how others went is no matter of it.
            (None, None) => self.take_updates()?,
            (flight, _) => self.collect(flight.as_ref())?,
        };
        Ok(Started { skipped, is_updated })
    }

    /// Writes what was written to `span`, and differs, once more, before another verify. False if that
    /// is over: another thread has verified it meanwhile, or the block is disabled.
    fn resend(&self, verify: &Request<'_>, span: Span) -> std::result::Result<bool, Fault> {
        // Of no variable: that of the verify may be one that is only read.
        let write = Request {
            is_owned: verify.is_owned,
            attempt: verify.attempt,
            again: Some(span),
            resends: true,
            ..Request::new(TransactionType::Write, true, None)
        };
        let (Some(flight), _) = self.attempt_once(&write)? else { return Ok(false) };
        self.collect(Some(&flight))?;
        Ok(true)
    }
}

pub(super) fn check_type(ty: TransactionType) -> Result<()> {
    match ty {
        TransactionType::Other(_) => {
            let text = crate::memory::check_access(ty, 0, 0).err().unwrap_or_default();
            Err(Error::new(Status::InvalidArgument, SOURCE, text))
        }
        _ => Ok(()),
    }
}
