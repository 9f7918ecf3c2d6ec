"""Builds the wheel: the package's Python files and the library, which cargo builds.

ROGUE_MEM_LIBRARY names a library that is there already; cargo is not needed then. What results
fits every Python 3 on this platform: nothing in it is compiled against Python.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

TOP = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = "librogue_mem.dylib" if sys.platform == "darwin" else "librogue_mem.so"


def version():
    """Cargo.toml is the one place where the version is written down."""
    manifest = TOP / "Cargo.toml"
    if not manifest.exists():
        sys.exit(
            "%s is not there: the package is built within the project's source tree, which pip "
            "does from version 21.3 on (pip install --upgrade pip)" % manifest
        )
    text = manifest.read_text(encoding="utf-8")
    return re.search(r'^version = "([^"]+)"', text, re.MULTILINE).group(1)


def built_library():
    """The path of the library, which is built first unless it is named."""
    named = os.environ.get("ROGUE_MEM_LIBRARY")
    if named:
        return pathlib.Path(named)
    command = ["cargo", "build", "--release", "--locked", "-p", "rogue-mem"]
    try:
        subprocess.run(command, cwd=TOP, check=True)
    except FileNotFoundError:
        sys.exit(
            "cargo was not found: install Rust (https://rustup.rs), or name a library that has "
            "been built in ROGUE_MEM_LIBRARY"
        )
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target")
    triple = os.environ.get("CARGO_BUILD_TARGET")
    return (TOP / target / triple if triple else TOP / target) / "release" / LIBRARY


class BuildWithLibrary(build_py):
    """Puts the library beside the Python files."""

    def run(self):
        super().run()
        folder = pathlib.Path(self.build_lib) / "rogue" / "_impl"
        if self.editable_mode:
            folder = TOP / "python" / "rogue" / "_impl"
        shutil.copy2(built_library(), folder / LIBRARY)


class ForEveryPython(bdist_wheel):
    """Names the wheel py3-none-<platform>."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class WithLibrary(Distribution):
    """Installed among what belongs to the platform."""

    def has_ext_modules(self):
        return True


setup(
    version=version(),
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": ForEveryPython},
    distclass=WithLibrary,
)
