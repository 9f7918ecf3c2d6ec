"""The shared library: its location, its calls and its errors.

The rest of the package uses `ffi` and `lib` from here only, so that another way to call the library
would replace just this file.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from typing import Any, Callable, NamedTuple

from .declarations import ffi as _ffi
from .table import OPTIONS, STATISTICS

ffi: Any = _ffi

#: Names another library than the installed one, for developers of both.
LIBRARY_VARIABLE = "ROGUE_MEM_LIBRARY"
#: The longest blocking call; between two of them Python checks for Ctrl-C.
SLICE_US = 100_000
#: First capacity for a text from the library; a longer text needs a second call.
TEXT_BYTES = 256


def slice_us(end: float) -> int:
    """How long the next call of a wait until `end` of the monotonic clock may block."""
    return int(min(max(end - time.monotonic(), 0.0) * 1e6, SLICE_US))


def library_path() -> str:
    """The file of the library."""
    name = "librogue_mem.dylib" if sys.platform == "darwin" else "librogue_mem.so"
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get(LIBRARY_VARIABLE) or os.path.join(here, name)


def _load() -> Any:
    path = library_path()
    try:
        loaded = ffi.dlopen(path)
    except OSError as error:
        raise ImportError(
            "the library of this package could not be loaded from %s: %s. Install the package "
            "with pip, or name the library in %s" % (path, error, LIBRARY_VARIABLE)
        ) from None
    found = loaded.rogue_mem_version_number() >> 8
    wanted = loaded.ROGUE_MEM_VERSION_MAJOR << 8 | loaded.ROGUE_MEM_VERSION_MINOR
    if found != wanted:
        raise ImportError(
            "%s is version %d.%d, but this package was made for %d.%d"
            % (path, found >> 8, found & 0xFF, wanted >> 8, wanted & 0xFF)
        )
    return loaded


lib: Any = _load()


def callback(
    signature: str, onerror: "Callable[..., None] | None" = None
) -> "Callable[[Callable[..., Any]], Any]":
    """Makes a function callable from the library. Keep the result for as long as it may be called.

    `onerror` gets an exception that escapes, such as Ctrl-C before the first statement: type,
    value, traceback.
    """
    return ffi.callback(signature, onerror=onerror)


#: The type of buffers for the library; looked up once.
BYTES = ffi.typeof("uint8_t[]")
NULL = ffi.NULL


#: Types of buffers that need no checks.
PLAIN_BUFFERS: "frozenset[type]" = frozenset((bytes, bytearray))
#: Keeps a buffer of these types in place for the life of the result.
pin: Any = ffi.from_buffer


def holds_objects(view: memoryview) -> bool:
    """Whether a buffer contains Python objects."""
    # Every second part of its format is a member name.
    return "O" in "".join(view.format.split(":")[::2])


def from_buffer(kind: Any, buffer: Any, writable: bool = False) -> Any:
    """Keeps a buffer of any type in place for the life of the result."""
    if type(buffer) not in PLAIN_BUFFERS and not isinstance(buffer, str):
        view = memoryview(buffer)
        # cffi checks this itself, but not in PyPy.
        if not view.c_contiguous:
            raise ValueError("the buffer is not contiguous")
        if holds_objects(view):
            raise TypeError("the buffer holds Python objects, not bytes")
    return pin(kind, buffer, writable)


#: Whether objects outlive their last use.
COLLECTS_LATE = sys.implementation.name != "cpython"


def release(view: Any) -> None:
    """Releases a buffer at once."""
    if COLLECTS_LATE:
        ffi.release(view)


def view_of(source: str, buffer: Any, writable: bool, words: str = "Python Buffer Error") -> Any:
    """The bytes of a buffer for the library; GeneralError of `source` if it cannot be used."""
    try:
        if type(buffer) in PLAIN_BUFFERS:
            return pin(BYTES, buffer, writable)
        return from_buffer(BYTES, buffer, writable)
    except (TypeError, ValueError, BufferError) as error:
        raise general_error(source, "%s: %s" % (words, error)) from None


class Cause(NamedTuple):
    """The last failure that the library reported."""

    status: int
    name: str
    source: str
    text: str


class GeneralError(Exception):
    """The exception of this package.

    An error of the library has the one argument ``"<source>: General Error: <text>"``; other
    arguments are kept as they are. ``cause`` is the library's report: ``status``, ``name``,
    ``source`` and ``text``; None for an error that is not the library's. The class attribute
    ``cause`` is the last report in any thread.
    """

    __module__ = "rogue"

    cause: "Cause | None" = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.cause = None


def general_error(source: str, text: str, cause: "Cause | None" = None) -> GeneralError:
    """The error of `source`, in the form of the library's errors."""
    error = GeneralError("%s: General Error: %s" % (source, text))
    error.cause = cause
    return error


def reason_of(error: BaseException) -> str:
    """The text of an error without its source."""
    source, _, text = str(error).partition(": General Error: ")
    return text or source


def decode(text: Any) -> str:
    """A text from the library, which is UTF-8."""
    return ffi.string(text).decode("utf-8", "replace")


def last_error() -> GeneralError:
    """The calling thread's last failure in the library, as an exception."""
    status = lib.rogue_mem_last_error_status()
    text = decode(lib.rogue_mem_last_error())
    source = decode(lib.rogue_mem_last_error_source())
    name = decode(lib.rogue_mem_status_name(status))
    GeneralError.cause = Cause(status, name, source, text)
    return general_error(source, text, GeneralError.cause)


#: Ctrl-C or an exit request during a callback in the main thread: the call that led to the callback
#: raises it.
interrupts: "list[BaseException]" = []


class _Process:
    """The main thread, which gets the signals."""

    main_ident = threading.main_thread().ident


def begin_process() -> None:
    """Registers this thread, the only one of a new child by fork, as the main thread."""
    _Process.main_ident = threading.get_ident()
    interrupts.clear()


def in_main_thread() -> bool:
    """Whether this is the main thread, which gets the signals."""
    return threading.get_ident() == _Process.main_ident


def raise_interrupt() -> None:
    """Raises a pending interrupt, in the main thread."""
    if in_main_thread() and interrupts:
        error = interrupts[0]
        interrupts.clear()
        raise error


def check(status: int) -> None:
    """Raises the library's error unless `status` is 0; also raises a pending interrupt."""
    if interrupts:
        raise_interrupt()
    if status:
        raise last_error()


def asked(answer: Any) -> Any:
    """The result of a library function that may have called Python."""
    if interrupts:
        raise_interrupt()
    return answer


def made(kind: str, function: Callable[..., int], *arguments: Any) -> Any:
    """The handle that a constructor of the library returns through its last parameter."""
    out = ffi.new("%s **" % kind)
    check(function(*arguments, out))
    return out[0]


def text_of(function: Callable[..., int], *arguments: Any) -> str:
    """The text that a function of the library writes to a buffer."""
    capacity = TEXT_BYTES
    length = ffi.new("size_t *")
    while True:
        buffer = ffi.new("char[]", capacity)
        check(function(*arguments, buffer, capacity, length))
        if length[0] < capacity:
            return decode(buffer)
        capacity = length[0] + 1


def encode(text: "str | bytes") -> bytes:
    """A text for the library, without the final NUL, which cffi adds."""
    if isinstance(text, str):
        text = text.encode("utf-8")
    elif not isinstance(text, bytes):
        raise TypeError("expected a text, got %s" % type(text).__name__)
    if b"\0" in text:
        raise ValueError("a text must not contain NUL: %r" % text)
    return text


def encode_any(text: "str | bytes") -> bytes:
    """A text for the library that must not fail: unsupported characters are replaced."""
    if isinstance(text, str):
        text = text.encode("utf-8", "replace")
    elif not isinstance(text, bytes):
        raise TypeError("expected a text, got %s" % type(text).__name__)
    return text.replace(b"\0", b" ")


def refuse_copies(self: Any, protocol: Any) -> Any:
    """As `__reduce_ex__`: an object with a native part can be neither copied nor pickled, unless
    its class defines how."""
    own: Any = type(self).__reduce__
    if own is not object.__reduce__:
        return self.__reduce__()
    raise RuntimeError("%s can be neither copied nor pickled" % type(self).__name__)


def counters(kind: str, function: Callable[..., int], handle: Any) -> "dict[str, int]":
    """The members of a structure of counters, by name."""
    stats = ffi.new("%s *" % kind)
    stats.size = ffi.sizeof(kind)
    check(function(handle, stats))
    return {name: getattr(stats, name) for name in STATISTICS[kind]}


def options(kind: str, values: "dict[str, Any]") -> Any:
    """A structure of options from keywords, named as its members are; None leaves one at its
    default. The structure keeps the texts among the values, but not the objects."""
    result = ffi.new("%s *" % kind)
    result.size = ffi.sizeof(kind)
    for name, value in values.items():
        if name not in OPTIONS[kind]:
            known = ", ".join(sorted(OPTIONS[kind]))
            raise TypeError("there is no option %r; there are: %s" % (name, known))
        if isinstance(value, (str, bytes)) or is_list(value):
            value = option_text(result, value)
        if value is not None:
            native = getattr(value, "_rg_option", None)
            setattr(result, name, value if native is None else native.handle)
    return result


#: The texts among the values of a structure of options, which has only their addresses.
_TEXTS: "weakref.WeakKeyDictionary[Any, list[Any]]" = weakref.WeakKeyDictionary()


def is_list(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, (list, tuple)) and all(isinstance(one, (str, bytes)) for one in value)


def option_text(owner: Any, value: "str | bytes | list[str]") -> Any:
    """A text for a structure of options, which keeps it; a list has commas between its texts."""
    texts = [value] if isinstance(value, (str, bytes)) else value
    text = ffi.new("char[]", b",".join(encode(one) for one in texts))
    _TEXTS.setdefault(owner, []).append(text)
    return text


def spin(microseconds: "int | None") -> int:
    """A spin time in the library's form: None = adaptive, 0 = none."""
    if microseconds is None:
        return 0
    return lib.ROGUE_MEM_SPIN_NEVER if microseconds == 0 else microseconds
