// A server and clients in processes of their own: this program runs itself.

// With a main() of its own, which the framework then leaves out.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support.h"

#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::string ownPath;

/** Addresses from here on fail, with this text before the address. */
const uint64_t BAD_ADDRESS = 0x80000000;

/** Another instance of this program, with a pipe to its input and one from its output. */
class Child {
public:
    explicit Child(const std::vector<std::string> &arguments) {
        int in[2], out[2];
        REQUIRE(pipe(in) == 0);
        REQUIRE(pipe(out) == 0);
        // Or a child started later would hold this one's input open.
        fcntl(in[1], F_SETFD, FD_CLOEXEC);
        fcntl(out[0], F_SETFD, FD_CLOEXEC);
        std::vector<char *> argv;
        argv.push_back(&ownPath[0]);
        std::vector<std::string> copies = arguments;
        for (std::string &argument : copies) {
            argv.push_back(&argument[0]);
        }
        argv.push_back(nullptr);
        pid_ = fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            ::close(in[0]);
            ::close(out[1]);
            execv(argv[0], argv.data());
            _exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        output_ = fdopen(out[0], "r");
    }

    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    ~Child() {
        if (pid_ > 0) {
            kill();
        }
        fclose(output_);
    }

    /** A line of its output, without the end; "" at the end of the output. */
    std::string line() {
        char text[256];
        if (fgets(text, sizeof(text), output_) == nullptr) {
            return "";
        }
        return std::string(text, std::strcspn(text, "\n"));
    }

    /** Ends its input, waits for its end and tells its exit status; -1 if it was killed. */
    int finish() {
        ::close(input_);
        return reap();
    }

    /** Ends it without warning. */
    void kill() {
        ::kill(pid_, SIGKILL);
        ::close(input_);
        reap();
    }

private:
    int reap() {
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    pid_t pid_ = -1;
    int input_ = -1;
    FILE *output_ = nullptr;
};

/** Port of a server that was just started. */
uint16_t portOf(Child &server) {
    const std::string line = server.line();
    REQUIRE(contains(line, "port "));
    return static_cast<uint16_t>(std::stoul(line.substr(5)));
}

/** What a server and its clients do to save time, as arguments of their processes. */
struct Speed {
    bool direct;
    bool duplex;
    uint32_t spin_us;

    explicit Speed(char **arguments)
        : direct(std::string(arguments[0]) == "1"), duplex(std::string(arguments[1]) == "1"),
          spin_us(static_cast<uint32_t>(std::stoul(arguments[2]))) {}

    Speed(bool direct, bool duplex, uint32_t spin_us)
        : direct(direct), duplex(duplex), spin_us(spin_us) {}

    std::vector<std::string> after(std::vector<std::string> arguments) const {
        arguments.push_back(direct ? "1" : "0");
        arguments.push_back(duplex ? "1" : "0");
        arguments.push_back(std::to_string(spin_us));
        return arguments;
    }

    rim::TcpClient::Options client() const {
        rim::TcpClient::Options options = {};
        options.no_direct = !direct;
        options.no_duplex = !duplex;
        options.spin_us = spin_us;
        return options;
    }

    rim::TcpServer::Options server() const {
        rim::TcpServer::Options options = {};
        options.no_duplex = !duplex;
        options.spin_us = spin_us;
        return options;
    }
};

const Speed DEFAULT_SPEED(true, true, 0);

/** The server process: a memory, and an address range that fails; until its input ends. */
int serve(uint16_t port, const Speed &speed) {
    class Memory : public rim::Emulate {
    public:
        Memory() : rim::Emulate(4, 0x1000) {}
        void doTransaction(rim::TransactionPtr t) override {
            if (t->address() >= BAD_ADDRESS) {
                t->error("nothing at 0x%llx", static_cast<unsigned long long>(t->address()));
            } else {
                rim::Emulate::doTransaction(t);
            }
        }
    };
    auto server = rim::TcpServer::create("127.0.0.1", port, speed.server());
    *server >> std::make_shared<Memory>();
    std::printf("port %u\n", static_cast<unsigned>(server->getPort()));
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    server->stop();
    return 0;
}

/** Operations in a window of its own, compared with a model. */
int operate(const rim::TcpClientPtr &client, uint32_t number, uint32_t count) {
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    std::mt19937 random(number);
    std::vector<uint8_t> model(0x400, 0);
    const uint64_t base = 0x10000 * static_cast<uint64_t>(number);
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t size = 4 * (1 + random() % 8);
        const uint32_t offset = 4 * (random() % ((0x400 - size) / 4));
        const auto expected = model.begin() + offset;
        std::vector<uint8_t> data(size);
        const bool writes = random() % 2 == 0;
        if (writes) {
            for (uint8_t &octet : data) {
                octet = static_cast<uint8_t>(random());
            }
            std::copy(data.begin(), data.end(), expected);
        }
        const bool plain = random() % 2 == 0;
        const uint32_t type =
            writes ? (plain ? rim::Write : rim::Post) : (plain ? rim::Read : rim::Verify);
        if (request(*master, base + offset, data, type) != "") {
            return 10;
        }
        if (!std::equal(data.begin(), data.end(), expected)) {
            return 11;
        }
    }
    return 0;
}

/** A client process: threads that share a client, and wait at once. */
int operate(uint16_t port, uint32_t number, uint32_t count, uint32_t threadCount,
            const Speed &speed) {
    auto client = rim::TcpClient::create("127.0.0.1", port, speed.client());
    std::vector<int> outcomes(threadCount, -1);
    std::vector<std::thread> threads;
    for (uint32_t thread = 0; thread < threadCount; ++thread) {
        threads.emplace_back([&outcomes, client, number, count, threadCount, thread] {
            outcomes[thread] = operate(client, number * threadCount + thread, count);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    return *std::max_element(outcomes.begin(), outcomes.end());
}

} // namespace

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    ownPath = argv[0];
    const auto number = [argv](int at) { return static_cast<uint32_t>(std::stoul(argv[at])); };
    if (argc == 6 && std::strcmp(argv[1], "serve") == 0) {
        return serve(static_cast<uint16_t>(number(2)), Speed(argv + 3));
    }
    if (argc == 9 && std::strcmp(argv[1], "operate") == 0) {
        return operate(static_cast<uint16_t>(number(2)), number(3), number(4), number(5),
                       Speed(argv + 6));
    }
    return doctest::Context(argc, argv).run();
}

TEST_CASE("one process serves what another reads and writes") {
    Child server(DEFAULT_SPEED.after({"serve", "0"}));
    auto client = rim::TcpClient::create("127.0.0.1", portOf(server));
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    CHECK(client->waitReady(30.0, 0.05));
    uint32_t value = 0;
    CHECK(write32(*master, 0x10, 0x12345678) == "");
    CHECK(read32(*master, 0x10, value) == "");
    CHECK(value == 0x12345678);
    CHECK(read32(*master, BAD_ADDRESS + 4, value) == "nothing at 0x80000004");
    CHECK(server.finish() == 0);
    // The connection is gone: nothing hangs, and the error says so.
    master->setTimeout(300 * 1000);
    CHECK_FALSE(read32(*master, 0x10, value).empty());
}

TEST_CASE("a server's sudden death fails what is under way, and a new one is found") {
    auto first = std::make_shared<Child>(DEFAULT_SPEED.after({"serve", "0"}));
    const uint16_t port = portOf(*first);
    auto client = rim::TcpClient::create("127.0.0.1", port);
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> client;
    uint32_t value = 0;
    CHECK(write32(*master, 0, 1) == "");
    first->kill();
    // Waits for the new server's connection, or fails because the old one just went.
    std::vector<uint32_t> values(100);
    for (uint32_t &one : values) {
        master->reqTransaction(0, 4, &one, rim::Read);
    }
    Child second(DEFAULT_SPEED.after({"serve", std::to_string(port)}));
    CHECK(portOf(second) == port);
    master->waitTransaction(0);
    CHECK(client->waitReady(30.0, 0.05));
    CHECK(write32(*master, 0x10, 2) == "");
    CHECK(read32(*master, 0x10, value) == "");
    CHECK(value == 2);
    client->stop();
    CHECK(second.finish() == 0);
}

/** Four client processes, each with several threads and many operations. */
void checkFourClients(const Speed &speed, uint32_t count, uint32_t threadCount) {
    Child server(speed.after({"serve", "0"}));
    const std::string port = std::to_string(portOf(server));
    std::vector<std::unique_ptr<Child>> clients;
    for (int number = 0; number < 4; ++number) {
        clients.emplace_back(
            new Child(speed.after({"operate", port, std::to_string(number), std::to_string(count),
                                   std::to_string(threadCount)})));
    }
    for (auto &client : clients) {
        CHECK(client->finish() == 0);
    }
    CHECK(server.finish() == 0);
}

TEST_CASE("d14_four_client_processes_never_see_each_others_answers") {
    checkFourClients(DEFAULT_SPEED, underMemcheck() ? 200 : 100000, 1);
}

TEST_CASE("d14_nor_do_the_threads_of_four_processes_by_any_way_of_saving_time") {
    // Every two values of the three occur together.
    const Speed pairs[] = {
        Speed(true, true, ROGUE_MEM_SPIN_NEVER),
        Speed(false, false, ROGUE_MEM_SPIN_NEVER),
        Speed(true, false, 0),
        Speed(false, true, 0),
        Speed(true, true, 200),
        Speed(false, false, 200),
    };
    for (const Speed &speed : pairs) {
        checkFourClients(speed, underMemcheck() ? 20 : 5000, 3);
    }
    checkFourClients(DEFAULT_SPEED, underMemcheck() ? 20 : 5000, 3);
}
