//! The transactions of a block: what is sent, and what becomes of the answer.
//!
//! A transaction has a buffer of its own. The bytes of a write are copied when it is sent, and
//! those of a read are taken over when it is collected, so the staged bytes are free meanwhile. A
//! block has at most one transaction under way, and every thread that wants the next one waits for
//! it first, with no lock held.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::again::Taken;
use super::layout::Span;
use super::maps::zeros;
use super::model::Mode;
use super::registers::{Block, Slot, State};
use super::unchecked::Failure;
use super::variable::Variable;
use crate::error::{Error, Result, Status};
use crate::logging::log_warning;
use crate::memory::{burst, split, Master, Slave, Transaction, TransactionType};

pub(super) const CHECK_SOURCE: &str = "Block::checkTransaction";
pub(super) const START_SOURCE: &str = "Block::startTransaction";
/// The largest transaction of a brief request: it is copied in less than a microsecond.
const BRIEF_BYTES_MAX: u64 = 4096;

/// Why a transaction was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// The block, or the variable, is only read.
    ReadOnly,
    /// The block, or the variable, is only written.
    WriteOnly,
    /// Nothing has been staged since the last write, and the write is not forced.
    NothingStaged,
    /// All that would be read is staged and not written yet.
    AllStaged,
    /// Nothing that is verified has been written since the last verify.
    NothingToVerify,
    /// The write before this verify has failed; the next check reports it.
    WriteFailed,
    /// The block is [disabled](Block::set_enable).
    Disabled,
}

/// How the start of a transaction went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Started {
    /// `None` if it was sent.
    pub skipped: Option<Skip>,
    /// It has been checked, and variables that are notified may have changed.
    pub is_updated: bool,
}

/// A transaction under way.
pub(super) struct Flight {
    pub(super) tran: Arc<Transaction>,
    pub(super) ty: TransactionType,
    pub(super) span: Span,
    /// The block's address, as seen from the end of the path.
    address: u64,
    /// The thread that sends it gets the outcome from here; otherwise its next check does. Changes
    /// under the lock of the state.
    pub(super) is_owned: AtomicBool,
    /// The thread that has started it.
    starter: usize,
    /// Whether a good end is an update for variables.
    pub(super) is_notified: bool,
    /// What it has taken along, if another attempt follows when it fails.
    taken: Option<Taken>,
    /// What is to be verified stays so if it fails: it is written again before the next attempt.
    keeps_unverified: bool,
    /// Whether a slave gets it, or has got it.
    is_taken: AtomicBool,
    /// The thread that is handing it to the slave; 0 = none.
    sender: AtomicUsize,
    pub(super) verdict: OnceLock<std::result::Result<(), Fault>>,
}

/// How a transaction failed.
#[derive(Clone)]
pub(super) enum Fault {
    /// Not sent; another attempt would not help.
    Refused(Error),
    Failed(Error),
    /// What was read back differs from what was written to the span.
    Differs(Error, Span),
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        match self {
            Fault::Refused(error) | Fault::Failed(error) | Fault::Differs(error, _) => error,
        }
    }
}

/// What a transaction covers of a variable.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) variable: &'a Variable,
    /// Its index in the block, unless the variables have been replaced since.
    pub(super) slot: usize,
    /// The first and the last element.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// One transaction that is wanted.
#[derive(Clone)]
pub(super) struct Request<'a> {
    pub(super) ty: TransactionType,
    pub(super) is_forced: bool,
    /// `None` for the whole block.
    pub(super) target: Option<Target<'a>>,
    pub(super) is_owned: bool,
    /// The number of this attempt, from 1 on.
    pub(super) attempt: u32,
    /// The program has forced it, not an earlier attempt that has failed.
    pub(super) insists: bool,
    /// The bytes that an earlier attempt has sent.
    pub(super) again: Option<Span>,
    /// Send the same bytes once more, instead of the staged ones.
    pub(super) resends: bool,
    /// The path, if it has been looked at already.
    pub(super) path: Option<Path>,
    /// It must neither wait, but for an answer that [comes in a moment](Block::ends_briefly), nor
    /// run the program's code.
    pub(super) is_brief: bool,
}

/// What became of a request.
pub(super) enum Attempt {
    /// There is no transaction: why, or `None` if a read has ended well [without
    /// one](Block::read_at_once).
    Over(Option<Skip>),
    /// Another transaction of the block is under way, or it is another thread's turn. For a brief
    /// request also: it would have to wait, or to run the program's code.
    Busy,
    /// It is under way, but has not been handed to the slave.
    Ready(Arc<Flight>, Arc<dyn Slave>),
}

/// The limits of the path to the device.
#[derive(Clone, Copy)]
pub(super) struct Path {
    min: u64,
    max: u64,
    /// The block's address.
    address: u64,
}

/// Identifies the calling thread.
pub(super) fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here) as usize)
}

/// Hands `flights`, which this thread has [taken](Flight::take), to `slave`.
pub(super) fn launch(flights: &[Arc<Flight>], slave: &dyn Slave) {
    let _sending = Sending(flights);
    match flights {
        [flight] if !flight.tran.is_done() => split::forward(slave, &flight.tran),
        [_] => {}
        _ => {
            let all: Vec<Arc<Transaction>> = flights.iter().map(|one| one.tran.clone()).collect();
            burst::forward_all(slave, &all);
        }
    }
    if !slave.is_prompt() {
        flights.iter().for_each(|flight| Master::handed_over(&flight.tran));
    }
}

/// Flights that this thread hands to a slave. Gives them up if the slave panics.
struct Sending<'a>(&'a [Arc<Flight>]);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        for flight in self.0 {
            flight.sender.store(0, Ordering::Release);
            if std::thread::panicking() {
                flight.tran.give_up("The slave panicked when it received the transaction");
            }
        }
    }
}

/// Gives up those of `flights` that no slave has got.
pub(super) fn recall(flights: &[Arc<Flight>]) {
    for flight in flights.iter().filter(|flight| flight.take()) {
        flight.sender.store(0, Ordering::Release);
        flight.tran.give_up("Not sent: another slave panicked before");
    }
}

impl Flight {
    /// Takes it for a slave; false if that has been done.
    pub(super) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }

    pub(super) fn is_being_sent_here(&self) -> bool {
        self.sender.load(Ordering::Acquire) == this_thread()
    }

    /// The block no longer exists.
    pub(super) fn abandon(self: Arc<Self>) {
        if self.tran.is_inherited() {
            // Of the parent process: threads that do not exist here may hold its locks.
            std::mem::forget(self);
            return;
        }
        // The slave that looks at the data is not waited for: it may need the interpreter's lock, which
        // this thread may have. The transaction owns the data.
        self.tran.give_up_at_once("The block that requested the transaction no longer exists");
        self.tran.try_collect();
    }
}

impl State {
    /// The place of what `request` covers of a variable, if it does and the block still has that.
    pub(super) fn target<'a>(&'a self, request: &Request<'_>) -> Option<(&'a Slot, u32, u32)> {
        let Target { variable, slot, first, last } = request.target?;
        let slot = self.slots.get(slot).filter(|slot| std::ptr::eq(&*slot.variable, variable))?;
        Some((slot, first, last))
    }

    /// Why `request` needs no transaction, as far as is known before the one under way has ended.
    fn skip(&self, request: &Request<'_>) -> Option<Skip> {
        let variable = self.target(request).map(|(slot, ..)| slot);
        let is = |mode: &Mode| {
            self.mode == *mode || variable.is_some_and(|slot| slot.variable.spec().mode == *mode)
        };
        let is_stale = !self.stale_slots.is_empty();
        match request.ty {
            // Other variables that are staged go with it.
            TransactionType::Write | TransactionType::Post
                if is(&Mode::ReadOnly) && !(is_stale && self.mode != Mode::ReadOnly) =>
            {
                Some(Skip::ReadOnly)
            }
            TransactionType::Write if !is_stale && !request.is_forced => Some(Skip::NothingStaged),
            TransactionType::Read if is(&Mode::WriteOnly) => Some(Skip::WriteOnly),
            TransactionType::Read if is_stale && self.hides(request) => Some(Skip::AllStaged),
            TransactionType::Verify if self.unchecked.has_failed_write() => Some(Skip::WriteFailed),
            TransactionType::Verify if self.mode == Mode::ReadOnly => Some(Skip::ReadOnly),
            TransactionType::Verify if self.mode == Mode::WriteOnly => Some(Skip::WriteOnly),
            TransactionType::Verify if self.unverified.is_none() => Some(Skip::NothingToVerify),
            _ => None,
        }
    }

    /// Whether everything that a read would show is staged.
    fn hides(&self, request: &Request<'_>) -> bool {
        match self.target(request) {
            Some((slot, first, last)) => self.image.is_all_stale(&slot.layout, first, last),
            None => {
                let mut shown =
                    self.slots.iter().filter(|slot| slot.variable.spec().mode != Mode::WriteOnly);
                shown.all(|Slot { layout, .. }| {
                    self.image.is_all_stale(layout, 0, layout.count() - 1)
                })
            }
        }
    }

    /// The bytes that `request` covers.
    pub(super) fn span(&self, request: &Request<'_>, size: u32) -> Span {
        let whole = Span { low: 0, high: size.into() };
        match (request.ty, self.target(request)) {
            (TransactionType::Verify, _) => self.unverified.unwrap_or(whole),
            (_, None) => whole,
            (TransactionType::Read, Some((slot, first, last))) => slot.layout.span(first, last),
            (_, Some((slot, ..))) => {
                let own = match slot.variable.spec().mode {
                    Mode::ReadOnly => None,
                    _ => Some(slot.stale.unwrap_or_else(|| slot.layout.whole())),
                };
                let stale =
                    self.stale_slots.iter().filter_map(|index| self.slots.get(*index)?.stale);
                stale.chain(own).reduce(Span::union).unwrap_or(whole)
            }
        }
    }

    /// Whether a transaction of `request` takes a moment, needs no further attempt, and has nothing to
    /// log.
    fn is_brief(&self, request: &Request<'_>, size: u32) -> bool {
        self.retry_count == 0
            && !self.unchecked.has_failures()
            && self.span(request, size).size() <= BRIEF_BYTES_MAX
    }

    /// Nothing within `span`, which contains all that is stale, is stale any more.
    pub(super) fn clear_stale(&mut self, span: Span) {
        for index in std::mem::take(&mut self.stale_slots) {
            self.slots[index].stale = None;
        }
        self.image.clear_stale(span);
    }

    /// The bytes that a transaction of `request` starts with; `None` without memory for them.
    fn bytes(&mut self, request: &Request<'_>, span: Span) -> Option<Vec<u8>> {
        if !request.ty.is_write() {
            return zeros(span.size() as usize);
        }
        let bytes = match request.resends {
            true => self.image.sent(span),
            false => self.image.outgoing(span),
        }?;
        self.image.note_sent(span, &bytes, request.ty == TransactionType::Write);
        if request.ty == TransactionType::Write && self.image.maps().has_verified {
            self.unverified = Some(span.and(self.unverified));
        }
        Some(bytes)
    }

    /// Keeps what has become of `flight` for the next check of its thread.
    pub(super) fn leave_to_check(&mut self, flight: &Flight) {
        match flight.verdict.get() {
            Some(Ok(())) if flight.is_notified => self.unchecked.update(flight.starter),
            Some(Ok(())) => {}
            Some(Err(fault)) => {
                let error = fault.clone().into_error();
                let failure = Failure { error, is_of_write: flight.ty.is_write() };
                self.unchecked.fail(flight.starter, failure);
            }
            None => {}
        }
    }

    /// Takes the answer to `flight` over.
    pub(super) fn absorb(
        &mut self,
        flight: &Flight,
        outcome: Result<()>,
        bytes: &[u8],
    ) -> std::result::Result<(), Fault> {
        let has_next = flight.is_owned.load(Ordering::Relaxed);
        if let Err(error) = outcome {
            if let Some(taken) = flight.taken.as_ref().filter(|_| has_next) {
                self.give_back(flight.span, taken);
            }
            if flight.ty == TransactionType::Write && !(flight.keeps_unverified && has_next) {
                self.image.clear_unverified(flight.span);
                self.unverified = self.unverified.filter(|span| self.image.is_unverified(*span));
            }
            let (path, address) = (&self.path, flight.address as u32);
            let text = format!(
                "Transaction error for block {path} with address 0x{address:08x}. Error {}",
                error.text()
            );
            return Err(Fault::Failed(Error::new(error.status(), CHECK_SOURCE, text)));
        }
        match flight.ty {
            TransactionType::Read => self.image.absorb(flight.span, bytes),
            TransactionType::Verify => return self.compare(flight, bytes),
            _ => {}
        }
        Ok(())
    }

    fn compare(&mut self, flight: &Flight, bytes: &[u8]) -> std::result::Result<(), Fault> {
        let difference = self.image.difference(flight.span, bytes);
        let has_next = flight.keeps_unverified && flight.is_owned.load(Ordering::Relaxed);
        // Until it is written again, no read takes its place.
        if difference.is_none() || !has_next {
            self.forget_unverified(flight.span);
        }
        let Some(found) = difference else { return Ok(()) };
        let text = format!(
            "Verify error for block {} with address 0x{:08x}. Byte: {}. Got: 0x{:02x}, \
             Exp: 0x{:02x}, Mask: 0x{:02x}",
            self.path, flight.address as u32, found.index, found.found, found.expected, found.mask
        );
        let error = Error::new(Status::Verify, CHECK_SOURCE, text);
        Err(Fault::Differs(error, flight.span))
    }
}

impl Path {
    /// `span` as it is transferred, in a block of `size` bytes whose path is `name`; an error if it
    /// is too large.
    pub(super) fn admit(&self, span: Span, size: u32, name: &str) -> Result<Span> {
        let span = span.aligned(self.min, self.address, size.into());
        match self.max != 0 && span.size() > self.max {
            true => Err(too_large(name, self, span)),
            false => Ok(span),
        }
    }
}

impl Block {
    /// The path to `slave`. Calls the program's code.
    pub(super) fn path_to(&self, slave: &dyn Slave) -> Path {
        Path {
            min: slave.min_access().into(),
            max: slave.max_access().into(),
            address: slave.address().wrapping_add(self.offset),
        }
    }

    /// Starts what `request` wants, unless there is no need. Without `may_wait` it does not wait
    /// for a transaction under way.
    pub(super) fn attempt(
        &self,
        request: &Request<'_>,
        may_wait: bool,
    ) -> std::result::Result<Attempt, Fault> {
        // Of the program's code, so before the lock is taken.
        let slave = self.master.slave();
        let is_brief = slave.is_brief();
        if request.is_brief && !is_brief {
            return Ok(Attempt::Busy);
        }
        let path = request.path.unwrap_or_else(|| self.path_to(&*slave));
        let end = (is_brief && request.ty == TransactionType::Read)
            .then(|| self.end_of(&slave))
            .flatten();
        loop {
            let mut state = self.state_or(START_SOURCE).map_err(Fault::Refused)?;
            if Block::is_taken(&state) {
                if !may_wait {
                    return Ok(Attempt::Busy);
                }
                state = self.until_free(state).map_err(Fault::Refused)?;
            }
            if let (Some(target), None) = (request.target, state.target(request)) {
                return Err(Fault::Refused(target.variable.homeless()));
            }
            if let Some(skip) = state.skip(request) {
                return Ok(Attempt::Over(Some(skip)));
            }
            if let Some(flight) = state.flight.clone() {
                drop(state);
                if may_wait {
                    self.settle(&flight)?;
                } else if !request.is_brief || !self.ends_briefly(&flight)? {
                    return Ok(Attempt::Busy);
                }
                continue;
            }
            if request.is_brief && !state.is_brief(request, self.size) {
                return Ok(Attempt::Busy);
            }
            let is_read =
                end.as_ref().is_some_and(|end| self.read_at_once(&mut state, request, &path, end));
            let flight = match is_read {
                true => None,
                false => self.begin(&mut state, request, &path)?,
            };
            // A verify continues what has failed; everything else begins anew.
            let missed = match is_read || flight.is_some() {
                true => {
                    state.unchecked.start(request.is_owned, request.ty == TransactionType::Verify)
                }
                false => None,
            };
            if is_read && state.is_notified {
                state.unchecked.update(this_thread());
            }
            drop(state);
            if let Some(error) = missed {
                log_warning!(self.logger(), "A failure that nothing has checked: {error}");
            }
            return Ok(match flight {
                Some(flight) => Attempt::Ready(flight, slave),
                None => Attempt::Over((!is_read).then_some(Skip::Disabled)),
            });
        }
    }

    /// Creates the transaction of `request`; `None` if the block is disabled.
    fn begin(
        &self,
        state: &mut State,
        request: &Request<'_>,
        path: &Path,
    ) -> std::result::Result<Option<Arc<Flight>>, Fault> {
        let mut span = state.span(request, self.size).and(request.again);
        if request.resends {
            span = request.again.unwrap_or(span);
        }
        let span = path.admit(span, self.size, &state.path).map_err(|error| {
            if request.ty == TransactionType::Verify {
                // It is told now, and stands in the way of no later one.
                state.forget_unverified(span);
            }
            Fault::Refused(error)
        })?;
        let out_of_memory = |state: &State| Fault::Refused(no_memory(&state.path, span));
        let has_next = request.is_owned && request.attempt <= state.retry_count;
        let taken = match has_next && request.ty.is_write() && !request.resends {
            true => Some(state.take_along(request, span).ok_or_else(|| out_of_memory(state))?),
            false => None,
        };
        if request.resends && !state.image.show_unverified(span) {
            // Another thread has verified it meanwhile.
            return Ok(None);
        }
        let bytes = match state.is_enabled {
            true => Some(state.bytes(request, span).ok_or_else(|| out_of_memory(state))?),
            false => None,
        };
        if request.ty.is_write() && !request.resends {
            state.clear_stale(span);
        }
        let Some(bytes) = bytes else { return Ok(None) };
        let tran = self.master.prepare(self.offset + span.low, bytes.into(), request.ty);
        let flight = Arc::new(Flight {
            tran: tran.map_err(Fault::Refused)?,
            ty: request.ty,
            span,
            address: path.address,
            is_owned: request.is_owned.into(),
            starter: this_thread(),
            is_notified: state.is_notified,
            taken,
            keeps_unverified: has_next
                && (request.ty == TransactionType::Verify || request.resends),
            is_taken: AtomicBool::new(false),
            sender: AtomicUsize::new(this_thread()),
            verdict: OnceLock::new(),
        });
        state.flight = Some(flight.clone());
        Ok(Some(flight))
    }
}

impl<'a> Request<'a> {
    /// A request without a history.
    pub(super) fn new(
        ty: TransactionType,
        is_forced: bool,
        target: Option<Target<'a>>,
    ) -> Request<'a> {
        let (is_owned, resends, is_brief) = (false, false, false);
        let (attempt, insists, again, path) = (1, is_forced, None, None);
        Request {
            ty,
            is_forced,
            target,
            is_owned,
            attempt,
            insists,
            again,
            resends,
            path,
            is_brief,
        }
    }

    /// Another attempt after `fault` of a transaction that covered `span`.
    pub(super) fn note_failed(&mut self, span: Option<Span>) {
        self.is_forced = true;
        self.attempt += 1;
        if self.ty.is_write() {
            self.again = span.or(self.again);
        }
    }
}

#[cold]
fn no_memory(path: &str, span: Span) -> Error {
    let text =
        format!("There is no memory for a transaction of {} bytes of block {path}", span.size());
    Error::new(Status::OutOfResources, START_SOURCE, text)
}

#[cold]
fn too_large(path: &str, limits: &Path, span: Span) -> Error {
    let (size, max, address) = (span.size(), limits.max, limits.address as u32);
    let text = format!(
        "Transaction of {size} bytes for block {path} with address 0x{address:08x} is larger than \
         the largest access of {max} bytes: make the block smaller, or put a hub between"
    );
    Error::new(Status::InvalidArgument, START_SOURCE, text)
}
