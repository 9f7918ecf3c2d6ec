//! Reads connections in their turns.

use std::io;

use super::connection::{ActiveClient, Connection};
use super::options::{add, LinkCounters};
use super::scratch::grow_if_filled;
use super::service::{Fault, Service, Turn};
use super::wire::Received;
use crate::clock;
use crate::net::socket::cause_text;
use crate::net::DriverHandle;
use crate::proto::zmtp::{Event, ZmtpError};

/// Number of buffers read from one connection in one turn.
const READS_PER_TURN_MAX: usize = 4;

/// Why the turn of a connection has ended.
pub enum ReadEnd {
    /// The socket is empty.
    Drained,
    /// The service has no room for the client's next message.
    Stalled,
    /// The turn is over.
    Yielded,
    /// The peer's READY has arrived.
    Announced,
    /// The connection is lost.
    Lost(String),
    /// The peer breaks the protocol.
    Violated(String),
    /// The system has no memory for what the connection needs.
    NoMemory,
    /// Too many of the client's messages are malformed: this many in a second.
    Malformed(u32),
}

impl ReadEnd {
    /// The end for a read without octets.
    fn of(received: Received) -> ReadEnd {
        match received {
            Received::Octets(_) | Received::Nothing => ReadEnd::Drained,
            Received::Closed => ReadEnd::Lost("closed by the client".to_owned()),
            Received::Failed(error) if error.kind() == io::ErrorKind::InvalidData => {
                ReadEnd::Violated(error.to_string())
            }
            Received::Failed(error) => ReadEnd::failed(error),
        }
    }

    /// The end for an error of the system's.
    pub fn failed(error: io::Error) -> ReadEnd {
        match error.kind() {
            io::ErrorKind::OutOfMemory => ReadEnd::NoMemory,
            _ => ReadEnd::Lost(cause_text(&error)),
        }
    }
}

/// Reads the requests of a client.
pub fn read_client<S: Service>(
    service: &mut S,
    client: &mut ActiveClient<'_, S::Client>,
    scratch: &mut Vec<u8>,
    turn: &mut Turn,
    (handle, counters): (&DriverHandle, &LinkCounters),
) -> ReadEnd {
    if !client.is_fed() {
        return ReadEnd::Stalled;
    }
    service.resume(client, turn);
    let (kept, start) = client.input.take();
    if start < kept.len() {
        let (used, end) = decode(service, client, &kept[start..], turn, handle);
        if let Some(end) = end {
            client.input.keep(kept, start + used);
            return end;
        }
    }
    for _ in 0..READS_PER_TURN_MAX {
        if !client.is_fed() || !service.has_room(client) {
            return ReadEnd::Stalled;
        }
        let limit = scratch.len().min(turn.allowance.read_octets);
        let payload = service.receive_payload(client, turn.allowance.payload_octets);
        let is_payload = payload.is_some();
        let received = payload.unwrap_or_else(|| client.request.read(&mut scratch[..limit]));
        let Received::Octets(count) = received else { return ReadEnd::of(received) };
        add(&counters.bytes_in, count as u64);
        client.input.received += count as u64;
        turn.now = clock::now();
        client.input.latest = turn.now;
        if is_payload {
            if turn.is_over() {
                return ReadEnd::Yielded;
            }
            continue;
        }
        let (used, end) = decode(service, client, &scratch[..count], turn, handle);
        if let Some(end) = end {
            let is_kept = client.input.keep_copy(&scratch[used..count]);
            return if is_kept { end } else { ReadEnd::NoMemory };
        }
        let may_have_more = client.request.may_have_more(count, limit);
        grow_if_filled(scratch, count);
        if !may_have_more {
            return ReadEnd::Drained;
        }
    }
    ReadEnd::Yielded
}

/// Passes octets to the service. Returns how many were used, and the reason if not all were.
fn decode<S: Service>(
    service: &mut S,
    client: &mut ActiveClient<'_, S::Client>,
    input: &[u8],
    turn: &mut Turn,
    handle: &DriverHandle,
) -> (usize, Option<ReadEnd>) {
    let mut used = 0;
    while used < input.len() {
        if !client.is_fed() || !service.has_room(client) {
            return (used, Some(ReadEnd::Stalled));
        }
        if turn.is_over() || handle.is_stopping() {
            return (used, Some(ReadEnd::Yielded));
        }
        match service.receive(client, &input[used..], turn) {
            Ok(octets) => used += octets,
            Err(Fault::Violation(why)) => return (used, Some(ReadEnd::Violated(why))),
            Err(Fault::Malformed(count)) => return (used, Some(ReadEnd::Malformed(count))),
        }
        turn.message();
        client.request.queue_control();
    }
    (used, None)
}

/// Reads a connection that carries no requests: one that is not paired yet, or a response
/// connection. The peer may send only greeting, READY, PING and PONG. The session treats everything
/// else as a violation, because our READY has not been sent, or because only this end sends
/// messages.
pub fn read_session<C>(
    connection: &mut Connection<C>,
    scratch: &mut [u8],
    counters: &LinkCounters,
) -> ReadEnd {
    let (kept, start) = connection.input.take();
    if let Some(end) = decode_session(connection, &kept[start..], counters) {
        return end;
    }
    for _ in 0..READS_PER_TURN_MAX {
        let received = connection.wire.read(scratch);
        let Received::Octets(count) = received else { return ReadEnd::of(received) };
        add(&counters.bytes_in, count as u64);
        connection.input.received += count as u64;
        if let Some(end) = decode_session(connection, &scratch[..count], counters) {
            return end;
        }
    }
    ReadEnd::Yielded
}

fn decode_session<C>(
    connection: &mut Connection<C>,
    mut input: &[u8],
    counters: &LinkCounters,
) -> Option<ReadEnd> {
    loop {
        match connection.wire.session.receive(input) {
            Ok((_, None)) => return None,
            Ok((used, Some(event))) => {
                input = &input[used..];
                if event == Event::PeerReady {
                    let is_kept = connection.input.keep_copy(input);
                    return Some(if is_kept { ReadEnd::Announced } else { ReadEnd::NoMemory });
                }
                connection.wire.queue_control();
            }
            Err(ZmtpError::OutOfMemory { .. }) => return Some(ReadEnd::NoMemory),
            Err(error) => {
                add(&counters.refused_keys, u64::from(error.is_of_mechanism()));
                return Some(ReadEnd::Violated(error.to_string()));
            }
        }
    }
}
