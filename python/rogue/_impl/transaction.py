"""One register access, as a slave gets it."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Optional

from .lifecycle import deferred, end_deferred
from .native import (
    SLICE_US,
    encode_any,
    ffi,
    general_error,
    interrupts,
    last_error,
    lib,
    raise_interrupt,
    refuse_copies,
    view_of,
)

_release = lib.rogue_mem_transaction_release
_lock_for = lib.rogue_mem_transaction_lock_for
_unlock = lib.rogue_mem_transaction_unlock_held
_done = lib.rogue_mem_transaction_done
_id = lib.rogue_mem_transaction_id
_address = lib.rogue_mem_transaction_address
_size = lib.rogue_mem_transaction_size
_type = lib.rogue_mem_transaction_type
_from_requester_for = lib.rogue_mem_transaction_copy_from_requester_for
_to_requester_for = lib.rogue_mem_transaction_copy_to_requester_for
_from_requester_locked = lib.rogue_mem_transaction_copy_from_requester_locked
_to_requester_locked = lib.rogue_mem_transaction_copy_to_requester_locked

_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_new_cell = ffi.new
_CELL = ffi.typeof("uint32_t *")
_NO_BUFFER = "Python Buffer Error In Frame"
_TYPE_NAMES = {
    lib.ROGUE_MEM_READ: "Read",
    lib.ROGUE_MEM_WRITE: "Write",
    lib.ROGUE_MEM_POST: "Post",
    lib.ROGUE_MEM_VERIFY: "Verify",
}


class Transaction:
    """One register access: the request, its data, and its outcome.

    Slaves get it in ``_doTransaction`` and complete it exactly once, with `done` or `error`, at
    once or later and from any thread; the first completion counts. Programs never create one.

    The data belongs to the requester. `getData` and `setData` copy it, with or without the
    transaction's lock; once the requester has given the transaction up they raise `GeneralError`.
    All methods may be called from any thread.
    """

    __module__ = "rogue.interfaces.memory"
    __slots__ = ("_handle", "_locker", "__weakref__")

    _handle: Any
    _locker: int

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> "Transaction":
        raise RuntimeError("Transactions are made by Master._reqTransaction only")

    def __del__(self) -> None:
        try:
            _release(self._handle)
        except AttributeError:
            # Ctrl-C came during its creation.
            pass
        except KeyboardInterrupt as error:
            # Python would drop it.
            interrupts.append(error)

    __reduce_ex__ = refuse_copies

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
        """Takes the lock that guards the data, waits for it if necessary, and releases it at the
        end of the ``with``: ``with tran.lock(): ...``. Not recursive; all parts of one request
        share it."""
        return TransactionLock(self)

    def id(self) -> int:
        """The id, unique among the pending ones; never 0."""
        return _id(self._handle)

    def address(self) -> int:
        """The byte address, as adjusted by the hubs so far."""
        return _address(self._handle)

    def size(self) -> int:
        """The number of bytes."""
        return _size(self._handle)

    def type(self) -> int:
        """``Read``, ``Write``, ``Post`` or ``Verify``."""
        return _type(self._handle)

    def expired(self) -> bool:
        """Whether the result is no longer wanted: it has ended, or has been given up."""
        return bool(lib.rogue_mem_transaction_expired(self._handle))

    def done(self) -> None:
        """Completes the transaction successfully."""
        _done(self._handle)
        if interrupts:
            raise_interrupt()

    def error(self, text: str) -> None:
        """Completes the transaction with an error text for the requester."""
        lib.rogue_mem_transaction_error(self._handle, encode_any(text))
        if interrupts:
            raise_interrupt()

    def setData(self, buffer: Any, offset: int = 0) -> None:
        """Copies `buffer` (bytes, bytearray, memoryview, contiguous array) to byte `offset` of the
        data, as the answer to a Read or Verify. Raises GeneralError if it does not fit, if the
        requester has given up, or if the transaction is a write, whose data is read-only."""
        view = view_of("Transaction::setData", buffer, False, _NO_BUFFER)
        if self._copy(_to_requester_locked, _to_requester_for, offset, view):
            words = "Attempt to set %d bytes at offset %d to python buffer with size %d"
            raise self._failure("Transaction::setData", words, offset, len(view))

    def getData(self, buffer: Any, offset: int = 0) -> None:
        """Fills `buffer` (bytearray, memoryview, contiguous array) from byte `offset` of the data,
        for example the data to write. Raises GeneralError if it is longer than the data, or if the
        requester has given up."""
        view = view_of("Transaction::getData", buffer, True, _NO_BUFFER)
        if self._copy(_from_requester_locked, _from_requester_for, offset, view):
            words = "Attempt to get %d bytes from offset %d to python buffer with size %d"
            raise self._failure("Transaction::getData", words, offset, len(view))

    def _copy(self, locked: Any, limited: Any, offset: int, view: Any) -> int:
        """Copies by `locked` if this thread has the lock, else by repeated calls of `limited`;
        Ctrl-C ends the wait for the lock. Returns a status of the library."""
        if self._locker == get_ident():
            return locked(self._handle, offset, view, len(view))
        while True:
            status: int = limited(self._handle, offset, view, len(view), SLICE_US)
            if status != _PENDING:
                return status

    def _failure(self, source: str, words: str, offset: int, count: int) -> Exception:
        """The error of a refused copy, in Rogue's words."""
        error = last_error()
        if error.cause is None or error.cause.status == lib.ROGUE_MEM_ERROR_NULL_ARGUMENT:
            return error
        if error.cause.status == lib.ROGUE_MEM_ERROR_INVALID_DATA:
            source, text = "Transaction::begin", "Invalid data: the requester has given up"
        elif offset + count > self.size():
            text = words % (count, offset, self.size())
        else:
            text = "The data of a write cannot be changed"
        return general_error(source, text, error.cause)


_new = object.__new__


def adopt(handle: Any) -> Transaction:
    """The Python form of a transaction whose reference belongs to the caller."""
    tran: Transaction = _new(Transaction)
    tran._locker = 0
    tran._handle = handle
    return tran


class TransactionLock:
    """Holds a transaction's lock: meanwhile the requester neither times out nor takes its buffer
    back. Released at the end of a ``with``, by `unlock`, or with the object."""

    __module__ = "rogue.interfaces.memory"
    __slots__ = ("_tran", "_held")

    def __init__(self, tran: Transaction) -> None:
        # Set and cleared by the library: Ctrl-C may come between any two steps here.
        self._held = _new_cell(_CELL)
        self._tran = tran
        self.lock()

    def lock(self) -> None:
        """Takes the lock, unless this object has it. Ctrl-C ends the wait."""
        tran = self._tran
        try:
            while not _lock_for(tran._handle, SLICE_US, self._held):
                pass
            tran._locker = get_ident()
        except BaseException:
            self.unlock()
            raise

    def unlock(self) -> None:
        """Releases the lock, if this object has it."""
        if self._held[0]:
            self._tran._locker = 0
            _unlock(self._tran._handle, self._held)
            if deferred:
                end_deferred()

    __reduce_ex__ = refuse_copies

    def __enter__(self) -> "TransactionLock":
        if not self._held[0]:
            self.lock()
        return self

    def __exit__(self, *_exception: Any) -> Optional[bool]:
        self.unlock()
        return None

    def __del__(self) -> None:
        try:
            if self._held[0]:
                self.unlock()
        except KeyboardInterrupt as error:
            interrupts.append(error)

    def __repr__(self) -> str:
        return "<TransactionLock %s, %r>" % ("held" if self._held[0] else "released", self._tran)
