# nooelint: oelint.var.mandatoryvar.HOMEPAGE,oelint.var.suggestedvar.BUGTRACKER,oelint.var.bbclassextend
# The project has no public page and no list of faults yet: who publishes it adds HOMEPAGE and BUGTRACKER.
# Nothing on a build host needs the library, so there is no native variant (BBCLASSEXTEND).
SUMMARY = "Register transactions over TCP and SRPv3, wire compatible with SLAC Rogue"
DESCRIPTION = "The library librogue_mem with its C and C++ interfaces, for programs on Zynq and other boards."
SECTION = "libs"
LICENSE = "MIT | Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE-MIT;md5=a56f3f74e5ba7d406b2490000bf860f8 \
                    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57"
CVE_PRODUCT = "rogue-mem"

# The crates of Cargo.lock: scripts/third-party crates --output packaging/yocto/rogue-mem-crates.inc
require rogue-mem-crates.inc

# From the tree that the recipe is in, whose path has to be one that bitbake may read.
inherit externalsrc cargo

EXTERNALSRC = "${THISDIR}/../.."
ABI = "${@'.'.join(d.getVar('PV').split('.')[:2])}"

# One crate type of three, with the functions of the C interface, which cargo.bbclass cannot say.
do_compile() {
    export RUSTFLAGS="${RUSTFLAGS}"
    "${CARGO}" rustc ${CARGO_BUILD_FLAGS} --lib --features capi --crate-type cdylib
}

do_install() {
    install -d ${D}${libdir} ${D}${includedir}/rogue_mem
    install -m 0755 ${B}/target/${CARGO_TARGET_SUBDIR}/librogue_mem.so \
        ${D}${libdir}/librogue_mem.so.${PV}
    ln -s librogue_mem.so.${PV} ${D}${libdir}/librogue_mem.so.${ABI}
    ln -s librogue_mem.so.${ABI} ${D}${libdir}/librogue_mem.so
    install -m 0644 ${S}/include/*.h ${D}${includedir}/rogue_mem/
    cp -r --no-preserve=ownership ${S}/cpp/rogue ${D}${includedir}/rogue_mem/
}
