#include "support.h"

#include <time.h>
#include <unistd.h>

/* A test that hangs ends by a signal, whichever thread hangs. */
__attribute__((constructor)) static void limit_time(void) { alarm(TEST_TIMEOUT_S); }

void check_ok(rogue_mem_status_t status, const char *call, const char *file, int line) {
    if (status != ROGUE_MEM_OK) {
        print_error("%s: %s: %s (%s)\n", call, rogue_mem_status_name(status),
                    rogue_mem_last_error(), rogue_mem_last_error_source());
        _fail(file, line);
    }
}

void check_contains(const char *text, const char *part, const char *file, int line) {
    if (text == NULL || strstr(text, part) == NULL) {
        print_error("\"%s\" does not contain \"%s\"\n", text == NULL ? "(null)" : text, part);
        _fail(file, line);
    }
}

void events_init(events_t *events) {
    pthread_mutex_init(&events->mutex, NULL);
    pthread_cond_init(&events->changed, NULL);
    events->count = 0;
}

void events_destroy(events_t *events) {
    pthread_cond_destroy(&events->changed);
    pthread_mutex_destroy(&events->mutex);
}

void events_raise(events_t *events) {
    pthread_mutex_lock(&events->mutex);
    events->count++;
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->mutex);
}

unsigned events_count(events_t *events) {
    pthread_mutex_lock(&events->mutex);
    unsigned count = events->count;
    pthread_mutex_unlock(&events->mutex);
    return count;
}

void events_wait(events_t *events, unsigned count) {
    pthread_mutex_lock(&events->mutex);
    while (events->count < count) {
        pthread_cond_wait(&events->changed, &events->mutex);
    }
    pthread_mutex_unlock(&events->mutex);
}

static void record(recorder_t *recorder, rogue_mem_transaction_t *transaction,
                   rogue_mem_status_t status) {
    pthread_mutex_lock(&recorder->mutex);
    if (recorder->count < RECORDS_COUNT_MAX) {
        size_t index = recorder->count++;
        recorder->records[index].address = rogue_mem_transaction_address(transaction);
        recorder->records[index].size = rogue_mem_transaction_size(transaction);
        recorder->records[index].type = rogue_mem_transaction_type(transaction);
        recorder->records[index].id = rogue_mem_transaction_id(transaction);
        recorder->records[index].status = status;
    }
    pthread_mutex_unlock(&recorder->mutex);
}

static rogue_mem_status_t copy(recorder_t *recorder, rogue_mem_transaction_t *transaction) {
    uint32_t size = rogue_mem_transaction_size(transaction);
    uint32_t type = rogue_mem_transaction_type(transaction);
    size_t start = (size_t)(rogue_mem_transaction_address(transaction) % sizeof recorder->memory);
    if (start + size > sizeof recorder->memory) {
        return ROGUE_MEM_ERROR_INVALID_ARGUMENT;
    }
    if (type == ROGUE_MEM_WRITE || type == ROGUE_MEM_POST) {
        return rogue_mem_transaction_copy_from_requester(transaction, 0, recorder->memory + start,
                                                         size);
    }
    return rogue_mem_transaction_copy_to_requester(transaction, 0, recorder->memory + start, size);
}

static void keep(recorder_t *recorder, rogue_mem_transaction_t *transaction) {
    pthread_mutex_lock(&recorder->mutex);
    if (recorder->kept_count < RECORDS_COUNT_MAX) {
        recorder->kept[recorder->kept_count++] = rogue_mem_transaction_retain(transaction);
    }
    pthread_mutex_unlock(&recorder->mutex);
}

static void recorder_do_transaction(void *ctx, rogue_mem_transaction_t *transaction) {
    recorder_t *recorder = ctx;
    rogue_mem_status_t status = ROGUE_MEM_OK;
    enum behaviour behaviour = recorder->behaviour;
    if (behaviour == KEEP_BY_ADDRESS) {
        behaviour = rogue_mem_transaction_address(transaction) < 0x1000 ? MEMORY : KEEP;
    }
    if (behaviour == MEMORY) {
        // Several threads may write the same bytes.
        pthread_mutex_lock(&recorder->mutex);
        status = copy(recorder, transaction);
        pthread_mutex_unlock(&recorder->mutex);
    }
    record(recorder, transaction, status);
    switch (behaviour) {
    case MEMORY:
        rogue_mem_transaction_done(transaction);
        break;
    case KEEP:
        keep(recorder, transaction);
        break;
    case FAIL:
        rogue_mem_transaction_error(transaction, recorder->error_text);
        break;
    default:
        break;
    }
    events_raise(&recorder->transactions);
}

static void recorder_drop(void *ctx) { events_raise(&((recorder_t *)ctx)->drops); }

void recorder_init(recorder_t *recorder, uint32_t min, uint32_t max, enum behaviour behaviour) {
    memset(recorder, 0, sizeof *recorder);
    recorder->behaviour = behaviour;
    pthread_mutex_init(&recorder->mutex, NULL);
    events_init(&recorder->transactions);
    events_init(&recorder->drops);
    rogue_mem_slave_callbacks_t callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.ctx = recorder;
    callbacks.drop = recorder_drop;
    callbacks.do_transaction = recorder_do_transaction;
    assert_ok(rogue_mem_slave_new(min, max, &callbacks, &recorder->slave));
}

rogue_mem_transaction_t *recorder_take(recorder_t *recorder) {
    pthread_mutex_lock(&recorder->mutex);
    rogue_mem_transaction_t *first = NULL;
    if (recorder->kept_count > 0) {
        first = recorder->kept[0];
        recorder->kept_count--;
        memmove(recorder->kept, recorder->kept + 1, recorder->kept_count * sizeof first);
    }
    pthread_mutex_unlock(&recorder->mutex);
    return first;
}

void recorder_destroy(recorder_t *recorder) {
    for (rogue_mem_transaction_t *one = recorder_take(recorder); one != NULL;
         one = recorder_take(recorder)) {
        rogue_mem_transaction_release(one);
    }
    rogue_mem_slave_release(recorder->slave);
    /* The thread of a stopped server may hold the last reference. */
    events_wait(&recorder->drops, 1);
    assert_int_equal(events_count(&recorder->drops), 1);
    events_destroy(&recorder->transactions);
    events_destroy(&recorder->drops);
    pthread_mutex_destroy(&recorder->mutex);
}

rogue_mem_master_t *master_of(rogue_mem_slave_t *slave) {
    rogue_mem_master_t *master = NULL;
    assert_ok(rogue_mem_master_new(&master));
    assert_ok(rogue_mem_master_set_slave(master, slave));
    rogue_mem_master_set_timeout(master, LONG_TIMEOUT_US);
    return master;
}

rogue_mem_tcp_server_t *serve(rogue_mem_slave_t *slave,
                              const rogue_mem_tcp_server_options_t *options) {
    rogue_mem_tcp_server_t *server = NULL;
    assert_ok(rogue_mem_tcp_server_new("127.0.0.1", 0, options, &server));
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    assert_ok(rogue_mem_master_set_slave(master, slave));
    rogue_mem_master_set_timeout(master, LONG_TIMEOUT_US);
    rogue_mem_master_release(master);
    assert_ok(rogue_mem_tcp_server_start(server));
    return server;
}

void bridge_open(bridge_t *bridge, enum behaviour behaviour,
                 const rogue_mem_tcp_server_options_t *server_options,
                 const rogue_mem_tcp_client_options_t *client_options) {
    recorder_init(&bridge->recorder, 1, 0, behaviour);
    bridge->server = serve(bridge->recorder.slave, server_options);
    uint16_t port = rogue_mem_tcp_server_port(bridge->server);
    assert_int_not_equal(port, 0);
    assert_ok(rogue_mem_tcp_client_new("127.0.0.1", port, client_options, &bridge->client));
    assert_ok(rogue_mem_tcp_client_wait_ready(bridge->client, LONG_TIMEOUT_US, PERIOD_US));
    rogue_mem_slave_t *slave = rogue_mem_tcp_client_slave(bridge->client);
    bridge->master = master_of(slave);
    rogue_mem_slave_release(slave);
}

void bridge_close(bridge_t *bridge) {
    rogue_mem_master_release(bridge->master);
    rogue_mem_tcp_client_release(bridge->client);
    rogue_mem_tcp_server_stop(bridge->server);
    rogue_mem_tcp_server_release(bridge->server);
    recorder_destroy(&bridge->recorder);
}

void connect_ports(rogue_mem_stream_port_t *port, rogue_mem_stream_port_t *other) {
    assert_ok(rogue_mem_stream_port_connect(port, other));
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_port_release(other);
}

rogue_mem_status_t transfer(rogue_mem_master_t *master, uint64_t address, void *data, uint32_t size,
                            uint32_t type) {
    uint32_t id = 0;
    rogue_mem_status_t status = rogue_mem_master_request(master, address, size, data, type, &id);
    return status == ROGUE_MEM_OK ? rogue_mem_master_wait(master, id) : status;
}
