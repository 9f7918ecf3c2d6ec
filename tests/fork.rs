//! What a child by `fork` can do while other threads of its parent use the library.
//!
//! A test program of its own, because it forks, and because the programs it starts are itself, with
//! their standard output in a pipe. Its `main` is that of a C program: where the standard library
//! starts a program it installs a handler for stack overflows, and then keeps a list of threads
//! under a lock of its own, which a child by `fork` may find locked.

#![cfg(unix)]
#![no_main]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::logging::{self, Level, Logger, Record};
use rogue_mem::memory::{Emulate, Hub, Master};

/// The variable that tells a program started by a test what it is.
const ROLE: &str = "ROGUE_MEM_TEST_FORK_ROLE";
/// A child that takes longer hangs, and is ended by a signal.
const HANG: Duration = Duration::from_secs(60);
const FORKS_COUNT: usize = 200;
/// More than what a pipe holds, and than what it takes in one piece.
const LONG_TEXT_BYTES: usize = 256 * 1024;

const WORKING: &str = "forks while other threads work";
const WRITING: &str = "forks while another thread writes a line";

/// This program once more, in that role, with its output in a pipe.
fn program(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

#[no_mangle]
extern "C" fn main() -> libc::c_int {
    match std::env::var(ROLE).as_deref() {
        Ok(WORKING) => fork_while_others_work(),
        Ok(WRITING) => fork_while_another_writes(),
        _ => {
            a_child_uses_what_other_threads_were_using_when_it_was_forked();
            a_child_logs_while_another_thread_of_its_parent_is_in_the_middle_of_a_line();
        }
    }
    0
}

/// Runs `body` in a child by `fork` and returns how that ended, as `waitpid` has it.
fn status_of_child(body: impl FnOnce()) -> libc::c_int {
    // SAFETY: the child does what this library promises to be possible, and leaves without
    // running anything of the parent's.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: a plain system call.
        unsafe { libc::alarm(HANG.as_secs() as libc::c_uint) };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: as above; it does not return.
        unsafe { libc::_exit(i32::from(outcome.is_err())) };
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status
}

fn assert_ended_well(status: libc::c_int, number: usize) {
    let hung = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGALRM;
    assert!(!hung, "child {number} hung");
    assert_eq!(status, 0, "child {number}");
}

/// A name that the system makes an address of by itself. One with several addresses has them
/// sorted, for which glibc takes a lock of its own that no child gets back.
const NAME: &str = "0x7f.1";

/// What the parent's threads do, and the child too: everything that objects of a process share.
fn log_and_set(number: usize) {
    let logger = Logger::new(&format!("fork.{number}"));
    logger.log(Level::ERROR, format_args!("{}", "x".repeat(number % 100)));
    logging::set_filter("fork.other", Level(10 + (number % 4) as u32));
    logging::set_sink(Some(Arc::new(|_: &Record<'_>| {})));
    logging::set_level(Level::ERROR);
    logging::remove_filter("fork.other");
}

/// A client that has to look a name up, connected to a server of its own.
fn transfer() {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    server.start();
    let client = TcpClient::new(NAME, server.port(), ClientOptions::default()).unwrap();
    client.start().unwrap();
    client.wait_ready(2 * HANG, Duration::from_millis(100)).unwrap();
    let hub = Hub::new(0x100, 0, 0);
    hub.master().set_slave(client.clone());
    let master = Master::new();
    master.set_slave(hub);
    master.set_timeout(2 * HANG.as_micros() as u64);
    master.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0, 4).unwrap(), [1, 2, 3, 4]);
}

fn fork_while_others_work() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let repeat = |work: fn(usize)| {
        thread::spawn(move || {
            let numbers = (1..).take_while(|_| !STOP.load(Ordering::Relaxed));
            numbers.for_each(work);
        })
    };
    let look_up = |_| {
        let client = TcpClient::new(NAME, 1, ClientOptions::default()).unwrap();
        client.start().unwrap();
        client.stop();
    };
    let threads = [repeat(log_and_set), repeat(log_and_set), repeat(look_up), repeat(look_up)];
    for number in 0..FORKS_COUNT {
        let status = status_of_child(|| {
            log_and_set(number);
            if number % 2 == 0 {
                transfer();
            }
        });
        assert_ended_well(status, number);
    }
    STOP.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn a_child_uses_what_other_threads_were_using_when_it_was_forked() {
    let mut program = program(WORKING).spawn().unwrap();
    let mut lines_count = 0;
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        lines_count += 1;
        let (_, text) = line.split_once(":pyrogue.fork.").expect("a whole line");
        let (number, text) = text.split_once(": ").expect("a whole line");
        let length = number.parse::<usize>().expect("a whole line") % 100;
        assert_eq!(text, "x".repeat(length));
    }
    assert!(program.wait().unwrap().success());
    assert!(lines_count > FORKS_COUNT, "{lines_count} lines");
}

fn fork_while_another_writes() {
    let writer = thread::spawn(|| {
        let text = "y".repeat(LONG_TEXT_BYTES);
        Logger::new("fork.writer").log(Level::ERROR, format_args!("{text}"));
    });
    // The other end has read the beginning of the line and reads no more of it for the moment, so
    // that the writer is in the middle of it.
    let mut word = [0];
    std::io::stdin().read_exact(&mut word).unwrap();
    assert!(!writer.is_finished());
    let status = status_of_child(|| {
        // SAFETY: two descriptors that are open, and nobody else's in this process.
        assert_eq!(unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) }, 1);
        Logger::new("fork.child").log(Level::ERROR, format_args!("of the child"));
    });
    assert_ended_well(status, 0);
    assert!(!writer.is_finished(), "the fork has not waited for it");
    eprintln!("forked");
    writer.join().unwrap();
    Logger::new("fork.end").log(Level::ERROR, format_args!("of the parent"));
}

fn a_child_logs_while_another_thread_of_its_parent_is_in_the_middle_of_a_line() {
    let mut program = program(WRITING).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::with_capacity(1, program.stdout.take().unwrap());
    let mut line = Vec::new();
    while !line.ends_with(b":pyrogue.fork.writer: ") {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    std::io::Write::write_all(&mut program.stdin.take().unwrap(), b"!").unwrap();
    let errors = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
    let before: Vec<String> = errors.take_while(|line| line != "forked").collect();
    assert!(before.iter().any(|line| line.ends_with("fork.child: of the child")), "{before:?}");
    let mut rest = String::new();
    output.into_inner().read_to_string(&mut rest).unwrap();
    let mut lines = rest.lines();
    assert_eq!(lines.next(), Some(&*"y".repeat(LONG_TEXT_BYTES)));
    assert!(lines.next().unwrap().ends_with(":pyrogue.fork.end: of the parent"));
    assert!(program.wait().unwrap().success());
}
