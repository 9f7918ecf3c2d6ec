# For which machine the library is built: the Rust target triple of a cross compilation, and the
# check that what was built is for the machine of the C compiler. Also used by scripts (`cmake -P`).

# rogue_mem_rust_target(VARIABLE SYSTEM PROCESSOR MACROS MACHINE): the triple for CMake's name of a
# system and of a processor. MACROS are those that the C compiler predefines, MACHINE is what it
# says with -dumpmachine. Stops where they determine none.
function(rogue_mem_rust_target variable system processor macros machine)
    string(TOLOWER "${processor}" lower)
    set(arch "")
    set(abi "")
    set(why "no triple is known for it")
    if(lower MATCHES "^(aarch64|arm64)$")
        set(arch aarch64)
    elseif(lower MATCHES "^(x86_64|amd64)$")
        set(arch x86_64)
    elseif(lower MATCHES "^i[3-6]86$")
        set(arch i686)
    elseif(lower MATCHES "^(s390x|riscv64|powerpc64le)$")
        set(arch "${lower}")
    elseif(lower STREQUAL "ppc64le")
        set(arch powerpc64le)
    elseif(lower MATCHES "^arm")
        # Of the 32-bit variants only the compiler tells which one it makes.
        if(NOT macros MATCHES "__ARM_ARCH 7|__ARM_ARCH 8")
            set(why "the C compiler does not say that it compiles for Armv7")
        elseif(NOT macros MATCHES "__ARM_PCS_VFP 1")
            set(why "the C compiler does not use the hard-float calling convention")
        else()
            set(arch armv7)
            set(abi eabihf)
        endif()
    endif()
    string(REPLACE "riscv64" "riscv64gc" arch "${arch}")
    set(libc gnu)
    if(machine MATCHES "musl")
        set(libc musl)
    endif()
    if(NOT system STREQUAL "Linux")
        set(arch "")
        set(why "no triple is known for the system ${system}")
    endif()
    if(NOT arch)
        message(FATAL_ERROR "rogue_mem: the Rust target for CMAKE_SYSTEM_PROCESSOR '${processor}' "
            "on ${system} cannot be derived: ${why}. Set ROGUE_MEM_RUST_TARGET to a triple of "
            "`rustc --print target-list`, for example "
            "-DROGUE_MEM_RUST_TARGET=aarch64-unknown-linux-gnu.")
    endif()
    set(${variable} "${arch}-unknown-linux-${libc}${abi}" PARENT_SCOPE)
endfunction()

# rogue_mem_check_rust_target(RUSTC TARGET): stops with the way to get it where rustc has no
# standard library for TARGET.
function(rogue_mem_check_rust_target rustc target)
    execute_process(COMMAND "${rustc}" --print target-libdir --target "${target}"
        OUTPUT_VARIABLE folder ERROR_VARIABLE said RESULT_VARIABLE result
        OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "rogue_mem: ${rustc} does not know the target '${target}': ${said}\n"
            "Set ROGUE_MEM_RUST_TARGET to a triple of `rustc --print target-list`.")
    endif()
    file(GLOB found "${folder}/libstd-*")
    if(NOT found)
        message(FATAL_ERROR "rogue_mem: ${rustc} has no standard library for the target "
            "'${target}'. Install it: `rustup target add ${target}`, or Debian's package "
            "libstd-rust-dev of that architecture. Set ROGUE_MEM_RUST_TARGET if another target is "
            "the right one.")
    endif()
endfunction()

# rogue_mem_elf_machine(VARIABLE FILE): the machine, word size and byte order for which an ELF file
# is; empty for a file of another format.
function(rogue_mem_elf_machine variable file)
    set(${variable} "" PARENT_SCOPE)
    # `e_ident` and, behind `e_type`, `e_machine`: in the byte order that `e_ident` states.
    file(READ "${file}" head LIMIT 20 HEX)
    string(LENGTH "${head}" length)
    if(NOT head MATCHES "^7f454c46" OR length LESS 40)
        return()
    endif()
    string(SUBSTRING "${head}" 8 2 class)
    string(SUBSTRING "${head}" 10 2 order)
    string(SUBSTRING "${head}" 36 2 first)
    string(SUBSTRING "${head}" 38 2 second)
    if(order STREQUAL "01")
        set(number "${second}${first}")
        set(order "little-endian")
    else()
        set(number "${first}${second}")
        set(order "big-endian")
    endif()
    if(class STREQUAL "01")
        set(class "32 bits")
    else()
        set(class "64 bits")
    endif()
    set(names 0003 x86 003e x86-64 0028 Arm 00b7 AArch64 0016 s390 00f3 RISC-V 0015 PowerPC64
        0014 PowerPC 0008 MIPS 0102 LoongArch)
    list(FIND names "${number}" at)
    set(name "machine 0x${number}")
    if(NOT at EQUAL -1)
        math(EXPR at "${at} + 1")
        list(GET names ${at} name)
    endif()
    set(${variable} "${name}, ${class}, ${order}" PARENT_SCOPE)
endfunction()

# rogue_mem_check_machine(LIBRARY TARGET EXPECTED): stops where LIBRARY, which was built for the
# Rust target TARGET, is for another machine than the programs that are to use it: EXPECTED, in the
# words of rogue_mem_elf_machine, or empty where that is unknown.
function(rogue_mem_check_machine library target expected)
    rogue_mem_elf_machine(found "${library}")
    if(expected AND NOT found STREQUAL expected)
        if(NOT found)
            set(found "no ELF file")
        endif()
        message(FATAL_ERROR "rogue_mem: ${library}, built for the Rust target '${target}', is for "
            "another machine than the C compiler's programs.\n"
            "  the library:    ${found}\n"
            "  the C compiler: ${expected}\n"
            "Nothing was installed. Set ROGUE_MEM_RUST_TARGET to the triple of the C compiler's "
            "machine, or choose another C compiler.")
    endif()
endfunction()
