//! A slave carries out transactions. Programs make their own from a set of callbacks, or get one
//! from an object that is a slave too: rogue_mem_emulate_new, rogue_mem_hub_slave,
//! rogue_mem_tcp_client_slave, rogue_mem_srp_v3_slave.
//!
//! Callbacks run in the requesting thread, with no lock held; several may run at once if requests
//! come from several threads. For a slave behind a rogue_mem_tcp_server_t that is the server's
//! thread. Callbacks may call every function of this header and may block, which blocks only the
//! requesting thread. No exception may leave them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::argument::Versioned;
use super::callback::Context;
use super::convert::is_set;
use super::generated::{rogue_mem_gate_t, rogue_mem_slave_t, rogue_mem_transaction_t};
use super::guard::{query, status};
use super::handle::{into_handle, lend, slave_handle};
use super::status::rogue_mem_status_t;
use crate::memory::{hub_depth, Slave, SlaveBase, Transaction, UNCONNECTED_TEXT};

/// Initial room for a name from a callback. A longer name needs a second call.
const NAME_BYTES: usize = 256;
/// Longer names are cut.
const NAME_BYTES_MAX: usize = 64 * 1024;

/// Callbacks of a slave made by rogue_mem_slave_new. Zero-initialise it, set size, and then other
/// members as needed; a member that is NULL has the behaviour documented with it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_slave_callbacks_t {
    /// sizeof(rogue_mem_slave_callbacks_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of the others. Not called if
    /// rogue_mem_slave_new fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Carries out a transaction, which is borrowed: call rogue_mem_transaction_retain or
    /// rogue_mem_slave_add_transaction to keep it beyond the call; see gives_reference. NULL:
    /// transactions fail with "Unsupported transaction using unconnected memory bus".
    pub do_transaction:
        Option<unsafe extern "C" fn(ctx: *mut c_void, transaction: *mut rogue_mem_transaction_t)>,
    /// Smallest access in bytes. NULL: the one given to rogue_mem_slave_new.
    pub min_access: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u32>,
    /// Largest access in bytes, 0 = not limited. NULL: the one given to rogue_mem_slave_new.
    pub max_access: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u32>,
    /// Base address of the slave as seen from the end of the path. NULL: 0.
    pub address: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u64>,
    /// Id of the slave at the end of the path. NULL: rogue_mem_slave_id.
    pub slave_id: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u32>,
    /// Name of the slave at the end of the path: writes at most capacity - 1 bytes and a NUL to
    /// buffer and returns the full length; called again with more room if that was too little.
    /// NULL: rogue_mem_slave_name.
    pub slave_name: Option<
        unsafe extern "C" fn(ctx: *mut c_void, buffer: *mut c_char, capacity: usize) -> usize,
    >,
    /// A flag: whether do_transaction gets a reference to the transaction, which it releases with
    /// rogue_mem_transaction_release at any time, instead of a borrowed handle. For bindings that
    /// would otherwise retain every transaction.
    pub gives_reference: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null, and integers.
unsafe impl Versioned for rogue_mem_slave_callbacks_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

const NO_CALLBACKS: rogue_mem_slave_callbacks_t = rogue_mem_slave_callbacks_t {
    size: size_of::<rogue_mem_slave_callbacks_t>(),
    ctx: std::ptr::null_mut(),
    drop: None,
    do_transaction: None,
    min_access: None,
    max_access: None,
    address: None,
    slave_id: None,
    slave_name: None,
    gives_reference: 0,
    reserved: 0,
    gate: std::ptr::null_mut(),
};

/// A slave whose behaviour is a set of callbacks.
struct CallbackSlave {
    base: SlaveBase,
    callbacks: rogue_mem_slave_callbacks_t,
    context: Context,
}

// SAFETY: of the callbacks only the functions are used; `Context` answers for the pointer.
unsafe impl Send for CallbackSlave {}
// SAFETY: as above.
unsafe impl Sync for CallbackSlave {}

impl CallbackSlave {
    /// Asks the program, which may ask what is connected further on; where that has no end, the
    /// answer is that of a slave that is none. `None` if the program has no such
    /// callback, or its gate is closed.
    fn ask<T>(
        &self,
        callback: Option<unsafe extern "C" fn(ctx: *mut c_void) -> T>,
        neutral: fn(&dyn Slave) -> T,
    ) -> Option<T> {
        let callback = callback?;
        let _inside = self.context.enter()?;
        // SAFETY: a function of the program's.
        let question = || unsafe { callback(self.context.ctx()) };
        Some(
            hub_depth::query(&self.base, question)
                .unwrap_or_else(|| neutral(&*hub_depth::no_slave())),
        )
    }
}

impl Slave for CallbackSlave {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let (Some(callback), Some(_inside)) = (self.callbacks.do_transaction, self.context.enter())
        else {
            return tran.error(UNCONNECTED_TEXT);
        };
        let gives = is_set(self.callbacks.gives_reference);
        hub_depth::request(&self.base, tran, || {
            let handle = if gives { into_handle(tran.clone()) } else { lend(tran) };
            // SAFETY: a function of the program's; the transaction outlives the call.
            unsafe { callback(self.context.ctx(), handle) };
        });
    }

    fn slave_id(&self) -> u32 {
        self.ask(self.callbacks.slave_id, |slave| slave.slave_id())
            .unwrap_or_else(|| self.base.id())
    }

    fn slave_name(&self) -> String {
        let (Some(callback), Some(_inside)) = (self.callbacks.slave_name, self.context.enter())
        else {
            return self.base.name();
        };
        let name = || {
            let mut bytes = vec![0; NAME_BYTES];
            loop {
                let (start, room) = (bytes.as_mut_ptr().cast::<c_char>(), bytes.len());
                // SAFETY: a function of the program's, given as much room as it is told.
                let full = unsafe { callback(self.context.ctx(), start, room) };
                if full < room || room > NAME_BYTES_MAX {
                    bytes.truncate(full.min(room - 1));
                    return String::from_utf8_lossy(&bytes).into_owned();
                }
                bytes = vec![0; full.min(NAME_BYTES_MAX) + 1];
            }
        };
        hub_depth::query(&self.base, name).unwrap_or_else(|| hub_depth::no_slave().slave_name())
    }

    fn min_access(&self) -> u32 {
        self.ask(self.callbacks.min_access, |slave| slave.min_access())
            .unwrap_or_else(|| self.base.min())
    }

    fn max_access(&self) -> u32 {
        self.ask(self.callbacks.max_access, |slave| slave.max_access())
            .unwrap_or_else(|| self.base.max())
    }

    fn address(&self) -> u64 {
        self.ask(self.callbacks.address, |slave| slave.address()).unwrap_or(0)
    }
}

/// Makes a slave from callbacks.
///
/// @param min smallest access in bytes, advertised only.
/// @param max largest access in bytes; hubs and servers split larger ones. 0 = not limited.
/// @param callbacks the callbacks, copied; may be NULL: every transaction fails.
/// @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
/// caller's: drop is not called.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
/// callbacks has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_new(
    min: u32,
    max: u32,
    callbacks: *const rogue_mem_slave_callbacks_t,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(callbacks, "callbacks") }?;
        let callbacks = given.unwrap_or(NO_CALLBACKS);
        let base = SlaveBase::new(min, max);
        // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header
        // demands.
        let context = unsafe { Context::new(callbacks.ctx, callbacks.drop, callbacks.gate) };
        out.set(slave_handle(Arc::new(CallbackSlave { base, callbacks, context })));
        Ok(())
    })
}

/// Looks up and removes a kept transaction whose answer has just arrived. The answer proves that
/// the link works, so the deadlines of all kept transactions that started with it or later are
/// renewed. The caller has to check rogue_mem_transaction_expired under the lock before it touches
/// the data.
///
/// @param slave the slave.
/// @param id the transaction's id.
/// @return the transaction, a new reference; NULL if none with that id is kept, which is usual for
/// a late answer and not an error; also NULL if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_take_transaction(
    slave: *mut rogue_mem_slave_t,
    id: u32,
) -> *mut rogue_mem_transaction_t {
    let take = |slave: &Arc<super::handle::SlaveObject>| {
        slave.base().take_transaction(id).map_or(std::ptr::null_mut(), into_handle)
    };
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, take) }
}
