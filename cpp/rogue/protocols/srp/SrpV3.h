/** Register accesses over a stream. */
#ifndef ROGUE_PROTOCOLS_SRP_SRP_V3_H
#define ROGUE_PROTOCOLS_SRP_SRP_V3_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/SrpClient.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace srp {

/**
 * A memory slave that sends its transactions as SRPv3 requests to its stream slave, and receives
 * the responses from its stream masters.
 *
 * Accesses must be aligned to 4 octets and have 4 to 4096. Any number of requests may be
 * outstanding; responses may arrive in any order.
 */
class SrpV3 : public rogue::detail::SrpClient<rogue_mem_srp_v3_t> {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV3> create() { return std::make_shared<SrpV3>(); }

    /** As create(). */
    SrpV3()
        : SrpClient(rogue::detail::make<rogue_mem_srp_v3_t>(&rogue_mem_srp_v3_new),
                    &rogue_mem_srp_v3_stream_port, &rogue_mem_srp_v3_slave, &rogue_mem_srp_v3_stop,
                    typeid(SrpV3)) {}

    /** Sets the timeout field of later requests, for the hardware; the default is 0x0A. */
    void setHardwareTimeout(uint8_t val) { rogue_mem_srp_v3_set_hardware_timeout(native(), val); }
};

/** Shared pointer to an SrpV3. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV3> SrpV3Ptr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
