// A custom memory Master: many outstanding transactions at once, errors, and a timeout.
//
// Takes no arguments, and ends with 0 if all went as expected.

#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace rim = rogue::interfaces::memory;

// Moves whole tables of registers.
class TableMaster : public rim::Master {
public:
    static std::shared_ptr<TableMaster> create() { return std::make_shared<TableMaster>(); }

    // Writes `table` to consecutive registers. All requests precede the first wait, so over a
    // network they take one round trip and not one each.
    std::string write(uint64_t address, std::vector<uint32_t> &table) {
        return transfer(address, table, rim::Write);
    }

    // Fills `table` from consecutive registers.
    std::string read(uint64_t address, std::vector<uint32_t> &table) {
        return transfer(address, table, rim::Read);
    }

private:
    // The error text, "" for success. The table stays in place until the end of all waits:
    // transactions read and write it directly.
    std::string transfer(uint64_t address, std::vector<uint32_t> &table, uint32_t type) {
        std::vector<uint32_t> ids;
        for (std::size_t i = 0; i < table.size(); ++i) {
            ids.push_back(reqTransaction(address + 4 * i, 4, &table[i], type));
        }
        std::string error;
        for (const uint32_t id : ids) {
            waitTransaction(id, error);
        }
        return error;
    }
};

// Never answers.
class DeadSlave : public rim::Slave {
public:
    DeadSlave() : rim::Slave(4, 4) {}
    void doTransaction(rim::TransactionPtr) override {}
};

int main() {
    auto master = TableMaster::create();

    // Not connected yet: every transaction fails at once with an error that says so.
    std::vector<uint32_t> table(1000), back(1000);
    const std::string unconnected = master->read(0, back);
    std::printf("unconnected: %s\n", unconnected.c_str());
    if (unconnected.empty()) {
        return 1;
    }

    *master >> rim::Emulate::create(4, 0x1000);
    for (std::size_t i = 0; i < table.size(); ++i) {
        table[i] = static_cast<uint32_t>(i * i);
    }
    if (!master->write(0x2000, table).empty() || !master->read(0x2000, back).empty()) {
        return 1;
    }
    std::printf("wrote and read %u registers, %s\n", static_cast<unsigned>(table.size()),
                table == back ? "all equal" : "with differences");
    if (table != back) {
        return 1;
    }

    // A slave that does not answer costs one timeout; the error names the transaction.
    *master >> std::make_shared<DeadSlave>();
    master->setTimeout(50 * 1000); // microseconds
    back.resize(1);
    const std::string timeout = master->read(0, back);
    std::printf("no answer: %s\n", timeout.c_str());
    return timeout.find("Timeout") == std::string::npos ? 1 : 0;
}
