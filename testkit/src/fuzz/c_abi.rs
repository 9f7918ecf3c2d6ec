//! The C interface, called as a program would that checks no result: with NULL, with numbers that
//! mean nothing, with buffers of any size, and in any order. What it never does is what the header
//! forbids: to use a handle after its release, or a buffer smaller than it says.

use std::ffi::{c_char, CStr, CString};
use std::ptr::{null, null_mut};

use rogue_mem::capi::batch::*;
use rogue_mem::capi::bits::*;
use rogue_mem::capi::block::*;
use rogue_mem::capi::frame::*;
use rogue_mem::capi::frame_buffers::*;
use rogue_mem::capi::generated::*;
use rogue_mem::capi::logging::*;
use rogue_mem::capi::master::*;
use rogue_mem::capi::status::*;
use rogue_mem::capi::stream_master::*;
use rogue_mem::capi::stream_slave::*;
use rogue_mem::capi::variable::*;
use rogue_mem::capi::variable_bytes::*;
use rogue_mem::capi::variable_values::*;

use super::heap::{bounded, in_use};
use super::input::Input;

/// The most operations of one run.
const OPERATIONS_MAX: usize = 64;
/// The most handles of one type.
const HANDLES_MAX: usize = 6;
/// The largest buffer of the program.
const BUFFER_BYTES: usize = 256;
/// The most heap of one run: emulated memory, frames, pools.
const RUN_BYTES: usize = 16 << 20;
/// What may stay of a run: the text of the last error, and places in tables of the process.
const KEPT_BYTES: isize = 64 << 10;
const ROGUE_MEM_OK: rogue_mem_status_t = 0;
/// Written to the places of results; a call that fails leaves it there.
const UNTOUCHED: usize = 0xA5A5_A5A5;

/// The handles of one type. Releases them at the end.
struct Handles<T> {
    all: Vec<*mut T>,
    release: unsafe extern "C" fn(*mut T),
}

impl<T> Handles<T> {
    fn new(release: unsafe extern "C" fn(*mut T)) -> Handles<T> {
        Handles { all: Vec::new(), release }
    }

    /// One of them, or NULL.
    fn any(&self, input: &mut Input<'_>) -> *mut T {
        let choice = input.u8();
        match self.all.len() {
            0 => null_mut(),
            _ if choice == 0xFF => null_mut(),
            count => self.all[usize::from(choice) % count],
        }
    }

    /// Makes one with `new`, in place of an old one where there are many.
    fn make(&mut self, new: impl FnOnce(*mut *mut T) -> rogue_mem_status_t) {
        let mut out = UNTOUCHED as *mut T;
        let status = new(&mut out);
        if check(status) {
            assert!(!out.is_null() && out as usize != UNTOUCHED);
            self.keep(out);
        } else {
            assert_eq!(out as usize, UNTOUCHED, "a failed call leaves its results alone");
        }
    }

    /// Keeps one that a call has returned, unless that is NULL.
    fn keep(&mut self, handle: *mut T) {
        if handle.is_null() {
            return;
        }
        self.all.push(handle);
        if self.all.len() > HANDLES_MAX {
            let old = self.all.remove(0);
            // SAFETY: the reference is this program's, and is not used any more.
            unsafe { (self.release)(old) };
        }
    }

    fn release(&mut self, input: &mut Input<'_>) {
        if !self.all.is_empty() {
            let old = self.all.swap_remove(input.below(self.all.len()));
            // SAFETY: as above.
            unsafe { (self.release)(old) };
        }
    }
}

impl<T> Drop for Handles<T> {
    fn drop(&mut self) {
        for handle in self.all.drain(..) {
            // SAFETY: as above.
            unsafe { (self.release)(handle) };
        }
    }
}

/// Whether a call has succeeded. If not, the thread's last error is this one, and has a text.
fn check(status: rogue_mem_status_t) -> bool {
    if status == ROGUE_MEM_OK {
        return true;
    }
    assert_eq!(rogue_mem_last_error_status(), status);
    let text = rogue_mem_last_error();
    // SAFETY: never NULL, and a C string until this thread's next error.
    assert!(!text.is_null() && !unsafe { CStr::from_ptr(text) }.is_empty());
    false
}

/// Asks for a text with a buffer of any size: what is written fits, ends, and is a beginning.
fn check_text(
    input: &mut Input<'_>,
    ask: impl Fn(*mut c_char, usize, *mut usize) -> rogue_mem_status_t,
) {
    let capacity = usize::from(input.u8() % 40);
    let mut buffer = [0x5A_u8; 64];
    let mut length = UNTOUCHED;
    let status = ask(buffer.as_mut_ptr().cast(), capacity, &mut length);
    assert!(buffer[capacity..].iter().all(|byte| *byte == 0x5A), "written beyond the buffer");
    if check(status) {
        assert!(length != UNTOUCHED);
        assert!(capacity == 0 || buffer[..capacity].contains(&0), "a text without an end");
    }
}

struct Objects {
    masters: Handles<rogue_mem_master_t>,
    slaves: Handles<rogue_mem_slave_t>,
    hubs: Handles<rogue_mem_hub_t>,
    blocks: Handles<rogue_mem_block_t>,
    variables: Handles<rogue_mem_variable_t>,
    frames: Handles<rogue_mem_frame_t>,
    sinks: Handles<rogue_mem_stream_slave_t>,
    sources: Handles<rogue_mem_stream_master_t>,
    batches: Handles<rogue_mem_batch_t>,
    loggers: Handles<rogue_mem_logger_t>,
    /// Of requests; the library may use it until they have ended.
    data: Box<[u8; BUFFER_BYTES]>,
    ids: Vec<u32>,
}

impl Objects {
    fn new() -> Objects {
        Objects {
            masters: Handles::new(rogue_mem_master_release),
            slaves: Handles::new(rogue_mem_slave_release),
            hubs: Handles::new(rogue_mem_hub_release),
            blocks: Handles::new(rogue_mem_block_release),
            variables: Handles::new(rogue_mem_variable_release),
            frames: Handles::new(rogue_mem_frame_release),
            sinks: Handles::new(rogue_mem_stream_slave_release),
            sources: Handles::new(rogue_mem_stream_master_release),
            batches: Handles::new(rogue_mem_batch_release),
            loggers: Handles::new(rogue_mem_logger_release),
            data: Box::new([0; BUFFER_BYTES]),
            ids: Vec::new(),
        }
    }
}

/// Drives the interface with the operations that the bytes name.
pub fn operations(data: &[u8]) {
    let before = in_use();
    bounded(RUN_BYTES, || {
        let (mut input, mut objects) = (Input(data), Objects::new());
        for _ in 0..OPERATIONS_MAX {
            if input.is_empty() {
                break;
            }
            operate(&mut objects, &mut input);
        }
    });
    let kept = in_use() - before;
    assert!(kept <= KEPT_BYTES, "{kept} bytes stay after everything was released");
}

fn operate(objects: &mut Objects, input: &mut Input<'_>) {
    match input.below(8) {
        0 => make(objects, input),
        1 | 2 => bus(objects, input),
        3 => registers(objects, input),
        4 => values(objects, input),
        5 => frames(objects, input),
        6 => others(objects, input),
        _ => match input.below(10) {
            0 => objects.masters.release(input),
            1 => objects.slaves.release(input),
            2 => objects.hubs.release(input),
            3 => objects.blocks.release(input),
            4 => objects.variables.release(input),
            5 => objects.frames.release(input),
            6 => objects.sinks.release(input),
            7 => objects.sources.release(input),
            8 => objects.batches.release(input),
            _ => objects.loggers.release(input),
        },
    }
}

/// A C string of the input's bytes up to a zero.
fn text(input: &mut Input<'_>) -> CString {
    let bytes = input.chunk();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).expect("no zero inside")
}

fn make(objects: &mut Objects, input: &mut Input<'_>) {
    // SAFETY, here and in all functions below: handles are NULL or live, and places of results and
    // buffers are as large as the call is told.
    unsafe {
        match input.below(9) {
            0 => objects.masters.make(|out| rogue_mem_master_new(out)),
            1 => {
                let (min, max) = (input.u32(), input.u32());
                objects.slaves.make(|out| rogue_mem_emulate_new(min, max, out));
            }
            2 => {
                let (offset, min, max) = (input.u64(), input.u8().into(), input.u16().into());
                objects.hubs.make(|out| rogue_mem_hub_new(offset, min, max, out));
                let last = objects.hubs.all.last().copied().unwrap_or(null_mut());
                // A hub's slave is that of its creation: no hub is behind another one twice.
                let slave = objects.slaves.any(input);
                let master = rogue_mem_hub_master(last);
                check(rogue_mem_master_set_slave(master, slave));
                rogue_mem_master_release(master);
                objects.slaves.keep(rogue_mem_hub_slave(last));
            }
            3 => {
                let (offset, size) = (input.u64(), u32::from(input.u8()));
                objects.blocks.make(|out| rogue_mem_block_new(offset, size, out));
            }
            4 => make_variable(objects, input),
            5 => {
                let capacity = u32::from(input.u16());
                objects.frames.make(|out| rogue_mem_frame_new(capacity, out));
            }
            6 => objects.sinks.make(|out| rogue_mem_stream_slave_new(null(), out)),
            7 => objects.sources.make(|out| rogue_mem_stream_master_new(out)),
            _ => {
                let name = text(input);
                objects.loggers.make(|out| rogue_mem_logger_new(name.as_ptr(), out));
            }
        }
    }
}

fn make_variable(objects: &mut Objects, input: &mut Input<'_>) {
    let (name, mode) = (text(input), text(input));
    let flags = input.u8();
    let offsets: [u64; 3] = std::array::from_fn(|_| u64::from(input.u8()));
    let sizes: [u64; 3] = std::array::from_fn(|_| u64::from(input.u8()));
    let flag = |bit: u8| u32::from(flags >> bit & 1);
    let is_number = flags & 0x80 != 0;
    let spec = rogue_mem_variable_spec_t {
        size: size_of::<rogue_mem_variable_spec_t>() - usize::from(flag(6) != 0),
        name: name.as_ptr(),
        mode: if mode.is_empty() { null() } else { mode.as_ptr() },
        bit_offsets: offsets.as_ptr(),
        bit_sizes: sizes.as_ptr(),
        bit_offset: offsets[0],
        bit_size: sizes[0],
        offset: offsets[1],
        minimum: if is_number { f64::from_bits(input.u64()) } else { 0.0 },
        maximum: if is_number { f64::from_bits(input.u64()) } else { 0.0 },
        part_count: u32::from(input.u8() % 4),
        model: u32::from(input.u8() % 20),
        bin_point: u32::from(input.u8()),
        num_values: u32::from(input.u8() % 8),
        value_bits: u32::from(input.u8()),
        value_stride: u32::from(input.u8()),
        retry_count: flag(5),
        has_range: flag(0),
        big_endian: flag(1),
        reverse_bits: flag(2),
        may_overlap: flag(3),
        no_verify: flag(4),
        no_bulk: flag(0),
        no_notify: flag(1),
        has_parts: flag(2),
        size_count: u32::from(flags % 4),
    };
    // SAFETY: what the structure points at lives here.
    objects.variables.make(|out| unsafe { rogue_mem_variable_new(&spec, out) });
}

fn bus(objects: &mut Objects, input: &mut Input<'_>) {
    let master = objects.masters.any(input);
    let (address, size) = (u64::from(input.u16()), u32::from(input.u8()));
    let data = objects.data.as_mut_ptr();
    // SAFETY: see make; data of requests lives as long as the masters do.
    unsafe {
        match input.below(8) {
            0 => {
                let slave = objects.slaves.any(input);
                check(rogue_mem_master_set_slave(master, slave));
            }
            1 | 2 => {
                let mut id = UNTOUCHED as u32;
                let ty = u32::from(input.u8() % 6);
                let status =
                    rogue_mem_master_request(master, address, size, data.cast(), ty, &mut id);
                if check(status) {
                    objects.ids.push(id);
                } else {
                    assert_eq!(id, UNTOUCHED as u32);
                }
            }
            3 => round_trip(master, address, size, input),
            4 => {
                let count = input.below(5);
                let addresses: [u64; 4] = std::array::from_fn(|_| u64::from(input.u16()));
                let sizes = [u32::from(input.u8() % 60); 4];
                let mut ids = [0; 4];
                let ty = u32::from(input.u8() % 6);
                let (addresses, sizes) = (addresses.as_ptr(), sizes.as_ptr());
                let (into, ids_of) = (data.cast(), ids.as_mut_ptr());
                let count = count.min(4);
                check(rogue_mem_master_request_many(
                    master, ty, count, addresses, sizes, into, ids_of,
                ));
                objects.ids.extend(ids.iter().filter(|id| **id != 0));
            }
            5 => {
                let mut waited = 0;
                let (ids, count) = (objects.ids.as_ptr(), objects.ids.len());
                let status = rogue_mem_master_wait_many(master, count, ids, 100, &mut waited);
                check(status);
                assert!(waited <= count);
                objects.ids.clear();
            }
            6 => {
                let mut count = UNTOUCHED;
                let mut ids = [0; 3];
                if check(rogue_mem_master_outstanding(master, ids.as_mut_ptr(), 3, &mut count)) {
                    assert!(count < UNTOUCHED);
                }
                rogue_mem_master_cancel(master, ids.len(), ids.as_ptr(), 0);
            }
            _ => {
                rogue_mem_master_set_timeout(master, u64::from(input.u8()));
                rogue_mem_master_clear_error(master);
                check_text(input, |buffer, capacity, length| {
                    rogue_mem_master_error(master, buffer, capacity, length)
                });
                let _ = rogue_mem_master_req_min_access(master);
                let slave = rogue_mem_master_slave(master);
                check_text(input, |buffer, capacity, length| {
                    rogue_mem_slave_name(slave, buffer, capacity, length)
                });
                rogue_mem_slave_release(slave);
            }
        }
    }
}

/// What is written is read, where both succeed.
fn round_trip(master: *mut rogue_mem_master_t, address: u64, size: u32, input: &mut Input<'_>) {
    let fill = input.u8();
    let mut written: Vec<u8> = (0..size as u8).map(|at| at.wrapping_add(fill)).collect();
    let mut read = vec![0; written.len()];
    let transfer = |bytes: &mut Vec<u8>, ty: u32| {
        let mut id = 0;
        // SAFETY: the transaction has ended before the bytes go: a wait ends it.
        unsafe {
            let start = bytes.as_mut_ptr().cast();
            check(rogue_mem_master_request(master, address, size, start, ty, &mut id))
                && check(rogue_mem_master_wait(master, id))
        }
    };
    if transfer(&mut written, 2) && transfer(&mut read, 1) {
        assert_eq!(read, written, "a wrong value");
    }
}

fn registers(objects: &mut Objects, input: &mut Input<'_>) {
    let (block, variable) = (objects.blocks.any(input), objects.variables.any(input));
    // SAFETY: see make.
    unsafe {
        match input.below(8) {
            0 | 1 => {
                let some = [variable, objects.variables.any(input)];
                let count = input.below(3);
                check(rogue_mem_block_add_variables(block, some.as_ptr(), count));
                let slave = objects.slaves.any(input);
                let master = rogue_mem_block_master(block);
                check(rogue_mem_master_set_slave(master, slave));
                rogue_mem_master_set_timeout(master, 1000);
                rogue_mem_master_release(master);
                check(rogue_mem_block_set_enable(block, 1));
            }
            2 => {
                let (ty, forced, waits) = (input.u8() % 6, input.u8() & 1, input.u8() & 1);
                let (mut skipped, mut updated) = (0, 0);
                check(rogue_mem_block_start(
                    block,
                    ty.into(),
                    forced.into(),
                    waits.into(),
                    variable,
                    i32::from(input.u8() as i8),
                    &mut skipped,
                    &mut updated,
                ));
                check(rogue_mem_block_check(block, null_mut()));
            }
            3 => {
                let index = i32::from(input.u8() as i8);
                check(rogue_mem_block_write(block, variable, index));
                check(rogue_mem_block_read(block, variable, index));
            }
            4 => {
                let mut bytes = [0x5A; BUFFER_BYTES];
                let (offset, count) = (input.u8().into(), u32::from(input.u8()));
                check(rogue_mem_block_staged_data(block, offset, bytes.as_mut_ptr(), count));
                assert!(bytes[count as usize..].iter().all(|byte| *byte == 0x5A));
            }
            5 => {
                let mut some = [null_mut(); 4];
                let (capacity, mut count) = (input.below(5), UNTOUCHED);
                if check(rogue_mem_block_variables(block, some.as_mut_ptr(), capacity, &mut count))
                {
                    assert!(some[capacity..].iter().all(|variable| variable.is_null()));
                    some.into_iter().for_each(|variable| objects.variables.keep(variable));
                }
            }
            6 => check_text(input, |buffer, capacity, length| {
                rogue_mem_block_path(block, buffer, capacity, length)
            }),
            _ => check_text(input, |buffer, capacity, length| {
                rogue_mem_variable_dump(variable, 0, buffer, capacity, length)
            }),
        }
    }
}

fn values(objects: &mut Objects, input: &mut Input<'_>) {
    let variable = objects.variables.any(input);
    let (index, count) = (i32::from(input.u8() as i8), usize::from(input.u8()));
    // Aligned for every type of values.
    let mut words = [0x5A5A_5A5A_5A5A_5A5A_u64; BUFFER_BYTES];
    let start = words.as_mut_ptr();
    // SAFETY: see make; the largest value has eight bytes.
    unsafe {
        match input.below(9) {
            0 => drop(check(rogue_mem_variable_stage_uint(variable, input.u64(), index))),
            1 => {
                let mut value = 0;
                check(rogue_mem_variable_staged_uint(variable, index, &mut value));
            }
            2 => {
                let value = f64::from_bits(input.u64());
                check(rogue_mem_variable_stage_double(variable, value, index));
                let mut found = 0.0;
                check(rogue_mem_variable_staged_double(variable, index, &mut found));
            }
            3 => {
                let bytes = input.chunk();
                let status =
                    rogue_mem_variable_stage_bytes(variable, bytes.as_ptr(), bytes.len(), index);
                check(status);
            }
            4 => drop(check(rogue_mem_variable_staged_bytes(variable, index, start.cast(), count))),
            5 => {
                let bytes = input.chunk();
                check(rogue_mem_variable_stage_raw(variable, bytes.as_ptr(), bytes.len(), index));
                check(rogue_mem_variable_staged_raw(variable, index, start.cast(), count));
            }
            6 => {
                let text = text(input);
                check(rogue_mem_variable_set_string(variable, text.as_ptr(), index));
            }
            7 => {
                let ty = u32::from(input.u8() % 12);
                check(rogue_mem_variable_stage_values(variable, ty, start.cast(), count, index));
            }
            _ => {
                let ty = u32::from(input.u8() % 12);
                check(rogue_mem_variable_staged_values(variable, ty, index, start.cast(), count));
            }
        }
    }
    let used = 8 * count;
    assert!(words[used.div_ceil(8)..].iter().all(|word| *word == 0x5A5A_5A5A_5A5A_5A5A));
}

fn frames(objects: &mut Objects, input: &mut Input<'_>) {
    let frame = objects.frames.any(input);
    // SAFETY: see make.
    unsafe {
        match input.below(10) {
            0 => drop(check(rogue_mem_frame_set_payload(frame, input.u16().into()))),
            1 => {
                let (offset, bytes) = (u32::from(input.u16()), input.chunk());
                let count = bytes.len() as u32;
                if check(rogue_mem_frame_write_data(frame, offset, bytes.as_ptr(), count)) {
                    let mut found = vec![0; bytes.len()];
                    let into = found.as_mut_ptr();
                    assert!(check(rogue_mem_frame_read_data(frame, offset, into, count)));
                    assert_eq!(found, bytes);
                }
            }
            2 => {
                let mut buffer: rogue_mem_frame_buffer_t = std::mem::zeroed();
                buffer.size = size_of::<rogue_mem_frame_buffer_t>();
                let index = u32::from(input.u8() % 4);
                if check(rogue_mem_frame_buffer(frame, index, &mut buffer)) {
                    let used = u64::from(buffer.header) + u64::from(buffer.tail);
                    assert!(used + u64::from(buffer.payload) <= buffer.memory_bytes.into());
                }
                let (header, tail) = (input.u16().into(), input.u16().into());
                let payload = input.u16().into();
                check(rogue_mem_frame_set_buffer(frame, index, header, tail, payload));
            }
            3 => {
                let other = objects.frames.any(input);
                check(rogue_mem_frame_append(frame, other));
            }
            4 => rogue_mem_frame_clear(frame),
            5 => {
                let (source, sink) = (objects.sources.any(input), objects.sinks.any(input));
                check(rogue_mem_stream_master_add_slave(source, sink));
            }
            6 => {
                let source = objects.sources.any(input);
                check(rogue_mem_stream_master_send_frame(source, frame));
            }
            7 => {
                let (source, size) = (objects.sources.any(input), u32::from(input.u16()));
                let zero_copy = u32::from(input.u8() & 1);
                objects
                    .frames
                    .make(|out| rogue_mem_stream_master_req_frame(source, size, zero_copy, out));
            }
            8 => {
                let sink = objects.sinks.any(input);
                rogue_mem_stream_slave_set_fixed_size(sink, input.u8().into());
                rogue_mem_stream_slave_set_pool_size(sink, u32::from(input.u8() & 7));
                check(rogue_mem_stream_slave_accept_frame(sink, frame));
            }
            _ => {
                let version = u32::from(input.u8() & 3);
                objects.batches.make(|out| rogue_mem_batch_new(frame, version, out));
                let batch = objects.batches.any(input);
                let mut record: rogue_mem_batch_record_t = std::mem::zeroed();
                record.size = size_of::<rogue_mem_batch_record_t>();
                check(rogue_mem_batch_record(batch, u32::from(input.u8() & 3), &mut record));
            }
        }
    }
}

fn others(objects: &mut Objects, input: &mut Input<'_>) {
    // SAFETY: see make.
    unsafe {
        match input.below(4) {
            0 => bits(input),
            1 => {
                // A name of its own, so that no other filter is touched.
                let name = [b"fuzz.", text(input).as_bytes()].concat();
                let name = CString::new(name).expect("no zero inside");
                check(rogue_mem_log_set_filter(name.as_ptr(), input.u8().into()));
                let logger = objects.loggers.any(input);
                let _ = rogue_mem_logger_enabled(logger, input.u8().into());
                check(rogue_mem_log_remove_filter(name.as_ptr()));
            }
            2 => {
                let slave = objects.slaves.any(input);
                let name = text(input);
                check(rogue_mem_slave_set_name(slave, name.as_ptr()));
                let _ = rogue_mem_slave_do_min_access(slave);
            }
            _ => {
                let code = input.u32() as i32;
                let (name, text) = (rogue_mem_status_name(code), rogue_mem_status_text(code));
                assert!(!CStr::from_ptr(name).is_empty() && !CStr::from_ptr(text).is_empty());
            }
        }
    }
}

/// The bit helpers against bits that are copied one by one.
fn bits(input: &mut Input<'_>) {
    let (mut to, mut from) = ([0x5A_u8; 24], [0_u8; 24]);
    from.iter_mut().for_each(|byte| *byte = input.u8());
    let (to_size, from_size) = (input.below(25), input.below(25));
    let (to_lsb, from_lsb) = (u64::from(input.u8()), u64::from(input.u8()));
    let bits = u64::from(input.u8());
    let mut expected = to;
    // SAFETY: both are at least as large as said.
    let status = unsafe {
        let (to, from) = (to.as_mut_ptr(), from.as_ptr());
        rogue_mem_copy_bits(to, to_size, to_lsb, from, from_size, from_lsb, bits)
    };
    let fits = |lsb: u64, size: usize| lsb + bits <= 8 * size as u64;
    if check(status) {
        for at in 0..bits {
            let bit = from[((from_lsb + at) / 8) as usize] >> ((from_lsb + at) % 8) & 1;
            let (place, shift) = (((to_lsb + at) / 8) as usize, (to_lsb + at) % 8);
            expected[place] = expected[place] & !(1 << shift) | bit << shift;
        }
        assert!(bits == 0 || fits(to_lsb, to_size) && fits(from_lsb, from_size));
    }
    assert_eq!(to, expected);
}
