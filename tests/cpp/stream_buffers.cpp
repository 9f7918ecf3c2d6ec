// The buffers of frames: iterators and accessors across them, pools, and memory of the program's.

#include "support.h"

#include "rogue/interfaces/stream/Buffer.h"
#include "rogue/interfaces/stream/Fifo.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameAccessor.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Pool.h"
#include "rogue/interfaces/stream/Slave.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <type_traits>

namespace ris = rogue::interfaces::stream;

namespace {

typedef std::vector<uint8_t> Bytes;

/** A frame with buffers of these sizes, 0 too. */
ris::FramePtr framed(const std::vector<uint32_t> &sizes) {
    auto frame = ris::Frame::create();
    for (uint32_t size : sizes) {
        const auto buffer = frame->appendFrame(ris::Frame::create(size + 1));
        (*buffer)->adjustTail(1);
    }
    return frame;
}

Bytes counted(std::size_t count) {
    Bytes bytes(count);
    std::iota(bytes.begin(), bytes.end(), uint8_t{1});
    return bytes;
}

/** Gives out memory of its own where that is allowed, and gets it back. */
class Arena : public ris::Pool {
public:
    ris::FramePtr acceptReq(uint32_t size, bool zeroCopyEn) override {
        if (!zeroCopyEn)
            return Pool::acceptReq(size, zeroCopyEn);
        auto frame = ris::Frame::create();
        frame->appendBuffer(
            createBuffer(new uint8_t[size](), 0x80000000 + ++given, size, size + 16));
        return frame;
    }

    void retBuffer(uint8_t *data, uint32_t meta, uint32_t size) override {
        delete[] data;
        decCounter(size);
        std::lock_guard<std::mutex> guard(mutex);
        returned[meta] = size;
        changed.notify_all();
    }

    void waitReturned(std::size_t count) {
        std::unique_lock<std::mutex> guard(mutex);
        changed.wait(guard, [&] { return returned.size() >= count; });
    }

    ris::BufferPtr allocate(uint32_t size, uint32_t *total) { return allocBuffer(size, total); }

    uint32_t given = 0;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<uint32_t, uint32_t> returned;
};

} // namespace

TEST_CASE("a frame is iterated over its buffers, empty ones too, as if they were one") {
    std::mt19937 random(5);
    for (int round = 0; round < 200; ++round) {
        std::vector<uint32_t> sizes(random() % 6);
        for (auto &size : sizes)
            size = static_cast<uint32_t>(random() % 7);
        const auto frame = framed(sizes);
        const uint32_t size = std::accumulate(sizes.begin(), sizes.end(), 0u);
        REQUIRE(frame->getSize() == size);
        REQUIRE(frame->bufferCount() == sizes.size());
        REQUIRE(frame->endWrite() - frame->beginWrite() == size);
        const Bytes bytes = counted(size);
        std::copy(bytes.begin(), bytes.end(), frame->beginWrite());
        const uint32_t payload = static_cast<uint32_t>(random() % (size + 1));
        frame->setPayload(payload);
        REQUIRE(Bytes(frame->begin(), frame->end()) ==
                Bytes(bytes.begin(), bytes.begin() + payload));
        Bytes reversed;
        for (auto it = frame->end(); it != frame->begin();)
            reversed.push_back(*--it);
        std::reverse(reversed.begin(), reversed.end());
        REQUIRE(reversed == Bytes(bytes.begin(), bytes.begin() + payload));
        auto it = frame->begin();
        for (int step = 0; step < 20 && payload > 0; ++step) {
            const auto to = static_cast<std::ptrdiff_t>(random() % payload);
            it += to - (it - frame->begin());
            REQUIRE(*it == bytes[static_cast<std::size_t>(to)]);
            REQUIRE(it[0] == *it);
            REQUIRE(it.ptr() == &*it);
            REQUIRE(it.remBuffer() > 0);
            REQUIRE(it.endBuffer() - it == it.remBuffer());
        }
        std::reverse(frame->begin(), frame->end());
        std::sort(frame->begin(), frame->end());
        REQUIRE(std::is_sorted(frame->begin(), frame->end()));
    }
}

TEST_CASE("an iterator stays within its frame") {
    const auto frame = framed({4, 4});
    frame->setPayload(6);
    auto it = frame->begin();
    it += 100;
    CHECK(it == frame->end());
    CHECK(it.remBuffer() == 0);
    CHECK(it.ptr() == nullptr);
    CHECK(++it == frame->end());
    CHECK(it - frame->begin() == 6);
    CHECK(frame->begin() - 1 == frame->end());
    CHECK(frame->end() - 6 == frame->begin());
    CHECK(*(frame->end() - 1) == *(frame->begin() + 5));
    // Those that exist keep their end, and find nothing where buffers have gone.
    it = frame->begin();
    const auto end = frame->end();
    frame->setPayload(8);
    CHECK(it + 8 == end);
    frame->clear();
    it += 5;
    CHECK(it.remBuffer() == 0);
    CHECK(it.ptr() == nullptr);
    ris::FrameIterator none;
    CHECK(none.ptr() == nullptr);
    CHECK(none.remBuffer() == 0);
    CHECK(std::is_trivially_copyable<ris::FrameIterator>::value);
}

TEST_CASE("a first buffer without payload is skipped") {
    const auto frame = framed({4, 4});
    (*frame->beginBuffer())->setPayload(0);
    (*(frame->endBuffer() - 1))->setPayload(3);
    auto it = frame->begin();
    CHECK(it.remBuffer() == 3);
    const Bytes bytes = {7, 8, 9};
    ris::toFrame(it, 3, bytes.data());
    CHECK(it == frame->end());
    CHECK(Bytes(frame->begin(), frame->end()) == bytes);
}

TEST_CASE("helpers copy across the buffers of both frames") {
    const auto frame = framed({3, 0, 5}), other = framed({4, 4});
    frame->setPayloadFull();
    other->setPayloadFull();
    const Bytes bytes = counted(8);
    auto to = frame->begin();
    ris::toFrame(to, 8, bytes.data());
    auto from = frame->begin();
    to = other->begin();
    ris::copyFrame(from, 8, to);
    Bytes read(8);
    from = other->begin();
    ris::fromFrame(from, 8, read.data());
    CHECK(read == bytes);
    CHECK_THROWS_AS(ris::fromFrame(from, 1, read.data()), rogue::GeneralError);
}

TEST_CASE("an accessor is an array within one buffer") {
    const auto frame = framed({16, 8});
    frame->setPayloadFull();
    auto it = frame->begin();
    ris::FrameAccessor<uint32_t> words(it, 4);
    std::iota(words.begin(), words.end(), 10u);
    words[1] = 99;
    CHECK(words.at(3) == 13);
    CHECK(words.end() - words.begin() == 4);
    CHECK_THROWS_AS(words.at(4), rogue::GeneralError);
    uint32_t word = 0;
    auto from = frame->begin() + 4;
    ris::fromFrame(from, 4, &word);
    CHECK(word == 99);
    CHECK(it == frame->begin());
    CHECK_THROWS_AS(ris::FrameAccessor<uint32_t>(it, 5), rogue::GeneralError);
    it += 16;
    ris::FrameAccessor<uint16_t> second(it, 4);
    CHECK(second.end() - second.begin() == 4);
    CHECK_THROWS_AS(ris::FrameAccessor<uint64_t>(it, 0x20000001), rogue::GeneralError);
    it = frame->end();
    ris::FrameAccessor<uint8_t> nothing(it, 0);
    CHECK(nothing.begin() == nothing.end());
}

TEST_CASE("reservations make room around a payload without moving it") {
    const auto frame = ris::Frame::create(16);
    const auto buffer = *frame->beginBuffer();
    CHECK(buffer->getSize() == 16);
    buffer->adjustHeader(4);
    buffer->adjustTail(2);
    CHECK(buffer->getSize() == 10);
    CHECK(frame->getSize() == 10);
    buffer->setPayload(5);
    CHECK(buffer->getAvailable() == 5);
    CHECK(buffer->endPayload() - buffer->begin() == 5);
    CHECK(buffer->end() - buffer->begin() == 10);
    std::fill(frame->begin(), frame->end(), uint8_t{7});
    // A lower layer puts its header in front.
    buffer->adjustHeader(-2);
    buffer->begin()[0] = 1;
    buffer->begin()[1] = 2;
    CHECK(Bytes(frame->begin(), frame->end()) == Bytes{1, 2, 7, 7, 7, 7, 7});
    // And takes it off again, with some of the payload.
    buffer->adjustHeader(3);
    CHECK(frame->getPayload() == 4);
    buffer->adjustHeader(9);
    CHECK(buffer->getPayload() == 0);
    buffer->zeroHeader();
    CHECK(buffer->getPayload() == 14);
    buffer->zeroTail();
    CHECK(buffer->getSize() == 16);
    buffer->setPayloadFull();
    buffer->adjustTail(6);
    CHECK(buffer->getPayload() == 10);
    CHECK(buffer->getAvailable() == 0);
    CHECK(frame->getAvailable() == 0);
    buffer->adjustPayload(-3);
    buffer->minPayload(5);
    CHECK(buffer->getPayload() == 7);
    buffer->minPayload(8);
    CHECK(buffer->getPayload() == 8);
    CHECK_THROWS_AS(buffer->adjustHeader(-1), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustHeader(11), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustTail(-7), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustTail(INT32_MIN), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustTail(INT32_MAX), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->setPayload(11), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustPayload(-9), rogue::GeneralError);
    CHECK_THROWS_AS(buffer->adjustPayload(3), rogue::GeneralError);
    CHECK(buffer->getPayload() == 8);
    buffer->setPayloadEmpty();
    CHECK(frame->getPayload() == 0);
}

TEST_CASE("buffers are moved between frames, with the objects that represent them") {
    const auto frame = framed({4, 4}), other = framed({8, 2});
    other->setPayload(9);
    other->setChannel(3);
    const auto large = *other->beginBuffer();
    const uint8_t *memory = large->begin();
    const auto first = frame->appendFrame(other);
    CHECK(*first == large);
    CHECK(first - frame->beginBuffer() == 2);
    CHECK(frame->endBuffer() - frame->beginBuffer() == 4);
    CHECK(other->isEmpty());
    CHECK(other->getChannel() == 3);
    CHECK(frame->getChannel() == 0);
    CHECK(large->begin() == memory);
    large->setPayload(1);
    CHECK(frame->getPayload() == 2);
    CHECK_THROWS_AS(other->appendBuffer(large), rogue::GeneralError);
    CHECK_THROWS_AS(frame->appendFrame(frame), rogue::GeneralError);
    CHECK(frame->bufferCount() == 4);
    frame->clear();
    CHECK(frame->isEmpty());
    CHECK(frame->beginBuffer() == frame->endBuffer());
    CHECK_THROWS_AS(large->getSize(), rogue::GeneralError);
    CHECK(frame->begin() == frame->end());
    frame->debug();
}

TEST_CASE("a pool gives out memory of the program's, and gets each piece back once") {
    auto arena = std::make_shared<Arena>();
    CHECK(arena->acceptReq(10, false)->getSize() == 10);
    CHECK(arena->getAllocCount() == 0);
    std::weak_ptr<Arena> watch = arena;
    auto frame = arena->acceptReq(32, true), second = arena->acceptReq(8, true);
    CHECK(frame->getSize() == 32);
    CHECK(arena->getAllocCount() == 2);
    CHECK(arena->getAllocBytes() == 32 + 8 + 32);
    (*frame->beginBuffer())->setMeta(0x77);
    /** Sees another object for the same frame. */
    class Looking : public ris::Slave {
    public:
        void acceptFrame(ris::FramePtr frame) override {
            auto lock = frame->lock();
            for (auto it = frame->beginBuffer(); it != frame->endBuffer(); ++it)
                metas.push_back((*it)->getMeta());
        }
        std::vector<uint32_t> metas;
    };
    auto looking = std::make_shared<Looking>();
    auto master = ris::Master::create();
    *master >> looking;
    master->sendFrame(frame);
    CHECK(looking->metas == std::vector<uint32_t>{0x77});
    frame->appendFrame(second);
    second.reset();
    const auto view = *frame->beginBuffer();
    frame->clear();
    CHECK(arena->returned == std::map<uint32_t, uint32_t>{{0x77, 48}, {0x80000002, 24}});
    CHECK(arena->getAllocCount() == 0);
    CHECK(arena->getAllocBytes() == 0);
    // A frame keeps the pool of its memory, and a view of a buffer that has gone does not.
    auto last = arena->acceptReq(8, true);
    arena.reset();
    CHECK_FALSE(watch.expired());
    last.reset();
    CHECK(watch.expired());
}

TEST_CASE("buffers of a pool are as large as it has been told") {
    auto arena = std::make_shared<Arena>();
    arena->setFixedSize(64);
    arena->setPoolSize(3);
    CHECK(arena->getFixedSize() == 64);
    CHECK(arena->getPoolSize() == 3);
    auto frame = arena->acceptReq(100, false);
    CHECK(frame->bufferCount() == 2);
    CHECK(arena->getAllocCount() == 2);
    uint32_t total = 1;
    const auto buffer = arena->allocate(100, &total);
    CHECK(total == 65);
    frame->appendBuffer(buffer);
    CHECK(frame->getSize() == 192);
    CHECK(arena->getAllocBytes() == 192);
    CHECK(arena->allocate(5, nullptr)->getSize() == 5);
    CHECK_THROWS_AS(arena->allocate(0, nullptr), rogue::GeneralError);
    frame->clear();
    CHECK(arena->getAllocBytes() == 0);
}

TEST_CASE("memory of the program's crosses threads and comes back on any of them") {
    auto arena = std::make_shared<Arena>();
    {
        auto fifo = ris::Fifo::create(0, 0, true);
        auto master = ris::Master::create();
        *(*master >> fifo) >> ris::Slave::create();
        for (int count = 0; count < 500; ++count) {
            auto frame = arena->acceptReq(64, true);
            frame->setPayloadFull();
            master->sendFrame(frame);
        }
        fifo->stop();
    }
    arena->waitReturned(500);
    CHECK(arena->getAllocCount() == 0);
}

TEST_CASE("a frame of several buffers is joined where a protocol wants one, with all that it has") {
    auto master = ris::Master::create();
    auto slave = ris::Slave::create();
    auto frame = framed({3, 5});
    frame->setPayload(7);
    const Bytes bytes = counted(7);
    std::copy(bytes.begin(), bytes.end(), frame->begin());
    frame->setFlags(0x1234);
    frame->setChannel(5);
    frame->setError(6);
    auto same = frame;
    CHECK_FALSE(master->ensureSingleBuffer(frame, false));
    CHECK(frame == same);
    CHECK(master->ensureSingleBuffer(frame, true));
    CHECK(frame != same);
    CHECK(frame->bufferCount() == 1);
    CHECK(Bytes(frame->begin(), frame->end()) == bytes);
    CHECK(frame->getFlags() == 0x1234);
    CHECK(frame->getChannel() == 5);
    CHECK(frame->getError() == 6);
    same = frame;
    CHECK(slave->ensureSingleBuffer(frame, true));
    CHECK(frame == same);
    slave->setFixedSize(2);
    frame = framed({3, 5});
    frame->setPayload(7);
    CHECK_FALSE(slave->ensureSingleBuffer(frame, true));
    CHECK(frame->bufferCount() == 2);
}

TEST_CASE("a lock is made for a frame") {
    auto frame = ris::Frame::create(4);
    auto lock = ris::FrameLock::create(frame);
    lock->enter();
    frame->setPayload(2);
    lock->exit(nullptr, nullptr, nullptr);
    lock->unlock();
    ris::FrameLock again(frame);
    CHECK(frame->getPayload() == 2);
}
