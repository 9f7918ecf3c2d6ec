"""Kernel drivers of AXI devices; not in this build."""

from .._impl import memory as _memory
from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class AxiMemMap(_Absent, _memory.Slave):
    """Registers of a device behind a kernel driver; not in this build."""


class AxiStreamDma(_Absent, _stream.Master, _stream.Slave):
    """Moves frames to and from a device by DMA, through a kernel driver; not in this build."""


__all__ = ["AxiMemMap", "AxiStreamDma"]
