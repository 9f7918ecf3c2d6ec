// The packetizer, SRPv0, command frames and Prbs, as a user would connect them.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/packetizer/Core.h"
#include "rogue/protocols/packetizer/CoreV2.h"
#include "rogue/protocols/srp/Cmd.h"
#include "rogue/protocols/srp/SrpV0.h"
#include "rogue/protocols/srp/SrpV3.h"
#include "rogue/protocols/srp/SrpV3Emulation.h"
#include "rogue/utilities/Prbs.h"

#include <thread>

namespace ris = rogue::interfaces::stream;
namespace rps = rogue::protocols::srp;
namespace rpp = rogue::protocols::packetizer;
namespace ru = rogue::utilities;

namespace {

typedef std::vector<uint8_t> Bytes;

/** Keeps the frames that it receives. */
class Collector : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        auto lock = frame->lock();
        std::lock_guard<std::mutex> guard(mutex_);
        frames_.emplace_back(frame->begin(), frame->end());
        errors_.push_back(frame->getError());
        changed_.notify_all();
    }

    /** The frames so far, when there are at least `count`. */
    std::vector<Bytes> wait(std::size_t count) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait_for(guard, HANG_LIMIT, [&] { return frames_.size() >= count; });
        return frames_;
    }

    std::vector<uint8_t> errors() {
        std::lock_guard<std::mutex> guard(mutex_);
        return errors_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Bytes> frames_;
    std::vector<uint8_t> errors_;
};

void send(ris::Master &master, const Bytes &bytes, uint8_t lastUser = 0) {
    auto frame = master.reqFrame(static_cast<uint32_t>(bytes.size()), true);
    frame->setPayloadFull();
    std::copy(bytes.begin(), bytes.end(), frame->begin());
    frame->setLastUser(lastUser);
    master.sendFrame(frame);
}

Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<uint8_t>(i * 3 + 1);
    return bytes;
}

/** Frames of two destinations, and registers on a third, between two packetizers. */
template <typename P>
void exchange(const P &near, const P &far) {
    *near->transport() == far->transport();
    std::vector<std::shared_ptr<Collector>> slaves;
    std::vector<ris::MasterPtr> masters;
    for (uint8_t dest = 1; dest <= 2; ++dest) {
        masters.push_back(ris::Master::create());
        slaves.push_back(std::make_shared<Collector>());
        *masters.back() >> near->application(dest);
        *far->application(dest) >> slaves.back();
    }
    CHECK(near->application(1) == near->application(1));
    for (std::size_t size : {1, 8, 4000, 100000}) {
        send(*masters[0], counting(size));
        send(*masters[1], counting(size + 1), 0x01);
    }
    CHECK(slaves[0]->wait(4)[3] == counting(100000));
    CHECK(slaves[1]->wait(4)[3] == counting(100001));
    CHECK(slaves[0]->errors() == std::vector<uint8_t>(4, 0));
    CHECK(slaves[1]->errors() == std::vector<uint8_t>(4, 0x80));
    auto srp = rps::SrpV3::create();
    auto emulation = rps::SrpV3Emulation::create();
    auto master = rim::Master::create();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    *srp == near->application(0);
    *far->application(0) == emulation;
    uint32_t value = 0;
    CHECK(write32(*master, 0x40, 0x12345678) == "");
    CHECK(read32(*master, 0x40, value) == "");
    CHECK(value == 0x12345678);
    CHECK(near->getDropCount() == 0);
    CHECK(far->getDropCount() == 0);
    CHECK(near->stats().frames_sent == 10);
    near->setTimeout(1000);
    near->stop();
    emulation->stop();
}

/** Answers SRPv0 with the request's data, or zeros, and a status. */
class OldDevice : public ris::Master, public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        uint32_t words[3];
        {
            auto lock = frame->lock();
            request.assign(frame->begin(), frame->end());
            auto it = frame->begin();
            ris::fromFrame(it, sizeof(words), words);
        }
        Bytes answer(request.begin(), request.begin() + 8);
        answer.insert(answer.end(), 4, 0);
        for (uint8_t octet : octets(status))
            answer.push_back(octet);
        send(*this, answer);
    }
    Bytes request;
    uint32_t status = 0;
};

} // namespace

TEST_CASE("frames of several destinations pass two packetizers of version 1") {
    exchange(rpp::Core::create(true), rpp::Core::create(true));
}

TEST_CASE("frames of several destinations pass two packetizers of version 2") {
    exchange(rpp::CoreV2::create(true, true, true), rpp::CoreV2::create(true, true, true));
}

TEST_CASE("packets have the form that the constructor chooses") {
    const Bytes frame = {1, 2, 3, 4};
    const Bytes header = {0x22, 2, 7, 0, 0, 0, 0, 0x80}, plain = {2, 0, 7, 0, 0, 0, 0, 0x80};
    for (bool firmware : {true, false}) {
        auto core = rpp::CoreV2::create(firmware, firmware, firmware);
        auto transport = std::make_shared<Collector>();
        auto master = ris::Master::create();
        *core->transport() >> transport;
        *master >> core->application(7);
        send(*master, frame);
        const Bytes packet = transport->wait(1)[0];
        CHECK(packet.size() == 24);
        CHECK(Bytes(packet.begin(), packet.begin() + 8) == (firmware ? header : plain));
        // A packet without a CRC is dropped by the one that checks it.
        auto packets = ris::Master::create();
        *packets >> core->transport();
        Bytes received = plain;
        received.insert(received.end(), {9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0});
        send(*packets, received);
        CHECK(core->getDropCount() == (firmware ? 1 : 0));
    }
}

TEST_CASE("packetizers and what they connect are freed") {
    std::weak_ptr<rps::SrpV3> srp;
    std::weak_ptr<rpp::Core> core;
    {
        auto near = rpp::Core::create(true), far = rpp::Core::create(true);
        auto made = rps::SrpV3::create();
        *near->transport() == far->transport();
        *made == near->application(0);
        srp = made;
        core = near;
    }
    CHECK(srp.expired());
    CHECK(core.expired());
}

TEST_CASE("SRPv0 has its words, its limits and its texts") {
    auto master = rim::Master::create();
    auto srp = rps::SrpV0::create();
    auto device = std::make_shared<OldDevice>();
    master->setTimeout(LONG_TIMEOUT_US);
    *master >> srp;
    *srp == device;
    CHECK(master->reqMinAccess() == 4);
    CHECK(master->reqMaxAccess() == 2048);
    CHECK(write32(*master, 0x1234, 0x04030201) == "");
    const Bytes expected = {0x8d, 0x04, 0, 0x40, 1, 2, 3, 4, 0, 0, 0, 0};
    CHECK(Bytes(device->request.begin() + 4, device->request.end()) == expected);
    uint32_t value = 1;
    device->status = 0x10000;
    const std::string failure = read32(*master, 0x1234, value);
    CHECK(contains(failure, "Axi bus returned fail status in hardware"));
    CHECK(contains(failure, "0x1234"));
    Bytes large(4096);
    CHECK(contains(request(*master, 0, large, rim::Read), "exceeds max size 2048"));
    srp->stop();
    CHECK(contains(read32(*master, 0, value), "no stream"));
}

TEST_CASE("a command is a frame of sixteen octets") {
    auto cmd = rps::Cmd::create();
    auto slave = std::make_shared<Collector>();
    *cmd >> slave;
    cmd->sendCmd(0xAB, 0x12345678);
    const Bytes expected = {0x78, 0x56, 0x34, 0x12, 0xAB, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(slave->wait(1)[0] == expected);
}

TEST_CASE("Prbs generates what Prbs checks") {
    auto tx = ru::Prbs::create(), rx = ru::Prbs::create();
    *tx >> rx;
    uint8_t taps[] = {1, 5, 63};
    for (auto &one : {tx, rx}) {
        one->setWidth(64);
        one->setTaps(3, taps);
    }
    for (int i = 0; i < 20; ++i)
        tx->genFrame(1024);
    CHECK(tx->getTxCount() == 20);
    CHECK(tx->getTxErrors() == 0);
    CHECK(tx->getTxBytes() == 20480);
    CHECK(rx->getRxCount() == 20);
    CHECK(rx->getRxErrors() == 0);
    CHECK(rx->getRxBytes() == 20480);
    CHECK((tx->getTxRate() >= 0 && tx->getTxBw() >= 0));
    CHECK((rx->getRxRate() >= 0 && rx->getRxBw() >= 0));
    tx->sendCount(true);
    tx->genFrame(1024);
    CHECK(rx->getRxErrors() == 1);
    rx->checkPayload(false);
    tx->genPayload(false);
    tx->genFrame(1024);
    CHECK(rx->getRxCount() == 21);
    rx->resetCount();
    CHECK(rx->getRxCount() == 0);
    CHECK_THROWS_AS(tx->setWidth(0), rogue::GeneralError);
    CHECK_THROWS_AS(tx->genFrame(8), rogue::GeneralError);
    CHECK_THROWS_AS(tx->enable(8), rogue::GeneralError);
}

TEST_CASE("Prbs runs in the background, and a disabled receiver holds its sender up") {
    auto tx = ru::Prbs::create(), rx = ru::Prbs::create();
    auto slave = std::make_shared<Collector>();
    *tx >> rx;
    *tx >> slave;
    tx->setTxPeriod(50);
    CHECK(tx->getTxPeriod() == 50);
    tx->enable(64);
    slave->wait(5);
    tx->disable();
    CHECK(rx->getRxCount() == tx->getTxCount());
    CHECK(rx->getRxErrors() == 0);
    const uint32_t before = rx->getRxCount();
    rx->setRxEnable(false);
    CHECK(!rx->getRxEnable());
    std::thread sender([&] { tx->genFrame(64); });
    rx->setRxEnable(true);
    sender.join();
    CHECK(rx->getRxCount() == before + 1);
    tx->stop();
}
