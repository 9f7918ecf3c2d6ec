//! Completion of transactions by their responses.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::core::{ClientCore, CoreState};
use super::large::is_large;
use super::receive::{Payload, Response, ResponseSink, RESPONSES_TOGETHER_MAX};
use super::send::header_of;
use crate::clock::Time;
use crate::logging::{log_debug, log_warning};
use crate::memory::{Transaction, TIMEOUT_TEXT};
use crate::proto::bridge::{evaluate_result, Header, LATE_TEXT, TYPE_POST};
use crate::proto::zmtp::Session;
use crate::sync::MutexGuard;

/// Limit of queued PONGs, in octets. Further ones are dropped: the server sends PINGs but does not
/// read.
const CONTROL_OCTETS_MAX: usize = 1024;

impl ResponseSink for ClientCore {
    fn count_received(&self, octets: usize) {
        self.octets_in.fetch_add(octets as u64, Ordering::Relaxed);
    }

    fn payload_wanted(&self, header: &Header, octets: u64) -> Option<Arc<Transaction>> {
        let state = self.state.lock();
        let tran = state.requests.sent_with(header.id)?;
        let is_wanted = *header == header_of(header.id, tran)
            && !tran.ty().is_write()
            && octets == u64::from(tran.size());
        is_wanted.then(|| tran.clone())
    }

    fn deliver(&self, responses: &[Response<'_>], now: Time) {
        if responses.is_empty() {
            return;
        }
        let mut answered: [Option<Arc<Transaction>>; RESPONSES_TOGETHER_MAX] = Default::default();
        let mut earliest: Option<Time> = None;
        let mut state = self.state.lock();
        let requests = &mut state.requests;
        requests.stats.responses += responses.len() as u64;
        for (Response { header, .. }, place) in responses.iter().zip(&mut answered) {
            if header.is_probe() {
                continue;
            }
            *place = requests.take_answered(header);
            match place {
                Some(tran) if requests.is_in_time(tran, now) => {
                    earliest = Some(earliest.map_or(tran.start(), |time| time.min(tran.start())));
                }
                Some(_) => {}
                None => requests.stats.dropped_responses += u64::from(header.ty != TYPE_POST),
            }
        }
        if let Some(earliest) = earliest {
            requests.note_answer(earliest, now);
        }
        self.note_probes(&mut state, responses);
        self.use_room(state);
        for (response, tran) in responses.iter().zip(answered) {
            match tran {
                Some(tran) => self.complete(&tran, response),
                None => self.log_unknown(response),
            }
        }
    }

    fn send_output(&self, session: &mut Session) {
        if let Some(state) = self.queue_output(session) {
            self.pump(state);
        }
    }

    fn warn_malformed(&self, malformed: &dyn fmt::Display) {
        log_warning!(self.log, "{malformed}");
    }
}

impl ClientCore {
    /// Queues the output of the session that requests are sent on. The caller then has to pump.
    /// `None` if there is none.
    pub(super) fn queue_output(&self, session: &mut Session) -> Option<MutexGuard<'_, CoreState>> {
        if session.output_len() == 0 {
            return None;
        }
        let mut state = self.state.lock();
        match state.requests.urgent.len() < CONTROL_OCTETS_MAX {
            true => session.take_output(&mut state.requests.urgent),
            false => session.take_output(&mut Vec::new()),
        };
        Some(state)
    }

    /// Sends requests that an answer has made room for, before the answer is passed to user code.
    pub(super) fn use_room(&self, state: MutexGuard<'_, CoreState>) {
        match state.requests.is_queue_empty() {
            true => drop(state),
            false => self.pump(state),
        }
    }

    fn note_probes(&self, state: &mut CoreState, responses: &[Response<'_>]) {
        for Response { header, result, .. } in responses.iter().filter(|one| one.header.is_probe())
        {
            if evaluate_result(result).is_ok() {
                state.note_probe(header.id);
                self.changed.notify_all();
            }
        }
    }

    /// Logs a response without a transaction. Posted writes ended when they were sent, so only
    /// their failures are logged.
    fn log_unknown(&self, Response { header, result, .. }: &Response<'_>) {
        if header.is_probe() {
            return;
        }
        if header.ty != TYPE_POST {
            log_warning!(self.log, "Failed to find transaction id={}", header.id);
        } else if let Err(text) = evaluate_result(result) {
            log_warning!(self.log, "Posted write at 0x{:x} failed: {text}", header.address);
        }
    }

    /// Ends `tran` with its response.
    fn complete(&self, tran: &Arc<Transaction>, response: &Response<'_>) {
        let Response { header, payload, result } = response;
        if is_large(tran) {
            // Its last octets may be unsent, and must still follow.
            let progress = self.state.lock().requests.large_with(header.id);
            progress.into_iter().for_each(|progress| progress.keep_rest(tran));
        }
        let is_elsewhere =
            matches!(payload, Payload::Placed(place, ..) if !Arc::ptr_eq(place, tran));
        if *header != header_of(header.id, tran) || is_elsewhere {
            return tran.error("Transaction data mismatch in TcpClient");
        }
        if let Err(text) = evaluate_result(result) {
            log_debug!(self.log, "Transaction id={} failed: {text}", header.id);
            // The protocol transmits an error as text only. A timeout is recognised by its text.
            if !text.starts_with(TIMEOUT_TEXT) {
                return tran.error(text);
            }
            if text.contains(LATE_TEXT) {
                self.compare_clocks(tran);
            }
            return tran.end_timed_out(&text);
        }
        if tran.ty().is_write() {
            return tran.done();
        }
        if payload.octets() != u64::from(tran.size()) {
            return tran.error("Received transaction response did not match header size");
        }
        self.complete_read(tran, *payload);
    }

    fn complete_read(&self, tran: &Arc<Transaction>, payload: Payload<'_>) {
        let delivered = match payload {
            Payload::Dropped(_) => Ok(false),
            Payload::Placed(_, _, []) => {
                tran.done();
                Ok(true)
            }
            Payload::Placed(_, placed, rest) => tran.done_with(placed, rest),
            Payload::Here(payload) => tran.done_with(0, payload),
        };
        match delivered {
            Ok(true) => {}
            Ok(false) => {
                self.state.lock().requests.stats.dropped_responses += 1;
                log_warning!(
                    self.log,
                    "Dropping late response for expired transaction. Id={}",
                    self.wire_id(tran)
                );
            }
            Err(error) => tran.error(format!(
                "No memory for an answer of {} bytes, whose transaction is locked: {error}",
                tran.size()
            )),
        }
    }
}
