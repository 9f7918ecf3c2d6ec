//! Faults of processes and connections under load: kills, suspensions, a relay that disturbs. A
//! journal that no kill loses has what was asked, answered and carried out; in the end it must
//! hold no contradiction. This program is its own server and client processes.
//!
//! `ROGUE_MEM_SOAK` multiplies the number of faults, `ROGUE_MEM_SOAK_MINUTES` sets how long many
//! clients come and go; `make soak` sets both. `ROGUE_MEM_SEED` sets the seed of the choices.

mod client;
mod device;
mod journal;
mod network;
mod scenarios;

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use rogue_mem::bridge::ServerOptions;
use testkit::bridge::server_at;
use testkit::players;
use testkit::process::raise_descriptor_limit;

use device::Device;

/// They wait for timeouts most of the time.
const SCENARIOS_AT_ONCE: usize = 2;
const SCENARIOS: [(&str, fn()); 8] = [
    ("killed_servers_lose_nothing_that_was_acknowledged", scenarios::killed_servers),
    ("killed_clients_leave_no_write_behind_that_is_carried_out_twice", scenarios::killed_clients),
    ("servers_and_clients_are_killed_in_any_order", scenarios::killed_both),
    ("a_suspended_process_carries_nothing_out_that_has_timed_out", scenarios::suspended),
    ("connections_fail_in_every_way", scenarios::disturbed),
    ("many_clients_come_and_go_and_the_server_does_not_grow", scenarios::many_clients),
    ("a_network_that_is_cut_without_an_end_is_found_and_comes_back", network::cut),
    ("legacy_answers_fail_in_every_way", scenarios::disturbed_apart),
];

fn main() -> ExitCode {
    players::main(&SCENARIOS, SCENARIOS_AT_ONCE, play)
}

/// The roles: `server JOURNAL PORT SEED DUPLEX`, `client JOURNAL PORT NUMBER SIZE`,
/// `idle - PORT COUNT`, `near - 0`, `far - 0`.
fn play(role: &str) {
    raise_descriptor_limit();
    let words: Vec<&str> = role.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let (path, port) = (Path::new(words[1]), u16::try_from(number(2)).unwrap());
    match words[0] {
        "server" => {
            let duplex = number(4) == 1;
            let options = ServerOptions { duplex, clients_max: 2048, ..ServerOptions::default() };
            let server = server_at(port, Device::new(path, number(3)), options);
            println!("{}", server.port());
            let _ = std::io::stdin().lock().lines().count();
        }
        "idle" => client::idle(port, usize::try_from(number(3)).unwrap()),
        "near" => network::near(),
        "far" => network::far(),
        "client" => client::play(path, port, number(3), usize::try_from(number(4)).unwrap()),
        other => panic!("no role {other}"),
    }
}
