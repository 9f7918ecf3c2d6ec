//! What the library opens never has the number of a standard stream, whichever of them the program
//! has closed.
//!
//! A test program without the harness, which starts itself once for each set of closed streams.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::logging::{self, Level, Logger};
use rogue_mem::memory::{Emulate, Master};
use rogue_mem::net::owner;
use testkit::process::{self, program_as};
use testkit::wait::LONG;

/// How many that server's process may have.
const DESCRIPTORS_MAX: u64 = 128;
/// How many of them are the program's by default, and how many it may still have opened itself.
const RESERVED_BY_DEFAULT: usize = 32;
const STANDARD: std::ops::Range<i32> = 0..3;

const MAKERS_COUNT: usize = 3;
const MADE_COUNT: usize = 60;

/// Roles of a program that the test starts: one that closes the streams given as bits, one that
/// looks at their numbers while several threads make descriptors, and a server with few of them,
/// which leaves the given number to the program, or for 0 as many as by default.
const CLOSED: &str = "closed";
const WATCHING: &str = "watching";
const LIMITED: &str = "limited";

fn main() {
    if let Some(role) = process::role() {
        let (role, number) = role.split_once(' ').unwrap();
        let number: u32 = number.parse().unwrap();
        return match role {
            CLOSED => work_with_closed(STANDARD.filter(|n| number & 1 << n != 0).collect()),
            LIMITED => serve_with_few_descriptors(number),
            _ => watch_while_several_make_descriptors(),
        };
    }
    f11_no_descriptor_takes_the_place_of_a_closed_standard_stream();
    #[cfg(target_os = "linux")]
    f11_nor_for_a_moment_while_others_make_descriptors_too_nor_in_a_child();
    for reserved in [0, 60] {
        f15_a_server_leaves_descriptors_to_the_program(reserved);
    }
}

fn f11_no_descriptor_takes_the_place_of_a_closed_standard_stream() {
    for closed in 1..8 {
        let mut program = program_as(&format!("{CLOSED} {closed}"));
        program.stdin(Stdio::null()).stdout(Stdio::null());
        // Nothing of a panic is seen where standard error is closed; its status is.
        let status = program.status().unwrap();
        assert!(status.success(), "with the streams {closed:#05b} closed: {status}");
    }
}

#[cfg(target_os = "linux")]
fn f11_nor_for_a_moment_while_others_make_descriptors_too_nor_in_a_child() {
    assert!(program_as(&format!("{WATCHING} 0")).status().unwrap().success());
}

fn watch_while_several_make_descriptors() {
    // SAFETY: nobody in this program uses them from here on; standard error tells of a panic.
    unsafe { (libc::close(0), libc::close(1)) };
    let makers_left = AtomicUsize::new(MAKERS_COUNT);
    let make = || {
        for _ in 0..MADE_COUNT {
            let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
            let client =
                TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
            client.wait_ready(LONG, LONG).unwrap();
        }
        makers_left.fetch_sub(1, Ordering::SeqCst);
    };
    std::thread::scope(|scope| {
        for _ in 0..MAKERS_COUNT {
            scope.spawn(make);
        }
        while makers_left.load(Ordering::SeqCst) > 0 {
            for stream in 0..2 {
                let Ok(made) = std::fs::read_link(format!("/proc/self/fd/{stream}")) else {
                    continue;
                };
                // The C library opens files for a moment; what is written there goes nowhere.
                let made = made.to_string_lossy().into_owned();
                let is_ours = made.starts_with("socket:") || made.starts_with("anon_inode:");
                assert!(!is_ours, "{stream} is {made}");
            }
            assert!(is_closed_in_a_child(), "a child has one that its parent has closed");
        }
    });
}

/// Whether a child by `fork` finds the streams as this program has left them, also where another
/// thread keeps their numbers occupied at this moment.
fn is_closed_in_a_child() -> bool {
    // SAFETY: the child looks at numbers and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_closed = !is_open(0) && !is_open(1);
        // SAFETY: ends the child.
        unsafe { libc::_exit(libc::c_int::from(!is_closed)) };
    }
    let mut status = 0;
    // SAFETY: writes to `status`, which outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status == 0
}

fn is_open(descriptor: i32) -> bool {
    // SAFETY: looks at a number.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) != -1 }
}

fn assert_still_closed(closed: &[i32], after: &str) {
    // A line of the log, and one of the program's own, for a socket that has become a stream.
    Logger::new("descriptors").log(Level::ERROR, format_args!("a line after {after}"));
    for stream in closed {
        assert!(!is_open(*stream), "{stream} is open after {after}");
    }
}

fn work_with_closed(closed: Vec<i32>) {
    for stream in &closed {
        // SAFETY: nobody in this program uses it from here on.
        unsafe { libc::close(*stream) };
    }
    logging::set_level(Level::DEBUG);

    let server = TcpServer::new("lo", 0, ServerOptions::default());
    let server =
        server.or_else(|_| TcpServer::new("127.0.0.1", 0, ServerOptions::default())).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    assert_still_closed(&closed, "a server was made");

    // One that the event loop reads for, one whose requesters read, with a poll of their own.
    for direct in [false, true] {
        let options = ClientOptions { direct, ..ClientOptions::default() };
        let client = TcpClient::new("127.0.0.1", server.port(), options).unwrap();
        client.wait_ready(LONG, LONG).unwrap();
        assert_still_closed(&closed, "a client connected");
        let master = Master::new();
        master.set_slave(client.clone());
        master.set_timeout(LONG);
        for word in 0..100_u32 {
            master.write(0, &word.to_le_bytes()).unwrap();
            assert_eq!(master.read(0, 4).unwrap(), word.to_le_bytes());
        }
        assert_still_closed(&closed, "requests were answered");
        assert_eq!(client.stats().disconnects, 0, "nothing else was said on the connections");
    }
    look_up(&closed);
}

/// A look-up has descriptors of its own, and gives them back.
fn look_up(closed: &[i32]) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let ends = (caller.peer_addr().unwrap(), caller.local_addr().unwrap());
    owner::owners(&[ends]);
    let low = [&listener as &dyn std::os::fd::AsRawFd, &caller].map(|one| one.as_raw_fd());
    for stream in closed.iter().filter(|stream| !low.contains(stream)) {
        assert!(!is_open(*stream), "{stream} is open after a look-up");
    }
}

/// Serves until a line comes on standard input, then opens what is the program's, and says so.
fn serve_with_few_descriptors(reserved: u32) {
    let limit = libc::rlimit { rlim_cur: DESCRIPTORS_MAX as _, rlim_max: DESCRIPTORS_MAX as _ };
    // SAFETY: the system reads `limit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    let descriptors_reserved = (reserved != 0).then_some(reserved);
    let options = ServerOptions { descriptors_reserved, ..ServerOptions::default() };
    let server = TcpServer::new("127.0.0.1", 0, options).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    println!("port {}", server.port());
    let expected = if reserved == 0 { RESERVED_BY_DEFAULT } else { reserved as usize };
    for line in std::io::stdin().lines() {
        line.unwrap();
        let open = || std::fs::File::open("/dev/null");
        let opened: Vec<_> = (0..expected).map_while(|_| open().ok()).collect();
        println!("opened {} of {expected}, {} clients", opened.len(), server.stats().clients);
    }
}

fn f15_a_server_leaves_descriptors_to_the_program(reserved: u32) {
    let mut program = program_as(&format!("{LIMITED} {reserved}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = program.stdin.take().unwrap();
    let mut answers = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The log is on the same stream.
    let mut answer =
        |word: &str| answers.find_map(|line| Some(line.strip_prefix(word)?.to_owned()));
    let port: u16 = answer("port ").unwrap().parse().unwrap();
    let connect = |port: u16| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let all =
        format!("{0} of {0}", if reserved == 0 { RESERVED_BY_DEFAULT as u32 } else { reserved });

    // Strangers who say nothing make room for whoever comes after them.
    let strangers: Vec<_> = (0..2 * DESCRIPTORS_MAX).map(|_| connect(port)).collect();
    let client = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap();
    client.wait_ready(LONG, LONG).unwrap();
    writeln!(orders, "go on").unwrap();
    let opened = answer("opened ").unwrap();
    assert!(opened.starts_with(&all), "{opened}, with silent strangers");

    // Where all that may be have clients, a newcomer is let go of at once.
    let mut clients = vec![client];
    loop {
        let mut newcomer = connect(port);
        newcomer.set_read_timeout(Some(LONG)).unwrap();
        let mut octets = [0; 1];
        if !matches!(newcomer.read(&mut octets), Ok(1)) {
            break;
        }
        drop(newcomer);
        assert!(clients.len() < DESCRIPTORS_MAX as usize);
        let client = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap();
        // The last one may find room for one of its connections only.
        if client.wait_ready(Duration::from_secs(1), LONG).is_err() {
            break;
        }
        clients.push(client);
    }
    drop(strangers);
    writeln!(orders, "go on").unwrap();
    let opened = answer("opened ").unwrap();
    assert!(opened.starts_with(&all), "{opened}, with nothing but clients");
    // Those that are served are served on.
    for client in &clients {
        let master = Master::new();
        master.set_slave(client.clone());
        master.set_timeout(LONG);
        master.write(0, &[1, 2, 3, 4]).unwrap();
        assert_eq!(client.stats().disconnects, 0);
    }
    drop(orders);
    assert!(program.wait().unwrap().success());
}
