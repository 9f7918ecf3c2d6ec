"""Hardware on this machine; only its names in this build."""

from .._impl.absent import absent
from . import axi

MemMap = absent("MemMap", "rogue.hardware")

__all__ = ["MemMap", "axi"]
