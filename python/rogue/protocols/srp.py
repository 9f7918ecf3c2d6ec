"""SLAC Register Protocol: registers over a stream."""

from .._impl import memory as _memory
from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent
from .._impl.srp import SrpV3, SrpV3Emulation


class SrpV0(_Absent, _stream.Master, _stream.Slave, _memory.Slave):
    """Carries register transactions over a stream as SRP version 0; not in this build."""


class Cmd(_Absent, _stream.Master):
    """Sends commands without answers over a stream; not in this build."""


__all__ = ["Cmd", "SrpV0", "SrpV3", "SrpV3Emulation"]
