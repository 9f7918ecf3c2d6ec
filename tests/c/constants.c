/* Computed and fixed values of the header: versions, numbers, sizes. Compiling this file checks
 * most of it. */
#include "support.h"

#include "rogue_mem_binding.h"

#define FIXED(name, value) _Static_assert((name) == (value), #name " has changed its value")

FIXED(ROGUE_MEM_OK, 0);
FIXED(ROGUE_MEM_ERROR_NULL_ARGUMENT, 1);
FIXED(ROGUE_MEM_ERROR_INVALID_ARGUMENT, 2);
FIXED(ROGUE_MEM_ERROR_INVALID_TEXT, 3);
FIXED(ROGUE_MEM_ERROR_OUT_OF_RESOURCES, 4);
FIXED(ROGUE_MEM_ERROR_INTERNAL, 5);
FIXED(ROGUE_MEM_ERROR_STOPPED, 6);
FIXED(ROGUE_MEM_ERROR_TIMEOUT, 7);
FIXED(ROGUE_MEM_ERROR_INVALID_DATA, 8);
FIXED(ROGUE_MEM_ERROR_NOT_FOUND, 9);
FIXED(ROGUE_MEM_ERROR_INTERRUPTED, 10);
FIXED(ROGUE_MEM_ERROR_TRANSACTION, 100);
FIXED(ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT, 101);
FIXED(ROGUE_MEM_ERROR_VERIFY, 102);
FIXED(ROGUE_MEM_ERROR_BIND, 200);
FIXED(ROGUE_MEM_ERROR_RESOLVE, 201);
FIXED(ROGUE_MEM_ERROR_CONNECT, 202);
FIXED(ROGUE_MEM_ERROR_FRAME, 300);
FIXED(ROGUE_MEM_ERROR_FILE, 400);

FIXED(ROGUE_MEM_READ, 1);
FIXED(ROGUE_MEM_WRITE, 2);
FIXED(ROGUE_MEM_POST, 3);
FIXED(ROGUE_MEM_VERIFY, 4);
FIXED(ROGUE_MEM_STARTED_DONE, UINT64_C(1) << 32);

FIXED(ROGUE_MEM_MODEL_PYFUNC, 0);
FIXED(ROGUE_MEM_MODEL_BYTES, 1);
FIXED(ROGUE_MEM_MODEL_UINT, 2);
FIXED(ROGUE_MEM_MODEL_INT, 3);
FIXED(ROGUE_MEM_MODEL_BOOL, 4);
FIXED(ROGUE_MEM_MODEL_STRING, 5);
FIXED(ROGUE_MEM_MODEL_FLOAT, 6);
FIXED(ROGUE_MEM_MODEL_DOUBLE, 7);
FIXED(ROGUE_MEM_MODEL_FIXED, 8);
FIXED(ROGUE_MEM_MODEL_UFIXED, 9);
FIXED(ROGUE_MEM_MODEL_FLOAT16, 10);
FIXED(ROGUE_MEM_MODEL_FLOAT8, 11);
FIXED(ROGUE_MEM_MODEL_BFLOAT16, 12);
FIXED(ROGUE_MEM_MODEL_TENSOR_FLOAT32, 13);
FIXED(ROGUE_MEM_MODEL_FLOAT6, 14);
FIXED(ROGUE_MEM_MODEL_FLOAT4, 15);
FIXED(ROGUE_MEM_MODEL_CUSTOM, 128);

FIXED(ROGUE_MEM_ELEMENT_UINT8, 1);
FIXED(ROGUE_MEM_ELEMENT_UINT16, 2);
FIXED(ROGUE_MEM_ELEMENT_UINT32, 3);
FIXED(ROGUE_MEM_ELEMENT_UINT64, 4);
FIXED(ROGUE_MEM_ELEMENT_INT8, 5);
FIXED(ROGUE_MEM_ELEMENT_INT16, 6);
FIXED(ROGUE_MEM_ELEMENT_INT32, 7);
FIXED(ROGUE_MEM_ELEMENT_INT64, 8);
FIXED(ROGUE_MEM_ELEMENT_BOOL, 9);
FIXED(ROGUE_MEM_ELEMENT_FLOAT, 10);
FIXED(ROGUE_MEM_ELEMENT_DOUBLE, 11);

FIXED(ROGUE_MEM_SKIP_NONE, 0);
FIXED(ROGUE_MEM_SKIP_READ_ONLY, 1);
FIXED(ROGUE_MEM_SKIP_WRITE_ONLY, 2);
FIXED(ROGUE_MEM_SKIP_NOTHING_STAGED, 3);
FIXED(ROGUE_MEM_SKIP_ALL_STAGED, 4);
FIXED(ROGUE_MEM_SKIP_NOTHING_TO_VERIFY, 5);
FIXED(ROGUE_MEM_SKIP_WRITE_FAILED, 6);
FIXED(ROGUE_MEM_SKIP_DISABLED, 7);

FIXED(ROGUE_MEM_PACKED_STATUS, 0xFFFF);
FIXED(ROGUE_MEM_PACKED_UPDATED, 1 << 16);
FIXED(ROGUE_MEM_PACKED_SKIP_SHIFT, 24);
FIXED(ROGUE_MEM_PACKED_FORCED, 1 << 8);
FIXED(ROGUE_MEM_PACKED_ELEMENT_SHIFT, 16);
FIXED(ROGUE_MEM_PACKED_WOULD_WAIT, 1 << 17);

FIXED(ROGUE_MEM_LOG_CRITICAL, 50);
FIXED(ROGUE_MEM_LOG_ERROR, 40);
FIXED(ROGUE_MEM_LOG_THREAD, 35);
FIXED(ROGUE_MEM_LOG_WARNING, 30);
FIXED(ROGUE_MEM_LOG_INFO, 20);
FIXED(ROGUE_MEM_LOG_DEBUG, 10);

FIXED(ROGUE_MEM_LEGACY_AUTO, 0);
FIXED(ROGUE_MEM_LEGACY_ONE_PER_ADDRESS, 1);
FIXED(ROGUE_MEM_LEGACY_LOCAL_PID, 2);
FIXED(ROGUE_MEM_LEGACY_REFUSE, 3);

FIXED(ROGUE_MEM_SPIN_NEVER, 0xFFFFFFFF);
FIXED(ROGUE_MEM_PROGRESS_ANY, 0xFFFFFFFF);

FIXED(ROGUE_MEM_CLIENT_CONNECTING, 0);
FIXED(ROGUE_MEM_CLIENT_HANDSHAKE, 1);
FIXED(ROGUE_MEM_CLIENT_CONNECTED, 2);
FIXED(ROGUE_MEM_CLIENT_STOPPED, 3);
FIXED(ROGUE_MEM_AUDIT_NO_DATA, 0xFFFFFFFF);
FIXED(ROGUE_MEM_AUDIT_OK, 0);
FIXED(ROGUE_MEM_AUDIT_ERROR, 1);
FIXED(ROGUE_MEM_AUDIT_REFUSED, 2);
FIXED(ROGUE_MEM_AUDIT_LATE, 3);
FIXED(ROGUE_MEM_AUDIT_ABANDONED, 4);
FIXED(ROGUE_MEM_AUDIT_NO_UID, 0xFFFFFFFF);

/* In another way than the header's, which would reveal a part that is used twice. */
FIXED(ROGUE_MEM_VERSION_NUMBER / 65536, ROGUE_MEM_VERSION_MAJOR);
FIXED(ROGUE_MEM_VERSION_NUMBER / 256 % 256, ROGUE_MEM_VERSION_MINOR);
FIXED(ROGUE_MEM_VERSION_NUMBER % 256, ROGUE_MEM_VERSION_PATCH);

FIXED(sizeof(rogue_mem_status_t), 4);
FIXED((rogue_mem_status_t)-1 < 0, 1);

/* Structures begin with their size, and have no member that an older program does not know. */
FIXED(offsetof(rogue_mem_slave_callbacks_t, size), 0);
FIXED(sizeof(rogue_mem_slave_callbacks_t), 10 * sizeof(void *) + 8);
FIXED(offsetof(rogue_mem_slave_callbacks_t, slave_name), 8 * sizeof(void *));
FIXED(offsetof(rogue_mem_slave_callbacks_t, gives_reference), 9 * sizeof(void *));
FIXED(offsetof(rogue_mem_slave_callbacks_t, gate), 9 * sizeof(void *) + 8);
FIXED(offsetof(rogue_mem_log_sink_t, size), 0);
FIXED(sizeof(rogue_mem_log_sink_t), 5 * sizeof(void *));
FIXED(offsetof(rogue_mem_stream_slave_callbacks_t, size), 0);
FIXED(sizeof(rogue_mem_stream_slave_callbacks_t), 6 * sizeof(void *));
FIXED(offsetof(rogue_mem_stream_slave_callbacks_t, gate), 4 * sizeof(void *));
FIXED(offsetof(rogue_mem_frame_buffer_t, size), 0);
FIXED(sizeof(rogue_mem_frame_buffer_t), 4 * sizeof(void *) + 16);
FIXED(offsetof(rogue_mem_frame_buffer_t, memory_bytes), 4 * sizeof(void *));
FIXED(offsetof(rogue_mem_frame_memory_t, size), 0);
FIXED(sizeof(rogue_mem_frame_memory_t), 4 * sizeof(void *) + 8);
/* The members before the 64-bit ones take a multiple of 8 bytes with 64-bit pointers, and are
 * padded with 32-bit ones. There is no other padding. */
#define HEAD(bytes) (sizeof(size_t) + (bytes) + (sizeof(size_t) + (bytes)) % 8)
FIXED(offsetof(rogue_mem_variable_spec_t, size), 0);
FIXED(sizeof(rogue_mem_variable_spec_t), HEAD(4 * sizeof(void *)) + 5 * 8 + 16 * 4);
FIXED(offsetof(rogue_mem_variable_spec_t, bit_offset), HEAD(4 * sizeof(void *)));
FIXED(offsetof(rogue_mem_variable_spec_t, part_count), HEAD(4 * sizeof(void *)) + 5 * 8);
FIXED(offsetof(rogue_mem_block_observer_t, size), 0);
FIXED(sizeof(rogue_mem_block_observer_t), 5 * sizeof(void *));
FIXED(offsetof(rogue_mem_block_observer_t, gate), 4 * sizeof(void *));
FIXED(offsetof(rogue_mem_watch_t, size), 0);
FIXED(sizeof(rogue_mem_watch_t), 5 * sizeof(void *));
FIXED(offsetof(rogue_mem_bulk_report_t, size), 0);
FIXED(sizeof(rogue_mem_bulk_report_t), 4 * sizeof(void *));
FIXED(offsetof(rogue_mem_tcp_server_options_t, size), 0);
FIXED(sizeof(rogue_mem_tcp_server_options_t), HEAD(3 * sizeof(void *) + 16) + 9 * 8);
FIXED(offsetof(rogue_mem_tcp_server_stats_t, size), 0);
FIXED(sizeof(rogue_mem_tcp_server_stats_t), HEAD(0) + 33 * 8);
FIXED(offsetof(rogue_mem_tcp_client_options_t, size), 0);
FIXED(sizeof(rogue_mem_tcp_client_options_t), HEAD(sizeof(void *) + 16) + 32);
FIXED(offsetof(rogue_mem_tcp_client_stats_t, size), 0);
FIXED(sizeof(rogue_mem_tcp_client_stats_t), HEAD(0) + 9 * 8);
FIXED(offsetof(rogue_mem_stream_server_options_t, size), 0);
FIXED(sizeof(rogue_mem_stream_server_options_t), HEAD(2 * sizeof(void *)) + 11 * 8);
FIXED(offsetof(rogue_mem_stream_client_options_t, size), 0);
FIXED(sizeof(rogue_mem_stream_client_options_t), HEAD(sizeof(void *)) + 3 * 8 + 4 * 4);
FIXED(sizeof(rogue_mem_stream_server_stats_t), HEAD(0) + 25 * 8);
FIXED(sizeof(rogue_mem_stream_client_stats_t), HEAD(0) + 25 * 8);
FIXED(offsetof(rogue_mem_packetizer_options_t, size), 0);
FIXED(sizeof(rogue_mem_packetizer_options_t), sizeof(size_t) + 4 * 4);
FIXED(offsetof(rogue_mem_packetizer_stats_t, size), 0);
FIXED(sizeof(rogue_mem_packetizer_stats_t), HEAD(0) + 9 * 8);
FIXED(offsetof(rogue_mem_prbs_stats_t, size), 0);
FIXED(sizeof(rogue_mem_prbs_stats_t), HEAD(0) + 6 * 8);
FIXED(offsetof(rogue_mem_event_loop_options_t, size), 0);
FIXED(sizeof(rogue_mem_event_loop_options_t), HEAD(8) + 8);
FIXED(offsetof(rogue_mem_link_t, size), 0);
FIXED(sizeof(rogue_mem_link_t), 2 * sizeof(void *) + 8);
FIXED(offsetof(rogue_mem_link_t, text), sizeof(void *) + 8);
FIXED(offsetof(rogue_mem_link_observer_t, size), 0);
FIXED(sizeof(rogue_mem_link_observer_t), 5 * sizeof(void *));
FIXED(offsetof(rogue_mem_link_observer_t, gate), 4 * sizeof(void *));
FIXED(offsetof(rogue_mem_board_options_t, size), 0);
FIXED(sizeof(rogue_mem_board_options_t), HEAD(56 + sizeof(void *)) + 8);
FIXED(offsetof(rogue_mem_board_options_t, event_loop), sizeof(size_t) + 56);
FIXED(offsetof(rogue_mem_board_stats_t, size), 0);
FIXED(sizeof(rogue_mem_board_stats_t), HEAD(0) + 21 * 8);
FIXED(offsetof(rogue_mem_batch_record_t, size), 0);
FIXED(sizeof(rogue_mem_batch_record_t), sizeof(size_t) + 6 * 4);
FIXED(sizeof(rogue_mem_batch_combiner_stats_t), HEAD(0) + 4 * 8);
FIXED(sizeof(rogue_mem_batch_splitter_stats_t), HEAD(0) + 4 * 8);
FIXED(sizeof(rogue_mem_batch_inverter_stats_t), HEAD(0) + 2 * 8);
FIXED(sizeof(rogue_mem_file_writer_stats_t), HEAD(0) + 6 * 8);
FIXED(offsetof(rogue_mem_audit_options_t, size), 0);
FIXED(sizeof(rogue_mem_audit_options_t), HEAD(8) + 4 * 8);
FIXED(sizeof(rogue_mem_audit_stats_t), HEAD(0) + 7 * 8);
FIXED(offsetof(rogue_mem_audit_record_t, size), 0);
FIXED(offsetof(rogue_mem_audit_record_t, data), HEAD(0) + 8 * 8);
FIXED(sizeof(rogue_mem_audit_record_t), HEAD(0) + 8 * 8 + 6 * sizeof(void *));
FIXED(offsetof(rogue_mem_audit_sink_t, size), 0);
FIXED(sizeof(rogue_mem_audit_sink_t), 6 * sizeof(void *));
FIXED(offsetof(rogue_mem_file_reader_options_t, size), 0);
FIXED(sizeof(rogue_mem_file_reader_options_t), HEAD(0) + 2 * 8);
FIXED(sizeof(rogue_mem_file_reader_stats_t), HEAD(0) + 6 * 8);
FIXED(offsetof(rogue_mem_udp_options_t, size), 0);
FIXED(sizeof(rogue_mem_udp_options_t), HEAD(8 + sizeof(void *)) + 8);
FIXED(offsetof(rogue_mem_udp_options_t, event_loop), sizeof(size_t) + 8);
FIXED(offsetof(rogue_mem_udp_stats_t, size), 0);
FIXED(sizeof(rogue_mem_udp_stats_t), HEAD(0) + 13 * 8);
FIXED(offsetof(rogue_mem_rssi_options_t, size), 0);
FIXED(sizeof(rogue_mem_rssi_options_t), HEAD(sizeof(void *)) + 8);
FIXED(offsetof(rogue_mem_rssi_options_t, event_loop), sizeof(size_t));
FIXED(offsetof(rogue_mem_rssi_stats_t, size), 0);
FIXED(sizeof(rogue_mem_rssi_stats_t), HEAD(0) + 26 * 8);

static void library_and_header_are_of_one_version(void **state) {
    (void)state;
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", ROGUE_MEM_VERSION_MAJOR, ROGUE_MEM_VERSION_MINOR,
             ROGUE_MEM_VERSION_PATCH);
    assert_string_equal(rogue_mem_version(), text);
    assert_string_equal(ROGUE_MEM_VERSION, text);
    assert_int_equal(rogue_mem_version_number(), ROGUE_MEM_VERSION_NUMBER);
}

static void f28_the_version_of_the_interface_is_one_of_rogue_6(void **state) {
    unsigned minor = 0, patch = 0;
    char after = 0;
    (void)state;
    assert_int_equal(sscanf(rogue_mem_interface_version(), "6.%u.%u%c", &minor, &patch, &after), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_and_header_are_of_one_version),
        cmocka_unit_test(f28_the_version_of_the_interface_is_one_of_rogue_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
