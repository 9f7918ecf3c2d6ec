// A user's C++ program: writes a register of an emulated memory and reads it back.
#include <cstdint>
#include <iostream>

#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Master.h"

namespace rim = rogue::interfaces::memory;

int main() {
    auto slave = rim::Emulate::create(4, 4096);
    auto master = rim::Master::create();
    master->setSlave(slave);

    std::uint32_t written = 0x12345678;
    std::uint32_t read = 0;
    master->waitTransaction(master->reqTransaction(0x1000, sizeof written, &written, rim::Write));
    master->waitTransaction(master->reqTransaction(0x1000, sizeof read, &read, rim::Read));
    if (!master->getError().empty() || read != written) {
        std::cerr << "wrote " << written << ", read " << read << ", " << master->getError() << "\n";
        return 1;
    }
    std::cout << "consumer in C++: right\n";
    return 0;
}
