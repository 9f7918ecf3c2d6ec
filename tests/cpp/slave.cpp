// The answering end: virtual functions, exceptions, asynchronous completion, destruction.

#include "support.h"

#include "rogue/Logging.h"
#include "rogue/Queue.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"

#include <atomic>
#include <stdexcept>
#include <thread>

namespace {

/** Reports values of its own. */
class Reporting : public rim::Slave {
public:
    Reporting() : rim::Slave(1, 2) {}
    uint32_t doSlaveId() override { return 1234; }
    std::string doSlaveName() override { return std::string(500, 'n'); }
    uint32_t doMinAccess() override { return 4; }
    uint32_t doMaxAccess() override { return 0xFFFFFFFF; }
    uint64_t doAddress() override { return 0x123456789ABCull; }
};

/** Throws from every function. */
class Throwing : public rim::Slave {
public:
    Throwing() : rim::Slave(4, 64) {}
    uint32_t doSlaveId() override { throw std::runtime_error("no id"); }
    std::string doSlaveName() override { throw std::runtime_error("no name"); }
    uint32_t doMinAccess() override { throw 5; }
    uint32_t doMaxAccess() override { throw std::runtime_error("no max"); }
    uint64_t doAddress() override { throw std::runtime_error("no address"); }
    void doTransaction(rim::TransactionPtr t) override {
        auto lock = t->lock();
        switch (t->address()) {
        case 0:
            throw rogue::GeneralError("Throwing::doTransaction", "general");
        case 4:
            throw std::out_of_range("standard");
        case 8:
            throw 42;
        default:
            t->done();
            throw std::runtime_error("too late to count");
        }
    }
};

/** An emulated memory with a check in front. */
class CountingEmulate : public rim::Emulate {
public:
    CountingEmulate() : rim::Emulate(4, 0x1000) {}
    uint32_t doMaxAccess() override { return 0x20; }
    void doTransaction(rim::TransactionPtr t) override {
        ++count;
        rim::Emulate::doTransaction(t);
    }
    std::atomic<int> count{0};
};

/** Answers later, from a thread of its own, in the documented way. */
class AsyncSlave : public rim::Slave {
public:
    AsyncSlave() : rim::Slave(4, 0x1000), worker_([this] { run(); }) {}
    ~AsyncSlave() override {
        ids_.stop();
        worker_.join();
    }
    void doTransaction(rim::TransactionPtr t) override {
        addTransaction(t);
        ids_.push(t->id());
    }

private:
    void run() {
        while (const uint32_t id = ids_.pop()) {
            rim::TransactionPtr t = getTransaction(id);
            if (t == nullptr) {
                continue;
            }
            auto lock = t->lock();
            if (t->expired()) {
                continue;
            }
            if (t->type() == rim::Write) {
                std::copy(t->begin(), t->end(), memory_ + t->address());
            } else {
                std::copy(memory_ + t->address(), memory_ + t->address() + t->size(), t->begin());
            }
            t->done();
        }
    }

    uint8_t memory_[0x1000] = {};
    rogue::Queue<uint32_t> ids_;
    std::thread worker_;
};

} // namespace

TEST_CASE("overridden queries are honoured, directly and through a hub") {
    auto slave = std::make_shared<Reporting>();
    auto master = rim::Master::create();
    *master >> slave;
    CHECK(master->reqSlaveId() == 1234);
    CHECK(master->reqSlaveName() == std::string(500, 'n'));
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 0xFFFFFFFF);
    CHECK(master->reqAddress() == 0x123456789ABCull);

    auto behind = rim::Master::create();
    auto hub = rim::Hub::create(0x1000, 0, 0);
    *(*behind >> hub) >> slave;
    CHECK(behind->reqSlaveId() == 1234);
    CHECK(behind->reqAddress() == 0x123456789ABCull + 0x1000);
    CHECK(hub->getAddress() == 0x123456789ABCull + 0x1000);
}

TEST_CASE("the library's own slaves can be derived from") {
    auto slave = std::make_shared<CountingEmulate>();
    auto master = rim::Master::create();
    *master >> slave;
    CHECK(master->getSlave() == slave);
    CHECK(master->reqMaxAccess() == 0x20);
    CHECK(master->reqSlaveId() == slave->id());
    slave->setName("counted");
    CHECK(master->reqSlaveName() == "counted");
    uint32_t value = 0;
    CHECK(write32(*master, 0, 99) == "");
    CHECK(read32(*master, 0, value) == "");
    CHECK(value == 99);
    CHECK(slave->count == 2);

    // Several masters share it.
    auto other = rim::Master::create();
    *slave << other;
    CHECK(read32(*other, 0, value) == "");
    CHECK(value == 99);
    CHECK(slave->count == 3);
}

TEST_CASE("an exception of doTransaction becomes the transaction's error") {
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> std::make_shared<Throwing>();
    uint32_t value = 0;
    CHECK(contains(read32(*master, 0, value), "general"));
    CHECK(read32(*master, 4, value) == "standard");
    CHECK(contains(read32(*master, 8, value), "unknown exception"));
    CHECK(read32(*master, 12, value) == "");
}

TEST_CASE("an exception of a query leaves what the constructor was given") {
    // Each is reported in the log, which would disturb the test's output.
    rogue::Logging::setEmitStdout(false);
    auto slave = std::make_shared<Throwing>();
    auto master = rim::Master::create();
    *master >> slave;
    CHECK(master->reqSlaveId() == slave->id());
    CHECK(master->reqSlaveName() == "");
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 64);
    CHECK(master->reqAddress() == 0);
    rogue::Logging::setEmitStdout(true);
}

TEST_CASE("a slave may complete from another thread, in any order of many") {
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> std::make_shared<AsyncSlave>();
    std::vector<uint32_t> values(512), back(512);
    for (uint32_t i = 0; i < 512; ++i) {
        values[i] = i * 0x01010101u;
        master->reqTransaction(4 * i, 4, &values[i], rim::Write);
    }
    master->waitTransaction(0);
    for (uint32_t i = 0; i < 512; ++i) {
        master->reqTransaction(4 * i, 4, &back[i], rim::Read);
    }
    master->waitTransaction(0);
    CHECK(master->getError() == "");
    CHECK(back == values);
}

TEST_CASE("getTransaction gives a transaction once, and none that was not added") {
    auto slave = KeepingSlave::create();
    auto master = rim::Master::create();
    *master >> slave;
    uint32_t value = 0;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    auto transaction = slave->take();
    CHECK(slave->getTransaction(id) == nullptr);
    slave->addTransaction(transaction);
    auto again = slave->getTransaction(id);
    REQUIRE(again != nullptr);
    CHECK(again->id() == id);
    CHECK(slave->getTransaction(id) == nullptr);
    again->done();
    master->waitTransaction(id);
    CHECK(master->getError() == "");
}

TEST_CASE("d25_transactions_nobody_waits_for_any_more_are_not_kept") {
    auto slave = KeepingSlave::create();
    auto master = rim::Master::create();
    master->setTimeout(1000);
    *master >> slave;
    uint32_t value = 0;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    slave->addTransaction(slave->take());
    master->waitTransaction(id);
    CHECK(contains(master->getError(), "Timeout"));
    CHECK(slave->getTransaction(id) == nullptr);
}

TEST_CASE("a slave lives as long as somebody may call it") {
    std::weak_ptr<MemorySlave> watch;
    auto master = rim::Master::create();
    auto behind = rim::Master::create();
    {
        auto slave = MemorySlave::create();
        watch = slave;
        *master >> slave;
        *(*behind >> rim::Hub::create(0, 0, 0)) >> slave;
    }
    CHECK(write32(*master, 0, 1) == "");
    CHECK(write32(*behind, 0, 1) == "");
    master.reset();
    CHECK(write32(*behind, 0, 1) == "");
    CHECK_FALSE(watch.expired());
    behind.reset();
    CHECK(watch.expired());
}

TEST_CASE("a slave is let go when the master is connected elsewhere") {
    auto master = rim::Master::create();
    std::weak_ptr<MemorySlave> watch;
    {
        auto slave = MemorySlave::create();
        watch = slave;
        *master >> slave;
    }
    CHECK_FALSE(watch.expired());
    *master >> rim::Emulate::create(4, 4);
    CHECK(watch.expired());
}

TEST_CASE("a slave may be destroyed by its own last transaction") {
    auto master = rim::Master::create();
    std::weak_ptr<rim::Slave> watch;
    {
        auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
            // The last owner releases it while this function runs.
            *master >> rim::Emulate::create(4, 4);
            t->done();
        });
        watch = slave;
        *master >> slave;
    }
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "");
    CHECK(watch.expired());
}

TEST_CASE("transactions end whatever is destroyed while they are under way") {
    const int rounds = underMemcheck() ? 20 : 500;
    for (int round = 0; round < rounds; ++round) {
        auto slave = KeepingSlave::create();
        auto hub = rim::Hub::create(0, 0, 0);
        auto master = rim::Master::create();
        master->setTimeout(LONG_TIMEOUT_US);
        *(*master >> hub) >> slave;
        uint32_t value = 0;
        const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
        auto transaction = slave->take();
        REQUIRE(transaction != nullptr);
        // The completing thread races with the destruction of the other three.
        std::thread completer([&transaction] {
            auto lock = transaction->lock();
            if (!transaction->expired()) {
                transaction->begin()[0] = 1;
            }
            transaction->done();
        });
        if (round % 3 == 0) {
            slave.reset();
            master->waitTransaction(id);
            CHECK(master->getError() == "");
        } else if (round % 3 == 1) {
            hub.reset();
            slave.reset();
            master.reset();
        } else {
            master.reset();
            slave.reset();
        }
        completer.join();
    }
}

TEST_CASE("a slave need not outlive its transactions") {
    rim::TransactionPtr transaction;
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    uint32_t value = 0;
    uint32_t id = 0;
    {
        auto slave = KeepingSlave::create();
        *master >> slave;
        id = master->reqTransaction(0, 4, &value, rim::Read);
        transaction = slave->take();
        *master >> rim::Emulate::create(4, 4);
    }
    transaction->error("answered after the end");
    master->waitTransaction(id);
    CHECK(master->getError() == "answered after the end");
}

TEST_CASE("a slave that goes fails what it still keeps") {
    auto slave = FunctionSlave::create([](rim::TransactionPtr) {});
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    uint32_t value = 0;
    auto keeper = KeepingSlave::create();
    *master >> keeper;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    slave->addTransaction(keeper->take());
    slave.reset();
    master->waitTransaction(id);
    CHECK_FALSE(master->getError().empty());
    CHECK_FALSE(contains(master->getError(), "Timeout"));
}

TEST_CASE("connecting a slave that nobody owns fails") {
    Throwing onTheStack;
    auto master = rim::Master::create();
    CHECK_THROWS_AS(onTheStack << master, std::bad_weak_ptr);
}
