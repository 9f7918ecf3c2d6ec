// One battery of behaviours, over every road to emulated memory.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/protocols/udp/Client.h"
#include "rogue/protocols/udp/Server.h"

#include <random>

namespace rp = rogue::protocols;
namespace rps = rogue::protocols::srp;

namespace {

/** A connected way. A hub is its near end, so that what a slave cannot take at once is split. */
struct Road {
    rim::SlavePtr near;
    /** What must last as long, in the order in which it is to go. */
    std::vector<std::shared_ptr<void>> stations;
    /** Addresses and sizes are multiples of it. */
    uint32_t unit;

    rim::MasterPtr master() const {
        auto made = rim::Master::create();
        made->setTimeout(LONG_TIMEOUT_US);
        *made >> near;
        return made;
    }

    /** The same road behind a hub. */
    Road behindHub() const {
        auto hub = rim::Hub::create(0, 0, 0);
        *hub >> near;
        Road longer{hub, stations, unit};
        longer.stations.push_back(near);
        return longer;
    }

    /** The same road behind a bridge. */
    Road behindBridge() const {
        auto server = rim::TcpServer::create("127.0.0.1", 0);
        server->setTimeout(LONG_TIMEOUT_US);
        *server >> near;
        auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
        Road longer{client, {server}, unit};
        longer.stations.insert(longer.stations.end(), stations.begin(), stations.end());
        return longer;
    }
};

Road inProcess() { return {rim::Emulate::create(1, 0xFFFFFFFF), {}, 1}; }

Road srp() {
    auto requester = rps::SrpV3::create();
    auto device = rps::SrpV3Emulation::create();
    *requester == device;
    return {requester, {device}, 4};
}

Road udp() {
    auto server = rp::udp::Server::create(0, false);
    auto client = rp::udp::Client::create("127.0.0.1", server->getPort(), false);
    auto device = rps::SrpV3Emulation::create();
    auto requester = rps::SrpV3::create();
    *server == device;
    *requester == client;
    // A datagram holds no access of 4096 bytes.
    auto hub = rim::Hub::create(0, 4, 1024);
    *hub >> requester;
    return {hub, {client, server, device, requester}, 4};
}

Road board() {
    auto far = rp::UdpRssiPack::server("127.0.0.1", 0);
    auto device = rps::SrpV3Emulation::create();
    *far->application(0) == device;
    auto near = rp::UdpRssiPack::client("127.0.0.1", far->getPort());
    near->waitOpen(static_cast<double>(HANG_LIMIT.count()));
    auto requester = rps::SrpV3::create();
    *requester == near->application(0);
    return {requester, {near, far, device}, 4};
}

struct NamedRoad {
    const char *name;
    std::function<Road()> lay;
};

const std::vector<NamedRoad> ROADS = {
    {"in process", inProcess},
    {"hubs", [] { return inProcess().behindHub().behindHub(); }},
    {"bridge", [] { return inProcess().behindBridge(); }},
    {"two bridges", [] { return inProcess().behindBridge().behindBridge(); }},
    {"SRP in process", [] { return srp().behindHub(); }},
    {"SRP over UDP", [] { return udp().behindHub(); }},
    {"a board", [] { return board().behindHub(); }},
    {"a bridge to a board", [] { return board().behindBridge(); }},
};

/** Calls `behave` with each road in turn. */
void overEveryRoad(const std::function<void(const Road &)> &behave) {
    for (const NamedRoad &road : ROADS) {
        CAPTURE(road.name);
        behave(road.lay());
    }
}

std::vector<uint8_t> randomBytes(std::mt19937 &random, size_t count) {
    std::vector<uint8_t> data(count);
    for (uint8_t &octet : data) {
        octet = static_cast<uint8_t>(random());
    }
    return data;
}

} // namespace

TEST_CASE("accesses of many sizes touch their bytes only") {
    overEveryRoad([](const Road &road) {
        auto master = road.master();
        std::mt19937 random(1);
        for (uint32_t units : {1u, 2u, 3u, 7u, 64u, 255u, 1024u, 4099u}) {
            const uint32_t size = units * road.unit;
            const uint64_t address = 0x10000;
            std::vector<uint8_t> around = randomBytes(random, size + 2 * road.unit);
            CHECK(request(*master, address, around, rim::Write) == "");
            std::vector<uint8_t> data = randomBytes(random, size);
            CHECK(request(*master, address + road.unit, data, rim::Write) == "");
            std::copy(data.begin(), data.end(), around.begin() + road.unit);
            std::vector<uint8_t> back(around.size());
            CHECK(request(*master, address, back, rim::Read) == "");
            CHECK(back == around);
        }
    });
}

TEST_CASE("a random mixture leaves what a model leaves") {
    overEveryRoad([](const Road &road) {
        auto master = road.master();
        std::mt19937 random(2);
        const uint32_t bytes = 1024 * road.unit;
        std::vector<uint8_t> model(bytes, 0);
        const int rounds = underMemcheck() ? 30 : 500;
        int wrong = 0;
        for (int round = 0; round < rounds; ++round) {
            const uint32_t size = (1 + random() % 32) * road.unit;
            const uint32_t address = random() % ((bytes - size) / road.unit) * road.unit;
            const bool other = random() % 2 != 0;
            if (random() % 2 == 0) {
                std::vector<uint8_t> data = randomBytes(random, size);
                std::copy(data.begin(), data.end(), model.begin() + address);
                wrong += request(*master, address, data, other ? rim::Write : rim::Post) != "";
            } else {
                std::vector<uint8_t> data(size);
                wrong += request(*master, address, data, other ? rim::Read : rim::Verify) != "";
                wrong += !std::equal(data.begin(), data.end(), model.begin() + address);
            }
        }
        CHECK(wrong == 0);
    });
}

TEST_CASE("many requests under way at once are all answered") {
    overEveryRoad([](const Road &road) {
        auto master = road.master();
        // As many as the sockets of a host hold where nothing repeats a datagram.
        std::vector<uint32_t> written(60);
        std::vector<uint32_t> ids;
        for (uint32_t n = 0; n < written.size(); ++n) {
            written[n] = n * 0x9E3779B9u;
            ids.push_back(master->reqTransaction(4 * n, 4, &written[n], rim::Write));
        }
        std::vector<uint32_t> read(written.size(), 0);
        for (uint32_t n = 0; n < read.size(); ++n) {
            ids.push_back(master->reqTransaction(4 * n, 4, &read[n], rim::Read));
        }
        for (uint32_t id : ids) {
            std::string error;
            master->waitTransaction(id, error);
            CHECK(error == "");
        }
        CHECK(read == written);
    });
}

TEST_CASE("an access beyond the end of the address space fails alone, and leaves its buffer") {
    overEveryRoad([](const Road &road) {
        auto master = road.master();
        const uint64_t end = 0 - static_cast<uint64_t>(road.unit);
        std::vector<uint8_t> data(2 * road.unit, 0x5A);
        CHECK(request(*master, end, data, rim::Read) != "");
        CHECK(data == std::vector<uint8_t>(2 * road.unit, 0x5A));
        master->clearError();
        CHECK(write32(*master, 0x10, 7) == "");
        uint32_t value = 0;
        CHECK(read32(*master, 0x10, value) == "");
        CHECK(value == 7);
    });
}
