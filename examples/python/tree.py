#!/usr/bin/env python3
"""A small tree of devices with named registers, which are set and read by their names.

Emulated memory is behind it. With a TcpClient, an SrpV3 or a MemMap instead it is the tree of a
real board. Takes no arguments, and ends with 0 if all went as expected.
"""

import sys
from typing import Any

import rogue
import rogue.interfaces.memory as rim


class Model:
    """How the bits of a register are to be understood."""

    isBigEndian = False
    bitReverse = False

    def __init__(self, modelId: int, binPoint: int = 0) -> None:
        self.modelId = modelId
        self.binPoint = binPoint


class Elements:
    """A list of values; 0 values: a single one."""

    def __init__(self, numValues: int, valueBits: int) -> None:
        self.numValues = numValues
        self.valueBits = self.valueStride = valueBits


class Register(rim.Variable):
    """Bits of a word of its device, or of words from one on."""

    def __init__(
        self,
        name: str,
        offset: int,
        bits: int = 32,
        bit: int = 0,
        count: int = 0,
        model: int = rim.UInt,
        binPoint: int = 0,
        mode: str = "RW",
        minimum: float = 0,
        maximum: float = 0,
    ) -> None:
        self.name, self.offset = name, offset
        self.bytes_count = (bit + bits * max(count, 1) + 31) // 32 * 4
        super().__init__(
            *(name, mode, minimum, maximum, offset, [bit], [bits * max(count, 1)]),
            # May not overlap, is verified, and wants no updates.
            *(False, True, True, False, Model(model, binPoint), Elements(count, bits), 0),
        )

    def join(self, block: rim.Block) -> None:
        self.block = block

    def set(self, value: Any, index: int = -1) -> None:
        """Writes the register, reads it back, and compares."""
        self._set(value, index)
        self.block._startTransaction(rim.Write, True, True, self, index)
        self.block._startTransaction(rim.Verify, False, True, self, index)

    def get(self, index: int = -1) -> Any:
        """Reads the register."""
        self.block._startTransaction(rim.Read, False, True, self, index)
        return self._get(index)


class Device(rim.Hub):
    """Registers and devices at one offset."""

    def __init__(self, name: str, offset: int) -> None:
        super().__init__(offset, 0, 0)
        self.name = name
        self.devices: "list[Device]" = []
        self.own_blocks: "list[rim.Block]" = []

    def add(self, device: "Device") -> "Device":
        device >> self
        self.devices.append(device)
        return device

    def addRegisters(self, *registers: Register) -> None:
        """Makes a block of the registers at each offset."""
        for offset in sorted({one.offset for one in registers}):
            members = [one for one in registers if one.offset == offset]
            block = rim.Block(offset, max(one.bytes_count for one in members))
            block >> self
            block.addVariables(members)
            block.setEnable(True)
            for one in members:
                one._updatePath("%s.%s" % (self.name, one.name))
                one.join(block)
            self.own_blocks.append(block)

    def blocks(self) -> "list[rim.Block]":
        """All blocks of the device and of those below it."""
        return [*self.own_blocks, *(block for one in self.devices for block in one.blocks())]


class Channel(Device):
    def __init__(self, name: str, offset: int) -> None:
        super().__init__(name, offset)
        self.enable = Register("Enable", 0x0, 1, model=rim.Bool)
        self.gain = Register("Gain", 0x0, 12, bit=8, model=rim.Int, minimum=-1000, maximum=1000)
        self.threshold = Register("Threshold", 0x4, 16, model=rim.UFixed, binPoint=4)
        self.counts = Register("Counts", 0x10, 16, count=8)
        self.addRegisters(self.enable, self.gain, self.threshold, self.counts)


def main() -> int:
    memory = rim.Emulate(4, 4096)
    board = Device("Board", 0x40000000)
    board >> memory
    label = Register("Label", 0x0, 64, model=rim.String)
    board.addRegisters(label)
    channels = [Channel("Channel%d" % n, 0x1000 + 0x100 * n) for n in range(4)]
    for channel in channels:
        board.add(channel)

    label.set("board 7")
    for number, channel in enumerate(channels):
        channel.enable.set(True)
        channel.gain.set(-100 * number)
        channel.threshold.set(0.25 * number)
        channel.counts.set([number] * 8)
        channel.counts.set(99, 3)
    third = channels[3]
    print("%s: %s" % (label.get(), third.gain._getDumpValue(True).strip()))
    try:
        third.gain.set(1001)
        return 1
    except rogue.GeneralError as error:
        print(error)

    # The whole tree, with all reads requested before the first is waited for.
    rim.readAll(board.blocks())
    gains = [channel.gain._get(-1) for channel in channels]
    thresholds = [channel.threshold._get(-1) for channel in channels]
    counts = [list(channel.counts._get(-1)) for channel in channels]
    print("gains %s, thresholds %s, counts %s" % (gains, thresholds, counts[3]))
    expected = [[n, n, n, 99, n, n, n, n] for n in range(4)]
    is_good = gains == [0, -100, -200, -300] and thresholds == [0, 0.25, 0.5, 0.75]
    return 0 if is_good and counts == expected else 1


if __name__ == "__main__":
    sys.exit(main())
