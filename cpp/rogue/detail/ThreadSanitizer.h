/**
 * Announces the synchronisation of the C library to ThreadSanitizer, which does not see it: the
 * library's locks and queues are not compiled with it. Empty without -fsanitize=thread. Used by the
 * public headers; not for use by programs.
 */
#ifndef ROGUE_DETAIL_THREAD_SANITIZER_H
#define ROGUE_DETAIL_THREAD_SANITIZER_H

#include "rogue/Directives.h"

#if defined(__SANITIZE_THREAD__)
#define ROGUE_DETAIL_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROGUE_DETAIL_THREAD_SANITIZER
#endif
#endif

#ifdef ROGUE_DETAIL_THREAD_SANITIZER
// As in <sanitizer/tsan_interface.h>, which not every compiler provides.
extern "C" void __tsan_acquire(void *address);
extern "C" void __tsan_release(void *address);
#endif

namespace rogue {
namespace detail {

/**
 * The address of all announcements. One for the whole library: with a bridge or a stream in
 * between, the transaction that a program completes is a different object than the one that the
 * program waits for, and only the library knows their order.
 */
inline void *announced() {
    static char place;
    return &place;
}

/** Announces this thread's memory accesses so far to the library and the code that it calls. */
inline void announceRelease() {
#ifdef ROGUE_DETAIL_THREAD_SANITIZER
    __tsan_release(announced());
#endif
}

/** Announces that this thread sees all accesses before the library's call. */
inline void announceAcquire() {
#ifdef ROGUE_DETAIL_THREAD_SANITIZER
    __tsan_acquire(announced());
#endif
}

/** Exists during a call from the library into the program. */
class AnnouncedCallback {
public:
    AnnouncedCallback() { announceAcquire(); }
    AnnouncedCallback(const AnnouncedCallback &) = delete;
    AnnouncedCallback &operator=(const AnnouncedCallback &) = delete;
    ~AnnouncedCallback() { announceRelease(); }
};

} // namespace detail
} // namespace rogue

#endif
