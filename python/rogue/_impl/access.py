"""Access lists: the peers that servers let in, and what each of them may do: docs/security.md."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Union

from .lifecycle import NativeHandle, filled
from .native import NULL, check, encode, lib

_Path = Union[str, bytes, "os.PathLike[str]"]


class AccessList:
    """The peers that servers let in, and what each may do: ``TcpServer(..., access_list=...)``.

    :param rules: an iterable of rules, such as ``["192.168.1.5 read-write", "192.168.1.0/24 read
        0x0..0xffff"]``, or the path of a file with a rule on each line, which only its owner may
        write. The first rule for a peer decides; one without a rule has no access.

    Raises GeneralError if a rule is wrong, or there is none.
    """

    __module__ = "rogue.security"

    def __init__(self, rules: "Iterable[str] | _Path") -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_access_list_release)
        made = "rogue_mem_access_list_t"
        self._rg_option: NativeHandle = (
            filled(owned, made, lib.rogue_mem_access_list_load, encode(os.fspath(rules)))
            if isinstance(rules, (str, bytes, os.PathLike))
            else filled(owned, made, lib.rogue_mem_access_list_new, encode("\n".join(rules)))
        )

    def setRules(self, rules: "Iterable[str] | _Path") -> None:
        """Replaces all rules, as in the constructor, or none if one is wrong. Clients get their new
        rights, or are disconnected without any, as soon as their servers' threads are free."""
        own = self._rg_option.handle
        if isinstance(rules, (str, bytes, os.PathLike)):
            check(lib.rogue_mem_access_list_load_rules(own, encode(os.fspath(rules))))
        else:
            check(lib.rogue_mem_access_list_set_rules(own, encode("\n".join(rules))))
