/** A named field of a block of registers. */
#ifndef ROGUE_INTERFACES_MEMORY_VARIABLE_H
#define ROGUE_INTERFACES_MEMORY_VARIABLE_H

#include "rogue/Directives.h"
#include "rogue/GeneralError.h"
#include "rogue/detail/Handle.h"
#include "rogue/detail/ObjectMutex.h"
#include "rogue/detail/Registers.h"
#include "rogue/interfaces/memory/Constants.h"

#include <rogue_mem.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rogue {
namespace interfaces {
namespace memory {

class Block;

/**
 * Says where the bits of a value are in a Block, and what they mean. It holds no data: the block
 * does, to which Block::addVariables() adds it.
 *
 * Bit n of a block is bit n % 8, counted from the least significant one, of octet n / 8. A scalar
 * has one or more parts, which take the bits of its value in their order, from the lowest on. A
 * list has `numValues` elements of `valueBits` bits, one each `valueStride` bits.
 *
 * A setter writes the value to the device and verifies it; a getter reads it from the device. The
 * functions of Block with the same names only touch the block's octets. `index` selects an element
 * of a list, and is ignored for a scalar. All of them throw GeneralError for a variable without a
 * block, for one with another model (`Wrong set type`, `Wrong get type`), for an index out of range,
 * for a value that the variable cannot have or that is outside of its range, and for a transfer that
 * fails. A value that is refused is neither staged nor sent.
 *
 * A variable keeps no block alive. All member functions may be called from any thread.
 */
class Variable {
    template <typename T>
    using IfFloating = typename std::enable_if<std::is_floating_point<T>::value, int>::type;
    /** An integer type for which setValue() has no function of its own. */
    template <typename T>
    using IfOtherInteger =
        typename std::enable_if<std::is_integral<T>::value && !std::is_same<T, bool>::value &&
                                    !std::is_same<T, uint64_t>::value &&
                                    !std::is_same<T, int64_t>::value,
                                int>::type;

public:
    /**
     * A variable.
     *
     * @param name        the name, also the initial path
     * @param mode        `RW`, `RO` or `WO`
     * @param minimum     smallest value that may be set; no limits if both are 0
     * @param maximum     largest value that may be set
     * @param offset      offset in octets; only shiftOffsetDown() uses it
     * @param bitOffset   first bit of each part, relative to the start of the block
     * @param bitSize     width of each part in bits; of a list, of all its elements
     * @param overlapEn   whether it may share bits with other variables that may
     * @param verify      whether it is read back and compared after a write, if its mode is `RW`
     * @param bulkOpEn    whether it takes part in bulk operations; for the program's own use
     * @param updateNotify whether queueUpdate() is called
     * @param modelId     what its bits mean, see Constants.h
     * @param byteReverse whether the highest octet of a value comes first
     * @param bitReverse  whether the highest bit of a number comes first
     * @param binPoint    bits of the fraction of a fixed point number
     * @param numValues   number of elements of a list; 0 for a scalar
     * @param valueBits   width of an element in bits; ignored for a scalar
     * @param valueStride distance between elements in bits; ignored for a scalar
     * @param retryCount  attempts after a failed one, for each transaction of its block
     *
     * Throws GeneralError for a geometry that no block can have, or a width that the model cannot
     * have.
     */
    static std::shared_ptr<Variable>
    create(std::string name, std::string mode, double minimum, double maximum, uint64_t offset,
           std::vector<uint32_t> bitOffset, std::vector<uint32_t> bitSize, bool overlapEn,
           bool verify, bool bulkOpEn, bool updateNotify, uint32_t modelId, bool byteReverse,
           bool bitReverse, uint32_t binPoint, uint32_t numValues, uint32_t valueBits,
           uint32_t valueStride, uint32_t retryCount) {
        return std::make_shared<Variable>(
            std::move(name), std::move(mode), minimum, maximum, offset, std::move(bitOffset),
            std::move(bitSize), overlapEn, verify, bulkOpEn, updateNotify, modelId, byteReverse,
            bitReverse, binPoint, numValues, valueBits, valueStride, retryCount);
    }

    /** As create(). */
    Variable(std::string name, std::string mode, double minimum, double maximum, uint64_t offset,
             std::vector<uint32_t> bitOffset, std::vector<uint32_t> bitSize, bool overlapEn,
             bool verify, bool bulkOpEn, bool updateNotify, uint32_t modelId, bool byteReverse,
             bool bitReverse, uint32_t binPoint, uint32_t numValues, uint32_t valueBits,
             uint32_t valueStride, uint32_t retryCount)
        : name_(std::move(name)), mode_(std::move(mode)), paths_(1, name_) {
        const std::vector<uint64_t> offsets(bitOffset.begin(), bitOffset.end());
        const std::vector<uint64_t> sizes(bitSize.begin(), bitSize.end());
        rogue_mem_variable_spec_t spec = rogue_mem_variable_spec_t();
        spec.size = sizeof spec;
        spec.name = name_.c_str();
        spec.mode = mode_.c_str();
        spec.minimum = minimum;
        spec.maximum = maximum;
        spec.offset = offset;
        spec.bit_offsets = offsets.data();
        spec.bit_sizes = sizes.data();
        spec.has_parts = 1;
        spec.part_count = static_cast<uint32_t>(offsets.size());
        spec.size_count = static_cast<uint32_t>(sizes.size());
        spec.may_overlap = overlapEn;
        spec.no_verify = !verify;
        spec.no_bulk = !bulkOpEn;
        spec.no_notify = !updateNotify;
        spec.model = modelId;
        spec.big_endian = byteReverse;
        spec.reverse_bits = bitReverse;
        spec.bin_point = binPoint;
        spec.num_values = numValues;
        spec.value_bits = valueBits;
        spec.value_stride = valueStride;
        spec.retry_count = retryCount;
        native_ = rogue::detail::make<rogue_mem_variable_t>(
            [&](rogue_mem_variable_t **out) { return rogue_mem_variable_new(&spec, out); });
    }

    Variable(const Variable &) = delete;
    Variable &operator=(const Variable &) = delete;
    virtual ~Variable() = default;

    /**
     * Moves the origin of the bit positions down by `shift` octets: the offset decreases, and all
     * bit positions increase. From now on accesses cover multiples of `minSize` octets. Throws
     * GeneralError if the variable is in a block.
     */
    void shiftOffsetDown(uint32_t shift, uint32_t minSize) {
        rogue::detail::check(rogue_mem_variable_shift_offset_down(native_.get(), shift, minSize));
    }

    /**
     * Sets the path, which errors and getDumpValue() show. A block takes its own path from its
     * first variable when that is added.
     */
    void updatePath(std::string path) {
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        rogue::detail::check(rogue_mem_variable_update_path(native_.get(), path.c_str()));
        paths_.push_back(std::move(path));
    }

    /** The model, see Constants.h. */
    uint32_t modelId() const { return rogue_mem_variable_model(native_.get()); }

    /** The sum of the widths of the parts in bits; of a list, the width given for its only part. */
    uint32_t bitTotal() const {
        return static_cast<uint32_t>(rogue_mem_variable_bit_total(native_.get()));
    }

    /** bitTotal() in octets, rounded up. */
    uint32_t byteSize() const {
        return static_cast<uint32_t>(rogue_mem_variable_byte_size(native_.get()));
    }

    /** The name. Valid as long as this object. */
    const std::string &name() const { return name_; }

    /** The mode. Valid as long as this object. */
    const std::string &mode() const { return mode_; }

    /**
     * The path: the name until updatePath(), and in a process that was forked since. Valid as long
     * as this object.
     */
    const std::string &path() const {
        if (mutex_.isInherited())
            return name_;
        std::lock_guard<rogue::detail::ObjectMutex> guard(mutex_);
        return paths_.back();
    }

    /** The smallest value that may be set; 0 if there is no limit. */
    double minimum() const { return rogue_mem_variable_minimum(native_.get()); }

    /** The largest value that may be set; 0 if there is no limit. */
    double maximum() const { return rogue_mem_variable_maximum(native_.get()); }

    /** Size of a block that ends with this variable, in octets. */
    uint32_t varBytes() const {
        return static_cast<uint32_t>(rogue_mem_variable_var_bytes(native_.get()));
    }

    /** The offset in octets, as shifted so far. */
    uint64_t offset() const { return rogue_mem_variable_offset(native_.get()); }

    /** Whether it is read back and compared after a write. */
    bool verifyEn() const { return rogue_mem_variable_is_verified(native_.get()); }

    /** Whether it may share bits with other variables that may. */
    bool overlapEn() const { return rogue_mem_variable_may_overlap(native_.get()); }

    /** Whether it takes part in bulk operations. */
    bool bulkOpEn() const { return rogue_mem_variable_is_bulk(native_.get()); }

    /** Number of elements of a list; 0 for a scalar. */
    uint32_t numValues() const { return rogue_mem_variable_num_values(native_.get()); }

    /** Width of one value in bits. */
    uint32_t valueBits() const { return rogue_mem_variable_value_bits(native_.get()); }

    /** Width of one value in octets, rounded up. */
    uint32_t valueBytes() const { return rogue_mem_variable_value_bytes(native_.get()); }

    /** Distance between elements in bits; of a scalar its width. */
    uint32_t valueStride() const { return rogue_mem_variable_value_stride(native_.get()); }

    /** Attempts after a failed one, for each transaction of its block. */
    uint32_t retryCount() const { return rogue_mem_variable_retry_count(native_.get()); }

    /**
     * Override to be told that the value may have changed: called for a variable with updateNotify
     * when a transaction of its block has ended well, in the thread that checked the transaction,
     * with no lock held. An exception is logged and goes no further.
     */
    virtual void queueUpdate() {}

    /**
     * Reads the variable `count` times, and prints how long that takes. Unlike Rogue's, it writes
     * nothing.
     */
    void rateTest(uint32_t count = 1000000) {
        rogue::detail::printRate("Variable " + path(), count, [this] { read(); });
    }

    /** Sets the threshold of the logger of its block. Throws GeneralError if it has no block. */
    void setLogLevel(uint32_t level) {
        rogue::detail::check(rogue_mem_variable_set_log_level(native_.get(), level));
    }

    /**
     * The path, `=`, each value after a space, and a newline. Reads the values first if `read` is
     * set; otherwise shows the staged ones.
     */
    std::string getDumpValue(bool read) {
        if (read)
            this->read();
        return rogue::detail::readText(
            [this](char *buffer, std::size_t capacity, std::size_t *length) {
                return rogue_mem_variable_dump(native_.get(), 0, buffer, capacity, length);
            });
    }

    /** Reads all of the variable from the device. */
    void read() {
        rogue::detail::transfer([&] { return rogue_mem_variable_read(native_.get()); });
    }

    /** Sets an unsigned integer of at most 64 bits. */
    void setUInt(const uint64_t &value, int32_t index = -1) { setNumber(value, index); }

    /** An unsigned integer of at most 64 bits. */
    uint64_t getUInt(int32_t index = -1) { return getNumber<uint64_t>(index); }

    /** Sets a signed integer of at most 64 bits. */
    void setInt(const int64_t &value, int32_t index = -1) { setNumber(value, index); }

    /** A signed integer of at most 64 bits. */
    int64_t getInt(int32_t index = -1) { return getNumber<int64_t>(index); }

    /** Sets a truth value. */
    void setBool(const bool &value, int32_t index = -1) { setNumber(value, index); }

    /** A truth value. */
    bool getBool(int32_t index = -1) { return getNumber<bool>(index); }

    // A number with a fraction is no integer.
    template <typename T, IfFloating<T> = 0>
    void setUInt(T, int32_t = -1) = delete;
    template <typename T, IfFloating<T> = 0>
    void setInt(T, int32_t = -1) = delete;

#define ROGUE_DETAIL_ACCESSORS(kind, type)                                                         \
    /** Sets a number of this model. */                                                            \
    void set##kind(const type &value, int32_t index = -1) {                                        \
        expect(memory::kind, true);                                                                \
        setNumber(value, index);                                                                   \
    }                                                                                              \
    /** A number of this model. */                                                                 \
    type get##kind(int32_t index = -1) {                                                           \
        expect(memory::kind, false);                                                               \
        return getNumber<type>(index);                                                             \
    }

    ROGUE_DETAIL_ACCESSORS(Float, float)
    ROGUE_DETAIL_ACCESSORS(Float16, float)
    ROGUE_DETAIL_ACCESSORS(Float8, float)
    ROGUE_DETAIL_ACCESSORS(BFloat16, float)
    ROGUE_DETAIL_ACCESSORS(TensorFloat32, float)
    ROGUE_DETAIL_ACCESSORS(Float6, float)
    ROGUE_DETAIL_ACCESSORS(Float4, float)
    ROGUE_DETAIL_ACCESSORS(Double, double)
    // Also for UFixed.
    ROGUE_DETAIL_ACCESSORS(Fixed, double)
#undef ROGUE_DETAIL_ACCESSORS

    /**
     * Sets bytes, lowest address first, or an integer of more than 64 bits in two's complement,
     * lowest octet first: valueBytes() octets.
     */
    void setByteArray(const uint8_t *value, int32_t index = -1) {
        rogue::detail::transfer([&] {
            return rogue_mem_variable_set_bytes(native_.get(), value, valueBytes(), index);
        });
    }

    /** Fills `value` with valueBytes() octets, as setByteArray() takes them. */
    void getByteArray(uint8_t *value, int32_t index = -1) {
        rogue::detail::transfer([&] {
            return rogue_mem_variable_get_bytes(native_.get(), index, value, valueBytes());
        });
    }

    /** Sets text, up to its first NUL. It may fill the variable; the rest becomes zero. */
    void setString(const std::string &value, int32_t index = -1) {
        rogue::detail::transfer(
            [&] { return rogue_mem_variable_set_string(native_.get(), value.c_str(), index); });
    }

    /** Text, up to the first NUL. */
    std::string getString(int32_t index = -1) {
        // With room for all, so that it is read once.
        std::string value(std::size_t{valueBytes()} + 1, '\0');
        std::size_t length = 0;
        rogue::detail::transfer([&] {
            return rogue_mem_variable_get_string(native_.get(), index, &value[0], value.size(),
                                                 &length);
        });
        value.resize(length);
        return value;
    }

    /** As above. */
    void getString(std::string &value, int32_t index = -1) { getValue(value, index); }

    /** setUInt(). */
    void setValue(const uint64_t &value, int32_t index = -1) { setUInt(value, index); }
    /** setInt(). */
    void setValue(const int64_t &value, int32_t index = -1) { setInt(value, index); }
    /** setBool(). */
    void setValue(const bool &value, int32_t index = -1) { setBool(value, index); }
    /** setString(). */
    void setValue(const std::string &value, int32_t index = -1) { setString(value, index); }
    /** setString(). */
    void setValue(const char *value, int32_t index = -1) {
        if (value == nullptr)
            throw GeneralError("Variable::setValue", "The text for " + name_ + " is null");
        setString(value, index);
    }
    /** setFloat(). */
    void setValue(const float &value, int32_t index = -1) { setFloat(value, index); }
    /** setDouble(). */
    void setValue(const double &value, int32_t index = -1) { setDouble(value, index); }

    /**
     * setInt() for negative numbers, and for a variable of signed integers what fits these;
     * otherwise setUInt().
     */
    template <typename T, IfOtherInteger<T> = 0>
    void setValue(T value, int32_t index = -1) {
        const bool isNegative = std::is_signed<T>::value && value < T();
        const bool fitsInt = isNegative || static_cast<uint64_t>(value) <= INT64_MAX;
        if (isNegative || (fitsInt && modelId() == memory::Int))
            setInt(static_cast<int64_t>(value), index);
        else
            setUInt(static_cast<uint64_t>(value), index);
    }

    /** getUInt(). */
    void getValue(uint64_t &value, int32_t index = -1) { value = getUInt(index); }
    /** getInt(). */
    void getValue(int64_t &value, int32_t index = -1) { value = getInt(index); }
    /** getBool(). */
    void getValue(bool &value, int32_t index = -1) { value = getBool(index); }
    /** getFloat(). */
    void getValue(float &value, int32_t index = -1) { value = getFloat(index); }
    /** getDouble(). */
    void getValue(double &value, int32_t index = -1) { value = getDouble(index); }
    /** getString(). */
    void getValue(std::string &value, int32_t index = -1) {
        expectText();
        value = getString(index);
    }

    /**
     * Sets elements of a list from element `index` on, the first one by default, with one transfer.
     * All are checked before the first is staged. `T` is what the model needs: an unsigned or signed
     * integer type, bool, float or double. Beyond Rogue's interface.
     */
    template <typename T>
    void setValues(const std::vector<T> &values, int32_t index = -1) {
        rogue::detail::withElements(values, [&](uint32_t type, const void *start) {
            return rogue_mem_variable_set_values(native_.get(), type, start, values.size(), index);
        });
    }

    /**
     * Reads the elements of a list from element `index` on, the first one by default, with one
     * transfer: all that follow, or `count` of them if that is not 0. `T` is as for setValues();
     * integers need at least the width of the elements. Beyond Rogue's interface.
     */
    template <typename T>
    void getValues(std::vector<T> &values, int32_t index = -1, std::size_t count = 0) {
        const std::size_t wanted = count == 0 ? following(index) : count;
        rogue::detail::fillElements(values, wanted, [&](uint32_t type, void *start) {
            return rogue_mem_variable_get_values(native_.get(), type, index, start, wanted);
        });
    }

    /** The C library's object behind this one, for calls of rogue_mem.h. Borrowed. */
    rogue_mem_variable_t *nativeHandle() const { return native_.get(); }

private:
    friend class Block;

    template <typename T>
    void setNumber(T value, int32_t index) {
        rogue::detail::transfer(
            [&] { return rogue::detail::Numbers<T>::set(native_.get(), value, index); });
    }

    template <typename T>
    T getNumber(int32_t index) {
        typename rogue::detail::Numbers<T>::Native value = 0;
        rogue::detail::transfer(
            [&] { return rogue::detail::Numbers<T>::get(native_.get(), index, &value); });
        return static_cast<T>(value);
    }

    /** Throws unless the variable has `model`. */
    void expect(uint32_t model, bool isSet) const {
        rogue::detail::check(rogue_mem_variable_expect_model(native_.get(), model, isSet));
    }

    /** Throws, in the name of getValue(), unless the values are text. */
    void expectText() const {
        try {
            expect(memory::String, false);
        } catch (const GeneralError &e) {
            throw GeneralError("Variable::getValue", e.text());
        }
    }

    /** The number of elements from `index` on; at least 1, which is refused beyond the last. */
    std::size_t following(int32_t index) {
        const uint32_t first = index < 0 ? 0 : static_cast<uint32_t>(index);
        const uint32_t count = numValues();
        return first < count ? count - first : 1;
    }

    const std::string name_;
    const std::string mode_;
    mutable rogue::detail::ObjectMutex mutex_{"The variable"}; // guards paths_
    std::list<std::string> paths_; // all that there have been: references to them stay valid
    rogue::detail::Handle<rogue_mem_variable_t> native_;
};

/** Shared pointer to a variable. */
typedef std::shared_ptr<rogue::interfaces::memory::Variable> VariablePtr;

} // namespace memory
} // namespace interfaces
} // namespace rogue

#endif
