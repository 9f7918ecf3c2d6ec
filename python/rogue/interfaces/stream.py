"""Streams: masters send frames, slaves receive them."""

from .._impl.absent import absent
from .._impl.stream import Frame, FrameLock, Master, Pool, Slave

Fifo = absent("Fifo", "rogue.interfaces.stream", Master, Slave)
Filter = absent("Filter", "rogue.interfaces.stream", Master, Slave)
RateDrop = absent("RateDrop", "rogue.interfaces.stream", Master, Slave)
TcpCore = absent("TcpCore", "rogue.interfaces.stream", Master, Slave)
TcpClient = absent("TcpClient", "rogue.interfaces.stream", TcpCore)
TcpServer = absent("TcpServer", "rogue.interfaces.stream", TcpCore)

__all__ = [
    "Fifo",
    "Filter",
    "Frame",
    "FrameLock",
    "Master",
    "Pool",
    "RateDrop",
    "Slave",
    "TcpClient",
    "TcpCore",
    "TcpServer",
]
