//! A frame lies in one or more buffers, each a contiguous piece of memory: a header reservation, the
//! payload, room for more payload, and a tail reservation. The payloads of the buffers in sequence
//! are the payload of the frame. Programs that only want the bytes need none of this: see
//! rogue_mem_frame_data and rogue_mem_frame_read_data.

use std::any::Any;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use super::argument::Versioned;
use super::call::Call;
use super::frame::{count, with_buffers};
use super::generated::rogue_mem_frame_t;
use super::guard::{query, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::error::{Error, Status};
use crate::stream::{Buffer, Buffers, ForeignMemory, Frame, BUFFERS_COUNT_MAX};

/// A buffer of a frame. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_frame_buffer_t {
    /// sizeof(rogue_mem_frame_buffer_t).
    pub size: usize,
    /// The memory, of which memory_bytes can be used; NULL if there are none. It belongs to the
    /// frame: use it under the frame's lock, if other threads may have the frame, and as long as
    /// the frame has this buffer.
    pub memory: *mut u8,
    /// That of the program's memory, see rogue_mem_frame_wrap; NULL for memory of the library.
    pub ctx: *mut c_void,
    /// As ctx: lets a program recognise memory of its own.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Size of the memory.
    pub memory_bytes: u32,
    /// Bytes reserved at the start of the memory; the payload begins after them.
    pub header: u32,
    /// Bytes reserved at the end of the memory.
    pub tail: u32,
    /// Bytes of payload. It can grow up to memory_bytes - header - tail.
    pub payload: u32,
}

// SAFETY: an integer first, then pointers that may be null, and integers.
unsafe impl Versioned for rogue_mem_frame_buffer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// The error for a buffer that the frame does not have.
fn no_buffer(call: Call, index: u32, buffers: &Buffers) -> Error {
    let text = format!("The frame has {} buffers and no number {index}", buffers.count());
    call.error(Status::Frame, text)
}

/// The number of buffers.
///
/// @param frame the frame.
/// @return buffers; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_buffer_count(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.count()))) }
}

/// One of the frame's buffers.
///
/// @param frame the frame.
/// @param index number of the buffer, from 0.
/// @param buffer receives the buffer; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if buffer
/// has a wrong size; ROGUE_MEM_ERROR_FRAME if there is no such buffer.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_buffer(
    frame: *mut rogue_mem_frame_t,
    index: u32,
    buffer: *mut rogue_mem_frame_buffer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(buffer, "buffer") }?;
        let found = with_buffers(&frame, |buffers| match buffers.at_mut(index as usize) {
            Some(found) => Ok(described(found)),
            None => Err(no_buffer(call, index, buffers)),
        })?;
        out.set(&found);
        Ok(())
    })
}

fn described(buffer: &mut Buffer) -> rogue_mem_frame_buffer_t {
    let program = buffer.foreign_memory().and_then(|memory| memory.as_any().downcast_ref());
    let (ctx, drop) = match program {
        Some(ProgramMemory { ctx, drop, .. }) => (*ctx, *drop),
        None => (std::ptr::null_mut(), None),
    };
    let memory = buffer.memory_mut();
    let start = if memory.is_empty() { std::ptr::null_mut() } else { memory.as_mut_ptr() };
    rogue_mem_frame_buffer_t {
        size: 0,
        memory: start,
        ctx,
        drop,
        memory_bytes: count(buffer.raw_size()),
        header: count(buffer.header()),
        tail: count(buffer.tail()),
        payload: count(buffer.payload()),
    }
}

/// Sets the reservations and the payload of one of the frame's buffers. No byte is moved: bytes at
/// the start that are no longer reserved become the start of the payload, and the other way round.
///
/// @param frame the frame.
/// @param index number of the buffer, from 0.
/// @param header bytes to reserve at the start.
/// @param tail bytes to reserve at the end.
/// @param payload bytes of payload, after the header.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if there is no such
/// buffer, or if that is more than its memory; nothing is changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_buffer(
    frame: *mut rogue_mem_frame_t,
    index: u32,
    header: u32,
    tail: u32,
    payload: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        let [header, tail, payload] = [header, tail, payload].map(|bytes| bytes as usize);
        with_buffers(&frame, |buffers| match buffers.at_mut(index as usize) {
            Some(found) => found.lay_out(header, tail, payload),
            None => Err(no_buffer(call, index, buffers)),
        })
    })
}

/// Moves the buffers of another frame behind those of a frame, without a copy. The other frame is
/// empty then, and keeps its flags, channel and error.
///
/// @param frame the frame that grows.
/// @param other the frame that is emptied.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if both are
/// the same frame; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond 65536 buffers. Nothing is changed then.
///
/// Takes one lock after the other.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_append(
    frame: *mut rogue_mem_frame_t,
    other: *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or live, as the header demands.
        let other = unsafe { call.handle(other) }?;
        if Arc::ptr_eq(&frame, &other) {
            let text = "A frame cannot be appended to itself";
            return Err(call.error(Status::InvalidArgument, text));
        }
        let moved = with_buffers(&other, Buffers::take);
        let refused = with_buffers(&frame, |buffers| {
            if (buffers.count() + moved.count()) as u64 > BUFFERS_COUNT_MAX {
                return Some(moved);
            }
            buffers.append(moved);
            None
        });
        let Some(refused) = refused else { return Ok(()) };
        with_buffers(&other, |buffers| {
            // In front of what another thread has appended meanwhile.
            let later = std::mem::replace(buffers, refused);
            buffers.append(later);
        });
        let text = format!("A frame has at most {BUFFERS_COUNT_MAX} buffers");
        Err(call.error(Status::OutOfResources, text))
    })
}

/// Drops the buffers of a frame: it is empty then, and has no room. Flags, channel and error stay.
///
/// @param frame the frame; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_clear(frame: *mut rogue_mem_frame_t) {
    // SAFETY: null or live, as the header demands. The buffers are dropped after the lock has been
    // released: their memory may be the program's.
    unsafe { query(frame, |frame| drop(with_buffers(frame, Buffers::take))) }
}

/// Memory of the program's. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_frame_memory_t {
    /// sizeof(rogue_mem_frame_memory_t).
    pub size: usize,
    /// Passed to drop.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, when the buffer is gone: with the frame, or when the
    /// frame is cleared or its buffers are joined. It may call every function. Not called if
    /// rogue_mem_frame_wrap fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// The first byte; may be NULL if memory_bytes is 0. The memory belongs to the frame until drop
    /// is called.
    pub memory: *mut u8,
    /// Size of the memory.
    pub memory_bytes: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: an integer first, then pointers that may be null, and integers.
unsafe impl Versioned for rogue_mem_frame_memory_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

/// Memory of the program's in a buffer.
struct ProgramMemory {
    start: NonNull<u8>,
    bytes: usize,
    ctx: *mut c_void,
    drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

// SAFETY: the program has handed the memory over, to be used by one thread at a time.
unsafe impl Send for ProgramMemory {}

impl ForeignMemory for ProgramMemory {
    fn bytes(&self) -> &[u8] {
        // SAFETY: valid for `bytes` until it is given back, as the header demands.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; and the library alone has it, but for pointers that it hands out.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for ProgramMemory {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: a function of the program's with this signature, called once.
            unsafe { drop(self.ctx) };
        }
    }
}

/// Makes a frame of one buffer around memory of the program's, without payload. Nothing is copied,
/// here or where the frame crosses nodes that do not change it.
///
/// @param memory the memory; the structure is copied.
/// @param out receives the frame, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for no memory with a size;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if the structure has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_wrap(
    memory: *const rogue_mem_frame_memory_t,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned(memory, "memory") }?;
        let bytes = given.memory_bytes as usize;
        let start = call.start(given.memory, bytes, "memory->memory")?;
        // From here on nothing can fail: the memory is ours.
        let mut buffers = Buffers::default();
        let memory = ProgramMemory { start, bytes, ctx: given.ctx, drop: given.drop };
        buffers.push(Buffer::foreign(Box::new(memory)));
        out.set(into_handle(Frame::with_buffers(buffers)));
        Ok(())
    })
}
