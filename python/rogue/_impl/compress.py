"""Frames compressed by bzip2, as Rogue has them."""

from __future__ import annotations

from typing import Any

from . import stream
from .native import general_error

#: Compression level, which is the block size in units of 100 kB; as in Rogue.
_LEVEL = 1
#: Upper bound on a decompressed payload in bytes: a frame of a few bytes may stand for any size.
_BYTES_MAX = 256 << 20


class _Converter(stream.Master, stream.Slave):
    """Sends each frame that it receives with another payload, in the sender's thread."""

    _rg_bz2: Any

    def __init__(self) -> None:
        # Not before it is needed: a Python may have been built without it.
        import bz2

        self._rg_bz2 = bz2
        stream.Master.__init__(self)
        stream.Slave.__init__(self)

    def _acceptFrame(self, frame: stream.Frame) -> None:
        payload = frame.getBa()
        # There is nothing to convert in an empty frame.
        converted = self._rg_convert(payload) if payload else payload
        sent = self._reqFrame(len(converted), True)
        sent.write(converted)
        sent.setFlags(frame.getFlags())
        sent.setChannel(frame.getChannel())
        sent.setError(frame.getError())
        self._sendFrame(sent)

    def _rg_convert(self, payload: bytearray) -> bytes:
        raise NotImplementedError


class StreamZip(_Converter):
    """Compresses the payload of each frame to one bzip2 stream, and sends it on; flags, channel
    and error stay. An empty frame stays empty."""

    __module__ = "rogue.utilities"

    def _rg_convert(self, payload: bytearray) -> bytes:
        return self._rg_bz2.compress(payload, _LEVEL)


class StreamUnZip(_Converter):
    """Decompresses the payload of each frame, and sends it on; flags, channel and error stay. Bytes
    behind the first bzip2 stream are ignored, and an empty frame stays empty.

    A payload that is damaged or cut, or stands for more than 256 MiB, is a GeneralError of
    `_acceptFrame`, and its frame is dropped. In a stream the error is printed, as each one that is
    raised in a slave.
    """

    __module__ = "rogue.utilities"

    def _rg_convert(self, payload: bytearray) -> bytes:
        decompressor = self._rg_bz2.BZ2Decompressor()
        try:
            converted: bytes = decompressor.decompress(payload, _BYTES_MAX)
        except OSError as error:
            raise _refused("Decompression runtime error: %s" % error) from None
        if decompressor.eof:
            return converted
        if len(converted) >= _BYTES_MAX:
            raise _refused("Decompression runtime error: more than %d bytes" % _BYTES_MAX)
        text = "Truncated or corrupt bzip2 stream: decompressor needs more input than available"
        raise _refused(text)


def _refused(text: str) -> Exception:
    return general_error("StreamUnZip::acceptFrame", text)
