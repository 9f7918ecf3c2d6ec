/** A branch of the register bus. */
#ifndef ROGUE_INTERFACES_MEMORY_HUB_H
#define ROGUE_INTERFACES_MEMORY_HUB_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Slave.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * Adds its offset to the address of each transaction and passes it on, split into parts if it is
 * larger than the largest access downstream.
 *
 * With `min` and `max` both non-zero it is the root of a new address space: it reports its own
 * id, name and limits, and addresses below it start at 0.
 *
 * Derive from it and override doTransaction() to translate accesses: the address there is relative
 * to this hub. The override may pass the transaction on with Hub::doTransaction(). Or it may make
 * requests of its own with reqTransaction() and waitTransaction(), whose addresses are relative to
 * the next layer downstream (without this hub's offset), and complete the transaction itself.
 *
 * Hubs must not be connected in a circle. A transaction that has passed 64 hubs, each calling the
 * next, fails; a hub with an override counts twice. A query gets the answer of an unconnected
 * master then.
 */
class Hub : public Master, public Slave {
public:
    /** A hub at `offset` octets; with access limits it is the root of an address space. */
    static std::shared_ptr<Hub> create(uint64_t offset, uint32_t min, uint32_t max) {
        return std::make_shared<Hub>(offset, min, max);
    }

    /** As create(). */
    Hub(uint64_t offset, uint32_t min, uint32_t max)
        : Hub(rogue::detail::make<rogue_mem_hub_t>(
              [&](rogue_mem_hub_t **out) { return rogue_mem_hub_new(offset, min, max, out); })) {}

    /** Gives up the hub's own requests. */
    ~Hub() override = default;

    /** This hub's own offset in octets. */
    uint64_t getOffset() { return rogue_mem_hub_offset(hub_.get()); }

    /** This hub's offset plus the address that the layers downstream report. */
    uint64_t getAddress() { return rogue_mem_hub_address(hub_.get()); }

    /** The id of the slave downstream, or this hub's own if it is a root. */
    uint32_t doSlaveId() override { return rogue_mem_slave_do_slave_id(nativeSlave()); }

    /** The name of the slave downstream, or this hub's own if it is a root. */
    std::string doSlaveName() override {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_slave_do_slave_name(nativeSlave(), buffer, capacity, length);
            });
    }

    /** The smallest access downstream, or this hub's own if it is a root. */
    uint32_t doMinAccess() override { return rogue_mem_slave_do_min_access(nativeSlave()); }

    /** 0xFFFFFFFF, because hubs split, or this hub's own maximum if it is a root. */
    uint32_t doMaxAccess() override { return rogue_mem_slave_do_max_access(nativeSlave()); }

    /** getAddress(), or 0 if this hub is a root. */
    uint64_t doAddress() override { return rogue_mem_slave_do_address(nativeSlave()); }

    /**
     * Adds the offset to the transaction's address and passes it on, in parts if necessary. It
     * fails if that leads beyond the end of the address space.
     */
    void doTransaction(TransactionPtr transaction) override {
        rogue::detail::announceRelease();
        rogue_mem_hub_forward(hub_.get(), transaction->nativeHandle());
    }

private:
    explicit Hub(rogue::detail::Handle<rogue_mem_hub_t> hub)
        : Master(rogue::detail::Handle<rogue_mem_master_t>(rogue_mem_hub_master(hub.get()))),
          Slave(rogue::detail::Handle<rogue_mem_slave_t>(rogue_mem_hub_slave(hub.get())),
                typeid(Hub)),
          hub_(std::move(hub)) {}

    rogue::detail::Handle<rogue_mem_hub_t> hub_;
};

/** Shared pointer to a hub. */
typedef std::shared_ptr<rogue::interfaces::memory::Hub> HubPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
