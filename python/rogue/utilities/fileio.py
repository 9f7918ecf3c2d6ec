"""Frames in files."""

from .._impl.fileio import StreamReader, StreamWriter, StreamWriterChannel

__all__ = ["StreamReader", "StreamWriter", "StreamWriterChannel"]
