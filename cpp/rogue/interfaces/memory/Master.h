/** The requesting end of the register bus. */
#ifndef ROGUE_INTERFACES_MEMORY_MASTER_H
#define ROGUE_INTERFACES_MEMORY_MASTER_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/detail/Stoppable.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rogue {
namespace interfaces {
namespace memory {

class Slave;

/**
 * Requests transactions from the Slave that it is connected to.
 *
 * A master is connected with setSlave() or with `*master >> slave`, which returns `slave`, so that
 * `*(*master >> hub) >> slave` builds a chain. It keeps the slave alive until it is connected to
 * another one or destroyed. An unconnected master's transactions fail at once.
 *
 * A request starts with reqTransaction(); waitTransaction() collects its result. The data buffer
 * must stay valid until then. Destroying a master gives up all its transactions: no slave reaches
 * the buffers after that. A class derived from Master that owns the buffers should wait for its
 * transactions in its own destructor, because its members are destroyed before the master.
 *
 * All member functions may be called from any thread, and any number of transactions may be
 * outstanding. They share the last error, getError(); the second form of waitTransaction() returns
 * each transaction's own.
 */
class Master : public virtual rogue::detail::Stoppable {
public:
    /** An unconnected master with a timeout of one second. */
    static std::shared_ptr<Master> create() { return std::make_shared<Master>(); }

    /** As create(). */
    Master() : Master(rogue::detail::make<rogue_mem_master_t>(&rogue_mem_master_new)) {}

    /** Gives up all pending transactions. */
    ~Master() override;

    /**
     * Makes `slave` the target of later transactions. Outstanding ones are not affected. Throws
     * GeneralError if `slave` is null, or if this process was forked since the master was made.
     */
    void setSlave(std::shared_ptr<Slave> slave);

    /**
     * The connected slave; a placeholder, never null, if there is none. Throws GeneralError if this
     * process was forked since the master was made.
     */
    std::shared_ptr<Slave> getSlave();

    /** The id of the slave at the end of the bus. */
    uint32_t reqSlaveId() { return rogue_mem_master_req_slave_id(native_.get()); }

    /** The name of the slave at the end of the bus. */
    std::string reqSlaveName() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_master_req_slave_name(native_.get(), buffer, capacity, length);
            });
    }

    /** The smallest access that the slave advertises, in octets. */
    uint32_t reqMinAccess() { return rogue_mem_master_req_min_access(native_.get()); }

    /** The largest access that the slave advertises, in octets. */
    uint32_t reqMaxAccess() { return rogue_mem_master_req_max_access(native_.get()); }

    /** The slave's address of this master's address 0, in octets. */
    uint64_t reqAddress() { return rogue_mem_master_req_address(native_.get()); }

    /** The text of the last failed transaction; "" if none has failed since clearError(). */
    std::string getError() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_master_error(native_.get(), buffer, capacity, length);
            });
    }

    /** Clears the last error. */
    void clearError() { rogue_mem_master_clear_error(native_.get()); }

    /** Sets the timeout of later transactions, in microseconds; 0 changes nothing. */
    void setTimeout(uint64_t timeout) { rogue_mem_master_set_timeout(native_.get(), timeout); }

    /**
     * Starts a transaction.
     *
     * @param address in octets, relative to the connected slave (or hub)
     * @param size    octets to transfer
     * @param data    the data to write, or the buffer for the data read; valid until the end of the
     *                wait for the transaction
     * @param type    Read, Write, Post or Verify of Constants.h
     * @return the transaction's id, for waitTransaction(), which reports all failures: those of the
     *         slave, exceptions of its code included, unknown types, and accesses beyond the end of
     *         the address space. The last two reach no slave.
     *
     * Throws GeneralError if the arguments are unusable.
     */
    uint32_t reqTransaction(uint64_t address, uint32_t size, void *data, uint32_t type) {
        uint32_t id = 0;
        rogue::detail::announceRelease();
        rogue::detail::check(
            rogue_mem_master_request(native_.get(), address, size, data, type, &id));
        return id;
    }

    /**
     * Starts a transaction of `size` octets at each of several addresses, in this order, as one
     * burst: a TcpClient sends them with one system call, and SRP over UDP with few, as far as
     * windows and the socket allow, also through hubs. Beyond Rogue's interface.
     *
     * @param addresses in octets, relative to the connected slave (or hub)
     * @param size      octets to transfer at each address
     * @param data      the data to write, or the buffer for the data read: `size` consecutive octets
     *                  for each address; valid until the end of the waits for all of them
     * @param type      Read, Write, Post or Verify of Constants.h
     * @return the ids, each for waitTransaction()
     *
     * Otherwise as reqTransaction().
     */
    std::vector<uint32_t> reqTransactions(const std::vector<uint64_t> &addresses, uint32_t size,
                                          void *data, uint32_t type) {
        return reqTransactions(addresses, std::vector<uint32_t>(addresses.size(), size), data,
                               type);
    }

    /** As above, with a size for each address. Throws GeneralError if the numbers differ. */
    std::vector<uint32_t> reqTransactions(const std::vector<uint64_t> &addresses,
                                          const std::vector<uint32_t> &sizes, void *data,
                                          uint32_t type) {
        if (addresses.size() != sizes.size())
            throw GeneralError("Master::reqTransactions",
                               std::to_string(addresses.size()) + " addresses and " +
                                   std::to_string(sizes.size()) + " sizes: each needs one");
        std::vector<uint32_t> ids(addresses.size());
        rogue::detail::announceRelease();
        rogue::detail::check(rogue_mem_master_request_many(
            native_.get(), type, ids.size(), addresses.data(), sizes.data(), data, ids.data()));
        return ids;
    }

    /**
     * Waits until transaction `id`, or all outstanding ones if `id` is 0, have completed or timed
     * out. getError() returns the text of a failure; success does not clear an older error. An
     * unknown id, or one that has been waited for, returns at once.
     */
    void waitTransaction(uint32_t id) {
        std::string unused;
        waitTransaction(id, unused);
    }

    /**
     * Waits as above, and returns the outcome: true for success, else false with the transaction's
     * own text in `error` (with id 0, that of the last one that failed).
     *
     * If very many transactions have ended without a wait, the results of the oldest are discarded.
     * forgottenCount() counts them; a wait for one of them fails.
     */
    bool waitTransaction(uint32_t id, std::string &error) {
        const rogue_mem_status_t status = rogue_mem_master_wait(native_.get(), id);
        rogue::detail::announceAcquire();
        if (status == ROGUE_MEM_OK)
            return true;
        error = rogue::detail::failureText(status);
        return false;
    }

    /**
     * The callback of observeTransaction(): true for success, else false with the transaction's
     * text.
     */
    typedef std::function<void(bool ok, const std::string &error)> Observer;

    /**
     * Calls `observer` once, when transaction `id` has ended and its data buffer is free; at once
     * if it has ended already. The transaction needs no wait then: it also ends at its deadline,
     * and nothing is kept of it after the call. Replaces an earlier observer, which is destroyed.
     *
     * The call takes place in the thread that ends the transaction, or in one of the library,
     * without a lock. While it runs, notifications of other deadlines wait. A thread that waits for
     * a transaction makes no call, so `observer` may take a lock that is held during a wait. It
     * should not wait: what it waits for may have to be received by this thread, and then ends at
     * its deadline. An exception in it is logged. Throws GeneralError if the id is not outstanding.
     */
    void observeTransaction(uint32_t id, Observer observer);

    /**
     * Cancels transaction `id`: it has failed, waiting threads and its observer are notified at
     * once, and its data buffer is free. A request that has been sent cannot be recalled.
     *
     * @param id      of the transaction
     * @param seconds longest wait for a slave that has locked the data
     * @return true if it has been cancelled, or had ended; false if its data is still locked, in
     *         which case it goes on
     */
    bool cancelTransaction(uint32_t id, double seconds = 0) {
        const bool isFree =
            rogue_mem_master_cancel(native_.get(), 1, &id, rogue::detail::microseconds(seconds));
        rogue::detail::announceAcquire();
        return isFree;
    }

    /** Number of ended transactions whose results were discarded, see waitTransaction(). */
    uint64_t forgottenCount() { return rogue_mem_master_forgotten_count(native_.get()); }

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
        uint32_t any = 0;
        rogue::detail::check(rogue_mem_any_bits(src, octets(lsb, size), lsb, size, &any));
        return any != 0;
    }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
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

    rogue::detail::ObjectMutex mutex_{"The memory master"}; // guards slave_
    std::shared_ptr<Slave> slave_;
    // Last, so destroyed first: transactions are given up before their slave is released.
    rogue::detail::Handle<rogue_mem_master_t> native_;
};

/** Shared pointer to a master. */
typedef std::shared_ptr<rogue::interfaces::memory::Master> MasterPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

// The connection of a master to a slave is defined there.
#include "rogue/interfaces/memory/Slave.h"

#endif
