#!/usr/bin/env python3
"""Registers by the names of chip.rdl, over the memory TCP bridge.

    pip install peakrdl-cli peakrdl-python
    peakrdl python chip.rdl -o generated --skip_test_case_generation
    PYTHONPATH=generated python registers.py

Takes no arguments, and ends with 0 if it reads back what it wrote.
"""

import sys

import rogue.interfaces.memory as rim
import rogue.peakrdl
from chip.lib import NormalCallbackSet
from chip.reg_model import RegModel


def use(client: rim.TcpClient) -> int:
    bus = rogue.peakrdl.callbacks(client, 0x40000000)  # where the chip lies on the bus
    chip = RegModel(callbacks=NormalCallbackSet(**bus.normal))

    chip.control.write_fields(gain=12, enable=1)
    with chip.threshold.single_read_modify_write() as threshold:  # one burst each way
        for channel in range(64):
            threshold[channel].dac.write(100 + channel)
    chip.samples.write(0, list(range(4096)))  # one burst, 4 KiB each

    print(chip.control.read_fields(), "and threshold 7 is", chip.threshold[7].dac.read())
    return 0 if chip.samples.read(4000, 96) == list(range(4000, 4096)) else 1


def main() -> int:
    registers = rim.Emulate(4, 0x1000)
    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> registers
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            return use(client)


if __name__ == "__main__":
    sys.exit(main())
