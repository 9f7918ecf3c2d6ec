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

ROGUE_DETAIL_COUNTED(logger)

namespace rogue {

namespace detail {

/** The levels, in a template because C++14 has no other way to define them in a header. */
template <typename Unused>
class LoggingLevels {
public:
    /** The process cannot go on. */
    static const uint32_t Critical = 50;
    /** Something that was asked for failed. */
    static const uint32_t Error = 40;
    /** Which threads do what. */
    static const uint32_t Thread = 35;
    /** Something unexpected that was dealt with. */
    static const uint32_t Warning = 30;
    /** What the program is doing. */
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

/** Storage of a setting this library keeps but has no use for. */
inline std::atomic<bool> &forwardPythonFlag() {
    static std::atomic<bool> flag{false};
    return flag;
}

} // namespace detail

/** A logger name prefix and the level set for it. A plain record, without behaviour. */
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
 * Levels are numbers, higher is more severe. A message appears if its level is not below that of
 * its logger: the level of the longest filter that matches the logger's name, or else the global
 * one (Error). Filters and levels act at once, also on loggers that exist already. A message that
 * does not appear is never formatted. Every member function may be called from any thread.
 *
 * The emitting functions come in two forms: one text, which is shown as it is ("%%" as "%"), or
 * a printf format and its arguments, which the compiler checks.
 */
class Logging : public detail::LoggingLevels<void> {
public:
    /** A logger with this name, see normalizeName(). */
    static std::shared_ptr<Logging> create(const std::string &name, bool quiet = false) {
        return std::make_shared<Logging>(name, quiet);
    }

    /** As create(). Unless `quiet`, says at level Debug that it exists. */
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

    /** Remembers the setting for forwardPython(). There is no Python here to forward to. */
    static void setForwardPython(bool enable) { detail::forwardPythonFlag().store(enable); }

    /** What setForwardPython() was last told; false at first. */
    static bool forwardPython() { return detail::forwardPythonFlag().load(); }

    /** Says whether messages go to the standard output; true at first. */
    static void setEmitStdout(bool enable) { rogue_mem_log_set_emit_stdout(enable); }

    /** Whether messages go to the standard output. */
    static bool emitStdout() { return rogue_mem_log_emit_stdout(); }

    /** The full name of a logger: `name` with `pyrogue.` before it, unless it is there. */
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

    /** Emits the process' and the calling thread's number at level Thread. */
    void logThreadId() { rogue_mem_logger_log_thread_id(logger_.get()); }

    /** Whether a message of this level would appear. Costs one atomic load. */
    bool enabled(uint32_t level) const { return rogue_mem_logger_enabled(logger_.get(), level); }

    /** The full name. Valid as long as this object. */
    const std::string &name() const { return name_; }

private:
    void emit(uint32_t level, const std::string &text) {
        rogue_mem_logger_log(logger_.get(), level, text.c_str());
    }

    void emitList(uint32_t level, const volatile char *fmt, va_list arguments) {
        emit(level, detail::formatList(fmt, arguments));
    }

    detail::Handle<rogue_mem_logger_t> logger_;
    std::string name_;
};

/** Shared pointer to a logger. */
typedef std::shared_ptr<rogue::Logging> LoggingPtr;

} // namespace rogue

#endif
