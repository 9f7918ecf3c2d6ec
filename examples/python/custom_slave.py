#!/usr/bin/env python3
"""A custom memory Slave that answers later, from another thread: a worker represents the device,
whose answers contain only the id of the request.

Takes no arguments, and ends with 0 if all went as expected.
"""

import queue
import sys
import threading

import rogue.interfaces.memory as rim


class MyMemSlave(rim.Slave):
    def __init__(self) -> None:
        super().__init__(4, 1024)  # advertises accesses of 4 to 1024 bytes
        self._memory = bytearray(0x1000)
        self._requests: "queue.Queue[int]" = queue.Queue()
        self._device = threading.Thread(target=self._run)
        self._device.start()

    def stop(self) -> None:
        self._requests.put(0)  # no transaction's id
        self._device.join()

    def _doTransaction(self, tran: rim.Transaction) -> None:
        """Called in the requesting thread: store the transaction, pass it on, return."""
        if tran.address() + tran.size() > len(self._memory):
            tran.error("No register at 0x%x" % tran.address())
            return
        self._addTransaction(tran)
        self._requests.put(tran.id())

    def _run(self) -> None:
        while True:
            id = self._requests.get()
            if id == 0:
                return
            self._answer(id)

    def _answer(self, id: int) -> None:
        # None if the requester has given up meanwhile.
        tran = self._getTransaction(id)
        if tran is None:
            return
        # The data may be touched only under the lock, and not after the transaction has expired.
        with tran.lock():
            if tran.expired():
                return
            place = slice(tran.address(), tran.address() + tran.size())
            if tran.type() in (rim.Write, rim.Post):
                data = bytearray(tran.size())
                tran.getData(data, 0)
                self._memory[place] = data
            else:
                tran.setData(self._memory[place], 0)
            tran.done()


def main() -> int:
    master, slave = rim.Master(), MyMemSlave()
    master >> slave
    written = [3 * n for n in range(256)]
    for n, value in enumerate(written):
        master._reqTransaction(4 * n, value.to_bytes(4, "little"), 4, 0, rim.Write)
    master._waitTransaction(0)  # all of them
    buffers = [bytearray(4) for _ in written]
    for n, buffer in enumerate(buffers):
        master._reqTransaction(4 * n, buffer, 4, 0, rim.Read)
    master._waitTransaction(0)
    same = [int.from_bytes(buffer, "little") for buffer in buffers] == written
    print("all registers hold what was written" if same else "differences!")
    good = same and master._getError() == ""

    master._waitTransaction(master._reqTransaction(0x10000, bytearray(4), 4, 0, rim.Read))
    print("outside: %s" % master._getError())
    slave.stop()
    return 0 if good and master._getError() == "No register at 0x10000" else 1


if __name__ == "__main__":
    sys.exit(main())
