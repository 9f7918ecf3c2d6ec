//! What a server does now: for a terminal, a service manager, and as JSON.

use std::sync::Arc;
use std::time::Instant;

use indicatif::BinaryBytes;
use rogue_mem::bridge::{ServerStats, TcpServer};
use serde_json::json;

use super::regions::Regions;

/// The counters at one time, and how many requests came since the time before.
pub struct State {
    stats: ServerStats,
    errors: u64,
    requests_per_second: f64,
}

/// Watches a server.
pub struct Watch {
    server: Arc<TcpServer>,
    regions: Arc<Regions>,
    /// When it was looked at last, and its requests then.
    last: (Instant, u64),
}

impl Watch {
    /// Of a server that has just begun.
    pub fn new(server: Arc<TcpServer>, regions: Arc<Regions>) -> Watch {
        Watch { server, regions, last: (Instant::now(), 0) }
    }

    /// The state now. Rates are those since the call before.
    pub fn look(&mut self) -> State {
        let (now, stats) = (Instant::now(), self.server.stats());
        let (then, former) = std::mem::replace(&mut self.last, (now, stats.requests));
        let seconds = now.duration_since(then).as_secs_f64();
        let requests_per_second = (stats.requests - former) as f64 / seconds.max(1e-9);
        State { stats, errors: self.regions.errors(), requests_per_second }
    }
}

impl State {
    /// A line for people.
    pub fn text(&self) -> String {
        let ServerStats { clients, refused, budget_used, .. } = self.stats;
        format!(
            "{}, {} requests/s, {}, {refused} refused, {} held for clients",
            counted(clients, "client"),
            rate(self.requests_per_second),
            counted(self.errors, "error"),
            BinaryBytes(budget_used)
        )
    }

    /// What has been done until the end.
    pub fn summary(&self) -> String {
        let ServerStats { requests, refused, bytes_in, bytes_out, .. } = self.stats;
        format!(
            "{}, {}, {refused} refused; {} received, {} sent",
            counted(requests, "request"),
            counted(self.errors, "error"),
            BinaryBytes(bytes_in),
            BinaryBytes(bytes_out)
        )
    }

    /// An event.
    pub fn json(&self, event: &str) -> serde_json::Value {
        let stats = &self.stats;
        json!({
            "event": event, "clients": stats.clients, "requests": stats.requests,
            "requests_per_second": (self.requests_per_second * 10.0).round() / 10.0,
            "errors": self.errors, "refused": stats.refused, "malformed": stats.malformed,
            "bytes_in": stats.bytes_in, "bytes_out": stats.bytes_out,
            "budget_used": stats.budget_used
        })
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Three digits, with k or M.
fn rate(per_second: f64) -> String {
    match per_second {
        1e6.. => format!("{:.2}M", per_second / 1e6),
        1e4.. => format!("{:.1}k", per_second / 1e3),
        1e3.. => format!("{:.2}k", per_second / 1e3),
        _ => format!("{per_second:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits_and_counts_a_plural() {
        let rates = [0.0, 1.2, 999.4, 1000.0, 12_345.0, 1_234_567.0].map(rate);
        assert_eq!(rates, ["0", "1", "999", "1.00k", "12.3k", "1.23M"]);
        assert_eq!(
            [0, 1, 2].map(|count| counted(count, "client")).concat(),
            "0 clients1 client2 clients"
        );
    }
}
