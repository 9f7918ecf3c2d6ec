// The server's end of a reliable stream over UDP, built layer by layer: what firmware does in a
// board. A client's stack connects to it: udp_rssi_client, or a Rogue program.
//
//   packetizer == RSSI == UDP, with registers on destination 0 and data on destination 1
//
//   udp_rssi_server [PORT]     default: a port the system chooses; firmware has 8192 by convention
//
// Prints its port, and serves until its standard input ends. The program with the same layers in one
// object is fpga_emulator.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/protocols/packetizer/CoreV2.h"
#include "rogue/protocols/rssi/Server.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/protocols/udp/Server.h"
#include "rogue/utilities/Prbs.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rpp = rogue::protocols::packetizer;
namespace rpr = rogue::protocols::rssi;
namespace rps = rogue::protocols::srp;
namespace rpu = rogue::protocols::udp;
namespace ru = rogue::utilities;

static int serve(uint16_t port) {
    // Datagrams of up to 1472 octets; jumbo frames have up to 8972
    auto udp = rpu::Server::create(port, false);

    // A segment, its header of 8 octets included, leaves 8 octets of a datagram unused
    auto rssi = rpr::Server::create(udp->maxPayload() - 8);
    *rssi->transport() == udp;

    // Version 2 of the packetizer, which both ends must have: checks CRCs, sends CRCs, marks frames
    auto packetizer = rpp::CoreV2::create(true, true, true);
    *rssi->application() == packetizer->transport();

    // By convention registers are on destination 0. Data is on 1: here its bits are checked
    auto registers = rps::SrpV3Emulation::create();
    *packetizer->application(0) == registers;
    auto checker = ru::Prbs::create();
    *packetizer->application(1) >> checker;

    rssi->setLinkCallback([](const rogue::protocols::LinkChange &change) {
        std::printf("%s\n", change.text.c_str());
        std::fflush(stdout);
    });
    rssi->start();
    std::printf("listening on port %u\n", static_cast<unsigned>(udp->getPort()));
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    rssi->setLinkCallback(nullptr);
    rssi->stop();
    udp->stop();

    std::printf("%u frames of data, %u of them with errors\n", checker->getRxCount(),
                checker->getRxErrors());
    return checker->getRxErrors() == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    try {
        return serve(static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
