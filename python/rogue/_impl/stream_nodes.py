"""Nodes of streams that need no protocol: Fifo, Filter and RateDrop."""

from __future__ import annotations

from typing import Any

from . import stream
from .lifecycle import NativeHandle, filled
from .native import NULL, lib


class Fifo(stream.Master, stream.Slave):
    """Parts the receivers of frames from their sender: ``source >> fifo >> sink``.

    A thread of this object delivers the frames until `_stop`, or the end of a ``with``. A sender
    never waits. A frame that arrives while `maxDepth` frames are queued (0 = not limited) is
    dropped and counted. Frames are copied on arrival, and cut to `trimSize` bytes unless that is
    0; with `noCopy` the frames themselves are queued, whole, and their sender must leave them
    alone.
    """

    __module__ = "rogue.interfaces.stream"

    def __init__(self, maxDepth: int, trimSize: int, noCopy: bool) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_fifo_release, lib.rogue_mem_fifo_stop)
        kind, new = "rogue_mem_fifo_t", lib.rogue_mem_fifo_new
        self._rg_fifo: NativeHandle = filled(owned, kind, new, maxDepth, trimSize, bool(noCopy))
        stream.init_ends(self, lib.rogue_mem_fifo_stream_port(owned.handle))

    def size(self) -> int:
        """Number of queued frames."""
        return lib.rogue_mem_fifo_size(self._rg_fifo.handle)

    def dropCnt(self) -> int:
        """Number of dropped frames since the start or `clearCnt`."""
        return lib.rogue_mem_fifo_dropped(self._rg_fifo.handle)

    def clearCnt(self) -> None:
        """Sets the number of dropped frames to 0."""
        lib.rogue_mem_fifo_clear_dropped(self._rg_fifo.handle)

    def _stop(self) -> None:
        """Ends the delivery: drops queued and later frames, and disconnects all slaves."""
        self._rg_stream_slaves.clear()
        self._rg_fifo.stop()

    def __enter__(self) -> "Fifo":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()


class Filter(stream.Master, stream.Slave):
    """Passes on the frames of `channel`, in the sender's thread and without a copy; with
    `dropErrors` only those whose error is 0."""

    __module__ = "rogue.interfaces.stream"

    def __init__(self, dropErrors: bool, channel: int) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_filter_release)
        kind, new = "rogue_mem_filter_t", lib.rogue_mem_filter_new
        self._rg_filter: NativeHandle = filled(owned, kind, new, bool(dropErrors), channel)
        stream.init_ends(self, lib.rogue_mem_filter_stream_port(owned.handle))


class RateDrop(stream.Master, stream.Slave):
    """Passes on some of the frames that it receives, in the sender's thread and without a copy.

    With `period`, at most one frame passes in `value` seconds, and none in the first ones after
    construction. Else as many frames as `value`, without its fraction, are dropped after each one
    that passes. 0 passes all frames, either way.
    """

    __module__ = "rogue.interfaces.stream"

    def __init__(self, period: bool, value: float) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_rate_drop_release)
        kind, new = "rogue_mem_rate_drop_t", lib.rogue_mem_rate_drop_new
        self._rg_rate_drop: NativeHandle = filled(owned, kind, new, bool(period), value)
        stream.init_ends(self, lib.rogue_mem_rate_drop_stream_port(owned.handle))
