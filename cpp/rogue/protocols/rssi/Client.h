/** The client of a reliable stream. */
#ifndef ROGUE_PROTOCOLS_RSSI_CLIENT_H
#define ROGUE_PROTOCOLS_RSSI_CLIENT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/protocols/rssi/Endpoint.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>

namespace rogue {
namespace protocols {
namespace rssi {

/** Opens a reliable stream, and opens it again whenever it was lost. Connect transport() and application(), then start(). */
class Client : public Endpoint {
public:
    /** `segSize`: the largest segment in octets, its header of 8 included; that of UDP's largest
     * payload less 8. */
    static std::shared_ptr<Client> create(uint32_t segSize) {
        return std::make_shared<Client>(segSize);
    }

    /** The same, with options. */
    static std::shared_ptr<Client> create(uint32_t segSize, const Options &options) {
        return std::make_shared<Client>(segSize, options);
    }

    /** As create(). */
    explicit Client(uint32_t segSize, const Options &options = Options())
        : Endpoint(rogue::detail::make<rogue_mem_rssi_t>([&](rogue_mem_rssi_t **out) {
              const uint32_t limit = UINT16_MAX;
              const uint16_t size = static_cast<uint16_t>(segSize < limit ? segSize : limit);
              return rogue_mem_rssi_new_client(size, &options, out);
          })) {}

    /** Releases the client, which ends when no master sends to its application. */
    ~Client() override = default;
};

/** Shared pointer to a client. */
typedef std::shared_ptr<rogue::protocols::rssi::Client> ClientPtr;

} // namespace rssi
} // namespace protocols
} // namespace rogue

#endif
