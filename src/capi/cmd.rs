//! Commands to SLAC's firmware: frames of 16 bytes with an opcode and a context, which are not
//! answered.

use super::generated::rogue_mem_stream_master_t;
use super::guard::status;
use super::status::rogue_mem_status_t;
use crate::protocols::send_cmd;

/// Sends one command to the slaves of a stream master, in this thread. Without slaves it does
/// nothing.
///
/// @param master the stream master.
/// @param opcode the opcode.
/// @param context a number for the firmware.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_cmd_send(
    master: *mut rogue_mem_stream_master_t,
    opcode: u8,
    context: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        send_cmd(&master, opcode, context)
    })
}
