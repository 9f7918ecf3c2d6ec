// A program that is wrong: it looks at what a slave has written without having waited for it.
// ThreadSanitizer has to say so, whatever the C++ headers announce to it.

#include <rogue/interfaces/memory/Constants.h>
#include <rogue/interfaces/memory/Master.h>
#include <rogue/interfaces/memory/Slave.h>
#include <rogue/interfaces/memory/TcpClient.h>
#include <rogue/interfaces/memory/TcpServer.h>

#include <cstdio>
#include <memory>

namespace rim = rogue::interfaces::memory;

namespace {

class Counter : public rim::Slave {
public:
    Counter() : Slave(4, 0) {}
    void doTransaction(rim::TransactionPtr transaction) override {
        ++accesses;
        transaction->done();
    }
    int accesses = 0;
};

} // namespace

int main() {
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    auto counter = std::make_shared<Counter>();
    *server >> counter;
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
    auto master = rim::Master::create();
    master->setTimeout(60000000);
    *master >> client;
    if (!client->waitReady(60, 0.01)) {
        return 2;
    }
    uint32_t word = 0;
    const uint32_t id = master->reqTransaction(0, 4, &word, rim::Write);
    const int seen = counter->accesses;
    master->waitTransaction(id);
    std::printf("racy: %d, %d\n", seen, counter->accesses);
    return 0;
}
