//! The objects of this interface. Each type is opaque: programs hold pointers to it and nothing
//! else. A pointer stands for one reference, or for more that somebody else keeps.

// Generated from table.rs by tests/header; do not edit.

use std::ffi::c_char;
use std::sync::Arc;

use super::argument::{Options, Versioned};
use super::call::Call;
use super::convert;
use super::guard::{query, query_text, status, value};
use super::handle::{
    borrow, into_handle, release, retain, slave_handle, stream_slave_handle, Handle,
};
use super::status::rogue_mem_status_t;
use crate::error::{Result, Status};
use crate::stream::{self, Node};

/// One register access: the request, the place of its data, and its result. Made by
/// rogue_mem_master_request, passed to slaves.
pub struct rogue_mem_transaction_t {
    _private: (),
}

impl Handle for rogue_mem_transaction_t {
    type Object = crate::memory::Transaction;
}

/// Carries out transactions: an object of the library, or a set of callbacks. Two handles of one
/// slave may have different addresses; compare rogue_mem_slave_id.
pub struct rogue_mem_slave_t {
    _private: (),
}

impl Handle for rogue_mem_slave_t {
    type Object = super::handle::SlaveObject;
}

/// The upstream end of the bus: makes transactions and waits for them.
pub struct rogue_mem_master_t {
    _private: (),
}

impl Handle for rogue_mem_master_t {
    type Object = crate::memory::Master;
}

/// A master and a slave in one: forwards transactions with its offset added to their address.
pub struct rogue_mem_hub_t {
    _private: (),
}

impl Handle for rogue_mem_hub_t {
    type Object = crate::memory::Hub;
}

/// The serving end of the memory TCP bridge: serves a slave to any number of clients.
pub struct rogue_mem_tcp_server_t {
    _private: (),
}

impl Handle for rogue_mem_tcp_server_t {
    type Object = crate::bridge::TcpServer;
}

/// The requesting end of the memory TCP bridge: a slave whose other end is a server.
pub struct rogue_mem_tcp_client_t {
    _private: (),
}

impl Handle for rogue_mem_tcp_client_t {
    type Object = crate::bridge::TcpClient;
}

/// A message of a stream: bytes with flags, a channel and an error.
pub struct rogue_mem_frame_t {
    _private: (),
}

impl Handle for rogue_mem_frame_t {
    type Object = crate::stream::Frame;

    fn released(object: std::sync::Arc<Self::Object>) {
        crate::stream::Frame::release(object);
    }
}

/// Receives frames. Two handles of one stream slave may have different addresses.
pub struct rogue_mem_stream_slave_t {
    _private: (),
}

impl Handle for rogue_mem_stream_slave_t {
    type Object = super::handle::StreamSlaveObject;
}

/// Sends frames to stream slaves.
pub struct rogue_mem_stream_master_t {
    _private: (),
}

impl Handle for rogue_mem_stream_master_t {
    type Object = crate::stream::Master;
}

/// Sends and receives frames.
pub struct rogue_mem_stream_port_t {
    _private: (),
}

impl Handle for rogue_mem_stream_port_t {
    type Object = crate::stream::Port;
}

/// A queue of frames with a thread that delivers them.
pub struct rogue_mem_fifo_t {
    _private: (),
}

impl Handle for rogue_mem_fifo_t {
    type Object = crate::stream::Fifo;
}

/// Passes on the frames of one channel.
pub struct rogue_mem_filter_t {
    _private: (),
}

impl Handle for rogue_mem_filter_t {
    type Object = crate::stream::Filter;
}

/// Drops frames to limit their rate.
pub struct rogue_mem_rate_drop_t {
    _private: (),
}

impl Handle for rogue_mem_rate_drop_t {
    type Object = crate::stream::RateDrop;
}

/// The listening end of the stream TCP bridge: exchanges frames with any number of clients.
pub struct rogue_mem_stream_server_t {
    _private: (),
}

impl Handle for rogue_mem_stream_server_t {
    type Object = crate::bridge::StreamServer;
}

/// The connecting end of the stream TCP bridge: exchanges frames with a server.
pub struct rogue_mem_stream_client_t {
    _private: (),
}

impl Handle for rogue_mem_stream_client_t {
    type Object = crate::bridge::StreamClient;
}

/// Register transactions carried over a stream by SRP version 3.
pub struct rogue_mem_srp_v3_t {
    _private: (),
}

impl Handle for rogue_mem_srp_v3_t {
    type Object = crate::protocols::SrpV3;
}

/// A device in software that answers SRP version 3.
pub struct rogue_mem_srp_v3_emulation_t {
    _private: (),
}

impl Handle for rogue_mem_srp_v3_emulation_t {
    type Object = crate::protocols::SrpV3Emulation;
}

/// Register transactions carried over a stream by SRP version 0.
pub struct rogue_mem_srp_v0_t {
    _private: (),
}

impl Handle for rogue_mem_srp_v0_t {
    type Object = crate::protocols::SrpV0;
}

/// The frames of many destinations, carried over one packet transport.
pub struct rogue_mem_packetizer_t {
    _private: (),
}

impl Handle for rogue_mem_packetizer_t {
    type Object = crate::protocols::Packetizer;
}

/// Generates and checks frames of pseudo-random bits.
pub struct rogue_mem_prbs_t {
    _private: (),
}

impl Handle for rogue_mem_prbs_t {
    type Object = crate::protocols::Prbs;
}

/// A thread that several objects share.
pub struct rogue_mem_event_loop_t {
    _private: (),
}

impl Handle for rogue_mem_event_loop_t {
    type Object = crate::net::EventLoop;
}

/// A client or a server of a stream over UDP.
pub struct rogue_mem_udp_t {
    _private: (),
}

impl Handle for rogue_mem_udp_t {
    type Object = crate::protocols::UdpEndpoint;
}

/// The usual road to a board: UDP, RSSI and a packetizer on one thread.
pub struct rogue_mem_board_t {
    _private: (),
}

impl Handle for rogue_mem_board_t {
    type Object = crate::protocols::UdpRssiPack;
}

/// A client or a server of a reliable stream over datagrams.
pub struct rogue_mem_rssi_t {
    _private: (),
}

impl Handle for rogue_mem_rssi_t {
    type Object = crate::protocols::RssiEndpoint;
}

/// Where the records of a super-frame lie.
pub struct rogue_mem_batch_t {
    _private: (),
}

impl Handle for rogue_mem_batch_t {
    type Object = crate::protocols::Batch;
}

/// Packs frames into super-frames.
pub struct rogue_mem_batch_combiner_t {
    _private: (),
}

impl Handle for rogue_mem_batch_combiner_t {
    type Object = crate::protocols::BatchCombiner;
}

/// Splits super-frames into frames.
pub struct rogue_mem_batch_splitter_t {
    _private: (),
}

impl Handle for rogue_mem_batch_splitter_t {
    type Object = crate::protocols::BatchSplitter;
}

/// Turns the tails of super-frames into headers.
pub struct rogue_mem_batch_inverter_t {
    _private: (),
}

impl Handle for rogue_mem_batch_inverter_t {
    type Object = crate::protocols::BatchInverter;
}

/// Records frames in data files.
pub struct rogue_mem_file_writer_t {
    _private: (),
}

impl Handle for rogue_mem_file_writer_t {
    type Object = crate::files::FileWriter;
}

/// Receives frames for a file writer.
pub struct rogue_mem_file_channel_t {
    _private: (),
}

impl Handle for rogue_mem_file_channel_t {
    type Object = crate::files::FileChannel;
}

/// Sends the frames of data files.
pub struct rogue_mem_file_reader_t {
    _private: (),
}

impl Handle for rogue_mem_file_reader_t {
    type Object = crate::files::FileReader;
}

/// A named source of log messages.
pub struct rogue_mem_logger_t {
    _private: (),
}

impl Handle for rogue_mem_logger_t {
    type Object = crate::logging::Logger;
}

/// Lets callbacks call the program until it is closed.
pub struct rogue_mem_gate_t {
    _private: (),
}

impl Handle for rogue_mem_gate_t {
    type Object = super::callback::CallbackGate;
}

/// The transaction's id, unique among the pending transactions of this process.
///
/// @param transaction the transaction.
/// @return the id, never 0; 0 if transaction is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_id(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.id()) }
}

/// The byte address, as adjusted by the hubs passed so far.
///
/// @param transaction the transaction.
/// @return the address; 0 if transaction is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_address(
    transaction: *const rogue_mem_transaction_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.address()) }
}

/// The number of bytes to read or write.
///
/// @param transaction the transaction.
/// @return size in bytes; 0 if transaction is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_size(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.size()) }
}

/// The transaction's type.
///
/// @param transaction the transaction.
/// @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; 0 if transaction is
/// NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_type(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.ty()) }
}

/// Whether a result would be too late: the transaction, or the one that it is a part of, has ended
/// or has been given up. Its data must not be touched then. The answer stays valid while the
/// transaction's lock is held. A transaction of a server may expire meanwhile, which is harmless:
/// its data stays until the lock is released.
///
/// @param transaction the transaction.
/// @return true if it has expired; false if transaction is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_expired(
    transaction: *const rogue_mem_transaction_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.expired()) }
}

/// Whether the transaction has ended, successfully or not.
///
/// @param transaction the transaction.
/// @return true if it has ended; false if transaction is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_is_done(
    transaction: *const rogue_mem_transaction_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.is_done()) }
}

/// Takes the lock that guards the data, waiting if necessary. While it is held, the requester
/// neither times out nor takes its buffer back. A server, however, answers its client when the time
/// has passed, and keeps the data, which then has no reader, until the lock is released. All parts
/// of one request share one lock. It is not recursive: a second lock in one thread deadlocks.
///
/// @param transaction the transaction; NULL is an error and nothing is locked.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_lock(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.lock_data()) }
}

/// Completes the transaction successfully. The first completion counts, later ones are ignored. The
/// transaction's lock may be held or not.
///
/// @param transaction the transaction; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done()) }
}

/// Declares that all parts have been made. The transaction ends at once if all of them have ended.
///
/// @param transaction the whole; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done_subs(
    transaction: *mut rogue_mem_transaction_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done_subs()) }
}

/// Adds a reference. A slave that completes the transaction later keeps one.
///
/// @param transaction the transaction; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_retain(
    transaction: *mut rogue_mem_transaction_t,
) -> *mut rogue_mem_transaction_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(transaction) }))
}

/// Gives a reference back. A transaction that is released without completion ends with its timeout.
///
/// @param transaction the transaction; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_release(transaction: *mut rogue_mem_transaction_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(transaction) };
        Ok(())
    })
}

/// The slave's own id, unique in this process.
///
/// @param slave the slave.
/// @return the id; 0 for the slave of an unconnected master; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().id()) }
}

/// The smallest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_min(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().min()) }
}

/// The largest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_max(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().max()) }
}

/// The slave's own name: "Unnamed_" and its id, unless rogue_mem_slave_set_name has changed it.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.base().name()) }
}

/// Names the slave.
///
/// @param slave the slave.
/// @param name its name, UTF-8, copied.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_set_name(
    slave: *mut rogue_mem_slave_t,
    name: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        slave.base().set_name(name);
        Ok(())
    })
}

/// Asks for the id of the slave at the end of the path, through the slave_id callback if it has
/// one.
///
/// @param slave the slave.
/// @return the id; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.slave_id()) }
}

/// Asks for the name of the slave at the end of the path, through the slave_name callback if it has
/// one.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.slave_name()) }
}

/// Asks for the smallest access, through the min_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_min_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.min_access()) }
}

/// Asks for the largest access, through the max_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes, 0 = not limited; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_max_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.max_access()) }
}

/// Asks for the base address, through the address callback if the slave has one.
///
/// @param slave the slave.
/// @return byte address as seen from the end of the path; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_address(slave: *const rogue_mem_slave_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.address()) }
}

/// Passes a transaction to the slave unchanged, in this thread. The transaction's lock must not be
/// held.
///
/// @param slave the slave; NULL is an error, and the transaction stays pending.
/// @param transaction the transaction, borrowed; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.do_transaction(&transaction);
        Ok(())
    })
}

/// Keeps a transaction, by its id, until rogue_mem_slave_take_transaction removes it or its
/// requester gives it up. An expired transaction is not kept.
///
/// @param slave the slave.
/// @param transaction the transaction; the slave takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe; the transaction's lock may be held or not.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_add_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.base().add_transaction(&transaction);
        Ok(())
    })
}

/// Ends the slave's own activity, if it has any: a bridge client closes its connection and fails
/// all outstanding requests. Returns without waiting for a peer. Further calls do nothing.
///
/// @param slave the slave; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_stop(slave: *mut rogue_mem_slave_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.stop()) }
}

/// Adds a reference.
///
/// @param slave the slave; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_retain(
    slave: *mut rogue_mem_slave_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Masters that the slave is connected to keep it alive.
///
/// @param slave the slave; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_release(slave: *mut rogue_mem_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}

/// Makes a slave with sparse byte memory in the whole 64-bit address space. Memory that was never
/// written reads as zero. Transactions complete at once.
///
/// @param min smallest access in bytes, advertised only.
/// @param max largest access in bytes, advertised only; 0 = not limited.
/// @param out receives the slave, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_emulate_new(
    min: u32,
    max: u32,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(slave_handle(crate::memory::Emulate::new(min, max)));
        Ok(())
    })
}

/// Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
/// "Unsupported transaction using unconnected memory bus".
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_new(
    out: *mut *mut rogue_mem_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::memory::Master::new())));
        Ok(())
    })
}

/// Connects the master to a slave, in place of a former one.
///
/// @param master the master.
/// @param slave the slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_set_slave(
    master: *mut rogue_mem_master_t,
    slave: *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        master.set_slave(slave.0.clone());
        Ok(())
    })
}

/// The slave that the master is connected to.
///
/// @param master the master.
/// @return the slave, a new reference, whose address may differ from that of the handle passed to
/// rogue_mem_master_set_slave; NULL if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_slave(
    master: *const rogue_mem_master_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| slave_handle(master.slave())) }
}

/// Asks for the id of the slave at the end of the path.
///
/// @param master the master.
/// @return the id; 0 if there is none; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_slave_id(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_slave_id()) }
}

/// Asks for the name of the slave at the end of the path.
///
/// @param master the master.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_slave_name(
    master: *const rogue_mem_master_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(master, buffer, capacity, length, |master| master.req_slave_name()) }
}

/// Asks for the smallest access.
///
/// @param master the master.
/// @return bytes; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_min_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_min_access()) }
}

/// Asks for the largest access. A master does not split its requests, a hub does.
///
/// @param master the master.
/// @return bytes, 0 = not limited; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_max_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_max_access()) }
}

/// Asks for the address at the end of the path that corresponds to address 0 of the master.
///
/// @param master the master.
/// @return byte address; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_address(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_address()) }
}

/// The text of the last error of a wait on this master, by any thread. Prefer the result of
/// rogue_mem_master_wait, which belongs to one transaction.
///
/// @param master the master.
/// @param buffer receives the text, "" if there was no error; see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_error(
    master: *const rogue_mem_master_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(master, buffer, capacity, length, |master| master.last_error()) }
}

/// Forgets the master's last error.
///
/// @param master the master; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_clear_error(master: *mut rogue_mem_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.clear_error()) }
}

/// Sets the timeout of later transactions, counted from their last sign of life. The default is one
/// second.
///
/// @param master the master; NULL is an error.
/// @param microseconds the timeout; 0 leaves it unchanged.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_set_timeout(
    master: *mut rogue_mem_master_t,
    microseconds: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.set_timeout(microseconds)) }
}

/// The timeout of transactions.
///
/// @param master the master.
/// @return microseconds; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_timeout(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.timeout().as_micros() as u64) }
}

/// Waits until a transaction has ended, at most for its timeout. After this has returned, no slave
/// touches its buffer.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id; 0 = all that are outstanding now; the result is then that of the
/// failed one with the highest id.
/// @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
/// ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error or the transaction was cancelled;
/// ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if it was not completed in time; ROGUE_MEM_ERROR_NOT_FOUND
/// if it has been forgotten, see rogue_mem_master_forgotten_count; ROGUE_MEM_ERROR_NULL_ARGUMENT.
/// The error's text is both that of rogue_mem_last_error and of rogue_mem_master_error.
///
/// A failed read over TCP leaves the buffer unchanged, with one exception: a read of more than 64
/// KiB may have filled it in part if the connection broke, or the time ran out, while its data was
/// arriving.
///
/// Thread safe; several threads may wait for one transaction. Its lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait(
    master: *mut rogue_mem_master_t,
    id: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        master.wait(id)
    })
}

/// Counts the transactions of this master that have ended and were forgotten because too many had
/// no waiter: the library keeps 131072 failures, and at least as many ids of successes. A wait for
/// a forgotten transaction is an error.
///
/// @param master the master.
/// @return the number since the master was made; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_forgotten_count(
    master: *const rogue_mem_master_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.forgotten_count()) }
}

/// Adds a reference.
///
/// @param master the master; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_retain(
    master: *mut rogue_mem_master_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(master) }))
}

/// Gives a reference back. Release of the last reference gives up all pending transactions: after
/// it has returned, no slave touches their buffers.
///
/// @param master the master; NULL is allowed and ignored.
///
/// Thread safe. A transaction's lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_release(master: *mut rogue_mem_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}

/// Makes a hub.
///
/// @param offset in bytes, added to the address of each transaction.
/// @param min smallest access in bytes.
/// @param max largest access in bytes. If min and max are both other than 0, the hub is the root of
/// an address space of its own: it reports its own id, name and limits, and address 0.
/// @param out receives the hub, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_new(
    offset: u64,
    min: u32,
    max: u32,
    out: *mut *mut rogue_mem_hub_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::memory::Hub::new(offset, min, max)));
        Ok(())
    })
}

/// The hub's master half, to be connected to a slave downstream. Requests made through it are
/// relative to the next layer: the hub's offset is not added.
///
/// @param hub the hub.
/// @return the master, a new reference; NULL if hub is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_master(
    hub: *const rogue_mem_hub_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| into_handle(hub.master().clone())) }
}

/// The hub's slave half, for masters upstream to connect to.
///
/// @param hub the hub.
/// @return the slave, a new reference, which keeps the whole hub alive; NULL if hub is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_slave(
    hub: *const rogue_mem_hub_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| slave_handle(hub.clone())) }
}

/// The hub's own offset.
///
/// @param hub the hub.
/// @return bytes; 0 if hub is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_offset(hub: *const rogue_mem_hub_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| hub.offset()) }
}

/// The address at the end of the path that corresponds to the hub's own address 0; also for the
/// root of an address space.
///
/// @param hub the hub.
/// @return byte address; 0 if hub is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_address(hub: *const rogue_mem_hub_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| hub.full_address()) }
}

/// Adds the hub's offset to a transaction's address and forwards it, in parts if necessary, in this
/// thread. The transaction's lock must not be held.
///
/// @param hub the hub; NULL is an error, and the transaction stays pending.
/// @param transaction the transaction, borrowed; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_forward(
    hub: *mut rogue_mem_hub_t,
    transaction: *mut rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let hub = unsafe { call.handle(hub) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        hub.forward(&transaction);
        Ok(())
    })
}

/// Adds a reference.
///
/// @param hub the hub; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_retain(hub: *mut rogue_mem_hub_t) -> *mut rogue_mem_hub_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(hub) }))
}

/// Gives a reference back. Its halves, and masters that it is connected to, keep it alive as
/// needed.
///
/// @param hub the hub; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_release(hub: *mut rogue_mem_hub_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(hub) };
        Ok(())
    })
}

/// Opens a server, which serves at once. Until its master is connected to a slave, requests are
/// answered with "Unsupported transaction using unconnected memory bus".
///
/// @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of an
/// interface or of a host.
/// @param port port for requests; the port for responses is the next one. 0 = a free pair, see
/// rogue_mem_tcp_server_port.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port is
/// taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe. Blocks while the system resolves addr, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_new(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_tcp_server_options_t,
    out: *mut *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::bridge::TcpServer::new(addr, port, options_or_null)?));
        Ok(())
    })
}

/// The master through which requests reach the slave, to be connected to it. Its timeout is that of
/// the slave's answers.
///
/// @param server the server.
/// @return the master, a new reference; NULL if server is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_master(
    server: *const rogue_mem_tcp_server_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| into_handle(server.master().clone())) }
}

/// The port for requests; with port 0, that of the free pair found.
///
/// @param server the server.
/// @return the port; 0 if server is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_port(server: *const rogue_mem_tcp_server_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.port()) }
}

/// Does nothing, because a server serves from its creation. For programs that treat servers and
/// clients alike.
///
/// @param server the server.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_start(
    server: *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        server.start();
        Ok(())
    })
}

/// Stops serving: closes both ports and all connections. Returns within 100 ms. No peer can delay
/// that. If the slave blocks for longer, the ports close when it returns. Further calls do nothing.
///
/// @param server the server; NULL is an error.
///
/// Thread safe; also from a callback of the server.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_stop(server: *mut rogue_mem_tcp_server_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.stop()) }
}

/// Legacy clients, which announce no session, are identified on the same host by their process and
/// its ZeroMQ context, or by their user if the server may not inspect the process; on other hosts
/// by their address. One client is served for each. A second one is held until the first has left,
/// with an error in the log.
pub const ROGUE_MEM_LEGACY_AUTO: u32 = 0;
/// One legacy client is served for each source address.
pub const ROGUE_MEM_LEGACY_ONE_PER_ADDRESS: u32 = 1;
/// Legacy clients are identified by their process; those with an invisible process are not served.
pub const ROGUE_MEM_LEGACY_LOCAL_PID: u32 = 2;
/// Legacy clients are not served.
pub const ROGUE_MEM_LEGACY_REFUSE: u32 = 3;

fn legacy(call: Call, number: u32) -> Result<crate::bridge::LegacyPolicy> {
    match number {
        ROGUE_MEM_LEGACY_AUTO => Ok(crate::bridge::LegacyPolicy::Auto),
        ROGUE_MEM_LEGACY_ONE_PER_ADDRESS => Ok(crate::bridge::LegacyPolicy::OnePerAddress),
        ROGUE_MEM_LEGACY_LOCAL_PID => Ok(crate::bridge::LegacyPolicy::LocalPid),
        ROGUE_MEM_LEGACY_REFUSE => Ok(crate::bridge::LegacyPolicy::Refuse),
        _ => {
            let text = format!("option `legacy` is {number}; use ROGUE_MEM_LEGACY_...");
            Err(call.error(Status::InvalidArgument, text))
        }
    }
}

/// Options of a server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_server_options_t {
    /// sizeof(rogue_mem_tcp_server_options_t).
    pub size: usize,
    /// Maximum number of requests of one client outstanding at the slave; 1 = strictly one at a
    /// time, 0 = 1024.
    pub window: u32,
    /// ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
    pub legacy: u32,
    /// Milliseconds for which the connections of one address must have been unambiguous before they
    /// are paired, if ports and processes do not decide; 0 = 400.
    pub settle_ms: u32,
    /// Maximum number of clients; 0 = 1024.
    pub clients_max: u32,
    /// Size limit of a transaction, in bytes; larger requests are refused. 0 = 64 MiB.
    pub transaction_bytes_max: u64,
    /// Microseconds for which the server polls for the next request before it sleeps, which keeps a
    /// processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// A flag: whether every client gets its answers on a separate connection, as in Rogue.
    /// Otherwise answers use the connection of the requests if the client agrees, which saves both
    /// systems acknowledgements.
    pub no_duplex: u32,
    /// Stack size of the server's thread, in bytes; the slave runs on it. At least 2 MiB. 0 = the
    /// size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Descriptors that the server leaves to the program. If fewer are free below the process's
    /// soft limit ("ulimit -n"), it closes connections that belong to no client, or accepts none.
    /// 0 = a tenth of the limit, at least 32. At most half of the limit.
    pub descriptors_reserved: u32,
    /// A flag: whether the legacy clients of one process of this host, or of one ZeroMQ context of
    /// it, are served together, where legacy is ROGUE_MEM_LEGACY_AUTO or
    /// ROGUE_MEM_LEGACY_LOCAL_PID. Each answer then goes to all of their response connections, the
    /// one exception to "to the client that asked, or to nobody". This is correct if request ids
    /// are unique in a process, as those of Rogue's clients are, which drop an answer with an
    /// unknown id. Without the flag the second of them is held until the first has left.
    pub legacy_shared_process: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_tcp_server_options_t {
    type Chosen = crate::bridge::ServerOptions;

    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.window != 0 {
            options.window = convert::count(self.window);
        }
        if self.legacy != 0 {
            options.legacy = legacy(call, self.legacy)?;
        }
        if self.settle_ms != 0 {
            options.settle = convert::milliseconds(self.settle_ms);
        }
        if self.clients_max != 0 {
            options.clients_max = convert::count(self.clients_max);
        }
        if self.transaction_bytes_max != 0 {
            options.transaction_bytes_max = convert::transaction_bytes(self.transaction_bytes_max);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.no_duplex != 0 {
            options.duplex = convert::is_clear(self.no_duplex);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.descriptors_reserved != 0 {
            options.descriptors_reserved = convert::number(self.descriptors_reserved);
        }
        if self.legacy_shared_process != 0 {
            options.legacy_shared_process = convert::is_set(self.legacy_shared_process);
        }
        Ok(options)
    }
}

/// Counters of a server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_server_stats_t {
    /// sizeof(rogue_mem_tcp_server_stats_t).
    pub size: usize,
    /// Clients being served now.
    pub clients: u64,
    /// Open connections without a served client.
    pub held: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Requests received, readiness probes included.
    pub requests: u64,
    /// Responses queued for sending.
    pub responses: u64,
    /// Messages dropped because they are not requests.
    pub malformed: u64,
    /// Requests refused with an error before they reached the slave.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes of responses queued for sending.
    pub bytes_out: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the server has done so far.
///
/// @param server the server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_stats(
    server: *const rogue_mem_tcp_server_t,
    stats: *mut rogue_mem_tcp_server_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = server.stats();
        out.set(&rogue_mem_tcp_server_stats_t {
            size: 0,
            clients: now.clients,
            held: now.held,
            accepted: now.accepted,
            requests: now.requests,
            responses: now.responses,
            malformed: now.malformed,
            refused: now.refused,
            dropped_responses: now.dropped_responses,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param server the server; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_retain(
    server: *mut rogue_mem_tcp_server_t,
) -> *mut rogue_mem_tcp_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(server) }))
}

/// Gives a reference back. Release of the last reference stops the server.
///
/// @param server the server; NULL is allowed and ignored.
///
/// Thread safe; also from a callback that the server makes.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_release(server: *mut rogue_mem_tcp_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(server) };
        Ok(())
    })
}

/// Makes a client, which begins to connect. Returns at once, even without a server.
///
/// @param addr the server: an IPv4 or IPv6 address, or a host name. A name is looked up again in
/// parallel with every attempt; the attempt uses the latest known addresses until the answer
/// arrives. If an address has not answered after 250 ms, the next one is tried in parallel. The
/// client uses the first address that answers.
/// @param port the server's port for requests; the port for responses is the next one.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
/// the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_new(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_tcp_client_options_t,
    out: *mut *mut rogue_mem_tcp_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::bridge::TcpClient::new(addr, port, options_or_null)?));
        Ok(())
    })
}

/// The client as a slave, for masters to connect to.
///
/// @param client the client.
/// @return the slave, a new reference, which keeps the client alive; NULL if client is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_slave(
    client: *const rogue_mem_tcp_client_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| slave_handle(client.clone())) }
}

/// Waits 10 seconds for the server, if the client was made with wait_ready; else does nothing.
///
/// @param client the client.
/// @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
/// ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_start(
    client: *mut rogue_mem_tcp_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        client.start()
    })
}

/// Closes the connections, and fails all outstanding and later transactions at once. Returns within
/// 100 ms; further calls do nothing.
///
/// @param client the client; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_stop(client: *mut rogue_mem_tcp_client_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client.stop()) }
}

/// The state as text, with the obstacle if there is one.
///
/// @param client the client.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_state_text(
    client: *const rogue_mem_tcp_client_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(client, buffer, capacity, length, |client| client.state_text()) }
}

/// Options of a client. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_client_options_t {
    /// sizeof(rogue_mem_tcp_client_options_t).
    pub size: usize,
    /// A flag: whether rogue_mem_tcp_client_start waits for the server.
    pub wait_ready: u32,
    /// A flag: whether readiness probes are also sent to servers that have not announced them.
    /// Probes crash a running SURF simulation.
    pub probe_legacy: u32,
    /// Maximum number of requests in flight; further ones wait. 0 = 400 for servers that announce
    /// no session, 8192 for others.
    pub window: u32,
    /// Microseconds for which a thread that waits for an answer polls before it sleeps, which keeps
    /// a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Size limit of a transaction, in bytes; 0 = not limited.
    pub transaction_bytes_max: u64,
    /// A flag: whether the client's own thread reads all answers. Otherwise a thread that waits for
    /// an answer reads them itself, which saves a thread switch.
    pub no_direct: u32,
    /// A flag: whether every server sends answers on a separate connection, as in Rogue. Otherwise
    /// answers use the connection of the requests if the server agrees, which saves both systems
    /// acknowledgements.
    pub no_duplex: u32,
    /// Stack size of the client's thread, in bytes; observers run on it. At least 2 MiB. 0 = the
    /// size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// A flag: whether the client shares one thread with all other clients of the process that have
    /// this flag: 1000 of them then cost two threads. Observers of all these clients, and of their
    /// transactions, run on the second thread, one at a time: an observer that blocks delays the
    /// other observers, but no client. stack_bytes then has no effect.
    pub shared_loop: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_tcp_client_options_t {
    type Chosen = crate::bridge::ClientOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.wait_ready != 0 {
            options.wait_ready = convert::is_set(self.wait_ready);
        }
        if self.probe_legacy != 0 {
            options.probe_legacy = convert::is_set(self.probe_legacy);
        }
        if self.window != 0 {
            options.window = convert::count(self.window);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.transaction_bytes_max != 0 {
            options.transaction_bytes_max = convert::transaction_bytes(self.transaction_bytes_max);
        }
        if self.no_direct != 0 {
            options.direct = convert::is_clear(self.no_direct);
        }
        if self.no_duplex != 0 {
            options.duplex = convert::is_clear(self.no_duplex);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.shared_loop != 0 {
            options.shared_loop = convert::is_set(self.shared_loop);
        }
        Ok(options)
    }
}

/// Counters of a client. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_client_stats_t {
    /// sizeof(rogue_mem_tcp_client_stats_t).
    pub size: usize,
    /// Requests without an answer, unsent ones included.
    pub outstanding: u64,
    /// Unsent requests.
    pub queued: u64,
    /// Requests sent, readiness probes included.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Responses to requests that had been given up.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client has done so far.
///
/// @param client the client.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_stats(
    client: *const rogue_mem_tcp_client_t,
    stats: *mut rogue_mem_tcp_client_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = client.stats();
        out.set(&rogue_mem_tcp_client_stats_t {
            size: 0,
            outstanding: now.outstanding,
            queued: now.queued,
            requests: now.requests,
            responses: now.responses,
            connects: now.connects,
            disconnects: now.disconnects,
            dropped_responses: now.dropped_responses,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param client the client; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_retain(
    client: *mut rogue_mem_tcp_client_t,
) -> *mut rogue_mem_tcp_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(client) }))
}

/// Gives a reference back. Release of the last reference stops the client. Its slave, and masters
/// that the slave is connected to, hold one each.
///
/// @param client the client; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_release(client: *mut rogue_mem_tcp_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(client) };
        Ok(())
    })
}

/// Makes a frame of one piece, without payload.
///
/// @param capacity bytes that the payload can have.
/// @param out receives the frame, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_new(
    capacity: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Frame::new(capacity)?));
        Ok(())
    })
}

/// The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
///
/// @param frame the frame.
/// @return the flags, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_flags(frame: *const rogue_mem_frame_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.flags()) }
}

/// Replaces the flags.
///
/// @param frame the frame; NULL is an error.
/// @param flags the new flags.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_flags(frame: *mut rogue_mem_frame_t, flags: u16) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_flags(flags)) }
}

/// The user bits of the first byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_first_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.first_user()) }
}

/// Replaces the first user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_first_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_first_user(user)) }
}

/// The user bits of the last byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_last_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.last_user()) }
}

/// Replaces the last user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_last_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_last_user(user)) }
}

/// The channel.
///
/// @param frame the frame.
/// @return the channel, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_channel(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.channel()) }
}

/// Replaces the channel.
///
/// @param frame the frame; NULL is an error.
/// @param channel the new channel.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_channel(frame: *mut rogue_mem_frame_t, channel: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_channel(channel)) }
}

/// The error.
///
/// @param frame the frame.
/// @return the error, 0 if the frame is good; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_error(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.error()) }
}

/// Replaces the error.
///
/// @param frame the frame; NULL is an error.
/// @param error the new error; 0 means that the frame is good.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_error(frame: *mut rogue_mem_frame_t, error: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_error(error)) }
}

/// Adds a reference.
///
/// @param frame the frame; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_retain(
    frame: *mut rogue_mem_frame_t,
) -> *mut rogue_mem_frame_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(frame) }))
}

/// Gives a reference back.
///
/// @param frame the frame; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_release(frame: *mut rogue_mem_frame_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(frame) };
        Ok(())
    })
}

/// Requests a frame from the slave, to be filled and sent to it.
///
/// @param slave the stream slave.
/// @param size bytes that it must have room for.
/// @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_req_frame(
    slave: *mut rogue_mem_stream_slave_t,
    size: u32,
    zero_copy: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(slave.accept_req(size, convert::is_set(zero_copy))?));
        Ok(())
    })
}

/// Makes a frame from the slave's own pool, even if the slave has an accept_req, which may call
/// this.
///
/// @param slave the stream slave.
/// @param size bytes that it must have room for.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_req_local_frame(
    slave: *mut rogue_mem_stream_slave_t,
    size: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(slave.base().pool().request(size)?));
        Ok(())
    })
}

/// The number of frames received.
///
/// @param slave the stream slave.
/// @return frames; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_frame_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().frame_count()) }
}

/// The payload of the frames received.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_byte_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().byte_count()) }
}

/// Logs the start of each later frame that arrives, at ROGUE_MEM_LOG_CRITICAL: its size, its error
/// and its first bytes in hexadecimal digits. Slaves that are a part of a transport log nothing.
///
/// @param slave the stream slave.
/// @param bytes number of bytes at most; 0 = nothing is logged, as at first.
/// @param name name of the logger, copied; see rogue_mem_logger_new.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_debug(
    slave: *mut rogue_mem_stream_slave_t,
    bytes: u32,
    name: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        slave.base().set_debug(bytes, name);
        Ok(())
    })
}

/// Counts the slave's buffers that are in use by frames now. A frame has one, or with a fixed size
/// as many as its room takes.
///
/// @param slave the stream slave.
/// @return number of buffers; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_count()) }
}

/// Counts the bytes of the slave's buffers that are in use by frames now.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_bytes(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_bytes()) }
}

/// The size of the slave's buffers.
///
/// @param slave the stream slave.
/// @return bytes, 0 = as large as asked for; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_fixed_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().fixed_size()) }
}

/// Sets the size of the slave's buffers: later frames have as many as their room takes.
///
/// @param slave the stream slave; NULL is an error.
/// @param bytes size of each; 0 = as large as asked for, as it is at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_fixed_size(
    slave: *mut rogue_mem_stream_slave_t,
    bytes: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_fixed_size(bytes)) }
}

/// How many buffers of the fixed size are kept to be used again.
///
/// @param slave the stream slave.
/// @return number of buffers at most; 0 if slave is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_pool_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().pool_size()) }
}

/// Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that were
/// never written may then be those of an earlier one.
///
/// @param slave the stream slave; NULL is an error.
/// @param count number of buffers at most; it is 0 at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_pool_size(
    slave: *mut rogue_mem_stream_slave_t,
    count: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_pool_size(count)) }
}

/// Adds a reference.
///
/// @param slave the stream slave; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_retain(
    slave: *mut rogue_mem_stream_slave_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Stream masters that the slave is connected to keep it alive.
///
/// @param slave the stream slave; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_release(slave: *mut rogue_mem_stream_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}

/// Makes a stream master without slaves.
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_new(
    out: *mut *mut rogue_mem_stream_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Master::new()));
        Ok(())
    })
}

/// Connects a further slave. The first one connected supplies requested frames, and receives each
/// frame last.
///
/// @param master the stream master.
/// @param slave the stream slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond
/// 1024 slaves.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_add_slave(
    master: *mut rogue_mem_stream_master_t,
    slave: *mut rogue_mem_stream_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        master.add_slave(slave.0.clone())
    })
}

/// The number of connected slaves.
///
/// @param master the stream master.
/// @return slaves; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_slave_count(
    master: *const rogue_mem_stream_master_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.slave_count() as u32) }
}

/// Requests a frame, to be filled and sent, from the slave that was connected first. Without a
/// slave the master makes the frame itself.
///
/// @param master the stream master.
/// @param size bytes that it must have room for.
/// @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_req_frame(
    master: *mut rogue_mem_stream_master_t,
    size: u32,
    zero_copy: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(master.req_frame(size, convert::is_set(zero_copy))?));
        Ok(())
    })
}

/// Disconnects all slaves. Frames sent from then on are discarded.
///
/// @param master the stream master; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_stop(master: *mut rogue_mem_stream_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.stop()) }
}

/// Adds a reference.
///
/// @param master the stream master; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_retain(
    master: *mut rogue_mem_stream_master_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(master) }))
}

/// Gives a reference back.
///
/// @param master the stream master; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_release(master: *mut rogue_mem_stream_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}

/// Makes a port from its two ends.
///
/// @param master the sending end; the port takes a reference of its own.
/// @param slave the receiving end; the port takes a reference of its own.
/// @param out receives the port, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_new(
    master: *mut rogue_mem_stream_master_t,
    slave: *mut rogue_mem_stream_slave_t,
    out: *mut *mut rogue_mem_stream_port_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(stream::Port::new((*master).clone(), slave.0.clone()))));
        Ok(())
    })
}

/// The sending end of a port.
///
/// @param port the port.
/// @return the stream master, a new reference; NULL if port is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_master(
    port: *const rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(port, |port| into_handle(port.stream_master())) }
}

/// The receiving end of a port.
///
/// @param port the port.
/// @return the stream slave, a new reference; NULL if port is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_slave(
    port: *const rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(port, |port| stream_slave_handle(port.stream_slave())) }
}

/// Connects two ports in both directions: each receives the frames that the other one sends. A port
/// connected with itself receives its own frames.
///
/// @param port one port. Both may be released afterwards: the connection lasts until the masters
/// are stopped, or gone.
/// @param other the other port.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if a
/// master has 1024 slaves already; one direction may then be connected.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_connect(
    port: *mut rogue_mem_stream_port_t,
    other: *mut rogue_mem_stream_port_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let port = unsafe { call.handle(port) }?;
        // SAFETY: null or live, as the header demands.
        let other = unsafe { call.handle(other) }?;
        stream::connect(&**port, &**other)
    })
}

/// Adds a reference.
///
/// @param port the port; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_retain(
    port: *mut rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(port) }))
}

/// Gives a reference back. Its connections remain.
///
/// @param port the port; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_release(port: *mut rogue_mem_stream_port_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(port) };
        Ok(())
    })
}

/// Options of a stream server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_server_options_t {
    /// sizeof(rogue_mem_stream_server_options_t).
    pub size: usize,
    /// Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
    /// until half of it is free. One frame is always allowed. 0 = 4 MiB.
    pub queue_bytes_max: u64,
    /// Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
    /// 0 = 256 MiB.
    pub frame_bytes_max: u64,
    /// Stack size of its thread, in bytes; the receivers of its frames run on it. At least 2 MiB.
    /// 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is
    /// dropped, counted, and logged. 0 = as long as it takes, as in Rogue.
    /// ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.
    pub send_wait_ms_max: u32,
    /// Microseconds for which its thread polls before it sleeps, which keeps a processor busy.
    /// 0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
    pub legacy: u32,
    /// Milliseconds for which the connections of one address must have been unambiguous before they
    /// are paired, if ports and processes do not decide; 0 = 400.
    pub settle_ms: u32,
    /// Maximum number of clients; 0 = 1024.
    pub clients_max: u32,
    /// Descriptors that the server leaves to the program, see rogue_mem_tcp_server_options_t.
    pub descriptors_reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_server_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_stream_server_options_t {
    type Chosen = crate::bridge::StreamServerOptions;

    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.queue_bytes_max != 0 {
            options.limits.queue_bytes_max = convert::bytes(self.queue_bytes_max);
        }
        if self.frame_bytes_max != 0 {
            options.limits.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.send_wait_ms_max != 0 {
            options.limits.send_wait_max = convert::wait(self.send_wait_ms_max);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.legacy != 0 {
            options.legacy = legacy(call, self.legacy)?;
        }
        if self.settle_ms != 0 {
            options.settle = convert::milliseconds(self.settle_ms);
        }
        if self.clients_max != 0 {
            options.clients_max = convert::count(self.clients_max);
        }
        if self.descriptors_reserved != 0 {
            options.descriptors_reserved = convert::number(self.descriptors_reserved);
        }
        Ok(options)
    }
}

/// Counters of a stream server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_server_stats_t {
    /// sizeof(rogue_mem_stream_server_stats_t).
    pub size: usize,
    /// Peers connected now: the clients of a server; of a client, its server.
    pub peers: u64,
    /// Open connections of a server that belong to no client yet.
    pub held: u64,
    /// Peers that have connected.
    pub connects: u64,
    /// Peers that have disconnected.
    pub disconnects: u64,
    /// Frames received and passed on.
    pub frames_in: u64,
    /// Bytes of their payload.
    pub bytes_in: u64,
    /// Frames sent, which means: taken by the system.
    pub frames_out: u64,
    /// Bytes of their payload.
    pub bytes_out: u64,
    /// Frames accepted and not yet sent.
    pub queued: u64,
    /// Received frames that were dropped: too large, or without a receiver.
    pub dropped_in: u64,
    /// Frames to be sent that were dropped: the object was stopped, the sender's wait ended, or a
    /// connection was lost before they were sent completely.
    pub dropped_out: u64,
    /// Messages received that are no frames.
    pub malformed: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_server_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the server has done so far.
///
/// @param server the server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_stats(
    server: *const rogue_mem_stream_server_t,
    stats: *mut rogue_mem_stream_server_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = server.stats();
        out.set(&rogue_mem_stream_server_stats_t {
            size: 0,
            peers: now.peers,
            held: now.held,
            connects: now.connects,
            disconnects: now.disconnects,
            frames_in: now.frames_in,
            bytes_in: now.bytes_in,
            frames_out: now.frames_out,
            bytes_out: now.bytes_out,
            queued: now.queued,
            dropped_in: now.dropped_in,
            dropped_out: now.dropped_out,
            malformed: now.malformed,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param server the server; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_retain(
    server: *mut rogue_mem_stream_server_t,
) -> *mut rogue_mem_stream_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(server) }))
}

/// Gives a reference back. The server runs as long as it or the slave of its stream port has a
/// reference, also that of a connected stream master.
///
/// @param server the server; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_release(server: *mut rogue_mem_stream_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(server) };
        Ok(())
    })
}

/// Options of a stream client. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_client_options_t {
    /// sizeof(rogue_mem_stream_client_options_t).
    pub size: usize,
    /// Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
    /// until half of it is free. One frame is always allowed. 0 = 4 MiB.
    pub queue_bytes_max: u64,
    /// Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
    /// 0 = 256 MiB.
    pub frame_bytes_max: u64,
    /// Stack size of its thread, in bytes; the receivers of its frames run on it. At least 2 MiB.
    /// 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is
    /// dropped, counted, and logged. 0 = as long as it takes, as in Rogue.
    /// ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.
    pub send_wait_ms_max: u32,
    /// Microseconds for which its thread polls before it sleeps, which keeps a processor busy.
    /// 0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_client_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_stream_client_options_t {
    type Chosen = crate::bridge::StreamClientOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.queue_bytes_max != 0 {
            options.limits.queue_bytes_max = convert::bytes(self.queue_bytes_max);
        }
        if self.frame_bytes_max != 0 {
            options.limits.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.send_wait_ms_max != 0 {
            options.limits.send_wait_max = convert::wait(self.send_wait_ms_max);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        Ok(options)
    }
}

/// Counters of a stream client. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_client_stats_t {
    /// sizeof(rogue_mem_stream_client_stats_t).
    pub size: usize,
    /// Peers connected now: the clients of a server; of a client, its server.
    pub peers: u64,
    /// Open connections of a server that belong to no client yet.
    pub held: u64,
    /// Peers that have connected.
    pub connects: u64,
    /// Peers that have disconnected.
    pub disconnects: u64,
    /// Frames received and passed on.
    pub frames_in: u64,
    /// Bytes of their payload.
    pub bytes_in: u64,
    /// Frames sent, which means: taken by the system.
    pub frames_out: u64,
    /// Bytes of their payload.
    pub bytes_out: u64,
    /// Frames accepted and not yet sent.
    pub queued: u64,
    /// Received frames that were dropped: too large, or without a receiver.
    pub dropped_in: u64,
    /// Frames to be sent that were dropped: the object was stopped, the sender's wait ended, or a
    /// connection was lost before they were sent completely.
    pub dropped_out: u64,
    /// Messages received that are no frames.
    pub malformed: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_client_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client has done so far.
///
/// @param client the client.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_stats(
    client: *const rogue_mem_stream_client_t,
    stats: *mut rogue_mem_stream_client_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = client.stats();
        out.set(&rogue_mem_stream_client_stats_t {
            size: 0,
            peers: now.peers,
            held: now.held,
            connects: now.connects,
            disconnects: now.disconnects,
            frames_in: now.frames_in,
            bytes_in: now.bytes_in,
            frames_out: now.frames_out,
            bytes_out: now.bytes_out,
            queued: now.queued,
            dropped_in: now.dropped_in,
            dropped_out: now.dropped_out,
            malformed: now.malformed,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param client the client; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_retain(
    client: *mut rogue_mem_stream_client_t,
) -> *mut rogue_mem_stream_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(client) }))
}

/// Gives a reference back. The client runs as long as it or the slave of its stream port has a
/// reference, also that of a connected stream master.
///
/// @param client the client; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_release(client: *mut rogue_mem_stream_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(client) };
        Ok(())
    })
}

/// Makes a fifo, and starts its thread.
///
/// @param depth_max maximum number of queued frames; 0 = not limited.
/// @param trim_bytes bytes to which copies are cut; 0 = not cut.
/// @param no_copy a flag: whether the frames themselves are queued, whole. Their sender and their
/// other receivers must leave them alone then. Otherwise each is copied on arrival, with flags,
/// channel and error, into a frame from the first receiver.
/// @param out receives the fifo, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
/// system refuses a thread.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_new(
    depth_max: u32,
    trim_bytes: u32,
    no_copy: u32,
    out: *mut *mut rogue_mem_fifo_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Fifo::new(depth_max, trim_bytes, convert::is_set(no_copy))?));
        Ok(())
    })
}

/// The stream port of the fifo: receives frames, and sends them on.
///
/// @param fifo the fifo.
/// @return the port, a new reference, which keeps the fifo alive; NULL if fifo is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_stream_port(
    fifo: *const rogue_mem_fifo_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| into_handle(Arc::new(stream::Port::of(&**fifo)))) }
}

/// The number of queued frames.
///
/// @param fifo the fifo.
/// @return frames; 0 if fifo is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_size(fifo: *const rogue_mem_fifo_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.size() as u64) }
}

/// The number of dropped frames: because the queue was full, or because a copy could not be made,
/// which the log says.
///
/// @param fifo the fifo.
/// @return frames; 0 if fifo is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_dropped(fifo: *const rogue_mem_fifo_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.dropped()) }
}

/// Sets the number of dropped frames to 0.
///
/// @param fifo the fifo; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_clear_dropped(fifo: *mut rogue_mem_fifo_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.clear_dropped()) }
}

/// Stops the fifo: ends its thread, drops queued and later frames, and disconnects its receivers.
/// Further calls do nothing.
///
/// @param fifo the fifo; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_stop(fifo: *mut rogue_mem_fifo_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.stop()) }
}

/// Adds a reference.
///
/// @param fifo the fifo; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_retain(
    fifo: *mut rogue_mem_fifo_t,
) -> *mut rogue_mem_fifo_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(fifo) }))
}

/// Gives a reference back. The fifo and its thread exist as long as its stream port does.
///
/// @param fifo the fifo; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_release(fifo: *mut rogue_mem_fifo_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(fifo) };
        Ok(())
    })
}

/// Makes a filter.
///
/// @param drop_errors a flag: whether frames with an error are dropped too.
/// @param channel the channel whose frames pass.
/// @param out receives the filter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_new(
    drop_errors: u32,
    channel: u8,
    out: *mut *mut rogue_mem_filter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Filter::new(convert::is_set(drop_errors), channel)));
        Ok(())
    })
}

/// The stream port of the filter: receives frames, and sends on those that pass.
///
/// @param filter the filter.
/// @return the port, a new reference, which keeps the filter alive; NULL if filter is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_stream_port(
    filter: *const rogue_mem_filter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(filter, |filter| into_handle(Arc::new(stream::Port::of(&**filter)))) }
}

/// Adds a reference.
///
/// @param filter the filter; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_retain(
    filter: *mut rogue_mem_filter_t,
) -> *mut rogue_mem_filter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(filter) }))
}

/// Gives a reference back. The filter exists as long as its stream port does.
///
/// @param filter the filter; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_release(filter: *mut rogue_mem_filter_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(filter) };
        Ok(())
    })
}

/// Makes a rate drop.
///
/// @param is_period a flag: the meaning of value.
/// @param value with is_period, seconds: at most one frame passes in that time, and none in the
/// first one after this call. Without, a number, whose fraction is ignored: as many frames are
/// dropped after each one that passes; the first one passes. 0 passes all frames, either way.
/// @param out receives the rate drop, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if value
/// is negative or not a number.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_new(
    is_period: u32,
    value: f64,
    out: *mut *mut rogue_mem_rate_drop_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::RateDrop::new(convert::is_set(is_period), value)?));
        Ok(())
    })
}

/// The stream port of the rate drop: receives frames, and sends on those that pass.
///
/// @param rate_drop the rate drop.
/// @return the port, a new reference, which keeps the rate drop alive; NULL if rate_drop is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_stream_port(
    rate_drop: *const rogue_mem_rate_drop_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rate_drop, |rate_drop| into_handle(Arc::new(stream::Port::of(&**rate_drop)))) }
}

/// Adds a reference.
///
/// @param rate_drop the rate drop; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_retain(
    rate_drop: *mut rogue_mem_rate_drop_t,
) -> *mut rogue_mem_rate_drop_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(rate_drop) }))
}

/// Gives a reference back. The rate drop exists as long as its stream port does.
///
/// @param rate_drop the rate drop; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_release(rate_drop: *mut rogue_mem_rate_drop_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(rate_drop) };
        Ok(())
    })
}

/// Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
///
/// @param out receives the object, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_new(
    out: *mut *mut rogue_mem_srp_v3_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::SrpV3::new()));
        Ok(())
    })
}

/// The object as a memory slave, for masters to connect to.
///
/// @param srp the object.
/// @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_slave(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| slave_handle(srp.clone())) }
}

/// The stream port of the object: sends requests, and receives answers.
///
/// @param srp the object.
/// @return the port, a new reference, which does not keep the object alive; NULL if srp is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stream_port(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| into_handle(Arc::new(stream::Port::of(&**srp)))) }
}

/// Sets the time that later requests allow the device to wait for its own bus.
///
/// @param srp the object; NULL is an error.
/// @param timeout in units of 100 ms; 0 = no limit. The default is 10.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_set_hardware_timeout(
    srp: *mut rogue_mem_srp_v3_t,
    timeout: u8,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.set_hardware_timeout(timeout)) }
}

/// Disconnects the stream and fails all outstanding transactions. Later ones fail at once, until a
/// stream is connected again. Further calls do nothing.
///
/// @param srp the object; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stop(srp: *mut rogue_mem_srp_v3_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.stop()) }
}

/// Adds a reference.
///
/// @param srp the object; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_retain(
    srp: *mut rogue_mem_srp_v3_t,
) -> *mut rogue_mem_srp_v3_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(srp) }))
}

/// Gives a reference back. Release of the last reference stops the object.
///
/// @param srp the object; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_release(srp: *mut rogue_mem_srp_v3_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(srp) };
        Ok(())
    })
}

/// Makes an SRPv3 device with empty memory, and starts its thread.
///
/// @param options_or_null the options, copied. NULL: the defaults.
/// @param out receives the device, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// options with a wrong size or a value out of range; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_new(
    options_or_null: *const rogue_mem_srp_v3_emulation_options_t,
    out: *mut *mut rogue_mem_srp_v3_emulation_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::protocols::SrpV3Emulation::with_options(options_or_null)?));
        Ok(())
    })
}

/// The stream port of the device: receives requests, and sends answers.
///
/// @param device the device.
/// @return the port, a new reference, which keeps the device alive; NULL if device is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stream_port(
    device: *const rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| into_handle(Arc::new(stream::Port::of(&**device)))) }
}

/// Stops the device: ends its thread, and drops waiting and later requests. Further calls do
/// nothing.
///
/// @param device the device; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stop(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| device.stop()) }
}

/// Options of an emulated device. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_srp_v3_emulation_options_t {
    /// sizeof(rogue_mem_srp_v3_emulation_options_t).
    pub size: usize,
    /// Stack size of the device's thread, in bytes; the receivers of its answers run on it. At
    /// least 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Microseconds for which a request waits before it is carried out, at least; the system's
    /// timers may add some 100. Waiting requests overlap, as in firmware that has several accesses
    /// under way: each is carried out, in order of arrival, so long after its own arrival.
    /// 0 = none.
    pub latency_us: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_srp_v3_emulation_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_srp_v3_emulation_options_t {
    type Chosen = crate::protocols::SrpV3EmulationOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.latency_us != 0 {
            options.latency = convert::microseconds(self.latency_us);
        }
        Ok(options)
    }
}

/// Adds a reference.
///
/// @param device the device; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_retain(
    device: *mut rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_srp_v3_emulation_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(device) }))
}

/// Gives a reference back. The device and its thread exist as long as its stream port does.
///
/// @param device the device; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_release(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(device) };
        Ok(())
    })
}

/// Adds a reference.
///
/// @param srp the object; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_retain(
    srp: *mut rogue_mem_srp_v0_t,
) -> *mut rogue_mem_srp_v0_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(srp) }))
}

/// Gives a reference back. Release of the last reference stops the object.
///
/// @param srp the object; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_release(srp: *mut rogue_mem_srp_v0_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(srp) };
        Ok(())
    })
}

/// Options of a packetizer. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_packetizer_options_t {
    /// sizeof(rogue_mem_packetizer_options_t).
    pub size: usize,
    /// A flag: whether frames do not follow the SSI convention. Otherwise the start of a sent frame
    /// is marked in its first user byte (0x02), and a received frame whose last user byte has 0x01
    /// set, because it ended in an error, gets the error 0x80.
    pub no_ssi: u32,
    /// A flag: whether packets of version 2 are received without a look at their CRC. Otherwise
    /// those without a right one are dropped.
    pub no_crc_check: u32,
    /// A flag: whether packets of version 2 are sent without a CRC.
    pub no_crc: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_packetizer_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_packetizer_options_t {
    type Chosen = crate::protocols::PacketizerOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.no_ssi != 0 {
            options.ssi = convert::is_clear(self.no_ssi);
        }
        if self.no_crc_check != 0 {
            options.check_crc = convert::is_clear(self.no_crc_check);
        }
        if self.no_crc != 0 {
            options.send_crc = convert::is_clear(self.no_crc);
        }
        Ok(options)
    }
}

/// Counters of a packetizer. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_packetizer_stats_t {
    /// sizeof(rogue_mem_packetizer_stats_t).
    pub size: usize,
    /// Frames sent.
    pub frames_sent: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Frames that could not be sent: marked as faulty, empty, or without a transport.
    pub frames_refused: u64,
    /// Packets received, dropped ones included.
    pub packets_received: u64,
    /// Frames delivered.
    pub frames_received: u64,
    /// Packets dropped, and, with version 2, unfinished frames that were; modulo 2^32.
    pub dropped: u64,
    /// Packets dropped for their CRC; modulo 2^32.
    pub crc_errors: u64,
    /// Unfinished frames dropped because another one began or the link was lost, or for their size;
    /// modulo 2^32.
    pub abandoned: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_packetizer_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the packetizer has done so far.
///
/// @param packetizer the packetizer.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_stats(
    packetizer: *const rogue_mem_packetizer_t,
    stats: *mut rogue_mem_packetizer_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let packetizer = unsafe { call.handle(packetizer) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = packetizer.stats();
        out.set(&rogue_mem_packetizer_stats_t {
            size: 0,
            frames_sent: now.frames_sent,
            packets_sent: now.packets_sent,
            frames_refused: now.frames_refused,
            packets_received: now.packets_received,
            frames_received: now.frames_received,
            dropped: now.dropped,
            crc_errors: now.crc_errors,
            abandoned: now.abandoned,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param packetizer the packetizer; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_retain(
    packetizer: *mut rogue_mem_packetizer_t,
) -> *mut rogue_mem_packetizer_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(packetizer) }))
}

/// Gives a reference back. Its ports work as long as they are connected.
///
/// @param packetizer the packetizer; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_release(packetizer: *mut rogue_mem_packetizer_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(packetizer) };
        Ok(())
    })
}

/// Counters of a generator and checker. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_prbs_stats_t {
    /// sizeof(rogue_mem_prbs_stats_t).
    pub size: usize,
    /// Frames sent; modulo 2^32.
    pub tx_count: u64,
    /// Frames that could not be sent; modulo 2^32.
    pub tx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Good frames received; modulo 2^32.
    pub rx_count: u64,
    /// Bad frames received; modulo 2^32.
    pub rx_errors: u64,
    /// Bytes of good frames received.
    pub rx_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_prbs_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the object has done so far.
///
/// @param prbs the object.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_stats(
    prbs: *const rogue_mem_prbs_t,
    stats: *mut rogue_mem_prbs_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = prbs.stats();
        out.set(&rogue_mem_prbs_stats_t {
            size: 0,
            tx_count: now.tx_count,
            tx_errors: now.tx_errors,
            tx_bytes: now.tx_bytes,
            rx_count: now.rx_count,
            rx_errors: now.rx_errors,
            rx_bytes: now.rx_bytes,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param prbs the object; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_retain(
    prbs: *mut rogue_mem_prbs_t,
) -> *mut rogue_mem_prbs_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(prbs) }))
}

/// Gives a reference back. Release of the last reference ends its thread.
///
/// @param prbs the object; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_release(prbs: *mut rogue_mem_prbs_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(prbs) };
        Ok(())
    })
}

/// Starts an event loop.
///
/// @param name the name of its thread, of which the system may show the first 15 bytes.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the event loop, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system
/// refuses descriptors, memory or the thread.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_new(
    name: *const c_char,
    options_or_null: *const rogue_mem_event_loop_options_t,
    out: *mut *mut rogue_mem_event_loop_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::net::EventLoop::with_options(name, options_or_null)?));
        Ok(())
    })
}

/// Options of an event loop. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_event_loop_options_t {
    /// sizeof(rogue_mem_event_loop_options_t).
    pub size: usize,
    /// Microseconds for which the thread polls for the next event before it sleeps, which keeps a
    /// processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Stack size of the thread, in bytes; the receivers of frames run on it. At least 2 MiB.
    /// 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_event_loop_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_event_loop_options_t {
    type Chosen = crate::net::EventLoopOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Adds a reference.
///
/// @param event_loop the event loop; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_retain(
    event_loop: *mut rogue_mem_event_loop_t,
) -> *mut rogue_mem_event_loop_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(event_loop) }))
}

/// Gives a reference back. The thread ends with the last reference and the last object that uses
/// it.
///
/// @param event_loop the event loop; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_release(event_loop: *mut rogue_mem_event_loop_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(event_loop) };
        Ok(())
    })
}

/// Options of a client or server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_udp_options_t {
    /// sizeof(rogue_mem_udp_options_t).
    pub size: usize,
    /// A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
    /// instead of 1472.
    pub jumbo: u32,
    /// Microseconds for which the object's thread polls for the next datagram before it sleeps,
    /// which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// The event loop in place of a thread of the object's own; the library takes a reference.
    /// spin_us and stack_bytes then have no effect. NULL: a thread of its own.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the object's thread, in bytes; the receivers of frames run on it. At least 2
    /// MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_udp_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_udp_options_t {
    type Chosen = crate::protocols::UdpOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.jumbo != 0 {
            options.jumbo = convert::is_set(self.jumbo);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.event_loop) } {
            options.event_loop = Some(Arc::clone(&object));
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Counters and sizes of a client or server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_udp_stats_t {
    /// sizeof(rogue_mem_udp_stats_t).
    pub size: usize,
    /// Datagrams received and delivered.
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Datagrams that wait for room in the socket now.
    pub queued: u64,
    /// Datagrams dropped because they exceed the largest payload.
    pub oversized: u64,
    /// Datagrams dropped because others than the peer sent them: to a client, or to a server whose
    /// receiver holds a link with the peer.
    pub strangers: u64,
    /// Frames and datagrams not sent: in error, without a peer, refused by the system, too many, or
    /// after the end.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
    /// Datagrams that the system has dropped because the receive buffer was full; 0 where it does
    /// not say.
    pub overflows: u64,
    /// Bytes of the receive buffer; 0 after the end.
    pub receive_buffer_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_udp_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client or server has done so far.
///
/// @param udp the client or server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_stats(
    udp: *const rogue_mem_udp_t,
    stats: *mut rogue_mem_udp_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let udp = unsafe { call.handle(udp) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = udp.stats();
        out.set(&rogue_mem_udp_stats_t {
            size: 0,
            datagrams_in: now.datagrams_in,
            bytes_in: now.bytes_in,
            datagrams_out: now.datagrams_out,
            bytes_out: now.bytes_out,
            queued: now.queued,
            oversized: now.oversized,
            strangers: now.strangers,
            unsent: now.unsent,
            network_errors: now.network_errors,
            overflows: now.overflows,
            receive_buffer_bytes: now.receive_buffer_bytes,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param udp the client or server; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_retain(udp: *mut rogue_mem_udp_t) -> *mut rogue_mem_udp_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(udp) }))
}

/// Gives a reference back. It exists as long as a stream master sends to its port.
///
/// @param udp the client or server; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_release(udp: *mut rogue_mem_udp_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(udp) };
        Ok(())
    })
}

/// Version 1, as in Rogue.
pub const ROGUE_MEM_PACK_VERSION_DEFAULT: u32 = 0;
/// The packetizer's version 1: one frame at a time, without a checksum.
pub const ROGUE_MEM_PACK_VERSION_1: u32 = 1;
/// The packetizer's version 2: destinations interleave, and packets have a CRC.
pub const ROGUE_MEM_PACK_VERSION_2: u32 = 2;

fn pack_version(call: Call, number: u32) -> Result<crate::protocols::PacketizerVersion> {
    match number {
        ROGUE_MEM_PACK_VERSION_DEFAULT => Ok(crate::protocols::PacketizerVersion::V1),
        ROGUE_MEM_PACK_VERSION_1 => Ok(crate::protocols::PacketizerVersion::V1),
        ROGUE_MEM_PACK_VERSION_2 => Ok(crate::protocols::PacketizerVersion::V2),
        _ => {
            let text = format!("option `pack_version` is {number}; use ROGUE_MEM_PACK_VERSION_...");
            Err(call.error(Status::InvalidArgument, text))
        }
    }
}

/// Options of a road. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_board_options_t {
    /// sizeof(rogue_mem_board_options_t).
    pub size: usize,
    /// A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
    /// instead of 1472.
    pub jumbo: u32,
    /// ROGUE_MEM_PACK_VERSION_...: the packetizer's version, which both ends must have.
    pub pack_version: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_ssi: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_crc_check: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_crc: u32,
    /// Segments that the peer may have under way, at most 255; 0 = RSSI's default, 32.
    pub max_buffers: u32,
    /// Milliseconds after which a segment is acknowledged at the latest; 0 = 5.
    pub cum_ack_timeout_ms: u32,
    /// Milliseconds after which a segment is sent again; 0 = 20.
    pub retran_timeout_ms: u32,
    /// Milliseconds without a segment after which the peer takes the link for lost; 0 = 1000.
    pub null_timeout_ms: u32,
    /// How often a segment is sent again before the link is taken for lost, at most 255; 0 = 15.
    pub max_retran: u32,
    /// Segments acknowledged together at most; 0 = 2.
    pub max_cum_ack: u32,
    /// Milliseconds between two attempts to open the link; 0 = 100.
    pub try_period_ms: u32,
    /// Microseconds for which the road's thread polls for the next datagram before it sleeps, which
    /// keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The event loop in place of a thread of the road's own, which several roads may share; the
    /// library takes a reference. A receiver of frames that blocks then stalls them all. spin_us
    /// then has no effect. NULL: a thread of its own.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the road's thread, in bytes; the receivers of frames run on it, and an
    /// observer on one of the same size. At least 2 MiB. 0 = the size of other threads of the
    /// process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_board_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_board_options_t {
    type Chosen = crate::protocols::UdpRssiPackOptions;

    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.jumbo != 0 {
            options.jumbo = convert::is_set(self.jumbo);
        }
        if self.pack_version != 0 {
            options.version = pack_version(call, self.pack_version)?;
        }
        if self.no_ssi != 0 {
            options.packetizer.ssi = convert::is_clear(self.no_ssi);
        }
        if self.no_crc_check != 0 {
            options.packetizer.check_crc = convert::is_clear(self.no_crc_check);
        }
        if self.no_crc != 0 {
            options.packetizer.send_crc = convert::is_clear(self.no_crc);
        }
        if self.max_buffers != 0 {
            options.max_buffers = convert::number(self.max_buffers);
        }
        if self.cum_ack_timeout_ms != 0 {
            options.cum_ack_timeout_ms = convert::number(self.cum_ack_timeout_ms);
        }
        if self.retran_timeout_ms != 0 {
            options.retran_timeout_ms = convert::number(self.retran_timeout_ms);
        }
        if self.null_timeout_ms != 0 {
            options.null_timeout_ms = convert::number(self.null_timeout_ms);
        }
        if self.max_retran != 0 {
            options.max_retran = convert::number(self.max_retran);
        }
        if self.max_cum_ack != 0 {
            options.max_cum_ack = convert::number(self.max_cum_ack);
        }
        if self.try_period_ms != 0 {
            options.try_period_ms = convert::number(self.try_period_ms);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.event_loop) } {
            options.event_loop = Some(Arc::clone(&object));
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// State and counters of a road at a glance. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_board_stats_t {
    /// sizeof(rogue_mem_board_stats_t).
    pub size: usize,
    /// Whether the link is open: 1 or 0.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost.
    pub down_count: u64,
    /// Median of the latest round trips, in nanoseconds: from a segment to its acknowledgement,
    /// which the peer may delay.
    pub round_trip_p50_ns: u64,
    /// 99th percentile of these.
    pub round_trip_p99_ns: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Microseconds for which this end could not take more.
    pub local_busy_us: u64,
    /// Microseconds for which the peer could not.
    pub remote_busy_us: u64,
    /// Frames delivered to the destinations.
    pub frames_in: u64,
    /// Frames of the destinations sent.
    pub frames_out: u64,
    /// Bytes of datagrams received.
    pub bytes_in: u64,
    /// Bytes of datagrams sent.
    pub bytes_out: u64,
    /// Datagrams that the system has dropped because the receive buffer was full.
    pub dropped_overflow: u64,
    /// Datagrams dropped because they are too long, or others than the peer sent them.
    pub dropped_datagrams: u64,
    /// Segments dropped because their form or their checksum is wrong.
    pub dropped_corrupt: u64,
    /// Segments dropped because they had arrived before.
    pub dropped_duplicates: u64,
    /// Segments dropped because they do not belong to the link, forged ones among them.
    pub dropped_stray: u64,
    /// Packets dropped, and unfinished frames that were.
    pub dropped_packets: u64,
    /// Frames not sent: the link was closed, or they were refused.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_board_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the road to the board has done so far.
///
/// @param board the road to the board.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_stats(
    board: *const rogue_mem_board_t,
    stats: *mut rogue_mem_board_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let board = unsafe { call.handle(board) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = board.stats();
        out.set(&rogue_mem_board_stats_t {
            size: 0,
            open: now.open,
            open_count: now.open_count,
            down_count: now.down_count,
            round_trip_p50_ns: now.round_trip_p50_ns,
            round_trip_p99_ns: now.round_trip_p99_ns,
            retransmits: now.retransmits,
            local_busy_us: now.local_busy_us,
            remote_busy_us: now.remote_busy_us,
            frames_in: now.frames_in,
            frames_out: now.frames_out,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
            dropped_overflow: now.dropped_overflow,
            dropped_datagrams: now.dropped_datagrams,
            dropped_corrupt: now.dropped_corrupt,
            dropped_duplicates: now.dropped_duplicates,
            dropped_stray: now.dropped_stray,
            dropped_packets: now.dropped_packets,
            unsent: now.unsent,
            network_errors: now.network_errors,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param board the road to the board; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_retain(
    board: *mut rogue_mem_board_t,
) -> *mut rogue_mem_board_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(board) }))
}

/// Gives a reference back. The road works as long as a stream master sends to one of its ports.
///
/// @param board the road to the board; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_release(board: *mut rogue_mem_board_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(board) };
        Ok(())
    })
}

/// Options of a client or server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_rssi_options_t {
    /// sizeof(rogue_mem_rssi_options_t).
    pub size: usize,
    /// The event loop that runs the link's timers, in place of a thread of the object's own; the
    /// library takes a reference. If it also brings the datagrams, a receiver of frames that blocks
    /// it for longer than max_retran times retran_timeout_ms, 300 ms by default, costs the link.
    /// NULL: a thread of its own, which tells the peer meanwhile that this end is busy.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the object's thread, and of that which calls its observer, in bytes. At least
    /// 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_rssi_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_rssi_options_t {
    type Chosen = crate::protocols::RssiOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.event_loop) } {
            options.event_loop = Some(Arc::clone(&object));
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// State and counters of a client or server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_rssi_stats_t {
    /// sizeof(rogue_mem_rssi_stats_t).
    pub size: usize,
    /// 1 while the link is open.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost or stopped.
    pub down_count: u64,
    /// Received segments that were dropped, in all; by cause below.
    pub drop_count: u64,
    /// Dropped: shorter than a header, or with an impossible one.
    pub dropped_malformed: u64,
    /// Dropped: a wrong checksum.
    pub dropped_checksum: u64,
    /// Dropped: received before.
    pub dropped_duplicate: u64,
    /// Dropped: a number too far ahead, or an acknowledge of what was not sent.
    pub dropped_out_of_window: u64,
    /// Dropped: an RST with a number that the peer cannot have sent.
    pub dropped_forged_reset: u64,
    /// Dropped: a SYN that has no effect.
    pub dropped_syn: u64,
    /// Dropped: datagrams whose frame had an error. Not part of the sum.
    pub dropped_errored: u64,
    /// Frames not sent: in error, empty, too long, without a link, or too many.
    pub unsent: u64,
    /// Segments sent again.
    pub retran_count: u64,
    /// Acknowledges that were ignored because others were newer.
    pub stale_acks: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Segments that are not acknowledged now.
    pub outstanding: u64,
    /// Frames that wait for room now.
    pub queued: u64,
    /// 1 while this end is busy: its receiver takes nothing.
    pub local_busy: u64,
    /// How often it was.
    pub local_busy_count: u64,
    /// How long it was, in microseconds.
    pub local_busy_us: u64,
    /// 1 while the peer is busy.
    pub remote_busy: u64,
    /// How often it was.
    pub remote_busy_count: u64,
    /// How long it was, in microseconds.
    pub remote_busy_us: u64,
    /// Median of the latest 256 round trips, in nanoseconds; 0 = none.
    pub round_trip_p50_ns: u64,
    /// 99th percentile of these.
    pub round_trip_p99_ns: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_rssi_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client or server has done so far.
///
/// @param rssi the client or server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_stats(
    rssi: *const rogue_mem_rssi_t,
    stats: *mut rogue_mem_rssi_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = rssi.stats();
        out.set(&rogue_mem_rssi_stats_t {
            size: 0,
            open: now.open,
            open_count: now.open_count,
            down_count: now.down_count,
            drop_count: now.drop_count,
            dropped_malformed: now.dropped_malformed,
            dropped_checksum: now.dropped_checksum,
            dropped_duplicate: now.dropped_duplicate,
            dropped_out_of_window: now.dropped_out_of_window,
            dropped_forged_reset: now.dropped_forged_reset,
            dropped_syn: now.dropped_syn,
            dropped_errored: now.dropped_errored,
            unsent: now.unsent,
            retran_count: now.retran_count,
            stale_acks: now.stale_acks,
            frames_out: now.frames_out,
            frames_in: now.frames_in,
            outstanding: now.outstanding,
            queued: now.queued,
            local_busy: now.local_busy,
            local_busy_count: now.local_busy_count,
            local_busy_us: now.local_busy_us,
            remote_busy: now.remote_busy,
            remote_busy_count: now.remote_busy_count,
            remote_busy_us: now.remote_busy_us,
            round_trip_p50_ns: now.round_trip_p50_ns,
            round_trip_p99_ns: now.round_trip_p99_ns,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param rssi the client or server; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_retain(
    rssi: *mut rogue_mem_rssi_t,
) -> *mut rogue_mem_rssi_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(rssi) }))
}

/// Gives a reference back. It runs as long as a stream master sends to its application port.
///
/// @param rssi the client or server; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_release(rssi: *mut rogue_mem_rssi_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(rssi) };
        Ok(())
    })
}

/// The number of records; at least 1.
///
/// @param batch the batch.
/// @return records; 0 if batch is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_count(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.records().len() as u32) }
}

/// The size of what stands before the first record.
///
/// @param batch the batch.
/// @return bytes; 0 if batch is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_header_bytes(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.header_bytes()) }
}

/// The size of the tail behind the data and the padding of each record.
///
/// @param batch the batch.
/// @return bytes; 0 if batch is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_tail_bytes(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.tail_bytes()) }
}

/// The number of the super-frame.
///
/// @param batch the batch.
/// @return the number, modulo 256; 0 if batch is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_sequence(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.sequence().into()) }
}

/// Adds a reference.
///
/// @param batch the batch; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_retain(
    batch: *mut rogue_mem_batch_t,
) -> *mut rogue_mem_batch_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(batch) }))
}

/// Gives a reference back.
///
/// @param batch the batch; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_release(batch: *mut rogue_mem_batch_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(batch) };
        Ok(())
    })
}

/// Makes a combiner of version 1, which pads the data of each record to whole words.
///
/// @param width the width code, 0 to 5: words of 2, 4, 8, 16, 32 or 64 bytes.
/// @param out receives the combiner, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// another width code.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_new_v1(
    width: u8,
    out: *mut *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchCombiner::v1(width)?));
        Ok(())
    })
}

/// Makes a combiner of version 2, without padding.
///
/// @param out receives the combiner, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_new_v2(
    out: *mut *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchCombiner::v2()));
        Ok(())
    })
}

/// The stream port of the combiner: queues frames, and sends super-frames.
///
/// @param combiner the combiner.
/// @return the port, a new reference, which keeps the combiner alive; NULL if combiner is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_stream_port(
    combiner: *const rogue_mem_batch_combiner_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(combiner, |combiner| into_handle(Arc::new(stream::Port::of(&**combiner)))) }
}

/// The number of queued frames.
///
/// @param combiner the combiner.
/// @return frames; 0 if combiner is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_count(
    combiner: *const rogue_mem_batch_combiner_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(combiner, |combiner| combiner.count() as u64) }
}

/// Sends all queued frames as one super-frame, in this thread; nothing if there are none.
/// Super-frames leave in the order of their numbers: a thread waits for the one before it, unless
/// it is in a delivery; then that one sends the batch too.
///
/// @param combiner the combiner.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the error of the first receiver, which gave
/// no frame: the queued frames are lost then, and counted.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_send(
    combiner: *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let combiner = unsafe { call.handle(combiner) }?;
        combiner.send_batch()
    })
}

/// Counters of a combiner. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_combiner_stats_t {
    /// sizeof(rogue_mem_batch_combiner_stats_t).
    pub size: usize,
    /// Frames queued now.
    pub queued: u64,
    /// Super-frames sent.
    pub super_frames: u64,
    /// Frames in them.
    pub frames: u64,
    /// Frames lost: the super-frame would have had more than 2^32 bytes, or its receiver gave no
    /// frame for it.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_combiner_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the combiner has done so far.
///
/// @param combiner the combiner.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_stats(
    combiner: *const rogue_mem_batch_combiner_t,
    stats: *mut rogue_mem_batch_combiner_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let combiner = unsafe { call.handle(combiner) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = combiner.stats();
        out.set(&rogue_mem_batch_combiner_stats_t {
            size: 0,
            queued: now.queued,
            super_frames: now.super_frames,
            frames: now.frames,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param combiner the combiner; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_retain(
    combiner: *mut rogue_mem_batch_combiner_t,
) -> *mut rogue_mem_batch_combiner_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(combiner) }))
}

/// Gives a reference back. The combiner exists as long as its stream port does.
///
/// @param combiner the combiner; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_release(
    combiner: *mut rogue_mem_batch_combiner_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(combiner) };
        Ok(())
    })
}

/// Makes a splitter for super-frames of version 1.
///
/// @param out receives the splitter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_new_v1(
    out: *mut *mut rogue_mem_batch_splitter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchSplitter::v1()));
        Ok(())
    })
}

/// Makes a splitter for super-frames of version 2.
///
/// @param out receives the splitter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_new_v2(
    out: *mut *mut rogue_mem_batch_splitter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchSplitter::v2()));
        Ok(())
    })
}

/// The stream port of the splitter: receives super-frames, and sends frames.
///
/// @param splitter the splitter.
/// @return the port, a new reference, which keeps the splitter alive; NULL if splitter is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_stream_port(
    splitter: *const rogue_mem_batch_splitter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(splitter, |splitter| into_handle(Arc::new(stream::Port::of(&**splitter)))) }
}

/// Counters of a splitter. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_splitter_stats_t {
    /// sizeof(rogue_mem_batch_splitter_stats_t).
    pub size: usize,
    /// Super-frames split.
    pub super_frames: u64,
    /// Frames sent.
    pub frames: u64,
    /// Received frames dropped: with an error, or no super-frames.
    pub dropped: u64,
    /// Records dropped because the receiver gave no frame for them.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_splitter_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the splitter has done so far.
///
/// @param splitter the splitter.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_stats(
    splitter: *const rogue_mem_batch_splitter_t,
    stats: *mut rogue_mem_batch_splitter_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let splitter = unsafe { call.handle(splitter) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = splitter.stats();
        out.set(&rogue_mem_batch_splitter_stats_t {
            size: 0,
            super_frames: now.super_frames,
            frames: now.frames,
            dropped: now.dropped,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param splitter the splitter; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_retain(
    splitter: *mut rogue_mem_batch_splitter_t,
) -> *mut rogue_mem_batch_splitter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(splitter) }))
}

/// Gives a reference back. The splitter exists as long as its stream port does.
///
/// @param splitter the splitter; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_release(
    splitter: *mut rogue_mem_batch_splitter_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(splitter) };
        Ok(())
    })
}

/// Makes an inverter for super-frames of version 1 with width codes 2 to 5.
///
/// @param out receives the inverter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_new_v1(
    out: *mut *mut rogue_mem_batch_inverter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchInverter::v1()));
        Ok(())
    })
}

/// Makes an inverter for super-frames of version 2, of which it moves two bytes of each tail, as
/// Rogue does: the result is of use for one record at most.
///
/// @param out receives the inverter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_new_v2(
    out: *mut *mut rogue_mem_batch_inverter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchInverter::v2()));
        Ok(())
    })
}

/// The stream port of the inverter: receives super-frames, and sends them inverted.
///
/// @param inverter the inverter.
/// @return the port, a new reference, which keeps the inverter alive; NULL if inverter is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_stream_port(
    inverter: *const rogue_mem_batch_inverter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(inverter, |inverter| into_handle(Arc::new(stream::Port::of(&**inverter)))) }
}

/// Counters of an inverter. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_inverter_stats_t {
    /// sizeof(rogue_mem_batch_inverter_stats_t).
    pub size: usize,
    /// Super-frames inverted and sent.
    pub super_frames: u64,
    /// Received frames dropped: with an error, no super-frames, or not invertible.
    pub dropped: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_inverter_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the inverter has done so far.
///
/// @param inverter the inverter.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_stats(
    inverter: *const rogue_mem_batch_inverter_t,
    stats: *mut rogue_mem_batch_inverter_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let inverter = unsafe { call.handle(inverter) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = inverter.stats();
        out.set(&rogue_mem_batch_inverter_stats_t {
            size: 0,
            super_frames: now.super_frames,
            dropped: now.dropped,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param inverter the inverter; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_retain(
    inverter: *mut rogue_mem_batch_inverter_t,
) -> *mut rogue_mem_batch_inverter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(inverter) }))
}

/// Gives a reference back. The inverter exists as long as its stream port does.
///
/// @param inverter the inverter; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_release(
    inverter: *mut rogue_mem_batch_inverter_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(inverter) };
        Ok(())
    })
}

/// Makes a writer without a file, a limit or a buffer.
///
/// @param out receives the writer, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_new(
    out: *mut *mut rogue_mem_file_writer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::files::FileWriter::new()));
        Ok(())
    })
}

/// Creates a data file, or empties one that exists, and sets the counts of the writer and its
/// channels to 0. A file that is open is closed first.
///
/// @param writer the writer.
/// @param path the file; with a size limit, ".1" is appended for the first one, then ".2".
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for the buffer.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_open(
    writer: *mut rogue_mem_file_writer_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        writer.open(path)
    })
}

/// Writes out what is in the buffer and closes the file, if one is open. The counts stay.
///
/// @param writer the writer.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the first failure since the file was
/// opened, once: ROGUE_MEM_ERROR_FILE, or ROGUE_MEM_ERROR_FRAME for a frame that was larger than a
/// file may be. The file is closed all the same.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_close(
    writer: *mut rogue_mem_file_writer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        writer.close()
    })
}

/// Whether a file is open.
///
/// @param writer the writer.
/// @return whether one is; false if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_is_open(
    writer: *const rogue_mem_file_writer_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.is_open()) }
}

/// The first failure since the file was opened, in words; empty if there is none.
///
/// @param writer the writer.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_error(
    writer: *const rogue_mem_file_writer_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(writer, buffer, capacity, length, |writer| writer.error()) }
}

/// Chooses whether the payload of later frames is written alone. Nothing can tell then where one
/// ends.
///
/// @param writer the writer; NULL is an error.
/// @param raw a flag.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_raw(
    writer: *mut rogue_mem_file_writer_t,
    raw: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_raw(convert::is_set(raw))) }
}

/// Whether payload is written alone.
///
/// @param writer the writer.
/// @return whether it is; false if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_raw(writer: *const rogue_mem_file_writer_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.is_raw()) }
}

/// Sets the size of the buffer, in which whole records are collected as long as they fit. What is
/// in it is written out first.
///
/// @param writer the writer.
/// @param bytes the size; 0 = each frame is written at once, as at first.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_FILE.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_buffer_size(
    writer: *mut rogue_mem_file_writer_t,
    bytes: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        writer.set_buffer_bytes(bytes)
    })
}

/// Sets the size limit of each file. A record that would exceed it begins the next file. Set it
/// before the file is opened.
///
/// @param writer the writer; NULL is an error.
/// @param bytes the limit; 0 = none, as at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_max_size(
    writer: *mut rogue_mem_file_writer_t,
    bytes: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_file_bytes_max(bytes)) }
}

/// Chooses whether frames with an error are left out. They are not at first.
///
/// @param writer the writer; NULL is an error.
/// @param drop a flag.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_drop_errors(
    writer: *mut rogue_mem_file_writer_t,
    drop: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_drop_errors(convert::is_set(drop))) }
}

/// The channel with a number, which is made once.
///
/// @param writer the writer.
/// @param number written as the channel of its frames; 0 = they keep their own.
/// @return the channel, a new reference, which keeps the file open; NULL if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_channel(
    writer: *const rogue_mem_file_writer_t,
    number: u8,
) -> *mut rogue_mem_file_channel_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| into_handle(writer.channel(number))) }
}

/// Bytes in all files since the file was opened, those in the buffer included.
///
/// @param writer the writer.
/// @return bytes; 0 if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_total_size(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.total_bytes()) }
}

/// Bytes in the present file, those in the buffer included.
///
/// @param writer the writer.
/// @return bytes; 0 if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_current_size(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.file_bytes()) }
}

/// Bytes written a second, over the last second.
///
/// @param writer the writer.
/// @return bytes a second; 0 while no file is open; 0 if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_bandwidth(
    writer: *const rogue_mem_file_writer_t,
) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.bandwidth()) }
}

/// Frames written since the file was opened, those in the buffer included.
///
/// @param writer the writer.
/// @return frames; 0 if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_frame_count(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.frame_count()) }
}

/// Waits until a number of frames has been written.
///
/// @param writer the writer.
/// @param count the number.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether there are as many; false if writer is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_wait_frame_count(
    writer: *const rogue_mem_file_writer_t,
    count: u64,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.wait_frame_count(count, convert::limit(timeout_us))) }
}

/// Counters of a writer since its file was opened. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_writer_stats_t {
    /// sizeof(rogue_mem_file_writer_stats_t).
    pub size: usize,
    /// Frames written, those in the buffer included.
    pub frames: u64,
    /// Bytes of these in all files.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Frames left out, as they were to be: without payload, or with an error.
    pub skipped: u64,
    /// Frames that came while no file was open.
    pub unopened: u64,
    /// Frames that could not be written, also those that were in the buffer when that failed.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_writer_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the writer has done so far.
///
/// @param writer the writer.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_stats(
    writer: *const rogue_mem_file_writer_t,
    stats: *mut rogue_mem_file_writer_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = writer.stats();
        out.set(&rogue_mem_file_writer_stats_t {
            size: 0,
            frames: now.frames,
            bytes: now.bytes,
            files: now.files,
            skipped: now.skipped,
            unopened: now.unopened,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param writer the writer; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_retain(
    writer: *mut rogue_mem_file_writer_t,
) -> *mut rogue_mem_file_writer_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(writer) }))
}

/// Gives a reference back. The file is closed, with what is in the buffer, when the writer and its
/// channels have no reference any more.
///
/// @param writer the writer; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_release(writer: *mut rogue_mem_file_writer_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(writer) };
        Ok(())
    })
}

/// The channel as a stream slave.
///
/// @param channel the channel.
/// @return the slave, a new reference; NULL if channel is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_slave(
    channel: *const rogue_mem_file_channel_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| stream_slave_handle(channel.clone())) }
}

/// Frames received since the file was opened: also those that were not written, and those that came
/// while no file was open.
///
/// @param channel the channel.
/// @return frames; 0 if channel is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_frame_count(
    channel: *const rogue_mem_file_channel_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.frame_count()) }
}

/// Sets the number of frames received.
///
/// @param channel the channel; NULL is an error.
/// @param count the number.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_set_frame_count(
    channel: *mut rogue_mem_file_channel_t,
    count: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.set_frame_count(count)) }
}

/// Waits until a number of frames has been received.
///
/// @param channel the channel.
/// @param count the number.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether there are as many; false if channel is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_wait_frame_count(
    channel: *const rogue_mem_file_channel_t,
    count: u64,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.wait_frame_count(count, convert::limit(timeout_us))) }
}

/// Adds a reference.
///
/// @param channel the channel; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_retain(
    channel: *mut rogue_mem_file_channel_t,
) -> *mut rogue_mem_file_channel_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(channel) }))
}

/// Gives a reference back. Stream masters that its slave is connected to, and its writer, keep it
/// alive.
///
/// @param channel the channel; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_release(channel: *mut rogue_mem_file_channel_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(channel) };
        Ok(())
    })
}

/// Makes a reader without a file.
///
/// @param options_or_null the options, copied. NULL: the defaults.
/// @param out receives the reader, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// options with a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_new(
    options_or_null: *const rogue_mem_file_reader_options_t,
    out: *mut *mut rogue_mem_file_reader_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::files::FileReader::new(options_or_null)));
        Ok(())
    })
}

/// The stream master that sends the frames.
///
/// @param reader the reader.
/// @return the master, a new reference; NULL if reader is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stream_master(
    reader: *const rogue_mem_file_reader_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| into_handle(reader.stream_master())) }
}

/// Opens a data file and starts to send its frames. A file that is being read is closed first.
///
/// @param reader the reader.
/// @param path a regular file. If it ends in ".1", those that end in ".2", ".3" and so on follow,
/// until one is missing.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a thread.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_open(
    reader: *mut rogue_mem_file_reader_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let reader = unsafe { call.handle(reader) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        reader.open(path)
    })
}

/// Stops after the frame that is being sent, and closes the file. Returns within 100 ms, also if
/// the receiver of that frame does not. Further calls do nothing.
///
/// @param reader the reader; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_close(reader: *mut rogue_mem_file_reader_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.close()) }
}

/// Whether a file is being read: not any more when the last of its frames has been sent.
///
/// @param reader the reader.
/// @return whether one is; false if reader is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_is_open(
    reader: *const rogue_mem_file_reader_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.is_open()) }
}

/// Waits until all frames have been sent, or the reader was closed.
///
/// @param reader the reader.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether that is so; true at once in a delivery by this reader, which would wait for
/// itself; false if reader is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_wait(
    reader: *const rogue_mem_file_reader_t,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.wait(convert::limit(timeout_us))) }
}

/// What was wrong with the file, in words: the first message since it was opened; empty if there is
/// none.
///
/// @param reader the reader.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_error(
    reader: *const rogue_mem_file_reader_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(reader, buffer, capacity, length, |reader| reader.error()) }
}

/// Closes the file, and disconnects the receivers. Further calls do nothing.
///
/// @param reader the reader; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stop(reader: *mut rogue_mem_file_reader_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.stop()) }
}

/// Options of a reader. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_reader_options_t {
    /// sizeof(rogue_mem_file_reader_options_t).
    pub size: usize,
    /// Size limit of a frame, in bytes; larger records are left out, counted and logged. 0 = 256
    /// MiB.
    pub frame_bytes_max: u64,
    /// Stack size of the reader's thread, in bytes; the receivers of its frames run on it. At least
    /// 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_reader_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_file_reader_options_t {
    type Chosen = crate::files::FileReaderOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.frame_bytes_max != 0 {
            options.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Counters of a reader since its file was opened. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_reader_stats_t {
    /// sizeof(rogue_mem_file_reader_stats_t).
    pub size: usize,
    /// Frames sent.
    pub frames: u64,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Records without a payload, which are no frames.
    pub empty: u64,
    /// Records left out: too large, or without a frame from the receiver.
    pub left_out: u64,
    /// 1 if reading has ended before the end of the files.
    pub faults: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_reader_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the reader has done so far.
///
/// @param reader the reader.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stats(
    reader: *const rogue_mem_file_reader_t,
    stats: *mut rogue_mem_file_reader_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let reader = unsafe { call.handle(reader) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = reader.stats();
        out.set(&rogue_mem_file_reader_stats_t {
            size: 0,
            frames: now.frames,
            bytes: now.bytes,
            files: now.files,
            empty: now.empty,
            left_out: now.left_out,
            faults: now.faults,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param reader the reader; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_retain(
    reader: *mut rogue_mem_file_reader_t,
) -> *mut rogue_mem_file_reader_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(reader) }))
}

/// Gives a reference back. Release of the last reference ends its thread.
///
/// @param reader the reader; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_release(reader: *mut rogue_mem_file_reader_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(reader) };
        Ok(())
    })
}

/// Makes a logger.
///
/// @param name its name; "pyrogue." is put before it unless it is there.
/// @param out receives the logger, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_new(
    name: *const c_char,
    out: *mut *mut rogue_mem_logger_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::logging::Logger::new(name))));
        Ok(())
    })
}

/// The logger's full name.
///
/// @param logger the logger.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_name(
    logger: *const rogue_mem_logger_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(logger, buffer, capacity, length, |logger| logger.name().to_owned()) }
}

/// Whether a message of this logger has an output. If not, the caller can skip its construction.
/// Cheap.
///
/// @param logger the logger.
/// @param level level of the message.
/// @return true if it does; false if logger is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_enabled(
    logger: *const rogue_mem_logger_t,
    level: u32,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(logger, |logger| logger.enabled(crate::logging::Level(level))) }
}

/// Adds a reference.
///
/// @param logger the logger; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_retain(
    logger: *mut rogue_mem_logger_t,
) -> *mut rogue_mem_logger_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(logger) }))
}

/// Gives a reference back.
///
/// @param logger the logger; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_release(logger: *mut rogue_mem_logger_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(logger) };
        Ok(())
    })
}

/// Adds a reference.
///
/// @param gate the gate; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_retain(
    gate: *mut rogue_mem_gate_t,
) -> *mut rogue_mem_gate_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(gate) }))
}

/// Gives a reference back. Sets of callbacks keep their gate alive.
///
/// @param gate the gate; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_release(gate: *mut rogue_mem_gate_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(gate) };
        Ok(())
    })
}
