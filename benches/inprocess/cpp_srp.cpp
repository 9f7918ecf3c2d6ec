/*
 * SRPv3 and its emulation within one process, through the C++ API.
 */
#include "bus.h"

#include <rogue/Helpers.h>
#include <rogue/protocols/srp/SrpV3.h>
#include <rogue/protocols/srp/SrpV3Emulation.h>

namespace rim = rogue::interfaces::memory;
namespace rps = rogue::protocols::srp;

namespace {

constexpr uint32_t OUTSTANDING = 64;

struct SrpBus : bench::Bus {
    rps::SrpV3EmulationPtr emulation = rps::SrpV3Emulation::create();
};

void *build() {
    SrpBus *bus = new SrpBus;
    auto srp = rps::SrpV3::create();
    *srp == bus->emulation;
    bus->slave = srp;
    *bus->master >> srp;
    bench::writeRegisters(*bus);
    return bus;
}

void read(void *built, uint64_t count) { bench::readBus(*static_cast<SrpBus *>(built), count); }

/* Keeps OUTSTANDING of them under way, but for the beginning and the end. */
void readPipelined(void *built, uint64_t count) {
    rim::Master &master = *static_cast<SrpBus *>(built)->master;
    uint32_t words[OUTSTANDING], ids[OUTSTANDING];
    for (uint64_t i = 0; i < count + OUTSTANDING; i++) {
        uint32_t slot = i % OUTSTANDING;
        if (i >= OUTSTANDING && i - OUTSTANDING < count) {
            master.waitTransaction(ids[slot]);
            inprocess_check(inprocess_address(i - OUTSTANDING), words[slot]);
        }
        if (i < count) {
            words[slot] = 0xFFFFFFFF;
            ids[slot] = master.reqTransaction(inprocess_address(i), 4, &words[slot], rim::Read);
        }
    }
}

void destroy(void *built) {
    SrpBus *bus = static_cast<SrpBus *>(built);
    bench::checkErrors(*bus);
    bus->slave->stop();
    bus->emulation->stop();
    delete bus;
}

const inprocess_figure_t FIGURES[] = {
    {"srp_v3", build, read, destroy},
    {"srp_v3_pipelined", build, readPipelined, destroy},
};

} // namespace

int main(int argc, char **argv) {
    return inprocess_main("cpp", FIGURES, sizeof FIGURES / sizeof FIGURES[0], argc, argv);
}
