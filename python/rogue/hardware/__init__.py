"""Hardware on this machine; only its names in this build."""

from .._impl import memory as _memory
from .._impl.absent import Absent as _Absent
from . import axi


class MemMap(_Absent, _memory.Slave):
    """Registers in a range of this machine's physical memory; not in this build."""


__all__ = ["MemMap", "axi"]
