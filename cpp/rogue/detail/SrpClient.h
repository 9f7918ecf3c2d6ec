/** What the clients of all versions of SRP do. */
#ifndef ROGUE_DETAIL_SRP_CLIENT_H
#define ROGUE_DETAIL_SRP_CLIENT_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"
#include "rogue/interfaces/memory/Slave.h"
#include "rogue/interfaces/stream/Master.h"
#include "rogue/interfaces/stream/Slave.h"

#include <rogue_mem.h>

#include <typeinfo>
#include <utility>

namespace rogue {
namespace detail {

/** A memory slave over a stream, which is an object of type `T` of the C library. */
template <typename T>
class SrpClient : public rogue::interfaces::stream::Master,
                  public rogue::interfaces::stream::Slave,
                  public rogue::interfaces::memory::Slave {
public:
    /** Unanswered transactions time out. */
    ~SrpClient() override = default;

    /** Disconnects from the stream slaves. */
    void stop() override {
        end_(srp_.get());
        announceAcquire();
        rogue::interfaces::stream::Master::stop();
    }

    /** Sends a request. */
    void doTransaction(rogue::interfaces::memory::TransactionPtr transaction) override {
        announceRelease();
        rogue_mem_slave_do_transaction(nativeSlave(), transaction->nativeHandle());
    }

    /** Receives a response. */
    void acceptFrame(rogue::interfaces::stream::FramePtr frame) override {
        nativeAcceptFrame(frame);
    }

protected:
    /**
     * `portOf(object)` gives its stream port and `slaveOf(object)` its slave, each a new reference;
     * `end(object)` stops it; `type` is the class of the client.
     */
    SrpClient(Handle<T> srp, rogue_mem_stream_port_t *(*portOf)(const T *),
              rogue_mem_slave_t *(*slaveOf)(const T *), void (*end)(T *),
              const std::type_info &type)
        : SrpClient(Handle<rogue_mem_stream_port_t>(portOf(srp.get())),
                    Handle<rogue_mem_slave_t>(slaveOf(srp.get())), srp, end, type) {}

    /** The object of the C library. */
    T *native() const { return srp_.get(); }

private:
    SrpClient(const Handle<rogue_mem_stream_port_t> &port, Handle<rogue_mem_slave_t> slave,
              Handle<T> &srp, void (*end)(T *), const std::type_info &type)
        : rogue::interfaces::stream::Master(port), rogue::interfaces::stream::Slave(port, type),
          rogue::interfaces::memory::Slave(std::move(slave), type), srp_(std::move(srp)),
          end_(end) {}

    Handle<T> srp_;
    void (*end_)(T *);
};

} // namespace detail
} // namespace rogue

#endif
