// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes the keys of clients.
///
/// @param server_key the text form of the server's public key.
/// @param keys the clients' own key pair, by which the server may know them. For a server that
/// accepts any, one of rogue_mem_curve_keys_generate is enough.
/// @param out receives the keys of the clients, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if server_key is no public key.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_client_new(
    server_key: *const c_char,
    keys: *mut rogue_mem_curve_keys_t,
    out: *mut *mut rogue_mem_curve_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let server_key = unsafe { call.text(server_key, "server_key") }?;
        // SAFETY: null or live, as the header demands.
        let keys = unsafe { call.handle(keys) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::security::CurveClient::from_text(server_key, &keys)?));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param curve the keys of the clients; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_client_retain(
    curve: *mut rogue_mem_curve_client_t,
) -> *mut rogue_mem_curve_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(curve) }))
}

/// Gives a reference back. Clients that have it as their option curve keep it.
///
/// @param curve the keys of the clients; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_client_release(curve: *mut rogue_mem_curve_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(curve) };
        Ok(())
    })
}
