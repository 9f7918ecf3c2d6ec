//! The life of a request: its check, its transaction on the bus, and its end.

use std::sync::Arc;
use std::time::Duration;

use super::auditor::{Auditor, End};
use super::batcher::SlaveCall;
use super::client::{Active, MemoryClient, ReceivedRequest};
use super::drain::{self, Drain};
use super::outstanding::{Allowance, Outstanding, OutstandingTable, REQUEST_BYTES};
use super::refusal::{Cause, Refusal};
use super::responder::Responder;
use super::timing::Patience;
use crate::bridge::link::budget::note_failure;
use crate::bridge::link::options::add;
use crate::bridge::link::service::Turn;
use crate::clock::{self, Time};
use crate::error::{caught, Error, Status};
use crate::logging::log_debug;
use crate::memory::{check_access, Master, Route, Transaction, TransactionPool, TIMEOUT_TEXT};
use crate::proto::bridge::{Header, Malformed, Timing, LATE_TEXT, TYPE_POST};

/// Size of a read from which on its buffer is not cleared for a slave that fills it.
const CLEARED_BYTES_MAX: u32 = 64 * 1024;
/// Size of a transaction that any budget has room for.
const SMALL_BYTES: u32 = 4096;
/// For the record of a transaction that other code has taken the outcome of.
const COLLECTED_TEXT: &str = "The outcome of the transaction is not known";

/// Executes requests.
pub(super) struct Executor {
    pub(super) responder: Responder,
    pub(super) outstanding: OutstandingTable,
    pub(super) auditor: Auditor,
    master: Arc<Master>,
    /// The route of the present turn's requests.
    route: Route,
    /// Transactions for reuse.
    transactions: TransactionPool,
    transaction_bytes_max: u32,
    /// Bytes held for kept transactions whose clients are gone.
    orphaned_bytes: u64,
    drain: Arc<Drain>,
    /// The first address of the server.
    name: String,
}

impl Executor {
    pub(super) fn new(
        master: Arc<Master>,
        outstanding: OutstandingTable,
        responder: Responder,
        auditor: Auditor,
        transaction_bytes_max: u32,
        (drain, name): (Arc<Drain>, String),
    ) -> Executor {
        Executor {
            responder,
            outstanding,
            auditor,
            master,
            route: Route::default(),
            transactions: TransactionPool::default(),
            transaction_bytes_max,
            orphaned_bytes: 0,
            drain,
            name,
        }
    }

    /// The largest transaction of a client, and whether that is what the budget has room for.
    fn largest(&self, client: &Active<'_>) -> (u64, bool) {
        let max = u64::from(self.transaction_bytes_max);
        let by_budget = client.budget().largest().saturating_sub(REQUEST_BYTES);
        (max.min(by_budget), by_budget < max)
    }

    /// Whether a transaction exceeds the server's limit.
    #[inline]
    pub(super) fn is_too_large(&self, client: &Active<'_>, header: &Header) -> bool {
        header.size > SMALL_BYTES && u64::from(header.size) > self.largest(client).0
            || header.size > self.transaction_bytes_max
    }

    /// Bytes to be held for a request. One that will be refused costs nothing.
    #[inline]
    pub(super) fn cost(&self, client: &Active<'_>, header: &Header) -> u64 {
        match self.is_too_large(client, header) {
            true => 0,
            false => REQUEST_BYTES + u64::from(header.size),
        }
    }

    /// Bytes held for nobody in particular: for reuse, and for clients that are gone.
    pub(super) fn held_bytes(&self) -> u64 {
        self.orphaned_bytes + self.responder.buffers.held_bytes()
    }

    /// Frees memory that is kept for later.
    pub(super) fn give_back(&mut self) {
        self.responder.buffers.give_all_back();
        self.outstanding.give_back();
        self.transactions = TransactionPool::default();
    }

    /// Executes one request: answers it, or keeps its transaction until the slave completes it.
    pub(super) fn execute(
        &mut self,
        client: &mut Active<'_>,
        request: ReceivedRequest,
        turn: &mut Turn,
    ) {
        add(&self.responder.counters.requests, 1);
        let header = request.header;
        if header.is_probe() {
            let call = SlaveCall::none(turn.now);
            return self.responder.respond(client, &header, Ok(()), Vec::new(), call);
        }
        self.auditor.begin(&client.state.audited, (&header, &request.data), turn.now);
        let (tran, allowance, held_bytes) = match self.prepare(client, request, turn.now) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                self.auditor.end(&header, End::Refusal(&refusal), true, turn.now);
                return self.responder.refuse(client, &header, &refusal, turn.now);
            }
        };
        log_debug!(
            self.responder.log,
            "Starting transaction id={}, addr=0x{:x}, size={}, type={}",
            header.id,
            header.address,
            header.size,
            header.ty
        );
        if self.responder.batcher.is_due(turn.now) {
            // An error shows again at the end of the turn.
            let _ = self.responder.flush(client, turn.now);
        }
        let call = self.call_slave(&tran, turn);
        let id = client.id;
        let (is_locked, begun) = (false, None);
        let kept =
            Outstanding { tran, allowance, client: id, header, held_bytes, is_locked, begun };
        if !kept.tran.is_done() {
            match &client.state.times {
                Some(times) => times.keep(&kept.tran),
                // The time that the slave's own code took to send the request does not count.
                None => kept.tran.refresh_timer(None),
            }
            return self.keep(client, kept);
        }
        self.answer(client, kept, call);
    }

    /// Creates the transaction of a permitted request. Returns the bytes held for it too.
    #[inline]
    fn prepare(
        &mut self,
        client: &mut Active<'_>,
        request: ReceivedRequest,
        now: Time,
    ) -> Result<(Arc<Transaction>, Allowance, u64), Refusal> {
        let ReceivedRequest { header, timing, mut data } = request;
        if self.drain.has_begun() {
            return Err(drain::refusal(&header, &self.name));
        }
        self.master.update(&mut self.route);
        let is_skipped = header.carries_data() && data.len() != header.size as usize;
        self.check(client, &header, is_skipped)?;
        client.state.rights.check(&header)?;
        let allowance = self.allowance(client, &header, timing, now)?;
        if !header.carries_data() {
            data = self.allocate(&header)?;
        }
        self.outstanding.try_reserve_one().map_err(|_| no_memory(&header))?;
        let held_bytes = REQUEST_BYTES + data.capacity() as u64;
        let times = (allowance.start, allowance.timeout_ns);
        let pool = &mut self.transactions;
        self.master
            .prepare_from(pool, header.address, data.into(), header.ty.into(), times)
            .map(|tran| (tran, allowance, held_bytes))
            .map_err(|error| Cause::Memory.with(error.text().to_owned()))
    }

    /// Whether type, address and size of a request are possible. The data of one that `is_skipped` has
    /// not been kept, because it was too large when it began.
    fn check(&self, client: &Active<'_>, header: &Header, is_skipped: bool) -> Result<(), Refusal> {
        check_access(header.ty.into(), header.address, header.size)
            .map_err(|text| Cause::Access.with(text))?;
        if !self.is_too_large(client, header) {
            return match is_skipped {
                false => Ok(()),
                // The budget has grown since then.
                true => Err(Cause::Size.with(format!(
                    "Transaction size {} at 0x{:x} exceeded what the server's memory budget allowed \
                     when it began: ask again",
                    header.size, header.address
                ))),
            };
        }
        let (max, is_by_budget) = self.largest(client);
        let remedy = match is_by_budget {
            true => "ask for less at once, or raise the server's memory budget",
            false => "ask for less at once",
        };
        Err(Cause::Size.with(format!(
            "Transaction size {} at 0x{:x} exceeds the {max} bytes that this server allows: {remedy}",
            header.size, header.address
        )))
    }

    /// Refuses a request that the system has no memory for.
    #[cold]
    pub(super) fn refuse_for_memory(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        now: Time,
    ) {
        add(&self.responder.counters.requests, 1);
        let refusal = no_memory(header);
        self.auditor.refused(&client.state.audited, header, &refusal, now);
        self.responder.refuse(client, header, &refusal, now);
    }

    /// Refuses a write whose data does not match its header, and drops what is no request.
    #[cold]
    pub(super) fn refuse_malformed(
        &mut self,
        client: &mut Active<'_>,
        malformed: &Malformed,
        now: Time,
    ) {
        if let Some((header, refusal)) = self.responder.refuse_malformed(client, malformed, now) {
            self.auditor.refused(&client.state.audited, &header, &refusal, now);
        }
    }

    /// The time of a request: the client's, or the master's timeout if that is less. A late request
    /// is refused: its client has reported a failure to its user.
    fn allowance(
        &self,
        client: &mut Active<'_>,
        header: &Header,
        timing: Option<Timing>,
        now: Time,
    ) -> Result<Allowance, Refusal> {
        let (Some(times), Some(timing)) = (&mut client.state.times, timing) else {
            let (timeout_ns, grace) = (None, Duration::ZERO);
            return Ok(Allowance { start: now, timeout_ns, grace, patience: None });
        };
        let timeout = Duration::from_nanos(timing.timeout);
        let is_posted = header.ty == TYPE_POST;
        let start = times.begin(&timing, is_posted, now).map_err(|age| {
            Cause::Late.with(format!(
                "{TIMEOUT_TEXT} of {} bytes at 0x{:x}: {LATE_TEXT} of {timeout:?} had passed when \
                 its turn came, {age:?} after it was sent",
                header.size, header.address
            ))
        })?;
        let patience = Some(Patience { start, timeout, is_posted });
        Ok(match self.master.chosen_timeout_ns().filter(|&set| set < timing.timeout) {
            None => Allowance { start, timeout_ns: Some(timing.timeout), grace: timeout, patience },
            Some(set) => Allowance {
                // The master's timeout, but no longer than the client waits.
                start: (start + (timeout - Duration::from_nanos(set))).min(now),
                timeout_ns: Some(set),
                grace: Duration::ZERO,
                patience,
            },
        })
    }

    /// Allocates the buffer of a read.
    fn allocate(&mut self, header: &Header) -> Result<Vec<u8>, Refusal> {
        let size = header.size as usize;
        let buffers = &mut self.responder.buffers;
        // Old content must not reach this client if the slave fills too little.
        let buffer = match header.size > CLEARED_BYTES_MAX && self.route.fills_reads() {
            true => buffers.dirty(size),
            false => buffers.zeroed(size),
        };
        buffer.map_err(|_| no_memory(header))
    }

    /// Hands a transaction to the slave. A panic of the slave fails it, not the server.
    #[inline]
    fn call_slave(&mut self, tran: &Arc<Transaction>, turn: &mut Turn) -> SlaveCall {
        if let Err(text) = caught(|| self.route.launch(tran)) {
            tran.error(format!("The slave panicked: {text}"));
        }
        // The end of one call is the start of the next.
        let call = SlaveCall { began: turn.now, ended: clock::now() };
        turn.now = call.ended;
        self.responder.batcher.called(call);
        call
    }

    /// The turn of a client has ended.
    pub(super) fn let_go_of_slave(&mut self) {
        self.route = Route::default();
    }

    fn keep(&mut self, client: &mut Active<'_>, mut kept: Outstanding) {
        kept.begun = self.auditor.keep();
        client.state.outstanding += 1;
        client.state.outstanding_bytes += kept.held_bytes;
        self.outstanding.keep(kept);
    }

    // ------------------------------------------------------------------ the end

    /// Answers a kept transaction, at `now`.
    pub(super) fn answer_kept(
        &mut self,
        client: &mut Active<'_>,
        mut kept: Outstanding,
        now: Time,
    ) {
        self.auditor.resume(kept.begun.take());
        client.state.outstanding -= 1;
        client.state.outstanding_bytes -= kept.held_bytes;
        self.answer(client, kept, SlaveCall::none(now));
    }

    /// Answers a transaction that the slave has completed. A successful one is kept until the lock
    /// of its data is free, but not beyond its time.
    #[inline]
    fn answer(&mut self, client: &mut Active<'_>, mut ended: Outstanding, call: SlaveCall) {
        let header = ended.header;
        if let Err(tran) = self.answer_unless_locked(client, &header, ended.tran, call) {
            if !ended.allowance.is_over(&tran, call.ended) {
                (ended.tran, ended.is_locked) = (tran, true);
                return self.keep(client, ended);
            }
            let why = format!(
                "{TIMEOUT_TEXT} {} message response. The slave has completed it and still holds \
                 the lock of its data.",
                tran.id()
            );
            let error = Error::new(Status::TransactionTimeout, "", why);
            return self.fail(client, &header, &error, call);
        }
        if let Some(patience) = ended.allowance.patience {
            let end = client.answers().queued_octets();
            if let Some(times) = &mut client.state.times {
                times.queued(end, patience);
            }
        }
    }

    #[inline]
    fn answer_unless_locked(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        tran: Arc<Transaction>,
        call: SlaveCall,
    ) -> Result<(), Arc<Transaction>> {
        let tran = match self.transactions.collect_success(tran) {
            Ok(buffer) => {
                let data = buffer.into_vec();
                self.auditor.end(header, End::Success(&data), true, call.ended);
                self.responder.respond(client, header, Ok(()), data, call);
                return Ok(());
            }
            Err(tran) => tran,
        };
        let (outcome, data) = match self.transactions.collect(tran) {
            Ok(Some((outcome, buffer))) => (outcome, buffer.into_vec()),
            Ok(None) => {
                self.auditor.end(header, End::Abandoned(COLLECTED_TEXT), false, call.ended);
                return Ok(());
            }
            Err(tran) => match tran.outcome() {
                // The buffer is freed with the last reference.
                Some(Err(error)) => {
                    self.fail(client, header, &error, call);
                    return Ok(());
                }
                _ => return Err(tran),
            },
        };
        let outcome = match &outcome {
            Ok(()) => {
                self.auditor.end(header, End::Success(&data), true, call.ended);
                Ok(())
            }
            Err(error) => {
                self.auditor.end(header, End::Failure(error), true, call.ended);
                log_debug!(
                    self.responder.log,
                    "Transaction id={} failed: {}",
                    header.id,
                    error.text()
                );
                Err(error.text())
            }
        };
        self.responder.respond(client, header, outcome, data, call);
        Ok(())
    }

    /// Answers a transaction with inaccessible data by an error.
    #[cold]
    fn fail(&mut self, client: &mut Active<'_>, header: &Header, error: &Error, call: SlaveCall) {
        let why = error.text();
        log_debug!(self.responder.log, "Transaction id={} failed: {why}", header.id);
        self.auditor.end(header, End::Failure(error), true, call.ended);
        self.responder.fail(client, header, why, call);
    }

    /// A client is gone; what the slave keeps for it stays until the slave completes it.
    pub(super) fn left(&mut self, client: &MemoryClient) {
        self.orphaned_bytes += client.outstanding_bytes;
    }

    /// Takes back a transaction whose client is gone.
    pub(super) fn drop_answer(&mut self, kept: Outstanding) {
        self.orphaned_bytes -= kept.held_bytes;
        self.record_unanswered(kept, None);
        add(&self.responder.counters.dropped_responses, 1);
    }

    /// Gives all kept transactions up.
    pub(super) fn give_up(&mut self, why: &str) {
        for kept in self.outstanding.give_up(why) {
            self.record_unanswered(kept, Some(why));
        }
    }

    /// Records a transaction that nobody is told the end of, and takes it back. `given_up`: why it has
    /// been, if it has.
    fn record_unanswered(&mut self, mut kept: Outstanding, given_up: Option<&str>) {
        let header = kept.header;
        self.auditor.resume(kept.begun.take());
        let outcome = kept.tran.outcome();
        // If its buffer is locked, the last reference frees it.
        let data = self.transactions.collect(kept.tran).ok().flatten();
        if self.auditor.is_recording() {
            let now = clock::now();
            let data = data.map(|(_, buffer)| buffer.into_vec()).unwrap_or_default();
            let end = match (&outcome, given_up) {
                (Some(Ok(())), _) => End::Success(&data),
                (Some(Err(_)), Some(why)) => End::Abandoned(why),
                (Some(Err(error)), None) => End::Failure(error),
                (None, _) => End::Abandoned(COLLECTED_TEXT),
            };
            self.auditor.end(&header, end, false, now);
        }
    }
}

/// The refusal of a request that the system has no memory for.
#[cold]
fn no_memory(header: &Header) -> Refusal {
    note_failure();
    Cause::Memory.with(format!(
        "No memory for {} bytes at 0x{:x}: the system gives the server's process no more: ask again \
         later or for less at once, or limit its memory budget",
        header.size, header.address
    ))
}
