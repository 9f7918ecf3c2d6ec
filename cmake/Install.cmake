# The only way to install: `cmake --install`, which `make install` calls too.

include(CMakePackageConfigHelpers)

if(ROGUE_MEM_INSTALL_ROGUE_ALIAS)
    set(_refusal "${PROJECT_BINARY_DIR}/CMakeFiles/OtherRogue.cmake")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/OtherRogue.cmake.in" "${_refusal}" @ONLY)
    include("${_refusal}")
    install(SCRIPT "${_refusal}") # before anything else is put there
endif()

set(_headers "${CMAKE_INSTALL_INCLUDEDIR}/rogue_mem")
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/rogue_mem")

install(FILES
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_SHARED_NAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_SONAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_LINK_NAME}"
    "${ROGUE_MEM_LIBRARY_DIR}/${ROGUE_MEM_STATIC_NAME}"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES
    "${PROJECT_SOURCE_DIR}/include/rogue_mem.h"
    "${PROJECT_SOURCE_DIR}/include/rogue_mem_binding.h"
    DESTINATION "${_headers}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/cpp/rogue" DESTINATION "${_headers}"
    FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_SOURCE_DIR}/cpp/tsan.supp"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/rogue_mem")

# CMake: paths relative to the file itself, so that the prefix can be moved.
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

# The package for programs written for Rogue. They also search the library directory itself, where
# Rogue has its own package, so a file there includes it.
if(ROGUE_MEM_INSTALL_ROGUE_ALIAS)
    # The library's source defines the constant.
    file(STRINGS "${PROJECT_SOURCE_DIR}/src/lib.rs" _line REGEX "const ROGUE_INTERFACE_VERSION")
    string(REGEX REPLACE ".*\"([0-9]+\\.[0-9]+\\.[0-9]+)\".*" "\\1"
        ROGUE_MEM_INTERFACE_VERSION "${_line}")
    set(_alias "${CMAKE_INSTALL_LIBDIR}/cmake/Rogue")
    configure_package_config_file(
        "${PROJECT_SOURCE_DIR}/cmake/RogueConfig.cmake.in"
        "${PROJECT_BINARY_DIR}/RogueConfig.cmake"
        INSTALL_DESTINATION "${_alias}"
        PATH_VARS _package
        NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
    write_basic_package_version_file(
        "${PROJECT_BINARY_DIR}/RogueConfigVersion.cmake"
        VERSION "${ROGUE_MEM_INTERFACE_VERSION}" COMPATIBILITY SameMajorVersion)
    install(FILES
        "${PROJECT_BINARY_DIR}/RogueConfig.cmake"
        "${PROJECT_BINARY_DIR}/RogueConfigVersion.cmake"
        DESTINATION "${_alias}")
    foreach(_file RogueConfig RogueConfigVersion)
        file(WRITE "${PROJECT_BINARY_DIR}/lib_alias/${_file}.cmake" "# Of rogue_mem.\n"
            "include(\"\${CMAKE_CURRENT_LIST_DIR}/cmake/Rogue/${_file}.cmake\")\n")
        install(FILES "${PROJECT_BINARY_DIR}/lib_alias/${_file}.cmake"
            DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    endforeach()
endif()

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

configure_file("${PROJECT_SOURCE_DIR}/cmake/LoaderHint.cmake.in"
    "${PROJECT_BINARY_DIR}/CMakeFiles/LoaderHint.cmake" @ONLY)
install(SCRIPT "${PROJECT_BINARY_DIR}/CMakeFiles/LoaderHint.cmake")
