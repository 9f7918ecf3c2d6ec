//! A process that gets no further descriptors, or no further threads: at each call that asks for one,
//! in turn. What cannot be made fails with an error that says what to do, leaves nothing behind, and
//! succeeds later; what runs goes on, and mends itself when there is more again.
//!
//! Each part is played in a process of its own, because limits are those of a process.

#![cfg(target_os = "linux")]

mod descriptors;
mod objects;
mod running;
mod threads;

use std::process::ExitCode;

use testkit::players::{self, Player};

const SCENARIOS: [(&str, fn()); 4] = [
    ("what_is_made_without_descriptors_says_so_and_leaves_nothing", || apart("descriptors")),
    ("what_is_made_without_threads_says_so_and_leaves_nothing", || apart("threads")),
    ("what_runs_without_descriptors_goes_on_and_mends_itself", || apart("running descriptors")),
    ("what_runs_without_threads_goes_on_and_mends_itself", || apart("running threads")),
];

fn main() -> ExitCode {
    players::main(&SCENARIOS, 1, play)
}

/// Plays a part in another process.
fn apart(role: &str) {
    Player::new(role.to_owned()).finish();
}

fn play(role: &str) {
    match role {
        "descriptors" => objects::sweep(
            "ulimit -n",
            |one| one.descriptors,
            |count| Box::new(descriptors::leave(count)),
        ),
        "threads" => {
            objects::sweep("ulimit -u", |one| one.threads, |count| Box::new(threads::leave(count)));
        }
        "running descriptors" => running::without_descriptors(),
        "running threads" => running::without_threads(),
        peer => running::play_peer(peer),
    }
}
