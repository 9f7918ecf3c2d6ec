"""Builds the wheel: the package's Python files, and the library and the command line, which cargo
builds. The wheel fits every Python 3 on its platform: nothing in it is compiled against Python.

A source distribution contains the sources of both in a folder of its own, and builds from there.

Variables of the environment, for the build of packages:

ROGUE_MEM_LIBRARY         an existing library; the command line is left out then, unless it is named
ROGUE_MEM_PROGRAM         an existing command line; empty: none. Where both are named, no cargo is
                          needed, and the licences and the bill of materials are there if it is
ROGUE_MEM_RUST_TARGET     what cargo builds for, if not this machine
ROGUE_MEM_WHEEL_PLATFORM  the platform in the wheel's name, if not this machine's
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.install_scripts import install_scripts
from setuptools.command.sdist import sdist
from setuptools.dist import Distribution

HERE = pathlib.Path(__file__).resolve().parent
#: The folder of the library's sources in a source distribution.
PACKED_SOURCES = "library"
#: The top of the library's sources.
TOP = HERE / PACKED_SOURCES if (HERE / PACKED_SOURCES).exists() else HERE.parent
LIBRARY = "librogue_mem.dylib" if sys.platform == "darwin" else "librogue_mem.so"
PROGRAM = "rogue-mem"
LICENCES = ["LICENSE-MIT", "LICENSE-APACHE"]


def from_manifest(pattern):
    """What Cargo.toml, the only source of it, says."""
    manifest = TOP / "Cargo.toml"
    if not manifest.exists():
        sys.exit(
            "%s is not there: the package is built within the project's source tree, which pip "
            "does from version 21.3 on (pip install --upgrade pip)" % manifest
        )
    return re.search(pattern, manifest.read_text(encoding="utf-8"), re.MULTILINE).group(1)


def cargo(*arguments, folder=TOP):
    """The output of cargo."""
    try:
        return subprocess.run(
            ["cargo", *arguments],
            cwd=folder,
            # Panics must unwind to become errors, also under a user's configuration.
            env=dict(os.environ, CARGO_PROFILE_RELEASE_PANIC="unwind"),
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ).stdout
    except FileNotFoundError:
        sys.exit(
            "cargo was not found: install Rust (https://rustup.rs), or name what has been built "
            "in ROGUE_MEM_LIBRARY"
        )


def rust_target():
    """The target of cargo's builds, always explicit, so that a `build.target` of a user's
    configuration does not apply: the library is for this machine, like the running Python."""
    named = os.environ.get("ROGUE_MEM_RUST_TARGET")
    return named or re.search(r"^host: (.+)$", cargo("-vV"), re.MULTILINE).group(1)


def build(target_name, file_name, folder, command, rustc_arguments=()):
    """Builds one target with cargo; the path of its file."""
    command = command.split() + "--release --locked --message-format".split()
    command += ["json-render-diagnostics", "--target", rust_target()]
    said = cargo(*command, *rustc_arguments, folder=folder)
    # Only cargo knows its target folder under a user's configuration.
    for message in map(json.loads, said.splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == target_name:
            for path in map(pathlib.Path, message["filenames"]):
                if path.name == file_name:
                    return path
    sys.exit("cargo has built no %s for the target %s" % (file_name, rust_target()))


def built_library():
    """The path of the library, which is built first unless it is named."""
    named = os.environ.get("ROGUE_MEM_LIBRARY")
    if named:
        return pathlib.Path(named)
    options = from_manifest(r'^rustc-options = "([^"]+)"').split()
    # With a crate type of its own: link-time optimisation is off if an rlib is among them.
    command = "rustc --lib --features capi --crate-type cdylib"
    return build("rogue_mem", LIBRARY, TOP, command, ["--", *options])


def has_program():
    """Whether the command line is wanted."""
    default = "" if os.environ.get("ROGUE_MEM_LIBRARY") else "built"
    return os.environ.get("ROGUE_MEM_PROGRAM", default) != ""


def built_program():
    """The path of the command line, likewise."""
    named = os.environ.get("ROGUE_MEM_PROGRAM")
    return pathlib.Path(named) if named else build(PROGRAM, PROGRAM, TOP / "cli", "build")


def third_party(what, path, *arguments):
    """Writes one of the two documents about the crates within."""
    script = TOP / "scripts" / "third-party"
    parts = ["library", "program"] if has_program() else ["library"]
    command = [sys.executable, script, what, *parts, "--target", rust_target(), "--output", path]
    subprocess.run([str(word) for word in [*command, *arguments]], check=True)


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


class InstallWithProgram(install_scripts):
    """Puts the command line beside the scripts of Python packages."""

    def run(self):
        super().run()
        if has_program():
            folder = pathlib.Path(self.install_dir)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(built_program(), folder / PROGRAM)
            self.outfiles.append(str(folder / PROGRAM))


class SourcesWithLibrary(sdist):
    """Packs the sources of the library and of the command line too: what cargo needs of them."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        names = cargo("package", "--list", "--allow-dirty").splitlines()
        names.append("scripts/third-party")
        for folder in ("testkit", "cli"):
            found = sorted(path for path in (TOP / folder).rglob("*") if path.is_file())
            names += [path.relative_to(TOP).as_posix() for path in found]
        # Cargo reads a manifest only with all members of its workspace, and all targets it names.
        metadata = json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))
        for package in metadata["packages"]:
            paths = [pathlib.Path(target["src_path"]) for target in package["targets"]]
            names += [path.relative_to(TOP).as_posix() for path in paths]
        for name in names:
            # `cargo package` creates some files itself.
            if not (TOP / name).exists():
                continue
            copy = pathlib.Path(base_dir) / PACKED_SOURCES / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, copy)


class ForEveryPython(bdist_wheel):
    """Names the wheel py3-none-<platform>, and puts the licences and the bill of materials in."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        platform = os.environ.get("ROGUE_MEM_WHEEL_PLATFORM")
        return ("py3", "none", platform or super().get_tag()[2])

    def egg2dist(self, egginfo_path, distinfo_path):
        super().egg2dist(egginfo_path, distinfo_path)
        licences = pathlib.Path(distinfo_path) / "licenses"
        licences.mkdir(exist_ok=True)
        for name in LICENCES:
            shutil.copy2(TOP / name, licences / name)
        if shutil.which("cargo"):
            third_party("notices", licences / "THIRD-PARTY-NOTICES")
            # Where PEP 770 puts it.
            bills = pathlib.Path(distinfo_path) / "sboms"
            bills.mkdir(exist_ok=True)
            identity = (self.distribution.get_name(), self.distribution.get_version())
            purl = "pkg:pypi/%s@%s" % identity
            third_party("sbom", bills / "rogue-mem.cdx.json", "--name", identity[0], "--purl", purl)


class WithLibrary(Distribution):
    """Installs into the platform-specific folder, and a program."""

    def has_ext_modules(self):
        return True

    def has_scripts(self):
        return True


setup(
    version=from_manifest(r'^version = "([^"]+)"'),
    cmdclass={
        "build_py": BuildWithLibrary,
        "bdist_wheel": ForEveryPython,
        "install_scripts": InstallWithProgram,
        "sdist": SourcesWithLibrary,
    },
    distclass=WithLibrary,
    scripts=[],
)
