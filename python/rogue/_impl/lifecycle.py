"""Which native objects live, and what becomes of them when the interpreter ends or forks.

Python objects refer to each other as the native ones do; the library refers to Python objects by
number only. So cycles can be collected, and no thread of the library ever owns a Python object.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import time
import traceback
import weakref
from typing import Any, Callable

from .native import NULL, _Process, ffi, lib

#: How long the end of the interpreter waits for callbacks that are still running.
CALLBACKS_END_S = 1.0
_LOOK_AGAIN_S = 0.002


class Core:
    """Owns one reference to a native object. The classes of the interface have one or more of
    these, and no destructor of their own, so that users may write one."""

    __slots__ = ("handle", "_release", "_stop", "__weakref__")

    def __init__(
        self,
        handle: Any,
        release: Callable[[Any], None],
        stop: "Callable[[Any], None] | None" = None,
    ) -> None:
        self._release = release
        self._stop = stop
        self.handle = handle
        _cores.add(self)

    def stop(self) -> None:
        """Ends the object's threads, if it has any."""
        if self._stop is not None and self.handle:
            self._stop(self.handle)

    def __del__(self) -> None:
        # Of an object whose constructor failed there is nothing to give back.
        try:
            handle = self.handle
        except AttributeError:
            return
        if handle:
            if self._stop is not None:
                self._stop(handle)
            self._release(handle)


_cores: "weakref.WeakSet[Core]" = weakref.WeakSet()

# --- Python objects that the library calls --------------------------------------------------------

#: The Python object behind each number that the library knows.
targets: "dict[Any, weakref.ref[Any]]" = {}
#: The next of it; threads do not get the same one, and none is 0.
_numbers = itertools.count(1)
#: One entry for each callback that runs now, on whatever thread.
running: "list[None]" = []


class State:
    """What all threads look at."""

    is_closing = False


def register(target: Any) -> Any:
    """A number for `target`, in the form of the library's context pointers; valid until the object
    is gone."""
    key = ffi.cast("void *", next(_numbers))
    targets[key] = weakref.ref(target, lambda _: targets.pop(key, None))
    return key


#: Ctrl-C that was pressed while a callback ran: the call that led to the callback raises it.
interrupts: "list[None]" = []


def raise_interrupt() -> None:
    """Raises what `interrupts` remembers, if this is the thread that signals go to."""
    if threading.current_thread() is threading.main_thread():
        interrupts.clear()
        raise KeyboardInterrupt


def report(what: str, error: BaseException) -> None:
    """Prints an exception that has left a callback, and remembers Ctrl-C for the main thread."""
    if isinstance(error, KeyboardInterrupt):
        interrupts.append(None)
        return
    try:
        print("Exception in %s:" % what, file=sys.stderr)
        traceback.print_exception(type(error), error, error.__traceback__)
    except Exception:
        # There is nowhere to say it: no standard error, or a broken one.
        pass


def escaped(what: str) -> "Callable[..., None]":
    """What is to be done with what leaves a callback before its first statement or behind its
    last."""

    def report_it(_type: Any, error: BaseException, _traceback: Any) -> None:
        report(what, error)

    return report_it


def _living() -> "list[Core]":
    """Every object there is."""
    while True:
        try:
            return list(_cores)
        except RuntimeError:
            # Another thread has just made one.
            continue


def _at_exit() -> None:
    """Ends every thread of the library that might call Python once there is none any more."""
    State.is_closing = True
    lib.rogue_mem_log_set_sink(NULL)
    for core in _living():
        core.stop()
    # A callback that is still running must not come back into an interpreter that has gone.
    end = time.monotonic() + CALLBACKS_END_S
    while running and time.monotonic() < end:
        time.sleep(_LOOK_AGAIN_S)


def _after_fork() -> None:
    """In the child there are no threads of the library's, and locks may be held by nobody: what was
    made before is left alone for ever."""
    _Process.is_fork = True
    for core in _living():
        core.handle = NULL
    targets.clear()
    running.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
