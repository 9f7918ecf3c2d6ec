#include "road.h"

#define OPEN_TIMEOUT_US 60000000U

void road_check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

static uint32_t spin_us(const road_options_t *options) {
    return options->without.spin ? ROGUE_MEM_SPIN_NEVER : options->spin_us;
}

static rogue_mem_udp_options_t udp_options(const road_options_t *options) {
    rogue_mem_udp_options_t chosen = {0};
    chosen.size = sizeof chosen;
    chosen.jumbo = 1;
    chosen.spin_us = spin_us(options);
    return chosen;
}

static rogue_mem_board_options_t board_options(const road_options_t *options) {
    rogue_mem_board_options_t chosen = {0};
    chosen.size = sizeof chosen;
    chosen.jumbo = 1;
    chosen.pack_version = ROGUE_MEM_PACK_VERSION_2;
    chosen.max_buffers = options->window;
    chosen.spin_us = spin_us(options);
    return chosen;
}

road_t road_serve(const char *host, uint16_t port, const road_options_t *options) {
    road_t road = {0};
    if (options->has_link) {
        rogue_mem_board_options_t chosen = board_options(options);
        road_check(rogue_mem_board_new_server(host, port, &chosen, &road.board), "a server");
    } else {
        rogue_mem_udp_options_t chosen = udp_options(options);
        road_check(rogue_mem_udp_new_server(host, port, &chosen, &road.udp), "a server");
    }
    return road;
}

road_t road_connect(const char *host, uint16_t port, const road_options_t *options) {
    road_t road = {0};
    if (options->has_link) {
        rogue_mem_board_options_t chosen = board_options(options);
        road_check(rogue_mem_board_new_client(host, port, &chosen, &road.board), "a client");
        road_check(rogue_mem_board_wait_open(road.board, OPEN_TIMEOUT_US), "opening the link");
    } else {
        rogue_mem_udp_options_t chosen = udp_options(options);
        road_check(rogue_mem_udp_new_client(host, port, &chosen, &road.udp), "a client");
    }
    return road;
}

uint16_t road_number(const road_t *road) {
    return road->board != NULL ? rogue_mem_board_port(road->board) : rogue_mem_udp_port(road->udp);
}

rogue_mem_stream_port_t *road_port(const road_t *road) {
    return road->board != NULL ? rogue_mem_board_application_port(road->board, 0)
                               : rogue_mem_udp_stream_port(road->udp);
}

void road_join(const road_t *road, rogue_mem_stream_port_t *port) {
    rogue_mem_stream_port_t *own = road_port(road);
    road_check(rogue_mem_stream_port_connect(own, port), "connecting the ports");
    rogue_mem_stream_port_release(own);
    rogue_mem_stream_port_release(port);
}

void road_close(road_t *road) {
    if (road->board != NULL) {
        rogue_mem_board_stop(road->board);
        rogue_mem_board_release(road->board);
    } else {
        rogue_mem_udp_stop(road->udp);
        rogue_mem_udp_release(road->udp);
    }
}
