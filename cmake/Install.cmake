# The one way to install: `cmake --install`, which `make install` calls too.

include(CMakePackageConfigHelpers)

set(_headers "${CMAKE_INSTALL_INCLUDEDIR}/rogue_mem")
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/rogue_mem")

install(FILES
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_SHARED_NAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_SONAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_LINK_NAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_STATIC_NAME}"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/include/rogue_mem.h" DESTINATION "${_headers}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/cpp/rogue" DESTINATION "${_headers}"
    FILES_MATCHING PATTERN "*.h")

# CMake: paths relative to the place of the file itself, so that the prefix can be moved.
set(_config_include "${_headers}")
set(_config_lib "${CMAKE_INSTALL_LIBDIR}")
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/rogue_mem-config.cmake.in"
    "${PROJECT_BINARY_DIR}/rogue_mem-config.cmake"
    INSTALL_DESTINATION "${_package}"
    PATH_VARS _config_include _config_lib
    NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/rogue_mem-config-version.cmake"
    COMPATIBILITY ${_compatibility})
install(FILES
    "${PROJECT_BINARY_DIR}/rogue_mem-config.cmake"
    "${PROJECT_BINARY_DIR}/rogue_mem-config-version.cmake"
    DESTINATION "${_package}")

# pkg-config: likewise, unless an absolute library directory was asked for.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(_pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(_pc_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
    file(RELATIVE_PATH _pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" _pc_up "${_pc_up}")
    set(_pc_prefix "\${pcfiledir}/${_pc_up}")
    set(_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(_pc_includedir "${_headers}")
else()
    set(_pc_includedir "\${prefix}/${_headers}")
endif()
string(REPLACE ";" " " _pc_libs_private "${ROGUE_MEM_NATIVE_STATIC_LIBS}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/rogue_mem.pc.in" "${PROJECT_BINARY_DIR}/rogue_mem.pc"
    @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/rogue_mem.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE-MIT LICENSE-APACHE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
