/** The ends of the destinations of a packetizer. */
#ifndef ROGUE_DETAIL_DESTINATIONS_H
#define ROGUE_DETAIL_DESTINATIONS_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/protocols/packetizer/Application.h"

#include <rogue_mem.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace rogue {
namespace detail {

/** Makes the end of each destination when it is first asked for, and keeps it. Thread safe. */
class Destinations {
public:
    /** Those of an object that errors call `name`. */
    explicit Destinations(const char *name) : mutex_(name) {}

    /** The end of `dest`; `portOf(object, dest)` gives its port, a new reference. */
    template <typename T>
    rogue::protocols::packetizer::ApplicationPtr
    at(uint8_t dest, rogue_mem_stream_port_t *(*portOf)(const T *, uint8_t), const T *object) {
        const std::lock_guard<ObjectMutex> lock(mutex_);
        rogue::protocols::packetizer::ApplicationPtr &end = ends_[dest];
        if (!end) {
            end = std::make_shared<rogue::protocols::packetizer::Application>(
                Handle<rogue_mem_stream_port_t>(portOf(object, dest)));
        }
        return end;
    }

private:
    ObjectMutex mutex_;
    std::map<uint8_t, rogue::protocols::packetizer::ApplicationPtr> ends_;
};

} // namespace detail
} // namespace rogue

#endif
