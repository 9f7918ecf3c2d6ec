//! From a request to a transaction on the bus, and from its end to the response.

use std::cmp::Reverse;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::add;
use super::driver::{Client, Driver, Outstanding};
use crate::clock::{self, Time};
use crate::error::{panic_text, Result};
use crate::logging::{log_debug, log_warning};
use crate::memory::{Buffer, Transaction};
use crate::proto::bridge::{
    encode_response_head, encode_response_tail, error_result, Dialect, Header, Malformed,
    RESULT_OK, TYPE_POST, TYPE_READ, TYPE_VERIFY, TYPE_WRITE,
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
    /// The end of the last call.
    now: Time,
    /// Until then calls are expected to take long.
    careful_until: Time,
    /// Since when an answer waits to be sent.
    unsent_since: Option<Time>,
}

impl Pace {
    /// The time as of the last call.
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

    fn called(&mut self, start: Time, end: Time) {
        self.now = end;
        if end.since(start) >= LONG_CALL_TIME_MIN {
            self.careful_until = end + LONG_CALL_MEMORY;
        }
    }
}

impl Driver {
    /// Whether the next request of a client may be executed. A connection that is not a client's
    /// yet may always be read: it cannot send requests.
    pub(super) fn may_execute(&mut self, token: usize) -> bool {
        let Some(client) = self.clients.get(&token) else { return true };
        if client.outstanding >= self.options.window.max(1)
            || client.outstanding > 0 && client.outstanding_bytes >= OUTSTANDING_BYTES_MAX
        {
            return false;
        }
        let Some(connection) = self.connections.get_mut(&client.response) else { return true };
        if connection.wire.backlog() < BACKLOG_BYTES_MAX {
            return true;
        }
        // An error shows again, and is dealt with, when the backlog is sent for good.
        let _ = connection.wire.flush();
        connection.wire.backlog() < BACKLOG_BYTES_MAX
    }

    /// Executes one request of the client with this request connection.
    pub(super) fn execute(&mut self, token: usize, header: Header, mut data: Vec<u8>) {
        add(&self.counters.requests, 1);
        if header.is_probe() {
            return self.respond(token, &header, Ok(()), Vec::new());
        }
        if let Err(why) = self.check(&header).and_then(|()| allocate(&header, &mut data)) {
            return self.refuse_request(token, &header, &why);
        }
        let Some(client) = self.clients.get_mut(&token) else { return };
        client.outstanding += 1;
        client.outstanding_bytes += u64::from(header.size);
        let response = client.response;
        log_debug!(
            self.log,
            "Starting transaction id={}, addr=0x{:x}, size={}, type={}",
            header.id,
            header.address,
            header.size,
            header.ty
        );
        let tran = match self.master.prepare(header.address, Buffer::from(data), header.ty) {
            Ok(tran) => tran,
            Err(error) => return self.finish(token, &header, Err(error), Vec::new()),
        };
        if self.pace.is_answer_due(tran.start()) {
            self.pace.answered();
            if let Some(connection) = self.connections.get_mut(&response) {
                // An error shows again at the end of the turn.
                let _ = connection.wire.flush();
            }
        }
        // A slave that panics has failed this transaction, not the server.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.master.launch(&tran))) {
            tran.error(format!("The slave panicked: {}", panic_text(panic.as_ref())));
        }
        self.pace.called(tran.start(), clock::now());
        if tran.is_done() {
            return self.finish_transaction(token, &header, &tran);
        }
        self.keep(token, header, tran);
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

    fn refuse_request(&mut self, token: usize, header: &Header, why: &str) {
        add(&self.counters.refused, 1);
        log_warning!(self.log, "Refused request id={}: {why}", header.id);
        self.refuse(token, header, why);
    }

    /// Refuses a write for whose data there was no room.
    pub(super) fn refuse_for_room(&mut self, token: usize, header: &Header) {
        add(&self.counters.requests, 1);
        self.refuse_request(token, header, &self.no_room_text(header));
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

    fn refuse(&mut self, token: usize, header: &Header, why: &str) {
        // Rogue's client shows the text only if the payload is as long as the request said.
        let is_legacy = self.clients.get(&token).is_some_and(|c| c.dialect == Dialect::Legacy);
        let octets = if is_legacy && header.size <= SMALL_BYTES_MAX { header.size } else { 0 };
        self.respond(token, header, Err(why), vec![0; octets as usize]);
    }

    /// Answers a write whose data is not what its header says; what else is malformed cannot be
    /// answered, because it is not known what it was.
    pub(super) fn refuse_malformed(&mut self, token: usize, malformed: &Malformed) {
        if let Malformed::WriteData { header, .. } = malformed {
            add(&self.counters.refused, 1);
            self.refuse(token, header, &malformed.to_string());
        }
    }

    fn check(&self, header: &Header) -> std::result::Result<(), String> {
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
        let held = self.held_bytes() + u64::from(header.size);
        if header.size > SMALL_BYTES_MAX && held > self.held_bytes_max() {
            return Err(self.no_room_text(header));
        }
        Ok(())
    }

    /// Bytes of what is outstanding at the slave and of answers that have not been read.
    fn held_bytes(&self) -> u64 {
        let held = |client: &Client| {
            let response = self.connections.get(&client.response);
            let backlog = response.map_or(0, |connection| connection.wire.backlog());
            client.outstanding_bytes + backlog as u64
        };
        self.clients.values().map(held).sum()
    }

    /// Answers a transaction that the slave had kept.
    pub(super) fn answer_outstanding(&mut self, tran: &Arc<Transaction>) {
        let Some(Outstanding { client, header, .. }) = self.outstanding.remove(&tran.id()) else {
            return;
        };
        if self.outstanding.is_empty() {
            self.checks.clear();
        }
        self.finish_transaction(client, &header, tran);
    }

    fn finish_transaction(&mut self, token: usize, header: &Header, tran: &Arc<Transaction>) {
        if let Some((outcome, buffer)) = tran.collect() {
            self.finish(token, header, outcome, buffer.into_vec());
        }
    }

    fn finish(&mut self, token: usize, header: &Header, outcome: Result<()>, data: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&token) else {
            add(&self.counters.dropped_responses, 1);
            return;
        };
        client.outstanding -= 1;
        client.outstanding_bytes -= u64::from(header.size);
        match outcome {
            Ok(()) => self.respond(token, header, Ok(()), data),
            Err(error) => {
                log_debug!(self.log, "Transaction id={} failed: {}", header.id, error.text());
                self.respond(token, header, Err(error.text()), data);
            }
        }
    }

    /// Queues a response. A failed one carries no data of the slave's.
    fn respond(
        &mut self,
        token: usize,
        header: &Header,
        outcome: std::result::Result<(), &str>,
        mut data: Vec<u8>,
    ) {
        let Some(client) = self.clients.get(&token) else { return };
        let Some(connection) = self.connections.get_mut(&client.response) else { return };
        let before = connection.wire.backlog();
        let text;
        let result = match outcome {
            Ok(()) => RESULT_OK,
            Err(why) => {
                // Rogue's client replaces the text by one about sizes if the payload is not as
                // long as the request said; it discards the payload's content.
                match client.dialect {
                    Dialect::Legacy => data.fill(0),
                    Dialect::Announced => data.clear(),
                }
                text = error_result(why, client.dialect);
                &text
            }
        };
        let octets = data.len() as u64;
        encode_response_head(header, octets, connection.wire.out());
        connection.wire.append(data);
        encode_response_tail(result, connection.wire.out());
        add(&self.counters.responses, 1);
        let after = connection.wire.backlog();
        add(&self.counters.bytes_out, (after - before) as u64);
        self.pace.answer_waits();
        if before == 0 || self.dirty.last() != Some(&client.response) {
            self.dirty.push(client.response);
        }
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

/// Makes room for what is to be read.
fn allocate(header: &Header, data: &mut Vec<u8>) -> std::result::Result<(), String> {
    if header.carries_data() {
        return Ok(());
    }
    let size = header.size as usize;
    data.try_reserve_exact(size)
        .map_err(|error| format!("No memory for a read of {size} bytes: {error}"))?;
    data.resize(size, 0);
    Ok(())
}
