/* The stream TCP bridge: frames between a server and a client of one program. */
#include "support.h"

#define FRAMES_COUNT_MAX 64

/* A slave that records frames; with a gate that is closed it blocks. */
typedef struct {
    rogue_mem_stream_slave_t *slave;
    events_t frames;
    pthread_mutex_t mutex; /* guards what follows */
    size_t count;
    struct {
        uint32_t payload;
        uint8_t first_byte;
        uint16_t flags;
        uint8_t channel;
        uint8_t error;
    } records[FRAMES_COUNT_MAX];
} sink_t;

static void accept_frame(void *ctx, rogue_mem_frame_t *frame) {
    sink_t *sink = ctx;
    pthread_mutex_lock(&sink->mutex);
    if (sink->count < FRAMES_COUNT_MAX) {
        uint8_t first_byte = 0;
        rogue_mem_frame_read_data(frame, 0, &first_byte, 1);
        sink->records[sink->count].payload = rogue_mem_frame_payload(frame);
        sink->records[sink->count].first_byte = first_byte;
        sink->records[sink->count].flags = rogue_mem_frame_flags(frame);
        sink->records[sink->count].channel = rogue_mem_frame_channel(frame);
        sink->records[sink->count].error = rogue_mem_frame_error(frame);
        sink->count++;
    }
    pthread_mutex_unlock(&sink->mutex);
    events_raise(&sink->frames);
}

static void sink_init(sink_t *sink) {
    memset(sink, 0, sizeof *sink);
    events_init(&sink->frames);
    pthread_mutex_init(&sink->mutex, NULL);
    rogue_mem_stream_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = sink;
    callbacks.accept_frame = accept_frame;
    assert_ok(rogue_mem_stream_slave_new(&callbacks, &sink->slave));
}

static void sink_destroy(sink_t *sink) {
    rogue_mem_stream_slave_release(sink->slave);
    pthread_mutex_destroy(&sink->mutex);
    events_destroy(&sink->frames);
}

/* Connects a port with a new master and the sink in both directions; returns the master. */
static rogue_mem_stream_master_t *join(rogue_mem_stream_port_t *port, sink_t *sink) {
    rogue_mem_stream_master_t *master = NULL;
    rogue_mem_stream_port_t *own = NULL;
    assert_ok(rogue_mem_stream_master_new(&master));
    assert_ok(rogue_mem_stream_port_new(master, sink->slave, &own));
    assert_ok(rogue_mem_stream_port_connect(own, port));
    rogue_mem_stream_port_release(own);
    rogue_mem_stream_port_release(port);
    return master;
}

static void send_frame(rogue_mem_stream_master_t *master, uint8_t byte, uint32_t count) {
    rogue_mem_frame_t *frame = NULL;
    assert_ok(rogue_mem_stream_master_req_frame(master, count, 1, &frame));
    assert_ok(rogue_mem_frame_set_payload(frame, count));
    assert_ok(rogue_mem_frame_write_data(frame, 0, &byte, 1));
    rogue_mem_frame_set_flags(frame, (uint16_t)(0x1200 | byte));
    rogue_mem_frame_set_channel(frame, byte);
    rogue_mem_frame_set_error(frame, 0x80);
    assert_ok(rogue_mem_stream_master_send_frame(master, frame));
    rogue_mem_frame_release(frame);
}

static void assert_received(sink_t *sink, uint8_t byte, uint32_t count) {
    events_wait(&sink->frames, 1);
    pthread_mutex_lock(&sink->mutex);
    assert_int_equal(sink->records[0].payload, count);
    assert_int_equal(sink->records[0].first_byte, byte);
    assert_int_equal(sink->records[0].flags, 0x1200 | byte);
    assert_int_equal(sink->records[0].channel, byte);
    assert_int_equal(sink->records[0].error, 0x80);
    pthread_mutex_unlock(&sink->mutex);
}

static void frames_cross_the_bridge_in_both_directions(void **state) {
    (void)state;
    sink_t at_server, at_client;
    sink_init(&at_server);
    sink_init(&at_client);
    rogue_mem_stream_server_t *server = NULL;
    rogue_mem_stream_client_t *client = NULL;
    assert_ok(rogue_mem_stream_server_new("127.0.0.1", 0, NULL, &server));
    rogue_mem_stream_master_t *from_server =
        join(rogue_mem_stream_server_stream_port(server), &at_server);
    uint16_t port = rogue_mem_stream_server_port(server);
    assert_int_not_equal(port, 0);
    assert_ok(rogue_mem_stream_client_new("127.0.0.1", port, NULL, &client));
    rogue_mem_stream_master_t *from_client =
        join(rogue_mem_stream_client_stream_port(client), &at_client);
    send_frame(from_client, 7, 10000);
    assert_received(&at_server, 7, 10000);
    send_frame(from_server, 9, 3);
    assert_received(&at_client, 9, 3);
    assert_int_equal(rogue_mem_stream_client_state(client), ROGUE_MEM_CLIENT_CONNECTED);
    char text[200];
    assert_ok(rogue_mem_stream_client_state_text(client, text, sizeof text, NULL));
    assert_contains(text, "connected to 127.0.0.1:");

    rogue_mem_stream_server_stats_t served = {0};
    served.size = sizeof served;
    rogue_mem_stream_client_stats_t exchanged = {0};
    exchanged.size = sizeof exchanged;
    assert_ok(rogue_mem_stream_server_stats(server, &served));
    assert_ok(rogue_mem_stream_client_stats(client, &exchanged));
    assert_int_equal(served.peers, 1);
    assert_int_equal(served.frames_in, 1);
    assert_int_equal(served.bytes_in, 10000);
    assert_int_equal(exchanged.frames_in, 1);
    assert_int_equal(exchanged.bytes_in, 3);
    assert_int_equal(exchanged.frames_out, 1);
    assert_int_equal(exchanged.bytes_out, 10000);
    assert_int_equal(served.dropped_in + served.dropped_out + served.malformed, 0);

    rogue_mem_stream_client_stop(client);
    rogue_mem_stream_client_stop(client);
    assert_int_equal(rogue_mem_stream_client_state(client), ROGUE_MEM_CLIENT_STOPPED);
    send_frame(from_client, 1, 1);
    assert_ok(rogue_mem_stream_client_stats(client, &exchanged));
    assert_int_equal(exchanged.dropped_out, 1);
    rogue_mem_stream_server_stop(server);
    rogue_mem_stream_master_release(from_server);
    rogue_mem_stream_master_release(from_client);
    rogue_mem_stream_client_release(client);
    rogue_mem_stream_server_release(server);
    sink_destroy(&at_server);
    sink_destroy(&at_client);
}

static void *send_one(void *master) {
    rogue_mem_frame_t *frame = NULL;
    rogue_mem_frame_new(8, &frame);
    rogue_mem_frame_set_payload(frame, 8);
    rogue_mem_stream_master_send_frame(master, frame);
    rogue_mem_frame_release(frame);
    return NULL;
}

static void a_stop_releases_a_sender_without_a_peer(void **state) {
    (void)state;
    sink_t sink;
    sink_init(&sink);
    rogue_mem_stream_server_t *server = NULL;
    assert_ok(rogue_mem_stream_server_new("127.0.0.1", 0, NULL, &server));
    rogue_mem_stream_master_t *master = join(rogue_mem_stream_server_stream_port(server), &sink);
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, send_one, master), 0);
    rogue_mem_stream_server_stop(server);
    assert_int_equal(pthread_join(sender, NULL), 0);
    rogue_mem_stream_server_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_stream_server_stats(server, &stats));
    assert_int_equal(stats.dropped_out, 1);
    rogue_mem_stream_master_release(master);
    rogue_mem_stream_server_release(server);
    sink_destroy(&sink);
}

static void options_limit_the_wait_and_the_size(void **state) {
    (void)state;
    sink_t sink;
    sink_init(&sink);
    rogue_mem_stream_server_options_t serving = {0};
    serving.size = sizeof serving;
    serving.send_wait_ms_max = ROGUE_MEM_SEND_WAIT_NEVER;
    serving.frame_bytes_max = 100;
    rogue_mem_stream_server_t *server = NULL;
    assert_ok(rogue_mem_stream_server_new("127.0.0.1", 0, &serving, &server));
    rogue_mem_stream_master_t *from_server =
        join(rogue_mem_stream_server_stream_port(server), &sink);
    send_frame(from_server, 1, 8);
    rogue_mem_stream_server_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_stream_server_stats(server, &stats));
    assert_int_equal(stats.dropped_out, 1);

    sink_t unused;
    sink_init(&unused);
    rogue_mem_stream_client_options_t options = {0};
    options.size = sizeof options;
    options.queue_bytes_max = 1000;
    options.spin_us = ROGUE_MEM_SPIN_NEVER;
    rogue_mem_stream_client_t *client = NULL;
    uint16_t port = rogue_mem_stream_server_port(server);
    assert_ok(rogue_mem_stream_client_new("127.0.0.1", port, &options, &client));
    rogue_mem_stream_master_t *from_client =
        join(rogue_mem_stream_client_stream_port(client), &unused);
    send_frame(from_client, 5, 101);
    send_frame(from_client, 6, 100);
    assert_received(&sink, 6, 100);
    assert_ok(rogue_mem_stream_server_stats(server, &stats));
    assert_int_equal(stats.dropped_in, 1);
    rogue_mem_stream_master_release(from_client);
    rogue_mem_stream_client_release(client);
    rogue_mem_stream_master_release(from_server);
    rogue_mem_stream_server_release(server);
    sink_destroy(&sink);
    sink_destroy(&unused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_cross_the_bridge_in_both_directions),
        cmocka_unit_test(a_stop_releases_a_sender_without_a_peer),
        cmocka_unit_test(options_limit_the_wait_and_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
