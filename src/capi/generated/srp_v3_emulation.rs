// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes an SRPv3 device with empty memory, and starts its thread.
///
/// @param options_or_null the options, copied. NULL: the defaults.
/// @param out receives the device, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// options with a wrong size or a value out of range; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_new(
    options_or_null: *const rogue_mem_srp_v3_emulation_options_t,
    out: *mut *mut rogue_mem_srp_v3_emulation_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::protocols::SrpV3Emulation::with_options(options_or_null)?));
        Ok(())
    })
}

/// The stream port of the device: receives requests, and sends answers.
///
/// @param device the device.
/// @return the port, a new reference, which keeps the device alive; NULL if device is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stream_port(
    device: *const rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| into_handle(Arc::new(stream::Port::of(&**device)))) }
}

/// Stops the device: ends its thread, and drops waiting and later requests. Further calls do
/// nothing.
///
/// @param device the device; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stop(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| device.stop()) }
}

/// Options of an emulated device. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_srp_v3_emulation_options_t {
    /// sizeof(rogue_mem_srp_v3_emulation_options_t).
    pub size: usize,
    /// Stack size of the device's thread, in bytes; the receivers of its answers run on it. At
    /// least 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Microseconds for which a request waits before it is carried out, at least; the system's
    /// timers may add some 100. Waiting requests overlap, as in firmware that has several accesses
    /// under way: each is carried out, in order of arrival, so long after its own arrival.
    /// 0 = none.
    pub latency_us: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Bytes that the emulated memory may take, with the tables that lead to it; each written page
    /// takes 4 KiB. A write that needs more gets the error that memory has. 0 = a quarter of what
    /// the process may have, at most 1 GiB.
    pub memory_bytes_max: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_srp_v3_emulation_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_srp_v3_emulation_options_t {
    type Chosen = crate::protocols::SrpV3EmulationOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.latency_us != 0 {
            options.latency = convert::microseconds(self.latency_us);
        }
        if self.memory_bytes_max != 0 {
            options.memory_bytes_max = convert::number64(self.memory_bytes_max);
        }
        Ok(options)
    }
}

/// Adds a reference.
///
/// @param device the device; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_retain(
    device: *mut rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_srp_v3_emulation_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(device) }))
}

/// Gives a reference back. The device and its thread exist as long as its stream port does.
///
/// @param device the device; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_release(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(device) };
        Ok(())
    })
}
