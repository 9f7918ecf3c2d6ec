"""Frames of many destinations over one packet transport."""

from .._impl.packetizer import Application, Core, CoreV2, Transport

__all__ = ["Application", "Core", "CoreV2", "Transport"]
