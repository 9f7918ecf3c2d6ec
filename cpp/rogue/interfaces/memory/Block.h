/** The registers of a contiguous region. */
#ifndef ROGUE_INTERFACES_MEMORY_BLOCK_H
#define ROGUE_INTERFACES_MEMORY_BLOCK_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/Logging.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/detail/Registers.h"
#include "rogue/interfaces/memory/Constants.h"
#include "rogue/interfaces/memory/Master.h"
#include "rogue/interfaces/memory/Variable.h"

#include <rogue_mem.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rogue {
namespace interfaces {
namespace memory {

/** How the C library tells C++ variables of updates. Not for use by programs. */
namespace detail {

/** The variables of a block. The block and its native observer share it. */
class BlockVariables {
public:
    /** Replaces the variables. */
    void replace(std::vector<VariablePtr> variables) {
        std::map<rogue_mem_variable_t *, VariablePtr> byHandle;
        for (const VariablePtr &variable : variables)
            byHandle[variable->nativeHandle()] = variable;
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        variables_.swap(variables);
        byHandle_.swap(byHandle);
    }

    /** The variables, in the order of their addition. */
    std::vector<VariablePtr> all() {
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        return variables_;
    }

    /** Tells a variable of an update. Does not throw. */
    void update(rogue_mem_variable_t *handle) noexcept {
        try {
            const VariablePtr variable = find(handle);
            if (variable)
                variable->queueUpdate();
        } catch (const std::exception &e) {
            reportCallback(rogue::Logging::Error, "queueUpdate", e.what());
        } catch (...) {
            reportCallback(rogue::Logging::Error, "queueUpdate", "unknown exception");
        }
    }

private:
    VariablePtr find(rogue_mem_variable_t *handle) {
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        const auto found = byHandle_.find(handle);
        return found == byHandle_.end() ? VariablePtr() : found->second;
    }

    rogue::detail::ObjectMutex mutex_{"The block"}; // guards all
    std::vector<VariablePtr> variables_;
    std::map<rogue_mem_variable_t *, VariablePtr> byHandle_;
};

} // namespace detail

/**
 * Holds the octets of a region of registers, moves them with transactions, and has Variables that
 * say what the bits are. docs/registers.md states the rules.
 *
 * Connect it to a slave as any Master, add its variables, and enable it:
 *
 *     auto block = rim::Block::create(0x100, 4);
 *     *block >> slave;
 *     block->addVariables({gain, offset});
 *     block->setEnable(true);
 *
 * The functions that are named after a type (`setUInt`, `getUInt`, ...) only touch the block's
 * octets: a value that is set is *staged*, and *stale* until a write takes it to the device. They
 * take a variable of this block and an element of a list, which is ignored for a scalar, and throw
 * GeneralError as the functions of Variable do.
 *
 * All member functions may be called from any thread. Transactions of a block follow each other;
 * staged values can be set and read meanwhile. The block holds its variables; a variable does not
 * hold its block.
 */
class Block : public Master {
public:
    /**
     * A block of `size` octets at `offset` of the slave that it is connected to, zero at first. It
     * is disabled: until setEnable() its transactions are skipped. Throws GeneralError for no
     * octets, and for an end beyond the address space.
     */
    static std::shared_ptr<Block> create(uint64_t offset, uint32_t size) {
        return std::make_shared<Block>(offset, size);
    }

    /** As create(). */
    Block(uint64_t offset, uint32_t size)
        : Block(rogue::detail::make<rogue_mem_block_t>(
              [&](rogue_mem_block_t **out) { return rogue_mem_block_new(offset, size, out); })) {}

    /** Gives up the pending transaction. Its variables then have no block. */
    ~Block() override {
        // Nothing calls variables from here on, also if another owner keeps the native block.
        rogue_mem_block_observe(block_.get(), nullptr);
    }

    /** The path that the first variable had when it was added; `Undefined` without variables. */
    std::string path() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_block_path(block_.get(), buffer, capacity, length);
            });
    }

    /** The mode that all variables have; `RW` if they differ, and without variables. */
    std::string mode() {
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_block_mode(block_.get(), buffer, capacity, length);
            });
    }

    /** Whether any variable takes part in bulk operations. */
    bool bulkOpEn() { return rogue_mem_block_is_bulk(block_.get()); }

    /** Lets transactions be sent, or skips them. A write that is skipped is not made up for. */
    void setEnable(bool enable) { rogue_mem_block_set_enable(block_.get(), enable); }

    /** Whether transactions are sent. Beyond Rogue's interface. */
    bool isEnabled() { return rogue_mem_block_is_enabled(block_.get()); }

    /**
     * Sets the threshold of the block's own logger, "pyrogue.memory.block." and its path. Throws
     * GeneralError for a block without variables, which has none.
     */
    void setLogLevel(uint32_t level) {
        rogue::detail::check(rogue_mem_block_set_log_level(block_.get(), level));
    }

    /** The offset in octets, relative to the slave that the block is connected to. */
    uint64_t offset() { return rogue_mem_block_offset(block_.get()); }

    /** The address as seen from the end of the bus. */
    uint64_t address() { return rogue_mem_block_address(block_.get()); }

    /** The number of octets. */
    uint32_t size() { return rogue_mem_block_size(block_.get()); }

    /** False: transactions are never left to Python. */
    bool blockPyTrans() { return false; }

    /**
     * Starts a transaction.
     *
     * @param type    Read, Write, Post or Verify of Constants.h
     * @param forceWr whether to write also if nothing is stale; a Post is always sent
     * @param check   whether to wait, as checkTransaction() does. A block with retries always waits.
     *                Otherwise the next check, or the next transaction, waits
     * @param var     a variable of the block: a read covers its octets, or those of element `index`;
     *                a write all that is stale, and the variable. Null: the block
     * @param index   an element of a list; all of them by default
     * @return why nothing was sent, which is no failure: ROGUE_MEM_SKIP_... of rogue_mem.h, 0 if it
     *         was sent. Rogue's returns nothing
     *
     * A Verify reads back all that has been written since the last one, and compares. Throws
     * GeneralError for an unknown type, a variable of another block, and a transaction that is
     * larger than the largest access of the path, none of which is sent; with a wait also as
     * checkTransaction().
     */
    uint32_t startTransaction(uint32_t type, bool forceWr, bool check, Variable *var,
                              int32_t index = -1) {
        uint32_t skipped = 0;
        rogue::detail::transfer([&] {
            return rogue_mem_block_start(block_.get(), type, forceWr, check, raw(var), index,
                                         &skipped, nullptr);
        });
        return skipped;
    }

    /**
     * Waits for the transaction that is under way. True if variables with updateNotify may have
     * changed; their queueUpdate() has been called then. Throws GeneralError, once, if one that
     * this thread has started failed, or read back other than what was written.
     */
    bool checkTransaction() {
        uint32_t updated = 0;
        rogue::detail::transfer([&] { return rogue_mem_block_check(block_.get(), &updated); });
        return updated != 0;
    }

    /**
     * Writes a variable with everything that is stale, verifies what is to be verified, and waits.
     * Throws GeneralError as startTransaction() and checkTransaction() do.
     */
    void write(Variable *var, int32_t index = -1) {
        rogue::detail::transfer(
            [&] { return rogue_mem_block_write(block_.get(), raw(var), index); });
    }

    /** Reads a variable, or its element `index`, and waits. Throws as write() does. */
    void read(Variable *var, int32_t index = -1) {
        rogue::detail::transfer(
            [&] { return rogue_mem_block_read(block_.get(), raw(var), index); });
    }

    /**
     * Replaces the variables. All must lie within the block, and be in no other one. Variables with
     * overlapEn share bits with each other, all others share none. A bit is verified if a verified
     * variable covers it, and no other one. Otherwise throws GeneralError, and changes nothing.
     */
    void addVariables(std::vector<VariablePtr> variables) {
        std::vector<rogue_mem_variable_t *> handles;
        for (const VariablePtr &variable : variables)
            handles.push_back(variable ? variable->nativeHandle() : nullptr);
        rogue::detail::check(
            rogue_mem_block_add_variables(block_.get(), handles.data(), handles.size()));
        clean();
        variables_->replace(std::move(variables));
        customInit();
        isInitialized_ = true;
    }

    /** The variables, in the order of their addition. */
    std::vector<VariablePtr> variables() { return variables_->all(); }

    /**
     * Ends the use of the block: calls customClean() if customInit() has been called. Idempotent.
     * The destructor of Block cannot reach the override of a class derived from it: that class
     * calls stop() in its own destructor, or its owner calls it before.
     */
    void stop() override { clean(); }

    /**
     * Reads the block's first octets `count` times, and prints how long that takes. Unlike Rogue's,
     * it writes nothing, and stays within the block. Throws GeneralError if a read fails.
     */
    void rateTest(uint32_t count = 1000000) {
        std::vector<uint8_t> octets(size() < 4 ? size() : 4);
        rogue::detail::printRate("Block " + path(), count, [&] {
            std::string error;
            if (!waitTransaction(reqTransaction(offset(), static_cast<uint32_t>(octets.size()),
                                                octets.data(), Read),
                                 error))
                throw GeneralError("Block::rateTest", error);
        });
    }

#define ROGUE_DETAIL_CONVERSIONS(kind, type)                                                       \
    /** Stages a value. */                                                                         \
    void set##kind(const type &value, Variable *var, int32_t index) {                              \
        stageNumber(memory::kind, value, var, index);                                              \
    }                                                                                              \
    /** A staged value. */                                                                         \
    type get##kind(Variable *var, int32_t index) {                                                 \
        return stagedNumber<type>(memory::kind, var, index);                                       \
    }

    ROGUE_DETAIL_CONVERSIONS(UInt, uint64_t)
    ROGUE_DETAIL_CONVERSIONS(Int, int64_t)
    ROGUE_DETAIL_CONVERSIONS(Bool, bool)
    ROGUE_DETAIL_CONVERSIONS(Float, float)
    ROGUE_DETAIL_CONVERSIONS(Float16, float)
    ROGUE_DETAIL_CONVERSIONS(Float8, float)
    ROGUE_DETAIL_CONVERSIONS(BFloat16, float)
    ROGUE_DETAIL_CONVERSIONS(TensorFloat32, float)
    ROGUE_DETAIL_CONVERSIONS(Float6, float)
    ROGUE_DETAIL_CONVERSIONS(Float4, float)
    ROGUE_DETAIL_CONVERSIONS(Double, double)
    // Both also for the other one.
    ROGUE_DETAIL_CONVERSIONS(Fixed, double)
    ROGUE_DETAIL_CONVERSIONS(UFixed, double)
#undef ROGUE_DETAIL_CONVERSIONS

    /** Stages valueBytes() octets of the variable, see Variable::setByteArray(). */
    void setByteArray(const uint8_t *value, Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        rogue::detail::transfer([&] {
            return rogue_mem_variable_stage_bytes(native, value, var->valueBytes(), index);
        });
    }

    /** Fills `value` with valueBytes() staged octets of the variable. */
    void getByteArray(uint8_t *value, Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        rogue::detail::transfer([&] {
            return rogue_mem_variable_staged_bytes(native, index, value, var->valueBytes());
        });
    }

    /** Stages text, up to its first NUL. */
    void setString(const std::string &value, Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        rogue::detail::transfer(
            [&] { return rogue_mem_variable_stage_string(native, value.c_str(), index); });
    }

    /** Staged text, up to the first NUL. */
    std::string getString(Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        return rogue::detail::readText(
            [=](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_variable_staged_string(native, index, buffer, capacity, length);
            });
    }

    /** As above. */
    void getString(Variable *var, std::string &value, int32_t index) {
        value = getString(var, index);
    }

    /** As above. */
    void getValue(Variable *var, std::string &value, int32_t index) {
        value = getString(var, index);
    }

    /** Stages elements of a list, see Variable::setValues(). Beyond Rogue's interface. */
    template <typename T>
    void setValues(const std::vector<T> &values, Variable *var, int32_t index = -1) {
        rogue_mem_variable_t *const native = own(var);
        rogue::detail::withElements(values, [&](uint32_t type, const void *start) {
            return rogue_mem_variable_stage_values(native, type, start, values.size(), index);
        });
    }

    /** Staged elements of a list, see Variable::getValues(). Beyond Rogue's interface. */
    template <typename T>
    void getValues(std::vector<T> &values, Variable *var, int32_t index = -1,
                   std::size_t count = 0) {
        rogue_mem_variable_t *const native = own(var);
        const std::size_t wanted = count == 0 ? var->following(index) : count;
        rogue::detail::fillElements(values, wanted, [&](uint32_t type, void *start) {
            return rogue_mem_variable_staged_values(native, type, index, start, wanted);
        });
    }

    /** A failure of one of many blocks. */
    struct Failure {
        /** The index of the block in the list. */
        std::size_t index;
        /** Why it failed. */
        GeneralError error;
    };

    /**
     * Reads many blocks, and waits. All reads are requested before the first is waited for, and
     * those of one slave are handed over together, so that a TcpClient sends them with few system
     * calls. A failure concerns no other block; that of the first one is thrown at the end, as a
     * GeneralError. Beyond Rogue's interface.
     */
    static void readAll(const std::vector<std::shared_ptr<Block>> &blocks) {
        throwFirst(blocks, ReadAll());
    }

    /** The same; puts the failures into `failures`, and returns whether there are none. */
    static bool readAll(const std::vector<std::shared_ptr<Block>> &blocks,
                        std::vector<Failure> &failures) {
        return collect(blocks, failures, ReadAll());
    }

    /**
     * Writes many blocks, verifies what is to be verified, and waits. A block without stale values
     * is written if `forceWr` is set. Otherwise as readAll().
     */
    static void writeAll(const std::vector<std::shared_ptr<Block>> &blocks, bool forceWr = false) {
        throwFirst(blocks, WriteAll{forceWr});
    }

    /** The same; puts the failures into `failures`, and returns whether there are none. */
    static bool writeAll(const std::vector<std::shared_ptr<Block>> &blocks, bool forceWr,
                         std::vector<Failure> &failures) {
        return collect(blocks, failures, WriteAll{forceWr});
    }

    /** The C library's block behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_block_t *nativeBlock() const { return block_.get(); }

protected:
    /** Called at the end of addVariables(). Override to prepare what depends on the variables. */
    virtual void customInit() {}

    /**
     * Called once for each customInit(): by stop(), and by addVariables() before the next one.
     * Override to release what customInit() has made.
     */
    virtual void customClean() {}

private:
    explicit Block(rogue::detail::Handle<rogue_mem_block_t> block)
        : Master(rogue::detail::Handle<rogue_mem_master_t>(rogue_mem_block_master(block.get()))),
          variables_(std::make_shared<detail::BlockVariables>()), block_(std::move(block)) {
        typedef std::shared_ptr<detail::BlockVariables> Context;
        std::unique_ptr<Context> context(new Context(variables_));
        rogue_mem_block_observer_t observer = rogue_mem_block_observer_t();
        observer.size = sizeof observer;
        observer.ctx = context.get();
        observer.drop = [](void *ctx) {
            const rogue::detail::AnnouncedCallback announced;
            delete static_cast<Context *>(ctx);
        };
        observer.updated = [](void *ctx, rogue_mem_variable_t *variable) {
            const rogue::detail::AnnouncedCallback announced;
            (*static_cast<Context *>(ctx))->update(variable);
        };
        rogue::detail::check(rogue_mem_block_observe(block_.get(), &observer));
        static_cast<void>(context.release()); // from here on the native block's
    }

    void clean() {
        if (isInitialized_.exchange(false))
            customClean();
    }

    static rogue_mem_variable_t *raw(Variable *var) {
        return var == nullptr ? nullptr : var->nativeHandle();
    }

    /** The C library's object behind a variable of this block; throws for another one. */
    rogue_mem_variable_t *own(Variable *var) const {
        if (var == nullptr)
            throw GeneralError("memory::Block", "The variable is null");
        const rogue::detail::Handle<rogue_mem_block_t> home(
            rogue_mem_variable_block(var->nativeHandle()));
        if (!home)
            rogue::detail::check(rogue_mem_last_error_status());
        if (home.get() != block_.get())
            throw GeneralError("memory::Block", "Variable " + var->name() + " is in another block");
        return var->nativeHandle();
    }

    template <typename T>
    void stageNumber(uint32_t model, T value, Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        var->expect(model, true);
        rogue::detail::transfer(
            [&] { return rogue::detail::Numbers<T>::stage(native, value, index); });
    }

    template <typename T>
    T stagedNumber(uint32_t model, Variable *var, int32_t index) {
        rogue_mem_variable_t *const native = own(var);
        var->expect(model, false);
        typename rogue::detail::Numbers<T>::Native value = 0;
        rogue::detail::transfer(
            [&] { return rogue::detail::Numbers<T>::staged(native, index, &value); });
        return static_cast<T>(value);
    }

    struct ReadAll {
        rogue_mem_status_t operator()(rogue_mem_block_t *const *blocks, std::size_t count,
                                      const rogue_mem_bulk_report_t *report) const {
            return rogue_mem_block_read_all(blocks, count, report);
        }
    };

    struct WriteAll {
        bool forceWr;
        rogue_mem_status_t operator()(rogue_mem_block_t *const *blocks, std::size_t count,
                                      const rogue_mem_bulk_report_t *report) const {
            return rogue_mem_block_write_all(blocks, count, forceWr, report);
        }
    };

    template <typename Run>
    static rogue_mem_status_t runAll(const std::vector<std::shared_ptr<Block>> &blocks,
                                     const rogue_mem_bulk_report_t *report, Run run) {
        std::vector<rogue_mem_block_t *> handles;
        handles.reserve(blocks.size());
        for (const std::shared_ptr<Block> &block : blocks)
            handles.push_back(block ? block->block_.get() : nullptr);
        rogue::detail::announceRelease();
        const rogue_mem_status_t status = run(handles.data(), handles.size(), report);
        rogue::detail::announceAcquire();
        return status;
    }

    template <typename Run>
    static void throwFirst(const std::vector<std::shared_ptr<Block>> &blocks, Run run) {
        rogue::detail::check(runAll(blocks, nullptr, run));
    }

    template <typename Run>
    static bool collect(const std::vector<std::shared_ptr<Block>> &blocks,
                        std::vector<Failure> &failures, Run run) {
        failures.clear();
        rogue_mem_bulk_report_t report = rogue_mem_bulk_report_t();
        report.size = sizeof report;
        report.ctx = &failures;
        report.failed = [](void *ctx, std::size_t index, rogue_mem_status_t, const char *source,
                           const char *text) noexcept {
            static_cast<std::vector<Failure> *>(ctx)->push_back(
                {index, GeneralError(source, text)});
        };
        const rogue_mem_status_t status = runAll(blocks, &report, run);
        if (failures.empty())
            rogue::detail::check(status); // no block's failure: an argument's
        return failures.empty();
    }

    std::atomic<bool> isInitialized_{false};
    const std::shared_ptr<detail::BlockVariables> variables_;
    const rogue::detail::Handle<rogue_mem_block_t> block_;
};

/** Shared pointer to a block. */
typedef std::shared_ptr<rogue::interfaces::memory::Block> BlockPtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
