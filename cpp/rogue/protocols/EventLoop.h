/** A thread that several objects share. */
#ifndef ROGUE_PROTOCOLS_EVENT_LOOP_H
#define ROGUE_PROTOCOLS_EVENT_LOOP_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>
#include <string>

namespace rogue {
namespace protocols {

/**
 * A thread for the layers of a road to a board, or for many boards:
 *
 *     auto loop = rogue::protocols::EventLoop::create("boards");
 *     rogue::protocols::UdpRssiPack::Options options;
 *     options.event_loop = loop->nativeHandle();
 *
 * Without one each object has a thread of its own. Receivers of frames run on the thread, one at a
 * time: one that blocks stalls all objects of the loop, and must not wait for any of them. The
 * objects keep the thread; it ends with the last of them and this one.
 */
class EventLoop {
public:
    /** Options at their defaults, see rogue_mem_event_loop_options_t in rogue_mem.h. */
    typedef rogue::detail::EventLoopOptions Options;

    /**
     * Starts an event loop; `name` is that of its thread, of which the system may show the first 15
     * octets. Throws a GeneralError if the system refuses a thread.
     */
    static std::shared_ptr<EventLoop> create(const std::string &name,
                                             const Options &options = Options()) {
        return std::make_shared<EventLoop>(name, options);
    }

    /** As create(). */
    explicit EventLoop(const std::string &name, const Options &options = Options())
        : native_(rogue::detail::make<rogue_mem_event_loop_t>([&](rogue_mem_event_loop_t **out) {
              return rogue_mem_event_loop_new(name.c_str(), &options, out);
          })) {}

    EventLoop(const EventLoop &) = delete;
    EventLoop &operator=(const EventLoop &) = delete;

    /** The thread goes on while objects use it. */
    ~EventLoop() = default;

    /** The object of the C library, for the member event_loop of options; this one owns it. */
    rogue_mem_event_loop_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_event_loop_t> native_;
};

/** Shared pointer to an event loop. */
typedef std::shared_ptr<rogue::protocols::EventLoop> EventLoopPtr;

} // namespace protocols
} // namespace rogue

#endif
