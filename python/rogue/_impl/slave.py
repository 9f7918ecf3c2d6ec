"""Memory slaves: the base class, and the callbacks of slaves in Python."""

from __future__ import annotations

import operator
from typing import Any, Callable, Optional, TypeVar

from .lifecycle import NativeHandle, described, escaped, filled, gate, register, report, targets
from .native import (
    NULL,
    asked,
    callback,
    check,
    encode,
    ffi,
    general_error,
    interrupts,
    lib,
    raise_interrupt,
    refuse_copies,
    text_of,
)
from .transaction import Transaction, adopt

_Other = TypeVar("_Other")

UNCONNECTED_TEXT = "Unsupported transaction using unconnected memory bus"
#: Number of kept transactions above which expired ones are removed.
_KEPT_COUNT_MIN = 64

_release = lib.rogue_mem_slave_release
_find = targets.get
_error = lib.rogue_mem_transaction_error
_UNCONNECTED = UNCONNECTED_TEXT.encode()


class Slave:
    """Carries out transactions. Subclasses override `_doTransaction`.

    :param min: smallest access in bytes, advertised only.
    :param max: largest access in bytes; a hub or a server splits larger requests. 0 = not limited.

    Callbacks run on the thread that delivers the request: the requester's own, or a server's. They
    may block, and may complete the transaction later and from any thread. An exception in one is
    printed and becomes the transaction's error.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, min: int, max: int) -> None:
        self._rg_init_slave(None, min, max)

    def _rg_init_slave(self, native: "Optional[NativeHandle]", min: int = 0, max: int = 0) -> None:
        """`native` is the library's own slave of this object, if there is one."""
        self._rg_native = native
        self._rg_limits = (min, max)
        self._rg_kept: "dict[int, Transaction]" = {}
        self._rg_kept_max = _KEPT_COUNT_MIN
        plain = _is_plain(self, native)
        self._rg_slave: NativeHandle = native if native and plain else _callback_slave(self, native)

    def setName(self, name: str) -> None:
        """Names the slave; the default is ``Unnamed_<id>``."""
        check(lib.rogue_mem_slave_set_name(self._rg_slave.handle, encode(name)))
        if self._rg_native is not None:
            check(lib.rogue_mem_slave_set_name(self._rg_native.handle, encode(name)))

    def _addTransaction(self, tran: Transaction) -> None:
        """Keeps a transaction under its id, until `_getTransaction` returns it or its requester
        gives it up."""
        # Before the library has it: after that another thread may take it.
        kept, id = self._rg_kept, tran.id()
        kept[id] = tran
        try:
            check(lib.rogue_mem_slave_add_transaction(self._rg_slave.handle, tran._handle))
        except BaseException:
            kept.pop(id, None)
            raise
        if len(kept) > self._rg_kept_max:
            for number, one in list(kept.items()):
                if one.expired():
                    kept.pop(number, None)
            self._rg_kept_max = _KEPT_COUNT_MIN + 2 * len(kept)

    def _getTransaction(self, id: int) -> "Optional[Transaction]":
        """Removes and returns the kept transaction whose answer has arrived; None if there is none
        with this id, as for a late answer. The answer proves that the link is alive, so the clocks
        of transactions requested later restart."""
        handle = lib.rogue_mem_slave_take_transaction(self._rg_slave.handle, id)
        if handle == NULL:
            return None
        found = adopt(handle)
        known = self._rg_kept.pop(id, None)
        return known if known is not None and known._handle == handle else found

    def _doMinAccess(self) -> int:
        """Smallest access in bytes; override to report another."""
        if self._rg_native is None:
            return self._rg_limits[0]
        return asked(lib.rogue_mem_slave_do_min_access(self._rg_native.handle))

    def _doMaxAccess(self) -> int:
        """Largest access in bytes; override to report another."""
        if self._rg_native is None:
            return self._rg_limits[1]
        return asked(lib.rogue_mem_slave_do_max_access(self._rg_native.handle))

    def _doAddress(self) -> int:
        """Base address as seen from the end of the path; override to report another."""
        if self._rg_native is None:
            return 0
        return asked(lib.rogue_mem_slave_do_address(self._rg_native.handle))

    def _doTransaction(self, tran: Transaction) -> None:
        """Carries out a transaction. This base version fails it, unless the object has a slave of
        the library."""
        if self._rg_native is None:
            tran.error(UNCONNECTED_TEXT)
        else:
            lib.rogue_mem_slave_do_transaction(self._rg_native.handle, tran._handle)
            if interrupts:
                raise_interrupt()

    def _stop(self) -> None:
        """Ends the slave's own activity, if it has any."""

    def __lshift__(self, other: _Other) -> _Other:
        """``slave << master`` connects the master to this slave and returns `other`."""
        from .master import Master

        master: Any = other
        if not isinstance(master, Master) and hasattr(other, "_getMemoryMaster"):
            master = other._getMemoryMaster()
        if not isinstance(master, Master):
            raise general_error(
                "memory::Slave::lshiftPy",
                "Attempt to use << operator with incompatible memory master: %r" % (other,),
            )
        master._setSlave(self)
        return other

    __reduce_ex__ = refuse_copies

    @described
    def __repr__(self) -> str:
        return "<%s.%s %r, accesses of %d to %d bytes>" % (
            type(self).__module__,
            type(self).__name__,
            text_of(lib.rogue_mem_slave_name, self._rg_slave.handle),
            self._rg_limits[0],
            self._rg_limits[1],
        )


_BASE = Slave.__dict__


def _overrides(target: Slave, method: str) -> bool:
    return getattr(type(target), method, None) is not _BASE[method]


def _is_plain(target: Slave, native: "Optional[NativeHandle]") -> bool:
    """Whether the library's own slave suffices for this object, without calls to Python."""
    methods = ("_doTransaction", "_doMinAccess", "_doMaxAccess", "_doAddress")
    return native is not None and not any(_overrides(target, method) for method in methods)


# --- called by the library ------------------------------------------------------------------------


_WHAT = "_doTransaction of a memory slave"


def _not_done(_type: Any, error: BaseException, traceback: Any) -> None:
    """Fails a transaction that Ctrl-C has kept from its slave."""
    # Ctrl-C came before the first statement, and the Python transaction is lost.
    _error(traceback.tb_frame.f_locals["handle"], _text_of_exception(error))
    report(_WHAT, error)


@callback("void(void *, rogue_mem_transaction_t *)", _not_done)
def _do_transaction(ctx: Any, handle: Any) -> None:
    tran = adopt(handle)
    try:
        reference = _find(ctx)
        target = None if reference is None else reference()
        if target is None:
            _error(handle, _UNCONNECTED)
        else:
            target._doTransaction(tran)
    except BaseException as error:
        _error(handle, _text_of_exception(error))
        report(_WHAT, error)


def _text_of_exception(error: BaseException) -> bytes:
    try:
        text = ": ".join(part for part in (type(error).__name__, str(error)) if part)
    except Exception:
        text = type(error).__name__
    return text.encode("utf-8", "replace").replace(b"\0", b" ")


def _question(
    method: str, signature: str, fallback: "Callable[[Any], int]", answer_max: int
) -> Any:
    """A callback that queries an object for a number."""

    @callback(signature, escaped("%s of a memory slave" % method))
    def ask(ctx: Any) -> int:
        reference = _find(ctx)
        target = None if reference is None else reference()
        if target is None:
            return 0
        try:
            answer = operator.index(getattr(target, method)())
            if not 0 <= answer <= answer_max:
                raise OverflowError("%s returned %d" % (method, answer))
            return answer
        except BaseException as error:
            report("%s of a memory slave" % method, error)
            return fallback(target)

    return ask


_MEMBERS = {
    "_doMinAccess": ("min_access", "uint32_t(void *)", Slave._doMinAccess, 0xFFFF_FFFF),
    "_doMaxAccess": ("max_access", "uint32_t(void *)", Slave._doMaxAccess, 0xFFFF_FFFF),
    "_doAddress": ("address", "uint64_t(void *)", Slave._doAddress, 0xFFFF_FFFF_FFFF_FFFF),
}
#: Kept for ever: the library may call them while a slave exists.
_QUESTIONS = {
    method: (member, _question(method, signature, fallback, answer_max))
    for method, (member, signature, fallback, answer_max) in _MEMBERS.items()
}


@callback("uint32_t(void *)")
def _slave_id(ctx: Any) -> int:
    reference = _find(ctx)
    target = None if reference is None else reference()
    return 0 if target is None else lib.rogue_mem_slave_do_slave_id(target._rg_native.handle)


@callback("size_t(void *, char *, size_t)")
def _slave_name(ctx: Any, buffer: Any, capacity: int) -> int:
    length = ffi.new("size_t *")
    reference = _find(ctx)
    target = None if reference is None else reference()
    if target is not None:
        native = target._rg_native.handle
        lib.rogue_mem_slave_do_slave_name(native, buffer, capacity, length)
    elif capacity:
        buffer[0] = b"\0"
    return length[0]


def _callback_slave(target: Slave, native: "Optional[NativeHandle]") -> NativeHandle:
    """A native slave that calls `target`, but only for methods that its class overrides."""
    callbacks = ffi.new("rogue_mem_slave_callbacks_t *")
    callbacks.size = ffi.sizeof("rogue_mem_slave_callbacks_t")
    callbacks.ctx = register(target)
    callbacks.do_transaction = _do_transaction
    callbacks.gives_reference = 1
    callbacks.gate = gate()
    for method, (member, question) in _QUESTIONS.items():
        if native is not None or _overrides(target, method):
            setattr(callbacks, member, question)
    minimum, maximum = target._rg_limits
    if native is not None:
        callbacks.slave_id = _slave_id
        callbacks.slave_name = _slave_name
        minimum = lib.rogue_mem_slave_min(native.handle)
        maximum = lib.rogue_mem_slave_max(native.handle)
    arguments = (minimum, maximum, callbacks)
    return filled(
        NativeHandle(NULL, _release), "rogue_mem_slave_t", lib.rogue_mem_slave_new, *arguments
    )
