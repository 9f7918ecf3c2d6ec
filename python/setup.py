"""Builds the wheel: the package's Python files and the library, which cargo builds.

ROGUE_MEM_LIBRARY names an existing library; cargo is not needed then. The wheel fits every Python 3
on this platform: nothing in it is compiled against Python.

A source distribution contains the library's sources in a folder of its own, and builds from there.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
#: The folder of the library's sources in a source distribution.
PACKED_SOURCES = "library"
#: The top of the library's sources.
TOP = HERE / PACKED_SOURCES if (HERE / PACKED_SOURCES).exists() else HERE.parent
LIBRARY = "librogue_mem.dylib" if sys.platform == "darwin" else "librogue_mem.so"


def version():
    """The version in Cargo.toml, its only source."""
    manifest = TOP / "Cargo.toml"
    if not manifest.exists():
        sys.exit(
            "%s is not there: the package is built within the project's source tree, which pip "
            "does from version 21.3 on (pip install --upgrade pip)" % manifest
        )
    text = manifest.read_text(encoding="utf-8")
    return re.search(r'^version = "([^"]+)"', text, re.MULTILINE).group(1)


def cargo(*arguments):
    """The output of cargo."""
    try:
        return subprocess.run(
            ["cargo", *arguments],
            cwd=TOP,
            # Panics must unwind to become errors, also under a user's configuration.
            env=dict(os.environ, CARGO_PROFILE_RELEASE_PANIC="unwind"),
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ).stdout
    except FileNotFoundError:
        sys.exit(
            "cargo was not found: install Rust (https://rustup.rs), or name a library that has "
            "been built in ROGUE_MEM_LIBRARY"
        )


def built_library():
    """The path of the library, which is built first unless it is named."""
    named = os.environ.get("ROGUE_MEM_LIBRARY")
    if named:
        return pathlib.Path(named)
    # Explicit, so that a `build.target` of a user's configuration does not apply: the library is
    # for this machine, like the running Python.
    target = os.environ.get("ROGUE_MEM_RUST_TARGET")
    if not target:
        target = re.search(r"^host: (.+)$", cargo("-vV"), re.MULTILINE).group(1)
    # With a crate type of its own: link-time optimisation is off if an rlib is among them.
    command = "rustc --release --locked --lib --crate-type cdylib".split()
    command += ["--target", target, "--message-format", "json-render-diagnostics"]
    # As cmake/RustLibrary.cmake does.
    inlining = ["-Cllvm-args=-inline-threshold=70", "-Cllvm-args=-inlinecold-threshold=10"]
    said = cargo(*command, "--", *inlining)
    # Only cargo knows its target folder under a user's configuration.
    for message in map(json.loads, said.splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "rogue_mem":
            for path in map(pathlib.Path, message["filenames"]):
                if path.name == LIBRARY:
                    return path
    sys.exit("cargo has built no %s for the target %s" % (LIBRARY, target))


#: Machines of ELF files (`e_machine`) by the names that end the platforms of wheels.
MACHINES = {
    3: ("i686", "i386"),
    21: ("ppc64le",),
    22: ("s390x",),
    40: ("armv7l", "armv6l"),
    62: ("x86_64",),
    183: ("aarch64",),
    243: ("riscv64",),
}


def check_machine(library, platform):
    """Ends the build of a wheel for another machine than that of the library in it."""
    with open(library, "rb") as file:
        head = file.read(20)
    if head[:4] != b"\x7fELF":
        if platform.startswith(("linux", "manylinux", "musllinux")):
            sys.exit("%s is no library of %s: it is no ELF file" % (library, platform))
        return
    order = "little" if head[5] == 1 else "big"
    names = MACHINES.get(int.from_bytes(head[18:20], order), ())
    if not platform.endswith(names or "?"):
        sys.exit(
            "%s is for %s, and the wheel for %s: build the library for that machine "
            "(ROGUE_MEM_RUST_TARGET names its Rust target, rustup target add installs it), or name "
            "the wheel's platform (python setup.py bdist_wheel --plat-name linux_aarch64)"
            % (library, " or ".join(names) or "another machine", platform)
        )


class BuildWithLibrary(build_py):
    """Copies the library beside the Python files."""

    def run(self):
        super().run()
        folder = pathlib.Path(self.build_lib) / "rogue" / "_impl"
        if self.editable_mode:
            folder = HERE / "rogue" / "_impl"
        library = built_library()
        check_machine(library, self.get_finalized_command("bdist_wheel").get_tag()[2])
        shutil.copy2(library, folder / LIBRARY)


class SourcesWithLibrary(sdist):
    """Packs the library's sources too: all files of the crate."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        names = cargo("package", "--list", "--allow-dirty").splitlines()
        # Cargo reads the crate's manifest only with the other members of its workspace.
        members = sorted(path for path in (TOP / "testkit").rglob("*") if path.is_file())
        names += [path.relative_to(TOP).as_posix() for path in members]
        for name in names:
            # The Python files are present already; and `cargo package` creates some files itself.
            if name.startswith("python/") or not (TOP / name).exists():
                continue
            copy = pathlib.Path(base_dir) / PACKED_SOURCES / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, copy)


class ForEveryPython(bdist_wheel):
    """Names the wheel py3-none-<platform>."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class WithLibrary(Distribution):
    """Installs into the platform-specific folder."""

    def has_ext_modules(self):
        return True


setup(
    version=version(),
    cmdclass={
        "build_py": BuildWithLibrary,
        "bdist_wheel": ForEveryPython,
        "sdist": SourcesWithLibrary,
    },
    distclass=WithLibrary,
)
