"""What the objects with a link to hardware share: callbacks for its openings and closings, and
event loops."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional

from .lifecycle import NativeHandle, escaped, filled, gate, register, report, targets
from .native import (
    NULL,
    SLICE_US,
    callback,
    check,
    encode,
    ffi,
    lib,
    options,
    slice_us,
    spin,
)

_CALLBACK = "the callback of a link"


@callback("void(void *, rogue_mem_link_t const *)", escaped(_CALLBACK))
def _changed(ctx: Any, link: Any) -> None:
    reference = targets.get(ctx)
    told = None if reference is None else reference()
    if told is None:
        return
    try:
        told.function(bool(link.open), ffi.string(link.text).decode("utf-8", "replace"))
    except BaseException as error:
        report(_CALLBACK, error)


class LinkCallback:
    """The callback of a link, which the object with the link keeps."""

    __slots__ = ("__weakref__", "function")

    def __init__(self, function: "Callable[[bool, str], Any]") -> None:
        self.function = function


def observe(
    observe_native: Any, handle: Any, function: "Optional[Callable[[bool, str], Any]]"
) -> "Optional[LinkCallback]":
    """Sets the callback of a link, which is called as long as the result exists."""
    if function is None:
        check(observe_native(handle, NULL))
        return None
    told = LinkCallback(function)
    observer = ffi.new("rogue_mem_link_observer_t *")
    observer.size = ffi.sizeof("rogue_mem_link_observer_t")
    observer.ctx = register(told)
    observer.changed = _changed
    observer.gate = gate()
    check(observe_native(handle, observer))
    return told


def wait_open(wait_native: "Callable[[Any, int], int]", handle: Any, timeout: float) -> None:
    """Waits for a link, at most `timeout` seconds. Ctrl-C ends the wait."""
    end = time.monotonic() + timeout
    while True:
        left_us = slice_us(end)
        status = wait_native(handle, left_us)
        if status != lib.ROGUE_MEM_ERROR_TIMEOUT or left_us < SLICE_US:
            return check(status)


class EventLoop:
    """A thread that several objects share, the layers of a road to a board or many boards:
    ``UdpRssiPack(host=..., port=8192, event_loop=loop)``.

    :param name: the name of the thread, of which the system may show the first 15 bytes.
    :param spin_us: how long it polls for the next event before it sleeps, in microseconds; 0 = not
        at all, None = adaptive.
    :param more: further options of the C interface, by the member names of
        ``rogue_mem_event_loop_options_t``: ``stack_bytes``.

    Without one each object has a thread of its own. Receivers of frames run on the thread, one at a
    time: one that blocks stalls all objects of the loop, and must not wait for any of them. The
    objects keep the thread; it ends with the last of them and this one.
    """

    __module__ = "rogue.protocols"

    def __init__(self, name: str, *, spin_us: Optional[int] = None, **more: Any) -> None:
        given = options("rogue_mem_event_loop_options_t", dict(more, spin_us=spin(spin_us)))
        owned = NativeHandle(NULL, lib.rogue_mem_event_loop_release)
        arguments = (lib.rogue_mem_event_loop_new, encode(name), given)
        self._rg_option: NativeHandle = filled(owned, "rogue_mem_event_loop_t", *arguments)
