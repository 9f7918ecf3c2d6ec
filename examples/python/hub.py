#!/usr/bin/env python3
"""A custom Hub that translates addresses: a device with 64 pages of registers shows one page
at a time, at 0x100, chosen by the page register at 0x0. The hub makes one flat address space of it.

Takes no arguments, and ends with 0 if all went as expected.
"""

import sys
import threading
from typing import Any

import rogue.interfaces.memory as rim

PAGE_BYTES = 0x100
PAGES = 64
PAGE_REGISTER = 0x0
WINDOW = 0x100


class PagedDevice(rim.Slave):
    """The device."""

    def __init__(self) -> None:
        super().__init__(4, PAGE_BYTES)
        self._page = bytearray(4)
        self._pages = [bytearray(PAGE_BYTES) for _ in range(PAGES)]

    def _doTransaction(self, tran: rim.Transaction) -> None:
        address, size = tran.address(), tran.size()
        if address == PAGE_REGISTER and size == 4:
            registers, start = self._page, 0
        elif WINDOW <= address and address + size <= WINDOW + PAGE_BYTES and self._page[0] < PAGES:
            registers, start = self._pages[self._page[0]], address - WINDOW
        else:
            tran.error("No register at 0x%x" % address)
            return
        with tran.lock():
            view = memoryview(registers)[start : start + size]
            if tran.type() in (rim.Write, rim.Post):
                tran.getData(view, 0)
            else:
                tran.setData(view, 0)
        tran.done()


class MyHub(rim.Hub):
    def __init__(self, offset: int) -> None:
        # With limits of its own it is the root of an address space: no access exceeds a page.
        super().__init__(offset, 4, PAGE_BYTES)
        self._mutex = threading.Lock()

    def _doTransaction(self, tran: rim.Transaction) -> None:
        """The address is relative to this hub."""
        page, within = divmod(tran.address(), PAGE_BYTES)
        if page >= PAGES or within + tran.size() > PAGE_BYTES:
            tran.error("Page %d ends before the access does" % page)
            return
        # Page register and window need exclusive use: one access at a time.
        with self._mutex, tran.lock():
            data = bytearray(tran.size())
            if tran.type() in (rim.Write, rim.Post):
                tran.getData(data, 0)
            error = self._access(PAGE_REGISTER, page.to_bytes(4, "little"), rim.Write)
            error = error or self._access(WINDOW + within, data, tran.type())
            if error:
                tran.error(error)
                return
            if tran.type() in (rim.Read, rim.Verify):
                tran.setData(data, 0)
        tran.done()

    def _access(self, address: int, data: Any, kind: int) -> str:
        """A request of the hub itself. Its offset is not added automatically."""
        self._clearError()
        self._waitTransaction(self._reqTransaction(self._getOffset() + address, data, 0, 0, kind))
        return self._getError()


def main() -> int:
    master, hub, device = rim.Master(), MyHub(0), PagedDevice()
    master >> hub
    hub >> device

    # One register in each page.
    def address(page: int) -> int:
        return page * PAGE_BYTES + 4 * (page % 64)

    written = [0xA0000000 + page for page in range(PAGES)]
    for page, value in enumerate(written):
        rim.write(master, address(page), value.to_bytes(4, "little"))
    data = rim.readMany(master, [address(page) for page in range(PAGES)], 4)
    read = [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]
    print("%d pages, %s" % (PAGES, "all as written" if read == written else "differences!"))

    master._waitTransaction(
        master._reqTransaction(PAGES * PAGE_BYTES, bytearray(4), 4, 0, rim.Read)
    )
    print("outside: %s" % master._getError())
    expected = "Page 64 ends before the access does"
    return 0 if read == written and master._getError() == expected else 1


if __name__ == "__main__":
    sys.exit(main())
