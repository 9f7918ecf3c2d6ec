/** Loggers with Rogue's names, levels and filters. */
#ifndef ROGUE_LOGGING_H
#define ROGUE_LOGGING_H

#include "rogue/Directives.h"
#include "rogue/detail/Format.h"
#include "rogue/detail/Handle.h"

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <memory>
#include <string>

namespace rogue {

namespace detail {

/** The levels; in a template because C++14 has no other way to define them in a header. */
template <typename Unused>
class LoggingLevels {
public:
    /** The process cannot continue. */
    static const uint32_t Critical = 50;
    /** A failure. */
    static const uint32_t Error = 40;
    /** Thread and process ids. */
    static const uint32_t Thread = 35;
    /** Something unexpected that was handled. */
    static const uint32_t Warning = 30;
    /** Normal events. */
    static const uint32_t Info = 20;
    /** Every step; much output. */
    static const uint32_t Debug = 10;
};

template <typename Unused>
const uint32_t LoggingLevels<Unused>::Critical;
template <typename Unused>
const uint32_t LoggingLevels<Unused>::Error;
template <typename Unused>
const uint32_t LoggingLevels<Unused>::Thread;
template <typename Unused>
const uint32_t LoggingLevels<Unused>::Warning;
template <typename Unused>
const uint32_t LoggingLevels<Unused>::Info;
template <typename Unused>
const uint32_t LoggingLevels<Unused>::Debug;

/** A setting that is stored for programs, without effect. */
inline std::atomic<bool> &forwardPythonFlag() {
    static std::atomic<bool> flag{false};
    return flag;
}

} // namespace detail

/** A logger name prefix and its level. A plain record. */
class LogFilter {
public:
    /** The prefix. */
    std::string name_;
    /** The level. */
    uint32_t level_;

    /** Stores both. */
    LogFilter(std::string name, uint32_t level) : name_(name), level_(level) {}
};

/**
 * A named source of log messages.
 *
 * Levels are numbers; higher is more severe. A message appears if its level is at least that of its
 * logger: the level of the longest filter that matches the logger's name, else the global one
 * (Error by default). Filters and levels act at once, also on existing loggers. A message that does
 * not appear is never formatted. Every member function may be called from any thread.
 *
 * The emitting functions have two forms: one text, which is shown literally ("%%" as "%"), or a
 * printf format with arguments, which the compiler checks.
 */
class Logging : public detail::LoggingLevels<void> {
public:
    /** A logger with this name, see normalizeName(). */
    static std::shared_ptr<Logging> create(const std::string &name, bool quiet = false) {
        return std::make_shared<Logging>(name, quiet);
    }

    /** As create(). Unless `quiet`, logs its creation at level Debug. */
    explicit Logging(const std::string &name, bool quiet = false)
        : logger_(detail::make<rogue_mem_logger_t>([&name](rogue_mem_logger_t **out) {
              return rogue_mem_logger_new(name.c_str(), out);
          })),
          name_(normalizeName(name)) {
        if (!quiet)
            debug("Starting logger");
    }

    Logging(const Logging &) = delete;
    Logging &operator=(const Logging &) = delete;
    ~Logging() = default;

    /** Sets the level of all loggers without a filter of their own. */
    static void setLevel(uint32_t level) { rogue_mem_log_set_level(level); }

    /** Sets the level of the loggers whose name is `filter` or begins with it and a dot. */
    static void setFilter(const std::string &filter, uint32_t level) {
        detail::check(rogue_mem_log_set_filter(filter.c_str(), level));
    }

    /** Stores the setting for forwardPython(). C++ has no Python to forward to. */
    static void setForwardPython(bool enable) { detail::forwardPythonFlag().store(enable); }

    /** The last value of setForwardPython(); false by default. */
    static bool forwardPython() { return detail::forwardPythonFlag().load(); }

    /** Switches output to the standard output on or off; on by default. */
    static void setEmitStdout(bool enable) { rogue_mem_log_set_emit_stdout(enable); }

    /** Whether messages go to the standard output. */
    static bool emitStdout() { return rogue_mem_log_emit_stdout(); }

    /** The full name of a logger: `name` with "pyrogue." at the start. */
    static std::string normalizeName(const std::string &name) {
        return detail::readText([&name](char *buffer, std::size_t capacity, std::size_t *length) {
            return rogue_mem_log_normalize_name(name.c_str(), buffer, capacity, length);
        });
    }

    /** Emits a text at `level`. */
    void log(uint32_t level, const char *text) {
        if (enabled(level))
            emit(level, detail::formatPlain(text));
    }

    /** Emits a formatted text at `level`. */
    void log(uint32_t level, const volatile char *fmt, ...) ROGUE_DETAIL_PRINTF(3, 4) {
        if (!enabled(level))
            return;
        va_list arguments;
        va_start(arguments, fmt);
        emitList(level, fmt, arguments);
        va_end(arguments);
    }

#define ROGUE_DETAIL_LEVEL(function, level)                                                        \
    /** Emits a text at this level. */                                                             \
    void function(const char *text) {                                                              \
        if (enabled(level))                                                                        \
            emit(level, detail::formatPlain(text));                                                \
    }                                                                                              \
    /** Emits a formatted text at this level. */                                                   \
    void function(const volatile char *fmt, ...) ROGUE_DETAIL_PRINTF(2, 3) {                       \
        if (!enabled(level))                                                                       \
            return;                                                                                \
        va_list arguments;                                                                         \
        va_start(arguments, fmt);                                                                  \
        emitList(level, fmt, arguments);                                                           \
        va_end(arguments);                                                                         \
    }

    ROGUE_DETAIL_LEVEL(critical, Critical)
    ROGUE_DETAIL_LEVEL(error, Error)
    ROGUE_DETAIL_LEVEL(warning, Warning)
    ROGUE_DETAIL_LEVEL(info, Info)
    ROGUE_DETAIL_LEVEL(debug, Debug)
#undef ROGUE_DETAIL_LEVEL

    /** Emits the ids of the process and the calling thread at level Thread. */
    void logThreadId() { rogue_mem_logger_log_thread_id(logger_.get()); }

    /** Whether a message of this level would appear. Costs one atomic load. */
    bool enabled(uint32_t level) const { return rogue_mem_logger_enabled(logger_.get(), level); }

    /** The full name. Valid as long as this object. */
    const std::string &name() const { return name_; }

private:
    void emit(uint32_t level, const std::string &text) {
        rogue_mem_logger_log(logger_.get(), level, text.c_str());
    }

    void emitList(uint32_t level, const volatile char *fmt, va_list arguments)
        ROGUE_DETAIL_PRINTF(3, 0) {
        emit(level, detail::formatList(const_cast<const char *>(fmt), arguments));
    }

    detail::Handle<rogue_mem_logger_t> logger_;
    std::string name_;
};

/** Shared pointer to a logger. */
typedef std::shared_ptr<rogue::Logging> LoggingPtr;

} // namespace rogue

#endif
