"""Batches of frames; not in this build."""

from .._impl.absent import absent

SplitterV1 = absent("SplitterV1", "rogue.protocols.batcher")
SplitterV2 = absent("SplitterV2", "rogue.protocols.batcher")
InverterV1 = absent("InverterV1", "rogue.protocols.batcher")
InverterV2 = absent("InverterV2", "rogue.protocols.batcher")
CombinerV1 = absent("CombinerV1", "rogue.protocols.batcher")
CombinerV2 = absent("CombinerV2", "rogue.protocols.batcher")

__all__ = ["SplitterV1", "SplitterV2", "InverterV1", "InverterV2", "CombinerV1", "CombinerV2"]
