/** The packetizer, version 2. */
#ifndef ROGUE_PROTOCOLS_PACKETIZER_CORE_V2_H
#define ROGUE_PROTOCOLS_PACKETIZER_CORE_V2_H

#include "rogue/Directives.h"
#include "rogue/protocols/packetizer/Packetizer.h"

#include <memory>

namespace rogue {
namespace protocols {
namespace packetizer {

/** The packetizer, version 2: destinations interleave, and packets may have a CRC. */
class CoreV2 : public Packetizer {
public:
    /**
     * `enIbCrc`: drops received packets without a right CRC. `enObCrc`: sends packets with a CRC.
     * `enSsi`: the start of a sent frame is marked in its first user bits (0x02), and a received
     * frame whose last user bits have 0x01 set gets the error 0x80.
     */
    static std::shared_ptr<CoreV2> create(bool enIbCrc, bool enObCrc, bool enSsi) {
        return std::make_shared<CoreV2>(enIbCrc, enObCrc, enSsi);
    }

    /** As create(). */
    CoreV2(bool enIbCrc, bool enObCrc, bool enSsi)
        : Packetizer(2, options(enIbCrc, enObCrc, enSsi)) {}

private:
    static rogue::detail::PacketizerOptions options(bool enIbCrc, bool enObCrc, bool enSsi) {
        rogue::detail::PacketizerOptions options;
        options.no_crc_check = !enIbCrc;
        options.no_crc = !enObCrc;
        options.no_ssi = !enSsi;
        return options;
    }
};

/** Shared pointer to a CoreV2. */
typedef std::shared_ptr<rogue::protocols::packetizer::CoreV2> CoreV2Ptr;

} // namespace packetizer
} // namespace protocols
} // namespace rogue

#endif
