// The client's end of a reliable stream over UDP, built layer by layer, which shares one thread:
// accesses a register behind destination 0 and sends data to destination 1.
//
//   SrpV3, Prbs == packetizer == RSSI == UDP
//
//   udp_rssi_client HOST PORT     the peer: a udp_rssi_server, or a board
//
// The same in one object is UdpRssiPack, see fpga_bridge.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/protocols/EventLoop.h"
#include "rogue/protocols/packetizer/CoreV2.h"
#include "rogue/protocols/rssi/Client.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/udp/Client.h"
#include "rogue/utilities/Prbs.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rim = rogue::interfaces::memory;
namespace rp = rogue::protocols;
namespace rpp = rogue::protocols::packetizer;
namespace rpr = rogue::protocols::rssi;
namespace rps = rogue::protocols::srp;
namespace rpu = rogue::protocols::udp;
namespace ru = rogue::utilities;

static int work(const char *host, uint16_t port) {
    auto loop = rp::EventLoop::create("board");
    rpu::Client::Options udpOptions;
    udpOptions.event_loop = loop->nativeHandle();
    auto udp = rpu::Client::create(host, port, udpOptions);
    rpr::Client::Options rssiOptions;
    rssiOptions.event_loop = loop->nativeHandle();
    auto rssi = rpr::Client::create(udp->maxPayload() - 8, rssiOptions);
    *rssi->transport() == udp;
    // Without an acknowledge for 100 times 20 ms the link counts as lost. A board answers within
    // the 300 ms of the default; a program on a busy machine may be held up for longer
    rssi->setLocMaxRetran(100);
    auto packetizer = rpp::CoreV2::create(true, true, true);
    *rssi->application() == packetizer->transport();

    auto srp = rps::SrpV3::create();
    *srp == packetizer->application(0);
    auto generator = ru::Prbs::create();
    *generator >> packetizer->application(1);

    // Fails with the reason, as far as it is known
    rssi->start();
    rssi->waitOpen(10 * 1000 * 1000);

    auto master = rim::Master::create();
    *master >> srp;
    uint32_t value = 0x12345678;
    master->waitTransaction(master->reqTransaction(0x1000, sizeof(value), &value, rim::Write));
    value = 0;
    master->waitTransaction(master->reqTransaction(0x1000, sizeof(value), &value, rim::Read));
    if (!master->getError().empty()) {
        std::fprintf(stderr, "%s\n", master->getError().c_str());
        return 1;
    }
    std::printf("register 0x1000 holds 0x%08x\n", static_cast<unsigned>(value));

    for (unsigned n = 0; n < 100; ++n) {
        generator->genFrame(10000);
    }
    // Behind the data: once it is answered, the peer has got all
    master->waitTransaction(master->reqTransaction(0x1000, sizeof(value), &value, rim::Read));
    const rpr::Client::Stats stats = rssi->getStats();
    std::printf("%u frames of data sent, %llu segments sent again\n", generator->getTxCount(),
                static_cast<unsigned long long>(stats.retran_count));
    rssi->stop();
    udp->stop();
    return value == 0x12345678 && master->getError().empty() ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: udp_rssi_client HOST PORT\n");
        return 2;
    }
    try {
        return work(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
