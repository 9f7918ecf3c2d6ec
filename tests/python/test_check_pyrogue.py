"""scripts/check-pyrogue, on invented checkouts: what it counts, names and expects."""

import subprocess
import sys

from support import HANG_S, TOP

FILES = {
    "test_memory_transport.py": """
def test_good():
    pass

def test_bad():
    assert 1 == 2
""",
    "test_stream_x.py": """
import pytest

@pytest.mark.parametrize("value", [1, 2])
def test_known(value):
    assert value == 2

def test_left_out():
    pytest.skip("no hardware")
""",
    "test_zmq_crash.py": """
import os

def test_good():
    pass

def test_crash():
    os.abort()
""",
    "test_fifo_late.py": """
import pathlib

def test_late():
    place = pathlib.Path(__file__).with_name("begun")
    begun = place.exists()
    place.touch()
    assert begun
""",
    "test_import.py": """
import of_nothing
""",
    "test_pyrogue.py": """
import os
import pyrogue

def test_the_pyrogue_of_the_checkout_is_used():
    assert pyrogue.IS_INVENTED
    assert not os.path.exists(os.path.join(os.path.dirname(pyrogue.__path__[0]), "rogue.py"))
""",
}

KNOWN = """
## A detail of the reference
tests/test_stream_x.py::test_known(*)
tests/test_import.py
"""


def check(checkout, *arguments, known=KNOWN):
    (checkout / "known.txt").write_text(known)
    done = subprocess.run(
        [
            sys.executable,
            str(TOP / "scripts" / "check-pyrogue"),
            "--python=" + sys.executable,
            "--build-dir=" + str(checkout / "build"),
            "--known=" + str(checkout / "known.txt"),
            *arguments,
            str(checkout),
        ],
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    return done.returncode, done.stdout, done.stderr


def invented(folder):
    (folder / "python" / "pyrogue").mkdir(parents=True)
    (folder / "python" / "pyrogue" / "__init__.py").write_text("IS_INVENTED = True\n")
    (folder / "python" / "rogue.py").write_text("raise ImportError('a compiled rogue')\n")
    (folder / "tests").mkdir()
    for name, text in FILES.items():
        (folder / "tests" / name).write_text(text)
    return folder


def test_what_fails_is_counted_by_group_and_named(tmp_path):
    status, out, error = check(invented(tmp_path))
    assert status == 1, error
    rows = {line[:24].strip(): line[24:].split() for line in out.splitlines()[:6]}
    assert rows == {
        "group": ["passed", "failed", "known", "to", "fail", "skipped"],
        "bus and SRP": ["1", "1", "0", "0"],
        "remote access": ["1", "1", "0", "0"],
        "streams and protocols": ["2", "0", "1", "1"],
        "tree": ["1", "0", "1", "0"],
        "all": ["5", "2", "2", "1"],
    }
    assert "  tests/test_memory_transport.py::test_bad: assert 1 == 2\n" in out
    assert "  tests/test_zmq_crash.py::test_crash: the process ended with -6\n" in out
    expected = out.partition("known to fail: A detail of the reference\n")[2]
    assert "  tests/test_stream_x.py::test_known[1]\n" in expected
    assert "passed at the second attempt\n  tests/test_fifo_late.py::test_late\n" in out
    assert "known to fail, but passed\n  tests/test_stream_x.py::test_known[2]\n" in out


def test_only_what_is_expected_fails(tmp_path):
    status, out, error = check(invented(tmp_path), "--only=import", "--only=pyrogue")
    assert status == 0, error
    assert out.splitlines()[-2:] == [
        "known to fail: A detail of the reference",
        "  tests/test_import.py",
    ]


def test_what_is_no_checkout_is_not_tested(tmp_path):
    (tmp_path / "tests").mkdir()
    status, out, error = check(tmp_path)
    assert (status, out) == (2, "") and "it is no checkout of Rogue" in error
    status, _, error = check(invented(tmp_path / "whole"), "--only=nothing")
    assert status == 2 and "no file of tests" in error
