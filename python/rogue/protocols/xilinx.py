"""JTAG through the network; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class Xvc(_Absent, _stream.Master, _stream.Slave):
    """Serves Xilinx Virtual Cable over TCP, with its JTAG on a stream; not in this build."""


class JtagDriver(_Absent):
    """Drives JTAG in firmware for an Xvc; not in this build."""


__all__ = ["Xvc", "JtagDriver"]
