//! Commands to firmware, over a stream.

use crate::error::Result;
use crate::proto::srp::cmd;
use crate::stream::{Frame, Master};

/// Sends the frame of a command to the slaves of `master`, in this thread. Firmware does not answer
/// it. Without a slave nothing is sent, as always by a stream master.
///
/// # Errors
///
/// The first slave's, if it gives no frame.
pub fn send_cmd(master: &Master, opcode: u8, context: u32) -> Result<()> {
    let bytes = cmd::encode(opcode, context);
    let mut frame = master.req_frame(bytes.len() as u32, true)?;
    Frame::fill(&mut frame, |buffers| {
        buffers.set_payload(bytes.len())?;
        buffers.write_at(0, &bytes)
    })?;
    master.send_frame(frame);
    Ok(())
}
