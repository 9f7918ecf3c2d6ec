#!/usr/bin/env python3
"""Data files: a source of frames is recorded, through a queue so that it does not wait for the
disk, in a series of files of at most 256 KiB. Then the files are read, and every frame is checked.

Takes a path for the files or, without one, removes them in the end. Ends with 0 if all went as
expected.
"""

import os
import sys
import tempfile

import rogue.interfaces.stream as ris
import rogue.utilities
import rogue.utilities.fileio

FRAMES = 200
FRAME_BYTES = 4096
TIMEOUT_US = 60_000_000


def record(path: str) -> None:
    source = rogue.utilities.Prbs()
    writer = rogue.utilities.fileio.StreamWriter()
    writer.setBufferSize(64 * 1024)
    writer.setMaxSize(256 * 1024)
    writer.open(path)
    # Its end raises if anything could not be written, a full disk for example.
    with ris.Fifo(0, 0, True) as queue, writer:
        source >> queue >> writer.getChannel(1)
        for _ in range(FRAMES):
            source.genFrame(FRAME_BYTES)
        # The queue delivers from a thread of its own.
        if not writer.waitFrameCount(FRAMES, TIMEOUT_US):
            raise RuntimeError("the frames do not arrive")
    files = writer.getStats()["files"]
    print(
        f"recorded {writer.getFrameCount()} frames, {writer.getTotalSize()} bytes in {files} files"
    )


def check(path: str) -> bool:
    checker = rogue.utilities.Prbs()
    reader = rogue.utilities.fileio.StreamReader()
    reader >> checker
    reader.open(path + ".1")  # and .2, .3 ...
    reader.closeWait()
    good, bad = checker.getRxCount(), checker.getRxErrors()
    print(f"read {good} good frames, {bad} bad ones", reader.getError())
    return (good, bad) == (FRAMES, 0)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder, "data")
        record(path)
        return 0 if check(path) else 1


if __name__ == "__main__":
    sys.exit(main())
