"""Kernel drivers of AXI devices; not in this build."""

from .._impl.absent import absent

AxiMemMap = absent("AxiMemMap", "rogue.hardware.axi")
AxiStreamDma = absent("AxiStreamDma", "rogue.hardware.axi")

__all__ = ["AxiMemMap", "AxiStreamDma"]
