"""Streams over UDP; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class Core(_Absent):
    """What both ends of a stream over UDP have in common; not in this build."""


class Client(Core, _stream.Master, _stream.Slave):
    """Exchanges frames as datagrams with a server; not in this build."""


class Server(Core, _stream.Master, _stream.Slave):
    """Exchanges frames as datagrams with a client; not in this build."""


__all__ = ["Core", "Client", "Server"]
