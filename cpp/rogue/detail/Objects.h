/**
 * How the C library's objects are counted, and its structures of options and statistics.
 * Generated from src/capi/table.rs by tests/header; do not edit. Used by the public headers; not
 * for use by programs.
 */
#ifndef ROGUE_DETAIL_OBJECTS_H
#define ROGUE_DETAIL_OBJECTS_H

#include "rogue/Directives.h"

#include <rogue_mem.h>

// clang-format off

namespace rogue {
namespace detail {

/** How the references of one type of the C library are counted. */
template <typename T>
struct Counting;

template <>
struct Counting<rogue_mem_transaction_t> {
    static void retain(rogue_mem_transaction_t *raw) { rogue_mem_transaction_retain(raw); }
    static void release(rogue_mem_transaction_t *raw) { rogue_mem_transaction_release(raw); }
};

template <>
struct Counting<rogue_mem_slave_t> {
    static void retain(rogue_mem_slave_t *raw) { rogue_mem_slave_retain(raw); }
    static void release(rogue_mem_slave_t *raw) { rogue_mem_slave_release(raw); }
};

template <>
struct Counting<rogue_mem_master_t> {
    static void retain(rogue_mem_master_t *raw) { rogue_mem_master_retain(raw); }
    static void release(rogue_mem_master_t *raw) { rogue_mem_master_release(raw); }
};

template <>
struct Counting<rogue_mem_hub_t> {
    static void retain(rogue_mem_hub_t *raw) { rogue_mem_hub_retain(raw); }
    static void release(rogue_mem_hub_t *raw) { rogue_mem_hub_release(raw); }
};

template <>
struct Counting<rogue_mem_variable_t> {
    static void retain(rogue_mem_variable_t *raw) { rogue_mem_variable_retain(raw); }
    static void release(rogue_mem_variable_t *raw) { rogue_mem_variable_release(raw); }
};

template <>
struct Counting<rogue_mem_block_t> {
    static void retain(rogue_mem_block_t *raw) { rogue_mem_block_retain(raw); }
    static void release(rogue_mem_block_t *raw) { rogue_mem_block_release(raw); }
};

template <>
struct Counting<rogue_mem_tcp_server_t> {
    static void retain(rogue_mem_tcp_server_t *raw) { rogue_mem_tcp_server_retain(raw); }
    static void release(rogue_mem_tcp_server_t *raw) { rogue_mem_tcp_server_release(raw); }
};

template <>
struct Counting<rogue_mem_tcp_client_t> {
    static void retain(rogue_mem_tcp_client_t *raw) { rogue_mem_tcp_client_retain(raw); }
    static void release(rogue_mem_tcp_client_t *raw) { rogue_mem_tcp_client_release(raw); }
};

template <>
struct Counting<rogue_mem_frame_t> {
    static void retain(rogue_mem_frame_t *raw) { rogue_mem_frame_retain(raw); }
    static void release(rogue_mem_frame_t *raw) { rogue_mem_frame_release(raw); }
};

template <>
struct Counting<rogue_mem_stream_slave_t> {
    static void retain(rogue_mem_stream_slave_t *raw) { rogue_mem_stream_slave_retain(raw); }
    static void release(rogue_mem_stream_slave_t *raw) { rogue_mem_stream_slave_release(raw); }
};

template <>
struct Counting<rogue_mem_stream_master_t> {
    static void retain(rogue_mem_stream_master_t *raw) { rogue_mem_stream_master_retain(raw); }
    static void release(rogue_mem_stream_master_t *raw) { rogue_mem_stream_master_release(raw); }
};

template <>
struct Counting<rogue_mem_stream_port_t> {
    static void retain(rogue_mem_stream_port_t *raw) { rogue_mem_stream_port_retain(raw); }
    static void release(rogue_mem_stream_port_t *raw) { rogue_mem_stream_port_release(raw); }
};

template <>
struct Counting<rogue_mem_fifo_t> {
    static void retain(rogue_mem_fifo_t *raw) { rogue_mem_fifo_retain(raw); }
    static void release(rogue_mem_fifo_t *raw) { rogue_mem_fifo_release(raw); }
};

template <>
struct Counting<rogue_mem_filter_t> {
    static void retain(rogue_mem_filter_t *raw) { rogue_mem_filter_retain(raw); }
    static void release(rogue_mem_filter_t *raw) { rogue_mem_filter_release(raw); }
};

template <>
struct Counting<rogue_mem_rate_drop_t> {
    static void retain(rogue_mem_rate_drop_t *raw) { rogue_mem_rate_drop_retain(raw); }
    static void release(rogue_mem_rate_drop_t *raw) { rogue_mem_rate_drop_release(raw); }
};

template <>
struct Counting<rogue_mem_stream_server_t> {
    static void retain(rogue_mem_stream_server_t *raw) { rogue_mem_stream_server_retain(raw); }
    static void release(rogue_mem_stream_server_t *raw) { rogue_mem_stream_server_release(raw); }
};

template <>
struct Counting<rogue_mem_stream_client_t> {
    static void retain(rogue_mem_stream_client_t *raw) { rogue_mem_stream_client_retain(raw); }
    static void release(rogue_mem_stream_client_t *raw) { rogue_mem_stream_client_release(raw); }
};

template <>
struct Counting<rogue_mem_srp_v3_t> {
    static void retain(rogue_mem_srp_v3_t *raw) { rogue_mem_srp_v3_retain(raw); }
    static void release(rogue_mem_srp_v3_t *raw) { rogue_mem_srp_v3_release(raw); }
};

template <>
struct Counting<rogue_mem_srp_v3_emulation_t> {
    static void retain(rogue_mem_srp_v3_emulation_t *raw) { rogue_mem_srp_v3_emulation_retain(raw); }
    static void release(rogue_mem_srp_v3_emulation_t *raw) { rogue_mem_srp_v3_emulation_release(raw); }
};

template <>
struct Counting<rogue_mem_srp_v0_t> {
    static void retain(rogue_mem_srp_v0_t *raw) { rogue_mem_srp_v0_retain(raw); }
    static void release(rogue_mem_srp_v0_t *raw) { rogue_mem_srp_v0_release(raw); }
};

template <>
struct Counting<rogue_mem_packetizer_t> {
    static void retain(rogue_mem_packetizer_t *raw) { rogue_mem_packetizer_retain(raw); }
    static void release(rogue_mem_packetizer_t *raw) { rogue_mem_packetizer_release(raw); }
};

template <>
struct Counting<rogue_mem_prbs_t> {
    static void retain(rogue_mem_prbs_t *raw) { rogue_mem_prbs_retain(raw); }
    static void release(rogue_mem_prbs_t *raw) { rogue_mem_prbs_release(raw); }
};

template <>
struct Counting<rogue_mem_curve_keys_t> {
    static void retain(rogue_mem_curve_keys_t *raw) { rogue_mem_curve_keys_retain(raw); }
    static void release(rogue_mem_curve_keys_t *raw) { rogue_mem_curve_keys_release(raw); }
};

template <>
struct Counting<rogue_mem_curve_server_t> {
    static void retain(rogue_mem_curve_server_t *raw) { rogue_mem_curve_server_retain(raw); }
    static void release(rogue_mem_curve_server_t *raw) { rogue_mem_curve_server_release(raw); }
};

template <>
struct Counting<rogue_mem_curve_client_t> {
    static void retain(rogue_mem_curve_client_t *raw) { rogue_mem_curve_client_retain(raw); }
    static void release(rogue_mem_curve_client_t *raw) { rogue_mem_curve_client_release(raw); }
};

template <>
struct Counting<rogue_mem_access_list_t> {
    static void retain(rogue_mem_access_list_t *raw) { rogue_mem_access_list_retain(raw); }
    static void release(rogue_mem_access_list_t *raw) { rogue_mem_access_list_release(raw); }
};

template <>
struct Counting<rogue_mem_audit_t> {
    static void retain(rogue_mem_audit_t *raw) { rogue_mem_audit_retain(raw); }
    static void release(rogue_mem_audit_t *raw) { rogue_mem_audit_release(raw); }
};

template <>
struct Counting<rogue_mem_event_loop_t> {
    static void retain(rogue_mem_event_loop_t *raw) { rogue_mem_event_loop_retain(raw); }
    static void release(rogue_mem_event_loop_t *raw) { rogue_mem_event_loop_release(raw); }
};

template <>
struct Counting<rogue_mem_udp_t> {
    static void retain(rogue_mem_udp_t *raw) { rogue_mem_udp_retain(raw); }
    static void release(rogue_mem_udp_t *raw) { rogue_mem_udp_release(raw); }
};

template <>
struct Counting<rogue_mem_board_t> {
    static void retain(rogue_mem_board_t *raw) { rogue_mem_board_retain(raw); }
    static void release(rogue_mem_board_t *raw) { rogue_mem_board_release(raw); }
};

template <>
struct Counting<rogue_mem_rssi_t> {
    static void retain(rogue_mem_rssi_t *raw) { rogue_mem_rssi_retain(raw); }
    static void release(rogue_mem_rssi_t *raw) { rogue_mem_rssi_release(raw); }
};

template <>
struct Counting<rogue_mem_batch_t> {
    static void retain(rogue_mem_batch_t *raw) { rogue_mem_batch_retain(raw); }
    static void release(rogue_mem_batch_t *raw) { rogue_mem_batch_release(raw); }
};

template <>
struct Counting<rogue_mem_batch_combiner_t> {
    static void retain(rogue_mem_batch_combiner_t *raw) { rogue_mem_batch_combiner_retain(raw); }
    static void release(rogue_mem_batch_combiner_t *raw) { rogue_mem_batch_combiner_release(raw); }
};

template <>
struct Counting<rogue_mem_batch_splitter_t> {
    static void retain(rogue_mem_batch_splitter_t *raw) { rogue_mem_batch_splitter_retain(raw); }
    static void release(rogue_mem_batch_splitter_t *raw) { rogue_mem_batch_splitter_release(raw); }
};

template <>
struct Counting<rogue_mem_batch_inverter_t> {
    static void retain(rogue_mem_batch_inverter_t *raw) { rogue_mem_batch_inverter_retain(raw); }
    static void release(rogue_mem_batch_inverter_t *raw) { rogue_mem_batch_inverter_release(raw); }
};

template <>
struct Counting<rogue_mem_file_writer_t> {
    static void retain(rogue_mem_file_writer_t *raw) { rogue_mem_file_writer_retain(raw); }
    static void release(rogue_mem_file_writer_t *raw) { rogue_mem_file_writer_release(raw); }
};

template <>
struct Counting<rogue_mem_file_channel_t> {
    static void retain(rogue_mem_file_channel_t *raw) { rogue_mem_file_channel_retain(raw); }
    static void release(rogue_mem_file_channel_t *raw) { rogue_mem_file_channel_release(raw); }
};

template <>
struct Counting<rogue_mem_file_reader_t> {
    static void retain(rogue_mem_file_reader_t *raw) { rogue_mem_file_reader_retain(raw); }
    static void release(rogue_mem_file_reader_t *raw) { rogue_mem_file_reader_release(raw); }
};

template <>
struct Counting<rogue_mem_logger_t> {
    static void retain(rogue_mem_logger_t *raw) { rogue_mem_logger_retain(raw); }
    static void release(rogue_mem_logger_t *raw) { rogue_mem_logger_release(raw); }
};

/** Options, each at its default; see rogue_mem_tcp_server_options_t in rogue_mem.h. */
struct TcpServerOptions : rogue_mem_tcp_server_options_t {
    TcpServerOptions() : rogue_mem_tcp_server_options_t() { size = sizeof(rogue_mem_tcp_server_options_t); }
    TcpServerOptions(const rogue_mem_tcp_server_options_t &other) : rogue_mem_tcp_server_options_t(other) { size = sizeof(rogue_mem_tcp_server_options_t); }
};

/** Options, each at its default; see rogue_mem_audit_options_t in rogue_mem.h. */
struct AuditOptions : rogue_mem_audit_options_t {
    AuditOptions() : rogue_mem_audit_options_t() { size = sizeof(rogue_mem_audit_options_t); }
    AuditOptions(const rogue_mem_audit_options_t &other) : rogue_mem_audit_options_t(other) { size = sizeof(rogue_mem_audit_options_t); }
};

/** Options, each at its default; see rogue_mem_tcp_client_options_t in rogue_mem.h. */
struct TcpClientOptions : rogue_mem_tcp_client_options_t {
    TcpClientOptions() : rogue_mem_tcp_client_options_t() { size = sizeof(rogue_mem_tcp_client_options_t); }
    TcpClientOptions(const rogue_mem_tcp_client_options_t &other) : rogue_mem_tcp_client_options_t(other) { size = sizeof(rogue_mem_tcp_client_options_t); }
};

/** Options, each at its default; see rogue_mem_stream_server_options_t in rogue_mem.h. */
struct StreamServerOptions : rogue_mem_stream_server_options_t {
    StreamServerOptions() : rogue_mem_stream_server_options_t() { size = sizeof(rogue_mem_stream_server_options_t); }
    StreamServerOptions(const rogue_mem_stream_server_options_t &other) : rogue_mem_stream_server_options_t(other) { size = sizeof(rogue_mem_stream_server_options_t); }
};

/** Options, each at its default; see rogue_mem_stream_client_options_t in rogue_mem.h. */
struct StreamClientOptions : rogue_mem_stream_client_options_t {
    StreamClientOptions() : rogue_mem_stream_client_options_t() { size = sizeof(rogue_mem_stream_client_options_t); }
    StreamClientOptions(const rogue_mem_stream_client_options_t &other) : rogue_mem_stream_client_options_t(other) { size = sizeof(rogue_mem_stream_client_options_t); }
};

/** Options, each at its default; see rogue_mem_srp_v3_emulation_options_t in rogue_mem.h. */
struct SrpV3EmulationOptions : rogue_mem_srp_v3_emulation_options_t {
    SrpV3EmulationOptions() : rogue_mem_srp_v3_emulation_options_t() { size = sizeof(rogue_mem_srp_v3_emulation_options_t); }
    SrpV3EmulationOptions(const rogue_mem_srp_v3_emulation_options_t &other) : rogue_mem_srp_v3_emulation_options_t(other) { size = sizeof(rogue_mem_srp_v3_emulation_options_t); }
};

/** Options, each at its default; see rogue_mem_packetizer_options_t in rogue_mem.h. */
struct PacketizerOptions : rogue_mem_packetizer_options_t {
    PacketizerOptions() : rogue_mem_packetizer_options_t() { size = sizeof(rogue_mem_packetizer_options_t); }
    PacketizerOptions(const rogue_mem_packetizer_options_t &other) : rogue_mem_packetizer_options_t(other) { size = sizeof(rogue_mem_packetizer_options_t); }
};

/** Options, each at its default; see rogue_mem_event_loop_options_t in rogue_mem.h. */
struct EventLoopOptions : rogue_mem_event_loop_options_t {
    EventLoopOptions() : rogue_mem_event_loop_options_t() { size = sizeof(rogue_mem_event_loop_options_t); }
    EventLoopOptions(const rogue_mem_event_loop_options_t &other) : rogue_mem_event_loop_options_t(other) { size = sizeof(rogue_mem_event_loop_options_t); }
};

/** Options, each at its default; see rogue_mem_udp_options_t in rogue_mem.h. */
struct UdpOptions : rogue_mem_udp_options_t {
    UdpOptions() : rogue_mem_udp_options_t() { size = sizeof(rogue_mem_udp_options_t); }
    UdpOptions(const rogue_mem_udp_options_t &other) : rogue_mem_udp_options_t(other) { size = sizeof(rogue_mem_udp_options_t); }
};

/** Options, each at its default; see rogue_mem_board_options_t in rogue_mem.h. */
struct BoardOptions : rogue_mem_board_options_t {
    BoardOptions() : rogue_mem_board_options_t() { size = sizeof(rogue_mem_board_options_t); }
    BoardOptions(const rogue_mem_board_options_t &other) : rogue_mem_board_options_t(other) { size = sizeof(rogue_mem_board_options_t); }
};

/** Options, each at its default; see rogue_mem_file_reader_options_t in rogue_mem.h. */
struct FileReaderOptions : rogue_mem_file_reader_options_t {
    FileReaderOptions() : rogue_mem_file_reader_options_t() { size = sizeof(rogue_mem_file_reader_options_t); }
    FileReaderOptions(const rogue_mem_file_reader_options_t &other) : rogue_mem_file_reader_options_t(other) { size = sizeof(rogue_mem_file_reader_options_t); }
};

/** Options, each at its default; see rogue_mem_rssi_options_t in rogue_mem.h. */
struct RssiOptions : rogue_mem_rssi_options_t {
    RssiOptions() : rogue_mem_rssi_options_t() { size = sizeof(rogue_mem_rssi_options_t); }
    RssiOptions(const rogue_mem_rssi_options_t &other) : rogue_mem_rssi_options_t(other) { size = sizeof(rogue_mem_rssi_options_t); }
};

/** Counters; see rogue_mem_tcp_server_stats_t in rogue_mem.h. */
struct TcpServerStats : rogue_mem_tcp_server_stats_t {
    TcpServerStats() : rogue_mem_tcp_server_stats_t() { size = sizeof(rogue_mem_tcp_server_stats_t); }
    TcpServerStats(const rogue_mem_tcp_server_stats_t &other) : rogue_mem_tcp_server_stats_t(other) { size = sizeof(rogue_mem_tcp_server_stats_t); }
};

/** Counters; see rogue_mem_audit_stats_t in rogue_mem.h. */
struct AuditStats : rogue_mem_audit_stats_t {
    AuditStats() : rogue_mem_audit_stats_t() { size = sizeof(rogue_mem_audit_stats_t); }
    AuditStats(const rogue_mem_audit_stats_t &other) : rogue_mem_audit_stats_t(other) { size = sizeof(rogue_mem_audit_stats_t); }
};

/** Counters; see rogue_mem_tcp_client_stats_t in rogue_mem.h. */
struct TcpClientStats : rogue_mem_tcp_client_stats_t {
    TcpClientStats() : rogue_mem_tcp_client_stats_t() { size = sizeof(rogue_mem_tcp_client_stats_t); }
    TcpClientStats(const rogue_mem_tcp_client_stats_t &other) : rogue_mem_tcp_client_stats_t(other) { size = sizeof(rogue_mem_tcp_client_stats_t); }
};

/** Counters; see rogue_mem_packetizer_stats_t in rogue_mem.h. */
struct PacketizerStats : rogue_mem_packetizer_stats_t {
    PacketizerStats() : rogue_mem_packetizer_stats_t() { size = sizeof(rogue_mem_packetizer_stats_t); }
    PacketizerStats(const rogue_mem_packetizer_stats_t &other) : rogue_mem_packetizer_stats_t(other) { size = sizeof(rogue_mem_packetizer_stats_t); }
};

/** Counters; see rogue_mem_prbs_stats_t in rogue_mem.h. */
struct PrbsStats : rogue_mem_prbs_stats_t {
    PrbsStats() : rogue_mem_prbs_stats_t() { size = sizeof(rogue_mem_prbs_stats_t); }
    PrbsStats(const rogue_mem_prbs_stats_t &other) : rogue_mem_prbs_stats_t(other) { size = sizeof(rogue_mem_prbs_stats_t); }
};

/** Counters; see rogue_mem_udp_stats_t in rogue_mem.h. */
struct UdpStats : rogue_mem_udp_stats_t {
    UdpStats() : rogue_mem_udp_stats_t() { size = sizeof(rogue_mem_udp_stats_t); }
    UdpStats(const rogue_mem_udp_stats_t &other) : rogue_mem_udp_stats_t(other) { size = sizeof(rogue_mem_udp_stats_t); }
};

/** Counters; see rogue_mem_rssi_stats_t in rogue_mem.h. */
struct RssiStats : rogue_mem_rssi_stats_t {
    RssiStats() : rogue_mem_rssi_stats_t() { size = sizeof(rogue_mem_rssi_stats_t); }
    RssiStats(const rogue_mem_rssi_stats_t &other) : rogue_mem_rssi_stats_t(other) { size = sizeof(rogue_mem_rssi_stats_t); }
};

/** Counters; see rogue_mem_stream_server_stats_t in rogue_mem.h. */
struct StreamServerStats : rogue_mem_stream_server_stats_t {
    StreamServerStats() : rogue_mem_stream_server_stats_t() { size = sizeof(rogue_mem_stream_server_stats_t); }
    StreamServerStats(const rogue_mem_stream_server_stats_t &other) : rogue_mem_stream_server_stats_t(other) { size = sizeof(rogue_mem_stream_server_stats_t); }
};

/** Counters; see rogue_mem_stream_client_stats_t in rogue_mem.h. */
struct StreamClientStats : rogue_mem_stream_client_stats_t {
    StreamClientStats() : rogue_mem_stream_client_stats_t() { size = sizeof(rogue_mem_stream_client_stats_t); }
    StreamClientStats(const rogue_mem_stream_client_stats_t &other) : rogue_mem_stream_client_stats_t(other) { size = sizeof(rogue_mem_stream_client_stats_t); }
};

/** Counters; see rogue_mem_board_stats_t in rogue_mem.h. */
struct BoardStats : rogue_mem_board_stats_t {
    BoardStats() : rogue_mem_board_stats_t() { size = sizeof(rogue_mem_board_stats_t); }
    BoardStats(const rogue_mem_board_stats_t &other) : rogue_mem_board_stats_t(other) { size = sizeof(rogue_mem_board_stats_t); }
};

/** Counters; see rogue_mem_batch_combiner_stats_t in rogue_mem.h. */
struct BatchCombinerStats : rogue_mem_batch_combiner_stats_t {
    BatchCombinerStats() : rogue_mem_batch_combiner_stats_t() { size = sizeof(rogue_mem_batch_combiner_stats_t); }
    BatchCombinerStats(const rogue_mem_batch_combiner_stats_t &other) : rogue_mem_batch_combiner_stats_t(other) { size = sizeof(rogue_mem_batch_combiner_stats_t); }
};

/** Counters; see rogue_mem_batch_splitter_stats_t in rogue_mem.h. */
struct BatchSplitterStats : rogue_mem_batch_splitter_stats_t {
    BatchSplitterStats() : rogue_mem_batch_splitter_stats_t() { size = sizeof(rogue_mem_batch_splitter_stats_t); }
    BatchSplitterStats(const rogue_mem_batch_splitter_stats_t &other) : rogue_mem_batch_splitter_stats_t(other) { size = sizeof(rogue_mem_batch_splitter_stats_t); }
};

/** Counters; see rogue_mem_batch_inverter_stats_t in rogue_mem.h. */
struct BatchInverterStats : rogue_mem_batch_inverter_stats_t {
    BatchInverterStats() : rogue_mem_batch_inverter_stats_t() { size = sizeof(rogue_mem_batch_inverter_stats_t); }
    BatchInverterStats(const rogue_mem_batch_inverter_stats_t &other) : rogue_mem_batch_inverter_stats_t(other) { size = sizeof(rogue_mem_batch_inverter_stats_t); }
};

/** Counters; see rogue_mem_file_writer_stats_t in rogue_mem.h. */
struct FileWriterStats : rogue_mem_file_writer_stats_t {
    FileWriterStats() : rogue_mem_file_writer_stats_t() { size = sizeof(rogue_mem_file_writer_stats_t); }
    FileWriterStats(const rogue_mem_file_writer_stats_t &other) : rogue_mem_file_writer_stats_t(other) { size = sizeof(rogue_mem_file_writer_stats_t); }
};

/** Counters; see rogue_mem_file_reader_stats_t in rogue_mem.h. */
struct FileReaderStats : rogue_mem_file_reader_stats_t {
    FileReaderStats() : rogue_mem_file_reader_stats_t() { size = sizeof(rogue_mem_file_reader_stats_t); }
    FileReaderStats(const rogue_mem_file_reader_stats_t &other) : rogue_mem_file_reader_stats_t(other) { size = sizeof(rogue_mem_file_reader_stats_t); }
};

} // namespace detail
} // namespace rogue

// clang-format on

#endif
