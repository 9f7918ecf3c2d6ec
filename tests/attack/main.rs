//! Attacks on a bridge at full force, beside a polite client, as `docs/security.md` reports them.
//! They take long and load the machine, so none runs unless it is asked for:
//!
//! ```text
//! cargo test --release --test attack -- --ignored [NAME ...]
//! ```
//!
//! Server and attackers are processes of their own: this program again, in another role. The short
//! forms, which count and measure no time, are in `tests/bridge/`.

mod peers;
mod polite;

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::ServerOptions;
use testkit::bridge::{memory, server_of};
use testkit::process::{program_as, role};
use testkit::wait::let_pass;

use polite::Polite;

/// How long each attack lasts.
const ATTACK_TIME: Duration = Duration::from_secs(20);
/// How long an attacker has to get going before anything is measured.
const RISE_TIME: Duration = Duration::from_secs(2);

/// Name, what it is, and the attacker's role with its number of connections.
const ATTACKS: [(&str, &str, &str); 6] = [
    ("unfinished", "9 connections that send 64 MiB minus one octet and stop", "unfinished 9"),
    ("idle", "1023 idle strangers", "idle 1023"),
    ("flood", "300 connections that send messages of 2 octets", "flood 300"),
    ("strangers", "READYs without session, 170 a second, from this host", "strangers 170"),
    ("churn", "connections opened and renewed without an end", "churn 500"),
    ("clients", "clients with sessions, opened and renewed without an end", "clients 500"),
];

fn main() -> ExitCode {
    if let Some(role) = role() {
        play(&role);
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let names: Vec<&String> = arguments.iter().filter(|one| !one.starts_with('-')).collect();
    let is_wanted = arguments.iter().any(|one| one == "--ignored" || one == "--include-ignored");
    let chosen = |name: &str| names.is_empty() || names.iter().any(|one| name == one.as_str());
    for (name, what, attacker) in ATTACKS.into_iter().filter(|(name, ..)| chosen(name)) {
        if arguments.iter().any(|one| one == "--list") {
            println!("{name}: test");
        } else if is_wanted {
            println!("\n{name}: {what}");
            attack(attacker);
        } else {
            println!("test {name} ... ignored, see tests/attack/main.rs");
        }
    }
    ExitCode::SUCCESS
}

/// Measures a polite client beside the attacker: first at an unrelated server, then at the one that
/// is attacked.
fn attack(attacker: &str) {
    for is_attacked in [false, true] {
        let (attacked, other) = (Player::new("server"), Player::new("server"));
        let port = if is_attacked { attacked.port } else { other.port };
        let polite = Polite::start(port);
        let attackers = Player::new(&format!("{attacker} {}", attacked.port));
        let_pass(RISE_TIME);
        let measured = polite.measure(ATTACK_TIME);
        println!("  {} server: {measured}", if is_attacked { "attacked" } else { "another " });
        println!("    attackers: {}", attackers.finish());
        println!("    server: {}", attacked.finish());
    }
}

fn play(role: &str) {
    let words: Vec<&str> = role.split(' ').collect();
    let number = |at: usize| words[at].parse::<usize>().unwrap();
    match words[0] {
        "server" => serve(),
        kind => {
            let port = u16::try_from(number(2)).unwrap();
            println!("0");
            let is_over = end_of_input();
            println!("{}", peers::attack(kind, port, number(1), &is_over));
        }
    }
}

fn serve() {
    let server = server_of(memory(), ServerOptions::default());
    println!("{}", server.port());
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    println!("{:?}", server.stats());
}

/// Whether the standard input has ended.
fn end_of_input() -> impl Fn() -> bool + Sync {
    let reader = thread::spawn(|| io::stdin().read_to_end(&mut Vec::new()));
    move || reader.is_finished()
}

/// A process of this program.
struct Player {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
    /// What it says first: the port of a server.
    port: u16,
}

impl Player {
    fn new(role: &str) -> Player {
        let mut child =
            program_as(role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = next_line(&mut output).trim().parse().unwrap();
        Player { child, input, output, port }
    }

    /// Ends it, and returns what it says last.
    fn finish(mut self) -> String {
        drop(self.input.take());
        let mut last = String::new();
        self.output.read_to_string(&mut last).unwrap();
        self.child.wait().unwrap();
        last.lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn next_line(output: &mut impl BufRead) -> String {
    // The log of a server is of no interest here.
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it says nothing");
        if line.trim().parse::<u16>().is_ok() {
            return line;
        }
    }
}
