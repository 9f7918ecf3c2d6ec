//! Registers in a range of physical memory, or of any file that can be mapped: a slave whose
//! accesses are aligned words of 4 or 8 bytes.

use std::ffi::c_char;

use super::generated::rogue_mem_slave_t;
use super::guard::status;
use super::handle::slave_handle;
use super::status::rogue_mem_status_t;
use crate::hardware::{MemMap, MemMapOptions};

/// Makes a slave over a shared mapping of a file. A transaction is carried out in the requester's
/// thread, before the request returns, and those of several threads one after the other. Its
/// address is an offset from base. Address and size must be multiples of the access width and lie
/// within the map; otherwise it fails and touches nothing. Data is copied in ascending order by
/// aligned accesses of exactly that width, each made once, in the processor's byte order.
///
/// The mapping has the cache attributes that the system gives to it: Linux maps device addresses of
/// /dev/mem, and the memory of UIO devices, uncached, and ordinary memory cached. A bus error of the
/// device ends the process.
///
/// rogue_mem_slave_stop unmaps the file: later transactions fail at once.
///
/// @param path_or_null the file: a UIO device as /dev/uio0, or any other. NULL: /dev/mem.
/// @param base offset of the first byte in the file, a multiple of the access width.
/// @param size number of bytes, a multiple of the access width, not 0.
/// @param access_bytes access width: 4 or 8; 0 = 4. 8 needs a processor of 64 bits.
/// @param out receives the slave, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range or the width is invalid, or beyond the end of an ordinary file;
/// ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the file cannot be opened or
/// mapped, with the system's reason.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_mem_map_new(
    path_or_null: *const c_char,
    base: u64,
    size: u64,
    access_bytes: u32,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        let mut options = MemMapOptions::default();
        if !path_or_null.is_null() {
            // SAFETY: ending in NUL, as the header demands.
            options.path = unsafe { call.text(path_or_null, "path_or_null") }?.to_owned();
        }
        if access_bytes != 0 {
            options.access_bytes = access_bytes;
        }
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(slave_handle(MemMap::new(base, size, &options)?));
        Ok(())
    })
}
