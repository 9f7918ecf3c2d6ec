//! Super-frames of the batcher, in the form of SLAC's firmware: several frames, the records, in one.
//! The nodes below make them and take them apart; a batch tells where the records of one lie, for
//! programs that read them in place.

use super::argument::Versioned;
use super::frame::with_buffers;
use super::generated::{rogue_mem_batch_t, rogue_mem_frame_t};
use super::guard::status;
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::error::Status;
use crate::protocols::{Batch, BatcherVersion};

/// A record of a super-frame. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_record_t {
    /// sizeof(rogue_mem_batch_record_t).
    pub size: usize,
    /// Offset of its data in the payload of the frame.
    pub start: u32,
    /// Bytes of data, without padding.
    pub bytes: u32,
    /// Offset of its tail.
    pub tail: u32,
    /// The destination, 0 to 255.
    pub dest: u32,
    /// The first user byte.
    pub first_user: u32,
    /// The last user byte.
    pub last_user: u32,
}

// SAFETY: integers in C order, `size` first.
unsafe impl Versioned for rogue_mem_batch_record_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Reads a frame as a super-frame. The frame's error is not looked at.
///
/// @param frame the frame, which may be released or changed afterwards.
/// @param version 1 or 2.
/// @param out receives the batch, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another
/// version; ROGUE_MEM_ERROR_FRAME, with the reason, if it is no whole super-frame of this version.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_new(
    frame: *mut rogue_mem_frame_t,
    version: u32,
    out: *mut *mut rogue_mem_batch_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        let version = match version {
            1 => BatcherVersion::V1,
            2 => BatcherVersion::V2,
            other => {
                let text = format!("`version` is {other}; there are versions 1 and 2");
                return Err(call.error(Status::InvalidArgument, text));
            }
        };
        let batch = with_buffers(&frame, |buffers| Batch::new(version, buffers))?;
        out.set(into_handle(batch));
        Ok(())
    })
}

/// One of the records, in the order in which they were packed.
///
/// @param batch the batch.
/// @param index number of the record, from 0.
/// @param record receives the record; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if record
/// has a wrong size; ROGUE_MEM_ERROR_FRAME if there is no such record.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_record(
    batch: *mut rogue_mem_batch_t,
    index: u32,
    record: *mut rogue_mem_batch_record_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let batch = unsafe { call.handle(batch) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(record, "record") }?;
        let found = batch.records().get(index as usize).ok_or_else(|| {
            let count = batch.records().len();
            let text = format!("Attempt to access record {index} in frame with {count} records");
            call.error(Status::Frame, text)
        })?;
        out.set(&rogue_mem_batch_record_t {
            size: 0,
            start: found.start,
            bytes: found.bytes,
            tail: found.tail,
            dest: found.info.dest.into(),
            first_user: found.info.first_user.into(),
            last_user: found.info.last_user.into(),
        });
        Ok(())
    })
}
