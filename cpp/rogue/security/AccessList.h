/** Access lists: the peers that servers let in, and what each of them may do: docs/security.md. */
#ifndef ROGUE_SECURITY_ACCESSLIST_H
#define ROGUE_SECURITY_ACCESSLIST_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace security {

/**
 * The peers that servers let in, and what each of them may do. The first rule for a peer decides; one
 * without a rule has no access. The rules may change while servers have them: clients get their new
 * rights, or are disconnected without any, as soon as the threads of their servers are free.
 *
 *     auto access = rogue::security::AccessList::create("192.168.1.5 read-write\n"
 *                                                       "192.168.1.0/24 read 0x0..0xffff\n");
 *     rogue::interfaces::memory::TcpServer::Options options;
 *     options.access_list = access->nativeHandle();
 */
class AccessList {
public:
    /** With these rules, one a line. Throws a GeneralError if one is wrong, or there is none. */
    static std::shared_ptr<AccessList> create(const std::string &rules) {
        return std::make_shared<AccessList>(
            rogue::detail::make<rogue_mem_access_list_t>([&](rogue_mem_access_list_t **out) {
                return rogue_mem_access_list_new(rules.c_str(), out);
            }));
    }

    /** With the rules in a file. Throws a GeneralError, also if others than its owner may write it. */
    static std::shared_ptr<AccessList> load(const std::string &path) {
        return std::make_shared<AccessList>(
            rogue::detail::make<rogue_mem_access_list_t>([&](rogue_mem_access_list_t **out) {
                return rogue_mem_access_list_load(path.c_str(), out);
            }));
    }

    /** Takes over a reference of the C library's. */
    explicit AccessList(rogue::detail::Handle<rogue_mem_access_list_t> native)
        : native_(std::move(native)) {}

    /** Replaces all rules. Throws a GeneralError if one is wrong: nothing has changed then. */
    void setRules(const std::string &rules) {
        rogue::detail::check(rogue_mem_access_list_set_rules(native_.get(), rules.c_str()));
    }

    /** Replaces all rules by those in a file, as load() does. */
    void loadRules(const std::string &path) {
        rogue::detail::check(rogue_mem_access_list_load_rules(native_.get(), path.c_str()));
    }

    /** The object of the C library, for the member access_list of options; this one owns it. */
    rogue_mem_access_list_t *nativeHandle() const { return native_.get(); }

private:
    rogue::detail::Handle<rogue_mem_access_list_t> native_;
};

} // namespace security
} // namespace rogue

#endif
