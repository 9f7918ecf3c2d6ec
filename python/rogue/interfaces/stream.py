"""Streams: masters send frames, slaves receive them."""

from .._impl.absent import Absent as _Absent
from .._impl.stream import Frame, FrameLock, Master, Pool, Slave


class Fifo(_Absent, Master, Slave):
    """Keeps frames in a queue between a master and a slave; not in this build."""


class Filter(_Absent, Master, Slave):
    """Passes on the frames of one channel, and drops those with errors; not in this build."""


class RateDrop(_Absent, Master, Slave):
    """Drops frames to limit their rate; not in this build."""


class TcpCore(_Absent, Master, Slave):
    """What both ends of a stream over TCP have in common; not in this build."""


class TcpClient(TcpCore):
    """Exchanges frames with a TcpServer; not in this build."""


class TcpServer(TcpCore):
    """Exchanges frames with a TcpClient; not in this build."""


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
