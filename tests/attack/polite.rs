//! A polite client beside an attack, and newcomers.

use std::fmt;
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::Master;
use testkit::wait::let_pass;

/// The pause after each operation.
const PAUSE: Duration = Duration::from_millis(5);
/// Timeout of an operation: the default of every master.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How often a newcomer connects.
const NEWCOMER_INTERVAL: Duration = Duration::from_millis(500);
/// Bytes of a small access and of a large one.
const SMALL: usize = 4;
const LARGE: usize = 100_000;

/// A client that was there before the attack.
pub struct Polite {
    port: u16,
    master: Master,
}

/// What it and the newcomers have seen.
#[derive(Default)]
pub struct Measured {
    small: Vec<Duration>,
    large: Vec<Duration>,
    newcomers: Vec<Duration>,
    /// The texts of the failures of the client, and of the newcomers.
    failures: Vec<String>,
    newcomer_failures: Vec<String>,
}

fn client_of(port: u16) -> Master {
    let client = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(client);
    master.set_timeout(TIMEOUT);
    master
}

impl Polite {
    /// Connects before the attack begins.
    pub fn start(port: u16) -> Polite {
        let master = client_of(port);
        master.write(0, &vec![7; LARGE]).unwrap();
        Polite { port, master }
    }

    /// Small and large reads and writes in turn, and a newcomer now and then.
    pub fn measure(&self, time: Duration) -> Measured {
        let mut measured = Measured::default();
        let data = vec![7; LARGE];
        let start = Instant::now();
        std::thread::scope(|scope| {
            let newcomers = scope.spawn(|| newcomers(self.port, time));
            for n in 0.. {
                if start.elapsed() >= time {
                    break;
                }
                let bytes = if n % 4 < 2 { SMALL } else { LARGE };
                let before = Instant::now();
                let outcome = match n % 2 {
                    0 => self.master.read(0, bytes as u32).map(drop),
                    _ => self.master.write(0, &data[..bytes]),
                };
                let times = if bytes == SMALL { &mut measured.small } else { &mut measured.large };
                times.push(before.elapsed());
                measured.failures.extend(outcome.err().map(|error| error.text().to_owned()));
                let_pass(PAUSE);
            }
            (measured.newcomers, measured.newcomer_failures) = newcomers.join().unwrap();
        });
        measured
    }
}

fn newcomers(port: u16, time: Duration) -> (Vec<Duration>, Vec<String>) {
    let (mut times, mut failures) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while start.elapsed() < time {
        let before = Instant::now();
        let outcome = client_of(port).read(0, SMALL as u32);
        times.push(before.elapsed());
        failures.extend(outcome.err().map(|error| error.text().to_owned()));
        let_pass(NEWCOMER_INTERVAL);
    }
    (times, failures)
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [("4 B", &self.small), ("100 KB", &self.large), ("newcomer", &self.newcomers)];
        for (name, times) in all {
            let mut times = times.clone();
            times.sort_unstable();
            let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1));
            let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
            let (middle, most, last) = (ms(at(50)), ms(at(99)), ms(times.last()));
            write!(f, "{name}: p50 {middle:.2}, p99 {most:.2}, max {last:.2} ms; ")?;
        }
        let Measured { small, large, newcomers, failures, newcomer_failures } = self;
        let operations = small.len() + large.len();
        write!(f, "{} of {operations} operations fail", failures.len())?;
        write!(f, ", {} of {} newcomers", newcomer_failures.len(), newcomers.len())?;
        for text in failures.last().iter().chain(&newcomer_failures.last()) {
            write!(f, "\n    such as: {text}")?;
        }
        Ok(())
    }
}
