"""Interfaces: the memory bus, streams, and the servers of trees of registers."""

from .._impl.absent import Absent as _Absent
from . import memory, stream


class ZmqServer(_Absent):
    """Serves a tree of registers to programs on other machines; not in this build."""


class ZmqClient(_Absent):
    """Reaches the tree of registers that a ZmqServer serves; not in this build."""


__all__ = ["ZmqClient", "ZmqServer", "memory", "stream"]
