"""Life time of native objects, through the end of the interpreter and os.fork.

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

#: Longest wait for running callbacks at the end of the interpreter.
CALLBACKS_END_US = 1_000_000


class Interpreter:
    """The state of the interpreter, for all threads."""

    is_closing = False


class NativeHandle:
    """One reference to a native object. The classes of the interface hold one or more of these and
    have no destructor of their own, so that subclasses may define one."""

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
        _handles.add(self)

    def stop(self) -> None:
        """Ends the threads of the object, if it has any."""
        if self._stop is not None and self.handle:
            self._stop(self.handle)

    def __del__(self) -> None:
        # At the end of the interpreter its threads are gone, and a lock that this call needs may
        # stay locked. After a failed constructor there is no handle to release.
        if not Interpreter.is_closing and getattr(self, "handle", None):
            self.stop()
            self._release(self.handle)


def filled(owned: Any, kind: str, function: Callable[..., int], *arguments: Any) -> Any:
    """`owned`, filled by a constructor of the library, which returns the handle through its last
    parameter. Ctrl-C in between leaks nothing."""
    out = ffi.new("%s **" % kind)
    try:
        check(function(*arguments, out))
    finally:
        owned.handle = out[0]
    return owned


_handles: "weakref.WeakSet[NativeHandle]" = weakref.WeakSet()


#: The error of an object in a child of os.fork.
FORKED = (
    "The object was made before os.fork(), and its threads are not in this process; make a new one"
)


class _Forked:
    """The form of a handle in a child of os.fork. The threads of the object do not exist there, and
    its locks may be locked for ever: the object is never touched again."""

    __slots__ = ()

    @property
    def handle(self) -> Any:
        raise general_error("rogue", FORKED)

    #: The handle in the form of held functions, and the lock of connections, which another thread
    #: of the parent may have, of those that have them.
    place = connecting = handle

    def stop(self) -> None:
        """Nothing to stop."""

    def __del__(self) -> None:
        pass


#: Objects without a user whose release is deferred: another thread holds a lock that the release
#: would wait for.
deferred: "list[Any]" = []


def end_deferred() -> None:
    """Releases the deferred objects whose locks are free now."""
    for _ in range(len(deferred)):
        try:
            one = deferred.pop(0)
        except IndexError:
            # Another thread empties the list too.
            return
        if not one.end():
            deferred.append(one)


#: Deferred objects of the processes that this one was forked from.
_parents: "list[Any]" = []


#: The form of each class of handles in a child of os.fork.
_forked_forms: "dict[type, type]" = {}


def forked_form(cls: type) -> type:
    """Registers the form that handles of class `cls` get in a child of os.fork."""
    _forked_forms[cls] = type("Forked" + cls.__name__, (_Forked, cls), {"__slots__": ()})
    return cls


forked_form(NativeHandle)


def described(describe: "Callable[[Any], str]") -> "Callable[[Any], str]":
    """For `__repr__`: an error of the library becomes a part of the description."""

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
#: Source of these numbers: unique across threads, never 0.
_numbers = itertools.count(1)


def register(target: Any) -> Any:
    """A number for `target`, in the form of the library's context pointers; valid for the life of
    the object."""
    key = ffi.cast("void *", next(_numbers))
    targets[key] = weakref.ref(target, lambda _: targets.pop(key, None))
    return key


def keep(error: BaseException) -> None:
    """Keeps an exception of a callback in the main thread for the call that led to it."""
    interrupts.append(error)
    if COLLECTS_LATE:
        # Only the collection of its object releases a lock whose acquisition was interrupted.
        traceback.clear_frames(error.__traceback__)
        gc.collect()


def report(what: str, error: BaseException) -> None:
    """Prints an exception that escaped a callback; keeps Ctrl-C for the main thread."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)) and in_main_thread():
        keep(error)
        return
    try:
        print("Exception in %s:" % what, file=sys.stderr)
        traceback.print_exception(type(error), error, error.__traceback__)
    except Exception:
        # No usable standard error.
        pass


def escaped(what: str) -> "Callable[..., None]":
    """The handler of an exception outside the body of a callback: before its first statement or
    after its last."""

    def report_it(_type: Any, error: BaseException, _traceback: Any) -> None:
        report(what, error)

    return report_it


# --- the end of the interpreter, and forks --------------------------------------------------------

#: The gates of all callbacks, closed at the end of the interpreter: of the processes that this one
#: was forked from, and last its own.
_gates: "list[Any]" = []


def _new_gate() -> None:
    _gates.append(made("rogue_mem_gate_t", lib.rogue_mem_gate_new))


def gate() -> Any:
    """The gate for new callbacks."""
    return _gates[-1]


def _living() -> "list[NativeHandle]":
    """Every native handle that exists."""
    while True:
        try:
            return list(_handles)
        except RuntimeError:
            # Another thread added one during the copy.
            continue


def _at_exit() -> None:
    """Closes the gates, so that no thread calls into an interpreter that is gone, and ends every
    thread of the library."""
    Interpreter.is_closing = True
    close = lib.rogue_mem_gate_close
    for one in _gates:
        close(one, 0)
    lib.rogue_mem_log_set_sink(NULL)
    for owned in _living():
        owned.stop()
    # A running callback must not return into an interpreter that is gone.
    for _ in range(CALLBACKS_END_US // SLICE_US):
        if close(gate(), SLICE_US):
            break


def _after_fork() -> None:
    """Callbacks that run in the parent never return here: new callbacks get a new gate."""
    for owned in _living():
        form = _forked_forms.get(type(owned))
        if form is not None:
            owned.__class__ = form
    # The locks that defer them are never released here.
    _parents.extend(deferred)
    deferred.clear()
    targets.clear()
    begin_process()
    _new_gate()


_new_gate()
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
