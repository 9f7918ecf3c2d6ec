"""JTAG through the network; not in this build."""

from .._impl.absent import absent

Xvc = absent("Xvc", "rogue.protocols.xilinx")
JtagDriver = absent("JtagDriver", "rogue.protocols.xilinx")

__all__ = ["Xvc", "JtagDriver"]
