//! What happens to the processes and their connections.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testkit::players::Player;
use testkit::process::anonymous_bytes_of;
use testkit::tcp_relay::{Direction, Disturbance, TcpRelay, Which};
use testkit::wait::{let_pass, LONG};

use crate::journal::Journal;

const CLIENTS: usize = 4;
/// Faults in a short run; `ROGUE_MEM_SOAK` multiplies it.
const FAULTS_COUNT: usize = 8;
/// Writes of each client for which a fault has room in the journal.
const WRITES_OF_FAULT: u64 = 20_000;
/// Operations of each client that succeed between two faults.
const SUCCESSES_BETWEEN: u64 = 30;
/// Bytes of the largest access.
const SIZE_MAX: usize = 1 << 20;
/// Longer than the timeouts of the clients' requests.
const SUSPENSION: Duration = Duration::from_millis(3000);

/// Writes of each of many clients; those that have made them read on.
const SOAK_WRITES: u64 = 500_000;
/// A quarter of a short run's rounds.
const WARM_UP_ROUNDS: usize = 5;
/// What a server may grow by because of the order of events: buffers that it keeps for reuse.
const GROWTH_BYTES_MAX: u64 = 32 << 20;

fn number_in(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|value| value.parse().expect("a number"))
}

/// A server, its clients, and the journal.
struct Stage {
    path: PathBuf,
    journal: Journal,
    rng: ChaCha8Rng,
    duplex: bool,
    port: u16,
    server: Option<Player>,
    clients: Vec<Option<Player>>,
    /// Where clients connect to.
    front: u16,
    /// How often the server was suspended.
    suspensions: usize,
}

impl Stage {
    fn new(name: &str, duplex: bool) -> Stage {
        Stage::with(name, duplex, CLIENTS, WRITES_OF_FAULT * faults_count() as u64)
    }

    /// A server for `clients`, which make that many `writes` each at most.
    fn with(name: &str, duplex: bool, clients: usize, writes: u64) -> Stage {
        let path = env::temp_dir().join(format!("rogue_mem_{name}_{}", process::id()));
        let journal = Journal::create(&path, clients as u64, writes);
        let seed = number_in("ROGUE_MEM_SEED").unwrap_or_else(rand::random);
        println!("{name}: ROGUE_MEM_SEED={seed}");
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let clients = (0..clients).map(|_| None).collect();
        let (server, port, front, suspensions) = (None, 0, 0, 0);
        let mut stage =
            Stage { path, journal, rng, duplex, port, server, clients, front, suspensions };
        stage.start_server();
        stage.front = stage.port;
        stage
    }

    fn start_server(&mut self) {
        let (path, seed) = (self.path.display(), self.rng.random::<u32>());
        let duplex = u8::from(self.duplex);
        let mut server = Player::new(format!("server {path} {} {seed} {duplex}", self.port));
        self.port = server.line().parse().unwrap();
        self.server = Some(server);
    }

    fn start_client(&mut self, number: usize) {
        let role = format!("client {} {} {number} {SIZE_MAX}", self.path.display(), self.front);
        self.clients[number] = Some(Player::new(role));
    }

    fn start_clients(&mut self) {
        (0..self.clients.len()).for_each(|number| self.start_client(number));
    }

    /// Waits until every client gets on.
    #[track_caller]
    fn wait_progress(&mut self) {
        let count = |stage: &Stage, client: usize| stage.journal.successes(client as u64);
        let clients = self.clients.len();
        let before: Vec<u64> = (0..clients).map(|client| count(self, client)).collect();
        let limit = Instant::now() + LONG;
        for (client, before) in before.into_iter().enumerate() {
            while count(self, client) < before + SUCCESSES_BETWEEN {
                if Instant::now() > limit {
                    let player = self.clients[client].as_ref().expect("it runs");
                    panic!("client {client} does not get on; it says {:#?}", player.said());
                }
                let_pass(Duration::from_millis(1));
            }
        }
    }

    /// Lets some time pass, so that a fault comes at any point.
    fn linger(&mut self) {
        let_pass(Duration::from_micros(self.rng.random_range(0..20_000)));
    }

    fn kill_server(&mut self) {
        drop(self.server.take());
        self.start_server();
    }

    fn kill_client(&mut self) {
        let number = self.rng.random_range(0..self.clients.len());
        drop(self.clients[number].take());
        self.start_client(number);
    }

    fn replace_client(&mut self) {
        let number = self.rng.random_range(0..self.clients.len());
        self.clients[number].take().into_iter().for_each(Player::finish);
        self.start_client(number);
    }

    /// Ends all processes in good order, and looks for contradictions.
    fn finish(mut self) {
        self.wait_progress();
        self.clients.drain(..).flatten().for_each(Player::finish);
        self.server.take().into_iter().for_each(Player::finish);
        println!("{}", self.journal.summary());
        let faults = self.journal.faults(self.suspensions);
        assert!(faults.is_empty(), "{} contradictions: {:#?}", faults.len(), first(&faults));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_file(Path::new(&self.path));
    }
}

fn first(faults: &[String]) -> &[String] {
    &faults[..faults.len().min(20)]
}

fn faults_count() -> usize {
    let factor = number_in("ROGUE_MEM_SOAK").unwrap_or(1);
    FAULTS_COUNT * usize::try_from(factor).unwrap()
}

fn under_faults(name: &str, mut fault: impl FnMut(&mut Stage)) {
    let mut stage = Stage::new(name, true);
    stage.start_clients();
    for _ in 0..faults_count() {
        stage.wait_progress();
        stage.linger();
        fault(&mut stage);
    }
    stage.finish();
}

pub fn killed_servers() {
    under_faults("killed_servers", Stage::kill_server);
}

pub fn killed_clients() {
    under_faults("killed_clients", Stage::kill_client);
}

pub fn killed_both() {
    under_faults("killed_both", |stage| {
        if stage.rng.random() {
            stage.kill_client();
        }
        stage.kill_server();
        if stage.rng.random() {
            stage.kill_client();
        }
    });
}

pub fn suspended() {
    under_faults("suspended", |stage| {
        let number = stage.rng.random_range(0..=stage.clients.len());
        let player = match number.checked_sub(1) {
            Some(client) => &stage.clients[client],
            None => {
                stage.suspensions += 1;
                &stage.server
            }
        };
        let player = player.as_ref().expect("it runs");
        player.signal("STOP");
        let_pass(SUSPENSION);
        player.signal("CONT");
    });
}

pub fn disturbed() {
    disturbed_on("disturbed", true);
}

pub fn disturbed_apart() {
    disturbed_on("disturbed_apart", false);
}

fn disturbed_on(name: &str, duplex: bool) {
    let mut stage = Stage::new(name, duplex);
    let relay = TcpRelay::start(stage.port);
    stage.front = relay.port();
    stage.start_clients();
    for _ in 0..2 * faults_count() {
        stage.wait_progress();
        stage.linger();
        let which = *[Which::First, Which::Second, Which::Both].choose(&mut stage.rng).unwrap();
        let disturbance = random_disturbance(&mut stage.rng);
        relay.disturb(which, disturbance);
        if matches!(disturbance, Disturbance::Stall | Disturbance::Deaf(_) | Disturbance::Drip) {
            let_pass(SUSPENSION.mul_f64(stage.rng.random()));
            relay.restore();
        }
    }
    stage.finish();
}

fn random_disturbance(rng: &mut ChaCha8Rng) -> Disturbance {
    let direction = if rng.random() { Direction::ToServer } else { Direction::ToClient };
    match rng.random_range(0..7) {
        0 => Disturbance::Cut,
        1 => Disturbance::Reset,
        2 => Disturbance::CutInside(direction, rng.random_range(1..5000)),
        3 => Disturbance::HalfClose(direction),
        4 => Disturbance::Stall,
        5 => Disturbance::Deaf(direction),
        _ => Disturbance::Drip,
    }
}

/// Clients come and go, beside others that are idle. Nobody starves, and the server does not grow.
pub fn many_clients() {
    let minutes = number_in("ROGUE_MEM_SOAK_MINUTES");
    let (clients, idle) = if minutes.is_some() { (64, 1000) } else { (8, 50) };
    let rounds_end = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let mut stage = Stage::with("many_clients", true, clients, SOAK_WRITES);
    let mut idle = Player::new(format!("idle - {} {idle}", stage.port));
    idle.wait_for("connected", 1);
    stage.start_clients();
    // The first rounds are the warm-up.
    let mut sizes = Vec::new();
    while rounds_end.map_or(sizes.len() < 4 * WARM_UP_ROUNDS, |end| Instant::now() < end) {
        stage.wait_progress();
        stage.linger();
        match stage.rng.random() {
            true => stage.kill_client(),
            false => stage.replace_client(),
        }
        // Without the journal, which it maps, and of which every write takes some more.
        sizes.push(anonymous_bytes_of(stage.server.as_ref().expect("it runs").id()));
    }
    idle.finish();
    let (early, late) = sizes.split_at(sizes.len() / 2);
    let peaks = [early, late].map(|sizes| sizes.iter().max().copied().unwrap_or(0));
    println!("{} rounds; bytes of the server, at most: {peaks:?}", sizes.len());
    stage.finish();
    assert!(peaks[1] <= peaks[0] + peaks[0] / 4 + GROWTH_BYTES_MAX, "it grows: {peaks:?}");
}
