// Source forms of programs written for Rogue. Compiling is most of the test; each is run as well.

// Helpers.h comes first on purpose: it must compile alone.
#include "rogue/Helpers.h"

#include "support.h"

#include "rogue/GeneralError.h"
#include "rogue/Logging.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpServer.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <type_traits>

namespace ris = rogue::interfaces::stream;
namespace rps = rogue::protocols::srp;

namespace {

// Without TransactionLock.h.
struct MySlave : rim::Slave {
    MySlave() : rim::Slave(4, 1024) {}
    void doTransaction(rim::TransactionPtr t) override {
        auto lock = t->lock();
        if (t->expired()) {
            return;
        }
        if (t->type() == rim::Write || t->type() == rim::Post) {
            std::copy(t->begin(), t->end(), stored);
        } else {
            std::copy(stored, stored + t->size(), t->begin());
        }
        t->done();
    }
    uint8_t stored[1024] = {};
};

struct MyHub : rim::Hub {
    MyHub() : rim::Hub(0x100, 0, 0) {}
    void doTransaction(rim::TransactionPtr t) override {
        auto lock = t->lock();
        clearError();
        const uint32_t id =
            reqTransaction(t->address() + getOffset(), t->size(), t->begin(), t->type());
        waitTransaction(id);
        seenAddress = getAddress();
        seenSlave = getSlave();
        const std::string error = getError();
        if (error.empty()) {
            t->done();
        } else {
            t->error(error);
        }
    }
    uint64_t seenAddress = 0;
    rim::SlavePtr seenSlave;
};

struct MyMaster : rim::Master {
    static std::shared_ptr<MyMaster> create() { return std::make_shared<MyMaster>(); }
    uint32_t read(uint64_t address) {
        uint32_t value = 0;
        waitTransaction(reqTransaction(address, 4, &value, rim::Read));
        return value;
    }
    void write(uint64_t address, uint32_t value) {
        waitTransaction(reqTransaction(address, 4, &value, rim::Write));
    }
};

struct Server : rim::TcpServer {
    using TcpServer::TcpServer;
};

struct AllInOne : public ris::Master, public ris::Slave, public rim::Slave {
    AllInOne() : rim::Slave(4, 4) {}
    void acceptFrame(ris::FramePtr frame) override { last = frame; }
    void doTransaction(rim::TransactionPtr t) override { t->error("not here"); }
    ris::FramePtr last;
};

struct StreamingHub : public ris::Master, public rim::Hub {
    StreamingHub() : rim::Hub(0, 0, 0) {}
};

template <typename Expected, typename Actual>
void requireType(const Actual &) {
    static_assert(std::is_same<Expected, Actual>::value, "the operand keeps its type");
}

} // namespace

TEST_CASE("a master connects to a slave pointer in each documented way") {
    auto m = rim::Master::create();
    rim::SlavePtr s = rim::Emulate::create(4, 0x1000);
    requireType<rim::SlavePtr>(*m >> s);
    CHECK(m->getSlave() == s);

    auto derived = std::make_shared<MySlave>();
    m->setSlave(derived);
    CHECK(m->getSlave() == derived);
    rogueBusConnect(m, s);
    CHECK(m->getSlave() == s);
    CHECK(write32(*m, 0, 5) == "");
}

TEST_CASE("d50_any_slave_pointer_connects_named_or_temporary") {
    auto m = rim::Master::create();
    auto emulate = rim::Emulate::create(4, 0x1000);
    requireType<rim::EmulatePtr>(*m >> emulate);
    CHECK(m->getSlave() == emulate);
    requireType<rim::EmulatePtr>(*m >> rim::Emulate::create(4, 0x1000));
    CHECK(m->getSlave() != emulate);
    const auto constant = std::make_shared<MySlave>();
    requireType<std::shared_ptr<MySlave>>(*m >> constant);
    CHECK(m->getSlave() == constant);

    auto tcp = rim::TcpServer::create("127.0.0.1", 0);
    auto srpv3 = rps::SrpV3::create();
    *tcp >> srpv3;
    CHECK(tcp->getSlave() == srpv3);
    requireType<rim::TcpServerPtr>(*emulate << tcp);
    CHECK(tcp->getSlave() == emulate);
}

TEST_CASE("d51_documented_chains_connect_from_both_ends") {
    auto masterA = rim::Master::create();
    auto masterB = MyMaster::create();
    auto hubA = rim::Hub::create(0x1000, 0, 0);
    auto hubB = rim::Hub::create(0x2000, 0, 0);
    auto memory = rim::Emulate::create(4, 0x1000);

    *(*masterA >> hubA) >> memory;
    requireType<std::shared_ptr<MyMaster>>(*(*memory << hubB) << masterB);

    CHECK(write32(*masterA, 0x1010, 0xCAFE) == "");
    CHECK(masterB->read(0x0010) == 0xCAFE);

    auto srp = rps::SrpV3::create();
    *(*masterA >> hubA) >> srp;
    *(*srp << hubB) << masterB;
    CHECK(hubA->getSlave() == srp);
    CHECK(hubB->getSlave() == srp);
}

TEST_CASE("d52_stop_is_not_ambiguous") {
    rim::Hub::create(0, 0, 0)->stop();
    rps::SrpV3::create()->stop();
    rps::SrpV3Emulation::create()->stop();
    std::make_shared<AllInOne>()->stop();
    std::make_shared<MyHub>()->stop();
    std::make_shared<StreamingHub>()->stop();
    rim::SlavePtr slave = rim::Hub::create(0, 0, 0);
    slave->stop();
    rim::MasterPtr master = rim::Hub::create(0, 0, 0);
    master->stop();
    CHECK(true);
}

TEST_CASE("d53_connection_macros_are_single_statements") {
    auto m = rim::Master::create();
    auto one = rim::Emulate::create(4, 4);
    auto other = rim::Emulate::create(4, 4);
    // As the body of an if, with and without a semicolon.
    const bool never = m == nullptr;
    rogueBusConnect(m, one);
    if (never)
        rogueBusConnect(m, other);
    CHECK(m->getSlave() == one);
    // clang-format off
    if (!never)
        rogueBusConnect(m, never ? one : other)
            // clang-format on
            CHECK(m->getSlave() == other);

    auto a = std::make_shared<AllInOne>();
    auto b = std::make_shared<AllInOne>();
    if (never)
        rogueStreamConnectBiDir(a, b);
    CHECK(a->slaveCount() == 0);
    CHECK(b->slaveCount() == 0);
    rogueStreamConnectBiDir(a, never ? a : b);
    CHECK(a->slaveCount() == 1);
    CHECK(b->slaveCount() == 1);
    rogueStreamConnect(a, b);
    rogueStreamTap(a, b);
    CHECK(a->slaveCount() == 3);
    a->stop();
    b->stop();

    struct timeval timeout;
    rogue::defaultTimeout(timeout);
    CHECK(timeout.tv_sec == 1);
    CHECK(timeout.tv_usec == 0);
    CHECK(ROGUE_DEFAULT_TIMEOUT == 1000000);
}

TEST_CASE("d54_error_takes_a_string_and_errors_can_be_cleared") {
    auto m = rim::Master::create();
    *m >> FunctionSlave::create([](rim::TransactionPtr t) { t->error(std::string("100% %s")); });
    uint32_t value = 0;
    CHECK(read32(*m, 0, value) == "100% %s");
    CHECK(m->getError() == "100% %s");
    m->clearError();
    CHECK(m->getError() == "");
}

TEST_CASE("a slave needs no header but its own") {
    auto m = MyMaster::create();
    *m >> std::make_shared<MySlave>();
    m->write(0, 0x01020304);
    CHECK(m->read(0) == 0x01020304);
}

TEST_CASE("a hub can make requests of its own") {
    auto m = MyMaster::create();
    auto hub = std::make_shared<MyHub>();
    auto memory = MemorySlave::create();
    *(*m >> hub) >> memory;
    m->write(0x20, 7);
    CHECK(memory->takeSeen() == std::vector<Seen>{{rim::Write, 0x120, 4, octets(7)}});
    CHECK(m->read(0x20) == 7);
    CHECK(hub->seenAddress == 0x100);
    CHECK(hub->seenSlave == memory);
}

TEST_CASE("loggers and errors are used in the documented forms") {
    rogue::LoggingPtr log_ = rogue::Logging::create("forms");
    log_->warning("x=%u", 5u);
    log_->log(rogue::Logging::Debug, "%s", "text");
    const char *what = "text";
    CHECK_THROWS_WITH_AS(throw(rogue::GeneralError::create("src", "fmt %s", what)),
                         "src: General Error: fmt text", rogue::GeneralError);
    try {
        throw(rogue::GeneralError("src", "text"));
    } catch (rogue::GeneralError &e) {
        CHECK(std::string(e.what()) == "src: General Error: text");
    }
}

TEST_CASE("a server's constructors are inherited") {
    auto server = std::make_shared<Server>("127.0.0.1", 0);
    CHECK(server->getPort() != 0);
    auto memory = rim::Emulate::create(4, 0x1000);
    *server >> memory;
    CHECK(server->getSlave() == memory);
}

TEST_CASE("one object can have all bases at once") {
    auto x = std::make_shared<AllInOne>();
    CHECK(x->ris::Master::shared_from_this() == x);
    CHECK(x->ris::Slave::shared_from_this() == x);
    CHECK(x->rim::Slave::shared_from_this() == x);

    auto source = ris::Master::create();
    auto m = rim::Master::create();
    requireType<std::shared_ptr<AllInOne>>(*source >> x);
    *m >> x;
    uint32_t value = 0;
    CHECK(read32(*m, 0, value) == "not here");
    source->sendFrame(source->reqFrame(8, true));
    CHECK(x->last != nullptr);
    CHECK(x->getFrameCount() == 1);
}
