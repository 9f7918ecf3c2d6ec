//! SRP version 3 as a peer speaks it, and a client connected with one.

use std::sync::Arc;

use rogue_mem::memory;
use rogue_mem::protocols::SrpV3;
use rogue_mem::stream;
use testkit::frames::Peer;

/// An `SrpV3` connected with `peer`, and a master connected to it.
pub fn client(peer: &Peer) -> (Arc<SrpV3>, memory::Master) {
    let srp = SrpV3::new();
    stream::connect(&*srp, peer).unwrap();
    let master = memory::Master::new();
    master.set_slave(srp.clone());
    (srp, master)
}

/// A request frame. Its words, as the protocol has them.
pub fn request(word_0: u32, id: u32, address: u64, size: u32, data: &[u8]) -> Vec<u8> {
    let words = [word_0, id, address as u32, (address >> 32) as u32, size.wrapping_sub(1)];
    let mut frame: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    frame.extend_from_slice(data);
    frame
}

/// The response to a request: its header, `data` and `status`.
pub fn response(request: &[u8], data: &[u8], status: u32) -> Vec<u8> {
    [&request[..20], data, &status.to_le_bytes()].concat()
}

pub fn word(frame: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(frame[4 * index..4 * index + 4].try_into().unwrap())
}
