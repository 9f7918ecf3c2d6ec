"""Tools."""

from .._impl.compress import StreamUnZip, StreamZip
from .._impl.prbs import Prbs
from . import fileio

__all__ = ["Prbs", "StreamUnZip", "StreamZip", "fileio"]
