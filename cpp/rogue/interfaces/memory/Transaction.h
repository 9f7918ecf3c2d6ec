/** One register access, as a slave gets it. */
#ifndef ROGUE_INTERFACES_MEMORY_TRANSACTION_H
#define ROGUE_INTERFACES_MEMORY_TRANSACTION_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Format.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <cstdarg>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace rogue {
namespace interfaces {
namespace memory {

class TransactionLock;

/**
 * A read or write that a Master has requested, on its way to a Slave and back.
 *
 * A slave gets it in Slave::doTransaction() and completes it exactly once, with done() or with one
 * of the error functions, there or later and from any thread. The first completion counts; further
 * ones have no effect.
 *
 * The data belongs to the requester. It may be touched only under lock(), and only while expired()
 * is false: once the requester has its result, has timed out or is destroyed, begin() throws.
 * id(), size() and type() never change; each hub on the way adds its offset to address().
 *
 * The library creates objects of this class. Several of them may represent one transaction; they
 * are interchangeable. All member functions may be called from any thread, with the limits above
 * for the data.
 */
class Transaction : public rogue::EnableSharedFromThis<rogue::interfaces::memory::Transaction> {
public:
    /** Points into the data. */
    typedef uint8_t *iterator;

    /** Represents a transaction of the C library. For the library's own use. */
    explicit Transaction(rogue::detail::Handle<rogue_mem_transaction_t> native)
        : native_(std::move(native)) {}

    Transaction(const Transaction &) = delete;
    Transaction &operator=(const Transaction &) = delete;

    /** Does not complete the transaction: without a completion it times out. */
    ~Transaction() override = default;

    /**
     * Waits for the data's lock and takes it; it is held until the returned object is unlocked
     * or destroyed. A transaction and all its sub-transactions share one lock. Taking it twice in
     * one thread deadlocks.
     */
    std::shared_ptr<TransactionLock> lock();

    /** True when the result is no longer wanted and the data must not be touched. */
    bool expired() {
        const bool expired = rogue_mem_transaction_expired(native_.get());
        rogue::detail::announceAcquire();
        return expired;
    }

    /** The transaction's id, unique among the outstanding ones of this process. Never 0. */
    uint32_t id() { return rogue_mem_transaction_id(native_.get()); }

    /** The address in octets, relative to the slave that calls this. */
    uint64_t address() { return rogue_mem_transaction_address(native_.get()); }

    /** The number of octets of data. */
    uint32_t size() { return rogue_mem_transaction_size(native_.get()); }

    /** Read, Write, Post or Verify of Constants.h. */
    uint32_t type() { return rogue_mem_transaction_type(native_.get()); }

    /**
     * A transaction for a part of this one's data: `size` octets from `offset` on.
     *
     * This transaction then completes when doneSubTransactions() has been called and every
     * sub-transaction has completed; with an error if any of them failed. The part's address and
     * type may differ from those of the whole, but a part of a write cannot be a read. Throws
     * GeneralError if the part exceeds the data or the address space, if the type is unknown, or if
     * this transaction has ended.
     */
    std::shared_ptr<Transaction> createSubTransaction(uint32_t offset, uint32_t size,
                                                      uint64_t address, uint32_t type) {
        return std::make_shared<Transaction>(
            rogue::detail::make<rogue_mem_transaction_t>([&](rogue_mem_transaction_t **out) {
                return rogue_mem_transaction_create_sub(native_.get(), offset, size, address, type,
                                                        out);
            }));
    }

    /** Ends the creation of sub-transactions. */
    void doneSubTransactions() {
        rogue::detail::announceRelease();
        rogue_mem_transaction_done_subs(native_.get());
    }

    /**
     * Restarts the timeout if `reference` is null or did not start after this transaction: an
     * answer to it then proves that the link of this one is alive.
     */
    void refreshTimer(std::shared_ptr<Transaction> reference) {
        rogue_mem_transaction_refresh_timer(native_.get(),
                                            reference ? reference->native_.get() : nullptr);
    }

    /** Completes the transaction successfully. The lock may be held or not. */
    void done() {
        rogue::detail::announceRelease();
        rogue_mem_transaction_done(native_.get());
    }

    /** Completes the transaction with an error. The lock may be held or not. */
    void errorStr(std::string text) { error(text); }

    /** As errorStr(). The text is taken literally. */
    void error(const std::string &text) {
        rogue::detail::announceRelease();
        rogue_mem_transaction_error(native_.get(), text.c_str());
    }

    /** As errorStr(). The text is taken literally, except that "%%" stands for "%". */
    void error(const char *text) { error(rogue::detail::formatPlain(text)); }

    /** As errorStr(), with a printf format and its arguments; the text may have any length. */
    void error(const volatile char *fmt, ...) ROGUE_DETAIL_PRINTF(2, 3) {
        va_list arguments;
        va_start(arguments, fmt);
        std::string text = rogue::detail::formatList(const_cast<const char *>(fmt), arguments);
        va_end(arguments);
        error(text);
    }

    /**
     * The first octet of the data. Only under lock(), and valid while it is held. Throws
     * GeneralError if the transaction has expired.
     */
    uint8_t *begin() { return data("Transaction::begin"); }

    /** The position after the last octet of the data; otherwise as begin(). */
    uint8_t *end() { return data("Transaction::end") + size(); }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_transaction_t *nativeHandle() const { return native_.get(); }

private:
    uint8_t *data(const char *source) {
        uint8_t *data = rogue_mem_transaction_data(native_.get());
        if (data == nullptr)
            throw rogue::GeneralError(source, "Invalid data");
        return data;
    }

    rogue::detail::Handle<rogue_mem_transaction_t> native_;
};

/** Shared pointer to a transaction. */
typedef std::shared_ptr<rogue::interfaces::memory::Transaction> TransactionPtr;

/** Transactions by id. */
typedef std::map<uint32_t, rogue::interfaces::memory::TransactionPtr> TransactionMap;

} // namespace memory
} // namespace interfaces
} // namespace rogue

// Transaction::lock() is defined there, and its callers destroy its result.
#include "rogue/interfaces/memory/TransactionLock.h"

#endif
