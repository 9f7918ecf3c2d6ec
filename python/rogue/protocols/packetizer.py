"""Streams in packets; not in this build."""

from .._impl.absent import absent

Transport = absent("Transport", "rogue.protocols.packetizer")
Application = absent("Application", "rogue.protocols.packetizer")
Core = absent("Core", "rogue.protocols.packetizer")
CoreV2 = absent("CoreV2", "rogue.protocols.packetizer")

__all__ = ["Transport", "Application", "Core", "CoreV2"]
