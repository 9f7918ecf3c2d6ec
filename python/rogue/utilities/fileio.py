"""Frames in files; not in this build."""

from .._impl.absent import absent

StreamReader = absent("StreamReader", "rogue.utilities.fileio")
StreamWriter = absent("StreamWriter", "rogue.utilities.fileio")
StreamWriterChannel = absent("StreamWriterChannel", "rogue.utilities.fileio")

__all__ = ["StreamReader", "StreamWriter", "StreamWriterChannel"]
