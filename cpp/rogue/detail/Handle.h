/**
 * Shared ownership of the C library's objects, its status codes and its texts, in C++ terms.
 * Used by the public headers; not for use by programs.
 */
#ifndef ROGUE_DETAIL_HANDLE_H
#define ROGUE_DETAIL_HANDLE_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Objects.h"
#include "rogue/detail/ThreadSanitizer.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rogue {
namespace detail {

/** A time limit of the C library: seconds that are negative, or no number, do not wait. */
inline uint64_t microseconds(double seconds) {
    const double us = seconds * 1e6;
    if (!(us > 0)) {
        return 0;
    }
    return us < 1e18 ? static_cast<uint64_t>(us) : UINT64_MAX;
}

/** One counted reference to an object of the C library, released on destruction. Movable. */
template <typename T>
class Handle {
public:
    Handle() = default;

    /** Takes over a reference the caller owns. */
    explicit Handle(T *owned) : raw_(owned) {}

    Handle(Handle &&other) noexcept : raw_(other.raw_) { other.raw_ = nullptr; }

    Handle &operator=(Handle &&other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }

    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;

    ~Handle() {
        if (raw_ == nullptr)
            return;
        announceRelease();
        Counting<T>::release(raw_);
    }

    /** A further reference to an object with another owner. */
    static Handle share(T *borrowed) {
        if (borrowed != nullptr)
            Counting<T>::retain(borrowed);
        return Handle(borrowed);
    }

    /** The object, still owned by this handle. */
    T *get() const { return raw_; }

    explicit operator bool() const { return raw_ != nullptr; }

private:
    T *raw_ = nullptr;
};

/**
 * The C library's text for this thread's last failure, which returned `status`. Late in the end of
 * a process, when static objects are destroyed, the text is gone, and the status replaces it.
 */
inline std::string failureText(rogue_mem_status_t status) {
    const char *text = rogue_mem_last_error();
    return *text != '\0' ? text : rogue_mem_status_text(status);
}

/** Throws unless `status` is success. */
inline void check(rogue_mem_status_t status) {
    if (status != ROGUE_MEM_OK) {
        throw GeneralError(rogue_mem_last_error_source(), failureText(status));
    }
}

/** The object that a `rogue_mem_<object>_new` function creates; throws if it fails. */
template <typename T, typename Make>
Handle<T> make(Make construct) {
    T *raw = nullptr;
    check(construct(&raw));
    return Handle<T>(raw);
}

/** A text that the C library copies out: `read(buffer, capacity, &length)` returns a status. */
template <typename Read>
std::string readText(Read read) {
    std::string text(128, '\0');
    for (;;) {
        std::size_t length = 0;
        check(read(&text[0], text.size(), &length));
        if (length < text.size()) {
            text.resize(length);
            return text;
        }
        text.resize(length + 1); // one more for the terminator; the text may have grown
    }
}

/** The lines of `text`, of which the last one has no end. */
inline std::vector<std::string> splitLines(const std::string &text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         end = text.find('\n', begin)) {
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    lines.push_back(text.substr(begin));
    return lines;
}

/** Writes `text` as the C library requires it of a callback; returns its full length. */
inline std::size_t writeText(const std::string &text, char *buffer, std::size_t capacity) {
    if (buffer != nullptr && capacity > 0) {
        const std::size_t count = text.copy(buffer, capacity - 1);
        buffer[count] = '\0';
    }
    return text.size();
}

} // namespace detail
} // namespace rogue

#endif
