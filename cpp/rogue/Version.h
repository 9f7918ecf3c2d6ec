/** The version of Rogue's interface that the library implements, and comparisons with it. */
#ifndef ROGUE_VERSION_H
#define ROGUE_VERSION_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"

#include <rogue_mem.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

namespace rogue {

/**
 * The release of Rogue whose interface this library implements: the version that programs mean when
 * they check for a minimum. The library's own version is `rogue_mem_version()`.
 *
 * Versions have the form `<major>.<minor>.<maint>`, optionally with a leading `v` or `V` and a
 * trailing `-<devel>` or `-<devel>-<suffix>`, as `git describe` prints them. Only the three numbers
 * are compared. Anything else, also text after a valid version, raises a GeneralError. All
 * functions may be called from any thread.
 */
class Version {
public:
    /** Has no state. */
    Version() {}

    /** The version of Rogue's interface in the loaded library, for example `v6.1.0`. */
    static std::string current() { return std::string("v") + rogue_mem_interface_version(); }

    /** Whether this version is `compare` or newer. */
    static bool greaterThanEqual(const std::string &compare) { return order(compare) >= 0; }

    /** Whether this version is newer than `compare`. */
    static bool greaterThan(const std::string &compare) { return order(compare) > 0; }

    /** Whether this version is `compare` or older. */
    static bool lessThanEqual(const std::string &compare) { return order(compare) <= 0; }

    /** Whether this version is older than `compare`. */
    static bool lessThan(const std::string &compare) { return order(compare) < 0; }

    /** Throws GeneralError if this version is older than `compare`. */
    static void minVersion(const std::string &compare) {
        if (lessThan(compare)) {
            throw GeneralError("Version:minVersion",
                               "Installed rogue is less than minimum version");
        }
    }

    /** Throws GeneralError if this version is newer than `compare`. */
    static void maxVersion(const std::string &compare) {
        if (greaterThan(compare)) {
            throw GeneralError("Version:maxVersion",
                               "Installed rogue is greater than maximum version");
        }
    }

    /** Throws GeneralError if this version is not `compare`. */
    static void exactVersion(const std::string &compare) {
        if (order(compare) != 0) {
            throw GeneralError("Version:exactVersion", "Installed rogue is not exact version");
        }
    }

    /** The first number. */
    static uint32_t getMajor() { return own().numbers[0]; }

    /** The second number. */
    static uint32_t getMinor() { return own().numbers[1]; }

    /** The third number. */
    static uint32_t getMaint() { return own().numbers[2]; }

    /** The number of commits since the release; 0 for a release. */
    static uint32_t getDevel() { return own().numbers[3]; }

    /** Suspends the calling thread for a number of seconds. */
    static void sleep(uint32_t seconds) {
        std::this_thread::sleep_for(std::chrono::seconds(seconds));
    }

    /** Suspends the calling thread for a number of microseconds. */
    static void usleep(uint32_t useconds) {
        std::this_thread::sleep_for(std::chrono::microseconds(useconds));
    }

    /** The version in Python's form: "1.2.3", or "1.2.3.dev4" between releases. */
    static std::string pythonVersion() {
        const Parsed v = own();
        std::string text = std::to_string(v.numbers[0]) + "." + std::to_string(v.numbers[1]) + "." +
                           std::to_string(v.numbers[2]);
        if (v.numbers[3] > 0)
            text += ".dev" + std::to_string(v.numbers[3]);
        return text;
    }

private:
    struct Parsed {
        // major, minor, maint, devel
        uint32_t numbers[4];
    };

    static Parsed own() {
        Parsed parsed;
        if (!parse(current(), parsed)) {
            throw GeneralError("Version:init", "Invalid compiled version string");
        }
        return parsed;
    }

    // Below, equal to or above 0 if the interface is older than, equal to or newer than `compare`.
    static int order(const std::string &compare) {
        Parsed other;
        if (!parse(compare, other)) {
            throw GeneralError("Version:extract", "Invalid version string");
        }
        const Parsed mine = own();
        for (int i = 0; i < 3; ++i) {
            if (mine.numbers[i] != other.numbers[i]) {
                return mine.numbers[i] < other.numbers[i] ? -1 : 1;
            }
        }
        return 0;
    }

    static bool parse(const std::string &text, Parsed &out) {
        out = Parsed{{0, 0, 0, 0}};
        std::size_t at = 0;
        if (!text.empty() && (text[0] == 'v' || text[0] == 'V'))
            at = 1;
        for (int i = 0; i < 3; ++i) {
            if (i > 0 && (at >= text.size() || text[at++] != '.'))
                return false;
            if (!number(text, at, out.numbers[i]))
                return false;
        }
        if (at == text.size())
            return true;
        if (text[at++] != '-' || !number(text, at, out.numbers[3]))
            return false;
        // A suffix may contain anything, but must not be empty.
        return at == text.size() || (text[at] == '-' && at + 1 < text.size());
    }

    static bool number(const std::string &text, std::size_t &at, uint32_t &out) {
        const std::size_t start = at;
        uint64_t value = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
            value = value * 10 + static_cast<uint64_t>(text[at++] - '0');
            if (value > UINT32_MAX)
                return false;
        }
        out = static_cast<uint32_t>(value);
        return at > start;
    }
};

} // namespace rogue

#endif
