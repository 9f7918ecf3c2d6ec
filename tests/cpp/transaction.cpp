// Transactions as a slave sees them: data, lock, completion, parts.

#include "support.h"

#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Transaction.h"
#include "rogue/interfaces/memory/TransactionLock.h"

#include <atomic>
#include <set>
#include <thread>

namespace {

/** One read that a slave keeps, for a test from both ends. */
struct Pending {
    explicit Pending(uint32_t size = 16, uint64_t timeout_us = LONG_TIMEOUT_US)
        : data(size, 0x55), slave(KeepingSlave::create()), master(rim::Master::create()) {
        master->setTimeout(timeout_us);
        *master >> slave;
        id = master->reqTransaction(0x40, size, data.data(), rim::Read);
        transaction = slave->take();
    }

    /** The error text after waiting for it. */
    std::string result() {
        std::string error;
        master->waitTransaction(id, error);
        return error;
    }

    std::vector<uint8_t> data;
    std::shared_ptr<KeepingSlave> slave;
    rim::MasterPtr master;
    uint32_t id;
    rim::TransactionPtr transaction;
};

} // namespace

TEST_CASE("a transaction tells what was asked") {
    Pending p(12);
    CHECK(p.transaction->id() == p.id);
    CHECK(p.id != 0);
    CHECK(p.transaction->address() == 0x40);
    CHECK(p.transaction->size() == 12);
    CHECK(p.transaction->type() == rim::Read);
    CHECK_FALSE(p.transaction->expired());
    CHECK(p.transaction->shared_from_this() == p.transaction);
    {
        auto lock = p.transaction->lock();
        CHECK(p.transaction->end() - p.transaction->begin() == 12);
        CHECK(p.transaction->begin() == p.data.data());
        std::fill(p.transaction->begin(), p.transaction->end(), uint8_t{0xAB});
        p.transaction->done();
    }
    CHECK(p.result() == "");
    CHECK(p.data == std::vector<uint8_t>(12, 0xAB));
}

TEST_CASE("the data of a collected transaction is out of reach") {
    Pending p(4, SHORT_TIMEOUT_US);
    CHECK(contains(p.result(), "Timeout waiting for register transaction"));
    auto lock = p.transaction->lock();
    CHECK(p.transaction->expired());
    CHECK_THROWS_WITH_AS(p.transaction->begin(), "Transaction::begin: General Error: Invalid data",
                         rogue::GeneralError);
    CHECK_THROWS_WITH_AS(p.transaction->end(), "Transaction::end: General Error: Invalid data",
                         rogue::GeneralError);
}

TEST_CASE("the lock can be given back and taken again, and is given back at the end") {
    Pending p;
    {
        rim::TransactionLockPtr lock = rim::TransactionLock::create(p.transaction);
        lock->unlock();
        lock->unlock();
        p.transaction->lock();
        lock->lock();
        lock->lock();
        lock->enter();
        lock->exit(nullptr, nullptr, nullptr);
    }
    p.transaction->lock();
    p.transaction->done();
    CHECK(p.result() == "");
}

TEST_CASE("a waiter does not get its buffer back while a slave holds the lock") {
    Pending p(4, SHORT_TIMEOUT_US);
    auto lock = p.transaction->lock();
    Event waiting;
    std::string error;
    std::thread waiter([&] {
        waiting.set();
        error = p.result();
    });
    REQUIRE(waiting.wait());
    // However late the waiter comes, as long as the lock is held the data can be written.
    for (int i = 0; i < 100000 && !p.transaction->expired(); ++i) {
        p.transaction->begin()[0] = static_cast<uint8_t>(i);
    }
    p.transaction->begin()[0] = 0x77;
    p.transaction->done();
    lock->unlock();
    waiter.join();
    CHECK(error == "");
    CHECK(p.data[0] == 0x77);
}

TEST_CASE("error texts come in printf form, as strings, and as they are") {
    const auto textOf = [](FunctionSlave::Function fail) {
        auto master = rim::Master::create();
        *master >> FunctionSlave::create(fail);
        uint32_t value = 0;
        return read32(*master, 0, value);
    };
    CHECK(textOf([](rim::TransactionPtr t) { t->error("text %d of %s", 5, "x"); }) ==
          "text 5 of x");
    CHECK(textOf([](rim::TransactionPtr t) { t->errorStr("100% %n"); }) == "100% %n");
    CHECK(textOf([](rim::TransactionPtr t) { t->error(std::string("%s%s")); }) == "%s%s");
    CHECK(textOf([](rim::TransactionPtr t) { t->error("a 100%% literal"); }) == "a 100% literal");
    const std::string longText(20000, 'x');
    CHECK(textOf([&](rim::TransactionPtr t) { t->error("%s!", longText.c_str()); }) ==
          longText + "!");
}

TEST_CASE("d13_text_of_others_is_never_a_format") {
    auto master = rim::Master::create();
    *master >> FunctionSlave::create([](rim::TransactionPtr t) {
        const char *foreign = "50% done: %s%s%s%n %08x";
        t->error(foreign);
    });
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "50% done: %s%s%s%n %08x");
}

TEST_CASE("d26_the_first_completion_counts_and_an_empty_text_is_an_error") {
    SUBCASE("error, then done") {
        Pending p;
        p.transaction->error("first");
        p.transaction->done();
        p.transaction->error("second");
        CHECK(p.result() == "first");
    }
    SUBCASE("done, then error") {
        Pending p;
        p.transaction->done();
        p.transaction->errorStr("late");
        CHECK(p.result() == "");
    }
    SUBCASE("empty text") {
        Pending p;
        p.transaction->errorStr("");
        CHECK(p.result() != "");
    }
}

TEST_CASE("d48_a_slave_can_split_a_transaction_into_parts_of_its_own") {
    auto memory = rim::Emulate::create(4, 0x1000);
    auto master = rim::Master::create();
    // The two halves lie at places of their own in the memory behind.
    auto split = FunctionSlave::create([&](rim::TransactionPtr t) {
        const uint32_t half = t->size() / 2;
        auto low = t->createSubTransaction(0, half, t->address(), t->type());
        auto high = t->createSubTransaction(half, half, t->address() + 0x8000, t->type());
        CHECK(low->id() != high->id());
        CHECK(high->address() == t->address() + 0x8000);
        CHECK(high->size() == half);
        t->doneSubTransactions();
        memory->doTransaction(low);
        memory->doTransaction(high);
    });
    *master >> split;
    std::vector<uint8_t> written = {1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(request(*master, 0x100, written, rim::Write) == "");
    std::vector<uint8_t> read(8);
    CHECK(request(*master, 0x100, read, rim::Read) == "");
    CHECK(read == written);

    auto direct = rim::Master::create();
    *direct >> memory;
    uint32_t value = 0;
    CHECK(read32(*direct, 0x8100, value) == "");
    CHECK(value == 0x08070605);
}

TEST_CASE("d48_a_part_must_lie_within_the_transaction") {
    Pending p(16);
    CHECK_THROWS_AS(p.transaction->createSubTransaction(12, 8, 0, rim::Read), rogue::GeneralError);
    CHECK_THROWS_AS(p.transaction->createSubTransaction(0xFFFFFFFF, 2, 0, rim::Read),
                    rogue::GeneralError);
    p.transaction->done();
    CHECK(p.result() == "");
}

TEST_CASE("d01_the_error_of_any_part_reaches_the_requester") {
    for (int failing = 0; failing < 3; ++failing) {
        Pending p(12);
        std::vector<rim::TransactionPtr> parts;
        for (uint32_t i = 0; i < 3; ++i) {
            parts.push_back(p.transaction->createSubTransaction(i * 4, 4, i, rim::Read));
        }
        p.transaction->doneSubTransactions();
        for (int i = 0; i < 3; ++i) {
            if (i == failing) {
                parts[static_cast<size_t>(i)]->error("part %d is broken", i);
            } else {
                parts[static_cast<size_t>(i)]->done();
            }
        }
        const std::string error = p.result();
        CHECK(contains(error, "part " + std::to_string(failing) + " is broken"));
        CHECK(contains(error, "Transaction error. Subtransaction"));
    }
}

TEST_CASE("d24_parts_may_all_have_ended_before_no_more_are_announced") {
    Pending p(8);
    p.transaction->createSubTransaction(0, 4, 0, rim::Read)->done();
    p.transaction->createSubTransaction(4, 4, 4, rim::Read)->done();
    CHECK_FALSE(p.transaction->expired());
    p.transaction->doneSubTransactions();
    CHECK(p.result() == "");
}

TEST_CASE("d05_a_part_expires_with_the_whole") {
    Pending p(8, SHORT_TIMEOUT_US);
    auto part = p.transaction->createSubTransaction(4, 4, 0, rim::Read);
    {
        auto lock = part->lock();
        CHECK_FALSE(part->expired());
        CHECK(part->begin() == p.data.data() + 4);
    }
    CHECK(contains(p.result(), "Timeout"));
    auto lock = part->lock();
    CHECK(part->expired());
    CHECK_THROWS_AS(part->begin(), rogue::GeneralError);
}

TEST_CASE("a refreshed transaction gets its whole timeout again") {
    // Refreshed all the time, it lasts longer than its timeout.
    Pending p(4, 2000 * 1000);
    std::atomic<bool> ended{false};
    std::string error;
    std::thread waiter([&] {
        error = p.result();
        ended = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(2500)) {
        p.transaction->refreshTimer(nullptr);
        p.transaction->refreshTimer(p.transaction);
        std::this_thread::yield();
    }
    CHECK_FALSE(ended);
    p.transaction->done();
    waiter.join();
    CHECK(error == "");
}

TEST_CASE("ids of transactions under way are different and never 0") {
    auto slave = KeepingSlave::create();
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> slave;
    std::set<uint32_t> ids;
    uint32_t value = 0;
    for (int i = 0; i < 100; ++i) {
        ids.insert(master->reqTransaction(0, 4, &value, rim::Read));
    }
    CHECK(ids.size() == 100);
    CHECK(ids.count(0) == 0);
    for (int i = 0; i < 100; ++i) {
        slave->take()->done();
    }
    master->waitTransaction(0);
    CHECK(master->getError() == "");
}
