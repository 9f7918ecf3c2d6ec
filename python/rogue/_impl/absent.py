"""Placeholders for classes of Rogue that this library lacks: they cannot be instantiated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .native import GeneralError, general_error

_T = TypeVar("_T", bound="Absent")


class Absent:
    """May be named, derived from and used in annotations; its constructor raises GeneralError.

    It is the first base of each class, so that no other constructor runs.
    """

    def __new__(cls: type[_T], *_arguments: Any, **_keywords: Any) -> _T:
        # Programs pass the arguments of Rogue's class, and may lack `__init__`.
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_keywords: Any) -> None:
        raise _error(type(self))

    if TYPE_CHECKING:
        # Programs written for Rogue use methods that are not listed here.
        def __getattr__(self, name: str) -> Any: ...


def _error(cls: type[Absent]) -> GeneralError:
    """The class of this package from which a program's class derives."""
    package = __name__.partition(".")[0] + "."
    for one in cls.__mro__:
        if issubclass(one, Absent) and one.__module__.startswith(package):
            break
    return general_error(
        "%s.%s" % (one.__module__, one.__qualname__), "not available in this build"
    )
