"""A battery for trees of registers, over every road."""

import threading

import pytest
import rogue
import rogue.interfaces.memory as rim

from support import HANG_S, LONG_US, TO_MEMORY, master_of, thread
from tree import Command, Device, Faulty, Register

ROADS = ("in_process", "hubs", "bridge", "two_bridges", "srp_in_process", "bridge_to_srp")
STATES = {0: "Off", 1: "On", 2: "Standby"}
FIELDS = 8


def channel(number):
    return Device(
        "Channel%d" % number,
        0x100 * number,
        Register("Enable", 0x0, 1, model=rim.Bool),
        Register("Mode", 0x0, 2, 4, enum=STATES),
        Register("Gain", 0x0, 12, 8, model=rim.Int),
        Register("Threshold", 0x4, 16, model=rim.UFixed, bin_point=4),
        Register("Counts", 0x10, 16, count=8, stride=32),
    )


def crate():
    """Two boards of two channels, and registers of all kinds."""
    boards = [
        Device("Board%d" % number, 0x1000 * (number + 1), *(channel(n) for n in (1, 2)))
        for number in range(2)
    ]
    return Device(
        "Crate",
        0x10000,
        *boards,
        Register("Version", 0x0, mode="RO"),
        Register("Scratch", 0x4),
        Register("Name", 0x8, 64, model=rim.String),
        Register("Serial", 0x10, 96, model=rim.UInt),
        Register("Swapped", 0x1C, 32, big_endian=True),
        Register("Temperature", 0x20, 32, model=rim.Float),
        Register("Rate", 0x28, 64, model=rim.Double),
        Register("Offset", 0x30, 24, model=rim.Fixed, bin_point=8),
        Register("Half", 0x34, 16, model=rim.Float16),
        Register("Raw", 0x38, 64, model=rim.Bytes),
        Register("Odd", 0x40, 17, 3, model=rim.Int),
        *(Register("Field%d" % n, 0x44 + n // 4 * 4, 8, n % 4 * 8) for n in range(FIELDS)),
        Register("Retried", 0x50, retries=3),
        Command("Reset", 0x60),
    )


class Tree:
    def __init__(self, road):
        self.road, self.faulty = road, Faulty()
        self.faulty >> road.near
        self.top = crate().connect(self.faulty)
        for block in self.top.blocks():
            block._setTimeout(LONG_US)
        self.master = master_of(self.faulty)

    def __getitem__(self, path):
        return self.top[path]

    def memory(self, address, size=4):
        return rim.read(self.master, 0x10000 + address, size)


@pytest.fixture(params=ROADS)
def tree(request):
    road = TO_MEMORY[request.param][0]()
    yield Tree(road)
    road.close()


#: A value of each kind, and the bytes it has at the device.
VALUES = {
    "Scratch": (0x4, 0x89ABCDEF, b"\xef\xcd\xab\x89"),
    "Name": (0x8, "crate 7", b"crate 7\0"),
    "Serial": (
        0x10,
        0x0123456789ABCDEF01234567,
        b"\x67\x45\x23\x01\xef\xcd\xab\x89\x67\x45\x23\x01",
    ),
    "Swapped": (0x1C, 0x01020304, b"\x01\x02\x03\x04"),
    "Temperature": (0x20, -40.5, b"\x00\x00\x22\xc2"),
    "Rate": (0x28, 1e-3, b"\xfc\xa9\xf1\xd2\x4d\x62\x50\x3f"),
    "Offset": (0x30, -1.5, b"\x80\xfe\xff\x00"),
    "Half": (0x34, 1.5, b"\x00\x3e\x00\x00"),
    "Raw": (0x38, b"rawbytes", b"rawbytes"),
    "Odd": (0x40, -2, b"\xf0\xff\x0f\x00"),
}


def test_a_value_of_every_kind_reaches_its_place_and_comes_back(tree):
    for name, (address, value, data) in VALUES.items():
        one = tree[name]
        one.set(value)
        assert tree.memory(address, len(data)) == data, name
        # From the device, not from what is staged.
        one._set(type(value)() if not isinstance(value, bytes) else bytes(8), -1)
        one.block._startTransaction(rim.Write, False, True, one, -1)
        rim.write(tree.master, 0x10000 + address, data)
        assert one.get() == value and type(one.get()) is type(value), name


def test_registers_of_nested_devices_have_addresses_of_their_own(tree):
    for board in range(2):
        for number in (1, 2):
            one = tree["Board%d.Channel%d.Gain" % (board, number)]
            one.set(-100 * board - number)
            path = "Crate.Board%d.Channel%d.Gain" % (board, number)
            assert one._getDumpValue(True) == "%s = %d\n" % (path, -100 * board - number)
            address = 0x1000 * (board + 1) + 0x100 * number
            assert one.block.address == 0x10000 + address
            word = int.from_bytes(tree.memory(address), "little")
            assert word == ((-100 * board - number) & 0xFFF) << 8


def test_fields_of_a_word_leave_each_other_alone(tree):
    device = tree["Board0.Channel1"]
    device["Gain"].set(-7)
    device["Enable"].set(True)
    device["Mode"].set("Standby")
    assert [device[name].get() for name in ("Enable", "Mode", "Gain")] == [True, "Standby", -7]
    assert tree.memory(0x1100) == b"\x21\xf9\x0f\x00"


def test_lists_are_set_as_a_whole_in_part_and_by_element(tree):
    counts = tree["Board1.Channel2.Counts"]
    counts.set([10, 11, 12, 13, 14, 15, 16, 17])
    assert list(counts.get()) == list(range(10, 18))
    tree.faulty.seen.clear()
    counts.set([1, 2], 6)
    counts.set(3, 0)
    # The elements that were set, and what is between them.
    base = 0x10000 + 0x2000 + 0x200 + 0x10
    two, one = (8, 4) if tree.top._reqMinAccess() == 4 else (6, 2)
    assert [(kind, address - base, size) for kind, address, size in tree.faulty.seen] == [
        *[(kind, 24, two) for kind in (rim.Write, rim.Verify)],
        *[(kind, 0, one) for kind in (rim.Write, rim.Verify)],
    ]
    assert [counts.get(index) for index in range(8)] == [3, 11, 12, 13, 14, 15, 1, 2]
    for index in (8, 100):
        with pytest.raises(rogue.GeneralError, match="Index %d is out of range" % index):
            counts.set(1, index)


def test_names_of_values_and_commands_act_as_registers(tree):
    mode = tree["Board0.Channel2.Mode"]
    mode.set("On")
    assert (mode.get(), mode._get(-1)) == ("On", 1)
    tree["Reset"](5)
    assert tree.memory(0x60) == b"\x05\0\0\0"
    assert tree.faulty.seen[-2][0] == rim.Post


def test_what_is_staged_in_many_blocks_is_written_verified_and_read_in_bulk(tree):
    registers = [tree["Board%d.Channel%d.Gain" % (b, c)] for b in range(2) for c in (1, 2)]
    for number, one in enumerate(registers):
        one.stage(number - 2)
    blocks = tree.top.blocks()
    for step in (rim.Write, rim.Verify):
        for block in blocks:
            block._startTransaction(step, False, False, None, -1)
    for block in blocks:
        block._checkTransaction()
    kinds = [kind for kind, _, _ in tree.faulty.seen]
    assert kinds == [rim.Write] * 4 + [rim.Verify] * 4
    for number, one in enumerate(registers):
        one.stage(number + 10)
    rim.writeAll(blocks)
    rim.readAll(blocks)
    assert rim.getAll(registers) == [10, 11, 12, 13]
    # All but the command, which is not read.
    assert [one.name for one in tree.top.all_registers() if not one.updates] == ["Reset"]


def test_a_bulk_call_reports_each_failure_and_no_other_block_suffers(tree):
    blocks = [tree["Scratch"].block, tree["Swapped"].block, tree["Half"].block]
    rim.write(tree.master, 0x10000 + 0x4, b"\7\0\0\0")
    tree.faulty.faults[rim.Read] = [None, "no power", "no power"]
    with pytest.raises(rim.BulkError) as raised:
        rim.readAll(blocks)
    failed = [block for block, _ in raised.value.failures]
    assert len(failed) == 2 and all(any(one is block for block in blocks) for one in failed)
    assert "no power" in str(raised.value) and "and 1 others of 3" in str(raised.value)
    assert all("no power" in str(error) for _, error in raised.value.failures)
    rim.startAll(blocks, rim.Read)
    rim.checkAll(blocks)
    assert tree["Scratch"].staged() == 7


def test_a_disabled_device_sends_nothing(tree):
    board = tree["Board0"]
    board.enable(False)
    board["Channel1.Gain"].set(5)
    assert board["Channel1.Gain"].get() == 5
    rim.writeAll(board.blocks(), True)
    rim.readAll(board.blocks())
    assert tree.faulty.seen == []
    board.enable(True)
    assert board["Channel1.Gain"].get() == 0


def test_a_write_that_does_not_stick_is_told(tree):
    one = tree["Scratch"]
    tree.faulty.faults[rim.Write] = ["ignore"]
    with pytest.raises(rogue.GeneralError) as raised:
        one.set(0x12345678)
    assert str(raised.value) == (
        "Block::checkTransaction: General Error: Verify error for block Crate.Scratch with address "
        "0x00010004. Byte: 0. Got: 0x00, Exp: 0x78, Mask: 0xff"
    )
    updates = one.updates
    one.set(0x12345678)
    assert one.get() == 0x12345678 and one.updates > updates


def test_an_error_of_the_device_is_told_once_and_the_next_access_works(tree):
    one = tree["Scratch"]
    for kind, call in ((rim.Write, lambda: one.set(1)), (rim.Read, one.get)):
        tree.faulty.faults[kind] = ["bus is down"]
        with pytest.raises(rogue.GeneralError) as raised:
            call()
        assert str(raised.value) == (
            "Block::checkTransaction: General Error: Transaction error for block Crate.Scratch "
            "with address 0x00010004. Error bus is down"
        )
        one.block._checkTransaction()
    one.set(2)
    assert one.get() == 2


def test_a_failed_access_is_repeated_as_often_as_the_register_says(tree):
    one = tree["Retried"]
    for number in range(5):
        tree.faulty.faults[rim.Write] = ["late", "ignore"]
        tree.faulty.faults[rim.Read] = ["late", "late"]
        one.set(number)
        assert one.get() == number
    tree.faulty.faults[rim.Read] = ["late"] * 4
    with pytest.raises(rogue.GeneralError, match="Error late"):
        one.get()
    assert one.get() == 4


def test_8_threads_set_and_get_fields_of_the_same_words(tree):
    start = threading.Barrier(FIELDS)

    def work(number):
        one = tree["Field%d" % number]
        start.wait(HANG_S)
        for value in range(20):
            one.set((value + number) % 256)
            assert one.get() == (value + number) % 256

    def nest(number):
        if number == FIELDS:
            return
        with thread(work, number):
            nest(number + 1)

    nest(0)
    expected = bytes((19 + number) % 256 for number in range(FIELDS))
    assert tree.memory(0x44, FIELDS) == expected
