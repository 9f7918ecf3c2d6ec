/** The packetizer, version 1. */
#ifndef ROGUE_PROTOCOLS_PACKETIZER_CORE_H
#define ROGUE_PROTOCOLS_PACKETIZER_CORE_H

#include "rogue/Directives.h"
#include "rogue/protocols/packetizer/Packetizer.h"

#include <memory>

namespace rogue {
namespace protocols {
namespace packetizer {

/** The packetizer, version 1: one frame at a time, without a checksum. */
class Core : public Packetizer {
public:
    /**
     * `enSsi`: the start of a sent frame is marked in its first user bits (0x02), and a received
     * frame whose last user bits have 0x01 set gets the error 0x80.
     */
    static std::shared_ptr<Core> create(bool enSsi) { return std::make_shared<Core>(enSsi); }

    /** As create(). */
    explicit Core(bool enSsi) : Packetizer(1, options(enSsi)) {}

private:
    static rogue::detail::PacketizerOptions options(bool enSsi) {
        rogue::detail::PacketizerOptions options;
        options.no_ssi = !enSsi;
        return options;
    }
};

/** Shared pointer to a Core. */
typedef std::shared_ptr<rogue::protocols::packetizer::Core> CorePtr;

} // namespace packetizer
} // namespace protocols
} // namespace rogue

#endif
