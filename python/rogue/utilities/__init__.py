"""Tools; only their names in this build."""

from .._impl.absent import absent
from . import fileio

Prbs = absent("Prbs", "rogue.utilities")
StreamZip = absent("StreamZip", "rogue.utilities")
StreamUnZip = absent("StreamUnZip", "rogue.utilities")

__all__ = ["Prbs", "StreamUnZip", "StreamZip", "fileio"]
