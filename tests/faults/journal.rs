//! What has been asked, answered and carried out, in a file that all processes map, so that no kill
//! loses any of it.
//!
//! Each write of a client has a number. The client notes what it knows of the write; the device
//! notes that it has carried it out. [`Journal::faults`] compares them.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{ptr, slice};

/// Registers of a client.
pub const REGISTERS: u64 = 64;
/// Bytes of addresses for each register, and of its largest access.
pub const REGISTER_BYTES: u64 = 1 << 20;
/// Bytes of addresses for each client.
pub const CLIENT_BYTES: u64 = REGISTERS * REGISTER_BYTES;

/// Words of the file: number of clients, writes of each.
const HEADER: usize = 2;
/// Words of a client before its registers.
const COUNTERS: usize = 8;
/// Words of a write: what the client knows, when it knew, and how often and when it was carried out.
const WRITE: usize = 4;

/// How late a write may be carried out after its client has given it up: a server knows a client's
/// clock but for the fastest journey of its octets, and a busy machine lets the device wait after
/// the look at the clock. Far less than what a write waits for in a suspended server.
const LATENESS_NS_MAX: u64 = 1_000_000_000;

/// What a client knows of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Fate {
    /// It was to be made. Nothing more is known, because the client has been killed.
    Begun = 1,
    /// It was acknowledged: it must have been carried out.
    Done = 2,
    /// It was posted: it may have been carried out.
    Posted = 3,
    /// Its connection was lost: it may have been carried out.
    Lost = 4,
    /// Its time has passed: it may have been carried out before.
    TimedOut = 5,
    /// It was not carried out, says its error: it must not have been.
    Refused = 6,
}

const FATES: [Fate; 6] =
    [Fate::Begun, Fate::Done, Fate::Posted, Fate::Lost, Fate::TimedOut, Fate::Refused];

/// Counters of a client.
#[derive(Clone, Copy)]
pub enum Counter {
    /// Writes begun.
    Begun = 0,
    /// Operations that succeeded.
    Successes = 1,
    /// Reads that found a wrong value; the client ends at the first.
    WrongReads = 2,
    /// The latest write that the device has carried out.
    Latest = 3,
    /// Writes that it has carried out after a later one.
    OutOfOrder = 4,
    /// Writes whose data was not what the client had sent.
    Corrupt = 5,
}

/// The mapped file.
pub struct Journal {
    words: &'static [AtomicU64],
}

impl Journal {
    /// A new file for `clients` with `writes` each.
    pub fn create(path: &Path, clients: u64, writes: u64) -> Journal {
        let of_client = COUNTERS as u64 + REGISTERS + writes * WRITE as u64;
        let words = HEADER as u64 + clients * of_client;
        let file = File::create(path).unwrap();
        file.set_len(words * 8).unwrap();
        let journal = Journal::open(path);
        journal.words[0].store(clients, Ordering::SeqCst);
        journal.words[1].store(writes, Ordering::SeqCst);
        journal
    }

    /// A file that another process has made.
    pub fn open(path: &Path) -> Journal {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let octets = usize::try_from(file.metadata().unwrap().len()).unwrap();
        let (rights, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping of the whole file, which stays until the process ends.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), octets, rights, shared, file.as_raw_fd(), 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: it has that many octets, is aligned to pages, and all access to it is atomic.
        let words = unsafe { slice::from_raw_parts(start.cast::<AtomicU64>(), octets / 8) };
        Journal { words }
    }

    /// Number of clients.
    pub fn clients(&self) -> u64 {
        self.words[0].load(Ordering::SeqCst)
    }

    /// Number of writes that a client may begin.
    pub fn writes_max(&self) -> u64 {
        self.words[1].load(Ordering::SeqCst)
    }

    fn of_client(&self, client: u64) -> &[AtomicU64] {
        assert!(client < self.clients(), "no client {client}");
        let size = COUNTERS + REGISTERS as usize + self.writes_max() as usize * WRITE;
        &self.words[HEADER + client as usize * size..][..size]
    }

    /// A counter of a client.
    pub fn counter(&self, client: u64, counter: Counter) -> &AtomicU64 {
        &self.of_client(client)[counter as usize]
    }

    /// The write that a register of a client holds.
    pub fn register(&self, client: u64, register: u64) -> &AtomicU64 {
        &self.of_client(client)[COUNTERS + register as usize]
    }

    fn write(&self, client: u64, number: u64) -> &[AtomicU64] {
        let before = COUNTERS + REGISTERS as usize + number as usize * WRITE;
        &self.of_client(client)[before..][..WRITE]
    }

    /// A client is about to make a write. Returns its number, from 1; `None` if the file is full.
    pub fn begin(&self, client: u64) -> Option<u64> {
        let begun = self.counter(client, Counter::Begun);
        let number = begun.load(Ordering::SeqCst) + 1;
        if number >= self.writes_max() {
            return None;
        }
        self.write(client, number)[0].store(Fate::Begun as u64, Ordering::SeqCst);
        begun.store(number, Ordering::SeqCst);
        Some(number)
    }

    /// A client knows the fate of a write.
    pub fn end(&self, client: u64, number: u64, fate: Fate) {
        let write = self.write(client, number);
        write[1].store(monotonic(), Ordering::SeqCst);
        write[0].store(fate as u64, Ordering::SeqCst);
    }

    /// What a client knows of a write.
    pub fn fate(&self, client: u64, number: u64) -> Fate {
        let fate = self.write(client, number)[0].load(Ordering::SeqCst);
        FATES[fate as usize - 1]
    }

    /// The device carries a write out.
    pub fn carry_out(&self, client: u64, number: u64) {
        let write = self.write(client, number);
        write[3].store(monotonic(), Ordering::SeqCst);
        write[2].fetch_add(1, Ordering::SeqCst);
        // The device's thread is the only one that stores these two.
        let latest = self.counter(client, Counter::Latest);
        if latest.load(Ordering::SeqCst) > number {
            self.counter(client, Counter::OutOfOrder).fetch_add(1, Ordering::SeqCst);
        }
        latest.store(number, Ordering::SeqCst);
    }

    /// Operations of a client that succeeded so far.
    pub fn successes(&self, client: u64) -> u64 {
        self.counter(client, Counter::Successes).load(Ordering::SeqCst)
    }

    /// Every contradiction between what the clients know and what was carried out.
    ///
    /// A process that is suspended right between its look at the clock and the slave carries the
    /// write in its hands out when it goes on, but no other: of `suspensions` of the server, each may
    /// let one write be late.
    pub fn faults(&self, suspensions: usize) -> Vec<String> {
        let (mut faults, mut late) = (Vec::new(), Vec::new());
        (0..self.clients()).for_each(|client| self.find_faults(client, &mut faults, &mut late));
        late.iter().for_each(|text| println!("late: {text}"));
        if late.len() > suspensions {
            faults.append(&mut late);
        }
        faults
    }

    fn find_faults(&self, client: u64, faults: &mut Vec<String>, late: &mut Vec<String>) {
        let count = |counter| self.counter(client, counter).load(Ordering::SeqCst);
        for number in 1..=count(Counter::Begun) {
            let fate = self.fate(client, number);
            let [_, ended, times, carried] =
                [0, 1, 2, 3].map(|at| self.write(client, number)[at].load(Ordering::SeqCst));
            let allowed = match fate {
                Fate::Done => 1..=1,
                Fate::Refused => 0..=0,
                _ => 0..=1,
            };
            let text = || {
                format!("client {client}: write {number}, {fate:?}, was carried out {times} times")
            };
            if !allowed.contains(&times) {
                faults.push(text());
            } else if fate == Fate::TimedOut && times > 0 && carried > ended + LATENESS_NS_MAX {
                let by = Duration::from_nanos(carried - ended);
                late.push(format!("{}, {by:?} after it was given up", text()));
            }
        }
        for (counter, what) in [
            (Counter::WrongReads, "wrong reads"),
            (Counter::OutOfOrder, "writes carried out after a later one"),
            (Counter::Corrupt, "writes with other data"),
        ] {
            if count(counter) > 0 {
                faults.push(format!("client {client}: {} {what}", count(counter)));
            }
        }
    }

    /// Numbers of writes by fate, and of all successes, for a report.
    pub fn summary(&self) -> String {
        let mut counts = [0u64; FATES.len()];
        let mut successes = 0;
        for client in 0..self.clients() {
            successes += self.successes(client);
            for number in 1..=self.counter(client, Counter::Begun).load(Ordering::SeqCst) {
                counts[self.fate(client, number) as usize - 1] += 1;
            }
        }
        let by_fate: Vec<String> =
            FATES.iter().zip(counts).map(|(fate, count)| format!("{count} {fate:?}")).collect();
        format!("{successes} successes; writes: {}", by_fate.join(", "))
    }
}

/// Nanoseconds of the clock that all processes of a host share, and that nobody sets.
fn monotonic() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the system writes to the local variable.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) }, 0);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Fills `octets` with the data of a write: its number, and what follows from it and the client.
pub fn fill(octets: &mut [u8], client: u64, number: u64) {
    let mut word = number;
    for part in octets.chunks_mut(8) {
        part.copy_from_slice(&word.to_le_bytes()[..part.len()]);
        word = (word ^ client << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ number;
    }
}

/// The number of the write whose data these octets are; `None` if they are those of no write of the
/// client. There are fewer writes than four octets count.
pub fn number_of(octets: &[u8], client: u64) -> Option<u64> {
    let known = octets.len().min(8);
    let mut start = [0; 8];
    start[..known].copy_from_slice(&octets[..known]);
    let number = u64::from_le_bytes(start);
    let mut expected = vec![0; octets.len()];
    fill(&mut expected, client, number);
    (expected == octets).then_some(number)
}
