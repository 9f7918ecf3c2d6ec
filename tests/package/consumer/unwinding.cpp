// A user's C++ program in which things are thrown: exceptions of its own beside the library, one in
// a callback, and a panic within the library, for which the clock of this program fails when asked
// to. The library catches both with an unwinder that is not the one of this program.
#include <ctime>
#include <iostream>
#include <stdexcept>
#include <string>

#include <sys/syscall.h>
#include <unistd.h>

#include "rogue/GeneralError.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

namespace rim = rogue::interfaces::memory;

static thread_local bool clockIsBroken = false;

// Instead of the C library's.
extern "C" int clock_gettime(clockid_t clock, struct timespec *now) noexcept {
    return clockIsBroken ? -1 : static_cast<int>(syscall(SYS_clock_gettime, clock, now));
}

class Throwing : public rim::Slave {
public:
    Throwing() : rim::Slave(4, 4) {}
    void doTransaction(rim::TransactionPtr) override { throw std::runtime_error("from a slave"); }
};

static int failures = 0;

static void check(bool holds, const std::string &what) {
    if (!holds) {
        std::cerr << "FAILED: " << what << "\n";
        ++failures;
    }
}

static std::string write(rim::Master &master) {
    std::uint32_t value = 1;
    master.waitTransaction(master.reqTransaction(0, sizeof value, &value, rim::Write));
    return master.getError();
}

int main() {
    auto master = rim::Master::create();
    master->setSlave(rim::Emulate::create(4, 4096));
    for (int round = 0; round < 3; ++round) {
        std::string said;
        clockIsBroken = true;
        try {
            said = write(*master);
        } catch (const rogue::GeneralError &error) {
            said = error.what();
        }
        clockIsBroken = false;
        check(said.find("Internal error") != std::string::npos, "a panic is an error: " + said);

        said = "nothing";
        try {
            rogue::GeneralError::create("here", "%d", round);
            throw std::logic_error("from this program");
        } catch (const std::exception &error) {
            said = error.what();
        }
        check(said == "from this program", "an exception of this program: " + said);
    }

    auto other = rim::Master::create();
    other->setSlave(std::make_shared<Throwing>());
    check(write(*other).find("from a slave") != std::string::npos, "an exception in a callback");
    if (failures == 0) {
        std::cout << "unwinding: right\n";
    }
    return failures;
}
