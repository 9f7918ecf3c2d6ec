//! The closure around the body of every C function: an error becomes a status or the type's
//! neutral value, and so does a panic, which must not unwind into C.

use std::ffi::c_char;
use std::sync::Arc;

use super::argument::TextOut;
use super::call::Call;
use super::handle::Handle;
use super::last_error;
use crate::error::{caught, Error, Result, Status};

/// The result of a function without a status on failure.
pub(super) trait Neutral {
    fn neutral() -> Self;
}

macro_rules! neutral {
    ($($type:ty => $value:expr),* $(,)?) => {
        $(impl Neutral for $type {
            fn neutral() -> Self {
                $value
            }
        })*
    };
}

neutral! {
    () => (),
    bool => false,
    u8 => 0,
    u16 => 0,
    u32 => 0,
    u64 => 0,
    f64 => 0.0,
    // The same type as `*const u8` on Arm and s390x, where a `char` of C has no sign.
    *const c_char => c"".as_ptr(),
}

impl<T> Neutral for *mut T {
    fn neutral() -> Self {
        std::ptr::null_mut()
    }
}

/// Runs the body of a function that returns a status.
pub(super) fn status<F>(body: F) -> i32
where
    F: FnOnce(Call) -> Result<()>,
{
    match contained(body) {
        Ok(()) => Status::Ok as i32,
        Err(status) => status as i32,
    }
}

/// Runs the body of a function that returns a status and, if that is 0, more in one number.
pub(super) fn packed<F>(body: F) -> u32
where
    F: FnOnce(Call) -> Result<u32>,
{
    contained(body).unwrap_or_else(|status| status as u32)
}

/// Runs the body of a function that returns a value, which is neutral where it fails.
pub(super) fn value<T, F>(body: F) -> T
where
    T: Neutral,
    F: FnOnce(Call) -> Result<T>,
{
    contained(body).unwrap_or_else(|_| T::neutral())
}

/// Runs the body of a function that returns a value, which is `otherwise` where it fails.
pub(super) fn value_or<T, F>(otherwise: T, body: F) -> T
where
    F: FnOnce(Call) -> Result<T>,
{
    contained(body).unwrap_or(otherwise)
}

/// Runs a body that asks one object for one value.
///
/// # Safety
///
/// `handle` must be null or live, as for [`Call::handle`].
pub(super) unsafe fn query<H, T, F>(handle: *const H, body: F) -> T
where
    H: Handle,
    T: Neutral,
    F: FnOnce(&Arc<H::Object>) -> T,
{
    let call = Call::of(&body);
    contained_as(call, |call| {
        // SAFETY: promised by the caller.
        let object = unsafe { call.handle(handle) }?;
        Ok(body(&object))
    })
    .unwrap_or_else(|_| T::neutral())
}

/// Runs a body that asks one object for a text.
///
/// # Safety
///
/// `handle` as for [`Call::handle`], the rest as for [`Call::text_out`].
pub(super) unsafe fn query_text<H, F>(
    handle: *const H,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    body: F,
) -> i32
where
    H: Handle,
    F: FnOnce(&Arc<H::Object>) -> String,
{
    let call = Call::of(&body);
    let outcome = contained_as(call, |call| {
        // SAFETY: promised by the caller.
        let object = unsafe { call.handle(handle) }?;
        // SAFETY: promised by the caller.
        let out: TextOut<'_> = unsafe { call.text_out(buffer, capacity, length) }?;
        out.set(&body(&object));
        Ok(())
    });
    outcome.err().unwrap_or(Status::Ok) as i32
}

fn contained<T, F: FnOnce(Call) -> Result<T>>(body: F) -> std::result::Result<T, Status> {
    contained_as(Call::of(&body), body)
}

/// Runs `body`; its error or panic becomes the thread's last error, and the status is returned.
fn contained_as<T>(
    call: Call,
    body: impl FnOnce(Call) -> Result<T>,
) -> std::result::Result<T, Status> {
    match caught(|| body(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed(error)),
        Err(text) => Err(panicked(call, text)),
    }
}

// One for all functions, none inlined: in hundreds of functions they would be a sixth of the library.

#[cold]
#[inline(never)]
fn failed(error: Error) -> Status {
    last_error::set(&error);
    error.status()
}

#[cold]
#[inline(never)]
fn panicked(call: Call, text: String) -> Status {
    let text = format!("Internal error of the library, please report it: {text}");
    failed(call.error(Status::Internal, text))
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn last_error() -> (String, String) {
        let text = |from: *const c_char| {
            // SAFETY: both functions return text that ends in NUL and is valid until the next
            // failure on this thread.
            unsafe { CStr::from_ptr(from) }.to_str().unwrap().to_owned()
        };
        (text(last_error::source()), text(last_error::text()))
    }

    #[test]
    fn a_panic_becomes_an_internal_error_with_its_text() {
        assert_eq!(status(|_| panic!("lost {}", 1)), Status::Internal as i32);
        let (source, text) = last_error();
        assert_eq!(source, "a_panic_becomes_an_internal_error_with_its_text");
        assert!(text.ends_with("lost 1"), "{text}");
        assert_eq!(status(|_| panic!("a literal")), Status::Internal as i32);
        assert!(last_error().1.ends_with("a literal"));
        assert_eq!(status(|_| std::panic::panic_any(7)), Status::Internal as i32);
        assert!(last_error().1.ends_with("(no text)"));
    }

    #[test]
    fn a_panic_gives_the_neutral_value_of_every_type() {
        fn boom<T>() -> Result<T> {
            panic!("boom")
        }
        value(|_| boom::<()>());
        assert!(!value(|_| boom::<bool>()));
        assert_eq!(value(|_| boom::<u32>()), 0);
        assert_eq!(value(|_| boom::<u64>()), 0);
        assert!(value(|_| boom::<*mut u8>()).is_null());
        let text = value(|_| boom::<*const c_char>());
        // SAFETY: the neutral text is a constant.
        assert_eq!(unsafe { CStr::from_ptr(text) }, c"");
    }

    #[test]
    fn a_panic_whose_payload_panics_when_dropped_is_contained() {
        struct Grenade;
        impl Drop for Grenade {
            fn drop(&mut self) {
                panic!("a second panic");
            }
        }
        assert_eq!(status(|_| std::panic::panic_any(Grenade)), Status::Internal as i32);
    }

    #[test]
    fn an_error_is_kept_as_it_is_and_success_keeps_the_last_one() {
        let error = || Error::new(Status::Timeout, "memory::Some::where", "too late");
        assert_eq!(status(|_| Err(error())), Status::Timeout as i32);
        assert_eq!(status(|_| Ok(())), 0);
        assert_eq!(last_error(), ("memory::Some::where".to_owned(), "too late".to_owned()));
    }

    #[test]
    fn an_error_of_the_call_itself_names_the_function() {
        fn rogue_mem_example() -> i32 {
            status(|call| Err(call.error(Status::InvalidArgument, "no")))
        }
        assert_eq!(rogue_mem_example(), Status::InvalidArgument as i32);
        assert_eq!(last_error().0, "rogue_mem_example");
    }
}
