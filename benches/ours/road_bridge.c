/*
 * The bridge to a board: a TCP server over SRPv3 over packetizer, RSSI and UDP, through the C API.
 */
#include "../common/server.h"
#include "road.h"
#include "timeout.h"

int main(int argc, char **argv) {
    bench_server_options_t options = bench_server_options(BENCH_TAKES_ROAD, argc, argv);
    road_options_t chosen = {.has_link = true, .window = options.window};
    road_t road = road_connect(options.host, options.to, &chosen);
    rogue_mem_srp_v3_t *srp;
    rogue_mem_tcp_server_t *server;
    road_check(rogue_mem_srp_v3_new(&srp), "SRPv3");
    road_join(&road, rogue_mem_srp_v3_stream_port(srp));
    road_check(rogue_mem_tcp_server_new(options.host, options.port, NULL, &server), "a server");
    rogue_mem_slave_t *slave = rogue_mem_srp_v3_slave(srp);
    rogue_mem_master_t *master = rogue_mem_tcp_server_master(server);
    road_check(rogue_mem_master_set_slave(master, slave), "connecting SRPv3");
    rogue_mem_master_set_timeout(master, BENCH_TIMEOUT_US);
    bench_server_attend(rogue_mem_tcp_server_port(server));
    rogue_mem_tcp_server_stop(server);
    rogue_mem_master_release(master);
    rogue_mem_slave_release(slave);
    rogue_mem_tcp_server_release(server);
    rogue_mem_srp_v3_stop(srp);
    rogue_mem_srp_v3_release(srp);
    road_close(&road);
    return BENCH_OK;
}
