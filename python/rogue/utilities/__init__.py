"""Tools."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent
from .._impl.prbs import Prbs
from . import fileio


class StreamZip(_Absent, _stream.Master, _stream.Slave):
    """Compresses the frames of a stream; not in this build."""


class StreamUnZip(_Absent, _stream.Master, _stream.Slave):
    """Decompresses the frames of a stream; not in this build."""


__all__ = ["Prbs", "StreamUnZip", "StreamZip", "fileio"]
