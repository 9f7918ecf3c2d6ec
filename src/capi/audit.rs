//! An audit records what the clients of the servers did that have it as their option audit:
//! which client wrote what, where, when, and with which result. Servers never wait for it:
//! records wait in a bounded queue for a thread of the audit's own, which passes them to a
//! callback or writes them to a file. What the queue has no room for is counted and said.
//! Several servers may share one.

use std::ffi::{c_char, c_void, CString};
use std::sync::Arc;
use std::time::Duration;

use super::argument::Versioned;
use super::callback::{c_text, Context};
use super::convert::{as_nanoseconds, AUDIT_NO_DATA};
use super::generated::{rogue_mem_audit_options_t, rogue_mem_audit_t, rogue_mem_gate_t};
use super::guard::status;
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::security::{Audit, AuditClient, AuditRecord, AuditResult, AuditSink};

/// Value of data_bytes_max: no data is recorded.
pub const ROGUE_MEM_AUDIT_NO_DATA: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_AUDIT_NO_DATA == AUDIT_NO_DATA);

/// Result of an access: the slave has carried it out.
pub const ROGUE_MEM_AUDIT_OK: u32 = 0;
/// Result of an access: the slave has failed it, or has not completed it in time, so that it may
/// have been carried out.
pub const ROGUE_MEM_AUDIT_ERROR: u32 = 1;
/// Result of an access: the server has refused it; it has not reached the slave.
pub const ROGUE_MEM_AUDIT_REFUSED: u32 = 2;
/// Result of an access: its time had passed when its turn came; it has not reached the slave.
pub const ROGUE_MEM_AUDIT_LATE: u32 = 3;
/// Result of an access: the server was stopped before the slave had ended it, so that it may
/// have been carried out.
pub const ROGUE_MEM_AUDIT_ABANDONED: u32 = 4;

/// Value of uid: the client has not connected at a path.
pub const ROGUE_MEM_AUDIT_NO_UID: u32 = u32::MAX;

/// The constant of a result.
fn result_number(result: AuditResult) -> u32 {
    match result {
        AuditResult::Ok => ROGUE_MEM_AUDIT_OK,
        AuditResult::Error => ROGUE_MEM_AUDIT_ERROR,
        AuditResult::Refused => ROGUE_MEM_AUDIT_REFUSED,
        AuditResult::Late => ROGUE_MEM_AUDIT_LATE,
        AuditResult::Abandoned => ROGUE_MEM_AUDIT_ABANDONED,
    }
}

/// An access of a client that has ended.
#[repr(C)]
pub struct rogue_mem_audit_record_t {
    /// sizeof(rogue_mem_audit_record_t), as the library knows it.
    pub size: usize,
    /// When it ended, by the wall clock: nanoseconds since 1970, UTC.
    pub time_ns: u64,
    /// Nanoseconds from the moment when the server had read all of it to its end.
    pub latency_ns: u64,
    /// Number of the client, counted from the start of the server.
    pub client_number: u64,
    /// The address of the first byte.
    pub address: u64,
    /// Bytes of the access.
    pub access_bytes: u32,
    /// ROGUE_MEM_READ, ..., or what the client has sent in its place.
    pub kind: u32,
    /// ROGUE_MEM_AUDIT_...: how it ended.
    pub result: u32,
    /// The status of a failure; ROGUE_MEM_OK without one.
    pub status: rogue_mem_status_t,
    /// The user of a client that has connected at a path; ROGUE_MEM_AUDIT_NO_UID for others.
    pub uid: u32,
    /// The process of such a client, if it is visible; else 0.
    pub pid: u32,
    /// 1 if the client was there to be answered, else 0.
    pub answered: u32,
    /// 0.
    pub reserved: u32,
    /// The first bytes of what the client sent to be written, or of what was read.
    pub data: *const u8,
    /// Number of these bytes. 0 also where the server has not kept them, because the access is
    /// too large or malformed, or the read has failed.
    pub data_bytes: usize,
    /// The first address of the server.
    pub server: *const c_char,
    /// The remote end of the connection of the client's requests.
    pub client: *const c_char,
    /// The text form of the client's public key; empty without CURVE.
    pub key: *const c_char,
    /// What the client was told of a failure, the first 1024 bytes; empty without one.
    pub text: *const c_char,
}

/// Callbacks for records. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_audit_sink_t {
    /// sizeof(rogue_mem_audit_sink_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of the others has returned. Not
    /// called if rogue_mem_audit_new fails, but for ROGUE_MEM_ERROR_OUT_OF_RESOURCES. NULL: nothing
    /// is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Takes a record; must not be NULL. The structure, its data and its texts are valid during
    /// the call. Runs on the audit's thread, one call at a time and in order, and may call every
    /// function but rogue_mem_audit_flush of this audit. It may block: only records wait for it,
    /// as far as the options say.
    pub record:
        Option<unsafe extern "C" fn(ctx: *mut c_void, record: *const rogue_mem_audit_record_t)>,
    /// count records are missing between those before and those after this call, because the
    /// queue had no room for them. As record, otherwise. NULL: nothing is called.
    pub lost: Option<unsafe extern "C" fn(ctx: *mut c_void, count: u64)>,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a
    /// reference. NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_audit_sink_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls functions of the program's.
struct CallbackSink {
    record: unsafe extern "C" fn(ctx: *mut c_void, record: *const rogue_mem_audit_record_t),
    lost: Option<unsafe extern "C" fn(ctx: *mut c_void, count: u64)>,
    context: Context,
    /// The client of the latest record, and its texts in C: server, address, key.
    latest: Option<(AuditClient, [CString; 3])>,
}

impl CallbackSink {
    /// The texts of a client, made once for records in a row.
    fn texts_of(&mut self, client: &AuditClient) -> &[CString; 3] {
        if self.latest.as_ref().is_none_or(|(latest, _)| latest != client) {
            self.latest = None;
        }
        let (_, texts) = self.latest.get_or_insert_with(|| {
            let key = client.key.as_deref().unwrap_or_default();
            let texts = [c_text(&client.server), c_text(&client.address), c_text(key)];
            (client.clone(), texts)
        });
        texts
    }
}

impl AuditSink for CallbackSink {
    fn record(&mut self, record: &AuditRecord<'_>) {
        let call = self.record;
        let text = c_text(record.text);
        let [server, client, key] = self.texts_of(record.client).each_ref().map(|one| one.as_ptr());
        let told = rogue_mem_audit_record_t {
            size: size_of::<rogue_mem_audit_record_t>(),
            time_ns: as_nanoseconds(record.time),
            latency_ns: as_nanoseconds(record.latency),
            client_number: record.client.number,
            address: record.address,
            access_bytes: record.size,
            kind: record.ty.into(),
            result: result_number(record.result),
            status: record.status as rogue_mem_status_t,
            uid: record.client.uid.unwrap_or(ROGUE_MEM_AUDIT_NO_UID),
            pid: record.client.pid.unwrap_or(0),
            answered: record.is_answered.into(),
            reserved: 0,
            data: record.data.as_ptr(),
            data_bytes: record.data.len(),
            server,
            client,
            key,
            text: text.as_ptr(),
        };
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature, which may run on this thread; all
        // that `told` points to outlives the call.
        unsafe { call(self.context.ctx(), &told) }
    }

    fn lost(&mut self, count: u64) {
        let Some(lost) = self.lost else { return };
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature, which may run on this thread.
        unsafe { lost(self.context.ctx(), count) }
    }
}

/// Makes an audit that passes its records to a callback.
///
/// @param sink the callbacks, copied.
/// @param options_or_null the options; NULL: the defaults. Those of files have no meaning.
/// @param out receives the audit, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if record is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a structure has a wrong size or an option is invalid;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses memory or a thread: drop is called
/// then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_new(
    sink: *const rogue_mem_audit_sink_t,
    options_or_null: *const rogue_mem_audit_options_t,
    out: *mut *mut rogue_mem_audit_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned(sink, "sink") }?;
        let record = given.record.ok_or_else(|| call.null("sink->record"))?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        options.check()?;
        // From here on `ctx` is ours. SAFETY: null or live, as the header demands.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        let sink = CallbackSink { record, lost: given.lost, context, latest: None };
        let audit: Arc<Audit> = Audit::new(Box::new(sink), options)?;
        out.set(into_handle(audit));
        Ok(())
    })
}

/// Waits until all records so far have been passed to the callback, or are on the disk.
///
/// @param audit the audit.
/// @param timeout_us the time limit, in microseconds; 0 does not wait.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT; ROGUE_MEM_ERROR_FILE if records could not be
/// written since the last call, with the reason; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT in a callback of the audit, whose thread would wait for itself;
/// ROGUE_MEM_ERROR_STOPPED in a child by fork.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_flush(
    audit: *mut rogue_mem_audit_t,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let audit = unsafe { call.handle(audit) }?;
        audit.flush(Duration::from_micros(timeout_us))
    })
}
