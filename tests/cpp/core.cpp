// Version, errors, logging, queue and the other small classes.

#include "support.h"

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/GilRelease.h"
#include "rogue/Logging.h"
#include "rogue/Queue.h"
#include "rogue/ScopedGil.h"
#include "rogue/Version.h"
#include "rogue/interfaces/memory/Block.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Variable.h"

#include <rogue_mem.h>

#include <atomic>
#include <thread>
#include <type_traits>

using rogue::Version;

namespace {

/** Hands every log record of the process to the test while it exists. */
class Records {
public:
    Records() {
        rogue_mem_log_sink_t sink = rogue_mem_log_sink_t();
        sink.size = sizeof(sink);
        sink.ctx = this;
        sink.log = [](void *ctx, uint32_t level, const char *name, const char *text, uint64_t,
                      uint32_t, uint64_t,
                      uint32_t) { static_cast<Records *>(ctx)->add(level, name, text); };
        rogue_mem_log_set_sink(&sink);
        rogue::Logging::setEmitStdout(false);
    }
    ~Records() {
        rogue_mem_log_set_sink(nullptr);
        rogue::Logging::setEmitStdout(true);
    }

    /** `level name text` of the records since the last call. */
    std::vector<std::string> take() {
        std::lock_guard<std::mutex> guard(mutex_);
        std::vector<std::string> taken;
        taken.swap(records_);
        return taken;
    }

private:
    void add(uint32_t level, const char *name, const char *text) {
        std::lock_guard<std::mutex> guard(mutex_);
        records_.push_back(std::to_string(level) + " " + name + " " + text);
    }

    std::mutex mutex_;
    std::vector<std::string> records_;
};

} // namespace

TEST_CASE("f28_programs_that_need_a_version_of_rogue_get_an_answer_about_rogue") {
    CHECK(Version::current() == std::string("v") + rogue_mem_interface_version());
    Version::minVersion("6.0.0");
    Version::maxVersion("6.999.0");
    CHECK(Version::greaterThanEqual("6.0.0"));
    CHECK(Version::lessThan("7.0.0"));
    CHECK(Version::getMajor() == 6);
    CHECK_THROWS_AS(Version::minVersion("7.0.0"), rogue::GeneralError);
    CHECK(rogue_mem_version() == std::string(ROGUE_MEM_VERSION));
}

TEST_CASE("the version compares by its three numbers") {
    const std::string current = Version::current();
    const std::string own = std::to_string(Version::getMajor()) + "." +
                            std::to_string(Version::getMinor()) + "." +
                            std::to_string(Version::getMaint());
    CHECK(current == "v" + own);
    CHECK(Version::getDevel() == 0);
    CHECK(Version::pythonVersion() == own);
    CHECK(Version::greaterThanEqual(own));
    CHECK(Version::lessThanEqual(own));
    CHECK_FALSE(Version::greaterThan(own));
    CHECK_FALSE(Version::lessThan(own));
    CHECK(Version::greaterThanEqual("0.0.0"));
    CHECK(Version::lessThan("4000000000.0.0"));
    Version::minVersion(own);
    Version::maxVersion(own);
    Version::exactVersion(own);
    CHECK_THROWS_AS(Version::minVersion("1000.0.0"), rogue::GeneralError);
    CHECK_THROWS_AS(Version::maxVersion("0.0.0"), rogue::GeneralError);
    CHECK_THROWS_AS(Version::exactVersion("0.0.0"), rogue::GeneralError);
}

TEST_CASE("d92_versions_are_parsed_whole") {
    for (const char *good : {"0.0.0", "v0.0.0", "V0.0.0", "v0.0.0-4", "0.0.0-4-gabcdef"}) {
        CHECK_MESSAGE(Version::greaterThanEqual(good), good);
    }
    for (const char *bad :
         {"bad.version", "", "v", "1", "1.2", "1.2.", "1.2.3x", "1.2.3 ", "1.2.3-", "1.2.3-x",
          "1.2.3-4-", "1.2.3.4", "vv1.2.3", "4294967296.0.0", "-1.2.3"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(Version::greaterThanEqual(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::greaterThan(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::lessThanEqual(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::lessThan(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::minVersion(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::maxVersion(bad), rogue::GeneralError);
        CHECK_THROWS_AS(Version::exactVersion(bad), rogue::GeneralError);
    }
}

TEST_CASE("d91_errors_carry_texts_of_any_length") {
    const std::string longText(5000, 'x');
    rogue::GeneralError plain("src", longText);
    CHECK(plain.what() == "src: General Error: " + longText);
    CHECK(std::string(plain.source()) == "src");
    CHECK(plain.text() == longText);
    auto formatted = rogue::GeneralError::create("src", "%s %u", longText.c_str(), 7u);
    CHECK(formatted.text() == longText + " 7");
    const char *foreign = "100% of %s %n";
    CHECK(std::string(rogue::GeneralError::create("src", foreign).text()) == foreign);
    CHECK(std::string(rogue::GeneralError::create("src", std::string(foreign)).text()) == foreign);
    static_assert(std::is_nothrow_copy_constructible<rogue::GeneralError>::value,
                  "an exception is copied while another is in flight");
    static_assert(std::is_base_of<std::exception, rogue::GeneralError>::value, "");
}

TEST_CASE("constants have Rogue's values") {
    CHECK(rim::Read == 1);
    CHECK(rim::Write == 2);
    CHECK(rim::Post == 3);
    CHECK(rim::Verify == 4);
    CHECK(rim::TcpBridgeProbe == 0xFFFFFFFE);
    CHECK(rim::PyFunc == 0x00);
    CHECK(rim::Float4 == 0x0F);
    CHECK(rim::Custom == 0x80);
    CHECK(rogue::Logging::Critical == 50);
    CHECK(rogue::Logging::Error == 40);
    CHECK(rogue::Logging::Thread == 35);
    CHECK(rogue::Logging::Warning == 30);
    CHECK(rogue::Logging::Info == 20);
    CHECK(rogue::Logging::Debug == 10);
}

TEST_CASE("loggers have Rogue's names") {
    CHECK(rogue::Logging::normalizeName("memory.Emulate") == "pyrogue.memory.Emulate");
    CHECK(rogue::Logging::normalizeName("pyrogue.memory.Emulate") == "pyrogue.memory.Emulate");
    CHECK(rogue::Logging::normalizeName("pyrogue") == "pyrogue");
    CHECK(rogue::Logging::normalizeName("pyroguex") == "pyrogue.pyroguex");
    CHECK(rogue::Logging::normalizeName("") == "pyrogue.");
    CHECK(rogue::Logging::create("core.names", true)->name() == "pyrogue.core.names");
}

TEST_CASE("a filter acts on loggers that exist, and what is below it is not emitted") {
    Records records;
    auto log = rogue::Logging::create("core.filter", true);
    log->info("too low");
    CHECK(records.take().empty());
    CHECK_FALSE(log->enabled(rogue::Logging::Info));
    rogue::Logging::setFilter("core.filter", rogue::Logging::Info);
    CHECK(log->enabled(rogue::Logging::Info));
    log->info("number %d", 5);
    log->debug("too low");
    log->log(rogue::Logging::Info, "plain 100%");
    log->critical("c");
    log->error("e");
    log->warning("w %s", "x");
    CHECK(records.take() ==
          std::vector<std::string>{"20 pyrogue.core.filter number 5",
                                   "20 pyrogue.core.filter plain 100%", "50 pyrogue.core.filter c",
                                   "40 pyrogue.core.filter e", "30 pyrogue.core.filter w x"});
    log->logThreadId();
    const auto thread = records.take();
    REQUIRE(thread.size() == 1);
    CHECK(contains(thread[0], "35 pyrogue.core.filter PID="));
    CHECK(contains(thread[0], "TID="));

    rogue::LogFilter filter("core", 5);
    CHECK(filter.name_ == "core");
    CHECK(filter.level_ == 5);
}

TEST_CASE("a filter set after an object exists lets its messages through") {
    Records records;
    auto master = rim::Master::create();
    auto memory = rim::Emulate::create(4, 0x1000);
    *master >> memory;
    rogue::Logging::setFilter("pyrogue.memory.Emulate", rogue::Logging::Debug);
    CHECK(write32(*master, 0, 1) == "");
    CHECK(write32(*master, 4, 1) == "");
    rogue::Logging::setFilter("pyrogue.memory.Emulate", rogue::Logging::Error);
    CHECK(write32(*master, 0x1000, 1) == "");
    const auto seen = records.take();
    REQUIRE(seen.size() == 1);
    CHECK(contains(seen[0], "10 pyrogue.memory.Emulate Allocating block at 0x0."));
}

TEST_CASE("emulated memory takes no more than it may") {
    auto master = rim::Master::create();
    auto memory = rim::Emulate::create(4, 0x1000, 64 * 1024);
    *master >> memory;
    uint32_t written = 0;
    std::string text;
    while (written < 100 && text.empty()) {
        text = write32(*master, 0x10000 * static_cast<uint64_t>(written), 1);
        written += text.empty() ? 1 : 0;
    }
    CHECK(written >= 8);
    CHECK(written <= 16);
    CHECK(contains(text, "raise memory_bytes_max"));
    CHECK(write32(*master, 0, 2) == "");
}

TEST_CASE("d77_a_log_level_is_that_of_one_block") {
    Records records;
    auto failing = FunctionSlave::create([](rim::TransactionPtr t) { t->error("no"); });
    std::vector<rim::VariablePtr> variables;
    std::vector<rim::BlockPtr> blocks;
    for (const char *name : {"core.one", "core.other"}) {
        variables.push_back(rim::Variable::create(name, "RO", 0, 0, 0, {0}, {8}, false, false, true,
                                                  true, rim::UInt, false, false, 0, 0, 0, 0, 0));
        blocks.push_back(rim::Block::create(0, 4));
        blocks.back()->setSlave(failing);
        blocks.back()->addVariables({variables.back()});
        blocks.back()->setEnable(true);
    }
    blocks[0]->setLogLevel(rogue::Logging::Critical);
    CHECK_THROWS_AS(rim::Block::readAll(blocks), rogue::GeneralError);
    auto seen = records.take();
    REQUIRE(seen.size() == 1);
    CHECK(contains(seen[0], "40 pyrogue.memory.block.core.other Error on try 1 out of 1"));
    variables[1]->setLogLevel(rogue::Logging::Critical);
    CHECK_THROWS_AS(rim::Block::readAll(blocks), rogue::GeneralError);
    CHECK(records.take().empty());
}

TEST_CASE("d90_long_messages_are_not_cut") {
    Records records;
    auto log = rogue::Logging::create("core.long", true);
    const std::string text(5000, 'y');
    log->error("%s", text.c_str());
    CHECK(records.take() == std::vector<std::string>{"40 pyrogue.core.long " + text});
}

TEST_CASE("settings of the log can be read back") {
    CHECK(rogue::Logging::emitStdout());
    rogue::Logging::setEmitStdout(false);
    CHECK_FALSE(rogue::Logging::emitStdout());
    rogue::Logging::setEmitStdout(true);
    CHECK_FALSE(rogue::Logging::forwardPython());
    rogue::Logging::setForwardPython(true);
    CHECK(rogue::Logging::forwardPython());
    rogue::Logging::setForwardPython(false);
}

TEST_CASE("a queue is first in, first out, and tells its size") {
    rogue::Queue<int> queue;
    CHECK(queue.empty());
    queue.setThold(2);
    queue.push(1);
    CHECK_FALSE(queue.busy());
    queue.push(2);
    CHECK(queue.busy());
    CHECK(queue.size() == 2);
    CHECK(queue.pop() == 1);
    CHECK(queue.pop() == 2);
    queue.push(3);
    queue.reset();
    CHECK(queue.empty());
}

TEST_CASE("a full queue makes the producer wait, and stop releases everybody") {
    rogue::Queue<int> queue;
    queue.setMax(2);
    const int count = 1000;
    std::thread producer([&] {
        for (int i = 1; i <= count; ++i) {
            queue.push(i);
        }
    });
    int wrong = 0;
    uint32_t largest = 0;
    for (int i = 1; i <= count; ++i) {
        largest = std::max(largest, queue.size());
        wrong += queue.pop() == i ? 0 : 1;
    }
    producer.join();
    CHECK(wrong == 0);
    CHECK(largest <= 2);

    queue.push(1);
    queue.push(2);
    std::thread blocked([&] { queue.push(3); });
    queue.stop();
    blocked.join();
    CHECK(queue.pop() == 0);
    rogue::Queue<int> empty;
    std::thread waiting([&] { CHECK(empty.pop() == 0); });
    empty.stop();
    waiting.join();
}

TEST_CASE("shared_from_this works through several bases") {
    class A : public rogue::EnableSharedFromThis<A> {};
    class B : public rogue::EnableSharedFromThis<B> {};
    class Both : public A, public B {};
    auto both = std::make_shared<Both>();
    std::shared_ptr<A> a = both->A::shared_from_this();
    std::shared_ptr<B> b = both->B::shared_from_this();
    CHECK(a == both);
    CHECK(b == both);
    CHECK(both.use_count() == 3);
    Both onTheStack;
    CHECK_THROWS_AS(onTheStack.A::shared_from_this(), std::bad_weak_ptr);
}

TEST_CASE("code written for Python builds compiles and runs") {
    rogue::GilRelease noGil;
    rogue::ScopedGil gil;
    noGil.acquire();
    noGil.release();
    CHECK(true);
}
