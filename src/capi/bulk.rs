//! Transactions of many blocks. All are started before the first is waited for, and those of one
//! slave are handed over together, so a TCP client sends them with few system calls. A failure
//! concerns no other block.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::argument::Versioned;
use super::call::Call;
use super::callback::c_text;
use super::convert::is_set;
use super::generated::rogue_mem_block_t;
use super::guard::status;
use super::status::rogue_mem_status_t;
use crate::error::Result;
use crate::memory::block::{check_all, read_all, start_all, write_all, Block, BulkOutcome};

/// Where a call for many blocks reports what has become of each. It is used during the call only.
/// Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_bulk_report_t {
    /// sizeof(rogue_mem_bulk_report_t).
    pub size: usize,
    /// Passed to failed.
    pub ctx: *mut c_void,
    /// Called for each block that failed, in their order, in the calling thread before the call
    /// returns, with no lock held: the index of the block in the list, and its error, whose texts
    /// are valid during the call. NULL: nothing is called.
    pub failed: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            index: usize,
            status: rogue_mem_status_t,
            source: *const c_char,
            text: *const c_char,
        ),
    >,
    /// Receives a flag for each block: whether variables that are notified may have changed. Set
    /// with every result except the errors of an argument. NULL: not wanted.
    pub updated: *mut u32,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_bulk_report_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Carries `run` out for blocks, and reports.
///
/// # Safety
///
/// What the header demands of the caller of rogue_mem_block_read_all.
unsafe fn bulk(
    call: Call,
    blocks: *const *mut rogue_mem_block_t,
    count: usize,
    report: *const rogue_mem_bulk_report_t,
    run: impl FnOnce(&[Arc<Block>]) -> Result<BulkOutcome>,
) -> Result<()> {
    // SAFETY: promised by the caller.
    let blocks = unsafe { call.handles(blocks, count, "blocks") }?;
    // SAFETY: as above.
    let report = unsafe { call.versioned_or_none(report, "report_or_null") }?;
    let place = report.map_or(std::ptr::null_mut(), |report| report.updated);
    let room = if place.is_null() { 0 } else { count };
    // SAFETY: as above.
    let updated = unsafe { call.values_out(place, room, "updated") }?;
    let outcome = run(&blocks)?;
    updated.fill(MaybeUninit::new(0));
    for index in outcome.updated {
        if let Some(place) = updated.get_mut(index) {
            place.write(1);
        }
    }
    if let Some((failed, ctx)) = report.and_then(|report| Some((report.failed?, report.ctx))) {
        for (index, error) in &outcome.failures {
            let (source, text) = (c_text(error.origin()), c_text(error.text()));
            let status = error.status() as rogue_mem_status_t;
            // SAFETY: a function of the program's with this signature.
            unsafe { failed(ctx, *index, status, source.as_ptr(), text.as_ptr()) };
        }
    }
    // Not before the callback, which may fail in calls of its own.
    outcome.failures.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

/// Reads blocks, and waits. All reads are requested before the first is waited for. The observers
/// are called before this returns.
///
/// @param blocks count blocks.
/// @param count number of blocks.
/// @param report_or_null where to report what has become of each block; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a block of NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if count is impossible or report_or_null has a wrong size;
/// otherwise the error of the first block that failed, as from rogue_mem_block_start with check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_read_all(
    blocks: *const *mut rogue_mem_block_t,
    count: usize,
    report_or_null: *const rogue_mem_bulk_report_t,
) -> rogue_mem_status_t {
    // SAFETY: what the header demands of the caller.
    status(|call| unsafe { bulk(call, blocks, count, report_or_null, |all| Ok(read_all(all))) })
}

/// Writes blocks, verifies what is to be verified, and waits. All writes are requested before the
/// first is waited for, and then all verifies. The observers are called before this returns. If
/// another thread verifies one of the blocks meanwhile, that thread is told of a difference.
///
/// @param blocks count blocks.
/// @param count number of blocks.
/// @param forced a flag: whether to write blocks also if nothing in them is stale.
/// @param report_or_null where to report what has become of each block; may be NULL.
/// @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_write_all(
    blocks: *const *mut rogue_mem_block_t,
    count: usize,
    forced: u32,
    report_or_null: *const rogue_mem_bulk_report_t,
) -> rogue_mem_status_t {
    status(|call| {
        let write = |all: &[Arc<Block>]| Ok(write_all(all, is_set(forced)));
        // SAFETY: what the header demands of the caller.
        unsafe { bulk(call, blocks, count, report_or_null, write) }
    })
}

/// Starts a transaction in each of many blocks, which covers the block, and waits for none of them.
/// The next check of each block waits, and makes no further attempt.
///
/// @param blocks count blocks.
/// @param count number of blocks.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param forced a flag: whether to write blocks also if nothing in them is stale.
/// @param report_or_null where to report failures, which are those of requests that were not sent;
/// no block is updated. May be NULL.
/// @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT also for an unknown type.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_start_all(
    blocks: *const *mut rogue_mem_block_t,
    count: usize,
    r#type: u32,
    forced: u32,
    report_or_null: *const rogue_mem_bulk_report_t,
) -> rogue_mem_status_t {
    status(|call| {
        let start = |all: &[Arc<Block>]| start_all(all, r#type.into(), is_set(forced));
        // SAFETY: what the header demands of the caller.
        unsafe { bulk(call, blocks, count, report_or_null, start) }
    })
}

/// Checks each of many blocks as rogue_mem_block_check does, also after a failure. The observers are
/// called before this returns.
///
/// @param blocks count blocks.
/// @param count number of blocks.
/// @param report_or_null where to report what has become of each block; may be NULL.
/// @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_check_all(
    blocks: *const *mut rogue_mem_block_t,
    count: usize,
    report_or_null: *const rogue_mem_bulk_report_t,
) -> rogue_mem_status_t {
    // SAFETY: what the header demands of the caller.
    status(|call| unsafe { bulk(call, blocks, count, report_or_null, |all| Ok(check_all(all))) })
}
