/*
 * The bridge's client as a C++ program written for Rogue has it: a class derived from Master that
 * calls reqTransaction and waitTransaction.
 */
#include <rogue/interfaces/memory/Constants.h>
#include <rogue/interfaces/memory/Master.h>
#include <rogue/interfaces/memory/TcpClient.h>

#include <algorithm>
#include <vector>

#include "../common/client.h"
#include "timeout.h"

namespace rim = rogue::interfaces::memory;

namespace {

constexpr double READY_TIMEOUT_S = 60.0;
constexpr double READY_PERIOD_S = 0.1;

class Registers : public rim::Master {
public:
    explicit Registers(const bench_target_t &target)
        : client_(rim::TcpClient::create(target.host, target.port, optionsFor(target))) {
        if (!client_->waitReady(READY_TIMEOUT_S, READY_PERIOD_S)) {
            bench_fail(BENCH_WRONG, "connecting: %s", client_->getStateText().c_str());
        }
        *this >> client_;
        setTimeout(BENCH_TIMEOUT_US);
    }

    /* An error stays until somebody looks; what has been read is checked by the caller. */
    ~Registers() override {
        if (!getError().empty()) {
            bench_fail(BENCH_WRONG, "a transaction: %s", getError().c_str());
        }
        client_->stop();
    }

private:
    static rim::TcpClient::Options optionsFor(const bench_target_t &target) {
        rim::TcpClient::Options options = {};
        options.spin_us = target.spin_us;
        return options;
    }

    rim::TcpClientPtr client_;
};

void *openLink(const bench_target_t *target) { return new Registers(*target); }

uint32_t request(void *link, uint32_t type, uint64_t address, uint32_t size, void *data) {
    return static_cast<Registers *>(link)->reqTransaction(address, size, data, type);
}

void requestMany(void *link, uint32_t type, uint32_t count, const uint64_t *addresses,
                 uint32_t size, void *data, uint32_t *ids) {
    const std::vector<uint32_t> found = static_cast<Registers *>(link)->reqTransactions(
        std::vector<uint64_t>(addresses, addresses + count), size, data, type);
    std::copy(found.begin(), found.end(), ids);
}

void waitFor(void *link, uint32_t id) { static_cast<Registers *>(link)->waitTransaction(id); }

void closeLink(void *link) { delete static_cast<Registers *>(link); }

} // namespace

int main(int argc, char **argv) {
    static const bench_peer_t peer = {"cpp",     true,  true,  openLink,    request, waitFor,
                                      closeLink, false, false, requestMany, nullptr, false};
    return bench_client_main(&peer, argc, argv);
}
