// Reliable streams over UDP, and registers behind them.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/protocols/EventLoop.h"
#include "rogue/protocols/rssi/Client.h"
#include "rogue/protocols/rssi/Server.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/protocols/udp/Client.h"
#include "rogue/protocols/udp/Server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace rpr = rogue::protocols::rssi;
namespace rps = rogue::protocols::srp;
namespace rpu = rogue::protocols::udp;

TEST_CASE("registers are reached over RSSI and UDP") {
    auto udpServer = rpu::Server::create(0, false);
    auto udpClient =
        rpu::Client::create("127.0.0.1", static_cast<uint16_t>(udpServer->getPort()), false);
    auto server = rpr::Server::create(udpServer->maxPayload() - 8);
    auto client = rpr::Client::create(udpClient->maxPayload() - 8);
    *server->transport() == udpServer;
    *client->transport() == udpClient;
    auto device = rps::SrpV3Emulation::create();
    *server->application() == device;
    auto srp = rps::SrpV3::create();
    *srp == client->application();
    server->start();
    client->start();
    client->waitOpen(LONG_TIMEOUT_US);
    server->waitOpen(LONG_TIMEOUT_US);
    CHECK(client->getOpen());
    CHECK(client->curMaxSegment() == 1464);

    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    std::vector<uint8_t> written(1000);
    for (std::size_t n = 0; n < written.size(); n++) {
        written[n] = static_cast<uint8_t>(n * 7);
    }
    std::vector<uint8_t> read(written.size());
    CHECK(request(*master, 0x100, written, rim::Write) == "");
    CHECK(request(*master, 0x100, read, rim::Read) == "");
    CHECK(read == written);

    CHECK(client->getStats().frames_in == 2);
    CHECK(client->getDownCount() == 0);
    CHECK(!client->getLocBusy());
    CHECK(!client->getRemBusy());
    client->stop();
    CHECK(client->getDownCount() == 1);
    client->resetCounters();
    CHECK(client->getDownCount() == 0);
    srp->stop();
    device->stop();
    server->stop();
    udpServer->stop();
    udpClient->stop();
}

/** A segment with RST and that number. */
static std::array<uint8_t, 8> reset(uint8_t number) {
    const uint32_t sum = 0x1008 + (static_cast<uint32_t>(number) << 8);
    const uint32_t checksum = ~((sum & 0xFFFF) + (sum >> 16));
    return {{0x10, 8, number, 0, 0, 0, static_cast<uint8_t>(checksum >> 8),
             static_cast<uint8_t>(checksum)}};
}

TEST_CASE("a stranger's datagrams are counted and do not disturb an open link") {
    auto udpServer = rpu::Server::create(0, false);
    const uint16_t port = static_cast<uint16_t>(udpServer->getPort());
    auto udpClient = rpu::Client::create("127.0.0.1", port, false);
    auto server = rpr::Server::create(udpServer->maxPayload() - 8);
    auto client = rpr::Client::create(udpClient->maxPayload() - 8);
    *server->transport() == udpServer;
    *client->transport() == udpClient;
    auto device = rps::SrpV3Emulation::create();
    *server->application() == device;
    auto srp = rps::SrpV3::create();
    *srp == client->application();
    server->start();
    client->start();
    client->waitOpen(LONG_TIMEOUT_US);
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;

    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int stranger = socket(AF_INET, SOCK_DGRAM, 0);
    REQUIRE(stranger >= 0);
    std::vector<uint8_t> data(4, 7);
    for (unsigned number = 0; number < 256; number++) {
        const auto segment = reset(static_cast<uint8_t>(number));
        sendto(stranger, segment.data(), segment.size(), 0, reinterpret_cast<sockaddr *>(&to),
               sizeof to);
        if (number % 16 == 0) {
            CHECK(request(*master, 0x40, data, rim::Write) == "");
        }
    }
    while (udpServer->getStats().strangers < 256) {
        REQUIRE(request(*master, 0x40, data, rim::Read) == "");
    }
    CHECK(udpServer->getStats().strangers == 256);
    CHECK(server->getDownCount() + client->getDownCount() == 0);
    CHECK(recv(stranger, data.data(), data.size(), MSG_DONTWAIT) == -1);
    close(stranger);
    client->stop();
    device->stop();
    server->stop();
    udpServer->stop();
    udpClient->stop();
}

TEST_CASE("a link on a shared event loop tells of its stop and of its next start") {
    auto loop = rogue::protocols::EventLoop::create("links");
    rpr::Endpoint::Options options;
    options.event_loop = loop->nativeHandle();
    auto server = rpr::Server::create(1464, options);
    auto client = rpr::Client::create(1464, options);
    *client->transport() == server->transport();
    std::mutex mutex;
    std::vector<bool> told;
    Event again;
    client->setLinkCallback([&](const rogue::protocols::LinkChange &change) {
        std::lock_guard<std::mutex> guard(mutex);
        told.push_back(change.open);
        if (told.size() == 3) {
            again.set();
        }
    });
    server->start();
    client->start();
    client->waitOpen(LONG_TIMEOUT_US);
    client->stop();
    client->start();
    CHECK(again.wait());
    client->setLinkCallback(nullptr);
    client->stop();
    server->stop();
    std::lock_guard<std::mutex> guard(mutex);
    CHECK(told == std::vector<bool>{true, false, true});
}

TEST_CASE("parameters are checked and agreed on") {
    auto server = rpr::Server::create(1464);
    auto client = rpr::Client::create(1464);
    client->setLocMaxBuffers(16);
    server->setLocMaxSegment(500);
    client->setTimeout(1000);
    CHECK(client->getLocMaxBuffers() == 16);
    CHECK(client->getLocTryPeriod() == 100);
    CHECK(client->getLocCumAckTout() == 5);
    CHECK(client->getLocRetranTout() == 20);
    CHECK(client->getLocNullTout() == 1000);
    CHECK(client->getLocMaxRetran() == 15);
    CHECK(client->getLocMaxCumAck() == 2);
    CHECK(client->getLocMaxSegment() == 1464);
    CHECK_THROWS_AS(client->setLocMaxRetran(0), rogue::GeneralError);
    CHECK_THROWS_AS(client->waitOpen(1), rogue::GeneralError);
    *client->transport() == server->transport();
    server->start();
    client->start();
    client->waitOpen(LONG_TIMEOUT_US);
    CHECK(client->curMaxBuffers() == 16);
    CHECK(client->curMaxSegment() == 500);
    client->stop();
    server->stop();
}
