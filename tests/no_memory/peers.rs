//! The library's clients, boards, and connections that are sealed: the other end is a process of its
//! own, which has memory, or the same process, which has not.

use std::io::BufRead;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::memory::{Master, TransactionType};
use rogue_mem::protocols::{SrpV3, SrpV3Emulation, UdpRssiPack, UdpRssiPackOptions};
use rogue_mem::security::keys::{KeyPair, PublicKey};
use rogue_mem::security::{AllowedClients, CurveClient, CurveServer};
use rogue_mem::stream::{self, connect, Frame, Node};
use std::time::Duration;

use testkit::bridge::{memory, server_of, Client};
use testkit::bus::master_of;
use testkit::players::Player;
use testkit::wait::{wait_until, LONG};

/// Bytes of a large access, and of a large frame.
const LARGE: usize = 300_000;
/// Of one that is sealed, which takes a while in a build that is not optimised.
const SEALED: usize = 40_000;
/// Bytes of a large access of a board: the most that SRP allows.
const LARGE_OF_BOARD: usize = 4096;
/// Small reads in a row.
const SMALL_COUNT: usize = 200;
/// A probe may be refused.
const PROBE_PERIOD: Duration = Duration::from_millis(20);
/// What a process with memory says when it has done what it was told.
const DONE: &str = "done";

// ---------------------------------------------------------------------- the process with memory

/// Roles: `other server` serves, in the clear and sealed, and says both ports and its key; `other client
/// KEY` is told a port, and uses the server there.
pub fn play_other(role: &str) {
    let lines = || std::io::stdin().lock().lines().map_while(Result::ok);
    match role.split_once(' ') {
        Some(("client", key)) => {
            for port in lines() {
                let client = sealed_client(port.parse().unwrap(), key);
                // Any of it may fail, and must end.
                let is_ready = client.tcp.wait_ready(LONG, PROBE_PERIOD).is_ok();
                let is_right = is_ready && Accesses::new(SEALED).play(&client.master);
                println!("{DONE} {is_right}");
            }
        }
        _ => {
            let keys = KeyPair::generate().unwrap();
            let key = keys.public().to_string();
            let curve = Some(CurveServer::new(keys, AllowedClients::Any));
            let sealed = server_of(memory(), ServerOptions { curve, ..ServerOptions::default() });
            let clear = server_of(memory(), ServerOptions::default());
            println!("{} {} {key}", clear.port(), sealed.port());
            lines().for_each(drop);
        }
    }
}

fn sealed_client(port: u16, key: &str) -> Client {
    let key = PublicKey::from_text(key).unwrap();
    let curve = Some(CurveClient::new(key, None).unwrap());
    Client::with(port, ClientOptions { curve, direct: false, ..ClientOptions::default() })
}

/// Accesses of all sizes, in memory that they have.
struct Accesses {
    expected: Vec<u8>,
    written: Vec<u8>,
    read: Vec<u8>,
}

impl Accesses {
    fn new(bytes: usize) -> Accesses {
        let expected: Vec<u8> = (0..bytes).map(|n| n as u8).collect();
        Accesses { written: expected.clone(), read: vec![0; bytes], expected }
    }

    /// Returns whether all of them have succeeded, with the right data.
    fn play(self, master: &Master) -> bool {
        let Accesses { expected, written, read } = self;
        let begin = |data: Vec<u8>, ty| master.request(0, data.into(), ty);
        let is_written =
            begin(written, TransactionType::Write).is_ok_and(|id| master.wait(id).is_ok());
        let read = begin(read, TransactionType::Read).and_then(|id| master.wait_buffer(id));
        // What has been read is right, or it has failed.
        assert!(!is_written || read.as_ref().is_ok_and(|read| **read == expected) || read.is_err());
        let mut small = [0; SMALL_COUNT];
        let mut failed = 0;
        for (n, id) in small.iter_mut().enumerate() {
            match master.request(n as u64 * 4, vec![0; 4].into(), TransactionType::Read) {
                Ok(begun) => *id = begun,
                Err(_) => failed += 1,
            }
        }
        let begun = small.into_iter().filter(|id| *id != 0);
        failed += begun.filter(|id| master.wait(*id).is_err()).count();
        failed == 0 && is_written && read.is_ok()
    }
}

// ---------------------------------------------------------------------- rounds

/// A client in the clear.
pub fn client_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let (port, _, _) = other_server();
    clients(
        Client::with(port, ClientOptions { direct: false, ..ClientOptions::default() }),
        arm,
        disarm,
    );
}

/// A client whose connections are sealed.
pub fn curve_client_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let (_, port, key) = other_server();
    clients(sealed_client(port, &key), arm, disarm);
}

fn other_server() -> (u16, u16, String) {
    static SERVER: OnceLock<(Mutex<Player>, String)> = OnceLock::new();
    let (_, said) = SERVER.get_or_init(|| {
        let mut server = Player::new("other server".to_owned());
        let said = server.line();
        (Mutex::new(server), said)
    });
    let words: Vec<&str> = said.split(' ').collect();
    (words[0].parse().unwrap(), words[1].parse().unwrap(), words[2].to_owned())
}

/// The requester has memory, and the thread that receives for it has not.
fn clients(client: Client, arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    client.wait_ready();
    let accesses = Accesses::new(LARGE);
    arm();
    let _ = accesses.play(&client.master);
    disarm();
    wait_until("it works again", || client.master.read(0, 4).is_ok());
    assert!(Accesses::new(LARGE).play(&client.master));
}

/// A server whose connections are sealed.
pub fn curve_server_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    static OTHER: OnceLock<(KeyPair, Mutex<Player>)> = OnceLock::new();
    let (keys, client) = OTHER.get_or_init(|| {
        let keys = KeyPair::generate().unwrap();
        let client = Player::new(format!("other client {}", keys.public()));
        (keys, Mutex::new(client))
    });
    let curve = Some(CurveServer::new(keys.clone(), AllowedClients::Any));
    let server = server_of(memory(), ServerOptions { curve, ..ServerOptions::default() });
    let mut client = client.lock().unwrap();
    let mut used = || {
        client.tell(&server.port().to_string());
        client.line()
    };
    arm();
    used();
    disarm();
    assert_eq!(used(), format!("{DONE} true"));
}

struct Counter {
    base: stream::SlaveBase,
    sizes: Mutex<std::sync::mpsc::Sender<usize>>,
}

impl stream::Slave for Counter {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let _ = self.sizes.lock().unwrap().send(frame.lock().payload());
    }
}

/// Registers and frames over UDP, RSSI and the packetizer, both ends of which have no memory.
pub fn board_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let options = UdpRssiPackOptions { max_retran: 50, ..UdpRssiPackOptions::default() };
    let board = UdpRssiPack::server("127.0.0.1", 0, options.clone()).unwrap();
    connect(&*SrpV3Emulation::new().unwrap(), &board.application(0)).unwrap();
    let (sender, sizes) = channel();
    let counter = Counter { base: stream::SlaveBase::new(), sizes: Mutex::new(sender) };
    board.application(1).stream_master().add_slave(Arc::new(counter)).unwrap();
    let road = UdpRssiPack::client("127.0.0.1", board.udp().port(), options).unwrap();
    road.wait_open(LONG).unwrap();
    let srp = SrpV3::new();
    connect(&*srp, &road.application(0)).unwrap();
    let master = master_of(srp);
    // Frames may be lost, with their requests.
    master.set_timeout(Duration::from_millis(100));
    let frames = road.application(1).stream_slave();
    let (accesses, frame) = (Accesses::new(LARGE_OF_BOARD), Arc::new(Frame::from(vec![1; LARGE])));
    arm();
    let _ = accesses.play(&master);
    frames.accept_frame(frame);
    disarm();
    master.set_timeout(LONG);
    wait_until("it works again", || master.write(0, &[9; LARGE_OF_BOARD]).is_ok());
    assert_eq!(master.read(0, LARGE_OF_BOARD as u32).unwrap(), [9; LARGE_OF_BOARD]);
    frames.accept_frame(Arc::new(Frame::from(vec![1; LARGE - 1])));
    while sizes.recv_timeout(LONG).expect("a frame comes") != LARGE - 1 {}
}
