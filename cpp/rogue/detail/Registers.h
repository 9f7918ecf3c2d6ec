/**
 * The types of numbers that registers have, and the functions of the C library for each. Used by
 * the public headers; not for use by programs.
 */
#ifndef ROGUE_DETAIL_REGISTERS_H
#define ROGUE_DETAIL_REGISTERS_H

#include "rogue/Directives.h"
#include "rogue/detail/Handle.h"

#include <rogue_mem.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace rogue {
namespace detail {

/**
 * Calls the C library, which may call slaves, with memory that the program's threads share; throws
 * if that fails.
 */
template <typename Call>
void transfer(Call call) {
    announceRelease();
    const rogue_mem_status_t status = call();
    announceAcquire();
    check(status);
}

/** One type of numbers: how it goes to the C library, alone and in a list. */
template <typename T>
struct Numbers;

#define ROGUE_DETAIL_NUMBERS(type, native, suffix)                                                 \
    template <>                                                                                    \
    struct Numbers<type> {                                                                         \
        typedef native Native;                                                                     \
        static rogue_mem_status_t set(rogue_mem_variable_t *raw, type value, int32_t index) {      \
            return rogue_mem_variable_set_##suffix(raw, value, index);                             \
        }                                                                                          \
        static rogue_mem_status_t get(rogue_mem_variable_t *raw, int32_t index, native *value) {   \
            return rogue_mem_variable_get_##suffix(raw, index, value);                             \
        }                                                                                          \
        static rogue_mem_status_t stage(rogue_mem_variable_t *raw, type value, int32_t index) {    \
            return rogue_mem_variable_stage_##suffix(raw, value, index);                           \
        }                                                                                          \
        static rogue_mem_status_t staged(rogue_mem_variable_t *raw, int32_t index,                 \
                                         native *value) {                                          \
            return rogue_mem_variable_staged_##suffix(raw, index, value);                          \
        }                                                                                          \
    };

ROGUE_DETAIL_NUMBERS(uint64_t, uint64_t, uint)
ROGUE_DETAIL_NUMBERS(int64_t, int64_t, int)
ROGUE_DETAIL_NUMBERS(bool, uint32_t, bool)
ROGUE_DETAIL_NUMBERS(float, float, float)
ROGUE_DETAIL_NUMBERS(double, double, double)
#undef ROGUE_DETAIL_NUMBERS

/** The type of list elements that a C++ type is. */
template <typename T>
constexpr uint32_t elementType() {
    static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8,
                  "elements of lists are integers of at most 64 bits, bool, float or double");
    return std::is_same<T, float>::value    ? ROGUE_MEM_ELEMENT_FLOAT
           : std::is_same<T, double>::value ? ROGUE_MEM_ELEMENT_DOUBLE
           : std::is_same<T, bool>::value   ? ROGUE_MEM_ELEMENT_BOOL
           : std::is_signed<T>::value       ? (sizeof(T) == 1   ? ROGUE_MEM_ELEMENT_INT8
                                               : sizeof(T) == 2 ? ROGUE_MEM_ELEMENT_INT16
                                               : sizeof(T) == 4 ? ROGUE_MEM_ELEMENT_INT32
                                                                : ROGUE_MEM_ELEMENT_INT64)
                                            : (sizeof(T) == 1   ? ROGUE_MEM_ELEMENT_UINT8
                                               : sizeof(T) == 2 ? ROGUE_MEM_ELEMENT_UINT16
                                               : sizeof(T) == 4 ? ROGUE_MEM_ELEMENT_UINT32
                                                                : ROGUE_MEM_ELEMENT_UINT64);
}

/** Hands the elements of a list to `call(type, start)`, and throws if that fails. */
template <typename T, typename Call>
void withElements(const std::vector<T> &values, Call call) {
    transfer([&] { return call(elementType<T>(), values.data()); });
}
template <typename Call>
void withElements(const std::vector<bool> &values, Call call) {
    const std::vector<uint8_t> octets(values.begin(), values.end());
    transfer([&] { return call(elementType<bool>(), octets.data()); });
}

/** Has `call(type, start)` fill `count` elements of a list, and throws if that fails. */
template <typename T, typename Call>
void fillElements(std::vector<T> &values, std::size_t count, Call call) {
    values.resize(count);
    transfer([&] { return call(elementType<T>(), values.data()); });
}
template <typename Call>
void fillElements(std::vector<bool> &values, std::size_t count, Call call) {
    std::vector<uint8_t> octets(count);
    transfer([&] { return call(elementType<bool>(), octets.data()); });
    values.assign(octets.begin(), octets.end());
}

/** Calls `access` `count` times, and prints how long that takes. */
template <typename Access>
void printRate(const std::string &what, uint32_t count, Access access) {
    const auto start = std::chrono::steady_clock::now();
    for (uint32_t done = 0; done < count; ++done)
        access();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("%s: %u reads in %.3f s, %.0f per second\n", what.c_str(), count, taken.count(),
                count / taken.count());
}

} // namespace detail
} // namespace rogue

#endif
