/**
 * Requirements on the compiler, and the preprocessor settings that Rogue's own headers make before
 * any other include.
 *
 * rogue-mem itself needs none of these settings. They keep code compiling as before that relies on
 * them (PRIu64, NumPy or Boost headers included after this one). A macro that is defined already
 * is not changed.
 */
#ifndef ROGUE_DIRECTIVES_H
#define ROGUE_DIRECTIVES_H

// Every header includes this file first, so the compiler's first error names the remedy.
#if __cplusplus < 201402L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201402L)
#error "The rogue headers of rogue-mem need C++14 or later: compile with -std=c++14."
#endif
#if !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "The rogue headers of rogue-mem need exceptions: compile without -fno-exceptions."
#endif
#if !defined(__cpp_rtti) && !defined(_CPPRTTI)
#error "The rogue headers of rogue-mem need run-time type information: compile without -fno-rtti."
#endif

#ifndef NPY_NO_DEPRECATED_API
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#endif

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif

#ifndef BOOST_BIND_GLOBAL_PLACEHOLDERS
#define BOOST_BIND_GLOBAL_PLACEHOLDERS
#endif

#ifndef CRCPP_USE_CPP11
#define CRCPP_USE_CPP11
#endif

#ifndef __STDC_FORMAT_MACROS
#define __STDC_FORMAT_MACROS
#endif

#endif
