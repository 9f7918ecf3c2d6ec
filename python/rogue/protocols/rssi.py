"""Reliable streams over UDP; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class Transport(_Absent, _stream.Master, _stream.Slave):
    """The end of a reliable stream where datagrams go in and out; not in this build."""


class Application(_Absent, _stream.Master, _stream.Slave):
    """The end of a reliable stream where frames go in and out, in order; not in this build."""


class Client(_Absent):
    """A reliable stream that opens the connection; not in this build."""


class Server(_Absent):
    """A reliable stream that waits for the connection; not in this build."""


__all__ = ["Transport", "Application", "Client", "Server"]
