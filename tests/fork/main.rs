//! What a child by `fork` can do while other threads of its parent use the library.
//!
//! A test program of its own, because it forks, and because the programs it starts are itself, with
//! their standard output in a pipe. Its `main` is that of a C program: where the standard library
//! starts a program it installs a handler for stack overflows, and then keeps a list of threads
//! under a lock of its own, which a child by `fork` may find locked.

#![cfg(unix)]
#![no_main]

mod inherited;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::files::{FileReader, FileReaderOptions, FileWriter};
use rogue_mem::logging::{self, Level, Logger, Record};
use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec, UINT};
use rogue_mem::memory::{
    Claimant, DataBuffer, Emulate, Hub, Master, Observer, Slave, SlaveBase, Transaction,
    TransactionType,
};
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerVersion, Prbs, PrbsStats, RssiEndpoint, RssiOptions,
    SrpV3, SrpV3Emulation, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::security::{Audit, AuditOptions, AuditRecord, AuditSink};
use rogue_mem::stream::{self, connect, Fifo, Frame, Node, Slave as _};
use rogue_mem::{Error, Status};
use testkit::bus::{launch, zeros};
use testkit::process::{self, program_as};
use testkit::wait::wait_until;

/// A child that takes longer hangs, and is ended by a signal.
const HANG: Duration = Duration::from_secs(60);
const FORKS_COUNT: usize = 200;
/// More than what a pipe holds, and than what it takes in one piece.
const LONG_TEXT_BYTES: usize = 256 * 1024;

const WORKING: &str = "forks while other threads work";
const WRITING: &str = "forks while another thread writes a line";
/// f14
const KEEPING: &str = "forks with objects whose threads the child does not have";
const LINKED: &str = "forks while reliable links are open and busy";
const CALLING: &str = "forks in a callback, from which the child returns";
/// f79
const HOLDING: &str = "forks while other threads hold the locks of registers";
const ASKING: &str = "forks with one object of each kind, which the child asks for everything";

/// This program once more, in that role, with its output in a pipe.
fn program(role: &str) -> Command {
    let mut command = program_as(role);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

#[no_mangle]
extern "C" fn main() -> libc::c_int {
    match process::role().as_deref() {
        Some(WORKING) => fork_while_others_work(),
        Some(WRITING) => fork_while_another_writes(),
        Some(KEEPING) => {
            fork_with_registers();
            fork_with_objects();
            fork_with_files();
        }
        Some(LINKED) => fork_with_links(),
        Some(CALLING) => fork_in_a_callback(),
        Some(HOLDING) => inherited::fork_while_locks_are_held(),
        Some(ASKING) => inherited::fork_with_each_kind(),
        _ => {
            a_child_uses_what_other_threads_were_using_when_it_was_forked();
            a_child_logs_while_another_thread_of_its_parent_is_in_the_middle_of_a_line();
            for role in [KEEPING, LINKED, CALLING, HOLDING, ASKING] {
                assert!(program(role).status().unwrap().success(), "{role}");
            }
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
fn transfer(shared_loop: bool) {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    server.start();
    let options = ClientOptions { shared_loop, ..ClientOptions::default() };
    let client = TcpClient::new(NAME, server.port(), options).unwrap();
    client.start().unwrap();
    client.wait_ready(2 * HANG, Duration::from_millis(100)).unwrap();
    let hub = Hub::new(0x100, 0, 0);
    hub.master().set_slave(client.clone());
    let master = Master::new();
    master.set_slave(hub);
    master.set_timeout(2 * HANG);
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
    let look_up = |number: usize| {
        let shared_loop = number % 2 == 0;
        let options = ClientOptions { shared_loop, ..ClientOptions::default() };
        let client = TcpClient::new(NAME, 1, options).unwrap();
        client.start().unwrap();
        client.stop();
    };
    let threads = [repeat(log_and_set), repeat(log_and_set), repeat(look_up), repeat(look_up)];
    for number in 0..FORKS_COUNT {
        let status = status_of_child(|| {
            log_and_set(number);
            if number % 2 == 0 {
                transfer(number % 4 == 0);
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
    let status = status_of_child(|| {
        // SAFETY: two descriptors that are open, and nobody else's in this process.
        assert_eq!(unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) }, 1);
        Logger::new("fork.child").log(Level::ERROR, format_args!("of the child"));
    });
    // The fork has not waited for the line, of which nothing more is read before this.
    assert_ended_well(status, 0);
    eprintln!("forked");
    writer.join().unwrap();
    Logger::new("fork.end").log(Level::ERROR, format_args!("of the parent"));
    logging::flush(HANG);
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

/// From here on a slave keeps its transactions.
const KEPT: u64 = 0x1000;
/// At this address it forks first.
const FORKING: u64 = 0x2000;
const LONG: Duration = HANG.saturating_mul(4);

/// A memory that keeps some of its transactions, and forks when it is asked to.
struct Device {
    memory: Arc<Emulate>,
    base: SlaveBase,
    kept: Mutex<Vec<Arc<Transaction>>>,
}

impl Device {
    fn new() -> Arc<Device> {
        let memory = Emulate::new(4, 0);
        Arc::new(Device { memory, base: SlaveBase::new(4, 0x1000), kept: Mutex::default() })
    }
}

impl Slave for Device {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        match tran.address() {
            FORKING => {
                fork_and_wait();
                tran.done();
            }
            KEPT => self.kept.lock().unwrap().push(tran.clone()),
            _ => self.memory.do_transaction(tran),
        }
    }
}

/// Forks. The child returns; the parent returns when the child has ended well.
fn fork_and_wait() {
    // SAFETY: the child returns from here, and then has nothing left to do.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    let mut status = 0;
    if child > 0 {
        // SAFETY: `status` outlives the call.
        let mut has_ended = || unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child;
        wait_until("the child ends", &mut has_ended);
        assert_eq!(status, 0);
    }
}

fn connected(port: u16, direct: bool, shared_loop: bool) -> (Arc<TcpClient>, Master) {
    let options = ClientOptions { direct, shared_loop, ..ClientOptions::default() };
    let client = TcpClient::new("127.0.0.1", port, options).unwrap();
    client.wait_ready(2 * HANG, Duration::from_millis(100)).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(LONG);
    (client, master)
}

fn assert_inherited(text: &str, what: &str) {
    assert!(text.contains(what) && text.contains("before this process was forked"), "{text}");
}

/// What an error calls a master.
const MASTER: &str = "The memory master";

/// Registers over UDP, all in this process.
struct UdpRoad {
    server: Arc<UdpEndpoint>,
    client: Arc<UdpEndpoint>,
    device: Arc<SrpV3Emulation>,
    srp: Arc<SrpV3>,
    master: Master,
    event_loop: Arc<EventLoop>,
}

impl UdpRoad {
    fn new() -> UdpRoad {
        let event_loop = Arc::new(EventLoop::start("road", 0, Spin::Never).unwrap());
        let options = UdpOptions { event_loop: Some(event_loop.clone()), ..UdpOptions::default() };
        let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
        let client = UdpEndpoint::client("127.0.0.1", server.port(), options);
        let (client, device, srp) = (client.unwrap(), SrpV3Emulation::new().unwrap(), SrpV3::new());
        stream::connect(&*server, &*device).unwrap();
        stream::connect(&*srp, &*client).unwrap();
        let master = Master::new();
        master.set_slave(srp.clone());
        master.set_timeout(LONG);
        UdpRoad { server, client, device, srp, master, event_loop }
    }

    fn assert_works(&self) {
        self.master.write(0x10, &[1, 2, 3, 4]).unwrap();
        assert_eq!(self.master.read(0x10, 4).unwrap(), [1, 2, 3, 4]);
    }

    /// In a child whose parent has made it.
    fn assert_lost(&self) {
        let error = self.master.write(0x10, &[5; 4]).unwrap_err();
        assert_inherited(error.text(), MASTER);
        let through = Master::new();
        through.set_slave(self.srp.clone());
        assert_inherited(through.write(0x10, &[5; 4]).unwrap_err().text(), "udp::Client");
        let error = self.client.set_receive_buffers(1).unwrap_err();
        assert_inherited(error.text(), "udp::Client");
        assert_eq!(self.server.peer(), None);
        let event_loop = Some(self.event_loop.clone());
        let options = UdpOptions { event_loop, ..UdpOptions::default() };
        let error = UdpEndpoint::server("127.0.0.1", 0, options).unwrap_err();
        assert_eq!(error.status(), Status::Stopped);
        assert_inherited(error.text(), "net::EventLoop");
        self.stop();
    }

    fn stop(&self) {
        self.server.stop();
        self.client.stop();
        self.device.stop();
    }
}

/// Takes records, and keeps none.
struct Nobody;

impl AuditSink for Nobody {
    fn record(&mut self, _: &AuditRecord<'_>) {}
}

/// A child with the parent's objects is told so at once, and does them no harm.
fn fork_with_objects() {
    let device = Device::new();
    let audit = Audit::new(Box::new(Nobody), AuditOptions::default()).unwrap();
    let audited = ServerOptions { audit: Some(audit.clone()), ..ServerOptions::default() };
    let server = TcpServer::new("127.0.0.1", 0, audited.clone()).unwrap();
    server.master().set_slave(device.clone());
    server.master().set_timeout(LONG);
    let emulation = SrpV3Emulation::new().unwrap();
    let (srp, fifo) = (SrpV3::new(), Fifo::new(0, 0, true).unwrap());
    let packetizers =
        [(); 2].map(|()| Packetizer::new(PacketizerVersion::V2, PacketizerOptions::default()));
    let [near, far] = [packetizers[0].application(0), packetizers[1].application(0)];
    connect(&packetizers[0].transport(), &packetizers[1].transport()).unwrap();
    connect(&*srp, &near).unwrap();
    far.stream_master().add_slave(fifo.stream_slave()).unwrap();
    fifo.stream_master().add_slave(emulation.stream_slave()).unwrap();
    emulation.stream_master().add_slave(far.stream_slave()).unwrap();
    let prbs = Prbs::new();
    prbs.enable(64).unwrap();
    let serial = Master::new();
    serial.set_slave(srp);
    let road = UdpRoad::new();
    road.assert_works();
    for (direct, shared_loop) in [(true, false), (false, false), (true, true), (false, true)] {
        let (client, master) = connected(server.port(), direct, shared_loop);
        master.write(0, &[1, 2, 3, 4]).unwrap();
        let id = master.request(KEPT, vec![0; 4].into(), TransactionType::Read).unwrap();
        let mut objects = Some((client, master));
        let status = status_of_child(|| {
            // Those of the parent stay where they are: this is a copy.
            let (client, master) = objects.take().unwrap();
            assert_inherited(master.write(0, &[5; 4]).unwrap_err().text(), MASTER);
            assert_inherited(master.read(0, 4).unwrap_err().text(), MASTER);
            assert_inherited(master.wait(id).unwrap_err().text(), MASTER);
            assert_inherited(&master.last_error(), MASTER);
            // A master of its own reaches no further.
            let name = format!("The TcpClient of 127.0.0.1:{}", server.port());
            let through = Master::new();
            through.set_slave(client.clone());
            assert_inherited(through.write(0, &[5; 4]).unwrap_err().text(), &name);
            assert_inherited(through.read(0, 4).unwrap_err().text(), &name);
            assert_inherited(client.wait_ready(HANG, HANG).unwrap_err().text(), &name);
            assert_inherited(&client.state_text(), &name);
            serial.set_timeout(Duration::from_millis(1));
            serial.write(0, &[5; 4]).unwrap_err();
            assert_inherited(server.drain(HANG).unwrap_err().text(), "The TcpServer");
            assert_inherited(audit.flush(HANG).unwrap_err().text(), "The audit");
            let error = TcpServer::new("127.0.0.1", 0, audited.clone()).unwrap_err();
            assert_inherited(error.text(), "The audit");
            // One of its own is served.
            let (own, own_master) = connected(server.port(), direct, shared_loop);
            assert_eq!(own_master.read(0, 4).unwrap(), [1, 2, 3, 4]);
            own.stop();
            client.stop();
            server.stop();
            emulation.stop();
            // The thread of the parent may be at it for ever.
            assert_inherited(prbs.gen_frame(64).unwrap_err().text(), "Prbs");
            assert_inherited(prbs.enable(64).unwrap_err().text(), "Prbs");
            assert_inherited(prbs.set_width(64).unwrap_err().text(), "Prbs");
            prbs.set_taps(&[1]);
            prbs.set_rx_enable(true);
            prbs.reset_count();
            prbs.stream_slave().accept_frame(Arc::new(Frame::from(vec![0; 64])));
            assert_eq!(prbs.stats(), PrbsStats::default());
            assert!(!prbs.rx_enable());
            prbs.stop();
            fifo.stop();
            assert_eq!(fifo.size(), 0);
            road.assert_lost();
            let own = UdpRoad::new();
            own.assert_works();
            own.stop();
            // As at the end of a program.
            drop((client, master));
        });
        assert_ended_well(status, 0);
        let (client, master) = objects.unwrap();
        for round in 0..100_u8 {
            master.write(0, &[round; 4]).unwrap();
            assert_eq!(master.read(0, 4).unwrap(), [round; 4]);
        }
        let kept = device.kept.lock().unwrap().pop().unwrap();
        kept.done();
        master.wait(id).unwrap();
        master.write(0, &[1, 2, 3, 4]).unwrap();
        let stats = client.stats();
        assert_eq!((stats.connects, stats.disconnects, stats.dropped_responses), (1, 0, 0));
        assert_eq!(server.stats().malformed, 0);
    }
    serial.write(0, &[1, 2, 3, 4]).unwrap();
    road.assert_works();
    road.stop();
    prbs.disable();
    assert_eq!(prbs.tx().errors, 0);
}

/// A child writes nothing of what its parent has in a buffer, not even at its end.
fn fork_with_files() {
    let path = std::env::temp_dir().join(format!("rogue-mem-fork-{}", std::process::id()));
    let path = path.to_str().unwrap();
    let send = |writer: &FileWriter| {
        writer.channel(1).accept_frame(Arc::new(Frame::from(b"abc".to_vec())));
    };
    let mut objects = Some((FileWriter::new(), FileReader::new(FileReaderOptions::default())));
    let (writer, reader) = objects.as_ref().unwrap();
    writer.set_buffer_bytes(1000).unwrap();
    writer.open(path).unwrap();
    send(writer);
    reader.open("/dev/null").unwrap_err();
    let status = status_of_child(|| {
        let (writer, reader) = objects.take().unwrap();
        send(&writer);
        assert_inherited(writer.close().unwrap_err().text(), "The StreamWriter");
        assert_inherited(writer.open(path).unwrap_err().text(), "The StreamWriter");
        assert_inherited(&writer.error(), "The StreamWriter");
        assert!(!writer.is_open() && !writer.wait_frame_count(1, None));
        assert_inherited(reader.open(path).unwrap_err().text(), "The StreamReader");
        assert!(!reader.is_open() && reader.wait(None));
        drop((writer, reader));
        assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
    });
    assert_ended_well(status, 0);
    let (writer, reader) = objects.unwrap();
    send(&writer);
    writer.close().unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), 2 * 11);
    reader.open(path).unwrap();
    assert!(reader.wait(Some(HANG)));
    assert_eq!(reader.stats().frames, 2);
    std::fs::remove_file(path).unwrap();
}

/// Forks when it is called, and lets the child go on from there.
struct Forker;

impl Claimant for Forker {
    fn ended(&self, _: u32, outcome: Result<(), Error>, _: Option<DataBuffer>) {
        outcome.unwrap();
        fork_and_wait();
    }
}

impl Observer for Forker {
    fn completed(&self, tran: &Arc<Transaction>) {
        tran.outcome().unwrap().unwrap();
        fork_and_wait();
    }
}

/// Observes reads over UDP in a thread that waits for one, and claims the results of others, in whose
/// child nothing is left to do.
fn fork_in_a_thread_that_receives() {
    let road = UdpRoad::new();
    let parent = std::process::id();
    for round in 0..40 {
        let observed = launch(&road.master, TransactionType::Read, 0, zeros(4));
        let awaited = road.master.request(0x10, zeros(4), TransactionType::Read).unwrap();
        // It is called at once if the answer is there; and that of the wait may be.
        match round % 2 {
            0 => observed.observe(Arc::new(Forker)),
            _ => drop(road.master.observe(observed.id(), Arc::new(Forker))),
        }
        let outcome = road.master.wait(awaited);
        if std::process::id() != parent {
            if let Err(error) = outcome {
                assert_inherited(error.text(), "");
            }
            road.assert_lost();
            // SAFETY: it does not return.
            unsafe { libc::_exit(0) };
        }
        outcome.unwrap();
    }
    road.assert_works();
    road.stop();
}

/// A child is told that its parent's registers are not its own, also where a transaction of them
/// never ends here.
fn fork_with_registers() {
    let device = Device::new();
    let block = Block::new(KEPT, 4).unwrap();
    let spec = VariableSpec::new("v", Model::UInt, 0, 32);
    let value = Variable::new(VariableSpec { is_verified: false, ..spec }).unwrap();
    block.add_variables(std::slice::from_ref(&value)).unwrap();
    block.master().set_slave(device.clone());
    block.master().set_timeout(LONG);
    block.set_enable(true);
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let mut objects = Some((block, value));
    let status = status_of_child(|| {
        let (block, value) = objects.take().unwrap();
        assert_inherited(block.check_transaction().unwrap_err().text(), "The block at 0x1000");
        assert_inherited(value.set(UINT, 5, -1).unwrap_err().text(), "Variable v");
        assert_inherited(value.staged(UINT, -1).unwrap_err().text(), "Variable v");
    });
    assert_ended_well(status, 0);
    // One that is dropped harms nothing either.
    assert_ended_well(status_of_child(|| drop(objects.take())), 1);
    let (block, value) = objects.as_ref().unwrap();
    device.kept.lock().unwrap().pop().unwrap().done();
    block.check_transaction().unwrap();
    assert_eq!(value.staged(UINT, -1).unwrap(), 0);
    // In the middle of what another thread does.
    let kept = || device.kept.lock().unwrap().pop();
    let setter = thread::spawn({
        let value = value.clone();
        move || value.set(UINT, 7, -1)
    });
    let mut write = None;
    wait_until("the write has come", || {
        write = kept();
        write.is_some()
    });
    let status = status_of_child(|| {
        let (block, value) = objects.take().unwrap();
        let error =
            block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap_err();
        assert_inherited(error.text(), "The block at 0x1000");
        assert_inherited(value.get(UINT, -1).unwrap_err().text(), "Variable v");
    });
    assert_ended_well(status, 2);
    write.unwrap().done();
    setter.join().unwrap().unwrap();
}

/// Registers over reliable links, all in this process: over the usual road to a board, and over a
/// link without sockets whose ends have threads of their own.
struct Links {
    board: Arc<UdpRssiPack>,
    client: Arc<UdpRssiPack>,
    ends: [Arc<RssiEndpoint>; 2],
    /// The requester of each.
    srps: [Arc<SrpV3>; 2],
    devices: [Arc<SrpV3Emulation>; 2],
}

impl Links {
    fn new() -> Links {
        let options = UdpRssiPackOptions::default();
        let board = UdpRssiPack::server("127.0.0.1", 0, options.clone()).unwrap();
        let client = UdpRssiPack::client("127.0.0.1", board.udp().port(), options).unwrap();
        let ends = [
            RssiEndpoint::server(RssiOptions::default()).unwrap(),
            RssiEndpoint::client(RssiOptions::default()).unwrap(),
        ];
        let (srps, devices) = ([SrpV3::new(), SrpV3::new()], [(); 2]);
        let devices = devices.map(|()| SrpV3Emulation::new().unwrap());
        connect(&*devices[0], &board.application(0)).unwrap();
        connect(&*srps[0], &client.application(0)).unwrap();
        connect(&*devices[1], &ends[0].application()).unwrap();
        connect(&*srps[1], &ends[1].application()).unwrap();
        connect(&ends[0].transport(), &ends[1].transport()).unwrap();
        ends.iter().for_each(|end| end.start().unwrap());
        client.wait_open(2 * HANG).unwrap();
        ends[1].wait_open(2 * HANG).unwrap();
        Links { board, client, ends, srps, devices }
    }

    /// A master of the registers behind each link.
    fn masters(&self) -> [Master; 2] {
        self.srps.each_ref().map(|srp| {
            let master = Master::new();
            master.set_slave(srp.clone());
            master.set_timeout(LONG);
            master
        })
    }

    /// In a child whose parent has made it.
    fn assert_lost(&self, masters: &[Master; 2]) {
        let own = self.masters();
        for (master, name) in own.iter().zip(["The packetizer", "rssi::Client"]) {
            for error in [master.write(0x10, &[5; 4]), master.read(0x10, 4).map(drop)] {
                let error = error.unwrap_err();
                // A thread of the parent may have been looking for the link.
                let is_out_of_reach = error.text().starts_with("SrpV3 was made");
                assert_inherited(error.text(), if is_out_of_reach { "SrpV3" } else { name });
            }
        }
        for master in masters {
            assert_inherited(master.read(0x10, 4).unwrap_err().text(), MASTER);
        }
        assert_inherited(self.client.wait_open(HANG).unwrap_err().text(), "rssi::Client");
        assert_inherited(self.board.wait_open(HANG).unwrap_err().text(), "rssi::Server");
        assert!(!self.client.is_open() && !self.ends[0].is_open());
        assert_eq!((self.client.stats().open, self.client.udp().peer()), (0, None));
        for end in &self.ends {
            assert_inherited(end.start().unwrap_err().text(), "rssi::");
            assert_inherited(end.set_local(end.local()).unwrap_err().text(), "rssi::");
            assert_eq!((end.current().max_retran, end.last_closure()), (15, None));
            end.reset_counters();
        }
        for port in
            [self.client.application(0), self.client.application(9), self.ends[1].application()]
        {
            let sender = stream::Master::new();
            sender.add_slave(port.stream_slave()).unwrap();
            let frame = sender.req_frame(8, true).unwrap();
            frame.lock().set_payload(8).unwrap();
            sender.send_frame(frame);
        }
        self.stop();
    }

    fn stop(&self) {
        self.client.stop();
        self.board.stop();
        self.ends.iter().for_each(|end| end.stop());
        self.devices.iter().for_each(|device| device.stop());
        self.srps.iter().for_each(|srp| srp.stop());
    }
}

/// Sets a flag when it is dropped.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A round of requests over each link.
fn use_links(masters: &[Master; 2], value: u8) {
    for master in masters {
        master.write(0x10, &[value; 4]).unwrap();
        assert_eq!(master.read(0x10, 4).unwrap(), [value; 4]);
    }
}

/// A child with the parent's links is told that they are not its own, and does not disturb them,
/// whatever the parent's threads were doing with them.
fn fork_with_links() {
    let links = Links::new();
    let masters = links.masters();
    use_links(&masters, 1);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Also where an assertion fails.
        let end_of_use = SetAtEnd(&is_over);
        let users = [(); 2].map(|()| {
            scope.spawn(|| {
                let masters = links.masters();
                while !is_over.load(Ordering::Relaxed) {
                    masters
                        .iter()
                        .for_each(|master| assert_eq!(master.read(0, 4).unwrap().len(), 4));
                }
            })
        });
        for number in 0..FORKS_COUNT {
            let status = status_of_child(|| {
                links.assert_lost(&masters);
                if number % 10 == 0 {
                    let own = Links::new();
                    use_links(&own.masters(), 2);
                    own.stop();
                }
            });
            assert_ended_well(status, number);
            use_links(&masters, number as u8);
        }
        drop(end_of_use);
        users.into_iter().for_each(|user| user.join().unwrap());
    });
    for stats in [links.client.stats(), links.board.stats()] {
        assert_eq!((stats.open, stats.open_count, stats.down_count), (1, 1, 0));
    }
    for end in &links.ends {
        let stats = end.stats();
        assert_eq!((stats.open, stats.open_count, stats.down_count), (1, 1, 0));
        assert_eq!(stats.unsent, 0);
    }
    links.stop();
}

/// f52: the child ends with the observer, although its thread has others to call in the parent.
fn fork_in_the_observer_thread(port: u16, device: &Device) {
    let (_client, master) = connected(port, true, true);
    for _ in 0..3 {
        let forker = Arc::new(Forker);
        let id = master.request(KEPT, zeros(4), TransactionType::Read).unwrap();
        master.observe(id, forker.clone()).unwrap();
        let kept = || device.kept.lock().unwrap().pop();
        wait_until("the request has come", || kept().map(|tran| tran.done()).is_some());
        wait_until("the child has ended", || Arc::strong_count(&forker) == 1);
    }
}

fn fork_in_a_callback() {
    fork_in_a_thread_that_receives();
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    let device = Device::new();
    server.master().set_slave(device.clone());
    server.master().set_timeout(LONG);
    let (client, master) = connected(server.port(), true, false);
    for _ in 0..3 {
        master.read(FORKING, 4).unwrap();
        master.write(0, &[1, 2, 3, 4]).unwrap();
        assert_eq!(master.read(0, 4).unwrap(), [1, 2, 3, 4]);
    }
    let stats = client.stats();
    assert_eq!((stats.disconnects, stats.dropped_responses), (0, 0), "the child has not answered");
    fork_in_the_observer_thread(server.port(), &device);
}
