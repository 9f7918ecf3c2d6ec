"""A small tree of devices and named registers, in the shape of the trees that programs make of
blocks and variables."""

import rogue.interfaces.memory as rim

from registers import variable


class Register(rim.Variable):
    """A register of a device, at a byte offset. Its values are names, if it has an enumeration."""

    def __init__(self, name, offset, bits=32, bit=0, enum=None, **options):
        self.name, self.byte, self.enum = name, offset, enum
        self.updates, self.block = 0, None
        made = {"offset": offset, "notify": True, **options}
        # The constructor of the base last, as pyrogue does.
        variable(name, bit, bits, kind=self._init, **made)

    def _init(self, *arguments):
        rim.Variable.__init__(self, *arguments)
        return self

    def _queueUpdate(self):
        self.updates += 1

    def _coded(self, value):
        if self.enum is None or not isinstance(value, str):
            return value
        return next(number for number, name in self.enum.items() if name == value)

    def stage(self, value, index=-1):
        self._set(self._coded(value), index)

    def staged(self, index=-1):
        value = self._get(index)
        return value if self.enum is None else self.enum[value]

    def set(self, value, index=-1):
        """Writes, verifies, waits."""
        self.stage(value, index)
        self.block._startTransaction(rim.Write, True, False, self, index)
        self.block._startTransaction(rim.Verify, False, False, self, index)
        self.block._checkTransaction()

    def get(self, index=-1):
        """Reads, waits."""
        self.block._startTransaction(rim.Read, False, True, self, index)
        return self.staged(index)


class Command(Register):
    """A register that acts when it is written."""

    def __init__(self, name, offset, **options):
        super().__init__(name, offset, mode="WO", verify=False, **options)

    def __call__(self, value=1):
        self.stage(value)
        self.block._startTransaction(rim.Post, True, True, self, -1)


class Device(rim.Hub):
    """Devices and registers under one offset."""

    def __init__(self, name, offset, *children):
        super().__init__(offset, 0, 0)
        self.name = name
        self.devices = [child for child in children if isinstance(child, Device)]
        self.registers = [child for child in children if isinstance(child, Register)]
        self.own_blocks = []

    def connect(self, slave, path=""):
        """Connects the device and all below it to a slave, and makes blocks of the registers."""
        self >> slave
        path = path + "." + self.name if path else self.name
        self._make_blocks(path, self._reqMinAccess())
        for device in self.devices:
            device.connect(self, path)
        return self

    def _make_blocks(self, path, unit):
        """One block for registers that have bytes in common."""
        groups = []
        for one in sorted(self.registers, key=lambda one: one.byte):
            one._updatePath(path + "." + one.name)
            one._shiftOffsetDown(one._offset() % unit, unit)
            start = one._offset()
            if groups and start < groups[-1][1]:
                groups[-1][1] = max(groups[-1][1], start + one._varBytes())
                groups[-1][2].append(one)
            else:
                groups.append([start, start + one._varBytes(), [one]])
        for start, end, members in groups:
            for one in members:
                one._shiftOffsetDown(one._offset() - start, unit)
            block = rim.Block(start, end - start)
            block >> self
            block.addVariables(members)
            block.setEnable(True)
            for one in members:
                one.block = block
            self.own_blocks.append(block)

    def blocks(self):
        """All blocks of the tree."""
        below = (block for device in self.devices for block in device.blocks())
        return [*self.own_blocks, *below]

    def all_registers(self):
        below = (one for device in self.devices for one in device.all_registers())
        return [*self.registers, *below]

    def enable(self, enable):
        for block in self.blocks():
            block.setEnable(enable)

    def __getitem__(self, path):
        """The device or register of a path below this one."""
        name, _, rest = path.partition(".")
        found = next(one for one in (*self.devices, *self.registers) if one.name == name)
        return found[rest] if rest else found


class Faulty(rim.Hub):
    """Passes requests on, but for faults of its next writes, reads or verifies."""

    def __init__(self):
        super().__init__(0, 0, 0)
        self.faults = {kind: [] for kind in (rim.Read, rim.Write, rim.Post, rim.Verify)}
        self.seen = []

    def _doTransaction(self, tran):
        self.seen.append((tran.type(), tran.address(), tran.size()))
        faults = self.faults[tran.type()]
        fault = faults.pop(0) if faults else None
        if fault is None:
            super()._doTransaction(tran)
        elif fault == "ignore":
            tran.done()
        elif fault != "drop":
            tran.error(fault)
