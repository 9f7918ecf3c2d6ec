//! `spy`: a relay between clients and a server that tells what passes.

mod capture;
mod clients;
mod direction;
mod link;
mod observer;
mod outlet;
mod record;
mod recorder;
mod relay;
mod server;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use mio::Waker;
use rogue_mem::net::listener::listen_at;
use rogue_mem::net::server_address::ServerAddress;
use rogue_mem::net::unix::MODE_DEFAULT;
use serde_json::json;

use crate::arguments::Spy;
use crate::failure::{Failure, Kind, Outcome};
use crate::interrupt::Interrupt;
use crate::output;
use capture::{CaptureFile, Packet};
use outlet::Outlet;
use record::{Printer, Record};
use recorder::Recorder;
use relay::Relay;
use server::Server;

/// Bytes of data that are shown of each message.
const SHOWN_BYTES: usize = 32;
/// With `--full`: a bound on the memory that one message takes.
const SHOWN_BYTES_FULL: usize = 4 << 20;
/// Octets that wait for the terminal, and for the file of the capture.
const LINES_OCTETS_MAX: usize = 8 << 20;
const PACKETS_OCTETS_MAX: usize = 128 << 20;
/// How long a terminal or a disk may take nothing at the end.
const END_TIME: Duration = Duration::from_secs(1);

pub fn run(spy: &Spy, json: bool) -> Outcome {
    let server = Server::find(&spy.to)?;
    let address = listening(&spy.listen)?;
    if server.is_at(&address) {
        let text = format!(
            "--listen {} and --to {} have a port in common: a spy at the place of the server would pass \
             everything on to itself; let it listen elsewhere",
            spy.listen, spy.to
        );
        return Err(Failure::new(Kind::Usage, text));
    }
    let listeners = listen_at(&address, MODE_DEFAULT).map_err(Failure::of(Kind::Unreachable))?;
    let to = server.name(false);
    let mut relay = Relay::new(listeners, server)?;
    let waker = relay.waker();
    let at_signal = waker.clone();
    let interrupt = Interrupt::calling(move || wake(&at_signal))?;
    let at = relay.address();
    let packets = packets_of(spy, &at, &to)?;
    match json {
        true => output::line(json!({ "listening": [at], "to": to }))?,
        false => output::line(format!("{at}, passed on to {to}"))?,
    }
    let lines = (!spy.quiet).then(|| lines_of(json, waker)).transpose()?;
    let shown_max = if spy.full { SHOWN_BYTES_FULL } else { SHOWN_BYTES };
    let mut recorder = Recorder::new(shown_max, lines, packets);
    let is_over = |recorder: &Recorder| interrupt.has_come() || recorder.is_unread();
    let outcome = relay.run(&mut recorder, &is_over);
    // From here on nobody is served: the peers learn it before anything is written.
    drop(relay);
    let (summary, lines, packets) = recorder.finish();
    let captured = packets.map_or(Ok(()), |packets| ended(packets, "The file of the capture"));
    let printed = lines.map_or(Ok(()), |lines| ended(lines, "Standard output"));
    printed?;
    match json {
        true => output::line(summary.json())?,
        false => output::line(summary.text())?,
    }
    outcome.and(captured)
}

/// Where it listens: an address, or a port of this host alone.
fn listening(text: &str) -> Outcome<ServerAddress> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(ServerAddress::Tcp { text: "127.0.0.1".to_owned(), port });
    }
    ServerAddress::parse(text).map_err(|error| {
        let text = format!("{text:?}: {}; PORT, HOST:PORT, *:PORT or unix:PATH", error.text());
        Failure::new(Kind::Usage, text)
    })
}

fn packets_of(spy: &Spy, at: &str, to: &str) -> Outcome<Option<Outlet<Packet>>> {
    let Some(path) = &spy.pcap else { return Ok(None) };
    let comment = format!("Connections of clients to {at}, as they were passed on to {to}");
    let file = CaptureFile::create(path, comment)?;
    // Who uses the board goes on without the capture.
    let tell = |failure: &Failure| failure.tell(false);
    Outlet::start("capture", PACKETS_OCTETS_MAX, file, tell).map(Some)
}

fn lines_of(json: bool, waker: Arc<Waker>) -> Outcome<Outlet<Record>> {
    Outlet::start("lines", LINES_OCTETS_MAX, Printer::new(json), move |_| wake(&waker))
}

fn ended<T: Send + 'static>(outlet: Outlet<T>, name: &str) -> Outcome {
    outlet.finish(END_TIME).unwrap_or_else(|| {
        let text = format!("{name} takes nothing: the last of it is lost");
        Err(Failure::new(Kind::File, text))
    })
}

fn wake(waker: &Waker) {
    // It fails only where the relay has ended.
    let _ = waker.wake();
}
