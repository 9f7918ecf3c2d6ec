// A correct program that uses what the C++ headers have: bridge, slaves and hubs of its own, typed
// registers, SRP over streams, frames between threads, callbacks, logging. A sanitizer has nothing to say about
// it: what is shared here is guarded by what the library promises, and by nothing else.

#include <rogue/Logging.h>
#include <rogue/interfaces/memory/Block.h>
#include <rogue/interfaces/memory/Constants.h>
#include <rogue/interfaces/memory/Emulate.h>
#include <rogue/interfaces/memory/Hub.h>
#include <rogue/interfaces/memory/Master.h>
#include <rogue/interfaces/memory/Slave.h>
#include <rogue/interfaces/memory/TcpClient.h>
#include <rogue/interfaces/memory/TcpServer.h>
#include <rogue/interfaces/memory/TransactionLock.h>
#include <rogue/interfaces/memory/Variable.h>
#include <rogue/interfaces/stream/Frame.h>
#include <rogue/interfaces/stream/FrameLock.h>
#include <rogue/interfaces/stream/Master.h>
#include <rogue/interfaces/stream/Slave.h>
#include <rogue/protocols/srp/SrpV3.h>
#include <rogue/protocols/srp/SrpV3Emulation.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rim = rogue::interfaces::memory;
namespace ris = rogue::interfaces::stream;
namespace rps = rogue::protocols::srp;

namespace {

void expect(bool holds, const char *what) {
    if (!holds) {
        std::fprintf(stderr, "FAILED: %s\n", what);
        std::exit(1);
    }
}

/** Registers that one thread serves: what they hold is guarded by no lock of the program's. */
class Registers : public rim::Slave {
public:
    explicit Registers(uint32_t bytes) : Slave(4, 0), memory_(bytes) {}

    void doTransaction(rim::TransactionPtr transaction) override {
        ++accesses;
        auto lock = transaction->lock();
        uint8_t *at = memory_.data() + transaction->address();
        if (transaction->type() == rim::Write || transaction->type() == rim::Post) {
            std::copy(transaction->begin(), transaction->end(), at);
        } else {
            std::copy(at, at + transaction->size(), transaction->begin());
        }
        transaction->done();
    }

    int accesses = 0;

private:
    std::vector<uint8_t> memory_;
};

/** Keeps its transactions for a thread of its own, as one that drives hardware does. */
class Queued : public rim::Slave {
public:
    explicit Queued(uint32_t bytes) : Slave(4, 0), memory_(bytes) {
        worker_ = std::thread([this] { work(); });
    }
    ~Queued() override {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            ended_ = true;
        }
        changed_.notify_one();
        worker_.join();
    }

    void doTransaction(rim::TransactionPtr transaction) override {
        addTransaction(transaction);
        std::lock_guard<std::mutex> guard(mutex_);
        ids_.push_back(transaction->id());
        changed_.notify_one();
    }

private:
    void work() {
        for (;;) {
            std::unique_lock<std::mutex> guard(mutex_);
            changed_.wait(guard, [this] { return ended_ || !ids_.empty(); });
            if (ids_.empty()) {
                return;
            }
            const uint32_t id = ids_.front();
            ids_.pop_front();
            guard.unlock();
            auto transaction = getTransaction(id);
            if (!transaction) {
                continue;
            }
            auto lock = transaction->lock();
            if (transaction->expired()) {
                continue;
            }
            if (transaction->address() + transaction->size() > memory_.size()) {
                transaction->errorStr("beyond the end");
                continue;
            }
            uint8_t *at = memory_.data() + transaction->address();
            if (transaction->type() == rim::Write) {
                std::copy(transaction->begin(), transaction->end(), at);
            } else {
                std::copy(at, at + transaction->size(), transaction->begin());
            }
            transaction->done();
        }
    }

    std::vector<uint8_t> memory_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<uint32_t> ids_;
    bool ended_ = false;
    std::thread worker_;
};

/** Counts what passes it, and splits it in two. */
class Splitting : public rim::Hub {
public:
    explicit Splitting(uint64_t offset) : Hub(offset, 4, 0) {}

    void doTransaction(rim::TransactionPtr transaction) override {
        ++passed;
        const uint32_t half = transaction->size() / 2;
        if (half == 0 || half % 4 != 0) {
            Hub::doTransaction(transaction);
            return;
        }
        const uint64_t address = transaction->address();
        const uint32_t type = transaction->type();
        auto first = transaction->createSubTransaction(0, half, address, type);
        auto second = transaction->createSubTransaction(half, half, address + half, type);
        transaction->doneSubTransactions();
        Hub::doTransaction(first);
        Hub::doTransaction(second);
    }

    int passed = 0;
};

/** Passes frames on, and looks at them on the way. */
class Tap : public ris::Master, public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        auto lock = frame->lock();
        octets += frame->getPayload();
        last = frame->getPayload() == 0 ? 0 : *frame->begin();
        sendFrame(frame);
    }
    void stop() override { ris::Master::stop(); }

    uint64_t octets = 0;
    uint8_t last = 0;
};

std::string transfer(rim::Master &master, uint64_t address, void *data, uint32_t size,
                     uint32_t type) {
    master.clearError();
    const uint32_t id = master.reqTransaction(address, size, data, type);
    master.waitTransaction(id);
    return master.getError();
}

/** Writes and reads `count` words, all under way at once, and one block of `bytes`. */
void exercise(rim::Master &master, uint64_t base, uint32_t count, uint32_t bytes) {
    std::vector<uint32_t> words(count);
    std::vector<uint32_t> found(count);
    std::iota(words.begin(), words.end(), static_cast<uint32_t>(base));
    for (int round = 0; round < 3; ++round) {
        for (uint32_t i = 0; i < count; ++i) {
            words[i] += 7;
            master.reqTransaction(base + 4 * i, 4, &words[i], rim::Write);
        }
        master.waitTransaction(0);
        std::vector<uint64_t> addresses(count);
        for (uint32_t i = 0; i < count; ++i) {
            addresses[i] = base + 4 * i;
        }
        for (uint32_t id : master.reqTransactions(addresses, 4, found.data(), rim::Read)) {
            master.waitTransaction(id);
        }
        expect(master.getError().empty(), "no word fails");
        expect(words == found, "words are read back");
    }
    std::vector<uint8_t> block(bytes);
    std::vector<uint8_t> copy(bytes);
    std::iota(block.begin(), block.end(), uint8_t{1});
    expect(transfer(master, base, block.data(), bytes, rim::Write).empty(), "a block is written");
    block.assign(bytes, 0); // the buffer is the program's again
    expect(transfer(master, base, copy.data(), bytes, rim::Read).empty(), "a block is read");
    expect(copy[0] == 1 && copy[bytes - 1] == static_cast<uint8_t>(bytes), "it is the block");
    copy.assign(bytes, 0);
}

void overTheBridge() {
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    auto registers = std::make_shared<Registers>(1 << 20);
    *server >> registers;
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
    // One call runs at a time; the last one may outlive stop().
    auto changes = std::make_shared<int>(0);
    client->setConnectionCallback(
        [changes](const rim::TcpClient::ConnectionChange &) { ++*changes; });
    expect(client->waitReady(60, 0.01), "the client becomes ready");
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < 2; ++i) {
        threads.emplace_back([&client, i] {
            auto master = rim::Master::create();
            master->setTimeout(60000000);
            *master >> client;
            exercise(*master, i << 19, 40, 300 * 1024);
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    client->stop();
    server->stop();
    expect(registers->accesses == 2 * (3 * 80 + 2), "each access is made once");
}

void insideTheProcess() {
    auto slave = std::make_shared<Queued>(1 << 16);
    auto hub = std::make_shared<Splitting>(0x1000);
    auto master = rim::Master::create();
    master->setTimeout(60000000);
    *master >> hub;
    *hub >> slave;
    exercise(*master, 0, 20, 4096);
    uint32_t word = 0;
    expect(!transfer(*master, 1 << 20, &word, 4, rim::Read).empty(), "an error is told");
    expect(hub->passed == 3 * 40 + 3, "all passed the hub");
}

/** Counts its updates, which come from the threads that use its block. */
class Updated : public rim::Variable {
public:
    Updated(const std::string &name, uint32_t first)
        : Variable(name, "RW", 0, 0, 0, {first}, {32}, false, true, true, true, rim::UInt, false,
                   false, 0, 0, 0, 0, 0) {}

    void queueUpdate() override { ++updates; }

    std::atomic<unsigned> updates{0};
};

void registersOfOneBlock() {
    auto block = rim::Block::create(0x100, 12);
    std::vector<std::shared_ptr<Updated>> variables;
    for (uint32_t i = 0; i < 3; ++i) {
        variables.push_back(std::make_shared<Updated>("v" + std::to_string(i), 32 * i));
    }
    *block >> std::make_shared<Queued>(1 << 16);
    block->setTimeout(60000000);
    block->addVariables({variables[0], variables[1], variables[2]});
    block->setEnable(true);
    // Handed over with the register, and guarded by nothing else.
    std::string handedOver;
    std::thread taker([&] {
        while (variables[2]->getUInt() != 1) {
            variables[1]->setUInt(variables[1]->getUInt() + 1);
        }
        expect(handedOver == "what was written before", "it is seen");
    });
    for (uint64_t i = 1; i <= 100; ++i) {
        variables[0]->setUInt(i);
        expect(variables[0]->getUInt() == i, "a thread reads what it has written");
    }
    handedOver = "what was written before";
    variables[2]->setUInt(1);
    taker.join();
    expect(variables[0]->updates >= 200, "updates are told");
}

void overStreams() {
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create();
    auto there = std::make_shared<Tap>();
    auto back = std::make_shared<Tap>();
    *srp >> there;
    *there >> emulation;
    *emulation >> back;
    *back >> srp;
    auto master = rim::Master::create();
    master->setTimeout(60000000);
    *master >> srp;
    exercise(*master, 0, 20, 4096);
    srp->stop();
    emulation->stop();
    expect(there->octets > 4096 && back->octets > 4096, "frames have passed");
    there->stop();
    back->stop();
}

void framesBetweenThreads() {
    auto master = ris::Master::create();
    auto tap = std::make_shared<Tap>();
    auto counter = ris::Slave::create();
    *master >> tap;
    *tap >> counter;
    auto frame = master->reqFrame(64, true);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&frame, i] {
            for (int round = 0; round < 50; ++round) {
                auto lock = frame->lock();
                frame->setPayload(8);
                std::fill(frame->begin(), frame->end(), static_cast<uint8_t>(i));
            }
        });
    }
    {
        auto lock = frame->lock();
        frame->setPayload(8);
        master->sendFrame(frame);
        *frame->begin() = 0;
    }
    for (auto &thread : threads) {
        thread.join();
    }
    expect(counter->getFrameCount() == 1, "the frame has arrived");
}

} // namespace

int main() {
    rogue::Logging::setLevel(rogue::Logging::Debug);
    rogue::Logging::setEmitStdout(false);
    auto log = rogue::Logging::create("sanitizers");
    overTheBridge();
    insideTheProcess();
    registersOfOneBlock();
    overStreams();
    framesBetweenThreads();
    log->info("%d parts are done", 5);
    rogue::Logging::setEmitStdout(true);
    std::printf("correct: OK\n");
    return 0;
}
