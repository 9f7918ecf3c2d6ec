// A custom memory Slave that answers later, from another thread: a worker represents the device,
// whose answers contain only the id of the request.
//
// Takes no arguments, and ends with 0 if all went as expected.

#include "rogue/Queue.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

namespace rim = rogue::interfaces::memory;

class MyMemSlave : public rim::Slave {
public:
    static std::shared_ptr<MyMemSlave> create() { return std::make_shared<MyMemSlave>(); }

    // Advertises accesses of 4 to 1024 octets.
    MyMemSlave() : rim::Slave(4, 1024), device_(&MyMemSlave::runDevice, this) {}

    ~MyMemSlave() override {
        requests_.stop();
        device_.join();
    }

    // Called in the requesting thread: store the transaction, pass it on, return.
    void doTransaction(rim::TransactionPtr tran) override {
        if (tran->size() > memory_.size() || tran->address() > memory_.size() - tran->size()) {
            tran->error("No register at 0x%llx", static_cast<unsigned long long>(tran->address()));
            return;
        }
        addTransaction(tran);
        requests_.push(tran->id());
    }

private:
    void runDevice() {
        // After stop() the queue returns 0, which is no transaction's id.
        while (const uint32_t id = requests_.pop()) {
            answer(id);
        }
    }

    void answer(uint32_t id) {
        // Null if the requester has given up meanwhile.
        rim::TransactionPtr tran = getTransaction(id);
        if (tran == nullptr) {
            return;
        }
        // The data may be touched only under the lock, and not after the transaction has expired.
        auto lock = tran->lock();
        if (tran->expired()) {
            return;
        }
        uint8_t *registers = memory_.data() + tran->address();
        if (tran->type() == rim::Write || tran->type() == rim::Post) {
            std::copy(tran->begin(), tran->end(), registers);
        } else {
            std::copy(registers, registers + tran->size(), tran->begin());
        }
        tran->done();
    }

    std::array<uint8_t, 0x1000> memory_{};
    rogue::Queue<uint32_t> requests_;
    std::thread device_; // last: it uses what is above
};

int main() {
    auto master = rim::Master::create();
    auto slave = MyMemSlave::create();
    *master >> slave;

    std::vector<uint32_t> written(256), read(256);
    for (uint32_t i = 0; i < written.size(); ++i) {
        written[i] = 3 * i;
        master->reqTransaction(4 * i, 4, &written[i], rim::Write);
    }
    master->waitTransaction(0); // all of them
    for (uint32_t i = 0; i < read.size(); ++i) {
        master->reqTransaction(4 * i, 4, &read[i], rim::Read);
    }
    master->waitTransaction(0);
    std::printf("%s\n", read == written ? "all registers hold what was written" : "differences!");
    if (read != written || !master->getError().empty()) {
        return 1;
    }

    uint32_t value = 0;
    master->waitTransaction(master->reqTransaction(0x10000, 4, &value, rim::Read));
    std::printf("outside: %s\n", master->getError().c_str());
    return master->getError() == "No register at 0x10000" ? 0 : 1;
}
