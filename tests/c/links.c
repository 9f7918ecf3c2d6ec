/* Links that open and close, what their observers are told, and event loops that objects share. */
#include "support.h"

#include "rogue_mem_binding.h"

#include <dirent.h>

/* The calls of an observer. */
typedef struct {
    pthread_mutex_t mutex; /* guards what follows */
    rogue_mem_link_t last;
    char text[256];
    bool is_out_of_order;
    /* What the next call does. */
    rogue_mem_board_t *stops;
    events_t *waits_for;

    events_t changes;
    events_t drops;
} news_t;

static void news_init(news_t *news) {
    memset(news, 0, sizeof *news);
    pthread_mutex_init(&news->mutex, NULL);
    events_init(&news->changes);
    events_init(&news->drops);
}

static void news_destroy(news_t *news) {
    events_destroy(&news->drops);
    events_destroy(&news->changes);
    pthread_mutex_destroy(&news->mutex);
}

static void note_change(void *ctx, const rogue_mem_link_t *link) {
    news_t *news = ctx;
    pthread_mutex_lock(&news->mutex);
    news->is_out_of_order |= link->open == news->last.open;
    news->last = *link;
    snprintf(news->text, sizeof news->text, "%s", link->text);
    rogue_mem_board_t *stops = news->stops;
    events_t *waits_for = news->waits_for;
    news->stops = NULL;
    news->waits_for = NULL;
    pthread_mutex_unlock(&news->mutex);
    events_raise(&news->changes);
    if (waits_for != NULL) {
        events_wait(waits_for, 1);
    }
    if (stops != NULL) {
        rogue_mem_board_stop(stops);
        rogue_mem_board_release(stops);
    }
}

static void note_drop(void *ctx) { events_raise(&((news_t *)ctx)->drops); }

static rogue_mem_link_observer_t observer_of(news_t *news, rogue_mem_gate_t *gate) {
    rogue_mem_link_observer_t observer = {0};
    observer.size = sizeof observer;
    observer.ctx = news;
    observer.drop = note_drop;
    observer.changed = note_change;
    observer.gate = gate;
    return observer;
}

static void assert_told(news_t *news, uint32_t count, uint32_t open, const char *text) {
    events_wait(&news->changes, count);
    pthread_mutex_lock(&news->mutex);
    assert_int_equal(news->last.size, sizeof news->last);
    assert_int_equal(news->last.open, open);
    assert_int_equal(news->last.reserved, 0);
    assert_contains(news->text, text);
    assert_false(news->is_out_of_order);
    pthread_mutex_unlock(&news->mutex);
}

static rogue_mem_board_t *new_server(uint16_t port, rogue_mem_event_loop_t *event_loop) {
    rogue_mem_board_options_t options = {0};
    rogue_mem_board_t *server = NULL;
    options.size = sizeof options;
    options.event_loop = event_loop;
    assert_ok(rogue_mem_board_new_server("127.0.0.1", port, &options, &server));
    return server;
}

static rogue_mem_board_t *new_client(uint16_t port, rogue_mem_event_loop_t *event_loop) {
    rogue_mem_board_options_t options = {0};
    rogue_mem_board_t *client = NULL;
    options.size = sizeof options;
    options.event_loop = event_loop;
    assert_ok(rogue_mem_board_new_client("127.0.0.1", port, &options, &client));
    return client;
}

static void a_link_that_opens_and_is_lost_is_told_with_the_reason(void **state) {
    (void)state;
    news_t news;
    news_init(&news);
    rogue_mem_link_observer_t observer = observer_of(&news, NULL);
    rogue_mem_board_t *server = new_server(0, NULL);
    const uint16_t port = rogue_mem_board_port(server);
    rogue_mem_board_t *client = new_client(port, NULL);
    assert_ok(rogue_mem_board_observe(client, &observer));
    assert_told(&news, 1, 1, "rssi::Client: the link is open");
    rogue_mem_board_stop(server);
    rogue_mem_board_release(server);
    assert_told(&news, 2, 0, "rssi::Client: the link is closed: the peer");
    server = new_server(port, NULL);
    assert_told(&news, 3, 1, "open");
    rogue_mem_board_stop(client);
    assert_told(&news, 4, 0, "this end was stopped");
    events_wait(&news.drops, 1);
    /* An observer set now is dropped at once. */
    assert_ok(rogue_mem_board_observe(client, &observer));
    events_wait(&news.drops, 2);
    assert_ok(rogue_mem_board_observe(client, NULL));
    assert_int_equal(events_count(&news.changes), 4);
    rogue_mem_board_release(client);
    rogue_mem_board_stop(server);
    rogue_mem_board_release(server);
    news_destroy(&news);
}

static void an_observer_may_block_while_the_link_works_and_then_stop_it(void **state) {
    (void)state;
    news_t news;
    news_init(&news);
    events_t permission;
    events_init(&permission);
    rogue_mem_board_t *server = new_server(0, NULL);
    rogue_mem_srp_v3_emulation_t *device = NULL;
    assert_ok(rogue_mem_srp_v3_emulation_new(NULL, &device));
    connect_ports(rogue_mem_srp_v3_emulation_stream_port(device),
                  rogue_mem_board_application_port(server, 0));
    rogue_mem_board_t *client = new_client(rogue_mem_board_port(server), NULL);
    rogue_mem_srp_v3_t *srp = NULL;
    assert_ok(rogue_mem_srp_v3_new(&srp));
    connect_ports(rogue_mem_srp_v3_stream_port(srp), rogue_mem_board_application_port(client, 0));
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = master_of(slave);

    news.waits_for = &permission;
    news.stops = rogue_mem_board_retain(client);
    rogue_mem_link_observer_t observer = observer_of(&news, NULL);
    assert_ok(rogue_mem_board_observe(client, &observer));
    events_wait(&news.changes, 1);
    uint32_t word = 0x12345678;
    assert_ok(transfer(master, 0x40, &word, sizeof word, ROGUE_MEM_WRITE));
    word = 0;
    assert_ok(transfer(master, 0x40, &word, sizeof word, ROGUE_MEM_READ));
    assert_int_equal(word, 0x12345678);
    events_raise(&permission);
    assert_told(&news, 2, 0, "this end was stopped");
    events_wait(&news.drops, 1);
    assert_false(rogue_mem_board_is_open(client));

    rogue_mem_board_release(client);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    rogue_mem_srp_v3_release(srp);
    rogue_mem_srp_v3_emulation_release(device);
    rogue_mem_board_stop(server);
    rogue_mem_board_release(server);
    events_destroy(&permission);
    news_destroy(&news);
}

static void an_observer_of_rssi_stays_over_a_stop_and_passes_its_gate(void **state) {
    (void)state;
    news_t news;
    news_init(&news);
    rogue_mem_gate_t *gate = NULL;
    assert_ok(rogue_mem_gate_new(&gate));
    rogue_mem_rssi_t *client = NULL;
    rogue_mem_rssi_t *server = NULL;
    assert_ok(rogue_mem_rssi_new_client(1464, NULL, &client));
    assert_ok(rogue_mem_rssi_new_server(1464, NULL, &server));
    connect_ports(rogue_mem_rssi_transport_port(client), rogue_mem_rssi_transport_port(server));
    rogue_mem_link_observer_t observer = observer_of(&news, gate);
    assert_ok(rogue_mem_rssi_observe(server, &observer));
    assert_ok(rogue_mem_rssi_start(server));
    assert_ok(rogue_mem_rssi_start(client));
    assert_told(&news, 1, 1, "rssi::Server: the link is open");
    rogue_mem_rssi_stop(server);
    assert_told(&news, 2, 0, "rssi::Server: the link is closed: this end was stopped");
    assert_ok(rogue_mem_rssi_start(server));
    assert_told(&news, 3, 1, "open");
    while (!rogue_mem_gate_close(gate, LONG_TIMEOUT_US)) {
    }
    rogue_mem_rssi_stop(server);
    /* A call would come before the drop. */
    assert_ok(rogue_mem_rssi_observe(server, NULL));
    events_wait(&news.drops, 1);
    assert_int_equal(events_count(&news.changes), 3);
    rogue_mem_rssi_stop(client);
    rogue_mem_rssi_release(client);
    rogue_mem_rssi_release(server);
    rogue_mem_gate_release(gate);
    news_destroy(&news);
}

/* Number of threads of this process with this name. */
static unsigned threads_named(const char *name) {
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        char path[300];
        char found[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            if (fgets(found, sizeof found, file) != NULL) {
                found[strcspn(found, "\n")] = '\0';
            }
            fclose(file);
        }
        count += strcmp(found, name) == 0;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

static void roads_and_layers_share_one_event_loop(void **state) {
    (void)state;
    rogue_mem_event_loop_options_t loop_options = {0};
    loop_options.size = sizeof loop_options;
    loop_options.spin_us = ROGUE_MEM_SPIN_NEVER;
    rogue_mem_event_loop_t *event_loop = NULL;
    assert_ok(rogue_mem_event_loop_new("shared_loop", &loop_options, &event_loop));
    rogue_mem_board_t *servers[2];
    rogue_mem_board_t *clients[2];
    for (size_t index = 0; index < 2; index++) {
        servers[index] = new_server(0, event_loop);
        clients[index] = new_client(rogue_mem_board_port(servers[index]), event_loop);
    }

    /* And a road that is made by hand. */
    rogue_mem_udp_options_t udp_options = {0};
    udp_options.size = sizeof udp_options;
    udp_options.event_loop = event_loop;
    rogue_mem_rssi_options_t rssi_options = {0};
    rssi_options.size = sizeof rssi_options;
    rssi_options.event_loop = event_loop;
    rogue_mem_udp_t *udp = NULL;
    rogue_mem_rssi_t *rssi = NULL;
    rogue_mem_board_t *other = new_server(0, event_loop);
    assert_ok(
        rogue_mem_udp_new_client("127.0.0.1", rogue_mem_board_port(other), &udp_options, &udp));
    assert_ok(rogue_mem_rssi_new_client(1464, &rssi_options, &rssi));
    connect_ports(rogue_mem_rssi_transport_port(rssi), rogue_mem_udp_stream_port(udp));
    assert_ok(rogue_mem_rssi_start(rssi));

    /* They keep it. */
    rogue_mem_event_loop_release(event_loop);
    assert_ok(rogue_mem_rssi_wait_open(rssi, LONG_TIMEOUT_US));
    for (size_t index = 0; index < 2; index++) {
        assert_ok(rogue_mem_board_wait_open(clients[index], LONG_TIMEOUT_US));
    }
#ifdef __linux__
    assert_int_equal(threads_named("shared_loop"), 1);
    const char *const own[] = {"UdpRssiPack", "udp::Client", "udp::Server", "rssi::Client"};
    for (size_t index = 0; index < sizeof own / sizeof own[0]; index++) {
        assert_int_equal(threads_named(own[index]), 0);
    }
#endif
    for (size_t index = 0; index < 2; index++) {
        rogue_mem_board_stop(clients[index]);
        rogue_mem_board_release(clients[index]);
        rogue_mem_board_stop(servers[index]);
        rogue_mem_board_release(servers[index]);
    }
    rogue_mem_rssi_stop(rssi);
    rogue_mem_rssi_release(rssi);
    rogue_mem_udp_stop(udp);
    rogue_mem_udp_release(udp);
    rogue_mem_board_stop(other);
    rogue_mem_board_release(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First: threads of others may take a moment to end. */
        cmocka_unit_test(roads_and_layers_share_one_event_loop),
        cmocka_unit_test(a_link_that_opens_and_is_lost_is_told_with_the_reason),
        cmocka_unit_test(an_observer_may_block_while_the_link_works_and_then_stop_it),
        cmocka_unit_test(an_observer_of_rssi_stays_over_a_stop_and_passes_its_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
