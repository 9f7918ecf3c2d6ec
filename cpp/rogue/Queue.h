/** A queue between threads. */
#ifndef ROGUE_QUEUE_H
#define ROGUE_QUEUE_H

#include "rogue/Directives.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <queue>
#include <utility>

namespace rogue {

/**
 * First in, first out, between any number of threads; optionally bounded.
 *
 * It starts in the running state. stop() ends all waits and is final. Every member function may be
 * called from any thread. `T` needs a default constructor, for the result of pop() after stop().
 */
template <typename T>
class Queue {
public:
    Queue() = default;
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;

    /** Ends all present and later waits. The remaining entries are not delivered any more. */
    void stop() {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            running_ = false;
        }
        changed_.notify_all();
    }

    /** Sets the number of entries at which push() waits; 0, the default, means no limit. */
    void setMax(uint32_t max) {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            max_ = max;
        }
        changed_.notify_all();
    }

    /** Sets the number of entries from which busy() is true; 0, the default, means never. */
    void setThold(uint32_t thold) {
        std::lock_guard<std::mutex> guard(mutex_);
        threshold_ = thold;
    }

    /** Appends an entry; waits while the queue is full. Dropped if the queue has been stopped. */
    void push(T const &data) {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [this] { return !running_ || max_ == 0 || entries_.size() < max_; });
        if (!running_)
            return;
        entries_.push(data);
        guard.unlock();
        changed_.notify_all();
    }

    /** True if there is no entry. */
    bool empty() {
        std::lock_guard<std::mutex> guard(mutex_);
        return entries_.empty();
    }

    /** The number of entries. */
    uint32_t size() {
        std::lock_guard<std::mutex> guard(mutex_);
        return static_cast<uint32_t>(entries_.size());
    }

    /** True if there are at least as many entries as set by setThold(). */
    bool busy() {
        std::lock_guard<std::mutex> guard(mutex_);
        return threshold_ > 0 && entries_.size() >= threshold_;
    }

    /** Removes all entries. */
    void reset() {
        std::queue<T> old;
        {
            std::lock_guard<std::mutex> guard(mutex_);
            entries_.swap(old);
        }
        changed_.notify_all();
        // The entries are destroyed here: their destructors may use the queue again.
    }

    /** Removes and returns the oldest entry; waits for one. A default T after stop(). */
    T pop() {
        std::unique_lock<std::mutex> guard(mutex_);
        changed_.wait(guard, [this] { return !running_ || !entries_.empty(); });
        if (!running_)
            return T();
        T data = std::move(entries_.front());
        entries_.pop();
        guard.unlock();
        changed_.notify_all();
        return data;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::queue<T> entries_;
    uint32_t max_ = 0;
    uint32_t threshold_ = 0;
    bool running_ = true;
};

} // namespace rogue

#endif
