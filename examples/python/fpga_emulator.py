#!/usr/bin/env python3
"""Plays an FPGA: registers behind SRPv3, the packetizer, RSSI and UDP, as firmware has them.

    fpga_emulator.py [PORT]     default: a port the system chooses; firmware has 8192 by convention

Prints its port, and serves until its standard input ends.
"""

import sys

import rogue
import rogue.protocols as rp
import rogue.protocols.srp as rps


def main() -> int:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    try:
        # Firmware with the interleaving packetizer has version 2
        with rp.UdpRssiPack(port=port, host="*", packVer=2, server=True) as board:
            # Destination 0 is that of registers by convention
            registers = rps.SrpV3Emulation()
            board.application(0) == registers

            print("listening on port %d" % board.getPort(), flush=True)
            sys.stdin.read()
    except rogue.GeneralError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
