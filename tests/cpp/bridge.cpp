// TcpServer and TcpClient in one process.

#include "support.h"

#include "rogue/MemoryBudget.h"
#include "rogue/Queue.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/security/AccessList.h"
#include "rogue/security/Audit.h"
#include "rogue/security/Curve.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/** A server on a port the system chose, with a memory behind it. */
struct Served {
    explicit Served(rim::SlavePtr slave = rim::Emulate::create(4, 0x1000)) : memory(slave) {
        *server >> memory;
        server->setTimeout(LONG_TIMEOUT_US);
    }

    /** A master connected through a client of its own. */
    rim::MasterPtr newMaster(rim::TcpClientPtr *client = nullptr) {
        auto made = rim::TcpClient::create("127.0.0.1", server->getPort());
        auto master = rim::Master::create();
        master->setTimeout(LONG_TIMEOUT_US);
        *master >> made;
        if (client != nullptr) {
            *client = made;
        }
        return master;
    }

    rim::TcpServerPtr server = rim::TcpServer::create("127.0.0.1", 0);
    rim::SlavePtr memory;
};

/** How many threads of this process have that name; none where there is no /proc. */
int threadsNamed(const std::string &name) {
    DIR *directory = opendir("/proc/self/task");
    if (directory == nullptr) {
        return 0;
    }
    int count = 0;
    while (const dirent *entry = readdir(directory)) {
        std::ifstream file("/proc/self/task/" + std::string(entry->d_name) + "/comm");
        std::string found;
        count += std::getline(file, found) && found == name;
    }
    closedir(directory);
    return count;
}

/** How many descriptors this process has open. */
int openDescriptors() {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == nullptr) {
        return -1; // not Linux: the comparison then says nothing
    }
    int count = 0;
    while (readdir(directory) != nullptr) {
        ++count;
    }
    closedir(directory);
    return count;
}

} // namespace

TEST_CASE("a client reads, writes, posts and verifies through a server") {
    auto slave = MemorySlave::create();
    Served served(slave);
    rim::TcpClientPtr client;
    auto master = served.newMaster(&client);
    CHECK(client->waitReady(30.0, 0.05));
    uint32_t value = 1;
    CHECK(read32(*master, 0x10, value) == "");
    CHECK(value == 0);
    CHECK(write32(*master, 0x10, 0xAABBCCDD) == "");
    CHECK(write32(*master, 0x14, 5, rim::Post) == "");
    CHECK(read32(*master, 0x10, value, rim::Verify) == "");
    CHECK(value == 0xAABBCCDD);
    CHECK(read32(*master, 0x14, value) == "");
    CHECK(value == 5);
    const auto seen = slave->takeSeen();
    REQUIRE(seen.size() == 5);
    CHECK(seen[2].type == rim::Post);
    CHECK(seen[3].type == rim::Verify);
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 0xFFFFFFFF);
    CHECK(contains(client->getStateText(), "connected"));
    CHECK(client->getState() == ROGUE_MEM_CLIENT_CONNECTED);
    CHECK(client->getStats().requests >= 5);
    CHECK(served.server->getStats().clients == 1);
}

TEST_CASE("large and odd sized transfers arrive whole") {
    Served served;
    auto master = served.newMaster();
    std::mt19937 random(2);
    for (size_t size : {1u, 3u, 4u, 1000u, 4096u, 65537u, 1000003u}) {
        std::vector<uint8_t> data(size), back(size);
        for (uint8_t &octet : data) {
            octet = static_cast<uint8_t>(random());
        }
        CHECK(request(*master, 0x12345, data, rim::Write) == "");
        CHECK(request(*master, 0x12345, back, rim::Read) == "");
        CHECK(back == data);
    }
}

TEST_CASE("a random mixture through the bridge leaves what a model leaves") {
    Served served;
    auto master = served.newMaster();
    std::mt19937 random(3);
    std::vector<uint8_t> model(0x1000, 0);
    const int rounds = underMemcheck() ? 200 : 5000;
    int wrong = 0;
    for (int round = 0; round < rounds; ++round) {
        const uint32_t size = 1 + random() % 32;
        const uint32_t address = random() % (0x1000 - size);
        std::vector<uint8_t> data(size);
        if (random() % 2 == 0) {
            for (uint8_t &octet : data) {
                octet = static_cast<uint8_t>(random());
            }
            std::copy(data.begin(), data.end(), model.begin() + address);
            wrong += request(*master, address, data, random() % 2 ? rim::Write : rim::Post) != "";
        } else {
            wrong += request(*master, address, data, random() % 2 ? rim::Read : rim::Verify) != "";
            wrong += !std::equal(data.begin(), data.end(), model.begin() + address);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("many transactions under way at once are all answered") {
    Served served;
    auto master = served.newMaster();
    const uint32_t count = underMemcheck() ? 500 : 20000;
    std::vector<uint32_t> values(count), back(count);
    for (uint32_t i = 0; i < count; ++i) {
        values[i] = i * 2654435761u;
        master->reqTransaction(4 * i, 4, &values[i], rim::Write);
    }
    for (uint32_t i = 0; i < count; ++i) {
        master->reqTransaction(4 * i, 4, &back[i], rim::Read);
    }
    master->waitTransaction(0);
    CHECK(master->getError() == "");
    CHECK(back == values);
}

TEST_CASE("a hundred thousand reads outstanding at a slow slave are all answered") {
    const uint32_t count = underMemcheck() ? 2000 : 100000;
    rogue::Queue<rim::TransactionPtr> kept;
    Event allRequested;
    std::thread device([&] {
        // Nothing is answered before everything has been asked.
        allRequested.wait();
        while (rim::TransactionPtr t = kept.pop()) {
            auto lock = t->lock();
            const uint32_t value = static_cast<uint32_t>(t->address()) ^ 0x5A5A5A5A;
            std::memcpy(t->begin(), &value, 4);
            t->done();
        }
    });
    {
        Served served(FunctionSlave::create([&](rim::TransactionPtr t) { kept.push(t); }));
        auto master = served.newMaster();
        std::vector<uint32_t> values(count);
        for (uint32_t i = 0; i < count; ++i) {
            master->reqTransaction(4 * i, 4, &values[i], rim::Read);
        }
        allRequested.set();
        master->waitTransaction(0);
        CHECK(master->getError() == "");
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < count; ++i) {
            wrong += values[i] == (4 * i ^ 0x5A5A5A5A) ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
    kept.stop();
    device.join();
}

TEST_CASE("d13_an_error_text_crosses_the_bridge_as_it_is") {
    const std::string text = "50% of %s%n at 0x%08x: \xC3\xBC";
    Served served(FunctionSlave::create([&](rim::TransactionPtr t) { t->errorStr(text); }));
    auto master = served.newMaster();
    uint32_t value = 7;
    CHECK(read32(*master, 0, value) == text);
}

TEST_CASE("d12_a_failed_read_leaves_the_buffer_alone") {
    Served served(FunctionSlave::create([](rim::TransactionPtr t) { t->error("no"); }));
    auto master = served.newMaster();
    std::vector<uint8_t> data(256, 0x5A);
    CHECK(request(*master, 0, data, rim::Read) == "no");
    CHECK(data == std::vector<uint8_t>(256, 0x5A));
}

TEST_CASE("d14_each_client_gets_its_own_answers") {
    Served served;
    const uint32_t rounds = underMemcheck() ? 20 : 1000;
    std::atomic<int> wrong{0};
    std::vector<std::thread> clients;
    for (uint32_t client = 0; client < 4; ++client) {
        clients.emplace_back([&, client] {
            auto master = served.newMaster();
            for (uint32_t round = 0; round < rounds; ++round) {
                const uint64_t address = 0x10000 * client + 4 * (round % 64);
                uint32_t value = 0;
                wrong += write32(*master, address, client << 24 | round) != "";
                wrong += read32(*master, address, value) != "";
                wrong += value != (client << 24 | round);
            }
        });
    }
    // One that only listens.
    auto idle = served.newMaster();
    for (std::thread &client : clients) {
        client.join();
    }
    CHECK(wrong == 0);
}

TEST_CASE("d43_a_slave_that_throws_does_not_end_the_server") {
    Served served(FunctionSlave::create([](rim::TransactionPtr t) {
        if (t->address() == 0) {
            throw std::runtime_error("the slave is broken");
        }
        if (t->address() == 4) {
            throw 5;
        }
        t->done();
    }));
    auto master = served.newMaster();
    uint32_t value = 0;
    CHECK(read32(*master, 0, value) == "the slave is broken");
    CHECK(contains(read32(*master, 4, value), "unknown exception"));
    CHECK(read32(*master, 8, value) == "");
}

TEST_CASE("d09_a_request_without_a_server_says_why_it_failed") {
    uint16_t port = 0;
    {
        auto server = rim::TcpServer::create("127.0.0.1", 0);
        port = server->getPort();
    }
    auto client = rim::TcpClient::create("127.0.0.1", port);
    auto master = rim::Master::create();
    master->setTimeout(300 * 1000);
    *master >> client;
    uint32_t value = 0;
    CHECK(contains(read32(*master, 0, value), "refused"));
    CHECK_FALSE(write32(*master, 0, 1, rim::Post).empty());
    CHECK_FALSE(client->waitReady(0.1, 0.01));
    CHECK_FALSE(client->waitReady(0, 0.01));
}

TEST_CASE("d09_a_request_made_before_the_server_exists_is_carried_out") {
    uint16_t port = 0;
    {
        auto server = rim::TcpServer::create("127.0.0.1", 0);
        port = server->getPort();
    }
    auto client = rim::TcpClient::create("127.0.0.1", port);
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    uint32_t values[3] = {1, 2, 3};
    for (uint32_t i = 0; i < 3; ++i) {
        master->reqTransaction(4 * i, 4, &values[i], rim::Write);
    }
    auto memory = MemorySlave::create();
    auto server = rim::TcpServer::create("127.0.0.1", port);
    *server >> memory;
    master->waitTransaction(0);
    // A request that came in before the slave was connected is refused, not lost.
    if (master->getError().empty()) {
        CHECK(memory->takeSeen().size() == 3);
    } else {
        CHECK(contains(master->getError(), "unconnected"));
    }
}

TEST_CASE("f02_what nobody waits for is not carried out after its time") {
    uint16_t port;
    {
        Served served;
        port = served.server->getPort();
    }
    auto client = rim::TcpClient::create("127.0.0.1", port);
    auto master = rim::Master::create();
    *master >> client;
    master->setTimeout(50000);
    uint32_t value = 0x0BAD0BAD;
    const uint32_t written = master->reqTransaction(0, sizeof(value), &value, rim::Write);
    const uint32_t posted = master->reqTransaction(4, sizeof(value), &value, rim::Post);
    CHECK_FALSE(client->waitReady(0.1, 0.01)); // their time passes meanwhile
    master->setTimeout(LONG_TIMEOUT_US);
    auto server = rim::TcpServer::create("127.0.0.1", port);
    *server >> rim::Emulate::create(4, 0x1000);
    uint64_t read = ~uint64_t(0);
    master->waitTransaction(master->reqTransaction(0, sizeof(read), &read, rim::Read));
    CHECK(master->getError() == "");
    CHECK(read == 0);
    for (uint32_t id : {written, posted}) {
        master->clearError();
        master->waitTransaction(id);
        CHECK(contains(master->getError(), "never sent"));
    }
}

TEST_CASE("a server that waits for a slow slave serves other clients meanwhile") {
    auto slave = KeepingSlave::create();
    auto fast = MemorySlave::create();
    Served served(FunctionSlave::create([&](rim::TransactionPtr t) {
        if (t->address() == 0) {
            slave->doTransaction(t);
        } else {
            fast->doTransaction(t);
        }
    }));
    auto one = served.newMaster();
    auto other = served.newMaster();
    uint32_t value = 0;
    const uint32_t id = one->reqTransaction(0, 4, &value, rim::Read);
    auto kept = slave->take();
    REQUIRE(kept != nullptr);
    CHECK(write32(*other, 4, 1) == "");
    CHECK(write32(*one, 8, 1) == "");
    kept->done();
    one->waitTransaction(id);
    CHECK(one->getError() == "");
}

TEST_CASE("a second server on the same port is refused and leaks nothing") {
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    int before = 0;
    for (int i = 0; i < 33; ++i) {
        try {
            rim::TcpServer::create("127.0.0.1", server->getPort());
            FAIL("the port was bound twice");
        } catch (const rogue::GeneralError &e) {
            CHECK(contains(e.what(), "memory::TcpServer::TcpServer: General Error: "));
            CHECK(contains(e.what(), "another process may be using this port"));
            CHECK(
                contains(e.what(), "port " + std::to_string(server->getPort()) + " was asked for"));
        }
        // The first attempt may open descriptors that stay open for good.
        if (i == 0) {
            before = openDescriptors();
        }
    }
    CHECK(openDescriptors() == before);
}

TEST_CASE("creating and closing 200 times leaks no descriptor") {
    const auto cycle = [] {
        Served served;
        rim::TcpClientPtr client;
        auto master = served.newMaster(&client);
        CHECK(write32(*master, 0, 1) == "");
        client->stop();
        served.server->stop();
    };
    cycle();
    const int before = openDescriptors();
    const int rounds = underMemcheck() ? 10 : 200;
    for (int i = 0; i < rounds; ++i) {
        cycle();
    }
    CHECK(openDescriptors() == before);
}

TEST_CASE("close and stop may be called in any mix, and closing needs no peer") {
    Served served;
    rim::TcpClientPtr client;
    auto master = served.newMaster(&client);
    CHECK(write32(*master, 0, 1) == "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    client->close();
    client->stop();
    client->close();
    served.server->stop();
    served.server->close();
    served.server->stop();
#pragma GCC diagnostic pop
    // D-41: after stop a request fails at once.
    uint32_t value = 0;
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(read32(*master, 0, value).empty());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
    CHECK(client->getState() == ROGUE_MEM_CLIENT_STOPPED);
}

TEST_CASE("d41_stopping_a_client_fails_what_is_under_way") {
    auto slave = KeepingSlave::create();
    Served served(slave);
    rim::TcpClientPtr client;
    auto master = served.newMaster(&client);
    uint32_t value = 0;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    REQUIRE(slave->take() != nullptr);
    client->stop();
    master->waitTransaction(id);
    CHECK_FALSE(master->getError().empty());
    CHECK_FALSE(contains(master->getError(), "Timeout"));
}

TEST_CASE("start waits only if it was asked to") {
    Served served;
    auto patient = rim::TcpClient::create("127.0.0.1", served.server->getPort(), true);
    patient->start();
    CHECK(patient->getState() == ROGUE_MEM_CLIENT_CONNECTED);
    auto careless = rim::TcpClient::create("127.0.0.1", 1);
    careless->start();
    served.server->start();
}

TEST_CASE("options are at their defaults at first, and may come from C") {
    rim::TcpServer::Options options;
    CHECK(options.size == sizeof(rogue_mem_tcp_server_options_t));
    CHECK((options.window == 0 && options.legacy_shared_process == 0));
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    rogue_mem_tcp_client_options_t given = rogue_mem_tcp_client_options_t();
    given.wait_ready = 1;
    const rim::TcpClient::Options clientOptions = given;
    CHECK(clientOptions.size == sizeof(given));
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), given);
    client->start();
    CHECK(client->getState() == ROGUE_MEM_CLIENT_CONNECTED);
    const rim::TcpServer::Stats stats = server->getStats();
    CHECK((stats.size == sizeof(rogue_mem_tcp_server_stats_t) && stats.clients == 1));
}

TEST_CASE("servers hold no more than their budget and that of the process") {
    const uint64_t usual = rogue::memoryBudget();
    rogue::setMemoryBudget(32 << 20);
    CHECK(rogue::memoryBudget() == 32 << 20);
    rim::TcpServer::Options options;
    options.budget_bytes_max = 256 * 1024;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0xFFFFFFFF);
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
    auto master = rim::Master::create();
    *master >> client;
    CHECK(write32(*master, 0, 7) == "");
    std::vector<uint8_t> bytes(128 * 1024);
    master->clearError();
    master->reqTransaction(0, static_cast<uint32_t>(bytes.size()), bytes.data(), rim::Read);
    master->waitTransaction(0);
    CHECK(contains(master->getError(), "raise the server's memory budget"));
    CHECK(server->getStats().refused_size == 1);
    CHECK(rogue::memoryHeld() < 1 << 20);
    rogue::setMemoryBudget(0);
    CHECK(rogue::memoryBudget() == usual);
}

TEST_CASE("options reach the library") {
    rim::TcpServer::Options options = {};
    options.window = 1;
    options.stack_bytes = 4 << 20;
    options.descriptors_reserved = 100;
    options.host_silence_ms_max = 4000;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    auto slave = KeepingSlave::create();
    *server >> slave;
    rim::TcpClient::Options clientOptions = {};
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), clientOptions);
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    uint32_t values[2] = {0, 0};
    master->reqTransaction(0, 4, &values[0], rim::Read);
    master->reqTransaction(4, 4, &values[1], rim::Read);
    auto first = slave->take();
    REQUIRE(first != nullptr);
    // With a window of one the second reaches the slave only after the first is done.
    CHECK(first->address() == 0);
    CHECK(server->getStats().requests <= 2);
    first->done();
    auto second = slave->take();
    REQUIRE(second != nullptr);
    CHECK(second->address() == 4);
    second->done();
    master->waitTransaction(0);
    CHECK(master->getError() == "");
}

namespace {

/** A slave with more locals than the 2 MiB that Rust gives to threads. */
class DeepSlave : public rim::Slave {
public:
    DeepSlave() : rim::Slave(4, 4096) {}

    void doTransaction(rim::TransactionPtr transaction) override {
        CHECK(useStack(3u << 20) == 48);
        transaction->done();
    }
};

} // namespace

TEST_CASE("f12_a_slave_has_the_stack_that_the_server_was_given") {
    rim::TcpServer::Options options = {};
    options.stack_bytes = 6 << 20;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> std::make_shared<DeepSlave>();
    rim::TcpClient::Options clientOptions = {};
    clientOptions.stack_bytes = 6 << 20;
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), clientOptions);
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    uint32_t value = 0;
    master->waitTransaction(master->reqTransaction(0, 4, &value, rim::Write));
    CHECK(master->getError() == "");
}

TEST_CASE("f14_a_child_by_fork_does_its_parents_client_no_harm") {
    Served served;
    rim::TcpClientPtr client;
    auto master = served.newMaster(&client);
    uint32_t value = 0;
    master->waitTransaction(master->reqTransaction(0, 4, &value, rim::Read));
    REQUIRE(master->getError() == "");
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(60);
        master->waitTransaction(master->reqTransaction(0, 4, &value, rim::Read));
        std::string error = master->getError();
        bool isTold = error.find("before this process was forked") != std::string::npos;
        client->stop();
        client.reset();
        master.reset();
        served.server->stop();
        served.server.reset();
        if (!isTold) {
            _exit(1);
        }
        // Not by _exit: a memory checker would then report the remains, all of them the parent's.
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    for (int round = 0; round < 100; ++round) {
        master->waitTransaction(master->reqTransaction(0, 4, &value, rim::Read));
        REQUIRE(master->getError() == "");
    }
    CHECK(client->getStats().disconnects == 0);
}

TEST_CASE("every choice of speed gives right answers, to several threads at once") {
    const uint32_t spins[] = {0, ROGUE_MEM_SPIN_NEVER, 200};
    const unsigned step = underMemcheck() ? 7 : 1;
    for (unsigned choice = 0; choice < 8 * 3; choice += step) {
        rim::TcpServer::Options serverOptions = {};
        rim::TcpClient::Options clientOptions = {};
        clientOptions.no_direct = (choice & 1) != 0;
        clientOptions.no_duplex = (choice & 2) != 0;
        serverOptions.no_duplex = (choice & 4) != 0;
        clientOptions.spin_us = spins[choice / 8];
        serverOptions.spin_us = spins[(choice / 8 + choice) % 3];
        auto server = rim::TcpServer::create("127.0.0.1", 0, serverOptions);
        auto memory = rim::Emulate::create(4, 0x1000);
        *server >> memory;
        auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), clientOptions);
        std::atomic<int> wrong(0);
        std::vector<std::thread> threads;
        for (uint32_t number = 0; number < 4; ++number) {
            threads.emplace_back([&client, &wrong, number] {
                auto master = rim::Master::create();
                master->setTimeout(LONG_TIMEOUT_US);
                *master >> client;
                for (uint32_t round = 0; round < 50; ++round) {
                    const uint32_t written = number << 16 | round;
                    uint32_t found = 0;
                    // Of the second thread, posted writes.
                    const uint32_t type = number == 1 ? rim::Post : rim::Write;
                    wrong += write32(*master, 0x100 * number, written, type) != "";
                    wrong += read32(*master, 0x100 * number, found) != "" || found != written;
                }
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("the library's bridge classes can be derived from") {
    class CountingClient : public rim::TcpClient {
    public:
        using TcpClient::TcpClient;
        void doTransaction(rim::TransactionPtr t) override {
            ++count;
            rim::TcpClient::doTransaction(t);
        }
        std::atomic<int> count{0};
    };
    Served served;
    auto client = std::make_shared<CountingClient>("127.0.0.1", served.server->getPort());
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    CHECK(write32(*master, 0, 1) == "");
    CHECK(client->count == 1);
}

TEST_CASE("a bridge behind a bridge, and a hub between them") {
    auto memory = MemorySlave::create();
    Served far(memory);
    auto link = rim::TcpClient::create("127.0.0.1", far.server->getPort());
    auto hub = rim::Hub::create(0x100, 0, 0);
    *hub >> link;
    Served near(hub);
    auto master = near.newMaster();
    CHECK(write32(*master, 0x10, 9) == "");
    CHECK(memory->takeSeen()[0].address == 0x110);
}

TEST_CASE("f22 a connection that comes and goes is told with the reason") {
    typedef rim::TcpClient::ConnectionChange Change;
    auto changes = std::make_shared<rogue::Queue<std::shared_ptr<Change>>>();
    std::weak_ptr<rogue::Queue<std::shared_ptr<Change>>> watched = changes;
    rim::TcpClient::ConnectionCallback report = [changes](const Change &change) {
        changes->push(std::make_shared<Change>(change));
        throw std::runtime_error("an exception that this test wants");
    };
    auto served = std::make_shared<Served>();
    rim::TcpClientPtr client;
    auto master = served->newMaster(&client);
    client->setConnectionCallback(report);
    auto came = changes->pop();
    CHECK(came->connected);
    CHECK(came->reason == "");
    CHECK(came->bridgeLevel == 1);
    CHECK(came->server == "127.0.0.1:" + std::to_string(served->server->getPort()));
    served->server->stop();
    auto went = changes->pop();
    CHECK(!went->connected);
    CHECK(went->reason.find("127.0.0.1:") == 0);
    CHECK(went->server == came->server);
    // An earlier callback is destroyed, and so is one set after the end.
    client->setConnectionCallback(rim::TcpClient::ConnectionCallback());
    client->stop();
    client->setConnectionCallback(report);
    report = nullptr;
    changes.reset();
    while (!watched.expired()) {
        std::this_thread::yield();
    }
}

TEST_CASE("clients share a loop, whose observers may connect and wait") {
    Served served;
    rim::TcpClient::Options options;
    options.shared_loop = 1;
    auto newMaster = [&] {
        auto client = rim::TcpClient::create("127.0.0.1", served.server->getPort(), options);
        auto master = rim::Master::create();
        master->setTimeout(LONG_TIMEOUT_US);
        *master >> client;
        return master;
    };
    std::vector<rim::MasterPtr> masters;
    for (uint32_t number = 0; number < 20; ++number) {
        masters.push_back(newMaster());
        CHECK(write32(*masters.back(), 4 * number, number) == "");
    }
    const bool hasProc = threadsNamed("rogue_loop") != 0;
    CHECK(threadsNamed("rogue_loop") == (hasProc ? 1 : 0));
    CHECK(threadsNamed("TcpClient") == 0);
    auto values = std::make_shared<rogue::Queue<std::shared_ptr<uint32_t>>>();
    uint32_t value = 0;
    const uint32_t id = masters[0]->reqTransaction(0, 4, &value, rim::Read);
    masters[0]->observeTransaction(id, [&newMaster, values](bool, const std::string &error) {
        auto found = std::make_shared<uint32_t>(UINT32_MAX);
        if (error.empty() && read32(*newMaster(), 4 * 19, *found) != "") {
            *found = UINT32_MAX;
        }
        values->push(found);
    });
    CHECK(*values->pop() == 19);
    masters.clear();
    CHECK(threadsNamed("rogue_loop") == 0);
}

TEST_CASE("everything may be destroyed while requests are under way") {
    const int rounds = underMemcheck() ? 10 : 100;
    for (int round = 0; round < rounds; ++round) {
        // Before the master, whose end is that of its requests.
        std::vector<uint32_t> values(50);
        auto slave = KeepingSlave::create();
        auto served = std::make_shared<Served>(slave);
        rim::TcpClientPtr client;
        auto master = served->newMaster(&client);
        for (uint32_t &value : values) {
            master->reqTransaction(0, 4, &value, rim::Read);
        }
        auto one = slave->take();
        REQUIRE(one != nullptr);
        std::thread completer([one] { one->done(); });
        switch (round % 4) {
        case 0:
            served.reset();
            slave.reset();
            client.reset();
            master.reset();
            break;
        case 1:
            master.reset();
            client.reset();
            served.reset();
            break;
        case 2:
            slave.reset();
            client.reset();
            served.reset();
            break;
        default:
            client->stop();
            master.reset();
            served->server->stop();
            break;
        }
        completer.join();
    }
}

namespace {

/** A connection of a legacy client, octet by octet. */
class LegacyEnd {
public:
    LegacyEnd(uint16_t port, const std::string &kind) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(connect(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
        std::string greeting = "\xff" + std::string(8, '\0') + "\x7f\x03\x01NULL";
        greeting.resize(64, '\0');
        send(greeting);
        std::string ready = "\x05READY\x0bSocket-Type" + std::string(3, '\0');
        frame(4, ready + static_cast<char>(kind.size()) + kind);
    }
    LegacyEnd(const LegacyEnd &) = delete;
    ~LegacyEnd() { close(socket_); }

    void send(const std::string &octets) {
        REQUIRE(::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(octets.size()));
    }

    void frame(char flags, const std::string &body) {
        send(std::string{flags, static_cast<char>(body.size())} + body);
    }

    std::string take(size_t count) {
        std::string octets(count, '\0');
        REQUIRE(recv(socket_, &octets[0], count, MSG_WAITALL) == static_cast<ssize_t>(count));
        return octets;
    }

    std::string takeFrame() { return take(static_cast<uint8_t>(take(2)[1])); }

private:
    int socket_;
};

} // namespace

TEST_CASE("f21: legacy clients of one process share their answers where that is chosen") {
    rim::TcpServer::Options options = {};
    options.legacy_shared_process = 1;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    std::vector<std::unique_ptr<LegacyEnd>> responses, requests;
    for (int client = 0; client < 2; ++client) {
        responses.emplace_back(new LegacyEnd(server->getPort() + 1, "PULL"));
        requests.emplace_back(new LegacyEnd(server->getPort(), "PUSH"));
    }
    for (auto *ends : {&responses, &requests}) {
        for (auto &end : *ends) {
            end->take(64);
            CHECK(end->takeFrame().substr(0, 6) == "\x05READY");
        }
    }
    for (char id = 1; id <= 2; ++id) {
        auto &asking = *requests[id - 1];
        asking.frame(1, std::string{id, 0, 0, 0});
        asking.frame(1, std::string(8, '\0'));
        asking.frame(1, std::string{4, 0, 0, 0});
        asking.frame(0, std::string{1, 0, 0, 0});
        for (auto &end : responses) {
            CHECK(end->takeFrame() == std::string({id, 0, 0, 0}));
            for (int part = 0; part < 4; ++part) {
                end->takeFrame();
            }
            CHECK(end->takeFrame() == "OK");
        }
    }
}

TEST_CASE("a server and its clients meet at a path") {
    const std::string address = "unix:/tmp/rogue-cpp-" + std::to_string(getpid());
    auto server = rim::TcpServer::create(address, 0);
    *server >> rim::Emulate::create(4, 0x1000);
    CHECK(server->getPort() == 0);
    auto client = rim::TcpClient::create(address, 0, true);
    client->start();
    auto master = rim::Master::create();
    *master >> client;
    uint32_t found = 0;
    CHECK(write32(*master, 0x10, 0x01020304) == "");
    CHECK(read32(*master, 0x10, found) == "");
    CHECK(found == 0x01020304);
    CHECK_THROWS_AS(rim::TcpServer::create(address, 0), rogue::GeneralError);
    CHECK_THROWS_AS(rim::TcpServer::create(address, 9000), rogue::GeneralError);
}

TEST_CASE("a server listens at several addresses") {
    const std::string path = "unix:/tmp/rogue-cpp-" + std::to_string(getpid());
    const std::string further = "127.0.0.1:0, " + path;
    rim::TcpServer::Options options;
    options.addresses = further.c_str();
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    const std::vector<std::string> addresses = server->getAddresses();
    REQUIRE(addresses.size() == 3);
    CHECK(addresses[0] == "127.0.0.1:" + std::to_string(server->getPort()));
    CHECK(addresses[2] == path);
    rim::TcpClient::create(path, 0, true)->start();
    const auto port = std::stoul(addresses[1].substr(addresses[1].find(':') + 1));
    rim::TcpClient::create("127.0.0.1", static_cast<uint16_t>(port), true)->start();
}

TEST_CASE("both ends of a bridge prove their keys") {
    auto own = rogue::security::CurveKeys::create();
    auto serving = rogue::security::CurveKeys::create();
    CHECK(own->publicKey().size() == 40);
    auto keys = rogue::security::CurveServer::create(*serving);
    rim::TcpServer::Options options;
    options.curve = keys->nativeHandle();
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    keys->setClients(own->publicKey());
    auto curve = rogue::security::CurveClient::create(serving->publicKey(), *own);
    rim::TcpClient::Options secured;
    secured.curve = curve->nativeHandle();
    secured.wait_ready = 1;
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), secured);
    client->start();
    auto master = rim::Master::create();
    *master >> client;
    uint32_t found = 0;
    CHECK(write32(*master, 0x10, 0x01020304) == "");
    CHECK(read32(*master, 0x10, found) == "");
    CHECK(found == 0x01020304);
    CHECK_THROWS_AS(rogue::security::CurveClient::create("no key", *own), rogue::GeneralError);
    CHECK_THROWS_AS(keys->loadClients("/nowhere/at/all"), rogue::GeneralError);
}

TEST_CASE("a read-only server refuses writes") {
    rim::TcpServer::Options options;
    options.read_only = 1;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), true);
    client->start();
    auto master = rim::Master::create();
    *master >> client;
    uint32_t found = 1;
    CHECK(contains(write32(*master, 0x10, 7), "read only"));
    CHECK(read32(*master, 0x10, found) == "");
    CHECK(found == 0);
}

TEST_CASE("a server that drains answers what it has and refuses the rest") {
    Served served;
    auto master = served.newMaster();
    uint32_t found = 1;
    CHECK(read32(*master, 0x10, found) == "");
    CHECK(served.server->drain(LONG_TIMEOUT_US / 1e6) == 0);
    CHECK(contains(read32(*master, 0x10, found), "drains"));
    CHECK(served.server->getStats().draining == 1);
    CHECK(served.server->getStats().refused_draining == 1);
    served.server->stop();
    CHECK_THROWS_AS(served.server->drain(0), rogue::GeneralError);
}

/** The error of an action that must fail. */
template <typename Action>
std::string errorOf(Action action) {
    try {
        action();
    } catch (const rogue::GeneralError &error) {
        return error.what();
    }
    return "";
}

TEST_CASE("a port that is taken is named with the one that was asked for") {
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    const uint16_t port = server->getPort();
    const std::string text = errorOf([&] { rim::TcpServer::create("127.0.0.1", port); });
    CHECK(text.find("memory::TcpServer::TcpServer: General Error: Failed to bind server") == 0);
    CHECK(contains(text, "to port " + std::to_string(port + 1) + " at address 127.0.0.1"));
    CHECK(contains(text, "port " + std::to_string(port) + " was asked for"));
    // Nothing of the failed one is left.
    server->stop();
    CHECK(rim::TcpServer::create("127.0.0.1", port)->getPort() == port);
}

TEST_CASE("an interface that is none is named") {
    const std::vector<std::pair<std::string, std::string>> addresses = {
        {"no-such-if.invalid", "neither an interface of this host, which has "},
        {"fe80::1%no-such-if", "this host has no interface \"no-such-if\", but "},
        {"192.0.2.1", "no interface of this host has that address, but "}};
    for (const auto &address : addresses) {
        const std::string text = errorOf([&] { rim::TcpServer::create(address.first, 9000); });
        CHECK(contains(text, "at address " + address.first + ": "));
        CHECK(contains(text, address.second));
    }
}

TEST_CASE("a server serves at sockets that listen already") {
    // The ports of a server that has stopped follow each other, and are free.
    uint16_t port = 0;
    std::vector<int> descriptors;
    while (descriptors.size() < 2) {
        for (int descriptor : descriptors) {
            close(descriptor);
        }
        descriptors.clear();
        port = rim::TcpServer::create("127.0.0.1", 0)->getPort();
        for (unsigned after = 0; after < 2; after++) {
            sockaddr_in at = {};
            at.sin_family = AF_INET;
            at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            at.sin_port = htons(static_cast<uint16_t>(port + after));
            const int made = socket(AF_INET, SOCK_STREAM, 0);
            const int yes = 1;
            setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            if (bind(made, reinterpret_cast<const sockaddr *>(&at), sizeof at) != 0 ||
                listen(made, 16) != 0) {
                close(made);
                break;
            }
            descriptors.push_back(made);
        }
    }
    rim::TcpServer::Options options;
    options.read_only = 1;
    auto server = rim::TcpServer::adopt(descriptors, options);
    *server >> rim::Emulate::create(4, 0x1000);
    CHECK(server->getPort() == port);
    auto client = rim::TcpClient::create("127.0.0.1", port);
    CHECK(client->waitReady(60, 0.05));
    auto master = rim::Master::create();
    *master >> client;
    uint32_t found = 1;
    CHECK(read32(*master, 0x10, found) == "");
    CHECK(contains(write32(*master, 0x10, 7), "read only"));
    server->stop();
    const std::string text = errorOf([&] {
        rim::TcpServer::adopt({descriptors[1], descriptors[0]});
    });
    CHECK(contains(text, "are no server"));
    // They are the caller's.
    for (int descriptor : descriptors) {
        CHECK(close(descriptor) == 0);
    }
    CHECK(contains(errorOf([&] { rim::TcpServer::adopt(descriptors); }), "Bad file descriptor"));
}

TEST_CASE("an access list says what each client may do") {
    using rogue::security::AccessList;
    auto access = AccessList::create("127.0.0.1 read read-write 0x100..0x1ff # the crew\n");
    rim::TcpServer::Options options;
    options.access_list = access->nativeHandle();
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), true);
    client->start();
    auto master = rim::Master::create();
    *master >> client;
    CHECK(write32(*master, 0x100, 7) == "");
    const std::string refused = write32(*master, 0x200, 7);
    CHECK(contains(refused, "Write of 4 bytes at 0x200 refused: the access list of 127.0.0.1:"));
    CHECK(contains(refused, "lets 127.0.0.1 read everything, and write only 0x100..0x1ff"));
    CHECK(server->getStats().refused_windows == 1);
    CHECK_THROWS_AS(access->setRules("127.0.0.1 all"), rogue::GeneralError);
    CHECK_THROWS_AS(access->loadRules("/nowhere/at/all"), rogue::GeneralError);
    CHECK_THROWS_AS(AccessList::create(""), rogue::GeneralError);
    CHECK_THROWS_AS(AccessList::load("/nowhere/at/all"), rogue::GeneralError);
    access->setRules("::1 none");
    auto stranger = rim::TcpClient::create("127.0.0.1", server->getPort());
    CHECK(!stranger->waitReady(0.3, 0.05));
    access->setRules("* read-write");
    CHECK(stranger->waitReady(60, 0.05));
}

TEST_CASE("an audit records what clients wrote, and an exception in its function goes no further") {
    rogue::Queue<std::string> records;
    auto audit = rogue::security::Audit::create([&](const rogue::security::Audit::Record &record) {
        records.push(std::string(reinterpret_cast<const char *>(record.data), record.data_bytes) +
                     " at " + std::to_string(record.address) + ": " + record.text);
        throw std::runtime_error("an exception that this test wants");
    });
    rim::TcpServer::Options options;
    options.audit = audit->nativeHandle();
    options.read_only = 1;
    auto server = rim::TcpServer::create("127.0.0.1", 0, options);
    *server >> rim::Emulate::create(4, 0x1000);
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort(), true);
    client->start();
    auto master = rim::Master::create();
    *master >> client;
    for (int count = 0; count < 2; ++count) {
        CHECK(contains(write32(*master, 0x10, 0x64636261), "read only"));
        CHECK(contains(records.pop(), "abcd at 16: Write of 4 bytes"));
    }
    audit->flush(LONG_TIMEOUT_US / 1e6);
    CHECK(audit->getStats().delivered == 2);
    CHECK_THROWS_AS(rogue::security::Audit::create(nullptr), rogue::GeneralError);
    CHECK_THROWS_AS(rogue::security::Audit::toFile("/nowhere/at/all"), rogue::GeneralError);
    server->stop();
}
