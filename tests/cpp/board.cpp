// The usual road to a board in one object.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/protocols/EventLoop.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <memory>
#include <stdexcept>
#include <string>

namespace rim = rogue::interfaces::memory;
namespace rp = rogue::protocols;
namespace rps = rogue::protocols::srp;

TEST_CASE("a program exports a board to remote clients") {
    rp::UdpRssiPack::Options options;
    options.pack_version = 2;
    auto board = rp::UdpRssiPack::server("127.0.0.1", 0, options);
    auto device = rps::SrpV3Emulation::create();
    *board->application(0) == device;

    auto road = rp::UdpRssiPack::client("127.0.0.1", board->getPort(), options);
    road->waitOpen(static_cast<double>(HANG_LIMIT.count()));
    auto srp = rps::SrpV3::create();
    *srp == road->application(0);
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    *server >> srp;

    auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
    auto master = rim::Master::create();
    *master >> client;
    // Against hangs only: the first access is slow under a memory checker.
    master->setTimeout(LONG_TIMEOUT_US);
    std::vector<uint32_t> written(1024, 0xCAFE1234);
    std::vector<uint32_t> read(written.size());
    const uint32_t size = static_cast<uint32_t>(4 * written.size());
    master->waitTransaction(master->reqTransaction(0x1000, size, written.data(), rim::Write));
    CHECK(master->getError() == "");
    master->waitTransaction(master->reqTransaction(0x1000, size, read.data(), rim::Read));
    CHECK(master->getError() == "");
    CHECK(read == written);
    CHECK(road->getOpen());
    CHECK(road->application(0) == road->application(0));
    CHECK(road->getStats().frames_in == 2);
    client->stop();
    server->stop();
    road->stop();
    board->stop();
    CHECK(!road->getOpen());
}

TEST_CASE("boards share an event loop, and tell when their links open and close") {
    auto loop = rp::EventLoop::create("boards");
    rp::UdpRssiPack::Options options;
    options.event_loop = loop->nativeHandle();
    auto board = rp::UdpRssiPack::server("127.0.0.1", 0, options);
    auto road = rp::UdpRssiPack::client("127.0.0.1", board->getPort(), options);
    loop.reset();
    Event opened, closed, destroyed;
    std::string text;
    std::shared_ptr<Event> owned(&destroyed, [](Event *event) { event->set(); });
    std::weak_ptr<rp::UdpRssiPack> known = road;
    road->setLinkCallback([&, owned, known](const rp::LinkChange &change) {
        if (!change.open) {
            text = change.text;
            closed.set();
            throw std::runtime_error("an exception in a callback");
        }
        opened.set();
        known.lock()->stop();
    });
    owned.reset();
    CHECK(opened.wait());
    CHECK(closed.wait());
    CHECK(text == "rssi::Client: the link is closed: this end was stopped");
    CHECK(destroyed.wait());
    road->setLinkCallback(rp::LinkCallback());
    board->stop();
}

TEST_CASE("a link that does not open says which layer fails") {
    auto board = rp::UdpRssiPack::server("127.0.0.1", 0);
    try {
        board->waitOpen(0.001);
        FAIL("nobody has opened it");
    } catch (const rogue::GeneralError &error) {
        CHECK(std::string(error.what()).find("UDP: no datagram has come") != std::string::npos);
    }
    rp::UdpRssiPack::Options options;
    options.pack_version = 3;
    CHECK_THROWS_AS(rp::UdpRssiPack::client("127.0.0.1", 1, options), rogue::GeneralError);
}
