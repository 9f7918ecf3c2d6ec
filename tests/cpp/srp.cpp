// SRPv3, back to back with its emulation and with responders written as a user would.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/memory/Emulate.h"
#include "rogue/interfaces/memory/Hub.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"

#include <atomic>
#include <thread>

namespace ris = rogue::interfaces::stream;
namespace rps = rogue::protocols::srp;

namespace {

/** A master, an SrpV3 and its emulation. */
struct Bench {
    Bench() {
        *master >> srp;
        *srp == emulation;
        master->setTimeout(LONG_TIMEOUT_US);
    }

    rim::MasterPtr master = rim::Master::create();
    rps::SrpV3Ptr srp = rps::SrpV3::create();
    rps::SrpV3EmulationPtr emulation = rps::SrpV3Emulation::create();
};

/** Changes responses between an SrpV3 and its responder. */
class Tap : public ris::Master, public ris::Slave {
public:
    typedef std::function<ris::FramePtr(ris::FramePtr)> Change;
    explicit Tap(Change change) : change_(std::move(change)) {}
    void acceptFrame(ris::FramePtr frame) override {
        if (ris::FramePtr changed = change_(frame)) {
            sendFrame(changed);
        }
    }

private:
    Change change_;
};

/** Answers in the thread that asks: the request's header, zeros, and a status of 0. */
class ImmediateResponder : public ris::Master, public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        uint32_t header[5];
        {
            auto lock = frame->lock();
            requests.emplace_back(frame->begin(), frame->end());
            auto it = frame->begin();
            ris::fromFrame(it, sizeof(header), header);
        }
        if ((header[0] & 0x300) == 0x200) {
            return; // posted
        }
        const uint32_t size = header[4] + 1;
        auto response = reqFrame(20 + size + 4, true);
        response->setPayloadFull();
        std::fill(response->begin(), response->end(), uint8_t{0});
        auto it = response->begin();
        ris::toFrame(it, sizeof(header), header);
        sendFrame(response);
    }
    std::vector<std::vector<uint8_t>> requests;
};

/** The error text of a read whose response `change` has changed. */
std::string readThrough(Tap::Change change, uint64_t timeout_us = LONG_TIMEOUT_US) {
    auto master = rim::Master::create();
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create();
    auto tap = std::make_shared<Tap>(std::move(change));
    master->setTimeout(timeout_us);
    *master >> srp;
    *srp >> emulation;
    *(*emulation >> tap) >> srp;
    uint32_t value = 0;
    const std::string error = read32(*master, 0x1000, value);
    // Silence first: the change must not be called once this function has returned.
    emulation->stop();
    return error;
}

} // namespace

TEST_CASE("registers are written and read through the emulation") {
    Bench bench;
    uint32_t value = 1;
    CHECK(read32(*bench.master, 0x2000, value) == "");
    CHECK(value == 0);
    CHECK(write32(*bench.master, 0x10, 0xDEADBEEF) == "");
    CHECK(read32(*bench.master, 0x10, value) == "");
    CHECK(value == 0xDEADBEEF);
    CHECK(read32(*bench.master, 0x10, value, rim::Verify) == "");
    CHECK(value == 0xDEADBEEF);
    CHECK(write32(*bench.master, 0x10, 0) == "");
    CHECK(write32(*bench.master, 0x14, 5, rim::Post) == "");
    CHECK(read32(*bench.master, 0x14, value) == "");
    CHECK(value == 5);
    std::vector<uint8_t> wide = {1, 2, 3, 4, 5, 6, 7, 8}, back(8);
    CHECK(request(*bench.master, 0x123456789ABCDEF0ull, wide, rim::Write) == "");
    CHECK(request(*bench.master, 0x123456789ABCDEF0ull, back, rim::Read) == "");
    CHECK(back == wide);
    CHECK(bench.master->reqMinAccess() == 4);
    CHECK(bench.master->reqMaxAccess() == 4096);
}

TEST_CASE("what is not aligned or too large is refused with its own text") {
    Bench bench;
    std::vector<uint8_t> four(4), six(6), large(8192);
    CHECK(contains(request(*bench.master, 2, four, rim::Read),
                   "Transaction address 0x2 is not aligned to min size 4"));
    CHECK(contains(request(*bench.master, 0, six, rim::Read),
                   "Transaction size 0x6 is not aligned to min size 4"));
    CHECK(contains(request(*bench.master, 0, large, rim::Read),
                   "Transaction size 8192 exceeds max size 4096"));
    // Through a hub it is split.
    auto master = rim::Master::create();
    *(*master >> rim::Hub::create(0, 0, 0)) >> bench.srp;
    std::vector<uint8_t> back(8192);
    std::fill(large.begin(), large.end(), uint8_t{0x5A});
    CHECK(request(*master, 0, large, rim::Write) == "");
    CHECK(request(*master, 0, back, rim::Read) == "");
    CHECK(back == large);
}

TEST_CASE("nothing is kept alive by a connection in both directions") {
    std::weak_ptr<rps::SrpV3> srp;
    std::weak_ptr<rps::SrpV3Emulation> emulation;
    {
        Bench bench;
        srp = bench.srp;
        emulation = bench.emulation;
    }
    CHECK(srp.expired());
    CHECK(emulation.expired());
}

TEST_CASE("what is connected works on without its own pointers") {
    auto master = rim::Master::create();
    {
        auto srp = rps::SrpV3::create();
        auto emulation = rps::SrpV3Emulation::create();
        rogueStreamConnectBiDir(srp, emulation);
        rogueBusConnect(master, srp);
    }
    uint32_t value = 0;
    CHECK(write32(*master, 0x20, 3) == "");
    CHECK(read32(*master, 0x20, value) == "");
    CHECK(value == 3);
}

TEST_CASE("d46_a_peer_may_answer_in_the_thread_that_asks") {
    auto master = rim::Master::create();
    auto srp = rps::SrpV3::create();
    auto responder = std::make_shared<ImmediateResponder>();
    *master >> srp;
    *srp == responder;
    uint32_t value = 1;
    CHECK(read32(*master, 0x123456789ABCDEF0ull, value) == "");
    CHECK(value == 0);
    CHECK(write32(*master, 0x10, 0x55667788) == "");
    CHECK(write32(*master, 0x10, 1, rim::Post) == "");
    REQUIRE(responder->requests.size() == 3);
    const auto &read = responder->requests[0];
    CHECK(read.size() == 20);
    CHECK(std::vector<uint8_t>(read.begin(), read.begin() + 4) ==
          std::vector<uint8_t>{0x03, 0x00, 0x00, 0x0A});
    CHECK(std::vector<uint8_t>(read.begin() + 8, read.end()) ==
          std::vector<uint8_t>{0xF0, 0xDE, 0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12, 3, 0, 0, 0});
    const auto &write = responder->requests[1];
    CHECK(write.size() == 24);
    CHECK(write[1] == 0x01);
    CHECK(std::vector<uint8_t>(write.begin() + 20, write.end()) == octets(0x55667788));
    CHECK(responder->requests[2][1] == 0x02);
}

TEST_CASE("d45_a_changed_hardware_timeout_does_not_fail_requests_under_way") {
    auto master = rim::Master::create();
    auto srp = rps::SrpV3::create();
    std::vector<ris::FramePtr> kept;
    auto emulation = rps::SrpV3Emulation::create();
    auto hold = std::make_shared<Tap>([&](ris::FramePtr frame) {
        kept.push_back(frame);
        return nullptr;
    });
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    *(*srp >> hold) >> emulation;
    *emulation >> srp;
    uint32_t value = 0;
    const uint32_t id = master->reqTransaction(0, 4, &value, rim::Read);
    srp->setHardwareTimeout(0xFF);
    REQUIRE(kept.size() == 1);
    hold->sendFrame(kept[0]);
    master->waitTransaction(id);
    CHECK(master->getError() == "");
}

TEST_CASE("an emulation ignores a request whose size is not a multiple of four") {
    auto emulation = rps::SrpV3Emulation::create();
    auto source = ris::Master::create();
    std::atomic<int> answers{0};
    Event answered;
    auto sink = std::make_shared<Tap>([&](ris::FramePtr) {
        ++answers;
        answered.set();
        return nullptr;
    });
    *(*source >> emulation) >> sink;
    const auto send = [&](uint32_t size) {
        const uint32_t header[5] = {0x0A000003, 1, 0x10, 0, size - 1};
        auto frame = source->reqFrame(20, true);
        frame->setPayload(20);
        auto it = frame->begin();
        ris::toFrame(it, 20, header);
        source->sendFrame(frame);
    };
    send(2);
    send(4);
    // Requests are answered in order, so the first would have been answered before the second.
    REQUIRE(answered.wait());
    CHECK(answers == 1);
}

TEST_CASE("a response with another size field is a protocol mismatch") {
    const std::string error = readThrough([](ris::FramePtr frame) {
        auto lock = frame->lock();
        frame->begin()[16] = 7;
        return frame;
    });
    CHECK(contains(error, "id="));
    CHECK(contains(error, "addr=0x0000000000001000"));
}

TEST_CASE("a response that is too long is a size mismatch") {
    const std::string error = readThrough([](ris::FramePtr frame) {
        auto longer = ris::Frame::create(frame->getPayload() + 8);
        longer->setPayloadFull();
        auto to = std::copy(frame->begin(), frame->end(), longer->begin());
        std::fill(to, longer->end(), uint8_t{0});
        return longer;
    });
    for (const char *part :
         {"id=", "frameSize=36", "expectedSize=28", "tranSize=", "headerSize="}) {
        CHECK_MESSAGE(contains(error, part), part << " in " << error);
    }
}

TEST_CASE("the status of the hardware is told in words") {
    const auto status = [](uint8_t low, uint8_t high) {
        return [low, high](ris::FramePtr frame) {
            auto lock = frame->lock();
            frame->begin()[24] = low;
            frame->begin()[25] = high;
            return frame;
        };
    };
    CHECK(contains(readThrough(status(0, 0x20)), "FPGA register bus lockup"));
    CHECK(contains(readThrough(status(0, 0x01)), "FPGA register bus timeout"));
    CHECK(contains(readThrough(status(2, 0)),
                   "Non zero status message returned on fpga register bus in hardware: 0x2"));
}

TEST_CASE("a lost response times out") {
    const auto lose = [](ris::FramePtr) -> ris::FramePtr { return nullptr; };
    CHECK(contains(readThrough(lose, SHORT_TIMEOUT_US), "Timeout"));
}

TEST_CASE("requests overlap in a device with a latency") {
    const uint32_t count = 500;
    rps::SrpV3Emulation::Options options = {};
    // One after the other they would take twice as long as they may
    options.latency_us = static_cast<uint32_t>(LONG_TIMEOUT_US / (count / 2));
    auto master = rim::Master::create();
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create(options);
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    *srp == emulation;
    std::vector<uint32_t> values(count);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = i;
        master->reqTransaction(4 * i, 4, &values[i], rim::Write);
    }
    master->waitTransaction(0);
    CHECK(master->getError() == "");
    emulation->stop();
}

TEST_CASE("f12_the_receiver_of_an_answer_has_the_stack_that_the_device_was_given") {
    rps::SrpV3Emulation::Options options = {};
    options.stack_bytes = 6 << 20;
    auto master = rim::Master::create();
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create(options);
    auto tap = std::make_shared<Tap>([](ris::FramePtr frame) {
        CHECK(useStack(3u << 20) == 48);
        return frame;
    });
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    *srp >> emulation;
    *(*emulation >> tap) >> srp;
    uint32_t value = 1;
    CHECK(read32(*master, 0x1000, value) == "");
    CHECK(value == 0);
    emulation->stop();
}

TEST_CASE("concurrent devices do not mix their answers") {
    Bench bench;
    const uint32_t rounds = underMemcheck() ? 5 : 100;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (uint32_t device = 0; device < 4; ++device) {
        threads.emplace_back([&, device] {
            auto master = rim::Master::create();
            master->setTimeout(LONG_TIMEOUT_US);
            *(*master >> rim::Hub::create(device * 0x10000, 0, 0)) >> bench.srp;
            for (uint32_t round = 0; round < rounds; ++round) {
                for (uint32_t i = 0; i < 8; ++i) {
                    const uint32_t expected = device << 24 | round << 8 | i;
                    uint32_t value = 0;
                    wrong += write32(*master, 4 * i, expected).empty() ? 0 : 1;
                    wrong += read32(*master, 4 * i, value).empty() ? 0 : 1;
                    wrong += value == expected ? 0 : 1;
                }
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
}

TEST_CASE("SrpV3 can be derived from") {
    class CountingSrp : public rps::SrpV3 {
    public:
        void doTransaction(rim::TransactionPtr t) override {
            ++requests;
            rps::SrpV3::doTransaction(t);
        }
        void acceptFrame(ris::FramePtr frame) override {
            auto lock = frame->lock(); // f29: the base may lock it again
            ++responses;
            rps::SrpV3::acceptFrame(frame);
        }
        ris::FramePtr acceptReq(uint32_t size, bool zeroCopyEn) override {
            ++frames; // f30: the emulation asks for the frame of its response
            return rps::SrpV3::acceptReq(size, zeroCopyEn);
        }
        std::atomic<int> requests{0}, responses{0}, frames{0};
    };
    auto master = rim::Master::create();
    auto srp = std::make_shared<CountingSrp>();
    auto emulation = rps::SrpV3Emulation::create();
    *master >> srp;
    *srp == emulation;
    CHECK(write32(*master, 0, 1) == "");
    CHECK(srp->requests == 1);
    CHECK(srp->responses == 1);
    CHECK(srp->frames == 1);
    srp->stop();
    emulation->stop();
}
