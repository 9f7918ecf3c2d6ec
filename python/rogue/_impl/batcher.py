"""Super-frames: several frames in one."""

from __future__ import annotations

from typing import Any, Callable

from . import stream
from .lifecycle import NativeHandle, filled
from .native import NULL, check, counters, lib


class _Node(stream.Master, stream.Slave):
    """A node over one native object, which works as long as it is connected."""

    _rg_kind: str
    _rg_native: NativeHandle

    def _rg_init_node(self, new: "Callable[..., int]", *arguments: Any) -> None:
        kind = self._rg_kind
        owned = NativeHandle(NULL, getattr(lib, "rogue_mem_%s_release" % kind))
        self._rg_native = filled(owned, "rogue_mem_%s_t" % kind, new, *arguments)
        stream.init_ends(self, getattr(lib, "rogue_mem_%s_stream_port" % kind)(owned.handle))

    def getStats(self) -> "dict[str, int]":
        """All counters, by the member names of the C interface."""
        kind = "rogue_mem_%s_stats" % self._rg_kind
        return counters(kind + "_t", getattr(lib, kind), self._rg_native.handle)


class _Combiner(_Node):
    _rg_kind = "batch_combiner"

    def sendBatch(self) -> None:
        """Sends all queued frames as one super-frame, in this thread; nothing if there are none.
        GeneralError if the first slave gives no frame for it; the queued frames are lost then."""
        check(lib.rogue_mem_batch_combiner_send(self._rg_native.handle))

    def getCount(self) -> int:
        """Number of queued frames."""
        return lib.rogue_mem_batch_combiner_count(self._rg_native.handle)


class CombinerV1(_Combiner):
    """Packs frames into super-frames of version 1: queues those that it receives, and sends all of
    them as one by `sendBatch`. Their channels become destinations; errors are not transported.

    :param width: 0 to 5, for words of 2, 4, 8, 16, 32 or 64 bytes, to which data is padded.
    """

    __module__ = "rogue.protocols.batcher"

    def __init__(self, width: int) -> None:
        self._rg_init_node(lib.rogue_mem_batch_combiner_new_v1, width)


class CombinerV2(_Combiner):
    """The same, version 2: without padding."""

    __module__ = "rogue.protocols.batcher"

    def __init__(self) -> None:
        self._rg_init_node(lib.rogue_mem_batch_combiner_new_v2)


class SplitterV1(_Node):
    """Sends each record of a super-frame of version 1 as a frame of its own, in the sender's
    thread: with the destination as its channel, its first and last user, and no error. What came
    with an error, or is no super-frame, is dropped as a whole, counted and logged."""

    __module__ = "rogue.protocols.batcher"
    _rg_kind = "batch_splitter"

    def __init__(self) -> None:
        self._rg_init_node(lib.rogue_mem_batch_splitter_new_v1)


class SplitterV2(_Node):
    """The same, version 2."""

    __module__ = "rogue.protocols.batcher"
    _rg_kind = "batch_splitter"

    def __init__(self) -> None:
        self._rg_init_node(lib.rogue_mem_batch_splitter_new_v2)


class InverterV1(_Node):
    """Turns the tails behind the records of a super-frame of version 1, with a width of 2 to 5,
    into headers before them, and sends the result. What came with an error, or cannot be inverted,
    is dropped, counted and logged."""

    __module__ = "rogue.protocols.batcher"
    _rg_kind = "batch_inverter"

    def __init__(self) -> None:
        self._rg_init_node(lib.rogue_mem_batch_inverter_new_v1)


class InverterV2(_Node):
    """The same, version 2, of which it moves two of the seven bytes of each tail, as Rogue does:
    the result is of use for one record at most."""

    __module__ = "rogue.protocols.batcher"
    _rg_kind = "batch_inverter"

    def __init__(self) -> None:
        self._rg_init_node(lib.rogue_mem_batch_inverter_new_v2)
