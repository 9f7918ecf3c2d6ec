/*
 * The bus within one process through the C++ API: Emulate directly and behind hubs, and by the
 * variables of a block; for comparison a virtual call on an object with a mutex.
 */
#include "bus.h"

#include <rogue/interfaces/memory/Block.h>
#include <rogue/interfaces/memory/Emulate.h>
#include <rogue/interfaces/memory/Variable.h>

#include <cstring>
#include <mutex>
#include <string>

namespace rim = rogue::interfaces::memory;

namespace {

using bench::Bus;

/* ---- a virtual call on an object with a mutex ---- */

class Memory {
public:
    virtual ~Memory() = default;
    virtual void read(uint64_t address, uint32_t size, void *data) = 0;
};

class LockedMemory : public Memory {
public:
    LockedMemory() {
        for (uint32_t i = 0; i < REGISTERS; i++) {
            words_[i] = i * 4U;
        }
    }

    void read(uint64_t address, uint32_t size, void *data) override {
        std::lock_guard<std::mutex> guard(lock_);
        std::memcpy(data, reinterpret_cast<const uint8_t *>(words_) + address, size);
    }

private:
    std::mutex lock_;
    uint32_t words_[REGISTERS];
};

void *buildVirtualCall() { return static_cast<Memory *>(new LockedMemory); }

void readVirtualCall(void *built, uint64_t count) {
    Memory *memory = static_cast<Memory *>(built);
    /* So that it stays a virtual call, of a size that is not known. */
    uint32_t size = 4;
    BENCH_OPAQUE(memory);
    BENCH_OPAQUE(size);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = inprocess_address(i);
        uint32_t word = 0;
        memory->read(address, size, &word);
        inprocess_check(address, word);
    }
}

void destroyVirtualCall(void *built) { delete static_cast<Memory *>(built); }

/* ---- the bus ---- */

Bus *buildBus(unsigned hubs) {
    Bus *bus = new Bus;
    bus->slave = rim::Emulate::create(4, 0);
    rim::MasterPtr end = bus->master;
    for (unsigned i = 0; i < hubs; i++) {
        rim::HubPtr hub = rim::Hub::create(0, 0, 0);
        *end >> hub;
        bus->hubs.push_back(hub);
        end = hub;
    }
    *end >> bus->slave;
    bench::writeRegisters(*bus);
    return bus;
}

void *buildDirect() { return buildBus(0); }
void *buildOneHub() { return buildBus(1); }
void *buildThreeHubs() { return buildBus(3); }

void readBus(void *built, uint64_t count) { bench::readBus(*static_cast<Bus *>(built), count); }

void destroyBus(void *built) {
    Bus *bus = static_cast<Bus *>(built);
    bench::checkErrors(*bus);
    delete bus;
}

/* ---- typed registers ---- */

struct Registers {
    rim::BlockPtr block = rim::Block::create(0, REGISTERS * 4U);
    std::vector<rim::VariablePtr> variables;
};

void *buildVariables() {
    Registers *registers = new Registers;
    for (uint32_t i = 0; i < REGISTERS; i++) {
        registers->variables.push_back(
            rim::Variable::create("v" + std::to_string(i), "RW", 0, 0, 0, {i * 32U}, {32}, false,
                                  true, true, false, rim::UInt, false, false, 0, 0, 0, 0, 0));
    }
    *registers->block >> rim::Emulate::create(4, 0);
    registers->block->addVariables(registers->variables);
    registers->block->setEnable(true);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        registers->variables[i]->setUInt(i * 4U);
    }
    return registers;
}

void readVariables(void *built, uint64_t count) {
    const Registers &registers = *static_cast<Registers *>(built);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t address = inprocess_address(i);
        inprocess_check(address,
                        static_cast<uint32_t>(registers.variables[address / 4]->getUInt()));
    }
}

void destroyVariables(void *built) { delete static_cast<Registers *>(built); }

const inprocess_figure_t FIGURES[] = {
    {"virtual_call", buildVirtualCall, readVirtualCall, destroyVirtualCall},
    {"emulate", buildDirect, readBus, destroyBus},
    {"emulate_1_hub", buildOneHub, readBus, destroyBus},
    {"emulate_3_hubs", buildThreeHubs, readBus, destroyBus},
    {"variable", buildVariables, readVariables, destroyVariables},
};

} // namespace

int main(int argc, char **argv) {
    return inprocess_main("cpp", FIGURES, sizeof FIGURES / sizeof FIGURES[0], argc, argv);
}
