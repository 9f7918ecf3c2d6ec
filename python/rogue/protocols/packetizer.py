"""Streams in packets; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class Transport(_Absent, _stream.Master, _stream.Slave):
    """The end of a packetizer where packets go in and out; not in this build."""


class Application(_Absent, _stream.Master, _stream.Slave):
    """The end of a packetizer where frames of one destination go in and out; not in this build."""


class Core(_Absent):
    """Cuts frames into packets and joins them again, version 1; not in this build."""


class CoreV2(_Absent):
    """Cuts frames into packets and joins them again, version 2; not in this build."""


__all__ = ["Transport", "Application", "Core", "CoreV2"]
