"""Streams: masters, slaves, frames."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Optional, TypeVar

from .lifecycle import NativeHandle, described, escaped, filled, gate, register, report, targets
from .native import (
    NULL,
    SLICE_US,
    callback,
    check,
    encode_any,
    ffi,
    general_error,
    holds_objects,
    interrupts,
    lib,
    made,
    refuse_copies,
    view_of,
)

try:
    # PyPy's collector does not see native memory; it has to be told about it.
    from __pypy__ import add_memory_pressure  # type: ignore[import-not-found]
except ImportError:
    add_memory_pressure = None

_new = object.__new__
_Ends = TypeVar("_Ends")


_measure_for = lib.rogue_mem_frame_measure_for
_read_data_for = lib.rogue_mem_frame_read_data_for
_put_data_for = lib.rogue_mem_frame_put_data_for

_OK = lib.ROGUE_MEM_OK
_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_new_cells = ffi.new
_TWO_SIZES = ffi.typeof("uint32_t[2]")
#: The largest offset and size.
_MOST = 0xFFFFFFFF


class Frame:
    """A payload that travels through a stream, with flags, a channel and an error.

    It has room for `getSize` bytes, of which the first `getPayload` are in use. All slaves of a
    master get the same frame. Methods that touch the payload take the frame's lock themselves,
    unless this thread has it. ``Master._reqFrame`` creates frames.
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
            # Ctrl-C came during its creation.
            pass
        except KeyboardInterrupt as error:
            # Python would drop it.
            interrupts.append(error)

    __reduce_ex__ = refuse_copies

    def __repr__(self) -> str:
        size, payload = self._rg_sizes()
        return "<Frame of %d bytes, room for %d, channel %d, flags 0x%04x, error %d>" % (
            payload,
            size,
            self.getChannel(),
            self.getFlags(),
            self.getError(),
        )

    def lock(self) -> "FrameLock":
        """Takes the frame's lock, and releases it at the end of the ``with``."""
        return FrameLock(self)

    def _rg_sizes(self) -> "tuple[int, int]":
        """Room and payload in bytes. Ctrl-C ends the wait for the lock."""
        sizes = _new_cells(_TWO_SIZES)
        while True:
            status = _measure_for(self._handle, SLICE_US, sizes, sizes + 1)
            if status != _PENDING:
                check(status)
                return sizes[0], sizes[1]

    def getSize(self) -> int:
        """Maximum bytes of payload."""
        return self._rg_sizes()[0]

    def getAvailable(self) -> int:
        """Bytes by which the payload can grow."""
        size, payload = self._rg_sizes()
        return size - payload

    def getPayload(self) -> int:
        """Bytes of payload."""
        return self._rg_sizes()[1]

    def read(self, buffer: Any, offset: int = 0) -> None:
        """Fills `buffer` from byte `offset` of the payload. GeneralError if it ends before."""
        self._rg_read(view_of("Frame::readPy", buffer, True), offset, "Frame::readPy")

    def _rg_read(self, view: Any, offset: int, source: str) -> None:
        """As `read`, with the bytes of a buffer."""
        if not self._rg_copy(_read_data_for, view, offset):
            payload = self._rg_sizes()[1]
            raise _beyond("read %d bytes from", len(view), offset, payload, source)

    def _rg_copy(self, limited: Any, view: Any, offset: int) -> bool:
        """Copies by repeated calls of `limited`; Ctrl-C ends the wait for the lock. False if the
        frame does not have the bytes."""
        count = len(view)
        if not 0 <= offset <= _MOST or count > _MOST:
            return False
        while True:
            status = limited(self._handle, offset, view, count, SLICE_US)
            if status != _PENDING:
                return status == _OK

    def write(self, buffer: Any, offset: int = 0) -> None:
        """Copies `buffer` to byte `offset`; the payload grows if necessary. GeneralError if there
        is no room."""
        self._rg_write(view_of("Frame::writePy", buffer, False), offset, "Frame::writePy")

    def _rg_write(self, view: Any, offset: int, source: str) -> None:
        """As `write`, with the bytes of a buffer."""
        if not self._rg_copy(_put_data_for, view, offset):
            size = self._rg_sizes()[0]
            raise _beyond("write %d bytes to", len(view), offset, size, source)

    def getBa(self, offset: int = 0, count: int = 0) -> bytearray:
        """A copy of `count` bytes from byte `offset` on; 0 = up to the end."""
        payload = self._rg_sizes()[1]
        if count == 0:
            count = max(payload - offset, 0)
        if offset < 0 or count < 0 or offset + count > payload:
            raise _beyond("read %d bytes from", count, offset, payload, "Frame::readPy")
        result = bytearray(count)
        self._rg_read(view_of("Frame::readPy", result, True), offset, "Frame::readPy")
        return result

    def getMemoryview(self) -> memoryview:
        """A copy of the payload."""
        return memoryview(self.getBa())

    def getNumpy(self, offset: int = 0, count: int = 0) -> Any:
        """A copy like that of `getBa`, as an array of numpy.uint8."""
        import numpy

        return numpy.frombuffer(self.getBa(offset, count), dtype=numpy.uint8)

    def putNumpy(self, array: Any, offset: int = 0) -> None:
        """Copies the bytes of an array of any shape, strides and type to byte `offset`, as `write`
        does: the elements in index order; those of an array in Fortran order as they lie in
        memory."""
        source = "Frame::putNumpy"
        words = "Object is not a numpy array"
        data = _without_gaps(array, source, words)
        self._rg_write(view_of(source, data, False, words), offset, source)

    def _debug(self) -> None:
        """Prints the frame's layout to standard output."""
        with FrameLock(self):
            count = lib.rogue_mem_frame_buffer_count(self._handle)
            size, payload = self._rg_sizes()
            words = "Frame Info. BufferCount: %d, Size: %d, Available: %d, Payload: %d, "
            text = words % (count, size, size - payload, payload)
            words = "Channel: %d, Error: 0x%x, Flags: 0x%x"
            print(text + words % (self.getChannel(), self.getError(), self.getFlags()))
            buffer = ffi.new("rogue_mem_frame_buffer_t *")
            buffer.size = ffi.sizeof("rogue_mem_frame_buffer_t")
            for index in range(count):
                check(lib.rogue_mem_frame_buffer(self._handle, index, buffer))
                words = "    Buffer: %d, AllocSize: %d, RawSize: %d, HeadRoom: %d, TailRoom: %d, "
                raw, header = buffer.memory_bytes, buffer.header
                text = words % (index, raw, raw, header, buffer.tail)
                print(text + "Payload: %d" % (header + buffer.payload))

    def setError(self, error: int) -> None:
        """Sets the error, 0 to 255; 0 = the frame is good."""
        lib.rogue_mem_frame_set_error(self._handle, error)

    def getError(self) -> int:
        """The error; 0 = the frame is good."""
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


def _without_gaps(array: Any, source: str, words: str) -> Any:
    """An array for `putNumpy`: itself, or a copy if it is not contiguous. GeneralError of `source`
    if it is none."""
    dtype = getattr(array, "dtype", None)
    try:
        if dtype is None:
            view = memoryview(array)
            return array if view.c_contiguous or holds_objects(view) else view.tobytes()
        if dtype.hasobject:
            raise TypeError("the array holds Python objects, not bytes")
        try:
            if memoryview(array).c_contiguous:
                return array
        except ValueError:
            # numpy provides no buffer for some types, such as dates.
            pass
        return array.tobytes("A")
    except (AttributeError, TypeError, ValueError, BufferError) as error:
        raise general_error(source, "%s: %s" % (words, error)) from None


def _frame(handle: Any) -> Frame:
    """The Python form of a frame whose reference belongs to the caller."""
    frame: Frame = _new(Frame)
    frame._handle = handle
    if add_memory_pressure is not None:
        add_memory_pressure(lib.rogue_mem_frame_size(handle))
    return frame


class FrameLock:
    """Holds a frame's lock. The thread that took it releases it: at the end of a ``with``, by
    `unlock`, or with the object."""

    __module__ = "rogue.interfaces.stream"
    __slots__ = ("_frame", "_held", "_thread")

    def __init__(self, frame: Frame) -> None:
        # Set and cleared by the library: Ctrl-C may come between any two steps here.
        self._held = ffi.new("uint32_t *")
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
        """Releases the lock, if this object has it."""
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
    """The memory from which a slave creates frames."""

    __module__ = "rogue.interfaces.stream"

    #: The native slave that has the pool.
    _rg_stream_slave: NativeHandle

    __reduce_ex__ = refuse_copies

    def __init__(self) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_stream_slave_release)
        kind, new = "rogue_mem_stream_slave_t", lib.rogue_mem_stream_slave_new
        self._rg_stream_slave = filled(owned, kind, new, NULL)

    def getAllocCount(self) -> int:
        """Buffers of this pool that frames use now."""
        return lib.rogue_mem_stream_slave_alloc_count(self._rg_stream_slave.handle)

    def getAllocBytes(self) -> int:
        """Bytes of this pool's buffers that frames use now."""
        return lib.rogue_mem_stream_slave_alloc_bytes(self._rg_stream_slave.handle)

    def setFixedSize(self, size: int) -> None:
        """Sets the size of buffers in bytes: a frame has as many as its room takes. 0, the default:
        each buffer is as large as requested."""
        lib.rogue_mem_stream_slave_set_fixed_size(self._rg_stream_slave.handle, size)

    def getFixedSize(self) -> int:
        """The size of buffers in bytes; 0 = as requested."""
        return lib.rogue_mem_stream_slave_fixed_size(self._rg_stream_slave.handle)

    def setPoolSize(self, size: int) -> None:
        """Sets how many buffers of the fixed size are kept for reuse; none by default. Bytes of a
        frame that were never written may then be those of an earlier frame."""
        lib.rogue_mem_stream_slave_set_pool_size(self._rg_stream_slave.handle, size)

    def getPoolSize(self) -> int:
        """How many buffers of the fixed size are kept for reuse."""
        return lib.rogue_mem_stream_slave_pool_size(self._rg_stream_slave.handle)


class Slave(Pool):
    """Receives frames. Subclasses override `_acceptFrame`, which runs on the sending thread; an
    exception in it is printed and does not propagate. Subclasses that create the frames for their
    masters themselves override `_acceptReq` too."""

    __module__ = "rogue.interfaces.stream"

    def __init__(self) -> None:
        Slave._rg_init_stream_slave(self, None)

    def _rg_init_stream_slave(self, native: "Optional[NativeHandle]") -> None:
        """`native` is the library's own stream slave of this object, if there is one."""
        self._rg_stream_native = native
        makes = getattr(type(self), "_acceptReq", None) is not Slave.__dict__["_acceptReq"]
        overrides = getattr(type(self), "_acceptFrame", None) is not Slave.__dict__["_acceptFrame"]
        own = native if native and not (overrides or makes) else _callback_slave(self, makes)
        self._rg_stream_slave = own

    def _acceptFrame(self, frame: Frame) -> None:
        """Receives a frame. This base version only counts it, unless the object has a slave of the
        library."""
        if self._rg_stream_native is not None:
            check(
                lib.rogue_mem_stream_slave_accept_frame(
                    self._rg_stream_native.handle, frame._handle
                )
            )

    def _acceptReq(self, size: int, zeroCopy: bool = False) -> Frame:
        """A frame with room for `size` bytes, for a connected master; called on the thread of its
        `_reqFrame`. This base version takes it from the slave's own pool. An exception in an
        override is printed, and `_reqFrame` raises GeneralError."""
        return _frame(
            made(
                "rogue_mem_frame_t",
                lib.rogue_mem_stream_slave_req_local_frame,
                self._rg_stream_slave.handle,
                size,
            )
        )

    def getFrameCount(self) -> int:
        """Number of frames received."""
        return lib.rogue_mem_stream_slave_frame_count(self._rg_stream_slave.handle)

    def getByteCount(self) -> int:
        """Bytes of payload received."""
        return lib.rogue_mem_stream_slave_byte_count(self._rg_stream_slave.handle)

    def setDebug(self, debug: int, name: str) -> None:
        """Logs each later frame that arrives, at critical level with logger ``pyrogue.<name>``: its
        size, its error and its first `debug` bytes; 0 = nothing. Transports of the library log
        nothing."""
        handle = self._rg_stream_slave.handle
        check(lib.rogue_mem_stream_slave_set_debug(handle, debug, encode_any(name)))

    def _stop(self) -> None:
        """Ends the slave's own activity, if it has any."""

    def __lshift__(self, other: Any) -> Any:
        """``slave << master`` connects the master to this slave and returns `other`."""
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
    """Sends frames to its slaves, which it keeps alive."""

    __module__ = "rogue.interfaces.stream"

    def __init__(self) -> None:
        # Also for objects that are not instances of this class: programs call it on them.
        owned = NativeHandle(NULL, lib.rogue_mem_stream_master_release)
        kind, new = "rogue_mem_stream_master_t", lib.rogue_mem_stream_master_new
        self._rg_stream_master: NativeHandle = filled(owned, kind, new)
        self._rg_stream_slaves: "list[Any]" = []

    def _rg_init_stream_master(self, handle: Any) -> None:
        """`handle`, a new reference, is the stream master of another native object."""
        self._rg_stream_master = NativeHandle(handle, lib.rogue_mem_stream_master_release)
        self._rg_stream_slaves = []

    def _addSlave(self, slave: Slave) -> None:
        """Connects a slave, after those already connected."""
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
        """Number of connected slaves."""
        return lib.rogue_mem_stream_master_slave_count(self._rg_stream_master.handle)

    def _reqFrame(self, size: int, zeroCopy: bool = False) -> Frame:
        """A frame with room for `size` bytes and no payload, from the first slave, if there is
        one."""
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
        """Hands a frame to every slave, in this thread; the first slave gets it last. If this
        thread holds its lock, the slaves share that."""
        if not isinstance(frame, Frame):
            raise TypeError("expected a Frame, got %s" % type(frame).__name__)
        # A wait for the lock takes place here, where Ctrl-C ends it.
        frame._rg_sizes()
        check(lib.rogue_mem_stream_master_send_frame(self._rg_stream_master.handle, frame._handle))

    def _stop(self) -> None:
        """Disconnects all slaves."""
        lib.rogue_mem_stream_master_stop(self._rg_stream_master.handle)
        self._rg_stream_slaves.clear()

    def __rshift__(self, other: Any) -> Any:
        """``master >> slave`` connects the master to the slave and returns `other`."""
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
        With an object that is no part of a stream it compares identities."""
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


def init_ends(self: Any, port: Any) -> None:
    """Makes `self`, a master and a slave, the one that sends and receives by the port of a native
    object, a new reference."""
    owned = NativeHandle(port, lib.rogue_mem_stream_port_release)
    self._rg_init_stream_master(lib.rogue_mem_stream_port_master(owned.handle))
    receiver = lib.rogue_mem_stream_port_slave(owned.handle)
    self._rg_init_stream_slave(NativeHandle(receiver, lib.rogue_mem_stream_slave_release))


def ends_at(cls: "type[_Ends]", port: Any) -> _Ends:
    """A `cls`, a master and a slave that users do not make, at a native port, a new reference."""
    ends = _new(cls)
    init_ends(ends, port)
    return ends


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


_WHAT_REQ = "_acceptReq of a stream slave"


@callback("rogue_mem_frame_t *(void *, uint32_t, uint32_t)", escaped(_WHAT_REQ))
def _accept_req(ctx: Any, size: int, zero_copy: int) -> Any:
    try:
        reference = _find(ctx)
        target = None if reference is None else reference()
        if target is not None:
            frame = target._acceptReq(size, bool(zero_copy))
            if not isinstance(frame, Frame):
                raise TypeError("expected a Frame, got %s" % type(frame).__name__)
            return lib.rogue_mem_frame_retain(frame._handle)
    except BaseException as error:
        report(_WHAT_REQ, error)
    return NULL


def _callback_slave(target: Slave, makes_frames: bool) -> NativeHandle:
    """A native stream slave that calls `target`, also to create frames if `makes_frames`."""
    callbacks = ffi.new("rogue_mem_stream_slave_callbacks_t *")
    callbacks.size = ffi.sizeof("rogue_mem_stream_slave_callbacks_t")
    callbacks.ctx = register(target)
    callbacks.accept_frame = _accept_frame
    if makes_frames:
        callbacks.accept_req = _accept_req
    callbacks.gate = gate()
    owned = NativeHandle(NULL, lib.rogue_mem_stream_slave_release)
    kind, new = "rogue_mem_stream_slave_t", lib.rogue_mem_stream_slave_new
    return filled(owned, kind, new, callbacks)
