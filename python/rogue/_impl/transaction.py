"""One register access, as slaves see it."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Optional

from .native import BYTES, NULL, SLICE_US, encode, ffi, from_buffer, general_error, last_error, lib

_memmove = ffi.memmove
_retain = lib.rogue_mem_transaction_retain
_release = lib.rogue_mem_transaction_release
_lock_for = lib.rogue_mem_transaction_lock_for
_unlock = lib.rogue_mem_transaction_unlock
_done = lib.rogue_mem_transaction_done
_id = lib.rogue_mem_transaction_id
_address = lib.rogue_mem_transaction_address
_size = lib.rogue_mem_transaction_size
_type = lib.rogue_mem_transaction_type
_data = lib.rogue_mem_transaction_data
_read_data = lib.rogue_mem_transaction_read_data
_write_data = lib.rogue_mem_transaction_write_data

_WRITES = (lib.ROGUE_MEM_WRITE, lib.ROGUE_MEM_POST)
_TYPE_NAMES = {
    lib.ROGUE_MEM_READ: "Read",
    lib.ROGUE_MEM_WRITE: "Write",
    lib.ROGUE_MEM_POST: "Post",
    lib.ROGUE_MEM_VERIFY: "Verify",
}


class Transaction:
    """One register access on its way: what is asked, where the data lies, how it ended.

    Slaves get it in ``_doTransaction`` and complete it exactly once, with `done` or `error`, at
    once or later and from any thread; the first completion counts. It is never made by programs.

    The data is the requester's. `getData` and `setData` copy it, with the transaction's lock held
    or not; once the requester has given the transaction up they raise `GeneralError`. All methods
    may be called from any thread.
    """

    __module__ = "rogue.interfaces.memory"
    __slots__ = ("_handle", "_locker", "__weakref__")

    _handle: Any
    _locker: int

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> "Transaction":
        raise RuntimeError("Transactions are made by Master._reqTransaction only")

    def __del__(self) -> None:
        _release(self._handle)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("A transaction can be neither copied nor pickled")

    def __repr__(self) -> str:
        kind = _TYPE_NAMES.get(_type(self._handle), "?")
        state = "expired" if self.expired() else "pending"
        return "<Transaction %d: %s of %d bytes at 0x%x, %s>" % (
            self.id(),
            kind,
            self.size(),
            self.address(),
            state,
        )

    def lock(self) -> "TransactionLock":
        """Takes the lock that guards the data, waiting for it if need be, and gives it back at the
        end of the ``with``: ``with tran.lock(): ...``. Not to be taken twice by one thread."""
        return TransactionLock(self)

    def id(self) -> int:
        """The id, unique among those that are pending; never 0."""
        return _id(self._handle)

    def address(self) -> int:
        """The byte address, as adjusted by the hubs passed so far."""
        return _address(self._handle)

    def size(self) -> int:
        """The number of bytes."""
        return _size(self._handle)

    def type(self) -> int:
        """``Read``, ``Write``, ``Post`` or ``Verify``."""
        return _type(self._handle)

    def expired(self) -> bool:
        """Whether nobody takes a result any more: it has ended, or has been given up."""
        return bool(lib.rogue_mem_transaction_expired(self._handle))

    def done(self) -> None:
        """Completes the transaction successfully."""
        _done(self._handle)

    def error(self, text: str) -> None:
        """Completes the transaction with an error: `text` is what the requester is told."""
        lib.rogue_mem_transaction_error(self._handle, encode(text))

    def setData(self, buffer: Any, offset: int = 0) -> None:
        """Copies `buffer` (bytes, bytearray, memoryview, contiguous array) to byte `offset` of the
        data, as the answer to a Read or Verify. Raises GeneralError if it does not fit, if the
        requester has given up, or if the transaction is a write, whose data is not to change."""
        view = from_buffer(BYTES, buffer)
        if self._locker == get_ident():
            if _type(self._handle) in _WRITES:
                raise general_error("Transaction::setData", "The data of a write cannot be changed")
            _memmove(self._part(offset, len(view), "setData"), view, len(view))
        elif _write_data(self._handle, offset, view, len(view)):
            raise self._failure()

    def getData(self, buffer: Any, offset: int = 0) -> None:
        """Fills `buffer` (bytearray, memoryview, contiguous array) from byte `offset` of the data,
        as what is to be written. Raises GeneralError if it asks for more than there is, or if the
        requester has given up."""
        view = from_buffer(BYTES, buffer, True)
        if self._locker == get_ident():
            _memmove(view, self._part(offset, len(view), "getData"), len(view))
        elif _read_data(self._handle, offset, view, len(view)):
            raise self._failure()

    def _part(self, offset: int, count: int, method: str) -> Any:
        """The address of a part of the data; the lock is held."""
        size = self.size()
        if offset < 0 or offset + count > size:
            raise general_error(
                "Transaction::" + method,
                "Attempt to access %d bytes in a transaction of %d bytes at offset %d"
                % (count, size, offset),
            )
        start = _data(self._handle)
        if start == NULL or self.expired():
            raise general_error("Transaction::begin", "Invalid data: the requester has given up")
        return start + offset

    @staticmethod
    def _failure() -> Exception:
        if lib.rogue_mem_last_error_status() == lib.ROGUE_MEM_ERROR_INVALID_DATA:
            return general_error("Transaction::begin", "Invalid data: the requester has given up")
        return last_error()


_new = object.__new__


def share(handle: Any) -> Transaction:
    """The Python form of a transaction that the library lends."""
    tran: Transaction = _new(Transaction)
    tran._handle = _retain(handle)
    tran._locker = 0
    return tran


def adopt(handle: Any) -> Transaction:
    """The Python form of a transaction whose reference is the caller's."""
    tran: Transaction = _new(Transaction)
    tran._handle = handle
    tran._locker = 0
    return tran


class TransactionLock:
    """Holds a transaction's lock: while it does, the requester neither times out nor takes its
    buffer back. Given back at the end of a ``with``, by `unlock`, or with the object."""

    __module__ = "rogue.interfaces.memory"
    __slots__ = ("_tran", "_held")

    def __init__(self, tran: Transaction) -> None:
        self._held = False
        self._tran = tran
        self.lock()

    def lock(self) -> None:
        """Takes the lock, unless this object has it. Ctrl-C ends the wait."""
        if not self._held:
            handle = self._tran._handle
            while not _lock_for(handle, SLICE_US):
                pass
            self._held = True
            self._tran._locker = get_ident()

    def unlock(self) -> None:
        """Gives the lock back, if this object has it."""
        if self._held:
            self._held = False
            self._tran._locker = 0
            _unlock(self._tran._handle)

    def __enter__(self) -> None:
        self.lock()

    def __exit__(self, *_exception: Any) -> Optional[bool]:
        self.unlock()
        return None

    def __del__(self) -> None:
        self.unlock()

    def __repr__(self) -> str:
        return "<TransactionLock %s, %r>" % ("held" if self._held else "released", self._tran)
