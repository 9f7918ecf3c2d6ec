// Hubs: addresses, splitting, virtual roots, and hubs that translate.

#include "support.h"

#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"

#include <thread>

namespace {

/** Passes everything on, to an address that it chooses. */
class PagedHub : public rim::Hub {
public:
    PagedHub() : rim::Hub(0, 4, 0x100) {}

    // A register window of 0x100 octets at 0x1000 behind a page register at 0.
    void doTransaction(rim::TransactionPtr t) override {
        auto lock = t->lock();
        clearError();
        uint32_t page = static_cast<uint32_t>(t->address() / 0x100);
        waitTransaction(reqTransaction(0, 4, &page, rim::Write));
        if (getError().empty()) {
            std::vector<uint8_t> data(t->begin(), t->end());
            const uint32_t id =
                reqTransaction(0x1000 + t->address() % 0x100, t->size(), data.data(), t->type());
            waitTransaction(id);
            std::copy(data.begin(), data.end(), t->begin());
        }
        const std::string error = getError();
        if (error.empty()) {
            t->done();
        } else {
            t->error(error);
        }
    }
};

/** Moves everything by one page, and refuses one address. */
class ShiftingHub : public rim::Hub {
public:
    explicit ShiftingHub(uint64_t offset) : rim::Hub(offset, 0, 0) {}

    void doTransaction(rim::TransactionPtr t) override {
        if (t->address() == 0xBAD0) {
            throw rogue::GeneralError::create("ShiftingHub", "address 0x%x is not mapped", 0xBAD0);
        }
        rim::Hub::doTransaction(t);
    }
};

/** Connects hubs in a circle for its life time: they keep each other alive. */
template <typename H>
class Circle {
public:
    explicit Circle(std::vector<std::shared_ptr<H>> hubs) : hubs_(std::move(hubs)) {
        for (size_t i = 0; i < hubs_.size(); ++i) {
            *hubs_[i] >> hubs_[(i + 1) % hubs_.size()];
        }
    }
    Circle(const Circle &) = delete;
    Circle &operator=(const Circle &) = delete;
    ~Circle() {
        for (const std::shared_ptr<H> &hub : hubs_) {
            *hub >> rim::Slave::create(4, 4);
        }
    }

private:
    std::vector<std::shared_ptr<H>> hubs_;
};

/** Checks that a master leads into a circle of hubs. */
void checkEndless(rim::Master &master) {
    uint32_t value = 0;
    const auto isEndless = [](const std::string &text) {
        return contains(text, "the hubs are connected in a circle") &&
               contains(text, "at hub Unnamed_");
    };
    CHECK(isEndless(read32(master, 4, value)));
    CHECK(isEndless(write32(master, 4, 1)));
    std::vector<uint8_t> data(1000);
    CHECK(isEndless(request(master, 0, data, rim::Read)));
}

/** Checks that a master that leads into a circle gets the answers of an unconnected one. */
void checkQueries(rim::Master &master) {
    CHECK(master.reqAddress() == 0);
    CHECK(master.reqMinAccess() == 4);
    CHECK(master.reqSlaveId() == 0);
    CHECK(master.reqSlaveName() == "Unnamed_0");
}

} // namespace

TEST_CASE("a leaf sees the sum of the offsets") {
    auto master = rim::Master::create();
    auto outer = rim::Hub::create(0x1000, 0, 0);
    auto inner = rim::Hub::create(0x20, 0, 0);
    auto slave = MemorySlave::create();
    *(*(*master >> outer) >> inner) >> slave;
    CHECK(write32(*master, 4, 7) == "");
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Write, 0x1024, 4, octets(7)}});
    CHECK(master->reqAddress() == 0x1020);
    CHECK(inner->getOffset() == 0x20);
    CHECK(inner->getAddress() == 0x20);
    CHECK(outer->getAddress() == 0x1020);
    CHECK(master->reqSlaveId() == slave->id());
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 0xFFFFFFFF);
}

TEST_CASE("a hub splits what is too large and the parts reach the right addresses") {
    auto master = rim::Master::create();
    auto slave = MemorySlave::create(4, 16);
    *(*master >> rim::Hub::create(0x100, 0, 0)) >> slave;
    std::vector<uint8_t> data(40);
    for (size_t i = 0; i < data.size(); ++i) {
        data[i] = static_cast<uint8_t>(i);
    }
    CHECK(request(*master, 0, data, rim::Write) == "");
    const auto seen = slave->takeSeen();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].address == 0x100);
    CHECK(seen[1].address == 0x110);
    CHECK(seen[2].address == 0x120);
    CHECK(seen[2].size == 8);
    CHECK(seen[2].data[0] == 32);
    std::vector<uint8_t> back(40);
    CHECK(request(*master, 0, back, rim::Read) == "");
    CHECK(back == data);
}

TEST_CASE("d01_an_error_in_one_part_of_a_split_is_reported") {
    auto master = rim::Master::create();
    for (uint64_t bad = 0; bad < 3; ++bad) {
        auto slave = FunctionSlave::create([bad](rim::TransactionPtr t) {
            if (t->address() == bad * 0x1000) {
                t->error("chunk %u", static_cast<unsigned>(bad));
            } else {
                t->done();
            }
        });
        *(*master >> rim::Hub::create(0, 0, 0)) >> slave;
        std::vector<uint8_t> data(0x3000);
        CHECK(contains(request(*master, 0, data, rim::Read), "chunk " + std::to_string(bad)));
    }
}

TEST_CASE("d02_parts_may_complete_at_once_or_from_many_threads") {
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    const int rounds = underMemcheck() ? 5 : 100;
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::thread> workers;
        auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
            const auto complete = [t] {
                auto lock = t->lock();
                std::fill(t->begin(), t->end(), uint8_t{0x5A});
                t->done();
            };
            if (t->address() % 0x2000 == 0) {
                complete();
            } else {
                workers.emplace_back(complete);
            }
        });
        *(*master >> rim::Hub::create(0, 0, 0)) >> slave;
        std::vector<uint8_t> data(0x10000);
        CHECK(request(*master, 0, data, rim::Read) == "");
        CHECK(data == std::vector<uint8_t>(0x10000, 0x5A));
        for (std::thread &worker : workers) {
            worker.join();
        }
    }
}

TEST_CASE("d04_an_unconnected_hub_says_so_and_a_limit_of_zero_is_none") {
    auto master = rim::Master::create();
    *master >> rim::Hub::create(0, 0, 0);
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "Unsupported transaction using unconnected memory bus");
    auto slave = MemorySlave::create(0, 0);
    *(*master >> rim::Hub::create(0, 0, 0)) >> slave;
    std::vector<uint8_t> data(10000, 3);
    CHECK(request(*master, 0, data, rim::Write) == "");
    CHECK(slave->takeSeen().size() == 1);
}

TEST_CASE("a virtual root hides what is behind it") {
    auto master = rim::Master::create();
    auto root = rim::Hub::create(0x1000, 8, 64);
    auto slave = MemorySlave::create();
    *(*master >> root) >> slave;
    root->setName("root");
    CHECK(master->reqAddress() == 0);
    CHECK(master->reqSlaveId() == root->id());
    CHECK(master->reqSlaveName() == "root");
    CHECK(master->reqMinAccess() == 8);
    CHECK(master->reqMaxAccess() == 64);
    CHECK(root->getAddress() == 0x1000);
    CHECK(write32(*master, 4, 7) == "");
    CHECK(slave->takeSeen()[0].address == 0x1004);
}

TEST_CASE("a derived hub sees relative addresses and can pass on") {
    auto master = rim::Master::create();
    auto hub = std::make_shared<ShiftingHub>(0x1000);
    auto slave = MemorySlave::create();
    *(*master >> hub) >> slave;
    CHECK(write32(*master, 8, 1) == "");
    CHECK(slave->takeSeen()[0].address == 0x1008);
    uint32_t value = 0;
    CHECK(contains(read32(*master, 0xBAD0, value), "address 0xbad0 is not mapped"));
    CHECK(slave->takeSeen().empty());
    CHECK(master->reqAddress() == 0x1000);
    CHECK(master->reqSlaveId() == slave->id());
}

TEST_CASE("a translating hub makes requests of its own while it holds the lock") {
    auto master = rim::Master::create();
    auto hub = std::make_shared<PagedHub>();
    auto slave = MemorySlave::create();
    *(*master >> hub) >> slave;
    CHECK(master->reqSlaveId() == hub->id());
    CHECK(write32(*master, 0x304, 0x1234) == "");
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Write, 0, 4, octets(3)},
                                                 {rim::Write, 0x1004, 4, octets(0x1234)}});
    uint32_t value = 0;
    CHECK(read32(*master, 0x304, value) == "");
    CHECK(value == 0x1234);

    *hub >> rim::Slave::create(4, 4);
    CHECK(read32(*master, 0x304, value) == "Unsupported transaction using unconnected memory bus");
}

TEST_CASE("d06_a_hub_gives_up_its_own_requests_when_it_is_destroyed") {
    auto slave = KeepingSlave::create();
    uint32_t value = 0;
    rim::TransactionPtr orphan;
    {
        auto hub = std::make_shared<ShiftingHub>(0);
        *hub >> slave;
        hub->reqTransaction(0, 4, &value, rim::Read);
        orphan = slave->take();
        CHECK_FALSE(orphan->expired());
    }
    CHECK(orphan->expired());
}

TEST_CASE("hubs in a circle fail requests and answer as if unconnected") {
    for (size_t count = 1; count <= 3; count += 2) {
        std::vector<rim::HubPtr> hubs;
        for (size_t i = 0; i < count; ++i) {
            hubs.push_back(rim::Hub::create(0x100, 0, 0));
        }
        Circle<rim::Hub> circle(hubs);
        auto master = rim::Master::create();
        *master >> hubs[0];
        checkEndless(*master);
        checkQueries(*master);
        CHECK(hubs[0]->getAddress() == 0);
        CHECK(master->reqMaxAccess() == 0xFFFFFFFF);
    }
}

TEST_CASE("derived hubs in a circle do so too") {
    for (size_t count = 1; count <= 3; count += 2) {
        std::vector<std::shared_ptr<ShiftingHub>> hubs;
        for (size_t i = 0; i < count; ++i) {
            hubs.push_back(std::make_shared<ShiftingHub>(0x100));
        }
        Circle<ShiftingHub> circle(hubs);
        auto master = rim::Master::create();
        *master >> hubs[0];
        checkEndless(*master);
        checkQueries(*master);
        CHECK(hubs[0]->getAddress() == 0);
    }
}

TEST_CASE("translating hubs in a circle fail requests") {
    for (size_t count = 1; count <= 3; count += 2) {
        std::vector<std::shared_ptr<PagedHub>> hubs;
        for (size_t i = 0; i < count; ++i) {
            hubs.push_back(std::make_shared<PagedHub>());
        }
        Circle<PagedHub> circle(hubs);
        auto master = rim::Master::create();
        *master >> hubs[0];
        checkEndless(*master);
        CHECK(master->reqSlaveId() == hubs[0]->id());
    }
}
