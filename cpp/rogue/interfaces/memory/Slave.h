/** The answering end of the register bus. */
#ifndef ROGUE_INTERFACES_MEMORY_SLAVE_H
#define ROGUE_INTERFACES_MEMORY_SLAVE_H

#include "rogue/Directives.h"
#include "rogue/EnableSharedFromThis.h"
#include "rogue/GeneralError.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/detail/Stoppable.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Transaction.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace rogue {
namespace interfaces {
namespace memory {

/**
 * Carries out transactions.
 *
 * Derive from it and override doTransaction(), which is called with no lock held, in the thread
 * that requested the transaction, or in a TcpServer's own thread. It may complete the transaction
 * there, or keep the pointer and complete it later from any thread, with the help of
 * addTransaction() and getTransaction(). An exception in doTransaction() completes the transaction
 * with its text.
 *
 * A slave must be owned by a std::shared_ptr when it is connected. Its masters keep it alive, and
 * it may be destroyed in any thread, also in one of the library. All member functions may be called
 * from any thread.
 */
class Slave : public rogue::EnableSharedFromThis<rogue::interfaces::memory::Slave>,
              public virtual rogue::detail::Stoppable {
public:
    /** A slave that advertises accesses of `min` to `max` octets and refuses all of them. */
    static std::shared_ptr<Slave> create(uint32_t min, uint32_t max) {
        return std::make_shared<Slave>(min, max);
    }

    /** As create(). The limits are advertised, not enforced. */
    Slave(uint32_t min, uint32_t max)
        : Slave(rogue::detail::make<rogue_mem_slave_t>([&](rogue_mem_slave_t **out) {
                    return rogue_mem_slave_new(min, max, nullptr, out);
                }),
                typeid(Slave)) {}

    /** Fails the pending transactions that addTransaction() keeps. */
    ~Slave() override = default;

    /** Keeps `transaction` until getTransaction() asks for its id. */
    void addTransaction(TransactionPtr transaction) {
        rogue::detail::announceRelease();
        rogue::detail::check(
            rogue_mem_slave_add_transaction(native_.get(), transaction->nativeHandle()));
    }

    /**
     * Removes and returns the transaction with id `index`; null if it is not there (any more). The
     * call proves that the device answers: the timeout of transactions started later restarts.
     */
    TransactionPtr getTransaction(uint32_t index) {
        rogue::detail::Handle<rogue_mem_transaction_t> taken(
            rogue_mem_slave_take_transaction(native_.get(), index));
        rogue::detail::announceAcquire();
        return taken ? std::make_shared<Transaction>(std::move(taken)) : TransactionPtr();
    }

    /** The smallest access, as given to the constructor, in octets. */
    uint32_t min() { return rogue_mem_slave_min(native_.get()); }

    /** The largest access, as given to the constructor, in octets. */
    uint32_t max() { return rogue_mem_slave_max(native_.get()); }

    /** This slave's number, unique in this process. Never 0. */
    uint32_t id() { return rogue_mem_slave_id(native_.get()); }

    /** Sets the name; the default is `Unnamed_<id>`. */
    void setName(std::string name) {
        rogue::detail::check(rogue_mem_slave_set_name(native_.get(), name.c_str()));
    }

    /** The name. */
    std::string name() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_slave_name(native_.get(), buffer, capacity, length);
            });
    }

    /** The result of Master::reqSlaveId(); override to report another. */
    virtual uint32_t doSlaveId() { return id(); }

    /** The result of Master::reqSlaveName(); override to report another. */
    virtual std::string doSlaveName() { return name(); }

    /** The result of Master::reqMinAccess(); override to report another. */
    virtual uint32_t doMinAccess() { return min(); }

    /** The result of Master::reqMaxAccess(), and the part size of hubs; override to change it. */
    virtual uint32_t doMaxAccess() { return max(); }

    /** The result of Master::reqAddress(); override to report another. */
    virtual uint64_t doAddress() { return 0; }

    /** Carries out a transaction; this base version completes it with an error. */
    virtual void doTransaction(TransactionPtr transaction) {
        transaction->errorStr("Unsupported transaction using unconnected memory bus");
    }

protected:
    /**
     * A slave that is part of an object of the C library, made by class `type`. For the library's
     * own classes.
     */
    Slave(rogue::detail::Handle<rogue_mem_slave_t> native, const std::type_info &type)
        : nativeType_(&type), native_(std::move(native)) {}

    /** The C library's object with this slave's id, name, limits and behaviour. */
    rogue_mem_slave_t *nativeSlave() const { return native_.get(); }

private:
    friend class Master;

    /**
     * A native slave that represents this object, which `self` owns, on the bus.
     *
     * For an object of one of the library's own classes it is the native implementation itself, and
     * no C++ is called. For a derived class it is a new one that calls the virtual functions and
     * owns the object: the object lives as long as a transaction is on its way to it, also after a
     * disconnection.
     */
    rogue::detail::Handle<rogue_mem_slave_t> busEnd(const std::shared_ptr<Slave> &self);

    const std::type_info *nativeType_; // the class that native_ behaves like
    rogue::detail::Handle<rogue_mem_slave_t> native_;
};

/** Shared pointer to a slave. */
typedef std::shared_ptr<rogue::interfaces::memory::Slave> SlavePtr;

/** How the C library calls C++ slaves. Not for use by programs. */
namespace detail {

/** Logs an exception of a callback. Never throws. */
inline void reportCallback(uint32_t level, const char *function, const char *text) noexcept {
    try {
        // Never destroyed: threads of the library may still run when the program's statics are
        // destroyed.
        static rogue::Logging *const log = new rogue::Logging("memory.Slave", true);
        log->log(level, "Exception in %s: %s", function, text);
    } catch (...) {
        // Without a logger the report is lost.
    }
}

/** The object that a native slave's context owns. */
inline Slave &target(void *ctx) { return **static_cast<std::shared_ptr<Slave> *>(ctx); }

inline void dropTarget(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    delete static_cast<std::shared_ptr<Slave> *>(ctx);
}

/** Calls `question` on the object; returns `fallback` if it throws. */
template <typename Answer, typename Question>
Answer ask(void *ctx, const char *function, Answer fallback, Question question) noexcept {
    try {
        return question(target(ctx));
    } catch (const std::exception &e) {
        reportCallback(rogue::Logging::Error, function, e.what());
    } catch (...) {
        reportCallback(rogue::Logging::Error, function, "unknown exception");
    }
    return fallback;
}

inline void failTransaction(rogue_mem_transaction_t *transaction, const char *text) noexcept {
    // The requester gets the text, unless the transaction had been completed already.
    reportCallback(rogue::Logging::Warning, "doTransaction", text);
    rogue_mem_transaction_error(transaction, text);
}

inline void doTransaction(void *ctx, rogue_mem_transaction_t *transaction) {
    const rogue::detail::AnnouncedCallback announced;
    try {
        target(ctx).doTransaction(std::make_shared<Transaction>(
            rogue::detail::Handle<rogue_mem_transaction_t>::share(transaction)));
    } catch (const std::exception &e) {
        failTransaction(transaction, e.what());
    } catch (...) {
        failTransaction(transaction, "unknown exception in doTransaction of the memory slave");
    }
}

inline uint32_t minAccess(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    return ask(ctx, "doMinAccess", target(ctx).min(), [](Slave &s) { return s.doMinAccess(); });
}

inline uint32_t maxAccess(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    return ask(ctx, "doMaxAccess", target(ctx).max(), [](Slave &s) { return s.doMaxAccess(); });
}

inline uint64_t address(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    return ask(ctx, "doAddress", uint64_t{0}, [](Slave &s) { return s.doAddress(); });
}

inline uint32_t slaveId(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    return ask(ctx, "doSlaveId", target(ctx).id(), [](Slave &s) { return s.doSlaveId(); });
}

inline std::size_t slaveName(void *ctx, char *buffer, std::size_t capacity) {
    const rogue::detail::AnnouncedCallback announced;
    if (buffer != nullptr && capacity > 0) {
        buffer[0] = '\0';
    }
    return ask(ctx, "doSlaveName", std::size_t{0}, [=](Slave &s) {
        return rogue::detail::writeText(s.doSlaveName(), buffer, capacity);
    });
}

inline void transactionEnded(void *ctx, uint32_t, rogue_mem_status_t status, const char *text) {
    const rogue::detail::AnnouncedCallback announced;
    try {
        (*static_cast<Master::Observer *>(ctx))(status == ROGUE_MEM_OK, text);
    } catch (const std::exception &e) {
        reportCallback(rogue::Logging::Error, "the observer of a transaction", e.what());
    } catch (...) {
        reportCallback(rogue::Logging::Error, "the observer of a transaction", "unknown exception");
    }
}

inline void dropObserver(void *ctx) {
    const rogue::detail::AnnouncedCallback announced;
    delete static_cast<Master::Observer *>(ctx);
}

} // namespace detail

inline void Master::observeTransaction(uint32_t id, Observer observer) {
    std::unique_ptr<Observer> owned(new Observer(std::move(observer)));
    rogue_mem_observer_t native = rogue_mem_observer_t();
    native.size = sizeof native;
    native.ctx = owned.get();
    native.drop = &detail::dropObserver;
    native.ended = &detail::transactionEnded;
    rogue::detail::announceRelease();
    rogue::detail::check(rogue_mem_master_observe(native_.get(), id, &native));
    // The library owns it now; it may be destroyed already.
    static_cast<void>(owned.release());
}

inline rogue::detail::Handle<rogue_mem_slave_t> Slave::busEnd(const std::shared_ptr<Slave> &self) {
    if (typeid(*this) == *nativeType_) {
        return rogue::detail::Handle<rogue_mem_slave_t>::share(native_.get());
    }
    std::unique_ptr<std::shared_ptr<Slave>> owner(new std::shared_ptr<Slave>(self));
    rogue_mem_slave_callbacks_t callbacks = rogue_mem_slave_callbacks_t();
    callbacks.size = sizeof(callbacks);
    callbacks.ctx = owner.get();
    callbacks.drop = &detail::dropTarget;
    callbacks.do_transaction = &detail::doTransaction;
    callbacks.min_access = &detail::minAccess;
    callbacks.max_access = &detail::maxAccess;
    callbacks.address = &detail::address;
    callbacks.slave_id = &detail::slaveId;
    callbacks.slave_name = &detail::slaveName;
    auto end = rogue::detail::make<rogue_mem_slave_t>([&](rogue_mem_slave_t **out) {
        return rogue_mem_slave_new(min(), max(), &callbacks, out);
    });
    owner.release(); // from here on the native slave's
    return end;
}

// The functions of Master that need the definition of Slave.

inline Master::~Master() = default;

inline void Master::setSlave(std::shared_ptr<Slave> slave) {
    if (!slave) {
        throw rogue::GeneralError("memory::Master::setSlave", "The memory slave is null");
    }
    const rogue::detail::Handle<rogue_mem_slave_t> end = slave->busEnd(slave);
    {
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        rogue::detail::announceRelease();
        rogue::detail::check(rogue_mem_master_set_slave(native_.get(), end.get()));
        slave_.swap(slave);
    }
    // The previous slave is released here: its destructor may use this master again.
}

inline std::shared_ptr<Slave> Master::getSlave() {
    /** Represents the native slave of an unconnected master. */
    class Placeholder : public Slave {
    public:
        explicit Placeholder(rogue::detail::Handle<rogue_mem_slave_t> native)
            : Slave(std::move(native), typeid(Placeholder)) {}
    };
    std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
    if (!slave_) {
        slave_ = std::make_shared<Placeholder>(
            rogue::detail::Handle<rogue_mem_slave_t>(rogue_mem_master_slave(native_.get())));
    }
    return slave_;
}

/**
 * Connects a master to a slave: `*master >> slave`.
 *
 * Takes shared pointers to any class derived from Slave, named or temporary, and returns it with
 * its type, so that `*(*master >> hub) >> slave` works.
 */
template <typename M, typename S>
typename std::enable_if<std::is_convertible<M *, Master *>::value &&
                            std::is_convertible<S *, Slave *>::value,
                        std::shared_ptr<S>>::type
operator>>(M &master, const std::shared_ptr<S> &slave) {
    static_cast<Master &>(master).setSlave(slave);
    return slave;
}

/**
 * Connects a slave to a master: `*slave << master`.
 *
 * Takes shared pointers to any class derived from Master, named or temporary, and returns it with
 * its type, so that `*(*slave << hub) << master` works. Throws std::bad_weak_ptr if the slave has
 * no owner.
 */
template <typename S, typename M>
typename std::enable_if<std::is_convertible<S *, Slave *>::value &&
                            std::is_convertible<M *, Master *>::value,
                        std::shared_ptr<M>>::type
operator<<(S &slave, const std::shared_ptr<M> &master) {
    static_cast<Master &>(*master).setSlave(static_cast<Slave &>(slave).shared_from_this());
    return master;
}

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
