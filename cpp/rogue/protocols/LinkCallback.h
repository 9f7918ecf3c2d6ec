/** What a program is told of a link that opens and closes. */
#ifndef ROGUE_PROTOCOLS_LINK_CALLBACK_H
#define ROGUE_PROTOCOLS_LINK_CALLBACK_H

#include "rogue/Directives.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace protocols {

/** An opening or a closing of a link. */
struct LinkChange {
    /** Whether frames can be sent from now on; otherwise requests under way have failed. */
    bool open;
    /** What has happened, in words that name the layer; the reason of a closing. */
    std::string text;
};

/** Gets the changes of a link. */
typedef std::function<void(const LinkChange &)> LinkCallback;

namespace detail {

inline void reportLinkCallback(const char *text) noexcept {
    try {
        // Never destroyed: threads of the library may still run when the program's statics are
        // destroyed.
        static rogue::Logging *const log = new rogue::Logging("rssi.controller", true);
        log->log(rogue::Logging::Error, "Exception in the callback of a link: %s", text);
    } catch (...) {
        // Without a logger the report is lost.
    }
}

inline void dropLinkCallback(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    delete static_cast<LinkCallback *>(ctx);
}

inline void tellLinkCallback(void *ctx, const rogue_mem_link_t *link) {
    const rogue::detail::AnnouncedCallback announced;
    try {
        const LinkChange change = {link->open != 0, link->text};
        (*static_cast<LinkCallback *>(ctx))(change);
    } catch (const std::exception &e) {
        reportLinkCallback(e.what());
    } catch (...) {
        reportLinkCallback("unknown exception");
    }
}

/** Gives `callback` to `observe`, a function of the C library for `native`. */
template <typename T>
void setLinkCallback(T *native,
                     rogue_mem_status_t (*observe)(T *, const rogue_mem_link_observer_t *),
                     LinkCallback callback) {
    if (!callback) {
        rogue::detail::check(observe(native, nullptr));
        return;
    }
    std::unique_ptr<LinkCallback> owned(new LinkCallback(std::move(callback)));
    rogue_mem_link_observer_t observer = rogue_mem_link_observer_t();
    observer.size = sizeof(observer);
    observer.ctx = owned.get();
    observer.drop = &dropLinkCallback;
    observer.changed = &tellLinkCallback;
    rogue::detail::announceRelease();
    rogue::detail::check(observe(native, &observer));
    owned.release();
}

} // namespace detail

} // namespace protocols
} // namespace rogue

#endif
