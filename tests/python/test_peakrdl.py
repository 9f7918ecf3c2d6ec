"""Registers by the names of a SystemRDL file: what the real peakrdl generates, over the bridge."""

import array
import asyncio
import importlib
import os
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.peakrdl

from support import (
    HANG_S,
    IS_CPYTHON,
    TOP,
    Acting,
    Keeping,
    Memory,
    bridge,
    hub_over,
    master_of,
    thread,
)

HERE = pathlib.Path(__file__).parent
EXAMPLE = TOP / "examples" / "python" / "peakrdl"
#: CPython's generates for PyPy too: there one of its parts would be compiled at its installation.
GENERATOR = pathlib.Path(sys.prefix) / ("bin" if IS_CPYTHON else "../cpython/bin") / "peakrdl"
BASE = 0x4000_0000


def generate(source, folder, *options):
    command = [GENERATOR, "python", source, "-o", folder, "--skip_test_case_generation", *options]
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The folder of the package `chip`, and of `chip_async` for asyncio."""
    folder = tmp_path_factory.mktemp("generated")
    generate(HERE / "chip.rdl", folder)
    generate(HERE / "chip.rdl", folder, "--rename", "chip_async", "--async")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def normal(packages, bus):
    sets = importlib.import_module("chip.lib")
    model = importlib.import_module("chip.reg_model")
    return model.RegModel(callbacks=sets.NormalCallbackSet(**bus.normal))


def awaited(packages, bus):
    sets = importlib.import_module("chip_async.lib")
    model = importlib.import_module("chip_async.reg_model")
    return model.RegModel(callbacks=sets.AsyncCallbackSet(**bus.asyncio))


@pytest.fixture
def road():
    """A bridge to memory whose transactions are counted, as (type, address, size)."""
    memory = Counting()
    road = bridge(memory)
    road.memory = memory
    yield road
    road.close()


class Counting(Memory):
    def __init__(self):
        super().__init__()
        self.seen = []

    def _doTransaction(self, tran):
        self.seen.append((tran.type(), tran.address(), tran.size()))
        super()._doTransaction(tran)

    def counted(self):
        seen, self.seen = self.seen, []
        return seen

    def image(self, address, size):
        return bytes(self.bytes.get(address + n, 0) for n in range(size))


def test_fields_are_read_and_written_by_name(packages, road):
    chip = normal(packages, rogue.peakrdl.callbacks(road.master(), BASE))
    road.memory.bytes[BASE] = 0x02
    chip.control.write_fields(gain=0xABC, enable=1)
    assert road.memory.counted() == [(rim.Read, BASE, 4), (rim.Write, BASE, 4)]
    assert road.memory.image(BASE, 4) == (0xABC3).to_bytes(4, "little")
    assert chip.control.gain.read() == 0xABC and chip.control.ready.read() == 1
    assert chip.control.read_fields() == {"enable": 1, "ready": 1, "gain": 0xABC}
    chip.channel[2].limit.value.write(77)
    assert road.memory.image(BASE + 0x60, 4) == bytes([77, 0, 0, 0])
    road.memory.bytes[BASE + 0x74] = 5
    assert [channel.count.read() for channel in chip.channel] == [0, 0, 0, 5]


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_a_register_of_any_width_is_one_transaction(packages, road, byteorder):
    chip = normal(packages, rogue.peakrdl.callbacks(road.near, byteorder=byteorder))
    road.memory.counted()
    for register, size in ((chip.narrow, 1), (chip.half, 2), (chip.stamp, 8), (chip.key, 16)):
        value = int.from_bytes(bytes(range(0xE1, 0xE1 + size)), "little")
        register.write(value)
        assert register.read() == value
        assert register.value.read() == value
        assert road.memory.image(register.address, size) == value.to_bytes(size, byteorder)
        counted = road.memory.counted()
        assert counted[:2] == [
            (rim.Write, register.address, size),
            (rim.Read, register.address, size),
        ]
        assert len(counted) == 3


def test_arrays_and_memories_are_read_and_written_in_blocks(packages, road):
    chip = normal(packages, rogue.peakrdl.callbacks(road.near, BASE))
    with chip.threshold.single_read_modify_write(verify=True) as thresholds:
        for number in range(64):
            thresholds[number].value.write(number << 20)
    one = BASE + 0x100, 256
    assert road.memory.counted() == [(rim.Read, *one), (rim.Write, *one), (rim.Read, *one)]
    assert [entry.value.read() for entry in chip.threshold] == [n << 20 for n in range(64)]

    road.memory.counted()
    values = [n * 0x10001 for n in range(2500)]
    chip.samples.write(1000, values)
    start = BASE + 0x10000 + 4000
    parts = [(start, 4096), (start + 4096, 4096), (start + 8192, 1808)]
    assert road.memory.counted() == [(rim.Write, *part) for part in parts]
    assert chip.samples.read(1000, 2500) == values
    assert road.memory.counted() == [(rim.Read, *part) for part in parts]
    assert chip.samples.read(0, 0) == [] and road.memory.counted() == []

    # Entries of 24 bits take four bytes each; what the fourth has is none of theirs.
    chip.colours.write(1, [0xABCDEF, 1, 2])
    assert road.memory.image(BASE + 0x20004, 8) == bytes([0xEF, 0xCD, 0xAB, 0, 1, 0, 0, 0])
    road.memory.bytes[BASE + 0x20007] = 0xFF
    assert chip.colours.read(0, 3) == [0, 0xABCDEF, 1]
    wide = [1 << 127, 0x0123456789ABCDEF0123456789ABCDEF]
    chip.lines.write(6, wide)
    assert chip.lines.read(5, 3) == [0, *wide]


def test_all_parts_of_a_block_are_requested_before_the_first_is_waited_for(packages):
    slave = Keeping()
    road = bridge(slave)
    chip = normal(packages, rogue.peakrdl.callbacks(road.master(), access_bytes_max=512))
    read = []
    with thread(lambda: read.extend(chip.samples.read(0, 1000))):
        transactions = [slave.next() for _ in range(8)]
        for tran in reversed(transactions):
            assert tran.size() == (512 if tran.address() < 0x10000 + 7 * 512 else 416)
            tran.setData(bytes([tran.address() >> 9 & 0xFF]) * tran.size(), 0)
            tran.done()
    del tran, transactions[:]
    assert read == [0x80808080 + 0x01010101 * (n // 128) for n in range(1000)]
    road.close()


def test_asyncio_reads_and_writes_by_name(packages, road):
    chip = awaited(packages, rogue.peakrdl.callbacks(road.near, BASE))

    async def use():
        await chip.control.write_fields(gain=0x123, enable=1)
        fields, _ = await asyncio.gather(chip.control.read_fields(), chip.stamp.write(1 << 63))
        assert fields == {"enable": 1, "ready": 0, "gain": 0x123}
        assert await chip.stamp.value.read() == 1 << 63
        road.memory.counted()
        async with chip.threshold.single_read_modify_write() as thresholds:
            for number in range(64):
                await thresholds[number].value.write(number)
        assert len(road.memory.counted()) == 2
        values = list(range(2500))
        await chip.samples.write(0, values)
        assert await chip.samples.read(0, 2500) == values
        assert len(road.memory.counted()) == 6
        assert await chip.samples.read(0, 0) == []

    asyncio.run(use())
    assert road.memory.image(BASE, 4) == bytes([0x31, 0x12, 0, 0])


def test_an_error_names_the_register_address_and_the_cause(packages):
    def act(_slave, tran):
        if tran.address() & 0xFFFF_F000 in (BASE, BASE + 0x11000):
            tran.error("AXI bus error DECERR")
        tran.done()

    road = bridge(Acting(act))
    bus = rogue.peakrdl.callbacks(road.near, BASE)
    chip, chip_async = normal(packages, bus), awaited(packages, bus)
    single = r"^rogue.peakrdl: General Error: Cannot %s 32 bits at 0x0, 0x40000000 on the bus: .*"
    block = "Cannot %s 4096 entries of 32 bits at 0x10000, 0x40010000 on the bus: "
    block += "At address 0x40011000: .*"
    cases = [
        (single % "read", lambda chip: chip.control.gain.read()),
        (single % "write", lambda chip: chip.control.write(0)),
        (block % "read", lambda chip: chip.samples.read(0, 4096)),
        (block % "write", lambda chip: chip.samples.write(0, [0] * 4096)),
    ]
    for words, access in cases:
        with pytest.raises(rogue.GeneralError, match=words + "AXI bus error DECERR"):
            access(chip)

        async def use(access=access):
            await access(chip_async)

        with pytest.raises(rogue.GeneralError, match=words + "AXI bus error DECERR"):
            asyncio.run(use())
    road.close()


# --- without peakrdl ------------------------------------------------------------------------------


def test_the_callbacks_take_a_master_a_slave_or_a_hub():
    memory = Memory()
    master = master_of(memory)
    assert rogue.peakrdl.callbacks(master).master is master
    for place, base in ((master, 0), (memory, 0), (hub_over(memory, 0x300), 0x300)):
        bus = rogue.peakrdl.callbacks(place, 0x40)
        bus.write(0x4, 32, 32, 0x01020304)
        assert rim.read(master, base + 0x44, 4) == bytes([4, 3, 2, 1])
        assert bus.read(0x4, 32, 32) == 0x01020304
        bus.write(0x4, 32, 32, 0)
    with pytest.raises(TypeError, match=r"expected a Master or a Slave .* got int"):
        rogue.peakrdl.callbacks(1)
    with pytest.raises(ValueError, match="'little' or 'big', not 'middle'"):
        rogue.peakrdl.callbacks(master, byteorder="middle")
    with pytest.raises(ValueError, match="1 or more, not 0"):
        rogue.peakrdl.callbacks(master, access_bytes_max=0)


def test_a_path_that_takes_less_gets_smaller_transactions():
    seen = []

    def act(_slave, tran):
        seen.append(tran.size())
        tran.done()

    bus = rogue.peakrdl.callbacks(Acting(act, 4, 64))
    bus.writeBlock(0, 32, 32, [0] * 40)
    assert seen == [64, 64, 32]


def test_what_cannot_be_sent_is_refused_before_anything_is():
    seen = []
    master = master_of(Acting(lambda _slave, tran: seen.append(tran)))
    bus = rogue.peakrdl.callbacks(master, -0x100)
    for value in (-1, 1 << 32):
        with pytest.raises(ValueError, match="does not fit the 32 bits at 0x108"):
            bus.writeBlock(0x100, 32, 32, [0, 1, value])
    with pytest.raises(TypeError):
        bus.write(0x100, 32, 32, 1.5)
    with pytest.raises(ValueError, match="the entries at 0x100 have 4 bits"):
        bus.readBlock(0x100, 4, 4, 2)
    for address in (0xFC, (1 << 64) + 0xFE):
        with pytest.raises(rogue.GeneralError, match="4 bytes at %#x .*outside the bus" % address):
            bus.read(address, 32, 32)
    assert not seen


def test_the_legacy_sets_of_earlier_versions_get_arrays():
    bus = rogue.peakrdl.callbacks(rim.Emulate(1, 0), arrays=True)
    for width, code in ((8, "B"), (16, "H"), (32, "L"), (64, "Q")):
        data = array.array(code, [1, 2, (1 << width) - 1])
        bus.writeBlock(0, width, width, data)
        assert bus.readBlock(0, width, width, 3) == data
        assert bus.readBlock(0, width, width, 3).typecode == code
    with pytest.raises(ValueError, match="those at 0x0 have 128"):
        bus.readBlock(0, 128, 32, 1)


# --- what is shown --------------------------------------------------------------------------------


def test_the_example_runs_and_passes_a_type_checker(tmp_path):
    generate(EXAMPLE / "chip.rdl", tmp_path)
    program = str(EXAMPLE / "registers.py")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    def run(*command, **environment):
        done = subprocess.run(
            [sys.executable, *command],
            env=dict(os.environ, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_S,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "'gain': 12} and threshold 7 is 107" in run(program, PYTHONPATH=path)
    if IS_CPYTHON:
        # The generated package exports what it imports.
        options = ["--strict", "--implicit-reexport", "--follow-imports=silent"]
        options += ["--no-namespace-packages", "--cache-dir", str(tmp_path / "mypy")]
        run("-m", "mypy", *options, program, MYPYPATH=str(tmp_path))


def test_the_page_shows_what_the_example_has():
    page = (TOP / "docs" / "systemrdl.md").read_text(encoding="utf-8")
    program = (EXAMPLE / "registers.py").read_text(encoding="utf-8")
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert textwrap.indent(commands, "    ") in program and shown in program
