"""Batches of frames; not in this build."""

from .._impl import stream as _stream
from .._impl.absent import Absent as _Absent


class SplitterV1(_Absent, _stream.Master, _stream.Slave):
    """Splits frames that carry batches, version 1, into the frames within; not in this build."""


class SplitterV2(_Absent, _stream.Master, _stream.Slave):
    """Splits frames that carry batches, version 2, into the frames within; not in this build."""


class InverterV1(_Absent, _stream.Master, _stream.Slave):
    """Rewrites the layout of frames that carry batches, version 1; not in this build."""


class InverterV2(_Absent, _stream.Master, _stream.Slave):
    """Rewrites the layout of frames that carry batches, version 2; not in this build."""


class CombinerV1(_Absent, _stream.Master, _stream.Slave):
    """Packs frames into batches, version 1; not in this build."""


class CombinerV2(_Absent, _stream.Master, _stream.Slave):
    """Packs frames into batches, version 2; not in this build."""


__all__ = ["SplitterV1", "SplitterV2", "InverterV1", "InverterV2", "CombinerV1", "CombinerV2"]
