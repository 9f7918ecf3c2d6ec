/** Commands to firmware. */
#ifndef ROGUE_PROTOCOLS_SRP_CMD_H
#define ROGUE_PROTOCOLS_SRP_CMD_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/stream/Master.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>

namespace rogue {
namespace protocols {
namespace srp {

/** Sends commands, which are not answered, to its stream slaves. */
class Cmd : public rogue::interfaces::stream::Master {
public:
    /** An unconnected object. */
    static std::shared_ptr<Cmd> create() { return std::make_shared<Cmd>(); }

    /** Sends one frame of 16 octets: `context`, `opCode`, and zeros. */
    void sendCmd(uint8_t opCode, uint32_t context) {
        rogue::detail::announceRelease();
        const rogue_mem_status_t status = rogue_mem_cmd_send(nativeHandle(), opCode, context);
        rogue::detail::announceAcquire();
        rogue::detail::check(status);
    }
};

/** Shared pointer to a Cmd. */
typedef std::shared_ptr<rogue::protocols::srp::Cmd> CmdPtr;

} // namespace srp
} // namespace protocols
} // namespace rogue

#endif
