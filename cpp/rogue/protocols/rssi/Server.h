/** The server of a reliable stream. */
#ifndef ROGUE_PROTOCOLS_RSSI_SERVER_H
#define ROGUE_PROTOCOLS_RSSI_SERVER_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/protocols/rssi/Endpoint.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>

namespace rogue {
namespace protocols {
namespace rssi {

/** Waits for the client of a reliable stream. It takes over the client's timeouts. Connect transport() and application(), then start(). */
class Server : public Endpoint {
public:
    /** `segSize`: the largest segment in octets, its header of 8 included; that of UDP's largest
     * payload less 8. */
    static std::shared_ptr<Server> create(uint32_t segSize) {
        return std::make_shared<Server>(segSize);
    }

    /** The same, with options. */
    static std::shared_ptr<Server> create(uint32_t segSize, const Options &options) {
        return std::make_shared<Server>(segSize, options);
    }

    /** As create(). */
    explicit Server(uint32_t segSize, const Options &options = Options())
        : Endpoint(rogue::detail::make<rogue_mem_rssi_t>([&](rogue_mem_rssi_t **out) {
              const uint32_t limit = UINT16_MAX;
              const uint16_t size = static_cast<uint16_t>(segSize < limit ? segSize : limit);
              return rogue_mem_rssi_new_server(size, &options, out);
          })) {}

    /** Releases the server, which ends when no master sends to its application. */
    ~Server() override = default;
};

/** Shared pointer to a server. */
typedef std::shared_ptr<rogue::protocols::rssi::Server> ServerPtr;

} // namespace rssi
} // namespace protocols
} // namespace rogue

#endif
