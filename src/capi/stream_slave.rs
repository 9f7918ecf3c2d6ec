//! A stream slave receives frames. Programs make their own from a callback, or get one from an
//! object that receives: rogue_mem_srp_v3_stream_slave, rogue_mem_srp_v3_emulation_stream_slave.
//!
//! The callback runs in the thread that sends, with no lock held, and several at once where frames
//! come from several threads. It may call every function of this header, and may send frames
//! itself.

use std::ffi::c_void;
use std::sync::Arc;

use super::argument::Versioned;
use super::callback::Context;
use super::frame::check_not_held;
use super::guard::{query, status, value};
use super::handle::{
    into_handle, lend, release, retain, rogue_mem_frame_t, rogue_mem_gate_t,
    rogue_mem_stream_slave_t, stream_slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::stream::{Frame, Sink, Slave, SlaveBase};

/// What a stream slave made by rogue_mem_stream_slave_new does. Zero-initialise it, set size, and
/// then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_slave_callbacks_t {
    /// sizeof(rogue_mem_stream_slave_callbacks_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, when accept_frame will be called no more; on any thread. Not called if
    /// rogue_mem_stream_slave_new fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Receives a frame, which is borrowed: call rogue_mem_frame_retain to keep it. Other slaves
    /// may receive the same frame after this one. NULL: frames are only counted.
    pub accept_frame: Option<unsafe extern "C" fn(ctx: *mut c_void, frame: *mut rogue_mem_frame_t)>,
    /// What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_stream_slave_callbacks_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// A stream slave whose behaviour is a callback.
struct CallbackSlave {
    base: SlaveBase,
    accept_frame: Option<unsafe extern "C" fn(ctx: *mut c_void, frame: *mut rogue_mem_frame_t)>,
    context: Context,
}

impl Slave for CallbackSlave {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let payload = frame.lock().payload();
        self.base.count(payload);
        if let (Some(callback), Some(_inside)) = (self.accept_frame, self.context.enter()) {
            // SAFETY: a function of the program's; the frame outlives the call.
            unsafe { callback(self.context.ctx(), lend(&frame)) };
        }
        Frame::release(frame);
    }
}

/// Makes a stream slave from a callback.
///
/// @param callbacks what the slave does, copied; may be NULL: frames are only counted.
/// @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
/// caller's: drop is not called.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
/// callbacks has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_new(
    callbacks: *const rogue_mem_stream_slave_callbacks_t,
    out: *mut *mut rogue_mem_stream_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(callbacks, "callbacks") }?;
        // From here on nothing can fail: `ctx` is ours.
        let slave: Arc<dyn Slave> = match given {
            None => Sink::new(),
            Some(given) => Arc::new(CallbackSlave {
                base: SlaveBase::new(),
                accept_frame: given.accept_frame,
                // SAFETY: null or live, as the header demands.
                context: unsafe { Context::new(given.ctx, given.drop, given.gate) },
            }),
        };
        out.set(stream_slave_handle(slave));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param slave the stream slave; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_retain(
    slave: *mut rogue_mem_stream_slave_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Stream masters that the slave is connected to keep it alive.
///
/// @param slave the stream slave; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_release(slave: *mut rogue_mem_stream_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}

/// Hands a frame to the slave, in this thread.
///
/// @param slave the stream slave.
/// @param frame the frame, borrowed; this thread must not have it locked.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if this
/// thread has the frame locked.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_accept_frame(
    slave: *mut rogue_mem_stream_slave_t,
    frame: *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        check_not_held(call, &frame)?;
        slave.accept_frame((*frame).clone());
        Ok(())
    })
}

/// Asks the slave for a frame to fill and send to it.
///
/// @param slave the stream slave.
/// @param size bytes that it must have room for.
/// @param zero_copy whether it may lie in memory that the slave can send without copying.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_req_frame(
    slave: *mut rogue_mem_stream_slave_t,
    size: u32,
    zero_copy: bool,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(slave.accept_req(size, zero_copy)?));
        Ok(())
    })
}

/// The number of frames received.
///
/// @param slave the stream slave.
/// @return frames; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_frame_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().frame_count()) }
}

/// The payload of the frames received.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_byte_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().byte_count()) }
}

/// Counts the slave's buffers that are in use by frames now. A frame has one, or with a fixed size
/// as many as its room takes.
///
/// @param slave the stream slave.
/// @return number of buffers; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_count()) }
}

/// Counts the bytes of the slave's buffers that are in use by frames now.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_bytes(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_bytes()) }
}

/// The size of the slave's buffers.
///
/// @param slave the stream slave.
/// @return bytes, 0 = as large as asked for; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_fixed_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().fixed_size()) }
}

/// Sets the size of the slave's buffers: later frames have as many as their room takes.
///
/// @param slave the stream slave; NULL is an error.
/// @param bytes size of each; 0 = as large as asked for, as it is at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_fixed_size(
    slave: *mut rogue_mem_stream_slave_t,
    bytes: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_fixed_size(bytes)) }
}

/// How many buffers of the fixed size are kept to be used again.
///
/// @param slave the stream slave.
/// @return number of buffers at most; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_pool_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().pool_size()) }
}

/// Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that were
/// never written may then be those of an earlier one.
///
/// @param slave the stream slave; NULL is an error.
/// @param count number of buffers at most; it is 0 at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_pool_size(
    slave: *mut rogue_mem_stream_slave_t,
    count: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_pool_size(count)) }
}
