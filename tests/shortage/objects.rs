//! Everything of the library that needs descriptors or threads when it is made.

use std::any::Any;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{
    ClientOptions, ServerOptions, StreamClient, StreamClientOptions, StreamServer,
    StreamServerOptions, TcpClient, TcpServer,
};
use rogue_mem::error::Result;
use rogue_mem::files::{FileReader, FileReaderOptions, FileWriter};
use rogue_mem::hardware::{MemMap, MemMapOptions};
use rogue_mem::protocols::{
    Prbs, SrpV3Emulation, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::security::keys::{KeyPair, PublicKey};
use rogue_mem::security::{AccessList, Audit, AuditOptions, AuditRecord, AuditSink};
use rogue_mem::stream::Fifo;
use testkit::bridge::{assert_serves, memory, Client};
use testkit::directory::Directory;
use testkit::process::descriptor_count;
use testkit::wait::{wait_until, LONG};

/// A thing that is made.
pub struct Object {
    name: &'static str,
    /// Whether it needs descriptors, or threads.
    pub descriptors: bool,
    pub threads: bool,
    make: fn(&Directory) -> Result<Box<dyn Any>>,
    /// Proves that what has been made works.
    check: fn(Box<dyn Any>),
}

/// Makes each object that `needs` what is short, with room for none, for one, for two and so on until
/// that succeeds. `words` say what to do.
pub fn sweep(words: &str, needs: fn(&Object) -> bool, leave: impl Fn(u64) -> Box<dyn Any>) {
    let directory = Directory::new();
    prepare(&directory);
    for object in OBJECTS.iter().filter(|object| needs(object)) {
        let mut count = 0;
        let before = (descriptor_count(), threads());
        let made = loop {
            let shortage = leave(count);
            let made = (object.make)(&directory);
            drop(shortage);
            match made {
                Ok(made) => break made,
                Err(error) => {
                    let text = error.text();
                    println!("{} with {count}: {text}", object.name);
                    assert!(text.contains(words), "{}: {text}", object.name);
                }
            }
            wait_until("nothing is left", || (descriptor_count(), threads()) == before);
            count += 1;
        };
        assert!(count > 0, "{} has needed nothing", object.name);
        (object.check)(made);
        wait_until("nothing is left", || (descriptor_count(), threads()) == before);
    }
}

/// Files that objects need, and whatever is made once in a process.
fn prepare(directory: &Directory) {
    fs::write(directory.file("map"), [0; 4096]).unwrap();
    fs::write(directory.file("list"), "* read-write\n").unwrap();
    KeyPair::generate().unwrap().save(directory.file("keys")).unwrap();
    let writer = FileWriter::new();
    writer.open(directory.file("data").to_str().unwrap()).unwrap();
    writer.close().unwrap();
    // The share of memory is read from files.
    drop(testkit::bridge::server());
}

/// Threads of this process but those that come and go, or stay.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.map(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default());
    let is_of_process = |name: &str| {
        ["log", "rogue_trim", "rogue_observers"].iter().any(|one| one.starts_with(name))
    };
    names.filter(|name| !name.is_empty() && !is_of_process(name.trim_end())).count()
}

fn boxed<T: 'static>(made: Result<T>) -> Result<Box<dyn Any>> {
    made.map(|made| Box::new(made) as Box<dyn Any>)
}

fn is<T: 'static>(made: Box<dyn Any>) -> T {
    *made.downcast().expect("it is what was made")
}

/// A server works.
fn check_server(made: Box<dyn Any>) {
    let server: Arc<TcpServer> = is(made);
    server.master().set_slave(memory());
    assert_serves(&server);
}

/// A client works with a server at its port.
fn check_client(made: Box<dyn Any>) {
    let client: Arc<TcpClient> = is(made);
    assert!(client.state_text().contains("127.0.0.1"), "{}", client.state_text());
}

struct Quiet;

impl AuditSink for Quiet {
    fn record(&mut self, _: &AuditRecord<'_>) {}
}

const OBJECTS: &[Object] = &[
    Object {
        name: "a memory server",
        descriptors: true,
        threads: true,
        make: |_| boxed(TcpServer::new("127.0.0.1", 0, ServerOptions::default())),
        check: check_server,
    },
    Object {
        name: "a memory server at an interface",
        descriptors: true,
        threads: true,
        make: |_| boxed(TcpServer::new("lo", 0, ServerOptions::default())),
        check: check_server,
    },
    Object {
        name: "a memory server at a path too",
        descriptors: true,
        threads: true,
        make: |directory| {
            let addresses = vec![directory.address("beside")];
            let options = ServerOptions { addresses, ..ServerOptions::default() };
            boxed(TcpServer::new("127.0.0.1", 0, options))
        },
        check: check_server,
    },
    Object {
        name: "a memory server in the place of a dead one",
        descriptors: true,
        threads: true,
        make: |directory| {
            let path = directory.file("dead");
            let _ = fs::remove_file(&path);
            drop(std::os::unix::net::UnixListener::bind(&path));
            boxed(TcpServer::new(&directory.address("dead"), 0, ServerOptions::default()))
        },
        check: |made| {
            let server: Arc<TcpServer> = is(made);
            server.master().set_slave(memory());
            let client = Client::at(server.address(), 0);
            client.wait_ready();
            client.master.read(0, 4).unwrap();
        },
    },
    Object {
        name: "a memory client",
        descriptors: true,
        threads: true,
        make: |_| boxed(TcpClient::new("127.0.0.1", 9, ClientOptions::default())),
        check: check_client,
    },
    Object {
        name: "a memory client on the shared loop",
        descriptors: true,
        threads: true,
        make: |_| {
            let options = ClientOptions { shared_loop: true, ..ClientOptions::default() };
            boxed(TcpClient::new("127.0.0.1", 9, options))
        },
        check: check_client,
    },
    Object {
        name: "a stream server",
        descriptors: true,
        threads: true,
        make: |_| boxed(StreamServer::new("127.0.0.1", 0, StreamServerOptions::default())),
        check: drop,
    },
    Object {
        name: "a stream client",
        descriptors: true,
        threads: true,
        make: |_| boxed(StreamClient::new("127.0.0.1", 9, StreamClientOptions::default())),
        check: drop,
    },
    Object {
        name: "a UDP server",
        descriptors: true,
        threads: true,
        make: |_| boxed(UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default())),
        check: drop,
    },
    Object {
        name: "a UDP client",
        descriptors: true,
        threads: true,
        make: |_| boxed(UdpEndpoint::client("localhost", 9, UdpOptions::default())),
        check: drop,
    },
    Object {
        name: "a board with RSSI",
        descriptors: true,
        threads: true,
        make: |_| boxed(UdpRssiPack::server("127.0.0.1", 0, UdpRssiPackOptions::default())),
        check: |made| {
            let board: Arc<UdpRssiPack> = is(made);
            let port = board.udp().port();
            let client = UdpRssiPack::client("127.0.0.1", port, UdpRssiPackOptions::default());
            client.unwrap().wait_open(LONG).unwrap();
        },
    },
    Object {
        name: "an RSSI client",
        descriptors: true,
        threads: true,
        make: |_| boxed(UdpRssiPack::client("127.0.0.1", 9, UdpRssiPackOptions::default())),
        check: drop,
    },
    Object {
        name: "an audit in a file",
        descriptors: true,
        threads: true,
        make: |directory| boxed(Audit::to_file(directory.file("audit"), AuditOptions::default())),
        check: |made| is::<Arc<Audit>>(made).flush(LONG).unwrap(),
    },
    Object {
        name: "an audit of a program",
        descriptors: false,
        threads: true,
        make: |_| boxed(Audit::new(Box::new(Quiet), AuditOptions::default())),
        check: |made| is::<Arc<Audit>>(made).flush(LONG).unwrap(),
    },
    Object {
        name: "keys from a file",
        descriptors: true,
        threads: false,
        make: |directory| boxed(KeyPair::load(directory.file("keys"))),
        check: drop,
    },
    Object {
        name: "public keys from a file",
        descriptors: true,
        threads: false,
        make: |directory| boxed(PublicKey::load_all(directory.file("keys.pub"))),
        check: drop,
    },
    Object {
        name: "new keys in a file",
        descriptors: true,
        threads: false,
        make: |directory| boxed(KeyPair::generate()?.save(directory.file("new"))),
        check: drop,
    },
    Object {
        name: "an access list",
        descriptors: true,
        threads: false,
        make: |directory| boxed(AccessList::load(directory.file("list"))),
        check: drop,
    },
    Object {
        name: "a data file that is written",
        descriptors: true,
        threads: false,
        make: |directory| {
            let writer = FileWriter::new();
            boxed(writer.open(directory.file("new_data").to_str().unwrap()).map(|()| writer))
        },
        check: |made| is::<Arc<FileWriter>>(made).close().unwrap(),
    },
    Object {
        name: "a data file that is read",
        descriptors: true,
        threads: true,
        make: |directory| {
            let reader = FileReader::new(FileReaderOptions::default());
            boxed(reader.open(directory.file("data").to_str().unwrap()).map(|()| reader))
        },
        check: |made| assert!(is::<Arc<FileReader>>(made).wait(Some(LONG))),
    },
    Object {
        name: "mapped memory",
        descriptors: true,
        threads: false,
        make: |directory| {
            let path = directory.file("map").to_str().unwrap().to_owned();
            boxed(MemMap::new(0, 4096, &MemMapOptions { path, access_bytes: 4 }))
        },
        check: drop,
    },
    Object {
        name: "a FIFO",
        descriptors: false,
        threads: true,
        make: |_| boxed(Fifo::new(0, 0, false)),
        check: drop,
    },
    Object {
        name: "an emulated board",
        descriptors: false,
        threads: true,
        make: |_| boxed(SrpV3Emulation::new()),
        check: drop,
    },
    Object {
        name: "a source of frames",
        descriptors: false,
        threads: true,
        make: |_| {
            let prbs = Prbs::new();
            prbs.set_tx_period(Duration::MAX);
            boxed(prbs.enable(64).map(|()| prbs))
        },
        check: |made| is::<Arc<Prbs>>(made).disable(),
    },
];
