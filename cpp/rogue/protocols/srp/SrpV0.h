/** Register accesses over a stream. */
#ifndef ROGUE_PROTOCOLS_SRP_SRP_V0_H
#define ROGUE_PROTOCOLS_SRP_SRP_V0_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/SrpClient.h"

#include <rogue_mem.h>

#include <memory>
#include <typeinfo>

namespace rogue {
namespace protocols {
namespace srp {

/**
 * A memory slave that sends its transactions as SRPv0 requests to its stream slave, and receives
 * the responses from its stream masters.
 *
 * Accesses must be aligned to 4 octets, have 4 to 2048, and lie within 32 bits of address. Any number of requests may be
 * outstanding; responses may arrive in any order.
 */
class SrpV0 : public rogue::detail::SrpClient<rogue_mem_srp_v0_t> {
public:
    /** An unconnected object. */
    static std::shared_ptr<SrpV0> create() { return std::make_shared<SrpV0>(); }

    /** As create(). */
    SrpV0()
        : SrpClient(rogue::detail::make<rogue_mem_srp_v0_t>(&rogue_mem_srp_v0_new),
                    &rogue_mem_srp_v0_stream_port, &rogue_mem_srp_v0_slave, &rogue_mem_srp_v0_stop,
                    typeid(SrpV0)) {}
};

/** Shared pointer to an SrpV0. */
typedef std::shared_ptr<rogue::protocols::srp::SrpV0> SrpV0Ptr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
