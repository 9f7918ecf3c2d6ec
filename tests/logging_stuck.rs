//! Standard output that nobody reads: the library goes on, and says later what it could not say.
//!
//! A test program without the harness, which starts itself with a pipe for its standard output.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::logging::{self, Level, Logger};
use rogue_mem::memory::{Emulate, Master};
use testkit::process::{self, program_as};

const LONG: Duration = Duration::from_secs(120);
/// Several times what the pipe and the log's queue take: each is some lines.
const REQUESTS_COUNT: usize = 10_000;

/// The role of a program whose standard output nobody reads; of one whose own threads say much, on
/// a pipe that somebody reads; and of one whose standard output does not wait.
const UNREAD: &str = "unread";
const BUSY: &str = "busy";
const NONBLOCKING: &str = "nonblocking";
const THREADS_COUNT: usize = 4;
/// Together several times what the log's queue takes.
const LINES_COUNT: usize = 20_000;

fn main() {
    if let Some(role) = process::role() {
        return if role == UNREAD { work() } else { say_much(&role) };
    }
    f16_a_pipe_that_nobody_reads_stops_nothing();
    a_full_disk_or_a_reader_that_has_gone_stops_nothing();
    for role in [BUSY, NONBLOCKING] {
        f16_what_threads_of_the_program_say_is_not_lost_where_it_is_read(role);
    }
}

fn say_much(role: &str) {
    // SAFETY: as in `work`; sets a flag of a descriptor.
    unsafe {
        libc::alarm(LONG.as_secs() as libc::c_uint);
        if role == NONBLOCKING {
            libc::fcntl(libc::STDOUT_FILENO, libc::F_SETFL, libc::O_NONBLOCK);
        }
    }
    std::thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            scope.spawn(move || {
                let logger = Logger::new(&thread.to_string());
                for line in 0..LINES_COUNT {
                    logger.log(Level::CRITICAL, format_args!("{line}"));
                }
            });
        }
    });
    // One that no pipe takes at once, and more than the queue takes.
    Logger::new("long").log(Level::CRITICAL, format_args!("{}end", ".".repeat(2 << 20)));
}

/// Every write of the log fails: with ENOSPC, or with EPIPE.
fn a_full_disk_or_a_reader_that_has_gone_stops_nothing() {
    let full = std::fs::File::options().write(true).open("/dev/full");
    // Only Linux has that device.
    for output in full.map(Stdio::from).into_iter().chain([Stdio::piped()]) {
        let mut program = program_as(UNREAD)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(program.stdout.take());
        let ended = program.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said == "done\n", "{}: {said}", ended.status);
    }
}

fn f16_what_threads_of_the_program_say_is_not_lost_where_it_is_read(role: &str) {
    let mut program = program_as(role).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; THREADS_COUNT];
    let mut last = String::new();
    for line in BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let (_, rest) = line.split_once(":pyrogue.").expect("a whole line");
        let (name, text) = rest.split_once(": ").expect("a whole line");
        match name.parse::<usize>() {
            Ok(thread) => {
                assert_eq!(text, said[thread].to_string(), "what thread {thread} says next");
                said[thread] += 1;
            }
            Err(_) => last = text.to_owned(),
        }
    }
    assert!(program.wait().unwrap().success());
    assert_eq!(said, [LINES_COUNT; THREADS_COUNT]);
    assert!(last.len() > 2 << 20 && last.ends_with(".end"), "{} octets at the end", last.len());
}

/// A line of the log for each request from the client, and one from the server's own thread.
fn work() {
    // SAFETY: a plain system call; it ends a program that hangs.
    unsafe { libc::alarm(LONG.as_secs() as libc::c_uint) };
    // SAFETY: looks at a descriptor.
    let before = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFL) };
    logging::set_level(Level::DEBUG);
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(LONG);
    for _ in 0..REQUESTS_COUNT {
        master.read(0, 4).unwrap();
    }
    client.stop();
    server.stop();
    // SAFETY: as above. The descriptor is shared with other processes, and left as it was.
    assert_eq!(unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFL) }, before);
    eprintln!("done");
    let _ = std::io::stdin().read(&mut [0]);
    logging::flush(LONG);
}

fn f16_a_pipe_that_nobody_reads_stops_nothing() {
    let mut program = program_as(UNREAD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("done"));
    drop(program.stdin.take());
    let mut text = String::new();
    program.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(program.wait().unwrap().success());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        let (time, rest) = line.split_once(':').expect("a whole line");
        assert!(time.parse::<f64>().is_ok() && rest.starts_with("pyrogue."), "{line}");
    }
    assert!(text.lines().next().unwrap().contains("Creating response server port"));
    let dropped = text.lines().filter(|line| line.contains(" messages were dropped, ")).count();
    assert!(dropped > 0, "{} lines, and no word of what is missing", text.lines().count());
}
