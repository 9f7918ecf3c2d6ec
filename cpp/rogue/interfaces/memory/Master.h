/** The requesting end of the register bus. */
#ifndef ROGUE_INTERFACES_MEMORY_MASTER_H
#define ROGUE_INTERFACES_MEMORY_MASTER_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/Stoppable.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

ROGUE_DETAIL_COUNTED(master)

namespace rogue {
namespace interfaces {
namespace memory {

class Slave;

/**
 * Requests transactions of the Slave it is connected to.
 *
 * A master is connected with setSlave() or with `*master >> slave`, which returns `slave`, so that
 * `*(*master >> hub) >> slave` builds a chain. It keeps the slave alive until it is connected to
 * another one or destroyed. An unconnected master's transactions fail at once.
 *
 * A request is started with reqTransaction() and its result collected with waitTransaction().
 * The data buffer must stay valid until then. Destroying a master gives up all its transactions:
 * slaves no longer reach the buffers. A class derived from Master that owns the buffers should
 * wait for its transactions in its own destructor, because its members are gone before the
 * master is.
 *
 * All member functions may be called from any thread, and any number of transactions may be under
 * way. The last error, getError(), is shared by all of them; the second form of
 * waitTransaction() tells each transaction's own.
 */
class Master : public virtual rogue::detail::Stoppable {
public:
    /** An unconnected master with a timeout of one second. */
    static std::shared_ptr<Master> create() { return std::make_shared<Master>(); }

    /** As create(). */
    Master() : Master(rogue::detail::make<rogue_mem_master_t>(&rogue_mem_master_new)) {}

    /** Gives up all transactions that have not completed. */
    ~Master() override;

    /**
     * Makes `slave` the target of later transactions. Those under way are not affected. Throws
     * GeneralError if `slave` is null.
     */
    void setSlave(std::shared_ptr<Slave> slave);

    /** The slave this master is connected to; a placeholder, never null, if there is none. */
    std::shared_ptr<Slave> getSlave();

    /** The id of the slave at the end of the bus, as it reports it. */
    uint32_t reqSlaveId() { return rogue_mem_master_req_slave_id(native_.get()); }

    /** The name of the slave at the end of the bus. */
    std::string reqSlaveName() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_master_req_slave_name(native_.get(), buffer, capacity, length);
            });
    }

    /** The smallest access, in octets, that the slave advertises. */
    uint32_t reqMinAccess() { return rogue_mem_master_req_min_access(native_.get()); }

    /** The largest access, in octets, that the slave advertises. */
    uint32_t reqMaxAccess() { return rogue_mem_master_req_max_access(native_.get()); }

    /** The address at which the slave sees this master's address 0, in octets. */
    uint64_t reqAddress() { return rogue_mem_master_req_address(native_.get()); }

    /** The text of the last transaction that failed, "" if none has since clearError(). */
    std::string getError() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_master_error(native_.get(), buffer, capacity, length);
            });
    }

    /** Forgets the last error. */
    void clearError() { rogue_mem_master_clear_error(native_.get()); }

    /** Sets the timeout of later transactions, in microseconds; 0 leaves it as it is. */
    void setTimeout(uint64_t timeout) { rogue_mem_master_set_timeout(native_.get(), timeout); }

    /**
     * Starts a transaction.
     *
     * @param address in octets, relative to the slave (or hub) this master is connected to
     * @param size    octets to transfer
     * @param data    what to write, or where to put what is read; valid until the transaction
     *                has been waited for
     * @param type    Read, Write, Post or Verify of Constants.h
     * @return the transaction's id, for waitTransaction(). The slave's failures, exceptions of
     *         its code included, are reported there.
     *
     * Throws GeneralError if the arguments are unusable.
     */
    uint32_t reqTransaction(uint64_t address, uint32_t size, void *data, uint32_t type) {
        uint32_t id = 0;
        rogue::detail::check(
            rogue_mem_master_request(native_.get(), address, size, data, type, &id));
        return id;
    }

    /**
     * Waits until transaction `id`, or all that are under way if `id` is 0, has completed or timed
     * out. If one failed its text is then in getError(); success does not clear an older
     * error. An unknown id, or one already waited for, returns at once.
     */
    void waitTransaction(uint32_t id) {
        std::string unused;
        waitTransaction(id, unused);
    }

    /**
     * Waits as above, and tells how it went: true for success, else false with the transaction's
     * own text in `error` (with id 0, that of the last one that failed).
     */
    bool waitTransaction(uint32_t id, std::string &error) {
        const rogue_mem_status_t status = rogue_mem_master_wait(native_.get(), id);
        if (status == ROGUE_MEM_OK)
            return true;
        error = rogue::detail::failureText(status);
        return false;
    }

    /**
     * Copies `size` bits from bit `srcLsb` of `src` to bit `dstLsb` of `dst`.
     *
     * Bit n of an array is bit n % 8, counted from the least significant one, of octet n / 8.
     * Other bits of `dst` keep their value. The arrays must be large enough and must not overlap.
     */
    static void copyBits(uint8_t *dst, uint32_t dstLsb, const uint8_t *src, uint32_t srcLsb,
                         uint32_t size) {
        rogue::detail::check(rogue_mem_copy_bits(dst, octets(dstLsb, size), dstLsb, src,
                                                 octets(srcLsb, size), srcLsb, size));
    }

    /** Sets `size` bits of `dst` from bit `lsb` on to one; otherwise as copyBits(). */
    static void setBits(uint8_t *dst, uint32_t lsb, uint32_t size) {
        rogue::detail::check(rogue_mem_set_bits(dst, octets(lsb, size), lsb, size));
    }

    /** Whether any of `size` bits of `src` from bit `lsb` on is one; otherwise as copyBits(). */
    static bool anyBits(const uint8_t *src, uint32_t lsb, uint32_t size) {
        bool any = false;
        rogue::detail::check(rogue_mem_any_bits(src, octets(lsb, size), lsb, size, &any));
        return any;
    }

    /** The object of the C library behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_master_t *nativeHandle() const { return native_.get(); }

protected:
    /** A master that is part of an object of the C library. For the library's own classes. */
    explicit Master(rogue::detail::Handle<rogue_mem_master_t> native)
        : native_(std::move(native)) {}

private:
    // Octets from the start of an array to the end of a bit range in it.
    static std::size_t octets(uint32_t lsb, uint32_t size) {
        return static_cast<std::size_t>((static_cast<uint64_t>(lsb) + size + 7) / 8);
    }

    std::mutex mutex_; // guards slave_
    std::shared_ptr<Slave> slave_;
    // Last, so that it goes first: transactions are given up before their slave is let go.
    rogue::detail::Handle<rogue_mem_master_t> native_;
};

/** Shared pointer to a master. */
typedef std::shared_ptr<rogue::interfaces::memory::Master> MasterPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

// What connects a master to a slave is defined there.
#include "rogue/interfaces/memory/Slave.h"

#endif
