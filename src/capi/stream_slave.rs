//! A stream slave receives frames. Programs make their own from callbacks, or get that of a stream
//! port: rogue_mem_stream_port_slave.
//!
//! Callbacks run in the thread that sends or requests a frame, with no lock held; several may run
//! at once in several threads. They may call every function of this header, and may send frames
//! themselves.

use std::ffi::c_void;
use std::sync::Arc;

use super::argument::Versioned;
use super::callback::Context;
use super::frame::lend_lock;
use super::generated::{rogue_mem_frame_t, rogue_mem_gate_t, rogue_mem_stream_slave_t};
use super::guard::status;
use super::handle::{lend, stream_slave_handle, take};
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::stream::{Frame, Sink, Slave, SlaveBase};

/// Callbacks of a stream slave made by rogue_mem_stream_slave_new. Zero-initialise it, set size,
/// and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_slave_callbacks_t {
    /// sizeof(rogue_mem_stream_slave_callbacks_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of the others. Not called if
    /// rogue_mem_stream_slave_new fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Receives a frame, which is borrowed: call rogue_mem_frame_retain to keep it. Other slaves
    /// may receive the same frame after this one. NULL: frames are only counted.
    pub accept_frame: Option<unsafe extern "C" fn(ctx: *mut c_void, frame: *mut rogue_mem_frame_t)>,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
    /// Makes an unlocked frame with room for size bytes, which a master will send to this slave.
    /// Returns a reference, which passes to the master. zero_copy is a flag, see
    /// rogue_mem_stream_master_req_frame. If it returns NULL the master gets
    /// ROGUE_MEM_ERROR_OUT_OF_RESOURCES. NULL: frames come from the slave's own pool, as with
    /// rogue_mem_stream_slave_req_local_frame.
    pub accept_req: Option<
        unsafe extern "C" fn(ctx: *mut c_void, size: u32, zero_copy: u32) -> *mut rogue_mem_frame_t,
    >,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_stream_slave_callbacks_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// A stream slave whose behaviour is a callback.
struct CallbackSlave {
    base: SlaveBase,
    accept_frame: Option<unsafe extern "C" fn(ctx: *mut c_void, frame: *mut rogue_mem_frame_t)>,
    accept_req: Option<
        unsafe extern "C" fn(ctx: *mut c_void, size: u32, zero_copy: u32) -> *mut rogue_mem_frame_t,
    >,
    context: Context,
}

impl Slave for CallbackSlave {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.receive(&frame);
        if let (Some(callback), Some(_inside)) = (self.accept_frame, self.context.enter()) {
            // SAFETY: a function of the program's; the frame outlives the call.
            unsafe { callback(self.context.ctx(), lend(&frame)) };
        }
        Frame::release(frame);
    }

    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        let (Some(callback), Some(_inside)) = (self.accept_req, self.context.enter()) else {
            return self.base.pool().request(size);
        };
        // SAFETY: a function of the program's, which gives a reference or null.
        let frame = unsafe { take(callback(self.context.ctx(), size, zero_copy.into())) };
        frame.ok_or_else(|| {
            let text = format!("The stream slave's accept_req gave no frame for {size} bytes");
            Error::new(Status::OutOfResources, "stream::Slave::acceptReq", text)
        })
    }
}

/// Makes a stream slave from callbacks.
///
/// @param callbacks the callbacks, copied; may be NULL: frames are only counted.
/// @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
/// caller's: drop is not called.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
/// callbacks has a wrong size.
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
                accept_req: given.accept_req,
                // SAFETY: null or live, as the header demands.
                context: unsafe { Context::new(given.ctx, given.drop, given.gate) },
            }),
        };
        out.set(stream_slave_handle(slave));
        Ok(())
    })
}

/// Passes a frame to the slave, in this thread.
///
/// @param slave the stream slave.
/// @param frame the frame, borrowed; if this thread has it locked, it is unlocked meanwhile, as in
/// rogue_mem_stream_master_send_frame.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
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
        lend_lock(&frame, || slave.accept_frame((*frame).clone()));
        Ok(())
    })
}

/// Counts a frame as received by the slave, and logs it as rogue_mem_stream_slave_set_debug demands,
/// without passing it to the slave. For programs that receive in place of the slave.
///
/// @param slave the stream slave.
/// @param frame the frame, borrowed.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_count_frame(
    slave: *mut rogue_mem_stream_slave_t,
    frame: *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        lend_lock(&frame, || slave.base().receive(&frame));
        Ok(())
    })
}
