// Blocks and variables as a program uses them.

#include "registers.h"

#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/memory/TcpClient.h"
#include "rogue/interfaces/memory/TcpServer.h"

#include <atomic>
#include <csignal>
#include <limits>
#include <thread>
#include <type_traits>

#include <sys/wait.h>
#include <unistd.h>

namespace {

/** An enabled block with variables over a slave. */
rim::BlockPtr blockOf(const rim::SlavePtr &slave, uint64_t offset, uint32_t size,
                      const std::vector<rim::VariablePtr> &variables) {
    auto block = rim::Block::create(offset, size);
    block->setSlave(slave);
    block->setTimeout(LONG_TIMEOUT_US);
    block->addVariables(variables);
    block->setEnable(true);
    return block;
}

/** The types of the requests since the last call. */
std::vector<uint32_t> takeTypes(MemorySlave &slave) {
    std::vector<uint32_t> types;
    for (const Seen &seen : slave.takeSeen()) {
        types.push_back(seen.type);
    }
    return types;
}

/** Checks that a call throws, with texts in its source and its text. */
void checkRefused(const std::string &source, const std::string &text,
                  const std::function<void()> &call) {
    try {
        call();
        FAIL_CHECK("nothing was thrown instead of: " << text);
    } catch (const rogue::GeneralError &e) {
        CHECK(e.source() == source);
        CHECK_MESSAGE(contains(e.text(), text), e.text() << " instead of " << text);
    }
}

} // namespace

// --- what Rogue's own tests pin ------------------------------------------------------------------

TEST_CASE("a set is written and verified, and a get is read, with nothing else around it") {
    auto slave = MemorySlave::create(1, 0x1000);
    auto variable = rim::Variable::create("v", "RW", 0, 0, 0, {0}, {32}, false, true, false, false,
                                          rim::UInt, false, false, 0, 0, 0, 0, 0);
    variable->updatePath("Top.v");
    auto block = rim::Block::create(0x100, 4);
    block->setSlave(slave);
    block->addVariables({variable});
    block->setEnable(true);
    uint64_t value = 0x12345678;
    variable->setUInt(value);
    const std::vector<uint8_t> data = octets(0x12345678);
    CHECK(slave->takeSeen() ==
          std::vector<Seen>{{rim::Write, 0x100, 4, data}, {rim::Verify, 0x100, 4, {}}});
    CHECK(variable->getUInt() == value);
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Read, 0x100, 4, {}}});
}

TEST_CASE("d60_every_access_has_multiples_of_the_smallest_one") {
    auto slave = MemorySlave::create(4, 0x1000);
    auto variable = field("v", rim::UInt, 8, 8);
    auto block = blockOf(slave, 0x100, 4, {variable});
    variable->setUInt(0xAB);
    CHECK(slave->takeSeen() ==
          std::vector<Seen>{{rim::Write, 0x100, 4, {0, 0xAB, 0, 0}}, {rim::Verify, 0x100, 4, {}}});
    CHECK(variable->getUInt() == 0xAB);
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Read, 0x100, 4, {}}});
}

TEST_CASE("a device that reads back something else is told, after a write and a verify") {
    std::vector<uint32_t> types;
    auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
        types.push_back(t->type());
        auto lock = t->lock();
        if (t->type() == rim::Verify) {
            std::fill(t->begin(), t->end(), uint8_t{0xEE});
        }
        t->done();
    });
    auto variable = field("v", rim::UInt, 0, 32);
    auto block = blockOf(slave, 0x100, 4, {variable});
    checkRefused("Block::checkTransaction",
                 "Verify error for block v with address 0x00000100. Byte: 0. Got: 0xee, Exp: 0x78, "
                 "Mask: 0xff",
                 [&] { variable->setUInt(0x12345678); });
    CHECK(types == std::vector<uint32_t>{rim::Write, rim::Verify});
}

TEST_CASE("a variable tells what it was made from, and where it is") {
    auto variable = rim::Variable::create("v", "RO", -1.5, 2.5, 4, {0, 16}, {8, 8}, true, false,
                                          true, true, rim::Int, true, false, 3, 0, 0, 0, 7);
    CHECK(variable->name() == "v");
    CHECK(variable->path() == "v");
    const std::string &former = variable->path();
    variable->updatePath("Top.Dev.v");
    CHECK(variable->path() == "Top.Dev.v");
    CHECK(former == "v");
    CHECK(variable->mode() == "RO");
    CHECK(variable->minimum() == -1.5);
    CHECK(variable->maximum() == 2.5);
    CHECK(variable->modelId() == rim::Int);
    CHECK(variable->bitTotal() == 16);
    CHECK(variable->byteSize() == 2);
    CHECK(variable->overlapEn());
    CHECK_FALSE(variable->verifyEn());
    CHECK(variable->bulkOpEn());
    CHECK(variable->numValues() == 0);
    CHECK(variable->valueBits() == 16);
    CHECK(variable->valueBytes() == 2);
    CHECK(variable->valueStride() == 16);
    CHECK(variable->retryCount() == 7);
    CHECK(variable->varBytes() == 3);
    CHECK(variable->offset() == 4);
    variable->shiftOffsetDown(1, 4);
    CHECK(variable->offset() == 3);
    CHECK(variable->varBytes() == 4);
    CHECK(list("l", rim::UInt, 4, 8, 16)->varBytes() == 7);
}

TEST_CASE("elements of a list are where their stride puts them") {
    auto slave = MemorySlave::create(1, 0x1000);
    auto variable = list("l", rim::UInt, 4, 8, 16);
    auto block = blockOf(slave, 0, 8, {variable});
    variable->setUInt(0x11, 0);
    variable->setUInt(0x33, 2);
    CHECK(variable->getUInt(2) == 0x33);
    CHECK(variable->getUInt(0) == 0x11);
    slave->takeSeen();
    variable->read();
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Read, 0, 7, {}}});
    CHECK(block->getUInt(variable.get(), 1) == 0);
    for (int32_t index : {4, 5, 1 << 30, -2}) {
        const std::string out =
            "Index " + std::to_string(static_cast<uint32_t>(index)) + " is out of range for l";
        checkRefused("Block::setBytes", out, [&] { variable->setUInt(1, index); });
        checkRefused("Block::getBytes", out, [&] { variable->getUInt(index); });
    }
    CHECK(slave->takeSeen().empty());
}

TEST_CASE("an index out of range is refused each time, and keeps nothing") {
    const uint32_t bits = 256 * 8;
    auto variable = list("l", rim::Bytes, 2, bits, bits, {{"byte_reverse", true}});
    auto block = blockOf(MemorySlave::create(), 0, 512, {variable});
    std::vector<uint8_t> element(256, 0x5A);
    const int rounds = underMemcheck() ? 20 : 2000;
    for (int round = 0; round < rounds; ++round) {
        CHECK_THROWS_AS(variable->setByteArray(element.data(), 2), rogue::GeneralError);
        CHECK_THROWS_AS(block->getByteArray(element.data(), variable.get(), 2),
                        rogue::GeneralError);
    }
    variable->setByteArray(element.data(), 1);
    std::vector<uint8_t> back(256);
    variable->getByteArray(back.data(), 1);
    CHECK(back == element);
}

TEST_CASE("a slave that drops two of three transactions is tried again until it answers") {
    std::atomic<unsigned> count{0};
    auto memory = MemorySlave::create(4, 0x1000);
    auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
        if (++count % 3 == 0) {
            memory->doTransaction(t);
        }
    });
    auto wide = field("wide", rim::UInt, 0, 16, {{"retry_count", 3}});
    auto narrow = field("narrow", rim::UInt, 16, 8, {{"retry_count", 3}});
    auto block = blockOf(slave, 0, 4, {wide, narrow});
    block->setTimeout(10000);
    for (uint64_t round = 0; round < (underMemcheck() ? 2u : 10u); ++round) {
        wide->setUInt(0x1000 + round);
        narrow->setUInt(round);
        CHECK(wide->getUInt() == 0x1000 + round);
        CHECK(narrow->getUInt() == round);
    }
}

TEST_CASE("an answer that does not come is told, and the block goes on") {
    bool answers = false;
    auto memory = MemorySlave::create(4, 0x1000);
    auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
        if (answers) {
            memory->doTransaction(t);
        }
    });
    auto variable = field("v", rim::UInt, 0, 32);
    auto block = blockOf(slave, 0, 4, {variable});
    block->setTimeout(SHORT_TIMEOUT_US);
    checkRefused("Block::checkTransaction", "Timeout waiting for register transaction",
                 [&] { variable->getUInt(); });
    answers = true;
    block->setTimeout(LONG_TIMEOUT_US);
    variable->setUInt(5);
    CHECK(variable->getUInt() == 5);
}

TEST_CASE("what is staged meanwhile is not verified") {
    auto memory = MemorySlave::create(4, 0x1000);
    rim::BlockPtr block;
    rim::VariablePtr other = field("other", rim::UInt, 32, 32);
    auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
        if (t->type() == rim::Verify) {
            block->setUInt(0xFFFF, other.get(), -1);
        }
        memory->doTransaction(t);
    });
    rim::VariablePtr variable = field("v", rim::UInt, 0, 32);
    block = blockOf(slave, 0, 8, {variable, other});
    for (uint64_t round = 0; round < 50; ++round) {
        block->setUInt(round, variable.get(), -1);
        block->setUInt(round, other.get(), -1);
        block->write(variable.get());
        CHECK(variable->getUInt() == round);
    }
}

TEST_CASE("two threads stage values of one block, and each finds its own") {
    auto numbers = list("numbers", rim::UInt, 4, 32, 32);
    auto swapped = rim::Variable::create("swapped", "RW", 0, 0, 0, {128}, {16}, false, true, true,
                                         true, rim::UInt, true, false, 0, 0, 0, 0, 0);
    auto block = rim::Block::create(0, 18);
    block->addVariables({numbers, swapped});
    const uint64_t rounds = underMemcheck() ? 200 : 20000;
    std::atomic<unsigned> wrong{0};
    std::thread other([&] {
        for (uint64_t round = 0; round < rounds; ++round) {
            block->setUInt(round & 0xFFFF, swapped.get(), -1);
            wrong += block->getUInt(swapped.get(), -1) != (round & 0xFFFF);
        }
    });
    for (uint64_t round = 0; round < rounds; ++round) {
        block->setValues<uint64_t>({round, round + 1, round + 2, round + 3}, numbers.get());
        wrong += block->getUInt(numbers.get(), 3) != round + 3;
    }
    other.join();
    CHECK(wrong == 0);
}

TEST_CASE("variables that may overlap see each other's bits, staged and read back") {
    auto words = list("words", rim::UInt, 4, 32, 32, {{"overlap_en", true}, {"bulk_op_en", false}});
    auto low = field("low", rim::UInt, 0, 8, {{"overlap_en", true}});
    auto middle = field("middle", rim::UInt, 40, 16, {{"overlap_en", true}});
    auto block = blockOf(rim::Emulate::create(4, 0x1000), 0x200, 16, {words, low, middle});
    words->setValues<uint32_t>({0x11223344, 0x55667788, 0, 0});
    CHECK(low->getUInt() == 0x44);
    CHECK(middle->getUInt() == 0x6677);
    block->setUInt(0xAB, low.get(), -1);
    CHECK(block->getUInt(words.get(), 0) == 0x112233AB);
    middle->setUInt(0xCDEF);
    CHECK(words->getUInt(1) == 0x55CDEF88);
    CHECK(words->getUInt(0) == 0x112233AB);
}

TEST_CASE("values of every kind reach the device and come back") {
    auto memory = rim::Emulate::create(4, 0x1000);
    auto uint17 = field("uint17", rim::UInt, 0, 17);
    auto int12 = field("int12", rim::Int, 17, 12);
    auto int5 = field("int5", rim::Int, 29, 5);
    auto flag = field("flag", rim::Bool, 34, 1);
    auto text = field("text", rim::String, 64, 32);
    auto single = field("single", rim::Float, 96, 32);
    auto wide = field("wide", rim::Double, 128, 64);
    auto fixed = field("fixed", rim::Fixed, 192, 40, {{"bin_point", 8}});
    auto ufixed = field("ufixed", rim::UFixed, 232, 24, {{"bin_point", 4}});
    auto half = field("half", rim::Float16, 256, 16);
    auto bytes = field("bytes", rim::Bytes, 272, 48);
    auto huge = field("huge", rim::Int, 320, 80);
    auto block =
        blockOf(memory, 0, 64,
                {uint17, int12, int5, flag, text, single, wide, fixed, ufixed, half, bytes, huge});
    uint17->setUInt(0x1FFFF);
    int12->setInt(-2048);
    int5->setInt(-3);
    flag->setBool(true);
    text->setString("abcd");
    single->setFloat(1.25f);
    wide->setDouble(-1e300);
    fixed->setFixed(-1234.5);
    ufixed->setFixed(99.0625);
    half->setFloat16(-0.5f);
    const uint8_t sent[6] = {1, 2, 3, 4, 5, 6};
    bytes->setByteArray(sent);
    const uint8_t negative[10] = {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    huge->setByteArray(negative);

    CHECK(uint17->getUInt() == 0x1FFFF);
    CHECK(int12->getInt() == -2048);
    CHECK(int5->getInt() == -3);
    CHECK(flag->getBool());
    CHECK(text->getString() == "abcd");
    CHECK(single->getFloat() == 1.25f);
    CHECK(wide->getDouble() == -1e300);
    CHECK(fixed->getFixed() == -1234.5);
    CHECK(ufixed->getFixed() == 99.0625);
    CHECK(half->getFloat16() == -0.5f);
    uint8_t back[10] = {};
    bytes->getByteArray(back);
    CHECK(std::equal(sent, sent + 6, back));
    huge->getByteArray(back);
    CHECK(std::equal(negative, negative + 10, back));

    std::string shown = "?";
    text->getString(shown);
    CHECK(shown == "abcd");
    text->setString("x");
    text->getValue(shown);
    CHECK(shown == "x");
    block->getString(text.get(), shown, -1);
    block->getValue(text.get(), shown, -1);
    CHECK(shown == "x");
    CHECK(text->getDumpValue(true) == "text = x\n");
    CHECK(huge->getDumpValue(false) == "huge = 0xfffffffffffffffffffe\n");
}

TEST_CASE("variables of several blocks are staged, written and verified in one call each") {
    auto slave = MemorySlave::create(4, 0x1000);
    std::vector<rim::VariablePtr> variables;
    std::vector<rim::BlockPtr> blocks;
    for (uint32_t at = 0; at < 4; ++at) {
        variables.push_back(field("low" + std::to_string(at), rim::UInt, 0, 16));
        variables.push_back(field("high" + std::to_string(at), rim::UInt, 16, 16));
        blocks.push_back(blockOf(slave, 0x10 * at, 4, {variables[2 * at], variables[2 * at + 1]}));
    }
    const auto stageAll = [&](uint64_t value) {
        for (size_t at = 0; at < variables.size(); ++at) {
            blocks[at / 2]->setUInt(value + at, variables[at].get(), -1);
        }
    };
    stageAll(0x100);
    rim::Block::writeAll(blocks);
    CHECK(takeTypes(*slave) == std::vector<uint32_t>{rim::Write, rim::Write, rim::Write, rim::Write,
                                                     rim::Verify, rim::Verify, rim::Verify,
                                                     rim::Verify});
    rim::Block::writeAll(blocks);
    CHECK(slave->takeSeen().empty());
    rim::Block::writeAll(blocks, true);
    CHECK(slave->takeSeen().size() == 8);
    stageAll(0);
    rim::Block::writeAll(blocks);
    for (size_t at = 0; at < variables.size(); ++at) {
        CHECK(variables[at]->getUInt() == at);
    }
    slave->takeSeen();
    rim::Block::readAll(blocks);
    CHECK(takeTypes(*slave) == std::vector<uint32_t>(4, rim::Read));
}

TEST_CASE("a failure of one of many blocks is told with its index and concerns no other one") {
    auto memory = MemorySlave::create(4, 0x1000);
    auto slave = FunctionSlave::create([&](rim::TransactionPtr t) {
        if (t->address() == 0x10 || t->address() == 0x30) {
            t->error("dead register");
        } else {
            memory->doTransaction(t);
        }
    });
    std::vector<rim::BlockPtr> blocks;
    for (uint32_t at = 0; at < 5; ++at) {
        blocks.push_back(
            blockOf(slave, 0x10 * at, 4, {field("v" + std::to_string(at), rim::UInt, 0, 32)}));
    }
    std::vector<rim::Block::Failure> failures;
    CHECK_FALSE(rim::Block::readAll(blocks, failures));
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].index == 1);
    CHECK(failures[1].index == 3);
    const std::string text =
        "Transaction error for block v1 with address 0x00000010. Error dead register";
    CHECK(failures[0].error.text() == text);
    CHECK(failures[0].error.source() == std::string("Block::checkTransaction"));
    CHECK(memory->takeSeen().size() == 3);
    checkRefused("Block::checkTransaction", text, [&] { rim::Block::readAll(blocks); });
    CHECK_FALSE(rim::Block::writeAll(blocks, true, failures));
    CHECK(failures.size() == 2);
    blocks.erase(blocks.begin() + 3);
    blocks.erase(blocks.begin() + 1);
    CHECK(rim::Block::writeAll(blocks, true, failures));
    CHECK(rim::Block::readAll(blocks, failures));
    CHECK(failures.empty());
    rim::Block::readAll({});
    CHECK_THROWS_AS(rim::Block::readAll({nullptr}, failures), rogue::GeneralError);
}

TEST_CASE("ten thousand variables are read over a bridge with one call") {
    const uint32_t count = underMemcheck() ? 200 : 10000;
    auto memory = rim::Emulate::create(4, 0x1000);
    auto server = rim::TcpServer::create("127.0.0.1", 0);
    *server >> memory;
    auto client = rim::TcpClient::create("127.0.0.1", server->getPort());
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> memory;
    std::vector<uint32_t> words(count);
    std::vector<rim::BlockPtr> blocks;
    std::vector<rim::VariablePtr> variables;
    for (uint32_t at = 0; at < count; ++at) {
        words[at] = at * 0x9E3779B9u;
        variables.push_back(rim::Variable::create("v", "RO", 0, 0, 0, {0}, {32}, false, false, true,
                                                  false, rim::UInt, false, false, 0, 0, 0, 0, 0));
        blocks.push_back(blockOf(client, 4 * at, 4, {variables.back()}));
    }
    std::string error;
    CHECK(master->waitTransaction(master->reqTransaction(0, 4 * count, words.data(), rim::Write),
                                  error));
    rim::Block::readAll(blocks);
    unsigned wrong = 0;
    for (uint32_t at = 0; at < count; ++at) {
        wrong += blocks[at]->getUInt(variables[at].get(), -1) != words[at];
    }
    CHECK(wrong == 0);
}

// --- updates, and the life of a block ------------------------------------------------------------

namespace {

/** A variable that counts its updates. */
class CountingVariable : public rim::Variable {
public:
    CountingVariable(std::string name, uint32_t bitOffset, bool updateNotify)
        : rim::Variable(std::move(name), "RW", 0, 0, 0, {bitOffset}, {8}, false, true, true,
                        updateNotify, rim::UInt, false, false, 0, 0, 0, 0, 0) {}

    void queueUpdate() override {
        ++count;
        thread = std::this_thread::get_id();
        if (act) {
            act();
        }
    }

    unsigned count = 0;
    std::thread::id thread;
    std::function<void()> act;
};

/** A block that notes its life. */
class LivingBlock : public rim::Block {
public:
    LivingBlock(uint64_t offset, uint32_t size, std::vector<std::string> &notes)
        : rim::Block(offset, size), notes_(notes) {}
    ~LivingBlock() override { stop(); }

protected:
    void customInit() override { notes_.push_back("init " + std::to_string(variables().size())); }
    void customClean() override { notes_.push_back("clean"); }

private:
    std::vector<std::string> &notes_;
};

} // namespace

TEST_CASE("updates are told in the checking thread, with no lock held") {
    auto told = std::make_shared<CountingVariable>("told", 0, true);
    auto quiet = std::make_shared<CountingVariable>("quiet", 8, false);
    auto throwing = std::make_shared<CountingVariable>("throwing", 16, true);
    auto block = blockOf(MemorySlave::create(1, 0x1000), 0, 4, {told, quiet, throwing});
    throwing->act = [] { throw std::runtime_error("an observer's own fault"); };
    // The variable and its block may be used.
    told->act = [&] { block->setUInt(block->getUInt(told.get(), -1), told.get(), -1); };
    told->setUInt(1);
    CHECK(told->count == 1);
    CHECK(told->thread == std::this_thread::get_id());
    CHECK(throwing->count == 1);
    CHECK(quiet->count == 0);
    told->act = nullptr;
    block->startTransaction(rim::Read, false, false, nullptr);
    CHECK(told->count == 1);
    CHECK(block->checkTransaction());
    CHECK(told->count == 2);
    CHECK_FALSE(block->checkTransaction());
    rim::Block::readAll({block});
    CHECK(told->count == 3);
    // A variable that has left its block is told nothing.
    block->addVariables({quiet});
    block->startTransaction(rim::Read, false, true, nullptr);
    CHECK(told->count == 3);
}

TEST_CASE("d76_what_a_block_prepares_it_also_releases_once_and_in_order") {
    std::vector<std::string> notes;
    auto a = field("a", rim::UInt, 0, 8);
    auto b = field("b", rim::UInt, 8, 8);
    {
        auto block = std::make_shared<LivingBlock>(0, 4, notes);
        block->addVariables({a});
        CHECK(notes == std::vector<std::string>{"init 1"});
        CHECK_THROWS_AS(block->addVariables({}), rogue::GeneralError);
        CHECK(notes.size() == 1);
        block->addVariables({a, b});
        CHECK(notes == std::vector<std::string>{"init 1", "clean", "init 2"});
        block->stop();
        CHECK(notes.size() == 4);
        block->stop();
        CHECK(notes.size() == 4);
        block->addVariables({b});
        notes.clear();
    }
    CHECK(notes == std::vector<std::string>{"clean"});
    notes.clear();
    { auto unused = std::make_shared<LivingBlock>(0, 4, notes); }
    CHECK(notes.empty());
}

TEST_CASE("d63_a_variable_outlives_its_block_and_says_so") {
    auto variable = field("v", rim::UInt, 0, 8);
    const std::string homeless = "Variable v is in no block";
    const auto checkHomeless = [&] {
        checkRefused("Variable::block", homeless, [&] { variable->getUInt(); });
        checkRefused("Variable::block", homeless, [&] { variable->setUInt(1); });
        checkRefused("Variable::block", homeless, [&] { variable->read(); });
        checkRefused("Variable::block", homeless, [&] { variable->getDumpValue(false); });
        checkRefused("Variable::block", homeless, [&] { variable->setLogLevel(10); });
        auto other = rim::Block::create(0, 4);
        checkRefused("Variable::block", homeless, [&] { other->getUInt(variable.get(), -1); });
        checkRefused("Variable::block", homeless, [&] { other->read(variable.get()); });
    };
    checkHomeless();
    checkRefused("Variable::setString", "Wrong set type for variable v",
                 [&] { variable->setString("another type is refused even so"); });
    checkRefused("Variable::getString", "Wrong get type for variable v",
                 [&] { variable->getString(); });
    auto block = blockOf(MemorySlave::create(), 0, 4, {variable});
    variable->setUInt(1);
    block.reset();
    checkHomeless();
    blockOf(MemorySlave::create(), 0, 4, {variable});
}

TEST_CASE("a block keeps its variables and its slave alive") {
    auto slave = MemorySlave::create(1, 0x1000);
    std::weak_ptr<rim::Variable> weak;
    auto block = rim::Block::create(0x40, 4);
    {
        auto variable = field("v", rim::UInt, 0, 8);
        weak = variable;
        *block >> slave;
        block->addVariables({variable});
    }
    block->setEnable(true);
    REQUIRE(weak.lock());
    weak.lock()->setUInt(3);
    CHECK(slave->takeSeen().size() == 2);
    CHECK(block->getSlave() == slave);
    CHECK(block->variables() == std::vector<rim::VariablePtr>{weak.lock()});
    block.reset();
    CHECK_FALSE(weak.lock());
}

TEST_CASE("d65_what_is_not_sent_is_told") {
    auto slave = MemorySlave::create(1, 0x1000);
    auto variable = field("v", rim::UInt, 0, 8);
    auto block = blockOf(slave, 0, 4, {variable});
    CHECK(block->startTransaction(rim::Write, false, true, nullptr) ==
          ROGUE_MEM_SKIP_NOTHING_STAGED);
    CHECK(block->startTransaction(rim::Verify, false, true, nullptr) ==
          ROGUE_MEM_SKIP_NOTHING_TO_VERIFY);
    block->setUInt(1, variable.get(), -1);
    CHECK(block->startTransaction(rim::Read, false, true, variable.get()) ==
          ROGUE_MEM_SKIP_ALL_STAGED);
    CHECK(block->startTransaction(rim::Write, false, true, variable.get()) == ROGUE_MEM_SKIP_NONE);
    CHECK(block->isEnabled());
    block->setEnable(false);
    CHECK_FALSE(block->isEnabled());
    CHECK(block->startTransaction(rim::Read, false, true, nullptr) == ROGUE_MEM_SKIP_DISABLED);
    CHECK(slave->takeSeen().size() == 1);
}

// --- the form of the functions -------------------------------------------------------------------

namespace {

/** Whether setUInt() and setInt() take a T. */
template <typename T, typename = void>
struct TakenForInteger : std::false_type {};
template <typename T>
struct TakenForInteger<T, decltype(std::declval<rim::Variable &>().setUInt(std::declval<T>()),
                                   std::declval<rim::Variable &>().setInt(std::declval<T>()))>
    : std::true_type {};

} // namespace

TEST_CASE("d80_setters_take_values_and_setValue_takes_what_its_argument_is") {
    static_assert(TakenForInteger<int>::value, "");
    static_assert(TakenForInteger<uint8_t>::value, "");
    static_assert(!TakenForInteger<double>::value, "a number with a fraction is no integer");
    static_assert(!TakenForInteger<float>::value, "");
    auto slave = rim::Emulate::create(1, 0x1000);
    auto number = field("number", rim::UInt, 0, 32);
    auto integer = field("integer", rim::Int, 32, 16);
    auto flag = field("flag", rim::Bool, 48, 1);
    auto text = field("text", rim::String, 64, 64);
    auto single = field("single", rim::Float, 128, 32);
    auto wide = field("wide", rim::Double, 160, 64);
    auto block = blockOf(slave, 0, 32, {number, integer, flag, text, single, wide});

    number->setUInt(5);
    CHECK(number->getUInt() == 5);
    number->setValue(6);
    CHECK(number->getUInt() == 6);
    number->setValue(7u);
    number->setValue(uint8_t{8});
    number->setValue(9ULL);
    number->setValue(0);
    CHECK(number->getUInt() == 0);
    number->setValue(10UL);
    CHECK(number->getUInt() == 10);
    integer->setInt(-5);
    CHECK(integer->getInt() == -5);
    integer->setValue(-6);
    CHECK(integer->getInt() == -6);
    integer->setValue(short{7});
    integer->setValue(int64_t{-8});
    CHECK(integer->getInt() == -8);
    flag->setValue(true);
    CHECK(flag->getBool());
    text->setValue("abc");
    CHECK(text->getString() == "abc");
    text->setValue(std::string("de"));
    CHECK(text->getString() == "de");
    single->setValue(0.5f);
    CHECK(single->getFloat() == 0.5f);
    wide->setValue(0.25);
    CHECK(wide->getDouble() == 0.25);

    uint64_t u = 0;
    int64_t i = 0;
    bool b = false;
    float f = 0;
    double d = 0;
    std::string s;
    number->getValue(u);
    integer->getValue(i);
    flag->getValue(b);
    single->getValue(f);
    wide->getValue(d);
    text->getValue(s);
    CHECK(u == 10);
    CHECK(i == -8);
    CHECK(b);
    CHECK(f == 0.5f);
    CHECK(d == 0.25);
    CHECK(s == "de");

    checkRefused("Variable::setInt", "Wrong set type for variable number",
                 [&] { number->setValue(-1); });
    // No negative number of the same bits.
    checkRefused("Variable::setUInt", "Wrong set type for variable integer",
                 [&] { integer->setValue(0xFFFFFFFFFFFFFFFFULL); });
    checkRefused("Variable::setDouble", "Wrong set type for variable number",
                 [&] { number->setValue(1.5); });
    checkRefused("Variable::setString", "Wrong set type for variable number",
                 [&] { number->setValue("1"); });
    checkRefused("Variable::setValue", "text is null",
                 [&] { text->setValue(static_cast<const char *>(nullptr)); });
    CHECK(number->getUInt() == 10);
}

TEST_CASE("d82_a_variable_has_one_owner_and_every_model_an_answer") {
    static_assert(!std::is_copy_constructible<rim::Variable>::value, "");
    static_assert(!std::is_copy_assignable<rim::Variable>::value, "");
    static_assert(!std::is_copy_constructible<rim::Block>::value, "");
    for (uint32_t model : {128u, 200u, 0xFFFFFFFFu}) {
        auto variable = rim::Variable::create("v", "RW", 0, 0, 0, {0}, {32}, false, true, false,
                                              false, model, false, false, 0, 0, 0, 0, 0);
        auto block = blockOf(MemorySlave::create(), 0, 4, {variable});
        CHECK(variable->modelId() == model);
        checkRefused("Variable::setUInt", "Wrong set type", [&] { variable->setUInt(1); });
        checkRefused("Variable::getUInt", "Wrong get type", [&] { variable->getUInt(); });
        CHECK(variable->getDumpValue(false) == "v = UNDEFINED\n");
    }
}

TEST_CASE("d83_bytes_are_as_many_as_a_value_has") {
    auto variable = field("v", rim::Bytes, 0, 20);
    auto block = blockOf(MemorySlave::create(1, 0x1000), 0, 4, {variable});
    // Exactly as long, so that the memory checker sees what is beyond.
    const std::unique_ptr<uint8_t[]> value(new uint8_t[3]{1, 2, 3});
    variable->setByteArray(value.get());
    const std::unique_ptr<uint8_t[]> back(new uint8_t[3]{});
    variable->getByteArray(back.get());
    CHECK(std::equal(value.get(), value.get() + 3, back.get()));
    block->setByteArray(value.get(), variable.get(), -1);
    block->getByteArray(back.get(), variable.get(), -1);
    CHECK_THROWS_AS(variable->setByteArray(nullptr), rogue::GeneralError);
    CHECK_THROWS_AS(variable->getByteArray(nullptr), rogue::GeneralError);
}

TEST_CASE("d78_a_test_of_speed_only_reads") {
    auto slave = MemorySlave::create(4, 0x1000);
    auto variable = field("v", rim::UInt, 0, 16);
    auto block = blockOf(slave, 0x100, 2, {variable});
    variable->rateTest(3);
    block->rateTest(2);
    CHECK(slave->takeSeen() == std::vector<Seen>{{rim::Read, 0x100, 2, {}},
                                                 {rim::Read, 0x100, 2, {}},
                                                 {rim::Read, 0x100, 2, {}},
                                                 {rim::Read, 0x100, 2, {}},
                                                 {rim::Read, 0x100, 2, {}}});
}

TEST_CASE("d75_a_list_is_set_and_read_as_a_whole_with_one_transfer") {
    auto slave = MemorySlave::create(4, 0x1000);
    auto words = list("words", rim::UInt, 4, 32, 32);
    auto flags = list("flags", rim::Bool, 4, 1, 1, {{"bit_offset", {128}}});
    auto singles = list("singles", rim::Float16, 2, 16, 16, {{"bit_offset", {144}}});
    auto block = blockOf(slave, 0, 24, {words, flags, singles});
    words->setValues<uint16_t>({1, 2, 3, 4});
    CHECK(takeTypes(*slave) == std::vector<uint32_t>{rim::Write, rim::Verify});
    words->setValues<uint64_t>({7, 8}, 2);
    std::vector<uint32_t> back;
    slave->takeSeen();
    words->getValues(back);
    CHECK(back == std::vector<uint32_t>{1, 2, 7, 8});
    CHECK(takeTypes(*slave) == std::vector<uint32_t>{rim::Read});
    words->getValues(back, 1);
    CHECK(back == std::vector<uint32_t>{2, 7, 8});
    words->getValues(back, 1, 2);
    CHECK(back == std::vector<uint32_t>{2, 7});
    flags->setValues(std::vector<bool>{true, false, true, true});
    std::vector<bool> bits;
    flags->getValues(bits);
    CHECK(bits == std::vector<bool>{true, false, true, true});
    singles->setValues<float>({0.5f, -2.0f});
    std::vector<float> numbers;
    singles->getValues(numbers);
    CHECK(numbers == std::vector<float>{0.5f, -2.0f});

    slave->takeSeen();
    back = {9};
    checkRefused("Block::setUIntPy", "Overflow error", [&] {
        words->setValues<uint64_t>({1, 2, 3, 4, 5});
    });
    checkRefused("Block::getBytes", "out of range", [&] { words->getValues(back, 4); });
    checkRefused("Block::getBytes", "out of range", [&] { words->getValues(back, 2, 3); });
    CHECK_THROWS_AS(words->setValues<int32_t>({1}), rogue::GeneralError);
    CHECK_THROWS_AS(words->setValues<double>({1}), rogue::GeneralError);
    std::vector<uint8_t> narrow;
    CHECK_THROWS_AS(words->getValues(narrow), rogue::GeneralError);
    CHECK(slave->takeSeen().empty());
}

// --- bad input -----------------------------------------------------------------------------------

TEST_CASE("what makes no sense is refused in words, and nothing is staged or sent") {
    auto slave = MemorySlave::create(4, 0x1000);
    auto gain = field("gain", rim::UInt, 0, 12);
    auto level = field("level", rim::UInt, 16, 16, {{"min", 10}, {"max", 20}});
    auto fixed = field("fixed", rim::Fixed, 32, 16, {{"bin_point", 4}});
    auto ufixed = field("ufixed", rim::UFixed, 48, 16, {{"bin_point", 4}});
    auto words = list("words", rim::UInt, 2, 32, 32, {{"bit_offset", {64}}});
    auto text = field("text", rim::String, 128, 16);
    auto block = blockOf(slave, 0x100, 20, {gain, level, fixed, ufixed, words, text});
    const double nan = std::numeric_limits<double>::quiet_NaN();

    const auto setRange = "Value range error for ";
    checkRefused("Block::setUInt", std::string(setRange) + "gain. Value=4096",
                 [&] { gain->setUInt(4096); });
    checkRefused("Block::setUInt", std::string(setRange) + "gain",
                 [&] { gain->setUInt(static_cast<uint64_t>(-1)); });
    checkRefused("Block::setUInt", std::string(setRange) + "level. Value=9, Min=10.000000",
                 [&] { level->setUInt(9); });
    checkRefused("Block::setUInt", std::string(setRange) + "level", [&] { level->setUInt(21); });
    checkRefused("Block::setBytes", "Index 2 is out of range for words",
                 [&] { words->setUInt(1, 2); });
    checkRefused("Block::setBytes", "Index 4294967295 is out of range for words",
                 [&] { words->setUInt(1); });
    checkRefused("Variable::setDouble", "Wrong set type for variable gain",
                 [&] { gain->setDouble(1.5); });
    checkRefused("Variable::setFloat", "Wrong set type for variable gain",
                 [&] { gain->setFloat(1.5f); });
    checkRefused("Block::setFixed", "fixed", [&] { fixed->setFixed(nan); });
    checkRefused("Block::setFixed", "Fixed point overflow for fixed. Value=2048",
                 [&] { fixed->setFixed(2048); });
    checkRefused("Block::setUFixed", "Unsigned fixed-point underflow for ufixed. Value=-1",
                 [&] { ufixed->setFixed(-1); });
    checkRefused("Block::setUFixed", "ufixed", [&] { ufixed->setFixed(nan); });
    checkRefused("Block::setString", "Text of 3 bytes is too long for text, which holds 2",
                 [&] { text->setString("abc"); });
    uint8_t octet = 0;
    checkRefused("memory::Block", "null", [&] { block->setUInt(1, nullptr, -1); });
    checkRefused("memory::Block", "null", [&] { block->setByteArray(&octet, nullptr, -1); });
    checkRefused("memory::Block", "null", [&] { block->getByteArray(&octet, nullptr, -1); });
    checkRefused("memory::Block", "null", [&] { block->getString(nullptr, -1); });
    CHECK_THROWS_AS(block->write(nullptr), rogue::GeneralError);
    CHECK_THROWS_AS(block->read(nullptr), rogue::GeneralError);
    CHECK_THROWS_AS(block->startTransaction(5, false, true, nullptr), rogue::GeneralError);

    auto foreign = field("foreign", rim::UInt, 0, 8);
    auto other = blockOf(slave, 0x200, 4, {foreign});
    checkRefused("memory::Block", "Variable foreign is in another block",
                 [&] { block->setUInt(1, foreign.get(), -1); });
    checkRefused("Block::startTransaction", "Variable foreign is in block foreign, not in gain",
                 [&] { block->write(foreign.get()); });
    checkRefused("Block::addVariables", "Variable gain is in another block already",
                 [&] { other->addVariables({gain}); });
    CHECK_THROWS_AS(other->addVariables({foreign, nullptr}), rogue::GeneralError);

    CHECK(slave->takeSeen().empty());
    CHECK(block->startTransaction(rim::Write, false, true, nullptr) ==
          ROGUE_MEM_SKIP_NOTHING_STAGED);
    CHECK(other->startTransaction(rim::Write, false, true, nullptr) ==
          ROGUE_MEM_SKIP_NOTHING_STAGED);
}

TEST_CASE("a block that cannot be is refused in words") {
    checkRefused("Block::Block", "A block of 0 bytes at 0x0", [] { rim::Block::create(0, 0); });
    checkRefused("Block::Block", "has no place on the bus",
                 [] { rim::Block::create(0xFFFFFFFFFFFFFFFF, 2); });
    auto block = rim::Block::create(0x100, 4);
    checkRefused("Block::addVariables", "No variables", [&] { block->addVariables({}); });
    checkRefused("Block::setLogLevel", "no variables", [&] { block->setLogLevel(10); });
    checkRefused("Block::addVariables",
                 "Variable v ends at bit 33 of block v with address 0x00000100, which has 4 bytes",
                 [&] { block->addVariables({field("v", rim::UInt, 25, 8)}); });
    checkRefused(
        "Block::addVariables",
        "Variable bit overlap detected for block a with address 0x00000100 and variable b", [&] {
            block->addVariables({field("a", rim::UInt, 0, 9), field("b", rim::UInt, 8, 8)});
        });
    checkRefused("Block::addVariables",
                 "Variable bit mask overlap detected for block a with address 0x00000100", [&] {
                     block->addVariables({field("a", rim::UInt, 0, 9, {{"overlap_en", true}}),
                                          field("b", rim::UInt, 8, 8)});
                 });
    CHECK(block->path() == "Undefined");
    CHECK(block->variables().empty());

    const auto make = [](std::vector<uint32_t> offsets, std::vector<uint32_t> sizes,
                         uint32_t model) {
        return [=] {
            rim::Variable::create("v", "RW", 0, 0, 0, offsets, sizes, false, true, true, true,
                                  model, false, false, 0, 0, 0, 0, 0);
        };
    };
    checkRefused("Variable::Variable", "it has 0 bit offsets and 0 bit sizes",
                 make({}, {}, rim::UInt));
    checkRefused("Variable::Variable", "it has 2 bit offsets and 1 bit sizes",
                 make({0, 8}, {8}, rim::UInt));
    checkRefused("Variable::Variable", "has no bits", make({0}, {0}, rim::UInt));
    checkRefused("Variable::Variable", "128 bits are no Bool value", make({0}, {128}, rim::Bool));
    checkRefused("Variable::Variable", "31 bits are no Float value", make({0}, {31}, rim::Float));
}

TEST_CASE("a block larger than the largest access of its path is refused, and split behind a hub") {
    auto slave = MemorySlave::create(4, 16);
    auto words = list("words", rim::UInt, 8, 32, 32);
    auto block = blockOf(slave, 0x100, 32, {words});
    checkRefused("Block::startTransaction",
                 "Transaction of 32 bytes for block words with address 0x00000100 is larger than",
                 [&] { block->startTransaction(rim::Read, false, true, nullptr); });
    checkRefused("Block::startTransaction", "is larger than", [&] {
        words->setValues<uint32_t>({1, 2, 3, 4, 5, 6, 7, 8});
    });
    CHECK(block->startTransaction(rim::Write, false, true, nullptr) ==
          ROGUE_MEM_SKIP_NOTHING_STAGED);
    CHECK(slave->takeSeen().empty());
    words->setUInt(5, 3);
    CHECK(words->getUInt(3) == 5);
    auto hub = rim::Hub::create(0x1000, 0, 0);
    *(*block >> hub) >> slave;
    slave->takeSeen();
    words->read();
    CHECK(slave->takeSeen() ==
          std::vector<Seen>{{rim::Read, 0x1100, 16, {}}, {rim::Read, 0x1110, 16, {}}});
}

// --- forks ---------------------------------------------------------------------------------------

namespace {

/** Whether a call throws the error of an object that belongs to the parent process. */
bool isLost(const std::function<void()> &call) {
    try {
        call();
    } catch (const rogue::GeneralError &e) {
        return contains(e.text(), "was made before this process was forked");
    }
    return false;
}

/** The child's use of its parent's objects; returns its exit status. */
int useInherited(const rim::BlockPtr &block, const rim::VariablePtr &variable,
                 const rim::MasterPtr &master, const rim::EmulatePtr &memory) {
    const bool areLost[] = {
        isLost([&] { block->startTransaction(rim::Read, false, true, nullptr); }),
        isLost([&] { block->checkTransaction(); }),
        isLost([&] { block->read(variable.get()); }),
        isLost([&] { block->addVariables({variable}); }),
        isLost([&] { block->variables(); }),
        isLost([&] { variable->setUInt(5); }),
        isLost([&] { variable->getUInt(); }),
        isLost([&] { variable->updatePath("other"); }),
        isLost([&] { variable->getDumpValue(false); }),
        isLost([&] { master->setSlave(memory); }),
        isLost([&] { master->getSlave(); }),
    };
    int number = 1;
    for (bool one : areLost) {
        if (!one)
            return number;
        ++number;
    }
    uint32_t value = 0;
    if (variable->path() != "v" ||
        !contains(read32(*master, 0, value), "belongs to the parent process"))
        return 100;
    auto own = rim::Master::create();
    own->setSlave(memory);
    if (!contains(read32(*own, 0, value), "belongs to the parent process"))
        return 101;
    return 0;
}

} // namespace

TEST_CASE("f79_a_child_by_fork_is_told_that_registers_are_its_parents_whoever_holds_their_locks") {
    auto memory = rim::Emulate::create(4, 0x1000);
    auto variable = rim::Variable::create("v", "RW", 0, 0, 0, {0}, {32}, false, true, false, false,
                                          rim::UInt, false, false, 0, 0, 0, 0, 0);
    auto block = blockOf(memory, 0x100, 4, {variable});
    rim::MasterPtr master = rim::Master::create();
    std::atomic<bool> isOver(false);
    const auto repeat = [&isOver](std::function<void()> work) {
        return std::thread([&isOver, work] {
            while (!isOver)
                work();
        });
    };
    std::thread threads[] = {repeat([&] { variable->path(); }), repeat([&] { block->variables(); }),
                             repeat([&] { master->setSlave(memory); }),
                             repeat([&] { variable->setUInt(7); })};
    for (int round = 0; round < 20; ++round) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            alarm(60);
            const int failure = useInherited(block, variable, master, memory);
            if (failure != 0)
                _exit(failure);
            // Not by _exit: a memory checker would report the remains, all of them the parent's.
            kill(getpid(), SIGKILL);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK_MESSAGE(WIFSIGNALED(status), WEXITSTATUS(status));
        CHECK(WTERMSIG(status) == SIGKILL);
    }
    isOver = true;
    for (std::thread &thread : threads)
        thread.join();
    CHECK(variable->getUInt() == 7);
}
