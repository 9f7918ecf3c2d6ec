//! A slave carries out transactions. Programs make their own from a set of callbacks, or get one
//! from an object that is a slave too: rogue_mem_emulate_new, rogue_mem_hub_slave,
//! rogue_mem_tcp_client_slave, rogue_mem_srp_v3_slave.
//!
//! Callbacks run in the thread that makes the request, which for a slave behind a
//! rogue_mem_tcp_server_t is that server's thread, with no lock held, and several at once where
//! requests come from several threads. They may call every function of this header and may block;
//! blocking keeps the requester's thread, and no other. No exception may leave them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::argument::Versioned;
use super::callback::Context;
use super::guard::{query, query_text, status, value};
use super::handle::{
    into_handle, lend, release, retain, rogue_mem_gate_t, rogue_mem_slave_t,
    rogue_mem_transaction_t, slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::memory::{chain, Slave, SlaveBase, Transaction, UNCONNECTED_TEXT};

/// Room for a name that a callback gives before it is asked again with more.
const NAME_BYTES: usize = 256;
/// A longer name than this is cut.
const NAME_BYTES_MAX: usize = 64 * 1024;

/// What a slave made by rogue_mem_slave_new does. Zero-initialise it, set size, and then what is
/// wanted; a member that is NULL has the behaviour stated with it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_slave_callbacks_t {
    /// sizeof(rogue_mem_slave_callbacks_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, when the library will call none of the others any more; on any thread.
    /// Not called if rogue_mem_slave_new fails. NULL: nothing is called.
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
    /// Whether do_transaction is given a reference to the transaction, to be given back by
    /// rogue_mem_transaction_release at any time, instead of borrowing it: for bindings that would
    /// retain each one anyway.
    pub gives_reference: bool,
    /// What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null, and a flag.
unsafe impl Versioned for rogue_mem_slave_callbacks_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
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
    gives_reference: false,
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
    /// answer is that of a slave that is none. `None` if there is nobody to be asked.
    fn ask<T>(
        &self,
        callback: Option<unsafe extern "C" fn(ctx: *mut c_void) -> T>,
        neutral: fn(&dyn Slave) -> T,
    ) -> Option<T> {
        let callback = callback?;
        let _inside = self.context.enter()?;
        // SAFETY: a function of the program's.
        let question = || unsafe { callback(self.context.ctx()) };
        Some(chain::query(&self.base, question).unwrap_or_else(|| neutral(&*chain::no_slave())))
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
        let gives = self.callbacks.gives_reference;
        chain::request(&self.base, tran, || {
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
        chain::query(&self.base, name).unwrap_or_else(|| chain::no_slave().slave_name())
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
/// @param max largest access in bytes; what is larger reaches the slave in parts if a hub or a
/// server hands it on. 0 = not limited.
/// @param callbacks what the slave does, copied; may be NULL: every transaction fails.
/// @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
/// caller's: drop is not called.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
/// callbacks has a wrong size.
///
/// Thread safe.
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
        // From here on nothing can fail: `ctx` is ours.
        // SAFETY: null or live, as the header demands.
        let context = unsafe { Context::new(callbacks.ctx, callbacks.drop, callbacks.gate) };
        out.set(slave_handle(Arc::new(CallbackSlave { base, callbacks, context })));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param slave the slave; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_retain(
    slave: *mut rogue_mem_slave_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Masters that the slave is connected to keep it alive.
///
/// @param slave the slave; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_release(slave: *mut rogue_mem_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}

/// The slave's own id, unique in this process.
///
/// @param slave the slave.
/// @return the id; 0 for what a master without a slave is connected to, and if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().id()) }
}

/// The smallest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_min(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().min()) }
}

/// The largest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_max(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().max()) }
}

/// The slave's own name: "Unnamed_" and its id, unless rogue_mem_slave_set_name has changed it.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.base().name()) }
}

/// Names the slave.
///
/// @param slave the slave.
/// @param name its name, UTF-8, copied.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_set_name(
    slave: *mut rogue_mem_slave_t,
    name: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        slave.base().set_name(unsafe { call.text(name, "name") }?);
        Ok(())
    })
}

/// Asks for the id of the slave at the end of the path, through the slave_id callback if it has
/// one.
///
/// @param slave the slave.
/// @return the id; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.slave_id()) }
}

/// Asks for the name of the slave at the end of the path, through the slave_name callback if it
/// has one.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.slave_name()) }
}

/// Asks for the smallest access, through the min_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_min_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.min_access()) }
}

/// Asks for the largest access, through the max_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes, 0 = not limited; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_max_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.max_access()) }
}

/// Asks for the base address, through the address callback if the slave has one.
///
/// @param slave the slave.
/// @return byte address as seen from the end of the path; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_address(slave: *const rogue_mem_slave_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.address()) }
}

/// Hands a transaction to the slave as it is, in this thread. The transaction's lock must not be
/// held.
///
/// @param slave the slave; NULL is an error, and the transaction stays pending.
/// @param transaction the transaction, borrowed; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.do_transaction(&transaction);
        Ok(())
    })
}

/// Keeps a transaction, under its id, until rogue_mem_slave_take_transaction fetches it or its
/// requester gives it up. One that has already expired is not kept.
///
/// @param slave the slave.
/// @param transaction the transaction; the slave takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe; the transaction's lock may be held or not.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_add_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.base().add_transaction(&transaction);
        Ok(())
    })
}

/// Looks up and removes a kept transaction for which an answer has just come. That proves that the
/// link lives, so the clocks of all kept transactions that started with it or later are restarted.
/// The caller then tests rogue_mem_transaction_expired under its lock before it touches the data.
///
/// @param slave the slave.
/// @param id the transaction's id.
/// @return the transaction, a new reference; NULL if none with that id is kept, as is usual for an
/// answer that comes too late and no error; NULL as well if slave is NULL.
///
/// Thread safe.
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

/// Ends the slave's activity, where it has any of its own: a bridge client closes its connection
/// and fails what is outstanding. Returns without waiting for a peer; further calls do nothing.
///
/// @param slave the slave; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_stop(slave: *mut rogue_mem_slave_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.stop()) }
}
