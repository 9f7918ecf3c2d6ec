// The requesting end: connections, waiting, errors, timeouts, bit helpers.

#include "support.h"

#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"

#include <atomic>
#include <random>
#include <thread>

TEST_CASE("an unconnected master says so in every way") {
    auto master = rim::Master::create();
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 0);
    CHECK(master->reqAddress() == 0);
    CHECK(contains(master->reqSlaveName(), "Unnamed_"));
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "Unsupported transaction using unconnected memory bus");

    auto placeholder = master->getSlave();
    REQUIRE(placeholder != nullptr);
    CHECK(placeholder == master->getSlave());
    CHECK(placeholder->min() == 4);
    CHECK(placeholder->max() == 0);
    CHECK(placeholder->doSlaveId() == master->reqSlaveId());
    auto other = rim::Master::create();
    *other >> placeholder;
    CHECK(read32(*other, 0, value) == "Unsupported transaction using unconnected memory bus");
}

TEST_CASE("a base slave refuses transactions and reports itself") {
    auto master = rim::Master::create();
    auto slave = rim::Slave::create(8, 1024);
    *master >> slave;
    CHECK(master->reqMinAccess() == 8);
    CHECK(master->reqMaxAccess() == 1024);
    CHECK(master->reqSlaveId() == slave->id());
    CHECK(slave->id() != 0);
    CHECK(master->reqSlaveName() == "Unnamed_" + std::to_string(slave->id()));
    slave->setName("front end");
    CHECK(slave->name() == "front end");
    CHECK(master->reqSlaveName() == "front end");
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "Unsupported transaction using unconnected memory bus");
}

TEST_CASE("a null slave is refused and changes nothing") {
    auto master = rim::Master::create();
    auto memory = rim::Emulate::create(4, 0x1000);
    *master >> memory;
    CHECK_THROWS_AS(master->setSlave(nullptr), rogue::GeneralError);
    CHECK(master->getSlave() == memory);
    CHECK(write32(*master, 0, 1) == "");
}

TEST_CASE("every type reaches the slave as it is, and unused memory reads as zero") {
    auto master = rim::Master::create();
    auto slave = MemorySlave::create();
    *master >> slave;
    uint32_t value = 1;
    CHECK(read32(*master, 0x10, value) == "");
    CHECK(value == 0);
    CHECK(write32(*master, 0x10, 0x11223344) == "");
    CHECK(write32(*master, 0x14, 0x55667788, rim::Post) == "");
    CHECK(read32(*master, 0x10, value, rim::Verify) == "");
    CHECK(value == 0x11223344);
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Read, 0x10, 4, {}},
                                                 {rim::Write, 0x10, 4, octets(0x11223344)},
                                                 {rim::Post, 0x14, 4, octets(0x55667788)},
                                                 {rim::Verify, 0x10, 4, {}}});
}

TEST_CASE("a dropped transaction times out and the bus works afterwards") {
    int countdown = 0;
    auto memory = rim::Emulate::create(4, 0x1000);
    auto master = rim::Master::create();
    master->setTimeout(SHORT_TIMEOUT_US);
    *master >> FunctionSlave::create([&](rim::TransactionPtr t) {
        if (countdown-- <= 0) {
            memory->doTransaction(t);
        }
    });
    uint32_t value = 0;
    countdown = 1;
    CHECK(contains(read32(*master, 0, value), "Timeout waiting for register transaction"));
    CHECK(contains(master->getError(), "Timeout"));
    master->clearError();
    CHECK(master->getError() == "");
    // Two of every three are dropped; three tries always suffice.
    for (uint32_t round = 0; round < 10; ++round) {
        countdown = 2;
        std::string error = "not tried";
        for (int tries = 0; tries < 3 && !error.empty(); ++tries) {
            error = write32(*master, 4 * round, round);
        }
        CHECK(error == "");
        countdown = 0;
        CHECK(read32(*master, 4 * round, value) == "");
        CHECK(value == round);
    }
}

TEST_CASE("f01_a_burst_is_requested_in_order_and_each_is_waited_for") {
    auto master = rim::Master::create();
    auto hub = rim::Hub::create(0x100, 0, 0);
    auto slave = MemorySlave::create();
    *(*master >> hub) >> slave;
    const std::vector<uint64_t> addresses = {0x20, 0x10, 0x30};
    std::vector<uint8_t> data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (uint32_t id : master->reqTransactions(addresses, 4, data.data(), rim::Write)) {
        std::string error;
        CHECK(master->waitTransaction(id, error));
    }
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Write, 0x120, 4, {1, 2, 3, 4}},
                                                 {rim::Write, 0x110, 4, {5, 6, 7, 8}},
                                                 {rim::Write, 0x130, 4, {9, 10, 11, 12}}});
    std::vector<uint8_t> back(6);
    const auto ids = master->reqTransactions(addresses, {1, 2, 3}, back.data(), rim::Read);
    CHECK(ids.size() == 3);
    master->waitTransaction(0);
    CHECK(master->getError() == "");
    CHECK(back == std::vector<uint8_t>{1, 5, 6, 9, 10, 11});

    CHECK(master->reqTransactions({}, 4, nullptr, rim::Read).empty());
    CHECK_THROWS_AS(master->reqTransactions(addresses, {4, 4}, data.data(), rim::Read),
                    rogue::GeneralError);
    CHECK_THROWS_AS(master->reqTransactions(addresses, 4, nullptr, rim::Read), rogue::GeneralError);
}

TEST_CASE("waiting for everything collects everything") {
    auto master = rim::Master::create();
    auto slave = KeepingSlave::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> slave;
    uint32_t values[3] = {0, 0, 0};
    for (uint32_t &value : values) {
        master->reqTransaction(0, 4, &value, rim::Read);
    }
    slave->take()->done();
    slave->take()->error("the second failed");
    slave->take()->done();
    std::string error;
    CHECK_FALSE(master->waitTransaction(0, error));
    CHECK(error == "the second failed");
    CHECK(master->getError() == "the second failed");
    CHECK(master->waitTransaction(0, error));
    CHECK(master->getError() == "the second failed");
    master->waitTransaction(12345678);
}

TEST_CASE("d03_a_slave_that_throws_leaves_nothing_pending") {
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> FunctionSlave::create([](rim::TransactionPtr t) {
        if (t->address() == 0) {
            throw rogue::GeneralError("MySlave", "no such register");
        }
        t->done();
    });
    uint32_t value = 0;
    const auto begin = std::chrono::steady_clock::now();
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    CHECK(id != 0);
    master->waitTransaction(0);
    CHECK(contains(master->getError(), "no such register"));
    CHECK(read32(*master, 4, value) == "");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
}

TEST_CASE("d03_a_null_buffer_is_refused_at_once") {
    auto master = rim::Master::create();
    *master >> rim::Emulate::create(4, 0x1000);
    CHECK_THROWS_AS(master->reqTransaction(0, 4, nullptr, rim::Read), rogue::GeneralError);
    master->waitTransaction(0);
    CHECK(master->getError() == "");
}

TEST_CASE("f03_an_access_beyond_the_address_space_is_an_error_of_the_transaction") {
    auto master = rim::Master::create();
    auto slave = MemorySlave::create();
    auto hub = rim::Hub::create(0x10, 0, 0);
    *(*master >> hub) >> slave;
    uint32_t words[4] = {0, 0, 0, 0};
    const uint64_t last = UINT64_MAX;
    for (uint64_t address : {last - 7, last - 0x17, last - 0x1F}) {
        for (uint32_t type : {rim::Read, rim::Write, rim::Post, rim::Verify}) {
            std::string error;
            const bool fits = address == last - 0x1F;
            const uint32_t id = master->reqTransaction(address, 16, words, type);
            CHECK(master->waitTransaction(id, error) == fits);
            const bool said = error.find("beyond the end of the address space") < error.size();
            CHECK(said == !fits);
        }
    }
    CHECK(slave->takeSeen().size() == 4);
}

TEST_CASE("f04_an_unknown_type_is_an_error_of_the_transaction") {
    auto master = rim::Master::create();
    auto slave = MemorySlave::create();
    *master >> slave;
    uint32_t word = 0;
    for (uint32_t type : {0u, 7u, 0xFFFFFFFEu}) {
        std::string error;
        CHECK_FALSE(master->waitTransaction(master->reqTransaction(0x10, 4, &word, type), error));
        CHECK(error.compare(0, 24, "Unknown transaction type") == 0);
        CHECK(error.find("ROGUE_MEM") == std::string::npos);
        CHECK(master->getError() == error);
    }
    CHECK(slave->takeSeen().empty());
}

TEST_CASE("d06_destroying_a_master_expires_its_transactions") {
    auto slave = KeepingSlave::create();
    rim::TransactionPtr orphan;
    {
        std::vector<uint8_t> data(64);
        auto master = rim::Master::create();
        *master >> slave;
        master->reqTransaction(0, 64, data.data(), rim::Read);
        orphan = slave->take();
        REQUIRE(orphan != nullptr);
        CHECK_FALSE(orphan->expired());
        master.reset();
        CHECK(orphan->expired());
    }
    auto lock = orphan->lock();
    CHECK(orphan->expired());
    CHECK_THROWS_AS(orphan->begin(), rogue::GeneralError);
    orphan->done();
}

TEST_CASE("d22_two_threads_can_wait_for_one_transaction") {
    auto master = rim::Master::create();
    auto slave = KeepingSlave::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> slave;
    uint32_t value = 0;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    auto transaction = slave->take();
    std::atomic<bool> completed{false};
    std::atomic<int> early{0};
    Event started[2];
    std::vector<std::thread> waiters;
    for (Event &event : started) {
        waiters.emplace_back([&] {
            event.set();
            master->waitTransaction(id);
            early += completed ? 0 : 1;
        });
    }
    REQUIRE(started[0].wait());
    REQUIRE(started[1].wait());
    completed = true;
    transaction->done();
    for (std::thread &waiter : waiters) {
        waiter.join();
    }
    CHECK(early == 0);
}

TEST_CASE("d23_each_transaction_has_a_result_of_its_own") {
    auto master = rim::Master::create();
    *master >> FunctionSlave::create([](rim::TransactionPtr t) {
        if (t->address() % 8 == 4) {
            t->error("bad address %u", static_cast<unsigned>(t->address()));
        } else {
            t->done();
        }
    });
    const uint32_t rounds = underMemcheck() ? 100 : 5000;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (uint32_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            const uint64_t address = 4 * thread;
            const std::string expected =
                address % 8 == 4 ? "bad address " + std::to_string(address) : "";
            for (uint32_t i = 0; i < rounds; ++i) {
                uint32_t value = 0;
                wrong += read32(*master, address, value) == expected ? 0 : 1;
                master->clearError();
                master->getError();
                master->getSlave();
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
}

TEST_CASE("a connection can be changed while transactions run") {
    auto master = rim::Master::create();
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    *master >> rim::Emulate::create(4, 0x1000);
    std::thread requester([&] {
        while (!stop) {
            uint32_t value = 0;
            wrong += read32(*master, 0, value).empty() ? 0 : 1;
        }
    });
    const int rounds = underMemcheck() ? 50 : 2000;
    for (int i = 0; i < rounds; ++i) {
        *master >> MemorySlave::create();
        *master >> rim::Emulate::create(4, 0x1000);
    }
    stop = true;
    requester.join();
    CHECK(wrong == 0);
}

TEST_CASE("copyBits is exact at any alignment") {
    std::mt19937 random(1);
    const auto bit = [](const std::vector<uint8_t> &bytes, uint32_t n) {
        return (bytes[n / 8] >> (n % 8)) & 1;
    };
    for (int round = 0; round < 500; ++round) {
        std::vector<uint8_t> src(24), dst(24);
        for (uint8_t &b : src) {
            b = static_cast<uint8_t>(random());
        }
        for (uint8_t &b : dst) {
            b = static_cast<uint8_t>(random());
        }
        const uint32_t size = random() % 96, from = random() % 96, to = random() % 96;
        const std::vector<uint8_t> before = dst;
        rim::Master::copyBits(dst.data(), to, src.data(), from, size);
        int wrong = 0;
        for (uint32_t n = 0; n < 192; ++n) {
            const bool inside = n >= to && n < to + size;
            wrong += bit(dst, n) != (inside ? bit(src, n - to + from) : bit(before, n)) ? 1 : 0;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("bit helpers touch nothing when asked for nothing") {
    uint8_t dst[2] = {0xA5, 0x5A};
    uint8_t src[2] = {0xFF, 0xFF};
    rim::Master::copyBits(dst, 3, src, 1, 0);
    rim::Master::setBits(dst, 3, 0);
    CHECK(dst[0] == 0xA5);
    CHECK(dst[1] == 0x5A);
    CHECK_FALSE(rim::Master::anyBits(src, 3, 0));
}

TEST_CASE("setBits and anyBits agree across octet borders") {
    for (uint32_t lsb = 0; lsb < 20; ++lsb) {
        for (uint32_t size = 1; size < 20; ++size) {
            uint8_t bytes[8] = {};
            rim::Master::setBits(bytes, lsb, size);
            CHECK(rim::Master::anyBits(bytes, lsb, size));
            CHECK(rim::Master::anyBits(bytes, lsb, 1));
            CHECK(rim::Master::anyBits(bytes, lsb + size - 1, 1));
            CHECK_FALSE(rim::Master::anyBits(bytes, 0, lsb));
            CHECK_FALSE(rim::Master::anyBits(bytes, lsb + size, 64 - lsb - size));
        }
    }
}

TEST_CASE("f05 an observed transaction is told of its end, and at its deadline, without a wait") {
    auto master = rim::Master::create();
    auto slave = KeepingSlave::create();
    *master >> slave;
    uint32_t value = 0;
    std::mutex mutex;
    std::vector<std::string> told;
    Event over;
    auto observer = [&](bool ok, const std::string &error) {
        std::lock_guard<std::mutex> guard(mutex);
        told.push_back(ok ? "ok" : error);
        if (!ok)
            over.set();
    };
    master->setTimeout(LONG_TIMEOUT_US);
    uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    master->observeTransaction(id, observer);
    {
        auto t = slave->take();
        auto lock = t->lock();
        t->begin()[0] = 7;
        t->done();
        // As a wait would, it comes once the slave has let go of the data.
        CHECK(told.empty());
    }
    CHECK(told == std::vector<std::string>{"ok"});
    CHECK(reinterpret_cast<uint8_t *>(&value)[0] == 7);
    CHECK_THROWS_AS(master->observeTransaction(id, observer), rogue::GeneralError);

    master->setTimeout(SHORT_TIMEOUT_US);
    master->observeTransaction(master->reqTransaction(0, 4, &value, rim::Read), observer);
    REQUIRE(over.wait());
    std::lock_guard<std::mutex> guard(mutex);
    CHECK(told.size() == 2);
    CHECK(contains(told.back(), "Timeout waiting for register transaction"));
}

TEST_CASE("f05 an exception of an observer goes no further") {
    auto master = rim::Master::create();
    *master >> rim::Emulate::create(4, 0x1000);
    uint32_t value = 0;
    master->observeTransaction(master->reqTransaction(0, 4, &value, rim::Read),
                               [](bool, const std::string &) { throw 1; });
    CHECK(write32(*master, 0, 1) == "");
    CHECK(master->forgottenCount() == 0);
}

TEST_CASE("f05 a cancelled transaction ends at once for waits and observers") {
    auto master = rim::Master::create();
    auto slave = KeepingSlave::create();
    *master >> slave;
    master->setTimeout(LONG_TIMEOUT_US);
    uint32_t value = 5;
    std::string told;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Write);
    master->observeTransaction(
        id, [&](bool ok, const std::string &error) { told = ok ? "ok" : error; });
    auto t = slave->take();
    std::thread waiter([&] {
        // Cancelled before or during the wait.
        std::string error;
        if (!master->waitTransaction(id, error))
            CHECK(contains(error, "cancelled"));
    });
    CHECK(master->cancelTransaction(id));
    waiter.join();
    CHECK(contains(told, "cancelled"));
    CHECK(t->expired());
    CHECK(master->cancelTransaction(id));
}
