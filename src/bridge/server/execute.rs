//! From a request to a transaction on the bus, and from its end to the response.

use std::cmp::Reverse;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::add;
use super::connections::{Client, Outstanding, Served};
use super::driver::Driver;
use crate::bridge::wire::Wire;
use crate::clock::{self, Time};
use crate::error::{panic_text, Result};
use crate::logging::{log_debug, log_warning};
use crate::memory::{Path, Transaction};
use crate::proto::bridge::{
    encode_response, encode_response_head, encode_response_tail, error_result, Dialect, Header,
    Malformed, RESULT_OK, TYPE_POST, TYPE_READ, TYPE_VERIFY, TYPE_WRITE,
};

/// Responses that may wait for a client to read them before no more of its requests are read.
const BACKLOG_BYTES_MAX: usize = 1 << 20;
/// Bytes of the transactions of one client that may be outstanding together; one transaction is
/// always allowed.
const OUTSTANDING_BYTES_MAX: u64 = 64 << 20;
/// How many of the largest allowed transactions all clients together may keep in memory, asked
/// for or answered and not read. Requests that would need more are refused; small ones never are.
const HELD_TRANSACTIONS_MAX: u64 = 8;
const SMALL_BYTES_MAX: u32 = 64 * 1024;
/// Data of a response that is encoded in one piece.
const WHOLE_BYTES_MAX: usize = 1024;
/// How long an answer may wait for others to go out with it.
const ANSWER_DELAY_MAX: Duration = Duration::from_millis(1);
/// A slave whose call takes this long may do so again: for a while no answer waits for its calls.
const LONG_CALL_TIME_MIN: Duration = Duration::from_millis(20);
/// Times of ended transactions that are not worth throwing away.
const CHECKS_KEPT_MIN: usize = 64;
const LONG_CALL_MEMORY: Duration = Duration::from_secs(600);

/// How long the slave's calls take. A burst of requests that the slave completes at once is
/// answered together, but no answer waits long for calls that come after it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The end of the last call, or the beginning of the series.
    now: Time,
    /// Until then calls are expected to take long.
    careful_until: Time,
    /// Since when an answer waits to be sent.
    unsent_since: Option<Time>,
}

impl Pace {
    /// The time as of the last call, or the beginning of the series.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Everything has been sent, as far as the sockets take it.
    pub(super) fn answered(&mut self) {
        self.unsent_since = None;
    }

    fn answer_waits(&mut self) {
        self.unsent_since.get_or_insert(self.now);
    }

    /// Whether the answers that wait are to be sent before a call begins.
    fn is_answer_due(&self, now: Time) -> bool {
        self.unsent_since
            .is_some_and(|since| now < self.careful_until || now.since(since) >= ANSWER_DELAY_MAX)
    }

    /// Begins a series of calls.
    pub(super) fn begin(&mut self, now: Time) {
        self.now = now;
    }

    /// A call has ended that began at [`now`](Self::now): one reading of the clock is the end of
    /// one call and the beginning of the next.
    fn called(&mut self, end: Time) {
        let start = std::mem::replace(&mut self.now, end);
        if end.since(start) >= LONG_CALL_TIME_MIN {
            self.careful_until = end + LONG_CALL_MEMORY;
        }
    }
}

impl Driver {
    /// Looks a client up for a series of requests or answers, to be [put back](Self::put_back).
    pub(super) fn serve(&mut self, token: usize) -> Option<Served> {
        let client = *self.clients.get(&token)?;
        let response = self.connections.take_out(client.response)?;
        Some(Served { token, client, response, path: Path::default(), has_answered: false })
    }

    /// Ends a series of requests or answers.
    pub(super) fn put_back(&mut self, served: Served) {
        let Served { token, client, response, has_answered, .. } = served;
        if has_answered && self.dirty.last() != Some(&client.response) {
            self.dirty.push(client.response);
        }
        self.connections.put_back(client.response, response);
        *self.clients.get_mut(&token).expect("it stays in the table") = client;
    }

    /// Whether the next request of a client may be executed.
    #[inline]
    pub(super) fn may_execute(&self, served: &mut Served) -> bool {
        let client = &served.client;
        if client.outstanding >= self.options.window.max(1)
            || client.outstanding > 0 && client.outstanding_bytes >= OUTSTANDING_BYTES_MAX
        {
            return false;
        }
        let wire = &mut served.response.wire;
        wire.backlog() < BACKLOG_BYTES_MAX || has_room_after_flush(wire)
    }

    /// Whether the next request of the client with this token may be executed. A connection that
    /// is not a client's yet may always be read: it cannot send requests.
    pub(super) fn may_go_on(&mut self, token: usize) -> bool {
        let Some(mut served) = self.serve(token) else { return true };
        let may_execute = self.may_execute(&mut served);
        self.put_back(served);
        may_execute
    }

    /// Executes one request with a copy of its data. Returns false where there is no memory for
    /// that.
    #[inline]
    pub(super) fn execute_with(
        &mut self,
        served: &mut Served,
        header: Header,
        data: &[u8],
    ) -> bool {
        let copy = if data.is_empty() { Ok(Vec::new()) } else { self.buffers.copied(data) };
        copy.map(|data| self.execute(served, header, data)).is_ok()
    }

    /// Executes one request.
    pub(super) fn execute(&mut self, served: &mut Served, header: Header, mut data: Vec<u8>) {
        add(&self.counters.requests, 1);
        if header.is_probe() {
            return self.respond(served, &header, Ok(()), Vec::new());
        }
        self.master.update(&mut served.path);
        let checked = self.check(served, &header);
        if let Err(why) = checked.and_then(|()| self.allocate(served, &header, &mut data)) {
            return self.refuse_request(served, &header, &why);
        }
        served.client.outstanding += 1;
        served.client.outstanding_bytes += u64::from(header.size);
        log_debug!(
            self.log,
            "Starting transaction id={}, addr=0x{:x}, size={}, type={}",
            header.id,
            header.address,
            header.size,
            header.ty
        );
        let start = self.pace.now();
        let pool = &mut self.transactions;
        let prepared =
            self.master.prepare_from(pool, header.address, data.into(), header.ty, start);
        let tran = match prepared {
            Ok(tran) => tran,
            Err(error) => return self.finish(served, &header, Err(error), Vec::new()),
        };
        if self.pace.is_answer_due(start) {
            self.pace.answered();
            // An error shows again at the end of the turn.
            let _ = served.response.wire.flush();
        }
        // A slave that panics has failed this transaction, not the server.
        let call = || served.path.launch(&tran);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            tran.error(format!("The slave panicked: {}", panic_text(panic.as_ref())));
        }
        self.pace.called(clock::now());
        if tran.is_done() {
            return self.finish_transaction(served, &header, tran);
        }
        self.keep(served.token, header, tran);
    }

    /// Makes room for what is to be read.
    fn allocate(
        &mut self,
        served: &Served,
        header: &Header,
        data: &mut Vec<u8>,
    ) -> std::result::Result<(), String> {
        if header.carries_data() {
            return Ok(());
        }
        let size = header.size as usize;
        // What others have read before is not for this client, where the slave reads too little.
        let buffer = match size > SMALL_BYTES_MAX as usize && served.path.fills_reads() {
            true => self.buffers.unwashed(size),
            false => self.buffers.zeroed(size),
        };
        *data = buffer.map_err(|error| format!("No memory for a read of {size} bytes: {error}"))?;
        Ok(())
    }

    /// Keeps a transaction until its slave completes it or its time has passed.
    fn keep(&mut self, client: usize, header: Header, tran: Arc<Transaction>) {
        // Times of transactions that have ended are thrown away when they are the majority.
        if self.checks.len() > 2 * self.outstanding.len() + CHECKS_KEPT_MIN {
            let outstanding = &self.outstanding;
            self.checks.retain(|Reverse((_, id))| outstanding.contains_key(id));
        }
        self.checks.push(Reverse((tran.deadline(), tran.id())));
        self.outstanding.insert(tran.id(), Outstanding { tran: tran.clone(), client, header });
        tran.observe(self.completions.clone());
    }

    fn refuse_request(&mut self, served: &mut Served, header: &Header, why: &str) {
        add(&self.counters.refused, 1);
        log_warning!(self.log, "Refused request id={}: {why}", header.id);
        self.refuse(served, header, why);
    }

    /// Refuses a write for whose data there was no room.
    pub(super) fn refuse_for_room(&mut self, served: &mut Served, header: &Header) {
        add(&self.counters.requests, 1);
        self.refuse_request(served, header, &self.no_room_text(header));
    }

    fn no_room_text(&self, header: &Header) -> String {
        format!(
            "No room for {} bytes: the server holds {} bytes of other requests and unread \
             answers: ask again later or for less at once",
            header.size,
            self.held_bytes_max()
        )
    }

    /// Bytes that all clients together may keep in memory.
    pub(super) fn held_bytes_max(&self) -> u64 {
        HELD_TRANSACTIONS_MAX * u64::from(self.options.transaction_bytes_max)
    }

    fn refuse(&mut self, served: &mut Served, header: &Header, why: &str) {
        // Rogue's client shows the text only if the payload is as long as the request said.
        let is_legacy = served.client.dialect == Dialect::Legacy;
        let octets = if is_legacy && header.size <= SMALL_BYTES_MAX { header.size } else { 0 };
        self.respond(served, header, Err(why), vec![0; octets as usize]);
    }

    /// Answers a write whose data is not what its header says; what else is malformed cannot be
    /// answered, because it is not known what it was.
    pub(super) fn refuse_malformed(&mut self, served: &mut Served, malformed: &Malformed) {
        if let Malformed::WriteData { header, .. } = malformed {
            add(&self.counters.refused, 1);
            self.refuse(served, header, &malformed.to_string());
        }
    }

    fn check(&self, served: &Served, header: &Header) -> std::result::Result<(), String> {
        if !matches!(header.ty, TYPE_READ | TYPE_WRITE | TYPE_POST | TYPE_VERIFY) {
            return Err(format!("Unknown transaction type 0x{:x}", header.ty));
        }
        let max = self.options.transaction_bytes_max;
        if header.size > max {
            return Err(format!(
                "Transaction size {} at 0x{:x} exceeds the {max} bytes that this server allows: \
                 ask for less at once",
                header.size, header.address
            ));
        }
        if header.size > SMALL_BYTES_MAX {
            let held = self.held_bytes(served) + u64::from(header.size);
            if held > self.held_bytes_max() {
                return Err(self.no_room_text(header));
            }
        }
        Ok(())
    }

    /// Bytes of what is outstanding at the slave and of answers that have not been read.
    fn held_bytes(&self, served: &Served) -> u64 {
        let held = |(&token, client): (&usize, &Client)| {
            if token == served.token {
                return served.held_bytes();
            }
            let response = self.connections.get(client.response);
            let backlog = response.map_or(0, |connection| connection.wire.backlog());
            client.outstanding_bytes + backlog as u64
        };
        self.clients.iter().map(held).sum()
    }

    /// Answers transactions that the slave had kept.
    pub(super) fn answer_ended(&mut self, ended: &mut Vec<Arc<Transaction>>) {
        let mut served: Option<Served> = None;
        for tran in ended.drain(..) {
            let Some(outstanding) = self.outstanding.remove(&tran.id()) else { continue };
            let Outstanding { tran: kept, client, header } = outstanding;
            drop(kept);
            if served.as_ref().map(|served| served.token) != Some(client) {
                if let Some(former) = served.take() {
                    self.put_back(former);
                }
                served = self.serve(client);
            }
            match &mut served {
                Some(served) => self.finish_transaction(served, &header, tran),
                None => {
                    self.transactions.collect(tran);
                    add(&self.counters.dropped_responses, 1);
                }
            }
        }
        if let Some(served) = served {
            self.put_back(served);
        }
        if self.outstanding.is_empty() {
            self.checks.clear();
        }
    }

    fn finish_transaction(&mut self, served: &mut Served, header: &Header, tran: Arc<Transaction>) {
        match self.transactions.collect_success(tran) {
            Ok(buffer) => self.finish_success(served, header, buffer.into_vec()),
            Err(tran) => {
                if let Some((outcome, buffer)) = self.transactions.collect(tran) {
                    self.finish(served, header, outcome, buffer.into_vec());
                }
            }
        }
    }

    fn finish_success(&mut self, served: &mut Served, header: &Header, data: Vec<u8>) {
        served.client.outstanding -= 1;
        served.client.outstanding_bytes -= u64::from(header.size);
        if data.len() > WHOLE_BYTES_MAX {
            return self.respond(served, header, Ok(()), data);
        }
        let out = served.response.wire.out();
        let before = out.len();
        encode_response(header, &data, RESULT_OK, out);
        let octets = out.len() - before;
        self.buffers.keep(data, self.pace.now());
        self.count_response(served, octets);
    }

    fn finish(&mut self, served: &mut Served, header: &Header, outcome: Result<()>, data: Vec<u8>) {
        let Err(error) = outcome else { return self.finish_success(served, header, data) };
        served.client.outstanding -= 1;
        served.client.outstanding_bytes -= u64::from(header.size);
        log_debug!(self.log, "Transaction id={} failed: {}", header.id, error.text());
        self.respond(served, header, Err(error.text()), data);
    }

    /// Queues a response. A failed one carries no data of the slave's.
    fn respond(
        &mut self,
        served: &mut Served,
        header: &Header,
        outcome: std::result::Result<(), &str>,
        mut data: Vec<u8>,
    ) {
        let wire = &mut served.response.wire;
        let before = wire.backlog();
        let text;
        let result = match outcome {
            Ok(()) => RESULT_OK,
            Err(why) => {
                // Rogue's client replaces the text by one about sizes if the payload is not as
                // long as the request said; it discards the payload's content.
                match served.client.dialect {
                    Dialect::Legacy => data.fill(0),
                    Dialect::Announced => data.clear(),
                }
                text = error_result(why, served.client.dialect);
                &text
            }
        };
        encode_response_head(header, data.len() as u64, wire.out());
        if let Some(copied) = wire.append(data) {
            self.buffers.keep(copied, self.pace.now());
        }
        encode_response_tail(result, wire.out());
        let octets = wire.backlog() - before;
        self.count_response(served, octets);
    }

    #[inline]
    fn count_response(&mut self, served: &mut Served, octets: usize) {
        add(&self.counters.responses, 1);
        add(&self.counters.bytes_out, octets as u64);
        self.pace.answer_waits();
        served.has_answered = true;
    }

    /// Times out what the slave has kept for too long.
    pub(super) fn check_deadlines(&mut self, now: Time) {
        let mut late = Vec::new();
        while self.checks.peek().is_some_and(|&Reverse((time, _))| time <= now) {
            let Some(Reverse((_, id))) = self.checks.pop() else { break };
            let Some(Outstanding { tran, .. }) = self.outstanding.get(&id) else { continue };
            match tran.deadline() {
                deadline if deadline <= now => late.push(tran.clone()),
                later => self.checks.push(Reverse((later, id))),
            }
        }
        for tran in late {
            tran.time_out();
        }
    }
}

/// Whether a client has read so much that more of its requests may be read.
#[cold]
fn has_room_after_flush(wire: &mut Wire) -> bool {
    // An error shows again, and is dealt with, when the backlog is sent for good.
    let _ = wire.flush();
    wire.backlog() < BACKLOG_BYTES_MAX
}
