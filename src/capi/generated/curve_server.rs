// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes the keys of servers. No client is accepted until one of the functions below says so.
///
/// @param keys the servers' own key pair.
/// @param out receives the keys of the servers, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_new(
    keys: *mut rogue_mem_curve_keys_t,
    out: *mut *mut rogue_mem_curve_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let keys = unsafe { call.handle(keys) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::security::CurveServer::closed((**keys).clone())));
        Ok(())
    })
}

/// Sets the key pair for new connections. Those that exist remain.
///
/// @param curve the keys of the servers.
/// @param keys the servers' own key pair.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_set_keys(
    curve: *mut rogue_mem_curve_server_t,
    keys: *mut rogue_mem_curve_keys_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let curve = unsafe { call.handle(curve) }?;
        // SAFETY: null or live, as the header demands.
        let keys = unsafe { call.handle(keys) }?;
        curve.set_keys((**keys).clone());
        Ok(())
    })
}

/// Accepts clients with any key: those that know the servers' public key.
///
/// @param curve the keys of the servers.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_accept_any(
    curve: *mut rogue_mem_curve_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let curve = unsafe { call.handle(curve) }?;
        curve.set_clients(crate::security::AllowedClients::Any);
        Ok(())
    })
}

/// Accepts the clients with these public keys, and no others.
///
/// @param curve the keys of the servers.
/// @param keys_text the keys, separated by white space.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a word is no public key: nothing has changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_set_clients(
    curve: *mut rogue_mem_curve_server_t,
    keys_text: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let curve = unsafe { call.handle(curve) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let keys_text = unsafe { call.text(keys_text, "keys_text") }?;
        curve.set_clients_from_text(keys_text)
    })
}

/// Accepts the clients whose public keys are in a file, and no others. Call it again when the file
/// has changed.
///
/// @param curve the keys of the servers.
/// @param path the file: a line for each key, such as several ".pub" files one behind the other.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no public key. Nothing has changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_load_clients(
    curve: *mut rogue_mem_curve_server_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let curve = unsafe { call.handle(curve) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        curve.load_clients(path)
    })
}

/// The text form of the servers' public key, which their clients have to know.
///
/// @param curve the keys of the servers.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_public_key(
    curve: *const rogue_mem_curve_server_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(curve, buffer, capacity, length, |curve| curve.public_key().to_string()) }
}

/// Adds a reference.
///
/// @param curve the keys of the servers; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_retain(
    curve: *mut rogue_mem_curve_server_t,
) -> *mut rogue_mem_curve_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(curve) }))
}

/// Gives a reference back. Servers that have it as their option curve keep it.
///
/// @param curve the keys of the servers; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_server_release(curve: *mut rogue_mem_curve_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(curve) };
        Ok(())
    })
}
