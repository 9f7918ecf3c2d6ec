/** Registers in a range of physical memory. */
#ifndef ROGUE_HARDWARE_MEM_MAP_H
#define ROGUE_HARDWARE_MEM_MAP_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"

#include <rogue_mem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>

/** The device that stands for the physical memory of the machine. */
#ifndef MAP_DEVICE
#define MAP_DEVICE "/dev/mem"
#endif

namespace rogue {
namespace hardware {

/**
 * A slave over a shared mapping of physical memory, or of any file.
 *
 * Addresses are offsets from the base. Each transaction is complete when doTransaction() returns.
 * Address and size are multiples of the access width; anything else fails, and so does whatever
 * lies beyond the map. Linux maps device addresses uncached, and ordinary memory cached. A bus error
 * of the device ends the process.
 */
class MemMap : public rogue::interfaces::memory::Slave {
public:
    /** `size` octets of MAP_DEVICE from `base` on, in words of 4. Throws GeneralError. */
    static std::shared_ptr<MemMap> create(uint64_t base, uint32_t size) {
        return std::make_shared<MemMap>(base, size);
    }

    /** The same of a file, as `/dev/uio0`, in words of 4 or 8 octets. */
    static std::shared_ptr<MemMap> create(uint64_t base, uint64_t size, std::string path,
                                          uint32_t accessBytes = 4) {
        return std::make_shared<MemMap>(base, size, path, accessBytes);
    }

    /** As create(). */
    MemMap(uint64_t base, uint32_t size) : MemMap(base, size, MAP_DEVICE) {}

    /** As create(). */
    MemMap(uint64_t base, uint64_t size, std::string path, uint32_t accessBytes = 4)
        : Slave(rogue::detail::make<rogue_mem_slave_t>([&](rogue_mem_slave_t **out) {
                    return rogue_mem_mem_map_new(path.c_str(), base, size, accessBytes, out);
                }),
                typeid(MemMap)) {}

    /** Unmaps the memory. */
    ~MemMap() override = default;

    /** Unmaps the memory: later transactions fail at once. */
    void stop() override { rogue_mem_slave_stop(nativeSlave()); }

    /** Stores or fetches. */
    void doTransaction(rogue::interfaces::memory::TransactionPtr transaction) override {
        rogue::detail::announceRelease();
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }
};

/** Shared pointer to a memory map. */
typedef std::shared_ptr<rogue::hardware::MemMap> MemMapPtr;

} // namespace hardware
} // namespace rogue

#endif
