//! The clients of SRP, with transactions under way, against a device that answers anything.

use std::sync::Arc;

use rogue_mem::memory::{self, Master, Transaction, TransactionType};
use rogue_mem::proto::srp::{v0, v3};
use rogue_mem::protocols::{SrpV0, SrpV3};
use rogue_mem::stream;

use super::input::Input;
use crate::bus::{collect, launch, master_of};
use crate::frames::Peer;

/// The most operations of one run.
const OPERATIONS_MAX: usize = 48;

/// A transaction, the frame that asked for it, and what it may return.
struct Asked {
    tran: Arc<Transaction>,
    request: Vec<u8>,
    /// The data of the first valid answer; of writes that there was one.
    answer: Option<Vec<u8>>,
    is_checked: bool,
}

/// How one version forms its frames.
struct Form {
    header_bytes: usize,
    /// Bits of octet 1 that the device may choose.
    capabilities: u8,
}

impl Form {
    /// The device's answer to a request, with a status.
    fn answer(&self, request: &[u8], data: &[u8], status: u32) -> Vec<u8> {
        [&request[..self.header_bytes], data, &status.to_le_bytes()].concat()
    }

    /// The data of a successful answer to `request`, if `frame` is one.
    fn data_for<'a>(&self, request: &[u8], size: u32, frame: &'a [u8]) -> Option<&'a [u8]> {
        let (header, rest) = frame.split_at_checked(self.header_bytes)?;
        let (data, status) = rest.split_at_checked(size as usize)?;
        let differs = |at: usize| match at {
            1 => (header[1] ^ request[1]) & !self.capabilities != 0,
            _ => header[at] != request[at],
        };
        ((0..header.len()).all(|at| !differs(at)) && status == [0; 4]).then_some(data)
    }
}

/// Version 3.
pub fn version_3(data: &[u8]) {
    let (peer, srp) = (Peer::silent(), SrpV3::new());
    stream::connect(&*peer, &*srp).expect("two free nodes");
    run(&peer, srp, &Form { header_bytes: v3::HEADER_BYTES, capabilities: 0x3C }, data);
}

/// Version 0.
pub fn version_0(data: &[u8]) {
    let (peer, srp) = (Peer::silent(), SrpV0::new());
    stream::connect(&*peer, &*srp).expect("two free nodes");
    run(&peer, srp, &Form { header_bytes: v0::HEADER_BYTES, capabilities: 0 }, data);
}

fn run(peer: &Peer, srp: Arc<impl memory::Slave + 'static>, form: &Form, data: &[u8]) {
    let (mut input, mut asked) = (Input(data), Vec::new());
    let master = master_of(srp.clone());
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        match input.below(4) {
            0 => ask(peer, &master, &mut asked, &mut input),
            1 | 2 => answer(peer, form, &mut asked, &mut input),
            _ => seldom(peer, form, &mut asked, &mut input),
        }
        asked.iter_mut().for_each(check);
        let pending = asked.iter().filter(|one| !one.tran.is_done()).count();
        assert_eq!(srp.base().pending_count(), pending);
    }
}

fn ask(peer: &Peer, master: &Master, asked: &mut Vec<Asked>, input: &mut Input<'_>) {
    let ty = [TransactionType::Read, TransactionType::Write, TransactionType::Post][input.below(3)];
    let (address, size) = (u64::from(input.u16()), usize::from(input.u8() & 0x3F));
    let before = peer.seen().len();
    let tran = launch(master, ty, address, vec![0xA5; size]);
    let sent = peer.seen().split_off(before);
    let is_possible = address % 4 == 0 && size % 4 == 0 && size > 0;
    assert_eq!(sent.len(), usize::from(is_possible));
    assert_eq!(tran.is_done(), !is_possible || ty == TransactionType::Post);
    for frame in sent {
        asked.push(Asked {
            tran: tran.clone(),
            request: frame.bytes,
            answer: None,
            is_checked: false,
        });
    }
}

/// The device answers one of the requests, right or with one octet, its length or its mark wrong.
fn answer(peer: &Peer, form: &Form, asked: &mut [Asked], input: &mut Input<'_>) {
    if asked.is_empty() {
        return;
    }
    let index = input.below(asked.len());
    let one = &asked[index];
    let size = one.tran.size() as usize;
    let (fault, fill) = (input.u8(), input.u8());
    let data: Vec<u8> = (0..size).map(|at| fill.wrapping_add(at as u8)).collect();
    let mut frame = form.answer(&one.request, &data, 0);
    let mut error = 0;
    match fault % 8 {
        0 => frame = form.answer(&one.request, &data, input.u32()),
        1 => frame.truncate(usize::from(input.u8()) % frame.len()),
        2 => frame.extend_from_slice(input.chunk()),
        3 => error = input.u8(),
        4 => {
            let bit = usize::from(input.u16()) % (8 * frame.len());
            frame[bit / 8] ^= 1 << (bit % 8);
        }
        _ => (),
    }
    send(peer, form, asked, &frame, error);
}

/// Sends any frame, and notes whose answer it is.
fn send(peer: &Peer, form: &Form, asked: &mut [Asked], frame: &[u8], error: u8) {
    for one in asked.iter_mut().filter(|one| !one.tran.is_done() && error == 0) {
        one.answer = form.data_for(&one.request, one.tran.size(), frame).map(<[u8]>::to_vec);
    }
    peer.send_marked(frame, error);
}

fn seldom(peer: &Peer, form: &Form, asked: &mut Vec<Asked>, input: &mut Input<'_>) {
    match input.below(4) {
        0 => send(peer, form, asked, input.chunk(), 0),
        1 if !asked.is_empty() => {
            let index = input.below(asked.len());
            asked[index].tran.time_out();
        }
        2 if !asked.is_empty() => {
            let index = input.below(asked.len());
            // Gone with its owner; its answer is nobody's.
            if asked[index].tran.is_done() {
                asked.swap_remove(index);
            }
        }
        _ => send(peer, form, asked, input.chunk(), 1),
    }
}

/// A transaction has succeeded only by its own answer, and with its data.
fn check(one: &mut Asked) {
    if !one.tran.is_done() {
        return assert!(one.answer.is_none(), "{:?} has its answer", one.tran);
    }
    if std::mem::replace(&mut one.is_checked, true) {
        return;
    }
    let (outcome, found) = collect(&one.tran);
    match outcome {
        Ok(()) if one.tran.ty() == TransactionType::Post => (),
        Ok(()) => {
            let data = one.answer.as_ref().expect("a success without an answer");
            let is_read = one.tran.ty() == TransactionType::Read;
            let expected = if is_read { data.clone() } else { vec![0xA5; data.len()] };
            assert_eq!(found, expected, "a wrong value");
        }
        Err(error) => assert!(!error.text().is_empty()),
    }
}
