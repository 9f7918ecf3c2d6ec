/*
 * An emulated device that answers SRPv3 over UDP or, if ROAD_HAS_LINK is defined as 1, over the
 * packetizer, RSSI and UDP; through the C API.
 */
#include "../common/server.h"
#include "road.h"

int main(int argc, char **argv) {
    bench_server_options_t options =
        bench_server_options(BENCH_TAKES_SPIN | BENCH_TAKES_ROAD, argc, argv);
    road_options_t chosen = {
        .has_link = ROAD_HAS_LINK, .spin_us = options.spin_us, .without = options.without};
    rogue_mem_srp_v3_emulation_options_t kind = {0};
    rogue_mem_srp_v3_emulation_t *device;
    road_t road = road_serve(options.host, options.port, &chosen);
    kind.size = sizeof kind;
    kind.latency_us = options.latency_us;
    road_check(rogue_mem_srp_v3_emulation_new(&kind, &device), "a device");
    road_join(&road, rogue_mem_srp_v3_emulation_stream_port(device));
    bench_server_attend(road_number(&road));
    road_close(&road);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_srp_v3_emulation_release(device);
    return BENCH_OK;
}
