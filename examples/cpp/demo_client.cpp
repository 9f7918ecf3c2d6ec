// The client of the demonstration: accesses the registers of a demo_server.
//
//   demo_client HOST PORT
//
// Prints what it does, and ends with 0 only if everything went as expected.

#include "rogue/GeneralError.h"
#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/TcpClient.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace rim = rogue::interfaces::memory;

class MyMemMaster : public rim::Master {
public:
    static std::shared_ptr<MyMemMaster> create() { return std::make_shared<MyMemMaster>(); }

    // One access to a 32-bit register, printed in a line; the error text, "" for success.
    std::string access(const char *what, uint64_t address, uint32_t &value, uint32_t type) {
        std::string error;
        waitTransaction(reqTransaction(address, sizeof(value), &value, type), error);
        std::printf("%-7s 0x%04llx  0x%08x  %s\n", what, static_cast<unsigned long long>(address),
                    static_cast<unsigned>(value), error.empty() ? "ok" : error.c_str());
        return error;
    }
};

// Counts unexpected results.
static int surprises = 0;

static void expect(bool asExpected, const char *what) {
    if (!asExpected) {
        std::printf("        not as expected: %s\n", what);
        ++surprises;
    }
}

static void singleAccesses(MyMemMaster &mst) {
    uint32_t value = 0x12345678;
    expect(mst.access("write", 0x1000, value, rim::Write).empty(), "the write succeeds");
    value = 0;
    expect(mst.access("read", 0x1000, value, rim::Read).empty(), "the read succeeds");
    expect(value == 0x12345678, "the read gives what was written");
    value = 0;
    expect(mst.access("verify", 0x1000, value, rim::Verify).empty(), "the verify succeeds");
    expect(value == 0x12345678, "the verify gives what was written");
    value = 0xCAFEF00D;
    expect(mst.access("post", 0x1004, value, rim::Post).empty(), "the posted write succeeds");
    value = 0;
    expect(mst.access("read", 0x1004, value, rim::Read).empty(), "the read after it succeeds");
    expect(value == 0xCAFEF00D, "the posted write arrived");

    expect(mst.access("read", 0xF004, value, rim::Read) == "Bus error: no register at 0xf004",
           "a missing register is told");
    value = 1;
    expect(mst.access("write", 0x8000, value, rim::Write) ==
               "Bus error: register 0x8000 is read-only",
           "a read-only register is told");
    expect(mst.access("read", 0x8000, value, rim::Read).empty(), "it can still be read");
    expect(value == 0, "it was not changed");
}

// All requests are in flight at once: the whole table costs a few round trips, not one each.
static void wholeTable(MyMemMaster &mst) {
    std::vector<uint32_t> table(1024), back(1024);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < table.size(); ++i) {
        table[i] = static_cast<uint32_t>(i * 2654435761u);
        mst.reqTransaction(0x2000 + 4 * i, 4, &table[i], rim::Write);
    }
    mst.waitTransaction(0);
    for (std::size_t i = 0; i < back.size(); ++i) {
        mst.reqTransaction(0x2000 + 4 * i, 4, &back[i], rim::Read);
    }
    mst.waitTransaction(0);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf("%u registers written and read back in %.3f s\n",
                static_cast<unsigned>(table.size()), seconds.count());
    expect(back == table, "every register holds what was written");
}

static int work(const char *host, uint16_t port) {
    auto mst = MyMemMaster::create();
    mst->setTimeout(10 * 1000 * 1000); // microseconds; an answer takes much less
    auto tcp = rim::TcpClient::create(host, port);
    *mst >> tcp;
    if (!tcp->waitReady(10.0, 0.1)) {
        std::fprintf(stderr, "no server: %s\n", tcp->getStateText().c_str());
        return 1;
    }
    std::printf("%s\n", tcp->getStateText().c_str());
    singleAccesses(*mst);
    mst->clearError();
    wholeTable(*mst);
    expect(mst->getError().empty(), "no access to the table failed");
    tcp->stop();
    std::printf("%s\n", surprises == 0 ? "all as expected" : "not all as expected");
    return surprises == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: demo_client HOST PORT\n");
        return 2;
    }
    try {
        return work(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));
    } catch (const rogue::GeneralError &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
