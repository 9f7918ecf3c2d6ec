// Exports the registers of an FPGA to remote programs:
//
//   TcpServer >> SrpV3 == packetizer == RSSI == UDP
//
//   fpga_bridge HOST PORT [TCP_PORT]     default: a TCP port the system chooses
//
// Prints its port, and serves until its standard input ends.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rim = rogue::interfaces::memory;
namespace rp = rogue::protocols;
namespace rps = rogue::protocols::srp;

static int serve(const char *host, uint16_t port, uint16_t tcpPort) {
    // The road to the board; firmware with the interleaving packetizer has version 2
    rp::UdpRssiPack::Options options;
    options.pack_version = 2;
    auto board = rp::UdpRssiPack::client(host, port, options);

    // Fails with a text that names the layer: no datagram, a closed port, no RSSI
    board->waitOpen(10.0);

    // Destination 0 is that of registers by convention
    auto srp = rps::SrpV3::create();
    *srp == board->application(0);

    // Listen on all interfaces using ports <port> and <port> + 1
    auto tcp = rim::TcpServer::create("*", tcpPort);
    *tcp >> srp;
    std::printf("listening on port %u\n", static_cast<unsigned>(tcp->getPort()));
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    tcp->stop();

    const rp::UdpRssiPack::Stats stats = board->getStats();
    std::printf("link: opened %llu times, round trip %.1f us (99 %% below %.1f us), "
                "%llu segments sent again\n",
                static_cast<unsigned long long>(stats.open_count),
                static_cast<double>(stats.round_trip_p50_ns) / 1e3,
                static_cast<double>(stats.round_trip_p99_ns) / 1e3,
                static_cast<unsigned long long>(stats.retransmits));
    board->stop();
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: fpga_bridge HOST PORT [TCP_PORT]\n");
        return 2;
    }
    try {
        return serve(argv[1], static_cast<uint16_t>(std::atoi(argv[2])),
                     static_cast<uint16_t>(argc > 3 ? std::atoi(argv[3]) : 0));
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
