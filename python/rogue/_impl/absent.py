"""Classes of Rogue's that this library does not have: they exist, and cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .native import GeneralError, general_error

_T = TypeVar("_T", bound="Absent")


class Absent:
    """Can be named, derived from and used in annotations; its constructor raises GeneralError.

    It comes first among the bases of each class, so that no other constructor runs.
    """

    def __new__(cls: type[_T], *_arguments: Any, **_keywords: Any) -> _T:
        # Programs call it with the arguments of Rogue's class, and may go without `__init__`.
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_keywords: Any) -> None:
        raise _error(type(self))

    if TYPE_CHECKING:
        # A program written for Rogue uses methods that are not listed here.
        def __getattr__(self, name: str) -> Any: ...


def _error(cls: type[Absent]) -> GeneralError:
    """Names the class of this package from which a program's class derives."""
    package = __name__.partition(".")[0] + "."
    for one in cls.__mro__:
        if issubclass(one, Absent) and one.__module__.startswith(package):
            break
    return general_error(
        "%s.%s" % (one.__module__, one.__qualname__), "not available in this build"
    )
