//! Transactions of blocks that return their result in one number, and the place of staged bytes.

use crate::capi::block::{skip_number, start};
use crate::capi::generated::{rogue_mem_block_t, rogue_mem_variable_t};
use crate::capi::guard::{packed, value_or};
use crate::capi::handle::borrow;
use crate::memory::block::Variable;

/// Mask of the status in the result of rogue_mem_block_start_packed.
pub const ROGUE_MEM_PACKED_STATUS: u32 = 65535;
/// Flag in the result of rogue_mem_block_start_packed: variables that are notified may have changed.
pub const ROGUE_MEM_PACKED_UPDATED: u32 = 65536;
/// How far ROGUE_MEM_SKIP_... is shifted left in the result of rogue_mem_block_start_packed.
pub const ROGUE_MEM_PACKED_SKIP_SHIFT: u32 = 24;

/// Added to the type for rogue_mem_block_try_start_packed: write also if nothing is stale.
pub const ROGUE_MEM_PACKED_FORCED: u32 = 256;
/// How far the number of an element is shifted left in an argument of
/// rogue_mem_block_try_start_packed.
pub const ROGUE_MEM_PACKED_ELEMENT_SHIFT: u32 = 16;
/// Result of rogue_mem_block_try_start_packed and rogue_mem_block_try_check_packed: nothing has
/// happened, because the call would have to wait, or to run code of the program.
pub const ROGUE_MEM_PACKED_WOULD_WAIT: u32 = 131072;

fn updated(is_updated: bool) -> u32 {
    if is_updated {
        ROGUE_MEM_PACKED_UPDATED
    } else {
        0
    }
}

/// Starts a transaction: the single-call variant of rogue_mem_block_start.
///
/// @param block the block.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param forced a flag: whether to write also if nothing is stale.
/// @param check a flag: whether to wait for the end.
/// @param variable_or_null a variable of the block; NULL: the block.
/// @param index the element to read; -1, or any other one that does not exist: all.
/// @return bits 15 to 0, ROGUE_MEM_PACKED_STATUS: what rogue_mem_block_start would return; if it is
/// ROGUE_MEM_OK, bit 16, ROGUE_MEM_PACKED_UPDATED: variables that are notified may have changed; and
/// from ROGUE_MEM_PACKED_SKIP_SHIFT on, ROGUE_MEM_SKIP_...: why nothing was sent.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_start_packed(
    block: *mut rogue_mem_block_t,
    r#type: u32,
    forced: u32,
    check: u32,
    variable_or_null: *mut rogue_mem_variable_t,
    index: i32,
) -> u32 {
    packed(|call| {
        // SAFETY: what the header demands of the caller.
        let started =
            unsafe { start(call, block, r#type, forced, check, variable_or_null, index) }?;
        let skip = skip_number(started.skipped) << ROGUE_MEM_PACKED_SKIP_SHIFT;
        Ok(updated(started.is_updated) | skip)
    })
}

/// Waits for the transaction that is under way: the single-call variant of rogue_mem_block_check.
///
/// @param block the block.
/// @return bits 15 to 0, ROGUE_MEM_PACKED_STATUS: what rogue_mem_block_check would return; if it is
/// ROGUE_MEM_OK, bit 16, ROGUE_MEM_PACKED_UPDATED: variables that are notified may have changed.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_check_packed(block: *mut rogue_mem_block_t) -> u32 {
    packed(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        block.check_transaction().map(updated)
    })
}

/// Starts a transaction as rogue_mem_block_start_packed does without a wait, if that takes a moment:
/// the block has no other transaction under way and no retries, the transaction has at most 4096
/// bytes, and what carries it out is an emulated memory or a client of the bridge, reached directly
/// or through hubs, and none of these is made from callbacks. For interpreters that keep their lock
/// during the call. Code of the program that is to be called meanwhile, such as observers of other
/// transactions and sinks of the log, is called in other threads.
///
/// @param block the block.
/// @param variable_or_null a variable of the block; NULL: the block.
/// @param what ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; plus
/// ROGUE_MEM_PACKED_FORCED to write also if nothing is stale; plus the element to read, counted from
/// 1 and shifted left by ROGUE_MEM_PACKED_ELEMENT_SHIFT, or 0: all.
/// @return as rogue_mem_block_start_packed; ROGUE_MEM_PACKED_WOULD_WAIT if it would have to wait:
/// nothing has happened then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_try_start_packed(
    block: *mut rogue_mem_block_t,
    variable_or_null: *mut rogue_mem_variable_t,
    what: u32,
) -> u32 {
    packed(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: as above.
        let variable = unsafe { borrow(variable_or_null) };
        let variable: Option<&Variable> = variable.as_ref().map(|variable| &***variable);
        let index = (what >> ROGUE_MEM_PACKED_ELEMENT_SHIFT) as i32 - 1;
        let what = what & ((1 << ROGUE_MEM_PACKED_ELEMENT_SHIFT) - 1);
        let is_forced = what & ROGUE_MEM_PACKED_FORCED != 0;
        let ty = what & !ROGUE_MEM_PACKED_FORCED;
        let Some(started) = block.try_start(ty.into(), is_forced, variable, index)? else {
            return Ok(ROGUE_MEM_PACKED_WOULD_WAIT);
        };
        Ok(skip_number(started.skipped) << ROGUE_MEM_PACKED_SKIP_SHIFT)
    })
}

/// Checks as rogue_mem_block_check_packed does, if that takes a moment: nothing is under way, or
/// that has ended, or it is with a client of the bridge whose answer comes while this thread polls
/// for it, which it does for some microseconds at most. For interpreters that keep their lock during
/// the call, as rogue_mem_block_try_start_packed.
///
/// @param block the block.
/// @return as rogue_mem_block_check_packed; ROGUE_MEM_PACKED_WOULD_WAIT if it would have to wait, or
/// to call the observer of the block: nothing has happened then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_try_check_packed(block: *mut rogue_mem_block_t) -> u32 {
    packed(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        Ok(block.try_check()?.map_or(ROGUE_MEM_PACKED_WOULD_WAIT, updated))
    })
}

/// The first staged byte of a block. The bytes stay where they are as long as the block exists. They
/// may only be looked at: values are staged through variables. A transaction or a store in another
/// thread may change them at the same time, so a value of several bytes may be half old and half
/// new.
///
/// @param block the block.
/// @return rogue_mem_block_size bytes; NULL if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_staged_start(
    block: *const rogue_mem_block_t,
) -> *const u8 {
    value_or(std::ptr::null(), |call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        Ok(block.staged_start())
    })
}
