// Registers by name: a block, variables that say what its bits are, and values that are set and read.
// Then a map of 1000 registers, which is read with one call.
//
// Takes no arguments, and ends with 0 if all went as expected.

#include "rogue/GeneralError.h"
#include "rogue/interfaces/memory/Block.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Variable.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace rim = rogue::interfaces::memory;

// A value of `bits` bits from bit `first` of its block on, read, written and verified.
static rim::VariablePtr makeField(const std::string &name, uint32_t model, uint32_t first,
                                  uint32_t bits) {
    return rim::Variable::create(name, "RW", 0, 0, 0, {first}, {bits}, false, true, true, false,
                                 model, false, false, 0, 0, 0, 0, 0);
}

// Shows its value whenever a transfer may have changed it.
class Temperature : public rim::Variable {
public:
    // 16 bits, 8 of them behind the point.
    Temperature()
        : rim::Variable("temperature", "RO", 0, 0, 0, {0}, {16}, false, false, true, true,
                        rim::Fixed, false, false, 8, 0, 0, 0, 0) {}

    void queueUpdate() override { std::printf("%s", getDumpValue(false).c_str()); }
};

int main() {
    auto memory = rim::Emulate::create(4, 0x1000);

    // A word with an enable bit and a gain of 12 bits.
    auto enable = makeField("enable", rim::Bool, 0, 1);
    auto gain = makeField("gain", rim::UInt, 4, 12);
    auto control = rim::Block::create(0x100, 4);
    *control >> memory;
    control->addVariables({enable, gain});
    control->setEnable(true);

    // Each is written and verified at once.
    enable->setBool(true);
    gain->setUInt(0xABC);
    std::printf("%s", gain->getDumpValue(true).c_str());

    // A value that does not fit is refused in words, and not sent.
    std::string refusal;
    try {
        gain->setUInt(0x1000);
    } catch (const rogue::GeneralError &e) {
        refusal = e.what();
    }
    std::printf("%s\n", refusal.c_str());

    // The device measures 25.5 degrees, and a variable is told when they have been read.
    auto device = rim::Master::create();
    *device >> memory;
    uint8_t measured[4] = {0x80, 0x19, 0, 0};
    device->waitTransaction(device->reqTransaction(0x104, 4, measured, rim::Write));
    auto temperature = std::make_shared<Temperature>();
    auto sensor = rim::Block::create(0x104, 4);
    *sensor >> memory;
    sensor->addVariables({temperature});
    sensor->setEnable(true);
    temperature->read();

    // Two values with one write: stage both, then write what is staged.
    control->setBool(false, enable.get(), -1);
    control->setUInt(0x123, gain.get(), -1);
    control->write(gain.get());

    // A list with one transfer.
    auto lookup = rim::Variable::create("lookup", "RW", 0, 0, 0, {0}, {64 * 16}, false, true, true,
                                        false, rim::Int, false, false, 0, 64, 16, 16, 0);
    auto table = rim::Block::create(0x200, 128);
    *table >> memory;
    table->addVariables({lookup});
    table->setEnable(true);
    std::vector<int16_t> written, read;
    for (int16_t n = 0; n < 64; ++n) {
        written.push_back(static_cast<int16_t>(100 * (n - 32)));
    }
    lookup->setValues(written);
    lookup->getValues(read);

    // A map of registers: all reads are requested before the first is waited for.
    std::vector<rim::BlockPtr> map;
    std::vector<rim::VariablePtr> registers;
    for (uint32_t n = 0; n < 1000; ++n) {
        registers.push_back(makeField("r" + std::to_string(n), rim::UInt, 0, 32));
        map.push_back(rim::Block::create(0x1000 + 4 * n, 4));
        *map.back() >> memory;
        map.back()->addVariables({registers.back()});
        map.back()->setEnable(true);
        map.back()->setUInt(n * n, registers.back().get(), -1);
    }
    rim::Block::writeAll(map);
    rim::Block::readAll(map);
    unsigned right = 0;
    for (uint32_t n = 0; n < map.size(); ++n) {
        right += map[n]->getUInt(registers[n].get(), -1) == n * n;
    }
    std::printf("%u of %u registers hold what was written\n", right,
                static_cast<unsigned>(map.size()));

    const bool isRight = !enable->getBool() && gain->getUInt() == 0x123 && !refusal.empty() &&
                         temperature->getFixed() == 25.5 && read == written && right == map.size();
    return isRight ? 0 : 1;
}
