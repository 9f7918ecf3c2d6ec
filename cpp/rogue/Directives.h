/**
 * Preprocessor settings that Rogue's own headers make before anything else is included.
 *
 * rogue-mem itself needs none of them; they are here so that code which relies on them (PRIu64,
 * NumPy or Boost headers included after this one) is compiled as it was. A macro that is already
 * defined is left alone.
 */
#ifndef ROGUE_DIRECTIVES_H
#define ROGUE_DIRECTIVES_H

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
