/**
 * printf-style formatting into std::string. Used by the public headers; not for use by programs.
 *
 * A function that takes a printf format is declared as a pair:
 *
 *     void error(const char* text);                    // one argument: text, never a format
 *     void error(const volatile char* format, ...);    // format and arguments
 *
 * Without the pair, `error(e.what())` would interpret a text of unknown origin as a format, which
 * crashes on "%s". The one-argument call prefers the first function, which needs no qualification
 * conversion; every other call matches only the second, where the compiler still checks the
 * arguments against the format. A valid format without arguments contains no conversion but "%%".
 * So the first function turns "%%" into "%" and changes nothing else: every correct program gets
 * the same text as before.
 */
#ifndef ROGUE_DETAIL_FORMAT_H
#define ROGUE_DETAIL_FORMAT_H

#include "rogue/Directives.h"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>

#if defined(__GNUC__) || defined(__clang__)
/** Lets the compiler check printf arguments; positions count `this` as 1 in member functions. */
#define ROGUE_DETAIL_PRINTF(formatPosition, firstArgument)                                         \
    __attribute__((format(printf, formatPosition, firstArgument)))
#else
#define ROGUE_DETAIL_PRINTF(formatPosition, firstArgument)
#endif

namespace rogue {
namespace detail {

/** The text of a printf format and its arguments, of any length. */
inline std::string formatList(const char *format, va_list arguments) ROGUE_DETAIL_PRINTF(1, 0);
inline std::string formatList(const char *format, va_list arguments) {
    if (format == nullptr)
        return std::string();

    va_list again;
    va_copy(again, arguments);
    char small[256];
    const int length = std::vsnprintf(small, sizeof(small), format, arguments);
    std::string text;
    if (length < 0) {
        text = format; // not a valid format in this locale: the raw text is better than none
    } else if (static_cast<std::size_t>(length) < sizeof(small)) {
        text.assign(small, static_cast<std::size_t>(length));
    } else {
        text.resize(static_cast<std::size_t>(length) + 1);
        std::vsnprintf(&text[0], text.size(), format, again);
        text.resize(static_cast<std::size_t>(length));
    }
    va_end(again);
    return text;
}

/** A text given without arguments: "%%" becomes "%", everything else is kept as it is. */
inline std::string formatPlain(const char *text) {
    std::string out(text == nullptr ? "" : text);
    for (std::size_t at = out.find("%%"); at != std::string::npos; at = out.find("%%", at + 1)) {
        out.erase(at, 1);
    }
    return out;
}

} // namespace detail
} // namespace rogue

#endif
