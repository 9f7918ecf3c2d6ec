//! The bridge between processes: this program is its own client processes. It has its own `main`,
//! because a test harness has no place for those.

mod mixed;
mod speed;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::bridge::{ClientOptions, LegacyPolicy, ServerOptions, TcpServer};
use rogue_mem::memory::TransactionType;

use mixed::{mixed_client, Far};
use speed::{Speed, PAIRS};
use testkit::bridge::{memory, server_at, server_of, Client};
use testkit::players::{self, Player};
use testkit::raw::{self, Raw, RawClient};
use testkit::wait::{let_pass, wait_until, LONG};

const OPERATIONS: usize = 25_000;
/// The same where many choices are tried.
const OPERATIONS_OF_EACH: usize = 5_000;
const MIXED_OPERATIONS: usize = 1000;
/// Bytes of the address window that each random client has for itself.
const WINDOW_BYTES: usize = 0x1_0000;

/// Most of the time of a scenario is spent in pauses and in waits for what comes back.
const SCENARIOS_AT_ONCE: usize = 3;
const SCENARIOS: [(&str, fn()); 7] = [
    ("four_random_clients_find_what_they_have_written", four_random_clients),
    ("random_clients_find_what_they_have_written_by_every_way_of_saving_time", forced_ways),
    ("clients_that_do_everything_at_once_see_right_values_through_restarts", mixed_clients),
    ("d14_legacy_clients_of_two_processes_get_their_own_answers_through_restarts", two_legacy),
    ("d14_two_legacy_clients_of_one_process_are_never_crossed_by_a_restart", legacy_twins),
    ("a_killed_client_leaves_the_others_alone", killed_client),
    ("a_killed_server_is_found_again", killed_server),
];

fn main() -> ExitCode {
    players::main(&SCENARIOS, SCENARIOS_AT_ONCE, play)
}

fn play(role: &str) {
    let words: Vec<&str> = role.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let port = u16::try_from(number(1)).unwrap();
    match words[0] {
        "random" => {
            let [depth, operations] = [3, 4].map(|at| usize::try_from(number(at)).unwrap());
            random_client(port, number(2), (depth, operations), words[5].parse().unwrap());
        }
        "mixed" => {
            let [operations, restarts] = [3, 4].map(|at| usize::try_from(number(at)).unwrap());
            mixed_client(port, number(2), (operations, restarts), words[5].parse().unwrap());
        }
        "legacy" => legacy_client(port, number(2)),
        "twins" => thread::scope(|scope| {
            scope.spawn(|| legacy_client(port, 1));
            scope.spawn(|| legacy_client(port, 2));
        }),
        "endless" => endless_client(port),
        "server" => serve(port),
        other => panic!("no role {other}"),
    }
}

// ---------------------------------------------------------------------- random operations

fn four_random_clients() {
    random_clients(Speed::default(), OPERATIONS, &[1, 16, 400, 5000]);
}

fn forced_ways() {
    for speed in PAIRS {
        random_clients(speed, OPERATIONS_OF_EACH, &[1, 16, 400, 5000]);
    }
}

fn random_clients(speed: Speed, operations: usize, depths: &[usize]) {
    let server = server_of(memory(), speed.server());
    let port = server.port();
    let players: Vec<Player> = (0u64..)
        .zip(depths)
        .map(|(n, depth)| Player::new(format!("random {port} {n} {depth} {operations} {speed}")))
        .collect();
    for player in players {
        player.finish();
    }
    let stats = server.stats();
    assert!(stats.requests >= (depths.len() * operations) as u64, "{speed}: {stats:?}");
    assert_eq!((stats.malformed, stats.refused, stats.dropped_responses), (0, 0, 0), "{speed}");
}

fn mixed_clients() {
    for speed in PAIRS.into_iter().chain([Speed::default()]) {
        mixed_clients_through(speed, 0);
        mixed_clients_through(speed, 3);
    }
}

fn mixed_clients_through(speed: Speed, restarts: usize) {
    let far = Far::new();
    let mut server = server_of(far.clone(), speed.server());
    let port = server.port();
    let mut players = [0, 1]
        .map(|n| Player::new(format!("mixed {port} {n} {MIXED_OPERATIONS} {restarts} {speed}")));
    for _ in 0..restarts {
        players.iter_mut().for_each(|player| player.wait_for("hundred", 5));
        let stats = server.stats();
        // What is refused is late; players check that it was asked with little patience.
        assert_eq!(stats.malformed, 0, "{speed}: {stats:?}");
        server.stop();
        server = server_at(port, far.clone(), speed.server());
    }
    players.into_iter().for_each(Player::finish);
    let stats = server.stats();
    assert_eq!(stats.malformed, 0, "{speed}: {stats:?}");
}

/// What a read must find, by its id; of a write nothing, because its data is not kept where it ends
/// long before it is waited for.
type Expected = (u32, Option<Vec<u8>>);

/// Operations in a window of its own, `depth` of them outstanding, each compared with a model: the
/// server keeps the order of one client, so that the model may run ahead.
fn random_client(port: u16, number: u64, (depth, operations): (usize, usize), speed: Speed) {
    let seed = 0xB41D_6E00 + number;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let client = Client::with(port, speed.client());
    client.wait_ready();
    client.master.set_timeout(3 * LONG);
    let base = 0x10_0000_0000 * number;
    let mut model = vec![0; WINDOW_BYTES];
    let mut outstanding: VecDeque<Expected> = VecDeque::new();
    for count in 0..operations {
        let size = match rng.random_range(0..100) {
            0 => rng.random_range(0..8192),
            1..10 => rng.random_range(0..256),
            _ => rng.random_range(1..=8),
        };
        let at = rng.random_range(0..WINDOW_BYTES - size);
        let ty = [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ][rng.random_range(0..4)];
        let range = at..at + size;
        let mut data = vec![0xEE; size];
        if ty == TransactionType::Write || ty == TransactionType::Post {
            rng.fill(&mut data[..]);
            model[range.clone()].copy_from_slice(&data);
        }
        let id = client.master.request(base + at as u64, data.into(), ty).unwrap();
        if ty != TransactionType::Post {
            outstanding
                .push_back((id, (ty != TransactionType::Write).then(|| model[range].to_vec())));
        }
        while outstanding.len() >= depth {
            let (id, expected) = outstanding.pop_front().unwrap();
            compare(&client, id, expected.as_deref(), seed, count);
        }
    }
    for (id, expected) in outstanding {
        compare(&client, id, expected.as_deref(), seed, operations);
    }
    client.master.wait(0).unwrap();
    assert_eq!(client.master.read(base, WINDOW_BYTES as u32).unwrap(), model, "seed {seed}");
    let stats = client.tcp.stats();
    assert_eq!((stats.dropped_responses, stats.disconnects), (0, 0), "seed {seed}");
}

fn compare(client: &Client, id: u32, expected: Option<&[u8]>, seed: u64, count: usize) {
    let Some(expected) = expected else { return client.master.wait(id).unwrap() };
    let found = client.master.wait_buffer(id).unwrap();
    assert!(found == expected, "seed {seed}, before operation {count}: {found:?} {expected:?}");
}

// ---------------------------------------------------------------------- legacy clients

fn legacy_server_at(port: u16) -> Arc<TcpServer> {
    let options = ServerOptions { legacy: LegacyPolicy::Auto, ..ServerOptions::default() };
    server_at(port, memory(), options)
}

fn two_legacy() {
    let mut server = legacy_server_at(0);
    let port = server.port();
    let mut players = [1, 2].map(|number| Player::new(format!("legacy {port} {number}")));
    for _ in 0..6 {
        for player in &mut players {
            player.wait_for("ten right", 3);
        }
        server.stop();
        server = legacy_server_at(port);
    }
    for mut player in players {
        player.wait_for("ten right", 3);
        player.finish();
    }
    assert_eq!(server.stats().malformed, 0);
}

fn legacy_twins() {
    let mut server = legacy_server_at(0);
    let port = server.port();
    let player = Player::new(format!("twins {port}"));
    for _ in 0..6 {
        // On their first arrival one of them may be there before the other, and is served then.
        wait_until("all four connections have come", || {
            let stats = server.stats();
            stats.held + 2 * stats.clients == 4
        });
        server.stop();
        server = legacy_server_at(port);
    }
    player.finish();
}

/// Two connections that come and go as those of libzmq do: each tries again by itself, 100 to
/// 199 ms after it was lost.
struct Link {
    rng: ChaCha8Rng,
    port: u16,
}

impl Link {
    /// Two connections on which the server has said READY; `None` when all is over before that.
    fn connect(&mut self, is_over: &dyn Fn() -> bool) -> Option<RawClient> {
        let (first, second) = (self.delay(), self.delay());
        let port = self.port;
        let mut client = thread::scope(|scope| {
            let response = scope.spawn(move || half(port + 1, "PULL", first));
            let request = scope.spawn(move || half(port, "PUSH", second));
            RawClient { response: response.join().unwrap(), request: request.join().unwrap() }
        });
        let mut are_ready = [false; 2];
        while are_ready != [true; 2] {
            if is_over() {
                return None;
            }
            let halves =
                [(&mut client.response, port + 1, "PULL"), (&mut client.request, port, "PUSH")];
            for ((raw, port, socket_type), is_ready) in halves.into_iter().zip(&mut are_ready) {
                // One that is lost while the other is held comes back alone.
                if raw.is_closed() {
                    *raw = half(port, socket_type, self.delay());
                    *is_ready = false;
                }
                *is_ready = *is_ready || raw.try_ready();
            }
            let_pass(Duration::from_millis(1));
        }
        Some(client)
    }

    fn delay(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(100..200))
    }
}

fn half(port: u16, socket_type: &str, delay: Duration) -> Raw {
    loop {
        let_pass(delay);
        let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
        let mut raw = Raw::new(stream);
        // It may be lost again at any time; that shows when it is used.
        if raw.try_send(&raw::greeting()) && raw.try_send(&raw::ready(socket_type, &[])) {
            return raw;
        }
    }
}

/// A libzmq client in its ways: it writes and reads a register of its own, with the same ids as
/// every other such client, until its input ends. It fails if an answer is not its own.
fn legacy_client(port: u16, number: u64) {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = std::io::stdin().lines().count();
        IS_OVER.store(true, Ordering::SeqCst);
    });
    let is_over = || IS_OVER.load(Ordering::SeqCst);
    let mut link = Link { rng: ChaCha8Rng::seed_from_u64(number), port };
    while let Some(mut client) = link.connect(&is_over) {
        let _ = exchange(&mut client, number, &is_over);
    }
}

/// Works until the connection is lost or all is over.
fn exchange(client: &mut RawClient, number: u64, is_over: &dyn Fn() -> bool) -> Option<()> {
    client.request.set_patience(Duration::from_millis(500));
    client.response.set_patience(Duration::from_millis(500));
    for id in 1..u32::MAX {
        if is_over() {
            return None;
        }
        let value = (number << 32 | u64::from(id)).to_le_bytes();
        let address = 0x1000 * number;
        let octets = [
            raw::request(2 * id, address, 8, raw::WRITE, Some(&value)),
            raw::request(2 * id + 1, address, 8, raw::READ, None),
        ];
        if !client.request.try_send(&octets.concat()) {
            return None;
        }
        for (asked, ty) in [(2 * id, raw::WRITE), (2 * id + 1, raw::READ)] {
            let response = client.response.try_response(is_over)?;
            let header = raw::Header { id: asked, address, size: 8, ty };
            assert_eq!(response.header, header, "an answer to somebody else, or an old one");
            assert_eq!(response.payload, value, "somebody else's data");
            assert_eq!(response.result, b"OK");
        }
        if id % 10 == 0 {
            println!("ten right");
        }
    }
    None
}

// ---------------------------------------------------------------------- sudden ends

fn endless_client(port: u16) {
    let client = Client::ready(port);
    println!("ready");
    let mut outstanding = VecDeque::new();
    for n in 0u64.. {
        outstanding.push_back(client.start_write(n % 0x1000, &[n as u8; 1000]));
        if outstanding.len() > 500 {
            client.master.wait(outstanding.pop_front().unwrap()).unwrap();
        }
    }
}

fn killed_client() {
    let server = server_of(memory(), ServerOptions::default());
    let steady = Client::ready(server.port());
    for _ in 0..5 {
        let mut player = Player::new(format!("endless {}", server.port()));
        player.wait_for("ready", 1);
        let before = server.stats().requests;
        wait_until("it is busy", || server.stats().requests > before + 1000);
        steady.master.write(0x10_0000, &[7; 8]).unwrap();
        drop(player);
        wait_until("it is gone", || server.stats().clients == 1);
        assert_eq!(steady.master.read(0x10_0000, 8).unwrap(), [7; 8]);
    }
    assert_eq!(steady.tcp.stats().disconnects, 0);
}

fn serve(port: u16) {
    let server = server_at(port, memory(), ServerOptions::default());
    println!("{}", server.port());
    let _ = std::io::stdin().lines().count();
}

fn killed_server() {
    let mut player = Player::new("server 0".to_owned());
    let port: u16 = player.line().parse().unwrap();
    let options = ClientOptions { window: Some(64), ..ClientOptions::default() };
    let client = Client::with(port, options);
    client.wait_ready();
    for round in 0..4u8 {
        client.master.write(0, &[round; 4]).unwrap();
        let ids: Vec<u32> = (0..2000).map(|n| client.start_read(n * 4, 4)).collect();
        drop(player);
        player = Player::new(format!("server {port}"));
        assert_eq!(player.line(), port.to_string());
        // Those on their way are lost, or were answered; those that waited find the new server.
        let outcomes = ids.into_iter().map(|id| client.master.wait(id));
        let lost: Vec<_> = outcomes.filter_map(Result::err).collect();
        assert!(lost.len() <= 64, "{} of a window of 64", lost.len());
        assert!(lost.iter().all(|error| error.text().contains("was lost")), "{lost:?}");
    }
    player.finish();
}
