/*
 * An emulated device that answers SRPv3 over UDP, through the C API.
 */
#include <rogue_mem.h>

#include "../common/server.h"

static void check(rogue_mem_status_t status, const char *what) {
    if (status != ROGUE_MEM_OK) {
        bench_fail(BENCH_WRONG, "%s: %s", what, rogue_mem_last_error());
    }
}

int main(int argc, char **argv) {
    bench_server_options_t options = bench_server_options(true, argc, argv);
    rogue_mem_udp_options_t chosen = {0};
    rogue_mem_udp_t *udp;
    rogue_mem_srp_v3_emulation_t *device;
    chosen.size = sizeof chosen;
    chosen.jumbo = 1;
    chosen.spin_us = options.without.spin ? ROGUE_MEM_SPIN_NEVER : options.spin_us;
    check(rogue_mem_udp_new_server(options.host, options.port, &chosen, &udp), "a server");
    check(rogue_mem_srp_v3_emulation_new(NULL, &device), "a device");
    rogue_mem_stream_port_t *near = rogue_mem_udp_stream_port(udp);
    rogue_mem_stream_port_t *far = rogue_mem_srp_v3_emulation_stream_port(device);
    check(rogue_mem_stream_port_connect(near, far), "connecting the ports");
    rogue_mem_stream_port_release(near);
    rogue_mem_stream_port_release(far);
    bench_server_attend(rogue_mem_udp_port(udp));
    rogue_mem_udp_stop(udp);
    rogue_mem_udp_release(udp);
    rogue_mem_srp_v3_emulation_stop(device);
    rogue_mem_srp_v3_emulation_release(device);
    return BENCH_OK;
}
