"""Streams: masters send frames, slaves receive them."""

from .._impl.stream import Frame, FrameLock, Master, Pool, Slave
from .._impl.stream_nodes import Fifo, Filter, RateDrop
from .._impl.stream_tcp import TcpClient, TcpCore, TcpServer

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
