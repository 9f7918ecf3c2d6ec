/* Audits: records of what clients did, for a callback and in a file. */
#include "support.h"

#include <unistd.h>

/* What a callback has got. */
typedef struct {
    pthread_mutex_t mutex; /* guards the latest record */
    events_t records;
    events_t drops;
    uint64_t lost;
    rogue_mem_audit_record_t latest;
    uint8_t data[8];
    char server[64], client[64], key[64], text[256];
    rogue_mem_audit_t *audit;
    rogue_mem_status_t flushed; /* of a flush in the callback */
} sink_t;

static void take(void *ctx, const rogue_mem_audit_record_t *record) {
    sink_t *sink = ctx;
    pthread_mutex_lock(&sink->mutex);
    sink->latest = *record;
    if (record->data_bytes <= sizeof sink->data) {
        memcpy(sink->data, record->data, record->data_bytes);
    }
    snprintf(sink->server, sizeof sink->server, "%s", record->server);
    snprintf(sink->client, sizeof sink->client, "%s", record->client);
    snprintf(sink->key, sizeof sink->key, "%s", record->key);
    snprintf(sink->text, sizeof sink->text, "%s", record->text);
    rogue_mem_audit_t *audit = sink->audit;
    pthread_mutex_unlock(&sink->mutex);
    sink->flushed = rogue_mem_audit_flush(audit, LONG_TIMEOUT_US);
    events_raise(&sink->records);
}

static void lose(void *ctx, uint64_t count) { ((sink_t *)ctx)->lost += count; }

static void drop(void *ctx) { events_raise(&((sink_t *)ctx)->drops); }

/* A bridge whose server has an audit. */
static void audited_open(bridge_t *bridge, enum behaviour behaviour, rogue_mem_audit_t *audit) {
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.audit = audit;
    bridge_open(bridge, behaviour, &options, NULL);
}

static rogue_mem_status_t bridge_write(bridge_t *bridge, uint64_t address, const char *data) {
    uint8_t bytes[4];
    memcpy(bytes, data, sizeof bytes);
    return transfer(bridge->master, address, bytes, sizeof bytes, ROGUE_MEM_WRITE);
}

static void a_callback_gets_what_clients_wrote_and_is_dropped_with_the_last_server(void **state) {
    (void)state;
    static sink_t sink;
    pthread_mutex_init(&sink.mutex, NULL);
    events_init(&sink.records);
    events_init(&sink.drops);
    rogue_mem_audit_sink_t given = {0};
    given.size = sizeof given;
    given.ctx = &sink;
    given.drop = drop;
    given.record = take;
    given.lost = lose;
    rogue_mem_audit_t *audit = NULL;
    assert_ok(rogue_mem_audit_new(&given, NULL, &audit));
    sink.audit = audit;

    bridge_t bridge;
    audited_open(&bridge, MEMORY, audit);
    assert_ok(bridge_write(&bridge, 0x10, "abcd"));
    events_wait(&sink.records, 1);
    pthread_mutex_lock(&sink.mutex);
    assert_int_equal(sink.latest.size, sizeof sink.latest);
    assert_true(sink.latest.time_ns > 1700000000000000000u && sink.latest.latency_ns > 0);
    assert_int_equal(sink.latest.client_number, 1);
    assert_int_equal(sink.latest.address, 0x10);
    assert_int_equal(sink.latest.access_bytes, 4);
    assert_int_equal(sink.latest.kind, ROGUE_MEM_WRITE);
    assert_int_equal(sink.latest.result, ROGUE_MEM_AUDIT_OK);
    assert_int_equal(sink.latest.status, ROGUE_MEM_OK);
    assert_true(sink.latest.uid == ROGUE_MEM_AUDIT_NO_UID && sink.latest.pid == 0);
    assert_true(sink.latest.answered && !sink.latest.reserved);
    assert_int_equal(sink.latest.data_bytes, 4);
    assert_memory_equal(sink.data, "abcd", 4);
    assert_contains(sink.server, "127.0.0.1:");
    assert_contains(sink.client, "127.0.0.1:");
    assert_string_equal(sink.key, "");
    assert_string_equal(sink.text, "");
    assert_int_equal(sink.flushed, ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    pthread_mutex_unlock(&sink.mutex);

    uint64_t remaining = 0;
    assert_ok(rogue_mem_tcp_server_drain(bridge.server, LONG_TIMEOUT_US, &remaining));
    assert_int_not_equal(bridge_write(&bridge, 0x20, "abcd"), ROGUE_MEM_OK);
    events_wait(&sink.records, 2);
    pthread_mutex_lock(&sink.mutex);
    assert_int_equal(sink.latest.result, ROGUE_MEM_AUDIT_REFUSED);
    assert_contains(sink.text, "drains");
    pthread_mutex_unlock(&sink.mutex);

    rogue_mem_audit_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_audit_flush(audit, LONG_TIMEOUT_US));
    assert_ok(rogue_mem_audit_stats(audit, &stats));
    assert_int_equal(stats.records, 2);
    assert_int_equal(stats.delivered, 2);
    assert_true(sink.lost == 0 && stats.lost == 0 && stats.queued == 0);
    rogue_mem_audit_release(audit);
    assert_int_equal(events_count(&sink.drops), 0);
    bridge_close(&bridge);
    events_wait(&sink.drops, 1);
    events_destroy(&sink.records);
    events_destroy(&sink.drops);
    pthread_mutex_destroy(&sink.mutex);
}

static void a_file_gets_a_line_for_each_write(void **state) {
    (void)state;
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/tmp/rogue-mem-audit-%ld", (long)getpid());
    unlink(path);
    rogue_mem_audit_options_t options = {0};
    options.size = sizeof options;
    options.data_bytes_max = ROGUE_MEM_AUDIT_NO_DATA;
    rogue_mem_audit_t *audit = NULL;
    assert_ok(rogue_mem_audit_to_file(path, &options, &audit));
    bridge_t bridge;
    audited_open(&bridge, MEMORY, audit);
    assert_ok(bridge_write(&bridge, 0x10, "abcd"));
    assert_ok(bridge_write(&bridge, 0x20, "abcd"));
    assert_ok(rogue_mem_audit_flush(audit, LONG_TIMEOUT_US));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_contains(line, "\"type\":\"write\",\"address\":\"0x10\",\"size\":4,\"data\":\"\"");
    assert_non_null(fgets(line, sizeof line, file));
    assert_contains(line, "\"address\":\"0x20\"");
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    unlink(path);
    bridge_close(&bridge);
    rogue_mem_audit_release(audit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_gets_what_clients_wrote_and_is_dropped_with_the_last_server),
        cmocka_unit_test(a_file_gets_a_line_for_each_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
