"""The package itself: its files, errors, version, logging, other packages."""

import logging
import os
import pathlib
import re
import subprocess
import sys

import pytest
import rogue
import rogue.interfaces.memory as rim
from rogue._impl import native, table

from support import IS_CPYTHON, LONG_US, TOP, logged_by, run


def test_the_declarations_are_those_of_the_header():
    if not IS_CPYTHON:
        assert native.lib.rogue_mem_version_number()
        return
    done = subprocess.run(
        [sys.executable, str(TOP / "python" / "declare.py"), "--check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_table_names_the_members_of_the_structures():
    for kind, names in {**table.OPTIONS, **table.STATISTICS}.items():
        members = [name for name, _ in native.ffi.typeof(kind).fields if name != "reserved"]
        assert members == ["size", *names], kind
    for choice, values in table.CHOICES.items():
        for name, number in values.items():
            constant = "ROGUE_MEM_%s_%s" % (choice.upper(), name.upper())
            assert getattr(native.lib, constant) == number


#: Uses classes that the library does not have.
DERIVING = """
from __future__ import annotations

import rogue.interfaces
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.udp
import rogue.utilities.fileio


class Link(rogue.protocols.udp.Client):
    def __init__(self) -> None:
        super().__init__("127.0.0.1", 9000, True)
        self.limit: int = self.maxPayload()


class Virtual(rogue.interfaces.ZmqClient):
    def __new__(cls, addr: str, port: int) -> Virtual:
        return super().__new__(cls, addr, port)


class Bank(rim.Block):
    pass


class Bridge(ris.TcpClient):
    pass


def connect(link: Link, bank: Bank, writer: rogue.utilities.fileio.StreamWriter | None) -> None:
    source: ris.Master = link
    source >> Bridge("127.0.0.1", 9000)
    master: rim.Master = bank
    master >> rim.Emulate(4, 0)
"""

#: Program: its findings.
TYPED = {
    "import rogue.interfaces.memory as rim\nrim.Master()._setTimeout('long')\n": "[arg-type]",
    DERIVING: "no issues",
    # A class that the library lacks is a class, and not Any.
    DERIVING + "    link = bank\n": "[assignment]",
    DERIVING + "    writer.open('file')\n": "[union-attr]",
}


def type_check(cache, *files):
    """The output of mypy for the files."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-namespace-packages"]
    done = subprocess.run(
        [*command, "--cache-dir", str(cache), *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == (0 if "no issues" in done.stdout else 1), done.stdout
    return done.stdout


def test_programs_that_use_the_package_pass_a_type_checker(tmp_path):
    if not IS_CPYTHON:
        assert (pathlib.Path(rogue.__file__).parent / "py.typed").exists()
        return
    examples = sorted((TOP / "examples" / "python").glob("*.py"))
    assert examples
    said = type_check(tmp_path, *examples)
    assert "no issues" in said, said
    for number, (source, expected) in enumerate(TYPED.items()):
        program = tmp_path / ("program_%d.py" % number)
        program.write_text(source)
        said = type_check(tmp_path, program)
        assert expected in said and said.count("error:") == (expected != "no issues"), said


TUTORIALS = sorted(path.name for path in (TOP / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/python.md",
        "python/README.md",
        *("docs/tutorials/" + t for t in TUTORIALS),
    ],
)
def test_the_programs_that_the_pages_show_run(page, tmp_path):
    text = (TOP / page).read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(shown) == (2 if page == "docs/python.md" else 1)
    # One that names a machine is used on this one, and one that maps a device maps a file.
    server = rim.TcpServer("127.0.0.1", 0)
    server >> rim.Emulate(4, 0)
    device = tmp_path / "registers"
    device.write_bytes(bytes(0x10000))
    for source in shown:
        for machine in ("192.168.1.20", "127.0.0.1"):
            source = source.replace('"%s", 9000' % machine, '"127.0.0.1", %d' % server.getPort())
        source = source.replace(
            '0x43C00000, 0x10000, path="/dev/mem"', "0, 0x10000, path=%r" % str(device)
        )
        status, _, error = run(source)
        assert status == 0, error
    server._stop()


FROZEN = """
import rogue.interfaces.memory as rim

master, memory = rim.Master(), rim.Emulate(4, 4096)
master >> memory
rim.write(master, 0x100, b"1234")
print(rim.read(master, 0x100, 4).decode(), rim.__file__)
"""


def test_f25_a_program_made_by_pyinstaller_has_the_library_with_it(tmp_path):
    if not IS_CPYTHON:
        pytest.skip("PyInstaller packs CPython")
    (tmp_path / "program.py").write_text(FROZEN)
    command = [sys.executable, "-m", "PyInstaller", "--log-level=WARN", "--exclude-module=numpy"]
    done = subprocess.run(
        [*command, "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    place = tmp_path / "dist" / "program"
    done = subprocess.run(
        [str(place / "program")],
        env={},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    value, where = done.stdout.split()
    assert value == "1234" and where.startswith(str(place))


def test_importing_is_enough_to_reach_everything_and_says_nothing():
    status, out, error = run("""
        import sys, rogue
        rogue.interfaces.memory.Emulate(4, 4)
        rogue.protocols.srp.SrpV3()
        import rogue.protocols.udp as rpu
        assert rpu is rogue.protocols.udp
        assert "numpy" not in sys.modules and "asyncio" in sys.modules
        """)
    assert (status, out, error) == (0, "", "")


FOREIGN = {
    "a part of another package is loaded": """
        import sys, types
        other = types.ModuleType("rogue.interfaces")
        other.__file__ = "/usr/lib/rogue.so"
        sys.modules["rogue.interfaces"] = other
        import rogue
        """,
    "it is not imported by its name": """
        import importlib.util, sys
        place = importlib.util.find_spec("rogue").origin
        spec = importlib.util.spec_from_file_location("other", place)
        module = importlib.util.module_from_spec(spec)
        sys.modules["other"] = module
        spec.loader.exec_module(module)
        """,
    "another package has its name": """
        import importlib.util, sys, types
        place = importlib.util.find_spec("rogue").origin
        sys.modules["rogue"] = types.ModuleType("rogue")
        spec = importlib.util.spec_from_file_location("rogue_mem_py", place)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        """,
}


@pytest.mark.parametrize("case", sorted(FOREIGN))
def test_a_foreign_rogue_is_refused(case):
    status, _, error = run(FOREIGN[case])
    assert status == 1
    last = error.strip().splitlines()[-1]
    assert last.startswith("ImportError") and "rogue" in last


def test_a_library_that_cannot_be_loaded_is_named():
    status, _, error = run("import rogue", environment={"ROGUE_MEM_LIBRARY": "/nowhere/lib.so"})
    assert status == 1 and "/nowhere/lib.so" in error and "ROGUE_MEM_LIBRARY" in error


# --- errors ---------------------------------------------------------------------------------------


def test_an_error_names_its_source_and_the_class_keeps_the_cause():
    with pytest.raises(rogue.GeneralError) as raised:
        rim.TcpServer("no.such.host.invalid", 0)
    text = str(raised.value)
    source, _, rest = text.partition(": General Error: ")
    assert source and rest and raised.value.args == (text,)
    cause = rogue.GeneralError.cause
    assert cause.name == "ROGUE_MEM_ERROR_RESOLVE" and cause.status == 201
    assert cause.source == source and cause.text == rest
    assert rogue.GeneralError.__bases__ == (Exception,)
    assert rogue.GeneralError.__module__ == "rogue"


def test_programs_may_raise_it_with_any_arguments():
    for arguments in ((), ("one",), ("source", "text"), (1, 2, 3)):
        error = rogue.GeneralError(*arguments)
        assert error.args == arguments


# --- version --------------------------------------------------------------------------------------


def test_f28_programs_that_need_a_version_of_rogue_get_an_answer_about_rogue():
    version = rogue.Version
    version.minVersion("6.0.0")
    version.maxVersion("6.999.0")
    assert version.greaterThanEqual("6.0.0") and version.lessThan("7.0.0")
    assert version.major() == 6 and version.current().startswith("v6.")
    with pytest.raises(rogue.GeneralError, match="Installed rogue is less than minimum version"):
        version.minVersion("7.0.0")
    # The library's own version is independent.
    number = native.lib.rogue_mem_version_number()
    own = "%d.%d.%d" % (number >> 16, number >> 8 & 0xFF, number & 0xFF)
    assert rogue.rogue_mem_version() == own == rogue.__version__


def test_versions_are_compared_by_their_three_numbers():
    version = rogue.Version
    mine = (version.major(), version.minor(), version.maint())
    text = "%d.%d.%d" % mine
    assert version.current() == "v" + text
    assert version.pythonVersion().startswith(text)
    newer = "%d.%d.%d" % (mine[0], mine[1], mine[2] + 1)
    assert version.greaterThanEqual(text) and version.lessThanEqual(text)
    assert not version.greaterThan(text) and not version.lessThan(text)
    assert version.lessThan(newer) and not version.greaterThanEqual(newer)
    assert version.greaterThan("0.0.0") and version.lessThan("1000.0.0")
    version.minVersion("0.0.1")
    version.maxVersion(newer)
    version.exactVersion("v" + text)
    for call, argument in (
        (version.minVersion, newer),
        (version.maxVersion, "0.0.1"),
        (version.exactVersion, newer),
    ):
        with pytest.raises(rogue.GeneralError, match="Installed rogue is"):
            call(argument)


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.3-", "1.2.3 "])
def test_a_version_that_is_none_is_refused(text):
    with pytest.raises(rogue.GeneralError, match="Version:extract"):
        rogue.Version.lessThan(text)


def test_sleeping_lets_other_threads_run():
    import threading

    done = threading.Event()
    worker = threading.Thread(target=done.set)
    worker.start()
    rogue.Version.sleep(0)
    rogue.Version.usleep(1)
    assert done.wait(10)
    worker.join()


# --- logging --------------------------------------------------------------------------------------

LOGGING = """
    import rogue, rogue.interfaces.memory as rim
    rogue.Logging.setFilter("memory.Emulate", rogue.Logging.Debug)
    master, memory = rim.Master(), rim.Emulate(4, 4096)
    master >> memory
    rim.write(master, 0x1000, bytes(4))
    """


def test_what_passes_the_filter_is_written_in_rogues_form():
    status, out, error = run(LOGGING)
    assert (status, error) == (0, "")
    lines = out.splitlines()
    assert lines and all(
        re.fullmatch(r"\d+\.\d{6}:pyrogue\.memory\.Emulate: .+", line) for line in lines
    ), out
    assert any("Allocating block at 0x" in line and "Total Size" in line for line in lines)


def test_standard_output_can_be_switched_off():
    status, out, _ = run(
        "import rogue\nrogue.Logging.setEmitStdout(False)" + LOGGING.replace("\n    ", "\n")
    )
    assert (status, out) == (0, "")


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def forwarding():
    handler = Records()
    with logged_by(handler):
        yield handler


def log_something():
    master = rim.Master()
    master._setTimeout(LONG_US)
    master >> rim.Emulate(4, 4096)
    rim.write(master, 0x5000, bytes(4))


def test_messages_reach_pythons_logging_with_all_fields(forwarding, capfd):
    import os
    import threading

    assert rogue.Logging.forwardPython() and not rogue.Logging.emitStdout()
    log_something()
    found = [r for r in forwarding.records if "Allocating block at 0x5000" in r.getMessage()]
    assert len(found) == 1, [r.getMessage() for r in forwarding.records]
    record = found[0]
    assert record.name == record.rogue_logger == "pyrogue.memory.Emulate"
    assert record.levelno == logging.DEBUG and record.levelname == "DEBUG"
    assert record.pathname == record.filename == record.funcName == "<rogue>"
    assert record.module == "rogue" and record.threadName == "rogue"
    assert record.processName == "rogue" and record.relativeCreated == 0.0
    assert record.lineno == 0 and record.exc_info is None and record.args == ()
    assert record.rogue_cpp is True and record.rogue_pid == record.process == os.getpid()
    assert record.rogue_tid == threading.get_native_id()
    assert record.rogue_component == "memory"
    assert abs(record.rogue_timestamp - record.created) < 1e-6
    rogue.Logging.setForwardPython(False)
    assert not rogue.Logging.forwardPython()
    before = len(forwarding.records)
    log_something()
    assert len(forwarding.records) == before
    assert capfd.readouterr().out == ""


def test_a_handler_that_fails_is_printed_and_does_no_harm(forwarding, capfd):
    def fail(record):
        raise ValueError("broken handler")

    forwarding.emit = fail
    log_something()
    said = capfd.readouterr().err
    assert "broken handler" in said and "Traceback" in said


def test_names_of_loggers_are_normalised():
    normal = rogue.Logging.normalizeName
    assert normal("memory.Emulate") == "pyrogue.memory.Emulate"
    assert normal("pyrogue.x") == "pyrogue.x" and normal("pyrogue") == "pyrogue"
    assert normal("pyroguex") == "pyrogue.pyroguex"


@pytest.mark.parametrize(
    "head, platform, words",
    [
        (b"\x7fELF\2\1\1" + bytes(11) + b"\xb7\0", "linux_x86_64", "for aarch64, and"),
        (b"\x7fELF\2\2\1" + bytes(11) + b"\0\x16", "linux_aarch64", "for s390x, and"),
        (b"\x7fELF\2\1\1" + bytes(11) + b"\x34\x12", "linux_x86_64", "for another machine"),
        (b"something else", "linux_x86_64", "no ELF file"),
    ],
)
def test_f97_a_library_of_another_machine_gets_into_no_wheel(tmp_path, head, platform, words):
    if not IS_CPYTHON:
        pytest.skip("the wheel is the same")
    library, out = tmp_path / "librogue_mem.so", tmp_path / "out"
    library.write_bytes(head)
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build", "--build-base", str(out)]
        + ["bdist_wheel", "--plat-name", platform, "--dist-dir", str(out)]
        + ["--bdist-dir", str(out / "wheel"), "egg_info", "--egg-base", str(tmp_path)],
        cwd=str(TOP / "python"),
        env=dict(os.environ, ROGUE_MEM_LIBRARY=str(library)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode != 0 and words in done.stdout, done.stdout
    assert not list(out.glob("*.whl"))
