"""Typed registers: every recorded geometry and sequence of transactions, from Python."""

import collections
import re

import pytest
import rogue
import rogue.interfaces.memory as rim

from registers import Bench, message, of_row, rows, variable
from support import LONG_US, SHORT_US

TYPES = {"Read": rim.Read, "Write": rim.Write, "Post": rim.Post, "Verify": rim.Verify}
NAMES = {type: name for name, type in TYPES.items()}


class Noting(rim.Slave):
    """Notes the accesses to it: address and size."""

    def __init__(self, min=1):
        super().__init__(min, 0)
        self.seen = []

    def _doTransaction(self, tran):
        self.seen.append((tran.address(), tran.size()))
        tran.done()


def read_range(bench, index):
    """The bytes of the block that a read covers: the first one, and how many."""
    slave = Noting()
    bench.block >> slave
    bench.block.setEnable(True)
    bench.block._startTransaction(rim.Read, False, True, bench.variables[0], index)
    ((address, size),) = slave.seen
    return [index, address - bench.block.offset, size]


def plain(value):
    """A value of Python's, as a line has it."""
    if isinstance(value, bytes):
        return value.hex()
    return value.tolist() if hasattr(value, "tolist") else value


def given(variable_row, value):
    """A value of a line, for Python."""
    return bytes.fromhex(value) if variable_row.get("model") == "Bytes" else value


def shifted(row, *shifts):
    """The variable of a line, after the shifts that are not None."""
    one = of_row(row, overlap=True)
    for shift in shifts:
        if shift is not None:
            one._shiftOffsetDown(*shift)
    return one


def test_d62_every_recorded_geometry_places_its_values():
    count = 0
    for row in rows("block_geometry", "geometry"):
        one, other = (shifted(row["variable"], row.get("shift")) for _ in range(2))
        if "shift" in row:
            assert (one._bitOffset(), one._offset()) == (
                row["bit_offset_after"],
                row["offset_after"],
            )
        shape = one._varBytes(), one._valueBits(), one._valueStride(), one._numValues()
        names = "var_bytes", "value_bits", "value_stride", "num_values"
        assert shape == tuple(row[name] for name in names), row
        bench = Bench(bytes.fromhex(row["image"]), one)
        for step in row["steps"]:
            index = step["index"]
            outcome = message(one._set, given(row["variable"], step["set"]), index)
            assert outcome == (step.get("error"), step.get("text")), (step, row)
            assert bench.image == step["staged"], (step, row)
            if "get" in step:
                assert plain(one._get(index)) == step["get"], (step, row)
        # What is staged would not be read.
        bench = Bench(bytes.fromhex(row["image"]), other)
        for wanted in row.get("read_ranges", ()):
            assert read_range(bench, wanted[0]) == wanted, row
        count += 1
    assert count == 212


def test_every_recorded_shift_moves_the_variable():
    count = 0
    for row in rows("block_geometry", "shift"):
        if "before" in row:
            assert of_row(row)._varBytes() == row["before"]["var_bytes"], row
        one = shifted(row, row["shift"])
        assert (one._varBytes(), one._offset()) == (row["var_bytes"], row["offset_after"]), row
        offsets = row["bit_offset_after"]
        assert one._bitOffset() == (offsets if isinstance(offsets, list) else [offsets]), row
        bench = Bench(bytes(row["block_size"]), one)
        for wanted in row.get("read_ranges", ()):
            assert read_range(bench, wanted[0]) == wanted, row
        if "read_range" in row:
            assert read_range(bench, -1) == [-1, *row["read_range"]], row
        if "var_bytes_after_shift_0_1" in row:
            # In a block it stays where it is.
            with pytest.raises(rogue.GeneralError, match="it is in a block"):
                one._shiftOffsetDown(0, 1)
            one = shifted(row, row["shift"], (0, 1))
            assert one._varBytes() == row["var_bytes_after_shift_0_1"], row
            bench = Bench(bytes(row["block_size"]), one)
            assert read_range(bench, -1) == [-1, *row["read_range_after_shift_0_1"]], row
        count += 1
    assert count == 28


def properties(block):
    names = [one._getDumpValue(False).split(" ")[0] for one in block.variables]
    return block.path, block.mode, block.bulkOpEn, names


def test_d64_every_recorded_list_of_variables_is_accepted_or_refused_as_a_whole():
    count = collections.Counter()
    for row in rows("block_geometry", "add_variables"):
        block = rim.Block(row["block_offset"], row["block_size"])
        added = [of_row(one) for one in row["variables"]]
        outcome = message(block.addVariables, added)
        assert outcome == (row.get("error"), row.get("text")), row
        wanted = row["path"], row["mode"], row["bulk_op_en"], row["variables_after"]
        assert properties(block) == wanted, row
        # The same objects.
        assert outcome[0] or all(one is other for one, other in zip(block.variables, added))
        count[outcome[0]] += 1
    assert count == {None: 31, "GeneralError": 18}


def test_d73_positions_are_exact_up_to_the_largest():
    count = 0
    for row in rows("block_geometry", "large_position"):
        elements = row.get("num_values", 0)
        if elements:
            bits, stride = row["value_bits_in"], row["value_stride_in"]
            one = variable(bit=row["bit_offset"][0], bits=bits, count=elements, stride=stride)
        else:
            one = of_row(row)
        assert one._varBytes() == row["var_bytes"], row
        count += 1
    assert count == 10


def test_fields_of_one_block_leave_each_other_alone():
    count = 0
    for row in rows("block_geometry", "fields"):
        added = [of_row(one, overlap=True) for one in row["variables"]]
        bench = Bench(bytes.fromhex(row["image"]), *added)
        named = {one["name"]: made for one, made in zip(row["variables"], added)}
        for step in row["steps"]:
            named[step["variable"]]._set(step["set"], -1)
            assert bench.image == step["staged"], (step, row)
        for name, wanted in row["get"].items():
            assert named[name]._get(-1) == wanted, (name, row)
        count += 1
    assert count == 25


def test_a_block_tells_its_properties_and_its_address_behind_hubs():
    bare, behind = rows("block_geometry", "block_properties")
    block = rim.Block(bare["offset"], bare["size"])
    assert (block.path, block.mode, block.bulkOpEn) == (bare["path"], bare["mode"], False)
    assert (block.offset, block.address, block.size) == tuple(
        bare[name] for name in ("offset", "address", "size")
    )
    assert block.variables == []
    block = rim.Block(behind["offset"], behind["size"])
    block >> rim.Hub(0x1000, 0, 0)
    assert block.address == behind["address"]
    for row in rows("block_geometry", "address_text"):
        block, hub = rim.Block(row["block_offset"], 8), rim.Hub(row["hub_offset"], 0, 0)
        block >> hub >> Failing()
        both = [variable(name, bits=8) for name in "vw"]
        assert message(block.addVariables, both)[1] == row["overlap_text"]
        block.addVariables(both[:1])
        block.setEnable(True)
        assert (
            message(block._startTransaction, rim.Read, False, True, None, -1)[1] == row["read_text"]
        )
        assert block.address == row["address"]


class Failing(rim.Slave):
    def __init__(self):
        super().__init__(1, 0)

    def _doTransaction(self, tran):
        tran.error("x")


# --- transactions ---------------------------------------------------------------------------------


class Recording(rim.Slave):
    """Memory that notes what happens, and has faults for its next transactions."""

    def __init__(self, min, base, data):
        super().__init__(min, 0)
        self.base, self.data = base, bytearray(data)
        self.faults, self.events = [], []

    def _doTransaction(self, tran):
        fault = (self.faults.pop(0) if self.faults else None) or [None]
        place = slice(tran.address() - self.base, tran.address() - self.base + tran.size())
        data, is_write = bytearray(tran.size()), tran.type() in (rim.Write, rim.Post)
        if is_write:
            tran.getData(data, 0)
            if fault[0] not in ("error", "drop", "ignore"):
                self.data[place] = data
        else:
            data[:] = self.data[place]
            if fault[0] == "corrupt":
                data[fault[1]] ^= fault[2]
        fails = fault[0] in ("error", "drop")
        if not is_write and not fails:
            tran.setData(data, 0)
        shown = None if fails and not is_write else data.hex()
        event = ["transaction", NAMES[tran.type()], tran.address(), tran.size(), shown]
        self.events.append(event + ([fault[0]] if fault[0] else []))
        if fault[0] == "error":
            tran.error(fault[1])
        elif fault[0] != "drop":
            tran.done()


class Notified(rim.Variable):
    """Notes its updates with the slave."""

    slave = None

    def _queueUpdate(self):
        self.slave.events.append(["queue_update", self._getDumpValue(False).split(" ")[0]])


class Rig:
    """A block over a memory, as a line describes them."""

    def __init__(self, row):
        self.slave = Recording(row["min_access"], row["block_offset"], bytes.fromhex(row["memory"]))
        self.block = rim.Block(row["block_offset"], row["block_size"])
        # A wait for an answer that never comes takes this time.
        self.block._setTimeout(SHORT_US if "drop" in str(row["steps"]) else LONG_US)
        self.block >> self.slave
        self.variables = {}
        for shape in row["variables"]:
            one = self.variables[shape["name"]] = of_row(shape, kind=Notified)
            one.slave = self.slave
            if "shift" in shape:
                one._shiftOffsetDown(*shape["shift"])
        self.block.addVariables(self.variables.values())
        self.block.setEnable(row.get("enabled", True))

    def step(self, step):
        """Carries a step out; its result."""
        op, index, slave = step["op"], step.get("index", -1), self.slave
        one = self.variables.get(step.get("variable"))
        if op == "set":
            one._set(step["value"], index)
        elif op == "get":
            return plain(one._get(index))
        elif op == "start":
            flags = step.get("force_write", False), step.get("check", False)
            self.block._startTransaction(TYPES[step["type"]], *flags, one, index)
        elif op == "check":
            self.block._checkTransaction()
        elif op == "enable":
            self.block.setEnable(step.get("value", True))
        elif op == "faults":
            slave.faults = list(step["next_transactions"])
        elif op == "poke":
            data = bytes.fromhex(step["data"])
            slave.data[step["offset"] : step["offset"] + len(data)] = data
        elif op == "memory":
            return slave.data.hex()
        else:
            return self.block._getError()
        return None

    def seen(self, step):
        """What a step shows: error, its text, result, and what happened."""
        error = text = result = None
        try:
            result = self.step(step)
        except rogue.GeneralError as raised:
            text = re.sub(r"(?<=register transaction )\d+", "<id>", str(raised))
            error = "GeneralError"
        events, self.slave.events = self.slave.events, []
        return error, text, result, events


def wanted(step):
    """What a line says of a step."""
    result = step.get({"get": "value", "get_error": "value", "memory": "data"}.get(step["op"]))
    return step.get("error"), step.get("text"), result, step.get("events", [])


def test_d56_every_recorded_sequence_is_carried_out_without_its_defects():
    count = 0
    for row in rows("block_transactions", "trace"):
        rig = Rig(row)
        assert rig.block.mode == row.get("block_mode", rig.block.mode), row
        for step in row["steps"]:
            assert rig.seen(step) == wanted(step), (step, row["description"], row)
        count += 1
    assert count == 334
