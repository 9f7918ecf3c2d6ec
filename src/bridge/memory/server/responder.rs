//! Encodes the end of a request into its response.

use std::io;
use std::sync::Arc;

use super::batcher::{ResponseBatcher, SlaveCall};
use super::client::Active;
use super::refusal::{Cause, Refusal};
use super::stats::Counters;
use crate::bridge::link::buffers::BufferPool;
use crate::bridge::link::options::add;
use crate::clock::Time;
use crate::logging::{log_warning, Logger};
use crate::proto::bridge::{
    encode_response, encode_response_head, encode_response_tail, error_result, Dialect, Header,
    Malformed, RESULT_OK,
};

/// Largest data of a response that is encoded in one piece.
const WHOLE_BYTES_MAX: usize = 1024;
/// Size of a refused request up to which a legacy client gets as many zeros.
const ZEROS_BYTES_MAX: u32 = 64 * 1024;

/// Encodes responses and sends them.
pub(super) struct Responder {
    /// Buffers of answered transactions.
    pub(super) buffers: BufferPool,
    pub(super) batcher: ResponseBatcher,
    pub(super) counters: Arc<Counters>,
    pub(super) log: Arc<Logger>,
}

impl Responder {
    /// Keeps at most `spare_bytes_max` bytes of larger buffers.
    pub(super) fn new(
        counters: Arc<Counters>,
        log: Arc<Logger>,
        spare_bytes_max: usize,
    ) -> Responder {
        let (buffers, batcher) = (BufferPool::limited(spare_bytes_max), ResponseBatcher::default());
        Responder { buffers, batcher, counters, log }
    }

    /// Answers a refused request, and logs the reason.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        refusal: &Refusal,
        now: Time,
    ) {
        let (id, why, peer) = (header.id, &refusal.text, client.peer);
        log_warning!(self.log, from peer.origin(); "Refused request id={id} of {peer}: {why}");
        self.refuse_quietly(client, header, refusal, now);
    }

    /// Answers a write whose data does not match its header. Other malformed messages cannot be
    /// answered, because their kind is not known. Returns what has been refused.
    #[cold]
    pub(super) fn refuse_malformed(
        &mut self,
        client: &mut Active<'_>,
        malformed: &Malformed,
        now: Time,
    ) -> Option<(Header, Refusal)> {
        add(&self.counters.malformed, 1);
        let peer = client.peer;
        log_warning!(self.log, from peer.origin(); "{malformed} (from {peer})");
        let Malformed::WriteData { header, .. } = malformed else { return None };
        let refusal = Cause::Malformed.with(malformed.to_string());
        self.refuse_quietly(client, header, &refusal, now);
        Some((*header, refusal))
    }

    /// Answers a refused request.
    fn refuse_quietly(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        refusal: &Refusal,
        now: Time,
    ) {
        add(self.counters.refused.of(refusal.cause), 1);
        self.fail(client, header, &refusal.text, SlaveCall::none(now));
    }

    /// Answers with an error, without the transaction's data.
    pub(super) fn fail(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        why: &str,
        call: SlaveCall,
    ) {
        // Rogue's client shows the text only if the payload has the requested length.
        let is_legacy = client.state.dialect == Dialect::Legacy;
        let octets = if is_legacy && header.size <= ZEROS_BYTES_MAX { header.size } else { 0 };
        let zeros = self.buffers.zeroed(octets as usize).unwrap_or_default();
        self.respond(client, header, Err(why), zeros, call);
    }

    /// Queues the response to a request. A failed one contains no data of the slave.
    pub(super) fn respond(
        &mut self,
        client: &mut Active<'_>,
        header: &Header,
        outcome: Result<(), &str>,
        mut data: Vec<u8>,
        call: SlaveCall,
    ) {
        let text;
        let result = match outcome {
            Ok(()) => RESULT_OK,
            Err(why) => {
                // Rogue's client replaces the text by one about sizes if the payload has another
                // length than requested; it discards the payload's content.
                match client.state.dialect {
                    Dialect::Legacy => data.fill(0),
                    Dialect::Announced => data.clear(),
                }
                text = error_result(why, client.state.dialect);
                &text
            }
        };
        // The client knows the data of its write; Rogue's client compares the length all the same.
        let is_echoed = client.state.dialect == Dialect::Legacy || !header.carries_data();
        let (octets, unused) = if data.len() <= WHOLE_BYTES_MAX || !is_echoed {
            let payload = if is_echoed { &data[..] } else { &[] };
            let encode = |out: &mut Vec<u8>| encode_response(header, payload, result, out);
            (client.queue(payload.len() + result.len(), encode), Some(data))
        } else {
            let payload_octets = data.len() as u64;
            let head = |out: &mut Vec<u8>| encode_response_head(header, payload_octets, out);
            let tail = |out: &mut Vec<u8>| encode_response_tail(result, out);
            client.queue_block(data, head, (result.len(), tail))
        };
        if let Some(unused) = unused {
            self.buffers.keep(unused, call.ended);
        }
        add(&self.counters.responses, 1);
        add(&self.counters.bytes_out, octets as u64);
        self.batcher.queued(call);
    }

    /// Sends a client's responses, as far as the sockets take them. The sent ones are signs of life
    /// for the client.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub(super) fn flush(&mut self, client: &mut Active<'_>, now: Time) -> io::Result<()> {
        self.batcher.flushed();
        let flushed = client.flush();
        for spent in client.answers().spent() {
            self.buffers.keep(spent, now);
        }
        let sent_octets = client.answers().sent_octets();
        if let Some(times) = &mut client.state.times {
            times.sent(sent_octets, now, client.state.outstanding);
        }
        flushed
    }
}
