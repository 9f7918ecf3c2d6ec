//! Command frames: an opcode for the firmware, without an answer.
//!
//! | word | content |
//! |---|---|
//! | 0 | context |
//! | 1 | opcode, 8 bits |
//! | 2, 3 | 0 |

/// Size of a command frame.
pub const FRAME_BYTES: usize = 16;

/// The frame of a command.
pub fn encode(opcode: u8, context: u32) -> [u8; FRAME_BYTES] {
    let mut frame = [0; FRAME_BYTES];
    frame[..4].copy_from_slice(&context.to_le_bytes());
    frame[4] = opcode;
    frame
}
