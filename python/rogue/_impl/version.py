"""The library's version, and comparisons with it."""

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


class Version:
    """The version of this library; not that of the Rogue release that it is compatible with.

    Versions to compare with are written ``a.b.c``, with or without a ``v`` before it; anything else
    raises GeneralError.
    """

    __module__ = "rogue"

    @staticmethod
    def current() -> str:
        """The version as ``vX.Y.Z``."""
        return "v" + decode(lib.rogue_mem_version())

    @staticmethod
    def pythonVersion() -> str:
        """The version in Python's form: ``X.Y.Z``, with ``.devN`` behind it if there is one."""
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
        """Lets the calling thread sleep."""
        time.sleep(seconds)

    @staticmethod
    def usleep(microseconds: int) -> None:
        """Lets the calling thread sleep."""
        time.sleep(microseconds / 1e6)
