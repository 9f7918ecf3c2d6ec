/* Data files, and super-frames. */
#include "support.h"

#include <unistd.h>

enum { PATH_BYTES = 64, FRAMES_COUNT_MAX = 8, PAYLOAD_BYTES_MAX = 64 };

/* A receiver that keeps the payload and the channel of each frame. */
typedef struct {
    rogue_mem_stream_slave_t *slave;
    events_t arrived;
    uint32_t payloads[FRAMES_COUNT_MAX];
    uint8_t bytes[FRAMES_COUNT_MAX][PAYLOAD_BYTES_MAX];
    uint8_t channels[FRAMES_COUNT_MAX];
    uint8_t errors[FRAMES_COUNT_MAX];
    rogue_mem_file_reader_t *reader; /* closed in the delivery, if there is one */
} receiver_t;

static void receiver_accept(void *ctx, rogue_mem_frame_t *frame) {
    receiver_t *receiver = ctx;
    unsigned index = events_count(&receiver->arrived);
    if (index < FRAMES_COUNT_MAX) {
        uint32_t payload = rogue_mem_frame_payload(frame);
        receiver->payloads[index] = payload;
        receiver->channels[index] = rogue_mem_frame_channel(frame);
        receiver->errors[index] = rogue_mem_frame_error(frame);
        if (payload <= PAYLOAD_BYTES_MAX) {
            rogue_mem_frame_read_data(frame, 0, receiver->bytes[index], payload);
        }
    }
    if (receiver->reader != NULL) {
        rogue_mem_file_reader_close(receiver->reader);
    }
    events_raise(&receiver->arrived);
}

static void receiver_init(receiver_t *receiver) {
    memset(receiver, 0, sizeof *receiver);
    events_init(&receiver->arrived);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = receiver;
    callbacks.accept_frame = receiver_accept;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &receiver->slave));
}

static void receiver_destroy(receiver_t *receiver) {
    rogue_mem_stream_slave_release(receiver->slave);
    events_destroy(&receiver->arrived);
}

static void make_path(char *path, const char *name) {
    snprintf(path, PATH_BYTES, "/tmp/rogue-mem-c-%ld-%s", (long)getpid(), name);
}

static rogue_mem_frame_t *frame_of(const void *bytes, uint32_t size) {
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_frame_new(size, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, size));
    assert_ok(rogue_mem_frame_write_data(frame, 0, bytes, size));
    return frame;
}

/* Sends a frame to a slave. */
static void send(rogue_mem_stream_slave_t *slave, const void *bytes, uint32_t size, uint8_t error) {
    rogue_mem_frame_t *frame = frame_of(bytes, size);
    rogue_mem_frame_set_error(frame, error);
    rogue_mem_frame_set_channel(frame, 9);
    assert_ok(rogue_mem_stream_slave_accept_frame(slave, frame));
    rogue_mem_frame_release(frame);
}

static void assert_file_is(const char *path, const void *bytes, size_t size) {
    uint8_t found[256];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found, file), size);
    assert_memory_equal(found, bytes, size);
    fclose(file);
}

/* Waits in a thread of its own. */
static void *wait_for_frames(void *writer) {
    return rogue_mem_file_writer_wait_frame_count(writer, 2, 0) ? writer : NULL;
}

static void frames_are_recorded_and_sent_again(void **state) {
    (void)state;
    char path[PATH_BYTES];
    make_path(path, "data");
    rogue_mem_file_writer_t *writer = NULL;
    assert_ok(rogue_mem_file_writer_new(&writer));
    assert_ok(rogue_mem_file_writer_set_buffer_size(writer, 1000));
    rogue_mem_file_writer_set_drop_errors(writer, 1);
    assert_false(rogue_mem_file_writer_raw(writer));
    assert_ok(rogue_mem_file_writer_open(writer, path));
    assert_true(rogue_mem_file_writer_is_open(writer));

    rogue_mem_file_channel_t *channel = rogue_mem_file_writer_channel(writer, 3);
    rogue_mem_file_channel_t *own = rogue_mem_file_writer_channel(writer, 0);
    rogue_mem_stream_slave_t *slave = rogue_mem_file_channel_slave(channel);
    rogue_mem_stream_slave_t *own_slave = rogue_mem_file_channel_slave(own);
    pthread_t waiting;
    assert_int_equal(pthread_create(&waiting, NULL, wait_for_frames, writer), 0);
    send(slave, "abc", 3, 0);
    send(slave, "bad", 3, 1);
    send(own_slave, "defg", 4, 0);
    void *reached = NULL;
    assert_int_equal(pthread_join(waiting, &reached), 0);
    assert_non_null(reached);
    assert_false(rogue_mem_file_writer_wait_frame_count(writer, 3, 1));
    assert_true(rogue_mem_file_channel_wait_frame_count(channel, 2, LONG_TIMEOUT_US));
    assert_int_equal(rogue_mem_file_channel_frame_count(channel), 2);
    rogue_mem_file_channel_set_frame_count(channel, 0);
    assert_int_equal(rogue_mem_file_channel_frame_count(channel), 0);
    assert_int_equal(rogue_mem_file_writer_frame_count(writer), 2);
    assert_int_equal(rogue_mem_file_writer_total_size(writer), 23);
    assert_int_equal(rogue_mem_file_writer_current_size(writer), 23);
    assert_true(rogue_mem_file_writer_bandwidth(writer) > 0);
    assert_ok(rogue_mem_file_writer_close(writer));
    assert_file_is(path, "\7\0\0\0\0\0\0\3abc\10\0\0\0\0\0\0\11defg", 23);
    rogue_mem_file_writer_stats_t written = {0};
    written.size = sizeof written;
    assert_ok(rogue_mem_file_writer_stats(writer, &written));
    assert_int_equal(written.frames, 2);
    assert_int_equal(written.skipped, 1);
    assert_int_equal(written.files, 1);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_slave_release(own_slave);
    rogue_mem_file_channel_release(channel);
    rogue_mem_file_channel_release(own);
    rogue_mem_file_writer_release(writer);

    rogue_mem_file_reader_t *reader = NULL;
    receiver_t receiver;
    receiver_init(&receiver);
    assert_ok(rogue_mem_file_reader_new(NULL, &reader));
    rogue_mem_stream_master_t *master = rogue_mem_file_reader_stream_master(reader);
    assert_ok(rogue_mem_stream_master_add_slave(master, receiver.slave));
    rogue_mem_stream_master_release(master);
    assert_ok(rogue_mem_file_reader_open(reader, path));
    assert_true(rogue_mem_file_reader_wait(reader, 0));
    assert_false(rogue_mem_file_reader_is_open(reader));
    assert_int_equal(events_count(&receiver.arrived), 2);
    assert_int_equal(receiver.channels[0], 3);
    assert_int_equal(receiver.channels[1], 9);
    assert_memory_equal(receiver.bytes[1], "defg", 4);
    rogue_mem_file_reader_stats_t read = {0};
    read.size = sizeof read;
    assert_ok(rogue_mem_file_reader_stats(reader, &read));
    assert_int_equal(read.frames, 2);
    assert_int_equal(read.bytes, 7);
    assert_int_equal(read.faults, 0);

    /* Of a file that is cut, a frame with an error tells. */
    assert_int_equal(truncate(path, 22), 0);
    assert_ok(rogue_mem_file_reader_open(reader, path));
    assert_true(rogue_mem_file_reader_wait(reader, LONG_TIMEOUT_US));
    assert_int_equal(receiver.errors[3], 1);
    char text[256];
    assert_ok(rogue_mem_file_reader_error(reader, text, sizeof text, NULL));
    assert_contains(text, "record at byte 11: Short read");

    receiver.reader = reader;
    assert_ok(rogue_mem_file_reader_open(reader, path));
    assert_true(rogue_mem_file_reader_wait(reader, LONG_TIMEOUT_US));
    assert_int_equal(events_count(&receiver.arrived), 5);
    rogue_mem_file_reader_stop(reader);
    rogue_mem_file_reader_release(reader);
    receiver_destroy(&receiver);
    unlink(path);
}

static void a_full_disk_is_told_in_words(void **state) {
    (void)state;
    rogue_mem_file_writer_t *writer = NULL;
    assert_ok(rogue_mem_file_writer_new(&writer));
    assert_int_equal(rogue_mem_file_writer_open(writer, "/tmp/no such folder/data"),
                     ROGUE_MEM_ERROR_FILE);
    assert_contains(rogue_mem_last_error(), "Failed to open data file: /tmp/no such folder/data");
    assert_ok(rogue_mem_file_writer_open(writer, "/dev/full"));
    rogue_mem_file_channel_t *channel = rogue_mem_file_writer_channel(writer, 1);
    rogue_mem_stream_slave_t *slave = rogue_mem_file_channel_slave(channel);
    send(slave, "abc", 3, 0);
    assert_false(rogue_mem_file_writer_is_open(writer));
    char text[256];
    assert_ok(rogue_mem_file_writer_error(writer, text, sizeof text, NULL));
    assert_contains(text, "No space left on device");
    assert_int_equal(rogue_mem_file_writer_close(writer), ROGUE_MEM_ERROR_FILE);
    assert_string_equal(rogue_mem_last_error(), text);
    assert_ok(rogue_mem_file_writer_close(writer));
    rogue_mem_stream_slave_release(slave);
    rogue_mem_file_channel_release(channel);
    rogue_mem_file_writer_release(writer);
}

static void a_series_of_files_has_a_limit_each_and_the_last_release_closes_it(void **state) {
    (void)state;
    char path[PATH_BYTES], part[PATH_BYTES + 2];
    make_path(path, "series");
    rogue_mem_file_writer_t *writer = NULL;
    assert_ok(rogue_mem_file_writer_new(&writer));
    rogue_mem_file_writer_set_max_size(writer, 4);
    rogue_mem_file_writer_set_raw(writer, 1);
    assert_true(rogue_mem_file_writer_raw(writer));
    assert_ok(rogue_mem_file_writer_set_buffer_size(writer, 100));
    assert_ok(rogue_mem_file_writer_open(writer, path));
    rogue_mem_file_channel_t *channel = rogue_mem_file_writer_channel(writer, 1);
    rogue_mem_stream_slave_t *slave = rogue_mem_file_channel_slave(channel);
    rogue_mem_file_channel_release(channel);
    send(slave, "abc", 3, 0);
    send(slave, "de", 2, 0);
    send(slave, "fg", 2, 0);
    rogue_mem_file_writer_release(writer);
    snprintf(part, sizeof part, "%s.1", path);
    assert_file_is(part, "abc", 3);
    unlink(part);
    snprintf(part, sizeof part, "%s.2", path);
    assert_file_is(part, "", 0);
    rogue_mem_stream_slave_release(slave);
    assert_file_is(part, "defg", 4);
    unlink(part);
}

/* The receiving end of a port, whose frames go to a receiver. Takes the port. */
static rogue_mem_stream_slave_t *through(rogue_mem_stream_port_t *port, receiver_t *receiver) {
    rogue_mem_stream_master_t *master = rogue_mem_stream_port_master(port);
    rogue_mem_stream_slave_t *slave = rogue_mem_stream_port_slave(port);
    assert_ok(rogue_mem_stream_master_add_slave(master, receiver->slave));
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_port_release(port);
    return slave;
}

static const char SUPER_FRAME[] = "\x21\0\0\0\0\0\0\0"
                                  "12345678"
                                  "\10\0\0\0\11\0\0\2"
                                  "abc\0\0\0\0\0"
                                  "\3\0\0\0\11\0\0\2";

static void super_frames_are_packed_and_split(void **state) {
    (void)state;
    rogue_mem_batch_combiner_t *combiner = NULL;
    rogue_mem_batch_splitter_t *splitter = NULL;
    receiver_t packed, split;
    receiver_init(&packed);
    receiver_init(&split);
    assert_ok(rogue_mem_batch_combiner_new_v1(2, &combiner));
    assert_ok(rogue_mem_batch_splitter_new_v1(&splitter));
    rogue_mem_stream_slave_t *into =
        through(rogue_mem_batch_combiner_stream_port(combiner), &packed);
    rogue_mem_stream_slave_t *from =
        through(rogue_mem_batch_splitter_stream_port(splitter), &split);
    assert_ok(rogue_mem_batch_combiner_send(combiner));
    assert_int_equal(events_count(&packed.arrived), 0);
    send(into, "12345678", 8, 0);
    send(into, "abc", 3, 4);
    assert_int_equal(rogue_mem_batch_combiner_count(combiner), 2);
    assert_ok(rogue_mem_batch_combiner_send(combiner));
    assert_int_equal(packed.payloads[0], sizeof SUPER_FRAME - 1);
    assert_memory_equal(packed.bytes[0], SUPER_FRAME, sizeof SUPER_FRAME - 1);
    rogue_mem_batch_combiner_stats_t combined = {0};
    combined.size = sizeof combined;
    assert_ok(rogue_mem_batch_combiner_stats(combiner, &combined));
    assert_int_equal(combined.super_frames, 1);
    assert_int_equal(combined.frames, 2);

    send(from, SUPER_FRAME, sizeof SUPER_FRAME - 1, 0);
    send(from, SUPER_FRAME, sizeof SUPER_FRAME - 2, 0);
    send(from, SUPER_FRAME, sizeof SUPER_FRAME - 1, 1);
    assert_int_equal(events_count(&split.arrived), 2);
    assert_int_equal(split.payloads[1], 3);
    assert_int_equal(split.channels[1], 9);
    assert_int_equal(split.errors[1], 0);
    assert_memory_equal(split.bytes[1], "abc", 3);
    rogue_mem_batch_splitter_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_batch_splitter_stats(splitter, &stats));
    assert_int_equal(stats.super_frames, 1);
    assert_int_equal(stats.frames, 2);
    assert_int_equal(stats.dropped, 2);
    rogue_mem_stream_slave_release(into);
    rogue_mem_stream_slave_release(from);
    rogue_mem_batch_combiner_release(combiner);
    rogue_mem_batch_splitter_release(splitter);
    receiver_destroy(&packed);
    receiver_destroy(&split);
}

static void super_frames_are_inverted_unless_they_cannot_be(void **state) {
    (void)state;
    static const char INVERTED[] = "\10\0\0\0\11\0\0\2"
                                   "12345678"
                                   "\3\0\0\0\11\0\0\2"
                                   "abc\0\0\0\0\0";
    rogue_mem_batch_inverter_t *inverter = NULL, *inverter_v2 = NULL;
    receiver_t receiver;
    receiver_init(&receiver);
    assert_ok(rogue_mem_batch_inverter_new_v1(&inverter));
    assert_ok(rogue_mem_batch_inverter_new_v2(&inverter_v2));
    rogue_mem_stream_slave_t *slave =
        through(rogue_mem_batch_inverter_stream_port(inverter), &receiver);
    send(slave, SUPER_FRAME, sizeof SUPER_FRAME - 1, 0);
    send(slave, "\1\0\x11\x22\x33\x44\4\0\0\0\5\2\0\0", 14, 0);
    rogue_mem_stream_slave_release(slave);
    assert_int_equal(events_count(&receiver.arrived), 1);
    assert_int_equal(receiver.payloads[0], sizeof INVERTED - 1);
    assert_memory_equal(receiver.bytes[0], INVERTED, sizeof INVERTED - 1);
    slave = through(rogue_mem_batch_inverter_stream_port(inverter_v2), &receiver);
    send(slave, "\2\0\x11\1\0\0\0\5\2\0", 10, 0);
    assert_memory_equal(receiver.bytes[1], "\1\0\x11\1\0\0\0\5", 8);
    rogue_mem_batch_inverter_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_batch_inverter_stats(inverter, &stats));
    assert_int_equal(stats.super_frames, 1);
    assert_int_equal(stats.dropped, 1);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_batch_inverter_release(inverter);
    rogue_mem_batch_inverter_release(inverter_v2);
    receiver_destroy(&receiver);
}

static void the_records_of_a_super_frame_are_found_in_place(void **state) {
    (void)state;
    rogue_mem_frame_t *frame = frame_of(SUPER_FRAME, sizeof SUPER_FRAME - 1);
    rogue_mem_batch_t *batch = NULL;
    assert_ok(rogue_mem_batch_new(frame, 1, &batch));
    assert_int_equal(rogue_mem_batch_count(batch), 2);
    assert_int_equal(rogue_mem_batch_header_bytes(batch), 8);
    assert_int_equal(rogue_mem_batch_tail_bytes(batch), 8);
    assert_int_equal(rogue_mem_batch_sequence(batch), 0);
    rogue_mem_batch_record_t record = {0};
    record.size = sizeof record;
    assert_ok(rogue_mem_batch_record(batch, 1, &record));
    assert_int_equal(record.start, 24);
    assert_int_equal(record.bytes, 3);
    assert_int_equal(record.tail, 32);
    assert_int_equal(record.dest, 9);
    assert_int_equal(rogue_mem_batch_record(batch, 2, &record), ROGUE_MEM_ERROR_FRAME);
    assert_int_equal(record.start, 24);
    rogue_mem_batch_release(batch);
    assert_int_equal(rogue_mem_batch_new(frame, 2, &batch), ROGUE_MEM_ERROR_FRAME);
    assert_contains(rogue_mem_last_error(), "Version mismatch. Got 1");
    rogue_mem_frame_release(frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_recorded_and_sent_again),
        cmocka_unit_test(a_full_disk_is_told_in_words),
        cmocka_unit_test(a_series_of_files_has_a_limit_each_and_the_last_release_closes_it),
        cmocka_unit_test(super_frames_are_packed_and_split),
        cmocka_unit_test(super_frames_are_inverted_unless_they_cannot_be),
        cmocka_unit_test(the_records_of_a_super_frame_are_found_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
