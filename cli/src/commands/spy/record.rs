//! What the spy tells: lines of text, or of JSON.

use std::time::{Duration, SystemTime};

use rogue_mem::proto::bridge::property::X_ROGUE_SESSION;
use rogue_mem::proto::bridge::{
    Header, Timing, TYPE_POST, TYPE_PROBE, TYPE_READ, TYPE_VERIFY, TYPE_WRITE,
};
use rogue_mem::proto::text::escape;
use rogue_mem::proto::zmtp::Metadata;
use serde_json::{json, Map, Value};

use super::clients::Answer;
use super::direction::Direction;
use super::observer::Data;
use crate::clock::{self, Zone};
use crate::failure::Outcome;
use crate::output;

/// UTC, with microseconds: `2026-12-01T01:02:03.123456Z`.
fn stamp(at: SystemTime) -> String {
    clock::stamp(at, Zone::Utc, 6)
}

/// Octets of a record without its data and texts, about.
const RECORD_OCTETS: usize = 256;
/// Digits of a session that are shown: enough to tell it from others.
const SESSION_SHOWN: usize = 8;
/// Where the time of the day begins and ends in a time stamp.
const TIME_OF_DAY: std::ops::Range<usize> = 11..26;

/// One thing that has happened on a connection.
#[derive(Debug)]
pub struct Record {
    /// When.
    pub at: SystemTime,
    /// The connection, counted from 1, if it is about one.
    pub connection: Option<u64>,
    /// The client, if that is known.
    pub client: Option<u64>,
    /// What has happened.
    pub what: What,
}

/// What has happened.
#[derive(Debug)]
pub enum What {
    /// The connection is there.
    Opened {
        /// The client's end.
        from: String,
        /// Where the client has connected to.
        at: String,
        /// The server's end.
        to: String,
    },
    /// An end has sent its READY.
    Ready(Direction, Metadata),
    /// A request.
    Request(Header, Option<Timing>, Data),
    /// A response.
    Response(Header, Data, Result<(), String>, Answer),
    /// A sealed frame, or a command before the first one.
    Frame(Direction, u64, bool),
    /// A word about the octets of a direction.
    Remark(Direction, String),
    /// A word about connections that are not passed on.
    Notice(String),
    /// The connection has ended.
    Closed {
        /// Who has ended it, and how.
        how: String,
        /// Octets that were passed on, to the server and to the client.
        octets: [u64; 2],
        /// Requests of the client that will have no answer.
        unanswered: u64,
    },
}

impl Record {
    /// The memory that it takes, about.
    pub fn octets(&self) -> usize {
        let held = match &self.what {
            What::Opened { from, at, to } => from.len() + at.len() + to.len(),
            What::Ready(_, properties) => properties.held_octets(),
            What::Request(_, _, data) => data.shown.len(),
            What::Response(_, data, result, _) => {
                data.shown.len() + result.as_ref().err().map_or(0, String::len)
            }
            What::Frame(..) => 0,
            What::Remark(_, text) | What::Notice(text) | What::Closed { how: text, .. } => {
                text.len()
            }
        };
        RECORD_OCTETS + held
    }

    /// As a line of text, without its end.
    pub fn text(&self) -> String {
        let stamp = stamp(self.at);
        let time = stamp.get(TIME_OF_DAY).unwrap_or(&stamp);
        let who = match (&self.what, self.connection, self.client) {
            (What::Request(..) | What::Response(..), _, Some(client)) => format!("client {client}"),
            (_, Some(connection), Some(client)) => {
                format!("connection {connection} (client {client})")
            }
            (_, Some(connection), None) => format!("connection {connection}"),
            (_, None, _) => "spy".to_owned(),
        };
        let what = match &self.what {
            What::Opened { from, at, to } => format!("from {from} at {at}, passed on to {to}"),
            What::Ready(direction, properties) => {
                let properties: Vec<String> =
                    shown(properties).map(|(name, value)| format!("{name}={value}")).collect();
                format!("{} READY {}", direction.mark(), properties.join(" "))
            }
            What::Request(header, timing, data) => request_text(header, *timing, data),
            What::Response(header, data, result, answer) => {
                response_text(header, data, result, *answer)
            }
            What::Frame(direction, octets, is_command) => {
                let kind = if *is_command { "command" } else { "sealed frame" };
                format!("{} {kind} of {octets} bytes", direction.mark())
            }
            What::Remark(direction, text) => format!("{} {text}", direction.mark()),
            What::Notice(text) => text.clone(),
            What::Closed { how, octets: [sent, received], unanswered } => {
                let open = match unanswered {
                    0 => String::new(),
                    count => format!(", unanswered requests {count}"),
                };
                format!("{how}; {sent} bytes to the server, {received} to the client{open}")
            }
        };
        format!("{time} {who} {what}")
    }

    /// As an object of JSON.
    pub fn json(&self) -> Value {
        let (event, details) = match &self.what {
            What::Opened { from, at, to } => {
                ("opened", json!({ "from": from, "at": at, "to": to }))
            }
            What::Ready(direction, properties) => {
                let properties: Map<String, Value> =
                    shown(properties).map(|(name, value)| (name, value.into())).collect();
                ("ready", json!({ "direction": direction.name(), "properties": properties }))
            }
            What::Request(header, timing, data) => ("request", request_json(header, *timing, data)),
            What::Response(header, data, result, answer) => {
                ("response", response_json(header, data, result, *answer))
            }
            What::Frame(direction, octets, is_command) => {
                let frame = json!({
                    "direction": direction.name(), "bytes": octets, "command": is_command
                });
                ("frame", frame)
            }
            What::Remark(direction, text) => {
                ("remark", json!({ "direction": direction.name(), "text": text }))
            }
            What::Notice(text) => ("notice", json!({ "text": text })),
            What::Closed { how, octets: [sent, received], unanswered } => {
                let closed = json!({
                    "how": how, "bytes_to_server": sent, "bytes_to_client": received,
                    "unanswered": unanswered
                });
                ("closed", closed)
            }
        };
        let mut object = json!({
            "event": event, "time": stamp(self.at), "connection": self.connection,
            "client": self.client
        });
        if let (Value::Object(object), Value::Object(details)) = (&mut object, details) {
            object.extend(details);
        }
        object
    }
}

/// The properties of a READY as they are shown: who has a session may end up with its responses.
fn shown(properties: &Metadata) -> impl Iterator<Item = (String, String)> + '_ {
    properties.iter().map(|(name, value)| {
        let mut text = escape(value);
        if name.eq_ignore_ascii_case(X_ROGUE_SESSION.as_bytes()) && text.len() > SESSION_SHOWN {
            text.truncate(SESSION_SHOWN);
            text.push_str("...");
        }
        (escape(name), text)
    })
}

/// The name of a type of transaction.
fn type_name(ty: u32) -> String {
    match ty {
        TYPE_READ => "read".to_owned(),
        TYPE_WRITE => "write".to_owned(),
        TYPE_POST => "posted".to_owned(),
        TYPE_VERIFY => "verify".to_owned(),
        TYPE_PROBE => "probe".to_owned(),
        other => format!("type 0x{other:x}"),
    }
}

fn head(direction: Direction, header: &Header) -> String {
    let Header { id, address, size, ty } = header;
    let ty = type_name(*ty);
    format!("{} {ty:<6} id {id} at 0x{address:x}: {size} bytes", direction.mark())
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        text.push(DIGITS[usize::from(octet >> 4)].into());
        text.push(DIGITS[usize::from(octet & 15)].into());
    }
    text
}

/// The data, if there is any, behind a space.
fn data_text(data: &Data) -> String {
    match data.octets {
        0 => String::new(),
        octets if octets == data.shown.len() as u64 => format!(" {}", hex(&data.shown)),
        octets => format!(" {}... ({octets} in all)", hex(&data.shown)),
    }
}

/// The times of a request that has a limit: probes have none.
fn limited(timing: Option<Timing>) -> Option<Timing> {
    timing.filter(|timing| timing.remaining != u64::MAX)
}

fn request_text(header: &Header, timing: Option<Timing>, data: &Data) -> String {
    let left = limited(timing).map(|timing| {
        let [left, all] = [timing.remaining, timing.timeout].map(Duration::from_nanos);
        format!(", {:.3} of {:.3} s left", left.as_secs_f64(), all.as_secs_f64())
    });
    let left = left.unwrap_or_default();
    format!("{}{}{left}", head(Direction::ToServer, header), data_text(data))
}

fn response_text(
    header: &Header,
    data: &Data,
    result: &Result<(), String>,
    answer: Answer,
) -> String {
    let result = match result {
        Ok(()) => "OK".to_owned(),
        Err(text) => format!("error \"{text}\""),
    };
    let after = match answer {
        Answer::Of(latency) => format!("after {:.1} µs", latency.as_secs_f64() * 1e6),
        Answer::Nothing => "which nobody waits for".to_owned(),
        Answer::OneOfSeveral => "which several clients wait for".to_owned(),
    };
    format!("{}{}, {result}, {after}", head(Direction::ToClient, header), data_text(data))
}

/// Direction, header and data of a message.
fn message_json(direction: Direction, header: &Header, data: &Data) -> Value {
    let Header { id, address, size, ty } = header;
    let mut message = json!({
        "direction": direction.name(), "id": id, "address": address, "size": size,
        "type": type_name(*ty)
    });
    if data.octets > 0 {
        message["data"] = hex(&data.shown).into();
        message["data_bytes"] = data.octets.into();
    }
    message
}

fn request_json(header: &Header, timing: Option<Timing>, data: &Data) -> Value {
    let mut message = message_json(Direction::ToServer, header, data);
    if let Some(timing) = limited(timing) {
        message["remaining_us"] = (timing.remaining as f64 / 1e3).into();
        message["timeout_us"] = (timing.timeout as f64 / 1e3).into();
    }
    message
}

fn response_json(
    header: &Header,
    data: &Data,
    result: &Result<(), String>,
    answer: Answer,
) -> Value {
    let mut message = message_json(Direction::ToClient, header, data);
    message["ok"] = result.is_ok().into();
    message["result"] = result.as_ref().err().map_or("OK", String::as_str).into();
    match answer {
        Answer::Of(latency) => message["latency_us"] = (latency.as_nanos() as f64 / 1e3).into(),
        Answer::Nothing => message["answers"] = "nothing".into(),
        Answer::OneOfSeveral => message["answers"] = "one of several".into(),
    }
    message
}

/// Writes records to standard output.
#[derive(Debug)]
pub struct Printer {
    as_json: bool,
    waiting: Vec<u8>,
}

/// Octets of lines that are written at once.
const WRITE_OCTETS: usize = 64 * 1024;

impl Printer {
    /// One that writes lines of text, or of JSON.
    pub fn new(as_json: bool) -> Printer {
        Printer { as_json, waiting: Vec::new() }
    }

    fn line(&mut self, text: &str) {
        self.waiting.extend_from_slice(text.as_bytes());
        self.waiting.push(b'\n');
    }
}

impl super::outlet::Sink<Record> for Printer {
    fn take(&mut self, record: Record, lost: u64) -> Outcome {
        match (lost, self.as_json) {
            (0, _) => {}
            (_, true) => self.line(&json!({ "event": "lost", "lines": lost }).to_string()),
            (_, false) => self.line(&format!("{lost} lines are lost: the output is too slow")),
        }
        let line = if self.as_json { record.json().to_string() } else { record.text() };
        self.line(&line);
        match self.waiting.len() < WRITE_OCTETS {
            true => Ok(()),
            false => self.flush(),
        }
    }

    fn flush(&mut self) -> Outcome {
        if !self.waiting.is_empty() {
            output::write(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }
}
