//! The counts of a spy, told at its end.

use std::time::Duration;

use rogue_mem::proto::bridge::{Header, TYPE_POST, TYPE_VERIFY, TYPE_WRITE};
use serde_json::{json, Value};

use crate::round_trips::RoundTrips;

/// The percentiles that are told, with their names.
const PERCENTILES: [(&str, f64); 5] =
    [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

/// What has been counted.
#[derive(Debug)]
pub struct Summary {
    /// Connections.
    pub connections: u64,
    /// Clients, those of libzmq included.
    pub clients: u64,
    /// Octets that were passed on, to the server and to the clients.
    pub octets: [u64; 2],
    /// Requests that read, as all do of unknown types.
    reads: u64,
    writes: u64,
    posted: u64,
    verifies: u64,
    probes: u64,
    responses: u64,
    /// Responses with an error.
    errors: u64,
    /// Requests without an answer, posted writes aside.
    pub unanswered: u64,
    /// Responses to nothing that is known.
    pub unasked: u64,
    /// Messages that are neither requests nor responses.
    pub malformed: u64,
    /// Directions of connections of which the rest was not understood.
    pub undecodable: u64,
    /// Connections that could not be passed on.
    pub unreachable: u64,
    /// Frames that were sealed, or commands beside them.
    pub frames: u64,
    /// Lines and packets that were lost.
    pub lost: [u64; 2],
    latencies: RoundTrips,
}

impl Summary {
    /// Nothing yet.
    pub fn new() -> Summary {
        Summary {
            connections: 0,
            clients: 0,
            octets: [0; 2],
            reads: 0,
            writes: 0,
            posted: 0,
            verifies: 0,
            probes: 0,
            responses: 0,
            errors: 0,
            unanswered: 0,
            unasked: 0,
            malformed: 0,
            undecodable: 0,
            unreachable: 0,
            frames: 0,
            lost: [0; 2],
            latencies: RoundTrips::new(),
        }
    }

    /// A request.
    pub fn request(&mut self, header: &Header) {
        *match header.ty {
            TYPE_WRITE => &mut self.writes,
            TYPE_POST => &mut self.posted,
            TYPE_VERIFY => &mut self.verifies,
            _ if header.is_probe() => &mut self.probes,
            _ => &mut self.reads,
        } += 1;
    }

    /// A response, and how long after its request, if that is known.
    pub fn response(&mut self, header: &Header, is_ok: bool, latency: Option<Duration>) {
        self.responses += 1;
        self.errors += u64::from(!is_ok);
        if let Some(latency) = latency.filter(|_| !header.is_probe()) {
            self.latencies.add(latency);
        }
    }

    /// As lines of text.
    pub fn text(&self) -> String {
        let [sent, received] = self.octets;
        let mut lines = vec![
            format!(
                "connections {}, clients {}; bytes to the server {sent}, to the clients {received}",
                self.connections, self.clients
            ),
            format!(
                "reads {}, writes {}, posted writes {}, verifies {}, probes {}; responses {}, \
                 errors {}, unanswered requests {}",
                self.reads,
                self.writes,
                self.posted,
                self.verifies,
                self.probes,
                self.responses,
                self.errors,
                self.unanswered
            ),
        ];
        if self.latencies.count() > 0 {
            let times: Vec<String> =
                self.percentiles().map(|(name, us)| format!("{name} {us:.1} µs")).collect();
            lines.push(format!("latency of {}: {}", self.latencies.count(), times.join(", ")));
        }
        let [lines_lost, packets_lost] = self.lost;
        lines.extend(
            [
                ("responses that nobody has waited for", self.unasked),
                ("messages that are no requests and no responses", self.malformed),
                ("directions that were not decoded to their end", self.undecodable),
                ("connections that the server has not accepted", self.unreachable),
                ("frames of other mechanisms", self.frames),
                ("lines lost, because the output is too slow", lines_lost),
                ("packets lost, because the disk is too slow", packets_lost),
            ]
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{what}: {count}")),
        );
        lines.join("\n")
    }

    /// As an object of JSON.
    pub fn json(&self) -> Value {
        let latency = (self.latencies.count() > 0).then(|| {
            let all = self.percentiles().map(|(name, us)| (format!("{name}_us"), us.into()));
            let mut all: serde_json::Map<String, Value> = all.collect();
            all.insert("count".to_owned(), self.latencies.count().into());
            all
        });
        json!({
            "event": "summary", "connections": self.connections, "clients": self.clients,
            "bytes_to_server": self.octets[0], "bytes_to_client": self.octets[1],
            "reads": self.reads, "writes": self.writes, "posted": self.posted,
            "verifies": self.verifies, "probes": self.probes, "responses": self.responses,
            "errors": self.errors, "unanswered": self.unanswered, "unasked": self.unasked,
            "malformed": self.malformed, "undecodable": self.undecodable,
            "unreachable": self.unreachable, "frames": self.frames,
            "lost_lines": self.lost[0], "lost_packets": self.lost[1], "latency": latency
        })
    }

    fn percentiles(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        PERCENTILES.into_iter().map(|(name, part)| (name, self.latencies.part_us(part)))
    }
}
