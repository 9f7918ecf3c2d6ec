// Streams: a detector sends frames of samples on channel 1, and its temperature on channel 2. One
// road leads the samples through a queue to an analysis that has a thread of its own; another shows
// every tenth frame to a monitor. The temperature goes to a third receiver.
//
// Takes no arguments, and ends with 0 if all went as expected.

#include "rogue/interfaces/stream/Fifo.h"
#include "rogue/interfaces/stream/Filter.h"
#include "rogue/interfaces/stream/FrameAccessor.h"
#include "rogue/interfaces/stream/FrameIterator.h"
#include "rogue/interfaces/stream/FrameLock.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/RateDrop.h"
#include "rogue/interfaces/stream/Slave.h"

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>

namespace ris = rogue::interfaces::stream;

static const uint32_t SAMPLES = 1000;
static const uint8_t SAMPLE_CHANNEL = 1;
static const uint8_t TEMPERATURE_CHANNEL = 2;

class Detector : public ris::Master {
public:
    // Fills the frame where it is going to be read: there is no other copy of the samples.
    void sendSamples(uint16_t first) {
        auto frame = reqFrame(SAMPLES * sizeof(uint16_t), true);
        frame->setPayload(SAMPLES * sizeof(uint16_t));
        auto it = frame->begin();
        ris::FrameAccessor<uint16_t> samples(it, SAMPLES);
        for (uint32_t n = 0; n < SAMPLES; ++n)
            samples[n] = static_cast<uint16_t>(first + n % 2);
        frame->setChannel(SAMPLE_CHANNEL);
        sendFrame(frame);
    }

    void sendTemperature(float celsius) {
        auto frame = reqFrame(sizeof(celsius), true);
        frame->setPayload(sizeof(celsius));
        auto it = frame->begin();
        ris::toFrame(it, sizeof(celsius), &celsius);
        frame->setChannel(TEMPERATURE_CHANNEL);
        sendFrame(frame);
    }
};

// Runs on the thread of the queue before it.
class Analysis : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        auto lock = frame->lock();
        uint64_t sum = 0;
        // Contiguous pieces, whatever the frame lies in.
        for (auto it = frame->begin(); it != frame->end(); it += it.remBuffer()) {
            ris::FrameAccessor<uint16_t> samples(
                it, static_cast<uint32_t>(it.remBuffer() / sizeof(uint16_t)));
            for (uint16_t sample : samples)
                sum += sample;
        }
        std::lock_guard<std::mutex> guard(mutex_);
        sum_ += sum;
        ++frames_;
        changed_.notify_all();
    }

    uint64_t sumOf(unsigned frames) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [&] { return frames_ >= frames; });
        return sum_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned frames_ = 0;
    uint64_t sum_ = 0;
};

class Thermometer : public ris::Slave {
public:
    void acceptFrame(ris::FramePtr frame) override {
        auto lock = frame->lock();
        auto it = frame->begin();
        ris::fromFrame(it, sizeof(celsius), &celsius);
    }

    float celsius = 0;
};

int main() {
    auto detector = std::make_shared<Detector>();
    auto analysis = std::make_shared<Analysis>();
    auto thermometer = std::make_shared<Thermometer>();
    auto monitor = ris::Slave::create(); // counts

    // Frames are requested from the first road: 1000 of them may wait for the analysis.
    auto samples = ris::Filter::create(true, SAMPLE_CHANNEL);
    auto queue = ris::Fifo::create(1000, 0, true);
    *(*(*detector >> samples) >> queue) >> analysis;
    *(*samples >> ris::RateDrop::create(false, 9)) >> monitor;
    *(*detector >> ris::Filter::create(true, TEMPERATURE_CHANNEL)) >> thermometer;

    for (uint16_t n = 0; n < 100; ++n)
        detector->sendSamples(n);
    detector->sendTemperature(21.5F);

    // 100 frames of 1000 samples: n and n + 1 in turn.
    const uint64_t sum = analysis->sumOf(100);
    const uint64_t expected = 1000ULL * 4950 + 500ULL * 100;
    queue->stop();
    std::printf("analysis: %llu, monitor: %llu frames, %.1f degrees, %zu dropped\n",
                static_cast<unsigned long long>(sum),
                static_cast<unsigned long long>(monitor->getFrameCount()),
                static_cast<double>(thermometer->celsius), queue->dropCnt());
    const bool isRight = sum == expected && monitor->getFrameCount() == 10 &&
                         thermometer->celsius == 21.5F && queue->dropCnt() == 0;
    return isRight ? 0 : 1;
}
