/** Emulated memory. */
#ifndef ROGUE_INTERFACES_MEMORY_EMULATE_H
#define ROGUE_INTERFACES_MEMORY_EMULATE_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <map>
#include <memory>
#include <typeinfo>

/** The type of a page table, for programs written for Rogue. */
#ifndef EMULATE_MAP_TYPE
#define EMULATE_MAP_TYPE std::map<uint64_t, uint8_t *>
#endif

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * A slave with 2^64 octets of memory, of which only used pages take space.
 *
 * Memory reads as zero until it is written. Write and Post store, Read and Verify fetch; each
 * transaction is complete when doTransaction() returns. Neither the limits of an access nor
 * alignment are enforced. The memory itself is limited: a write that needs more fails in words.
 */
class Emulate : public Slave {
public:
    /**
     * An empty memory that advertises accesses of `min` to `max` octets.
     *
     * Beyond Rogue: it takes at most `memoryBytesMax` octets, with the tables that lead to it; each
     * written page takes 4 KiB. 0 = a quarter of what the process may have, at most 1 GiB.
     */
    static std::shared_ptr<Emulate> create(uint32_t min, uint32_t max,
                                           uint64_t memoryBytesMax = 0) {
        return std::make_shared<Emulate>(min, max, memoryBytesMax);
    }

    /** As create(). */
    Emulate(uint32_t min, uint32_t max, uint64_t memoryBytesMax = 0)
        : Slave(rogue::detail::make<rogue_mem_slave_t>([&](rogue_mem_slave_t **out) {
                    return rogue_mem_emulate_new_limited(min, max, memoryBytesMax, out);
                }),
                typeid(Emulate)) {}

    /** Frees the memory. */
    ~Emulate() override = default;

    /** Stores or fetches. */
    void doTransaction(TransactionPtr transaction) override {
        rogue::detail::announceRelease();
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }
};

/** Shared pointer to an emulated memory. */
typedef std::shared_ptr<rogue::interfaces::memory::Emulate> EmulatePtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
