# Turns the source files of a folder into programs, and the programs into tests, each also under
# valgrind's memory checker.

# An upper bound against hangs. Nothing here measures time.
set(ROGUE_MEM_TEST_TIMEOUT_S 300)
set(ROGUE_MEM_WARNINGS -Wall -Wextra -Wpedantic -Werror)

# Only definite losses count: the Rust runtime keeps a few blocks that are reachable at the end.
set(ROGUE_MEM_MEMCHECK_OPTIONS --quiet --error-exitcode=99 --leak-check=full
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
    --num-callers=30 --fair-sched=try)

# The memory checker runs the programs with a library that was not optimised. Optimised code may
# compare a value before the check whether it exists. The outcome is not used then, but the checker
# cannot know that. Its reports also show source lines.
set(ROGUE_MEM_MEMCHECK_LIBRARY_DIR "${PROJECT_BINARY_DIR}/memcheck/lib")
set(ROGUE_MEM_MEMCHECK_ENVIRONMENT
    "ROGUE_MEM_MEMCHECK=1" "LD_LIBRARY_PATH=${ROGUE_MEM_MEMCHECK_LIBRARY_DIR}")

# rogue_mem_find_test_tool(VARIABLE NAME): find_program that is fatal where all tests are required.
function(rogue_mem_find_test_tool variable name)
    find_program(${variable} ${name})
    mark_as_advanced(${variable})
    if(NOT ${variable} AND ROGUE_MEM_TEST_REQUIRE_ALL)
        message(FATAL_ERROR "The tests need ${name}: run scripts/bootstrap test")
    elseif(NOT ${variable})
        message(STATUS "${name} was not found: its tests are left out")
    endif()
endfunction()

# rogue_mem_add_memchecked_test(NAME LABEL COMMAND...): the test NAME, and valgrind.NAME if valgrind
# is installed. The environment variable ROGUE_MEM_MEMCHECK tells the second one that it may do
# less of the same.
function(rogue_mem_add_memchecked_test name label)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES
        LABELS ${label} TIMEOUT ${ROGUE_MEM_TEST_TIMEOUT_S})
    if(ROGUE_MEM_VALGRIND)
        add_test(NAME valgrind.${name}
            COMMAND "${ROGUE_MEM_VALGRIND}" ${ROGUE_MEM_MEMCHECK_OPTIONS} ${ARGN})
        set_tests_properties(valgrind.${name} PROPERTIES
            LABELS "valgrind" TIMEOUT ${ROGUE_MEM_TEST_TIMEOUT_S}
            ENVIRONMENT "${ROGUE_MEM_MEMCHECK_ENVIRONMENT}")
    endif()
endfunction()

# rogue_mem_add_programs(FOLDER LANGUAGE): every source file of FOLDER is a test program.
function(rogue_mem_add_programs folder language)
    if(EXISTS "${folder}/CMakeLists.txt")
        add_subdirectory("${folder}")
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.${language}")
    foreach(source IN LISTS sources)
        get_filename_component(name "${source}" NAME_WE)
        set(target test_${language}_${name})
        add_executable(${target} "${source}")
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/${language}"
            C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
            CXX_STANDARD 14 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
        target_compile_options(${target} PRIVATE ${ROGUE_MEM_WARNINGS})
        target_link_libraries(${target} PRIVATE rogue_mem::rogue_mem)
        rogue_mem_add_memchecked_test(${language}.${name} ${language} $<TARGET_FILE:${target}>)
    endforeach()
endfunction()

# rogue_mem_add_examples(FOLDER LANGUAGE): runs the programs that FOLDER's own CMakeLists.txt
# builds, a server and its client as two processes, so fpga_emulator and fpga_bridge, any other
# alone.
function(rogue_mem_add_examples folder language)
    add_subdirectory("${folder}" "${PROJECT_BINARY_DIR}/examples/${language}")
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.${language}")
    foreach(source IN LISTS sources)
        get_filename_component(name "${source}" NAME_WE)
        set(target example_${language}_${name})
        target_compile_options(${target} PRIVATE ${ROGUE_MEM_WARNINGS})
        if(name MATCHES "^(.*)_client$" OR name STREQUAL "fpga_bridge")
            continue()
        elseif(name STREQUAL "fpga_emulator")
            # Opens the link, and ends with its standard input.
            rogue_mem_add_pair(${language}.fpga ${target} example_${language}_fpga_bridge)
        elseif(name MATCHES "^(.*)_server$")
            rogue_mem_add_pair(${language}.${CMAKE_MATCH_1}
                ${target} example_${language}_${CMAKE_MATCH_1}_client)
        else()
            rogue_mem_add_memchecked_test(example.${language}.${name} examples
                $<TARGET_FILE:${target}>)
        endif()
    endforeach()
endfunction()

# rogue_mem_add_pair(NAME SERVER CLIENT): two communicating programs, plainly and under valgrind.
# Each of both needs a processor: they have timers that the other one must not let run out.
function(rogue_mem_add_pair name server client)
    set(run "${PROJECT_SOURCE_DIR}/scripts/run-pair")
    add_test(NAME example.${name}
        COMMAND "${run}" $<TARGET_FILE:${server}> $<TARGET_FILE:${client}>)
    set_tests_properties(example.${name} PROPERTIES
        LABELS examples PROCESSORS 2 TIMEOUT ${ROGUE_MEM_TEST_TIMEOUT_S})
    if(ROGUE_MEM_VALGRIND)
        string(REPLACE ";" " " memcheck "${ROGUE_MEM_VALGRIND};${ROGUE_MEM_MEMCHECK_OPTIONS}")
        add_test(NAME valgrind.example.${name}
            COMMAND "${run}" --wrap "${memcheck}"
                $<TARGET_FILE:${server}> $<TARGET_FILE:${client}>)
        set_tests_properties(valgrind.example.${name} PROPERTIES
            LABELS "valgrind" PROCESSORS 2 TIMEOUT ${ROGUE_MEM_TEST_TIMEOUT_S}
            ENVIRONMENT "${ROGUE_MEM_MEMCHECK_ENVIRONMENT}")
    endif()
endfunction()
