//! The bridge with a mechanism that seals. Each test is a process of its own, in which all
//! connections are sealed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::bridge::link::mechanism::tests::SEALED;
use crate::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use crate::memory::{Emulate, Master, TransactionType};
use crate::sync::Mutex;

const LONG: Duration = Duration::from_secs(60);

/// Runs `body` in a process that seals, which is this test once more.
fn in_sealing_process(name: &str, body: impl FnOnce()) {
    if std::env::var_os(SEALED).is_some() {
        return body();
    }
    let name = format!("{}::{name}", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    let run = command.args(["--exact", &name, "--nocapture"]).env(SEALED, "1").output().unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && output.contains("1 passed"), "{output}\n{errors}");
}

fn server(address: &str) -> Arc<TcpServer> {
    let server = TcpServer::new(address, 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    server
}

fn client(port: u16, options: ClientOptions) -> (Arc<TcpClient>, Master) {
    let client = TcpClient::new("127.0.0.1", port, options).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(Duration::from_secs(60));
    (client, master)
}

fn pattern(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + at / 251 + seed * 31) as u8).collect()
}

/// Small and large ones, on both sides of each size from which on something is sent or read in
/// another way, one alone and many together.
fn exchange(master: &Master, base: u64) {
    for size in [0, 4, 252, 256, 16 << 10, 64 << 10, (64 << 10) + 4, 200_000, 3 << 20] {
        let data = pattern(size, size);
        master.write(base, &data).unwrap();
        assert_eq!(master.read(base, size as u32).unwrap(), data);
        let posted = pattern(size + 1, size);
        master
            .wait(master.request(base, posted.clone().into(), TransactionType::Post).unwrap())
            .unwrap();
        let id = master.request(base, vec![0; size].into(), TransactionType::Verify).unwrap();
        assert_eq!(master.wait_buffer(id).unwrap(), posted);
    }
    let sizes = [4, 100_000, 8, 4, 70_000, 300, 4096, 4];
    let written: Vec<u32> = (0..400)
        .map(|n| {
            let data = pattern(n, sizes[n % sizes.len()]);
            master.request(base + ((n as u64) << 20), data.into(), TransactionType::Write).unwrap()
        })
        .collect();
    let read: Vec<u32> = (0..400)
        .map(|n| {
            let room = vec![0; sizes[n % sizes.len()]];
            master.request(base + ((n as u64) << 20), room.into(), TransactionType::Read).unwrap()
        })
        .collect();
    written.into_iter().for_each(|id| master.wait(id).unwrap());
    for (n, id) in read.into_iter().enumerate() {
        assert_eq!(master.wait_buffer(id).unwrap(), pattern(n, sizes[n % sizes.len()]));
    }
}

#[test]
fn a_sealed_bridge_gives_right_values_whoever_reads_and_whichever_way_answers_come() {
    in_sealing_process(
        "a_sealed_bridge_gives_right_values_whoever_reads_and_whichever_way_answers_come",
        || {
            let server = server("127.0.0.1");
            for (direct, duplex) in [(true, true), (true, false), (false, true), (false, false)] {
                let options = ClientOptions { direct, duplex, ..ClientOptions::default() };
                let (client, master) = client(server.port(), options);
                client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
                thread::scope(|scope| {
                    scope.spawn(|| exchange(&master, 1 << 40));
                    exchange(&master, 2 << 40);
                });
                let stats = client.stats();
                assert_eq!((stats.connects, stats.disconnects), (1, 0));
                assert_eq!((stats.dropped_responses, stats.outstanding), (0, 0));
                client.stop();
            }
            assert_eq!(server.stats().malformed, 0);
        },
    );
}

/// Passes on what comes to both ports of a server, keeps it, and alters one octet when told to.
struct Relay {
    seen: Mutex<Vec<u8>>,
    /// Alters an octet this far behind what comes next.
    alter_in: AtomicUsize,
}

const NEVER: usize = usize::MAX;

impl Relay {
    /// A relay to a server, at the same ports of another address.
    fn new() -> (Arc<Relay>, Arc<TcpServer>) {
        let limit = Instant::now() + LONG;
        let (server, listeners) = loop {
            assert!(Instant::now() < limit, "no port is free at both addresses");
            let server = server("127.0.0.2");
            let ports = [server.port(), server.port() + 1];
            let bound = ports.map(|port| TcpListener::bind(("127.0.0.1", port)));
            if let [Ok(requests), Ok(responses)] = bound {
                break (server, [requests, responses]);
            }
        };
        let relay = Arc::new(Relay { seen: Mutex::default(), alter_in: AtomicUsize::new(NEVER) });
        for listener in listeners {
            let relay = relay.clone();
            thread::spawn(move || {
                let port = listener.local_addr().unwrap().port();
                for from in listener.incoming().map(Result::unwrap) {
                    let to = TcpStream::connect(("127.0.0.2", port)).unwrap();
                    for (from, to) in [(&from, &to), (&to, &from)] {
                        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                        let relay = relay.clone();
                        thread::spawn(move || relay.pass(from, to));
                    }
                }
            });
        }
        (relay, server)
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut octets = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut octets) {
            let mut seen = self.seen.lock();
            seen.extend_from_slice(&octets[..count]);
            let left = self.alter_in.load(Ordering::Relaxed);
            if left < count {
                // Also changes the size of a frame if it is its flags.
                octets[left] ^= 0x12;
                self.alter_in.store(NEVER, Ordering::Relaxed);
            } else if left != NEVER {
                self.alter_in.store(left - count, Ordering::Relaxed);
            }
            drop(seen);
            if to.write_all(&octets[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
        let _ = from.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn what_is_altered_between_client_and_server_is_never_taken_for_data() {
    in_sealing_process("what_is_altered_between_client_and_server_is_never_taken_for_data", || {
        let (relay, server) = Relay::new();
        let (client, master) = client(server.port(), ClientOptions::default());
        client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        let data = pattern(3, 100_000);
        master.write(0, &data).unwrap();
        assert_eq!(master.read(0, 100_000).unwrap(), data);
        let seen = std::mem::take(&mut *relay.seen.lock());
        assert!(seen.len() > 200_000);
        let piece = &data[50_000..50_016];
        assert!(!seen.windows(16).any(|window| window == piece), "it can be read on the way");
        // Into requests of 100 KB and their answers.
        for octet in [0, 30, 5_000, 70_000, 100_100, 170_000, 200_150] {
            let disconnects = client.stats().disconnects;
            relay.alter_in.store(octet, Ordering::Relaxed);
            while relay.alter_in.load(Ordering::Relaxed) != NEVER {
                let _ = master.write(0, &data);
                if let Ok(read) = master.read(0, 100_000) {
                    assert!(read == data);
                }
            }
            let limit = Instant::now() + LONG;
            while client.stats().disconnects == disconnects {
                assert!(Instant::now() < limit, "no end has seen that octet {octet} was altered");
                thread::yield_now();
            }
            client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        }
        assert_eq!(server.stats().malformed, 0);
    });
}
