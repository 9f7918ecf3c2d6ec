"""Blocks and variables as the recorded lines of typed registers describe them, and such a line with
what holds in place of Rogue's defects."""

import json

import rogue.interfaces.memory as rim

from support import TOP

MODELS = {
    name: getattr(rim, name)
    for name in (
        *("PyFunc", "Bytes", "UInt", "Int", "Bool", "String", "Float", "Double", "Fixed"),
        *("UFixed", "Float16", "Float8", "BFloat16", "TensorFloat32", "Float6", "Float4"),
        "Custom",
    )
}


class Model:
    """What a variable asks of its model: numbers, and integers of any width as bytes."""

    def __init__(self, id=rim.UInt, bits=32, big_endian=False, bin_point=0):
        self.modelId, self.isBigEndian, self.binPoint = id, big_endian, bin_point
        self.bitReverse = False
        self._bits, self._signed = bits, id == rim.Int

    def toBytes(self, value):
        return int(value).to_bytes(-(-self._bits // 8), "little", signed=self._signed)

    def fromBytes(self, data):
        value = int.from_bytes(data, "little")
        return value - (1 << self._bits) if self._signed and value >> (self._bits - 1) else value


class ListData:
    """What a variable asks of the description of its list."""

    def __init__(self, count=0, bits=0, stride=None):
        self.numValues, self.valueBits = count, bits
        self.valueStride = bits if stride is None else stride


def variable(
    name="v",
    bit=0,
    bits=32,
    model=rim.UInt,
    mode="RW",
    minimum=None,
    maximum=None,
    offset=0,
    overlap=False,
    verify=True,
    bulk=True,
    notify=False,
    count=0,
    stride=None,
    retries=0,
    kind=rim.Variable,
    **options,
):
    """A variable of one part, or a list of elements of `bits` bits."""
    if not hasattr(model, "modelId"):
        model = Model(model, bits, **options)
    sizes = [count * (stride or bits)] if count else [bits]
    flags = overlap, verify, bulk, notify
    shape = ListData(count, bits, stride)
    return kind(
        *(name, mode, minimum, maximum, offset, [bit], sizes),
        *(*flags, model, shape, retries),
    )


def of_row(row, model=None, overlap=None, **parts):
    """The variable that a line describes."""
    count = row.get("num_values", 0)
    bits = row["value_bits"] if count else 0
    offsets, sizes = row.get("bit_offset", 0), row.get("bit_size", 1)
    offsets = offsets if isinstance(offsets, list) else [offsets]
    sizes = sizes if isinstance(sizes, list) else [sizes]
    id = MODELS[row.get("model", "UInt")]
    big, point = row.get("byte_reverse", False), row.get("bin_point", 0)
    return parts.get("kind", rim.Variable)(
        row.get("name", "v"),
        row.get("mode", "RW"),
        row.get("min", 0),
        row.get("max", 0),
        row.get("offset", 0),
        offsets,
        sizes,
        row.get("overlap_en", False) if overlap is None else overlap,
        row.get("verify", True),
        row.get("bulk_op_en", True),
        row.get("update_notify", False),
        model or Model(id, bits if count else sum(sizes), big, point),
        ListData(count, bits, row.get("value_stride", 0)),
        row.get("retry_count", 0),
    )


class Bench:
    """A block with a variable, beside which the test sees and sets all bytes."""

    def __init__(self, image, *variables):
        self.block, self.variables = rim.Block(0x100, len(image)), variables
        # Only read, so that its bytes do not count as staged.
        whole = {"mode": "RO", "overlap": True}
        self.all = variable("all", 0, 8 * len(image), rim.Bytes, **whole)
        self.block.addVariables([*variables, self.all])
        self.all._set(image, -1)

    @property
    def image(self):
        return self.all._get(-1).hex()


def _lines(name):
    lines = (TOP / "tests" / "vectors" / (name + ".jsonl")).read_text().splitlines()
    return [json.loads(line) for line in lines]


def _replace(row, better):
    """`row` with the members of `better`; null removes one."""
    replaced = {**row, **better}
    return {key: value for key, value in replaced.items() if value is not None or key not in better}


def rows(name, *kinds, mended=True):
    """The lines of a file; if `mended`, with what holds in place of Rogue's defects."""
    found = _lines(name)
    for better in _lines("block_better") if mended else ():
        if better.pop("file") != name:
            continue
        at = better.pop("line") - 1
        steps = better.pop("steps", {})
        found[at] = _replace(found[at], better)
        for step, members in steps.items():
            found[at]["steps"][int(step)] = _replace(found[at]["steps"][int(step)], members)
    return [row for row in found if row["kind"] in kinds]


def message(function, *arguments):
    """The class and the text of the exception that a call raises; None twice if it raises none."""
    try:
        function(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)
    return None, None
