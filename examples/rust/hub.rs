//! Hubs: one of the library, which adds its offset, and one of the program, which translates
//! addresses into accesses of a pair of registers.

use std::sync::{Arc, Mutex};

use rogue_mem::error::Result;
use rogue_mem::memory::{Emulate, Hub, Master, Slave, SlaveBase, Transaction};

/// Downstream of the translating hub: an address register, and a window to the selected word.
const SELECT: u64 = 0x0;
const WINDOW: u64 = 0x4;
const DEVICE_WORDS: usize = 8;

/// The device with the window.
struct Device {
    base: SlaveBase,
    /// The selected word, and all of them.
    state: Mutex<(u32, [u32; DEVICE_WORDS])>,
}

impl Slave for Device {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, transaction: &Arc<Transaction>) {
        let Some(mut data) = transaction.data() else { return };
        let (selected, words) = &mut *self.state.lock().expect("no thread has panicked");
        let word = match transaction.address() {
            SELECT => selected,
            _ => &mut words[*selected as usize % DEVICE_WORDS],
        };
        if transaction.ty().is_write() {
            *word = u32::from_le_bytes(data[..4].try_into().expect("an access has 4 bytes"));
        } else {
            data.copy_from_slice(&word.to_le_bytes());
        }
        drop(data);
        transaction.done();
    }
}

/// Word n is at address 4 n: selects it, then moves its value through the window.
struct Translator {
    base: SlaveBase,
    out: Master,
}

impl Translator {
    fn translate(&self, transaction: &Transaction) -> Result<()> {
        self.out.write(SELECT, &((transaction.address() / 4) as u32).to_le_bytes())?;
        if transaction.ty().is_write() {
            let value = transaction.data().map(|data| data.to_vec());
            return value.map_or(Ok(()), |value| self.out.write(WINDOW, &value));
        }
        let value = self.out.read(WINDOW, 4)?;
        if let Some(mut data) = transaction.data() {
            data.copy_from_slice(&value);
        }
        Ok(())
    }
}

impl Slave for Translator {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, transaction: &Arc<Transaction>) {
        match self.translate(transaction) {
            Ok(()) => transaction.done(),
            Err(error) => transaction.error(error.text()),
        }
    }
}

fn offsets() -> Result<()> {
    let memory = Emulate::new(4, 16);
    let (whole, part) = (Master::new(), Master::new());
    let hub = Hub::new(0x10000, 0, 0);
    hub.master().set_slave(memory.clone());
    part.set_slave(hub);
    whole.set_slave(memory);
    // The memory's largest access is 16 bytes: the hub splits larger ones.
    let written: Vec<u8> = (0..40).collect();
    part.write(0x20, &written)?;
    assert_eq!(whole.read(0x10020 + 32, 8)?, written[32..]);
    println!("0x20 behind a hub at 0x{:x} is 0x10020", part.req_address());
    Ok(())
}

fn translation() -> Result<()> {
    let device = Arc::new(Device { base: SlaveBase::new(4, 4), state: Mutex::default() });
    let translator = Translator { base: SlaveBase::new(4, 4), out: Master::new() };
    translator.out.set_slave(device.clone());
    let master = Master::new();
    master.set_slave(Arc::new(translator));
    master.write(4 * 5, &0xFEED_F00D_u32.to_le_bytes())?;
    assert_eq!(master.read(4 * 5, 4)?, 0xFEED_F00D_u32.to_le_bytes());
    let word = device.state.lock().expect("no thread has panicked").1[5];
    println!("word 5 of the device, behind its window, is 0x{word:08x}");
    assert_eq!(word, 0xFEED_F00D);
    Ok(())
}

fn main() -> Result<()> {
    offsets()?;
    translation()
}
