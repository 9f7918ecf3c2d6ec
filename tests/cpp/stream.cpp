// Frames and the ports they travel between.

#include "support.h"

#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <numeric>
#include <stdexcept>

namespace ris = rogue::interfaces::stream;

namespace {

/** Remembers the payloads it gets, and who got one when. */
class Receiver : public ris::Slave {
public:
    explicit Receiver(std::vector<int> *order = nullptr, int name = 0)
        : order_(order), name_(name) {}

    void acceptFrame(ris::FramePtr frame) override {
        auto lock = frame->lock();
        payloads.emplace_back(frame->begin(), frame->end());
        if (order_ != nullptr) {
            order_->push_back(name_);
        }
    }

    std::vector<std::vector<uint8_t>> payloads;

private:
    std::vector<int> *order_;
    int name_;
};

/** Sends back what it gets, once. */
class Echo : public ris::Master, public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        ++received;
        if (frame->getChannel() == 0) {
            frame->setChannel(1);
            sendFrame(frame);
        }
    }
    int received = 0;
};

ris::FramePtr frameOf(ris::Master &master, const std::vector<uint8_t> &bytes) {
    auto frame = master.reqFrame(static_cast<uint32_t>(bytes.size()), true);
    frame->setPayload(static_cast<uint32_t>(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), frame->begin());
    return frame;
}

} // namespace

TEST_CASE("a frame has room, and a payload that can grow and shrink within it") {
    auto frame = ris::Frame::create(100);
    CHECK(frame->getSize() == 100);
    CHECK(frame->getPayload() == 0);
    CHECK(frame->getAvailable() == 100);
    CHECK(frame->isEmpty());
    CHECK(frame->begin() == frame->end());

    frame->setPayload(40);
    CHECK(frame->getPayload() == 40);
    CHECK(frame->getAvailable() == 60);
    frame->minPayload(20);
    CHECK(frame->getPayload() == 40);
    frame->minPayload(50);
    CHECK(frame->getPayload() == 50);
    frame->adjustPayload(-30);
    CHECK(frame->getPayload() == 20);
    frame->adjustPayload(5);
    CHECK(frame->getPayload() == 25);
    frame->setPayloadFull();
    CHECK(frame->getPayload() == 100);
    CHECK(frame->end() - frame->begin() == 100);

    CHECK_THROWS_AS(frame->setPayload(101), rogue::GeneralError);
    CHECK_THROWS_AS(frame->adjustPayload(1), rogue::GeneralError);
    CHECK_THROWS_AS(frame->adjustPayload(-101), rogue::GeneralError);
    CHECK(frame->getPayload() == 100);
    frame->setPayloadEmpty();
    CHECK(frame->isEmpty());
}

TEST_CASE("a frame's size and payload can be asked while its lock is held") {
    auto frame = ris::Frame::create(16);
    auto lock = frame->lock();
    frame->setPayload(8);
    CHECK(frame->getPayload() == 8);
    CHECK(frame->getSize() == 16);
    CHECK(frame->getAvailable() == 8);
    std::fill(frame->begin(), frame->end(), uint8_t{9});
    lock->unlock();
    lock->lock();
    CHECK(*frame->begin() == 9);
}

TEST_CASE("flags, channel and error are kept apart, and set bytes replace old ones") {
    auto frame = ris::Frame::create(1);
    CHECK(frame->getFlags() == 0);
    frame->setFirstUser(0x55);
    frame->setFirstUser(0x0A);
    frame->setLastUser(0x81);
    CHECK(frame->getFirstUser() == 0x0A);
    CHECK(frame->getLastUser() == 0x81);
    CHECK(frame->getFlags() == 0x810A);
    frame->setFlags(0x0102);
    CHECK(frame->getFirstUser() == 0x02);
    CHECK(frame->getLastUser() == 0x01);
    frame->setChannel(7);
    frame->setError(0x80);
    CHECK(frame->getChannel() == 7);
    CHECK(frame->getError() == 0x80);
    CHECK(frame->getFlags() == 0x0102);
}

TEST_CASE("the iterator is a random access iterator") {
    auto frame = ris::Frame::create(64);
    frame->setPayloadFull();
    std::iota(frame->begin(), frame->end(), uint8_t{0});
    ris::FrameIterator it = frame->begin();
    CHECK(*it == 0);
    CHECK(*it++ == 0);
    CHECK(*++it == 2);
    CHECK(*--it == 1);
    CHECK(*it-- == 1);
    it += 10;
    CHECK(it[5] == 15);
    CHECK(*(it + 1) == 11);
    CHECK(*(1 + it) == 11);
    CHECK(*(it - 1) == 9);
    it -= 10;
    CHECK(it == frame->begin());
    CHECK(it != frame->end());
    CHECK(it < frame->end());
    CHECK(frame->end() > it);
    CHECK(it <= it);
    CHECK(it >= it);
    CHECK(it.remBuffer() == 64);
    CHECK(it.endBuffer() == frame->end());
    CHECK(it.ptr() == &*it);
    std::reverse(frame->begin(), frame->end());
    std::sort(frame->begin(), frame->end());
    CHECK(std::is_sorted(frame->begin(), frame->end()));
    CHECK(std::lower_bound(frame->begin(), frame->end(), uint8_t{20}) - frame->begin() == 20);
}

TEST_CASE("helpers copy to, from and between frames, and stop at the end") {
    auto frame = ris::Frame::create(10);
    auto other = ris::Frame::create(6);
    frame->setPayloadFull();
    other->setPayloadFull();
    auto it = frame->begin();
    const uint32_t number = 0x04030201;
    const uint16_t more = 0x0605;
    ris::toFrame(it, 4, &number);
    ris::toFrame(it, 2, &more);
    CHECK(it - frame->begin() == 6);
    uint8_t bytes[6];
    it = frame->begin();
    ris::fromFrame(it, 6, bytes);
    CHECK(std::vector<uint8_t>(bytes, bytes + 6) == std::vector<uint8_t>{1, 2, 3, 4, 5, 6});
    it = frame->begin();
    auto to = other->begin();
    ris::copyFrame(it, 6, to);
    CHECK(std::equal(other->begin(), other->end(), bytes));

    uint8_t large[20] = {};
    it = frame->begin();
    CHECK_THROWS_AS(ris::toFrame(it, 11, large), rogue::GeneralError);
    it = frame->begin();
    CHECK_THROWS_AS(ris::fromFrame(it, 11, large), rogue::GeneralError);
    it = frame->begin();
    to = other->begin();
    CHECK_THROWS_AS(ris::copyFrame(it, 7, to), rogue::GeneralError);
}

TEST_CASE("a frame of no octets can be made and sent") {
    auto master = ris::Master::create();
    auto receiver = std::make_shared<Receiver>();
    *master >> receiver;
    auto frame = master->reqFrame(0, true);
    CHECK(frame->getSize() == 0);
    CHECK(frame->begin() == frame->end());
    master->sendFrame(frame);
    CHECK(receiver->payloads == std::vector<std::vector<uint8_t>>{{}});
}

TEST_CASE("all slaves get the frame, the one added last first") {
    std::vector<int> order;
    auto master = ris::Master::create();
    auto one = std::make_shared<Receiver>(&order, 1);
    auto two = std::make_shared<Receiver>(&order, 2);
    auto three = std::make_shared<Receiver>(&order, 3);
    *master >> one;
    *two << master;
    master->addSlave(three);
    CHECK(master->slaveCount() == 3);
    master->sendFrame(frameOf(*master, {1, 2, 3}));
    CHECK(order == std::vector<int>{3, 2, 1});
    CHECK(one->payloads == std::vector<std::vector<uint8_t>>{{1, 2, 3}});
    CHECK(three->payloads == one->payloads);
    CHECK(one->getFrameCount() == 1);
    CHECK(one->getByteCount() == 3);
    CHECK(one->acceptReq(12, false)->getSize() == 12);

    master->stop();
    CHECK(master->slaveCount() == 0);
    master->sendFrame(frameOf(*master, {4}));
    CHECK(order.size() == 3);
}

TEST_CASE("a slave that only counts counts") {
    auto master = ris::Master::create();
    auto slave = ris::Slave::create();
    *master >> slave;
    master->sendFrame(frameOf(*master, {1, 2, 3}));
    master->sendFrame(frameOf(*master, {4, 5}));
    CHECK(slave->getFrameCount() == 2);
    CHECK(slave->getByteCount() == 5);
}

TEST_CASE("null is refused") {
    auto master = ris::Master::create();
    CHECK_THROWS_AS(master->addSlave(nullptr), rogue::GeneralError);
    CHECK_THROWS_AS(master->sendFrame(nullptr), rogue::GeneralError);
}

TEST_CASE("an exception of acceptFrame reaches neither the sender nor the other slaves") {
    class Throwing : public ris::Slave {
    public:
        void acceptFrame(ris::FramePtr frame) override {
            auto lock = frame->lock();
            throw std::runtime_error("not today");
        }
    };
    rogue::Logging::setEmitStdout(false);
    auto master = ris::Master::create();
    auto receiver = std::make_shared<Receiver>();
    *master >> receiver;
    *master >> std::make_shared<Throwing>();
    master->sendFrame(frameOf(*master, {1}));
    CHECK(receiver->payloads.size() == 1);
    rogue::Logging::setEmitStdout(true);
}

TEST_CASE("two objects connect in both directions") {
    auto a = std::make_shared<Echo>();
    auto b = std::make_shared<Echo>();
    *a == b;
    a->sendFrame(a->reqFrame(4, true));
    CHECK(a->received == 1);
    CHECK(b->received == 1);
    std::weak_ptr<Echo> watch = b;
    b.reset();
    CHECK_FALSE(watch.expired());
    // The two keep each other until one is stopped.
    a->stop();
    CHECK(watch.expired());
}

TEST_CASE("connecting in both directions is all or nothing") {
    Echo onTheStack;
    auto other = std::make_shared<Echo>();
    CHECK_THROWS_AS(onTheStack == other, std::bad_weak_ptr);
    CHECK(onTheStack.slaveCount() == 0);
    CHECK(other->slaveCount() == 0);
}

TEST_CASE("a receiver lives as long as a master is connected to it") {
    auto master = ris::Master::create();
    std::weak_ptr<Receiver> watch;
    {
        auto receiver = std::make_shared<Receiver>();
        watch = receiver;
        *master >> receiver;
    }
    CHECK_FALSE(watch.expired());
    master->sendFrame(frameOf(*master, {1}));
    CHECK(watch.lock()->payloads.size() == 1);
    master.reset();
    CHECK(watch.expired());
}
