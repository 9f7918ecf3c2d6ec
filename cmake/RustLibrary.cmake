# The library as cargo builds it, and the two imported targets that stand for it in the build tree.

set(ROGUE_MEM_CARGO_TARGET_DIR "${PROJECT_BINARY_DIR}/cargo" CACHE PATH
    "Where cargo puts what it builds")
set(ROGUE_MEM_RUST_TARGET "$ENV{CARGO_BUILD_TARGET}" CACHE STRING
    "Rust target triple for cross compilation; empty for the host")

find_program(ROGUE_MEM_CARGO cargo)
find_program(ROGUE_MEM_RUSTC rustc)
mark_as_advanced(ROGUE_MEM_CARGO ROGUE_MEM_RUSTC)
if(NOT ROGUE_MEM_CARGO OR NOT ROGUE_MEM_RUSTC)
    message(FATAL_ERROR "rogue_mem is written in Rust, and cargo or rustc was not found on PATH. "
        "Install a Rust toolchain (https://rustup.rs) or set ROGUE_MEM_CARGO and ROGUE_MEM_RUSTC.")
endif()

# --- from the CMake build type to cargo's profile -------------------------------------------------

set(_cargo_environment "CARGO_TARGET_DIR=${ROGUE_MEM_CARGO_TARGET_DIR}")
set(_cargo_profile release)
set(_cargo_profile_folder release)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(_cargo_profile dev)
    set(_cargo_profile_folder debug)
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    list(APPEND _cargo_environment CARGO_PROFILE_RELEASE_DEBUG=true)
elseif(CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
    list(APPEND _cargo_environment CARGO_PROFILE_RELEASE_OPT_LEVEL=s)
endif()

set(_cargo_target_argument "")
set(_cargo_folder .)
if(ROGUE_MEM_RUST_TARGET)
    set(_cargo_target_argument --target ${ROGUE_MEM_RUST_TARGET})
    set(_cargo_folder "${ROGUE_MEM_RUST_TARGET}")
    if(CMAKE_CROSSCOMPILING)
        string(TOUPPER "${ROGUE_MEM_RUST_TARGET}" _linker_variable)
        string(REPLACE "-" "_" _linker_variable "CARGO_TARGET_${_linker_variable}_LINKER")
        list(APPEND _cargo_environment "${_linker_variable}=${CMAKE_C_COMPILER}")
    endif()
endif()

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

# rogue_mem_add_cargo_build(TARGET PROFILE FOLDER OUTPUT_DIR [static]): builds the shared library,
# and the static one if asked to, with one of cargo's profiles, whose output is in FOLDER; copies
# them to OUTPUT_DIR and gives the shared one its links.
#
# The crate types are named because link-time optimisation is off as soon as an rlib is among them.
# cargo decides what is out of date, so the target always runs; files that did not change keep their
# time stamps.
function(rogue_mem_add_cargo_build target profile folder output_dir)
    set(crate_types cdylib)
    set(files "${output_dir}/${ROGUE_MEM_SHARED_NAME}")
    set(copies COMMAND "${CMAKE_COMMAND}" -E copy_if_different
        "${ROGUE_MEM_CARGO_TARGET_DIR}/${folder}/${ROGUE_MEM_LINK_NAME}" ${files})
    if(static IN_LIST ARGN)
        string(APPEND crate_types ",staticlib")
        list(APPEND files "${output_dir}/${ROGUE_MEM_STATIC_NAME}")
        list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E copy_if_different
            "${ROGUE_MEM_CARGO_TARGET_DIR}/${folder}/${ROGUE_MEM_STATIC_NAME}" "${output_dir}")
    endif()
    add_custom_target(${target} ALL
        COMMAND "${CMAKE_COMMAND}" -E env ${_cargo_environment}
            "${ROGUE_MEM_CARGO}" rustc --quiet --locked --lib --crate-type ${crate_types}
            --profile ${profile} ${_cargo_target_argument}
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${output_dir}"
        ${copies}
        COMMAND "${CMAKE_COMMAND}" -E create_symlink
            "${ROGUE_MEM_SHARED_NAME}" "${output_dir}/${ROGUE_MEM_SONAME}"
        COMMAND "${CMAKE_COMMAND}" -E create_symlink
            "${ROGUE_MEM_SONAME}" "${output_dir}/${ROGUE_MEM_LINK_NAME}"
        BYPRODUCTS ${files}
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
        COMMENT "Building librogue_mem ${PROJECT_VERSION} with cargo (profile ${profile})"
        USES_TERMINAL
        VERBATIM)
endfunction()

rogue_mem_add_cargo_build(rogue_mem_cargo
    ${_cargo_profile} "${_cargo_folder}/${_cargo_profile_folder}" "${ROGUE_MEM_LIBRARY_DIR}" static)

# --- what a program that links the static library must link besides -------------------------------

# Asked of the compiler with an empty crate: the crate's dependencies add nothing to what the
# standard library needs, and a test compares this list with that of the real library.
if(NOT DEFINED ROGUE_MEM_NATIVE_STATIC_LIBS)
    set(_probe "${PROJECT_BINARY_DIR}/CMakeFiles/native_static_libs")
    file(WRITE "${_probe}/empty.rs" "")
    execute_process(
        COMMAND "${ROGUE_MEM_RUSTC}" ${_cargo_target_argument} --crate-type staticlib
            --print native-static-libs -o "${_probe}/libempty.a" "${_probe}/empty.rs"
        OUTPUT_VARIABLE _probe_output ERROR_VARIABLE _probe_output RESULT_VARIABLE _probe_result)
    string(REGEX MATCH "native-static-libs: ([^\n]*)" _match "${_probe_output}")
    if(NOT _probe_result EQUAL 0 OR NOT _match)
        message(FATAL_ERROR "rustc does not say what a static library needs:\n${_probe_output}")
    endif()
    separate_arguments(_native UNIX_COMMAND "${CMAKE_MATCH_1}")
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
