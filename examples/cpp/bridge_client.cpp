// Reads and writes registers over TCP, as Rogue's documentation of the memory TCP bridge shows it.
//
//   bridge_client HOST PORT
//
// Ends with 0 if it reads back what it wrote.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/TcpClient.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace rim = rogue::interfaces::memory;

// A master that reads and writes 32-bit registers and waits for each.
class MyMemMaster : public rim::Master {
public:
    static std::shared_ptr<MyMemMaster> create() { return std::make_shared<MyMemMaster>(); }

    uint32_t read(uint64_t address) {
        uint32_t value = 0;
        transfer(address, value, rim::Read);
        return value;
    }

    void write(uint64_t address, uint32_t value) { transfer(address, value, rim::Write); }

private:
    void transfer(uint64_t address, uint32_t &value, uint32_t type) {
        clearError();
        waitTransaction(reqTransaction(address, sizeof(value), &value, type));
        if (!getError().empty()) {
            throw rogue::GeneralError("MyMemMaster", getError());
        }
    }
};

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: bridge_client HOST PORT\n");
        return 2;
    }
    try {
        // Local memory Master
        auto mst = MyMemMaster::create();
        mst->setTimeout(5 * 1000 * 1000); // microseconds; the default is one second

        // Connect to the remote server using ports <port> and <port> + 1
        auto tcp = rim::TcpClient::create(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));

        // Connect the local Master to the remote bridge
        *mst >> tcp;

        // Optional: check whether the server answers
        if (!tcp->waitReady(10.0, 0.1)) {
            std::fprintf(stderr, "no server: %s\n", tcp->getStateText().c_str());
            return 1;
        }

        mst->write(0x1000, 0x12345678);
        const uint32_t value = mst->read(0x1000);
        std::printf("register 0x1000 holds 0x%08x\n", static_cast<unsigned>(value));
        return value == 0x12345678 ? 0 : 1;
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
