//! Handles: the only casts between C pointers and Rust objects.

use std::any::type_name;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

use crate::memory::Slave;
use crate::stream;

/// A C type whose pointers are references to a counted Rust object. Having one such object is
/// the only way to have a pointer, so a handle cannot be released by a wrong rule.
pub trait Handle: Sized {
    /// The Rust object behind a handle.
    type Object: Send + Sync + 'static;

    /// Releases a reference.
    fn released(object: Arc<Self::Object>) {
        drop(object);
    }
}

/// A slave of any kind behind a pointer of one word.
pub struct SlaveObject(pub(super) Arc<dyn Slave>);

impl Deref for SlaveObject {
    type Target = dyn Slave;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A new handle of `slave`.
pub(super) fn slave_handle<H>(slave: Arc<dyn Slave>) -> *mut H
where
    H: Handle<Object = SlaveObject>,
{
    into_handle(Arc::new(SlaveObject(slave)))
}

/// A stream slave of any kind behind a pointer of one word.
pub struct StreamSlaveObject(pub(super) Arc<dyn stream::Slave>);

impl Deref for StreamSlaveObject {
    type Target = dyn stream::Slave;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A new handle of a stream `slave`.
pub(super) fn stream_slave_handle<H>(slave: Arc<dyn stream::Slave>) -> *mut H
where
    H: Handle<Object = StreamSlaveObject>,
{
    into_handle(Arc::new(StreamSlaveObject(slave)))
}

/// Turns a reference into a handle, which then stands for it.
pub(super) fn into_handle<H: Handle>(object: Arc<H::Object>) -> *mut H {
    Arc::into_raw(object).cast::<H>().cast_mut()
}

/// A handle that lasts as long as `object` does and stands for no reference of its own.
pub(super) fn lend<H: Handle>(object: &Arc<H::Object>) -> *mut H {
    Arc::as_ptr(object).cast::<H>().cast_mut()
}

/// The object of a handle for the duration of a call, during which the caller keeps a reference.
pub(super) struct Borrowed<'a, H: Handle> {
    object: ManuallyDrop<Arc<H::Object>>,
    handle: PhantomData<&'a H>,
}

impl<H: Handle> Deref for Borrowed<'_, H> {
    type Target = Arc<H::Object>;
    fn deref(&self) -> &Self::Target {
        &self.object
    }
}

/// The object of `handle`; `None` for null.
///
/// # Safety
///
/// A handle that is not null must stem from [`into_handle`] or [`lend`], and at least one
/// reference to its object must last for `'a`.
pub(super) unsafe fn borrow<'a, H: Handle>(handle: *const H) -> Option<Borrowed<'a, H>> {
    if handle.is_null() {
        return None;
    }
    // SAFETY: such handles are what `Arc::into_raw` or `Arc::as_ptr` gave, for this very type;
    // the count is not touched, because the `Arc` made here is never dropped.
    let object = ManuallyDrop::new(unsafe { Arc::from_raw(handle.cast::<H::Object>()) });
    Some(Borrowed { object, handle: PhantomData })
}

/// Adds a reference; nothing for null. Returns its argument.
///
/// # Safety
///
/// As for [`borrow`].
pub(super) unsafe fn retain<H: Handle>(handle: *mut H) -> *mut H {
    if !handle.is_null() {
        // SAFETY: as in `borrow`.
        unsafe { Arc::increment_strong_count(handle.cast::<H::Object>()) };
    }
    handle
}

/// Releases a reference; nothing for null.
///
/// # Safety
///
/// A handle that is not null must stand for a reference of the caller's, which is gone after.
pub(super) unsafe fn release<H: Handle>(handle: *mut H) {
    // SAFETY: as demanded here.
    if let Some(object) = unsafe { take(handle) } {
        H::released(object);
    }
}

/// Takes a reference back; `None` for null.
///
/// # Safety
///
/// As for [`release`].
pub(super) unsafe fn take<H: Handle>(handle: *mut H) -> Option<Arc<H::Object>> {
    // SAFETY: as in `borrow`, and the reference is the caller's to give.
    (!handle.is_null()).then(|| unsafe { Arc::from_raw(handle.cast::<H::Object>()) })
}

/// Name of a C type, for messages.
pub(super) fn c_type_name<T>() -> &'static str {
    let name = type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}
