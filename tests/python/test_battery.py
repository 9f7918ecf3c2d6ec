"""One battery of behaviours, over every road to a slave."""

import random
import threading

import pytest
import rogue.interfaces.memory as rim

from support import (
    HANG_S,
    LONG_US,
    SHORT_US,
    TO_MEMORY,
    TO_SLAVE,
    Acting,
    Keeping,
    Printed,
    hub_over,
    master_of,
    request,
)


@pytest.fixture(params=sorted(TO_MEMORY))
def memory(request):
    make, unit = TO_MEMORY[request.param]
    road = make()
    road.unit = unit
    yield road
    road.close()


@pytest.fixture(params=sorted(TO_SLAVE))
def road_to(request):
    roads = []

    def lay(slave):
        roads.append(TO_SLAVE[request.param](slave))
        return roads[-1]

    yield lay
    for road in roads:
        road.close()


def pattern(count, mark):
    return bytes(((n + mark) * 0x9E3779B9 >> 16) & 0xFF for n in range(count))


# --- memory at the far end ------------------------------------------------------------------------


def test_what_is_written_is_read_and_verified(memory):
    master, unit = memory.master(), memory.unit
    for place, mark in [(0, 1), (1, 2), (5, 3), (0, 4)]:
        address, data = 0x1000 + place * unit, pattern(3 * unit, mark)
        assert request(master, rim.Write, address, data) == ""
        for kind in (rim.Read, rim.Verify):
            back = bytearray(len(data))
            assert request(master, kind, address, back) == ""
            assert back == data
        posted = pattern(3 * unit, mark + 100)
        assert request(master, rim.Post, address, posted) == ""
        assert rim.read(master, address, len(data)) == posted


def test_what_was_never_written_reads_as_zero(memory):
    master = memory.master()
    for address in (0, 0x1_0000, 0x7FFF_FFFF_FFFF_F000, 0xFFFF_FFFF_FFFF_F000):
        assert rim.read(master, address, 64) == bytes(64)


def test_accesses_of_many_sizes_touch_their_bytes_only(memory):
    master, unit = memory.master(), memory.unit
    model = bytearray(40 * unit)
    for units in range(1, 20):
        data, start = pattern(units * unit, units), (20 - units) * unit
        rim.write(master, 0x4000 + start, data)
        model[start : start + len(data)] = data
        assert rim.read(master, 0x4000, len(model)) == model


def test_offsets_of_hubs_add_up(memory):
    lower = hub_over(memory.near, 0x2_0000_0000)
    near = master_of(hub_over(lower, 0x100))
    data = pattern(16, 7)
    rim.write(near, 0x20, data)
    assert rim.read(memory.master(), 0x2_0000_0120, 16) == data
    assert near._reqAddress() == memory.master()._reqAddress() + 0x2_0000_0100
    assert lower._getOffset() == 0x2_0000_0000


def test_a_large_block_arrives_whole(memory):
    unit = memory.unit
    count = 5000 if "ython" in str(type(memory.near)) else 300_000 // unit * unit
    master, data = memory.master(), pattern(count // unit * unit, 3)
    rim.write(master, 0x8000 + 3 * unit, data)
    assert rim.read(master, 0x8000 + 3 * unit, len(data)) == data
    assert rim.read(master, 0x8000 + 2 * unit, unit) == bytes(unit)


def test_many_requests_may_be_outstanding(memory):
    count, unit, master = 2000, memory.unit, memory.master()
    for index in range(count):
        master._reqTransaction(index * unit, pattern(unit, index), 0, 0, rim.Write)
    master._waitTransaction(0)
    buffers = [bytearray(unit) for _ in range(count)]
    ids = [master._reqTransaction(n * unit, buffers[n], 0, 0, rim.Read) for n in range(count)]
    assert len(set(ids)) == count and 0 not in ids
    # Waited for in another order than requested.
    for id in reversed(ids):
        master._waitTransaction(id)
    assert master._getError() == ""
    assert buffers == [pattern(unit, index) for index in range(count)]


def test_posted_writes_need_no_waiting(memory):
    count, unit, master = 3000, memory.unit, memory.master()
    for index in range(count):
        master._reqTransaction(index % 100 * unit, pattern(unit, index), 0, 0, rim.Post)
    back = rim.read(master, 0, 100 * unit)
    assert back == b"".join(pattern(unit, index) for index in range(count - 100, count))
    assert not master._rg_master.pins


def test_a_later_write_wins(memory):
    master, unit = memory.master(), memory.unit
    for round in range(5):
        for n in range(20):
            kind = rim.Post if n % 3 == 0 else rim.Write
            master._reqTransaction(0, pattern(2 * unit, 100 * round + n), 0, 0, kind)
        assert rim.read(master, 0, 2 * unit) == pattern(2 * unit, 100 * round + 19)
        master._waitTransaction(0)


def play(master, base, units, unit, seed, count):
    """Random accesses, each compared with a model of the memory."""
    dice, model = random.Random(seed), bytearray(units * unit)
    for n in range(count):
        start = dice.randrange(units)
        size = dice.randint(1, min(units - start, 60))
        span, address = slice(start * unit, (start + size) * unit), base + start * unit
        kind = dice.choice((rim.Read, rim.Write, rim.Post, rim.Verify))
        if kind in (rim.Write, rim.Post):
            model[span] = pattern(size * unit, dice.randrange(1 << 20))
            assert request(master, kind, address, bytes(model[span])) == ""
        else:
            data = bytearray(size * unit)
            assert request(master, kind, address, data) == ""
            assert data == model[span], "seed %d, access %d" % (seed, n)


def test_random_accesses_agree_with_a_model(memory):
    play(memory.master(), 0xFFFF_F000, 500, memory.unit, 1, 200)


def test_threads_do_not_meet(memory):
    failures = []

    def work(number):
        try:
            play(memory.master(), number << 16, 200, memory.unit, 10 + number, 60)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(HANG_S)
    assert not failures


def test_many_in_one_call_are_as_many_single_ones(memory):
    master, unit = memory.master(), memory.unit
    places = [0x100 * n for n in range(150)]
    rim.writeMany(master, places, pattern(150 * unit, 5))
    assert rim.readMany(master, places, unit) == pattern(150 * unit, 5)
    assert rim.read(master, 0x300, unit) == pattern(150 * unit, 5)[3 * unit : 4 * unit]


def test_dropping_a_master_with_requests_on_their_way_harms_nobody(memory):
    steady = memory.master()
    for round in range(20):
        hasty = memory.master()
        for index in range(20):
            hasty._reqTransaction(
                0x10_0000 + index * memory.unit, bytearray(memory.unit), 0, 0, rim.Read
            )
        del hasty
        data = pattern(5 * memory.unit, round)
        rim.write(steady, 0, data)
        assert rim.read(steady, 0, len(data)) == data


# --- slaves controlled by the test ----------------------------------------------------------------


def test_each_kind_of_request_arrives_as_such(road_to):
    seen = []

    def act(_slave, tran):
        data = bytearray(tran.size())
        tran.getData(data, 0)
        seen.append((tran.address(), tran.size(), tran.type(), bytes(data)))
        if tran.type() in (rim.Read, rim.Verify):
            tran.setData(b"\7" * tran.size(), 0)
        tran.done()

    master = road_to(Acting(act)).master()
    assert rim.read(master, 0x10, 3) == b"\7\7\7"
    data = bytearray(2)
    assert request(master, rim.Verify, 0x1_0000_0000, data) == ""
    assert data == b"\7\7"
    assert request(master, rim.Write, 0xFFFF_FFFF_FFFF_FFFE, b"\1\2") == ""
    assert request(master, rim.Post, 0, b"\3") == ""
    assert rim.read(master, 1, 1) == b"\7"
    assert seen[:4] == [
        (0x10, 3, rim.Read, bytes(3)),
        (0x1_0000_0000, 2, rim.Verify, bytes(2)),
        (0xFFFF_FFFF_FFFF_FFFE, 2, rim.Write, b"\1\2"),
        (0, 1, rim.Post, b"\3"),
    ]


def test_an_error_arrives_with_its_text(road_to):
    texts = ["broken", "§ 7: kaputt", "x" * 300]
    slave = Acting(lambda slave, tran: tran.error(texts[tran.address()]))
    master = road_to(slave).master()
    for number, text in enumerate(texts):
        for kind in (rim.Read, rim.Write, rim.Verify):
            assert text in request(master, kind, number, bytearray(4))


def test_an_exception_becomes_the_transactions_error(road_to, capfd):
    def act(_slave, _tran):
        raise ValueError("no such register")

    master = road_to(Acting(act)).master()
    assert "no such register" in request(master, rim.Read, 0, bytearray(4))
    # The slave's thread prints it after its answer.
    assert Printed(capfd, "err").has("Traceback", "ValueError: no such register")


def test_answers_may_come_in_any_order_and_from_any_thread(road_to):
    slave = Keeping()
    master = road_to(slave).master()
    buffers = [bytearray(4) for _ in range(50)]
    ids = [master._reqTransaction(4 * n, buffers[n], 0, 0, rim.Read) for n in range(50)]
    waiting = [slave.next() for _ in ids]

    def answer():
        dice = random.Random(1)
        dice.shuffle(waiting)
        for tran in waiting:
            with tran.lock():
                if not tran.expired():
                    tran.setData(tran.address().to_bytes(8, "little")[:4], 0)
                    tran.done()

    worker = threading.Thread(target=answer)
    worker.start()
    for id in ids:
        master._waitTransaction(id)
    worker.join(HANG_S)
    assert master._getError() == ""
    low = [int.from_bytes(data, "little") for data in buffers]
    assert [value - low[0] for value in low] == [4 * n for n in range(50)]


def test_what_is_not_answered_times_out_and_after_it_all_is_as_before(road_to):
    slave = Keeping()
    master = road_to(slave).master()
    master._setTimeout(SHORT_US)
    buffer = bytearray(b"\x55" * 4)
    assert "Timeout waiting for register transaction" in request(master, rim.Read, 0, buffer)
    late = slave.next()
    master._setTimeout(LONG_US)
    id = master._reqTransaction(4, bytearray(4), 0, 0, rim.Read)
    if late is not None and not late.expired():
        late.setData(b"late", 0)
        late.done()
    answered = slave.next()
    answered.setData(b"good", 0)
    answered.done()
    master._clearError()
    master._waitTransaction(id)
    assert master._getError() == ""
    assert buffer == b"\x55" * 4, "a late answer reached a buffer that had been given up"


def test_errors_belong_to_the_request_that_failed(road_to):
    def act(_slave, tran):
        if tran.address() % 8:
            tran.error("odd")
        else:
            tran.done()

    master = road_to(Acting(act)).master()
    ids = [master._reqTransaction(4 * n, bytearray(4), 0, 0, rim.Read) for n in range(40)]
    for n, id in enumerate(ids):
        master._clearError()
        master._waitTransaction(id)
        assert ("odd" in master._getError()) == bool(n % 2)


def test_an_unconnected_end_says_so(road_to):
    road = road_to(rim.Hub(0, 0, 0))
    said = request(road.master(), rim.Read, 0, bytearray(4))
    assert "Unsupported transaction using unconnected memory bus" in said
