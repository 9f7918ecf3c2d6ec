/* The memory TCP bridge: servers and clients of this process, over the loopback interface. */
#include "support.h"

#include "rogue_mem_binding.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void every_kind_of_transaction_crosses_the_bridge(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, NULL, NULL);
    assert_int_equal(rogue_mem_tcp_client_state(bridge.client), ROGUE_MEM_CLIENT_CONNECTED);
    char text[128];
    assert_ok(rogue_mem_tcp_client_state_text(bridge.client, text, sizeof text, NULL));
    assert_contains(text, "connected to 127.0.0.1");

    uint8_t written[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t posted[2] = {9, 10};
    uint8_t read[8] = {0};
    assert_ok(transfer(bridge.master, 0x10, written, 8, ROGUE_MEM_WRITE));
    assert_ok(transfer(bridge.master, 0x12, posted, 2, ROGUE_MEM_POST));
    assert_ok(transfer(bridge.master, 0x10, read, 8, ROGUE_MEM_READ));
    const uint8_t expected[8] = {1, 2, 9, 10, 5, 6, 7, 8};
    assert_memory_equal(read, expected, 8);
    assert_ok(transfer(bridge.master, 0x11, read, 1, ROGUE_MEM_VERIFY));
    assert_int_equal(read[0], 2);
    const uint32_t types[] = {ROGUE_MEM_WRITE, ROGUE_MEM_POST, ROGUE_MEM_READ, ROGUE_MEM_VERIFY};
    assert_int_equal(bridge.recorder.count, COUNT_OF(types));
    for (size_t index = 0; index < COUNT_OF(types); index++) {
        assert_int_equal(bridge.recorder.records[index].type, types[index]);
    }
    bridge_close(&bridge);
}

static void the_text_of_a_failure_crosses_the_bridge(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, FAIL, NULL, NULL);
    bridge.recorder.error_text = "register 7 is on fire: 100% %s";
    uint32_t word = 0x5A5A5A5A;
    assert_int_equal(transfer(bridge.master, 0, &word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), bridge.recorder.error_text);
    /* D-12: a failed read leaves the buffer as it is. */
    assert_int_equal(word, 0x5A5A5A5A);
    bridge_close(&bridge);
}

static void d14_each_of_two_clients_gets_its_own_answers(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, KEEP, NULL, NULL);
    rogue_mem_tcp_client_t *other = NULL;
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(bridge.server), NULL,
                                       &other));
    assert_ok(rogue_mem_tcp_client_wait_ready(other, LONG_TIMEOUT_US, PERIOD_US));
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(other);
    rogue_mem_master_t *masters[2] = {bridge.master, master_of(slave)};
    rogue_mem_slave_release(slave);
    uint8_t bytes[2] = {0, 0};
    uint32_t ids[2];
    for (unsigned index = 0; index < 2; index++) {
        assert_ok(rogue_mem_master_request(masters[index], 0x20 + index, 1, &bytes[index],
                                           ROGUE_MEM_READ, &ids[index]));
        events_wait(&bridge.recorder.transactions, index + 1);
    }
    /* Answered in the other order. */
    rogue_mem_transaction_t *kept[2];
    kept[0] = recorder_take(&bridge.recorder);
    kept[1] = recorder_take(&bridge.recorder);
    for (int index = 1; index >= 0; index--) {
        uint8_t answer = (uint8_t)rogue_mem_transaction_address(kept[index]);
        assert_ok(rogue_mem_transaction_copy_to_requester(kept[index], 0, &answer, 1));
        rogue_mem_transaction_done(kept[index]);
        rogue_mem_transaction_release(kept[index]);
    }
    for (unsigned index = 0; index < 2; index++) {
        assert_ok(rogue_mem_master_wait(masters[index], ids[index]));
        assert_int_equal(bytes[index], 0x20 + index);
    }
    rogue_mem_master_release(masters[1]);
    rogue_mem_tcp_client_release(other);
    bridge_close(&bridge);
}

static void stopping_a_client_fails_what_is_outstanding_and_what_comes(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, KEEP, NULL, NULL);
    uint32_t word = 0;
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(bridge.master, 0, 4, &word, ROGUE_MEM_READ, &id));
    events_wait(&bridge.recorder.transactions, 1);
    rogue_mem_tcp_client_stop(bridge.client);
    rogue_mem_tcp_client_stop(bridge.client);
    assert_int_equal(rogue_mem_master_wait(bridge.master, id), ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "stop");
    assert_int_equal(transfer(bridge.master, 0, &word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(rogue_mem_tcp_client_state(bridge.client), ROGUE_MEM_CLIENT_STOPPED);
    assert_int_equal(rogue_mem_tcp_client_wait_ready(bridge.client, LONG_TIMEOUT_US, PERIOD_US),
                     ROGUE_MEM_ERROR_STOPPED);
    bridge_close(&bridge);
}

static void d09_without_a_server_the_text_says_why(void **state) {
    (void)state;
    /* A pair of ports without a listener. */
    rogue_mem_tcp_server_t *server = NULL;
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server));
    uint16_t port = rogue_mem_tcp_server_port(server);
    rogue_mem_tcp_server_release(server);
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", port, NULL, &client));
    /* Until the first attempt has failed there is no reason yet. */
    do {
        assert_int_equal(rogue_mem_tcp_client_wait_ready(client, PERIOD_US, PERIOD_US),
                         ROGUE_MEM_ERROR_TIMEOUT);
    } while (strstr(rogue_mem_last_error(), "refused") == NULL);
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_master_set_timeout(master, SHORT_TIMEOUT_US);
    uint32_t word = 0;
    assert_int_equal(transfer(master, 0, &word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    assert_contains(rogue_mem_last_error(), "refused");
    assert_int_equal(rogue_mem_tcp_client_wait_ready(client, 0, 0), ROGUE_MEM_ERROR_TIMEOUT);
    rogue_mem_master_release(master);
    rogue_mem_slave_stop(slave);
    rogue_mem_slave_release(slave);
    rogue_mem_tcp_client_release(client);
}

/* The calls of a connection observer. */
typedef struct {
    pthread_mutex_t mutex; /* guards what follows */
    rogue_mem_connection_t last;
    char server[64];
    char reason[256];
    bool is_out_of_order;

    events_t changes;
    events_t drops;
} news_t;

static void note_change(void *ctx, const rogue_mem_connection_t *connection) {
    news_t *news = ctx;
    pthread_mutex_lock(&news->mutex);
    news->is_out_of_order |= connection->connected == news->last.connected;
    news->last = *connection;
    snprintf(news->server, sizeof news->server, "%s", connection->server);
    snprintf(news->reason, sizeof news->reason, "%s", connection->reason);
    pthread_mutex_unlock(&news->mutex);
    events_raise(&news->changes);
}

static void note_drop(void *ctx) {
    news_t *news = ctx;
    events_raise(&news->drops);
}

static void f22_a_connection_that_comes_and_goes_is_told_with_the_reason(void **state) {
    (void)state;
    news_t news = {0};
    pthread_mutex_init(&news.mutex, NULL);
    events_init(&news.changes);
    events_init(&news.drops);
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    rogue_mem_connection_observer_t observer = {0};
    observer.size = sizeof observer;
    observer.ctx = &news;
    observer.drop = note_drop;
    observer.changed = note_change;

    bridge_t bridge;
    bridge_open(&bridge, MEMORY, NULL, NULL);
    assert_ok(rogue_mem_tcp_client_observe(bridge.client, &observer));
    events_wait(&news.changes, 1);
    pthread_mutex_lock(&news.mutex);
    assert_int_equal(news.last.size, sizeof news.last);
    assert_int_equal(news.last.connected, 1);
    assert_int_equal(news.last.bridge_level, 1);
    assert_contains(news.server, "127.0.0.1:");
    assert_string_equal(news.reason, "");
    pthread_mutex_unlock(&news.mutex);

    /* The next one replaces it, and gets the present state. */
    observer.gate = gate;
    assert_ok(rogue_mem_tcp_client_observe(bridge.client, &observer));
    events_wait(&news.drops, 1);
    events_wait(&news.changes, 2);
    pthread_mutex_lock(&news.mutex);
    news.is_out_of_order = false;
    pthread_mutex_unlock(&news.mutex);
    rogue_mem_tcp_server_stop(bridge.server);
    events_wait(&news.changes, 3);
    pthread_mutex_lock(&news.mutex);
    assert_int_equal(news.last.connected, 0);
    assert_contains(news.reason, "127.0.0.1:");
    assert_false(news.is_out_of_order);
    pthread_mutex_unlock(&news.mutex);
    while (!rogue_mem_gate_close(gate, 1000000)) {
    }

    /* No further call, and an observer set now is dropped at once. */
    rogue_mem_tcp_client_stop(bridge.client);
    events_wait(&news.drops, 2);
    observer.gate = NULL;
    assert_ok(rogue_mem_tcp_client_observe(bridge.client, &observer));
    events_wait(&news.drops, 3);
    assert_ok(rogue_mem_tcp_client_observe(bridge.client, NULL));
    assert_int_equal(events_count(&news.changes), 3);

    rogue_mem_gate_release(gate);
    bridge_close(&bridge);
    events_destroy(&news.drops);
    events_destroy(&news.changes);
    pthread_mutex_destroy(&news.mutex);
}

static void start_waits_only_for_a_client_that_was_made_to(void **state) {
    (void)state;
    bridge_t bridge;
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.wait_ready = 1;
    bridge_open(&bridge, MEMORY, NULL, &options);
    assert_ok(rogue_mem_tcp_client_start(bridge.client));
    rogue_mem_tcp_client_stop(bridge.client);
    assert_int_equal(rogue_mem_tcp_client_start(bridge.client), ROGUE_MEM_ERROR_STOPPED);
    assert_string_equal(rogue_mem_last_error_source(), "memory::TcpClient::start");
    bridge_close(&bridge);
    bridge_open(&bridge, MEMORY, NULL, NULL);
    rogue_mem_tcp_client_stop(bridge.client);
    assert_ok(rogue_mem_tcp_client_start(bridge.client));
    bridge_close(&bridge);
}

static void a_taken_port_is_named(void **state) {
    (void)state;
    rogue_mem_tcp_server_t *server = NULL;
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, NULL, &server));
    uint16_t port = rogue_mem_tcp_server_port(server);
    rogue_mem_tcp_server_t *second = NULL;
    assert_int_equal(rogue_mem_tcp_server_new("127.0.0.1", port, NULL, &second),
                     ROGUE_MEM_ERROR_BIND);
    assert_null(second);
    char expected[64];
    snprintf(expected, sizeof expected, "Failed to bind server to port %u", (unsigned)port + 1);
    assert_contains(rogue_mem_last_error(), expected);
    snprintf(expected, sizeof expected, "port %u was asked for", (unsigned)port);
    assert_contains(rogue_mem_last_error(), expected);
    assert_string_equal(rogue_mem_last_error_source(), "memory::TcpServer::TcpServer");
    rogue_mem_tcp_server_release(server);
}

/* The errors of all servers are those of one place in the library. */
static void an_interface_that_is_none_is_named(void **state) {
    (void)state;
    rogue_mem_tcp_server_t *server = NULL;
    assert_int_equal(rogue_mem_tcp_server_new("no-such-if.invalid", 9000, NULL, &server),
                     ROGUE_MEM_ERROR_RESOLVE);
    assert_contains(rogue_mem_last_error(), "port 9000 at address no-such-if.invalid: ");
    assert_contains(rogue_mem_last_error(), "neither an interface of this host, which has ");
    assert_int_equal(rogue_mem_tcp_server_new("fe80::1%no-such-if", 9000, NULL, &server),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "this host has no interface \"no-such-if\", but ");
    assert_int_equal(rogue_mem_tcp_server_new("192.0.2.1", 9000, NULL, &server),
                     ROGUE_MEM_ERROR_BIND);
    assert_contains(rogue_mem_last_error(), "port 9001 at address 192.0.2.1: ");
    assert_contains(rogue_mem_last_error(), "no interface of this host has that address, but ");
    assert_contains(rogue_mem_last_error(), "port 9000 was asked for");
    assert_null(server);
    rogue_mem_stream_server_t *stream = NULL;
    assert_int_equal(rogue_mem_stream_server_new("fe80::1%no-such-if", 0, NULL, &stream),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "this host has no interface \"no-such-if\", but ");
    rogue_mem_udp_t *udp = NULL;
    assert_int_equal(rogue_mem_udp_new_server("192.0.2.1", 9000, NULL, &udp), ROGUE_MEM_ERROR_BIND);
    assert_contains(rogue_mem_last_error(), "Failed to bind to local port 9000 at address 192.0.2");
    assert_contains(rogue_mem_last_error(), "no interface of this host has that address, but ");
}

static void options_are_checked(void **state) {
    (void)state;
    rogue_mem_tcp_server_options_t options = {0};
    rogue_mem_tcp_server_t *server = NULL;
    assert_int_equal(rogue_mem_tcp_server_new("127.0.0.1", 0, &options, &server),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    options.size = sizeof options;
    options.legacy = 4;
    assert_int_equal(rogue_mem_tcp_server_new("127.0.0.1", 0, &options, &server),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "ROGUE_MEM_LEGACY_");
    assert_null(server);
    const uint32_t policies[] = {ROGUE_MEM_LEGACY_AUTO, ROGUE_MEM_LEGACY_ONE_PER_ADDRESS,
                                 ROGUE_MEM_LEGACY_LOCAL_PID, ROGUE_MEM_LEGACY_REFUSE};
    for (size_t index = 0; index < COUNT_OF(policies); index++) {
        options.legacy = policies[index];
        options.transaction_bytes_max = UINT64_MAX;
        assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, &options, &server));
        rogue_mem_tcp_server_release(server);
    }
}

/* One at a time and several at once, of every type. */
static void assert_carries_transactions(const bridge_t *bridge) {
    uint8_t posted[2] = {7, 8};
    uint8_t found[8] = {0};
    for (uint8_t round = 0; round < 3; round++) {
        uint8_t written[8] = {1, 2, round, 4, 5, 6, round, 9};
        assert_ok(transfer(bridge->master, 0x10, written, 8, ROGUE_MEM_WRITE));
        assert_ok(transfer(bridge->master, 0x14, posted, 2, ROGUE_MEM_POST));
        assert_ok(transfer(bridge->master, 0x10, found, 8, ROGUE_MEM_VERIFY));
        const uint8_t expected[8] = {1, 2, round, 4, 7, 8, round, 9};
        assert_memory_equal(found, expected, 8);
    }
    uint8_t bytes[8] = {0};
    uint32_t ids[8];
    for (uint32_t index = 0; index < COUNT_OF(ids); index++) {
        assert_ok(rogue_mem_master_request(bridge->master, 0x10 + index, 1, &bytes[index],
                                           ROGUE_MEM_READ, &ids[index]));
    }
    for (uint32_t index = COUNT_OF(ids); index > 0; index--) {
        assert_ok(rogue_mem_master_wait(bridge->master, ids[index - 1]));
    }
    assert_memory_equal(bytes, found, 8);
}

static void every_choice_of_speed_gives_right_answers(void **state) {
    (void)state;
    const uint32_t spins[] = {0, ROGUE_MEM_SPIN_NEVER, 200};
    rogue_mem_tcp_server_options_t server = {0};
    rogue_mem_tcp_client_options_t client = {0};
    server.size = sizeof server;
    client.size = sizeof client;
    for (unsigned choice = 0; choice < 8 * COUNT_OF(spins) * COUNT_OF(spins); choice++) {
        client.no_direct = (choice & 1) != 0;
        client.no_duplex = (choice & 2) != 0;
        server.no_duplex = (choice & 4) != 0;
        client.spin_us = spins[choice / 8 % COUNT_OF(spins)];
        server.spin_us = spins[choice / 8 / COUNT_OF(spins)];
        bridge_t bridge;
        bridge_open(&bridge, MEMORY, &server, &client);
        assert_carries_transactions(&bridge);
        bridge_close(&bridge);
    }
}

static void spinning_ends_with_the_timeout(void **state) {
    (void)state;
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.spin_us = ROGUE_MEM_SPIN_NEVER - 1; /* more than an hour */
    bridge_t bridge;
    bridge_open(&bridge, KEEP_BY_ADDRESS, NULL, &options);
    uint32_t word = 0;
    /* The first waits may leave the reading to the client's own thread. */
    for (int round = 0; round < 20; round++) {
        assert_ok(transfer(bridge.master, 0, &word, 4, ROGUE_MEM_READ));
    }
    rogue_mem_master_set_timeout(bridge.master, SHORT_TIMEOUT_US);
    assert_int_equal(transfer(bridge.master, 0x1000, &word, 4, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT);
    bridge_close(&bridge);
}

static void a_transaction_beyond_the_servers_limit_is_refused(void **state) {
    (void)state;
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.transaction_bytes_max = 8;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, &options, NULL);
    uint8_t bytes[9] = {0};
    assert_ok(transfer(bridge.master, 0, bytes, 8, ROGUE_MEM_READ));
    assert_int_equal(transfer(bridge.master, 0, bytes, 9, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_int_equal(bridge.recorder.count, 1);
    rogue_mem_tcp_server_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_tcp_server_stats(bridge.server, &stats));
    assert_int_equal(stats.refused, 1);
    bridge_close(&bridge);
}

static void a_transaction_beyond_half_of_the_budget_is_refused(void **state) {
    (void)state;
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.budget_bytes_max = 256 * 1024;
    options.progress_per_second_min = ROGUE_MEM_PROGRESS_ANY;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, &options, NULL);
    static uint8_t bytes[128 * 1024];
    assert_ok(transfer(bridge.master, 0, bytes, 100 * 1024, ROGUE_MEM_READ));
    assert_int_equal(transfer(bridge.master, 0, bytes, sizeof bytes, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "raise the server's memory budget");
    rogue_mem_tcp_server_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_tcp_server_stats(bridge.server, &stats));
    assert_true(stats.refused == 1 && stats.refused_size == 1 && stats.closed_slow == 0);
    bridge_close(&bridge);
}

static void the_budget_of_the_process_is_set_and_told(void **state) {
    (void)state;
    const uint64_t usual = rogue_mem_budget_max();
    assert_in_range(usual, 1, 1 << 30);
    rogue_mem_budget_set_max(64 << 20);
    assert_int_equal(rogue_mem_budget_max(), 64 << 20);
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, NULL, NULL);
    uint8_t byte = 1;
    assert_ok(transfer(bridge.master, 0, &byte, 1, ROGUE_MEM_WRITE));
    assert_in_range(rogue_mem_budget_used(), 1, 1 << 20);
    bridge_close(&bridge);
    rogue_mem_budget_set_max(0);
    assert_int_equal(rogue_mem_budget_max(), usual);
}

static void counters_tell_what_has_happened(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, NULL, NULL);
    uint8_t byte = 1;
    for (int round = 0; round < 5; round++) {
        assert_ok(transfer(bridge.master, 0, &byte, 1, ROGUE_MEM_WRITE));
    }
    rogue_mem_tcp_server_stats_t served = {0};
    served.size = sizeof served;
    assert_ok(rogue_mem_tcp_server_stats(bridge.server, &served));
    assert_int_equal(served.size, sizeof served);
    assert_int_equal(served.clients, 1);
    assert_int_equal(served.accepted, 2);
    assert_true(served.requests >= 5 && served.responses >= 5);
    assert_int_equal(served.malformed, 0);
    assert_true(served.bytes_in > 0 && served.bytes_out > 0);
    rogue_mem_tcp_client_stats_t asked = {0};
    asked.size = sizeof asked;
    assert_ok(rogue_mem_tcp_client_stats(bridge.client, &asked));
    assert_int_equal(asked.outstanding, 0);
    assert_true(asked.requests >= 5 && asked.responses >= 5);
    assert_true(asked.connects >= 1);
    assert_int_equal(asked.disconnects, 0);
    bridge_close(&bridge);
}

static void the_window_limits_what_is_at_the_slave(void **state) {
    (void)state;
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.window = 1;
    bridge_t bridge;
    bridge_open(&bridge, KEEP, &options, NULL);
    uint8_t bytes[4];
    uint32_t ids[4];
    for (unsigned index = 0; index < 4; index++) {
        assert_ok(rogue_mem_master_request(bridge.master, index, 1, &bytes[index], ROGUE_MEM_READ,
                                           &ids[index]));
    }
    for (unsigned index = 0; index < 4; index++) {
        events_wait(&bridge.recorder.transactions, index + 1);
        assert_int_equal(events_count(&bridge.recorder.transactions), index + 1);
        rogue_mem_transaction_t *transaction = recorder_take(&bridge.recorder);
        assert_int_equal(rogue_mem_transaction_address(transaction), index);
        assert_null(recorder_take(&bridge.recorder));
        rogue_mem_transaction_done(transaction);
        rogue_mem_transaction_release(transaction);
    }
    assert_ok(rogue_mem_master_wait(bridge.master, 0));
    bridge_close(&bridge);
}

static void the_clients_window_and_limit_hold_requests_back(void **state) {
    (void)state;
    rogue_mem_tcp_client_options_t options = {0};
    options.size = sizeof options;
    options.window = 1;
    options.transaction_bytes_max = 8;
    bridge_t bridge;
    bridge_open(&bridge, KEEP, NULL, &options);
    uint8_t bytes[9];
    assert_int_equal(transfer(bridge.master, 0, bytes, 9, ROGUE_MEM_READ),
                     ROGUE_MEM_ERROR_TRANSACTION);
    uint32_t id = 0;
    for (unsigned index = 0; index < 4; index++) {
        assert_ok(
            rogue_mem_master_request(bridge.master, index, 1, &bytes[index], ROGUE_MEM_READ, &id));
    }
    for (unsigned index = 0; index < 4; index++) {
        events_wait(&bridge.recorder.transactions, index + 1);
        rogue_mem_tcp_client_stats_t stats = {0};
        stats.size = sizeof stats;
        assert_ok(rogue_mem_tcp_client_stats(bridge.client, &stats));
        assert_int_equal(stats.outstanding, 4 - index);
        assert_int_equal(stats.queued, 3 - index);
        rogue_mem_transaction_t *transaction = recorder_take(&bridge.recorder);
        assert_null(recorder_take(&bridge.recorder));
        rogue_mem_transaction_done(transaction);
        rogue_mem_transaction_release(transaction);
    }
    assert_ok(rogue_mem_master_wait(bridge.master, 0));
    bridge_close(&bridge);
}

static void stop_server(void *ctx, rogue_mem_transaction_t *transaction) {
    rogue_mem_tcp_server_stop(*(rogue_mem_tcp_server_t **)ctx);
    rogue_mem_transaction_done(transaction);
}

static void a_server_may_be_stopped_by_its_own_slave(void **state) {
    (void)state;
    rogue_mem_tcp_server_t *server = NULL;
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = &server;
    callbacks.do_transaction = stop_server;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 0, &callbacks, &slave));
    server = serve(slave, NULL);
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(
        rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(server), NULL, &client));
    rogue_mem_slave_t *remote = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(remote);
    uint32_t word = 0;
    /* The answer may or may not have left before the connection was closed. */
    rogue_mem_status_t status = transfer(master, 0, &word, 4, ROGUE_MEM_WRITE);
    assert_true(status == ROGUE_MEM_OK || status == ROGUE_MEM_ERROR_TRANSACTION);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(remote);
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_release(server);
    rogue_mem_slave_release(slave);
}

/* Together more than the 2 MiB that Rust gives to threads, in steps that a memory checker does not
 * take for a change of stacks. */
#define STEP_BYTES (64u << 10)
#define LOCALS_BYTES (48u * STEP_BYTES)

static unsigned use_stack(unsigned bytes) {
    volatile uint8_t locals[STEP_BYTES];
    locals[0] = 1;
    return bytes <= STEP_BYTES ? locals[0] : use_stack(bytes - STEP_BYTES) + locals[0];
}

static void use_stack_and_complete(void *ctx, rogue_mem_transaction_t *transaction) {
    (void)ctx;
    if (use_stack(LOCALS_BYTES) == LOCALS_BYTES / STEP_BYTES) {
        rogue_mem_transaction_done(transaction);
    }
}

static void f12_a_slave_has_the_stack_that_the_server_was_given(void **state) {
    (void)state;
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.do_transaction = use_stack_and_complete;
    rogue_mem_slave_t *slave = NULL;
    assert_ok(rogue_mem_slave_new(4, 0, &callbacks, &slave));
    rogue_mem_tcp_server_options_t serving = {0};
    rogue_mem_tcp_client_options_t asking = {0};
    serving.size = sizeof serving;
    asking.size = sizeof asking;
    serving.stack_bytes = asking.stack_bytes = 2 * LOCALS_BYTES;
    serving.descriptors_reserved = 100;
    serving.host_silence_ms_max = asking.host_silence_ms_max = 4000;
    rogue_mem_tcp_server_t *server = serve(slave, &serving);
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(
        rogue_mem_tcp_client_new("127.0.0.1", rogue_mem_tcp_server_port(server), &asking, &client));
    rogue_mem_slave_t *remote = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(remote);
    uint32_t word = 0;
    assert_ok(transfer(master, 0, &word, sizeof word, ROGUE_MEM_WRITE));
    rogue_mem_master_release(master);
    rogue_mem_slave_release(remote);
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_release(server);
    rogue_mem_slave_release(slave);
}

/* The child's use of its parent's client; returns its exit status. */
static int use_inherited(bridge_t *bridge, uint32_t id) {
    const char *part = "made before this process was forked";
    uint32_t word = 0;
    if (transfer(bridge->master, 0, &word, sizeof word, ROGUE_MEM_READ) == ROGUE_MEM_OK ||
        strstr(rogue_mem_last_error(), part) == NULL) {
        return 2;
    }
    if (rogue_mem_master_wait(bridge->master, id) != ROGUE_MEM_ERROR_TRANSACTION ||
        strstr(rogue_mem_last_error(), part) == NULL) {
        return 3;
    }
    if (rogue_mem_tcp_client_state(bridge->client) != ROGUE_MEM_CLIENT_STOPPED) {
        return 4;
    }
    rogue_mem_master_release(bridge->master);
    rogue_mem_tcp_client_stop(bridge->client);
    rogue_mem_tcp_client_release(bridge->client);
    rogue_mem_tcp_server_stop(bridge->server);
    rogue_mem_tcp_server_release(bridge->server);
    return 0;
}

static void f14_a_child_by_fork_does_its_parents_client_no_harm(void **state) {
    (void)state;
    bridge_t bridge;
    bridge_open(&bridge, KEEP_BY_ADDRESS, NULL, NULL);
    uint32_t word = 0;
    uint32_t kept_word = 0;
    uint32_t id = 0;
    assert_ok(transfer(bridge.master, 0, &word, sizeof word, ROGUE_MEM_READ));
    assert_ok(rogue_mem_master_request(bridge.master, 0x1000, sizeof kept_word, &kept_word,
                                       ROGUE_MEM_READ, &id));
    events_wait(&bridge.recorder.transactions, 2);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        alarm(TEST_TIMEOUT_S);
        int failure = use_inherited(&bridge, id);
        if (failure != 0) {
            _exit(failure);
        }
        /* Not by _exit: a memory checker would report the remains, which are the parent's. */
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    for (int round = 0; round < 100; round++) {
        assert_ok(transfer(bridge.master, 0, &word, sizeof word, ROGUE_MEM_READ));
    }
    rogue_mem_transaction_t *kept = recorder_take(&bridge.recorder);
    rogue_mem_transaction_done(kept);
    rogue_mem_transaction_release(kept);
    assert_ok(rogue_mem_master_wait(bridge.master, id));
    rogue_mem_tcp_client_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_tcp_client_stats(bridge.client, &stats));
    assert_int_equal(stats.disconnects, 0);
    bridge_close(&bridge);
}

static void a_read_only_server_refuses_writes(void **state) {
    (void)state;
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.read_only = 1;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, &options, NULL);
    uint8_t bytes[4] = {1, 2, 3, 4};
    assert_int_equal(transfer(bridge.master, 0x10, bytes, 4, ROGUE_MEM_WRITE),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(), "read only");
    assert_ok(transfer(bridge.master, 0x10, bytes, 4, ROGUE_MEM_READ));
    assert_int_equal(bridge.recorder.count, 1);
    bridge_close(&bridge);
}

static void an_access_list_says_what_each_client_may_do(void **state) {
    (void)state;
    rogue_mem_access_list_t *list = NULL;
    assert_ok(rogue_mem_access_list_new("127.0.0.1 read read-write 0x100..0x1ff", &list));
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.access_list = list;
    bridge_t bridge;
    bridge_open(&bridge, MEMORY, &options, NULL);
    uint8_t bytes[4] = {1, 2, 3, 4};
    assert_ok(transfer(bridge.master, 0x1fc, bytes, 4, ROGUE_MEM_WRITE));
    assert_int_equal(transfer(bridge.master, 0x1fd, bytes, 4, ROGUE_MEM_WRITE),
                     ROGUE_MEM_ERROR_TRANSACTION);
    assert_contains(rogue_mem_last_error(),
                    "Write of 4 bytes at 0x1fd refused: the access list of");
    assert_contains(rogue_mem_last_error(), "read everything, and write only 0x100..0x1ff");
    assert_ok(transfer(bridge.master, 0x1fd, bytes, 4, ROGUE_MEM_READ));
    /* Nobody may come in, and then this host again. */
    assert_ok(rogue_mem_access_list_set_rules(list, "* none"));
    while (rogue_mem_tcp_client_wait_ready(bridge.client, PERIOD_US, PERIOD_US) == ROGUE_MEM_OK) {
    }
    assert_ok(rogue_mem_access_list_set_rules(list, "127.0.0.0/8 read-write"));
    assert_ok(rogue_mem_tcp_client_wait_ready(bridge.client, LONG_TIMEOUT_US, PERIOD_US));
    assert_ok(transfer(bridge.master, 0x200, bytes, 4, ROGUE_MEM_WRITE));
    rogue_mem_tcp_server_stats_t stats = {0};
    stats.size = sizeof stats;
    assert_ok(rogue_mem_tcp_server_stats(bridge.server, &stats));
    assert_int_equal(stats.refused_windows, 1);
    assert_true(stats.refused_peers > 0);
    rogue_mem_access_list_release(list);
    bridge_close(&bridge);
}

static void a_server_may_listen_at_several_addresses(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    char path[64], further[128], text[256];
    snprintf(path, sizeof path, "unix:/tmp/rogue-c-%ld", (long)getpid());
    snprintf(further, sizeof further, "127.0.0.1:0, %s", path);
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.addresses = further;
    rogue_mem_tcp_server_t *server = serve(recorder.slave, &options);
    memset(further, 'x', sizeof further - 1);
    assert_ok(rogue_mem_tcp_server_addresses(server, text, sizeof text, NULL));
    unsigned first = 0, second = 0;
    char found[64] = "";
    assert_int_equal(sscanf(text, "127.0.0.1:%u\n127.0.0.1:%u\n%63s", &first, &second, found), 3);
    assert_int_equal(first, rogue_mem_tcp_server_port(server));
    assert_string_equal(found, path);
    const struct {
        const char *host;
        unsigned port;
    } places[] = {{"127.0.0.1", first}, {"127.0.0.1", second}, {path, 0}};
    for (size_t index = 0; index < COUNT_OF(places); index++) {
        rogue_mem_tcp_client_t *client = NULL;
        assert_ok(rogue_mem_tcp_client_new(places[index].host, (uint16_t)places[index].port, NULL,
                                           &client));
        assert_ok(rogue_mem_tcp_client_wait_ready(client, LONG_TIMEOUT_US, PERIOD_US));
        rogue_mem_tcp_client_release(client);
    }
    rogue_mem_tcp_server_release(server);
    recorder_destroy(&recorder);
}

static void a_path_takes_the_place_of_address_and_port(void **state) {
    (void)state;
    recorder_t recorder;
    recorder_init(&recorder, 1, 0, MEMORY);
    char address[64], text[256];
    snprintf(address, sizeof address, "unix:/tmp/rogue-c-%ld", (long)getpid());
    rogue_mem_tcp_server_options_t options = {0};
    options.size = sizeof options;
    options.unix_mode = 0640;
    rogue_mem_tcp_server_t *server = NULL;
    assert_ok(rogue_mem_tcp_server_new(address, 0, &options, &server));
    assert_int_equal(rogue_mem_tcp_server_port(server), 0);
    struct stat file;
    assert_int_equal(stat(address + strlen("unix:"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0640);
    rogue_mem_master_t *at_server = rogue_mem_tcp_server_master(server);
    assert_ok(rogue_mem_master_set_slave(at_server, recorder.slave));
    rogue_mem_master_release(at_server);

    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_tcp_client_new(address, 0, NULL, &client));
    assert_ok(rogue_mem_tcp_client_wait_ready(client, LONG_TIMEOUT_US, PERIOD_US));
    assert_ok(rogue_mem_tcp_client_state_text(client, text, sizeof text, NULL));
    assert_contains(text, address);
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    uint8_t written[4] = {1, 2, 3, 4}, read[4] = {0};
    assert_ok(transfer(master, 0x10, written, 4, ROGUE_MEM_WRITE));
    assert_ok(transfer(master, 0x10, read, 4, ROGUE_MEM_READ));
    assert_memory_equal(read, written, 4);

    rogue_mem_tcp_server_t *second = NULL;
    assert_int_equal(rogue_mem_tcp_server_new(address, 0, NULL, &second), ROGUE_MEM_ERROR_BIND);
    assert_contains(rogue_mem_last_error(), "another server listens there");
    assert_int_equal(rogue_mem_tcp_server_new(address, 9000, NULL, &second),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "a path has no port");
    options.unix_mode = 01000;
    assert_int_equal(rogue_mem_tcp_server_new(address, 0, &options, &second),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    rogue_mem_master_release(master);
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_release(server);
    recorder_destroy(&recorder);
}

static void a_server_that_drains_answers_what_it_has_and_refuses_the_rest(void **state) {
    (void)state;
    bridge_t bridge;
    uint8_t data[4] = {0};
    uint64_t remaining = 77;
    rogue_mem_tcp_server_stats_t stats = {0};
    stats.size = sizeof stats;
    bridge_open(&bridge, KEEP, NULL, NULL);
    uint32_t id = 0;
    assert_ok(rogue_mem_master_request(bridge.master, 0, 4, data, ROGUE_MEM_READ, &id));
    events_wait(&bridge.recorder.transactions, 1);
    while (remaining != 1 || !stats.draining || !stats.refused_draining) {
        assert_ok(rogue_mem_tcp_server_drain(bridge.server, 1000, &remaining));
        uint8_t other[4] = {0};
        assert_int_not_equal(transfer(bridge.master, 8, other, 4, ROGUE_MEM_READ), ROGUE_MEM_OK);
        assert_contains(rogue_mem_last_error(), "drains");
        assert_ok(rogue_mem_tcp_server_stats(bridge.server, &stats));
    }
    rogue_mem_transaction_t *kept = recorder_take(&bridge.recorder);
    rogue_mem_transaction_done(kept);
    rogue_mem_transaction_release(kept);
    assert_ok(rogue_mem_tcp_server_drain(bridge.server, LONG_TIMEOUT_US, &remaining));
    assert_int_equal(remaining, 0);
    assert_ok(rogue_mem_master_wait(bridge.master, id));
    rogue_mem_tcp_server_stop(bridge.server);
    remaining = 77;
    assert_int_equal(rogue_mem_tcp_server_drain(bridge.server, 0, &remaining),
                     ROGUE_MEM_ERROR_STOPPED);
    assert_int_equal(remaining, 77);
    bridge_close(&bridge);
}

/* A socket that listens at a port of loopback, 0 = a free one; -1 if it is taken. */
static int32_t listening(uint16_t port) {
    struct sockaddr_in at = {0};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    int made = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(made >= 0);
    if (bind(made, (const struct sockaddr *)&at, sizeof at) != 0 || listen(made, 16) != 0) {
        close(made);
        return -1;
    }
    return made;
}

static uint16_t port_of(int32_t descriptor) {
    struct sockaddr_in at = {0};
    socklen_t length = sizeof at;
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&at, &length), 0);
    return ntohs(at.sin_port);
}

static void a_server_serves_at_sockets_that_listen_already(void **state) {
    (void)state;
    int32_t descriptors[2] = {-1, -1};
    while (descriptors[1] < 0) {
        descriptors[0] = listening(0);
        descriptors[1] = listening((uint16_t)(port_of(descriptors[0]) + 1));
        if (descriptors[1] < 0) {
            close(descriptors[0]);
        }
    }
    const uint16_t port = port_of(descriptors[0]);
    rogue_mem_tcp_client_t *client = NULL;
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", port, NULL, &client));
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(client);
    rogue_mem_master_t *master = master_of(slave);
    rogue_mem_slave_release(slave);
    /* The second server serves what waits in the sockets. */
    for (unsigned turn = 0; turn < 2; turn++) {
        rogue_mem_tcp_server_t *server = NULL;
        assert_ok(rogue_mem_tcp_server_adopt(descriptors, 2, NULL, &server));
        assert_int_equal(rogue_mem_tcp_server_port(server), port);
        rogue_mem_slave_t *memory = NULL;
        assert_ok(rogue_mem_emulate_new(4, 0x1000, &memory));
        rogue_mem_master_t *serving = rogue_mem_tcp_server_master(server);
        assert_ok(rogue_mem_master_set_slave(serving, memory));
        rogue_mem_master_release(serving);
        rogue_mem_slave_release(memory);
        assert_ok(rogue_mem_tcp_client_wait_ready(client, LONG_TIMEOUT_US, PERIOD_US));
        uint32_t word = 77;
        assert_ok(transfer(master, 0x10, &word, 4, ROGUE_MEM_WRITE));
        word = 0;
        assert_ok(transfer(master, 0x10, &word, 4, ROGUE_MEM_READ));
        assert_int_equal(word, 77);
        rogue_mem_tcp_server_release(server);
    }
    rogue_mem_master_release(master);
    rogue_mem_tcp_client_release(client);
    rogue_mem_tcp_server_t *refused = NULL;
    const int32_t swapped[] = {descriptors[1], descriptors[0]};
    assert_int_equal(rogue_mem_tcp_server_adopt(swapped, 2, NULL, &refused),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "are no server: clients look for the second one");
    assert_string_equal(rogue_mem_last_error_source(), "memory::TcpServer::TcpServer");
    assert_int_equal(rogue_mem_tcp_server_adopt(descriptors, 1, NULL, &refused),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "is followed by none at the port after it");
    int32_t pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(rogue_mem_tcp_server_adopt(pipes, 1, NULL, &refused),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "Socket 1 of 1 is neither at a TCP port nor at a path");
    /* They are the caller's. */
    for (size_t index = 0; index < 2; index++) {
        assert_int_equal(close(descriptors[index]), 0);
        assert_int_equal(close(pipes[index]), 0);
    }
    assert_int_equal(rogue_mem_tcp_server_adopt(descriptors, 2, NULL, &refused),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "cannot be used: Bad file descriptor");
    assert_int_equal(rogue_mem_tcp_server_adopt(NULL, 0, NULL, &refused),
                     ROGUE_MEM_ERROR_INVALID_ARGUMENT);
    assert_contains(rogue_mem_last_error(), "give it sockets");
    assert_null(refused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_serves_at_sockets_that_listen_already),
        cmocka_unit_test(every_kind_of_transaction_crosses_the_bridge),
        cmocka_unit_test(the_text_of_a_failure_crosses_the_bridge),
        cmocka_unit_test(d14_each_of_two_clients_gets_its_own_answers),
        cmocka_unit_test(stopping_a_client_fails_what_is_outstanding_and_what_comes),
        cmocka_unit_test(d09_without_a_server_the_text_says_why),
        cmocka_unit_test(f22_a_connection_that_comes_and_goes_is_told_with_the_reason),
        cmocka_unit_test(start_waits_only_for_a_client_that_was_made_to),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(an_interface_that_is_none_is_named),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(every_choice_of_speed_gives_right_answers),
        cmocka_unit_test(spinning_ends_with_the_timeout),
        cmocka_unit_test(a_transaction_beyond_the_servers_limit_is_refused),
        cmocka_unit_test(counters_tell_what_has_happened),
        cmocka_unit_test(a_transaction_beyond_half_of_the_budget_is_refused),
        cmocka_unit_test(the_budget_of_the_process_is_set_and_told),
        cmocka_unit_test(the_window_limits_what_is_at_the_slave),
        cmocka_unit_test(the_clients_window_and_limit_hold_requests_back),
        cmocka_unit_test(a_server_may_be_stopped_by_its_own_slave),
        cmocka_unit_test(f14_a_child_by_fork_does_its_parents_client_no_harm),
        cmocka_unit_test(f12_a_slave_has_the_stack_that_the_server_was_given),
        cmocka_unit_test(a_path_takes_the_place_of_address_and_port),
        cmocka_unit_test(a_server_may_listen_at_several_addresses),
        cmocka_unit_test(a_read_only_server_refuses_writes),
        cmocka_unit_test(an_access_list_says_what_each_client_may_do),
        cmocka_unit_test(a_server_that_drains_answers_what_it_has_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
