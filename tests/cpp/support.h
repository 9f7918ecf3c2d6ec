// Shared parts of the C++ tests: the test framework, names for the namespaces, and slaves.
#ifndef ROGUE_TEST_SUPPORT_H
#define ROGUE_TEST_SUPPORT_H

// The framework prints with streams and leaves their definition to its user.
#include <ostream>

#include <doctest/doctest.h>

#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rim = rogue::interfaces::memory;

/** No test waits longer than this for anything: an upper bound against hangs, not a time. */
static const std::chrono::seconds HANG_LIMIT(60);

/** A timeout in microseconds that no test reaches. */
static const uint64_t LONG_TIMEOUT_US = 60 * 1000 * 1000;
/** A timeout in microseconds for transactions that are meant to time out. */
static const uint64_t SHORT_TIMEOUT_US = 20 * 1000;

/** Whether the memory checker runs, under which everything takes longer: do less of the same. */
inline bool underMemcheck() { return std::getenv("ROGUE_MEM_MEMCHECK") != nullptr; }

/** An event that happens once. */
class Event {
public:
    void set() {
        std::lock_guard<std::mutex> guard(mutex_);
        happened_ = true;
        changed_.notify_all();
    }

    /** Waits for it; false if it does not happen. */
    bool wait() {
        std::unique_lock<std::mutex> guard(mutex_);
        return changed_.wait_for(guard, HANG_LIMIT, [this] { return happened_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool happened_ = false;
};

/** Contents of a 32-bit little-endian register, in octets. */
inline std::vector<uint8_t> octets(uint32_t value) {
    return {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
            static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 24)};
}

/** A transaction as a slave saw it. */
struct Seen {
    uint32_t type;
    uint64_t address;
    uint32_t size;
    std::vector<uint8_t> data; // of a write

    bool operator==(const Seen &other) const {
        return type == other.type && address == other.address && size == other.size &&
               data == other.data;
    }
};

/** A memory written as a user would, that answers at once and records its requests. */
class MemorySlave : public rim::Slave {
public:
    static std::shared_ptr<MemorySlave> create(uint32_t min = 4, uint32_t max = 0x1000) {
        return std::make_shared<MemorySlave>(min, max);
    }

    MemorySlave(uint32_t min, uint32_t max) : rim::Slave(min, max) {}

    void doTransaction(rim::TransactionPtr t) override {
        auto lock = t->lock();
        Seen seen{t->type(), t->address(), t->size(), {}};
        {
            std::lock_guard<std::mutex> guard(mutex_);
            if (t->type() == rim::Write || t->type() == rim::Post) {
                seen.data.assign(t->begin(), t->end());
                for (uint32_t i = 0; i < t->size(); ++i) {
                    memory_[t->address() + i] = t->begin()[i];
                }
            } else {
                for (uint32_t i = 0; i < t->size(); ++i) {
                    t->begin()[i] = memory_[t->address() + i];
                }
            }
            seen_.push_back(seen);
        }
        t->done();
    }

    /** The requests since the last call. */
    std::vector<Seen> takeSeen() {
        std::lock_guard<std::mutex> guard(mutex_);
        std::vector<Seen> seen;
        seen.swap(seen_);
        return seen;
    }

private:
    std::mutex mutex_;
    std::map<uint64_t, uint8_t> memory_;
    std::vector<Seen> seen_;
};

/** Keeps every transaction until the test takes it. */
class KeepingSlave : public rim::Slave {
public:
    static std::shared_ptr<KeepingSlave> create() { return std::make_shared<KeepingSlave>(); }

    KeepingSlave() : rim::Slave(4, 0x1000) {}

    void doTransaction(rim::TransactionPtr t) override {
        std::lock_guard<std::mutex> guard(mutex_);
        kept_.push_back(t);
        changed_.notify_all();
    }

    /** The oldest transaction, waiting for one; null if none comes. */
    rim::TransactionPtr take() {
        std::unique_lock<std::mutex> guard(mutex_);
        if (!changed_.wait_for(guard, HANG_LIMIT, [this] { return !kept_.empty(); })) {
            return nullptr;
        }
        rim::TransactionPtr oldest = kept_.front();
        kept_.erase(kept_.begin());
        return oldest;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<rim::TransactionPtr> kept_;
};

/** A slave whose behaviour is a function. */
class FunctionSlave : public rim::Slave {
public:
    typedef std::function<void(rim::TransactionPtr)> Function;

    static std::shared_ptr<FunctionSlave> create(Function function) {
        return std::make_shared<FunctionSlave>(std::move(function));
    }

    explicit FunctionSlave(Function function)
        : rim::Slave(4, 0x1000), function_(std::move(function)) {}

    void doTransaction(rim::TransactionPtr t) override { function_(t); }

private:
    Function function_;
};

/** Error text of one request, "" for success. */
inline std::string request(rim::Master &master, uint64_t address, std::vector<uint8_t> &data,
                           uint32_t type) {
    std::string error;
    const uint32_t id =
        master.reqTransaction(address, static_cast<uint32_t>(data.size()), data.data(), type);
    master.waitTransaction(id, error);
    return error;
}

/** Writes a register; the error text, "" for success. */
inline std::string write32(rim::Master &master, uint64_t address, uint32_t value,
                           uint32_t type = rim::Write) {
    std::vector<uint8_t> data = octets(value);
    return request(master, address, data, type);
}

/** Reads a register; the error text, "" for success. */
inline std::string read32(rim::Master &master, uint64_t address, uint32_t &value,
                          uint32_t type = rim::Read) {
    std::vector<uint8_t> data(4, 0xEE);
    const std::string error = request(master, address, data, type);
    value = data[0] | uint32_t{data[1]} << 8 | uint32_t{data[2]} << 16 | uint32_t{data[3]} << 24;
    return error;
}

inline bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

/** Uses that much of the stack, in steps that a memory checker does not take for a stack switch. */
inline unsigned useStack(unsigned bytes) {
    const unsigned step = 64u << 10;
    volatile uint8_t locals[step];
    locals[0] = 1;
    return bytes <= step ? locals[0] : useStack(bytes - step) + locals[0];
}

#endif
