"""Super-frames: several frames in one."""

from .._impl.batcher import (
    CombinerV1,
    CombinerV2,
    InverterV1,
    InverterV2,
    SplitterV1,
    SplitterV2,
)

__all__ = ["CombinerV1", "CombinerV2", "InverterV1", "InverterV2", "SplitterV1", "SplitterV2"]
