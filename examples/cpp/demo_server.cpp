// The server of the demonstration: serves registers behind SRPv3 over TCP.
//
//   demo_server [PORT [BOARD_HOST BOARD_PORT]]     default: a port the system chooses
//
//   TcpServer >> ProtectedHub >> SrpV3 == packetizer == RSSI == UDP     with a board
//   TcpServer >> ProtectedHub >> SrpV3 == SrpV3Emulation                without one
//
// Prints its port, and serves until its standard input ends or it gets SIGTERM.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace rim = rogue::interfaces::memory;
namespace rp = rogue::protocols;
namespace rps = rogue::protocols::srp;

// Passes accesses on, except to a missing range and to a read-only one.
class ProtectedHub : public rim::Hub {
public:
    ProtectedHub() : rim::Hub(0, 0, 0) {}

    static const uint64_t READ_ONLY = 0x8000;
    static const uint64_t MISSING = 0xF000;

    void doTransaction(rim::TransactionPtr tran) override {
        const auto address = static_cast<unsigned long long>(tran->address());
        const bool writes = tran->type() == rim::Write || tran->type() == rim::Post;
        if (tran->address() >= MISSING) {
            tran->error("Bus error: no register at 0x%llx", address);
        } else if (tran->address() >= READ_ONLY && writes) {
            tran->error("Bus error: register 0x%llx is read-only", address);
        } else {
            rim::Hub::doTransaction(tran);
        }
    }
};

// Written by the signal handler, which may do nothing else.
static int signalPipe[2];

extern "C" void onSignal(int) {
    const char octet = 0;
    if (write(signalPipe[1], &octet, 1) != 1) {
        _exit(1);
    }
}

// Returns when the standard input has ended or a signal has come.
static void waitForEnd() {
    struct pollfd ends[2] = {{0, POLLIN, 0}, {signalPipe[0], POLLIN, 0}};
    char octets[256];
    for (;;) {
        if (poll(ends, 2, -1) < 0) {
            continue; // a signal, whose octet is in the pipe
        }
        if (ends[1].revents != 0) {
            return;
        }
        if (ends[0].revents != 0 && read(0, octets, sizeof(octets)) <= 0) {
            return;
        }
    }
}

// Connects the registers of a board, such as a fpga_emulator; throws if its link does not open.
static rp::UdpRssiPackPtr connectBoard(const rps::SrpV3Ptr &srpv3, const char *host,
                                       uint16_t port) {
    rp::UdpRssiPack::Options options;
    options.pack_version = 2;
    auto board = rp::UdpRssiPack::client(host, port, options);
    board->waitOpen(10.0);
    *srpv3 == board->application(0);
    std::printf("the link to the board at port %u of %s is open\n", static_cast<unsigned>(port),
                host);
    return board;
}

static int serve(uint16_t port, const char *boardHost, uint16_t boardPort) {
    auto srpv3 = rps::SrpV3::create();
    auto hub = std::make_shared<ProtectedHub>();
    *hub >> srpv3;
    rp::UdpRssiPackPtr board;
    rps::SrpV3EmulationPtr emulation;
    if (boardHost != nullptr) {
        board = connectBoard(srpv3, boardHost, boardPort);
    } else {
        emulation = rps::SrpV3Emulation::create();
        *srpv3 == emulation;
    }

    auto tcp = rim::TcpServer::create("*", port);
    *tcp >> hub;
    std::printf("listening on port %u\n", static_cast<unsigned>(tcp->getPort()));
    std::fflush(stdout);
    waitForEnd();

    const rim::TcpServer::Stats stats = tcp->getStats();
    tcp->stop();
    std::printf("served %llu requests of %llu connections\n",
                static_cast<unsigned long long>(stats.requests),
                static_cast<unsigned long long>(stats.accepted));
    if (board) {
        const rp::UdpRssiPack::Stats link = board->getStats();
        std::printf("link: round trip %.1f us (99 %% below %.1f us), %llu segments sent again\n",
                    static_cast<double>(link.round_trip_p50_ns) / 1e3,
                    static_cast<double>(link.round_trip_p99_ns) / 1e3,
                    static_cast<unsigned long long>(link.retransmits));
        board->stop();
    }
    return 0;
}

int main(int argc, char **argv) {
    if (pipe(signalPipe) != 0) {
        std::perror("pipe");
        return 1;
    }
    signal(SIGTERM, onSignal);
    signal(SIGINT, onSignal);
    try {
        return serve(static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0),
                     argc > 3 ? argv[2] : nullptr,
                     static_cast<uint16_t>(argc > 3 ? std::atoi(argv[3]) : 0));
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
