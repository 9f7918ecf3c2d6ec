/** The base of nodes that one object of the C library is. */
#ifndef ROGUE_DETAIL_STREAM_NODE_H
#define ROGUE_DETAIL_STREAM_NODE_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/StreamEnd.h"

#include <rogue_mem.h>

#include <typeinfo>
#include <utility>

namespace rogue {
namespace detail {

/** A stream master and slave over an object of type `T`, which works as long as it is connected. */
template <typename T>
class StreamNode : public StreamEnd {
protected:
    /** `portOf(object)` gives its port, a new reference; `type` is the class of the node. */
    StreamNode(Handle<T> native, rogue_mem_stream_port_t *(*portOf)(const T *),
               const std::type_info &type)
        : StreamEnd(Handle<rogue_mem_stream_port_t>(portOf(native.get())), type),
          native_(std::move(native)) {}

    /** The object of the C library. */
    T *native() const { return native_.get(); }

private:
    Handle<T> native_;
};

} // namespace detail
} // namespace rogue

#endif
