// Fifo, Filter and RateDrop, and the log of what slaves receive.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/Fifo.h"
#include "rogue/interfaces/stream/Filter.h"
#include "rogue/interfaces/stream/RateDrop.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ris = rogue::interfaces::stream;

namespace {

/** Records the first octet of each frame, while it is open. */
class Receiver : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        std::unique_lock<std::mutex> guard(mutex_);
        ++arrived_;
        changed_.notify_all();
        changed_.wait(guard, [this] { return open_; });
        auto lock = frame->lock();
        numbers_.push_back(*frame->begin());
        sizes_.push_back(frame->getPayload());
        last_ = frame;
        changed_.notify_all();
    }

    void setOpen(bool open) {
        std::lock_guard<std::mutex> guard(mutex_);
        open_ = open;
        changed_.notify_all();
    }

    void waitArrived(int count) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [this, count] { return arrived_ >= count; });
    }

    std::vector<int> wait(std::size_t count) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [this, count] { return numbers_.size() >= count; });
        return numbers_;
    }

    std::vector<uint32_t> sizes() {
        std::lock_guard<std::mutex> guard(mutex_);
        return sizes_;
    }

    ris::FramePtr last() {
        std::lock_guard<std::mutex> guard(mutex_);
        return last_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    int arrived_ = 0;
    std::vector<int> numbers_;
    std::vector<uint32_t> sizes_;
    ris::FramePtr last_;
};

void send(const ris::MasterPtr &master, uint8_t number, uint8_t channel = 0, uint8_t error = 0) {
    auto frame = master->reqFrame(8, true);
    frame->setPayload(8);
    *frame->begin() = number;
    frame->setChannel(channel);
    frame->setError(error);
    master->sendFrame(frame);
}

} // namespace

TEST_CASE("a fifo queues as many frames as it may, drops the rest, and counts them") {
    auto master = ris::Master::create();
    auto fifo = ris::Fifo::create(3, 4, false);
    auto receiver = std::make_shared<Receiver>();
    CHECK((*(*master >> fifo) >> receiver) == receiver);
    receiver->setOpen(false);
    send(master, 0);
    receiver->waitArrived(1);
    for (uint8_t number = 1; number < 10; ++number)
        send(master, number);
    CHECK(fifo->size() == 3);
    CHECK(fifo->dropCnt() == 6);
    receiver->setOpen(true);
    CHECK(receiver->wait(4) == std::vector<int>{0, 1, 2, 3});
    CHECK(receiver->sizes() == std::vector<uint32_t>(4, 4));
    fifo->clearCnt();
    CHECK(fifo->dropCnt() == 0);
    CHECK(fifo->getFrameCount() == 10);
    CHECK(fifo->getByteCount() == 80);
    fifo->stop();
    fifo->stop();
    send(master, 11);
    CHECK(receiver->wait(0).size() == 4);
}

TEST_CASE("a fifo without copies delivers the frame itself, from where it goes to") {
    auto master = ris::Master::create();
    auto fifo = ris::Fifo::create(0, 4, true);
    auto receiver = std::make_shared<Receiver>();
    rogueStreamConnect(master, fifo);
    rogueStreamConnect(fifo, receiver);
    auto frame = master->reqFrame(8, true);
    CHECK(receiver->getAllocCount() == 1);
    frame->setPayload(8);
    master->sendFrame(frame);
    receiver->wait(1);
    CHECK(receiver->last()->nativeHandle() == frame->nativeHandle());
    CHECK(receiver->sizes() == std::vector<uint32_t>{8});
}

TEST_CASE("a stop of a fifo waits for no receiver") {
    auto master = ris::Master::create();
    auto fifo = ris::Fifo::create(0, 0, true);
    auto receiver = std::make_shared<Receiver>();
    *(*master >> fifo) >> receiver;
    receiver->setOpen(false);
    send(master, 0);
    send(master, 1);
    receiver->waitArrived(1);
    fifo->stop();
    CHECK(fifo->size() == 0);
    receiver->setOpen(true);
    CHECK(receiver->wait(1).size() == 1);
}

TEST_CASE("a filter passes the frames of its channel, with errors or without") {
    for (bool dropErrors : {false, true}) {
        auto master = ris::Master::create();
        auto filter = ris::Filter::create(dropErrors, 3);
        auto receiver = std::make_shared<Receiver>();
        *(*master >> filter) >> receiver;
        send(master, 0);
        send(master, 1, 3);
        send(master, 2, 3, 0x80);
        send(master, 3, 4);
        const std::vector<int> expected = dropErrors ? std::vector<int>{1} : std::vector<int>{1, 2};
        CHECK(receiver->wait(0) == expected);
        CHECK(filter->getFrameCount() == 4);
    }
}

TEST_CASE("a rate drop passes some frames, and no rate below zero") {
    auto master = ris::Master::create();
    auto drop = ris::RateDrop::create(false, 2.9);
    auto receiver = std::make_shared<Receiver>();
    *(*master >> drop) >> receiver;
    for (uint8_t number = 0; number < 7; ++number)
        send(master, number);
    CHECK(receiver->wait(0) == std::vector<int>{0, 3, 6});
    CHECK_THROWS_AS(ris::RateDrop::create(true, -1), rogue::GeneralError);
    auto slow = ris::RateDrop::create(true, 3600);
    auto other = ris::Master::create();
    *(*other >> slow) >> receiver;
    send(other, 9);
    CHECK(receiver->wait(0).size() == 3);
}

TEST_CASE("a program's class may be a node of the library with another receipt") {
    class Odd : public ris::Filter {
    public:
        Odd() : ris::Filter(false, 0) {}
        void acceptFrame(ris::FramePtr frame) override {
            if (*frame->begin() % 2 == 1)
                ris::Filter::acceptFrame(frame);
        }
    };
    auto master = ris::Master::create();
    auto odd = std::make_shared<Odd>();
    auto receiver = std::make_shared<Receiver>();
    *(*master >> odd) >> receiver;
    for (uint8_t number = 0; number < 5; ++number)
        send(master, number);
    CHECK(receiver->wait(0) == std::vector<int>{1, 3});
}

TEST_CASE("slaves log what arrives while they are told to, whatever receives it") {
    auto master = ris::Master::create();
    auto receiver = std::make_shared<Receiver>();
    auto base = ris::Slave::create();
    *master >> receiver;
    *master >> base;
    static std::mutex mutex;
    static std::vector<std::string> texts;
    rogue_mem_log_sink_t sink = rogue_mem_log_sink_t();
    sink.size = sizeof(sink);
    sink.log = [](void *, uint32_t, const char *name, const char *text, uint64_t, uint32_t,
                  uint64_t, uint32_t) {
        std::lock_guard<std::mutex> guard(mutex);
        texts.push_back(std::string(name) + " " + text);
    };
    rogue::Logging::setEmitStdout(false);
    REQUIRE(rogue_mem_log_set_sink(&sink) == ROGUE_MEM_OK);
    receiver->setDebug(2, "unit.receiver");
    base->setDebug(1, "unit.base");
    send(master, 5, 0, 1);
    receiver->setDebug(0, "");
    send(master, 6);
    REQUIRE(rogue_mem_log_set_sink(nullptr) == ROGUE_MEM_OK);
    rogue::Logging::setEmitStdout(true);
    const std::vector<std::string> expected = {
        "pyrogue.unit.base Got Size=8, Error=1, Data:\n      0x05",
        "pyrogue.unit.receiver Got Size=8, Error=1, Data:\n      0x05 0x00",
        "pyrogue.unit.base Got Size=8, Error=0, Data:\n      0x06"};
    CHECK(texts == expected);
    CHECK(receiver->getFrameCount() == 2);
    CHECK(base->getByteCount() == 16);
}
