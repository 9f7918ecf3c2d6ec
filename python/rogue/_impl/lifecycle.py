"""Which native objects live, and what becomes of them when the interpreter ends or forks.

Python objects refer to each other as the native ones do; the library refers to Python objects by
number only. So cycles can be collected, and no thread of the library ever owns a Python object.
"""

from __future__ import annotations

import atexit
import functools
import gc
import itertools
import os
import sys
import traceback
import weakref
from typing import Any, Callable

from .native import (
    COLLECTS_LATE,
    NULL,
    SLICE_US,
    GeneralError,
    begin_process,
    check,
    ffi,
    general_error,
    in_main_thread,
    interrupts,
    lib,
    made,
)

#: How long the end of the interpreter waits for callbacks that are still running.
CALLBACKS_END_US = 1_000_000


class State:
    """What all threads look at."""

    is_closing = False


class Core:
    """Owns one reference to a native object. The classes of the interface have one or more of
    these, and no destructor of their own, so that users may write one."""

    __slots__ = ("__weakref__", "_release", "_stop", "handle")

    handle: Any

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
        # When the interpreter ends, threads have been ended already, and somebody may hold what
        # this would wait for. Of an object whose constructor failed there is nothing to give back.
        if not State.is_closing and getattr(self, "handle", None):
            self.stop()
            self._release(self.handle)


def filled(core: Any, kind: str, function: Callable[..., int], *arguments: Any) -> Any:
    """`core`, with the handle that a constructor of the library returns through its last parameter:
    Ctrl-C that comes meanwhile leaves nothing behind."""
    out = ffi.new("%s **" % kind)
    try:
        check(function(*arguments, out))
    finally:
        core.handle = out[0]
    return core


_cores: "weakref.WeakSet[Core]" = weakref.WeakSet()


class _Left:
    """What becomes of cores in a child of os.fork: the threads of their objects are not there, and
    locks may be held by nobody. They are left alone for ever."""

    __slots__ = ()

    @property
    def handle(self) -> Any:
        raise general_error(
            "rogue",
            "The object was made before os.fork(), and its threads are not in this process; make "
            "a new one",
        )

    def stop(self) -> None:
        """There is nothing to be ended."""

    def __del__(self) -> None:
        pass


#: Objects that nobody has any more, and that could not end then because somebody held a lock that
#: they would have waited for.
parked: "list[Any]" = []


def end_parked() -> None:
    """Looks whether they can end now."""
    for _ in range(len(parked)):
        try:
            one = parked.pop(0)
        except IndexError:
            # Another thread does the same.
            return
        if not one.end():
            parked.append(one)


#: Those of a process that this one was forked from.
_parents: "list[Any]" = []


#: The class of a core, and what it becomes.
_left: "dict[type, type]" = {}


def leaves(cls: type) -> type:
    """Makes the form that cores of class `cls` have in a child of os.fork."""
    _left[cls] = type("Left" + cls.__name__, (_Left, cls), {"__slots__": ()})
    return cls


leaves(Core)


def described(describe: "Callable[[Any], str]") -> "Callable[[Any], str]":
    """For `__repr__`: where the library cannot be asked, says why."""

    @functools.wraps(describe)
    def safe(self: Any) -> str:
        try:
            return describe(self)
        except GeneralError as error:
            return "<%s.%s: %s>" % (type(self).__module__, type(self).__name__, error)

    return safe


# --- Python objects that the library calls --------------------------------------------------------

#: The Python object behind each number that the library knows.
targets: "dict[Any, weakref.ref[Any]]" = {}
#: The next of it; threads do not get the same one, and none is 0.
_numbers = itertools.count(1)


def register(target: Any) -> Any:
    """A number for `target`, in the form of the library's context pointers; valid until the object
    is gone."""
    key = ffi.cast("void *", next(_numbers))
    targets[key] = weakref.ref(target, lambda _: targets.pop(key, None))
    return key


def report(what: str, error: BaseException) -> None:
    """Prints an exception that has left a callback, and remembers Ctrl-C for the main thread."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)) and in_main_thread():
        interrupts.append(error)
        if COLLECTS_LATE:
            # A lock that was just being taken is given back by nothing but the end of its object.
            traceback.clear_frames(error.__traceback__)
            gc.collect()
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


# --- the end of the interpreter, and forks --------------------------------------------------------

#: What all callbacks pass, closed when the interpreter ends: those of the processes that this one
#: was forked from, and its own.
_gates: "list[Any]" = []


def _new_gate() -> None:
    _gates.append(made("rogue_mem_gate_t", lib.rogue_mem_gate_new))


def gate() -> Any:
    """The gate that callbacks are to be given."""
    return _gates[-1]


def _living() -> "list[Core]":
    """Every object there is."""
    while True:
        try:
            return list(_cores)
        except RuntimeError:
            # Another thread has just made one.
            continue


def _at_exit() -> None:
    """Sees to it that no thread calls Python once there is none any more, and ends every thread of
    the library."""
    State.is_closing = True
    close = lib.rogue_mem_gate_close
    for one in _gates:
        close(one, 0)
    lib.rogue_mem_log_set_sink(NULL)
    for core in _living():
        core.stop()
    # A callback that is still running must not come back into an interpreter that has gone.
    for _ in range(CALLBACKS_END_US // SLICE_US):
        if close(gate(), SLICE_US):
            break


def _after_fork() -> None:
    """Callbacks that ran in the parent never end here: new ones get a gate of their own."""
    for core in _living():
        left = _left.get(type(core))
        if left is not None:
            core.__class__ = left
    # What could not end in the parent never will here.
    _parents.extend(parked)
    parked.clear()
    targets.clear()
    begin_process()
    _new_gate()


_new_gate()
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
