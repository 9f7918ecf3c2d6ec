"""The version of Rogue's interface that the library implements, and the library's own."""

from __future__ import annotations

import re
import time

from .native import decode, general_error, lib

_PATTERN = re.compile(r"[vV]?(\d+)\.(\d+)\.(\d+)(?:-(\d+)(?:-.+)?)?", re.ASCII)


def _extract(text: str) -> "tuple[int, int, int, int]":
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise general_error("Version:extract", "Invalid version string: %r" % (text,))
    major, minor, maint, devel = found.groups()
    return int(major), int(minor), int(maint), int(devel or 0)


def rogue_mem_version() -> str:
    """The version of this library as ``X.Y.Z``; `Version` is that of Rogue's interface."""
    return decode(lib.rogue_mem_version())


class Version:
    """The release of Rogue whose interface this library implements.

    Programs that check for a minimum version mean this one; `rogue.rogue_mem_version()` is the
    version of the library itself. Versions to compare with have the form ``a.b.c``, optionally with
    a leading ``v``; anything else raises GeneralError.
    """

    __module__ = "rogue"

    @staticmethod
    def current() -> str:
        """The version as ``vX.Y.Z``."""
        return "v" + decode(lib.rogue_mem_interface_version())

    @staticmethod
    def pythonVersion() -> str:
        """The version in Python's form: ``X.Y.Z``, followed by ``.devN`` if there is one."""
        major, minor, maint, devel = _extract(Version.current())
        return "%d.%d.%d%s" % (major, minor, maint, ".dev%d" % devel if devel else "")

    @staticmethod
    def major() -> int:
        """The first number."""
        return _extract(Version.current())[0]

    @staticmethod
    def minor() -> int:
        """The second number."""
        return _extract(Version.current())[1]

    @staticmethod
    def maint() -> int:
        """The third number."""
        return _extract(Version.current())[2]

    @staticmethod
    def devel() -> int:
        """The number of commits since the release; 0 for a release."""
        return _extract(Version.current())[3]

    @staticmethod
    def greaterThanEqual(compare: str) -> bool:
        """Whether this version is `compare` or newer."""
        return _extract(Version.current())[:3] >= _extract(compare)[:3]

    @staticmethod
    def greaterThan(compare: str) -> bool:
        """Whether this version is newer than `compare`."""
        return _extract(Version.current())[:3] > _extract(compare)[:3]

    @staticmethod
    def lessThanEqual(compare: str) -> bool:
        """Whether this version is `compare` or older."""
        return _extract(Version.current())[:3] <= _extract(compare)[:3]

    @staticmethod
    def lessThan(compare: str) -> bool:
        """Whether this version is older than `compare`."""
        return _extract(Version.current())[:3] < _extract(compare)[:3]

    @staticmethod
    def minVersion(compare: str) -> None:
        """Raises GeneralError if this version is older than `compare`."""
        if Version.lessThan(compare):
            raise general_error(
                "Version:minVersion", "Installed rogue is less than minimum version"
            )

    @staticmethod
    def maxVersion(compare: str) -> None:
        """Raises GeneralError if this version is newer than `compare`."""
        if Version.greaterThan(compare):
            raise general_error(
                "Version:maxVersion", "Installed rogue is greater than maximum version"
            )

    @staticmethod
    def exactVersion(compare: str) -> None:
        """Raises GeneralError if this version is not `compare`."""
        if _extract(Version.current())[:3] != _extract(compare)[:3]:
            raise general_error("Version:exactVersion", "Installed rogue is not exact version")

    @staticmethod
    def sleep(seconds: int) -> None:
        """Suspends the calling thread."""
        time.sleep(seconds)

    @staticmethod
    def usleep(microseconds: int) -> None:
        """Suspends the calling thread."""
        time.sleep(microseconds / 1e6)
