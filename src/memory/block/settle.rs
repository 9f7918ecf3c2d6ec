//! The ends of transactions: waits for them, and what becomes of the answers.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::registers::Block;
use super::transfer::{launch, Fault, Flight, CHECK_SOURCE, START_SOURCE};
use super::watch;
use crate::error::{Error, Result, Status};
use crate::memory::{Transaction, TransactionType};

impl Block {
    /// Waits until `flight` is no longer under way, and takes its answer over.
    pub(super) fn settle(&self, flight: &Arc<Flight>) -> std::result::Result<(), Fault> {
        let tran = &flight.tran;
        loop {
            if !tran.is_done() {
                if flight.is_being_sent_here() {
                    if !flight.take() {
                        return Err(Fault::Refused(self.nested()));
                    }
                    // Its turn would come after the slave that uses the block now, which may have taken
                    // its time.
                    tran.refresh_timer(None);
                    launch(std::slice::from_ref(flight), &*self.master.slave());
                    continue;
                }
                wait_for(tran)?;
            }
            if self.take_over(flight)? {
                return Ok(());
            }
            // The slave that has completed it still looks at the data.
            watch::wait(|limit| tran.is_settled_by(limit)).map_err(Fault::Refused)?;
        }
    }

    /// Takes the answer to `flight`, which has ended, over. False, and nothing has changed, while a
    /// slave still looks at the data.
    pub(super) fn take_over(&self, flight: &Arc<Flight>) -> std::result::Result<bool, Fault> {
        let tran = &flight.tran;
        let mut state = self.state_or(CHECK_SOURCE).map_err(Fault::Refused)?;
        if !state.flight.as_ref().is_some_and(|current| Arc::ptr_eq(current, flight)) {
            return Ok(true);
        }
        let Some((outcome, buffer, is_due)) = tran.try_collect_quietly() else {
            return Ok(false);
        };
        state.flight = None;
        let bytes = buffer.map(|buffer| buffer.into_vec()).unwrap_or_default();
        let verdict = state.absorb(flight, outcome, &bytes);
        // The first one: only the thread that takes the flight out gets here.
        let _ = flight.verdict.set(verdict);
        if !flight.is_owned.load(Ordering::Relaxed) {
            state.leave_to_check(flight);
        }
        drop(state);
        if is_due {
            tran.do_due();
        }
        Ok(true)
    }

    /// Waits until nothing is under way.
    pub(super) fn settle_all(&self) -> Result<()> {
        loop {
            let flight = self.state_or(CHECK_SOURCE)?.flight.clone();
            let Some(flight) = flight else { return Ok(()) };
            self.settle(&flight).map_err(Fault::into_error)?;
        }
    }

    #[cold]
    fn nested(&self) -> Error {
        let text = format!(
            "Block {} is used by the slave that it is handing a transaction to, in the same \
             thread: use it after that call",
            self.path()
        );
        Error::new(Status::InvalidArgument, START_SOURCE, text)
    }

    /// Waits for `flight`, or for whatever is under way, and returns whether variables are to be
    /// notified.
    pub(super) fn collect(&self, flight: Option<&Arc<Flight>>) -> std::result::Result<bool, Fault> {
        match flight {
            Some(flight) => self.settle_own(flight)?,
            // Only what is under way now: other threads may go on for ever.
            None => {
                let state = self.state_or(CHECK_SOURCE).map_err(Fault::Refused)?;
                let flight = state.flight.clone();
                drop(state);
                flight.map_or(Ok(()), |flight| self.settle(&flight))?;
            }
        }
        self.verdict(flight)
    }

    /// What a check reports when `flight`, or what was under way, has ended; as
    /// [`collect`](Self::collect).
    pub(super) fn verdict(&self, flight: Option<&Arc<Flight>>) -> std::result::Result<bool, Fault> {
        let mut state = self.state_or(CHECK_SOURCE).map_err(Fault::Refused)?;
        let own = match flight {
            None => state.unchecked.take(),
            // A verify belongs to what is before it.
            Some(flight) if flight.ty == TransactionType::Verify => state.unchecked.take_own(),
            Some(_) => Ok(false),
        };
        let result = own.map_err(Fault::Failed).and_then(|is_updated| {
            flight.and_then(|flight| flight.verdict.get()).cloned().unwrap_or(Ok(()))?;
            Ok(is_updated || flight.is_some_and(|flight| flight.is_notified))
        });
        if result.is_err() {
            state.unchecked.forget_updates();
        }
        // Of all that are not told yet.
        let is_updated = result? | state.unchecked.take_updates();
        Ok(is_updated && state.is_enabled)
    }

    /// Whether variables are to be notified, when nothing has failed.
    pub(super) fn take_updates(&self) -> std::result::Result<bool, Fault> {
        let mut state = self.state_or(CHECK_SOURCE).map_err(Fault::Refused)?;
        Ok(state.unchecked.take_updates() && state.is_enabled)
    }

    /// [Settles](Self::settle) `flight`, or leaves it to the next check.
    pub(super) fn settle_own(&self, flight: &Arc<Flight>) -> std::result::Result<(), Fault> {
        self.settle(flight).inspect_err(|_| self.disown(flight))
    }

    /// Leaves `flight`, whose thread waits for it no longer, to the next check.
    pub(super) fn disown(&self, flight: &Flight) {
        let Some(mut state) = self.own_state() else { return };
        if flight.is_owned.swap(false, Ordering::Relaxed) {
            // Another thread may have taken its answer over meanwhile.
            state.leave_to_check(flight);
        }
    }
}

/// Waits for the end of `tran`, with no lock held.
fn wait_for(tran: &Arc<Transaction>) -> std::result::Result<(), Fault> {
    let wait = |limit| {
        tran.wait_until(limit);
        tran.is_done() || tran.is_lost()
    };
    watch::wait(wait).map_err(Fault::Refused)
}
