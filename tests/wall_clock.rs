//! A wall clock that is set back and forward while everything runs: by a day, by a year, to a time
//! before 1970. Nothing but time stamps may follow it.
//!
//! The program has a `clock_gettime` of its own, which moves what `CLOCK_REALTIME` gives, and a
//! `syscall` that finds waits by that clock, which the kernel would end by its own.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use std::ffi::{c_int, c_long, CStr};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rogue_mem::bridge::{ServerOptions, StreamClient, StreamClientOptions, StreamServer};
use rogue_mem::bridge::{StreamServerOptions, TcpServer};
use rogue_mem::logging::{self, Level, Logger, Record};
use rogue_mem::memory::{Claimant, DataBuffer, Master, TransactionType};
use rogue_mem::protocols::{SrpV3, SrpV3Emulation, UdpRssiPack, UdpRssiPackOptions};
use rogue_mem::security::{Audit, AuditOptions, AuditRecord, AuditSink};
use rogue_mem::stream::{self, connect, Frame, Node};
use testkit::bridge::{memory, server_of, Client};
use testkit::bus::master_of;
use testkit::slaves::Keeper;
use testkit::wait::{let_pass, wait_until, LONG, SHORT};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// Where the clock is set to in turn, in seconds from the right time; the last one is before 1970.
const JUMPS: [i64; 7] = [0, DAY, -DAY, YEAR, -YEAR, 0, -70 * YEAR];
/// Requests of each kind during the jumps.
const REQUESTS: u64 = 400;

// ---------------------------------------------------------------------- the clock

/// What is added to the wall clock, in seconds.
static OFFSET: AtomicI64 = AtomicI64::new(0);
/// Reads of the wall clock, and waits by it.
static READS: AtomicU64 = AtomicU64::new(0);
static WAITS: AtomicU64 = AtomicU64::new(0);
/// The C library's functions.
static CLOCK: AtomicUsize = AtomicUsize::new(0);
static CALL: AtomicUsize = AtomicUsize::new(0);

/// The C library's function with this name, which `found` keeps.
fn next(name: &CStr, found: &AtomicUsize) -> usize {
    let known = found.load(SeqCst);
    if known != 0 {
        return known;
    }
    // SAFETY: the name ends with a zero.
    let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) } as usize;
    assert!(function != 0);
    found.store(function, SeqCst);
    function
}

/// Takes the place of the C library's function for the whole program.
///
/// # Safety
///
/// As of that.
#[no_mangle]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    type Function = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;
    let function = next(c"clock_gettime", &CLOCK);
    // SAFETY: the function has this type, and gets what the caller promises.
    unsafe {
        let answer = mem::transmute::<usize, Function>(function)(clock, time);
        if clock == libc::CLOCK_REALTIME && answer == 0 {
            READS.fetch_add(1, SeqCst);
            (*time).tv_sec += OFFSET.load(SeqCst);
        }
        answer
    }
}

/// Takes the place of the C library's function for the whole program. The standard library and
/// `parking_lot` wait through it.
///
/// # Safety
///
/// As of that.
#[no_mangle]
pub unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    type Function = unsafe extern "C" fn(c_long, ...) -> c_long;
    if number == libc::SYS_futex && b & c_long::from(libc::FUTEX_CLOCK_REALTIME) != 0 {
        WAITS.fetch_add(1, SeqCst);
    }
    let function = next(c"syscall", &CALL);
    // SAFETY: as above; the processors that this runs on pass such arguments in registers, those of a
    // variable number too.
    unsafe { mem::transmute::<usize, Function>(function)(number, a, b, c, d, e, f) }
}

/// The tests of this program share the clock.
static TURN: Mutex<()> = Mutex::new(());

/// Sets the wall clock again and again until it is dropped.
struct Jumping {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
    _turn: MutexGuard<'static, ()>,
}

impl Jumping {
    fn begin() -> Jumping {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = Arc::<AtomicBool>::default();
        let own = is_over.clone();
        let thread = thread::spawn(move || {
            let mut count = 0;
            for jump in JUMPS.into_iter().cycle() {
                OFFSET.store(jump, SeqCst);
                let_pass(Duration::from_millis(1));
                count += 1;
                if own.load(SeqCst) {
                    break;
                }
            }
            count
        });
        Jumping { is_over, thread: Some(thread), _turn: turn }
    }
}

impl Drop for Jumping {
    fn drop(&mut self) {
        self.is_over.store(true, SeqCst);
        let count = self.thread.take().unwrap().join().unwrap();
        OFFSET.store(0, SeqCst);
        if !thread::panicking() {
            assert!(count > 0 && WAITS.load(SeqCst) == 0, "{count} jumps, {WAITS:?} waits by it");
        }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[test]
fn the_clock_of_this_program_is_moved() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = (since_1970(), Instant::now());
    OFFSET.store(YEAR, SeqCst);
    let after = (since_1970(), Instant::now());
    OFFSET.store(0, SeqCst);
    assert!(after.0 - before.0 >= Duration::from_secs(YEAR as u64), "{before:?} {after:?}");
    assert!(after.1 - before.1 < Duration::from_secs(DAY as u64));
}

// ---------------------------------------------------------------------- requests

#[test]
fn no_request_of_a_bridge_times_out_or_comes_late() {
    let jumping = Jumping::begin();
    let server = server_of(memory(), ServerOptions::default());
    let clients = [Client::ready(server.port()), Client::ready(server.port())];
    clients.iter().for_each(|client| work(&client.master));
    for client in &clients {
        assert_eq!(client.tcp.stats().disconnects, 0);
    }
    let stats = server.stats();
    assert_eq!((stats.refused, stats.refused_late, stats.clients), (0, 0, 2));
    assert_eq!(server.drain(LONG).unwrap(), 0);
    drop(jumping);
}

/// Writes and reads, none of which may fail.
fn work(master: &Master) {
    for word in 0..REQUESTS {
        let data = (word as u32).to_le_bytes();
        master.write(word * 4, &data).unwrap();
        assert_eq!(master.read(word * 4, 4).unwrap(), data);
    }
}

#[test]
fn a_link_of_rssi_stays_open_and_its_registers_answer() {
    let jumping = Jumping::begin();
    // A busy machine may stall a thread for longer than the usual 300 ms.
    let options = UdpRssiPackOptions { max_retran: 255, ..UdpRssiPackOptions::default() };
    let board = UdpRssiPack::server("127.0.0.1", 0, options.clone()).unwrap();
    connect(&*SrpV3Emulation::new().unwrap(), &board.application(0)).unwrap();
    let road = UdpRssiPack::client("127.0.0.1", board.udp().port(), options).unwrap();
    road.wait_open(LONG).unwrap();
    let srp = SrpV3::new();
    connect(&*srp, &road.application(0)).unwrap();
    let master = master_of(srp);
    master.set_timeout(LONG);
    work(&master);
    for end in [&board, &road] {
        assert_eq!(end.stats().down_count, 0);
    }
    drop(jumping);
}

struct Counter {
    base: stream::SlaveBase,
    sum: Mutex<Sender<u32>>,
}

impl stream::Slave for Counter {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.sum.lock().unwrap().send(frame.lock().payload() as u32).unwrap();
    }
}

#[test]
fn a_stream_bridge_passes_every_frame_on() {
    let jumping = Jumping::begin();
    let server = StreamServer::new("127.0.0.1", 0, StreamServerOptions::default()).unwrap();
    let (sum, sizes) = channel();
    let counter = Counter { base: stream::SlaveBase::new(), sum: Mutex::new(sum) };
    server.stream_master().add_slave(Arc::new(counter)).unwrap();
    let client = StreamClient::new("127.0.0.1", server.port(), StreamClientOptions::default());
    let client = client.unwrap();
    for size in 1..=REQUESTS as usize {
        client.stream_slave().accept_frame(Arc::new(Frame::from(vec![1; size])));
    }
    for size in 1..=REQUESTS as u32 {
        assert_eq!(sizes.recv_timeout(LONG), Ok(size));
    }
    drop(jumping);
}

struct Told(Mutex<Sender<bool>>);

impl Claimant for Told {
    fn ended(&self, _: u32, outcome: rogue_mem::error::Result<()>, _: Option<DataBuffer>) {
        self.0.lock().unwrap().send(outcome.is_ok()).unwrap();
    }
}

#[test]
fn what_gets_no_answer_times_out_as_soon_as_its_time_has_passed() {
    let jumping = Jumping::begin();
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    for _ in 0..20 {
        let begun = Instant::now();
        client.master.set_timeout(SHORT);
        client.master.read(0, 4).unwrap_err();
        assert!(begun.elapsed() >= SHORT, "not before that either");
        let (told, ends) = channel();
        let id = client.master.request(0, vec![0; 4].into(), TransactionType::Read).unwrap();
        client.master.observe(id, Arc::new(Told(Mutex::new(told)))).unwrap();
        assert_eq!(ends.recv_timeout(LONG), Ok(false));
        assert!(begun.elapsed() < LONG);
    }
    let unreachable = Client::new(9);
    unreachable.tcp.wait_ready(Duration::from_millis(20), LONG).unwrap_err();
    drop(jumping);
}

// ---------------------------------------------------------------------- time stamps

struct Stamps(Mutex<Sender<Duration>>);

impl AuditSink for Stamps {
    fn record(&mut self, record: &AuditRecord<'_>) {
        assert!(record.latency < LONG, "latencies are of the monotonic clock");
        self.0.lock().unwrap().send(record.time).unwrap();
    }
}

fn audited(audit: Arc<Audit>) -> (Arc<TcpServer>, Client) {
    let server =
        server_of(memory(), ServerOptions { audit: Some(audit), ..ServerOptions::default() });
    let client = Client::ready(server.port());
    (server, client)
}

#[test]
fn stamps_of_audits_and_of_the_log_follow_the_wall_clock() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (stamps, times) = channel();
    let audit = Audit::new(Box::new(Stamps(Mutex::new(stamps))), AuditOptions::default()).unwrap();
    let (server, client) = audited(audit.clone());
    static LINES: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(|record: &Record<'_>| {
        if record.name == "pyrogue.wall_clock" || record.name.ends_with("wall_clock") {
            LINES.lock().unwrap().push(record.time.as_secs());
        }
    })));
    let log = Logger::new("wall_clock");
    for (count, jump) in JUMPS.into_iter().enumerate() {
        OFFSET.store(jump, SeqCst);
        let before = since_1970();
        client.master.write(0, &[1; 4]).unwrap();
        let time = times.recv_timeout(LONG).unwrap();
        log.log(Level::ERROR, format_args!("a line at {jump}"));
        wait_until("the line is there", || LINES.lock().unwrap().len() > count);
        let after = since_1970();
        assert!((before..=after).contains(&time), "{jump}: {before:?} {time:?} {after:?}");
        let line = LINES.lock().unwrap()[count];
        assert!((before.as_secs()..=after.as_secs()).contains(&line), "{jump}: {line}");
    }
    OFFSET.store(0, SeqCst);
    logging::set_sink(None);
    assert!(READS.load(SeqCst) > 0);
    let stats = audit.stats();
    assert_eq!((stats.records, stats.delivered), (JUMPS.len() as u64, JUMPS.len() as u64));
    drop((client, server));
}
