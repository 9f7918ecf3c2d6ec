//! The counters of a server in the text format of Prometheus.

use std::fmt::Write;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rogue_mem::bridge::{memory_budget, ServerStats, TcpServer};
use rogue_mem::security::Audit;

use super::http;
use super::regions::{Region, Regions, TIMES_US};
use crate::failure::{Failure, Kind, Outcome};
use crate::output;

/// What is counted.
pub struct Sources {
    /// The server.
    pub server: Arc<TcpServer>,
    /// Its regions.
    pub regions: Arc<Regions>,
    /// The record of accesses.
    pub audit: Option<Arc<Audit>>,
    /// Seconds since 1970 when the server began.
    pub start: f64,
}

/// Opens a listener at HOST:PORT, or at a PORT of this host; warns if others reach it.
pub fn listen(address: &str) -> Outcome<TcpListener> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Unreachable,
            format!("The metrics cannot be served at {address}: {error}"),
        )
    };
    let all = addresses_of(address)?;
    let listener = TcpListener::bind(&all[..]).map_err(|error| refused(&error))?;
    let at = listener.local_addr().map_err(|error| refused(&error))?;
    if !at.ip().to_canonical().is_loopback() {
        output::error_line(format!(
            "rogue-mem: The metrics at {at} are for all that reach this address: they tell them what \
             is served, and how much"
        ));
    }
    Ok(listener)
}

/// The addresses of HOST:PORT, or of a PORT of this host. Of several the first one that can be bound
/// is served.
pub fn addresses_of(address: &str) -> Outcome<Vec<SocketAddr>> {
    let whole = match (address.parse::<u16>(), address.strip_prefix("*:")) {
        (Ok(port), _) => vec![format!("127.0.0.1:{port}")],
        // Both kinds of addresses, or, on a host without IPv6, those that there are.
        (_, Some(port)) => vec![format!("[::]:{port}"), format!("0.0.0.0:{port}")],
        _ => vec![address.to_owned()],
    };
    let found: io::Result<Vec<_>> = whole.iter().map(|text| text.to_socket_addrs()).collect();
    found.map(|each| each.into_iter().flatten().collect()).map_err(|error| {
        let text = format!("{address:?} is no address for metrics: {error}; HOST:PORT, or PORT");
        Failure::new(Kind::Usage, text)
    })
}

/// Serves the counters at `listener`, until the process ends.
pub fn serve(listener: TcpListener, sources: Sources) -> Outcome {
    let served = http::serve(listener, move || sources.page());
    served.map_err(|error| {
        Failure::new(Kind::Unreachable, format!("No thread for the metrics: {error}"))
    })
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A page that is being written.
struct Page(String);

impl Page {
    /// Begins a metric.
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let page = &mut self.0;
        writeln!(page, "# HELP rogue_mem_{name} {help}\n# TYPE rogue_mem_{name} {kind}")
            .expect("a text takes all");
    }

    /// A value of the metric; `labels` without braces.
    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        writeln!(self.0, "rogue_mem_{name}{labels} {value}").expect("a text takes all");
    }

    /// A counter with a value.
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, "counter", help);
        self.value(name, "", value as f64);
    }

    /// A gauge with a value.
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.metric(name, "gauge", help);
        self.value(name, "", value);
    }

    /// A counter for each cause.
    fn causes(&mut self, name: &str, help: &str, causes: &[(&str, u64)]) {
        self.metric(name, "counter", help);
        for (cause, count) in causes {
            self.value(name, &format!("cause=\"{cause}\""), *count as f64);
        }
    }
}

/// A text as the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Sources {
    fn page(&self) -> String {
        let mut page = Page(String::new());
        let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
        page.metric("build_info", "gauge", "The version of this program.");
        page.value("build_info", &version, 1.0);
        let help = "When the server began, in seconds since 1970.";
        page.gauge("start_time_seconds", help, self.start);
        let stats = self.server.stats();
        write_requests(&mut page, &stats);
        write_clients(&mut page, &stats);
        write_memory(&mut page, &stats);
        if let Some(audit) = &self.audit {
            write_audit(&mut page, audit);
        }
        write_regions(&mut page, &self.regions);
        page.0
    }
}

fn write_requests(page: &mut Page, stats: &ServerStats) {
    page.counter("requests_total", "Requests received, probes included.", stats.requests);
    page.counter("responses_total", "Responses queued for sending.", stats.responses);
    let help = "Responses dropped because their client had gone.";
    page.counter("dropped_responses_total", help, stats.dropped_responses);
    let help = "Messages dropped because they are no requests.";
    page.counter("malformed_messages_total", help, stats.malformed);
    page.causes(
        "refused_requests_total",
        "Requests answered with an error before they reached the device.",
        &[
            ("access", stats.refused_access),
            ("size", stats.refused_size),
            ("read_only", stats.refused_writes),
            ("window", stats.refused_windows),
            ("late", stats.refused_late),
            ("memory", stats.refused_memory),
            ("malformed", stats.refused_malformed),
            ("draining", stats.refused_draining),
        ],
    );
    page.counter("received_bytes_total", "Octets received.", stats.bytes_in);
    page.counter("sent_bytes_total", "Octets of responses queued for sending.", stats.bytes_out);
}

fn write_clients(page: &mut Page, stats: &ServerStats) {
    page.gauge("clients", "Clients being served.", stats.clients as f64);
    let help = "Open connections without a client.";
    page.gauge("held_connections", help, stats.held as f64);
    let help = "1 since the server ends, else 0.";
    page.gauge("draining", help, stats.draining as f64);
    page.counter("accepted_connections_total", "Connections accepted.", stats.accepted);
    page.causes(
        "refused_connections_total",
        "Connections refused: by CURVE, or by the access list.",
        &[("key", stats.refused_keys), ("access_list", stats.refused_peers)],
    );
    page.causes(
        "refused_clients_total",
        "Clients not served: no place was free, none of their address, or the server ends.",
        &[
            ("full", stats.clients_refused_full),
            ("address_full", stats.clients_refused_address),
            ("draining", stats.clients_refused_draining),
        ],
    );
    page.causes(
        "closed_connections_total",
        "Connections closed: of slow clients, of the slowest for others, without memory, of clients \
         with too many malformed messages.",
        &[
            ("slow", stats.closed_slow),
            ("room", stats.closed_for_room),
            ("memory", stats.closed_no_memory),
            ("malformed", stats.closed_malformed),
        ],
    );
    let help = "Idle clients that have made room for others.";
    page.counter("evicted_clients_total", help, stats.clients_evicted);
    let help = "Connections without a client that have made room for others.";
    page.counter("displaced_connections_total", help, stats.connections_displaced);
}

fn write_memory(page: &mut Page, stats: &ServerStats) {
    let help = "Bytes that the server holds for its clients.";
    page.gauge("budget_used_bytes", help, stats.budget_used as f64);
    let help = "Bytes that all servers of the process may hold for their clients.";
    page.gauge("budget_max_bytes", help, memory_budget().bytes_max as f64);
    let help = "How often a client had to wait for room in the budget.";
    page.counter("budget_waits_total", help, stats.budget_waits);
    let help = "Age of the oldest message that has come in part, or answer that is unread.";
    page.gauge("unfinished_seconds", help, stats.unfinished.as_secs_f64());
}

fn write_audit(page: &mut Page, audit: &Audit) {
    let stats = audit.stats();
    page.counter("audit_records_total", "Accesses of which a record was due.", stats.records);
    page.counter("audit_delivered_records_total", "Records in the file.", stats.delivered);
    page.counter("audit_lost_records_total", "Records lost.", stats.lost);
    page.gauge("audit_queued_records", "Records that wait.", stats.queued as f64);
    let help = "Attempts to write the file that have failed.";
    page.counter("audit_write_errors_total", help, stats.write_errors);
    page.counter("audit_written_bytes_total", "Bytes written.", stats.bytes_written);
    page.counter("audit_rotated_files_total", "Files begun after the first.", stats.files_rotated);
}

fn write_regions(page: &mut Page, regions: &Regions) {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let label = |region: &Region| format!("region=\"{}\"", escaped(&region.name));
    let name = "region_requests_total";
    page.metric(name, "counter", "Accesses that the device of the region has got.");
    for region in regions.iter() {
        let counters = &region.counters;
        for (kind, count) in [("read", &counters.reads), ("write", &counters.writes)] {
            page.value(name, &format!("{},type=\"{kind}\"", label(region)), load(count));
        }
    }
    let name = "region_bytes_total";
    page.metric(name, "counter", "Bytes of these accesses.");
    for region in regions.iter() {
        let counters = &region.counters;
        let both = [("read", &counters.read_bytes), ("write", &counters.written_bytes)];
        for (kind, count) in both {
            page.value(name, &format!("{},type=\"{kind}\"", label(region)), load(count));
        }
    }
    let name = "region_errors_total";
    page.metric(
        name,
        "counter",
        "Accesses that the device has failed, or has not answered in time.",
    );
    for region in regions.iter() {
        page.value(name, &label(region), load(&region.counters.errors));
    }
    let name = "region_access_seconds";
    page.metric(name, "histogram", "Times of accesses, from their hand-over to the device.");
    for region in regions.iter() {
        write_times(page, name, &label(region), region);
    }
}

fn write_times(page: &mut Page, name: &str, label: &str, region: &Region) {
    let counters = &region.counters;
    let bounds = TIMES_US.iter().map(|us| (*us as f64 / 1e6).to_string());
    let bounds = bounds.chain(["+Inf".to_owned()]);
    let mut count = 0;
    for (bound, counter) in bounds.zip(&counters.times) {
        count += counter.load(Ordering::Relaxed);
        let labels = format!("{label},le=\"{bound}\"");
        page.value(&format!("{name}_bucket"), &labels, count as f64);
    }
    let seconds = counters.time_ns.load(Ordering::Relaxed) as f64 / 1e9;
    page.value(&format!("{name}_sum"), label, seconds);
    // The sum of what was just written, so that both agree while more is counted.
    page.value(&format!("{name}_count"), label, count as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_the_server_is_on_the_page() {
        let mut page = Page(String::new());
        let stats = ServerStats::default();
        write_requests(&mut page, &stats);
        write_clients(&mut page, &stats);
        write_memory(&mut page, &stats);
        // The sum of the refusals is that of their causes; the budget of the process is no counter of
        // the server.
        let counters = format!("{stats:?}").matches(": ").count() - 1;
        let values = page.0.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(values, counters, "{}", page.0);
    }

    #[test]
    fn labels_are_escaped_and_addresses_have_a_default_host() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        for (text, address) in [("9464", "127.0.0.1:9464"), ("127.0.0.1:2", "127.0.0.1:2")] {
            assert_eq!(addresses_of(text).unwrap()[0].to_string(), address);
        }
        assert!(addresses_of("nowhere").is_err());
    }

    #[test]
    fn f105_every_interface_is_there_without_ipv6_too() {
        let all: Vec<_> = addresses_of("*:1").unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(all, ["[::]:1", "0.0.0.0:1"]);
    }
}
