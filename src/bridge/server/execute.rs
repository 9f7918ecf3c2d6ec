//! From a request to a transaction on the bus, and from its end to the response.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use super::add;
use super::driver::{Driver, Outstanding};
use crate::clock::Time;
use crate::error::Result;
use crate::logging::{log_debug, log_warning};
use crate::memory::{Buffer, Transaction};
use crate::proto::bridge::{
    encode_response, error_result, Dialect, Header, Malformed, RESULT_OK, TYPE_POST, TYPE_READ,
    TYPE_VERIFY, TYPE_WRITE,
};

/// Responses that may wait for a client to read them before no more of its requests are read.
const BACKLOG_BYTES_MAX: usize = 1 << 20;
/// Bytes of the transactions of one client that may be outstanding together; one transaction is
/// always allowed.
const OUTSTANDING_BYTES_MAX: u64 = 64 << 20;

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
            return self.respond(token, &header, Ok(()), &mut []);
        }
        if let Err(why) = self.check(&header).and_then(|()| allocate(&header, &mut data)) {
            add(&self.counters.refused, 1);
            log_warning!(self.log, "Refused request id={}: {why}", header.id);
            return self.respond(token, &header, Err(&why), &mut []);
        }
        let Some(client) = self.clients.get_mut(&token) else { return };
        client.outstanding += 1;
        client.outstanding_bytes += u64::from(header.size);
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
        // A slave that panics has failed this transaction, not the server.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.master.launch(&tran))) {
            tran.error(format!("The slave panicked: {}", panic_text(&*panic)));
        }
        if tran.is_done() {
            return self.finish_transaction(token, &header, &tran);
        }
        let deadline = tran.deadline();
        self.next_check = Some(self.next_check.map_or(deadline, |check| check.min(deadline)));
        let outstanding = Outstanding { tran: tran.clone(), client: token, header };
        self.outstanding.insert(tran.id(), outstanding);
        tran.observe(self.completions.clone());
    }

    /// Answers a write whose data is not what its header says; what else is malformed cannot be
    /// answered, because it is not known what it was.
    pub(super) fn refuse_malformed(&mut self, token: usize, malformed: &Malformed) {
        if let Malformed::WriteData { header, .. } = malformed {
            add(&self.counters.refused, 1);
            self.respond(token, header, Err(&malformed.to_string()), &mut []);
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
        Ok(())
    }

    /// Answers a transaction that the slave had kept.
    pub(super) fn answer_outstanding(&mut self, tran: &Arc<Transaction>) {
        let Some(Outstanding { client, header, .. }) = self.outstanding.remove(&tran.id()) else {
            return;
        };
        if self.outstanding.is_empty() {
            self.next_check = None;
        }
        self.finish_transaction(client, &header, tran);
    }

    fn finish_transaction(&mut self, token: usize, header: &Header, tran: &Arc<Transaction>) {
        if let Some((outcome, buffer)) = tran.collect() {
            self.finish(token, header, outcome, buffer.into_vec());
        }
    }

    fn finish(&mut self, token: usize, header: &Header, outcome: Result<()>, mut data: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&token) else {
            add(&self.counters.dropped_responses, 1);
            return;
        };
        client.outstanding -= 1;
        client.outstanding_bytes -= u64::from(header.size);
        match outcome {
            Ok(()) => self.respond(token, header, Ok(()), &mut data),
            Err(error) => {
                log_debug!(self.log, "Transaction id={} failed: {}", header.id, error.text());
                self.respond(token, header, Err(error.text()), &mut data);
            }
        }
    }

    /// Queues a response. A failed one carries no data of the slave's.
    fn respond(
        &mut self,
        token: usize,
        header: &Header,
        outcome: std::result::Result<(), &str>,
        data: &mut [u8],
    ) {
        let Some(client) = self.clients.get(&token) else { return };
        let Some(connection) = self.connections.get_mut(&client.response) else { return };
        let out = connection.wire.out();
        let before = out.len();
        match outcome {
            Ok(()) => encode_response(header, data, RESULT_OK, out),
            Err(text) => {
                // Rogue's client replaces the text by one about sizes if the payload is not as
                // long as the request said; it discards the payload's content.
                let payload = match client.dialect {
                    Dialect::Legacy => data,
                    Dialect::Announced => &mut [],
                };
                payload.fill(0);
                encode_response(header, payload, &error_result(text, client.dialect), out);
            }
        }
        add(&self.counters.responses, 1);
        add(&self.counters.bytes_out, (out.len() - before) as u64);
        if before == 0 || self.dirty.last() != Some(&client.response) {
            self.dirty.push(client.response);
        }
    }

    /// Times out what the slave has kept for too long, and notes when to look again.
    pub(super) fn check_deadlines(&mut self, now: Time) {
        if self.next_check.is_none_or(|check| check > now) {
            return;
        }
        let mut late = Vec::new();
        let mut next: Option<Time> = None;
        for outstanding in self.outstanding.values() {
            match outstanding.tran.deadline() {
                deadline if deadline <= now => late.push(outstanding.tran.clone()),
                deadline => next = Some(next.map_or(deadline, |next| next.min(deadline))),
            }
        }
        self.next_check = next;
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

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}
