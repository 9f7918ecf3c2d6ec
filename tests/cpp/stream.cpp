// Frames, and the masters and slaves between which they travel.

#include "support.h"

#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace ris = rogue::interfaces::stream;

namespace {

/** Records the payloads it gets, and the order of the receivers. */
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

/** Sends each received frame back, once. */
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
    CHECK_FALSE(frame->isEmpty());
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
    CHECK(frame->getPayload() == 0);
    CHECK_FALSE(frame->isEmpty());
    CHECK(ris::Frame::create()->isEmpty());
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
    CHECK(one->reqLocalFrame(13, false)->getSize() == 13);

    master->stop();
    CHECK(master->slaveCount() == 0);
    master->sendFrame(frameOf(*master, {4}));
    CHECK(order.size() == 3);
}

TEST_CASE("f29 a sender may hold the frame's lock") {
    /** Has another thread look at the frame, like a frame queue, and waits for it. */
    class Handing : public ris::Slave {
    public:
        void acceptFrame(ris::FramePtr frame) override {
            std::thread([&] {
                auto lock = frame->lock();
                payload = frame->getPayload();
            }).join();
        }
        uint32_t payload = 0;
    };
    auto master = ris::Master::create();
    auto receiver = std::make_shared<Receiver>();
    auto counter = ris::Slave::create();
    auto handing = std::make_shared<Handing>();
    *master >> receiver;
    *master >> counter;
    *master >> handing;
    auto frame = master->reqFrame(8, true);
    {
        auto lock = frame->lock();
        auto again = frame->lock();
        frame->setPayload(3);
        std::fill(frame->begin(), frame->end(), uint8_t{7});
        master->sendFrame(frame);
        // The sender holds it again, with the same count.
        again->unlock();
        std::atomic<bool> taken{false};
        std::thread other([&] {
            auto theirs = frame->lock();
            taken = true;
        });
        frame->setPayload(4);
        CHECK_FALSE(taken);
        lock->unlock();
        other.join();
        CHECK(taken);
    }
    CHECK(receiver->payloads == std::vector<std::vector<uint8_t>>{{7, 7, 7}});
    CHECK(counter->getByteCount() == 3);
    CHECK(handing->payload == 3);
}

TEST_CASE("f30 a slave may make the frames for its masters itself") {
    class Maker : public Receiver {
    public:
        ris::FramePtr acceptReq(uint32_t size, bool zeroCopyEn) override {
            asked.emplace_back(size, zeroCopyEn);
            if (size == 0)
                return nullptr;
            if (size > 100)
                throw std::runtime_error("too large for this link");
            auto frame = Receiver::acceptReq(size + 8, false);
            frame->setChannel(5);
            return frame;
        }
        std::vector<std::pair<uint32_t, bool>> asked;
    };
    auto master = ris::Master::create();
    auto maker = std::make_shared<Maker>();
    *master >> maker;
    *master >> std::make_shared<Receiver>();
    auto frame = master->reqFrame(3, true);
    CHECK(frame->getSize() == 11);
    CHECK(frame->getChannel() == 5);
    frame->setPayload(1);
    master->sendFrame(frame);
    CHECK(maker->payloads.size() == 1);
    CHECK(master->reqFrame(4, false)->getChannel() == 5);
    rogue::Logging::setEmitStdout(false);
    CHECK_THROWS_AS(master->reqFrame(0, true), rogue::GeneralError);
    CHECK_THROWS_AS(master->reqFrame(101, true), rogue::GeneralError);
    rogue::Logging::setEmitStdout(true);
    const std::vector<std::pair<uint32_t, bool>> expected{
        {3, true}, {4, false}, {0, true}, {101, true}};
    CHECK(maker->asked == expected);
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
    // The two keep each other alive until one is stopped.
    a->stop();
    CHECK(watch.expired());
}

TEST_CASE("an object that is connected with itself receives what it sends, once") {
    class Loop : public ris::Master, public ris::Slave {};
    auto loop = std::make_shared<Loop>();
    *loop == loop;
    loop->sendFrame(loop->reqFrame(4, true));
    CHECK(loop->getFrameCount() == 1);
    loop->stop();
}

TEST_CASE("an object is a port of the C library") {
    auto echo = std::make_shared<Echo>();
    rogue_mem_stream_master_t *master = nullptr;
    rogue_mem_stream_slave_t *slave = nullptr;
    rogue_mem_stream_port_t *port = nullptr;
    REQUIRE(rogue_mem_stream_master_new(&master) == ROGUE_MEM_OK);
    REQUIRE(rogue_mem_stream_slave_new(nullptr, &slave) == ROGUE_MEM_OK);
    REQUIRE(rogue_mem_stream_port_new(master, slave, &port) == ROGUE_MEM_OK);
    CHECK(rogue_mem_stream_port_connect(port, echo->nativePort(echo).get()) == ROGUE_MEM_OK);
    rogue_mem_frame_t *frame = nullptr;
    REQUIRE(rogue_mem_stream_master_req_frame(master, 4, 1, &frame) == ROGUE_MEM_OK);
    CHECK(rogue_mem_stream_master_send_frame(master, frame) == ROGUE_MEM_OK);
    CHECK(echo->received == 1);
    CHECK(rogue_mem_stream_slave_frame_count(slave) == 1);
    CHECK_THROWS_AS(echo->nativePort(nullptr), rogue::GeneralError);
    rogue_mem_frame_release(frame);
    rogue_mem_stream_port_release(port);
    rogue_mem_stream_slave_release(slave);
    rogue_mem_stream_master_stop(master);
    rogue_mem_stream_master_release(master);
    // The C master has let go of the object.
    std::weak_ptr<Echo> watch = echo;
    echo->stop();
    echo.reset();
    CHECK(watch.expired());
}

TEST_CASE("connecting in both directions is all or nothing") {
    Echo onTheStack;
    auto other = std::make_shared<Echo>();
    CHECK_THROWS_AS(onTheStack == other, std::bad_weak_ptr);
    CHECK_THROWS_AS(*other == std::shared_ptr<Echo>(), rogue::GeneralError);
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
