//! A master with operations of its own: it changes a field of a register, and reads many registers
//! with all requests in flight at once.

use rogue_mem::error::Result;
use rogue_mem::memory::bits::copy_bits;
use rogue_mem::memory::{Emulate, Master, TransactionType};
use rogue_mem::Status;

const REGISTERS_COUNT: u64 = 1000;
const REGISTER_BYTES: u32 = 4;

/// Replaces `bits` bits of a register from `lsb` on; the others stay.
fn write_field(master: &Master, address: u64, lsb: u64, bits: u64, value: u8) -> Result<()> {
    let mut word = master.read(address, REGISTER_BYTES)?;
    copy_bits(&mut word, lsb, &[value], 0, bits)?;
    master.write(address, &word)
}

/// Starts all requests before the first wait, so that they share the round trip.
fn read_all(master: &Master) -> Result<Vec<Vec<u8>>> {
    let buffer = || vec![0; REGISTER_BYTES as usize].into();
    let ids = (0..REGISTERS_COUNT)
        .map(|index| {
            master.request(index * u64::from(REGISTER_BYTES), buffer(), TransactionType::Read)
        })
        .collect::<Result<Vec<u32>>>()?;
    ids.into_iter().map(|id| master.wait_buffer(id)).collect()
}

fn main() -> Result<()> {
    let master = Master::new();
    master.set_slave(Emulate::new(REGISTER_BYTES, 4096));

    write_field(&master, 0x100, 4, 8, 0xAB)?;
    write_field(&master, 0x100, 20, 4, 0xC)?;
    let words = read_all(&master)?;
    let found = &words[0x100 / REGISTER_BYTES as usize];
    println!("the register at 0x100 is {found:02x?}, the lowest byte first");
    assert_eq!(found, &[0xB0, 0x0A, 0xC0, 0x00]);

    // Without a slave a request fails with an error.
    let error = Master::new().read(0, 4).expect_err("nothing is connected");
    assert_eq!(error.status(), Status::Transaction);
    println!("reading from nowhere fails: {error}");
    Ok(())
}
