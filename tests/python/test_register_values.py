"""Typed registers: every recorded conversion of a value, from Python."""

import collections
import decimal
import fractions
import struct

import pytest
import rogue
import rogue.interfaces.memory as rim

from registers import MODELS, Bench, Model, message, of_row, rows, variable

try:
    import numpy as np
except ImportError:
    np = None

FLOATS = ("Float", "Float16", "Float8", "BFloat16", "TensorFloat32", "Float6", "Float4")
DOUBLES = ("Double", "Fixed", "UFixed")
#: What an exception of the binding library of Rogue's is here.
CLASSES = {"ArgumentError": "TypeError"}


# --- conversions: what C++ was recorded with ------------------------------------------------------


def value_of(row):
    """The value that a line sets."""
    model = row["model"]
    if model in FLOATS:
        return struct.unpack(">f", bytes.fromhex(row["value_bits"]))[0]
    if model in DOUBLES:
        return struct.unpack(">d", bytes.fromhex(row["value_bits"]))[0]
    if model == "String":
        return bytes.fromhex(row["value_hex"]).decode("utf-8", "replace")
    return bytes.fromhex(row["value_hex"]) if model == "Bytes" else int(row["value"])


def is_value_of(value, row):
    """Whether it is the value that a line gets."""
    model = row["model"]
    if model in FLOATS + DOUBLES:
        if value != value:
            return row["value"] == "nan"
        form = ">f" if model in FLOATS else ">d"
        return struct.pack(form, value) == struct.pack(form, value_of(row))
    if model in ("String", "Bytes"):
        return value == value_of(row)
    return str(int(value)) == row["value"]


def is_wide(row):
    return "path" in row


def is_expressible(row):
    """Whether Python has the value: C++ takes any bytes for text, and signalling NaNs."""
    if row["model"] in FLOATS:
        bits = int(row["value_bits"], 16)
        return not (value_of(row) != value_of(row) and not bits & 1 << 22)
    return row["model"] != "String" or "\ufffd" not in value_of(row)


def test_every_recorded_value_is_staged_or_refused_as_it_should():
    count = collections.Counter()
    for row in rows("block_models", "set"):
        if is_wide(row) or not is_expressible(row):
            continue
        bench = Bench(bytes.fromhex(row["image"]), of_row(row, overlap=True))
        kind, text = message(bench.variables[0]._set, value_of(row), -1)
        if kind == "OverflowError":
            # Too large for any variable of its kind, or negative: refused before the library.
            assert row["error"] == "GeneralError", row
        else:
            assert (kind, text) == (row.get("error"), row.get("text")), row
        assert bench.image == row["staged"], row
        count[kind] += 1
    assert count == {None: 2906, "GeneralError": 556}


def test_every_recorded_field_has_its_value():
    count = 0
    for row in rows("block_models", "get"):
        if is_wide(row):
            continue
        bench = Bench(bytes.fromhex(row["image"]), of_row(row, overlap=True))
        assert is_value_of(bench.variables[0]._get(-1), row), row
        count += 1
    assert count == 1730


def test_every_recorded_wide_integer_is_made_of_the_bytes_of_its_model():
    count = collections.Counter()
    # What a model of the program's has made is stored as Rogue stores it.
    for row in rows("block_models", "set", "get", mended=False):
        # Rogue ignores the limits of such integers.
        if not is_wide(row) or "error" in row or "min" in row:
            continue
        model = Model(MODELS[row["model"]], row["bit_size"], row.get("byte_reverse", False))
        made = bytes.fromhex(row["model_bytes"])
        model.toBytes, model.fromBytes = lambda value, made=made: made, lambda data: data
        bench = Bench(bytes.fromhex(row["image"]), of_row(row, model, True))
        count[row["kind"]] += 1
        if row["kind"] == "get":
            assert bench.variables[0]._get(-1) == made, row
            continue
        kind, text = message(bench.variables[0]._set, int(row["value"]), -1)
        if int(row["value"]) >> row["bit_size"] == 1:
            # Rogue cuts it off.
            assert kind == "GeneralError" and "Value range error for v. Value=0x" in text, row
            assert bench.image == row["image"], row
        else:
            assert (kind, bench.image) == (None, row["staged"]), row
    assert count == {"set": 294, "get": 300}


class Wide(Model):
    """Makes bytes of integers of 100 bits as pyrogue's models do."""

    def toBytes(self, value):
        order = "big" if self.isBigEndian else "little"
        if self._signed and value < 0:
            return (value & (1 << 100) - 1).to_bytes(13, order)
        return value.to_bytes(13, order, signed=self._signed)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("kind", ["UInt", "Int"])
def test_a_wide_integer_has_to_fit_and_to_be_within_the_limits(kind, big_endian):
    def wide(name, bit, **parts):
        model = Wide(MODELS[kind], 100, big_endian)
        return variable(name, bit, 100, model, overlap=True, **parts)

    plain, limited = wide("plain", 0), wide("limited", 104, maximum=2.0**70)
    several = wide("several", 208, count=3, stride=104)
    bench = Bench(b"\xee" * 65, plain, limited, several)
    before, more = bench.image, "which has more than 100 bits"
    limits = "Min=0.000000, Max=1180591620717411303424.000000"
    for name, one, value, reason in [
        ("plain", plain, 1 << 100, more),
        ("plain", plain, (1 << 103) - 1, more),
        ("limited", limited, (1 << 70) + 1, limits),
        # Of a list all are checked first.
        ("several", several, [1, 2, 1 << 100], more),
    ]:
        error, text = message(one._set, value, -1)
        assert error == "GeneralError" and text.endswith(reason), text
        words = kind, name
        assert text.startswith("Block::set%s: General Error: Value range error for %s." % words)
        assert bench.image == before
    fitting = [0, 1, (1 << 100) - 1] if kind == "UInt" else [0, 1, (1 << 99) - 1, -(1 << 99)]
    for value in fitting:
        plain._set(value, -1)
        stored = int(bench.image[:26], 16).to_bytes(13, "big")
        assert int.from_bytes(stored, "little") & (1 << 100) - 1 == value & (1 << 100) - 1
    limited._set(1 << 70, -1)
    several._set([1, 2, 3], -1)


def test_every_recorded_dump_is_printed():
    count = 0
    for row in rows("block_models", "dump"):
        bench = Bench(bytes.fromhex(row["image"]), of_row(row, overlap=True))
        assert bench.variables[0]._getDumpValue(False) == row["text"] + "\n", row
        count += 1
    assert count == 38


# --- values: what Python was recorded with --------------------------------------------------------


def of_python_row(row):
    """The variable of a line: one part, or a list from the first bit on."""
    shape = row["variable"]
    return variable(
        model=Model(
            MODELS[shape["model"]],
            shape["bits"],
            shape.get("byte_reverse", False),
            shape.get("bin_point", 0),
        ),
        bits=shape["bits"],
        count=shape["num_values"],
        stride=shape.get("stride"),
        minimum=shape.get("min"),
        maximum=shape.get("max"),
        overlap=True,
    )


def python_bench(row):
    return Bench(bytes.fromhex(row["image"]), of_python_row(row))


def needs_numpy(row):
    """Whether a line uses or returns what only numpy has."""
    shown = row.get("get", {}).get("type", "")
    return "np." in row.get("python", "") or "np." in row.get("index_python", "") or "num" in shown


def python_rows(kind):
    """The lines of a kind, as far as numpy is here."""
    found = rows("block_python_values", kind)
    return [row for row in found if np is not None or not needs_numpy(row)]


def evaluated(source):
    return eval(source, {"np": np})


def shown(get, *arguments):
    """The result of a call, in the form of the lines."""
    try:
        value = get(*arguments)
    except Exception as error:
        kind = type(error).__name__
        return {"error": kind, "text": str(error)} if kind == "GeneralError" else {"error": kind}
    if np is not None and isinstance(value, np.ndarray):
        values = [repr(one) for one in value.tolist()]
        shape, kind = list(value.shape), str(value.dtype)
        return {"type": "numpy.ndarray", "dtype": kind, "shape": shape, "value": values}
    name = type(value).__name__
    return {"type": name, "value": value.hex() if name == "bytes" else repr(value)}


def recorded(outcome):
    """A recorded result. The words of exceptions that are not the library's are Python's."""
    kind = CLASSES.get(outcome.get("error"), outcome.get("error"))
    if kind is None or kind == "GeneralError":
        return outcome
    return {"error": kind}


def defect_of(row):
    return row.get("defect", "").replace("D-", "d")


#: Refusals in place of what Rogue stages or leaves undefined, by the defect of the line.
REFUSALS = {
    "D-70": ("ixed point", "ixed-point"),
    "D-97": ("bytes are too few for v", "Failed to extract value for v."),
    "D-98": ("Wrong set type for variable v",),
}


def test_d97_every_recorded_python_value_is_staged_or_refused_as_it_should():
    count = collections.Counter()
    for row in python_rows("py_set"):
        if row.get("defect") in ("D-74", "D-99"):
            # They have tests of their own.
            continue
        bench, value = python_bench(row), evaluated(row["python"])
        (one,), index = bench.variables, row["index"]
        outcome = shown(one._set, value, index)
        if row.get("defect"):
            count[row["defect"]] += 1
            assert outcome["error"] == "GeneralError", row
            assert any(text in outcome["text"] for text in REFUSALS[row["defect"]]), outcome
            assert bench.image == row["image"], row
        elif "error" in row:
            count["refused"] += 1
            assert outcome == recorded({"error": row["error"], "text": row.get("text")}), row
            # Rogue keeps the elements before the one that fails.
            assert bench.image == row["image"], row
        else:
            count["same"] += 1
            assert bench.image == row["staged"], row
            assert shown(one._get, index) == recorded(row["get"]), row
    if np is not None:
        ours = {"D-70": 14, "D-97": 14, "D-98": 6}
        assert count == {**ours, "refused": 1249, "same": 632}


def test_every_recorded_value_is_what_python_gets():
    count = collections.Counter()
    for row in python_rows("py_get"):
        bench = python_bench(row)
        (one,) = bench.variables
        outcome = shown(one._get, row["index"])
        if row.get("undefined"):
            count[row["defect"]] += 1
            assert "Wrong get type for variable v" in outcome["text"], row
        else:
            count["error" in outcome] += 1
            assert outcome == recorded(row["get"]), row
    assert count == {False: 327 if np else 172, True: 63, "D-98": 9}


def test_d74_text_may_fill_its_variable_and_is_never_cut():
    bench = Bench(bytes(8), variable(bits=64, model=rim.String, overlap=True))
    (one,) = bench.variables
    one._set("abcdefgh", -1)
    assert (one._get(-1), bench.image) == ("abcdefgh", b"abcdefgh".hex())
    with pytest.raises(rogue.GeneralError, match="Text of 9 bytes is too long for v"):
        one._set("abcdefghi", -1)
    assert one._get(-1) == "abcdefgh"


def test_d99_arrays_in_the_other_byte_order_are_converted():
    count = 0
    for row in python_rows("py_set"):
        if row.get("defect") != "D-99":
            continue
        count += 1
        bench = python_bench(row)
        (one,) = bench.variables
        value = evaluated(row["python"])
        one._set(value, row["index"])
        assert one._get(-1).tolist() == [*value.tolist(), 0, 0], row
    assert count == (8 if np else 0)


def test_d79_every_recorded_dump_of_a_python_variable_is_printed():
    count = collections.Counter()
    for row in python_rows("py_dump"):
        bench = python_bench(row)
        (one,) = bench.variables
        one._updatePath(row["path"])
        dump, marked = one._getDumpValue(False), "defect" in row
        count[marked] += 1
        if not marked or row["variable"]["model"] == "Bytes":
            assert dump == row["text"], row
            continue
        shown_values, known = dump.split()[2:], row["text"].split()[2:]
        for value, other in zip(shown_values, known):
            # In usual notation, or as a number.
            swapped = "0x" + bytes.fromhex(other[2:])[::-1].hex() if other[:2] == "0x" else ""
            assert value == swapped or float(value) is not None, row
    assert count == {False: 26, True: 18}


def test_every_recorded_type_of_an_index_is_taken_or_refused():
    count = 0
    for row in python_rows("py_index_type"):
        bench = Bench(bytes(4), of_python_row(row))
        (one,), index = bench.variables, evaluated(row["index_python"])
        outcome = shown(one._get, index) if row["method"] == "_get" else shown(one._set, 3, index)
        assert outcome == recorded(row if "error" in row else row["get"]), row
        assert bench.image == row["staged"], row
        count += 1
    assert count == (14 if np else 12)


def test_every_recorded_limit_is_one_or_none():
    count = 0
    for row in rows("block_python_values", "py_limits"):
        if np is None and "np." in row["min_python"]:
            continue
        limits = [evaluated(row[name]) for name in ("min_python", "max_python")]
        one = variable(bits=8, minimum=limits[0], maximum=limits[1], overlap=True)
        bench = Bench(bytes(1), one)
        refused = [value for value in range(8) if message(one._set, value, -1)[0]]
        accepted, text = row["accepted"], row.get("text")
        if row["min_python"] == "np.int64(3)":
            # f155: Rogue takes it for no limit.
            accepted = [value for value in accepted if value >= 3]
            text = "Value range error for v. Value=0, Min=3.000000, Max=5.000000"
            text = "Block::setUInt: General Error: " + text
        assert [value for value in range(8) if value not in refused] == accepted, row
        if refused:
            assert message(one._set, refused[0], -1) == ("GeneralError", text), row
        assert bench is not None
        count += 1
    assert count == (7 if np else 5)


@pytest.mark.parametrize("kind", ["float32", "int16", "uint64", "Decimal", "Fraction"])
def test_f155_a_limit_of_any_kind_of_number_limits(kind):
    if kind in ("Decimal", "Fraction"):
        make = {"Decimal": decimal.Decimal, "Fraction": fractions.Fraction}[kind]
    else:
        make = getattr(pytest.importorskip("numpy"), kind)
    one = variable(bits=8, minimum=make(2), maximum=make(5), overlap=True)
    bench = Bench(bytes(1), one)
    for value, fits in [(1, False), (2, True), (5, True), (6, False), (200, False)]:
        assert (message(one._set, value, -1)[0] is None) == fits, value
    assert bench is not None


class Passing(Model):
    """Takes bytes for values."""

    def toBytes(self, value):
        return value

    def fromBytes(self, data):
        self.got = data
        return data


class Failing(Model):
    def toBytes(self, value):
        raise ValueError("no")

    def fromBytes(self, data):
        raise KeyError("k")


def test_every_recorded_model_of_a_program_converts():
    count = 0
    for row in rows("block_python_values", "py_model"):
        if np is None and "np." in row["python"]:
            continue
        shape = row["variable"]
        model = (Failing if row.get("get_error") else Passing)(
            MODELS[shape["model"]], shape["bits"], shape.get("byte_reverse", False)
        )
        elements = shape["num_values"]
        one = variable(bits=shape["bits"], model=model, count=elements, overlap=True)
        bench = Bench(bytes.fromhex(row["image"]), one)
        outcome = message(one._set, evaluated(row["python"]), row["index"])
        assert outcome == (row.get("error"), row.get("text")), row
        assert bench.image == row["staged"], row
        got = message(one._get, max(row["index"], 0) if elements else -1)
        assert got == (row.get("get_error"), row.get("get_text")), row
        if not got[0]:
            assert type(model.got).__name__ == row["from_bytes_argument_type"], row
            assert model.got.hex() == row["from_bytes_argument"], row
        count += 1
    assert count == (40 if np else 37)
