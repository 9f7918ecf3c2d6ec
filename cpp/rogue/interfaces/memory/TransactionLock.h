/** The lock of a transaction's data. */
#ifndef ROGUE_INTERFACES_MEMORY_TRANSACTION_LOCK_H
#define ROGUE_INTERFACES_MEMORY_TRANSACTION_LOCK_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Transaction.h"

#include <rogue_mem.h>

#include <memory>

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * Holds the lock of a transaction's data while it exists, unless unlocked in between.
 *
 * While it is held the requester can neither take its result nor give up, so the data stays
 * valid. The object keeps the transaction alive. It belongs to one thread: lock and unlock in the
 * same one.
 */
class TransactionLock {
public:
    /** Waits for the lock of `transaction` and takes it. */
    static std::shared_ptr<TransactionLock> create(TransactionPtr transaction) {
        return std::make_shared<TransactionLock>(transaction);
    }

    /** As create(). */
    explicit TransactionLock(TransactionPtr transaction) : TransactionLock(*transaction) {}

    /** As create(). */
    explicit TransactionLock(const Transaction &transaction)
        : native_(
              rogue::detail::Handle<rogue_mem_transaction_t>::share(transaction.nativeHandle())) {
        lock();
    }

    TransactionLock(const TransactionLock &) = delete;
    TransactionLock &operator=(const TransactionLock &) = delete;

    /** Unlocks, if locked. */
    ~TransactionLock() { unlock(); }

    /** Waits for the lock and takes it again. Does nothing if this object holds it. */
    void lock() {
        if (locked_)
            return;
        rogue_mem_transaction_lock(native_.get());
        rogue::detail::announceAcquire();
        locked_ = true;
    }

    /** Releases the lock. Does nothing if this object does not hold it. */
    void unlock() {
        if (!locked_)
            return;
        rogue::detail::announceRelease();
        rogue_mem_transaction_unlock(native_.get());
        locked_ = false;
    }

    /** Does nothing; exists for symmetry with the Python class. */
    void enter() {}

    /** Does nothing; exists for symmetry with the Python class. */
    void exit(void *, void *, void *) {}

private:
    rogue::detail::Handle<rogue_mem_transaction_t> native_;
    bool locked_ = false;
};

/** Shared pointer to a transaction's lock. */
typedef std::shared_ptr<rogue::interfaces::memory::TransactionLock> TransactionLockPtr;

inline std::shared_ptr<TransactionLock> Transaction::lock() {
    return std::make_shared<TransactionLock>(*this);
}

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
