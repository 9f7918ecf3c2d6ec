//! The threads of the library in somebody else's process: which signals they take, and how deep
//! code of the program's may go on them.
//!
//! A test program without the harness: each of its threads but the first is the library's.

#![cfg(any(target_os = "linux", target_os = "android"))]

use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Master, Slave, SlaveBase, Transaction};
use rogue_mem::protocols::{
    Prbs, SrpV3, SrpV3Emulation, SrpV3EmulationOptions, UdpEndpoint, UdpOptions,
};
use rogue_mem::stream::{self, Fifo, Frame, Node};
use testkit::process::{self, program_as};
use testkit::wait::LONG;

/// More than the standard library's default for threads.
const LOCALS_BYTES: usize = 3 << 20;
/// What a program usually has.
const STACK_BYTES: libc::rlim_t = 8 << 20;

/// The role of the program whose stacks are as the tests need them.
const READY: &str = "ready";

fn main() {
    // The C library takes what a program is started with, so that is given to another one.
    if process::role().is_none() {
        set_stack_limit(STACK_BYTES);
        let status = program_as(READY).status().unwrap();
        std::process::exit(i32::from(!status.success()));
    }
    f13_every_thread_blocks_every_signal_but_those_of_its_own_faults();
    f12_a_slave_has_the_stack_that_threads_of_the_process_have();
    f12_the_receiver_of_an_answer_has_that_stack_too();
    f12_or_the_stack_that_its_device_was_given();
    f12_the_receiver_behind_a_fifo_has_the_stack_of_the_process_too();
    f12_the_receiver_of_a_datagram_has_that_stack_too();
}

/// What `ulimit -s` does.
fn set_stack_limit(bytes: libc::rlim_t) {
    // SAFETY: all zeros is a valid `rlimit`, which the system fills and reads.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_STACK, &mut limit), 0);
        limit.rlim_cur = bytes;
        assert_eq!(libc::setrlimit(libc::RLIMIT_STACK, &limit), 0);
    }
}

/// A thread as `/proc` has it: its name, and the signals it blocks, signal n as bit n - 1.
fn thread_of(status: &str) -> (String, u64) {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.expect("a field of /proc/self/task/N/status").trim()
    };
    (field("Name:").to_owned(), u64::from_str_radix(field("SigBlk:"), 16).unwrap())
}

fn f13_every_thread_blocks_every_signal_but_those_of_its_own_faults() {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    let client = TcpClient::new("localhost", server.port(), ClientOptions::default()).unwrap();
    client.wait_ready(LONG, LONG).unwrap();
    let device = SrpV3Emulation::new().unwrap();
    let fifo = Fifo::new(0, 0, false).unwrap();
    let udp = udp_pair();
    let prbs = Prbs::new();
    prbs.set_tx_period(Duration::MAX);
    prbs.enable(64).unwrap();

    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];
    let never = [libc::SIGKILL, libc::SIGSTOP];
    let allowed = faults.iter().chain(&never).fold(0, |all, signal| all | 1 << (signal - 1));
    // C libraries keep the first two or three real-time signals for themselves.
    let standard = (1_u64 << 31) - 1;

    // A thread gives itself its name when it begins.
    let wanted = [
        "TcpServer",
        "TcpClient",
        "SrpV3Emulation",
        "Fifo",
        "PrbsTx",
        "udp::Server",
        "udp::Client",
    ];
    let mut names = Vec::new();
    while !wanted.iter().all(|name| names.iter().any(|found| found == name)) {
        names.clear();
        for task in std::fs::read_dir("/proc/self/task").unwrap() {
            let task = task.unwrap();
            if task.file_name() == std::process::id().to_string().as_str() {
                continue;
            }
            // One that has ended meanwhile has no status any more.
            let Ok(status) = std::fs::read_to_string(task.path().join("status")) else { continue };
            let (name, blocked) = thread_of(&status);
            let open = standard & !blocked & !allowed;
            assert_eq!(open, 0, "the thread {name} takes signals: bits {open:#x}");
            names.push(name);
        }
        std::thread::yield_now();
    }
    drop((prbs, udp, fifo, device, client, server));
}

/// Touches that many bytes of the calling thread's stack.
#[inline(never)]
fn use_stack<const BYTES: usize>() -> u8 {
    let locals = [1_u8; BYTES];
    std::hint::black_box(&locals).iter().step_by(4096).fold(0, |sum, byte| sum ^ byte)
}

struct Deep {
    base: SlaveBase,
}

impl Slave for Deep {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        use_stack::<LOCALS_BYTES>();
        tran.done();
    }
}

fn f12_a_slave_has_the_stack_that_threads_of_the_process_have() {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Arc::new(Deep { base: SlaveBase::new(4, 4096) }));
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(LONG);
    master.write(0, &[1, 2, 3, 4]).unwrap();
}

struct DeepReceiver<const BYTES: usize> {
    base: stream::SlaveBase,
    report: Mutex<Sender<()>>,
}

impl<const BYTES: usize> stream::Slave for DeepReceiver<BYTES> {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, _frame: Arc<Frame>) {
        use_stack::<BYTES>();
        self.report.lock().unwrap().send(()).unwrap();
    }
}

fn f12_the_receiver_of_an_answer_has_that_stack_too() {
    receive_deep::<LOCALS_BYTES>(SrpV3EmulationOptions::default());
}

fn f12_or_the_stack_that_its_device_was_given() {
    receive_deep::<{ 2 * STACK_BYTES as usize }>(SrpV3EmulationOptions {
        stack_bytes: 3 * STACK_BYTES as usize,
        ..SrpV3EmulationOptions::default()
    });
}

/// Has the receiver of an answer of a device with these options use that much of its stack.
fn receive_deep<const BYTES: usize>(options: SrpV3EmulationOptions) {
    let (report, reports) = channel();
    let device = SrpV3Emulation::with_options(options).unwrap();
    let base = stream::SlaveBase::new();
    let receiver = DeepReceiver::<BYTES> { base, report: Mutex::new(report) };
    device.stream_master().add_slave(Arc::new(receiver)).unwrap();
    let srp = SrpV3::new();
    srp.stream_master().add_slave(device.stream_slave()).unwrap();
    device.stream_master().add_slave(srp.stream_slave()).unwrap();
    let master = Master::new();
    master.set_slave(srp);
    master.set_timeout(LONG);
    master.write(0, &[1, 2, 3, 4]).unwrap();
    reports.recv_timeout(LONG).unwrap();
}

fn f12_the_receiver_behind_a_fifo_has_the_stack_of_the_process_too() {
    let (report, reports) = channel();
    let fifo = Fifo::new(0, 0, true).unwrap();
    let base = stream::SlaveBase::new();
    let receiver = DeepReceiver::<LOCALS_BYTES> { base, report: Mutex::new(report) };
    fifo.stream_master().add_slave(Arc::new(receiver)).unwrap();
    let master = stream::Master::new();
    master.add_slave(fifo.stream_slave()).unwrap();
    master.send_frame(Frame::new(4).unwrap());
    reports.recv_timeout(LONG).unwrap();
}

/// A server, and a client of it.
fn udp_pair() -> (Arc<UdpEndpoint>, Arc<UdpEndpoint>) {
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let client = UdpEndpoint::client("127.0.0.1", server.port(), UdpOptions::default());
    (server, client.unwrap())
}

fn f12_the_receiver_of_a_datagram_has_that_stack_too() {
    let (report, reports) = channel();
    let (server, client) = udp_pair();
    let base = stream::SlaveBase::new();
    let receiver = DeepReceiver::<LOCALS_BYTES> { base, report: Mutex::new(report) };
    server.stream_master().add_slave(Arc::new(receiver)).unwrap();
    client.stream_slave().accept_frame(Arc::new(Frame::from(vec![1; 4])));
    reports.recv_timeout(LONG).unwrap();
}
