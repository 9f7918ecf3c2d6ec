"""Streams: masters, slaves, frames."""

from __future__ import annotations

import functools
from threading import get_ident
from typing import Any, Callable, Optional, TypeVar

from .lifecycle import Core, described, escaped, filled, gate, register, report, targets
from .native import (
    NULL,
    SLICE_US,
    callback,
    check,
    encode_any,
    ffi,
    general_error,
    interrupts,
    lib,
    made,
    refuse_copies,
    view_of,
)

try:
    # Only PyPy's collector must be told of memory that it does not see.
    from __pypy__ import add_memory_pressure  # type: ignore[import-not-found]
except ImportError:
    add_memory_pressure = None

_new = object.__new__
_Method = TypeVar("_Method", bound=Callable[..., Any])


def _locked(method: _Method) -> _Method:
    """Has a method of a frame run under the frame's lock, for which Ctrl-C ends the wait."""

    @functools.wraps(method)
    def under_lock(self: "Frame", *arguments: Any, **keywords: Any) -> Any:
        with FrameLock(self):
            return method(self, *arguments, **keywords)

    return under_lock  # type: ignore[return-value]


class Frame:
    """Bytes on their way through a stream, with flags, a channel and an error.

    It has room for `getSize` bytes, of which the first `getPayload` are in use. All slaves of a
    master get the same frame. Methods that touch the payload take the frame's lock by themselves,
    unless this thread has it. Frames are made by ``Master._reqFrame``.
    """

    __module__ = "rogue.interfaces.stream"
    __slots__ = ("_handle", "__weakref__")

    _handle: Any

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> "Frame":
        raise RuntimeError("Frames are made by Master._reqFrame only")

    def __del__(self) -> None:
        try:
            lib.rogue_mem_frame_release(self._handle)
        except AttributeError:
            # Ctrl-C came when it was being made.
            pass
        except KeyboardInterrupt as error:
            # Python would drop it.
            interrupts.append(error)

    __reduce_ex__ = refuse_copies

    @_locked
    def __repr__(self) -> str:
        return "<Frame of %d bytes, room for %d, channel %d, flags 0x%04x, error %d>" % (
            self.getPayload(),
            self.getSize(),
            self.getChannel(),
            self.getFlags(),
            self.getError(),
        )

    def lock(self) -> "FrameLock":
        """Takes the frame's lock, to be given back at the end of the ``with``."""
        return FrameLock(self)

    @_locked
    def getSize(self) -> int:
        """Bytes that the frame has room for."""
        return lib.rogue_mem_frame_size(self._handle)

    @_locked
    def getAvailable(self) -> int:
        """Bytes by which the payload can grow."""
        return lib.rogue_mem_frame_available(self._handle)

    @_locked
    def getPayload(self) -> int:
        """Bytes in use."""
        return lib.rogue_mem_frame_payload(self._handle)

    @_locked
    def read(self, buffer: Any, offset: int = 0) -> None:
        """Fills `buffer` from byte `offset` of the payload. GeneralError if there is not enough."""
        view = view_of("Frame::readPy", buffer, True)
        payload = lib.rogue_mem_frame_payload(self._handle)
        if offset < 0 or offset + len(view) > payload:
            raise _beyond("read %d bytes from", len(view), offset, payload, "Frame::readPy")
        check(lib.rogue_mem_frame_read_data(self._handle, offset, view, len(view)))

    @_locked
    def write(self, buffer: Any, offset: int = 0) -> None:
        """Copies `buffer` to byte `offset`; the payload grows as far as it must. GeneralError if
        there is no room."""
        view = view_of("Frame::writePy", buffer, False)
        end = offset + len(view)
        size = lib.rogue_mem_frame_size(self._handle)
        if offset < 0 or end > size:
            raise _beyond("write %d bytes to", len(view), offset, size, "Frame::writePy")
        if end > lib.rogue_mem_frame_payload(self._handle):
            check(lib.rogue_mem_frame_set_payload(self._handle, end))
        check(lib.rogue_mem_frame_write_data(self._handle, offset, view, len(view)))

    @_locked
    def getBa(self, offset: int = 0, count: int = 0) -> bytearray:
        """A copy of `count` bytes from byte `offset` on; 0 = all that follow."""
        payload = lib.rogue_mem_frame_payload(self._handle)
        if count == 0:
            count = max(payload - offset, 0)
        if offset < 0 or count < 0 or offset + count > payload:
            raise _beyond("read %d bytes from", count, offset, payload, "Frame::readPy")
        result = bytearray(count)
        view = view_of("Frame::readPy", result, True)
        check(lib.rogue_mem_frame_read_data(self._handle, offset, view, count))
        return result

    def getMemoryview(self) -> memoryview:
        """A copy of the payload."""
        return memoryview(self.getBa())

    def getNumpy(self, offset: int = 0, count: int = 0) -> Any:
        """A copy as `getBa` makes it, as an array of numpy.uint8."""
        import numpy

        return numpy.frombuffer(self.getBa(offset, count), dtype=numpy.uint8)

    def putNumpy(self, array: Any, offset: int = 0) -> None:
        """Copies the bytes of a contiguous array to byte `offset`, as `write` does."""
        self.write(array, offset)

    def setError(self, error: int) -> None:
        """Sets the error, 0 to 255; 0 says that the frame is good."""
        lib.rogue_mem_frame_set_error(self._handle, error)

    def getError(self) -> int:
        """The error; 0 if the frame is good."""
        return lib.rogue_mem_frame_error(self._handle)

    def setFlags(self, flags: int) -> None:
        """Sets the flags: bits 7 to 0 are the first user byte, 15 to 8 the last."""
        lib.rogue_mem_frame_set_flags(self._handle, flags)

    def getFlags(self) -> int:
        """The flags."""
        return lib.rogue_mem_frame_flags(self._handle)

    def setFirstUser(self, fuser: int) -> None:
        """Sets the first user byte."""
        lib.rogue_mem_frame_set_first_user(self._handle, fuser)

    def getFirstUser(self) -> int:
        """The first user byte."""
        return lib.rogue_mem_frame_first_user(self._handle)

    def setLastUser(self, luser: int) -> None:
        """Sets the last user byte."""
        lib.rogue_mem_frame_set_last_user(self._handle, luser)

    def getLastUser(self) -> int:
        """The last user byte."""
        return lib.rogue_mem_frame_last_user(self._handle)

    def setChannel(self, channel: int) -> None:
        """Sets the channel, 0 to 255."""
        lib.rogue_mem_frame_set_channel(self._handle, channel)

    def getChannel(self) -> int:
        """The channel."""
        return lib.rogue_mem_frame_channel(self._handle)


def _beyond(what: str, count: int, offset: int, size: int, source: str) -> Exception:
    words = "Attempt to " + what + " frame at offset %d with size %d"
    return general_error(source, words % (count, offset, size))


def _frame(handle: Any) -> Frame:
    """The Python form of a frame whose reference is the caller's."""
    frame: Frame = _new(Frame)
    frame._handle = handle
    if add_memory_pressure is not None:
        add_memory_pressure(lib.rogue_mem_frame_size(handle))
    return frame


class FrameLock:
    """Holds a frame's lock. Given back at the end of a ``with``, by `unlock`, or with the object;
    by the thread that has taken it."""

    __module__ = "rogue.interfaces.stream"
    __slots__ = ("_frame", "_held", "_thread")

    def __init__(self, frame: Frame) -> None:
        # Set and cleared by the library, as Ctrl-C may come between any two steps here.
        self._held = ffi.new("bool *")
        self._frame = frame
        self.lock()

    def lock(self) -> None:
        """Takes the lock, unless this object has it. Ctrl-C ends the wait."""
        if self._held[0]:
            return
        self._thread = get_ident()
        try:
            while not lib.rogue_mem_frame_lock_for(self._frame._handle, SLICE_US, self._held):
                pass
        except BaseException:
            self.unlock()
            raise

    def unlock(self) -> None:
        """Gives the lock back, if this object has it."""
        if self._held[0] and self._thread == get_ident():
            lib.rogue_mem_frame_unlock_held(self._frame._handle, self._held)

    def __enter__(self) -> "FrameLock":
        self.lock()
        return self

    def __exit__(self, *_exception: Any) -> Optional[bool]:
        self.unlock()
        return None

    def __del__(self) -> None:
        self.unlock()

    __reduce_ex__ = refuse_copies


class Pool:
    """Where the frames come from that a slave is asked for."""

    __module__ = "rogue.interfaces.stream"

    #: The native slave that has the pool.
    _rg_stream_slave: Core

    __reduce_ex__ = refuse_copies

    def __init__(self) -> None:
        core = Core(NULL, lib.rogue_mem_stream_slave_release)
        kind, new = "rogue_mem_stream_slave_t", lib.rogue_mem_stream_slave_new
        self._rg_stream_slave = filled(core, kind, new, NULL)

    def getAllocCount(self) -> int:
        """Buffers of this pool that are in use by frames now."""
        return lib.rogue_mem_stream_slave_alloc_count(self._rg_stream_slave.handle)

    def getAllocBytes(self) -> int:
        """Bytes of this pool's buffers that are in use by frames now."""
        return lib.rogue_mem_stream_slave_alloc_bytes(self._rg_stream_slave.handle)

    def setFixedSize(self, size: int) -> None:
        """Sets the size of buffers in bytes: a frame has as many as its room takes. 0, as at first,
        makes them as large as asked for."""
        lib.rogue_mem_stream_slave_set_fixed_size(self._rg_stream_slave.handle, size)

    def getFixedSize(self) -> int:
        """The size of buffers in bytes; 0 = as large as asked for."""
        return lib.rogue_mem_stream_slave_fixed_size(self._rg_stream_slave.handle)

    def setPoolSize(self, size: int) -> None:
        """Sets how many buffers of the fixed size are kept to be used again; none at first. Bytes
        of a frame that were never written may then be those of an earlier one."""
        lib.rogue_mem_stream_slave_set_pool_size(self._rg_stream_slave.handle, size)

    def getPoolSize(self) -> int:
        """How many buffers of the fixed size are kept to be used again."""
        return lib.rogue_mem_stream_slave_pool_size(self._rg_stream_slave.handle)


class Slave(Pool):
    """Receives frames. Subclasses override `_acceptFrame`, which runs on the thread that sends. An
    exception that leaves it is printed and reaches nobody else."""

    __module__ = "rogue.interfaces.stream"

    def __init__(self) -> None:
        Slave._rg_init_stream_slave(self, None)

    def _rg_init_stream_slave(self, native: "Optional[Core]") -> None:
        """`native` is the library's own stream slave behind this object, if there is one."""
        self._rg_stream_native = native
        self._rg_debug = (0, "")
        overrides = getattr(type(self), "_acceptFrame", None) is not Slave.__dict__["_acceptFrame"]
        self._rg_stream_slave = native if native and not overrides else _callback_slave(self)

    def _acceptFrame(self, frame: Frame) -> None:
        """Receives a frame; this base version only counts it, unless the library has a slave of its
        own behind this object."""
        if self._rg_stream_native is not None:
            check(
                lib.rogue_mem_stream_slave_accept_frame(
                    self._rg_stream_native.handle, frame._handle
                )
            )
            return
        bytes_max, name = self._rg_debug
        if bytes_max:
            data = frame.getBa(0, min(bytes_max, frame.getPayload()))
            text = "%s: %d bytes: %s" % (name, frame.getPayload(), data.hex(" "))
            lib.rogue_mem_logger_log(
                _logger("stream." + name), lib.ROGUE_MEM_LOG_CRITICAL, encode_any(text)
            )

    def getFrameCount(self) -> int:
        """Frames that have been received."""
        return lib.rogue_mem_stream_slave_frame_count(self._rg_stream_slave.handle)

    def getByteCount(self) -> int:
        """Bytes of payload that have been received."""
        return lib.rogue_mem_stream_slave_byte_count(self._rg_stream_slave.handle)

    def setDebug(self, debug: int, name: str) -> None:
        """Has the base version of `_acceptFrame` log the first `debug` bytes of each frame, with
        logger ``pyrogue.stream.<name>``; 0 = nothing."""
        self._rg_debug = (debug, name)

    def _stop(self) -> None:
        """Ends the slave's activity, where it has any of its own."""

    def __lshift__(self, other: Any) -> Any:
        """``slave << master`` connects the master to this slave, and is `other`."""
        master = other
        if not isinstance(master, Master) and hasattr(other, "_getStreamMaster"):
            master = other._getStreamMaster()
        if not isinstance(master, Master):
            inherited = getattr(super(), "__lshift__", None)
            if inherited is not None:
                return inherited(other)
            raise general_error(
                "stream::Slave::lshiftPy",
                "Attempt to use << operator with incompatible stream master: %r" % (other,),
            )
        Master._addSlave(master, self)
        return other

    @described
    def __repr__(self) -> str:
        return "<%s.%s, %d frames received>" % (
            type(self).__module__,
            type(self).__name__,
            self.getFrameCount(),
        )


class Master:
    """Sends frames to the slaves that it is connected to, and keeps them."""

    __module__ = "rogue.interfaces.stream"

    def __init__(self) -> None:
        # Also for objects that are no instances of this class: programs call it on them.
        core = Core(NULL, lib.rogue_mem_stream_master_release)
        kind, new = "rogue_mem_stream_master_t", lib.rogue_mem_stream_master_new
        self._rg_stream_master: Core = filled(core, kind, new)
        self._rg_stream_slaves: "list[Any]" = []

    def _rg_init_stream_master(self, handle: Any) -> None:
        """`handle` is the stream master of another native object, a new reference."""
        self._rg_stream_master = Core(handle, lib.rogue_mem_stream_master_release)
        self._rg_stream_slaves = []

    def _addSlave(self, slave: Slave) -> None:
        """Connects a slave, after those that are connected already."""
        if not isinstance(slave, Slave):
            raise TypeError(
                "expected a rogue.interfaces.stream.Slave, got %s" % type(slave).__name__
            )
        check(
            lib.rogue_mem_stream_master_add_slave(
                self._rg_stream_master.handle, slave._rg_stream_slave.handle
            )
        )
        self._rg_stream_slaves.append(slave)

    def _slaveCount(self) -> int:
        """The number of slaves connected."""
        return lib.rogue_mem_stream_master_slave_count(self._rg_stream_master.handle)

    def _reqFrame(self, size: int, zeroCopy: bool = False) -> Frame:
        """A frame with room for `size` bytes and no payload, from the slave that was connected
        first, if there is one."""
        return _frame(
            made(
                "rogue_mem_frame_t",
                lib.rogue_mem_stream_master_req_frame,
                self._rg_stream_master.handle,
                size,
                bool(zeroCopy),
            )
        )

    def _sendFrame(self, frame: Frame) -> None:
        """Hands a frame to every slave, in this thread; the one connected first gets it last. Its
        lock must not be held."""
        if not isinstance(frame, Frame):
            raise TypeError("expected a Frame, got %s" % type(frame).__name__)
        # Whoever has it locked is waited for here, where Ctrl-C ends the wait.
        FrameLock(frame).unlock()
        check(lib.rogue_mem_stream_master_send_frame(self._rg_stream_master.handle, frame._handle))

    def _stop(self) -> None:
        """Lets go of all slaves."""
        lib.rogue_mem_stream_master_stop(self._rg_stream_master.handle)
        self._rg_stream_slaves.clear()

    def __rshift__(self, other: Any) -> Any:
        """``master >> slave`` connects the master to the slave, and is `other`."""
        slave = other
        if not isinstance(slave, Slave) and hasattr(other, "_getStreamSlave"):
            slave = other._getStreamSlave()
        if not isinstance(slave, Slave):
            inherited = getattr(super(), "__rshift__", None)
            if inherited is not None:
                return inherited(other)
            raise general_error(
                "stream::Master::rshiftPy",
                "Attempt to use >> operator with incompatible stream slave: %r" % (other,),
            )
        self._addSlave(slave)
        return other

    def __eq__(self, other: Any) -> Any:
        """``a == b`` connects two objects that are stream master and slave, in both directions.
        With anything that has nothing to do with streams it compares identities."""
        if other is self:
            return True
        master = slave = other
        if not isinstance(other, Master) and hasattr(other, "_getStreamMaster"):
            master = other._getStreamMaster()
        if not isinstance(other, Slave) and hasattr(other, "_getStreamSlave"):
            slave = other._getStreamSlave()
        if not isinstance(master, Master) and not isinstance(slave, Slave):
            return NotImplemented
        if not (
            isinstance(self, Slave) and isinstance(master, Master) and isinstance(slave, Slave)
        ):
            raise general_error(
                "stream::Master::equalsPy",
                "Attempt to use == operator with incompatible stream slave: %r" % (other,),
            )
        self._addSlave(slave)
        master._addSlave(self)
        return None

    def __ne__(self, other: object) -> bool:
        return other is not self

    __hash__ = object.__hash__
    __reduce_ex__ = refuse_copies

    @described
    def __repr__(self) -> str:
        return "<%s.%s to %d slaves>" % (
            type(self).__module__,
            type(self).__name__,
            self._slaveCount(),
        )


# --- called by the library ------------------------------------------------------------------------

_find = targets.get


_WHAT = "_acceptFrame of a stream slave"


@callback("void(void *, rogue_mem_frame_t *)", escaped(_WHAT))
def _accept_frame(ctx: Any, handle: Any) -> None:
    try:
        reference = _find(ctx)
        target = None if reference is None else reference()
        if target is not None:
            target._acceptFrame(_frame(lib.rogue_mem_frame_retain(handle)))
    except BaseException as error:
        report(_WHAT, error)


def _callback_slave(target: Slave) -> Core:
    """A native stream slave that calls `target`."""
    callbacks = ffi.new("rogue_mem_stream_slave_callbacks_t *")
    callbacks.size = ffi.sizeof("rogue_mem_stream_slave_callbacks_t")
    callbacks.ctx = register(target)
    callbacks.accept_frame = _accept_frame
    callbacks.gate = gate()
    core = Core(NULL, lib.rogue_mem_stream_slave_release)
    kind, new = "rogue_mem_stream_slave_t", lib.rogue_mem_stream_slave_new
    return filled(core, kind, new, callbacks)


_loggers: "dict[str, Core]" = {}


def _logger(name: str) -> Any:
    """The native logger called `name`."""
    if name not in _loggers:
        core = Core(NULL, lib.rogue_mem_logger_release)
        kind, new = "rogue_mem_logger_t", lib.rogue_mem_logger_new
        _loggers[name] = filled(core, kind, new, encode_any(name))
    return _loggers[name].handle
