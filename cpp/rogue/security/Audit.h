/** Audits: what the clients of servers did, recorded for the program or in files: docs/security.md. */
#ifndef ROGUE_SECURITY_AUDIT_H
#define ROGUE_SECURITY_AUDIT_H

#include "rogue/Directives.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace security {

/**
 * Records what the clients of the servers did that have it as their option: which client wrote what,
 * where, when, and with which result. Servers never wait for it; what its queue has no room for is
 * counted and said. Several servers may share one.
 *
 *     auto audit = rogue::security::Audit::toFile("/var/log/board.jsonl");
 *     rogue::interfaces::memory::TcpServer::Options options;
 *     options.audit = audit->nativeHandle();
 */
class Audit {
public:
    /** Options at their defaults, see rogue_mem_audit_options_t in rogue_mem.h. */
    typedef rogue::detail::AuditOptions Options;
    /** Counters, see rogue_mem_audit_stats_t in rogue_mem.h. */
    typedef rogue::detail::AuditStats Stats;
    /** An access that has ended; it and what it points to are valid during the call. */
    typedef rogue_mem_audit_record_t Record;
    /** Gets the records. */
    typedef std::function<void(const Record &)> RecordCallback;
    /** Gets the number of records that are missing between those before and after the call. */
    typedef std::function<void(uint64_t)> LostCallback;

    /** Writes records to the file at `path`, a line of JSON each. An existing one is continued; a full
     *  one is renamed. Throws a GeneralError if it cannot be opened. */
    static std::shared_ptr<Audit> toFile(const std::string &path,
                                         const Options &options = Options()) {
        return std::make_shared<Audit>(
            rogue::detail::make<rogue_mem_audit_t>([&](rogue_mem_audit_t **out) {
                return rogue_mem_audit_to_file(path.c_str(), &options, out);
            }));
    }

    /**
     * Passes records to a function, on a thread of the audit's own, one call at a time and in order. The
     * function may do anything but flush() this audit, also block: only records wait for it. An
     * exception in it is logged. It is destroyed when neither the audit nor a server with it exists.
     */
    static std::shared_ptr<Audit> create(RecordCallback record, LostCallback lost = LostCallback(),
                                         const Options &options = Options()) {
        if (!record) {
            throw GeneralError("security::Audit", "the function for records is empty");
        }
        std::unique_ptr<Sink> owned(new Sink{std::move(record), std::move(lost)});
        rogue_mem_audit_sink_t sink = rogue_mem_audit_sink_t();
        sink.size = sizeof(sink);
        sink.ctx = owned.get();
        sink.drop = &Audit::dropSink;
        sink.record = &Audit::tellRecord;
        sink.lost = &Audit::tellLost;
        rogue::detail::announceRelease();
        rogue_mem_audit_t *raw = nullptr;
        const rogue_mem_status_t status = rogue_mem_audit_new(&sink, &options, &raw);
        if (status == ROGUE_MEM_OK || status == ROGUE_MEM_ERROR_OUT_OF_RESOURCES) {
            owned.release(); // also in the second case the library calls drop
        }
        rogue::detail::check(status);
        return std::make_shared<Audit>(rogue::detail::Handle<rogue_mem_audit_t>(raw));
    }

    /** Takes over a reference of the C library's. */
    explicit Audit(rogue::detail::Handle<rogue_mem_audit_t> native) : native_(std::move(native)) {}

    /** Waits, at most `seconds`, until all records so far are with the function or on the disk. Throws
     *  a GeneralError if the time is up, or if records could not be written since the last call. */
    void flush(double seconds) {
        rogue::detail::check(
            rogue_mem_audit_flush(native_.get(), rogue::detail::microseconds(seconds)));
        rogue::detail::announceAcquire();
    }

    /** The counters. */
    Stats getStats() const {
        Stats stats;
        rogue::detail::check(rogue_mem_audit_stats(native_.get(), &stats));
        return stats;
    }

    /** The object of the C library, for the member audit of options; this one owns it. */
    rogue_mem_audit_t *nativeHandle() const { return native_.get(); }

private:
    struct Sink {
        RecordCallback record;
        LostCallback lost;
    };

    static void dropSink(void *ctx) {
        const rogue::detail::AnnouncedCallback announced;
        delete static_cast<Sink *>(ctx);
    }

    template <typename Call>
    static void guarded(Call call) noexcept {
        const rogue::detail::AnnouncedCallback announced;
        std::string text;
        try {
            try {
                call();
                return;
            } catch (const std::exception &e) {
                text = e.what();
            } catch (...) {
                text = "unknown exception";
            }
            rogue::Logging::create("Audit")->error(
                ("Exception in the function of an Audit: " + text).c_str());
        } catch (...) {
            // Not even the log has memory left.
            return;
        }
    }

    static void tellRecord(void *ctx, const rogue_mem_audit_record_t *record) {
        guarded([&] { static_cast<Sink *>(ctx)->record(*record); });
    }

    static void tellLost(void *ctx, uint64_t count) {
        guarded([&] {
            if (static_cast<Sink *>(ctx)->lost) {
                static_cast<Sink *>(ctx)->lost(count);
            }
        });
    }

    rogue::detail::Handle<rogue_mem_audit_t> native_;
};

} // namespace security
} // namespace rogue

#endif
