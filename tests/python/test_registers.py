"""Typed registers in Python: what programs rely on, beside the recorded lines and the tree."""

import gc
import itertools
import signal
import struct
import threading
import weakref

import pytest
import rogue
import rogue.interfaces.memory as rim

from registers import Bench, ListData, Model, message, variable
from support import (
    HANG_S,
    IS_CPYTHON,
    LONG_US,
    SHORT_US,
    Acting,
    Keeping,
    hub_over,
    run,
    thread,
    wait_until,
)

try:
    import numpy as np
except ImportError:
    np = None


def block_over(slave, *variables, size=64, offset=0):
    block = rim.Block(offset, size)
    block >> slave
    block._setTimeout(LONG_US)
    block.addVariables(variables)
    block.setEnable(True)
    return block


def write(block, one, value, index=-1):
    """Sets, verifies and waits, as pyrogue does."""
    one._set(value, index)
    block._startTransaction(rim.Write, True, False, one, index)
    block._startTransaction(rim.Verify, False, False, one, index)
    block._checkTransaction()


def read(block, one, index=-1):
    block._startTransaction(rim.Read, False, True, one, index)
    return one._get(index)


def plain(value):
    """A list of what may be an array."""
    return value.tolist() if hasattr(value, "tolist") else value


# --- values ---------------------------------------------------------------------------------------


def test_signed_values_of_any_width_keep_their_sign():
    widths = (16, 8, 7, 5, 12, 17, 33, 64)
    bits = list(itertools.accumulate(widths, initial=0))
    variables = [variable("v%d" % n, bits[n], w, rim.Int) for n, w in enumerate(widths)]
    block = block_over(rim.Emulate(4, 0), *variables)
    for values in ([-1] * 8, [-(1 << w - 1) for w in widths], [(1 << w - 1) - 1 for w in widths]):
        for one, value in zip(variables, values):
            write(block, one, value)
        assert [read(block, one) for one in variables] == values


def test_the_whole_range_of_a_width_may_be_set_and_no_more():
    for bits in (1, 8, 17, 63, 64):
        unsigned, signed = (variable(bits=bits, model=model) for model in (rim.UInt, rim.Int))
        for one, low, high in (
            (unsigned, 0, (1 << bits) - 1),
            (signed, -(1 << bits - 1), (1 << bits - 1) - 1),
        ):
            bench = block_over(rim.Emulate(4, 0), one)
            for value in (low, high):
                one._set(value, -1)
                assert one._get(-1) == value
            for value in (low - 1, high + 1):
                assert message(one._set, value, -1)[0] in ("GeneralError", "OverflowError")
                assert one._get(-1) == high
            assert bench is not None


#: Bits of a model: values, and what is in the register.
PATTERNS = {
    "Float8": (8, {1.0: 0x38, 448.0: 0x7E, 1e9: 0x7E, -2.0: 0xC0}),
    "Float6": (8, {1.0: 0x0C, 28.0: 0x1F, -28.0: 0x3F, float("nan"): 0x1F}),
    "Float4": (8, {1.0: 0x02, 6.0: 0x07, -0.5: 0x09, float("nan"): 0x07}),
    "BFloat16": (16, {1.0: 0x3F80, -2.0: 0xC000}),
    "TensorFloat32": (32, {1.0: 0x3F800000, 0.5: 0x3F000000}),
    "Float16": (16, {1.0: 0x3C00, -2.0: 0xC000, 65504.0: 0x7BFF}),
    "Float": (32, {1.0: 0x3F800000}),
}


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_floats_have_the_bits_of_their_model_in_both_orders(name):
    bits, values = PATTERNS[name]
    for order in ("little", "big"):
        one = variable(bits=bits, model=getattr(rim, name), big_endian=order == "big", overlap=True)
        bench = Bench(bytes(bits // 8), one)
        for value, pattern in values.items():
            one._set(value, -1)
            assert int.from_bytes(bytes.fromhex(bench.image), order) == pattern, (value, order)


LISTS = [
    (1, 1),
    (1, 3),
    (8, 8),
    (8, 16),
    (16, 16),
    (21, 21),
    (21, 32),
    (32, 32),
    (48, 64),
    (64, 64),
]


@pytest.mark.parametrize("bits, stride", LISTS)
def test_lists_of_any_width_and_distance_are_set_in_whole_and_in_part(bits, stride):
    for model, low in ((rim.UInt, 0), (rim.Int, -(1 << bits - 1))):
        one = variable(bits=bits, model=model, count=9, stride=stride)
        block = block_over(rim.Emulate(1, 0), one, size=9 * 8)
        values = [low + (n * 0x9E3779B97F4A7C15) % (1 << bits) for n in range(9)]
        write(block, one, values)
        assert plain(read(block, one)) == values
        assert [one._get(n) for n in range(9)] == values
        part = values[3:6]
        write(block, one, part, 1)
        values[1:4] = part
        assert plain(read(block, one)) == values
        for index in (9, -2, 100):
            assert message(one._set, low, index)[0] == "GeneralError"
        assert plain(one._get(-1)) == values


def test_interleaved_lists_share_a_region():
    lists = [variable("v%d" % n, 8 * n, 8, count=6, stride=24) for n in range(3)]
    block = block_over(rim.Emulate(1, 0), *lists)
    for n, one in enumerate(lists):
        write(block, one, [16 * n + place for place in range(6)])
    for n, one in enumerate(lists):
        assert plain(read(block, one)) == [16 * n + place for place in range(6)]


def test_arrays_of_any_distance_and_order_are_set():
    if np is None:
        return
    kinds = {
        rim.UInt: (16, ("u1", "u2", "u4", "u8", ">u2", ">u8")),
        rim.Int: (16, ("i1", "i2", "i4", "i8", ">i4")),
        rim.Bool: (1, ("?",)),
        rim.Float: (32, ("f4", ">f4")),
        rim.Double: (64, ("f8", ">f8")),
        rim.Fixed: (16, ("f8",)),
        rim.Float16: (16, ("f2", ">f2")),
        rim.BFloat16: (16, ("f4",)),
    }
    for model, (bits, types) in kinds.items():
        one = variable(bits=bits, model=model, count=8)
        block = block_over(rim.Emulate(4, 0), one)
        for kind in types:
            source = np.arange(32).astype(kind)
            for view in (source[:8], source[::4], source[::-4], source[1:17:2]):
                one._set(view, -1)
                assert one._get(-1).tolist() == view.tolist()
                one._set(view[2:5], 4)
                assert one._get(-1)[4:7].tolist() == view[2:5].tolist()
            source[:8].flags.writeable = False
            one._set(source[:8], -1)
        assert message(one._set, np.zeros(8, "c16"), -1)[0] == "GeneralError"
        assert block is not None


def test_numpy_is_not_imported_and_found_when_the_program_does():
    status, _, error = run("""
        import sys
        import rogue, rogue.interfaces.memory as rim
        import registers

        numbers = registers.variable(count=4, bits=8, overlap=True)
        flags = registers.variable(count=4, bits=1, model=rim.Bool, overlap=True)
        bench = registers.Bench(bytes((1, 2, 3, 4)), numbers, flags)
        assert "numpy" not in sys.modules
        assert numbers._get(-1) == [1, 2, 3, 4]
        assert [type(one) for one in flags._get(-1)] == [bool] * 4
        try:
            import numpy
        except ImportError:
            sys.exit(0)
        assert numbers._get(-1).dtype == numpy.uint8 and flags._get(-1).dtype == bool
        """)
    assert status == 0, error


# --- bad input ------------------------------------------------------------------------------------

NAN = float("nan")


class Lengthening(Model):
    """Makes so many bytes of a value."""

    def toBytes(self, value):
        return b"\1" * value


#: A variable, a value that it does not take, an index, and the source and the text of the refusal.
REFUSED = {
    "index": (
        *(dict(bits=8, count=4), 1, 4),
        *("setBytes", "Index 4 is out of range for v"),
    ),
    "too many": (
        *(dict(bits=8, count=4), [1] * 5, -1, "setUIntPy"),
        "Overflow error for passed list with length 5 at index 0. Variable length = 4 for v",
    ),
    "out of range": (
        *(dict(bits=8, minimum=2, maximum=7), 8, -1, "setUInt"),
        "Value range error for v. Value=8, Min=2.000000, Max=7.000000",
    ),
    "too wide": (
        *(dict(bits=8), 256, -1, "setUInt"),
        "Value range error for v. Value=256, Min=0.000000, Max=255.000000",
    ),
    "a float": (dict(), 1.0, -1, "setUIntPy", "Failed to extract value for v."),
    "a float in a list": (
        *(dict(bits=8, count=4), [1, 2, 3.0], -1),
        *("setUIntPy", "Failed to extract value for v."),
    ),
    "one too wide in a list": (
        *(dict(bits=8, count=4), [1, 2, 256], -1, "setUInt"),
        "Value range error for v. Value=256, Min=0.000000, Max=255.000000",
    ),
    "not a number": (
        *(dict(bits=16, model=rim.Fixed, bin_point=4), NAN, -1, "setFixed"),
        "Fixed point overflow for v. Value=nan, Min=-2048.000000, Max=2047.937500",
    ),
    "negative": (
        *(dict(bits=16, model=rim.UFixed, bin_point=4), -0.5, -1, "setUFixed"),
        "Unsigned fixed-point underflow for v. Value=-0.500000",
    ),
    "no text": (
        *(dict(model=rim.String), None, -1),
        *("setStringPy", "Failed to extract value for v."),
    ),
    "too few bytes": (
        *(dict(model=rim.Bytes), b"123", -1, "setByteArray"),
        "3 bytes are too few for v, which has 4",
    ),
    "too few bytes of one of a list": (
        *(dict(bits=72, count=2, model=Lengthening(rim.UInt, 72)), [9, 8], -1, "setByteArray"),
        "8 bytes are too few for v, which has 9",
    ),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_a_value_that_is_refused_is_not_staged_and_nothing_is_sent(what):
    shape, value, index, source, text = REFUSED[what]
    seen = []
    one = variable(**shape)
    block = block_over(Acting(lambda _, tran: seen.append(tran) or tran.done()), one)
    before = one._getDumpValue(False)
    with pytest.raises(rogue.GeneralError) as raised:
        one._set(value, index)
    assert str(raised.value) == "Block::%s: General Error: %s" % (source, text)
    assert one._getDumpValue(False) == before
    block._startTransaction(rim.Write, False, True, one, -1)
    assert seen == []


def test_f70_too_many_values_of_a_programs_model_are_refused_under_its_name():
    one = variable(bits=72, count=2)
    block = block_over(rim.Emulate(4, 0), one)
    with pytest.raises(rogue.GeneralError) as raised:
        one._set([1, 2, 3], -1)
    assert str(raised.value) == (
        "Block::setPyFunc: General Error: Overflow error for passed array with length 3 at index "
        "0. Variable length = 2 for v"
    )
    assert one._get(0) == 0 and block is not None


def test_an_integer_that_no_variable_of_its_kind_has_is_an_overflow():
    for model, values in ((rim.UInt, (-1, 1 << 64)), (rim.Int, (1 << 63, -(1 << 63) - 1))):
        one, many = variable(bits=8, model=model), variable("w", 8, 8, model, count=4)
        block = block_over(rim.Emulate(4, 0), one, many)
        for value in values:
            with pytest.raises(OverflowError, match="is no value for v, which takes"):
                one._set(value, -1)
            with pytest.raises(OverflowError):
                many._set([1, 2, value], -1)
        assert one._get(-1) == 0 and plain(many._get(-1)) == [0] * 4 and block is not None


def test_a_geometry_that_no_block_can_have_is_refused():
    flags = True, False, True, False
    cases = {
        "has no bits": ([0], [0], Model(), ListData()),
        "it has 2 bit offsets and 1 bit sizes": ([0, 8], [8], Model(), ListData()),
        "it has 0 bit offsets and 0 bit sizes": ([], [], Model(), ListData()),
        "a list has one part": ([0, 8], [8, 8], Model(), ListData(2, 8)),
        "31 bits are no Float value": ([0], [31], Model(rim.Float), ListData()),
        "128 bits are no Bool value": ([0], [128], Model(rim.Bool), ListData()),
    }
    for text, (offsets, sizes, model, shape) in cases.items():
        with pytest.raises(rogue.GeneralError, match=text) as raised:
            rim.Variable("v", "RW", 0, 0, 0, offsets, sizes, *flags, model, shape, 0)
        assert str(raised.value).startswith("Variable::Variable: General Error: Variable v cannot")
    for size in (0,):
        with pytest.raises(rogue.GeneralError, match="has no place on the bus"):
            rim.Block(0x100, size)


def test_variables_that_do_not_fit_their_block_leave_it_as_it_was():
    block, kept = rim.Block(0x40, 4), variable("kept", 0, 8)
    block.addVariables([kept])
    kept._set(7, -1)
    cases = {
        "Variable wide ends at bit 33 of block wide with address 0x00000040, which has 4 bytes": [
            variable("wide", 1, 32)
        ],
        "Variable bit overlap detected for block a with address 0x00000040 and variable b": [
            variable("a", 0, 8),
            variable("b", 7, 8),
        ],
        "Variable bit mask overlap detected for block a with address 0x00000040": [
            variable("a", 0, 8),
            variable("b", 7, 8, overlap=True),
        ],
        "No variables for the block at 0x40": [],
    }
    for text, added in cases.items():
        with pytest.raises(rogue.GeneralError) as raised:
            block.addVariables(added)
        assert str(raised.value).startswith("Block::addVariables: General Error: " + text)
        assert block.variables == [kept] and kept._get(-1) == 7
    with pytest.raises(rogue.GeneralError, match="is in another block already"):
        rim.Block(0, 4).addVariables([kept])
    with pytest.raises(TypeError):
        block.addVariables([object()])


def test_d63_a_variable_without_a_block_says_so():
    for one, value in (
        *((variable(), 1), (variable(count=2), 1), (variable(count=2), [1, 2])),
        *((variable(model=rim.String), "a"), (variable(bits=72), 1)),
    ):
        for call in (
            lambda one=one, value=value: one._set(value, 0),
            lambda one=one: one._get(0),
            lambda one=one: one._getDumpValue(False),
            lambda one=one: one._getDumpValue(True),
            one._rateTest,
        ):
            with pytest.raises(rogue.GeneralError, match="Variable v is in no block"):
                call()
    one = variable()
    block = block_over(rim.Emulate(4, 0), one)
    one._set(5, -1)
    del block
    gc.collect()
    with pytest.raises(rogue.GeneralError, match="or that no longer exists"):
        one._get(-1)
    # Another one may have it then.
    block = block_over(rim.Emulate(4, 0), one)
    assert one._get(-1) == 0 and block.variables == [one]


def test_a_block_that_is_larger_than_the_largest_access_is_refused():
    one, seen = variable(count=16), []
    block = block_over(Acting(lambda _, tran: seen.append(tran) or tran.done(), 4, 32), one)
    for kind in (rim.Read, rim.Write):
        with pytest.raises(rogue.GeneralError, match="larger than the largest access of 32 bytes"):
            block._startTransaction(kind, True, True, None, -1)
        one._set(list(range(16)), -1)
    assert seen == [] and plain(one._get(-1)) == list(range(16))
    with pytest.raises(rogue.GeneralError, match="Block::startTransaction"):
        block._startTransaction(9, True, True, None, -1)
    # Behind a hub it is split.
    hub = hub_over(rim.Emulate(4, 32), 0)
    block >> hub
    write(block, one, list(range(16)))
    assert plain(read(block, one)) == list(range(16))


# --- transactions ---------------------------------------------------------------------------------


class Notified(rim.Variable):
    """Calls a function after transactions."""

    def __init__(self, *arguments):
        self.calls, self.act = [], None
        super().__init__(*arguments)

    def _queueUpdate(self):
        self.calls.append(threading.get_ident())
        if self.act:
            self.act()


def notified(name="v", bit=0, **options):
    return variable(name, bit, kind=Notified, notify=True, **options)


def test_updates_are_told_in_the_thread_that_checks_with_no_lock_held():
    first, second = notified("a", 0), notified("b", 32)
    silent = variable("c", 64, kind=Notified)
    block = block_over(rim.Emulate(4, 0), first, second, silent)
    order = []

    def use():
        # The block is free.
        order.append("a")
        first._set(first._get(-1) + 1, -1)
        first.act = None
        block._startTransaction(rim.Read, False, True, second, -1)
        with thread(block._startTransaction, rim.Read, False, True, second, -1) as other:
            pass
        assert other.ident in second.calls

    first.act, second.act = use, lambda: order.append("b")
    block._startTransaction(rim.Read, False, False, None, -1)
    assert first.calls == []
    block._checkTransaction()
    assert order == ["a", "b", "b", "b"]
    assert first.calls[0] == threading.get_ident() and silent.calls == []
    block._checkTransaction()
    assert len(order) == 4


def test_an_exception_of_an_update_is_printed_and_goes_no_further(capfd):
    first, second = notified("a", 0), notified("b", 32)
    block = block_over(rim.Emulate(4, 0), first, second)
    first.act = lambda: 1 / 0
    block._startTransaction(rim.Read, False, True, None, -1)
    assert len(second.calls) == 1
    error = capfd.readouterr().err
    assert "_queueUpdate of a memory variable" in error and "ZeroDivisionError" in error


class Rung(Exception):
    """Raised by a handler of a signal."""


def test_f67_an_exception_of_a_signal_handler_ends_a_wait_of_a_block():
    keeping, word = Keeping(), variable()
    block = block_over(keeping, word)

    def ring(*_):
        raise Rung

    former = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Rung):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            block._startTransaction(rim.Read, False, True, word, -1)
            block._checkTransaction()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_a_failed_transaction_tells_no_update():
    one = notified()
    block = block_over(Acting(lambda _, tran: tran.error("x")), one)
    for _ in range(2):
        with pytest.raises(rogue.GeneralError, match="Error x"):
            block._startTransaction(rim.Read, False, True, one, -1)
        block._checkTransaction()
    assert one.calls == []


def test_a_staged_value_during_a_verify_is_no_difference():
    first, second = variable("a", 0, 16), variable("b", 16, 16)
    slave = Keeping(1)
    block = block_over(slave, first, second)
    memory = bytearray(64)

    def carry_out(count):
        for _ in range(count):
            tran = slave.next()
            place = slice(tran.address(), tran.address() + tran.size())
            with tran.lock():
                data = bytearray(tran.size())
                if tran.type() == rim.Write:
                    tran.getData(data, 0)
                    memory[place] = data
                else:
                    second._set(memory[0] ^ 0xFF, -1)
                    tran.setData(memory[place], 0)
            tran.done()

    stop = threading.Event()

    def stage():
        for value in itertools.cycle(range(1 << 16)):
            second._set(value, -1)
            if stop.is_set():
                return

    with thread(carry_out, 100), thread(stage):
        try:
            for value in range(50):
                write(block, first, value)
        finally:
            stop.set()


def test_a_slave_may_read_the_data_long_after_it_got_the_transaction():
    slave, one = Keeping(), variable()
    block = block_over(slave, one)
    for value in (1, 0):
        one._set(value, -1)
        block._startTransaction(rim.Write, True, False, one, -1)
        # Not what the slave is to get.
        one._set(99, -1)
        data, tran = bytearray(4), slave.next()
        tran.getData(data, 0)
        tran.done()
        block._checkTransaction()
        assert data == struct.pack("<I", value)


def test_dropped_transactions_are_repeated_until_one_is_answered():
    memory, count = rim.Emulate(4, 0), itertools.count(1)

    class Dropping(rim.Hub):
        def _doTransaction(self, tran):
            if next(count) % 3 == 0:
                super()._doTransaction(tran)

    hub = Dropping(0, 0, 0)
    hub >> memory
    words = [variable("v%d" % n, 16 * n, 16 - n % 2 * 8, retries=3) for n in range(4)]
    block = block_over(hub, *words)
    block._setTimeout(SHORT_US // 3)
    for value in range(2):
        for n, one in enumerate(words):
            write(block, one, value + n)
        assert [read(block, one) for one in words] == [value + n for n in range(4)]


def test_a_dropped_transaction_is_a_timeout_and_the_next_one_works():
    memory, answers = rim.Emulate(4, 0), []

    class Dropping(rim.Hub):
        def _doTransaction(self, tran):
            if answers:
                super()._doTransaction(tran)

    hub, one = Dropping(0, 0, 0), variable()
    hub >> memory
    block = block_over(hub, one)
    block._setTimeout(SHORT_US)
    for call in (lambda: read(block, one), lambda: write(block, one, 1)):
        with pytest.raises(rogue.GeneralError, match="Timeout waiting for register transaction"):
            call()
    answers.append(True)
    write(block, one, 7)
    assert read(block, one) == 7


def test_a_hub_that_uses_the_block_whose_request_it_gets_is_told(capfd):
    one = variable()
    said = []

    class Curious(rim.Hub):
        def _doTransaction(self, tran):
            said.append(message(block._startTransaction, rim.Read, False, True, one, -1))
            super()._doTransaction(tran)

    hub = Curious(0, 0, 0)
    hub >> rim.Emulate(4, 0)
    block = block_over(hub, one)
    assert read(block, one) == 0
    assert said[0][0] == "GeneralError" and "in the same thread" in said[0][1]


def test_calls_for_many_blocks_take_none_and_one_twice():
    for call in (rim.readAll, rim.writeAll, rim.checkAll, lambda all: rim.startAll(all, rim.Read)):
        call([])
        call(iter(()))
    assert rim.getAll([]) == []
    one = variable()
    block = block_over(rim.Emulate(4, 0), one)
    one._set(5, -1)
    rim.writeAll([block, block])
    assert rim.getAll([one, one]) == [5, 5]
    with pytest.raises(rogue.GeneralError, match="Block::startTransaction"):
        rim.startAll([block], 9)
    with pytest.raises(rogue.GeneralError, match="is in no block"):
        rim.getAll([variable()])


def test_ranges_overlap_where_all_variables_may():
    whole = variable("whole", 0, 8, count=16, overlap=True)
    parts = [variable("part%d" % n, 32 * n, 32, overlap=True) for n in range(4)]
    block = block_over(rim.Emulate(1, 0), whole, *parts)
    write(block, whole, list(range(16)))
    assert [one._get(-1) for one in parts] == [0x03020100, 0x07060504, 0x0B0A0908, 0x0F0E0D0C]
    write(block, parts[2], 0x44332211)
    assert plain(read(block, whole))[8:12] == [0x11, 0x22, 0x33, 0x44]


STAGED_COUNT = 20_000


def test_staged_values_of_two_threads_do_not_mix():
    wide, narrow = variable("a", 0, 64), variable("b", 64, 5)
    lists = [variable("l%d" % n, 128 + 128 * n, 16, count=8, big_endian=n) for n in range(2)]
    block = block_over(rim.Emulate(1, 0), wide, narrow, *lists)
    start = threading.Barrier(2)

    def work(one, values, index):
        start.wait(HANG_S)
        for turn in range(STAGED_COUNT):
            value = values[turn % len(values)]
            one._set(value, index)
            assert one._get(index) == value

    for (first, second), values, index in (
        ((wide, narrow), (0, 31, 21), -1),
        ((lists[0], lists[1]), (0, 0xFFFF, 0x1234), 3),
    ):
        with thread(work, first, values, index), thread(work, second, values, index):
            pass
    assert block is not None


# --- life -----------------------------------------------------------------------------------------


class Node:
    """As a base of pyrogue's: an unknown name looks for a child."""

    def __init__(self, name):
        self._name, self._nodes = name, {}

    def __getattr__(self, name):
        if name in self._nodes:
            return self._nodes[name]
        raise AttributeError(name)

    def _queueUpdate(self):
        self._updated = True


class Leaf(Node, rim.Variable):
    """The constructor of the variable runs last."""

    def __init__(self, name, **options):
        Node.__init__(self, name)
        variable(name, kind=self._made, notify=True, **options)

    def _made(self, *arguments):
        rim.Variable.__init__(self, *arguments)


def test_classes_may_have_other_bases_and_the_same_objects_come_back():
    leaf = Leaf("leaf")
    leaf.pollInterval = 5
    block = block_over(rim.Emulate(4, 0), leaf)
    assert block.variables[0] is leaf and block.variables is not block.variables
    assert {block: leaf}[block].pollInterval == 5
    block._startTransaction(rim.Read, False, True, None, -1)
    assert leaf._updated
    own = {name for name in dir(rim.Variable) if not name.startswith("__")}
    known = "_get _set _queueUpdate _updatePath _shiftOffsetDown _varBytes _offset _overlapEn "
    known += "_verifyEn _bitOffset _bitSize _numValues _valueBits _valueStride _retryCount "
    known += "_getDumpValue _setLogLevel _rateTest"
    assert {name for name in own if not name.startswith("_rg_")} == set(known.split())


def test_methods_of_derived_classes_are_called():
    class Doubled(rim.Variable):
        _count = 0

        def _get(self, index):
            return 2 * super()._get(index)

        def _queueUpdate(self):
            self._count += 1

    doubled = variable(kind=Doubled, notify=True)
    block = block_over(rim.Emulate(4, 0), doubled)
    doubled._set(21, -1)
    block._startTransaction(rim.Write, True, False, doubled, -1)
    block._checkTransaction()
    assert (doubled._get(-1), doubled._count) == (42, 1)


def test_a_block_keeps_its_variables_and_its_slave_and_circles_are_collected():
    class Lived(rim.Variable):
        pass

    block = block_over(rim.Emulate(4, 0), variable(kind=Lived))
    gc.collect()
    assert block.variables[0]._get(-1) == 0
    block.variables[0].block = block
    gone = weakref.ref(block.variables[0])
    del block
    assert wait_until(lambda: (gc.collect(), gone())[1] is None)


def test_a_block_may_go_while_its_transaction_is_under_way():
    slave, one = Keeping(), variable()
    block = block_over(slave, one)
    block._startTransaction(rim.Read, False, False, one, -1)
    tran = slave.next()
    del block
    gc.collect()
    tran.done()
    with pytest.raises(rogue.GeneralError):
        one._get(-1)


def test_the_log_of_a_block_has_a_level_of_its_own(capfd):
    one = variable(retries=1)
    block = block_over(Acting(lambda _, tran: tran.error("x")), one)
    one._setLogLevel(rogue.Logging.Critical)
    with pytest.raises(rogue.GeneralError):
        read(block, one)
    assert "Error on try" not in capfd.readouterr().out
    one._setLogLevel(rogue.Logging.Warning)
    with pytest.raises(rogue.GeneralError):
        read(block, one)
    assert "Error on try 1 out of 2" in capfd.readouterr().out
    with pytest.raises(rogue.GeneralError, match="is in no block"):
        variable()._setLogLevel(10)


def test_d78_a_test_of_the_rate_writes_nothing(capfd, monkeypatch):
    monkeypatch.setattr(rogue._impl.registers, "_RATE_COUNT", 10)
    kinds = []
    one = variable()
    block = block_over(Acting(lambda _, tran: kinds.append(tran.type()) or tran.done()), one)
    block._rateTest()
    one._rateTest()
    assert kinds == [rim.Read] * 20
    assert "10 reads" in capfd.readouterr().out


def test_what_is_staged_is_set_and_read_with_the_lock_of_the_interpreter():
    # Otherwise each call waits for a computing thread, for up to 5 ms.
    if IS_CPYTHON:
        import ctypes

        access = variable()._rg_stage.__self__
        assert isinstance(access._stage, ctypes._CFuncPtr)
        assert access._stage._flags_ & ctypes._FUNCFLAG_PYTHONAPI
