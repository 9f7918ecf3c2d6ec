//! Streams: frames around memory of the program's own, such as the buffers of a DMA engine, go
//! through a queue to a receiver on another thread. Nothing is copied: the receiver reads the memory
//! that the engine has written, and the engine gets each buffer back when no frame uses it.

use std::any::Any;
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};

use rogue_mem::error::Result;
use rogue_mem::stream::{
    Buffer, Buffers, Fifo, ForeignMemory, Frame, Master, Node, Slave, SlaveBase,
};

const BUFFERS_COUNT: usize = 4;
const BUFFER_BYTES: usize = 4096;
const FRAMES_COUNT: usize = 100;

/// A buffer of the engine; dropped with its last frame, on any thread, it goes back.
struct EngineBuffer {
    memory: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl ForeignMemory for EngineBuffer {
    fn bytes(&self) -> &[u8] {
        &self.memory
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for EngineBuffer {
    fn drop(&mut self) {
        // The engine may be gone.
        let _ = self.home.send(std::mem::take(&mut self.memory));
    }
}

/// Adds up the bytes of each frame.
struct Receiver {
    base: SlaveBase,
    sums: Mutex<Sender<u64>>,
}

impl Slave for Receiver {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let sum = frame.lock().slices().flatten().map(|&byte| u64::from(byte)).sum();
        let _ = self.sums.lock().expect("no thread has panicked").send(sum);
    }
}

fn main() -> Result<()> {
    let (sums, received) = channel();
    let fifo = Fifo::new(0, 0, true)?;
    let receiver = Arc::new(Receiver { base: SlaveBase::new(), sums: Mutex::new(sums) });
    fifo.stream_master().add_slave(receiver)?;
    let master = Master::new();
    master.add_slave(fifo.stream_slave())?;

    // The free buffers of the engine.
    let (home, free) = channel();
    for _ in 0..BUFFERS_COUNT {
        home.send(vec![0; BUFFER_BYTES]).expect("this function has the other end");
    }
    for number in 0..FRAMES_COUNT {
        // The engine "receives" data, and sends it as a frame.
        let mut memory = free.recv().expect("this function has the other end");
        memory.fill(number as u8);
        let mut buffer = Buffer::foreign(Box::new(EngineBuffer { memory, home: home.clone() }));
        buffer.set_payload(BUFFER_BYTES)?;
        let mut buffers = Buffers::default();
        buffers.push(buffer);
        master.send_frame(Frame::with_buffers(buffers));
    }

    let sum: u64 = received.iter().take(FRAMES_COUNT).sum();
    // The last buffers come back when the receiver has returned.
    let back = free.iter().take(BUFFERS_COUNT).count();
    println!("{FRAMES_COUNT} frames through {back} buffers, sum {sum}");
    assert_eq!(sum, (0..FRAMES_COUNT as u64).sum::<u64>() * BUFFER_BYTES as u64);
    fifo.stop();
    Ok(())
}
