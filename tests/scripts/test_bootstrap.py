"""scripts/bootstrap on machines that lack something. The machine is a folder of programs: real ones
by links, pretended ones as small scripts; PATH holds nothing else."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]

# The environments for Python that bootstrap makes, and what lists their contents.
ENVIRONMENTS = {
    "cpython": TOP / "tests" / "python" / "requirements.txt",
    "pypy": TOP / "tests" / "python" / "requirements.txt",
    "lint": TOP / "scripts" / "requirements-lint.txt",
    "docs": TOP / "scripts" / "requirements-docs.txt",
    "package": TOP / "scripts" / "requirements-package.txt",
    "recipes": TOP / "scripts" / "requirements-recipes.txt",
}

ENVIRONMENT_OF_LEVEL = {"test": "cpython", "bench": "cpython", "lint": "lint", "docs": "docs"}

# What bootstrap itself uses, from the machine that runs the tests.
REAL = "bash cat chmod cut dirname env grep head mktemp rm sed sort tail".split()

TOOLS = {
    "cargo": "exit 0",
    "rustc": "echo 'rustc 1.90.0 (0123456 2030-01-01)'",
    "cmake": "echo 'cmake version 3.25.1'",
    "cc": "cat >/dev/null",
    "c++": "cat >/dev/null",
    "make": "exit 0",
    "clang": "exit 0",
    "clang++": "exit 0",
    "clang-format": "exit 0",
    "doxygen": "exit 0",
    "dpkg-shlibdeps": "exit 0",
    "lintian": "exit 0",
    "mmdebstrap": "exit 0",
    "nm": "exit 0",
    "readelf": "exit 0",
    "pkg-config": "exit 0",
    "valgrind": "exit 0",
    "ip": "exit 0",
    "tmux": "exit 0",
    "python3": "echo 3.11.2",
    "pypy3": "echo 3.9.16",
    "id": "echo 0",
    # Time passes only in the record.
    "sleep": 'echo "sleep $*" >>"$RECORD"',
}

# Records its call, and installs by making the programs of a package appear.
APT_GET = r"""
echo "apt-get DEBIAN_FRONTEND=$DEBIAN_FRONTEND $*" >>"$RECORD"
held=$(cat "$MACHINE/locks")
if [ "$held" -gt 0 ]; then
    echo $((held - 1)) >"$MACHINE/locks"
    echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1' >&2
    exit 100
fi
case " $* " in *' install '*) ;; *) exit 0 ;; esac
for word in "$@"; do
    for name in $(sed -n "s/^$word: //p" "$MACHINE/archive"); do
        printf '#!/bin/sh\nexit 0\n' >"$MACHINE/bin/$name"
        chmod +x "$MACHINE/bin/$name"
    done
done
"""


class Machine:
    """A pretended machine in a folder."""

    def __init__(self, folder, without=(), **changed):
        self.folder = pathlib.Path(folder)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        self.record = self.folder / "record"
        self.record.touch()
        (self.folder / "archive").write_text("valgrind: valgrind\nclang: clang clang++\n")
        self.hold_lock(0)
        for name, requirements in ENVIRONMENTS.items():
            ready = self.folder / "python" / name / "requirements"
            ready.parent.mkdir(parents=True)
            ready.write_bytes(requirements.read_bytes())
        for name in REAL:
            os.symlink(shutil.which(name), self.bin / name)
        tools = dict(TOOLS, **{"apt-get": APT_GET})
        tools.update({name.replace("_", "-"): body for name, body in changed.items()})
        for name, body in tools.items():
            if name not in without:
                path = self.bin / name
                path.write_text("#!/usr/bin/env bash\n" + body + "\n")
                path.chmod(0o755)

    def hold_lock(self, calls):
        """Somebody else holds the package manager's lock for so many calls."""
        (self.folder / "locks").write_text("%d\n" % calls)

    def bootstrap(self, level):
        """The exit status and everything that was said."""
        environment = {
            "PATH": str(self.bin),
            "MACHINE": str(self.folder),
            "RECORD": str(self.record),
            "ROGUE_MEM_APT_LOCK_WAIT_S": "20",
            "ROGUE_MEM_PYTHON_ENVIRONMENTS": str(self.folder / "python"),
        }
        done = subprocess.run(
            [str(TOP / "scripts" / "bootstrap"), level],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout

    def calls(self, word):
        """The recorded calls in which `word` stands."""
        return [line for line in self.record.read_text().splitlines() if word in line.split()]


class Bootstrap(unittest.TestCase):
    def machine(self, *arguments, **changed):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Machine(folder.name, *arguments, **changed)

    def test_nothing_is_installed_where_all_is_there(self):
        levels = "demo lint test bench docs wheel deb package-test recipes".split()
        for level in levels:
            machine = self.machine()
            status, said = machine.bootstrap(level)
            self.assertEqual(status, 0, said)
            self.assertEqual(machine.record.read_text(), "")

    def test_root_gets_exactly_what_is_missing(self):
        machine = self.machine(without=("valgrind", "clang++"))
        status, said = machine.bootstrap("test")
        self.assertEqual(status, 0, said)
        self.assertEqual(len(machine.calls("update")), 1)
        (install,) = machine.calls("install")
        self.assertIn("DEBIAN_FRONTEND=noninteractive", install)
        packages = install.split("--no-install-recommends")[1].split()
        self.assertEqual(packages, ["clang", "valgrind", "libc6-dbg"])

    def test_demo_asks_for_no_test_tools(self):
        unused = ("valgrind", "clang", "clang-format", "pkg-config", "python3")
        machine = self.machine(without=unused)
        status, said = machine.bootstrap("demo")
        self.assertEqual(status, 0, said)

    def test_a_user_is_told_the_command_and_nothing_is_tried(self):
        machine = self.machine(without=("valgrind",), id="echo 1000")
        status, said = machine.bootstrap("test")
        self.assertNotEqual(status, 0)
        self.assertIn("apt-get install --no-install-recommends valgrind libc6-dbg", said)
        self.assertEqual(machine.record.read_text(), "")

    def test_a_user_with_sudo_installs_through_it(self):
        sudo = '[ "$1" = -n ] && shift && echo "sudo $1" >>"$RECORD" && exec "$@"'
        machine = self.machine(without=("valgrind",), id="echo 1000", sudo=sudo + "; exit 1")
        (machine.bin / "true").symlink_to(shutil.which("true"))
        status, said = machine.bootstrap("test")
        self.assertEqual(status, 0, said)
        self.assertEqual(len(machine.calls("install")), 1)
        self.assertEqual(len(machine.calls("sudo")), 3)

    def test_a_held_lock_is_waited_for(self):
        machine = self.machine(without=("valgrind",))
        machine.hold_lock(2)
        status, said = machine.bootstrap("test")
        self.assertEqual(status, 0, said)
        self.assertEqual(len(machine.calls("sleep")), 2)

    def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(self):
        machine = self.machine(without=("valgrind",))
        machine.hold_lock(1000)
        status, said = machine.bootstrap("test")
        self.assertNotEqual(status, 0)
        self.assertIn("Could not get lock", said)
        self.assertLess(len(machine.calls("sleep")), 20)

    def test_a_package_that_does_not_help_is_reported(self):
        machine = self.machine(without=("pkg-config",))
        status, said = machine.bootstrap("test")
        self.assertNotEqual(status, 0)
        self.assertIn("pkg-config was installed, but its check still fails", said)

    def test_without_apt_the_packages_are_named(self):
        machine = self.machine(without=("apt-get", "cmake"))
        status, said = machine.bootstrap("demo")
        self.assertNotEqual(status, 0)
        self.assertIn("missing: cmake", said)

    def test_an_old_cmake_counts_as_missing(self):
        machine = self.machine(cmake="echo 'cmake version 3.9.2'")
        status, said = machine.bootstrap("demo")
        self.assertNotEqual(status, 0)
        self.assertEqual(len(machine.calls("install")), 1, said)

    def test_rust_is_asked_for_by_its_version(self):
        status, said = self.machine(without=("cargo",)).bootstrap("demo")
        self.assertNotEqual(status, 0)
        self.assertIn("rustup.rs", said)
        status, said = self.machine(rustc="echo 'rustc 1.60.0 (0 2022-04-04)'").bootstrap("demo")
        self.assertNotEqual(status, 0)
        self.assertIn("rustc is 1.60.0", said)

    def test_lint_asks_for_the_components_of_the_toolchain(self):
        machine = self.machine(cargo='[ "$1" = fmt ]')
        status, said = machine.bootstrap("lint")
        self.assertNotEqual(status, 0)
        self.assertIn("rustup component add clippy", said)
        self.assertNotIn("rustfmt", said)

    def test_lint_asks_for_its_own_packages(self):
        machine = self.machine(without=("python3", "clang-format", "valgrind"), id="echo 1000")
        status, said = machine.bootstrap("lint")
        self.assertNotEqual(status, 0)
        packages = said.split("--no-install-recommends")[1].split()
        self.assertEqual(packages, ["clang-format", "python3", "python3-venv"])

    def test_a_python_that_is_too_old_is_told(self):
        for level in ("lint", "test", "bench", "docs"):
            machine = self.machine(python3="echo 3.8.10")
            status, said = machine.bootstrap(level)
            self.assertNotEqual(status, 0)
            self.assertIn("python3 is 3.8.10, but 3.9 or later is needed", said)

    def python_that_makes_environments(self, pip_status):
        """Records what it and the environment's interpreter are called with."""
        return r"""
            echo "python3 $*" >>"$RECORD"
            [ "$2" = venv ] || { echo 3.11.2; exit 0; }
            MKDIR -p "$3/bin"
            printf '#!/bin/sh\necho "pip $*" >>"$RECORD"\necho no index >&2\nexit STATUS\n' \
                >"$3/bin/python"
            chmod +x "$3/bin/python"
            """.replace("MKDIR", shutil.which("mkdir")).replace("STATUS", str(pip_status))

    def test_an_environment_that_is_missing_or_old_is_made_once(self):
        for level, name in ENVIRONMENT_OF_LEVEL.items():
            machine = self.machine(python3=self.python_that_makes_environments(0))
            folder = machine.folder / "python" / name
            (folder / "requirements").write_text("something older\n")
            for _ in range(2):
                status, said = machine.bootstrap(level)
                self.assertEqual(status, 0, said)
            made = [call for call in machine.calls("venv") if call.startswith("python3 -m venv")]
            self.assertEqual(made, ["python3 -m venv %s" % folder], machine.record.read_text())
            (install,) = machine.calls("install")
            self.assertTrue(install.startswith("pip -m pip install"), install)
            self.assertIn(str(ENVIRONMENTS[name]), install)

    def test_an_environment_that_cannot_be_filled_is_told(self):
        for level, name in (("test", "cpython"), ("lint", "lint")):
            machine = self.machine(python3=self.python_that_makes_environments(1))
            (machine.folder / "python" / name / "requirements").unlink()
            status, said = machine.bootstrap(level)
            self.assertNotEqual(status, 0)
            self.assertIn("no index", said)
            self.assertIn("could not be made", said)

    def test_an_unknown_level_is_refused(self):
        status, said = self.machine().bootstrap("everything")
        self.assertEqual(status, 2)
        self.assertIn("usage:", said)


if __name__ == "__main__":
    unittest.main()
