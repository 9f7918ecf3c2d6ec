"""SLAC Register Protocol: registers over a stream."""

from .._impl.srp import Cmd, SrpV0, SrpV3, SrpV3Emulation

__all__ = ["Cmd", "SrpV0", "SrpV3", "SrpV3Emulation"]
