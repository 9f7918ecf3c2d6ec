// Streams over UDP, and registers behind them.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/protocols/udp/Client.h"
#include "rogue/protocols/udp/Server.h"

namespace ris = rogue::interfaces::stream;
namespace rps = rogue::protocols::srp;
namespace rpu = rogue::protocols::udp;

namespace {

/** Keeps the latest frame. */
class Keeper : public ris::Master, public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        {
            auto lock = frame->lock();
            bytes.assign(frame->begin(), frame->end());
        }
        arrived.set();
    }

    void send(const std::vector<uint8_t> &data) {
        auto frame = reqFrame(static_cast<uint32_t>(data.size()), true);
        frame->setPayload(static_cast<uint32_t>(data.size()));
        std::copy(data.begin(), data.end(), frame->begin());
        sendFrame(frame);
    }

    Event arrived;
    std::vector<uint8_t> bytes;
};

} // namespace

TEST_CASE("frames travel as datagrams in both directions") {
    for (bool jumbo : {false, true}) {
        auto server = rpu::Server::create(0, jumbo);
        auto client =
            rpu::Client::create("127.0.0.1", static_cast<uint16_t>(server->getPort()), jumbo);
        const uint32_t limit = jumbo ? rpu::MaxJumboPayload : rpu::MaxStdPayload;
        CHECK(server->maxPayload() == limit);
        CHECK(client->maxPayload() == limit);
        auto atServer = std::make_shared<Keeper>();
        auto atClient = std::make_shared<Keeper>();
        *server == atServer;
        *client == atClient;
        const std::vector<uint8_t> there(limit, 0x5A);
        const std::vector<uint8_t> back = {1, 2, 3};
        atClient->send(there);
        REQUIRE(atServer->arrived.wait());
        CHECK(atServer->bytes == there);
        atServer->send(back);
        REQUIRE(atClient->arrived.wait());
        CHECK(atClient->bytes == back);
        const rpu::Core::Stats stats = client->getStats();
        CHECK(stats.datagrams_out == 1);
        CHECK(stats.bytes_out == limit);
        CHECK(stats.bytes_in == 3);
        client->stop();
        server->stop();
        atServer->stop();
        atClient->stop();
    }
}

TEST_CASE("registers are reached over UDP") {
    auto server = rpu::Server::create(0, true);
    auto client = rpu::Client::create("127.0.0.1", static_cast<uint16_t>(server->getPort()), true);
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create();
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *srp == client;
    *server == emulation;
    *master >> srp;
    std::vector<uint8_t> written(4096);
    for (std::size_t n = 0; n < written.size(); n++) {
        written[n] = static_cast<uint8_t>(n * 7);
    }
    std::vector<uint8_t> read(written.size());
    CHECK(request(*master, 0x100, written, rim::Write) == "");
    CHECK(request(*master, 0x100, read, rim::Read) == "");
    CHECK(read == written);
    server->stop();
    client->stop();
}

TEST_CASE("a receive buffer is granted or refused") {
    rpu::CorePtr core = rpu::Server::create(0, false);
    core->setTimeout(1000);
    CHECK(core->setRxBufferCount(32));
    CHECK(core->getStats().receive_buffer_bytes >= 32 * 1500);
    CHECK(!core->setRxBufferCount(0xFFFFFFFF));
}

TEST_CASE("options of an endpoint, and what cannot be opened") {
    rpu::Core::Options options;
    options.jumbo = 1;
    options.spin_us = ROGUE_MEM_SPIN_NEVER;
    auto server = rpu::Server::create("::1", 0, options);
    const uint16_t port = static_cast<uint16_t>(server->getPort());
    CHECK(rpu::Client::create("::1", port, options)->maxPayload() == 8972);
    CHECK_THROWS_AS(rpu::Server::create("::1", port, options), rogue::GeneralError);
    CHECK_THROWS_AS(rpu::Client::create("no-such-host.invalid", 1, false), rogue::GeneralError);
    server->stop();
}
