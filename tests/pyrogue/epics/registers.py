"""The registers of the check: 1000 in ten boards, what each has in a round, and its bytes."""

from __future__ import annotations

import struct
from typing import NamedTuple, Union

Value = Union[int, float, bool, str]

BOARDS = 10
BOARD_BYTES = 0x400
LABEL_BYTES = 16
MODES = ("Off", "Run", "Calibrate", "Hold")
#: The kinds that EPICS publishes as a choice, with the texts.
CHOICES = {"mode": MODES, "gate": ("False", "True")}


class Register(NamedTuple):
    name: str  # below its board
    kind: str  # the key of FORMATS
    offset: int  # bytes, in the board
    bit: int = 0


#: How a register lies in memory, little endian. A mode has two bits of its word, a gate has one.
FORMATS = {
    "word": "<I",
    "byte": "<B",
    "short": "<h",
    "gain": "<f",
    "ratio": "<d",
    "stamp": "<Q",
    "mode": "<I",
    "gate": "<I",
    "label": f"<{LABEL_BYTES}s",
}

#: A hundred to a board. Bytes and shorts share words, as mode and gate do.
BOARD = (
    *(Register(f"Word{n:02}", "word", 4 * n) for n in range(80)),
    *(Register(f"Byte{n}", "byte", 0x140 + n) for n in range(8)),
    *(Register(f"Short{n}", "short", 0x150 + 2 * n) for n in range(4)),
    *(Register(f"Gain{n}", "gain", 0x160 + 4 * n) for n in range(2)),
    *(Register(f"Ratio{n}", "ratio", 0x170 + 8 * n) for n in range(2)),
    Register("Stamp", "stamp", 0x180),
    Register("Mode", "mode", 0x190),
    Register("Gate", "gate", 0x190, bit=8),
    Register("Label", "label", 0x1A0),
)

PLACES = [(board, register) for board in range(BOARDS) for register in BOARD]


def value(place: int, turn: int) -> Value:
    """What the register at PLACES[place] has in a round: a value of its own that the next round
    changes."""
    kind = PLACES[place][1].kind
    if kind == "word":
        # 31 bits: epicsV7 publishes unsigned words as records of 32 bits with a sign.
        return (place * 2_000_003 + turn * 7_919) & 0x7FFF_FFFF
    if kind == "byte":
        return (place * 29 + turn) & 0xFF
    if kind == "short":
        return (place * 977 + turn) % 0x1_0000 - 0x8000
    if kind == "gain":
        return place / 4 + turn
    if kind == "ratio":
        return place / 8 + turn
    if kind == "stamp":
        return (place << 40) + turn
    if kind == "mode":
        return (place // len(BOARD) + turn) % len(MODES)
    if kind == "gate":
        return (place // len(BOARD) + turn) % 2 == 1
    return f"{place} in {turn}"


def image(turn: int) -> bytes:
    """The memory behind all registers in a round. Bits of no register are zero."""
    memory = bytearray(BOARDS * BOARD_BYTES)
    for place, (board, register) in enumerate(PLACES):
        held = value(place, turn)
        if isinstance(held, str):
            held = held.encode()
        elif isinstance(held, int):
            held = int(held) << register.bit
        field = struct.pack(FORMATS[register.kind], held)
        start = board * BOARD_BYTES + register.offset
        for at, byte in enumerate(field, start):
            memory[at] |= byte
    return bytes(memory)
