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
use crate::memory::block::{Model, BOOL, INT, UINT};
use crate::stream::{self, Node};

mod access_list;
mod audit;
mod batch;
mod batch_combiner;
mod batch_inverter;
mod batch_splitter;
mod block;
mod board;
mod curve_client;
mod curve_keys;
mod curve_server;
mod emulate;
mod event_loop;
mod fifo;
mod file_channel;
mod file_reader;
mod file_writer;
mod filter;
mod frame;
mod gate;
mod hub;
mod logger;
mod master;
mod packetizer;
mod prbs;
mod rate_drop;
mod rssi;
mod slave;
mod srp_v0;
mod srp_v3;
mod srp_v3_emulation;
mod stream_client;
mod stream_master;
mod stream_port;
mod stream_server;
mod stream_slave;
mod tcp_client;
mod tcp_server;
mod transaction;
mod udp;
mod variable;
mod variable_numbers;

pub use access_list::*;
pub use audit::*;
pub use batch::*;
pub use batch_combiner::*;
pub use batch_inverter::*;
pub use batch_splitter::*;
pub use block::*;
pub use board::*;
pub use curve_client::*;
pub use curve_keys::*;
pub use curve_server::*;
pub use emulate::*;
pub use event_loop::*;
pub use fifo::*;
pub use file_channel::*;
pub use file_reader::*;
pub use file_writer::*;
pub use filter::*;
pub use frame::*;
pub use gate::*;
pub use hub::*;
pub use logger::*;
pub use master::*;
pub use packetizer::*;
pub use prbs::*;
pub use rate_drop::*;
pub use rssi::*;
pub use slave::*;
pub use srp_v0::*;
pub use srp_v3::*;
pub use srp_v3_emulation::*;
pub use stream_client::*;
pub use stream_master::*;
pub use stream_port::*;
pub use stream_server::*;
pub use stream_slave::*;
pub use tcp_client::*;
pub use tcp_server::*;
pub use transaction::*;
pub use udp::*;
pub use variable::*;
pub use variable_numbers::*;

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

/// A named field of a block of registers: where its bits are, and what they mean.
pub struct rogue_mem_variable_t {
    _private: (),
}

impl Handle for rogue_mem_variable_t {
    type Object = crate::memory::block::Variable;
}

/// The registers of a contiguous region: their staged bytes, and the transactions that move them.
pub struct rogue_mem_block_t {
    _private: (),
}

impl Handle for rogue_mem_block_t {
    type Object = crate::memory::block::Block;
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

/// A key pair for CURVE.
pub struct rogue_mem_curve_keys_t {
    _private: (),
}

impl Handle for rogue_mem_curve_keys_t {
    type Object = crate::security::keys::KeyPair;
}

/// The keys of servers with CURVE, and the clients that they accept.
pub struct rogue_mem_curve_server_t {
    _private: (),
}

impl Handle for rogue_mem_curve_server_t {
    type Object = crate::security::CurveServer;
}

/// The keys of clients with CURVE, and that of their server.
pub struct rogue_mem_curve_client_t {
    _private: (),
}

impl Handle for rogue_mem_curve_client_t {
    type Object = crate::security::CurveClient;
}

/// The peers that servers let in, and what each of them may do.
pub struct rogue_mem_access_list_t {
    _private: (),
}

impl Handle for rogue_mem_access_list_t {
    type Object = crate::security::AccessList;
}

/// The record of what the clients of servers did.
pub struct rogue_mem_audit_t {
    _private: (),
}

impl Handle for rogue_mem_audit_t {
    type Object = crate::security::Audit;
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
