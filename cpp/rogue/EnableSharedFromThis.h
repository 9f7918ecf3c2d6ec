/** shared_from_this() for classes that have several bases of this library. */
#ifndef ROGUE_ENABLE_SHARED_FROM_THIS_H
#define ROGUE_ENABLE_SHARED_FROM_THIS_H

#include "rogue/Directives.h"

#include <memory>

namespace rogue {

/** Holds an object's single weak pointer to itself, shared by all its bases. */
class EnableSharedFromThisBase : public std::enable_shared_from_this<EnableSharedFromThisBase> {
public:
    virtual ~EnableSharedFromThisBase() = default;
};

/**
 * Gives `T` a `shared_from_this()` that returns a pointer to `T`.
 *
 * The base class with the weak pointer is virtual: an object that is a stream Master, a stream
 * Slave and a memory Slave at once has a single one, which std::make_shared finds. Such a class
 * has to name the base: `x->rim::Slave::shared_from_this()`.
 */
template <typename T>
class EnableSharedFromThis : virtual public EnableSharedFromThisBase {
public:
    virtual ~EnableSharedFromThis() = default;

    /** A pointer that shares the ownership of this object; std::bad_weak_ptr without an owner. */
    std::shared_ptr<T> shared_from_this() {
        return std::dynamic_pointer_cast<T>(EnableSharedFromThisBase::shared_from_this());
    }
};

} // namespace rogue

#endif
