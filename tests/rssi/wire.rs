//! Two endpoints, and a wire between them that loses datagrams.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::protocols::{RssiEndpoint, RssiOptions, RssiParameters};
use rogue_mem::stream::{self, Dispatch, Frame, Master, Node, Port, Slave, SlaveBase};
use testkit::frames::Peer;
use testkit::wait::LONG;

pub fn pair() -> (Arc<RssiEndpoint>, Arc<RssiEndpoint>) {
    pair_with(&RssiOptions::default())
}

/// A client and a server that are connected with nothing.
pub fn pair_with(options: &RssiOptions) -> (Arc<RssiEndpoint>, Arc<RssiEndpoint>) {
    let client = RssiEndpoint::client(options.clone()).unwrap();
    (client, RssiEndpoint::server(options.clone()).unwrap())
}

pub fn start(client: &RssiEndpoint, server: &RssiEndpoint) {
    server.start().unwrap();
    client.start().unwrap();
    client.wait_open(LONG).unwrap();
    server.wait_open(LONG).unwrap();
}

/// A client and a server with an open link, connected directly: each calls the other.
pub fn direct_pair() -> (Arc<RssiEndpoint>, Arc<RssiEndpoint>) {
    // Nothing is lost, but a thread of a busy machine may take long to acknowledge.
    let parameters = RssiParameters { max_retran: 255, ..RssiParameters::default() };
    let (client, server) = pair_with(&RssiOptions { parameters, ..RssiOptions::default() });
    stream::connect(&client.transport(), &server.transport()).unwrap();
    start(&client, &server);
    (client, server)
}

pub fn attach(endpoint: &RssiEndpoint, peer: &Peer) {
    stream::connect(&endpoint.application(), peer).unwrap();
}

pub fn message(number: u32) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(4 + number as usize % 1000, number as u8);
    bytes
}

/// One direction of a wire: a slave whose datagrams a thread passes on, or loses.
pub struct Direction {
    base: SlaveBase,
    sender: Mutex<Sender<Vec<u8>>>,
    is_cut: AtomicBool,
    /// Numbers of the segments that came together.
    pub together: Mutex<Vec<usize>>,
}

impl Direction {
    fn new(to: Arc<Master>, seed: u64, loss_per_mille: u32) -> Arc<Direction> {
        let (sender, datagrams) = mpsc::channel::<Vec<u8>>();
        std::thread::spawn(move || {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut held: Option<Vec<u8>> = None;
            let mut happens = move || rng.random_range(0..1000) < loss_per_mille;
            let pass = |bytes: Vec<u8>| {
                to.send_frame(Arc::new(Frame::from(bytes)));
            };
            for datagram in datagrams {
                if happens() {
                    continue;
                }
                if happens() {
                    pass(datagram.clone());
                }
                if held.is_none() && happens() {
                    held = Some(datagram);
                    continue;
                }
                pass(datagram);
                held.take().into_iter().for_each(&pass);
            }
        });
        let sender = Mutex::new(sender);
        let is_cut = AtomicBool::new(false);
        Arc::new(Direction { base: SlaveBase::new(), sender, is_cut, together: Mutex::default() })
    }
}

impl Slave for Direction {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let bytes = frame.lock().to_vec();
        if !self.is_cut.load(Ordering::SeqCst) {
            // Its thread is gone at the end of a test.
            let _ = self.sender.lock().unwrap().send(bytes);
        }
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        if frames.len() > 1 {
            self.together.lock().unwrap().push(frames.len());
        }
        frames.iter_mut().for_each(|dispatch| dispatch.pass(|frame| self.accept_frame(frame)));
    }
}

/// A wire between two transports.
pub struct Wire {
    pub directions: [Arc<Direction>; 2],
}

impl Wire {
    pub fn between(a: &RssiEndpoint, b: &RssiEndpoint, seed: u64, loss_per_mille: u32) -> Wire {
        let masters = [Master::new(), Master::new()];
        let directions = [
            Direction::new(masters[1].clone(), seed, loss_per_mille),
            Direction::new(masters[0].clone(), !seed, loss_per_mille),
        ];
        for (index, endpoint) in [a, b].into_iter().enumerate() {
            let port = Port::new(masters[index].clone(), directions[index].clone());
            stream::connect(&endpoint.transport(), &port).unwrap();
        }
        Wire { directions }
    }

    pub fn set_cut(&self, is_cut: bool) {
        let directions = self.directions.iter();
        directions.for_each(|direction| direction.is_cut.store(is_cut, Ordering::SeqCst));
    }
}

/// A master that sends to `endpoint`.
pub fn sender_of(endpoint: &RssiEndpoint) -> Arc<Master> {
    let master = Master::new();
    master.add_slave(endpoint.application().stream_slave()).unwrap();
    master
}
