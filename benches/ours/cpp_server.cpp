/*
 * The bridge's server on an emulated memory, as a C++ program written for Rogue has it.
 */
#include <rogue/interfaces/memory/Emulate.h>
#include <rogue/interfaces/memory/TcpServer.h>

#include "../common/server.h"
#include "timeout.h"

namespace rim = rogue::interfaces::memory;

namespace {

/* Takes transactions and never completes them: they are left to the timeout. */
class Silence : public rim::Slave {
public:
    Silence() : rim::Slave(4, 0) {}
    void doTransaction(rim::TransactionPtr) override {}
};

/* Takes the time of what `seen` writes. */
class Stamp : public rim::Slave {
public:
    Stamp() : rim::Slave(4, 0) {}
    void doTransaction(rim::TransactionPtr transaction) override {
        {
            auto lock = transaction->lock();
            bench_server_seen(transaction->address(), transaction->begin(), transaction->size());
        }
        transaction->done();
    }
};

} // namespace

int main(int argc, char **argv) {
    bench_server_options_t options = bench_server_options(BENCH_TAKES_SPIN, argc, argv);
    try {
        rim::SlavePtr slave = rim::Emulate::create(4, 0);
        if (options.silent) {
            slave = std::make_shared<Silence>();
        } else if (options.stamps) {
            slave = std::make_shared<Stamp>();
        }
        rim::TcpServer::Options chosen = {};
        chosen.spin_us = options.spin_us;
        auto server = rim::TcpServer::create(options.host, options.port, chosen);
        *server >> slave;
        server->setTimeout(BENCH_TIMEOUT_US);
        bench_server_attend(server->getPort());
        server->stop();
    } catch (const std::exception &error) {
        bench_fail(BENCH_WRONG, "%s", error.what());
    }
    return BENCH_OK;
}
