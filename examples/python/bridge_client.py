#!/usr/bin/env python3
"""Reads and writes registers over TCP, as Rogue's documentation of the memory TCP bridge shows it.

    bridge_client.py HOST PORT

Ends with 0 if what it reads back is what it wrote.
"""

import sys

import rogue
import rogue.interfaces.memory as rim


class MyMemMaster(rim.Master):
    """Reads and writes 32-bit registers and waits for each."""

    def __init__(self) -> None:
        super().__init__()

    def read(self, address: int) -> int:
        data = bytearray(4)
        self._transfer(address, data, rim.Read)
        return int.from_bytes(data, "little")

    def write(self, address: int, value: int) -> None:
        self._transfer(address, bytearray(value.to_bytes(4, "little")), rim.Write)

    def _transfer(self, address: int, data: bytearray, kind: int) -> None:
        self._clearError()
        self._waitTransaction(self._reqTransaction(address, data, 0, 0, kind))
        if self._getError() != "":
            raise rogue.GeneralError(self._getError())


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: bridge_client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        # Local memory Master
        mst = MyMemMaster()
        mst._setTimeout(5 * 1000 * 1000)  # microseconds; the default is one second

        # Connect to the remote server using ports <port> and <port> + 1
        tcp = rim.TcpClient(sys.argv[1], int(sys.argv[2]))

        # Connect the local Master to the remote bridge
        mst >> tcp

        # Optional: check whether the server answers
        if not tcp.waitReady(10.0, 0.1):
            print("no server: %s" % tcp.getStateText(), file=sys.stderr)
            return 1

        mst.write(0x1000, 0x12345678)
        value = mst.read(0x1000)
        print("register 0x1000 holds 0x%08x" % value)
        return 0 if value == 0x12345678 else 1
    except rogue.GeneralError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
