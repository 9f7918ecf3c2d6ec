//! Typed registers: a register map of a device behind the bridge, read with one call, and fields
//! that are set and got by name. The device is emulated in this process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::error::Result;
use rogue_mem::memory::block::{
    self, Block, Model, UpdateObserver, Variable, VariableSpec, BOOL, FLOAT, INT, UINT,
};
use rogue_mem::memory::{Emulate, Slave};

/// The registers of the device.
const CONTROL: u64 = 0x000;
const WAVEFORM: u64 = 0x100;
const CHANNELS: u64 = 0x1000;
const CHANNELS_COUNT: u64 = 256;
const SAMPLES_COUNT: usize = 8;
/// Access to a list as a whole begins at its first element; a scalar has no index.
const SCALAR: i32 = -1;

/// A block of the device with these variables.
fn new_block(
    device: &Arc<dyn Slave>,
    offset: u64,
    size: u32,
    variables: &[Arc<Variable>],
) -> Result<Arc<Block>> {
    let block = Block::new(offset, size)?;
    block.master().set_slave(device.clone());
    block.add_variables(variables)?;
    block.set_enable(true);
    Ok(block)
}

#[derive(Default)]
struct Updates(AtomicUsize);

impl UpdateObserver for Updates {
    fn updated(&self, variable: &Arc<Variable>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if let Ok(text) = variable.dump(false) {
            print!("  {text}");
        }
    }
}

fn fields(device: &Arc<dyn Slave>) -> Result<()> {
    let enable = Variable::new(VariableSpec::new("Enable", Model::Bool, 0, 1))?;
    let gain = Variable::new(VariableSpec::new("Gain", Model::UInt, 4, 12))?;
    let threshold = Variable::new(VariableSpec::new("Threshold", Model::Float, 32, 32))?;
    let all = [enable.clone(), gain.clone(), threshold.clone()];
    let block = new_block(device, CONTROL, 8, &all)?;
    let updates = Arc::new(Updates::default());
    block.observe(Some(updates.clone()));

    // Staged values go to the device together, and are verified.
    enable.stage(BOOL, true, SCALAR)?;
    threshold.stage(FLOAT, 0.75, SCALAR)?;
    gain.set(UINT, 0xABC, SCALAR)?;
    println!("Gain is 0x{:x}", gain.get(UINT, SCALAR)?);
    assert_eq!(updates.0.load(Ordering::Relaxed), 6);

    // What does not fit is refused, and neither staged nor sent.
    let error = gain.set(UINT, 0x1000, SCALAR).expect_err("12 bits do not hold it");
    println!("{error}");
    Ok(())
}

fn list(device: &Arc<dyn Slave>) -> Result<()> {
    let samples: [i64; SAMPLES_COUNT] = [0, 500, 1000, 500, 0, -500, -1000, -500];
    let shape = (SAMPLES_COUNT as u32, 12, 16);
    let waveform = Variable::new(VariableSpec::list("Waveform", Model::Int, 0, shape))?;
    let _block = new_block(device, WAVEFORM, 16, std::slice::from_ref(&waveform))?;
    waveform.set_all(INT, &samples, 0)?;
    let mut read = [0; SAMPLES_COUNT];
    waveform.get_all(INT, 0, &mut read)?;
    println!("the lowest sample is {}", read[6]);
    assert_eq!(read, samples);
    Ok(())
}

fn many(device: &Arc<dyn Slave>) -> Result<()> {
    let (mut blocks, mut offsets) = (Vec::new(), Vec::new());
    for index in 0..CHANNELS_COUNT {
        let offset = Variable::new(VariableSpec::new("Offset", Model::UInt, 0, 32))?;
        let place = CHANNELS + 4 * index;
        blocks.push(new_block(device, place, 4, std::slice::from_ref(&offset))?);
        offset.stage(UINT, 7 * index, SCALAR)?;
        offsets.push(offset);
    }
    // Each call costs a few round trips, however many blocks there are.
    for outcome in [block::write_all(&blocks, false), block::read_all(&blocks)] {
        assert_eq!(outcome.failures, []);
    }
    let values = offsets.iter().map(|offset| offset.staged(UINT, SCALAR));
    let sum: u64 = values.sum::<Result<u64>>()?;
    println!("the sum of {CHANNELS_COUNT} channels is {sum}");
    assert_eq!(sum, 7 * CHANNELS_COUNT * (CHANNELS_COUNT - 1) / 2);
    Ok(())
}

fn main() -> Result<()> {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default())?;
    server.master().set_slave(Emulate::new(4, 0));
    // For a real device, only the address differs.
    let device: Arc<dyn Slave> =
        TcpClient::new("127.0.0.1", server.port(), ClientOptions::default())?;
    fields(&device)?;
    list(&device)?;
    many(&device)
}
