//! The attackers: many connections, few threads, no pause.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::raw::{frame, frame_head, greeting, message, properties_of, ready};
use testkit::wait::let_pass;

/// Threads that share the connections of an attack.
const THREADS: usize = 4;
/// Octets that a flooding connection sends at a time.
const FLOOD_OCTETS: usize = 64 * 1024;
/// Connections that an attacker keeps, at most: it has descriptors for no more.
const KEPT_MAX: usize = 6000;

/// The numbers of an attack.
#[derive(Default, Debug)]
struct Count {
    /// TCP connections opened.
    opened: AtomicU64,
    /// Attempts that failed.
    failed: AtomicU64,
    /// Connections that the server has closed.
    closed: AtomicU64,
    octets: AtomicU64,
}

impl Count {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// Attacks until `is_over`, and returns what has been done.
pub fn attack(
    kind: &str,
    port: u16,
    number: usize,
    is_over: &(impl Fn() -> bool + Sync),
) -> String {
    let count = Count::default();
    let start = Instant::now();
    match kind {
        "unfinished" => unfinished(port, number, &count, is_over),
        "idle" => idle(port, number, &count, is_over),
        "strangers" => strangers(port, number, &count, is_over),
        _ => thread::scope(|scope| {
            for n in 0..THREADS {
                let (count, number) = (&count, number / THREADS);
                scope.spawn(move || match kind {
                    "flood" => flood(port, number, n, count, is_over),
                    "churn" => churn(port, number, count, is_over),
                    "clients" => clients(port, number, n, count, is_over),
                    other => panic!("no attack {other}"),
                });
            }
        }),
    }
    format!("{count:?} in {:.1} s", start.elapsed().as_secs_f64())
}

fn connect(port: u16, count: &Count) -> Option<TcpStream> {
    match TcpStream::connect(("127.0.0.1", port)) {
        Ok(stream) => {
            Count::add(&count.opened, 1);
            Some(stream)
        }
        Err(_) => {
            Count::add(&count.failed, 1);
            None
        }
    }
}

/// Both connections of a client that has said everything: for requests, and for responses.
fn client(port: u16, properties: &[(&str, &str)], count: &Count) -> Option<[TcpStream; 2]> {
    let mut response = connect(port + 1, count)?;
    let mut request = connect(port, count)?;
    response.write_all(&[greeting(), ready("PULL", properties)].concat()).ok()?;
    request.write_all(&[greeting(), ready("PUSH", properties)].concat()).ok()?;
    Some([request, response])
}

fn session_of(thread: usize, n: u64) -> String {
    format!("{:016x}{n:016x}", thread + 1)
}

/// Clients that are served and ask for nothing; those that are closed stay away.
fn idle(port: u16, number: usize, count: &Count, is_over: &impl Fn() -> bool) {
    let mut all: Vec<[TcpStream; 2]> = (0..number)
        .filter_map(|n| client(port, &properties_of(&session_of(0, n as u64)), count))
        .collect();
    all.iter().for_each(|[request, _]| request.set_nonblocking(true).unwrap());
    while !is_over() {
        all.retain_mut(|[request, _]| {
            let is_open = is_open(request);
            Count::add(&count.closed, u64::from(!is_open));
            is_open
        });
        let_pass(Duration::from_millis(100));
    }
}

/// Clients that send all but the last octet of the largest write, and wait; those that are closed stay
/// away.
fn unfinished(port: u16, number: usize, count: &Count, is_over: &(impl Fn() -> bool + Sync)) {
    thread::scope(|scope| {
        for n in 0..number {
            scope.spawn(move || {
                let properties = session_of(1, n as u64);
                let Some([mut request, _response]) =
                    client(port, &properties_of(&properties), count)
                else {
                    return;
                };
                request.set_nonblocking(true).unwrap();
                let is_closed = !send_all_but_one(&mut request, count, is_over);
                while !is_closed && !is_over() && is_open(&mut request) {
                    let_pass(Duration::from_millis(100));
                }
                Count::add(&count.closed, u64::from(!is_over()));
            });
        }
    });
}

/// Returns whether the server has not closed the connection meanwhile.
fn send_all_but_one(
    request: &mut TcpStream,
    count: &Count,
    is_over: &(impl Fn() -> bool + Sync),
) -> bool {
    const BODY: u32 = 64 << 20;
    const WRITE: u32 = 2;
    loop {
        match take_ready(request) {
            Some(true) => break,
            Some(false) if !is_over() => let_pass(Duration::from_millis(10)),
            _ => return false,
        }
    }
    let words = [1_u32.to_le_bytes(), BODY.to_le_bytes(), WRITE.to_le_bytes()];
    let address = 0_u64.to_le_bytes();
    let parts: [&[u8]; 4] = [&words[0], &address, &words[1], &words[2]];
    let mut octets: Vec<u8> = parts.into_iter().flat_map(|part| frame(part, true)).collect();
    octets.extend(frame_head(0, u64::from(BODY)));
    octets.resize(octets.len() + BODY as usize - 1, 0);
    let mut sent = 0;
    while sent < octets.len() && !is_over() {
        match request.write(&octets[sent..]) {
            Ok(more) => {
                sent += more;
                Count::add(&count.octets, more as u64);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let_pass(Duration::from_millis(10));
            }
            Err(_) => return false,
        }
    }
    true
}

/// Reads what has come; whether the connection is still there.
fn is_open(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// Legacy clients of one process and no context, so that they are held.
fn strangers(port: u16, per_second: usize, count: &Count, is_over: &impl Fn() -> bool) {
    let start = Instant::now();
    let mut kept = Vec::new();
    let mut sent = 0;
    while !is_over() {
        let due = (start.elapsed().as_secs_f64() * per_second as f64) as usize;
        while sent < due {
            sent += 1;
            let (port, kind) = [(port, "PUSH"), (port + 1, "PULL")][sent % 2];
            let Some(mut stream) = connect(port, count) else { continue };
            let _ = stream.write_all(&[greeting(), ready(kind, &[])].concat());
            kept.push(stream);
        }
        let over = kept.len().saturating_sub(KEPT_MAX);
        kept.drain(..over);
        let_pass(Duration::from_millis(1));
    }
}

/// A connection of the flood.
enum Flooder {
    Away,
    Waiting([TcpStream; 2]),
    Flooding([TcpStream; 2]),
}

/// Clients that send messages of 2 octets as fast as they can, and come back when closed.
fn flood(port: u16, number: usize, thread: usize, count: &Count, is_over: &impl Fn() -> bool) {
    let octets = message(&[b"ab"]).repeat(FLOOD_OCTETS / 4);
    let mut sessions = 0;
    let mut all: Vec<Flooder> = (0..number).map(|_| Flooder::Away).collect();
    while !is_over() {
        for one in &mut all {
            let now = std::mem::replace(one, Flooder::Away);
            *one = match now {
                Flooder::Away => {
                    sessions += 1;
                    let session = session_of(thread, sessions);
                    match client(port, &properties_of(&session), count) {
                        Some(pair) => {
                            pair.iter().for_each(|one| one.set_nonblocking(true).unwrap());
                            Flooder::Waiting(pair)
                        }
                        None => Flooder::Away,
                    }
                }
                Flooder::Waiting(mut pair) => match take_ready(&mut pair[0]) {
                    Some(true) => Flooder::Flooding(pair),
                    Some(false) => Flooder::Waiting(pair),
                    None => closed(count),
                },
                Flooder::Flooding(mut pair) => match pair[0].write(&octets) {
                    Ok(sent) => {
                        Count::add(&count.octets, sent as u64);
                        Flooder::Flooding(pair)
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Flooder::Flooding(pair),
                    Err(_) => closed(count),
                },
            };
        }
    }
}

fn closed(count: &Count) -> Flooder {
    Count::add(&count.closed, 1);
    Flooder::Away
}

/// Whether the server's READY has come; `None` if the connection is closed.
fn take_ready(stream: &mut TcpStream) -> Option<bool> {
    let mut buffer = [0; 512];
    match stream.peek(&mut buffer) {
        Ok(0) => None,
        Ok(count) => Some(count > greeting().len()),
        Err(error) => (error.kind() == ErrorKind::WouldBlock).then_some(false),
    }
}

/// Connections without a word, each closed when there are `number` newer ones.
fn churn(port: u16, number: usize, count: &Count, is_over: &impl Fn() -> bool) {
    let mut kept = std::collections::VecDeque::new();
    for n in 0.. {
        if is_over() {
            return;
        }
        kept.extend(connect(port + n % 2, count));
        if kept.len() > number {
            kept.pop_front();
        }
    }
}

/// Clients with sessions that ask for nothing, each closed when there are `number` newer ones.
fn clients(port: u16, number: usize, thread: usize, count: &Count, is_over: &impl Fn() -> bool) {
    let mut kept = std::collections::VecDeque::new();
    for n in 0.. {
        if is_over() {
            return;
        }
        kept.extend(client(port, &properties_of(&session_of(thread, n)), count));
        if kept.len() > number {
            kept.pop_front();
        }
    }
}
