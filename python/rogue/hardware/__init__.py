"""Hardware on this machine."""

from .._impl.memmap import MemMap
from . import axi

__all__ = ["MemMap", "axi"]
