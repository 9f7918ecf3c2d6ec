// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a list.
///
/// @param rules the rules, one a line; at least one.
/// @param out receives the access list, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_new(
    rules: *const c_char,
    out: *mut *mut rogue_mem_access_list_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let rules = unsafe { call.text(rules, "rules") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::security::AccessList::from_text(rules)?));
        Ok(())
    })
}

/// Makes a list from a file.
///
/// @param path the file, which only its owner may write.
/// @param out receives the access list, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_load(
    path: *const c_char,
    out: *mut *mut rogue_mem_access_list_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::security::AccessList::load(path)?));
        Ok(())
    })
}

/// Replaces all rules. A client that has no right any more is disconnected, and the rights of
/// others change, as soon as the threads of their servers are free. Requests that the slave has got
/// already go on.
///
/// @param access the access list.
/// @param rules the rules, one a line; at least one.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT as of rogue_mem_access_list_new: nothing has changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_set_rules(
    access: *mut rogue_mem_access_list_t,
    rules: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let access = unsafe { call.handle(access) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let rules = unsafe { call.text(rules, "rules") }?;
        access.set_rules(rules)
    })
}

/// As rogue_mem_access_list_set_rules, from a file. Call it again when the file has changed.
///
/// @param access the access list.
/// @param path the file, which only its owner may write.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, and all that rogue_mem_access_list_load
/// returns: ROGUE_MEM_ERROR_INVALID_TEXT, ROGUE_MEM_ERROR_FILE, ROGUE_MEM_ERROR_INVALID_ARGUMENT.
/// Nothing has changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_load_rules(
    access: *mut rogue_mem_access_list_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let access = unsafe { call.handle(access) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        access.load_rules(path)
    })
}

/// Adds a reference.
///
/// @param access the access list; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_retain(
    access: *mut rogue_mem_access_list_t,
) -> *mut rogue_mem_access_list_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(access) }))
}

/// Gives a reference back. Servers that have it as their option access_list keep it.
///
/// @param access the access list; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_access_list_release(access: *mut rogue_mem_access_list_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(access) };
        Ok(())
    })
}
