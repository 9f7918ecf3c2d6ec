"""Interfaces: the memory bus, streams, and the two ends of remote access to a tree of registers."""

from .._impl.remote_client import ZmqClient
from .._impl.remote_server import ZmqServer
from . import memory, stream

__all__ = ["ZmqClient", "ZmqServer", "memory", "stream"]
