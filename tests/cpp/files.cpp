// Data files: StreamWriter and StreamReader. Super-frames: combiners, splitters, inverters, cores.

#include "support.h"

#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"
#include "rogue/protocols/batcher/CombinerV1.h"
#include "rogue/protocols/batcher/CombinerV2.h"
#include "rogue/protocols/batcher/CoreV1.h"
#include "rogue/protocols/batcher/CoreV2.h"
#include "rogue/protocols/batcher/Data.h"
#include "rogue/protocols/batcher/InverterV1.h"
#include "rogue/protocols/batcher/InverterV2.h"
#include "rogue/protocols/batcher/SplitterV1.h"
#include "rogue/protocols/batcher/SplitterV2.h"
#include "rogue/utilities/fileio/StreamReader.h"
#include "rogue/utilities/fileio/StreamWriter.h"
#include "rogue/utilities/fileio/StreamWriterChannel.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>
#include <type_traits>
#include <unistd.h>

namespace ris = rogue::interfaces::stream;
namespace rpb = rogue::protocols::batcher;
namespace ruf = rogue::utilities::fileio;

namespace {

typedef std::vector<uint8_t> Octets;

/** A frame as it arrived. */
struct Arrived {
    Octets payload;
    uint8_t channel;
    uint16_t flags;
    uint8_t error;
};

/** Keeps every frame, and calls a function with each. */
class Receiver : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        Arrived arrived = Arrived();
        {
            auto lock = frame->lock();
            arrived.payload.assign(frame->begin(), frame->end());
        }
        arrived.channel = frame->getChannel();
        arrived.flags = frame->getFlags();
        arrived.error = frame->getError();
        std::lock_guard<std::mutex> guard(mutex_);
        frames_.push_back(arrived);
        if (then)
            then();
    }

    std::vector<Arrived> frames() {
        std::lock_guard<std::mutex> guard(mutex_);
        return frames_;
    }

    std::function<void()> then;

private:
    std::mutex mutex_;
    std::vector<Arrived> frames_;
};

ris::FramePtr frameOf(const Octets &payload, uint8_t channel = 0, uint16_t flags = 0) {
    const ris::FramePtr frame = ris::Frame::create(static_cast<uint32_t>(payload.size()));
    frame->setPayload(static_cast<uint32_t>(payload.size()));
    std::copy(payload.begin(), payload.end(), frame->begin());
    frame->setChannel(channel);
    frame->setFlags(flags);
    return frame;
}

std::string pathOf(const std::string &name) {
    return "/tmp/rogue-mem-cpp-" + std::to_string(getpid()) + "-" + name;
}

Octets contentOf(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return Octets(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

Octets text(const std::string &octets) { return Octets(octets.begin(), octets.end()); }

const Octets ABC = {7, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c'};

} // namespace

TEST_CASE("frames are recorded, and sent again") {
    const std::string path = pathOf("data");
    const auto writer = ruf::StreamWriter::create();
    CHECK(writer->getChannel(3) == writer->getChannel(3));
    writer->setBufferSize(1000);
    writer->setBufferSize(0);
    writer->setBufferSize(1000);
    writer->setDropErrors(true);
    writer->open(path);
    CHECK(writer->isOpen());
    CHECK_FALSE(writer->getRaw());

    const auto source = ris::Master::create();
    *source >> writer->getChannel(3);
    std::thread sender([&] {
        source->sendFrame(frameOf(text("abc")));
        const ris::FramePtr bad = frameOf(text("bad"));
        bad->setError(1);
        source->sendFrame(bad);
    });
    CHECK(writer->waitFrameCount(1, 0));
    CHECK(writer->getChannel(3)->waitFrameCount(2, LONG_TIMEOUT_US));
    CHECK_FALSE(writer->waitFrameCount(2, 1));
    sender.join();
    CHECK(writer->getBandwidth() > 0);
    writer->close();
    CHECK_FALSE(writer->isOpen());
    CHECK(contentOf(path) == ABC);
    CHECK(writer->getTotalSize() == 11);
    CHECK(writer->getCurrentSize() == 11);
    CHECK(writer->getFrameCount() == 1);
    CHECK(writer->getChannel(3)->getFrameCount() == 2);
    CHECK(writer->getStats().skipped == 1);
    writer->getChannel(3)->setFrameCount(0);
    CHECK(writer->getChannel(3)->getFrameCount() == 0);
    static_assert(std::is_same<decltype(writer->getFrameCount()), uint32_t>::value, "as in Rogue");

    const auto reader = ruf::StreamReader::create();
    const auto receiver = std::make_shared<Receiver>();
    *reader >> receiver;
    reader->open(path);
    reader->closeWait();
    CHECK_FALSE(reader->isOpen());
    CHECK_FALSE(reader->isActive());
    REQUIRE(receiver->frames().size() == 1);
    CHECK(receiver->frames()[0].payload == text("abc"));
    CHECK(receiver->frames()[0].channel == 3);
    CHECK(reader->getStats().frames == 1);
    CHECK(reader->getError() == "");

    CHECK(truncate(path.c_str(), 10) == 0);
    reader->open(path);
    reader->closeWait();
    REQUIRE(receiver->frames().size() == 2);
    CHECK(receiver->frames()[1].error == 1);
    CHECK(reader->getError().find("record at byte 0: Short read") != std::string::npos);
    std::remove(path.c_str());
}

TEST_CASE("a writer's file is closed with its buffer by the last of writer and channels") {
    const std::string path = pathOf("last");
    auto source = ris::Master::create();
    {
        const auto writer = std::make_shared<ruf::StreamWriter>();
        writer->setBufferSize(100);
        writer->open(path);
        rogueStreamConnect(source, writer->getChannel(0));
    }
    source->sendFrame(frameOf(text("abc"), 3));
    CHECK(contentOf(path).empty());
    source.reset();
    CHECK(contentOf(path) == ABC);
    std::remove(path.c_str());
}

TEST_CASE("a series of files has a limit each, and is read from its first file on") {
    const std::string path = pathOf("series");
    const auto writer = ruf::StreamWriter::create();
    writer->setMaxSize(11);
    writer->open(path);
    const auto source = ris::Master::create();
    *source >> writer->getChannel(3);
    for (int count = 0; count < 3; ++count)
        source->sendFrame(frameOf(text("abc")));
    writer->close();
    ruf::StreamReader::Options options;
    options.frame_bytes_max = 3;
    const auto reader = ruf::StreamReader::create(options);
    const auto receiver = std::make_shared<Receiver>();
    *reader >> receiver;
    reader->open(path + ".1");
    reader->closeWait();
    CHECK(receiver->frames().size() == 3);
    CHECK(reader->getStats().files == 3);
    for (const char *part : {".1", ".2", ".3"}) {
        CHECK(contentOf(path + part) == ABC);
        std::remove((path + part).c_str());
    }
}

TEST_CASE("failures of files are told in words") {
    const auto writer = ruf::StreamWriter::create();
    CHECK_THROWS_WITH(writer->open("/tmp/no such folder/data"),
                      "StreamWriter::open: General Error: Failed to open data file: /tmp/no such "
                      "folder/data: No such file or directory (os error 2)");
    writer->open("/dev/full");
    const auto source = ris::Master::create();
    *source >> writer->getChannel(3);
    source->sendFrame(frameOf(text("abc")));
    CHECK_FALSE(writer->isOpen());
    CHECK(writer->getError().find("No space left on device") != std::string::npos);
    CHECK_THROWS_AS(writer->close(), rogue::GeneralError);
    CHECK_NOTHROW(writer->close());
    const auto reader = ruf::StreamReader::create();
    CHECK_THROWS_AS(reader->open("/tmp"), rogue::GeneralError);
    CHECK_FALSE(reader->isOpen());
}

TEST_CASE("a reader is closed in a delivery, and by its end") {
    const std::string path = pathOf("many");
    std::ofstream file(path, std::ios::binary);
    for (int count = 0; count < 1000; ++count)
        file.write(reinterpret_cast<const char *>(ABC.data()), 11);
    file.close();
    auto reader = ruf::StreamReader::create();
    const auto receiver = std::make_shared<Receiver>();
    *reader >> receiver;
    ruf::StreamReader *own = reader.get();
    receiver->then = [own] {
        own->closeWait();
        own->close();
    };
    reader->open(path);
    reader->closeWait();
    CHECK(receiver->frames().size() == 1);
    receiver->then = nullptr;
    reader->open(path);
    reader->open(path);
    reader.reset();
    CHECK(receiver->frames().size() <= 2002);
    std::remove(path.c_str());
}

TEST_CASE("super-frames are packed, split and packed again") {
    const auto combiner = rpb::CombinerV2::create(), again = rpb::CombinerV2::create();
    const auto splitter = rpb::SplitterV2::create();
    const auto source = ris::Master::create();
    const auto first = std::make_shared<Receiver>(), second = std::make_shared<Receiver>();
    *source >> combiner;
    *combiner >> first;
    *combiner >> splitter;
    *(*splitter >> again) >> second;
    combiner->sendBatch();
    CHECK(first->frames().empty());
    source->sendFrame(frameOf({1, 2, 3, 4, 5, 6, 7, 8}, 1, 0x0102));
    source->sendFrame(frameOf({0xa1, 0xa2, 0xa3}, 0x22, 0x4433));
    CHECK(combiner->getCount() == 2);
    combiner->sendBatch();
    CHECK(combiner->getCount() == 0);
    CHECK(again->getCount() == 2);
    again->sendBatch();
    const Octets expected = {2, 0, 1, 2,    3,    4,    5, 6, 7, 8, 8,    0,    0,   0,
                             1, 2, 1, 0xa1, 0xa2, 0xa3, 3, 0, 0, 0, 0x22, 0x33, 0x44};
    REQUIRE(first->frames().size() == 1);
    CHECK(first->frames()[0].payload == expected);
    REQUIRE(second->frames().size() == 1);
    CHECK(second->frames()[0].payload == expected);
    CHECK(combiner->getStats().frames == 2);
    CHECK(splitter->getStats().super_frames == 1);
    CHECK_THROWS_AS(rpb::CombinerV1::create(6), rogue::GeneralError);
}

TEST_CASE("super-frames of version 1 are inverted, also in several buffers") {
    const auto combiner = rpb::CombinerV1::create(3);
    const auto inverter = rpb::InverterV1::create();
    const auto splitter = rpb::SplitterV1::create();
    const auto inverted = std::make_shared<Receiver>(), split = std::make_shared<Receiver>();
    *combiner >> inverter;
    *(*combiner >> splitter) >> split;
    *inverter >> inverted;
    inverter->setFixedSize(24);
    combiner->acceptFrame(frameOf({1, 2, 3, 4, 5, 6, 7, 8}, 1, 0x0102));
    combiner->acceptFrame(frameOf({9}, 2));
    combiner->sendBatch();
    Octets expected(64, 0);
    const Octets head = {8, 0, 0, 0, 1, 2, 1, 3};
    std::copy(head.begin(), head.end(), expected.begin());
    for (uint8_t octet = 1; octet <= 8; ++octet)
        expected[15 + octet] = octet;
    expected[32] = 1;
    expected[36] = 2;
    expected[39] = 3;
    expected[48] = 9;
    REQUIRE(inverted->frames().size() == 1);
    CHECK(inverted->frames()[0].payload == expected);
    CHECK(inverter->getStats().super_frames == 1);
    REQUIRE(split->frames().size() == 2);
    CHECK(split->frames()[0].flags == 0x0102);
    CHECK(split->frames()[1].payload == Octets{9});

    const auto second = rpb::InverterV2::create();
    const auto receiver = std::make_shared<Receiver>();
    *second >> receiver;
    second->acceptFrame(frameOf({2, 0, 0x11, 1, 0, 0, 0, 5, 2, 0}));
    REQUIRE(receiver->frames().size() == 1);
    CHECK(receiver->frames()[0].payload == Octets{1, 0, 0x11, 1, 0, 0, 0, 5});
}

TEST_CASE("a core finds the records of a super-frame in place") {
    rpb::CoreV1 core;
    CHECK(core.headerSize() == 0);
    CHECK(core.count() == 0);
    CHECK_THROWS_AS(core.beginHeader(), rogue::GeneralError);
    const Octets octets = {0x11, 5, 0, 0, 0x11, 0x22, 0x33, 0, 3, 0, 0, 0, 7, 8, 9, 1};
    core.initSize(4);
    REQUIRE(core.processFrame(frameOf(octets)));
    CHECK(core.headerSize() == 4);
    CHECK(core.tailSize() == 8);
    CHECK(core.sequence() == 5);
    REQUIRE(core.count() == 1);
    rpb::DataPtr &record = core.record(0);
    CHECK(Octets(record->begin(), record->end()) == Octets{0x11, 0x22, 0x33});
    CHECK(record->size() == 3);
    CHECK(record->dest() == 7);
    CHECK(record->fUser() == 8);
    CHECK(record->lUser() == 9);
    CHECK(Octets(core.beginTail(0), core.endTail(0)) == Octets(octets.begin() + 8, octets.end()));
    CHECK(core.endHeader() - core.beginHeader() == 4);
    CHECK_THROWS_WITH(core.record(1), "batcher::CoreV1::record: General Error: Attempt to access "
                                      "record 1 in frame with 1 records");
    CHECK_THROWS_WITH(core.beginTail(1),
                      "batcher::CoreV1::beginTail: General Error: Attempt to get "
                      "tail index 1 in message with 1 tails");
    // A record outlives its core and its frame.
    const rpb::DataPtr kept = record;
    CHECK_FALSE(core.processFrame(frameOf({1, 2, 3})));
    CHECK(core.count() == 0);
    CHECK(*kept->begin() == 0x11);
    const ris::FramePtr errored = frameOf(octets);
    errored->setError(3);
    CHECK_FALSE(core.processFrame(errored));
    core.reset();

    const auto second = rpb::CoreV2::create();
    CHECK(second->headerSize() == 2);
    CHECK(second->tailSize() == 7);
    REQUIRE(second->processFrame(frameOf({2, 9, 0x11, 1, 0, 0, 0, 5, 2, 0})));
    CHECK(second->sequence() == 9);
    CHECK(*second->record(0)->begin() == 0x11);
    CHECK_FALSE(second->processFrame(frameOf(octets)));
}
