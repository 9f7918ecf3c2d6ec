//! What a set of callbacks from C has in common: a pointer of the program's, and a function that
//! is called when the library needs it no more.

use std::ffi::c_void;

/// The `ctx` of a callback set, and its `drop`.
pub(super) struct Context {
    ctx: *mut c_void,
    drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

// SAFETY: the header says that callbacks run on any thread, several at once, so the program has
// promised that what `ctx` points to can take it.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// Takes `ctx` over: `drop` is called once, when this is dropped.
    pub(super) fn new(
        ctx: *mut c_void,
        drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    ) -> Context {
        Context { ctx, drop }
    }

    /// The program's pointer.
    pub(super) fn ctx(&self) -> *mut c_void {
        self.ctx
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: a function of the program's with this signature, called once.
            unsafe { drop(self.ctx) };
        }
    }
}
