# The library as cargo builds it, and its two imported targets in the build tree.

include(${CMAKE_CURRENT_LIST_DIR}/RustTarget.cmake)

set(ROGUE_MEM_CARGO_TARGET_DIR "${PROJECT_BINARY_DIR}/cargo" CACHE PATH
    "Where cargo puts what it builds")
if(CMAKE_CROSSCOMPILING)
    set(_default_rust_target "$ENV{CARGO_BUILD_TARGET}")
else()
    set(_default_rust_target "")
endif()
set(ROGUE_MEM_RUST_TARGET "${_default_rust_target}" CACHE STRING
    "Rust target triple; empty for the host, or, in a cross compilation, for that of the processor")

find_program(ROGUE_MEM_CARGO cargo)
find_program(ROGUE_MEM_RUSTC rustc)
mark_as_advanced(ROGUE_MEM_CARGO ROGUE_MEM_RUSTC)
if(NOT ROGUE_MEM_CARGO OR NOT ROGUE_MEM_RUSTC)
    message(FATAL_ERROR "rogue_mem is written in Rust, and cargo or rustc was not found on PATH. "
        "Install a Rust toolchain (https://rustup.rs) or set ROGUE_MEM_CARGO and ROGUE_MEM_RUSTC.")
endif()

# --- from the CMake build type to cargo's profile -------------------------------------------------

# Panics must unwind to become errors, whatever a user's configuration sets for its profiles.
set(_cargo_environment "CARGO_TARGET_DIR=${ROGUE_MEM_CARGO_TARGET_DIR}"
    CARGO_PROFILE_RELEASE_PANIC=unwind CARGO_PROFILE_DEV_PANIC=unwind)
set(_cargo_profile release)
# Cargo.toml has them, for pip as well.
file(STRINGS "${PROJECT_SOURCE_DIR}/Cargo.toml" _rustc_options REGEX "^rustc-options *=")
string(REGEX REPLACE "^.*\"(.*)\"" "\\1" _rustc_options "${_rustc_options}")
separate_arguments(_rustc_options UNIX_COMMAND "${_rustc_options}")
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(_cargo_profile dev)
    set(_rustc_options "")
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    list(APPEND _cargo_environment CARGO_PROFILE_RELEASE_DEBUG=true)
elseif(CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
    list(APPEND _cargo_environment CARGO_PROFILE_RELEASE_OPT_LEVEL=s)
    set(_rustc_options "")
endif()

# The C compiler with the options that select a machine: those of every compilation, and one that is
# part of the compiler's name in a toolchain (CC="gcc -m32").
separate_arguments(_c_compiler UNIX_COMMAND "${CMAKE_C_COMPILER_ARG1} ${CMAKE_C_FLAGS}")
if(CMAKE_C_COMPILER_TARGET)
    list(APPEND _c_compiler "${CMAKE_C_COMPILE_OPTIONS_TARGET}${CMAKE_C_COMPILER_TARGET}")
endif()
if(CMAKE_SYSROOT)
    list(APPEND _c_compiler "${CMAKE_C_COMPILE_OPTIONS_SYSROOT}${CMAKE_SYSROOT}")
endif()
set(_c_options "${_c_compiler}")
list(INSERT _c_compiler 0 "${CMAKE_C_COMPILER}")

# Always explicit, so a user's `build.target` does not apply.
set(_rust_target "${ROGUE_MEM_RUST_TARGET}")
if(NOT _rust_target AND CMAKE_CROSSCOMPILING)
    execute_process(COMMAND ${_c_compiler} -dM -E -x c /dev/null
        OUTPUT_VARIABLE _macros ERROR_QUIET)
    execute_process(COMMAND ${_c_compiler} -dumpmachine OUTPUT_VARIABLE _machine ERROR_QUIET)
    rogue_mem_rust_target(_rust_target
        "${CMAKE_SYSTEM_NAME}" "${CMAKE_SYSTEM_PROCESSOR}" "${_macros}" "${_machine}")
    message(STATUS "rogue_mem: the Rust target is ${_rust_target} (ROGUE_MEM_RUST_TARGET)")
elseif(NOT _rust_target)
    execute_process(COMMAND "${ROGUE_MEM_RUSTC}" -vV OUTPUT_VARIABLE _rustc_version)
    if(NOT _rustc_version MATCHES "host: ([^\n]+)")
        message(FATAL_ERROR "${ROGUE_MEM_RUSTC} -vV does not name its host:\n${_rustc_version}")
    endif()
    set(_rust_target "${CMAKE_MATCH_1}")
endif()
rogue_mem_check_rust_target("${ROGUE_MEM_RUSTC}" "${_rust_target}")

set(_link_arguments "")
if(CMAKE_CROSSCOMPILING)
    string(TOUPPER "${_rust_target}" _linker_variable)
    string(REPLACE "-" "_" _linker_variable "CARGO_TARGET_${_linker_variable}_LINKER")
    list(APPEND _cargo_environment "${_linker_variable}=${CMAKE_C_COMPILER}")
    # Only those that select a machine: others, such as a sanitizer, are for C.
    set(_selecting ${_c_options})
    list(FILTER _selecting INCLUDE REGEX "^(-m|--sysroot=|--target=|--gcc-toolchain=|-B)")
    foreach(_option IN LISTS _selecting)
        list(APPEND _link_arguments "-Clink-arg=${_option}")
    endforeach()
endif()

# The machine of the C compiler's programs, with which that of the library is compared once it is
# built. Empty where its object files are not ELF.
set(_probe "${PROJECT_BINARY_DIR}/CMakeFiles/machine")
file(WRITE "${_probe}/empty.c" "int rogue_mem_empty;\n")
execute_process(COMMAND ${_c_compiler} -fno-lto -c "${_probe}/empty.c" -o "${_probe}/empty.o"
    ERROR_VARIABLE _said RESULT_VARIABLE _result)
if(NOT _result EQUAL 0)
    message(FATAL_ERROR "rogue_mem: the C compiler compiles nothing:\n${_said}")
endif()
rogue_mem_elf_machine(_c_machine "${_probe}/empty.o")

# --- names ----------------------------------------------------------------------------------------

if(APPLE)
    set(ROGUE_MEM_LINK_NAME librogue_mem.dylib)
    set(ROGUE_MEM_SHARED_NAME "librogue_mem.${PROJECT_VERSION}.dylib")
    set(ROGUE_MEM_SONAME "librogue_mem.${ROGUE_MEM_ABI_VERSION}.dylib")
    set(_imported_soname "@rpath/${ROGUE_MEM_SONAME}")
else()
    set(ROGUE_MEM_LINK_NAME librogue_mem.so)
    set(ROGUE_MEM_SHARED_NAME "librogue_mem.so.${PROJECT_VERSION}")
    set(ROGUE_MEM_SONAME "librogue_mem.so.${ROGUE_MEM_ABI_VERSION}")
    set(_imported_soname "${ROGUE_MEM_SONAME}")
endif()
set(ROGUE_MEM_STATIC_NAME librogue_mem.a)
set(ROGUE_MEM_LIBRARY_DIR "${PROJECT_BINARY_DIR}/lib")

# --- the build ------------------------------------------------------------------------------------

# rogue_mem_add_cargo_build(TARGET PROFILE OUTPUT_DIR [static]): builds the shared library, and on
# request the static one, with one of cargo's profiles; copies them into OUTPUT_DIR and creates the
# links of the shared one. CargoBuild.cmake.in does the work.
#
# The crate types are explicit because link-time optimisation is off if an rlib is among them.
# cargo decides what is out of date, so the target always runs; unchanged files keep their
# time stamps.
function(rogue_mem_add_cargo_build target _profile _output_dir)
    set(_crate_types cdylib)
    set(files "${_output_dir}/${ROGUE_MEM_SHARED_NAME}")
    if(static IN_LIST ARGN)
        string(APPEND _crate_types ",staticlib")
        list(APPEND files "${_output_dir}/${ROGUE_MEM_STATIC_NAME}")
    endif()
    rogue_mem_quote(_environment ${_cargo_environment})
    set(options ${_link_arguments})
    if(_profile STREQUAL _cargo_profile)
        list(APPEND options ${_rustc_options})
    endif()
    rogue_mem_quote(_rustc_arguments ${options})
    # Its options may select among several machines.
    rogue_mem_quote(_compiler ${_c_compiler})
    set(script "${PROJECT_BINARY_DIR}/CMakeFiles/${target}.cmake")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/CargoBuild.cmake.in" "${script}" @ONLY)
    add_custom_target(${target} ALL
        COMMAND "${CMAKE_COMMAND}" -P "${script}"
        BYPRODUCTS ${files}
        COMMENT "Building librogue_mem ${PROJECT_VERSION} with cargo (profile ${_profile})"
        USES_TERMINAL
        VERBATIM)
endfunction()

# rogue_mem_quote(VARIABLE WORD...): the words as the arguments of a command in a CMake script.
function(rogue_mem_quote variable)
    set(words "")
    foreach(word IN LISTS ARGN)
        string(APPEND words " [==[${word}]==]")
    endforeach()
    set(${variable} "${words}" PARENT_SCOPE)
endfunction()

rogue_mem_add_cargo_build(rogue_mem_cargo ${_cargo_profile} "${ROGUE_MEM_LIBRARY_DIR}" static)

# --- what a program that links the static library must link besides -------------------------------

# Queried from the compiler with an empty crate: the crate's dependencies add nothing to the needs
# of the standard library, and a test compares this list with that of the real library. The unwinder
# is not in it: every compiler links its own, libgcc_s or, with -static, libgcc_eh.
if(NOT DEFINED ROGUE_MEM_NATIVE_STATIC_LIBS)
    set(_probe "${PROJECT_BINARY_DIR}/CMakeFiles/native_static_libs")
    file(WRITE "${_probe}/empty.rs" "")
    execute_process(
        COMMAND "${ROGUE_MEM_RUSTC}" --target "${_rust_target}" --crate-type staticlib
            --print native-static-libs -o "${_probe}/libempty.a" "${_probe}/empty.rs"
        OUTPUT_VARIABLE _probe_output ERROR_VARIABLE _probe_output RESULT_VARIABLE _probe_result)
    string(REGEX MATCH "native-static-libs: ([^\n]*)" _match "${_probe_output}")
    if(NOT _probe_result EQUAL 0 OR NOT _match)
        message(FATAL_ERROR "rustc does not say what a static library needs:\n${_probe_output}")
    endif()
    separate_arguments(_native UNIX_COMMAND "${CMAKE_MATCH_1}")
    list(REMOVE_ITEM _native -lgcc_s)
    set(ROGUE_MEM_NATIVE_STATIC_LIBS "${_native}" CACHE INTERNAL "")
endif()

# --- the imported targets -------------------------------------------------------------------------

add_library(rogue_mem::rogue_mem SHARED IMPORTED GLOBAL)
set_target_properties(rogue_mem::rogue_mem PROPERTIES
    IMPORTED_LOCATION "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_SHARED_NAME}"
    IMPORTED_SONAME "${_imported_soname}")
add_library(rogue_mem::rogue_mem_static STATIC IMPORTED GLOBAL)
set_target_properties(rogue_mem::rogue_mem_static PROPERTIES
    IMPORTED_LOCATION "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_STATIC_NAME}")
foreach(_target rogue_mem::rogue_mem rogue_mem::rogue_mem_static)
    target_include_directories(${_target} INTERFACE
        "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/cpp")
    target_link_libraries(${_target} INTERFACE Threads::Threads)
    add_dependencies(${_target} rogue_mem_cargo)
endforeach()
target_link_libraries(rogue_mem::rogue_mem_static INTERFACE ${ROGUE_MEM_NATIVE_STATIC_LIBS})
