//! A slave that carries out transactions in a thread of its own, as for a device that answers later:
//! `do_transaction` only keeps the transaction.

use std::sync::mpsc::{sync_channel, Receiver, SyncSender, TrySendError};
use std::sync::Arc;
use std::thread;

use rogue_mem::memory::{Master, Slave, SlaveBase, Transaction};
use rogue_mem::Status;

const DEVICE_BYTES: usize = 64;
const QUEUE_COUNT_MAX: usize = 16;

struct Device {
    base: SlaveBase,
    queue: SyncSender<Arc<Transaction>>,
}

impl Device {
    /// The device's thread ends when nobody has the device any more.
    fn new() -> Arc<Device> {
        let (queue, requests) = sync_channel(QUEUE_COUNT_MAX);
        thread::spawn(move || work(&requests));
        Arc::new(Device { base: SlaveBase::new(4, DEVICE_BYTES as u32), queue })
    }
}

impl Slave for Device {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    /// Runs in the thread that makes the request.
    fn do_transaction(&self, transaction: &Arc<Transaction>) {
        match self.queue.try_send(transaction.clone()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => transaction.error("The device is busy"),
            Err(TrySendError::Disconnected(_)) => transaction.error("The device is gone"),
        }
    }
}

fn work(requests: &Receiver<Arc<Transaction>>) {
    let mut registers = [0; DEVICE_BYTES];
    for transaction in requests {
        carry_out(&mut registers, &transaction);
    }
}

fn carry_out(registers: &mut [u8], transaction: &Arc<Transaction>) {
    let begin = transaction.address() as usize;
    let Some(range) = registers.get_mut(begin..begin + transaction.size() as usize) else {
        return transaction.error(format!("There is no register at 0x{begin:x}"));
    };
    // None if the requester has given up: the answer is not wanted then.
    let Some(mut data) = transaction.data() else { return };
    if transaction.ty().is_write() {
        range.copy_from_slice(&data);
    } else {
        data.copy_from_slice(range);
    }
    drop(data);
    transaction.done();
}

fn main() -> rogue_mem::error::Result<()> {
    let master = Master::new();
    master.set_slave(Device::new());

    let greeting = b"hello, register\0";
    master.write(0x20, greeting)?;
    let copy = master.read(0x20, greeting.len() as u32)?;
    println!("the device holds {:?}", String::from_utf8_lossy(&copy[..copy.len() - 1]));
    assert_eq!(copy, greeting);

    let error = master.read(0x40, 4).expect_err("there is none");
    assert_eq!(error.status(), Status::Transaction);
    println!("reading beyond it fails: {error}");
    Ok(())
}
