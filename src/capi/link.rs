//! The link of an RSSI client or server, or of a road to a board, opens and closes, and is opened
//! again when it was lost. A set of callbacks tells a program so: rogue_mem_rssi_observe,
//! rogue_mem_board_observe.
//!
//! After an observe function has returned, no call of a former observer begins. A closing by stop is
//! told as well. After the end of the object no call begins. A running call continues, and so does
//! one that a thread is just about to make: ctx is in use until drop is called.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::argument::Versioned;
use super::call::Call;
use super::callback::{c_text, Context};
use super::generated::rogue_mem_gate_t;
use crate::error::Result;
use crate::protocols::{LinkChange, LinkObserver};

/// An opening or a closing of a link.
#[repr(C)]
pub struct rogue_mem_link_t {
    /// sizeof(rogue_mem_link_t), as the library knows it.
    pub size: usize,
    /// 1: frames can be sent from now on; 0: no longer, and requests under way have failed.
    pub open: u32,
    /// 0.
    pub reserved: u32,
    /// What has happened, in words that name the layer; the reason of a closing.
    pub text: *const c_char,
}

/// Callbacks for openings and closings of a link. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_link_observer_t {
    /// sizeof(rogue_mem_link_observer_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of changed has returned. Not called
    /// if the function that takes the set fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Called after each opening and each closing, which alternate; must not be NULL. The structure
    /// and its text are valid during the call. Runs on a thread of its own, one call at a time and
    /// in order, and may call every function: it may stop and release the object. It may block:
    /// only further calls for this link wait for it, of which the latest 64 are kept; frames do
    /// not.
    pub changed: Option<unsafe extern "C" fn(ctx: *mut c_void, link: *const rogue_mem_link_t)>,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_link_observer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls a function of the program's.
struct Changed {
    changed: unsafe extern "C" fn(ctx: *mut c_void, link: *const rogue_mem_link_t),
    context: Context,
}

impl LinkObserver for Changed {
    fn link_changed(&self, change: &LinkChange) {
        let text = c_text(&change.text);
        let link = rogue_mem_link_t {
            size: size_of::<rogue_mem_link_t>(),
            open: change.is_open.into(),
            reserved: 0,
            text: text.as_ptr(),
        };
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature, which may run on any thread.
        unsafe { (self.changed)(self.context.ctx(), &link) }
    }
}

impl Call {
    /// The observer that a set of callbacks makes; `None` without a set. On success `ctx` is ours.
    ///
    /// # Safety
    ///
    /// `set` must be null or as long as its `size` says, and its gate null or live.
    pub(super) unsafe fn link_observer(
        self,
        set: *const rogue_mem_link_observer_t,
    ) -> Result<Option<Arc<dyn LinkObserver>>> {
        // SAFETY: promised by the caller.
        let given = unsafe { self.versioned_or_none(set, "set_or_null") }?;
        let Some(given) = given else { return Ok(None) };
        let changed = given.changed.ok_or_else(|| self.null("changed"))?;
        // From here on nothing can fail. SAFETY: promised by the caller.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        Ok(Some(Arc::new(Changed { changed, context })))
    }
}
