//! A client process: it writes and reads its registers until its input ends, and notes in the
//! journal what it knows.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::bridge::{ClientOptions, ClientState, TcpClient};
use rogue_mem::error::{Error, Result};
use rogue_mem::logging::{self, Level, Record};
use rogue_mem::memory::{Master, TransactionType};
use testkit::wait::{let_pass, wait_until};

use crate::journal::{fill, number_of, Counter, Fate, Journal};
use crate::journal::{CLIENT_BYTES, REGISTERS, REGISTER_BYTES};

/// Shortest and longest timeout of a request, in microseconds.
const TIMEOUT: Range<Duration> = Duration::from_millis(100)..Duration::from_millis(1500);
/// Outstanding requests.
const DEPTH_MAX: usize = 48;
/// Bytes of all outstanding requests together, so that a slow machine keeps up.
const OUTSTANDING_BYTES_MAX: usize = 4 << 20;

enum Asked {
    Write(u64),
    /// Of a register, with the latest write to it that was acknowledged before.
    Read(u64, u64),
}

struct Client {
    number: u64,
    journal: Journal,
    master: Master,
    rng: ChaCha8Rng,
    outstanding: VecDeque<(u32, usize, Asked)>,
    outstanding_bytes: usize,
    /// The text of the latest failure, for a test that looks why nothing gets on.
    failure: String,
    /// The latest acknowledged write to each register.
    done: [u64; REGISTERS as usize],
}

/// Plays client `number` of the server at `port`.
pub fn play(path: &Path, port: u16, number: u64, size_max: usize) {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = std::io::stdin().lines().count();
        IS_OVER.store(true, Ordering::SeqCst);
    });
    let tcp = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(tcp);
    let journal = Journal::open(path);
    let begun = journal.counter(number, Counter::Begun).load(Ordering::SeqCst);
    let mut client = Client {
        number,
        master,
        rng: ChaCha8Rng::seed_from_u64(number << 32 | begun),
        outstanding: VecDeque::new(),
        outstanding_bytes: 0,
        failure: String::new(),
        done: done_before(&journal, number, begun),
        journal,
    };
    while !IS_OVER.load(Ordering::SeqCst) {
        client.step(size_max);
    }
    while client.settle() {}
}

/// The latest acknowledged write to each register, of former processes with this number.
fn done_before(journal: &Journal, client: u64, begun: u64) -> [u64; REGISTERS as usize] {
    let mut done = [0; REGISTERS as usize];
    let acknowledged = (1..=begun).filter(|&one| journal.fate(client, one) == Fate::Done);
    acknowledged.for_each(|one| done[(one % REGISTERS) as usize] = one);
    done
}

impl Client {
    fn step(&mut self, size_max: usize) {
        let depth = self.rng.random_range(0..DEPTH_MAX);
        while self.outstanding.len() > depth || self.outstanding_bytes > OUTSTANDING_BYTES_MAX {
            self.settle();
        }
        self.master.set_timeout(self.rng.random_range(TIMEOUT));
        let size = match self.rng.random_range(0..100) {
            0 => self.rng.random_range(4..=size_max),
            1..5 => self.rng.random_range(4..=size_max.min(8192)),
            _ => self.rng.random_range(4..=16),
        };
        match self.rng.random_range(0..10) {
            0..5 => self.read(size),
            5 => self.write(size, TransactionType::Post),
            _ => self.write(size, TransactionType::Write),
        }
        if self.rng.random_range(0..200) == 0 {
            let_pass(Duration::from_millis(self.rng.random_range(0..10)));
        }
    }

    fn read(&mut self, size: usize) {
        let register = self.rng.random_range(0..REGISTERS);
        let address = self.number * CLIENT_BYTES + register * REGISTER_BYTES;
        let asked = Asked::Read(register, self.done[register as usize]);
        // A refusal at once is the end of the request as well.
        if let Ok(id) = self.master.request(address, vec![0xEE; size].into(), TransactionType::Read)
        {
            self.keep(id, size, asked);
        }
    }

    fn write(&mut self, size: usize, ty: TransactionType) {
        let Some(write) = self.journal.begin(self.number) else {
            return let_pass(Duration::from_millis(1));
        };
        let mut data = vec![0; size];
        fill(&mut data, self.number, write);
        let address = self.number * CLIENT_BYTES + write % REGISTERS * REGISTER_BYTES;
        match self.master.request(address, data.into(), ty) {
            Ok(_) if ty == TransactionType::Post => {
                self.journal.end(self.number, write, Fate::Posted)
            }
            Ok(id) => self.keep(id, size, Asked::Write(write)),
            Err(_) => self.journal.end(self.number, write, Fate::Refused),
        }
    }

    fn keep(&mut self, id: u32, size: usize, asked: Asked) {
        self.outstanding.push_back((id, size, asked));
        self.outstanding_bytes += size;
    }

    /// Waits for the oldest request. Returns whether there was one.
    fn settle(&mut self) -> bool {
        let Some((id, size, asked)) = self.outstanding.pop_front() else { return false };
        self.outstanding_bytes -= size;
        let is_success = match asked {
            Asked::Write(write) => {
                let outcome = self.master.wait(id);
                self.tell(outcome.as_ref().err());
                let fate = fate_of(outcome);
                self.journal.end(self.number, write, fate);
                if fate == Fate::Done {
                    self.done[(write % REGISTERS) as usize] = write;
                }
                fate == Fate::Done
            }
            Asked::Read(register, done) => match self.master.wait_buffer(id) {
                Ok(data) => {
                    self.check(register, done, &data);
                    true
                }
                Err(error) => {
                    self.tell(Some(&error));
                    false
                }
            },
        };
        if is_success {
            self.journal.counter(self.number, Counter::Successes).fetch_add(1, Ordering::SeqCst);
        }
        true
    }

    /// Says why a request has failed, unless the one before it failed for the same reason.
    fn tell(&mut self, failure: Option<&Error>) {
        let Some(failure) = failure else { return };
        // Without the id of the transaction.
        let text: String = failure.text().chars().filter(|one| !one.is_ascii_digit()).collect();
        if text != self.failure {
            println!("{}", failure.text());
            self.failure = text;
        }
    }

    /// A read finds the latest acknowledged write to the register, or a later one that was begun
    /// and may have been carried out.
    fn check(&self, register: u64, done: u64, data: &[u8]) {
        let begun = self.journal.counter(self.number, Counter::Begun).load(Ordering::SeqCst);
        let found = number_of(data, self.number);
        let is_right = found.is_some_and(|found| match found {
            0 => done == 0,
            _ => {
                let is_of_register = found % REGISTERS == register;
                let may_be = (1..=begun).contains(&found)
                    && self.journal.fate(self.number, found) != Fate::Refused;
                found >= done && is_of_register && may_be
            }
        });
        if !is_right {
            let wrong = self.journal.counter(self.number, Counter::WrongReads);
            wrong.fetch_add(1, Ordering::SeqCst);
            eprintln!(
                "client {}: register {register} holds {found:?} after {done}, of {begun}",
                self.number
            );
        }
    }
}

fn fate_of(outcome: Result<()>) -> Fate {
    let Err(error) = outcome else { return Fate::Done };
    let text = error.text();
    let says = |words: &str| text.contains(words);
    if says("never sent") || says("was not carried out") || says("No room for") {
        Fate::Refused
    } else if says("was lost") {
        Fate::Lost
    } else if says("Timeout") {
        Fate::TimedOut
    } else {
        panic!("an error that says nothing of the write: {text}");
    }
}

/// Plays `count` clients that do nothing until their input ends, and then finds that they have all
/// kept their connections. Why one was lost is on standard error.
pub fn idle(port: u16, count: usize) {
    logging::set_emit_stdout(false);
    logging::set_filter("memory", Level::WARNING);
    logging::set_sink(Some(Arc::new(|record: &Record<'_>| eprintln!("{}", record.text))));
    let options = ClientOptions { shared_loop: true, ..ClientOptions::default() };
    let make = |_| TcpClient::new("127.0.0.1", port, options.clone()).unwrap();
    let clients: Vec<Arc<TcpClient>> = (0..count).map(make).collect();
    let is_connected = |client: &Arc<TcpClient>| client.state() == ClientState::Connected;
    wait_until("all are connected", || clients.iter().all(is_connected));
    println!("connected");
    let _ = std::io::stdin().lines().count();
    for client in &clients {
        assert!(is_connected(client) && client.stats().disconnects == 0, "{:?}", client.stats());
    }
}
