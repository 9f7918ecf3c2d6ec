# What triple is derived for what machine (cmake/RustTarget.cmake): prints it, or stops.
#
#   cmake -DSYSTEM=... -DPROCESSOR=... [-DMACROS=...] [-DMACHINE=...] -P targets.cmake
include("${CMAKE_CURRENT_LIST_DIR}/../../../cmake/RustTarget.cmake")
rogue_mem_rust_target(target "${SYSTEM}" "${PROCESSOR}" "${MACROS}" "${MACHINE}")
message(STATUS "${target}")
