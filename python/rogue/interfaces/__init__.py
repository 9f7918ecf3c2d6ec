"""Interfaces: the memory bus, streams, and the servers of trees of registers."""

from .._impl.absent import absent
from . import memory, stream

ZmqServer = absent("ZmqServer", "rogue.interfaces")
ZmqClient = absent("ZmqClient", "rogue.interfaces")

__all__ = ["ZmqClient", "ZmqServer", "memory", "stream"]
