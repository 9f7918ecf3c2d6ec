//! A process that gets no more memory: whatever a peer does then, the process lives, every peer is
//! answered or its connection is closed, and all are served when there is memory again.
//!
//! The allocator of this program refuses one large allocation after the other, and in turn whatever
//! exceeds a small rest from some allocation on. Each series is played in a process of its own,
//! because a fault ends it.
//!
//! `ROGUE_MEM_SOAK` tries more of them; `ROGUE_MEM_ONLY` is the number of the only one.

#![cfg(target_os = "linux")]

mod allocator;
mod memory;
mod peers;
mod stream;

use std::cell::Cell;
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::{ExitCode, Stdio};

use testkit::players;
use testkit::process::program_as;

use allocator::{arm, disarm, exempt, Refusals};

/// What is left when memory runs out at some point: more than a step may need ([`headroom`]).
///
/// [`headroom`]: ../../src/headroom.rs
const REST_BYTES: i64 = 200 * 1024;
/// The same for a server of memory, whose refusals are answers: clients that do not read them keep them
/// from being free again.
const REST_BYTES_WITH_ANSWERS: i64 = 1024 * 1024;
/// How many of the allocations are in turn the first one that is refused, evenly distributed.
const TRIES: i64 = 40;
const TRIES_OF_SOAK: i64 = 1000;

const SHORT: [(&str, fn()); 12] = [
    ("f91_legacy_clients_cost_nothing_when_a_large_allocation_fails", || {
        play_apart("legacy large")
    }),
    ("f91_a_memory_server_lives_when_a_large_allocation_fails", || play_apart("memory large")),
    ("a_client_lives_when_a_large_allocation_fails", || play_apart("client large")),
    ("a_sealed_client_lives_when_a_large_allocation_fails", || play_apart("curve_client large")),
    ("a_sealed_server_lives_when_a_large_allocation_fails", || play_apart("curve_server large")),
    ("a_board_lives_when_a_large_allocation_fails", || play_apart("board large")),
    ("a_sealed_client_lives_when_memory_runs_out", || play_apart("curve_client rest")),
    ("a_sealed_server_lives_when_memory_runs_out", || play_apart("curve_server rest")),
    ("f166_a_board_lives_when_memory_runs_out", || play_apart("board rest")),
    ("f169_a_queue_of_frames_drops_what_it_has_no_place_for", || play_apart("queue large")),
    ("f91_a_stream_server_lives_when_a_large_allocation_fails", || play_apart("stream large")),
    ("f91_a_stream_server_lives_when_memory_runs_out", || play_apart("stream rest")),
];
/// What a memory server has passed only lately: docs/security.md says how often.
const OF_SOAK: [(&str, fn()); 1] =
    [("f91_a_memory_server_lives_when_memory_runs_out", || play_apart("memory rest"))];

fn main() -> ExitCode {
    let of_soak: &[(&str, fn())] = if is_soak() { &OF_SOAK } else { &[] };
    players::main(&[&SHORT, of_soak].concat(), 1, play)
}

fn is_soak() -> bool {
    env::var_os("ROGUE_MEM_SOAK").is_some()
}

/// Plays a role in another process, which must live.
fn play_apart(role: &str) {
    let mut program = program_as(role);
    // The standard library's own trace of a failed allocation needs memory, and keeps the lock for traces.
    program.env("RUST_BACKTRACE", "0");
    let output = program.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let last: Vec<&str> = said.lines().rev().take(8).collect();
    assert!(output.status.success(), "{role}: {}\n{last:#?}\n{errors}", output.status);
    println!("{role}: {}", last.first().unwrap_or(&""));
}

fn play(role: &str) {
    if let Some(other) = role.strip_prefix("other ") {
        return peers::play_other(other);
    }
    exempt();
    trace_aborts();
    let (what, how) = role.split_once(' ').unwrap();
    let round = match what {
        "memory" => memory::round,
        "legacy" => memory::legacy_round,
        "stream" => stream::round,
        "queue" => stream::queue_round,
        "client" => peers::client_round,
        "curve_client" => peers::curve_client_round,
        "curve_server" => peers::curve_server_round,
        "board" => peers::board_round,
        other => panic!("no role {other}"),
    };
    let refusals = match (what, how) {
        (_, "large") => Refusals::Large,
        ("memory", _) => Refusals::Beyond(REST_BYTES_WITH_ANSWERS),
        _ => Refusals::Beyond(REST_BYTES),
    };
    let play = |n: i64| {
        println!("round {n}");
        let mut result = (0, 0);
        round(&mut || arm(refusals, n), &mut || result = disarm());
        result
    };
    // One without a refusal counts the allocations.
    let (_, left) = play(i64::MAX);
    let count = i64::MAX - left;
    let tries = if is_soak() { TRIES_OF_SOAK } else { TRIES };
    let step = (count / tries).max(1);
    let only: Option<i64> = env::var("ROGUE_MEM_ONLY").ok().and_then(|n| n.parse().ok());
    let firsts: Vec<i64> = only.map_or((1..=count).step_by(step as usize).collect(), |n| vec![n]);
    let refused = firsts.iter().map(|&n| play(n).0).sum::<i64>();
    assert!(refused > 0, "memory has never been short");
    println!("{} of {count} allocations in turn, {refused} refused", firsts.len());
}

thread_local! {
    /// A panic here is the end of a peer's part.
    static IS_CONVERSATION: Cell<bool> = const { Cell::new(false) };
}

/// Plays a part of a peer, which ends early where the server closes its connection. That nothing at
/// all comes is an error.
fn converse(part: impl FnOnce()) -> bool {
    IS_CONVERSATION.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(part));
    IS_CONVERSATION.set(false);
    let Err(why) = outcome else { return true };
    let text = why.downcast_ref::<String>().map(String::as_str);
    let text = text.or(why.downcast_ref::<&str>().copied()).unwrap_or("");
    assert!(!text.contains("nothing comes") && !text.contains("waiting"), "a peer waits: {text}");
    false
}

/// Shows where an allocation that may not fail has failed.
fn trace_aborts() {
    extern "C" fn show(_signal: libc::c_int) {
        // The peers go on, and may arm again.
        exempt();
        disarm();
        eprintln!("{}", std::backtrace::Backtrace::force_capture());
        // SAFETY: ends the process, without what others do at its end.
        unsafe { libc::_exit(1) };
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match IS_CONVERSATION.get() {
        true => {}
        false => usual(panic),
    }));
    // SAFETY: the handler allocates, at the end of a program that has failed.
    unsafe { libc::signal(libc::SIGABRT, show as *const () as libc::sighandler_t) };
}
