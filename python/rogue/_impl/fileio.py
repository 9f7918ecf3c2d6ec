"""Data files: frames are recorded, and sent again."""

from __future__ import annotations

import os
import time
from typing import Any, Callable

from . import stream
from .lifecycle import NativeHandle, described, filled
from .native import (
    NULL,
    SLICE_US,
    asked,
    check,
    counters,
    encode,
    lib,
    options,
    text_of,
)


def _wait(function: "Callable[..., bool]", timeout_us: float, *arguments: Any) -> bool:
    """Waits by a function of the library, 0 = without a limit. Ctrl-C ends the wait."""
    if timeout_us < 0:
        raise OverflowError("a timeout is not negative: %r" % timeout_us)
    end = time.monotonic() + timeout_us / 1e6
    while True:
        left_us = SLICE_US if timeout_us == 0 else (end - time.monotonic()) * 1e6
        # To the library 0 is no limit either.
        slice_us = max(int(min(left_us, SLICE_US)), 1)
        if asked(function(*arguments, slice_us)):
            return True
        if left_us <= slice_us and timeout_us != 0:
            return False


def _path(file: Any) -> bytes:
    return encode(os.fspath(file))


class StreamWriterChannel(stream.Slave):
    """Receives frames for a StreamWriter, and keeps its file open. A frame is written in the thread
    that sends it. ``StreamWriter.getChannel`` makes it."""

    __module__ = "rogue.utilities.fileio"

    _rg_channel: NativeHandle
    #: The file stays open as long as a stream leads to this channel.
    _rg_writer: NativeHandle

    def __init__(self) -> None:
        raise RuntimeError("Channels are made by StreamWriter.getChannel only")

    def getFrameCount(self) -> int:
        """Frames received since the file was opened: also those that were not written, and those
        that came while no file was open."""
        return lib.rogue_mem_file_channel_frame_count(self._rg_channel.handle)

    def setFrameCount(self, count: int) -> None:
        """Sets the number of frames received."""
        lib.rogue_mem_file_channel_set_frame_count(self._rg_channel.handle, count)

    def waitFrameCount(self, count: int, timeout: float) -> bool:
        """Waits until `count` frames have been received, for `timeout` microseconds at most; 0 = as
        long as it takes. Returns whether there are as many. Ctrl-C ends the wait."""
        wait = lib.rogue_mem_file_channel_wait_frame_count
        return _wait(wait, timeout, self._rg_channel.handle, count)


def _channel(writer: NativeHandle, number: int) -> StreamWriterChannel:
    channel: StreamWriterChannel = object.__new__(StreamWriterChannel)
    native = lib.rogue_mem_file_writer_channel(writer.handle, number)
    channel._rg_channel = NativeHandle(native, lib.rogue_mem_file_channel_release)
    channel._rg_writer = writer
    slave = lib.rogue_mem_file_channel_slave(native)
    channel._rg_init_stream_slave(NativeHandle(slave, lib.rogue_mem_stream_slave_release))
    return channel


class StreamWriter:
    """Records the frames that its channels receive in a data file, or in a series of them:
    ``source >> writer.getChannel(1)``.

    A frame is written in the thread that sends it: the disk holds up the sender. Frames without
    payload are not written, nor are any while no file is open. A write that fails closes the file;
    the log says why and what is lost, and `close` raises it. The file is closed, with what is in
    the buffer, by `close`, by the end of a ``with``, by the end of the interpreter, and when the
    writer and its channels are not used any more.
    """

    __module__ = "rogue.utilities.fileio"

    def __init__(self) -> None:
        owned = NativeHandle(
            NULL, lib.rogue_mem_file_writer_release, lib.rogue_mem_file_writer_close
        )
        kind, new = "rogue_mem_file_writer_t", lib.rogue_mem_file_writer_new
        self._rg_writer: NativeHandle = filled(owned, kind, new)
        self._rg_channels: "dict[int, StreamWriterChannel]" = {}

    def open(self, file: Any) -> None:
        """Creates a data file, or empties one that exists, and sets all counts to 0. With a size
        limit, ``.1`` is appended to its name. A file that is open is closed first."""
        check(lib.rogue_mem_file_writer_open(self._rg_writer.handle, _path(file)))

    def close(self) -> None:
        """Writes out what is in the buffer and closes the file, if one is open. Raises the first
        failure since the file was opened, once; it is closed all the same."""
        check(lib.rogue_mem_file_writer_close(self._rg_writer.handle))

    def isOpen(self) -> bool:
        """Whether a file is open."""
        return lib.rogue_mem_file_writer_is_open(self._rg_writer.handle)

    def getError(self) -> str:
        """The first failure since the file was opened; empty if there is none."""
        return text_of(lib.rogue_mem_file_writer_error, self._rg_writer.handle)

    def setRaw(self, raw: bool) -> None:
        """Writes the payload of later frames alone: nothing can tell then where one ends."""
        lib.rogue_mem_file_writer_set_raw(self._rg_writer.handle, bool(raw))

    def getRaw(self) -> bool:
        """Whether payload is written alone."""
        return lib.rogue_mem_file_writer_raw(self._rg_writer.handle)

    def setBufferSize(self, size: int) -> None:
        """Sets the size of the buffer, in which whole records are collected as long as they fit; 0
        = each is written at once. What is in it is written out first."""
        check(lib.rogue_mem_file_writer_set_buffer_size(self._rg_writer.handle, size))

    def setMaxSize(self, size: int) -> None:
        """Sets the size limit of each file; 0 = none. A record that would exceed it begins the next
        file. Set it before `open`."""
        lib.rogue_mem_file_writer_set_max_size(self._rg_writer.handle, size)

    def setDropErrors(self, drop: bool) -> None:
        """Leaves out frames with an error."""
        lib.rogue_mem_file_writer_set_drop_errors(self._rg_writer.handle, bool(drop))

    def getChannel(self, channel: int) -> StreamWriterChannel:
        """The channel with this number, 0 to 255, made once; 0 = its frames keep their own."""
        end = self._rg_channels.get(channel)
        if end is None:
            # Another thread may have made one meanwhile.
            end = self._rg_channels.setdefault(channel, _channel(self._rg_writer, channel))
        return end

    def getTotalSize(self) -> int:
        """Bytes in all files since the file was opened, those in the buffer included."""
        return lib.rogue_mem_file_writer_total_size(self._rg_writer.handle)

    def getCurrentSize(self) -> int:
        """Bytes in the present file, those in the buffer included."""
        return lib.rogue_mem_file_writer_current_size(self._rg_writer.handle)

    def getBandwidth(self) -> float:
        """Bytes written a second, over the last second; 0 while no file is open."""
        return lib.rogue_mem_file_writer_bandwidth(self._rg_writer.handle)

    def getFrameCount(self) -> int:
        """Frames written since the file was opened, those in the buffer included."""
        return lib.rogue_mem_file_writer_frame_count(self._rg_writer.handle)

    def waitFrameCount(self, count: int, timeout: float) -> bool:
        """Waits until `count` frames have been written, for `timeout` microseconds at most; 0 = as
        long as it takes. Returns whether there are as many. Ctrl-C ends the wait."""
        wait = lib.rogue_mem_file_writer_wait_frame_count
        return _wait(wait, timeout, self._rg_writer.handle, count)

    def getStats(self) -> "dict[str, int]":
        """All counters, by the member names of ``rogue_mem_file_writer_stats_t``."""
        kind, function = "rogue_mem_file_writer_stats_t", lib.rogue_mem_file_writer_stats
        return counters(kind, function, self._rg_writer.handle)

    def __enter__(self) -> "StreamWriter":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()

    @described
    def __repr__(self) -> str:
        state = "open" if self.isOpen() else "closed"
        return "<rogue.utilities.fileio.StreamWriter, %s, %d frames written>" % (
            state,
            self.getFrameCount(),
        )


class StreamReader(stream.Master):
    """Sends the records of a data file as frames, from a thread of its own and as fast as the
    slaves take them: ``reader >> sink``.

    It holds one record at a time, and asks for no more memory than the file has bytes, whatever a
    record claims. A file that is cut or damaged is read up to there; the log and `getError` say
    where. If the payload of a record is cut, a frame with error 1 tells the slaves.

    :param options: options of the C interface, by the member names of
        ``rogue_mem_file_reader_options_t``: ``frame_bytes_max`` and ``stack_bytes``. None leaves an
        option at its default.
    """

    __module__ = "rogue.utilities.fileio"

    def __init__(self, **more: Any) -> None:
        given = options("rogue_mem_file_reader_options_t", more)
        owned = NativeHandle(
            NULL, lib.rogue_mem_file_reader_release, lib.rogue_mem_file_reader_close
        )
        kind, new = "rogue_mem_file_reader_t", lib.rogue_mem_file_reader_new
        self._rg_reader: NativeHandle = filled(owned, kind, new, given)
        self._rg_init_stream_master(lib.rogue_mem_file_reader_stream_master(owned.handle))

    def open(self, file: Any) -> None:
        """Opens a data file and starts to send its frames. If its name ends in ``.1``, the files
        ``.2``, ``.3`` and so on follow, until one is missing. A file that is being read is closed
        first."""
        check(lib.rogue_mem_file_reader_open(self._rg_reader.handle, _path(file)))

    def close(self) -> None:
        """Stops after the frame that is being sent, and closes the file."""
        asked(lib.rogue_mem_file_reader_close(self._rg_reader.handle))

    def isOpen(self) -> bool:
        """Whether a file is being read: not any more when the last of its frames has been sent."""
        return lib.rogue_mem_file_reader_is_open(self._rg_reader.handle)

    def isActive(self) -> bool:
        """As `isOpen`."""
        return self.isOpen()

    def closeWait(self) -> None:
        """Waits until all frames have been sent, and closes the file; in a delivery as `close`.
        Ctrl-C ends the wait."""
        _wait(lib.rogue_mem_file_reader_wait, 0, self._rg_reader.handle)
        self.close()

    def getError(self) -> str:
        """What was wrong with the file, in words; empty if nothing was."""
        return text_of(lib.rogue_mem_file_reader_error, self._rg_reader.handle)

    def getStats(self) -> "dict[str, int]":
        """All counters, by the member names of ``rogue_mem_file_reader_stats_t``."""
        kind, function = "rogue_mem_file_reader_stats_t", lib.rogue_mem_file_reader_stats
        return counters(kind, function, self._rg_reader.handle)

    def _stop(self) -> None:
        """Closes the file, and disconnects the slaves."""
        self._rg_stream_slaves.clear()
        lib.rogue_mem_file_reader_stop(self._rg_reader.handle)

    def __enter__(self) -> "StreamReader":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()
