// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a key pair, of the system's random numbers.
///
/// @param out receives the key pair, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
/// system has no generator.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_generate(
    out: *mut *mut rogue_mem_curve_keys_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::security::keys::KeyPair::generate()?)));
        Ok(())
    })
}

/// Reads a key pair that rogue_mem_curve_keys_save has written.
///
/// @param path the file with the secret key.
/// @param out receives the key pair, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may read or write it;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if its contents are no key pair.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_load(
    path: *const c_char,
    out: *mut *mut rogue_mem_curve_keys_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::security::keys::KeyPair::load(path)?)));
        Ok(())
    })
}

/// Makes a key pair from the text form of its secret key.
///
/// @param secret the secret key. Wipe it afterwards.
/// @param out receives the key pair, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it is no key.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_from_secret(
    secret: *const c_char,
    out: *mut *mut rogue_mem_curve_keys_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let secret = unsafe { call.text(secret, "secret") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::security::keys::KeyPair::from_secret_text(secret)?)));
        Ok(())
    })
}

/// Writes the key pair to a new file that only its owner may read, and the public key alone to
/// another one, whose name ends in ".pub", for the other end.
///
/// @param keys the key pair.
/// @param path the file with the secret key; neither may exist.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_save(
    keys: *mut rogue_mem_curve_keys_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let keys = unsafe { call.handle(keys) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        keys.save(path)
    })
}

/// The text form of the public key.
///
/// @param keys the key pair.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_public_key(
    keys: *const rogue_mem_curve_keys_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(keys, buffer, capacity, length, |keys| keys.public().to_string()) }
}

/// The text form of the secret key. Wipe the buffer afterwards.
///
/// @param keys the key pair.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_secret_key(
    keys: *const rogue_mem_curve_keys_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(keys, buffer, capacity, length, |keys| keys.secret().text().to_string()) }
}

/// Adds a reference.
///
/// @param keys the key pair; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_retain(
    keys: *mut rogue_mem_curve_keys_t,
) -> *mut rogue_mem_curve_keys_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(keys) }))
}

/// Gives a reference back. With the last one the secret key is wiped.
///
/// @param keys the key pair; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_curve_keys_release(keys: *mut rogue_mem_curve_keys_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(keys) };
        Ok(())
    })
}
