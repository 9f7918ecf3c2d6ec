"""Classes of Rogue's that this library does not have: they exist, and cannot be made."""

from __future__ import annotations

from typing import Any

from .native import GeneralError, general_error


class _Absent:
    def __new__(cls, *_arguments: Any, **_keywords: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_keywords: Any) -> None:
        raise _error(type(self))


def _error(cls: type) -> GeneralError:
    for one in cls.__mro__:
        if one.__dict__.get("_rg_absent"):
            name = "%s.%s" % (one.__module__, one.__name__)
            return general_error(name, "not available in this build")
    return general_error(cls.__name__, "not available in this build")


def absent(name: str, module: str, *bases: type) -> Any:
    """A class that can be named, derived from and used in annotations; to make an object of it
    raises GeneralError."""
    members = {
        "__module__": module,
        "__doc__": "Not available in this build: the constructor raises GeneralError.",
        "_rg_absent": True,
        "__init__": _Absent.__init__,
        "__new__": _Absent.__new__,
    }
    return type(name, bases or (object,), members)
