/** The exception of this library. */
#ifndef ROGUE_GENERAL_ERROR_H
#define ROGUE_GENERAL_ERROR_H

#include "rogue/Directives.h"
#include "rogue/detail/Format.h"

#include <cstdarg>
#include <exception>
#include <stdexcept>
#include <string>

namespace rogue {

/**
 * An error with its origin and a text.
 *
 * what() is `<source>: General Error: <text>`, of any length. Copying never throws.
 */
class GeneralError : public std::exception {
public:
    /** An error raised by `src` (for example `memory::TcpServer::TcpServer`). */
    GeneralError(std::string src, std::string text)
        : source_(src), text_(text), what_(src + ": General Error: " + text) {}

    /** The same, for a text without arguments; "%%" stands for "%", as in the printf form. */
    static GeneralError create(std::string src, const char *text) {
        return GeneralError(src, detail::formatPlain(text));
    }

    /** The same, for a text that is taken literally. */
    static GeneralError create(std::string src, const std::string &text) {
        return GeneralError(src, text);
    }

    /** The same, with a text in printf form. */
    static GeneralError create(std::string src, const volatile char *fmt, ...)
        ROGUE_DETAIL_PRINTF(2, 3);

    /** Source and text in one line. Valid as long as this object. */
    char const *what() const noexcept override { return what_.what(); }

    /** Where the error was raised. Valid as long as this object. */
    const char *source() const noexcept { return source_.what(); }

    /** The description of the error, without the source. Valid as long as this object. */
    const char *text() const noexcept { return text_.what(); }

private:
    // The standard's exceptions share their text between copies: a copy cannot throw while another
    // exception is in flight. A std::string could.
    std::runtime_error source_;
    std::runtime_error text_;
    std::runtime_error what_;
};

inline GeneralError GeneralError::create(std::string src, const volatile char *fmt, ...) {
    va_list arguments;
    va_start(arguments, fmt);
    std::string text = detail::formatList(const_cast<const char *>(fmt), arguments);
    va_end(arguments);
    return GeneralError(src, text);
}

} // namespace rogue

#endif
