// Plays an FPGA: registers behind SRPv3, the packetizer, RSSI and UDP, as firmware has them.
//
//   fpga_emulator [PORT]     default: a port the system chooses; firmware has 8192 by convention
//
// Prints its port, and serves until its standard input ends.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rp = rogue::protocols;
namespace rps = rogue::protocols::srp;

int main(int argc, char **argv) {
    const uint16_t port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
    try {
        rp::UdpRssiPack::Options options;
        options.pack_version = 2;
        auto board = rp::UdpRssiPack::server("*", port, options);

        // Destination 0 is that of registers by convention
        auto registers = rps::SrpV3Emulation::create();
        *board->application(0) == registers;

        std::printf("listening on port %u\n", static_cast<unsigned>(board->getPort()));
        std::fflush(stdout);
        while (std::getchar() != EOF) {
        }
        board->stop();
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
