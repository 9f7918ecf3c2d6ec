"""Frames in files; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class StreamReader(_Absent, _stream.Master):
    """Sends the frames of a file; not in this build."""


class StreamWriter(_Absent):
    """Writes the frames of its channels to a file; not in this build."""


class StreamWriterChannel(_Absent, _stream.Slave):
    """Receives frames for a channel of a StreamWriter; not in this build."""


__all__ = ["StreamReader", "StreamWriter", "StreamWriterChannel"]
