//! A block has the bytes of a contiguous region of registers. A value that is set is staged: it is
//! in the block, and stale until a write takes it to the device. A read takes the bytes of the
//! device over, except for those that are stale, and for variables that are only written.
//!
//! A block has one transaction under way at a time: those of several threads follow each other.
//! Staged values may be set and read meanwhile, and reach neither a write that is under way nor the
//! comparison after it. A slave must not use the block in the thread that hands it a transaction of
//! the block.

use std::ffi::c_void;
use std::sync::Arc;

use super::argument::Versioned;
use super::call::Call;
use super::callback::Context;
use super::convert::is_set;
use super::generated::{rogue_mem_block_t, rogue_mem_gate_t, rogue_mem_variable_t};
use super::guard::status;
use super::handle::{borrow, into_handle, lend};
use super::status::rogue_mem_status_t;
use crate::error::Result;
use crate::memory::block::{Skip, Started, UpdateObserver, Variable};

/// The transaction was sent.
pub const ROGUE_MEM_SKIP_NONE: u32 = 0;
/// Not sent: the block, or the variable, is only read.
pub const ROGUE_MEM_SKIP_READ_ONLY: u32 = 1;
/// Not sent: the block, or the variable, is only written.
pub const ROGUE_MEM_SKIP_WRITE_ONLY: u32 = 2;
/// Not sent: nothing has been staged since the last write, and the write is not forced.
pub const ROGUE_MEM_SKIP_NOTHING_STAGED: u32 = 3;
/// Not sent: all that would be read is staged and not written yet.
pub const ROGUE_MEM_SKIP_ALL_STAGED: u32 = 4;
/// Not sent: nothing that is verified has been written since the last verify.
pub const ROGUE_MEM_SKIP_NOTHING_TO_VERIFY: u32 = 5;
/// Not sent: the write before this verify has failed; the next check reports it.
pub const ROGUE_MEM_SKIP_WRITE_FAILED: u32 = 6;
/// Not sent: the block is disabled.
pub const ROGUE_MEM_SKIP_DISABLED: u32 = 7;

/// The number of a reason.
pub(super) fn skip_number(skip: Option<Skip>) -> u32 {
    match skip {
        None => ROGUE_MEM_SKIP_NONE,
        Some(Skip::ReadOnly) => ROGUE_MEM_SKIP_READ_ONLY,
        Some(Skip::WriteOnly) => ROGUE_MEM_SKIP_WRITE_ONLY,
        Some(Skip::NothingStaged) => ROGUE_MEM_SKIP_NOTHING_STAGED,
        Some(Skip::AllStaged) => ROGUE_MEM_SKIP_ALL_STAGED,
        Some(Skip::NothingToVerify) => ROGUE_MEM_SKIP_NOTHING_TO_VERIFY,
        Some(Skip::WriteFailed) => ROGUE_MEM_SKIP_WRITE_FAILED,
        Some(Skip::Disabled) => ROGUE_MEM_SKIP_DISABLED,
    }
}

/// Replaces the variables of a block. All must lie within it. Variables that may overlap share bits
/// with each other, all others share none. A bit is verified if a verified variable covers it, and
/// no other one. Nothing is staged afterwards.
///
/// @param block the block.
/// @param variables count variables, which are in no other block; the block takes a reference to
/// each.
/// @param count number of variables, at least 1.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a variable of NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT for no variables, one in another block, one that ends beyond the
/// block, or an overlap; ROGUE_MEM_ERROR_OUT_OF_RESOURCES. On failure the block is unchanged.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_add_variables(
    block: *mut rogue_mem_block_t,
    variables: *const *mut rogue_mem_variable_t,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or valid for count handles that are null or live, as the header demands.
        let variables = unsafe { call.handles(variables, count, "variables") }?;
        block.add_variables(&variables)
    })
}

/// Lists the variables of a block, in the order of their addition.
///
/// @param block the block.
/// @param variables_or_null receives the first capacity variables, each a new reference; may be NULL
/// if capacity is 0.
/// @param capacity room of variables_or_null, as a number of handles.
/// @param count receives the number of variables.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if capacity
/// is impossible.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_variables(
    block: *const rogue_mem_block_t,
    variables_or_null: *mut *mut rogue_mem_variable_t,
    capacity: usize,
    count: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or valid for capacity handles, as the header demands.
        let room = unsafe { call.values_out(variables_or_null, capacity, "variables_or_null") }?;
        // SAFETY: null or valid, as the header demands.
        let count = unsafe { call.out(count, "count") }?;
        let variables = block.variables();
        count.set(variables.len());
        for (place, variable) in room.iter_mut().zip(variables) {
            place.write(into_handle(variable));
        }
        Ok(())
    })
}

/// Starts a transaction.
///
/// A read covers the block, or with a variable its bytes. A write and a posted write cover the
/// block, or with a variable everything that is stale and that variable; they take the staged
/// values along, which are not stale any more then. A verify reads back all that has been written
/// since the last one, and compares the bits that are verified. All are widened to multiples of the
/// smallest access of the path, within the block. A transaction that is under way is waited for
/// first.
///
/// @param block the block.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param forced a flag: whether to write also if nothing is stale; a posted write always is.
/// @param check a flag: whether to wait for the end, as rogue_mem_block_check does. A block with
/// retries always waits, and makes further attempts. Otherwise the next check, or the next
/// transaction, waits.
/// @param variable_or_null a variable of the block; NULL: the block.
/// @param index the element to read; -1, or any other one that does not exist: all.
/// @param skipped_or_null receives ROGUE_MEM_SKIP_...: why nothing was sent, which is no failure;
/// may be NULL. Untouched on failure.
/// @param updated_or_null receives a flag: whether the transaction has been checked, and variables
/// that are notified may have changed; may be NULL. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for an
/// unknown type, a variable of another block, or a transaction that is larger than the largest
/// access of the path; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for it. Nothing is
/// sent then. With a wait those of rogue_mem_block_check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_start(
    block: *mut rogue_mem_block_t,
    r#type: u32,
    forced: u32,
    check: u32,
    variable_or_null: *mut rogue_mem_variable_t,
    index: i32,
    skipped_or_null: *mut u32,
    updated_or_null: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: what the header demands of the caller.
        let started =
            unsafe { start(call, block, r#type, forced, check, variable_or_null, index) }?;
        // SAFETY: null or valid, as the header demands.
        unsafe { put(skipped_or_null, skip_number(started.skipped)) };
        // SAFETY: as above.
        unsafe { put(updated_or_null, started.is_updated.into()) };
        Ok(())
    })
}

/// Starts a transaction.
///
/// # Safety
///
/// What the header demands of the caller of rogue_mem_block_start.
pub(super) unsafe fn start(
    call: Call,
    block: *mut rogue_mem_block_t,
    ty: u32,
    forced: u32,
    check: u32,
    variable: *mut rogue_mem_variable_t,
    index: i32,
) -> Result<Started> {
    // SAFETY: null or live, as promised.
    let block = unsafe { call.handle(block) }?;
    // SAFETY: as above.
    let variable = unsafe { borrow(variable) };
    let variable: Option<&Variable> = variable.as_ref().map(|variable| &***variable);
    block.start_transaction(ty.into(), is_set(forced), is_set(check), variable, index)
}

/// Puts `value` at `place`, unless that is null.
///
/// # Safety
///
/// `place` must be null or valid for writing.
unsafe fn put(place: *mut u32, value: u32) {
    if !place.is_null() {
        // SAFETY: promised by the caller.
        unsafe { place.write(value) };
    }
}

/// Waits for the transaction that is under way, and reports once the failure of those that this
/// thread has started, whatever other threads do; in a thread that has started none, one of another
/// thread, which reports it too. The observer is called before this returns, unless it fails.
///
/// @param block the block.
/// @param updated_or_null receives a flag: whether variables that are notified may have changed; may
/// be NULL. 0 without a transaction since the last check. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TRANSACTION or
/// ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if the transaction failed; ROGUE_MEM_ERROR_VERIFY, with the
/// first byte that differs, if what was read back is not what was written.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_check(
    block: *mut rogue_mem_block_t,
    updated_or_null: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        let is_updated = block.check_transaction()?;
        // SAFETY: null or valid, as the header demands.
        unsafe { put(updated_or_null, is_updated.into()) };
        Ok(())
    })
}

/// Copies the staged bytes of a block.
///
/// @param block the block.
/// @param offset the first byte, counted from the start of the block.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// bytes do not lie within the block.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_staged_data(
    block: *mut rogue_mem_block_t,
    offset: u32,
    into: *mut u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let into = unsafe { call.bytes_mut(into, count as usize, "into") }?;
        let copied = block.copy_staged(offset as usize, into);
        // The program has called no method of a block.
        copied.map_err(|error| call.error(error.status(), error.text().to_owned()))
    })
}

/// Callbacks for variables whose values may have changed. Zero-initialise it, set size, and then the
/// rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_block_observer_t {
    /// sizeof(rogue_mem_block_observer_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of updated. Not called if
    /// rogue_mem_block_observe fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Called after a transaction that has ended well, for each variable of the block without
    /// no_notify, in the order of their addition; must not be NULL. The variable is borrowed. Runs
    /// in the thread that checks the transaction, with no lock held.
    pub updated:
        Option<unsafe extern "C" fn(ctx: *mut c_void, variable: *mut rogue_mem_variable_t)>,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_block_observer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls a function of the program's for each variable.
struct Updated {
    updated: unsafe extern "C" fn(*mut c_void, *mut rogue_mem_variable_t),
    context: Context,
}

impl UpdateObserver for Updated {
    fn updated(&self, variable: &Arc<Variable>) {
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature; the variable outlives the call.
        unsafe { (self.updated)(self.context.ctx(), lend(variable)) }
    }
}

/// Calls a function after transactions, in place of the present one.
///
/// @param block the block.
/// @param observer_or_null the callbacks, copied; NULL: none from now on.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if updated is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size. On failure drop is not called.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_observe(
    block: *mut rogue_mem_block_t,
    observer_or_null: *const rogue_mem_block_observer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(observer_or_null, "observer_or_null") }?;
        let Some(given) = given else {
            block.observe(None);
            return Ok(());
        };
        let updated = given.updated.ok_or_else(|| call.null("updated"))?;
        // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header demands.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        block.observe(Some(Arc::new(Updated { updated, context })));
        Ok(())
    })
}
