//! Test programs whose processes are the program itself: a `main` without a harness, and the
//! processes that play roles for it.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::panic;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::process::{program_as, role};
use crate::wait::LONG;

/// How long a process may say nothing and not end.
const PLAY_TIME_MAX: Duration = Duration::from_secs(300);

/// The `main` of such a program: plays its role if it has one, else runs those scenarios whose names
/// hold one of its arguments, or all, `at_once` at a time. `--list` names them, as a harness does.
pub fn main(scenarios: &[(&str, fn())], at_once: usize, play: fn(&str)) -> ExitCode {
    if let Some(role) = role() {
        play(&role);
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let filters: Vec<&String> = arguments.iter().filter(|one| !one.starts_with('-')).collect();
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|one| name.contains(*one));
    let scenarios = scenarios.iter().filter(|(name, _)| chosen(name));
    if arguments.iter().any(|one| one == "--list") {
        scenarios.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let failures = AtomicUsize::new(0);
    let left = Mutex::new(scenarios);
    let next = || left.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some((name, scenario)) = next() {
                    let is_right = panic::catch_unwind(scenario).is_ok();
                    println!("test {name} ... {}", if is_right { "ok" } else { "FAILED" });
                    failures.fetch_add(usize::from(!is_right), Ordering::SeqCst);
                }
            });
        }
    });
    ExitCode::from(u8::from(failures.into_inner() > 0))
}

/// A process of this program; killed when dropped.
pub struct Player {
    child: Child,
    lines: Receiver<String>,
}

impl Player {
    /// Starts a process with this role.
    pub fn new(role: String) -> Player {
        Player::started(program_as(&role))
    }

    /// Starts a program that becomes a process with a role.
    pub fn started(mut program: Command) -> Player {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Player { child, lines }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says; it fails the test if it has none.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(LONG).expect("the process says nothing more")
    }

    /// What it has said since the last line that was taken.
    pub fn said(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Says a line to it.
    pub fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("it has not been told to end");
        writeln!(input, "{line}").unwrap();
    }

    /// Waits until it has said this `count` times.
    pub fn wait_for(&mut self, text: &str, count: usize) {
        let mut seen = 0;
        while seen < count {
            seen += usize::from(self.line() == text);
        }
    }

    /// Sends it a signal, named as for the program `kill`.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Tells it to end, and waits for that, which must be a success.
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        let end = loop {
            match self.lines.recv_timeout(PLAY_TIME_MAX) {
                Ok(_) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected, "the process does not end");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
