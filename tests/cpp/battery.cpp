// One battery of behaviours, over every road to emulated memory.

#include "support.h"

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Block.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/interfaces/memory/Variable.h"
#include "rogue/protocols/UdpRssiPack.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/protocols/udp/Client.h"
#include "rogue/protocols/udp/Server.h"

#include <atomic>
#include <random>
#include <thread>

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

// --- typed registers -----------------------------------------------------------------------------

namespace {

/** A variable of one part; a list if it has values. */
rim::VariablePtr makeVariable(const std::string &name, uint32_t model, uint32_t first,
                              uint32_t bits, uint32_t values = 0, bool isBigEndian = false) {
    return rim::Variable::create(name, "RW", 0, 0, 0, {first}, {bits * std::max(values, 1u)}, false,
                                 true, true, false, model, isBigEndian, false, 8, values, bits,
                                 bits, 0);
}

/** An enabled block at the end of a road. */
rim::BlockPtr makeBlock(const Road &road, uint64_t offset, uint32_t size,
                        const std::vector<rim::VariablePtr> &variables) {
    auto block = rim::Block::create(offset, size);
    block->setTimeout(LONG_TIMEOUT_US);
    *block >> road.near;
    block->addVariables(variables);
    block->setEnable(true);
    return block;
}

} // namespace

TEST_CASE("registers of every kind keep what they are set to") {
    overEveryRoad([](const Road &road) {
        auto flag = makeVariable("flag", rim::Bool, 3, 1);
        auto number = makeVariable("number", rim::UInt, 5, 11);
        auto integer = makeVariable("integer", rim::Int, 16, 16, 0, true);
        auto text = makeVariable("text", rim::String, 32, 64);
        auto wide = makeVariable("wide", rim::Double, 96, 64);
        auto fixed = makeVariable("fixed", rim::Fixed, 160, 32);
        auto values = makeVariable("values", rim::UInt, 192, 21, 16);
        auto huge = makeVariable("huge", rim::UInt, 544, 96);
        auto block =
            makeBlock(road, 0x300, 80, {flag, number, integer, text, wide, fixed, values, huge});
        flag->setBool(true);
        number->setUInt(0x5A5);
        integer->setInt(-12345);
        text->setString("register");
        wide->setDouble(1.0 / 3);
        fixed->setFixed(-0.5);
        std::vector<uint32_t> all;
        for (uint32_t n = 0; n < 16; ++n) {
            all.push_back(0x1FFFFF - n);
        }
        values->setValues(all);
        values->setUInt(7, 3);
        all[3] = 7;
        const std::vector<uint8_t> octets = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        huge->setByteArray(octets.data());

        // Over the same road, by another block.
        std::vector<uint8_t> raw(80);
        CHECK(request(*road.master(), 0x300, raw, rim::Read) == "");
        CHECK((raw[0] & 8) == 8);
        CHECK(std::string(raw.begin() + 4, raw.begin() + 12) == "register");
        CHECK(std::equal(octets.begin(), octets.end(), raw.begin() + 68));
        CHECK(flag->getBool());
        CHECK(number->getUInt() == 0x5A5);
        CHECK(integer->getInt() == -12345);
        CHECK(text->getString() == "register");
        CHECK(wide->getDouble() == 1.0 / 3);
        CHECK(fixed->getFixed() == -0.5);
        std::vector<uint32_t> back;
        values->getValues(back);
        CHECK(back == all);
        CHECK_THROWS_AS(number->setUInt(0x800), rogue::GeneralError);
        CHECK(number->getUInt() == 0x5A5);
    });
}

TEST_CASE("a map of registers is written and read with one call each") {
    overEveryRoad([](const Road &road) {
        // As many as the sockets of a host hold where nothing repeats a datagram.
        const uint32_t count = 60;
        std::vector<rim::BlockPtr> blocks;
        std::vector<rim::VariablePtr> variables;
        for (uint32_t n = 0; n < count; ++n) {
            variables.push_back(makeVariable("v" + std::to_string(n), rim::UInt, 8, 16));
            blocks.push_back(makeBlock(road, 0x4000 + 16 * n, 4, {variables.back()}));
            blocks.back()->setUInt(1000 + n, variables.back().get(), -1);
        }
        rim::Block::writeAll(blocks);
        for (uint32_t n = 0; n < count; ++n) {
            CHECK(write32(*road.master(), 0x4000 + 16 * n, (2000 + n) << 8) == "");
        }
        rim::Block::readAll(blocks);
        unsigned wrong = 0;
        for (uint32_t n = 0; n < count; ++n) {
            wrong += blocks[n]->getUInt(variables[n].get(), -1) != 2000 + n;
        }
        CHECK(wrong == 0);
    });
}

TEST_CASE("eight threads use the registers of one block without a loss") {
    overEveryRoad([](const Road &road) {
        std::vector<rim::VariablePtr> variables;
        for (uint32_t n = 0; n < 8; ++n) {
            variables.push_back(makeVariable("v" + std::to_string(n), rim::UInt, 24 * n, 24));
        }
        auto block = makeBlock(road, 0x800, 24, variables);
        std::atomic<unsigned> wrong{0};
        const auto use = [&](const rim::VariablePtr &own) {
            try {
                for (uint64_t round = 0; round < (underMemcheck() ? 3u : 30u); ++round) {
                    own->setUInt(0x10101 * round);
                    wrong += own->getUInt() != 0x10101 * round;
                }
            } catch (const rogue::GeneralError &e) {
                ++wrong;
                MESSAGE(e.what());
            }
        };
        std::vector<std::thread> threads;
        for (const rim::VariablePtr &own : variables) {
            threads.emplace_back(use, own);
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        CHECK(wrong == 0);
    });
}
