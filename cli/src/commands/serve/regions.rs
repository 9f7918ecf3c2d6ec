//! The regions of a server: each request goes to the one that has its addresses.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rogue_mem::memory::{Hub, Observer, Slave, SlaveBase, Transaction};

/// Addresses, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The first address.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

impl Range {
    /// Whether an access lies wholly in it.
    fn has(self, address: u64, size: u32) -> bool {
        let more = u64::from(size.saturating_sub(1));
        (self.first..=self.last).contains(&address) && more <= self.last - address
    }

    /// Bytes; `None` for all of the address space.
    fn bytes(self) -> Option<u64> {
        (self.last - self.first).checked_add(1)
    }
}

/// `0x40000000..0x4000ffff`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}..0x{:x}", self.first, self.last)
    }
}

/// Upper bounds of the times of accesses that are counted apart, in microseconds.
pub const TIMES_US: [u64; 10] = [1, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000];

/// What has happened in a region.
#[derive(Debug, Default)]
pub struct Counters {
    /// Reads, and verifies.
    pub reads: AtomicU64,
    /// Writes, posted ones too.
    pub writes: AtomicU64,
    /// Bytes of all reads.
    pub read_bytes: AtomicU64,
    /// Bytes of all writes.
    pub written_bytes: AtomicU64,
    /// Accesses that have failed.
    pub errors: AtomicU64,
    /// Accesses that took at most each of [`TIMES_US`], and not the one before; the last: longer.
    pub times: [AtomicU64; TIMES_US.len() + 1],
    /// The times of all accesses, in nanoseconds.
    pub time_ns: AtomicU64,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Counters {
    fn begun(&self, tran: &Transaction) {
        let (count, bytes) = match tran.ty().is_write() {
            true => (&self.writes, &self.written_bytes),
            false => (&self.reads, &self.read_bytes),
        };
        add(count, 1);
        add(bytes, tran.size().into());
    }

    fn ended(&self, has_failed: bool, time: Duration) {
        add(&self.errors, has_failed.into());
        let us = TIMES_US.partition_point(|bound| Duration::from_micros(*bound) < time);
        add(&self.times[us], 1);
        add(&self.time_ns, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// An access that the device keeps.
struct Kept {
    counters: Arc<Counters>,
    start: Instant,
    is_counted: AtomicBool,
}

impl Kept {
    fn ended(&self, has_failed: bool) {
        if !self.is_counted.swap(true, Ordering::Relaxed) {
            self.counters.ended(has_failed, self.start.elapsed());
        }
    }
}

impl Observer for Kept {
    fn completed(&self, tran: &Arc<Transaction>) {
        self.ended(tran.outcome().is_none_or(|outcome| outcome.is_err()));
    }
}

/// An access that its requester gives up, because its time is over, has no end: the device drops it.
impl Drop for Kept {
    fn drop(&mut self) {
        self.ended(true);
    }
}

/// A device that takes less at once than its protocol does.
pub struct Limited {
    base: SlaveBase,
    device: Arc<dyn Slave>,
}

impl Limited {
    /// `device` with accesses of at most `max` bytes.
    pub fn new(device: Arc<dyn Slave>, max: u32) -> Limited {
        Limited { base: SlaveBase::new(device.min_access(), max), device }
    }
}

impl Slave for Limited {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn takes_together(&self) -> bool {
        self.device.takes_together()
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.device.do_transaction(tran);
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        self.device.do_transactions(all);
    }
}

/// A range of addresses, with what is behind it.
pub struct Region {
    /// For people, and metrics.
    pub name: String,
    /// What has happened.
    pub counters: Arc<Counters>,
    range: Range,
    /// The first address at the device.
    base: u64,
    /// As the device says of itself; a hub does not tell.
    fills_reads: bool,
    /// Splits what is too large for the device.
    hub: Arc<Hub>,
}

impl Region {
    /// The device's addresses from `base` on, as those of `range`.
    pub fn new(name: String, range: Range, base: u64, device: Arc<dyn Slave>) -> Region {
        let fills_reads = device.fills_reads();
        let hub = Hub::new(0, 0, 0);
        hub.master().set_slave(device);
        Region { name, counters: Arc::default(), range, base, fills_reads, hub }
    }

    /// The access at the device's address. `None` if it has ended, or does now.
    fn moved(&self, tran: &Arc<Transaction>) -> Option<Arc<Transaction>> {
        let address = self.base + (tran.address() - self.range.first);
        match tran.create_sub(0, tran.size(), address, tran.ty()) {
            Ok(moved) => {
                self.counters.begun(&moved);
                Some(moved)
            }
            Err(error) => {
                // Of no effect if its requester has given it up, which is the usual reason.
                tran.error(error.text());
                None
            }
        }
    }

    /// Counts the end of an access, now or when it comes.
    fn count_end(&self, moved: &Arc<Transaction>, start: Instant) {
        match moved.outcome() {
            Some(outcome) => self.counters.ended(outcome.is_err(), start.elapsed()),
            None => {
                let counters = self.counters.clone();
                moved.observe(Arc::new(Kept {
                    counters,
                    start,
                    is_counted: AtomicBool::new(false),
                }));
            }
        }
    }

    fn carry_out(&self, tran: &Arc<Transaction>) {
        let start = Instant::now();
        let Some(moved) = self.moved(tran) else { return };
        self.hub.do_transaction(&moved);
        self.count_end(&moved, start);
        tran.done_subs();
    }

    fn carry_out_all(&self, all: &[Arc<Transaction>]) {
        let start = Instant::now();
        let moved: Vec<_> = all.iter().filter_map(|tran| Some((tran, self.moved(tran)?))).collect();
        let at_device: Vec<_> = moved.iter().map(|(_, moved)| moved.clone()).collect();
        self.hub.do_transactions(&at_device);
        for (tran, moved) in moved {
            self.count_end(&moved, start);
            tran.done_subs();
        }
    }
}

/// The slave of the server.
pub struct Regions {
    base: SlaveBase,
    /// In the order of their addresses.
    all: Vec<Region>,
}

impl Regions {
    /// Regions in the order of their addresses.
    pub fn new(all: Vec<Region>) -> Regions {
        let min = all.iter().map(|region| region.hub.min_access()).min().unwrap_or(0);
        Regions { base: SlaveBase::new(min, u32::MAX), all }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.all.iter()
    }

    /// Accesses that have failed.
    pub fn errors(&self) -> u64 {
        self.iter().map(|region| region.counters.errors.load(Ordering::Relaxed)).sum()
    }

    /// The place of the region that has all addresses of an access.
    fn find(&self, tran: &Transaction) -> Option<usize> {
        let behind = self.all.partition_point(|region| region.range.first <= tran.address());
        let index = behind.checked_sub(1)?;
        self.all[index].range.has(tran.address(), tran.size()).then_some(index)
    }

    fn refuse(&self, tran: &Arc<Transaction>) {
        let what = format!("0x{:x} bytes at 0x{:x} lie", tran.size(), tran.address());
        tran.error(match &self.all[..] {
            [Region { range, .. }] if range.first == 0 && range.bytes().is_some() => {
                format!("{what} outside of the memory of 0x{:x} bytes", range.bytes().unwrap_or(0))
            }
            all => {
                let all: Vec<_> =
                    all.iter().map(|region| format!("{} {}", region.name, region.range)).collect();
                format!("{what} in no region: {}", all.join(", "))
            }
        });
    }
}

impl Slave for Regions {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn takes_together(&self) -> bool {
        true
    }

    fn fills_reads(&self) -> bool {
        self.all.iter().all(|region| region.fills_reads)
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        match self.find(tran) {
            Some(place) => self.all[place].carry_out(tran),
            None => self.refuse(tran),
        }
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        let mut rest = all;
        while let Some(first) = rest.first() {
            let place = self.find(first);
            let count = rest.iter().take_while(|tran| self.find(tran) == place).count();
            let (run, behind) = rest.split_at(count);
            rest = behind;
            match place {
                Some(place) => self.all[place].carry_out_all(run),
                None => run.iter().for_each(|tran| self.refuse(tran)),
            }
        }
    }
}
