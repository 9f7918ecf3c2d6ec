// A stream in the form of Rogue's documentation: a sender and a receiver of the program's own, with
// a queue, a filter and a rate limit between them, and a tap that watches. It is compiled and linked
// as it stands.
#include "rogue/Helpers.h"
#include "rogue/interfaces/stream/Fifo.h"
#include "rogue/interfaces/stream/Filter.h"
#include "rogue/interfaces/stream/Frame.h"
#include "rogue/interfaces/stream/FrameAccessor.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/RateDrop.h"
#include "rogue/interfaces/stream/Slave.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace ris = rogue::interfaces::stream;

class Source : public rogue::interfaces::stream::Master {
public:
    static std::shared_ptr<Source> create() {
        static std::shared_ptr<Source> ret = std::make_shared<Source>();
        return (ret);
    }

    Source() : rogue::interfaces::stream::Master() {}

    void generate(uint32_t count) {
        rogue::interfaces::stream::FramePtr frame = reqFrame(100, true);
        frame->setPayload(count);
        rogue::interfaces::stream::FrameIterator it = frame->begin();
        for (uint32_t x = 0; x < count; x++) {
            *it = static_cast<uint8_t>(x);
            it++;
        }
        frame->setFirstUser(0x2);
        frame->setChannel(1);
        sendFrame(frame);
    }

    // The three ways to fill a frame: by element, by block, by algorithm.
    void other() {
        ris::FramePtr frame = reqFrame(64, true);
        frame->setPayload(24);
        ris::FrameIterator it = frame->beginWrite();
        uint32_t word = 0x12345678;
        ris::toFrame(it, 4, &word);
        std::vector<uint8_t> data(12, 3);
        it = std::copy(data.begin(), data.end(), it);
        ris::FrameAccessor<uint64_t> accessor(it, 1);
        accessor[0] = 7;
        sendFrame(frame);
    }
};

typedef std::shared_ptr<Source> SourcePtr;

class Sink : public rogue::interfaces::stream::Slave {
public:
    static std::shared_ptr<Sink> create() {
        static std::shared_ptr<Sink> ret = std::make_shared<Sink>();
        return (ret);
    }

    Sink() : rogue::interfaces::stream::Slave() {}

    void acceptFrame(std::shared_ptr<rogue::interfaces::stream::Frame> frame) {
        rogue::interfaces::stream::FrameLockPtr lock = frame->lock();
        if (frame->getError() != 0)
            return;
        std::vector<uint8_t> data(frame->getPayload());
        std::copy(frame->begin(), frame->end(), data.begin());
        // Run by run, without a copy.
        for (ris::FrameIterator it = frame->beginRead(); it != frame->endRead();
             it += static_cast<int32_t>(it.remBuffer()))
            total += it.remBuffer();
        // Buffer by buffer.
        for (ris::Frame::BufferIterator it = frame->beginBuffer(); it != frame->endBuffer(); ++it)
            buffers += (*it)->getPayload() > 0 ? 1u : 0u;
    }

    uint32_t total = 0;
    uint32_t buffers = 0;
};

typedef std::shared_ptr<Sink> SinkPtr;

// A master and a slave in one.
class Forward : public ris::Master, public ris::Slave {
public:
    static std::shared_ptr<Forward> create() { return std::make_shared<Forward>(); }
    Forward() : ris::Master(), ris::Slave() {}
    void acceptFrame(ris::FramePtr frame) override { sendFrame(frame); }
};

int main() {
    SourcePtr src = Source::create();
    SinkPtr dst = Sink::create();
    ris::FifoPtr fifo = ris::Fifo::create(100, 0, true);
    ris::FilterPtr filter = ris::Filter::create(false, 1);
    ris::RateDropPtr drop = ris::RateDrop::create(false, 0);
    std::shared_ptr<Forward> fwd = Forward::create();

    // By operators, in one line or in several.
    *(*(*src >> filter) >> drop) >> fwd;
    *fwd >> fifo;
    *dst << fifo;

    // By macros.
    ris::SlavePtr tap = ris::Slave::create();
    tap->setDebug(10, "tap");
    rogueStreamTap(src, tap);
    std::shared_ptr<Forward> other = Forward::create();
    rogueStreamConnectBiDir(Forward::create(), other);

    src->generate(10);
    src->other();
    fifo->stop();
    std::printf("%u bytes, %llu frames, %zu queued, %zu dropped\n", dst->total,
                static_cast<unsigned long long>(tap->getFrameCount()), fifo->size(),
                fifo->dropCnt());
    return tap->getFrameCount() == 2 ? 0 : 1;
}
