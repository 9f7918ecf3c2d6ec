// Serves a register bus over TCP, as Rogue's documentation of the memory TCP bridge shows it.
//
//   bridge_server [PORT]     default: a port the system chooses
//
// Prints its port, and serves until its standard input ends.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rim = rogue::interfaces::memory;
namespace rps = rogue::protocols::srp;

int main(int argc, char **argv) {
    const uint16_t port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
    try {
        // Local memory SRP bridge
        auto srpv3 = rps::SrpV3::create();

        // The emulation takes the place of the stream to the hardware
        auto hardware = rps::SrpV3Emulation::create();
        *srpv3 == hardware;

        // Listen on all interfaces using ports <port> and <port> + 1
        auto tcp = rim::TcpServer::create("*", port);

        // Connect the TCP bridge to the local memory Slave
        *tcp >> srpv3;

        std::printf("listening on port %u\n", static_cast<unsigned>(tcp->getPort()));
        std::fflush(stdout);
        while (std::getchar() != EOF) {
        }
        tcp->stop();
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
