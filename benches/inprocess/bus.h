/*
 * A bus to read registers through, for the C++ programs.
 */
#ifndef BENCH_INPROCESS_BUS_H
#define BENCH_INPROCESS_BUS_H

#include "inprocess.h"

#include <rogue/interfaces/memory/Constants.h>
#include <rogue/interfaces/memory/Hub.h>
#include <rogue/interfaces/memory/Master.h>
#include <rogue/interfaces/memory/Slave.h>

#include <memory>
#include <vector>

namespace bench {

namespace rim = rogue::interfaces::memory;

/* A master and everything that is behind it. */
struct Bus {
    rim::MasterPtr master = rim::Master::create();
    std::vector<rim::HubPtr> hubs;
    rim::SlavePtr slave;
};

/* Gives each register its address for a value. */
inline void writeRegisters(Bus &bus) {
    std::vector<uint32_t> words(REGISTERS);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        words[i] = i * 4U;
    }
    uint32_t size = REGISTERS * 4U;
    bus.master->waitTransaction(bus.master->reqTransaction(0, size, words.data(), rim::Write));
    if (!bus.master->getError().empty()) {
        bench_fail(BENCH_WRONG, "writing: %s", bus.master->getError().c_str());
    }
}

/* Reads one register after the other. */
inline void readBus(Bus &bus, uint64_t count) {
    rim::Master &master = *bus.master;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = inprocess_address(i);
        uint32_t word = 0xFFFFFFFF;
        master.waitTransaction(master.reqTransaction(address, 4, &word, rim::Read));
        inprocess_check(address, word);
    }
}

inline void checkErrors(Bus &bus) {
    if (!bus.master->getError().empty()) {
        bench_fail(BENCH_WRONG, "a transaction: %s", bus.master->getError().c_str());
    }
}

} // namespace bench

#endif
