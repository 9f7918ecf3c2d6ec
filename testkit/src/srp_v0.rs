//! A device that speaks SRP version 0.

use std::sync::Arc;

use rogue_mem::memory::SparseMemory;

use crate::frames::Peer;

const HEADER_BYTES: usize = 8;
const TRAILER_BYTES: usize = 4;

/// The word at `index`, as a number.
fn word(frame: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(frame[4 * index..4 * index + 4].try_into().expect("4 bytes"))
}

/// A device of empty memory that answers each request in the thread that sends it.
pub fn device() -> Arc<Peer> {
    let memory = SparseMemory::new();
    Peer::new(move |peer, request| {
        let access = word(request, 1);
        let address = u64::from(access << 2);
        let data = match access >> 30 {
            0 => {
                let mut data = vec![0; 4 * (word(request, 2) as usize + 1)];
                memory.read(address, &mut data).expect("within 64 bits");
                data
            }
            1 => {
                let data = request[HEADER_BYTES..request.len() - TRAILER_BYTES].to_vec();
                memory.write(address, &data).expect("within 64 bits");
                data
            }
            other => panic!("a request with opcode {other}"),
        };
        peer.send(&[&request[..HEADER_BYTES], &data, &[0; TRAILER_BYTES]].concat());
    })
}
