//! The objects of this interface. Each type is opaque: programs hold pointers to it and nothing
//! else. A pointer stands for one reference, or for more that somebody else keeps.

use std::any::type_name;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

use super::callback::Gate;
use crate::bridge::{TcpClient, TcpServer};
use crate::logging::Logger;
use crate::memory::{Hub, Master, Slave, Transaction};
use crate::protocols::{SrpV3, SrpV3Emulation};
use crate::stream::{self, Frame};

/// A C type whose pointers are references to a counted Rust object. Having one such object is
/// the only way to have a pointer, so a handle cannot be released by a wrong rule.
pub trait Handle: Sized {
    /// What a handle of this type points to.
    type Object: Send + Sync + 'static;
}

macro_rules! handle {
    ($name:ident => $object:ty) => {
        impl Handle for $name {
            type Object = $object;
        }
    };
}

/// One register access on its way: what is asked, where the data lies, and how it ended. Made by
/// rogue_mem_master_request, handed to slaves.
pub struct rogue_mem_transaction_t {
    _private: (),
}
handle!(rogue_mem_transaction_t => Transaction);

/// Something that carries out transactions: one of the library's own, or a set of callbacks. Two
/// handles of one slave need not have the same address; compare rogue_mem_slave_id.
pub struct rogue_mem_slave_t {
    _private: (),
}
handle!(rogue_mem_slave_t => SlaveObject);

/// The upstream end of the bus: makes transactions and waits for them.
pub struct rogue_mem_master_t {
    _private: (),
}
handle!(rogue_mem_master_t => Master);

/// A master and a slave in one: hands transactions on with its offset added to their address.
pub struct rogue_mem_hub_t {
    _private: (),
}
handle!(rogue_mem_hub_t => Hub);

/// The serving end of the memory TCP bridge: gives a slave to any number of clients.
pub struct rogue_mem_tcp_server_t {
    _private: (),
}
handle!(rogue_mem_tcp_server_t => TcpServer);

/// The requesting end of the memory TCP bridge: a slave whose other end is a server.
pub struct rogue_mem_tcp_client_t {
    _private: (),
}
handle!(rogue_mem_tcp_client_t => TcpClient);

/// Bytes on their way through a stream, with what is said about them.
pub struct rogue_mem_frame_t {
    _private: (),
}
handle!(rogue_mem_frame_t => Frame);

/// Something that receives frames. Two handles of one stream slave need not have the same address.
pub struct rogue_mem_stream_slave_t {
    _private: (),
}
handle!(rogue_mem_stream_slave_t => StreamSlaveObject);

/// Something that sends frames to stream slaves.
pub struct rogue_mem_stream_master_t {
    _private: (),
}
handle!(rogue_mem_stream_master_t => stream::Master);

/// Register transactions carried over a stream by SRP version 3.
pub struct rogue_mem_srp_v3_t {
    _private: (),
}
handle!(rogue_mem_srp_v3_t => SrpV3);

/// A device in software that answers SRP version 3.
pub struct rogue_mem_srp_v3_emulation_t {
    _private: (),
}
handle!(rogue_mem_srp_v3_emulation_t => SrpV3Emulation);

/// A named source of log messages.
pub struct rogue_mem_logger_t {
    _private: (),
}
handle!(rogue_mem_logger_t => Logger);

/// What callbacks pass on their way to the program, until it is closed.
pub struct rogue_mem_gate_t {
    _private: (),
}
handle!(rogue_mem_gate_t => Gate);

/// A slave of any kind behind a pointer of one word.
pub struct SlaveObject(pub(super) Arc<dyn Slave>);

impl Deref for SlaveObject {
    type Target = dyn Slave;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A new handle of `slave`.
pub(super) fn slave_handle(slave: Arc<dyn Slave>) -> *mut rogue_mem_slave_t {
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
pub(super) fn stream_slave_handle(slave: Arc<dyn stream::Slave>) -> *mut rogue_mem_stream_slave_t {
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

/// Gives a reference back; nothing for null.
///
/// # Safety
///
/// A handle that is not null must stand for a reference of the caller's, which is gone after.
pub(super) unsafe fn release<H: Handle>(handle: *mut H) {
    // SAFETY: as demanded here.
    drop(unsafe { take(handle) });
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
